"""The kinds of values that files of an inspection may hold: text, counts, percentages, dates.

Each refuses what is wrong by saying what was expected; :mod:`cdi_lib.inspection.explain` adds the place.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictFloat, StrictInt

LONGEST_TEXT, LONGEST_NAME = 5_000, 200
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
MOST_CRIMES = 100_000_000  # more than England and Wales record in a decade


class Model(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def unprintable(text: str) -> str:
    """What keeps a text from being printed in a report, as what was expected instead; empty if nothing does.

    Control characters and those that turn the direction of writing, so that a text reads as another, are refused; and
    characters that the report's typeface does not have, because an accessible PDF must show each.

    Examples
    --------
    >>> unprintable("Dyfed \N{EN DASH} Powys")
    ''
    >>> unprintable("Force\N{RIGHT-TO-LEFT OVERRIDE}")
    'text without control characters; it holds U+202E'
    """
    if text.isascii() and text.isprintable():
        return ""
    for character in text:
        category = unicodedata.category(character)
        if category in {"Cc", "Cs", "Cn", "Co"} or unicodedata.bidirectional(character) in _DIRECTIONS:
            return f"text without control characters; it holds U+{ord(character):04X}"
        if category != "Cf" and ord(character) not in _typeface():
            return f"characters that the report's typeface has; it lacks {character} (U+{ord(character):04X})"
    return ""


_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@cache
def _typeface() -> frozenset[int]:
    """The characters that every style of the report's typeface has."""
    import font_source_sans_pro
    from fontTools.ttLib import TTFont

    folder = Path(font_source_sans_pro.__file__).parent / "files"
    styles = [folder / f"SourceSansPro-{name}.ttf" for name in ("Regular", "It", "Semibold", "SemiboldIt")]
    return frozenset.intersection(*(frozenset(TTFont(path, lazy=True).getBestCmap()) for path in styles))


def _one_line(text: object) -> str:
    """Refuse values that YAML made something else of (``no`` is False), and fold line breaks."""
    if not isinstance(text, str):
        raise ValueError("text; put it in quotes")  # noqa: TRY004  pydantic collects ValueError
    text = " ".join(text.split())
    if not text:
        raise ValueError("text that is not empty")
    if problem := unprintable(text):
        raise ValueError(problem)
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"at most {LONGEST_TEXT:,} characters; these are {len(text):,} characters")
    return text


def _short(text: str) -> str:
    if len(text) > LONGEST_NAME:
        raise ValueError(f"at most {LONGEST_NAME} characters; these are {len(text):,} characters")
    return text


def _percentage(value: float) -> float:
    if 0 < value <= 1:
        raise ValueError(f"a percentage such as 92.0; {value} looks like a proportion: write {value * 100:g}")
    if not 0 < value <= 100:
        raise ValueError("a percentage above 0 and up to 100")
    return float(value)


def _points(value: float) -> float:
    if 0 < value < 0.2:
        expected = f"percentage points such as 3; {value} looks like a proportion: write {value * 100:g}"
        raise ValueError(expected)
    return float(value)


def _confidence(value: float) -> float:
    if not 50 < value < 100:
        raise ValueError("a confidence level between 50 and 100 in percent, such as 95")
    return float(value)


def _count(value: int) -> int:
    if value < 0:
        raise ValueError("a count of 0 or more")
    if value > MOST_CRIMES:
        raise ValueError(f"a count of at most {MOST_CRIMES:,}")
    return value


def _real_date(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("a date that exists, such as 2019-06-01 (year-month-day)") from None
    if type(value) is not date:
        raise ValueError("a date such as 2019-06-01 (year-month-day)")
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(f"a date from {FIRST_DAY.year} to {LAST_DAY.year}")
    return value


Number = StrictFloat | StrictInt
Text = Annotated[str, BeforeValidator(_one_line)]
Name = Annotated[Text, AfterValidator(_short)]
Positive = Annotated[StrictInt, Field(ge=1)]
Count = Annotated[StrictInt, AfterValidator(_count)]
Percentage = Annotated[Number, AfterValidator(_percentage)]
Points = Annotated[Number, Field(gt=0, lt=50), AfterValidator(_points)]
Confidence = Annotated[Number, AfterValidator(_confidence)]
Day = Annotated[date, BeforeValidator(_real_date)]
Status = Literal["published", "derived", "assumed", "supplied"]
