"""Build the reports of many forces: nothing twice, several at once, here or on other machines.

What does not have to be made is found out before anything heavy is imported (:mod:`cdi_lib.pipeline.fingerprint`). The
rest runs in processes forked here, or on a cluster (:mod:`cdi_lib.pipeline.cluster`).
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cdi_lib.inspection.folders import COMPARISON, params_of, reports_folder
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.pipeline import fingerprint, processes
from cdi_lib.pipeline.notebooks import FAILED, BuildError
from cdi_lib.render.errors import RenderError

BUILD_TIMEOUT_SECONDS = 3600

Submit = Callable[[str, bool], Future]  # a force, and whether only its look has changed
Receive = Callable[[Any], "Outcome"]  # what has become of a force, from what its future brings


@dataclass(frozen=True)
class Outcome:
    """What became of one force."""

    force: str
    status: str  # built, rendered again, unchanged or failed
    message: str = ""
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether there is an up-to-date report now."""
        return self.status != "failed"


def why(force: str, renderer: str = "auto") -> list[str]:
    """Why the report of a force would be made again, one line each; empty if it is up to date."""
    return _reasons(force, renderer)[0]


def build_all(
    forces: Sequence[str], *, renderer: str = "auto", jobs: int | None = None, scheduler: str = "",
    again: bool = False, on_step: Callable[[str, int, str], None] = lambda force, step, text: None,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:  # fmt: skip
    """Build the reports of forces that are not up to date, or all (``again``); outcomes in the order of ``forces``.

    A failure of one force stops no other. So many ``jobs`` run at once, by default one for each processor core;
    with a ``scheduler`` (``tcp://10.0.0.5:8786``) on the workers of its Dask cluster instead. ``on_step`` is called
    with force, number and name of each step on this machine, from any thread; ``on_outcome`` with each outcome as
    soon as it is known.
    """
    outcomes: dict[str, Outcome] = {}

    def done(outcome: Outcome) -> None:
        outcomes[outcome.force] = outcome
        on_outcome(outcome)

    waiting: dict[str, bool] = {}  # force -> only its look has changed
    for force in forces:
        reasons, only_look = _reasons(force, renderer)
        if again or reasons:
            waiting[force] = only_look and not again
        else:
            done(Outcome(force, "unchanged"))
    if waiting:
        with _builders(scheduler, min(jobs or cores(), len(waiting)), renderer, again, on_step) as (submit, receive):
            futures = {submit(force, only_look): force for force, only_look in waiting.items()}
            for future in as_completed(futures):
                done(_outcome(futures[future], lambda arrived: receive(arrived.result()), future))
    return [outcomes[force] for force in forces]


def _reasons(force: str, renderer: str) -> tuple[list[str], bool]:
    """Why the report of a force would be made again, and whether rendering it again is enough."""
    params = params_of(force)
    if not (params / f"{force}.yml").is_file():
        return ["no parameters"], False  # the build says what to do
    return fingerprint.reasons(reports_folder() / force, fingerprint.inputs(force, params, renderer))


@contextlib.contextmanager
def _builders(
    scheduler: str, jobs: int, renderer: str, again: bool, on_step: Callable
) -> Iterator[tuple[Submit, Receive]]:
    """Builds on a cluster, or in processes of this machine; those that run are ended if the caller fails."""
    if scheduler:
        from cdi_lib.pipeline import cluster

        with cluster.connected(scheduler, renderer) as submit:
            yield submit, cluster.receive
        return
    commit, reports = fingerprint.commit(), reports_folder()
    if jobs > 1:
        processes.PRELOAD[1:] = processes.FOR_MANY
    with processes.ForkExecutor(jobs, BUILD_TIMEOUT_SECONDS, lambda message: on_step(*message)) as pool:
        # Folders travel as arguments: the fork server has the environment of the time when it was started.
        start = lambda force, look: pool.submit(
            build_here, force, params_of(force), reports, renderer, commit, look, again
        )
        yield start, lambda outcome: outcome


def _outcome(name: str, result: Callable[..., Outcome], *arguments: Any) -> Outcome:
    """The outcome of a task; one whose process or cluster died, of whatever, has an outcome as well."""
    try:
        return result(*arguments)
    except Exception as error:  # noqa: BLE001
        return Outcome(name, "failed", f"{name}: {error}")


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def build_here(
    force: str, params: Path, reports: Path, renderer: str, commit: str, only_look: bool, again: bool = False
) -> Outcome:
    """Build and publish one force in this process; ``again`` without the notebooks that are kept."""
    from cdi_lib.pipeline import kept
    from cdi_lib.pipeline.build import build_report

    if again:
        kept.forget(force)

    progress = lambda step, text: processes.tell((force, step, text))

    def build() -> tuple[str, tuple[Problem, ...]]:
        made = build_report(force, renderer, params, reports, progress, commit, only_look, reuse=True)
        return made.message, made.told

    return _attempt(force, "rendered again" if only_look else "built", build, reports)


def compare(forces: Sequence[str], renderer: str = "auto", again: bool = False) -> Outcome:
    """Build the comparison of forces that have a report, if it is not up to date."""
    reports = reports_folder()
    now = fingerprint.comparison_inputs([reports / force for force in forces], renderer)
    if not again and not fingerprint.reasons(reports / COMPARISON, now)[0]:
        return Outcome(COMPARISON, "unchanged")
    work = (compare_here, list(forces), reports, renderer, now)
    return _outcome(COMPARISON, lambda: processes.run_forked(*work, timeout=BUILD_TIMEOUT_SECONDS))


def write_front(changed: bool) -> Path:
    """The front page of all reports; made again where something has ``changed``, or where it lists other reports."""
    reports = reports_folder()
    if changed or not fingerprint.lists_all(reports):
        try:
            return processes.run_forked(_front_here, reports, timeout=BUILD_TIMEOUT_SECONDS)
        except (OSError, RuntimeError) as error:
            raise BuildError(f"the page of all reports was not written: {error}") from None
    return reports / fingerprint.FRONT[0].name


def _front_here(reports: Path) -> Path:
    from cdi_lib.pipeline import front

    return front.write(reports)


def compare_here(forces: list[str], reports: Path, renderer: str, now: dict[str, str]) -> Outcome:
    """Build and publish the comparison in this process."""
    from cdi_lib.pipeline import pages

    return _attempt(
        COMPARISON, "built", lambda: (pages.publish_comparison(forces, reports, renderer, now), ()), reports
    )


def _attempt(name: str, status: str, build: Callable[[], tuple[str, tuple[Problem, ...]]], reports: Path) -> Outcome:
    """What became of a build, which gives its message and warnings.

    Exceptions that are none of input, notebooks, rendering or files are this library's mistakes: they reach the caller
    with their type, so that they can be reported.
    """
    start, failed = time.monotonic(), reports / FAILED / name
    try:
        outcome = Outcome(name, status, *build())
    except InputError as error:
        outcome = Outcome(name, "failed", problems=error.problems)
    except (BuildError, RenderError) as error:
        message = f"{name}: {str(error).removeprefix(f'{name}: ')}"
        if failed.is_dir():
            message += f"\nThe notebooks as far as they came: {os.path.relpath(failed)} (keep them as you keep records)"
        outcome = Outcome(name, "failed", message)
    except OSError as error:
        what = f"{error.filename or 'a file'}: {error.strerror or error}"
        outcome = Outcome(name, "failed", f"{name}: {what}; the previous report is as it was")
    return replace(outcome, seconds=round(time.monotonic() - start, 1))
