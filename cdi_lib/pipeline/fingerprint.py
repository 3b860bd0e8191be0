"""What a report was made from, file by file, so that nothing is made twice and `make why` can say what changed.

Only the standard library is imported here: whether 400 forces are up to date must be known in a moment.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import cdi_lib
from cdi_lib.inspection.files import file_hash
from cdi_lib.inspection.folders import PROJECT

COMMIT_VARIABLE = "CDI_COMMIT"
UNCOMMITTED = " with uncommitted changes"
LIBRARY = Path(cdi_lib.__file__).parents[1]  # the project, or where the library is installed
NAME = "build.json"  # beside each report
SCHEMA_VERSION = 1
# Only the look: with another one the executed notebooks stay and are rendered again.
LOOK = ("reports", "cdi_lib/render")
CODE = ("cdi_lib", "notebooks", "requirements.lock", "params/offence_classes.csv", *LOOK)


@cache
def code_files() -> dict[str, str]:
    """Everything that all reports are made from: name within the project to SHA-256."""
    found: dict[str, str] = {}
    for name in CODE:
        around = LIBRARY if name.startswith("cdi_lib") else PROJECT
        path = around / name
        if path.is_file():
            found[name] = file_hash(path)
        elif name == "reports":  # its folders are what was built
            found |= _hashes(sorted(p for p in path.iterdir() if p.is_file() and p.name[0] != "."), name)
        else:
            pattern = "*.ipynb" if name == "notebooks" else "*.py"
            files = sorted(path.rglob(pattern))
            found |= {p.relative_to(around).as_posix(): file_hash(p) for p in files}
    return found


def _hashes(paths: Iterable[Path], name: str) -> dict[str, str]:
    return {f"{name}/{path.name}": file_hash(path) for path in paths}


@cache
def code_digest() -> str:
    """One SHA-256 over :func:`code_files` and the version of Python: two machines with the same give the same report."""
    return _digest(code_files() | {"python": platform.python_version()})


def _digest(content: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def commit() -> str:
    """The commit of the project, with a mark if its code was changed since; empty outside git.

    Parameters and records do not count: the report lists them with their hashes, and records have no place in git.
    """
    if told := os.environ.get(COMMIT_VARIABLE):  # by the machine that has sent this task
        return told
    try:
        code = [*CODE, "params/criteria", ":!reports/*/"]
        run = lambda *words: subprocess.run(
            ["git", "-C", str(PROJECT), *words], capture_output=True, text=True, timeout=20, check=True
        ).stdout.strip()
        return run("rev-parse", "HEAD") + (UNCOMMITTED if run("status", "--porcelain", "--", *code) else "")
    except (OSError, subprocess.SubprocessError):
        return ""


@cache
def engine_files(renderer: str) -> dict[str, str]:
    """The renderer that was asked for and the Quarto that would be found, without starting it."""
    beside = str(Path(sys.executable).parent)  # where `quarto-cli` installs its command
    quarto = (
        "" if renderer == "pandoc" else shutil.which("quarto", path=beside) or shutil.which("quarto") or ""
    )
    found = "none"
    if quarto:
        state = Path(quarto).resolve().stat()
        found = f"{quarto} {state.st_size} {state.st_mtime_ns}"
    return {"renderer": f"{renderer}; Quarto: {found}"}


def force_files(force: str, params: Path) -> dict[str, str]:
    """The parameters, tables and criteria of one force: name to SHA-256.

    Every file in the folder of the force counts, also one that no notebook reads: a needless build costs less
    than a report that is out of date. Hidden files and what a spreadsheet leaves while it is open do not.
    """
    criteria = params / "criteria"
    criteria = criteria if criteria.is_dir() else PROJECT / "params" / "criteria"
    paths = [params / f"{force}.yml", *sorted((params / force).rglob("*"))]
    found = {
        f"params/{path.relative_to(params).as_posix()}": file_hash(path)
        for path in paths
        if path.is_file() and path.name[0] not in ".~"
    }
    return found | _hashes(sorted(criteria.glob("*.yml")), "params/criteria")


def inputs(force: str, params: Path, renderer: str) -> dict[str, str]:
    """Everything that the report of a force depends on: name to SHA-256 (or to a description)."""
    surroundings = {"python": platform.python_version()} | engine_files(renderer)
    return surroundings | code_files() | force_files(force, params)


def comparison_inputs(reports: Iterable[Path], renderer: str) -> dict[str, str]:
    """Everything that the comparison of forces depends on: name to SHA-256 (or to a description)."""
    surroundings = {"python": platform.python_version()} | engine_files(renderer)
    published = "params/published-inspections.csv"
    results = {f"{folder.name}/results.json": file_hash(folder / "results.json") for folder in reports}
    return surroundings | code_files() | results | {published: file_hash(PROJECT / published)}


def outputs(folder: Path) -> dict[str, str]:
    """The files of a report, without the record of the build itself: name to SHA-256."""
    return {
        path.relative_to(folder).as_posix(): file_hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).as_posix() != NAME
    }


def record(folder: Path, made_from: Mapping[str, str]) -> None:
    """Write what a finished report was made from, and what belongs to it, into its folder."""
    content = {"schema_version": SCHEMA_VERSION, "inputs": dict(made_from), "outputs": outputs(folder)}
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    (folder / NAME).write_text(text, encoding="utf-8", newline="\n")


def reasons(folder: Path, now: Mapping[str, str]) -> list[str]:
    """Why a report would have to be made again, one line each; empty if it is up to date.

    Parameters
    ----------
    folder : Path
        The folder of the report, which may not be there.
    now : mapping
        What :func:`inputs` gives now.
    """
    before = _read(folder)
    if before is None:
        there = folder.is_dir()
        return ["the report has no readable record of its build" if there else "there is no report yet"]
    found = _changes(before["inputs"], now)
    missing = outputs(folder)
    found += [f"{folder.name}/{name}: {what}" for name, what in _differences(before["outputs"], missing)]
    return found


def only_look(folder: Path, now: Mapping[str, str]) -> bool:
    """Whether nothing but the look changed, so that the executed notebooks can be rendered again as they are."""
    before = _read(folder)
    if before is None or _differences(before["outputs"], outputs(folder)):
        return False
    names = [name for name, _ in _differences(before["inputs"], now)]
    return bool(names) and all(_is_look(name) for name in names)


def _is_look(name: str) -> bool:
    return name == "renderer" or name.startswith(tuple(f"{folder}/" for folder in LOOK))


def _read(folder: Path) -> dict | None:
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        parts = content["inputs"], content["outputs"]
        is_known = content["schema_version"] == SCHEMA_VERSION and all(
            isinstance(part, dict) for part in parts
        )
        return content if is_known and content["outputs"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [f"{name}: {what}" for name, what in _differences(before, now)]


def _differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str]]:
    words = {(False, True): "new", (True, False): "removed", (True, True): "changed"}
    return [
        (name, words[name in before, name in now])
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
