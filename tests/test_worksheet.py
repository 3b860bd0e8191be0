"""The auditors' worksheet: what is locked, what can be chosen, and that text stays text."""

import openpyxl
import pandas as pd
import pytest
from forces import parameters

from cdi_lib.fieldwork.worksheet import AUDIT_SHEET, COLUMNS, ROWS_PER_INCIDENT, columns_for, write_worksheet
from cdi_lib.inspection.parameters import check_inspection
from cdi_lib.inspection.programme import load_programme
from cdi_lib.inspection.tables import offence_classes

INCIDENTS = pd.DataFrame(
    {
        "id": ["=cmd|' /C calc'!A0", "+44", "007"],
        "stratum": ["violence", "sexual", "other"],
        "reported_at": [pd.Timestamp("2022-01-03 14:05"), pd.NaT, pd.NaT],
        "route": ["control_room", None, None],
    }
)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("sheet") / "worksheet.xlsx"
    write_worksheet(path, INCIDENTS, "first", check_inspection(parameters(), "x"))
    assert [other.name for other in path.parent.iterdir()] == [path.name]  # nothing temporary is left
    return openpyxl.load_workbook(path)


def cell(book, row, name):
    return book[AUDIT_SHEET].cell(row, list(COLUMNS).index(name) + 1)


def test_references_stay_text(book):
    rows = range(2, 2 + 3 * ROWS_PER_INCIDENT)
    cells = [cell(book, row, "incident_id") for row in rows]
    assert [c.value for c in cells[::ROWS_PER_INCIDENT]] == INCIDENTS["id"].tolist()
    assert {c.data_type for c in cells} == {"s"} and cells[0].quotePrefix


def test_what_the_frame_says_is_locked_and_decisions_are_open(book):
    assert book[AUDIT_SHEET].protection.sheet and not book[AUDIT_SHEET].protection.password
    assert all(cell(book, 2, name).protection.locked for name in ("incident_id", "stratum", "reported_at", "route"))
    assert not any(cell(book, 2, name).protection.locked for name in ("finding", "recorded", "recorded_at"))
    second = 2 + ROWS_PER_INCIDENT  # the frame says neither when nor how this one was reported
    assert not cell(book, second, "route").protection.locked and not cell(book, second, "reported_at").protection.locked
    last = book[AUDIT_SHEET].max_row
    assert cell(book, last, "incident_id").value is None and not cell(book, last, "incident_id").protection.locked
    assert book[AUDIT_SHEET].freeze_panes == "E2"


def test_choices_cover_every_row_and_are_those_that_are_checked(book):
    checks = {str(check.sqref): check for check in book[AUDIT_SHEET].data_validations.dataValidation}
    last = book[AUDIT_SHEET].max_row
    for number, (name, column) in enumerate(columns_for(load_programme("cdi-2017")).items(), 1):
        letter = openpyxl.utils.get_column_letter(number)
        if column.choices:
            check = checks[f"{letter}2:{letter}{last}"]
            assert check.formula1 == f'"{",".join(column.choices)}"' and len(check.formula1) < 255
        if name in ("reported_at", "recorded_at"):
            assert checks[f"{letter}2:{letter}{last}"].type == "custom"
    classes = [row[0].value for row in book["Lists"].iter_rows(min_row=2)]
    assert classes == list(offence_classes().index) and f"$A${len(classes) + 1}" in checks[f"H2:H{last}"].formula1


def test_the_recheck_says_that_it_is_blind_and_holds_no_decision(tmp_path):
    path = tmp_path / "recheck.xlsx"
    write_worksheet(path, INCIDENTS, "recheck", check_inspection(parameters(), "x"))
    book = openpyxl.load_workbook(path)
    assert any("blind" in str(row[0].value) for row in book["Instructions"])
    assert not any(cell(book, row, name).value for row in range(2, 11) for name in ("finding", "recorded"))


def test_control_characters_are_refused(tmp_path):
    with pytest.raises(ValueError, match="control characters"):
        write_worksheet(tmp_path / "x.xlsx", INCIDENTS.assign(id="a\x07"), "first", check_inspection(parameters(), "x"))
    assert not list(tmp_path.iterdir())
