"""The executed notebooks of a report as pages in its look, so that a reader sees what computed a figure.

nbconvert makes the pages, by the template ``reports/evidence.html``. Text, tables and figures are made accessible here:
headings in order, tables with captions and scopes, figures with their alt texts, no id twice.
"""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from html import escape, unescape
from pathlib import Path
from typing import Any

import mistune
import nbformat
from mistune.util import striptags
from nbformat import NotebookNode

from cdi_lib.inspection.folders import slug
from cdi_lib.inspection.results import Results
from cdi_lib.render import look
from cdi_lib.report import wording
from cdi_lib.report.tables import not_applicable

# A chart as the notebooks show it: a drawing inside the Markdown, with attributes in Pandoc's notation.
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_FIGURE = re.compile(
    rf'!\[(?P<caption>(?:[^\]\\]|\\.)*)\]\((?P<address>data:image/[^)\s]+)\)(?P<attributes>\{{(?:[^}}"]|{_QUOTED})*\}})?'
)
_NUMBER = re.compile(r"[-−±]?\d[\d,.]*%?")


def write_pages(notebooks: Path, results: Results) -> list[Path]:
    """Write each executed notebook of a report as an HTML page beside it: ``2_effectiveness.html``.

    Every code cell is at ``#cell-<execution count>``, with its code folded and the results that it computed named.
    The same notebooks and results give the same bytes; a page holds all that it shows and fetches nothing. The report
    notebook computes nothing, and its page is the report.
    """
    from nbconvert import HTMLExporter  # takes a second to import

    paths = [path for path in sorted(notebooks.glob("*.ipynb")) if path.stem != "report"]
    found = {path: nbformat.read(path, as_version=4) for path in paths}
    titles = {path.stem: _title(notebook) or path.stem for path, notebook in found.items()}
    style = look.style() + (look.LOOK / "evidence.css").read_text(encoding="utf-8")
    template = look.template("evidence.html")
    kept = defaultdict(list)  # the results that a cell of a notebook computed
    for key, at in results.computed_in.items():
        kept[at.notebook, at.cell].append(key)
    written = []
    for path, notebook in found.items():
        exporter = HTMLExporter(raw_template=template)
        exporter.environment.autoescape = True
        exporter.environment.globals.update(
            page=_Page({f"cell-{cell.get('execution_count')}" for cell in notebook.cells}),
            name=path.stem,
            titles=titles,
            kept=kept,
            results=results,
            notice=wording.notice(results.publication),
            period=wording.period(results.audit_period["start"], results.audit_period["end"]),
            style=style,
            style_hash=look.hash_of(style),
        )
        html, _ = exporter.from_notebook_node(notebook)
        written.append(path.with_suffix(".html"))
        written[-1].write_text(html, encoding="utf-8", newline="\n")
    return written


def _title(notebook: NotebookNode) -> str:
    """The first heading of a notebook as plain text, or an empty string."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (match := re.search(r"^# +(.+)$", cell.source, re.MULTILINE)):
            return _unmarked(str(mistune.html(match[0])))
    return ""


def _unmarked(html: str) -> str:
    return unescape(striptags(html)).strip()


class _Page(mistune.HTMLRenderer):
    """What one notebook shows, as accessible HTML. The template asks for it cell by cell, in their order."""

    def __init__(self, taken: set[str]):
        super().__init__(escape=True)  # raw HTML is shown as text
        self.headings: list[tuple[str, str]] = []  # id and text of those of the second level
        self._cell: int | None = None
        self._taken = {"content", *taken}  # ids that the page has elsewhere
        self._level, self._heading, self._has_title = 1, "", False
        self._labels: Counter[tuple[str, str]] = Counter()
        parse = mistune.create_markdown(renderer=self, plugins=["table"])
        self._parse = lambda text: str(parse(text))

    def shown(self, cell: NotebookNode) -> str:
        """The outputs of a code cell as HTML."""
        self._cell = cell.execution_count
        try:
            return "\n".join(map(self._output, cell.outputs))
        finally:
            self._cell = None

    def _output(self, output: NotebookNode) -> str:
        if output.output_type == "error":
            text = f"{output.ename}: {output.evalue}"
        elif output.output_type == "stream":
            text = output.text
        elif markdown := output.data.get("text/markdown"):
            return self.prose(markdown)
        elif not (text := output.data.get("text/plain")):
            kinds = wording.in_words(sorted(output.data))
            return f"<p>An output of type {escape(kinds)} is in the notebook only.</p>"
        return f'<pre class="printed">{escape(text.rstrip())}</pre>'

    def prose(self, source: str) -> str:
        """Markdown as HTML."""
        parts, end = [], 0
        for match in _FIGURE.finditer(source):
            parts += [self._parse(source[end : match.start()]), self._figure(match)]
            end = match.end()
        return "".join([*parts, self._parse(source[end:])])

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        """A heading with an id. The notebook's title is the page's; no level is left out."""
        self._heading = _unmarked(text)
        if level == 1 and not self._has_title:
            self._has_title = True
            return ""
        self._level = max(2, min(level, self._level + 1))
        name = slug(self._heading) or "section"
        numbered = (f"{name}-{number}" for number in itertools.count(2))
        identity = next(it for it in itertools.chain([name], numbered) if it not in self._taken)
        self._taken.add(identity)
        if self._level == 2:
            self.headings.append((identity, self._heading))
        return f'<h{self._level} id="{identity}">{text}</h{self._level}>\n'

    def render_token(self, token: dict[str, Any], state: mistune.BlockState) -> str:
        """As in mistune, but a table as a whole: its columns decide how its cells are set."""
        if token["type"] != "table":
            return super().render_token(token, state)
        head, body = token["children"]
        in_cells = lambda row: [self.render_tokens(cell["children"], state) for cell in row["children"]]
        return self._table(in_cells(head), [in_cells(row) for row in body["children"]])

    def _table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """A table with a caption; the first cell of a row names it, columns of numbers are set to the right."""
        rows = [[text or "(empty)" for text in row] for row in rows]
        columns = list(zip(*rows, strict=True)) or [()] * len(header)
        kinds = ["num" if place and _are_numbers(texts) else _length(texts) for place, texts in enumerate(columns)]
        classes = [f' class="{kind}"' if kind else "" for kind in kinds]
        label = escape(self._label("table"))
        lines = [
            f'<div class="table-scroll{" wide" * (len(header) > 3)}" role="region" tabindex="0" aria-label="{label}">',
            f'<table>\n<caption><span class="caption-text">{label}</span></caption>\n<thead>\n<tr>',
            *(f'<th{kind} scope="col">{text}</th>' for kind, text in zip(classes, header, strict=True)),
            "</tr>\n</thead>\n<tbody>",
        ]
        for first, *others in rows:
            lines += ["<tr>", f'<th scope="row">{first}</th>']
            lines += [f"<td{kind}>{text}</td>" for kind, text in zip(classes[1:], others, strict=True)]
            lines.append("</tr>")
        return "\n".join([*lines, "</tbody>\n</table>\n</div>\n"])

    def _figure(self, match: re.Match[str]) -> str:
        """A chart with its alt text and its caption."""
        caption = self._parse(match["caption"]).strip().removeprefix("<p>").removesuffix("</p>")
        found = re.search(rf"fig-alt=({_QUOTED})", match["attributes"] or "")
        alt = re.sub(r"\\(.)", r"\1", found[1][1:-1]) if found else _unmarked(caption)
        return (
            f'<figure>\n<span class="figure-scroll" role="region" tabindex="0" aria-label="{escape(self._label("figure"))}">'
            f'<img src="{escape(match["address"])}" alt="{escape(alt)}"></span>\n'
            f"<figcaption>{caption}</figcaption>\n</figure>\n"
        )

    def _label(self, kind: str) -> str:
        """What names a table or a figure: the heading above, the cell, and a number from the second one on."""
        name = f"{self._heading}, cell {self._cell}" if self._cell else self._heading
        self._labels[kind, name] += 1
        number = self._labels[kind, name]
        return name if kind == "table" and number == 1 else f"{name}, {kind} {number}"


def _length(texts: Sequence[str]) -> str:
    """The class of a column whose texts would make many short lines if it were narrow."""
    return "long" if max(map(len, texts), default=0) > 40 else ""


def _are_numbers(texts: Sequence[str]) -> bool:
    """Whether a column holds numbers, apart from cells that say why there is none."""
    said = [text for text in texts if text not in (not_applicable(), "open")]
    return bool(said) and all(_NUMBER.fullmatch(text) for text in said)
