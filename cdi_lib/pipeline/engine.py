"""Run notebooks, and whole builds, in processes forked from one that has done the imports.

A Jupyter kernel spends most of its time on imports. Here Python's fork server does them once; each build then runs
in a process of its own, forked from it, and each notebook in one that is forked from the build: fresh state at a
fraction of the price. Papermill's engine interface is the hook, so parameters, checks and errors are Papermill's,
and the executed notebook is an ordinary one.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")

PRELOAD = ["cdi_lib.pipeline.preload"]
NAME = "cdi-forked-shell"
LOOK_SECONDS = 0.2  # how often a waiting parent looks whether it was asked to stop

# Why no pool of a library (pebble, multiprocessing): its workers are daemons, which may not fork notebooks; it starts
# threads, which do not survive that fork; a worker whose parent was killed goes on; and progress has no way through.

_to_parent: Connection | None = (
    None  # in a process that run_forked has started: the pipe to the one that waits
)


class Stopped(Exception):
    """The work was given up because the user asked to stop."""


def run_forked(
    function: Callable[..., T],
    *arguments: Any,
    timeout: float,
    on_message: Callable[[Any], None] = lambda message: None,
    stop: threading.Event | None = None,
) -> T:
    """Call ``function(*arguments)`` in a fresh process, wait for it, and return what it returned.

    Parameters
    ----------
    function : callable
        A function at the top of a module; its arguments and its result are plain values.
    timeout : float
        Seconds after which the process is ended.
    on_message : callable
        Called with each message that the function sends by :func:`tell`.
    stop : threading.Event, optional
        Once it is set, the process is ended.

    Raises
    ------
    TimeoutError
        If it took too long.
    Stopped
        If `stop` was set.
    RuntimeError
        If the process died, or the function raised; the message is that of the exception.
    """
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(sender, function, arguments))
    process.start()
    sender.close()
    end = time.monotonic() + timeout
    try:
        while True:
            if stop is not None and stop.is_set():
                raise Stopped
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
        raise RuntimeError(content)
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
    return context


def tell(message: Any) -> None:
    """Send a message of progress to the process that waits for this one; nothing where none does."""
    if _to_parent is not None:
        try:
            _to_parent.send(("message", message))
        except OSError:  # nobody waits any more: the parent was killed
            os._exit(1)


def _call(sender: Connection, function: Callable, arguments: tuple) -> None:
    global _to_parent
    _to_parent = sender
    _end_with_parent()
    with contextlib.suppress(OSError):  # nobody waits any more
        try:
            sender.send(("result", function(*arguments)))
        except BaseException as error:  # noqa: BLE001  whatever it was, the parent tells the user
            sender.send(("error", "".join(traceback.format_exception_only(error)).strip()))


def _end_with_parent() -> None:
    """Let the system end this process with its parent, also if that is killed. Linux only; elsewhere it runs to its end."""
    die_with_parent = 1  # PR_SET_PDEATHSIG
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).prctl(die_with_parent, signal.SIGKILL)


class ForkExecutor(Executor):
    """An executor that runs each task in a fresh process with all imports done.

    A task that dies takes no other with it, and nothing is left of it for the next one.

    Parameters
    ----------
    jobs : int
        How many tasks run at once.
    timeout : float
        Seconds that a task may take.
    on_message : callable
        Called, from the thread that supervises it, with each message that a task sends by :func:`tell`.
    """

    def __init__(
        self, jobs: int, timeout: float, on_message: Callable[[Any], None] = lambda message: None
    ) -> None:
        self._threads = ThreadPoolExecutor(jobs)
        self._stop = threading.Event()
        self._run = partial(run_forked, timeout=timeout, on_message=on_message, stop=self._stop)

    def submit(self, function: Callable[..., T], /, *arguments: Any, **_: Any) -> Future[T]:
        return self._threads.submit(self._run, function, *arguments)

    def __exit__(self, kind: object, *_: object) -> None:
        """Wait for all tasks; end them if the block failed or was interrupted."""
        self.shutdown(cancel_futures=kind is not None)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As for any executor; with ``cancel_futures`` the tasks that run are ended as well."""
        if cancel_futures:
            self._stop.set()
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)


def register() -> str:
    """Make the engine known to Papermill; returns its name."""
    from papermill.engines import Engine, papermill_engines

    class ForkedShell(Engine):
        """Papermill engine that runs cells in this process's own IPython shell."""

        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, **kwargs):
            shell = _shell()
            for index, cell in enumerate(nb_man.nb.cells):
                nb_man.cell_start(cell, index)
                try:
                    if cell.cell_type == "code" and cell.source.strip() and not _run(shell, cell):
                        nb_man.cell_exception(cell, cell_index=index)
                        break
                finally:
                    nb_man.cell_complete(cell, cell_index=index)

    papermill_engines.register(NAME, ForkedShell)
    return NAME


def _shell():
    """An IPython shell whose displays, results and errors become notebook outputs."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from nbformat.v4 import new_output
    from traitlets import Type
    from traitlets.config import Config

    class Publisher(DisplayPublisher):
        def publish(self, data, metadata=None, **kwargs):
            self.shell.outputs.append(new_output("display_data", data=data, metadata=metadata or {}))

    class Hook(DisplayHook):
        def write_output_prompt(self):
            pass

        def finish_displayhook(self):
            pass

        def write_format_data(self, format_dict, md_dict=None):
            count = self.shell.execution_count
            self.shell.outputs.append(
                new_output("execute_result", data=format_dict, metadata=md_dict or {}, execution_count=count)
            )

    class Shell(InteractiveShell):
        display_pub_class = Type(Publisher)
        displayhook_class = Type(Hook)
        outputs: list = []  # noqa: RUF012  one shell in a process

        def _showtraceback(self, etype, evalue, stb):
            self.outputs.append(new_output("error", ename=etype.__name__, evalue=str(evalue), traceback=stb))

        def enable_gui(self, gui=None):
            pass

    settings = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    return Shell.instance(config=settings)


class _Stream(io.TextIOBase):
    """Standard output or error of a cell, as a notebook output."""

    encoding = "utf-8"

    def __init__(self, outputs: list, name: str):
        self.outputs, self.name = outputs, name

    def write(self, text: str) -> int:
        from nbformat.v4 import new_output

        last = self.outputs[-1] if self.outputs else None
        if last is not None and last.output_type == "stream" and last.name == self.name:
            last.text += text
        elif text:
            self.outputs.append(new_output("stream", name=self.name, text=text))
        return len(text)


def _run(shell, cell) -> bool:
    """Run one cell and keep its outputs; False if it failed."""
    shell.outputs.clear()
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_Stream(shell.outputs, name) for name in ("stdout", "stderr"))
    count = shell.execution_count
    try:
        result = shell.run_cell(cell.source, store_history=True)
    finally:
        sys.stdout, sys.stderr = streams
    cell.execution_count = count
    cell.outputs = list(shell.outputs)
    return result.success
