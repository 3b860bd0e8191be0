"""The one entry: an executed report notebook becomes a page and a PDF, by Quarto or by Pandoc and Typst.

Both engines share the page template, the stylesheet, the Lua filter and the Typst functions in ``reports/``.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdi_lib.render import embedded, look, quarto
from cdi_lib.render.dialect import parse
from cdi_lib.render.errors import EngineError, RenderError, shown, suggest
from cdi_lib.render.notebooks import front_matter, read_cells, read_chunks

ENGINES = ("auto", "quarto", "pandoc")


def render(
    notebook: Path, out_dir: Path, *, engine: str = "auto", metadata: Mapping[str, Any] | None = None,
    json_ld: Mapping[str, Any] | None = None, script: Path | None = None,
) -> str:  # fmt: skip
    """Write ``index.html`` and ``report.pdf`` of an executed report notebook into an existing folder, both or none.

    Returns a line that says which engine was used, and why.

    ``engine`` is ``quarto``, ``pandoc`` (the embedded one) or ``auto``, which takes that where no Quarto of 1.7 or later
    renders the report. ``metadata`` adds to the front matter of the first cell; ``json_ld``, a schema.org description,
    goes into the page as data; so does a ``script``, without which the page must be complete.

    RenderError if the notebook leaves the dialect, its front matter is incomplete or the PDF breaks PDF/UA-1; and if
    Quarto was asked for, and is missing, too old or fails.
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
        path, told = (None, "asked for") if engine == "pandoc" else quarto.find()
        pages = None
        if path:
            message = f"Rendered by Quarto {told}."
            try:
                pages = quarto.pages(path, work / "project", matter, chunks, document, head)
            except EngineError as error:
                told = f"Quarto {told} failed: {error}"
        if pages is None:
            if engine == "quarto":
                raise RenderError(f"engine quarto was asked for, but {told}; auto and pandoc do without it")
            message = f"Rendered by the embedded engine ({embedded.version()}): {told}."
            pages = embedded.pages(work, document, head)
    for name, content in zip(("index.html", "report.pdf"), pages, strict=True):
        (out_dir / name).write_bytes(content)
    return " ".join(message.split())
