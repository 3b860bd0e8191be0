"""The draw of a sample that anybody can repeat, and the trail with which to repeat it.

How many records to draw is in :mod:`cdi_lib.statistics.planning`, what they are drawn from in
:mod:`cdi_lib.statistics.frames`. There is no random number generator. The key of a record is the SHA-256 of the text
``<seed>:<id>``, and the records with the smallest keys of a stratum are selected. Adding or removing records leaves the order of
all others as it was. A spreadsheet, SQL or ``tests/repeat_draw.py`` repeats the draw without this library.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from dataclasses import replace as with_changes
from numbers import Integral
from typing import Any

import pandas as pd

from cdi_lib.statistics.checks import count as count_of
from cdi_lib.statistics.frames import ALL, Frame, FrameInfo, frame_of, normal_text
from cdi_lib.statistics.planning import Allocation, SamplePlan, per_stratum

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
        known = {record.id: record for record in (*self.records, *self.reserves)}
        by = {swap.replaced: swap.by for swap in self.replacements}
        ids = [record.id for record in self.records]
        for i, name in enumerate(ids):
            while name in by:
                name = by[name]
            ids[i] = name
        return tuple(known[name] for name in ids)

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
    frame: Frame | pd.DataFrame,
    allocation: Allocation | Mapping[str, int] | int,
    seed: int | str,
    *,
    id_column: str | None = None,
    stratum_column: str | Sequence[str] | None = None,
    reserves: int | Mapping[str, int] = 0,
) -> Selection:
    """Draw a simple random sample, or one of each stratum, that depends on nothing but seed, ids and strata.

    Parameters
    ----------
    frame : Frame or DataFrame
        One row per record (incident), in any order.
    allocation : Allocation, mapping of stratum to count, or int
        Records to draw; an int only without strata.
    seed : int or str
        Public, and fixed before the frame is seen. 7 and "7" are the same. A second sample that is to be
        independent of the first (a blind re-check) needs another seed.
    id_column, stratum_column : str
        Of a DataFrame, as in :func:`cdi_lib.statistics.frames.read_frame`.
    reserves : int or mapping
        Reserve records per stratum, in the order in which they must be used.

    Raises
    ------
    ValueError
        Empty or repeated ids (with count and examples), a sample larger than its stratum, strata or counts
        that are not those of the allocation, ...

    Notes
    -----
    The keys behave as uniform random numbers to anybody who does not choose ids after the seed is known. So every record of a
    stratum of N has the inclusion probability n/N, and every set of n records is as likely as any other. Two ids with
    the same key would be ordered by id; none are known.

    Examples
    --------
    >>> frame = pd.DataFrame({"id": ["INC-1", "INC-2", "INC-3", "INC-4"]})
    >>> [record.id for record in draw(frame, 2, seed=7, id_column="id").records]
    ['INC-4', 'INC-1']
    """
    if isinstance(frame, pd.DataFrame):
        if id_column is None:
            raise ValueError("a DataFrame needs its id_column")
        frame = frame_of(frame, id_column, stratum_column)
    elif id_column or stratum_column:
        raise ValueError("id_column and stratum_column belong to a DataFrame: a Frame was read with its own")
    text, info = _seed_text(seed), frame.info
    if info.records == 0:
        raise ValueError("the frame has no record")
    counts = _wanted(allocation, info.counts)
    spare = per_stratum("reserves", reserves, counts)
    extra = {h: count_of(f"reserves of stratum {h!r}", spare[h], 0) if n else 0 for h, n in counts.items()}
    notes = []
    for stratum in sorted(counts):
        most = info.counts.get(stratum, 0) - counts[stratum]
        if extra[stratum] > most:
            notes.append(
                f"{stratum}: only {most} of {extra[stratum]} reserves, the frame has no more records"
            )
    drawn, places = [], Counter[str]()
    for key, name, stratum in frame.smallest(text, max(n + extra[h] for h, n in counts.items())):
        places[stratum] += 1
        if places[stratum] <= counts[stratum] + extra[stratum]:
            chance = counts[stratum] / info.counts[stratum]
            drawn.append(Record(places[stratum], name, stratum, chance, key))
    drawn.sort(key=lambda record: (record.stratum, record.order))
    return Selection(
        text,
        info.id_column,
        info.stratum_columns,
        info.counts,
        counts,
        tuple(record for record in drawn if record.order <= counts[record.stratum]),
        tuple(record for record in drawn if record.order > counts[record.stratum]),
        notes=tuple(notes),
    )


def _seed_text(seed: int | str) -> str:
    if isinstance(seed, bool) or not isinstance(seed, (Integral, str)) or not str(seed).strip():
        raise ValueError(f"seed must be a whole number or a text; got {seed!r}")
    return normal_text(seed)


def _wanted(allocation: Allocation | Mapping[str, int] | int, sizes: Mapping[str, int]) -> dict[str, int]:
    """Records to draw per stratum, checked against the frame."""
    if isinstance(allocation, Allocation):
        counted = {h: n for h, n in allocation.frame.items() if n}
        if counted != dict(sizes):
            raise ValueError(
                f"the allocation was made for another frame: it counts {counted}, the frame has "
                f"{dict(sizes)}; allocate again"
            )
        allocation = allocation.counts
    if not isinstance(allocation, Mapping):
        if set(sizes) != {ALL}:
            raise ValueError("a stratified draw needs a count for every stratum; make them with allocate()")
        allocation = {ALL: allocation}
    counts = {str(h): count_of(f"allocation of stratum {str(h)!r}", n, 0) for h, n in allocation.items()}
    missing = sorted(set(sizes) - set(counts))
    unknown = sorted(h for h in set(counts) - set(sizes) if counts[h])
    if missing or unknown:
        raise ValueError(
            f"the allocation must name the strata of the frame; missing: {missing}, "
            f"not in the frame: {unknown}"
        )
    for h, n in counts.items():
        if n > sizes.get(h, 0):
            raise ValueError(f"stratum {h!r}: {n} records to draw, but the frame has only {sizes[h]}")
    if not any(counts.values()):
        raise ValueError("the allocation draws no record")
    return counts


def replace(selection: Selection, record_id: str, reason: str) -> Selection:
    """Replace a record that cannot be audited by the next unused reserve of its stratum.

    Returns the selection with one more entry in ``replacements``; ``current`` lists the records to audit.

    Raises
    ------
    ValueError
        The record is not in the present sample, no reserve is left, or there is no reason.
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
        raise ValueError(
            f"record {text!r}: no reserve is left in stratum {now.stratum!r}; draw again with the same seed "
            "and more reserves (those in use keep their order)"
        )
    swap = Replacement(text, spare.id, now.stratum, why)
    return with_changes(selection, replacements=(*selection.replacements, swap))


def trail(
    selection: Selection,
    frame_info: FrameInfo | None,
    plan: SamplePlan | None,
    allocation: Allocation | None,
    replacements: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """The selection trail: a JSON document with which a third party can repeat the draw from the frame.

    Parameters
    ----------
    selection : Selection
    frame_info, plan, allocation
        What the draw was made from; None if there was none.
    replacements : iterable of (record id, reason)
        Applied in this order with :func:`replace`, after those that the selection has.

    Notes
    -----
    The trail names records. It belongs to the auditors' papers, not to the published report. It has no date
    and no path: the same draw writes the same bytes.
    """
    for record_id, reason in replacements:
        selection = replace(selection, record_id, reason)
    if frame_info is not None and frame_info.counts != selection.frame:
        raise ValueError(
            f"frame_info counts {frame_info.counts}, but the selection was drawn from {selection.frame}"
        )
    first = selection.records[0]
    return {
        "document": "selection trail",
        "schema_version": SCHEMA_VERSION,
        "algorithm": {
            "name": "sha256(seed:id)",
            "version": ALGORITHM_VERSION,
            "key": "SHA-256 of the text seed, colon, id in UTF-8, as 64 hexadecimal digits",
            "rule": "in each stratum the n records with the smallest keys, in this order; the reserves are the next; "
            "equal keys by id",
            "texts": "seed, ids and strata in Unicode normalisation form C without white space at their ends",
            "strata": "values of several columns are joined by ' / '; 'all' without strata",
        },
        "check": {"id": first.id, "command": check_command(selection.seed, first.id), "gives": first.key},
        "seed": selection.seed,
        "columns": {"id": selection.id_column, "strata": list(selection.stratum_columns)},
        "frame": None if frame_info is None else asdict(frame_info),
        "plan": None if plan is None else asdict(plan),
        "allocation": None if allocation is None else asdict(allocation) | {"notes": list(allocation.notes)},
        "strata": [
            {
                "stratum": h,
                "frame": selection.frame[h],
                "selected": n,
                "reserves": sum(record.stratum == h for record in selection.reserves),
                "inclusion_probability": n / selection.frame[h],
            }
            for h, n in sorted(selection.counts.items())
            if h in selection.frame
        ],
        "notes": list(selection.notes),
        "selection": [asdict(record) for record in selection.records],
        "reserves": [asdict(record) for record in selection.reserves],
        "replacements": [asdict(swap) for swap in selection.replacements],
    }


def check_command(seed: str, record_id: str) -> str:
    """The command of a shell that prints the key of one record.

    Examples
    --------
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
