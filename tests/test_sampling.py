"""Plan and allocation of a sample: ``cdi_lib.statistics.planning`` and the plan of an inspection."""

import math

import numpy as np
import pytest
from scipy import stats

from cdi_lib.inspection.measures import check_measures, planned_sample
from cdi_lib.inspection.parameters import SamplingPlan, load_inspection
from cdi_lib.inspection.records import load_records
from cdi_lib.statistics.planning import (
    allocate,
    design_effect,
    margin_for,
    margin_table,
    sample_size,
    size_to_detect,
)

# ---- plan --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "audited", "population", "margin"),
    [(438, 491, 11_870, 0.02687), (256, 266, 1_282.1, 0.020349), (1_039, 1_129, 32_311, 0.015521)],
    ids=["violence", "sexual", "overall"],
)
def test_margins_of_the_northamptonshire_report_2020(recorded, audited, population, margin):
    assert margin_for(audited, recorded / audited, population=population) == pytest.approx(margin, abs=1e-5)


@pytest.mark.parametrize(("population", "crimes"), [(None, 385), (10_000, 370), (1_000, 278), (100, 80)])
def test_table_of_sample_sizes_for_five_points(population, crimes):
    # Krejcie and Morgan (1970), Educational and Psychological Measurement 30: rate 0.5, margin 0.05, 95 %.
    # 385 without a population is Cochran's (1977) 384.1, rounded up.
    assert sample_size(0.5, 0.05, population=population).crimes == crimes


def test_plan_from_crimes_to_incidents():
    plan = sample_size(
        0.9, 0.02, population=30_000, design_effect=1.2, crimes_per_incident=1.25, response_rate=0.9
    )
    z = stats.norm.ppf(0.975)
    unlimited = 1.2 * z**2 * 0.9 * 0.1 / 0.02**2
    assert plan.crimes == math.ceil(unlimited / (1 + unlimited / 30_000))
    assert plan.incidents == math.ceil(plan.crimes / 1.25 / 0.9)
    assert plan.margin == margin_for(plan.crimes, 0.9, population=30_000, design_effect=1.2) <= 0.02
    assert margin_for(plan.crimes - 1, 0.9, population=30_000, design_effect=1.2) > 0.02


def test_a_census_has_no_margin():
    assert margin_for(500, 0.9, population=500) == 0


def test_margin_table_agrees_with_margin_for():
    table = margin_table(
        0.92, [100, 400, 1_600], population=20_000, crimes_per_incident=1.5, response_rate=0.8
    )
    assert table["margin"].tolist() == [margin_for(n, 0.92, population=20_000) for n in (100, 400, 1_600)]
    assert table["incidents"].tolist() == [84, 334, 1_334]


def test_design_effect_is_the_variance_ratio_of_clustered_crimes():
    rng, incidents, icc, p = np.random.default_rng(5), 400_000, 0.3, 0.9
    size = rng.integers(1, 4, incidents)
    same = (
        rng.random(incidents) < icc
    )  # all crimes of the incident share their outcome, so they correlate by icc
    shared = rng.random(incidents) < p
    recorded = np.where(same, shared * size, rng.binomial(size, p))
    residual = recorded - p * size
    seen = residual.var() / incidents / size.mean() ** 2 / (p * (1 - p) / size.sum())
    assert design_effect(size.mean(), icc, cv=size.std() / size.mean()) == pytest.approx(seen, rel=0.02)


def test_size_to_detect_agrees_with_statsmodels():
    power = pytest.importorskip("statsmodels.stats.power")
    null, alternative = math.sqrt(2 * 0.86 * 0.14), math.sqrt(0.8 * 0.2 + 0.92 * 0.08)
    n = power.normal_sample_size_one_tail(0.12, 0.8, 0.025, std_null=null, std_alternative=alternative)
    assert size_to_detect(0.80, 0.92, None).crimes == math.ceil(n)


@pytest.mark.parametrize(
    ("before", "now", "options", "crimes"),
    # R 4.2.2, power.prop.test(p1 = , p2 = , power = 0.8): $n is 685.5969, 130.0655; with power 0.9 and
    # sig.level 0.01: 6090.637
    [
        (0.85, 0.90, {}, 686),
        (0.80, 0.92, {}, 131),
        (0.92, 0.90, {"power": 0.9, "confidence": 0.99}, 6_091),
    ],
)
def test_size_to_detect_agrees_with_r(before, now, options, crimes):
    assert size_to_detect(before, now, None, **options).crimes == crimes


@pytest.mark.parametrize(
    ("before", "now", "n_before"),
    [
        (0.82, 0.92, None),
        (0.70, 0.92, 82),
        (0.82, 0.92, 300),
        (0.82, 0.92, 1_000),
        (0.92, 0.97, 1_129),
        (0.90, 0.98, 1_000),
        (0.92, 0.89, 1_129),
    ],
)
def test_size_to_detect_has_its_power_in_exact_binomial_arithmetic(before, now, n_before):
    n1 = size_to_detect(before, now, n_before).crimes
    n0 = n_before or n1
    x0, x1 = np.arange(n0 + 1)[:, None], np.arange(n1 + 1)
    pooled = (x0 + x1) / (n0 + n1)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = abs(x1 / n1 - x0 / n0) / np.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))
    chance = stats.binom.pmf(x0, n0, before) * stats.binom.pmf(x1, n1, now)
    assert chance[z > stats.norm.ppf(0.975)].sum() == pytest.approx(0.8, abs=0.03)


def test_size_to_detect_counts_the_finite_population_and_the_design_effect():
    assert size_to_detect(0.80, 0.92, 300, population=200).crimes < size_to_detect(0.80, 0.92, 300).crimes
    assert size_to_detect(0.80, 0.92, 300, design_effect=1.5).crimes > 1.5 * 90


def test_size_to_detect_says_when_the_earlier_sample_is_too_small():
    with pytest.raises(ValueError, match="earlier sample of 82 crimes is too small"):
        size_to_detect(0.90, 0.92, 82)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample_size(92, 0.02), r"rate must be a proportion .* got 92; if 92 % is meant, write 0.92"),
        (lambda: sample_size(0.92, 2), r"margin must be a proportion .* got 2; if 2 % is meant, write 0.02"),
        (lambda: sample_size(0.92, 0.02, 95), r"confidence must be .* got 95; if 95 % is meant, write 0.95"),
        (lambda: sample_size(0.92, 0.02, 0.05), "confidence must be a proportion between 0.5 and 1"),
        (lambda: sample_size(1.0, 0.02), "rate must be a proportion between 0 and 1, both excluded; got 1.0"),
        (
            lambda: sample_size(0.92, 0.02, population=0.5),
            "population must be a number of crimes greater than 1",
        ),
        (lambda: sample_size(0.92, 0.02, population=float("nan")), "population must be a number"),
        (lambda: sample_size(0.92, 0.02, response_rate=95), "response_rate must be .* write 0.95"),
        (
            lambda: sample_size(0.92, 0.02, crimes_per_incident=0.8),
            "crimes_per_incident .* at least 1; got 0.8",
        ),
        (lambda: sample_size(0.92, 0.02, design_effect=0), "design_effect must be greater than 0"),
        (lambda: sample_size(0.5, 0.05, population=100, response_rate=0.5), "80 crimes need 160 incidents"),
        (lambda: sample_size("0.9", 0.02), "rate must be a proportion"),
        (
            lambda: margin_for(0.5, 0.9),
            "n must be a whole number of at least 1; got 0.5; a proportion is not",
        ),
        (
            lambda: margin_for(600, 0.9, population=500),
            "n must be at most the population of 500 crimes; got 600",
        ),
        (lambda: size_to_detect(0.9, 0.9, 100), "rate_before and rate_now must differ"),
        (
            lambda: size_to_detect(0.9, 0.92, None, population=900),
            "needs .* crimes, the population has only 900",
        ),
        (lambda: size_to_detect(0.8, 0.92, 100, power=80), "power must be .* write 0.8"),
        (lambda: design_effect(1.5, 40), "icc must be a proportion from 0 to 1; got 40"),
    ],
)
def test_what_the_plan_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- allocate ----------------------------------------------------------------------------------------------

STRATA = {"violence": 11_870, "sexual": 1_282, "other": 19_315}
RATES = {"violence": 0.892, "sexual": 0.962, "other": 0.927}


def test_proportional_allocation_by_largest_remainder():
    # 1,000 x 11,870 / 32,467 = 365.60, x 1,282 = 39.49, x 19,315 = 594.91: the two largest remainders go up
    assert allocate(1_000, STRATA).counts == {"violence": 366, "sexual": 39, "other": 595}
    assert allocate(1_000, STRATA).notes == ()


def test_equal_allocation_gives_what_is_left_over_to_the_larger_strata():
    assert allocate(1_000, STRATA, "equal").counts == {"violence": 333, "sexual": 333, "other": 334}


def test_neyman_and_cost_allocation_follow_their_formulas():
    size, p = np.array(list(STRATA.values())), np.array(list(RATES.values()))
    cost = np.array([1.0, 4.0, 2.25])
    weight = size * np.sqrt(p * (1 - p))
    neyman = allocate(1_200, STRATA, "neyman", rates=RATES)
    assert list(neyman.ideal.values()) == pytest.approx(1_200 * weight / weight.sum())
    weight = weight / np.sqrt(cost)
    by_cost = allocate(1_200, STRATA, "cost", rates=RATES, costs=dict(zip(STRATA, cost, strict=True)))
    assert list(by_cost.ideal.values()) == pytest.approx(1_200 * weight / weight.sum())


def test_precision_allocation_reaches_the_margin_in_every_stratum():
    made = allocate(None, STRATA, "precision", rates=RATES, margin=0.02)
    for h, n in made.counts.items():
        assert (
            margin_for(n, RATES[h], population=STRATA[h])
            <= 0.02
            < margin_for(n - 1, RATES[h], population=STRATA[h])
        )
    one = {"violence": 0.02, "sexual": 0.05, "other": 0.02}
    assert (
        allocate(None, STRATA, "precision", rates=RATES, margin=one).counts["sexual"] < made.counts["sexual"]
    )


def test_precision_allocation_is_capped_and_says_so():
    made = allocate(
        None, {"a": 50, "b": 9_000}, "precision", rates={"a": 0.9, "b": 0.9}, margin=0.03, response_rate=0.5
    )
    assert made.counts["a"] == 50
    note = (
        "a: its share of 90.0 is more than the frame has; all 50 are drawn; the margin wanted is not reached"
    )
    assert made.notes == (note,)


def test_a_small_stratum_is_exhausted_and_the_rest_redistributed():
    made = allocate(900, {"violence": 5_000, "sexual": 100, "other": 5_000}, "equal")
    assert made.counts == {"violence": 400, "sexual": 100, "other": 400}
    (note,) = made.notes
    assert note.startswith(
        "sexual: its share of 300.0 is more than the frame has; all 100 are drawn; the rest"
    )


def test_a_minimum_can_lift_the_cap_of_another_stratum():
    """Shares of 27, 3 and 30: once b has its minimum, a's is 40 x 27/57 = 18.9 and its 25 are no limit."""
    strata, half = {"a": 25, "b": 100, "c": 100}, dict.fromkeys("abc", 0.5)
    costs = {"a": (25 / 27) ** 2, "b": (100 / 3) ** 2, "c": (100 / 30) ** 2}
    made = allocate(60, strata, "cost", rates=half, costs=costs, minimum={"a": 0, "b": 20, "c": 0})
    assert list(made.ideal.values()) == pytest.approx([27, 3, 30])
    assert made.counts == {"a": 19, "b": 20, "c": 21}
    assert made.notes[0] == (
        "a: its share of 27.0 is not in 0 (minimum) to 25 (frame); other limits made it 19"
    )


def test_empty_strata_and_single_records_are_told():
    made = allocate(10, {"a": 0, "b": 20, "c": 2_000})
    assert made.counts == {"a": 0, "b": 0, "c": 10}
    assert made.notes[0] == "a: the frame has no record of it"
    assert "b: 0 of 20 drawn, too few" in made.notes[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: allocate(40_000, STRATA), r"at most the records of the frame \(32467\); got 40000"),
        (
            lambda: allocate(0.1, STRATA),
            "total must be a whole number of at least 1; got 0.1; a proportion is not",
        ),
        (lambda: allocate(100, STRATA, minimum=40), r"at least the minimums \(120\)"),
        (lambda: allocate(100, STRATA, "optimal"), "method must be one of proportional, equal, neyman"),
        (lambda: allocate(100, STRATA, "neyman"), "needs rates"),
        (lambda: allocate(100, STRATA, "neyman", rates={"violence": 0.9}), r"missing: \['other', 'sexual'\]"),
        (
            lambda: allocate(100, STRATA, "neyman", rates=RATES | {"rape": 0.9}),
            r"not in the frame: \['rape'\]",
        ),
        (
            lambda: allocate(100, STRATA, "neyman", rates=RATES | {"other": 93}),
            "rate of stratum 'other'.*write 0.93",
        ),
        (lambda: allocate(100, STRATA, "neyman", rates=RATES | {"other": 1.0}), "rate of stratum 'other'"),
        (lambda: allocate(100, STRATA, "cost", rates=RATES), "needs costs"),
        (lambda: allocate(100, STRATA, "cost", rates=RATES, costs=0), "must be greater than 0"),
        (lambda: allocate(100, STRATA, "precision", rates=RATES, margin=0.02), "total=None"),
        (
            lambda: allocate(None, STRATA, "precision", rates=RATES, margin=2),
            "margin of stratum .*write 0.02",
        ),
        (lambda: allocate(None, STRATA), "total must be a whole number"),
        (lambda: allocate(10, {"a": 0.5}), r"strata\['a'\] must be a whole number of at least 0; got 0.5"),
        (lambda: allocate(10, {"a": 0}), "at least one stratum with a record"),
    ],
)
def test_what_the_allocation_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- the plan of an inspection -----------------------------------------------------------------------------

SIZES = {"violence": 10_598, "sexual": 1_187, "other": 18_221}


def asking(**changes):
    """Northamptonshire with other sampling parameters, checked as if they stood in its file."""
    inspection = load_inspection("northamptonshire")
    asked = SamplingPlan(**inspection.sampling.model_dump() | changes)
    return inspection.model_copy(update={"sampling": asked})


def test_the_plan_reaches_the_margin_in_every_stratum():
    planned = planned_sample(asking(response_rate_percent=90), SIZES)
    for name, n in planned.allocation.counts.items():
        one = sample_size(0.9, 0.03, population=SIZES[name] * 1.1, crimes_per_incident=1.1, response_rate=0.9)
        assert n == one.incidents
        assert planned.margins[name] == pytest.approx(one.margin, abs=2e-4)
    weights = {name: size / sum(SIZES.values()) for name, size in SIZES.items()}
    variance = sum((weights[name] * planned.margins[name]) ** 2 for name in SIZES)  # of independent strata
    assert planned.overall_margin == pytest.approx(math.sqrt(variance))
    assert planned.crimes["violence"] == math.floor(planned.allocation.counts["violence"] * 1.1 * 0.9)


def test_the_plan_without_a_frame_is_by_crime_type_from_recorded_crime():
    planned = planned_sample(asking())
    # 21,900 violent crimes in 12 months, half of them in the audit period, 96.7 % auditable, 90 % recorded, 1.1 an incident
    assert planned.allocation.frame["violence"] == round(21_900 / 2 * 0.967 / 0.9 / 1.1)
    assert planned.allocation.counts == {"violence": 340, "sexual": 274, "other": 343}


def test_the_plan_shares_a_total_as_the_parameters_say():
    shared = asking(
        total_incidents=1_000,
        allocation="neyman",
        minimum_incidents=100,
        expected_rates_percent={"violence": 85},
    )
    planned = planned_sample(shared, SIZES)
    rates = {"violence": 0.85, "sexual": 0.9, "other": 0.9}
    assert planned.rates == rates
    assert planned.allocation == allocate(1_000, SIZES, "neyman", rates=rates, minimum=100)
    given = {"violence": 400, "sexual": 250, "other": 350}
    assert planned_sample(asking(incidents=given), SIZES).allocation.counts == given


def test_a_given_number_of_incidents_by_other_strata_leaves_the_plan_by_crime_type():
    assert (
        planned_sample(asking(incidents={"control room": 400})).allocation
        == planned_sample(asking()).allocation
    )


@pytest.mark.parametrize(
    ("changes", "sizes", "message"),
    [
        ({"incidents": {"violence": 10}}, SIZES, r"sampling.incidents .* missing: \['other', 'sexual'\]"),
        (
            {"expected_rates_percent": {"rape": 80}},
            SIZES,
            "names rape; the strata are violence, sexual, other",
        ),
        ({"total_incidents": 60_000, "allocation": "equal"}, SIZES, "got 60000"),
        ({"total_incidents": 60_000, "allocation": "equal"}, None, "got 60000"),
    ],
)
def test_what_the_plan_of_an_inspection_refuses(changes, sizes, message):
    with pytest.raises(ValueError, match=message):
        planned_sample(asking(**changes), sizes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"total_incidents": 100}, "total_incidents together with allocation"),
        ({"allocation": "equal"}, "total_incidents together with allocation"),
        ({"expected_rate_percent": 100}, "expected rates below 100"),
        ({"expected_rates_percent": {"violence": 100}}, "expected rates below 100"),
    ],
)
def test_what_the_sampling_parameters_refuse(changes, message):
    with pytest.raises(ValueError, match=message):
        asking(**changes)


def test_a_plan_that_cannot_be_is_found_before_any_notebook_runs():
    inspection = asking(total_incidents=60_000, allocation="proportional")
    problems = check_measures("northamptonshire", inspection, load_records("northamptonshire", inspection))
    assert any(problem.where == "sampling" and "60000" in problem.expected for problem in problems)


def test_strata_of_the_same_name_as_text_are_refused():
    with pytest.raises(ValueError, match="two have the same name"):
        allocate(10, {1: 30, "1": 50})
