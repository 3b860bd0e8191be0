"""What a reader calls the things that results know by their ids: the words are in ``reports/text``."""

from __future__ import annotations

from functools import cache
from typing import Any

from cdi_lib.inspection.details import Details
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.parameters import CRIME_TYPES
from cdi_lib.inspection.yaml_files import read_yaml

TEXTS = PROJECT / "reports" / "text"
LANGUAGE = "en"


@cache
def book(name: str) -> dict[str, Any]:
    """A file of words: ``labels``, ``tables``, ``figures``, ``glossary``."""
    return read_yaml(TEXTS / LANGUAGE / f"{name}.yml", f"reports/text/{LANGUAGE}/{name}.yml").content


_WORDS = book("labels")
TYPE_LABELS: dict[str, str] = _WORDS["crime_types"]
CRIME_TYPE_NAMES = {name: TYPE_LABELS[name].lower() for name in CRIME_TYPES}
CRIME_NOUNS: dict[str, list[str]] = _WORDS["crime_nouns"]
ROUTE_PHRASES: dict[str, str] = _WORDS["routes"]
CANCELLATION_PHRASES = {name: label.lower() for name, label in _WORDS["cancellations"].items()}
SAMPLE_NOUNS: dict[str, list[str]] = _WORDS["samples"]
RECORDS: dict[str, str] = _WORDS["records"]
INTERVAL_NAMES: dict[str, str] = _WORDS["intervals"]
CAUTIONS: dict[str, str] = _WORDS["cautions"]

# "x of n" in the rows of a table and of a figure.
WITHIN_24 = {f"within_24_{name}": TYPE_LABELS[name] for name in CRIME_TYPES}
CANCELLED = {f"cancelled_{name}": label for name, label in _WORDS["cancellations"].items()}
REVIEWED = CANCELLED | {"victims_informed": _WORDS["victims_informed"]}
RAPE_AND_N100, OTHER_SYSTEMS, MODERN_SLAVERY = (
    _WORDS[name] for name in ("rape_and_n100", "other_systems", "modern_slavery")
)

# Results where they stand alone: in a notebook, in a list of changes.
_ESTIMATES = _WORDS["estimates"] | CRIME_TYPE_NAMES
_SHARES = _WORDS["shares"] | {
    **{f"within_24_{name}": f"{_WORDS['shares']['within_24'].partition(':')[0]}: {name}" for name in CRIME_TYPES},
    **{
        f"cancelled_{name}": f"{_WORDS['shares']['cancelled'].partition(':')[0]}: {name}"
        for name in _WORDS["cancellations"]
    },
}
_TALLIES = _WORDS["tallies"]


def of_estimate(key: str, details: Details | None = None) -> str:
    """What the estimate with this id is; ``details`` know the year of the previous inspection."""
    if key == "previous" and details and details.previous:
        return f"Recording rate in {details.previous.year}"
    if key.startswith("unrecorded_"):
        return f"Unrecorded in a year: {of_estimate(key.removeprefix('unrecorded_'))}"
    return _ESTIMATES.get(key, _from_id(key))


def of_share(key: str, details: Details | None = None) -> str:
    """What the "x of n" with this id is; ``details`` know the statements of the survey."""
    statements = details.survey_statements if details else {}
    return statements.get(key.removeprefix("survey_")) or _SHARES.get(key, _from_id(key))


def of_tally(key: str, details: Details | None = None) -> str:
    """What the counts with this id are."""
    if key in _TALLIES:
        return _TALLIES[key]
    share = key.removesuffix("_unrecorded")
    return of_share(share, details) + ("" if share == key else ": not recorded")


def _from_id(key: str) -> str:
    return key.replace("_", " ").capitalize()
