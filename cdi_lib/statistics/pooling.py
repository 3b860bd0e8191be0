"""Several independent rates together: their mean, each one shrunk towards it, control limits, sums of estimates.

References
----------
.. [1] DerSimonian, R. and Laird, N. (1986). Meta-analysis in clinical trials. *Controlled Clinical Trials* 7, 177-188.
.. [2] Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications. *Journal of the American
   Statistical Association* 78, 47-55.
.. [3] Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. *Statistics in Medicine* 24,
   1185-1202.
.. [4] Hartung, J. and Knapp, G. (2001). On tests of the overall treatment effect in meta-analysis with normally
   distributed responses. *Statistics in Medicine* 20, 1771-1782.
.. [5] Zou, G. Y., Huang, W. and Zhang, X. (2009). A note on confidence interval estimation for a linear function of
   binomial proportions. *Computational Statistics and Data Analysis* 53, 1080-1085.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

Z = float(special.ndtri(0.975))


@dataclass(frozen=True)
class Pooled:
    """A random-effects summary of k rates. All rates are proportions; ``tau`` is on the log-odds scale.

    ``centre`` is the mean weighted by effective size, ``mean`` that of the random-effects model with its 95% interval;
    ``shrunken``, ``shrunken_low``, ``shrunken_high`` and ``weight`` have one value a rate.
    """

    centre: float
    mean: float
    low: float
    high: float
    tau: float
    q: float
    df: int
    p_value: float
    overdispersion: float
    shrunken: np.ndarray
    shrunken_low: np.ndarray
    shrunken_high: np.ndarray
    weight: np.ndarray


def random_effects(rates: Sequence[float], se: Sequence[float]) -> Pooled:
    """Pool independent rates (with their standard errors), and shrink each to the mean as far as its precision asks.

    Random effects on the log-odds scale by the moments of [1]_, the interval of their mean by [4]_, never narrower than
    that of [1]_; empirical Bayes estimates as in [2]_. ValueError for a rate of 0 or 1, which has no log-odds.

    >>> round(random_effects([0.90, 0.92, 0.95], [0.01, 0.01, 0.01]).mean, 3)
    0.924
    """
    p, error = np.asarray(rates, dtype=float), np.asarray(se, dtype=float)
    if ((p <= 0) | (p >= 1)).any():
        raise ValueError("rates: expected proportions above 0 and below 1, which have log-odds")
    size = p * (1 - p) / error**2  # the simple random sample that would give the same standard error
    y, v = special.logit(p), (error / (p * (1 - p))) ** 2  # delta method
    mean, se_of_mean, tau2, q = dersimonian_laird(y, v)
    scatter = float(((y - mean) ** 2 / (v + tau2)).sum()) / (len(y) - 1)
    se_of_mean *= max(scatter, 1.0) ** 0.5  # [4]_, eq. 6
    reach = float(stats.t.ppf(0.975, len(y) - 1)) * se_of_mean
    weight = tau2 / (tau2 + v)  # [2]_, eq. 1.7: 1 - B
    shrunken = weight * y + (1 - weight) * mean
    spread = np.sqrt(weight * v + ((1 - weight) * se_of_mean) ** 2)  # the mean is estimated as well
    centre = float((size * p).sum() / size.sum())
    z = (p - centre) / np.sqrt(centre * (1 - centre) / size)
    mean, low, high = (float(special.expit(x)) for x in (mean, mean - reach, mean + reach))
    shrunken, shrunken_low, shrunken_high = (special.expit(shrunken + k * Z * spread) for k in (0, -1, 1))
    return Pooled(
        centre=centre, mean=mean, low=low, high=high, tau=float(np.sqrt(tau2)), q=q, df=len(p) - 1,
        p_value=float(stats.chi2.sf(q, len(p) - 1)), overdispersion=float(np.mean(z**2)),  # [3]_, section 3.2: phi
        shrunken=shrunken, shrunken_low=shrunken_low, shrunken_high=shrunken_high, weight=weight,
    )  # fmt: skip


def dersimonian_laird(y: np.ndarray, v: np.ndarray) -> tuple[float, float, float, float]:
    """The random-effects mean of estimates ``y`` with variances ``v``: mean, its standard error, tau squared, Q [1]_.

    >>> mean, se, tau2, q = dersimonian_laird(np.array([0.0, 1.0, 2.0]), np.array([0.25, 0.25, 0.25]))
    >>> mean, tau2, q
    (1.0, 0.75, 8.0)
    """
    w = 1 / v
    q = float((w * (y - (w * y).sum() / w.sum()) ** 2).sum())
    tau2 = max(0.0, (q - (len(y) - 1)) / float(w.sum() - (w**2).sum() / w.sum()))  # [1]_, eq. 8
    w = 1 / (v + tau2)
    return float((w * y).sum() / w.sum()), float(w.sum() ** -0.5), tau2, q


def control_limits(centre: float, n: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """Exact binomial limits of a rate in ``n`` units if the true one is ``centre``; ``tail`` beyond each of them.

    Interpolated between the whole numbers of units ([3]_, appendix A.1.1).

    >>> low, high = control_limits(0.9, np.array([1000]), 0.025)
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.8805, 0.9177)
    """
    limits = []
    for chance in (tail, 1 - tail):
        k = stats.binom.ppf(chance, n, centre)
        share = (stats.binom.cdf(k, n, centre) - chance) / stats.binom.pmf(k, n, centre)
        limits.append((k - share) / n)
    return limits[0], limits[1]


def add(estimates: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """The sum of independent estimates (value, low, high): variances add, for each side separately (MOVER, [5]_).

    >>> add([(10, 7, 14), (20, 16, 23)])
    (30, 25.0, 35.0)
    """
    value = sum(estimate for estimate, _, _ in estimates)
    below = sum((estimate - low) ** 2 for estimate, low, _ in estimates) ** 0.5
    above = sum((high - estimate) ** 2 for estimate, _, high in estimates) ** 0.5
    return value, value - below, value + above
