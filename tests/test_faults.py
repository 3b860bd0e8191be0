"""Files as people really have them: each is read as what it holds, or refused with what is wrong; never something else.

Each kind of fault was seen in public issue threads of other tools. The inputs are built here.
"""

import datetime
import io
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest
from auditors import GROUPS, MAPPED, fill_in, frame
from bad_inputs import in_yaml
from complete_force import complete_files, complete_tables, write_files
from forces import crimes, parameters, write_force

from cdi_lib.fieldwork.chain import check_chain
from cdi_lib.fieldwork.collected import check_collected, collect
from cdi_lib.fieldwork.draw import draw_recheck, draw_sample, read_audit_frame, read_selection, repeat_draw
from cdi_lib.fieldwork.returns import check_returns
from cdi_lib.inspection.files import file_hash, read
from cdi_lib.inspection.folders import PROJECT as ROOT
from cdi_lib.inspection.folders import sweep
from cdi_lib.inspection.parameters import check_inspection
from cdi_lib.inspection.problems import InputError, Problem, grouped
from cdi_lib.inspection.records import load_records
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.report import wording

PLAN = {"seed": 7, "expected_rate_percent": 90, "margin_points": 5, "incidents": {"violence": 3, "other": 2}}
HEADER = ("incident_id", "stratum")
ROWS = [(f"I{k:03}", ("violence", "other")[k % 2]) for k in range(20)]


def workbook(path, *sheets, change=lambda book: None):
    """A workbook with sheets of rows: ``("Sheet", rows)``; ``change`` is made before it is saved."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    change(book)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def changed_sheet(path, change, name="sheet1.xml"):
    """Change the XML of the first sheet of a workbook, or of all parts."""
    changed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(old.read(part)) if part.endswith(name) else old.read(part))
    path.write_bytes(changed.getvalue())


def inspection(**plan):
    return check_inspection(parameters(sampling=PLAN | plan), "params/testshire.yml")


def drawn(folder, **plan):
    """The ids drawn of the frame in a folder of parameters."""
    draw_sample("testshire", inspection(**plan), folder)
    return set(read_selection("testshire", folder, "first")["id"])


@pytest.fixture
def own(tmp_path):
    """The folder of a force in a folder of parameters."""
    folder = tmp_path / "testshire"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """What is drawn of the frame as plain CSV."""
    folder = tmp_path_factory.mktemp("right")
    (folder / "testshire").mkdir()
    pd.DataFrame(ROWS, columns=HEADER).to_csv(folder / "testshire" / "frame.csv", index=False)
    return drawn(folder)


def refused(call, *words):
    with pytest.raises(InputError) as caught:
        call()
    text = str(caught.value)
    assert all(word in text for word in words), text
    return caught.value.problems


def load(folder):
    return load_records("testshire", check_inspection(parameters(), "params/testshire.yml"), folder)


AUDITED = crimes({"violence": 6, "sexual": 4, "other": 5}, {"violence": 5, "sexual": 4, "other": 4})


def crimes_rows(**changes):
    table = AUDITED.astype(object).where(AUDITED != "", None)
    for name, values in changes.items():
        table[name] = values
    return [list(table.columns), *table.to_numpy().tolist()]


# ---- ids ------------------------------------------------------------------------------------------------------


def test_long_numbers_are_refused_in_tables_as_in_frames(tmp_path, own):
    numbers = [1234567890123450.0 + 10 * k for k in range(15)]
    workbook(own / "crimes.xlsx", ("Sheet1", crimes_rows(incident_id=numbers)))
    [problem] = refused(lambda: load(tmp_path), "rows 2, 3, 4 and 12 more, column incident_id", "16 digits", "as text")
    assert "1234567890123450" not in str(problem)
    (own / "crimes.xlsx").unlink()
    workbook(own / "frame.xlsx", ("Sheet1", [HEADER, *((number, "violence") for number in numbers)]))
    refused(lambda: drawn(tmp_path), "16 digits or more", "column incident_id")


@pytest.mark.parametrize(
    ("value", "form", "words"),
    [
        (datetime.datetime(2022, 3, 1), "yyyy-mm-dd", "dates"),
        (2, "000000", "shown in another form"),
        (2, '"INC-"0', "shown in another form"),
        (True, "General", "dates"),
    ],
)
@pytest.mark.parametrize("table", ["frame", "crimes"])
def test_ids_that_a_spreadsheet_has_changed_are_refused(tmp_path, own, value, form, words, table):
    def changed(book):
        column = "A" if table == "frame" else "B"
        book.active[f"{column}5"].value, book.active[f"{column}5"].number_format = value, form

    rows = [HEADER, *ROWS] if table == "frame" else crimes_rows()
    workbook(own / f"{table}.xlsx", ("Sheet1", rows), change=changed)
    call = (lambda: drawn(tmp_path)) if table == "frame" else (lambda: load(tmp_path))
    refused(call, "row 5, column incident_id", words, "as text")


def test_whole_numbers_in_a_plain_format_are_ids(tmp_path, own):
    workbook(own / "frame.xlsx", ("Sheet1", [HEADER, *((k, "violence") for k in range(1000, 1010))]))
    assert all(name.isdecimal() for name in drawn(tmp_path, incidents={"violence": 3}))


@pytest.mark.parametrize("character", ["\u200b", "\ufeff", "\u202e", "\u200f", "\u2060"])
def test_invisible_characters_in_ids_are_refused(tmp_path, own, character):
    (own / "frame.csv").write_text(
        "incident_id,stratum\n" + "".join(f"{i},{s}\n" for i, s in [*ROWS, ("I001" + character, "other")]), "utf-8"
    )
    refused(lambda: drawn(tmp_path), "1 id with hidden characters (row 22)")
    (own / "frame.csv").unlink()
    ids = list(AUDITED["incident_id"])
    AUDITED.assign(incident_id=[ids[0] + character + "x", *ids[1:]]).to_csv(own / "crimes.csv", index=False)
    refused(lambda: load(tmp_path), "row 2, column incident_id: got invisible characters")


def test_spaces_at_the_ends_of_ids_do_not_count(tmp_path, own, right):
    pd.DataFrame([(f"\u00a0{i} ", s) for i, s in ROWS], columns=HEADER).to_csv(own / "frame.csv", index=False)
    assert drawn(tmp_path) == right


@pytest.mark.parametrize("short", ["1.23457E+15", "1000007.0"])
def test_ids_in_short_form_are_refused(tmp_path, own, short):
    (own / "frame.csv").write_text(f"incident_id,stratum\n{short},violence\n2,violence\n")
    refused(lambda: drawn(tmp_path, incidents={"violence": 1}), "short form")
    (own / "frame.csv").unlink()
    AUDITED.assign(incident_id=[short] * len(AUDITED)).to_csv(own / "crimes.csv", index=False)
    refused(lambda: load(tmp_path), "numbers in short form", "rows 2, 3, 4 and 12 more")


# ---- workbooks --------------------------------------------------------------------------------------------------


def test_of_several_sheets_none_is_guessed(tmp_path, own, right):
    path = workbook(own / "frame.xlsx", ("January", [HEADER, *ROWS[:10]]), ("February", [HEADER, *ROWS[10:]]))
    refused(lambda: drawn(tmp_path), "the sheets 'January', 'February'", "sampling.frame.sheet")
    assert drawn(tmp_path, frame={"sheet": "February"}) <= {name for name, _ in ROWS[10:]}
    trail = (own / "sample" / "trail.json").read_text()
    assert "xlsx, sheet February" in trail
    refused(lambda: drawn(tmp_path, frame={"sheet": "March"}), "the sheet 'March'")
    assert path.exists()


def test_a_hidden_sheet_is_not_read_and_that_is_told(own):
    def hide(book):
        book["Old"].sheet_state = "hidden"

    rows = [HEADER, *ROWS]
    path = workbook(own / "frame.xlsx", ("Old", [HEADER, ("X", "other")]), ("New", rows), ("Empty", []), change=hide)
    table = read(path, "frame.xlsx", HEADER)
    assert table.cells == [list(row) for row in ROWS] and table.sheet == "New"
    assert "'Old' not read" in str(table.told[0])


def test_a_sheet_of_the_name_of_the_table_is_the_table(tmp_path, own):
    workbook(own / "crimes.xlsx", ("Notes", [("to do",)]), ("crimes", crimes_rows()))
    records = load(tmp_path)
    assert len(records.crimes) == 15 and "'Notes' not read" in str(records.told[0])


def test_a_header_twice_in_a_workbook_is_refused(tmp_path, own):
    workbook(own / "frame.xlsx", ("Sheet1", [(*HEADER, "stratum"), *((i, s, "other") for i, s in ROWS)]))
    refused(lambda: drawn(tmp_path), "2 columns of this name")


@pytest.mark.parametrize("dimension", ["A1", "A1:B3", "A1:XFD1048576"])
def test_every_row_is_read_whatever_the_dimension_says(own, dimension):
    path = workbook(own / "frame.xlsx", ("Sheet1", [HEADER, *ROWS]))
    changed_sheet(path, lambda text: text.replace(b'ref="A1:B21"', f'ref="{dimension}"'.encode()))
    assert len(read(path, "frame.xlsx", HEADER).cells) == 20


@pytest.mark.parametrize("twice", [False, True])
def test_rows_that_are_not_in_order_are_refused(own, twice):
    """openpyxl leaves out a row whose number is not above that of the row before."""
    path = workbook(own / "frame.xlsx", ("Sheet1", [HEADER, *ROWS]))
    mark = b'<row r="%d"' % (5 if twice else 7)
    changed_sheet(path, lambda xml: xml.replace(b'<row r="6"', mark).replace(b'<row r="7"', mark, 1))
    refused(lambda: read(path, "frame.xlsx"), "a row that stands behind its place", f"row {5 if twice else 7}")


def test_a_formula_without_a_value_is_no_blank_cell(tmp_path, own):
    rows = crimes_rows()
    rows[3][-1] = "=K4+1/24"
    workbook(own / "crimes.xlsx", ("Sheet1", rows))
    refused(lambda: load(tmp_path), "row 4, column recorded_at", "a formula without a saved value", "save it")


def test_the_error_of_a_formula_is_refused(tmp_path, own):
    rows = crimes_rows()
    rows[3][-1] = "#N/A"
    workbook(own / "crimes.xlsx", ("Sheet1", rows))
    refused(lambda: load(tmp_path), "row 4, column recorded_at", "the error of a formula")


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_a_value_that_is_struck_out_is_refused(tmp_path, own, kind):
    """People strike out a row that they mean to take back; nothing says that it does not count."""

    def strike(book):
        book.active["B3"].font = openpyxl.styles.Font(strike=True)
        book.active["A4"].font = openpyxl.styles.Font(bold=True)

    path = workbook(own / "frame.xlsx", ("Sheet1", [HEADER, *ROWS]), change=strike)
    if kind != "xlsx":
        converted(path, kind)
    refused(lambda: drawn(tmp_path), "row 3, column stratum: got a value that is struck out")


def test_what_no_column_asks_for_may_hold_errors(tmp_path, own, right):
    rows = [(*HEADER, "note"), *((i, s, "=1/0") for i, s in ROWS)]
    workbook(own / "frame.xlsx", ("Sheet1", rows))
    assert drawn(tmp_path) == right


def test_a_true_midnight_is_a_time_where_the_cell_shows_one(tmp_path, own):
    def shows(form):
        def change(book):
            for row in range(2, 17):
                book.active[f"K{row}"].number_format = form

        return change

    times = [datetime.datetime(2022, 2, 3)] * 15
    later = [None if row[8] == "no" else datetime.datetime(2022, 2, 3, 5) for row in crimes_rows()[1:]]
    rows = crimes_rows(reported_at=times, recorded_at=later)
    workbook(own / "crimes.xlsx", ("Sheet1", rows), change=shows("yyyy-mm-dd hh:mm"))
    assert load(tmp_path).crimes["within_limit"].sum() == 13
    workbook(own / "crimes.xlsx", ("Sheet1", rows), change=shows("yyyy-mm-dd"))
    refused(lambda: load(tmp_path), "column reported_at", "a date and time")


# ---- dialects and other formats ---------------------------------------------------------------------------------


def csv_as(mark=",", ends="\n", above="", rows=ROWS):
    lines = [mark.join(map(str, row)) for row in [(*HEADER, '"free\ntext"'), *((*row, '"a;b,c"') for row in rows)]]
    return above + ends.join(lines) + ends


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_csv_of_every_dialect(tmp_path, own, right, encoding, mark, ends):
    (own / "frame.csv").write_bytes(csv_as(mark, ends).encode(encoding))
    assert drawn(tmp_path) == right


@pytest.mark.parametrize("above", ["sep=,\n", "Export of the force\n", "\n\n", "Export,,\n2022,,\n\n"])
def test_rows_above_a_header_are_found(tmp_path, own, right, above):
    (own / "frame.csv").write_text(csv_as(above=above))
    assert drawn(tmp_path) == right
    table = read(own / "frame.csv", "frame.csv", HEADER)
    assert len(table.told) == 1 and "passed over" in str(table.told[0])


def test_a_table_of_one_column_alone_is_one_message(tmp_path, own):
    AUDITED.to_csv(own / "crimes.csv", index=False, sep="^")
    told = refused(lambda: load(tmp_path), "crimes.csv: got one column alone, 'crime_id^", "between commas")
    assert len(told) == 1


def test_rows_of_a_table_keep_their_numbers_below_a_title(tmp_path, own):
    text = AUDITED.assign(recorded="perhaps").to_csv(index=False)
    (own / "crimes.csv").write_text("Audit of 2022\n\n" + text)
    refused(lambda: load(tmp_path), "row 4, column recorded: got 'perhaps'")


def converted(path, kind):
    command = ["soffice", "--headless", "--convert-to", kind, "--outdir", str(path.parent), str(path)]
    try:
        subprocess.run(command, capture_output=True, timeout=120, check=True)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("LibreOffice is not installed; it writes these files")
    made = path.with_suffix(f".{kind}")
    path.unlink()
    return made


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ods", "xls"])
def test_workbooks_of_other_programs(tmp_path, own, kind):
    rows = crimes_rows()
    for row, recorded in ((rows[2], "=TRUE()"), (rows[3], True)):
        row[8] = recorded
    rows[2][10] = rows[2][11] = datetime.datetime(2022, 2, 3)

    def change(book):
        for cell in ("K3", "L3"):
            book.active[cell].number_format = "yyyy-mm-dd hh:mm"

    converted(workbook(own / "crimes.xlsx", ("Sheet1", rows), change=change), kind)
    records = load(tmp_path)
    assert records.crimes["recorded"].sum() == 13 and records.crimes["within_limit"].sum() == 13
    rows[4][11], rows[5][1], rows[6][1] = "=NA()", datetime.datetime(2022, 1, 1), 12
    (own / f"crimes.{kind}").unlink()

    def shown(book):
        change(book)
        book.active["B7"].number_format = "0000"

    converted(workbook(own / "crimes.xlsx", ("Sheet1", rows), change=shown), kind)
    places = (
        "row 5, column recorded_at: got the error",
        "row 6, column incident_id: got dates",
        "row 7, column incident_id",
    )
    refused(lambda: load(tmp_path), *places)


def test_a_workbook_with_a_password_is_said_to_be_one(own):
    path = own / "frame.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"))
    refused(lambda: read(path, "frame.xlsx"), "a workbook with a password", "remove the password")


def test_parquet_of_every_string_type_and_index(tmp_path, own, right):
    import pyarrow as pa
    from pyarrow import parquet

    for kind in (pa.string_view(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        columns = [pa.array(column).cast(pa.string()).cast(kind) for column in zip(*ROWS, strict=True)]
        parquet.write_table(pa.table(columns, names=list(HEADER)), own / "frame.parquet")
        assert drawn(tmp_path) == right
        (own / "sample" / "trail.json").unlink()
    pd.DataFrame(ROWS, columns=HEADER).set_index("incident_id").to_parquet(own / "frame.parquet")
    assert drawn(tmp_path) == right
    AUDITED.astype("category").set_index("crime_id").to_parquet(own / "crimes.parquet")
    assert len(load(tmp_path).crimes) == 15


def test_answers_as_people_and_spreadsheets_write_them(tmp_path, own):
    answers = AUDITED["recorded"].map({"yes": "TRUE", "no": "No"})
    AUDITED.assign(recorded=answers, domestic_abuse=AUDITED["domestic_abuse"].str.title()).to_csv(
        own / "crimes.csv", index=False
    )
    records = load(tmp_path)
    assert records.crimes["recorded"].sum() == 13 and records.crimes["domestic_abuse"].sum() == 5


# ---- what a frame holds and nobody has named --------------------------------------------------------------------


def test_routes_that_no_mapping_covers(tmp_path, own):
    frame = pd.DataFrame(ROWS, columns=HEADER).assign(route=["999", "Partner referral"] * 10)
    frame.to_csv(own / "frame.csv", index=False)
    declared = {"routes": {"control_room": ["999"]}}
    refused(lambda: drawn(tmp_path, frame=declared), "10 records with other values: 'Partner referral' (10)")
    from cdi_lib.fieldwork.draw import read_audit_frame

    [told] = read_audit_frame("testshire", inspection(), tmp_path).told
    assert told.severity == "warning" and "20 records with other values" in told.got


@pytest.mark.parametrize("name", ["Grand Count", "violence Total", "NULL", "nan", "#N/A"])
def test_what_is_no_stratum_is_refused_where_none_is_named(tmp_path, own, name):
    (own / "frame.csv").write_text(frame_csv([*ROWS, ("I999", name)]))
    refused(lambda: drawn(tmp_path, incidents=None), f"column 'stratum': got what is no stratum: '{name}' (1)")


def test_two_spellings_of_a_stratum_are_refused(tmp_path, own):
    rows = [*ROWS, ("I900", "Violence")]
    pd.DataFrame(rows, columns=HEADER).to_csv(own / "frame.csv", index=False)
    refused(lambda: drawn(tmp_path), "one stratum in several spellings: 'Violence' (1), 'violence' (10)")


# ---- the chain from frame to crimes ------------------------------------------------------------------------------


AUDIT_PLAN = {"incidents": {"violence": 14, "sexual": 8, "other": 8}, "frame": MAPPED}


@pytest.fixture(scope="module")
def whole_chain(tmp_path_factory):
    """A force from its frame to collected crimes; references have leading zeros."""
    params = tmp_path_factory.mktemp("chain")
    asked = inspection(**AUDIT_PLAN)
    write_force(params, "testshire", parameters(sampling=PLAN | AUDIT_PLAN), {"crimes": AUDITED.iloc[:0]})
    table = frame(400)
    table["Log No"] = table["Log No"].str[1:7]
    table.to_csv(params / "testshire" / "frame.csv", index=False)
    draw_sample("testshire", asked, params)
    blank = params / "testshire" / "sample" / "worksheet.xlsx"
    fill_in(blank, params / "testshire" / "returned" / "one.xlsx")
    collect("testshire", check_returns("testshire", asked, params), params)
    return params


@pytest.fixture
def chain(whole_chain, tmp_path):
    return shutil.copytree(whole_chain, tmp_path / "params")


def audit(params):
    return read_audit("testshire", params)


def damaged(path, change, **read):
    """A CSV file after a change of its data frame, all of text."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, **read)
    (change(table)).to_csv(path, index=False)


def test_the_whole_chain_is_sound(chain):
    found = audit(chain)
    assert check_chain("testshire", found.inspection, chain, found.records) == []
    assert len(found.records.main) == 45


def test_lost_zeros_are_an_error_wherever_they_are(chain):
    own = chain / "testshire"
    damaged(own / "crimes.csv", lambda t: t.assign(incident_id=t["incident_id"].str.lstrip("0")))
    [problem] = refused(
        lambda: audit(chain), "28 of 28 incidents that are not in sample/selection.csv", "leading zeros"
    )
    assert "column incident_id" in problem.where
    for name in ("selection.csv", "trail.json"):
        (own / "sample" / name).unlink()
    refused(lambda: audit(chain), "28 of 28 incidents that are not in frame.csv")


def test_lost_zeros_of_the_selection_are_an_error(chain):
    damaged(chain / "testshire" / "sample" / "selection.csv", lambda t: t.assign(id=t["id"].str.lstrip("0")))
    refused(lambda: audit(chain), "selection.csv, rows 2, 3, 4 and 27 more", "not the 30 of the trail", "leading zeros")


def test_lost_zeros_of_a_worksheet_are_told(chain):
    sheet = pd.read_excel(chain / "testshire" / "returned" / "one.xlsx", sheet_name="Audit", dtype=object)
    sheet["incident_id"] = sheet["incident_id"].str.lstrip("0")
    sheet.to_csv(chain / "testshire" / "returned" / "one.csv", index=False)
    (chain / "testshire" / "returned" / "one.xlsx").unlink()
    told = check_returns("testshire", inspection(**AUDIT_PLAN), chain).errors
    assert "leading zeros are lost" in str(told[0]) and "column incident_id" in told[0].where
    assert not any("incidents selected" in str(problem) for problem in told)  # which these are


@pytest.mark.parametrize("change", [lambda t: t.iloc[5:], lambda t: t.assign(Via="CRC"), lambda t: t[::-1]])
def test_a_frame_changed_after_the_draw_is_an_error(chain, change):
    damaged(chain / "testshire" / "frame.csv", change)
    refused(lambda: audit(chain), "frame.csv: got another file than the sample was drawn from", "put it back")


def declare(chain, **declared):
    """Say in the parameters that the frame was changed after the draw."""
    frame = MAPPED | {"changed": {"sha256": file_hash(chain / "testshire" / "frame.csv")} | declared}
    (chain / "testshire.yml").write_bytes(in_yaml(parameters(sampling=PLAN | AUDIT_PLAN | {"frame": frame})))


def test_a_frame_changed_in_nothing_that_was_drawn_can_be_declared(chain):
    ids = set(read_selection("testshire", chain, "first")["id"])
    path, reason = chain / "testshire" / "frame.csv", "Two reports of other forces were taken out"
    undrawn = lambda t: t[t["Log No"].isin(ids) | (t.index % 3 > 0)]
    declare(chain, reason=reason)
    refused(lambda: audit(chain), "sampling.frame.changed: got a frame that was changed, where there is none")
    damaged(path, undrawn)
    refused(lambda: audit(chain), "another file than", f"SHA-256 {file_hash(path)}", "sampling.frame.changed")
    declare(chain, reason=reason)
    found = audit(chain)
    [told] = [problem for problem in found.told if "frame.csv" in problem.file]
    assert told.severity == "warning" and reason in told.got and "all drawn incidents" in told.expected
    assert reason in repeat_draw("testshire", found.inspection, found.records, chain)[1]
    path.unlink()
    refused(lambda: audit(chain), "sampling.frame.changed")


def test_a_draw_from_another_file_that_gives_the_same_is_told(chain):
    damaged(chain / "testshire" / "frame.csv", lambda t: t[::-1])
    [told] = draw_sample("testshire", inspection(**AUDIT_PLAN), chain).told
    assert told.got == "another file than before" and told.severity == "warning"
    damaged(chain / "testshire" / "frame.csv", lambda t: t.iloc[5:])
    refused(lambda: draw_sample("testshire", inspection(**AUDIT_PLAN), chain), "put the frame back")


@pytest.mark.parametrize(
    "change",
    [
        lambda t, row: t.drop(row),
        lambda t, row: t.assign(**{"Log No": t["Log No"].where(t.index != row, "9" + t["Log No"])}),
        lambda t, row: t.assign(**{"Crime group": t["Crime group"].where(t.index != row, GROUPS["other"])}),
        lambda t, row: t.assign(Via=t["Via"].where(t.index != row, "CRC")),
        lambda t, row: t.assign(
            **{"Date/Time reported": t["Date/Time reported"].where(t.index != row, "01/02/2022 03:04")}
        ),
    ],
)
def test_a_frame_changed_in_what_was_drawn_stays_an_error_whatever_is_declared(chain, change):
    drawn = read_selection("testshire", chain, "first").query("stratum == 'violence' and route == 'control_room'")["id"]
    path = chain / "testshire" / "frame.csv"
    damaged(path, lambda t: change(t, t.index[t["Log No"] == drawn.iloc[0]][0]))
    declare(chain, reason="The force corrected it")
    refused(lambda: audit(chain), "frame.csv, row ", "of selection.csv", "also in what was drawn")


def test_a_crime_in_another_stratum_than_drawn_is_an_error(chain):
    damaged(chain / "testshire" / "crimes.csv", lambda t: t.assign(stratum=["violence", *t["stratum"][1:]]).drop(1))
    refused(lambda: audit(chain), "row 2, column stratum: got 1 crime in another stratum than")


@pytest.mark.parametrize("rows", [None, 0])
def test_strata_that_are_missing_beside_a_draw_are_an_error(chain, rows):
    path = chain / "testshire" / "strata.csv"
    damaged(path, lambda t: t.iloc[:rows])
    if rows is None:
        path.unlink()
    refused(lambda: audit(chain), "strata.csv: got no such file", "make collect")
    found = check_returns("testshire", inspection(**AUDIT_PLAN), chain)
    collect("testshire", found, chain)
    assert audit(chain).records.strata is not None


def test_other_sizes_of_strata_than_drawn_from_are_an_error(chain):
    damaged(chain / "testshire" / "strata.csv", lambda t: t.assign(frame_incidents="9999"))
    refused(lambda: audit(chain), "column frame_incidents: got 9,999; expected", "trail.json")


@pytest.mark.parametrize("column", ["recorded_at", "route", "domestic_abuse", "crime_type", "recorded_as"])
def test_every_difference_from_the_worksheets_is_told(chain, column):
    found = audit(chain)
    crimes = found.records.main.copy()
    crimes[column] = crimes[column].to_numpy()[::-1]
    records = replace(found.records, crimes=crimes, challenges=None)
    [told] = check_collected(check_returns("testshire", found.inspection, chain), records)
    assert "differ" in told.got and told.where.startswith("rows ") and told.where.endswith(column)


def test_a_given_cell_that_was_changed_is_an_error(chain):
    path = chain / "testshire" / "returned" / "one.xlsx"
    book = openpyxl.load_workbook(path)
    sheet, columns = book["Audit"], [cell.value for cell in book["Audit"][1]]
    sheet.cell(2, columns.index("reported_at") + 1).value += datetime.timedelta(hours=3)
    sheet.cell(5, columns.index("route") + 1).value = None
    book.save(path)
    places = [str(problem) for problem in check_returns("testshire", inspection(**AUDIT_PLAN), chain).errors]
    assert len(places) == 2 and "row 2, column reported_at" in places[0] and "row 5, column route" in places[1]


def test_the_order_of_day_and_month_is_not_guessed(chain):
    own, asked = chain / "testshire", inspection(**AUDIT_PLAN)
    before = check_returns("testshire", asked, chain)
    sheet = pd.read_excel(own / "returned" / "one.xlsx", sheet_name="Audit", dtype=object)
    (own / "returned" / "one.xlsx").unlink()

    def told(form, without_given=False, only=()):
        table = sheet.copy()
        for name in ("reported_at", "recorded_at"):
            times = pd.to_datetime(table[name])
            times = times.mask(times.dt.day > 12) if without_given else times
            table[name] = times.dt.strftime(form if name in (*only, name)[:1] else "%d/%m/%Y %H:%M")
        table.to_csv(own / "returned" / "one.csv", index=False)
        return check_returns("testshire", asked, chain)

    pd.testing.assert_frame_equal(told("%d/%m/%Y %H:%M:%S").crimes, before.crimes)
    for only in ((), ("recorded_at",)):  # one cause, one message
        [problem] = told("%m/%d/%Y %H:%M", only=only).errors
        column = (*only, "reported_at")[0]
        assert "month before the day" in problem.got and problem.where.endswith(f"more, column {column}")
    damaged(own / "sample" / "selection.csv", lambda t: t.assign(reported_at=""))
    assert any("read in two orders" in str(problem) for problem in told("%d/%m/%Y %H:%M", True).errors)
    assert not any("read in two orders" in str(problem) for problem in told("%Y-%m-%d %H:%M", True).errors)


# ---- what is printed -----------------------------------------------------------------------------------------


def test_charts_do_not_depend_on_the_users_settings(tmp_path):
    (tmp_path / "matplotlibrc").write_text(
        "axes.facecolor: black\nfigure.facecolor: black\nsavefig.facecolor: red\nfont.size: 30\n"
    )
    code = (
        "import hashlib; from cdi_lib.report import charts\n"
        "figure = charts.intervals('t', 's', [charts.Bar('a', 0.5, 0.4, 0.6, 'x')], 'axis', True)\n"
        "print(hashlib.sha256(charts.svg(figure).encode()).hexdigest())"
    )
    run = lambda **own: (
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | own, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    )
    assert run() == run(MATPLOTLIBRC=str(tmp_path))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("they said “we record.”", "They said “we record.”"),
        ("in the U.K.", "In the U.K."),
        ("it's done!", "It's done!"),
        ("plain", "Plain."),
    ],
)
def test_the_last_mark_of_a_finding_is_kept(text, printed):
    assert wording.sentence(text) == printed
    assert wording.points_list([text, "b"]).split("\n")[0] == f"- {text};".replace("!", "\\!")


# ---- somebody who means harm -----------------------------------------------------------------------------------


def spent(call):
    """Seconds and largest memory (MB) of a call in a process of its own, and the beginning of what it refuses."""
    import resource
    import time

    reader, writer = os.pipe()
    if not (child := os.fork()):
        start, said = time.monotonic(), ""
        try:
            call()
        except InputError as error:
            said = str(error)[:1000]
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        os.write(writer, f"{time.monotonic() - start} {most} {said}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    seconds, memory, said = os.read(reader, 5000).decode().split(" ", 2)
    return float(seconds), float(memory), said


@pytest.mark.slow
@pytest.mark.parametrize("place", ["XFD1048576", "A1048576", "XFD2"])
def test_one_cell_far_away_costs_little(own, place):
    path = workbook(
        own / "frame.xlsx", ("Sheet1", [HEADER, *ROWS]), change=lambda book: book.active.__setitem__(place, "x")
    )
    seconds, memory, said = spent(lambda: read(path, "frame.xlsx", HEADER))
    assert seconds < 20 and memory < 700, (seconds, memory)
    assert place == "A1048576" or ("a value in column 16,384" in said and "delete the stray cell" in said)


def test_a_workbook_that_expands_is_refused_at_once(own):
    path = own / "frame.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<row/>" * 110_000_000)  # of which the whole is told first
    refused(lambda: read(path, "frame.xlsx"), "0.7 GB when it is unpacked", "or as CSV")


@pytest.mark.parametrize(
    "part", ["<x " + "a" * 30_000_000 + "='' />", "<!--" + "a" * 30_000_000 + "-->", "<row/>" * 5_000_000]
)
def test_a_part_that_is_packed_too_well_is_refused_at_once(own, part):
    path = workbook(own / "frame.xlsx", ("Sheet1", [HEADER, *ROWS]))
    changed_sheet(path, lambda text: text.replace(b"</sheetData>", b"</sheetData>" + part.encode()))
    seconds, _, said = spent(lambda: read(path, "frame.xlsx", HEADER))
    assert seconds < 5 and "over 200 times as large when it is unpacked" in said


ODS = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
    '<office:body><office:spreadsheet><table:table table:name="A">{}</table:table></office:spreadsheet></office:body>'
    "</office:document-content>"
)
ODS_CELL = '<table:table-cell {} office:value-type="string"><text:p>{}</text:p></table:table-cell>'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ('<table:table-row table:number-rows-repeated="1048000">' + ODS_CELL.format('table:number-columns-repeated="1000"', "x")
         + "</table:table-row>", "more than 30,000,000 cells"),
        ("<table:table-row>" + ODS_CELL.format("", 'x<text:s text:c="2000000000"/>x') + "</table:table-row>", "cannot be read"),
    ],
)  # fmt: skip
def test_what_a_small_ods_file_says_to_repeat_is_not_filled_in(own, rows, words):
    header = "".join(ODS_CELL.format("", name) for name in HEADER)
    with zipfile.ZipFile(own / "frame.ods", "w") as archive:
        archive.writestr("mimetype", "")
        archive.writestr("META-INF/manifest.xml", "")
        archive.writestr("content.xml", ODS.format(f"<table:table-row>{header}</table:table-row>{rows}"))
    seconds, memory, said = spent(lambda: read(own / "frame.ods", "frame.ods", HEADER))
    assert seconds < 30 and memory < 900, (seconds, memory)
    assert words in said


def test_a_parquet_file_of_very_many_equal_rows_is_refused_at_once(own):
    import pyarrow as pa
    from pyarrow import parquet

    equal = pa.DictionaryArray.from_arrays(pa.nulls(20_000_000, pa.int32()).fill_null(0), pa.array(["x"]))
    parquet.write_table(pa.table([equal, equal], names=["crime_id", "incident_id"]), own / "crimes.parquet")
    refused(lambda: read(own / "crimes.parquet", "crimes.parquet"), "more than 30,000,000 cells")


def test_a_column_twice_in_a_parquet_file_is_refused(tmp_path, own):
    import pyarrow as pa
    from pyarrow import parquet

    columns = [pa.array(AUDITED[name]) for name in [*AUDITED, "recorded"]]
    parquet.write_table(pa.table(columns, names=[*AUDITED, "recorded"]), own / "crimes.parquet")
    refused(lambda: load(tmp_path), "the column twice")


def test_merged_cells_that_overlap_are_refused(own):
    path = workbook(own / "frame.xlsx", ("Sheet1", [HEADER, *ROWS]))
    merged = b"</sheetData><mergeCells>" + b'<mergeCell ref="A1:XFD1048576"/>' * 500 + b"</mergeCells>"
    changed_sheet(path, lambda text: text.replace(b"</sheetData>", merged))
    refused(lambda: read(path, "frame.xlsx", HEADER), "merged cells that overlap")


@pytest.mark.parametrize(
    ("kind", "number", "words"), [("float32", 16_777_217, "float32"), ("float64", 10**15, "16 digits")]
)
def test_references_that_a_parquet_file_keeps_as_short_numbers_are_refused(tmp_path, own, kind, number, words):
    ids = [*range(number, number + 15)]
    AUDITED.assign(incident_id=pd.Series(ids, dtype=kind)).to_parquet(own / "crimes.parquet")
    refused(lambda: load(tmp_path), "column incident_id", words)


def test_a_header_of_three_million_columns_is_refused_soon(own):
    (own / "frame.csv").write_text(",".join(["x"] * 3_000_000) + "\n")
    seconds, memory, said = spent(lambda: read(own / "frame.csv", "frame.csv", HEADER))
    assert seconds < 10 and memory < 900, (seconds, memory)
    assert "3,000,000 columns" in said


def test_many_bad_cells_are_counted(tmp_path, own):
    pd.concat([AUDITED] * 1000).assign(recorded="x").to_csv(own / "crimes.csv", index=False)
    problems = refused(lambda: load(tmp_path), "15,000 cells with a mistake")
    assert len(problems) < 10_000
    assert len(grouped(problems)) <= 4


@pytest.mark.stress
@pytest.mark.parametrize("rows", ["\n" * 5_000_000, ",".join(["x"] * 12 + ["\n"]) * 200_000], ids=["blank", "bad"])
def test_refusals_of_many_rows_take_seconds(tmp_path, own, rows):
    (own / "crimes.csv").write_text(",".join(AUDITED) + "\n" + rows)
    seconds, memory, said = spent(lambda: load(tmp_path))
    assert seconds < 30 and memory < 900, (seconds, memory)
    assert "crimes.csv" in said


def test_a_workbook_of_the_strict_kind_is_refused(own):
    path = workbook(own / "frame.xlsx", ("Sheet1", [HEADER, *ROWS]))

    def strict(text):
        text = text.replace(b"schemas.openxmlformats.org/spreadsheetml/2006", b"purl.oclc.org/ooxml/spreadsheetml")
        return text.replace(b"schemas.openxmlformats.org/officeDocument/2006", b"purl.oclc.org/ooxml/officeDocument")

    changed_sheet(path, strict, "")
    refused(lambda: read(path, "frame.xlsx", HEADER), "a file that cannot be read")


def test_what_a_terminal_obeys_is_written_out():
    problem = Problem("returned/a\x1b]52;c;eA==\x07.csv", "", "x\nerror: forged", "\u202e")
    assert str(problem).isprintable() and "\\x1b]52" in str(problem) and "\\nerror" in str(problem)


def test_no_file_name_or_argument_speaks_to_the_terminal(chain, monkeypatch, capsys):
    from cdi_lib.cli import main

    monkeypatch.setenv("CDI_PARAMS", str(chain))
    name = "x\x1b]52;c;eA==\x07\nerror: forged"
    (chain / "testshire" / "returned" / f"{name}.xlsx").write_bytes(b"")
    (chain / "testshire" / f"{name}.csv").write_bytes(b"")
    commands = [
        ("collect",),
        ("trace", f"--record={name}"),
        ("sample", f"--recheck={name}"),
        ("diff", f"--against={name}"),
    ]
    commands += [("accept", f"--copy={name}"), ("collect", "--json")]
    for command, *more in commands:
        main([command, "--force=testshire", *more])
        said = "".join(capsys.readouterr())
        assert not {"\x1b", "\x07"} & set(said) and "\nerror: forged" not in said, command
    papers = (chain / "testshire" / "returned" / "problems.csv").read_text("utf-8")
    assert "forged" in papers and "\x1b" not in papers and "\nerror: forged" not in papers


def test_no_reference_is_in_a_message_about_a_table(tmp_path, own):
    tables = complete_tables()
    tables["crimes"].loc[1, "crime_id"] = tables["crimes"].loc[0, "crime_id"] = "SECRET-1"
    tables["crimes"].loc[3, "incident_id"] = "#REF!SECRET-2"
    tables["challenges"].loc[0, "crime_id"] = "SECRET-3"
    tables["dip_records"].loc[1, "record_id"] = tables["dip_records"].loc[0, "record_id"] = "SECRET-4"
    write_files(
        tmp_path, complete_files() | {f"testshire/{n}.csv": t.to_csv(index=False).encode() for n, t in tables.items()}
    )
    with pytest.raises(InputError) as caught:
        audit(tmp_path)
    assert "SECRET" not in str(caught.value) and "row 2, column crime_id" in str(caught.value)
    tables["crimes"].to_csv(own / "crimes.csv", index=False, header=False)
    with pytest.raises(InputError) as caught:
        audit(tmp_path)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("text", ["=1+1", "\u200b=1+1", "\ufeff=1", "\u2060 @x", "\u202a-1", "\uff1d1"])
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text):
    from cdi_lib.fieldwork.collected import FORMULA

    assert FORMULA.match(text)


def test_half_written_files_of_killed_processes_are_swept(tmp_path, own):
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    for name in (f".trail.json.{done.pid}.tmp", f".crimes.csv.{os.getpid()}.tmp", ".hand.made.tmp"):
        (own / name).write_text("I001")
    sweep(tmp_path)
    assert sorted(path.name for path in own.iterdir()) == sorted([f".crimes.csv.{os.getpid()}.tmp", ".hand.made.tmp"])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system call is one of Linux")
def test_a_command_of_make_ends_with_the_shell_that_started_it():
    code = "import time; from cdi_lib.pipeline.surroundings import settle; settle(); print('on', flush=True); time.sleep(60)"
    shell = subprocess.Popen(
        ["sh", "-c", f'{sys.executable} -c "{code}" & echo $!; wait'],
        cwd=ROOT, env=os.environ | {"MAKELEVEL": "1"}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    child = int(shell.stdout.readline())
    assert shell.stdout.readline() == "on\n"
    shell.kill()
    shell.wait()
    import psutil

    _, alive = psutil.wait_procs([psutil.Process(child)], timeout=10) if psutil.pid_exists(child) else ([1], [])
    assert not alive or alive[0].status() == psutil.STATUS_ZOMBIE


def test_times_in_the_night_when_the_clocks_go_back(tmp_path, own):
    table = AUDITED.copy()
    table.loc[0, ["reported_at", "recorded_at"]] = ["2022-10-30 01:50", "2022-10-30 01:10"]
    table.to_csv(own / "crimes.csv", index=False)
    refused(lambda: load(tmp_path), "the clocks went back: write both times in GMT")


# ---- the analyst's day ---------------------------------------------------------------------------------------------


def test_the_draw_is_told_as_a_table(tmp_path, own):
    pd.DataFrame(ROWS, columns=HEADER).to_csv(own / "frame.csv", index=False)
    said = draw_sample("testshire", inspection(), tmp_path).said
    assert said[0].split() == ["stratum", "in", "frame", "drawn", "margin", "expected"]
    assert [line.split()[:3] for line in said[1:4]] == [
        ["violence", "10", "3"],
        ["other", "10", "2"],
        ["all", "20", "5"],
    ]
    assert "5 points that was asked for is not reached in: " in said[4]


def test_a_recheck_is_enlarged_and_the_draw_stays(chain):
    asked, folder = inspection(**AUDIT_PLAN), chain / "testshire" / "sample"
    draw_recheck("testshire", asked, 10, chain)
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    made = draw_recheck("testshire", asked, 14, chain)
    assert (folder / "recheck.csv").read_bytes().startswith(kept["recheck.csv"])
    for name in ("selection.csv", "trail.json", "worksheet.xlsx", "worksheet-recheck.xlsx"):
        assert (folder / name).read_bytes() == kept[name]
    added = pd.read_excel(folder / "worksheet-recheck-11-to-14.xlsx", sheet_name="Audit")["incident_id"].dropna()
    assert added.nunique() == 4 and made.kept == folder / "worksheet-recheck.xlsx"
    refused(lambda: draw_recheck("testshire", asked, 5, chain), "RECHECK: got 5; expected 14 or more")
    draw_recheck("testshire", asked, 14, chain)


def test_one_cause_is_one_message(tmp_path, own):
    AUDITED.assign(recorded="perhaps", route="phone").to_csv(own / "crimes.csv", index=False)
    problems = refused(lambda: load(tmp_path))
    assert len(problems) == 30 and len(grouped(problems)) == 2
    assert "rows 2, 3, 4 and 12 more, column recorded: got 15 times 'perhaps'" in str(grouped(problems)[0])


@pytest.mark.parametrize("word", ["NA", "nan", "NULL", "."])
def test_what_programs_write_into_blank_cells_is_one_cause(tmp_path, own, chain, word):
    AUDITED.replace("", word).to_csv(own / "crimes.csv", index=False)
    [problem] = refused(lambda: load(tmp_path), f"'{word}' in 2 columns", "blank cells")
    assert problem.where.startswith("rows 2, 3, 4")
    AUDITED.assign(recorded_as=word).to_csv(own / "crimes.csv", index=False)
    refused(lambda: load(tmp_path), f"column recorded_as: got '{word}'")
    path = chain / "testshire" / "returned" / "one.xlsx"
    sheet = pd.read_excel(path, sheet_name="Audit", dtype=object)
    path.unlink()
    sheet.fillna(word).to_csv(path.with_suffix(".csv"), index=False)
    [problem] = check_returns("testshire", inspection(**AUDIT_PLAN), chain).errors
    assert f"'{word}' in " in problem.got


@pytest.mark.parametrize("made", [lambda texts: [t.encode() for t in texts], lambda texts: [[t] for t in texts]])
def test_columns_of_parquet_that_hold_no_text_are_refused(tmp_path, own, made):
    AUDITED.assign(crime_id=made(AUDITED["crime_id"])).to_parquet(own / "crimes.parquet")
    refused(lambda: load(tmp_path), "column crime_id: got values of the kind")


@pytest.mark.parametrize(
    "name", ["frame.csv", "frame.xlsx", "crimes.csv", "crimes.ods", "n100.parquet", "sample/trail.json"]
)
def test_records_are_no_files_of_the_repository(name):
    if not (ROOT / ".git").exists():
        pytest.skip("not a git repository (an unpacked archive, for example)")
    command = ["git", "check-ignore", "-q", f"params/testshire/{name}"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    assert subprocess.run([*command[:3], "params/northamptonshire/crimes.csv"], cwd=ROOT, check=False).returncode == 1


def test_check_says_what_a_final_report_lacks_and_report_says_the_same(chain, monkeypatch):
    from cdi_lib.pipeline import check as checking
    from cdi_lib.pipeline.build import check_final

    monkeypatch.setenv("CDI_PARAMS", str(chain))
    challenge = {
        "crime_id": "x",
        "first_decision": "no crime",
        "challenged_on": "2022-08-01",
        "rule": "r",
        "outcome": "open",
    }
    pd.DataFrame([challenge | {"final_decision": "", "decided_on": "", "reason": ""}]).to_csv(
        chain / "testshire" / "challenges.csv", index=False
    )
    said = checking.check("testshire").said[-1]
    assert "a draft can be built" in said and "1 challenge undecided" in said and "no approval" in said
    assert "no conclusion (findings.conclusion)" in said
    text = (chain / "testshire.yml").read_text().replace("publication:\n", "publication:\n  status: final\n")
    (chain / "testshire.yml").write_text(text)
    found = checking.check("testshire")
    problems = [str(problem) for problem in found.problems if problem.severity == "error"]
    assert len(problems) == 1 and "1 challenge undecided" in problems[0]
    assert found.said[-1].startswith("it is final; still open: no approval")
    refused(lambda: check_final(audit(chain), ""), "1 challenge undecided")


def test_a_table_changed_since_the_report_is_told(chain, monkeypatch):
    import json

    from cdi_lib.pipeline import check as checking

    monkeypatch.setenv("CDI_REPORTS", str(chain / "reports"))
    folder = chain / "reports" / "testshire"
    folder.mkdir(parents=True)
    found = audit(chain)
    (folder / "build.json").write_text(json.dumps({"inputs": found.records.files}))
    assert checking._changed(found) == []
    damaged(chain / "testshire" / "crimes.csv", lambda t: t[::-1])
    [told] = checking._changed(audit(chain))
    assert told.file.endswith("crimes.csv") and told.severity == "warning"


# ---- what spreadsheets and people do to files, of every kind -------------------------------------------------------


def frame_csv(rows=ROWS, header=HEADER):
    return "\n".join(",".join(map(str, row)) for row in [header, *rows]) + "\n"


LINES = frame_csv().split("\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n".join([*LINES[1:5], LINES[0], *LINES[5:]]), ("rows 1, 2, 3", "records above the header in row 5")),
        ("\n".join([*LINES[:5], LINES[0], *LINES[5:]]), ("other values: 'stratum'", "sampling.incidents names")),
        *((frame_csv([*ROWS, (name, "other")]), ("no reference", "row 22"))
          for name in ("#N/A", "NULL", "########", "#REF!", "Total: 20", "VAP Count", "01-Mar", "Err:502")),
        *((frame_csv([*ROWS, (name, "other")]), ("differ only in capitals", "rows 3, 22"))
          for name in ("i001", "І001", "I\u200d001".replace("\u200d", "") + ".0", "Ｉ001")),
        (frame_csv([*ROWS, ("A-7", "other"), ("A\u20137", "other")]), ("differ only in capitals", "rows 22, 23")),
        (frame_csv([*ROWS, ("I999", "оther")]), ("one stratum in several spellings",)),
        (frame_csv([*ROWS, ("Sum", "20")]), ("1 record with other values: '20'",)),
        ("Extract;\n\n" + frame_csv([*ROWS, ("I999", "other", "x")]).replace(",", ";"), ("row 24", "3 values")),
        (frame_csv([*ROWS, ("Ié9", "other")]).encode() + b"I\xe98,other\n", ("row 22", "among those of another")),
        ("<html><table><tr><td>incident_id", ("a web page", "ending of what it is")),
        (frame_csv().replace(",", "^"), ("one column alone, 'incident_id^stratum'", "between commas")),
        ("\n".join(f"note {k}" for k in range(30)) + "\n" + frame_csv(), ("one column alone, 'note 0'", "first 20 rows")),
    ],
)  # fmt: skip
def test_a_frame_that_somebody_has_damaged_is_refused(tmp_path, own, text, words):
    (own / "frame.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(lambda: drawn(tmp_path), "frame.csv", *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (("Extract of July\n" + frame_csv()).encode(), "1 row above the header"),
        (("Extract of July\nForce:,Kent\nBy,type\n" + frame_csv()).encode(), "3 rows above the header"),
        (frame_csv(header=("incident_id", "stratum")).rstrip("\n").encode(), "a last line without an end"),
        (frame_csv([(*row, "café") for row in ROWS], (*HEADER, "note")).encode("cp1252"), "Windows-1252, with the letters 'é'"),
    ],
)  # fmt: skip
def test_what_is_doubtful_about_a_frame_in_csv_is_told(tmp_path, own, right, text, words):
    (own / "frame.csv").write_bytes(text)
    told = draw_sample("testshire", inspection(), tmp_path).told
    assert [words in str(problem) for problem in told] == [True]
    assert set(read_selection("testshire", tmp_path, "first")["id"]) == right


def test_a_value_that_is_nearly_one_to_leave_out_is_not_left_in(tmp_path, own):
    asked = {"frame": {"exclude": {"code": ["TEST"]}}}
    rows = [(*row, "TEST" if k % 7 == 0 else "A") for k, row in enumerate(ROWS)]
    (own / "frame.csv").write_text(frame_csv(rows, (*HEADER, "code")))
    assert len(drawn(tmp_path, **asked)) == 5
    (own / "frame.csv").write_text(frame_csv([*rows, ("I999", "other", "Test")], (*HEADER, "code")))
    refused(lambda: drawn(tmp_path, **asked), "1 record with 'Test', nearly a value that is left out")


def test_rows_of_commas_below_a_frame_are_no_records(tmp_path, own, right):
    (own / "frame.csv").write_text(frame_csv() + ",\n,\n")
    assert drawn(tmp_path) == right


def test_spaces_of_any_kind_round_the_name_of_a_column_do_not_count(tmp_path, own, right):
    (own / "frame.csv").write_text(frame_csv(header=("incident_id", " stratum\u00a0")))
    assert drawn(tmp_path) == right


def test_a_value_to_leave_out_that_no_record_has_is_told_once(tmp_path, own):
    (own / "frame.csv").write_text(frame_csv([(*row, "A") for row in ROWS], (*HEADER, "code")))
    made = draw_sample("testshire", inspection(frame={"exclude": {"code": ["TEST"]}}), tmp_path)
    assert [problem.got for problem in made.told] == ["no record with 'TEST'"]
    assert not any("TEST" in line for line in made.said)


def test_dates_without_a_time_are_told(tmp_path, own):
    rows = [(*row, f"{k + 1:02}/02/2022" + " 10:00" * (k > 2)) for k, row in enumerate(ROWS)]
    (own / "frame.csv").write_text(frame_csv(rows, (*HEADER, "reported_at")))
    [told] = draw_sample("testshire", inspection(), tmp_path).told
    assert told.got == "3 dates without a time"


def test_days_of_the_audit_period_without_a_record_are_told(tmp_path, own):
    """An export that was cut, or made in parts of which one is missing; not the days that chance leaves out."""
    whole = [(f"I{k:03}", ("violence", "other")[k % 2], f"{1 + k // 2 % 28}/{1 + k % 6}/2022 9:00") for k in range(400)]

    def told(rows):
        (own / "frame.csv").write_text(frame_csv(rows, (*HEADER, "reported_at")))
        return [f"{p.where}: {p.got}" for p in read_audit_frame("testshire", inspection(), tmp_path).told]

    assert told(whole) == told(whole[:40]) == []
    assert told([row for row in whole if "/5/" not in row[2]]) == [
        "column 'reported_at': no record of 33 days, from 2022-04-29"
    ]
    assert told([row for row in whole if row[2][-11] in "123"]) == [
        "column 'reported_at': no record of 94 days, from 2022-03-29"
    ]


def test_as_many_records_as_a_program_exports_at_most_are_told(tmp_path, own):
    rows = [(f"I{k:05}", ("violence", "other")[k % 2]) for k in range(30_000)]
    (own / "frame.csv").write_text(frame_csv(rows))
    assert "30,000 records" in str(read_audit_frame("testshire", inspection(), tmp_path).told)
    (own / "frame.csv").write_text(frame_csv(rows[1:]))
    assert read_audit_frame("testshire", inspection(), tmp_path).told == ()


def test_merged_cells_are_refused_and_hidden_rows_told(tmp_path, own):
    rows = crimes_rows()
    workbook(own / "crimes.xlsx", ("Sheet1", rows), change=lambda book: book.active.merge_cells("J7:J8"))
    refused(lambda: load(tmp_path), "row 8, column recorded_as: got a cell merged with others")

    def hide(book):
        for row in (4, 5):
            book.active.row_dimensions[row].hidden = True

    workbook(own / "crimes.xlsx", ("Sheet1", rows), change=hide)
    [told] = load(tmp_path).told
    assert told.where == "rows 4, 5" and told.got == "2 hidden rows"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("crimes.xlsx", b"<html><table></table></html>", "a web page"),
        ("crimes.xls", b"\xef\xbb\xbf<table></table>", "a web page"),
        ("crimes.ods", b"crime_id;incident_id\n", "text such as CSV"),
        ("crimes.xls", "Café\n".encode(), "text such as CSV"),
        ("crimes.xlsx", b"", "an empty file; expected the whole file"),
        ("crimes.csv", b"\x1f\x8b\x08\0\0", "a packed file (.gz)"),
        ("crimes.csv", b"PK\x03\x04\x14\0\0\0", "a workbook (.xlsx or .ods)"),
        ("crimes.csv", b"%PDF-1.7\n", "a PDF"),
        ("crimes.parquet", b"crime_id,incident_id\n", "text such as CSV"),
        ("crimes.parquet", b"PAR1\0\0PAR1", "a file that cannot be read"),
    ],
)
def test_a_file_that_is_another_kind_than_its_name_says(tmp_path, own, name, content, words):
    (own / name).write_bytes(content)
    [problem] = refused(lambda: load(tmp_path), words)
    assert "ending of what it is" in problem.expected or "cannot be read" in problem.got or not content


def test_days_that_a_spreadsheet_took_for_months_are_refused(tmp_path, own):
    days = [datetime.datetime(2022, 2, day, 10) for day in range(1, 16)]
    # opened where the month comes first: the 5th of February is then the 2nd of May, the 13th stays text
    taken = [day.replace(month=day.day, day=2) if day.day < 7 else day.strftime("%d/%m/%Y %H:%M") for day in days]
    taken[6:12] = [day.replace(month=2) for day in days[6:12]]
    workbook(own / "crimes.xlsx", ("Sheet1", crimes_rows(reported_at=taken, recorded_at=[None] * 15)))
    refused(lambda: load(tmp_path), "column reported_at: got dates up to the 12th of a month and text after it")
    workbook(own / "crimes.xlsx", ("Sheet1", crimes_rows(reported_at=days, recorded_at=[None] * 15)))
    assert load(tmp_path).crimes["reported_at"].tolist() == days


@pytest.mark.parametrize("second", ["iv0000", "ІV0000", "IV0000.0", "IV０000"])
def test_two_spellings_of_a_reference_in_a_table_are_refused(tmp_path, own, second):
    table = AUDITED.assign(incident_id=["IV0000", second, *AUDITED["incident_id"][2:]])
    table.to_csv(own / "crimes.csv", index=False)
    [problem] = grouped(refused(lambda: load(tmp_path), "a second spelling"))
    assert problem.where == "rows 2, 3, column incident_id" and second not in str(problem)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (["Total", *[""] * 7, "12", "", "", ""], "7 cells that are not what their columns hold"),
        (["Source: extract of July", *[""] * 11], "6 cells"),
        (list(AUDITED), "the header a second time"),
    ],
)
def test_a_row_that_is_no_record_gets_one_message(tmp_path, own, row, words):
    whole = pd.concat([AUDITED.iloc[:9], pd.DataFrame([row], columns=list(AUDITED)), AUDITED.iloc[9:]])
    whole.to_csv(own / "crimes.csv", index=False)
    [problem] = refused(lambda: load(tmp_path), words)
    assert problem.where == "row 11"


def test_mistakes_of_cells_and_between_rows_are_told_at_once(tmp_path, own):
    table = AUDITED.copy()
    table.loc[0, "recorded"], table.loc[1, "recorded_at"], table.loc[2, "stratum"] = "maybe", "2022-01-01 01:00", ""
    table.loc[3, "recorded_at"] = "2031-02-01 10:00"
    table.to_csv(own / "crimes.csv", index=False)
    told = [
        problem.where
        for problem in refused(lambda: load(tmp_path), "not before the time of report", "after this report")
    ]
    assert told == [
        "row 2, column recorded", "row 3, column recorded_at", "row 5, column recorded_at", "row 4, column stratum"
    ]  # fmt: skip


def test_of_rows_that_cannot_be_read_nothing_else_is_said(tmp_path):
    files = complete_files()
    text = files["testshire/crimes.csv"].decode().split("\n")
    text[1] = text[1].replace(",yes,", ",maybe,", 1)  # V0000, which a challenge names
    write_files(tmp_path, files | {"testshire/crimes.csv": "\n".join(text).encode()})
    [problem] = refused(lambda: read_audit("testshire", tmp_path), "'maybe'")
    assert problem.where.startswith("row 2")


def test_a_sum_is_no_stratum(tmp_path):
    files = complete_files()
    files["testshire/strata.csv"] += b"Total,11700,17\n"
    write_files(tmp_path, files)
    refused(lambda: read_audit("testshire", tmp_path), "strata.csv, row 5: got the sum of the other rows")


def test_strata_that_are_not_those_of_the_draw_are_an_error(chain):
    damaged(chain / "testshire" / "strata.csv", lambda t: pd.concat([t, t.iloc[:1].assign(stratum="drugs")]))
    refused(lambda: audit(chain), "column stratum: got other strata than those of the draw: 'drugs'")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.encode("utf-16"), ""),
        (lambda text: text.replace(",", ";").encode(), ""),
        (lambda text: text.replace("False", "FALSE").encode(), ""),
        (lambda text: b"", "an empty file"),
        (lambda text: (text + "a,b,c,d,e,f,g,h,i,j\n").encode(), "10 values"),
        (lambda text: (text + "\0").encode(), "a zero byte"),
        (lambda text: text.replace("violence", '"violence', 1).encode(), "a quotation mark that is not closed"),
        (lambda text: text.replace("violence", "violencé", 1).encode("cp1252"), "not the 30 of the trail"),
    ],
)
def test_a_selection_that_a_spreadsheet_has_saved(chain, change, words):
    path = chain / "testshire" / "sample" / "selection.csv"
    before = read_selection("testshire", chain, "first")
    path.write_bytes(change(path.read_text()))
    if words:
        refused(lambda: audit(chain), "selection.csv", words)
    else:
        pd.testing.assert_frame_equal(read_selection("testshire", chain, "first"), before)


# ---- worksheets --------------------------------------------------------------------------------------------------


def returned(chain, change=lambda sheet, columns, book: None):
    """What is said of the returned worksheet after a change of its sheet Audit."""
    path = chain / "testshire" / "returned" / "one.xlsx"
    book = openpyxl.load_workbook(path)
    change(book["Audit"], {cell.value: cell.column for cell in book["Audit"][1]}, book)
    book.save(path)
    return [str(problem) for problem in check_returns("testshire", inspection(**AUDIT_PLAN), chain).problems]


def test_rows_of_a_worksheet_keep_their_numbers_below_blank_rows_and_long_cells(chain):
    def change(sheet, columns, book):
        sheet.insert_rows(8, 2)
        sheet.cell(2, columns["reason"]).value = "one\ntwo"
        sheet.cell(11, columns["finding"]).value = "crimes"

    assert any("one.xlsx, row 11, column finding: got 'crimes'" in line for line in returned(chain, change))
    path = chain / "testshire" / "returned" / "one.xlsx"
    lines = pd.read_excel(path, sheet_name="Audit", dtype=object).to_csv(index=False).splitlines(keepends=True)
    path.unlink()
    path.with_suffix(".csv").write_text("".join([*lines[:6], "\n", "\n", *lines[6:]]))
    told = check_returns("testshire", inspection(**AUDIT_PLAN), chain).problems
    assert any("one.csv, row 13, column finding: got 'crimes'" in str(problem) for problem in told)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ods", "xls"])
def test_a_worksheet_that_another_program_has_saved_is_read_as_it_was(chain, kind):
    """LibreOffice fills each sheet with rows to its end, and the worksheet has sheets before and behind the audit."""
    path, asked = chain / "testshire" / "returned" / "one.xlsx", inspection(**AUDIT_PLAN)
    before = check_returns("testshire", asked, chain)
    again = converted(shutil.copy(path, path.with_name("two.xlsx")), kind)
    path.unlink()
    saved = check_returns("testshire", asked, chain)
    assert saved.errors == ()
    pd.testing.assert_frame_equal(saved.crimes, before.crimes)
    book = openpyxl.load_workbook(shutil.copy(chain / "testshire" / "sample" / "worksheet.xlsx", path))
    book["Audit"].cell(7, 5).value = "crimes"
    book.save(path)
    again.unlink()
    converted(path, kind)
    assert any("row 7, column finding" in str(problem) for problem in check_returns("testshire", asked, chain).problems)


def second_crime(sheet, columns):
    numbered = range(2, sheet.max_row)
    return next(
        r
        for r in numbered
        if sheet.cell(r, columns["crime_number"]).value == 2 and sheet.cell(r, columns["recorded"]).value
    )


def test_a_deleted_row_of_a_worksheet_is_told(chain):
    assert returned(chain) == []
    [told] = returned(chain, lambda sheet, columns, book: sheet.delete_rows(second_crime(sheet, columns)))
    assert "1 incident without all rows that the worksheet gave" in told


def test_a_second_audit_sheet_is_told(chain):
    [told] = returned(chain, lambda sheet, columns, book: book.copy_worksheet(sheet))
    assert "'Audit Copy' not read" in told


def test_cells_merged_over_an_incident_are_read_and_others_refused(chain):
    assert returned(chain, lambda sheet, columns, book: sheet.merge_cells("E2:E4")) == []

    def merge(sheet, columns, book):
        row, column = second_crime(sheet, columns), columns["recorded_at"]
        sheet.merge_cells(start_row=row - 1, end_row=row, start_column=column, end_column=column)

    [told] = returned(chain, merge)  # and not that all incidents are missing, which that file holds
    assert "column recorded_at: got a cell merged with others" in told


def test_day_and_month_exchanged_in_one_cell_are_told(chain):
    def exchange(sheet, columns, book):
        at, then = (columns[name] for name in ("reported_at", "recorded_at"))
        for row in range(2, sheet.max_row):
            time = sheet.cell(row, then).value
            if time and time.month < time.day <= 8 and sheet.cell(row, at).value:
                sheet.cell(row, then).value = time.replace(month=time.day, day=time.month)
                return

    [told] = returned(chain, exchange)
    assert "column recorded_at" in told and "with the two exchanged it would be recorded within three days" in told


def test_a_misspelt_reference_of_a_worksheet_is_told_with_the_row_that_it_is_like(chain):
    selection = read_selection("testshire", chain, "first")["id"].tolist()

    def misspell(sheet, columns, book):
        for row in (2, 3, 4):
            sheet.cell(row, columns["incident_id"]).value = "O" + selection[0][1:]

    told = returned(chain, misspell)
    assert any(
        "a record that was not selected" in line and "the one in its row 2 is most like it" in line for line in told
    )


def test_a_worksheet_of_another_draw_is_told_once(chain, tmp_path):
    other = shutil.copytree(chain, tmp_path / "other")
    shutil.rmtree(other / "testshire" / "sample")
    draw_sample("testshire", inspection(**AUDIT_PLAN, seed=8), other)
    blank = other / "testshire" / "sample" / "worksheet.xlsx"
    fill_in(blank, chain / "testshire" / "returned" / "one.xlsx")
    told = [line for line in returned(chain) if "not selected" in line]
    assert len(told) == 1 and "of another force, or of an earlier draw" in told[0]


@pytest.mark.parametrize("ending", [".numbers", ".xlsb"])
def test_a_worksheet_of_a_kind_that_is_not_read_is_to_be_saved_as_another(chain, ending):
    path = chain / "testshire" / "returned" / "one.xlsx"
    path.rename(path.with_suffix(ending)).write_bytes(b"PK\x03\x04\0")
    [problem] = check_returns("testshire", inspection(**AUDIT_PLAN), chain).errors
    assert problem.got == "a workbook of a kind that is not read" and "save it as one" in problem.expected


@pytest.mark.parametrize("name", ["one.pdf", "ann", "one.gsheet", "one.xlsx.crdownload", "one"])
def test_what_is_returned_and_not_read_is_told(chain, name):
    folder = chain / "testshire" / "returned"
    if name == "ann":
        (folder / name).mkdir()
    (folder / "one.xlsx").rename(folder / name / "one.xlsx" if name == "ann" else folder / name)
    problems = check_returns("testshire", inspection(**AUDIT_PLAN), chain).problems
    assert problems[-1].file.endswith(f"returned/{name}") and "not read" in problems[-1].got


def test_a_frame_that_is_lost_is_no_error_and_that_is_said(chain):
    damaged(chain / "testshire" / "frame.csv", lambda t: t.iloc[5:])
    refused(lambda: audit(chain), "if it is lost, take this one out of the folder")
    (chain / "testshire" / "frame.csv").unlink()
    assert any("nobody can repeat the draw" in problem.expected for problem in audit(chain).told)


# ---- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["diff", "report"])
def test_a_reader_who_wants_no_more_is_no_error(command, monkeypatch, capsys):
    from cdi_lib import cli

    def closed(*arguments, **named):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(cli, "_unread", lambda status: status)
    monkeypatch.setattr(cli, "_results_to_compare", closed)
    monkeypatch.setattr("cdi_lib.pipeline.runner.build_all", closed)
    assert cli.main([command, "--force=northamptonshire"]) == (0 if command == "diff" else 1)
    assert capsys.readouterr() == ("", "")


def test_the_worksheet_says_who_fills_in_the_measured_columns(tmp_path):
    from cdi_lib.fieldwork.worksheet import RECHECK, write_worksheet

    asked = check_inspection(parameters(programme="qsr-2025"), "params/testshire.yml")
    incidents = pd.DataFrame({"id": ["1"], "stratum": ["violence"]})
    book = openpyxl.load_workbook(write_worksheet(tmp_path / "a.xlsx", incidents, RECHECK, asked))
    columns, lines = [cell.value for cell in book["Audit"][1]], [cell.value for cell in book["Instructions"]["A"]]
    measured = [name for name in ("recorded_class", "safeguarded", "investigated") if name in columns]
    assert measured and all(name in lines[-3] for name in measured) and lines[-3].startswith("9. Whoever audits")
    assert lines[-2].startswith("10. A crime that the force recorded") and "over_recorded" in columns
    assert lines[-1].startswith("11. This is the blind re-check")
