"""What the tables of an audit hold: their columns, the kinds of value in them, and what text becomes once it is checked.

Only ``crimes`` is required; a table that is not there means that this part was not inspected, and so does one of `PARTS`
with a header and no rows.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from cdi_lib.inspection.files import read_table
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.programme import MAIN, Told
from cdi_lib.inspection.values import unprintable
from cdi_lib.inspection.yaml_files import read_yaml
from cdi_lib.statistics.checks import NO_REFERENCE, NO_VALUE

Series: TypeAlias = "pd.Series[Any]"
OFFENCE_CLASSES = PROJECT / "params" / "offence_classes.csv"
PARTS = ("dip_records", "n100", "cancellations", "survey")  # tables of parts that an audit may leave out
ANSWERS = ("strongly agree", "agree", "neither", "disagree", "strongly disagree")
YES_NO = ("yes", "no")
OUTCOMES = ("upheld", "rejected", "open")
N100 = "n100"
RECORDED_AS = (N100, "incident", "nothing")
# Columns that crimes get from others, and what may stand in them
DERIVED = {name: YES_NO for name in ("rape", "modern_slavery", "within_limit", "rightly_classed", "should_be_recorded")}
EQUALITY = {"characteristic": (), "recorded": YES_NO}  # the list of the parameters, as a table


@cache
def offence_classes() -> pd.DataFrame:
    """The Home Office offence classes that an audited crime may have: crime type, and whether one is rape or slavery.

    People add to them: InputError with all that is wrong with the file.
    """
    from cdi_lib.inspection.rules import by_row, check_table  # which read the tables below

    file = f"params/{OFFENCE_CLASSES.name}"
    text = read_table(OFFENCE_CLASSES, file, expected=list(_CLASS_COLUMNS))
    if mistakes := by_row(check_table(text, file, _CLASS_COLUMNS), text):
        raise InputError(mistake.problem(file) for mistake in mistakes)
    answers = {name: ANSWER.typed(text[name]).map({True: "yes", False: "no"}) for name in ("rape", "modern_slavery")}
    return text.assign(**answers).set_index("offence_class")


def crime_type_of(told: Told) -> dict[str, str]:
    """The crime type of each offence class, in the sense of a programme."""
    own = {class_: name for name, crime_type in told.crime_types.items() for class_ in crime_type.classes}
    return dict(offence_classes()["crime_type"]) | own


# Dates and times in the forms that forces export.
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR = "(?P<year>[0-9]{4})"
_CLOCK = "(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.]0+)?)?"
_MONTH_NAME = f"(?P<month>(?i:{'|'.join(_MONTHS)})[a-z]{{0,6}})"
_FORMS = tuple(
    re.compile(f"{day}(?:[ T]{_CLOCK})?")
    for day in (
        f"{_YEAR}-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})",
        f"(?P<day>[0-9]{{1,2}})/(?P<month>[0-9]{{1,2}})/{_YEAR}",
        f"(?P<day>[0-9]{{1,2}})(?P<mark>[- ]){_MONTH_NAME}(?P=mark){_YEAR}",
    )
)


def parse_moments(text: Series, days: bool = False) -> Series:
    """Dates and times as timestamps; NaT where the text is none, or one that the calendar does not have.

    Read are 2019-06-03 14:05, 03/06/2019 14:05 (day before month), 03-Jun-2019 14:05 and 3 Jun 2019 14:05, with or
    without seconds; with ``days`` also dates alone, as midnight. Local time as written; a change of the clocks is not
    corrected for, and a time with a zone (2019-06-03T14:05Z) is not read, for it may be an hour off.
    """
    found = (_moment(str(one), days) if there else None for one, there in zip(text, text.notna(), strict=True))
    return pd.Series(np.fromiter(found, "datetime64[s]", len(text)), index=text.index)


def _moment(text: str, days: bool) -> datetime | None:
    found = next((found for form in _FORMS if (found := form.fullmatch(text))), None)
    if found is None or not (days or found["hour"]):
        return None
    name = found["month"][:3].lower()
    month = _MONTHS.index(name) + 1 if name in _MONTHS else int(name)
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    try:
        return datetime(int(found["year"]), month, int(found["day"]), hour, minute, second)
    except ValueError:
        return None


@dataclass(frozen=True)
class Kind:
    """A kind of value, as text in a table."""

    expected: str  # what it is, for messages
    fits: Callable[[Series], Series]  # which of some texts are of this kind
    typed: Callable[[Series], Series] = lambda texts: texts  # what those become
    words: Callable[[], Iterable[str]] = tuple  # those of which one may be misspelt
    free: bool = False  # whatever the data hold


@dataclass(frozen=True)
class Column:
    """A column of a table: what it holds, and whether cells may be blank, it may be left out, values may repeat."""

    description: str
    kind: Kind
    blank: bool = False
    required: bool = True
    unique: bool = False
    part: str = ""  # of the programme, whose ids stand in it
    alike: bool = False  # whether values of one look are a mistake, as in references


def one_of(values: Iterable[str]) -> Kind:
    """One of some words."""
    words = tuple(values)
    return Kind(f"one of {', '.join(words)}", lambda texts: texts.isin(words), words=lambda: words)


def matching(pattern: str, expected: str, typed: Callable[[Series], Series] = lambda texts: texts) -> Kind:
    """Texts of which the whole matches a regular expression."""
    return Kind(expected, lambda texts: texts.str.fullmatch(pattern).astype(bool), typed)


def _no(pattern: str, texts: Series) -> Series:
    """Which texts are none of what a program writes where there is nothing."""
    return ~texts.str.lower().str.fullmatch(pattern).astype(bool)


TEXT = Kind("an entry, not the error of a formula", partial(_no, NO_VALUE), free=True)
REFERENCE = Kind(
    "a reference; not an error, a total, a date or a word for nothing, such as #N/A, Total, 01-Mar or NULL",
    partial(_no, NO_REFERENCE),
    free=True,
)
PRINTABLE = Kind(
    "text that can be printed: no error of a formula, no control characters, only letters that the report's typeface has",
    lambda texts: (texts.map(unprintable) == "") & _no(NO_VALUE, texts),
)
CLASS = Kind(
    "a class of params/offence_classes.csv, to which one that is missing can be added",
    lambda texts: texts.isin(offence_classes().index),
    words=lambda: offence_classes().index,
)
_ANSWERS = {"yes": True, "true": True, "no": False, "false": False}
ANSWER = replace(
    one_of(YES_NO),
    fits=lambda texts: texts.str.lower().isin(_ANSWERS),
    typed=lambda texts: texts.str.lower().map(_ANSWERS).astype("boolean"),
)
MOMENT = Kind(
    "a date and time such as 2019-06-03 14:05 or 03/06/2019 14:05: day before month, year in full, 24 hours, no zone; "
    "midnight as 00:01, for a spreadsheet keeps a date alone as its midnight",
    lambda texts: parse_moments(texts).notna(),
    parse_moments,
)
DAY = Kind(
    "a date such as 2019-06-03 or 03/06/2019",
    lambda texts: parse_moments(texts, days=True).notna(),
    lambda texts: parse_moments(texts, days=True),
)
COUNT = matching("[1-9][0-9]{0,8}", "a whole number above 0, such as 1250", lambda texts: texts.astype(int))
DECISION = matching(
    r"recorded|not recorded|no crime|class \S+",
    "recorded, not recorded, no crime, or class and an offence class, such as class 8N",
)
RESULT = matching(
    r"(estimates|shares|tallies|details)(\.[a-z0-9_-]+)+", "a place in results.json, such as estimates.overall.value"
)

_CLASS_COLUMNS = {
    "offence_class": Column("Home Office class, unique in this table", TEXT, unique=True, alike=True),
    "crime_type": Column(
        "crime type of the class, such as violence",
        matching("[a-z][a-z0-9_]*", "an id of small letters, such as violence"),
    ),
    "rape": Column("yes or no", ANSWER),
    "modern_slavery": Column("yes or no", ANSWER),
    "description": Column("what it is", PRINTABLE),
}
_KINDS: dict[str, Kind] = {
    "text": TEXT, "reference": REFERENCE, "printable": PRINTABLE, "class": CLASS, "answer": ANSWER, "moment": MOMENT, "day": DAY, "count": COUNT,
    "decision": DECISION, "result": RESULT,
    "recorded_as": one_of(RECORDED_AS), "outcome": one_of(OUTCOMES), "opinion": one_of(ANSWERS),
}  # fmt: skip


def _column(kind: str | Sequence[str] = (), **said: Any) -> Column:
    return Column(kind=_KINDS[kind] if isinstance(kind, str) else one_of(kind), **said)


_FILE = Path(__file__).with_suffix(".yml")  # with what the columns hold
_TABLES: dict[str, dict[str, Column]] = {
    table: {name: _column(**said) for name, said in columns.items()}
    for table, columns in read_yaml(_FILE, _FILE.name).content.items()
}
TABLES = tuple(_TABLES)  # their names


def columns_of(name: str) -> list[str]:
    """The names of the columns of a table."""
    return list(_TABLES[name])


def tables_of(told: Told | Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Column]]:
    """The tables of an inspection by a programme (or by its parts, by name), and their columns."""
    tables = {name: dict(columns) for name, columns in _TABLES.items()}
    for table, columns in tables.items():
        for column, spec in ((column, spec) for column, spec in columns.items() if spec.part):
            ids = tuple(told[spec.part] if isinstance(told, Mapping) else getattr(told, spec.part))
            named = {spec.part: " or ".join([*filter(None, [", ".join(ids[:-1])]), *ids[-1:]]) or "none"}
            words = (MAIN, *ids) if (table, column) == ("crimes", "sample") else ids
            columns[column] = replace(spec, description=spec.description.format(**named), kind=one_of(words))
            if column == "route" and not ids:
                columns[column] = replace(columns[column], required=False, blank=True)
    if not isinstance(told, Mapping) and not told.reads("domestic_abuse"):
        tables["crimes"]["domestic_abuse"] = replace(tables["crimes"]["domestic_abuse"], required=False)
    for name, own in (told["columns"] if isinstance(told, Mapping) else told.columns).items():
        described = f"{own.description}: {', '.join(own.values)}" if own.values else own.description
        kind = one_of(own.values) if own.values else TEXT
        tables["crimes"].setdefault(name, Column(described, kind, blank=own.blank, required=not own.blank))
    return tables


def typed(text: pd.DataFrame, name: str, limit_hours: int) -> pd.DataFrame:
    """A table of checked text as what it means: yes and no, timestamps, counts; what crimes share is derived once.

    ``limit_hours`` is the time limit for recording that held in the audit period.
    """
    data = text.copy()
    for column, spec in _TABLES[name].items():
        if column in data:
            data[column] = spec.kind.typed(data[column])
            if spec.kind is ANSWER and not spec.blank:
                data[column] = data[column].astype(bool)
    if name == "crimes":
        if "domestic_abuse" not in data:  # left out where the programme does not ask for it
            data["domestic_abuse"] = False
        if "stratum" in data and data["stratum"].isna().all():
            data = data.drop(columns="stratum")  # an empty column says no more than none
        data["rape"] = (data["offence_class"].map(offence_classes()["rape"]) == "yes").astype(bool)
        data["modern_slavery"] = (data["offence_class"].map(offence_classes()["modern_slavery"]) == "yes").astype(bool)
        delay = data["recorded_at"] - data["reported_at"]
        in_time = (delay <= pd.Timedelta(hours=limit_hours)).astype("boolean")
        data["within_limit"] = in_time.mask(delay.isna())
        if "recorded_class" in data:
            same = (data["recorded_class"] == data["offence_class"]).astype("boolean")
            data["rightly_classed"] = same.mask(data["recorded_class"].isna())
    if name in ("crimes", "over_recorded"):
        data["should_be_recorded"] = name == "crimes"
    return data
