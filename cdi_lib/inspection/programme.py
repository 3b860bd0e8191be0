"""A kind of inspection as data: everything in which kinds of inspection differ, read from ``params/programmes/*.yml``.

Crime types, routes, samples, cancellations, recording rules, measures, tables, chapters, and the criteria by which is
judged. Adding one is an edit of a file; what is wrong in a file is told all at once, each with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError, field_validator, model_validator

from cdi_lib.inspection.criteria import OVERALL, Criteria
from cdi_lib.inspection.explain import explain
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.problems import InputError, Problem, shown, suggest
from cdi_lib.inspection.values import Day, Model, Positive, Text
from cdi_lib.inspection.yaml_files import Document, read_yaml

FOLDER, OLD_FOLDER, COMMON = "programmes", "criteria", "cdi-2017"
KNOWN, BLANK = "known", "blank"  # conditions on a column: it has a value, it has none
# What entries of `extends` are added to; of every other key the newer file's stands alone.
MAPPINGS = ("crime_types", "routes", "samples", "cancellations", "measures", "tables")


def _words(value: object) -> object:
    """One value or several; YAML reads yes and no as true and false."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple({True: "yes", False: "no"}.get(v, v) if isinstance(v, bool) else v for v in values)


Condition = Annotated[tuple[Text, ...], BeforeValidator(_words)]


class CrimeType(Model):
    """A type of crime, by the names that readers see."""

    label: Text
    singular: Text
    plural: Text


class Route(Model):
    """How crimes are reported; ``phrase`` completes "had come …"."""

    label: Text
    phrase: Text


class Sample(Model):
    """A sample beside the random main sample; ``meaning`` puts it into the glossary."""

    kind: Literal["dip", "random"] = "dip"
    label: Text
    singular: Text = Field(description="one record of it, such as: referral")
    plural: Text
    meaning: Text | None = None


class Cancellation(Model):
    """A kind of cancelled crimes; ``phrase`` completes "no cancelled crime of …"."""

    label: Text
    phrase: Text
    authority: Text


class RecordingRule(Model):
    """The recording rules that hold from a date on."""

    since: Day
    recording_limit_hours: Positive
    principal_crime: Text = Field(description="the principal crime rule, for the glossary")


class Measure(Model):
    """What is counted, out of what."""

    label: Text
    short: Text | None = None
    table: Literal["crimes", "n100", "cancellations", "survey"] | None = None
    where: dict[Text, Condition] = {}
    counts: dict[Text, Condition] = {}
    gives: Annotated[tuple[Literal["rate", "share"], ...], BeforeValidator(_words)] = ("share",)
    rate: Literal["headline", "pooled", "stratified", "crime_type"] | None = None
    of: Text | None = Field(default=None, description="the crime type of `rate: crime_type`")
    sum: tuple[Text, ...] = Field(default=(), description="ids of the measures that are added up")
    parameters: Literal["equality"] | None = None
    part_of: Text | None = Field(default=None, description="the rate that moves with this one, by chance")

    @model_validator(mode="after")
    def _one_way(self) -> Measure:
        ways = [key for key in ("table", "rate", "sum", "parameters") if getattr(self, key)]
        if len(ways) != 1:
            raise ValueError(
                f"exactly one of table, rate, sum and parameters; it has {', '.join(ways) or 'none'}"
            )
        if (self.rate == "crime_type") != (self.of is not None):
            raise ValueError("a crime type in `of`, with `rate: crime_type` and with nothing else")
        if self.table and not self.counts:
            raise ValueError("`counts`: which of the rows are counted, such as {recorded: yes}")
        if not self.table and (self.where or self.counts or "gives" in self.model_fields_set):
            raise ValueError("`where`, `counts` and `gives` with a table only")
        if "rate" in self.gives and self.table != "crimes":
            raise ValueError(
                "`gives: rate` with the table crimes only; a rate rests on the random main sample"
            )
        if "rate" in self.gives and self.table and self.counts != {"recorded": ("yes",)}:
            raise ValueError("`counts: {recorded: yes}` with `gives: rate`: it is a recording rate")
        return self

    @property
    def is_rate(self) -> bool:
        return bool(self.rate) or "rate" in self.gives

    @property
    def is_share(self) -> bool:
        return not self.rate and "share" in self.gives


class TableOfMeasures(Model):
    """A table whose rows are measures. Titles and headings are in ``reports/text``, or here."""

    kind: Literal["shares", "dip", "rates"]
    measures: tuple[Text, ...]
    with_share: bool = False
    title: Text | None = None
    note: Text | None = None
    columns: dict[Text, Text] = {}


class Chapter(Model):
    """Sections in their order; with a question, under that question and its grade."""

    question: Text | None = None
    sections: tuple[Text, ...] = ()


class Term(Model):
    """A term of the glossary; ``pattern`` finds it in a text."""

    name: Text
    pattern: Text | None = None
    meaning: Text


class Programme(Criteria):
    """A kind of inspection."""

    extends: Text | None = None
    crime_types: dict[Text, CrimeType]
    routes: dict[Text, Route]
    samples: dict[Text, Sample] = {}
    recorded_instead: tuple[Text, ...]
    cancellations: dict[Text, Cancellation] = {}
    rules: tuple[RecordingRule, ...] = Field(min_length=1)
    measures: dict[Text, Measure]
    tables: dict[Text, TableOfMeasures] = {}
    chapters: tuple[Chapter, ...]
    glossary: tuple[Term, ...] = ()
    _origin: Origin = PrivateAttr()

    @field_validator("crime_types", "routes", "samples", "cancellations", "measures", "tables")
    @classmethod
    def _usable_ids(cls, value: dict[str, Any]) -> dict[str, Any]:
        for id_ in value:
            if not re.fullmatch(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", id_):
                raise ValueError(f"ids of lower-case letters, digits and underscores; not {shown(id_)}")
        return value

    def place(self, id_: str) -> str:
        """Where an element, a question or the overall grade is defined, to change it: file and line."""
        keys = (OVERALL,) if id_ == OVERALL else ("questions" if id_ in self.questions else "elements", id_)
        file, line = self._origin.place(*keys)
        return f"{file}, line {line}"

    def rule_on(self, day: date) -> RecordingRule:
        """The recording rules in force on a day; before all rules of the file, the first of them."""
        return [rule for rule in self.rules if rule.since <= day or rule is self.rules[0]][-1]

    def dip_samples_of(self, measure: str) -> list[str]:
        """The samples beside the main one that a measure counts in."""
        found = self.measures[measure]
        parts = [sample for part in found.sum for sample in self.dip_samples_of(part)]
        return list(dict.fromkeys([*parts, *(s for s in found.where.get("sample", ()) if s in self.samples)]))

    @property
    def rates(self) -> list[str]:
        """Ids of the measures that give a rate."""
        return [id_ for id_, measure in self.measures.items() if measure.is_rate]

    @property
    def shares(self) -> list[str]:
        """Ids of the measures that give an "x of n"."""
        return [id_ for id_, measure in self.measures.items() if measure.is_share]

    @property
    def sections(self) -> list[str]:
        """All sections in their order."""
        return [section for chapter in self.chapters for section in chapter.sections]


class Origin:
    """The files that a programme comes from, its own first, to tell where something stands."""

    def __init__(self, files: list[tuple[str, Document]]):
        self.files = files

    def place(self, *keys: str) -> tuple[str, int]:
        """File and line of a key; of the last of the keys that is there, in the first file that has the first two."""
        for depth in (2, 1):
            for file, document in self.files:
                here: Any = document.content
                for key in keys[:depth]:
                    here = here.get(key) if isinstance(here, dict) else None
                if here is not None:
                    return file, document.line(*keys)
        return self.files[0][0], 1

    def located(self, problem: Problem) -> Problem:
        """A problem of ``elements.rape.bands`` with the file and the line in which that stands."""
        keys = [key for key in re.split(r"\.", problem.where) if key]
        if not keys:
            return problem
        file, line = self.place(*keys)
        where = f"line {line}, {problem.where}"
        return Problem(file, where, problem.got, problem.expected, problem.severity)


def programmes_folder(params: Path) -> Path:
    """The programmes beside some parameters, or the project's own."""
    own = params / FOLDER
    return own if own.is_dir() else PROJECT / "params" / FOLDER


def programme_file(name: str, params: Path = PROJECT / "params") -> Path | None:
    """The file of a programme; also one of the folder ``criteria`` beside some parameters, as it was before."""
    folders = (params / FOLDER, params / OLD_FOLDER, PROJECT / "params" / FOLDER)
    return next((path for folder in folders if (path := folder / f"{name}.yml").is_file()), None)


def load_programme(name: str, params: Path = PROJECT / "params") -> Programme:
    """Read and check a programme.

    Raises
    ------
    InputError
        For a file that is missing, or with all problems, each with file and line.

    Examples
    --------
    >>> programme = load_programme("cdi-2017")
    >>> programme.grades
    ('outstanding', 'good', 'requires improvement', 'inadequate')
    >>> programme.place("all_crime")
    'params/programmes/cdi-2017.yml, line ...'
    """
    origin = Origin(_documents(name, params, ()))
    content = _merged([document.content for _, document in origin.files])
    problems = []
    file = origin.files[0][0]
    if (got := content.get("name")) != name:
        problems.append(Problem(file, "name", shown(got), f"'{name}', as the file is called"))
    programme = None
    try:
        programme = Programme.model_validate(content)
    except ValidationError as error:
        problems += explain(error, Programme, file)
    from cdi_lib.inspection.programme_checks import between_parts  # it checks what is defined here

    problems += between_parts(content, programme, file)
    if problems or programme is None:
        raise InputError(origin.located(problem) for problem in problems)
    programme = programme.model_copy(update={"elements": dict(_resolved(programme))})
    programme._origin = origin
    return programme


def _documents(name: str, params: Path, seen: tuple[str, ...]) -> list[tuple[str, Document]]:
    """The file of a programme and of those that it extends."""
    path = programme_file(name, params)
    if path is None:
        folders = {params / FOLDER, PROJECT / "params" / FOLDER}
        known = sorted({found.stem for folder in folders for found in folder.glob("*.yml")})
        expected = f"one of {', '.join(known)}{suggest(name, known)} (files in params/programmes)"
        raise InputError([Problem("", "programme", shown(name), expected)])
    file = f"params/{path.parent.name}/{path.name}"
    if name in seen:
        got = f"{' extends '.join((*seen, name))}"
        raise InputError([Problem(file, "extends", got, "a programme that does not extend itself")])
    document = read_yaml(path, file)
    base = document.content.get("extends")
    if (
        path.parent.name == OLD_FOLDER and base is None
    ):  # criteria alone, as it was before there were programmes
        base = COMMON
    more = _documents(str(base), params, (*seen, name)) if base else []
    return [(file, document), *more]


def _merged(contents: list[dict[str, Any]]) -> dict[str, Any]:
    """What files say together, the first one before the others."""
    merged: dict[str, Any] = {}
    for content in reversed(contents):
        for key, value in content.items():
            if key in MAPPINGS and isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
                value = {k: v for k, v in {**merged[key], **value}.items() if v is not None}
            merged[key] = value
        merged.setdefault("extends", None)
    return merged


def _resolved(programme: Programme) -> Iterator[tuple[str, Any]]:
    """Elements with what their measure is: an estimate where it gives a rate, else an "x of n"."""
    for id_, element in programme.elements.items():
        if element.measure:
            kind = "estimate" if programme.measures[element.measure].is_rate else "share"
            element = element.model_copy(update={kind: element.measure})
        yield id_, element
