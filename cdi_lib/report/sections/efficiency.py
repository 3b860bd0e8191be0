"""Tables of dip samples, timeliness, equality, the survey and inspectors' assessments."""

from __future__ import annotations

from collections.abc import Callable

from cdi_lib.inspection.results import Results
from cdi_lib.report import tables, wording
from cdi_lib.report.labels import WITHIN_24
from cdi_lib.report.tables import Table


def dip_samples(labels: dict[str, str]) -> Callable[[Results], Table | None]:
    """Dip samples: records examined, crimes that should have been recorded, and crimes that were."""

    def build(results: Results) -> Table | None:
        examined = results.tallies.get("dip_records_of")
        if examined is None:
            return None
        rows = [
            {"code": key, "item": label, "records": examined.counts[key], "crimes": share.n, "recorded": share.x}
            for key, label in labels.items()
            if (share := results.share(key))
        ]
        columns = (
            tables.text("item", "Dip sample"),
            tables.count("records", "Records examined"),
            tables.count("crimes", "Crimes found (n)"),
            tables.count("recorded", "Recorded"),
        )
        return Table(columns, rows) if rows else None

    return build


def within_24(results: Results) -> Table | None:
    """Crimes recorded within the time limit, by crime type."""
    rows = [
        {"code": key, "crime_type": label, "recorded": share.n, "within": share.x, "share": share.proportion}
        for key, label in (WITHIN_24 | {"within_24": "All crime"}).items()
        if (share := results.share(key)) and share.n
    ]
    columns = (
        tables.text("crime_type", "Crime type"),
        tables.count("recorded", "Recorded crimes with known times (n)"),
        tables.count("within", "Recorded within 24 hours"),
        tables.percent("share", "Share of these"),
    )
    return Table(columns, rows) if rows else None


def equality(results: Results) -> Table | None:
    """Which characteristics of victims are recorded."""
    rows = [
        {"characteristic": wording.capital(name), "recorded": "yes" if yes else "no"}
        for name, yes in results.details.equality.items()
    ]
    columns = (
        tables.text("characteristic", "Characteristic of victims"),
        tables.text("recorded", "Routinely recorded"),
    )
    return Table(columns, rows) if rows else None


def survey(results: Results) -> Table | None:
    """The answers of officers and staff."""
    statements = results.details.survey_statements
    rows = [
        {"code": key, "statement": statements[key]} | answers.model_dump()
        for key, answers in results.details.survey.items()
        if answers.n
    ]
    columns = (
        tables.text("statement", "Statement"),
        tables.count("agree", "Agree or strongly agree"),
        tables.count("neither", "Neither"),
        tables.count("disagree", "Disagree or strongly disagree"),
        tables.count("n", "Answers (n)"),
    )
    return Table(columns, rows) if rows else None


def assessments(results: Results) -> Table | None:
    """What inspectors looked for and found."""
    rows = [{"code": item.element} | item.model_dump(mode="json") for item in results.details.assessments]
    columns = (
        tables.text("criterion", "What inspectors looked for"),
        tables.text("finding", "Finding"),
        tables.text("evidence", "Evidence"),
    )
    return Table(columns, rows) if rows else None
