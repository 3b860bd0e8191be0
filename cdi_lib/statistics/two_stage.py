"""Two-stage samples: clusters drawn at random, and of each a random part of its units.

References
----------
.. [1] Cochran, W. G. (1977). *Sampling Techniques*, 3rd ed. Wiley. Chapter 11.
"""

import math
from collections.abc import Sequence

import numpy as np

from cdi_lib.statistics.checks import count
from cdi_lib.statistics.estimation import Estimate
from cdi_lib.statistics.intervals import interval


def two_stage_rate(
    sizes: Sequence[int], sampled: Sequence[int], successes: Sequence[int], population: int,
    population_units: int | None = None, confidence: float = 0.95,
) -> Estimate:  # fmt: skip
    """Estimate the rate of units from clusters that were drawn, and of which only a part of the units was looked at.

    One entry per drawn cluster: its units, how many of them were looked at, and how many of these are successes;
    `population` counts all clusters. A ratio of estimated totals [1]_ (eq. 11.30); with the known number of units,
    `population_units`, the estimated total over it (eq. 11.24), which is unbiased and less precise where clusters differ in
    size. Both stages have their finite population correction. Normal interval with 1.96 standard errors at 95 %, too
    narrow with few clusters. ValueError for fewer than two clusters, or more looked at than there are.

    >>> two_stage_rate([50, 65, 45], [10, 13, 9], [4, 5, 2], population=90)
    Estimate(0.34375, 95% 0.241091 to 0.446409, n=32, two-stage ratio, normal)
    """
    size, part, found = (np.asarray(values, dtype=float) for values in (sizes, sampled, successes))
    n = len(size)
    if n < 2 or not (size.shape == part.shape == found.shape) or ((found > part) | (part > size) | (part < 1)).any():
        raise ValueError("expected two or more clusters with 1 <= sampled <= size and successes <= sampled")
    f = n / count("population", population, n)
    share = found / part
    totals = size * share
    ratio = totals.sum() / size.sum()
    if population_units is None:
        value, mean_size, between = float(ratio), size.mean(), totals - size * ratio
    else:
        mean_size = count("population_units", population_units, int(size.sum())) / population
        value, between = float(totals.mean() / mean_size), totals - totals.mean()
    within = size**2 * (1 - part / size) * share * (1 - share) / np.maximum(part - 1, 1)
    variance = (1 - f) / n * (between**2).sum() / (n - 1) + f / n**2 * within.sum()
    se = math.sqrt(variance) / mean_size
    low, high = interval(value, se, int(part.sum()), "normal", confidence)
    return Estimate(
        value=value, se=float(se), low=low, high=high, n=int(part.sum()), x=int(found.sum()), clusters=n,
        population=float(population), confidence=confidence, fpc=f, df=n - 1, interval="normal",
        estimator="two-stage ratio" if population_units is None else "two-stage mean",
    )  # fmt: skip
