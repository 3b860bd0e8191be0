"""The report of Northamptonshire, built once: every published figure is back-tested and found wherever it is printed."""

import csv
import filecmp
import json
import re
import shutil
import subprocess
import zipfile
from fractions import Fraction
from functools import cache
from html.parser import HTMLParser
from math import sqrt
from pathlib import Path

import built
import pandas as pd
import pytest
import tagged
from pypdf import PdfReader

from cdi_lib.inspection.parameters import PROJECT
from cdi_lib.inspection.programme import default_programme
from cdi_lib.inspection.results import differences, read_results
from cdi_lib.pipeline.build import build_report
from cdi_lib.report import index, wording
from cdi_lib.report.sections.glossary import terms

PARAMS = PROJECT / "params"
NOT_REPRODUCED = {"Sexual offences recording rate, margin in points": "2.03"}


class _Text(HTMLParser):
    """The text of a page, alt texts included, without style."""

    def __init__(self):
        super().__init__()
        self.parts: list[str] = []
        self.skip = 0

    def handle_starttag(self, tag, attrs):
        self.skip += tag in ("style", "script")
        self.parts += [value for name, value in attrs if name == "alt" and value]

    def handle_endtag(self, tag):
        self.skip -= tag in ("style", "script")

    def handle_data(self, data):
        if not self.skip:
            self.parts.append(data)


@cache
def page_text(folder: Path) -> str:
    parser = _Text()
    parser.feed((folder / "index.html").read_text(encoding="utf-8"))
    return " ".join(" ".join(parser.parts).split())


@cache
def pdf_pages(path: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(path).pages]


def pdf_text(folder: Path) -> str:
    return " ".join(" ".join(pdf_pages(folder / "report.pdf")).split())


@pytest.fixture(scope="module")
def report() -> Path:
    return built.northamptonshire()


@pytest.fixture(scope="module")
def results(report):
    return read_results(report / "results.json")


def published() -> list[dict[str, str]]:
    with (PARAMS / "northamptonshire" / "published.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def told(report):
    return tagged.tell(report, PARAMS, "northamptonshire")


@pytest.mark.parametrize("row", published(), ids=lambda row: row["figure"])
def test_a_published_figure_is_reproduced_and_printed(row, results, told):
    """Printed where the report tells of it, from its own result; the table of published figures does not count."""
    (found,) = (one for one in results.details.published if one.figure == row["figure"])
    assert found.published == row["published"]
    assert found.computed == NOT_REPRODUCED.get(row["figure"], row["published"])
    assert found.reproduced == ("no" if row["figure"] in NOT_REPRODUCED else "yes")
    elsewhere = [piece for piece in told.pieces if "tbl-published" not in piece.text]
    if row["shown_as"] == "text":
        assert any(piece.text.startswith(f"Graded [{row['published']}]") for piece in elsewhere)
        return
    printed = {(path, text) for piece in elsewhere for text, path in piece.printed if text in piece.text}
    expected = {row["result"]: found.computed}
    if row["shown_as"] == "over":  # so it was published; where the report estimates it says "about"
        expected = {row["result"]: wording.estimated(found.value).removeprefix("about ")}
    if row["shown_as"] == "x of n":
        expected = dict(zip((f"{row['result']}.x", f"{row['result']}.n"), found.computed.split(" of "), strict=True))
    for path, text in expected.items():
        words = wording.number_word(int(text)) if text.isdecimal() else text
        assert printed & {(path, text), (path, words)}, path


def test_every_published_figure_of_the_reference_is_covered():
    assert len(published()) == 44


def test_headlines_by_a_second_route(results):
    """Double programming: from the CSV file with plain arithmetic, without the library."""
    with (PARAMS / "northamptonshire" / "crimes.csv").open(encoding="utf-8", newline="") as file:
        main = [row for row in csv.DictReader(file) if row["sample"] == "main"]
    twelve_months = {"violence": 21900, "sexual": 2552, "other": 37048}
    z = 1.959963984540054  # 97.5 % point of the normal distribution, scipy 1.17.1 norm.ppf(0.975)
    recorded = {name: sum(r["recorded"] == "yes" for r in main if r["crime_type"] == name) for name in twelve_months}
    audited = {name: sum(r["crime_type"] == name for r in main) for name in twelve_months}
    for name, yearly in twelve_months.items():
        p = recorded[name] / audited[name]
        population = round(yearly * 0.5 * 0.967 / p)
        margin = z * sqrt(p * (1 - p) / audited[name] * (1 - audited[name] / population))
        assert results.estimates[name].value == pytest.approx(p, rel=1e-12)
        assert results.estimates[name].margin == pytest.approx(margin, rel=1e-9)
        assert results.estimates[f"unrecorded_{name}"].value == pytest.approx(yearly * (1 - p) / p)
    pooled = Fraction(sum(recorded.values()), sum(audited.values()))
    assert results.estimates["overall"].value == pytest.approx(float(pooled), rel=1e-12)
    assert results.estimates["unrecorded_overall"].value == pytest.approx(float(61500 * (1 - pooled) / pooled))
    reported = sum(Fraction(twelve_months[name] * audited[name], recorded[name]) for name in twelve_months)
    assert results.estimates["overall_stratified"].value == pytest.approx(float(61500 / reported), rel=1e-12)


def test_nothing_unfinished_is_printed(report):
    for text in (page_text(report), pdf_text(report)):
        for word in ("nan", "None", "null", "inf", "NaT", "Traceback", "??"):
            assert not re.search(rf"(?<![\w]){re.escape(word)}(?![\w])", text), word


def test_reconstruction_is_called_so(report):
    for text in (page_text(report), pdf_text(report)):
        assert "reconstruction" in text
        assert "no row describes a real crime" in text


def test_no_record_reference_leaves_the_tables(report):
    crimes = pd.read_csv(PARAMS / "northamptonshire" / "crimes.csv", dtype=str)
    texts = {
        path: path.read_text(encoding="utf-8")
        for path in report.rglob("*")
        if path.suffix not in (".pdf", ".xlsx") and path.is_file()
    }
    texts[report / "report.pdf"] = pdf_text(report)
    with zipfile.ZipFile(report / "tables.xlsx") as workbook:
        texts[report / "tables.xlsx"] = " ".join(workbook.read(name).decode() for name in workbook.namelist())
    for path, text in texts.items():
        words = set(re.findall(r"[A-Z]{1,4}[0-9]*-?[0-9]{3,6}", text))
        assert not words & set(crimes["crime_id"]), path.name
        assert not words & set(crimes["incident_id"]), path.name


def test_no_machine_path_is_published(report):
    for path in report.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for place in (PROJECT, report.parent, Path.home()):
                if len(str(place)) > 3:
                    assert str(place).encode() not in content, (path.name, place)


def test_tables_are_written_unrounded(report, results):
    rates = pd.read_csv(report / "tables" / "rates.csv")
    assert rates["rate"].tolist()[0] == results.estimates["overall"].value
    assert set(rates["audited"]) == {1129, 491, 266, 372}


def test_every_table_and_figure_of_the_index_is_shown_or_explained(report):
    html = (report / "index.html").read_text(encoding="utf-8")
    not_here = {"tbl-response": "the response is not known", "tbl-strata": "Each crime type is a stratum"}
    not_here["tbl-sensitivity"] = 'id="fig-sensitivity"'  # a chart with its table in the workbook
    for identity in (*index.tables_of(default_programme()), *index.FIGURES):
        if identity == "tbl-register":  # no earlier areas were carried over, so nothing is said of them
            assert identity not in html
        elif identity in not_here:
            assert not_here[identity] in html
        else:
            assert f'id="{identity}"' in html, identity


def test_a_second_build_gives_the_same_bytes(report, tmp_path):
    again = build_report("northamptonshire", "pandoc", reports=tmp_path).folder
    names = sorted(str(path.relative_to(report)) for path in report.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(again)) for path in again.rglob("*") if path.is_file())
    assert filecmp.cmpfiles(report, again, names, shallow=False)[1:] == ([], [])


def test_one_changed_record_changes_the_report_everywhere(report, results, tmp_path):
    params = tmp_path / "params"
    shutil.copytree(PARAMS, params)
    path = params / "northamptonshire" / "crimes.csv"
    crimes = pd.read_csv(path, dtype=str, keep_default_na=False)
    row = crimes.index[
        (crimes["sample"] == "main")
        & (crimes["crime_type"] == "violence")
        & (crimes["recorded"] == "no")
        & (crimes["domestic_abuse"] == "yes")
    ][0]
    crimes.loc[row, ["recorded", "recorded_as"]] = ["yes", ""]
    crimes.to_csv(path, index=False)
    changed = build_report("northamptonshire", "pandoc", params=params, reports=tmp_path / "reports").folder
    moved = {row["result"] for row in differences(results, read_results(changed / "results.json"))}
    assert {"estimates.violence.value", "estimates.overall.value", "shares.domestic_abuse.x"} <= moved
    before, after = page_text(report), page_text(changed)
    assert "438 of the 491" in before
    for text in (after, pdf_text(changed)):
        assert "439 of the 491" in text
        assert "438 of the 491" not in text
        assert "242" in text  # domestic abuse crimes recorded
    assert json.loads((changed / "results.json").read_text())["estimates"]["violence"]["recorded"] == 439


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; on Debian: apt-get install chromium")
def test_the_page_opens_in_a_browser_without_a_message(report, tmp_path):
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--enable-logging=stderr",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path}",
        "--dump-dom", (report / "index.html").as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "92.0%" in done.stdout
    assert "CONSOLE" not in done.stderr, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_terms_are_linked_to_the_glossary_where_they_are_first_used(report):
    html = (report / "index.html").read_text(encoding="utf-8")
    linked = re.findall(r'href="#(term-[\w-]+)"', html)
    assert len(linked) == len(set(linked)) >= 12
    for term in terms(read_results(report / "results.json")):
        assert f'id="{term.id}"' in html, term.name
        assert term.id in linked or term.id == "term-principal-crime-rule", term.name  # of which nothing was written
    # Nowhere in running text is the term used before its link.
    body = html[html.index("<main") :]
    before = re.sub(r"(?s)<(h\d|nav|figcaption|table|style)\b.*?</\1>|<[^>]*>", " ", body[: body.index('"#term-n100"')])
    assert "N100" not in before


def test_every_table_and_figure_says_what_computed_it_and_where_its_data_are(report):
    html = (report / "index.html").read_text(encoding="utf-8")
    for target in set(re.findall(r'href="((?:tables|notebooks)/[^"]+)"', html)):
        path, _, anchor = target.partition("#")
        assert (report / path).is_file(), target
        assert not anchor or f'id="{anchor}"' in (report / path).read_text(encoding="utf-8"), target
    shown = [table for table in index.tables_of(default_programme()) if f'id="{table}"' in html]
    for table in shown:
        assert f'href="tables/{table.removeprefix("tbl-")}.csv"' in html, table
    for figure in index.FIGURES.values():
        assert f'href="tables/{figure.table.removeprefix("tbl-")}.csv"' in html, figure.id
    computed = [table for table in shown if index.tables_of(default_programme())[table].rests_on]
    working = set(re.findall(r'href="tables/([\w-]+)\.csv">[^<]*</a>\s*\(<a\s+href="notebooks/', html))
    assert {table.removeprefix("tbl-") for table in computed} <= working
    links = [
        annotation.get_object().get("/A", {}).get("/URI", "")
        for page in PdfReader(report / "report.pdf").pages
        for annotation in page.get("/Annots") or ()
    ]
    assert links and not [link for link in links if link and not link.startswith(("https:", "http:", "mailto:"))]
