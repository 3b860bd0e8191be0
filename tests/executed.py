"""The executed notebooks of an invented force, with its results: made once for all tests that read them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest
from complete_force import complete_parameters, complete_tables
from forces import write_force

from cdi_lib.inspection.results import Results, combine, digest, read_section
from cdi_lib.pipeline import build

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
    content = complete_parameters()
    content["assumptions"] = [
        {"text": text, "status": "assumed", "source": "the force"} for text in DIFFICULT
    ]
    folder = Path(_SCRATCH.name)
    params = write_force(folder / "params", "testshire", content, complete_tables())
    notebooks, sections = folder / "notebooks", folder / "sections"
    notebooks.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(build.PARAMS_VARIABLE, str(params))
        patch.setenv(build.SECTIONS_VARIABLE, str(sections))
        for name in build.NOTEBOOKS:
            build.execute(name, "testshire", notebooks / f"{name}.ipynb")
    audit = build.read_audit("testshire", params)
    assert digest(audit.inputs) == read_section(sections, build.NOTEBOOKS[0]).inputs
    found = [read_section(sections, name) for name in build.NOTEBOOKS]
    return notebooks, combine("testshire", audit.inspection, audit.inputs, found)
