"""Text from parameters, criteria and records is only text, in everything that a report folder holds."""

import csv
import json
import re
import zipfile

import nbformat
import pytest
from lxml import html as lxml_html
from openpyxl import load_workbook
from planted_force import planted
from test_report import page_text, pdf_text


@pytest.fixture(scope="module")
def report():
    return planted()


@pytest.fixture(scope="module")
def pages(report):
    """Every page of the report: the report itself, and the evidence beside it."""
    paths = sorted(report.folder.rglob("*.html"))
    assert report.folder / "index.html" in paths
    return [lxml_html.document_fromstring(path.read_bytes()) for path in paths]


def squeezed(text: str) -> str:
    """Text without what typesetting changes: spaces, kinds of quotation marks, hyphens and ligatures."""
    text = text.replace("\N{LEFT DOUBLE QUOTATION MARK}", '"').replace("\N{RIGHT DOUBLE QUOTATION MARK}", '"')
    text = text.replace("\N{LEFT SINGLE QUOTATION MARK}", "'").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    text = text.replace("\N{HORIZONTAL ELLIPSIS}", "...").replace("\N{LATIN SMALL LIGATURE FI}", "fi")
    return re.sub(r"[\s\u00ad\u200b-]+|\N{EN DASH}|\N{EM DASH}", "", text).lower()


def shown_texts(report, text: str) -> list[str]:
    """The hostile texts of which the beginning stands in a text; all of each must."""
    return [hostile for hostile in report.texts if squeezed(hostile[: hostile.index("hostile") + 10]) in text]


def test_hostile_text_is_shown_as_it_was_typed(report):
    for text in (page_text(report.folder), pdf_text(report.folder)):
        text = squeezed(text)
        begun = shown_texts(report, text)
        assert len(begun) > 100
        for hostile in begun:
            whole = squeezed(hostile).rstrip(".;,")
            assert whole in text, hostile


def test_the_pages_run_nothing_and_ask_for_nothing(pages):
    for page in pages:
        assert not [s for s in page.iter("script") if s.get("type") != "application/ld+json"]
        for element in page.iter():
            attributes = dict(element.attrib) if isinstance(element.tag, str) else {}
            assert not [name for name in attributes if name.startswith("on")], attributes
            for name in ("href", "src"):
                value = attributes.get(name, "")
                assert not value.lower().startswith(("javascript:", "http://", "//")), value
                assert "example.org" not in value
        assert not page.xpath("//iframe | //object | //embed | //form")


def test_every_page_has_a_content_security_policy(pages):
    for page in pages:
        (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_structured_data_stays_data(pages):
    for page in pages:
        for script in page.iter("script"):
            json.loads(script.text)
            assert "<" not in script.text


def test_markup_of_texts_made_no_element(pages):
    for page in pages:
        for element in page.xpath("//*[contains(@class, 'callout')] | //s | //del | //math"):
            assert "hostile" not in element.text_content()
        for element in page.xpath("//h1 | //h2 | //h3 | //h4"):
            # a question's label and a title are headings; a text that begins with # is none
            assert element.text_content().strip() != "heading"
        for element in page.xpath("//b | //img[@src='x']"):
            assert element.text_content() not in ("bold", "raw")


def test_tables_hold_no_formula(report):
    paths = sorted((report.folder / "tables").glob("*.csv"))
    assert paths
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                for value in row:
                    is_number = re.fullmatch(r"-?[0-9.]+(e-?[0-9]+)?", value)
                    assert is_number or not value.startswith(("=", "+", "-", "@")), (path.name, value)


def test_workbooks_hold_no_formula_and_no_outside_link(report):
    paths = list(report.folder.rglob("*.xlsx"))
    assert paths
    for path in paths:
        for sheet in load_workbook(path):
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.data_type != "f", (sheet.title, cell.coordinate, cell.value)
        with zipfile.ZipFile(path) as archive:
            links = [archive.read(name) for name in archive.namelist() if name.endswith(".rels")]
        assert b"javascript" not in b"".join(links)
        assert b"example.org" not in b"".join(links)


def test_notebooks_hold_no_raw_markup(report):
    paths = list((report.folder / "notebooks").glob("*.ipynb"))
    assert paths
    for path in paths:
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                for kind, content in output.get("data", {}).items():
                    if kind == "text/html":
                        assert "<script" not in content
                        assert "<img src=x" not in content


def test_ids_from_parameters_reach_no_path(report):
    names = [path.relative_to(report.folder).as_posix() for path in report.folder.rglob("*")]
    assert not [name for name in names if re.search(r"[<>|=:]|\.\.", name)]
    assert sorted(path.name for path in report.folder.parent.iterdir() if not path.name.startswith(".")) == [
        "testshire"
    ]
