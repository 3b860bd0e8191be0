"""The auditors' returned worksheets: read them all, say everything that is wrong, and make the table of crimes.

Worksheets come back as .xlsx or .csv files in ``params/<force>/returned/``, one or several, of the first audit and of
the re-check; every row says which. No reference of a record is quoted in a message: file and row lead to it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import openpyxl
import pandas as pd

from cdi_lib.fieldwork.draw import SELECTIONS, read_selection
from cdi_lib.fieldwork.trail import TRAILS, read_trail, replacements
from cdi_lib.fieldwork.worksheet import (
    AUDIT_SHEET,
    COLUMNS,
    CRIME,
    DECISIONS,
    FIRST,
    NO_CRIME,
    NOT_AUDITED,
    RECHECK,
)
from cdi_lib.inspection.folders import PROJECT, own_folder, write_whole
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import InputError, Problem, shown, suggest
from cdi_lib.inspection.records import (
    MAIN,
    MOMENT,
    TABLES,
    as_text,
    csv_rows,
    find_table,
    offence_classes,
    other_separator,
    parse_moments,
    read_text_table,
)
from cdi_lib.statistics.agreement import cohens_kappa

FOLDER = "returned"
# Papers that are written here, and so never read as worksheets
PROBLEMS, OUTSTANDING, DISAGREEMENTS = "problems.csv", "outstanding.csv", "disagreements.csv"
# What cannot be read of these is told: a worksheet that was saved in another form must not be passed over.
SPREADSHEETS = (".csv", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".numbers")
NEEDED = ("crime_type", "offence_class", "route", "domestic_abuse", "recorded")
CRIME_COLUMNS = tuple(TABLES["crimes"].columns)


@dataclass(frozen=True)
class Returns:
    """What the auditors returned.

    Parameters
    ----------
    problems : tuple of Problem
        Everything that is wrong, worst first.
    crimes : DataFrame
        The crimes of the first audit, as text, with the columns of the table ``crimes``; complete only if there
        is no error.
    strata : dict
        Per stratum: incidents selected, reserves among them (in the place of what cannot be audited), returned, found to
        hold a crime or none, not auditable.
    recheck : dict or None
        Incidents audited twice, those on which everything agreed, and kappa; None without a re-check.
    unaudited : dict of incident to reason
        What the first audit found cannot be audited, in the order of the draw; names records, for the auditors only.
    outstanding : DataFrame
        The selected incidents on which nobody decided; names records, for the auditors only.
    disagreements : DataFrame
        One row for each difference between first audit and re-check; names records, for the auditors only.
    """

    problems: tuple[Problem, ...]
    crimes: pd.DataFrame
    strata: dict[str, dict[str, int]]
    recheck: dict | None
    unaudited: dict[str, str]
    outstanding: pd.DataFrame
    disagreements: pd.DataFrame

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the worksheets from being used."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def returned_files(force: str, params: Path) -> list[Path]:
    """The worksheets in ``params/<force>/returned/``, in alphabetical order."""
    folder = own_folder(force, params, FOLDER)
    return [
        path
        for path in sorted(folder.iterdir() if folder.is_dir() else [])
        if path.suffix.lower() in SPREADSHEETS
        and not path.name.startswith((".", "~"))
        and path.name not in (PROBLEMS, OUTSTANDING, DISAGREEMENTS)
    ]


def check_returns(force: str, inspection: Inspection, params: Path = PROJECT / "params") -> Returns | None:
    """Read and check all returned worksheets of a force; None if there are none.

    Raises
    ------
    InputError
        If worksheets are there, but no sample was drawn.
    """
    files = returned_files(force, params)
    if not files:
        return None
    found = _Findings()
    tables = [_read(path, f"params/{force}/{FOLDER}/{path.name}", found) for path in files]
    rows = pd.concat(tables, ignore_index=True)
    rows["used"] = rows["used"].astype(bool)  # also where no file could be read
    selected = {FIRST: read_selection(force, params, FIRST)}
    if (rows["audit"] == RECHECK).any() or (
        own_folder(force, params, "sample") / SELECTIONS[RECHECK]
    ).is_file():
        selected[RECHECK] = read_selection(force, params, RECHECK)
    for audit, selection in selected.items():
        _check_against_selection(rows[rows["audit"] == audit], selection, audit, found)
    rows = rows[rows["used"]]
    _check_rows(rows, inspection, found)
    incidents = {audit: _incidents(rows[rows["audit"] == audit], found) for audit in selected}
    for audit, selection in selected.items():
        _check_returned(incidents[audit], selection, audit, f"params/{force}/{FOLDER}", found)
    recheck, disagreements = _compare(rows, incidents) if RECHECK in selected else (None, pd.DataFrame())
    return Returns(
        found.sorted(),
        _crimes(rows[rows["audit"] == FIRST]),
        _strata(incidents[FIRST], selected[FIRST]),
        recheck,
        _unaudited(incidents[FIRST], selected[FIRST]),
        pd.concat([_outstanding(incidents[audit], selected[audit], audit) for audit in selected]),
        disagreements,
    )


def summary(returns: Returns | None) -> dict | None:
    """Response and agreement for the report: counts and estimates only; None without returned worksheets.

    Returns
    -------
    dict or None
        ``selected`` (with ``reserves`` in use), ``returned`` and ``audited`` incidents, ``response_rate`` (audited over
        selected, a proportion),
        ``strata`` with the same counts, ``errors`` of the worksheets, and ``recheck`` (None, or ``incidents``, ``agreed``,
        and ``finding`` and ``outcome`` with n, agreed, kappa, low, high and confidence).
    """
    if returns is None:
        return None
    strata = {name: counts | {"audited": _audited(counts)} for name, counts in returns.strata.items()}
    total = {
        key: sum(counts[key] for counts in strata.values())
        for key in ("selected", "reserves", "returned", "audited", "crime", "no_crime", "cannot_be_audited")
    }
    rate = total["audited"] / total["selected"]
    more = {
        "response_rate": rate,
        "strata": strata,
        "errors": len(returns.errors),
        "recheck": returns.recheck,
    }
    return total | more


def not_replaced(force: str, returns: Returns, params: Path = PROJECT / "params") -> dict[str, str]:
    """The incidents that cannot be audited and for which no reserve stands yet, each with its reason."""
    try:
        replaced = {swap.replaced for swap in replacements(force, params)}
    except InputError:  # check_drawn tells of it
        return {}
    return {name: reason for name, reason in returns.unaudited.items() if name not in replaced}


def _audited(counts: dict[str, int]) -> int:
    return counts["crime"] + counts["no_crime"]


def write_papers(force: str, returns: Returns, params: Path = PROJECT / "params") -> list[Path]:
    """Write problems, incidents without a decision, and disagreements as CSV beside the worksheets."""
    folder = own_folder(force, params, FOLDER)
    columns = list(Problem.__dataclass_fields__)
    problems = pd.DataFrame([asdict(problem) for problem in returns.problems], columns=columns)
    written = [
        _write_csv(folder / PROBLEMS, problems),
        _write_csv(folder / OUTSTANDING, returns.outstanding),
    ]
    if returns.recheck is not None:
        written.append(_write_csv(folder / DISAGREEMENTS, returns.disagreements))
    return written


def _write_csv(path: Path, table: pd.DataFrame) -> Path:
    # These are opened in spreadsheets: what would be read as a formula gets an apostrophe before it.
    as_cell = lambda text: f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@") else text
    return write_whole(path, table.map(as_cell).to_csv(index=False, lineterminator="\n").encode("utf-8-sig"))


def collect(force: str, returns: Returns, params: Path = PROJECT / "params") -> list[Path]:
    """Make the tables ``crimes`` and ``strata`` of the returned worksheets.

    Crimes of dip samples that are in the table stay, and so does a table ``strata`` of other strata than those of the draw.
    Returns the files that were written, none if they hold this already.

    Raises
    ------
    InputError
        If the worksheets have errors, or if the table holds other crimes of the main sample, which may have been
        corrected since: nothing is overwritten.
    """
    if returns.errors:
        raise InputError(returns.problems)
    if read_trail(force, params) is None:
        expected = f"the trail of the draw; make sample FORCE={force} writes it again"
        raise InputError([Problem(f"params/{force}/sample/{TRAILS[FIRST]}", "", "no such file", expected)])
    folder = own_folder(force, params)
    path = find_table("crimes", folder) or folder / "crimes.csv"
    place = f"params/{force}/{path.name}"
    dip, is_there = pd.DataFrame(columns=list(CRIME_COLUMNS)), False
    if path.is_file():
        table = read_text_table(path, place)
        if "sample" not in table.columns:
            raise InputError([Problem(place, "column sample", "no such column", "a table of crimes")])
        dip = table[table["sample"] != MAIN]
        if len(dip) < len(table):
            is_there = _same(table[table["sample"] == MAIN], returns.crimes)
            if not is_there:
                expected = "none, or those of the worksheets; move the file away to make it again from them"
                raise InputError(
                    [Problem(place, "column sample", "other crimes of the main sample", expected)]
                )
        elif path.suffix != ".csv":
            expected = "crimes.csv, to which the crimes of the worksheets can be added; save it as CSV"
            raise InputError([Problem(place, "", f"a {path.suffix} file", expected)])
    written = []
    if not is_there:
        whole = pd.concat([returns.crimes, dip.reindex(columns=list(CRIME_COLUMNS))], ignore_index=True)
        written = [write_whole(path, whole.to_csv(index=False, lineterminator="\n").encode())]
    return written + _write_strata(force, returns, params)


def _write_strata(force: str, returns: Returns, params: Path) -> list[Path]:
    """The table ``strata``: incidents of each stratum in the frame, and audited. One of other strata is left alone."""
    folder = own_folder(force, params)
    path = find_table("strata", folder) or folder / "strata.csv"
    there = read_text_table(path, path.name) if path.is_file() else pd.DataFrame(columns=["stratum"])
    others = "stratum" in there.columns and not set(there["stratum"]) <= set(returns.strata)
    if path.suffix != ".csv" or others:
        return []
    rows = [
        {
            "stratum": row.stratum,
            "frame_incidents": row.frame,
            "audited_incidents": _audited(returns.strata[row.stratum]),
        }
        for row in read_trail(force, params).strata
        if row.stratum in returns.strata
    ]
    content = pd.DataFrame(rows, columns=list(TABLES["strata"].columns)).to_csv(
        index=False, lineterminator="\n"
    )
    if path.is_file() and path.read_bytes() == content.encode():
        return []
    return [write_whole(path, content.encode())]


def check_strata(force: str, returns: Returns, strata: pd.DataFrame | None) -> list[Problem]:
    """Errors of the table ``strata`` where it says other numbers than complete worksheets."""
    if strata is None or returns.errors:
        return []
    problems = []
    for row in strata[strata["stratum"].isin(list(returns.strata))].itertuples():
        audited = _audited(returns.strata[row.stratum])
        if row.audited_incidents != audited:
            place, expected = (
                f"row {row.Index + 2}, column audited_incidents",
                f"{audited:,}, as the returned worksheets have it; make collect FORCE={force} writes the table again",
            )
            problems.append(Problem(f"params/{force}/strata", place, str(row.audited_incidents), expected))
    return problems


def is_collected(force: str, params: Path = PROJECT / "params") -> bool:
    """Whether the table ``crimes`` of a force holds crimes of the main sample."""
    path = find_table("crimes", own_folder(force, params))
    if path is None:
        return False
    table = read_text_table(path, f"params/{force}/{path.name}")
    return "sample" in table.columns and bool((table["sample"] == MAIN).any())


def check_collected(
    force: str, returns: Returns, main: pd.DataFrame, challenges: pd.DataFrame | None
) -> list[Problem]:
    """Warnings of decisions in the table ``crimes`` that are neither the auditors' nor those of upheld challenges.

    Parameters
    ----------
    main : DataFrame
        The crimes of the main sample.
    challenges : DataFrame or None
        The table of challenges.
    """
    upheld = set() if challenges is None else set(challenges["crime_id"][challenges["outcome"] == "upheld"])
    decided = returns.crimes.drop_duplicates("crime_id").set_index(
        "crime_id"
    )  # twice is an error, told elsewhere
    decided = decided["offence_class"] + (decided["recorded"] == "yes").map({True: " recorded", False: ""})
    held = main.set_index("crime_id")
    held = held["offence_class"] + held["recorded"].map({True: " recorded", False: ""})
    ids = decided.index.union(held.index)
    differs = (decided.reindex(ids).fillna("") != held.reindex(ids).fillna("")) & ~ids.isin(list(upheld))
    if not differs.any():
        return []
    got = f"{differs.sum():,} decisions that differ from the returned worksheets"
    expected = "those of the worksheets, or an upheld challenge in the table challenges for each"
    return [Problem(f"params/{force}/crimes", "", got, expected, "warning")]


def _same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    rows = [
        table.reindex(columns=list(CRIME_COLUMNS))
        .astype(object)
        .fillna("")
        .sort_values("crime_id")
        .to_numpy()
        for table in (one, other)
    ]
    return rows[0].shape == rows[1].shape and bool((rows[0] == rows[1]).all())


# ---- reading -----------------------------------------------------------------------------------------------


class _Findings:
    """Problems as they are found, each with its weight: the lightest is listed last."""

    FILE, SAMPLE, TWICE, MISSING, VALUE, WARNING = range(6)

    def __init__(self) -> None:
        self._found: list[tuple[int, Problem]] = []

    def add(self, weight: int, file: str, where: str, got: str, expected: str) -> None:
        severity = "warning" if weight == self.WARNING else "error"
        self._found.append((weight, Problem(file, where, got, expected, severity)))

    def row(self, weight: int, row: pd.Series, column: str, expected: str, got: str | None = None) -> None:
        """A problem of one cell; its value is quoted unless ``got`` says it in other words."""
        value = row[column]
        got = got or ("a blank cell" if pd.isna(value) else shown(str(value)))
        self.add(weight, row["file"], f"row {row['row']}, column {column}", got, expected)

    def sorted(self) -> tuple[Problem, ...]:
        return tuple(problem for _, problem in sorted(self._found, key=lambda item: item[0]))


def _read(path: Path, file: str, found: _Findings) -> pd.DataFrame:
    """One worksheet as text, with file and row of every record; rows without any decision are left out."""
    empty = pd.DataFrame(columns=[*COLUMNS, "file", "row", "used"])
    try:
        rows = csv_rows(path, file) if path.suffix.lower() == ".csv" else _sheet(path, file)
    except InputError as error:
        for problem in error.problems:
            found.add(_Findings.FILE, problem.file, problem.where, problem.got, problem.expected)
        return empty
    header = [name.strip() for name in rows[0]] if rows else []
    if other := other_separator(header, file):
        found.add(_Findings.FILE, other.file, other.where, other.got, other.expected)
        return empty
    missing = [name for name in COLUMNS if header.count(name) != 1]
    if missing:
        for name in missing:
            got = "the column twice" if name in header else f"no such column{suggest(name, header)}"
            found.add(_Findings.FILE, file, f"column {name}", got, f"once: {COLUMNS[name].description}")
        return empty
    width = len(header)
    cells = [(row + [""] * width)[:width] for row in rows[1:]]
    table = pd.DataFrame(cells, columns=header, dtype=object)[list(COLUMNS)].map(str.strip)
    table["file"], table["row"] = file, range(2, len(table) + 2)
    for name, column in COLUMNS.items():
        if column.choices:
            table[name] = table[name].str.lower()
    table["offence_class"] = table["offence_class"].str.upper()
    # 1.0 is how programs write a whole number of a column with blank cells
    table["crime_number"] = table["crime_number"].str.removesuffix(".0")
    entered = ["finding", "reason", *DECISIONS]
    table["used"] = (table[entered] != "").any(axis=1)
    prepared = table["incident_id"] != ""
    for _, row in table[~prepared & table["used"]].iterrows():
        found.row(
            _Findings.SAMPLE, row, "incident_id", "the incident that this row belongs to", "a blank cell"
        )
    wrong = prepared & ~table["audit"].isin([FIRST, RECHECK])
    for _, row in table[wrong].iterrows():
        found.row(_Findings.SAMPLE, row, "audit", f"{FIRST} or {RECHECK}, as in the worksheet")
    return table[prepared & ~wrong].astype(object).where(lambda t: t != "", None)


def _sheet(path: Path, file: str) -> list[list[str]]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception:  # noqa: BLE001  the reader has many kinds of error; all mean the same to the user
        expected = "the worksheet saved as .xlsx or .csv, as a spreadsheet program opens it"
        raise InputError([Problem(file, "", "a file that cannot be read", expected)]) from None
    try:
        if AUDIT_SHEET not in book.sheetnames:
            expected = f"the sheet {AUDIT_SHEET} of the worksheet"
            got = f"the sheets {', '.join(book.sheetnames)}"
            raise InputError([Problem(file, "", shown(got), expected)])
        rows = book[AUDIT_SHEET].iter_rows(values_only=True)
        return [[as_text(value) for value in row] for row in rows]
    finally:
        book.close()


# ---- checking ----------------------------------------------------------------------------------------------


def _check_against_selection(
    rows: pd.DataFrame, selection: pd.DataFrame, audit: str, found: _Findings
) -> None:
    stratum_of = dict(zip(selection["id"], selection["stratum"], strict=True))
    known = rows["incident_id"].isin(list(stratum_of))
    for _, row in rows[~known & rows["used"]].iterrows():
        expected = f"an incident of sample/{SELECTIONS[audit]}"
        found.row(_Findings.SAMPLE, row, "incident_id", expected, "a record that was not selected")
    changed = known & rows["used"] & (rows["stratum"] != rows["incident_id"].map(stratum_of))
    for _, row in rows[changed].iterrows():
        expected = f"{stratum_of[row['incident_id']]}, from which the incident was drawn"
        found.row(_Findings.SAMPLE, row, "stratum", expected)


def _is_crime(rows: pd.DataFrame) -> pd.Series:
    """Rows in which the auditor has decided on a crime."""
    return rows[list(DECISIONS)].notna().any(axis=1)


def _check_rows(rows: pd.DataFrame, inspection: Inspection, found: _Findings) -> None:
    """What is wrong within single rows."""
    known = offence_classes()
    crimes = rows[_is_crime(rows)].copy()
    number = crimes["crime_number"].astype("str").str.fullmatch("[1-9][0-9]{0,2}").astype(bool)
    for _, row in crimes[~number].iterrows():
        found.row(_Findings.VALUE, row, "crime_number", "1, 2, 3, ...")
    for column in NEEDED:
        for _, row in crimes[crimes[column].isna()].iterrows():
            found.row(
                _Findings.MISSING, row, column, f"{COLUMNS[column].description}; the decision is missing"
            )
    for column, spec in COLUMNS.items():
        if spec.choices:
            for _, row in rows[rows[column].notna() & ~rows[column].isin(spec.choices)].iterrows():
                expected = f"one of {', '.join(spec.choices)}{suggest(row[column], spec.choices)}"
                found.row(_Findings.VALUE, row, column, expected)
    types = crimes["offence_class"].map(known["crime_type"])
    for _, row in crimes[crimes["offence_class"].notna() & types.isna()].iterrows():
        near = suggest(row["offence_class"], known.index)
        expected = f"a class of params/offence_classes.csv{near}; add it there if it is missing"
        found.row(_Findings.VALUE, row, "offence_class", expected)
    for _, row in crimes[
        types.notna() & crimes["crime_type"].notna() & (types != crimes["crime_type"])
    ].iterrows():
        expected = f"{types[row.name]}, the crime type of class {row['offence_class']}"
        found.row(_Findings.VALUE, row, "crime_type", expected)
    _check_moments(crimes, inspection, found)
    rape = crimes["offence_class"].map(known["rape"]) == "yes"
    unrecorded = crimes["recorded"] == "no"
    for wrong, column, expected, weight in (
        (
            crimes["recorded_at"].notna() & (crimes["recorded"] != "yes"),
            "recorded_at",
            "a blank for a crime that was not recorded; or recorded: yes",
            _Findings.VALUE,
        ),
        (
            crimes["recorded_as"].notna() & (crimes["recorded"] == "yes"),
            "recorded_as",
            "a blank for a crime that was recorded",
            _Findings.VALUE,
        ),
        (
            (crimes["recorded_as"] == "n100") & ~rape,
            "recorded_as",
            "n100 only for a crime of rape (class 19C to 19H)",
            _Findings.VALUE,
        ),
        (
            unrecorded & crimes["recorded_as"].isna(),
            "recorded_as",
            "what there was instead: n100, incident or nothing",
            _Findings.WARNING,
        ),
    ):
        for _, row in crimes[wrong].iterrows():
            found.row(weight, row, column, expected)


def _check_moments(crimes: pd.DataFrame, inspection: Inspection, found: _Findings) -> None:
    period = inspection.audit_period
    first, after = pd.Timestamp(period.start), pd.Timestamp(period.end) + pd.Timedelta(days=1)
    moments = {name: parse_moments(crimes[name]) for name in ("reported_at", "recorded_at")}
    for name, values in moments.items():
        for _, row in crimes[crimes[name].notna() & values.isna()].iterrows():
            found.row(_Findings.VALUE, row, name, MOMENT)
    reported, recorded = moments["reported_at"], moments["recorded_at"]
    checks: list[tuple[pd.Series, str, str]] = [
        (
            reported.notna() & ~reported.between(first, after, inclusive="left"),
            "reported_at",
            f"a time in the audit period, {period.start} to {period.end}",
        ),
        (recorded < reported, "recorded_at", "a time that is not before reported_at"),
        (
            crimes["recorded_at"].notna() & crimes["reported_at"].isna(),
            "reported_at",
            "the time of report of a crime that has a time of recording",
        ),
    ]
    for wrong, name, expected in checks:
        for _, row in crimes[wrong].iterrows():
            found.row(_Findings.VALUE, row, name, expected)


def _incidents(rows: pd.DataFrame, found: _Findings) -> pd.DataFrame:
    """One row per incident of one audit: stratum and finding; and what is wrong between its rows."""
    is_crime = _is_crime(rows)
    crimes = rows[is_crime]
    for _, row in crimes[crimes.duplicated(["incident_id", "file", "crime_number"])].iterrows():
        expected = "each crime of an incident once; number its crimes 1, 2, 3, ..."
        found.row(
            _Findings.TWICE, row, "crime_number", expected, f"crime {row['crime_number']} a second time"
        )
    findings = []
    for incident_id, own in rows.groupby("incident_id", sort=False):
        top, has_crime = own.iloc[0], bool(is_crime[own.index].any())
        if own["file"].nunique() > 1:
            other = own[own["file"] != top["file"]].iloc[0]
            got = f"an incident that is also in {top['file'].rsplit('/', 1)[-1]}, row {top['row']}"
            found.row(_Findings.TWICE, other, "incident_id", "each incident in one file of an audit", got)
        said = own["finding"].dropna().unique()
        finding = said[0] if len(said) == 1 else None
        if len(said) == 0:
            found.row(
                _Findings.MISSING, top, "finding", "the finding of the incident; the decision is missing"
            )
        elif len(said) > 1:
            expected = "one finding for the incident"
            found.row(_Findings.VALUE, top, "finding", expected, f"{' and '.join(map(shown, said))}")
        elif finding == CRIME and not has_crime:
            expected = "at least one crime that should have been recorded; or no crime"
            found.row(_Findings.MISSING, top, "finding", expected, "crime, and no crime filled in")
        elif finding in (NO_CRIME, NOT_AUDITED) and has_crime:
            crime = own[is_crime[own.index]].iloc[0]
            got = f"{finding}, and a crime in row {crime['row']}"
            found.row(_Findings.VALUE, top, "finding", "crime; or no crime filled in", got)
        if finding == NOT_AUDITED and own["reason"].isna().all():
            found.row(_Findings.MISSING, top, "reason", "why the incident cannot be audited")
        recorded = own.loc[is_crime[own.index], "recorded"]
        outcome = finding
        if finding == CRIME:
            outcome = "all recorded" if (recorded == "yes").all() else "not all recorded"
        reason = next(iter(own["reason"].dropna()), None)
        findings.append((incident_id, finding, outcome, reason))
    columns = ["incident_id", "finding", "outcome", "reason"]
    return pd.DataFrame(findings, columns=columns).set_index("incident_id")


def _unaudited(incidents: pd.DataFrame, selection: pd.DataFrame) -> dict[str, str]:
    """Incidents that cannot be audited, with the reason; one without a reason is told as an error."""
    found = incidents[(incidents["finding"] == NOT_AUDITED) & incidents["reason"].notna()]["reason"]
    return {name: found[name] for name in selection["id"] if name in found.index}


def _check_returned(
    incidents: pd.DataFrame, selection: pd.DataFrame, audit: str, folder: str, found: _Findings
) -> None:
    """Selected incidents on which nobody decided, by stratum."""
    returned = selection["id"].isin(incidents.index)
    for stratum, here in returned.groupby(selection["stratum"]):
        if missing := int((~here).sum()):
            what = "selected" if audit == FIRST else "drawn for the re-check"
            got = f"{here.sum():,} of {len(here):,} incidents {what} ({here.mean():.0%})"
            expected = f"a decision on the other {missing:,}; outstanding.csv lists them"
            weight = _Findings.MISSING if audit == FIRST else _Findings.WARNING
            found.add(weight, folder, f"stratum {shown(stratum)}", got, expected)
        elif audit == FIRST and (incidents.loc[selection["id"][here.index], "finding"] == NOT_AUDITED).all():
            got = f"{len(here):,} incidents, none of which can be audited"
            expected = "one that can be; nothing is known of a stratum without any"
            found.add(_Findings.MISSING, folder, f"stratum {shown(stratum)}", got, expected)


def _outstanding(incidents: pd.DataFrame, selection: pd.DataFrame, audit: str) -> pd.DataFrame:
    missing = selection[~selection["id"].isin(incidents.index)]
    return pd.DataFrame({"audit": audit, "incident_id": missing["id"], "stratum": missing["stratum"]})


def _strata(incidents: pd.DataFrame, selection: pd.DataFrame) -> dict[str, dict[str, int]]:
    finding = selection["id"].map(incidents["finding"])
    returned = selection["id"].isin(incidents.index)
    return {
        str(stratum): {
            "selected": len(rows),
            "reserves": int((rows["reserve"] == "True").sum()),
            "returned": int(returned[rows.index].sum()),
            "crime": int((finding[rows.index] == CRIME).sum()),
            "no_crime": int((finding[rows.index] == NO_CRIME).sum()),
            "cannot_be_audited": int((finding[rows.index] == NOT_AUDITED).sum()),
        }
        for stratum, rows in selection.groupby("stratum")
    }


# ---- two auditors, and the table of crimes -----------------------------------------------------------------


def _compare(rows: pd.DataFrame, incidents: dict[str, pd.DataFrame]) -> tuple[dict, pd.DataFrame]:
    """First audit and re-check: kappa of finding and outcome, and every difference in a decision."""
    both = incidents[FIRST].join(incidents[RECHECK].add_suffix("_again"), how="inner")
    both = both.dropna(subset=["finding", "finding_again"])
    differences = []
    for incident_id, found in both.iterrows():
        if found["finding"] != found["finding_again"]:
            differences.append((incident_id, "", "finding", found["finding"], found["finding_again"]))
    crimes = rows[_is_crime(rows) & rows["incident_id"].isin(both.index)]
    key = ["incident_id", "crime_number"]
    first, again = (
        crimes[crimes["audit"] == audit].drop_duplicates(key).set_index(key) for audit in (FIRST, RECHECK)
    )
    for place in sorted({*first.index, *again.index}, key=str):
        if place not in first.index or place not in again.index:
            decided = "a crime", "no such crime"
            differences.append((*place, "crime", *(decided if place in first.index else decided[::-1])))
            continue
        for column in ("crime_type", "offence_class", "route", "domestic_abuse", "recorded", "recorded_as"):
            one, other = first.at[place, column], again.at[place, column]
            if (one or "") != (other or ""):
                differences.append((*place, column, one or "", other or ""))
    columns = ["incident_id", "crime_number", "decision", "first_audit", "recheck"]
    table = pd.DataFrame(differences, columns=columns)
    agreed = len(both) - table["incident_id"].nunique()
    recheck = {"incidents": len(both), "agreed": agreed, "finding": None, "outcome": None}
    if len(both):
        for name in ("finding", "outcome"):
            recheck[name] = asdict(cohens_kappa(both[name].tolist(), both[f"{name}_again"].tolist()))
    return recheck, table


def _crimes(rows: pd.DataFrame) -> pd.DataFrame:
    """The crimes of the first audit with the columns of the table ``crimes``, as text."""
    crimes = rows[_is_crime(rows)]
    number = crimes["crime_number"].astype("str")
    table = crimes.assign(crime_id=crimes["incident_id"].astype("str") + "/" + number, sample=MAIN)
    for name in ("reported_at", "recorded_at"):
        moments = parse_moments(table[name])
        table[name] = moments.dt.strftime("%Y-%m-%d %H:%M:%S").astype(object).where(moments.notna(), None)
    return table[list(CRIME_COLUMNS)].reset_index(drop=True)
