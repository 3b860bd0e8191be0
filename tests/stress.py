"""What takes too long for `make test`: 50 kills at random moments, a disk that is full, long fuzzing. `make stress`."""

import os
import subprocess
import sys

import pytest
from forces import write_force
from test_runner import kill_builds

from cdi_lib.inspection.folders import PARAMS_VARIABLE, PROJECT, REPORTS_VARIABLE
from cdi_lib.pipeline import fingerprint, runner

pytestmark = pytest.mark.stress


def built(folder, monkeypatch):
    write_force(folder / "params", "ashford")
    monkeypatch.setenv(PARAMS_VARIABLE, str(folder / "params"))
    monkeypatch.setenv(REPORTS_VARIABLE, str(folder / "reports"))
    [outcome] = runner.build_all(["ashford"], renderer="pandoc")
    assert outcome.status == "built", outcome
    return folder


def test_fifty_kills(tmp_path, monkeypatch):
    kill_builds(built(tmp_path, monkeypatch), times=int(os.environ.get("CDI_KILLS", "50")))


def test_a_full_disk(tmp_path, monkeypatch):
    """A small file system that fills up at another moment each time; the report on it stays whole."""
    (tmp_path / "reports").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(tmp_path / "reports")]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here; it needs the rights of the superuser")
    try:
        folder = built(tmp_path, monkeypatch)
        report = folder / "reports" / "ashford"
        before = fingerprint.outputs(report)
        for free in (3000, 800, 300, 100, 0):  # kilobytes
            space = os.statvfs(folder / "reports")
            filler = folder / "reports" / "filler"
            filler.write_bytes(b"x" * max(space.f_bavail * space.f_frsize - free * 1024, 0))
            [outcome] = runner.build_all(["ashford"], renderer="pandoc", again=True)
            if outcome.status == "failed":
                assert "space" in outcome.message, outcome
            assert fingerprint.outputs(report) == before
            filler.unlink()
        assert outcome.status == "failed"  # at least with nothing free
        [outcome] = runner.build_all(["ashford"], renderer="pandoc", again=True)
        assert outcome.status == "built"
        assert [path.name for path in (folder / "reports").iterdir()] == ["ashford"]
    finally:
        subprocess.run(["umount", str(tmp_path / "reports")], check=True)


def test_long_fuzz():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_fuzz.py"]
    long = {"CDI_FUZZ": os.environ.get("CDI_FUZZ", "200")}
    assert subprocess.call(command, cwd=PROJECT, env=os.environ | long) == 0


def test_five_hundred_damages():
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "tests/test_damage.py"]
    many = {"CDI_DAMAGES": os.environ.get("CDI_DAMAGES", "500")}
    assert subprocess.call(command, cwd=PROJECT, env=os.environ | many) == 0
