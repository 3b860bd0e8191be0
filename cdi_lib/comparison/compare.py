"""Inspections of all forces beside each other: what can be compared, and how sure that is. Nothing is ranked.

Inspections are compared within groups that followed the same rules. A published figure counts once: a report that was
reconstructed from it adds nothing that the published figures do not hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from pydantic import ConfigDict, Field

from cdi_lib.inspection.details import Stored, follows
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.inspection.programme import OVERALL, default_programme
from cdi_lib.inspection.published import LATER, OUTSIDE, read_published
from cdi_lib.inspection.results import Results
from cdi_lib.inspection.tables import crime_type_of
from cdi_lib.statistics import pooling

# One of `RULES`; "from 2026-04-01, 24 hours" or "across 2026-04-01" by a programme's own table; or `PART` and its types
Rule: TypeAlias = str
Kind: TypeAlias = Literal["audit", "reconstruction", "invented", "published"]
PART = "part: "  # of a programme that looks at some offence classes only
RULES = ("72 hours", "before", "across", "after", "across 2023", "from 2023", "not known")
PRINTED_RATES = ("overall", "violence", "sexual")  # of published inspections
PRINTED_GRADES = ("overall", "effective", "efficient", "leadership")
NEW_RULE = date(2018, 4, 1)  # harassment, stalking and the like are recorded beside the principal crime
ONE_CRIME = date(2023, 6, 1)  # one principal crime a report again, these crimes included
SHORTER_LIMIT = date(2015, 4, 1)  # 24 hours to record instead of 72
LEAST_POOLED = 5  # with fewer inspections the variation between forces is hardly known
LIMITS = {"95%": 0.025, "99.8%": 0.001}  # control limits of a funnel, inner and outer, with the share beyond each end


class _Model(Stored):
    model_config = ConfigDict(frozen=True)


class _WithInterval(_Model):
    value: float
    low: float | None = None  # None: not known
    high: float | None = None


class Count(_WithInterval):
    """Crimes that go unrecorded in a year, with the interval that follows from that of the rate."""


class Rate(_WithInterval):
    """A recording rate in [0, 1]; ``n`` are audited crimes."""

    se: float | None = None
    n: int | None = None

    @follows
    def effective_n(self) -> float | None:
        """The simple random sample with the same standard error, which may follow from a published margin alone."""
        return self.value * (1 - self.value) / self.se**2 if self.se else None


class Inspected(_Model):
    """One inspection as it is compared.

    ``title`` is kind and year, such as "re-inspection 2018". Dates are ISO; ``year`` is that in which the audit period
    ended; ``counts`` says whether it takes part in pooled figures and sums.
    """

    force: str
    title: str
    published: str | None
    kind: Kind
    start: str | None
    end: str | None
    year: int | None
    rule: Rule
    rates: dict[str, Rate]
    unrecorded: Count | None
    grades: dict[str, str]
    counts: bool = True
    is_one_of_several: bool = False  # of the force in the same year
    is_draft: bool = False

    @property
    def name(self) -> str:
        """The force, with the year of the audit, which tells inspections of one force apart, or else with the title too."""
        name = f"{self.force} {self.year or self.title.rpartition(' ')[2]}{', draft' if self.is_draft else ''}"
        return f"{name} ({self.title})" if self.is_one_of_several else name

    def is_later(self, other: Inspected) -> bool:
        """Whether it came after another, by the ends of their audits or, where one is not known, by publication."""
        if self.end and other.end:
            return self.end > other.end
        return bool(self.published and other.published and self.published > other.published)


class Shrunken(_Model):
    """A rate that is partially pooled: ``weight`` in [0, 1] of its own figure, the rest of the group's mean.

    ``place`` says where the rate as measured lies against the control limits.
    """

    name: str
    value: float
    low: float
    high: float
    weight: float
    place: Literal["within", "between", "beyond"]


class Limits(_Model):
    """Control limits of a funnel at one level, by size of the sample."""

    level: str
    n: list[int]
    low: list[float]
    high: list[float]


class Group(_Model):
    """Inspections under the same rules, pooled as :class:`cdi_lib.statistics.pooling.Pooled` says.

    ``pooled`` is the centre of the funnel; ``mean``, ``low`` and ``high`` are those of the random-effects model.
    """

    rule: Rule
    pooled: float
    mean: float
    low: float
    high: float
    tau: float
    q: float
    df: int
    p_value: float
    overdispersion: float
    inflation: float  # of the limits, by the scatter; 1: none
    shrunken: list[Shrunken]
    limits: list[Limits]
    narrow: list[Limits]  # by chance in drawing the samples alone; empty where these are the limits

    @follows
    def scattered(self) -> bool:
        """Whether the rates scatter more than chance readily explains."""
        return self.p_value < pooling.SURPRISE

    @follows
    def places(self) -> dict[str, int]:
        """How many rates lie where against the control limits."""
        return dict(Counter(item.place for item in self.shrunken))


class National(_Model):
    """The rate of all forces together that have one under the same rules, each with the weight of its recorded crime.

    ``recorded`` and ``unrecorded`` are crimes in twelve months; where these were printed, they were rounded down.
    """

    rule: Rule
    forces: list[str]
    rate: float
    low: float
    high: float
    recorded: float
    unrecorded: float


class Comparison(_Model):
    """Everything that the comparison of forces shows; ``comparison.json``. ``total_of`` names what is in the sum."""

    schema_version: Literal[3] = 3
    inspections: list[Inspected]
    rate_names: dict[str, str]  # of the rates that are compared besides that of all crime
    questions: dict[str, str]  # and the whole, in a word or two
    groups: list[Group]
    total: Count | None
    total_of: list[str]
    national: list[National] = Field(default=[])
    later: list[Inspected] = Field(default=[])  # of other kinds of inspection: as printed, in no mean and no sum

    @follows
    def forces(self) -> int:
        """How many forces there are."""
        return len({item.force for item in self.inspections})

    @follows
    def kinds(self) -> dict[str, int]:
        """How many inspections of each kind there are."""
        found = [item.kind for item in self.inspections]
        return {kind: found.count(kind) for kind in get_args(Kind) if kind in found}

    @follows
    def not_pooled(self) -> list[str]:
        """Rules under which too few inspections have a rate with a known precision."""
        there = {item.rule for item in self.inspections} - {group.rule for group in self.groups}
        return [rule for rule in rules_of(self.inspections) if rule in there]

    @follows
    def superseded(self) -> list[str]:
        """Forces whose newest rate is not in the sum, because a later inspection gave no interval that could be added."""
        in_sum = {item.force: item for item in self.inspections if item.name in self.total_of}
        known = [item for item in self.inspections if item.counts and ("overall" in item.rates or item.unrecorded)]
        return sorted({item.force for item in known if item.force in in_sum and item.is_later(in_sum[item.force])})


# --- collecting ------------------------------------------------------------------------------------------------


def rules_of(inspections: Iterable[Inspected]) -> list[Rule]:
    """All rules in their order: those that are known, and before what is not those that only some of these have."""
    return [*RULES[:-1], *sorted({item.rule for item in inspections} - {*RULES}), RULES[-1]]


def compare(results: Sequence[Results], published: pd.DataFrame, later: pd.DataFrame | None = None) -> Comparison:
    """Bring computed and published inspections together, sorted by rules, year of the audit and name.

    ``published`` is as :func:`cdi_lib.inspection.published.read_published` gives it. An inspection that was computed here
    stands in the place of the published figures of the same force, kind and year. ``later`` are inspections of other kinds,
    in the same columns. InputError if two reports are of the same inspection.
    """
    printed = {(item.force, item.title): item for item in _from_table(published)}
    computed: dict[tuple[str, str], Inspected] = {}
    problems = []
    for found in results:
        own = _from_results(found)
        place = (own.force, own.title)
        if place in computed:
            expected = "one report of each inspection; the force and the year in the title tell them apart"
            problems.append(Problem(found.force, "publication.title", f"{own.title} of {own.force} twice", expected))
        same = printed.get(place)
        computed[place] = own.model_copy(update=_known(own, same)) if same and own.kind != "audit" else own
    if problems:
        raise InputError(problems)
    rules = rules_of((printed | computed).values())
    inspections = sorted(
        (printed | computed).values(), key=lambda item: (rules.index(item.rule), item.year or 0, item.force, item.title)
    )
    names = Counter(item.name for item in inspections)
    inspections = [item.model_copy(update={"is_one_of_several": names[item.name] > 1}) for item in inspections]
    newest = _newest(filter(_adds_up, inspections))
    return Comparison(
        inspections=inspections,
        rate_names=_rate_names(results),
        questions=_questions(results),
        groups=[group for rule in rules if (group := pool(rule, inspections))],
        total=add([item.unrecorded for item in newest if item.unrecorded]) if newest else None,
        total_of=sorted(item.name for item in newest),
        national=[whole for rule in rules if (whole := national(rule, inspections))],
        later=sorted(_from_table(later), key=lambda item: (item.force, item.title)) if later is not None else [],
    )


def _rate_names(results: Sequence[Results]) -> dict[str, str]:
    """What the compared rates besides that of all crime are called; of published ones as in the default programme."""
    names: dict[str, str] = {}
    for told in (default_programme().told, *(found.told for found in results)):
        labels = {id_: crime_type.label for id_, crime_type in told.crime_types.items()}
        labels |= {id_: rate.label for id_, rate in told.estimates.items()}
        names |= {id_: labels[id_] for id_ in told.compared if id_ in labels and id_ not in names}
    return names


def _questions(results: Sequence[Results]) -> dict[str, str]:
    """What the whole and its questions are called, in a word or two."""
    default = default_programme()
    asked = ((OVERALL, default.overall), *default.questions.items())
    names = {id_: question.short or question.label for id_, question in asked}
    for found in results:
        for entry in found.details.judgements.questions:
            names.setdefault(entry.id, entry.short or entry.label)
    return names


def _known(own: Inspected, printed: Inspected) -> dict[str, Any]:
    """What is kept of a reconstruction: nothing that its published figures do not hold, for the rest of it is assumed."""
    with_margin = {name for name, rate in printed.rates.items() if rate.se is not None}
    rates = printed.rates | {name: rate for name, rate in own.rates.items() if name in with_margin}
    unrecorded = own.unrecorded if "overall" in with_margin else printed.unrecorded
    place = {name: getattr(printed, name) for name in ("start", "end", "year", "rule")}
    return place | {"rates": rates, "unrecorded": unrecorded, "grades": printed.grades or own.grades}


def _from_results(found: Results) -> Inspected:
    compared = dict.fromkeys((OVERALL, *found.told.compared))
    estimates = {name: estimate for name in compared if (estimate := found.estimate(name))}
    number, judgements = found.estimate("unrecorded_overall"), found.details.judgements
    judged = (judgements.overall, *judgements.questions)
    kind, part = found.records["status"], _part(found)
    return Inspected(
        force=found.short_name,
        title=_title(found),
        published=found.publication["date"],
        kind=kind,
        **_period(found.audit_period["start"], found.audit_period["end"]) | _own_rule(found) | part,
        rates={name: Rate(value=e.value, low=e.low, high=e.high, se=e.se, n=e.n) for name, e in estimates.items()},
        unrecorded=Count(value=number.value, low=number.low, high=number.high) if number else None,
        grades={entry.id: entry.decided for entry in judged if entry.decided != "not judged"},
        counts=kind != "invented" and not part,
        is_draft=found.publication.get("status") == "draft" and kind != "reconstruction",
    )


def _title(found: Results) -> str:
    """Kind and year of the inspection as its title names them, by which the published figures are found."""
    years = [word for word in found.publication["title"].replace(":", " ").split() if word.isdecimal()]
    return f"{found.publication['kind']} {years[-1] if years else found.publication['date'][:4]}"


def _from_table(published: pd.DataFrame) -> list[Inspected]:
    rows = []
    inside = published[~published["report"].str.contains(OUTSIDE, regex=False)].astype(object)
    for row in inside.where(inside.notna(), None).to_dict("records"):
        rates = {
            name: rate for name in PRINTED_RATES if (rate := _printed_rate(row[f"{name}_rate"], row[f"{name}_margin"]))
        }
        grades = {name: grade for name in PRINTED_GRADES if (grade := row[f"grade_{name}"])}
        unrecorded = _printed_count(row["overall_unrecorded_over"], rates.get("overall"))
        if rates or grades or unrecorded:
            item = {"force": row["force"], "title": row["report"], "published": row["published"], "kind": "published"}
            item |= _period(row["audit_start"], row["audit_end"])
            rows.append(Inspected(**item, rates=rates, unrecorded=unrecorded, grades=grades))
    return rows


def _printed_rate(percent: float | None, margin: float | None) -> Rate | None:
    if percent is None or margin is None:
        return None if percent is None else Rate(value=percent / 100)
    low, high = (percent - margin) / 100, min((percent + margin) / 100, 1.0)
    return Rate(value=percent / 100, low=low, high=high, se=margin / 100 / pooling.Z)


def _printed_count(over: float | None, rate: Rate | None) -> Count | None:
    """The printed number, which was rounded down; its interval is that of the rate, for the recorded crime behind it."""
    if over is None:
        return None
    if rate is None or rate.low is None or rate.high is None or rate.value == 1:
        return Count(value=over)  # nothing unrecorded tells nothing of what was recorded
    recorded_crime = over * rate.value / (1 - rate.value)
    low, high = (recorded_crime * (1 - end) / end for end in (rate.high, rate.low))
    return Count(value=over, low=low, high=high)


def _period(start: str | None, end: str | None) -> dict[str, Any]:
    if start is None or end is None:
        return {"start": None, "end": None, "year": None, "rule": "not known"}
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    if first < SHORTER_LIMIT:
        rule = "72 hours"
    elif last < NEW_RULE:
        rule = "before"
    elif first < NEW_RULE:
        rule = "across"
    elif last < ONE_CRIME:
        rule = "after"
    else:
        rule = "from 2023" if first >= ONE_CRIME else "across 2023"
    return {"start": start, "end": end, "year": last.year, "rule": rule}


def _own_rule(found: Results) -> dict[str, Rule]:
    """The rule by the table of the inspection's own programme, where that says another than the default one."""
    first, last = (date.fromisoformat(str(found.audit_period[end])) for end in ("start", "end"))
    default, details = default_programme(), found.details
    if "recording_rule" not in details.model_fields_set:  # of an older version
        return {}
    held = [details.recording_rule, *details.later_rules]
    usual = [default.rule_on(first), *default.rules_within(first, last)]
    if [(rule.since, rule.limit_hours) for rule in held] == [(rule.since, rule.limit_hours) for rule in usual]:
        return {}
    newest = held[-1]
    return {"rule": f"across {newest.since}" if held[1:] else f"from {newest.since}, {newest.limit_hours} hours"}


def _part(found: Results) -> dict[str, Rule]:
    """What a programme looks at, if that is not all crime: some offence classes are of its types, and some of none."""
    types, classes = found.told.crime_types, set(crime_type_of(found.told).values())
    is_part = bool(classes & types.keys()) and not classes <= types.keys()
    return {"rule": PART + ", ".join(kind.label for kind in types.values())} if is_part else {}


def _newest(inspections: Iterable[Inspected]) -> list[Inspected]:
    """Of each force the newest of some inspections."""
    newest: dict[str, Inspected] = {}
    for item in inspections:
        known = newest.get(item.force)
        if known is None or item.is_later(known):
            newest[item.force] = item
    return list(newest.values())


def _adds_up(item: Inspected) -> bool:
    """Whether its number of unrecorded crimes has an interval, so that it can be added to others."""
    count = item.unrecorded
    return bool(item.counts and item.end and count and count.low is not None and count.high is not None)


def _weighs(item: Inspected) -> bool:
    """Whether the precision of its rate and its recorded crime are known, so that it can be weighted with others."""
    rate = item.rates.get("overall")
    return bool(item.counts and item.unrecorded and rate and rate.se and 0 < rate.value < 1)


def read(folder: str) -> Comparison:
    """The comparison that a build has written into a folder; with "" that of the published inspections alone."""
    if not folder:
        return compare([], read_published(), read_published(LATER))
    return Comparison.model_validate_json((Path(folder) / "comparison.json").read_text(encoding="utf-8"))


# --- pooling ---------------------------------------------------------------------------------------------------


def pool(rule: Rule, inspections: Sequence[Inspected]) -> Group | None:
    """Pool the overall rates under a rule that have a known precision (:func:`.pooling.random_effects`).

    None for fewer than `LEAST_POOLED` inspections, or rates of 0 or 1, which have no log-odds.
    """
    group = [item for item in inspections if item.rule == rule and item.counts and "overall" in item.rates]
    group = [item for item in group if item.rates["overall"].effective_n]
    rates = [item.rates["overall"] for item in group]
    if len(rates) < LEAST_POOLED or any(not 0 < rate.value < 1 for rate in rates):
        return None
    found = pooling.random_effects([rate.value for rate in rates], [rate.se or 0.0 for rate in rates])
    values, sizes = np.array([rate.value for rate in rates]), np.array([rate.effective_n or 0.0 for rate in rates])
    # The curves go from a small sample to a little more than the largest.
    n = np.unique(np.linspace(150, sizes.max() * 1.08, 200).round())
    inside = []
    for tail in LIMITS.values():
        low, high = pooling.control_limits(found.centre, sizes.round(), tail, found.inflation)
        inside.append((low <= values) & (values <= high))

    def curves(inflation: float) -> list[Limits]:
        ends = {level: pooling.control_limits(found.centre, n, tail, inflation) for level, tail in LIMITS.items()}
        whole = n.astype(int).tolist()
        return [
            Limits(level=level, n=whole, low=low.tolist(), high=high.tolist()) for level, (low, high) in ends.items()
        ]

    places = np.select(inside, ["within", "between"], "beyond").tolist()
    ends = zip(found.shrunken, found.shrunken_low, found.shrunken_high, found.weight, places, strict=True)
    fields = ("mean", "low", "high", "tau", "q", "df", "p_value", "overdispersion", "inflation")
    return Group(
        rule=rule,
        pooled=found.centre,
        **{name: getattr(found, name) for name in fields},
        shrunken=[
            Shrunken(name=item.name, value=value, low=low, high=high, weight=weight, place=place)
            for item, (value, low, high, weight, place) in zip(group, ends, strict=True)
        ],
        limits=curves(found.inflation),
        narrow=curves(1.0) if found.inflation > 1 else [],
    )


def national(rule: Rule, inspections: Sequence[Inspected]) -> National | None:
    """The rate of the forces that were inspected under a rule, by their newest inspections; None for fewer than two.

    It takes a rate with a known precision and a number of unrecorded crimes, from which recorded crime follows:
    U r / (1 - r). Every force stands for itself; forces without such figures are left out, not estimated.
    """
    newest = _newest(item for item in inspections if item.rule == rule and _weighs(item))
    if len(newest) < 2:
        return None
    rates = [item.rates["overall"] for item in newest]
    missed = [item.unrecorded.value for item in newest if item.unrecorded]
    recorded = [u * rate.value / (1 - rate.value) for u, rate in zip(missed, rates, strict=True)]
    found = pooling.crime_weighted([rate.value for rate in rates], [rate.se or 0.0 for rate in rates], recorded)
    return National(
        rule=rule,
        forces=sorted(item.force for item in newest),
        recorded=sum(recorded),
        unrecorded=sum(recorded) * (1 / found[0] - 1),
        **dict(zip(("rate", "low", "high"), found, strict=True)),
    )


def add(counts: Sequence[Count]) -> Count:
    """The sum of independent numbers of crimes with its interval (:func:`cdi_lib.statistics.pooling.add`)."""
    value, low, high = pooling.add([(c.value, c.low or 0.0, c.high or 0.0) for c in counts])
    return Count(value=value, low=low, high=high)
