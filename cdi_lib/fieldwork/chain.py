"""From frame to crimes, link by link: each must still be what the next was made of.

Frame and trail are compared by SHA-256; trail, selection and crimes by their references, of which none is quoted.
"""

from pathlib import Path

import pandas as pd

from cdi_lib.fieldwork.draw import SELECTIONS, read_audit_frame, read_selection
from cdi_lib.fieldwork.trail import AGAIN, TRAILS, Trail, read_trail
from cdi_lib.fieldwork.worksheet import FIRST, RECHECK
from cdi_lib.inspection.files import file_hash, find_table, without_zeros
from cdi_lib.inspection.folders import own_folder
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import InputError, Problem, places, shown
from cdi_lib.inspection.records import AuditRecords


def check_chain(force: str, inspection: Inspection, params: Path, records: AuditRecords | None) -> list[Problem]:
    """Errors where a link of the chain does not fit the one before it."""
    try:
        trail = read_trail(force, params)
        found = _frame(force, params, trail) if trail else []
        for audit in (FIRST, RECHECK):
            found += _selection(force, params, audit)
        return found if records is None else found + _crimes(force, inspection, params, records, trail)
    except InputError as error:
        return list(error.problems)


def _frame(force: str, params: Path, trail: Trail) -> list[Problem]:
    path, drawn = find_table("frame", own_folder(force, params)), trail.frame_sha256
    if drawn is None:
        return []
    if path is None:
        got = "no frame beside the sample that was drawn from it"
        expected = "the file: without it nobody can repeat the draw"
        return [Problem(f"params/{force}/frame", "", got, expected, "warning")]
    if (now := file_hash(path)) == drawn:
        return []
    got = f"another file than the sample was drawn from (SHA-256 {now[:12]}…)"
    place = f"params/{force}/sample/{TRAILS[FIRST]}"
    expected = f"the file with SHA-256 {drawn[:12]}…, as {place} has it: put it back; if it is lost, take this one out "
    expected += f"of the folder: the sample stands, and the report says that its draw cannot be repeated; or {AGAIN}"
    return [Problem(f"params/{force}/{path.name}", "", got, expected)]


def _selection(force: str, params: Path, audit: str) -> list[Problem]:
    """Whether the selection is the one in its trail."""
    path = own_folder(force, params, "sample") / SELECTIONS[audit]
    trail = read_trail(force, params, audit)
    if trail is None or not path.is_file():
        return []
    drawn = [(record.id, record.stratum) for record in trail.selection]
    drawn += [(swap.by, swap.stratum) for swap in trail.replacements]
    table = read_selection(force, params, audit)
    strata = table["stratum"] if audit == FIRST else pd.Series([stratum for _, stratum in drawn])
    now = list(zip(table["id"], strata, strict=False))
    if now == drawn and len(table) == len(drawn):
        return []
    wrong = [row for row, (one, other) in enumerate(zip(now, drawn, strict=False), 2) if one != other]
    where = places(wrong) if wrong else f"row {min(len(now), len(drawn)) + 2}"
    got = f"{len(table):,} incidents that are not the {len(drawn):,} of the trail"
    hint = _zeros({name for name, _ in now}, {name for name, _ in drawn})
    expected = f"the file as make sample wrote it{hint}; delete it, and make sample FORCE={force} writes it again"
    return [Problem(f"params/{force}/sample/{path.name}", where, got, expected)]


def _crimes(
    force: str, inspection: Inspection, params: Path, records: AuditRecords, trail: Trail | None
) -> list[Problem]:
    """Incidents of the main sample that were not drawn, or are in no frame, and strata that are not those of the draw."""
    main, file = records.main, records.file_of("crimes")
    if (own_folder(force, params, "sample") / SELECTIONS[FIRST]).is_file():
        selection = read_selection(force, params, FIRST)
        stratum_of = dict(zip(selection["id"], selection["stratum"], strict=True))
        source, known = f"sample/{SELECTIONS[FIRST]}", set(stratum_of)
    elif inspection.sampling and (path := find_table("frame", own_folder(force, params))):
        stratum_of, source = {}, path.name
        known = read_audit_frame(force, inspection, params).frame.known(main["incident_id"].unique().tolist())
    else:
        return []
    found = []
    other = main[~main["incident_id"].isin(known)]
    if len(other):
        where = f"{places((other.index + 2).tolist())}, column incident_id"
        got = f"{other['incident_id'].nunique():,} of {main['incident_id'].nunique():,} incidents that are not in {source}"
        drawn = set(stratum_of) or known
        expected = "the references of the sample as they are there" + _zeros(set(other["incident_id"]), drawn)
        found.append(Problem(file, where, got, expected))
    if stratum_of and "stratum" in main:
        moved = main[main["incident_id"].isin(known) & (main["incident_id"].map(stratum_of) != main["stratum"])]
        if len(moved):
            where = f"{places((moved.index + 2).tolist())}, column stratum"
            got = f"{len(moved):,} crime{'s' * (len(moved) > 1)} in another stratum than that of the draw"
            found.append(Problem(file, where, got, f"the stratum in {source}"))
    if trail and records.strata is not None:
        sizes = {row.stratum: row.frame for row in trail.strata}
        names, given = records.strata["stratum"], records.strata["frame_incidents"]
        for row, (name, size) in enumerate(zip(names, given, strict=True), 2):
            if name in sizes and sizes[name] != size:
                where = f"row {row}, column frame_incidents"
                expected = f"{sizes[name]:,}, as in params/{force}/sample/{TRAILS[FIRST]}"
                found.append(Problem(records.file_of("strata"), where, f"{size:,}", expected))
        drawn = set(trail.selected)
        if unlike := sorted(set(names) - set(sizes)) + sorted(drawn - set(names) if drawn & set(names) else ()):
            got = f"other strata than those of the draw: {', '.join(map(shown, unlike[:5]))}"
            expected = f"the strata of the draw and no more: {', '.join(drawn)}"
            found.append(Problem(records.file_of("strata"), "column stratum", got, expected))
    return found


def _zeros(found: set[str], known: set[str]) -> str:
    """A hint at zeros that a spreadsheet has taken away."""
    lost = without_zeros(known) & (found - known)
    return "; a spreadsheet has taken their leading zeros away: format the column as text" if lost else ""
