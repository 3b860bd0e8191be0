"""How many crimes to audit and incidents to draw: sample size, margin, and allocation to strata.

References
----------
.. [1] Cochran, W. G. (1977). Sampling Techniques, 3rd edition. Wiley.
.. [2] Kish, L. (1965). Survey Sampling. Wiley.
.. [3] Fleiss, J. L., Levin, B. and Paik, M. C. (2003). Statistical Methods for Rates and Proportions, 3rd edition. Wiley.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

import pandas as pd
from scipy.stats import norm

ALLOCATIONS = ("proportional", "equal", "neyman", "cost", "precision")


class ImpossiblePlan(ValueError):
    """No sample of this population can do what is asked; the message says what could."""


# ---- checks of arguments -----------------------------------------------------------------------------------


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _proportion(name: str, value: Any, low: float = 0.0, high: float = 1.0) -> float:
    """A number strictly between ``low`` and ``high``."""
    if not _number(value) or not low < value < high:
        hint = ""
        if isinstance(value, Real) and high < value < 100 * high:
            hint = f"; if {value:g} % is meant, write {value / 100:g}"
        raise ValueError(
            f"{name} must be a proportion between {low:g} and {high:g}, both excluded; got {value!r}{hint}"
        )
    return float(value)


def _confidence(value: Any) -> float:
    return _proportion("confidence", value, 0.5)  # 0.05 would be a significance level


def _at_least(name: str, value: Any, low: float) -> float:
    if not _number(value) or not low <= value < math.inf:
        raise ValueError(f"{name} must be a number of at least {low:g}; got {value!r}")
    return float(value)


def _positive(name: str, value: Any) -> float:
    if not _at_least(name, value, 0):
        raise ValueError(f"{name} must be greater than 0; got {value!r}")
    return float(value)


def count_of(name: str, value: Any, low: int = 1) -> int:
    """A whole number of at least ``low``; refuses a proportion given as a count."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < low:
        hint = "; a proportion is not a count" if isinstance(value, Real) and 0 < value < 1 else ""
        raise ValueError(f"{name} must be a whole number of at least {low}; got {value!r}{hint}")
    return int(value)


def _population(value: Any) -> float | None:
    """The number of crimes, perhaps estimated and so not whole."""
    if value is not None and (not _number(value) or not 1 < value < math.inf):
        raise ValueError(
            f"population must be a number of crimes greater than 1, or None if unlimited; got {value!r}"
        )
    return None if value is None else float(value)


def _assumed(
    confidence: Any, population: Any, design_effect: Any, crimes_per_incident: Any, response_rate: Any
) -> dict[str, Any]:
    """What every plan assumes, checked."""
    return {
        "confidence": _confidence(confidence),
        "population": _population(population),
        "design_effect": _positive("design_effect", design_effect),
        "crimes_per_incident": _at_least("crimes_per_incident", crimes_per_incident, 1),
        "response_rate": 1.0
        if _number(response_rate) and response_rate == 1
        else _proportion("response_rate", response_rate),
    }


def per_stratum(name: str, values: Any, strata: Iterable[str]) -> dict[str, Any]:
    """One value for each stratum: a mapping that names every stratum once, or one value for all."""
    if not isinstance(values, Mapping):
        return dict.fromkeys(strata, values)
    values, strata = {str(h): value for h, value in values.items()}, set(strata)
    if set(values) != strata:
        raise ValueError(
            f"{name} must name every stratum once; missing: {sorted(strata - set(values))}, "
            f"not in the frame: {sorted(set(values) - strata)}"
        )
    return values


# ---- plan --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """How many crimes to audit and incidents to draw, and what both kinds of plan assume."""

    crimes: int
    incidents: int
    confidence: float
    population: float | None
    design_effect: float
    crimes_per_incident: float
    response_rate: float


@dataclass(frozen=True, kw_only=True)
class SamplePlan(_Plan):
    """A sample planned for a margin.

    ``margin`` is the half-width reached by ``crimes``, ``margin_wanted`` the one asked for (proportions).
    """

    rate: float
    margin: float
    margin_wanted: float


@dataclass(frozen=True, kw_only=True)
class DetectionPlan(_Plan):
    """A sample planned to detect a change of the rate."""

    rate_before: float
    rate_now: float
    n_before: int | None
    power: float


def design_effect(crimes_per_incident: float, icc: float, cv: float = 0.0) -> float:
    """Variance of a rate of clustered crimes over that of as many independent crimes [2]_.

    Parameters
    ----------
    crimes_per_incident : float, at least 1
        Mean number of audited crimes of an incident.
    icc : float in [0, 1]
        Correlation of the outcomes of two crimes of one incident.
    cv : float, at least 0
        Coefficient of variation of the number of crimes per incident; 0 if all have the same.

    Examples
    --------
    >>> design_effect(1.5, 0.4)
    1.2
    """
    size = _at_least("crimes_per_incident", crimes_per_incident, 1)
    if not _number(icc) or not 0 <= icc <= 1:
        raise ValueError(f"icc must be a proportion from 0 to 1; got {icc!r}")
    # Kish (1965), section 5.4; with unequal clusters the mean size is weighted by size: (1 + cv^2) m
    return 1 + ((1 + _at_least("cv", cv, 0) ** 2) * size - 1) * float(icc)


def _z(confidence: float) -> float:
    return float(norm.ppf((1 + confidence) / 2))


def _ceil(x: float) -> int:
    return math.ceil(x - 1e-9 * max(1.0, x))  # 385.00000000001 is rounding error, not a 386th crime


def _crimes_needed(rate: float, margin: float, assumed: Mapping[str, Any]) -> int:
    variance = assumed["design_effect"] * rate * (1 - rate)
    unlimited = _z(assumed["confidence"]) ** 2 * variance / margin**2  # Cochran (1977), eq. 4.2
    return _ceil(unlimited / (1 + unlimited / (assumed["population"] or math.inf)))  # eq. 4.3


def _incidents_needed(crimes: int, assumed: Mapping[str, Any]) -> int:
    size, response = assumed["crimes_per_incident"], assumed["response_rate"]
    incidents = _ceil(crimes / size / response)
    held = (assumed["population"] or math.inf) / size
    if incidents > held + 1:
        raise ImpossiblePlan(
            f"{crimes} crimes need {incidents} incidents ({size:g} crimes per incident, response rate "
            f"{response:g}), but the population has only {held:.0f}; accept a wider margin"
        )
    return incidents


def sample_size(
    rate: float,
    margin: float,
    confidence: float = 0.95,
    population: float | None = None,
    design_effect: float = 1.0,
    crimes_per_incident: float = 1.0,
    response_rate: float = 1.0,
) -> SamplePlan:
    """Sample size for a recording rate with a given margin (half-width of a normal interval).

    Parameters
    ----------
    rate : float in (0, 1)
        Expected recording rate; the lower of the plausible ones is the careful choice.
    margin : float in (0, 0.5)
        Half-width wanted, as a proportion: 0.02 for two percentage points.
    confidence : float in (0.5, 1)
    population : float, optional
        Reported crimes of the audit period (count, may be estimated). None: no finite population correction.
    design_effect : float, greater than 0
        Variance inflation by crimes clustered in incidents; see :func:`design_effect`.
    crimes_per_incident : float, at least 1
        Audited crimes expected per incident.
    response_rate : float in (0, 1]
        Share of the drawn incidents that can be audited.

    Returns
    -------
    SamplePlan

    Raises
    ------
    ValueError
        A percentage given as a proportion, a population that cannot yield the sample, ...

    Notes
    -----
    The normal approximation is too hopeful where ``crimes * (1 - rate)`` is below about 10: a rate near 1
    needs more.

    Examples
    --------
    >>> sample_size(0.5, 0.05).crimes
    385
    >>> plan = sample_size(0.9, 0.02, population=30_000, crimes_per_incident=1.2, response_rate=0.95)
    >>> plan.crimes, plan.incidents, round(plan.margin, 5)
    (841, 738, 0.01999)
    """
    rate, margin = _proportion("rate", rate), _proportion("margin", margin, high=0.5)
    assumed = _assumed(confidence, population, design_effect, crimes_per_incident, response_rate)
    crimes = _crimes_needed(rate, margin, assumed)
    incidents = _incidents_needed(crimes, assumed)
    most = min(crimes, assumed["population"] or math.inf)
    reached = margin_for(most, rate, confidence, population, design_effect)
    return SamplePlan(
        crimes=crimes, incidents=incidents, rate=rate, margin=reached, margin_wanted=margin, **assumed
    )


def margin_for(
    n: int, rate: float, confidence: float = 0.95, population: float | None = None, design_effect: float = 1.0
) -> float:
    """Margin that ``n`` audited crimes reach: the inverse of :func:`sample_size`; 0 for a census.

    Examples
    --------
    >>> round(margin_for(491, 0.892, population=11_870), 4)
    0.0269
    """
    known = _population(population) or math.inf
    n = n if n == known else count_of("n", n)
    if n > known:
        raise ValueError(f"n must be at most the population of {known:g} crimes; got {n}")
    p = _proportion("rate", rate)
    variance = _positive("design_effect", design_effect) * p * (1 - p) / n * (1 - n / known)
    return _z(_confidence(confidence)) * math.sqrt(variance)  # the interval that the published margins fit


def margin_table(
    rate: float,
    sizes: Iterable[int],
    confidence: float = 0.95,
    population: float | None = None,
    design_effect: float = 1.0,
    crimes_per_incident: float = 1.0,
    response_rate: float = 1.0,
) -> pd.DataFrame:
    """Margin against sample size: one row per size with columns ``crimes``, ``incidents`` and ``margin``.

    Examples
    --------
    >>> margin_table(0.9, [400, 1600])["margin"].round(4).tolist()
    [0.0294, 0.0147]
    """
    sizes = list(sizes)
    assumed = _assumed(confidence, population, design_effect, crimes_per_incident, response_rate)
    margins = [margin_for(n, rate, confidence, population, design_effect) for n in sizes]
    incidents = [_incidents_needed(n, assumed) for n in sizes]
    return pd.DataFrame({"crimes": sizes, "incidents": incidents, "margin": margins})


def size_to_detect(
    rate_before: float,
    rate_now: float,
    n_before: int | None,
    power: float = 0.8,
    confidence: float = 0.95,
    population: float | None = None,
    design_effect: float = 1.0,
    crimes_per_incident: float = 1.0,
    response_rate: float = 1.0,
) -> DetectionPlan:
    """Sample size with which a two-sided test finds a change from ``rate_before`` to ``rate_now``.

    Parameters
    ----------
    rate_before, rate_now : float in (0, 1)
    n_before : int or None
        Crimes audited in the earlier inspection. None: both samples are still to be planned, of the same
        size.
    power : float in (0, 1)
        Probability of finding the change if it is there.
    confidence, population, design_effect, crimes_per_incident, response_rate
        As for :func:`sample_size`; the design effect applies to both samples, the population to the present
        one.

    Raises
    ------
    ValueError
        Equal rates, or an earlier sample so small that no sample now could show the change.

    Notes
    -----
    For the two-proportion z test with a pooled rate, which :func:`cdi_lib.statistics.estimation.difference` does; its normal
    approximation [3]_.

    Examples
    --------
    >>> size_to_detect(0.80, 0.92, n_before=300).crimes
    90
    >>> size_to_detect(0.85, 0.90, n_before=None).crimes
    686
    """
    p0, p1 = _proportion("rate_before", rate_before), _proportion("rate_now", rate_now)
    if p0 == p1:
        raise ValueError(f"rate_before and rate_now must differ; got {p0:g} for both")
    assumed = _assumed(confidence, population, design_effect, crimes_per_incident, response_rate)
    n_before = None if n_before is None else count_of("n_before", n_before)
    power, known = _proportion("power", power), assumed["population"] or math.inf

    def reached(n: float) -> float:
        """Power of the test with n crimes audited now."""
        earlier = assumed["design_effect"] / (n_before or n)
        now = assumed["design_effect"] * max(1 / n - 1 / known, 0.0)
        pooled = (p0 * now + p1 * earlier) / (earlier + now)  # each rate counts by its effective sample size
        null = math.sqrt(pooled * (1 - pooled) * (earlier + now))
        true = math.sqrt(p0 * (1 - p0) * earlier + p1 * (1 - p1) * now)
        return float(norm.cdf((abs(p1 - p0) - _z(assumed["confidence"]) * null) / true))  # [3]_, eq. 4.14

    if n_before is not None and reached(known) < power:
        raise ImpossiblePlan(
            f"no sample can show a change from {p0:g} to {p1:g} with power {power:g}: the earlier sample "
            f"of {n_before} crimes is too small; plan for a larger change or a lower power"
        )
    enough = 1
    while reached(enough) < power:
        enough *= 2
    crimes = bisect_left(range(enough + 1), True, lo=enough // 2, key=lambda n: n > 0 and reached(n) >= power)
    if crimes > known:
        raise ImpossiblePlan(f"this change needs {crimes} crimes, the population has only {known:g}")
    incidents = _incidents_needed(crimes, assumed)
    rates = {"rate_before": p0, "rate_now": p1, "n_before": n_before, "power": power}
    return DetectionPlan(crimes=crimes, incidents=incidents, **rates, **assumed)


def detection_table(
    rate_before: float, rates_now: Iterable[float], n_before: int | None, **assumed: float | None
) -> pd.DataFrame:
    """Sample size against the rate that may be found now: columns ``rate_now``, ``change`` and ``crimes``.

    ``crimes`` is missing where no sample now can show the change; ``assumed`` are the other arguments of
    :func:`size_to_detect`.

    Examples
    --------
    >>> detection_table(0.80, [0.82, 0.92], n_before=300)["crimes"].tolist()
    [<NA>, 90]
    """
    rows = []
    for rate_now in rates_now:
        try:
            crimes = size_to_detect(rate_before, rate_now, n_before, **assumed).crimes
        except ImpossiblePlan:
            crimes = None
        rows.append((rate_now, rate_now - rate_before, crimes))
    table = pd.DataFrame(rows, columns=["rate_now", "change", "crimes"])
    return table.astype({"crimes": "Int64"})


# ---- allocate ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Allocation:
    """How many records to draw per stratum.

    ``counts`` are the numbers to draw, ``frame`` the numbers in the frame, ``ideal`` the shares of the method
    before limits and rounding; ``notes`` say in words what was redistributed and why.
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
    total: int | None,
    strata: Mapping[str, int],
    method: str = "proportional",
    rates: float | Mapping[str, float] | None = None,
    costs: float | Mapping[str, float] | None = None,
    margin: float | Mapping[str, float] | None = None,
    minimum: int | Mapping[str, int] = 0,
    *,
    confidence: float = 0.95,
    design_effect: float = 1.0,
    crimes_per_incident: float = 1.0,
    response_rate: float = 1.0,
) -> Allocation:
    """Share ``total`` records among strata: exact in sum, at least ``minimum``, at most the frame.

    Parameters
    ----------
    total : int or None
        Records (incidents) to draw; None with ``method="precision"``, which sets it.
    strata : mapping of str to int
        Records in the frame per stratum. One without records gets none.
    method : {"proportional", "equal", "neyman", "cost", "precision"}
        ``neyman`` (most precise overall rate) and ``cost`` (most precise for the money) need ``rates``,
        ``cost`` also ``costs``; ``precision`` reaches ``margin`` in every stratum and needs ``rates``.
    rates : float in (0, 1) or mapping
        Expected recording rate per stratum; one value is that of every stratum.
    costs : positive float or mapping
        Cost of auditing one record per stratum, in any unit.
    margin : float in (0, 0.5) or mapping
        Half-width wanted per stratum.
    minimum : int or mapping
        Fewest records per stratum (all of a stratum that has fewer).
    confidence, design_effect, crimes_per_incident, response_rate
        For ``precision``, as in :func:`sample_size`.

    Raises
    ------
    ValueError
        A total above the frame or below the minimums, a missing or unknown stratum, a rate of 0 or 1, ...

    Examples
    --------
    >>> allocate(100, {"violence": 5000, "sexual": 20, "other": 4980}, minimum=30).notes
    ('sexual: its share of 0.2 is below the minimum; all 20 are drawn, taken from the other strata',)
    """
    if method not in ALLOCATIONS:
        raise ValueError(f"method must be one of {', '.join(ALLOCATIONS)}; got {method!r}")
    frame = {str(name): count_of(f"strata[{name!r}]", count, 0) for name, count in strata.items()}
    if len(frame) < len(strata):
        raise ValueError(f"strata: two have the same name as text; got {sorted(map(str, strata))}")
    if not any(frame.values()):
        raise ValueError("strata must name at least one stratum with a record in the frame")
    least = per_stratum("minimum", minimum, frame)
    least = {h: min(count_of(f"minimum of stratum {h!r}", least[h], 0), size) for h, size in frame.items()}
    if rates is not None:
        rates = {
            h: _proportion(f"rate of stratum {h!r}", p) for h, p in per_stratum("rates", rates, frame).items()
        }
    elif method in ("neyman", "cost", "precision"):
        raise ValueError(f"method {method!r} needs rates: the expected recording rate per stratum")

    if method == "precision":
        if total is not None or margin is None:
            raise ValueError(
                "method 'precision' takes a margin and sets the total itself: give margin, and total=None"
            )
        assumed = _assumed(confidence, None, design_effect, crimes_per_incident, response_rate)
        ideal = {
            h: _incidents_for_margin(rates[h], _proportion(f"margin of stratum {h!r}", m, high=0.5), frame[h], assumed)
            for h, m in per_stratum("margin", margin, frame).items()
        }  # fmt: skip
        counts = {h: min(max(ideal[h], least[h]), frame[h]) for h in frame}
    else:
        total = count_of("total", total)
        if not sum(least.values()) <= total <= sum(frame.values()):
            raise ValueError(
                f"total must be at least the minimums ({sum(least.values())}) and at most the "
                f"records of the frame ({sum(frame.values())}); got {total}"
            )
        weights = _weights(method, frame, rates, costs)
        ideal = {h: float(total * w / sum(weights.values())) for h, w in weights.items()}
        counts = _round(_bounded_shares(total, weights, least, frame), frame)
    counts, ideal = ({h: found.get(h, 0) for h in frame} for found in (counts, ideal))
    notes = tuple(_allocation_notes(counts, frame, ideal, least, shared=method != "precision"))
    return Allocation(counts, frame, {h: float(share) for h, share in ideal.items()}, method, notes)


def _incidents_for_margin(rate: float, margin: float, incidents: int, assumed: Mapping[str, Any]) -> int:
    """Incidents to draw from a stratum of so many, perhaps more than it has."""
    if incidents == 0:
        return 0
    size = assumed["crimes_per_incident"]
    crimes = _crimes_needed(rate, margin, {**assumed, "population": incidents * size})
    return _ceil(crimes / size / assumed["response_rate"])


def _weights(
    method: str, frame: Mapping[str, int], rates: Mapping[str, float] | None, costs: Any
) -> dict[str, Fraction]:
    """What shares are proportional to, for strata that have records."""
    if method == "equal":
        return {h: Fraction(1) for h in frame if frame[h]}
    weights = {
        h: Fraction(size) for h, size in frame.items() if size
    }  # proportional: Cochran (1977), section 5.3
    if method in ("neyman", "cost"):  # Cochran (1977), eqs. 5.26 and 5.23
        weights = {h: w * Fraction(math.sqrt(rates[h] * (1 - rates[h]))) for h, w in weights.items()}
    if method == "cost":
        if costs is None:
            raise ValueError("method 'cost' needs costs: the cost of auditing one record per stratum")
        price = {
            h: _positive(f"cost of stratum {h!r}", cost)
            for h, cost in per_stratum("costs", costs, frame).items()
        }
        weights = {h: w / Fraction(math.sqrt(price[h])) for h, w in weights.items()}
    return weights


def _bounded_shares(
    total: int, weights: Mapping[str, Fraction], low: Mapping[str, int], high: Mapping[str, int]
) -> dict[str, Fraction]:
    """Shares in proportion to weights: fix those beyond a bound and share the rest again, until none is."""
    shares, free, left = {}, dict(weights), Fraction(total)
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


def _allocation_notes(
    counts: Mapping[str, int],
    frame: Mapping[str, int],
    ideal: Mapping[str, float],
    least: Mapping[str, int],
    shared: bool,
) -> Iterator[str]:
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
