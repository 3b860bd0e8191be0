"""Sampling frames: a file with one row per record, its strata, and the records with the smallest keys.

DuckDB reads a frame out of core, so that millions of records need little memory. Ids, strata and seeds are compared in
their normal text (:func:`normal_text`).
"""

from __future__ import annotations

import csv
import glob
import hashlib
import re
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from cdi_lib.statistics.checks import NO_REFERENCE, look

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ALL = "all"  # the name of the only stratum of a frame without strata
MOST_STRATA = 10_000  # a column of more values holds no strata but, say, references
# Characters that nobody sees (spaces of other widths, marks of direction), and a number that a spreadsheet has shortened
INVISIBLE = r"[\x{A0}\x{AD}\x{1680}\x{180E}\x{2000}-\x{200F}\x{2028}-\x{202F}\x{205F}-\x{206F}\x{3000}\x{FEFF}]"
_UNSURE = {
    "hidden characters": f"strlen(id) <> length(id) AND regexp_matches(id, '{INVISIBLE}')",
    "a number in short form or with decimals": "regexp_full_match(id, '[0-9]([.,][0-9]+)?[eE][+]?[0-9]+|[0-9]+[.]0+')",
    "what is no reference (#N/A, NULL, Total, 01-Mar …)": f"regexp_full_match(lower(id), '{NO_REFERENCE}')",
}
# SQL of checks.look
_LOOK = """CASE WHEN strlen(id) <> length(id) OR contains(id, '  ') THEN look(id)
WHEN ends_with(id, '.0') THEN ltrim(lower(id[:-3]), '0') ELSE ltrim(lower(id), '0') END"""
_TEXT_OR_WHOLE = re.compile(r'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|VARCHAR|ENUM.*|"NULL"', re.DOTALL)


@dataclass(frozen=True)
class FrameInfo:
    """What identifies a frame: file name and SHA-256 (empty for a DataFrame), what was read of it, and its counts."""

    file: str
    sha256: str
    format: str
    encoding: str | None
    id_column: str
    stratum_columns: tuple[str, ...]
    records: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    excluded: dict[str, dict[str, int]] = field(default_factory=dict)  # records left out, by column and value


@dataclass(frozen=True)
class Frame:
    """A sampling frame, made by :func:`read_frame` or :func:`frame_of`; ``info`` identifies it, counts its strata."""

    info: FrameInfo
    _database: DuckDBPyConnection = field(repr=False)
    _places: dict[str, str] = field(repr=False)  # of each column asked for, its name in the database
    _folder: tempfile.TemporaryDirectory[str] = field(repr=False)  # there for as long as the frame
    _strata: dict[tuple[Any, ...], str] = field(default_factory=dict, repr=False)  # by values of the columns
    _rows: Sequence[int] = field(default=(), repr=False)  # where each record of the file stands, if that is known
    _kept: str = field(default="true", repr=False)  # SQL of which records are not left out

    def renamed(self, names: Mapping[str, str]) -> Frame:
        """The same frame with other names of its strata; strata that get one name become one."""
        counts: Counter[str] = Counter()
        for stratum, n in self.info.counts.items():
            counts[names.get(stratum, stratum)] += n
        strata = {values: names.get(stratum, stratum) for values, stratum in self._strata.items()}
        return replace(self, info=replace(self.info, counts=dict(sorted(counts.items()))), _strata=strata)

    def rows(self, ids: Sequence[str]) -> pd.DataFrame:
        """The columns that were asked for, of the records with these ids and in their order; the index is the id."""
        query = f"SELECT id, {', '.join(self._places.values())} FROM frame WHERE id IN (SELECT unnest(?))"
        found: pd.DataFrame = _ask(self, query, list(ids)).df().set_index("id")
        return found.set_axis(list(self._places), axis=1).loc[list(ids)]

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of some ids that the frame has."""
        query = "SELECT id FROM frame WHERE id IN (SELECT unnest(?))"
        return {row[0] for row in _ask(self, query, list(ids)).fetchall()}

    def slices(self, column: str) -> Iterator[pd.Series]:
        """The values of a column as the file stores them, many records at a time."""
        values = _ask(self, f"SELECT {self._places[column]} FROM frame")
        while len(chunk := values.fetch_df_chunk(128)):  # times 2,048 rows
            yield chunk.iloc[:, 0].rename(column)

    def smallest(self, seed: str, n: int) -> list[tuple[str, str, str]]:
        """Key, id and stratum of the ``n`` records of each stratum with the smallest keys, smallest first.

        The key is the SHA-256 of seed, colon and id, in hexadecimal digits. ValueError for empty or repeated ids.
        """
        _refuse_empty_or_repeated(self)
        columns = ", ".join(self._places[name] for name in self.info.stratum_columns)
        query = (
            f"SELECT sha256(? || ':' || id) AS key, id, {columns} FROM frame "
            f"QUALIFY row_number() OVER ({f'PARTITION BY {columns}' if columns else ''} ORDER BY key) <= ?"
        )
        drawn = _ask(self, query, seed, n).fetchall()
        return sorted((key, name, self._strata[tuple(values)]) for key, name, *values in drawn)


def read_frame(
    path: str | Path, id_column: str, stratum_columns: str | Sequence[str] | None = None, *,
    other_columns: Sequence[str] = (), without: Mapping[str, Sequence[str]] | None = None, rows: Sequence[int] = (),
) -> Frame:  # fmt: skip
    """A sampling frame in a file, its strata counted.

    ``.csv`` (with commas, in UTF-8; every value is text) or ``.parquet``. It must stay as it is for as long as the frame
    is used. Ids are unique text or whole numbers; strata of several columns are joined as "violence / control room";
    ``other_columns`` are what else :meth:`Frame.rows` is to give; records with one of the values of a column in ``without``
    are left out and counted. ``rows`` says in which row each record stands, where that is not the next one after a header
    in the first row. ValueError for a missing column, an unreadable file, an empty stratum, ...
    """
    path, suffix, strata = Path(path), Path(path).suffix.lower(), _as_list(stratum_columns)
    if suffix not in (".csv", ".parquet"):
        raise ValueError(f"{path.name}: a frame is a .csv or .parquet file; save it as one of these")
    if not path.is_file():
        raise ValueError(f"{path.name}: there is no such file in {path.parent.name or 'this folder'}")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    columns = list(dict.fromkeys([id_column, *strata, *other_columns, *(without or ())]))
    header, folder = read_header(path), tempfile.TemporaryDirectory(prefix="frame-", ignore_cleanup_errors=True)
    _require(path.name, columns, header)
    encoding = None
    if suffix == ".csv":
        encoding = "utf-8"
        texts = {f"c{place}": "VARCHAR" for place in range(len(header))}
        options = "auto_detect=false, header=true, delim=',', quote='\"', escape='\"'"
        reader = f"read_csv({_file(path)}, {options}, columns={texts}, force_not_null={list(texts)})"
    else:
        reader = f"read_parquet({_file(path)}, hive_partitioning=false)"
    info = FrameInfo(path.name, sha256, suffix[1:], encoding, id_column, tuple(strata))
    if suffix == ".csv" and not rows:
        rows = range(2, sys.maxsize)  # as a spreadsheet counts, where a value may have several lines
    return _frame(info, reader, header, columns, folder, without=without, rows=rows)


def frame_of(data: pd.DataFrame, id_column: str, stratum_columns: str | Sequence[str] | None = None) -> Frame:
    """A DataFrame as a sampling frame.

    >>> frame_of(pd.DataFrame({"id": [1, 2, 3], "type": ["a", "b", "a"]}), "id", "type").info.counts
    {'a': 2, 'b': 1}
    """
    columns = list(dict.fromkeys([id_column, *_as_list(stratum_columns)]))
    _require("the data frame", columns, list(data.columns))
    table = {}
    for name in columns:
        try:
            table[name] = pa.array(data[name].array, from_pandas=True)  # text is not copied
        except UnicodeEncodeError:
            raise ValueError(f"column {name!r} holds text that is not valid Unicode; export it again") from None
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            raise ValueError(f"column {name!r} mixes text and numbers; read the whole column as text") from None
    info = FrameInfo("", "", "data frame", None, id_column, tuple(_as_list(stratum_columns)))
    folder = tempfile.TemporaryDirectory(prefix="frame-", ignore_cleanup_errors=True)
    return _frame(info, "given", columns, columns, folder, pa.table(table))


def normal_text(text: object) -> str:
    """Unicode normalisation form C without white space at either end: how ids, strata and seeds are compared."""
    return unicodedata.normalize("NFC", str(text)).strip()


def _as_list(columns: str | Sequence[str] | None) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns or ())


def _require(place: str, columns: Sequence[str], header: Sequence[str]) -> None:
    for name in columns:
        if (found := header.count(name)) != 1:
            said = "is not a column" if found == 0 else f"is the name of {found} columns"
            raise ValueError(f"{place}: {name!r} {said}; it has: {', '.join(map(str, header))}")


def _frame(
    info: FrameInfo, reader: str, header: Sequence[str], columns: Sequence[str],
    folder: tempfile.TemporaryDirectory[str], table: pa.Table | None = None,
    without: Mapping[str, Sequence[str]] | None = None, rows: Sequence[int] = (),
) -> Frame:  # fmt: skip
    """The frame that a reader of DuckDB reads (``given``: the table), its types checked and its strata counted."""
    import duckdb  # takes a fifth of a second, and few commands read a frame

    # Out of core: what does not fit goes to the folder. More threads would need more memory.
    database = duckdb.connect(config={"memory_limit": "384MB", "threads": 4, "temp_directory": folder.name})
    database.execute("SET enable_progress_bar = false")  # which would be in a notebook's output
    database.create_function("normal_text", normal_text, ["VARCHAR"], "VARCHAR")
    database.create_function("look", look, ["VARCHAR"], "VARCHAR")
    if table is not None:
        database.register("given", table)
    frame = Frame(info, database, {name: f"c{header.index(name)}" for name in columns}, folder, _rows=rows)
    aliases = ", ".join(f"c{place}" for place in range(len(header)))
    # A CSV file is parsed once; of a Parquet file columns are read again quicker than they are kept.
    kept = "TABLE" if info.format == "csv" else "VIEW"
    chosen = ", ".join([f"{_normal(frame._places[info.id_column])} AS id", *frame._places.values()])
    _ask(frame, f"CREATE {kept} {'whole' if without else 'frame'} AS SELECT {chosen} FROM {reader} AS t({aliases})")
    if without:
        frame = _left_out(frame, without)
    kinds = {row[0]: str(row[1]) for row in _ask(frame, "DESCRIBE frame").fetchall()}
    for name in (info.id_column, *info.stratum_columns):
        if not _TEXT_OR_WHOLE.fullmatch(kind := kinds[frame._places[name]]):
            raise ValueError(f"column {name!r} must hold text or whole numbers; it holds {kind}: read it as text")
    return _counted(frame)


def _left_out(frame: Frame, without: Mapping[str, Sequence[str]]) -> Frame:
    """The frame without the records that have one of the values of a column; one counts where it is first named."""
    excluded, kept = {}, "true"
    for column, values in without.items():
        value = _normal(frame._places[column])
        named = ", ".join("'" + normal_text(name).replace("'", "''") + "'" for name in values)
        found = dict(_ask(frame, f"SELECT {value}, count(*) FROM whole WHERE {kept} GROUP BY ALL").fetchall())
        excluded[column] = {name: int(found.get(normal_text(name), 0)) for name in values}
        texts, looks = {normal_text(name) for name in values}, {look(name) for name in values}
        for other, n in found.items():
            if other not in texts and look(other) in looks:
                said = f"{n:,} record{'s' * (n > 1)} with {other!r}, nearly a value that is left out"
                raise ValueError(f"column {column!r}: {said}; name it as well, or mend it")
        kept += f" AND {value} NOT IN ({named})"
    _ask(frame, f"CREATE VIEW frame AS SELECT * FROM whole WHERE {kept}")
    return replace(frame, info=replace(frame.info, excluded=excluded), _kept=kept)


def _counted(frame: Frame) -> Frame:
    """The frame with its strata and the number of records, in all and of each stratum."""
    columns = [frame._places[name] for name in frame.info.stratum_columns]
    # The id is counted so that every line of a CSV file is looked at, and those found that do not belong there.
    query = f"SELECT count(*), {', '.join([*columns, f'count({frame._places[frame.info.id_column]})'])} FROM frame"
    found = _ask(frame, f"{query} GROUP BY ALL").fetchmany(MOST_STRATA + 1)
    said = f"stratum column{'s' * (len(columns) > 1)} {', '.join(map(repr, frame.info.stratum_columns))}"
    if len(found) > MOST_STRATA:
        raise ValueError(f"{said}: more than {MOST_STRATA:,} different values; take a column of strata")
    strata: dict[tuple[Any, ...], str] = {}
    counts, named = Counter[str](), dict[str, tuple[str, ...]]()
    for n, *values, _ in found:
        texts = tuple("" if value is None else normal_text(value) for value in values)
        if "" in texts:
            column = texts.index("")
            name, condition = frame.info.stratum_columns[column], f"{_normal(columns[column])} = ''"
            ((empty,),) = _ask(frame, f"SELECT count(*) FROM frame WHERE {condition}").fetchall()
            many = "s" * (empty > 1)
            said = f"{empty:,} empty value{many} ({places(frame, condition)})"
            raise ValueError(f"stratum column {name!r}: {said}; every record needs a stratum")
        stratum = strata[tuple(values)] = " / ".join(texts) or ALL
        if named.setdefault(stratum, texts) != texts:
            raise ValueError(f"{said}: two strata have the same name; avoid ' / ' in values")
        counts[stratum] += n
    info = replace(frame.info, records=counts.total(), counts=dict(sorted((+counts).items())))
    return replace(frame, info=info, _strata=strata)


def _refuse_empty_or_repeated(frame: Frame) -> None:
    what = f"id column {frame.info.id_column!r}"
    again = frame.info.id_column.lower().replace("'", "''")
    unsure = _UNSURE | {"the name of the column, so that a header stands there again": f"lower(id) = '{again}'"}
    faults = (unsure if frame.info.file else {}) | {"": "id = ''"}  # a DataFrame is its maker's business
    counted = ", ".join(f"count(*) FILTER ({condition})" for condition in faults.values())
    # All faults in one pass, which holds nothing in memory but hashes. Ids that are the same look alike.
    query = f"SELECT count(*) - count(DISTINCT hash({_LOOK})), {counted} FROM frame"
    ((alike, *numbers),) = _ask(frame, query).fetchall()
    for (said, condition), n in zip(faults.items(), numbers, strict=True):
        if n:
            what += f": {n:,} {'' if said else 'empty '}id{'s' * (n > 1)}{f' with {said}' if said else ''}"
            todo = "export it again" if said else "every record needs an id of its own"
            raise ValueError(f"{what} ({places(frame, condition)}); {todo}")
    repeats = "SELECT id, count(*) AS times FROM frame GROUP BY id HAVING times > 1"
    query = f"SELECT count(*), sum(times) FROM ({repeats}) HAVING count(*) > 0"
    for ids, records in _ask(frame, query).fetchall() if alike else ():
        raise ValueError(
            f"{what}: {ids:,} id{'s occur' if ids > 1 else ' occurs'} more than once, in {records:,} records "
            f"({places(frame, f'id IN (SELECT id FROM ({repeats}))')}); remove the repeats, or take the column that "
            "identifies a record (white space at the ends of an id does not count)"
        )
    twins = f"SELECT {_LOOK} AS look FROM frame GROUP BY look HAVING count(*) > 1"
    if alike and frame.info.file:
        where = places(frame, f"{_LOOK} IN (SELECT look FROM ({twins}))")
        raise ValueError(
            f"{what}: ids that differ only in capitals, zeros before, kinds of space or dash, or letters of other "
            f"alphabets ({where}); one spelling of an id"
        )


def places(frame: Frame, condition: str = "true", start: int = 0, most: int = 5) -> str:
    """The first records of a frame for which a condition holds: their rows in its file, or else their numbers."""
    numbered = f"SELECT *, row_number() OVER () AS record FROM {'whole' if frame.info.excluded else 'frame'}"
    query = f"SELECT record FROM ({numbered}) WHERE {frame._kept} AND {condition} ORDER BY record LIMIT {most + 1} OFFSET {start}"
    found = [record for (record,) in _ask(frame, query).fetchall()]
    numbers = [frame._rows[record - 1] if frame._rows else record for record in found[:most]]
    what = f"{'row' if frame._rows else 'record'}{'s' * (len(numbers) > 1)}"
    from_one = "" if frame._rows else ", counted from 1"
    return f"{what} {', '.join(f'{n:,}' for n in numbers)}{', …' * (len(found) > most > 1)}{from_one}"


def _ask(frame: Frame, query: str, *values: object) -> DuckDBPyConnection:
    """A query. What goes wrong is told without the words of DuckDB, which quote rows."""
    import duckdb

    try:
        return frame._database.execute(query, values)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        pattern = r"Line: (\d+).*Expected Number of Columns: (\d+) Found: (\d+)"
        if row := re.search(pattern, str(error), re.DOTALL):
            said = f"row {row[1]}: {row[3]} value{'s' * (row[3] != '1')} where the header has {row[2]}"
            raise ValueError(f"{frame.info.file}, {said}") from None
        raise _unreadable(frame.info.file, error) from None


def _normal(column: str) -> str:
    """SQL of :func:`normal_text` of a column; a missing value is empty.

    Most texts need no change, which is quick to see: ASCII, and a visible character at either end.
    """
    text = f"CAST({column} AS VARCHAR)"
    is_normal = f"strlen({text}) = length({text}) AND {text} >= '!' AND ({text})[-1] >= '!'"
    return f"CASE WHEN {is_normal} THEN {text} ELSE coalesce(normal_text({text}), '') END"


def _unreadable(file: str, error: Exception) -> ValueError:
    """Of the reader's own words, which may quote a row, only their kind is told."""
    if file.lower().endswith(".csv"):
        said = "with a header row, every quotation mark closed and lines that end alike"
        return ValueError(f"{file}: not a CSV file in UTF-8 {said}")
    return ValueError(f"{file}: not a readable {Path(file).suffix} file ({type(error).__name__})")


def read_header(path: Path) -> list[str]:
    """Names of the columns of a frame."""
    try:
        if path.suffix.lower() == ".parquet":
            import pyarrow.parquet

            return list(pyarrow.parquet.read_schema(path).names)
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path.name, error) from None


def _file(path: Path) -> str:
    """SQL of a file's name, in which * and ? are no patterns."""
    return "'" + glob.escape(str(path)).replace("'", "''") + "'"
