"""The four descriptions of the environment agree, and the repository holds what it should and no more. 5 s."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import zipfile
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
DOCUMENT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = DOCUMENT["project"]
RUNTIME = [Requirement(text) for text in PROJECT["dependencies"]]
TEST = [Requirement(text) for text in PROJECT["optional-dependencies"]["test"]]
QUARTO = Requirement(PROJECT["optional-dependencies"]["quarto"][0])
PYTHONS = ("3.11.0", "3.12.0", "3.13.0")

# What conda-forge calls the packages that have another name on the Python package index.
CONDA_NAMES = {"matplotlib": "matplotlib-base", "duckdb": "python-duckdb"}

TOP_LEVEL = {
    *("notebooks", "cdi_lib", "params", "reports", "tests", "environment.yml", "Makefile", "README.md"),
    *("pyproject.toml", "requirements.lock", "requirements-test.lock", "requirements-uv.lock", "LICENCE"),
    *("CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "_quarto.yml", "_extensions"),
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


def test_set_up_has_one_exact_uv():
    [(name, version)] = locked("requirements-uv.lock").items()
    [asked] = map(Requirement, DOCUMENT["dependency-groups"]["setup"])
    assert (name, version in asked.specifier) == ("uv", True)


def test_test_lock_holds_the_runtime_lock():
    assert locked("requirements.lock").items() <= locked("requirements-test.lock").items()


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda lock: lock.name)
def test_every_locked_package_has_a_hash(lock):
    entries = re.split(r"\n(?=\S)", lock.read_text("utf-8").strip())
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


# Each variable that people give: a command that takes it, and what becomes of it.
VARIABLES = {
    "FORCE": ("report", "--force={}"),
    "RENDERER": ("report", "--renderer={}"),
    "RECORD": ("trace", "--record={}"),
    "PORT": ("preview", "--port={}"),
    "JOBS": ("reports", "--jobs={}"),
    "SCHEDULER": ("reports", "--scheduler={}"),
    "AGAINST": ("diff", "--against={}"),
    "FROM": ("accept", "--copy={}"),
    "RECHECK": ("sample", "--recheck={}"),
    "AGAIN": ("report", "--again"),
    "REPLACE": ("sample", "--replace"),
    "PROGRAMME": ("new", "--programme={}"),
    "STRICT": ("check", "--strict"),
    "QUIET": ("report", "--quiet"),
    "JSON": ("report", "--json"),
    "MUTATE": ("mutants", "{}"),
    "PYTHON": ("report", ""),
    "OS": ("report", ""),
    "CONDA_DEFAULT_ENV": ("report", ""),
}


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
    environ = {key: value for key, value in os.environ.items() if key not in VARIABLES and key[:4] != "MAKE"}

    def call(*arguments, **given):
        command = ["make", *arguments]
        subprocess.run(command, cwd=folder, env=environ | given, check=True, capture_output=True)
        *calls, end = (folder / "calls").read_text().split("\n--\n")
        assert end == ""
        return calls[-1].split("\n")

    return call


def test_variables_of_the_makefile_are_those_tested_here():
    [listed] = re.findall(r"^override variables := (.*)$", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    assert {*listed.split(), "OS", "CONDA_DEFAULT_ENV"} == set(VARIABLES)


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("value", ["x'; touch trace; '", "$(shell touch trace)", "`touch trace`", '";touch trace;"'])
def test_value_of_a_variable_is_never_run(makefile, name, value, tmp_path):
    """Whatever a caller puts into any variable, on the command line or in the environment."""
    command, option = VARIABLES[name]
    module = ["tests.tools.mutants"] if command == "mutants" else ["cdi_lib", command]
    expected = ["-m", *module, *([option.format(value)] if option else [])]
    if name == "PYTHON":  # there is no such interpreter, which set-up says
        for given in ({"PYTHON": value}, {}):
            with pytest.raises(subprocess.CalledProcessError):
                makefile(command, *([] if given else [f"PYTHON={value}"]), **given)
    else:
        assert makefile(command, f"{name}={value}") == expected
        assert makefile(command, **{name: value}) == expected
    assert list(tmp_path.rglob("trace")) == []


def test_no_other_name_is_run_either(makefile, tmp_path):
    text = (ROOT / "Makefile").read_text("utf-8")
    [listed] = re.findall(r"^override own := (.*)$", text, flags=re.MULTILINE)
    assert {*re.findall(r"^ *([a-z_]+) +:?= ", text, re.MULTILINE), "variables", "set_up", "own", "name", "given"} == {
        *listed.split()
    }
    for name in [*listed.split(), "SHELL", "ANY_OTHER"]:
        with contextlib.suppress(subprocess.CalledProcessError):
            makefile("why", f"{name}=$(shell touch trace)x'; touch trace; '")
        assert list(tmp_path.rglob("trace")) == [], name


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
        "docs",
        "mutants",
        "lock",
        "clean",
    ]
    if shutil.which("make") is None:
        pytest.skip("needs make")
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(commands) <= set(re.findall(r"^  make (\S+)", shown.stdout, flags=re.MULTILINE))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with locks of its own and a ``.venv`` in which any interpreter stands."""
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv/python")
    monkeypatch.setattr(environment, "LOCKS", {kind: tmp_path / f"requirements{kind}.lock" for kind in ("", "-test")})
    monkeypatch.setattr(environment, "wait_for_others", lambda: None)  # it would hold the lock until pytest ends
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/python").touch()
    for lock in environment.LOCKS.values():
        lock.write_text(lock.name)
    return tmp_path


def make_ready(test):
    for stamp, content in environment.stamps(test, False).items():
        stamp.write_text(content)


def test_set_up_is_done_once(project, monkeypatch):
    done = []
    monkeypatch.setattr(environment, "prepare", lambda test, conda: (done.append(test), make_ready(test)))
    for test in (False, False, True, False, True):
        assert environment.main(test, conda=False) == 0
    assert done == [False, True]  # what the tests need covers what a run needs


@pytest.mark.parametrize("change", ["lock", "python", "place", "interpreter"])
def test_set_up_is_done_again_after_a_change(project, monkeypatch, change):
    make_ready(True)
    assert environment.is_ready(True, False)
    if change == "lock":
        environment.LOCKS[""].write_text("another version of a package")
    elif change == "python":
        monkeypatch.setattr(environment, "VERSION", "3.99")
    elif change == "place":
        monkeypatch.setattr(environment, "ROOT", project / "moved")
    else:
        (project / ".venv/python").unlink()
    assert not environment.is_ready(False, False)


def test_set_ups_of_one_project_wait_for_each_other(tmp_path):
    (tmp_path / "pyproject.toml").touch()
    code = (
        "import pathlib, sys, time; from cdi_lib.pipeline import environment\n"
        "environment.ROOT = pathlib.Path(sys.argv[1]); environment.wait_for_others()\n"
        "for event in ('begins', 'ends'): print(event, file=open(environment.ROOT / 'log', 'a')); time.sleep(0.3)"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=ROOT) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert (tmp_path / "log").read_text().split() == ["begins", "ends"] * 2


def test_folder_of_somebody_else_is_answered_in_one_line(project, monkeypatch, capsys):
    monkeypatch.setattr(environment.os, "access", lambda path, mode: False)
    with pytest.raises(SystemExit, match=r"\.venv is not yours: copy the project, .*`make setup`\.$"):
        environment.main(False, conda=False)


def test_interrupted_set_up_says_so(project, monkeypatch, capsys):
    def interrupted(test, conda):
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "prepare", interrupted)
    assert environment.main(False, conda=False) == 130
    assert capsys.readouterr().err == "Set-up interrupted; the next command continues it.\n"


@pytest.fixture
def installing(project, monkeypatch):
    """``.venv`` with pip and uv, in which only ``uv pip sync`` does something: what the test says."""
    calls, outcome = [], [True, ""]

    def run(command, environ=None, seconds=None):
        calls.append([str(part) for part in command])
        return tuple(outcome) if "sync" in command else (True, environment.VERSION)

    monkeypatch.setattr(environment, "run", run)
    monkeypatch.setattr(environment, "get_uv", lambda environ, flags: None)
    return project, calls, outcome


def test_packages_are_checked_against_their_hashes_and_extra_ones_go(installing):
    project, calls, _ = installing
    environment.fill_venv(environment.LOCKS[""])
    assert calls[-1][1:3] == ["pip", "sync"]
    assert calls[-1][-1] == str(project / "requirements.lock")
    assert "--require-hashes" in calls[-1]
    assert not (project / ".venv/cdi-lib.unfinished").exists()


@pytest.mark.parametrize(
    ("said", "again"), [("error: Failed to install: x.whl", True), ("error: Failed to fetch: x", False)]
)
def test_packages_that_may_be_cut_short_are_installed_again(installing, said, again):
    _, calls, outcome = installing
    make_ready(True)
    outcome[:] = [False, said]
    with pytest.raises(SystemExit):
        environment.fill_venv(environment.LOCKS[""])
    assert not environment.is_ready(False, False)
    outcome[:] = [True, ""]
    environment.fill_venv(environment.LOCKS[""])
    assert ("--reinstall" in calls[-1]) == again
    environment.fill_venv(environment.LOCKS[""])
    assert "--reinstall" not in calls[-1]


PIP_CONFIG = r"""
:env:.cert='/etc/ours.pem'
global.cert='/etc/theirs.pem'
global.extra-index-url='\nhttps://a.example/simple\nhttps://b.example/simple'
global.find-links='/wheels /more'
global.index-url='https://global.example/simple'
global.timeout='60'
install.index-url='https://install.example/simple'
"""


def test_uv_uses_the_index_that_pip_is_configured_for():
    environ, flags = environment.index_settings(PIP_CONFIG, {"HOME": "/h"})
    assert environ == {
        "HOME": "/h",
        "UV_DEFAULT_INDEX": "https://install.example/simple",
        "UV_INDEX": "https://a.example/simple https://b.example/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "SSL_CERT_FILE": "/etc/ours.pem",
    }
    assert "--no-index" not in flags
    assert "--no-index" in environment.index_settings(":env:.no-index='1'", {})[1]


def test_pip_uses_the_index_that_uv_is_configured_for():
    given = {"UV_INDEX_URL": "https://x.example/simple", "UV_INDEX": "ours=https://o.example/simple"}
    environ, _ = environment.index_settings("", given | {"UV_FIND_LINKS": "/a,/b"})
    assert environ["PIP_INDEX_URL"] == "https://x.example/simple"
    assert environ["PIP_EXTRA_INDEX_URL"] == "https://o.example/simple"
    assert environ["PIP_FIND_LINKS"] == "/a /b"


def test_each_keeps_its_own_configuration():
    given = {"UV_INDEX_URL": "https://uv.example/simple", "PIP_INDEX_URL": "https://pip.example/simple"}
    listed = ":env:.index-url='https://pip.example/simple'"
    assert environment.index_settings(listed, given)[0] == given


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: No matching distribution found for x\n(from versions: none)", "index cannot be reached"),
        ("error: Request failed after 3 retries\n  cause: Failed to fetch: x\n  cause: dns error", "be reached"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that the lock"),
        ("error: Failed to download `x`\n  cause: Hash mismatch for `x==1`", "not the one that the lock"),
        ("ERROR: Could not install packages due to an OSError: No space left", "No space left"),
        ("error: Failed to install: x\n  cause: No space left on device (os error 28)", "No space left on device"),
        ("", "could not be installed"),
    ],
)
def test_failed_installation_says_what_to_do(said, told):
    with pytest.raises(SystemExit, match=rf"^Set-up stopped: .*{told}.*$"):
        environment.must(False, said)


def test_time_limit_ends_the_children_too(tmp_path):
    late = tmp_path / "late"
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    child = f"import time; time.sleep(1); open({str(late)!r}, 'w')"
    assert environment.run([sys.executable, "-c", code, child], seconds=0.5) == (False, "")
    time.sleep(1.2)
    assert not late.exists()
    assert environment.run([sys.executable, "-c", "print('é')"], seconds=30) == (True, "é")


def test_quarto_costs_a_closed_network_seconds_and_is_not_tried_again(project, monkeypatch, capsys):
    """A host that takes the connection and then says nothing is the slowest kind of closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "http://{}:{}".format(*server.getsockname())
        monkeypatch.setattr(environment, "REACH", environment.REACH.replace("https://github.com", address))
        monkeypatch.setattr(environment, "PYTHON", sys.executable)
        monkeypatch.setattr(environment, "PROGRAMS", project)
        monkeypatch.setattr(environment.shutil, "which", lambda name: None)
        before = time.monotonic()
        environment.try_quarto("quarto-cli==0")
        assert time.monotonic() - before < 5
        assert "could not be installed here" in capsys.readouterr().out
        environment.try_quarto("quarto-cli==0")
        assert capsys.readouterr().out == ""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The library as it is installed: unpacked from its wheel, away from the project."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, folder], cwd=ROOT, check=True, capture_output=True)
    [file] = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_wheel_holds_the_whole_library_and_nothing_else(wheel):
    files = (path for path in (ROOT / "cdi_lib").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    here = {path.relative_to(ROOT).as_posix() for path in files}
    packed = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()}
    assert {name for name in packed if ".dist-info/" not in name} == here
    [commands] = wheel.glob("*.dist-info/entry_points.txt")
    assert "cdi = cdi_lib.cli:main" in commands.read_text()


def installed(wheel, folder, code, *arguments, **given):
    """Run code with the installed library in a folder."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("CDI_")}
    environ |= {"PYTHONPATH": str(wheel)} | given
    command = [sys.executable, "-P", "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


COMMAND = "import sys; from cdi_lib.cli import main; sys.exit(main())"


def test_installed_command_says_that_it_needs_a_project(wheel, tmp_path):
    answer = installed(wheel, tmp_path, COMMAND, "why", "--force=northamptonshire")
    assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (2, "", 1)
    assert "CDI_PROJECT" in answer.stderr


def test_installed_command_works_on_a_project(wheel, tmp_path):
    places = {"CDI_PROJECT": str(ROOT), "CDI_PARAMS": str(tmp_path / "params")}
    answer = installed(wheel, tmp_path, COMMAND, "new", "--force=testshire", **places)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert (tmp_path / "params/testshire.yml").is_file()


@pytest.mark.parametrize("where", ["in it", "inside it", "named", "in another one"])
def test_installed_library_finds_its_project(wheel, tmp_path, where):
    (tmp_path / "params").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/report.ipynb").touch()
    folder = {"in it": ROOT, "inside it": ROOT / "notebooks"}.get(where, tmp_path)
    given = {"CDI_PROJECT": str(ROOT)} if where == "named" else {}
    code = "import cdi_lib; print(cdi_lib.project_folder())"
    found = installed(wheel, folder, code, **given).stdout.strip()
    assert found == str(tmp_path if where == "in another one" else ROOT)
