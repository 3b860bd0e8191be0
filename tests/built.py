"""Reports that are built once for all tests of a process that read them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from complete_force import complete_files, write_files

from cdi_lib.pipeline.build import build_report

_SCRATCH = tempfile.TemporaryDirectory(prefix="cdi-built-")  # removed when the tests end


@cache
def northamptonshire() -> Path:
    """The folder of the report of Northamptonshire."""
    return build_report("northamptonshire", "pandoc", reports=Path(_SCRATCH.name) / "reports").folder


@cache
def testshire() -> Path:
    """The folder of the report of an invented force with every optional part, a draft; its parameters lie beside it."""
    params = write_files(testshire_params(), complete_files())
    return build_report("testshire", "pandoc", params=params, reports=Path(_SCRATCH.name) / "invented").folder


def testshire_params() -> Path:
    """The folder of the parameters of :func:`testshire`."""
    return Path(_SCRATCH.name) / "params"
