"""Where a result comes from: published, derived, computed, assumed or illustrative. Never said by hand, always worked out
from what the result rests on: the status of the records, the columns and cells that were assumed, the parameters."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import TypeAlias

from cdi_lib.inspection.details import PublishedRow, Status
from cdi_lib.inspection.parameters import CountFigure, Inspection, PercentageFigure, PreviousInspection
from cdi_lib.inspection.programme import MAIN, WHOLE, Programme
from cdi_lib.inspection.results import Results

WORST_FIRST: tuple[Status, ...] = ("illustrative", "assumed", "derived", "computed", "published")
# Table, columns that are read, and which rows
Reads: TypeAlias = tuple[str, tuple[str, ...], Mapping[str, Sequence[str]]]
_BASIS: dict[str, Status] = {"audit": "computed", "reconstruction": "derived", "invented": "illustrative"}
_SAY_IT = ("programme", "assumptions", "published", "provenance")  # of themselves
# Columns that crimes get from others.
_FROM = {
    "rape": ("offence_class",),
    "modern_slavery": ("offence_class",),
    "within_limit": ("reported_at", "recorded_at"),
    "rightly_classed": ("offence_class", "recorded_class"),
}
_IN_MAIN = {"sample": (MAIN,)}
_TALLIES: dict[str, Reads] = {
    "audited": ("crimes", ("sample",), {}),
    "routes": ("crimes", ("route",), _IN_MAIN),
    "unrecorded_classes": ("crimes", ("offence_class", "recorded"), _IN_MAIN),
    "rape_not_recorded": ("crimes", ("offence_class", "recorded_as"), _IN_MAIN),
    "dip_records": ("dip_records", ("sample",), {}),
    "dip_records_of": ("dip_records", ("sample",), {}),
    "survey_respondents": ("survey", ("respondent_id",), {}),
    "domestic_abuse_unrecorded_classes": ("crimes", ("domestic_abuse", "offence_class", "recorded"), {}),
}
_OF_ABUSE: Reads = ("crimes", ("domestic_abuse", "crime_type", "recorded"), {})


def statuses(results: Results, inspection: Inspection, published: Sequence[PublishedRow]) -> dict[str, Status]:
    """The status of every result by its id (``estimates.overall``), and of each part of it that has another one.

    The id of an estimate gives the status of its value; ``.interval`` and ``.counts`` are the rest (`Results.status`).
    """
    printed: dict[str, Status] = {row.result: "published" for row in published if row.reproduced == "yes"}
    found: dict[str, Status] = {}
    for kind in ("estimates", "shares", "tallies"):
        for name in results.shelf(kind):
            key = f"{kind}.{name}"
            own: Status = "assumed" if _is_assumed(kind, name, inspection) else _BASIS[inspection.records.status]
            found[key] = printed.get(key) or printed.get(f"{key}.value") or own
            if kind == "estimates":
                found[f"{key}.counts"] = own
                found[f"{key}.interval"] = printed.get(f"{key}.margin") or _of_interval(name, own, inspection)
    if "estimates.change" in found and "estimates.overall.interval" in found:
        ends = (found["estimates.change"], found["estimates.overall.interval"])
        found["estimates.change.interval"] = weakest(ends)
    for name, tally in results.tallies.items():  # of which each count was printed
        parts = [f"tallies.{name}.counts.{part}" for part, count in tally.counts.items() if count]
        if parts and all(part in printed for part in parts):
            found[f"tallies.{name}"] = "published"
    same = f"overall_{inspection.estimation.headline}"  # the headline under its other name
    for prefix, part in product(("estimates.", "estimates.unrecorded_"), ("", ".interval", ".counts")):
        if prefix + same + part in found and f"{prefix}overall{part}" in found:
            found[prefix + same + part] = found[f"{prefix}overall{part}"]
    found |= dict(_of_details(results, inspection, found)) | printed
    if inspection.records.status == "invented":
        found = dict.fromkeys(found, "illustrative")
    return {key: status for key, status in found.items() if found.get(key.rpartition(".")[0]) != status}


def weakest(known: Iterable[Status]) -> Status:
    """The status of what rests on several results: that which promises least.

    >>> weakest(["published", "assumed", "derived"])
    'assumed'
    """
    return min(known, key=WORST_FIRST.index)


def _stated(inspection: Inspection, *figures: CountFigure | PercentageFigure | PreviousInspection | None) -> Status:
    """The status of figures of the parameters; those that the force or the auditors supplied are as their records."""
    basis = _BASIS[inspection.records.status]
    known = [basis if figure.status == "supplied" else figure.status for figure in figures if figure]
    return weakest(known or [basis])


def _of_interval(name: str, own: Status, inspection: Inspection) -> Status:
    """It rests on reported crime as well, and so on recorded crime and the share that came by an auditable route."""
    figures, part = inspection.recorded_crime, name.removeprefix("unrecorded_")
    if part in ("previous", "change"):
        return own
    named = [figures[part]] if part in figures else figures.values()
    return weakest([own, _stated(inspection, *named, inspection.auditable_route_percent)])


def _of_details(results: Results, inspection: Inspection, found: Mapping[str, Status]) -> Iterator[tuple[str, Status]]:
    """The status of what is stored beside estimates, shares and tallies: that of the records, but for these."""
    basis = _BASIS[inspection.records.status]
    figures, route = inspection.recorded_crime, inspection.auditable_route_percent
    yield from ((f"details.{name}", basis) for name in (*results.shelf("details"), "back_test") if name not in _SAY_IT)
    whole = weakest([basis, _stated(inspection, *figures.values(), route)])
    yield from (("details.sample", whole), ("details.with_prior", whole), ("details.crimes_per_point", whole))
    yield "details.recorded_crime", _stated(inspection, *figures.values())
    yield "details.auditable_route", _stated(inspection, route)
    yield "details.previous", _stated(inspection, inspection.previous_inspection)
    yield "details.recording_limit_hours", "published"  # in the rules of recording
    if inspection.records.status == "reconstruction":  # nobody publishes a plan
        yield from (("details.plan", "assumed"), ("details.sampling", "assumed"))
    for name in figures:
        yield f"details.sample.{name}", weakest([basis, _stated(inspection, figures[name], route)])
        yield f"details.sample.{name}.crimes", found.get(f"estimates.{name}.counts", basis)
    rates = [_of_estimator(row.estimator, inspection, found) for row in results.details.sensitivity]
    for place, rate in enumerate(rates):
        yield f"details.sensitivity.{place}", rate
        yield f"details.sensitivity.{place}.interval", weakest([rate, whole])
    yield "details.sensitivity_range", weakest([*rates, whole])
    yield from _of_judgements(inspection, found)


def _of_estimator(estimator: str, inspection: Inspection, found: Mapping[str, Status]) -> Status:
    if estimator != "raked":
        return found[f"estimates.overall_{estimator}"]
    figures = (*inspection.recorded_crime.values(), *inspection.recorded_crime_by_route.values())
    assumed = _overlaps(("crimes", ("recorded", "crime_type", "route"), _IN_MAIN), inspection)
    return "assumed" if assumed else weakest([_BASIS[inspection.records.status], _stated(inspection, *figures)])


def _of_judgements(inspection: Inspection, found: Mapping[str, Status]) -> Iterator[tuple[str, Status]]:
    """Of each grade by the criteria, and how sure it is: that of its evidence, and for a question that of its parts. The
    cut-offs are the choice of those who made the criteria."""
    programme, basis, of_grades = inspection.programme, _BASIS[inspection.records.status], {}
    for id_, element in programme.elements.items():
        measure = f"estimates.{element.estimate}" if element.estimate else f"shares.{element.share}"
        evidence = found.get(measure, basis)
        of_grades[id_] = weakest([basis, evidence, found.get(f"{measure}.interval", evidence)])
        yield f"details.judgements.{id_}.evidence", evidence
        yield from ((f"details.judgements.{id_}.{part}", "assumed") for part in ("bands", "next_better", "next_worse"))
    for question in programme.questions:
        of_grades[question] = weakest(of_grades[id_] for id_ in programme.elements_of(question))
    of_grades["overall"] = weakest(of_grades.values())
    yield from ((f"details.judgements.{id_}", status) for id_, status in of_grades.items())


def _is_assumed(kind: str, name: str, inspection: Inspection) -> bool:
    """Whether a result rests on a column, a cell or a parameter that was assumed."""
    if any(_overlaps(reads, inspection) for reads in _reads(kind, name, inspection)):
        return True
    figures = inspection.recorded_crime
    if name.startswith("unrecorded_") and kind == "estimates":
        part = name.removeprefix("unrecorded_")
        named = list(figures) if part in WHOLE else [part]
        return any(figures[one].status == "assumed" for one in named if one in figures)
    weights = name == "overall_stratified" or (name == "overall" and inspection.estimation.headline == "stratified")
    return kind == "estimates" and weights and any(figure.status == "assumed" for figure in figures.values())


def _overlaps(reads: Reads, inspection: Inspection) -> bool:
    """Whether assumed columns are read in rows that may be those that were assumed."""
    table, columns, where = reads
    used = {source for column in (*columns, *where) for source in _FROM.get(column, (column,))}
    for item in inspection.records.assumed:
        if item.table == table and used & set(item.columns):
            apart = (set(values) & set(where.get(column, values)) == set() for column, values in item.where.items())
            if not any(apart):
                return True
    return table == "crimes" and bool(used & set(inspection.records.says_nothing))


def _reads(kind: str, name: str, inspection: Inspection) -> Iterator[Reads]:
    programme = inspection.programme
    if kind == "estimates":
        yield from _reads_of_rate(name.removeprefix("unrecorded_"), inspection)
    elif kind == "shares":
        yield from _reads_of_share(name, programme)
    elif name.startswith("survey_") and name not in _TALLIES:
        yield "survey", ("answer",), {"statement": (name.removeprefix("survey_"),)}
    elif name in _TALLIES:
        yield _TALLIES[name]
    elif name.startswith("domestic_abuse_"):
        yield _OF_ABUSE
    elif name.endswith("_unrecorded") and (share := name.removesuffix("_unrecorded")) in programme.shares:
        yield "crimes", ("offence_class", "recorded"), dict(programme.shares[share].where)


def _reads_of_rate(name: str, inspection: Inspection) -> Iterator[Reads]:
    programme = inspection.programme
    columns: tuple[str, ...] = ("recorded", "incident_id") if inspection.estimation.clustered else ("recorded",)
    if name in ("previous", "change"):
        return
    if name in programme.crime_types:
        yield "crimes", columns, {**_IN_MAIN, "crime_type": (name,)}
    elif name in programme.estimates:
        asked = programme.estimates[name]
        yield "crimes", (*columns, *asked.counts), {**_IN_MAIN, **asked.where}
        if asked.of == "records":
            yield "over_recorded", ("crime_id", "incident_id", *asked.where, *asked.counts), {}
    elif name == "overall_stratified" or (name == "overall" and inspection.estimation.headline == "stratified"):
        yield "crimes", (*columns, "crime_type"), _IN_MAIN
    else:
        yield "crimes", columns, _IN_MAIN


def _reads_of_share(name: str, programme: Programme) -> Iterator[Reads]:
    if name == "dip":
        yield "crimes", ("recorded",), {"sample": tuple(programme.samples)}
    elif name in programme.shares:
        share = programme.shares[name]
        for part in share.sum:
            yield from _reads_of_share(part, programme)
        if not share.sum:
            yield share.table, tuple(share.counts), dict(share.where)
    elif name.startswith("survey_"):
        yield "survey", ("answer",), {"statement": (name.removeprefix("survey_"),)}
