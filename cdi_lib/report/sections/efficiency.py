"""Tables of dip samples, timeliness, equality, the survey and inspectors' assessments."""

from __future__ import annotations

from cdi_lib.inspection.results import Results
from cdi_lib.report import wording
from cdi_lib.report.labels import MODERN_SLAVERY, OTHER_SYSTEMS, WITHIN_24
from cdi_lib.report.tables import Table, headed


def other_systems(results: Results) -> Table | None:
    """Crimes of vulnerable victims held on other systems."""
    return _dip_samples("tbl-other-systems", OTHER_SYSTEMS, results)


def modern_slavery(results: Results) -> Table | None:
    """Crimes in reports of modern slavery."""
    return _dip_samples("tbl-modern-slavery", MODERN_SLAVERY, results)


def _dip_samples(identity: str, labels: dict[str, str], results: Results) -> Table | None:
    """Records examined, crimes that should have been recorded, and crimes that were."""
    examined = results.tallies.get("dip_records_of")
    if examined is None:
        return None
    rows = [
        {"code": key, "item": label, "records": examined.counts[key], "crimes": share.n, "recorded": share.x}
        for key, label in labels.items()
        if (share := results.share(key))
    ]
    return headed(identity, rows)


def within_24(results: Results) -> Table | None:
    """Crimes recorded within the time limit, by crime type."""
    rows = [
        {"code": key, "crime_type": label, "recorded": share.n, "within": share.x, "share": share.proportion}
        for key, label in (WITHIN_24 | {"within_24": "All crime"}).items()
        if (share := results.share(key)) and share.n
    ]
    return headed("tbl-within-24", rows)


def equality(results: Results) -> Table | None:
    """Which characteristics of victims are recorded."""
    rows = [
        {"characteristic": wording.capital(name), "recorded": "yes" if yes else "no"}
        for name, yes in results.details.equality.items()
    ]
    return headed("tbl-equality", rows)


def survey(results: Results) -> Table | None:
    """The answers of officers and staff."""
    details = results.details
    rows = [
        {"code": key, "statement": details.survey_statements[key]} | answers.model_dump()
        for key, answers in details.survey.items()
        if answers.n
    ]
    return headed("tbl-survey", rows)


def assessments(results: Results) -> Table | None:
    """What inspectors looked for and found."""
    rows = [{"code": item.element} | item.model_dump(mode="json") for item in results.details.assessments]
    return headed("tbl-assessments", rows)
