"""Pages beside the reports, each with its PDF and data: the comparison of forces, and the rolling programme of a force."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import nbformat
import yaml
from nbformat.v4 import new_markdown_cell, new_notebook, new_raw_cell

from cdi_lib.comparison import outputs
from cdi_lib.comparison.compare import compare
from cdi_lib.inspection.folders import COMPARISON, PROJECT, params_folder, reports_folder
from cdi_lib.inspection.published import LATER, read_published
from cdi_lib.inspection.results import read_results, write_json
from cdi_lib.inspection.rolling import read_rolling
from cdi_lib.pipeline import fingerprint
from cdi_lib.pipeline import publish as publishing
from cdi_lib.pipeline.notebooks import execute
from cdi_lib.render.rendering import render
from cdi_lib.report import labels, rolling

SCRIPT = PROJECT / "reports" / "sortable.js"
PROGRAMME = "{}-programme"  # folder of a rolling programme in reports/


def publish_comparison(forces: Sequence[str], reports: Path, renderer: str, made_from: Mapping[str, str]) -> str:
    """Build the comparison of forces that have a report, and put it into its place; see :func:`build_comparison`."""
    reports.mkdir(parents=True, exist_ok=True)
    with publishing.staging_folder(COMPARISON, reports) as staging:
        message = build_comparison([reports / force / "results.json" for force in forces], staging, renderer)
        fingerprint.record(staging, made_from)
        publishing.publish(staging, reports / COMPARISON)
    return message


def build_comparison(results: Sequence[Path], out: Path, renderer: str = "auto") -> str:
    """Write ``index.html``, ``report.pdf``, ``comparison.json``, ``tables.xlsx`` and ``tables/*.csv`` into a folder.

    From the ``results.json`` of the reports to compare. Returns a line that says which engine was used, and why.
    InputError if a file is no ``results.json``, or two are of the same inspection.
    """
    labels.use(labels.DEFAULT)
    found = compare([read_results(path) for path in results], read_published(), read_published(LATER))
    write_json(out / "comparison.json", found.model_dump(mode="json"))
    outputs.write_tables(found, out / "tables")
    latest = max(item.published for item in found.inspections if item.published)
    published = latest if len(latest) == len("2018-02-01") else f"{latest}-01"
    outputs.write_workbook(found, out / "tables.xlsx", published)
    with tempfile.TemporaryDirectory() as scratch:
        notebook = Path(scratch) / f"{COMPARISON}.ipynb"
        execute(COMPARISON, COMPARISON, notebook, {"results_folder": str(out.resolve())})
        return render(notebook, out, engine=renderer, metadata={"date": published}, script=SCRIPT)


def publish_programme(force: str, renderer: str = "auto") -> tuple[Path, str]:
    """Write ``index.html``, ``report.pdf`` and ``programme.json``, whole or not at all; the folder, and the engine used.

    InputError if parameters or table have a mistake; what was there before stays then.
    """
    labels.use(labels.DEFAULT)
    found = read_rolling(force, params_folder())
    reports, name = reports_folder(), PROGRAMME.format(force)
    reports.mkdir(parents=True, exist_ok=True)
    cells = [new_raw_cell(f"---\n{yaml.safe_dump(rolling.front_matter(found), allow_unicode=True)}---")]
    with publishing.staging_folder(name, reports) as staging, tempfile.TemporaryDirectory() as scratch:
        notebook = Path(scratch) / "report.ipynb"
        nbformat.write(new_notebook(cells=[*cells, new_markdown_cell(rolling.page(found))]), notebook)
        message = render(notebook, staging, engine=renderer)
        write_json(staging / "programme.json", found.model_dump(mode="json"))
        publishing.publish(staging, reports / name)
    return reports / name, message
