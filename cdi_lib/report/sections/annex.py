"""Tables of the technical annex: the sample, the estimators, published figures, assumptions, files."""

from cdi_lib.inspection.results import Results
from cdi_lib.report import wording
from cdi_lib.report.labels import crime_types, rows_of_types, said, word
from cdi_lib.report.sections.effectiveness import interval_cells, interval_level, sum_note
from cdi_lib.report.tables import Table, headed


def sample(results: Results) -> Table | None:
    """The main sample by crime type, and the reported crime that it stands for."""
    names = rows_of_types(results.told)
    rows = [{"stratum": names[row.code]} | row.model_dump() for row in results.details.sample if row.code in names]
    return headed("tbl-sample", rows, sum_note(results))


def strata(results: Results) -> Table | None:
    """The strata of the draw, where they are not the crime types."""
    return headed("tbl-strata", [row.model_dump() for row in results.details.strata])


def plan(results: Results) -> Table | None:
    """Planned and audited numbers by crime type."""
    rows = [{"crime_type": crime_types(results.told)[row.code]} | row.model_dump() for row in results.details.plan]
    return headed("tbl-plan", rows)


def response(results: Results) -> Table | None:
    """What became of the drawn incidents, by stratum."""
    fieldwork = results.details.fieldwork
    if fieldwork is None:
        return None
    rows = [{"stratum": name} | counts.model_dump() for name, counts in fieldwork.strata.items()]
    whole = fieldwork.model_dump()
    rows.append({"stratum": said("tables.all_strata")} | {key: whole[key] for key in rows[0] if key != "stratum"})
    return headed("tbl-response", rows, without=() if fieldwork.reserves else ("reserves",))


def estimators(results: Results) -> Table | None:
    """The overall rate by both estimators."""
    rows = []
    for key, label in (("overall_pooled", said("tables.pooled")), ("overall_stratified", said("tables.stratified"))):
        if rate := results.estimate(key):
            is_headline = results.details.headline == key.removeprefix("overall_")
            unrecorded = results.estimate(f"unrecorded_{key}")
            rows.append(
                interval_cells(rate)
                | {"code": key, "estimator": label, "headline": wording.yes_no(is_headline)}
                | {"rate": rate.value, "margin": rate.margin}
                | {"unrecorded": unrecorded.value if unrecorded else None, "n": rate.n}
            )
    return headed("tbl-estimators", rows, level=interval_level(results))


def sensitivity(results: Results) -> Table | None:
    """The overall rate under each estimator and interval."""
    rows = [
        {"estimator": row.estimator, "clusters": said(f"sensitivity.{'clustered' if row.clustered else 'independent'}")}
        | {"interval": word("intervals", row.method), "rate": row.rate, "low": row.low, "high": row.high}
        | {"n": results.estimates["overall"].n}
        for row in results.details.sensitivity
    ]
    return headed("tbl-sensitivity", rows)


def published(results: Results) -> Table | None:
    """Published figures beside the computed ones."""
    known = ({"code": row.result, "provenance": results.status(row.result)} for row in results.details.published)
    rows = [one | row.model_dump() for one, row in zip(known, results.details.published, strict=True)]
    # one type a column: what was printed as text is in `computed`
    rows = [row | {"value": None if isinstance(row["value"], str) else row["value"]} for row in rows]
    return headed("tbl-published", rows)


def assumptions(results: Results) -> Table | None:
    """What is taken as given."""
    return headed("tbl-assumptions", [item.model_dump(mode="json") for item in results.details.assumptions])


def register(results: Results) -> Table | None:
    """Areas for improvement of earlier inspections, and what became of them."""
    rows = [
        {"code": row.id}
        | row.model_dump(mode="json")
        | {"until": wording.day(row.deadline), "by": wording.day(row.raised_on)}
        for row in results.details.earlier_areas
    ]
    return headed("tbl-register", rows)


def inputs(results: Results) -> Table | None:
    """The files that the results were computed from."""
    return headed("tbl-inputs", [{"file": name, "sha256": value} for name, value in results.inputs.items()])
