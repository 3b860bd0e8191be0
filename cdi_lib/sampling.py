"""Sampling of incidents for an audit: plan -> allocate -> draw -> trail.

The draw is the same on any machine, in any row order and with any library version, because it uses no random
number generator: every record gets a 64-bit number that depends on the seed and its own id only, and the
records with the smallest numbers of a stratum are selected. Anybody can compute that number with a standard
tool::

    key    = first 16 bytes of SHA-256 of the UTF-8 text "cdi_lib.sampling 1:" followed by the seed
    number = SipHash-2-4 (64 bits, read as a little-endian whole number) under that key of the record id:
             its UTF-8 bytes after Unicode normalisation form C, without white space at either end

SipHash-2-4 [1]_ is a published keyed hash for short texts (``openssl mac ... SIPHASH``, libsodium's
``crypto_shorthash``). Two ids with the same number are ordered by their UTF-8 bytes. Adding or removing
records leaves the order of all others as it was.

References
----------
.. [1] Aumasson, J.-P. and Bernstein, D. J. (2012). SipHash: a fast short-input PRF. INDOCRYPT 2012.
.. [2] Cochran, W. G. (1977). Sampling Techniques, 3rd edition. Wiley.
.. [3] Kish, L. (1965). Survey Sampling. Wiley.
.. [4] Hartley, H. O. and Rao, J. N. K. (1962). Sampling with unequal probabilities and without replacement.
       Annals of Mathematical Statistics 33.
.. [5] Ohlsson, E. (1998). Sequential Poisson sampling. Journal of Official Statistics 14.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
import math
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from dataclasses import replace as with_changes
from fractions import Fraction
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from scipy.stats import norm

ALGORITHM = "cdi_lib.sampling"
ALGORITHM_VERSION = 1  # a changed rule of selection is a new version: old trails stay repeatable
SCHEMA_VERSION = 1
ALL = "all"  # the name of the only stratum of a frame without strata
METHODS = ("simple", "stratified", "systematic", "pps")
ALLOCATIONS = ("proportional", "equal", "neyman", "cost", "precision")

# ---- checks of arguments -----------------------------------------------------------------------------------


def _proportion(name: str, value: Any, low: float = 0.0, high: float = 1.0) -> float:
    """A number strictly between ``low`` and ``high``."""
    if isinstance(value, bool) or not isinstance(value, Real) or not low < value < high:
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
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= value < math.inf:
        raise ValueError(f"{name} must be a number of at least {low:g}; got {value!r}")
    return float(value)


def _positive(name: str, value: Any) -> float:
    if not _at_least(name, value, 0):
        raise ValueError(f"{name} must be greater than 0; got {value!r}")
    return float(value)


def _count(name: str, value: Any, low: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < low:
        hint = "; a proportion is not a count" if isinstance(value, Real) and 0 < value < 1 else ""
        raise ValueError(f"{name} must be a whole number of at least {low}; got {value!r}{hint}")
    return int(value)


def _population(value: Any) -> float:
    """The number of crimes, perhaps estimated and so not whole; infinite if not given."""
    if value is None:
        return math.inf
    if isinstance(value, bool) or not isinstance(value, Real) or not 1 < value < math.inf:
        raise ValueError(
            f"population must be a number of crimes greater than 1, or None if unlimited; got {value!r}"
        )
    return float(value)


def _response_rate(value: Any) -> float:
    return 1.0 if isinstance(value, Real) and value == 1 else _proportion("response_rate", value)


def _ceil(x: float) -> int:
    return math.ceil(x - 1e-9 * max(1.0, x))  # 385.00000000001 is rounding error, not a 386th crime


# ---- plan --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SamplePlan:
    """How many crimes to audit and incidents to draw, what margin they reach, and what it was planned from.

    ``margin`` is the half-width reached by ``crimes``, ``margin_wanted`` the one asked for (proportions).
    """

    crimes: int
    incidents: int
    margin: float
    rate: float
    margin_wanted: float
    confidence: float
    population: float | None
    design_effect: float
    crimes_per_incident: float
    response_rate: float


@dataclass(frozen=True)
class DetectionPlan:
    """How many crimes to audit now to detect a change of the rate, and what it was planned from."""

    crimes: int
    incidents: int
    rate_before: float
    rate_now: float
    n_before: int | None
    power: float
    confidence: float
    population: float | None
    design_effect: float
    crimes_per_incident: float
    response_rate: float


def design_effect(crimes_per_incident: float, icc: float, cv: float = 0.0) -> float:
    """Variance of a rate of clustered crimes over that of as many independent crimes [3]_.

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
    if isinstance(icc, bool) or not isinstance(icc, Real) or not 0 <= icc <= 1:
        raise ValueError(f"icc must be a proportion from 0 to 1; got {icc!r}")
    # Kish (1965), section 5.4; with unequal clusters the mean size is weighted by size: (1 + cv^2) m
    return 1 + ((1 + _at_least("cv", cv, 0) ** 2) * size - 1) * float(icc)


def _crimes_needed(rate: float, margin: float, confidence: float, population: float, deff: float) -> int:
    z = norm.ppf((1 + confidence) / 2)
    unlimited = deff * z**2 * rate * (1 - rate) / margin**2  # Cochran (1977), eq. 4.1
    return _ceil(unlimited / (1 + unlimited / population))  # eq. 4.2, for the variance pq/n (1 - n/N)


def _incidents(crimes: int, population: float, crimes_per_incident: float, response_rate: float) -> int:
    size = _at_least("crimes_per_incident", crimes_per_incident, 1)
    incidents = _ceil(crimes / size / _response_rate(response_rate))
    held = population / size
    if incidents > held + 1:
        raise ValueError(
            f"{crimes} crimes need {incidents} incidents ({size:g} crimes per incident, response rate "
            f"{response_rate:g}), but the population has only {held:.0f}; accept a wider margin"
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
    confidence, known = _confidence(confidence), _population(population)
    crimes = _crimes_needed(rate, margin, confidence, known, _positive("design_effect", design_effect))
    return SamplePlan(
        crimes=crimes,
        incidents=_incidents(crimes, known, crimes_per_incident, response_rate),
        margin=margin_for(min(crimes, known), rate, confidence, population, design_effect),
        rate=rate,
        margin_wanted=margin,
        confidence=confidence,
        population=population if population is None else float(population),
        design_effect=float(design_effect),
        crimes_per_incident=float(crimes_per_incident),
        response_rate=float(response_rate),
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
    known = _population(population)
    n = n if n == known else _count("n", n)
    if n > known:
        raise ValueError(f"n must be at most the population of {known:g} crimes; got {n}")
    p, z = _proportion("rate", rate), norm.ppf((1 + _confidence(confidence)) / 2)
    variance = _positive("design_effect", design_effect) * p * (1 - p) / n * (1 - n / known)
    return float(z * math.sqrt(variance))  # the normal interval that the published margins fit


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
    known = _population(population)
    rows = [
        (n, _incidents(n, known, crimes_per_incident, response_rate), margin)
        for n in sizes
        for margin in [margin_for(n, rate, confidence, population, design_effect)]
    ]
    return pd.DataFrame(rows, columns=["crimes", "incidents", "margin"])


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
    population, design_effect, crimes_per_incident, response_rate
        As for :func:`sample_size`; the design effect applies to both samples, the population to the present
        one.

    Raises
    ------
    ValueError
        Equal rates, or an earlier sample so small that no sample now could show the change.

    Notes
    -----
    Normal approximation with unpooled variances, as in a test of the difference of two estimates.

    Examples
    --------
    >>> size_to_detect(0.80, 0.92, n_before=300).crimes
    57
    >>> size_to_detect(0.85, 0.90, n_before=None).crimes
    683
    """
    p0, p1 = _proportion("rate_before", rate_before), _proportion("rate_now", rate_now)
    if p0 == p1:
        raise ValueError(f"rate_before and rate_now must differ; got {p0:g} for both")
    known, deff = _population(population), _positive("design_effect", design_effect)
    z = norm.ppf((1 + _confidence(confidence)) / 2) + norm.ppf(_proportion("power", power))
    allowed = ((p1 - p0) / z) ** 2 if z > 0 else math.inf  # variance of the difference that gives this power
    v0, v1 = deff * p0 * (1 - p0), deff * p1 * (1 - p1)
    # solve v0 / n_before + v1 (1/n - 1/N) = allowed for n; with n_before = n the first term becomes v0 / n
    if n_before is None:
        needed = (v0 + v1) / (allowed + v1 / known)
    else:
        rest = allowed - v0 / _count("n_before", n_before) + v1 / known
        needed = v1 / rest if rest > 0 else math.inf
    if needed > known or math.isinf(needed):
        if needed < math.inf:
            raise ValueError(f"this change needs {_ceil(needed)} crimes, the population has only {known:g}")
        raise ValueError(
            f"no sample can show a change from {p0:g} to {p1:g} with power {power:g}: the earlier sample of "
            f"{n_before} crimes is too small; plan for a larger change or a lower power"
        )
    crimes = max(_ceil(needed), 1)
    return DetectionPlan(
        crimes=crimes,
        incidents=_incidents(crimes, known, crimes_per_incident, response_rate),
        rate_before=p0,
        rate_now=p1,
        n_before=None if n_before is None else int(n_before),
        power=float(power),
        confidence=float(confidence),
        population=population if population is None else float(population),
        design_effect=deff,
        crimes_per_incident=float(crimes_per_incident),
        response_rate=float(response_rate),
    )


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
    rates: Mapping[str, float] | None = None,
    costs: Mapping[str, float] | None = None,
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
    rates : mapping of str to float in (0, 1)
        Expected recording rate per stratum.
    costs : mapping of str to positive float
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
    frame = {str(name): _count(f"strata[{name!r}]", count, 0) for name, count in strata.items()}
    if not any(frame.values()):
        raise ValueError("strata must name at least one stratum with a record in the frame")
    least = _per_stratum("minimum", minimum, frame)
    least = {h: min(_count(f"minimum of stratum {h!r}", least[h], 0), size) for h, size in frame.items()}
    rates_known = rates is not None and {
        h: _proportion(f"rate of stratum {h!r}", p) for h, p in _per_stratum("rates", rates, frame).items()
    }
    if method in ("neyman", "cost", "precision") and not rates_known:
        raise ValueError(f"method {method!r} needs rates: the expected recording rate per stratum")

    if method == "precision":
        if total is not None or margin is None:
            raise ValueError(
                "method 'precision' takes a margin and sets the total itself: give margin, and total=None"
            )
        wanted = {
            h: _proportion(f"margin of stratum {h!r}", m, high=0.5)
            for h, m in _per_stratum("margin", margin, frame).items()
        }
        size, reply = _at_least("crimes_per_incident", crimes_per_incident, 1), _response_rate(response_rate)
        deff, level = _positive("design_effect", design_effect), _confidence(confidence)
        ideal = {
            h: _ceil(_crimes_needed(rates_known[h], wanted[h], level, frame[h] * size, deff) / size / reply)
            for h in frame
            if frame[h]
        }
        counts = {h: min(max(ideal.get(h, 0), least[h]), frame[h]) for h in frame}
    else:
        weights = {h: Fraction(frame[h]) for h in frame if frame[h]}  # Cochran (1977), section 5.3
        if method == "equal":
            weights = {h: Fraction(1) for h in weights}
        elif method in ("neyman", "cost"):  # Cochran (1977), eqs. 5.26 and 5.23
            weights = {
                h: w * Fraction(math.sqrt(rates_known[h] * (1 - rates_known[h]))) for h, w in weights.items()
            }
        if method == "cost":
            if costs is None:
                raise ValueError("method 'cost' needs costs: the cost of auditing one record per stratum")
            price = _per_stratum("costs", costs, frame)
            price = {h: _positive(f"cost of stratum {h!r}", cost) for h, cost in price.items()}
            weights = {h: w / Fraction(math.sqrt(price[h])) for h, w in weights.items()}
        total = _count("total", total)
        if not sum(least.values()) <= total <= sum(frame.values()):
            raise ValueError(
                f"total must be at least the minimums ({sum(least.values())}) and at most the "
                f"records of the frame ({sum(frame.values())}); got {total}"
            )
        ideal = {h: total * w / sum(weights.values()) for h, w in weights.items()}
        counts = {h: 0 for h in frame} | _round(_bounded_shares(total, weights, least, frame), frame)
    ideal = {h: float(ideal.get(h, 0)) for h in frame}
    return Allocation(
        counts, frame, ideal, method, tuple(_allocation_notes(counts, frame, ideal, least, method))
    )


def _per_stratum(name: str, values: Any, frame: Mapping[str, int]) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        return dict.fromkeys(frame, values)
    values = {str(h): value for h, value in values.items()}
    if set(values) != set(frame):
        missing, unknown = sorted(set(frame) - set(values)), sorted(set(values) - set(frame))
        raise ValueError(
            f"{name} must name every stratum once; missing: {missing}, not in the frame: {unknown}"
        )
    return values


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


def _allocation_notes(counts, frame, ideal, least, method):
    shared = method != "precision"
    for h, n in counts.items():
        if frame[h] == 0:
            yield f"{h}: the frame has no record of it"
        elif ideal[h] > frame[h] and n == frame[h]:
            rest = "; the rest goes to the other strata" if shared else "; the margin wanted is not reached"
            yield f"{h}: its share of {ideal[h]:.1f} is more than the frame has; all {n} are drawn{rest}"
        elif ideal[h] < least[h] and n == least[h]:
            drawn = f"all {n}" if n == frame[h] else f"{n}"
            rest = ", taken from the other strata" if shared else ""
            yield f"{h}: its share of {ideal[h]:.1f} is below the minimum; {drawn} are drawn{rest}"
        elif not least[h] <= ideal[h] <= frame[h]:
            limits = f"{least[h]} (minimum) to {frame[h]} (frame)"
            yield f"{h}: its share of {ideal[h]:.1f} is not in {limits}; other limits made it {n}"
        elif n < 2 and n < frame[h]:
            yield f"{h}: {n} of {frame[h]} drawn, too few for an interval; set a minimum of 2 or more"


# ---- the number of a record --------------------------------------------------------------------------------

_ROWS = 16_384  # rows that are hashed at a time: their state stays in the processor's cache
_TAIL = np.array([(1 << 8 * n) - 1 for n in range(8)], dtype=np.uint64)  # keeps the first n bytes of a word


def _key(seed: int | str) -> tuple[str, bytes]:
    """The seed as text, and the key of the hash."""
    if isinstance(seed, bool) or not isinstance(seed, (Integral, str)) or not str(seed).strip():
        raise ValueError(f"seed must be a whole number or a text; got {seed!r}")
    text = unicodedata.normalize("NFC", str(seed)).strip()
    return text, hashlib.sha256(f"{ALGORITHM} {ALGORITHM_VERSION}:{text}".encode()).digest()[:16]


def _rotate(x: np.ndarray, bits: int, spare: np.ndarray) -> None:
    np.left_shift(x, bits, out=spare)
    np.right_shift(x, 64 - bits, out=x)
    np.bitwise_or(x, spare, out=x)


def _rounds(
    times: int, a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, spare: np.ndarray
) -> None:
    for _ in range(times):  # SipRound: Aumasson and Bernstein (2012), figure 2.1
        np.add(a, b, out=a)
        _rotate(b, 13, spare)
        np.bitwise_xor(b, a, out=b)
        _rotate(a, 32, spare)
        np.add(c, d, out=c)
        _rotate(d, 16, spare)
        np.bitwise_xor(d, c, out=d)
        np.add(a, d, out=a)
        _rotate(d, 21, spare)
        np.bitwise_xor(d, a, out=d)
        np.add(c, b, out=c)
        _rotate(b, 17, spare)
        np.bitwise_xor(b, c, out=b)
        _rotate(c, 32, spare)


def _siphash(start: np.ndarray, length: np.ndarray, blocks: int, words: np.ndarray, key: bytes) -> np.ndarray:
    """SipHash-2-4 of texts of ``blocks`` words; ``words[i]`` are the eight bytes from byte ``i`` on."""
    k0, k1 = (int.from_bytes(key[i : i + 8], "little") for i in (0, 8))
    begin = (
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    )
    a, b, c, d = state = [np.full(len(start), value, dtype=np.uint64) for value in begin]
    spare = np.empty(len(start), dtype=np.uint64)
    for i in range(blocks):
        word = words[start + 8 * i]
        if i == blocks - 1:  # the last word: the bytes that are left, and the length in its highest byte
            word = (word & _TAIL[length & 7]) | (length.astype(np.uint64) << np.uint64(56))
        np.bitwise_xor(d, word, out=d)
        _rounds(2, *state, spare)
        np.bitwise_xor(a, word, out=a)
    np.bitwise_xor(c, 0xFF, out=c)
    _rounds(4, *state, spare)
    return a ^ b ^ c ^ d


def _bytes_of(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and UTF-8 bytes of an Arrow string array: text i is data[offsets[i] : offsets[i + 1]]."""
    _, offsets, data = texts.buffers()
    wide = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    offsets = np.zeros(1, wide) if len(texts) == 0 else np.frombuffer(offsets, wide)
    data = np.empty(0, np.uint8) if data is None or data.size == 0 else np.frombuffer(data, np.uint8)
    return offsets[texts.offset : texts.offset + len(texts) + 1] if len(texts) else offsets, data


def _hash_texts(texts: pa.Array, key: bytes) -> np.ndarray:
    """SipHash-2-4 of every text of an Arrow string array, as uint64."""
    offsets, data = _bytes_of(texts)
    numbers = np.empty(len(texts), dtype=np.uint64)
    for first in range(0, len(texts), _ROWS):
        edges = offsets[first : first + _ROWS + 1].astype(np.int64)
        padded = np.zeros(edges[-1] - edges[0] + 8, dtype=np.uint8)
        padded[:-8] = data[edges[0] : edges[-1]]
        words = np.ndarray(len(padded) - 7, dtype="<u8", buffer=padded, strides=1)  # overlapping
        start, length = edges[:-1] - edges[0], np.diff(edges)
        blocks = length // 8 + 1
        if blocks.min() == blocks.max():
            numbers[first : first + len(start)] = _siphash(start, length, int(blocks[0]), words, key)
            continue
        for n in np.unique(blocks):
            rows = np.flatnonzero(blocks == n)
            numbers[first + rows] = _siphash(start[rows], length[rows], int(n), words, key)
    return numbers


# ---- columns of a frame ------------------------------------------------------------------------------------


def _column(frame: pd.DataFrame, name: str, what: str) -> pa.ChunkedArray:
    if name not in frame.columns:
        raise ValueError(
            f"{what} {name!r} is not a column of the frame; it has: {', '.join(map(str, frame.columns))}"
        )
    if list(frame.columns).count(name) > 1:
        raise ValueError(f"{what} {name!r}: the frame has several columns of this name; rename them")
    try:
        values = pa.array(frame[name].array, from_pandas=True)
    except UnicodeEncodeError:
        raise ValueError(f"{what} {name!r} holds text that is not valid Unicode; export it again") from None
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise ValueError(f"{what} {name!r} mixes text and numbers; read the whole column as text") from None
    return values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])


def _as_text(values: pa.Array, what: str) -> pa.Array:
    """Text in normalisation form C without white space at its ends; missing values are empty."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _as_text(values.dictionary_decode(), what)
    if pa.types.is_integer(kind) or pa.types.is_null(kind):
        return pc.fill_null(values.cast(pa.string()), "")
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise ValueError(f"{what} must hold text or whole numbers; it holds {kind}: read the column as text")
    values = pc.fill_null(values, "") if values.null_count else values
    offsets, data = _bytes_of(values)
    inside = data[offsets[0] : offsets[-1]]
    if len(inside) and inside.max() > 127:
        values = pc.utf8_trim_whitespace(pc.utf8_normalize(values, form="NFC"))
    elif len(inside) and inside.min() <= 32:
        values = pc.utf8_trim_whitespace(values)
    return values


def _texts_at(column: pa.ChunkedArray, rows: np.ndarray, what: str) -> list[str]:
    edges = np.cumsum([0, *map(len, column.chunks)])
    texts = np.empty(len(rows), dtype=object)
    where = np.searchsorted(edges, rows, side="right") - 1
    for i in np.unique(where):  # chunk by chunk: to take from them all would join them in a copy
        here = where == i
        texts[here] = _as_text(column.chunk(i).take(pa.array(rows[here] - edges[i])), what).to_pylist()
    return texts.tolist()


def _rows_named(rows: Sequence[int]) -> str:
    shown = ", ".join(f"{row + 1:,}" for row in rows[:5])
    return f"record{'s' if len(rows) > 1 else ''} {shown}{', …' if len(rows) > 5 else ''}, counted from 1"


def _numbers(column: pa.ChunkedArray, key: bytes, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The number of every record, and an order of those few (if any) whose ids differ and numbers agree."""
    what, numbers, empty = f"id column {name!r}", np.empty(len(column), dtype=np.uint64), []
    done = 0
    for chunk in column.chunks:
        for first in range(0, len(chunk), 1 << 20):  # a slice at a time: memory stays bounded
            texts = _as_text(chunk.slice(first, 1 << 20), what)
            numbers[done : done + len(texts)] = _hash_texts(texts, key)
            if pc.min(pc.binary_length(texts)).as_py() == 0:
                empty.extend(done + np.flatnonzero(np.asarray(pc.equal(pc.binary_length(texts), 0))))
            done += len(texts)
    if empty:
        raise ValueError(
            f"{what}: {len(empty):,} empty id{'s' if len(empty) > 1 else ''} ({_rows_named(empty)}); "
            "every record needs an id of its own"
        )
    ordered = np.sort(numbers)
    same = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])  # equal ids have equal numbers
    del ordered
    if len(same) == 0:
        return numbers, None
    rows = np.flatnonzero(np.isin(numbers, same))
    ids = pd.Series(_texts_at(column, rows, what), index=rows)
    repeats = ids.value_counts()
    repeats = repeats[repeats > 1]
    if len(repeats):
        examples = ", ".join(f"{text!r} ({times} times)" for text, times in sorted(repeats.items())[:5])
        raise ValueError(
            f"{what}: {len(repeats):,} id{'s occur' if len(repeats) > 1 else ' occurs'} more than once, in "
            f"{repeats.sum():,} records: {examples}{', …' if len(repeats) > 5 else ''}; "
            "remove the repeats, or take the column that identifies a record (white space at the ends of an "
            "id does not count)"
        )
    ties = np.zeros(len(numbers), dtype=np.int64)
    ties[sorted(rows, key=lambda row: ids[row].encode())] = np.arange(len(rows))
    return numbers, ties


def _strata(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Code of the stratum of every record, and their names; several columns are joined by " / "."""
    codes, names = np.zeros(len(frame), dtype=np.int64), [ALL]
    for position, name in enumerate(columns):
        column = _column(frame, name, "stratum column").dictionary_encode().unify_dictionaries()
        indices = [np.asarray(pc.fill_null(chunk.indices, -1)) for chunk in column.chunks]
        index = np.concatenate(indices) if indices else np.empty(0, dtype=np.int32)
        values = column.chunk(0).dictionary if indices else pa.array([], pa.string())
        texts = _as_text(values, f"stratum column {name!r}").to_pylist()
        labels = sorted(set(texts) - {""})
        place = {label: code for code, label in enumerate(labels)}
        codes_of = np.array([place.get(text, -1) for text in texts] + [-1], dtype=np.int32)
        own = codes_of[index]  # a missing value has index -1: the last entry
        missing = np.flatnonzero(own < 0)
        if len(missing):
            raise ValueError(
                f"stratum column {name!r}: {len(missing):,} empty value{'s' if len(missing) > 1 else ''} "
                f"({_rows_named(missing)}); every record needs a stratum"
            )
        if position == 0:
            codes, names = own, labels
        else:
            codes = codes.astype(np.int64) * len(labels) + own
            names = [f"{before} / {label}" for before in names for label in labels]
    if len(set(names)) < len(names):
        raise ValueError(
            f"stratum columns {', '.join(columns)}: two strata have the same name; avoid ' / ' in values"
        )
    return codes, names


def stratum_counts(frame: pd.DataFrame, stratum_column: str | Sequence[str] | None) -> dict[str, int]:
    """Number of records per stratum, by name of the stratum: what :func:`allocate` needs.

    Examples
    --------
    >>> stratum_counts(pd.DataFrame({"type": ["violence", "other", "violence"]}), "type")
    {'other': 1, 'violence': 2}
    """
    codes, names = _strata(frame, _as_list(stratum_column))
    counts = np.bincount(codes, minlength=len(names))
    return {names[i]: int(counts[i]) for i in sorted(range(len(names)), key=names.__getitem__) if counts[i]}


def _as_list(columns: str | Sequence[str] | None) -> list[str]:
    return [] if columns is None else [columns] if isinstance(columns, str) else list(columns)


# ---- draw --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """A selected or reserve record.

    ``order`` is its place in its stratum (from 1; reserves go on counting), ``number`` its hash, and ``row``
    its position in the frame (from 0; not part of the trail, for it depends on the order of the rows).
    """

    order: int
    id: str
    stratum: str
    inclusion_probability: float
    number: int
    row: int


@dataclass(frozen=True)
class Replacement:
    """A record that could not be audited, the reserve that took its place, and the reason."""

    replaced: str
    by: str
    stratum: str
    reason: str


@dataclass(frozen=True)
class Selection:
    """A drawn sample: records and reserves in their fixed order, and all that is needed to draw it again."""

    method: str
    seed: str
    id_column: str
    stratum_columns: tuple[str, ...]
    size_column: str | None
    order_column: str | None
    frame: dict[str, int]
    counts: dict[str, int]
    starts: dict[str, int]
    records: tuple[Record, ...] = field(repr=False)
    reserves: tuple[Record, ...] = field(repr=False)
    replacements: tuple[Replacement, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def current(self) -> tuple[Record, ...]:
        """The records to audit now: a reserve stands in the place of the record that it replaced."""
        known = {record.id: record for record in (*self.records, *self.reserves)}
        by = {swap.replaced: swap.by for swap in self.replacements}
        ids = [record.id for record in self.records]
        for i, name in enumerate(ids):
            while name in by:
                name = by[name]
            ids[i] = name
        return tuple(known[name] for name in ids)

    def to_frame(self) -> pd.DataFrame:
        """One row per selected and reserve record: ``id``, ``stratum``, ``order``, ``reserve``, ..."""
        rows = [asdict(r) | {"reserve": False} for r in self.records]
        return pd.DataFrame(rows + [asdict(r) | {"reserve": True} for r in self.reserves])


def draw(
    frame: pd.DataFrame,
    allocation: Allocation | Mapping[str, int] | int,
    seed: int | str,
    method: str = "simple",
    *,
    id_column: str,
    stratum_column: str | Sequence[str] | None = None,
    size_column: str | None = None,
    order_column: str | None = None,
    reserves: int | Mapping[str, int] = 0,
) -> Selection:
    """Draw a sample that depends on nothing but the seed and the content of the frame.

    Parameters
    ----------
    frame : DataFrame
        One row per record (incident), in any order.
    allocation : Allocation, mapping of stratum to count, or int
        Records to draw; an int only without strata.
    seed : int or str
        Public, and fixed before the frame is seen. 7 and "7" are the same. A second sample that is to be
        independent of the first (a blind re-check) needs another seed.
    method : {"simple", "stratified", "systematic", "pps"}
        ``simple`` and ``stratified``: the smallest numbers (of each stratum). ``systematic``: every k-th
        record in the order of ``order_column`` from a random start. ``pps``: probability proportional to
        ``size_column`` [4]_; both within strata if a stratum column is given.
    id_column : str
        Unique text or whole number; text in Unicode normalisation form C, without white space at its ends.
    stratum_column : str or sequence of str
        The strata; several columns are joined as "violence / control room".
    size_column : str
        Positive whole numbers, for ``pps``: for example crimes of the incident.
    order_column : str
        For ``systematic``: numbers, dates or text (by code point); equal values follow the record's number.
    reserves : int or mapping
        Reserve records per stratum, in the order in which they must be used.

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        Empty or repeated ids (with count and examples), a sample larger than its stratum, strata or counts
        that are not those of the allocation, a column that is missing or not of use to the method, ...

    Notes
    -----
    The inclusion probabilities are exact for every method. ``pps`` is randomised systematic sampling: records
    of size X/n or more are certain; the others lie on a line in the order of their numbers, each as long as
    its size. Its reserves, and those of ``systematic``, follow the order of number/size (of number) [5]_. A
    systematic sample changes when records are added, and gives no unbiased estimate of its variance.

    Examples
    --------
    >>> frame = pd.DataFrame({"id": ["INC-1", "INC-2", "INC-3", "INC-4"]})
    >>> [record.id for record in draw(frame, 2, seed=7, id_column="id").records]
    ['INC-4', 'INC-3']
    """
    columns = _as_list(stratum_column)
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    if (method == "stratified") != bool(columns) and method in ("simple", "stratified"):
        raise ValueError("a stratum_column belongs to method 'stratified': give both, or neither")
    for name, column, needs in (
        ("size_column", size_column, "pps"),
        ("order_column", order_column, "systematic"),
    ):
        if (column is not None) != (method == needs):
            raise ValueError(f"{name} belongs to method {needs!r}: give both, or neither")
    if len(frame) == 0:
        raise ValueError("the frame has no record")
    text, key = _key(seed)

    ids = _column(frame, id_column, "id column")
    numbers, ties = _numbers(ids, key, id_column)
    codes, names = _strata(frame, columns)
    present = np.bincount(codes, minlength=len(names)) if columns else np.array([len(frame)])
    sizes = {names[i]: int(n) for i, n in enumerate(present) if n}
    counts = _wanted(allocation, sizes)
    spare = _per_stratum("reserves", reserves, counts)
    size = None if size_column is None else _sizes(frame, size_column)
    rank = None if order_column is None else _ranks(frame, order_column)

    drawn, kept, starts, notes = [], [], {}, []
    for stratum in sorted(counts):
        n, extra = counts[stratum], _count(f"reserves of stratum {stratum!r}", spare[stratum], 0)
        if n == 0:
            continue
        rows = np.flatnonzero(codes == names.index(stratum)) if columns else np.arange(len(frame))
        if n + extra > len(rows):
            notes.append(
                f"{stratum}: only {len(rows) - n} of {extra} reserves, the frame has no more records"
            )
            extra = len(rows) - n
        if method in ("simple", "stratified"):
            picked = _smallest(rows, numbers, ties, n + extra)
            probability = np.full(len(picked), n / len(rows))
        else:
            starts[stratum] = _start(stratum, key)
            picked, probability = _along_a_line(rows, numbers, ties, rank, size, n, extra, starts[stratum])
        made = [
            Record(i + 1, name, stratum, float(p), int(numbers[row]), int(row))
            for i, (name, row, p) in enumerate(
                zip(_texts_at(ids, picked, f"id column {id_column!r}"), picked, probability, strict=True)
            )
        ]
        drawn += made[:n]
        kept += made[n:]
    return Selection(
        method, text, id_column, tuple(columns), size_column, order_column, sizes, counts, starts,
        tuple(drawn), tuple(kept), notes=tuple(notes),
    )  # fmt: skip


def _wanted(allocation: Allocation | Mapping[str, int] | int, sizes: Mapping[str, int]) -> dict[str, int]:
    """Records to draw per stratum, checked against the frame."""
    if isinstance(allocation, Allocation):
        counted = {h: n for h, n in allocation.frame.items() if n}
        if counted != dict(sizes):
            raise ValueError(
                f"the allocation was made for another frame: it counts {counted}, the frame has "
                f"{dict(sizes)}; allocate again"
            )
        allocation = allocation.counts
    if not isinstance(allocation, Mapping):
        if set(sizes) != {ALL}:
            raise ValueError("a stratified draw needs a count for every stratum; make them with allocate()")
        allocation = {ALL: allocation}
    counts = {str(h): _count(f"allocation of stratum {str(h)!r}", n, 0) for h, n in allocation.items()}
    missing = sorted(set(sizes) - set(counts))
    unknown = sorted(h for h in set(counts) - set(sizes) if counts[h])
    if missing or unknown:
        raise ValueError(
            f"the allocation must name the strata of the frame; missing: {missing}, "
            f"not in the frame: {unknown}"
        )
    for h, n in counts.items():
        if n > sizes.get(h, 0):
            raise ValueError(f"stratum {h!r}: {n} records to draw, but the frame has only {sizes[h]}")
    if not any(counts.values()):
        raise ValueError("the allocation draws no record")
    return counts


def _lexsort(
    numbers: np.ndarray, ties: np.ndarray | None, rows: np.ndarray, *first: np.ndarray
) -> np.ndarray:
    """Order by ``first``, then by number, then (numbers agree by chance) by id."""
    return np.lexsort((*([] if ties is None else [ties[rows]]), numbers, *first))


def _smallest(rows: np.ndarray, numbers: np.ndarray, ties: np.ndarray | None, n: int) -> np.ndarray:
    """The ``n`` rows with the smallest numbers, in order."""
    own = numbers[rows]
    if n < len(rows):
        few = own <= np.partition(own, n - 1)[n - 1]
        rows, own = rows[few], own[few]
    return rows[_lexsort(own, ties, rows)][:n]


def _start(stratum: str, key: bytes) -> int:
    """Random start of a stratum: the number of the byte FF (which no text contains) and its name."""
    message = b"\xff" + stratum.encode()
    raw = pa.StringArray.from_buffers(
        1, pa.py_buffer(np.array([0, len(message)], np.int32)), pa.py_buffer(message)
    )
    return int(_hash_texts(raw, key)[0])


def _along_a_line(
    rows: np.ndarray,
    numbers: np.ndarray,
    ties: np.ndarray | None,
    rank: np.ndarray | None,
    size: np.ndarray | None,
    n: int,
    extra: int,
    start: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Systematic selection: ``n`` rows and ``extra`` reserves, and the inclusion probability of each.

    The records lie on a line, each as long as its size (1 if there is none); those on which points at equal
    distances fall are the sample. A record as long as that distance or longer is certain and left out.
    """
    line = rows[_lexsort(numbers[rows], ties, rows, *([] if rank is None else [rank[rows]]))]
    weight = np.ones(len(line), dtype=np.int64) if size is None else size[line]
    certain = _certain(weight, n)
    taken, probability, left = certain.copy(), np.ones(len(line)), n - int(certain.sum())
    if left:
        free = np.flatnonzero(~certain)
        ends = np.cumsum(weight[free])
        total = int(ends[-1])
        # points (u + i) X/n for i = 0 .. n-1 with u = start / 2^64, rounded down: exact in whole numbers
        points = [((start + (i << 64)) * total) // (left << 64) for i in range(left)]
        taken[free[np.searchsorted(ends, points, side="right")]] = True
        probability[free] = left * weight[free] / total  # Hartley and Rao (1962)
    others = np.flatnonzero(~taken)
    key = numbers[line[others]].astype(float) / weight[others]  # Ohlsson (1998)
    others = others[_lexsort(numbers[line[others]], ties, line[others], key)][:extra]
    picked = np.concatenate([np.flatnonzero(taken), others])
    return line[picked], probability[picked]


def _certain(weight: np.ndarray, n: int) -> np.ndarray:
    """Which records would reach a probability of 1: ``n x >= X``, and again for those that are left."""
    certain = np.zeros(len(weight), dtype=bool)
    while (left := n - int(certain.sum())) > 0:
        total = int(weight[~certain].sum())
        more = ~certain & (weight >= -(-total // left))  # x >= X/n in whole numbers
        if not more.any():
            break
        certain |= more
    return certain


def _sizes(frame: pd.DataFrame, name: str) -> np.ndarray:
    _column(frame, name, "size column")
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = np.flatnonzero(~((values >= 1) & (values < 2**53) & (values == np.floor(values))))
    if len(wrong):
        raise ValueError(
            f"size column {name!r} must hold whole numbers of at least 1; {len(wrong):,} do not "
            f"({_rows_named(wrong)}); leave records without size out of the frame"
        )
    if values.sum() >= 2**62:
        raise ValueError(f"size column {name!r}: the sizes add up to 2^62 or more; use a coarser unit")
    return values.astype(np.int64)


def _ranks(frame: pd.DataFrame, name: str) -> np.ndarray:
    column = _column(frame, name, "order column")
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.null_count:
        missing = np.flatnonzero(np.asarray(column.is_null()))
        raise ValueError(f"order column {name!r}: {len(missing):,} empty values ({_rows_named(missing)})")
    try:
        return np.asarray(pc.rank(column, tiebreaker="dense"))
    except pa.ArrowNotImplementedError:
        raise ValueError(
            f"order column {name!r} must hold numbers, dates or text; got {column.type}"
        ) from None


def replace(selection: Selection, record_id: str, reason: str) -> Selection:
    """Replace a record that cannot be audited by the next unused reserve of its stratum.

    Returns the selection with one more entry in ``replacements``; ``current`` lists the records to audit.

    Raises
    ------
    ValueError
        The record is not in the present sample, no reserve is left, or there is no reason.
    """
    text, why = unicodedata.normalize("NFC", str(record_id)).strip(), str(reason or "").strip()
    if not why:
        raise ValueError(f"record {text!r}: the reason of a replacement must be given")
    now = next((record for record in selection.current if record.id == text), None)
    if now is None:
        gone = any(swap.replaced == text for swap in selection.replacements)
        raise ValueError(f"record {text!r} {'was replaced already' if gone else 'is not in the sample'}")
    used = {swap.by for swap in selection.replacements}
    spare = next((r for r in selection.reserves if r.stratum == now.stratum and r.id not in used), None)
    if spare is None:
        raise ValueError(
            f"record {text!r}: no reserve is left in stratum {now.stratum!r}; draw again with the same "
            f"seed and more "
            "reserves (those in use keep their order)"
        )
    swap = Replacement(text, spare.id, now.stratum, why)
    return with_changes(selection, replacements=(*selection.replacements, swap))


# ---- frames ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FrameInfo:
    """What identifies a frame: file name and SHA-256, what was read of it, and its counts."""

    file: str
    sha256: str
    format: str
    encoding: str | None
    id_column: str
    stratum_columns: tuple[str, ...]
    records: int
    counts: dict[str, int]


@dataclass(frozen=True)
class Frame:
    """A sampling frame: ``data`` has the columns that were asked for, ``info`` identifies the file."""

    data: pd.DataFrame = field(repr=False)
    info: FrameInfo


def read_frame(
    path: str | Path,
    id_column: str,
    stratum_columns: str | Sequence[str] | None = None,
    *,
    other_columns: Sequence[str] = (),
    delimiter: str = ",",
    sheet: str | int = 0,
) -> Frame:
    """Read a sampling frame from CSV, Parquet or Excel: only the columns named, ids as text.

    Parameters
    ----------
    path : path
        ``.csv`` (UTF-8, with or without byte order mark; else Windows-1252), ``.parquet`` or ``.xlsx``.
    id_column, stratum_columns, other_columns : str
        Columns to read; ``other_columns`` may be a size or order column, or what the worksheet shows.
        In a CSV file every value is text.
    delimiter : str
        Of a CSV file.
    sheet : str or int
        Of an Excel file: name, or position from 0.

    Raises
    ------
    ValueError
        A column that is missing, an unreadable file, an Excel sheet that is cut at the last row, long numbers
        that Excel has rounded, ...

    Notes
    -----
    Memory: the columns named as Arrow data, about 24 bytes per record for ids of 14 characters.
    """
    path, strata = Path(path), _as_list(stratum_columns)
    columns = list(dict.fromkeys([id_column, *strata, *other_columns]))
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet", ".xlsx"):
        raise ValueError(f"{path.name}: a frame is a .csv, .parquet or .xlsx file; save it as one of these")
    if not path.is_file():
        raise ValueError(f"{path.name}: there is no such file in {path.parent.name or 'this folder'}")
    sha256, encoding = _fingerprint(path, detect_encoding=suffix == ".csv")
    try:
        if suffix == ".csv":
            data = _read_csv(path, columns, strata, encoding, delimiter)
        elif suffix == ".parquet":
            data = _read_parquet(path, columns, strata)
        else:
            data = _read_excel(path, columns, id_column, sheet)
    except (pa.ArrowException, OSError, KeyError) as error:
        # the reader's own words may quote a row, so only their kind is told
        raise ValueError(f"{path.name}: not a readable {suffix} file ({type(error).__name__})") from None
    counts = stratum_counts(data, strata)
    return Frame(
        data, FrameInfo(path.name, sha256, suffix[1:], encoding, id_column, tuple(strata), len(data), counts)
    )


def _fingerprint(path: Path, detect_encoding: bool) -> tuple[str, str | None]:
    """SHA-256 of a file and, in the same pass, whether it is UTF-8 (or else Windows-1252)."""
    digest, decoder, encoding = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), "utf-8"
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if detect_encoding and file.tell() == len(block) and block[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise ValueError(f"{path.name} is UTF-16 text; save it as CSV UTF-8")
            digest.update(block)
            if detect_encoding and encoding == "utf-8":
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    encoding = "cp1252"
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            encoding = "cp1252"
    return digest.hexdigest(), encoding if detect_encoding else None


def _require(path: Path, columns: Sequence[str], header: Sequence[Any]) -> None:
    for name in columns:
        if (found := list(header).count(name)) != 1:
            said = "is not a column" if found == 0 else f"is the name of {found} columns"
            raise ValueError(f"{path.name}: {name!r} {said}; the file has: {', '.join(map(str, header))}")


def _read_csv(
    path: Path, columns: list[str], strata: list[str], encoding: str, delimiter: str
) -> pd.DataFrame:
    bad: list[Any] = []

    def refuse(row: pa.csv.InvalidRow) -> str:
        bad.append(row)
        return "error"

    label = pa.dictionary(pa.int32(), pa.string())
    try:
        with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as file:
            header = next(csv.reader(file, delimiter=delimiter), [])
        _require(path, columns, header)
        reader = pa.csv.open_csv(
            path,
            read_options=pa.csv.ReadOptions(encoding=encoding, use_threads=False, block_size=1 << 24),
            parse_options=pa.csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse
            ),
            convert_options=pa.csv.ConvertOptions(
                include_columns=columns,
                column_types={name: label if name in strata else pa.string() for name in columns},
                strings_can_be_null=False,
            ),
        )
        table = pa.Table.from_batches(list(reader), reader.schema)
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error):
        if bad:
            where = f"row {bad[0].number}" if bad[0].number else "a row"
            raise ValueError(
                f"{path.name}, {where}: {bad[0].actual_columns} values where the header has "
                f"{bad[0].expected_columns}"
            ) from None
        raise ValueError(f"{path.name}: not a CSV file in UTF-8 or Windows-1252 with a header row") from None
    return _to_pandas(table)


def _read_parquet(path: Path, columns: list[str], strata: list[str]) -> pd.DataFrame:
    with pa.parquet.ParquetFile(path, read_dictionary=strata) as file:
        _require(path, columns, file.schema_arrow.names)
        batches = list(file.iter_batches(batch_size=1 << 18, columns=columns))
        schema = (
            batches[0].schema if batches else pa.schema([file.schema_arrow.field(name) for name in columns])
        )
        return _to_pandas(pa.Table.from_batches(batches, schema))


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    """Text stays in Arrow's memory (no copy); dictionaries become categories."""
    return pd.DataFrame(
        {
            name: column.unify_dictionaries().to_pandas()
            if pa.types.is_dictionary(column.type)
            else column.to_pandas(types_mapper=pd.ArrowDtype)
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    )


def _read_excel(path: Path, columns: list[str], id_column: str, sheet: str | int) -> pd.DataFrame:
    try:
        data = pd.read_excel(path, sheet_name=sheet, dtype=object, keep_default_na=False, na_values=[""])
    except Exception as error:  # noqa: BLE001 - the reader has many kinds of error; all mean the same here
        raise ValueError(f"{path.name}: sheet {sheet!r} cannot be read ({type(error).__name__})") from None
    data.columns = [str(name).strip() for name in data.columns]
    _require(path, columns, data.columns)
    if len(data) >= 2**20 - 1:
        raise ValueError(
            f"{path.name}: the sheet is full to its last row, so records may be cut off; use CSV"
        )
    rounded = [v for v in data[id_column] if isinstance(v, (int, float)) and abs(v) >= 1e15]
    if rounded:
        raise ValueError(
            f"{path.name}: column {id_column!r} has {len(rounded):,} numbers of 16 digits or more, "
            "of which Excel keeps 15; format the column as text before the numbers are entered, or use CSV"
        )
    texts = [name for name in columns if name == id_column or data[name].map(type).eq(str).any()]
    for name in texts:
        data[name] = pd.array([_cell(value) for value in data[name]], dtype="str")
    return data[columns].infer_objects()


def _cell(value: object) -> str | None:
    """A cell of a text column; a spreadsheet stores the number 106 as 106.0."""
    if pd.isna(value):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# ---- trail -------------------------------------------------------------------------------------------------

_IN_ORDER = (
    "in each stratum the n records with the smallest numbers, in this order; the reserves are the next"
)
_START = (
    "where start is the number of the byte FF followed by the name of the stratum; reserves are the others"
)
_RULES = {
    "simple": _IN_ORDER,
    "stratified": _IN_ORDER,
    "systematic": "in each stratum N records in ascending order of the order column, then number; "
    "for i = 0 .. n-1 take position floor((start + i 2^64) N / (n 2^64)), counted from 0, "
    f"{_START} in ascending order of number as 64-bit floating point",
    "pps": "in each stratum: while a record left has size >= X / n (X total size of these, n draws left) "
    "all such are certain and leave; the others in order of number lie on a line from 0, each as long as its "
    "size; for i = 0 .. n-1 take the record that covers floor((start + i 2^64) X / (n 2^64)), "
    f"{_START} in ascending order of number / size as 64-bit floating point",
}


def trail(
    selection: Selection,
    frame_info: FrameInfo | None,
    plan: SamplePlan | DetectionPlan | None,
    allocation: Allocation | None,
    replacements: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """The selection trail: a JSON document with which a third party can repeat the draw from the frame.

    Parameters
    ----------
    selection : Selection
    frame_info, plan, allocation
        What the draw was made from; None if there was none.
    replacements : iterable of (record id, reason)
        Applied in this order with :func:`replace`, after those that the selection has.

    Notes
    -----
    The trail names records. It belongs to the auditors' papers, not to the published report. It has no date
    and no path: the same draw writes the same bytes.
    """
    for record_id, reason in replacements:
        selection = replace(selection, record_id, reason)
    counted = selection.frame if selection.stratum_columns else {ALL: sum(selection.frame.values())}
    given = frame_info and (frame_info.counts if selection.stratum_columns else {ALL: frame_info.records})
    if given is not None and given != counted:
        raise ValueError(
            f"frame_info counts {frame_info.counts}, but the selection was drawn from {selection.frame}"
        )
    _, key = _key(selection.seed)
    return {
        "document": "selection trail",
        "schema_version": SCHEMA_VERSION,
        "algorithm": {
            "name": ALGORITHM,
            "version": ALGORITHM_VERSION,
            "hash": "SipHash-2-4 with 64-bit result, read as a little-endian whole number",
            "key": "first 16 bytes of SHA-256 of the UTF-8 text: name, space, version, colon, seed",
            "key_hex": key.hex(),
            "message": "UTF-8 bytes of the record id in normalisation form C without white space at its ends",
            "equal_numbers": "ordered by the UTF-8 bytes of the id",
            "rule": _RULES[selection.method],
        },
        "seed": selection.seed,
        "method": selection.method,
        "columns": {
            "id": selection.id_column,
            "strata": list(selection.stratum_columns),
            "size": selection.size_column,
            "order": selection.order_column,
        },
        "frame": None if frame_info is None else asdict(frame_info),
        "plan": None if plan is None else asdict(plan),
        "allocation": None if allocation is None else asdict(allocation) | {"notes": list(allocation.notes)},
        "strata": [
            {
                "stratum": h,
                "frame": selection.frame[h],
                "selected": n,
                "reserves": sum(record.stratum == h for record in selection.reserves),
                "inclusion_probability": None if selection.method == "pps" else n / selection.frame[h],
                "start": f"{selection.starts[h]:016x}" if h in selection.starts else None,
            }
            for h, n in sorted(selection.counts.items())
            if h in selection.frame
        ],
        "notes": list(selection.notes),
        "selection": _listed(selection.records),
        "reserves": _listed(selection.reserves),
        "replacements": [asdict(swap) for swap in selection.replacements],
    }


def _listed(records: Iterable[Record]) -> list[dict[str, Any]]:
    rows = [asdict(record) for record in records]
    for row in rows:
        row["number"] = f"{row['number']:016x}"
        del row["row"]  # depends on the order of the rows
    return rows


def write_trail(document: Mapping[str, Any], path: str | Path) -> None:
    """Write a trail as JSON (UTF-8); the file is complete or, if writing fails, as it was before."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
