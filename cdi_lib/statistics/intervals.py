"""Confidence intervals of a proportion, for any standard error: binomial ones take an effective sample size.

How often nominal 95 % intervals hold the true rate is in `COVERAGE`, from the simulated audits of ``tests/coverage``: 288
kinds of one rate (one to three units per cluster, alike or not; of an endless population, or 10 or 30 % of a finite one),
540 of the overall rate of three groups, allocated in five ways. Of one rate ``agresti-coull``, ``clopper-pearson``,
``logit`` and ``korn-graubard`` are never below 94 %. Of an overall rate only ``combined`` never is: where a group that
weighs much has few failures, one interval of the whole fails. ``tests/coverage/headline.csv`` has the widths beside others
and harsher conditions.

References
----------
.. [1] Brown, L. D., Cai, T. T. and DasGupta, A. (2001). Interval estimation for a binomial proportion.
   *Statistical Science* 16, 101-133.
.. [2] Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small expected number
   of positive counts estimated from survey data. *Survey Methodology* 24, 193-201.
.. [3] Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures: a general approach.
   *Statistics in Medicine* 27, 1693-1702. Zou, G. Y., Taleban, J. and Huo, C. Y. (2009). Confidence interval estimation
   for lognormal data with application to health economics. *Computational Statistics & Data Analysis* 53, 3755-3764.
"""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from cdi_lib.statistics.checks import choice, level

Array = npt.NDArray[Any]

INTERVALS = ("normal", "wilson", "agresti-coull", "clopper-pearson", "jeffreys", "logit", "korn-graubard")

#: Taken where a caller names no interval: beyond one point of 95 % in fewer kinds of audit than any other.
DEFAULT_INTERVAL = "agresti-coull"

#: Of an overall rate of several groups only: the logit or Wilson intervals of the groups, squared and added
#: (:func:`square_and_add`); ``combined`` is at each end the wider of ``mover-logit`` and ``logit``.
COMBINED = ("combined", "mover-logit", "mover-wilson")

#: Lowest and highest coverage of the nominal 95 % interval in ``tests/coverage``, of audits of that many units and
#: with such true rates: what a report may say of its interval.
COVERED_SIZES, COVERED_RATES = (200, 1500), (0.80, 0.97)
COVERAGE = {
    "single": {
        "normal": (0.8781, 0.9541), "wilson": (0.9359, 0.9695), "agresti-coull": (0.9422, 0.9787),
        "clopper-pearson": (0.9491, 0.9716), "jeffreys": (0.9191, 0.9623), "logit": (0.9422, 0.9711),
        "korn-graubard": (0.9491, 0.9722),
    },
    "overall": {
        "normal": (0.6732, 0.9802), "wilson": (0.6986, 0.9672), "agresti-coull": (0.7173, 0.9821),
        "clopper-pearson": (0.7195, 0.9921), "jeffreys": (0.7033, 0.9796), "logit": (0.7088, 0.9729),
        "korn-graubard": (0.7202, 0.9923), "combined": (0.951, 0.9828), "mover-logit": (0.9345, 0.9775),
        "mover-wilson": (0.9238, 0.9696),
    },
}  # fmt: skip

#: Their effective sample size is adjusted for the degrees of freedom of the standard error.
ADJUSTED = ("wilson", "agresti-coull", "jeffreys", "korn-graubard")


def interval(
    value: Any, se: Any, n: Any, method: str | None = None, confidence: float = 0.95, df: Any = None,
    effective_n: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Return the confidence limits ``(low, high)`` of a proportion; of arrays, for simulations, as arrays.

    `value` lies in [0, 1]; `se` is its standard error, FPC and clusters included, with `df` degrees of freedom (fewer
    than 1 count as 1); `n` counts the sampled units; `confidence` lies in (0.5, 1). Methods:

    - ``normal``: ``value +/- z se``, cut off at 0 and 1.
    - ``logit``: normal on the log-odds scale, with the t quantile if `df` is given.
    - ``wilson``, ``agresti-coull``, ``jeffreys`` [1]_: the binomial interval of the effective sample size
      ``n* = value (1 - value) / se^2``; multiplied by ``(t[n - 1] / t[df])^2`` if `df` is given [2]_.
    - ``korn-graubard`` [2]_: Clopper-Pearson with that ``n*`` (R: ``svyciprop(method="beta")``).
    - ``clopper-pearson``: with ``n*`` not adjusted for `df`.

    The limits are of zero width only for a census: where `se` is 0, ``n*`` is `effective_n` (default `n`; infinity says
    that it is a census), and Clopper-Pearson stands for ``normal`` and ``logit`` (so that the lower limit of ``normal``
    is lower for 30 of 30 than for 29 of 30). How often they hold the true rate stands at the head of this module.

    >>> low, high = interval(0.9, 0.03, 100, "wilson")
    >>> round(low, 4), round(high, 4)
    (0.8256, 0.9448)
    """
    method = choice("interval", method or DEFAULT_INTERVAL, INTERVALS)
    tail = (1 - level(confidence)) / 2
    p, se, n = (np.asarray(x, dtype=float) for x in (value, se, n))
    if not (np.all((p >= 0) & (p <= 1)) and np.all(se >= 0) and np.all(n >= 1)):
        raise ValueError(f"expected value in [0, 1], se >= 0 and n >= 1; got {value!r}, {se!r} and {n!r}")
    varies = (se > 0) & (p > 0) & (p < 1)
    with np.errstate(all="ignore"):  # the branches that np.where discards may divide by 0
        size = np.where(varies, p * (1 - p) / se**2, n if effective_n is None else effective_n)
        if df is not None and method in ADJUSTED:
            ratio = special.stdtrit(n - 1, tail) / special.stdtrit(np.maximum(df, 1), tail)
            size = size * np.where(df < n - 1, ratio**2, 1.0)  # [2]_, section 3
        if method in _BINOMIAL:
            limits = _BINOMIAL[method](p, size, tail)
        else:
            limits = _normal(p, se, tail) if method == "normal" else _logit(p, se, tail, df)
            if not varies.all():
                limits = np.where(varies, limits, _clopper_pearson(p, size, tail))
    low, high = np.where(np.isinf(size), p, np.clip(limits, 0, 1))
    return (low, high) if np.ndim(value) else (float(low), float(high))


def square_and_add(values: Any, lows: Any, highs: Any, known: Any, correlation: Any = None) -> tuple[Any, Any]:
    """Return the limits of ``X / sum_h(X_h / p_h)`` from those of the rates p_h of its groups: MOVER, square and add [3]_.

    Each group reports ``T_h = X_h / p_h`` units; the distances of T_h from what the limits of p_h give are squared and
    added, separately below and above, so that the lopsidedness of the groups is kept. `values`, `lows` and `highs` (in
    [0, 1]) and `known` (successes, 0 or more) have one entry per group, in the last axis; `correlation` is the matrix of
    the correlations of the rates, None for independent groups. A lower limit of 0 leaves the rate without one: it is 0.

    >>> low, high = square_and_add([0.9, 0.95], [0.85, 0.91], [0.94, 0.98], [900, 100])
    >>> round(low, 4), round(high, 4)
    (0.8589, 0.9411)
    """
    p, low, high, x = (np.asarray(a, dtype=float) for a in (values, lows, highs, known))
    with np.errstate(all="ignore"):
        units, most, least = (np.where(x > 0, x / rate, 0.0) for rate in (p, low, high))
        total, above, below = units.sum(axis=-1), most - units, units - least
        if correlation is None:
            up, down = (np.sqrt((d**2).sum(axis=-1)) for d in (above, below))
        else:
            squares = (np.einsum("...h,...hk,...k", d, correlation, d) for d in (above, below))
            up, down = (np.sqrt(np.maximum(square, 0.0)) for square in squares)
        ends = x.sum(axis=-1) / (total + up), np.minimum(x.sum(axis=-1) / np.maximum(total - down, 1e-300), 1.0)
    low, high = (np.where(np.isnan(end), 0.0, end) for end in ends)
    return (low, high) if p.ndim > 1 else (float(low), float(high))


def hypergeometric(x: int, n: int, population: int, confidence: float = 0.95) -> tuple[int, int]:
    """Return the exact limits of the number of successes in a population, of which a simple random sample found x of n.

    The smallest and the largest number that is not refuted by either one-sided test at ``(1 - confidence) / 2``. Of the
    population [x, population - n + x] is possible, and no limit lies outside.

    >>> hypergeometric(82, 400, 10_000, 0.90)  # RAT-STATS Companion Manual (2010), 4-26
    (1729, 2403)
    """
    from scipy import stats  # takes most of a second, and few ask for this

    tail = (1 - level(confidence)) / 2
    possible = range(x, population - n + x + 1)
    low = bisect_left(possible, True, key=lambda k: stats.hypergeom.sf(x - 1, population, k, n) > tail)
    above = bisect_left(possible, True, key=lambda k: stats.hypergeom.cdf(x, population, k, n) <= tail)
    return possible[low], possible[above - 1]


def _normal(p: Array, se: Array, tail: float) -> Array:
    """Return the limits ``p +/- z se``."""
    return np.array([p + special.ndtri(tail) * se, p - special.ndtri(tail) * se])


def _logit(p: Array, se: Array, tail: float, df: Any) -> Array:
    """Return the normal limits of the log-odds, by the delta method, with t quantiles where `df` is given."""
    t = special.ndtri(tail) if df is None else special.stdtrit(np.maximum(df, 1), tail)
    half = t * se / (p * (1 - p))
    return np.array([special.expit(special.logit(p) + half), special.expit(special.logit(p) - half)])


def _wilson(p: Array, n: Array, tail: float) -> Array:
    """Return the limits by [1]_, eq. 4, of the rate `p` in `n` units."""
    z = -special.ndtri(tail)
    centre = (n * p + z**2 / 2) / (n + z**2)
    half = z * np.sqrt(n * p * (1 - p) + z**2 / 4) / (n + z**2)
    return np.array([np.where(p == 0, 0, centre - half), np.where(p == 1, 1, centre + half)])


def _agresti_coull(p: Array, n: Array, tail: float) -> Array:
    """Return the limits by [1]_, eq. 5: normal, after z^2 units more, half of them successes."""
    z = -special.ndtri(tail)
    centre = (n * p + z**2 / 2) / (n + z**2)
    half = z * np.sqrt(centre * (1 - centre) / (n + z**2))
    return np.array([centre - half, centre + half])


def _jeffreys(p: Array, n: Array, tail: float) -> Array:
    """Return the limits by [1]_, section 3.1.3: prior Beta(1/2, 1/2), with the ends 0 and 1 as recommended there."""
    yes, no = n * p + 0.5, n * (1 - p) + 0.5
    low = np.where(p == 0, 0, special.betaincinv(yes, no, tail))
    return np.array([low, np.where(p == 1, 1, special.betaincinv(yes, no, 1 - tail))])


def _clopper_pearson(p: Array, n: Array, tail: float) -> Array:
    """Return the exact limits, as beta quantiles ([1]_, section 4.2.1), also for an `n` that is not whole [2]_."""
    yes, no = n * p, n * (1 - p)
    low = np.where(p == 0, 0, special.betaincinv(yes, no + 1, tail))
    return np.array([low, np.where(p == 1, 1, special.betaincinv(yes + 1, no, 1 - tail))])


_BINOMIAL: dict[str, Callable[[Array, Array, float], Array]] = {
    "wilson": _wilson,
    "agresti-coull": _agresti_coull,
    "jeffreys": _jeffreys,
    "clopper-pearson": _clopper_pearson,
    "korn-graubard": _clopper_pearson,
}
