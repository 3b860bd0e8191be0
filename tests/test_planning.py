"""How many units and clusters, shared how among strata: published tables, other software, limits. A second."""

import math

import numpy as np
import pytest
from scipy import stats

from cdi_lib.statistics.planning import allocate, allocate_for_margin, margin_for, sample_size, size_to_detect

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
    assert sample_size(0.5, 0.05, population=population) == crimes


def test_plan_from_crimes_to_incidents():
    units = sample_size(0.9, 0.02, population=30_000, design_effect=1.2)
    z = stats.norm.ppf(0.975)
    unlimited = 1.2 * z**2 * 0.9 * 0.1 / 0.02**2
    assert units == math.ceil(unlimited / (1 + unlimited / 30_000))
    assert margin_for(units, 0.9, population=30_000, design_effect=1.2) <= 0.02
    assert margin_for(units - 1, 0.9, population=30_000, design_effect=1.2) > 0.02
    options = {"design_effect": 1.2, "units_per_cluster": 1.25, "response_rate": 0.9}
    incidents = allocate_for_margin({"all": 24_000}, 0.9, 0.02, **options).counts["all"]
    assert incidents == math.ceil(units / 1.25 / 0.9)


def test_a_census_has_no_margin():
    assert margin_for(500, 0.9, population=500) == 0


def test_size_to_detect_agrees_with_statsmodels():
    power = pytest.importorskip("statsmodels.stats.power")
    null, alternative = math.sqrt(2 * 0.86 * 0.14), math.sqrt(0.8 * 0.2 + 0.92 * 0.08)
    n = power.normal_sample_size_one_tail(0.12, 0.8, 0.025, std_null=null, std_alternative=alternative)
    assert size_to_detect(0.80, 0.92, None) == math.ceil(n)


@pytest.mark.parametrize(
    ("before", "now", "options", "crimes"),
    # R 4.2.2, power.prop.test(p1 = , p2 = , power = 0.8): $n is 685.5969, 130.0655; with power 0.9 and
    # sig.level 0.01: 6090.637
    [(0.85, 0.90, {}, 686), (0.80, 0.92, {}, 131), (0.92, 0.90, {"power": 0.9, "confidence": 0.99}, 6_091)],
)
def test_size_to_detect_agrees_with_r(before, now, options, crimes):
    assert size_to_detect(before, now, None, **options) == crimes


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
    n1 = size_to_detect(before, now, n_before)
    n0 = n_before or n1
    x0, x1 = np.arange(n0 + 1)[:, None], np.arange(n1 + 1)
    pooled = (x0 + x1) / (n0 + n1)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = abs(x1 / n1 - x0 / n0) / np.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))
    chance = stats.binom.pmf(x0, n0, before) * stats.binom.pmf(x1, n1, now)
    assert chance[z > stats.norm.ppf(0.975)].sum() == pytest.approx(0.8, abs=0.03)


def test_size_to_detect_counts_the_finite_population_and_the_design_effect():
    assert size_to_detect(0.80, 0.92, 300, population=200) < size_to_detect(0.80, 0.92, 300)
    assert size_to_detect(0.80, 0.92, 300, design_effect=1.5) > 1.5 * 90


def test_size_to_detect_says_when_the_earlier_sample_is_too_small():
    with pytest.raises(ValueError, match="earlier sample of 82 units is too small"):
        size_to_detect(0.90, 0.92, 82)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample_size(92, 0.02), r"rate must be a proportion .* got 92; if 92 % is meant, write 0.92"),
        (lambda: sample_size(0.92, 2), r"margin must be a proportion .* got 2; if 2 % is meant, write 0.02"),
        (lambda: sample_size(0.92, 0.02, 95), r"confidence must be .* got 95; if 95 % is meant, write 0.95"),
        (lambda: sample_size(0.92, 0.02, 0.05), "confidence must be a proportion between 0.5 and 1"),
        (lambda: sample_size(1.0, 0.02), "rate must be a proportion between 0 and 1, both excluded; got 1.0"),
        (lambda: sample_size(0.92, 0.02, population=0.5), "population must be a number of units greater than 1"),
        (lambda: sample_size(0.92, 0.02, population=float("nan")), "population must be a finite number"),
        (lambda: allocate_for_margin({"a": 9}, 0.92, 0.02, response_rate=95), "response_rate must be .* write 0.95"),
        (
            lambda: allocate_for_margin({"a": 9}, 0.92, 0.02, units_per_cluster=0.8),
            "units_per_cluster .* at least 1; got 0.8",
        ),
        (lambda: sample_size(0.92, 0.02, design_effect=0), "design_effect must be greater than 0"),
        (lambda: sample_size("0.9", 0.02), "rate must be a proportion"),
        (lambda: margin_for(0.5, 0.9), "n must be a whole number of at least 1; got 0.5; a proportion is not"),
        (lambda: margin_for(600, 0.9, population=500), "n must be at most the population of 500 units; got 600"),
        (lambda: size_to_detect(0.9, 0.9, 100), "rate_before and rate_now must differ"),
        (lambda: size_to_detect(0.9, 0.92, None, population=900), "needs .* units, the population has only 900"),
        (lambda: size_to_detect(0.8, 0.92, 100, power=80), "power must be .* write 0.8"),
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


def test_neyman_allocation_follows_its_formula():
    size, p = np.array(list(STRATA.values())), np.array(list(RATES.values()))
    weight = size * np.sqrt(p * (1 - p))
    neyman = allocate(1_200, STRATA, "neyman", rates=RATES)
    assert list(neyman.ideal.values()) == pytest.approx(1_200 * weight / weight.sum())


def test_precision_allocation_reaches_the_margin_in_every_stratum():
    made = allocate_for_margin(STRATA, RATES, 0.02)
    for h, n in made.counts.items():
        assert margin_for(n, RATES[h], population=STRATA[h]) <= 0.02 < margin_for(n - 1, RATES[h], population=STRATA[h])
    one = {"violence": 0.02, "sexual": 0.05, "other": 0.02}
    assert allocate_for_margin(STRATA, RATES, one).counts["sexual"] < made.counts["sexual"]


def test_precision_allocation_is_capped_and_says_so():
    made = allocate_for_margin({"a": 50, "b": 9_000}, 0.9, 0.03, response_rate=0.5)
    assert made.counts["a"] == 50
    note = "a: its share of 90.0 is more than the frame has; all 50 are drawn; the margin wanted is not reached"
    assert made.notes == (note,)


def test_a_small_stratum_is_exhausted_and_the_rest_redistributed():
    made = allocate(900, {"violence": 5_000, "sexual": 100, "other": 5_000}, "equal")
    assert made.counts == {"violence": 400, "sexual": 100, "other": 400}
    (note,) = made.notes
    assert note.startswith("sexual: its share of 300.0 is more than the frame has; all 100 are drawn; the rest")


def test_a_minimum_can_lift_the_cap_of_another_stratum():
    """Shares of 27, 3 and 30: once b has its minimum, a's is 40 x 27/57 = 18.9 and its 25 are no limit."""
    strata = {"a": 25, "b": 100, "c": 100}
    spread = {"a": 27 / 25 / 4, "b": 3 / 100 / 4, "c": 30 / 100 / 4}  # standard deviations that give these shares
    rates = {h: (1 + math.sqrt(1 - 4 * s**2)) / 2 for h, s in spread.items()}
    made = allocate(60, strata, "neyman", rates=rates, minimum={"a": 0, "b": 20, "c": 0})
    assert list(made.ideal.values()) == pytest.approx([27, 3, 30])
    assert made.counts == {"a": 19, "b": 20, "c": 21}
    assert made.notes[0] == ("a: its share of 27.0 is not in 0 (minimum) to 25 (frame); other limits made it 19")


def test_empty_strata_and_single_records_are_told():
    made = allocate(10, {"a": 0, "b": 20, "c": 2_000})
    assert made.counts == {"a": 0, "b": 0, "c": 10}
    assert made.notes[0] == "a: the frame has no record of it"
    assert "b: 0 of 20 drawn, too few" in made.notes[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: allocate(40_000, STRATA), r"at most the records of the frame \(32467\); got 40000"),
        (lambda: allocate(0.1, STRATA), "total must be a whole number of at least 1; got 0.1; a proportion is not"),
        (lambda: allocate(100, STRATA, minimum=40), r"at least the minimums \(120\)"),
        (lambda: allocate(100, STRATA, "optimal"), "method must be one of proportional, equal, neyman"),
        (lambda: allocate(100, STRATA, "neyman"), "needs rates"),
        (lambda: allocate(100, STRATA, "neyman", rates={"violence": 0.9}), r"missing: \['other', 'sexual'\]"),
        (lambda: allocate(100, STRATA, "neyman", rates=RATES | {"rape": 0.9}), r"not in the frame: \['rape'\]"),
        (lambda: allocate(100, STRATA, "neyman", rates=RATES | {"other": 93}), "rate of stratum 'other'.*write 0.93"),
        (lambda: allocate(100, STRATA, "neyman", rates=RATES | {"other": 1.0}), "rate of stratum 'other'"),
        (lambda: allocate_for_margin(STRATA, RATES, 2), "margin of stratum .*write 0.02"),
        (lambda: allocate(None, STRATA), "total must be a whole number"),
        (lambda: allocate(10, {"a": 0.5}), r"strata\['a'\] must be a whole number of at least 0; got 0.5"),
        (lambda: allocate(10, {"a": 0}), "at least one stratum with a record"),
    ],
)
def test_what_the_allocation_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()
