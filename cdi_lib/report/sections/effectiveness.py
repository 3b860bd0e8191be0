"""Tables of rates, unrecorded crime, domestic abuse, counts of what was examined, and the inspection before."""

from typing import Any

from cdi_lib.inspection.results import EstimateResult, Results
from cdi_lib.report import wording
from cdi_lib.report.labels import book, class_name, crime_types, rows_of_types, said
from cdi_lib.report.tables import Table, headed


def rates(results: Results) -> Table | None:
    """Recording rates with their intervals, and a column of cautions where there is one."""
    known = book("labels")["cautions"]
    cautions = lambda rate: wording.in_words(text for flag, text in known.items() if flag in rate.flags)
    rows = [
        {"code": key, "crime_type": label, "audited": rate.n, "note": cautions(rate), "flags": " ".join(rate.flags)}
        | _rate_cells(rate)
        for key, label in rows_of_types(results.told).items()
        if (rate := results.estimate(key))
    ]
    without = () if any(row["note"] != wording.in_words([]) for row in rows) else ("note",)
    rows = [{key: value for key, value in row.items() if key not in without} for row in rows]
    note = " ".join(filter(None, [_weights_note(results), _without_rate(results, "")]))
    return headed("tbl-rates", rows, note, without, level=interval_level(results))


def _without_rate(results: Results, prefix: str) -> str:
    """Which crime types have no row, because none of their crimes was audited, or none was recorded."""
    missing = [label for key, label in rows_of_types(results.told).items() if not results.estimate(f"{prefix}{key}")]
    return said("rates.missing", types=wording.in_words(missing)) if missing else ""


def _rate_cells(rate: EstimateResult) -> dict[str, Any]:
    return {"recorded": rate.recorded, "rate": rate.value} | interval_cells(rate)


def interval_cells(estimate: EstimateResult) -> dict[str, Any]:
    """The interval of an estimate with what makes it one: for a row, whose page shows the ends only."""
    how = {"se": estimate.se, "confidence": estimate.confidence, "interval": estimate.interval}
    return {"low": estimate.low, "high": estimate.high} | how | {"estimator": estimate.estimator, "unit": estimate.unit}


def _weights_note(results: Results) -> str:
    """Why a rate is not recorded over audited crimes, where it is not."""
    if results.details.headline == "pooled":
        return ""
    one = "_one" if len(results.told.crime_types) == 1 else ""
    why = [*([] if one else ["rates.weights"]), *([f"rates.drawn{one}"] if results.details.strata else [])]
    return " ".join(said(key) for key in (*why, "rates.not_a_share")) if why else ""


def interval_level(results: Results) -> str:
    """The level of the intervals, for the headings of their ends."""
    return wording.percent_confidence(results.estimates["overall"])


def unrecorded(results: Results) -> Table | None:
    """Crimes that go unrecorded in a year, by crime type."""
    rows = [
        {"code": key, "crime_type": label, "recorded_crime": results.details.row(key).recorded_crime}
        | {"unrecorded": estimate.value, "n": estimate.n}
        | interval_cells(estimate)
        for key, label in rows_of_types(results.told).items()
        if (estimate := results.estimate(f"unrecorded_{key}"))
    ]
    is_compared = any(row.result.startswith("unrecorded_") for row in results.details.published)
    published = said("unrecorded.published") if is_compared else ""
    note = " ".join(filter(None, [published, sum_note(results), _without_rate(results, "unrecorded_")]))
    return headed("tbl-unrecorded", rows, note, level=interval_level(results))


def sum_note(results: Results) -> str:
    """Why the crime types do not add up to all crime, where they do not."""
    return said("unrecorded.not_the_sum") if results.details.headline == "pooled" else ""


def domestic_abuse(results: Results) -> Table | None:
    """Domestic abuse crimes recorded and not, by crime type."""
    share = results.share("domestic_abuse")
    if share is None or share.n == 0:
        return None
    parts = ("audited", "recorded", "unrecorded")
    counts = {part: results.tallies[f"domestic_abuse_{part}"].counts for part in parts}
    labels = crime_types(results.told)
    rows = [
        {"code": name, "crime_type": labels.get(name, said("disclosure.types"))} | {p: counts[p][name] for p in parts}
        for name in counts["audited"]
    ]
    total = {"audited": share.n, "recorded": share.x, "unrecorded": share.missed}
    return headed("tbl-domestic-abuse", [*rows, {"code": "overall", "crime_type": said("domestic_abuse.all")} | total])


def offence_classes(identity: str, tally: str, results: Results) -> Table | None:
    """A table of unrecorded crimes by offence class, from the counts with this id."""
    counts = results.tallies[tally].counts if tally in results.tallies else {}
    return headed(identity, [{"offence": class_name(name), "unrecorded": n} for name, n in counts.items()])


def previous(results: Results) -> Table | None:
    """The previous inspection and this one, with what differs between them."""
    details = results.details
    before, compared = details.previous, details.compared_with_previous
    if before is None or compared is None:
        return None
    kind = said(f"previous.{'random' if before.representative else 'dip'}")
    year, random = results.publication["date"][:4], said("previous.random")
    rows = [
        {"inspection": of, "sample": sample, "limit": said("previous.hours", hours=hours), "limit_hours": hours}
        | {"n": rate.n}
        | _rate_cells(rate)
        for of, sample, hours, rate in (
            (f"{before.year}", kind, before.recording_limit_hours, results.estimates["previous"]),
            (year, random, details.recording_limit_hours, results.estimates["overall"]),
        )
    ]
    differs = wording.in_words(said(f"previous.{what}") for what in ("period", *compared.differs))
    note = said("previous.differs", what=differs)
    return headed("tbl-previous", rows, note, level=interval_level(results))
