"""The auditors' worksheet: an Excel workbook with the drawn incidents, lists to choose from, and instructions.

:mod:`cdi_lib.fieldwork.returns` reads it when the auditors have filled it in.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import jinja2
import pandas as pd
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from cdi_lib.inspection.files import write_whole
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.programme import Told
from cdi_lib.inspection.tables import N100, RECORDED_AS, YES_NO, crime_type_of, offence_classes

AUDIT_SHEET, LISTS_SHEET, INSTRUCTIONS_SHEET = "Audit", "Lists", "Instructions"
FIRST, RECHECK = "first", "recheck"
CRIME, NO_CRIME, NOT_AUDITED = "crime", "no crime", "cannot be audited"
FINDINGS = (CRIME, NO_CRIME, NOT_AUDITED)
ROWS_PER_INCIDENT = 3
SPARE_ROWS = 200  # for incidents with more crimes than that
LONGEST_LIST = 255  # characters of a drop-down list that a workbook can hold; what was entered is checked on return
MOMENT_FORMAT = "dd/mm/yyyy hh:mm"


@dataclass(frozen=True)
class Column:
    """A column of the audit sheet: what it holds, how wide it is, and the values that it may have (empty: any), which may
    be the ids of a part of the programme."""

    description: str
    width: int
    choices: tuple[str, ...] = ()
    part: str = ""
    measured: str = ""  # the column of crimes for which it is asked; without, it is always asked for


OVER, ABUSE = "over_recorded", "domestic_abuse"
COLUMNS = {
    "audit": Column("first audit, or recheck by a second auditor", 9, (FIRST, RECHECK)),
    "incident_id": Column("reference of the incident", 20),
    "stratum": Column("stratum from which it was drawn", 14),
    "crime_number": Column("1, 2, 3, ... within the incident", 9),
    "finding": Column("of the incident, in its first row", 18, FINDINGS),
    "reason": Column("only where the incident cannot be audited: why", 24),
    "crime_type": Column("crime type", 12, part="crime_types"),
    "offence_class": Column("Home Office class; the sheet Lists says what each is", 12),
    "route": Column("how it was reported", 24, part="routes"),
    ABUSE: Column("domestic abuse", 11, YES_NO, measured="domestic_abuse"),
    "recorded": Column("had the force recorded it?", 11, YES_NO),
    "recorded_as": Column("if it was not recorded: what there was instead", 13, RECORDED_AS),
    "reported_at": Column("when it was reported", 18),
    "recorded_at": Column("when it was recorded; blank if not recorded or not examined", 18),
    "recorded_class": Column("if it was recorded: as what class", 13, measured="rightly_classed"),
    "safeguarded": Column("if it was not: was the victim safeguarded?", 12, YES_NO, measured="safeguarded"),
    "investigated": Column("if it was not: was it investigated?", 12, YES_NO, measured="investigated"),
    OVER: Column(
        "yes for a crime that was recorded and should not have been", 13, YES_NO, measured="should_be_recorded"
    ),
}
DECISIONS = ("crime_type", "offence_class", "domestic_abuse", "recorded", "recorded_as", "recorded_at")

_INSTRUCTIONS = Path(__file__).with_suffix(".txt")

_GREY = PatternFill("solid", fgColor="FFE7E6E6")
_OPEN, _LOCKED = Protection(locked=False), Protection(locked=True)


def columns_for(told: Told) -> dict[str, Column]:
    """The columns of the audit sheet of an inspection by a programme."""
    asked = {
        name: replace(column, choices=tuple(getattr(told, column.part)) if column.part else column.choices)
        for name, column in COLUMNS.items()
        if (not column.measured or told.reads(column.measured)) and (not column.part or getattr(told, column.part))
    }
    if not told.looks_for_n100():
        asked["recorded_as"] = replace(asked["recorded_as"], choices=tuple(c for c in RECORDED_AS if c != N100))
    return asked | {name: Column(own.description, 16, own.values) for name, own in told.columns.items()}


def _columns(inspection: Inspection) -> dict[str, Column]:
    """The columns of the audit sheet: behind the stratum what auditors are to see of the frame."""
    asked = inspection.sampling.frame.context if inspection.sampling else ()
    found = columns_for(inspection.programme)
    seen = {name: Column("from the frame, to read; not read again", 30) for name in asked if name not in found}
    first = {name: found.pop(name) for name in ("audit", "incident_id", "stratum")}
    return first | seen | found


def write_worksheet(path: Path, incidents: pd.DataFrame, audit: str, inspection: Inspection) -> Path:
    """Write the worksheet of some incidents for one of the audits, whole or not at all; what is there is replaced.

    ``incidents`` have ``id`` and ``stratum`` as text, and as far as the frame has them ``reported_at`` (timestamp or NaT)
    and ``route`` (text or None). What is there is locked; the auditors fill in the rest. ValueError if a reference holds
    characters that a workbook cannot hold.
    """
    book = Workbook()
    _write_instructions(book.active, audit, inspection)
    sheet, lists = book.create_sheet(AUDIT_SHEET), book.create_sheet(LISTS_SHEET)
    _write_lists(lists, inspection.programme)
    _write_rows(sheet, incidents, audit, _columns(inspection))
    _add_checks(sheet, lists.max_row, inspection)
    sheet.auto_filter.ref = sheet.dimensions
    for protected in book:
        protected.protection.sheet = True  # no password: against accidents, not against people
        protected.protection.formatColumns = False  # False: may be done
        protected.protection.autoFilter = protected.protection.sort = False
    content = io.BytesIO()
    book.save(content)
    return write_whole(path, content.getvalue())


def _write_instructions(sheet: Worksheet, audit: str, inspection: Inspection) -> None:
    columns = columns_for(inspection.programme)
    asked = [
        f"{name} ({columns[name].description})"
        for name in columns
        if columns[name].measured and name not in (OVER, ABUSE)
    ]
    given = {
        "rows": ROWS_PER_INCIDENT, "period": inspection.audit_period, "is_recheck": audit == RECHECK, "asked": asked,
        "over_recorded": OVER in columns, "route": "route" in columns, "abuse": ABUSE in columns, "instead": columns["recorded_as"].choices,
    }  # fmt: skip
    text = jinja2.Template(_INSTRUCTIONS.read_text("utf-8"), trim_blocks=True).render(given)
    title, about, *steps = text.splitlines()
    sheet.title = INSTRUCTIONS_SHEET
    sheet.column_dimensions["A"].width = 100
    for row, line in enumerate(
        [inspection.force.name, title, about, *(f"{n}. {step}" for n, step in enumerate(steps, 1))], 1
    ):
        cell = _put(sheet.cell(row, 1), line)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        if row <= 2:
            cell.font = Font(bold=True, size=14)


def _write_lists(sheet: Worksheet, told: Told) -> None:
    """The offence classes of the crime types, with what they are; all where none of them is of a crime type."""
    sheet.append(["offence_class", "crime_type", "what it is"])
    crime_types = crime_type_of(told)
    descriptions = offence_classes()["description"]
    own = [name for name in descriptions.index if crime_types[name] in told.crime_types]
    for row, name in enumerate(own or descriptions.index, 2):
        sheet.append([None, crime_types[name] if own else None, descriptions[name]])
        _put(sheet.cell(row, 1), name).number_format = "@"
    for letter, width in zip("ABC", (14, 14, 80), strict=True):
        sheet.column_dimensions[letter].width = width
    _show_header(sheet)


def _show_header(sheet: Worksheet) -> None:
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"


def _put(cell: Cell, value: object) -> Cell:
    """Set a value; text stays text, also where it looks like a formula."""
    if isinstance(value, str) and ILLEGAL_CHARACTERS_RE.search(value):
        raise ValueError("a reference or stratum holds control characters; remove them from the frame")
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
        cell.quotePrefix = value[:1] in ("=", "+", "-", "@", "'")
    return cell


def _write_rows(sheet: Worksheet, incidents: pd.DataFrame, audit: str, columns: Mapping[str, Column]) -> None:
    """Header, the rows of all incidents and blank rows for more."""
    sheet.append(list(columns))
    _show_header(sheet)
    sheet.freeze_panes = sheet.cell(2, list(columns).index("finding") + 1)
    for number, column in enumerate(columns.values(), 1):
        sheet.column_dimensions[get_column_letter(number)].width = column.width
    rows: list[dict[str, object]] = []
    for incident in incidents.to_dict("records"):
        known = {"audit": audit, "incident_id": incident["id"], "stratum": incident["stratum"]}
        known |= {name: incident[name] for name in columns if name not in known and pd.notna(incident.get(name))}
        rows += [known | {"crime_number": number} for number in range(1, ROWS_PER_INCIDENT + 1)]
    rows += [{"audit": audit}] * SPARE_ROWS
    for row, known in enumerate(rows, 2):
        for number, name in enumerate(columns, 1):
            cell = sheet.cell(row, number)
            cell.protection = _LOCKED if name in known else _OPEN
            if name in known:
                _put(cell, known[name]).fill = _GREY
            if name in ("reported_at", "recorded_at"):
                cell.number_format = MOMENT_FORMAT
            elif name != "crime_number":
                cell.number_format = "@"


def _add_checks(sheet: Worksheet, last_class: int, inspection: Inspection) -> None:
    """Drop-down lists and checks of dates, with a message for whoever enters something else."""
    period = inspection.audit_period
    columns = _columns(inspection)
    letters = {name: get_column_letter(number) for number, name in enumerate(columns, 1)}
    at, then = f"{letters['reported_at']}2", f"{letters['recorded_at']}2"
    first, last = f"DATE({period.start:%Y,%m,%d})", f"DATE({period.end:%Y,%m,%d})"
    within = f"a date and time in the audit period, {period.start:%d/%m/%Y} to {period.end:%d/%m/%Y}"
    checks = {
        name: (f"one of: {', '.join(column.choices)}", "list", f'"{",".join(column.choices)}"')
        for name, column in columns.items()
        if column.choices and len(",".join(column.choices)) <= LONGEST_LIST
    }
    for name in {"offence_class", "recorded_class"} & set(columns):
        checks[name] = (f"a class of the sheet {LISTS_SHEET}", "list", f"{LISTS_SHEET}!$A$2:$A${last_class}")
    checks["reported_at"] = (within, "custom", f"AND(ISNUMBER({at}),{at}>={first},{at}<{last}+1)")
    later = "a date and time that is not before reported_at"
    checks["recorded_at"] = (later, "custom", f"AND(ISNUMBER({then}),{then}>={at})")
    checks["crime_number"] = ("1, 2, 3, ...", "whole", "0")
    for name, (message, kind, formula) in checks.items():
        check = DataValidation(kind, formula, allow_blank=True, showErrorMessage=True, showInputMessage=True)
        if kind == "whole":
            check.operator = "greaterThan"
        check.errorTitle, check.error = name, f"Enter {message}."
        check.promptTitle, check.prompt = name, columns[name].description
        sheet.add_data_validation(check)
        check.add(f"{letters[name]}2:{letters[name]}{sheet.max_row}")
