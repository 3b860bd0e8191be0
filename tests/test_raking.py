"""Raking to recorded crime by type and route, and an earlier inspection as prior: functions, parameters and annex."""

from __future__ import annotations

import importlib
import tracemalloc
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from complete_force import complete_parameters, complete_tables
from executed import executed
from lxml import html
from planted_force import planted
from scipy import stats

from cdi_lib.inspection.measures import Measures, check_measures
from cdi_lib.inspection.parameters import check_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.statistics.design import Design
from cdi_lib.statistics.estimation import pooled_rate, raked_rate, stratified_rate
from cdi_lib.statistics.pooling import with_prior


def units(seed=3, n=600):
    random = np.random.default_rng(seed)
    kind, route = random.choice(["a", "b", "c"], n), random.choice(["public", "professional"], n)
    chance = 0.75 + 0.1 * (kind == "b") + 0.1 * (route == "public")
    found = random.random(n) < chance
    return pd.DataFrame({"right": found, "kind": kind, "route": route, "incident": np.arange(n) // 2})


KNOWN = {"a": 900, "b": 2500, "c": 1600}


@pytest.mark.parametrize("clusters", [None, "incident"])
def test_raking_successes_by_one_column_is_the_stratified_rate(clusters):
    counted = {"population_unit": "units"} if clusters else {}
    design = Design(units(), "right", clusters=clusters, population=9000, **counted)
    a = stratified_rate(design, "kind", KNOWN, interval="logit")
    b = raked_rate(design, {"kind": KNOWN}, "successes", interval="logit")
    assert (b.value, b.se, b.low, b.high) == pytest.approx((a.value, a.se, a.low, a.high), rel=1e-9)


def test_raked_successes_agree_with_both_columns_and_the_variance_with_the_jackknife():
    table, by_route = units(), {"public": 3900, "professional": 1100}
    margins = {"kind": KNOWN, "route": by_route}

    def rate(rows):
        return raked_rate(Design(rows, "right", infinite_population=True), margins, "successes").value

    whole = raked_rate(Design(table, "right", infinite_population=True), margins, "successes")
    # An independent computation: factors by a table of both columns, fitted by hand.
    right = table[table["right"]].groupby(["kind", "route"]).size().unstack().astype(float)
    factor = pd.DataFrame(1.0, right.index, right.columns)
    for _ in range(200):
        factor = factor.mul(pd.Series(KNOWN) / (right * factor).sum(axis=1), axis=0)
        factor = factor.mul(pd.Series(by_route) / (right * factor).sum(axis=0), axis=1)
    audited = table.groupby(["kind", "route"]).size().unstack()
    assert whole.value == pytest.approx(sum(KNOWN.values()) / (audited * factor).to_numpy().sum(), rel=1e-9)
    without = np.array([rate(table.drop(index=row)) for row in table.index[:600]])
    jackknife = ((len(table) - 1) / len(table) * ((without - without.mean()) ** 2).sum()) ** 0.5
    assert whole.se == pytest.approx(jackknife, rel=0.02)


@pytest.mark.parametrize(
    ("margins", "message"),
    [
        ({"kind": KNOWN, "route": {"public": 4000, "professional": 1001}}, "same total"),
        ({}, "same total"),
        ({"kind": KNOWN, "route": {"public": 5000}}, "professional"),
    ],
)
def test_margins_that_cannot_agree_are_refused(margins, message):
    with pytest.raises(ValueError, match=message):
        raked_rate(Design(units(), "right", infinite_population=True), margins, "successes")


def test_contradicting_margins_are_refused_without_an_overflow():
    """All successes of b came by y, so that x cannot have more than a has; a failure of b by x has a weight without end."""
    rows = [("a", "x", 1)] * 10 + [("a", "y", 1)] * 10 + [("b", "y", 1)] * 10 + [("b", "x", 0)] * 2
    design = Design(pd.DataFrame(rows, columns=["kind", "route", "right"]), "right", infinite_population=True)
    with warnings.catch_warnings(action="error"), pytest.raises(ValueError, match="no weights agree"):
        raked_rate(design, {"kind": {"a": 20, "b": 180}, "route": {"x": 150, "y": 50}}, "successes")


def test_a_prior_of_no_weight_leaves_the_jeffreys_interval_and_one_of_weight_1_pools():
    now = pooled_rate(180, 200, infinite_population=True)
    rate, low, high = with_prior(now, 160, 200, 0)
    assert (rate, low, high) == pytest.approx((0.9, *stats.beta(180.5, 20.5).ppf([0.025, 0.975])))
    rate, low, high = with_prior(now, 160, 200, 1)
    assert (rate, low, high) == pytest.approx((0.85, *stats.beta(340.5, 60.5).ppf([0.025, 0.975])))
    with pytest.raises(ValueError, match="share"):
        with_prior(now, 160, 200, 25)


def test_a_rate_of_1_with_a_prior_of_1_lies_in_its_interval():
    rate, low, high = with_prior(pooled_rate(200, 200, infinite_population=True), 50, 50, 0.5)
    assert (rate, high) == (1, 1)
    assert low == pytest.approx(stats.beta(225.5, 0.5).ppf(0.025))


def parameters(**by_route):
    figures = {name: {"value": value, "status": "supplied", "source": "the force"} for name, value in by_route.items()}
    return complete_parameters() | {"recorded_crime_by_route": figures}


def audit(route, **by_route):
    """Measures of the complete force, with routes of the crimes of the main sample."""
    inspection = check_inspection(parameters(**by_route), "x.yml")
    main = complete_tables()["crimes"].query("sample == 'main'").reset_index(drop=True)
    main["recorded"] = main["recorded"] == "yes"
    main["route"] = route(main)
    return inspection, main


def records(main):
    return SimpleNamespace(main=main, strata=None)


WHOLE = sum(row["value"] for row in complete_parameters()["recorded_crime"].values())


def test_recorded_crime_by_route_must_name_the_routes_and_add_up():
    with pytest.raises(InputError, match="recorded_crime_by_route.post"):
        check_inspection(parameters(post=WHOLE), "x.yml")
    inspection, main = audit(lambda rows: "control_room", control_room=WHOLE, crime_recording_centre=1)
    (problem,) = check_measures("x", inspection, records(main))
    assert (problem.where, problem.got) == ("recorded_crime_by_route", f"{WHOLE + 1:,} in all")


def test_the_raked_rate_is_the_last_row_of_the_sensitivity():
    both = ["control_room", "crime_recording_centre"]
    inspection, main = audit(
        lambda rows: [both[k % 2] for k in range(len(rows))], control_room=WHOLE - 900, crime_recording_centre=900
    )
    *rows, raked = Measures(inspection, main, None).sensitivity()
    assert raked.estimator == "raked, clustered" and not [row for row in rows if "raked" in row.estimator]
    assert raked.value == pytest.approx(Measures(inspection, main, None).raked().value)
    # All by one route: the columns agree as soon as the types do.
    inspection, main = audit(lambda rows: "control_room", control_room=WHOLE, crime_recording_centre=0)
    measures = Measures(inspection, main, None)
    assert measures.raked().value == pytest.approx(measures.stratified().value)


def test_a_route_without_sampled_recorded_crime_is_refused_before_a_notebook_runs():
    inspection, main = audit(lambda rows: "control_room", control_room=WHOLE - 9, crime_recording_centre=9)
    (problem,) = check_measures("x", inspection, records(main))
    assert problem.where == "recorded_crime_by_route"
    assert "crime_recording_centre" in problem.got


def test_the_annex_tells_the_raked_rate_and_the_one_with_the_prior():
    _, results = executed()
    found, now = results.details, results.estimate("overall")
    raked = [row for row in found.sensitivity if row.estimator == "raked"]
    assert [row.clustered for row in raked] == [found.clustered] == [True]
    prior = found.with_prior
    assert (prior.share, prior.crimes) == (0.25, 0.25 * 82)
    by_hand = (now.value * now.effective_n + 0.25 * 65) / (now.effective_n + 0.25 * 82)
    assert prior.rate == pytest.approx(by_hand)
    assert prior.low < prior.rate < prior.high
    page = (planted().folder / "index.html").read_text(encoding="utf-8")
    words = " ".join(html.document_fromstring(page).text_content().split())
    assert "The raked rate gives the crimes weights" in words
    assert "With the previous inspection as a prior, each of its crimes counted as 25% of one" in words


def test_sampled_crime_of_a_route_without_recorded_crime_is_refused():
    inspection, main = audit(lambda rows: ["control_room"] * (len(rows) - 1) + [""], control_room=WHOLE)
    (problem,) = check_measures("x", inspection, records(main))
    assert "audited crimes of no route" in problem.got


def test_a_prior_needs_a_representative_sample():
    given = complete_parameters()
    given["previous_inspection"] |= {"representative": False, "prior_percent": 25}
    with pytest.raises(InputError, match="prior_percent"):
        check_inspection(given, "x.yml")


def test_raking_by_many_groups_makes_no_table_of_rows_by_groups():
    random, n, groups = np.random.default_rng(1), 30_000, 400
    table = pd.DataFrame({"right": np.arange(n) % 10 > 0, "a": np.arange(n) % groups, "b": random.integers(0, 2, n)})
    design = Design(table, "right", population=20 * n)
    margins = {name: (10 * table.groupby(name).size()).to_dict() for name in ("a", "b")}
    tracemalloc.start()
    rate = raked_rate(design, margins).value
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rate == pytest.approx(0.9)
    assert peak < n * groups * 8 / 4


# ---- simulated coverage ------------------------------------------------------------------------------------

STUDY = Path(__file__).parent / "coverage"
RAKED, PRIOR = (pd.read_csv(STUDY / f"{name}.csv") for name in ("raked", "prior"))


def study(monkeypatch):
    monkeypatch.syspath_prepend(str(STUDY))
    return importlib.import_module("raked_and_prior")


def said(cells):
    return f"{100 * cells['coverage'].min():.1f} to {100 * cells['coverage'].max():.1f} %"


def test_the_docstrings_state_the_simulated_coverage():
    assert len(RAKED) == 36 and RAKED["coverage"].min() >= 0.93
    assert said(RAKED) in raked_rate.__doc__
    assert len(PRIOR) == 108
    lower = PRIOR[(PRIOR["change"] == -0.1) & (PRIOR["earlier_n"] == 82)]
    for cells in (PRIOR[PRIOR["change"] == 0], lower[lower["share"] == 0.25], lower[lower["share"] == 1]):
        assert said(cells) in " ".join(with_prior.__doc__.split())


@pytest.mark.parametrize("place", [13, 33])
def test_the_coverage_of_a_raked_rate_can_be_repeated(place, monkeypatch):
    made, audits = study(monkeypatch), 400
    (again,) = made.raked_rows(np.random.default_rng(1), *made.RAKED[place], audits)
    cell = RAKED.iloc[place]
    assert tuple(cell[:4]) == made.RAKED[place]
    assert again[4] == pytest.approx(cell["coverage"], abs=4 * (0.05 * 0.95 * (1 / audits + 1 / 2000)) ** 0.5)


@pytest.mark.parametrize("place", [0, 8, 60])
def test_the_coverage_with_a_prior_can_be_repeated(place, monkeypatch):
    made, audits = study(monkeypatch), 1000
    (again,) = made.prior_rows(np.random.default_rng(1), *made.PRIOR[place], audits)
    cell = PRIOR.iloc[place]
    assert tuple(cell[:5]) == made.PRIOR[place]
    share = cell["coverage"]
    assert again[5] == pytest.approx(share, abs=4 * (share * (1 - share) * (1 / audits + 1 / 2000)) ** 0.5)
