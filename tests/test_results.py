"""Results: where each was computed, old files, and what changed between two runs."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from forces import judgements, question

from cdi_lib import cli
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.results import (
    EstimateResult,
    Evidence,
    Recorder,
    Results,
    Share,
    Tally,
    combine,
    differences,
    digest,
    read_results,
    write_results,
)
from cdi_lib.report.changes import changes
from cdi_lib.statistics.estimation import pooled_rate

NOTEBOOK = "2_effectiveness"
PLAN = {"code": "violence", "planned_crimes": 9, "planned_incidents": 8, "audited_crimes": 9, "margin": 0.02}


def rate(value, low, high, n, unit="proportion"):
    return EstimateResult(
        unit=unit,
        value=value,
        se=0.01,
        low=low,
        high=high,
        n=n,
        confidence=0.95,
        estimator="pooled",
        interval="wilson",
        notebook=NOTEBOOK,
    )


@pytest.fixture
def results():
    return Results(
        force="testshire",
        force_name="Testshire Police",
        short_name="Testshire",
        publication={"title": "Inspection", "date": "2022-09-01", "version": "1.0", "status": "draft"},
        audit_period={"start": "2022-01-01", "end": "2022-06-30"},
        records={"status": "audit"},
        inputs={"params/testshire.yml": "0" * 64},
        estimates={
            "overall": rate(0.918, 0.902, 0.934, 1000),
            "unrecorded_overall": rate(5327.2, 4218.9, 6473.6, 1000, "crimes"),
            "change": rate(0.1276, 0.0523, 0.2286, 1211, "difference"),
        },
        shares={"rape": Share(x=78, n=84, sample="main", notebook=NOTEBOOK)},
        tallies={"routes": Tally(counts={"control_room": 5, "other": 2}, notebook=NOTEBOOK)},
        details={"plan": [PLAN], "judgements": judgements(questions=[question("effective")])},
        computed_in={"estimates.overall": Evidence(notebook=NOTEBOOK, cell=7)},
    )


def changed(results, **parts):
    """A copy with some parts of its JSON replaced, by path: ``estimates__overall__value=0.92``."""
    content = json.loads(results.model_dump_json())
    for path, value in parts.items():
        *way, last = path.split("__")
        at = content
        for key in way:
            at = at[int(key)] if isinstance(at, list) else at[key]
        if value is None and isinstance(at, dict):
            del at[last]
        else:
            at[last] = value
    return Results.model_validate(content)


# --- where a result was computed ------------------------------------------------------------------------------

CELLS = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.history_manager.enabled = False
for cell in (
    "from cdi_lib.inspection.results import Recorder",
    "record = Recorder('x', 'y'); record.detail('headline', 'pooled')",
    "undefined_name",
    "record.share('b', 1, 2, 'dip'); print(record.section.cells)",
):
    shell.run_cell(cell, store_history=True)
"""


def test_recorder_notes_the_cell_by_its_execution_count():
    done = subprocess.run([sys.executable, "-c", CELLS], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert "{'details.headline': 2, 'shares.b': 4}" in done.stdout


def test_recorder_outside_a_notebook_knows_no_cell(results):
    recorder = Recorder("4_leadership", digest(results.inputs))
    recorder.estimate("new", pooled_rate(9, 10, infinite_population=True))
    assert recorder.section.cells == {}


def test_recorder_refuses_an_id_twice():
    recorder = Recorder("x", "y")
    recorder.share("rape", 1, 2, "main")
    with pytest.raises(ValueError, match="'rape' is already there"):
        recorder.share("rape", 1, 2, "main")


def test_combine_keeps_notebook_and_cell():
    first, second = Recorder("1_sample", digest({})), Recorder(NOTEBOOK, digest({}))
    first.detail("plan", [])
    second.tally("routes", {"a": 1})
    first.section.cells["details.plan"] = 5
    part = SimpleNamespace(model_dump=lambda mode: {})
    name = SimpleNamespace(name="Testshire Police", short_name="Testshire")
    inspection = SimpleNamespace(force=name, publication=part, audit_period=part, records=part)
    results = combine("testshire", inspection, {}, [first.section, second.section])
    assert results.evidence("details.plan") == ("1_sample", 5)
    assert results.evidence("tallies.routes") == (NOTEBOOK, None)


def test_evidence_of_a_result(results):
    assert results.evidence("estimates.overall") == (NOTEBOOK, 7)
    assert results.evidence("shares.rape") == (NOTEBOOK, None)
    assert results.evidence("details.plan") == ("", None)
    for unknown in ("estimates.none", "inputs.params/testshire.yml", "overall"):
        with pytest.raises(KeyError, match="there is no result"):
            results.evidence(unknown)


# --- files ----------------------------------------------------------------------------------------------------


def test_results_survive_being_written(results, tmp_path):
    assert read_results(write_results(tmp_path / "results.json", results)) == results


def test_results_of_schema_version_1_can_still_be_read(results, tmp_path):
    content = json.loads(results.model_dump_json()) | {"schema_version": 1}
    del content["computed_in"]
    derived = ("margin", "below", "above", "unweighted", "missed", "proportion", "total", "most")
    for kind in ("estimates", "shares", "tallies"):
        for key, found in content[kind].items():
            content[kind][key] = {name: found[name] for name in found if name not in derived}
            content[kind][key]["label"] = "as it was called"
    plan = {"crime_type": "Violence"} | PLAN
    sample = {"incidents": 9, "crimes": 9, "recorded_crime": 99, "population": 99, "fraction": 0.1}
    row = {
        "estimator": "pooled",
        "clusters": "as a cluster",
        "interval": "Wilson",
        "rate": 0.9,
        "low": 0.8,
        "high": 0.95,
    }
    content["details"]["judgements"]["overall"]["rule"] = "As it was said."
    content["details"] = {
        "plan": [plan],
        "sample": [{"stratum": name} | sample for name in ("Violence", "Sexual offences", "Other crime", "All crime")],
        "sensitivity": [row],
        "judgements": content["details"]["judgements"],
    }
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    old = read_results(path)
    assert old.evidence("estimates.overall") == (NOTEBOOK, None)
    assert [row.code for row in old.details.sample] == ["violence", "sexual", "other", "overall"]
    assert (old.details.sensitivity[0].clustered, old.details.sensitivity[0].method) == (True, "wilson")
    assert old.details.judgements.overall.rule.sentence == "As it was said."
    assert changes(old.model_copy(update={"details": results.details}), results) == []
    assert {row["result"].split(".")[1] for row in differences(old, results)} == {"sample", "sensitivity", "judgements"}


def test_results_of_a_later_version_are_refused_in_words(results, tmp_path):
    path = tmp_path / "results.json"
    content = json.loads(results.model_dump_json()) | {"schema_version": 4}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="schema_version: got 4; expected .*version"):
        read_results(path)


# --- what changed ---------------------------------------------------------------------------------------------


def told(before, after):
    return [(change.group, change.text) for change in changes(before, after)]


def test_same_results_have_no_changes(results):
    assert changes(results, results) == []


def test_changes_are_told_as_printed_grades_first(results):
    after = changed(
        results,
        publication__status="final",
        estimates__overall__value=0.9203,
        estimates__unrecorded_overall__low=4300.2,
        estimates__unrecorded_overall__n=1001,
        estimates__change__value=0.1312,
        shares__rape__x=77,
        tallies__routes__counts__control_room=6,
        details__judgements__overall__decided="inadequate",
    )
    interval = "between 4,300 and 6,470 (was between 4,220 and 6,470)"
    assert told(results, after) == [
        ("The inspection", "Status: final (was draft)"),
        ("Grades", "Overall grade: inadequate, by the criteria good (was good)"),
        ("Estimates", "Recording rate, all crime: 92.0% (was 91.8%)"),
        ("Estimates", f"Unrecorded in a year: all crime: {interval}, n = 1,001 (was n = 1,000)"),
        ("Estimates", "Change since the previous inspection: 13.1 percentage points (was 12.8 percentage points)"),
        ("Counts of what was examined", "Reports of rape recorded: 77 of 84 (was 78 of 84)"),
        ("Counts by category", "Audited crimes of the main sample by route, control room: 6 (was 5)"),
    ]


def test_changes_too_small_to_be_printed_are_counted(results):
    after = changed(
        results, estimates__overall__value=0.9180001, estimates__overall__se=0.0101, details__plan__0__margin=0.021
    )
    assert told(results, after) == [
        ("Not in this list", "3 more values differ: too small to be printed, or in the annex only.")
    ]
    assert len(differences(results, after)) == 3


def test_what_is_new_and_what_is_gone(results):
    after = changed(results, estimates__overall=None, shares__rape=None)
    assert told(results, after) == [
        ("Estimates", "Recording rate, all crime: no longer there (was 91.8%, between 90.2% and 93.4%, n = 1,000)"),
        ("Counts of what was examined", "Reports of rape recorded: no longer there (was 78 of 84)"),
    ]
    assert told(after, results) == [
        ("Estimates", "Recording rate, all crime: 91.8%, between 90.2% and 93.4%, n = 1,000 (was not there)"),
        ("Counts of what was examined", "Reports of rape recorded: 78 of 84 (was not there)"),
    ]


def test_inputs_and_cells_are_no_results(results):
    moved = changed(results, computed_in={}, inputs={"params/testshire.yml": "1" * 64})
    assert differences(results, moved) == []


# --- make diff ------------------------------------------------------------------------------------------------


def diff(capsys, *arguments):
    status = cli.main(["diff", "--force", "testshire", *arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


@pytest.fixture
def reports(results, tmp_path, monkeypatch):
    """Two sets of results: those of the built report, and earlier ones in the folder ``earlier``."""
    monkeypatch.setenv("CDI_REPORTS", str(tmp_path / "reports"))
    write_results(tmp_path / "reports" / "testshire" / "results.json", changed(results, estimates__overall__value=0.92))
    write_results(tmp_path / "earlier" / "results.json", results)
    return tmp_path


def test_diff_prints_the_readers_list(reports, capsys):
    for against in ("earlier", "earlier/results.json"):
        status, out, _ = diff(capsys, "--against", str(reports / against))
        assert status == 0
        assert out == "Estimates:\n  Recording rate, all crime: 92.0% (was 91.8%)\n"


def test_diff_of_the_same_results_says_so(reports, capsys):
    _, out, _ = diff(capsys, "--against", str(reports / "reports" / "testshire"))
    assert out == "no result differs\n"


def test_diff_as_json_lists_every_difference(reports, capsys):
    _, out, _ = diff(capsys, "--against", str(reports / "earlier"), "--json")
    content = json.loads(out)
    assert content["differences"] == [{"result": "estimates.overall.value", "before": 0.918, "after": 0.92}]
    assert content["changes"] == [{"group": "Estimates", "text": "Recording rate, all crime: 92.0% (was 91.8%)"}]


def test_diff_says_what_is_missing(reports, capsys):
    (reports / "reports" / "testshire" / "results.json").unlink()
    status, _, err = diff(capsys, "--against", str(reports / "nowhere"))
    assert status == 1
    assert "AGAINST: got no file" in err and "build it first: make report FORCE=testshire" in err
    status, _, err = diff(capsys)
    assert status == 1 and "AGAINST: got nothing" in err


def test_diff_refuses_results_of_another_force(reports, results, capsys):
    path = write_results(reports / "other.json", changed(results, force="elsewhere"))
    status, _, err = diff(capsys, "--against", str(path))
    assert status == 1 and "got elsewhere; expected earlier results of testshire" in err
