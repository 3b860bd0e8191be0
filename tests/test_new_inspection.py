"""Beginning an inspection and drawing its sample."""

import json

import pandas as pd
import pytest
from forces import parameters, write_force

from cdi_lib.new_inspection import begin, draw_sample
from cdi_lib.parameters import check_inspection, load_inspection
from cdi_lib.problems import InputError
from cdi_lib.records import TABLES, check_table, read_text_table

PLAN = {"seed": 7, "expected_rate_percent": 90, "margin_points": 5}


def test_a_new_inspection_names_what_is_to_be_filled_in(tmp_path):
    begin("testshire", tmp_path)
    with pytest.raises(InputError) as caught:
        load_inspection("testshire", tmp_path)
    problems = caught.value.problems
    assert {"force.name", "audit_period.start", "recorded_crime.other.value"} <= {p.where for p in problems}
    assert all(p.got == "nothing" for p in problems)


def test_every_optional_key_of_a_new_file_is_known_when_it_is_uncommented(tmp_path):
    begin("testshire", tmp_path)
    path = tmp_path / "testshire.yml"
    lines = path.read_text(encoding="utf-8").splitlines()
    body = [line.replace("# ", "", 1) if line.lstrip().startswith("# ") else line for line in lines[6:]]
    path.write_text("\n".join(body), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_inspection("testshire", tmp_path)
    assert not [str(problem) for problem in caught.value.problems if "unknown key" in problem.got]


def test_the_empty_tables_have_the_columns_of_their_schemas(tmp_path):
    begin("testshire", tmp_path)
    for name in TABLES.keys() - {"published"}:
        table = read_text_table(tmp_path / "testshire" / f"{name}.csv", name)
        assert list(table.columns) == list(TABLES[name].columns)
        assert check_table(table, name, name) == []


def test_nothing_is_overwritten(tmp_path):
    begin("testshire", tmp_path)
    before = (tmp_path / "testshire.yml").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="nothing is overwritten"):
        begin("testshire", tmp_path)
    assert (tmp_path / "testshire.yml").read_text(encoding="utf-8") == before


def with_frame(tmp_path, rows=5000, **plan):
    content = parameters(sampling=PLAN | plan)
    write_force(tmp_path, "testshire", content)
    frame = pd.DataFrame(
        {"incident_id": [f"I{k:05}" for k in range(rows)], "stratum": [("violence", "other")[k % 2] for k in range(rows)]}
    )
    frame.to_csv(tmp_path / "testshire" / "frame.csv", index=False)
    return check_inspection(content, "params/testshire.yml")


def test_the_same_seed_draws_the_same_sample_and_another_does_not_replace_it(tmp_path):
    inspection = with_frame(tmp_path, incidents={"violence": 30, "other": 20})
    selection, trail = draw_sample("testshire", inspection, tmp_path)
    first = selection.read_bytes()
    assert pd.read_csv(selection)["stratum"].value_counts().to_dict() == {"violence": 30, "other": 20}
    assert json.loads(trail.read_text(encoding="utf-8"))["schema_version"] == 1
    draw_sample("testshire", inspection, tmp_path)
    assert selection.read_bytes() == first
    with pytest.raises(InputError, match="a different selection"):
        draw_sample("testshire", with_frame(tmp_path, seed=8, incidents={"violence": 30, "other": 20}), tmp_path)
    assert selection.read_bytes() == first


def test_a_sample_can_be_planned_from_the_margin(tmp_path):
    selection, _ = draw_sample("testshire", with_frame(tmp_path), tmp_path)
    # 5 points at 90 % need 138.3 crimes without, 131.1 with the correction for 2,500; hand calculation
    assert pd.read_csv(selection)["stratum"].value_counts().to_dict() == {"violence": 132, "other": 132}


def test_what_keeps_a_sample_from_being_drawn_is_said(tmp_path):
    with pytest.raises(InputError, match="sampling"):
        write_force(tmp_path, "testshire")
        draw_sample("testshire", check_inspection(parameters(), "x"), tmp_path)
    with pytest.raises(InputError, match="the sampling frame"):
        draw_sample("testshire", check_inspection(parameters(sampling=PLAN), "x"), tmp_path)
    with pytest.raises(InputError, match="a frame that can be drawn from"):
        draw_sample("testshire", with_frame(tmp_path, rows=20, incidents={"violence": 30, "other": 20}), tmp_path)
