"""What is wrong with an input, said so that the person who typed it can mend it."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one input. An error stops a report; a warning does not."""

    file: str  # as the user would name it, relative to the project
    where: str  # row and column of a table, or the key of a parameter file (audit_period.end)
    got: str  # what is there
    expected: str  # what should be there, and what to do
    severity: str = "error"  # or "warning"

    def __post_init__(self) -> None:
        for name in ("file", "where", "got", "expected"):  # names of files and values come from outside
            object.__setattr__(self, name, harmless(getattr(self, name)))

    PLACES: ClassVar = ("severity", "file", "sheet", "row", "column", "place", "got", "expected")

    @property
    def places(self) -> dict[str, str]:
        """The problem for a table, with sheet, row and column of a cell apart, and any other place in words."""
        said = _PLACE.fullmatch(self.where)
        found = {name: text or "" for name, text in said.groupdict().items()} if said else {"place": self.where}
        return {"severity": self.severity, "file": self.file, "got": self.got, "expected": self.expected} | found

    def __str__(self) -> str:
        place = f"{self.file}, {self.where}" if self.where else self.file
        got = f"got {self.got}; " if self.got else ""
        return f"{self.severity}: {place}: {got}expected {self.expected}"


class InputError(Exception):
    """Input that cannot be used. Carries every problem that was found, not just the first."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def of(cls, file: str, where: str, got: str, expected: str) -> "InputError":
        """The error of one problem."""
        return cls([Problem(file, where, got, expected)])


def harmless(text: str) -> str:
    """Text without what a terminal obeys and what turns the direction of writing: such characters are written out.

    >>> harmless("a\\x1b]52;b\\n")
    'a\\\\x1b]52;b\\\\n'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


_PLACE = re.compile(
    r"(?:sheet '(?P<sheet>[^']*)'(?:, |$))?(?:rows? (?P<row>\d[\d,]*(?:, \d+)*(?: and [\d,]+ more)?)(?:, |$))?"
    r"(?:column (?P<column>.+))?"
)
_CELL = re.compile(r"row (\d+), column (.+)")


def grouped(problems: Sequence[Problem]) -> list[Problem]:
    """One problem for each cause: those of cells of one column of which the same was expected, with the first places."""
    groups: dict[tuple[object, ...], list[tuple[int, str, Problem]]] = {}
    for number, problem in enumerate(problems):
        cell = _CELL.fullmatch(problem.where)
        asked = problem.expected.partition(" (did you mean")[0].partition("; this one is also")[0]
        row, column = (int(cell[1]), cell[2]) if cell else (0, "")
        key: tuple[object, ...] = (problem.severity, problem.file, column, asked) if cell else (number,)
        groups.setdefault(key, []).append((row, column, problem))
    told = []
    for key, found in groups.items():
        first = found[0][2]
        if len(found) > 1:
            values = list(dict.fromkeys(problem.got for _, _, problem in found))
            got = f"{len(found):,} times {', '.join(values[:3])}{', …' if len(values) > 3 else ''}"
            same = first.expected if len({problem.expected for _, _, problem in found}) == 1 else str(key[-1])
            where = f"{places([row for row, _, _ in found])}, column {found[0][1]}"
            first = replace(first, where=where, got=got, expected=same)
        told.append(first)
    return told


def places(rows: Sequence[int], most: int = 3) -> str:
    """Where something is: the first few rows, and how many more.

    >>> places([2, 5, 6, 9])
    'rows 2, 5, 6 and 1 more'
    """
    more = f" and {len(rows) - most:,} more" if len(rows) > most else ""
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows[:most]))}{more}"


def suggest(word: str, known: Iterable[str]) -> str:
    """A hint such as `` (did you mean 'violence'?)``, or an empty string."""
    as_known = {name.lower(): name for name in known}
    close = difflib.get_close_matches(str(word).lower(), list(as_known), n=1)
    return f" (did you mean '{as_known[close[0]]}'?)" if close else ""


def shown(value: object, limit: int = 60) -> str:
    """A value as it is quoted in a message: short, on one line."""
    text = " ".join((repr(value) if isinstance(value, str) else str(value)).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
