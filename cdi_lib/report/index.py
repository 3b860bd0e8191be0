"""The index of every table and figure of the report.

Nothing else in the project spells the title or the number of a table or figure. A builder returns None where
there is nothing to show; the report then says so in words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from cdi_lib.inspection.results import Results
from cdi_lib.report import charts, labels, tables, wording
from cdi_lib.report.sections import annex, effectiveness, efficiency, figures, glossary, judgements
from cdi_lib.report.tables import Table

DIP = "Dip samples: no rate is estimated from them."


@dataclass(frozen=True)
class TableOutput:
    """A table of the report: its title, the results that it shows, how it is built, and what is always to be minded.

    ``rests_on`` are ids of results, or how they begin, parted by spaces.
    """

    id: str
    title: str
    rests_on: str
    build: Callable[[Results], Table | None]
    note: str = ""


@dataclass(frozen=True)
class FigureOutput:
    """A figure of the report: the table with its numbers, the results that it shows, its caption, drawing and alt text."""

    id: str
    table: str
    rests_on: str
    title: str
    build: Callable[[Results], Figure | None]
    alt: Callable[[Results], str]


# fmt: off
_TABLES = (
    # grades
    TableOutput("tbl-grades", "Grades", "details.judgements", judgements.grades,
                "By the criteria no grade is given that none of the judged parts reaches."),
    TableOutput("tbl-elements", "The judged elements and their evidence", "details.judgements", judgements.elements),
    TableOutput("tbl-bands", "Bands by which each element is graded", "details.judgements", judgements.bands,
                "The cut-offs are this project's own. A small dip sample may miss a band but the best by as many "
                "records as the criteria allow."),
    TableOutput("tbl-probabilities", "How sure the grades are", "details.judgements", judgements.probabilities,
                "How often each grade comes out when rates vary as their intervals say, that of all crime "
                "together with those of its types. Only chance in the main sample is in it: what rests on "
                "inspectors' findings or on dip samples is taken as it is."),
    # effectiveness
    TableOutput("tbl-rates", "Recording rates by crime type", "estimates.overall", effectiveness.rates,
                "Main sample. CI: confidence interval."),
    TableOutput("tbl-unrecorded", "Reported crimes that go unrecorded in a year", "estimates.unrecorded_",
                effectiveness.unrecorded,
                "Estimates round down, as the published ones did; the ends of the intervals are rounded to the "
                "nearest ten, below a hundred to the nearest crime."),
    TableOutput("tbl-domestic-abuse", "Domestic abuse crimes that were and were not recorded", "shares.domestic_abuse",
                effectiveness.domestic_abuse, "All audited crimes."),
    TableOutput("tbl-domestic-abuse-classes", "Domestic abuse crimes that were not recorded",
                "tallies.domestic_abuse_unrecorded_classes",
                effectiveness.offence_classes("domestic_abuse_unrecorded_classes"), "All audited crimes."),
    TableOutput("tbl-rape", "Reports of rape and use of N100", "shares.rape shares.n100",
                effectiveness.shares(labels.RAPE_AND_N100, "What was examined", "Number that were"),
                "Counts of what was examined. A rate is estimated of rape alone, as a part of the main sample."),
    # efficiency
    TableOutput("tbl-other-systems", "Crimes of vulnerable victims held on other systems",
                "shares.vulnerable shares.third_party", efficiency.dip_samples(labels.OTHER_SYSTEMS), DIP),
    TableOutput("tbl-modern-slavery", "Crimes in reports of modern slavery", "shares.modern_slavery",
                efficiency.dip_samples(labels.MODERN_SLAVERY), DIP),
    TableOutput("tbl-within-24", "Crimes recorded within 24 hours of the report", "shares.within_24",
                efficiency.within_24,
                "Recorded crimes of all samples for which both times are known, each counted once: no estimate "
                "for the force."),
    TableOutput("tbl-cancelled", "Cancelled crimes and victims informed", "shares.cancelled shares.victims_informed",
                effectiveness.shares(labels.REVIEWED, "What was reviewed", "Correct"), DIP),
    TableOutput("tbl-equality", "Characteristics of victims that the force routinely records", "details.equality",
                efficiency.equality),
    TableOutput("tbl-survey", "Answers of officers and staff", "shares.survey", efficiency.survey,
                "The respondents chose to take part and do not stand for the whole workforce."),
    # annex
    TableOutput("tbl-previous", "This inspection and the one before", "estimates.previous", effectiveness.previous),
    TableOutput("tbl-sample", "Main sample and the reported crime that it stands for", "details.sample", annex.sample,
                "N is estimated: recorded crime of the audit period by an auditable route, divided by the "
                "recording rate."),
    TableOutput("tbl-strata", "Strata of the draw and their weights", "details.strata", annex.strata),
    TableOutput("tbl-plan", "Planned and audited sample", "details.plan", annex.plan),
    TableOutput("tbl-estimators", "Overall recording rate by two estimators", "estimates.overall_", annex.estimators),
    TableOutput("tbl-sensitivity", "Overall recording rate under each estimator and interval", "details.sensitivity",
                annex.sensitivity),
    TableOutput("tbl-unrecorded-classes", "Unrecorded crimes of the main sample by offence class",
                "tallies.unrecorded_classes", effectiveness.offence_classes("unrecorded_classes")),
    TableOutput("tbl-published", "Published figures beside the computed ones", "details.published", annex.published),
    TableOutput("tbl-assumptions", "Assumptions and figures taken from elsewhere", "details.assumptions",
                annex.assumptions),
    TableOutput("tbl-assessments", "Assessments by inspectors", "details.assessments", efficiency.assessments),
    TableOutput("tbl-response", "Drawn incidents and what became of them", "details.fieldwork", annex.response),
    TableOutput("tbl-glossary", "Terms and their meaning", "", glossary.glossary),
    TableOutput("tbl-inputs", "Files that the results were computed from", "", annex.inputs),
)
_FIGURES = (
    FigureOutput("fig-grades", "tbl-grades", "details.judgements", "Grades at a glance",
                 figures.grades, figures.grades_alt),
    FigureOutput("fig-rates", "tbl-rates", "estimates.overall", "Recording rates with confidence intervals",
                 figures.rates, figures.rates_alt),
    FigureOutput("fig-certainty", "tbl-probabilities", "details.judgements",
                 "How sure the grades are, given chance in the main sample",
                 figures.certainty, figures.certainty_alt),
    FigureOutput("fig-unrecorded", "tbl-unrecorded", "estimates.unrecorded_",
                 "Crimes that go unrecorded in a year, with confidence intervals",
                 figures.unrecorded, figures.unrecorded_alt),
    FigureOutput("fig-domestic-abuse", "tbl-domestic-abuse-classes", "tallies.domestic_abuse_unrecorded_classes",
                 "Domestic abuse crimes that were not recorded, by offence class",
                 figures.domestic_abuse, figures.domestic_abuse_alt),
    FigureOutput("fig-previous", "tbl-previous", "estimates.previous",
                 "Recording rate of the previous inspection and of this one",
                 figures.two_inspections, figures.two_inspections_alt),
    FigureOutput("fig-within-24", "tbl-within-24", "shares.within_24",
                 "Recorded crimes by whether they were recorded within 24 hours",
                 figures.within_24, figures.shares_alt(labels.WITHIN_24, "crimes recorded within 24 hours")),
    FigureOutput("fig-cancelled", "tbl-cancelled", "shares.cancelled",
                 "Cancelled crimes by whether cancelling was correct",
                 figures.cancelled, figures.shares_alt(labels.CANCELLED, "correct cancellations")),
)
# fmt: on
TABLES = {table.id: table for table in _TABLES}
FIGURES = {figure.id: figure for figure in _FIGURES}


def computed_in(results: Results, rests_on: str) -> tuple[str, int | None]:
    """Notebook and cell (its execution count) that computed what an output rests on; ("", None) if nobody did."""
    known = [f"{kind}.{name}" for kind in ("estimates", "shares", "tallies", "details") for name in results.shelf(kind)]
    found = next((key for start in rests_on.split() for key in known if key.startswith(start)), None)
    return results.evidence(found) if found else ("", None)


def note_of(output: TableOutput, table: Table) -> str:
    """What is to be minded with a table, always and with these rows."""
    return " ".join(note for note in (output.note, table.note) if note)


def table_markdown(results: Results, identity: str) -> str:
    """A table of the index as Markdown, or an empty string where there is nothing to show."""
    output = TABLES[identity]
    table = output.build(results)
    if table is None:
        return ""
    return tables.to_markdown(table, identity, f"{wording.plain(output.title)}.") + _source(
        results, output.rests_on, note_of(output, table), identity
    )


def _source(results: Results, rests_on: str, note: str, table: str, where: str = "") -> str:
    """The line under a table or figure: what to mind, where the numbers and their data are, and what computed them."""
    notebook, cell = computed_in(results, rests_on)
    parts = [wording.plain(note)] if note else []
    if where:
        parts.append(where)
    if notebook:
        place = f"notebook {wording.plain(notebook)}" + (f", cell {cell}" if cell is not None else "")
        anchor = f"#cell-{cell}" if cell is not None else ""
        parts.append(f"Computed in [{place}](notebooks/{notebook}.html{anchor}).")
    data = f"tables/{table.removeprefix('tbl-')}.csv"
    parts.append(f"Data: [{data}]({data}).")
    return f"\n\n::: {{.source}}\n{' '.join(parts)}\n:::"


def figure_markdown(results: Results, identity: str) -> str:
    """A figure of the index as Markdown, or an empty string where there is nothing to show."""
    output = FIGURES[identity]
    figure = output.build(results)
    if figure is None:
        return ""
    caption = wording.plain(wording.sentence(output.title))
    image = charts.image(figure, caption, identity, output.alt(results))
    return image + _source(results, output.rests_on, "", output.table, f"The numbers are in @{output.table}.")


def write_tables(results: Results, folder: Path) -> None:
    """Write every table as a CSV file named after its id."""
    tables.write({identity: output.build(results) for identity, output in TABLES.items()}, folder)
