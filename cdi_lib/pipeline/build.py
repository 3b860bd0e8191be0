"""Build the report of one force: read the audit, run its notebooks, render, publish."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cdi_lib.inspection.folders import PARAMS_VARIABLE, SECTIONS_VARIABLE, params_of, reports_folder
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.inspection.results import Results, combine, read_results, write_results
from cdi_lib.pipeline import fingerprint, kept, processes, versions
from cdi_lib.pipeline.audit import Audit, doubts, read_audit
from cdi_lib.pipeline.notebooks import NOTEBOOKS, REPORT, STEPS, TIMEOUT_SECONDS, execute, saved_by, write_front_matter
from cdi_lib.pipeline.publish import forget_failed, keep_failed, publish, staging_folder
from cdi_lib.render import rendering
from cdi_lib.report import evidence, index, metadata, wording

SECTIONS = ".sections"  # folder of a build: what each notebook has found


@dataclass(frozen=True)
class Report:
    """What was published for a force, and what the renderer says about it."""

    folder: Path
    message: str
    told: tuple[Problem, ...]  # what is doubtful about the audit


def build_report(
    force: str, renderer: str = "auto", params: Path | None = None, reports: Path | None = None,
    progress: Callable[[int, str], None] = lambda step, text: None, commit: str | None = None,
    only_look: bool = False, reuse: bool = False,
) -> Report:  # fmt: skip
    """Build and publish the report of one force, whose parameters are ``<params>/<force>.yml``.

    ``progress`` is called with number (1 to ``STEPS``) and name of each step. The report names ``commit``, asked from
    git if it is not given. ``only_look`` renders the executed notebooks of the published report again; ``reuse`` takes
    those notebooks that :mod:`cdi_lib.pipeline.kept` has and on which no change bears. Raises InputError
    for parameters or records that cannot be used, before anything is run; BuildError or RenderError if a notebook fails,
    the report cannot be rendered, or another build of the force is under way. The previous report is then as it was, and
    the notebooks as far as they came are in ``reports/.failed/<force>``.
    """
    params, reports = (params or params_of(force)).resolve(), (reports or reports_folder()).resolve()
    audit = read_audit(force, params)
    commit = fingerprint.commit() if commit is None else commit
    check_final(audit, commit)
    made_from = fingerprint.inputs(force, params, renderer)
    reports.mkdir(parents=True, exist_ok=True)
    with staging_folder(force, reports) as staging:
        try:
            earlier = versions.keep_earlier(reports / force, staging, audit.inspection.publication.version)
            if only_look:
                shutil.copytree(reports / force / "notebooks", staging / "notebooks")
                shutil.copyfile(reports / force / "results.json", staging / "results.json")
            else:
                _run_notebooks(audit, params, staging, progress, reuse)
            results = read_results(staging / "results.json")
            if not only_look:
                versions.check_corrected(audit, results, reports / force, earlier)
            with processes.beside(_write_data, results, staging, timeout=TIMEOUT_SECONDS):
                if not only_look:
                    _run_report(audit, params, staging, commit, progress, earlier)
                progress(STEPS - 1, "HTML and PDF")
                report, about = staging / "notebooks" / f"{REPORT}.ipynb", metadata.json_ld(results)
                message = rendering.render(report, staging, engine=renderer, json_ld=about)
                progress(STEPS, "evidence and data")
            shutil.rmtree(staging / SECTIONS, ignore_errors=True)
        except Exception:
            keep_failed(staging / "notebooks", force, reports)
            raise
        fingerprint.record(staging, made_from)
        if (draft := reports / force / fingerprint.DRAFT).is_file():  # it may hold somebody's edits
            shutil.copy2(draft, staging / fingerprint.DRAFT)
        publish(staging, reports / force)
        forget_failed(force, reports)
    return Report(reports / force, message, tuple(doubts(audit, results.details.judgements)))


def _variables(params: Path, staging: Path) -> dict[str, str]:
    return {PARAMS_VARIABLE: str(params), SECTIONS_VARIABLE: str(staging / SECTIONS)}


def _run_notebooks(audit: Audit, params: Path, staging: Path, progress: Callable, reuse: bool) -> None:
    """Execute the notebooks that compute, into ``staging/notebooks``, and write ``results.json``."""
    notebooks, sections = staging / "notebooks", staging / SECTIONS
    notebooks.mkdir()
    is_kept = reuse and kept.restore(audit, notebooks, sections)
    for step, name in enumerate(NOTEBOOKS, 1):
        progress(step, f"notebook {name}{', as it was run before' if is_kept else ''}")
        if not is_kept:
            execute(name, audit.force, notebooks / f"{name}.ipynb", variables=_variables(params, staging), audit=audit)
    if reuse and not is_kept:
        kept.keep(audit, notebooks, sections)
    found = [saved_by(name, sections) for name in NOTEBOOKS]
    write_results(staging / "results.json", combine(audit.force, audit.inspection, audit.inputs, found))


def _run_report(
    audit: Audit, params: Path, staging: Path, commit: str, progress: Callable, earlier: Path | None
) -> None:
    """Execute the notebook that tells the results; ``earlier`` are results that this version corrects."""
    progress(len(NOTEBOOKS) + 1, f"notebook {REPORT}")
    corrects = earlier.relative_to(staging).as_posix() if earlier else ""
    parameters = {"force": audit.force, "commit": commit, "corrects": corrects}
    output = staging / "notebooks" / f"{REPORT}.ipynb"
    execute(REPORT, audit.force, output, parameters, _variables(params, staging), audit)
    write_front_matter(output, audit.inspection)


def _write_data(results: Results, staging: Path) -> None:
    """What needs the results only, while the report is made: the notebooks as pages, the tables, the workbook."""
    from cdi_lib.report import workbook  # its libraries are not needed for the report

    evidence.write_pages(staging / "notebooks", results)
    index.write_tables(results, staging / "tables")
    workbook.write_workbook(results, staging / "tables.xlsx")


def check_final(audit: Audit, commit: str) -> None:
    """Refuse (InputError) a final report while something is open that ``publication.final_despite`` does not excuse.

    It excuses neither a missing contact nor areas for improvement that cannot be followed up. Reconstructed and invented
    records are never anybody's final report: how the code was committed does not count there.
    """
    publication = audit.inspection.publication
    if publication.status != "final":
        return
    unnamed, draft = _unnamed(audit), "or status: draft"
    found = [(got, f"{what}; {draft}") for got, what in unnamed]
    if not publication.final_despite:
        reason = f"{draft}, or say why in publication.final_despite, which the report prints"
        found += [(got, f"{what}; {reason}") for got, what in lacking(audit, commit) if (got, what) not in unnamed]
    if found:
        place = f"params/{audit.force}.yml", "publication.status"
        raise InputError([Problem(*place, f"final, with {got}", expected) for got, expected in found])


def lacking(audit: Audit, commit: str) -> list[tuple[str, str]]:
    """What keeps a report from being final, whether it is to be or not: what there is, and what is expected."""
    challenges, found = audit.records.challenges, _unnamed(audit)
    if challenges is not None and (undecided := int((challenges["outcome"] == "open").sum())):
        found.append((f"{undecided} challenge{'s' if undecided != 1 else ''} undecided", "every challenge decided"))
    if audit.fieldwork and (errors := audit.fieldwork["errors"]):
        got = f"{wording.plural(errors, 'error')} in the returned worksheets"
        found.append((got, f"none; make check FORCE={audit.force} lists them"))
    if audit.inspection.records.status == "audit":
        if commit.endswith(fingerprint.UNCOMMITTED):
            expected = "all changes committed, so that the report can be made again"
            found.append(("uncommitted changes of the code", expected))
        elif commit.startswith(fingerprint.UNKNOWN):
            found.append((f"a commit of the code that is {commit}", "a repository that git can read"))
    return found


def _unnamed(audit: Audit) -> list[tuple[str, str]]:
    """Who answers for an audit and for its areas for improvement, where it is not said."""
    if audit.inspection.records.status != "audit":
        return []
    found = []
    if audit.inspection.publication.contact is None:
        found.append(("no contact", "name and address of the lead analyst in publication.contact"))
    for number, area in enumerate(audit.inspection.areas_for_improvement, 1):
        if area.lacking:
            got = f"area for improvement {number} without {', '.join(area.lacking)}"
            found.append((got, "these in areas_for_improvement, for the register"))
    return found
