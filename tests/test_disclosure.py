"""Numbers that could point to a person are in no output, and nothing that is left gives them away."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from forces import crimes, parameters, write_force
from hypothesis import given
from hypothesis import strategies as st
from test_personal_data import found_in

from cdi_lib.inspection import disclosure
from cdi_lib.inspection.details import OTHERS
from cdi_lib.inspection.parameters import check_inspection
from cdi_lib.pipeline.build import build_report

NAMES = "abcdefg"
TABLES = st.lists(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 30)), min_size=1, max_size=3)


def is_known(published: list[np.ndarray], cell: np.ndarray) -> bool:
    """Whether a cell follows from published sums of cells: whether it lies in what these span."""
    rank = np.linalg.matrix_rank
    return bool(published) and rank(np.array([*published, cell])) == rank(np.array(published))


@given(TABLES, st.integers(0, 9))
def test_no_small_count_is_told_or_follows(tables, least):
    told = disclosure.together(tables, least)
    for before, after in zip(tables, told, strict=True):
        assert sum(before.values()) == sum(after.values())
        assert all(after[name] == before[name] for name in after if name != OTHERS)
        kept = [name for name in after if name != OTHERS]
        cells = {name: np.eye(len(before))[k] for k, name in enumerate(before)}
        sums = [cells[name] for name in kept] + [sum(v for n, v in cells.items() if n not in kept)] * (OTHERS in after)
        several = sum(any(table.get(n) for table in tables) for n in set(NAMES) - {n for t in told for n in t}) > 1
        for name, count in before.items():
            if 0 < count < least:
                assert name not in after
                assert not several or not is_known(sums, cells[name]) or len(before) - len(kept) == 1
    is_small = any(0 < count < least for table in tables for count in table.values())
    assert is_small or [dict(table) for table in tables] == told


def test_the_sum_of_others_is_not_small_while_anything_is_left():
    assert disclosure.together([{"a": 1, "b": 2, "c": 9, "d": 0}], 5) == [{"d": 0, OTHERS: 12}]
    assert disclosure.together([{"a": 1, "b": 2}], 5) == [{OTHERS: 3}]
    linked = disclosure.together([{"a": 40, "b": 30, "c": 9}, {"a": 3, "b": 20, "c": 8}], 5)
    assert linked == [{"b": 30, OTHERS: 49}, {"b": 20, OTHERS: 11}]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Reports of one audit with three missed crimes of a class: one by its rules, one that tells all."""
    params, reports = tmp_path_factory.mktemp("params"), tmp_path_factory.mktemp("reports")
    table = crimes({"violence": 120, "sexual": 60, "other": 90}, {"violence": 93, "sexual": 53, "other": 77})
    missed = table.index[(table["crime_type"] == "violence") & (table["recorded"] == "no")]
    table.loc[missed[:3], "offence_class"] = "36"
    table.loc[missed[3:13], "offence_class"] = "8L"
    table.loc[missed, "domestic_abuse"] = "yes"
    table.loc[table["crime_type"] == "sexual", "domestic_abuse"] = "no"
    table.loc[table.index[(table["crime_type"] == "sexual") & (table["recorded"] == "no")][:3], "domestic_abuse"] = (
        "yes"
    )
    raped = table.index[(table["crime_type"] == "sexual") & (table["recorded"] == "no")]
    table.loc[raped, "offence_class"] = "19C"
    table.loc[raped[:2], "recorded_as"] = "n100"
    review = pd.DataFrame({
        "crime_id": [f"C{k}" for k in range(20)], "crime_type": "violence", "authorised_by": "DDM",
        "correct": "yes", "victim_to_be_informed": ["yes"] * 8 + ["no"] * 12,
        "victim_informed": ["yes"] * 5 + ["no"] * 3 + [""] * 12,
    })  # fmt: skip
    for force, asked in (("testshire", {"crimes": 5}), ("openshire", {"victims": 0})):
        content = parameters(records={"status": "audit"}, disclosure=asked)
        write_force(params, force, content, {"crimes": table, "cancellations": review})
        build_report(force, "pandoc", params, reports)
    return reports


def test_what_is_planted_is_told_where_all_is_told(told):
    where = {name.partition("/")[0] for name, _ in found_in(told / "openshire", ("Kidnapping",))}
    assert {"index.html", "report.pdf", "results.json", "tables.xlsx", "tables", "notebooks"} <= where


def test_a_planted_class_is_in_no_output(told):
    assert found_in(told / "testshire", ("Kidnapping",)) == []
    results = json.loads((told / "testshire" / "results.json").read_text("utf-8"))
    counts = results["tallies"]["unrecorded_classes"]["counts"]
    assert OTHERS in counts and all(count >= 5 for count in counts.values())
    told_of_rape = results["tallies"]["rape_not_recorded"]["counts"]
    assert not any(0 < count < 5 for name, count in told_of_rape.items() if name != OTHERS)
    page = (told / "testshire" / "index.html").read_text("utf-8")
    assert "Other offence classes together" in page
    read = lambda force: re.sub(r"<[^>]+>", "", (told / force / "index.html").read_text("utf-8"))
    assert "as N100 instead" in read("openshire") and "as N100 instead" not in read("testshire")


def test_crime_types_are_told_together_in_linked_tables(told):
    results = json.loads((told / "testshire" / "results.json").read_text("utf-8"))
    parts = [results["tallies"][f"domestic_abuse_{part}"]["counts"] for part in ("audited", "recorded", "unrecorded")]
    assert [sorted(part) for part in parts] == [sorted(parts[0])] * 3 and "sexual" not in parts[0]
    assert all(audited == recorded + missed for audited, recorded, missed in zip(*(p.values() for p in parts)))


def test_numbers_of_victims_are_withheld_and_said_to_be(told):
    read = lambda force: json.loads((told / force / "results.json").read_text("utf-8"))
    assert "victims_informed" in read("openshire")["shares"]
    assert "victims_informed" not in read("testshire")["shares"]
    assert read("testshire")["details"]["disclosure"]["withheld"] == ["victims_informed"]
    assert "the numbers are so small" in (told / "testshire" / "index.html").read_text("utf-8")


@pytest.mark.parametrize(("status", "least"), [("audit", 5), ("reconstruction", 0), ("invented", 0)])
def test_what_is_not_asked_for(status, least):
    content = parameters(records={"status": status, "note": "As tests need it."})
    assert check_inspection(content, "params/testshire.yml").least_victims == least
