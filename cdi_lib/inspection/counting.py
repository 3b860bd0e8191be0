"""Counts the measures of a programme in the tables of an audit: x of n, and the rows of a rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.programme import BLANK, KNOWN, Condition, Measure, Programme
from cdi_lib.inspection.records import AuditRecords
from cdi_lib.inspection.tables import MAIN


@dataclass(frozen=True)
class Counted:
    """How many of n rows have what a measure asks for; ``missed`` are the rows that have not.

    ``sample`` is what they were drawn from: main, dip, main and dip, random, review or survey.
    """

    x: int
    n: int
    sample: str
    missed: pd.DataFrame | None = None


def matching(table: pd.DataFrame, conditions: Mapping[str, Condition]) -> pd.Series:
    """Which rows of a table meet all conditions; a blank meets none but ``blank``."""
    meets = pd.Series(True, index=table.index)
    for name, values in conditions.items():
        column = table[name]
        here = pd.Series(False, index=table.index)
        for value in values:
            if value in (KNOWN, BLANK):
                here |= column.notna() if value == KNOWN else column.isna()
            elif pd.api.types.is_bool_dtype(column.dtype):
                here |= (column == (value == "yes")).fillna(False).astype(bool)
            else:
                here |= (column == value).fillna(False).astype(bool)
        meets &= here
    return meets


def counted(id_: str, programme: Programme, records: AuditRecords, inspection: Inspection) -> Counted | None:
    """The "x of n" of a measure; None where it was not inspected.

    That is where its table is not there, no record of its dip samples was examined, or the survey did not ask.
    """
    measure = programme.measures[id_]
    if measure.parameters:
        found = inspection.equality
        return found and Counted(len(found.recorded), len(found.recorded) + len(found.not_recorded), "review")
    if measure.sum:
        parts = [part for name in measure.sum if (part := counted(name, programme, records, inspection))]
        samples = {part.sample for part in parts}
        sample = samples.pop() if len(samples) == 1 else "main and dip"
        missed = [part.missed for part in parts if part.missed is not None]
        rows = pd.concat(missed) if missed else None
        return Counted(sum(p.x for p in parts), sum(p.n for p in parts), sample, rows) if parts else None
    table: pd.DataFrame | None = getattr(records, measure.table or "")
    if table is None or not _is_inspected(id_, programme, records, inspection):
        return None
    rows = table[matching(table, measure.where)]
    has_it = matching(rows, measure.counts)
    return Counted(int(has_it.sum()), len(rows), _sample(measure, programme), rows[~has_it])


def _is_inspected(id_: str, programme: Programme, records: AuditRecords, inspection: Inspection) -> bool:
    measure, dips = programme.measures[id_], programme.dip_samples_of(id_)
    if measure.table == "survey":
        return set(measure.where.get("statement", ())) <= set(inspection.survey_statements)
    if measure.table != "crimes" or not dips or MAIN in measure.where["sample"]:
        return True
    return records.dip_records is not None and bool(records.dip_records["sample"].isin(dips).any())


def _sample(measure: Measure, programme: Programme) -> str:
    if measure.table != "crimes":
        return "survey" if measure.table == "survey" else "review"
    named = measure.where.get("sample", (MAIN, "dip"))
    if named == (MAIN,):
        return "main"
    if MAIN in named:
        return "main and dip"
    kinds = {programme.samples[sample].kind for sample in named}
    return "random" if kinds == {"random"} else "dip"


def domain(id_: str, programme: Programme, main: pd.DataFrame) -> pd.Series:
    """Which crimes of the main sample the rate of a measure is about."""
    conditions = {key: value for key, value in programme.measures[id_].where.items() if key != "sample"}
    return matching(main, conditions)


def examined(id_: str, programme: Programme, records: AuditRecords) -> int:
    """How many records of the dip samples of a measure were examined."""
    if records.dip_records is None:
        return 0
    return int(records.dip_records["sample"].isin(programme.dip_samples_of(id_)).sum())
