"""The notebooks of a report: run them, make equal runs equal files, and say which cell failed.

Imports nothing heavy by itself: commands that only ask what there is to do read the names from here.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdi_lib.inspection.folders import PARAMS_VARIABLE, PROJECT, SECTIONS_VARIABLE
from cdi_lib.pipeline import processes

if TYPE_CHECKING:
    from cdi_lib.inspection.parameters import Inspection
    from cdi_lib.inspection.results import Section
    from cdi_lib.pipeline.audit import Audit

NOTEBOOKS = ("1_sample", "2_effectiveness", "3_efficiency", "4_leadership", "5_judgements")
REPORT = "report"
SECTION = "section"  # tag of the cells of a section in the report notebook
STEPS = len(NOTEBOOKS) + 3  # of a build: these, the report, rendering, evidence and data
TIMEOUT_SECONDS = 900  # of one notebook
FAILED = ".failed"  # folder in reports/ of the notebooks of failed builds as far as they came
PAPERMILL_MARK = "papermill-error-cell-tag"  # Papermill puts cells of its own around the one that failed


class BuildError(Exception):
    """A report that could not be built: what, where, and what to do."""


def execute(
    notebook: str, force: str, output: Path, parameters: dict[str, str] | None = None,
    variables: dict[str, str] | None = None, audit: Audit | None = None,
) -> None:  # fmt: skip
    """Run one notebook for a force with Papermill, in a fresh process, and write it to ``output``.

    ``parameters`` replaces what is injected (the force); with {} the notebook runs with its own parameters cell.
    ``variables`` of the environment are set for the notebook, and it works with the given audit, if there is one.
    A BuildError names the notebook, the cell and the error; the failed notebook is at ``output`` for reading.
    """
    parameters = {"force": force} if parameters is None else parameters
    # The fork server has the environment of the time when it was started.
    own = {name: os.environ[name] for name in (PARAMS_VARIABLE, SECTIONS_VARIABLE) if name in os.environ}
    work = (_execute, notebook, output, parameters, own | (variables or {}), audit)
    try:
        processes.run_forked(*work, timeout=TIMEOUT_SECONDS)
    except (OSError, RuntimeError) as error:
        raise BuildError(f"{force}: notebook {notebook}: {_failed_cell(output, audit) or error}") from None


def _execute(
    notebook: str, output: Path, parameters: dict[str, str], variables: dict[str, str], given: Audit | None
) -> None:
    """Run one notebook with Papermill in this process."""
    import papermill

    from cdi_lib.pipeline import audit, engine

    os.environ.update(variables)
    audit.given = given
    source = PROJECT / "notebooks" / f"{notebook}.ipynb"
    try:
        papermill.execute_notebook(
            str(source) if given is None or notebook != REPORT else _with_sections(source, given),
            str(output),
            parameters=parameters,
            engine_name=engine.NAME,
            kernel_name="python3",
            cwd=str(source.parent),
            progress_bar=False,
            request_save_on_cell_execute=False,  # else Papermill writes the notebook before and after each cell
        )
    finally:
        tidy(output)


def _with_sections(source: Path, audit: Audit) -> Any:
    """The report notebook with a cell for each section that the programme of an audit asks for, in their order."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell

    from cdi_lib.report.telling import chapters, title_of

    notebook = nbformat.read(source, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if SECTION not in cell.metadata.get("tags", [])]
    for section, question in chapters(audit.inspection.programme):
        asked = f', question="{question}"' if question else ""
        about = f"::: {{.content-hidden}}\n**{title_of(section)}**, in the words of `reports/text/en/{section}.md`\n:::"
        notebook.cells += [new_markdown_cell(about), new_code_cell(f'tell("{section}"{asked})')]
        for cell in notebook.cells[-2:]:
            cell.metadata["tags"] = [SECTION]
    return notebook


def _read(path: Path) -> Any:
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


def tidy(path: Path) -> None:
    """Drop what differs from run to run (times, paths, random ids), so that equal runs give equal files."""
    import nbformat

    if (notebook := _read(path)) is None:
        return
    name = notebook.metadata.get("kernelspec", {}).get("name", "python3")
    kernel = {"display_name": "Python 3", "language": "python", "name": name}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        cell.id = f"cell-{number}"
    nbformat.write(notebook, path)


def _failed_cell(output: Path, audit: Audit | None) -> str | None:
    """Number and error of the cell that failed in an executed notebook; None if none did.

    The notebook is kept for reading, and perhaps sent to whoever is to mend it: no reference of a record may be in
    it. So what the cell printed is taken out, and the message of its error if it quotes a record. Messages shorten
    what is long: the beginning of a reference counts as one.
    """
    import nbformat

    from cdi_lib.inspection.records import references

    if (notebook := _read(output)) is None:
        return None
    known = references(audit.records) if audit is not None else set()
    beginnings = {reference[:12] for reference in known if len(reference) >= 4}
    told = None
    cells = [cell for cell in notebook.cells if PAPERMILL_MARK not in cell.metadata.get("tags", [])]
    for number, cell in enumerate(cells, 1):
        errors = [found for found in cell.get("outputs", []) if found.output_type == "error"]
        for error in errors:
            text = "\n".join([error.evalue, *error.traceback])
            if any(beginning in text for beginning in beginnings):
                error.evalue = "the message quotes a record and is left out; a run by hand shows it"
                error.traceback = [f"{error.ename}: {error.evalue}"]
            told = told or f"cell {number}: {error.ename}: {error.evalue}"
        if cell.get("outputs") and audit is not None:  # also what earlier cells have printed
            cell.outputs = errors
    nbformat.write(notebook, output)
    return told


def saved_by(notebook: str, sections: Path) -> Section:
    """What a notebook found, as it was saved for those after it; BuildError if it has saved nothing."""
    from cdi_lib.inspection.results import read_section

    section = read_section(sections, notebook)
    if section is None:
        raise BuildError(f"notebook {notebook} saved no results: its last cell is step.save()")
    return section


def write_front_matter(path: Path, inspection: Inspection) -> None:
    """Put title, force and dates of an inspection into the first cell of its executed report notebook.

    Papermill cannot compute a raw cell; with it the executed notebook is complete, also for a plain ``quarto render``.
    """
    import nbformat
    import yaml

    from cdi_lib.report import labels, wording

    publication, period, name = inspection.publication, inspection.audit_period, inspection.force.name
    dated = "dated" if publication.status == "draft" else "due" if publication.embargo else "published"
    matter = {
        "title": wording.plain(publication.title),
        "subtitle": wording.plain(name),
        "publication-type": wording.plain(publication.type),
        "date": publication.date.isoformat(),
        "published": wording.day(publication.date),
        "published-label": labels.said(f"release.{dated}"),
        "audit-period": wording.period(period.start, period.end),
        "status": publication.status,
        "version": wording.plain(publication.version),
        "description": wording.plain(labels.said("metadata.page", force=name)),
        "keywords": ["crime data integrity", "crime recording", "police"],
        "lang": labels.book("phrases")["language"],
        "words": labels.book("phrases")["page"],
    }
    if notice := wording.notice(publication.model_dump(mode="json")):
        matter |= {"status-text": notice[0], "draft-notice": notice[1]}
    if publication.rights:
        matter["rights"] = wording.plain(publication.rights)
    notebook = nbformat.read(path, as_version=4)
    text = yaml.safe_dump(matter, sort_keys=False, allow_unicode=True, width=1000)
    notebook.cells[0].source = f"---\n{text}---"
    nbformat.write(notebook, path)


def folder_for(force: str) -> tuple[Path, list[Path]]:
    """A folder of the notebooks that name this force, for opening by hand; those in ``notebooks/`` stay as they are. And
    those there that are left as they are, for somebody has edited them, or the project has others by now."""
    source, left = PROJECT / "notebooks", list[Path]()
    if force == "northamptonshire":
        return source, left
    folder = PROJECT / ".cache" / force / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.ipynb")):
        content, own = path.read_text(encoding="utf-8"), folder / path.name
        content = content.replace('force = \\"northamptonshire\\"', f'force = \\"{force}\\"')
        if not own.is_file():
            own.write_text(content, encoding="utf-8", newline="\n")
        elif _sources(own.read_text(encoding="utf-8")) != _sources(content):
            left.append(own)
    return folder, left


def _sources(notebook: str) -> list[str] | None:
    """What the cells of a notebook hold, without what running them has added; None for a file that is no notebook."""
    try:
        return ["".join(cell["source"]) for cell in json.loads(notebook)["cells"]]
    except (ValueError, KeyError, TypeError):
        return None
