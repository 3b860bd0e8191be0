"""Build a report twice and compare the files byte for byte: ``make verify FORCE=x``."""

import sys
import tempfile
from pathlib import Path

from cdi_lib.inspection.folders import force_key
from cdi_lib.inspection.problems import InputError
from cdi_lib.pipeline import fingerprint
from cdi_lib.pipeline.build import build_report
from cdi_lib.pipeline.notebooks import BuildError


def main(force: str = "") -> int:
    """Build and compare; 1 if a file differs."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / name for name in ("first", "second")]
        try:
            builds = [build_report(force_key(force), reports=folder, progress=print) for folder in folders]
        except (InputError, BuildError) as error:
            print(error, file=sys.stderr)
            return 1
        first, second = (fingerprint.outputs(build.folder) for build in builds)
    names = sorted(first.keys() | second.keys())
    differ = [name for name in names if first.get(name) != second.get(name)]
    for name in differ:
        print(f"differs: {name}", file=sys.stderr)
    print(f"{len(names) - len(differ)} of {len(names)} files are the same byte for byte")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
