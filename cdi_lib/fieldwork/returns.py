"""The auditors' returned worksheets: read them all, say everything that is wrong, and compare two audits.

Worksheets come back as .xlsx or .csv files in ``params/<force>/returned/``, one or several, of the first audit and of
the re-check; every row says which. What would be wrong with a crime in the table ``crimes`` is wrong with it here: the
same rules say so. No reference of a record is quoted in a message: file and row lead to it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from cdi_lib.fieldwork import worksheet
from cdi_lib.fieldwork.draw import SELECTIONS, auditor_of, read_selection
from cdi_lib.inspection.files import read, without_zeros
from cdi_lib.inspection.folders import own_folder
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import InputError, Problem, places, shown, suggest
from cdi_lib.inspection.programme import MAIN
from cdi_lib.inspection.rules import BLANK, check_rows, check_table
from cdi_lib.inspection.sheets import DATED, MERGED
from cdi_lib.inspection.tables import YES_NO, Series, columns_of, offence_classes, parse_moments, tables_of
from cdi_lib.statistics.agreement import cohens_kappa

FOLDER = "returned"
COMPARED = ("crime_type", "offence_class", "route", "domestic_abuse", "recorded", "recorded_as", "over_recorded")
# Papers that are written beside the worksheets, and so never read as such
PROBLEMS, OUTSTANDING, DISAGREEMENTS = "problems.csv", "outstanding.csv", "disagreements.csv"
# What cannot be read of these is told, and that others are not read: no worksheet in another form is passed over.
SPREADSHEETS = (".csv", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".numbers", ".parquet")
OF_SYSTEMS = ("thumbs.db", "desktop.ini")  # files that nobody has put there
Counts: TypeAlias = dict[str, dict[str, int]]  # of incidents, by stratum and what came of them
Words: TypeAlias = str | Callable[[Series], str]  # of a message: for every row, or made of a row


@dataclass(frozen=True)
class Returns:
    """What the auditors returned. The last three name records and are for the auditors only."""

    problems: tuple[Problem, ...]  # everything that is wrong, worst first
    crimes: pd.DataFrame  # of the first audit, as the table ``crimes``, as text; complete only if there is no error
    over_recorded: pd.DataFrame | None  # the same, as the table of that name; None where worksheets do not ask for it
    # Per stratum: incidents selected, reserves among them (in the place of what cannot be audited), returned, found to
    # hold a crime or none, not auditable, audited
    strata: Counts
    recheck: dict[str, Any] | None  # incidents audited twice, those on which all agreed, and kappa
    unaudited: dict[str, str]  # incidents that the first audit could not audit, in the order of the draw, and why
    outstanding: pd.DataFrame  # the selected incidents on which nobody decided
    disagreements: pd.DataFrame  # one row for each difference between first audit and re-check
    progress: dict[int, tuple[int, int]]  # of each auditor, where several share: incidents returned, and given

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the worksheets from being used."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def check_returns(force: str, inspection: Inspection, params: Path) -> Returns | None:
    """Read and check all returned worksheets of a force; None if there are none.

    InputError if worksheets are there, but no sample was drawn.
    """
    rows, found = read_returned(force, inspection, params)
    if found is None:
        return None
    folder = f"params/{force}/{FOLDER}"
    selected = {worksheet.FIRST: read_selection(force, params, worksheet.FIRST)}
    drawn_again = (own_folder(force, params, "sample") / SELECTIONS[worksheet.RECHECK]).is_file()
    if drawn_again or (rows["audit"] == worksheet.RECHECK).any():
        selected[worksheet.RECHECK] = read_selection(force, params, worksheet.RECHECK)
    rows = _with_midnights(rows, selected[worksheet.FIRST])
    _check_crimes(rows, inspection, found)
    incidents, strata, outstanding = {}, {}, []
    for audit, selection in selected.items():
        own = rows[rows["audit"] == audit]
        _check_against_selection(own, selection, audit, found)
        _check_rows_of_incidents(own, found)
        incidents[audit] = _incidents(own)
        strata[audit] = _strata(incidents[audit], selection)
        if not found.has_unread or audit == worksheet.RECHECK:  # in such a file the missing incidents may be
            _check_returned(strata[audit], audit, folder, found)
        missing = selection[~selection["id"].isin(incidents[audit].index)]
        outstanding.append(pd.DataFrame({"audit": audit, "incident_id": missing["id"], "stratum": missing["stratum"]}))
    recheck, disagreements = _compare(rows, incidents) if worksheet.RECHECK in selected else (None, pd.DataFrame())
    first, is_first = incidents[worksheet.FIRST], rows["audit"] == worksheet.FIRST
    reasons = first["reason"][(first["finding"] == worksheet.NOT_AUDITED) & first["reason"].notna()]
    return Returns(
        found.sorted(),
        _collected(rows[is_first & _is_crime(rows)]),
        _over_recorded(rows[is_first & _is_over(rows)]) if "over_recorded" in rows else None,
        strata[worksheet.FIRST],
        recheck,
        {name: reasons[name] for name in selected[worksheet.FIRST]["id"] if name in reasons.index},
        pd.concat(outstanding),
        disagreements,
        _progress(inspection, selected[worksheet.FIRST], first.index),
    )


def read_returned(force: str, inspection: Inspection, params: Path) -> tuple[pd.DataFrame, _Findings | None]:
    """The rows of all returned worksheets with file and row of each, and what is wrong with their form; None without any."""
    papers, columns = (PROBLEMS, OUTSTANDING, DISAGREEMENTS), worksheet.columns_for(inspection.programme)
    there = sorted(own_folder(force, params, FOLDER).glob("[!.~]*"))
    files = [path for path in there if path.suffix.lower() in SPREADSHEETS and path.name not in papers]
    others = [path for path in there if path not in files and path.name.lower() not in (*papers, *OF_SYSTEMS)]
    is_drawn = (own_folder(force, params, "sample") / SELECTIONS[worksheet.FIRST]).is_file()
    if not files and not (others and is_drawn):
        return pd.DataFrame(columns=[*columns, "file", "row"]), None
    found, expected = _Findings(), "worksheets as .xlsx or .csv files in the folder itself; nothing else is read"
    for path in others:
        got = f"a {'folder' if path.is_dir() else 'file'} that is not read"
        found.add(_Findings.WARNING, Problem(f"params/{force}/{FOLDER}/{path.name}", "", got, expected))
    read_from = [_read(path, f"params/{force}/{FOLDER}/{path.name}", columns, found) for path in files]
    empty = pd.DataFrame(columns=[*columns, "file", "row"])
    return pd.concat([empty, *read_from], ignore_index=True).astype(object), found


def summary(returns: Returns | None) -> dict[str, Any] | None:
    """The result ``fieldwork``: response and agreement, as counts and estimates only; None without worksheets."""
    if returns is None:
        return None
    total: Any = pd.DataFrame(returns.strata).sum(axis=1).to_dict()
    rate, errors = total["audited"] / total["selected"], len(returns.errors)
    return total | {"response_rate": rate, "strata": returns.strata, "errors": errors, "recheck": returns.recheck}


# ---- reading -----------------------------------------------------------------------------------------------


class _Findings:
    """Problems as they are found, each with its weight: the lightest is listed last."""

    FILE, SAMPLE, TWICE, MISSING, VALUE, WARNING = range(6)

    def __init__(self) -> None:
        self._found: list[tuple[int, Problem]] = []
        self._places: set[tuple[str, str]] = set()
        self.has_unread = False  # whether a file could not be read

    def add(self, weight: int, problem: Problem) -> None:
        self._found.append((weight, replace(problem, severity="warning" if weight == self.WARNING else "error")))

    def instead(self, problem: Problem, columns: tuple[str, ...]) -> None:
        """A problem that is the cause of all that was found in some columns of its file."""
        ends = tuple(f"column {name}" for name in columns)
        self._found = [(w, p) for w, p in self._found if p.file != problem.file or not p.where.endswith(ends)]
        self.add(self.FILE, problem)

    def rows(self, weight: int, rows: pd.DataFrame, column: str, expected: Words, got: Words = "") -> None:
        """A problem of one cell in each of some rows; its value is quoted unless ``got`` says it in other words."""
        for _, row in rows.iterrows():
            said, asked = (words if isinstance(words, str) else words(row) for words in (got, expected))
            said = said or (BLANK if row[column] is None else shown(row[column]))
            place = f"row {row['row']}, column {column}"
            if (row["file"], place) not in self._places:  # the first that is said of a cell is enough
                self.add(weight, Problem(row["file"], place, said, asked))
                self._places.add((row["file"], place))

    def sorted(self) -> tuple[Problem, ...]:
        return tuple(problem for _, problem in sorted(self._found, key=lambda item: item[0]))


def _read(path: Path, file: str, columns: Mapping[str, worksheet.Column], found: _Findings) -> pd.DataFrame:
    """The rows of one worksheet in which something was entered, as text, with the file and its number of each."""
    try:
        table = _sheet(path, file, columns, found)
    except InputError as error:
        found.has_unread = True
        for problem in error.problems:
            found.add(_Findings.FILE, problem)
        return pd.DataFrame(columns=[*columns, "file", "row"])
    decided = [name for name in ("finding", "reason", *worksheet.DECISIONS, "over_recorded") if name in table]
    is_filled = table[decided].notna().any(axis=1)
    _check_rows_given(table, is_filled, file, found)
    table = table[is_filled]
    unnamed = table["incident_id"].isna()
    found.rows(_Findings.SAMPLE, table[unnamed], "incident_id", "the incident that this row belongs to")
    wrong = ~unnamed & ~table["audit"].isin([worksheet.FIRST, worksheet.RECHECK])
    audits = f"{worksheet.FIRST} or {worksheet.RECHECK}, as in the worksheet"
    found.rows(_Findings.SAMPLE, table[wrong], "audit", audits)
    return table[~unnamed & ~wrong]


def _check_rows_given(table: pd.DataFrame, is_filled: Series, file: str, found: _Findings) -> None:
    """A warning where some incidents lack rows that the worksheet gave and others still have though nobody filled them in:
    a deleted row may have held a crime."""
    given = table[table["incident_id"].notna() & table["audit"].isin([worksheet.FIRST, worksheet.RECHECK])]
    numbers = [str(number) for number in range(1, worksheet.ROWS_PER_INCIDENT + 1)]
    if is_filled[given.index].all():  # the blank rows were left out
        return
    of_incident = given.groupby(["audit", "incident_id"], sort=False)["crime_number"]
    lacking = [rows.index[0] for _, rows in of_incident if not set(numbers) <= set(rows)]
    if lacking:
        got = f"{len(lacking):,} incident{'s' * (len(lacking) > 1)} without all rows that the worksheet gave"
        expected = (
            f"crimes {' to '.join(numbers[:: len(numbers) - 1])} of each; see whether a crime was in a deleted row"
        )
        found.add(_Findings.WARNING, Problem(file, places(given.loc[lacking, "row"].tolist()), got, expected))


def _sheet(path: Path, file: str, columns: Mapping[str, worksheet.Column], found: _Findings) -> pd.DataFrame:
    """All rows of a worksheet with its columns; upper and lower case as the lists have them, None for blank cells."""
    read_as = "" if path.suffix.lower() == ".csv" else worksheet.AUDIT_SHEET
    rows = read(path, file, list(columns), sheet=read_as)
    header, problems = rows.header, []
    for name, column in columns.items():
        if header.count(name) != 1:
            got = "the column twice" if name in header else f"no such column{suggest(name, header)}"
            problems.append(Problem(file, f"column {name}", got, f"once: {column.description}"))
    if len(problems) > 3:  # another table, or one with names of its own
        got = f"no columns {', '.join(name for name in columns if name not in header)}"
        expected = "the header as the sheet Audit has it; as CSV only the sheet that is open is saved"
        problems = [Problem(file, f"row {rows.header_at}", got, expected)]
    if problems:
        raise InputError(problems)
    for problem in rows.told:
        found.add(_Findings.WARNING, problem)
    of_incident = [header.index(name) for name in ("finding", "reason")]  # these may be merged over its rows
    rows.odd = {cell: odd for cell, odd in rows.odd.items() if odd != MERGED or cell[1] not in of_incident}
    if problems := rows.words_for_nothing(columns):
        raise InputError(problems)
    rows.refuse_odd(list(columns), ["incident_id"])
    cells = [[*row, *[""] * len(header)][: len(header)] for row in rows.cells]
    table = pd.DataFrame(cells, columns=header, dtype=object)[list(columns)]
    if read_as:  # its cells are formatted to show a time, also of a date alone: midnight was not entered
        for name in ("reported_at", "recorded_at"):
            dated = [rows.odd.get((number, header.index(name))) == DATED for number in rows.numbers]
            table[name] = table[name].mask(pd.Series(dated, dtype=bool), table[name].str.removesuffix(" 00:00:00"))
    table["file"], table["row"] = file, rows.numbers
    for name, column in columns.items():
        if column.choices:
            as_named = {choice.lower(): choice for choice in column.choices}
            table[name] = table[name].map(lambda entered, known=as_named: known.get(entered.lower(), entered))
    for name in {"offence_class", "recorded_class"} & set(columns):
        upper = table[name].str.upper()
        # of others messages show what is there
        table[name] = table[name].mask(upper.isin(offence_classes().index), upper)
    # 1.0 is how programs write a whole number of a column with blank cells
    table["crime_number"] = table["crime_number"].str.removesuffix(".0")
    return table.astype(object).where(table != "", None)


# ---- checking ----------------------------------------------------------------------------------------------


def _is_over(rows: pd.DataFrame) -> Series:
    """Rows with a recorded crime that should not have been."""
    return rows["over_recorded"] == "yes" if "over_recorded" in rows else pd.Series(False, index=rows.index)


def _is_crime(rows: pd.DataFrame) -> Series:
    """Rows in which the auditor has decided on a crime that should have been recorded."""
    return rows[[name for name in worksheet.DECISIONS if name in rows]].notna().any(axis=1) & ~_is_over(rows)


def _as_crimes(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of worksheets as rows of the table ``crimes``, as they were entered and with the labels that they have."""
    crime_id = rows["incident_id"].astype("str") + "/" + rows["crime_number"].astype("str")
    made = rows.assign(crime_id=crime_id, sample=MAIN)
    of_worksheet = (*worksheet.COLUMNS, "file", "row", "crime_id", "sample")
    own = [name for name in made if name not in of_worksheet]
    return made[[*(name for name in columns_of("crimes") if name in made), *own]].astype(object)


def _over_recorded(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of worksheets as rows of the table ``over_recorded``."""
    return _as_crimes(rows)[columns_of("over_recorded")]


def _collected(rows: pd.DataFrame) -> pd.DataFrame:
    """The table ``crimes`` of some rows, as text; times in one form, whatever the spreadsheet made of them."""
    table = _as_crimes(rows)
    for name in ("reported_at", "recorded_at"):
        moments = parse_moments(table[name])
        table[name] = moments.dt.strftime("%Y-%m-%d %H:%M:%S").astype(object).where(moments.notna(), None)
    return table.reset_index(drop=True)


def _check_crimes(rows: pd.DataFrame, inspection: Inspection, found: _Findings) -> None:
    """What is wrong within single rows: by the rules of the tables of crimes, and by those of the worksheet."""
    crimes, over = rows[_is_crime(rows)], rows[_is_over(rows)]
    for name, table in (("crimes", _as_crimes(crimes)), ("over_recorded", _over_recorded(over))):
        # A crime twice is told of where its incident is looked at.
        columns = tables_of(inspection.programme)[name]
        mistakes = [mistake for mistake in check_table(table, name, columns) if mistake.column in rows]
        readable = table[~table.index.isin([mistake.row for mistake in mistakes])]
        for mistake in mistakes + check_rows(readable, name, inspection):
            weight = _Findings.MISSING if mistake.got == BLANK else _Findings.VALUE
            found.rows(weight, rows.loc[[mistake.row]], mistake.column, mistake.expected, mistake.got)
    for column in ("recorded", "recorded_as", "recorded_at"):
        entered = over[over[column].notna() & ((column != "recorded") | (over[column] != "yes"))]
        found.rows(_Findings.VALUE, entered, column, "a blank for a crime that should not have been recorded")
    if "over_recorded" in rows:
        unclear = rows[rows["over_recorded"].notna() & ~rows["over_recorded"].isin(YES_NO)]
        found.rows(_Findings.VALUE, unclear, "over_recorded", "yes or no")
    numbered = pd.concat([crimes, over])
    unnumbered = ~numbered["crime_number"].fillna("").str.fullmatch("[1-9][0-9]{0,2}").astype(bool)
    found.rows(_Findings.VALUE, numbered[unnumbered], "crime_number", "1, 2, 3, ...")
    unsaid = crimes[(crimes["recorded"] == "no") & crimes["recorded_as"].isna()]
    found.rows(_Findings.WARNING, unsaid, "recorded_as", "what there was instead: n100, incident or nothing")
    of_csv = crimes["file"].astype("str").str.lower().str.endswith(".csv")
    midnight = crimes[of_csv & crimes["recorded_at"].fillna("").str.contains(r"[ T]00:00(?::00)?$", regex=True)]
    found.rows(_Findings.WARNING, midnight, "recorded_at", "a time; a spreadsheet writes a date without one as 00:00")
    late, times = _minutes(crimes["recorded_at"]), _minutes(crimes["reported_at"])
    text = late.dt.strftime("%Y-%d-%m %H:%M").astype(object)
    swapped = parse_moments(text.where(late.notna(), None)) - times
    is_swapped = (late - times > pd.Timedelta(days=28)) & swapped.between(pd.Timedelta(0), pd.Timedelta(days=3))
    likely = "the day before the month: with the two exchanged it would be recorded within three days of its report"
    found.rows(_Findings.WARNING, crimes[is_swapped], "recorded_at", likely)
    unknown = rows[rows["finding"].notna() & ~rows["finding"].isin(worksheet.FINDINGS)]
    one_of = lambda row: f"one of {', '.join(worksheet.FINDINGS)}{suggest(row['finding'], worksheet.FINDINGS)}"
    found.rows(_Findings.VALUE, unknown, "finding", one_of)


def _with_midnights(rows: pd.DataFrame, selection: pd.DataFrame) -> pd.DataFrame:
    """The rows with the midnights that the worksheet gave: a spreadsheet keeps them as dates alone."""
    given = rows["incident_id"].map(selection.drop_duplicates("id").set_index("id")["reported_at"])
    is_midnight = given.str.endswith(" 00:00:00", na=False) & (rows["reported_at"] == given.str[:10])
    return rows.assign(reported_at=rows["reported_at"].mask(is_midnight, given))


def _check_against_selection(rows: pd.DataFrame, selection: pd.DataFrame, audit: str, found: _Findings) -> None:
    stratum_of = dict(zip(selection["id"], selection["stratum"], strict=True))
    known, short = rows["incident_id"].isin(list(stratum_of)), without_zeros(stratum_of)
    got, expected = "a record that was not selected", f"an incident of sample/{SELECTIONS[audit]}"
    for file, own in rows.groupby("file", sort=False):
        other = own[~known[own.index]]
        n, total = other["incident_id"].nunique(), own["incident_id"].nunique()
        of_other = n > 2 and 2 * n > total
        found.has_unread |= of_other
        if of_other and not short & set(other["incident_id"]):
            got_there = f"{n:,} of {total:,} incidents that were not selected"
            whose = "the worksheet of this draw, with its references as they were; not that of another force, or of an earlier draw"
            found.add(_Findings.FILE, Problem(str(file), places(other["row"].tolist()), got_there, whose))
            known |= rows["file"] == file  # told once
    lost = f"{expected}; its leading zeros are lost: format the column as text, and enter it as it was"
    row_of = {name: row for row, name in enumerate(selection["id"], 2)}

    def why(row: Series) -> str:
        near = difflib.get_close_matches(row["incident_id"], row_of, n=1, cutoff=0.8)
        like = f"; the one in its row {row_of[near[0]]} is most like it" if near else ""
        return lost if row["incident_id"] in short else expected + like

    found.rows(_Findings.SAMPLE, rows[~known], "incident_id", why, got)
    known &= rows["incident_id"].isin(list(stratum_of))
    changed = rows[known & (rows["stratum"] != rows["incident_id"].map(stratum_of))]
    drawn_from = lambda row: f"{stratum_of[row['incident_id']]}, from which the incident was drawn"
    found.rows(_Findings.SAMPLE, changed, "stratum", drawn_from)
    _check_given(rows[known], selection.drop_duplicates("id").set_index("id"), found)


def _check_given(rows: pd.DataFrame, selection: pd.DataFrame, found: _Findings) -> None:
    """Cells that the worksheet gave and somebody has changed; and dates of a CSV file that may be read in two orders."""
    as_drawn = (
        "what the worksheet gave; a time or route that the frame has wrong is corrected in the table crimes later"
    )
    numbered = rows["crime_number"].isin([str(number) for number in range(1, worksheet.ROWS_PER_INCIDENT + 1)])
    if "route" in rows:
        given = rows["incident_id"].map(selection["route"])
        changed = given.notna() & (given != rows["route"]) & (rows["route"].notna() | numbered)
        found.rows(_Findings.SAMPLE, rows[changed], "route", as_drawn)
    given = parse_moments(rows["incident_id"].map(selection["reported_at"])).dt.floor("min")
    for file, own in rows.groupby("file", sort=False):
        drawn, times = given[own.index], _minutes(own["reported_at"])
        differs = drawn.notna() & (times != drawn) & (own["reported_at"].notna() | numbered[own.index])
        other_way = {name: _minutes(own[name], month_first=True) for name in ("reported_at", "recorded_at")}
        first = {name: own[name].notna() & _minutes(own[name]).isna() & other_way[name].notna() for name in other_way}
        if differs.any() and (other_way["reported_at"] == drawn)[differs].all():
            first["reported_at"] = differs
        if of_us := [name for name, rows_of in first.items() if rows_of.sum() > 1]:
            where = f"{places(own['row'][first[of_us[0]]].tolist())}, column {of_us[0]}"
            expected = "the day before the month, as in the worksheet; or dates such as 2022-06-03: save it as .xlsx"
            found.instead(Problem(str(file), where, "dates with the month before the day", expected), tuple(other_way))
            continue
        found.rows(_Findings.SAMPLE, own[differs], "reported_at", as_drawn)
        two_ways = {name: _minutes(own[name]).notna() & (_minutes(own[name]) != other_way[name]) for name in other_way}
        unsure = pd.concat([two_ways[name] & other_way[name].notna() for name in other_way], axis=1).any(axis=1)
        sure = pd.concat([two_ways[name] & other_way[name].isna() for name in other_way], axis=1).any(axis=None)
        of_csv = str(file).lower().endswith(".csv")  # in a workbook text is what was typed: day first, as is asked for
        if of_csv and unsure.any() and not sure and not (two_ways["reported_at"] & (times == drawn)).any():
            got = f"{unsure.sum():,} dates that can be read in two orders, {places(own['row'][unsure].tolist())}"
            expected = (
                "dates such as 2022-06-03, or the worksheet saved as .xlsx: nothing in the file says which is the day"
            )
            found.add(_Findings.FILE, Problem(str(file), "", got, expected))


def _minutes(texts: Series, month_first: bool = False) -> Series:
    """Times to the minute, as far as a CSV file of a spreadsheet has them; with ``month_first`` 3/6/2022 is of March."""
    if month_first:
        swapped = texts.astype(object).where(texts.notna(), "").astype(str)
        texts = swapped.str.replace(r"^(\d{1,2})/(\d{1,2})/", r"\2/\1/", regex=True)
    return parse_moments(texts).dt.floor("min")


def _check_rows_of_incidents(rows: pd.DataFrame, found: _Findings) -> None:
    """What is wrong between the rows of an incident, in one audit."""
    crimes = rows[_is_crime(rows) | _is_over(rows)]
    expected = "each crime of an incident once; number its crimes 1, 2, 3, ..."
    again = lambda row: f"crime {row['crime_number']} a second time"
    twice = crimes[crimes.duplicated(["incident_id", "file", "crime_number"])]
    found.rows(_Findings.TWICE, twice, "crime_number", expected, again)
    for _, own in rows.groupby("incident_id", sort=False):
        top, first = own.iloc[:1], own.iloc[0]
        elsewhere = own[own["file"] != first["file"]]
        got = f"an incident that is also in {Path(first['file']).name}"
        once = "each incident in one file of an audit; of two copies of a worksheet take one away"
        found.rows(_Findings.TWICE, elsewhere.iloc[:1], "incident_id", once, got)
        said, crime = own["finding"].dropna().unique(), own[_is_crime(own)]
        if len(said) == 0:
            found.rows(_Findings.MISSING, top, "finding", "the finding of the incident; the decision is missing")
        elif len(said) > 1:
            got = " and ".join(map(shown, said))
            found.rows(_Findings.VALUE, top, "finding", "one finding for the incident", got)
        elif said[0] == worksheet.CRIME and crime.empty:
            expected = "at least one crime that should have been recorded; or no crime"
            found.rows(_Findings.MISSING, top, "finding", expected, "crime, and no crime filled in")
        elif said[0] in (worksheet.NO_CRIME, worksheet.NOT_AUDITED) and len(crime):
            got = f"{said[0]}, and a crime in row {crime['row'].iloc[0]}"
            found.rows(_Findings.VALUE, top, "finding", "crime; or no crime filled in", got)
        if list(said) == [worksheet.NOT_AUDITED] and own["reason"].isna().all():
            found.rows(_Findings.MISSING, top, "reason", "why the incident cannot be audited")


def _incidents(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per incident of one audit: its finding if there is one, whether all of its crimes were recorded, reason."""
    incidents = rows.groupby("incident_id", sort=False)
    finding = incidents["finding"].first().where(incidents["finding"].nunique() == 1, None)
    missed = finding.index.isin(rows["incident_id"][_is_crime(rows) & (rows["recorded"] != "yes")])
    is_crime = finding == worksheet.CRIME
    outcome = finding.mask(is_crime, "all recorded").mask(is_crime & missed, "not all recorded")
    return pd.DataFrame({"finding": finding, "outcome": outcome, "reason": incidents["reason"].first()})


def _strata(incidents: pd.DataFrame, selection: pd.DataFrame) -> Counts:
    """Selected incidents of each stratum, counted by what came of them."""
    finding, returned = selection["id"].map(incidents["finding"]), selection["id"].isin(incidents.index)
    counted = pd.DataFrame({"selected": 1, "reserves": selection["reserve"] == "True", "returned": returned})
    for name in worksheet.FINDINGS:
        counted[name.replace(" ", "_")] = finding == name
    counted["audited"] = finding.isin([worksheet.CRIME, worksheet.NO_CRIME])
    counts: Any = counted.groupby(selection["stratum"]).sum().to_dict("index")
    return counts


def _progress(inspection: Inspection, selection: pd.DataFrame, returned: pd.Index) -> dict[int, tuple[int, int]]:
    """How many of the incidents that each auditor was given are returned; empty where one has them all."""
    auditors = inspection.sampling.auditors if inspection.sampling else 1
    shares = selection["id"].isin(returned).groupby(auditor_of(selection, auditors))
    return {int(n): (int(done.sum()), len(done)) for n, done in shares} if auditors > 1 else {}


def _check_returned(strata: Counts, audit: str, folder: str, found: _Findings) -> None:
    """Selected incidents on which nobody decided, by stratum; and strata of the first audit without any audited."""
    for stratum, n in strata.items():
        if missing := n["selected"] - n["returned"]:
            what = "selected" if audit == worksheet.FIRST else "drawn for the re-check"
            share = f"({n['returned'] / n['selected']:.0%})"
            got = f"{n['returned']:,} of {n['selected']:,} incidents {what} {share}"
            expected = f"a decision on the other {missing:,}; outstanding.csv lists them"
        elif audit == worksheet.FIRST and n["cannot_be_audited"] == n["selected"]:
            got = f"{n['selected']:,} incidents, none of which can be audited"
            expected = "one that can be; nothing is known of a stratum without any"
        else:
            continue
        weight = _Findings.MISSING if audit == worksheet.FIRST else _Findings.WARNING
        found.add(weight, Problem(folder, f"stratum {shown(stratum)}", got, expected))


# ---- two auditors ------------------------------------------------------------------------------------------


def _compare(rows: pd.DataFrame, incidents: dict[str, pd.DataFrame]) -> tuple[dict[str, Any], pd.DataFrame]:
    """First audit and re-check: kappa of finding and outcome, and every difference in a decision."""
    both = incidents[worksheet.FIRST].join(incidents[worksheet.RECHECK].add_suffix("_again"), how="inner")
    both = both.dropna(subset=["finding", "finding_again"])
    other = both[both["finding"] != both["finding_again"]]
    differences = [(name, "", "finding", row["finding"], row["finding_again"]) for name, row in other.iterrows()]
    key, compared = ["incident_id", "crime_number"], [name for name in COMPARED if name in rows]
    is_crime = _is_crime(rows) | _is_over(rows)
    crimes = rows[is_crime & rows["incident_id"].isin(both.index)].drop_duplicates(["audit", *key])
    first, again = (  # by incident and number of the crime
        crimes[crimes["audit"] == audit].set_index(key)[compared].fillna("").to_dict("index")
        for audit in (worksheet.FIRST, worksheet.RECHECK)
    )
    place: Any
    for place in sorted({*first, *again}, key=str):
        if place in first and place in again:
            one, two = first[place], again[place]
            differences += [(*place, name, one[name], two[name]) for name in compared if one[name] != two[name]]
        else:
            decided = ("a crime", "no such crime") if place in first else ("no such crime", "a crime")
            differences.append((*place, "crime", *decided))
    table = pd.DataFrame(differences, columns=[*key, "decision", "first_audit", "recheck"])
    recheck: dict[str, Any] = dict.fromkeys(("finding", "outcome"))
    if len(both):
        recheck = {name: asdict(cohens_kappa(both[name].tolist(), both[f"{name}_again"].tolist())) for name in recheck}
    return {"incidents": len(both), "agreed": len(both) - table["incident_id"].nunique()} | recheck, table
