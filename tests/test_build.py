"""Running notebooks: fresh processes, failures that are told and lose nothing, publishing in one step."""

import multiprocessing
import os
import subprocess
import sys

import nbformat
import pytest
from forces import copy_project, write_force
from nbclient import NotebookClient

from cdi_lib.pipeline import engine, notebooks, processes, publish

CELLS = [
    "import sys\nprint('one')\nprint('two')\nprint('three', file=sys.stderr)",
    "from IPython.display import display\ndisplay({'text/markdown': '**x**'}, raw=True)\nprint('after')",
    "value = 41\nvalue + 1",
    "value += 1;",
    "%%capture captured\nprint('hidden')",
    "captured.stdout",
]


def notebook_of(cells, path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
    return notebook


def run_here(source, output):
    import papermill

    papermill.execute_notebook(str(source), str(output), engine_name=engine.NAME, progress_bar=False)


def outputs_of(notebook):
    """Outputs without ids; a kernel may send one stream in pieces."""
    found = []
    for cell in notebook.cells:
        merged = []
        for item in cell.outputs:
            item = {key: value for key, value in item.items() if key != "execution_count" and key != "metadata"}
            if merged and item["output_type"] == "stream" and merged[-1].get("name") == item["name"]:
                merged[-1]["text"] += item["text"]
            else:
                merged.append(item)
        found.append(merged)
    return found


def test_the_forked_shell_gives_what_a_kernel_gives(tmp_path):
    notebook = notebook_of(CELLS, tmp_path / "in.ipynb")
    processes.run_forked(run_here, tmp_path / "in.ipynb", tmp_path / "out.ipynb", timeout=120)
    forked = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    NotebookClient(notebook, kernel_name="python3").execute()
    assert outputs_of(forked) == outputs_of(notebook)
    assert [cell.execution_count for cell in forked.cells] == [cell.execution_count for cell in notebook.cells]


def test_every_notebook_has_a_fresh_namespace(tmp_path):
    notebook_of(["leftover = 1"], tmp_path / "first.ipynb")
    notebook_of(["'leftover' in globals()"], tmp_path / "second.ipynb")
    for name in ("first", "second"):
        processes.run_forked(run_here, tmp_path / f"{name}.ipynb", tmp_path / f"{name}-out.ipynb", timeout=120)
    second = nbformat.read(tmp_path / "second-out.ipynb", as_version=4)
    assert second.cells[0].outputs[0]["data"]["text/plain"] == "False"


def sleep_long():
    import time

    time.sleep(60)


def die():
    import os

    os._exit(3)


def test_a_process_that_hangs_or_dies_is_reported():
    with pytest.raises(TimeoutError, match="longer than"):
        processes.run_forked(sleep_long, timeout=0.5)
    with pytest.raises(RuntimeError, match="exit status 3"):
        processes.run_forked(die, timeout=60)


def full_disk():
    raise OSError(28, "No space left on device", "tables")


def write_late(path):
    import time

    time.sleep(1)
    path.touch()


def test_a_process_beside_the_block_fails_as_itself_and_ends_with_the_block(tmp_path):
    with pytest.raises(OSError, match="No space left on device: 'tables'"), processes.beside(full_disk, timeout=60):
        pass
    with pytest.raises(RuntimeError, match="exit status 3"), processes.beside(die, timeout=60):
        pass
    with processes.beside(write_late, tmp_path / "whole", timeout=60):
        assert not (tmp_path / "whole").exists()
    assert (tmp_path / "whole").exists()
    with pytest.raises(KeyError), processes.beside(write_late, tmp_path / "never", timeout=60):
        raise KeyError
    assert not (tmp_path / "never").exists()


def test_a_build_whose_command_was_killed_keeps_no_failed_notebooks(tmp_path, monkeypatch):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "1_sample.ipynb").touch()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    monkeypatch.setattr(processes, "_to_parent", sender)
    publish.keep_failed(tmp_path / "made", "ashford", tmp_path)
    assert (tmp_path / publish.FAILED / "ashford" / "1_sample.ipynb").is_file()
    publish.forget_failed("ashford", tmp_path)
    receiver.close()
    publish.keep_failed(tmp_path / "made", "ashford", tmp_path)
    assert not (tmp_path / publish.FAILED).exists()


@pytest.mark.stress
def test_a_failing_notebook_is_named_and_the_last_report_stays(tmp_path):
    """In a copy of the project whose second notebook fails: its command, to the end."""
    project = copy_project(tmp_path / "project")
    write_force(tmp_path / "params", "testshire")
    path = project / "notebooks" / "2_effectiveness.ipynb"
    broken = notebook_of(['force = ""', "1 / 0"], path)
    broken.cells[0].metadata["tags"] = ["parameters"]  # Papermill puts a cell after it
    nbformat.write(broken, path)
    kept = tmp_path / "reports" / "testshire" / "index.html"
    kept.parent.mkdir(parents=True)
    kept.write_text("the last good report")
    ended = subprocess.run(
        [sys.executable, "-m", "cdi_lib", "report", "--force=testshire", "--renderer=pandoc"],
        cwd=project,
        env=os.environ | {"CDI_PARAMS": str(tmp_path / "params"), "CDI_REPORTS": str(tmp_path / "reports")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    told = "error: testshire: notebook 2_effectiveness: cell 3: ZeroDivisionError: division by zero\n"
    assert ended.stderr.startswith(told)
    failed = tmp_path / "reports" / ".failed" / "testshire"
    assert os.path.relpath(failed, project) in ended.stderr
    assert sorted(path.name for path in failed.iterdir()) == ["1_sample.ipynb", "2_effectiveness.ipynb"]
    assert kept.read_text() == "the last good report"
    assert sorted(path.name for path in kept.parent.parent.iterdir()) == [".failed", "testshire"]


@pytest.mark.parametrize("atomic", [True, False])
def test_publishing_replaces_the_whole_folder(tmp_path, monkeypatch, atomic):
    if not atomic:
        monkeypatch.setattr(publish, "_exchange", lambda first, second: False)
    old, new = tmp_path / "force", tmp_path / ".force-building-1-x"
    for folder, text in ((old, "old"), (new, "new")):
        folder.mkdir()
        (folder / "index.html").write_text(text)
    (old / "left over").write_text("x")
    publish.publish(new, old)
    assert [path.name for path in old.iterdir()] == ["index.html"]
    assert (old / "index.html").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["force"]


def test_a_notebook_that_a_full_disk_cuts_short_is_removed_and_the_disk_is_named(tmp_path, monkeypatch):
    def cut_short(source, output, **options):
        (tmp_path / "half.ipynb").write_text('{\n "cells": [')
        raise OSError(28, "No space left on device", output)

    monkeypatch.setattr("papermill.execute_notebook", cut_short)
    with pytest.raises(OSError, match="No space left on device"):
        notebooks._execute("1_sample", tmp_path / "half.ipynb", {}, {}, None)
    assert not (tmp_path / "half.ipynb").exists()
    assert notebooks._failed_cell(tmp_path / "half.ipynb", None) is None


def test_a_notebook_that_was_edited_by_hand_is_left_and_told(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    notebook_of(['force = "northamptonshire"'], tmp_path / "notebooks" / "1_sample.ipynb")
    monkeypatch.setattr(notebooks, "PROJECT", tmp_path)
    folder, left = notebooks.folder_for("testshire")
    own = folder / "1_sample.ipynb"
    made = own.read_text()
    assert 'force = \\"testshire\\"' in made and left == []
    run = nbformat.reads(made, 4)
    run.cells[0].outputs = [nbformat.v4.new_output("stream", text="2")]
    nbformat.write(run, own)
    assert notebooks.folder_for("testshire")[1] == []
    own.write_text(made.replace("testshire", "testshire # mine"))
    assert notebooks.folder_for("testshire")[1] == [own] and "# mine" in own.read_text()
    own.write_text("<<<<<<< cut short")
    assert notebooks.folder_for("testshire")[1] == [own]
