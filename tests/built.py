"""Reports that are built once for all tests of a process that read them."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from complete_force import complete_files, write_files

from cdi_lib.pipeline.build import build_report

_SCRATCH = tempfile.TemporaryDirectory(prefix="cdi-built-")  # removed when the tests end
# The processes of one run of the tests share what one of them has built.
SHARED = Path(os.environ.get("CDI_TESTS_SHARE") or _SCRATCH.name)


def once(folder: Path, build: Callable[[], object]) -> Path:
    """A folder that is built by the first process which asks for it; the others wait."""
    SHARED.mkdir(exist_ok=True)
    with (SHARED / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            build()
    return folder


@cache
def northamptonshire() -> Path:
    """The folder of the report of Northamptonshire."""
    reports = SHARED / "reports"
    return once(reports / "northamptonshire", lambda: build_report("northamptonshire", "pandoc", reports=reports))


@cache
def testshire() -> Path:
    """The folder of the report of an invented force with every optional part, a draft; its parameters lie beside it."""
    reports = SHARED / "invented"

    def build() -> None:
        params = write_files(testshire_params(), complete_files())
        build_report("testshire", "pandoc", params=params, reports=reports)

    return once(reports / "testshire", build)


def testshire_params() -> Path:
    """The folder of the parameters of :func:`testshire`."""
    return SHARED / "params"
