"""What is wrong between the parts of a programme: an id that nothing has, a band that leaves a gap, a measure in a circle.

The parts are compared as far as their own form is sound, so that all mistakes of a file are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from cdi_lib.inspection import programme
from cdi_lib.inspection.problems import suggest
from cdi_lib.inspection.tables import DERIVED, EQUALITY, columns_of, offence_classes, tables_of

Wrong: TypeAlias = tuple[str, str, str]  # key, what was got, what was expected
_M = TypeVar("_M", bound=BaseModel)


def between_parts(content: Mapping[str, Any]) -> Iterator[Wrong]:
    """What is wrong between the parts of a programme, given as its merged file says it."""
    parts = {name: _dict(content, name) for name in ("crime_types", "routes", "samples", "cancellations")}
    own = _all_sound(content, "columns", programme.OwnColumn)
    parts["columns"] = {name: column for name, column in own.items() if column}
    rates, shares = _all_sound(content, "estimates", programme.Rate), _all_sound(content, "shares", programme.Counted)
    questions = _all_sound(content, "questions", programme.Question)
    elements = _all_sound(content, "elements", programme.Element)
    overall = _sound(programme.Question, content.get(programme.OVERALL))
    yield from _names(parts, list(rates))
    columns = tables_of(parts)
    for id_, rate in rates.items():
        if rate:
            for key in ("where", "counts", "minus"):
                yield from _conditions(f"estimates.{id_}.{key}", getattr(rate, key), "crimes", columns)
            others = [*parts["crime_types"], *(other for other in rates if other != id_)]
            yield from unknown(f"estimates.{id_}.part_of", [rate.part_of] if rate.part_of else [], others)
    yield from _circles("estimates", "part_of", {i: (r.part_of,) for i, r in rates.items() if r and r.part_of})
    for id_, share in shares.items():
        if share:
            yield from unknown(f"shares.{id_}.sum", share.sum, list(shares))
            for key in () if share.sum else ("where", "counts"):
                yield from _conditions(f"shares.{id_}.{key}", getattr(share, key), share.table, columns)
    yield from _circles("shares", "sum", {id_: share.sum for id_, share in shares.items() if share})
    known = {"estimate": [*programme.WHOLE, *parts["crime_types"], *rates], "share": list(shares)}
    for id_, rows in _all_sound(content, "tables", programme.Rows).items():
        if rows:
            yield from unknown(f"tables.{id_}.rows", rows.rows, known["estimate" if rows.kind == "rates" else "share"])
    yield from unknown("compared", _strings(content.get("compared")), known["estimate"])
    grades = _strings(content.get("grades"))
    if grades:
        yield from _judged(grades, questions, elements, overall, known)
    if chapters := _sound(programme.Chapters, content.get("chapters")):
        told = {*known["estimate"], *known["share"], *questions, "assessment", "previous", "change"}
        yield from _sections(chapters, told)


def _dict(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = content.get(key)
    return found if isinstance(found, dict) else {}


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def _all_sound(content: Mapping[str, Any], key: str, model: type[_M]) -> dict[str, _M | None]:
    return {str(id_): _sound(model, item) for id_, item in _dict(content, key).items()}


def _sound(model: type[_M], content: object) -> _M | None:
    try:
        return model.model_validate(content)
    except ValidationError:
        return None


def placeholders(content: object, where: str = "") -> Iterator[Wrong]:
    """Words in braces that nothing is filled in for."""
    if isinstance(content, str):
        for unknown_word in set(re.findall(r"{\w*}", content)) - {programme.LIMIT_HOURS}:
            yield where, unknown_word, f"{programme.LIMIT_HOURS}, or words without braces"
    entries = (
        content.items() if isinstance(content, dict) else enumerate(content, 1) if isinstance(content, list) else ()
    )
    for key, value in entries:
        yield from placeholders(value, f"{where}.{key}".lstrip("."))


# --- what is counted and estimated --------------------------------------------------------------------------------


def _names(parts: Mapping[str, Mapping[str, Any]], rates: Collection[str]) -> Iterator[Wrong]:
    """Ids that would stand for two things, and what crime types and samples name that is not there."""
    types, samples = parts["crime_types"], parts["samples"]
    for id_ in types:
        if id_ in programme.WHOLE:
            yield f"crime_types.{id_}", id_, "another id; this one is the rate of all crime"
        classes = _strings(_dict(types, id_).get("classes"))
        yield from unknown(f"crime_types.{id_}.classes", classes, list(offence_classes().index))
    for id_ in rates:
        if id_ in programme.WHOLE or id_ in types:
            yield f"estimates.{id_}", id_, "another id; crime types and all crime have their rates without it"
    for id_ in set(parts["columns"]) & {*columns_of("crimes"), *DERIVED}:
        yield f"columns.{id_}", id_, "another id; every table of crimes has a column of this name"
    if programme.MAIN in samples:
        yield f"samples.{programme.MAIN}", programme.MAIN, "another id; this one is the random sample"
    columns = tables_of(parts)["crimes"]
    for id_, item in samples.items():
        if found := _sound(programme.Sample, item):
            yield from unknown(f"samples.{id_}.needs", found.needs, [c for c, spec in columns.items() if spec.blank])


def _conditions(
    where: str, conditions: Mapping[str, Sequence[str]], table: str, tables: Mapping[str, Any]
) -> Iterator[Wrong]:
    """Columns that a table has not, and values that a column cannot hold."""
    known: dict[str, Sequence[str]] = dict(EQUALITY) if table == "equality" else {}
    if not known:
        known = {name: tuple(spec.kind.words()) for name, spec in tables[table].items()}
        known |= DERIVED if table == "crimes" else {}
    for column, values in conditions.items():
        yield from unknown(f"{where}.{column}", [column], list(known))
        if words := known.get(column):
            yield from unknown(f"{where}.{column}", values, words)


def _circles(kind: str, key: str, uses: Mapping[str, Sequence[str]]) -> Iterator[Wrong]:
    """Measures that are made of themselves; each circle is told once."""
    told: set[str] = set()
    for start in uses:
        path, waiting = [start], [(start, iter(uses[start]))]
        while waiting and start not in told:
            rest = waiting[-1][1]
            following = next(rest, None)
            if following is None:
                waiting.pop()
                path.pop()
            elif following == start:
                told.update(path)
                yield f"{kind}.{start}.{key}", " -> ".join([*path, start]), "measures that are not made of themselves"
            elif following in uses and following not in path:
                path.append(following)
                waiting.append((following, iter(uses[following])))


def _sections(chapters: programme.Chapters, told: Collection[str]) -> Iterator[Wrong]:
    """Sections that are named twice, or that tell of results which this programme does not have."""
    found = [*chapters.first, *chapters.questions, *chapters.last]
    for section in dict.fromkeys(found):
        if found.count(section) > 1:
            yield "chapters", f"the section {section} {found.count(section)} times", "each section once"
    for section, measures in chapters.questions.items():
        if measures and not any("*" in name or name.startswith("unrecorded_") or name in told for name in measures):
            expected = f"a result that it tells of{suggest(measures[0], told)}; or null for a section that is not told"
            yield f"chapters.questions.{section}", ", ".join(measures), expected


# --- how it is judged -----------------------------------------------------------------------------------------------


def _judged(
    grades: Sequence[str],
    questions: Mapping[str, programme.Question | None],
    elements: Mapping[str, programme.Element | None],
    overall: programme.Question | None,
    known: Mapping[str, Sequence[str]],
) -> Iterator[Wrong]:
    if is_wrong := len(grades) < 2 or len(set(grades)) != len(grades) or programme.NOT_JUDGED in grades:
        yield "grades", ", ".join(grades), "two or more different grades, best first"
    if programme.OVERALL in questions:
        yield f"questions.{programme.OVERALL}", programme.OVERALL, "another id; this one is the whole"
    for id_, element in elements.items():
        where = f"elements.{id_}"
        if id_ == programme.OVERALL or id_ in questions:
            yield where, id_, "an id that no question has"
        if element:
            yield from unknown(f"{where}.question", [element.question], list(questions))
            yield from unknown(f"{where}.estimate", [element.estimate] if element.estimate else [], known["estimate"])
            yield from unknown(f"{where}.share", [element.share] if element.share else [], known["share"])
            yield from () if is_wrong else _band_problems(element, grades, f"{where}.bands")
    for id_, question in questions.items():
        # An element that cannot be read, or that names no question, may be one of them.
        others = set(questions) - {id_}
        parts = [name for name, element in elements.items() if element is None or element.question not in others]
        if question and not is_wrong:
            yield from _question_problems(question, parts, grades, f"questions.{id_}")
    if overall and not is_wrong:
        yield from _question_problems(overall, list(questions), grades, programme.OVERALL)


def unknown(where: str, named: Iterable[str], known: Sequence[str]) -> Iterator[Wrong]:
    for name in named:
        if name not in known:
            yield where, f"'{name}'", f"one of {', '.join(known)}{suggest(name, known)}"


def _band_problems(element: programme.Element, grades: Sequence[str], where: str) -> Iterator[Wrong]:
    named = [band for band in element.bands.values() if isinstance(band, str)]
    got = ", ".join(map(str, element.bands.values()))
    if wrong := _grades_problem(list(element.bands), grades, where, "a band"):
        yield wrong
    elif named and not element.assessment:
        yield where, got, "percentages such as 90"
    elif element.assessment and (len(named) < len(element.bands) or not set(named) <= set(programme.FINDINGS)):
        yield where, got, f"for each grade one of {', '.join(programme.FINDINGS)}"
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


def _question_problems(
    question: programme.Question, parts: Sequence[str], grades: Sequence[str], where: str
) -> Iterable[Wrong]:
    if not parts:
        return [(where, "no element", "at least one element with this question")]
    if wrong := _grades_problem(list(question.rules), grades, f"{where}.rules", "a rule"):
        return [wrong]
    return list(_rule_problems(question, parts, grades, where)) or _contradictions(question, grades, where)


def _rule_problems(
    question: programme.Question, parts: Sequence[str], grades: Sequence[str], where: str
) -> Iterator[Wrong]:
    yield from unknown(f"{where}.required", question.required, parts)
    if not 1 <= question.at_least <= len(parts):
        yield f"{where}.at_least", str(question.at_least), f"1 to {len(parts)}" if len(parts) > 1 else "1"
    for rank, (grade, rule) in enumerate(question.rules.items()):
        place, floor = f"{where}.rules.{grade}", rule.none_below
        if rule.at_most_below >= len(parts) and not rule.key and floor is None:
            expected = f"less than {len(parts)}, the number of its parts: one at least must reach the grade"
            yield f"{place}.at_most_below", str(rule.at_most_below), expected
        yield from unknown(f"{place}.key", rule.key, parts)
        if floor is not None and floor in grades[:rank]:
            yield f"{place}.none_below", floor, f"{grade} or a worse grade"
        elif floor is not None:
            yield from unknown(f"{place}.none_below", [floor], grades)


def _contradictions(question: programme.Question, grades: Sequence[str], where: str) -> Iterator[Wrong]:
    """Rules of a better grade that ask for less than those of the next: the next could never be given."""

    def floor(rank: int, rule: programme.Requirement) -> int:
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
