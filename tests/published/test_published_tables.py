"""Tables that others have published, row by row. Each test is named after its source."""

import math
from pathlib import Path

import pandas as pd
import pytest

from cdi_lib.statistics.assurance import size_for_width, size_to_show
from cdi_lib.statistics.design import Design
from cdi_lib.statistics.estimation import domain_rates, pooled_rate, raked_rate, weighted_rate
from cdi_lib.statistics.intervals import hypergeometric
from cdi_lib.statistics.planning import sample_size
from cdi_lib.statistics.totals import total
from cdi_lib.statistics.two_stage import two_stage_rate

HERE = Path(__file__).parent


def rows(strata):
    """Units by stratum: name to (failures, sampled)."""
    found = [(name, k < x) for name, (x, n) in strata.items() for k in range(n)]
    return pd.DataFrame(found, columns=["stratum", "failed"])


def rat_stats_strata():
    sizes = {"first": 1000, "second": 1500}
    return Design(rows({"first": (2, 100), "second": (6, 100)}), "failed", "stratum", population=sizes)


@pytest.mark.parametrize(("confidence", "precision"), [(0.80, 1.901), (0.90, 2.439), (0.95, 2.907)])
def test_rat_stats_companion_manual_2_7_stratified_attribute(confidence, precision):
    rate = weighted_rate(rat_stats_strata(), interval="normal", confidence=confidence)
    assert 100 * rate.value == pytest.approx(4.400, abs=5e-4)
    assert 100 * rate.se == pytest.approx(1.483, abs=5e-4)
    assert 100 * rate.margin == pytest.approx(precision, abs=6e-4)


def test_rat_stats_companion_manual_2_7_total():
    found = total(rat_stats_strata(), "successes", confidence=0.90)
    assert [round(x) for x in (found.value, found.se, found.low, found.high)] == [110, 37, 49, 171]


@pytest.mark.parametrize(
    ("n", "x", "confidence", "limits"),
    [
        (400, 82, 0.90, (1729, 2403)),
        (400, 82, 0.95, (1673, 2470)),
        (666, 133, 0.80, (1805, 2202)),
        (666, 133, 0.90, (1754, 2259)),
        (666, 133, 0.95, (1710, 2310)),
        (991, 248, 0.80, (2334, 2678)),
        (991, 248, 0.90, (2288, 2727)),
        (991, 248, 0.95, (2249, 2770)),
    ],
)
def test_rat_stats_companion_manual_4_26_and_4_28_unrestricted_attribute(n, x, confidence, limits):
    assert hypergeometric(x, n, 10_000, confidence) == limits
    rate = pooled_rate(x, n, 10_000, "hypergeometric", confidence)
    assert (rate.low, rate.high) == (limits[0] / 10_000, limits[1] / 10_000)


def test_rat_stats_companion_manual_2_62_stratified_cluster():
    units = {
        "first": ([8, 12, 4, 5, 6, 6, 7, 5, 8, 3, 2, 6, 5, 10, 9, 3, 6, 5, 5, 4, 6, 8, 7, 3, 8],
                  [2, 3, 2, 1, 1, 2, 2, 2, 2, 1, 0, 2, 1, 3, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 2]),
        "second": ([2, 5, 7, 4, 3, 8, 6, 10, 3, 1], [1, 2, 2, 2, 1, 3, 2, 4, 1, 1]),
    }  # fmt: skip
    found = [
        (name, f"{name} {i}", k < a)
        for name, (sizes, failed) in units.items()
        for i, (m, a) in enumerate(zip(sizes, failed, strict=True))
        for k in range(m)
    ]
    table = pd.DataFrame(found, columns=["stratum", "cluster", "failed"])
    clusters, known = {"first": 415, "second": 168}, {"first": 2500, "second": 1000}
    design = Design(table, "failed", "stratum", "cluster", population=clusters, population_unit="clusters")
    rate = raked_rate(design, {"stratum": known})
    assert 100 * rate.value == pytest.approx(29.05, abs=5e-3)
    assert 100 * rate.se == pytest.approx(1.373, abs=5e-4)  # with g-weights, which rescale to the known units
    # The manual's 1.32 has none: it takes the known units of a cluster, not those of the sampled ones.
    variance = 0.0
    for name, alone in domain_rates(design, "stratum").items():
        sampled = alone.n / alone.clusters
        se = alone.se * sampled / (known[name] / clusters[name])
        variance += (known[name] / 3500 * se) ** 2
    assert 100 * math.sqrt(variance) == pytest.approx(1.32, abs=5e-3)


TWO_STAGE = (
    [50, 65, 45, 48, 52, 58, 42, 66, 40, 56],
    [10, 13, 9, 10, 10, 12, 8, 13, 8, 11],
    [4, 5, 2, 3, 5, 3, 3, 4, 2, 4],
)


def test_rat_stats_companion_manual_2_12_two_stage_ratio():
    rate = two_stage_rate(*TWO_STAGE, population=90)
    assert (100 * rate.value, 100 * rate.se) == (pytest.approx(33.78, abs=5e-3), pytest.approx(2.85, abs=5e-3))


def test_rat_stats_companion_manual_2_12_two_stage_known_units():
    rate = two_stage_rate(*TWO_STAGE, population=90, population_units=4500)
    assert (100 * rate.value, 100 * rate.se) == (pytest.approx(35.26, abs=5e-3), pytest.approx(3.67, abs=5e-3))
    assert [round(4500 * end) for end in (rate.low, rate.high)] == [1263, 1911]


@pytest.mark.parametrize(
    ("rate", "sizes"), [(0.2, {80: 314, 90: 488, 95: 666, 99: 1079}), (0.5, {80: 466, 90: 725, 95: 991, 99: 1580})]
)
def test_rat_stats_companion_manual_4_25_size_for_a_width(rate, sizes):
    """The manual's search stops a few units off the fewest; each of its sizes has the width, or lacks it by one record."""
    for confidence, published in sizes.items():
        found = size_for_width(rate, 0.06, 10_000, confidence / 100)
        assert abs(found - published) <= 6
        low, high = hypergeometric(round(published * rate), published, 10_000, confidence / 100)
        assert high - low <= 601


@pytest.mark.parametrize(
    "row", pd.read_csv(HERE / "aicpa_upper_limits.csv").to_dict("records"), ids=lambda r: r["confidence"]
)
def test_aicpa_audit_guide_2017_a3_and_a4_upper_limits(row):
    n, two_sided = int(row["n"]), 2 * row["confidence"] / 100 - 1
    for k in range(11):
        rate = pooled_rate(n - k, n, infinite_population=True, interval="clopper-pearson", confidence=two_sided)
        upper = math.ceil(1000 * (1 - rate.low) - 1e-9) / 10  # the guide rounds up
        assert upper == row[f"k{k}"], k


@pytest.mark.parametrize(
    ("tolerable", "expected", "size"),
    [(5, 0, 59), (5, 2, 181), (5, 2.5, 234), (5, 3, 361), (10, 5, 116), (10, 6, 179), (10, 8, 649)],
)
def test_aicpa_audit_guide_2017_a1_sizes(tolerable, expected, size):
    assert size_to_show(1 - tolerable / 100, expected / 100) == size


@pytest.mark.parametrize(
    ("population", "sizes"), [(500, [35, 47, 69, 129]), (1000, [36, 48, 71, 138]), (5000, [36, 49, 73, 147])]
)
def test_ez_quant_2_0_6_sizes_without_errors(population, sizes):
    found = [size_to_show(1 - tolerable / 100, population=population) for tolerable in (8, 6, 4, 2)]
    assert found == sizes


def test_cochran_1977_total_of_a_proportion():
    """38 of 200 names of a list of 3,042."""
    found = total(Design(rows({"all": (38, 200)}), "failed", population=3042), "successes")
    assert (round(found.value), round(found.se, 1)) == (578, 81.8)


def test_lohr_2010_agsrs():
    """153 of 300 counties of 3,078."""
    rate = weighted_rate(Design(rows({"all": (153, 300)}), "failed", population=3078), interval="normal")
    assert (rate.value, round(rate.se, 4)) == (0.51, 0.0275)
    assert (round(rate.low, 3), round(rate.high, 3)) == (0.456, 0.564)


@pytest.mark.parametrize(("population", "size"), [(10, 10), (50, 44), (100, 80), (500, 217), (1000, 278), (10000, 370)])
def test_krejcie_and_morgan_1970(population, size):
    assert sample_size(0.5, 0.05, population=population) - size in (0, 1)
