"""The report as a Word document for the fact check, and what came back in one.

Each paragraph and cell carries a bookmark with the hash of its text. So a copy that went through Word or LibreOffice
tells by itself what was changed in it, whatever has happened to the report since. Prose of the parameters may be
edited; everything else is computed.
"""

import hashlib
import io
import json
import re
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from docx.text.paragraph import Paragraph

from cdi_lib.inspection.results import Results
from cdi_lib.render.dialect import parse
from cdi_lib.render.embedded import pandoc
from cdi_lib.render.look import EXTENSION
from cdi_lib.render.notebooks import front_matter, read_cells, read_chunks
from cdi_lib.report import charts
from cdi_lib.report.index import FIGURES
from cdi_lib.report.labels import book, lower_first, said
from cdi_lib.report.wording import moment, sentence

PROSE, FIXED = "prose", "fixed"
EDITABLE = "Editable"  # the style of a paragraph that may be edited
_MARK = re.compile(rf"({PROSE}|{FIXED})_(\d+)_(\d+)_([0-9a-f]{{12}})")
_OF = "report_of_"  # begins the bookmark that says whose report it is
_PICTURE = re.compile(r"\]\((data:image/svg\+xml;base64,[^)]*)\)\{#(fig-[\w-]+) ")
_FONT, _BLUE, _EDGE = "Arial", RGBColor(0x00, 0x3A, 0x70), "B58900"


@dataclass(frozen=True)
class Passage:
    """A paragraph or cell: its text with every tracked change accepted, and under which heading it stands.

    ``kind``, ``number``, ``of`` and ``hash`` are those of its bookmark: prose or fixed, which one, of how many, and the
    hash of the text that the draft was made with. A paragraph that somebody has added has none.
    """

    text: str
    section: str
    kind: str = ""
    number: int = 0
    of: int = 0
    hash: str = ""

    @property
    def is_changed(self) -> bool:
        return self.hash != hash_of(core(self.text) if self.kind == PROSE else self.text)


@dataclass(frozen=True)
class Comment:
    """A comment of a reader."""

    section: str
    author: str
    day: str
    about: str  # the paragraph that it is attached to
    text: str


def hash_of(text: str) -> str:
    """The hash of a passage's text, in which only words count: spaces and the shape of quotation marks do not."""
    return hashlib.sha256(plain_marks(text).encode()).hexdigest()[:12]


def plain_marks(text: str) -> str:
    """A text with straight quotation marks, simple dashes and single spaces."""
    for marks, simple in (("‘’‚′", "'"), ("“”„″", '"'), ("–—−‑", "-"), ("…", "...")):
        text = re.sub(f"[{marks}]", simple, text)
    return " ".join(text.split())


def word_copy(notebook: Path, results: Results, prose: Collection[str]) -> tuple[bytes, int]:
    """An executed report notebook as a Word document, and how many of its paragraphs may be edited.

    ``prose`` are the texts of the parameters as they stand there; paragraphs that print one of them may be edited.
    """
    cells = read_cells(notebook)
    chunks = read_chunks(cells)
    with tempfile.TemporaryDirectory(prefix="cdi-draft-") as folder:
        work = Path(folder)
        document = parse(chunks, front_matter(cells, {}), work)
        for address, identity in _PICTURE.findall("\n".join(chunk.text for chunk in chunks)):
            drawn = FIGURES[identity].build(results)
            assert drawn is not None, identity
            (work / f"{identity}.png").write_bytes(charts.png(drawn[0][0]))
            document = document.replace(address, f"{identity}.png")
        found = json.loads(document)
        found["meta"] = {key: value for key, value in found["meta"].items() if key in ("title", "subtitle", "lang")}
        options = ["--from=json", "--to=docx", f"--lua-filter={EXTENSION / 'report.lua'}", "--output=draft.docx"]
        pandoc(options, json.dumps(found), work)
        word = Document(str(work / "draft.docx"))
    _design(word, results)
    editable = _mark(word, {core(text) for text in prose}, results.force)
    made = io.BytesIO()
    word.save(made)
    return made.getvalue(), editable


def read_passages(content: bytes) -> tuple[list[Passage], list[Comment]]:
    """What a Word document says, in order, and the comments in it; ValueError if it is none."""
    try:
        word = Document(io.BytesIO(content))
        told = {str(comment.comment_id): comment for comment in word.comments}
    except Exception as error:  # noqa: BLE001 - the reader has many kinds of error; all mean the same here
        raise ValueError(f"not a readable Word document ({type(error).__name__})") from None
    passages, comments = [], []
    for section, paragraph in _paragraphs(word):
        text = _text(paragraph._p)
        names = [mark.get(qn("w:name"), "") for mark in paragraph._p.iter(qn("w:bookmarkStart"))]
        marks = [found for name in names if (found := _MARK.fullmatch(name))]
        for mark in marks:  # several where somebody has joined paragraphs
            passages.append(Passage(text, section, mark[1], int(mark[2]), int(mark[3]), mark[4]))
        if not marks and text:
            passages.append(Passage(text, section))
        for start in paragraph._p.iter(qn("w:commentRangeStart")):
            if comment := told.pop(start.get(qn("w:id"), ""), None):
                day = comment.timestamp.date().isoformat() if comment.timestamp else ""
                words = " ".join(" ".join(part.text for part in comment.paragraphs).split())
                comments.append(Comment(section, comment.author or "", day, text, words))
    return passages, comments


def is_of_another(content: bytes, force: str) -> bool:
    """Whether a readable Word document says that it is the copy of another force's report."""
    marks = [mark.get(qn("w:name"), "") for mark in Document(io.BytesIO(content)).element.iter(qn("w:bookmarkStart"))]
    of = [name for name in marks if name.startswith(_OF)]
    return bool(of) and _name_of(force) not in of


def _name_of(force: str) -> str:
    return _OF + force.replace("-", "_")  # which Word allows in the name of a bookmark


def _paragraphs(word: Any) -> Iterator[tuple[str, Paragraph]]:
    """All paragraphs, those of cells among them, each with the heading above it."""
    section = ""
    for element in word.element.body.iter(qn("w:p")):
        paragraph = Paragraph(element, word)
        if paragraph.style is not None and paragraph.style.name.lower().startswith("heading"):
            section = _text(element)
        yield section, paragraph


def _text(element: Any) -> str:
    """The text of a paragraph with every tracked change accepted."""
    gone = (qn("w:del"), qn("w:moveFrom"))
    parts = []
    for part in element.iter(qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:noBreakHyphen")):
        if not any(above.tag in gone for above in part.iterancestors()):
            parts.append(part.text or "" if part.tag == qn("w:t") else "-" if "Hyphen" in part.tag else " ")
    return " ".join("".join(parts).split())


def core(text: str) -> str:
    """What a text of the parameters and its print have in common: a sentence gets a capital and a stop, a point a mark."""
    return lower_first(plain_marks(text).rstrip(".;,"))


def _mark(word: Any, prose: Collection[str], force: str) -> int:
    """Give document and paragraphs their bookmarks, and those that may be edited their style; returns how many these are."""
    found = [(element, text) for element in word.element.body.iter(qn("w:p")) if (text := _text(element))]
    editable = 0
    for number, (element, text) in enumerate(found):
        kind = PROSE if core(text) in prose else FIXED
        if kind == PROSE:
            editable += 1
            paragraph = Paragraph(element, word)
            if paragraph._p.pPr is None or paragraph._p.pPr.numPr is None:
                paragraph.style = word.styles[EDITABLE]
            else:  # a point keeps the style of its list, and gets the line only
                _line(paragraph._p.get_or_add_pPr())
        name = f"{kind}_{number}_{len(found)}_{hash_of(core(text) if kind == PROSE else text)}"
        _bookmark(element, name, 100_000 + number)
        if number == 0:
            _bookmark(element, _name_of(force), 99_999)
    return editable


def _bookmark(element: Any, name: str, identity: int) -> None:
    element.insert(0 if element.pPr is None else 1, _element("bookmarkStart", name=name, id=identity))
    element.append(_element("bookmarkEnd", id=identity))


def _element(tag: str, **attributes: object) -> Any:
    """An element of Word's own language, with attributes of it."""
    return OxmlElement(f"w:{tag}", {qn(f"w:{name}"): str(value) for name, value in attributes.items()})


def _line(properties: Any) -> None:
    """The line at the side of a paragraph that may be edited."""
    borders = _element("pBdr")
    borders.append(_element("left", val="single", sz=18, space=6, color=_EDGE))
    properties.insert_element_before(
        borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:outlineLvl", "w:rPr"
    )


def _design(word: Any, results: Results) -> None:
    """Fonts, the mark of a draft and an embargo on every page, how to read it, and lines between the rows of tables."""
    words, styles = book("labels")["draft"], word.styles
    for style in styles:
        if style.type in (WD_STYLE_TYPE.PARAGRAPH, WD_STYLE_TYPE.CHARACTER) and style.element.rPr is not None:
            for fonts in style.element.rPr.findall(qn("w:rFonts")):
                style.element.rPr.remove(fonts)
            if style.type == WD_STYLE_TYPE.PARAGRAPH and style.name.startswith(("Heading", "Title", "Subtitle")):
                style.font.color.rgb = _BLUE
    normal = styles["Normal"]
    normal.font.name, normal.font.size = _FONT, Pt(10.5)
    own = styles.add_style(EDITABLE, WD_STYLE_TYPE.PARAGRAPH)
    own.base_style = styles["Body Text"]
    _line(own.element.get_or_add_pPr())
    for section in word.sections:
        header = section.header.paragraphs[0]
        until = results.publication.get("embargo")
        embargo = sentence(said("release.before", when=moment(until))) if until else ""
        header.text = " ".join(filter(None, [words["mark"], embargo]))
        header.runs[0].bold = True
    first = next(p for p in word.paragraphs if p.style.name.startswith("Heading"))
    for told in words["how"]:
        first.insert_paragraph_before(told, style="Body Text")
    for table in word.tables:
        borders = _element("tblBorders")
        borders.extend(
            _element(side, val="single", sz=4, space=0, color="999999") for side in ("top", "bottom", "insideH")
        )
        table._tbl.tblPr.append(borders)
