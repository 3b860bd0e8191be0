"""The programme: everything that differs between kinds of inspection, read from ``params/programmes/<name>.yml``.

Crime types, routes, dip samples, what is estimated and what is counted, rules of recording by date, elements, questions
and grades, tables and chapters. A programme may extend another: it then states only what differs.

No cut-off of the published programme was ever printed, so bands and rules are this project's own, and shown in the report.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError, field_validator, model_validator

from cdi_lib.inspection.folders import DEFAULT, FOLDERS, PROJECT
from cdi_lib.inspection.problems import InputError, Problem, shown, suggest
from cdi_lib.inspection.values import ID, TABLE_ID, Count, Day, Model, Name, Percentage, Text, explain
from cdi_lib.inspection.yaml_files import Document, read_yaml

FINDINGS = {"fully met": 0, "mostly met": -1, "partly met": -2, "not met": -3}  # as numbers, higher is better
NOT_JUDGED = "not judged"
LIMIT_HOURS = "{limit_hours}"  # in words of a programme: the time limit of the audit period
OVERALL = "overall"
WHOLE = (OVERALL, "overall_pooled", "overall_stratified")  # rates of all crime, of every inspection
MAIN = "main"  # the random sample, of every inspection
# Words of a part of a programme, and what they tell of.
TELLS = {
    "sentence": ("at_most_below", "none_below", "key"),
    "reason": ("bands", "minimum", "allow", "use"),
    "label": ("estimate", "share", "assessment", "table", "where", "counts", "minus", "sum", "of"),
}
Id = Annotated[str, Field(pattern=ID)]
TableId = Annotated[str, Field(pattern=TABLE_ID)]


def _words(value: object) -> object:
    """One value or several, as a tuple; YAML makes booleans of yes and no."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple({True: "yes", False: "no"}[v] if isinstance(v, bool) else v for v in values)


Values = Annotated[tuple[Text, ...], BeforeValidator(_words)]


class CrimeType(Model):
    """A type of crime, which has a recording rate of its own and a number of recorded crimes in the parameters."""

    label: Name = Field(description="as in a table: Violence")
    one: Name = Field(description="one crime: violent crime")
    many: Name = Field(description="several: violent crimes")
    meaning: Name | None = Field(default=None, description="for the glossary: violence against the person")
    classes: tuple[Text, ...] = Field(default=(), description="offence classes that are of this type here")


class OwnColumn(Model):
    """A column that a programme adds to the table of audited crimes, for ``where`` and ``counts`` to ask for."""

    description: Text = Field(description="what auditors enter: division in which it was reported")
    values: Values = Field(default=(), description="what a cell may hold; without, any entry")
    blank: bool = Field(default=False, description="cells may be blank, and the column may be left out")


class Sample(Model):
    """A dip sample: records chosen to look closely at one matter, never a source of rates."""

    label: Name = Field(description="what it is: Modern slavery referrals")
    one: Name = Field(description="one record of it: referral")
    many: Name = Field(description="several: referrals")
    meaning: Text | None = Field(default=None, description="for the glossary, where the label then is a term")
    needs: tuple[Id, ...] = Field(default=(), description="columns of crimes that must be filled in for it")


class Rate(Model):
    """A rate of some crimes of the main sample, estimated with an interval: of those recorded, or of what ``counts``.

    ``of: records`` adds the crimes of the table over_recorded, recorded and not ``should_be_recorded``; ``minus`` takes
    some of them off, whatever ``where`` says: a net rate.
    """

    label: Name = Field(description="what it is the rate of")
    of: Literal["crimes", "records"] = "crimes"
    where: dict[Id, Values] = Field(min_length=1, description="columns of crimes and the values that count")
    counts: dict[Id, Values] = Field(default={"recorded": ("yes",)}, description="which of these crimes count")
    minus: dict[Id, Values] = Field(default={}, description="which crimes outside of 'where' are taken off")
    part_of: Id | None = Field(default=None, description="the estimate of which these crimes are a part")


class Counted(Model):
    """An "x of y": how many rows of a table count, out of how many."""

    label: Name = Field(description="what it is")
    table: Literal["crimes", "n100", "cancellations", "survey", "equality"] = "crimes"
    where: dict[Id, Values] = Field(default={}, description="which rows: columns and the values that count")
    counts: dict[Id, Values] = Field(default={"recorded": ("yes",)}, description="which of these rows count")
    sum: tuple[Id, ...] = Field(default=(), description="ids of others that are added up, instead")

    @model_validator(mode="after")
    def _one_way(self) -> "Counted":
        if self.sum and (self.where or self.table != "crimes" or self.counts != {"recorded": ("yes",)}):
            raise ValueError("either 'sum', or 'table', 'where' and 'counts'")
        return self


class Rows(Model):
    """A table of "x of y" (``dip``: records examined, crimes found, crimes recorded), or of ``rates``."""

    title: Text | None = Field(default=None, description="of the table, if reports/text has none")
    kind: Literal["dip", "counted", "in time", "rates"] = "counted"
    rows: dict[Id, Name] = Field(description="ids of shares (of kind rates: of estimates) and how the rows are called")


class RecordingRule(Model):
    """What held for recording from a day on."""

    since: Day = Field(description="first day")
    limit_hours: Annotated[int, Field(ge=1, le=10_000)] = Field(description="time to record a reported crime")
    principal_crime: Text = Field(description="the principal crime rule then, for the glossary")


class Chapters(Model):
    """The sections of the report in their order: names of texts in ``reports/text``.

    Sections of ``questions`` have the results that they tell of (a star stands for any ending), or the question: each
    stands under the question that is judged by one of these; where there is none, under that of the one before it.
    """

    first: tuple[Id, ...]
    questions: dict[Id, tuple[Text, ...]]
    last: tuple[Id, ...]


class Element(Model):
    """How one element is judged: by an estimate, by an "x of y", or by an inspector's assessment."""

    label: Text = Field(description="the element as the report names it")
    question: Text = Field(description="id of the question that it belongs to")
    estimate: Text | None = None  # id
    share: Text | None = None  # id of an "x of y" result
    assessment: Literal[True] | None = None
    use: Literal["value", "low"] = "value"  # of an estimate: its value, or the lower end of its interval
    minimum: Count = 1  # a measure that rests on fewer records is not judged
    allow: Count = 0  # an "x of y" may miss a band but the best by this many: how little a small sample says
    bands: dict[Text, Percentage | Text] = Field(
        description="for each grade but the worst, best first: the least percentage, or the least finding"
    )
    reason: Text = Field(description="why the bands are as they are, for readers")

    @model_validator(mode="after")
    def _one_measure(self) -> "Element":
        named = [name for name in ("estimate", "share", "assessment") if getattr(self, name) is not None]
        if len(named) != 1:
            got = ", ".join(named) or "none of them"
            raise ValueError(f"exactly one of estimate, share and assessment; it has {got}")
        users = {"use": ("estimate",), "allow": ("share",), "minimum": ("estimate", "share")}
        for key, only in users.items():
            if key in self.model_fields_set and named[0] not in only:
                raise ValueError(f"'{key}' only with {' or '.join(only)}; this element is judged by {named[0]}")
        if self.allow and self.allow >= self.minimum:
            all_missed = f"with {self.minimum} every record could be missed"
            raise ValueError(f"a minimum above the {self.allow} allowed records; {all_missed}")
        return self

    @property
    def measure(self) -> str:
        """What it is judged by: id of an estimate or a share, or "assessment"."""
        return self.estimate or self.share or "assessment"

    @property
    def cuts(self) -> dict[str, float]:
        """The least percentage for each grade but the worst; of an assessment the least finding as a number."""
        return {g: FINDINGS[b] if isinstance(b, str) else b for g, b in self.bands.items()}


class Requirement(Model):
    """What a question (or the overall grade) needs for a grade."""

    at_most_below: Count = Field(description="how many of its parts may be below this grade")
    none_below: Text | None = Field(default=None, description="no part may be below this grade")
    key: tuple[Text, ...] = Field(default=(), description="parts that must have this grade or a better one")
    sentence: Text = Field(description="the rule in words, for readers")


class Question(Model):
    """One question of the inspection, or the whole, whose parts are the questions."""

    label: Text = Field(description="the question")
    short: Text | None = Field(default=None, description="the question in a word or two, for charts")
    at_least: Count = Field(default=1, description="with fewer judged parts the question is not judged")
    required: tuple[Text, ...] = Field(default=(), description="without these it is not judged")
    rules: dict[Text, Requirement] = Field(description="for each grade but the worst, best first: what it needs")


class Told(Model):
    """What a report calls the things of its programme: stored in its results, so that they are told as they were found."""

    crime_types: dict[Id, CrimeType] = Field(min_length=1)
    columns: dict[Id, OwnColumn] = Field(default={})
    routes: dict[Id, Name] = Field(default={})
    samples: dict[Id, Sample] = Field(default={})
    cancellations: dict[Id, Name] = Field(default={})
    estimates: dict[Id, Rate] = Field(default={})
    shares: dict[Id, Counted] = Field(default={})
    tables: dict[TableId, Rows] = Field(default={})
    compared: tuple[Id, ...] = Field(description="rates that the comparison of forces shows")
    chapters: Chapters = Field(
        default=Chapters(first=(), questions={}, last=()), description="sections of the report in their order"
    )  # earlier results do not say it

    def parts_of(self, estimate: str) -> tuple[str, ...]:
        """The estimates of which another is made: of all crime the crime types, of others what says so."""
        if estimate in WHOLE:
            return tuple(self.crime_types)
        return tuple(id_ for id_, rate in self.estimates.items() if rate.part_of == estimate)

    def reads(self, column: str) -> bool:
        """Whether an estimate or an "x of y" asks for a column of crimes."""
        rates = any(column in {*rate.where, *rate.counts, *rate.minus} for rate in self.estimates.values())
        return rates or any(column in {*share.where, *share.counts} for share in self.shares.values())

    def looks_for_n100(self) -> bool:
        """Whether it asks for rape, in the place of which an N100 may stand, or for N100 records."""
        return self.reads("rape") or any(share.table == "n100" for share in self.shares.values())

    def rate_ids(self) -> list[str]:
        """Ids of all recording rates."""
        return [*WHOLE, *self.crime_types, *self.estimates]

    def samples_of(self, share: str) -> tuple[str, ...]:
        """The dip samples that an "x of y" counts, none where it counts other rows as well."""
        found = self.shares[share]
        if found.sum:
            parts = [self.samples_of(part) for part in found.sum]
            return tuple(dict.fromkeys(name for part in parts for name in part)) if all(parts) else ()
        named = found.where.get("sample", ()) if found.table == "crimes" else ()
        return named if named and MAIN not in named else ()


class Programme(Told):
    """A kind of inspection."""

    name: Text
    version: Text
    date: Day
    title: Text
    note: Text = Field(description="printed with the criteria")
    extends: Text | None = Field(default=None, description="the programme whose version, date and note it has")
    recording_rules: tuple[RecordingRule, ...] = Field(min_length=1, description="by date, the earliest first")
    chapters: Chapters
    usual_months: float = Field(default=6, ge=0, le=36, description="length of an audit period; 0: any")
    grades: tuple[Text, ...] = Field(description="best first")
    questions: dict[Id, Question]
    elements: dict[Id, Element]
    overall: Question
    _origin: "Origin" = PrivateAttr(default_factory=lambda: Origin([]))
    _doubts: tuple[Problem, ...] = PrivateAttr(default=())

    @field_validator("recording_rules")
    @classmethod
    def _in_order(cls, rules: tuple[RecordingRule, ...]) -> tuple[RecordingRule, ...]:
        days = [rule.since for rule in rules]
        if days != sorted(set(days)):
            raise ValueError("rules of different days, the earliest first")
        return rules

    @property
    def told(self) -> Told:
        """What results keep of it."""
        return Told(**{name: getattr(self, name) for name in Told.model_fields})

    @property
    def doubts(self) -> list[Problem]:
        """Warnings of words that it has of another programme, and that may not fit what it says itself."""
        return [replace(problem, severity="warning") for problem in self._doubts]

    @property
    def files(self) -> dict[str, Path]:
        """The files that it was read from, by the names that messages give them."""
        return {name: path for name, path, _ in self._origin.documents}

    def rule_on(self, day: datetime.date) -> RecordingRule:
        """The rule of recording on a day; before the first one, that."""
        return next((rule for rule in reversed(self.recording_rules) if rule.since <= day), self.recording_rules[0])

    def on(self, day: datetime.date) -> "Programme":
        """The programme with the time limit of a day wherever its words say ``{limit_hours}``."""
        hours = str(self.rule_on(day).limit_hours)
        filled = Programme.model_validate(_filled(self.model_dump(exclude_unset=True), hours))
        filled._origin, filled._doubts = self._origin, self._doubts
        return filled

    def rules_within(self, start: datetime.date, end: datetime.date) -> list[RecordingRule]:
        """The rules of recording that began after the first day of a period, until its last."""
        return [rule for rule in self.recording_rules if start < rule.since <= end]

    def elements_of(self, question: str) -> list[str]:
        """Ids of the elements of a question."""
        return [id_ for id_, element in self.elements.items() if element.question == question]

    def place(self, id_: str) -> str:
        """Where an element, a question or the overall grade is defined, to change it: file and line."""
        keys = next(((kind, id_) for kind in ("elements", "questions") if id_ in getattr(self, kind)), (id_,))
        return ", ".join(self._origin.place(keys))

    def problem(self, where: str, got: str, expected: str) -> Problem:
        """What is wrong at a key such as ``elements.rape.share``, with file and line."""
        return self._origin.problem(where, got, expected)


class ProgrammeError(InputError):
    """What is wrong with a programme, and it without what cannot be read (ids), for its texts to be checked as well."""

    def __init__(self, problems: Iterable[Problem], programme: Programme | None, unread: Sequence[str] = ()):
        super().__init__(problems)
        self.programme, self.unread = programme, unread


class Origin:
    """Where the parts of a programme stand: its own file first, then those that it extends."""

    def __init__(self, documents: Iterable[tuple[str, Path, Document]]):
        self.documents = list(documents)

    def place(self, keys: Iterable[str]) -> tuple[str, str]:
        """File and line of the deepest of these keys that is there."""
        found = [(*document.find(*keys), name) for name, _, document in self.documents]
        if not found:
            return "", ""
        _, line, name = max(found, key=lambda item: item[0])
        return name, f"line {line}"

    def problem(self, where: str, got: str, expected: str) -> Problem:
        """A problem at a key."""
        file, line = self.place(where.split("."))
        if self.documents and file != (own := self.documents[0][0]):
            expected += f"; or in {own}, which extends this file: another value for this key, or null to take it away"
        return Problem(file, f"{line}, {where}" if where else line, got, expected)


def default_programme() -> Programme:
    """The programme of an inspection whose parameters name none."""
    return load_programme(DEFAULT)


def load_programme(name: str, params: Path = PROJECT / "params") -> Programme:
    """Read and check a programme of a folder of parameters, or of the project; InputError with all problems."""
    roots = tuple(dict.fromkeys((params, PROJECT / "params")))
    files = [path for root in roots for folder in FOLDERS for path in sorted((root / folder).glob("*.yml"))]
    return _load(name, params, tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in files))


@lru_cache(64)  # many forces have the same one
def _load(name: str, params: Path, state: tuple[Any, ...]) -> Programme:
    """Read and check a programme; ``state`` of the files says whether what was read before still holds."""
    from cdi_lib.inspection.programme_checks import between_parts, placeholders

    documents = _documents(name, params)
    origin = Origin(documents)
    content: dict[str, Any] = {}
    for file, path, document in reversed(documents):
        content = _extended(content, document.content)
        if "version" in document.content:
            content.pop("extends", None)
        else:
            content.setdefault("extends", document.content.get("extends") or DEFAULT)
        if document.content.get("name") not in (None, path.stem):
            line, got = document.find("name")[1], shown(document.content["name"])
            raise InputError.of(file, f"line {line}, name", got, f"'{path.stem}', as the file is called")
    wrong, unread = list(between_parts(content)), list[str]()
    try:
        programme: Programme | None = Programme.model_validate(content)
    except ValidationError as error:
        wrong = [(p.where, p.got, p.expected) for p in explain(error, Programme, "")] + wrong
        programme, unread = _readable(content, error)
    if programme:
        programme._origin = origin
        programme._doubts = tuple(origin.problem(*doubt) for doubt in (*placeholders(content), *_unsaid(documents)))
    if wrong:
        raise ProgrammeError([origin.problem(*found) for found in wrong], programme, unread)
    assert programme is not None
    return programme


def _readable(content: Mapping[str, Any], error: ValidationError) -> tuple[Programme | None, list[str]]:
    """A programme without the parts that cannot be read, and their ids; None if it is none without them."""
    places = [tuple(map(str, found["loc"][:2])) for found in error.errors()]
    rest = {
        key: {id_: part for id_, part in value.items() if (key, id_) not in places}
        if isinstance(value, dict)
        else value
        for key, value in content.items()
        if (key,) not in places
    }
    try:
        return Programme.model_validate(rest), [place[-1] for place in places]
    except ValidationError:
        return None, []


def _unsaid(documents: Sequence[tuple[str, Path, Document]]) -> Iterator[tuple[str, str, str]]:
    """Words that a programme has of the one that it extends, beside what they tell of and what it says otherwise."""
    for n, (_, _, document) in enumerate(documents):
        for *path, own in _parts(document.content):
            before = [_at(base.content, *path) for _, _, base in documents[n + 1 :]]
            for words, told_of in TELLS.items():
                text = next((base[words] for base in before if words in base), None)
                changed = [
                    key for key in told_of if key in own and any(base.get(key, own[key]) != own[key] for base in before)
                ]
                if text and changed and words not in own:
                    got = f"{', '.join(changed)} changed, and the words of before: {shown(text, 200)}"
                    yield ".".join((*path, changed[0])), got, f"'{words}' as well, which tells of it"


def _filled(content: Any, hours: str) -> Any:
    if isinstance(content, dict):
        return {key: _filled(value, hours) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_filled(value, hours) for value in content]
    return content.replace(LIMIT_HOURS, hours) if isinstance(content, str) else content


def _parts(content: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Parts of a programme that have words, each behind the keys that lead to it."""
    for kind in ("estimates", "shares", "elements"):
        yield from ((kind, id_, part) for id_, part in _at(content, kind).items() if isinstance(part, dict))
    for path in (("overall",), *(("questions", id_) for id_ in _at(content, "questions"))):
        rules = _at(content, *path, "rules")
        yield from ((*path, "rules", grade, rule) for grade, rule in rules.items() if isinstance(rule, dict))


def _documents(name: str, params: Path) -> list[tuple[str, Path, Document]]:
    """The file of a programme and those that it extends, in turn. An older file has grades and no measures: it extends
    the default programme."""
    found: list[tuple[str, Path, Document]] = []
    roots = (params, PROJECT / "params")
    while True:
        file, path = _file_of(name, roots, found[-1] if found else None)
        if any(path == other for _, other, _ in found):
            chain = " -> ".join([*(other.stem for _, other, _ in found), name])
            raise InputError([Origin(found[-1:]).problem("extends", chain, "a programme that does not extend itself")])
        document = read_yaml(path, file)
        found.append((file, path, document))
        base = document.content.get("extends")
        if base is None and "crime_types" in document.content:
            return found
        if base is None:  # of before there were programmes
            base, roots = DEFAULT, (PROJECT / "params", PROJECT / "params")
            if path.parent.parent == roots[0] and path.stem == DEFAULT:
                return found
        name = str(base)


def _file_of(name: str, roots: Iterable[Path], user: tuple[str, Path, Document] | None) -> tuple[str, Path]:
    """Name and path of a programme's file, in the first of some folders of parameters that has it."""
    folders = [(kind, root / kind) for root in dict.fromkeys(roots) for kind in FOLDERS]
    for kind, folder in folders:
        if name in {path.stem for path in folder.glob("*.yml")}:
            return f"params/{kind}/{name}.yml", folder / f"{name}.yml"
    known = sorted({path.stem for _, folder in folders for path in folder.glob("*.yml")})
    expected = f"one of {', '.join(known)}{suggest(name, known)} (files in params/programmes)"
    if user:
        raise InputError([Origin([user]).problem("extends", shown(name), expected)])
    raise InputError.of("", "programme", shown(name), expected)


def _extended(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What a programme says with what it extends: keys are added or replaced, those that are null are taken away.

    With grades of its own a programme has its own elements and questions as well. Sections that it names stand in its
    order, behind the others.
    """
    own = {key: value for key, value in own.items() if key != "extends"}
    base = dict(base)
    if "grades" in own:
        base = {key: value for key, value in base.items() if key not in ("elements", "questions", "overall")}
    before, after = (_at(content, "chapters", "questions") for content in (base, own))
    if before and after:
        kept = {section: tells for section, tells in before.items() if after.get(section) is None}
        base["chapters"] = {**base["chapters"], "questions": kept}
    return _merged(base, own)


def _at(content: Any, *keys: str) -> dict[str, Any]:
    """What stands below some keys; empty if that is no mapping."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Two mappings as one; the order is that of the second where it names every key of the first."""
    merged: dict[str, Any] = {}
    for key in own if base.keys() <= own.keys() else {**base, **own}:
        before, value = base.get(key), own.get(key, base.get(key))
        if key in own and isinstance(value, dict) and isinstance(before, dict):
            merged[key] = _merged(before, value)
        elif value is not None or key not in base:
            merged[key] = value
    return merged
