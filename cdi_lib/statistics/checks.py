"""Checks of what the estimators are handed: each returns it, or refuses with its name, what was expected and got."""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import pandas as pd


def choice(name: str, value: str, allowed: Collection[str]) -> str:
    """Return `value` if it is one of `allowed`."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {value!r}")
    return value


def proportion(name: str, value: Any, low: float = 0.0, high: float = 1.0) -> float:
    """Return a number strictly between `low` and `high`; of a percentage the message says how to write it."""
    if not _is_number(value) or not low < value < high:
        percentage = _is_number(value) and high < value < 100 * high
        hint = f"; if {value:g} % is meant, write {value / 100:g}" if percentage else ""
        raise ValueError(
            f"{name} must be a proportion between {low:g} and {high:g}, both excluded; got {value!r}{hint}"
        )
    return float(value)


def level(value: Any) -> float:
    """Return a confidence level; below 0.5 a significance level may be meant, such as 0.05."""
    return proportion("confidence", value, 0.5)


def number(name: str, value: Any, least: float = 0.0) -> float:
    """Return a finite number of at least `least`."""
    if not _is_number(value) or not least <= value < math.inf:
        raise ValueError(f"{name} must be a finite number of at least {least:g}; got {value!r}")
    return float(value)


def positive(name: str, value: Any) -> float:
    """Return a finite number above 0."""
    if not number(name, value):
        raise ValueError(f"{name} must be greater than 0; got {value!r}")
    return float(value)


def count(name: str, value: Any, least: int = 0) -> int:
    """Return a whole number of at least `least`; a proportion is refused where a count is meant."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        hint = "; a proportion is not a count" if _is_number(value) and 0 < value < 1 else ""
        raise ValueError(f"{name} must be a whole number of at least {least}; got {value!r}{hint}")
    return int(value)


def population_count(name: str, value: Any, sampled: float, unit: str) -> float:
    """Return how many there are, at least as many as `sampled`: perhaps estimated and so not whole, but no share."""
    size = number(name, value)
    if 0 < size < 1:
        raise ValueError(f"{name} must be a count of {unit}, not a share; got the fraction {value!r}")
    if size < sampled:
        said = f"{size:g} {unit} are fewer than the {sampled:g} in the sample"
        raise ValueError(f"{name}: {said}; count all {unit} that could have been drawn")
    return size


def one_population(population: object, infinite_population: bool, unit: str) -> None:
    """Refuse a population that is missing, or given although it was declared infinite."""
    if (population is None) != infinite_population:
        raise ValueError(
            f"population: give the number of {unit} that the sample was drawn from, or say "
            "infinite_population=True to do without finite population correction; one of them"
        )


def counts_of_groups(name: str, given: Any, role: str, present: Iterable[Any]) -> Mapping[Any, Any]:
    """Return `given` as a mapping with a count for each group of the sample, and 0 at most for others."""
    given, present = given.to_dict() if isinstance(given, pd.Series) else given, list(present)
    if not isinstance(given, Mapping):
        raise ValueError(f"{name} must be a mapping of {role} -> count; got {given!r}")  # noqa: TRY004
    if missing := [key for key in present if key not in given]:
        raise ValueError(f"{name}: no count for the {role} {missing[0]!r} of the sample; got {list(given)}")
    if unseen := [key for key, size in given.items() if size != 0 and key not in present]:
        said = f"nothing was sampled in the {role} {unseen[0]!r}, so nothing is known of it"
        raise ValueError(f"{name}: {said}; merge it with a similar one, or leave it out and say so beside the figure")
    return given


def column_of(table: pd.DataFrame, name: str, role: str) -> "pd.Series[Any]":
    """Return the column `name` of a data frame."""
    if name not in table.columns:
        raise ValueError(f"{role}: no column {name!r}; the columns are {', '.join(map(str, table.columns))}")
    column: pd.Series[Any] = table[name]
    return column


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


# What a program or a person writes where there is no reference, in small letters: errors, blanks, sums, dates
NO_VALUE = r"#n/a|#[a-z0/]+[!?]|#+|err:[0-9]+"
_MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
NO_REFERENCE = (
    rf"{NO_VALUE}|n/?a|n/k|null|none|nan|nil|tbc|[-?]+|(grand |sub-?)?total(s|[: ].*)?|.+ (total|count)|"
    rf"[0-9]{{1,2}}-{_MONTH}(-[0-9]{{2,4}})?|{_MONTH}-[0-9]{{2,4}}"
)
_NOT_SEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_LIKE_LATIN = str.maketrans(
    "АВЕІЈКМНОРСТХЅУаеіјорсхѕуΑΒΕΖΗΙΚΜΝΟΡΤΥΧο\u2010\u2011\u2012\u2013\u2014\u2015\u2212",
    "ABEIJKMHOPCTXSYaeijopcxsyABEZHIKMNOPTYXo-------",
)


def look(text: str) -> str:
    """What is left of a text without what nobody sees or minds: capitals, zeros before it, kinds of space and dash, letters
    of other alphabets. Two references of one look are one reference that was entered in two ways.

    >>> look("INC\u20130012"), look("007"), look("7.0")
    ('inc-0012', '7', '7')
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _NOT_SEEN.sub("", text)).translate(_LIKE_LATIN)
    return " ".join(text.casefold().split()).lstrip("0").removesuffix(".0")
