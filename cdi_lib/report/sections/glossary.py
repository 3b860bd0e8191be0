"""The glossary of the report."""

from __future__ import annotations

from dataclasses import dataclass

from cdi_lib.inspection.folders import slug
from cdi_lib.inspection.results import Results
from cdi_lib.report import tables, wording
from cdi_lib.report.labels import book
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


GLOSSARY = tuple(Term(**term) for term in book("glossary")["terms"])


def glossary(results: Results) -> Table:
    """Every term, with the anchor that its first use in the text links to."""
    rows = [{"code": term.id, "term": term.name, "meaning": term.meaning} for term in GLOSSARY]
    anchors = {term.name: term.id for term in GLOSSARY}
    anchored = Column("term", "Term", lambda name: f"[{wording.plain(name)}]{{#{anchors[name]}}}")
    return Table((anchored, tables.text("meaning", "Meaning")), rows)
