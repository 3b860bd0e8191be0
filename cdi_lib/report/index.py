"""The index of every table and figure of the report.

Titles are in ``reports/text``; nothing else spells one, or the number of a table or figure. A builder returns None where
there is nothing to show; the report then says so in words.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from cdi_lib.inspection.programme import Rows, Told
from cdi_lib.inspection.provenance import weakest
from cdi_lib.inspection.results import Results, write_json
from cdi_lib.report import charts, dictionary, labels, tables, wording
from cdi_lib.report.labels import book, said
from cdi_lib.report.sections import annex, effectiveness, efficiency, figures, glossary, judgements
from cdi_lib.report.tables import Column, Table


@dataclass(frozen=True, eq=False)
class TableOutput:
    """A table of the report; ``rests_on`` are the results that it shows: ids, or how they begin, parted by spaces."""

    id: str
    rests_on: str
    build: Callable[[Results], Table | None]
    of_programme: Rows | None = None

    @property
    def title(self) -> str:
        own = self.of_programme.title if self.of_programme else None
        return own or str(book("tables").get(self.id, {}).get("title", ""))

    @property
    def note(self) -> str:
        """What is always to be minded with it."""
        is_new_dip = self.of_programme is not None and self.of_programme.kind == "dip" and self.id not in book("tables")
        return str(book("tables").get("tbl-other-systems" if is_new_dip else self.id, {}).get("note", ""))


@dataclass(frozen=True)
class FigureOutput:
    """A figure of the report, which draws the table with its numbers; ``build`` gives its drawing and its alt text."""

    id: str
    table: str
    build: Callable[[Results], figures.Drawn | None]

    @property
    def title(self) -> str:
        return str(book("figures")[self.id])


def _classes(identity: str, tally: str) -> TableOutput:
    return TableOutput(identity, f"tallies.{tally}", partial(effectiveness.offence_classes, identity, tally))


_BEFORE = (
    TableOutput("tbl-grades", "details.judgements", judgements.grades),
    TableOutput("tbl-elements", "details.judgements", judgements.elements),
    TableOutput("tbl-bands", "details.judgements", judgements.bands),
    TableOutput("tbl-probabilities", "details.judgements", judgements.probabilities),
    TableOutput("tbl-rates", "estimates.overall", effectiveness.rates),
    TableOutput("tbl-unrecorded", "estimates.unrecorded_", effectiveness.unrecorded),
    TableOutput("tbl-domestic-abuse", "shares.domestic_abuse", effectiveness.domestic_abuse),
    _classes("tbl-domestic-abuse-classes", "domestic_abuse_unrecorded_classes"),
)
_AFTER = (
    TableOutput("tbl-equality", "details.equality", efficiency.equality),
    TableOutput("tbl-survey", "shares.survey", efficiency.survey),
    TableOutput("tbl-previous", "estimates.previous", effectiveness.previous),
    TableOutput("tbl-sample", "details.sample", annex.sample),
    TableOutput("tbl-strata", "details.strata", annex.strata),
    TableOutput("tbl-plan", "details.plan", annex.plan),
    TableOutput("tbl-estimators", "estimates.overall_", annex.estimators),
    TableOutput("tbl-sensitivity", "details.sensitivity", annex.sensitivity),
    _classes("tbl-unrecorded-classes", "unrecorded_classes"),
    TableOutput("tbl-published", "details.published", annex.published),
    TableOutput("tbl-assumptions", "details.assumptions", annex.assumptions),
    TableOutput("tbl-assessments", "details.assessments", efficiency.assessments),
    TableOutput("tbl-register", "details.earlier_areas", annex.register),
    TableOutput("tbl-response", "details.fieldwork", annex.response),
    TableOutput("tbl-glossary", "", glossary.glossary),
    TableOutput("tbl-inputs", "", annex.inputs),
)
_FIGURES = (
    FigureOutput("fig-rates", "tbl-rates", figures.rates),
    FigureOutput("fig-certainty", "tbl-probabilities", figures.certainty),
    FigureOutput("fig-unrecorded", "tbl-unrecorded", figures.unrecorded),
    FigureOutput("fig-domestic-abuse", "tbl-domestic-abuse-classes", figures.domestic_abuse),
    FigureOutput("fig-previous", "tbl-previous", figures.two_inspections),
    FigureOutput("fig-within-24", "tbl-within-24", partial(figures.parts, "tbl-within-24", "within_24")),
    FigureOutput("fig-cancelled", "tbl-cancelled", partial(figures.parts, "tbl-cancelled", "cancelled")),
    FigureOutput("fig-sensitivity", "tbl-sensitivity", figures.sensitivity),
)
FIGURES = {figure.id: figure for figure in _FIGURES}


def tables_of(told: Told) -> dict[str, TableOutput]:
    """Every table of a report by a programme, in their order."""
    counted = (
        TableOutput(
            identity,
            " ".join(f"{'estimates' if rows.kind == 'rates' else 'shares'}.{key}" for key in rows.rows),
            partial(efficiency.rates if rows.kind == "rates" else efficiency.counted, identity),
            of_programme=rows,
        )
        for identity, rows in told.tables.items()
    )
    return {table.id: table for table in (*_BEFORE, *counted, *_AFTER)}


def computed_in(results: Results, rests_on: str) -> tuple[str, int | None]:
    """Notebook and cell (its execution count) that computed what an output rests on; ("", None) if nobody did."""
    known = [f"{kind}.{name}" for kind in ("estimates", "shares", "tallies", "details") for name in results.shelf(kind)]
    found = next((key for start in rests_on.split() for key in known if key.startswith(start)), None)
    return results.evidence(found) if found else ("", None)


def note_of(results: Results, output: TableOutput, table: Table) -> str:
    """What is to be minded with a table, always and with these rows, and what of it was assumed."""
    return " ".join(filter(None, [output.note, table.note, mark(results, _rests_on(results, output, table))]))


def mark(results: Results, keys: Iterable[str]) -> str:
    """Says which of some results were assumed or illustrate only; empty where none was."""
    marked = results.marked(keys)
    if results.records.get("status") == "invented":
        return said("tables.illustrative") if marked else ""
    sentences = []
    for phrase, part in (("tables.assumed", ""), ("tables.assumed_interval", ".interval")):
        own = (key.removesuffix(".interval") for key in marked if key.endswith(".interval") == bool(part))
        if names := list(filter(None, dict.fromkeys(labels.of_result(key, results.details) for key in own))):
            sentences.append(said(phrase, names=wording.in_words(names)))
    return " ".join(sentences)


def _rests_on(results: Results, output: TableOutput, table: Table) -> list[str]:
    """Ids of the results in a table: those of its rows where these have codes of results, else all that it rests on."""
    known, starts = results.details.provenance, tuple(output.rests_on.split())
    own = [_of_row(output, row, place) for place, row in enumerate(table.rows)]
    return [key for keys in own for key in keys if key in known] or [
        key for key in known if starts and key.startswith(starts)
    ]


def _of_row(output: TableOutput, row: dict[str, Any], place: int) -> list[str]:
    """What the result of a row may be called: by its code, or by its place."""
    prefix = "unrecorded_" if output.id == "tbl-unrecorded" else ""
    starts = {start if start.startswith("details.") else start.partition(".")[0] for start in output.rests_on.split()}
    return [f"{start}.{prefix}{row.get('code', place)}" for start in sorted(starts)]


def assumed_in(results: Results, identity: str) -> list[str]:
    """Ids of the results in a table that were assumed, which the note under it names."""
    output = tables_of(results.told)[identity]
    table = output.build(results)
    return results.marked(_rests_on(results, output, table)) if table else []


def built(results: Results, output: TableOutput) -> Table | None:
    """A table with the status of each row, for its data file; None where there is nothing to show."""
    table = output.build(results)
    if table is None or not results.details.provenance:
        return table
    known, keys = results.details.provenance, _rests_on(results, output, table)
    if not any(key in known for key in keys):
        return table
    worst, rows = weakest(known[key] for key in keys if key in known), []
    for place, row in enumerate(table.rows):
        own = next((key for key in _of_row(output, row, place) if results.status(key)), None)
        status, interval = (results.status(own), results.status(f"{own}.low")) if own else (worst, worst)
        ends = {} if row.get("low") is None else {"interval_provenance": interval}
        rows.append({"provenance": status} | ends | row)
    names = [name for name in ("interval_provenance", "provenance") if any(name in row for row in rows)]
    more = (Column(name, said(f"tables.{name}")) for name in names)
    return replace(table, rows=rows, columns=(*table.columns, *more))


def table_markdown(results: Results, identity: str, folded: bool = False) -> str:
    """A table of the index as Markdown, or an empty string where there is nothing to show.

    One whose numbers a chart shows is folded on a page, with its title to unfold it.
    """
    output = tables_of(results.told).get(identity)  # one that the texts know and this programme does not is not there
    table = output.build(results) if output else None
    if output is None or table is None:
        return ""
    text = tables.to_markdown(table, identity, f"{wording.plain(output.title)}.")
    if note := note_of(results, output, table):
        text += f"\n\n::: {{.source}}\n{wording.plain(note)}\n:::"
    title = output.title.replace('"', "")
    return f'::: {{.folded summary="{title}"}}\n{text}\n:::' if folded else text


def sources(results: Results, identities: Iterable[str]) -> str:
    """The line under a section that says where the data of its tables are, and what computed them."""
    found = []
    for identity in identities:
        data, rests_on = f"tables/{identity.removeprefix('tbl-')}.csv", tables_of(results.told)[identity].rests_on
        notebook, cell = computed_in(results, rests_on)
        anchor, place = f"#cell-{cell}", said("tables.cell", notebook=wording.plain(notebook), cell=cell)
        if cell is None:
            anchor, place = "", wording.plain(notebook)
        working = f" ([{place}](notebooks/{notebook}.html{anchor}))" if notebook else ""
        found.append(f"[{data.removeprefix('tables/')}]({data}){working}")
    return said("tables.data", files=", ".join(found)) if found else ""


def figure_markdown(results: Results, identity: str) -> str:
    """A figure of the index as Markdown, or an empty string where there is nothing to show."""
    output = FIGURES[identity]
    drawn = output.build(results)
    if drawn is None:
        return ""
    (page, phone), alt = drawn
    beside = tables_of(results.told)[output.table]
    table = beside.build(results)
    is_real = results.records.get("status") != "invented"
    assumed = mark(results, _rests_on(results, beside, table)) if table and is_real else ""
    named = labels.filled("figures", identity, output.title, hours=results.details.recording_limit_hours)
    title = wording.sentence(named) + (f" {said('tables.partly_assumed')}" if assumed else "")
    return charts.image(page, wording.plain(title), identity, alt, phone)


def write_tables(results: Results, folder: Path) -> None:
    """Write every table as a CSV file named after its id, and what their columns mean."""
    outputs = tables_of(results.told)
    found = {identity: table for identity, output in outputs.items() if (table := built(results, output))}
    titles = {identity: outputs[identity].title for identity in found}
    notice = ": ".join(wording.notice(results.publication) or ())
    dictionary.write(folder, found, titles, f"{results.force_name}: {results.publication['title']}", notice)
    write_json(folder.parent / dictionary.SCHEMA, dictionary.schema())
