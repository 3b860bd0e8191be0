"""The one entry: an executed report notebook becomes a page and a PDF, by Quarto or by Pandoc and Typst.

Both engines share the page template, the stylesheet, the Lua filter and the Typst functions in ``reports/``.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdi_lib.render import embedded, look, quarto
from cdi_lib.render.dialect import parse
from cdi_lib.render.errors import EngineError, RenderError, shown, suggest
from cdi_lib.render.notebooks import front_matter, read_cells, read_chunks

ENGINES = ("auto", "quarto", "pandoc")


@dataclass(frozen=True)
class Rendered:
    """What was written (``index.html``, ``report.pdf``), by which engine, and a line that says so and why."""

    html: Path
    pdf: Path
    engine: str  # "quarto" or "pandoc"
    version: str  # of the embedded engine: those of Pandoc and Typst
    message: str


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
        The executed notebook. It is only read.
    out_dir : Path
        Existing folder for the two files, written only when both could be made.
    engine : {"auto", "quarto", "pandoc"}
        ``pandoc`` is the embedded engine. ``auto`` takes it where no Quarto of 1.7 or later renders the report.
    metadata : mapping, optional
        Additions to the front matter of the notebook's first cell (see `front_matter`).
    json_ld : mapping, optional
        A schema.org description of the report, put into the page as data.
    script : Path, optional
        A script for the page, which must be complete without it; without one no script can run.

    Raises
    ------
    RenderError
        If the notebook leaves the dialect, its front matter is incomplete or the PDF breaks PDF/UA-1; if
        `engine` is ``quarto`` and Quarto is missing, too old or fails.
    """
    if engine not in ENGINES:
        hint = suggest(engine, ENGINES)
        raise RenderError(f"engine: got {shown(engine)}{hint}; expected one of {', '.join(ENGINES)}")
    cells = read_cells(notebook)
    head, hashes = look.page_head(json_ld, script)
    matter = front_matter(cells, metadata or {}) | hashes
    chunks = read_chunks(cells)
    with tempfile.TemporaryDirectory(prefix=f"cdi-render-{os.getpid()}-") as folder:
        work = Path(folder)
        document = parse(chunks, matter, work)  # before the choice, so that both engines refuse the same
        found, reason = (None, "asked for") if engine == "pandoc" else quarto.find()
        pages = None
        if found:
            try:
                pages = quarto.pages(found, work / "project", matter, chunks, document, head)
                used, version, message = "quarto", found.version, f"Rendered by Quarto {found.version}."
            except EngineError as error:
                reason = f"Quarto {found.version} failed: {error}"
        if pages is None:
            if engine == "quarto":
                raise RenderError(f"engine quarto was asked for, but {reason}; auto and pandoc do without it")
            pages = embedded.pages(work, document, head)
            used, version = "pandoc", embedded.version()
            message = f"Rendered by the embedded engine ({version}): {reason}."
    html, pdf = out_dir / "index.html", out_dir / "report.pdf"
    html.write_bytes(pages[0])
    pdf.write_bytes(pages[1])
    return Rendered(html, pdf, used, version, " ".join(message.split()))


def prepare() -> None:
    """Do once what is the same for every report: cut the fonts, find the programs. A process forked later has it."""
    look.style()
    embedded.version()
