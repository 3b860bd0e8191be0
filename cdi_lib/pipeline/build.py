"""Read one audit, run its notebooks, and publish its report.

Everything is made in a folder of its own and takes the place of the previous report only when it is whole.
:mod:`cdi_lib.pipeline.runner` does it for many forces at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

import yaml

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from cdi_lib.fieldwork import returns
from cdi_lib.fieldwork.trail import check_drawn
from cdi_lib.inspection import results as results_module
from cdi_lib.inspection.folders import (
    BUILDING,
    PARAMS_VARIABLE,
    PROJECT,
    SECTIONS_VARIABLE,
    params_folder,
    params_of,
    remove_leftovers,
    reports_folder,
)
from cdi_lib.inspection.judgement import check_areas, check_judgement_inputs, load_criteria
from cdi_lib.inspection.measures import check_measures, doubtful_strata
from cdi_lib.inspection.parameters import Inspection, doubtful, force_key, load_inspection
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.inspection.records import AuditRecords, doubtful_tables, load_records, references
from cdi_lib.inspection.results import Recorder, Results, Section, combine, digest, inputs_of, read_section
from cdi_lib.pipeline import engine, fingerprint
from cdi_lib.report import wording

NOTEBOOKS = ("1_sample", "2_effectiveness", "3_efficiency", "4_leadership", "5_judgements")
REPORT = "report"
STEPS = (
    len(NOTEBOOKS) + 3
)  # these, the report, rendering, evidence and data; cdi_lib.pipeline.runner counts the same
NOTEBOOK_TIMEOUT_SECONDS = 900


class BuildError(Exception):
    """A report that could not be built: what, where, and what to do."""


@dataclass(frozen=True)
class Audit:
    """One inspection as it was read and checked: parameters, records, criteria and their hashes."""

    force: str
    inspection: Inspection
    records: AuditRecords
    criteria: object
    inputs: dict[str, str]
    fieldwork: dict | None  # how the audit went, counted from the auditors' worksheets

    @property
    def open_challenges(self) -> int:
        """Challenges of single decisions that are not decided yet."""
        challenges = self.records.challenges
        return 0 if challenges is None else int((challenges["outcome"] == "open").sum())


@dataclass(frozen=True)
class Step:
    """What a notebook works with: the audit, what earlier notebooks found, and a recorder for its own results."""

    audit: Audit
    earlier: tuple[Section, ...]
    recorder: Recorder
    folder: Path

    @property
    def inspection(self) -> Inspection:
        return self.audit.inspection

    @property
    def records(self) -> AuditRecords:
        return self.audit.records

    def results(self) -> Results:
        """The results of all earlier notebooks together."""
        return combine(self.audit.force, self.inspection, self.audit.inputs, list(self.earlier))

    def save(self) -> None:
        """Save what this notebook found for the notebooks after it."""
        self.recorder.save(self.folder)


# The audit that a build has read: the processes that it forks for its notebooks see this one, not what may have been
# changed in the files since.
_held: dict[tuple[str, Path], Audit] = {}


@contextlib.contextmanager
def _holding(audit: Audit, params: Path) -> Iterator[None]:
    _held[audit.force, params] = audit
    try:
        yield
    finally:
        del _held[audit.force, params]


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
    inspection = load_inspection(force, params)
    criteria = records = None
    try:
        criteria = load_criteria(inspection.criteria, criteria_folder(params))
        problems += [p for p in check_judgement_inputs(criteria, inspection) if p.severity == "error"]
    except InputError as error:
        problems += error.problems
    try:
        records = load_records(force, inspection, params)
        problems += check_measures(force, inspection, records)
    except InputError as error:
        problems += error.problems
    problems += check_drawn(force, inspection, params)
    returned = None
    try:
        returned = returns.check_returns(force, inspection, params)
        if returned is not None and records is not None:
            problems += returns.check_strata(force, returned, records.strata)
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError([_named(problem, force) for problem in problems])
    criteria_file = criteria_folder(params) / f"{inspection.criteria}.yml"
    inputs = inputs_of(force, params, records, criteria_file)
    return Audit(force, inspection, records, criteria, inputs, returns.summary(returned))


def criteria_folder(params: Path) -> Path:
    """The judgement frameworks: those beside the parameters, or the project's own."""
    own = params / "criteria"
    return own if own.is_dir() else PROJECT / "params" / "criteria"


def _named(problem: Problem, force: str) -> Problem:
    """Problems of the parameter file that know no file name get it here."""
    if problem.file:
        return problem
    return Problem(f"params/{force}.yml", problem.where, problem.got, problem.expected, problem.severity)


def open_step(notebook: str, force: str) -> Step:
    """Open one notebook's step: read the audit and what the notebooks before it found.

    A notebook that is opened by hand runs those before it first, if their results are missing or belong to other
    parameters or records.
    """
    audit = _held.get((force, params_folder())) or read_audit(force)
    by_hand = SECTIONS_VARIABLE not in os.environ
    folder = _sections_by_hand(force) if by_hand else Path(os.environ[SECTIONS_VARIABLE])
    before = NOTEBOOKS[: NOTEBOOKS.index(notebook)] if notebook in NOTEBOOKS else NOTEBOOKS
    inputs = digest(audit.inputs)
    for name in before:
        section = read_section(folder, name)
        if section is None or section.inputs != inputs:
            with _environment({SECTIONS_VARIABLE: str(folder)}), tempfile.TemporaryDirectory() as scratch:
                execute(name, force, Path(scratch) / f"{name}.ipynb")
    earlier = [read_section(folder, name) for name in before]
    if by_hand:  # cells are then numbered in the order in which somebody happened to run them
        earlier = [section.model_copy(update={"cells": {}}) for section in earlier]
    return Step(audit, tuple(earlier), Recorder(notebook, inputs), folder)


def _sections_by_hand(force: str) -> Path:
    """Where notebooks that are opened by hand keep what they found.

    What was found by other code is not used again: each code has a folder of its own. (The notebooks do not count, as
    they change by being run; whoever edits one runs it.)
    """
    code = digest({name: hash for name, hash in fingerprint.code_files().items() if "notebooks/" not in name})
    return PROJECT / ".cache" / force / "sections" / code[:16]


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def execute(notebook: str, force: str, output: Path, parameters: dict[str, str] | None = None) -> None:
    """Run one notebook for a force with Papermill, in a fresh process, and write it to ``output``.

    ``parameters`` replaces what is injected (the force); with {} the notebook runs with its own parameters cell.

    Raises
    ------
    BuildError
        Naming the notebook, the cell and the error. The failed notebook is at ``output`` for reading.
    """
    parameters = {"force": force} if parameters is None else parameters
    settings = {name: os.environ[name] for name in (PARAMS_VARIABLE, SECTIONS_VARIABLE) if name in os.environ}
    try:
        engine.run_forked(_execute, notebook, output, parameters, settings, timeout=NOTEBOOK_TIMEOUT_SECONDS)
    except (TimeoutError, RuntimeError) as error:
        if audit := next((held for (held_force, _), held in _held.items() if held_force == force), None):
            _withhold_records(output, references(audit.records))
        raise BuildError(f"{force}: notebook {notebook}: {_failed_cell(output) or error}") from None


def _execute(notebook: str, output: Path, parameters: dict[str, str], settings: dict[str, str]) -> None:
    """Run one notebook with Papermill in this process."""
    import papermill

    os.environ.update(settings)
    source = PROJECT / "notebooks" / f"{notebook}.ipynb"
    try:
        papermill.execute_notebook(
            str(source),
            str(output),
            parameters=parameters,
            engine_name=engine.register(),
            kernel_name="python3",
            cwd=str(source.parent),
            progress_bar=False,
            request_save_on_cell_execute=False,  # else Papermill writes the notebook before and after each cell
        )
    finally:
        if _read_notebook(output):
            tidy_notebook(output)


def _read_notebook(path: Path):
    """A notebook, or None where there is none. One that a full disk has cut short is removed: it cannot be read."""
    import nbformat
    from nbformat.reader import NotJSONError

    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        return None
    except NotJSONError:
        path.unlink()
        return None


def _withhold_records(output: Path, known: set[str]) -> None:
    """Take out of a failed notebook what the failing cell printed, and the message of its error if it quotes a record.

    The notebook is kept for reading, and perhaps sent to whoever is to mend it: no reference of a record may be in it.
    Messages shorten what is long, so the beginning of a reference counts as one.
    """
    import nbformat

    notebook = _read_notebook(output)
    if notebook is None:
        return
    beginnings = {reference[:12] for reference in known if len(reference) >= 4}
    for cell in notebook.cells:
        errors = [found for found in cell.get("outputs", []) if found.output_type == "error"]
        if not errors:
            continue
        cell.outputs = errors
        for error in errors:
            text = "\n".join([error.evalue, *error.traceback])
            if any(beginning in text for beginning in beginnings):
                error.evalue = "the message quotes a record and is left out; a run by hand shows it"
                error.traceback = [f"{error.ename}: {error.evalue}"]
    nbformat.write(notebook, output)


def _failed_cell(output: Path) -> str | None:
    """Number and error of the cell that failed in an executed notebook, or None if none did."""
    notebook = _read_notebook(output)
    if notebook is None:
        return None
    marks = "papermill-error-cell-tag"  # Papermill puts cells of its own around the one that failed
    cells = [cell for cell in notebook.cells if marks not in cell.metadata.get("tags", [])]
    for number, cell in enumerate(cells, 1):
        for found in cell.get("outputs", []):
            if found.output_type == "error":
                return f"cell {number}: {found.ename}: {found.evalue}"
    return None


def tidy_notebook(path: Path) -> None:
    """Drop what differs from run to run (times, paths, random ids), so that equal runs give equal files."""
    import nbformat  # slow to import, and a notebook itself does not need it

    notebook = nbformat.read(path, as_version=4)
    kernel = notebook.metadata.get("kernelspec", {})
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": kernel.get("name", "python3"),
            },
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        cell.id = f"cell-{number}"
    nbformat.write(notebook, path)


def write_front_matter(path: Path, inspection: Inspection) -> None:
    """Put title, force and dates of an inspection into the first cell of its executed report notebook.

    Papermill cannot compute a raw cell; with it the executed notebook is complete, also for a plain ``quarto render``.
    """
    import nbformat

    publication, period = inspection.publication, inspection.audit_period
    matter = {
        "title": wording.plain(publication.title),
        "subtitle": wording.plain(inspection.force.name),
        "publication-type": wording.plain(publication.type),
        "date": publication.date.isoformat(),
        "audit-period": wording.period(period.start, period.end),
        "status": publication.status,
        "version": wording.plain(publication.version),
        "description": wording.plain(
            f"How accurately {inspection.force.name} records crime that is reported to it: estimates, intervals and grades."
        ),
        "keywords": ["crime data integrity", "crime recording", "police"],
        "lang": "en-GB",
    }
    if publication.rights:
        matter["rights"] = wording.plain(publication.rights)
    notebook = nbformat.read(path, as_version=4)
    text = yaml.safe_dump(matter, sort_keys=False, allow_unicode=True, width=1000)
    notebook.cells[0].source = f"---\n{text}---"
    nbformat.write(notebook, path)


def judgement_warnings(audit: Audit, params: Path | None = None) -> list[Problem]:
    """Elements that the records grade low and that no area for improvement names. Runs the notebooks to know.

    Raises
    ------
    BuildError
        If a notebook fails.
    """
    # In a process of its own, which holds the audit: each notebook is forked from it and need not read it again.
    work = (_judgements, audit, params or params_of(audit.force))
    try:
        judgements = engine.run_forked(*work, timeout=len(NOTEBOOKS) * NOTEBOOK_TIMEOUT_SECONDS)
    except (TimeoutError, RuntimeError) as error:
        raise BuildError(str(error)) from None
    doubts = doubtful(audit.inspection, f"params/{audit.force}.yml", date.today())
    doubts += doubtful_strata(audit.force, audit.inspection, audit.records) + doubtful_tables(audit.records)
    return doubts + [_named(problem, audit.force) for problem in check_areas(judgements, audit.inspection)]


def _judgements(audit: Audit, params: Path) -> dict:
    """The judgements of an audit, from its notebooks, which are thrown away."""
    with tempfile.TemporaryDirectory() as scratch:
        sections = Path(scratch) / "sections"
        settings = {PARAMS_VARIABLE: str(params), SECTIONS_VARIABLE: str(sections)}
        with _environment(settings), _holding(audit, params):
            for name in NOTEBOOKS:
                execute(name, audit.force, Path(scratch) / f"{name}.ipynb")
        return read_section(sections, NOTEBOOKS[-1]).details["judgements"]


@dataclass(frozen=True)
class Report:
    """What was published for a force."""

    force: str
    folder: Path
    message: str


def build_report(
    force: str,
    renderer: str = "auto",
    params: Path | None = None,
    reports: Path | None = None,
    progress: Callable[[int, str], None] = lambda step, text: None,
    commit: str | None = None,
    only_look: bool = False,
) -> Report:
    """Build and publish the report of one force.

    Parameters
    ----------
    force : str
        Name of the force, as in ``params/<force>.yml``.
    renderer : {"auto", "quarto", "pandoc"}
        Engine for HTML and PDF.
    params, reports : Path, optional
        Folders of parameters and of reports.
    progress : callable
        Called with number (1 to ``STEPS``) and name of each step.
    commit : str, optional
        The commit of the project that the report names; asked from git if it is not given.
    only_look : bool
        Render the executed notebooks of the published report again instead of running them.

    Raises
    ------
    InputError
        If parameters or records cannot be used; nothing was run then.
    BuildError, cdi_lib.render.rendering.RenderError
        If a notebook fails, the report cannot be rendered, or another build of the same force is under way. The
        previous report is as it was; the notebooks as far as they came are in ``reports/.failed/<force>``.
    """
    params, reports = (params or params_of(force)).resolve(), (reports or reports_folder()).resolve()
    audit = read_audit(force, params)
    commit = fingerprint.commit() if commit is None else commit
    check_final(audit, commit)
    made_from = fingerprint.inputs(force, params, renderer)
    reports.mkdir(parents=True, exist_ok=True)
    with _only_build(force, reports), staging_folder(force, reports) as staging, _holding(audit, params):
        try:
            if only_look:
                shutil.copytree(reports / force / "notebooks", staging / "notebooks")
                shutil.copyfile(reports / force / "results.json", staging / "results.json")
            else:
                _run_notebooks(audit, params, staging, commit, progress)
            message = _publish_files(audit, staging, renderer, progress)
        except Exception:
            _keep_failed(staging / "notebooks", reports / ".failed" / force)
            raise
        fingerprint.record(staging, made_from)
        publish(staging, reports / force)
        shutil.rmtree(reports / ".failed" / force, ignore_errors=True)
        with contextlib.suppress(OSError):  # there is none, or it holds another force's
            (reports / ".failed").rmdir()
    return Report(force, reports / force, message)


def _run_notebooks(audit: Audit, params: Path, staging: Path, commit: str, progress: Callable) -> None:
    """Execute all notebooks of a force into ``staging/notebooks`` and write ``results.json``."""
    notebooks, sections = staging / "notebooks", staging / ".sections"
    notebooks.mkdir()
    with _environment({PARAMS_VARIABLE: str(params), SECTIONS_VARIABLE: str(sections)}):
        for step, name in enumerate((*NOTEBOOKS, REPORT), 1):
            progress(step, f"notebook {name}")
            parameters = {"force": audit.force} | ({"commit": commit} if name == REPORT else {})
            execute(name, audit.force, notebooks / f"{name}.ipynb", parameters)
    write_front_matter(notebooks / f"{REPORT}.ipynb", audit.inspection)
    found = [read_section(sections, name) for name in NOTEBOOKS]
    results = combine(audit.force, audit.inspection, audit.inputs, found)
    results_module.write_results(staging / "results.json", results)
    shutil.rmtree(sections)


def _publish_files(audit: Audit, staging: Path, renderer: str, progress: Callable) -> str:
    """Everything that readers get, from the executed notebooks and the results; returns what the renderer says."""
    from cdi_lib.render import rendering as render
    from cdi_lib.report import evidence, metadata, outputs, workbook

    results = results_module.read_results(staging / "results.json")
    notebooks = staging / "notebooks"
    progress(STEPS - 1, "HTML and PDF")
    rendered = render.render(
        notebooks / f"{REPORT}.ipynb", staging, engine=renderer, json_ld=metadata.json_ld(results)
    )
    progress(STEPS, "evidence and data")
    evidence.write_pages(notebooks, results)
    outputs.write_tables(results, staging / "tables")
    workbook.write_workbook(results, staging / "tables.xlsx")
    return rendered.message


def check_final(audit: Audit, commit: str) -> None:
    """Refuse a final report of a real audit while something is open.

    Raises
    ------
    InputError
        If challenges are undecided, or the code is not what its commit says, and the parameters do not say why the
        report is published all the same (``publication.final_despite``). Reconstructed and invented records are
        never anybody's final report, so only challenges count there.
    """
    publication = audit.inspection.publication
    if publication.status != "final" or publication.final_despite:
        return
    place = f"params/{audit.force}.yml"
    way_out = "; or status: draft, or say why in publication.final_despite, which the report prints"
    problems = []
    if open_challenges := audit.open_challenges:
        got = f"final, with {open_challenges} challenge{'s' if open_challenges != 1 else ''} undecided"
        problems.append(Problem(place, "publication.status", got, f"every challenge decided{way_out}"))
    if audit.fieldwork and audit.fieldwork["errors"]:
        got = f"final, with {wording.plural(audit.fieldwork['errors'], 'error')} in the returned worksheets"
        expected = f"none; make check FORCE={audit.force} lists them{way_out}"
        problems.append(Problem(place, "publication.status", got, expected))
    if audit.inspection.records.status == "audit" and commit.endswith(fingerprint.UNCOMMITTED):
        expected = f"all changes committed, so that the report can be made again{way_out}"
        problems.append(
            Problem(place, "publication.status", "final, with uncommitted changes of the code", expected)
        )
    if problems:
        raise InputError(problems)


def _keep_failed(notebooks: Path, failed: Path) -> None:
    """Keep the executed notebooks of a failed build for reading; a full disk must not hide the first error."""
    with contextlib.suppress(OSError):
        shutil.rmtree(failed, ignore_errors=True)
        if notebooks.is_dir() and any(notebooks.iterdir()):
            failed.parent.mkdir(exist_ok=True)
            shutil.copytree(notebooks, failed)


@contextlib.contextmanager
def _only_build(force: str, reports: Path) -> Iterator[None]:
    """Let only one build of a force into a folder of reports run at a time, where the system has file locks.

    The lock goes with the process that holds it, however that ends; its file is removed by whoever held it last.
    """
    if fcntl is None:
        yield
        return
    path = reports / f".{force}-lock"
    with _locked(path, force):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _locked(path: Path, force: str) -> IO[bytes]:
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            message = f"{force}: another build of this force is under way; wait until it has ended"
            raise BuildError(message) from None
        # The one that held it may have removed the file between our opening and locking it: then it locks nothing.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()


@contextlib.contextmanager
def staging_folder(force: str, reports: Path) -> Iterator[Path]:
    """A folder for a build beside the reports; what builds that were killed have left is removed first."""
    remove_leftovers(reports, BUILDING)
    remove_leftovers(Path(tempfile.gettempdir()), "cdi-render-*")
    staging = Path(tempfile.mkdtemp(prefix=f".{force}-building-{os.getpid()}-", dir=reports))
    staging.chmod(0o755)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def publish(staging: Path, target: Path) -> None:
    """Put a finished folder in the place of the previous one, in one step where the system can.

    Linux exchanges two folders atomically; elsewhere the old one is moved aside for a moment.
    """
    if not target.exists():
        os.rename(staging, target)
        return
    if _exchange(staging, target):
        shutil.rmtree(staging, ignore_errors=True)  # this is the previous report now
        return
    aside = staging.with_name(f"{staging.name}-previous")
    os.rename(target, aside)
    try:
        os.rename(staging, target)
    except OSError:
        os.rename(aside, target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders with renameat2(2); False where there is no such call."""
    at_current_folder, exchange = -100, 2
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    return (
        renameat2(at_current_folder, os.fsencode(first), at_current_folder, os.fsencode(second), exchange)
        == 0
    )
