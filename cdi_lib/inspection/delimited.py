"""CSV of every dialect: its encoding, the mark between its values, and the row of its header, found and never guessed."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cdi_lib.inspection.problems import InputError, Problem

MARKS = (",", ";", "\t", "|")
TITLES = 20  # so many rows may stand above the header
MOST_COLUMNS = 1_000
_BLOCK = 1 << 20
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}
_BOMS |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}  # of which one begins as that of UTF-32


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written; ``header`` is the number of its header's row."""

    encoding: str
    mark: str
    header: int
    ends: bool = True  # whether its lines all end as those of Unix, or all as those of Windows

    @property
    def is_plain(self) -> bool:
        """Whether it is what other programs take for CSV."""
        return self.encoding in ("utf-8", "utf-8-sig") and self.mark == "," and self.header == 1 and self.ends


def dialect_of(path: Path, file: str, expected: Sequence[str]) -> Dialect:
    """How a CSV file is written: the header is the first row that names one of the ``expected`` columns, else row 1."""
    encoding, ends = _encoding(path, file)
    with path.open(encoding=encoding, newline="") as opened:
        head = opened.read(_BLOCK)
    first = head.splitlines()[0] if head.strip() else ""
    if first.lower().startswith("sep=") and len(first) == 5:
        return Dialect(encoding, first[4], header_row(_start(head, first[4])[1:], expected) + 1)
    # Expected names and values in the header that a mark gives, and its row
    found: dict[str, tuple[int, int, int]] = {}
    for mark in MARKS:
        if rows := _start(head, mark):
            row = header_row(rows, expected)
            names = [name.strip() for name in rows[row - 1]]
            found[mark] = len(set(names) & set(expected)), len(names), row
    ranked = sorted(found, key=lambda mark: found[mark][:2], reverse=True)
    if len(ranked) > 1 and found[ranked[0]][:2] == found[ranked[1]][:2] and found[ranked[0]][1] > 1:
        got = "a header that can be parted by commas and by other marks"
        raise InputError([Problem(file, "row 1", got, "one mark between the values: save the table with commas")])
    return Dialect(encoding, ranked[0] if ranked else ",", found[ranked[0]][2] if ranked else 1, ends)


def header_row(rows: Sequence[Sequence[str]], expected: Sequence[str]) -> int:
    """Number of the first row that names an expected column; of the first with any value if none does; at least 1."""
    filled = [number for number, row in enumerate(rows, 1) if any(value.strip() for value in row)]
    named = [n for n in filled[:TITLES] if {value.strip() for value in rows[n - 1]} & set(expected)]
    return (named or filled or [1])[0]


def _start(head: str, mark: str) -> list[list[str]]:
    """The first rows, as far as they can be parted by a mark."""
    rows = []
    try:
        for row in itertools.islice(csv.reader(io.StringIO(head, newline=""), delimiter=mark), 2 * TITLES):
            rows.append(row[: MOST_COLUMNS + 1])
    except csv.Error:  # told when the whole is read
        pass
    return rows


def records(path: Path, file: str, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file with their numbers, from the header on, as they are; InputError where one cannot be read."""
    number = 0
    try:
        with path.open(encoding=dialect.encoding, newline="") as opened:
            for number, row in enumerate(csv.reader(opened, delimiter=dialect.mark, strict=True), 1):
                if number >= dialect.header:
                    yield number, row
    except csv.Error as error:
        is_open = "end of data" in str(error) or "field larger" in str(error)
        got = "a quotation mark that is not closed" if is_open else str(error)
        expected = 'values between commas, with "quotation marks" around a value that holds a comma'
        raise InputError([Problem(file, f"row {number + 1}", got, expected)]) from None


def _encoding(path: Path, file: str) -> tuple[str, bool]:
    """The encoding of a file, and whether its lines all end alike."""
    with path.open("rb") as opened:
        head = opened.read(_BLOCK)
    if marked := next((name for bom, name in _BOMS.items() if head.startswith(bom)), ""):
        return _readable(path, file, marked)
    zeros = (head[0::2].count(0), head[1::2].count(0))
    if len(head) > 8 and max(zeros) > 0.4 * (len(head) / 2) and min(zeros) == 0:
        return _readable(path, file, "utf-16-le" if zeros[1] else "utf-16-be")
    if b"\0" in head:
        row = head[: head.index(b"\0")].count(b"\n") + 1
        raise InputError([Problem(file, f"row {row}", "a zero byte", "CSV, which is plain text")])
    try:
        return "utf-8", _ends_alike(path, "utf-8", file)
    except UnicodeDecodeError:
        return _readable(path, file, "cp1252")


def _readable(path: Path, file: str, encoding: str) -> tuple[str, bool]:
    try:
        return encoding, _ends_alike(path, encoding, file)
    except UnicodeDecodeError:
        got = f"bytes that are no letters in {'UTF-8 or Windows-1252' if encoding == 'cp1252' else encoding.upper()}"
        expected = "plain text: CSV in UTF-8 or Windows-1252; save it as such"
        raise InputError([Problem(file, "", got, expected)]) from None


def _ends_alike(path: Path, encoding: str, file: str) -> bool:
    unix = windows = old = 0
    with path.open(encoding=encoding, newline="") as opened:
        while block := opened.read(_BLOCK):
            if "\0" in block:
                raise InputError([Problem(file, "", "a zero byte", "CSV, which is plain text")])
            if block[-1] == "\r":
                block += opened.read(1)
            pairs = block.count("\r\n")
            unix, windows, old = unix + block.count("\n") - pairs, windows + pairs, old + block.count("\r") - pairs
    return not old and not (unix and windows)
