"""What a programme counts ("x of y") and of what it estimates rates: its conditions applied to the tables of an audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import Problem, shown, suggest
from cdi_lib.inspection.programme import Counted, Rate, Told
from cdi_lib.inspection.records import AuditRecords
from cdi_lib.inspection.results import SampleKind
from cdi_lib.inspection.tables import Series, offence_classes, tables_of

Group = Literal["crimes", "dip", "in time", "n100", "cancellations", "survey", "equality"]


@dataclass(frozen=True)
class Found:
    """How many rows count out of how many, and those that do not (of crimes; several where counts are added up)."""

    x: int
    n: int
    missed: pd.DataFrame = field(repr=False)  # never shown: it holds references


def matching(table: pd.DataFrame, conditions: Mapping[str, Sequence[str]]) -> Series:
    """Which rows of a table have one of the values in every column that is named; yes and no for what is true or false."""
    matches = pd.Series(True, index=table.index)
    for column, values in conditions.items():
        if column not in table:  # one that may be left out, such as stratum
            return pd.Series(False, index=table.index)
        cells = table[column]
        if pd.api.types.is_bool_dtype(cells):
            cells = cells.astype(object).map({True: "yes", False: "no"})
        matches &= cells.isin(values)
    return matches


def group_of(told: Told, id_: str) -> Group:
    """What an "x of y" is about: its table and, of crimes, whether dip samples alone, or the time of recording."""
    share = told.shares[id_]
    if share.sum:
        return group_of(told, share.sum[0])
    if share.table != "crimes":
        return share.table
    if told.samples_of(id_):
        return "dip"
    return "in time" if "within_limit" in {*share.where, *share.counts} else "crimes"


def sample_kind(told: Told, id_: str) -> SampleKind:
    """On what an "x of y" rests."""
    share = told.shares[id_]
    if share.sum:
        kinds = {sample_kind(told, part) for part in share.sum}
        if len(kinds) == 1:
            return kinds.pop()
        return "main and dip" if kinds <= {"main", "dip", "main and dip"} else "review"
    if share.table != "crimes":
        return "survey" if share.table == "survey" else "review"
    if told.samples_of(id_):
        return "dip"
    return "main" if share.where.get("sample") == ("main",) else "main and dip"


def shares_of(told: Told, *groups: Group) -> list[str]:
    """Ids of the "x of y" of these groups, in the order of the programme."""
    return [id_ for id_ in told.shares if group_of(told, id_) in groups]


def is_narrowed(id_: str, told: Told) -> bool:
    """Whether an "x of y" looks at a part of the records of its dip samples only: how many these are is not known.

    A condition on the crime, such as its type, narrows the crimes, not the records in which they were looked for.
    """
    share, of_records = told.shares[id_], {"route", "stratum", *told.columns}
    return not of_records.isdisjoint(share.where) or any(is_narrowed(part, told) for part in share.sum)


def doubtful_conditions(inspection: Inspection, records: AuditRecords) -> list[Problem]:
    """A warning for each value that a programme asks for in a column of free text and that stands in no row of it."""
    programme, tables = inspection.programme, tables_of(inspection.programme)
    asked: list[tuple[str, str, Rate | Counted]]
    asked = [(f"estimates.{id_}", "crimes", rate) for id_, rate in programme.estimates.items()]
    asked += [(f"shares.{id_}", share.table, share) for id_, share in programme.shares.items()]
    found = []
    for place, name, measure in asked:
        if (table := getattr(records, name, None)) is None:
            continue
        free = {c for c, spec in tables[name].items() if spec.kind.free and c in table and not c.endswith("_id")}
        for key, conditions in measure.model_dump(include={"where", "counts", "minus"}).items():
            for column in conditions.keys() & free:
                there = set(table[column].dropna())
                if missing := [value for value in conditions[column] if value not in there]:
                    where, got, some = f"{place}.{key}.{column}", shown(missing[0]), sorted(there)[:10]
                    such = f"such as {', '.join(some)}{suggest(missing[0], some)}"
                    problem = programme.problem(where, got, f"a value that stands in a row of {name}, {such}")
                    found.append(replace(problem, severity="warning"))
    return found


def examined(id_: str, told: Told, records: AuditRecords) -> int:
    """Records of its dip samples that were examined."""
    dip = records.dip_records
    return 0 if dip is None else int(dip["sample"].isin(told.samples_of(id_)).sum())


def count(id_: str, inspection: Inspection, records: AuditRecords) -> Found | None:
    """An "x of y" of the programme; None where it was not inspected: no such table, no record of its dip samples, or no
    answer to its statements."""
    programme = inspection.programme
    share = programme.shares[id_]
    if share.sum:
        parts = [found for part in share.sum if (found := count(part, inspection, records))]
        if not parts:
            return None
        missed = pd.concat([part.missed for part in parts])
        return Found(sum(part.x for part in parts), sum(part.n for part in parts), missed)
    table = _table(share, inspection, records)
    if table is None or (programme.samples_of(id_) and not examined(id_, programme, records)):
        return None
    rows = table[matching(table, share.where)]
    if share.table == "survey" and rows.empty:
        return None
    counts = matching(rows, share.counts)
    return Found(int(counts.sum()), len(rows), rows[~counts])


def _table(share: Counted, inspection: Inspection, records: AuditRecords) -> pd.DataFrame | None:
    if share.table != "equality":
        found: pd.DataFrame | None = getattr(records, share.table)
        return found
    if (equality := inspection.equality) is None:
        return None
    named = dict.fromkeys(equality.recorded, "yes") | dict.fromkeys(equality.not_recorded, "no")
    return pd.DataFrame({"characteristic": list(named), "recorded": list(named.values())})


def by_class(crimes: pd.DataFrame, by_name: bool = False) -> dict[str, int]:
    """Counts by description of the offence class, most frequent first, or by name."""
    counts = dict(crimes["offence_class"].map(offence_classes()["description"]).value_counts())
    return dict(sorted(counts.items(), key=(lambda item: item[0]) if by_name else (lambda item: (-item[1], item[0]))))
