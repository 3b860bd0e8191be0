"""The index of every table and figure of the report.

Titles are in ``reports/text``; nothing else spells one, or the number of a table or figure. A builder returns None where
there is nothing to show; the report then says so in words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from cdi_lib.inspection.results import Results
from cdi_lib.report import charts, labels, tables, wording
from cdi_lib.report.labels import book
from cdi_lib.report.sections import annex, effectiveness, efficiency, figures, glossary, judgements
from cdi_lib.report.tables import Table


@dataclass(frozen=True)
class TableOutput:
    """A table of the report; ``rests_on`` are the results that it shows: ids, or how they begin, parted by spaces."""

    id: str
    rests_on: str
    build: Callable[[Results], Table | None]

    @property
    def title(self) -> str:
        return str(book("tables")[self.id]["title"])

    @property
    def note(self) -> str:
        """What is always to be minded with it."""
        return str(book("tables")[self.id].get("note", ""))


@dataclass(frozen=True)
class FigureOutput:
    """A figure of the report: the table with its numbers, the results that it shows, its caption, drawing and alt text."""

    id: str
    table: str
    rests_on: str
    build: Callable[[Results], Figure | None]
    alt: Callable[[Results], str]

    @property
    def title(self) -> str:
        return str(book("figures")[self.id])


# The tables: id, the results that are shown, how it is built.
_TABLES = (
    TableOutput("tbl-grades", "details.judgements", judgements.grades),
    TableOutput("tbl-elements", "details.judgements", judgements.elements),
    TableOutput("tbl-bands", "details.judgements", judgements.bands),
    TableOutput("tbl-probabilities", "details.judgements", judgements.probabilities),
    TableOutput("tbl-rates", "estimates.overall", effectiveness.rates),
    TableOutput("tbl-unrecorded", "estimates.unrecorded_", effectiveness.unrecorded),
    TableOutput("tbl-domestic-abuse", "shares.domestic_abuse", effectiveness.domestic_abuse),
    TableOutput(
        "tbl-domestic-abuse-classes",
        "tallies.domestic_abuse_unrecorded_classes",
        effectiveness.offence_classes("domestic_abuse_unrecorded_classes"),
    ),
    TableOutput(
        "tbl-rape",
        "shares.rape shares.n100",
        effectiveness.shares(labels.RAPE_AND_N100, "What was examined", "Number that were"),
    ),
    TableOutput(
        "tbl-other-systems", "shares.vulnerable shares.third_party", efficiency.dip_samples(labels.OTHER_SYSTEMS)
    ),
    TableOutput("tbl-modern-slavery", "shares.modern_slavery", efficiency.dip_samples(labels.MODERN_SLAVERY)),
    TableOutput("tbl-within-24", "shares.within_24", efficiency.within_24),
    TableOutput(
        "tbl-cancelled",
        "shares.cancelled shares.victims_informed",
        effectiveness.shares(labels.REVIEWED, "What was reviewed", "Correct"),
    ),
    TableOutput("tbl-equality", "details.equality", efficiency.equality),
    TableOutput("tbl-survey", "shares.survey", efficiency.survey),
    TableOutput("tbl-previous", "estimates.previous", effectiveness.previous),
    TableOutput("tbl-sample", "details.sample", annex.sample),
    TableOutput("tbl-strata", "details.strata", annex.strata),
    TableOutput("tbl-plan", "details.plan", annex.plan),
    TableOutput("tbl-estimators", "estimates.overall_", annex.estimators),
    TableOutput("tbl-sensitivity", "details.sensitivity", annex.sensitivity),
    TableOutput(
        "tbl-unrecorded-classes", "tallies.unrecorded_classes", effectiveness.offence_classes("unrecorded_classes")
    ),
    TableOutput("tbl-published", "details.published", annex.published),
    TableOutput("tbl-assumptions", "details.assumptions", annex.assumptions),
    TableOutput("tbl-assessments", "details.assessments", efficiency.assessments),
    TableOutput("tbl-response", "details.fieldwork", annex.response),
    TableOutput("tbl-glossary", "", glossary.glossary),
    TableOutput("tbl-inputs", "", annex.inputs),
)
# The figures: id, the table with its numbers, the results, drawing and alt text.
_FIGURES = (
    FigureOutput("fig-grades", "tbl-grades", "details.judgements", figures.grades, figures.grades_alt),
    FigureOutput("fig-rates", "tbl-rates", "estimates.overall", figures.rates, figures.rates_alt),
    FigureOutput("fig-certainty", "tbl-probabilities", "details.judgements", figures.certainty, figures.certainty_alt),
    FigureOutput(
        "fig-unrecorded", "tbl-unrecorded", "estimates.unrecorded_", figures.unrecorded, figures.unrecorded_alt
    ),
    FigureOutput(
        "fig-domestic-abuse",
        "tbl-domestic-abuse-classes",
        "tallies.domestic_abuse_unrecorded_classes",
        figures.domestic_abuse,
        figures.domestic_abuse_alt,
    ),
    FigureOutput(
        "fig-previous", "tbl-previous", "estimates.previous", figures.two_inspections, figures.two_inspections_alt
    ),
    FigureOutput(
        "fig-within-24",
        "tbl-within-24",
        "shares.within_24",
        figures.within_24,
        figures.shares_alt(labels.WITHIN_24, "crimes recorded within 24 hours"),
    ),
    FigureOutput(
        "fig-cancelled",
        "tbl-cancelled",
        "shares.cancelled",
        figures.cancelled,
        figures.shares_alt(labels.CANCELLED, "correct cancellations"),
    ),
)
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
