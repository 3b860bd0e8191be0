"""Random damages of the kinds that spreadsheets and people do to the files of a whole force: each is refused, told, or
changes no figure. 12 here; `make stress` does 500 (CDI_DAMAGES)."""

import datetime
import os
import random
import shutil

import openpyxl
import pandas as pd
import pytest
from auditors import MAPPED, fill_in, frame
from complete_force import complete_tables
from forces import parameters, write_force

from cdi_lib.fieldwork.chain import check_chain
from cdi_lib.fieldwork.collected import check_collected, collect
from cdi_lib.fieldwork.draw import draw_sample
from cdi_lib.fieldwork.returns import check_returns
from cdi_lib.inspection.parameters import check_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.pipeline.audit import read_audit

SAMPLING = {
    "seed": 7, "expected_rate_percent": 90, "margin_points": 5, "frame": MAPPED,
    "incidents": {"violence": 14, "sexual": 8, "other": 8},
}  # fmt: skip
FILES = ("crimes.csv", "strata.csv", "frame.csv", "sample/selection.csv", "returned/one.xlsx")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A force from its frame to its collected crimes."""
    params, content = tmp_path_factory.mktemp("whole"), parameters(sampling=SAMPLING)
    write_force(params, "testshire", content, {"crimes": complete_tables()["crimes"].iloc[:0]})
    table = frame(400)
    table["Log No"] = table["Log No"].str[1:7]
    table.to_csv(params / "testshire" / "frame.csv", index=False)
    asked = check_inspection(content, "params/testshire.yml")
    draw_sample("testshire", asked, params)
    fill_in(params / "testshire" / "sample" / "worksheet.xlsx", params / "testshire" / "returned" / "one.xlsx")
    collect("testshire", check_returns("testshire", asked, params), params)
    return params


def as_spreadsheet(value):
    """What a spreadsheet makes of a text that looks like a number, once it is saved again."""
    return str(float(value)).removesuffix(".0") if value.replace(".", "", 1).isdecimal() else value


def swap_days(value):
    date = value.split(" ")[0]
    if date.count("-") == 2:
        year, month, day = date.split("-")
        return f"{year}-{day}-{month}{value[10:]}"
    day, month, rest = value.split("/", 2) if value.count("/") == 2 else (value, "", "")
    return f"{month}/{day}/{rest}" if month else value


# Each takes a table of texts and a random generator, and gives the table as somebody has left it.
def zeros_lost(table, chance):
    return table.map(as_spreadsheet)


def one_column_sorted(table, chance):
    column = chance.choice(list(table))
    return table.assign(**{column: sorted(table[column], reverse=chance.random() < 0.5)})


def one_column_shifted(table, chance):
    column = chance.choice(list(table))
    return table.assign(**{column: ["", *table[column][:-1]]})


def rows_deleted(table, chance):
    start = chance.randrange(len(table))
    return table.drop(index=table.index[start : start + chance.randint(1, 4)])


def rows_doubled(table, chance):
    return pd.concat([table, table.sample(chance.randint(1, 3), random_state=chance.randrange(99))])


def rows_shuffled(table, chance):
    return table.sample(frac=1, random_state=chance.randrange(99))


def dates_swapped(table, chance):
    return table.map(swap_days)


def one_cell_changed(table, chance):
    column, row = chance.randrange(table.shape[1]), chance.randrange(len(table))
    table = table.copy()
    values = [value for value in table.iloc[:, column].unique() if value != table.iat[row, column]]
    table.iat[row, column] = chance.choice(["", "x", *values])
    return table


def column_removed(table, chance):
    return table.drop(columns=chance.choice(list(table)))


def column_doubled(table, chance):
    column = chance.choice(list(table))
    return pd.concat([table, table[[column]]], axis=1)


def columns_exchanged(table, chance):
    one, other = chance.sample(list(table), 2) if table.shape[1] > 1 else (table.columns[0],) * 2
    return table.rename(columns={one: other, other: one})


def header_renamed(table, chance):
    return table.rename(columns={chance.choice(list(table)): "Column1"})


def spaces_added(table, chance):
    column = chance.choice(list(table))
    return table.assign(**{column: [f"{v}{chance.choice(['', ' ', chr(0xA0), chr(0x200B)])}" for v in table[column]]})


def words_capital(table, chance):
    return table.map(str.upper)


def blanks_named(table, chance):
    return table.replace("", chance.choice(["NA", "nan", "NULL", ".", "None", "-"]))


def marks_added(table, chance):
    column, mark = chance.choice(list(table)), chance.choice(["'", "\u200e", "\u00ad", '"'])
    return table.assign(**{column: [mark + value if value else value for value in table[column]]})


TABLES = [value for value in list(globals().values()) if getattr(value, "__code__", None) and value.__code__.co_varnames[:2] == ("table", "chance")]  # fmt: skip
# What else is done to the file as it is written.
WRITINGS = (
    "csv",
    "csv",
    "semicolons",
    "utf-16",
    "cp1252",
    "title",
    "header moved",
    "xlsx",
    "numbers",
    "sheet added",
    "cut",
)


def write(path, table, writing, chance):
    """Write a table as CSV or, under the same name, as a workbook."""
    text = table.to_csv(index=False, lineterminator="\n")
    if writing in ("xlsx", "numbers", "sheet added"):
        path.unlink()
        book = openpyxl.Workbook()
        as_cell = lambda v: float(v) if writing == "numbers" and v.isdecimal() else v or None
        for row in [list(table.columns), *table.to_numpy().tolist()]:
            book.active.append([as_cell(value) for value in row])
        if writing == "sheet added":
            book.create_sheet("Pivot").append(["a", "b"])
        book.save(path.with_suffix(".xlsx"))
        return
    rows = text.split("\n")
    content = {
        "semicolons": text.replace(",", ";"),
        "title": "Crimes of 2022\n" + text,
        "header moved": "\n".join([*rows[1:4], rows[0], *rows[4:]]),
        "cut": text[: chance.randrange(len(text))],
    }.get(writing, text)
    path.write_bytes(
        content.encode("utf-16" if writing == "utf-16" else "cp1252" if writing == "cp1252" else "utf-8", "replace")
    )


def damage(params, seed):
    """Damage one file of a force; returns what was done."""
    chance = random.Random(seed)
    name, change = chance.choice(FILES), chance.choice(TABLES)
    path = params / "testshire" / name
    if path.suffix == ".csv":
        writing = chance.choice(WRITINGS)
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        write(
            path, change(table, chance), "csv" if "/" in name and writing not in ("cut", "title") else writing, chance
        )
        return f"{seed}: {name}: {change.__name__}, {writing}"
    book = openpyxl.load_workbook(path)
    sheet = book["Audit"]
    table = pd.DataFrame(list(sheet.values)[1:], columns=[cell.value for cell in sheet[1]], dtype=object)
    texts = table.map(
        lambda v: "" if v is None else v.strftime("%Y-%m-%d %H:%M") if isinstance(v, datetime.datetime) else str(v)
    )
    changed = change(texts, chance)
    sheet.delete_rows(1, sheet.max_row)
    for row in [list(changed.columns), *changed.to_numpy().tolist()]:
        sheet.append([value or None for value in row])
    book.save(path)
    return f"{seed}: {name}: {change.__name__}"


def told_and_crimes(params):
    """What is said of a force, and the crimes that its figures are computed from; None where it is refused."""
    try:
        found = read_audit("testshire", params)
        returned = check_returns("testshire", found.inspection, params)
    except InputError as error:
        return [str(problem) for problem in error.problems], None
    records = found.records
    told = [*(returned.problems if returned else ()), *records.told]
    told += check_chain("testshire", found.inspection, params, records)
    told += check_collected(returned, records) if returned else []
    crimes = records.crimes.sort_values("crime_id").reset_index(drop=True)
    sizes = None if records.strata is None else records.strata.sort_values("stratum").to_csv(index=False)
    return sorted(map(str, told)), (crimes.to_csv(index=False, columns=sorted(crimes)), sizes)


NUMBER = int(os.environ.get("CDI_DAMAGES", "12"))


@pytest.mark.slow
def test_no_damage_changes_a_figure_in_silence(whole, tmp_path):
    before, sound = told_and_crimes(whole)
    assert sound is not None
    silent, outcomes = [], {"refused": 0, "told": 0, "no figure changed": 0}
    for seed in range(NUMBER):
        params = shutil.copytree(whole, tmp_path / "params")
        done = damage(params, seed)
        told, crimes = told_and_crimes(params)
        if crimes is None:
            outcomes["refused"] += 1
            assert told, done
        elif told != before:
            outcomes["told"] += 1
        elif crimes == sound:
            outcomes["no figure changed"] += 1
        else:
            silent.append(done)
        shutil.rmtree(params)
    print(outcomes)
    assert silent == []
    assert NUMBER < 60 or min(outcomes.values()) > 0
