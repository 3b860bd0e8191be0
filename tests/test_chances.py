"""The simulation of classes against exact probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cdi_lib.statistics import chances

SCORE = np.linspace(0.0005, 0.9995, 1000)


def test_scores_are_uniform_independent_and_the_same_for_the_same_seed():
    drawn = chances.scores(["a", "b"], {}, 20_000, 1)
    assert stats.kstest(drawn["a"], "uniform").pvalue > 0.01
    assert abs(np.corrcoef(drawn["a"], drawn["b"])[0, 1]) < 0.03
    again = chances.scores(["a", "b"], {}, 20_000, 1)
    assert (drawn["b"] == again["b"]).all()
    assert (drawn["a"] != chances.scores(["a", "b"], {}, 20_000, 2)["a"]).any()


def test_a_whole_correlates_with_its_parts_and_stays_uniform():
    drawn = chances.scores(["whole", "a", "b"], {"whole": {"a": 0.6, "b": 0.5}}, 40_000, 1)
    normal = {name: stats.norm.ppf(values) for name, values in drawn.items()}
    assert np.corrcoef(normal["whole"], normal["a"])[0, 1] == pytest.approx(0.6, abs=0.02)
    assert np.corrcoef(normal["whole"], normal["b"])[0, 1] == pytest.approx(0.5, abs=0.02)
    assert normal["whole"].std() == pytest.approx(1, abs=0.02)


def test_correlations_that_explain_more_than_all_are_scaled_down():
    drawn = chances.scores(["whole", "a", "b"], {"whole": {"a": 0.9, "b": 0.9}}, 40_000, 1)
    normal = {name: stats.norm.ppf(values) for name, values in drawn.items()}
    assert np.corrcoef(normal["whole"], normal["a"])[0, 1] == pytest.approx(0.5**0.5, abs=0.02)
    assert normal["whole"].std() == pytest.approx(1, abs=0.02)


def test_correlation_with_a_part_follows_its_slope_and_the_margins():
    # A mean of two independent halves: slope 1/2, the margin of a half is the square root of two times as wide.
    assert chances.correlation_with_part(0.5, 2**0.5, 1.0) == pytest.approx(0.5**0.5)
    assert chances.correlation_with_part(0.5, None, 1.0) == 0
    assert chances.correlation_with_part(0.5, 1.0, 0.0) == 0


def test_quantiles_of_a_rate_have_its_mean_and_standard_error():
    low, high = 0.90 - 0.0295, 0.90 + 0.0295
    values = chances.rate_quantiles(0.90, low, high, 0.95, SCORE)
    assert values.mean() == pytest.approx(0.90, abs=0.0005)
    # scipy 1.16: 0.0295 / stats.norm.ppf(0.975) = 0.01505
    assert values.std() == pytest.approx(0.01505, abs=0.0002)


@pytest.mark.parametrize(("value", "low", "high"), [(1.0, 0.95, 1.0), (0.0, 0.0, 0.05)])
def test_quantiles_of_all_or_nothing_have_the_inner_end_as_their_tail(value, low, high):
    values = chances.rate_quantiles(value, low, high, 0.95, SCORE)
    beyond = (values < low).mean() if value else (values > high).mean()
    assert beyond == pytest.approx(0.025, abs=0.001)
    assert (values >= 0).all() and (values <= 1).all()


@pytest.mark.parametrize("ends", [(None, None), (0.8, None), (0.9, 0.9)])
def test_a_rate_without_an_interval_does_not_vary(ends):
    assert (chances.rate_quantiles(0.9, *ends, 0.95, SCORE) == 0.9).all()


def test_quantiles_of_a_share_are_those_of_the_jeffreys_posterior():
    # Brown, Cai & DasGupta (2001), table 5 (Jeffreys intervals, 95 %): 0 of 10 up to 0.217, 2 of 10 from 0.044 to 0.503
    ends = np.array([0.025, 0.975])
    assert chances.share_quantiles(2, 10, ends) == pytest.approx([0.044, 0.503], abs=0.0006)
    assert chances.share_quantiles(0, 10, ends)[1] == pytest.approx(0.217, abs=0.0006)


def test_classes_include_their_lower_edge():
    cuts = np.array([90.0, 80.0])
    values = np.array([100 * 0.9, 90.0, 89.99, 80.0, 79.99])
    assert chances.classes(values, cuts).tolist() == [0, 0, 1, 1, 2]


def test_a_rule_is_applied_to_each_combination():
    parts = {"a": np.array([0, 1, 0, 1]), "b": np.array([0, 0, 2, 0])}
    seen = []

    def worst(ranks):
        seen.append(ranks)
        return max(ranks.values())

    assert chances.by_combination(parts, worst).tolist() == [0, 1, 2, 1]
    assert len(seen) == 3


def test_frequencies_are_shares_and_none_where_a_class_is_unknown():
    assert chances.frequencies(np.array([0, 1, 1, 1]), ["a", "b", "c"]) == {"a": 0.25, "b": 0.75, "c": 0}
    assert chances.frequencies(np.array([0, chances.UNKNOWN]), ["a", "b"]) is None
