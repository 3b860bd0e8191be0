"""The file of a sampling frame, of whatever kind, made readable for :func:`cdi_lib.statistics.frames.read_frame`."""

import csv
import tempfile
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cdi_lib.inspection import delimited
from cdi_lib.inspection.delimited import Dialect
from cdi_lib.inspection.files import Rows, file_hash, read
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.inspection.sheets import unreadable
from cdi_lib.statistics.frames import Frame, read_frame, read_header


@dataclass
class FrameFile:
    """A frame's file: the names of its columns, and its rows or its dialect where it is no plain CSV or Parquet file."""

    path: Path
    place: str
    header: list[str]
    rows: Rows | None = None
    dialect: Dialect | None = None
    told: list[Problem] = field(default_factory=list)  # what was decided in reading it
    _folder: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="frame-", ignore_cleanup_errors=True), repr=False
    )

    def read(self, id_column: str, stratum: str, others: Sequence[str], without: Mapping[str, Sequence[str]]) -> Frame:
        """The frame in the file, identified by the file as it is; InputError for cells that cannot be read surely."""
        kind, encoding, source = self.path.suffix[1:].lower(), None, self.path
        numbers = array("q")  # of the rows, which are many
        if self.rows is not None:
            needed = [id_column, stratum, *others]
            needed += [name for name in without if name not in needed]
            self.rows.refuse_odd(needed, [id_column])
            kind += f", sheet {self.rows.sheet}" if self.rows.sheet else ""
            columns = [self.header.index(name) for name in needed if name in self.header]
            chosen = ((n, [row[column] for column in columns]) for n, row in zip(self.rows.numbers, self.rows.cells))
            source = self._plain([self.header[column] for column in columns], chosen, numbers)
        elif self.dialect is not None:
            encoding, mark = self.dialect.encoding, {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}
            kind += f", values between {mark.get(self.dialect.mark, self.dialect.mark)}"
            records = delimited.records(self.path, self.place, self.dialect)
            header = next(records)[1]
            source = self._plain(header, records, numbers)
        frame = read_frame(source, id_column, stratum, other_columns=others, without=without, rows=numbers)
        if source == self.path:
            return frame
        info = replace(frame.info, file=self.path.name, sha256=file_hash(self.path), format=kind, encoding=encoding)
        return replace(frame, info=info)

    def _plain(self, header: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]], numbers: "array[int]") -> Path:
        """The records as plain CSV; the numbers of their rows are added to ``numbers``."""
        path = Path(self._folder.name) / f"{self.path.stem}.csv"
        with path.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened, lineterminator="\n", quoting=csv.QUOTE_ALL)
            writer.writerow([name.strip() for name in header])
            for number, row in rows:
                if any(row):
                    if len(row) < len(header) or any(row[len(header) :]):
                        expected = f"{len(header)} values, as the header has"
                        raise InputError.of(self.place, f"row {number}", f"{len(row)} values", expected)
                    numbers.append(number)
                    writer.writerow(row[: len(header)])
        return path


def open_frame(path: Path, place: str, expected: Sequence[str], sheet: str = "") -> FrameFile:
    """Look into the file of a frame: columns are named where one of the ``expected`` names is."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        try:
            return FrameFile(path, place, read_header(path))
        except ValueError:
            raise unreadable(place, "a Parquet file", path) from None
    if suffix == ".csv":
        dialect = delimited.dialect_of(path, place, expected)
        _, header = next(delimited.records(path, place, dialect), (1, []))
        delimited.refuse_one_column(header, expected, place)
        named = [name.strip() for name in header]
        is_plain = dialect.is_plain and named == header
        return FrameFile(path, place, named, None, None if is_plain else dialect, list(dialect.told))
    rows = read(path, place, expected, sheet=sheet, name="frame")
    return FrameFile(path, place, rows.header, rows, told=rows.told)
