"""Tells the results of an inspection in the words of ``reports/text``: what a text may ask for, and in what order."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import Problem
from cdi_lib.inspection.programme import Criteria
from cdi_lib.inspection.results import EstimateResult, Results, Share, Tally
from cdi_lib.report import index, labels, metadata, wording
from cdi_lib.report.display import say
from cdi_lib.report.labels import LANGUAGE, TEXTS
from cdi_lib.report.sections import judgements
from cdi_lib.report.sections.glossary import GLOSSARY
from cdi_lib.report.texts import Texts

QUESTION = "_question"  # the text with which the chapter of a question begins
# How a text prints what it asks for. Everything that rounds is in `wording`.
FILTERS = {
    name: getattr(wording, name)
    for name in (
        "about", "badge", "between", "capital", "chance", "change_interval", "count", "day", "in_words", "level",
        "lower_first", "number_word", "of", "over", "paragraphs", "percent", "percent_confidence", "plain", "plural",
        "plus_minus", "points", "points_list", "rounded", "sentence", "trimmed", "with_article", "without_stop",
    )
} | {"interval_name": labels.INTERVAL_NAMES.get, "records_name": labels.RECORDS.get}  # fmt: skip
NAMES = {
    "crime_types": labels.TYPE_LABELS,
    "crime_nouns": labels.CRIME_NOUNS,
    "routes": labels.ROUTE_PHRASES,
    "cancellations": labels.CANCELLATION_PHRASES,
    "sample_nouns": labels.SAMPLE_NOUNS,
}
FUNCTIONS = (
    "estimate",
    "share",
    "shares",
    "tally",
    "judged",
    "is_judged",
    "says_nothing",
    "table",
    "figure",
    "citation",
)
GIVEN = ("results", "inspection", "findings", "judgements", "period", "commit", "question")


class Teller:
    """The sections of one report, told from its results. It computes nothing."""

    def __init__(self, results: Results, inspection: Inspection, own: Path | None = None, commit: str = ""):
        self.results = results
        self._texts = Texts(LANGUAGE, own, FILTERS, {name: getattr(self, name) for name in FUNCTIONS})
        self._to_link = {term.id: term.pattern for term in GLOSSARY}
        self._context: dict[str, Any] = NAMES | {
            "results": results,
            "inspection": inspection,
            "findings": inspection.findings,
            "judgements": results.details.judgements,
            "period": wording.period(results.audit_period["start"], results.audit_period["end"]),
            "commit": commit,
        }

    def estimate(self, key: str) -> EstimateResult | None:
        """The estimate with this id; None where it could not be made."""
        return self.results.estimate(key)

    def share(self, key: str) -> Share | None:
        """The "x of n" with this id; None where it was not inspected."""
        return self.results.share(key)

    def shares(self, prefix: str) -> dict[str, Share]:
        """All "x of n" whose ids begin so, by the rest of their ids."""
        return {key.removeprefix(prefix): s for key, s in self.results.shares.items() if key.startswith(prefix)}

    def tally(self, key: str) -> Tally | None:
        """The counts by category with this id."""
        return self.results.tallies.get(key)

    def judged(self, key: str) -> Any:
        """The judgement of an element, a question, or overall."""
        return judgements.judged(self.results, key)

    def is_judged(self, measure: str) -> bool:
        """Whether an element was graded by this measure."""
        found = self.results.details.judgements
        return any(entry.measure == measure and entry.status == "judged" for entry in (found.elements if found else ()))

    def says_nothing(self, column: str) -> bool:
        """Whether a column of the audited crimes holds stand-ins only."""
        return column in self.results.records.get("says_nothing", ())

    def table(self, identity: str) -> str:
        """A table; empty where there is nothing to show."""
        return index.table_markdown(self.results, identity)

    def figure(self, identity: str) -> str:
        """A figure; empty where there is nothing to show."""
        return index.figure_markdown(self.results, identity)

    def citation(self) -> str:
        """How to cite the report."""
        return metadata.citation(self.results)

    def text(self, section: str, **names: Any) -> str:
        """A section as Markdown."""
        return self._texts.tell(section, self._context | names)

    def tell(self, section: str, **names: Any) -> None:
        """Show a section. Each term of the glossary is a link to it where it is first used in running text."""
        say("\n".join(self._linked(line) for line in self.text(section, **names).split("\n")))

    def _linked(self, line: str) -> str:
        if re.match(r"[#|:!]", line) or re.search(r"[{`\]]", line):  # heading, table, block, badge, code or link
            return line
        for term, pattern in list(self._to_link.items()):
            # Not inside a link that another term has just got.
            link = rf"[\g<0>](#{term})"
            line, found = re.subn(rf"\b(?:{pattern})\b(?![^\[]*\])", link, line, count=1)
            if found:
                del self._to_link[term]
        return line


def chapters(criteria: Criteria) -> list[tuple[str, str | None]]:
    """The sections of a report by these criteria, in their order; each question begins with `QUESTION` and its id."""
    order = yaml.safe_load((TEXTS / "chapters.yml").read_text(encoding="utf-8"))
    measures = {  # of each question
        id_: {e.estimate or e.share or "assessment" for e in criteria.elements.values() if e.question == id_}
        for id_ in criteria.questions
    }
    here = next(iter(criteria.questions))
    under: dict[str, list[str]] = {id_: [] for id_ in criteria.questions}
    for section, told in order["questions"].items():
        here = next((id_ for id_, judged in measures.items() if _matches(judged, told)), here)
        under[here].append(section)
    found: list[tuple[str, str | None]] = [(section, None) for section in order["first"]]
    for question, sections in under.items():
        found += [(QUESTION, question), *((section, None) for section in sections)]
    return [*found, *((section, None) for section in order["last"])]


def title_of(section: str) -> str:
    """A section's name as a heading."""
    return section.strip("_").replace("_", " ").capitalize()


def _matches(measures: Iterable[str], patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(measure, pattern) for measure in measures for pattern in patterns)


def check_texts(criteria: Criteria, own: Path | None) -> list[Problem]:
    """What is wrong with the texts of a report by these criteria; before any notebook runs."""
    texts = Texts(LANGUAGE, own, FILTERS, dict.fromkeys(FUNCTIONS))
    known = {"table": list(index.TABLES), "figure": list(index.FIGURES)}
    models: dict[str, type[BaseModel]] = {"results": Results, "inspection": Inspection}
    return texts.check([section for section, _ in chapters(criteria)], [*NAMES, *GIVEN], known, models)
