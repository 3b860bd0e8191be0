"""One record along its way, and the places of problems as columns."""

import pandas as pd
import pytest
from forces import parameters, write_force

from cdi_lib.cli import main
from cdi_lib.inspection.problems import Problem


@pytest.mark.parametrize(
    ("where", "sheet", "row", "column", "place"),
    [
        ("row 5, column incident_id", "", "5", "incident_id", ""),
        ("sheet 'Audit', row 2, column recorded_at", "Audit", "2", "recorded_at", ""),
        ("rows 2, 3, 4 and 1 more, column route", "", "2, 3, 4 and 1 more", "route", ""),
        ("row 7", "", "7", "", ""),
        ("column stratum", "", "", "stratum", ""),
        ("stratum 'violence'", "", "", "", "stratum 'violence'"),
        ("audit_period.end", "", "", "", "audit_period.end"),
        ("", "", "", "", ""),
    ],
)
def test_the_place_of_a_problem_is_told_in_columns(where, sheet, row, column, place):
    found = {"place": ""} | Problem("a.csv", where, "x", "y").places
    shown = [found.get(name) or "" for name in ("sheet", "row", "column", "place")]
    assert shown == [sheet, row, column, place]


def test_a_record_is_followed_from_the_frame_to_the_results(tmp_path, monkeypatch, capsys):
    table = pd.DataFrame(
        {
            "incident_id": [f"I{k:03}" for k in range(40)],
            "stratum": ["violence"] * 20 + ["sexual"] * 10 + ["other"] * 10,
            "reported_at": "2022-02-01 10:00",
            "route": "control_room",
        }
    )
    plan = {
        "seed": 7,
        "expected_rate_percent": 90,
        "margin_points": 5,
        "incidents": {"violence": 8, "sexual": 4, "other": 4},
    }
    write_force(tmp_path, "testshire", parameters(sampling=plan), {"frame": table})
    monkeypatch.setenv("CDI_PARAMS", str(tmp_path))
    assert main(["sample", "--force=testshire"]) == 0
    chosen = pd.read_csv(tmp_path / "testshire/sample/selection.csv")
    record, rows = chosen["id"][2], list(range(len(chosen)))
    crimes = pd.DataFrame(
        {
            "crime_id": [f"C{k}" for k in rows],
            "incident_id": chosen["id"],
            "sample": "main",
            "stratum": chosen["stratum"],
            "crime_type": chosen["stratum"],
            "offence_class": chosen["stratum"].map({"violence": "105A", "sexual": "20A", "other": "46"}),
            "route": "control_room",
            "domestic_abuse": "yes",
            "recorded": ["no" if k == 2 else "yes" for k in rows],
            "recorded_as": "",
            "reported_at": "",
            "recorded_at": "",
        }
    )
    crimes.to_csv(tmp_path / "testshire/crimes.csv", index=False)
    capsys.readouterr()
    for name in (record, "C2"):
        assert main(["trace", "--force=testshire", f"--record={name}"]) == 0
        told = capsys.readouterr().out
        for words in (
            "frame.csv: there",
            f"printf '7:{record}' | sha256sum",
            "of the 8 drawn in the stratum violence" if chosen["stratum"][2] == "violence" else "drawn in the stratum",
            "selection.csv: row 4",
            "crimes, row 4:",
            "not recorded",
            "rate of all crime",
            "rate: Domestic abuse",
        ):
            assert words in told, (words, told)
    assert main(["trace", "--force=testshire", "--record=nobody"]) == 0
    told = capsys.readouterr().out
    assert "frame.csv: not there" in told and "not drawn" in told and "none of this record" in told
    assert main(["trace", "--force=testshire"]) == 1
