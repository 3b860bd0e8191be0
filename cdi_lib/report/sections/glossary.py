"""The glossary of the report."""

import re
from dataclasses import dataclass

from cdi_lib.inspection.folders import slug
from cdi_lib.inspection.results import Results
from cdi_lib.report import wording
from cdi_lib.report.labels import book, filled, lower_first, said
from cdi_lib.report.tables import Column, Table


@dataclass(frozen=True)
class Term:
    """A term of the glossary: its name, how it is found in a text (a pattern), and what it means here."""

    name: str
    pattern: str
    meaning: str

    @property
    def id(self) -> str:
        """The anchor of the term in the report."""
        return f"term-{slug(self.name)}"


def terms(results: Results) -> list[Term]:
    """The terms, in the sense of the programme and of the rule of recording that held; its samples that are terms last."""
    told = results.told
    types = [crime_type.meaning or lower_first(crime_type.label) for crime_type in told.crime_types.values()]
    named = {"crime_types": wording.capital(wording.in_words(types, "or"))}
    named["principal_crime"] = results.details.recording_rule.principal_crime
    for rule in results.details.later_rules:
        then = {"day": wording.day(rule.since), "hours": rule.limit_hours, "rule": rule.principal_crime}
        named["principal_crime"] += " " + said("glossary.since", **then)
    there = {
        *told.chapters.questions,
        *told.shares,
        *told.estimates,
        *(part for part in ("samples", "cancellations") if getattr(told, part)),
    }
    asked = [t for t in book("glossary")["terms"] if there.intersection(t.get("with", there)) or "with" not in t]
    found = [Term(t["name"], t["pattern"], filled("glossary", t["name"], t["meaning"], **named)) for t in asked]
    samples = [sample for sample in told.samples.values() if sample.meaning]
    return found + [Term(sample.label, re.escape(sample.many), str(sample.meaning)) for sample in samples]


def glossary(results: Results) -> Table:
    """Every term, with the anchor that its first use in the text links to."""
    found = terms(results)
    rows = [{"code": term.id, "term": term.name, "meaning": term.meaning} for term in found]
    anchors = {term.name: term.id for term in found}
    anchored = Column("term", said("tables.term"), lambda name: f"[{wording.plain(name)}]{{#{anchors[name]}}}")
    return Table((anchored, Column("meaning", said("tables.meaning"))), rows)
