"""Counts that are so small that they could point to a person: told together with others, or not at all."""

from collections.abc import Mapping, Sequence

from cdi_lib.inspection import counting, details
from cdi_lib.inspection.details import OTHERS
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.records import AuditRecords

ABOUT_VICTIMS = {"safeguarded", "investigated", "victim_informed"}  # columns that tell what became of victims


def together(tables: Sequence[Mapping[str, int]], least: int) -> list[dict[str, int]]:
    """Tables of counts by category, linked with each other, in which none below ``least`` stands alone.

    A category with a count from 1 to ``least`` - 1 in any of the tables goes to `OTHERS` in all of them, and the next
    smallest with it until these are two or more, and no sum is so small: what is left and the totals give none away.

    >>> together([{"a": 3, "b": 9, "c": 20}], 5)
    [{'c': 20, 'others': 12}]
    """
    totals: dict[str, int] = {}
    for table in tables:
        for name, count in table.items():
            totals[name] = totals.get(name, 0) + count
    hidden = [name for name in totals if any(0 < table.get(name, 0) < least for table in tables)]
    left = sorted((name for name in totals if totals[name] and name not in hidden), key=totals.__getitem__)
    sums = [sum(table.get(name, 0) for name in hidden) for table in tables]
    while hidden and left and (len(hidden) < 2 or any(0 < number < least for number in sums)):
        hidden.append(left.pop(0))
        sums = [sum(table.get(name, 0) for name in hidden) for table in tables]
    return [
        {name: count for name, count in table.items() if name not in hidden}
        | ({OTHERS: number} if not table.keys().isdisjoint(hidden) else {})
        for table, number in zip(tables, sums, strict=True)
    ]


def of(inspection: Inspection, records: AuditRecords) -> details.Disclosure:
    """From which numbers on an inspection tells counts, and which "x of y" about victims it does not tell.

    Those that an element is judged by are told, for the grade rests on them. A sum goes with any of its parts.
    """
    programme, least, withheld = inspection.programme, inspection.least_victims, list[str]()
    judged = {element.measure for element in programme.elements.values()}
    for id_, share in programme.shares.items():
        about = ABOUT_VICTIMS & {*share.where, *share.counts}
        found = counting.count(id_, inspection, records) if about else None
        is_small = found is not None and any(0 < n < least for n in (found.x, found.n - found.x))
        if id_ not in judged and (is_small or set(withheld) & set(share.sum)):
            withheld.append(id_)
    return details.Disclosure(victims=least, crimes=inspection.disclosure.crimes, withheld=withheld)
