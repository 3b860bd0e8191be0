"""No reference of a record reaches anything that is published, kept or printed."""

import os
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from complete_force import complete_files, write_files
from forces import copy_project
from planted_force import planted
from test_report import pdf_text

from cdi_lib.inspection.folders import PROJECT
from cdi_lib.pipeline.audit import read_audit


@pytest.fixture(scope="module")
def report():
    return planted()


def contents(path: Path) -> bytes:
    """Everything that a file says: an archive unpacked, a PDF as text and uncompressed."""
    content = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            content += b"".join(archive.read(name) for name in archive.namelist())
    if path.suffix == ".pdf":
        content += pdf_text(path.parent).encode()
        for piece in content.split(b"stream")[1:]:
            try:
                content += zlib.decompressobj().decompress(piece.strip(b"\r\n"))
            except zlib.error:
                continue
    return content


def found_in(folder: Path, markers: tuple[str, ...]) -> list[tuple[str, str]]:
    return [
        (path.relative_to(folder).as_posix(), marker)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for content in [contents(path).lower()]
        for marker in markers
        if marker.lower().encode() in content
    ]


def test_the_markers_are_in_the_records(report):
    marked = dict.fromkeys(marker for _, marker in found_in(report.params, report.markers))
    assert sorted(marked) == sorted(report.markers)
    assert len(report.markers) >= 6


def test_no_reference_reaches_the_report_folder(report):
    names = [path.suffix for path in report.folder.rglob("*")]
    assert {".html", ".pdf", ".json", ".csv", ".ipynb"} <= set(names)
    assert found_in(report.folder.parent, report.markers) == []


def test_no_reference_is_printed(report):
    assert not [marker for marker in report.markers if marker in report.printed]


def test_no_reference_is_in_the_cache_of_the_project(report):
    cache = PROJECT / ".cache"
    assert found_in(cache, report.markers) == [] if cache.is_dir() else True


@pytest.mark.stress
def test_a_notebook_that_fails_keeps_no_reference(report, tmp_path):
    """The error of a cell may quote a row of a table, and what was printed before it; what is kept of them must not."""
    project = copy_project(tmp_path / "project")
    broken = project / "notebooks" / "2_effectiveness.ipynb"
    notebook = nbformat.read(broken, as_version=4)
    notebook.cells[-1].source = "print(records.crimes)\nraise ValueError(dict(records.crimes.iloc[0]))"
    nbformat.write(notebook, broken)
    folders = {"CDI_PARAMS": str(report.params), "CDI_REPORTS": str(tmp_path / "made")}
    command = [sys.executable, "-m", "cdi_lib", "report", "--force=testshire", "--renderer=pandoc"]
    ended = subprocess.run(command, cwd=project, env=os.environ | folders, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "notebook 2_effectiveness" in ended.stderr
    assert "ValueError: the message quotes a record and is left out" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not [marker for marker in report.markers if marker in ended.stdout + ended.stderr]
    assert (tmp_path / "made" / ".failed" / "testshire" / "2_effectiveness.ipynb").is_file()
    assert found_in(tmp_path / "made", report.markers) == []
    assert found_in(project, report.markers) == []


def test_numbers_follow_the_records_without_them(tmp_path):
    """The markers are not missing because the tables are: the counts come from them."""
    params = write_files(tmp_path, complete_files())
    audit = read_audit("testshire", params)
    assert isinstance(audit.records.crimes, pd.DataFrame)
    assert audit.records.crimes["crime_id"].str.startswith("V").any()
