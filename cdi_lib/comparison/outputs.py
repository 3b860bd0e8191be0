"""Tables and figures of the comparison of forces, from one :class:`~cdi_lib.comparison.compare.Comparison`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from cdi_lib.comparison.compare import (
    GRADED,
    KINDS,
    LEAST_POOLED,
    RULES,
    Comparison,
    Group,
    Inspected,
    superseded,
)
from cdi_lib.report import charts, tables, wording, workbook
from cdi_lib.report.tables import Column, Table
from cdi_lib.statistics.pooling import control_limits

SHORT_RULES = {
    "72 hours": "72 hours",
    "before": "before April 2018",
    "across": "across April 2018",
    "after": "from April 2018",
    "not known": "period not published",
}
GAP = "not known"
ORDER = "Ordered by counting rules, audit year and name"
NOT_COMPARABLE = (
    "The figures come from audits of different years under different rules. The counting rules of April 2018 added crimes "
    "that are often missed (harassment, stalking, malicious communications, coercive control), so rates before and after do "
    "not measure the same thing. Forces differ in how they were sampled and in their mix of crime. Intervals cover chance in "
    "drawing the sample, and nothing else. A difference between two forces is a question to ask, not a rank."
)
WITHIN, BETWEEN, BEYOND = "within 95%", "between 95% and 99.8%", "beyond 99.8%"
TAILS = {"95%": 0.025, "99.8%": 0.001}


# --- tables ----------------------------------------------------------------------------------------------------


def _first(item: Inspected) -> dict[str, Any]:
    return {"inspection": _label(item), "rules": SHORT_RULES[item.rule], "kind": KINDS[item.kind]}


_INSPECTION = tables.text("inspection", "Force and audit year")
_RULES = tables.text("rules", "Counting rules")


def _whole(key: str, header: str) -> Column:
    return Column(key, header, lambda value: wording.count(round(value)), number=True, number_format="#,##0")


def _rates(found: Comparison) -> Table:
    rows = []
    for item in found.inspections:
        if rate := item.rates.get("overall"):
            size = {"size": rate.effective_n, "rate": rate.value, "low": rate.low, "high": rate.high}
            rows.append(_first(item) | size)
    columns = (
        _INSPECTION,
        _RULES,
        tables.text("kind", "Figures"),
        _whole("size", "Sample size"),
        tables.percent("rate", "Recording rate"),
        tables.percent("low", "95% CI lower"),
        tables.percent("high", "95% CI upper"),
    )
    return Table(columns, rows)


def _shrunken(found: Comparison) -> Table | None:
    rows = []
    for group in found.groups:
        places = against_limits(group, found)
        for item, shrunken in _members(group, found):
            rows.append(
                _first(item)
                | {
                    "rate": item.rates["overall"].value,
                    "pooled": shrunken.value,
                    "low": shrunken.low,
                    "high": shrunken.high,
                    "weight": shrunken.weight,
                    "limits": places[item.name],
                }
            )
    columns = (
        _INSPECTION,
        tables.percent("rate", "As measured"),
        tables.percent("pooled", "Partially pooled"),
        tables.percent("low", "95% CI lower"),
        tables.percent("high", "95% CI upper"),
        tables.percent("weight", "Weight of its own figure", 0),
        tables.text("limits", "Against the limits of chance"),
    )
    return Table(columns, rows) if rows else None


def _groups(found: Comparison) -> Table | None:
    rows = [
        {
            "group": RULES[group.rule],
            "inspections": len(group.shrunken),
            "mean": group.mean,
            "low": group.low,
            "high": group.high,
            "overdispersion": group.overdispersion,
        }
        for group in found.groups
    ]
    columns = (
        tables.text("group", "Rules of the audit period"),
        tables.count("inspections", "Inspections"),
        tables.percent("mean", "Mean of the forces"),
        tables.percent("low", "95% CI lower"),
        tables.percent("high", "95% CI upper"),
        Column(
            "overdispersion",
            "Scatter (1 = chance)",
            lambda value: wording.rounded(value, 1),
            number=True,
            number_format="0.0",
        ),
    )
    return Table(columns, rows) if rows else None


def _types(found: Comparison) -> Table | None:
    rows = []
    for item in found.inspections:
        row = _first(item)
        for name in ("violence", "sexual"):
            if rate := item.rates.get(name):
                row |= {name: rate.value, f"{name}_low": rate.low, f"{name}_high": rate.high}
        if "violence" in row or "sexual" in row:
            rows.append(row)
    columns = [_INSPECTION]
    for name, label in (("violence", "Violence"), ("sexual", "Sexual offences")):
        columns += [
            tables.percent(name, label),
            tables.percent(f"{name}_low", f"CI lower ({name})"),
            tables.percent(f"{name}_high", f"CI upper ({name})"),
        ]
    return Table(tuple(columns), rows) if rows else None


def _grades(found: Comparison) -> Table | None:
    rows = [_first(item) | item.grades for item in found.inspections if item.grades]
    columns = (_INSPECTION, *(Column(name, label, wording.badge) for name, label in GRADED.items()))
    return Table(columns, rows) if rows else None


def _unrecorded(found: Comparison) -> Table | None:
    rows = [
        _first(item)
        | {"unrecorded": item.unrecorded.value, "low": item.unrecorded.low, "high": item.unrecorded.high}
        | {"summed": "yes" if item.name in found.total_of else "no"}
        for item in found.inspections
        if item.unrecorded
    ]
    columns = (
        _INSPECTION,
        _RULES,
        tables.over("unrecorded", "Unrecorded in a year"),
        tables.about("low", "95% CI lower"),
        tables.about("high", "95% CI upper"),
        tables.text("summed", "In the sum"),
    )
    return Table(columns, rows) if rows else None


@dataclass(frozen=True)
class Output:
    """A table of the comparison: title and how it is built; None where there is nothing to show."""

    title: str
    build: Callable[[Comparison], Table | None]


TABLES = {
    "tbl-rates": Output("Overall recording rates, by rules, audit year and name", _rates),
    "tbl-groups": Output("The groups that are compared, with the mean of their forces", _groups),
    "tbl-shrunken": Output("Overall recording rates as measured and partially pooled", _shrunken),
    "tbl-types": Output("Recording rates for violence and sexual offences, with 95% intervals", _types),
    "tbl-grades": Output("Grades by question", _grades),
    "tbl-unrecorded": Output("Reported crimes that go unrecorded in a year", _unrecorded),
}


def table_markdown(found: Comparison, identity: str) -> str:
    """A table with its caption; empty where there is nothing to show."""
    output = TABLES[identity]
    table = output.build(found)
    return tables.to_markdown(_with_gaps_named(table), identity, output.title) if table else ""


def _with_gaps_named(table: Table) -> Table:
    """The table as it is read: what is missing was not published."""
    columns = tuple(replace(column, shown=_or_gap(column.shown)) for column in table.columns)
    keys = [column.key for column in columns]
    rows = [{key: GAP if row.get(key) is None else row[key] for key in keys} for row in table.rows]
    return Table(columns, rows)


def _or_gap(shown: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: value if value is GAP else shown(value)


def write_tables(found: Comparison, folder: Path) -> list[Path]:
    """Write every table as CSV, unrounded."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for identity, output in TABLES.items():
        if table := output.build(found):
            path = folder / f"{identity.removeprefix('tbl-')}.csv"
            path.write_text(tables.to_csv(table), encoding="utf-8", newline="\n")
            written.append(path)
    return written


NOTES = {
    "interval": "The 95% confidence interval (CI) counts chance in drawing the sample only.",
    "gaps": f"'{GAP}' means that no such figure was published, or that too little was inspected for it.",
    "unrounded": "Numbers are stored unrounded; a cell shows them rounded.",
}


def write_workbook(found: Comparison, path: Path, published: str) -> None:
    """Write every table into one workbook with a cover that says what is not comparable; ``published`` is an ISO date."""
    from gptables import Cover

    sheets = {}
    for identity, output in TABLES.items():
        if table := output.build(found):
            name = identity.removeprefix("tbl-")
            sheets[name] = workbook.sheet(name, _with_gaps_named(table), output.title, ORDER, NOTES)
    title = "Crime data integrity: comparison of forces"
    about = "Each sheet holds one table. Sheets are named as the CSV files beside this workbook."
    cover = Cover(
        title=title, intro=[counted(found)], about=[f"What is not comparable. {NOT_COMPARABLE}", about]
    )
    workbook.save(path, sheets, cover, NOTES, title, published)


# --- figures ---------------------------------------------------------------------------------------------------


def _members(group: Group, found: Comparison) -> list:
    """The inspections of a group with their partially pooled rates, in the order of the comparison."""
    by_name = {item.name: item for item in found.inspections}
    return [(by_name[shrunken.name], shrunken) for shrunken in group.shrunken]


def against_limits(group: Group, found: Comparison) -> dict[str, str]:
    """Where each rate of a group lies against the control limits of the funnel, in words."""
    places = {}
    for item, _ in _members(group, found):
        rate = item.rates["overall"]
        size = np.array([round(rate.effective_n)])
        inner, outer = (control_limits(group.pooled, size, tail) for tail in TAILS.values())
        if inner[0][0] <= rate.value <= inner[1][0]:
            places[item.name] = WITHIN
        else:
            places[item.name] = BETWEEN if outer[0][0] <= rate.value <= outer[1][0] else BEYOND
    return places


def _percent_axis(axis) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g}%"))


@charts._styled
def forest(title: str, subtitle: str, rows: Sequence[tuple], scale: tuple[float, float]) -> Figure:
    """Rates with intervals, and partially pooled ones beside them: label, value, low, high, pooled value (None: none)."""
    figure, axes = charts._figure(len(rows) * 0.56 + 0.5, title, subtitle)
    charts._place(axes, 0.27, 0.76)
    for place, (_, value, low, high, pooled) in enumerate(rows):
        text = wording.percent(value)
        if low is not None:
            axes.plot(
                [low, high],
                [-place] * 2,
                color=charts.DARK_BLUE,
                linewidth=5,
                alpha=0.32,
                solid_capstyle="butt",
            )
            text += f" ({wording.percent(low)} to {wording.percent(high)})"
        axes.plot([value], [-place], "o", color=charts.DARK_BLUE, markersize=6.5)
        if pooled is not None:
            axes.plot(
                [pooled],
                [-place],
                "D",
                color=charts.ORANGE,
                markerfacecolor="none",
                markersize=6.5,
                markeredgewidth=1.6,
            )
        axes.annotate(text, (1.03, -place), xycoords=("axes fraction", "data"), va="center", size=10)
    axes.set_yticks([-place for place in range(len(rows))], [row[0] for row in rows], size=10.5)
    axes.set_ylim(-len(rows) + 0.3, 0.7)
    axes.set_xlim(*scale)
    axes.xaxis.grid(True, color="#D9DDE1", linewidth=0.8)
    _percent_axis(axes.xaxis)
    hollow = any(row[-1] is not None for row in rows)
    axes.set_xlabel(
        f"Recording rate{'. Filled: as measured. Hollow: partially pooled' if hollow else ''}.", size=10.5
    )
    return figure  # fmt: skip


@charts._styled
def funnel(title: str, subtitle: str, centre: float, points: Sequence[tuple[float, float]]) -> Figure:
    """Rates against sample size, with the limits that chance alone would keep to."""
    figure, axes = charts._figure(8, title, subtitle)
    charts._place(axes, 0.09, 0.965)
    most = max(size for size, _ in points) * 1.08
    n = np.unique(np.linspace(150, most, 200).round())
    for (name, tail), style in zip(TAILS.items(), ("-", (0, (5, 3))), strict=True):
        for limit in control_limits(centre, n, tail):
            axes.plot(n, limit, color=charts.MUTED, linewidth=1.4, linestyle=style)
        end = control_limits(centre, n[-1:], tail)[0][0]
        axes.annotate(
            name, (n[-1], end), (-2, -13), textcoords="offset points", ha="right", size=10, color=charts.MUTED
        )
    axes.axhline(centre, color=charts.DARK_BLUE, linewidth=1.4)
    axes.annotate(
        f"all together {wording.percent(centre)}", (n[0], centre), (2, 5), textcoords="offset points", size=10
    )
    axes.plot(
        *zip(*points, strict=True),
        "o",
        color=charts.DARK_BLUE,
        markersize=7,
        markerfacecolor="white",
        markeredgewidth=1.8,
    )
    axes.yaxis.grid(True, color="#D9DDE1", linewidth=0.8)
    _percent_axis(axes.yaxis)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: wording.count(value)))
    axes.set_xlabel("Sample size that the interval is worth (crimes)", size=10.5)
    return figure  # fmt: skip


def forest_markdown(found: Comparison, rule: str) -> str:
    """The rates of one group as a figure; empty where it has none."""
    pooled = {
        item.name: item.value for group in found.groups for item in group.shrunken if group.rule == rule
    }
    members = [item for item in found.inspections if item.rule == rule and "overall" in item.rates]
    if not members:
        return ""
    rates = [item.rates["overall"] for item in members]
    rows = [
        (_label(item), rate.value, rate.low, rate.high, pooled.get(item.name))
        for item, rate in zip(members, rates, strict=True)
    ]
    title = f"Overall recording rates: {RULES[rule]}"
    order = "name" if rule == "not known" else "audit year and name"
    subtitle = f"With 95% confidence intervals where a margin is known. Ordered by {order}."
    figure = forest(title, subtitle, rows, _scale(found))
    alt = f"{title}. " + "; ".join(
        f"{_label(item)} {wording.percent(rate.value)}"
        + (f", {wording.percent(rate.low)} to {wording.percent(rate.high)}" if rate.low is not None else "")
        for item, rate in zip(members, rates, strict=True)
    )
    return _figure_markdown(figure, f"fig-rates-{rule.replace(' ', '-')}", title, f"{alt}.")


def _label(item: Inspected) -> str:
    return f"{item.name} (invented)" if item.kind == "invented" else item.name


def _scale(found: Comparison) -> tuple[float, float]:
    """One scale for the figures of all groups, or they could not be compared by eye."""
    rates = [item.rates["overall"] for item in found.inspections if "overall" in item.rates]
    lowest = min(rate.value if rate.low is None else rate.low for rate in rates)
    return np.floor(lowest * 20) / 20, 1.0


def funnel_markdown(found: Comparison, group: Group) -> str:
    """The funnel plot of one group."""
    points = [
        (item.rates["overall"].effective_n, item.rates["overall"].value) for item, _ in _members(group, found)
    ]
    places = list(against_limits(group, found).values())
    counts = {name: places.count(name) for name in (WITHIN, BETWEEN, BEYOND)}
    title = f"Funnel plot: {RULES[group.rule]}"
    subtitle = (
        f"{wording.count(counts[WITHIN])} of {wording.count(len(points))} inspections lie within the 95% limits, "
        f"{wording.count(counts[BEYOND])} beyond the 99.8% limits."
    )
    figure = funnel(title, subtitle, group.pooled, points)
    alt = (
        f"{title}: rate against sample size, with limits around {wording.percent(group.pooled)}. {subtitle} "
        "Each inspection's place is in the table of partially pooled rates."
    )
    return _figure_markdown(figure, f"fig-funnel-{group.rule.replace(' ', '-')}", title, alt)


def _figure_markdown(figure: Figure, identity: str, caption: str, alt: str) -> str:
    alt = alt.replace("\\", "\\\\").replace('"', '\\"')
    return f'![{caption}]({charts.data_uri(figure)}){{#{identity} fig-alt="{alt}"}}'


# --- sentences -------------------------------------------------------------------------------------------------


def counted(found: Comparison) -> str:
    """What is compared, in numbers."""
    kinds = [item.kind for item in found.inspections]
    forces = len({item.force for item in found.inspections})
    parts = [f"{wording.count(kinds.count(kind))} {KINDS[kind]}" for kind in KINDS if kind in kinds]
    text = (
        f"This page shows {wording.plural(len(kinds), 'inspection')} of {wording.plural(forces, 'force')} "
        f"({wording.in_words(parts)}). Inspections are ordered by counting rules, audit year and name, never by rate: a rank "
        "would hide how sure each rate is and what it was measured by."
    )
    if "reconstruction" in kinds:
        text += (
            " Reconstructed records hold no more than the figures that they were made from: a rate or a margin that was not "
            "published is not shown."
        )
    if "invented" in kinds:
        text += " Inspections with invented records are marked as such, and take no part in means and sums."
    return text


def scatter(group: Group) -> str:
    """Whether the forces of a group differ by more than chance, in words."""
    places = f"{RULES[group.rule]}: {wording.count(len(group.shrunken))} inspections with a known margin"
    if group.p_value < 0.05:
        p = "under 0.001" if group.p_value < 0.001 else f"{wording.rounded(group.p_value, 3)}"
        return (
            f"**{wording.capital(places)}.** The variance of their rates is {wording.rounded(group.overdispersion, 1)} times "
            f"what chance in drawing the samples would make it (chi-squared test: p {p}). Forces may differ, and inspections differ in "
            "more than the force; the limits are not widened for it, and lying outside them is a reason to look closer, not a "
            "verdict."
        )
    return (
        f"**{wording.capital(places)}.** Their scatter is no larger than chance in drawing the samples can make it, so the "
        "differences between these rates say little."
    )


def alone(found: Comparison) -> str:
    """The groups that are too small to be pooled, in words; empty if there is none."""
    pooled = {group.rule for group in found.groups}
    rules = [
        rule for rule in RULES if rule not in pooled and any(item.rule == rule for item in found.inspections)
    ]
    if not rules:
        return ""
    names = wording.in_words(f"“{RULES[rule]}”" for rule in rules)
    return (
        f"No funnel and no partial pooling for {names}: fewer than {wording.number_word(LEAST_POOLED)} inspections there have "
        "a rate with a known margin."
    )


def total(found: Comparison) -> str:
    """The sum of unrecorded crime over the forces, in words."""
    if found.total is None:
        return "No number of unrecorded crimes has an interval, so there is no sum."
    sum_ = found.total
    return (
        f"For the newest inspection with an interval of each of {wording.plural(len(found.total_of), 'force')}, the sum is "
        f"**{wording.over(sum_.value)}** crimes a year (95% interval {wording.about(sum_.low)} to {wording.about(sum_.high)}). The "
        "samples of different forces are independent, so the variances add; the lower and the upper parts of the intervals are added "
        "separately because they differ in length (the MOVER method of Zou, Huang and Zhang, 2009). It adds years that differ and leaves out "
        f"forces without a figure, so it is not a national total for any year.{_older(found)}"
    )


def _older(found: Comparison) -> str:
    later = superseded(found)
    if not later:
        return ""
    return (
        f" For {wording.in_words(later)} it takes an older inspection than the newest, of which no interval for unrecorded crime is "
        "known: what changed since is not in the sum."
    )
