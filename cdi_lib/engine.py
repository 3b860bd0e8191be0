"""Run a notebook in a process forked from one that has done the imports.

A Jupyter kernel spends most of its time on imports. Here Python's fork server does them once; each notebook then runs
in a process of its own, forked from it, with fresh state at a fraction of the price. Papermill's engine interface is
the hook, so parameters, checks and errors are Papermill's, and the executed notebook is an ordinary one.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable

PRELOAD = ["cdi_lib.engine_preload"]
NAME = "cdi-forked-shell"


def run_forked(function: Callable, *arguments, timeout: float) -> None:
    """Call ``function(*arguments)`` in a fresh process and wait for it.

    Parameters
    ----------
    function : callable
        A function at the top of a module; so are its arguments plain values.
    timeout : float
        Seconds after which the process is ended.

    Raises
    ------
    TimeoutError
        If it took too long.
    RuntimeError
        If the process died, or the function raised; the message is that of the exception.
    """
    context = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(PRELOAD)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(sender, function, arguments), daemon=False)
    process.start()
    sender.close()
    try:
        if not receiver.poll(timeout):
            raise TimeoutError(f"took longer than {timeout:g} seconds")
        try:
            problem = receiver.recv()
        except EOFError:
            process.join()
            problem = f"the process ended unexpectedly (exit status {process.exitcode})"
    finally:
        receiver.close()
        if process.is_alive():
            process.join(5) if sys.exc_info()[0] is None else process.terminate()
        process.join()
    if problem is not None:
        raise RuntimeError(problem)


def _call(sender, function: Callable, arguments: tuple) -> None:
    try:
        function(*arguments)
        sender.send(None)
    except BaseException as error:
        sender.send("".join(traceback.format_exception_only(error)).strip())


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


class _Stream:
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

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


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
