"""Shared by all tests: the modules in this folder can be imported by their names."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# as in cdi_lib/pipeline/preload.py: two seconds for a grammar that nobody needs
sys.modules.setdefault("rfc3987_syntax", None)

from cdi_lib.pipeline import processes

processes.PRELOAD[1:] = processes.FOR_MANY  # many reports are built

# A program of its own, which a third party runs: it reads its arguments when it is imported.
collect_ignore = ["repeat_draw.py"]


def pytest_configure(config):
    """The processes of one run share a folder (tests/built.py), which the one that started them removes."""
    if not hasattr(config, "workerinput"):
        os.environ["CDI_TESTS_SHARE"] = tempfile.mkdtemp(prefix="cdi-tests-")


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop("CDI_TESTS_SHARE", ""), ignore_errors=True)


def pytest_collection_modifyitems(items):
    """Files with slow tests first: begun last, they would keep one worker busy while the others have nothing left to do."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
