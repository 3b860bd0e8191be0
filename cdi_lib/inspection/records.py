"""The tables of an audit: what they hold, how they are read, and what is wrong with them.

A table is a CSV, Excel or Parquet file in ``params/<force>/``. Only ``crimes`` is required; a table that is
not there means that this part was not inspected, and so does one of `PARTS` with a header and no rows. Every value is read as text and checked before it becomes a date, a count or a yes/no, so that a
message can quote what stands in the file.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.parameters import CRIME_TYPES, Inspection, Period
from cdi_lib.inspection.problems import InputError, Problem, shown, suggest
from cdi_lib.inspection.values import unprintable

OFFENCE_CLASSES = PROJECT / "params" / "offence_classes.csv"
MAIN = "main"
PARTS = ("dip_records", "n100", "cancellations", "survey")  # tables of parts that an audit may leave out
MOMENT = (
    "a date and time such as 2019-06-03 14:05 or 03/06/2019 14:05; of midnight a minute later, for a spreadsheet keeps a "
    "date alone as its midnight"
)
DIP_SAMPLES = {
    "vulnerable_adult": "Vulnerable adult records",
    "vulnerable_child": "Vulnerable child records",
    "third_party_email": "E-mailed referrals from third parties",
    "modern_slavery_referral": "Modern slavery referrals",
    "modern_slavery_other": "Other reports of modern slavery",
}
MODERN_SLAVERY_CLASS = "106"
CANCELLATION_TYPES = ("rape", "sexual", "violence", "robbery")
ANSWERS = ("strongly agree", "agree", "neither", "disagree", "strongly disagree")
SHOWN_AS = ("percent", "points", "over", "count", "x of n", "text")
SUFFIXES = (".csv", ".xlsx", ".parquet")
OTHER_SUFFIXES = (".xls", ".xlsm", ".xlsb", ".ods", ".tsv", ".txt", ".feather")  # tables that are not read
RECORDING_LIMIT_HOURS = 24

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR, _CLOCK = (
    "(?P<year>[0-9]{4})",
    "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.]0+)?)?",
)
_MONTH_NAME = f"(?P<month>(?i:{'|'.join(_MONTHS)})[a-z]{{0,6}})"
_DAYS = (
    f"{_YEAR}-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})",
    f"(?P<day>[0-9]{{1,2}})/(?P<month>[0-9]{{1,2}})/{_YEAR}",
    f"(?P<day>[0-9]{{1,2}})(?P<mark>[- ]){_MONTH_NAME}(?P=mark){_YEAR}",
)


@cache
def offence_classes() -> pd.DataFrame:
    """The Home Office offence classes that an audited crime may have, with their crime type.

    Read from ``params/offence_classes.csv``, to which a class can be added without a change of code.
    """
    table = pd.read_csv(OFFENCE_CLASSES, dtype=str)
    return table.set_index("offence_class")


def _one_of(values: Iterable[str]) -> pa.Check:
    values = list(values)
    return pa.Check.isin(values, error=f"one of {', '.join(values)}")


def _filled() -> pa.Check:
    return pa.Check.str_length(min_value=1, error="an entry")


def _moment() -> pa.Check:
    # The calendar is checked as well as the form: 2019-02-30 has the right form.
    return pa.Check(
        lambda text: parse_moments(text).notna(),
        error=MOMENT,
    )


def _day() -> pa.Check:
    return pa.Check(
        lambda text: parse_moments(text, days=True).notna(), error="a date such as 2019-06-03 or 03/06/2019"
    )


def _challenged_decision() -> pa.Check:
    return pa.Check.str_matches(
        r"(recorded|not recorded|no crime|class \S+)$",
        error="recorded, not recorded, no crime, or class and an offence class, such as class 8N",
    )


def _whole_number() -> pa.Check:
    return pa.Check.str_matches(r"[1-9][0-9]{0,8}$", error="a whole number above 0, such as 1250")


def _printable() -> pa.Check:
    expected = "text that can be printed: no control characters, only letters that the report's typeface has"
    return pa.Check(lambda text: text.map(unprintable) == "", error=expected)


def _result_path() -> pa.Check:
    return pa.Check.str_matches(
        r"(estimates|shares|tallies|details)(\.[a-z0-9_-]+)+$",
        error="a place in results.json, such as estimates.overall.value",
    )


def _column(
    description: str, *checks: pa.Check, blank: bool = False, required: bool = True, unique: bool = False
):
    return pa.Column(
        str, [*checks], nullable=blank, required=required, unique=unique, description=description
    )


YES_NO = ("yes", "no")
OUTCOMES = ("upheld", "rejected", "open")
ROUTES = ("control_room", "crime_recording_centre")
RECORDED_AS = ("n100", "incident", "nothing")

TABLES: dict[str, pa.DataFrameSchema] = {
    "crimes": pa.DataFrameSchema(
        {
            "crime_id": _column(
                "reference of the audited crime, unique in this table", _filled(), unique=True
            ),
            "incident_id": _column("reference of the incident or record in which it was found", _filled()),
            "sample": _column(
                "main (the random sample) or the dip sample in which it was found",
                _one_of([MAIN, *DIP_SAMPLES]),
            ),
            "stratum": _column(
                "stratum of the sampling frame from which the incident was drawn; blank outside the main sample. "
                "Leave the column out if incidents were drawn as one simple random sample",
                _filled(),
                blank=True,
                required=False,
            ),
            "crime_type": _column("violence, sexual or other (excluding fraud)", _one_of(CRIME_TYPES)),
            "offence_class": _column(
                "Home Office class as in params/offence_classes.csv, such as 105A", _filled()
            ),
            "route": _column(
                "control_room or crime_recording_centre; blank outside the main sample",
                _one_of(ROUTES),
                blank=True,
            ),
            "domestic_abuse": _column("yes or no", _one_of(YES_NO)),
            "recorded": _column("yes if the force had recorded the crime, else no", _one_of(YES_NO)),
            "recorded_as": _column(
                "for a crime that was not recorded: what the force had instead (n100, incident, nothing)",
                _one_of(RECORDED_AS),
                blank=True,
            ),
            "reported_at": _column("when it was reported, such as 2019-06-03 14:05", _moment(), blank=True),
            "recorded_at": _column(
                "when it was recorded; blank if not recorded or not examined", _moment(), blank=True
            ),
        },
        strict=True,
    ),
    "dip_records": pa.DataFrameSchema(
        {
            "record_id": _column(
                "reference of the examined record, unique in this table", _filled(), unique=True
            ),
            "sample": _column("the dip sample that it belongs to", _one_of(DIP_SAMPLES)),
        },
        strict=True,
    ),
    "n100": pa.DataFrameSchema(
        {
            "record_id": _column("reference of the record, unique in this table", _filled(), unique=True),
            "kind": _column(
                "required (an incident that needed an N100) or review (a record where one was applied)",
                _one_of(["required", "review"]),
            ),
            "applied": _column("yes or no: was the N100 applied", _one_of(YES_NO)),
            "should_be_rape": _column(
                "for a review: yes if it should have been recorded as rape from the outset, else no",
                _one_of(YES_NO),
                blank=True,
            ),
        },
        strict=True,
    ),
    "cancellations": pa.DataFrameSchema(
        {
            "crime_id": _column(
                "reference of the cancelled crime, unique in this table", _filled(), unique=True
            ),
            "crime_type": _column("rape, sexual, violence or robbery", _one_of(CANCELLATION_TYPES)),
            "authorised_by": _column("FCIR or DDM", _one_of(["FCIR", "DDM"])),
            "correct": _column("yes if the cancellation was right, else no", _one_of(YES_NO)),
            "victim_to_be_informed": _column(
                "yes if the victim should have been told, else no", _one_of(YES_NO)
            ),
            "victim_informed": _column(
                "yes or no; blank if there was nobody to inform", _one_of(YES_NO), blank=True
            ),
        },
        strict=True,
    ),
    "survey": pa.DataFrameSchema(
        {
            "respondent_id": _column("number of the respondent, without a name", _filled()),
            "statement": _column("id of a statement in survey_statements of the parameter file", _filled()),
            "answer": _column(", ".join(ANSWERS), _one_of(ANSWERS)),
        },
        strict=True,
    ),
    # Needed where incidents were drawn in strata that are not the types of their crimes: crimes then have weights.
    "strata": pa.DataFrameSchema(
        {
            "stratum": _column(
                "stratum of the sampling frame, as in the table crimes; unique in this table. make collect writes these "
                "rows; leave the table empty if incidents were drawn as one simple random sample",
                _filled(),
                _printable(),
                unique=True,
            ),
            "frame_incidents": _column("incidents of the stratum in the sampling frame", _whole_number()),
            "audited_incidents": _column(
                "incidents of the stratum that were drawn and audited, also those without a crime",
                _whole_number(),
            ),
        },
        strict=True,
    ),
    "challenges": pa.DataFrameSchema(
        {
            "crime_id": _column(
                "reference of the crime whose decision is disputed, unique in this table",
                _filled(),
                unique=True,
            ),
            "first_decision": _column(
                "the auditors' decision: recorded, not recorded, no crime, or class and the offence class (class 8N)",
                _challenged_decision(),
            ),
            "challenged_on": _column("date of the challenge, such as 2019-06-03", _day()),
            "rule": _column("paragraph of the HOCR or NCRS on which the challenge rests", _filled()),
            "outcome": _column("upheld, rejected or open (not decided yet)", _one_of(OUTCOMES)),
            "final_decision": _column(
                "for an upheld challenge: the decision that the table crimes holds now; else blank",
                _challenged_decision(),
                blank=True,
            ),
            "decided_on": _column(
                "date of the outcome; blank while the challenge is open", _day(), blank=True
            ),
            "reason": _column("why it was upheld or rejected; never printed", blank=True),
        },
        strict=True,
    ),
    # Figures published elsewhere for the same inspection. They are compared with the computed ones, never printed
    # in their place.
    "published": pa.DataFrameSchema(
        {
            "figure": _column("what the figure is", _filled(), _printable()),
            "result": _column(
                "where it is in results.json, such as estimates.overall.value", _result_path(), unique=True
            ),
            "shown_as": _column(
                f"how it is printed: {', '.join(SHOWN_AS)}",
                _one_of(SHOWN_AS),
            ),
            "published": _column("the figure as it was published, such as 92.0%", _filled(), _printable()),
            "source": _column("the publication", _filled(), _printable()),
        },
        strict=True,
    ),
}


@dataclass(frozen=True)
class Table:
    """One table as it was read: checked values, and where they came from."""

    name: str
    file: str
    sha256: str
    data: pd.DataFrame


@dataclass(frozen=True)
class AuditRecords:
    """The tables of one audit. A table that is not there is None: that part was not inspected.

    So is one of `PARTS` without a row, as ``make new`` writes it: nobody who leaves it so has said that there was nothing
    to find. ``untouched`` names these files.
    """

    crimes: pd.DataFrame
    dip_records: pd.DataFrame | None
    n100: pd.DataFrame | None
    cancellations: pd.DataFrame | None
    survey: pd.DataFrame | None
    strata: pd.DataFrame | None
    challenges: pd.DataFrame | None
    published: pd.DataFrame | None
    files: dict[str, str]  # file name -> SHA-256
    untouched: tuple[str, ...] = ()

    @property
    def main(self) -> pd.DataFrame:
        """The crimes of the main (random) sample."""
        return self.crimes[self.crimes["sample"] == MAIN]


def references(records: AuditRecords) -> set[str]:
    """All references of incidents, crimes, records and respondents, and why challenges were decided as they were.

    That is what must not leave the record tables.
    """
    tables = [getattr(records, name) for name in TABLES]
    columns = [
        table[name]
        for table in tables
        if table is not None
        for name in table
        if name.endswith("_id") or name in ("rule", "reason")
    ]
    return {reference for column in columns for reference in column.dropna()}


def parse_moments(text: pd.Series, days: bool = False) -> pd.Series:
    """Dates and times in the forms that forces export, as timestamps; NaT where the text is none of them.

    Read are 2019-06-03 14:05, 03/06/2019 14:05 (day before month), 03-Jun-2019 14:05 and 3 Jun 2019 14:05, with or
    without seconds. Local time as written; a change of the clocks is not corrected for, and a time with a zone
    (2019-06-03T14:05Z) is not read, for it may be an hour off.

    Parameters
    ----------
    text : pandas.Series
        Text; blank cells are None.
    days : bool
        Read also dates without a time of day, as midnight.

    Examples
    --------
    >>> parse_moments(pd.Series(["2019-06-03 14:05", "03/06/2019 14:05", "3 Jun 2019 14:05", "soon"])).tolist()
    [Timestamp('2019-06-03 14:05:00'), Timestamp('2019-06-03 14:05:00'), Timestamp('2019-06-03 14:05:00'), NaT]
    """
    moments = pd.Series(pd.NaT, index=text.index, dtype="datetime64[s]")
    text = text.astype(object).where(text.notna(), "").astype(str)
    for day in _DAYS:
        clock = f"(?:[ T]{_CLOCK})?" if days else f"[ T]{_CLOCK}"
        parts = text.str.extract(f"^{day}{clock}$")
        parts = parts[parts["year"].notna() & ~text.str.endswith("\n")]
        if len(parts):
            moments.loc[parts.index] = pd.to_datetime(
                _iso(parts), format="%Y-%m-%d %H:%M:%S", errors="coerce"
            )
    return moments


def _iso(parts: pd.DataFrame) -> pd.Series:
    """Text such as 2019-06-03 14:05:00 from its parts; months may have names."""
    months = parts["month"].str[:3].str.lower()
    months = months.map({name: str(i) for i, name in enumerate(_MONTHS, 1)}).fillna(parts["month"])
    two = lambda part: part.fillna("00").str.zfill(2)
    day = parts["year"] + "-" + two(months) + "-" + two(parts["day"])
    return day + " " + two(parts["hour"]) + ":" + two(parts["minute"]) + ":" + two(parts["second"])


def find_table(name: str, folder: Path) -> Path | None:
    """The file of a table, or None if there is none; two files for one table are refused."""
    found = [folder / f"{name}{suffix}" for suffix in SUFFIXES if (folder / f"{name}{suffix}").is_file()]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise InputError(
            [
                Problem(
                    f"params/{folder.name}",
                    name,
                    names,
                    "one file for this table; delete or rename the others",
                )
            ]
        )
    return found[0] if found else None


def read_text_table(path: Path, file: str) -> pd.DataFrame:
    """Read a table with every value as text; blank cells are missing values.

    CSV may be UTF-8 (with or without a byte order mark) or Windows-1252, as spreadsheets save it. ``file`` is how
    messages call the file.

    Raises
    ------
    InputError
        For a file that cannot be read, that is empty, or whose rows are not all as long as its header.
    """
    if path.suffix == ".parquet":
        table = _read(pd.read_parquet, path, file, "a Parquet file").reset_index(drop=True)
    elif path.suffix == ".xlsx":
        options = {"header": None, "dtype": object, "keep_default_na": False}
        cells = _read(pd.read_excel, path, file, "an Excel workbook (.xlsx)", **options)
        table = _with_header(cells.map(as_text).to_numpy().tolist(), file)
    else:
        table = _with_header(csv_rows(path, file), file)
    table.columns = [str(column).strip() for column in table.columns]
    return table.astype(object).map(as_text).astype(object).where(lambda t: t != "", None)


def _read(reader: Callable, path: Path, file: str, kind: str, **options) -> pd.DataFrame:
    try:
        return reader(path, **options)
    except Exception:  # noqa: BLE001  each reader has exceptions of its own; all mean the same to the user
        expected = f"{kind} that opens in the program that made it"
        raise InputError([Problem(file, "", "a file that cannot be read", expected)]) from None


def csv_rows(path: Path, file: str) -> list[list[str]]:
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(
            [Problem(file, "", "text in UTF-16", "CSV in UTF-8 or Windows-1252; save it as such")]
        )
    if b"\0" in content:
        row = content[: content.index(b"\0")].count(b"\n") + 1
        raise InputError([Problem(file, f"row {row}", "a zero byte", "CSV, which is plain text")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    try:
        rows += reader
    except csv.Error as error:
        got = "a quotation mark that is not closed" if "end of data" in str(error) else str(error)
        expected = 'values between commas, with "quotation marks" around a value that holds a comma'
        raise InputError([Problem(file, f"row {len(rows) + 1}", got, expected)]) from None
    return rows


def _with_header(rows: list[list[str]], file: str) -> pd.DataFrame:
    """A table from its rows, of which the first is the header; blank rows at the end are left out."""
    while rows and not any(value.strip() for value in rows[-1]):
        rows.pop()
    if not rows:
        raise InputError([Problem(file, "", "an empty file", "a header with the names of the columns")])
    header, *records = rows
    if other := other_separator(header, file):
        raise InputError([other])
    problems = []
    for row, record in enumerate(records, 2):
        if not any(value.strip() for value in record):
            problems.append(Problem(file, f"row {row}", "a blank row", "a record; delete the row"))
        elif len(record) != len(header):
            got = f"{len(record)} value{'s' if len(record) != 1 else ''}"
            problems.append(Problem(file, f"row {row}", got, f"{len(header)} values, as the header has"))
    if problems:
        raise InputError(problems)
    return pd.DataFrame(records, columns=header, dtype=object)


def other_separator(header: Sequence[str], file: str) -> Problem | None:
    """The problem of a CSV file whose values are not separated by commas, so that its header is one value."""
    if len(header) != 1 or not any(mark in header[0] for mark in ";\t"):
        return None
    got = "semicolons between the values" if ";" in header[0] else "tabs between the values"
    return Problem(file, "row 1", got, "commas; save the table as CSV with commas")


def as_text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return ""
    if isinstance(value, datetime) and value.tzinfo is None:
        # A spreadsheet keeps a date alone as its midnight; that time was not entered, and it must not count as one.
        return value.strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a spreadsheet stores the class 106 as 106.0
    return str(value).strip()


def load_records(force: str, inspection: Inspection, params: Path = PROJECT / "params") -> AuditRecords:
    """Read and check all record tables of a force.

    Parameters
    ----------
    force : str
        Name of the force; the tables are in ``params/<force>/``.
    inspection : Inspection
        Its parameters: the audit period and the statements of the survey are checked against them.

    Raises
    ------
    InputError
        With all problems of all tables at once: file, row (as a spreadsheet counts them), column, value,
        what was expected.
    """
    folder = params / force
    problems = _check_files(folder)
    tables: dict[str, Table] = {}
    for name in TABLES:
        try:
            table = _load_table(name, folder)
            if table is not None:
                tables[name] = table
        except InputError as error:
            problems += error.problems
    if "crimes" not in tables and not problems:
        problems.append(
            Problem(
                f"params/{force}/crimes.csv",
                "",
                "no such file",
                f"the audited crimes of the force, with the columns {', '.join(TABLES['crimes'].columns)}",
            )
        )
    if not problems:
        problems = check_across(tables, inspection)
    if problems:
        raise InputError(problems)
    untouched = [name for name in PARTS if name in tables and tables[name].data.empty]
    data = {name: table.data for name, table in tables.items() if name not in untouched}
    return AuditRecords(
        **{name: data.get(name) for name in TABLES},
        files={table.file: table.sha256 for table in tables.values()},
        untouched=tuple(tables[name].file for name in untouched),
    )


def doubtful_tables(records: AuditRecords) -> list[Problem]:
    """A warning for every part of the audit whose table has no row."""
    expected = (
        "rows, or no such file: the report says that this part was not inspected; "
        "if it was, and there was nothing to find, say so in 'findings'"
    )
    return [Problem(file, "", "a table without a row", expected, "warning") for file in records.untouched]


def _check_files(folder: Path) -> list[Problem]:
    """Files that someone takes for a table and that would not be read: another ending, or nearly the right name."""
    problems = []
    names = [*TABLES, "frame"]
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        file, suffix = f"params/{folder.name}/{path.name}", path.suffix.lower()
        if suffix not in (*SUFFIXES, *OTHER_SUFFIXES) or path.name.startswith((".", "~")):
            continue
        nearly = difflib.get_close_matches(path.stem.lower(), names, n=1, cutoff=0.88)
        if path.stem not in names and nearly:
            expected = f"one of {', '.join(names)} (did you mean '{nearly[0]}'?), or a name less like it"
            problems.append(Problem(file, "", "a name that is nearly that of a table", expected))
        elif path.stem in names and path.suffix not in SUFFIXES:
            expected = f"a table that ends with {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
            problems.append(Problem(file, "", f"a file that ends with {path.suffix}", expected))
        elif path.stem in names and path.is_dir():
            problems.append(Problem(file, "", "a folder", "a file with the table"))
    return problems


def _load_table(name: str, folder: Path) -> Table | None:
    path = find_table(name, folder)
    if path is None:
        return None
    file = f"params/{folder.name}/{path.name}"
    text = read_text_table(path, file)
    problems = check_table(text, name, file)
    if problems:
        raise InputError(problems)
    return Table(name, file, hashlib.sha256(path.read_bytes()).hexdigest(), _typed(text, name))


def check_table(text: pd.DataFrame, name: str, file: str) -> list[Problem]:
    """Everything that is wrong with one table, taken by itself."""
    schema = TABLES[name]
    problems = _check_header(text, schema, file)
    if problems or text.empty:
        return problems
    try:
        schema.validate(text, lazy=True)
    except pa.errors.SchemaErrors as error:
        for case in error.failure_cases.itertuples():
            problems.append(_table_problem(case, schema, text, file))
    if name == "crimes" and not problems:
        problems += _check_offence_classes(text, file)
    return sorted(problems, key=lambda problem: (_row_of(problem), problem.where))


def _row_of(problem: Problem) -> int:
    digits = problem.where.removeprefix("row ").split(",")[0]
    return int(digits) if digits.isdigit() else 0


def _check_header(text: pd.DataFrame, schema: pa.DataFrameSchema, file: str) -> list[Problem]:
    known, columns = list(schema.columns), list(text.columns)
    if not set(known) & set(columns):
        got, expected = shown(", ".join(columns)), f"the names of the columns: {', '.join(known)}"
        return [Problem(file, "row 1", got, expected)]
    problems = [
        Problem(file, f"column {column}", "no such column", f"{schema.columns[column].description}")
        for column in known
        if column not in columns and schema.columns[column].required
    ]
    problems += [
        Problem(
            file,
            f"column {shown(column) if column else columns.index(column) + 1}",
            "an unknown column" if column else "a column without a name",
            f"one of {', '.join(known)}{suggest(column, known)}",
        )
        for column in dict.fromkeys(columns)
        if column not in known
    ]
    problems += [
        Problem(file, f"column {shown(column)}", "the column twice", "it once")
        for column in dict.fromkeys(columns)
        if columns.count(column) > 1
    ]
    return problems


def _table_problem(case, schema: pa.DataFrameSchema, text: pd.DataFrame, file: str) -> Problem:
    # The header is row 1 of the file, so the first record is row 2.
    row = f"row {int(case.index) + 2}" if pd.notna(case.index) else "table"
    expected, got = str(case.check), shown(case.failure_case)
    if case.check == "not_nullable":
        expected, got = schema.columns[case.column].description, "a blank cell"
    elif case.check == "field_uniqueness":
        others = text.index[text[case.column] == case.failure_case]
        expected = (
            f"each {case.column} once; this one is also in row {int(others[others != case.index][0]) + 2}"
        )
    return Problem(file, f"{row}, column {case.column}", got, expected)


def _check_offence_classes(crimes: pd.DataFrame, file: str) -> list[Problem]:
    known = offence_classes()
    problems = []
    crime_type = crimes["offence_class"].map(known["crime_type"])
    for index in crimes.index[crime_type.isna()]:
        value = crimes.at[index, "offence_class"]
        problems.append(
            Problem(
                file,
                f"row {index + 2}, column offence_class",
                shown(value),
                f"a class of params/offence_classes.csv{suggest(value, known.index)}; add it there if it is missing",
            )
        )
    for index in crimes.index[crime_type.notna() & (crime_type != crimes["crime_type"])]:
        offence_class = crimes.at[index, "offence_class"]
        problems.append(
            Problem(
                file,
                f"row {index + 2}, column crime_type",
                shown(crimes.at[index, "crime_type"]),
                f"{crime_type[index]}, the crime type of class {offence_class} in params/offence_classes.csv",
            )
        )
    return problems


def _typed(text: pd.DataFrame, name: str) -> pd.DataFrame:
    """Yes/no columns become booleans, moments timestamps; what crimes share is derived once."""
    data = text.copy()
    for column in data.columns.intersection(
        ["domestic_abuse", "recorded", "applied", "correct", "victim_to_be_informed"]
    ):
        data[column] = (data[column] == "yes").astype(bool)
    for column in data.columns.intersection(["should_be_rape", "victim_informed"]):
        data[column] = data[column].map({"yes": True, "no": False}).astype("boolean")
    for column in data.columns.intersection(["reported_at", "recorded_at"]):
        data[column] = parse_moments(data[column])
    for column in data.columns.intersection(["challenged_on", "decided_on"]):
        data[column] = parse_moments(data[column], days=True)
    for column in data.columns.intersection(["frame_incidents", "audited_incidents"]):
        data[column] = data[column].astype(int)
    if name == "crimes":
        if "stratum" in data.columns and data["stratum"].isna().all():
            data = data.drop(columns="stratum")  # an empty column says no more than none
        data["rape"] = (data["offence_class"].map(offence_classes()["rape"]) == "yes").astype(bool)
        data["modern_slavery"] = data["offence_class"] == MODERN_SLAVERY_CLASS
        delay = data["recorded_at"] - data["reported_at"]
        data["within_24_hours"] = (
            (delay <= pd.Timedelta(hours=RECORDING_LIMIT_HOURS)).astype("boolean").mask(delay.isna())
        )
    return data


@dataclass(frozen=True)
class _Rule:
    """A rule that joins columns or tables: which rows break it, and what was expected there."""

    column: str
    breaks: Callable[[pd.DataFrame], pd.Series]
    expected: str


def check_across(tables: dict[str, Table], inspection: Inspection) -> list[Problem]:
    """Everything that is wrong between columns, between tables, and between tables and parameters."""
    problems = []
    for name, rules in _rules_between_columns(inspection.audit_period).items():
        if name in tables:
            problems += [problem for rule in rules for problem in _broken(rule, tables[name])]
    problems += _check_main_sample(tables["crimes"])
    if "strata" in tables:
        problems += _check_strata(tables["strata"], tables["crimes"])
    problems += _check_dip_samples(tables)
    if "survey" in tables:
        problems += _check_survey(tables["survey"], inspection)
    if "challenges" in tables:
        problems += _check_challenges(tables["challenges"], tables["crimes"])
    return problems


def _rules_between_columns(period: Period) -> dict[str, list[_Rule]]:
    """What the columns of a row must be to each other, by table."""
    start, end = pd.Timestamp(period.start), pd.Timestamp(period.end) + pd.Timedelta(days=1)
    is_main = lambda crimes: crimes["sample"] == MAIN
    return {
        "crimes": [
            _Rule(
                "recorded_at",
                lambda t: ~t["recorded"] & t["recorded_at"].notna(),
                "no time of recording for a crime that was not recorded",
            ),
            _Rule(
                "recorded_as",
                lambda t: t["recorded"] & t["recorded_as"].notna(),
                "a blank for a crime that was recorded",
            ),
            _Rule(
                "recorded_as",
                lambda t: (t["recorded_as"] == "n100") & ~t["rape"],
                "n100 only for a crime of rape (class 19C to 19H)",
            ),
            _Rule(
                "recorded_at",
                lambda t: t["recorded_at"] < t["reported_at"],
                "a time of recording that is not before the time of report",
            ),
            _Rule(
                "reported_at",
                lambda t: t["recorded_at"].notna() & t["reported_at"].isna(),
                "the time of report of a crime that has a time of recording",
            ),
            _Rule(
                "reported_at",
                lambda t: (
                    is_main(t)
                    & t["reported_at"].notna()
                    & ~t["reported_at"].between(start, end, inclusive="left")
                ),
                f"a time in the audit period, {period.start} to {period.end}",
            ),
            _Rule(
                "route",
                lambda t: is_main(t) & t["route"].isna(),
                "control_room or crime_recording_centre for a crime of the main sample",
            ),
        ],
        "n100": [
            _Rule(
                "should_be_rape",
                lambda t: (t["kind"] == "review") & t["should_be_rape"].isna(),
                "yes or no for a review",
            ),
            _Rule(
                "should_be_rape",
                lambda t: (t["kind"] == "required") & t["should_be_rape"].notna(),
                "a blank for an incident that needed an N100",
            ),
            _Rule(
                "applied",
                lambda t: (t["kind"] == "review") & ~t["applied"],
                "yes: a review is of records where an N100 was applied",
            ),
        ],
        "cancellations": [
            _Rule(
                "victim_informed",
                lambda t: t["victim_to_be_informed"] & t["victim_informed"].isna(),
                "yes or no where the victim should have been informed",
            ),
            _Rule(
                "victim_informed",
                lambda t: ~t["victim_to_be_informed"] & t["victim_informed"].notna(),
                "a blank where there was nobody to inform",
            ),
        ],
        "challenges": [
            _Rule(
                "final_decision",
                lambda t: (t["outcome"] == "upheld") & t["final_decision"].isna(),
                "the changed decision of an upheld challenge",
            ),
            _Rule(
                "final_decision",
                lambda t: (t["outcome"] != "upheld") & t["final_decision"].notna(),
                "a blank where the challenge was not upheld",
            ),
            _Rule(
                "final_decision",
                lambda t: t["final_decision"] == t["first_decision"],
                "a decision that differs from first_decision, or the outcome rejected",
            ),
            _Rule(
                "final_decision",
                lambda t: (
                    t["final_decision"].notna()
                    & (
                        t["final_decision"].str.startswith("class")
                        != t["first_decision"].str.startswith("class")
                    )
                ),
                "a class where first_decision is a class, and no class where it is none",
            ),
            _Rule(
                "decided_on",
                lambda t: (t["outcome"] != "open") & t["decided_on"].isna(),
                "the date of the outcome",
            ),
            _Rule(
                "decided_on",
                lambda t: (t["outcome"] == "open") & t["decided_on"].notna(),
                "a blank while the challenge is open; or the outcome upheld or rejected",
            ),
            _Rule(
                "decided_on",
                lambda t: t["decided_on"] < t["challenged_on"],
                "a date that is not before challenged_on",
            ),
            _Rule(
                "challenged_on",
                lambda t: t["challenged_on"] < start,
                f"a date in the audit period or after it: {period.start} or later",
            ),
        ],
    }


def _broken(rule: _Rule, table: Table) -> list[Problem]:
    rows = table.data.index[rule.breaks(table.data).fillna(False).astype(bool)]
    return [
        Problem(
            table.file,
            f"row {row + 2}, column {rule.column}",
            _cell(table.data.at[row, rule.column]),
            rule.expected,
        )
        for row in rows
    ]


def _cell(value: object) -> str:
    if pd.isna(value):
        return "a blank cell"
    return {True: "yes", False: "no"}.get(value, shown(value)) if isinstance(value, bool) else shown(value)


def _check_main_sample(table: Table) -> list[Problem]:
    crimes = table.data
    main = crimes[crimes["sample"] == MAIN]
    if main.empty:
        return [
            Problem(
                table.file,
                "column sample",
                "no crime of the main sample",
                "at least one row with sample 'main'; make collect makes them of returned worksheets",
            )
        ]
    problems = []
    if "stratum" in crimes.columns:
        for row in main.index[main["stratum"].isna()]:
            problems.append(
                Problem(
                    table.file,
                    f"row {row + 2}, column stratum",
                    "a blank cell",
                    "the stratum of the frame from which the incident was drawn; or leave the column out",
                )
            )
        strata = main.dropna(subset="stratum").groupby("incident_id")["stratum"].nunique()
        for incident in strata.index[strata > 1]:
            rows = main.index[main["incident_id"] == incident]
            problems.append(
                Problem(
                    table.file,
                    f"row {rows[0] + 2}, column stratum",
                    "an incident with crimes in two strata",
                    "one stratum for all crimes of an incident: the one it was drawn from",
                )
            )
    return problems


def _check_strata(table: Table, crimes: Table) -> list[Problem]:
    """Numbers of incidents of the strata, against each other and against the audited crimes."""
    main = crimes.data[crimes.data["sample"] == MAIN]
    if table.data.empty:  # as make new writes it
        return []
    if "stratum" not in main.columns:
        expected = "the stratum of each crime of the main sample; or no rows in the table strata"
        return [Problem(crimes.file, "column stratum", "no such column", expected)]
    problems = []
    with_crime = main.groupby("stratum")["incident_id"].nunique()
    for row in table.data.itertuples():
        place, found = f"row {row.Index + 2}, column audited_incidents", int(with_crime.get(row.stratum, 0))
        if not found <= row.audited_incidents <= row.frame_incidents:
            expected = (
                f"a number from {found:,} (incidents of the stratum in {crimes.file}) "
                f"to {row.frame_incidents:,} (its frame_incidents)"
            )
            problems.append(Problem(table.file, place, str(row.audited_incidents), expected))
    for stratum in with_crime.index.difference(table.data["stratum"]):
        row = main.index[main["stratum"] == stratum][0] + 2
        expected = f"a stratum of {table.file}: {shown(', '.join(table.data['stratum']), 200)}"
        problems.append(Problem(crimes.file, f"row {row}, column stratum", shown(stratum), expected))
    return problems


def _check_dip_samples(tables: dict[str, Table]) -> list[Problem]:
    crimes = tables["crimes"]
    in_dip = crimes.data[crimes.data["sample"] != MAIN]
    if "dip_records" not in tables:
        return (
            [
                Problem(
                    crimes.file,
                    f"row {in_dip.index[0] + 2}, column sample",
                    shown(in_dip["sample"].iloc[0]),
                    "a table dip_records that lists the examined records of the dip samples, also those without a crime",
                )
            ]
            if len(in_dip)
            else []
        )
    examined = tables["dip_records"].data.set_index("record_id")["sample"]
    problems = []
    for row, incident, sample in in_dip[["incident_id", "sample"]].itertuples():
        if examined.get(incident) != sample:
            found = (
                "a record that is not in the table dip_records"
                if incident not in examined.index
                else f"{sample}"
            )
            problems.append(
                Problem(
                    crimes.file,
                    f"row {row + 2}, column incident_id",
                    found,
                    f"a record of the dip sample {sample} in {tables['dip_records'].file}",
                )
            )
    main_in_dip = crimes.data.index[
        (crimes.data["sample"] == MAIN) & crimes.data["incident_id"].isin(examined.index)
    ]
    for row in main_in_dip:
        problems.append(
            Problem(
                crimes.file,
                f"row {row + 2}, column incident_id",
                "a record of a dip sample",
                "an incident of the main sample",
            )
        )
    return problems


def _check_survey(table: Table, inspection: Inspection) -> list[Problem]:
    known = inspection.survey_statements
    survey = table.data
    problems = [
        Problem(
            table.file,
            f"row {row + 2}, column statement",
            shown(survey.at[row, "statement"]),
            f"an id in survey_statements of the parameter file: {', '.join(known) or '(none there yet)'}{suggest(survey.at[row, 'statement'], known)}",
        )
        for row in survey.index[~survey["statement"].isin(list(known))]
    ]
    for row in survey.index[survey.duplicated(["respondent_id", "statement"])]:
        problems.append(
            Problem(
                table.file, f"row {row + 2}", "a second answer", "one answer of a respondent to a statement"
            )
        )
    return problems


def _check_challenges(table: Table, crimes: Table) -> list[Problem]:
    """Challenges whose decision is not what the table of crimes holds."""
    held = crimes.data.set_index("crime_id")
    upheld = table.data["outcome"] == "upheld"
    now = table.data["final_decision"].where(upheld, table.data["first_decision"])
    problems = []
    for row, crime_id, decision in zip(table.data.index, table.data["crime_id"], now, strict=True):
        crime = held.loc[crime_id] if crime_id in held.index else None
        if pd.isna(decision) or _is_held(crime, decision):
            continue
        if crime is None:
            got, expected = "a crime that is not there", f"a crime_id of {crimes.file}"
        else:
            got = "another decision there: " + ("recorded" if crime["recorded"] else "not recorded")
            expected = f"that {crimes.file} holds the decision that stands: {decision}"
            if decision.startswith("class"):
                got = f"another decision there: class {crime['offence_class']}"
            elif decision == "no crime":
                expected = (
                    f"no row for this crime in {crimes.file}, for the decision that stands is: no crime"
                )
        problems.append(Problem(table.file, f"row {row + 2}, column crime_id", got, expected))
    return problems


def _is_held(crime: pd.Series | None, decision: str) -> bool:
    """Whether the row of a crime (None: there is none) holds a decision."""
    if crime is None:
        return decision == "no crime"
    if decision.startswith("class "):
        return crime["offence_class"] == decision.removeprefix("class ")
    return decision == ("recorded" if crime["recorded"] else "not recorded")


def challenge_counts(challenges: pd.DataFrame | None) -> dict[str, int] | None:
    """How many decisions were challenged, and with which outcome; None if there is no such table.

    Examples
    --------
    >>> challenge_counts(pd.DataFrame({"outcome": ["upheld", "open", "upheld"]}))
    {'challenges': 3, 'upheld': 2, 'rejected': 0, 'open': 1}
    """
    if challenges is None:
        return None
    return {"challenges": len(challenges)} | {
        outcome: int((challenges["outcome"] == outcome).sum()) for outcome in OUTCOMES
    }
