"""Recording rates from an audit sample, with intervals that respect how the sample was drawn.

An audit draws incidents; an incident holds no, one or several crimes that should have been recorded
("audited crimes"), and each of them was recorded or was not. The recording rate is therefore a ratio of two
random totals, recorded / audited, of crimes that are clustered in incidents.

Declare the sample once as a :class:`Design`; every estimator takes it and returns an :class:`Estimate`.
All estimators work alike: the estimate is a smooth function of weighted totals, each audited crime gets a
*score* (its first-order influence on the estimate, weight included), and the variance is that of the total of
the scores over clusters within strata (Taylor linearisation [1]_), computed in one place, :func:`_variance`.
Rates are proportions in [0, 1]; populations and recorded crime are counts. The intervals cover the chance of
sampling only: crimes in places where the audit does not look are not in them.

References
----------
.. [1] Woodruff, R. S. (1971). A simple method for approximating the variance of a complicated estimate.
   *Journal of the American Statistical Association* 66, 411-414.
.. [2] Lumley, T. (2010). *Complex Surveys: A Guide to Analysis Using R*. Wiley. (R package ``survey``.)
.. [3] Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small expected number
   of positive counts estimated from survey data. *Survey Methodology* 24, 193-201.
.. [4] Brown, L. D., Cai, T. T. and DasGupta, A. (2001). Interval estimation for a binomial proportion.
   *Statistical Science* 16, 101-133.
.. [5] Cochran, W. G. (1977). *Sampling Techniques*, 3rd ed. Wiley.
.. [6] Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions.
   *Statistics in Medicine* 17, 873-890.
.. [7] Holt, D. and Smith, T. M. F. (1979). Post stratification. *Journal of the Royal Statistical Society A*
   142, 33-46.
.. [8] Kish, L. (1965). *Survey Sampling*. Wiley.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import special

INTERVALS = ("normal", "wilson", "agresti-coull", "clopper-pearson", "jeffreys", "logit", "korn-graubard")

#: Taken where a caller names no interval. In the simulation of ``tests/coverage`` it never covers less than
#: 94 % in the range of inspections and, of those of which that is true, exceeds 96 % in the fewest places:
#: see :func:`interval`.
DEFAULT_INTERVAL = "agresti-coull"

SMALL_SAMPLE = 30  # audited crimes; below it an estimate is flagged "n_under_30"
FEW_UNRECORDED = 5  # in a crime type that weighs much; below it a stratified rate is flagged "few_unrecorded"
FEW_DEGREES_OF_FREEDOM = 10  # below it an estimate is flagged "df_under_10"
LONELY = ("fail", "certainty", "adjust", "average")


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
        Size of the simple random sample, drawn with replacement, of equal variance; None for a census.
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


@dataclass(frozen=True, eq=False)
class Design:
    """How the audit sample was drawn, declared once and checked once.

    Parameters
    ----------
    crimes : pandas.DataFrame
        One row per audited crime. An incident that was audited and holds no crime may be present as one row
        with a missing `recorded` (only with `clusters`): it counts as a sampled incident, not as a crime.
    recorded : str
        Column: was the crime recorded (True/False or 1/0)?
    strata : str, optional
        Column of the strata in which the sample was drawn.
    clusters : str, optional
        Column of the incident of each crime. None takes the crimes as independent: too narrow an interval
        wherever incidents hold several crimes.
    weights : str, optional
        Column of sampling weights (> 0). Default: N_h / n_h of the crime's stratum, in `population_unit`.
    population : number or mapping of stratum -> number, optional
        How many there are to draw from, in `population_unit`; a mapping exactly if there are strata. Counts
        may be estimates and so need not be whole.
    population_unit : {"crimes", "clusters"}
        What `population` counts. With "crimes" and `clusters`, the share of crimes audited stands for the
        share of incidents drawn (right on average).
    infinite_population : bool
        Say True to do without a population and without finite population correction.
    lonely : {"fail", "certainty", "adjust", "average"}
        A stratum with one cluster has no variance of its own. As R's ``survey.lonely.psu`` [2]_: refuse
        (default); add nothing; take its distance from the mean of all strata; or the average of the others.
        A stratum that is a census adds 0 and is not lonely.

    Raises
    ------
    ValueError
        Population missing, a fraction, or smaller than the sample; population of a stratum without sample;
        a cluster in two strata; missing or impossible values; a lonely cluster under ``lonely="fail"``.

    Examples
    --------
    >>> crimes = pd.DataFrame({"recorded": [1, 1, 0, 1, 1, 1], "incident": ["a", "a", "b", "c", "d", "d"]})
    >>> design = Design(crimes, clusters="incident", population=60)
    >>> recording_rate(design, interval="normal")
    Estimate(0.833333, 95% 0.485577 to 1, n=6, ratio, normal, n_under_30+df_under_10)
    """

    crimes: pd.DataFrame = field(repr=False)
    recorded: str = "recorded"
    strata: str | None = None
    clusters: str | None = None
    weights: str | None = None
    population: float | Mapping | None = None
    population_unit: str = "crimes"
    infinite_population: bool = False
    lonely: str = "fail"
    # Derived; `row` arrays have one value per row of `crimes`, the others one per cluster or per stratum.
    row_is_crime: np.ndarray = field(init=False, repr=False)
    row_recorded: np.ndarray = field(init=False, repr=False)
    row_weight: np.ndarray = field(init=False, repr=False)
    row_stratum: np.ndarray = field(init=False, repr=False)
    row_cluster: np.ndarray | None = field(init=False, repr=False)
    cluster_stratum: np.ndarray = field(init=False, repr=False)
    stratum_clusters: np.ndarray = field(init=False, repr=False)
    stratum_fraction: np.ndarray = field(init=False, repr=False)
    stratum_population: np.ndarray | None = field(init=False, repr=False)

    def __post_init__(self):
        if not isinstance(self.crimes, pd.DataFrame) or len(self.crimes) == 0:
            raise ValueError(
                "crimes: expected a pandas DataFrame with a row for each audited crime, not none."
            )
        _choice("population_unit", self.population_unit, ("crimes", "clusters"))
        _choice("lonely", self.lonely, LONELY)
        if self.population_unit == "clusters" and self.clusters is None:
            raise ValueError('population_unit="clusters" needs clusters= the column of the incident.')
        data = self.crimes.copy(deep=False)
        crime, recorded = _zero_one(data, self.recorded)
        if self.clusters is None and not crime.all():
            raise ValueError(
                f"column {self.recorded!r}, row {int(np.argmin(crime))}: missing value. Such a row "
                "stands for an incident without crimes and needs clusters= the column of the incident."
            )
        if not crime.any():
            raise ValueError(f"column {self.recorded!r}: no audited crime, all values are missing.")
        stratum, names = _codes(data, self.strata, "strata")
        cluster = None
        cluster_stratum = stratum
        if self.clusters is not None:
            cluster, labels = _codes(data, self.clusters, "clusters")
            cluster_stratum = np.zeros(len(labels), dtype=stratum.dtype)
            cluster_stratum[cluster] = stratum
            crossing = np.flatnonzero(cluster_stratum[cluster] != stratum)
            if crossing.size:
                row = crossing[0]
                raise ValueError(
                    f"cluster {labels[cluster[row]]!r} lies in the strata {names[stratum[row]]!r} and "
                    f"{names[cluster_stratum[cluster[row]]]!r}. Give the stratum in which "
                    "the incident was drawn, and use crime types as post_strata or as a domain."
                )
        clusters_in = np.bincount(cluster_stratum, minlength=len(names))
        sampled = clusters_in
        if cluster is not None and self.population_unit == "crimes":
            sampled = np.bincount(stratum[crime], minlength=len(names))
        size = self._population(names, sampled)
        if self.weights is not None:
            weight = _positive(data, self.weights)
        elif size is not None:
            weight = _ratio(size, sampled)[stratum]
        elif len(names) > 1:
            raise ValueError(
                "strata without population need weights= a column; without either, the share of each stratum "
                "is not known. (A column of ones says that all had the same chance.)"
            )
        else:
            weight = np.ones(len(data))
        if not crime.all():
            weight = weight * crime  # an incident without crime has no crime to weigh
        fraction = np.zeros(len(names)) if size is None else sampled / size
        lonely = (clusters_in == 1) & (fraction < 1)
        if lonely.any() and (self.lonely == "fail" or (self.lonely == "average" and lonely.all())):
            where = "the sample" if self.strata is None else f"stratum {names[np.argmax(lonely)]!r}"
            raise ValueError(
                f"{where} has one cluster: its variance cannot be estimated. Merge it with a similar "
                'stratum, or say lonely="certainty", "adjust" or, beside others, "average".'
            )
        self.__dict__.update(  # a frozen dataclass refuses plain assignment, here too
            crimes=data,
            row_is_crime=crime,
            row_recorded=recorded,
            row_weight=weight,
            row_stratum=stratum,
            row_cluster=cluster,
            cluster_stratum=cluster_stratum,
            stratum_clusters=clusters_in,
            stratum_fraction=fraction,
            stratum_population=size,
        )

    def _population(self, names, sampled):
        """Return the population count of each stratum (array), or None if it was declared infinite."""
        if (self.population is None) != self.infinite_population:
            raise ValueError(
                f"population: give the number of {self.population_unit} that the sample was drawn from, or "
                "say infinite_population=True to do without finite population correction; one of them."
            )
        if self.infinite_population:
            return None
        given = self.population.to_dict() if isinstance(self.population, pd.Series) else self.population
        if isinstance(given, Mapping) != (self.strata is not None):
            expected = "a mapping of stratum -> count" if self.strata else "one number (there are no strata)"
            raise ValueError(f"population: expected {expected}; got {given!r}.")
        if not isinstance(given, Mapping):
            given = {None: given}
        _same_keys("population", "stratum", names, given)
        if (sampled == 0).any():
            raise ValueError(
                f"stratum {names[np.argmax(sampled == 0)]!r} has incidents but no audited crime, so nothing "
                "is known of its crimes. Merge it with a similar stratum, or give the population in clusters."
            )
        labels = ["population" if name is None else f"population of {name}" for name in names]
        return np.array(
            [
                _population_count(label, given[name], k, self.population_unit)
                for label, name, k in zip(labels, names, sampled, strict=True)
            ]
        )

    def independent(self):
        """Return the design with crimes taken as independent: no clusters, same weights and fractions."""
        if self.row_cluster is None:
            return self
        keep = self.row_is_crime
        stratum = self.row_stratum[keep]
        return self._with(
            crimes=self.crimes[keep],
            clusters=None,
            row_is_crime=keep[keep],
            row_recorded=self.row_recorded[keep],
            row_weight=self.row_weight[keep],
            row_stratum=stratum,
            row_cluster=None,
            cluster_stratum=stratum,
            stratum_clusters=np.bincount(stratum, minlength=len(self.stratum_clusters)),
        )

    def unweighted(self):
        """Return the design with the weight 1 for every crime (the pooled sample)."""
        return self._with(row_weight=self.row_is_crime.astype(float))

    def _with(self, **changes):
        """Return a copy with some attributes changed, without checking the rows again."""
        other = copy.copy(self)
        other.__dict__.update(changes)
        return other


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
    rate = (weight * design.row_recorded).sum() / audited
    scores = design.row_recorded - rate
    scores *= weight
    scores /= audited  # linearised ratio [5]_, eq. 6.13
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
    audited = _count("audited", audited)
    recorded = _count("recorded", recorded)
    if not 0 <= recorded <= audited or audited == 0:
        raise ValueError(f"expected 0 <= recorded <= audited and audited > 0, got {recorded} of {audited}.")
    if (population is None) != infinite_population:
        raise ValueError(
            "give population= the count of reported crimes, or infinite_population=True; one of them."
        )
    fraction = 0.0
    if population is not None:
        population = _population_count("population", population, audited, "crimes")
        fraction = audited / population
    rate = recorded / audited
    se = math.sqrt(rate * (1 - rate) / audited * (1 - fraction))  # [5]_, eq. 3.8 with n for n - 1
    effective = audited / (1 - fraction) if fraction < 1 else math.inf
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
    """Estimate the rate with the sample re-weighted to known counts of *reported* crime by type [7]_.

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
    scores = weight * (residual - mean[kind])  # distance from the mean of the group [7]_
    return _proportion(design, rate, scores, inside, weight * inside, "post-stratified", interval, confidence)


def total(design, of="unrecorded", domain=None, confidence=0.95):
    """Estimate how many crimes of the population are recorded, unrecorded or either ("audited").

    Equals R's ``svytotal``. The interval is normal, cut off at 0. For a year's unrecorded crime use
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
    _choice("of", of, ("recorded", "unrecorded", "audited"))
    if design.stratum_population is None and design.weights is None:
        raise ValueError(
            "total: expected a design with population or weights; there is nothing to expand with."
        )
    inside = _domain(design, domain)
    counted = {"recorded": design.row_recorded, "unrecorded": 1 - design.row_recorded, "audited": 1.0}[of]
    weight = design.row_weight * inside
    scores = weight * counted
    value = float(scores.sum())
    se = math.sqrt(_variance(design, scores, inside))
    half = special.ndtri((1 + _level(confidence)) / 2) * se
    low, high = max(0.0, value - half), value + half
    facts = _facts(design, inside)
    flags = _flags(design, facts)
    size = _size_without_variance(design, weight)
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
        The rate is 0: reported crime is then undefined.

    Examples
    --------
    >>> unrecorded(pooled_rate(1039, 1129, population=32311), 61500)
    Estimate(5327.24, 95% 4218.88 to 6473.63, n=1129, unrecorded from pooled, normal)
    """
    _is_rate(rate)
    recorded_crime = _number("recorded_crime", recorded_crime, least=0)
    if rate.value == 0:
        raise ValueError("rate: it is 0, so reported crime (recorded crime / rate) is undefined.")

    def count(share):
        return recorded_crime * (1 - share) / share

    return replace(
        rate,
        value=count(rate.value),
        se=recorded_crime * rate.se / rate.value**2,  # delta method: |d/dr R (1 - r) / r| = R / r^2
        low=count(rate.high),
        high=None if rate.low == 0 else count(rate.low),
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
    recorded_crime = _number("recorded_crime", recorded_crime, least=0)
    rate = _number("rate", rate.value if isinstance(rate, Estimate) else rate, least=0)
    if not 0 < rate <= 1:
        raise ValueError(f"rate: expected a proportion above 0 and up to 1, got {rate:g}.")
    return recorded_crime / rate


def difference(a, b, confidence=None):
    """Estimate ``a - b`` of two recording rates from independent samples (two inspections, two forces).

    The interval joins those of the two rates (Newcombe's "square and add", [6]_, method 10 where both are
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
        flags=tuple(dict.fromkeys(a.flags + b.flags)), unit="difference", p_value=p_value,
    )  # fmt: skip


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
    Normal interval and z test on the linearised difference (R: ``svycontrast`` of ``svyby(covmat=TRUE)``).
    Undercovers where a rate is close to 1 on few crimes. If the linearised variance is 0 (both rates 0 or 1)
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
    se = math.sqrt(_variance(design, scores_a - scores_b, insides[0] | insides[1]))
    half = special.ndtri((1 + _level(confidence)) / 2) * se
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


def sensitivity(design, post_strata, recorded_crime, intervals=INTERVALS, confidence=0.95):
    """Estimate the headline under every estimator and interval: does the choice matter?

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
    population = None
    if design.stratum_population is not None:
        population = float(design.stratum_population.sum())
        if design.population_unit == "clusters":  # the same share of crimes as of incidents
            population = audited / _overall_fraction(design)
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


# ---- intervals --------------------------------------------------------------------------------------------


def interval(value, se, n, method=None, confidence=0.95, df=None, effective_n=None):
    """Return the confidence limits ``(low, high)`` of a proportion.

    Parameters
    ----------
    value, se : float
        Estimated proportion in [0, 1] and its standard error, FPC and clusters included.
    n : int
        Audited crimes.
    method : str, optional
        One of `INTERVALS`; `DEFAULT_INTERVAL` if None:

        - ``normal``: ``value +/- z se``, cut off at 0 and 1; the published one.
        - ``logit``: normal on the log-odds scale, with the t quantile if `df` is given.
        - ``wilson``, ``agresti-coull``, ``jeffreys`` [4]_: the binomial interval of the effective sample size
          ``n* = value (1 - value) / se^2``; multiplied by ``(t[n - 1] / t[df])^2`` if `df` is given [3]_.
        - ``korn-graubard`` [3]_: Clopper-Pearson with that ``n*`` (R: ``svyciprop(method="beta")``).
        - ``clopper-pearson``: with ``n*`` not adjusted for `df`.
    confidence : float
        In (0, 1).
    df : int, optional
        Degrees of freedom of `se`; fewer than 1 count as 1.
    effective_n : float, optional
        ``n*`` where `se` is 0; default `n`. Infinity says that it is a census.

    Returns
    -------
    tuple of float
        In [0, 1]. Of zero width only for a census: where `se` is 0 otherwise, ``normal`` and ``logit`` have
        no width, and Clopper-Pearson is given instead. Arrays give arrays, for simulations.

    Notes
    -----
    Coverage of nominal 95 % intervals, from ``tests/coverage/coverage.csv``, for 200 to 1,500 audited crimes,
    rates of 0.80 to 0.97, and one to three crimes per incident:

    - ``agresti-coull`` covers 94 to 96 % where crimes of an incident resemble each other, but for 97 % at a
      rate of 0.97 with n = 200. With single or unlike crimes it covers 96 to 98 % for n = 200 and rates of
      0.93 to 0.97, and 96.1 % at 0.97 with n = 400 or 1,500. Outside that range: 93.9 to 99.7 %.
    - ``normal`` falls to 89 %, ``jeffreys`` to 92.6 %, ``wilson`` to 93.4 %, ``logit`` to 93.9 %: too narrow
      at rates from 0.95. ``clopper-pearson`` and ``korn-graubard`` cover 94.8 to 97.1 %: safe, and wider.

    Examples
    --------
    >>> low, high = interval(0.9, 0.03, 100, "wilson")
    >>> round(low, 4), round(high, 4)
    (0.8256, 0.9448)
    >>> interval(1.0, 0.0, 50, "normal")  # doctest: +ELLIPSIS
    (0.928..., 1.0)
    """
    method = _choice("interval", method or DEFAULT_INTERVAL, INTERVALS)
    tail = (1 - _level(confidence)) / 2
    scalar = np.ndim(value) == 0
    p, se, n = np.asarray(value, dtype=float), np.asarray(se, dtype=float), np.asarray(n, dtype=float)
    if not (np.all((p >= 0) & (p <= 1)) and np.all(se >= 0) and np.all(n >= 1)):
        raise ValueError(f"expected value in [0, 1], se >= 0 and n >= 1; got {value!r}, {se!r} and {n!r}.")
    z = -special.ndtri(tail)
    t = z if df is None else -special.stdtrit(np.maximum(df, 1), tail)
    varies = (se > 0) & (p > 0) & (p < 1)
    with np.errstate(all="ignore"):  # the branches that np.where discards may divide by 0
        size = np.where(varies, p * (1 - p) / se**2, n if effective_n is None else effective_n)
        if df is not None and method in ("wilson", "agresti-coull", "jeffreys", "korn-graubard"):
            # [3]_, section 3
            size = size * np.where(df < n - 1, (special.stdtrit(n - 1, tail) / t) ** 2, 1.0)
        yes, no = size * p, size * (1 - p)
        if method == "wilson":  # [4]_, eq. 4
            centre = (yes + z**2 / 2) / (size + z**2)
            half = z * np.sqrt(size * p * (1 - p) + z**2 / 4) / (size + z**2)
            low, high = np.where(p == 0, 0, centre - half), np.where(p == 1, 1, centre + half)
        elif method == "agresti-coull":  # [4]_, eq. 5
            centre = (yes + z**2 / 2) / (size + z**2)
            half = z * np.sqrt(centre * (1 - centre) / (size + z**2))
            low, high = centre - half, centre + half
        elif method == "jeffreys":  # [4]_, section 3.1.3, with the ends 0 and 1 as recommended there
            low = np.where(p == 0, 0, special.betaincinv(yes + 0.5, no + 0.5, tail))
            high = np.where(p == 1, 1, special.betaincinv(yes + 0.5, no + 0.5, 1 - tail))
        else:  # clopper-pearson and korn-graubard [3]_; also what normal and logit fall back on
            low = np.where(p == 0, 0, special.betaincinv(yes, no + 1, tail))
            high = np.where(p == 1, 1, special.betaincinv(yes + 1, no, 1 - tail))
        if method == "normal":
            low, high = np.where(varies, p - z * se, low), np.where(varies, p + z * se, high)
        elif method == "logit":
            half = t * se / (p * (1 - p))  # delta method
            low = np.where(varies, special.expit(special.logit(p) - half), low)
            high = np.where(varies, special.expit(special.logit(p) + half), high)
        census = np.isinf(size)
        low = np.where(census, p, np.clip(low, 0, 1))
        high = np.where(census, p, np.clip(high, 0, 1))
    return (float(low), float(high)) if scalar else (low, high)


# ---- the one variance, and what goes with it --------------------------------------------------------------


def _variance(design, scores, inside):
    """Return the variance of the total of `scores`: clusters drawn within strata, with FPC.

    ``sum_h (1 - f_h) n_h / (n_h - 1) sum_c (z_hc - mean_h)^2`` over the cluster totals z ([2]_, section 2.3).
    """
    stratum, n, fraction = design.cluster_stratum, design.stratum_clusters, design.stratum_fraction
    totals = scores
    if design.row_cluster is not None:
        totals = np.bincount(design.row_cluster, scores, minlength=len(stratum))
    mean = np.bincount(stratum, totals, minlength=len(n)) / n
    if design.lonely == "adjust":
        mean = np.where(n > 1, mean, 0.0)  # scores of a rate add up to 0: the mean of all strata
    deviation = mean[stratum]
    np.subtract(totals, deviation, out=deviation)  # in place: new arrays would be half of the time
    deviation *= deviation
    squares = np.bincount(stratum, deviation, minlength=len(n))
    by_stratum = (1 - fraction) * np.where(n > 1, n / np.maximum(n - 1, 1), 1.0) * squares
    variance = by_stratum.sum()
    if design.lonely == "average":
        present = np.bincount(design.row_stratum, inside, minlength=len(n)) > 0
        known = present & ((n > 1) | (fraction >= 1))
        variance *= present.sum() / max(known.sum(), 1)
    # What rounding leaves of a variance of 0 is not a variance: compare with the squares before centring.
    return 0.0 if variance <= 1e-24 * (squares + n * mean**2).sum() else float(variance)


def _size_without_variance(design, weight):
    """Return an effective sample size where the sample shows no variation: a cluster counts as one crime.

    ``(sum W_c)^2 / sum (1 - f_h) W_c^2`` over the weight W of the domain in each cluster (Kish [8]_, with
    FPC): n for independent crimes of equal weight, fewer in clusters, infinite for a census.
    """
    stratum = design.cluster_stratum
    if design.row_cluster is not None:
        weight = np.bincount(design.row_cluster, weight, minlength=len(stratum))
    left = ((1 - design.stratum_fraction)[stratum] * weight**2).sum()
    return math.inf if left == 0 else float(weight.sum() ** 2 / left)


def _proportion(design, value, scores, inside, weight, estimator, method, confidence):
    """Return the Estimate of a proportion from its scores; `inside` marks the crimes that it is about."""
    se = math.sqrt(_variance(design, scores, inside))
    size = None if se else _size_without_variance(design, weight)
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
        "fpc": _overall_fraction(design),
        "df": clusters - strata,
    }


def _groups_with(inside, group, groups):
    """Return how many of the groups, numbered in `group`, have a row marked by `inside`."""
    if inside.all():
        return groups
    present = np.zeros(groups, dtype=bool)
    present[group[inside]] = True
    return int(present.sum())


def _overall_fraction(design):
    """Return the share of the population that was sampled; 0.0 if the population is infinite."""
    size = design.stratum_population
    return 0.0 if size is None else float((design.stratum_fraction * size).sum() / size.sum())


def _flags(design, facts):
    flags = ("n_under_30",) if facts["n"] < SMALL_SAMPLE else ()
    if facts["df"] < FEW_DEGREES_OF_FREEDOM:
        flags += ("df_under_10",)
    if design is not None and ((design.stratum_clusters == 1) & (design.stratum_fraction < 1)).any():
        flags += ("lonely_cluster",)
    return flags


def _two_sided(gap, se):
    """Return the two-sided p-value of the z test of `gap` = 0; 1 or 0 where `se` is 0."""
    return float(2 * special.ndtr(-abs(gap) / se)) if se else float(gap == 0)


# ---- checks of what was handed in -------------------------------------------------------------------------


def _choice(name, value, allowed):
    if value not in allowed:
        raise ValueError(f"{name}: expected one of {', '.join(allowed)}; got {value!r}.")
    return value


def _level(confidence):
    if not isinstance(confidence, (int, float)) or not 0 < confidence < 1:
        raise ValueError(f"confidence: expected a level between 0 and 1, such as 0.95; got {confidence!r}.")
    return confidence


def _number(name, value, least):
    ok = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not ok or not math.isfinite(value) or value < least:
        raise ValueError(f"{name}: expected a number of at least {least}, got {value!r}.")
    return float(value)


def _ratio(numerator, denominator):
    """Return numerator / denominator, and 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros(len(denominator)), where=denominator > 0)


def _count(name, value):
    number = _number(name, value, least=0)
    if number != int(number):
        raise ValueError(f"{name}: expected a count (a whole number), got the fraction {value!r}.")
    return int(number)


def _population_count(name, value, sampled, unit):
    """Return a population count as a float, after checking it against the count of the sample."""
    number = _number(name, value, least=0)
    if 0 < number < 1:
        raise ValueError(f"{name}: expected a count of {unit}, got the fraction {value!r}.")
    if number < sampled:
        raise ValueError(f"{name}: {number:g} {unit} are fewer than the {sampled:g} in the sample.")
    return number


def _same_keys(name, role, present, counts):
    """Refuse counts that lack a group of the sample, or that have a group of which nothing was sampled."""
    for key in present:
        if key not in counts:
            raise ValueError(f"{name}: no count for the {role} {key!r} of the sample; got {list(counts)}.")
    for key, count in counts.items():
        if count != 0 and key not in set(present):
            raise ValueError(
                f"{name}: nothing was sampled in the {role} {key!r}, so nothing is known of it. Merge it "
                "with a similar one, or leave it out and say so beside the figure."
            )


def _is_rate(estimate):
    if not isinstance(estimate, Estimate) or estimate.unit != "proportion":
        raise ValueError(f"expected an Estimate of a rate, got {estimate!r}.")


def _column(data, name, role):
    if name not in data.columns:
        raise ValueError(f"{role}: no column {name!r}; the columns are {', '.join(map(str, data.columns))}.")
    return data[name]


def _zero_one(data, name):
    """Return (is a crime, was recorded) of each row as a bool and a float array."""
    column = _column(data, name, "recorded")
    numbers = column if pd.api.types.is_numeric_dtype(column) else pd.to_numeric(column, errors="coerce")
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    crime = column.notna().to_numpy()
    wrong = (values != 0) & (values != 1) & crime
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"column {name!r}, row {row}: expected True/False or 1/0, got {column.tolist()[row]!r}."
        )
    return crime, values if crime.all() else np.where(crime, values, 0.0)


def _codes(data, name, role):
    """Return (code of each row, name of each code) of a column without missing values."""
    if name is None:
        return np.zeros(len(data), dtype=np.intp), [None]
    codes, names = pd.factorize(_column(data, name, role))
    if (codes < 0).any():
        raise ValueError(f"column {name!r}, row {int(np.argmin(codes))}: missing value; {role} need one.")
    return codes, names.tolist()


def _positive(data, name):
    column = _column(data, name, "weights")
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"column {name!r}, row {row}: expected a weight above 0, got {column.tolist()[row]!r}."
        )
    return values


def _domain(design, domain):
    """Return a bool array: the rows of `design` that are crimes of the domain."""
    if domain is None:
        return design.row_is_crime
    if isinstance(domain, str):
        domain = _column(design.crimes, domain, "domain")
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
        raise ValueError(
            f"domain: expected True or False in every row, got {values.tolist()[0]!r} in the first."
        )
    inside = values & design.row_is_crime
    if not inside.any():
        raise ValueError("no audited crime in the domain: a rate of nothing is undefined.")
    return inside


def _post_strata(design, name, counts, role):
    """Return (code of each row, names, known count of each name) of a post-stratification."""
    crime = design.row_is_crime
    column = _column(design.crimes, name, "post_strata")
    codes, names = pd.factorize(column[crime])
    if (codes < 0).any():
        raise ValueError(f"column {name!r}: a crime without a value; every crime needs its post-stratum.")
    names = names.tolist()
    kind = np.zeros(len(crime), dtype=np.intp)
    kind[crime] = codes
    given = counts.to_dict() if isinstance(counts, pd.Series) else counts
    if not isinstance(given, Mapping) or not any(given.values()):
        raise ValueError(f"{role}: expected a mapping of {name} -> count, not all 0; got {given!r}.")
    _same_keys(role, name, names, given)
    known = np.array([_population_count(f"{role} of {key}", given[key], 0, "crimes") for key in names])
    return kind, names, known
