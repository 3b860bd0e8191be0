"""How sure a classification of sample results is: what would have come out, had the sample been drawn again.

Each simulated survey has a score in (0, 1) for each of its estimates (:func:`scores`): how lucky it was. A score
becomes a value that the true proportion may have (:func:`rate_quantiles`, :func:`share_quantiles`), a value a class by
cut-offs (:func:`classes`), and the classes of several estimates one class by a rule (:func:`by_combination`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Ranks = NDArray[np.int64]

UNKNOWN = -1  # rank of what has no class
TOLERANCE = 1e-9  # rounding noise of floating-point division must not decide a class


def scores(
    names: Iterable[str], correlations: Mapping[str, Mapping[str, float]], draws: int, seed: int
) -> dict[str, Floats]:
    """Scores in (0, 1) of each estimate in each simulated survey, higher is better: a Gaussian copula.

    ``correlations`` has, for an estimate that is made of others (a whole), its correlation with each of them
    (:func:`correlation_with_part`); the others are independent. A part that is itself a whole stands before its wholes.
    Squares that add up to more than 1 are scaled down to 1. ``draws`` is the number of simulated surveys.

    >>> drawn = scores(["all", "men"], {"all": {"men": 0.8}}, 20_000, 1)
    >>> round(float(np.corrcoef(drawn["all"], drawn["men"])[0, 1]), 1)
    0.8
    """
    random = np.random.default_rng(seed)
    normal = {name: random.standard_normal(draws) for name in names}
    for whole, parts in correlations.items():
        explained = sum(correlation**2 for correlation in parts.values())
        shrink = max(explained, 1.0) ** 0.5
        common = sum((r / shrink * normal[part] for part, r in parts.items()), np.zeros(draws))
        normal[whole] = max(1 - explained, 0.0) ** 0.5 * normal[whole] + common
    return {name: np.asarray(special.ndtr(values)) for name, values in normal.items()}


def correlation_with_part(slope: float, margin: float | None, margin_of_whole: float | None) -> float:
    """Correlation of an estimate with one that it is made of; 0 where either margin is not known.

    ``slope`` says how far the whole moves when the part moves by one: the derivative of its formula. ``margin`` and
    ``margin_of_whole`` are half the widths of their intervals, at one level.

    >>> round(correlation_with_part(0.5, 0.04, 0.025), 3)  # of a mean of two estimates with the less precise one
    0.8
    """
    return slope * margin / margin_of_whole if margin and margin_of_whole else 0.0


def rate_quantiles(value: float, low: float | None, high: float | None, confidence: float, score: Floats) -> Floats:
    """Values of a true proportion that are compatible with its confidence interval.

    A Beta distribution with the estimate as mean and the effective size that the width of the interval implies: it
    stays in [0, 1] and is lopsided near 1, as the interval is. At 0 or 1 the interval has one inner end, which becomes
    the tail. ``value``, ``low`` and ``high`` are proportions; without an interval the estimate is taken as it is.

    >>> rate_quantiles(0.92, 0.90, 0.94, 0.95, np.array([0.025, 0.5, 0.975])).round(3)
    array([0.899, 0.92 , 0.939])
    """
    if low is None or high is None or high <= low:
        return np.full(len(score), value)
    if not 0 < value < 1:
        inner = low if value >= 1 else 1 - high
        size = max(math.log((1 - confidence) / 2) / math.log(max(inner, 1e-6)), 1.0)
        one_sided = np.asarray(special.betaincinv(size, 1.0, score))
        return one_sided if value >= 1 else 1 - one_sided
    mean = min(max(value, 1e-6), 1 - 1e-6)
    se = (high - low) / (2 * special.ndtri((1 + confidence) / 2))
    size = max(mean * (1 - mean) / se**2 - 1, 1.0)
    return np.asarray(special.betaincinv(mean * size, (1 - mean) * size, score))


def share_quantiles(x: int, n: int, score: Floats) -> Floats:
    """Values of a true proportion of which a simple random sample found x of n: quantiles of the Jeffreys posterior.

    Beta(x + 1/2, n - x + 1/2): Brown, Cai & DasGupta (2001), Interval estimation for a binomial proportion, 3.1.3.

    >>> share_quantiles(8, 10, np.array([0.025, 0.975])).round(3)  # the Jeffreys interval of 8 of 10
    array([0.497, 0.956])
    """
    return np.asarray(special.betaincinv(x + 0.5, n - x + 0.5, score))


def classes(values: Floats, cuts: Floats) -> Ranks:
    """Rank of the class of each value, 0 is best: the number of cut-offs that it does not reach.

    >>> classes(np.array([95.0, 90.0, 70.0]), np.array([90.0, 80.0]))
    array([0, 0, 2])
    """
    return np.asarray((values[:, None] < cuts[None, :] - TOLERANCE).sum(axis=1))


def by_combination(parts: Mapping[str, Ranks], rule: Callable[[dict[str, int]], int]) -> Ranks:
    """Apply a rule to the ranks of the parts in each simulated survey; equal combinations are worked out once.

    >>> by_combination({"a": np.array([0, 1]), "b": np.array([2, 0])}, lambda ranks: max(ranks.values()))
    array([2, 1])
    """
    table = np.column_stack(list(parts.values()))
    combinations, which = np.unique(table, axis=0, return_inverse=True)
    found = [rule(dict(zip(parts, map(int, ranks), strict=True))) for ranks in combinations]
    return np.array(found)[which.ravel()]


def frequencies(ranks: Ranks, names: Iterable[str]) -> dict[str, float] | None:
    """How often each class (best first) came out; None where any survey has no class.

    >>> frequencies(np.array([0, 0, 1, 0]), ["good", "bad"])
    {'good': 0.75, 'bad': 0.25}
    """
    if (ranks == UNKNOWN).any():
        return None
    return {name: float((ranks == rank).mean()) for rank, name in enumerate(names)}
