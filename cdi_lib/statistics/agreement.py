"""Agreement between two auditors: Cohen's kappa [1]_ with its large-sample interval [2]_.

References
----------
.. [1] Cohen, J. (1960). A coefficient of agreement for nominal scales. *Educational and Psychological Measurement*
   20, 37-46.
.. [2] Fleiss, J. L., Cohen, J. and Everitt, B. S. (1969). Large sample standard errors of kappa and weighted kappa.
   *Psychological Bulletin* 72, 323-327.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from cdi_lib.statistics.checks import level


@dataclass(frozen=True)
class Agreement:
    """How many of ``n`` units two auditors decided alike (``agreed``), and kappa (in [-1, 1]) with its limits.

    These are None where one of them found the same in every unit: chance then gives as much agreement as there is.
    """

    n: int
    agreed: int
    kappa: float | None
    low: float | None
    high: float | None
    confidence: float


def cohens_kappa(first: Sequence[str], second: Sequence[str], confidence: float = 0.95) -> Agreement:
    """Cohen's kappa of two auditors from their decisions on the same units, in the same order.

    The interval is a normal one, cut off at -1 and 1. It is too narrow for few units, and has no width where the
    auditors agreed on everything. ValueError for no units, or not as many decisions of one as of the other.

    >>> found = cohens_kappa(["crime"] * 25 + ["no crime"] * 25, ["crime"] * 20 + ["no crime"] * 20 + ["crime"] * 10)
    >>> found.agreed, round(found.kappa, 3)
    (35, 0.4)
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(f"as many decisions of one as of the other; got {len(first)} and {len(second)}")
    names = sorted({*first, *second})
    table = pd.crosstab(np.array(first), np.array(second)).reindex(index=names, columns=names, fill_value=0).to_numpy()
    n, agreed = len(first), int(np.trace(table))
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, expected = agreed / n, float(rows @ columns)
    if math.isclose(max(rows), 1) or math.isclose(max(columns), 1):
        return Agreement(n, agreed, None, None, None, confidence)
    kappa = (observed - expected) / (1 - expected)  # Cohen (1960)
    # Fleiss, Cohen and Everitt (1969): variance without the hypothesis that kappa is 0
    alike = np.diag(p) @ (1 - (rows + columns) * (1 - kappa)) ** 2
    marginals = (columns[:, None] + rows[None, :]) ** 2
    unlike = (1 - kappa) ** 2 * ((p * marginals).sum() - np.diag(p) @ np.diag(marginals))
    variance = (alike + unlike - (kappa - expected * (1 - kappa)) ** 2) / (n * (1 - expected) ** 2)
    half = special.ndtri((1 + level(confidence)) / 2) * math.sqrt(max(variance, 0))
    low, high = max(kappa - half, -1), min(kappa + half, 1)
    return Agreement(n, agreed, float(kappa), float(low), float(high), confidence)
