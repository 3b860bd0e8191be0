"""From frame to crimes, link by link: each must still be what the next was made of.

Frame and trail are compared by SHA-256; trail, selection and crimes by their references, of which none is quoted.
"""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from cdi_lib.fieldwork.draw import SELECTIONS, read_audit_frame, read_selection, with_reference
from cdi_lib.fieldwork.trail import AGAIN, TRAILS, Trail, read_trail
from cdi_lib.fieldwork.worksheet import FIRST, RECHECK
from cdi_lib.inspection.files import file_hash, find_table, without_zeros
from cdi_lib.inspection.folders import own_folder
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import InputError, Problem, places, shown
from cdi_lib.inspection.records import AuditRecords
from cdi_lib.inspection.tables import parse_moments


def check_chain(force: str, inspection: Inspection, params: Path, records: AuditRecords | None) -> list[Problem]:
    """Errors where a link of the chain does not fit the one before it."""
    try:
        trail = read_trail(force, params)
        found = _frame(force, inspection, params, trail)
        for audit in (FIRST, RECHECK):
            found += _selection(force, params, audit)
        return found if records is None else found + _crimes(force, inspection, params, records, trail)
    except InputError as error:
        return list(error.problems)


def _frame(force: str, inspection: Inspection, params: Path, trail: Trail | None) -> list[Problem]:
    """Whether the frame is the file that was drawn from, or another that the parameters declare."""
    path, drawn = find_table("frame", own_folder(force, params)), trail.frame_sha256 if trail else None
    declared = inspection.sampling.frame.changed if inspection.sampling else None
    now = file_hash(path) if path else None
    if declared and (drawn is None or now in (None, drawn)):
        got, key = "a frame that was changed, where there is none", "sampling.frame.changed"
        return [Problem(f"params/{force}.yml", key, got, "no such key: take it out")]
    if drawn is None or now == drawn:
        return []
    if path is None:
        got = "no frame beside the sample that was drawn from it"
        expected = "the file: without it nobody can repeat the draw"
        return [Problem(f"params/{force}/frame", "", got, expected, "warning")]
    place = f"params/{force}/sample/{TRAILS[FIRST]}"
    if declared and declared.sha256 == now:
        where = _other_than_drawn(force, inspection, params)
        got = "a frame changed after the draw" + (", also in what was drawn" if where else f": {declared.reason}")
        expected = f"the drawn incidents as they are in the selection; put back the file of {place}"
        told = f"the file of {place}; the parameters declare the change, and all drawn incidents are in it as they were"
        problem = Problem(f"params/{force}/{path.name}", "", got, told, "warning")
        return [replace(problem, where=where, expected=expected, severity="error") if where else problem]
    got = f"another file than the sample was drawn from (SHA-256 {now})"
    expected = (
        f"the file with SHA-256 {drawn[:12]}…, as {place} has it: put it back; or, if nothing that was drawn was "
    )
    expected += "changed, give this SHA-256 and a reason in sampling.frame.changed; if it is lost, take this one out "
    expected += f"of the folder: the sample stands, and the report says that its draw cannot be repeated; or {AGAIN}"
    return [Problem(f"params/{force}/{path.name}", "", got, expected)]


def _other_than_drawn(force: str, inspection: Inspection, params: Path) -> str:
    """Rows of the selection that the frame has not, or with another stratum, time, route or context; or nothing."""
    given, drawn = read_audit_frame(force, inspection, params), read_selection(force, params, FIRST)
    there = drawn["id"].isin(given.frame.known(drawn["id"].tolist()))
    now = with_reference(drawn[there], given, inspection).reindex(drawn.index)
    other = ~there
    for name in ("stratum", "reported_at", "route", *set(given.columns.context).intersection(drawn)):
        one, two = (table[name].fillna("").astype(str).str.split().str.join(" ") for table in (drawn, now))
        if name == "reported_at":
            one, two = (parse_moments(texts).fillna(pd.Timestamp(0)) for texts in (one, two))
        other |= one != two
    rows = (drawn.index[other] + 2).tolist()
    return f"{places(rows)} of {SELECTIONS[FIRST]}" if rows else ""


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
    if trail and (records.strata is None or records.strata.empty):
        expected = f"the strata of the draw, from which crimes get their weights: make collect FORCE={force} writes it"
        found.append(Problem(f"params/{force}/strata.csv", "", "no such file, or no row", expected))
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
