"""Tables read as text, whatever their kind; files written whole; hashes. Imports nothing heavy before it is needed."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from cdi_lib.inspection import delimited
from cdi_lib.inspection.delimited import MOST_COLUMNS
from cdi_lib.inspection.problems import InputError, Problem, places, shown

if TYPE_CHECKING:
    import pandas as pd

_Row: TypeAlias = tuple[int, Sequence[str], "Sequence[str] | None"]  # number, texts, and what is odd in each
SUFFIXES = (".csv", ".xlsx", ".xlsm", ".xls", ".ods", ".parquet")  # tables that are read
MOST_CELLS = 30_000_000  # of a table: a million records of some columns
TOO_MANY = (f"more than {MOST_CELLS:,} cells", "a table of fewer: only the columns that are needed")
# Characters that nobody sees, in whose place another reference would stand: spaces of other widths, marks of direction
INVISIBLE = re.compile("[\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]")
_DAY_FIRST, _DAY_LAST = re.compile(r"(\d{1,2})/\d{1,2}/\d{4}"), re.compile(r"\d{4}-\d\d-(\d\d)")
NOTHING = {"NA", "nan", "NaN", "NaT", "<NA>", "NULL", "null", "."}  # of R, pandas, SQL and SAS
_SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+|[0-9]+\.0+")


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_csv(table: pd.DataFrame, encoding: str = "utf-8") -> bytes:
    """The content of a CSV file of a table, the same on every system."""
    return table.to_csv(index=False, lineterminator="\n").encode(encoding)


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that a reader sees the old one or the new one, never a part; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a machine that stops may leave the new name with nothing in it
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def find_table(name: str, folder: Path) -> Path | None:
    """The file of a table, or None if there is none; two files for one table are refused."""
    found = [path for suffix in SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        expected = "one file for this table; delete or rename the others"
        raise InputError.of(f"params/{folder.name}", name, names, expected)
    return (*found, None)[0]


@dataclass
class Rows:
    """The rows of a table as text, and where they stand in its file.

    ``numbers`` has the row of each record in the file, ``header_at`` that of the header; blank rows are left out.
    ``odd`` says what is wrong with a cell by number of the row and place of the column; ``told`` are warnings.
    """

    file: str
    header: list[str]
    cells: list[list[str]]
    numbers: list[int]
    header_at: int = 1
    sheet: str = ""
    odd: dict[tuple[int, int], str] = field(default_factory=dict)
    told: list[Problem] = field(default_factory=list)

    def refuse_odd(self, needed: Collection[str], ids: Collection[str]) -> None:
        """Refuse cells of the needed columns that cannot be read surely, and of the columns of references those that may
        be other references than were entered; a problem for each cause and column."""
        from cdi_lib.inspection.sheets import ANYWHERE, WHAT_TO_DO

        found: dict[tuple[str, str], list[int]] = {}
        for (number, column), odd in self.odd.items():
            name = self.header[column] if column < len(self.header) else ""
            if name in ids or (name in needed and odd in ANYWHERE):
                found.setdefault((name, odd), []).append(number)
        problems = [self._of_cells(name, rows, odd, WHAT_TO_DO[odd]) for (name, odd), rows in found.items()]
        for name in (name for name in self.header if name in ids):
            column = self.header.index(name)
            texts = [row[column] if column < len(row) else "" for row in self.cells]
            seen = (not text.isascii() and INVISIBLE.search(text) for text in texts)
            if hidden := [number for number, unseen in zip(self.numbers, seen) if unseen]:
                expected = "references without them: enter them again, or clean the column"
                problems.append(self._of_cells(name, hidden, "invisible characters", expected))
            if short := [number for number, text in zip(self.numbers, texts) if _SHORTENED.fullmatch(text)]:
                expected = "whole references: a program took them for numbers (1.23E+15, 7.0); "
                expected += "export them again as text"
                problems.append(self._of_cells(name, short, "numbers in short form or with decimals", expected))
        problems += [problem for name in needed if (problem := self._two_orders(name))]
        if problems:
            raise InputError(problems)

    def words_for_nothing(self, columns: Collection[str]) -> list[Problem]:
        """What programs write into blank cells, where it stands in several of some columns."""
        found: dict[str, tuple[set[str], list[int]]] = {}
        for number, row in zip(self.numbers, self.cells):
            if not NOTHING.isdisjoint(row):
                for name, text in zip(self.header, row):
                    if text in NOTHING and name in columns:
                        there, rows = found.setdefault(text, (set(), []))
                        there.add(name)
                        rows += [number] if number not in rows[-1:] else []
        expected = "blank cells where there is nothing; a program may have written that into them: take it out"
        return [
            Problem(self.file, places(rows), f"{shown(word)} in {len(there)} columns", expected)
            for word, (there, rows) in found.items()
            if len(there) > 1
        ]

    def _two_orders(self, name: str) -> Problem | None:
        """A column in which all dates up to the 12th are dates and all later ones are text: a spreadsheet that expects
        the month first has made the wrong dates of those that it could read."""
        column = self.header.index(name) if name in self.header else len(self.header)
        days: dict[bool, list[int]] = {True: [], False: []}
        for number, row in zip(self.numbers, self.cells):
            is_date = self.odd.get((number, column)) == "dates"
            if column < len(row) and (found := (_DAY_LAST if is_date else _DAY_FIRST).match(row[column])):
                days[is_date].append(int(found[1]))
        if min(map(len, days.values())) < 2 or len(days[True]) + len(days[False]) < 8:
            return None
        if max(days[True]) > 12 or min(days[False]) <= 12:
            return None
        expected = "dates of one kind: read the column as text, day first, when the file is opened"
        got = "dates up to the 12th of a month and text after it: a spreadsheet has taken the day for the month"
        return Problem(self.file, f"column {shown(name)[1:-1]}", got, expected)

    def _of_cells(self, column: str, rows: Sequence[int], got: str, expected: str) -> Problem:
        sheet = f"sheet {shown(self.sheet)}, " if self.sheet else ""
        return Problem(self.file, f"{sheet}{places(rows)}, column {shown(column)[1:-1]}", got, expected)


def is_reference(column: str) -> bool:
    """Whether a column of a record table identifies a record: its values are in no message."""
    return column.endswith("_id")


def without_zeros(references: Iterable[str]) -> set[str]:
    """References that begin with zeros, as they are where a spreadsheet has taken these away."""
    return {name.lstrip("0") for name in references if name.startswith("0")}


def read(path: Path, file: str, expected: Sequence[str] = (), sheet: str = "", name: str = "") -> Rows:
    """The rows of a table as text without white space at either end, the header first.

    ``file`` is how messages call it. The header is the first row that names one of the ``expected`` columns; of a
    workbook the ``sheet`` is read, or else that called ``name``, or else the only visible one with a value.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        dialect = delimited.dialect_of(path, file, expected)
        table = _gathered(file, ((n, row, None) for n, row in delimited.records(path, file, dialect)))
        table.told += dialect.told
    elif suffix == ".parquet":
        table = _gathered(file, _parquet_rows(path, file))
    else:
        table = _from_workbook(path, file, expected, sheet, name)
    delimited.refuse_one_column(table.header, expected, file)
    return table


def _gathered(file: str, rows: Iterator[_Row]) -> Rows:
    """A table of numbered rows and what is odd in them; the first of these is the header."""
    table, seen, cells = Rows(file, [], [], []), dict[str, str](), 0
    for number, texts, odd in rows:
        row = [seen.setdefault(text, text) if len(text) < 20 else text for text in map(str.strip, texts)]
        if not any(row) and not (odd and any(odd)):
            continue
        if not table.header:
            table.header, table.header_at = row, number
            if len(row) > MOST_COLUMNS:
                got = f"{len(row):,} columns"
                raise InputError.of(file, "", got, f"at most {MOST_COLUMNS:,}, as tables have")
            continue
        if row == table.header:
            got, expected = "the header a second time", "it once, above all records: delete the row"
            raise InputError.of(file, f"row {number}", got, expected)
        cells += len(row)
        if cells > MOST_CELLS:
            raise InputError.of(file, f"row {number}", *TOO_MANY)
        table.cells.append(row)
        table.numbers.append(number)
        if odd:
            table.odd |= {(number, column): what for column, what in enumerate(odd) if what}
        if len(seen) > 100_000:
            seen.clear()  # these are references and times, which do not repeat
    if not table.header:
        raise InputError.of(file, "", "an empty file", "a header with the names of the columns")
    # Columns at the right without a name and a value are left out: spreadsheets add them.
    width = max((place for place, name in enumerate(table.header, 1) if name), default=0)
    if not any(any(row[width:]) for row in table.cells):
        table.header = table.header[:width]
        table.cells = [row[:width] if len(row) > width else row for row in table.cells]
    return table


def _from_workbook(path: Path, file: str, expected: Sequence[str], wanted: str, name: str) -> Rows:
    from cdi_lib.inspection.sheets import MERGED, Sheet, sheets_of

    sheets = sheets_of(path, file)

    def filled(sheet: Sheet) -> bool:
        return next(sheet.rows(), None) is not None

    if wanted or (chosen := [sheet for sheet in sheets if sheet.name == name]) == []:
        chosen = [sheet for sheet in sheets if (sheet.name == wanted if wanted else sheet.is_visible and filled(sheet))]
    names = ", ".join(shown(sheet.name) for sheet in sheets)
    if len(chosen) != 1:
        got = f"the sheets {names}" + ("" if chosen or wanted else ", none of which is visible and holds a value")
        one = f"a workbook with the sheet {shown(wanted)}" if wanted else "one sheet with the table"
        how = "" if wanted else f"; delete or hide the others{f', or call it {name}' if name else ''}"
        how += "; or name another in sampling.frame.sheet" if name == "frame" else ""
        raise InputError.of(file, "", got, one + how)
    sheet: Sheet = chosen[0]

    def is_like(other: Sheet) -> bool:
        return 2 * len({cell.text for cell in next(other.rows(), (0, []))[1]} & set(expected)) > len(expected)

    other_sheets = [other for other in sheets if other is not sheet and (is_like(other) if wanted else filled(other))]
    others = [shown(other.name) for other in other_sheets]
    rows = ((number, [c.text for c in cells], [c.odd for c in cells]) for number, cells in sheet.rows())
    table = _gathered(file, _from_header(rows, expected, file))
    table.told += delimited.passed_over(file, table.header_at)
    table.sheet = sheet.name if len(sheets) > 1 else ""
    if others:
        read_one = f"the sheet {shown(sheet.name)} to be the table; {', '.join(others)} not read"
        table.told.append(Problem(file, "", f"the sheets {names}", read_one, "warning"))
    hidden, merged = sheet.marks()
    if there := sorted(set(hidden) & set(table.numbers)) if hidden and name else []:
        expected_there = "rows to be read as well; delete those that are no part of the table"
        table.told.append(Problem(file, places(there), f"{len(there):,} hidden rows", expected_there, "warning"))
    width = max(map(len, [table.header, *table.cells]))
    covered = 0
    for rows_of, columns in merged:
        within = table.numbers[bisect_left(table.numbers, rows_of.start) : bisect_left(table.numbers, rows_of.stop)]
        columns_of = range(columns.start, min(columns.stop, width))
        covered += len(within) * len(columns_of)
        if covered > width * len(table.numbers):
            raise InputError.of(file, "", "merged cells that overlap", "cells of their own: part them")
        cells = ((number, column) for number in within for column in columns_of)
        table.odd |= {cell: MERGED for cell in cells if cell != (rows_of.start, columns.start)}
    table.header += [""] * (width - len(table.header))
    table.cells = [row + [""] * (len(table.header) - len(row)) for row in table.cells]
    return table


def _from_header(rows: Iterator[_Row], expected: Sequence[str], file: str) -> Iterator[_Row]:
    """The rows of a sheet from that on which is its header."""
    first = list(itertools.islice(rows, delimited.TITLES))
    if first:
        numbers, texts = [number for number, _, _ in first], [texts for _, texts, _ in first]
        yield from first[delimited.header_row(texts, expected, file, numbers) - 1 :]
    yield from rows


def read_table(path: Path, file: str, name: str = "", expected: Sequence[str] = ()) -> pd.DataFrame:
    """Read a record table with every value as text; blank cells are None. A record's label is its row less 2."""
    return as_table(read(path, file, expected, name=name))


def as_table(rows: Rows) -> pd.DataFrame:
    """The rows of a record table, refused where one is blank or has another length, or a cell cannot be read surely."""
    import pandas as pd

    problems, filled = [], itertools.pairwise([rows.header_at, *rows.numbers])
    if blank := [row for before, now in filled for row in range(before + 1, min(now, before + 9))]:
        problems.append(Problem(rows.file, places(blank), "a blank row", "a record; delete the row"))
    lengths: dict[int, list[int]] = {}
    for number, row in zip(rows.numbers, rows.cells, strict=True):
        if len(row) != len(rows.header):
            lengths.setdefault(len(row), []).append(number)
    for length, numbers in list(lengths.items())[:5]:
        got = f"{length} value{'s' if length != 1 else ''}"
        problems.append(Problem(rows.file, places(numbers), got, f"{len(rows.header)} values, as the header has"))
    problems += rows.words_for_nothing(rows.header)
    if problems:
        raise InputError(problems)
    rows.refuse_odd(rows.header, [name for name in rows.header if is_reference(name)])
    table = pd.DataFrame(rows.cells, columns=rows.header, index=[n - 2 for n in rows.numbers], dtype=object)
    return table.where(table != "", None)


def _parquet_rows(path: Path, file: str) -> Iterator[_Row]:
    """The rows of a Parquet file; a column that pandas has made its index is one of them."""
    from pyarrow import parquet
    from pyarrow.types import is_binary, is_large_binary, is_nested, is_timestamp

    from cdi_lib.inspection.sheets import LONG, SHORT, as_text, unreadable

    try:
        size = parquet.read_metadata(path)
        if size.num_rows * size.num_columns > MOST_CELLS:
            raise InputError.of(file, "", *TOO_MANY)
        with parquet.ParquetFile(path) as opened:  # which also reads a name that stands twice
            table = opened.read()
        chosen = [n for n, name in enumerate(table.column_names) if not name.startswith("__index_level_")]
        names, kinds = [table.column_names[n] for n in chosen], [table.schema.field(n).type for n in chosen]
        for name, kind in zip(names, kinds):
            if is_binary(kind) or is_large_binary(kind) or is_nested(kind):
                raise InputError.of(
                    file, f"column {shown(name)[1:-1]}", f"values of the kind {kind}", "text or numbers"
                )
        columns = [table.column(n).to_pylist() for n in chosen]
    except InputError:
        raise
    except Exception:  # noqa: BLE001  the reader has many kinds of error; all mean the same to the user
        raise unreadable(file, "a Parquet file", path) from None
    yield 1, names, None
    makers: list[Callable[[object], str]] = []
    for kind, values in zip(kinds, columns, strict=True):
        # A column of times holds midnights that are meant, if it holds other times as well.
        is_timed = is_timestamp(kind) and any(v and (v.hour, v.minute, v.second) != (0, 0, 0) for v in values)
        makers.append(partial(as_text, with_time=is_timed))
    # whole numbers up to these are kept by numbers of 32 and 16 bits
    most = [{"float": (2**24, SHORT), "halffloat": (2**11, SHORT)}.get(str(kind), (1e15, LONG)) for kind in kinds]
    for number, row in enumerate(zip(*columns, strict=True), 2):
        odd = [what if isinstance(v, float) and abs(v) >= m else "" for v, (m, what) in zip(row, most, strict=True)]
        yield number, [make(value) for make, value in zip(makers, row, strict=True)], odd
