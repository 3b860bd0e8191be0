"""Executed notebooks that are used again: the report is that of a full run, byte for byte, whatever was edited."""

import pytest
from forces import crimes, parameters, write_force

from cdi_lib.inspection.folders import PARAMS_VARIABLE, PROJECT, REPORTS_VARIABLE
from cdi_lib.pipeline import fingerprint, kept, runner
from cdi_lib.pipeline.notebooks import NOTEBOOKS

FORCE = "keptshire"
AUDITED = {"violence": 60, "sexual": 30, "other": 50}


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """A force that a test edits, and how it is built."""
    monkeypatch.setenv(PARAMS_VARIABLE, str(tmp_path / "params"))
    monkeypatch.setenv(REPORTS_VARIABLE, str(tmp_path / "reports"))
    content, table = parameters(), crimes(AUDITED, {"violence": 54, "sexual": 28, "other": 47})

    def build(again=False):
        write_force(tmp_path / "params", FORCE, content, {"crimes": table})
        steps = []
        [outcome] = runner.build_all(
            [FORCE], renderer="pandoc", again=again, on_step=lambda force, step, text: steps.append(text)
        )
        assert outcome.is_whole, outcome
        return fingerprint.outputs(tmp_path / "reports" / FORCE), sum("as it was run before" in text for text in steps)

    yield content, table, tmp_path / "params" / FORCE, build
    kept.forget(FORCE)


def a_finding(content, table, folder):
    content["findings"] = {"violence": ["Officers miss common assault."]}


def a_text(content, table, folder):
    (folder / "text").mkdir(parents=True, exist_ok=True)
    (folder / "text" / "violence.md").write_text("## Violence\n\nOther words.\n")


def a_record(content, table, folder):
    table.loc[0, ["recorded", "recorded_as", "recorded_at"]] = ["no", "nothing", ""]


def a_figure(content, table, folder):
    content["recorded_crime"]["violence"]["value"] = 9100


def the_title(content, table, folder):
    content["publication"]["title"] = "Another title"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edits", "again"),
    [
        pytest.param([a_finding], 5, id="finding", marks=pytest.mark.stress),
        pytest.param([a_record, a_text], 0, id="record and text", marks=pytest.mark.stress),
        pytest.param([a_figure, the_title, a_finding], 0, id="figure, title and finding", marks=pytest.mark.stress),
    ],
)
def test_after_an_edit_the_report_is_that_of_a_full_run(edited, edits, again):
    content, table, folder, build = edited
    first, _ = build()
    for edit in edits:
        edit(content, table, folder)
    rebuilt, kept_notebooks = build()
    assert kept_notebooks == again and rebuilt != first
    whole, none = build(again=True)
    assert none == 0 and rebuilt == whole


@pytest.mark.stress
def test_what_somebody_has_damaged_is_run_again(edited):
    content, table, folder, build = edited
    build()
    [state] = (PROJECT / ".cache" / FORCE / "built").iterdir()
    (state / f"{NOTEBOOKS[1]}.json").write_text("{}")
    a_finding(content, table, folder)
    assert build()[1] == 0
    a_text(content, table, folder)
    assert build()[1] == len(NOTEBOOKS)
