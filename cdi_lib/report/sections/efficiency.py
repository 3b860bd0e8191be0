"""Tables of dip samples, timeliness, equality, the survey and inspectors' assessments."""

from typing import Any

from cdi_lib.inspection.results import Results
from cdi_lib.report import wording
from cdi_lib.report.labels import said
from cdi_lib.report.sections.effectiveness import interval_cells
from cdi_lib.report.tables import Table, headed


def counted(identity: str, results: Results) -> Table | None:
    """A table of "x of y" of the programme, with both numbers; a part that was not inspected is left out."""
    asked = results.told.tables[identity]
    found = [(key, label, share) for key, label in asked.rows.items() if (share := results.share(key))]
    rows: list[dict[str, Any]]
    if asked.kind == "dip":  # records examined, crimes that should have been recorded, and crimes that were
        counts = results.tallies["dip_records_of"].counts if "dip_records_of" in results.tallies else {}
        rows = [
            {"code": key, "item": label, "records": counts.get(key), "crimes": share.n, "recorded": share.x}
            for key, label, share in found
        ]
    elif asked.kind == "in time":
        rows = [
            {"code": key, "crime_type": label, "recorded": share.n, "within": share.x, "share": share.proportion}
            for key, label, share in found
            if share.n
        ]
    else:
        # a share of none: nothing was examined
        rows = [{"code": key, "item": label, "x": share.x, "n": share.n} for key, label, share in found if share.n]
    hours, note = str(results.details.recording_limit_hours), ""
    if asked.kind == "in time":
        later = [rule for rule in results.details.later_rules if str(rule.limit_hours) != hours]
        told = [said("within_24.later", day=wording.day(rule.since), hours=rule.limit_hours) for rule in later]
        note = " ".join([*told, said("within_24.first", hours=hours)] if told else [])
    return headed(identity, rows, note, columns=COLUMNS_LIKE[asked.kind], hours=hours)


def rates(identity: str, results: Results) -> Table | None:
    """A table of rates of the programme with their intervals; one that could not be estimated is left out."""
    rows = [
        {"code": key, "item": label, "rate": rate.value, "n": rate.n} | interval_cells(rate)
        for key, label in results.told.tables[identity].rows.items()
        if (rate := results.estimate(key))
    ]
    return headed(identity, rows, columns="tbl-quality", level=wording.percent_confidence(results.estimates["overall"]))


COLUMNS_LIKE = {"dip": "tbl-other-systems", "in time": "tbl-within-24", "counted": "tbl-rape"}


def equality(results: Results) -> Table | None:
    """Which characteristics of victims are recorded."""
    rows = [
        {"characteristic": wording.capital(name), "recorded": wording.yes_no(yes)}
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
