"""What a report was made from, file by file, so that nothing is made twice and `make why` can say what changed.

Nothing heavy is imported here: whether 400 forces are up to date must be known in a moment.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import cdi_lib
from cdi_lib.inspection.files import file_hash
from cdi_lib.inspection.folders import COMPARISON, DEFAULT, FOLDERS, PROJECT, params_of

COMMIT_VARIABLE = "CDI_COMMIT"
UNCOMMITTED = " with uncommitted changes"
UNKNOWN = "unknown"  # begins what stands in the place of a commit that git does not tell
LIBRARY = Path(cdi_lib.__file__).parents[1]  # the project, or where the library is installed
NAME = "build.json"  # beside each report
DRAFT = "report.docx"  # the copy for the fact check, made from a report and no part of it
SCHEMA_VERSION = 1
# Only the look: with another one the executed notebooks stay and are rendered again.
LOOK = re.compile(r"renderer|reports/[^/]+|_quarto[.]yml|_extensions/.*|cdi_lib/render/.*")
LIBRARY_CODE = "cdi_lib/**/*"
FRONT = (Path("reports", "index.html"), Path("reports", "feed.xml"))  # are built, too
PROJECT_CODE = (
    "notebooks/**/*.ipynb",
    "requirements.lock",
    "params/offence_classes.csv",
    "reports/*",  # the folders in it are what was built, but for the words
    "reports/text/**/*",
    "_quarto.yml",
    "_extensions/cdi/*",  # what set-up makes of these lies in a folder
)


@cache
def code_files() -> dict[str, str]:
    """Everything that all reports are made from: name within the project to SHA-256, and the version of Python."""
    own = _hashes(PROJECT, (path for pattern in PROJECT_CODE for path in PROJECT.glob(pattern)))
    return {"python": platform.python_version()} | own | _hashes(LIBRARY, LIBRARY.glob(LIBRARY_CODE))


@cache
def code_digest() -> str:
    """One SHA-256 over :func:`code_files`: two machines with the same give the same report."""
    return hashlib.sha256(json.dumps(code_files(), sort_keys=True).encode()).hexdigest()


def _hashes(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    """Name within ``root`` to SHA-256, of the files among the paths. What is hidden, compiled or open does not count."""
    found = {path.relative_to(root): path for path in sorted(paths) if path.is_file()}
    is_own = lambda name: name not in FRONT and not any(part[0] in ".~" or part == "__pycache__" for part in name.parts)
    return {name.as_posix(): file_hash(path) for name, path in found.items() if is_own(name)}


@cache
def commit() -> str:
    """The commit of the project, with a mark if its code was changed since.

    Empty outside git, and where the project lies inside another repository, whose commits say nothing about it.
    Where git does not tell the commit (the folder belongs to another user), the text begins with ``UNKNOWN``.
    Parameters and records do not count: the report lists them with their hashes, and records have no place in git.
    """
    told = os.environ.get(COMMIT_VARIABLE)
    if told is not None:  # by the machine that has sent this task
        return told
    if not (PROJECT / ".git").exists():
        return ""
    code = [f":(glob){pattern}" for pattern in (LIBRARY_CODE, *PROJECT_CODE, "params/programmes/*.yml")]
    try:
        if Path(_git("rev-parse", "--show-toplevel")).resolve() != PROJECT:
            return ""
        return _git("rev-parse", "HEAD") + (UNCOMMITTED if _git("status", "--porcelain", "--", *code) else "")
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[0]
        return f"{UNKNOWN} (git: {said.removeprefix('fatal: ').replace(str(PROJECT), PROJECT.name)})"


def _git(*words: str) -> str:
    """What git says about the project; a repository that the environment names, as in a hook, is not asked."""
    own = {key: value for key, value in os.environ.items() if key not in ("GIT_DIR", "GIT_WORK_TREE")}
    own["LC_ALL"] = "C"
    done = subprocess.run(["git", *words], cwd=PROJECT, env=own, capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.strip()


@cache
def engine_files(renderer: str) -> dict[str, str]:
    """The engine that is taken when this one is asked for: the Quarto that is found, without starting it, or Pandoc."""
    beside = str(Path(sys.executable).parent)  # there `quarto-cli` installs its command
    found = "Quarto, which is missing" if renderer == "quarto" else "Pandoc"
    if renderer != "pandoc" and (quarto := shutil.which("quarto", path=beside) or shutil.which("quarto")):
        state = Path(quarto).resolve().stat()
        known_by = hashlib.sha256(f"{quarto} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()
        found = f"Quarto {known_by[:16]}"  # the record is published, and where a program lies here is not
    return {"renderer": found}


def force_paths(force: str, params: Path | None = None) -> tuple[tuple[Path, Iterable[Path]], ...]:
    """The parameters, tables and programmes of one force: the folders that they are named in, and their paths.

    Every file in the folder of the force counts, also one that no notebook reads: a needless build costs less
    than a report that is out of date.
    """
    params = params or params_of(force)
    own = [params / f"{force}.yml", *(params / force).rglob("*")]
    roots = dict.fromkeys((PROJECT / "params", params))  # of the same name the own one is used
    files = [path for root in roots for folder in FOLDERS for path in root.glob(f"{folder}/*.yml")]
    used = _named(own[0], files)
    return (params, own), *((root, [path for path in used if path.parents[1] == root]) for root in roots)


def _named(parameters: Path, programmes: Iterable[Path]) -> list[Path]:
    """The programmes whose names stand in a parameter file, or in one of these programmes; and the default one.

    They are found in the text: it is not parsed here, and one that is only mentioned costs a needless build at most.
    """
    left, used = list(programmes), list[Path]()
    text = DEFAULT + (parameters.read_text(encoding="utf-8", errors="replace") if parameters.is_file() else "")
    while found := [path for path in left if path.stem in text]:
        used += found
        left = [path for path in left if path not in found]
        text = "".join(path.read_text(encoding="utf-8", errors="replace") for path in found)
    return used


def inputs(force: str, params: Path, renderer: str) -> dict[str, str]:
    """Everything that the report of a force depends on: name to SHA-256 (or to a description)."""
    found = {f"params/{name}": hash for part in force_paths(force, params) for name, hash in _hashes(*part).items()}
    return engine_files(renderer) | code_files() | found


def comparison_inputs(reports: Iterable[Path], renderer: str) -> dict[str, str]:
    """Everything that the comparison of forces depends on: name to SHA-256 (or to a description)."""
    results = {f"{folder.name}/results.json": file_hash(folder / "results.json") for folder in reports}
    published = _hashes(PROJECT, (PROJECT / "params").glob("published-*.csv"))
    return engine_files(renderer) | code_files() | results | published


def lists_all(reports: Path) -> bool:
    """Whether the front page of a folder of reports was made after those that are there, and links them and no other."""
    page, results = reports / FRONT[0].name, list(reports.glob("[!.]*/results.json"))
    if not page.is_file() or page.stat().st_mtime < max((path.stat().st_mtime for path in results), default=0):
        return False
    linked = re.findall(r'href="([^"/]+)/index[.]html"', page.read_text(encoding="utf-8"))
    return {*linked, COMPARISON} == {path.parent.name for path in results} | {COMPARISON}


def outputs(folder: Path) -> dict[str, str]:
    """The files of a report, without the record of the build itself: name to SHA-256."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: file_hash(path) for name, path in sorted(found.items()) if name not in (NAME, DRAFT)}


def record(folder: Path, made_from: Mapping[str, str]) -> None:
    """Write what a finished report was made from, and what belongs to it, into its folder."""
    content = {"schema_version": SCHEMA_VERSION, "inputs": dict(made_from), "outputs": outputs(folder)}
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    (folder / NAME).write_text(text, encoding="utf-8", newline="\n")


def reasons(folder: Path, now: Mapping[str, str]) -> tuple[list[str], bool]:
    """Why the report in a folder would have to be made again, one line each, and whether only its look has changed.

    ``now`` is what :func:`inputs` gives. Of another look, the executed notebooks can be rendered again as they are.
    """
    try:
        before = json.loads((folder / NAME).read_text(encoding="utf-8"))
        changed, made = _differences(before["inputs"], now), dict(before["outputs"])
        is_known = before["schema_version"] == SCHEMA_VERSION and made
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        is_known = False
    if not is_known:
        there = folder.is_dir()
        return ["the report has no readable record of its build" if there else "there is no report yet"], False
    damaged = {f"{folder.name}/{name}": what for name, what in _differences(made, outputs(folder)).items()}
    only_look = bool(changed) and not damaged and all(map(LOOK.fullmatch, changed))
    return [f"{name}: {what}" for name, what in (changed | damaged).items()], only_look


def _differences(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Name to what became of it, in alphabetical order."""
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return {n: "new" if n not in before else "removed" if n not in now else "changed" for n in names}
