"""The renderer: front matter, dialect, both engines, fallback, determinism."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from lxml import html as lxml_html
from pypdf import PdfReader

from cdi_lib.render import embedded, look, quarto, rendering
from cdi_lib.render.notebooks import front_matter, read_chunks
from cdi_lib.render.rendering import RenderError

FIXTURE = Path(__file__).parent / "fixtures" / "dialect.ipynb"
FRONT = "---\ntitle: Inspection\nsubtitle: A Force\ndate: 2020-07-31\n---"
SVG = base64.b64encode(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>').decode()
FIGURE = f'![A chart](data:image/svg+xml;base64,{SVG}){{#fig-a fig-alt="What the chart shows."}}'
TABLE = "| Type | n |\n|:--|--:|\n| Violence | 491 |\n\n: Rates {#tbl-a}"


def write_notebook(folder: Path, *cells, front: str = FRONT) -> Path:
    """A notebook of Markdown cells (strings) or whole cells (dictionaries)."""
    whole = [{"cell_type": "raw", "metadata": {}, "source": front}]
    for cell in cells:
        whole.append({"cell_type": "markdown", "metadata": {}, "source": cell} if isinstance(cell, str) else cell)
    path = folder / "notebook.ipynb"
    path.write_text(json.dumps({"cells": whole, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "utf-8")
    return path


def render(notebook, folder, **options):
    """Render a notebook: where page and PDF are, and what is said of the engine."""
    message = rendering.render(notebook, folder, **options)
    return SimpleNamespace(html=folder / "index.html", pdf=folder / "report.pdf", message=message)


def code(output) -> dict:
    return {"cell_type": "code", "metadata": {}, "source": "", "execution_count": 1, "outputs": [output]}


def display(**data) -> dict:
    return code({"output_type": "display_data", "metadata": {}, "data": data})


# --- the embedded engine -----------------------------------------------------------------------------


def test_same_notebook_same_bytes(tmp_path):
    results = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        look.style.cache_clear()
        done = render(FIXTURE, folder, engine="pandoc", metadata={"status": "draft"})
        results.append((done.html.read_bytes(), done.pdf.read_bytes()))
    assert results[0] == results[1]


def test_says_which_engine_and_why(tmp_path):
    done = render(write_notebook(tmp_path, "# One\n\nText."), tmp_path, engine="pandoc")
    assert re.fullmatch(r"Rendered by the embedded engine \(Pandoc [\d.]+, Typst [\d.]+\): asked for\.", done.message)
    assert done.html == tmp_path / "index.html" and done.pdf == tmp_path / "report.pdf"


def test_page_shows_the_title_block(tmp_path):
    cells = ["::: {.masthead}\nOverall: [good]{.badge .badge-good}\n:::", "# One\n\nText."]
    notebook = write_notebook(tmp_path, *cells)
    metadata = {"publication-type": "Crime recording", "version": 2}
    page = render(notebook, tmp_path, engine="pandoc", metadata=metadata).html.read_text("utf-8")
    tree = lxml_html.document_fromstring(page)
    header = " ".join(tree.find("body/header").text_content().split())
    assert header == "Crime recording A Force Inspection Published 31 July 2020 Version 2 Overall: good"
    assert tree.findtext("head/title") == "A Force: Inspection"
    assert "Overall" not in tree.find("body//main").text_content()


def test_what_stands_around_the_report_is_in_the_words_that_it_is_given(tmp_path):
    words = {"skip": "Neidio", "contents": "Cynnwys", "period": "Cyfnod", "version": "Fersiwn", "back": "Yn ôl"}
    words |= {"all": "Pob adroddiad", "page": "Tudalen", "of": "allan o"}
    front = FRONT.removesuffix("---") + f"version: '1'\naudit-period: 2019\nwords: {json.dumps(words)}\n---"
    done = render(write_notebook(tmp_path, "# One\n\nText.\n\n# Two\n\nMore.", front=front), tmp_path, engine="pandoc")
    page, paper = done.html.read_text("utf-8"), " ".join(PdfReader(done.pdf).pages[0].extract_text().split())
    assert [word for name, word in words.items() if f">{word}<" not in page and name not in ("page", "of")] == []
    assert not re.search(">(Contents|Version|All reports|Audit period|Skip [^<]*|Back [^<]*)<", page)
    assert all(word in paper for word in ("Tudalen 1 allan o 1", "Fersiwn", "Cyfnod")) and "Page" not in paper


def test_references_and_numbers_follow_the_order(tmp_path):
    text = f"# One\n\nSee @fig-b, @tbl-a; and @fig-a.\n\n{FIGURE}\n\n{TABLE}\n\n"
    text += FIGURE.replace("#fig-a", "#fig-b").replace("A chart", "Another")
    page = render(write_notebook(tmp_path, text), tmp_path, engine="pandoc").html.read_text("utf-8")
    main = lxml_html.document_fromstring(page).find("body//main")
    first = " ".join(main.find("p").text_content().split())
    assert first == "See Figure 2, Table 1; and Figure 1."
    assert [a.get("href") for a in main.find("p").iter("a")] == ["#fig-b", "#tbl-a", "#fig-a"]


def test_json_ld_is_data_and_cannot_end_its_element(tmp_path):
    notebook = write_notebook(tmp_path, "# One\n\nText.")
    data = {"@type": "Report", "name": "</script><b>"}
    page = render(notebook, tmp_path, engine="pandoc", json_ld=data).html.read_text("utf-8")
    (element,) = lxml_html.document_fromstring(page).xpath("//script")
    assert element.get("type") == "application/ld+json"
    assert json.loads(element.text) == data


def test_long_table_of_text_and_numbers_fits_the_paper(tmp_path):
    header = ["Crime type"] + [f"Column {n} of figures" for n in range(8)]
    row = ["Violence against the person, and a name that goes on for longer than a line"] + ["21,900"] * 8
    lines = ["| " + " | ".join(line) + " |" for line in (header, [":--"] + ["--:"] * 8, row)]
    notebook = write_notebook(tmp_path, "# One\n\n" + "\n".join(lines) + "\n\n: Wide {#tbl-wide}")
    pdf = render(notebook, tmp_path, engine="pandoc").pdf
    from pypdf import PdfReader

    right_edge = PdfReader(pdf).pages[0].mediabox.right - 21 / 25.4 * 72  # the margin of the page
    places = []

    def visit(text, _, matrix, *__):
        if "21,900" in text:
            places.append(matrix[4])

    PdfReader(pdf).pages[0].extract_text(visitor_text=visit)
    assert len(places) == 8
    assert max(places) < right_edge


# --- front matter ------------------------------------------------------------------------------------


def raw(text: str) -> list[dict]:
    return [{"cell_type": "raw", "source": text}]


def test_metadata_adds_to_the_front_matter():
    matter = front_matter(raw(FRONT), {"status": "draft", "audit-period": "1 June to 30 November 2019"})
    assert matter["title"] == "Inspection"
    assert matter["audit-period"] == "1 June to 30 November 2019"
    assert (matter["published-label"], matter["published"]) == ("Dated", "31 July 2020")
    assert matter["draft-notice"]
    assert "version" not in matter


@pytest.mark.parametrize(
    ("text", "metadata", "message"),
    [
        ("no front matter", {}, "between two lines '---'"),
        ("---\ntitle: [\n---", {}, "not YAML"),
        ("---\ntitle: A\n---", {}, "date: missing"),
        ("---\ndate: 2020-07-31\n---", {}, "title: missing"),
        ("---\ntitle: A\ndate: 31/07/2020\n---", {}, "expected a day as 2020-07-31"),
        (FRONT, {"title": "Another"}, "'Inspection' and the caller 'Another'"),
        (FRONT, {"statsu": "draft"}, "did you mean 'status'"),
        (FRONT, {"status": "published"}, "expected draft or final"),
        (FRONT, {"keywords": ["a$b"]}, "expected no special marks"),
        (FRONT.replace("title", "format: html\ntitle"), {}, "unknown key"),
    ],
)
def test_front_matter_that_cannot_be_used(text, metadata, message):
    with pytest.raises(RenderError, match=re.escape(message)):
        front_matter(raw(text), metadata)


def test_first_cell_must_be_raw():
    with pytest.raises(RenderError, match="cell 1: expected a raw cell"):
        front_matter([{"cell_type": "markdown", "source": FRONT}], {})


# --- the dialect: what is not known is refused, with its cell ---------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("See @fig-none.", "'@fig-none' points to nothing"),
        ("See @tbl-none.", "'@tbl-none' points to nothing"),
        ("See @sec-one.", "neither @fig-… nor @tbl-…"),
        (f"See [@fig-a].\n\n{FIGURE}", "bracketed or joined"),
        ("See [there](#nowhere).", "'#nowhere' points to nothing"),
        ("{{< pagebreak >}}", "shortcode"),
        ("::: {.callout-note}\nText.\n:::", "callout"),
        ("::: {.column}\nText.\n:::", "block class '::: {.column}' is unknown"),
        ("::: {.headlines}\nText.\n:::", "holds '::: {.headline}' blocks only"),
        ("A <b>bold</b> word.", "raw HTML or TeX ('<b>')"),
        ("<div>\nText.\n</div>", "raw HTML or TeX ('<div>')"),
        ("$x^2$", "a formula"),
        ("Term\n:   Definition", "definition list"),
        ("- Done\n- [ ] To do", "a task list"),
        ("Above\n\n---\n\nBelow", "horizontal rule"),
        ("[word]{.purple}", "text class '{.purple}' is unknown"),
        ("[poor]{.badge .badge-poor}", "grade 'badge-poor' is unknown"),
        ("[good]{.badge}", "needs one grade"),
        ("Text ~~gone~~.", "struck-out"),
        ("```python\n1\n```", "language 'python'"),
        ("A footnote[^none].", "footnote [^none] has no text"),
        ("A footnote[^1].\n\n[^1]: One.\n\n[^1]: Two.", "Duplicate note reference"),
        (f"{FIGURE}\n\n{FIGURE.replace('A chart', 'Another')}", "id 'fig-a' is used twice"),
        (f"{FIGURE}\n\n{FIGURE.replace('#fig-a', '#fig-b')}", "caption 'A chart' is used twice"),
        (FIGURE.replace('fig-alt="What the chart shows."', ""), "has no fig-alt text"),
        (FIGURE.replace("#fig-a ", ""), "no id that begins with 'fig-'"),
        (FIGURE.replace("A chart", ""), "an image inside a line of text"),
        (f"Text {FIGURE} text.", "an image inside a line of text"),
        ('![A chart](chart.svg){#fig-a fig-alt="Alt."}', "is not an SVG of its own"),
        ('![A chart](https://example.org/a.svg){#fig-a fig-alt="Alt."}', "must not fetch anything"),
        (TABLE.replace(": Rates {#tbl-a}", ""), "no id that begins with 'tbl-'"),
        (TABLE.replace("| n |", "| |"), "header of column 2 is empty"),
        (TABLE.replace("| n |", "| Type |"), "two columns are headed 'Type'"),
        (TABLE.replace("491", ""), "row 1, column 2: empty cell"),
        ("[](https://example.org)", "has no text"),
        ("[run](javascript:alert)", "only https, http, mailto"),
        ("### Deep", "no level may be skipped"),
    ],
)
def test_unknown_construct_is_refused_with_its_cell(tmp_path, text, message):
    notebook = write_notebook(tmp_path, "# One\n\nText.", text)
    with pytest.raises(RenderError) as error:
        render(notebook, tmp_path, engine="pandoc")
    assert message in str(error.value)
    assert "cell 3: " in str(error.value)
    assert not (tmp_path / "index.html").exists()


@pytest.mark.parametrize(
    "text",
    [
        "1. a\n    - b\n        1. c\n            - d",
        "- a\n\n    > b\n    > > c\n\n        d",
        "- a\n\n    ::: {.box .box-note}\n    - b[^1]\n    :::\n\n[^1]: c\n\n    - d\n",
        "- a\n\n    | x | y |\n    |:--|--:|\n    | **1** | `2` |\n\n    : b {#tbl-b}\n",
        "## [a](https://example.org)[^1]\n\n### [good]{.badge .badge-good}\n\n#### b\n\n[^1]: c",
        "# $ * _ < > \\@ ` ~ / // /* */ #let [x] 'q' \"r\" a\u00adb → ≥ x^2^ H~2~O α",
        "(a) b\n(c) d\n\nText.\n\n3. e\n4. f\n\nText.\n\n-\n- g",
    ],
)
def test_what_the_check_lets_pass_is_rendered(tmp_path, text):
    assert render(write_notebook(tmp_path, f"# One\n\n{text}"), tmp_path, engine="pandoc").pdf.is_file()


def test_all_problems_are_told_at_once(tmp_path):
    notebook = write_notebook(tmp_path, "# One\n\nSee @fig-none.", "{{< x >}}", "<b>x</b>")
    with pytest.raises(RenderError) as error:
        render(notebook, tmp_path, engine="pandoc")
    assert [f"cell {n}: " in str(error.value) for n in (2, 3, 4)] == [True, True, True]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (display(**{"text/html": "<table>"}), "cell 2: shows text/html; expected text/markdown"),
        (code({"output_type": "stream", "name": "stderr", "text": "A warning"}), "cell 2: prints 'A warning' (stderr)"),
        (
            code({"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}),
            "failed with ValueError",
        ),
        ({"cell_type": "raw", "metadata": {}, "source": "x"}, "cell 2: a raw cell"),
        ("::: {.box .box-note}\nText.", "cell 2: a ':::' block is opened and not closed"),
        ("Text.\n\n:::", "cell 2: a ':::' block is closed and not opened"),
    ],
)
def test_cell_that_cannot_be_shown(tmp_path, cell, message):
    with pytest.raises(RenderError, match=re.escape(message)):
        render(write_notebook(tmp_path, cell), tmp_path, engine="pandoc")


def test_helper_cell_shows_nothing(tmp_path):
    cell = display(**{"text/html": "<table>"}) | {"source": "#| include: false\nhelp()"}
    page = render(write_notebook(tmp_path, cell, "# One\n\nText."), tmp_path, engine="pandoc").html.read_text("utf-8")
    assert "<table>" not in page


@pytest.mark.parametrize(
    ("svg", "message"),
    [
        ("<svg", "not a readable SVG"),
        ('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "holds a <script>"),
        (
            '<svg xmlns="http://www.w3.org/2000/svg"><image href="https://x.org/a"/></svg>',
            "points to 'https://x.org/a'",
        ),
    ],
)
def test_chart_must_be_a_drawing_of_its_own(tmp_path, svg, message):
    text = "# One\n\n" + FIGURE.replace(SVG, base64.b64encode(svg.encode()).decode())
    with pytest.raises(RenderError, match=re.escape(message)):
        render(write_notebook(tmp_path, text), tmp_path, engine="pandoc")


def test_missing_font_is_an_error(tmp_path, monkeypatch):
    notebook = write_notebook(tmp_path, "# One\n\nText.")
    empty = tmp_path / "no fonts"
    empty.mkdir()
    look.style()
    monkeypatch.setattr(embedded, "fonts_folder", lambda: empty)
    with pytest.raises(RenderError, match="font"):
        render(notebook, tmp_path, engine="pandoc")


def test_pdf_that_breaks_the_standard_is_an_error(tmp_path):
    source = tmp_path / "broken.typ"
    source.write_text("= Heading\nno title is set")
    with pytest.raises(RenderError, match="Typst refuses the PDF"):
        embedded.compile_pdf(source, look.fonts_folder())


# --- Quarto: a stand-in that answers as told --------------------------------------------------------------

FAKE_QUARTO = """import json, pathlib, sys, time
log = pathlib.Path({log!r})
with log.open("a") as file:
    file.write(json.dumps({{"arguments": sys.argv[1:], "files": sorted(
        str(p.relative_to(".")) for p in pathlib.Path(".").rglob("*") if p.is_file()) if "render" in sys.argv else [],
        "folder": str(pathlib.Path.cwd())}}) + "\\n")
if sys.argv[1:] == ["--version"]:
    print({version!r})
    sys.exit()
time.sleep({sleep})
if {fail}:
    sys.exit("ERROR: the stand-in was told to fail")
name = "report.html" if sys.argv[-1].endswith("html") else "report.typ"
text = {page!r} if name == "report.html" else '#set document(title: "T", date: none)\\n= Heading\\nText.'
if {writes}:
    pathlib.Path(name).write_text(text)
"""


# All that the fixture's page must have.
WHOLE_PAGE = "<!DOCTYPE html><title>T</title>" + "".join(
    f'<{tag} id="{name}"></{tag}>'
    for tag, name in (("table", "tbl-rates"), ("table", "tbl-grades"), ("figure", "fig-rates"), ("figure", "fig-time"))
)


@pytest.fixture
def fake_quarto(tmp_path, monkeypatch):
    """Put a stand-in for Quarto first on the path; returns a function that makes it and its log."""

    def make(version="1.10.18", sleep=0, fail=False, writes=True, page=WHOLE_PAGE):
        log = tmp_path / "quarto.log"
        folder = tmp_path / "bin"
        folder.mkdir()
        script = folder / "quarto"
        options = {"version": version, "sleep": sleep, "fail": fail, "writes": writes, "page": page}
        code = folder / "quarto.py"
        code.write_text(FAKE_QUARTO.format(log=str(log), **options))
        # Through the shell: the path of the interpreter may hold a space, which '#!' cannot.
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{code}" "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        # A Quarto of the environment's own would come first.
        monkeypatch.setattr(quarto.sys, "executable", str(folder / "python"))
        return log

    return make


def calls(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text().splitlines()]


needs_scripts = pytest.mark.skipif(os.name == "nt", reason="the stand-in for Quarto is a script with a shebang line")


@needs_scripts
def test_quarto_gets_a_folder_of_its_own(tmp_path, fake_quarto):
    log = fake_quarto()
    done = render(FIXTURE, tmp_path, engine="auto")
    assert done.message == "Rendered by Quarto 1.10.18."
    assert done.html.read_text() == WHOLE_PAGE
    assert b"pdfuaid" in done.pdf.read_bytes()
    html, typst = [call for call in calls(log) if call["arguments"][0] == "render"]
    assert html["arguments"] == ["render", "report.ipynb", "--to", "cdi-html"]
    assert typst["arguments"] == ["render", "report.ipynb", "--to", "cdi-typst"]
    assert not Path(html["folder"]).exists()  # temporary, and not in reports/
    assert {name for name in html["files"] if "/" not in name} == {"_quarto.yml", "report.ipynb"}
    parts = {"_extension.yml", "page.html", "report.lua", "typst-show.typ", "typst-template.typ", "made/head.html"}
    assert {f"_extensions/cdi/{name}" for name in (*parts, "made/fonts/SourceSansPro-Regular.ttf")} <= set(
        html["files"]
    )


@needs_scripts
def test_policy_names_the_stylesheet_that_quarto_leaves(tmp_path, fake_quarto):
    named = look.hash_of(look.style())
    fake_quarto(
        page=f"<meta content=\"style-src 'sha256-{named}'\"><style>a{{}}</style><style>b{{}}</style>{WHOLE_PAGE}"
    )
    page = render(FIXTURE, tmp_path, engine="quarto").html.read_text()
    hashes = [look.hash_of(style) for style in ("a{}", "b{}")]
    assert f"style-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}'" in page


def test_quarto_project_holds_front_matter_and_markdown_only(tmp_path):
    cells = json.loads(FIXTURE.read_text("utf-8"))["cells"]
    matter = front_matter(cells, {})
    notebook = quarto.write_project(tmp_path, matter, read_chunks(cells), "<style></style>")
    first, *rest = json.loads(notebook.read_text("utf-8"))["cells"]
    assert first["cell_type"] == "raw"
    assert "title: Crime data integrity inspection 2020\n" in first["source"]
    for cell in (first, *rest):  # of a source in one piece Quarto drops the line breaks
        assert all(line.endswith("\n") for line in cell["source"][:-1])
    assert {cell["cell_type"] for cell in rest} == {"markdown"}
    assert all(cell["metadata"] == {} for cell in rest)
    assert (tmp_path / "_extensions/cdi/made/head.html").read_text() == "<style></style>"


@needs_scripts
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"fail": True}, "Quarto 1.10.18 failed: exit status 1: 'ERROR: the stand-in was told to fail'"),
        ({"version": "1.6.40"}, "the installed Quarto is 1.6.40, and 1.7 is the oldest that can"),
        ({"version": "hello"}, "does not tell its version (got 'hello')"),
        ({"sleep": 30}, "Quarto 1.10.18 failed: no end after 1 seconds"),
        ({"writes": False}, "it ended well, but wrote no report.html"),
        ({"page": '<script src="https://x.org/a.js"></script>'}, "the page would fetch 'https://x.org/a.js'"),
        ({"page": "<title>T</title>"}, "its page lacks fig-rates, fig-time, tbl-grades and others"),
        ({"page": WHOLE_PAGE + "<table></table>"}, "its page has 3 tables, the notebook 2"),
        ({"page": WHOLE_PAGE + "<p>?@tbl-other</p>"}, "its page does not resolve the reference @tbl-other"),
    ],
)
def test_quarto_that_fails_is_replaced_or_reported(tmp_path, fake_quarto, monkeypatch, options, reason):
    fake_quarto(**options)
    monkeypatch.setattr(quarto, "SECONDS", 1)
    done = render(FIXTURE, tmp_path, engine="auto")
    assert done.message.startswith("Rendered by the embedded engine (")
    assert reason in done.message and "\n" not in done.message
    (tmp_path / "strict").mkdir()
    with pytest.raises(RenderError, match=re.escape(reason)):
        render(FIXTURE, tmp_path / "strict", engine="quarto")
    assert not list((tmp_path / "strict").iterdir())


def test_no_quarto(tmp_path, monkeypatch):
    monkeypatch.setattr(quarto.shutil, "which", lambda *_, **__: None)
    assert render(FIXTURE, tmp_path, engine="auto").message.endswith(": Quarto is not installed.")
    with pytest.raises(RenderError, match="asked for, but Quarto is not installed; auto and pandoc do without"):
        render(FIXTURE, tmp_path, engine="quarto")


def test_unknown_engine(tmp_path):
    with pytest.raises(RenderError, match="did you mean 'quarto'"):
        render(FIXTURE, tmp_path, engine="quatro")


# --- parity: the same words from both engines, where Quarto is ---------------------------------------------


def skeleton(page: str) -> dict[str, list[str]]:
    """What both engines must say alike: headings, captions, tables, references, alt texts."""
    main = lxml_html.document_fromstring(page).find("body//main")

    def words(element):
        return " ".join(element.text_content().split())

    return {
        "headings": [words(e) for e in main.iter("h2", "h3", "h4")],
        "captions": [words(e) for e in main.iter("caption", "figcaption")],
        "cells": [words(e) for e in main.iter("th", "td")],
        "alt texts": [e.get("alt") for e in main.iter("img")],
        "references": [f"{words(e)} {e.get('href')}" for e in main.iter("a") if e.get("href", "").startswith("#")],
        "paragraphs": [words(e) for e in main.iter("p", "li")],
    }


@pytest.mark.skipif(quarto.find()[0] is None, reason=f"{quarto.find()[1]}: install Quarto 1.7 or later")
def test_quarto_and_the_embedded_engine_say_the_same(tmp_path):
    from pypdf import PdfReader

    pages, texts = [], []
    content = json.loads(FIXTURE.read_text("utf-8"))
    for text in ("- one\n- two\n    - within", "- the list of another cell"):
        content["cells"].append({"cell_type": "markdown", "metadata": {}, "source": text})
    notebook = tmp_path / "report.ipynb"
    notebook.write_text(json.dumps(content), encoding="utf-8")
    for engine in ("quarto", "pandoc"):
        folder = tmp_path / engine
        folder.mkdir()
        done = render(notebook, folder, engine=engine)
        pages.append(skeleton(done.html.read_text("utf-8")))
        text = "".join(page.extract_text() for page in PdfReader(done.pdf).pages)
        texts.append(sorted(re.findall(r"\d[\d,.]*", text)))
        again = render(notebook, tmp_path, engine=engine)
        assert again.html.read_bytes() == done.html.read_bytes() and again.pdf.read_bytes() == done.pdf.read_bytes()
        page = lxml_html.document_fromstring(done.html.read_text("utf-8"))
        assert not page.xpath("//div[@alt or @data-fig-phone or @data-fig-alt]")
    assert pages[0] == pages[1]
    assert texts[0] == texts[1]


def test_kept_fonts_that_were_cut_short_are_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(look, "project_folder", lambda: tmp_path)
    whole = look._faces()
    [kept] = (tmp_path / ".cache" / "fonts").iterdir()
    for end in (whole.index("\n") + 1, len(whole) // 2, 0):  # behind the first of several faces, within one, and empty
        kept.write_text(f"{whole}\n"[:end], encoding="ascii")
        assert look._faces() == whole
    assert kept.read_text(encoding="ascii") == f"{whole}\n"
