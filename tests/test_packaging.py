"""The four descriptions of the environment agree, and the repository holds what it should and no more. 5 s."""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import cdi_lib
from cdi_lib.pipeline import environment

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RUNTIME = [Requirement(text) for text in PROJECT["dependencies"]]
TEST = [Requirement(text) for text in PROJECT["optional-dependencies"]["test"]]
QUARTO = Requirement(PROJECT["optional-dependencies"]["quarto"][0])
PYTHONS = ("3.11.0", "3.12.0", "3.13.0")

# What conda-forge calls the packages that have another name on the Python package index.
CONDA_NAMES = {"matplotlib": "matplotlib-base", "pandera": "pandera-pandas", "duckdb": "python-duckdb"}

TOP_LEVEL = {
    *("notebooks", "cdi_lib", "params", "reports", "tests", "environment.yml", "Makefile", "README.md"),
    *("pyproject.toml", "requirements.lock", "requirements-test.lock", "LICENCE"),
}


def locked(name: str) -> dict[str, Version]:
    """The version of each package in a lock file; a package that only some systems need counts as well."""
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text("utf-8"), flags=re.MULTILINE)
    return {canonicalize_name(package): Version(version) for package, version in pins}


def conda() -> dict[str, SpecifierSet]:
    """The version range of each package in environment.yml, its pip section included."""
    ranges = {}
    for entry in yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]:
        for text in entry["pip"] if isinstance(entry, dict) else [entry]:
            requirement = Requirement(text)
            ranges[canonicalize_name(requirement.name)] = requirement.specifier
    return ranges


def tracked() -> list[str]:
    """The files of the repository, those not yet committed included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository (an unpacked archive, for example)")
    return [name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]


@pytest.mark.parametrize("requirement", RUNTIME, ids=lambda requirement: requirement.name)
def test_runtime_package_is_in_both_locks(requirement):
    for lock in ("requirements.lock", "requirements-test.lock"):
        assert locked(lock)[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("requirement", TEST, ids=lambda requirement: requirement.name)
def test_test_package_is_in_the_test_lock(requirement):
    assert locked("requirements-test.lock")[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("requirement", RUNTIME + TEST, ids=lambda requirement: requirement.name)
def test_conda_environment_asks_for_the_same_range(requirement):
    name = CONDA_NAMES.get(requirement.name, canonicalize_name(requirement.name))
    assert conda()[name] == requirement.specifier


def test_conda_environment_holds_nothing_else():
    expected = {CONDA_NAMES.get(item.name, canonicalize_name(item.name)) for item in RUNTIME + TEST}
    assert set(conda()) == expected | {"python", "pip", "make", "quarto"}


def test_quarto_is_the_same_everywhere_and_in_no_lock():
    (pin,) = QUARTO.specifier
    assert pin.operator == "=="
    assert Version(pin.version) in conda()["quarto"]
    assert "quarto-cli" not in locked("requirements-test.lock")


def test_python_range_is_the_same_everywhere():
    supported = SpecifierSet(PROJECT["requires-python"])
    assert conda()["python"] == supported
    assert all(version in supported for version in PYTHONS)
    (bounds,) = re.findall(
        r"not (\(3, \d+\)) <= sys.version_info < (\(3, \d+\))", (ROOT / "Makefile").read_text("utf-8")
    )
    assert supported == SpecifierSet(">={}.{},<{}.{}".format(*re.findall(r"\d+", " ".join(bounds))))


def test_test_lock_holds_the_runtime_lock():
    assert locked("requirements.lock").items() <= locked("requirements-test.lock").items()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_every_locked_package_has_a_hash(lock):
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text("utf-8").strip())
    assert len(entries) > len(RUNTIME)
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_version_is_the_same_everywhere():
    assert cdi_lib.__version__ == PROJECT["version"]


def test_no_machine_path_and_no_package_index_in_any_file():
    pattern = re.compile(
        r"(?<![\w.])/(?:work|root|home/[a-z]+|Users/[A-Za-z]+|tmp/\w)|(?:index-url|find-links)\s*[=:]\s*\S+://"
        r"|pypi\.(?:org|python)/simple|files\.pythonhosted"
    )
    found = []
    for name in tracked():
        content = (ROOT / name).read_bytes()
        if b"\0" in content or name == Path(__file__).relative_to(ROOT).as_posix():
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            if match := pattern.search(line):
                found.append(f"{name}:{number}: {match.group()}")
    assert found == []


def test_top_level_holds_what_the_design_names():
    present = {name.partition("/")[0] for name in tracked()}
    assert {name for name in present if not name.startswith(".")} <= TOP_LEVEL


def test_built_reports_are_not_tracked():
    outputs = re.compile(r"reports/[^/]+/(index\.html|report\.pdf|results\.json)")
    assert [name for name in tracked() if outputs.fullmatch(name)] == []


@pytest.fixture
def makefile(tmp_path):
    """A folder whose name has spaces, with the Makefile and an interpreter that only writes down its arguments."""
    if os.name == "nt" or shutil.which("make") is None:
        pytest.skip("needs make")
    folder = tmp_path / "a folder with spaces"
    (folder / ".venv/bin").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    python = folder / ".venv/bin/python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@" -- >> calls\n')
    python.chmod(0o755)
    inherited = ("MAKE", "CONDA", "FORCE", "RENDERER", "JOBS", "AGAINST", "PYTHON")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(inherited)}

    def call(*arguments):
        subprocess.run(["make", *arguments], cwd=folder, env=environ, check=True, capture_output=True)
        *calls, end = (folder / "calls").read_text().split("\n--\n")
        assert end == ""
        return calls[-1].split("\n")

    return call


@pytest.mark.parametrize(
    "value", ["x'; touch trace; '", "$(shell touch trace)", "`touch trace`", '";touch trace;"']
)
def test_value_of_a_variable_is_never_run(makefile, value, tmp_path):
    assert makefile("report", f"FORCE={value}", f"RENDERER={value}") == [
        *("-m", "cdi_lib", "report", f"--force={value}", f"--renderer={value}")
    ]
    assert list(tmp_path.rglob("trace")) == []


def test_variables_that_are_not_given_are_not_passed_on(makefile):
    assert makefile("report") == ["-m", "cdi_lib", "report"]
    assert makefile("reports", "JOBS=2") == ["-m", "cdi_lib", "reports", "--jobs=2"]
    assert makefile("diff", "FORCE=x", "AGAINST=a b.json") == [
        *("-m", "cdi_lib", "diff", "--force=x", "--against=a b.json")
    ]


def test_help_lists_every_command():
    commands = [
        "report",
        "reports",
        "new",
        "sample",
        "check",
        "diff",
        "notebook",
        "test",
        "verify",
        "bench",
        "oracles",
        "clean",
    ]
    if shutil.which("make") is None:
        pytest.skip("needs make")
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(commands) <= set(re.findall(r"^  make (\S+)", shown.stdout, flags=re.MULTILINE))


def test_stamp_covers_what_it_holds_for_the_same_folder_only(tmp_path):
    stamp = tmp_path / "stamp.json"
    everything = {"root": "/a", "locks": {"run": "1", "test": "2"}}
    assert not environment.covers(stamp, everything)
    environment.write_stamp(stamp, everything)
    assert environment.covers(stamp, everything)
    assert environment.covers(stamp, {"root": "/a", "locks": {"run": "1"}})
    assert not environment.covers(stamp, {"root": "/b", "locks": {"run": "1"}})
    assert not environment.covers(stamp, {"root": "/a", "locks": {"run": "changed"}})
    stamp.write_text("{")
    assert not environment.covers(stamp, everything)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: No matching distribution found for x\n(from versions: none)", "index cannot be reached"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "not the one that the lock",
        ),
        ("note\nERROR: Could not install packages due to an OSError: No space left", "No space left"),
    ],
)
def test_failed_installation_says_what_to_do(said, told):
    assert told in environment.what_to_do(said)
    assert "\n" not in environment.what_to_do(said)


def test_time_limit_ends_the_children_too(tmp_path):
    late = tmp_path / "late"
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    child = f"import time; time.sleep(1); open({str(late)!r}, 'w')"
    assert not environment.run_within(0.5, [sys.executable, "-c", code, child], log=tmp_path / "log")
    time.sleep(1.2)
    assert not late.exists()
    assert environment.run_within(30, [sys.executable, "-c", "pass"], log=tmp_path / "log")


def test_program_that_does_not_answer_is_no_quarto(tmp_path):
    assert environment.quarto_version(None) is None
    assert environment.quarto_version(tmp_path / "missing") is None
    if os.name != "nt":
        quarto = tmp_path / "quarto"
        for answer, version in (
            ("echo 1.10.18", (1, 10, 18)),
            ("echo 1.10.18; exit 1", None),
            ("echo none", None),
        ):
            quarto.write_text(f"#!/bin/sh\n{answer}\n")
            quarto.chmod(0o755)
            assert environment.quarto_version(quarto) == version
