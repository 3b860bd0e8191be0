"""What stands around a build: streams, locales, settings and folders of users. No setting changes a report or is a traceback."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from forces import write_force

from cdi_lib.inspection.folders import PROJECT


@pytest.fixture
def run(tmp_path):
    """Run a command on a small force with some variables; a variable of None is taken away."""
    params = write_force(tmp_path / "params", "testshire")
    own = {"CDI_PARAMS": str(params), "CDI_REPORTS": str(tmp_path / "reports")}

    def call(*arguments, stdout=subprocess.PIPE, **variables):
        environ = {key: value for key, value in (os.environ | own | variables).items() if value is not None}
        command = [sys.executable, "-m", "cdi_lib", *arguments]
        return subprocess.run(
            command, cwd=PROJECT, env=environ, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
        )

    return call


def test_a_letter_that_a_console_has_not_is_replaced(run):
    done = run("check", "--force=testshire–x", PYTHONIOENCODING="ascii")
    assert done.returncode == 1 and "\\u2013x" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("options", [["--json"], []])
def test_a_full_output_is_told(run, options):
    with open("/dev/full", "w") as full:
        done = run("why", "--force=testshire", *options, stdout=full)
    assert done.returncode == 1 and "No space left" in done.stderr and "Traceback" not in done.stderr


def test_a_folder_of_a_long_name_is_named(run, tmp_path):
    folder = tmp_path / ("x" * 86)
    folder.mkdir()
    done = run("why", "--force=testshire", TMPDIR=str(folder))
    assert done.returncode == 1 and "TMPDIR: got" in done.stderr and "TMPDIR=/tmp" in done.stderr


def test_what_is_temporary_goes_with_the_command_and_what_was_killed_is_swept(run, tmp_path):
    """A frame that is no plain CSV is copied to be read, so these folders may name records."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    with tempfile.TemporaryDirectory(prefix="t") as scratch:  # of a short name
        for name in (f"cdi-{done.pid}-abcdefgh", f"cdi-{os.getpid()}-abcdefgh", "cdi-executed-abcdefgh"):
            Path(scratch, name, "pymp-x").mkdir(parents=True)
        for name in ("params", "reports", "params/testshire"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f".made.{done.pid}.tmp").touch()
        run("why", "--force=testshire", TMPDIR=scratch)
        assert sorted(os.listdir(scratch)) == [f"cdi-{os.getpid()}-abcdefgh", "cdi-executed-abcdefgh"]
    assert [path for path in tmp_path.rglob(f".made.{done.pid}.tmp")] == []


UNIX = "import os, signal, sys\nsys.modules['fcntl'] = None\nfor name in ('fork', 'killpg', 'geteuid', 'setsid'):\n    delattr(os, name)\ndel signal.SIGKILL, signal.pthread_sigmask, signal.SIGHUP\n"


@pytest.mark.stress
def test_a_report_needs_nothing_that_windows_has_not(run, tmp_path):
    """As far as it can be seen here: without locks, forks, groups of processes and the signals of Unix."""
    (tmp_path / "sitecustomize.py").write_text(UNIX)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory(prefix="t") as scratch:
        done = run("report", "--force=testshire", "--renderer=pandoc", TMPDIR=scratch, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reports" / "testshire" / "report.pdf").is_file()


@pytest.mark.stress
def test_a_report_does_not_depend_on_the_users_surroundings(run, tmp_path):
    def built(**variables):
        done = run("report", "--force=testshire", "--renderer=pandoc", "--again", **variables)
        assert done.returncode == 0 and "Warning" not in done.stderr, done.stderr
        return (tmp_path / "reports" / "testshire" / "index.html").read_bytes()

    plain = built()
    (tmp_path / "matplotlibrc").write_text("axes.facecolor: black\ntext.usetex: True\n")
    unusual = {"PYTHONWARNINGS": "default", "LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "tr", "MATPLOTLIBRC": str(tmp_path)}
    assert built(**unusual, PYTHONSAFEPATH="1", HOME="/nowhere", TZ="Asia/Kathmandu") == plain


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only the superuser can be somebody without a name")
def test_a_user_without_an_entry_has_a_home():
    code = "import os, psutil, pwd\nfrom pathlib import Path\nfrom cdi_lib.pipeline.surroundings import settle\n"
    code += "os.setuid(54321); os.environ.pop('HOME', None); settle(); print(Path.home().name)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.stdout == "home\n", done.stderr
