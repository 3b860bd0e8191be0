"""The glossary of the report."""

from __future__ import annotations

from dataclasses import dataclass

from cdi_lib.inspection.folders import slug
from cdi_lib.inspection.results import Results
from cdi_lib.report import tables, wording
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


GLOSSARY = (
    Term("Audited crime", r"[Aa]udited crimes?", "A crime that the audit found should have been recorded."),
    Term(
        "Recording rate",
        r"[Rr]ecording rates?",
        "Audited crimes that the force had recorded, divided by all audited crimes.",
    ),
    Term(
        "Confidence interval (CI)",
        r"[Cc]onfidence intervals?",
        "A range made so that, over many repetitions of the audit, the stated share of such ranges holds the true value. "
        "It covers sampling only.",
    ),
    Term("Unrecorded", r"[Uu]nrecorded", "Reported to the force, due to be recorded, and not recorded."),
    Term(
        "Crime type",
        r"[Cc]rime types?|[Tt]ypes? of crime",
        "Violence against the person, sexual offences (rape is a part of them) or other crime, fraud left out.",
    ),
    Term("Main sample", r"[Mm]ain sample", "Incidents drawn at random; the only source of rates."),
    Term(
        "Dip sample",
        r"[Dd]ip samples?",
        "Records chosen to look closely at one matter. They do not stand for all records, so no rate is estimated from them.",
    ),
    Term(
        "Auditable route",
        r"[Aa]uditable routes?",
        "Reported through a control room or directly to a crime-recording centre, so that auditors can follow the report.",
    ),
    Term(
        "Domestic abuse",
        r"[Dd]omestic abuse",
        "A part of the sample that cuts across the crime types, estimated as a domain.",
    ),
    Term(
        "N100",
        r"N100",
        "Classification of a reported rape or attempted rape that is not at once recorded as a confirmed crime.",
    ),
    Term(
        "FCIR",
        r"FCIR|[Ff]orce crime and incident registrar",
        "Force crime and incident registrar, who among other things decides about cancelling a recorded rape.",
    ),
    Term(
        "DDM",
        r"DDMs?|[Dd]esignated decision makers?",
        "Designated decision maker, who decides about cancelling other recorded crimes.",
    ),
    Term("HOCR", r"HOCR|[Cc]ounting rules", "Home Office Counting Rules: what to record, and how to count it."),
    Term(
        "NCRS",
        r"NCRS|[Nn]ational (crime recording )?standard",
        "National Crime Recording Standard: when a report must be recorded as a crime.",
    ),
    Term(
        "Principal crime rule",
        r"[Pp]rincipal crime rule",
        "Of several crimes by one offender against one victim only the most serious is recorded. There are exceptions, such "
        "as stalking, harassment and coercive control, and not knowing them is a common cause of missed crimes.",
    ),
    Term(
        "Victims' code",
        r"[Cc]ode of practice for victims( of crime)?|[Vv]ictims[’'] code",
        "Code of practice for victims of crime: the services that victims are entitled to.",
    ),
)


def glossary(results: Results) -> Table:
    """Every term, with the anchor that its first use in the text links to."""
    rows = [{"code": term.id, "term": term.name, "meaning": term.meaning} for term in GLOSSARY]
    anchors = {term.name: term.id for term in GLOSSARY}
    anchored = Column("term", "Term", lambda name: f"[{wording.plain(name)}]{{#{anchors[name]}}}")
    return Table((anchored, tables.text("meaning", "Meaning")), rows)
