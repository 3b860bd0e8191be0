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
from cdi_lib.report.labels import CAUTIONS
from cdi_lib.report.tables import NOT_APPLICABLE, Column, Table

# What several tables have in common, said once. A column refers to a note by its key.
NOTES = {
    "n": "n is the number of crimes, records or answers that a figure rests on. The smaller it is, the less a "
    "figure can bear; where a table has a column of cautions, it names what to mind.",
    "interval": "The confidence interval (CI) counts chance in drawing the main sample only. The audit looks "
    "where reports of crime are expected: elsewhere there may be more that was not recorded.",
    "open": f"'{NOT_APPLICABLE}' as an end of an interval means that the interval is open on that side, or that "
    "none can be given.",
    "dip": "Dip samples are chosen to look closely at one matter. They are counts of what was examined, and no "
    "rate may be computed from them.",
    "cautions": f"Cautions that a table may give: {'; '.join(CAUTIONS.values())}.",
    "status": "The last column says where a row comes from. Published: printed in the published report, and found again. "
    "Derived: follows from published figures. Computed: from the records of the audit. Assumed: rests on values that were "
    "assumed. Illustrative: from invented records.",
    "unrounded": "Numbers are stored unrounded; a cell shows them rounded.",
}
_NOTES_OF_COLUMNS = {"n": ("n", "audited", "crimes"), "interval": ("low",), "open": ("high",)}
WIDEST = 60  # characters in a column
COVER_WIDTH = 100
# xlsxwriter would turn such text into formulas, links and numbers.
_TEXT_STAYS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def write_workbook(results: Results, path: Path) -> None:
    """Write all tables of the index of outputs into one workbook; the same results give the same bytes.

    Numbers are stored unrounded with a number format: percentages as proportions in [0, 1] that are shown as per cent.
    """
    built = {output: index.built(results, output) for output in index.tables_of(results.told).values()}
    sheets = {sheet_name(output): _sheet(results, output, table) for output, table in built.items() if table}
    title = f"{results.publication['title']}: {results.force_name}"
    save(path, sheets, _cover(results, title), NOTES, title, results.publication["date"])


def save(
    path: Path, sheets: dict[str, GPTable], cover: Cover, notes: dict[str, str], title: str, published: str
) -> None:
    """Write sheets with their cover, contents and notes; ``published`` is an ISO date, for equal bytes every time."""
    with warnings.catch_warnings():
        # gptables sets an option of pandas that does nothing any more
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        warnings.filterwarnings("ignore", "The following notes are not referenced")
        workbook = produce_workbook(
            path,
            sheets,
            cover=cover,
            contentsheet_options={"column_names": ["Sheet", "Table"], "title": "Contents"},
            notes_table=pd.DataFrame({"key": list(notes), "Note text": list(notes.values())}),
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
    page.set_footer(f"&L{title.replace('&', '&&')}: &A&RPage &P of &N")


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
    width = lambda value: 3 + len(value if isinstance(value, str) else f"{value:,.2f}")
    headers = (max(len(word) + 4 for word in header.split()) for header in table.columns)
    return [min(WIDEST, max(needed, *map(width, cells))) for needed, (_, cells) in zip(headers, table.items())]


def sheet_name(output: TableOutput) -> str:
    """The name of a table's sheet, which is that of its CSV file, cut to the 31 characters that Excel takes."""
    return output.id.removeprefix("tbl-")[:31]


def _cover(results: Results, title: str) -> Cover:
    publication, period = results.publication, results.audit_period
    is_draft = publication["status"] == "draft"
    status = "Draft: for checking, not for publication" if is_draft else "Final"
    dated = f"{'Dated' if is_draft else 'Published'} {wording.day(publication['date'])}"
    intro = [
        f"{publication['type']}. Audit period {wording.period(period['start'], period['end'])}.",
        f"{dated}, version {publication['version']}. Status: {status}.",
    ]
    if results.records["status"] != "audit":
        intro.append(f"Records: {results.records['status']}. {results.records.get('note') or ''}")
    about = [
        "Each sheet holds one table. Sheets are named as the CSV files of the report; the contents list their titles.",
        f"How to cite: {metadata.citation(results)}",
    ]
    if publication.get("rights"):
        about.append(f"Rights: {publication['rights']}")
    return Cover(_text(title), [_text(line) for line in intro], [_text(line) for line in about])


def _sheet(results: Results, output: TableOutput, table: Table) -> GPTable:
    period = wording.period(results.audit_period["start"], results.audit_period["end"])
    draft = "Draft, for checking. " if results.publication["status"] == "draft" else ""
    subtitle = f"{draft}{results.force_name}, audit period {period}"
    notebook, cell = index.computed_in(results, output.rests_on)
    source = f"Computed in the notebook {notebook}, cell {cell}." if notebook else ""
    return sheet(
        sheet_name(output), table, output.title, subtitle, NOTES, index.note_of(results, output, table), source
    )


def sheet(
    name: str, table: Table, title: str, subtitle: str, notes: Iterable[str], legend: str = "", source: str = ""
) -> GPTable:
    """One table as a sheet; ``notes`` are the keys of the notes that its columns may refer to."""
    values = [[_value(column, row) for column in table.columns] for row in table.rows]
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
        instructions="This worksheet contains one table. Notes are on the worksheet named Notes.",
        legend=[_text(line) for line in textwrap.wrap(legend, COVER_WIDTH)] or None,
        source=source or None,
        table_notes={  # by number of column
            number: f"$${note}$$"
            for note, keys in _NOTES_OF_COLUMNS.items()
            for number, column in enumerate(table.columns)
            if note in notes and column.key in keys and column.number
        },
        index_columns={2: 0},
        additional_formatting=formats,
    )


def _value(column: Column, row: dict[str, Any]) -> Any:
    """What stands in a cell: a number unrounded, everything else as text."""
    value = row.get(column.key)
    if isinstance(value, str) or value is None:
        return _text(value or "") or NOT_APPLICABLE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value * column.factor


def _text(text: str) -> str:
    """Text that gptables takes as just that: not as a link, nor as a reference to a note, nor as a symbol."""
    text = " ".join(text.split()).replace("](", "] (").replace("$$", "$ $")
    return f"text: {text}" if text and not re.search("[a-zA-Z0-9]", text) else text
