"""From a final report to its correction, and on to the next inspection: release, versions, register."""

import contextlib
import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import pandas as pd
import pytest
import yaml
from docx import Document
from forces import crimes, parameters, write_force
from test_report import page_text, pdf_text

from cdi_lib.inspection.parameters import load_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.results import read_results
from cdi_lib.pipeline import fingerprint, front, versions
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.pipeline.build import build_report, lacking
from cdi_lib.report.docx import word_copy

AREA = {"text": "record crime in time", "elements": ["timeliness"]}
WHOLE = AREA | {
    "id": "AFI 1",
    "owner": "Head of crime",
    "deadline": "2023-03-31",
    "cause": "Officers wait for a supervisor",
}
FINAL = {
    "title": "Crime data integrity inspection 2022",
    "date": "2022-09-01",
    "status": "final",
    "version": "1.0",
    "contact": {"name": "Lead Analyst", "address": "analyst@example.org"},
    "pre_release": ["Chief constable", "Police and crime commissioner"],
}


class Force:
    """An audit with real records, as far as a test has them, whose parameters change."""

    def __init__(self, folder):
        self.params, self.reports = folder / "params", folder / "reports"
        self.content = parameters(records={"status": "audit"}, publication=dict(FINAL), areas_for_improvement=[WHOLE])
        self.crimes = crimes(
            {"violence": 200, "sexual": 80, "other": 160}, {"violence": 180, "sexual": 76, "other": 150}
        )

    def change(self, **publication):
        self.content["publication"] |= publication

    def build(self):
        write_force(self.params, "testshire", self.content, {"crimes": self.crimes.drop(columns="stratum")})
        return build_report("testshire", "pandoc", self.params, self.reports, commit="0" * 40).folder


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The folder of a report that was corrected once, and what was said on the way."""
    force = Force(tmp_path_factory.mktemp("versions"))
    force.build()
    (force.reports / "index.html").unlink(missing_ok=True)
    said = {}
    missed = force.crimes.index[5]
    force.crimes.loc[missed, ["recorded", "recorded_as", "recorded_at"]] = ["no", "nothing", ""]
    with pytest.raises(InputError) as caught:
        force.build()
    said["same version"] = str(caught.value)
    force.change(version="1.1")
    with pytest.raises(InputError) as caught:
        force.build()
    said["without a reason"] = str(caught.value)
    reason = "One crime was counted as recorded that was not."
    force.change(corrections=[{"version": "1.1", "date": "2022-10-01", "reason": reason}])
    return force, force.build(), said


def test_other_figures_need_another_version_and_a_reason(walked):
    _, _, said = walked
    assert "figures differ from what was published; expected a later version" in said["same version"]
    assert "expected an entry of this version in publication.corrections" in said["without a reason"]


def test_the_notice_names_each_changed_figure_and_links_the_earlier_version(walked):
    _, report, _ = walked
    earlier = json.loads((report / "versions" / "1.0" / "results.json").read_text("utf-8"))
    assert earlier["publication"]["version"] == "1.0" and (report / "versions" / "1.0" / "report.pdf").is_file()
    for text in (page_text(report), pdf_text(report)):
        for words in (
            "Corrected.",
            "One crime was counted as recorded that was not.",
            "Recording rate, violence: 89.5% (was 90.0%)",
        ):
            assert words in text, words
    assert 'href="versions/1.0/index.html"' in (report / "index.html").read_text("utf-8")


def test_a_second_build_keeps_versions_and_notice(walked):
    force, report, _ = walked
    before = fingerprint.outputs(report)
    assert fingerprint.outputs(force.build()) == before


def test_a_reconstruction_may_move(walked):
    force, report, _ = walked
    audit, earlier = read_audit("testshire", force.params), report / "versions" / "1.0" / "results.json"
    corrected = read_results(report / "results.json")
    publication = audit.inspection.publication.model_copy(update={"corrections": (), "version": "1.2"})
    for status in ("audit", "reconstruction"):
        records = audit.inspection.records.model_copy(update={"status": status})
        inspection = audit.inspection.model_copy(update={"publication": publication, "records": records})
        silent = replace(audit, inspection=inspection)
        with pytest.raises(InputError) if status == "audit" else contextlib.nullcontext():
            versions.check_corrected(silent, corrected, report, earlier)


def test_the_next_inspection_carries_the_register_on(walked, tmp_path):
    force, _, _ = walked
    previous = {"year": 2022, "audited_crimes": 440, "recorded_crimes": 405, "representative": True, "status": "published",
                "source": "report of 2022", "parameters": "testshire"}  # fmt: skip
    content = parameters(previous_inspection=previous, records={"status": "audit"})
    content["publication"] |= {"date": "2025-01-31"}
    content["audit_period"] = {"start": "2024-01-01", "end": "2024-06-30"}
    table = force.crimes.drop(columns="stratum")
    table[["reported_at", "recorded_at"]] = table[["reported_at", "recorded_at"]].apply(
        lambda c: c.str.replace("2022", "2024")
    )
    write_force(force.params, "later", content, {"crimes": table})
    with pytest.raises(InputError, match="params/later/register.csv, column id: got no area 'AFI 1'"):
        read_audit("later", force.params)
    rows = [
        ("AFI 1", "2022-09-01", "record crime in time", "Head of crime", "2023-03-31", "Waiting", "open", ""),
        (
            "AFI 0",
            "2018-09-01",
            "train call takers",
            "Head of contact",
            "2019-03-31",
            "No training",
            "done",
            "All trained",
        ),
    ]
    columns = ["id", "raised_on", "text", "owner", "deadline", "cause", "became", "note"]
    pd.DataFrame(rows, columns=columns).to_csv(force.params / "later" / "register.csv", index=False)
    report = build_report("later", "pandoc", force.params, tmp_path, commit="0" * 40).folder
    for text in (page_text(report), pdf_text(report)):
        assert "Still open: AFI 1." in text and "All trained" in text and "31 March 2023" in text
    assert "AFI 1,AFI 1,record crime in time" in (report / "tables" / "register.csv").read_text("utf-8")


def test_a_final_report_needs_contact_and_whole_areas(tmp_path):
    force = Force(tmp_path)
    del force.content["publication"]["contact"]
    force.content["areas_for_improvement"] = [AREA]
    with pytest.raises(InputError) as caught:
        force.build()
    assert "final, with no contact" in str(caught.value)
    assert "area for improvement 1 without id, owner, deadline, cause" in str(caught.value)
    force.change(final_despite="The code is not committed yet")
    with pytest.raises(InputError, match="no contact"):
        force.build()
    force.change(status="draft", final_despite=None)
    write_force(force.params, "testshire", force.content, {"crimes": force.crimes.drop(columns="stratum")})
    found = [got for got, _ in lacking(read_audit("testshire", force.params), "0" * 40)]
    assert "no contact" in found


def test_an_embargo_stands_on_every_page_and_file_and_keeps_it_from_the_feed(tmp_path):
    force = Force(tmp_path)
    force.change(embargo="2022-09-01 09:30")
    report = force.build()
    words = "not to be published before 1 September 2022, 09:30"
    pages = [report / "index.html", *(report / "notebooks").glob("*.html")]
    assert len(pages) > 3 and all(words in page.read_text("utf-8") for page in pages)
    assert pdf_text(report).count(words) > 4
    assert "To be published 1 September 2022" in page_text(report)
    word, _ = word_copy(report / "notebooks" / "report.ipynb", read_results(report / "results.json"), [])
    header = Document(io.BytesIO(word)).sections[0].header.paragraphs[0].text
    assert (
        header == "Draft for the fact check. Not for publication. Not to be published before 1 September 2022, 09:30."
    )
    for name in ("tables/csv-metadata.json",):
        assert words in (report / name).read_text("utf-8")
    assert "2022-09-01 09:30" in (report / "results.json").read_text("utf-8")
    assert "Chief constable and Police and crime commissioner" in page_text(report)
    front.write(force.reports)
    feed = ElementTree.parse(force.reports / "feed.xml").getroot()
    assert feed.findall("{*}entry") == []
    content = json.loads((report / "results.json").read_text("utf-8"))
    content["publication"]["embargo"] = None
    (report / "results.json").write_text(json.dumps(content), "utf-8")
    front.write(force.reports)
    [entry] = ElementTree.parse(force.reports / "feed.xml").getroot().findall("{*}entry")
    assert entry.find("{*}title").text.startswith("Testshire Police: Crime data integrity")
    assert entry.find("{*}link").get("href") == "testshire/index.html"


def test_a_moment_of_another_form_is_refused(tmp_path):
    content = parameters()
    content["publication"]["embargo"] = "1 September, half past nine"
    tmp_path.joinpath("x.yml").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match="publication.embargo"):
        load_inspection("x", tmp_path)
