"""The executed notebooks of an invented force, with its results: made once for all tests that read them."""

from __future__ import annotations

import copy
import tempfile
from functools import cache
from pathlib import Path

from complete_force import BY_ROUTE, complete_parameters, complete_tables
from forces import write_force

from cdi_lib.inspection.folders import PARAMS_VARIABLE, SECTIONS_VARIABLE
from cdi_lib.inspection.results import Results, combine, digest
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.pipeline.notebooks import NOTEBOOKS, execute, saved_by

# What spreadsheets, gptables, Markdown or HTML could take for more than text.
DIFFICULT = [
    '=HYPERLINK("https://example.org", "x")',
    "+1+1",
    "[click](https://example.org) and [again](https://example.org)",
    "$$n$$",
    "\N{EM DASH}",
    "<script>alert(1)</script> | a & b",
    "</script><b>bold</b>",
    "https://example.org",
]

_SCRATCH = tempfile.TemporaryDirectory(prefix="cdi-executed-")  # removed when the tests end


@cache
def executed() -> tuple[Path, Results]:
    """Folder of the executed notebooks of Testshire (a draft with every optional part), and the results."""
    content = complete_parameters() | {"recorded_crime_by_route": copy.deepcopy(BY_ROUTE)}
    content["assumptions"] = [{"text": text, "status": "assumed", "source": "the force"} for text in DIFFICULT]
    folder = Path(_SCRATCH.name)
    params = write_force(folder / "params", "testshire", content, complete_tables())
    return run("testshire", params, folder)


def run(force: str, params: Path, folder: Path) -> tuple[Path, Results]:
    """Execute the notebooks of a force into a new folder of notebooks in ``folder``."""
    notebooks, sections = folder / "notebooks", folder / "sections"
    notebooks.mkdir()
    variables = {PARAMS_VARIABLE: str(params), SECTIONS_VARIABLE: str(sections)}
    audit = read_audit(force, params)
    for name in NOTEBOOKS:
        execute(name, force, notebooks / f"{name}.ipynb", variables=variables, audit=audit)
    found = [saved_by(name, sections) for name in NOTEBOOKS]
    assert digest(audit.inputs) == found[0].inputs
    return notebooks, combine(force, audit.inspection, audit.inputs, found)
