"""The Papermill engine that runs the cells of a notebook in this process's own IPython shell, without a kernel.

Parameters, checks and errors are Papermill's, and the executed notebook is an ordinary one. The process is a fresh
one for each notebook (:mod:`cdi_lib.pipeline.processes`).
"""

import contextlib
import io
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_output
from papermill.engines import Engine, papermill_engines
from traitlets import Type
from traitlets.config import Config

NAME = "cdi-forked-shell"
SETTINGS = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})


class _Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, **kwargs):
        self.shell.outputs.append(new_output("display_data", data=data, metadata=metadata or {}))


class _Hook(DisplayHook):
    def write_output_prompt(self):
        pass

    def finish_displayhook(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        count, metadata = self.shell.execution_count, md_dict or {}
        result = new_output("execute_result", data=format_dict, metadata=metadata, execution_count=count)
        self.shell.outputs.append(result)


class _Shell(InteractiveShell):
    """An IPython shell whose displays, results and errors become notebook outputs."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)
    outputs: list = []  # noqa: RUF012  one shell in a process

    def _showtraceback(self, etype, evalue, stb):
        self.outputs.append(new_output("error", ename=etype.__name__, evalue=str(evalue), traceback=stb))

    def enable_gui(self, gui=None):
        pass


class _Stream(io.TextIOBase):
    """Standard output or error of a cell, as a notebook output."""

    encoding = "utf-8"

    def __init__(self, outputs: list, name: str):
        self.outputs, self.name = outputs, name

    def write(self, text: str) -> int:
        last = self.outputs[-1] if self.outputs else None
        if last is not None and last.output_type == "stream" and last.name == self.name:
            last.text += text
        elif text:
            self.outputs.append(new_output("stream", name=self.name, text=text))
        return len(text)


class ForkedShell(Engine):
    """Papermill engine that runs cells in the shell of this process."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, **kwargs):
        shell = _Shell.instance(config=SETTINGS)
        for index, cell in enumerate(nb_man.nb.cells):
            nb_man.cell_start(cell, index)
            try:
                if cell.cell_type == "code" and cell.source.strip() and not _run(shell, cell):
                    nb_man.cell_exception(cell, cell_index=index)
                    break
            finally:
                nb_man.cell_complete(cell, cell_index=index)


def _run(shell: _Shell, cell: Any) -> bool:
    """Run one cell and keep its outputs; False if it failed."""
    shell.outputs.clear()
    cell.execution_count = shell.execution_count
    out, err = (_Stream(shell.outputs, name) for name in ("stdout", "stderr"))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        result = shell.run_cell(cell.source, store_history=True)
    error = result.error_before_exec or result.error_in_exec
    if error and not any(output.output_type == "error" for output in shell.outputs):  # IPython could not format it
        shell._showtraceback(type(error), error, [f"{type(error).__name__}: {error}"])
    cell.outputs = list(shell.outputs)
    return result.success


papermill_engines.register(NAME, ForkedShell)
