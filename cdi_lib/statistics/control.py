"""Control limits for rates of audits that follow each other: which of them chance alone hardly explains.

References
----------
.. [1] Montgomery, D. C. (2013). *Introduction to Statistical Quality Control*, 7th edition, 7.2: charts for proportions.
.. [2] Lancaster, H. O. (1961). Significance tests in discrete distributions. JASA 56, 223-234: mid-p.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cdi_lib.statistics.checks import count, proportion

FALSE_ALARMS = 0.0027  # share of audits outside where nothing has changed: that of three standard errors either side


@dataclass(frozen=True)
class Point:
    """One audit: its rate and the limits for its size, proportions; ``signal`` says on which side of them it lies."""

    rate: float
    low: float
    high: float
    signal: str  # "", "below" or "above"


def control_chart(
    recorded: Sequence[int], audited: Sequence[int], centre: float | None = None, false_alarms: float = FALSE_ALARMS
) -> tuple[float, list[Point]]:
    """The centre and the points of a chart of rates, each with binomial limits for its own size [1]_.

    A count is outside if the chance of one as far out is below half of ``false_alarms``, itself counted half (mid-p
    [2]_): so the alarms where nothing has changed come near that share, on average over sizes, and not far below it as
    with exact limits. Crimes of an audit count as independent. Without a ``centre`` it is the rate of all audits.

    >>> centre, points = control_chart([92, 89, 75], [100, 100, 100], centre=0.9)
    >>> [(point.low, point.high, point.signal) for point in points]
    [(0.8, 0.97, ''), (0.8, 0.97, ''), (0.8, 0.97, 'below')]
    """
    pairs = [(count("recorded", x, 0), count("audited", n, 1)) for x, n in zip(recorded, audited, strict=True)]
    if impossible := [f"{x} of {n}" for x, n in pairs if x > n]:
        raise ValueError(f"recorded must be at most audited; got {', '.join(impossible)}")
    if not pairs:
        raise ValueError("an audit at least; got none")
    middle = sum(x for x, _ in pairs) / sum(n for _, n in pairs) if centre is None else proportion("centre", centre)
    return middle, [_point(x, n, middle, false_alarms / 2) for x, n in pairs]


def _point(x: int, n: int, centre: float, tail: float) -> Point:
    from scipy import stats  # takes most of a second, and reports do without

    counts = np.arange(n + 1)
    chance = stats.binom.pmf(counts, n, centre)
    up_to = np.cumsum(chance) - chance / 2
    inside = counts[(up_to >= tail) & (1 - up_to >= tail)]
    low, high = (int(inside[0]), int(inside[-1])) if len(inside) else (round(n * centre), round(n * centre))
    signal = "below" if x < low else "above" if x > high else ""
    return Point(x / n, low / n, high / n, signal)
