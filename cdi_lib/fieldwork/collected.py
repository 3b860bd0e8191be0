"""What becomes of complete worksheets: the tables ``crimes`` and ``strata``, and papers for the auditors."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from cdi_lib.fieldwork.returns import DISAGREEMENTS, FOLDER, OUTSTANDING, PROBLEMS, Returns
from cdi_lib.fieldwork.trail import TRAILS, read_trail
from cdi_lib.fieldwork.worksheet import FIRST
from cdi_lib.inspection.files import as_csv, find_table, read_table, write_whole
from cdi_lib.inspection.folders import own_folder
from cdi_lib.inspection.problems import InputError, Problem, places
from cdi_lib.inspection.programme import MAIN
from cdi_lib.inspection.records import AuditRecords
from cdi_lib.inspection.tables import columns_of

FORMULA = re.compile(r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def not_replaced(force: str, returns: Returns, params: Path) -> dict[str, str]:
    """The incidents that cannot be audited and for which no reserve stands yet, each with its reason."""
    try:
        trail = read_trail(force, params)
    except InputError:  # check_drawn tells of it
        return {}
    replaced = {swap.replaced for swap in trail.replacements} if trail else set()
    return {name: reason for name, reason in returns.unaudited.items() if name not in replaced}


def write_papers(force: str, returns: Returns, params: Path) -> list[Path]:
    """Write problems, incidents without a decision, and disagreements as CSV beside the worksheets."""
    folder = own_folder(force, params, FOLDER)
    problems = pd.DataFrame([problem.places for problem in returns.problems], columns=list(Problem.PLACES))
    papers = {PROBLEMS: problems, OUTSTANDING: returns.outstanding}
    if returns.recheck is not None:
        papers[DISAGREEMENTS] = returns.disagreements
    # These are opened in spreadsheets: what would be read as a formula gets an apostrophe before it.
    as_cell = lambda text: f"'{text}" if isinstance(text, str) and FORMULA.match(text) else text
    return [write_whole(folder / name, as_csv(table.map(as_cell), "utf-8-sig")) for name, table in papers.items()]


def collect(force: str, returns: Returns, params: Path) -> list[Path]:
    """Make the tables ``crimes``, ``strata`` and perhaps ``over_recorded`` of the returned worksheets; returns the files that changed.

    Crimes of dip samples that are in the table stay, and so does a table ``strata`` of other strata than those of the
    draw. InputError if the worksheets have errors, or if the table holds other crimes of the main sample, which may have
    been corrected since: nothing is overwritten.
    """
    if returns.errors:
        write_papers(force, returns, params)  # to which the problems point
        raise InputError(returns.problems)
    trail = read_trail(force, params)
    if trail is None:
        expected = f"the trail of the draw; make sample FORCE={force} writes it again"
        raise InputError.of(f"params/{force}/sample/{TRAILS[FIRST]}", "", "no such file", expected)
    folder = own_folder(force, params)
    path = find_table("crimes", folder) or folder / "crimes.csv"
    whole = _with_dip_samples(returns.crimes, path, f"params/{force}/{path.name}")
    over = _over_recorded(force, returns, folder)
    written = [] if whole is None else [write_whole(path, as_csv(whole))]
    if over and returns.over_recorded is not None:
        written.append(write_whole(over, as_csv(returns.over_recorded)))
    path = find_table("strata", folder) or folder / "strata.csv"
    there = read_table(path, path.name) if path.is_file() else pd.DataFrame(columns=["stratum"])
    others = "stratum" in there and not set(there["stratum"]) <= set(returns.strata)
    counts = {row.stratum: (row.frame, returns.strata.get(row.stratum)) for row in trail.strata}
    rows = [(name, size, found["audited"]) for name, (size, found) in counts.items() if found]
    content = as_csv(pd.DataFrame(rows, columns=columns_of("strata")))
    if path.suffix == ".csv" and not others and not (path.is_file() and path.read_bytes() == content):
        written.append(write_whole(path, content))
    return written


def _over_recorded(force: str, returns: Returns, folder: Path) -> Path | None:
    """Where the over-recorded crimes of the worksheets are to be written; None where they were not asked for, or are."""
    if returns.over_recorded is None:
        return None
    path = find_table("over_recorded", folder)
    if path is None:
        return folder / "over_recorded.csv"
    name, columns = f"params/{force}/{path.name}", list(returns.over_recorded)
    held, made = (
        table.reindex(columns=columns).fillna("").sort_values("crime_id").to_numpy().tolist()
        for table in (read_table(path, name), returns.over_recorded)
    )
    if not held and made:
        return path
    if held != made:
        expected = "those of the worksheets; to make the table again from them, without corrections, move the file away"
        raise InputError.of(name, "", "other crimes that should not have been recorded", expected)
    return None


def _with_dip_samples(crimes: pd.DataFrame, path: Path, file: str) -> pd.DataFrame | None:
    """The crimes of the worksheets and those of dip samples that are in the table; None if it holds these already."""
    if not path.is_file():
        return crimes
    there = read_table(path, file)
    if "sample" not in there:
        raise InputError.of(file, "column sample", "no such column", "a table of crimes")
    there = there.reindex(columns=list(crimes))
    is_main = there["sample"] == MAIN
    if is_main.any():
        held, made = (table.fillna("").sort_values("crime_id") for table in (there[is_main], crimes))
        if held.to_numpy().tolist() == made.to_numpy().tolist():
            return None
        expected = (
            "those of the worksheets, or none. What was corrected in the table counts and needs no collecting; "
            "to make it again from the worksheets, without corrections, move the file away"
        )
        raise InputError.of(file, "column sample", "other crimes of the main sample", expected)
    if path.suffix != ".csv":
        expected = "crimes.csv, to which the crimes of the worksheets can be added; save it as CSV"
        raise InputError.of(file, "", f"a {path.suffix} file", expected)
    return pd.concat([crimes, there], ignore_index=True)


def check_strata(force: str, returns: Returns, records: AuditRecords) -> list[Problem]:
    """Errors of the table ``strata`` where it says other numbers than complete worksheets."""
    strata = records.strata
    if strata is None or returns.errors:
        return []
    expected = f", as the returned worksheets have it; make collect FORCE={force} writes the table again"
    problems = []
    for row, (name, held) in enumerate(zip(strata["stratum"], strata["audited_incidents"], strict=True), 2):
        made = returns.strata.get(name, {}).get("audited", held)
        if made != held:
            where = f"row {row}, column audited_incidents"
            problems.append(Problem(records.file_of("strata"), where, str(held), f"{made:,}{expected}"))
    return problems


def is_collected(force: str, params: Path) -> bool:
    """Whether the table ``crimes`` of a force holds crimes of the main sample."""
    path = find_table("crimes", own_folder(force, params))
    table = read_table(path, f"params/{force}/{path.name}") if path else pd.DataFrame()
    return "sample" in table.columns and bool((table["sample"] == MAIN).any())


def check_collected(returns: Returns, records: AuditRecords) -> list[Problem]:
    """Warnings of what the table ``crimes`` holds that is neither the auditors' nor that of upheld challenges."""
    main, challenges = records.main, records.challenges
    upheld = set() if challenges is None else set(challenges["crime_id"][challenges["outcome"] == "upheld"])
    made = returns.crimes.drop_duplicates("crime_id").set_index("crime_id").map(_in_text)  # twice is told elsewhere
    held = main.assign(row=main.index + 2).drop_duplicates("crime_id").set_index("crime_id")
    both = held.index.intersection(made.index)
    of_form = lambda n: "decision that differs" if n == 1 else "decisions that differ"
    shared = [name for name in made.columns if name in held and name not in ("incident_id", "sample")]
    differs = held.loc[both, shared].map(_in_text) != made.loc[both, shared]
    differs = differs[differs.any(axis=1) & ~both.isin(list(upheld))]
    found = []
    if n := len(differs):  # one correction often changes several columns
        columns = [name for name in shared if differs[name].any()]
        named = f"column{'s' * (len(columns) > 1)} {', '.join(columns)}"
        found.append((f"{places(held.loc[differs.index, 'row'].tolist())}, {named}", f"{n:,} {of_form(n)}"))
    added, missing = held.index.difference(made.index), made.index.difference(held.index)
    for names, what in ((added, "in no worksheet"), (missing, "")):
        if n := len(names := names.difference(list(upheld))):
            where = places(held.loc[names, "row"].tolist()) if what else ""
            got = f"{n:,} crime{'s' * (n > 1)} {what or 'of the worksheets missing'}, and so {of_form(n)}"
            found.append((where, got))
    expected = "those of the worksheets, or an upheld challenge in the table challenges for each"
    file, source = records.file_of("crimes"), "from the returned worksheets"
    return [Problem(file, where, f"{got} {source}", expected, "warning") for where, got in found]


def _in_text(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return "" if pd.isna(value) else {"True": "yes", "False": "no"}.get(str(value), str(value))
