"""How many units to audit and clusters to draw: sample size, margin, and allocation to strata.

References
----------
.. [1] Cochran, W. G. (1977). *Sampling Techniques*, 3rd ed. Wiley.
.. [2] Kish, L. (1965). *Survey Sampling*. Wiley.
.. [3] Fleiss, J. L., Levin, B. and Paik, M. C. (2003). *Statistical Methods for Rates and Proportions*, 3rd ed. Wiley.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pandas as pd
from scipy.special import ndtr, ndtri

from cdi_lib.statistics.checks import choice, count, level, number, positive, proportion

ALLOCATIONS = ("proportional", "equal", "neyman")

Rates = float | Mapping[str, float]  # one for all strata, or one for each
Counts = int | Mapping[str, int]


class ImpossiblePlan(ValueError):
    """No sample of this population can do what is asked; the message says what could."""


def sample_size(
    rate: float, margin: float, confidence: float = 0.95, population: float | None = None, design_effect: float = 1.0
) -> int:
    """Units to audit for a rate with a given margin (half-width of a normal interval, a proportion).

    Of the plausible rates that nearest to 0.5 is the careful choice. ``population`` may be estimated; None: no finite
    population correction. The design effect is the variance over that of independent units: for clusters of m units on
    average, with the coefficient of variation cv, whose outcomes correlate by icc, it is ``1 + ((1 + cv^2) m - 1) icc``
    ([2]_, section 5.4). Too hopeful where ``units * (1 - rate)`` is below about 10: a rate near 1 needs more. For
    clusters to draw see :func:`allocate_for_margin`.

    >>> sample_size(0.9, 0.02, population=30_000)
    841
    """
    p, margin = proportion("rate", rate), proportion("margin", margin, high=0.5)
    variance = positive("design_effect", design_effect) * p * (1 - p)
    unlimited = _z(confidence) ** 2 * variance / margin**2  # [1]_, eq. 4.2
    known = _population(population)  # eq. 4.1 solved for n
    return _ceil(unlimited if math.isinf(known) else unlimited * known / (known - 1 + unlimited))


def margin_for(
    n: float, rate: float, confidence: float = 0.95, population: float | None = None, design_effect: float = 1.0
) -> float:
    """Margin that ``n`` units reach: the inverse of :func:`sample_size`; 0 for a census.

    >>> round(margin_for(491, 0.892, population=11_870), 4)
    0.0269
    """
    known = _population(population)
    n = n if n == known else count("n", n, 1)
    if n > known:
        raise ValueError(f"n must be at most the population of {known:g} units; got {n}")
    p = proportion("rate", rate)
    left = 1.0 if math.isinf(known) else (known - n) / (known - 1)  # [1]_, eq. 3.7
    return _z(confidence) * math.sqrt(positive("design_effect", design_effect) * p * (1 - p) / n * left)


def size_to_detect(
    rate_before: float, rate_now: float, n_before: int | None, power: float = 0.8, confidence: float = 0.95,
    population: float | None = None, design_effect: float = 1.0,
) -> int:  # fmt: skip
    """Units with which a two-sided test finds a change from ``rate_before`` to ``rate_now`` with chance ``power``.

    ``n_before`` are the units of the earlier survey; None: both samples are still to be planned, of the same size. The
    design effect applies to both samples, the population to the present one. For the two-proportion z test with a
    pooled rate of :func:`cdi_lib.statistics.differences.difference`, by its normal approximation [3]_.
    Raises :class:`ImpossiblePlan` for an earlier sample so small that no sample now could show the change.

    >>> size_to_detect(0.80, 0.92, n_before=300)
    90
    >>> size_to_detect(0.85, 0.90, n_before=None)
    686
    """
    p0, p1 = proportion("rate_before", rate_before), proportion("rate_now", rate_now)
    if p0 == p1:
        raise ValueError(f"rate_before and rate_now must differ; got {p0:g} for both")
    n_before = None if n_before is None else count("n_before", n_before, 1)
    power, known, z = proportion("power", power), _population(population), _z(confidence)
    inflation = positive("design_effect", design_effect)

    def reached(n: float) -> float:
        """Power of the test with n units now."""
        earlier = inflation / (n_before or n)
        now = inflation * max(1 / n - 1 / known, 0.0)
        pooled = (p0 * now + p1 * earlier) / (earlier + now)  # each rate counts by its effective sample size
        null = math.sqrt(pooled * (1 - pooled) * (earlier + now))
        true = math.sqrt(p0 * (1 - p0) * earlier + p1 * (1 - p1) * now)
        return float(ndtr((abs(p1 - p0) - z * null) / true))  # [3]_, eq. 4.14

    if n_before is not None and reached(known) < power:
        said = f"the earlier sample of {n_before} units is too small; plan for a larger change or a lower power"
        raise ImpossiblePlan(f"no sample can show a change from {p0:g} to {p1:g} with power {power:g}: {said}")
    units = 1 + bisect_left(range(1, 10**15), True, key=lambda n: reached(n) >= power)
    if units > known:
        raise ImpossiblePlan(f"this change needs {units} units, the population has only {known:g}")
    return units


def detection_table(
    rate_before: float, rates_now: Iterable[float], n_before: int | None, population: float | None = None
) -> pd.DataFrame:
    """Sample size against the rate that may be found now: columns ``rate_now``, ``change`` and ``units``.

    As :func:`size_to_detect`; ``units`` is missing where no sample now can show the change.

    >>> detection_table(0.80, [0.82, 0.92], n_before=300)["units"].tolist()
    [<NA>, 90]
    """
    rows: list[tuple[float, float, int | None]] = []
    for rate in rates_now:
        try:
            units = size_to_detect(rate_before, rate, n_before, population=population)
        except ImpossiblePlan:
            units = None
        rows.append((rate, rate - rate_before, units))
    return pd.DataFrame(rows, columns=["rate_now", "change", "units"]).astype({"units": "Int64"})


def _population(value: float | None) -> float:
    """Number of units, perhaps estimated and so not whole; infinite for None."""
    if value is not None and number("population", value) <= 1:
        raise ValueError(f"population must be a number of units greater than 1, or None if unlimited; got {value!r}")
    return math.inf if value is None else float(value)


def _z(confidence: float) -> float:
    return float(ndtri((1 + level(confidence)) / 2))


def _ceil(x: float) -> int:
    return math.ceil(x - 1e-9 * max(1.0, x))  # 385.00000000001 is rounding error, not a 386th unit


@dataclass(frozen=True)
class Allocation:
    """How many records to draw per stratum.

    ``frame`` has the numbers in the frame, ``ideal`` the shares of the method before limits and rounding; ``notes`` say
    in words what was redistributed and why.
    """

    counts: dict[str, int]
    frame: dict[str, int]
    ideal: dict[str, float]
    method: str
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Number of records to draw."""
        return sum(self.counts.values())


def allocate(
    total: int, strata: Mapping[str, int], method: str = "proportional", rates: Rates | None = None, minimum: Counts = 0
) -> Allocation:
    """Share ``total`` records (clusters) among strata: exact in sum, at least ``minimum``, at most the frame.

    ``strata`` has the records in the frame per stratum; ``method`` is "proportional", "equal" or "neyman" (the most
    precise overall rate), which needs expected ``rates`` in (0, 1); of a stratum with fewer records than its
    ``minimum`` all are drawn. For a margin in every stratum there is :func:`allocate_for_margin`. ValueError for a
    total that does not lie between these, a missing or unknown stratum, a rate of 0 or 1, ...

    >>> allocate(100, {"violence": 5000, "sexual": 20, "other": 4980}, minimum=30).notes
    ('sexual: its share of 0.2 is below the minimum; all 20 are drawn, taken from the other strata',)
    """
    choice("method", method, ALLOCATIONS)
    frame, least = _frame_and_least(strata, minimum)
    total = count("total", total, 1)
    if not sum(least.values()) <= total <= sum(frame.values()):
        limits = f"the minimums ({sum(least.values())}) and at most the records of the frame ({sum(frame.values())})"
        raise ValueError(f"total must be at least {limits}; got {total}")
    weights = _weights(method, frame, rates)
    ideal = dict.fromkeys(frame, 0.0) | {h: float(total * w / sum(weights.values())) for h, w in weights.items()}
    counts = dict.fromkeys(frame, 0) | _round(_bounded_shares(total, weights, least, frame), frame)
    return Allocation(counts, frame, ideal, method, tuple(_notes(counts, frame, ideal, least, shared=True)))


def allocate_for_margin(
    strata: Mapping[str, int], rates: Rates, margin: Rates, minimum: Counts = 0, confidence: float = 0.95,
    design_effect: float = 1.0, units_per_cluster: float = 1.0, response_rate: float = 1.0,
) -> Allocation:  # fmt: skip
    """As many records (clusters) of each stratum as reach a ``margin`` (half-width) there; see :func:`sample_size`.

    Of a cluster ``units_per_cluster`` are expected (1 or more), and of those drawn the share ``response_rate`` can be
    audited. The others are as in :func:`allocate`. Of too few records all are drawn, and a note says so.

    >>> allocate_for_margin({"violence": 5000, "other": 300}, rates=0.9, margin=0.03).counts
    {'violence': 357, 'other': 169}
    """
    frame, least = _frame_and_least(strata, minimum)
    rates, margins = per_stratum("rates", rates, frame), per_stratum("margin", margin, frame)
    held = number("units_per_cluster", units_per_cluster, 1)
    if response_rate != 1:
        proportion("response_rate", response_rate)
    ideal = dict.fromkeys(frame, 0)
    for h, size in frame.items():
        rate = proportion(f"rate of stratum {h!r}", rates[h])
        wanted = proportion(f"margin of stratum {h!r}", margins[h], high=0.5)
        if size:
            units = sample_size(rate, wanted, confidence, size * held, design_effect) if size * held > 1 else 1
            ideal[h] = _ceil(units / held / response_rate)
    counts = {h: min(max(ideal[h], least[h]), frame[h]) for h in frame}
    notes = tuple(_notes(counts, frame, ideal, least, shared=False))
    return Allocation(counts, frame, {h: float(n) for h, n in ideal.items()}, "precision", notes)


def _frame_and_least(strata: Mapping[str, int], minimum: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Records in the frame, and the fewest to draw, of each stratum."""
    frame = {str(name): count(f"strata[{name!r}]", size) for name, size in strata.items()}
    if len(frame) < len(strata):
        raise ValueError(f"strata: two have the same name as text; got {sorted(map(str, strata))}")
    if not any(frame.values()):
        raise ValueError("strata must name at least one stratum with a record in the frame")
    least = per_stratum("minimum", minimum, frame)
    return frame, {h: min(count(f"minimum of stratum {h!r}", least[h]), size) for h, size in frame.items()}


def per_stratum(name: str, values: Any, strata: Iterable[str]) -> dict[str, Any]:
    """One value for each stratum: a mapping that names every stratum once, or one value for all."""
    if values is None:
        raise ValueError(f"this method of allocation needs {name}: one per stratum, or one for all")
    if not isinstance(values, Mapping):
        return dict.fromkeys(strata, values)
    found, wanted = {str(h): value for h, value in values.items()}, set(strata)
    if set(found) != wanted:
        said = f"missing: {sorted(wanted - set(found))}, not in the frame: {sorted(set(found) - wanted)}"
        raise ValueError(f"{name} must name every stratum once; {said}")
    return found


def _weights(method: str, frame: Mapping[str, int], rates: Any) -> dict[str, Fraction]:
    """What shares are proportional to, for strata that have records."""
    weights = {h: Fraction(1 if method == "equal" else size) for h, size in frame.items() if size}
    if method == "neyman":  # [1]_, eq. 5.26
        rates = per_stratum("rates", rates, frame)
        spread = {h: proportion(f"rate of stratum {h!r}", p) for h, p in rates.items()}
        weights = {h: w * Fraction(math.sqrt(spread[h] * (1 - spread[h]))) for h, w in weights.items()}
    return weights


def _bounded_shares(
    total: int, weights: Mapping[str, Fraction], low: Mapping[str, int], high: Mapping[str, int]
) -> dict[str, Fraction]:
    """Shares in proportion to weights: fix those beyond a bound and share the rest again, until none is."""
    shares: dict[str, Fraction] = {}
    free, left = dict(weights), Fraction(total)
    while free:
        scale = left / sum(free.values())
        over = {h: w * scale - high[h] for h, w in free.items() if w * scale > high[h]}
        under = {h: low[h] - w * scale for h, w in free.items() if w * scale < low[h]}
        if not over and not under:
            return shares | {h: w * scale for h, w in free.items()}
        fixed, bound = (over, high) if sum(over.values()) >= sum(under.values()) else (under, low)
        for h in fixed:
            shares[h] = Fraction(bound[h])
            left -= bound[h]
            del free[h]
    return shares


def _round(shares: Mapping[str, Fraction], frame: Mapping[str, int]) -> dict[str, int]:
    """Largest remainder; equal remainders go to the larger stratum, then by name."""
    counts = {h: math.floor(share) for h, share in shares.items()}
    by_remainder = sorted(shares, key=lambda h: (counts[h] - shares[h], -frame[h], h))
    for h in by_remainder[: int(sum(shares.values())) - sum(counts.values())]:
        counts[h] += 1
    return counts


def _notes(
    counts: Mapping[str, int], frame: Mapping[str, int], ideal: Mapping[str, float], least: Mapping[str, int],
    shared: bool,
) -> Iterator[str]:  # fmt: skip
    for h, n in counts.items():
        share = f"{h}: its share of {ideal[h]:.1f} is"
        if frame[h] == 0:
            yield f"{h}: the frame has no record of it"
        elif ideal[h] > frame[h] and n == frame[h]:
            rest = "; the rest goes to the other strata" if shared else "; the margin wanted is not reached"
            yield f"{share} more than the frame has; all {n} are drawn{rest}"
        elif ideal[h] < least[h] and n == least[h]:
            drawn = f"all {n}" if n == frame[h] else f"{n}"
            rest = ", taken from the other strata" if shared else ""
            yield f"{share} below the minimum; {drawn} are drawn{rest}"
        elif not least[h] <= ideal[h] <= frame[h]:
            limits = f"{least[h]} (minimum) to {frame[h]} (frame)"
            yield f"{share} not in {limits}; other limits made it {n}"
        elif n < 2 and n < frame[h]:
            yield f"{h}: {n} of {frame[h]} drawn, too few for an interval; set a minimum of 2 or more"
