"""Drawing the sample of a force: frames as forces export them, and what keeps a sample from being drawn."""

import json
import subprocess
import sys

import numpy as np
import openpyxl
import pandas as pd
import pytest
from auditors import MAPPED, fill_in, frame
from forces import parameters, write_force
from scipy import stats

from cdi_lib.fieldwork.draw import draw_recheck, draw_sample, read_selection
from cdi_lib.fieldwork.returns import check_returns
from cdi_lib.fieldwork.trail import check_drawn
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.parameters import check_inspection
from cdi_lib.inspection.problems import InputError

PLAN = {"seed": 7, "expected_rate_percent": 90, "margin_points": 5}
COUNTS = {"violence": 30, "sexual": 10, "other": 20}


def given(tmp_path, table=None, write="csv", **plan):
    """Parameters and frame of Testshire; returns the inspection."""
    content = parameters(sampling=PLAN | {"frame": MAPPED, "incidents": COUNTS} | plan)
    write_force(tmp_path, "testshire", content)
    table = frame(600) if table is None else table
    path = tmp_path / "testshire" / f"frame.{write.split()[0]}"
    if path.suffix == ".csv":
        table.to_csv(path, index=False, encoding=write.partition(" ")[2] or "utf-8")
    elif path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_excel(path, index=False)
        book = openpyxl.load_workbook(path)
        for (cell,) in book.active.iter_rows(max_col=1):
            cell.data_type = "s"  # pandas makes formulas of references that begin with "="
        book.save(path)
    return check_inspection(content, "params/testshire.yml")


def problem_of(tmp_path, *arguments, **options) -> str:
    inspection = given(tmp_path, *arguments, **options)
    with pytest.raises(InputError) as caught:
        draw_sample("testshire", inspection, tmp_path)
    assert not (tmp_path / "testshire" / "sample").exists()
    return str(caught.value)


@pytest.mark.parametrize("write", ["csv utf-8", "csv utf-8-sig", "csv cp1252", "xlsx", "parquet"])
def test_one_frame_in_any_form_gives_one_selection(tmp_path, write):
    draw_sample("testshire", given(tmp_path / "a"), tmp_path / "a")
    table = frame(600)
    if write in ("xlsx", "parquet"):  # real dates there
        table["Date/Time reported"] = pd.to_datetime(table["Date/Time reported"], dayfirst=True)
    draw_sample("testshire", given(tmp_path / "b", table, write), tmp_path / "b")
    one, other = (read_selection("testshire", tmp_path / name, "first") for name in "ab")
    pd.testing.assert_frame_equal(one, other)
    assert one["stratum"].value_counts().to_dict() == COUNTS
    whole = frame(600).set_index("Log No")
    expected = pd.to_datetime(whole.loc[one["id"], "Date/Time reported"], dayfirst=True)
    assert one["reported_at"].tolist() == expected.dt.strftime("%Y-%m-%d %H:%M:%S").tolist()
    names = whole.loc[one["id"], "Via"].map({"999": "control_room", "CRC": "crime_recording_centre"})
    assert one["route"].tolist() == names.tolist()


def test_the_chances_of_grades_under_the_plan_are_printed(tmp_path):
    """Of 2,400 reports of violence 300 are drawn, one crime each; at a true rate of 90 % "good" is from 90 to 94 %."""
    inspection = given(tmp_path, frame(6000), incidents={"violence": 300, "sexual": 200, "other": 200})
    said = draw_sample("testshire", inspection, tmp_path).said
    [head] = [i for i, line in enumerate(said) if line.startswith("chance of each grade")]
    assert said[head].endswith("every other element good:") and said[head + 1].split("  ")[-4:] == [
        "outstanding",
        "good",
        "requires improvement",
        "inadequate",
    ]
    names = [line[: line.index("  ")] for line in said[head + 2 :]]
    assert names[1:] == [
        "Records reported violent crime",
        "Records reported sexual offences",
        "Effectiveness",
        "Overall",
    ]
    drawn = stats.hypergeom(2400, 2160, 300)
    good, printed = drawn.sf(269) - drawn.sf(281), said[head + 3].split()
    assert printed[-4] == printed[-1] == "<1%"
    assert float(printed[-3].rstrip("%")) == pytest.approx(100 * good, abs=2.5)  # 10,000 draws, a whole per cent
    regions = {
        name: name.title() for name in ("north", "south")
    }  # strata that are no crime types say nothing of grades
    table = frame(600).assign(Region=["North", "South"] * 300)
    by_region = MAPPED | {"stratum": "Region", "strata": {name: [value] for name, value in regions.items()}}
    other = given(tmp_path / "other", table, frame=by_region, incidents=dict.fromkeys(regions, 50))
    assert not any("chance" in line for line in draw_sample("testshire", other, tmp_path / "other").said)


@pytest.mark.parametrize("write", ["csv utf-8", "csv utf-16", "xlsx", "parquet"])
def test_records_that_the_parameters_leave_out_are_counted_and_never_drawn(tmp_path, write):
    table = frame(600)
    table["Opened as"] = ["ASB" if i % 5 == 0 else "Test " if i % 7 == 0 else "Crime" for i in range(600)]
    leave_out = {"Opened as": ["ASB", "Test"], "Via": ["post"]}
    inspection = given(tmp_path, table, write, frame=MAPPED | {"exclude": leave_out})
    done = draw_sample("testshire", inspection, tmp_path)
    drawn = read_selection("testshire", tmp_path, "first")
    kinds = table.set_index("Log No")["Opened as"].str.strip()
    assert set(kinds[drawn["id"]]) == {"Crime"}
    numbers = kinds.value_counts()
    trail = json.loads((tmp_path / "testshire/sample/trail.json").read_text())
    assert trail["frame"]["excluded"] == {
        "Opened as": {"ASB": numbers["ASB"], "Test": numbers["Test"]},
        "Via": {"post": 0},
    }
    assert trail["frame"]["records"] == numbers["Crime"] == sum(row["frame"] for row in trail["strata"])
    assert f"left out before the draw: {numbers['ASB']:,} with 'ASB' in column 'Opened as'" in done.said
    assert ["no record with 'post'"] == [problem.got for problem in done.told]
    kept = given(tmp_path / "kept", table[kinds.to_numpy() == "Crime"].drop(columns="Opened as"), "csv utf-8")
    draw_sample("testshire", kept, tmp_path / "kept")
    assert read_selection("testshire", tmp_path / "kept", "first")["id"].tolist() == drawn["id"].tolist()
    assert check_drawn("testshire", inspection, tmp_path) == []
    other = given(tmp_path, table, write, frame=MAPPED | {"exclude": {"Opened as": ["ASB"]}})
    [problem] = check_drawn("testshire", other, tmp_path)
    assert problem.where == "sampling.frame.exclude" and "Opened as: ['ASB', 'Test']" in problem.expected
    if write == "csv utf-8":
        script = [sys.executable, "-I", "-S", str(PROJECT / "tests/repeat_draw.py")]
        files = [str(tmp_path / "testshire" / name) for name in ("frame.csv", "sample/trail.json")]
        said = subprocess.run([*script, *files], capture_output=True, text=True, check=True).stdout
        assert said.count("the same") == 3 and "ANOTHER" not in said


def test_a_column_to_leave_out_by_must_be_there(tmp_path):
    said = problem_of(tmp_path, frame=MAPPED | {"exclude": {"Vias": ["999"]}})
    assert (
        "column 'Vias': got no such column" in said
        and "did you mean 'Via'" in said
        and "sampling.frame.exclude" in said
    )


@pytest.mark.parametrize("write", ["csv utf-8", "xlsx", "parquet"])
def test_auditors_see_what_the_parameters_name_of_the_frame(tmp_path, write):
    table = frame(600)
    table["Summary"] = [f"{'' if write == 'xlsx' else '='}text {i}" if i % 3 else "" for i in range(600)]
    inspection = given(tmp_path, table, write, frame=MAPPED | {"context": ["Summary", "Via"]})
    draw_sample("testshire", inspection, tmp_path)
    sheet = openpyxl.load_workbook(tmp_path / "testshire/sample/worksheet.xlsx")["Audit"]
    header = [cell.value for cell in sheet[1]]
    assert header[:6] == ["audit", "incident_id", "stratum", "Summary", "Via", "crime_number"]
    assert sheet.auto_filter.ref and not sheet.protection.autoFilter and not sheet.protection.sort
    by_id = table.set_index("Log No")
    for row in sheet.iter_rows(min_row=2, max_row=1 + 3 * 60):
        own = by_id.loc[row[1].value]
        assert (row[3].value or "", row[4].value) == (own["Summary"], own["Via"])
        assert row[3].protection.locked and row[3].data_type != "f"
    fill_in(tmp_path / "testshire/sample/worksheet.xlsx", tmp_path / "testshire/returned/one.xlsx", slice(None))
    returns = check_returns("testshire", inspection, tmp_path)
    assert returns.errors == () and "Summary" not in returns.crimes


def test_a_column_to_show_must_be_there(tmp_path):
    said = problem_of(tmp_path, frame=MAPPED | {"context": ["Sumary"]})
    assert "column 'Sumary': got no such column" in said and "sampling.frame.context" in said


def test_the_sample_is_shared_out_among_auditors(tmp_path):
    inspection = given(tmp_path, auditors=3, reserves=2)
    draw_sample("testshire", inspection, tmp_path)
    folder = tmp_path / "testshire" / "sample"
    sheets = sorted(path.name for path in folder.glob("worksheet*.xlsx"))
    assert sheets == [f"worksheet-auditor-{n}-of-3.xlsx" for n in (1, 2, 3)]
    shares = []
    for name in sheets:
        rows = pd.read_excel(folder / name, sheet_name="Audit", dtype=str)[["incident_id", "stratum"]]
        shares.append(rows.dropna().drop_duplicates())
    whole = pd.concat(shares)
    selected = read_selection("testshire", tmp_path, "first")
    assert sorted(whole["incident_id"]) == sorted(selected["id"])
    for name, n in COUNTS.items():
        parts = [(share["stratum"] == name).sum() for share in shares]
        assert sum(parts) == n and max(parts) - min(parts) <= 1
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    draw_sample("testshire", inspection, tmp_path)  # nobody's work is written over
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    for auditors in (1, 4):
        with pytest.raises(InputError, match="a worksheet with the same incidents"):
            draw_sample("testshire", given(tmp_path, auditors=auditors, reserves=2), tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("2022-06-03 14:05", True),
        ("2022-06-03T14:05:30", True),
        ("03/06/2022", True),
        ("03-Jun-2022 14:05", True),
        ("3 June 2022 14:05", True),
        ("", True),
        ("06/13/2022 14:05", False),
        ("2022-06-03T14:05Z", False),
        ("2022-06-03 14:05+01:00", False),
        ("03/06/22 14:05", False),
        ("soon", False),
    ],
)
def test_dates_in_the_frame(tmp_path, text, is_read):
    table = frame(600)
    table.loc[4, "Date/Time reported"] = text
    if is_read:
        assert draw_sample("testshire", given(tmp_path, table), tmp_path).written
    else:
        assert "1 value that cannot be read as a date" in problem_of(tmp_path, table)


def test_dates_outside_the_audit_period_are_counted(tmp_path):
    table = frame(600)
    table.loc[:2, "Date/Time reported"] = ["31/12/2021 23:59", "01/07/2022 00:00", "30/06/2022 23:59"]
    assert "2 of 600 records outside the audit period" in problem_of(tmp_path, table)


def test_times_with_a_zone_are_refused(tmp_path):
    table = frame(600)
    table["Date/Time reported"] = pd.to_datetime(table["Date/Time reported"], dayfirst=True).dt.tz_localize("UTC")
    assert "time zone" in problem_of(tmp_path, table, "parquet")


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path):
    told = problem_of(tmp_path, frame(600).rename(columns={"Log No": "Log no."}))
    assert "'Crime group'" in told and "did you mean 'Log no.'" in told


def test_values_that_no_stratum_has_are_told(tmp_path):
    table = frame(600)
    table.loc[:1, "Crime group"] = ["OHT", "Fraud"]
    assert "2 records with other values" in problem_of(tmp_path, table)


def test_references_are_not_taken_for_strata(tmp_path):
    names = {"incident_id": "Log No", "stratum": "Date/Time reported"}
    assert "different values" in problem_of(tmp_path, frame=names)


def test_a_sample_larger_than_a_stratum_or_without_frame_or_plan_is_refused(tmp_path):
    assert "frame that can be drawn from" in problem_of(tmp_path, incidents=COUNTS | {"sexual": 130})
    (tmp_path / "testshire" / "frame.csv").unlink()
    for sampling, expected in ((PLAN, "the sampling frame"), (None, "a seed")):
        with pytest.raises(InputError, match=expected):
            draw_sample("testshire", check_inspection(parameters(sampling=sampling), "x"), tmp_path)


def test_another_seed_does_not_replace_a_selection(tmp_path):
    draw_sample("testshire", given(tmp_path), tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "testshire" / "sample").iterdir()}
    assert before.keys() == {"selection.csv", "trail.json", "worksheet.xlsx"}
    more = COUNTS | {"violence": 31}  # the stratum that is listed last
    for other in ({"seed": 8}, {"incidents": more}, {"incidents": more, "reserves": 3}):
        with pytest.raises(InputError, match="a different selection"):
            draw_sample("testshire", given(tmp_path, **other), tmp_path)
    assert draw_sample("testshire", given(tmp_path), tmp_path).kept.name == "worksheet.xlsx"
    assert {p.name: p.read_bytes() for p in (tmp_path / "testshire" / "sample").iterdir()} == before


def test_the_selection_does_not_depend_on_the_order_of_the_rows(tmp_path):
    draw_sample("testshire", given(tmp_path), tmp_path)
    shuffled = frame(600).iloc[np.random.default_rng(1).permutation(600)]
    assert draw_sample("testshire", given(tmp_path, shuffled), tmp_path).kept  # not a different selection
    trail = json.loads((tmp_path / "testshire" / "sample" / "trail.json").read_text(encoding="utf-8"))
    assert trail["columns"]["stratum_values"]["sexual"] == ["SEX"]


def test_a_recheck_is_a_part_of_the_sample_and_can_be_enlarged(tmp_path):
    inspection = given(tmp_path)
    with pytest.raises(InputError, match="make sample"):
        draw_recheck("testshire", inspection, 10, tmp_path)
    draw_sample("testshire", inspection, tmp_path)
    draw_recheck("testshire", inspection, 10, tmp_path)
    chosen = read_selection("testshire", tmp_path, "recheck")["id"]
    assert len(chosen) == 10 and set(chosen) < set(read_selection("testshire", tmp_path, "first")["id"])
    draw_recheck("testshire", inspection, 11, tmp_path)
    assert read_selection("testshire", tmp_path, "recheck")["id"].tolist()[:10] == chosen.tolist()
    with pytest.raises(InputError, match="expected 11 or more"):
        draw_recheck("testshire", inspection, 10, tmp_path)
    with pytest.raises(InputError, match="1 to the 60"):
        draw_recheck("testshire", inspection, 61, tmp_path)


def in_use(tmp_path) -> list[str]:
    table = read_selection("testshire", tmp_path, "first")
    return table["id"][table["reserve"] == "True"].tolist()


def test_reserves_come_into_use_in_their_order_and_stay(tmp_path):
    inspection = given(tmp_path, reserves=2)
    draw_sample("testshire", inspection, tmp_path)
    folder = tmp_path / "testshire" / "sample"
    trail = json.loads((folder / "trail.json").read_text(encoding="utf-8"))
    reserves = [record["id"] for record in trail["reserves"] if record["stratum"] == "sexual"]
    chosen = read_selection("testshire", tmp_path, "first")
    assert len(reserves) == 2 and in_use(tmp_path) == []
    one, two, three = chosen["id"][chosen["stratum"] == "sexual"][:3]
    worksheet = (folder / "worksheet.xlsx").read_bytes()

    drawn = draw_sample("testshire", inspection, tmp_path, {two: "no log"})
    assert in_use(tmp_path) == reserves[:1] and drawn.unreplaced == ()
    draw_sample("testshire", inspection, tmp_path, {two: "no log"})  # replaced once
    assert in_use(tmp_path) == reserves[:1]
    drawn = draw_sample("testshire", inspection, tmp_path, {one: "no log", three: "no log"})
    assert in_use(tmp_path) == reserves and drawn.unreplaced == (three,)
    assert sorted(path.name for path in folder.glob("*reserves*")) == [
        "worksheet-reserves-1-to-1.xlsx",
        "worksheet-reserves-2-to-2.xlsx",
    ]
    assert (folder / "worksheet.xlsx").read_bytes() == worksheet

    # a reserve that cannot be audited either, and more reserves
    more = given(tmp_path, reserves=4)
    assert draw_sample("testshire", more, tmp_path, {reserves[0]: "no log"}).unreplaced == ()
    assert in_use(tmp_path)[:2] == reserves and len(in_use(tmp_path)) == 3
    assert check_drawn("testshire", more, tmp_path) == []
    with pytest.raises(InputError, match="no reserve is left"):
        draw_sample("testshire", given(tmp_path, reserves=0), tmp_path)

    # with the sheets of the reserves lost, or the selection as it was before a kill, it is all made again
    before = (folder / "selection.csv").read_bytes()
    (folder / "worksheet-reserves-2-to-2.xlsx").unlink()
    (folder / "worksheet-reserves-3-to-3.xlsx").unlink()
    (folder / "selection.csv").write_bytes(b"".join(before.splitlines(keepends=True)[:-1]))
    draw_sample("testshire", more, tmp_path)
    assert (folder / "selection.csv").read_bytes() == before
    assert (folder / "worksheet-reserves-2-to-3.xlsx").is_file()


def test_a_recheck_does_not_depend_on_replacements(tmp_path):
    inspection = given(tmp_path, reserves=2)
    draw_sample("testshire", inspection, tmp_path)
    draw_recheck("testshire", inspection, 10, tmp_path)
    before = read_selection("testshire", tmp_path, "recheck")
    first = read_selection("testshire", tmp_path, "first")["id"][0]
    draw_sample("testshire", inspection, tmp_path, {first: "no log"})
    draw_recheck("testshire", inspection, 10, tmp_path)
    pd.testing.assert_frame_equal(read_selection("testshire", tmp_path, "recheck"), before)


@pytest.mark.parametrize("trail", ["{", "[]", '{"replacements": [{"replaced": 1}]}'])
def test_replacements_that_cannot_be_read_are_told(tmp_path, trail):
    inspection = given(tmp_path)
    draw_sample("testshire", inspection, tmp_path)
    (tmp_path / "testshire" / "sample" / "trail.json").write_text(trail)
    with pytest.raises(InputError, match="trail that cannot be read"):
        draw_sample("testshire", inspection, tmp_path)


def test_nothing_is_written_through_a_link(tmp_path):
    inspection, elsewhere = given(tmp_path / "params"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "params" / "testshire" / "sample").symlink_to(elsewhere)
    with pytest.raises(InputError, match="a link to another place"):
        draw_sample("testshire", inspection, tmp_path / "params")
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 8}, "sampling.seed: got '8'; expected 7, with which the sample was drawn"),
        ({"incidents": COUNTS | {"sexual": 11}}, "sampling.incidents: got 'other: 20, sexual: 11, violence: 30'"),
        ({"incidents": None, "allocation": "equal", "total_incidents": 70}, "sampling.total_incidents: got '70'"),
        ({"frame": MAPPED | {"strata": {}}}, "sampling.frame.strata: got 'nothing'"),
    ],
)
def test_parameters_that_are_not_those_of_the_draw_are_told(tmp_path, changes, words):
    inspection = given(tmp_path)
    assert check_drawn("testshire", inspection, tmp_path) == []
    draw_sample("testshire", inspection, tmp_path)
    assert check_drawn("testshire", inspection, tmp_path) == []
    changed = given(tmp_path, **changes)
    (problem,) = check_drawn("testshire", changed, tmp_path)
    assert words in str(problem) and "params/testshire/sample/trail.json" in str(problem)


def test_a_trail_that_cannot_be_read_is_told(tmp_path):
    inspection = given(tmp_path)
    draw_sample("testshire", inspection, tmp_path)
    for text in ("{", "[]", '{"seed": "7"}'):
        (tmp_path / "testshire" / "sample" / "trail.json").write_text(text)
        (problem,) = check_drawn("testshire", inspection, tmp_path)
        assert "a trail that cannot be read" in str(problem)


@pytest.mark.parametrize("version", [1, 2, 4])
def test_a_trail_of_another_version_is_told_and_nothing_is_drawn_silently(tmp_path, version):
    inspection = given(tmp_path)
    draw_sample("testshire", inspection, tmp_path)
    draw_recheck("testshire", inspection, 10, tmp_path)
    folder = tmp_path / "testshire" / "sample"
    for name in ("trail.json", "recheck-trail.json"):
        document = json.loads((folder / name).read_text(encoding="utf-8"))
        (folder / name).write_text(json.dumps(document | {"algorithm": {"version": version}}))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for action in (draw_sample, lambda *given: draw_recheck(*given[:2], 10, *given[2:])):
        with pytest.raises(InputError, match=f"a draw of version {version}; expected version 3.*repeat_draw.py"):
            action("testshire", inspection, tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert check_drawn("testshire", inspection, tmp_path) == []  # the audit goes on
