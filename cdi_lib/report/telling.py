"""Tells the results of an inspection in the words of ``reports/text``: what a text may ask for, and the order of the sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import Problem
from cdi_lib.inspection.programme import Programme
from cdi_lib.inspection.results import EstimateResult, Results, Share, Tally
from cdi_lib.report import index, labels, metadata, wording
from cdi_lib.report.display import say
from cdi_lib.report.texts import Texts

# How a text prints what it asks for. Everything that rounds is in `wording`.
FILTERS = {
    "about": wording.about,
    "badge": wording.badge,
    "between": wording.between,
    "capital": wording.capital,
    "chance": wording.chance,
    "count": wording.count,
    "day": wording.day,
    "decimals": wording.rounded,
    "in_words": wording.in_words,
    "interval_name": labels.INTERVAL_NAMES.__getitem__,
    "level": wording.level,
    "lower_first": wording.lower_first,
    "number_word": wording.number_word,
    "of": wording.of,
    "over": wording.over,
    "paragraphs": wording.paragraphs,
    "percent": wording.percent,
    "percent_confidence": wording.percent_confidence,
    "plain": wording.plain,
    "plural": wording.plural,
    "plus_minus": wording.plus_minus,
    "points": wording.points,
    "points_list": wording.points_list,
    "records_name": labels.RECORDS.__getitem__,
    "sentence": wording.sentence,
    "trimmed": wording.trimmed,
    "with_article": wording.with_article,
    "without_stop": wording.without_stop,
}
# What a text is given by name, beside the functions of `Teller`.
NAMES = {"results": Results, "inspection": Inspection, "programme": Programme}
FUNCTIONS = ("estimate", "share", "shares", "tally", "judged", "is_judged", "says_nothing", "table", "figure")
OTHERS = ("findings", "judgements", "period", "commit", "citation", "question")


class Teller:
    """The sections of one report, told from its results. It computes nothing."""

    def __init__(
        self,
        results: Results,
        inspection: Inspection,
        programme: Programme,
        own: Path | None,
        commit: str = "",
    ):
        self.results, self.inspection, self.programme = results, inspection, programme
        functions = {name: getattr(self, name) for name in FUNCTIONS}
        self._texts = Texts(inspection.publication.language, own, FILTERS, functions)
        self._to_link = {term.id: term.pattern for term in index.glossary(programme)}
        period = inspection.audit_period
        self._context: dict[str, Any] = {
            "results": results,
            "inspection": inspection,
            "programme": programme,
            "findings": inspection.findings,
            "judgements": results.details.judgements,
            "period": wording.period(period.start, period.end),
            "commit": commit,
            "citation": metadata.citation(results),
        }

    # --- what a text may ask for ---------------------------------------------------------------------------------

    def estimate(self, key: str) -> EstimateResult | None:
        """The estimate with this id; None where it could not be made."""
        return self.results.estimate(key)

    def share(self, key: str) -> Share | None:
        """The "x of n" with this id; None where it was not inspected."""
        return self.results.share(key)

    def shares(self, prefix: str) -> dict[str, Share]:
        """All "x of n" whose ids begin so, by what follows."""
        return {
            key[len(prefix) :]: share for key, share in self.results.shares.items() if key.startswith(prefix)
        }

    def tally(self, key: str) -> Tally | None:
        """The counts by category with this id."""
        return self.results.tallies.get(key)

    def judged(self, key: str) -> Any:
        """What was judged of an element, a question, or overall."""
        return index.judged(self.results, key)

    def is_judged(self, measure: str) -> bool:
        """Whether an element was graded by this measure."""
        elements = self.results.details.judgements["elements"]
        return any(entry["measure"] == measure and entry["status"] == "judged" for entry in elements)

    def says_nothing(self, column: str) -> bool:
        """Whether a column of the audited crimes holds stand-ins only."""
        return column in self.results.records.get("says_nothing", ())

    def table(self, identity: str) -> str:
        """A table; nothing where there is nothing to show."""
        return index.table_markdown(self.results, identity)

    def figure(self, identity: str) -> str:
        """A figure; nothing where there is nothing to show."""
        return index.figure_markdown(self.results, identity)

    # --- telling -------------------------------------------------------------------------------------------------

    def tell(self, section: str, **names: Any) -> None:
        """Show a section. Each term of the glossary is a link to it where it is first used in running text."""
        text = self._texts.tell(section, self._context | names)
        say("\n".join(self._linked(line) for line in text.split("\n")))

    def _linked(self, line: str) -> str:
        # A heading, table, picture, block, badge, code or link stays as it is.
        if re.match(r"[#|:!]", line) or re.search(r"[{`\]]", line):
            return line
        for term, pattern in list(self._to_link.items()):
            link = rf"[\g<0>](#{term})"
            # Not inside a link that another term has just got.
            line, found = re.subn(rf"\b(?:{pattern})\b(?![^\[]*\])", link, line, count=1)
            if found:
                del self._to_link[term]
        return line


def check_texts(inspection: Inspection, programme: Programme, own: Path | None) -> list[Problem]:
    """What is wrong with the texts that a report of this programme is told in; before any notebook runs."""
    texts = Texts(inspection.publication.language, own, FILTERS, dict.fromkeys(FUNCTIONS))
    sections = [section for chapter in programme.chapters for section in chapter.sections]
    known: Mapping[str, Any] = {
        "table": index.tables(programme),
        "figure": index.FIGURES,
        "estimate": programme.estimate_ids(),
        "share": programme.share_ids(),
    }
    return texts.check([*sections, "_question"], [*NAMES, *OTHERS], known, NAMES)
