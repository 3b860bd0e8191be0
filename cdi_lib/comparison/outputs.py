"""Tables and figures of the comparison of forces, from one :class:`~cdi_lib.comparison.compare.Comparison`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from math import floor
from pathlib import Path
from typing import Any, TypeAlias

from cdi_lib.comparison import charts as drawn
from cdi_lib.comparison.compare import (
    LEAST_POOLED,
    LIMITS,
    PART,
    RULES,
    Comparison,
    Group,
    Inspected,
    Shrunken,
    rules_of,
)
from cdi_lib.inspection.folders import slug
from cdi_lib.report import charts, dictionary, labels, tables, wording, workbook
from cdi_lib.report.labels import book, said
from cdi_lib.report.tables import Column, Table
from cdi_lib.report.telling import FILTERS
from cdi_lib.report.texts import Texts

NOTES = ("interval", "gaps", "unrounded")
LEVELS = dict(zip(("inner", "outer"), LIMITS, strict=True))  # of the limits, and of every interval the inner one
CONFIDENCE = 1 - 2 * LIMITS[LEVELS["inner"]]


# --- tables ----------------------------------------------------------------------------------------------------


Rows: TypeAlias = list[dict[str, Any]]


def rule_name(rule: str, words: str = "rules") -> str:
    """The rules of an audit period in words."""
    if rule in RULES:
        return said(f"{words}.{rule}")
    if rule.startswith(PART):
        return said(f"{words}.part", types=rule.removeprefix(PART))
    kind, since, *limit = rule.replace(",", "").split()
    return said(f"{words}.own_{kind}", day=wording.day(since), hours=(*limit, "")[0])


def _first(item: Inspected) -> dict[str, Any]:
    rules, kind = rule_name(item.rule, "rules_short"), said(f"kinds.{item.kind}")
    return {"code": item.name, "inspection": _label(item), "rules": rules, "kind": kind}


def _ends(interval: Any, prefix: str = "") -> dict[str, float | None]:
    return {f"{prefix}low": interval.low, f"{prefix}high": interval.high, "confidence": CONFIDENCE}


def _rates(found: Comparison) -> Rows:
    items = [(item, item.rates["overall"]) for item in found.inspections if "overall" in item.rates]
    told = lambda rate: {"size": rate.effective_n, "rate": rate.value, "se": rate.se, "n": rate.n} | _ends(rate)
    return [_first(item) | told(rate) for item, rate in items]


def _groups(found: Comparison) -> Rows:
    return [
        {"code": group.rule, "group": rule_name(group.rule), "inspections": len(group.shrunken), "mean": group.mean}
        | {**_ends(group), "overdispersion": group.overdispersion}
        for group in found.groups
    ]


def _shrunken(found: Comparison) -> Rows:
    return [
        {**_first(item), "rate": item.rates["overall"].value, "pooled": shrunken.value, **_ends(shrunken)}
        | {"weight": shrunken.weight, "limits": said(f"places.{shrunken.place}", **LEVELS)}
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
        | {"summed": wording.yes_no(item.name in found.total_of)}
        for item in found.inspections
        if item.unrecorded
    ]


def _later(found: Comparison) -> Rows:
    rows = []
    for item in found.later:
        rate, violence = item.rates.get("overall"), item.rates.get("violence")
        row: dict[str, Any] = {"code": item.name, "inspection": item.force}
        row |= {"report": item.title, "published": item.published}
        row |= {"rate": rate.value, **_ends(rate)} if rate else {}
        row |= {"violence": violence.value} if violence else {}
        row |= {"unrecorded": item.unrecorded.value} if item.unrecorded else {}
        rows.append(row | {"grade": item.grades.get("overall")})
    return rows


@dataclass(frozen=True)
class Output:
    """A table of the comparison: what makes its rows, and columns that depend on the inspections."""

    id: str
    rows: Callable[[Comparison], Rows]
    more_columns: Callable[[Comparison], Iterable[Column]] = lambda _: ()

    @property
    def title(self) -> str:
        return str(book(WORDS)[self.id]["title"]).format(level=LEVELS["inner"])

    def build(self, found: Comparison) -> Table | None:
        """The table, or None where there is nothing to show."""
        table = tables.headed(self.id, self.rows(found), book=WORDS, level=LEVELS["inner"])
        return table and replace(table, columns=(*table.columns, *self.more_columns(found)))


def _of_types(found: Comparison) -> Iterable[Column]:
    for name, label in found.rate_names.items():
        yield tables.percent(name, label)
        for end in ("low", "high"):
            yield tables.percent(f"{name}_{end}", said(f"comparison.{end}", label=name))


def _of_questions(found: Comparison) -> Iterable[Column]:
    return (Column(name, label, wording.badge) for name, label in found.questions.items())


WORDS = "comparison/tables"
_OUTPUTS = (
    Output("tbl-rates", _rates),
    Output("tbl-groups", _groups),
    Output("tbl-shrunken", _shrunken),
    Output("tbl-types", _types, _of_types),
    Output("tbl-grades", _grades, _of_questions),
    Output("tbl-unrecorded", _unrecorded),
    Output("tbl-later", _later),
)
TABLES = {output.id: output for output in _OUTPUTS}


def table_markdown(found: Comparison, identity: str, folded: bool = False) -> str:
    """A table with its caption, folded where charts show its numbers; empty where there is nothing to show."""
    table, title = TABLES[identity].build(found), TABLES[identity].title
    text = tables.to_markdown(_with_gaps_named(table), identity, title) if table else ""
    return f'::: {{.folded summary="{title}"}}\n{text}\n:::' if text and folded else text


def _with_gaps_named(table: Table) -> Table:
    """The table as it is read: what is missing was not published."""
    gap = said("comparison.gap")
    named = lambda shown: lambda value: value if value is gap else shown(value)
    columns = tuple(replace(column, shown=named(column.shown)) for column in table.columns)
    keys = [column.key for column in columns]
    return Table(columns, [{key: gap if row.get(key) is None else row[key] for key in keys} for row in table.rows])


def _built(found: Comparison) -> dict[str, Table]:
    return {identity: table for identity, output in TABLES.items() if (table := output.build(found))}


def write_tables(found: Comparison, folder: Path) -> None:
    """Write every table as CSV, unrounded, and what their columns mean."""
    built = _built(found)
    titles = {identity: TABLES[identity].title for identity in built}
    dictionary.write(folder, built, titles, said("comparison.title"), words="comparison/dictionary")


def write_workbook(found: Comparison, path: Path, published: str) -> None:
    """Write every table into one workbook with a cover that says what is not comparable; ``published`` is an ISO date."""
    from gptables import Cover

    sheets, order, gap = {}, said("comparison.order"), said("comparison.gap")
    for identity, table in _built(found).items():
        name = identity.removeprefix("tbl-")
        sheets[name] = workbook.sheet(name, table, TABLES[identity].title, order, NOTES, empty=gap)
    title, about = said("comparison.title"), said("comparison.about")
    apart = said("comparison.not_comparable", what=tell(found, "not_comparable"))
    cover = Cover(title=title, intro=[tell(found, "counted")], about=[apart, about])
    notes = {key: said(f"comparison.{key}", **LEVELS) for key in NOTES}
    workbook.save(path, sheets, cover, notes, title, published)


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
            beside = wording.percent(rate.value)
            if rate.low is not None and rate.high is not None:
                ends = {"low": wording.percent(rate.low), "high": wording.percent(rate.high)}
                beside = said("comparison.rate_told", rate=beside, **ends)
            told.append(f"{_label(item)} {beside}")
    if not rows:
        return ""
    title = said("comparison.rates", rule=rule_name(rule))
    subtitle = said(f"comparison.rates_subtitle{'_unknown' if rule == 'not known' else ''}", **LEVELS)
    page, phone = charts.both(drawn.forest, title, subtitle, rows, _scale(found))
    return charts.image(page, title, f"fig-rates-{slug(rule)}", f"{title}. {'; '.join(told)}.", phone)


def _label(item: Inspected) -> str:
    return said("comparison.invented", name=item.name) if item.kind == "invented" else item.name


def _scale(found: Comparison) -> tuple[float, float]:
    """One scale for the figures of all groups, or they could not be compared by eye."""
    rates = [item.rates["overall"] for item in found.inspections if "overall" in item.rates]
    lowest = min(rate.value if rate.low is None else rate.low for rate in rates)
    return floor(lowest * 20) / 20, 1.0


def funnel_markdown(found: Comparison, group: Group) -> str:
    """The funnel plot of one group."""
    members = _members(group, found)
    rates = [item.rates["overall"] for item, _ in members]
    within, beyond = (wording.count(group.places.get(place, 0)) for place in ("within", "beyond"))
    title, counts = said("comparison.funnel", rule=rule_name(group.rule)), {"within": within, "beyond": beyond} | LEVELS
    subtitle = said("comparison.funnel_subtitle", inspections=wording.count(len(rates)), **counts)
    outside = [_label(item) if pooled.place != "within" else "" for item, pooled in members]
    points = [(rate.effective_n, rate.value, name) for rate, name in zip(rates, outside, strict=True)]
    if group.narrow:
        subtitle += f" {said('comparison.funnel_widened')}"
    page, phone = charts.both(drawn.funnel, title, subtitle, group.pooled, points, group.limits, group.narrow)
    alt = said("comparison.funnel_alt", title=title, rate=wording.percent(group.pooled), subtitle=subtitle)
    return charts.image(page, title, f"fig-funnel-{slug(group.rule)}", alt, phone)


# --- sentences -------------------------------------------------------------------------------------------------


def tell(found: Comparison, section: str) -> str:
    """A section of the comparison in the words of ``reports/text/<language>/comparison/<section>.md``."""
    shows: dict[str, Any] = {"table": table_markdown, "forest": forest_markdown, "funnel": funnel_markdown}
    texts = Texts(labels.language(), None, FILTERS, {name: partial(show, found) for name, show in shows.items()})
    context = {
        "found": found,
        "rules": {rule: rule_name(rule) for rule in rules_of(found.inspections)},
        "by_kind": [f"{wording.count(number)} {said(f'kinds.{kind}')}" for kind, number in found.kinds.items()],
        "not_pooled": [f"“{rule_name(rule)}”" for rule in found.not_pooled],
        "least": LEAST_POOLED,
        "levels": LEVELS,
        "inspections": len(found.inspections),
        "summed": len(found.total_of),
        "forces": {whole.rule: len(whole.forces) for whole in found.national},
        "pooled": {group.rule: len(group.shrunken) for group in found.groups},
    }
    return texts.tell(f"comparison/{section}", context)
