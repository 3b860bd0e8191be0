"""The front page of all reports that were built: grade, rate with its interval, status and date, each with a link."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jinja2

from cdi_lib.inspection.folders import COMPARISON
from cdi_lib.render import look
from cdi_lib.report import labels, wording
from cdi_lib.report.tables import not_applicable

NAME = "index.html"


def write(reports: Path) -> Path:
    """Write ``index.html`` of a folder of reports in one step; equal reports give equal bytes."""
    rows = [_row(path) for path in sorted(reports.glob("[!.]*/results.json"))]
    rows.sort(key=lambda row: (row["force"], row["day"]))
    source = (look.LOOK / "front.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page = environment.from_string(source).render(
        rows=rows,
        comparison=COMPARISON if (reports / COMPARISON / NAME).is_file() else "",
        style=look.style(),
        style_hash=look.hash_of(look.style()),
    )
    made = reports / f".{NAME}-{os.getpid()}"
    made.write_text(page, encoding="utf-8", newline="\n")
    made.replace(reports / NAME)
    return reports / NAME


def _row(path: Path) -> dict[str, Any]:
    """What the front page says of one report."""
    content = json.loads(path.read_text(encoding="utf-8"))
    publication, rate = content["publication"], content["estimates"].get("overall", {})
    shown = {name: rate.get(name) for name in ("value", "low", "high")}
    value, low, high = (not_applicable() if number is None else wording.percent(number) for number in shown.values())
    grade = content["details"]["judgements"]["overall"]["decided"]
    return {
        "folder": path.parent.name,
        "force": content["force_name"],
        "title": publication["title"],
        "grade": grade,
        "look": "" if grade == "not judged" else grade.replace(" ", "-") if grade in wording.BADGES else "other",
        "rate": value,
        "low": low,
        "high": high,
        "day": publication["date"],
        "date": wording.day(publication["date"]),
        "status": publication["status"].capitalize(),
        "records": wording.capital(labels.word("records", content["records"]["status"])),
    }
