"""What counts as a change of the code, and which commit a report names."""

import os
import re
import subprocess

import pytest
from forces import copy_project, write_force

from cdi_lib.inspection.folders import PROJECT, REPORTS_VARIABLE
from cdi_lib.pipeline import fingerprint, front, runner

PACKAGES = sorted(path.parent.name for path in (PROJECT / "cdi_lib").glob("*/__init__.py"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the project in which testshire has a report that is up to date."""
    copy = copy_project(tmp_path / "outer" / "project")
    for name in ("PROJECT", "LIBRARY"):
        monkeypatch.setattr(fingerprint, name, copy)
    monkeypatch.setenv("CDI_PARAMS", str(write_force(tmp_path / "params", "testshire")))
    monkeypatch.setenv(REPORTS_VARIABLE, str(tmp_path / "reports"))
    report = tmp_path / "reports" / "testshire"
    report.mkdir(parents=True)
    (report / "index.html").write_text("a report")
    forget()
    fingerprint.record(report, fingerprint.inputs("testshire", tmp_path / "params", "pandoc"))
    assert why() == []
    yield fingerprint.PROJECT
    forget()


def forget():
    for function in (fingerprint.code_files, fingerprint.code_digest, fingerprint.commit):
        function.cache_clear()


def why():
    forget()
    return runner.why("testshire", "pandoc")


def renders_only():
    return runner._reasons("testshire", "pandoc")[1]


def change(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write("\n")


def test_the_packages_are_those_of_the_project():
    assert {"statistics", "inspection", "fieldwork", "report", "render", "comparison", "pipeline"} <= set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_change_in_any_package_counts(project, package):
    for path in sorted((project / "cdi_lib" / package).rglob("*.py")):
        before = path.read_bytes()
        change(path)
        assert why() == [f"{path.relative_to(project).as_posix()}: changed"]
        assert renders_only() == (package == "render")
        path.write_bytes(before)


@pytest.mark.parametrize(
    ("name", "only_look"),
    [
        ("cdi_lib/new.py", False),
        ("cdi_lib/statistics/deeper/new.py", False),
        ("cdi_lib/report/words.md", False),
        ("cdi_lib/render/new.lua", True),
        ("notebooks/6_new.ipynb", False),
        ("reports/new.css", True),
        ("reports/text/en/new.md", False),
    ],
)
def test_a_new_file_counts(project, name, only_look):
    change(project / name)
    assert why() == [f"{name}: new"]
    assert renders_only() == only_look


@pytest.mark.parametrize(
    "name",
    [
        "tests/test_new.py",
        "README.md",
        "cdi_lib/statistics/__pycache__/intervals.cpython-311.pyc",
        "notebooks/.ipynb_checkpoints/1_sample-checkpoint.ipynb",
        "reports/essex/index.html",
    ],
)
def test_what_no_report_is_made_from_does_not_count(project, name):
    change(project / name)
    assert why() == []


def test_a_programme_counts_where_it_is_used(project):
    used, other = project / "params/programmes/cdi-2017.yml", project / "params/programmes/local.yml"
    other.write_text("name: local\nextends: deeper\n", encoding="utf-8")
    assert why() == []
    change(used)
    assert why() == ["params/programmes/cdi-2017.yml: changed"]


def test_programmes_that_the_used_one_extends_count(tmp_path):
    (tmp_path / "programmes").mkdir()
    for name, text in {"local": "extends: deeper", "deeper": "extends: cdi-2017", "apart": "name: apart"}.items():
        (tmp_path / "programmes" / f"{name}.yml").write_text(text, encoding="utf-8")
    (tmp_path / "testshire.yml").write_text("programme: local\n", encoding="utf-8")
    names = {path.stem for _, part in fingerprint.force_paths("testshire", tmp_path) for path in part}
    assert names == {"testshire", "local", "deeper", "cdi-2017"}


def test_a_changed_look_and_a_changed_package_run_the_notebooks(project):
    change(project / "reports" / "report.css")
    change(project / "cdi_lib" / "statistics" / "intervals.py")
    assert len(why()) == 2
    assert not renders_only()


# --- the commit -----------------------------------------------------------------------------------------------


@pytest.fixture
def git(monkeypatch):
    """Calls git; of the machine's own settings nothing counts."""
    for name in [name for name in os.environ if name.startswith("GIT_")] + [fingerprint.COMMIT_VARIABLE]:
        monkeypatch.delenv(name, raising=False)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)

    def call(folder, *words):
        me = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        command = ["git", "-C", folder, *me, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    return call


def commit_all(git, folder):
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "all")
    return git(folder, "rev-parse", "HEAD")


def commit():
    forget()
    return fingerprint.commit()


def test_the_commit_is_that_of_the_project_and_changed_code_is_marked(project, git):
    made = commit_all(git, project)
    assert commit() == made
    for name in ("tests/test_new.py", "reports/essex/index.html", "params/essex.yml"):
        change(project / name)
    assert commit() == made
    change(project / "cdi_lib" / "statistics" / "deeper" / "new.py")
    assert commit() == made + fingerprint.UNCOMMITTED
    (project / "cdi_lib" / "statistics" / "deeper" / "new.py").unlink()
    change(project / "cdi_lib" / "cli.py")
    assert commit() == made + fingerprint.UNCOMMITTED


def test_there_is_no_commit_outside_git(project, git):
    assert commit() == ""


@pytest.mark.parametrize("beside", ["nothing", "folder"])
def test_the_commit_of_a_repository_around_the_project_says_nothing(project, git, beside):
    commit_all(git, project.parent)
    if beside == "folder":
        (project / ".git").mkdir()  # of no repository
    assert commit() == ""


def test_a_repository_that_the_environment_names_is_not_asked(project, git, monkeypatch):
    commit_all(git, project.parent)
    monkeypatch.setenv("GIT_DIR", str(project.parent / ".git"))
    assert commit() == ""
    monkeypatch.delenv("GIT_DIR")
    made = commit_all(git, project)
    monkeypatch.setenv("GIT_DIR", str(project.parent / ".git"))
    assert commit() == made


def test_git_that_refuses_is_said_in_the_place_of_the_commit(project, git, monkeypatch):
    commit_all(git, project)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert commit().startswith(f"{fingerprint.UNKNOWN} (git: detected dubious ownership")
    assert str(project) not in commit()


def test_git_that_is_missing_is_said_in_the_place_of_the_commit(project, git, monkeypatch):
    commit_all(git, project)
    monkeypatch.setenv("PATH", "")
    assert commit().startswith(f"{fingerprint.UNKNOWN} (git: ")


def test_what_is_written_for_all_reports_is_no_source_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprint, "PROJECT", tmp_path)
    (tmp_path / "reports").mkdir()
    fingerprint.code_files.cache_clear()
    before = dict(fingerprint.code_files())
    front.write(tmp_path / "reports")
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {front.NAME, front.FEED}
    fingerprint.code_files.cache_clear()
    assert dict(fingerprint.code_files()) == before
    fingerprint.code_files.cache_clear()


def test_another_quarto_is_another_engine_and_where_it_lies_is_not_told(tmp_path, monkeypatch):
    program, told = tmp_path / "quarto", []
    monkeypatch.setattr(fingerprint.shutil, "which", lambda *_, **__: str(program))
    for text in ("one", "one", "another"):
        program.write_text(text)
        os.utime(program, (0, 0))
        fingerprint.engine_files.cache_clear()
        told.append(fingerprint.engine_files("auto")["renderer"])
    fingerprint.engine_files.cache_clear()
    assert told[0] == told[1] != told[2] and all(re.fullmatch(r"Quarto [0-9a-f]{16}", text) for text in told)
