"""Everything that is known about one force: read and checked once, before a notebook runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from cdi_lib.fieldwork import collected, returns
from cdi_lib.fieldwork.chain import check_chain
from cdi_lib.fieldwork.trail import check_drawn
from cdi_lib.inspection.counting import doubtful_conditions
from cdi_lib.inspection.details import Judgements
from cdi_lib.inspection.folders import force_key, params_of
from cdi_lib.inspection.judgement import check_areas
from cdi_lib.inspection.measures import check_measures, doubtful_frame, doubtful_strata
from cdi_lib.inspection.parameters import Inspection, doubtful, load_inspection
from cdi_lib.inspection.problems import InputError, Problem, shown
from cdi_lib.inspection.programme import Programme, ProgrammeError
from cdi_lib.inspection.records import AuditRecords, check_register, doubtful_tables, load_records
from cdi_lib.inspection.results import inputs_of
from cdi_lib.report import labels


@dataclass(frozen=True)
class Audit:
    """One inspection as it was read and checked: parameters with their programme, records and their hashes."""

    force: str
    inspection: Inspection
    records: AuditRecords
    inputs: dict[str, str]
    fieldwork: dict | None  # how the audit went, counted from the auditors' worksheets
    told: tuple[Problem, ...] = ()  # warnings of what stops no report


# What a build has read and given to this process: its notebooks see this, not what was changed in the files since.
given: Audit | None = None


def audit_of(force: str) -> Audit:
    """The audit of a force that was given to this process, or that in the files; from here on its language is spoken."""
    audit = given if given is not None and given.force == force else read_audit(force)
    labels.use(audit.inspection.publication.language)
    return audit


def read_audit(force: str, params: Path | None = None) -> Audit:
    """Read and check everything that is known about one force; InputError with all problems that stop a report."""
    force = force_key(force)
    params = params or params_of(force)
    inspection = read_inspection(force, params)
    labels.use(inspection.publication.language)
    problems: list[Problem] = []
    records = returned = None
    with _kept(problems):
        own = lambda problem: problem.file.startswith("params")  # of the project's texts a test tells
        found = _texts(inspection.programme, force, params)
        problems += [problem for problem in found if problem.severity == "error" or own(problem)]
    with _kept(problems):
        records = load_records(force, inspection, params)
        problems += check_measures(force, inspection, records)
        problems += check_register(force, inspection, records, params)
    problems += check_drawn(force, inspection, params)
    problems += check_chain(force, inspection, params, records)
    with _kept(problems):
        returned = returns.check_returns(force, inspection, params)
    if returned is not None and records is not None:  # of its errors `make check` tells
        problems += [problem for problem in returned.problems if problem.severity == "warning"]
        problems += collected.check_strata(force, returned, records) + collected.check_collected(returned, records)
    if records is None or any(problem.severity == "error" for problem in problems):
        raise InputError([with_file(problem, force) for problem in problems if problem.severity == "error"])
    inputs = inputs_of(force, params, records, inspection.programme)
    return Audit(force, inspection, records, inputs, returns.summary(returned), tuple(problems))


def read_inspection(force: str, params: Path) -> Inspection:
    """The parameters of a force with their programme; InputError with what is wrong in them, and in its texts as well."""
    try:
        return load_inspection(force, params)
    except ProgrammeError as error:
        problems = list(error.problems)
        with _kept(problems):
            if error.programme is not None:  # what of it cannot be read is told already
                told = _texts(error.programme, force, params)
                told = [problem for problem in told if not any(shown(id_) in problem.got for id_ in error.unread)]
                problems += [problem for problem in told if problem.severity == "error"]
        raise InputError(problems) from None


def _texts(programme: Programme, force: str, params: Path) -> list[Problem]:
    from cdi_lib.report.telling import check_texts  # it draws charts, which takes a while to import

    return check_texts(programme, params / force / "text")


def doubts(audit: Audit, judgements: Judgements) -> list[Problem]:
    """Warnings of what is doubtful about an audit, its own texts and its areas for improvement."""
    inspection, records = audit.inspection, audit.records
    found = list(audit.told)
    found += doubtful(inspection, f"params/{audit.force}.yml", date.today())
    found += doubtful_strata(inspection, records) + doubtful_tables(records)
    found += doubtful_frame(audit.force, inspection, records) + doubtful_conditions(inspection, records)
    return found + [with_file(problem, audit.force) for problem in check_areas(judgements, inspection)]


@contextmanager
def _kept(problems: list[Problem]) -> Iterator[None]:
    """Add what is wrong to the problems, and go on."""
    try:
        yield
    except InputError as error:
        problems += error.problems


def with_file(problem: Problem, force: str) -> Problem:
    """A problem that knows no file is one of the parameter file."""
    return problem if problem.file else replace(problem, file=f"params/{force}.yml")
