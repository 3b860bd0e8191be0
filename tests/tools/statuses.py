"""Every number of a report with where it comes from: ``python -m tests.tools.statuses`` writes ``tests/statuses/*.csv``.

The report is told again from results whose numbers know their path (:mod:`tagged`); a number's status is that of its path.
"""

from __future__ import annotations

import csv
import re
import sys
import tempfile
from pathlib import Path

from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.results import Results, write_results
from tests.tools import demonstration

sys.path.insert(0, str(PROJECT / "tests"))

import executed
import tagged

LISTS = PROJECT / "tests" / "statuses"
HEADER = ("part", "section", "number", "result", "status")
# All figures printed; all but the rates of crime types; a rate without its margin, so that the sample is assumed.
FORCES = ("northamptonshire", "cheshire-2017", "durham", "cheshire")


def results_of(force: str, folder: Path) -> tuple[Results, Path]:
    """The results of a force, stored in a new folder, and the folder of its parameters."""
    params = PROJECT / "params"
    if force != demonstration.CARRIED:
        params = folder / "params"
        demonstration.write(params)
    _, results = executed.run(force, params, folder)
    write_results(folder / "results.json", results)
    return results, params


def listed(force: str, folder: Path, params: Path) -> list[tuple[str, ...]]:
    """The numbers in the report whose ``results.json`` is in a folder: part, section, number, path of the result, status."""
    told, part = tagged.tell(folder, params, force), "main"
    found = {}
    for piece in told.pieces:
        part = "annex" if re.match(r"# .*\{\.annex\}", piece.text) else part
        for text, path in piece.printed:
            # Not a result: a day, or the number of a cell in a link.
            if path != "text" and re.search(r"\d", text) and not str(path).startswith("computed_in."):
                status = told.results.status(path) if path else None
                found[part, piece.heading, text.replace("\N{NO-BREAK SPACE}", " "), path or "", status or ""] = True
    return sorted(found)


def main() -> None:
    """Write the lists."""
    LISTS.mkdir(exist_ok=True)
    for force in FORCES:
        with tempfile.TemporaryDirectory() as scratch:
            _, params = results_of(force, Path(scratch))
            with (LISTS / f"{force}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows([HEADER, *listed(force, Path(scratch), params)])
        print(f"tests/statuses/{force}.csv")


if __name__ == "__main__":
    main()
