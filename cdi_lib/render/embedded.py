"""The engine that is always there: Pandoc makes the page and the Typst, Typst the PDF."""

import functools
import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cdi_lib.render.errors import EngineError, RenderError, shown
from cdi_lib.render.look import EXTENSION, fonts_folder


@functools.cache
def version() -> str:
    """The versions of Pandoc and Typst."""
    from importlib.metadata import version as version_of

    import pypandoc

    return f"Pandoc {pypandoc.get_pandoc_version()}, Typst {version_of('typst')}"


def pandoc(arguments: Sequence[str], text: str, folder: Path) -> tuple[str, str]:
    """What Pandoc makes of a text, in a folder, and what it warns of."""
    import pypandoc

    command = [pypandoc.get_pandoc_path(), *arguments]
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", cwd=folder, check=False)
    if done.returncode:
        raise RenderError(f"Pandoc failed: {done.stderr.strip()}")
    return done.stdout, done.stderr


def pages(folder: Path, document: str, head: str) -> tuple[bytes, bytes]:
    """Page and PDF from Pandoc's JSON. What follows is in _extensions/cdi/_extension.yml for the other engine."""
    (folder / "head.html").write_text(head, encoding="utf-8")
    shared = ["--from=json", "--standalone", "--wrap=none", f"--lua-filter={EXTENSION / 'report.lua'}"]
    for_page = ["--to=html5", f"--template={EXTENSION / 'page.html'}", "--include-in-header=head.html"]
    for_page += ["--toc", "--toc-depth=3", "--shift-heading-level-by=1"]
    for_typst = ["--to=typst", f"--template={EXTENSION / 'report.typ'}"]
    with ThreadPoolExecutor(2) as both:  # each waits for a program of its own
        page, typst = both.map(lambda own: pandoc([*shared, *own], document, folder)[0], (for_page, for_typst))
    check_page(page)
    (folder / "report.typ").write_text(typst, encoding="utf-8")
    return page.encode(), compile_pdf(folder / "report.typ", fonts_folder())


def check_page(page: str) -> None:
    """The page may not fetch anything: no script, style sheet, image or font from elsewhere."""
    for tag in re.findall(r"<(?:script|link|img|iframe|object|source|embed)\b[^>]*>", page):
        address = re.search(r'\b(?:src|href|data)="([^"]*)"', tag)
        if address and not address[1].startswith("data:"):
            raise EngineError(f"the page would fetch {shown(address[1])}: it must hold all that it shows")


def compile_pdf(source: Path, fonts: Path) -> bytes:
    """A tagged PDF/UA-1 from Typst. What breaks the standard, and a missing font, is an error."""
    import typst

    try:
        pdf, warnings = typst.compile_with_warnings(
            source, root=source.parent, font_paths=[fonts], ignore_system_fonts=True, pdf_standards=["ua-1"]
        )
    except typst.TypstError as error:
        raise RenderError(f"Typst refuses the PDF: {'; '.join([error.message, *error.hints])}") from error
    for warning in warnings:
        if "font" in warning.message or "converge" in warning.message:
            raise RenderError(f"Typst cannot set the PDF as designed: {warning.message}")
    return pdf
