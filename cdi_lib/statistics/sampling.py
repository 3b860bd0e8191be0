"""The draw of a sample that anybody can repeat, and the trail with which to repeat it.

There is no random number generator. The key of a record is the SHA-256 of the text ``<seed>:<id>``, and the records
with the smallest keys of a stratum are selected. Adding or removing records leaves the order of all others as it was.
SQL, R or ``tests/repeat_draw.py`` repeats the draw without this library.

Draws with chances proportional to a size, and systematic ones, are not offered: how many crimes an incident holds is not known
before it is audited. Samples that others drew with unequal chances are estimated (``Design(unequal_chances=True)``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from dataclasses import replace as with_changes
from numbers import Integral
from typing import Any

import pandas as pd

from cdi_lib.statistics.checks import count as count_of
from cdi_lib.statistics.frames import ALL, Frame, FrameInfo, frame_of, normal_text
from cdi_lib.statistics.planning import Allocation, Counts, per_stratum

SCHEMA_VERSION = 2  # of the trail
ALGORITHM_VERSION = 3  # a changed rule of selection is a new version: 1 and 2 used other keys


@dataclass(frozen=True)
class Record:
    """A selected or reserve record: its place in its stratum (from 1; reserves go on counting), and its key."""

    order: int
    id: str
    stratum: str
    inclusion_probability: float
    key: str


@dataclass(frozen=True)
class Replacement:
    """A record that could not be audited, the reserve that took its place, and the reason."""

    replaced: str
    by: str
    stratum: str
    reason: str


@dataclass(frozen=True)
class Selection:
    """A drawn sample: records and reserves in their fixed order, and all that is needed to draw it again.

    ``frame`` and ``counts`` are the records of each stratum in the frame, and those drawn of it.
    """

    seed: str
    id_column: str
    stratum_columns: tuple[str, ...]
    frame: dict[str, int]
    counts: dict[str, int]
    records: tuple[Record, ...] = field(repr=False)
    reserves: tuple[Record, ...] = field(repr=False)
    replacements: tuple[Replacement, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def current(self) -> tuple[Record, ...]:
        """The records to audit now: a reserve stands in the place of the record that it replaced."""
        known = {record.id: record for record in self.reserves}
        now = list(self.records)
        for swap in self.replacements:  # in the order in which they were made
            place = next(i for i, record in enumerate(now) if record.id == swap.replaced)
            now[place] = known[swap.by]
        return tuple(now)

    @property
    def unused(self) -> tuple[Record, ...]:
        """The reserves that stand in no record's place yet, in the order in which they must be used."""
        used = {swap.by for swap in self.replacements}
        return tuple(record for record in self.reserves if record.id not in used)

    def to_frame(self) -> pd.DataFrame:
        """One row per selected and reserve record: ``id``, ``stratum``, ``order``, ``reserve``, ..."""
        rows = [asdict(r) | {"reserve": False} for r in self.records]
        return pd.DataFrame(rows + [asdict(r) | {"reserve": True} for r in self.reserves])


def draw(
    frame: Frame | pd.DataFrame, allocation: Allocation | Counts, seed: int | str, *, id_column: str | None = None,
    stratum_column: str | Sequence[str] | None = None, reserves: Counts = 0,
) -> Selection:  # fmt: skip
    """Draw a simple random sample, or one of each stratum, that depends on nothing but seed, ids and strata.

    Keys behave as random numbers as long as nobody chooses ids after the seed is known. So every record of a stratum of
    N has the inclusion probability n/N, and every set of n is as likely as any other. Raises ValueError for empty or
    repeated ids, a sample larger than its stratum, strata that are not those of the allocation, ...

    - ``frame``: one row per record, in any order; a DataFrame with ``id_column`` and ``stratum_column``.
    - ``allocation``: records to draw; one number only without strata.
    - ``seed``: public, and fixed before the frame is seen; 7 and "7" are the same. A second sample that is to be
      independent of the first (a blind re-check) needs another seed.
    - ``reserves``: records per stratum in reserve, in the order in which they must be used.

    >>> frame = pd.DataFrame({"id": ["INC-1", "INC-2", "INC-3", "INC-4"]})
    >>> [record.id for record in draw(frame, 2, seed=7, id_column="id").records]
    ['INC-1', 'INC-2']
    """
    if isinstance(frame, pd.DataFrame):
        if id_column is None:
            raise ValueError("a DataFrame needs its id_column")
        frame = frame_of(frame, id_column, stratum_column)
    elif id_column or stratum_column:
        raise ValueError("id_column and stratum_column belong to a DataFrame: a Frame was read with its own")
    if isinstance(seed, bool) or not isinstance(seed, (Integral, str)) or not str(seed).strip():
        raise ValueError(f"seed must be a whole number or a text; got {seed!r}")
    info, text = frame.info, normal_text(seed)
    if info.records == 0:
        raise ValueError("the frame has no record")
    counts = _wanted(allocation, info.counts)
    spare, notes = _reserves(reserves, counts, info.counts)
    order, found = Counter[str](), []
    for key, name, stratum in frame.smallest(text, max(n + spare[h] for h, n in counts.items())):
        order[stratum] += 1
        chance = counts[stratum] / info.counts[stratum]
        found.append(Record(order[stratum], name, stratum, chance, key))
    found.sort(key=lambda record: (record.stratum, record.order))
    drawn = tuple(r for r in found if r.order <= counts[r.stratum])
    kept = tuple(r for r in found if counts[r.stratum] < r.order <= counts[r.stratum] + spare[r.stratum])
    return Selection(text, info.id_column, info.stratum_columns, info.counts, counts, drawn, kept, notes=notes)


def _reserves(asked: Counts, counts: dict[str, int], sizes: dict[str, int]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Reserves of each stratum from which any record is drawn, and notes where it has no more."""
    spare, notes = {}, []
    for stratum, wanted in sorted(per_stratum("reserves", asked, counts).items()):
        n = counts[stratum] and count_of(f"reserves of stratum {stratum!r}", wanted, 0)
        most = sizes.get(stratum, 0) - counts[stratum]
        if n > most:
            notes.append(f"{stratum}: only {most} of {n} reserves, the frame has no more records")
        spare[stratum] = min(n, most)
    return spare, tuple(notes)


def _wanted(allocation: Allocation | Counts, sizes: Mapping[str, int]) -> dict[str, int]:
    """Records to draw per stratum, checked against the frame."""
    if isinstance(allocation, Allocation):
        counted = {h: n for h, n in allocation.frame.items() if n}
        if counted != dict(sizes):
            said = f"it counts {counted}, the frame has {dict(sizes)}"
            raise ValueError(f"the allocation was made for another frame: {said}; allocate again")
        allocation = allocation.counts
    if not isinstance(allocation, Mapping):
        if set(sizes) != {ALL}:
            raise ValueError("a stratified draw needs a count for every stratum; make them with allocate()")
        allocation = {ALL: allocation}
    counts = {str(h): count_of(f"allocation of stratum {str(h)!r}", n, 0) for h, n in allocation.items()}
    missing = sorted(set(sizes) - set(counts))
    unknown = sorted(h for h in set(counts) - set(sizes) if counts[h])
    if missing or unknown:
        said = f"missing: {missing}, not in the frame: {unknown}"
        raise ValueError(f"the allocation must name the strata of the frame; {said}")
    for h, n in counts.items():
        if n > sizes.get(h, 0):
            raise ValueError(f"stratum {h!r}: {n} records to draw, but the frame has only {sizes[h]}")
    if not any(counts.values()):
        raise ValueError("the allocation draws no record")
    return counts


def replace(selection: Selection, record_id: str, reason: str) -> Selection:
    """Replace a record that cannot be audited by the next unused reserve of its stratum.

    ``current`` of what is returned lists the records to audit. Raises ValueError if the record is not in the present
    sample, no reserve is left, or there is no reason.
    """
    text, why = normal_text(record_id), str(reason or "").strip()
    if not why:
        raise ValueError(f"record {text!r}: the reason of a replacement must be given")
    now = next((record for record in selection.current if record.id == text), None)
    if now is None:
        gone = any(swap.replaced == text for swap in selection.replacements)
        raise ValueError(f"record {text!r} {'was replaced already' if gone else 'is not in the sample'}")
    spare = next((reserve for reserve in selection.unused if reserve.stratum == now.stratum), None)
    if spare is None:
        said = "draw again with the same seed and more reserves (those in use keep their order)"
        raise ValueError(f"record {text!r}: no reserve is left in stratum {now.stratum!r}; {said}")
    swap = Replacement(text, spare.id, now.stratum, why)
    return with_changes(selection, replacements=(*selection.replacements, swap))


_ALGORITHM = {
    "name": "sha256(seed:id)",
    "version": ALGORITHM_VERSION,
    "key": "SHA-256 of the text seed, colon, id in UTF-8, as 64 hexadecimal digits",
    "rule": "in each stratum the n records with the smallest keys, in this order; the reserves are the next; "
    "equal keys by id",
    "texts": "seed, ids and strata in Unicode normalisation form C without white space at their ends",
    "strata": "values of several columns are joined by ' / '; 'all' without strata",
}


def trail(
    selection: Selection, frame_info: FrameInfo | None = None, plan: Mapping[str, Any] | None = None,
    allocation: Allocation | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The selection trail: a JSON document with which a third party can repeat the draw from the frame.

    ``frame_info``, ``plan`` and ``allocation`` are what the draw was made from; None if there was none. The trail names
    records, so it belongs to the auditors' papers, not to the published report. It has no date and no path: the same
    draw writes the same bytes.
    """
    if frame_info is not None and frame_info.counts != selection.frame:
        raise ValueError(f"frame_info counts {frame_info.counts}, but the selection was drawn from {selection.frame}")
    first, spare = selection.records[0], Counter(record.stratum for record in selection.reserves)
    return {
        "document": "selection trail",
        "schema_version": SCHEMA_VERSION,
        "algorithm": _ALGORITHM,
        "check": {"id": first.id, "command": check_command(selection.seed, first.id), "gives": first.key},
        "seed": selection.seed,
        "columns": {"id": selection.id_column, "strata": list(selection.stratum_columns)},
        "frame": None if frame_info is None else asdict(frame_info),
        "plan": plan,
        "allocation": None if allocation is None else asdict(allocation) | {"notes": list(allocation.notes)},
        "strata": [
            {"stratum": h, "frame": size, "selected": n, "reserves": spare[h], "inclusion_probability": n / size}
            for h, size in sorted(selection.frame.items())
            for n in (selection.counts[h],)
        ],
        "notes": list(selection.notes),
        "selection": [asdict(record) for record in selection.records],
        "reserves": [asdict(record) for record in selection.reserves],
        "replacements": [asdict(swap) for swap in selection.replacements],
    }


def check_command(seed: str, record_id: str) -> str:
    """The command of a shell that prints the key of one record.

    >>> print(check_command("7", "INC-4"))
    printf '7:INC-4' | sha256sum
    """
    text = f"{seed}:{record_id}"
    for special, written in (("\\", "\\\\"), ("%", "%%"), ("'", "'\\''")):
        text = text.replace(special, written)
    return f"printf '{text}' | sha256sum"


def trail_text(document: Mapping[str, Any]) -> str:
    """A trail as JSON text: the same document gives the same text, and so the same SHA-256."""
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
