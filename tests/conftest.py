"""Shared by all tests: the modules in this folder can be imported by their names."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# as in cdi_lib/pipeline/preload.py: two seconds for a grammar that nobody needs
sys.modules.setdefault("rfc3987_syntax", None)

# A program of its own, which a third party runs: it reads its arguments when it is imported.
collect_ignore = ["repeat_draw.py"]


def pytest_collection_modifyitems(items):
    """The slow ones first: begun last, they would keep one worker busy while the others have nothing left to do."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
