"""Run the notebooks for Northamptonshire and keep their outputs in notebooks/: ``python -m tests.tools.refresh``."""

import os
import shutil
import tempfile
from pathlib import Path

from cdi_lib.inspection.folders import PROJECT, SECTIONS_VARIABLE
from cdi_lib.inspection.parameters import load_inspection
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.pipeline.notebooks import NOTEBOOKS, REPORT, execute, write_front_matter


def main() -> None:
    """Run each notebook as if by hand, and put it into its place."""
    os.environ.pop(SECTIONS_VARIABLE, None)
    with tempfile.TemporaryDirectory() as scratch:
        for name in (*NOTEBOOKS, REPORT, "calibration", "comparison", "rolling"):
            executed = Path(scratch) / f"{name}.ipynb"
            audit = read_audit("northamptonshire") if name == REPORT else None  # whose sections become its cells
            execute(name, "northamptonshire", executed, parameters={}, audit=audit)
            if name == REPORT:
                write_front_matter(executed, load_inspection("northamptonshire"))
            shutil.copyfile(executed, PROJECT / "notebooks" / f"{name}.ipynb")
            print(f"notebooks/{name}.ipynb")


if __name__ == "__main__":
    main()
