"""Accessible tables from results: as Markdown for the report, as tidy CSV for those who compute on."""

import csv
import io
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cdi_lib.report import labels, wording


def not_applicable() -> str:
    """What stands where there is no value."""
    return labels.said("numbers.not_applicable")


@dataclass(frozen=True)
class Column:
    """One column: the key of its values, its header, how a value is printed, and whether it is a number.

    ``number_format`` is how a spreadsheet shows the unrounded value, ``factor`` what it is multiplied with there:
    100 where the header says points. ``words`` are for readers: other columns of the CSV file hold what they say.
    """

    key: str
    header: str
    shown: Callable[[Any], str] = wording.plain
    number: bool = False
    number_format: str = ""
    factor: int = 1
    words: bool = False


@dataclass(frozen=True)
class Table:
    """A table that can be shown: its columns and its rows, which hold unrounded values.

    A row may hold more than its columns, for the CSV file: a ``code``, the id by which ``results.json`` and other tables
    call the same thing, and the numbers behind what a column says in words.
    ``note`` is what is to be minded with these rows, beside what the index says of every such table.
    """

    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]
    note: str = ""


def _numbers(printed: str, number_format: str, *places: int, factor: int = 1) -> Callable[[str, str], Column]:
    """A kind of column: numbers that the function of ``wording`` with this name prints, looked up when it is needed."""
    shown = lambda value: getattr(wording, printed)(value, *places)
    return partial(Column, shown=shown, number=True, number_format=number_format, factor=factor)


chance = _numbers("chance", "0%")  # simulated probabilities
percent = _numbers("percent", "0.0%")  # proportions
KINDS: dict[str, Callable[[str, str], Column]] = {
    "text": Column,  # which is escaped
    "count": _numbers("count", "#,##0"),
    "about": _numbers("about", "#,##0"),  # estimated numbers of crimes, to the nearest ten
    "points": _numbers("points", "0.00", factor=100),  # differences of proportions, in percentage points
    "percent": percent,
    "exact_percent": _numbers("percent", "0.00%", 2),
    "whole_percent": _numbers("percent", "0%", 0),
    "whole": partial(Column, shown=lambda value: wording.count(round(value)), number=True, number_format="#,##0"),
    "decimal": _numbers("rounded", "0.0", 1),
    "printed": partial(Column, number=True),  # figures that are text already
    "badge": partial(Column, shown=wording.badge),
    "words": partial(Column, words=True),
    "hash": partial(Column, shown=lambda value: f"{value[:16]}…"),
}


def headed(
    identity: str, rows: list[dict[str, Any]], note: str = "", without: Collection[str] = (), columns: str = "",
    book: str = "tables", **names: str,
) -> Table | None:  # fmt: skip
    """A table with the columns that a ``book`` of ``reports/text`` gives it or the one named; None without rows.

    ``names`` stand in its headings.
    """
    words = labels.book(book)
    headings = words.get(identity, {}).get("columns") or words[columns]["columns"]
    kinds = {key: ("text", heading) if isinstance(heading, str) else heading for key, heading in headings.items()}
    shown = (
        KINDS[kind](key, labels.filled(book, f"{identity}.{key}", heading, **names))
        for key, (kind, heading) in kinds.items()
        if key not in without
    )
    return Table(tuple(shown), rows, note) if rows else None


def cell(column: Column, row: dict[str, Any]) -> str:
    """What stands in a cell; a missing value is said in words, never left empty."""
    value = row.get(column.key)
    return not_applicable() if value is None or value == "" else column.shown(value)


def to_markdown(table: Table, identity: str, caption: str) -> str:
    """A pipe table with its caption and id, in the dialect that both engines read.

    The dashes under a header carry the relative width of its column, which Pandoc uses where a row is long.
    """
    printed = [[cell(column, row) for column in table.columns] for row in table.rows]
    header = [wording.plain(column.header) for column in table.columns]
    widths = [_width(column, texts) for column, *texts in zip(header, *printed, strict=True)]
    dashes = zip(table.columns, ("-" * width for width in widths), strict=True)
    rule = [f"{line}:" if column.number else f":{line}" for column, line in dashes]
    lines = [_line(header), _line(rule, padding=""), *(_line(row) for row in printed)]
    return "\n".join(lines) + f"\n\n: {caption} {{#{identity}}}"


def _width(header: str, texts: Sequence[str]) -> int:
    # Long text wraps; what must not be broken is its longest word, and a badge.
    printed = [_visible(text) for text in (header, *texts)]
    longest_word = max(len(word) for text in printed for word in text.split(" "))
    badge = max((len(_visible(text)) + 3 for text in texts if "{.badge" in text), default=0)
    return max(longest_word + 2, badge, min(max(len(text) for text in printed), 34), 6)


def _visible(text: str) -> str:
    """What a reader sees of a cell's Markdown."""
    return re.sub(r"\[([^\]]*)\]\{[^}]*\}", r"\1", text).replace("\\", "")


def _line(cells: Sequence[str], padding: str = " ") -> str:
    return "|" + "|".join(f"{padding}{text}{padding}" for text in cells) + "|"


def to_csv(table: Table) -> str:
    """The table as tidy CSV: keys as header, values unrounded; text that a spreadsheet could run stays text.

    The first column is the code of a row, where the rows have one; the last are those that are not shown.
    """
    buffer, keys = io.StringIO(), csv_keys(table)
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(header_of, keys))
    for row in table.rows:
        writer.writerow([_inert(row.get(key)) for key in keys])
    return buffer.getvalue()


def csv_keys(table: Table) -> list[str]:
    """The keys of the columns of the CSV file of a table, in their order."""
    known = dict.fromkeys([*(column.key for column in table.columns), *(key for row in table.rows for key in row)])
    words = {column.key for column in table.columns if column.words}
    return sorted((key for key in known if key not in words), key=lambda key: key != "code")


def header_of(key: str) -> str:
    """The header of a column of a CSV file: a name without spaces.

    >>> header_of("requires improvement")
    'requires_improvement'
    """
    return key.replace(" ", "_")


def _inert(value: Any) -> Any:
    """A leading ``=``, ``+``, ``-`` or ``@`` makes a spreadsheet take text for a formula; a quote mark prevents it."""
    invisible = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\xad "
    runs = isinstance(value, str) and value.lstrip(invisible).startswith(tuple("=+-@\t\r"))
    return f"'{value}" if runs else value
