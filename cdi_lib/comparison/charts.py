"""The drawings of the comparison: rates with intervals, and funnels."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from cdi_lib.comparison.compare import Limits
from cdi_lib.report import charts, wording
from cdi_lib.report.labels import said


@charts.styled
def forest(title: str, subtitle: str, rows: Sequence[tuple], scale: tuple[float, float]) -> Figure:
    """Rates with intervals, and partially pooled ones beside them: label, value, low, high, pooled value (None: none)."""
    figure, axes = charts.canvas(len(rows) * 0.56 + 0.5, title, subtitle, 0.27, 0.76)
    for place, (_, value, low, high, pooled) in enumerate(rows):
        text = wording.percent(value)
        if low is not None:
            ends = [low, high], [-place] * 2
            axes.plot(*ends, color=charts.DARK_BLUE, linewidth=5, alpha=0.32, solid_capstyle="butt")
            text = said("comparison.rate", rate=text, low=wording.percent(low), high=wording.percent(high))
        axes.plot([value], [-place], "o", color=charts.DARK_BLUE, markersize=6.5)
        if pooled is not None:
            axes.plot([pooled], [-place], "D", color=charts.ORANGE, mfc="none", markersize=6.5, markeredgewidth=1.6)
        axes.annotate(text, (1.03, -place), xycoords=("axes fraction", "data"), va="center", size=10)
    charts.name_rows(axes, [row[0] for row in rows], [], charts.PAGE, size=10.5, width=30, below=0.3, above=0.7)
    axes.set_xlim(*scale)
    axes.xaxis.grid(True, color="#D9DDE1", linewidth=0.8)
    charts.per_cent(axes.xaxis)
    has_pooled = any(row[-1] is not None for row in rows)
    axes.set_xlabel(said(f"comparison.rates_axis{'_pooled' if has_pooled else ''}"), size=10.5)
    return figure


@charts.styled
def funnel(
    title: str, subtitle: str, centre: float, points: Sequence[tuple[float, float]], limits: Sequence[Limits],
    narrow: Sequence[Limits] = (),
) -> Figure:  # fmt: skip
    """Rates against sample size, with limits; dotted those that chance alone would keep to, where they are narrower."""
    figure, axes = charts.canvas(8, title, subtitle, 0.09, 0.965)
    for curve in narrow:
        for ends in (curve.low, curve.high):
            axes.plot(curve.n, ends, color=charts.MUTED, linewidth=1.1, linestyle=":")
    for curve, style in zip(limits, ("-", (0, (5, 3))), strict=True):
        for ends in (curve.low, curve.high):
            axes.plot(curve.n, ends, color=charts.MUTED, linewidth=1.4, linestyle=style)
        end, place = (curve.n[-1], curve.low[-1]), (-2, -13)
        name: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "size": 10, "color": charts.MUTED}
        axes.annotate(curve.level, end, place, **name)
    axes.axhline(centre, color=charts.DARK_BLUE, linewidth=1.4)
    text, start = said("comparison.funnel_centre", rate=wording.percent(centre)), (limits[0].n[0], centre)
    axes.annotate(text, start, (2, 5), textcoords="offset points", size=10)
    axes.plot(*zip(*points, strict=True), "o", color=charts.DARK_BLUE, markersize=7, mfc="white", markeredgewidth=1.8)
    axes.yaxis.grid(True, color="#D9DDE1", linewidth=0.8)
    charts.per_cent(axes.yaxis)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.count(value)))
    axes.set_xlabel(said("comparison.funnel_axis"), size=10.5)
    return figure
