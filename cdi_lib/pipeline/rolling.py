"""Write the page of a force's rolling programme: page, PDF and results."""

import tempfile
from pathlib import Path

import nbformat
import yaml
from nbformat.v4 import new_markdown_cell, new_notebook, new_raw_cell

from cdi_lib.inspection.folders import params_folder, reports_folder
from cdi_lib.inspection.results import write_json
from cdi_lib.inspection.rolling import read_rolling
from cdi_lib.pipeline import publish as publishing
from cdi_lib.render.rendering import render
from cdi_lib.report import labels, rolling

FOLDER = "{}-programme"  # in reports/


def build(force: str, renderer: str = "auto") -> tuple[Path, str]:
    """Write ``index.html``, ``report.pdf`` and ``programme.json``, whole or not at all; the folder, and the engine used.

    InputError if parameters or table have a mistake; what was there before stays then.
    """
    labels.use(labels.DEFAULT)
    found = read_rolling(force, params_folder())
    reports, name = reports_folder(), FOLDER.format(force)
    reports.mkdir(parents=True, exist_ok=True)
    cells = [new_raw_cell(f"---\n{yaml.safe_dump(rolling.front_matter(found), allow_unicode=True)}---")]
    with publishing.staging_folder(name, reports) as staging, tempfile.TemporaryDirectory() as scratch:
        notebook = Path(scratch) / "report.ipynb"
        nbformat.write(new_notebook(cells=[*cells, new_markdown_cell(rolling.page(found))]), notebook)
        message = render(notebook, staging, engine=renderer)
        write_json(staging / "programme.json", found.model_dump(mode="json"))
        publishing.publish(staging, reports / name)
    return reports / name, message
