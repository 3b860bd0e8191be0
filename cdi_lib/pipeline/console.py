"""What commands tell: lines for people, progress while something runs long, or one JSON document for scripts."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdi_lib.inspection.problems import Problem, grouped, harmless

if TYPE_CHECKING:
    from cdi_lib.pipeline.runner import Outcome


class Console:
    """Collects and prints what a command tells: all, errors only (``quiet``), or nothing until the end (``as_json``).

    Then it is one JSON document: command, exit status, messages, files, problems and, for reports, outcomes.
    """

    def __init__(self, quiet: bool = False, as_json: bool = False):
        self.quiet, self.as_json = quiet, as_json
        self._told: dict[str, Any] = {"messages": [], "files": [], "problems": []}

    def say(self, text: str, kind: str = "messages") -> None:
        """A line for people."""
        text = harmless(text)
        self._told[kind].append(text)
        if not (self.quiet or self.as_json):
            print(text, flush=True)

    def files(self, paths: Iterable[Path]) -> None:
        """Files that the command has made."""
        for path in paths:
            self.say(shown_path(path), "files")

    def error(self, text: str) -> None:
        """What went wrong and is no fault of an input."""
        self._told["messages"].append(text)
        if not self.as_json:
            print("error:", "\n".join(map(harmless, text.split("\n"))), file=sys.stderr, flush=True)

    def problems(self, problems: Sequence[Problem]) -> None:
        """What is wrong with the input, and what it means for the command."""
        self._told["problems"] += map(asdict, problems)
        if self.as_json:
            return
        for problem in grouped(problems):  # scripts and problems.csv get each
            if problem.severity == "error" or not self.quiet:
                print(problem, file=sys.stderr)
        if errors := sum(problem.severity == "error" for problem in problems):
            number = f"{errors} error{'s' if errors != 1 else ''}"
            print(f"{number}; mend the input and run the command again", file=sys.stderr, flush=True)

    def detail(self, key: str, value: Any) -> None:
        """Something that only scripts want."""
        self._told[key] = value

    def outcomes(self, outcomes: "Sequence[Outcome]") -> None:
        """What became of each force, for scripts; their problems are in the document already."""
        told = [asdict(outcome) for outcome in outcomes]
        self.detail("outcomes", [{key: value for key, value in one.items() if key != "problems"} for one in told])

    def finish(self, command: str, status: int) -> None:
        """Print the JSON document, where one was asked for."""
        if self.as_json:
            content = {"command": command, "status": status} | self._told
            print(json.dumps(content, ensure_ascii=False, indent=1, default=str))


def shown_path(path: Path) -> str:
    """A path as the user would type it."""
    return os.path.relpath(path)


class ForcesProgress:
    """Progress over ``total`` forces of so many steps: a bar for each one that is built and one for all.

    Where there is no terminal, a line for each force that was built.
    """

    def __init__(self, total: int, steps: int, console: Console):
        from tqdm import tqdm

        self.total, self.steps, self.console = total, steps, console
        self.done = self.built = 0
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._has_bars = sys.stderr.isatty() and not (console.quiet or console.as_json)
        self._bar = partial(tqdm, dynamic_ncols=True, disable=not self._has_bars)
        self._all = self._bar(total=total, desc="forces", unit="force", position=0)
        self._each: dict[str, Any] = {}

    def step(self, force: str, step: int, text: str) -> None:
        """One force has begun a step."""
        with self._lock:
            if force not in self._each:
                self._each[force] = self._bar(total=self.steps, desc=force, leave=False)
            self._each[force].set_postfix_str(text, refresh=False)
            self._each[force].update(step - 1 - self._each[force].n)

    def ended(self, outcome: "Outcome") -> None:
        """One force has ended."""
        what = f"{outcome.force}: {f'{outcome.status} in {outcome.seconds:g} s' if outcome.is_whole else 'failed'}"
        was_work = outcome.status != "unchanged"
        with self._lock:
            self.done += 1
            self.built += was_work
            if outcome.force in self._each:
                self._each.pop(outcome.force).close()
            self._all.update(1)
            if self._has_bars:
                self._all.write(what)
            elif was_work:
                self.console.say(f"{self.done} of {self.total}: {what}{self._time_left()}")

    def close(self) -> None:
        """No more forces."""
        for bar in (*reversed(self._each.values()), self._all):
            bar.close()

    def _time_left(self) -> str:
        seconds = (time.monotonic() - self._start) / self.built * (self.total - self.done)
        about = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
        return f"; about {about} left" if seconds else ""
