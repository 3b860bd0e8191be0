"""The project as somebody meets it who renders with Quarto by hand, without make."""

import hashlib
import re
import shutil
import subprocess

import pytest
import yaml
from forces import copy_project
from test_report import _Text

from cdi_lib.inspection.folders import PROJECT
from cdi_lib.render import look, quarto

REAL, MISSING = quarto.find()


def text_of(page):
    parser = _Text()
    parser.feed(page.read_text(encoding="utf-8"))
    return " ".join(" ".join(parser.parts).split())


def test_what_quarto_is_told_is_there(tmp_path):
    extension = tmp_path / "cdi"
    shutil.copytree(look.EXTENSION, extension, ignore=shutil.ignore_patterns(look.MADE))
    look.complete(extension, look.page_head(None, None)[0])
    formats = yaml.safe_load((extension / "_extension.yml").read_text(encoding="utf-8"))["contributes"]["formats"]
    page, paper = formats["html"], formats["typst"]
    for name in (
        page["template"],
        page["include-in-header"],
        *paper["template-partials"],
        *formats["common"]["filters"],
    ):
        assert (extension / name).is_file(), name
    assert list((extension / paper["font-paths"]).glob("SourceSansPro-*.ttf"))
    project = yaml.safe_load((PROJECT / "_quarto.yml").read_text(encoding="utf-8"))
    assert set(project["format"]) == {f"{look.EXTENSION.name}-{name}" for name in formats.keys() - {"common"}}
    for name in project["project"]["render"]:
        assert (PROJECT / name).is_file()


def test_what_quarto_leaves_is_no_change_of_the_project():
    ignored = (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()
    # Quarto adds these lines where they are not.
    in_reports = (PROJECT / "reports" / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/.quarto/", "**/*.quarto_ipynb"} <= set(ignored) & set(in_reports)
    for name in ("notebooks/report.html", "notebooks/report.pdf", "notebooks/report.typ", "_extensions/cdi/made/x"):
        assert subprocess.run(["git", "check-ignore", "-q", name], cwd=PROJECT, check=False).returncode == 0, name


@pytest.mark.skipif(REAL is None, reason=f"{MISSING}: install Quarto 1.7 or later")
def test_quarto_renders_the_notebook_as_it_lies_and_leaves_built_reports_alone(tmp_path):
    project = copy_project(tmp_path / "project")
    look.complete(project / "_extensions" / "cdi", look.page_head(None, None)[0])
    built = project / "reports" / "northamptonshire" / "notebooks"
    built.mkdir(parents=True)
    for name in ("2_effectiveness.ipynb", "report.ipynb"):
        shutil.copy(PROJECT / "notebooks" / name, built / name)
    (built / "2_effectiveness.html").write_text("evidence")
    (built.parent / "report.pdf").write_text("report")
    state = lambda: {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in built.parent.rglob("*") if path.is_file()
    }
    before = state()
    quarto = lambda folder, *names: subprocess.run(
        [REAL, "render", *names], cwd=folder, check=False, capture_output=True, timeout=300, text=True
    )
    assert quarto(project).returncode == 0
    named = ("2_effectiveness.ipynb", "report.ipynb")
    for folder, *names in ((project / "reports",), (built.parent,), *((built, name) for name in named)):
        done = quarto(folder, *names)
        assert done.returncode and "`make report FORCE=<force>`" in done.stderr and "Traceback" not in done.stderr
    assert state() == before
    page, pdf = project / "notebooks" / "report.html", project / "notebooks" / "report.pdf"
    text = text_of(page)
    assert "Published 31 July 2020" in text and "Overall judgement" in text
    source = page.read_text(encoding="utf-8")
    assert 'class="badge badge-good"' in source and "sourceCode" not in source and "<script" not in source
    assert not re.search(r"\?@(?:fig|tbl)-", source)
    assert 'href="../reports/northamptonshire/tables/rates.csv"' in source
    assert b"/Lang(en-GB)" in pdf.read_bytes().replace(b" (", b"(")
