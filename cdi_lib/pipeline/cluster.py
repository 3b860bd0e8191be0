"""Builds on the machines of a Dask cluster: parameters and records go with the task, the finished report comes back."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path

from cdi_lib.inspection.folders import PARAMS_VARIABLE, PROJECT, REPORTS_VARIABLE, remove_leftovers, reports_folder
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.pipeline import fingerprint, publish
from cdi_lib.pipeline.runner import Outcome, Submit

SCHEDULER_SECONDS = 20  # to answer
COMMAND = (sys.executable, "-m", "cdi_lib", "report", "--json")


@contextlib.contextmanager
def connected(address: str, renderer: str) -> Iterator[Submit]:
    """Builds on the workers of a cluster; InputError if Dask is not installed, or no scheduler answers."""
    try:
        from distributed import Client

        client = Client(address, timeout=SCHEDULER_SECONDS)
    except ImportError:
        expected = "Dask, for SCHEDULER; install it with: .venv/bin/pip install distributed"
        raise InputError.of("SCHEDULER", "", "Dask is not installed", expected) from None
    except (OSError, ValueError) as error:
        expected = "the address of a running Dask scheduler, such as tcp://10.0.0.5:8786"
        raise InputError.of("SCHEDULER", "", f"{address} ({error})", expected) from None
    commit, code = fingerprint.commit(), fingerprint.code_digest()
    with client:
        pool = client.get_executor(retries=3)

        def submit(force: str, only_look: bool) -> Future:
            return pool.submit(build_there, force, _packed(*fingerprint.force_paths(force)), renderer, commit, code)

        try:
            yield submit
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def build_there(force: str, inputs: bytes, renderer: str, commit: str, code: str) -> tuple[Outcome, bytes]:
    """Build one force on a machine that shares no folder.

    Workers of a cluster may not start processes by themselves and have threads; so the build is a command of its own.
    """
    if fingerprint.code_digest() != code:
        problem = "the worker has another version of this project or of Python; bring both to the same"
        return Outcome(force, "failed", f"{force}: {problem}"), b""
    remove_leftovers(Path(tempfile.gettempdir()), "cdi-task-*")
    with tempfile.TemporaryDirectory(prefix=f"cdi-task-{os.getpid()}-") as scratch:
        params, reports = Path(scratch) / "params", Path(scratch) / "reports"
        _unpack(inputs, params)
        variables = {PARAMS_VARIABLE: str(params), REPORTS_VARIABLE: str(reports), fingerprint.COMMIT_VARIABLE: commit}
        command, environment = [*COMMAND, f"--force={force}", f"--renderer={renderer}"], os.environ | variables
        ended = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        return _told(force, ended), _packed((reports / force, (reports / force).rglob("*")))


def _told(force: str, ended: subprocess.CompletedProcess) -> Outcome:
    """The outcome that the command has printed."""
    try:
        told = json.loads(ended.stdout)
        return Outcome(**told["outcomes"][0] | {"problems": tuple(Problem(**p) for p in told["problems"])})
    except (ValueError, KeyError, IndexError, TypeError):
        last = (ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"])[-1]
        return Outcome(force, "failed", f"{force}: the build on the worker failed: {last}")


def receive(sent: tuple[Outcome, bytes]) -> Outcome:
    """Publish what a worker has sent, in one step."""
    (outcome, files), reports = sent, reports_folder()
    if outcome.is_whole:
        reports.mkdir(parents=True, exist_ok=True)
        with publish.staging_folder(outcome.force, reports) as staging:
            _unpack(files, staging)
            publish.publish(staging, reports / outcome.force)
    return outcome


def _packed(*parts: tuple[Path, Iterable[Path]]) -> bytes:
    """The files among some paths as a zip archive, named as they lie in the folder before them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder, paths in parts:
            for path in sorted(filter(Path.is_file, paths)):
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def _unpack(content: bytes, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
