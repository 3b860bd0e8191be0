"""Auditors for tests: an invented frame, and worksheets filled in as auditors would."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

import openpyxl
import pandas as pd

from cdi_lib.fieldwork.worksheet import AUDIT_SHEET

GROUPS = {"violence": "VAP – Violence against the person", "sexual": "SEX", "other": "OTH"}
CLASSES = {"violence": "105A", "sexual": "20A", "other": "46"}
MAPPED = {
    "incident_id": "Log No",
    "stratum": "Crime group",
    "reported_at": "Date/Time reported",
    "route": "Via",
    "strata": {name: [group] for name, group in GROUPS.items()},
    "routes": {"control_room": ["999"], "crime_recording_centre": ["CRC"]},
}


def frame(records: int) -> pd.DataFrame:
    """A frame of the first half of 2022 as a force might export it, with columns that nobody needs."""
    reported = pd.Timestamp("2022-01-01") + pd.to_timedelta([i * 7919 % 260_000 for i in range(records)], "min")
    groups = [GROUPS[("violence", "violence", "sexual", "other", "other")[i % 5]] for i in range(records)]
    return pd.DataFrame(
        {
            "Log No": [f"={i:06}/22" for i in range(records)],
            "Date/Time reported": reported.strftime("%d/%m/%Y %H:%M"),
            "Crime group": groups,
            "Via": [("999", "999", "CRC")[i % 3] for i in range(records)],
            "Free text": "café",
        }
    )


def fill_in(blank: Path, filled: Path, part: slice = slice(None), not_audited: Container[int] = (), **changes) -> Path:
    """Fill in a copy of a worksheet: every tenth incident holds no crime, every sixth crime was not recorded.

    ``part`` says which incidents this auditor has, ``not_audited`` which could not be audited. ``changes`` are by a letter and the position of the incident:
    ``x3={"recorded": "no"}`` changes the first row of incident 3.
    """
    book = openpyxl.load_workbook(blank)
    sheet = book[AUDIT_SHEET]
    column = {cell.value: cell.column for cell in sheet[1]}
    rows_of: dict[str, list[int]] = {}
    for row in range(2, sheet.max_row + 1):
        if incident := sheet.cell(row, column["incident_id"]).value:
            rows_of.setdefault(incident, []).append(row)
    chosen = set(range(len(rows_of))[part])
    for position, (incident, rows) in enumerate(rows_of.items()):
        if position in chosen and position in not_audited:
            sheet.cell(rows[0], column["finding"]).value = "cannot be audited"
            sheet.cell(rows[0], column["reason"]).value = "the log is missing"
        elif position in chosen:
            _decide(sheet, column, incident, rows)
            for name, value in changes.get(f"x{position}", {}).items():
                sheet.cell(rows[0], column[name]).value = value
    filled.parent.mkdir(exist_ok=True)
    book.save(filled)
    return filled


def _decide(sheet, column: dict[str, int], incident: str, rows: list[int]) -> None:
    number = int(incident.strip("=")[:6])
    is_crime = number % 10 != 0
    sheet.cell(rows[0], column["finding"]).value = "crime" if is_crime else "no crime"
    for crime_number, row in enumerate(rows[: 1 + number % 2] if is_crime else [], 1):
        stratum = sheet.cell(row, column["stratum"]).value
        reported = sheet.cell(row, column["reported_at"]).value
        recorded = (number + crime_number) % 6 != 0
        decisions = {
            "crime_type": stratum,
            "offence_class": CLASSES[stratum],
            "domestic_abuse": "yes" if number % 4 == 0 else "no",
            "recorded": "yes" if recorded else "no",
            "recorded_as": None if recorded else "incident",
            "recorded_at": reported + pd.Timedelta(hours=2 + number % 30) if recorded else None,
        }
        for name, value in decisions.items():
            sheet.cell(row, column[name]).value = value
