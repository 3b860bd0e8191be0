"""What becomes of complete worksheets: the tables ``crimes`` and ``strata``, and papers for the auditors."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from cdi_lib.fieldwork.draw import TRAILS, read_trail, replacements
from cdi_lib.fieldwork.returns import DISAGREEMENTS, FOLDER, OUTSTANDING, PROBLEMS, Returns, audited
from cdi_lib.fieldwork.worksheet import FIRST
from cdi_lib.inspection.files import find_table, read_table, write_whole
from cdi_lib.inspection.folders import PROJECT, own_folder
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.inspection.tables import MAIN, TABLES

_CRIMES = list(TABLES["crimes"])


def not_replaced(force: str, returns: Returns, params: Path = PROJECT / "params") -> dict[str, str]:
    """The incidents that cannot be audited and for which no reserve stands yet, each with its reason."""
    try:
        replaced = {swap.replaced for swap in replacements(force, params)}
    except InputError:  # check_drawn tells of it
        return {}
    return {name: reason for name, reason in returns.unaudited.items() if name not in replaced}


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
    dip, is_there = pd.DataFrame(columns=_CRIMES), False
    if path.is_file():
        table = read_table(path, place)
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
        whole = pd.concat([returns.crimes, dip.reindex(columns=_CRIMES)], ignore_index=True)
        written = [write_whole(path, whole.to_csv(index=False, lineterminator="\n").encode())]
    return written + _write_strata(force, returns, params)


def _write_strata(force: str, returns: Returns, params: Path) -> list[Path]:
    """The table ``strata``: incidents of each stratum in the frame, and audited. One of other strata is left alone."""
    folder = own_folder(force, params)
    path = find_table("strata", folder) or folder / "strata.csv"
    there = read_table(path, path.name) if path.is_file() else pd.DataFrame(columns=["stratum"])
    others = "stratum" in there.columns and not set(there["stratum"]) <= set(returns.strata)
    if path.suffix != ".csv" or others:
        return []
    rows = [
        {
            "stratum": row.stratum,
            "frame_incidents": row.frame,
            "audited_incidents": audited(returns.strata[row.stratum]),
        }
        for row in read_trail(force, params).strata
        if row.stratum in returns.strata
    ]
    content = pd.DataFrame(rows, columns=list(TABLES["strata"])).to_csv(index=False, lineterminator="\n")
    if path.is_file() and path.read_bytes() == content.encode():
        return []
    return [write_whole(path, content.encode())]


def check_strata(force: str, returns: Returns, strata: pd.DataFrame | None) -> list[Problem]:
    """Errors of the table ``strata`` where it says other numbers than complete worksheets."""
    if strata is None or returns.errors:
        return []
    problems = []
    for row in strata[strata["stratum"].isin(list(returns.strata))].itertuples():
        number = audited(returns.strata[row.stratum])
        if row.audited_incidents != number:
            place = f"row {row.Index + 2}, column audited_incidents"
            again = f"make collect FORCE={force} writes the table again"
            expected = f"{number:,}, as the returned worksheets have it; {again}"
            problems.append(Problem(f"params/{force}/strata", place, str(row.audited_incidents), expected))
    return problems


def is_collected(force: str, params: Path = PROJECT / "params") -> bool:
    """Whether the table ``crimes`` of a force holds crimes of the main sample."""
    path = find_table("crimes", own_folder(force, params))
    if path is None:
        return False
    table = read_table(path, f"params/{force}/{path.name}")
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
        table.reindex(columns=_CRIMES).astype(object).fillna("").sort_values("crime_id").to_numpy()
        for table in (one, other)
    ]
    return rows[0].shape == rows[1].shape and bool((rows[0] == rows[1]).all())
