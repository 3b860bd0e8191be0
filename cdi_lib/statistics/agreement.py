"""Agreement between two auditors: Cohen's kappa with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Agreement:
    """Two auditors' decisions on the same incidents.

    Parameters
    ----------
    n, agreed : int
        Incidents that both decided on, and those that they decided alike.
    kappa : float or None
        Agreement beyond chance, in [-1, 1]; None where both found the same in every incident, so that nothing could
        have differed by chance.
    low, high : float or None
        Interval of kappa.
    confidence : float
        Level of the interval, in (0, 1).
    """

    n: int
    agreed: int
    kappa: float | None
    low: float | None
    high: float | None
    confidence: float


def cohens_kappa(first: Sequence[str], second: Sequence[str], confidence: float = 0.95) -> Agreement:
    """Cohen's kappa [1]_ of two auditors with its large-sample interval [2]_.

    Parameters
    ----------
    first, second : sequence of str
        Their decisions on the same incidents, in the same order; at least one.
    confidence : float
        Level of the interval, in (0, 1).

    Raises
    ------
    ValueError
        No incidents, or not as many decisions of one as of the other.

    Notes
    -----
    The interval is a normal one, cut off at -1 and 1. It is too narrow for few incidents, and has no width where the
    auditors agreed on everything.

    References
    ----------
    .. [1] Cohen, J. (1960). A coefficient of agreement for nominal scales. Educational and Psychological
           Measurement 20.
    .. [2] Fleiss, J. L., Cohen, J. and Everitt, B. S. (1969). Large sample standard errors of kappa and weighted
           kappa. Psychological Bulletin 72.

    Examples
    --------
    >>> found = cohens_kappa(["crime"] * 25 + ["no crime"] * 25, ["crime"] * 20 + ["no crime"] * 20 + ["crime"] * 10)
    >>> found.agreed, round(found.kappa, 3)
    (35, 0.4)
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(f"as many decisions of one as of the other; got {len(first)} and {len(second)}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1; got {confidence}")
    names = sorted({*first, *second})
    table = np.zeros((len(names), len(names)))
    for one, other in zip(first, second, strict=True):
        table[names.index(one), names.index(other)] += 1
    n, agreed = len(first), int(np.trace(table))
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, expected = agreed / n, float(rows @ columns)
    if math.isclose(expected, 1):
        return Agreement(n, agreed, None, None, None, confidence)
    kappa = (observed - expected) / (1 - expected)  # Cohen (1960)
    # Fleiss, Cohen and Everitt (1969): variance without the hypothesis that kappa is 0
    alike = np.diag(p) @ (1 - (rows + columns) * (1 - kappa)) ** 2
    marginals = (columns[:, None] + rows[None, :]) ** 2
    unlike = (1 - kappa) ** 2 * ((p * marginals).sum() - np.diag(p) @ np.diag(marginals))
    variance = (alike + unlike - (kappa - expected * (1 - kappa)) ** 2) / (n * (1 - expected) ** 2)
    half = stats.norm.ppf((1 + confidence) / 2) * math.sqrt(max(variance, 0))
    low, high = max(kappa - half, -1), min(kappa + half, 1)
    return Agreement(n, agreed, float(kappa), float(low), float(high), confidence)
