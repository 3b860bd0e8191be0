"""Sheets of workbooks (.xlsx, .xlsm, .xls, .ods) as text, with what cannot be read surely of each cell.

No library serves all: those for several formats give a blank for an error or a formula without a value, and do not tell
how a number is shown.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from xml.etree import ElementTree

from cdi_lib.inspection.delimited import EMPTY, MOST_COLUMNS, WHOLE, kind_of
from cdi_lib.inspection.problems import InputError, shown

MOST_ROWS = 1_048_576  # of a sheet
MOST_BYTES = 600_000_000  # of a workbook when it is unpacked
LARGE, MOST_TIMES = 20_000_000, 200  # a part of more bytes, so many times as large as packed: no program writes that
MOST_SPACES = 32_767  # in a row: a cell holds no more letters
# What may be wrong with a cell: in any column that is needed,
ERROR, UNSAVED, MERGED = "the error of a formula", "a formula without a saved value", "a cell merged with others"
STRUCK = "a value that is struck out"
# and in a column of references.
LONG, DATED, FORMATTED = "numbers of 16 digits or more", "dates", "numbers that are shown in another form"
SHORT = "numbers longer than their kind keeps whole (float32, float16)"
ANYWHERE = (ERROR, UNSAVED, MERGED, STRUCK)
WHAT_TO_DO = {
    ERROR: "a value; mend the formula",
    UNSAVED: "its value; open the workbook in a spreadsheet program and save it",
    MERGED: "a cell of its own, with its value: only the first of merged cells has one; part them, and fill them in",
    STRUCK: "a value that holds; delete what does not, or take the line through it away",
    LONG: "references as text, for a spreadsheet keeps 15 digits; format the column as text before they are entered, or "
    "use CSV",
    SHORT: "references as text, or as whole numbers; export them again",
    DATED: "references as text, which a spreadsheet has taken for dates; export them again, or format the column as text "
    "before they are entered",
    FORMATTED: "references as text, as they are shown; format the column as text and enter them again, or save as CSV",
}
_BINARY = re.compile(rb"[\0-\x08\x0e-\x1f]")  # what no text holds
_PLAIN = re.compile(r"|General|GENERAL|Standard|@|[#,]*0?(\.0+)?")


class Cell(NamedTuple):
    """A cell as text, and what is wrong with it (one of the above, or nothing)."""

    text: str
    odd: str = ""


BLANK = Cell("")
Rows = Iterator[tuple[int, list[Cell]]]  # rows with their numbers; blank ones may be left out


Area: TypeAlias = tuple[range, range]  # rows from 1 and columns from 0


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook; ``marks`` are its numbers of hidden rows and its areas of merged cells."""

    name: str
    is_visible: bool
    rows: Callable[[], Rows]
    marks: Callable[[], tuple[list[int], list[Area]]]


def sheets_of(path: Path, file: str) -> list[Sheet]:
    """The sheets of a workbook that may hold a table; InputError for a file that is none, or that is locked or huge."""
    with path.open("rb") as opened:
        start = opened.read(1 << 16)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        with path.open("rb") as opened:
            if "EncryptedPackage".encode("utf-16-le") in opened.read(1 << 24):
                raise _locked(file)
        return _of_xls(path, file)
    if start.startswith(b"PK"):
        try:
            with zipfile.ZipFile(path) as archive:
                refuse_huge(archive, file)
                is_open_document = "content.xml" in archive.namelist() and "mimetype" in archive.namelist()
            return _of_ods(path, file) if is_open_document else _of_xlsx(path, file)
        except (zipfile.BadZipFile, OSError):
            pass
    raise unreadable(file, path=path)


def unreadable(file: str, kind: str = "an Excel workbook (.xlsx)", path: Path | None = None) -> InputError:
    """What to say of a file that cannot be read; of one that is another kind than its name says, if its path is given."""
    other = (kind_of(path) or "text such as CSV" * (not _BINARY.search(path.read_bytes()[:512]))) if path else ""
    if file.lower().endswith((".xlsb", ".numbers")) and other != EMPTY:
        return InputError.of(file, "", "a workbook of a kind that is not read", f"{kind}: save it as one")
    if other and other != kind and not other.startswith("a workbook"):
        expected = f"{kind}: save it as one, or give the file the ending of what it is"
        return InputError.of(file, "", other, WHOLE if other == EMPTY else expected)
    return InputError.of(file, "", "a file that cannot be read", f"{kind} that opens in the program that made it")


def _locked(file: str) -> InputError:
    expected = "one without a password: open it, remove the password, and save it"
    return InputError.of(file, "", "a workbook with a password", expected)


def refuse_huge(archive: zipfile.ZipFile, file: str, kind: str = "a workbook") -> None:
    """Refuse a zipped file that would fill the memory when it is unpacked."""
    size = sum(member.file_size for member in archive.infolist())
    if size > MOST_BYTES:
        got = f"{kind} of {size / 1e9:.1f} GB when it is unpacked"
        expected = f"at most {MOST_BYTES / 1e9:.1f} GB; save the table alone, or as CSV"
        raise InputError.of(file, "", got, expected)
    for member in archive.infolist():  # the readers take hours for a tag of 400 MB
        if member.file_size > max(LARGE, MOST_TIMES * member.compress_size):
            got = f"{kind} with a part that is over {MOST_TIMES} times as large when it is unpacked"
            raise InputError.of(file, "", got, "one as programs save it; save the table alone, or as CSV")


def _guarded(rows: Rows, file: str, kind: str) -> Rows:
    """The rows of a sheet; what their reader says of damage is told as any other file that cannot be read."""
    try:
        for number, row in rows:
            if number > MOST_ROWS:
                raise InputError.of(file, f"row {number:,}", "more rows than a sheet has", f"{MOST_ROWS:,}")
            yield number, row
    except (InputError, MemoryError, GeneratorExit):
        raise
    except Exception:  # noqa: BLE001  the readers have many kinds of error; all mean the same to the user
        raise unreadable(file, kind) from None


def as_text(value: object, with_time: bool = False) -> str:
    """A value of a cell as text; blank cells are empty, and 106.0 is 106.

    A spreadsheet keeps a date alone as its midnight; that time was not entered, and counts only where it is shown.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, datetime) and value.tzinfo is None:
        text = value.strftime("%Y-%m-%d %H:%M:%S")
        return text if with_time else text.removesuffix(" 00:00:00")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a spreadsheet stores the class 106 as 106.0
    return str(value).strip()


def cell_of(value: object, form: str) -> Cell:
    """A value and the number format in which it is shown as a cell."""
    if isinstance(value, datetime):
        form = re.sub(r'"[^"]*"|\[[^]]*\]|\\.', "", form)
        return Cell(as_text(value, with_time="h" in form.lower()), DATED)
    if isinstance(value, bool | str) or value is None:
        return Cell(as_text(value), DATED if isinstance(value, bool) else "")
    if isinstance(value, int | float):
        odd = LONG if abs(value) >= 1e15 else "" if _PLAIN.fullmatch(form.split(";")[0]) else FORMATTED
        return Cell(as_text(value), odd)
    return Cell(as_text(value), DATED)  # a time of the day, a duration


# ---- .xlsx ---------------------------------------------------------------------------------------------------


def _of_xlsx(path: Path, file: str) -> list[Sheet]:
    import openpyxl
    from openpyxl.utils import range_boundaries

    kind = "an Excel workbook (.xlsx)"
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheets = [(sheet.title, sheet.sheet_state == "visible", sheet._worksheet_path) for sheet in book.worksheets]
        strikes = any(font.strike for font in book._fonts)
        book.close()
        if not sheets:  # of the strict kind of Office Open XML, the library sees none
            raise ValueError
    except Exception:  # noqa: BLE001  as above
        raise unreadable(file, kind) from None

    def rows(name: str, member: str) -> Rows:
        formulas = _formulas(path, name) if _has_formulas(path, file, member) else {}
        return _guarded(_xlsx_rows(path, file, name, formulas, strikes), file, kind)

    def marks(member: str) -> tuple[list[int], list[Area]]:
        hidden, merged = (
            rb'row (?=[^>]*hidden="(?:1|true)")(?=[^>]*[^/]>)[^>]*\br="(\d+)"',
            rb'mergeCell [^>]*ref="([^"]+)"',
        )
        corners = (range_boundaries(ref.decode()) for ref in _tags(path, member, merged))
        areas = [(range(top, bottom + 1), range(left - 1, right)) for left, top, right, bottom in corners]
        return [int(number) for number in _tags(path, member, hidden)], areas

    return [
        Sheet(name, visible, partial(rows, name, member), partial(marks, member)) for name, visible, member in sheets
    ]


def _tags(path: Path, member: str, pattern: bytes) -> Iterator[Any]:
    """The groups of a pattern that the tags of a sheet match, without reading the sheet as a whole."""
    tag = re.compile(rb"<(?:\w+:)?" + pattern)
    with zipfile.ZipFile(path) as archive, archive.open(member) as opened:
        rest = b""
        while block := opened.read(1 << 20):
            whole, _, rest = (rest + block).rpartition(b"<")  # a tag may go on in the next block
            yield from tag.findall(whole)
            rest = b"<" + rest if len(rest) < 1 << 20 else b""  # no tag of a sheet is so long
        yield from tag.findall(rest)


def _has_formulas(path: Path, file: str, member: str) -> bool:
    """Whether a sheet holds formulas; InputError for rows that are not in order, of which the library leaves some out."""
    last, found = 0, False
    for row, formula in _tags(path, member, rb'(?:row [^>]*?\br="(\d+)"|(f)[ />])'):
        found |= bool(formula)
        if row and int(row) <= last:
            expected = "each row of the sheet once and in order; open the workbook in a spreadsheet program and save it"
            raise InputError.of(file, f"row {int(row)}", "a row that stands behind its place", expected)
        last = int(row or last)
    return found


def _sheet(path: Path, name: str, values: bool) -> Any:
    import openpyxl

    sheet = openpyxl.load_workbook(path, read_only=True, data_only=values)[name]
    sheet.reset_dimensions()  # those that a program wrote into the file may be wrong
    return sheet


def _formulas(path: Path, name: str) -> dict[int, set[int]]:
    """Rows to the columns (from 0) of the cells that hold a formula."""
    rows = _sheet(path, name, values=False).iter_rows()
    columns = ({i for i, cell in enumerate(row) if cell.data_type == "f"} for row in rows)
    return {number: found for number, found in enumerate(columns, 1) if found}


def _xlsx_rows(path: Path, file: str, name: str, formulas: dict[int, set[int]], strikes: bool) -> Rows:
    for number, row in enumerate(_sheet(path, name, values=True).iter_rows(), 1):
        computed, cells = formulas.get(number, ()), []
        for column, cell in enumerate(row):
            if cell.value is None:
                cells.append(Cell("", UNSAVED) if column in computed else BLANK)
            elif cell.data_type == "e":
                cells.append(Cell(as_text(cell.value), ERROR))
            elif strikes and cell.font.strike:
                cells.append(Cell(as_text(cell.value), STRUCK))
            elif isinstance(cell.value, str):
                cells.append(Cell(cell.value.strip()))
            else:
                cells.append(cell_of(cell.value, cell.number_format or ""))
        while cells and cells[-1] == BLANK:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            expected = f"at most {MOST_COLUMNS:,} columns; delete the stray cell"
            raise InputError.of(file, f"row {number}", f"a value in column {len(cells):,}", expected)
        if cells:
            yield number, cells
        elif number > MOST_ROWS:
            yield number, []


# ---- .xls ----------------------------------------------------------------------------------------------------


def _of_xls(path: Path, file: str) -> list[Sheet]:
    import io

    import xlrd

    kind = "an Excel workbook (.xls)"
    try:
        book = xlrd.open_workbook(path, formatting_info=True, logfile=io.StringIO())
    except Exception as error:  # noqa: BLE001  as above
        raise (_locked(file) if "encrypted" in str(error).lower() else unreadable(file, kind)) from None

    def cell(found: Any) -> Cell:
        if found.ctype == xlrd.XL_CELL_ERROR:
            return Cell(xlrd.error_text_from_code.get(found.value, "#N/A"), ERROR)
        if found.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
            return BLANK
        look = book.xf_list[found.xf_index]
        if book.font_list[look.font_index].struck_out:
            return Cell(as_text(found.value), STRUCK)
        form = book.format_map[look.format_key].format_str
        if found.ctype == xlrd.XL_CELL_DATE:
            return cell_of(xlrd.xldate_as_datetime(found.value, book.datemode), form)
        return cell_of(bool(found.value) if found.ctype == xlrd.XL_CELL_BOOLEAN else found.value, form)

    def rows(sheet: Any) -> Rows:
        found = ((number + 1, [cell(one) for one in sheet.row(number)]) for number in range(sheet.nrows))
        return _guarded(found, file, kind)

    def marks(sheet: Any) -> tuple[list[int], list[Area]]:
        areas = [(range(top + 1, end + 1), range(left, right)) for top, end, left, right in sheet.merged_cells]
        return [n + 1 for n, found in sheet.rowinfo_map.items() if found.hidden and n < sheet.nrows], areas

    return [Sheet(one.name, one.visibility == 0, partial(rows, one), partial(marks, one)) for one in book.sheets()]


# ---- .ods ----------------------------------------------------------------------------------------------------

_TABLE, _OFFICE, _TEXT = (f"{{urn:oasis:names:tc:opendocument:xmlns:{n}:1.0}}" for n in ("table", "office", "text"))
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"


def _of_ods(path: Path, file: str) -> list[Sheet]:
    """The sheets of an OpenDocument workbook; whether a sheet is hidden stands in its style."""
    kind, hidden, sheets, style = "an OpenDocument spreadsheet (.ods)", set(), [], ""
    try:
        with zipfile.ZipFile(path) as archive:
            if b"encryption-data" in archive.read("META-INF/manifest.xml"):
                raise _locked(file)
            with archive.open("content.xml") as opened:
                for event, element in ElementTree.iterparse(opened, ("start", "end")):
                    if event == "start" and element.tag.endswith("}style"):
                        style = next((v for k, v in element.items() if k.endswith("style:1.0}name")), "")
                    elif event == "start" and element.get(f"{_TABLE}display") == "false":
                        hidden.add(style)
                    elif event == "start" and element.tag == f"{_TABLE}table":
                        shown_as = element.get(f"{_TABLE}style-name", "")
                        sheets.append((element.get(f"{_TABLE}name", ""), shown_as not in hidden))
                    elif event == "end" and element.tag == f"{_TABLE}table-row":
                        element.clear()
    except (KeyError, ElementTree.ParseError):
        raise unreadable(file, kind) from None
    rows = lambda name: _guarded(_ods_rows(path, file, name), file, kind)

    def marks(name: str) -> tuple[list[int], list[Area]]:  # merged cells stand in the rows themselves
        hidden: list[int] = []
        for _ in _ods_rows(path, file, name, hidden):
            pass
        return hidden, []

    return [Sheet(name, visible, partial(rows, name), partial(marks, name)) for name, visible in sheets]


def _ods_rows(path: Path, file: str, name: str, hidden: list[int] | None = None) -> Rows:
    number, here, style, struck = 1, False, "", set[str]()
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as opened:
        for event, element in ElementTree.iterparse(opened, ("start", "end")):
            if event == "start" and element.tag.endswith("}style"):
                style = next((v for k, v in element.items() if k.endswith("style:1.0}name")), "")
            elif any(k.endswith("}text-line-through-style") and v != "none" for k, v in element.items()):
                struck.add(style)
            elif element.tag == f"{_TABLE}table":
                here, number = event == "start" and element.get(f"{_TABLE}name") == name, 1
            elif event == "end" and element.tag == f"{_TABLE}table-row":
                times = int(element.get(f"{_TABLE}number-rows-repeated", "1"))
                if here and (cells := _ods_cells(element, file, number, struck)):
                    if times > MOST_ROWS:
                        raise InputError.of(file, f"row {number}", f"{times:,} equal rows", "a sheet's rows")
                    if hidden is not None and element.get(f"{_TABLE}visibility", "visible") != "visible":
                        hidden += range(number, number + times)
                    yield from ((number + again, cells) for again in range(times))
                number += times
                element.clear()


def _ods_cells(row: ElementTree.Element, file: str, number: int, struck: set[str]) -> list[Cell]:
    cells: list[Cell] = []
    for element in row:
        if element.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            continue
        cell, times = _ods_cell(element), int(element.get(f"{_TABLE}number-columns-repeated", "1"))
        cell = Cell(cell.text, STRUCK) if cell.text and element.get(f"{_TABLE}style-name") in struck else cell
        cell = Cell("", MERGED) if cell == BLANK and element.tag.endswith("covered-table-cell") else cell
        if len(cells) + times > MOST_COLUMNS and cell != BLANK:
            got = f"a value beyond column {MOST_COLUMNS:,}: {shown(cell.odd or 'text')}"
            raise InputError.of(file, f"row {number}", got, "no more columns than the table has")
        cells += [cell] * min(times, MOST_COLUMNS)
    while cells and cells[-1] == BLANK:
        cells.pop()
    return cells


def _ods_cell(element: ElementTree.Element) -> Cell:
    kind = element.get(f"{_OFFICE}value-type", "")
    text = "\n".join("".join(_ods_text(part)) for part in element.findall(f"{_TEXT}p")).strip()  # no comments
    if element.get(f"{_CALC}value-type") == "error":
        return Cell(text, ERROR)
    if kind == "float":
        value = float(element.get(f"{_OFFICE}value", "nan"))
        if text.upper() in ("TRUE", "FALSE"):  # which LibreOffice keeps as a number
            return Cell("yes" if value else "no", DATED)
        plain = as_text(value)
        return Cell(plain, LONG if abs(value) >= 1e15 else "" if text.replace(",", "") == plain else FORMATTED)
    if kind == "date":
        day, _, clock = element.get(f"{_OFFICE}date-value", "").partition("T")
        clock = (clock.partition(".")[0] or "00:00:00") if clock or ":" in text else ""
        return Cell(f"{day} {clock}".strip(), DATED)
    if kind == "boolean":
        return Cell("yes" if element.get(f"{_OFFICE}boolean-value") == "true" else "no", DATED)
    is_unsaved = element.get(f"{_TABLE}formula") and not kind
    return Cell(text, UNSAVED if is_unsaved else DATED if kind in ("time", "percentage", "currency") else "")


def _ods_text(part: ElementTree.Element) -> Iterator[str]:
    yield part.text or ""
    for inner in part:
        if inner.tag == f"{_TEXT}s":
            spaces = int(inner.get(f"{_TEXT}c", "1"))
            if spaces > MOST_SPACES:
                raise ValueError(f"a cell with {spaces} spaces")
            yield " " * spaces
        else:
            yield from _ods_text(inner)
        yield inner.tail or ""
