"""Run the notebooks of one or many forces and publish the reports.

Everything is made in a folder of its own and takes the place of the previous report only when it is whole.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from cdi_lib import engine, wording
from cdi_lib import results as results_module
from cdi_lib.judgement import check_areas, check_judgement_inputs, load_criteria
from cdi_lib.measures import check_measures
from cdi_lib.parameters import PROJECT, Inspection, force_key, load_inspection
from cdi_lib.problems import InputError, Problem
from cdi_lib.records import AuditRecords, load_records
from cdi_lib.results import Recorder, Results, Section, combine, digest, inputs_of, read_section

NOTEBOOKS = ("1_sample", "2_effectiveness", "3_efficiency", "4_leadership", "5_judgements")
REPORT = "report"
REPORTS = PROJECT / "reports"
PARAMS_VARIABLE, SECTIONS_VARIABLE = "CDI_PARAMS", "CDI_SECTIONS"
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


def params_folder() -> Path:
    """The folder of parameters: ``params``, or what a build has set."""
    return Path(os.environ.get(PARAMS_VARIABLE) or PROJECT / "params")


def read_audit(force: str, params: Path | None = None) -> Audit:
    """Read and check everything that is known about one force.

    Raises
    ------
    InputError
        With all problems of parameters, records and criteria that stop a report.
    """
    params = params or params_folder()
    force = force_key(force)
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
    if problems:
        raise InputError([_named(problem, force) for problem in problems])
    criteria_file = criteria_folder(params) / f"{inspection.criteria}.yml"
    inputs = inputs_of(force, params / f"{force}.yml", records, criteria_file)
    return Audit(force, inspection, records, criteria, inputs)


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
    audit = read_audit(force)
    folder = Path(os.environ.get(SECTIONS_VARIABLE) or PROJECT / ".cache" / force / "sections")
    before = NOTEBOOKS[: NOTEBOOKS.index(notebook)] if notebook in NOTEBOOKS else NOTEBOOKS
    inputs = digest(audit.inputs)
    for name in before:
        section = read_section(folder, name)
        if section is None or section.inputs != inputs:
            with _environment({SECTIONS_VARIABLE: str(folder)}), tempfile.TemporaryDirectory() as scratch:
                execute(name, force, Path(scratch) / f"{name}.ipynb")
    earlier = tuple(read_section(folder, name) for name in before)
    return Step(audit, earlier, Recorder(notebook, inputs), folder)


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
        )
    finally:
        if output.exists():
            tidy_notebook(output)


def _failed_cell(output: Path) -> str | None:
    """Number and error of the cell that failed in an executed notebook, or None if none did."""
    import nbformat

    if not output.exists():
        return None
    marks = "papermill-error-cell-tag"  # Papermill puts cells of its own around the one that failed
    cells = [
        cell
        for cell in nbformat.read(output, as_version=4).cells
        if marks not in cell.metadata.get("tags", [])
    ]
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


def commit() -> str:
    """The commit of the project's files, with a mark if they were changed since; empty outside git."""
    try:
        run = lambda *words: subprocess.run(
            ["git", "-C", str(PROJECT), *words], capture_output=True, text=True, timeout=20, check=True
        ).stdout.strip()
        return run("rev-parse", "HEAD") + (
            " with uncommitted changes" if run("status", "--porcelain") else ""
        )
    except (OSError, subprocess.SubprocessError):
        return ""


def judgement_warnings(audit: Audit, params: Path | None = None) -> list[Problem]:
    """Elements that the records grade low and that no area for improvement names. Runs the notebooks to know.

    Raises
    ------
    BuildError
        If a notebook fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        sections = Path(scratch) / "sections"
        settings = {PARAMS_VARIABLE: str(params or params_folder()), SECTIONS_VARIABLE: str(sections)}
        with _environment(settings):
            for name in NOTEBOOKS:
                execute(name, audit.force, Path(scratch) / f"{name}.ipynb")
        judgements = read_section(sections, NOTEBOOKS[-1]).details["judgements"]
    return [_named(problem, audit.force) for problem in check_areas(judgements, audit.inspection)]


@dataclass(frozen=True)
class Report:
    """What was published for a force."""

    force: str
    folder: Path
    message: str

    @property
    def files(self) -> list[Path]:
        """The files that a reader wants, most wanted first."""
        return [self.folder / name for name in ("index.html", "report.pdf", "results.json")]


def build_report(
    force: str,
    renderer: str = "auto",
    params: Path | None = None,
    reports: Path | None = None,
    progress: Callable[[str], None] = lambda text: None,
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
        Called with a line of text for each step.

    Raises
    ------
    InputError
        If parameters or records cannot be used; nothing was run then.
    BuildError, cdi_lib.render.RenderError
        If a notebook fails or the report cannot be rendered. The previous report is as it was; the notebooks as far
        as they came are in ``reports/.failed/<force>``.
    """
    from cdi_lib import outputs, render

    params, reports = (params or params_folder()).resolve(), (reports or REPORTS).resolve()
    audit = read_audit(force, params)
    reports.mkdir(parents=True, exist_ok=True)
    for leftover in reports.glob(f".{force}-building-*"):
        if not _is_running(leftover):
            shutil.rmtree(leftover, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{force}-building-{os.getpid()}-", dir=reports))
    failed = reports / ".failed" / force
    try:
        notebooks, sections = staging / "notebooks", staging / ".sections"
        notebooks.mkdir()
        settings = {PARAMS_VARIABLE: str(params), SECTIONS_VARIABLE: str(sections)}
        try:
            with _environment(settings):
                for number, name in enumerate((*NOTEBOOKS, REPORT), 1):
                    progress(f"{force}: {number} of {len(NOTEBOOKS) + 1}: {name}")
                    parameters = {"force": force} | ({"commit": commit()} if name == REPORT else {})
                    execute(name, force, notebooks / f"{name}.ipynb", parameters)
            write_front_matter(notebooks / f"{REPORT}.ipynb", audit.inspection)
            progress(f"{force}: rendering")
            rendered = render.render(notebooks / f"{REPORT}.ipynb", staging, engine=renderer, metadata={})
        except (BuildError, render.RenderError):
            shutil.rmtree(failed, ignore_errors=True)
            failed.parent.mkdir(exist_ok=True)
            shutil.copytree(notebooks, failed)
            raise
        sections_read = [read_section(sections, name) for name in NOTEBOOKS]
        results = combine(force, audit.inspection, audit.inputs, sections_read)
        results_module.write_results(staging / "results.json", results)
        outputs.write_tables(results, staging / "tables")
        shutil.rmtree(sections)
        os.chmod(staging, 0o755)
        publish(staging, reports / force)
        shutil.rmtree(failed, ignore_errors=True)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Report(force, reports / force, rendered.message)


def _is_running(staging: Path) -> bool:
    """Whether the process that made this folder (its number is in the name) still runs."""
    try:
        os.kill(int(staging.name.rsplit("-", 2)[1]), 0)
    except (ValueError, IndexError, ProcessLookupError, OSError):
        return False
    return True


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
