"""The small part of Quarto's Markdown that both engines render alike; ``reports/dialect.lua`` checks most of it.

- Headings from ``#`` on (the title is the page's only ``h1``), paragraphs, lists, emphasis, inline code, plain code
  blocks, quotations, footnotes, links.
- Pipe tables with ``: caption {#tbl-x}``; figures ``![caption](data:image/svg+xml;base64,…){#fig-x fig-alt="…"}``;
  references ``@tbl-x`` and ``@fig-x``.
- Grades ``[good]{.badge .badge-good}``, large numbers ``[92.0%]{.number}``.
- The blocks ``::: {.box .box-note}``, ``{.box .box-warning}``, ``{.headline}``, ``{.headlines}`` (several headlines side
  by side), ``{.source}`` (a small line under a table or a chart), ``{.data}`` (the same, on pages only), ``{.folded summary="…"}``,
  ``{.grades}`` (several ``{.grade}`` side by side) and one ``{.masthead}`` that goes into the title block.

Anything else is refused with the cell's number, never dropped.
"""

import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from cdi_lib.render.embedded import pandoc
from cdi_lib.render.errors import RenderError, shown
from cdi_lib.render.look import LOOK
from cdi_lib.render.notebooks import Chunk

# Pandoc's Markdown as Quarto reads it. HTML's own div and span are read as raw HTML, and so refused.
READER = "markdown-native_divs-native_spans-yaml_metadata_block-pandoc_title_block"
FENCE = ":" * 40  # longer than any in a report


def parse(chunks: Sequence[Chunk], matter: Mapping[str, Any], folder: Path) -> str:
    """The report as Pandoc's JSON; RenderError with everything in it that is not part of the dialect."""
    for chunk in chunks:
        _check_fences(chunk)
        _check_charts(chunk)
    parts, starts, line = [], [], 1
    for cell, text in chunks:
        parts.append(f'{FENCE} {{.cell number="{cell}"}}\n\n{text.strip()}\n\n{FENCE}\n\n')
        starts.append((line, cell))
        line += parts[-1].count("\n")
    metadata = folder / "front-matter.yml"
    metadata.write_text(yaml.safe_dump(dict(matter), allow_unicode=True), encoding="utf-8")
    arguments = ["--from", READER, "--to", "json", "--lua-filter", str(LOOK / "dialect.lua")]
    document, warnings = pandoc([*arguments, "--metadata-file", str(metadata)], "".join(parts), folder)
    found = _marks(chunks)
    for message in warnings.splitlines():
        if message.startswith("PROBLEM\t"):
            _, number, told = message.split("\t", 2)
            found.append(f"cell {number}: {told}")
        elif at := re.search(r"line (\d+)", message):
            # Pandoc's own warnings, such as a footnote that is defined twice
            cell = max(number for start, number in starts if start <= int(at[1]))
            told = re.sub(r" at (chunk )?line .*", "", message.replace("[WARNING] ", ""))
            found.append(f"cell {cell}: {told}")
    if found:
        raise RenderError("the report cannot be rendered:\n  " + "\n  ".join(found))
    return document


def _marks(chunks: Sequence[Chunk]) -> list[str]:
    """Quarto's shortcodes and footnotes without text. Marks that a backslash makes plain text are text."""
    notes = {name for chunk in chunks for name in re.findall(r"(?m)^\[\^([^\]\s]+)\]:", chunk.text)}
    found = []
    for cell, text in chunks:
        if shortcode := re.search(r"\{\{[<%]", text):  # Quarto reads it behind a backslash too
            found.append(f"cell {cell}: the shortcode '{shortcode[0]}…' is Quarto's only: write the text itself")
        used = re.findall(r"(?<!\\)\[\^([^\]\s]+)\]", text)
        found += [f"cell {cell}: the footnote [^{name}] has no text" for name in used if name not in notes]
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
                nothing = f"a ':::' that opens nothing ('{line.strip()}')"
                raise RenderError(f"cell {chunk.cell}: {nothing}: leave a blank line before it")
            depth += 1 if opens else -1
        before = line
        if depth < 0:
            break
    if depth:
        word = "opened and not closed" if depth > 0 else "closed and not opened"
        raise RenderError(f"cell {chunk.cell}: a ':::' block is {word}: open and close it in one cell")


def _check_charts(chunk: Chunk) -> None:
    """Every chart is an SVG that needs nothing from elsewhere and runs nothing."""
    for data in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]*)", chunk.text):
        try:
            root = ET.fromstring(base64.b64decode(data, validate=True))
        except (ValueError, ET.ParseError) as error:
            raise RenderError(f"cell {chunk.cell}: a chart is not a readable SVG: {error}") from error
        for element in root.iter():
            name = str(element.tag).rpartition("}")[2]
            if name in ("script", "foreignObject"):
                raise RenderError(f"cell {chunk.cell}: a chart holds a <{name}>: charts are drawings only")
            for key, value in element.attrib.items():
                if key.rpartition("}")[2] == "href" and not value.startswith(("#", "data:")):
                    points = f"a chart points to {shown(value)}"
                    raise RenderError(f"cell {chunk.cell}: {points}: it must hold all that it shows")
