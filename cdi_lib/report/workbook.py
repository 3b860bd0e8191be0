"""The tables of a report as an accessible spreadsheet: cover, contents, notes, and one sheet for each table."""

import re
import textwrap
import warnings
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from gptables import Cover, GPTable, produce_workbook

from cdi_lib.inspection.results import Results
from cdi_lib.report import index, metadata, wording
from cdi_lib.report.index import TableOutput
from cdi_lib.report.labels import book, said
from cdi_lib.report.tables import Column, Table, not_applicable

# What several tables have in common, said once. A column refers to a note by its key.
NOTES = ("n", "interval", "open", "dip", "cautions", "status", "unrounded")
_NOTES_OF_COLUMNS = {"n": ("n", "audited", "crimes"), "interval": ("low",), "open": ("high",)}
WIDEST = 60  # characters in a column
COVER_WIDTH = 100
# xlsxwriter would turn such text into formulas, links and numbers.
_TEXT_STAYS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def notes(keys: Iterable[str] = NOTES) -> dict[str, str]:
    """The words of the notes."""
    cautions = "; ".join(book("labels")["cautions"].values())
    return {key: said(f"workbook.{key}", cautions=cautions) for key in keys}


def write_workbook(results: Results, path: Path) -> None:
    """Write all tables of the index of outputs into one workbook; the same results give the same bytes.

    Numbers are stored unrounded with a number format: percentages as proportions in [0, 1] that are shown as per cent.
    """
    built = {output: index.built(results, output) for output in index.tables_of(results.told).values()}
    sheets = {sheet_name(output): _sheet(results, output, table) for output, table in built.items() if table}
    title = f"{results.publication['title']}: {results.force_name}"
    save(path, sheets, _cover(results, title), notes(), title, results.publication["date"])


def save(
    path: Path, sheets: dict[str, GPTable], cover: Cover, noted: dict[str, str], title: str, published: str
) -> None:
    """Write sheets with their cover, contents and notes; ``published`` is an ISO date, for equal bytes every time."""
    with warnings.catch_warnings():
        # gptables sets an option of pandas that does nothing any more
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        warnings.filterwarnings("ignore", "The following notes are not referenced")
        warnings.filterwarnings("ignore", r"\s*Empty or null cell")  # the sheet says what it means
        workbook = produce_workbook(
            path,
            sheets,
            cover=cover,
            contentsheet_options={
                "column_names": [said("workbook.sheet"), said("workbook.table")],
                "title": said("workbook.contents"),
            },
            notes_table=pd.DataFrame({"key": list(noted), said("workbook.note"): list(noted.values())}),
            auto_width=False,  # it would make a column as wide as its longest text
            workbook_options=_TEXT_STAYS_TEXT | {"in_memory": True},
        )
        widths = {name: _widths(sheet.table) for name, sheet in sheets.items()}
        for name, columns in (widths | {"Cover": [COVER_WIDTH], "Contents": [24, 80], "Notes": [14, 100]}).items():
            page = workbook.get_worksheet_by_name(name)
            for number, width in enumerate(columns):
                page.set_column(number, number, width)
            _heights(workbook, page, columns)
            _for_paper(page, title)
        workbook.set_properties({"title": title, "created": datetime.fromisoformat(published)})
        workbook.close()


def _for_paper(page: Any, title: str) -> None:
    """Each sheet on as many A4 pages as it is long, its columns side by side, with title and number at the foot."""
    page.set_paper(9)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    page.set_footer(f"&L{title.replace('&', '&&')}: &A&R{said('workbook.foot')}")


def _heights(workbook: Any, page: Any, widths: Sequence[int]) -> None:
    """Each row as high as the wrapped text in its cells needs: not every program works that out itself."""
    texts = {number: text for text, number in workbook.str_table.string_table.items()}
    for row, cells in page.table.items():
        if len(cells) > 1 or page.get_name() == "Cover":  # a single cell over a table runs on to the right
            lines = [
                textwrap.wrap(str(texts.get(getattr(cell, "string", None), "")), max(int(width * 0.95), 8))
                for cell, width in zip(cells.values(), widths, strict=False)
            ]
            if (highest := max(map(len, lines))) > 1:
                page.set_row(row, 17 * highest)


def _widths(table: pd.DataFrame) -> list[int]:
    """Widths of columns in characters, up to a limit: long text wraps."""
    width = lambda value: 3 + len(f"{value:,.2f}" if isinstance(value, int | float) else value or "")
    headers = (max(len(word) + 4 for word in header.split()) for header in table.columns)
    return [min(WIDEST, max(needed, *map(width, cells))) for needed, (_, cells) in zip(headers, table.items())]


def sheet_name(output: TableOutput) -> str:
    """The name of a table's sheet, which is that of its CSV file, cut to the 31 characters that Excel takes."""
    return output.id.removeprefix("tbl-")[:31]


def _cover(results: Results, title: str) -> Cover:
    publication, period = results.publication, results.audit_period
    is_draft = publication["status"] == "draft"
    status = said(f"workbook.{'draft' if is_draft else 'final'}")
    dated = said(f"workbook.{'dated' if is_draft else 'published'}", day=wording.day(publication["date"]))
    when = wording.period(period["start"], period["end"])
    intro = [
        said("workbook.type", type=publication["type"], period=when),
        said("workbook.version", dated=dated, version=publication["version"], status=status),
    ]
    if (kind := results.records["status"]) != "audit":
        intro.append(said("workbook.records", status=kind, note=results.records.get("note") or ""))
    about = [said("workbook.about"), said("workbook.cite", citation=metadata.citation(results))]
    if notice := wording.notice(publication):
        intro.append(": ".join(notice))
    if rights := publication.get("rights"):
        about.append(said("workbook.rights", rights=rights))
    return Cover(_text(title), [_text(line) for line in intro], [_text(line) for line in about])


def _sheet(results: Results, output: TableOutput, table: Table) -> GPTable:
    period = wording.period(results.audit_period["start"], results.audit_period["end"])
    subtitle = said("workbook.subtitle", force=results.force_name, period=period)
    if notice := wording.notice(results.publication):
        subtitle = f"{notice[0]}, {notice[1]}. {subtitle}"
    notebook, cell = index.computed_in(results, output.rests_on)
    source = said("workbook.computed", notebook=notebook, cell=cell) if notebook else ""
    return sheet(
        sheet_name(output), table, output.title, subtitle, NOTES, index.note_of(results, output, table), source
    )


def sheet(
    name: str, table: Table, title: str, subtitle: str, noted: Iterable[str], legend: str = "", source: str = "",
    empty: str = "",
) -> GPTable:  # fmt: skip
    """One table as a sheet, which has a name for programs: one type a column, and ``empty`` says what no value means.

    ``noted`` are the keys of the notes that its columns may refer to.
    """
    values = [[_value(column, row) for column in table.columns] for row in table.rows]
    has_gaps = any(value is None for row in values for value in row)
    formats = [
        {"column": {"columns": [number], "format": {"num_format": column.number_format}}}
        for number, column in enumerate(table.columns)
        if column.number_format
    ]
    return GPTable(
        pd.DataFrame(values, columns=[_text(column.header) for column in table.columns], dtype=object),
        table_name=f"table_{re.sub(r'[^a-z0-9]+', '_', name)}",
        title=_text(title),
        subtitles=[_text(subtitle)],
        instructions=said("workbook.instructions")
        + (f" {said('workbook.empty', empty=empty or not_applicable())}" if has_gaps else ""),
        legend=[_text(line) for line in textwrap.wrap(legend, COVER_WIDTH)] or None,
        source=source or None,
        table_notes={  # by number of column
            number: f"$${note}$$"
            for note, keys in _NOTES_OF_COLUMNS.items()
            for number, column in enumerate(table.columns)
            if note in noted and column.key in keys and column.number
        },
        index_columns={2: 0},
        additional_formatting=formats,
    )


def _value(column: Column, row: dict[str, Any]) -> Any:
    """What stands in a cell: a number unrounded, nothing where there is no value, everything else as text."""
    value = row.get(column.key)
    if isinstance(value, str) or value is None:
        return _text(value or "") or None
    if isinstance(value, bool):
        return wording.yes_no(value)
    return value * column.factor


def _text(text: str) -> str:
    """Text that gptables takes as just that: not as a link, nor as a reference to a note, nor as a symbol."""
    text = " ".join(text.split()).replace("](", "] (").replace("$$", "$ $")
    return f"text: {text}" if text and not re.search("[a-zA-Z0-9]", text) else text
