"""Tables and figures of the comparison of forces, from one :class:`~cdi_lib.comparison.compare.Comparison`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from math import floor
from pathlib import Path
from typing import Any, TypeAlias

from cdi_lib.comparison import charts as drawn
from cdi_lib.comparison.compare import LEAST_POOLED, Comparison, Group, Inspected, Shrunken
from cdi_lib.report import charts, tables, wording, workbook
from cdi_lib.report.tables import Column, Table
from cdi_lib.report.telling import FILTERS, LANGUAGE
from cdi_lib.report.texts import Texts

RULE_NAMES = {
    "72 hours": "72 hours to record a crime (before April 2015)",
    "before": "24 hours, before the counting rules of April 2018",
    "across": "audit period on both sides of April 2018",
    "after": "24 hours and the counting rules of April 2018",
    "across 2023": "audit period on both sides of June 2023",
    "from 2023": "24 hours and the counting rules of June 2023",
    "not known": "audit period not published",
}
_SHORT = (
    *("72 hours", "before April 2018", "across April 2018", "from April 2018"),
    *("across June 2023", "from June 2023", "period not published"),
)
SHORT_RULES = dict(zip(RULE_NAMES, _SHORT, strict=True))
GAP = "not known"
ORDER = "Ordered by counting rules, audit year and name"
PLACES = {"within": "within 95%", "between": "between 95% and 99.8%", "beyond": "beyond 99.8%"}
KINDS = {
    "audit": "computed here",
    "reconstruction": "computed here (reconstruction)",
    "invented": "invented",
    "published": "published",
}


# --- tables ----------------------------------------------------------------------------------------------------


Rows: TypeAlias = list[dict[str, Any]]


def _first(item: Inspected) -> dict[str, Any]:
    return {"inspection": _label(item), "rules": SHORT_RULES[item.rule], "kind": KINDS[item.kind]}


def _ends(interval: Any, prefix: str = "") -> dict[str, float | None]:
    return {f"{prefix}low": interval.low, f"{prefix}high": interval.high}


def _rates(found: Comparison) -> Rows:
    items = [(item, item.rates["overall"]) for item in found.inspections if "overall" in item.rates]
    return [_first(item) | {"size": rate.effective_n, "rate": rate.value} | _ends(rate) for item, rate in items]


def _groups(found: Comparison) -> Rows:
    return [
        {"group": RULE_NAMES[group.rule], "inspections": len(group.shrunken), "mean": group.mean}
        | {**_ends(group), "overdispersion": group.overdispersion}
        for group in found.groups
    ]


def _shrunken(found: Comparison) -> Rows:
    return [
        {**_first(item), "rate": item.rates["overall"].value, "pooled": shrunken.value, **_ends(shrunken)}
        | {"weight": shrunken.weight, "limits": PLACES[shrunken.place]}
        for group in found.groups
        for item, shrunken in _members(group, found)
    ]


def _types(found: Comparison) -> Rows:
    rows = []
    for item in found.inspections:
        row: dict[str, Any] = {}
        for name in (name for name in found.rate_names if name in item.rates):
            row |= {name: item.rates[name].value} | _ends(item.rates[name], f"{name}_")
        rows += [_first(item) | row] if row else []
    return rows


def _grades(found: Comparison) -> Rows:
    return [_first(item) | item.grades for item in found.inspections if item.grades]


def _unrecorded(found: Comparison) -> Rows:
    return [
        {**_first(item), "unrecorded": item.unrecorded.value, **_ends(item.unrecorded)}
        | {"summed": "yes" if item.name in found.total_of else "no"}
        for item in found.inspections
        if item.unrecorded
    ]


_INSPECTION, _RULES = tables.text("inspection", "Force and audit year"), tables.text("rules", "Counting rules")
_SIZE = Column("size", "Sample size", lambda value: wording.count(round(value)), number=True, number_format="#,##0")
_INTERVAL = (tables.percent("low", "95% CI lower"), tables.percent("high", "95% CI upper"))
_OF_RATES = (tables.text("kind", "Figures"), _SIZE, tables.percent("rate", "Recording rate"), *_INTERVAL)
_GROUP = (tables.text("group", "Rules of the audit period"), tables.count("inspections", "Inspections"))
_MEAN, _SCATTER = tables.percent("mean", "Mean of the forces"), tables.decimal("overdispersion", "Scatter (1 = chance)")
_POOLED = (tables.percent("rate", "As measured"), tables.percent("pooled", "Partially pooled"), *_INTERVAL)
_WEIGHT = tables.percent("weight", "Weight of its own figure", 0)
_LIMITS = tables.text("limits", "Against the limits of chance")
_HEADERS = {"": "{1}", "_low": "CI lower ({0})", "_high": "CI upper ({0})"}
_NUMBER = tables.about("unrecorded", "Unrecorded in a year")
_ABOUT = (tables.about("low", "95% CI lower"), tables.about("high", "95% CI upper"))
_SUMMED = tables.text("summed", "In the sum")


@dataclass(frozen=True)
class Output:
    """A table of the comparison: its title, what makes its rows, and its columns."""

    title: str
    rows: Callable[[Comparison], Rows]
    columns: tuple[Column, ...]
    more_columns: Callable[[Comparison], Iterable[Column]] = lambda _: ()

    def build(self, found: Comparison) -> Table | None:
        """The table, or None where there is nothing to show."""
        rows = self.rows(found)
        return Table((*self.columns, *self.more_columns(found)), rows) if rows else None


def _of_types(found: Comparison) -> Iterable[Column]:
    for name in found.rate_names.items():
        for end, text in _HEADERS.items():
            yield tables.percent(f"{name[0]}{end}", text.format(*name))


def _of_questions(found: Comparison) -> Iterable[Column]:
    return (Column(name, label, wording.badge) for name, label in found.questions.items())


TABLES = {
    "tbl-rates": Output(
        "Overall recording rates, by rules, audit year and name", _rates, (_INSPECTION, _RULES, *_OF_RATES)
    ),
    "tbl-groups": Output(
        "The groups that are compared, with the mean of their forces", _groups, (*_GROUP, _MEAN, *_INTERVAL, _SCATTER)
    ),
    "tbl-shrunken": Output(
        "Overall recording rates as measured and partially pooled", _shrunken, (_INSPECTION, *_POOLED, _WEIGHT, _LIMITS)
    ),
    "tbl-types": Output(
        "Recording rates of single types of crime, with 95% intervals", _types, (_INSPECTION,), _of_types
    ),
    "tbl-grades": Output("Grades by question", _grades, (_INSPECTION,), _of_questions),
    "tbl-unrecorded": Output(
        "Reported crimes that go unrecorded in a year", _unrecorded, (_INSPECTION, _RULES, _NUMBER, *_ABOUT, _SUMMED)
    ),
}


def table_markdown(found: Comparison, identity: str) -> str:
    """A table with its caption; empty where there is nothing to show."""
    table = TABLES[identity].build(found)
    return tables.to_markdown(_with_gaps_named(table), identity, TABLES[identity].title) if table else ""


def _with_gaps_named(table: Table) -> Table:
    """The table as it is read: what is missing was not published."""
    named = lambda shown: lambda value: value if value is GAP else shown(value)
    columns = tuple(replace(column, shown=named(column.shown)) for column in table.columns)
    keys = [column.key for column in columns]
    return Table(columns, [{key: GAP if row.get(key) is None else row[key] for key in keys} for row in table.rows])


def write_tables(found: Comparison, folder: Path) -> None:
    """Write every table as CSV, unrounded."""
    tables.write({identity: output.build(found) for identity, output in TABLES.items()}, folder)


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
    cover = Cover(title=title, intro=[counted(found)], about=[f"What is not comparable. {not_comparable()}", about])
    workbook.save(path, sheets, cover, NOTES, title, published)


# --- figures ---------------------------------------------------------------------------------------------------


def _members(group: Group, found: Comparison) -> list[tuple[Inspected, Shrunken]]:
    """The inspections of a group with their partially pooled rates, in the order of the comparison."""
    by_name = {item.name: item for item in found.inspections}
    return [(by_name[shrunken.name], shrunken) for shrunken in group.shrunken]


def forest_markdown(found: Comparison, rule: str) -> str:
    """The rates of one group as a figure; empty where it has none."""
    pooled = {item.name: item.value for group in found.groups for item in group.shrunken}
    rows, told = [], []
    for item in found.inspections:
        if item.rule == rule and (rate := item.rates.get("overall")):
            rows.append((_label(item), rate.value, rate.low, rate.high, pooled.get(item.name)))
            ends = [wording.percent(end) for end in (rate.low, rate.high) if end is not None]
            told.append(f"{_label(item)} {wording.percent(rate.value)}{', ' if ends else ''}{' to '.join(ends)}")
    if not rows:
        return ""
    title = f"Overall recording rates: {RULE_NAMES[rule]}"
    order = "name" if rule == "not known" else "audit year and name"
    subtitle = f"With 95% confidence intervals where a margin is known. Ordered by {order}."
    figure = drawn.forest(title, subtitle, rows, _scale(found))
    return charts.image(figure, title, f"fig-rates-{rule.replace(' ', '-')}", f"{title}. {'; '.join(told)}.")


def _label(item: Inspected) -> str:
    return f"{item.name} (invented)" if item.kind == "invented" else item.name


def _scale(found: Comparison) -> tuple[float, float]:
    """One scale for the figures of all groups, or they could not be compared by eye."""
    rates = [item.rates["overall"] for item in found.inspections if "overall" in item.rates]
    lowest = min(rate.value if rate.low is None else rate.low for rate in rates)
    return floor(lowest * 20) / 20, 1.0


def funnel_markdown(found: Comparison, group: Group) -> str:
    """The funnel plot of one group."""
    rates = [item.rates["overall"] for item, _ in _members(group, found)]
    within, beyond = (wording.count(group.places.get(place, 0)) for place in ("within", "beyond"))
    title = f"Funnel plot: {RULE_NAMES[group.rule]}"
    subtitle = f"{within} of {wording.count(len(rates))} inspections lie within the 95% limits, {beyond} beyond the 99.8% limits."
    points = [(rate.effective_n, rate.value) for rate in rates]
    if group.narrow:
        subtitle += " Limits widened for the scatter of the rates; dotted: those of chance alone."
    figure = drawn.funnel(title, subtitle, group.pooled, points, group.limits, group.narrow)
    alt = (
        f"{title}: rate against sample size, with limits around {wording.percent(group.pooled)}. {subtitle} "
        "Each inspection's place is in the table of partially pooled rates."
    )
    return charts.image(figure, title, f"fig-funnel-{group.rule.replace(' ', '-')}", alt)


# --- sentences -------------------------------------------------------------------------------------------------


@cache
def _texts() -> Texts:
    return Texts(LANGUAGE, None, FILTERS)


def _told(section: str, **names: Any) -> str:
    """The words of ``reports/text/<language>/comparison/<section>.md``."""
    return _texts().tell(f"comparison/{section}", names)


def not_comparable() -> str:
    """What the figures do not have in common."""
    return _told("not_comparable")


def counted(found: Comparison) -> str:
    """What is compared, in numbers."""
    by_kind = [f"{wording.count(number)} {KINDS[kind]}" for kind, number in found.kinds.items()]
    return _told("counted", found=found, inspections=len(found.inspections), by_kind=by_kind)


def scatter(group: Group) -> str:
    """Whether the forces of a group differ by more than chance, in words."""
    return _told("scatter", group=group, rule=RULE_NAMES[group.rule], inspections=len(group.shrunken))


def alone(found: Comparison) -> str:
    """The groups that are too small to be pooled, in words; empty if there is none."""
    return _told("alone", rules=[f"“{RULE_NAMES[rule]}”" for rule in found.not_pooled], least=LEAST_POOLED)


def total(found: Comparison) -> str:
    """The sum of unrecorded crime over the forces, in words."""
    return _told("total", found=found, forces=len(found.total_of))
