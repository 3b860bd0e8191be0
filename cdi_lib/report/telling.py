"""Tells the results of an inspection in the words of ``reports/text``: what a text may ask for, and in what order."""

import fnmatch
import re
from collections.abc import Iterable
from functools import partial
from inspect import getmembers, isfunction
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from cdi_lib.inspection.parameters import Findings, Inspection
from cdi_lib.inspection.problems import Problem
from cdi_lib.inspection.programme import OVERALL, WHOLE, Programme, Told
from cdi_lib.inspection.results import EstimateResult, Results, Share, Tally, read_results
from cdi_lib.report import index, labels, metadata, wording
from cdi_lib.report.changes import changes
from cdi_lib.report.display import say
from cdi_lib.report.sections import judgements
from cdi_lib.report.sections.glossary import terms
from cdi_lib.report.texts import Texts

QUESTION = "_question"  # the text with which the chapter of a question begins
# How a text prints what it asks for: every function of `wording`, which rounds, and some names.
FILTERS: dict[str, Any] = {
    name: function for name, function in getmembers(wording, isfunction) if function.__module__ == wording.__name__
}
FILTERS |= {"interval_name": partial(labels.word, "intervals"), "records_name": partial(labels.word, "records")}
FILTERS |= {"class_name": labels.class_name, "lower_first": labels.lower_first, "rule_words": judgements.rule_words}
NAMES = ("crime_types", "crime_nouns", "routes", "cancellations", "sample_nouns")  # words of the programme
FUNCTIONS = (
    *("estimate", "share", "shares", "tally", "judged", "is_judged", "says_nothing", "is_assumed", "table", "figure"),
    *("is_withheld", "citation"),
)
GIVEN = (
    *("results", "inspection", "findings", "judgements", "period", "commit", "question", "dropped", "licences"),
    "corrected",
)


class Teller:
    """The sections of one report, told from its results. It computes nothing."""

    def __init__(
        self, results: Results, inspection: Inspection, own: Path | None = None, commit: str = "",
        corrects: Path | str = "",
    ):  # fmt: skip
        self.results = results
        self._texts = Texts(labels.language(), own, FILTERS, {name: getattr(self, name) for name in FUNCTIONS})
        self._asked: set[str] = set()  # results that the sentences of a section have asked for
        self._shown: list[str] = []  # tables whose data a section shows
        self._charted: set[str] = set()  # of these, the tables whose numbers a chart shows
        self._told: set[str] = set()
        self._dropped = dropped(results, inspection)
        self._to_link = {term.id: term.pattern for term in terms(results)}
        told = results.told
        sections = [*Findings.model_fields, *(section for section, _ in chapters(inspection.programme))]
        self._context: dict[str, Any] = {
            **_words(told),
            "results": results,
            "inspection": inspection,
            "findings": {section: inspection.findings.of(section) for section in sections},
            "judgements": results.details.judgements,
            "period": wording.period(results.audit_period["start"], results.audit_period["end"]),
            "commit": commit,
            "corrected": corrected(results, Path(corrects)) if corrects else None,
            "licences": metadata.licences(inspection.publication.rights),
            "dropped": [self._heading(section) for section in self._dropped],
        }

    def _heading(self, section: str) -> str:
        """The heading of a section within a sentence, or its name where the heading is worked out."""
        path = self._texts.path(section)
        first = path.read_text(encoding="utf-8").partition("\n")[0] if path else ""
        name = first.lstrip("# ") if first.startswith("#") and "{" not in first else title_of(section)
        return name if name[1:2].isdigit() else labels.lower_first(name)

    def estimate(self, key: str) -> EstimateResult | None:
        """The estimate with this id; None where it could not be made."""
        self._asked.add(f"estimates.{key}")
        return self.results.estimate(key)

    def share(self, key: str) -> Share | None:
        """The "x of n" with this id; None where it was not inspected."""
        self._asked.add(f"shares.{key}")
        return self.results.share(key)

    def shares(self, prefix: str) -> dict[str, Share]:
        """All "x of n" whose ids begin so, by the rest of their ids."""
        self._asked.update(f"shares.{key}" for key in self.results.shares if key.startswith(prefix))
        return {key.removeprefix(prefix): s for key, s in self.results.shares.items() if key.startswith(prefix)}

    def tally(self, key: str) -> Tally | None:
        """The counts by category with this id."""
        self._asked.add(f"tallies.{key}")
        return self.results.tallies.get(key)

    def judged(self, key: str) -> Any:
        """The judgement of an element, a question, or overall."""
        return judgements.judged(self.results, key)

    def is_withheld(self, key: str) -> bool:
        """Whether the "x of n" with this id is not told because its numbers are too small."""
        held = self.results.details.disclosure
        return held is not None and key in held.withheld

    def is_judged(self, measure: str) -> bool:
        """Whether an element was graded by this measure."""
        found = self.results.details.judgements
        return any(entry.measure == measure and entry.status == "judged" for entry in (found.elements if found else ()))

    def says_nothing(self, column: str) -> bool:
        """Whether a column of the audited crimes holds stand-ins only."""
        return column in self.results.records.get("says_nothing", ())

    def is_assumed(self, key: str) -> bool:
        """Whether the result with this id (``estimates.overall``) was assumed; with ``_`` at the end any that begins so."""
        known = self.results.details.provenance
        return any(known[one] == "assumed" for one in known if one == key or (key[-1] == "_" and one.startswith(key)))

    def table(self, identity: str) -> str:
        """A table; empty where there is nothing to show."""
        text = index.table_markdown(self.results, identity, folded=identity in self._charted)
        self._shown += [identity] if text else []
        return text

    def figure(self, identity: str) -> str:
        """A figure; empty where there is nothing to show."""
        text, table = index.figure_markdown(self.results, identity), index.FIGURES[identity].table
        self._charted |= {table} if text else set()
        self._shown += [table] if text else []
        return text

    def citation(self) -> str:
        """How to cite the report."""
        return metadata.citation(self.results)

    def text(self, section: str, **names: Any) -> str:
        """A section as Markdown, with what in its sentences was assumed; empty where nothing was carried over of it."""
        if section in self._dropped:
            return ""
        self._asked.clear()
        self._shown.clear()
        self._charted.clear()
        text = self._texts.tell(section, self._context | names)
        named = {key for table in self._shown for key in index.assumed_in(self.results, table)}
        known = self.results.marked(key for key in self.results.details.provenance if key in self._asked)
        asked = [key for key in known if key not in named | self._told]
        self._told |= {key for key in (*asked, *named) if key.endswith(".interval")}  # which are named once
        assumed = index.mark(self.results, asked) if self.results.records.get("status") == "reconstruction" else ""
        data = index.sources(self.results, dict.fromkeys(self._shown))
        text += f"\n\n::: {{.source}}\n{wording.plain(assumed)}\n:::" if assumed else ""
        return text + (f"\n\n::: {{.data}}\n{data}\n:::" if data else "")

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


def _words(told: Told) -> dict[str, dict[str, Any]]:
    """The words of a programme that texts may ask for, see `NAMES`."""
    return {
        "crime_types": _plain(labels.crime_types(told)),
        "crime_nouns": _plain(labels.nouns(told)),
        "routes": _plain(told.routes),
        "cancellations": _plain({name: labels.lower_first(label) for name, label in told.cancellations.items()}),
        "sample_nouns": _plain(labels.sample_nouns(told)),
    }


def _plain(names: dict[str, Any]) -> dict[str, Any]:
    """Words of a programme, or lists of them, with nothing in them that Markdown would take for its own."""
    return {id_: wording.plain(n) if isinstance(n, str) else list(map(wording.plain, n)) for id_, n in names.items()}


def corrected(results: Results, earlier: Path) -> dict[str, Any]:
    """What a version corrects: the version before it, its folder, the reasons, and each figure that differs."""
    before, now = read_results(earlier), results.publication["version"]
    return {
        "version": before.publication["version"],
        "folder": f"{earlier.parent.parent.name}/{earlier.parent.name}",
        "reasons": [item for item in results.publication["corrections"] if item["version"] == now],
        "changes": [change.text for change in changes(before, results) if change.figure],
    }


def chapters(programme: Programme) -> list[tuple[str, str | None]]:
    """The sections of a report by a programme, in their order; each question begins with `QUESTION` and its id."""
    order = programme.chapters
    measures = {  # of each question, and itself
        id_: {id_, *(programme.elements[element].measure for element in programme.elements_of(id_))}
        for id_ in programme.questions
    }
    here = next(iter(programme.questions))
    under: dict[str, list[str]] = {id_: [] for id_ in programme.questions}
    for section, told in order.questions.items():
        here = next((id_ for id_, judged in measures.items() if _matches(judged, told)), here)
        under[here].append(section)
    found: list[tuple[str, str | None]] = [(section, None) for section in order.first]
    for question, sections in under.items():
        found += [(QUESTION, question), *((section, None) for section in sections)]
    return [*found, *((section, None) for section in order.last)]


def dropped(results: Results, inspection: Inspection) -> list[str]:
    """Sections of a reconstruction of which nothing was carried over from the published report."""
    if inspection.records.status != "reconstruction":
        return []
    findings = inspection.findings
    found = [*results.estimates, *results.shares, *(["assessment"] if results.details.assessments else [])]
    written = {
        "areas_for_improvement": bool(inspection.areas_for_improvement),
        "conclusion": bool(findings.conclusion or findings.what_next),
        "previous": results.estimate("previous") is not None,
        "victims_code": bool(findings.of("victims_code")),
    }
    order = inspection.programme.chapters
    return [
        *(s for s in order.questions if not written.get(s, True)),
        *(s for s, told in order.questions.items() if told and not _matches(found, told) and not findings.of(s)),
        *(s for s in (*order.first, *order.last) if not written.get(s, True)),
    ]


def title_of(section: str) -> str:
    """A section's name as a heading."""
    return section.strip("_").replace("_", " ").capitalize()


def _matches(measures: Iterable[str], patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(measure, pattern) for measure in measures for pattern in patterns)


def check_texts(programme: Programme, own: Path | None) -> list[Problem]:
    """What is wrong with the texts of a report by a programme; before any notebook runs."""
    texts = Texts(labels.language(), own, FILTERS, dict.fromkeys(FUNCTIONS))
    tables = index.tables_of(programme.told)
    known = {"table": [*tables, *labels.book("tables")], "figure": list(index.FIGURES)}
    models: dict[str, type[BaseModel]] = {"results": Results, "inspection": Inspection}
    models |= {"estimate()": EstimateResult, "share()": Share, "tally()": Tally}
    sections = [section for section, _ in chapters(programme)]
    known |= {name: list(words) for name, words in _words(programme.told).items()}
    known["findings"] = [*Findings.model_fields, *sections]
    found = [
        programme.problem(f"tables.{identity}.title", "nothing", "a title, here or in reports/text/en/tables.yml")
        for identity, output in tables.items()
        if not output.title
    ]
    found += [
        Problem(file, key, "nothing, or a name in braces that it is not given", f"words for: {phrase}")
        for file, key, phrase in labels.lacking()
    ]
    missing = [section for section in sections if texts.path(section) is None]
    for section in missing:  # told with the line of the programme that names it
        expected = f"a file {section}.md in reports/text/{labels.language()}, or in the inspection's own folder text"
        found.append(programme.problem(f"chapters.questions.{section}", f"no text for the section {section}", expected))
    told_of = [section for section in sections if section not in missing]
    return found + texts.check(told_of, [*NAMES, *GIVEN], known, models, _measures(programme))


def _measures(programme: Programme) -> dict[str, list[str]]:
    """The ids of tables and results that functions and shared sentences may be called with."""
    rates = programme.rate_ids()
    missed = [f"unrecorded_{id_}" for id_ in (*WHOLE, *programme.crime_types)]
    of_rates = dict.fromkeys(("rate_sentence", "sureness", "grade_sureness", "tile"), rates)
    return of_rates | {
        "table": list(index.tables_of(programme.told)),
        "estimate": [*rates, *missed, "previous", "change"],
        "share": [*programme.shares, "dip"],
        "found_crimes": list(programme.shares),
        "examined": list(programme.samples),
        "unrecorded_sentence": [OVERALL, *programme.crime_types],
    }
