"""Prepare the Python environment of the project: ``python -m cdi_lib.pipeline.environment [--test] [--conda]``.

The Makefile calls this before every command, with a Python that has nothing installed yet: standard library
only. A second call finds the stamp of the first and ends at once.

- ``.venv`` in the project folder is made if need be, and filled with the packages of ``requirements.lock``
  (``--test``: of ``requirements-test.lock``, which holds them all), each checked against its hash.
- ``--conda``: the environment of the running interpreter is used instead. It was made from ``environment.yml``
  and pip adds only what it lacks.
- Quarto is tried once, in ``.venv`` only. The report does not depend on it.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PROJECT = ROOT / "pyproject.toml"
LOCKS = {"run": ROOT / "requirements.lock", "test": ROOT / "requirements-test.lock"}
QUARTO_SECONDS = 120
QUARTO_OLDEST = (1, 7)


class SetUpError(Exception):
    """The environment cannot be prepared; the message is one line that says what to do."""


def main() -> int:
    """Prepare the environment; 0 if it is ready, 1 after one line on stderr if not."""
    parser = argparse.ArgumentParser(
        prog="python -m cdi_lib.pipeline.environment", description="Prepare the environment."
    )
    parser.add_argument("--test", action="store_true", help="with the packages that the tests need")
    parser.add_argument("--conda", action="store_true", help="use the environment of this interpreter")
    options = parser.parse_args()
    try:
        with only_one():
            if options.conda:
                prepare_conda(options.test)
            else:
                prepare_venv(options.test)
    except (SetUpError, OSError) as error:
        print(f"Set-up stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Set-up interrupted; the next command continues it.", file=sys.stderr)
        return 130
    return 0


@contextlib.contextmanager
def only_one():
    """Wait while another set-up of this project folder is at work."""
    try:
        import fcntl
    except ImportError:  # Windows: without the lock
        yield
        return
    with open(PROJECT, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed, whatever happens
        yield


def prepare_venv(test: bool) -> None:
    """Make ``.venv`` hold what the lock names."""
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = VENV / "cdi-lib.json"
    unfinished = VENV / "cdi-lib.unfinished"
    wanted = {"root": str(ROOT), "locks": {kind: digest(LOCKS[kind]) for kind in kinds(test)}}
    # Another interpreter than that of .venv runs only where the user named one, or .venv is missing or broken.
    own = Path(sys.prefix).resolve() == VENV.resolve()
    if covers(stamp, wanted) and (own or same_version(python)):
        return

    lock = LOCKS["test" if test else "run"]
    packages = len(re.findall(r"^\S+==", lock.read_text("utf-8"), flags=re.MULTILINE))
    print(
        f"Preparing .venv with Python {sys.version_info.major}.{sys.version_info.minor} and {packages} packages: "
        "up to three minutes, only this once ...",
        flush=True,
    )
    if not same_version(python):
        make_venv()
    again = []
    if unfinished.exists():  # killed half-way: pip would take a package that was cut short for a whole one
        stamp.unlink(missing_ok=True)
        again = ["--force-reinstall"]
    unfinished.touch()
    try:
        pip_install(python, [*again, "--require-hashes", "--requirement", str(lock)], log=VENV / "setup.log")
    except SetUpError:  # pip has taken back what it had begun
        unfinished.unlink()
        raise
    make_importable(python)
    write_stamp(stamp, wanted)
    unfinished.unlink()
    try_quarto(python)


def prepare_conda(test: bool) -> None:
    """Add to the running conda environment what ``pyproject.toml`` asks for and the environment lacks."""
    prefix = Path(sys.prefix)
    stamp = prefix / "cdi-lib.json"
    wanted = {"root": str(ROOT), "locks": {kind: digest(PROJECT) for kind in kinds(test)}}
    if covers(stamp, wanted):
        return
    project = project_table()
    requirements = project["dependencies"] + (project["optional-dependencies"]["test"] if test else [])
    print(f"Checking the conda environment {prefix.name} ...", flush=True)
    pip_install(Path(sys.executable), requirements, log=prefix / "cdi-lib.log")
    make_importable(Path(sys.executable))
    write_stamp(stamp, wanted)


def kinds(test: bool) -> list[str]:
    return ["run", "test"] if test else ["run"]


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def covers(stamp: Path, wanted: dict) -> bool:
    """Whether the stamp says that this, or more, is installed for the project at this place."""
    try:
        done = json.loads(stamp.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return done["root"] == wanted["root"] and wanted["locks"].items() <= done["locks"].items()


def write_stamp(stamp: Path, wanted: dict) -> None:
    new = stamp.with_suffix(".new")
    new.write_text(json.dumps(wanted, indent=1), "utf-8")
    new.replace(stamp)


def same_version(python: Path) -> bool:
    """Whether this interpreter runs, has pip and is of the version of the running one."""
    code = "import sys, pip; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.split() == [str(part) for part in sys.version_info[:2]]


def make_venv() -> None:
    python = sys._base_executable  # not that of .venv itself, which is about to be replaced
    made = subprocess.run(
        [python, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False
    )
    if made.returncode:
        lines = (made.stderr.strip() or made.stdout.strip() or "no message").splitlines()
        raise SetUpError(
            f"{python} cannot make a virtual environment ({lines[-1]}). On Debian and Ubuntu install "
            "python3-venv, or name another Python: make PYTHON=/path/to/python3 ..."
        )


def pip_install(python: Path, arguments: list[str], log: Path) -> None:
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        *arguments,
    ]
    with open(log, "w+", encoding="utf-8", errors="replace") as file:
        status = subprocess.run(
            command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False
        ).returncode
        file.seek(0)
        output = file.read()
    if status:
        raise SetUpError(f"{what_to_do(output)} (All that pip said: {log})")


def what_to_do(output: str) -> str:
    """One line for people from what pip said on failing."""
    if "DO NOT MATCH THE HASHES" in output:
        return (
            "a downloaded package is not the one that the lock names, and was not installed. Check which package "
            "index pip uses here (`pip config list`), then run the same command again."
        )
    if re.search(
        r"from versions: none|ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError", output
    ):
        return (
            "the package index cannot be reached. Check the network, the proxy (HTTPS_PROXY), or name your "
            "organisation's index (PIP_INDEX_URL), then run the same command again."
        )
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    return errors[0] if errors else "pip failed."


def make_importable(python: Path) -> None:
    """Let notebooks import ``cdi_lib`` from whatever folder they are run in."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    (Path(folder) / "cdi_lib_project.pth").write_text(f"{ROOT}\n", "utf-8")


def project_table() -> dict:
    return tomllib.loads(PROJECT.read_text("utf-8"))["project"]


def try_quarto(python: Path) -> None:
    """Install Quarto in ``.venv``, once: its package downloads from GitHub, which closed networks do not allow.

    Nothing else may change (``--no-deps``), and no failure matters: the embedded engine renders as well.
    """
    requirement = project_table()["optional-dependencies"]["quarto"][0]
    version = requirement.partition("==")[2]
    tried = VENV / f"quarto-{version}.tried"
    if tried.exists() or (quarto_version(shutil.which("quarto")) or (0,)) >= QUARTO_OLDEST:
        return
    tried.touch()
    print(f"Trying to install Quarto {version} (optional, at most {QUARTO_SECONDS} seconds) ...", flush=True)
    command = [python, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps", requirement]
    if run_within(QUARTO_SECONDS, command, log=VENV / "quarto.log") and quarto_version(
        python.with_name("quarto")
    ):
        print(f"Quarto {version} is installed.")
    else:
        # what cannot answer must not be found later
        subprocess.run(
            [python, "-m", "pip", "uninstall", "--quiet", "--yes", "quarto-cli"],
            capture_output=True,
            check=False,
        )
        print(f"Quarto {version} could not be installed here; the embedded Pandoc + Typst engine is used.")


def quarto_version(quarto: str | Path | None) -> tuple[int, ...] | None:
    """The version that this program answers with, or None if it is none or does not run."""
    if quarto is None:
        return None
    try:
        answer = subprocess.run(
            [quarto, "--version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode or not re.match(r"\d+\.\d+", answer.stdout):
        return None
    return tuple(int(part) for part in re.findall(r"\d+", answer.stdout))


def run_within(seconds: float, command: list, log: Path) -> bool:
    """Run a command with all its children for so long at most; True if it ended well."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch, open(log, "w") as file:
        # its own process group and folder: nothing of it goes on or is left behind when the time is over
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": scratch, "TEMP": scratch},
            start_new_session=True,
        )
        try:
            return process.wait(timeout=seconds) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            if process.poll() is None:
                if hasattr(os, "killpg"):
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
                process.wait()


if __name__ == "__main__":
    sys.exit(main())
