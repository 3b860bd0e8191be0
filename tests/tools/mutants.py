"""How many small changes to the library the tests notice: ``python -m tests.tools.mutants [statistics/intervals ...]``.

mutmut changes what functions do, one expression at a time, in a copy of the project in ``.cache/mutants``. Constants
of a module it leaves alone, and thresholds live there: those are changed here, one after the other. Ends with the
score (changes noticed out of all that were made) and with the changes that no test notices. Takes hours for
``statistics`` and ``inspection`` together; without a name, both.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / ".cache" / "mutants"
FOLDERS = ("cdi_lib", "tests", "params", "notebooks", "reports")
# These build or open whole reports, a minute each: their figures are held by the quicker ones as well.
SLOW = re.compile(r"\b(built|executed|playwright|subprocess|repeat_draw)\b")


def main(names: list[str]) -> int:
    files = [file for name in names or ["statistics", "inspection"] for file in modules(name)]
    if not files:
        print(f"no module of that name in cdi_lib: {' '.join(names)}", file=sys.stderr)
        return 1
    tests = [test for test in sorted((ROOT / "tests").glob("test_*.py")) if is_quick(test, files)]
    copy_project(files, tests)
    subprocess.run([sys.executable, "-m", "mutmut", "run"], cwd=COPY, check=False)
    survived = subprocess.run(
        [sys.executable, "-m", "mutmut", "results"], cwd=COPY, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    survived = [line.strip() for line in survived if line.endswith((": survived", ": no tests"))]
    subprocess.run([sys.executable, "-m", "mutmut", "export-cicd-stats"], cwd=COPY, check=True, capture_output=True)
    stats = json.loads((COPY / "mutants/mutmut-cicd-stats.json").read_text("utf-8"))
    noticed, made = stats["killed"] + stats["timeout"] + stats["segfault"], stats["total"] - stats["skipped"]
    for file in files:
        for change, is_noticed in changed_constants(file, tests):
            made, noticed = made + 1, noticed + is_noticed
            survived += [] if is_noticed else [f"{file}: {change}"]
    print(*survived, f"score: {noticed} of {made} changes noticed, {noticed / made:.1%}", sep="\n")
    return 0


def modules(name: str) -> list[Path]:
    """The modules of a package, or one module, as paths in the project."""
    place = ROOT / "cdi_lib" / name
    found = sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    return [path.relative_to(ROOT) for path in found if path.is_file() and path.name != "__init__.py"]


def is_quick(test: Path, files: list[Path]) -> bool:
    text = test.read_text("utf-8")
    return not SLOW.search(text) and any(f"cdi_lib.{file.parent.name}" in text for file in files)


def copy_project(files: list[Path], tests: list[Path]) -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    built = [path.parent.name for path in (ROOT / "reports").glob("*/build.json")]
    for folder in FOLDERS:
        unwanted = shutil.ignore_patterns("__pycache__", "node_modules", *(built if folder == "reports" else ()))
        shutil.copytree(ROOT / folder, COPY / folder, ignore=unwanted)
    settings = {
        "source_paths": ["cdi_lib"],
        "only_mutate": [str(file) for file in files],
        "also_copy": [*FOLDERS, "pyproject.toml"],
        "pytest_add_cli_args_test_selection": [f"tests/{test.name}" for test in tests],
        "pytest_add_cli_args": ["-p", "no:nbval", "-m", "not slow", "-p", "no:cacheprovider"],
    }
    own = "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    (COPY / "pyproject.toml").write_text(f"{project}\n[tool.mutmut]\n{own}\n", "utf-8")


def changed_constants(file: Path, tests: list[Path]):
    """Each number among a module's constants, a tenth larger: what was changed, and whether a test noticed."""
    source = (ROOT / file).read_text("utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:nbval", "-p", "no:cacheprovider", "-m", "not slow"]
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        for number in ast.walk(statement.value):
            if not isinstance(number, ast.Constant) or type(number.value) not in (int, float):
                continue
            lines = source.split("\n")
            line = lines[number.lineno - 1].encode()
            other = number.value * 1.1 if isinstance(number.value, float) else number.value + 1
            lines[number.lineno - 1] = (
                line[: number.col_offset] + str(other).encode() + line[number.end_col_offset :]
            ).decode()
            (COPY / file).write_text("\n".join(lines), "utf-8")
            selection = [f"tests/{test.name}" for test in tests]
            ended = subprocess.run([*command, *selection], cwd=COPY, capture_output=True, check=False).returncode
            yield f"line {number.lineno}: {number.value} -> {other}", ended != 0
    (COPY / file).write_text(source, "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
