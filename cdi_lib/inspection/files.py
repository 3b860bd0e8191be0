"""Tables read as text, whatever their kind; files written whole; hashes. Imports nothing heavy before it is needed."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cdi_lib.inspection.problems import InputError, Problem, shown

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".xlsx", ".parquet")  # tables that are read


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that a reader sees the old one or the new one, never a part; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def find_table(name: str, folder: Path) -> Path | None:
    """The file of a table, or None if there is none; two files for one table are refused."""
    found = [path for suffix in SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]
    if len(found) > 1:
        names, expected = (
            " and ".join(path.name for path in found),
            "one file for this table; delete or rename the others",
        )
        raise InputError([Problem(f"params/{folder.name}", name, names, expected)])
    return (*found, None)[0]


def read_table(path: Path, file: str) -> pd.DataFrame:
    """Read a table with every value as text; blank cells are None. The first record, of index 0, is row 2 of the file."""
    import pandas as pd

    header, *records = read_rows(path, file)
    problems = []
    for row, record in enumerate(records, 2):
        if not any(record):
            problems.append(Problem(file, f"row {row}", "a blank row", "a record; delete the row"))
        elif len(record) != len(header):
            got = f"{len(record)} value{'s' if len(record) != 1 else ''}"
            problems.append(Problem(file, f"row {row}", got, f"{len(header)} values, as the header has"))
    if problems:
        raise InputError(problems)
    table = pd.DataFrame(records, columns=header, dtype=object)
    return table.where(table != "", None)


def read_rows(path: Path, file: str, sheet: str | int = 0) -> list[list[str]]:
    """The rows of a table as text without white space at either end, the header first; blank rows at the end left out.

    ``file`` is how messages call it; ``sheet``, of a workbook, a name or a position from 0.
    """
    if path.suffix.lower() == ".csv":
        values: Sequence[Sequence[object]] = csv_rows(path, file)
    else:
        values = _parquet_rows(path, file) if path.suffix == ".parquet" else sheet_rows(path, file, sheet)
    rows = [[as_text(value) for value in row] for row in values]
    while rows and not any(rows[-1]):
        rows.pop()
    if not rows:
        raise InputError([Problem(file, "", "an empty file", "a header with the names of the columns")])
    if other := other_separator(rows[0], file):
        raise InputError([other])
    return rows


def sheet_rows(path: Path, file: str, sheet: str | int = 0) -> list[list[object]]:
    """The rows of a sheet of an Excel workbook as it stores them, all of one length; None is a blank cell."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception:  # noqa: BLE001  the reader has many kinds of error; all mean the same to the user
        raise _unreadable(file, "an Excel workbook (.xlsx)") from None
    try:
        if isinstance(sheet, str) and sheet not in book.sheetnames:
            got = shown(f"the sheets {', '.join(book.sheetnames)}")
            raise InputError([Problem(file, "", got, f"a workbook with the sheet {sheet}")])
        found = book[sheet] if isinstance(sheet, str) else book.worksheets[sheet]
        found.reset_dimensions()  # those that a program wrote into the file may be wrong
        rows = [list(row) for row in found.iter_rows(values_only=True)]
    except (IndexError, KeyError, ValueError, SyntaxError):  # no such sheet; damaged XML
        raise _unreadable(file, "an Excel workbook (.xlsx)") from None
    finally:
        book.close()
    filled = [max((i for i, value in enumerate(row, 1) if value is not None), default=0) for row in rows]
    width = max(filled, default=0)
    return [row[:width] + [None] * (width - len(row)) for row in rows]


def _parquet_rows(path: Path, file: str) -> list[list[object]]:
    import pandas as pd

    try:
        table = pd.read_parquet(path).astype(object)
    except Exception:  # noqa: BLE001  as above
        raise _unreadable(file, "a Parquet file") from None
    return [list(table.columns), *table.where(table.notna(), None).to_numpy().tolist()]


def _unreadable(file: str, kind: str) -> InputError:
    return InputError(
        [Problem(file, "", "a file that cannot be read", f"{kind} that opens in the program that made it")]
    )


def csv_rows(path: Path, file: str) -> list[list[str]]:
    """The rows of a CSV file in UTF-8 or Windows-1252; they may differ in length."""
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError([Problem(file, "", "text in UTF-16", "CSV in UTF-8 or Windows-1252; save it as such")])
    if b"\0" in content:
        row = content[: content.index(b"\0")].count(b"\n") + 1
        raise InputError([Problem(file, f"row {row}", "a zero byte", "CSV, which is plain text")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    rows: list[list[str]] = []
    try:
        rows += csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        got = "a quotation mark that is not closed" if "end of data" in str(error) else str(error)
        expected = 'values between commas, with "quotation marks" around a value that holds a comma'
        raise InputError([Problem(file, f"row {len(rows) + 1}", got, expected)]) from None
    return rows


def other_separator(header: Sequence[str], file: str) -> Problem | None:
    """The problem of a CSV file whose values are not separated by commas, so that its header is one value."""
    if len(header) != 1 or not any(mark in header[0] for mark in ";\t"):
        return None
    got = "semicolons between the values" if ";" in header[0] else "tabs between the values"
    return Problem(file, "row 1", got, "commas; save the table as CSV with commas")


def as_text(value: object) -> str:
    """A cell as text; blank cells are empty, and 106.0 is 106."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, datetime) and value.tzinfo is None:
        # A spreadsheet keeps a date alone as its midnight; that time was not entered, and it must not count as one.
        return value.strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a spreadsheet stores the class 106 as 106.0
    return str(value).strip()
