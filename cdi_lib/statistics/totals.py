"""Numbers of units in the population: totals by weights, and failures from a rate and a known number of successes."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from cdi_lib.statistics.checks import choice, level, population_count
from cdi_lib.statistics.design import Design
from cdi_lib.statistics.estimation import Estimate, facts, flags_of
from cdi_lib.statistics.intervals import interval


def total(design: Design, of: str = "failures", domain: Any = None, confidence: float = 0.95) -> Estimate:
    """Estimate how many units of the population are "successes", "failures" or either ("units").

    Equals R's ``svytotal``: how many units a cluster holds is left to chance, also where the population is a number of
    units and so known (there the rate times that number is more precise). The interval is normal, cut off at 0. Where
    the successes of a period are known, use :func:`failures`, which goes through the rate. ValueError for a design with
    neither population nor weights.

    >>> import pandas as pd
    >>> units = pd.DataFrame({"right": [True] * 90 + [False] * 10})
    >>> total(Design(units, "right", population=1000), "failures")
    Estimate(100, 95% 43.9374 to 156.063, n=100, total failures, normal)
    """
    choice("of", of, ("successes", "failures", "units"))
    if design.stratum_population is None and design.weights is None:
        raise ValueError("total needs a design with population or weights; there is nothing to expand with")
    inside = design.domain(domain)
    weight = design.row_weight * inside
    outcome = design.row_outcome
    scores = weight * {"successes": outcome, "failures": 1 - outcome, "units": np.ones_like(outcome)}[of]
    value = float(scores.sum())
    se = math.sqrt(design.variance(scores, inside))
    half = float(special.ndtri((1 + level(confidence)) / 2)) * se
    low, high = max(0.0, value - half), value + half
    found = facts(design, inside)
    flags = flags_of(design, found)
    size = design.effective_size(weight)
    if se == 0 and of != "units" and math.isfinite(size):
        flags += ("zero_variance",)
        share, whole = min(1.0, value / weight.sum()), float(weight.sum())
        low, high = interval(share, 0.0, found["n"], "clopper-pearson", confidence, effective_n=size)
        low, high = low * whole, high * whole
    return Estimate(
        value=value, se=se, low=low, high=high, confidence=confidence, interval="normal",
        estimator=f"total {of}", flags=flags, unit="count", **found,
    )  # fmt: skip


def failures(rate: Estimate, successes: float) -> Estimate:
    """Estimate the failures of a population from a rate and the population's known successes.

    ``successes * (1 - rate) / rate``. The function falls with the rate, so the limits of the rate become the limits of
    the count: asymmetric, never negative, with the coverage of the rate's interval. `successes` is taken as known
    without error. Where the lower limit of the rate is 0 there is no upper limit: ``high`` is None and the flag
    ``open_ended`` is set. ValueError for a rate of 0 (how many units there are is then undefined), and for a fraction
    as `successes`.

    >>> from cdi_lib.statistics.estimation import pooled_rate
    >>> failures(pooled_rate(1039, 1129, population=32311), 61500)
    Estimate(5327.24, 95% 4218.88 to 6473.63, n=1129, failures from pooled, normal)
    """
    value, low, high = rate.rate()
    known = population_count("successes", successes, 0, "units")
    if value == 0:
        raise ValueError("rate: it is 0, so the number of units (successes / rate) is undefined")

    def at(share: float) -> float:
        return known * (1 - share) / share

    return replace(
        rate,
        value=at(value),
        se=known * rate.se / value**2,  # delta method: |d/dr X (1 - r) / r| = X / r^2
        low=at(high),
        high=at(low) if low else None,
        estimator=f"failures from {rate.estimator}",
        flags=rate.flags if low else (*rate.flags, "open_ended"),
        unit="count",
    )
