"""The other engine: a Quarto that is on this machine, run in a project folder made for one report."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from cdi_lib import project_folder
from cdi_lib.render.dialect import FENCE
from cdi_lib.render.embedded import check_page, compile_pdf
from cdi_lib.render.errors import EngineError, RenderError, shown
from cdi_lib.render.look import EXTENSION, MADE, complete, fonts_folder, hash_of
from cdi_lib.render.notebooks import Chunk

OLDEST = (1, 7)
SECONDS = 180  # time limit of one call


def find() -> tuple[str | None, str]:
    """Path and version of the Quarto of this machine; or None and why there is none, in words that end a sentence."""
    # The folder of the running Python first: `quarto-cli` installs its command there.
    if (path := shutil.which("quarto", path=str(Path(sys.executable).parent)) or shutil.which("quarto")) is None:
        return None, "Quarto is not installed"
    try:
        answer = _run([path, "--version"], Path.cwd(), 30).strip()
    except EngineError as error:
        return None, f"the installed Quarto does not answer ({error})"
    if (match := re.match(r"(\d+)\.(\d+)", answer)) is None:
        return None, f"the installed Quarto does not tell its version (got {shown(answer)})"
    if (int(match[1]), int(match[2])) < OLDEST:
        return None, f"the installed Quarto is {answer}, and 1.7 is the oldest that can"
    return path, answer


def pages(
    quarto: str, folder: Path, matter: Mapping[str, Any], chunks: Sequence[Chunk], document: str, head: str
) -> tuple[bytes, bytes]:
    """Page and PDF by Quarto, whose Typst is compiled once more, under PDF/UA-1; EngineError unless both are whole."""
    notebook = write_project(folder, matter, chunks, head)
    for target, name in (("cdi-html", "report.html"), ("cdi-typst", "report.typ")):
        _run([quarto, "render", notebook.name, "--to", target], folder, SECONDS)
        if not (folder / name).is_file():
            raise EngineError(f"it ended well, but wrote no {name}")
    page = (folder / "report.html").read_text(encoding="utf-8")
    check_page(page)
    _check_whole(page, document)
    # The policy names the stylesheets that the page really holds.
    styles = re.findall(r"<style\b[^>]*>(.*?)</style>", page, flags=re.DOTALL)
    page = page.replace(matter["style-hash"], "' 'sha256-".join(hash_of(style) for style in styles))
    try:
        return page.encode(), compile_pdf(folder / "report.typ", fonts_folder())
    except RenderError as error:
        raise EngineError(str(error)) from error


def write_project(folder: Path, matter: Mapping[str, Any], chunks: Sequence[Chunk], head: str) -> Path:
    """Make a folder with all that ``quarto render report.ipynb`` needs, and return the notebook's path.

    The notebook holds front matter and Markdown only: other outputs, and times in metadata, would reach the page.
    """
    own = folder / "_extensions" / EXTENSION.name
    shutil.copytree(EXTENSION, own, ignore=shutil.ignore_patterns(MADE))
    complete(own, head)
    shutil.copyfile(project_folder() / "_quarto.yml", folder / "_quarto.yml")
    front = yaml.safe_dump(dict(matter), allow_unicode=True)
    # Each cell in a block of its own, which the filter takes away: else lists of two cells would become one.
    apart = (f"{FENCE} {{.cell}}\n\n{chunk.text.strip()}\n\n{FENCE}" for chunk in chunks)
    texts = [("raw", f"---\n{front}---"), *(("markdown", text) for text in apart)]
    cells = [
        # As lines: of a text in one piece Quarto would drop the line breaks.
        {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text.splitlines(keepends=True)}
        for number, (kind, text) in enumerate(texts)
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    notebook = folder / "report.ipynb"
    notebook.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    return notebook


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


def _run(command: Sequence[str], folder: Path, seconds: float) -> str:
    """The standard output of a command. Its children (Deno, Pandoc, Typst) end with it at the time limit."""
    given, got = subprocess.DEVNULL, subprocess.PIPE
    try:
        process = subprocess.Popen(command, cwd=folder, stdin=given, stdout=got, stderr=got, start_new_session=True)
    except OSError as error:
        raise EngineError(f"it cannot be started: {error}") from error
    try:
        told, complaints = process.communicate(timeout=seconds)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise EngineError(f"no end after {seconds:g} seconds") from error
        raise
    if process.returncode:
        lines = complaints.decode(errors="replace").strip().splitlines() or ["no message"]
        wrong = next((line for line in lines if "ERROR" in line or "error:" in line), lines[-1])
        raise EngineError(f"exit status {process.returncode}: {shown(wrong, 300)}")
    return told.decode(errors="replace")
