"""Inspections of all forces beside each other: what can be compared, and how sure that is. Nothing is ranked.

Inspections are compared within groups that followed the same rules. A published figure counts once: a report that was
reconstructed from it adds nothing that the published figures do not hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.inspection.published import OUTSIDE, read_published
from cdi_lib.inspection.results import Results
from cdi_lib.statistics import pooling

RATES = {"overall": "all crime", "violence": "violence", "sexual": "sexual offences"}
GRADED = {
    "overall": "Overall",
    "effective": "Effectiveness",
    "efficient": "Efficiency",
    "leadership": "Leadership",
}
NEW_RULE = date(2018, 4, 1)  # harassment, stalking and the like are recorded beside the principal crime
SHORTER_LIMIT = date(2015, 4, 1)  # 24 hours to record instead of 72
RULES = {
    "72 hours": "72 hours to record a crime (before April 2015)",
    "before": "24 hours, before the counting rules of April 2018",
    "across": "audit period on both sides of April 2018",
    "after": "24 hours and the counting rules of April 2018",
    "not known": "audit period not published",
}
KINDS = {
    "audit": "computed here",
    "reconstruction": "computed here (reconstruction)",
    "invented": "invented",
    "published": "published",
}
LEAST_POOLED = 5  # with fewer inspections the variation between forces is hardly known


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Rate(_Model):
    """A recording rate in [0, 1] with its interval.

    ``n`` are audited crimes; ``effective_n`` is the size of the simple random sample that would give the same standard
    error, which follows from a published margin where n was not published. None: not known.
    """

    value: float
    low: float | None = None
    high: float | None = None
    se: float | None = None
    n: int | None = None

    @property
    def effective_n(self) -> float | None:
        return self.value * (1 - self.value) / self.se**2 if self.se else None


class Count(_Model):
    """Crimes that go unrecorded in a year, with the interval that follows from that of the rate."""

    value: float
    low: float | None = None
    high: float | None = None


class Inspected(_Model):
    """One inspection as it is compared.

    ``title`` is kind and year of the inspection, such as "re-inspection 2018". Dates are ISO; ``year`` is that in which the
    audit period ended; ``counts`` says whether it takes part in pooled figures and sums; ``is_one_of_several`` whether
    another inspection of the force has the same year.
    """

    force: str
    title: str
    published: str | None
    kind: Literal["audit", "reconstruction", "invented", "published"]
    start: str | None
    end: str | None
    year: int | None
    rule: Literal["72 hours", "before", "across", "after", "not known"]
    rates: dict[str, Rate]
    unrecorded: Count | None
    grades: dict[str, str]
    counts: bool = True
    is_one_of_several: bool = False

    @property
    def name(self) -> str:
        """The force, with the year of the audit, which tells inspections of one force apart, or else with the title too."""
        name = f"{self.force} {self.year or self.title[-4:]}"
        return f"{name} ({self.title})" if self.is_one_of_several else name


class Shrunken(_Model):
    """A rate that is partially pooled: ``weight`` in [0, 1] of its own figure, the rest of the group's mean."""

    name: str
    value: float
    low: float
    high: float
    weight: float


class Group(_Model):
    """Inspections under the same rules, pooled.

    ``pooled`` is the mean weighted by effective n, the centre of the funnel; ``mean``, ``low`` and ``high`` are that of the
    random-effects model; ``tau`` is the standard deviation between forces on the log-odds scale, ``q`` Cochran's
    statistic with ``df`` degrees of freedom, ``overdispersion`` the mean squared distance from the centre in standard errors.
    """

    rule: str
    pooled: float
    mean: float
    low: float
    high: float
    tau: float
    q: float
    df: int
    p_value: float
    overdispersion: float
    shrunken: list[Shrunken]


class Comparison(_Model):
    """Everything that the comparison of forces shows; ``comparison.json``."""

    schema_version: Literal[1] = 1
    inspections: list[Inspected]
    groups: list[Group]
    total: Count | None
    total_of: list[str]


# --- collecting ------------------------------------------------------------------------------------------------


def compare(results: Sequence[Results], published: pd.DataFrame) -> Comparison:
    """Bring computed and published inspections together.

    Parameters
    ----------
    results : sequence of Results
        One for each report that was built here.
    published : pandas.DataFrame
        As :func:`cdi_lib.inspection.published.read_published` gives it.

    Returns
    -------
    Comparison
        Sorted by rules, year of the audit and name. An inspection that was computed here stands in the place of the
        published figures of the same force, kind and year.

    Raises
    ------
    InputError
        If two reports are of the same inspection.
    """
    printed = {(item.force, item.title): item for item in _from_table(published)}
    computed: dict[tuple[str, str], Inspected] = {}
    problems = []
    for found in results:
        own = _from_results(found)
        place = (own.force, own.title)
        if place in computed:
            expected = "one report of each inspection; the force and the year in the title tell them apart"
            problems.append(
                Problem(found.force, "publication.title", f"{own.title} of {own.force} twice", expected)
            )
        same = printed.get(place)
        if same is not None and own.kind != "audit":
            own = own.model_copy(update=_known(own, same))
        computed[place] = own
    if problems:
        raise InputError(problems)
    order = list(RULES)
    inspections = sorted(
        (printed | computed).values(),
        key=lambda item: (order.index(item.rule), item.year or 0, item.force, item.title),
    )
    times = Counter(item.name for item in inspections)
    inspections = [
        item.model_copy(update={"is_one_of_several": True}) if times[item.name] > 1 else item
        for item in inspections
    ]
    newest = _newest(inspections)
    return Comparison(
        inspections=inspections,
        groups=[group for rule in RULES if (group := pool(rule, _in_pool(inspections, rule)))],
        total=add([item.unrecorded for item in newest]) if newest else None,
        total_of=sorted(item.name for item in newest),
    )


def _known(own: Inspected, printed: Inspected) -> dict:
    """What is kept of a reconstruction: nothing that its published figures do not hold, for the rest of it is assumed."""
    with_margin = {name for name, rate in printed.rates.items() if rate.se is not None}
    rates = {
        name: own.rates[name] if name in with_margin and name in own.rates else rate
        for name, rate in printed.rates.items()
    }
    unrecorded = own.unrecorded if "overall" in with_margin else printed.unrecorded
    place = {name: getattr(printed, name) for name in ("start", "end", "year", "rule")}
    return place | {"rates": rates, "unrecorded": unrecorded, "grades": printed.grades or own.grades}


def _from_results(found: Results) -> Inspected:
    rates = {
        name: Rate(value=rate.value, low=rate.low, high=rate.high, se=rate.se, n=rate.n)
        for name in RATES
        if (rate := found.estimate(name))
    }
    unrecorded = found.estimate("unrecorded_overall")
    judgements = found.details["judgements"]
    grades = {
        entry["id"]: entry["decided"]
        for entry in (judgements["overall"], *judgements["questions"])
        if entry["decided"] != "not judged"
    }
    kind = found.records["status"]
    return Inspected(
        force=found.short_name,
        title=_title(found),
        published=found.publication["date"],
        kind=kind,
        **_period(found.audit_period["start"], found.audit_period["end"]),
        rates=rates,
        unrecorded=unrecorded and Count(value=unrecorded.value, low=unrecorded.low, high=unrecorded.high),
        grades=grades,
        counts=kind != "invented",
    )


def _title(found: Results) -> str:
    """Kind and year of the inspection as its title names them, by which the published figures are found."""
    years = [word for word in found.publication["title"].replace(":", " ").split() if word.isdecimal()]
    return f"{found.publication['kind']} {years[-1] if years else found.publication['date'][:4]}"


def _from_table(published: pd.DataFrame) -> list[Inspected]:
    rows = []
    for row in published[~published["report"].str.contains(OUTSIDE, regex=False)].itertuples():
        rates = {name: rate for name in RATES if (rate := _printed_rate(row, name))}
        grades = {name: grade for name in GRADED if pd.notna(grade := getattr(row, f"grade_{name}"))}
        unrecorded = _printed_count(row.overall_unrecorded_over, rates.get("overall"))
        if not (rates or grades or unrecorded):
            continue
        is_known = pd.notna(row.audit_start) and pd.notna(row.audit_end)
        rows.append(
            Inspected(
                force=row.force,
                title=row.report,
                published=row.published if pd.notna(row.published) else None,
                kind="published",
                **_period(*((row.audit_start, row.audit_end) if is_known else (None, None))),
                rates=rates,
                unrecorded=unrecorded,
                grades=grades,
            )
        )
    return rows


def _printed_rate(row, name: str) -> Rate | None:
    percent, margin = getattr(row, f"{name}_rate"), getattr(row, f"{name}_margin")
    if pd.isna(percent):
        return None
    if pd.isna(margin):
        return Rate(value=percent / 100)
    low, high = (percent - margin) / 100, min((percent + margin) / 100, 1.0)
    return Rate(value=percent / 100, low=low, high=high, se=margin / 100 / pooling.Z)


def _printed_count(over: float, rate: Rate | None) -> Count | None:
    """The printed number, which was rounded down; its interval is that of the rate, for the recorded crime behind it."""
    if pd.isna(over):
        return None
    if (
        rate is None or rate.low is None or rate.value == 1
    ):  # nothing unrecorded tells nothing of what was recorded
        return Count(value=over)
    recorded_crime = over * rate.value / (1 - rate.value)
    low, high = (recorded_crime * (1 - end) / end for end in (rate.high, rate.low))
    return Count(value=over, low=low, high=high)


def _period(start: str | None, end: str | None) -> dict:
    if start is None or end is None:
        return {"start": None, "end": None, "year": None, "rule": "not known"}
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    if first < SHORTER_LIMIT:
        rule = "72 hours"
    elif last < NEW_RULE:
        rule = "before"
    else:
        rule = "after" if first >= NEW_RULE else "across"
    return {"start": start, "end": end, "year": last.year, "rule": rule}


def _in_pool(inspections: Sequence[Inspected], rule: str) -> list[Inspected]:
    """The inspections of a group whose rate has a known precision."""
    return [
        item
        for item in inspections
        if item.rule == rule and item.counts and item.rates.get("overall") and item.rates["overall"].effective_n
    ]  # fmt: skip


def superseded(found: Comparison) -> list[str]:
    """Forces whose newest rate is not in the sum, because a later inspection gave no interval that could be added."""
    in_sum = {item.force: item for item in found.inspections if item.name in found.total_of}
    later = {
        item.force
        for item in found.inspections
        if item.counts and item.force in in_sum and _is_later(item, in_sum[item.force])
        if item.rates.get("overall") or item.unrecorded
    }
    return sorted(later)


def _is_later(item: Inspected, other: Inspected) -> bool:
    """Whether an inspection came after another, by the ends of their audits or, where one is not known, by publication."""
    if item.end and other.end:
        return item.end > other.end
    return bool(item.published and other.published and item.published > other.published)


def _newest(inspections: Sequence[Inspected]) -> list[Inspected]:
    """Of each force the newest inspection whose number of unrecorded crimes has an interval."""
    newest: dict[str, Inspected] = {}
    for item in inspections:
        count, known = item.unrecorded, newest.get(item.force)
        is_whole = item.counts and item.end and count and count.low is not None and count.high is not None
        if is_whole and (known is None or known.end < item.end):
            newest[item.force] = item
    return list(newest.values())


def read(folder: str) -> Comparison:
    """The comparison that a build has written into a folder; with "" that of the published inspections alone."""
    if not folder:
        return compare([], read_published())
    return Comparison.model_validate_json((Path(folder) / "comparison.json").read_text(encoding="utf-8"))


# --- pooling ---------------------------------------------------------------------------------------------------


def pool(rule: str, inspections: Sequence[Inspected]) -> Group | None:
    """Pool the overall rates of a group (:func:`cdi_lib.statistics.pooling.random_effects`).

    None for fewer than `LEAST_POOLED` inspections, or rates of 0 or 1, which have no log-odds.
    """
    rates = [item.rates["overall"] for item in inspections]
    if len(rates) < LEAST_POOLED or any(not 0 < rate.value < 1 for rate in rates):
        return None
    found = pooling.random_effects([rate.value for rate in rates], [rate.se for rate in rates])
    ends = zip(found.shrunken, found.shrunken_low, found.shrunken_high, found.weight, strict=True)
    return Group(
        rule=rule,
        pooled=found.centre,
        mean=found.mean,
        low=found.low,
        high=found.high,
        tau=found.tau,
        q=found.q,
        df=found.df,
        p_value=found.p_value,
        overdispersion=found.overdispersion,
        shrunken=[
            Shrunken(name=item.name, value=float(a), low=float(b), high=float(c), weight=float(w))
            for item, (a, b, c, w) in zip(inspections, ends, strict=True)
        ],
    )


def add(counts: Sequence[Count]) -> Count:
    """The sum of independent numbers of crimes with its interval (:func:`cdi_lib.statistics.pooling.add`)."""
    value, low, high = pooling.add([(count.value, count.low, count.high) for count in counts])
    return Count(value=value, low=low, high=high)
