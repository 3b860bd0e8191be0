"""The demonstration set gives the published figures back, by the estimators that every report uses."""

import re

import pandas as pd
import pytest

from cdi_lib.inspection.measures import Measures
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.published import read_published
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.report.wording import over
from tests.tools import demonstration

PRINTED = read_published().set_index(["force", "report"])
MADE = demonstration.reconstructions(read_published())
MARGIN_TOLERANCE = 0.0055  # points: half of the last printed digit, and a little for a rate that fixes the counts
TYPE_MARGIN_TOLERANCE = 0.03  # the printed margins of sexual offences (1.96) fit no count exactly


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demonstration") / "params"
    demonstration.write(folder)
    return folder


def test_there_are_forty_inspections_with_the_names_of_forces():
    assert len(MADE) >= 36
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*(-20\d\d)?", key) for key in MADE)
    with_rate = (
        PRINTED[~PRINTED.index.get_level_values("report").str.contains("outside")]["overall_rate"]
        .dropna()
        .drop(("Northamptonshire", "inspection 2020"))
    )  # params/ carries it
    assert {(item.force, item.report) for item in MADE.values()} >= set(with_rate.index)


@pytest.mark.parametrize("key", MADE)
def test_a_report_can_be_made_that_prints_the_published_figures(key, folder):
    audit, printed = read_audit(key, folder), PRINTED.loc[(MADE[key].force, MADE[key].report)]
    measures = Measures(audit.inspection, audit.records.main)
    recorded_crime = audit.inspection.crime_by_type()
    headline = measures.headline()
    assert audit.inspection.records.status == "reconstruction"
    places = 1 if round(printed["overall_rate"], 1) == printed["overall_rate"] else 2
    assert round(headline.value * 100, places) == printed["overall_rate"]
    if pd.notna(printed["overall_margin"]):
        assert headline.margin * 100 == pytest.approx(printed["overall_margin"], abs=MARGIN_TOLERANCE)
    found = {"overall": (headline, audit.inspection.all_crime)} | {
        name: (measures.crime_type(name), recorded_crime[name]) for name in ("violence", "sexual")
    }
    for name, (rate, recorded) in found.items():
        if pd.notna(number := printed[f"{name}_unrecorded_over"]):
            assert over(measures.unrecorded(rate, recorded).value) == f"over {number:,.0f}"
        if name != "overall" and pd.notna(percent := printed[f"{name}_rate"]):
            assert rate.value * 100 == pytest.approx(percent, abs=0.0501)
            if pd.notna(margin := printed[f"{name}_margin"]):
                assert rate.margin * 100 == pytest.approx(margin, abs=TYPE_MARGIN_TOLERANCE)


def test_it_says_what_is_assumed_and_carries_the_published_grades(folder):
    inspection = read_audit("kent", folder).inspection
    assumed = {item.text for item in inspection.assumptions if item.status == "assumed"}
    assert {demonstration.RULES[name] for name in ("n", "period", "classes")} <= assumed
    assert "No row describes a real crime" in inspection.records.note
    assert {item.grade_of: item.grade for item in inspection.decisions}["overall"] == "outstanding"
    assert inspection.recorded_crime["violence"].status == "assumed"


def test_equal_bytes_every_time(folder, tmp_path):
    demonstration.write(tmp_path)
    written = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert written == {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_figures_that_contradict_each_other_are_refused():
    rows = read_published()
    rows = rows[rows["force"] == "Derbyshire"].assign(violence_rate=5.0, violence_margin=1.0)
    with pytest.raises(InputError, match="Derbyshire.*leave"):
        demonstration.reconstructions(pd.concat([rows, read_published().iloc[[0]]]))


def test_a_small_force_is_not_given_more_crimes_of_a_type_than_it_has():
    row = read_published().iloc[[0]].reindex(columns=read_published().columns)
    small = row.assign(
        force="Small City", report="inspection 2019", published="2019-03-07", overall_rate=92.6, overall_margin=1.9,
        overall_unrecorded_over=400.0, violence_rate=None, sexual_rate=None, grade_overall="good",
    )  # fmt: skip
    made = demonstration.reconstructions(pd.concat([read_published(), small]))["small-city"]
    total = sum(number for number, *_ in made.recorded_crime.values())
    in_period = total * made.period.years * demonstration.AUDITABLE_PERCENT / 100
    for name in ("violence", "sexual"):
        reported = in_period * demonstration.SHARE_OF_CRIME[name] / (made.recorded[name] / made.audited[name])
        assert made.audited[name] <= reported * 1.01, name
    assert made.audited["sexual"] < 150


def test_three_inspections_of_a_force_keep_their_names():
    known = read_published()
    rows = known[known["overall_rate"].notna()].iloc[[1, 1, 1]].assign(
        force="Thrice", report=["inspection 2019", "re-inspection 2019", "inspection 2020"],
        published=["2019-02-01", "2019-11-01", "2020-06-01"],
    )  # fmt: skip
    made = demonstration.reconstructions(pd.concat([known, rows]))
    assert {"thrice", "thrice-2019", "thrice-inspection-2019"} <= set(made)
