"""The record tables of a force: read, checked, and held for the notebooks. Areas for improvement that earlier inspections
left open are carried on in one of them."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cdi_lib.inspection.files import SUFFIXES, as_table, file_hash, find_table, is_reference, read
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.parameters import Inspection, load_inspection
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.inspection.programme import MAIN
from cdi_lib.inspection.rules import Mistake, by_row, check_across, check_rows, check_table
from cdi_lib.inspection.tables import OUTCOMES, PARTS, TABLES, columns_of, tables_of, typed

_NAMES = (*TABLES, "frame", "rolling")  # of files in the folder of a force that are read
# of tables that are not read
_ENDINGS = r"\.(xlsb|numbers|tsv|txt|feather|sas7bdat|xpt|sav|dta|rds|accdb|zip|gz|7z|json|xml|html?)"


@dataclass(frozen=True)
class AuditRecords:
    """The tables of one audit. A table that is not there is None: that part was not inspected.

    So is one of `PARTS` without a row, as ``make new`` writes it: nobody who leaves it so has said that there was nothing
    to find. ``untouched`` names these files.
    """

    files: dict[str, str]  # file name -> SHA-256
    crimes: pd.DataFrame
    dip_records: pd.DataFrame | None = None
    over_recorded: pd.DataFrame | None = None
    n100: pd.DataFrame | None = None
    cancellations: pd.DataFrame | None = None
    survey: pd.DataFrame | None = None
    strata: pd.DataFrame | None = None
    register: pd.DataFrame | None = None
    challenges: pd.DataFrame | None = None
    published: pd.DataFrame | None = None
    untouched: tuple[str, ...] = ()
    told: tuple[Problem, ...] = ()  # what was decided in reading them: warnings

    @property
    def main(self) -> pd.DataFrame:
        """The crimes of the main (random) sample."""
        return self.crimes[self.crimes["sample"] == MAIN]

    def file_of(self, table: str) -> str:
        """What messages call the file of a table."""
        return next((name for name in self.files if f"/{table}." in name), f"{table}.csv")


def load_records(force: str, inspection: Inspection, params: Path = PROJECT / "params") -> AuditRecords:
    """Read and check all record tables of a force; InputError with all problems of all tables at once."""
    folder = params / force
    of_files, mistakes, unreadable = _check_files(folder), list[Mistake](), list[str]()
    problems, told = ([problem for problem in of_files if problem.severity == s] for s in ("error", "warning"))
    tables, unread = dict[str, pd.DataFrame](), dict[str, set[str]]()
    files, hashes = {}, {}
    columns = tables_of(inspection.programme)
    for name in TABLES:
        try:
            path = find_table(name, folder)
            if path is None:
                continue
            file = f"params/{force}/{path.name}"
            rows = read(path, file, list(columns[name]), name=name)
            text = as_table(rows)
            told += rows.told
            del rows  # a million of them are many
            files[name], hashes[file] = file, file_hash(path)
            wrong = check_table(text, name, columns[name])
            mistakes += by_row(wrong, text)
            if any(mistake.row is None or mistake.row < 0 for mistake in wrong):
                unreadable.append(name)
                continue
            if wrong:  # the other rows are looked at as well, so that all is told at once
                is_wrong = text.index.isin([mistake.row for mistake in wrong])
                unread[name] = {
                    str(value) for column in text if is_reference(str(column)) for value in text[column][is_wrong]
                }
                text = text[~is_wrong]
            tables[name] = typed(text, name, inspection.recording_rule.limit_hours)
            mistakes += check_rows(text, name, inspection, tables[name])
        except InputError as error:
            problems += error.problems
            unreadable.append(name)
    if "crimes" not in files and not problems:
        needed = (name for name, column in columns["crimes"].items() if column.required)
        expected = f"the audited crimes of the force, with the columns {', '.join(needed)}"
        problems.append(Problem(f"params/{force}/crimes.csv", "", "no such file", expected))
    if not problems and not unreadable:
        mistakes += check_across(tables, inspection, unread)
    problems += [mistake.problem(files[mistake.table]) for mistake in mistakes]
    if problems:
        raise InputError(problems)
    untouched = [name for name in PARTS if name in tables and tables[name].empty]
    parts = {name: table.reset_index(drop=True) for name, table in tables.items() if name not in untouched}
    empty = tuple(files[name] for name in untouched)
    return AuditRecords(**parts, files=hashes, untouched=empty, told=tuple(told))


def check_register(force: str, inspection: Inspection, records: AuditRecords, params: Path) -> list[Problem]:
    """Open areas of the earlier inspection that ``previous_inspection.parameters`` names and the register passes over."""
    previous = inspection.previous_inspection
    if previous is None or previous.parameters is None:
        return []
    of, place = previous.parameters, f"params/{force}/register.csv"
    named = [area.id for area in load_inspection(of, params).areas_for_improvement if area.id]
    if path := find_table("register", params / of):
        table = as_table(read(path, f"params/{of}/{path.name}", columns_of("register"), name="register"))
        named += [row["id"] for row in table.to_dict("records") if row["became"] == "open"]
    carried = set() if records.register is None else set(records.register["id"])
    expected = f"what became of it: open, done or superseded; it stands in params/{of}.yml or its register"
    missing = [id_ for id_ in dict.fromkeys(named) if id_ not in carried]
    return [Problem(place, "column id", f"no area '{id_}'", expected) for id_ in missing]


def unread_files(folder: Path) -> list[Path]:
    """Tables in the folder of a force that have the name of none, or an ending that is not read."""
    return [path for path in _table_files(folder) if path.stem not in _NAMES or path.suffix not in SUFFIXES]


def _table_files(folder: Path) -> list[Path]:
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    seen = [path for path in paths if not path.name.startswith((".", "~"))]
    return [path for path in seen if (kind := path.suffix.lower()) in SUFFIXES or re.fullmatch(_ENDINGS, kind)]


def _check_files(folder: Path) -> list[Problem]:
    """Files that someone takes for a table and that would not be read: another ending, or nearly the right name; and
    warnings of those of other names."""
    names, found = [*TABLES, "frame"], list[tuple[Path, *tuple[str, ...]]]()
    for path in _table_files(folder):
        stem = path.stem if path.suffix.lower() in SUFFIXES else path.name.partition(".")[0]  # survey.csv.gz
        if stem not in _NAMES:
            if nearly := difflib.get_close_matches(stem.lower(), names, n=1, cutoff=0.88):
                expected = f"one of {', '.join(names)} (did you mean '{nearly[0]}'?), or a name less like it"
                found.append((path, "a name that is nearly that of a table", expected))
            elif path.suffix.lower() in SUFFIXES:
                expected = f"a table ({', '.join(names)}); worksheets that auditors have filled in go into returned/"
                found.append((path, "a file that is not read", expected, "warning"))
        elif path.suffix not in SUFFIXES:
            expected = f"a table that ends with {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}; save it as one of these"
            found.append((path, f"a file that ends with {path.name.removeprefix(stem)}", expected))
        elif path.is_dir():
            found.append((path, "a folder", "a file with the table"))
    return [Problem(f"params/{folder.name}/{path.name}", "", *said) for path, *said in found]


def doubtful_tables(records: AuditRecords) -> list[Problem]:
    """A warning for every part of the audit whose table has no row, and for what was decided in reading tables."""
    expected = (
        "rows, or no such files: the report says that these parts were not inspected; "
        "if one was, and there was nothing to find, say so in 'findings'"
    )
    if not records.untouched:
        return list(records.told)
    folder, names = Path(records.untouched[0]).parent.as_posix(), ", ".join(Path(n).name for n in records.untouched)
    return [Problem(folder, "", f"tables without a row: {names}", expected, "warning"), *records.told]


def references(records: AuditRecords) -> set[str]:
    """What must not leave the record tables: all references, and why challenges were decided as they were."""
    tables = [table for name in TABLES if (table := getattr(records, name)) is not None]
    columns = [table[name] for table in tables for name in table if name.endswith("_id") or name in ("rule", "reason")]
    return {reference for column in columns for reference in column.dropna()}


def challenge_counts(challenges: pd.DataFrame | None) -> dict[str, int] | None:
    """How many decisions were challenged, and with which outcome; None if there is no such table."""
    if challenges is None:
        return None
    counts = {outcome: int((challenges["outcome"] == outcome).sum()) for outcome in OUTCOMES}
    return {"challenges": len(challenges)} | counts
