"""Recording rates from an audit sample, with intervals that respect how the sample was drawn.

An audit draws incidents; an incident holds no, one or several crimes that should have been recorded
("audited crimes"), and each of them was recorded or was not. The recording rate is therefore a ratio of two
random totals, recorded / audited, of crimes that are clustered in incidents.

Declare the sample once as a :class:`~cdi_lib.statistics.design.Design`; every estimator takes it and returns an
:class:`Estimate`. All estimators work alike: the estimate is a smooth function of weighted totals, each audited
crime gets a *score* (its first-order influence on the estimate, weight included), and the variance is that of the
total of the scores over clusters within strata (Taylor linearisation [1]_), computed in one place,
:meth:`Design.variance <cdi_lib.statistics.design.Design.variance>`; the limits come from
:func:`~cdi_lib.statistics.intervals.interval`. Rates are proportions in [0, 1]; populations and recorded crime are counts.
The intervals cover the chance of sampling only: crimes in places where the audit does not look are not in them.

Small and awkward cases, each decided:

- population missing, a fraction, or smaller than the sample: refused; without finite population correction only on
  request (``infinite_population=True``);
- stratum or crime type with a count but without sample: refused, for nothing is known of it; a count of 0 is allowed;
- stratum of incidents without crimes: refused where the population counts crimes, kept where it counts incidents;
- one incident in a stratum: refused, unless ``lonely`` says what to take for its variance;
- one incident in two strata: refused; crime types that cut across incidents are domains or post-strata;
- census: standard error 0 and an interval of no width (flag ``census``); a census of one stratum adds no variance;
- 0 of n, n of n, or a sample without variation between incidents: standard error 0, but an interval of some width,
  for which an incident counts as one crime (flags ``boundary``, ``zero_variance``);
- under 30 crimes, under 10 degrees of freedom, or a crime type of much weight with under 5 unrecorded crimes:
  estimated and flagged (``n_under_30``, ``df_under_10``, ``few_unrecorded``);
- rate of 0: what goes unrecorded is undefined and refused; lower limit of 0: it has no upper limit (``open_ended``).

References
----------
.. [1] Woodruff, R. S. (1971). A simple method for approximating the variance of a complicated estimate.
   *Journal of the American Statistical Association* 66, 411-414.
.. [2] Lumley, T. (2010). *Complex Surveys: A Guide to Analysis Using R*. Wiley. (R package ``survey``.)
.. [3] Cochran, W. G. (1977). *Sampling Techniques*, 3rd ed. Wiley.
.. [4] Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions.
   *Statistics in Medicine* 17, 873-890.
.. [5] Holt, D. and Smith, T. M. F. (1979). Post stratification. *Journal of the Royal Statistical Society A*
   142, 33-46.
"""

import math
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

from cdi_lib.statistics.checks import (
    choice,
    column_of,
    count,
    counts_of_groups,
    level,
    number,
    one_population,
    population_count,
)
from cdi_lib.statistics.design import LONELY, Design, factorize, unseen
from cdi_lib.statistics.intervals import DEFAULT_INTERVAL, INTERVALS, interval

__all__ = [
    "DEFAULT_INTERVAL",
    "INTERVALS",
    "LONELY",
    "Design",
    "Estimate",
    "change",
    "difference",
    "domain_difference",
    "interval",
    "pooled_rate",
    "post_stratified_rate",
    "recording_rate",
    "reported_population",
    "sensitivity",
    "stratified_rate",
    "total",
    "unrecorded",
]

SMALL_SAMPLE = 30  # audited crimes; below it an estimate is flagged "n_under_30"
FEW_UNRECORDED = 5  # in a crime type that weighs much; below it a stratified rate is flagged "few_unrecorded"
FEW_DEGREES_OF_FREEDOM = 10  # below it an estimate is flagged "df_under_10"


@dataclass(frozen=True)
class Estimate:
    """One estimate, with all that is needed to print and to judge it; plain Python values only.

    Attributes
    ----------
    value, low, high : float
        The estimate and its confidence limits, unrounded, in `unit`. ``high`` is None if there is no upper
        limit (flag ``open_ended``).
    se : float
        Standard error. 0 for a census, and where the sample shows no variation (flags ``boundary``,
        ``zero_variance``): then the interval still has a width.
    n, recorded : int
        Audited crimes behind the estimate, and how many of them were recorded (unweighted counts).
    clusters : int
        Incidents that hold these crimes (equal to `n` where crimes are taken as independent).
    population : float or None
        The population count that was declared, in the design's unit; None if declared infinite.
    confidence : float
        Confidence level of the interval, 0.95 for 95 %.
    estimator, interval : str
        How value and interval were computed.
    fpc : float
        Overall sampling fraction used in the finite population correction, in [0, 1]; 0 means none.
    design_effect : float or None
        Variance over that of a simple random sample of `n` crimes without FPC, ``p(1 - p) / n``; None if the
        latter is 0 or does not apply.
    effective_n : float or None
        Size of the simple random sample, drawn with replacement, of equal variance; where `se` is 0, of that which
        leaves as much unseen (:func:`cdi_lib.statistics.design.unseen`); None for a census.
    df : int or None
        Degrees of freedom of the variance: clusters minus strata, both counted where the domain has crimes.
    flags : tuple of str
        Of ``n_under_30``, ``df_under_10``, ``census``, ``boundary`` (0 of n or n of n), ``zero_variance``,
        ``lonely_cluster``, ``open_ended``, ``few_unrecorded`` (see :func:`stratified_rate`).
    unit : str
        ``proportion``, ``crimes`` or ``difference`` (of proportions).
    p_value : float or None
        Two-sided, of the hypothesis "no difference"; differences only.
    """

    value: float
    se: float
    low: float
    high: float | None
    n: int
    recorded: int
    clusters: int
    population: float | None
    confidence: float
    estimator: str
    interval: str
    fpc: float = 0.0
    design_effect: float | None = None
    effective_n: float | None = None
    df: int | None = None
    flags: tuple[str, ...] = ()
    unit: str = "proportion"
    p_value: float | None = None

    @property
    def margin(self):
        """Half the width of the interval (the +/- of a symmetric one); None if it is open-ended."""
        return None if self.high is None else (self.high - self.low) / 2

    def to_dict(self):
        """Return all fields and the margin as a dictionary that ``json`` accepts."""
        return asdict(self) | {"flags": list(self.flags), "margin": self.margin}

    def __repr__(self):
        high = "no limit" if self.high is None else f"{self.high:.6g}"
        flags = f", {'+'.join(self.flags)}" if self.flags else ""
        return (
            f"Estimate({self.value:.6g}, {self.confidence * 100:g}% {self.low:.6g} to {high}, n={self.n}, "
            f"{self.estimator}, {self.interval}{flags})"
        )


# ---- estimators -------------------------------------------------------------------------------------------


def recording_rate(design, domain=None, interval=None, confidence=0.95):
    """Estimate the share of reported crimes that were recorded: a ratio of weighted totals.

    Parameters
    ----------
    design : Design
    domain : str or array of bool, optional
        Column of, or one value per row of, ``design.crimes``: the crimes of interest (domestic abuse, say).
        The whole design is kept: rows outside add to the variance. Never filter the rows first.
    interval : str, optional
        One of `INTERVALS`; `DEFAULT_INTERVAL` if None.
    confidence : float
        In (0, 1).

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        No audited crime in the domain.

    Notes
    -----
    Equals R's ``svyratio(~recorded, ~audited, subset(design, domain))`` [2]_. The linearised variance is too
    small with few incidents (flag ``df_under_10``).

    Examples
    --------
    >>> crimes = pd.DataFrame({"recorded": [True] * 90 + [False] * 10})
    >>> recording_rate(Design(crimes, population=1000), interval="normal")
    Estimate(0.9, 95% 0.843937 to 0.956063, n=100, ratio, normal)
    """
    inside = _domain(design, domain)
    rate, scores, weight = _ratio_and_scores(design, inside)
    return _proportion(design, rate, scores, inside, weight, "ratio", interval, confidence)


def _ratio_and_scores(design, inside):
    """Return the rate of the crimes marked by `inside`, the score of each row, and the weights inside."""
    weight = design.row_weight if inside is design.row_is_crime else design.row_weight * inside
    audited = weight.sum()
    scores = weight * design.row_recorded
    rate = scores.sum() / audited
    np.subtract(design.row_recorded, rate, out=scores)  # in place: new arrays would be half of the time
    scores *= weight
    scores /= audited  # linearised ratio [3]_, eq. 6.13
    return rate, scores, weight


def pooled_rate(
    recorded, audited, population=None, interval="normal", confidence=0.95, infinite_population=False
):
    """Estimate the recording rate of crimes drawn as one simple random sample, from two counts.

    Its normal interval is the one that the published figures fit. Biased for the population where crime types
    were sampled at different rates, and too narrow where incidents hold several crimes.

    Parameters
    ----------
    recorded, audited : int
        Counts of audited crimes.
    population : number
        Reported crimes of the audit period, for the finite population correction; need not be whole.
    interval, confidence, infinite_population
        As in :func:`recording_rate` and :class:`Design`; the default interval is the published one.

    Examples
    --------
    >>> pooled_rate(438, 491, population=11870).margin  # doctest: +ELLIPSIS
    0.02687...
    """
    audited = count("audited", audited)
    recorded = count("recorded", recorded)
    if not 0 <= recorded <= audited or audited == 0:
        raise ValueError(f"expected 0 <= recorded <= audited and audited > 0, got {recorded} of {audited}.")
    one_population(population, infinite_population, "crimes")
    fraction = 0.0
    if population is not None:
        population = population_count("population", population, audited, "crimes")
        fraction = audited / population
    rate = recorded / audited
    se = math.sqrt(rate * (1 - rate) / audited * (1 - fraction))  # [3]_, eq. 3.8 with n for n - 1
    effective = audited / float(unseen(fraction)) if fraction < 1 else math.inf
    return _finish(
        rate, se, effective, n=audited, recorded=recorded, clusters=audited, population=population,
        fpc=fraction, df=audited - 1, estimator="pooled", method=interval, confidence=confidence,
    )  # fmt: skip


def stratified_rate(design, post_strata, recorded_crime, interval=None, confidence=0.95):
    """Estimate the rate overall from the rates by crime type and the known *recorded* crime of each type.

    ``rate = R / sum_h(R_h / p_h)``: recorded crime over estimated reported crime. Unlike the pooled rate,
    it is not biased by sampling crime types at different rates.

    Parameters
    ----------
    design : Design
        Incidents may hold crimes of several types.
    post_strata : str
        Column of the crime type; it need not be the stratum of the draw.
    recorded_crime : mapping of crime type -> count
        Recorded crime of each type in the period.
    interval, confidence
        As in :func:`recording_rate`.

    Raises
    ------
    ValueError
        A crime type with recorded crime but without audited, or without recorded audited, crimes: the crimes
        of that type that are not recorded cannot be estimated.

    Notes
    -----
    Undercovers where a crime type that weighs much has few unrecorded crimes in the sample, as its variance
    is then badly known: flag ``few_unrecorded``, for fewer than 5 in a type with over a quarter of the
    recorded crime. In ``tests/coverage`` a type of 70 % with 25 audited crimes and a rate of 0.97 leaves
    63 % of a nominal 95 %. ``recorded_crime`` is taken as known without error.

    Examples
    --------
    >>> crimes = pd.DataFrame({"recorded": [1] * 80 + [0] * 20 + [1] * 95 + [0] * 5})
    >>> crimes["crime_type"] = ["violence"] * 100 + ["other"] * 100
    >>> design = Design(crimes, population=5000)
    >>> stratified_rate(design, "crime_type", {"violence": 800, "other": 2850}, interval="normal")
    Estimate(0.9125, 95% 0.875139 to 0.949861, n=200, stratified, normal)
    """
    kind, names, known = _post_strata(design, post_strata, recorded_crime, "recorded_crime")
    weight = design.row_weight
    audited = np.bincount(kind, weight, minlength=len(names))
    recorded = np.bincount(kind, weight * design.row_recorded, minlength=len(names))
    if ((recorded == 0) & (known > 0)).any():
        raise ValueError(
            f"{post_strata} {names[np.argmax((recorded == 0) & (known > 0))]!r}: none of its audited crimes "
            "was recorded, so recorded crime / rate is undefined. Merge it with a similar one."
        )
    rates = recorded / audited
    reported = _ratio(known, rates)
    rate = known.sum() / reported.sum()
    # Delta method: d rate / d p_h = rate^2 / R * R_h / p_h^2, times the linearised ratio p_h.
    slope = rate**2 / known.sum() * _ratio(known, rates**2)
    scores = weight * (slope / audited)[kind] * (design.row_recorded - rates[kind])
    inside = design.row_is_crime & (known > 0)[kind]
    weight = weight * (reported / audited)[kind]
    estimate = _proportion(design, rate, scores, inside, weight, "stratified", interval, confidence)
    unrecorded = np.bincount(kind[design.row_is_crime & (design.row_recorded == 0)], minlength=len(names))
    if ((unrecorded < FEW_UNRECORDED) & (known > known.sum() / 4)).any():
        return replace(estimate, flags=(*estimate.flags, "few_unrecorded"))
    return estimate


def post_stratified_rate(design, post_strata, population, domain=None, interval=None, confidence=0.95):
    """Estimate the rate with the sample re-weighted to known counts of *reported* crime by type [5]_.

    Parameters
    ----------
    design : Design
    post_strata : str
        Column of the groups.
    population : mapping of group -> count
        Reported crimes of each group.
    domain, interval, confidence
        As in :func:`recording_rate`.

    Notes
    -----
    Equals R's ``svyratio(~recorded, ~audited, postStratify(design, ~group, population))``. Unstable with
    under ten crimes in a group.

    Examples
    --------
    >>> crimes = pd.DataFrame({"recorded": [1] * 80 + [0] * 20 + [1] * 95 + [0] * 5})
    >>> crimes["crime_type"] = ["violence"] * 100 + ["other"] * 100
    >>> design = Design(crimes, population=4000)
    >>> post_stratified_rate(design, "crime_type", {"violence": 1000, "other": 3000}, interval="normal")
    Estimate(0.9125, 95% 0.875802 to 0.949198, n=200, post-stratified, normal)
    """
    kind, names, known = _post_strata(design, post_strata, population, "population")
    weight = design.row_weight
    weight = weight * (known / np.bincount(kind, weight, minlength=len(names)))[kind]
    inside = _domain(design, domain) & (known > 0)[kind]
    audited = (weight * inside).sum()
    if audited == 0:
        raise ValueError("no audited crime in the domain lies in a group with a population above 0.")
    rate = (weight * inside * design.row_recorded).sum() / audited
    residual = inside * (design.row_recorded - rate) / audited
    mean = _ratio(np.bincount(kind, weight * residual, minlength=len(names)), known)
    scores = weight * (residual - mean[kind])  # distance from the mean of the group [5]_
    return _proportion(design, rate, scores, inside, weight * inside, "post-stratified", interval, confidence)


def total(design, of="unrecorded", domain=None, confidence=0.95):
    """Estimate how many crimes of the population are recorded, unrecorded or either ("audited").

    Equals R's ``svytotal``: the weights expand what each incident holds, so that how many crimes an incident holds is
    left to chance too, also where the population is a number of crimes and so known. There the rate times that
    number is more precise. The interval is normal, cut off at 0. For a year's unrecorded crime use
    :func:`unrecorded`, which goes through the rate.

    Raises
    ------
    ValueError
        The design has neither population nor weights, so that its weights do not add up to a population.

    Examples
    --------
    >>> crimes = pd.DataFrame({"recorded": [True] * 90 + [False] * 10})
    >>> total(Design(crimes, population=1000), "unrecorded")
    Estimate(100, 95% 43.9374 to 156.063, n=100, total unrecorded, normal)
    """
    choice("of", of, ("recorded", "unrecorded", "audited"))
    if design.stratum_population is None and design.weights is None:
        raise ValueError(
            "total: expected a design with population or weights; there is nothing to expand with."
        )
    inside = _domain(design, domain)
    counted = {"recorded": design.row_recorded, "unrecorded": 1 - design.row_recorded, "audited": 1.0}[of]
    weight = design.row_weight * inside
    scores = weight * counted
    value = float(scores.sum())
    se = math.sqrt(design.variance(scores, inside))
    half = special.ndtri((1 + level(confidence)) / 2) * se
    low, high = max(0.0, value - half), value + half
    facts = _facts(design, inside)
    flags = _flags(design, facts)
    size = design.effective_size(weight)
    if se == 0 and of != "audited" and math.isfinite(size):
        flags += ("zero_variance",)
        share = min(1.0, value / weight.sum())
        low, high = interval(share, 0.0, facts["n"], "clopper-pearson", confidence, effective_n=size)
        low, high = low * weight.sum(), high * weight.sum()
    return Estimate(
        value=value, se=se, low=float(low), high=float(high), confidence=confidence, interval="normal",
        estimator=f"total {of}", flags=flags, unit="crimes", **facts,
    )  # fmt: skip


def unrecorded(rate, recorded_crime):
    """Estimate the crimes that were reported but not recorded, from a rate and the period's recorded crime.

    ``recorded_crime * (1 - rate) / rate``. The function falls with the rate, so the limits of the rate become
    the limits of the count: asymmetric, never negative, with the coverage of the rate's interval.

    Parameters
    ----------
    rate : Estimate
        A recording rate.
    recorded_crime : number
        Recorded crime of the period, taken as known without error.

    Returns
    -------
    Estimate
        In crimes. Where the lower limit of the rate is 0 there is no upper limit: ``high`` is None and the
        flag ``open_ended`` is set.

    Raises
    ------
    ValueError
        The rate is 0: reported crime is then undefined. Recorded crime is a fraction below 1.

    Examples
    --------
    >>> unrecorded(pooled_rate(1039, 1129, population=32311), 61500)
    Estimate(5327.24, 95% 4218.88 to 6473.63, n=1129, unrecorded from pooled, normal)
    """
    _is_rate(rate)
    recorded_crime = population_count("recorded_crime", recorded_crime, 0, "crimes")
    if rate.value == 0:
        raise ValueError("rate: it is 0, so reported crime (recorded crime / rate) is undefined.")

    def at(share):
        return recorded_crime * (1 - share) / share

    return replace(
        rate,
        value=at(rate.value),
        se=recorded_crime * rate.se / rate.value**2,  # delta method: |d/dr R (1 - r) / r| = R / r^2
        low=at(rate.high),
        high=None if rate.low == 0 else at(rate.low),
        estimator=f"unrecorded from {rate.estimator}",
        flags=rate.flags + (("open_ended",) if rate.low == 0 else ()),
        unit="crimes",
    )


def reported_population(recorded_crime, rate):
    """Return the estimated number of reported crimes, ``recorded_crime / rate`` (a number or an Estimate).

    Examples
    --------
    >>> reported_population(9000, 0.9)
    10000.0
    """
    recorded_crime = number("recorded_crime", recorded_crime)
    rate = number("rate", rate.value if isinstance(rate, Estimate) else rate)
    if not 0 < rate <= 1:
        raise ValueError(f"rate: expected a proportion above 0 and up to 1, got {rate:g}.")
    return recorded_crime / rate


def difference(a, b, confidence=None):
    """Estimate ``a - b`` of two recording rates from independent samples (two inspections, two forces).

    The interval joins those of the two rates (Newcombe's "square and add", [4]_, method 10 where both are
    Wilson intervals), so it has a width even if both rates are 1. The p-value is that of the two-proportion
    z test with a pooled rate, on the effective sample sizes. Samples that share incidents are not
    independent: use :func:`domain_difference`.

    Raises
    ------
    ValueError
        Different confidence levels, or estimates that are not rates.

    Examples
    --------
    >>> gap = difference(pooled_rate(1039, 1129, population=32311), pooled_rate(460, 500, population=9000))
    >>> round(gap.value, 4), round(gap.p_value, 2)
    (0.0003, 0.98)
    """
    _is_rate(a)
    _is_rate(b)
    if a.confidence != b.confidence or confidence not in (None, a.confidence):
        raise ValueError(
            f"the rates have the confidence levels {a.confidence:g} and {b.confidence:g}"
            + ("" if confidence is None else f", and {confidence:g} was asked for")
            + ": estimate both at one level."
        )
    gap = a.value - b.value
    low = gap - math.hypot(a.value - a.low, b.high - b.value)
    high = gap + math.hypot(a.high - a.value, b.value - b.low)
    weights = [0.0 if e.effective_n is None else 1 / e.effective_n for e in (a, b)]
    if sum(weights) == 0:  # two censuses: the difference is known
        p_value = float(gap == 0)
    else:
        # The pooled rate weights each rate by its effective size; with one census it is that of the census.
        share = weights[1] / sum(weights)
        pooled = share * a.value + (1 - share) * b.value
        p_value = _two_sided(gap, math.sqrt(pooled * (1 - pooled) * sum(weights)))
    return Estimate(
        value=gap, se=math.hypot(a.se, b.se), low=max(-1.0, low), high=min(1.0, high), n=a.n + b.n,
        recorded=a.recorded + b.recorded, clusters=a.clusters + b.clusters, population=None,
        confidence=a.confidence, estimator=f"{a.estimator} - {b.estimator}",
        interval=a.interval if a.interval == b.interval else f"{a.interval}, {b.interval}",
        flags=_flags_of_both(a, b), unit="difference", p_value=p_value,
    )  # fmt: skip


def _flags_of_both(a, b):
    """Return the flags of two estimates; "census" only if both are one."""
    flags = dict.fromkeys(a.flags + b.flags)
    if not ("census" in a.flags and "census" in b.flags):
        flags.pop("census", None)
    return tuple(flags)


def change(previous, current):
    """Estimate ``current - previous`` of the rates of two inspections; see :func:`difference`.

    Periods, rules and ways of sampling differ between inspections: print both rates beside it.

    Examples
    --------
    >>> change(pooled_rate(65, 82, infinite_population=True), pooled_rate(1039, 1129, population=32311))
    Estimate(0.127601, 95% 0.0384962 to 0.216705, n=1211, pooled - pooled, normal)
    """
    return difference(current, previous)


def domain_difference(design, domain_a, domain_b, confidence=0.95):
    """Estimate the rate of one domain minus that of another in the same sample, covariance kept.

    Parameters
    ----------
    design : Design
    domain_a, domain_b : str or array of bool
        They may overlap, share incidents, and be each other's complement.
    confidence : float

    Notes
    -----
    Normal interval and z test on the linearised difference (R: ``svycontrast`` of ``svyby(covmat=TRUE)``, where
    the domains do not overlap).
    Undercovers where a rate is close to 1 on few crimes. ``lonely="average"`` averages over the strata in which
    the domains have crimes, as for one domain. If the linearised variance is 0 (both rates 0 or 1)
    the intervals of the two rates are joined as in :func:`difference`.

    Examples
    --------
    >>> crimes = pd.DataFrame({"recorded": [1] * 70 + [0] * 10 + [1] * 38 + [0] * 2})
    >>> design = Design(crimes.assign(domestic=crimes.index < 80), population=900)
    >>> domain_difference(design, "domestic", ~design.crimes["domestic"])
    Estimate(-0.075, 95% -0.16761 to 0.0176105, n=120, ratio - ratio, normal)
    """
    insides = [_domain(design, domain) for domain in (domain_a, domain_b)]
    (rate_a, scores_a, _), (rate_b, scores_b, _) = (_ratio_and_scores(design, inside) for inside in insides)
    gap = float(rate_a - rate_b)
    se = math.sqrt(design.variance(scores_a - scores_b, insides[0] | insides[1]))
    half = special.ndtri((1 + level(confidence)) / 2) * se
    low, high, p_value = max(-1.0, gap - half), min(1.0, gap + half), _two_sided(gap, se)
    facts = _facts(design, insides[0] | insides[1])
    flags = _flags(design, facts)
    if min(inside.sum() for inside in insides) < SMALL_SAMPLE and "n_under_30" not in flags:
        flags = ("n_under_30", *flags)
    if se == 0 and not np.array_equal(insides[0], insides[1]):
        parts = [recording_rate(design, inside, confidence=confidence) for inside in insides]
        joined = difference(*parts)
        low, high, p_value = joined.low, joined.high, joined.p_value
        flags = tuple(dict.fromkeys((*flags, *joined.flags, "zero_variance")))
    return Estimate(
        value=gap, se=se, low=float(low), high=float(high), confidence=confidence, interval="normal",
        estimator="ratio - ratio", flags=flags, unit="difference", p_value=p_value, **facts,
    )  # fmt: skip


def sensitivity(design, post_strata, recorded_crime, intervals=INTERVALS, confidence=0.95, population=None):
    """Estimate the headline under every estimator and interval: does the choice matter?

    Parameters
    ----------
    design, post_strata, recorded_crime, confidence
        As for :func:`stratified_rate`.
    intervals : iterable of str
        Of :data:`INTERVALS`.
    population : float, optional
        Reported crime for the pooled rows, where the caller has a better estimate than that which the design implies.

    Returns
    -------
    list of Estimate
        For each of `intervals`: pooled; pooled with incidents as clusters; stratified with crimes taken as
        independent; stratified with incidents as clusters. The second and the last only if the design has
        clusters; ``estimator`` tells them apart.

    Examples
    --------
    >>> crimes = pd.DataFrame({"recorded": [1] * 80 + [0] * 20 + [1] * 95 + [0] * 5})
    >>> crimes["crime_type"] = ["violence"] * 100 + ["other"] * 100
    >>> design = Design(crimes, population=5000)
    >>> for row in sensitivity(design, "crime_type", {"violence": 800, "other": 2850}, ["normal"]):
    ...     print(row)
    Estimate(0.875, 95% 0.830092 to 0.919908, n=200, pooled, normal)
    Estimate(0.9125, 95% 0.875139 to 0.949861, n=200, stratified, normal)
    """
    single = design.independent()
    audited, recorded = int(single.row_is_crime.sum()), int(single.row_recorded.sum())
    if population is None and design.stratum_population is not None:
        population = float(design.stratum_population.sum())
        if design.population_unit == "clusters":  # the same share of crimes as of incidents
            population = audited / design.overall_fraction()
    rows = []
    for method in intervals:
        options = {"interval": method, "confidence": confidence}
        rows.append(
            pooled_rate(recorded, audited, population, infinite_population=population is None, **options)
        )
        if design.clusters is not None:
            rate = recording_rate(design.unweighted(), **options)
            rows.append(replace(rate, estimator="pooled, clustered"))
        rows.append(stratified_rate(single, post_strata, recorded_crime, **options))
        if design.clusters is not None:
            rate = stratified_rate(design, post_strata, recorded_crime, **options)
            rows.append(replace(rate, estimator="stratified, clustered"))
    return rows


# ---- what the estimators share -----------------------------------------------------------------------------


def _proportion(design, value, scores, inside, weight, estimator, method, confidence):
    """Return the Estimate of a proportion from its scores; `inside` marks the crimes that it is about."""
    se = math.sqrt(design.variance(scores, inside))
    size = None if se else design.effective_size(weight)
    return _finish(
        float(value), se, size, method=method, confidence=confidence, estimator=estimator, design=design,
        **_facts(design, inside),
    )  # fmt: skip


def _finish(value, se, size, *, method, confidence, estimator, design=None, **facts):
    """Return the Estimate of a proportion; `size` is the effective sample size to take if `se` is 0."""
    low, high = interval(value, se, facts["n"], method, confidence, facts["df"], size)
    census = se == 0 and math.isinf(size)
    flags = _flags(design, facts) + ("census",) * census + ("boundary",) * (value in (0, 1))
    flags += ("zero_variance",) * (se == 0 and not census and 0 < value < 1)
    simple = value * (1 - value) / facts["n"]
    return Estimate(
        value=value, se=se, low=low, high=high, confidence=confidence, estimator=estimator,
        interval=method or DEFAULT_INTERVAL, design_effect=se**2 / simple if simple else None,
        effective_n=value * (1 - value) / se**2 if se else None if census else size, flags=flags, **facts,
    )  # fmt: skip


def _facts(design, inside):
    """Return the counts of an Estimate for the crimes marked by `inside`."""
    n = int(np.count_nonzero(inside))
    clusters = n
    if design.row_cluster is not None:
        clusters = _groups_with(inside, design.row_cluster, len(design.cluster_stratum))
    strata = _groups_with(inside, design.row_stratum, len(design.stratum_clusters))
    size = design.stratum_population
    return {
        "n": n,
        "recorded": int(np.count_nonzero((design.row_recorded > 0) & inside)),
        "clusters": clusters,
        "population": None if size is None else float(size.sum()),
        "fpc": design.overall_fraction(),
        "df": clusters - strata,
    }


def _groups_with(inside, group, groups):
    """Return how many of the groups, numbered in `group`, have a row marked by `inside`."""
    if inside.all():
        return groups
    present = np.zeros(groups, dtype=bool)
    present[group[inside]] = True
    return int(present.sum())


def _flags(design, facts):
    flags = ("n_under_30",) if facts["n"] < SMALL_SAMPLE else ()
    if facts["df"] < FEW_DEGREES_OF_FREEDOM:
        flags += ("df_under_10",)
    if design is not None and design.has_lonely_cluster():
        flags += ("lonely_cluster",)
    return flags


def _two_sided(gap, se):
    """Return the two-sided p-value of the z test of `gap` = 0; 1 or 0 where `se` is 0."""
    return float(2 * special.ndtr(-abs(gap) / se)) if se else float(gap == 0)


def _domain(design, domain):
    """Return a bool array: the rows of `design` that are crimes of the domain."""
    if domain is None:
        return design.row_is_crime
    if isinstance(domain, str):
        domain = column_of(design.crimes, domain, "domain")
    if isinstance(domain, pd.Series) and not domain.index.equals(design.crimes.index):
        raise ValueError("domain: its index differs from that of the crimes; give it in the same rows.")
    values = np.asarray(domain)
    if values.shape != design.row_is_crime.shape:
        raise ValueError(f"domain: expected one value per row, {len(design.crimes)}; got {values.shape}.")
    if values.dtype == object:  # missing where the row is no crime
        values = np.where(pd.isna(values) & ~design.row_is_crime, False, values)
        if all(isinstance(v, (bool, np.bool_)) for v in values):
            values = values.astype(bool)
    if values.dtype != bool:
        row, wrong = next((i, v) for i, v in enumerate(values.tolist()) if not isinstance(v, bool))
        raise ValueError(f"domain: expected True or False in every row, got {wrong!r} in row {row}.")
    inside = values & design.row_is_crime
    if not inside.any():
        raise ValueError("no audited crime in the domain: a rate of nothing is undefined.")
    return inside


def _post_strata(design, name, counts, role):
    """Return (code of each row, names, known count of each name) of a post-stratification."""
    crime = design.row_is_crime
    column = column_of(design.crimes, name, "post_strata")
    codes, names = factorize(column if crime.all() else column[crime])
    if codes.min() < 0:
        raise ValueError(f"column {name!r}: a crime without a value; every crime needs its post-stratum.")
    names = names.tolist()
    kind = codes
    if not crime.all():
        kind = np.zeros(len(crime), dtype=np.intp)
        kind[crime] = codes
    given = counts_of_groups(role, counts, name, names)
    # Recorded crime may be less than what was audited; a population may not.
    least = np.bincount(codes) if role == "population" else np.zeros(len(names), dtype=int)
    known = np.array(
        [
            population_count(f"{role} of {key}", given[key], int(k), "crimes")
            for key, k in zip(names, least, strict=True)
        ]
    )
    if not known.any():
        raise ValueError(f"{role}: expected a count above 0 for some {name}; got {given!r}.")
    return kind, names, known


def _ratio(numerator, denominator):
    """Return numerator / denominator, and 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros(len(denominator)), where=denominator > 0)


def _is_rate(estimate):
    if not isinstance(estimate, Estimate) or estimate.unit != "proportion":
        raise ValueError(f"expected an Estimate of a rate, got {estimate!r}.")
