"""Sampling of incidents for an audit: plan -> allocate -> draw -> trail.

How many (plan, allocate) is in :mod:`cdi_lib.statistics.planning`; how a frame is read and every record gets its number is in
:mod:`cdi_lib.statistics.frames`; here is which records are drawn, and the trail with which anybody can draw them again. All
that a caller needs can be imported from this module.

The draw uses no random number generator: the number of a record depends on the seed and its own id only, and the
records with the smallest numbers of a stratum are selected. Two ids with the same number are ordered by their UTF-8
bytes. Adding or removing records leaves the order of all others as it was. ``tests/repeat_draw.py`` repeats a draw
from frame and trail in twenty lines, without this library.

References
----------
.. [1] Hartley, H. O. and Rao, J. N. K. (1962). Sampling with unequal probabilities and without replacement.
       Annals of Mathematical Statistics 33.
.. [2] Ohlsson, E. (1998). Sequential Poisson sampling. Journal of Official Statistics 14.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from dataclasses import replace as with_changes
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cdi_lib.statistics import frames
from cdi_lib.statistics.checks import count as count_of
from cdi_lib.statistics.frames import ALL, Frame, FrameInfo, read_frame, stratum_counts
from cdi_lib.statistics.planning import (
    Allocation,
    SamplePlan,
    allocate,
    detection_table,
    margin_for,
    per_stratum,
    sample_size,
    size_to_detect,
)

__all__ = [
    "Allocation", "Frame", "FrameInfo", "Record", "Replacement", "SamplePlan", "Selection",
    "allocate", "detection_table", "draw", "margin_for", "read_frame", "replace",
    "sample_size", "size_to_detect", "stratum_counts", "trail", "trail_text",
]  # fmt: skip

SCHEMA_VERSION = 1
METHODS = ("simple", "stratified", "systematic", "pps")

# ---- draw --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """A selected or reserve record.

    ``order`` is its place in its stratum (from 1; reserves go on counting), ``number`` its hash, and ``row``
    its position in the frame (from 0; not part of the trail, for it depends on the order of the rows).
    """

    order: int
    id: str
    stratum: str
    inclusion_probability: float
    number: int
    row: int


@dataclass(frozen=True)
class Replacement:
    """A record that could not be audited, the reserve that took its place, and the reason."""

    replaced: str
    by: str
    stratum: str
    reason: str


@dataclass(frozen=True)
class Selection:
    """A drawn sample: records and reserves in their fixed order, and all that is needed to draw it again."""

    method: str
    seed: str
    id_column: str
    stratum_columns: tuple[str, ...]
    size_column: str | None
    order_column: str | None
    frame: dict[str, int]
    counts: dict[str, int]
    starts: dict[str, int]
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
    frame: pd.DataFrame,
    allocation: Allocation | Mapping[str, int] | int,
    seed: int | str,
    method: str = "simple",
    *,
    id_column: str,
    stratum_column: str | Sequence[str] | None = None,
    size_column: str | None = None,
    order_column: str | None = None,
    reserves: int | Mapping[str, int] = 0,
) -> Selection:
    """Draw a sample that depends on nothing but the seed and the content of the frame.

    Parameters
    ----------
    frame : DataFrame
        One row per record (incident), in any order.
    allocation : Allocation, mapping of stratum to count, or int
        Records to draw; an int only without strata.
    seed : int or str
        Public, and fixed before the frame is seen. 7 and "7" are the same. A second sample that is to be
        independent of the first (a blind re-check) needs another seed.
    method : {"simple", "stratified", "systematic", "pps"}
        ``simple`` and ``stratified``: the smallest numbers (of each stratum). ``systematic``: every k-th
        record in the order of ``order_column`` from a random start. ``pps``: probability proportional to
        ``size_column`` [1]_; both within strata if a stratum column is given.
    id_column : str
        Unique text or whole number; text in Unicode normalisation form C, without white space at its ends.
    stratum_column : str or sequence of str
        The strata; several columns are joined as "violence / control room".
    size_column : str
        Positive whole numbers, for ``pps``: for example crimes of the incident.
    order_column : str
        For ``systematic``: numbers, dates or text (by code point, so that a date in a CSV file must be
        year-month-day); equal values follow the record's number.
    reserves : int or mapping
        Reserve records per stratum, in the order in which they must be used.

    Returns
    -------
    Selection

    Raises
    ------
    ValueError
        Empty or repeated ids (with count and examples), a sample larger than its stratum, strata or counts
        that are not those of the allocation, a column that is missing or not of use to the method, ...

    Notes
    -----
    The inclusion probabilities are exact for every method. ``pps`` is randomised systematic sampling: records
    of size X/n or more are certain; the others lie on a line in the order of their numbers, each as long as
    its size. Its reserves, and those of ``systematic``, follow the order of number // size (of number) [2]_. A
    systematic sample changes when records are added, and gives no unbiased estimate of its variance.

    Examples
    --------
    >>> frame = pd.DataFrame({"id": ["INC-1", "INC-2", "INC-3", "INC-4"]})
    >>> [record.id for record in draw(frame, 2, seed=7, id_column="id").records]
    ['INC-4', 'INC-1']
    """
    columns = frames.as_list(stratum_column)
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    if (method == "stratified") != bool(columns) and method in ("simple", "stratified"):
        raise ValueError("a stratum_column belongs to method 'stratified': give both, or neither")
    if (size_column is not None) != (method == "pps"):
        raise ValueError("size_column belongs to method 'pps': give both, or neither")
    if (order_column is not None) != (method == "systematic"):
        raise ValueError("order_column belongs to method 'systematic': give both, or neither")
    if len(frame) == 0:
        raise ValueError("the frame has no record")
    text, key = frames.seed_and_key(seed)

    ids = frames.arrow_column(frame, id_column, "id column")
    numbers, ties = frames.record_numbers(ids, key, id_column)
    codes, names = frames.strata_of(frame, columns)
    sizes = frames.count_codes(codes, names)
    counts = _wanted(allocation, sizes)
    spare = per_stratum("reserves", reserves, counts)
    size = None if size_column is None else _sizes(frame, size_column)
    rank = None if order_column is None else _ranks(frame, order_column)

    drawn, kept, starts, notes = [], [], {}, []
    for stratum in sorted(counts):
        n, extra = counts[stratum], count_of(f"reserves of stratum {stratum!r}", spare[stratum], 0)
        if n == 0:
            continue
        code, most = names.index(stratum), sizes[stratum] - n
        if extra > most:
            notes.append(f"{stratum}: only {most} of {extra} reserves, the frame has no more records")
            extra = most
        if method in ("simple", "stratified"):
            picked = _smallest(codes, code, numbers, ties, n + extra, sizes[stratum])
            probability = np.full(len(picked), n / sizes[stratum])
        else:
            starts[stratum] = _start(stratum, key)
            rows = np.flatnonzero(codes == code)
            line = _ordered(rows, numbers, ties, *([] if rank is None else [rank[rows]]))
            weight = np.ones(len(line), dtype=np.int64) if size is None else size[line]
            taken, chance = _along_a_line(weight, n, starts[stratum])
            ratio = numbers[line] // weight.astype(np.uint64)  # Ohlsson (1998)
            others = _ordered(line[~taken], numbers, ties, ratio[~taken])
            picked = np.concatenate([line[taken], others[:extra]])
            probability = pd.Series(chance, index=line)[picked]
        found = zip(frames.texts_at(ids, picked, id_column), picked, probability, strict=True)
        made = [
            Record(order, name, stratum, float(p), int(numbers[row]), int(row))
            for order, (name, row, p) in enumerate(found, 1)
        ]
        drawn += made[:n]
        kept += made[n:]
    return Selection(
        method, text, id_column, tuple(columns), size_column, order_column, sizes, counts, starts,
        tuple(drawn), tuple(kept), notes=tuple(notes),
    )  # fmt: skip


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


def _ordered(
    rows: np.ndarray, numbers: np.ndarray, ties: np.ndarray | None, *first: np.ndarray
) -> np.ndarray:
    """Rows in the order of ``first``, then of their number, then (numbers agree by chance) of their id."""
    return rows[np.lexsort((*([] if ties is None else [ties[rows]]), numbers[rows], *first))]


def _smallest(
    codes: np.ndarray, code: int, numbers: np.ndarray, ties: np.ndarray | None, n: int, size: int
) -> np.ndarray:
    """The ``n`` rows of a stratum of ``size`` records that have the smallest numbers, in order."""
    share = (n + 6 * math.sqrt(n) + 20) / size  # holds n of the stratum's numbers, but for once in a billion
    rows = np.flatnonzero(numbers < np.uint64(share * 2**64)) if share < 1 else np.empty(0, dtype=np.int64)
    rows = rows[codes[rows] == code]
    if len(rows) < n:
        rows = np.flatnonzero(codes == code)
    return _ordered(rows, numbers, ties)[:n]


def _start(stratum: str, key: int) -> int:
    """Random start of a stratum: the number of the byte FF (which no text contains) and its name."""
    return int(frames.hash_texts(pa.array([b"\xff" + stratum.encode()], pa.binary()), key)[0])


def _along_a_line(weight: np.ndarray, n: int, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Systematic selection: which of the records are taken, and the inclusion probability of each.

    The records lie on a line, each as long as its weight; those on which points at equal distances fall are the
    sample. A record as long as that distance or longer is certain and left out.
    """
    certain = _certain(weight, n)
    taken, probability, left = certain.copy(), np.ones(len(weight)), n - int(certain.sum())
    if left:
        free = np.flatnonzero(~certain)
        ends = np.cumsum(weight[free])
        total = int(ends[-1])
        # points (u + i) X/n for i = 0 .. n-1 with u = start / 2^64, rounded down: exact in whole numbers
        points = [((start + (i << 64)) * total) // (left << 64) for i in range(left)]
        taken[free[np.searchsorted(ends, points, side="right")]] = True
        probability[free] = left * weight[free] / total  # Hartley and Rao (1962)
    return taken, probability


def _certain(weight: np.ndarray, n: int) -> np.ndarray:
    """Which records would reach a probability of 1: ``n x >= X``, and again for those that are left."""
    certain = np.zeros(len(weight), dtype=bool)
    while (left := n - int(certain.sum())) > 0:
        total = int(weight[~certain].sum())
        more = ~certain & (weight >= -(-total // left))  # x >= X/n in whole numbers
        if not more.any():
            break
        certain |= more
    return certain


def _sizes(frame: pd.DataFrame, name: str) -> np.ndarray:
    frames.arrow_column(frame, name, "size column")
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = np.flatnonzero(~((values >= 1) & (values < 2**53) & (values == np.floor(values))))
    if len(wrong):
        raise ValueError(
            f"size column {name!r} must hold whole numbers of at least 1; {len(wrong):,} do not "
            f"({frames.rows_named(wrong)}); leave records without size out of the frame"
        )
    if values.sum() >= 2**62:
        raise ValueError(f"size column {name!r}: the sizes add up to 2^62 or more; use a coarser unit")
    return values.astype(np.int64)


def _ranks(frame: pd.DataFrame, name: str) -> np.ndarray:
    column = frames.arrow_column(frame, name, "order column")
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if is_text:
        column = pc.utf8_trim_whitespace(column)
    empty = pc.equal(column, "") if is_text else pc.is_null(column, nan_is_null=True)
    missing = np.flatnonzero(pc.fill_null(empty, True))
    if len(missing):
        raise ValueError(
            f"order column {name!r}: {len(missing):,} empty values ({frames.rows_named(missing)})"
        )
    if is_text:
        numbers = pd.to_numeric(column.to_pandas(), errors="coerce")
        by_number = numbers.rank(method="dense")
        as_text = column.to_pandas().rank(method="dense")
        if numbers.notna().any() and not by_number.equals(as_text):
            raise ValueError(
                f"order column {name!r} holds numbers as text, as every value of a CSV file is, and in another order "
                "('10' before '9'): convert it to numbers first, or write all with as many digits"
            )
    try:
        return np.asarray(pc.rank(column, tiebreaker="dense"))
    except pa.ArrowNotImplementedError:
        raise ValueError(
            f"order column {name!r} must hold numbers, dates or text; got {column.type}"
        ) from None


def replace(selection: Selection, record_id: str, reason: str) -> Selection:
    """Replace a record that cannot be audited by the next unused reserve of its stratum.

    Returns the selection with one more entry in ``replacements``; ``current`` lists the records to audit.

    Raises
    ------
    ValueError
        The record is not in the present sample, no reserve is left, or there is no reason.
    """
    text, why = frames.normal_text(record_id), str(reason or "").strip()
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


# ---- trail -------------------------------------------------------------------------------------------------

_SMALLEST = (
    "in each stratum the n records with the smallest numbers, in this order; the reserves are the next"
)
_START = (
    "where start is the number of the byte FF followed by the name of the stratum; reserves are the others"
)
_RULES = {
    "simple": _SMALLEST,
    "stratified": _SMALLEST,
    "systematic": "in each stratum N records in ascending order of the order column (numbers and dates by value, text by "
    "code point), then number; "
    "for i = 0 .. n-1 take position floor((start + i 2^64) N / (n 2^64)), counted from 0, "
    f"{_START} in ascending order of number",
    "pps": "in each stratum: while a record left has size >= X / n (X total size of these, n draws left) "
    "all such are certain and leave; the others in order of number lie on a line from 0, each as long as its "
    "size; for i = 0 .. n-1 take the record that covers floor((start + i 2^64) X / (n 2^64)), "
    f"{_START} in ascending order of floor(number / size), then number",
}


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
    counted = selection.frame if selection.stratum_columns else {ALL: sum(selection.frame.values())}
    given = frame_info and (frame_info.counts if selection.stratum_columns else {ALL: frame_info.records})
    if given is not None and given != counted:
        raise ValueError(
            f"frame_info counts {frame_info.counts}, but the selection was drawn from {selection.frame}"
        )
    return {
        "document": "selection trail",
        "schema_version": SCHEMA_VERSION,
        "algorithm": {
            "name": frames.ALGORITHM,
            "version": frames.ALGORITHM_VERSION,
            "key": "first 16 hexadecimal digits of the SHA-256 of the text: name, space, version, colon, seed",
            "id": "UTF-8 bytes of the record id in normalisation form C without white space at its ends",
            "number": "key; for each 8 bytes of the id (little-endian, the last perhaps fewer) and at last for its "
            "length in bytes: number = mix(number XOR these); all below 2^64",
            "mix": f"x = (x XOR x >> 30) * 0x{frames.MIX[0]:016X}; x = (x XOR x >> 27) * 0x{frames.MIX[1]:016X}; x XOR x >> 31",
            "equal_numbers": "ordered by the UTF-8 bytes of the id",
            "strata": "values in normalisation form C without white space at their ends; of several columns joined by ' / '; "
            "'all' without strata",
            "rule": _RULES[selection.method],
        },
        "seed": selection.seed,
        "method": selection.method,
        "columns": {
            "id": selection.id_column,
            "strata": list(selection.stratum_columns),
            "size": selection.size_column,
            "order": selection.order_column,
        },
        "frame": None if frame_info is None else asdict(frame_info),
        "plan": None if plan is None else asdict(plan),
        "allocation": None if allocation is None else asdict(allocation) | {"notes": list(allocation.notes)},
        "strata": [
            {
                "stratum": h,
                "frame": selection.frame[h],
                "selected": n,
                "reserves": sum(record.stratum == h for record in selection.reserves),
                "inclusion_probability": None if selection.method == "pps" else n / selection.frame[h],
                "start": f"{selection.starts[h]:016x}" if h in selection.starts else None,
            }
            for h, n in sorted(selection.counts.items())
            if h in selection.frame
        ],
        "notes": list(selection.notes),
        "selection": _listed(selection.records),
        "reserves": _listed(selection.reserves),
        "replacements": [asdict(swap) for swap in selection.replacements],
    }


def _listed(records: Iterable[Record]) -> list[dict[str, Any]]:
    rows = [asdict(record) for record in records]
    for row in rows:
        row["number"] = f"{row['number']:016x}"
        del row["row"]  # depends on the order of the rows
    return rows


def trail_text(document: Mapping[str, Any]) -> str:
    """A trail as JSON text: the same document gives the same text, and so the same SHA-256."""
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
