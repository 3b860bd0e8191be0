"""Pictures of a built report, on a desktop, on a phone and as PDF, in reports/_images/: ``make screenshots FORCE=x``."""

import shutil
import subprocess
import sys

from cdi_lib.inspection.folders import PROJECT, force_key, reports_folder


def main(force: str) -> int:
    """Take the pictures; the exit status of what failed, with what is missing said."""
    report = reports_folder() / force_key(force)
    missing = [name for name in ("chromium", "node", "pdftoppm") if shutil.which(name) is None]
    if missing or not (PROJECT / "tests" / "browser" / "node_modules").is_dir():
        print(f"not installed: {', '.join(missing) or 'run npm ci --prefix tests/browser'}", file=sys.stderr)
        return 1
    if not (report / "index.html").is_file():
        print(f"there is no report yet: make report FORCE={force}", file=sys.stderr)
        return 1
    images = PROJECT / "reports" / "_images"
    script = PROJECT / "tests" / "browser" / "screenshots.mjs"
    status = subprocess.call(["node", script, str(shutil.which("chromium")), report / "index.html", images])
    page = ["pdftoppm", "-png", "-r", "60", "-f", "3", "-l", "3", "-singlefile"]
    return status or subprocess.call([*page, report / "report.pdf", images / "report-pdf"])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
