"""Tables of rates, unrecorded crime, domestic abuse, rape, and the inspection before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cdi_lib.inspection.parameters import CRIME_TYPES
from cdi_lib.inspection.results import EstimateResult, Results
from cdi_lib.report import tables, wording
from cdi_lib.report.labels import CAUTIONS, TYPE_LABELS
from cdi_lib.report.tables import Column, Table


def rates(results: Results) -> Table:
    """Recording rates with their intervals, and a column of cautions where there is one."""
    rows = [
        {"code": key, "crime_type": label, "audited": rate.n, "recorded": rate.recorded}
        | {"rate": rate.value, "low": rate.low, "high": rate.high, "note": _caution(rate)}
        for key, label in TYPE_LABELS.items()
        if (rate := results.estimate(key))
    ]
    columns = [
        tables.text("crime_type", "Crime type"),
        tables.count("audited", "Audited crimes (n)"),
        tables.count("recorded", "Recorded"),
        tables.percent("rate", "Recording rate"),
        *interval_columns(results, tables.percent),
    ]
    if any(row["note"] != "none" for row in rows):
        columns.append(tables.text("note", "Caution"))
    return Table(tuple(columns), rows, _weights_note(results))


def _weights_note(results: Results) -> str:
    """Why a rate is not recorded over audited crimes, where it is not."""
    if results.details.headline == "pooled":
        return ""
    note = "In the rate of all crime each crime type has its weight in recorded crime."
    if results.details.strata:
        note += (
            " In every rate a crime counts by the chance with which its incident was drawn; the weight of its type in "
            "recorded crime comes on top in that of all crime only, not in that of domestic abuse."
        )
    return f"{note} So a rate need not be recorded over audited crimes."


def _caution(rate: EstimateResult) -> str:
    return wording.in_words(text for flag, text in CAUTIONS.items() if flag in rate.flags)


def interval_columns(results: Results, column: Callable[[str, str], Column]) -> list[Column]:
    """The two ends of an interval, with its level in their headers."""
    level = wording.percent_confidence(results.estimates["overall"])
    return [column("low", f"{level} CI lower"), column("high", f"{level} CI upper")]


def unrecorded(results: Results) -> Table | None:
    """Crimes that go unrecorded in a year, by crime type."""
    found = {key: rate for key in TYPE_LABELS if (rate := results.estimate(f"unrecorded_{key}"))}
    rows = [
        {
            "code": key,
            "crime_type": TYPE_LABELS[key],
            "recorded_crime": results.details.row(key).recorded_crime,
            "unrecorded": rate.value,
            "low": rate.low,
            "high": rate.high,
            "n": rate.n,
        }
        for key, rate in found.items()
    ]
    columns = (
        tables.text("crime_type", "Crime type"),
        tables.count("recorded_crime", "Recorded in 12 months"),
        tables.over("unrecorded", "Estimated unrecorded a year"),
        *interval_columns(results, tables.about),
        tables.count("n", "Audited crimes (n)"),
    )
    return Table(columns, rows, sum_note(results)) if rows else None


def sum_note(results: Results) -> str:
    """Why the crime types do not add up to all crime, where they do not."""
    if results.details.headline != "pooled":
        return ""
    return "The row of all crime rests on the pooled rate, so it is not the sum of the others."


def domestic_abuse(results: Results) -> Table | None:
    """Domestic abuse crimes recorded and not, by crime type."""
    share = results.share("domestic_abuse")
    if share is None or share.n == 0:
        return None
    parts = ("audited", "recorded", "unrecorded")
    counts = {part: results.tallies[f"domestic_abuse_{part}"].counts for part in parts}
    rows = [
        {"code": name, "crime_type": TYPE_LABELS[name]} | {part: counts[part][name] for part in parts}
        for name in CRIME_TYPES
    ]
    total = {"audited": share.n, "recorded": share.x, "unrecorded": share.missed}
    rows.append({"code": "overall", "crime_type": "All domestic abuse crime"} | total)
    columns = (
        tables.text("crime_type", "Crime type"),
        tables.count("audited", "Audited crimes (n)"),
        tables.count("recorded", "Recorded"),
        tables.count("unrecorded", "Not recorded"),
    )
    return Table(columns, rows)


def offence_classes(tally: str) -> Callable[[Results], Table | None]:
    """A table of unrecorded crimes by offence class, from the counts with this id."""

    def build(results: Results) -> Table | None:
        found = results.tallies.get(tally)
        counts = found.counts if found else {}
        rows = [{"offence": name, "unrecorded": number} for name, number in counts.items()]
        columns = (tables.text("offence", "Offence class"), tables.count("unrecorded", "Not recorded"))
        return Table(columns, rows) if rows else None

    return build


def shares(labels: dict[str, str], what: str, done: str) -> Callable[[Results], Table | None]:
    """A table of "x of y" with both numbers; a part that was not inspected is left out."""

    def build(results: Results) -> Table | None:
        rows = [
            {"code": key, "item": label, "x": share.x, "n": share.n}
            for key, label in labels.items()
            if (share := results.share(key))
            and (key, share.n) != ("rape", 0)  # none in the sample: nothing was examined
        ]
        columns = (tables.text("item", what), tables.count("x", done), tables.count("n", "Out of (n)"))
        return Table(columns, rows) if rows else None

    return build


def previous(results: Results) -> Table | None:
    """The previous inspection and this one, with what differs between them."""
    details = results.details
    before, compared = details.previous, details.compared_with_previous
    if before is None or compared is None:
        return None
    kind = "random sample" if before.representative else "dip sample, not representative"
    this = f"{details.recording_limit_hours} hours"
    rows = [
        {"inspection": f"{before.year}", "sample": kind, "limit": f"{before.recording_limit_hours} hours"}
        | _rate_cells(results.estimates["previous"]),
        {"inspection": results.publication["date"][:4], "sample": "random sample", "limit": this}
        | _rate_cells(results.estimates["overall"]),
    ]
    columns = (
        tables.text("inspection", "Inspection"),
        tables.text("sample", "Kind of sample"),
        tables.text("limit", "Time limit for recording"),
        tables.count("n", "Audited crimes (n)"),
        tables.count("recorded", "Recorded"),
        tables.percent("rate", "Recording rate"),
        *interval_columns(results, tables.percent),
    )
    differs = wording.in_words(["period", *(_DIFFERENCES[what] for what in compared.differs)])
    return Table(columns, rows, f"The inspections differ in {differs}. Their difference is taken before rounding.")


_DIFFERENCES = {"representative": "kind of sample", "recording_limit_hours": "time limit for recording"}


def _rate_cells(rate: EstimateResult) -> dict[str, Any]:
    return {"n": rate.n, "recorded": rate.recorded, "rate": rate.value, "low": rate.low, "high": rate.high}
