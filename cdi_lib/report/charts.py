"""Figures from results, in the chart style of the Government Analysis Function (afcharts).

Each function returns a figure whose message and numbers come from the same results as the tables. Figures become
SVG with outlines instead of fonts, without dates or random ids, so that equal results give equal bytes.
"""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import afcharts  # noqa: F401  registers the style sheet
import font_source_sans_pro
import matplotlib
import matplotlib.style
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cdi_lib.report import wording

DARK_BLUE, TURQUOISE, DARK_PINK, ORANGE = "#12436D", "#28A197", "#801650", "#F46A25"
TEXT, MUTED, LIGHT = "#0B0C0C", "#3D3D3D", "#BFC4C9"
WIDTH_INCHES = 7.2

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
    "svg.fonttype": "path",
    "svg.hashsalt": "cdi_lib",
}


def canvas(rows: float, title: str, subtitle: str, left: float = 0.0, right: float = 1.0) -> tuple[Figure, Axes]:
    """An empty figure with a message as title and a statistical subtitle, high enough for its rows."""
    titles, subtitles = textwrap.wrap(title, 70), textwrap.wrap(subtitle, 104)
    head = 0.14 + 0.26 * len(titles) + 0.21 * len(subtitles) + 0.12
    height = head + 0.48 * rows + 0.62
    figure = Figure(figsize=(WIDTH_INCHES, height))
    axes = figure.add_axes((left, 0.62 / height, right - left, 0.48 * rows / height))
    top, below = 1 - 0.1 / height, 1 - (0.16 + 0.26 * len(titles)) / height
    figure.text(0.01, top, "\n".join(titles), size=14, weight="semibold", va="top", linespacing=1.15)
    figure.text(0.01, below, "\n".join(subtitles), size=10.5, color=MUTED, va="top", linespacing=1.2)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="both", length=0)
    return figure, axes


def name_rows(axes: Axes, names: Sequence[str], below: float = 0.4, above: float = 0.6, size: float = 11) -> None:
    """Name the rows of a figure, which lie at 0, -1, -2 and so on."""
    axes.set_yticks([-row for row in range(len(names))], names, size=size)
    axes.set_ylim(-len(names) + below, above)


def per_cent(axis: Axis, digits: str = "") -> None:
    """Label an axis of proportions in per cent."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:{digits}g}%"))


def _quarters(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])


def styled(draw):
    """Draw with the style of the report, whatever the caller has set."""

    def wrapped(*args, **kwargs):
        with matplotlib.rc_context(), matplotlib.style.context(["default", "afcharts.afcharts", _STYLE]):
            return draw(*args, **kwargs)

    wrapped.__doc__, wrapped.__name__ = draw.__doc__, draw.__name__
    return wrapped


@styled
def intervals(
    title: str,
    subtitle: str,
    rows: Sequence[tuple[str, float, float | None, float | None, str]],
    axis: str,
    as_percent: bool,
) -> Figure:
    """Points with interval bars, one row each: label, value, low, high and the label beside it."""
    figure, axes = canvas(len(rows), title, subtitle, 0.20, 0.70)
    ends = [end for _, value, low, high, _ in rows for end in (value, low, high) if end is not None]
    lowest, highest = min(ends), max(ends)
    room = max((highest - lowest) * 0.06, 0.005 if as_percent else 1)
    lower = lowest - room if as_percent else 0
    upper = min(highest + room, 1.0) if as_percent else highest + room
    for place, (_, value, low, high, beside) in enumerate(rows):
        y = -place
        if low is not None:
            ends = [low, upper if high is None else high]
            axes.plot(ends, [y, y], color=DARK_BLUE, linewidth=6, alpha=0.32, solid_capstyle="butt")
        axes.plot([value], [y], "o", color=DARK_BLUE, markersize=8, clip_on=False)
        axes.annotate(beside, (1.03, y), xycoords=("axes fraction", "data"), va="center", size=10.5)
    name_rows(axes, [row[0] for row in rows])
    axes.set_xlim(lower, upper)
    axes.xaxis.grid(True, color="#D9DDE1", linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=not as_percent))
    if as_percent:
        per_cent(axes.xaxis, ".4")
    else:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: wording.count(x)))
    axes.set_xlabel(axis, size=10.5)
    return figure


@styled
def parts(title: str, subtitle: str, rows: Sequence[tuple[str, int, int]], done: str, not_done: str) -> Figure:
    """Bars of 100 per cent in two parts with direct labels: label, count that is so, count in all."""
    figure, axes = canvas(len(rows), title, subtitle, 0.20, 0.965)
    for place, (_, x, n) in enumerate(rows):
        y, share = -place, x / n
        axes.barh(y, share, height=0.62, color=DARK_BLUE)
        hatched: dict[str, Any] = {"color": "white", "edgecolor": DARK_BLUE, "linewidth": 1.2, "hatch": "////"}
        axes.barh(y, 1 - share, left=share, height=0.62, **hatched)
        label = f"{wording.count(x)} of {wording.count(n)}"
        bold: dict[str, Any] = {"size": 11, "weight": "semibold"}
        if share > 0.22:
            axes.text(share - 0.012, y, label, ha="right", va="center", color="white", **bold)
        else:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            axes.text(0.01 + share, y, label, ha="left", va="center", color=TEXT, bbox=box, **bold)
    name_rows(axes, [row[0] for row in rows])
    _quarters(axes)
    axes.set_xlabel(f"Filled: {done}. Hatched: {not_done}.", size=10.5)
    return figure


@styled
def bars(title: str, subtitle: str, rows: Sequence[tuple[str, int]], axis: str) -> Figure:
    """Bars of counts with the count beside each."""
    figure, axes = canvas(len(rows), title, subtitle, 0.30, 0.97)
    highest = max(number for _, number in rows)
    for place, (_, number) in enumerate(rows):
        axes.barh(-place, number, height=0.62, color=DARK_BLUE)
        axes.text(number + highest * 0.012, -place, wording.count(number), va="center", size=11, weight="semibold")
    name_rows(axes, [textwrap.fill(row[0], 30) for row in rows])
    axes.set_xlim(0, highest * 1.1)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel(axis, size=10.5)
    return figure


@styled
def grades(title: str, subtitle: str, rows: Sequence[tuple[str, str]], scale: Sequence[str]) -> Figure:
    """Where each graded question stands on the scale of grades: label and grade; best grade on the right."""
    figure, axes = canvas(len(rows), title, subtitle, 0.30, 0.97)
    steps = list(reversed(scale))
    for place, (_, grade) in enumerate(rows):
        y = -place
        axes.plot([0, len(steps) - 1], [y, y], color=LIGHT, linewidth=2, zorder=1)
        for step, name in enumerate(steps):
            here = name == grade
            fill, edge = (DARK_BLUE, DARK_BLUE) if here else ("white", "#6F777B")
            look: dict[str, Any] = {"markersize": 15 if here else 9, "markerfacecolor": fill, "markeredgecolor": edge}
            axes.plot([step], [y], "o", zorder=2, **look)
        is_judged = grade in steps  # else its name stands over the middle of a scale without a mark
        axes.annotate(
            grade.capitalize(),
            (steps.index(grade) if is_judged else (len(steps) - 1) / 2, y),
            xytext=(0, 11),
            textcoords="offset points",
            ha="center",
            size=10,
            weight="semibold" if is_judged else "normal",
            color=TEXT if is_judged else MUTED,
        )
    name_rows(axes, [textwrap.fill(row[0], 28) for row in rows], 0.45, 0.75)
    axes.set_xlim(-0.45, len(steps) - 0.55)
    room = 62 // len(steps)  # characters that fit between two steps
    axes.set_xticks(
        range(len(steps)), [textwrap.fill(name.capitalize(), room, break_long_words=False) for name in steps], size=10.5
    )
    axes.spines["bottom"].set_visible(False)
    return figure


# Neighbours in a stack reach 3:1 against each other or are parted by a white edge; each part carries its word.
_STACK = ((DARK_BLUE, "white"), (TURQUOISE, TEXT), (DARK_PINK, "white"), (ORANGE, TEXT), (MUTED, "white"))


@styled
def stacks(title: str, subtitle: str, rows: Sequence[tuple[str, dict[str, float]]], axis: str) -> Figure:
    """Bars of 100 per cent in several named parts; parts wide enough carry their name and share."""
    figure, axes = canvas(len(rows), title, subtitle, 0.20, 0.965)
    for place, (_, shares) in enumerate(rows):
        left = 0.0
        for (name, share), (color, ink) in zip(shares.items(), _STACK, strict=False):
            if share > 0:
                axes.barh(-place, share, left=left, height=0.62, color=color, edgecolor="white", linewidth=1.5)
            label = f"{name.capitalize()} {wording.chance(share)}"
            if share > 0.0145 * len(label):
                middle: dict[str, Any] = {"ha": "center", "va": "center", "size": 10.5, "weight": "semibold"}
                axes.text(left + share / 2, -place, label, color=ink, **middle)
            left += share
    name_rows(axes, [row[0] for row in rows])
    _quarters(axes)
    axes.set_xlabel(axis, size=10.5)
    return figure


@styled
def rates_by_grade(
    title: str,
    subtitle: str,
    rows: Sequence[tuple[str, float, float | None, bool]],
    grades_best_first: Sequence[str],
    cut_offs: Sequence[float],
) -> Figure:
    """Rates in per cent with their margins in rows of a grade; filled circles were used for tuning, squares were not."""
    figure, axes = canvas(2.2 * len(grades_best_first), title, subtitle, 0.21, 0.965)
    for rank, grade in enumerate(grades_best_first):
        group = sorted(row for row in rows if row[0] == grade)
        for step, (_, rate, margin, tuned) in enumerate(group):
            y = -rank + 0.36 - 0.72 * step / max(len(group) - 1, 1)
            color = DARK_BLUE if tuned else ORANGE
            if margin is not None:
                axes.plot([rate - margin, rate + margin], [y, y], color=color, linewidth=1.6)
            axes.plot([rate], [y], "o" if tuned else "s", color=color, markersize=5)
    for cut in cut_offs:
        axes.axvline(cut, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.text(cut, 0.56, f"{cut:g}%", ha="center", va="bottom", size=10, color=MUTED)
    name_rows(axes, [grade.capitalize() for grade in grades_best_first], 0.5, 0.56)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}%"))
    axes.set_xlabel(
        "Published overall recording rate. Circles: tuned. Squares: not tuned. Dashed: cut-offs.", size=10.5
    )
    return figure


@styled
def margins(
    title: str,
    subtitle: str,
    panels: Sequence[tuple[str, Sequence[tuple[int, float]], tuple[int, float] | None, tuple[int, float] | None]],
    axis: str,
) -> Figure:
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
            (planned, "planned", "white", (9, 9)),
            (reached, "audited", ORANGE, (-3, -19)),
        ):
            if point:
                axes.plot(*point, "o", color=DARK_BLUE, markerfacecolor=fill, markersize=8, zorder=3)
                text = f"{wording.count(point[0])} {word}"
                axes.annotate(text, point, offset, textcoords="offset points", size=10)
        axes.set_title(name, size=11.5, weight="semibold", loc="left")
        axes.set_xlim(0, most * 1.1)
        axes.set_ylim(0, highest)
        axes.yaxis.grid(True, color="#D9DDE1", linewidth=0.8)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: wording.count(x)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y * 100:g}"))
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="both", length=0, labelleft=place == 0)
    figure.supxlabel(axis, size=10.5, x=0.5, y=0.02)
    return figure


def svg(figure: Figure) -> str:
    """The figure as SVG text, the same for the same figure on every run."""
    buffer = io.StringIO()
    own = {"svg.fonttype": "path", "svg.hashsalt": "cdi_lib"}
    with matplotlib.style.context(["default", own]):  # whatever the user has set
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def data_uri(figure: Figure) -> str:
    """The figure as a ``data:`` address that can stand in Markdown."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg(figure).encode()).decode()


def image(figure: Figure, caption: str, identity: str, alt: str) -> str:
    """The figure as an image in Markdown, with its caption (Markdown), id and alt text (plain)."""
    alt = alt.replace("\\", "\\\\").replace('"', '\\"')
    return f'![{caption}]({data_uri(figure)}){{#{identity} fig-alt="{alt}"}}'
