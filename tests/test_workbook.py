"""Tables as data: a workbook with an accessible sheet for each, and CSV files; the same bytes each time."""

import csv
import io
import re
import shutil
import subprocess
import zipfile

import openpyxl
import pandas as pd
import pytest
from executed import DIFFICULT, executed

from cdi_lib.inspection.programme import default_programme
from cdi_lib.report import index, tables, workbook
from cdi_lib.report.tables import not_applicable


@pytest.fixture(scope="module")
def results():
    return executed()[1]


@pytest.fixture(scope="module")
def path(results, tmp_path_factory):
    path = tmp_path_factory.mktemp("workbook") / "tables.xlsx"
    workbook.write_workbook(results, path)
    return path


@pytest.fixture(scope="module")
def book(path):
    return openpyxl.load_workbook(path)


def built(results):
    found = {output: index.built(results, output) for output in index.tables_of(default_programme()).values()}
    return {output: table for output, table in found.items() if table is not None}


def lines(sheet):
    return [[cell.value for cell in row if cell.value is not None] for row in sheet.iter_rows()]


def body(sheet):
    """Header and rows of the one table of a sheet."""
    (table,) = sheet.tables.values()
    header, *rows = sheet[table.ref]
    return header, rows


def test_has_cover_contents_notes_and_a_sheet_for_each_table(book, results):
    names = [workbook.sheet_name(output) for output in built(results)]
    assert book.sheetnames == ["Cover", "Contents", "Notes", *names]
    assert len(names) > 15
    assert all(len(name) <= 31 for name in book.sheetnames)
    _, rows = body(book["Contents"])
    assert [(row[0].value, row[1].value) for row in rows] == [
        (name, output.title.format(limit_hours=24)) for name, output in zip(names, built(results), strict=True)
    ]
    assert all(row[0].hyperlink.location == f"'{row[0].value}'!A1" for row in rows)


def test_cover_says_what_it_is(book, results):
    text = " ".join(value for line in lines(book["Cover"]) for value in line)
    for words in (
        results.force_name,
        results.publication["title"],
        "1 January to 30 June 2022",
        "Draft: for checking",
        "Records: invented",
        "How to cite",
        "Open Government Licence",
    ):
        assert words in text
    assert all("Draft" in lines(book[name])[1][0] for name in book.sheetnames[3:])


def test_cells_hold_what_the_tables_hold(book, results):
    """By a second route: every cell beside the unrounded value of the index of outputs."""
    for output, table in built(results).items():
        header, rows = body(book[workbook.sheet_name(output)])
        names = [cell.value.split("\n")[0] for cell in header]
        assert names == [column.header for column in table.columns]
        assert len(rows) == len(table.rows)
        for cells, row in zip(rows, table.rows, strict=True):
            for cell, column in zip(cells, table.columns, strict=True):
                value = row.get(column.key)
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    assert cell.value == pytest.approx(value * column.factor, rel=1e-14), (output.id, column)
                    assert cell.number_format == column.number_format != ""
                    assert cell.data_type == "n"
                elif value is None or value == "":
                    assert cell.value is None
                else:
                    assert cell.data_type == "s" and cell.value.strip()


def test_programs_find_each_table_by_its_name_with_one_type_a_column_and_blanks(book, results):
    """As pandas, R or Excel take it: by the name of the table, not by where it stands on the sheet."""
    gaps = 0
    for output, table in built(results).items():
        sheet = book[workbook.sheet_name(output)]
        name = "table_" + output.id.removeprefix("tbl-").replace("-", "_")
        header, *rows = sheet[sheet.tables[name].ref]
        assert [column.name for column in sheet.tables[name].tableColumns] == [cell.value for cell in header]
        values = pd.DataFrame([[cell.value for cell in row] for row in rows])
        for column, (_, cells) in zip(table.columns, values.items(), strict=True):
            kinds = {isinstance(value, str) for value in cells if pd.notna(value)}
            assert len(kinds) < 2 and not {not_applicable(), "none"} & set(cells), (name, column.key)
        above = " ".join(str(cell.value) for row in sheet.iter_rows(max_row=header[0].row - 1) for cell in row)
        assert (f"An empty cell means: {not_applicable()}." in above) == bool(values.isna().to_numpy().any()), name
        gaps += values.isna().to_numpy().sum()
    assert gaps > 5


def test_another_program_finds_the_same_tables(path, book, tmp_path):
    """LibreOffice reads the workbook and writes the names of the tables, and where they stand."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed")
    command = [office, f"-env:UserInstallation={tmp_path.as_uri()}/profile", "--headless", "--convert-to", "fods"]
    subprocess.run([*command, "--outdir", tmp_path, path], check=True, capture_output=True, timeout=300)
    content = (tmp_path / "tables.fods").read_text("utf-8")
    found = dict(re.findall(r'table:name="(table_\w+)" table:target-range-address="[^"]*?\.(\w+):', content))
    named = {name: ref.split(":")[0] for sheet in book.worksheets[3:] for name, ref in sheet.tables.items()}
    assert found == named


def test_percentages_and_points_are_shown_as_such(book):
    header, rows = body(book["rates"])
    rate = [cell.value for cell in header].index("Recording rate")
    assert 0 < rows[0][rate].value < 1 and rows[0][rate].number_format == "0.0%"
    header, rows = body(book["estimators"])
    margin = [cell.value for cell in header].index("Half-width of interval (points)")
    assert 1 < rows[0][margin].value < 50 and rows[0][margin].number_format == "0.00"


def test_text_stays_text(book):
    _, rows = body(book["assumptions"])
    cells = {row[0].value: row[0] for row in rows}
    for text in DIFFICULT:
        shown = text.replace("](", "] (").replace("$$", "$ $")
        cell = cells.get(shown) or cells[f"text: {shown}"]
        assert cell.data_type == "s" and cell.hyperlink is None


def test_columns_of_n_refer_to_a_note(book):
    header, _ = body(book["rates"])
    (n,) = [cell.value for cell in header if "(n)" in cell.value]
    number = int(n.removesuffix("]").rpartition(" ")[2])
    _, rows = body(book["Notes"])
    (note,) = [row[1].value for row in rows if row[0].value == number]
    assert note == workbook.notes()["n"]
    assert [row[0].value for row in rows] == list(range(1, len(workbook.NOTES) + 1))


def test_long_text_wraps(book):
    for sheet in book.worksheets[3:]:
        widths = [column.width for column in sheet.column_dimensions.values()]
        assert max(widths) <= workbook.WIDEST + 1, sheet.title
    _, rows = body(book["glossary"])
    assert rows[0][1].alignment.wrap_text


def test_same_results_same_bytes(path, results, tmp_path, book):
    again = tmp_path / "again.xlsx"
    workbook.write_workbook(results, again)
    assert again.read_bytes() == path.read_bytes()
    # and no time of the machine in it
    assert {entry.date_time[0] for entry in zipfile.ZipFile(path).infolist()} == {1980}
    assert book.properties.created.date().isoformat() == results.publication["date"]
    assert book.properties.modified == book.properties.created


# --- the same tables as CSV -----------------------------------------------------------------------------------


def rows_of(results, identity):
    text = tables.to_csv(index.tables_of(default_programme())[identity].build(results))
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_codes_are_the_ids_of_results(results):
    for identity, shelf, prefix in (
        ("tbl-rates", results.estimates, ""),
        ("tbl-unrecorded", results.estimates, "unrecorded_"),
        ("tbl-estimators", results.estimates, ""),
        ("tbl-rape", results.shares, ""),
        ("tbl-other-systems", results.shares, ""),
        ("tbl-modern-slavery", results.shares, ""),
        ("tbl-within-24", results.shares, ""),
        ("tbl-cancelled", results.shares, ""),
        ("tbl-survey", results.shares, "survey_"),
        ("tbl-grades", results.details.grades, ""),
        ("tbl-elements", results.details.grades, ""),
    ):
        codes = [row["code"] for row in rows_of(results, identity)]
        assert codes and len(set(codes)) == len(codes), identity
        assert all(prefix + code in shelf for code in codes), identity
    assert rows_of(results, "tbl-rates")[0]["rate"] == repr(results.estimates["overall"].value)


def test_csv_holds_the_numbers_behind_the_words(results):
    entries = {entry.id: entry for entry in results.details.judgements.elements}
    kinds = set()
    for row in rows_of(results, "tbl-elements"):
        entry = entries[row["code"]]
        for key in ("value", "low", "high", "x", "n", "finding"):
            value = getattr(entry.evidence, key, None)
            assert row[key] == ("" if value is None else str(value)), (row["code"], key)
            kinds |= {key} if row[key] else set()
    assert {"value", "x", "finding"} <= kinds
    for row in rows_of(results, "tbl-bands"):
        for grade, least in entries[row["code"]].bands.items():
            finding = isinstance(least, str)
            key = f"least_{'finding_' if finding else ''}{grade}".replace(" ", "_")
            assert row[key] == (least if finding else str(least / 100))
    codes = [row["code"] for row in rows_of(results, "tbl-sample")]
    assert codes == ["violence", "sexual", "other", "overall"]


def test_csv_cells_are_plain_values(results):
    for identity, output in index.tables_of(default_programme()).items():
        for row in (output.build(results) or tables.Table((), [])).rows:
            assert all(value is None or isinstance(value, str | int | float) for value in row.values()), identity


def test_csv_text_is_no_formula(results):
    texts = [row["text"] for row in rows_of(results, "tbl-assumptions")]
    assert f"'{DIFFICULT[0]}" in texts and f"'{DIFFICULT[1]}" in texts
