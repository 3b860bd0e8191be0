"""Crime data integrity inspections: from an audit of crime records to the published report.

One package a line; each may import those below it, and no other (kept by import-linter):

- ``cli``          the commands behind the Makefile
- ``pipeline``     an inspection from its files to its published folder: read, run the notebooks, render, publish
- ``comparison``   inspections of many forces beside each other
- ``report``       tells what was found: words, tables, charts, workbook, evidence
- ``fieldwork``    the audit itself: draw, worksheets, what auditors return
- ``render``       an executed notebook in, web page and PDF out; knows nothing of crime
- ``inspection``   what an inspection is: parameters, records, measures, judgement, results
- ``statistics``   sampling and estimation, usable alone; knows nothing of crime
"""

import os
from pathlib import Path

__version__ = "2.0.0"


def is_project(folder: Path) -> bool:
    """Whether a folder holds what the commands work on: notebooks and parameters."""
    return (folder / "notebooks" / "report.ipynb").is_file() and (folder / "params").is_dir()


def project_folder() -> Path:
    """The project: what ``CDI_PROJECT`` names, the current folder or one above it, or the one around this library."""
    if named := os.environ.get("CDI_PROJECT"):
        return Path(named).resolve()
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was removed meanwhile
        here = Path("/")
    source = Path(__file__).resolve().parents[1]
    return next((folder for folder in (here, *here.parents) if is_project(folder)), source)
