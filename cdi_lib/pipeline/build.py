"""Build the report of one force: read the audit, run its notebooks, render, publish.

:mod:`cdi_lib.pipeline.runner` does it for many forces at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cdi_lib.inspection.folders import PARAMS_VARIABLE, SECTIONS_VARIABLE, params_of, reports_folder
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.inspection.results import combine, read_results, write_results
from cdi_lib.pipeline import fingerprint
from cdi_lib.pipeline.audit import Audit, read_audit
from cdi_lib.pipeline.notebooks import NOTEBOOKS, REPORT, STEPS, execute, saved_by, write_front_matter
from cdi_lib.pipeline.publish import forget_failed, keep_failed, only_build, publish, staging_folder
from cdi_lib.render import rendering
from cdi_lib.report import evidence, index, metadata, wording, workbook


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
    """Build and publish the report of one force, whose parameters are ``<params>/<force>.yml``.

    ``progress`` is called with number (1 to ``STEPS``) and name of each step. The report names ``commit``, asked from
    git if it is not given. ``only_look`` renders the executed notebooks of the published report again instead of
    running them.

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
    with only_build(force, reports), staging_folder(force, reports) as staging:
        try:
            if only_look:
                shutil.copytree(reports / force / "notebooks", staging / "notebooks")
                shutil.copyfile(reports / force / "results.json", staging / "results.json")
            else:
                _run_notebooks(audit, params, staging, commit, progress)
            message = _write_files(staging, renderer, progress)
        except Exception:
            keep_failed(staging / "notebooks", force, reports)
            raise
        fingerprint.record(staging, made_from)
        publish(staging, reports / force)
        forget_failed(force, reports)
    return Report(force, reports / force, message)


def _run_notebooks(audit: Audit, params: Path, staging: Path, commit: str, progress: Callable) -> None:
    """Execute all notebooks of a force into ``staging/notebooks`` and write ``results.json``."""
    notebooks, sections = staging / "notebooks", staging / ".sections"
    notebooks.mkdir()
    variables = {PARAMS_VARIABLE: str(params), SECTIONS_VARIABLE: str(sections)}
    for step, name in enumerate((*NOTEBOOKS, REPORT), 1):
        progress(step, f"notebook {name}")
        parameters = {"force": audit.force} | ({"commit": commit} if name == REPORT else {})
        execute(name, audit.force, notebooks / f"{name}.ipynb", parameters, variables, audit)
    write_front_matter(notebooks / f"{REPORT}.ipynb", audit.inspection)
    found = [saved_by(name, sections) for name in NOTEBOOKS]
    write_results(staging / "results.json", combine(audit.force, audit.inspection, audit.inputs, found))
    shutil.rmtree(sections)


def _write_files(staging: Path, renderer: str, progress: Callable) -> str:
    """Everything that readers get, from the executed notebooks and the results; returns what the renderer says."""
    results = read_results(staging / "results.json")
    notebooks = staging / "notebooks"
    progress(STEPS - 1, "HTML and PDF")
    report, json_ld = notebooks / f"{REPORT}.ipynb", metadata.json_ld(results)
    rendered = rendering.render(report, staging, engine=renderer, json_ld=json_ld)
    progress(STEPS, "evidence and data")
    evidence.write_pages(notebooks, results)
    index.write_tables(results, staging / "tables")
    workbook.write_workbook(results, staging / "tables.xlsx")
    return rendered.message


def check_final(audit: Audit, commit: str) -> None:
    """Refuse a final report of a real audit while something is open.

    Raises
    ------
    InputError
        If challenges are undecided, returned worksheets have errors, or the code is not what a commit says, and the
        parameters do not say why the report is published all the same (``publication.final_despite``). Reconstructed
        and invented records are never anybody's final report: how the code was committed does not count there.
    """
    publication, fieldwork, open_challenges = (audit.inspection.publication, audit.fieldwork, audit.open_challenges)
    if publication.status != "final" or publication.final_despite:
        return
    found = []
    if open_challenges:
        got = f"{open_challenges} challenge{'s' if open_challenges != 1 else ''} undecided"
        found.append((got, "every challenge decided"))
    if fieldwork and fieldwork["errors"]:
        got = f"{wording.plural(fieldwork['errors'], 'error')} in the returned worksheets"
        found.append((got, f"none; make check FORCE={audit.force} lists them"))
    if audit.inspection.records.status == "audit":
        if commit.endswith(fingerprint.UNCOMMITTED):
            expected = "all changes committed, so that the report can be made again"
            found.append(("uncommitted changes of the code", expected))
        elif commit.startswith(fingerprint.UNKNOWN):
            found.append((f"a commit of the code that is {commit}", "a repository that git can read"))
    way_out = "or status: draft, or say why in publication.final_despite, which the report prints"
    place = f"params/{audit.force}.yml", "publication.status"
    if found:
        raise InputError([Problem(*place, f"final, with {got}", f"{what}; {way_out}") for got, what in found])
