"""The drawings of the comparison: rates with intervals, and funnels."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from cdi_lib.comparison.compare import Limits
from cdi_lib.report import charts, wording
from cdi_lib.report.charts import PAGE, PHONE, Shape
from cdi_lib.report.labels import said


@charts.styled
def forest(title: str, subtitle: str, rows: Sequence[tuple], scale: tuple[float, float], shape: Shape = PAGE) -> Figure:
    """Rates with intervals, and partially pooled ones beside them: label, value, low, high, pooled value (None: none)."""
    narrow, beside = shape is PHONE, []
    height, sides, foot = (0.68, (0.06, 0.94), 0.82) if narrow else (0.56, (0.27, 0.76), 0.62)
    figure, axes = charts.canvas(len(rows) * height + 0.5, title, subtitle, *sides, shape, foot)
    for place, (_, value, low, high, pooled) in enumerate(rows):
        text = wording.percent(value)
        if low is not None:
            ends = [low, high], [-place] * 2
            axes.plot(*ends, color=charts.DARK_BLUE, linewidth=5, alpha=0.32, solid_capstyle="butt")
            text = said("comparison.rate", rate=text, low=wording.percent(low), high=wording.percent(high))
        axes.plot([value], [-place], "o", color=charts.DARK_BLUE, markersize=6.5)
        if pooled is not None:
            axes.plot([pooled], [-place], "D", color=charts.ORANGE, mfc="none", markersize=6.5, markeredgewidth=1.6)
        beside.append(text)
        if not narrow:
            axes.annotate(text, (1.03, -place), xycoords=("axes fraction", "data"), va="center", size=10)
    charts.name_rows(axes, [row[0] for row in rows], beside, shape, size=10.5, width=30, below=0.3, above=0.7)
    axes.set_xlim(*scale)
    axes.xaxis.set_major_locator(MultipleLocator(0.1 if narrow else 0.05))
    axes.xaxis.grid(True, color=charts.GRID, linewidth=0.8)
    charts.per_cent(axes.xaxis)
    has_pooled = any(row[-1] is not None for row in rows)
    charts.label_axis(axes, said(f"comparison.rates_axis{'_pooled' if has_pooled else ''}"), shape)
    return figure


@charts.styled
def funnel(
    title: str, subtitle: str, centre: float, points: Sequence[tuple[float, float, str]], limits: Sequence[Limits],
    narrow: Sequence[Limits] = (), shape: Shape = PAGE,
) -> Figure:  # fmt: skip
    """Rates against sample size, and the names of some, with limits; dotted those that chance alone would keep to, where
    they are narrower."""
    figure, axes = charts.canvas(
        8 if shape is PAGE else 5.4, title, subtitle, 0.09 if shape is PAGE else 0.13, 0.965, shape
    )
    for curve in narrow:
        for ends in (curve.low, curve.high):
            axes.plot(curve.n, ends, color=charts.MUTED, linewidth=1.1, linestyle=":")
    for curve, style in zip(limits, ("-", (0, (5, 3))), strict=True):
        for ends in (curve.low, curve.high):
            axes.plot(curve.n, ends, color=charts.MUTED, linewidth=1.4, linestyle=style)
        end, place = (curve.n[-1], curve.high[-1]), (-2, 4)
        name: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "size": 10, "color": charts.MUTED}
        axes.annotate(curve.level, end, place, **name)
    axes.axhline(centre, color=charts.DARK_BLUE, linewidth=1.4)
    text, start = said("comparison.funnel_centre", rate=wording.percent(centre)), (limits[0].n[0], centre)
    axes.annotate(text, start, (2, 5), textcoords="offset points", size=10)
    marks: dict[str, Any] = {"markersize": 7, "mfc": "white", "markeredgewidth": 1.8, "zorder": 4}
    axes.plot(*zip(*(point[:2] for point in points), strict=True), "o", color=charts.DARK_BLUE, **marks)
    _name_points(axes, [point for point in points if point[2]])
    axes.yaxis.grid(True, color=charts.GRID, linewidth=0.8)
    charts.per_cent(axes.yaxis)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.count(value)))
    charts.label_axis(axes, said("comparison.funnel_axis"), shape)
    return figure


def _name_points(axes: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Write names beside points, towards the middle of the drawing; one that would cover another moves down."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    line = (top - bottom) * 0.2 * axes.figure.dpi / axes.bbox.height  # 0.2 inches
    free: dict[bool, float] = {}
    for n, rate, name in sorted(points, key=lambda point: -point[1]):
        is_right = n > (left + right) / 2
        y = free[is_right] = min(rate, free.get(is_right, top) - line)
        look: dict[str, Any] = {"ha": "right" if is_right else "left", "va": "center", "size": 10, "weight": "semibold"}
        look["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1}
        axes.annotate(name, (n, y), (-8 if is_right else 8, 0), textcoords="offset points", **look)
