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

import afcharts  # noqa: F401  registers the style sheet
import font_source_sans_pro
import matplotlib
import matplotlib.style
import matplotlib.ticker
from matplotlib import font_manager
from matplotlib.figure import Figure

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


def _figure(rows: float, title: str, subtitle: str):
    """An empty figure with a message as title and a statistical subtitle, high enough for its rows."""
    title_lines = textwrap.wrap(title, 70)
    subtitle_lines = textwrap.wrap(subtitle, 104)
    head = 0.14 + 0.26 * len(title_lines) + 0.21 * len(subtitle_lines) + 0.12
    height = head + 0.48 * rows + 0.62
    figure = Figure(figsize=(WIDTH_INCHES, height))
    axes = figure.add_axes((0.0, 0.62 / height, 1.0, 0.48 * rows / height))
    figure.text(
        0.01, 1 - 0.1 / height, "\n".join(title_lines), size=14, weight="semibold", va="top", linespacing=1.15
    )
    figure.text(
        0.01,
        1 - (0.16 + 0.26 * len(title_lines)) / height,
        "\n".join(subtitle_lines),
        size=10.5,
        color=MUTED,
        va="top",
        linespacing=1.2,
    )
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="both", length=0)
    return figure, axes


def _place(axes, left: float, right: float) -> None:
    box = axes.get_position()
    axes.set_position((left, box.y0, right - left, box.height))


def _styled(draw):
    """Draw with the style of the report, whatever the caller has set."""

    def wrapped(*args, **kwargs):
        with matplotlib.rc_context(), matplotlib.style.context(["afcharts.afcharts", _STYLE]):
            return draw(*args, **kwargs)

    wrapped.__doc__, wrapped.__name__ = draw.__doc__, draw.__name__
    return wrapped


@_styled
def intervals(
    title: str,
    subtitle: str,
    rows: Sequence[tuple[str, float, float | None, float | None, str]],
    axis: str,
    as_percent: bool,
) -> Figure:
    """Points with interval bars, one row each: label, value, low, high and the label beside it."""
    figure, axes = _figure(len(rows), title, subtitle)
    _place(axes, 0.20, 0.70)
    ends = [end for _, value, low, high, _ in rows for end in (value, low, high) if end is not None]
    lowest, highest = min(ends), max(ends)
    room = max((highest - lowest) * 0.06, 0.005 if as_percent else 1)
    lower = lowest - room if as_percent else 0
    upper = min(highest + room, 1.0) if as_percent else highest + room
    for place, (_, value, low, high, beside) in enumerate(rows):
        y = -place
        if low is not None:
            axes.plot(
                [low, upper if high is None else high],
                [y, y],
                color=DARK_BLUE,
                linewidth=6,
                alpha=0.32,
                solid_capstyle="butt",
            )
        axes.plot([value], [y], "o", color=DARK_BLUE, markersize=8, clip_on=False)
        axes.annotate(beside, (1.03, y), xycoords=("axes fraction", "data"), va="center", size=10.5)
    axes.set_yticks([-place for place in range(len(rows))], [row[0] for row in rows], size=11)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_xlim(lower, upper)
    axes.xaxis.grid(True, color="#D9DDE1", linewidth=0.8)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5, integer=not as_percent))
    axes.xaxis.set_major_formatter(
        matplotlib.ticker.FuncFormatter(lambda x, _: f"{x * 100:.4g}%" if as_percent else wording.count(x))
    )
    axes.set_xlabel(axis, size=10.5)
    return figure


@_styled
def parts(
    title: str,
    subtitle: str,
    rows: Sequence[tuple[str, int, int]],
    done: str,
    not_done: str,
) -> Figure:
    """Bars of 100 per cent in two parts with direct labels: label, count that is so, count in all."""
    figure, axes = _figure(len(rows), title, subtitle)
    _place(axes, 0.20, 0.965)
    for place, (_, x, n) in enumerate(rows):
        y, share = -place, x / n
        axes.barh(y, share, height=0.62, color=DARK_BLUE)
        axes.barh(
            y,
            1 - share,
            left=share,
            height=0.62,
            color="white",
            edgecolor=DARK_BLUE,
            linewidth=1.2,
            hatch="////",
        )
        label = f"{wording.count(x)} of {wording.count(n)}"
        inside = share > 0.22
        axes.text(
            share - 0.012 if inside else 0.01 + share,
            y,
            label,
            ha="right" if inside else "left",
            va="center",
            color="white" if inside else TEXT,
            size=11,
            weight="semibold",
            bbox=None if inside else {"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )
    axes.set_yticks([-place for place in range(len(rows))], [row[0] for row in rows], size=11)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.set_xlabel(f"Filled: {done}. Hatched: {not_done}.", size=10.5)
    return figure


@_styled
def bars(title: str, subtitle: str, rows: Sequence[tuple[str, int]], axis: str) -> Figure:
    """Bars of counts with the count beside each."""
    figure, axes = _figure(len(rows), title, subtitle)
    _place(axes, 0.30, 0.97)
    highest = max(number for _, number in rows)
    for place, (_, number) in enumerate(rows):
        axes.barh(-place, number, height=0.62, color=DARK_BLUE)
        axes.text(
            number + highest * 0.012, -place, wording.count(number), va="center", size=11, weight="semibold"
        )
    axes.set_yticks(
        [-place for place in range(len(rows))], [textwrap.fill(row[0], 30) for row in rows], size=11
    )
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_xlim(0, highest * 1.1)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5, integer=True))
    axes.set_xlabel(axis, size=10.5)
    return figure


@_styled
def grades(title: str, subtitle: str, rows: Sequence[tuple[str, str]], scale: Sequence[str]) -> Figure:
    """Where each graded question stands on the scale of grades: label and grade; best grade on the right."""
    figure, axes = _figure(len(rows), title, subtitle)
    _place(axes, 0.30, 0.97)
    steps = list(reversed(scale))
    for place, (_, grade) in enumerate(rows):
        y = -place
        axes.plot([0, len(steps) - 1], [y, y], color=LIGHT, linewidth=2, zorder=1)
        for step, name in enumerate(steps):
            here = name == grade
            axes.plot(
                [step],
                [y],
                "o",
                markersize=15 if here else 9,
                markerfacecolor=DARK_BLUE if here else "white",
                markeredgecolor=DARK_BLUE if here else "#6F777B",
                zorder=2,
            )
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
    axes.set_yticks(
        [-place for place in range(len(rows))], [textwrap.fill(row[0], 28) for row in rows], size=11
    )
    axes.set_ylim(-len(rows) + 0.45, 0.75)
    axes.set_xlim(-0.45, len(steps) - 0.55)
    room = 62 // len(steps)  # characters that fit between two steps
    axes.set_xticks(
        range(len(steps)),
        [textwrap.fill(name.capitalize(), room, break_long_words=False) for name in steps],
        size=10.5,
    )
    axes.spines["bottom"].set_visible(False)
    return figure


# Neighbours in a stack reach 3:1 against each other or are parted by a white edge; each part carries its word.
_STACK = ((DARK_BLUE, "white"), (TURQUOISE, TEXT), (DARK_PINK, "white"), (ORANGE, TEXT), (MUTED, "white"))


@_styled
def stacks(title: str, subtitle: str, rows: Sequence[tuple[str, dict[str, float]]], axis: str) -> Figure:
    """Bars of 100 per cent in several named parts; parts wide enough carry their name and share."""
    figure, axes = _figure(len(rows), title, subtitle)
    _place(axes, 0.20, 0.965)
    for place, (_, shares) in enumerate(rows):
        left = 0.0
        for (name, share), (color, ink) in zip(shares.items(), _STACK, strict=False):
            if share > 0:
                axes.barh(
                    -place, share, left=left, height=0.62, color=color, edgecolor="white", linewidth=1.5
                )
            label = f"{name.capitalize()} {wording.chance(share)}"
            if share > 0.0145 * len(label):
                axes.text(
                    left + share / 2,
                    -place,
                    label,
                    ha="center",
                    va="center",
                    color=ink,
                    size=10.5,
                    weight="semibold",
                )
            left += share
    axes.set_yticks([-place for place in range(len(rows))], [row[0] for row in rows], size=11)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.set_xlabel(axis, size=10.5)
    return figure


@_styled
def rates_by_grade(
    title: str,
    subtitle: str,
    rows: Sequence[tuple[str, float, float | None, bool]],
    grades_best_first: Sequence[str],
    cut_offs: Sequence[float],
) -> Figure:
    """Rates in per cent with their margins in rows of a grade; filled circles were used for tuning, squares were not."""
    figure, axes = _figure(2.2 * len(grades_best_first), title, subtitle)
    _place(axes, 0.21, 0.965)
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
    axes.set_yticks(
        [-rank for rank in range(len(grades_best_first))],
        [g.capitalize() for g in grades_best_first],
        size=11,
    )
    axes.set_ylim(-len(grades_best_first) + 0.5, 0.56)
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda x, _: f"{x:g}%"))
    axes.set_xlabel(
        "Published overall recording rate. Circles: tuned. Squares: not tuned. Dashed: cut-offs.", size=10.5
    )
    return figure


@_styled
def margins(
    title: str,
    subtitle: str,
    panels: Sequence[
        tuple[str, Sequence[tuple[int, float]], tuple[int, float] | None, tuple[int, float] | None]
    ],
    axis: str,
) -> Figure:
    """Margin against sample size, side by side: name, curve, point planned (hollow) and point reached (filled)."""
    figure, axes = _figure(6, title, subtitle)
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
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4, integer=True))
        axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda x, _: wording.count(x)))
        axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda y, _: f"{y * 100:g}"))
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="both", length=0, labelleft=place == 0)
    figure.supxlabel(axis, size=10.5, x=0.5, y=0.02)
    return figure


def svg(figure: Figure) -> str:
    """The figure as SVG text, the same for the same figure on every run."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "cdi_lib"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def data_uri(figure: Figure) -> str:
    """The figure as a ``data:`` address that can stand in Markdown."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg(figure).encode()).decode()
