"""What takes too long for `make test`: 50 kills at random moments, a disk that is full, long fuzzing. `make stress`."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from auditors import MAPPED, fill_in, frame
from docx import Document
from forces import parameters, write_force
from test_runner import kill_builds

from cdi_lib.inspection.files import file_hash
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


FINDING = "The force records rape well."
PLAN = {"seed": 7, "expected_rate_percent": 90, "margin_points": 5, "frame": MAPPED, "reserves": 4}
PLAN |= {"incidents": {"violence": 14, "sexual": 8, "other": 8}}
# Every command that writes, in the order of an inspection; before some, what people do
COMMANDS = {
    "new": ("new", "--force=fresh"),
    "sample": ("sample", "--force=testshire"),
    "recheck": ("sample", "--force=testshire", "--recheck=5"),
    "replace": ("sample", "--force=testshire", "--replace"),
    "collect": ("collect", "--force=testshire"),
    "check": ("check", "--force=testshire"),
    "report": ("report", "--force=testshire", "--renderer=pandoc"),
    "reports": ("reports", "--renderer=pandoc", "--again", "--jobs=1"),
    "draft": ("draft", "--force=testshire"),
    "accept": ("accept", "--force=testshire", "--copy=copy.docx"),
    "programme": ("programme", "--force=exampleshire", "--renderer=pandoc"),
}


def prepare(folder, step):
    """What people do before a command."""
    own = folder / "params" / "testshire"
    if step == "new":
        asked = parameters(sampling=PLAN, findings={"rape": [FINDING]})
        write_force(folder / "params", "testshire", asked, {"survey": pd.DataFrame(columns=["statement", "answer"])})
        (own / "survey.csv").unlink()
        table = frame(400)
        table["Log No"] = table["Log No"].str[1:7]
        table.to_excel(own / "frame.xlsx", index=False)  # which is copied to be read
        shutil.copytree(PROJECT / "params" / "exampleshire", folder / "params" / "exampleshire")
        (folder / "reports").mkdir()
    if step == "replace":
        (folder / "params" / "fresh.yml").unlink()  # empty as it is, no report can be made from it
        shutil.rmtree(folder / "params" / "fresh")
        fill_in(own / "sample" / "worksheet.xlsx", own / "returned" / "one.xlsx", not_audited={3})
    if step == "collect":
        [sheet] = (own / "sample").glob("worksheet-reserves-*.xlsx")
        fill_in(sheet, own / "returned" / "two.xlsx")
    if step == "accept":
        word = Document(str(folder / "reports" / "testshire" / "report.docx"))
        run = next(p for p in word.paragraphs if FINDING[:-1] in p.text).runs[0]
        run.text = run.text.replace("well", "always")
        word.save(folder / "copy.docx")


def contents(folder):
    """The files of a folder by name, with their SHA-256, or that of what is in them where they say when they were made."""

    def whole(path):
        if path.suffix not in (".xlsx", ".docx") or not zipfile.is_zipfile(path):
            return file_hash(path)
        with zipfile.ZipFile(path) as archive:
            return str(
                sorted((part.filename, part.CRC) for part in archive.infolist() if "core.xml" not in part.filename)
            )

    return {
        path.relative_to(folder).as_posix(): whole(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and "-building-" not in path.as_posix()
    }


def hidden(folder):
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.name.startswith((".", "cdi-", "pymp-"))
    ]


def test_kills_of_every_command(tmp_path):
    """What a command that is killed leaves is as it was before or as it is to be; the next run finishes and sweeps."""
    times = -(-int(os.environ.get("CDI_KILLS", "50")) // len(COMMANDS))
    delays, start = random.Random(7), tmp_path / "start"
    scratch = Path(tempfile.mkdtemp(prefix="k"))  # of a short name
    killed, torn = 0, []
    for step, command in COMMANDS.items():
        prepare(start, step)
        run = [
            sys.executable,
            "-m",
            "cdi_lib",
            *(part.replace("copy.docx", str(start / "copy.docx")) for part in command),
            "--quiet",
        ]

        def environ(folder):
            own = {PARAMS_VARIABLE: str(folder / "params"), REPORTS_VARIABLE: str(folder / "reports")}
            return os.environ | own | {"TMPDIR": str(scratch)}

        end = shutil.copytree(start, tmp_path / f"{step}-end")
        began = time.monotonic()
        subprocess.run(run, cwd=PROJECT, env=environ(end), check=True)
        took, before, after = time.monotonic() - began, contents(start), contents(end)
        assert before != after, step
        assert hidden(end) + hidden(scratch) == [], step
        work = shutil.copytree(start, tmp_path / f"{step}-work")
        for _ in range(times):
            process = subprocess.Popen(
                run, cwd=PROJECT, env=environ(work), start_new_session=True, stderr=subprocess.DEVNULL
            )
            time.sleep(delays.uniform(0.25, 1.05) * took)
            killed += process.poll() is None
            process.kill()
            process.wait()
            found = contents(work)
            torn += [
                f"{step}: {name}"
                for name, content in found.items()
                if content not in (before.get(name), after.get(name))
            ]
            if found == after:
                shutil.rmtree(work)
                shutil.copytree(start, work)
        time.sleep(1)
        subprocess.run(run, cwd=PROJECT, env=environ(work), check=False)
        assert contents(work) == after, step
        assert hidden(work) + hidden(scratch) == [], step
        shutil.rmtree(start)
        shutil.rmtree(work)
        start = end
    print(f"{killed} kills of {len(COMMANDS)} commands, {len(torn)} torn")
    assert torn == []


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
