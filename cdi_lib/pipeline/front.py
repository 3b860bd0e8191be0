"""The front page of all reports that were built: grade, rate with its interval, status and date, each with a link."""

import json
from pathlib import Path
from typing import Any

import jinja2

from cdi_lib.inspection.files import write_whole
from cdi_lib.inspection.folders import COMPARISON
from cdi_lib.render import look
from cdi_lib.report import labels, wording
from cdi_lib.report.tables import not_applicable

NAME, FEED = "index.html", "feed.xml"


def write(reports: Path) -> Path:
    """Write ``index.html`` of a folder of reports in one step; equal reports give equal bytes.

    Beside it an Atom feed of the reports that are published, the latest first: no draft, nothing under embargo.
    """
    rows = [_row(path) for path in sorted(reports.glob("[!.]*/results.json"))]
    rows.sort(key=lambda row: (row["force"], row["day"]))
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    context: dict[str, Any] = {"rows": rows, "feed": labels.said("release.feed"), "style": look.style()}
    context["comparison"] = COMPARISON if (reports / COMPARISON / NAME).is_file() else ""
    context["style_hash"] = look.hash_of(context["style"])
    for name, template in ((FEED, "front.xml"), (NAME, "front.html")):
        front = write_whole(reports / name, environment.from_string(look.template(template)).render(context).encode())
    return front


def _row(path: Path) -> dict[str, Any]:
    """What the front page says of one report."""
    content = json.loads(path.read_text(encoding="utf-8"))
    notice = wording.notice(content["publication"])
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
        "status": notice[0] if notice else publication["status"].capitalize(),
        "published": notice is None,
        "version": publication["version"],
        "contact": (publication.get("contact") or {}).get("name", ""),
        "records": wording.capital(labels.word("records", content["records"]["status"])),
    }
