"""Fresh processes with all imports done, for notebooks and for whole builds.

A Jupyter kernel spends most of its time on imports. Here Python's fork server does them once (``preload``); each build
then runs in a process of its own, forked from it, and each notebook in one that is forked from the build.

No pool of a library (pebble, multiprocessing) serves here: its workers are daemons, which may not fork notebooks; it
starts threads, which do not survive that fork; a worker whose parent was killed goes on; progress has no way through.
"""

import contextlib
import ctypes
import multiprocessing
import os
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")

PRELOAD = ["cdi_lib.pipeline.preload"]
FOR_MANY = ["nbconvert", "duckdb", "cdi_lib.report.workbook"]  # one report imports these beside what else is done
LOOK_SECONDS = 0.2  # how often a waiting parent looks whether it was asked to stop

_to_parent: Connection | None = None  # in a process that run_forked has started: the pipe to the one that waits


def run_forked(
    function: Callable[..., T],
    *arguments: Any,
    timeout: float,
    on_message: Callable[[Any], None] = lambda message: None,
    stop: threading.Event | None = None,
) -> T:
    """Call ``function(*arguments)`` in a fresh process, wait for it, and return what it returned.

    The function is one at the top of a module; arguments and result are plain values. Each message of :func:`tell`
    reaches ``on_message``. The process is ended after ``timeout`` seconds (TimeoutError) and once ``stop`` is set
    (InterruptedError). An OSError of the function is raised here; RuntimeError if the process died, or the function
    raised another exception, with its message.
    """
    return _result(*_start(function, arguments), timeout, on_message, stop)


@contextlib.contextmanager
def beside(function: Callable, *arguments: Any, timeout: float) -> Iterator[None]:
    """Call ``function(*arguments)`` in a fresh process while the block runs, and wait for it at the end.

    Exceptions as for :func:`run_forked`; if the block fails, the process is ended.
    """
    process, receiver = _start(function, arguments)
    try:
        yield
    except BaseException:
        process.kill()
        process.join()
        receiver.close()
        raise
    _result(process, receiver, timeout)


def _start(function: Callable, arguments: tuple) -> tuple[Any, Connection]:
    """A fresh process that calls a function, and the end of the pipe where its result arrives."""
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(sender, function, arguments))
    process.start()
    sender.close()
    return process, receiver


def _result(
    process: Any, receiver: Connection, timeout: float, on_message: Callable[[Any], None] = lambda message: None,
    stop: threading.Event | None = None,
) -> Any:  # fmt: skip
    """Wait for a process that :func:`_start` has made: see :func:`run_forked`."""
    end = time.monotonic() + timeout
    try:
        while True:
            if stop is not None and stop.is_set():
                raise InterruptedError
            if time.monotonic() > end:
                raise TimeoutError(f"took longer than {timeout:g} seconds")
            if receiver.poll(LOOK_SECONDS):
                kind, content = receiver.recv()
                if kind != "message":
                    break
                on_message(content)
    except EOFError:
        process.join()
        kind, content = "error", f"the process ended unexpectedly (exit status {process.exitcode})"
    except BaseException:
        process.kill()  # what it wrote is in a folder that its parent removes
        raise
    finally:
        receiver.close()
        process.join()
    if kind == "error":
        raise content if isinstance(content, OSError) else RuntimeError(content)
    return content


def _context() -> Any:
    """How a fresh process is made.

    A process that the fork server has made holds all imports and has no other thread: it forks. Any other, such as a
    Jupyter kernel, has threads, which do not survive a fork: it asks the fork server.
    """
    if not hasattr(os, "fork"):
        return multiprocessing.get_context("spawn")
    if _to_parent is not None and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    resource_tracker.ensure_running()  # it would let signals through again
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # until the server ignores it, see preload
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    return context


def tell(message: Any) -> None:
    """Send a message of progress to the process that waits for this one; nothing where none does."""
    if _to_parent is not None:
        try:
            _to_parent.send(("message", message))
        except OSError:  # nobody waits any more: the parent was killed
            os._exit(1)


def is_waited_for() -> bool:
    """Whether somebody waits for what this process makes: no longer once the command that began it was killed."""
    if _to_parent is None or not hasattr(select, "poll"):
        return True
    pipe = select.poll()
    pipe.register(_to_parent.fileno(), 0)  # reports without being asked that the other end was closed
    return not pipe.poll(0)


def _call(sender: Connection, function: Callable, arguments: tuple) -> None:
    global _to_parent
    _to_parent = sender
    # The system ends this process with its parent, also if that is killed. Linux only; elsewhere it runs to its end.
    die_with_parent = 1  # PR_SET_PDEATHSIG
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).prctl(die_with_parent, signal.SIGKILL)
    with contextlib.suppress(OSError):  # nobody waits any more
        try:
            sender.send(("result", function(*arguments)))
        except BaseException as error:  # noqa: BLE001  whatever it was, the parent tells the user
            text = "".join(traceback.format_exception_only(error)).strip()
            sender.send(("error", error if isinstance(error, OSError) else text))


class ForkExecutor(Executor):
    """An executor that runs each task in a fresh process: one that dies takes no other with it, and leaves nothing.

    It runs ``jobs`` tasks at once, each for ``timeout`` seconds at most; ``on_message`` is called from the thread that
    supervises a task. If its block fails or is interrupted, the tasks are ended.
    """

    def __init__(self, jobs: int, timeout: float, on_message: Callable[[Any], None] = lambda message: None) -> None:
        self._threads = ThreadPoolExecutor(jobs)
        self._stop = threading.Event()
        self._run = partial(run_forked, timeout=timeout, on_message=on_message, stop=self._stop)

    def submit(self, function: Callable[..., T], /, *arguments: Any, **_: Any) -> Future[T]:
        return self._threads.submit(self._run, function, *arguments)

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._stop.set()
        self._threads.shutdown(cancel_futures=kind is not None)
