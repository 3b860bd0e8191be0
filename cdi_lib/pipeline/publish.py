"""Put a finished report in the place of the previous one, as a whole or not at all.

A report is made in a staging folder beside the others; readers never see a part of it, whenever a build is killed,
two builds meet, or the disk is full.
"""

import contextlib
import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cdi_lib.inspection.folders import BUILDING, remove_leftovers
from cdi_lib.pipeline.notebooks import FAILED, BuildError
from cdi_lib.pipeline.processes import is_waited_for


@contextlib.contextmanager
def staging_folder(force: str, reports: Path) -> Iterator[Path]:
    """A folder for a build beside the reports; BuildError if another build of this force is under way.

    What builds that were killed have left is removed first.
    """
    lock = reports / f".{force}-lock"
    with _locked(lock, force):
        remove_leftovers(reports, BUILDING)
        remove_leftovers(Path(tempfile.gettempdir()), "cdi-render-*")
        staging = Path(tempfile.mkdtemp(prefix=f".{force}-building-{os.getpid()}-", dir=reports))
        staging.chmod(0o755)
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _locked(path: Path, force: str) -> contextlib.AbstractContextManager:
    """The lock of a force, where the system has file locks. It goes with the process that holds it, however that ends.

    Its file is removed by whoever held it last.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return contextlib.nullcontext()
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            message = f"{force}: another build of this force is under way; wait until it has ended"
            raise BuildError(message) from None
        # The one that held it may have removed the file between our opening and locking it: then it locks nothing.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()


def publish(staging: Path, target: Path) -> None:
    """Put a finished folder in the place of the previous one, in one step where the system can.

    Linux exchanges two folders atomically; elsewhere the old one is moved aside for a moment.
    """
    previous = staging
    if not target.exists():
        os.rename(staging, target)
    elif not _exchange(staging, target):
        previous = staging.with_name(f"{staging.name}.previous")
        os.rename(target, previous)
        try:
            os.rename(staging, target)
        except OSError:
            os.rename(previous, target)
            raise
    shutil.rmtree(previous, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders with renameat2(2); False where there is no such call."""
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    return renameat2(here, os.fsencode(first), here, os.fsencode(second), exchange) == 0


def keep_failed(notebooks: Path, force: str, reports: Path) -> None:
    """Keep the executed notebooks of a failed build for reading; a full disk must not hide the first error.

    Not where the command was killed: the next one may have swept what this process still needed.
    """
    if not is_waited_for():
        return
    failed = reports / FAILED / force
    with contextlib.suppress(OSError):
        shutil.rmtree(failed, ignore_errors=True)
        if notebooks.is_dir() and any(notebooks.iterdir()):
            failed.parent.mkdir(exist_ok=True)
            shutil.copytree(notebooks, failed)


def forget_failed(force: str, reports: Path) -> None:
    """Remove what an earlier build that failed has left."""
    shutil.rmtree(reports / FAILED / force, ignore_errors=True)
    with contextlib.suppress(OSError):  # there is none, or it holds another force's
        (reports / FAILED).rmdir()
