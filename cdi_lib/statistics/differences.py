"""Differences of two rates: of independent samples, and of two domains of one sample.

References
----------
.. [1] Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions.
   *Statistics in Medicine* 17, 873-890.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from cdi_lib.statistics.checks import level
from cdi_lib.statistics.design import Design
from cdi_lib.statistics.estimation import SMALL_SAMPLE, Estimate, facts, flags_of, ratio_and_scores, weighted_rate


def difference(a: Estimate, b: Estimate) -> Estimate:
    """Estimate ``a - b`` of two rates from independent samples.

    The interval joins those of the two rates (Newcombe's "square and add", [1]_, method 10 where both are Wilson
    intervals), so it has a width even if both rates are 1. The p-value is that of the two-proportion z test with a
    pooled rate, on the effective sample sizes. Samples that share clusters are not independent: use
    :func:`domain_difference`. ValueError for different confidence levels, or estimates that are not rates.

    >>> from cdi_lib.statistics.estimation import pooled_rate
    >>> gap = difference(pooled_rate(1039, 1129, population=32311), pooled_rate(460, 500, population=9000))
    >>> round(gap.value, 4), round(gap.p_value, 2)
    (0.0003, 0.98)
    """
    (value_a, low_a, high_a), (value_b, low_b, high_b) = a.rate(), b.rate()
    if a.confidence != b.confidence:
        levels = f"{a.confidence:g} and {b.confidence:g}"
        raise ValueError(f"the rates have the confidence levels {levels}: estimate both at one level")
    gap = value_a - value_b
    low = gap - math.hypot(value_a - low_a, high_b - value_b)
    high = gap + math.hypot(high_a - value_a, value_b - low_b)
    flags = dict.fromkeys(a.flags + b.flags)
    if "census" not in a.flags or "census" not in b.flags:
        flags.pop("census", None)
    weights = [0.0 if e.effective_n is None else 1 / e.effective_n for e in (a, b)]
    p_value = float(gap == 0)  # two censuses: the difference is known
    if sum(weights):
        # The pooled rate weights each rate by its effective size; with one census it is that of the census.
        share = weights[1] / sum(weights)
        pooled = share * value_a + (1 - share) * value_b
        p_value = _two_sided(gap, math.sqrt(pooled * (1 - pooled) * sum(weights)))
    return Estimate(
        value=gap, se=math.hypot(a.se, b.se), low=max(-1.0, low), high=min(1.0, high), n=a.n + b.n,
        x=a.x + b.x, clusters=a.clusters + b.clusters, population=None, confidence=a.confidence,
        estimator=f"{a.estimator} - {b.estimator}",
        interval=a.interval if a.interval == b.interval else f"{a.interval}, {b.interval}",
        flags=tuple(flags), unit="difference", p_value=p_value,
    )  # fmt: skip


def domain_difference(design: Design, domain_a: Any, domain_b: Any, confidence: float = 0.95) -> Estimate:
    """Estimate the rate of one domain minus that of another in the same sample, covariance kept.

    The domains (columns, or arrays of bool) may overlap, share clusters, and be each other's complement. Normal
    interval and z test on the linearised difference (R: ``svycontrast`` of ``svyby(covmat=TRUE)``, where the domains do
    not overlap). Undercovers where a rate is close to 1 on few units. ``lonely="average"`` averages over the strata in
    which the domains have units, as for one domain. If the linearised variance is 0 (both rates 0 or 1) the intervals
    of the two rates are joined as in :func:`difference`.

    >>> import pandas as pd
    >>> units = pd.DataFrame({"right": [1] * 70 + [0] * 10 + [1] * 38 + [0] * 2})
    >>> design = Design(units.assign(north=units.index < 80), "right", population=900)
    >>> domain_difference(design, "north", ~design.units["north"])
    Estimate(-0.075, 95% -0.16761 to 0.0176105, n=120, ratio - ratio, normal)
    """
    a, b = (design.domain(domain) for domain in (domain_a, domain_b))
    (rate_a, scores_a, _), (rate_b, scores_b, _) = (ratio_and_scores(design, inside) for inside in (a, b))
    gap = rate_a - rate_b
    se = math.sqrt(design.variance(scores_a - scores_b, a | b))
    half = float(special.ndtri((1 + level(confidence)) / 2)) * se
    found = facts(design, a | b)
    flags = flags_of(design, found)
    if min(a.sum(), b.sum()) < SMALL_SAMPLE and "n_under_30" not in flags:
        flags = ("n_under_30", *flags)
    estimate = Estimate(
        value=gap, se=se, low=max(-1.0, gap - half), high=min(1.0, gap + half), confidence=confidence, flags=flags,
        interval="normal", estimator="ratio - ratio", unit="difference", p_value=_two_sided(gap, se), **found,
    )  # fmt: skip
    if se or np.array_equal(a, b):
        return estimate
    joined = difference(*(weighted_rate(design, inside, confidence=confidence) for inside in (a, b)))
    flags = tuple(dict.fromkeys((*flags, *joined.flags, "zero_variance")))
    return replace(estimate, low=joined.low, high=joined.high, p_value=joined.p_value, flags=flags)


def _two_sided(gap: float, se: float) -> float:
    """Return the two-sided p-value of the z test of `gap` = 0; 1 or 0 where `se` is 0."""
    return float(2 * special.ndtr(-abs(gap) / se)) if se else float(gap == 0)
