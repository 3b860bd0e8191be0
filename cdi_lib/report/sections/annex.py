"""Tables of the technical annex: the sample, the estimators, published figures, assumptions, files."""

from __future__ import annotations

from cdi_lib.inspection.results import Results
from cdi_lib.report import tables
from cdi_lib.report.labels import INTERVAL_NAMES, TYPE_LABELS
from cdi_lib.report.sections.effectiveness import interval_columns, sum_note
from cdi_lib.report.tables import Column, Table


def sample(results: Results) -> Table:
    """The main sample by crime type, and the reported crime that it stands for."""
    rows = [{"stratum": TYPE_LABELS[row.code]} | row.model_dump() for row in results.details.sample]
    columns = (
        tables.text("stratum", "Crime type"),
        tables.count("incidents", "Incidents with crimes"),
        tables.count("crimes", "Audited crimes (n)"),
        tables.count("recorded_crime", "Recorded in 12 months"),
        tables.count("population", "Estimated reported crimes in the frame (N)"),
        tables.percent("fraction", "Share audited"),
    )
    return Table(columns, rows, sum_note(results))


def strata(results: Results) -> Table | None:
    """The strata of the draw, where they are not the crime types."""
    rows = [row.model_dump() for row in results.details.strata]
    columns = (
        tables.text("stratum", "Stratum of the draw"),
        tables.count("frame_incidents", "Incidents in the frame"),
        tables.count("audited_incidents", "Incidents audited"),
        tables.decimal("weight", "Incidents that each stands for"),
    )
    return Table(columns, rows) if rows else None


def plan(results: Results) -> Table | None:
    """Planned and audited numbers by crime type."""
    rows = [{"crime_type": TYPE_LABELS[row.code]} | row.model_dump() for row in results.details.plan]
    columns = (
        tables.text("crime_type", "Crime type"),
        tables.count("planned_crimes", "Crimes planned"),
        tables.count("planned_incidents", "Incidents planned"),
        tables.count("audited_crimes", "Crimes audited"),
        tables.points("margin", "Margin expected from the audited number (points)"),
    )
    return Table(columns, rows) if rows else None


def response(results: Results) -> Table | None:
    """What became of the drawn incidents, by stratum."""
    fieldwork = results.details.fieldwork
    if fieldwork is None:
        return None
    rows = [{"stratum": name} | counts.model_dump() for name, counts in fieldwork.strata.items()]
    whole = fieldwork.model_dump()
    rows.append({"stratum": "All strata"} | {key: whole[key] for key in rows[0] if key != "stratum"})
    columns = (
        tables.text("stratum", "Stratum"),
        tables.count("selected", "Incidents drawn"),
        *([tables.count("reserves", "Of these, reserves")] if fieldwork.reserves else []),
        tables.count("returned", "Returned"),
        tables.count("crime", "With crimes that should have been recorded"),
        tables.count("no_crime", "Without"),
        tables.count("cannot_be_audited", "Could not be audited"),
    )
    return Table(columns, rows)


def estimators(results: Results) -> Table:
    """The overall rate by both estimators."""
    rows = []
    for key, label in (("overall_pooled", "Pooled"), ("overall_stratified", "Stratified by crime type")):
        if rate := results.estimate(key):
            is_headline = results.details.headline == key.removeprefix("overall_")
            unrecorded = results.estimate(f"unrecorded_{key}")
            rows.append(
                {"code": key, "estimator": label, "headline": "yes" if is_headline else "no"}
                | {"rate": rate.value, "margin": rate.margin, "low": rate.low, "high": rate.high}
                | {"unrecorded": unrecorded.value if unrecorded else None, "n": rate.n}
            )
    columns = (
        tables.text("estimator", "Estimator"),
        tables.text("headline", "Headline"),
        tables.count("n", "Audited crimes (n)"),
        tables.percent("rate", "Recording rate"),
        tables.points("margin", "Half-width of interval (points)"),
        *interval_columns(results, tables.percent),
        tables.about("unrecorded", "Unrecorded a year"),
    )
    return Table(columns, rows)


def sensitivity(results: Results) -> Table | None:
    """The overall rate under each estimator and interval."""
    rows = [
        {"estimator": row.estimator, "clusters": "as a cluster" if row.clustered else "independent"}
        | {"interval": INTERVAL_NAMES[row.method], "rate": row.rate, "low": row.low, "high": row.high}
        | {"n": results.estimates["overall"].n}
        for row in results.details.sensitivity
    ]
    columns = (
        tables.text("estimator", "Estimator"),
        tables.text("clusters", "Crimes of one incident"),
        tables.text("interval", "Interval"),
        tables.percent("rate", "Recording rate"),
        tables.percent("low", "Lower end", places=2),
        tables.percent("high", "Upper end", places=2),
    )
    return Table(columns, rows) if rows else None


def published(results: Results) -> Table | None:
    """Published figures beside the computed ones."""
    rows = [{"code": row.result} | row.model_dump() for row in results.details.published]
    columns = (
        tables.text("figure", "Figure"),
        Column("published", "Published", number=True),
        Column("computed", "Computed here", number=True),
        tables.text("reproduced", "Reproduced"),
    )
    return Table(columns, rows) if rows else None


def assumptions(results: Results) -> Table | None:
    """What is taken as given."""
    rows = [item.model_dump(mode="json") for item in results.details.assumptions]
    columns = (
        tables.text("text", "What is taken as given"),
        tables.text("status", "Status"),
        tables.text("source", "Source or reason"),
    )
    return Table(columns, rows) if rows else None


def inputs(results: Results) -> Table:
    """The files that the results were computed from."""
    rows = [{"file": name, "sha256": value[:16]} for name, value in results.inputs.items()]
    return Table((tables.text("file", "File"), tables.text("sha256", "SHA-256, first 16 characters")), rows)
