"""Everything that is known about one force: read and checked once, before a notebook runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from cdi_lib.fieldwork import collected, returns
from cdi_lib.fieldwork.trail import check_drawn
from cdi_lib.inspection.folders import criteria_of, force_key, params_of
from cdi_lib.inspection.measures import check_measures
from cdi_lib.inspection.parameters import Inspection, load_inspection
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.inspection.programme import Criteria, check_judgement_inputs, load_criteria
from cdi_lib.inspection.records import AuditRecords, load_records
from cdi_lib.inspection.results import inputs_of

T = TypeVar("T")


@dataclass(frozen=True)
class Audit:
    """One inspection as it was read and checked: parameters, records, criteria and their hashes."""

    force: str
    inspection: Inspection
    records: AuditRecords
    criteria: Criteria
    inputs: dict[str, str]
    fieldwork: dict | None  # how the audit went, counted from the auditors' worksheets

    @property
    def open_challenges(self) -> int:
        """Challenges of single decisions that are not decided yet."""
        challenges = self.records.challenges
        return 0 if challenges is None else int((challenges["outcome"] == "open").sum())


# What a build has read and given to this process: its notebooks see this, not what was changed in the files since.
given: Audit | None = None


def audit_of(force: str) -> Audit:
    """The audit of a force that was given to this process, or that in the files."""
    return given if given is not None and given.force == force else read_audit(force)


def read_audit(force: str, params: Path | None = None) -> Audit:
    """Read and check everything that is known about one force.

    Raises
    ------
    InputError
        With all problems of parameters, records and criteria that stop a report.
    """
    force = force_key(force)
    params = params or params_of(force)
    problems: list[Problem] = []

    def tried(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except InputError as error:
            problems.extend(error.problems)
            return None

    inspection = load_inspection(force, params)
    criteria = tried(lambda: load_criteria(inspection.criteria, criteria_of(params)))
    if criteria is not None:
        from cdi_lib.report.telling import check_texts  # it draws charts, which takes a while to import

        problems += [p for p in check_texts(criteria, params / force / "text") if p.severity == "error"]
        problems += [p for p in check_judgement_inputs(criteria, inspection) if p.severity == "error"]
    records = tried(lambda: load_records(force, inspection, params))
    if records is not None:
        problems += check_measures(force, inspection, records)
    problems += check_drawn(force, inspection, params)
    returned = tried(lambda: returns.check_returns(force, inspection, params))
    if returned is not None and records is not None:
        problems += collected.check_strata(force, returned, records.strata)
    if problems or criteria is None or records is None:
        raise InputError([with_file(problem, force) for problem in problems])
    inputs = inputs_of(force, params, records, criteria_of(params) / f"{inspection.criteria}.yml")
    return Audit(force, inspection, records, criteria, inputs, returns.summary(returned))


def with_file(problem: Problem, force: str) -> Problem:
    """A problem that knows no file is one of the parameter file."""
    return problem if problem.file else replace(problem, file=f"params/{force}.yml")
