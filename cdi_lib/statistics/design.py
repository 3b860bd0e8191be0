"""How an audit sample was drawn, and the variance that follows from it.

A :class:`Design` is declared once: strata of the draw, incidents as clusters, population counts, weights. It knows
the variance of a total under that way of drawing; the estimators of :mod:`cdi_lib.statistics.estimation` bring the total.

References
----------
.. [1] Lumley, T. (2010). *Complex Surveys: A Guide to Analysis Using R*. Wiley. (R package ``survey``.)
.. [2] Kish, L. (1965). *Survey Sampling*. Wiley.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cdi_lib.statistics.checks import choice, column_of, counts_of_groups, one_population, population_count

LONELY = ("fail", "certainty", "adjust", "average")


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
        A stratum with one cluster has no variance of its own. As R's ``survey.lonely.psu`` [1]_: refuse
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
    >>> Design(crimes, clusters="incident", population=60).stratum_fraction
    array([0.1])
    >>> Design(crimes, clusters="incident", population=0.1)
    Traceback (most recent call last):
    ValueError: population: expected a count of crimes, got the fraction 0.1. Give how many there are, not a share.
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
        if not isinstance(self.crimes, pd.DataFrame) or self.crimes.empty:
            got = "an empty one" if isinstance(self.crimes, pd.DataFrame) else type(self.crimes).__name__
            raise ValueError(
                f"crimes: expected a pandas DataFrame with a row for each audited crime, got {got}."
            )
        choice("population_unit", self.population_unit, ("crimes", "clusters"))
        choice("lonely", self.lonely, LONELY)
        if self.population_unit == "clusters" and self.clusters is None:
            raise ValueError('population_unit="clusters" needs clusters= the column of the incident.')
        one_population(self.population, self.infinite_population, self.population_unit)
        crimes = self.crimes.copy(deep=False)
        is_crime, recorded = _zero_one(crimes, self.recorded)
        if self.clusters is None and not is_crime.all():
            raise ValueError(
                f"column {self.recorded!r}, row {int(np.argmin(is_crime))}: missing value. Such a row "
                "stands for an incident without crimes and needs clusters= the column of the incident."
            )
        if not is_crime.any():
            raise ValueError(f"column {self.recorded!r}: no audited crime, all values are missing.")
        stratum, names = _numbered(crimes, self.strata, "strata")
        names = names.tolist()
        cluster, cluster_stratum = None, stratum
        if self.clusters is not None:
            cluster, incidents = _numbered(crimes, self.clusters, "clusters")
            cluster_stratum = _strata_of_clusters(cluster, len(incidents), stratum, names)
        clusters_in = sampled = np.bincount(cluster_stratum, minlength=len(names))
        if cluster is not None and self.population_unit == "crimes":
            sampled = np.bincount(stratum[is_crime], minlength=len(names))
        size = None if self.infinite_population else self._population(names, sampled)
        fraction = np.zeros(len(names)) if size is None else sampled / size
        self._check_lonely(names, clusters_in, fraction)
        self.__dict__.update(  # a frozen dataclass refuses plain assignment, here too
            crimes=crimes,
            row_is_crime=is_crime,
            row_recorded=recorded,
            row_weight=self._weight(crimes, is_crime, stratum, sampled, size),
            row_stratum=stratum,
            row_cluster=cluster,
            cluster_stratum=cluster_stratum,
            stratum_clusters=clusters_in,
            stratum_fraction=fraction,
            stratum_population=size,
        )

    def _population(self, names, sampled):
        """Return the population count of each stratum as an array."""
        if self.strata is not None:
            given = counts_of_groups("population", self.population, "stratum", names)
            labels = [f"population of {name}" for name in names]
        elif isinstance(self.population, (Mapping, pd.Series)):
            raise ValueError(
                f"population: expected one number (there are no strata); got {self.population!r}."
            )
        else:
            given, labels = {None: self.population}, ["population"]
        if (sampled == 0).any():
            raise ValueError(
                f"stratum {names[np.argmax(sampled == 0)]!r} has incidents but no audited crime, so nothing "
                "is known of its crimes. Merge it with a similar stratum, or give the population in clusters."
            )
        return np.array(
            [
                population_count(label, given[name], k, self.population_unit)
                for label, name, k in zip(labels, names, sampled, strict=True)
            ]
        )

    def _weight(self, crimes, is_crime, stratum, sampled, size):
        """Return the sampling weight of each row."""
        if self.weights is not None:
            weight = _positive(crimes, self.weights)
        elif size is not None:
            weight = np.divide(size, sampled)[stratum]
        elif len(sampled) > 1:
            raise ValueError(
                "strata without population need weights= a column; without either, the share of each stratum "
                "is not known. (A column of ones says that all had the same chance.)"
            )
        else:
            weight = np.ones(len(stratum))
        # An incident without crime has no crime to weigh.
        return weight if is_crime.all() else weight * is_crime

    def _check_lonely(self, names, clusters_in, fraction):
        lonely = (clusters_in == 1) & (fraction < 1)
        if lonely.any() and (self.lonely == "fail" or (self.lonely == "average" and lonely.all())):
            where = "the sample" if self.strata is None else f"stratum {names[np.argmax(lonely)]!r}"
            raise ValueError(
                f"{where} has one cluster: its variance cannot be estimated. Merge it with a similar "
                'stratum, or say lonely="certainty", "adjust" or, beside others, "average".'
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

    # ---- what the draw does to a total ----

    def cluster_totals(self, values):
        """Return the total of `values` (one per row) in each cluster; rows are clusters if there are none."""
        if self.row_cluster is None:
            return values
        return np.bincount(self.row_cluster, values, minlength=len(self.cluster_stratum))

    def variance(self, scores, inside):
        """Return the variance of the total of `scores`: clusters drawn within strata, with FPC.

        ``sum_h (1 - f_h) n_h / (n_h - 1) sum_c (z_hc - mean_h)^2`` over the cluster totals z ([1]_, section 2.3).

        Parameters
        ----------
        scores : array of float
            One per row, weight included.
        inside : array of bool
            Rows that the total is about; ``lonely="average"`` averages over their strata.
        """
        stratum, n, fraction = self.cluster_stratum, self.stratum_clusters, self.stratum_fraction
        totals = self.cluster_totals(scores)
        mean = np.bincount(stratum, totals, minlength=len(n)) / n
        if self.lonely == "adjust":
            mean = np.where(n > 1, mean, 0.0)  # scores of a rate add up to 0: the mean of all strata
        deviation = mean[stratum]
        np.subtract(totals, deviation, out=deviation)  # in place: new arrays would be half of the time
        deviation *= deviation
        squares = np.bincount(stratum, deviation, minlength=len(n))
        by_stratum = (1 - fraction) * np.where(n > 1, n / np.maximum(n - 1, 1), 1.0) * squares
        variance = by_stratum.sum()
        if self.lonely == "average":
            present = np.bincount(self.row_stratum, inside, minlength=len(n)) > 0
            known = present & ((n > 1) | (fraction >= 1))
            if present.any() and not known.any():
                raise ValueError(
                    'every stratum of the domain has one cluster, so there is no variance to take the "average" of: '
                    'say lonely="adjust" or "certainty", or merge the strata.'
                )
            variance *= present.sum() / known.sum()
        # What rounding leaves of a variance of 0 is not a variance: compare with the squares before centring.
        return 0.0 if variance <= 1e-24 * (squares + n * mean**2).sum() else float(variance)

    def effective_size(self, weight):
        """Return the effective sample size where the sample shows no variation: a cluster counts as one crime.

        ``(sum W_c)^2 / sum g(f_h) W_c^2`` over the `weight` of the domain in each cluster ([2]_, with
        :func:`unseen` for the finite population): n for independent crimes of equal weight, fewer in clusters,
        infinite for a census.
        """
        weight = self.cluster_totals(weight)
        left = (unseen(self.stratum_fraction)[self.cluster_stratum] * weight**2).sum()
        return math.inf if left == 0 else float(weight.sum() ** 2 / left)

    def overall_fraction(self):
        """Return the share of the population that was sampled; 0.0 if the population is infinite."""
        size = self.stratum_population
        return 0.0 if size is None else float((self.stratum_fraction * size).sum() / size.sum())

    def has_lonely_cluster(self):
        """Return whether a stratum that is no census has one cluster."""
        return bool(((self.stratum_clusters == 1) & (self.stratum_fraction < 1)).any())


def unseen(fraction):
    """Return what a sampling fraction f leaves of the inverse sample size where no variation is seen: f / -log(1 - f).

    K crimes of a kind go unseen with chance (1 - f)^K, as in an infinite population with the sample size
    n -log(1 - f) / f. The finite population correction 1 - f of a variance would promise too much here.
    """
    fraction = np.asarray(fraction, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(fraction > 0, np.where(fraction < 1, -fraction / np.log1p(-fraction), 0.0), 1.0)


# ---- reading the columns ----------------------------------------------------------------------------------


def _zero_one(crimes, name):
    """Return (is a crime, was recorded) of each row as a bool and a float array."""
    column = column_of(crimes, name, "recorded")
    numbers = column if pd.api.types.is_numeric_dtype(column) else pd.to_numeric(column, errors="coerce")
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    crime = column.notna().to_numpy()
    right = values == 1
    right |= values == 0
    right |= ~crime
    if not right.all():
        row = int(np.argmin(right))
        raise ValueError(
            f"column {name!r}, row {row}: expected True/False or 1/0, got {column.tolist()[row]!r}."
        )
    return crime, values if crime.all() else np.where(crime, values, 0.0)


def _positive(crimes, name):
    """Return a column of numbers above 0 as a float array."""
    column = column_of(crimes, name, "weights")
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"column {name!r}, row {row}: expected a weight above 0, got {column.tolist()[row]!r}."
        )
    return values


def _numbered(crimes, name, role):
    """Return (number of the group of each row, names of the groups) of a column without missing values."""
    if name is None:
        return np.zeros(len(crimes), dtype=np.intp), np.array([None])
    codes, names = factorize(column_of(crimes, name, role))
    if codes.min() < 0:
        raise ValueError(f"column {name!r}, row {int(np.argmin(codes))}: missing value; {role} need one.")
    return codes, names


def factorize(column):
    """Return (number of each value from 0, -1 if missing; the distinct values), as ``pandas.factorize``.

    Numbers that lie close together, as those of incidents do, are counted instead of hashed: twice as fast.
    """
    if not (isinstance(column.dtype, np.dtype) and column.dtype.kind == "i" and len(column)):
        return pd.factorize(column)
    values = column.to_numpy().astype(np.intp, copy=False)
    lowest, highest = int(values.min()), int(values.max())
    if highest - lowest > 2 * len(values):
        return pd.factorize(column)
    codes = values - lowest if lowest else values
    present = np.bincount(codes) > 0
    names = np.flatnonzero(present) + lowest
    return (codes if present.all() else (np.cumsum(present) - 1)[codes]), names


def _strata_of_clusters(cluster, clusters, stratum, names):
    """Return the stratum of each cluster, after checking that it lies in one."""
    in_stratum = np.zeros(clusters, dtype=stratum.dtype)
    in_stratum[cluster] = stratum
    crossing = in_stratum[cluster] != stratum
    if crossing.any():
        row = int(np.argmax(crossing))
        other = int(np.argmax((cluster == cluster[row]) & ~crossing))
        raise ValueError(
            f"rows {row} and {other} are of one cluster but of the strata {names[stratum[row]]!r} and "
            f"{names[stratum[other]]!r}. Give the stratum in which the incident was drawn, and use crime types "
            "as post_strata or as a domain."
        )
    return in_stratum
