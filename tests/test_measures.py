"""Estimates of one inspection: weights of a draw in other strata than the crime types, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from forces import parameters

from cdi_lib.inspection.measures import Measures, planned_sample
from cdi_lib.inspection.parameters import check_inspection

TYPES = ("violence", "sexual", "other")


def inspection(**estimation):
    return check_inspection(parameters(estimation={"headline": "stratified"} | estimation), "params/x.yml")


def audited(rng) -> pd.DataFrame:
    """Crimes of all types in incidents of two strata, one or two in an incident."""
    rows = []
    for stratum, incidents in (("north", 90), ("south", 60)):
        for k in range(incidents):
            for _ in range(1 + k % 2):
                rows.append(
                    {
                        "incident_id": f"{stratum} {k}",
                        "stratum": stratum,
                        "crime_type": TYPES[rng.integers(3)],
                        "recorded": bool(rng.random() < (0.95 if stratum == "north" else 0.7)),
                    }
                )
    return pd.DataFrame(rows, index=range(7, 7 + len(rows)))  # a table with other labels than 0, 1, 2


MAIN = audited(np.random.default_rng(3))
STRATA = pd.DataFrame({"stratum": ["north", "south"], "frame_incidents": [9000, 600], "audited_incidents": [100, 60]})
WEIGHT = {"north": 90.0, "south": 10.0}


def test_rates_are_weighted_by_the_incidents_of_the_strata():
    measures = Measures(inspection(), MAIN, STRATA)
    assert measures.is_weighted()
    weight = MAIN["stratum"].map(WEIGHT)
    rates = {}
    for name in TYPES:
        one = MAIN["crime_type"] == name
        rates[name] = (weight * MAIN["recorded"])[one].sum() / weight[one].sum()
        assert measures.crime_type(name).value == pytest.approx(rates[name], rel=1e-12)
    known = measures.inspection.crime_by_type()
    by_hand = sum(known.values()) / sum(number / rates[name] for name, number in known.items())
    assert measures.headline().value == pytest.approx(by_hand, rel=1e-12)
    # Without the sizes every crime counts alike, which is another number here.
    assert abs(Measures(inspection(), MAIN).headline().value - by_hand) > 0.03


def test_incidents_without_a_crime_are_in_the_variance():
    """Linearised by hand: scores of incidents, those without a crime 0, within strata and with their own correction."""
    measures = Measures(inspection(), MAIN, STRATA)
    one = (MAIN["crime_type"] == "violence").astype(float)
    weight = MAIN["stratum"].map(WEIGHT)
    rate = measures.crime_type("violence")
    scores = weight * one * (MAIN["recorded"] - rate.value) / (weight * one).sum()
    variance = 0.0
    for row in STRATA.itertuples():
        own = scores[MAIN["stratum"] == row.stratum].groupby(MAIN["incident_id"]).sum().to_numpy()
        own = np.append(own, np.zeros(row.audited_incidents - len(own)))
        n, fraction = len(own), row.audited_incidents / row.frame_incidents
        variance += (1 - fraction) * n / (n - 1) * ((own - own.mean()) ** 2).sum()
    assert rate.se == pytest.approx(variance**0.5, rel=1e-9)
    assert rate.n == int(one.sum())


def test_crimes_as_independent_have_the_same_weights():
    clustered, independent = (Measures(inspection(clustered=value), MAIN, STRATA).headline() for value in (True, False))
    assert clustered.value == pytest.approx(independent.value, rel=1e-12)
    assert clustered.se != independent.se


def test_a_pooled_headline_has_no_weights():
    pooled = inspection(headline="pooled")
    measures = Measures(pooled, MAIN, STRATA)
    assert measures.headline().value == pytest.approx(MAIN["recorded"].mean())
    one = MAIN["crime_type"] == "other"
    assert measures.crime_type("other").value == pytest.approx(MAIN["recorded"][one].mean())
    assert measures.domain(one).value == pytest.approx(MAIN["recorded"][one].mean())


def test_where_the_strata_are_the_crime_types_their_sizes_change_nothing():
    main = MAIN.assign(stratum=MAIN["crime_type"], incident_id=[f"i{k}" for k in range(len(MAIN))])
    strata = STRATA.assign(stratum=["violence", "sexual"])
    assert not Measures(inspection(), main, strata).is_weighted()
    assert Measures(inspection(), main, strata).headline() == Measures(inspection(), main).headline()


def test_an_empty_table_of_strata_says_nothing():
    assert not Measures(inspection(), MAIN, STRATA.iloc[:0]).is_weighted()


@pytest.mark.parametrize("strata", [STRATA, None])
def test_the_pooled_rate_is_the_same_in_the_headline_and_among_the_choices(strata):
    measures = Measures(inspection(headline="pooled", interval="wilson"), MAIN, strata)
    [row] = [row for row in measures.sensitivity() if row.estimator == "pooled, clustered" and row.interval == "wilson"]
    assert (row.value, row.low, row.high) == (measures.pooled().value, measures.pooled().low, measures.pooled().high)


def test_a_design_effect_asks_for_more_crimes():
    asked = {"seed": 1, "expected_rate_percent": 90, "margin_points": 3, "crimes_per_incident": 1.5}
    sizes = {"violence": 9000, "sexual": 1000, "other": 20000}
    plain, clustered = (
        planned_sample(check_inspection(parameters(sampling=asked | more), "params/testshire.yml"), sizes)
        for more in ({}, {"design_effect": 1.3})
    )
    assert clustered.allocation.counts["other"] == pytest.approx(1.3 * plain.allocation.counts["other"], rel=0.02)
    assert all(0.0295 < margin <= 0.03 for margin in clustered.margins.values())


@pytest.mark.parametrize("strata", [None, STRATA], ids=["crime types", "weighted"])
@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("headline", ["pooled", "stratified"])
def test_the_sensitivity_table_holds_the_rates_of_the_report(strata, clustered, headline):
    main = MAIN if strata is not None else MAIN.assign(stratum=MAIN["crime_type"])
    main = main if strata is not None else main.assign(incident_id=range(len(main)))
    measures = Measures(inspection(headline=headline, clustered=clustered), main, strata)
    rows = {(row.estimator, row.interval): row for row in measures.sensitivity()}
    more = ", clustered" if clustered else ""
    for rate, name in ((measures.pooled(), "pooled"), (measures.stratified(), "stratified")):
        same = rows[name + more, rate.interval]
        assert (same.value, same.low, same.high) == pytest.approx((rate.value, rate.low, rate.high), rel=1e-12)


def test_a_stratum_with_one_incident_counts_by_its_distance_from_the_overall_mean():
    """By hand: the sum over strata of (1 - f) n / (n - 1) squares; the lonely one adds its own squared score, times 1 - f."""
    unrecorded = MAIN[(MAIN["stratum"] == "south") & ~MAIN["recorded"]]["incident_id"].iloc[0]
    main = MAIN[(MAIN["stratum"] == "north") | (MAIN["incident_id"] == unrecorded)]
    strata = STRATA.assign(audited_incidents=[100, 1])
    rate = Measures(inspection(), main, strata).domain(pd.Series(True, index=main.index))
    weight = main["stratum"].map({"north": 90.0, "south": 600.0})
    assert rate.value == pytest.approx((weight * main["recorded"]).sum() / weight.sum(), rel=1e-12)
    scores = (weight * (main["recorded"] - rate.value) / weight.sum()).groupby(main["incident_id"]).sum()
    lonely = scores[scores.index.str.startswith("south")].to_numpy()
    north = np.append(scores[scores.index.str.startswith("north")].to_numpy(), np.zeros(10))
    assert (len(lonely), len(north)) == (1, 100)
    of_north = (1 - 100 / 9000) * 100 / 99 * ((north - north.mean()) ** 2).sum()
    of_south = (1 - 1 / 600) * lonely[0] ** 2
    assert of_south > of_north
    assert rate.se**2 == pytest.approx(of_north + of_south, rel=1e-9)


# --- incidents that could not be audited ----------------------------------------------------------------------------

BY_TYPE = pd.DataFrame(
    [
        {"incident_id": f"{name}{k // 2}", "stratum": name, "crime_type": name, "recorded": k < x}
        for name, n, x in (("violence", 100, 90), ("sexual", 40, 38), ("other", 60, 57))
        for k in range(n)
    ]
)


@pytest.mark.parametrize("headline", ["pooled", "stratified"])
def test_bounds_where_incidents_could_not_be_audited(headline):
    """Half as many incidents as crimes; of violence 10 of 60 drawn could not be audited, so 20 crimes may be in them."""
    asked = inspection(headline=headline)
    unaudited, done = {"violence": 10, "sexual": 0, "other": 3}, {"violence": 50, "sexual": 20, "other": 30}
    found = Measures(asked, BY_TYPE).unaudited_bounds(unaudited, done)
    assert (found.incidents, found.crimes) == (13, 26)
    n = {"violence": 120, "sexual": 40, "other": 66}
    for end, x in (("low", (90, 38, 57)), ("high", (110, 38, 63))):
        counts = dict(zip(n, x, strict=True))
        recorded = asked.crime_by_type()
        expected = sum(recorded.values()) / sum(recorded[name] * n[name] / counts[name] for name in n)
        expected = sum(x) / sum(n.values()) if headline == "pooled" else expected
        assert getattr(found, end) == pytest.approx(expected)
    inside = Measures(asked, BY_TYPE).headline().value
    assert found.low < inside < found.high


def test_bounds_of_other_strata_count_by_the_weights_of_the_draw():
    measures = Measures(inspection(headline="pooled"), MAIN, STRATA)
    assert measures.unaudited_bounds({"north": 0, "south": 0}, {"north": 100, "south": 60}) is None
    found = measures.unaudited_bounds({"north": 6, "south": 4}, {"north": 100, "south": 60})
    crimes = MAIN.groupby("stratum")["recorded"].agg(["size", "sum"])
    more = {name: round(n / done * crimes.loc[name, "size"]) for name, n, done in (("north", 6, 100), ("south", 4, 60))}
    assert found.crimes == sum(more.values())
    assert found.low == pytest.approx(crimes["sum"].sum() / (len(MAIN) + found.crimes))
    weighted = Measures(inspection(), MAIN, STRATA).unaudited_bounds(
        {"north": 6, "south": 4}, {"north": 100, "south": 60}
    )
    assert 0 < weighted.low < weighted.high < 1
