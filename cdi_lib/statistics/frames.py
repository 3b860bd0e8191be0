"""Sampling frames: reading one, its strata, and the number that every record gets from a seed.

The number is a keyed hash, so a draw needs no random number generator and is the same on any machine, in any row
order and with any library version. It is made of whole numbers below 2^64, from the record's id alone::

    key     = the first 16 hexadecimal digits of the SHA-256 of the text "cdi_lib.sampling 2:" and the seed
    id      = the text in Unicode normalisation form C without white space at either end, in UTF-8
    number  = key; then, for each eight bytes of the id (a little-endian number, the last perhaps of fewer bytes)
              and at last for the length of the id in bytes:  number = mix(number XOR these)
    mix(x)  : x = (x XOR x >> 30) * 0xBF58476D1CE4E5B9; x = (x XOR x >> 27) * 0x94D049BB133111EB; x XOR x >> 31

The mixing function is that of SplitMix64 [1]_, which passes the usual tests of randomness; it is quick on whole
columns and short to write again. It is no protection against somebody who chooses ids after the seed is known.

References
----------
.. [1] Steele, G. L., Lea, D. and Flood, C. H. (2014). Fast splittable pseudorandom number generators. OOPSLA 2014.
       (The constants are those of Stafford's variant 13.)
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

ALGORITHM = "cdi_lib.sampling"
ALGORITHM_VERSION = 2  # a changed rule of selection is a new version: 1 used SipHash-2-4
ALL = "all"  # the name of the only stratum of a frame without strata
_ROWS = 16_384  # rows that are worked on at a time: they stay in the processor's cache
MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

# ---- reading -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FrameInfo:
    """What identifies a frame: file name and SHA-256, what was read of it, and its counts."""

    file: str
    sha256: str
    format: str
    encoding: str | None
    id_column: str
    stratum_columns: tuple[str, ...]
    records: int
    counts: dict[str, int]


@dataclass(frozen=True)
class Frame:
    """A sampling frame: ``data`` has the columns that were asked for, ``info`` identifies the file."""

    data: pd.DataFrame = field(repr=False)
    info: FrameInfo


def read_frame(
    path: str | Path,
    id_column: str,
    stratum_columns: str | Sequence[str] | None = None,
    *,
    other_columns: Sequence[str] = (),
    delimiter: str = ",",
    sheet: str | int = 0,
) -> Frame:
    """Read a sampling frame from CSV, Parquet or Excel: only the columns named, ids as text.

    Parameters
    ----------
    path : path
        ``.csv`` (UTF-8, with or without byte order mark; else Windows-1252), ``.parquet`` or ``.xlsx``.
    id_column, stratum_columns, other_columns : str
        Columns to read; ``other_columns`` may be a size or order column, or what the worksheet shows.
        In a CSV file every value is text.
    delimiter : str
        Of a CSV file.
    sheet : str or int
        Of an Excel file: name, or position from 0.

    Raises
    ------
    ValueError
        A column that is missing, an unreadable file, an Excel sheet that is cut at the last row, long numbers
        that Excel has rounded, ...

    Notes
    -----
    Memory: the columns named as Arrow data, about 24 bytes per record for ids of 14 characters.
    """
    path, strata = Path(path), as_list(stratum_columns)
    columns = list(dict.fromkeys([id_column, *strata, *other_columns]))
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet", ".xlsx"):
        raise ValueError(f"{path.name}: a frame is a .csv, .parquet or .xlsx file; save it as one of these")
    if not path.is_file():
        raise ValueError(f"{path.name}: there is no such file in {path.parent.name or 'this folder'}")
    sha256, encoding = _fingerprint(path, detect_encoding=suffix == ".csv")
    try:
        if suffix == ".csv":
            data = _read_csv(path, columns, strata, encoding, delimiter)
        elif suffix == ".parquet":
            data = _read_parquet(path, columns, strata)
        else:
            data = _read_excel(path, columns, id_column, sheet)
    except (pa.ArrowException, OSError, KeyError) as error:
        # the reader's own words may quote a row, so only their kind is told
        raise ValueError(f"{path.name}: not a readable {suffix} file ({type(error).__name__})") from None
    counts = stratum_counts(data, strata)
    info = FrameInfo(path.name, sha256, suffix[1:], encoding, id_column, tuple(strata), len(data), counts)
    return Frame(data, info)


def _fingerprint(path: Path, detect_encoding: bool) -> tuple[str, str | None]:
    """SHA-256 of a file and, in the same pass, whether it is UTF-8 (or else Windows-1252)."""
    digest, decoder, encoding = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), "utf-8"
    with path.open("rb") as file:
        if detect_encoding and file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            raise ValueError(f"{path.name} is UTF-16 text; save it as CSV UTF-8")
        file.seek(0)
        last = False
        while not last:
            block = file.read(1 << 20)
            last = not block
            digest.update(block)
            if detect_encoding and encoding == "utf-8":
                try:
                    decoder.decode(block, final=last)
                except UnicodeDecodeError:
                    encoding = "cp1252"
    return digest.hexdigest(), encoding if detect_encoding else None


def _require(path: Path, columns: Sequence[str], header: Sequence[Any]) -> None:
    for name in columns:
        if (found := list(header).count(name)) != 1:
            said = "is not a column" if found == 0 else f"is the name of {found} columns"
            raise ValueError(f"{path.name}: {name!r} {said}; the file has: {', '.join(map(str, header))}")


def _read_csv(
    path: Path, columns: list[str], strata: list[str], encoding: str, delimiter: str
) -> pd.DataFrame:
    bad: list[pa.csv.InvalidRow] = []

    def refuse(row: pa.csv.InvalidRow) -> str:
        bad.append(row)
        return "error"

    label = pa.dictionary(pa.int32(), pa.string())
    try:
        with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as file:
            header = next(csv.reader(file, delimiter=delimiter), [])
        _require(path, columns, header)
        reader = pa.csv.open_csv(
            path,
            read_options=pa.csv.ReadOptions(encoding=encoding, use_threads=False, block_size=1 << 24),
            parse_options=pa.csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse
            ),
            convert_options=pa.csv.ConvertOptions(
                include_columns=columns,
                column_types={name: label if name in strata else pa.string() for name in columns},
                strings_can_be_null=False,
            ),
        )
        table = pa.Table.from_batches(list(reader), reader.schema)
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error):
        if bad:
            where = f"row {bad[0].number}" if bad[0].number else "a row"
            raise ValueError(
                f"{path.name}, {where}: {bad[0].actual_columns} values where the header has "
                f"{bad[0].expected_columns}"
            ) from None
        raise ValueError(f"{path.name}: not a CSV file in UTF-8 or Windows-1252 with a header row") from None
    return _to_pandas(table)


def _read_parquet(path: Path, columns: list[str], strata: list[str]) -> pd.DataFrame:
    with pa.parquet.ParquetFile(path, read_dictionary=strata) as file:
        _require(path, columns, file.schema_arrow.names)
        batches = list(file.iter_batches(batch_size=1 << 18, columns=columns))
        schema = (
            batches[0].schema if batches else pa.schema([file.schema_arrow.field(name) for name in columns])
        )
        return _to_pandas(pa.Table.from_batches(batches, schema))


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    """Text stays in Arrow's memory (no copy); dictionaries become categories."""
    return pd.DataFrame(
        {
            name: column.unify_dictionaries().to_pandas()
            if pa.types.is_dictionary(column.type)
            else column.to_pandas(types_mapper=pd.ArrowDtype)
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    )


def _read_excel(path: Path, columns: list[str], id_column: str, sheet: str | int) -> pd.DataFrame:
    try:
        data = pd.read_excel(path, sheet_name=sheet, dtype=object, keep_default_na=False, na_values=[""])
    except Exception as error:  # noqa: BLE001 - the reader has many kinds of error; all mean the same here
        raise ValueError(f"{path.name}: sheet {sheet!r} cannot be read ({type(error).__name__})") from None
    data.columns = [str(name).strip() for name in data.columns]
    _require(path, columns, data.columns)
    if len(data) >= 2**20 - 1:
        raise ValueError(
            f"{path.name}: the sheet is full to its last row, so records may be cut off; use CSV"
        )
    rounded = [v for v in data[id_column] if isinstance(v, (int, float)) and abs(v) >= 1e15]
    if rounded:
        raise ValueError(
            f"{path.name}: column {id_column!r} has {len(rounded):,} numbers of 16 digits or more, "
            "of which Excel keeps 15; format the column as text before the numbers are entered, or use CSV"
        )
    for name in columns:
        if name == id_column or data[name].map(type).eq(str).any():
            data[name] = pd.array([_cell(value) for value in data[name]], dtype="str")
    return data[columns].infer_objects()


def _cell(value: object) -> str | None:
    """A cell of a text column; a spreadsheet stores the number 106 as 106.0."""
    if pd.isna(value):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# ---- columns -----------------------------------------------------------------------------------------------


def as_list(columns: str | Sequence[str] | None) -> list[str]:
    """No, one or several column names as a list."""
    return [] if columns is None else [columns] if isinstance(columns, str) else list(columns)


def arrow_column(frame: pd.DataFrame, name: str, what: str) -> pa.ChunkedArray:
    """A column as Arrow data (text is not copied); ``what`` names its part in error messages."""
    if name not in frame.columns:
        raise ValueError(
            f"{what} {name!r} is not a column of the frame; it has: {', '.join(map(str, frame.columns))}"
        )
    if list(frame.columns).count(name) > 1:
        raise ValueError(f"{what} {name!r}: the frame has several columns of this name; rename them")
    try:
        values = pa.array(frame[name].array, from_pandas=True)
    except UnicodeEncodeError:
        raise ValueError(f"{what} {name!r} holds text that is not valid Unicode; export it again") from None
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise ValueError(f"{what} {name!r} mixes text and numbers; read the whole column as text") from None
    return values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])


def normal_text(text: object) -> str:
    """Unicode normalisation form C without white space at either end: how ids, strata and seeds are compared."""
    return unicodedata.normalize("NFC", str(text)).strip()


def _normal_texts(values: pa.Array, what: str) -> pa.Array:
    """:func:`normal_text` of an array; missing values are empty."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _normal_texts(values.dictionary_decode(), what)
    if pa.types.is_integer(kind) or pa.types.is_null(kind):
        return pc.fill_null(values.cast(pa.string()), "")
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise ValueError(f"{what} must hold text or whole numbers; it holds {kind}: read the column as text")
    values = pc.fill_null(values, "") if values.null_count else values
    offsets, data = _bytes_of(values)
    inside = data[offsets[0] : offsets[-1]]
    if len(inside) and inside.max() > 127:
        values = pc.utf8_normalize(values, form="NFC")
    elif not len(inside) or inside.min() > 32:
        return values
    return pc.utf8_trim_whitespace(values)


def texts_at(column: pa.ChunkedArray, rows: np.ndarray, name: str) -> list[str]:
    """Normal texts of some rows of the id column ``name``, in their order."""
    edges = np.cumsum([0, *map(len, column.chunks)])
    texts = np.empty(len(rows), dtype=object)
    where = np.searchsorted(edges, rows, side="right") - 1
    for i in np.unique(where):  # chunk by chunk: to take from them all would join them in a copy
        here = where == i
        taken = column.chunk(i).take(pa.array(rows[here] - edges[i]))
        texts[here] = _normal_texts(taken, f"id column {name!r}").to_pylist()
    return texts.tolist()


def rows_named(rows: Sequence[int]) -> str:
    """The first few rows for an error message."""
    shown = ", ".join(f"{row + 1:,}" for row in rows[:5])
    return f"record{'s' if len(rows) > 1 else ''} {shown}{', …' if len(rows) > 5 else ''}, counted from 1"


def strata_of(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Code of the stratum of every record, and the names; several columns are joined by " / "."""
    codes, names = np.zeros(len(frame), dtype=np.int8), [ALL]
    for position, name in enumerate(columns):
        what = f"stratum column {name!r}"
        column = arrow_column(frame, name, "stratum column").dictionary_encode().unify_dictionaries()
        indices = [np.asarray(pc.fill_null(chunk.indices, -1)) for chunk in column.chunks]
        own = np.concatenate(indices) if indices else np.empty(0, dtype=np.int8)
        labels = _normal_texts(column.chunk(0).dictionary, what).to_pylist() if indices else []
        if column.null_count or "" in labels or len(set(labels)) < len(labels):
            known = sorted(set(labels) - {""})
            code = {label: i for i, label in enumerate(known)}
            own = np.array([*(code.get(label, -1) for label in labels), -1], dtype=np.int32)[own]
            labels = known
            missing = np.flatnonzero(own < 0)
            if len(missing):
                raise ValueError(
                    f"{what}: {len(missing):,} empty value{'s' if len(missing) > 1 else ''} "
                    f"({rows_named(missing)}); every record needs a stratum"
                )
        if position == 0:
            codes, names = own, labels
        else:
            codes = codes.astype(np.int64) * len(labels) + own
            names = [f"{before} / {label}" for before in names for label in labels]
    if len(set(names)) < len(names):
        raise ValueError(
            f"stratum columns {', '.join(columns)}: two strata have the same name; avoid ' / ' in values"
        )
    return codes, names


def count_codes(codes: np.ndarray, names: Sequence[str]) -> dict[str, int]:
    """Number of records per stratum that has any, by name."""
    counts = np.zeros(len(names), dtype=np.int64)
    for first in range(0, len(codes), _ROWS):  # bincount widens what it counts: a slice at a time
        counts += np.bincount(codes[first : first + _ROWS], minlength=len(names))
    return {name: int(n) for name, n in sorted(zip(names, counts, strict=True)) if n}


def stratum_counts(frame: pd.DataFrame, stratum_column: str | Sequence[str] | None) -> dict[str, int]:
    """Number of records per stratum, by name of the stratum: what :func:`cdi_lib.statistics.sampling.allocate` needs.

    Examples
    --------
    >>> stratum_counts(pd.DataFrame({"type": ["violence", "other", "violence"]}), "type")
    {'other': 1, 'violence': 2}
    """
    return count_codes(*strata_of(frame, as_list(stratum_column)))


# ---- the number of a record --------------------------------------------------------------------------------

_KEEP = np.array(
    [(1 << 8 * (n + 1)) - 1 for n in range(8)], dtype=np.uint64
)  # the first n + 1 bytes of a word


def seed_and_key(seed: int | str) -> tuple[str, int]:
    """The seed as text, and the key of the hash."""
    if isinstance(seed, bool) or not isinstance(seed, (Integral, str)) or not str(seed).strip():
        raise ValueError(f"seed must be a whole number or a text; got {seed!r}")
    text = normal_text(seed)
    digest = hashlib.sha256(f"{ALGORITHM} {ALGORITHM_VERSION}:{text}".encode()).hexdigest()
    return text, int(digest[:16], 16)


def _mix(x: np.ndarray, spare: np.ndarray) -> None:
    """SplitMix64's mixing function, in place; products wrap around at 2^64."""
    for shift, factor in zip((30, 27), MIX, strict=True):
        np.bitwise_xor(x, np.right_shift(x, shift, out=spare), out=x)
        np.multiply(x, np.uint64(factor), out=x)
    np.bitwise_xor(x, np.right_shift(x, 31, out=spare), out=x)


def _hash(
    words: np.ndarray, where: slice | np.ndarray, length: np.ndarray, blocks: int, key: int
) -> np.ndarray:
    """Numbers of texts of ``blocks`` words; they begin ``where``, and ``words[i]`` are the eight bytes from byte i."""
    numbers = np.full(len(length), key, dtype=np.uint64)
    spare = np.empty_like(numbers)
    for i in range(blocks):
        word = words[8 * i :][where]
        if i == blocks - 1:  # the last word may be of fewer bytes
            word = word & _KEEP[(length - 1) & 7]
        np.bitwise_xor(numbers, word, out=numbers)
        _mix(numbers, spare)
    np.bitwise_xor(numbers, length.astype(np.uint64), out=numbers)
    _mix(numbers, spare)
    return numbers


def _bytes_of(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and UTF-8 bytes of an Arrow string array: text i is data[offsets[i] : offsets[i + 1]]."""
    _, offsets, data = texts.buffers()
    wide = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    offsets = np.zeros(1, wide) if len(texts) == 0 else np.frombuffer(offsets, wide)
    data = np.empty(0, np.uint8) if data is None or data.size == 0 else np.frombuffer(data, np.uint8)
    return offsets[texts.offset : texts.offset + len(texts) + 1] if len(texts) else offsets, data


def hash_texts(texts: pa.Array, key: int) -> np.ndarray:
    """The number of every text of an Arrow string array, as uint64."""
    offsets, data = _bytes_of(texts)
    numbers = np.empty(len(texts), dtype=np.uint64)
    for first in range(0, len(texts), _ROWS):
        edges = offsets[first : first + _ROWS + 1].astype(np.int64)
        padded = np.zeros(edges[-1] - edges[0] + 8, dtype=np.uint8)
        padded[:-8] = data[edges[0] : edges[-1]]
        words = np.ndarray(len(padded) - 7, dtype="<u8", buffer=padded, strides=1)  # overlapping
        start, length = edges[:-1] - edges[0], np.diff(edges)
        if length.min() == length.max():  # the usual case: they lie at equal distances
            step, rows = int(length[0]), len(length)
            numbers[first : first + rows] = _hash(
                words, slice(0, rows * step, step), length, -(-step // 8), key
            )
            continue
        blocks = (length + 7) // 8
        for n in np.unique(blocks):
            rows = np.flatnonzero(blocks == n)
            numbers[first + rows] = _hash(words, start[rows], length[rows], int(n), key)
    return numbers


def record_numbers(column: pa.ChunkedArray, key: int, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The number of every record, and an order of those few (if any) whose ids differ and numbers agree.

    Raises
    ------
    ValueError
        Empty or repeated ids, with count and examples.
    """
    what, numbers, empty, done = f"id column {name!r}", np.empty(len(column), dtype=np.uint64), [], 0
    for chunk in column.chunks:
        for first in range(0, len(chunk), 1 << 18):  # a slice at a time: memory stays bounded
            texts = _normal_texts(chunk.slice(first, 1 << 18), what)
            numbers[done : done + len(texts)] = hash_texts(texts, key)
            lengths = np.diff(_bytes_of(texts)[0])
            empty.extend(done + np.flatnonzero(lengths == 0))
            done += len(texts)
    if empty:
        raise ValueError(
            f"{what}: {len(empty):,} empty id{'s' if len(empty) > 1 else ''} ({rows_named(empty)}); "
            "every record needs an id of its own"
        )
    ordered = np.sort(numbers)
    same = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])  # equal ids have equal numbers
    del ordered
    if len(same) == 0:
        return numbers, None
    rows = np.flatnonzero(np.isin(numbers, same))
    ids = pd.Series(texts_at(column, rows, name), index=rows)
    repeats = ids.value_counts()
    repeats = repeats[repeats > 1]
    if len(repeats):
        examples = ", ".join(f"{text!r} ({times} times)" for text, times in sorted(repeats.items())[:5])
        raise ValueError(
            f"{what}: {len(repeats):,} id{'s occur' if len(repeats) > 1 else ' occurs'} more than once, in "
            f"{repeats.sum():,} records: {examples}{', …' if len(repeats) > 5 else ''}; "
            "remove the repeats, or take the column that identifies a record (white space at the ends of an "
            "id does not count)"
        )
    ties = np.zeros(len(numbers), dtype=np.int64)
    ties[sorted(rows, key=lambda row: ids[row].encode())] = np.arange(len(rows))
    return numbers, ties
