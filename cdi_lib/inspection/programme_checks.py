"""What is wrong between the parts of a programme: names that nothing has, circles, chapters without a question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cdi_lib.inspection.criteria import Element, Question, criteria_problems
from cdi_lib.inspection.problems import Problem, shown, suggest
from cdi_lib.inspection.programme import (
    BLANK,
    KNOWN,
    Chapter,
    Measure,
    Programme,
    TableOfMeasures,
)
from cdi_lib.inspection.tables import ANSWERS, MAIN, YES_NO

_M = TypeVar("_M", bound=BaseModel)


def between_parts(content: Mapping[str, Any], programme: Programme | None, file: str) -> Iterator[Problem]:
    """All that is wrong between parts; what has a wrong form itself (it is told elsewhere) is left out.

    Parameters
    ----------
    content : mapping
        The programme as it was read.
    programme : Programme or None
        The same, where its form is sound.
    file : str
        How messages call the file.
    """
    measures = _sound(Measure, content.get("measures"))
    tables = _sound(TableOfMeasures, content.get("tables"))
    elements = _sound(Element, content.get("elements"))
    questions = _sound(Question, content.get("questions"))
    given = content.get("chapters")
    chapters = _sound(Chapter, dict(enumerate(given, 1)) if isinstance(given, list) else {})
    for problem in (
        *_measure_problems(measures, _columns(content), list(content.get("crime_types") or ())),
        *_circles(measures),
        *_element_problems(elements, measures),
        *_table_problems(tables, measures),
        *_chapter_problems(chapters, questions),
        *(_rule_dates(programme) if programme else ()),
        *_patterns(content),
    ):
        yield Problem(file, *problem)
    grades = content.get("grades")
    if isinstance(grades, list):
        overall = _sound(Question, {"": content.get("overall")})[""]
        yield from criteria_problems([str(grade) for grade in grades], questions, elements, overall, file)


_Found = Iterator[tuple[str, str, str]]  # where, what was got, what was expected


def _sound(model: type[_M], content: object) -> dict[Any, _M | None]:
    """Each entry of a part as a model; None where its form is wrong."""
    found: dict[Any, _M | None] = {}
    for id_, item in content.items() if isinstance(content, Mapping) else ():
        try:
            found[id_] = model.model_validate(item)
        except ValidationError:
            found[id_] = None
    return found


def _columns(content: Mapping[str, Any]) -> dict[str, dict[str, Sequence[str] | None]]:
    """For each table that measures count in: its columns, and the values that they may have (None: any)."""
    ids = {key: list(content.get(key) or ()) for key in ("crime_types", "routes", "samples", "cancellations")}
    return {
        "crimes": {
            "sample": [MAIN, *ids["samples"]],
            "crime_type": ids["crime_types"],
            "route": ids["routes"],
            "recorded_as": list(content.get("recorded_instead") or ()),
            **dict.fromkeys(("offence_class", "stratum", "reported_at", "recorded_at")),
            **dict.fromkeys(("domestic_abuse", "recorded", "rape", "modern_slavery", "within_limit"), YES_NO),
        },
        "n100": {"kind": ["required", "review"], "applied": YES_NO, "should_be_rape": YES_NO},
        "cancellations": {
            "crime_type": ids["cancellations"],
            "authorised_by": None,
            **dict.fromkeys(("correct", "victim_to_be_informed", "victim_informed"), YES_NO),
        },
        "survey": {"statement": None, "answer": ANSWERS},
    }


def _unknown(where: str, name: str, known: Sequence[str], what: str = "") -> _Found:
    if name not in known:
        yield where, shown(name), f"{what}one of {', '.join(known)}{suggest(name, known)}"


def _measure_problems(
    measures: Mapping[str, Measure | None], columns: Mapping[str, Any], crime_types: Sequence[str]
) -> _Found:
    for id_, measure in measures.items():
        if measure is None:
            continue
        place = f"measures.{id_}"
        for key, conditions in (("where", measure.where), ("counts", measure.counts)):
            for column, values in conditions.items():
                known = columns[measure.table or ""]
                yield from _unknown(f"{place}.{key}", column, list(known), "a column, ")
                allowed = known.get(column)
                for value in values if allowed is not None else ():
                    yield from _unknown(f"{place}.{key}.{column}", value, [*allowed, KNOWN, BLANK])
        if measure.of:
            yield from _unknown(f"{place}.of", measure.of, crime_types)
        shares = [name for name, other in measures.items() if other is None or other.is_share]
        for part in measure.sum:
            yield from _unknown(f"{place}.sum", part, shares, "a measure that is an 'x of n', ")
        if measure.part_of:
            rates = [name for name, other in measures.items() if other is None or other.is_rate]
            yield from _unknown(f"{place}.part_of", measure.part_of, rates, "a rate, ")


def _circles(measures: Mapping[str, Measure | None]) -> _Found:
    """Measures that are added up of themselves."""
    told: set[frozenset[str]] = set()
    for id_ in measures:
        path, waiting = [id_], [id_]
        while waiting:
            measure = measures.get(waiting.pop())
            for part in measure.sum if measure else ():
                if part == id_ and frozenset(path) not in told:
                    told.add(frozenset(path))
                    circle = " is a sum of ".join(dict.fromkeys([*path, part])) + f" is a sum of {id_}"
                    yield f"measures.{id_}.sum", f"a circle: {circle}", "sums that lead to tables"
                elif part not in path:
                    path.append(part)
                    waiting.append(part)


def _element_problems(
    elements: Mapping[str, Element | None], measures: Mapping[str, Measure | None]
) -> _Found:
    for id_, element in elements.items():
        if element is None:
            continue
        for key in ("measure", "estimate", "share"):
            if name := getattr(element, key):
                yield from _unknown(f"elements.{id_}.{key}", name, list(measures), "a measure, ")
        measure = measures.get(element.measure or "")
        if measure and "use" in element.model_fields_set and not measure.is_rate:
            yield (
                f"elements.{id_}.use",
                element.use,
                f"'use' with a rate only; '{element.measure}' is an 'x of n'",
            )
        if measure and element.allow and measure.is_rate:
            yield f"elements.{id_}.allow", str(element.allow), "'allow' with an 'x of n' only; this is a rate"


def _table_problems(
    tables: Mapping[str, TableOfMeasures | None], measures: Mapping[str, Measure | None]
) -> _Found:
    for id_, table in tables.items():
        if not str(id_).startswith("tbl-"):
            yield f"tables.{id_}", shown(id_), "an id that begins with tbl-, by which texts refer to it"
        for name in table.measures if table else ():
            yield from _unknown(f"tables.{id_}.measures", name, list(measures), "a measure, ")
            measure = measures.get(name)
            wrong = measure and not (measure.is_rate if table and table.kind == "rates" else measure.is_share)
            if wrong and table:
                kind = "rates" if table.kind == "rates" else "measures that are an 'x of n'"
                yield f"tables.{id_}.measures", shown(name), f"{kind}, as the table is of kind {table.kind}"


def _chapter_problems(chapters: Mapping[int, Chapter | None], questions: Mapping[str, Any]) -> _Found:
    of_questions = [chapter.question for chapter in chapters.values() if chapter and chapter.question]
    for number, chapter in chapters.items():
        if chapter and chapter.question:
            yield from _unknown(f"chapters.{number}.question", chapter.question, list(questions))
    for question in questions:
        if question not in of_questions:
            yield (
                f"questions.{question}",
                "no chapter",
                f"a chapter with 'question: {question}' in `chapters`",
            )
    sections = Counter(section for chapter in chapters.values() if chapter for section in chapter.sections)
    for section, times in (sections + Counter(f"question {q}" for q in of_questions)).items():
        if times > 1:
            yield "chapters", f"{section} {times} times", "each section, and each question, once"


def _rule_dates(programme: Programme) -> _Found:
    for earlier, later in pairwise(programme.rules):
        if earlier.since >= later.since:
            yield "rules", f"{later.since} after {earlier.since}", "rules by date, the oldest first"


def _patterns(content: Mapping[str, Any]) -> _Found:
    for number, term in enumerate(content.get("glossary") or (), 1):
        pattern = term.get("pattern") if isinstance(term, Mapping) else None
        try:
            re.compile(str(pattern or ""))
        except re.error as error:
            yield f"glossary.{number}.pattern", shown(pattern), f"a regular expression; this is none: {error}"
