"""What was assumed is marked wherever it stands: on the page, in the PDF, in the workbook and in the CSV files."""

import csv
import re
import shutil

import built
import openpyxl
import pandas as pd
import pytest
import yaml
from lxml import html as lxml_html
from test_report import pdf_text

from cdi_lib.inspection.parameters import PROJECT
from cdi_lib.inspection.results import read_results
from cdi_lib.pipeline.build import build_report
from tests.tools import statuses

MARK = "Assumed, not found: "


def planted(folder, **records):
    """The parameters of Northamptonshire with other words about its records."""
    params = folder / "params"
    shutil.copytree(PROJECT / "params", params)
    path = params / "northamptonshire.yml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["records"] |= records
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return params


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of which nothing was assumed but one column: whether a rightly cancelled crime was one."""
    folder = tmp_path_factory.mktemp("planted")
    assumed = [{"table": "cancellations", "columns": ["correct"], "where": {"crime_type": ["robbery"]}}]
    params = planted(folder, assumed=assumed)
    (params / "northamptonshire" / "published.csv").unlink()  # else the figures count as published
    return build_report("northamptonshire", "pandoc", params=params, reports=folder / "reports").folder


def test_it_is_known_to_be_assumed_and_so_is_what_sums_it(report):
    known = read_results(report / "results.json").details.provenance
    assert known["shares.cancelled_robbery"] == known["shares.cancelled"] == "assumed"
    assert known["shares.cancelled_rape"] == "derived"


def test_the_page_marks_it_in_caption_and_note(report):
    page = lxml_html.document_fromstring((report / "index.html").read_text(encoding="utf-8"))
    texts = [" ".join(one.text_content().split()) for one in page.iter("figcaption", "p")]
    assert any("robbery" in text and MARK in text for text in texts)
    assert any("Robbery (assumed)" in image.get("alt", "") for image in page.iter("img"))
    (caption,) = (text for text in texts if text.startswith("Figure") and "cancelling was correct" in text)
    assert caption.endswith("Partly assumed.")
    assert not any(text.endswith("Partly assumed.") and "within" in text for text in texts)


def test_the_pdf_marks_it(report):
    assert re.search(rf"{MARK}[^.]*robber", pdf_text(report), re.IGNORECASE)


def test_the_csv_file_marks_the_row_and_no_other(report):
    table = pd.read_csv(report / "tables" / "cancelled.csv").set_index("code")["provenance"]
    assert table["cancelled_robbery"] == "assumed" and table["cancelled_rape"] == "derived"
    assert set(pd.read_csv(report / "tables" / "within-24.csv")["provenance"]) == {"derived"}


def test_the_workbook_marks_the_row(report):
    book = openpyxl.load_workbook(report / "tables.xlsx")
    rows = [[cell.value for cell in row] for row in book["cancelled"].iter_rows()]
    (found,) = (row for row in rows if row[0] == "Robbery")
    assert found[-1] == "assumed"


@pytest.mark.parametrize("force", statuses.FORCES)
def test_every_number_has_the_status_that_the_list_gives_it(force, tmp_path):
    """The lists are to be read when they change: ``python -m tests.tools.statuses`` writes them again."""
    _, params = statuses.results_of(force, tmp_path)
    found = statuses.listed(force, tmp_path, params)
    assert [row for row in found if not row[-1]] == []
    with (statuses.LISTS / f"{force}.csv").open(newline="", encoding="utf-8") as file:
        assert [tuple(row) for row in csv.reader(file)] == [statuses.HEADER, *found]


def test_no_number_of_a_report_with_every_part_is_without_status():
    found = statuses.listed("testshire", built.testshire(), built.testshire_params())
    assert len(found) > 200
    assert {row[-1] for row in found} == {"illustrative"}


def test_a_number_that_loses_its_status_is_found():
    results = read_results(built.testshire() / "results.json")
    lost = [key for key in results.details.provenance if key.startswith("shares.within_24")]
    for key in lost:
        del results.details.provenance[key]
    assert lost and results.status("shares.within_24.x") is None
    assert results.status("estimates.overall.low") == "illustrative"


def test_what_was_invented_is_called_illustrative_everywhere():
    known = read_results(built.testshire() / "results.json").details.provenance
    assert set(known.values()) == {"illustrative"}
