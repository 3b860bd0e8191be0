"""The front page of all reports that were built: grade, rate with its interval, status and date, each with a link."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jinja2

from cdi_lib.inspection.files import write_whole
from cdi_lib.inspection.folders import COMPARISON
from cdi_lib.render import look
from cdi_lib.report import labels, wording
from cdi_lib.report.tables import not_applicable

NAME, FEED = "index.html", "feed.xml"


def write(reports: Path) -> Path:
    """Write ``index.html`` of a folder of reports in one step; equal reports give equal bytes."""
    rows = [_row(path) for path in sorted(reports.glob("[!.]*/results.json"))]
    rows.sort(key=lambda row: (row["force"], row["day"]))
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page = environment.from_string(look.template("front.html")).render(
        rows=rows,
        comparison=COMPARISON if (reports / COMPARISON / NAME).is_file() else "",
        style=look.style(),
        style_hash=look.hash_of(look.style()),
    )
    write_whole(reports / FEED, _feed(rows).encode())
    return write_whole(reports / NAME, page.encode())


def _feed(rows: list[dict[str, Any]]) -> str:
    """The reports that are published as an Atom feed, the latest first: no draft, nothing under embargo."""
    feed = ElementTree.Element("feed", xmlns="http://www.w3.org/2005/Atom")
    published = sorted((row for row in rows if row["published"]), key=lambda row: row["day"], reverse=True)
    for name, text in (("title", labels.said("release.feed")), ("id", "urn:cdi:reports")):
        ElementTree.SubElement(feed, name).text = text
    ElementTree.SubElement(feed, "updated").text = f"{published[0]['day'] if published else '1970-01-01'}T00:00:00Z"
    for row in published:
        entry = ElementTree.SubElement(feed, "entry")
        ElementTree.SubElement(entry, "title").text = f"{row['force']}: {row['title']}"
        ElementTree.SubElement(entry, "id").text = f"urn:cdi:reports:{row['folder']}:{row['version']}"
        ElementTree.SubElement(entry, "updated").text = f"{row['day']}T00:00:00Z"
        ElementTree.SubElement(entry, "link", href=f"{row['folder']}/index.html")
        author = ElementTree.SubElement(entry, "author")
        ElementTree.SubElement(author, "name").text = row["contact"] or row["force"]
        ElementTree.SubElement(entry, "summary").text = f"{row['grade']}; {row['rate']} ({row['records']})"
    ElementTree.indent(feed)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(feed, encoding="unicode")}\n'


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
