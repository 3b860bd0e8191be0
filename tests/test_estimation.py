"""Published figures, other people's implementations, identities, awkward cases. About ten seconds."""

import functools
import json
import math
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cdi_lib.statistics import estimation, intervals
from cdi_lib.statistics.design import Design
from cdi_lib.statistics.differences import difference, domain_difference
from cdi_lib.statistics.estimation import (
    Estimate,
    domain_rates,
    pooled_rate,
    raked_rate,
    sensitivity,
    stratified_rate,
    weighted_rate,
)
from cdi_lib.statistics.intervals import COMBINED, DEFAULT_INTERVAL, INTERVALS, interval, square_and_add
from cdi_lib.statistics.totals import failures, total

HERE = Path(__file__).parent
RECORDED_CRIME = {"violence": 10950, "sexual": 1276, "other": 18524}
REPORTED = {"violence": 11870, "sexual": 1282.1, "other": 19974 * 0.967}


def sample(counts, column="crime_type"):
    """Return audited crimes, `counts` = {value of column: (recorded, audited)}."""
    rows = [(kind, k < recorded) for kind, (recorded, n) in counts.items() for k in range(n)]
    return pd.DataFrame(rows, columns=[column, "recorded"])


def northamptonshire():
    return sample({"violence": (438, 491), "sexual": (256, 266), "other": (345, 372)})


def incidents(seed=1, strata=("a", "b", "c"), per_stratum=25, rate=0.85):
    """Return audited crimes in incidents of one to three, within strata, with crime types and two domains."""
    rng = np.random.default_rng(seed)
    rows = []
    for name in strata:
        for k in range(per_stratum):
            common = rng.random() < rate
            for _ in range(rng.integers(1, 4)):
                rows.append((name, f"{name}{k}", bool(common if rng.random() < 0.5 else rng.random() < rate)))
    crimes = pd.DataFrame(rows, columns=["stratum", "incident", "recorded"])
    crimes["crime_type"] = rng.choice(["violence", "sexual", "other"], len(crimes))
    crimes["domestic"] = rng.random(len(crimes)) < 0.4
    return crimes


# ---- the published report ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "audited", "population", "margin"),
    [(438, 491, 11870, 0.026874), (256, 266, 1282.1, 0.020349), (1039, 1129, 32311, 0.015521)],
    ids=["violence", "sexual", "main sample"],
)
def test_published_margins(recorded, audited, population, margin):
    estimate = pooled_rate(recorded, audited, population)
    assert estimate.margin == pytest.approx(margin, abs=1e-6)
    by_hand = 1.959964 * math.sqrt(recorded * (audited - recorded) / audited**3 * (1 - audited / population))
    assert estimate.margin == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("stratified_draw", [True, False])
def test_stratified_headline_of_northamptonshire(stratified_draw):
    if stratified_draw:
        design = Design(northamptonshire(), "recorded", strata="crime_type", population=REPORTED)
    else:
        design = Design(northamptonshire(), "recorded", population=32311)
    estimate = stratified_rate(design, "crime_type", RECORDED_CRIME, interval="normal")
    assert estimate.value == pytest.approx(0.91587, abs=5e-6)
    # One FPC for all types is a little less than that of each type, of which sexual crimes have the largest.
    assert estimate.margin == pytest.approx(0.0184, abs=5e-5 if stratified_draw else 2e-4)
    by_hand = sum(RECORDED_CRIME.values()) / (10950 * 491 / 438 + 1276 * 266 / 256 + 18524 * 372 / 345)
    assert estimate.value == pytest.approx(by_hand, rel=1e-14)


def test_published_numbers_of_unrecorded_crimes():
    assert failures(pooled_rate(1039, 1129, 32311), 61500).value == pytest.approx(61500 * 90 / 1039)
    assert failures(pooled_rate(438, 491, 11870), 21900).value // 100 == 26
    assert failures(pooled_rate(256, 266, 1282.1), 2552).value // 10 == 9


# ---- other people's implementations ------------------------------------------------------------------------

GOLDEN_FILE = Path(os.environ.get("CDI_GOLDEN", HERE / "oracles" / "golden_survey.json"))
GOLDEN = json.loads(GOLDEN_FILE.read_text(encoding="utf-8"))


def golden_design(case):
    crimes = pd.DataFrame(case["columns"])
    crimes = crimes.assign(domain=crimes["domain"] == 1, other=crimes["other"] == 1)
    population = {"infinite_population": True}
    if case["population"] is not None:
        population = {
            "population": case["population"],
            "population_unit": "clusters" if case["unit"] == "clusters" else "units",
        }
    names = {name: case[name] for name in ("strata", "clusters", "weights", "lonely")}
    return Design(crimes, "recorded", **names, **population)


@functools.cache
def golden_cases():
    """Return (case, its Design) of every golden case."""
    return [(case, golden_design(case)) for case in GOLDEN["cases"]]


def halves(known):
    """The same total by the second column that tests/oracles/survey.R rakes to."""
    inside = math.floor(0.6 * sum(known.values()))
    return {True: inside, False: sum(known.values()) - inside}


GOLDEN_CALLS = {
    "ratio": lambda d, known: weighted_rate(d),
    "domain": lambda d, known: weighted_rate(d, "domain"),
    "total_recorded": lambda d, known: total(d, "successes", "domain"),
    "total_unrecorded": lambda d, known: total(d, "failures"),
    "total_audited": lambda d, known: total(d, "units"),
    "domain_difference": lambda d, known: domain_difference(d, "domain", "other"),
    "stratified": lambda d, known: stratified_rate(d, "kind", known),
    "post_stratified": lambda d, known: raked_rate(d, {"kind": known}),
    "post_stratified_domain": lambda d, known: raked_rate(d, {"kind": known}, domain="domain"),
    "raked": lambda d, known: raked_rate(d, {"kind": known, "domain": halves(known)}),
    "raked_domain": lambda d, known: raked_rate(d, {"kind": known, "domain": halves(known)}, domain="other"),
}


def test_golden_designs_are_many_and_varied():
    """R survey 4.1.1 under R 4.2.2; tests/oracles/survey.R makes them."""
    assert re.fullmatch(r"R [\d.]+, survey [\d.]+", GOLDEN["source"])
    cases = GOLDEN["cases"]
    assert len(cases) >= 300
    assert len({json.dumps(case["columns"]) for case in cases}) == len(cases)
    count = Counter()
    for case, design in golden_cases():
        count.update(name for name in ("strata", "clusters", "weights", "population") if case[name] is not None)
        count.update([case["lonely"], case["unit"]])
        rows = pd.DataFrame(case["columns"])
        crimes = rows.dropna(subset="recorded")
        by_stratum = crimes.groupby("stratum")
        count["incident without crime"] += len(crimes) < len(rows)
        count["every crime recorded in a stratum"] += (by_stratum["recorded"].mean() == 1).any()
        count["stratum outside the domain"] += (by_stratum["domain"].max() == 0).any()
        count["single incident in a stratum"] += (rows.groupby("stratum")["incident"].nunique() == 1).any()
        count["very unequal weights"] += rows["weight"].max() > 100 * rows["weight"].min()
        count["census in a stratum"] += (design.stratum_fraction == 1).any()
        count.update(case["results"].keys())
    assert {"strata", "weights", "population", "crimes", "clusters", "fail", "certainty", "adjust", "average"} <= set(
        count
    )
    assert {*GOLDEN_CALLS, "beta", "logit", "ttest_domain", "ttest_first"} <= set(count)
    assert min(count.values()) >= 15, count


@pytest.mark.parametrize(
    ("drawn", "golden"),
    [
        ({"clusters": "psu", "strata": "st", "unequal_chances": True},
         (0.781609195402299, 0.103991519234288, 0.698412698412698, 0.101205330150642, 34, 6.42261628933256)),
        ({"clusters": "psu", "unequal_chances": True},
         (0.781609195402299, 0.0974030274438154, 0.698412698412698, 0.111846538552344, 34, 6.10819122163018)),
        ({"strata": "st", "unequal_chances": True},
         (0.781609195402299, 0.12364655561426, 0.698412698412698, 0.15313124715734, 34, 10.1919085553198)),
        ({"clusters": "psu", "strata": "st", "infinite_population": True},
         (0.781609195402299, 0.116218958707262, 0.698412698412698, 0.122513246937344, 34, 7.28010988928052)),
    ],
)  # fmt: skip
def test_samples_with_unequal_chances_are_those_of_r_survey(drawn, golden):
    """R 4.2.2, survey 4.1.1; with d the table below, one = 1 and p = 1 / w (ids=~1 where no clusters are given):

    ``s <- svydesign(ids=~psu, strata=~st, fpc=~p, pps="brewer", data=d)``, the last ``svydesign(ids=~psu, strata=~st,
    probs=~p, data=d)``; value and standard error of ``svyratio(~y, ~one, s)``, of that of ``subset(s, inside)``, and of
    ``svytotal(~y, s)``.
    """
    columns = {
        "psu": [1, 1, 2, 3, 3, 3, 4, 5, 5, 6], "y": [1, 0, 1, 1, 1, 0, 1, 0, 1, 1], "st": [*"aaaaaabbbb"],
        "w": [5, 5, 10, 2.5, 2.5, 2.5, 4, 2, 2, 8], "inside": [*[True] * 2, False, *[True] * 5, False, True],
    }  # fmt: skip
    design = Design(pd.DataFrame(columns), "y", weights="w", **drawn)
    found = weighted_rate(design), weighted_rate(design, "inside"), total(design, "successes")
    assert [of for one in found for of in (one.value, one.se)] == pytest.approx(golden, rel=1e-12)
    if "unequal_chances" in drawn and "clusters" in drawn:  # units alone are the third design, or without strata
        alone = Design(pd.DataFrame(columns), "y", weights="w", **drawn | {"clusters": None})
        assert weighted_rate(design.independent()).se == pytest.approx(weighted_rate(alone).se, rel=1e-12)


def test_equal_chances_said_to_be_unequal_are_those_of_a_finite_population():
    units = pd.DataFrame({"y": [1, 0, 1, 1, 1, 0, 1, 1], "ward": [*"aabbccdd"], "w": 10.0})
    one = Design(units, "y", clusters="ward", weights="w", unequal_chances=True)
    other = Design(units, "y", clusters="ward", population=40, population_unit="clusters")
    assert weighted_rate(one).se == pytest.approx(weighted_rate(other).se, rel=1e-12)
    assert total(one).se == pytest.approx(total(other).se, rel=1e-12)


@pytest.mark.parametrize(
    ("weights", "more", "message"),
    [
        (None, {}, "unequal_chances needs weights="),
        ("w", {"infinite_population": True}, "and no infinite_population"),
        ("w", {"population": 50, "population_unit": "units"}, "one of them"),
        ("small", {}, "row 1: expected one over a chance, 1 or more, got 0.5"),
        ("w", {"clusters": "own"}, "row 0: expected the same weight for all of a cluster, got 2"),
    ],
)
def test_unequal_chances_that_contradict_the_rest_are_refused(weights, more, message):
    units = pd.DataFrame({"y": [1, 0, 1], "w": [2.0, 3.0, 3.0], "small": [2, 0.5, 2], "own": [1, 1, 2]})
    with pytest.raises(ValueError, match=message):
        Design(units, "y", weights=weights, unequal_chances=True, **more)


def test_the_difference_of_two_domains_is_tested_as_by_r_svyttest():
    """R survey 4.1.1, ``svyttest(y ~ domain, subset(design, x == 1))``: estimate, standard error and p-value."""
    compared = Counter()
    for case, design in golden_cases():
        for by, domain in (("domain", design.units["domain"]), ("first", design.units["stratum"] == "s1")):
            wanted = case["results"].get(f"ttest_{by}")
            if wanted is None or (by, case["lonely"]) == ("first", "average"):  # of one lonely stratum: no average
                continue
            found = domain_difference(design, domain, ~domain)
            assert (found.value, found.se) == pytest.approx((wanted["value"], wanted["se"]), rel=1e-9, abs=1e-12)
            assert found.df == wanted["df"] + 1
            assert found.p_value == pytest.approx(wanted["p"], rel=1e-7, abs=1e-12)
            compared[by] += 1
    assert min(compared.values()) >= 350, compared


def test_the_difference_of_two_samples_has_the_standard_error_of_r_svyttest():
    """The first stratum and the others as two samples; ``svyttest(y ~ first, ...)``. The p-value is another, on purpose."""
    compared = 0
    for case, design in golden_cases():
        wanted = case["results"].get("ttest_first")
        if wanted is None or case["lonely"] == "average":  # which averages over both samples together
            continue
        first, rates = design.units["stratum"] == "s1", []
        for rows in (design.units[first], design.units[~first]):
            there = set(rows["stratum"])
            population = case["population"] and {h: n for h, n in case["population"].items() if h in there}
            columns = {name: rows[name].tolist() for name in case["columns"]}
            rates.append(weighted_rate(golden_design(case | {"columns": columns, "population": population})))
        found = difference(*rates)
        assert (found.value, found.se) == pytest.approx((wanted["value"], wanted["se"]), rel=1e-9, abs=1e-12)
        compared += 1
    assert compared >= 350


def test_the_test_of_two_samples_keeps_its_level_better_than_the_one_of_svyttest():
    """Samples of 100 and 400 incidents, both of the rate 0.97: at most 5 % of them should differ "significantly"."""
    simulate, rng, audits = simulation(), np.random.default_rng(3), 1500
    kinds, found = simulate.kinds_of_incident([0.97], 0.6), {"difference": 0, "svyttest": 0}
    samples = []
    for incidents in (100, 400):
        counts = simulate.draw_audits(rng, kinds, [incidents], audits)
        samples.append(simulate.estimate(kinds, counts, np.ones((audits, 1)), finite=False)[:4])
    for a, b in zip(*(zip(*sample, strict=True) for sample in samples), strict=True):
        rates = []
        for value, se, n, df in (a, b):
            size = value * (1 - value) / se**2 if se else n
            counts = {"n": int(n), "x": round(value * n), "clusters": int(df) + 1, "df": int(df), "effective_n": size}
            said = {"population": None, "confidence": 0.95, "estimator": "ratio", "interval": "wilson"}
            rates.append(Estimate(value=value, se=se, low=value, high=value, **counts, **said))
        one = difference(*rates)
        found["difference"] += one.p_value < 0.05
        found["svyttest"] += 2 * stats.t.sf(abs(one.value) / one.se, rates[0].df + rates[1].df - 1) < 0.05
    error = 4 * math.sqrt(0.05 * 0.95 / audits)
    assert found["difference"] / audits < 0.05 + error < found["svyttest"] / audits


@pytest.mark.parametrize("name", GOLDEN_CALLS)
def test_estimate_and_se_agree_with_r_survey(name):
    compared = 0
    for case, design in golden_cases():
        expandable = case["weights"] is not None or case["population"] is not None
        if name not in case["results"] or (name.startswith("total") and not expandable):
            continue
        estimate = GOLDEN_CALLS[name](design, case["known"])
        expected = case["results"][name]
        # A standard error that is 0 here is 1e-17 there.
        scale = max(1, abs(expected["value"]))
        assert estimate.value == pytest.approx(expected["value"], rel=1e-9, abs=1e-14 * scale), case
        assert estimate.se == pytest.approx(expected["se"], rel=1e-9, abs=1e-13 * scale), case
        compared += 1
    assert compared >= (150 if name.startswith("post") else 100 if name.startswith("raked") else 300)


@pytest.mark.parametrize(("name", "method"), [("beta", "korn-graubard"), ("logit", "logit")])
def test_intervals_agree_with_r_svyciprop(name, method):
    cases = [(case, design) for case, design in golden_cases() if name in case["results"]]
    assert len(cases) >= 300
    for case, design in cases:
        estimate = weighted_rate(design, "domain", interval=method)
        low, high = case["results"][
            name
        ]  # R does not know that sampled successes and failures are some of the population
        units = design.units["domain"].fillna(False).astype(bool).to_numpy() & design.row_is_unit
        if estimate.population and design.population_unit == "units" and units.sum() == design.row_is_unit.sum():
            least = min(estimate.x / estimate.population, estimate.value)
            most = max(1 - (estimate.n - estimate.x) / estimate.population, estimate.value)
            low, high = max(low, least), min(high, most)
        assert (estimate.low, estimate.high) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(5))
def test_svy_agrees(seed):
    pl = pytest.importorskip("polars", reason="svy's data frames are not installed")
    svy = pytest.importorskip("svy", reason="svy is not installed")
    crimes = incidents(seed)
    population = {"a": 60, "b": 300, "c": 45}
    design = Design(
        crimes, "recorded", strata="stratum", clusters="incident", population=population, population_unit="clusters"
    )
    frame = pl.DataFrame({name: crimes[name].to_list() for name in ("stratum", "incident", "domestic")})
    frame = frame.with_columns(
        recorded=pl.Series(crimes["recorded"].astype(int)),
        one=pl.lit(1.0),
        size=pl.Series(crimes["stratum"].map(population)),
        weight=pl.Series(crimes["stratum"].map(population) / 25),
    )
    theirs = svy.Sample(frame, svy.Design(stratum="stratum", psu="incident", wgt="weight", pop_size="size")).estimation

    def same(estimate, result):
        assert (estimate.value, estimate.se) == pytest.approx((result.est, result.se), rel=1e-9)

    same(weighted_rate(design), theirs.ratio("recorded", "one").estimates[0])
    same(weighted_rate(design, "domestic"), theirs.ratio("recorded", "one", where=pl.col("domestic")).estimates[0])
    same(total(design, "successes"), theirs.total("recorded").estimates[0])
    for method in ("logit", "korn-graubard"):
        result = theirs.prop("recorded", ci_method=method).estimates[-1]
        estimate = weighted_rate(design, interval=method)
        assert (estimate.low, estimate.high) == pytest.approx((result.lci, result.uci), rel=1e-9)


BILLION = 10**9
COUNTS = [(0, 1), (1, 1), (0, 20), (20, 20), (1, 20), (19, 20), (45, 50), (438, 491)]
COUNTS += [(0, BILLION), (1, BILLION), (920_000_000, BILLION), (BILLION - 1, BILLION), (BILLION, BILLION)]


@pytest.mark.parametrize(("recorded", "n"), COUNTS)
@pytest.mark.parametrize(("method", "theirs"), [("wilson", "wilson"), ("clopper-pearson", "exact")])
def test_scipy_binomtest_agrees(recorded, n, method, theirs):
    expected = stats.binomtest(recorded, n).proportion_ci(0.9, theirs)
    estimate = pooled_rate(recorded, n, infinite_population=True, interval=method, confidence=0.9)
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


@pytest.mark.oracle
@pytest.mark.parametrize(("recorded", "n"), COUNTS)
@pytest.mark.parametrize(
    ("method", "theirs"),
    [
        ("normal", "normal"),
        ("wilson", "wilson"),
        ("agresti-coull", "agresti_coull"),
        ("clopper-pearson", "beta"),
        ("korn-graubard", "beta"),
        ("jeffreys", "jeffreys"),
    ],
)
def test_statsmodels_proportion_confint_agrees(recorded, n, method, theirs):
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is not installed")
    estimate = pooled_rate(recorded, n, infinite_population=True, interval=method)
    if recorded in (0, n) and method in ("normal", "jeffreys"):
        # Decided otherwise here: no interval of zero width, and Jeffreys ends at the estimate.
        assert (estimate.low == 0) == (recorded == 0)
        assert (estimate.high == 1) == (recorded == n)
        assert estimate.low < estimate.high
        return
    expected = proportion.proportion_confint(recorded, n, 0.05, theirs)
    assert (estimate.low, estimate.high) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.oracle
@pytest.mark.parametrize(("first", "second"), [((65, 82), (1039, 1129)), ((30, 30), (25, 28)), ((50, 50), (40, 40))])
def test_statsmodels_two_proportions_agree(first, second):
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is not installed")
    a, b = (pooled_rate(k, n, infinite_population=True, interval="wilson") for k, n in (first, second))
    estimate = difference(a, b)
    expected = proportion.confint_proportions_2indep(
        *first, *second, method="newcomb", compare="diff", correction=False
    )
    assert (estimate.low, estimate.high) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    if first[0] < first[1] or second[0] < second[1]:
        _, p_value = proportion.proportions_ztest([first[0], second[0]], [first[1], second[1]])
        assert estimate.p_value == pytest.approx(p_value, rel=1e-9)
    else:
        assert estimate.p_value == 1


@pytest.mark.oracle
def test_domain_is_ratio_is_regression():
    """A domain's rate and SE by three routes; statsmodels' sandwich has our G / (G - 1)."""
    api = pytest.importorskip("statsmodels.api", reason="statsmodels is not installed")
    crimes = incidents(4, strata=("a",), per_stratum=60)
    design = Design(crimes, "recorded", clusters="incident", infinite_population=True)
    whole = weighted_rate(design)
    fit = api.OLS(crimes["recorded"].astype(float), np.ones(len(crimes))).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(crimes["incident"])[0]}
    )
    assert (whole.value, whole.se) == pytest.approx((fit.params.iloc[0], fit.bse.iloc[0]), rel=1e-9)
    # The domain as a ratio of two totals over all incidents, by hand.
    inside = crimes["domestic"]
    x = inside.groupby(crimes["incident"]).sum()
    y = (crimes["recorded"] & inside).groupby(crimes["incident"]).sum()
    rate, m = y.sum() / x.sum(), len(x)
    se = math.sqrt(m / (m - 1) * ((y - rate * x) ** 2).sum()) / x.sum()
    domain = weighted_rate(design, "domestic")
    assert (domain.value, domain.se) == pytest.approx((rate, se), rel=1e-12)


# ---- identities --------------------------------------------------------------------------------------------


def test_one_stratum_is_simple_random_sampling():
    crimes = northamptonshire().assign(all="all")
    one = weighted_rate(Design(crimes, "recorded", strata="all", population={"all": 5000}))
    none = weighted_rate(Design(crimes, "recorded", population=5000))
    assert one == none
    n, p = 1129, 1039 / 1129
    # Cochran (1977), eq. 3.8
    assert none.se == pytest.approx(math.sqrt(p * (1 - p) / (n - 1) * (1 - n / 5000)), rel=1e-12)


def test_census_has_no_error():
    crimes = incidents()
    sizes = crimes.groupby("stratum").size().to_dict()
    design = Design(
        crimes, "recorded", strata="stratum", clusters="incident", population=sizes, population_unit="units"
    )
    for method in INTERVALS:
        estimate = weighted_rate(design, interval=method)
        assert (estimate.se, estimate.low, estimate.high) == (0, estimate.value, estimate.value)
        assert "census" in estimate.flags
        assert estimate.effective_n is None
    assert stratified_rate(design, "crime_type", RECORDED_CRIME).se == 0
    assert total(design, "successes").margin == 0
    single = pooled_rate(8, 10, 10)
    assert (single.se, single.margin, single.flags) == (0, 0, ("n_under_30", "df_under_10", "census"))


def test_census_of_one_stratum_adds_no_variance():
    crimes = sample({"a": (3, 5), "b": (40, 50)}, "stratum")
    design = Design(crimes, "recorded", strata="stratum", population={"a": 5, "b": 500})
    alone = weighted_rate(design, crimes["stratum"] == "b")
    assert weighted_rate(design).se == pytest.approx(alone.se * 500 / 505, rel=1e-12)
    assert "census" in weighted_rate(design, crimes["stratum"] == "a").flags
    assert "census" not in weighted_rate(design).flags


def test_pooled_is_stratified_under_proportional_allocation():
    crimes = sample({"a": (30, 40), "b": (55, 60), "c": (90, 100)}, "stratum")
    pooled = 175 / 200
    sizes = {"a": 400, "b": 600, "c": 1000}
    design = Design(crimes, "recorded", strata="stratum", population=sizes)
    assert weighted_rate(design).value == pytest.approx(pooled, rel=1e-14)
    assert raked_rate(Design(crimes, "recorded", population=2000), {"stratum": sizes}).value == pytest.approx(pooled)
    recorded = {"a": 300, "b": 550, "c": 900}  # in proportion to the recorded crimes of the sample
    assert stratified_rate(design, "stratum", recorded).value == pytest.approx(pooled, rel=1e-14)


def test_post_stratification_to_the_strata_changes_nothing():
    crimes = sample({"a": (30, 40), "b": (55, 60)}, "stratum")
    sizes = {"a": 900, "b": 400}
    design = Design(crimes, "recorded", strata="stratum", population=sizes)
    a, b = weighted_rate(design), raked_rate(design, {"stratum": sizes})
    assert (a.value, a.se) == pytest.approx((b.value, b.se), rel=1e-12)


def test_stratified_rate_is_post_stratification_to_estimated_reported_crime():
    design = Design(northamptonshire(), "recorded", strata="crime_type", population=REPORTED)
    rates = {"violence": 438 / 491, "sexual": 256 / 266, "other": 345 / 372}
    reported = {kind: RECORDED_CRIME[kind] / rate for kind, rate in rates.items()}
    a = stratified_rate(design, "crime_type", RECORDED_CRIME)
    b = raked_rate(design, {"crime_type": reported})
    assert a.value == pytest.approx(b.value, rel=1e-14)
    assert a.se != pytest.approx(b.se, rel=1e-3)  # there the reported crime is estimated, too


def test_permutation_of_rows_changes_nothing():
    crimes = incidents()
    shuffled = crimes.sample(frac=1, random_state=7)
    options = {"strata": "stratum", "clusters": "incident", "population_unit": "units"}
    options["population"] = {"a": 200, "b": 700, "c": 90}
    first, second = Design(crimes, "recorded", **options), Design(shuffled, "recorded", **options)
    for estimator in (
        weighted_rate,
        lambda d: weighted_rate(d, "domestic"),
        lambda d: stratified_rate(d, "crime_type", RECORDED_CRIME),
        lambda d: total(d, "failures"),
    ):
        a, b = estimator(first).to_dict(), estimator(second).to_dict()
        numbers = ("value", "se", "low", "high", "margin", "effective_n", "design_effect")
        for number in numbers:
            assert a.pop(number) == (b[number] and pytest.approx(b[number], rel=1e-9))
            b.pop(number)
        assert a == b


def test_filtering_first_is_not_a_domain():
    crimes = incidents().assign(one=1.0)
    options = {"strata": "stratum", "clusters": "incident", "weights": "one", "infinite_population": True}
    domain = weighted_rate(Design(crimes, "recorded", **options), "domestic")
    filtered = weighted_rate(Design(crimes[crimes["domestic"]], "recorded", **options))
    assert domain.value == pytest.approx(filtered.value, rel=1e-14)
    assert domain.se != pytest.approx(filtered.se, rel=1e-6)


def test_incident_without_crime_counts_as_sampled():
    crimes = pd.DataFrame({"recorded": [1, 0, 1, 1, None], "incident": ["a", "a", "b", "c", "d"]})
    with_it = Design(crimes, "recorded", clusters="incident", population=40, population_unit="clusters")
    without = Design(crimes[:4], "recorded", clusters="incident", population=40, population_unit="clusters")
    a, b = weighted_rate(with_it), weighted_rate(without)
    assert (a.n, a.clusters, a.value) == (b.n, b.clusters, b.value) == (4, 3, 0.75)
    assert (a.fpc, b.fpc) == (4 / 40, 3 / 40)
    assert a.se == pytest.approx(b.se * math.sqrt(4 / 3 * 36 / 40 / (3 / 2 * 37 / 40)), rel=1e-12)
    assert total(with_it, "units").value == pytest.approx(40)
    assert with_it.independent().row_is_unit.sum() == 4


def test_the_rates_of_several_domains_are_those_of_each():
    crimes = incidents()
    options = {"clusters": "incident", "population": {"a": 200, "b": 700, "c": 90}, "population_unit": "units"}
    design = Design(crimes, "recorded", strata="stratum", **options)
    rates = domain_rates(design, "crime_type", interval="wilson")
    assert set(rates) == {"violence", "sexual", "other"}
    for name, found in rates.items():
        assert found == weighted_rate(design, crimes["crime_type"] == name, interval="wilson")
    empty = pd.DataFrame({"recorded": [1, 0, None], "incident": [1, 2, 3], "kind": ["a", "b", None]})
    design = Design(empty, "recorded", clusters="incident", population=30, population_unit="clusters")
    assert {name: rate.n for name, rate in domain_rates(design, "kind").items()} == {"a": 1, "b": 1}


def test_clusters_of_alike_crimes_widen_the_interval():
    crimes = pd.DataFrame({"recorded": [1] * 180 + [0] * 20, "incident": np.repeat(range(100), 2)})
    clustered = weighted_rate(Design(crimes, "recorded", clusters="incident", infinite_population=True))
    independent = weighted_rate(Design(crimes, "recorded", infinite_population=True))
    # Every incident has two crimes with one outcome: the sample is worth 100 crimes.
    assert clustered.effective_n == pytest.approx(99, rel=1e-12)
    assert clustered.design_effect == pytest.approx(200 / 99, rel=1e-12)
    assert clustered.margin > independent.margin


# ---- intervals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", INTERVALS)
@pytest.mark.parametrize("n", [1, 5, 30, 1000])
def test_none_and_all(method, n):
    none = pooled_rate(0, n, infinite_population=True, interval=method)
    every = pooled_rate(n, n, infinite_population=True, interval=method)
    assert none.low == 0 < none.high <= 1
    assert 0 <= every.low < every.high == 1
    assert every.low == pytest.approx(1 - none.high, abs=1e-12)
    assert "boundary" in none.flags
    assert "boundary" in every.flags
    # The rule of three: about 3 / n is still possible; methods differ by a factor of two.
    if n >= 30:
        assert 1.5 / n < none.high < 6 / n


@pytest.mark.parametrize("method", INTERVALS)
def test_none_and_all_of_a_design_with_clusters(method):
    crimes = incidents().assign(recorded=True)
    design = Design(crimes, "recorded", clusters="incident", population=2000, population_unit="units")
    estimate = weighted_rate(design, interval=method)
    assert (estimate.value, estimate.se, estimate.high) == (1, 0, 1)
    assert estimate.low < 1
    # Each incident counts as one crime, so that the interval is wider than that of as many single crimes.
    single = weighted_rate(Design(crimes, "recorded", population=2000), interval=method)
    assert estimate.low < single.low
    assert estimate.effective_n < estimate.clusters / (1 - estimate.fpc)


@pytest.mark.parametrize("method", INTERVALS)
def test_no_variation_between_incidents_is_no_certainty(method):
    crimes = pd.DataFrame({"recorded": [1, 0] * 10, "incident": np.repeat(range(10), 2)})
    estimate = weighted_rate(
        Design(crimes, "recorded", clusters="incident", population=500, population_unit="units"), interval=method
    )
    assert estimate.se == 0
    assert estimate.low < 0.4
    assert estimate.high > 0.6
    assert "zero_variance" in estimate.flags


@pytest.mark.parametrize("method", INTERVALS)
def test_interval_of_arrays_is_interval_of_each(method):
    values, errors, n = (np.array([0, 0.5, 0.93, 1]), np.array([0, 0.04, 0.02, 0]), np.array([20, 160, 170, 50]))
    low, high = interval(values, errors, n, method, df=12)
    each = [interval(v, s, k, method, df=12) for v, s, k in zip(values, errors, n, strict=True)]
    assert list(zip(low, high, strict=True)) == each


@pytest.mark.parametrize("method", ["wilson", "agresti-coull", "jeffreys", "korn-graubard", "logit"])
def test_few_degrees_of_freedom_widen(method):
    low, high = interval(0.9, 0.03, 100, method)
    few_low, few_high = interval(0.9, 0.03, 100, method, df=5)
    assert few_low < low < high < few_high


@pytest.mark.parametrize(("x", "n"), [(1, 20), (10, 20), (45, 50), (438, 491)])
def test_jeffreys_interval_is_of_the_prior_with_half_a_success_and_half_a_failure(x, n):
    """Beta(x + 1/2, n - x + 1/2): Brown, Cai and DasGupta (2001), section 3.1.3; by scipy.stats, no oracle needed."""
    estimate = pooled_rate(x, n, infinite_population=True, interval="jeffreys")
    expected = stats.beta.ppf([0.025, 0.975], x + 1 / 2, n - x + 1 / 2)
    assert (estimate.low, estimate.high) == pytest.approx(expected, rel=1e-9)


def test_interval_refuses():
    with pytest.raises(ValueError, match=r"interval must be one of normal, wilson.*got 'wald'"):
        interval(0.9, 0.03, 100, "wald")
    with pytest.raises(ValueError, match="confidence must be .* got 95; if 95 % is meant, write 0.95"):
        interval(0.9, 0.03, 100, confidence=95)
    with pytest.raises(ValueError, match=r"expected value in \[0, 1\]"):
        interval(90, 3, 100)


# ---- counts, differences, sensitivity ----------------------------------------------------------------------


def test_unrecorded_carries_the_interval_of_the_rate():
    rate = pooled_rate(92, 100, infinite_population=True, interval="wilson")
    count = failures(rate, 50_000)
    assert count.value == pytest.approx(50_000 * 8 / 92)
    assert count.low == pytest.approx(50_000 * (1 - rate.high) / rate.high)
    assert count.high == pytest.approx(50_000 * (1 - rate.low) / rate.low)
    assert count.high - count.value > count.value - count.low > 0
    assert count.se == pytest.approx(50_000 * rate.se / 0.92**2)
    assert (count.unit, count.n, count.estimator) == ("count", 100, "failures from pooled")


def test_unrecorded_at_the_ends():
    every = failures(pooled_rate(20, 20, infinite_population=True), 1000)
    assert every.value == every.low == 0 < every.high
    with pytest.raises(ValueError, match="it is 0"):
        failures(pooled_rate(0, 20, infinite_population=True), 1000)
    wide = failures(pooled_rate(1, 10, infinite_population=True, interval="normal"), 1000)
    assert wide.high is None
    assert wide.margin is None
    assert "open_ended" in wide.flags
    json.dumps(wide.to_dict(), allow_nan=False)
    assert "no limit" in repr(wide)
    with pytest.raises(ValueError, match="Estimate of a rate"):
        failures(every, 1000)
    with pytest.raises(ValueError, match="must be a count of units, not a share; got the fraction 0.5"):
        failures(pooled_rate(9, 10, 100), 0.5)


def test_difference_is_the_first_minus_the_second():
    earlier, later = pooled_rate(65, 82, infinite_population=True), pooled_rate(1039, 1129, 32311)
    estimate = difference(later, earlier)
    assert estimate.value == pytest.approx(later.value - earlier.value)
    assert estimate.low > 0
    assert estimate.p_value < 0.001
    assert estimate.unit == "difference"
    back = difference(earlier, later)
    assert (back.value, back.low, back.high) == pytest.approx((-estimate.value, -estimate.high, -estimate.low))
    with pytest.raises(ValueError, match="estimate both at one level"):
        difference(earlier, pooled_rate(9, 10, infinite_population=True, confidence=0.9))


def test_difference_of_censuses_is_known():
    assert difference(pooled_rate(9, 10, 10), pooled_rate(8, 10, 10)).p_value == 0
    assert difference(pooled_rate(9, 10, 10), pooled_rate(9, 10, 10)).p_value == 1
    one = difference(pooled_rate(9, 10, 10), pooled_rate(80, 100, 2000))
    assert 0 < one.p_value < 1


def test_domain_difference_keeps_the_covariance():
    crimes = incidents(2)
    design = Design(crimes, "recorded", clusters="incident", infinite_population=True)
    inside, outside = crimes["domestic"], ~crimes["domestic"]
    estimate = domain_difference(design, inside, outside)
    a, b = weighted_rate(design, inside), weighted_rate(design, outside)
    assert estimate.value == pytest.approx(a.value - b.value)
    assert estimate.se != pytest.approx(math.hypot(a.se, b.se), rel=1e-3)
    same = domain_difference(design, inside, inside)
    assert (same.value, same.se, same.p_value) == (0, 0, 1)


def test_domain_difference_without_variation_has_a_width():
    crimes = pd.DataFrame({"recorded": [1] * 40, "incident": range(40), "first": [True] * 20 + [False] * 20})
    estimate = domain_difference(Design(crimes, "recorded", population=900), crimes["first"], ~crimes["first"])
    assert estimate.low < 0 < estimate.high
    assert estimate.p_value == 1
    assert {"boundary", "zero_variance", "n_under_30"} <= set(estimate.flags)


def test_totals_add_up():
    design = Design(incidents(), "recorded", clusters="incident", population=1000, population_unit="clusters")
    parts = [total(design, of).value for of in ("successes", "failures")]
    assert sum(parts) == pytest.approx(total(design, "units").value)
    nothing = total(Design(incidents().assign(recorded=True), "recorded", population=1000), "failures")
    assert nothing.value == nothing.low == 0 < nothing.high < 50
    with pytest.raises(ValueError, match="nothing to expand with"):
        total(Design(incidents(), "recorded", infinite_population=True))
    with pytest.raises(ValueError, match="of must be one of successes"):
        total(design, "lost")


def test_sensitivity_shows_every_choice():
    crimes = incidents()
    crimes["recorded"] = crimes.groupby("incident")["recorded"].transform("first")  # alike within incidents
    options = {"strata": "stratum", "population": {"a": 200, "b": 700, "c": 90}}
    rows = sensitivity(
        Design(crimes, "recorded", clusters="incident", population_unit="units", **options),
        "crime_type",
        RECORDED_CRIME,
    )
    assert len(rows) == 4 * len(INTERVALS) + 2 * len(COMBINED)
    assert len({(row.estimator, row.interval) for row in rows}) == len(rows)
    by_name = {row.estimator: row for row in rows if row.interval == "normal"}
    assert list(by_name) == ["pooled", "pooled, clustered", "stratified", "stratified, clustered"]
    assert by_name["pooled"].value == pytest.approx(crimes["recorded"].mean())
    assert by_name["pooled, clustered"].value == pytest.approx(crimes["recorded"].mean())
    assert by_name["stratified"].value == pytest.approx(by_name["stratified, clustered"].value)
    assert by_name["pooled"].margin < by_name["pooled, clustered"].margin
    assert by_name["stratified"].margin < by_name["stratified, clustered"].margin
    alone = sensitivity(Design(crimes, "recorded", **options), "crime_type", RECORDED_CRIME, intervals=["normal"])
    assert [row.estimator for row in alone] == ["pooled", "stratified"]
    assert alone[1].se == pytest.approx(by_name["stratified"].se, rel=1e-12)
    assert alone[0].population == by_name["pooled"].population == 990


def test_sensitivity_counts_crimes_where_the_population_counts_incidents():
    crimes = incidents()  # 75 incidents
    design = Design(crimes, "recorded", clusters="incident", population=750, population_unit="clusters")
    pooled = sensitivity(design, "crime_type", RECORDED_CRIME, ["normal"])[0]
    assert pooled.population == pytest.approx(10 * len(crimes))
    assert pooled.fpc == pytest.approx(0.1)
    endless = sensitivity(
        Design(crimes, "recorded", infinite_population=True), "crime_type", RECORDED_CRIME, ["normal"]
    )
    assert endless[0].population is None
    assert endless[0].margin > pooled.margin


# ---- awkward cases and refusals ----------------------------------------------------------------------------


def refused(message, **options):
    crimes, outcome = options.pop("crimes", None), options.pop("outcome", "recorded")
    with pytest.raises(ValueError, match=message):
        Design(incidents() if crimes is None else crimes, outcome, **options)


def test_population_is_never_guessed():
    refused("population: give the number of units .* or say infinite_population=True")
    refused("one of them", population=100_000, infinite_population=True)
    refused("must be a count of units, not a share; got the fraction 0.97", population=0.97)
    refused("population: 10 units are fewer than the", population=10)
    refused("number of at least 0; got 'many'", population="many")
    refused("number of at least 0; got nan", population=math.nan)
    refused("must be a finite number of at least 0; got inf", population=math.inf)
    refused(
        "population of a must be a count of units, not a share; got the fraction 0.5",
        strata="stratum", population={"a": 0.5, "b": 0.3, "c": 0.2},
    )  # fmt: skip
    refused("number of at least 0; got True", population=True)
    refused("must be a mapping of stratum -> count; got 5000", strata="stratum", population=5000)
    refused("must be one number", population={"a": 5000})
    refused("no count for the stratum 'c'", strata="stratum", population={"a": 500, "b": 500})
    sizes = {"a": 500, "b": 500, "c": 500, "d": 500}
    refused("nothing was sampled in the stratum 'd'.*merge it", strata="stratum", population=sizes)
    assert Design(incidents(), "recorded", strata="stratum", population=sizes | {"d": 0}).stratum_fraction.size == 3
    refused("needs clusters=", population=500, population_unit="clusters")
    refused("with clusters, say what the population counts", clusters="incident", population=500)
    refused("say what the population counts", clusters="incident", strata="stratum", population=sizes)
    refused("population_unit must be one of units, clusters; got 'incidents'", population_unit="incidents")
    refused("strata without population need weights=", strata="stratum", infinite_population=True)
    with pytest.raises(ValueError, match="infinite_population=True.*one of them"):
        pooled_rate(9, 10)
    with pytest.raises(ValueError, match="got the fraction 0.5"):
        pooled_rate(9, 10, population=0.5)
    with pytest.raises(ValueError, match=r"x must be a whole number of at least 0; got 9.2"):
        pooled_rate(9.2, 10, population=50)
    with pytest.raises(ValueError, match="got 11 of 10"):
        pooled_rate(11, 10, population=50)


def test_rows_are_checked():
    crimes = incidents()
    refused("outcome: no column 'was_recorded'; the columns are", outcome="was_recorded", population=500)
    words = crimes.assign(recorded="yes")
    refused(r"column 'recorded', row 0: expected True/False or 1/0, got 'yes'", crimes=words, population=500)
    gap = crimes.astype({"recorded": object})
    gap.loc[3, "recorded"] = None
    refused("row 3: missing value.*needs clusters=", crimes=gap, population=500)
    nothing = crimes.assign(recorded=np.nan)
    refused("no sampled unit", crimes=nothing, clusters="incident", infinite_population=True)
    refused("a row for each sampled unit; got an empty one", crimes=crimes[:0], population=500)
    refused("must be a pandas DataFrame .*; got list", crimes=[True, False], population=500)
    lost = crimes.astype({"incident": object})
    lost.loc[2, "incident"] = None
    refused("column 'incident', row 2: missing value", crimes=lost, clusters="incident", infinite_population=True)
    refused("weight above 0, got 0", crimes=crimes.assign(w=0), weights="w", population=500)


def test_cluster_across_strata_is_refused():
    crimes = incidents()
    crimes.loc[crimes["stratum"] == "b", "incident"] = "a3"
    options = {"strata": "stratum", "clusters": "incident", "population": {"a": 500, "b": 500, "c": 500}}
    options["population_unit"] = "units"
    refused("rows [0-9]+ and [0-9]+ are of one cluster but of the strata '[ab]' and '[ab]'", crimes=crimes, **options)
    # The message names rows, not the reference of a record.
    with pytest.raises(ValueError, match=r"^((?!a3).)*$"):
        Design(crimes, "recorded", **options)


def lonely_design(how="fail", **population):
    crimes = sample({"a": (17, 20), "b": (1, 1), "c": (9, 12)}, "stratum")
    sizes = {"a": 500, "b": 40, "c": 300} | population
    return Design(crimes, "recorded", strata="stratum", population=sizes, lonely=how)


def test_one_cluster_in_a_stratum():
    with pytest.raises(ValueError, match=r"stratum 'b' has one cluster.*Merge it.*certainty"):
        lonely_design()
    se = {how: weighted_rate(lonely_design(how)).se for how in ("certainty", "adjust", "average")}
    assert 0 < se["certainty"] < se["adjust"]
    assert se["average"] == pytest.approx(se["certainty"] * math.sqrt(3 / 2), rel=1e-12)
    assert "lonely_cluster" in weighted_rate(lonely_design("average")).flags
    # By hand: a and c as without b; the one crime of b, of weight 40, by its distance from the mean score, which is 0.
    crimes = lonely_design("certainty").units
    weight = crimes["stratum"].map({"a": 500 / 20, "b": 40, "c": 300 / 12}).to_numpy()
    rate = (weight * crimes["recorded"]).sum() / weight.sum()
    of_b = (1 - 1 / 40) * (40 * (1 - rate) / weight.sum()) ** 2
    assert se["adjust"] ** 2 == pytest.approx(se["certainty"] ** 2 + of_b, rel=1e-12)
    with pytest.raises(ValueError, match="lonely must be one of fail, certainty, adjust, average; got 'remove'"):
        lonely_design("remove")
    census = weighted_rate(lonely_design(b=1))  # the only crime of its stratum: nothing is unknown
    assert "lonely_cluster" not in census.flags
    refused("has one cluster", crimes=incidents()[:1], population=10)
    alone = weighted_rate(Design(incidents()[:1], "recorded", population=10, lonely="certainty"))
    assert alone.n == 1
    assert alone.high - alone.low > 0.5
    refused("has one cluster", crimes=incidents()[:1], population=10, lonely="average")
    assert pooled_rate(1, 1, 10).low < 0.5


def test_few_crimes_are_flagged():
    flags = {
        n: weighted_rate(Design(sample({"violence": (n - 2, n)}), "recorded", population=900)).flags
        for n in (10, 11, 29, 30)
    }
    assert flags == {10: ("n_under_30", "df_under_10"), 11: ("n_under_30",), 29: ("n_under_30",), 30: ()}
    assert "n_under_30" in pooled_rate(20, 29, 900).flags
    # The crimes of the domain count, not those of the design.
    large = sample({"violence": (90, 100), "sexual": (9, 12)})
    design = Design(large, "recorded", population=900)
    assert "n_under_30" not in weighted_rate(design).flags
    assert "n_under_30" in weighted_rate(design, large["crime_type"] == "sexual").flags


def test_stratum_without_crime():
    crimes = pd.DataFrame(
        {"recorded": [1, 0, 1, None, None], "incident": [1, 2, 3, 4, 5], "stratum": ["a", "a", "a", "b", "b"]}
    )
    options = {"strata": "stratum", "clusters": "incident", "population": {"a": 30, "b": 30}}
    refused("stratum 'b' has clusters but no sampled unit", crimes=crimes, population_unit="units", **options)
    estimate = weighted_rate(Design(crimes, "recorded", population_unit="clusters", **options))
    assert (estimate.value, estimate.df) == (pytest.approx(2 / 3), 2)


def test_domains_are_checked():
    crimes = incidents()
    design = Design(crimes, "recorded", population=5000)
    with pytest.raises(ValueError, match="no sampled unit in the domain"):
        weighted_rate(design, np.zeros(len(crimes), dtype=bool))
    with pytest.raises(ValueError, match="one value per row"):
        weighted_rate(design, [True, False])
    with pytest.raises(ValueError, match="expected True or False in every row"):
        weighted_rate(design, "crime_type")
    with pytest.raises(ValueError, match="domain: no column 'abuse'"):
        weighted_rate(design, "abuse")
    with pytest.raises(ValueError, match="its index differs"):
        weighted_rate(design, crimes["domestic"].sample(frac=1, random_state=1))
    assert weighted_rate(design, "domestic") == weighted_rate(design, crimes["domestic"].to_numpy())
    assert weighted_rate(design, "domestic") == weighted_rate(design, crimes["domestic"].astype("boolean"))


def test_post_strata_are_checked():
    crimes = sample({"violence": (0, 10), "sexual": (9, 10)})
    design = Design(crimes, "recorded", population=5000)
    with pytest.raises(ValueError, match="crime_type 'violence': none of its sampled units is a success"):
        stratified_rate(design, "crime_type", {"violence": 100, "sexual": 50})
    with pytest.raises(ValueError, match="nothing was sampled in the crime_type 'other'.*merge it"):
        stratified_rate(design, "crime_type", {"violence": 100, "sexual": 50, "other": 70})
    with pytest.raises(ValueError, match="no count for the crime_type 'sexual'"):
        stratified_rate(design, "crime_type", {"violence": 100})
    with pytest.raises(ValueError, match="must be a count of units, not a share; got the fraction 0.6"):
        stratified_rate(design, "crime_type", {"violence": 0.6, "sexual": 0.4})
    with pytest.raises(ValueError, match="must be a mapping of crime_type -> count"):
        raked_rate(design, {"crime_type": 500})
    # A type of which the force recorded nothing weighs nothing, sampled or not.
    assert stratified_rate(design, "crime_type", {"violence": 0, "sexual": 50}).value == pytest.approx(0.9)
    assert stratified_rate(design, "crime_type", {"violence": 0, "sexual": 50}).n == 10


def test_results_are_frozen_and_plain():
    estimate = weighted_rate(
        Design(incidents(), "recorded", clusters="incident", population=5000, population_unit="units"), "domestic"
    )
    with pytest.raises(AttributeError):
        estimate.value = 1.0
    for value in estimate.to_dict().values():
        assert type(value) in (float, int, str, list, type(None)), value
    again = json.loads(json.dumps(estimate.to_dict(), allow_nan=False))
    margin = again.pop("margin")
    assert Estimate(**again | {"flags": tuple(again["flags"])}) == estimate
    assert margin == (estimate.high - estimate.low) / 2
    assert "\n" not in repr(estimate)
    assert f"n={estimate.n}" in repr(estimate)


# ---- coverage ----------------------------------------------------------------------------------------------

COVERAGE = pd.read_csv(HERE / "coverage" / "coverage.csv")


def simulation():
    import importlib.util

    spec = importlib.util.spec_from_file_location("simulate", HERE / "coverage" / "simulate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def inspections(what="single"):
    cells = simulation().in_inspections(COVERAGE, what)
    return cells.assign(beyond=~cells["coverage"].between(0.94, 0.96))


def test_the_simulation_covers_what_inspections_do():
    default = COVERAGE[COVERAGE["interval"] == DEFAULT_INTERVAL]
    ratio, headline = (default[default["estimator"] == name] for name in ("ratio", "stratified"))
    assert {30, 200, 1500} <= set(ratio["n"])
    assert {0.5, 0.8, 0.97, 0.99} <= set(ratio["rate"])
    assert {100, 200, 1500} <= set(headline["n"])
    assert {0.8, 0.97, 0.99} <= set(headline["rate"])
    assert set(default["estimator"]) >= set(simulation().ALLOCATIONS)
    for part in (ratio, headline):
        assert set(part["sampling_fraction"]) == {0, 0.1, 0.3}
        assert set(part["correlation"]) >= {0, 0.6}


def test_the_default_of_the_overall_rate_keeps_its_promise():
    """At least 94 % in every cell of 200 crimes and more, as far as 10,000 audits a cell can tell."""
    cells = inspections("overall")
    cells = cells[cells["interval"] == COMBINED[0]]
    assert len(cells) == 540
    assert cells["coverage"].min() >= 0.94
    others = inspections("overall").groupby("interval")["coverage"].min()
    assert others.drop(COMBINED[0]).max() < cells["coverage"].min()
    every = COVERAGE[COVERAGE["estimator"].isin(simulation().ALLOCATIONS) & (COVERAGE["interval"] == COMBINED[0])]
    assert {(100, 0.99), (1500, 0.99)} <= set(zip(every["n"], every["rate"], strict=True))
    assert every["coverage"].min() >= 0.94


def test_the_default_beside_other_intervals_in_harsh_conditions():
    """headline.csv is made of coverage.csv; the default keeps its promise in every cell, no other interval does."""
    simulate = simulation()
    made, kept = simulate.beside(COVERAGE), pd.read_csv(HERE / "coverage" / "headline.csv")
    pd.testing.assert_frame_equal(made, kept, check_dtype=False)
    assert set(kept["interval"]) == set(simulate.BESIDE) and set(kept["estimator"]) == set(simulate.HARSH)
    assert (kept.loc[kept["interval"] == "combined", "relative_width"] == 1).all()
    harsh = COVERAGE[COVERAGE["estimator"].isin(simulate.HARSH) & (COVERAGE["interval"] == "combined")]
    assert len(harsh) == 288 and {0.98, 0.99} < set(harsh["rate"]) and 100 in set(harsh["n"])
    assert (harsh["coverage"] >= harsh["n"].map(simulate.PROMISED)).all() and harsh["coverage"].min() < 0.955
    few_large = (harsh["n"] == 500) & (harsh["rate"] == 0.9) & (harsh["crimes_per_incident"] == "1 or 10")
    few_large &= (harsh["estimator"] == "harsh A") & (harsh["correlation"] == 0.6)
    assert sorted(harsh.loc[few_large, "coverage"]) == [
        0.9602,
        0.9625,
    ]  # 0.9186 and 0.9360 by the variances shown alone
    others = kept[kept["interval"] != "combined"].groupby("interval")["below_promise"].sum()
    assert others.min() > 100


def test_a_harsh_cell_can_be_repeated(monkeypatch):
    """Nine tenths of the crime in a tenth of 200 audited crimes, at .98: the default and the bootstrap."""
    simulate = simulation()
    monkeypatch.setattr(simulate.draw_audits, "__defaults__", (1500,))
    monkeypatch.setattr(simulate, "RESAMPLED", 150)
    shares, cell = simulate.HARSH["harsh D"], (200, 0.0, 0.0, 0.98)
    rows = simulate.headline_cell(np.random.default_rng(1), shares, simulate.ONE_OR_TEN, *cell, resample=True)
    again = {row[5]: row[6] for row in rows}
    kept = COVERAGE[(COVERAGE["estimator"] == "harsh D") & (COVERAGE["n"] == 200) & (COVERAGE["rate"] == 0.98)]
    kept = kept[
        (kept["crimes_per_incident"] == "1 or 10") & (kept["correlation"] == 0) & (kept["sampling_fraction"] == 0)
    ]
    kept = kept.set_index("interval")["coverage"]
    for method, audits in (("combined", 1500), ("korn-graubard", 1500), ("bootstrap", 150)):
        error = math.sqrt(kept[method] * (1 - kept[method]) * (1 / audits + 1 / 1000))
        assert again[method] == pytest.approx(kept[method], abs=4 * error), method


def test_docstring_states_the_coverage():
    """Which intervals are never below 94 %, and of how many kinds of audit, is that of coverage.csv."""
    stated = " ".join(intervals.__doc__.split())
    never = {"single": {"agresti-coull", "clopper-pearson", "logit", "korn-graubard"}, "overall": {"combined"}}
    for what, number, words in (("single", 288, "kinds of one rate"), ("overall", 540, "of the overall rate")):
        cells = inspections(what).groupby("interval")["coverage"]
        assert set(cells.size()) == {number}
        assert f"{number} {words}" in stated
        assert {method for method, part in cells if part.min() >= 0.94} == never[what]


def test_report_states_the_coverage_of_every_interval():
    """`COVERAGE`, which the report prints, holds the lowest and highest coverage of coverage.csv."""
    for what, methods in (("single", INTERVALS), ("overall", (*INTERVALS, *COMBINED))):
        cells = inspections(what)
        (smallest, largest), (lowest, highest) = intervals.COVERED_SIZES, intervals.COVERED_RATES
        assert (cells["n"].min(), cells["n"].max()) == (smallest, largest)
        assert (cells["rate"].min(), cells["rate"].max()) == (lowest, highest)
        assert set(intervals.COVERAGE[what]) == set(methods)
        for method, part in cells.groupby("interval")["coverage"]:
            assert intervals.COVERAGE[what][method] == (part.min(), part.max())


def test_the_default_of_a_single_rate_keeps_its_promise():
    cells = inspections().groupby("interval")
    assert cells["coverage"].min()[DEFAULT_INTERVAL] >= 0.94
    assert cells["beyond"].sum()[DEFAULT_INTERVAL] <= cells["beyond"].sum().min() + 5


@pytest.mark.parametrize("fraction", [0.02, 0.3, 0.5])
def test_unrecorded_of_a_year_is_held_by_the_interval_of_its_fraction(fraction):
    """Half a year is audited, the year's failures are wanted: the fraction of the year covers, that of the half does not."""
    rng, audits, n, rate = np.random.default_rng(7), 4000, 400, 0.92
    half = round(n / fraction)
    x = rng.binomial(n, rate, audits)
    of_year = x + rng.binomial(2 * half - n, rate, audits)
    truth = 2 * half - of_year
    covered = dict.fromkeys((half, 2 * half), 0)
    for population in covered:
        p = x / n
        se = np.sqrt(p * (1 - p) / n * (1 - n / population))
        low, high = interval(p, se, np.full(audits, n), df=n - 1)
        covered[population] = np.mean((of_year * (1 - high) / high <= truth) & (truth <= of_year * (1 - low) / low))
    assert 0.935 <= covered[2 * half] <= 0.965
    assert fraction < 0.4 or covered[half] < 0.93


def test_few_unrecorded_crimes_in_a_large_type_are_flagged():
    part = COVERAGE[COVERAGE["estimator"].str.startswith("two types")]
    share = part["estimator"].str.removeprefix("two types, ").astype(float)
    few = (share > 0.25) & (part["n"] * (1 - part["rate"]) < estimation.FEW_FAILURES - 1e-9)
    is_default, is_other = part["interval"] == COMBINED[0], part["interval"] == DEFAULT_INTERVAL
    assert part.loc[few & is_other, "coverage"].min() < 0.65
    assert part.loc[few & is_default, "coverage"].min() > 0.93
    assert part.loc[~few & is_other, "coverage"].min() > 0.93
    known = {"violence": 700, "sexual": 300}
    few = Design(sample({"violence": (96, 100), "sexual": (400, 500)}), "recorded", population=50_000)
    enough = Design(sample({"violence": (400, 500), "sexual": (96, 100)}), "recorded", population=50_000)
    assert "few_failures" in stratified_rate(few, "crime_type", known).flags
    assert "few_failures" not in stratified_rate(enough, "crime_type", {"violence": 900, "sexual": 100}).flags
    assert "few_failures" in stratified_rate(enough, "crime_type", known).flags


@pytest.mark.parametrize(("failed", "share", "flagged"), [(4, 0.26, True), (5, 0.26, False), (4, 0.25, False)])
def test_few_failures_are_under_five_in_over_a_quarter_of_the_successes(failed, share, flagged):
    crimes = sample({"violence": (100 - failed, 100), "other": (80, 100)})
    known = {"violence": round(1000 * share), "other": round(1000 * (1 - share))}
    estimate = stratified_rate(Design(crimes, "recorded", population=50_000), "crime_type", known)
    assert ("few_failures" in estimate.flags) == flagged


def in_clusters(outcomes):
    """A design of the clusters of each kind, drawn by kind from an endless population; clusters are lists of outcomes."""
    rows = [(k, f"{k}{i}", y) for k, clusters in outcomes.items() for i, ys in enumerate(clusters) for y in ys]
    crimes = pd.DataFrame(rows, columns=["kind", "incident", "recorded"]).assign(one=1.0)
    return Design(crimes, "recorded", "kind", "incident", weights="one", infinite_population=True)


def combined_by_hand(outcomes, least):
    """MOVER-logit limits with standard errors worked out cluster by cluster, at least those of variances `least`."""
    values, lows, highs, known = [], [], [], []
    for kind, clusters in outcomes.items():
        n, p, number = sum(map(len, clusters)), np.mean(np.concatenate(clusters)), len(clusters)
        shown = number / (number - 1) * sum((sum(ys) - p * len(ys)) ** 2 for ys in clusters) / n**2
        low, high = interval(p, math.sqrt(max(shown, least(kind, n, p, shown))), n, "logit", df=number - 1)
        values, lows, highs, known = [*values, p], [*lows, low], [*highs, high], [*known, 100 * p]
    found = stratified_rate(in_clusters(outcomes), "kind", dict(zip(outcomes, known, strict=True)), "mover-logit")
    return (found.low, found.high), square_and_add(values, lows, highs, known)


def test_clusters_of_one_size_are_no_more_precise_than_independent_units():
    """Of "a" both crimes of an incident fail or none; of "b" never both, which looks less varied than by chance."""
    outcomes = {"a": [(0, 0)] * 8 + [(1, 1)] * 42, "b": [(0, 1)] * 10 + [(1, 1)] * 40}
    found, by_hand = combined_by_hand(outcomes, lambda kind, n, p, shown: p * (1 - p) / n)
    assert found == pytest.approx(by_hand, rel=1e-12)
    assert found != pytest.approx(combined_by_hand(outcomes, lambda *_: 0.0)[1], rel=1e-3)


def test_few_large_clusters_are_no_more_precise_than_the_likeness_of_all_groups_lets_them_be():
    """Forty incidents of one crime and ten of four, three of which fail as a whole in "a", none in "b".

    By Kish's formula clusters make a variance 1 + (b - 1) rho times as large, here with b = (40 + 10 * 16) / 80 = 2.5. Their
    effective number is (40 + 10 * 16)^2 / (40 + 10 * 256) = 15.4 of 50: .69 of rho counts.
    """
    singles = [(0,)] * 4 + [(1,)] * 36
    outcomes = {"a": singles + [(0,) * 4] * 3 + [(1,) * 4] * 7, "b": singles + [(1,) * 4] * 10}
    effects = {}
    combined_by_hand(outcomes, lambda kind, n, p, shown: effects.update({kind: shown / (p * (1 - p) / n)}) or 0.0)
    rho = (effects["a"] + effects["b"] - 2) / (2 * 1.5)
    short = 1 - 200**2 / (50 * 2600)
    assert effects["b"] < 1 + 1.5 * rho * short < effects["a"] and rho < 0.9
    found, by_hand = combined_by_hand(outcomes, lambda kind, n, p, shown: p * (1 - p) / n * (1 + 1.5 * rho * short))
    assert found == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize(
    ("singles", "tens", "share", "flagged"),
    # Effective: (90 + 10 * 100)^2 / (90 + 10 * 10^4) = 11.9 of 100; 22.5 of 180; (8 + 200)^2 / (8 + 2 * 10^4) = 2.2 of 10;
    # 2 of 2: all of one size.
    [(90, 10, 0.26, True), (90, 10, 0.25, False), (160, 20, 0.26, False), (8, 2, 0.26, True), (0, 2, 0.26, False)],
)
def test_few_large_clusters_of_a_group_with_much_weight_are_flagged(singles, tens, share, flagged):
    outcomes = {"a": [(1,)] * singles + [(0, *(1,) * 9)] * tens, "b": [(0,)] * 20 + [(1,)] * 80}
    estimate = stratified_rate(
        in_clusters(outcomes), "kind", {"a": round(1000 * share), "b": round(1000 * (1 - share))}
    )
    assert ("few_clusters" in estimate.flags) == flagged


@pytest.mark.parametrize("stratified", [True, False])
@pytest.mark.parametrize("finite", [True, False])
def test_simulation_estimates_as_the_library_does(stratified, finite):
    """One simulated audit, written out crime by crime, by `stratified_rate` and by the simulation's formulas."""
    simulate, rng = simulation(), np.random.default_rng(5)
    shares = None if stratified else [0.5, 0.2, 0.3]
    kinds = simulate.kinds_of_incident([0.8, 0.9, 0.85], 0.4, type_shares=shares)
    drawn = [60, 30, 40] if stratified else [130]
    counts = simulate.draw_audits(rng, kinds, drawn, replicates=1)
    known = np.array([[300.0, 90.0, 260.0]])
    (rate,), (se,), (n,), (df,), (size,) = simulate.estimate(kinds, counts, known, finite)
    columns = ["crimes", "recorded_crimes", "crime_type", "stratum"]
    table = pd.DataFrame(
        dict(zip(columns, (kinds.crimes, kinds.recorded, kinds.crime_type, kinds.stratum), strict=True))
    )
    table = table.loc[table.index.repeat(counts[0].astype(int))].reset_index(names="kind")
    crimes = table.loc[table.index.repeat(table["crimes"].astype(int))].reset_index(names="incident")
    crimes["recorded"] = crimes.groupby("incident").cumcount() < crimes["recorded_crimes"]
    recorded_crime = dict(enumerate(known[0]))
    # Reported crime of each stratum: recorded crime over the rate of the sample.
    found = crimes.groupby("stratum")["recorded"].mean()
    recorded_in = known[0] if stratified else [known.sum()]
    population = {h: recorded_in[h] / found[h] for h in found.index}
    options = (
        {"population": population, "population_unit": "units"}
        if finite
        else {"infinite_population": True, "weights": "one"}
    )
    design = Design(crimes.assign(one=1.0), "recorded", strata="stratum", clusters="incident", **options)
    estimate = stratified_rate(design, "crime_type", recorded_crime)
    assert (estimate.n, estimate.df) == (n, df)
    assert (estimate.value, estimate.se) == pytest.approx((rate, se), rel=1e-12)
    for method in COMBINED:
        of_types = "wilson" if method == "mover-wilson" else "logit"
        limits = simulate.limits_by_type(kinds, counts, known, finite, of_types)
        low, high = (float(end[0]) for end in square_and_add(*limits[:3], known, limits[3]))
        if method == "combined":
            whole = interval(rate, se, n, "logit", df=df)
            low, high = min(low, whole[0]), max(high, whole[1])
        by_library = stratified_rate(design, "crime_type", recorded_crime, method)
        assert (by_library.low, by_library.high) == pytest.approx((low, high), rel=1e-12)
    assert estimate.interval == COMBINED[0]
    by_library = stratified_rate(design, "crime_type", recorded_crime, "wilson")
    assert (by_library.low, by_library.high) == pytest.approx(interval(rate, se, n, "wilson", df=df), rel=1e-12)
    # Weight of a crime: recorded crime of its type over the recorded crimes of the sample.
    weight = known[0] / crimes.groupby("crime_type")["recorded"].sum()
    assert design.effective_size(crimes["crime_type"].map(weight).to_numpy()) == pytest.approx(size, rel=1e-12)


@pytest.mark.parametrize("fraction", [0, 0.3])
def test_committed_coverage_can_be_repeated(fraction):
    simulate = simulation()
    incidents_drawn = round(200 / simulate.mean_crimes(simulate.ONE_TO_THREE))
    population = [round(incidents_drawn / fraction)] if fraction else None
    kinds = simulate.kinds_of_incident([0.9], 0.3)
    rows = simulate.simulate(np.random.default_rng(1), kinds, [incidents_drawn], population, known=[1.0])
    again = {row[0]: row[1] for row in rows}
    cells = COVERAGE[(COVERAGE["estimator"] == "ratio") & (COVERAGE["n"] == 200) & (COVERAGE["rate"] == 0.9)]
    cells = cells[(cells["crimes_per_incident"] == "1-3") & (cells["correlation"] == 0.3)]
    cells = cells[cells["sampling_fraction"] == fraction].set_index("interval")
    assert set(cells.index) == set(INTERVALS)
    for method, coverage in cells["coverage"].items():
        assert again[method] == pytest.approx(coverage, abs=0.012)  # four standard errors of a difference


@pytest.mark.parametrize(("population", "n"), [(200, 100), (500, 450), (1282, 266), (60, 10), (1000, 40)])
def test_without_an_unrecorded_crime_the_interval_holds_what_could_go_unseen(population, n):
    """K unrecorded crimes go unseen with the hypergeometric chance of drawing none: those above 2.5 % must be inside."""
    by_counts = pooled_rate(n, n, population, interval="clopper-pearson")
    design = Design(pd.DataFrame({"recorded": [True] * n}), "recorded", population=population)
    by_design = weighted_rate(design, interval="clopper-pearson")
    assert by_design.low == pytest.approx(by_counts.low, rel=1e-12)
    unseen = stats.hypergeom.pmf(0, population, np.arange(1, population - n + 1), n)
    possible = int((unseen > 0.025).sum())  # the largest number unrecorded that is not improbable
    assert (1 - by_counts.low) * population >= possible


def test_an_average_of_no_variance_is_refused():
    crimes = pd.DataFrame({"recorded": [1, 0, 1, 1, 0, 1, 1], "stratum": list("aaaabbc")})
    crimes["incident"] = [1, 2, 3, 4, 5, 5, 6]
    design = Design(
        crimes,
        "recorded",
        strata="stratum",
        clusters="incident",
        population={"a": 40, "b": 20, "c": 10},
        lonely="average",
        population_unit="units",
    )
    assert weighted_rate(design).se > 0
    with pytest.raises(ValueError, match="every stratum of the domain has one cluster"):
        weighted_rate(design, domain=(crimes["stratum"] != "a").to_numpy())


def test_the_difference_from_a_census_is_no_census():
    census, sample = pooled_rate(90, 100, population=100), pooled_rate(460, 500, population=9000)
    assert "census" in census.flags and "census" not in difference(census, sample).flags
    assert "census" in difference(census, census).flags


def test_a_domain_names_the_value_that_is_neither():
    design = Design(pd.DataFrame({"recorded": [True, False, True]}), "recorded", population=30)
    with pytest.raises(ValueError, match="got 'perhaps' in row 1"):
        weighted_rate(design, domain=np.array([True, "perhaps", False], dtype=object))
