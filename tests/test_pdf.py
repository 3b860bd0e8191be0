"""The PDF is tagged, PDF/UA-1, titled, bookmarked and readable. Each check takes the path of a built PDF."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import built
import pytest
import test_html
from lxml import html as lxml_html
from pypdf import PdfReader
from pypdf.generic import DictionaryObject
from test_report import pdf_pages

from cdi_lib.render.rendering import render

FIXTURE = Path(__file__).parent / "fixtures" / "dialect.ipynb"


@pytest.fixture(scope="module")
def fixture_pdf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pdf")
    render(FIXTURE, folder, engine="pandoc", metadata={"status": "draft"})
    return folder / "report.pdf"


@pytest.fixture(params=["fixture", "northamptonshire", "testshire"])
def path(request):
    """The PDF of the dialect fixture, and of two reports."""
    if request.param == "fixture":
        return request.getfixturevalue("fixture_pdf")
    return getattr(built, request.param)() / "report.pdf"


@pytest.fixture
def pdf(path):
    return PdfReader(path)


def tags(reader: PdfReader) -> list[tuple[str, DictionaryObject]]:
    """The structure elements of a tagged PDF in reading order, with their roles."""
    found = []

    def walk(node):
        if isinstance(node, list):
            for child in node:
                walk(child.get_object())
        elif isinstance(node, DictionaryObject):
            if "/S" in node:
                found.append((str(node["/S"]), node))
            if "/K" in node:
                walk(node["/K"].get_object())

    walk(reader.trailer["/Root"]["/StructTreeRoot"]["/K"].get_object())
    return found


def test_is_tagged_and_says_pdf_ua_1(pdf):
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] is True or root["/MarkInfo"]["/Marked"].value is True
    metadata = root["/Metadata"].get_object().get_data().decode()
    assert re.search(r"pdfuaid:part(>|=\")1", metadata)


def test_has_title_and_language(pdf):
    root = pdf.trailer["/Root"]
    assert pdf.metadata.title.strip()
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True


def test_is_a4(pdf):
    assert {(round(p.mediabox.width), round(p.mediabox.height)) for p in pdf.pages} == {(595, 842)}


def test_bookmarks_are_the_headings_of_the_page(path, pdf):
    def titles(items):
        for item in items:
            yield from titles(item) if isinstance(item, list) else [item.title]

    page = lxml_html.document_fromstring(path.with_name("index.html").read_text("utf-8"))
    headings = [test_html.words(e) for e in page.find("body//main").iter("h2", "h3", "h4")]
    assert [" ".join(title.split()) for title in titles(pdf.outline)] == headings != []


def test_heading_levels_skip_none(pdf):
    levels = [int(role[2]) for role, _ in tags(pdf) if re.fullmatch(r"/H[1-6]", role)]
    assert levels[0] == 1
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))


def test_figures_have_alt_text(pdf):
    figures = [element for role, element in tags(pdf) if role == "/Figure"]
    assert figures and all(len(str(element["/Alt"])) > 20 for element in figures)


def test_tables_have_header_cells(pdf):
    roles = [role for role, _ in tags(pdf)]
    tables = roles.count("/Table")
    assert roles.count("/THead") == tables
    assert roles.count("/TH") >= 2 * tables
    assert all(element.get("/A") is not None for role, element in tags(pdf) if role == "/TH")


def test_captions_have_one_space_after_their_number(path):
    text = "".join(pdf_pages(path))
    spaces = re.findall(r"(?:Table|Figure)\s\d+:(\s+)\S", text)
    assert spaces and set(spaces) <= {" ", "\n"}


def test_pages_are_numbered_and_none_is_empty(path):
    pages = pdf_pages(path)
    for number, text in enumerate(pages, start=1):
        found = re.search(r"Page\s(A?)(\d+)\sof\s(A?)(\d+)\b", text)
        assert found and found[1] == found[3], number
        assert int(found[2]) == number - (len(pages) - int(found[4]) if found[1] else 0)
        assert len(text.split()) > 20, f"page {number} is nearly empty"


def test_the_contents_name_pages_as_they_are_numbered(path):
    pages = [" ".join(text.split()) for text in pdf_pages(path)]
    named = [found[1] for text in pages if (found := re.search(r"Technical annex[ .\u2060]+A(\d+)\b", text))]
    begins = [text for text in pages if "Page A1 of" in text]
    assert named == ["1"] * len(begins) and all("Technical annex" in text for text in begins)


def test_only_the_fonts_of_the_design(pdf):
    names = set()
    for page in pdf.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            names.add(str(font.get_object()["/BaseFont"]).split("+")[-1])
    assert names
    assert all(re.match(r"SourceSansPro|DejaVuSansMono", name) for name in names), names


def test_text_of_the_fixture_in_reading_order(fixture_pdf):
    pages = pdf_pages(fixture_pdf)
    text = " ".join(" ".join(pages).split())
    assert all("Draft" in page for page in pages)
    wanted = [
        "Overall judgement",
        "92.0%",
        "Findings",
        "• trains its call handlers",
        "– audits are done each month",
        "• by two people",  # the typeface lacks Typst's own third marker
        "– who do not record",
        "Table 1: Recording rates by crime type",
        "2,651",
        "Annex",
    ]
    body = text[: text.index("Contents Overall")] + text[text.rindex("Findings") :]
    places = [body.index(word) for word in wanted]
    assert places == sorted(places)
    assert "Other | excluding fraud" in text


def test_fixture_has_every_float_and_grade(fixture_pdf):
    reader = PdfReader(fixture_pdf)
    roles = [role for role, _ in tags(reader)]
    assert roles.count("/Table") == 2
    alts = [str(element["/Alt"]) for role, element in tags(reader) if role == "/Figure"]
    assert alts == [
        'Dot chart. Violence 89.2%, "other" crime 92.7%; a backslash \\ is kept.',
        "Bars. Violence 78.1%, sexual offences 71.5%.",
    ]
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    for grade in ("outstanding", "good", "adequate", "requires improvement", "inadequate"):
        assert grade in text
