"""Grades from criteria: elements, questions and the overall grade, each with its evidence.

The criteria are data (``params/criteria/*.yml``): no cut-off of the published programme was ever printed, so they
are this project's own, versioned, and shown in the report. Improving one measure, all else equal, never worsens a
grade: bands are ordered, and a rule only counts how many of its parts are below a grade.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field, StrictFloat, StrictInt, ValidationError, model_validator
from scipy import stats

from cdi_lib.inspection.parameters import (
    CRIME_TYPES,
    PROJECT,
    Count,
    Day,
    Inspection,
    Model,
    Text,
    explain,
    read_yaml,
)
from cdi_lib.inspection.problems import InputError, Problem, suggest
from cdi_lib.inspection.results import EstimateResult, Share

ESTIMATES = (
    "overall",
    "overall_pooled",
    "overall_stratified",
    "violence",
    "sexual",
    "other",
    "domestic_abuse",
    "rape",
)
SHARES = (
    "rape",
    "n100_required",
    "n100_review",
    "vulnerable_victims",
    "vulnerable_records",
    "third_party",
    "modern_slavery",
    "modern_slavery_referral",
    "modern_slavery_referral_other",
    "modern_slavery_other",
    "within_24",
    "within_24_violence",
    "within_24_sexual",
    "within_24_other",
    "cancelled_rape",
    "cancelled_sexual",
    "cancelled_violence",
    "cancelled_robbery",
    "victims_informed",
    "equality",
)
FINDINGS = ("fully met", "mostly met", "partly met", "not met")
NOT_JUDGED = "not judged"
ASSESSMENT = "assessment"  # by an inspector, of what nobody can count
OVERALL = "overall"
SIMULATIONS = 4000
SEED = 20170101

RANDOM_SAMPLES = ("main", "main and dip")  # shares that rest (almost) only on the random main sample

# Rates that are parts of another rate: chance moves the whole as it moves its parts. Parts come before their wholes.
PARTS = {
    "sexual": ("rape",),
    "overall": CRIME_TYPES,
    "overall_pooled": CRIME_TYPES,
    "overall_stratified": CRIME_TYPES,
}


def _band_percentage(value: float) -> float:
    if 0 < value < 1:
        raise ValueError(f"a percentage such as 90; {value} looks like a proportion: write {value * 100:g}")
    if not 0 < value <= 100:
        raise ValueError("a percentage above 0 and up to 100; with 0 no worse grade could ever be given")
    return value


Percent = Annotated[StrictInt | StrictFloat, AfterValidator(_band_percentage)]


class Element(Model):
    """How one element is judged: by an estimate, by an "x of y", or by an inspector's assessment."""

    label: Text = Field(description="the element as the report names it")
    question: Text = Field(description="id of the question that it belongs to")
    estimate: Literal[ESTIMATES] | None = Field(default=None, description="id of an estimate")
    share: Literal[SHARES] | None = Field(default=None, description="id of an 'x of y' result")
    assessment: Literal[True] | None = Field(
        default=None, description="true: judged by an inspector's assessment"
    )
    use: Literal["value", "low"] = Field(
        default="value", description="of an estimate: its value, or the lower end of its interval"
    )
    minimum: Count = Field(default=1, description="a measure that rests on fewer records is not judged")
    allow: Count = Field(
        default=0,
        description="an 'x of y' may miss a band but the best by this many records: how little a small sample says",
    )
    bands: dict[Text, Percent | Text] = Field(
        description="for each grade but the worst, best first: the least percentage, or the least finding"
    )
    reason: Text = Field(description="why the bands are as they are, for readers")

    @model_validator(mode="after")
    def _one_measure(self) -> Element:
        named = [name for name in ("estimate", "share", "assessment") if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(
                f"exactly one of estimate, share and assessment; it has {', '.join(named) or 'none of them'}"
            )
        given = self.model_fields_set
        for key, only in {
            "use": ("estimate",),
            "allow": ("share",),
            "minimum": ("estimate", "share"),
        }.items():
            if key in given and named[0] not in only:
                raise ValueError(
                    f"'{key}' only with {' or '.join(only)}; this element is judged by {named[0]}"
                )
        if self.allow and self.allow >= self.minimum:
            raise ValueError(
                f"a minimum above the {self.allow} allowed records; with {self.minimum} every record could be missed"
            )
        return self


class Requirement(Model):
    """What a question (or the overall grade) needs for a grade."""

    at_most_below: Count = Field(description="how many of its parts may be below this grade")
    none_below: Text | None = Field(default=None, description="no part may be below this grade")
    key: tuple[Text, ...] = Field(default=(), description="parts that must have this grade or a better one")
    sentence: Text = Field(description="the rule in words, for readers")


class Question(Model):
    """One question of the inspection."""

    label: Text = Field(description="the question")
    short: Text | None = Field(default=None, description="the question in a word or two, for charts")
    at_least: Count = Field(
        default=1, description="elements that must be judged, else the question is not judged"
    )
    required: tuple[Text, ...] = Field(
        default=(), description="parts without which the question is not judged"
    )
    rules: dict[Text, Requirement] = Field(
        description="for each grade but the worst, best first: what it needs"
    )


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


def load_criteria(name: str, folder: Path = PROJECT / "params" / "criteria") -> Criteria:
    """Read and check a judgement framework.

    Raises
    ------
    InputError
        For a file that is missing, or with all problems: an unknown key, measure or grade; bands that overlap or
        leave a gap; rules that contradict each other; an element of no question.

    Examples
    --------
    >>> load_criteria("cdi-2017").grades
    ('outstanding', 'good', 'requires improvement', 'inadequate')
    """
    path = folder / f"{name}.yml"
    known = sorted(found.stem for found in folder.glob("*.yml"))
    if name not in known:
        raise InputError(
            [
                Problem(
                    "",
                    "criteria",
                    f"'{name}'",
                    f"one of {', '.join(known)}{suggest(name, known)} (files in params/criteria)",
                )
            ]
        )
    file = f"params/criteria/{path.name}"
    content = read_yaml(path, file)
    if not isinstance(content, dict):
        raise InputError([Problem(file, "", "", "a file of 'key: value' lines")])
    try:
        criteria = Criteria.model_validate(content)
    except ValidationError as error:
        raise InputError(explain(error, Criteria, file)) from None
    if criteria.name != name:
        expected = f"'{name}', as the file is called"
        raise InputError([Problem(file, "name", f"'{criteria.name}'", expected)])
    if problems := _problems(criteria, file):
        raise InputError(problems)
    return criteria


def _problems(criteria: Criteria, file: str) -> list[Problem]:
    """What is wrong between the parts of a framework."""
    grades = list(criteria.grades)
    problems = []
    if len(grades) < 2 or len(set(grades)) != len(grades) or NOT_JUDGED in grades:
        problems.append(
            Problem(file, "grades", ", ".join(grades), "two or more different grades, best first")
        )
    if OVERALL in criteria.questions:
        problems.append(Problem(file, f"questions.{OVERALL}", OVERALL, "another id; this one is the whole"))
    for id_, element in criteria.elements.items():
        where = f"elements.{id_}"
        if id_ == OVERALL or id_ in criteria.questions:
            problems.append(Problem(file, where, id_, "an id that no question has"))
        if element.question not in criteria.questions:
            expected = (
                f"one of {', '.join(criteria.questions)}{suggest(element.question, criteria.questions)}"
            )
            problems.append(Problem(file, f"{where}.question", element.question, expected))
        problems += _band_problems(element, grades, f"{where}.bands", file)
    for id_, question in {**criteria.questions, OVERALL: criteria.overall}.items():
        where = OVERALL if id_ == OVERALL else f"questions.{id_}"
        parts = (
            list(criteria.questions)
            if id_ == OVERALL
            else [name for name, element in criteria.elements.items() if element.question == id_]
        )
        problems += _rule_problems(question, parts, grades, where, file)
    return problems


def _band_problems(element: Element, grades: list[str], where: str, file: str) -> list[Problem]:
    if problem := _grades_problem(list(element.bands), grades, where, file, "a band"):
        return [problem]
    values = list(element.bands.values())
    if element.assessment:
        unknown = [value for value in values if value not in FINDINGS]
        if unknown:
            return [Problem(file, where, str(unknown[0]), f"one of {', '.join(FINDINGS)}")]
        order = [FINDINGS.index(value) for value in values]
        falling = all(a < b for a, b in pairwise(order))
    else:
        if any(isinstance(value, str) for value in values):
            return [Problem(file, where, ", ".join(map(str, values)), "percentages such as 90")]
        falling = all(a > b for a, b in pairwise(values))
    if not falling:
        return [
            Problem(
                file,
                where,
                ", ".join(map(str, values)),
                "bands that fall from grade to grade without overlap",
            )
        ]
    return []


def _grades_problem(named: list[str], grades: list[str], where: str, file: str, what: str) -> Problem | None:
    """A grade that does not exist, is missing, is the worst, or stands in the wrong place."""
    wanted = grades[:-1]
    if named == wanted:
        return None
    in_order = f"{what} for each grade but the worst, best first: {', '.join(wanted)}"
    unknown = [grade for grade in named if grade not in grades]
    missing = [grade for grade in wanted if grade not in named]
    if unknown:
        return Problem(file, where, f"'{unknown[0]}'", f"{in_order}{suggest(unknown[0], wanted)}")
    if missing:
        return Problem(file, where, f"none for '{missing[0]}': a gap", in_order)
    if grades[-1] in named:
        return Problem(file, where, f"one for '{grades[-1]}', which is what remains", in_order)
    return Problem(file, where, ", ".join(named), in_order)


def _rule_problems(
    question: Question, parts: list[str], grades: list[str], where: str, file: str
) -> list[Problem]:
    if not parts:
        return [Problem(file, where, "no element", "at least one element with this question")]
    if problem := _grades_problem(list(question.rules), grades, f"{where}.rules", file, "a rule"):
        return [problem]
    problems = []
    for part in question.required:
        if part not in parts:
            expected = f"one of {', '.join(parts)}{suggest(part, parts)}"
            problems.append(Problem(file, f"{where}.required", part, expected))
    if not 1 <= question.at_least <= len(parts):
        problems.append(Problem(file, f"{where}.at_least", str(question.at_least), f"1 to {len(parts)}"))
    for grade, rule in question.rules.items():
        if rule.at_most_below >= len(parts) and not rule.key and rule.none_below is None:
            expected = f"less than {len(parts)}, the number of its parts: one at least must reach the grade"
            problems.append(
                Problem(file, f"{where}.rules.{grade}.at_most_below", str(rule.at_most_below), expected)
            )
        for key in rule.key:
            if key not in parts:
                expected = f"one of {', '.join(parts)}{suggest(key, parts)}"
                problems.append(Problem(file, f"{where}.rules.{grade}.key", key, expected))
        if rule.none_below is not None and rule.none_below not in grades:
            problems.append(
                Problem(
                    file,
                    f"{where}.rules.{grade}.none_below",
                    rule.none_below,
                    f"one of {', '.join(grades)}{suggest(rule.none_below, grades)}",
                )
            )
        elif rule.none_below is not None and grades.index(rule.none_below) < grades.index(grade):
            problems.append(
                Problem(
                    file, f"{where}.rules.{grade}.none_below", rule.none_below, f"{grade} or a worse grade"
                )
            )
    return problems or _contradictions(question, grades, where, file)


def _contradictions(question: Question, grades: list[str], where: str, file: str) -> list[Problem]:
    """Rules of a better grade that ask for less than those of the next: the next could never be given."""

    def floor(grade: str, rule: Requirement) -> int:
        """Rank of the worst grade that a part may have."""
        if rule.at_most_below == 0:
            return grades.index(grade)
        return grades.index(rule.none_below) if rule.none_below else len(grades) - 1

    problems = []
    rules = list(question.rules.items())
    for (better, strict), (grade, rule) in pairwise(rules):
        stricter_by_count = strict.at_most_below <= rule.at_most_below
        stricter_by_floor = floor(better, strict) <= floor(grade, rule)
        covered = strict.at_most_below == 0 or set(rule.key) <= set(strict.key)
        if not (stricter_by_count and stricter_by_floor and covered):
            expected = f"for each condition at least what '{grade}' asks for; as it is, the rules contradict each other"
            problems.append(
                Problem(file, f"{where}.rules.{better}", "less than the next grade asks for", expected)
            )
    return problems


def check_judgement_inputs(criteria: Criteria, inspection: Inspection) -> list[Problem]:
    """Elements and grades that parameters name and the criteria do not know. The file name is left to the caller."""
    problems = []

    def check(kind: str, number: int, key: str, value: str, known: Sequence[str]) -> None:
        if value not in known:
            expected = f"one of {', '.join(known)}{suggest(value, known)}"
            problems.append(Problem("", f"{kind}.{number}.{key}", f"'{value}'", expected))

    by_assessment = [id_ for id_, element in criteria.elements.items() if element.assessment]
    for number, item in enumerate(inspection.assessments, 1):
        check("assessments", number, "element", item.element, by_assessment)
    for number, item in enumerate(inspection.carried_forward, 1):
        check("carried_forward", number, "element", item.element, list(criteria.elements))
        check("carried_forward", number, "grade", item.grade, criteria.grades)
    for number, item in enumerate(inspection.decisions, 1):
        check(
            "decisions", number, "grade_of", item.grade_of, [OVERALL, *criteria.questions, *criteria.elements]
        )
        check("decisions", number, "grade", item.grade, criteria.grades)
    for number, item in enumerate(inspection.areas_for_improvement, 1):
        for element in item.elements:
            check("areas_for_improvement", number, "elements", element, list(criteria.elements))
    return problems


# --- grades ---------------------------------------------------------------------------------------------------


def grade_of_percentage(bands: Mapping[str, float], worst: str, percentage: float) -> str:
    """The best grade whose band the percentage reaches.

    Examples
    --------
    >>> grade_of_percentage({"good": 90, "requires improvement": 80}, "inadequate", 89.9)
    'requires improvement'
    """
    # Rounding noise of floating-point division must not decide a grade.
    return next((grade for grade, least in bands.items() if percentage >= least - 1e-9), worst)


def grade_of_parts(question: Question, grades: Sequence[str], parts: Mapping[str, str]) -> str:
    """The best grade whose requirement the graded parts meet.

    Parts that are not judged are left out. With fewer than ``at_least`` judged parts, or without a part that is
    required, the result is ``"not judged"``: a grade is not guessed. A key part that is not judged does not meet the
    rule that names it, and a grade that none of the judged parts reaches is not given.

    Examples
    --------
    >>> criteria = load_criteria("cdi-2017")
    >>> grade_of_parts(criteria.overall, criteria.grades, {"effective": "good", "efficient": "requires improvement"})
    'good'
    >>> grade_of_parts(criteria.overall, criteria.grades, {"leadership": "good"})
    'not judged'
    """
    judged = {id_: list(grades).index(grade) for id_, grade in parts.items() if grade != NOT_JUDGED}
    if len(judged) < question.at_least or any(part not in judged for part in question.required):
        return NOT_JUDGED
    for grade, rule in question.rules.items():
        rank = list(grades).index(grade)
        below = sum(part > rank for part in judged.values())
        few_below = below <= rule.at_most_below and below < len(judged)  # few of seven may be all of two
        floor = list(grades).index(rule.none_below) if rule.none_below else len(grades)
        none_too_low = all(part <= floor for part in judged.values())
        keys_there = all(judged.get(key, len(grades)) <= rank for key in rule.key)
        if few_below and none_too_low and keys_there:
            return grade
    return grades[-1]


def _element_grade(element: Element, criteria: Criteria, measure: Any) -> str:
    worst = criteria.grades[-1]
    if measure is None:
        return NOT_JUDGED
    if element.assessment:
        rank = FINDINGS.index(measure.finding)
        return next((grade for grade, least in element.bands.items() if rank <= FINDINGS.index(least)), worst)
    if element.share:
        if measure.n < max(element.minimum, 1):
            return NOT_JUDGED
        # The best grade must be earned without the allowance: doubt about a small sample does not make excellence.
        (best, bar), *others = element.bands.items()
        if grade_of_percentage({best: bar}, worst, 100 * measure.x / measure.n) == best:
            return best
        return grade_of_percentage(dict(others), worst, 100 * (measure.x + element.allow) / measure.n)
    if measure.n < element.minimum:
        return NOT_JUDGED
    value = measure.low if element.use == "low" and measure.low is not None else measure.value
    return grade_of_percentage(element.bands, worst, 100 * value)


def judge(
    criteria: Criteria,
    estimates: Mapping[str, EstimateResult],
    shares: Mapping[str, Share],
    inspection: Inspection,
) -> dict[str, Any]:
    """Judge elements, questions and the whole, with the evidence of each step.

    Parameters
    ----------
    criteria : Criteria
        The framework.
    estimates, shares : mapping
        Results by id; one that is missing was not inspected.
    inspection : Inspection
        Assessments, grades carried forward, and decisions.

    Returns
    -------
    dict
        Plain JSON: ``framework``, ``scale``, ``rules``, and ``elements``, ``questions`` and ``overall`` with computed
        and decided grade, evidence, ``rule`` (the sentence of the rule that fired), ``next_better`` and
        ``next_worse``, and the probability of each grade (None where chance has no part in it). A question is
        computed from the decided grades of its elements, the overall grade from those of the questions.

    Notes
    -----
    The probabilities cover chance in drawing the main sample and nothing else: rates vary as their intervals say, and
    the rules are applied to each of 4,000 simulated audits (fixed seed). The rate of all crime moves with those of the
    crime types that it consists of, and that of sexual offences with that of rape (:func:`_scores`). A share of the main
    sample, such as crimes recorded within 24 hours, varies as its Jeffreys posterior, independently of the rates; so does
    the rate of domestic abuse, which cuts across the crime types. Dip samples are not random, so what was found in them
    is taken as it is, like an assessment.
    """
    assessments = {item.element: item for item in inspection.assessments if item.finding != "not inspected"}
    carried = {item.element: item for item in inspection.carried_forward}
    decisions = {item.grade_of: item for item in inspection.decisions}
    elements, drawn = [], {}
    scores = _scores(estimates, inspection)
    for id_, element in criteria.elements.items():
        measure = _measure(id_, element, estimates, shares, assessments)
        computed = _element_grade(element, criteria, measure)
        status = "judged"
        if computed == NOT_JUDGED:
            status = "not inspected" if measure is None or not measure.n else "too few records to judge"
        if computed == NOT_JUDGED and id_ in carried:
            computed, status = carried[id_].grade, f"carried forward from {carried[id_].date.isoformat()}"
        entry = _entry(id_, element.label, computed, decisions) | {
            "question": element.question,
            "measure": element.estimate or element.share or ASSESSMENT,
            "status": status,
            "evidence": _evidence(element, measure),
            "bands": dict(element.bands),
            "reason_for_bands": element.reason,
            "rule": _element_rule(element, computed, status),
            "next_better": None,
            "next_worse": None,
        }
        if status == "judged":
            entry["next_better"], entry["next_worse"] = _element_neighbours(
                element, criteria, measure, computed
            )
        drawn[id_] = np.full(SIMULATIONS, _rank(entry["decided"], criteria))
        entry["probabilities"] = None
        if status == "judged" and _is_random(element, measure):
            by_criteria = _simulated(element, measure, scores[entry["measure"]])
            entry["probabilities"] = _frequencies(by_criteria, criteria)
            if id_ not in decisions:  # what an inspector decided is not moved by chance
                drawn[id_] = by_criteria
        elements.append(entry)

    decided = {entry["id"]: entry["decided"] for entry in elements}
    questions, drawn_questions = [], {}
    for id_, question in criteria.questions.items():
        members = [name for name, element in criteria.elements.items() if element.question == id_]
        parts = {name: decided[name] for name in members}
        computed = grade_of_parts(question, criteria.grades, parts)
        entry = _entry(id_, question.label, computed, decisions) | {"short": question.short}
        labels = {name: criteria.elements[name].label for name in members}
        entry |= _question_evidence(question, criteria, parts, computed, labels)
        drawn_questions[id_] = _simulated_parts(question, criteria, {name: drawn[name] for name in members})
        entry["probabilities"] = _frequencies(drawn_questions[id_], criteria)
        if id_ in decisions:  # what was decided counts upwards, as with the elements
            drawn_questions[id_] = np.full(SIMULATIONS, _rank(entry["decided"], criteria))
        questions.append(entry)
    decided_questions = {entry["id"]: entry["decided"] for entry in questions}
    computed = grade_of_parts(criteria.overall, criteria.grades, decided_questions)
    overall = _entry(OVERALL, criteria.overall.label, computed, decisions)
    labels = {id_: question.label for id_, question in criteria.questions.items()}
    overall |= _question_evidence(criteria.overall, criteria, decided_questions, computed, labels)
    overall["probabilities"] = _frequencies(
        _simulated_parts(criteria.overall, criteria, drawn_questions), criteria
    )
    framework = criteria.model_dump(mode="json", include={"name", "version", "date", "title", "note"})
    rules = {
        id_: {grade: rule.model_dump(mode="json") for grade, rule in question.rules.items()}
        for id_, question in {**criteria.questions, OVERALL: criteria.overall}.items()
    }
    return {
        "framework": framework,
        "scale": list(criteria.grades),
        "rules": rules,
        "elements": elements,
        "questions": questions,
        "overall": overall,
    }


def check_areas(judgements: Mapping[str, Any], inspection: Inspection) -> list[Problem]:
    """Warn of low grades for which no area for improvement was written, and of carried grades that are not used.

    Parameters
    ----------
    judgements : mapping
        What :func:`judge` gave.
    inspection : Inspection
        Its areas for improvement name the elements that caused them.

    Returns
    -------
    list of Problem
        Warnings only; the file name is left to the caller. On a scale with "requires improvement", that grade and
        worse ones count; on any other, the lower half.
    """
    scale = list(judgements["scale"])
    first = scale.index("requires improvement") if "requires improvement" in scale else (len(scale) + 1) // 2
    named = {element for area in inspection.areas_for_improvement for element in area.elements}
    judged = {entry["id"] for entry in judgements["elements"] if entry["status"] == "judged"}
    return [
        Problem(
            "",
            "carried_forward",
            f"a grade of {item.date} for {item.element}, which was judged this time",
            "elements that were not inspected; the carried grade is not used",
            "warning",
        )
        for item in inspection.carried_forward
        if item.element in judged
    ] + [
        Problem(
            "",
            "areas_for_improvement",
            f"none for the element {entry['id']}, graded {entry['decided']}",
            f"an area for improvement with '{entry['id']}' among its elements",
            "warning",
        )
        for entry in judgements["elements"]
        if entry["decided"] in scale[first:] and entry["id"] not in named
    ]


def _measure(id_: str, element: Element, estimates, shares, assessments):
    if element.estimate:
        return estimates.get(element.estimate)
    return shares.get(element.share) if element.share else assessments.get(id_)


def _entry(id_: str, label: str, computed: str, decisions: Mapping) -> dict[str, Any]:
    decision = decisions.get(id_)
    return {
        "id": id_,
        "label": label,
        "computed": computed,
        "decided": decision.grade if decision else computed,
        "reason": decision.reason if decision else None,
        "role": decision.role if decision else None,
    }


def _evidence(element: Element, measure) -> dict[str, Any] | None:
    if measure is None:
        return None
    if element.assessment:
        return {"kind": "assessment", "finding": measure.finding, "evidence": measure.evidence}
    if element.share:
        return {"kind": "share", "result": element.share, "x": measure.x, "n": measure.n}
    return {
        "kind": "estimate",
        "result": element.estimate,
        "use": element.use,
        "value": measure.value,
        "low": measure.low,
        "high": measure.high,
        "n": measure.n,
    }


def _rank(grade: str, criteria: Criteria) -> int:
    """Rank of a grade, 0 is best; -1 for "not judged"."""
    return -1 if grade == NOT_JUDGED else criteria.grades.index(grade)


def _element_rule(element: Element, grade: str, status: str) -> str:
    """The band that an element's grade comes from, as a sentence."""
    if status == "too few records to judge":
        return f"Judged from {element.minimum} records on."
    if status != "judged":
        return "Not graded by bands."
    if grade not in element.bands:
        return f"Below the band for {list(element.bands)[-1]}, so {grade}."
    least = element.bands[grade]
    allowed = element.allow and grade != next(iter(element.bands))
    note = f", where {element.allow} more may have been missed in so small a sample" if allowed else ""
    return f"At least {least if isinstance(least, str) else f'{least:g} per cent'} is {grade}{note}."


def _element_neighbours(element: Element, criteria: Criteria, measure, grade: str):
    """What would have given the next better and the next worse grade: the grade and the measure it takes.

    For an "x of y" the counts at the same y, what is allowed for included; for an estimate the proportion
    (better: at least, worse: below); for an assessment the finding.
    """
    rank, scale = criteria.grades.index(grade), criteria.grades
    if element.share:
        ranks = {
            x: _rank(_element_grade(element, criteria, measure.model_copy(update={"x": x})), criteria)
            for x in range(measure.n + 1)
        }
        up = [x for x, other in ranks.items() if other < rank]
        down = [x for x, other in ranks.items() if other > rank]
        better = {"grade": scale[ranks[up[0]]], "x": up[0], "n": measure.n} if up else None
        worse = {"grade": scale[ranks[down[-1]]], "x": down[-1], "n": measure.n} if down else None
        return better, worse
    bands = element.bands
    better = worse = None
    if element.assessment:
        if rank:
            better = {"grade": scale[rank - 1], "finding": bands[scale[rank - 1]]}
        lower = [f for f in FINDINGS if grade in bands and FINDINGS.index(f) > FINDINGS.index(bands[grade])]
        if lower:
            after = _element_grade(element, criteria, measure.model_copy(update={"finding": lower[0]}))
            worse = {"grade": after, "finding": lower[0]}
        return better, worse
    if rank:
        better = {"grade": scale[rank - 1], "use": element.use, "at_least": bands[scale[rank - 1]] / 100}
    if rank < len(scale) - 1:
        worse = {"grade": scale[rank + 1], "use": element.use, "below": bands[grade] / 100}
    return better, worse


def _question_evidence(
    question: Question, criteria: Criteria, parts: Mapping[str, str], computed: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    """Rule that fired, grades of the parts, and each single change of a part that would change the grade."""
    if computed == NOT_JUDGED:
        missing = [labels[part] for part in question.required if parts[part] == NOT_JUDGED]
        rule = (
            f"Not judged without: {'; '.join(missing)}."
            if missing
            else f"Judged only where at least {question.at_least} of its parts are."
        )
    elif computed in question.rules:
        rule = question.rules[computed].sentence
    else:
        rule = f"The rules of all better grades are not met, so {computed}."
    better, worse = [], []
    if computed != NOT_JUDGED:
        rank = criteria.grades.index(computed)
        for part, grade in parts.items():
            if grade == NOT_JUDGED:
                continue
            own = criteria.grades.index(grade)
            # from the nearest grade outwards: the smallest change that does it
            for others, found, sign in (
                (criteria.grades[:own][::-1], better, -1),
                (criteria.grades[own + 1 :], worse, 1),
            ):
                for other in others:
                    after = grade_of_parts(question, criteria.grades, {**parts, part: other})
                    if sign * (criteria.grades.index(after) - rank) > 0:
                        found.append({"part": part, "from": grade, "to": other, "grade": after})
                        break
    return {"rule": rule, "evidence": dict(parts), "next_better": better, "next_worse": worse}


# --- how sure -------------------------------------------------------------------------------------------------


def _scores(estimates: Mapping[str, EstimateResult], inspection: Inspection) -> dict[str, np.ndarray]:
    """How lucky each simulated audit was with each measure: numbers in (0, 1), higher is better.

    A whole shares the luck of its parts, each by its share in the variance of the whole (a Gaussian copula). A stratified
    rate moves with that of a crime type as its formula says (:func:`cdi_lib.statistics.estimation.stratified_rate`), any other whole
    by the share of the sample that the part is.
    """
    random = np.random.default_rng(SEED)
    names = dict.fromkeys((*ESTIMATES, *SHARES))  # a rate and a share of the same name are the same thing
    normal = {name: random.standard_normal(SIMULATIONS) for name in names}
    for whole, parts in PARTS.items():
        loads = {part: _load(part, whole, estimates, inspection) for part in parts}
        explained = sum(load**2 for load in loads.values())
        shrink = max(explained, 1.0) ** 0.5
        own = max(1 - explained, 0.0) ** 0.5 * normal[whole]
        normal[whole] = own + sum(load / shrink * normal[part] for part, load in loads.items())
    return {name: stats.norm.cdf(values) for name, values in normal.items()}


def _load(
    part_name: str, whole_name: str, estimates: Mapping[str, EstimateResult], inspection: Inspection
) -> float:
    """Correlation of a whole with one of its parts; 0 where either is not known well enough to tell."""
    part, whole = estimates.get(part_name), estimates.get(whole_name)
    if part is None or whole is None or not part.margin or not whole.margin:
        return 0.0
    slope = part.n / whole.n
    if whole.estimator == "stratified" and part.value > 0:
        crime = inspection.recorded_crime
        slope = crime.by_type()[part_name] / crime.total * (whole.value / part.value) ** 2
    return slope * part.margin / whole.margin


def _simulated(element: Element, measure, score: np.ndarray) -> np.ndarray:
    """Ranks of an element's grade by the criteria in simulated audits; 0 is best."""
    if element.share:
        # Jeffreys posterior, Beta(x + 1/2, n - x + 1/2): Brown, Cai & DasGupta (2001), section 3.1.3
        values = 100 * stats.beta.ppf(score, measure.x + 0.5, measure.n - measure.x + 0.5)
    else:
        values = 100 * _rate_quantiles(measure, score)
    if element.use == "low" and measure.low is not None:
        values = values - 100 * (measure.value - measure.low)
    allowed = 100 * element.allow / measure.n  # 0 for estimates; not for the best grade
    cuts = np.array(list(element.bands.values()), dtype=float)
    cuts[1:] -= allowed
    return (values[:, None] < cuts[None, :] - 1e-9).sum(axis=1)


def _is_random(element: Element, measure) -> bool:
    """Whether a measure rests on the random main sample, so that chance in drawing it can be simulated."""
    return bool(element.estimate) or bool(element.share and measure.sample in RANDOM_SAMPLES)


def _rate_quantiles(rate: EstimateResult, uniform: np.ndarray) -> np.ndarray:
    """Values of the true rate that are compatible with its interval.

    A Beta distribution with the estimate as mean and the effective size that the width of the interval implies: it stays
    in [0, 1] and is lopsided near 1, as the interval is.
    """
    if rate.low is None or rate.high is None or rate.high <= rate.low:
        return np.full(len(uniform), rate.value)
    z = stats.norm.ppf((1 + rate.confidence) / 2)
    middle = min(max(rate.value, 1e-6), 1 - 1e-6)
    se = (rate.high - rate.low) / (2 * z)
    size = max(middle * (1 - middle) / se**2 - 1, 1.0)
    if not 0 < rate.value < 1:
        # 0 of n or n of n: the interval is one-sided; let its inner end be the tail of the distribution
        inner = rate.low if rate.value >= 1 else 1 - rate.high
        size = max(math.log((1 - rate.confidence) / 2) / math.log(max(inner, 1e-6)), 1.0)
        sample = stats.beta.ppf(uniform, size, 1.0)
        return sample if rate.value >= 1 else 1 - sample
    return stats.beta.ppf(uniform, middle * size, (1 - middle) * size)


def _simulated_parts(question: Question, criteria: Criteria, drawn: Mapping[str, np.ndarray]) -> np.ndarray:
    """Apply the rule of a question to each simulated audit; equal combinations are worked out once."""
    names = list(drawn)
    table = np.column_stack([drawn[name] for name in names])
    combinations, inverse = np.unique(table, axis=0, return_inverse=True)
    scale = [*criteria.grades, NOT_JUDGED]  # rank -1 reads the last: not judged
    ranks = []
    for combination in combinations:
        grade = grade_of_parts(
            question, criteria.grades, {n: scale[r] for n, r in zip(names, combination, strict=True)}
        )
        ranks.append(-1 if grade == NOT_JUDGED else criteria.grades.index(grade))
    return np.array(ranks)[inverse.ravel()]


def _frequencies(ranks: np.ndarray, criteria: Criteria) -> dict[str, float] | None:
    if (ranks < 0).any():
        return None
    return {grade: float((ranks == rank).mean()) for rank, grade in enumerate(criteria.grades)}
