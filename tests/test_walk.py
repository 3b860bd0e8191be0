"""The whole life of an inspection, by its commands: from ``make new`` to the final report of an invented force."""

import json
import shutil

import pandas as pd
import pytest
import yaml
from auditors import MAPPED, fill_in, frame
from forces import parameters

from cdi_lib.cli import main

FORCE = ["--force", "testshire"]
SAMPLING = {
    "seed": 20220701,
    "expected_rate_percent": 90,
    "margin_points": 5,
    "frame": MAPPED,
    "incidents": {"violence": 90, "sexual": 60, "other": 80},
    "reserves": 3,
}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Empty folders of parameters and reports for the commands."""
    monkeypatch.setenv("CDI_PARAMS", str(tmp_path / "params"))
    monkeypatch.setenv("CDI_REPORTS", str(tmp_path / "reports"))
    (tmp_path / "params").mkdir()
    return tmp_path / "params", tmp_path / "reports"


def write_parameters(params, **publication):
    content = parameters(sampling=SAMPLING)
    content["publication"] |= publication
    (params / "testshire.yml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


@pytest.mark.stress
def test_from_a_new_inspection_to_its_final_report(folders, capsys):
    params, reports = folders
    own = params / "testshire"

    def run(command, *options, status=0):
        assert main([command, *(FORCE if "--force" not in options else []), *options]) == status, capsys.readouterr()
        said = capsys.readouterr()
        return said.out + said.err

    # a new inspection, filled in
    assert "make sample" in run("new")
    assert "force.name" in run("check", status=1)
    write_parameters(params)
    frame(60_000).to_csv(own / "frame.csv", index=False, encoding="cp1252")

    # the sample: the same again, and nothing filled in is touched
    run("sample")
    sheet, selection = own / "sample" / "worksheet.xlsx", own / "sample" / "selection.csv"
    drawn, blank = selection.read_bytes(), sheet.read_bytes()
    assert len(pd.read_csv(selection)) == 230
    fill_in(sheet, sheet, slice(0, 3))
    touched = sheet.read_bytes()
    assert "left as it is" in run("sample")
    assert (selection.read_bytes(), sheet.read_bytes()) == (drawn, touched)
    sheet.write_bytes(blank)
    run("sample", "--recheck", "30")

    # two auditors return their parts with mistakes; all are told at once
    returned = own / "returned"
    mistakes = {
        "x1": {"offence_class": "105Z"},
        "x3": {"finding": None},
        "x5": {"recorded_at": "2022-01-01 00:01"},
        "x7": {"crime_type": "property"},
    }
    fill_in(sheet, returned / "first auditor.xlsx", slice(0, 150), **mistakes)
    fill_in(sheet, returned / "second auditor.xlsx", slice(149, 220))
    told = run("check", status=1)
    for part in (
        "'105Z'",
        "the decision is missing",
        "not before the time of report",
        "'property'",
        "also in first",
        "outstanding",
    ):
        assert part in told, (part, told)
    told_in_csv = pd.read_csv(returned / "problems.csv")
    assert (told_in_csv["severity"] == "error").sum() == told.count("error: ")
    assert len(pd.read_csv(returned / "outstanding.csv")) == 10 + 30
    assert "'105Z'" in run("collect", status=1)
    assert len(pd.read_csv(own / "crimes.csv")) == 0

    # corrected, with a re-check that differs in one decision
    fill_in(sheet, returned / "first auditor.xlsx", slice(0, 150), not_audited={4, 100})
    fill_in(sheet, returned / "second auditor.xlsx", slice(150, None))
    fill_in(
        own / "sample" / "worksheet-recheck.xlsx", returned / "recheck.xlsx", x0={"recorded": "no", "recorded_at": None}
    )
    told = run("check")
    assert "kappa" in told and "2 incidents that cannot be audited have no replacement" in told

    # reserves take the place of what cannot be audited
    assert "2 have one now, 0 have none" in run("sample", "--replace")
    assert selection.read_bytes().startswith(drawn) and len(pd.read_csv(selection)) == 232
    told = run("check", status=1)  # a reserve counts as selected, and nobody has decided on the two yet
    for stratum, counts in {"sexual": "60 of 61", "other": "80 of 81"}.items():
        assert f"stratum '{stratum}': got {counts} incidents selected" in told
    assert "have no replacement" not in told and "stratum 'violence'" not in told
    fill_in(own / "sample" / "worksheet-reserves-1-to-2.xlsx", returned / "reserves.xlsx")
    assert "have no replacement" not in run("check")
    assert "0 have one now, 0 have none" in run("sample", "--replace")
    assert not (own / "sample" / "worksheet-reserves-3-to-3.xlsx").exists()
    assert "crimes.csv" in run("collect")
    assert "already" in run("collect")
    told = run("check")
    assert "make report" in told
    doubts = [line for line in told.splitlines() if line.startswith("warning: ")]
    assert doubts and "none of which STRICT=1 lets pass" in run("check", "--strict", status=1)

    # draft report, which repeats what is doubtful
    built = run("report", "--renderer", "pandoc")
    assert all(line in built for line in doubts)
    draft = shutil.copytree(reports / "testshire", reports.parent / "draft")
    before = json.loads((draft / "results.json").read_text(encoding="utf-8"))
    crimes = pd.read_csv(own / "crimes.csv", dtype=str, keep_default_na=False)
    assert before["estimates"]["overall"]["n"] == len(crimes)
    assert (before["details"]["fieldwork"]["selected"], before["details"]["fieldwork"]["audited"]) == (232, 230)
    repeated = before["details"]["draw_repeated"]
    assert repeated["selected_again"] == repeated["with_crimes"] and repeated["drawn"] == 232
    assert "took the place of two incidents" in (draft / "index.html").read_text(encoding="utf-8")

    # a challenge: open, it keeps the report from being final; upheld, it moves the figures
    disputed = crimes.index[crimes["recorded"] == "no"][0]
    challenge = {
        "crime_id": crimes.at[disputed, "crime_id"],
        "first_decision": "not recorded",
        "challenged_on": "2022-08-01",
        "rule": "HOCR general rules, section B",
        "outcome": "open",
        "final_decision": "",
        "decided_on": "",
        "reason": "",
    }
    pd.DataFrame([challenge]).to_csv(own / "challenges.csv", index=False)
    write_parameters(params, status="final", version="1.0")
    assert "1 challenge undecided" in run("report", "--renderer", "pandoc", status=1)
    upheld = challenge | {"outcome": "upheld", "final_decision": "recorded", "decided_on": "2022-08-05"}
    pd.DataFrame([upheld]).to_csv(own / "challenges.csv", index=False)
    assert "the decision that stands: recorded" in run("check", status=1)
    crimes.loc[disputed, ["recorded", "recorded_as"]] = ["yes", ""]
    crimes.to_csv(own / "crimes.csv", index=False)
    assert "differ from the returned worksheets" not in run("check")
    run("report", "--renderer", "pandoc")
    page = (reports / "testshire" / "index.html").read_text(encoding="utf-8")
    assert "Draft" in (draft / "index.html").read_text(encoding="utf-8") and "Draft" not in page
    after = json.loads((reports / "testshire" / "results.json").read_text(encoding="utf-8"))
    assert after["estimates"]["overall"]["value"] > before["estimates"]["overall"]["value"]
    assert "recording rate" in run("diff", "--against", str(draft)).lower()

    # no reference of a record has left the tables
    references = crimes["incident_id"].str.removeprefix("=").unique()
    for path in (reports / "testshire").rglob("*"):
        if path.suffix in (".html", ".json", ".csv", ".ipynb"):
            text = path.read_text(encoding="utf-8")
            assert not [reference for reference in references if reference in text], path.name
