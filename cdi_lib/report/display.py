"""How the notebooks show what they compute: plain Markdown tables and sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from IPython.display import display
from pydantic import BaseModel

from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.programme import Requirement
from cdi_lib.inspection.results import EstimateResult, Results, Share, Tally
from cdi_lib.report import index, labels, narrative, wording
from cdi_lib.report.sections.figures import seen
from cdi_lib.report.sections.glossary import GLOSSARY
from cdi_lib.report.sections.judgements import judged


def say(text: str) -> None:
    """Show Markdown; an empty text shows nothing."""
    if text.strip():
        # Only Markdown, no plain-text twin: it is what both rendering engines read.
        display({"text/markdown": text}, raw=True)


def about_records(inspection: Inspection) -> str:
    """Which force and period this is, and what kind of records; reconstructed records are called so."""
    period = wording.period(inspection.audit_period.start, inspection.audit_period.end)
    text = f"**{wording.plain(inspection.force.name)}**, audit period {period}."
    if inspection.records.status != "audit":
        note = wording.plain(inspection.records.note or "")
        text += f"\n\n**Records: {inspection.records.status}.** {note}"
    return text


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    lines = [header, ["---"] * len(header), *body]
    say("\n".join("| " + " | ".join(line) + " |" for line in lines))


def rows(data: Sequence[Mapping[str, Any] | BaseModel], otherwise: str = "Nothing to show.") -> None:
    """Show a list of records as a table, numbers to four digits after the point."""
    records = [dict(row) for row in data]
    if records:
        _table(list(records[0]), [[_shown(value) for value in record.values()] for record in records])
    else:
        say(otherwise)


def columns(
    data: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str | Callable[[Mapping[str, Any]], Any]],
    otherwise: str = "Nothing to show.",
) -> None:
    """:func:`rows` with some columns under titles of their own: each a key, or made of the record."""
    value = lambda record, of: record[of] if isinstance(of, str) else of(record)
    rows([{title: value(record, of) for title, of in titles.items()} for record in data], otherwise)


def _shown(value: Any) -> str:
    if value is None:
        return "not applicable"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4f}"
    return f"{value:,}" if isinstance(value, int) else wording.plain(str(value))


def estimates(found: Mapping[str, EstimateResult]) -> None:
    """Show estimates with interval, n, N and method."""
    body = []
    for key, item in found.items():
        places = 1 if item.unit == "crimes" else 4
        ends = ["open" if end is None else wording.rounded(end, places) for end in (item.low, item.high)]
        population = "not applicable" if item.population is None else wording.count(item.population)
        how = f"{wording.plain(item.estimator)}, {item.interval}"
        what = wording.plain(labels.of_estimate(key))
        value = wording.rounded(item.value, places)
        body.append([f"`{key}`", what, value, *ends, wording.count(item.n), population, how])
    _table(["id", "what", "estimate", "interval from", "to", "n", "N", "method"], body)


def shares(found: Mapping[str, Share]) -> None:
    """Show "x of y" results."""
    _table(
        ["id", "what", "x", "of n", "from"],
        [
            [f"`{k}`", wording.plain(labels.of_share(k)), wording.count(s.x), wording.count(s.n), s.sample]
            for k, s in found.items()
        ],
    )


def tally(key: str, found: Tally) -> None:
    """Show counts by category."""
    if found.counts:
        _table(
            [wording.plain(labels.of_tally(key)), "n"],
            [[wording.plain(name), wording.count(n)] for name, n in found.counts.items()],
        )


class Reader:
    """What the report notebook shows from results: text, tables, figures, grades and large numbers. It computes nothing."""

    def __init__(self, results: Results):
        self.results = results
        self._to_link = {term.id: term.pattern for term in GLOSSARY}

    def say(self, text: str) -> None:
        """Show Markdown; each term of the glossary is a link to it where it is first used in running text."""
        say("\n".join(self._linked(line) for line in text.split("\n")))

    def _linked(self, line: str) -> str:
        if re.match(r"[#|:!]", line) or re.search(r"[{`\]]", line):
            return line  # a heading, table or block; or with a badge, code or link
        for term, pattern in list(self._to_link.items()):
            # Not inside a link that another term has just got.
            linked, found = re.subn(rf"\b({pattern})\b(?![^\[]*\])", rf"[\1](#{term})", line, count=1)
            if found:
                del self._to_link[term]
                line = linked
        return line

    def show(self, *identities: str) -> None:
        """Show tables and figures of the index; one without content is left out (the text says so in words)."""
        for identity in identities:
            make = index.figure_markdown if identity.startswith("fig-") else index.table_markdown
            say(make(self.results, identity))

    def tile(self, key: str, words: str) -> str:
        """A recording rate as a large number with its interval in words; empty where there is no rate."""
        rate = self.results.estimate(key)
        if rate is None:
            return ""
        return f"::: {{.headline}}\n[{wording.percent(rate.value)}]{{.number}} {words} ({narrative.interval_words(rate)})\n:::"

    def headlines(self) -> str:
        """The overall rate and the yearly number of unrecorded crimes, side by side."""
        unrecorded = self.results.estimate("unrecorded_overall")
        tiles = [self.tile("overall", "of reported crime is recorded")]
        if unrecorded is not None:
            number, interval = (wording.capital(wording.over(unrecorded.value)), narrative.interval_words(unrecorded))
            words = (
                f"reported crimes a year are not recorded ({interval})"
                if unrecorded.value > 0
                else f"of the audited crimes went unrecorded (in a year, {interval})"
            )
            tiles.append(f"::: {{.headline}}\n[{number}]{{.number}} {words}\n:::")
        return ":::: {.headlines}\n" + "\n\n".join(tiles) + "\n::::"

    def grade(self, key: str) -> str:
        """A grade as a badge, with the computed one beside it where inspectors decided otherwise."""
        entry = judged(self.results, key)
        if entry.decided == "not judged":
            return "Not judged: too few elements were inspected."
        text = f"Graded {wording.badge(entry.decided)}"
        if entry.reason:
            by_criteria = (
                "Too little was inspected to grade it by the criteria."
                if entry.computed == "not judged"
                else "By the criteria the grade would be the same."
                if entry.computed == entry.decided
                else f"By the criteria the grade would be {wording.plain(entry.computed)}."
            )
            text += (
                f"\n\n{by_criteria} It was set by: {wording.plain(entry.role or '')}, because: "
                f"{wording.sentence(wording.plain(entry.reason))}"
            )
        return text

    def question(self, key: str) -> str:
        """A question as a heading."""
        return wording.plain(judged(self.results, key).label)

    def chapters(self, sections: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Which sections stand under which question of the framework, both in their order.

        ``sections`` has the measures (ids of results) that each section tells of. It belongs to the question that is judged
        by one of them. A section that is judged nowhere follows the one before it.
        """
        judgements = self.results.details.judgements
        questions = [question.id for question in judgements.questions]
        found: dict[str, list[str]] = {question: [] for question in questions}
        here = questions[0]
        for name, measures in sections.items():
            judged_in = [e.question for e in judgements.elements if e.measure in measures]
            here = judged_in[0] if judged_in else here
            found[here].append(name)
        return found

    def question_certainty(self, key: str) -> str:
        """How sure the grade of a question is, in words; empty where chance does not move it."""
        certainty = self.results.details.certainty.get(key)
        chances = judged(self.results, key).probabilities
        if certainty is None or chances is None:
            return ""
        named = [f"{grade} ({wording.chance(chances[grade])})" for grade in certainty.likely]
        if len(named) < 2:
            return ""
        return (
            f"**How sure is the grade?** In simulated audits it comes out as {wording.in_words(named)}; this counts chance in "
            "drawing the main sample only (@tbl-probabilities)."
        )

    def certainty(self) -> str:
        """How sure the overall grade is, in words."""
        entry, found = judged(self.results, "overall"), self.results.details.certainty.get("overall")
        if found is None:
            return ""
        chances = {grade: wording.chance(share) for grade, share in (entry.probabilities or {}).items()}
        text = f"::: {{.box .box-note}}\n**How sure is the grade?** {seen(self.results)} is what we see"
        text += f" ({chances[entry.computed]} of simulated audits)"
        if found.not_ruled_out:
            parts = [f"{grade} ({chances[grade]})" for grade in found.not_ruled_out]
            text += f"; {wording.in_words(parts)} cannot be ruled out"
        return (
            f"{text}. This counts chance in drawing the main sample only, not how well the criteria or the assessments fit "
            "(@tbl-probabilities).\n:::"
        )

    def criteria(self) -> str:
        """The framework: name, version, note, and how elements make a question's grade."""
        found = self.results.details.judgements
        framework = found.framework
        rules = "\n".join(self._rules(key, rules) for key, rules in found.rules.items())
        return (
            f"The grades follow the framework {wording.plain(framework.title)} (`{framework.name}`, version "
            f"{wording.plain(framework.version)}, of {wording.day(framework.date)}). {wording.plain(framework.note)}\n\n"
            "Each element is graded by its bands; what would have changed its grade stands in @tbl-elements. A question gets "
            f"the best grade whose rule its elements meet, but never one that none of them reaches:\n\n{rules}"
        )

    def _rules(self, key: str, rules: Mapping[str, Requirement]) -> str:
        name = "The overall grade, from the questions:" if key == "overall" else self.question(key)
        steps = [f"*{wording.capital(grade)}*: {wording.plain(rule.sentence)}" for grade, rule in rules.items()]
        return f"- **{name}** {' '.join(steps)} Otherwise: {self.results.details.judgements.scale[-1]}."

    def back_test(self) -> str:
        """Whether the published figures, where there are any, are reproduced."""
        rows, counts = self.results.details.published, self.results.details.back_test
        if not rows:
            return "No published figures were given to compare with."
        text = (
            f"{wording.count(counts.reproduced)} of {wording.count(counts.compared)} published figures are "
            "reproduced (@tbl-published)."
            if counts.compared
            else "The published grades stand in @tbl-published."
        )
        for row in rows:
            if row.reproduced in ("no", "not computed"):
                text += (
                    f" Not reproduced: {wording.plain(row.figure)}, published as {wording.plain(row.published)} and computed "
                    f"here as {wording.plain(row.computed or 'no figure')}."
                )
        if counts.other_criteria:
            text += (
                f" {wording.capital(wording.plural(counts.other_criteria, 'published grade'))} "
                f"{'was' if counts.other_criteria == 1 else 'were'} given by other criteria than the later ones that this "
                "report follows, and not compared."
            )
        return text

    def reproduce(self, commit: str) -> str:
        """How to make this report again."""
        made = f"from commit `{commit}` of the project" if commit else "outside version control"
        return (
            f"This report was made {made} by `make report FORCE={self.results.force}` from the files listed in @tbl-inputs, and the "
            "same files give the same report. Beside it stand `results.json` with all results unrounded, one CSV file for each "
            "table, and the notebooks that computed them."
        )

    def approvals(self) -> str:
        """Who approved this version, and when."""
        publication = self.results.publication
        version, found = wording.plain(publication["version"]), publication["approvals"]
        if not found:
            return f"No approval of version {version} is recorded."
        parts = [f"{wording.plain(a['role'])} on {wording.day(a['date'])}" for a in found]
        return f"Version {version} was approved by {wording.in_words(parts)}."
