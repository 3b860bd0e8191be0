"""Figures from results, in the chart style of the Government Analysis Function (afcharts).

Each function returns a figure whose message and numbers come from the same results as the tables. Figures become
SVG with outlines instead of fonts, without dates or random ids, so that equal results give equal bytes.
"""

import base64
import functools
import io
import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import afcharts  # noqa: F401  registers the style sheet
import font_source_sans_pro
import matplotlib
import matplotlib.style
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Bbox

from cdi_lib.report import wording
from cdi_lib.report.labels import said

DARK_BLUE, ORANGE = "#12436D", "#F46A25"
TEXT, MUTED, GRID = "#0B0C0C", "#3D3D3D", "#D9DDE1"
# A grade has the same colour in charts, badges and PDF. White text on each of them reaches 4.5:1.
GRADES = {
    "outstanding": "#12436D",
    "good": "#14695F",
    "adequate": "#1F6CAE",
    "requires improvement": "#9C4215",
    "inadequate": "#801650",
}

_FONT_FOLDER = Path(font_source_sans_pro.__file__).parent / "files"
for _name in ("Regular", "Semibold", "Bold"):
    font_manager.fontManager.addfont(str(_FONT_FOLDER / f"SourceSansPro-{_name}.ttf"))

_STYLE = {
    "font.family": "Source Sans Pro",
    "font.size": 11,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "axes.grid": False,
}


@dataclass(frozen=True)
class Shape:
    """How wide a drawing is in inches, how high a row, and how many characters of title and subtitle fit into a line."""

    width: float
    row: float
    title: int
    subtitle: int


PAGE = Shape(7.2, 0.48, 70, 104)
ACROSS_PHONE = 46  # characters of a row's name and of what stands beside it
PHONE = Shape(3.6, 0.66, 36, 54)  # names stand above the bars


@dataclass(frozen=True)
class Bar:
    """A row of an interval chart. What was assumed is drawn hollow, an interval that rests on it thin; ``bands`` are the
    least values of grades, best first."""

    name: str
    value: float
    low: float | None
    high: float | None
    beside: str
    assumed: bool = False
    thin: bool = False
    bands: Mapping[str, float] = field(default_factory=dict)


def canvas(
    rows: float, title: str, subtitle: str, left: float = 0.0, right: float = 1.0, shape: Shape = PAGE,
    foot: float = 0.62,
) -> tuple[Figure, Axes]:  # fmt: skip
    """An empty figure with a message as title and a statistical subtitle, high enough for its rows."""
    titles, subtitles = textwrap.wrap(title, shape.title), textwrap.wrap(subtitle, shape.subtitle)
    head = 0.14 + 0.26 * len(titles) + 0.21 * len(subtitles) + 0.12
    height = head + shape.row * rows + foot
    figure = Figure(figsize=(shape.width, height))
    axes = figure.add_axes((left, foot / height, right - left, shape.row * rows / height))
    top, below = 1 - 0.1 / height, 1 - (0.16 + 0.26 * len(titles)) / height
    figure.text(0.01, top, "\n".join(titles), size=14, weight="semibold", va="top", linespacing=1.15)
    figure.text(0.01, below, "\n".join(subtitles), size=10.5, color=MUTED, va="top", linespacing=1.2)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="both", length=0)
    return figure, axes


def name_rows(
    axes: Axes, names: Sequence[str], beside: Sequence[str], shape: Shape, size: float = 11, width: int = 18,
    below: float = 0.4, above: float = 0.6,
) -> None:  # fmt: skip
    """Name the rows of a figure, which lie at 0, -1, -2 and so on; long names in lines of ``width`` characters.

    In a narrow one names, and what stands beside the rows there, are above what is drawn in them. Where a name would run
    into its neighbours all are smaller, and what then is too long ends after three lines.
    """
    if shape is PHONE:
        return _name_above(axes, names, beside)
    lines = [textwrap.wrap(name, width, break_long_words=False) for name in names]
    if max(map(len, lines), default=0) > 3:
        size, width = 0.75 * size, round(width / 0.75)
        lines = [textwrap.wrap(name, width, break_long_words=False, max_lines=3, placeholder=" …") for name in names]
    axes.set_yticks([-row for row in range(len(names))], list(map("\n".join, lines)), size=size)
    axes.set_ylim(-len(names) + below, above)


def _name_above(axes: Axes, names: Sequence[str], beside: Sequence[str]) -> None:
    axes.set_yticks([])
    axes.set_ylim(-len(names) + 0.5, 0.75)
    across = axes.get_yaxis_transform()
    for row, name in enumerate(names):
        room = ACROSS_PHONE - len(beside[row]) if beside else ACROSS_PHONE
        short = textwrap.shorten(name, room, placeholder=" …")
        axes.text(0, 0.34 - row, short, transform=across, size=11, weight="semibold", va="bottom")
    for row, text in enumerate(beside):
        axes.text(1, 0.34 - row, text, transform=across, size=10, ha="right", va="bottom")


def per_cent(axis: Axis, digits: str = "") -> None:
    """Label an axis of proportions in per cent."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:{digits}g}%"))


def round_ticks(axes: Axes, lowest: float, highest: float, ticks: int = 5) -> float:
    """An axis of proportions that begins and ends at round numbers; returns where it begins."""
    steps = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
    step = next((step for step in steps if (highest - lowest) / step <= ticks), steps[-1])
    first, last = math.floor(lowest / step + 1e-9), math.ceil(min(highest, 1.0) / step - 1e-9)
    if first >= last:  # all at one round number, as the rates of a census may be
        first, last = (first, first + 1) if (first + 1) * step <= 1 else (first - 1, first)
    axes.set_xlim(first * step, last * step)
    axes.set_xticks([round(n * step, 4) for n in range(first, last + 1)])
    return round(first * step, 4)


def label_axis(axes: Axes, text: str, shape: Shape = PAGE) -> None:
    """The words under an axis, within the width of the drawing."""
    axes.set_xlabel(textwrap.fill(text, shape.subtitle), size=10.5)


def _quarters(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])


def styled(draw):
    """Draw with the style of the report, whatever the caller has set."""

    @functools.wraps(draw)
    def wrapped(*args, **kwargs):
        with matplotlib.rc_context(), matplotlib.style.context(["default", "afcharts.afcharts", _STYLE]):
            return draw(*args, **kwargs)

    return wrapped


def both(draw: Callable[..., Figure], *args: Any, **kwargs: Any) -> tuple[Figure, Figure]:
    """A drawing in the shape of a page and in that of a phone."""
    return draw(*args, **kwargs, shape=PAGE), draw(*args, **kwargs, shape=PHONE)


@styled
def intervals(
    title: str, subtitle: str, rows: Sequence[Bar], axis: str, as_percent: bool, shape: Shape = PAGE
) -> Figure:
    """Points with interval bars, one row each, before the bands of the grades where they are known."""
    narrow = shape is PHONE
    figure, axes = canvas(len(rows), title, subtitle, *((0.05, 0.95) if narrow else (0.20, 0.70)), shape, foot=0.82)
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    if as_percent:
        axis = _proportions(axes, rows, axis, min(ends), max(ends))
    else:
        axes.set_xlim(0, max(ends) * 1.06 or 1)
        axes.xaxis.set_major_locator(MaxNLocator(4 if narrow else 5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: wording.count(x)))
    for place, row in enumerate(rows):
        _draw_bar(axes, -place, row, axes.get_xlim()[1])
        if not narrow:
            axes.annotate(row.beside, (1.03, -place), xycoords=("axes fraction", "data"), va="center", size=10.5)
    name_rows(axes, [row.name for row in rows], [row.beside for row in rows], shape)
    axes.xaxis.grid(True, color=GRID, linewidth=0.8)
    if any(row.assumed or row.thin for row in rows):
        axis = said("rates.hollow", axis=axis)
    label_axis(axes, axis, shape)
    return figure


def _proportions(axes: Axes, rows: Sequence[Bar], axis: str, lowest: float, highest: float) -> str:
    """Scale an axis of proportions and draw the bands of the grades; the words under the axis."""
    begins = round_ticks(axes, lowest, highest)
    per_cent(axes.xaxis, ".4")
    left, right = axes.get_xlim()
    for place, row in enumerate(rows):
        above = right
        for grade, least in row.bands.items():
            start = max(least, left)
            if start < above:
                look: dict[str, Any] = {"color": GRADES.get(grade, MUTED), "alpha": 0.16, "linewidth": 0, "zorder": 0}
                axes.barh(-place, above - start, left=start, height=0.62, **look)
                above = start
                if left < least < right:
                    axes.plot([least, least], [-place - 0.31, -place + 0.31], color=MUTED, linewidth=1, zorder=1)
    words = _begins(axis, begins)
    return said("rates.bands", axis=words) if any(row.bands for row in rows) else words


def _begins(axis: str, begins: float) -> str:
    """The words under an axis of proportions, with where it begins if that is not nought."""
    return said("rates.axis_begins", axis=axis, begins=f"{begins * 100:g}") if begins > 0 else axis


def _draw_bar(axes: Axes, y: float, row: Bar, right: float) -> None:
    """A point with its interval; hollow and thin where they rest on assumed values."""
    if row.low is not None:
        thin = row.assumed or row.thin
        ends, thick = [row.low, right if row.high is None else row.high], 1.6 if thin else 6
        axes.plot(ends, [y, y], color=DARK_BLUE, linewidth=thick, alpha=1 if thin else 0.45, solid_capstyle="butt")
    fill = "white" if row.assumed else DARK_BLUE
    axes.plot(
        [row.value], [y], "o", color=DARK_BLUE, mfc=fill, markeredgewidth=1.8, markersize=8, clip_on=False, zorder=3
    )


@styled
def parts(
    title: str, subtitle: str, rows: Sequence[tuple[str, int, int]], done: str, not_done: str, shape: Shape = PAGE
) -> Figure:
    """Bars of 100 per cent in two parts with direct labels: label, count that is so, count in all."""
    narrow = shape is PHONE
    figure, axes = canvas(len(rows), title, subtitle, *((0.05, 0.93) if narrow else (0.20, 0.965)), shape)
    labels = [wording.x_of_n(x, n) for _, x, n in rows]
    for place, (_, x, n) in enumerate(rows):
        y, share = -place, x / n
        height = 0.42 if narrow else 0.62
        axes.barh(y, share, height=height, color=DARK_BLUE)
        hatched: dict[str, Any] = {"color": "white", "edgecolor": DARK_BLUE, "linewidth": 1.2, "hatch": "////"}
        axes.barh(y, 1 - share, left=share, height=height, **hatched)
        if not narrow:
            _label_part(axes, y, share, labels[place])
    name_rows(axes, [row[0] for row in rows], labels, shape)
    _quarters(axes)
    label_axis(axes, said("parts.axis", done=done, not_done=not_done), shape)
    return figure


def _label_part(axes: Axes, y: float, share: float, label: str) -> None:
    bold: dict[str, Any] = {"size": 11, "weight": "semibold", "va": "center"}
    if share > 0.22:
        axes.text(share - 0.012, y, label, ha="right", color="white", **bold)
    else:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(0.01 + share, y, label, ha="left", color=TEXT, bbox=box, **bold)


@styled
def bars(
    title: str, subtitle: str, rows: Sequence[tuple[str, int]], axis: str, assumed: bool = False, shape: Shape = PAGE
) -> Figure:
    """Bars of counts with the count beside each; hollow where they were assumed."""
    narrow = shape is PHONE
    figure, axes = canvas(len(rows) * 0.8, title, subtitle, *((0.02, 0.95) if narrow else (0.30, 0.97)), shape)
    highest = max(number for _, number in rows)
    look: dict[str, Any] = {"color": "white" if assumed else DARK_BLUE, "edgecolor": DARK_BLUE, "linewidth": 1.6}
    for place, (_, number) in enumerate(rows):
        axes.barh(-place, number, height=0.42 if narrow else 0.62, **look)
        if not narrow:
            axes.text(number + highest * 0.012, -place, wording.count(number), va="center", size=11, weight="semibold")
    name_rows(axes, [row[0] for row in rows], [wording.count(row[1]) for row in rows], shape, size=10, width=30)
    axes.set_xlim(0, highest * 1.1)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    label_axis(axes, said("domestic_abuse.hollow", axis=axis) if assumed else axis, shape)
    return figure


@styled
def stacks(
    title: str, subtitle: str, rows: Sequence[tuple[str, dict[str, float]]], axis: str, shape: Shape = PAGE
) -> Figure:
    """Bars of 100 per cent in parts that are named grades; parts wide enough carry their name and share."""
    narrow = shape is PHONE
    figure, axes = canvas(len(rows), title, subtitle, *((0.05, 0.93) if narrow else (0.20, 0.965)), shape)
    for place, (_, shares) in enumerate(rows):
        left = 0.0
        for name, share in shares.items():
            if share > 0:
                look: dict[str, Any] = {"color": GRADES.get(name, MUTED), "edgecolor": "white", "linewidth": 1.5}
                axes.barh(-place, share, left=left, height=0.42 if narrow else 0.62, **look)
            label = f"{name.capitalize()} {wording.chance(share)}"
            if not narrow and share > 0.0145 * len(label):
                middle: dict[str, Any] = {"ha": "center", "va": "center", "size": 10.5, "weight": "semibold"}
                axes.text(left + share / 2, -place, label, color="white", **middle)
            left += share
    name_rows(axes, [row[0] for row in rows], [_most_likely(shares) for _, shares in rows], shape)
    _quarters(axes)
    label_axis(axes, axis, shape)
    return figure


def _most_likely(shares: Mapping[str, float]) -> str:
    """The grade that comes out most often, with its share."""
    grade = max(shares, key=shares.__getitem__)
    return f"{grade} {wording.chance(shares[grade])}"


@styled
def ranges(
    title: str, subtitle: str, groups: Sequence[tuple[str, Sequence[tuple[str, float, float, float]]]], axis: str,
    shape: Shape = PAGE,
) -> Figure:  # fmt: skip
    """Many intervals close together, in named groups: label, value, low and high."""
    narrow, pitch = shape is PHONE, 0.38
    rows = sum(len(lines) + 1.4 for _, lines in groups)
    sides = (0.36, 0.95) if narrow else (0.24, 0.965)
    figure, axes = canvas(rows * 0.36 * (0.72 if narrow else 1), title, subtitle, *sides, shape)
    ends = [end for _, lines in groups for line in lines for end in line[1:]]
    begins = round_ticks(axes, min(ends), max(ends), 4 if narrow else 6)
    y, places, names = 0.0, [], []
    for group, lines in groups:
        axes.text(0, y, group, transform=axes.get_yaxis_transform(), size=10.5, weight="semibold", va="center")
        for label, value, low, high in lines:
            y -= pitch
            axes.plot([low, high], [y, y], color=DARK_BLUE, linewidth=3, alpha=0.45, solid_capstyle="butt")
            axes.plot([value], [y], "o", color=DARK_BLUE, markersize=4.5)
            places.append(y)
            names.append(label)
        y -= pitch * 1.4
    axes.set_yticks(places, names, size=9.5)
    axes.set_ylim(y + pitch, pitch)
    per_cent(axes.xaxis, ".4")
    axes.xaxis.grid(True, color=GRID, linewidth=0.8)
    label_axis(axes, _begins(axis, begins), shape)
    return figure


@styled
def margins(
    title: str, subtitle: str, panels: Sequence[tuple[str, Sequence[tuple[int, float]], tuple[int, float] | None,
    tuple[int, float] | None]], axis: str,
) -> Figure:  # fmt: skip
    """Margin against sample size, side by side: name, curve, point planned (hollow) and point reached (filled)."""
    figure, axes = canvas(6, title, subtitle)
    box, width = axes.get_position(), 0.92 / len(panels)
    axes.remove()
    rest = [point for _, curve, *points in panels for point in (*curve[-1:], *points) if point]
    most = max(n for n, _ in rest)
    highest = 3 * max(margin for _, margin in rest)
    for place, (name, curve, planned, reached) in enumerate(panels):
        axes = figure.add_axes((0.07 + place * width, box.y0, width - 0.03, box.height - 0.06))
        axes.plot(*zip(*curve, strict=True), color=DARK_BLUE, linewidth=2)
        for point, word, fill, offset in (
            (planned, "planned_point", "white", (9, 9)),
            (reached, "audited_point", ORANGE, (-3, -19)),
        ):
            if point:
                axes.plot(*point, "o", color=DARK_BLUE, markerfacecolor=fill, markersize=8, zorder=3)
                text = said(f"margins.{word}", n=wording.count(point[0]))
                axes.annotate(text, point, offset, textcoords="offset points", size=10)
        axes.set_title(name, size=11.5, weight="semibold", loc="left")
        axes.set_xlim(0, most * 1.1)
        axes.set_ylim(0, highest)
        axes.yaxis.grid(True, color=GRID, linewidth=0.8)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: wording.count(x)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y * 100:g}"))
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="both", length=0, labelleft=place == 0)
    figure.supxlabel(axis, size=10.5, x=0.5, y=0.02)
    return figure


@styled
def chances(
    title: str, subtitle: str, rates: Sequence[float], grades: Mapping[str, Sequence[float]], axis: str
) -> Figure:
    """How often each grade (worst first) comes out, stacked to 100 per cent, by the true rate; named where it is widest."""
    figure, axes = canvas(6, title, subtitle, 0.075, 0.965)
    below = np.zeros(len(rates))
    for grade, shares in grades.items():
        top = below + np.array(shares)
        axes.fill_between(rates, below, top, color=GRADES.get(grade, MUTED), linewidth=0.8, edgecolor="white")
        if max(shares) > 0.15:
            middle = float(np.average(rates, weights=shares))
            height = float(np.interp(middle, rates, (below + top) / 2))
            look: dict[str, Any] = {"ha": "center", "va": "center", "color": "white", "weight": "semibold"}
            axes.text(middle, height, grade.capitalize(), size=10, **look)
        below = top
    axes.set_xlim(rates[0], rates[-1])
    axes.set_ylim(0, 1)
    per_cent(axes.xaxis)
    per_cent(axes.yaxis)
    label_axis(axes, axis)
    return figure


@styled
def run_chart(
    title: str, subtitle: str, points: Sequence[tuple[int, str, float, float, float, bool]], centre: float, axis: str,
    shape: Shape = PAGE,
) -> Figure:  # fmt: skip
    """Rates in time with the limits of each: month, name, rate, low, high, and whether it lies outside of them."""
    left, names, foot = (0.075, 13, 0.62) if shape is PAGE else (0.13, 5, 0.84)
    figure, axes = canvas(3.4, title, subtitle, left, 0.965, shape, foot)
    places = [point[0] for point in points]
    step = min(np.diff(places), default=1)
    for place, _, _, low, high, _ in points:
        axes.bar(place, high - low, bottom=low, width=step, color=DARK_BLUE, alpha=0.14, linewidth=0)
    axes.axhline(centre, color=MUTED, linewidth=1.2)
    axes.plot(places, [point[2] for point in points], color=DARK_BLUE, linewidth=1.4)
    for place, _, rate, _, _, outside in points:
        look: dict[str, Any] = {"marker": "D", "color": ORANGE, "markersize": 9} if outside else {"marker": "o"}
        axes.plot([place], [rate], **{"color": DARK_BLUE, "markersize": 6.5, "zorder": 3, **look})
    lowest = min(min(point[2], point[3]) for point in points)
    axes.set_ylim(math.floor(20 * lowest - 0.2) / 20, 1.01)
    shown = points[:: math.ceil(len(points) / names)]
    axes.set_xticks([point[0] for point in shown], [point[1].replace(" ", "\n") for point in shown], size=10)
    axes.set_xlim(places[0] - step / 2, places[-1] + step / 2)
    axes.yaxis.grid(True, color=GRID, linewidth=0.8)
    per_cent(axes.yaxis)
    label_axis(axes, axis, shape)
    return figure


def svg(figure: Figure) -> str:
    """The figure as SVG text, the same for the same figure on every run."""
    buffer = io.StringIO()
    own = {"svg.fonttype": "path", "svg.hashsalt": "cdi_lib"}
    with matplotlib.style.context(["default", own]):  # whatever the user has set
        # What the words under an axis leave free below them is cut off.
        lowest, (width, height) = figure.get_tightbbox().y0, figure.get_size_inches()
        cut = Bbox([[0, max(lowest - 0.04, 0)], [width, height]])
        figure.savefig(buffer, format="svg", bbox_inches=cut, metadata={"Date": None, "Creator": None})
    return _smaller(buffer.getvalue())


def png(figure: Figure) -> bytes:
    """The figure as a picture for programs that know no SVG."""
    buffer = io.BytesIO()
    with matplotlib.style.context("default"):
        figure.savefig(buffer, format="png", dpi=200, bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


def _smaller(text: str) -> str:
    """An SVG without what does not show: metadata, spaces, long names of glyphs, and of places (not of scales, which
    are the size of letters) what is after the second digit."""
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"(scale\([^)]*\))|(?<=\.\d\d)\d+", r"\1", re.sub(r"\n\s*", "\n", text))
    for number, name in enumerate(dict.fromkeys(re.findall(r'id="(SourceSans[^"]*)"', text))):
        text = text.replace(f'"{name}"', f'"g{number}"').replace(f'"#{name}"', f'"#g{number}"')
    return text


def data_uri(figure: Figure) -> str:
    """The figure as a ``data:`` address that can stand in Markdown."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg(figure).encode()).decode()


def image(figure: Figure, caption: str, identity: str, alt: str, phone: Figure | None = None) -> str:
    """The figure as an image in Markdown, with its caption (Markdown), id, alt text (plain), and its drawing for phones."""
    alt = alt.replace("\\", "\\\\").replace('"', '\\"')
    narrow = f' fig-phone="{data_uri(phone)}"' if phone else ""
    return f'![{caption}]({data_uri(figure)}){{#{identity} fig-alt="{alt}"{narrow}}}'
