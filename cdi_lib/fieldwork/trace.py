"""One record along its way: frame, draw, selection, worksheets, table of crimes, results."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from cdi_lib.fieldwork.draw import SELECTIONS, read_audit_frame, read_selection
from cdi_lib.fieldwork.returns import read_returned
from cdi_lib.fieldwork.trail import read_trail
from cdi_lib.fieldwork.worksheet import FIRST, RECHECK
from cdi_lib.inspection.counting import matching
from cdi_lib.inspection.files import find_table
from cdi_lib.inspection.folders import own_folder
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.programme import MAIN
from cdi_lib.inspection.records import load_records
from cdi_lib.statistics.frames import normal_text
from cdi_lib.statistics.sampling import check_command


def trace(force: str, inspection: Inspection, params: Path, record: str) -> Iterator[tuple[str, str]]:
    """Where the record with this reference stands, link by link, and what it counts in: name of the link, and words.

    The reference is that of an incident or of a crime. InputError where a file of the chain cannot be read.
    """
    record = normal_text(record)
    crimes = None
    if find_table("crimes", own_folder(force, params)):
        crimes = load_records(force, inspection, params).crimes
        crimes = crimes[(crimes["incident_id"] == record) | (crimes["crime_id"] == record)]
        if len(crimes):
            record = str(crimes["incident_id"].iloc[0])
    if inspection.sampling and (path := find_table("frame", own_folder(force, params))):
        known = read_audit_frame(force, inspection, params).frame.known([record])
        yield "frame", f"params/{force}/{path.name}: {'there' if known else 'not there'}"
    yield from _drawn(force, params, record)
    for audit in (FIRST, RECHECK):
        if (own_folder(force, params, "sample") / SELECTIONS[audit]).is_file():
            ids = list(read_selection(force, params, audit)["id"])
            place = f"row {ids.index(record) + 2}" if record in ids else "not there"
            yield "selection", f"params/{force}/sample/{SELECTIONS[audit]}: {place}"
    returned, _ = read_returned(force, inspection, params)
    for row in returned[returned["incident_id"] == record].to_dict("records"):
        said = [f"{name} {row[name]}" for name in ("finding", "offence_class", "recorded") if row[name]]
        yield "returned", f"{row['file']}, row {row['row']}, {row['audit']}: {', '.join(said)}"
    if crimes is None:
        yield "crimes", f"params/{force}: no table of crimes yet"
        return
    if crimes.empty:
        yield "crimes", "none of this record"
    for row_number, crime in zip(crimes.index + 2, crimes.to_dict("records"), strict=True):
        recorded = "recorded" if crime["recorded"] else "not recorded"
        yield "crimes", f"crimes, row {row_number}: {crime['crime_type']}, class {crime['offence_class']}, {recorded}"
    for label in _counted_in(crimes, inspection):
        yield "results", label


def _drawn(force: str, params: Path, record: str) -> Iterator[tuple[str, str]]:
    """The key of a record in the draw, its place in its stratum, and whether a reserve stands for it."""
    trail = read_trail(force, params)
    if trail is None:
        return
    key = hashlib.sha256(f"{trail.seed}:{record}".encode()).hexdigest()
    yield "key", f"{key[:16]}…; by hand: {check_command(trail.seed, record)}"
    strata = {drawn.id: drawn.stratum for drawn in trail.selection}
    if record in strata:
        order = [name for name, stratum in strata.items() if stratum == strata[record]]
        yield "draw", f"{order.index(record) + 1:,} of the {len(order):,} drawn in the stratum {strata[record]}"
    else:
        yield "draw", "not drawn"
    for swap in trail.replacements:
        if swap.replaced == record:
            yield "draw", f"a reserve stands in its place: {swap.reason}"
        if swap.by == record:
            yield "draw", f"a reserve of the stratum {swap.stratum}, in use"


def _counted_in(crimes: pd.DataFrame, inspection: Inspection) -> Iterator[str]:
    """Rates and "x of y" in which the crimes of a record count."""
    programme, main = inspection.programme, crimes[crimes["sample"] == MAIN]
    if len(main):
        yield "rate of all crime"
        yield from (f"rate: {programme.crime_types[name].label}" for name in dict.fromkeys(main["crime_type"]))
    for asked in programme.estimates.values():
        if matching(main, asked.where).any():
            yield f"rate: {asked.label}"
    for share in programme.shares.values():
        if share.table == "crimes" and not share.sum and (n := int(matching(crimes, share.where).sum())):
            x = int(matching(crimes[matching(crimes, share.where)], share.counts).sum())
            yield f"{share.label}: {x} of {n}"
