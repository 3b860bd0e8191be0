"""What commands tell: lines for people, progress while something runs long, or one JSON document for scripts."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdi_lib.inspection.problems import Problem

if TYPE_CHECKING:
    from cdi_lib.pipeline.runner import Outcome


class Console:
    """Collects and prints what a command tells: all, errors only (``quiet``), or nothing until the end (``as_json``).

    Then it is one JSON document: command, exit status, messages, files, problems and, for reports, outcomes.
    """

    def __init__(self, quiet: bool = False, as_json: bool = False):
        self.quiet, self.as_json = quiet, as_json
        self._told: dict[str, list] = {"messages": [], "files": [], "problems": [], "outcomes": []}
        self._details: dict[str, Any] = {}

    def say(self, text: str, kind: str = "messages") -> None:
        """A line for people."""
        self._told[kind].append(text)
        if not (self.quiet or self.as_json):
            print(text, flush=True)

    def file(self, path: Path) -> None:
        """A file that the command has made, as the user would type it."""
        self.say(shown_path(path), "files")

    def error(self, text: str) -> None:
        """What went wrong and is no fault of an input."""
        self._told["messages"].append(text)
        if not self.as_json:
            print(f"error: {text}", file=sys.stderr, flush=True)

    def problems(self, problems: Sequence[Problem]) -> None:
        """What is wrong with the input, and what it means for the command."""
        self._told["problems"] += [asdict(problem) for problem in problems]
        if self.as_json:
            return
        for problem in problems:
            if problem.severity == "error" or not self.quiet:
                print(problem, file=sys.stderr)
        if errors := sum(problem.severity == "error" for problem in problems):
            number = f"{errors} error{'s' if errors != 1 else ''}"
            print(f"{number}; mend the input and run the command again", file=sys.stderr, flush=True)

    def outcome(self, outcome: Outcome) -> None:
        """What became of one force, for scripts; its problems are in the document already."""
        content = asdict(outcome)
        self._told["outcomes"].append({key: value for key, value in content.items() if key != "problems"})

    def detail(self, key: str, value: Any) -> None:
        """Something that only scripts want."""
        self._details[key] = value

    def finish(self, command: str, status: int) -> None:
        """Print the JSON document, where one was asked for."""
        if self.as_json:
            told = {key: value for key, value in self._told.items() if value or key != "outcomes"}
            content = {"command": command, "status": status} | told | self._details
            print(json.dumps(content, ensure_ascii=False, indent=1, default=str))


def shown_path(path: Path) -> str:
    """A path as the user would type it."""
    return os.path.relpath(path)


class ForcesProgress:
    """Progress over ``total`` forces of so many steps: a bar for each one that is built and one for all.

    Where there is no terminal, a line for each force that was built.
    """

    def __init__(self, total: int, steps: int, console: Console):
        self.total, self.steps, self.console = total, steps, console
        self.done = self.built = 0
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._bars: dict[str, Any] = {}  # also one for all, under no force's name
        if sys.stderr.isatty() and not (console.quiet or console.as_json):
            self._bars[""] = self._bar(total, "forces", unit="force", position=0)

    @staticmethod
    def _bar(total: int, name: str, **options: Any) -> Any:
        from tqdm import tqdm

        return tqdm(total=total, desc=name, dynamic_ncols=True, **options)

    def step(self, force: str, step: int, text: str) -> None:
        """One force has begun a step."""
        with self._lock:
            if "" not in self._bars:
                return
            if force not in self._bars:
                self._bars[force] = self._bar(self.steps, force, leave=False)
            self._bars[force].set_postfix_str(text, refresh=False)
            self._bars[force].update(step - 1 - self._bars[force].n)

    def ended(self, outcome: Outcome) -> None:
        """One force has ended."""
        what = f"{outcome.status} in {outcome.seconds:g} s" if outcome.is_whole else "failed"
        was_work = outcome.status != "unchanged"
        with self._lock:
            self.done += 1
            self.built += was_work
            if bar := self._bars.pop(outcome.force, None):
                bar.close()
            if bar := self._bars.get(""):
                bar.update(1)
                bar.write(f"{outcome.force}: {what}")
            elif was_work:
                line = f"{self.done} of {self.total}: {outcome.force}: {what}{self._time_left()}"
                self.console.say(line)

    def close(self) -> None:
        """No more forces."""
        for bar in reversed(self._bars.values()):
            bar.close()

    def _time_left(self) -> str:
        left = self.total - self.done
        if not left:
            return ""
        seconds = (time.monotonic() - self._start) / self.built * left
        return f"; about {seconds / 60:.0f} min left" if seconds >= 90 else f"; about {seconds:.0f} s left"
