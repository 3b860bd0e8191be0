"""Criteria as data: how a kind of inspection turns measures into grades, read from ``params/criteria/*.yml``.

No cut-off of the published programme was ever printed, so the criteria are this project's own, and shown in the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, model_validator

from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import InputError, Problem, shown, suggest
from cdi_lib.inspection.values import Count, Day, Model, Percentage, Text, explain
from cdi_lib.inspection.yaml_files import read_yaml

# Ids that the notebooks give to what they compute.
ESTIMATES = (
    "overall", "overall_pooled", "overall_stratified", "violence", "sexual", "other", "domestic_abuse", "rape",
)  # fmt: skip
SHARES = (
    "rape", "n100_required", "n100_review", "vulnerable_victims", "vulnerable_records", "third_party",
    "modern_slavery", "modern_slavery_referral", "modern_slavery_referral_other", "modern_slavery_other",
    "within_24", "within_24_violence", "within_24_sexual", "within_24_other", "cancelled_rape", "cancelled_sexual",
    "cancelled_violence", "cancelled_robbery", "victims_informed", "equality",
)  # fmt: skip
FINDINGS = {"fully met": 0, "mostly met": -1, "partly met": -2, "not met": -3}  # as numbers, higher is better
NOT_JUDGED = "not judged"
OVERALL = "overall"


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
    def _one_measure(self) -> Element:
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


class Criteria(Model):
    """A judgement framework."""

    name: Text
    version: Text
    date: Day
    title: Text
    note: Text = Field(description="printed with the criteria")
    grades: tuple[Text, ...] = Field(description="best first")
    questions: dict[Text, Question]
    elements: dict[Text, Element]
    overall: Question
    _lines: dict[str, int] = PrivateAttr(default_factory=dict)

    def parts_of(self, question: str) -> list[str]:
        """Ids of the elements of a question."""
        return [id_ for id_, element in self.elements.items() if element.question == question]

    def place(self, id_: str) -> str:
        """Where an element, a question or the overall grade is defined, to change it: file and line."""
        return f"params/criteria/{self.name}.yml, line {self._lines[id_]}"


def load_criteria(name: str, folder: Path = PROJECT / "params" / "criteria") -> Criteria:
    """Read and check a judgement framework; InputError with all problems."""
    known = sorted(path.stem for path in folder.glob("*.yml"))
    if name not in known:
        expected = f"one of {', '.join(known)}{suggest(name, known)} (files in params/criteria)"
        raise InputError([Problem("", "criteria", f"'{name}'", expected)])
    file = f"params/criteria/{name}.yml"
    document = read_yaml(folder / f"{name}.yml", file)
    criteria, problems = _checked(document.content, file)
    if (got := document.content.get("name")) and got != name:
        problems.append(Problem(file, "name", shown(got), f"'{name}', as the file is called"))
    if criteria is None or problems:
        raise InputError(problems)
    criteria._lines[OVERALL] = document.line(OVERALL)
    for kind in ("questions", "elements"):
        criteria._lines.update({id_: document.line(kind, id_) for id_ in getattr(criteria, kind)})
    return criteria


# --- what is wrong between the parts of a framework: where, what, and what was expected ------------------------

Wrong = tuple[str, str, str]


def _checked(content: dict[str, Any], file: str) -> tuple[Criteria | None, list[Problem]]:
    """A framework and all that is wrong with it. What has a wrong form is left out where the parts are compared."""
    try:
        found = Criteria.model_validate(content)
    except ValidationError as error:
        problems = explain(error, Criteria, file)
        grades, questions, elements = (content.get(key) for key in ("grades", "questions", "elements"))
        if isinstance(grades, list) and isinstance(questions, dict) and isinstance(elements, dict):
            sound = {id_: _sound(Question, item) for id_, item in questions.items()}
            judged = {id_: _sound(Element, item) for id_, item in elements.items()}
            wrong = _problems([str(grade) for grade in grades], sound, judged, _sound(Question, content.get(OVERALL)))
            problems += [Problem(file, *item) for item in wrong]
        return None, problems
    wrong = _problems(found.grades, found.questions, found.elements, found.overall)
    return found, [Problem(file, *item) for item in wrong]


_M = TypeVar("_M", bound=BaseModel)


def _sound(model: type[_M], content: object) -> _M | None:
    try:
        return model.model_validate(content)
    except ValidationError:
        return None


def _problems(
    grades: Sequence[str],
    questions: Mapping[str, Question | None],
    elements: Mapping[str, Element | None],
    overall: Question | None,
) -> Iterator[Wrong]:
    if len(grades) < 2 or len(set(grades)) != len(grades) or NOT_JUDGED in grades:
        yield "grades", ", ".join(grades), "two or more different grades, best first"
    if OVERALL in questions:
        yield f"questions.{OVERALL}", OVERALL, "another id; this one is the whole"
    for id_, element in elements.items():
        where = f"elements.{id_}"
        if id_ == OVERALL or id_ in questions:
            yield where, id_, "an id that no question has"
        if element:
            yield from _unknown(f"{where}.question", [element.question], list(questions))
            yield from _unknown(f"{where}.estimate", [element.estimate] if element.estimate else [], ESTIMATES)
            yield from _unknown(f"{where}.share", [element.share] if element.share else [], SHARES)
            yield from _band_problems(element, grades, f"{where}.bands")
    for id_, question in questions.items():
        parts = [name for name, element in elements.items() if element is None or element.question == id_]
        if question:
            yield from _question_problems(question, parts, grades, f"questions.{id_}")
    if overall:
        yield from _question_problems(overall, list(questions), grades, OVERALL)


def _unknown(where: str, named: Iterable[str], known: Sequence[str]) -> Iterator[Wrong]:
    for name in named:
        if name not in known:
            yield where, f"'{name}'", f"one of {', '.join(known)}{suggest(name, known)}"


def _band_problems(element: Element, grades: Sequence[str], where: str) -> Iterator[Wrong]:
    named = [band for band in element.bands.values() if isinstance(band, str)]
    got = ", ".join(map(str, element.bands.values()))
    if wrong := _grades_problem(list(element.bands), grades, where, "a band"):
        yield wrong
    elif named and not element.assessment:
        yield where, got, "percentages such as 90"
    elif element.assessment and (len(named) < len(element.bands) or not set(named) <= set(FINDINGS)):
        yield where, got, f"for each grade one of {', '.join(FINDINGS)}"
    elif not all(better > worse for better, worse in pairwise(element.cuts.values())):
        yield where, got, "bands that fall from grade to grade without overlap"


def _grades_problem(named: Sequence[str], grades: Sequence[str], where: str, what: str) -> Wrong | None:
    """A grade that does not exist, is missing, is the worst, or stands in the wrong place."""
    wanted, got = list(grades[:-1]), ", ".join(named)
    if unknown := [grade for grade in named if grade not in grades]:
        got = f"'{unknown[0]}'{suggest(unknown[0], wanted)}"
    elif missing := [grade for grade in wanted if grade not in named]:
        got = f"none for '{missing[0]}': a gap"
    elif grades[-1] in named:
        got = f"one for '{grades[-1]}', which is what remains"
    in_order = f"{what} for each grade but the worst, best first: {', '.join(wanted)}"
    return None if list(named) == wanted else (where, got, in_order)


def _question_problems(question: Question, parts: Sequence[str], grades: Sequence[str], where: str) -> Iterable[Wrong]:
    if not parts:
        return [(where, "no element", "at least one element with this question")]
    if wrong := _grades_problem(list(question.rules), grades, f"{where}.rules", "a rule"):
        return [wrong]
    return list(_rule_problems(question, parts, grades, where)) or _contradictions(question, grades, where)


def _rule_problems(question: Question, parts: Sequence[str], grades: Sequence[str], where: str) -> Iterator[Wrong]:
    yield from _unknown(f"{where}.required", question.required, parts)
    if not 1 <= question.at_least <= len(parts):
        yield f"{where}.at_least", str(question.at_least), f"1 to {len(parts)}"
    for rank, (grade, rule) in enumerate(question.rules.items()):
        place, floor = f"{where}.rules.{grade}", rule.none_below
        if rule.at_most_below >= len(parts) and not rule.key and floor is None:
            expected = f"less than {len(parts)}, the number of its parts: one at least must reach the grade"
            yield f"{place}.at_most_below", str(rule.at_most_below), expected
        yield from _unknown(f"{place}.key", rule.key, parts)
        if floor is not None and floor in grades[:rank]:
            yield f"{place}.none_below", floor, f"{grade} or a worse grade"
        elif floor is not None:
            yield from _unknown(f"{place}.none_below", [floor], grades)


def _contradictions(question: Question, grades: Sequence[str], where: str) -> Iterator[Wrong]:
    """Rules of a better grade that ask for less than those of the next: the next could never be given."""

    def floor(rank: int, rule: Requirement) -> int:
        """Rank of the worst grade that a part may have."""
        if rule.at_most_below == 0:
            return rank
        return grades.index(rule.none_below) if rule.none_below else len(grades) - 1

    for rank, ((better, strict), (grade, rule)) in enumerate(pairwise(question.rules.items())):
        stricter_by_count = strict.at_most_below <= rule.at_most_below
        stricter_by_floor = floor(rank, strict) <= floor(rank + 1, rule)
        covered = strict.at_most_below == 0 or set(rule.key) <= set(strict.key)
        if not (stricter_by_count and stricter_by_floor and covered):
            expected = f"for each condition at least what '{grade}' asks for; as it is, the rules contradict each other"
            yield f"{where}.rules.{better}", "less than the next grade asks for", expected


def check_judgement_inputs(criteria: Criteria, inspection: Inspection) -> list[Problem]:
    """Elements and grades that parameters name and the criteria do not know. The file name is left to the caller."""
    elements, assessed = list(criteria.elements), [id_ for id_, e in criteria.elements.items() if e.assessment]
    judged, grades = [OVERALL, *criteria.questions, *elements], criteria.grades
    wrong: list[Wrong] = []
    for kind, key, known in (
        ("assessments", "element", assessed),
        ("carried_forward", "element", elements),
        ("carried_forward", "grade", grades),
        ("decisions", "grade_of", judged),
        ("decisions", "grade", grades),
        ("areas_for_improvement", "elements", elements),
    ):
        for i, item in enumerate(getattr(inspection, kind), 1):
            named = getattr(item, key)
            wrong += _unknown(f"{kind}.{i}.{key}", [named] if isinstance(named, str) else named, known)
    return [Problem("", *found) for found in wrong]
