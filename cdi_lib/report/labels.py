"""What a reader calls the things that results know by their ids: the words are in the programme and in ``reports/text``."""

from __future__ import annotations

from functools import cache
from typing import Any

from cdi_lib.inspection.details import Details
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.programme import OVERALL, Told
from cdi_lib.inspection.yaml_files import read_yaml

TEXTS = PROJECT / "reports" / "text"
LANGUAGE = "en"


@cache
def book(name: str) -> dict[str, Any]:
    """A file of words: ``labels``, ``tables``, ``figures``, ``glossary``."""
    return read_yaml(TEXTS / LANGUAGE / f"{name}.yml", f"reports/text/{LANGUAGE}/{name}.yml").content


_WORDS = book("labels")
ALL_CRIME: str = _WORDS["all_crime"]
RECORDS: dict[str, str] = _WORDS["records"]
INTERVAL_NAMES: dict[str, str] = _WORDS["intervals"]
CAUTIONS: dict[str, str] = _WORDS["cautions"]


def crime_types(told: Told) -> dict[str, str]:
    """All crime and the crime types, as in the rows of a table."""
    return {OVERALL: ALL_CRIME} | {id_: crime_type.label for id_, crime_type in told.crime_types.items()}


def nouns(told: Told) -> dict[str, list[str]]:
    """One crime of each type, and several."""
    return {id_: [crime_type.one, crime_type.many] for id_, crime_type in told.crime_types.items()}


def sample_nouns(told: Told) -> dict[str, list[str]]:
    """One record of each dip sample, and several."""
    return {id_: [sample.one, sample.many] for id_, sample in told.samples.items()}


# Results where they stand alone: in a notebook, in a list of changes.


def of_estimate(key: str, details: Details) -> str:
    """What the estimate with this id is."""
    told = details.programme
    if key == "previous" and details.previous:
        return f"Recording rate in {details.previous.year}"
    if key.startswith("unrecorded_"):
        return f"Unrecorded in a year: {of_estimate(key.removeprefix('unrecorded_'), details)}"
    if key in told.estimates:
        return told.estimates[key].label
    if key in told.crime_types:
        return told.crime_types[key].label.lower()
    return str(_WORDS["estimates"].get(key, _from_id(key)))


def of_share(key: str, details: Details) -> str:
    """What the "x of n" with this id is."""
    if statement := details.survey_statements.get(key.removeprefix("survey_")):
        return statement
    shares = details.programme.shares
    return shares[key].label if key in shares else str(_WORDS["shares"].get(key, _from_id(key)))


def of_tally(key: str, details: Details) -> str:
    """What the counts with this id are."""
    if key in _WORDS["tallies"]:
        return str(_WORDS["tallies"][key])
    share = key.removesuffix("_unrecorded")
    return of_share(share, details) + ("" if share == key else ": not recorded")


def of_result(key: str, details: Details) -> str:
    """What the result with this id (``estimates.overall``) is, within a sentence."""
    kind, _, name = key.partition(".")
    if (statement := name.removeprefix("survey_")) in details.survey_statements:
        return f"answers to “{details.survey_statements[statement].rstrip('.')}”"
    label = {"estimates": of_estimate, "shares": of_share, "tallies": of_tally}[kind](name, details)
    if kind == "estimates" and ":" not in label and "rate" not in label.lower() and name != "change":
        return f"the rate of {label[:1].lower()}{label[1:]}"
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def _from_id(key: str) -> str:
    return key.replace("_", " ").capitalize()
