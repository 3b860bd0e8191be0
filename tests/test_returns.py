"""Returned worksheets: every mistake is told with its place, and agreement is measured as other software does."""

import json
import shutil
from datetime import datetime

import openpyxl
import pandas as pd
import pytest
from auditors import MAPPED, fill_in, frame
from forces import parameters, write_force

from cdi_lib.fieldwork.collected import check_collected, check_strata, collect, is_collected, write_papers
from cdi_lib.fieldwork.draw import draw_recheck, draw_sample
from cdi_lib.fieldwork.returns import check_returns, summary
from cdi_lib.fieldwork.worksheet import AUDIT_SHEET, COLUMNS
from cdi_lib.inspection.parameters import check_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.programme import default_programme
from cdi_lib.inspection.records import AuditRecords, load_records
from cdi_lib.inspection.rules import check_table
from cdi_lib.inspection.tables import columns_of, tables_of
from cdi_lib.pipeline.check import _response
from cdi_lib.statistics.agreement import cohens_kappa

PLAN = {"seed": 7, "expected_rate_percent": 90, "margin_points": 5, "frame": MAPPED}
CONTENT = parameters(sampling=PLAN | {"incidents": {"violence": 14, "sexual": 8, "other": 8}})
INSPECTION = check_inspection(CONTENT, "params/testshire.yml")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A force with a drawn sample of 30 incidents and a re-check of 12."""
    params = tmp_path_factory.mktemp("drawn")
    write_force(params, "testshire", CONTENT, {"crimes": pd.DataFrame(columns=columns_of("crimes"))})
    frame(400).to_csv(params / "testshire" / "frame.csv", index=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("cdi_lib.fieldwork.worksheet.SPARE_ROWS", 3)  # small workbooks are read and written sooner
        draw_sample("testshire", INSPECTION, params)
        draw_recheck("testshire", INSPECTION, 12, params)
    return params


@pytest.fixture
def params(drawn, tmp_path):
    return shutil.copytree(drawn, tmp_path / "params")


def fill(params, name="one.xlsx", audit="worksheet", part=slice(None), **changes):
    own = params / "testshire"
    return fill_in(own / "sample" / f"{audit}.xlsx", own / "returned" / name, part, **changes)


def told(params) -> list[str]:
    return [str(problem) for problem in check_returns("testshire", INSPECTION, params).errors]


def _records(crimes=None, **tables) -> AuditRecords:
    """Tables of an audit as they are checked against the worksheets."""
    return AuditRecords({"params/testshire/crimes.csv": ""}, pd.DataFrame() if crimes is None else crimes, **tables)


def test_nothing_returned_is_no_problem(params):
    assert check_returns("testshire", INSPECTION, params) is None
    assert summary(check_returns("testshire", INSPECTION, params)) is None


def test_complete_worksheets_become_the_table_of_crimes(params):
    fill(params)
    returns = check_returns("testshire", INSPECTION, params)
    assert returns.errors == () and not is_collected("testshire", params)
    path, sizes = collect("testshire", returns, params)
    text = pd.read_csv(path, dtype=str, keep_default_na=False).where(lambda t: t != "", None)
    assert check_table(text, "crimes", tables_of(default_programme())["crimes"]) == [] and is_collected(
        "testshire", params
    )
    assert {stratum: n["selected"] for stratum, n in returns.strata.items()} == {
        "violence": 14,
        "sexual": 8,
        "other": 8,
    }
    assert sum(n["crime"] for n in returns.strata.values()) == text["incident_id"].nunique()
    trail = json.loads((params / "testshire" / "sample" / "trail.json").read_text())
    counts = pd.read_csv(sizes, index_col="stratum")
    assert counts["frame_incidents"].to_dict() == {item["stratum"]: item["frame"] for item in trail["strata"]}
    assert counts["audited_incidents"].to_dict() == {
        stratum: n["crime"] + n["no_crime"] for stratum, n in returns.strata.items()
    }
    assert collect("testshire", returns, params) == []


def test_collecting_leaves_strata_of_another_draw(params):
    fill(params)
    path = params / "testshire" / "strata.csv"
    path.write_text("stratum,frame_incidents,audited_incidents\nnorth,9,9\n")
    before = path.read_bytes()
    assert len(collect("testshire", check_returns("testshire", INSPECTION, params), params)) == 1
    assert path.read_bytes() == before


def positions(path, column, value) -> set[int]:
    """Positions of the incidents in a filled worksheet whose first row has this value."""
    sheet, number = openpyxl.load_workbook(path)[AUDIT_SHEET], list(COLUMNS).index(column) + 1
    return {p for p in range(30) if sheet.cell(2 + 3 * p, number).value == value}


def test_strata_follow_the_worksheets_and_other_numbers_are_an_error(params):
    path = fill(params)
    collect("testshire", check_returns("testshire", INSPECTION, params), params)
    fill(params, not_audited={min(positions(path, "finding", "no crime"))})
    returns = check_returns("testshire", INSPECTION, params)
    sizes = params / "testshire" / "strata.csv"
    before = pd.read_csv(sizes)
    [problem] = check_strata("testshire", returns, _records(strata=before))
    assert problem.severity == "error" and "make collect FORCE=testshire" in problem.expected
    assert collect("testshire", returns, params) == [sizes]  # the crimes are the same
    after = pd.read_csv(sizes)
    assert before["audited_incidents"].sum() - after["audited_incidents"].sum() == 1
    assert check_strata("testshire", returns, _records(strata=after)) == []


def test_a_stratum_of_which_nothing_could_be_audited_is_an_error(params):
    fill(params, not_audited=positions(fill(params), "stratum", "sexual"))
    assert any("stratum 'sexual'" in line and "none of which can be audited" in line for line in told(params))


@pytest.mark.parametrize(
    "content",
    [b"x,y\n1,2\n", b"", b"no workbook", b"audit;stratum\nfirst;violence\n", ",".join(COLUMNS).encode() + b"\n"],
)
@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".xls", ".ods"])
def test_one_file_that_cannot_be_used_is_told_like_any_other(params, content, suffix):
    (params / "testshire" / "returned").mkdir()
    (params / "testshire" / "returned" / f"a{suffix}").write_bytes(content)
    assert told(params)


def test_a_crime_twice_after_collecting_is_told(params):
    fill(params)
    returns = check_returns("testshire", INSPECTION, params)
    collect("testshire", returns, params)
    main = pd.read_csv(params / "testshire" / "crimes.csv").assign(recorded=lambda t: t["recorded"] == "yes")
    fill(params, "again.xlsx")
    twice = check_returns("testshire", INSPECTION, params)
    assert any("also in" in str(problem) for problem in twice.errors)
    assert check_collected(twice, _records(main)) == []


def test_a_date_without_a_time_is_not_taken_for_midnight(params, position):
    fill(params, **{f"x{position}": {"recorded_at": datetime(2022, 9, 30)}})
    assert any("column recorded_at" in line and "keeps a date alone" in line for line in told(params))


# what is entered in the first row of incident 1, the column that is named, and words of the message
MISTAKES = [
    ({"finding": None}, "finding", "the decision is missing"),
    ({"finding": "nocrime"}, "finding", "did you mean 'no crime'"),
    ({"finding": "no crime"}, "finding", "no crime, and a crime in row"),
    ({"offence_class": "105Z"}, "offence_class", "'105Z'"),
    ({"offence_class": None}, "offence_class", "got a blank cell; expected Home Office class"),
    ({"offence_class": "19C", "crime_type": "other"}, "crime_type", "the crime type of class 19C"),
    ({"domestic_abuse": "maybe"}, "domestic_abuse", "one of yes, no"),
    ({"route": None}, "route", "got a blank cell; expected control_room"),
    ({"recorded": "no"}, "recorded_at", "a blank for a crime that was not recorded"),
    ({"recorded": None}, "recorded", "got a blank cell; expected yes if the force"),
    ({"recorded": "yes", "recorded_as": "incident"}, "recorded_as", "a blank for a crime that was recorded"),
    ({"recorded": "no", "recorded_at": None, "recorded_as": "n100"}, "recorded_as", "only for a crime of rape"),
    ({"recorded_at": "01/01/2022 00:01"}, "recorded_at", "not before the time of report"),
    ({"recorded_at": "2022-06-03T14:05Z"}, "recorded_at", "a date and time"),
    ({"reported_at": "31/12/2021 23:59"}, "reported_at", "audit period, 2022-01-01 to 2022-06-30"),
    ({"reported_at": None}, "reported_at", "the time of report"),
    ({"crime_number": 0}, "crime_number", "1, 2, 3"),
    ({"crime_number": 2}, "crime_number", "a second time"),
    ({"stratum": "all"}, "stratum", "from which the incident was drawn"),
    ({"incident_id": "unknown"}, "incident_id", "was not selected"),
    ({"audit": "third"}, "audit", "first or recheck"),
]


@pytest.fixture(scope="module")
def position(drawn, tmp_path_factory) -> int:
    """Position of an incident with two crimes of which the first was recorded, in worksheets without a mistake."""
    params = shutil.copytree(drawn, tmp_path_factory.mktemp("complete") / "params")
    path = fill(params)
    assert told(params) == []
    sheet = openpyxl.load_workbook(path)[AUDIT_SHEET]
    column = {name: number for number, name in enumerate(COLUMNS, 1)}
    rows = range(2, 2 + 30 * 3, 3)
    found = [
        position
        for position, row in enumerate(rows)
        if sheet.cell(row, column["recorded"]).value == "yes" and sheet.cell(row + 1, column["recorded"]).value
    ]
    return found[0]


@pytest.mark.parametrize(("entered", "column", "words"), MISTAKES)
def test_a_mistake_is_told_with_file_row_and_column(params, position, entered, column, words):
    fill(params, **{f"x{position}": entered})
    found = told(params)
    assert any(f"column {column}" in line and words in line for line in found), found
    assert all("returned" in line for line in found)


@pytest.mark.parametrize(("entered", "column", "words"), MISTAKES[3:16])
def test_the_same_mistake_in_the_table_of_crimes_gets_the_same_words(params, position, entered, column, words):
    path = fill(params, **{f"x{position}": entered})
    [told_here] = [p for p in check_returns("testshire", INSPECTION, params).errors if column in p.where]
    sheet = pd.read_excel(path, sheet_name=AUDIT_SHEET, dtype=object)
    row = sheet[sheet["recorded"].notna() | (sheet.index == 3 * position)]
    crimes = row.assign(crime_id=row.index.astype(str), sample="main")
    crimes = crimes[[name for name in columns_of("crimes") if name in crimes]]
    crimes.to_excel(params / "testshire" / "crimes.xlsx", index=False)
    (params / "testshire" / "crimes.csv").unlink()
    with pytest.raises(InputError) as caught:
        load_records("testshire", INSPECTION, params)
    [told_there] = [p for p in caught.value.problems if column in p.where]
    assert (told_there.got, told_there.expected) == (told_here.got, told_here.expected)


def test_all_problems_of_all_files_are_told_worst_first_and_as_csv(params):
    fill(params, "a.xlsx", part=slice(0, 20), x0={"finding": "nothing"})
    fill(params, "b.xlsx", part=slice(19, 25))
    (params / "testshire" / "returned" / "c.xlsx").write_bytes(b"no workbook")
    (params / "testshire" / "returned" / "d.csv").write_text("incident,finding\n1,crime\n", encoding="utf-8")
    returns = check_returns("testshire", INSPECTION, params)
    lines = [str(problem) for problem in returns.problems]
    assert "text such as CSV" in lines[0] and "no columns audit, incident_id" in lines[1]
    assert [line for line in lines if "also in a.xlsx; expected each incident in one file" in line and "b.xlsx" in line]
    severities = [problem.severity for problem in returns.problems]
    assert severities == sorted(severities) and "warning" in severities  # no re-check came back
    written = {path.name: path for path in write_papers("testshire", returns, params)}
    assert len(pd.read_csv(written["problems.csv"])) == len(lines)
    outstanding = pd.read_csv(written["outstanding.csv"])
    assert outstanding["audit"].value_counts().to_dict() == {"first": 5, "recheck": 12}
    assert outstanding["incident_id"].str.startswith("'=").all()  # no formula in a spreadsheet
    with pytest.raises(InputError):
        collect("testshire", returns, params)


def test_a_message_shows_the_cell_as_it_was_entered(params):
    fill(params, "a.xlsx", x0={"recorded": "Perhaps"}, x1={"offence_class": "violent"}, x2={"offence_class": "20a"})
    told = [problem.got for problem in check_returns("testshire", INSPECTION, params).errors]
    assert "'Perhaps'" in told and "'violent'" in told and not any("20" in got for got in told)


def test_no_reference_is_quoted(params):
    fill(params, part=slice(0, 20), x3={"incident_id": "Jane Doe 1970"}, x4={"finding": None})
    text = "\n".join(map(str, check_returns("testshire", INSPECTION, params).problems))
    ids = pd.read_csv(params / "testshire" / "sample" / "selection.csv")["id"]
    assert text and "Jane" not in text and not [name for name in ids if name.strip("=") in text]


def taken_out(path) -> pd.DataFrame:
    """The rows of a filled worksheet, with times as text; the file is removed."""
    table = pd.read_excel(path, sheet_name=AUDIT_SHEET, dtype=object)
    for name in ("reported_at", "recorded_at"):
        table[name] = pd.to_datetime(table[name]).dt.strftime("%d/%m/%Y %H:%M")
    path.unlink()
    return table


def test_csv_from_a_spreadsheet_is_read_like_the_workbook(params):
    path = fill(params)
    whole = check_returns("testshire", INSPECTION, params)
    table = taken_out(path)
    table.to_csv(path.with_suffix(".csv"), index=False, encoding="cp1252")
    again = check_returns("testshire", INSPECTION, params)
    assert again.errors == ()
    pd.testing.assert_frame_equal(again.crimes, whole.crimes)


def test_csv_as_other_programs_write_it(params):
    path = fill(params)
    whole = check_returns("testshire", INSPECTION, params)
    table = taken_out(path)
    table["crime_number"] = table["crime_number"].astype(float)
    table.to_csv(path.with_suffix(".csv"), index=False)
    assert ",1.0," in path.with_suffix(".csv").read_text()
    pd.testing.assert_frame_equal(check_returns("testshire", INSPECTION, params).crimes, whole.crimes)
    table.to_csv(path.with_suffix(".csv"), index=False, sep=";")
    pd.testing.assert_frame_equal(check_returns("testshire", INSPECTION, params).crimes, whole.crimes)


def test_what_cannot_be_audited_needs_a_reason_and_counts_in_the_response(params):
    blank = dict.fromkeys(("crime_type", "offence_class", "domestic_abuse", "recorded", "recorded_as", "recorded_at"))
    sheet = openpyxl.load_workbook(fill(params))[AUDIT_SHEET]
    number = list(COLUMNS).index("recorded") + 1
    is_filled = lambda row: bool(sheet.cell(row, number).value)
    position = next(p for p in range(30) if is_filled(2 + 3 * p) and not is_filled(3 + 3 * p))
    fill(params, **{f"x{position}": blank | {"finding": "cannot be audited"}})
    assert any("column reason" in line for line in told(params))
    fill(params, **{f"x{position}": blank | {"finding": "cannot be audited", "reason": "log missing"}})
    assert told(params) == []
    found = summary(check_returns("testshire", INSPECTION, params))
    assert (found["selected"], found["returned"], found["audited"], found["cannot_be_audited"]) == (30, 30, 29, 1)
    assert found["response_rate"] == pytest.approx(29 / 30)
    json.dumps(found, allow_nan=False)


def test_the_recheck_is_compared_with_the_first_audit(params):
    fill(params)
    fill(params, "second.xlsx", "worksheet-recheck")
    alike = check_returns("testshire", INSPECTION, params)
    assert alike.recheck["agreed"] == alike.recheck["incidents"] == 12
    position = next(p for p in range(12) if _finding(params, p) == "crime")
    fill(
        params,
        "second.xlsx",
        "worksheet-recheck",
        **{f"x{position}": {"domestic_abuse": "yes", "offence_class": "46", "crime_type": "other"}},
    )
    differs = check_returns("testshire", INSPECTION, params)
    assert differs.recheck["agreed"] == 11 and differs.recheck["outcome"]["agreed"] == 12
    assert differs.disagreements["incident_id"].nunique() == 1
    assert set(differs.disagreements["decision"]) <= {"domestic_abuse", "offence_class", "crime_type"}
    pd.testing.assert_frame_equal(differs.crimes, alike.crimes)  # the re-check changes no decision
    said = next(line for line in _response("testshire", differs, params) if "decided alike" in line)
    assert (
        said
        == "re-check: 11 of 12 incidents decided alike; disagreements.csv has the others, of which the first audit counts"
    )


def _finding(params, position) -> str:
    sheet = openpyxl.load_workbook(params / "testshire" / "returned" / "second.xlsx")[AUDIT_SHEET]
    return sheet.cell(2 + 3 * position, list(COLUMNS).index("finding") + 1).value


def test_collecting_keeps_dip_samples_and_corrected_decisions(params):
    fill(params)
    returns = check_returns("testshire", INSPECTION, params)
    path = params / "testshire" / "crimes.csv"
    dip = returns.crimes.head(1).assign(crime_id="D1", sample="vulnerable_adult", stratum=None, route=None)
    dip.to_csv(path, index=False)
    collect("testshire", returns, params)
    table = pd.read_csv(path, dtype=str)
    assert len(table) == len(returns.crimes) + 1 and "D1" in set(table["crime_id"])
    table.loc[0, "domestic_abuse"] = "no" if table.loc[0, "domestic_abuse"] == "yes" else "yes"
    table.to_csv(path, index=False)
    corrected = path.read_bytes()
    with pytest.raises(InputError, match="other crimes of the main sample"):
        collect("testshire", returns, params)
    assert path.read_bytes() == corrected


def test_corrections_without_a_challenge_are_warned_of(params):
    fill(params)
    returns = check_returns("testshire", INSPECTION, params)
    main = returns.crimes.assign(recorded=returns.crimes["recorded"] == "yes")
    assert check_collected(returns, _records(main)) == []
    main.loc[0, "recorded"] = not main.loc[0, "recorded"]
    [warning] = check_collected(returns, _records(main))
    assert warning.severity == "warning" and warning.got.startswith("1 decision")
    upheld = pd.DataFrame({"crime_id": [main.loc[0, "crime_id"]], "outcome": ["upheld"]})
    assert check_collected(returns, _records(main, challenges=upheld)) == []


@pytest.mark.oracle
@pytest.mark.parametrize("counts", [[[20, 5], [10, 15]], [[30, 2, 1], [3, 8, 0], [0, 1, 5]], [[1, 1], [1, 30]]])
def test_kappa_is_that_of_statsmodels(counts):
    statsmodels = pytest.importorskip("statsmodels.stats.inter_rater")
    oracle = statsmodels.cohens_kappa(counts)
    pairs = [(f"{i}", f"{j}") for i, row in enumerate(counts) for j, n in enumerate(row) for _ in range(n)]
    found = cohens_kappa(*zip(*pairs, strict=True))
    assert found.kappa == pytest.approx(oracle.kappa, abs=1e-12)
    assert found.low == pytest.approx(max(oracle.kappa_low, -1), abs=1e-12)
    assert found.high == pytest.approx(min(oracle.kappa_upp, 1), abs=1e-12)


def test_kappa_of_one_finding_only_is_not_defined():
    found = cohens_kappa(["crime"] * 5, ["crime"] * 5)
    assert (found.n, found.agreed, found.kappa, found.low) == (5, 5, None, None)
    with pytest.raises(ValueError, match="as many decisions"):
        cohens_kappa([], [])


def test_progress_is_told_by_auditor(tmp_path):
    content = CONTENT | {"sampling": CONTENT["sampling"] | {"auditors": 2}}
    inspection = check_inspection(content, "params/testshire.yml")
    write_force(tmp_path, "testshire", content, {"crimes": pd.DataFrame(columns=columns_of("crimes"))})
    frame(400).to_csv(tmp_path / "testshire" / "frame.csv", index=False)
    draw_sample("testshire", inspection, tmp_path)
    fill(tmp_path, audit="worksheet-auditor-1-of-2")
    returns = check_returns("testshire", inspection, tmp_path)
    assert returns.progress == {1: (15, 15), 2: (0, 15)}
    assert check_returns("testshire", INSPECTION, tmp_path).progress == {}


def test_a_midnight_that_the_frame_has_comes_back_as_it_was_given(tmp_path):
    write_force(tmp_path, "testshire", CONTENT, {"crimes": pd.DataFrame(columns=columns_of("crimes"))})
    at_midnight = frame(400)
    at_midnight["Date/Time reported"] = at_midnight["Date/Time reported"].str[:10] + " 00:00"
    at_midnight.loc[0, "Date/Time reported"] = at_midnight.loc[0, "Date/Time reported"][:10] + " 10:00"
    at_midnight.to_csv(tmp_path / "testshire" / "frame.csv", index=False)
    draw_sample("testshire", INSPECTION, tmp_path)
    fill(tmp_path)
    returns = check_returns("testshire", INSPECTION, tmp_path)
    assert not any("reported_at" in error for error in told(tmp_path))
    assert len(returns.crimes) > 20 and returns.crimes["reported_at"].str.endswith(" 00:00:00").all()
    fill(tmp_path, x2={"reported_at": "2022-01-01"})  # another day is no midnight that was given
    assert any("reported_at" in error for error in told(tmp_path))


# ---- crimes that were recorded and should not have been ---------------------------------------------------------


@pytest.fixture
def over(tmp_path):
    """A force whose programme asks for over-recorded crimes, with a drawn sample; and its parameters."""
    inspection = check_inspection(CONTENT | {"programme": "qsr-2025"}, "params/testshire.yml")
    write_force(tmp_path, "testshire", CONTENT, {"crimes": pd.DataFrame(columns=columns_of("crimes"))})
    frame(400).to_csv(tmp_path / "testshire" / "frame.csv", index=False)
    draw_sample("testshire", inspection, tmp_path)
    return tmp_path, inspection


def mark_over(path, decided) -> tuple[str, int]:
    """Enter an over-recorded crime behind those of the first incident without one; returns the incident and the row."""
    book = openpyxl.load_workbook(path)
    sheet = book[AUDIT_SHEET]
    column = {cell.value: cell.column for cell in sheet[1]}
    at = lambda row, name: sheet.cell(row, column[name])
    first = next(row for row in range(2, sheet.max_row) if at(row, "finding").value == "no crime")
    for name, value in decided.items():
        at(first + 1, name).value = value
    book.save(path)
    return at(first, "incident_id").value, first + 1


OVER = {"over_recorded": "yes", "crime_type": "violence", "offence_class": "8l"}


def test_over_recorded_crimes_of_the_worksheets_become_a_table(over):
    params, inspection = over
    path = fill(params)
    incident, _ = mark_over(path, OVER)
    returns = check_returns("testshire", inspection, params)
    assert returns.errors == ()
    written = [found.name for found in collect("testshire", returns, params)]
    assert written == ["crimes.csv", "over_recorded.csv", "strata.csv"]
    table = pd.read_csv(params / "testshire/over_recorded.csv", dtype=str)
    assert table[["crime_id", "incident_id", "crime_type", "offence_class"]].values.tolist() == [
        [f"{incident}/2", incident, "violence", "8L"]
    ]
    table.iloc[:0].to_csv(params / "testshire/over_recorded.csv", index=False)  # nothing in it that could be lost
    assert [found.name for found in collect("testshire", returns, params)] == ["over_recorded.csv"]
    records = load_records("testshire", inspection, params)
    assert len(records.over_recorded) == 1 and incident not in set(records.crimes["incident_id"])
    assert collect("testshire", check_returns("testshire", inspection, params), params) == []
    table.assign(offence_class="8N").to_csv(params / "testshire/over_recorded.csv", index=False)
    with pytest.raises(InputError, match="other crimes that should not have been recorded"):
        collect("testshire", returns, params)


def test_worksheets_without_an_over_recorded_crime_say_that_there_was_none(over):
    params, inspection = over
    fill(params)
    collect("testshire", check_returns("testshire", inspection, params), params)
    assert load_records("testshire", inspection, params).over_recorded.empty


@pytest.mark.parametrize(
    ("decided", "column", "words"),
    [
        ({"offence_class": None}, "offence_class", "a blank cell"),
        ({"crime_type": "other"}, "crime_type", "the crime type of class 8L"),
        ({"recorded": "no"}, "recorded", "a blank for a crime that should not have been recorded"),
        ({"crime_number": 1.5}, "crime_number", "1, 2, 3, ..."),
        ({"over_recorded": "perhaps"}, "over_recorded", "yes or no"),
    ],
)
def test_a_mistake_in_an_over_recorded_crime_is_told(over, decided, column, words):
    params, inspection = over
    _, row = mark_over(fill(params), OVER | decided)
    told = [str(problem) for problem in check_returns("testshire", inspection, params).errors]
    assert any(f"row {row}, column {column}" in line and words in line for line in told), told


def test_only_a_programme_that_asks_for_it_has_the_column(params):
    assert check_returns("testshire", INSPECTION, params) is None
    fill(params)
    assert check_returns("testshire", INSPECTION, params).over_recorded is None
