"""Samples planned by what they must show: a rate beyond doubt, an interval narrow enough, a sample in the right class.

All are exact sums over what a sample may hold, binomial or, with a finite population, hypergeometric; units are
independent. A design effect is allowed for by multiplying the size.

References
----------
.. [1] AICPA (2017). *Audit Guide: Audit Sampling*, appendix A.
.. [2] RAT-STATS (2010). *Companion Manual*, Office of Inspector General, chapter 4.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import special

from cdi_lib.statistics.checks import count, level, proportion
from cdi_lib.statistics.intervals import Array, hypergeometric, interval
from cdi_lib.statistics.planning import ImpossiblePlan

LARGEST = 100_000  # units that a plan may ask for


def size_to_show(
    least: float, expected_failures: float = 0.0, confidence: float = 0.95, population: int | None = None
) -> int:
    """Units that show "at least the rate `least`": the fewest whose one-sided limit reaches it.

    `expected_failures` is the share of failures that the sample may hold, rounded up to whole units; it must be smaller
    than the tolerable share, ``1 - least``. With a `population` the hypergeometric chance counts [1]_.

    >>> size_to_show(0.95), size_to_show(0.95, 0.02), size_to_show(0.92, population=500)
    (59, 181, 35)
    """
    tolerable, expected = 1 - proportion("least", least), float(expected_failures)
    tail = 1 - level(confidence)
    if not 0 <= expected < tolerable:
        raise ValueError(f"expected_failures must be from 0 to below {tolerable:g}; got {expected_failures!r}")
    sizes = np.arange(1, (population or LARGEST) + 1)
    allowed = np.ceil(sizes * expected - 1e-9)
    if population is None:
        chance: Any = np.asarray(special.bdtr(allowed, sizes, tolerable))
    else:
        from scipy import stats  # takes most of a second, and few ask for this

        # the fewest failures that the population holds where the rate is not reached
        chance = stats.hypergeom.cdf(allowed, population, math.ceil(population * tolerable - 1e-9), sizes)
    if not (shows := np.asarray(chance <= tail)).any():
        raise ImpossiblePlan(f"no sample of up to {sizes[-1]:,} units can show a rate of {least:g}")
    return int(sizes[np.argmax(shows)])


def size_for_width(rate: float, width: float, population: int, confidence: float = 0.95) -> int:
    """Units with which the exact hypergeometric interval of a rate is at most so wide, from end to end [2]_.

    Where the sample has that rate, rounded to whole units.

    >>> size_for_width(0.2, 0.06, 10_000, 0.90)
    489
    """
    p, wide = proportion("rate", rate), proportion("width", width)

    def fits(n: int) -> bool:
        low, high = hypergeometric(round(n * p), n, population, confidence)
        return high - low <= wide * population + 1e-9

    return _from_there_on(fits, count("population", population, 2), f"have a width of {width:g}")


def chance_of_margin(
    n: int, rate: float, margin: float, method: str | None = None, confidence: float = 0.95,
    population: int | None = None,
) -> float:  # fmt: skip
    """Chance that a sample of `n` gives an interval by `method` whose half-width is at most `margin`.

    >>> round(chance_of_margin(203, 0.95, 0.03), 2)
    0.31
    """
    x = np.arange(n + 1)
    p = x / n
    se = np.sqrt(p * (1 - p) / n * (1 - n / population if population else 1.0))
    low, high = interval(p, se, np.full(n + 1, n), method, confidence)
    return float(_chances(n, rate, population)[(high - low) / 2 <= margin + 1e-12].sum())


def size_for_margin(
    rate: float, margin: float, assurance: float = 0.8, method: str | None = None, confidence: float = 0.95,
    population: int | None = None,
) -> int:  # fmt: skip
    """Units with which the interval really used is at most so wide with the chance `assurance`.

    A plan by the normal interval (:func:`.planning.sample_size`) meets its margin in a half of surveys or fewer.

    >>> size_for_margin(0.95, 0.03, 0.8), size_for_margin(0.95, 0.03, 0.95)
    (264, 303)
    """
    wanted = proportion("assurance", assurance)
    enough = lambda n: chance_of_margin(n, rate, margin, method, confidence, population) >= wanted
    return _from_there_on(enough, population or LARGEST, f"have a margin of {margin:g} with the chance {assurance:g}")


def class_chances(
    rate: float, n: int, cuts: Mapping[str, float], worst: str, population: int | None = None
) -> dict[str, float]:
    """Chance of each class of a sample of `n` units if the true rate is `rate`: its operating characteristic.

    `cuts` has the least rate of each class but the worst, best first.

    >>> {name: round(chance, 3) for name, chance in class_chances(0.92, 400, {"good": 0.9, "fair": 0.85}, "poor").items()}
    {'good': 0.938, 'fair': 0.062, 'poor': 0.0}
    """
    chances = _chances(count("n", n, 1), proportion("rate", rate), population)
    shares = np.arange(n + 1) / n
    reached = np.array([chances[shares >= least - 1e-12].sum() for least in cuts.values()])
    found = np.diff(np.concatenate([[0.0], reached, [1.0]]))
    return {name: float(max(chance, 0.0)) for name, chance in zip([*cuts, worst], found, strict=True)}


def size_for_class(rate: float, least: float, chance: float = 0.9, population: int | None = None) -> int:
    """Units from which on a sample reaches the cut-off `least` with at least that chance, if the true rate is `rate`.

    >>> size_for_class(0.92, 0.90, 0.9)
    340
    """
    if rate <= least:
        raise ValueError(f"rate must be above the cut-off {least:g}; got {rate!r}")
    enough = lambda n: sum(_chances(n, rate, population)[math.ceil(n * least - 1e-9) :]) >= chance
    return _from_there_on(enough, population or LARGEST, f"reach {least:g} with the chance {chance:g}")


def _chances(n: int, rate: float, population: int | None) -> Array:
    """Chance of each number of successes among `n` units."""
    x = np.arange(n + 1)
    if population is None:
        ways = special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1)
        return np.exp(ways + special.xlogy(x, rate) + special.xlog1py(n - x, -rate))
    some = round(population * rate)
    log_ways: Callable[[Any, Any], Any] = lambda of, taken: -special.betaln(taken + 1, of - taken + 1) - np.log(of + 1)
    possible = (x <= some) & (n - x <= population - some)
    x = np.where(possible, x, min(some, n))
    chance = np.exp(log_ways(some, x) + log_ways(population - some, n - x) - log_ways(population, n))
    return np.where(possible, chance, 0.0)


def _from_there_on(enough: Callable[[int], bool], most: int, what: str) -> int:
    """The fewest units from which on a sample is large enough: whole numbers make the chance go up and down a little."""
    if not enough(most):
        raise ImpossiblePlan(f"no sample of up to {most:,} units can {what}")
    near = 1 + bisect_left(range(1, most + 1), True, key=enough)
    for n in range(min(near + max(near // 5, 25), most), 0, -1):
        if not enough(n):
            return n + 1
    return 1
