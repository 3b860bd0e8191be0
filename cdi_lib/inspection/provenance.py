"""Where a result comes from: published, derived, computed, assumed or illustrative. Never said by hand, always worked out
from what the result rests on: the status of the records, the columns and cells that were assumed, the parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from cdi_lib.inspection.details import PublishedRow
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.programme import MAIN, WHOLE, Programme
from cdi_lib.inspection.results import Results

Status: TypeAlias = Literal["published", "derived", "computed", "assumed", "illustrative"]
# Table, columns that are read, and which rows
Reads: TypeAlias = tuple[str, tuple[str, ...], Mapping[str, Sequence[str]]]
_BASIS: dict[str, Status] = {"audit": "computed", "reconstruction": "derived", "invented": "illustrative"}
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
    """The status of every estimate, "x of y" and tally, by its id (``estimates.overall``)."""
    printed = {row.result for row in published if row.reproduced == "yes"}
    found: dict[str, Status] = {}
    for kind in ("estimates", "shares", "tallies"):
        for name in results.shelf(kind):
            key = f"{kind}.{name}"
            if inspection.records.status == "invented":
                found[key] = "illustrative"
            elif key in printed or f"{key}.value" in printed:
                found[key] = "published"
            elif _is_assumed(kind, name, inspection):
                found[key] = "assumed"
            else:
                found[key] = _BASIS[inspection.records.status]
    for name, tally in results.tallies.items():  # of which each count was printed
        parts = [f"tallies.{name}.counts.{part}" for part, count in tally.counts.items() if count]
        if parts and all(part in printed for part in parts):
            found[f"tallies.{name}"] = "published"
    same = f"overall_{inspection.estimation.headline}"  # the headline under its other name
    for prefix in ("estimates.", "estimates.unrecorded_"):
        if prefix + same in found and f"{prefix}overall" in found:
            found[prefix + same] = found[f"{prefix}overall"]
    return found


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
