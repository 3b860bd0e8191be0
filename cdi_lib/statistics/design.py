"""How a sample was drawn, and the variance that follows from it.

A :class:`Design` is declared once: strata of the draw, clusters, population counts, weights. It knows the variance of
a total under that way of drawing; the estimators of :mod:`cdi_lib.statistics.estimation` bring the total.

References
----------
.. [1] Lumley, T. (2010). *Complex Surveys: A Guide to Analysis Using R*. Wiley. (R package ``survey``.)
.. [2] Kish, L. (1965). *Survey Sampling*. Wiley.
.. [3] Brewer, K. R. W. (2002). *Combined Survey Sampling Inference*. Arnold. Chapter 9.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdi_lib.statistics.checks import choice, column_of, counts_of_groups, one_population, population_count

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

#: What to take for the variance of a stratum with one cluster.
LONELY = ("fail", "certainty", "adjust", "average")


@dataclass(frozen=True, eq=False)
class Design:
    """How the sample was drawn, declared once and checked once.

    ValueError for what is refused at the head of :mod:`cdi_lib.statistics.estimation`, and for missing values.

    - ``units``: one row per sampled unit. A cluster that was sampled and holds no unit may be present as one row with a
      missing outcome (only with ``clusters``): it counts as a sampled cluster, not as a unit.
    - ``outcome``: column that says whether the unit is a success (True/False or 1/0).
    - ``strata``, ``clusters``, ``weights``: columns of the stratum in which the unit was drawn, of its cluster
      (without, units count as independent: too narrow an interval where they resemble each other), and of its weight,
      above 0 (default N_h / n_h of its stratum).
    - ``population``: how many there are to draw from, perhaps estimated; a mapping exactly if there are strata.
    - ``population_unit``: what the population counts, "units" or "clusters"; to be said where there are clusters. With
      "units" the share of units sampled stands for the share of clusters drawn (right on average).
    - ``infinite_population``: say True to do without a population and without finite population correction.
    - ``unequal_chances``: say True where clusters (without, units) were drawn without replacement and with unequal chances,
      of which the weights are the inverse: the variance is that of Brewer [3]_, as with R's ``pps="brewer"``. With
      replacement, or drawn as nearly none of many: ``weights`` and ``infinite_population``.
    - ``lonely``: a stratum with one cluster, unless it is a census, has no variance of its own. As R's
      ``survey.lonely.psu`` [1]_: "fail" refuses it, "certainty" adds nothing, "adjust" takes its distance from the mean
      of all strata, "average" the average of the others.

    >>> units = pd.DataFrame({"right": [1, 1, 0, 1, 1, 1], "ward": ["a", "a", "b", "c", "d", "d"]})
    >>> Design(units, "right", clusters="ward", population=40, population_unit="clusters").stratum_fraction
    array([0.1])
    >>> Design(units, "right", clusters="ward", population=40)
    Traceback (most recent call last):
    ValueError: population_unit: with clusters, say what the population counts, "units" or "clusters"
    """

    units: pd.DataFrame = field(repr=False)
    outcome: str
    strata: str | None = None
    clusters: str | None = None
    weights: str | None = None
    population: float | Mapping[Any, float] | None = None
    population_unit: str | None = None
    infinite_population: bool = False
    unequal_chances: bool = False
    lonely: str = "fail"
    # Derived; `row` arrays have one value per row of `units`, the others one per cluster or per stratum.
    row_is_unit: Bools = field(init=False, repr=False)
    row_outcome: Floats = field(init=False, repr=False)
    row_weight: Floats = field(init=False, repr=False)
    row_stratum: Ints = field(init=False, repr=False)
    row_cluster: Ints | None = field(init=False, repr=False)
    cluster_stratum: Ints = field(init=False, repr=False)
    cluster_left: Floats | None = field(init=False, repr=False)  # one less the chance of the cluster, if these differ
    stratum_clusters: Ints = field(init=False, repr=False)
    stratum_fraction: Floats = field(init=False, repr=False)
    stratum_population: Floats | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.units, pd.DataFrame) or self.units.empty:
            got = "an empty one" if isinstance(self.units, pd.DataFrame) else type(self.units).__name__
            raise ValueError(f"units must be a pandas DataFrame with a row for each sampled unit; got {got}")
        choice("lonely", self.lonely, LONELY)
        if self.population_unit is None and self.clusters is not None and self.population is not None:
            raise ValueError('population_unit: with clusters, say what the population counts, "units" or "clusters"')
        if self.population_unit == "clusters" and self.clusters is None:
            raise ValueError('population_unit="clusters" needs clusters= the column of the cluster')
        counted = choice("population_unit", self.population_unit or "units", ("units", "clusters"))
        one_population(self.population, self.infinite_population or self.unequal_chances, counted)
        units = self.units.copy(deep=False)
        is_unit, outcome = _zero_one(units, self.outcome)
        if self.clusters is None and not is_unit.all():
            said = "Such a row stands for a cluster without units and needs clusters= the column of the cluster"
            raise ValueError(f"column {self.outcome!r}, row {int(np.argmin(is_unit))}: missing value. {said}")
        if not is_unit.any():
            raise ValueError(f"column {self.outcome!r}: no sampled unit, all values are missing")
        stratum, found = _numbered(units, self.strata, "strata")
        names, cluster, cluster_stratum = found.tolist(), None, stratum
        if self.clusters is not None:
            cluster, found = _numbered(units, self.clusters, "clusters")
            cluster_stratum = _strata_of_clusters(cluster, len(found), stratum, names)
        clusters_in = sampled = np.bincount(cluster_stratum, minlength=len(names))
        if cluster is not None and counted == "units":
            sampled = np.bincount(stratum[is_unit], minlength=len(names))
        endless = self.infinite_population or self.unequal_chances
        size = None if endless else self._population(names, sampled, counted)
        fraction = np.zeros(len(names)) if size is None else sampled / size
        self.__dict__.update(  # a frozen dataclass refuses plain assignment, here too
            units=units, row_is_unit=is_unit, row_outcome=outcome, row_stratum=stratum, row_cluster=cluster,
            row_weight=self._weight(units, is_unit, stratum, sampled, size), cluster_stratum=cluster_stratum,
            cluster_left=self._left(units, cluster), stratum_clusters=clusters_in, stratum_fraction=fraction, stratum_population=size,
        )  # fmt: skip
        lonely = self.lonely_strata()
        if lonely.any() and (self.lonely == "fail" or (self.lonely == "average" and lonely.all())):
            where = "the sample" if self.strata is None else f"stratum {names[np.argmax(lonely)]!r}"
            said = 'Merge it with a similar stratum, or say lonely="certainty", "adjust" or, beside others, "average"'
            raise ValueError(f"{where} has one cluster: its variance cannot be estimated. {said}")

    def _population(self, names: list[Any], sampled: Ints, counted: str) -> Floats:
        """Return the population count of each stratum as an array."""
        given: Mapping[Any, Any] = {None: self.population}
        if self.strata is not None:
            given = counts_of_groups("population", self.population, "stratum", names)
        elif isinstance(self.population, (Mapping, pd.Series)):
            raise ValueError(f"population must be one number (there are no strata); got {self.population!r}")
        if (sampled == 0).any():
            said = "Merge it with a similar stratum, or give the population in clusters"
            empty = f"stratum {names[np.argmax(sampled == 0)]!r} has clusters but no sampled unit"
            raise ValueError(f"{empty}, so nothing is known of its units. {said}")
        label = "population" if self.strata is None else "population of {}"
        rows = zip(names, sampled, strict=True)
        return np.array([population_count(label.format(name), given[name], k, counted) for name, k in rows])

    def _weight(self, units: pd.DataFrame, is_unit: Bools, stratum: Ints, sampled: Ints, size: Floats | None) -> Floats:
        """Return the sampling weight of each row; a cluster without units has nothing to weigh."""
        if self.weights is not None:
            weight = _numbers(column_of(units, self.weights, "weights"))
            _refuse_wrong(units[self.weights], np.isfinite(weight) & (weight > 0), "a weight above 0")
        elif size is not None:
            weight = (size / sampled)[stratum]
        elif len(sampled) > 1:
            said = "without either, the share of each stratum is not known"
            ones = "(A column of ones says that all had the same chance.)"
            raise ValueError(f"strata without population need weights= a column; {said}. {ones}")
        else:
            weight = np.ones(len(stratum))
        return weight if is_unit.all() else weight * is_unit

    def _left(self, units: pd.DataFrame, cluster: Ints | None) -> Floats | None:
        """Return one less the chance with which each cluster was drawn, where these are said to differ."""
        if not self.unequal_chances:
            return None
        if self.weights is None or self.infinite_population:
            said = "needs weights= the column of one over the chance of the cluster"
            raise ValueError(f"unequal_chances {said}, and no infinite_population")
        weight = _numbers(units[self.weights])
        _refuse_wrong(units[self.weights], weight >= 1, "one over a chance, 1 or more")
        if cluster is None:
            return 1 - 1 / weight
        of_cluster = np.zeros(cluster.max() + 1)
        of_cluster[cluster] = weight
        _refuse_wrong(units[self.weights], weight == of_cluster[cluster], "the same weight for all of a cluster")
        return 1 - 1 / of_cluster

    def independent(self) -> "Design":
        """Return the design with units taken as independent: no clusters, same weights and fractions."""
        if self.row_cluster is None:
            return self
        keep = self.row_is_unit
        stratum = self.row_stratum[keep]
        return self._with(
            units=self.units[keep], clusters=None, row_is_unit=keep[keep], row_outcome=self.row_outcome[keep],
            row_weight=self.row_weight[keep], row_stratum=stratum, row_cluster=None, cluster_stratum=stratum,
            cluster_left=None if self.cluster_left is None else self.cluster_left[self.row_cluster[keep]],
            stratum_clusters=np.bincount(stratum, minlength=len(self.stratum_clusters)),
        )  # fmt: skip

    def unweighted(self) -> "Design":
        """Return the design with the weight 1 for every unit (the pooled sample)."""
        return self._with(row_weight=self.row_is_unit.astype(float))

    def _with(self, **changes: Any) -> "Design":
        """Return a copy with some attributes changed, without checking the rows again."""
        other = copy.copy(self)
        other.__dict__.update(changes)
        return other

    def domain(self, domain: Any = None) -> Bools:
        """Return which rows are units of a domain: a column of, or one bool per row of, `units`; None for all."""
        if domain is None:
            return self.row_is_unit
        if isinstance(domain, str):
            domain = column_of(self.units, domain, "domain")
        if isinstance(domain, pd.Series) and not domain.index.equals(self.units.index):
            raise ValueError("domain: its index differs from that of the units; give it in the same rows")
        values = np.asarray(domain)
        if values.shape != self.row_is_unit.shape:
            raise ValueError(f"domain: expected one value per row, {len(self.units)}; got {values.shape}")
        if values.dtype == object:  # missing where the row is no unit
            values = np.where(pd.isna(values) & ~self.row_is_unit, False, values)
        if values.dtype != bool:
            wrong = [(row, v) for row, v in enumerate(values.tolist()) if not isinstance(v, (bool, np.bool_))]
            if wrong:
                row, got = wrong[0]
                raise ValueError(f"domain: expected True or False in every row, got {got!r} in row {row}")
        inside: Bools = values.astype(bool) & self.row_is_unit
        if not inside.any():
            raise ValueError("no sampled unit in the domain: a rate of nothing is undefined")
        return inside

    def groups(self, name: str, role: str) -> tuple[Ints, list[Any]]:
        """Return (number of the group of each row, 0 where it is no unit; names of the groups) of a column."""
        column = column_of(self.units, name, role)
        codes, names = factorize(column if self.row_is_unit.all() else column[self.row_is_unit])
        if codes.min() < 0:
            raise ValueError(f"column {name!r}: a unit without a value; {role} need one of every unit")
        group = np.zeros(len(column), dtype=np.intp)
        group[self.row_is_unit] = codes
        return group, names.tolist()

    def cluster_totals(self, values: Floats) -> Floats:
        """Return the total of `values` (one per row) in each cluster; rows are clusters if there are none."""
        if self.row_cluster is None:
            return values
        return sum_by(self.row_cluster, values, len(self.cluster_stratum))

    def variance(self, scores: Floats, inside: Bools) -> float:
        """Return the variance of the total of `scores`; see :meth:`variances`."""
        return self.variances(scores, inside)[0]

    def variances(self, scores: Floats, inside: Bools) -> tuple[float, float]:
        """Return the variance of the total of `scores`, with and without FPC: clusters drawn within strata.

        ``sum_h (1 - f_h) n_h / (n_h - 1) sum_c (z_hc - mean_h)^2`` over the cluster totals z ([1]_, section 2.3).
        `scores` has one value per row, weight included; `inside` marks the rows that the total is about, over whose
        strata ``lonely="average"`` averages.
        """
        stratum, n, fraction = self.cluster_stratum, self.stratum_clusters, self.stratum_fraction
        totals = self.cluster_totals(scores)
        mean = sum_by(stratum, totals, len(n)) / n
        if self.lonely == "adjust":
            mean = np.where(n > 1, mean, 0.0)  # scores of a rate add up to 0: the mean of all strata
        deviation = mean[stratum]
        np.subtract(totals, deviation, out=deviation)  # in place: new arrays would be half of the time
        deviation *= deviation
        squares = sum_by(stratum, deviation, len(n))
        scale = np.where(n > 1, n / np.maximum(n - 1, 1), 1.0)
        left = squares if self.cluster_left is None else sum_by(stratum, deviation * self.cluster_left, len(n))
        variance, endless = ((1 - fraction) * (scale * left)).sum(), (scale * squares).sum()
        if self.lonely == "average":
            present = sum_by(self.row_stratum, inside, len(n)) > 0
            known = present & ((n > 1) | (fraction >= 1))
            if present.any() and not known.any():
                raise ValueError(
                    'every stratum of the domain has one cluster, so there is no variance to take the "average" of: '
                    'say lonely="adjust" or "certainty", or merge the strata.'
                )
            variance *= present.sum() / known.sum()
            endless *= present.sum() / known.sum()
        # What rounding leaves of a variance of 0 is not a variance: compare with the squares before centring.
        rounding = 1e-24 * (squares + n * mean**2).sum()
        return (0.0, 0.0) if variance <= rounding else (float(variance), float(endless))

    def effective_size(self, weight: Floats) -> float:
        """Return the effective sample size where the sample shows no variation: a cluster counts as one unit.

        ``(sum W_c)^2 / sum g(f_h) W_c^2`` over the `weight` of the domain in each cluster ([2]_; g is :func:`unseen`):
        n for independent units of equal weight, fewer in clusters, infinite for a census.
        """
        weight = self.cluster_totals(weight)
        left = (unseen(self.stratum_fraction)[self.cluster_stratum] * weight**2).sum()
        return math.inf if left == 0 else float(weight.sum() ** 2 / left)

    def overall_fraction(self) -> float:
        """Return the share of the population that was sampled; 0.0 if the population is infinite."""
        size = self.stratum_population
        return 0.0 if size is None else float((self.stratum_fraction * size).sum() / size.sum())

    def lonely_strata(self) -> Bools:
        """Return which strata have one cluster and are no census."""
        lonely: Bools = (self.stratum_clusters == 1) & (self.stratum_fraction < 1)
        return lonely


def unseen(fraction: Any) -> Floats:
    """Return what a sampling fraction f leaves of the inverse sample size where no variation is seen: f / -log(1 - f).

    K units of a kind go unseen with chance (1 - f)^K, as in an infinite population with the sample size
    n -log(1 - f) / f. The finite population correction 1 - f of a variance would promise too much here.
    """
    fraction = np.asarray(fraction, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(fraction > 0, np.where(fraction < 1, -fraction / np.log1p(-fraction), 0.0), 1.0)


def sum_by(group: Ints, values: Floats | Bools, groups: int) -> Floats:
    """Return the sum of `values` in each of the groups, numbered from 0 in `group`."""
    return np.bincount(group, values, minlength=groups).astype(float, copy=False)


def factorize(column: "pd.Series[Any]") -> "tuple[Ints, npt.NDArray[Any] | pd.Index[Any]]":
    """Return (number of each value from 0, -1 if missing; the distinct values), as ``pandas.factorize``.

    Numbers that lie close together, as those of clusters do, are counted instead of hashed: twice as fast.
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "i" and len(column):
        values = column.to_numpy().astype(np.intp, copy=False)
        lowest, highest = int(values.min()), int(values.max())
        if highest - lowest <= 2 * len(values):
            codes = values - lowest if lowest else values
            present = np.bincount(codes) > 0
            names = np.flatnonzero(present) + lowest
            return (codes if present.all() else (np.cumsum(present) - 1)[codes]), names
    return pd.factorize(column)


def _zero_one(units: pd.DataFrame, name: str) -> tuple[Bools, Floats]:
    """Return (is a unit, is a success) of each row."""
    values, is_unit = _numbers(column_of(units, name, "outcome")), units[name].notna().to_numpy()
    _refuse_wrong(units[name], (values == 1) | (values == 0) | ~is_unit, "True/False or 1/0")
    return is_unit, values if is_unit.all() else np.where(is_unit, values, 0.0)


def _numbers(column: "pd.Series[Any]") -> Floats:
    return np.asarray(pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan))


def _refuse_wrong(column: "pd.Series[Any]", right: Bools, expected: str) -> None:
    if not right.all():
        row = int(np.argmin(right))
        raise ValueError(f"column {column.name!r}, row {row}: expected {expected}, got {column.tolist()[row]!r}")


def _numbered(units: pd.DataFrame, name: str | None, role: str) -> "tuple[Ints, npt.NDArray[Any] | pd.Index[Any]]":
    """Return (number of the group of each row, names of the groups) of a column without missing values."""
    if name is None:
        return np.zeros(len(units), dtype=np.intp), np.array([None])
    codes, names = factorize(column_of(units, name, role))
    if codes.min() < 0:
        raise ValueError(f"column {name!r}, row {int(np.argmin(codes))}: missing value; {role} need one")
    return codes, names


def _strata_of_clusters(cluster: Ints, clusters: int, stratum: Ints, names: list[Any]) -> Ints:
    """Return the stratum of each cluster, after checking that it lies in one."""
    in_stratum = np.zeros(clusters, dtype=stratum.dtype)
    in_stratum[cluster] = stratum
    crossing = in_stratum[cluster] != stratum
    if crossing.any():
        row = int(np.argmax(crossing))
        other = int(np.argmax((cluster == cluster[row]) & ~crossing))
        raise ValueError(
            f"rows {row} and {other} are of one cluster but of the strata {names[stratum[row]]!r} and "
            f"{names[stratum[other]]!r}. Give the stratum in which the cluster was drawn, and use what "
            "cuts across clusters as post_strata or as a domain"
        )
    return in_stratum
