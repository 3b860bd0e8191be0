"""What is wrong with an input, said so that the person who typed it can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one input. An error stops a report; a warning does not."""

    file: str  # as the user would name it, relative to the project
    where: str  # row and column of a table, or the key of a parameter file (audit_period.end)
    got: str  # what is there
    expected: str  # what should be there, and what to do
    severity: str = "error"  # or "warning"

    def __str__(self) -> str:
        place = f"{self.file}, {self.where}" if self.where else self.file
        got = f"got {self.got}; " if self.got else ""
        return f"{self.severity}: {place}: {got}expected {self.expected}"


class InputError(Exception):
    """Input that cannot be used. Carries every problem that was found, not just the first."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def suggest(word: str, known: Iterable[str]) -> str:
    """A hint such as `` (did you mean 'violence'?)``, or an empty string."""
    close = difflib.get_close_matches(str(word).lower(), list(known), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def shown(value: object, limit: int = 60) -> str:
    """A value as it is quoted in a message: short, on one line."""
    text = " ".join((repr(value) if isinstance(value, str) else str(value)).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
