"""Results whose numbers know where they come from, and what the report prints of them.

Every number of the results is replaced by one that carries its path in ``results.json``. What Python computes from such a
number is an ordinary one again. So it can be told of each number that is printed which result it is, or that it is none.
"""

from __future__ import annotations

import functools
import re
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel

from cdi_lib.inspection import details as details_module
from cdi_lib.inspection import results as results_module
from cdi_lib.inspection.parameters import load_inspection
from cdi_lib.inspection.programme import default_programme
from cdi_lib.inspection.results import Results, read_results
from cdi_lib.report import charts, index, telling, wording
from cdi_lib.report.tables import Table

FILTERS = (
    "rounded",
    "trimmed",
    "percent",
    "points",
    "count",
    "number_word",
    "over",
    "about",
    "level",
    "chance",
    "day",
    "period",
)


class _Tagged:
    """A number with its path; a change of sign keeps it, and being formatted is noted."""

    path: str

    def __neg__(self):
        return tagged(super().__neg__(), self.path)

    def __abs__(self):
        return tagged(super().__abs__(), self.path)

    def __format__(self, form):
        text = super().__format__(form)
        PRINTED.note(text, self)
        return text


class Whole(_Tagged, int):
    pass


class Real(_Tagged, float):
    pass


def tagged(value, path: str):
    """A copy of a value in which every number knows its path; models are changed in place."""
    if isinstance(value, BaseModel):
        for name, item in value.__dict__.items():
            value.__dict__[name] = tagged(item, f"{path}.{name}" if path else name)
        object.__setattr__(value, "_tag", path)
        return value
    if isinstance(value, dict):
        return {key: tagged(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(tagged(item, f"{path}.{_code(item, place)}") for place, item in enumerate(value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    number = (Whole if isinstance(value, int) else Real)(value)
    number.path = path
    return number


def _code(item: object, place: int) -> str:
    """How an item of a list is called in a path: by its code or id, or by its place."""
    content = item if isinstance(item, dict) else getattr(item, "__dict__", {})
    return str(content.get("code") or content.get("id") or place)


@dataclass
class Printed:
    """What was printed since it was last emptied: the text, and the path of the result; None for no result."""

    texts: list[tuple[str, str | None]] = field(default_factory=list)
    depth: int = 0

    def note(self, text: str, value: object) -> None:
        if not self.depth:
            self.texts.append((text, getattr(value, "path", "text" if isinstance(value, str | date) else None)))


PRINTED = Printed()


def _noting(function):
    @functools.wraps(function)
    def wrapped(value, *rest):
        PRINTED.depth += 1
        try:
            text = function(value, *rest)
        finally:
            PRINTED.depth -= 1
        PRINTED.note(text, value)
        return text

    return wrapped


def _tag_what_follows(patch: pytest.MonkeyPatch) -> None:
    """Computed fields of the models give numbers that know their path, too."""
    models = [m for module in (details_module, results_module) for m in vars(module).values()]
    for model in models:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        for name in model.model_computed_fields:
            own = getattr(model, name).fget

            def read(self, own=own, name=name):
                return tagged(own(self), f"{getattr(self, '_tag', '')}.{name}")

            patch.setattr(model, name, property(read))


@dataclass(frozen=True)
class Piece:
    """A piece of the report: the heading over it, its Markdown, what it printed, and the figures of the back-test."""

    heading: str
    text: str
    printed: tuple[tuple[str, str | None], ...]
    compared: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """A report told again from its results: its pieces, and the tables of the index."""

    results: Results
    pieces: list[Piece]
    tables: dict[str, Table]


def tell(folder: Path, params: Path, force: str) -> Told:
    """Tell a report again from the ``results.json`` in its folder."""
    results = tagged(read_results(folder / "results.json"), "")
    compared = tuple(text for row in results.details.published for text in (row.published, row.computed) if text)
    inspection = load_inspection(force, params)
    found: list[Piece] = []
    heading = ""
    with pytest.MonkeyPatch.context() as patch:
        _tag_what_follows(patch)
        originals = {name: getattr(wording, name) for name in FILTERS}
        for module in [m for name, m in sys.modules.items() if name.startswith("cdi_lib.report")]:
            for name, function in originals.items():
                if getattr(module, name, None) is function:
                    patch.setattr(module, name, _noting(function))
        for name in set(FILTERS) & set(telling.FILTERS):
            patch.setitem(telling.FILTERS, name, getattr(wording, name))
        patch.setattr(charts, "data_uri", lambda figure: "data:,")
        teller = telling.Teller(results, inspection)
        for section, question in telling.chapters(inspection.programme):
            PRINTED.texts.clear()
            for text in _paragraphs(teller.text(section, question=question)):
                if title := re.match(r"#+ (.*)", text):
                    heading = title[1]
                found.append(Piece(heading, text, _standing_in(text, PRINTED.texts), compared))
        built = {
            key: table
            for key, output in index.tables_of(default_programme()).items()
            if (table := output.build(results))
        }
    PRINTED.texts.clear()
    return Told(results, found, built)


def _paragraphs(text: str) -> list[str]:
    """The paragraphs of a section; a table has its caption and what is said under it, a figure too."""
    parts: list[str] = []
    for part in text.split("\n\n"):
        if parts and part.startswith((": ", "::: {.source}")):
            parts[-1] += f"\n\n{part}"
        else:
            parts.append(part)
    return parts


def _standing_in(text: str, printed: list[tuple[str, str | None]]) -> tuple[tuple[str, str | None], ...]:
    """What a section printed of which the numbers stand in one of its paragraphs."""
    here = {number.strip(".,") for number in re.findall(r"\d[\d.,]*", text)}
    return tuple(one for one in printed if not (own := re.findall(r"\d[\d.,]*", one[0])) or set(own) <= here)
