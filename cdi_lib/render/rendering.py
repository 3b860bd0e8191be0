"""An executed report notebook becomes a page and a PDF: by Quarto, or by Pandoc and Typst.

The notebook speaks a small part of Quarto's Markdown (``reports/dialect.lua`` lists and checks it):

- a raw first cell with YAML front matter; Markdown cells; ``text/markdown`` outputs of code cells (not of
  those that begin with ``#| include: false``);
- headings from ``#`` on (the title is the page's only ``h1``), paragraphs, lists, emphasis, inline code,
  plain code blocks, quotations, footnotes, links;
- pipe tables with ``: caption {#tbl-x}``; figures ``![caption](data:image/svg+xml;base64,…){#fig-x
  fig-alt="…"}``; references ``@tbl-x`` and ``@fig-x``;
- grades ``[good]{.badge .badge-good}``, large numbers ``[92.0%]{.number}``; the blocks
  ``::: {.box .box-note}``,
  ``{.box .box-warning}``, ``{.headline}``, ``{.headlines}`` (several headlines side by side), ``{.source}``
  (a small line under a table or a chart) and one ``{.masthead}`` that goes into the title block.

Anything else is refused with the cell's number, never dropped. Both engines share the page template, the
stylesheet, the Lua filter and the Typst functions in ``reports/``.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from cdi_lib import project_folder
from cdi_lib.render.errors import EngineError, RenderError, shown, suggest

LOOK = project_folder() / "reports"
OLDEST_QUARTO = (1, 7)
QUARTO_SECONDS = 180  # time limit of one Quarto call
ENGINES = ("auto", "quarto", "pandoc")

# What the front matter may say. Everything else about the output is decided in reports/_quarto.yml.
FRONT_MATTER = {
    "title",
    "subtitle",  # the force
    "date",  # ISO
    "date-label",  # what the date is; left out: published, or dated for a draft
    "lang",
    "status",  # draft or final
    "version",
    "publication-type",
    "audit-period",  # in words
    "description",
    "keywords",
    "rights",
}
# Written by this module into the front matter that the engines see.
DERIVED = {
    "pagetitle",
    "published",
    "published-label",
    "status-text",
    "draft-notice",
    "style-hash",
    "script-hash",
}

# Pandoc's Markdown as Quarto reads it. HTML's own div and span are read as raw HTML, and so refused.
READER = "markdown-native_divs-native_spans-yaml_metadata_block-pandoc_title_block"


@dataclass(frozen=True)
class Rendered:
    """What was written, and by what.

    Parameters
    ----------
    html, pdf : Path
        ``index.html`` and ``report.pdf`` in the folder that the caller gave.
    engine : {"quarto", "pandoc"}
        The engine that made them.
    version : str
        Its version; for the embedded engine those of Pandoc and Typst.
    message : str
        One line for the user: which engine, and why.
    """

    html: Path
    pdf: Path
    engine: str
    version: str
    message: str


class Chunk(NamedTuple):
    """The Markdown of one cell, or of one output of a code cell."""

    cell: int  # counted from 1 over all cells of the notebook
    text: str


def render(
    notebook: Path,
    out_dir: Path,
    *,
    engine: str = "auto",
    metadata: Mapping[str, Any] | None = None,
    json_ld: Mapping[str, Any] | None = None,
    script: Path | None = None,
) -> Rendered:
    """Write ``index.html`` and ``report.pdf`` of an executed report notebook.

    Parameters
    ----------
    notebook : Path
        The executed notebook. It is read, never written and never executed.
    out_dir : Path
        Existing folder for the two files. They are written only when both could be made.
    engine : {"auto", "quarto", "pandoc"}
        ``auto`` takes a Quarto of 1.7 or later that answers and renders, and else the embedded engine, and
        says which and why. ``quarto`` fails instead. ``pandoc`` is the embedded engine.
    metadata : mapping, optional
        Additions to the front matter of the notebook's first cell (see `front_matter`).
    json_ld : mapping, optional
        A schema.org description of the report, put into the page's head as data (not as a script that runs).
    script : Path, optional
        A script for the page, which must be complete without it. It goes into the page, and the page's policy names its
        hash; without one no script can run.

    Returns
    -------
    Rendered

    Raises
    ------
    RenderError
        If the notebook leaves the dialect, the front matter is incomplete, a font is missing, or the PDF
        breaks PDF/UA-1; if `engine` is ``quarto`` and Quarto is missing, too old or fails.
    """
    if engine not in ENGINES:
        raise RenderError(
            f"engine: got {shown(engine)}; expected one of {', '.join(ENGINES)}{suggest(engine, ENGINES)}"
        )
    cells = _read_notebook(notebook)
    style = _style()
    matter = front_matter(cells, metadata or {})
    matter["style-hash"] = _style_hash(style)
    chunks = _chunks(cells)
    _check_svg(chunks)
    head = f"<style>{style}</style>\n" + _json_ld_element(json_ld)
    if script:
        # Without indentation, as the stylesheet, so that the hash fits what Pandoc writes.
        text = "\n".join(line.strip() for line in script.read_text(encoding="utf-8").splitlines())
        matter["script-hash"] = _style_hash(text)
        head += f"<script>{text}</script>\n"

    with tempfile.TemporaryDirectory(prefix=f"cdi-render-{os.getpid()}-") as folder:
        project = Path(folder)
        # Checks the dialect; so both engines refuse the same.
        document = _parse(chunks, matter, project)
        chosen, reason = _choose(engine)
        if chosen:
            try:
                page, pdf = _by_quarto(chosen, project, matter, chunks, document, head)
                message = f"Rendered by Quarto {chosen.version}."
                return _write(out_dir, page, pdf, "quarto", chosen.version, message)
            except EngineError as error:
                reason = f"Quarto {chosen.version} failed: {error}"
                if engine == "quarto":
                    raise EngineError(reason) from error
        version = _embedded_version()
        page, pdf = _by_pandoc(project, document, head)
        message = f"Rendered by the embedded engine ({version}): {reason}."
        return _write(out_dir, page, pdf, "pandoc", version, message)


def prepare() -> None:
    """Do once what is the same for every report: cut the fonts, find the programs. A process forked later has it."""
    _style()
    _embedded_version()


def _write(out_dir: Path, page: bytes, pdf: bytes, engine: str, version: str, message: str) -> Rendered:
    html_path, pdf_path = out_dir / "index.html", out_dir / "report.pdf"
    html_path.write_bytes(page)
    pdf_path.write_bytes(pdf)
    return Rendered(html_path, pdf_path, engine, version, " ".join(message.split()))


# --- the notebook ------------------------------------------------------------------------------------


def _read_notebook(notebook: Path) -> list[dict[str, Any]]:
    """The cells of a notebook in format 4."""
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RenderError(f"{notebook.name}: cannot be read as a notebook: {error}") from error
    if content.get("nbformat") != 4:
        raise RenderError(f"{notebook.name}: got notebook format {content.get('nbformat')!r}; expected 4")
    return content["cells"]


def _source(text: str | Sequence[str]) -> str:
    """A notebook's text, which may be a string or a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def front_matter(cells: Sequence[Mapping[str, Any]], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The front matter of a notebook's first cell, with the caller's additions and what follows from both.

    The notebook is the source. `metadata` adds keys that the notebook does not have; a key that both have
    with different values is refused, because one of them would be printed and the other ignored.

    Parameters
    ----------
    cells : sequence of mapping
        The cells of the notebook; the first is a raw cell with YAML between two lines ``---``.
    metadata : mapping
        ``title``, ``subtitle`` (the force), ``date`` (ISO), ``lang``, ``status`` (draft or final),
        ``version``, ``publication-type``, ``audit-period``, ``description``, ``keywords``, ``rights``. An underscore
        stands for a hyphen; None is left out.

    Returns
    -------
    dict
        The front matter that both engines see: the keys above and those derived from them.

    Raises
    ------
    RenderError
        For a missing first cell, an unknown key, two values for one key, a missing title or date, a date that
        is not ISO, a status that is neither draft nor final.

    Examples
    --------
    >>> cell = {"cell_type": "raw", "source": "---\\ntitle: Inspection\\ndate: 2020-07-31\\n---"}
    >>> front_matter([cell], {"status": "draft"})["published"]
    '31 July 2020'
    """
    if not cells or cells[0].get("cell_type") != "raw":
        raise RenderError(
            "cell 1: expected a raw cell with the front matter (title, date) between two lines '---'"
        )
    match = re.fullmatch(r"\s*---\s*\n(.*?)\n---\s*", _source(cells[0]["source"]), flags=re.DOTALL)
    try:
        matter = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError as error:
        raise RenderError(f"cell 1: the front matter is not YAML: {error}") from error
    if not isinstance(matter, dict):
        raise RenderError("cell 1: expected front matter (title, date) between two lines '---'")

    matter = {key: value for key, value in matter.items() if key not in DERIVED}
    for key, value in metadata.items():
        key = key.replace("_", "-")
        if value is None:
            continue
        if key in matter and str(matter[key]) != str(value):
            raise RenderError(
                f"front matter, {key}: the notebook's first cell says {shown(matter[key])} and the caller "
                f"{shown(value)}: take it out of one of them"
            )
        matter[key] = value
    unknown = sorted(set(matter) - FRONT_MATTER)
    if unknown:
        raise RenderError(
            f"front matter, {unknown[0]}: unknown key{suggest(unknown[0], FRONT_MATTER)}; "
            f"expected {', '.join(sorted(FRONT_MATTER))}. Formats are set in reports/_quarto.yml"
        )
    for key in ("title", "date"):
        if not matter.get(key):
            raise RenderError(f"front matter, {key}: missing; write it into the notebook's first cell")
    return matter | _derived(matter)


def _derived(matter: dict[str, Any]) -> dict[str, Any]:
    """Checks single values of the front matter and spells them out for the page."""
    try:
        day = date.fromisoformat(str(matter["date"]))
    except ValueError as error:
        raise RenderError(
            f"front matter, date: got {shown(matter['date'])}; expected a day as 2020-07-31"
        ) from error
    status = matter.get("status", "final")
    if status not in ("draft", "final"):
        raise RenderError(f"front matter, status: got {shown(status)}; expected draft or final")
    keywords = matter.get("keywords", [])
    keywords = [keywords] if isinstance(keywords, str) else list(keywords)
    for word in keywords:
        # A keyword becomes a string in HTML and in Typst, where marks would have to be escaped differently.
        if not re.fullmatch(r"[\w ,.'()-]+", str(word)):
            raise RenderError(
                f"front matter, keywords: got {shown(word)}; expected words without special marks"
            )
    title, force = str(matter["title"]), matter.get("subtitle")
    derived = {
        "date": day.isoformat(),
        "lang": matter.get("lang", "en-GB"),
        "keywords": keywords,
        "pagetitle": f"{force}: {title}" if force else title,
        "published": f"{day.day} {day:%B %Y}",
        "published-label": matter.get("date-label") or ("Dated" if status == "draft" else "Published"),
        "status": status,
    }
    if "version" in matter:
        derived["version"] = str(matter["version"])
    if status == "draft":
        derived |= {"status-text": "Draft", "draft-notice": "for checking, not for publication"}
    return derived


def _chunks(cells: Sequence[Mapping[str, Any]]) -> list[Chunk]:
    """What the notebook shows, in order: Markdown cells and the Markdown outputs of code cells."""
    chunks = []
    for number, cell in enumerate(cells, start=1):
        if cell["cell_type"] == "markdown":
            chunks.append(Chunk(number, _source(cell["source"])))
        elif cell["cell_type"] == "raw" and number > 1:
            raise RenderError(
                f"cell {number}: a raw cell; expected Markdown or code (only the first cell is raw)"
            )
        elif cell["cell_type"] == "code" and not re.match(r"#\| *include: *false\b", _source(cell["source"])):
            chunks += _outputs(number, cell.get("outputs", []))
    for chunk in chunks:
        _check_fences(chunk)
    return chunks


def _outputs(number: int, outputs: Sequence[Mapping[str, Any]]) -> list[Chunk]:
    """The Markdown outputs of a code cell. Any other output that a reader would see is refused."""
    chunks = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "error":
            raise RenderError(f"cell {number}: failed with {output.get('ename')}: run the notebook again")
        if kind == "stream":
            text = _source(output["text"])
            raise RenderError(
                f"cell {number}: prints {shown(text)} ({output['name']}); "
                "expected display(Markdown(…)) or nothing"
            )
        markdown = output["data"].get("text/markdown")
        if markdown is None:
            raise RenderError(
                f"cell {number}: shows {', '.join(sorted(output['data']))}; expected text/markdown: use "
                "display(Markdown(…)), and end a last line that only returns a value with ';'"
            )
        chunks.append(Chunk(number, _source(markdown)))
    return chunks


def _marks(chunks: Sequence[Chunk]) -> list[str]:
    """Quarto's shortcodes and footnotes without text. Marks that a backslash makes plain text are text."""
    notes = {name for chunk in chunks for name in re.findall(r"(?m)^\[\^([^\]\s]+)\]:", chunk.text)}
    found = []
    for cell, text in chunks:
        if shortcode := re.search(r"\{\{[<%]", text):  # Quarto reads it behind a backslash too
            found.append(
                f"cell {cell}: the shortcode '{shortcode[0]}…' is Quarto's only: write the text itself"
            )
        found += [
            f"cell {cell}: the footnote [^{name}] has no text"
            for name in re.findall(r"(?<!\\)\[\^([^\]\s]+)\]", text)
            if name not in notes
        ]
    return found


def _check_fences(chunk: Chunk) -> None:
    """Refuse a ``:::`` block that is opened and closed in different cells: it would swallow others."""
    depth, in_code, before = 0, False, ""
    for line in chunk.text.splitlines():
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code and re.match(r" {0,3}:::+", line):
            opens = bool(line.strip().strip(":").strip())
            if opens and before.strip() and not re.match(r" {0,3}:::+", before):
                raise RenderError(
                    f"cell {chunk.cell}: a ':::' that opens nothing ('{line.strip()}'): leave a blank line before it"
                )
            depth += 1 if opens else -1
        before = line
        if depth < 0:
            break
    if depth:
        word = "opened and not closed" if depth > 0 else "closed and not opened"
        raise RenderError(f"cell {chunk.cell}: a ':::' block is {word}: open and close it in one cell")


def _check_svg(chunks: Sequence[Chunk]) -> None:
    """Every chart is an SVG that needs nothing from elsewhere and runs nothing."""
    for chunk in chunks:
        for data in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]*)", chunk.text):
            try:
                root = ET.fromstring(base64.b64decode(data, validate=True))
            except (ValueError, ET.ParseError) as error:
                raise RenderError(f"cell {chunk.cell}: a chart is not a readable SVG: {error}") from error
            for element in root.iter():
                name = str(element.tag).rpartition("}")[2]
                if name in ("script", "foreignObject"):
                    raise RenderError(
                        f"cell {chunk.cell}: a chart holds a <{name}>: charts are drawings only"
                    )
                for key, value in element.attrib.items():
                    if key.rpartition("}")[2] == "href" and not value.startswith(("#", "data:")):
                        raise RenderError(
                            f"cell {chunk.cell}: a chart points to {shown(value)}: "
                            "it must hold all that it shows"
                        )


# --- the look ----------------------------------------------------------------------------------------


def _fonts_folder() -> Path:
    """The folder with the TrueType files of Source Sans Pro."""
    try:
        import font_source_sans_pro
    except ImportError as error:
        raise RenderError("the package font-source-sans-pro is missing: run the set-up again") from error
    return Path(font_source_sans_pro.__file__).parent / "files"


# Style and weight as the stylesheet asks for them: strong text and headings are semibold.
_PAGE_FONTS = (("Regular", "normal", 400), ("It", "italic", 400), ("Semibold", "normal", 600))
# Latin with the marks of British typography, arrows and comparison signs.
_PAGE_CHARACTERS = [
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),
    *(0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2020, 0x2022, 0x2026, 0x2030),
    *(0x20AC, 0x2190, 0x2191, 0x2192, 0x2193, 0x21A9, 0x2212, 0x2248, 0x2260, 0x2264, 0x2265),
]


@functools.cache
def _style() -> str:
    """The stylesheet with its fonts, cut to Latin, inside."""
    from fontTools import subset

    faces = []
    for name, style, weight in _PAGE_FONTS:
        path = _fonts_folder() / f"SourceSansPro-{name}.ttf"
        if not path.is_file():
            raise RenderError(f"the font {path.name} is missing: run the set-up again")
        options = subset.Options(flavor="woff", hinting=False, recalc_timestamp=False, with_zopfli=False)
        font = subset.load_font(path, options)
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=_PAGE_CHARACTERS)
        cutter.subset(font)
        woff = io.BytesIO()
        subset.save_font(font, woff, options)
        data = base64.b64encode(woff.getvalue()).decode()
        faces.append(
            f'@font-face{{font-family:"Source Sans Pro";font-style:{style};font-weight:{weight};'
            f'font-display:swap;src:url(data:font/woff;base64,{data}) format("woff")}}'
        )
    css = re.sub(r"/\*.*?\*/", "", (LOOK / "report.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    # Without indentation, which Pandoc takes away where it embeds resources: the hash must still fit.
    lines = (line.strip() for line in css.splitlines())
    return "\n".join([*faces, *filter(None, lines)]) + "\n"


def page_style(addition: str = "") -> tuple[str, str]:
    """The stylesheet of the report, its fonts inside, and the hash that a page's content security policy names.

    ``addition`` is a file in ``reports/`` with what another kind of page needs beyond it.
    """
    more = (LOOK / addition).read_text(encoding="utf-8") if addition else ""
    style = _style() + more
    return style, _style_hash(style)


def _style_hash(style: str) -> str:
    """The hash by which the page's content security policy knows its stylesheet."""
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _name_styles(page: str, named: str) -> str:
    """The page with the hashes of the stylesheets that it really holds where its policy names one."""
    styles = re.findall(r"<style\b[^>]*>(.*?)</style>", page, flags=re.DOTALL)
    return page.replace(named, "' 'sha256-".join(_style_hash(style) for style in styles))


def _json_ld_element(json_ld: Mapping[str, Any] | None) -> str:
    if json_ld is None:
        return ""
    text = json.dumps(json_ld, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
    return f'<script type="application/ld+json">{text}</script>\n'


# --- the embedded engine -----------------------------------------------------------------------------


def _pandoc(arguments: Sequence[str], text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    import pypandoc

    command = [pypandoc.get_pandoc_path(), *arguments]
    return subprocess.run(command, input=text, capture_output=True, encoding="utf-8", cwd=folder, check=False)


@functools.cache
def _embedded_version() -> str:
    import pypandoc
    import typst

    return f"Pandoc {pypandoc.get_pandoc_version()}, Typst {typst.__version__}"


def _metadata_file(matter: Mapping[str, Any], folder: Path) -> str:
    path = folder / "front-matter.yml"
    path.write_text(yaml.safe_dump(dict(matter), allow_unicode=True), encoding="utf-8")
    return str(path)


def _parse(chunks: Sequence[Chunk], matter: Mapping[str, Any], folder: Path) -> str:
    """The report as Pandoc's JSON, after `dialect.lua` has found nothing to complain about."""
    parts, lines, line = [], [], 1
    for chunk in chunks:
        fence = ":" * 40  # longer than any in the report
        part = f'{fence} {{.cell number="{chunk.cell}"}}\n\n{chunk.text.strip()}\n\n{fence}\n\n'
        parts.append(part)
        lines.append((line, chunk.cell))
        line += part.count("\n")
    arguments = ["--from", READER, "--to", "json", "--lua-filter", str(LOOK / "dialect.lua")]
    done = _pandoc([*arguments, "--metadata-file", _metadata_file(matter, folder)], "".join(parts), folder)
    found = _marks(chunks)
    for message in done.stderr.splitlines():
        if message.startswith("PROBLEM\t"):
            _, cell, text = message.split("\t", 2)
            found.append(f"cell {cell}: {text}")
        elif at := re.search(r"line (\d+)", message):
            # Pandoc's own warnings, such as a footnote that is defined twice
            cell = max(number for start, number in lines if start <= int(at[1]))
            found.append(
                f"cell {cell}: {re.sub(r' at (chunk )?line .*', '', message.replace('[WARNING] ', ''))}"
            )
    if found:
        raise RenderError("the report cannot be rendered:\n  " + "\n  ".join(found))
    if done.returncode:
        raise RenderError(f"Pandoc cannot read the report: {done.stderr.strip()}")
    return done.stdout


def _by_pandoc(folder: Path, document: str, head: str) -> tuple[bytes, bytes]:
    """Page and PDF from Pandoc's JSON."""
    (folder / "head.html").write_text(head, encoding="utf-8")
    shared = ["--from", "json", "--standalone", "--lua-filter", str(LOOK / "report.lua")]
    page = [
        *shared,
        "--to",
        "html5",
        "--template",
        str(LOOK / "page.html"),
        "--include-in-header",
        "head.html",
    ]
    page += ["--toc", "--toc-depth", "3", "--shift-heading-level-by", "1", "--wrap", "none"]
    outputs = []
    for arguments in (
        page,
        [*shared, "--to", "typst", "--template", str(LOOK / "report.typ"), "--wrap", "none"],
    ):
        done = _pandoc(arguments, document, folder)
        if done.returncode:
            raise RenderError(f"Pandoc failed: {done.stderr.strip()}")
        outputs.append(done.stdout)
    (folder / "report.typ").write_text(outputs[1], encoding="utf-8")
    _check_page(outputs[0])
    return outputs[0].encode(), _compile(folder / "report.typ", _fonts_folder())


def _compile(source: Path, fonts: Path) -> bytes:
    """A tagged PDF/UA-1 from Typst. What breaks the standard, and a missing font, is an error."""
    import typst

    try:
        pdf, warnings = typst.compile_with_warnings(
            str(source),
            root=str(source.parent),
            font_paths=[str(fonts)],
            ignore_system_fonts=True,
            pdf_standards=["ua-1"],
        )
    except typst.TypstError as error:
        hints = "; ".join(error.hints)
        raise RenderError(
            f"Typst refuses the PDF: {error.message}{f' ({hints})' if hints else ''}"
        ) from error
    for warning in warnings:
        if "font" in warning.message or "converge" in warning.message:
            raise RenderError(f"Typst cannot set the PDF as designed: {warning.message}")
    return pdf


def _check_page(page: str) -> None:
    """The page may not fetch anything: no script, style sheet, image or font from elsewhere."""
    for tag in re.findall(r"<(?:script|link|img|iframe|object|source|embed)\b[^>]*>", page):
        address = re.search(r'\b(?:src|href|data)="([^"]*)"', tag)
        if address and not address[1].startswith("data:"):
            raise EngineError(
                f"the page would fetch {shown(address[1])}: expected everything inside the file"
            )


# --- Quarto ------------------------------------------------------------------------------------------


class _Quarto(NamedTuple):
    path: str
    version: str


def quarto_available() -> tuple[str | None, str]:
    """Whether a Quarto that we know is on this machine.

    Returns
    -------
    version : str or None
        The version, or None if there is no Quarto, it does not answer, or it is older than 1.7.
    reason : str
        Why not, in words that end a sentence; empty if there is one.
    """
    found, reason = _find_quarto()
    return (found.version if found else None), reason


def _find_quarto() -> tuple[_Quarto | None, str]:
    # The folder of the running Python first: `quarto-cli` installs its command there.
    beside = shutil.which("quarto", path=str(Path(sys.executable).parent))
    path = beside or shutil.which("quarto")
    if path is None:
        return None, "Quarto is not installed"
    try:
        answer = _run([path, "--version"], Path.cwd(), 30).strip()
    except EngineError as error:
        return None, f"the installed Quarto does not answer ({error})"
    match = re.match(r"(\d+)\.(\d+)", answer)
    if match is None:
        return None, f"the installed Quarto does not tell its version (got {shown(answer)})"
    if (int(match[1]), int(match[2])) < OLDEST_QUARTO:
        return None, f"the installed Quarto is {answer}, and 1.7 is the oldest that can"
    return _Quarto(path, answer), ""


def _choose(engine: str) -> tuple[_Quarto | None, str]:
    if engine == "pandoc":
        return None, "asked for"
    found, reason = _find_quarto()
    if engine == "quarto" and found is None:
        raise EngineError(
            f"engine quarto was asked for, but {reason}: install Quarto, or use engine pandoc or auto"
        )
    return found, reason


def _run(command: Sequence[str], folder: Path, seconds: float) -> str:
    """Run a command and its children within a time limit; its standard output."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            raise EngineError(f"it cannot be started: {error}") from error
        try:
            status = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            _stop(process)
            raise EngineError(f"no end after {seconds:g} seconds") from error
        except BaseException:
            _stop(process)
            raise
        out.seek(0)
        err.seek(0)
        if status:
            lines = err.read().decode(errors="replace").strip().splitlines() or ["no message"]
            wrong = next((line for line in lines if "ERROR" in line or "error:" in line), lines[-1])
            raise EngineError(f"exit status {status}: {shown(wrong, 300)}")
        return out.read().decode(errors="replace")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children (Quarto runs Deno, Pandoc and Typst)."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def quarto_project(
    folder: Path, matter: Mapping[str, Any], chunks: Sequence[tuple[int, str]], head: str
) -> Path:
    """Fill a folder with all that ``quarto render report.ipynb`` needs, and return the notebook's path.

    The look is copied from ``reports/``, the fonts lie beside it. The notebook holds the front matter and the
    Markdown only: outputs in other forms, and times in cell metadata, would otherwise reach the page.

    Parameters
    ----------
    folder : Path
        An existing folder.
    matter : mapping
        The front matter, from `front_matter`.
    chunks : sequence of (int, str)
        The Markdown of the report, in order, with the number of its cell.
    head : str
        The stylesheet element for the page's head.
    """
    for name in ("_quarto.yml", "page.html", "report.lua", "typst-template.typ", "typst-show.typ"):
        shutil.copyfile(LOOK / name, folder / name)
    (folder / "head.html").write_text(head, encoding="utf-8")
    (folder / "fonts").mkdir()
    for font in sorted(_fonts_folder().glob("*.ttf")):
        shutil.copyfile(font, folder / "fonts" / font.name)
    front = "---\n" + yaml.safe_dump(dict(matter), allow_unicode=True) + "---"
    cells = [{"cell_type": "raw", "id": "cell-0", "metadata": {}, "source": _lines(front)}]
    for number, (_, text) in enumerate(chunks, start=1):
        cells.append(
            {"cell_type": "markdown", "id": f"cell-{number}", "metadata": {}, "source": _lines(text)}
        )
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    notebook = folder / "report.ipynb"
    notebook.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    return notebook


def _lines(text: str) -> list[str]:
    """The source of a cell as Quarto takes it: of a text in one piece it would drop the line breaks."""
    return text.splitlines(keepends=True)


def _check_whole(page: str, document: str) -> None:
    """Every table and figure of the notebook must be in the page, and every reference lead to one."""
    named = set(re.findall(r'\["((?:fig|tbl)-[^"\\]+)",\[', document))
    if lacking := sorted(name for name in named if f'id="{name}"' not in page):
        raise EngineError(f"its page lacks {', '.join(lacking[:3])}{' and others' if lacking[3:] else ''}")
    wanted, got = document.count('"t":"Table"'), len(re.findall(r"<table\b", page))
    if wanted != got:
        raise EngineError(f"its page has {got} tables, the notebook {wanted}")
    if lost := re.search(r"\?@(?:fig|tbl)-[\w-]+", page):
        raise EngineError(f"its page does not resolve the reference {lost[0][1:]}")


def _by_quarto(
    quarto: _Quarto,
    folder: Path,
    matter: Mapping[str, Any],
    chunks: Sequence[Chunk],
    document: str,
    head: str,
) -> tuple[bytes, bytes]:
    """Page and PDF by Quarto; its Typst is compiled once more, under PDF/UA-1."""
    project = folder / "project"
    project.mkdir()
    notebook = quarto_project(project, matter, chunks, head)
    for target in ("html", "typst"):
        _run([quarto.path, "render", notebook.name, "--to", target], project, QUARTO_SECONDS)
    for name in ("report.html", "report.typ"):
        if not (project / name).is_file():
            raise EngineError(f"it ended well, but wrote no {name}")
    page = (project / "report.html").read_text(encoding="utf-8")
    _check_page(page)
    _check_whole(page, document)
    page = _name_styles(page, matter["style-hash"])
    try:
        return page.encode(), _compile(project / "report.typ", project / "fonts")
    except RenderError as error:
        raise EngineError(str(error)) from error
