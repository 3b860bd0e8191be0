"""CSV of every dialect: its encoding, the mark between its values, and the row of its header, found and never guessed."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cdi_lib.inspection.problems import InputError, Problem, places, shown

MARKS = (",", ";", "\t", "|")
TITLES = 20  # so many rows may stand above the header
MOST_COLUMNS = 1_000
_BLOCK = 1 << 20
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}
_BOMS |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}  # of which one begins as that of UTF-32
EMPTY, WHOLE = "an empty file", "the whole file; it may not have been copied to its end"
_OTHERS = {
    b"PK\x03\x04": "a workbook (.xlsx or .ods), or another packed file",
    b"\x1f\x8b": "a packed file (.gz)",
    b"\xd0\xcf\x11\xe0": "a workbook (.xls)",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"<": "a web page (HTML) or XML",
}
_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")  # beyond ASCII, in UTF-8


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written; ``header`` is the number of its header's row."""

    encoding: str
    mark: str
    header: int
    # whether its lines all end as those of Unix, or all as those of Windows, and none has commas alone
    ends: bool = True
    told: tuple[Problem, ...] = ()  # what was decided in reading it: warnings

    @property
    def is_plain(self) -> bool:
        """Whether it is what other programs take for CSV."""
        return self.encoding in ("utf-8", "utf-8-sig") and self.mark == "," and self.header == 1 and self.ends


def kind_of(path: Path) -> str:
    """What a file is, whatever its name says; empty for text, and for what is not known."""
    with path.open("rb") as opened:
        start = opened.read(512).removeprefix(codecs.BOM_UTF8).lstrip()
    if not start:
        return EMPTY
    return next((kind for mark, kind in _OTHERS.items() if start.startswith(mark)), "")


def dialect_of(path: Path, file: str, expected: Sequence[str]) -> Dialect:
    """How a CSV file is written: the header is the first row that names one of the ``expected`` columns, else row 1."""
    if kind := kind_of(path):
        text = "CSV, which is plain text: give the file the ending of what it is, or save it as CSV"
        expected_kind = text if path.stat().st_size else "a header with the names of the columns"
        raise InputError.of(file, "", kind, expected_kind)
    encoding, ends, told = _encoding(path, file)
    with path.open(encoding=encoding, newline="") as opened:
        head = opened.read(_BLOCK)
    first = head.splitlines()[0] if head.strip() else ""
    if first.lower().startswith("sep=") and len(first) == 5:
        header = header_row(_start(head, first[4])[1:], expected, file) + 1
        return Dialect(encoding, first[4], header, ends, (*told, *passed_over(file, header)))
    # Expected names and values in the header that a mark gives, and its row
    found: dict[str, tuple[int, int, int]] = {}
    for mark in MARKS:
        if rows := _start(head, mark):
            row = header_row(rows, expected, file)
            names = [name.strip() for name in rows[row - 1]]
            found[mark] = len(set(names) & set(expected)), len(names), row
    ranked = sorted(found, key=lambda mark: found[mark][:2], reverse=True)
    if len(ranked) > 1 and found[ranked[0]][:2] == found[ranked[1]][:2] and found[ranked[0]][1] > 1:
        got = "a header that can be parted by commas and by other marks"
        raise InputError.of(file, "row 1", got, "one mark between the values: save the table with commas")
    header = found[ranked[0]][2] if ranked else 1
    return Dialect(encoding, ranked[0] if ranked else ",", header, ends, (*told, *passed_over(file, header)))


def header_row(rows: Sequence[Sequence[str]], expected: Sequence[str], file: str, numbers: Sequence[int] = ()) -> int:
    """Number of the first row that names an expected column; of the first with any value if none does; at least 1.

    InputError if rows above it look like those below: they are records, and were sorted before it.
    """
    filled = [number for number, row in enumerate(rows, 1) if any(value.strip() for value in row)]
    named = [n for n in filled[:TITLES] if {value.strip() for value in rows[n - 1]} & set(expected)]
    header = (named or filled or [1])[0]
    below: dict[int, set[str]] = {}
    for column, value in ((c, value) for row in rows[header:] for c, value in enumerate(row)):
        below.setdefault(column, set()).add(_look(value))
    full = []
    for number, row in zip(numbers or itertools.count(1), rows[: header - 1], strict=False):
        given = [_look(value) in below.get(column, ()) for column, value in enumerate(row) if value.strip()]
        full += [number] if len(given) > 1 and 5 * sum(given) >= 4 * len(given) else []
    if full:
        here = numbers[header - 1] if numbers else header
        got, expected_there = f"records above the header in row {here}", "the header above all records"
        raise InputError.of(file, places(full), got, f"{expected_there}: it was sorted among them")
    return header


def refuse_one_column(header: Sequence[str], expected: Sequence[str], file: str) -> None:
    """Refuse a table in which one column alone has a name: it is a title, or the marks between the values are not known."""
    names = [name for name in header if name.strip()]
    if len(names) == 1 and len(expected) > 1 and names[0].strip() not in expected:
        asked = f"columns between commas, semicolons, tabs or bars, and their names in one of the first {TITLES} rows"
        asked += "; a workbook saved as CSV is only the sheet that was open" * file.lower().endswith(".csv")
        raise InputError.of(file, "", f"one column alone, {shown(names[0])}", asked)


def _look(value: str) -> str:
    """What kind of value it is: its letters as one and its digits as one."""
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "a", value.strip()))


def passed_over(file: str, header: int) -> list[Problem]:
    """A warning of the rows above a header."""
    got = f"{header - 1} row{'s' * (header > 2)} above the header"
    expected = "nothing to be in them; they are passed over"
    return [Problem(file, f"row {header}", got, expected, "warning")] if header > 1 else []


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
        raise InputError.of(file, f"row {number + 1}", got, expected) from None


def _encoding(path: Path, file: str) -> tuple[str, bool, tuple[Problem, ...]]:
    """The encoding of a file, whether its lines all end alike, and what is doubtful about it."""
    with path.open("rb") as opened:
        head = opened.read(_BLOCK)
    if marked := next((name for bom, name in _BOMS.items() if head.startswith(bom)), ""):
        return _readable(path, file, marked)
    zeros = (head[0::2].count(0), head[1::2].count(0))
    if len(head) > 8 and max(zeros) > 0.4 * (len(head) / 2) and min(zeros) == 0:
        return _readable(path, file, "utf-16-le" if zeros[1] else "utf-16-be")
    if b"\0" in head:
        row = head[: head.index(b"\0")].count(b"\n") + 1
        raise InputError.of(file, f"row {row}", "a zero byte", "CSV, which is plain text")
    try:
        return "utf-8", *_ends_alike(path, "utf-8", file)
    except UnicodeDecodeError:
        encoding, ends, told = _readable(path, file, "cp1252")
        return encoding, ends, (_of_one_byte(path, file), *told)


def _of_one_byte(path: Path, file: str) -> Problem:
    """A warning of letters of Windows-1252, for nothing in a file says that it is that; InputError if some are UTF-8."""
    first, letters, whole = 0, dict[str, None](), list[int]()
    with path.open("rb") as opened:
        for row, line in enumerate(opened, 1):
            if not line.isascii():
                first = first or row
                whole += [row] if _LETTER.search(line) else []
                letters |= dict.fromkeys(c for c in line.decode("cp1252") if c > "\x7f") if len(letters) < 20 else {}
    if whole:
        expected = "one encoding: save the file again as CSV UTF-8, and look at its letters with accents"
        raise InputError.of(file, places(whole), "letters of UTF-8 among those of another encoding", expected)
    got = f"no UTF-8, and so read as Windows-1252, with the letters {shown(''.join(letters), 20)}"
    return Problem(file, f"row {first}", got, "these letters; if they are wrong, save it again as CSV UTF-8", "warning")


def _readable(path: Path, file: str, encoding: str) -> tuple[str, bool, tuple[Problem, ...]]:
    try:
        return encoding, *_ends_alike(path, encoding, file)
    except UnicodeDecodeError:
        got = f"bytes that are no letters in {'UTF-8 or Windows-1252' if encoding == 'cp1252' else encoding.upper()}"
        expected = "plain text: CSV in UTF-8 or Windows-1252; save it as such"
        raise InputError.of(file, "", got, expected) from None


def _ends_alike(path: Path, encoding: str, file: str) -> tuple[bool, tuple[Problem, ...]]:
    """Whether the lines of a file end alike and none has commas alone, as a spreadsheet leaves them below a table; and a
    warning if the last one does not end, so that it may be cut off."""
    unix = windows = old = 0
    has_blank = False
    last = "\n"
    with path.open(encoding=encoding, newline="") as opened:
        while block := opened.read(_BLOCK):
            if "\0" in block:
                raise InputError.of(file, "", "a zero byte", "CSV, which is plain text")
            if block[-1] == "\r":
                block += opened.read(1)
            pairs, last = block.count("\r\n"), block[-1]
            has_blank |= re.search(r"\n,+\r?\n", block) is not None
            unix, windows, old = unix + block.count("\n") - pairs, windows + pairs, old + block.count("\r") - pairs
    expected = "a whole file: see whether its last row is there, and as it was"
    cut = () if last in "\r\n" else (Problem(file, "", "a last line without an end", expected, "warning"),)
    return not (old or has_blank or unix and windows), cut
