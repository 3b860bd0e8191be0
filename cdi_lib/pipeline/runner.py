"""Build the reports of many forces: nothing twice, several at once, here or on other machines.

What does not have to be made is found out before anything heavy is imported (:mod:`cdi_lib.pipeline.fingerprint`). The rest
runs on any :class:`concurrent.futures.Executor`: by default processes forked here, or the workers of a Dask cluster,
which get parameters and records with the task and send the finished report back.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from cdi_lib.inspection.folders import (
    COMPARISON,
    PARAMS_VARIABLE,
    PROJECT,
    REPORTS_VARIABLE,
    params_of,
    remove_leftovers,
    reports_folder,
)
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.pipeline import engine, fingerprint

BUILD_TIMEOUT_SECONDS = 3600
SCHEDULER_SECONDS = 20  # to answer
STEPS = 8  # of one force: five notebooks, the report, rendering, evidence and data


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
    now = fingerprint.inputs(force, params_of(force), renderer)
    return fingerprint.reasons(reports_folder() / force, now)


def build_all(
    forces: Sequence[str],
    *,
    renderer: str = "auto",
    jobs: int | None = None,
    scheduler: str = "",
    again: bool = False,
    on_step: Callable[[str, int, str], None] = lambda force, step, text: None,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Build the reports of forces that are not up to date.

    Parameters
    ----------
    forces : sequence of str
        Their names; parameters and reports are in :func:`cdi_lib.inspection.folders.params_of` and ``reports_folder``.
    renderer : {"auto", "quarto", "pandoc"}
        Engine for HTML and PDF.
    jobs : int, optional
        How many are built at once; by default as many as there are processor cores for this process.
    scheduler : str
        Address of a Dask scheduler, such as ``tcp://10.0.0.5:8786``; empty: processes of this machine.
    again : bool
        Build also what is up to date.
    on_step : callable
        Called with force, number and name of each step, from any thread; only for processes of this machine.
    on_outcome : callable
        Called with each outcome as soon as it is known.

    Returns
    -------
    list of Outcome
        In the order of `forces`. A failure of one force stops no other.
    """
    outcomes: dict[str, Outcome] = {}

    def done(outcome: Outcome) -> None:
        outcomes[outcome.force] = outcome
        on_outcome(outcome)

    waiting: dict[str, bool] = {}  # force -> only its look has changed
    for force in forces:
        now = fingerprint.inputs(force, params_of(force), renderer) if _has_parameters(force) else {}
        if again or not now or fingerprint.reasons(reports_folder() / force, now):
            waiting[force] = bool(now) and not again and fingerprint.only_look(reports_folder() / force, now)
        else:
            done(Outcome(force, "unchanged"))
    if waiting:
        executor = _dask(scheduler) if scheduler else _local(min(jobs or cores(), len(waiting)), on_step)
        with executor as (pool, submit):
            try:
                futures = {submit(pool, force, look, renderer): force for force, look in waiting.items()}
                for future in as_completed(futures):
                    done(_outcome(futures[future], future))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    return [outcomes[force] for force in forces]


def compare(forces: Sequence[str], renderer: str = "auto", again: bool = False) -> Outcome:
    """Build the comparison of forces that have a report, if it is not up to date."""
    reports = reports_folder()
    now = fingerprint.comparison_inputs([reports / force for force in forces], renderer)
    if not again and not fingerprint.reasons(reports / COMPARISON, now):
        return Outcome(COMPARISON, "unchanged")
    try:
        return engine.run_forked(
            compare_here, list(forces), str(reports), renderer, now, timeout=BUILD_TIMEOUT_SECONDS
        )
    except (RuntimeError, TimeoutError) as error:
        return Outcome(COMPARISON, "failed", f"{COMPARISON}: {error}")


def compare_here(forces: list[str], reports: str, renderer: str, now: dict[str, str]) -> Outcome:
    """Build and publish the comparison in this process."""
    from cdi_lib.pipeline import comparison
    from cdi_lib.pipeline.build import BuildError, publish, staging_folder
    from cdi_lib.render.rendering import RenderError

    folder = Path(reports)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with staging_folder(COMPARISON, folder) as staging:
            results = [folder / force / "results.json" for force in forces]
            message = comparison.build(results, staging, renderer)
            fingerprint.record(staging, now)
            publish(staging, folder / COMPARISON)
    except InputError as error:
        return Outcome(COMPARISON, "failed", problems=tuple(error.problems))
    except (BuildError, RenderError, OSError) as error:
        return Outcome(COMPARISON, "failed", f"{COMPARISON}: {error}")
    return Outcome(COMPARISON, "built", message)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _has_parameters(force: str) -> bool:
    return (params_of(force) / f"{force}.yml").is_file()


def _outcome(force: str, future: Future) -> Outcome:
    """The outcome of a task; one whose process died has an outcome as well."""
    try:
        return future.result()
    except Exception as error:  # noqa: BLE001  whatever a process or a cluster can die of
        return Outcome(force, "failed", f"{force}: {error}")


# --- on this machine -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _local(jobs: int, on_step: Callable) -> Iterator[tuple[Executor, Callable]]:
    commit = fingerprint.commit()
    with engine.ForkExecutor(jobs, BUILD_TIMEOUT_SECONDS, lambda message: on_step(*message)) as pool:
        # Folders travel as arguments: the fork server has the environment of the time when it was started.
        yield (
            pool,
            lambda pool, force, look, renderer: pool.submit(
                build_here, force, str(params_of(force)), str(reports_folder()), renderer, commit, look
            ),
        )


def build_here(force: str, params: str, reports: str, renderer: str, commit: str, only_look: bool) -> Outcome:
    """Build and publish one force in this process; every failure becomes an outcome.

    Other exceptions than those of input, notebooks and rendering are mistakes of this library; they are told with
    their type, so that they can be reported.
    """
    from cdi_lib.pipeline.build import BuildError, build_report
    from cdi_lib.render.rendering import RenderError

    start = time.monotonic()
    progress = lambda step, text: engine.tell((force, step, text))
    try:
        built = build_report(force, renderer, Path(params), Path(reports), progress, commit, only_look)
        outcome = Outcome(force, "rendered again" if only_look else "built", built.message)
    except InputError as error:
        outcome = Outcome(force, "failed", problems=tuple(error.problems))
    except (BuildError, RenderError) as error:
        outcome = Outcome(force, "failed", _with_place(force, str(error), Path(reports) / ".failed" / force))
    except OSError as error:
        what = f"{error.filename or 'a file'}: {error.strerror or error}"
        outcome = Outcome(force, "failed", f"{force}: {what}; the previous report is as it was")
    return replace(outcome, seconds=round(time.monotonic() - start, 1))


def _with_place(force: str, message: str, failed: Path) -> str:
    message = message if message.startswith(f"{force}: ") else f"{force}: {message}"
    return (
        f"{message}\nThe notebooks as far as they came: {os.path.relpath(failed)}"
        if failed.is_dir()
        else message
    )


# --- on other machines -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _dask(address: str) -> Iterator[tuple[Executor, Callable]]:
    try:
        from distributed import Client
    except ImportError:
        expected = "Dask, for SCHEDULER; install it with: .venv/bin/pip install distributed"
        raise InputError([Problem("SCHEDULER", "", "Dask is not installed", expected)]) from None
    try:
        client = Client(address, timeout=SCHEDULER_SECONDS)
    except (OSError, ValueError) as error:
        expected = "the address of a running Dask scheduler, such as tcp://10.0.0.5:8786"
        raise InputError([Problem("SCHEDULER", "", f"{address} ({error})", expected)]) from None
    commit, code = fingerprint.commit(), fingerprint.code_digest()

    def submit(pool: Executor, force: str, look: bool, renderer: str) -> Future:
        task = pool.submit(build_there, force, _packed_inputs(force), renderer, commit, code)
        return _then(task, lambda result: _publish_there(force, *result))

    with client:
        yield client.get_executor(retries=3), submit


def _then(task: Future, function: Callable) -> Future:
    """A future for ``function`` of a task's result, called here as soon as the result has arrived."""
    after: Future = Future()

    def run(finished: Future) -> None:
        try:
            after.set_result(function(finished.result()))
        except BaseException as error:  # noqa: BLE001  it belongs to whoever asks for the result
            after.set_exception(error)

    task.add_done_callback(run)
    return after


def build_there(force: str, inputs: bytes, renderer: str, commit: str, code: str) -> tuple[Outcome, bytes]:
    """Build one force on a machine that shares no folder: parameters and records in, the finished report out.

    Workers of a cluster may not start processes by themselves and have threads; so the build is a command of its own.
    """
    if fingerprint.code_digest() != code:
        message = (
            f"{force}: the worker has another version of this project or of Python; bring both to the same"
        )
        return Outcome(force, "failed", message), b""
    remove_leftovers(Path(tempfile.gettempdir()), "cdi-task-*")
    with tempfile.TemporaryDirectory(prefix=f"cdi-task-{os.getpid()}-") as scratch:
        folder = Path(scratch)
        _unpack(inputs, folder / "params")
        command = [
            sys.executable,
            "-m",
            "cdi_lib",
            "report",
            f"--force={force}",
            f"--renderer={renderer}",
            "--json",
        ]
        variables = {
            PARAMS_VARIABLE: str(folder / "params"),
            REPORTS_VARIABLE: str(folder / "reports"),
            fingerprint.COMMIT_VARIABLE: commit,
        }
        ended = subprocess.run(
            command, cwd=PROJECT, env=os.environ | variables, capture_output=True, text=True, check=False
        )
        return _outcome_of_command(force, ended), _packed(folder / "reports" / force)


def _outcome_of_command(force: str, ended: subprocess.CompletedProcess) -> Outcome:
    import json

    try:
        told = json.loads(ended.stdout)
        return Outcome(**told["outcomes"][0] | {"problems": tuple(Problem(**p) for p in told["problems"])})
    except (ValueError, KeyError, IndexError, TypeError):
        last = (ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"])[-1]
        return Outcome(force, "failed", f"{force}: the build on the worker failed: {last}")


def _publish_there(force: str, outcome: Outcome, files: bytes) -> Outcome:
    """Publish what a worker has sent, in one step; a report that arrives twice is published once more, as a whole."""
    from cdi_lib.pipeline.build import publish, staging_folder

    if outcome.is_whole:
        reports = reports_folder()
        reports.mkdir(parents=True, exist_ok=True)
        with staging_folder(force, reports) as staging:
            _unpack(files, staging)
            publish(staging, reports / force)
    return outcome


def _packed_inputs(force: str) -> bytes:
    """Parameters, criteria and record tables of one force as a zip archive."""
    params = params_of(force)
    criteria = params / "criteria" if (params / "criteria").is_dir() else PROJECT / "params" / "criteria"
    files = {f"{force}.yml": params / f"{force}.yml"}
    files |= {f"criteria/{path.name}": path for path in criteria.glob("*.yml")}
    files |= {f"{force}/{name}": path for name, path in _files(params / force).items()}
    return _zip({name: path for name, path in files.items() if path.is_file()})


def _packed(folder: Path) -> bytes:
    return _zip(_files(folder))


def _files(folder: Path) -> dict[str, Path]:
    return {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}


def _zip(files: dict[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            archive.write(path, name)
    return buffer.getvalue()


def _unpack(content: bytes, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
