"""What an executed notebook says: its front matter, and what its cells show, in order."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from cdi_lib.render.errors import RenderError, shown, suggest

# What the front matter may say (the subtitle is the force). All else about the output is decided in _extensions/cdi.
KNOWN = {"title", "subtitle", "publication-type", "audit-period", "date", "published", "published-label", "status"}
KNOWN |= {"version", "lang", "description", "keywords", "rights", "status-text", "draft-notice", "words"}


class Chunk(NamedTuple):
    """The Markdown of one cell, or of one output of a code cell."""

    cell: int  # counted from 1 over all cells of the notebook
    text: str


def read_cells(notebook: Path) -> list[dict[str, Any]]:
    """The cells of a notebook in format 4."""
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RenderError(f"{notebook.name}: cannot be read as a notebook: {error}") from error
    if content.get("nbformat") != 4:
        raise RenderError(f"{notebook.name}: got notebook format {content.get('nbformat')!r}; expected 4")
    return list(content["cells"])


def read_chunks(cells: Sequence[Mapping[str, Any]]) -> list[Chunk]:
    """What the cells show. A code cell that begins with ``#| include: false`` shows nothing.

    RenderError for a raw cell that is not the first, and for an output that a reader would see and that is no Markdown.
    """
    chunks = []
    for number, cell in enumerate(cells, start=1):
        source = "".join(cell["source"])  # a string, or a list of lines
        if cell["cell_type"] == "markdown" and not source.startswith("::: {.content-hidden}"):
            chunks.append(Chunk(number, source))
        elif cell["cell_type"] == "raw" and number > 1:
            raise RenderError(f"cell {number}: a raw cell; expected Markdown or code (only the first is raw)")
        elif cell["cell_type"] == "code" and not re.match(r"#\| *include: *false\b", source):
            chunks += [Chunk(number, _markdown(number, output)) for output in cell.get("outputs", [])]
    return chunks


def _markdown(number: int, output: Mapping[str, Any]) -> str:
    """An output's Markdown."""
    if output["output_type"] == "error":
        raise RenderError(f"cell {number}: failed with {output.get('ename')}: run the notebook again")
    if output["output_type"] == "stream":
        prints = f"prints {shown(''.join(output['text']))} ({output['name']})"
        raise RenderError(f"cell {number}: {prints}; expected display(Markdown(…)) or nothing")
    if "text/markdown" not in output["data"]:
        use = "use display(Markdown(…)), and end a last line that only returns a value with ';'"
        kinds = ", ".join(sorted(output["data"]))
        raise RenderError(f"cell {number}: shows {kinds}; expected text/markdown: {use}")
    return "".join(output["data"]["text/markdown"])


def front_matter(cells: Sequence[Mapping[str, Any]], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The front matter that both engines see: that of the first cell, and keys of `KNOWN` that the notebook does not have.

    RenderError for what cannot be used, and for a key that both have with different values: one would be ignored.
    """
    matter = _first_cell(cells)
    for key, value in metadata.items():
        if key in matter and str(matter[key]) != str(value):
            both = f"the notebook's first cell says {shown(matter[key])} and the caller {shown(value)}"
            raise RenderError(f"front matter, {key}: {both}: take it out of one of them")
        matter[key] = value
    if unknown := sorted(set(matter) - KNOWN):
        known = f"expected {', '.join(sorted(KNOWN))}. Formats are set in _extensions/cdi"
        raise RenderError(f"front matter, {unknown[0]}: unknown key{suggest(unknown[0], KNOWN)}; {known}")
    for key in ("title", "date"):
        if not matter.get(key):
            raise RenderError(f"front matter, {key}: missing; write it into the notebook's first cell")
    return matter | _spelled_out(matter)


def _first_cell(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    expected = "expected a raw cell with the front matter (title, date) between two lines '---'"
    if not cells or cells[0].get("cell_type") != "raw":
        raise RenderError(f"cell 1: {expected}")
    match = re.fullmatch(r"\s*---\s*\n(.*?)\n---\s*", "".join(cells[0]["source"]), flags=re.DOTALL)
    try:
        if match and isinstance(matter := yaml.safe_load(match[1]), dict):
            return matter
    except yaml.YAMLError as error:
        raise RenderError(f"cell 1: the front matter is not YAML: {error}") from error
    raise RenderError(f"cell 1: {expected}")


def _spelled_out(matter: Mapping[str, Any]) -> dict[str, Any]:
    """Single values of the front matter, checked and in the words of the page."""
    try:
        day = date.fromisoformat(str(matter["date"]))
    except ValueError:
        got = shown(matter["date"])
        raise RenderError(f"front matter, date: got {got}; expected a day as 2020-07-31") from None
    status = matter.get("status", "final")
    if status not in ("draft", "final"):
        raise RenderError(f"front matter, status: got {shown(status)}; expected draft or final")
    for word in matter.get("keywords", []):
        # A keyword becomes a string in HTML and in Typst, where marks would have to be escaped differently.
        if not re.fullmatch(r"[\w ,.'()-]+", str(word)):
            raise RenderError(f"front matter, keywords: got {shown(word)}; expected no special marks")
    title, force = str(matter["title"]), matter.get("subtitle")
    words = {
        "date": day.isoformat(),
        "lang": matter.get("lang", "en-GB"),
        "pagetitle": f"{force}: {title}" if force else title,
        "published": matter.get("published") or f"{day.day} {day:%B %Y}",
        "published-label": matter.get("published-label") or ("Dated" if status == "draft" else "Published"),
        "status": status,
    }
    words |= {"version": str(matter["version"])} if "version" in matter else {}
    word, notice = matter.get("status-text", "Draft"), matter.get("draft-notice", "for checking, not for publication")
    is_marked = status == "draft" or "draft-notice" in matter
    return words | {"status-text": word, "draft-notice": notice} if is_marked else words
