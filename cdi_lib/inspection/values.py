"""The kinds of values that files of an inspection may hold, and what is wrong with a file, said for people: the key, what
was got, what was expected."""

import re
import unicodedata
from datetime import date
from functools import cache, partial
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pydantic
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictFloat, StrictInt

from cdi_lib.inspection.problems import Problem, shown, suggest

LONGEST_TEXT, LONGEST_NAME = 5_000, 200
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
MOST_CRIMES = 100_000_000  # more than England and Wales record in a decade


class Model(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def unprintable(text: str) -> str:
    """What keeps a text from being printed in a report, as what was expected instead; empty if nothing does.

    Refused are control characters, those that turn the direction of writing, so that a text reads as another, and those
    that the report's typeface does not have, because an accessible PDF must show each.
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
    known = []
    for path in styles:
        with TTFont(path, lazy=True) as font:
            known.append(frozenset(font.getBestCmap()))
    return frozenset.intersection(*known)


def _one_line(text: object) -> str:
    """Refuse values that YAML made something else of (``no`` is False), and fold line breaks."""
    if not isinstance(text, str):
        raise ValueError("text; put it in quotes")  # noqa: TRY004  pydantic collects ValueError
    text = " ".join(text.split())
    if not text:
        raise ValueError("text that is not empty")
    if problem := unprintable(text):
        raise ValueError(problem)
    return _at_most(LONGEST_TEXT, text)


def _at_most(length: int, text: str) -> str:
    if len(text) > length:
        raise ValueError(f"at most {length:,} characters; these are {len(text):,} characters")
    return text


def _percentage(value: float) -> float:
    if 0 < value <= 1:
        raise ValueError(f"a percentage such as 92.0; {value} looks like a proportion: write {value * 100:g}")
    if not 0 < value <= 100:
        raise ValueError("a percentage above 0 and up to 100")
    return float(value)


def _points(value: float) -> float:
    if 0 < value < 0.2:
        raise ValueError(f"percentage points such as 3; {value} looks like a proportion: write {value * 100:g}")
    return float(value)


def _confidence(value: float) -> float:
    if not 50 < value < 100:
        raise ValueError("a confidence level between 50 and 100 in percent, such as 95")
    return float(value)


def _count(value: int) -> int:
    if not 0 <= value <= MOST_CRIMES:
        raise ValueError("a count of 0 or more" if value < 0 else f"a count of at most {MOST_CRIMES:,}")
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


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https://[^\s<>]+", text):
        raise ValueError("a web address that begins with https://")
    return text


Number = StrictFloat | StrictInt
Text = Annotated[str, BeforeValidator(_one_line)]
Name = Annotated[Text, AfterValidator(partial(_at_most, LONGEST_NAME))]
Count = Annotated[StrictInt, AfterValidator(_count)]
Percentage = Annotated[Number, AfterValidator(_percentage)]
Points = Annotated[Number, Field(gt=0, lt=50), AfterValidator(_points)]
Confidence = Annotated[Number, AfterValidator(_confidence)]
Day = Annotated[date, BeforeValidator(_real_date)]
WebAddress = Annotated[Name, AfterValidator(_web_address)]
Status = Literal["published", "derived", "assumed", "supplied"]


# --- what pydantic found, said for people ---------------------------------------------------------------------------

_WHOLE = "a whole number without quotes or thousands separators, such as 21900"
_NUMBER = "a number, such as 96.7"
ID, TABLE_ID = "^[a-z][a-z0-9_]{0,59}$", "^tbl-[a-z0-9-]{1,59}$"  # patterns of ids in a programme
_EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _NUMBER),
    **dict.fromkeys(("tuple_type", "list_type"), "a list: one '- …' line for each entry"),
    **dict.fromkeys(("model_type", "dict_type", "model_attributes_type"), "keys of its own, indented below it"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    "too_short": "at least one entry",
}
_PATTERNS = {
    ID: "an id such as asb_logs: small letters, digits and '_', a letter first",
    TABLE_ID: "an id such as tbl-asb-logs: 'tbl-', small letters, digits and '-'",
}
_BOUNDS = {
    "greater_than": "above {gt:g}", "greater_than_equal": "of {ge:g} or more",
    "less_than": "below {lt:g}", "less_than_equal": "of {le:g} or less",
}  # fmt: skip


class PlacedError(ValueError):
    """What is wrong between parts of a file, and the key where it is to be mended."""

    def __init__(self, place: str, expected: str):
        self.place = place
        super().__init__(expected)


def explain(error: pydantic.ValidationError, model: type[BaseModel], name: str) -> list[Problem]:
    """What pydantic found in a file that messages call ``name``, as problems."""
    problems: dict[tuple[str, str], Problem] = {}
    found = error.errors(include_url=False)
    for item in found:
        if item["type"] == "too_short" and any(
            item["loc"] == other["loc"][: len(item["loc"])] != other["loc"] for other in found
        ):
            continue  # it lacks what is wrong, which is told
        problem = _problem(item, model, name)
        kept = problems.get((problem.where, problem.got))
        # A number that may be whole or not fails twice; one message for a value is enough, the more general one.
        if kept is None or (kept.expected == _WHOLE and problem.expected == _NUMBER):
            problems[problem.where, problem.got] = problem
    return list(problems.values())


def _problem(item: Any, model: type[BaseModel], name: str) -> Problem:
    owner, keys = place(item["loc"], model)
    where = ".".join(str(key + 1) if isinstance(key, int) else shown(key)[1:-1] for key in keys)
    kind, context = item["type"], item.get("ctx", {})
    got = "nothing" if item["input"] is None else shown(item["input"])
    expected = _EXPECTED.get(kind, item["msg"])
    if kind == "missing":
        field = owner.model_fields.get(keys[-1]) if owner else None
        got, expected = "nothing", f"this key{': ' + field.description if field and field.description else ''}"
    elif kind == "extra_forbidden":
        known = list(owner.model_fields) if owner else []
        got, expected = f"the unknown key {shown(keys[-1])}", f"one of {', '.join(known)}{suggest(keys[-1], known)}"
    elif kind == "value_error":
        expected = str(context["error"])
        where = getattr(context["error"], "place", where)
        got = "" if isinstance(item["input"], dict | BaseModel) or "{'" in got else got
    elif kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        expected = f"one of {context['expected']}{suggest(item['input'], choices)}"
    elif kind == "string_pattern_mismatch" and context["pattern"] in _PATTERNS:
        expected = _PATTERNS[context["pattern"]]
    elif kind in _BOUNDS:
        expected = f"a number {_BOUNDS[kind].format(**context)}"
    return Problem(name, where, got, expected)


def place(location: tuple[Any, ...], model: type[BaseModel]) -> tuple[type[BaseModel] | None, tuple[Any, ...]]:
    """Where a location of pydantic leads: the model that owns its last key (None: no model does), and the keys.

    What pydantic adds behind the keys (names of union branches, marks of dictionary keys) is left out.
    """
    here: Any = model
    owner: type[BaseModel] | None = None
    keys = []
    for key in location:
        kind = get_origin(here)
        if key == "[key]":
            break
        if isinstance(here, type) and issubclass(here, BaseModel):
            owner, field = here, here.model_fields.get(key)
            here = core(field.annotation) if field else None
        elif kind in (dict, tuple):
            owner, here = None, core(get_args(here)[1 if kind is dict else 0])
        else:
            break
        keys.append(key)
    return owner, tuple(keys)


def core(annotation: Any) -> Any:
    """A type without its validators and without None."""
    kind = get_origin(annotation)
    if kind is Annotated:
        return core(get_args(annotation)[0])
    if kind in (Union, UnionType):
        kinds = [part for part in get_args(annotation) if part is not NoneType]
        return core(kinds[0]) if len(kinds) == 1 else None
    return annotation
