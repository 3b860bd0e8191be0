"""Versions of a final report: the earlier ones are kept beside it, and a later one says what it corrects and why."""

import json
import re
import shutil
from pathlib import Path

from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.results import Results, read_results
from cdi_lib.pipeline.audit import Audit
from cdi_lib.report.changes import changes

FOLDER = "versions"
KEPT = ("index.html", "report.pdf", "results.json")


def keep_earlier(report: Path, staging: Path, version: str) -> Path | None:
    """Copy the earlier versions of a report into the staging folder; the results of the last one, None without any.

    What is published now counts as earlier if it is final and of another version.
    """
    if (report / FOLDER).is_dir():
        shutil.copytree(report / FOLDER, staging / FOLDER)
    published = _published(report)
    if published and published != version:
        kept = staging / FOLDER / _name(published)
        kept.mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            shutil.copyfile(report / name, kept / name)
    earlier = [path for path in (staging / FOLDER).glob("*/results.json") if path.parent.name != _name(version)]
    return max(earlier, key=lambda path: _order(path.parent.name), default=None)


def check_corrected(audit: Audit, results: Results, report: Path, earlier: Path | None) -> None:
    """Refuse (InputError) a final report with other figures than were published, unless a new version says why.

    Reconstructed and invented records are never anybody's final report: their figures may move.
    """
    publication = audit.inspection.publication
    if publication.status != "final" or audit.inspection.records.status != "audit":
        return
    before = earlier
    if _published(report) == publication.version:
        before, expected = report / "results.json", "a later version, with the reason in publication.corrections"
        reasons: list[str] = []
    else:
        expected = "an entry of this version in publication.corrections, with its date and reason"
        reasons = [item.reason for item in publication.corrections if item.version == publication.version]
    if before is None or reasons:
        return
    if found := [change for change in changes(read_results(before), results) if change.figure]:
        got = f"{publication.version}, in which {len(found):,} figure{'s' * (len(found) > 1)} differ from what was published"
        raise InputError.of(f"params/{audit.force}.yml", "publication.version", got, expected)


def _published(report: Path) -> str | None:
    """The version of the final report in a folder."""
    try:
        content = json.loads((report / "results.json").read_text(encoding="utf-8"))["publication"]
    except (OSError, ValueError, KeyError):
        return None
    return str(content["version"]) if content["status"] == "final" else None


def _name(version: str) -> str:
    return re.sub(r"[^\w.-]+", "-", version)


def _order(version: str) -> list[tuple[int, str]]:
    """So that 1.10 comes after 1.9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"[.-]", version)]
