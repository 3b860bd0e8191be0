"""Record tables: every mistake is named with file, row, column, value and what was expected."""

import shutil
from datetime import datetime

import pandas as pd
import pytest
from forces import crimes, parameters, write_force
from openpyxl import Workbook

from cdi_lib.inspection.files import read
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.parameters import check_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.programme import default_programme
from cdi_lib.inspection.records import challenge_counts, load_records
from cdi_lib.inspection.rules import check_rows, check_table
from cdi_lib.inspection.tables import parse_moments, tables_of
from cdi_lib.pipeline.audit import read_audit

AUDITED = {"violence": 6, "sexual": 4, "other": 5}
RECORDED = {"violence": 5, "sexual": 4, "other": 4}


def load(tmp_path, tables, **changes):
    content = parameters(**changes)
    write_force(tmp_path, "testshire", content, tables)
    return load_records("testshire", check_inspection(content, "params/testshire.yml"), tmp_path)


def problems_of(tmp_path, tables, **changes) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(tmp_path, tables, **changes)
    return [str(problem) for problem in caught.value.problems]


def table() -> pd.DataFrame:
    return crimes(AUDITED, RECORDED)


@pytest.mark.parametrize(
    ("row", "column", "value", "words"),
    [
        (0, "crime_id", "", "a blank cell"),
        (1, "crime_id", "V0000", "also in row 2"),
        (1, "incident_id", "", "a blank cell"),
        (1, "sample", "Main", "one of main"),
        (1, "crime_type", "violense", "one of violence"),
        (1, "crime_type", "sexual", "violence, the crime type of class 105A"),
        (1, "offence_class", "105", "did you mean"),
        (1, "offence_class", "105A ", None),
        (1, "route", "", "control_room or crime_recording_centre"),
        (1, "route", "phone", "one of control_room"),
        (1, "domestic_abuse", "maybe", "one of yes, no"),
        (1, "recorded", "1", "one of yes, no"),
        (1, "recorded_as", "nothing", "a blank for a crime that was recorded"),
        (5, "recorded_as", "n100", "only for a crime of rape"),
        (5, "recorded_at", "2022-06-30 12:00", "not recorded"),
        (1, "recorded_at", "2021-01-01 10:00", "not before the time of report"),
        (1, "reported_at", "2022-07-01 00:00", "2022-01-01 to 2022-06-30"),
        (1, "reported_at", "2022-02-30 10:00", "a date and time"),
        (1, "reported_at", "yesterday", "a date and time"),
        (1, "reported_at", "", "the time of report"),
        (1, "reported_at", "02/02/2022 10:00", None),
        (1, "sample", "third_party_email", "a table dip_records"),
    ],
)
def test_a_mistake_in_a_cell_is_named(tmp_path, row, column, value, words):
    crimes_table = table()
    crimes_table.loc[row, column] = value
    if words is None:
        load(tmp_path, {"crimes": crimes_table})
        return
    found = problems_of(tmp_path, {"crimes": crimes_table})
    assert any(words in line and "params/testshire/crimes.csv" in line for line in found), found
    assert any(f"row {row + 2}" in line for line in found), found


def test_all_mistakes_at_once(tmp_path):
    crimes_table = table()
    crimes_table.loc[0, "recorded"] = "x"
    crimes_table.loc[3, "route"] = "y"
    crimes_table.loc[7, "crime_type"] = "z"
    assert len(problems_of(tmp_path, {"crimes": crimes_table})) >= 3


def test_columns_are_checked_before_cells(tmp_path):
    found = problems_of(tmp_path, {"crimes": table().rename(columns={"recorded": "recordd"})})
    assert any("no such column" in line for line in found)
    assert any("did you mean 'recorded'" in line for line in found)


def test_a_table_without_the_main_sample_is_refused(tmp_path):
    assert any("main sample" in line for line in problems_of(tmp_path, {"crimes": table().iloc[:0]}))


def test_no_crimes_at_all_is_refused(tmp_path):
    found = problems_of(tmp_path, {"dip_records": pd.DataFrame({"record_id": ["D1"], "sample": ["third_party_email"]})})
    assert any("crimes.csv" in line and "no such file" in line for line in found)


def test_two_files_for_one_table_are_refused(tmp_path):
    write_force(tmp_path, "testshire")
    table().to_parquet(tmp_path / "testshire" / "crimes.parquet")
    with pytest.raises(InputError, match="one file for this table"):
        load_records("testshire", check_inspection(parameters(), "x"), tmp_path)


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet"])
def test_every_file_type_gives_the_same_records(tmp_path, suffix):
    folder = tmp_path / "testshire"
    folder.mkdir()
    path = folder / f"crimes.{suffix}"
    {"csv": table().to_csv, "xlsx": table().to_excel, "parquet": table().to_parquet}[suffix](path, index=False)
    records = load_records("testshire", check_inspection(parameters(), "x"), tmp_path)
    assert records.crimes["recorded"].sum() == 13
    assert records.crimes["within_limit"].notna().sum() == 13


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_csv_as_spreadsheets_save_it(tmp_path, encoding):
    crimes_table = table()
    crimes_table.loc[:1, "incident_id"] = "Café–1"
    folder = tmp_path / "testshire"
    folder.mkdir()
    crimes_table.to_csv(folder / "crimes.csv", index=False, encoding=encoding)
    records = load_records("testshire", check_inspection(parameters(), "x"), tmp_path)
    assert records.crimes["incident_id"][0] == "Café–1"


def test_a_file_that_is_no_table_is_refused(tmp_path):
    folder = tmp_path / "testshire"
    folder.mkdir()
    (folder / "crimes.xlsx").write_bytes(b"not a workbook")
    with pytest.raises(InputError, match="text such as CSV"):
        load_records("testshire", check_inspection(parameters(), "x"), tmp_path)


def test_an_error_of_a_formula_is_no_reference(tmp_path):
    crimes_table = table()
    crimes_table.loc[3, "incident_id"] = "#N/A"
    folder = tmp_path / "testshire"
    folder.mkdir()
    crimes_table.to_excel(folder / "crimes.xlsx", index=False)
    with pytest.raises(InputError, match="row 5, column incident_id: got a value; expected a reference; not an error"):
        load_records("testshire", check_inspection(parameters(), "x"), tmp_path)


def test_rows_of_a_sheet_have_one_length_and_keep_their_numbers(tmp_path):
    path = tmp_path / "frame.xlsx"
    book = Workbook()
    book.active.append(["id", "stratum"])
    sheet = book.create_sheet("Export")
    for row in (["id", None, "stratum"], [], [106.0, True, datetime(2022, 1, 3)], [" x "], [None], []):
        sheet.append(row)
    book.save(path)
    rows = read(path, "frame.xlsx", sheet="Export")
    assert rows.header == ["id", "", "stratum"]
    assert rows.cells == [["106", "yes", "2022-01-03 00:00:00"], ["x", "", ""]]
    assert rows.numbers == [3, 4]
    with pytest.raises(InputError, match="expected a workbook with the sheet 'Audit'"):
        read(path, "frame.xlsx", sheet="Audit")


def test_rows_are_judged_beside_unreadable_ones(tmp_path):
    crimes_table = table()
    crimes_table.loc[0, "recorded"] = "x"
    crimes_table.loc[1, "recorded_as"] = "nothing"
    found = check_table(crimes_table.replace("", None), "crimes", tables_of(default_programme())["crimes"])
    assert [(mistake.row, mistake.column) for mistake in found] == [(0, "recorded")]
    good = crimes_table.replace("", None).drop(index=0)
    found = check_rows(good, "crimes", check_inspection(parameters(), "x"))
    assert [(mistake.row, mistake.column) for mistake in found] == [(1, "recorded_as")]


def test_dip_crimes_need_their_record(tmp_path):
    crimes_table = table()
    crimes_table.loc[0, ["sample", "incident_id", "stratum", "route"]] = ["third_party_email", "D2", "", ""]
    dip = pd.DataFrame({"record_id": ["D1"], "sample": ["third_party_email"]})
    found = problems_of(tmp_path, {"crimes": crimes_table, "dip_records": dip})
    assert any("not in the table dip_records" in line for line in found), found


def test_an_incident_in_two_strata_is_refused(tmp_path):
    crimes_table = table()
    crimes_table.loc[0, "stratum"] = "other"
    assert any("one stratum" in line for line in problems_of(tmp_path, {"crimes": crimes_table}))


def test_survey_statements_must_be_known(tmp_path):
    survey = pd.DataFrame({"respondent_id": ["1", "1"], "statement": ["trained", "x"], "answer": ["agree", "agree"]})
    found = problems_of(
        tmp_path, {"crimes": table(), "survey": survey}, survey_statements={"trained": "I have been trained."}
    )
    assert len(found) == 1
    assert "row 3" in found[0]


def test_exactly_24_hours_is_in_time(tmp_path):
    crimes_table = table()
    crimes_table.loc[0, ["reported_at", "recorded_at"]] = ["2022-01-01 10:00", "2022-01-02 10:00"]
    crimes_table.loc[1, ["reported_at", "recorded_at"]] = ["2022-01-01 10:00", "2022-01-02 10:01"]
    assert load(tmp_path, {"crimes": crimes_table}).crimes["within_limit"][:2].tolist() == [True, False]


def challenges(**changes) -> pd.DataFrame:
    row = {
        "crime_id": table().at[0, "crime_id"],
        "first_decision": "recorded",
        "challenged_on": "01/08/2022",
        "rule": "HOCR general rules, section B",
        "outcome": "open",
        "final_decision": "",
        "decided_on": "",
        "reason": "",
    }
    return pd.DataFrame([row | changes])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcome": "upheld", "decided_on": "2022-08-05"}, "the changed decision"),
        ({"outcome": "rejected"}, "the date of the outcome"),
        ({"decided_on": "2022-08-05"}, "while the challenge is open"),
        ({"outcome": "rejected", "decided_on": "2022-07-05"}, "not before challenged_on"),
        ({"final_decision": "not recorded"}, "not upheld"),
        ({"first_decision": "not recorded"}, "the decision that stands: not recorded"),
        ({"first_decision": "class 8N"}, "another decision there: class 105A"),
        ({"crime_id": "unknown"}, "a crime that is not there"),
        ({"first_decision": "no crime"}, "no row for this crime"),
        ({"first_decision": "maybe"}, "recorded, not recorded, no crime"),
        ({"challenged_on": "2021-01-01"}, "in the audit period or after it"),
        ({"outcome": "upheld", "final_decision": "not recorded", "decided_on": "2022-08-05"}, "decision that stands"),
        ({"outcome": "upheld", "final_decision": "class 8N", "decided_on": "2022-08-05"}, "no class where it is none"),
    ],
)
def test_challenges_agree_with_the_crimes(tmp_path, changes, words):
    found = problems_of(tmp_path, {"crimes": table(), "challenges": challenges(**changes)})
    assert any("challenges.csv, row 2" in line and words in line for line in found), found


def test_challenges_are_counted(tmp_path):
    upheld = challenges(
        first_decision="not recorded", final_decision="recorded", outcome="upheld", decided_on="2022-08-05"
    )
    gone = challenges(
        crime_id="gone",
        first_decision="not recorded",
        final_decision="no crime",
        outcome="upheld",
        decided_on="2022-08-05",
    )
    found = load(tmp_path, {"crimes": table(), "challenges": pd.concat([upheld, gone])})
    assert challenge_counts(found.challenges) == {"challenges": 2, "upheld": 2, "rejected": 0, "open": 0}
    assert challenge_counts(None) is None


@pytest.mark.parametrize(
    "text",
    ["03/06/2019 14:05", "3/6/2019 14:05", "03-Jun-2019 14:05", "3 June 2019 14:05:00", "2019-06-03T14:05:00.000"],
)
def test_moments_as_forces_export_them(text):
    assert parse_moments(pd.Series([text])).tolist() == [pd.Timestamp("2019-06-03 14:05")]


@pytest.mark.parametrize(
    "text", ["06/13/2019 14:05", "2019-06-03T14:05Z", "2019-06-03 25:05", "03/06/2019", "30 Feb 2019 10:00", None]
)
def test_moments_that_are_not_read(text):
    assert parse_moments(pd.Series([text], dtype=object)).isna().all()


def test_a_figure_can_be_moved_as_the_readme_says(tmp_path):
    """``recorded`` of the first row set to ``no``, ``recorded_at`` emptied, and nothing else."""
    shutil.copytree(PROJECT / "params", tmp_path / "params")
    path = tmp_path / "params" / "northamptonshire" / "crimes.csv"
    crimes_of = pd.read_csv(path, dtype=str, keep_default_na=False)
    crimes_of.loc[0, ["recorded", "recorded_at"]] = ["no", ""]
    crimes_of.to_csv(path, index=False)
    audit = read_audit("northamptonshire", tmp_path / "params")
    assert (len(audit.records.main), int(audit.records.main["recorded"].sum())) == (1129, 1038)
