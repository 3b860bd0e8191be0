"""Prepare the Python environment: ``python -I cdi_lib/pipeline/environment.py [--test] [--conda]``.

The Makefile calls this before every command, with a Python that has nothing installed yet: standard library only,
and nothing of ``cdi_lib``. A second call finds the stamp of the first and ends at once.

- The locked uv comes into ``.venv``, and makes it hold what ``requirements.lock`` names (``--test``:
  ``requirements-test.lock``, which holds them all), each file checked against its hash.
- ``--conda``: the environment of the running interpreter, made from ``environment.yml``; pip adds what it lacks.
- Quarto is tried once, in ``.venv`` only. The report does not depend on it.
"""

import contextlib
import hashlib
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
PROGRAMS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON, UV = (PROGRAMS / f"{name}{'.exe' if os.name == 'nt' else ''}" for name in ("python", "uv"))
LOCKS = {kind: ROOT / f"requirements{kind}.lock" for kind in ("", "-test", "-uv")}
MADE = ROOT / "_extensions" / "cdi" / "made" / "head.html"
VERSION = "{}.{}".format(*sys.version_info)
PIP = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
# uv reads no configuration of pip. What both can be told of an index: pip's option, and uv's variables for it.
INDEX = {
    "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find-links": ("UV_FIND_LINKS",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "cert": ("SSL_CERT_FILE",),
    "proxy": ("ALL_PROXY", "HTTPS_PROXY", "https_proxy"),
}
# What pip or uv says on failing, and what to do then.
ADVICE = {
    r"DO NOT MATCH THE HASHES|Hash mismatch": "a package is not the one that the lock names, and was not "
    "installed: check which package index is used here (`pip config list`), then run the same command again.",
    r"versions: none|Connection|Timeout|ProxyError|SSLError|Failed to fetch": "the package index cannot be "
    "reached: check the network, proxy (HTTPS_PROXY) and certificates (SSL_CERT_FILE), or name the index of your "
    "organisation (PIP_INDEX_URL), then run the same command again.",
}
# asked in the way in which the package of Quarto downloads: past the same proxy, with the same certificates
REACH = "import urllib.request as r; r.urlopen(r.Request('https://github.com', method='HEAD'), timeout=3)"


def main(test: bool, conda: bool) -> int:
    """Prepare the environment; 0 if it is ready, or one line on stderr that says what to do."""
    try:
        if not is_ready(test, conda):
            wait_for_others()
            if not is_ready(test, conda):  # one of them may have done it
                prepare(test, conda)
        if not os.path.exists(MADE):  # for Quarto by hand; without it nothing else is missing
            run([sys.executable if conda else PYTHON, "-m", "cdi_lib.render.look"])
    except OSError as error:
        sys.exit(f"Set-up stopped: {error}")
    except KeyboardInterrupt:
        print("Set-up interrupted; the next command continues it.", file=sys.stderr)
        return 130
    return 0


def stamps(test: bool, conda: bool) -> dict[Path, str]:
    """What each stamp holds when all is installed: place, version of Python, hash of what was asked for."""
    sources = {kind: ROOT / "pyproject.toml" if conda else LOCKS[kind] for kind in ["", "-test"][: 1 + test]}
    asked = {kind: hashlib.sha256(source.read_bytes()).hexdigest() for kind, source in sources.items()}
    prefix = Path(sys.prefix) if conda else VENV
    return {prefix / f"cdi-lib{kind}.stamp": f"{ROOT}\n{VERSION}\n{asked[kind]}\n" for kind in asked}


def is_ready(test: bool, conda: bool) -> bool:
    """Whether this, or more, is installed for the project at this place."""
    wanted = stamps(test, conda).items()
    there = conda or os.path.exists(PYTHON)
    return there and all(stamp.is_file() and stamp.read_text("utf-8") == content for stamp, content in wanted)


def wait_for_others() -> None:
    """Take the lock of the project until this process ends; go on where the system has no locks."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        lock = os.open(ROOT / "pyproject.toml", os.O_RDWR)  # a network folder locks only what can be written
        os.set_inheritable(lock, True)  # a uv that outlives a killed set-up holds it as well
        fcntl.flock(lock, fcntl.LOCK_EX)


def prepare(test: bool, conda: bool) -> None:
    """Install, let notebooks import ``cdi_lib`` from whatever folder they are run in, and write the stamps."""
    prefix, python = (Path(sys.prefix), sys.executable) if conda else (VENV, PYTHON)
    if not os.access(place := prefix if prefix.exists() else ROOT, os.W_OK):
        sys.exit(f"Set-up stopped: {place} is not yours: copy the project, or ask its owner for `make setup`.")
    test = test or (prefix / "cdi-lib-test.stamp").exists()  # what the tests need stays
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    more = project["optional-dependencies"]
    if conda:
        print(f"Checking the conda environment {prefix.name} ...", flush=True)
        must(*run([python, *PIP, *project["dependencies"], *(more["test"] if test else [])]))
    else:
        fill_venv(LOCKS["-test" if test else ""])
    _, folder = run([python, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    Path(folder, "cdi_lib_project.pth").write_text(f"{ROOT}\n", "utf-8")
    for stamp, content in stamps(test, conda).items():
        stamp.write_text(content, "utf-8")
    if not conda:
        try_quarto(more["quarto"][0])


def fill_venv(lock: Path) -> None:
    """Make ``.venv`` hold what the lock names, and nothing else but pip and uv."""
    print(f"Preparing .venv with Python {VERSION} and {lock.name}, only this once ...", flush=True)
    code = "import sys, pip; print('{}.{}'.format(*sys.version_info))"
    if run([PYTHON, "-I", "-c", code]) != (True, VERSION):
        base = getattr(sys, "_base_executable", sys.executable)  # not that of .venv, which is about to be replaced
        made, said = run([base, "-m", "venv", "--clear", VENV])
        if not made:
            cause = said.rpartition("\n")[2]
            advice = "on Debian and Ubuntu install python3-venv, or name another: PYTHON=/path/to/python3"
            sys.exit(f"Set-up stopped: {base} makes no virtual environment ({cause}): {advice}")
    environ, flags = index_settings(run([PYTHON, "-m", "pip", "config", "list"])[1], os.environ)
    get_uv(environ, flags)
    for stamp in stamps(True, False):
        stamp.unlink(missing_ok=True)
    unfinished = VENV / "cdi-lib.unfinished"  # killed half-way: packages may have been cut short
    again = ["--reinstall"] if unfinished.exists() else []
    unfinished.touch()
    done, said = run([UV, "pip", "sync", "--python", PYTHON, *flags, *again, lock], environ)
    (VENV / "setup.log").write_text(said, "utf-8")
    if done or "Failed to install" not in said:  # or nothing was touched
        unfinished.unlink()
    must(done, said)


def index_settings(listed: str, given) -> tuple[dict[str, str], list[str]]:
    """Environment and flags for pip and uv to use the index that either is configured for (``pip config list``)."""
    # whichever of several indexes a file comes from: its hash is checked
    environ, flags = dict(given), ["--require-hashes", "--index-strategy=unsafe-best-match"]
    pip: dict[str, str] = {}
    for section in ("global", "install", ":env:"):  # the later one counts
        pip |= dict(re.findall(rf"^{section}\.(\S+?)='(.*)'$", listed, flags=re.MULTILINE))
    for name, variables in INDEX.items():
        of_pip = pip.get(name, "").replace("\\n", " ").split()
        of_uv = [text for text in map(given.get, variables) if text]
        if of_pip and not of_uv:
            environ[variables[0]] = ("," if name == "find-links" else " ").join(of_pip)
        elif of_uv and not of_pip:  # uv gives names to indexes, and puts commas between places
            variable = "PIP_" + name.upper().replace("-", "_")
            environ[variable] = re.sub(r"(?<!\S)[\w-]+=(?=\w+:)", "", of_uv[0].replace(",", " "))
    return environ, flags + ["--no-index"] * (pip.get("no-index", "").lower() in ("1", "true", "yes", "on"))


def get_uv(environ: dict[str, str], flags: list[str]) -> None:
    """Have the locked uv in ``.venv``, from another uv of this machine or else from pip, and a cache for it."""
    [version] = re.findall(r"^uv==(\S+)", LOCKS["-uv"].read_text("utf-8"), flags=re.MULTILINE)
    if f"uv {version} " not in run([UV, "--version"])[1] + " ":
        what = ["--force-reinstall", "--no-deps", "--only-binary=:all:", "-r", LOCKS["-uv"]]
        other = shutil.which("uv")
        if not other or not run([other, "pip", "install", "--python", PYTHON, *flags, *what], environ)[0]:
            must(*run([PYTHON, *PIP, "--require-hashes", *what], environ))
    cache = run([UV, "cache", "dir"], environ)[1]
    with contextlib.suppress(OSError):
        os.makedirs(cache, exist_ok=True)
    if not os.access(cache, os.W_OK):
        environ["UV_CACHE_DIR"] = str(ROOT / ".cache" / "uv")


def try_quarto(requirement: str) -> None:
    """Install Quarto in ``.venv``: its package downloads from GitHub, which closed networks do not allow.

    Nothing else may change (``--no-deps``), and no failure matters: the embedded engine renders as well.
    """
    failed = VENV / f"{requirement}.failed"
    if failed.exists() or shutil.which("quarto") or (PROGRAMS / "quarto").exists():
        return
    failed.touch()
    print("Trying to install Quarto (optional, at most two minutes) ...", flush=True)
    install = [PYTHON, *PIP, "--no-deps", requirement]
    if run([PYTHON, "-c", REACH], seconds=4)[0] and run(install, seconds=120)[0]:
        failed.unlink()
    else:
        print("Quarto could not be installed here; the embedded Pandoc + Typst engine is used.")


def must(done: bool, said: str) -> None:
    """End with one line for people if pip or uv failed."""
    if not done:
        causes = re.findall(r"^ *(?:ERROR|error|cause): *(.*)", said, flags=re.MULTILINE)
        known = (advice for pattern, advice in ADVICE.items() if re.search(pattern, said))
        why = next(known, causes[-1] if causes else "the packages could not be installed.")
        sys.exit(f"Set-up stopped: {why}")


def run(command: list, environ=None, seconds: float | None = None) -> tuple[bool, str]:
    """Run a command and all that it starts, so long at most: whether it ended well, and what it said."""
    done = False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as own, open(f"{own}/said", "w+b") as said:
        # its own process group and folder: nothing of it goes on or is left behind after a limit or Ctrl-C
        environ = {**(environ or os.environ), "TMPDIR": own, "TEMP": own}
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            streams: dict = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
            process = subprocess.Popen(command, env=environ, **streams, start_new_session=True, close_fds=False)
            try:
                done = process.wait(timeout=seconds) == 0
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
                    process.wait()
        said.seek(0)
        return done, said.read().decode("utf-8", "replace").strip()


if __name__ == "__main__":
    for ended in {"SIGTERM", "SIGHUP"} & set(dir(signal)):  # as by Ctrl-C: what was begun ends too
        signal.signal(getattr(signal, ended), signal.default_int_handler)
    sys.exit(main("--test" in sys.argv, "--conda" in sys.argv))
