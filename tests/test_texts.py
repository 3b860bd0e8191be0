"""The words of the report as files: what an editor may change, and what a text may not do."""

import ast
import re
import shutil
from pathlib import Path

import built
import pytest

from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.parameters import load_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.programme import load_programme
from cdi_lib.inspection.results import read_results
from cdi_lib.report import index, labels, telling, texts, wording
from cdi_lib.report.texts import tidy

CRITERIA = load_programme("cdi-2017")


def teller(own):
    found = read_results(built.northamptonshire() / "results.json")
    return telling.Teller(found, load_inspection("northamptonshire"), own)


def put(folder, section, text):
    (folder / f"{section}.md").write_text(text, encoding="utf-8")


def problems(folder):
    return [str(problem) for problem in telling.check_texts(CRITERIA, folder) if problem.file.startswith("params")]


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "params" / "testshire" / "text"
    folder.mkdir(parents=True)
    return folder


def test_the_texts_of_the_project_are_sound():
    found = [
        p for name in ("cdi-2017", "peel-2021", "qsr-2025") for p in telling.check_texts(load_programme(name), None)
    ]
    assert [str(problem) for problem in found if problem.severity == "error"] == []


def test_every_text_is_told_by_some_section():
    programmes = [load_programme(path.stem) for path in (PROJECT / "params" / "programmes").glob("*.yml")]
    told = {section for programme in programmes for section, _ in telling.chapters(programme)} | {texts.MACROS}
    assert {path.stem for path in (labels.TEXTS / "en").glob("*.md")} == told


@pytest.mark.parametrize(
    ("section", "text", "shown"),
    [
        ("violence", "## Violence\n\nRecorded: {{ estimate('violence').value | percent }}.", "Recorded: 89.2%."),
        ("rape", "## Rape\n\n{{ share('rape') | of }} reports of rape were recorded.", "78 of 84 reports of rape were recorded."),
        ("survey", "", ""),
        ("n100", "{{ table('tbl-rape') }}\n\n## N100", "## N100"),
        ("conclusion", "{{ findings.conclusion | paragraphs }}\n", "The leaders of Northamptonshire Police"),
        ("unrecorded", "{{ unrecorded_sentence('overall') }}", "Our best estimate is that about 5,330 reported crimes a year"),
        ("sexual", "{% if estimate('sexual').n > 200 %}Many{% else %}Few{% endif %} crimes.", "Many crimes."),
    ],
)  # fmt: skip
def test_an_inspection_has_words_of_its_own(own, section, text, shown):
    put(own, section, text)
    assert problems(own) == []
    told = teller(own).text(section)
    assert shown in told if shown else told == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("One\n\n{{ rate }}", "violence.md, line 3: got the unknown name 'rate'"),
        ("{{ tabel('tbl-rates') }}", "got the unknown name 'tabel'; expected a known one (did you mean 'table'?)"),
        ("{{ table('tbl-rate') }}", "got table('tbl-rate'); expected an id that there is (did you mean 'tbl-rates'?)"),
        ("\n{{ share('rape').n - share('rape').x }}", "line 2: got a computed number (sub)"),
        ("{{ estimate('overall').value | percnt }}", "(did you mean 'percent'?)"),
        ("{{ results.details.sampel }}", "got 'sampel'; expected a field of Details (did you mean 'sample'?)"),
        ("{% if results %}", "line 1"),
        ("One\n{% macro table(x) %}{{ x }}{% endmacro %}", "line 2: got 'table' given to something else, which hides"),
        ("{% set table = 3 %}", "line 1: got 'table' given to something else, which hides"),
        (
            "{% if false %}\n{{ 3 | percnt }}{% endif %}",
            "line 2: got No filter named 'percnt' found (did you mean 'percent'?)",
        ),
        (
            "{% if false %}\n{{ 3 is evven }}{% endif %}",
            "line 2: got No test named 'evven' found (did you mean 'even'?)",
        ),
        (
            "{{ findings.violenc | paragraphs }}",
            "got 'findings.violenc'; expected what there is (did you mean 'violence'?)",
        ),
        (
            "## {{ crime_types.violance }}",
            "got 'crime_types.violance'; expected what there is (did you mean 'violence'?)",
        ),
        (
            "{% set found, rate = share('rape'), estimate('rape') %}\n{{ found.y }}",
            "line 2: got 'y'; expected a field of Share",
        ),
        ("\n<b>Bold</b> words.", "line 2: got raw HTML ('<b>'); expected Markdown"),
        (
            "See @tbl-rate.",
            "got a reference to '@tbl-rate'; expected a table or figure that there is (did you mean 'tbl-rates'?)",
        ),
        ("::: {.box}\nA box.\n", "line 2: got a ':::' block that is opened and not closed"),
        ("A box.\n\n:::\n", "line 3: got a ':::' block that is closed and not opened"),
        ("{{ tally('audited').counts.values() | sum }}", "'sum'"),
        ("We found 78 of them.", "warning: params/testshire/text/violence.md, line 1: got the typed number 78"),
    ],
)
def test_a_text_that_cannot_be_told_is_refused_before_anything_runs(own, text, message):
    put(own, "violence", text)
    [told] = problems(own)
    assert message in told


def test_what_only_the_results_can_tell_is_refused_with_file_and_line(own):
    put(own, "violence", "One.\n\n{{ estimate('of_nothing').value | percent }}")
    with pytest.raises(InputError, match="params/testshire/text/violence.md, line 3"):
        teller(own).text("violence")


def test_a_text_of_a_name_that_no_section_has_is_not_passed_over(own):
    put(own, "violance", "Words that nobody would ever read.")
    assert "violance.md" in problems(own)[0] and "did you mean 'violence'?" in problems(own)[0]


def test_a_missing_text_is_named():
    found = texts.Texts("en", None, telling.FILTERS).check(["overal_rate"], [], {}, {})
    assert str(found[-1]).startswith("error: reports/text/en/overal_rate.md: got no such file")
    assert "did you mean 'overall_rate'?" in str(found[-1])
    with pytest.raises(InputError, match="publication.language"):
        texts.Texts("cy", None, {})


def test_a_text_cannot_reach_out_of_its_sandbox(own):
    put(own, "violence", "{{ ''.__class__.__mro__ }}")
    with pytest.raises(InputError):
        teller(own).text("violence")


def test_lines_may_be_broken_anywhere():
    assert tidy("## A heading\n\nOne sentence,\nbroken .\n\n\n| a |\n|---|\n\n- x\n  y\n") == (
        "## A heading\n\nOne sentence, broken.\n\n| a |\n|---|\n\n- x y"
    )


@pytest.fixture
def other(tmp_path, monkeypatch):
    """A folder of texts in another language, in use until the end of the test."""
    shutil.copytree(labels.TEXTS / "en", tmp_path / "en")
    shutil.copytree(labels.TEXTS / "en", tmp_path / "xx")
    monkeypatch.setattr(labels, "TEXTS", tmp_path)
    labels._book.cache_clear()
    labels.use("xx")
    yield tmp_path / "xx"
    labels.use(labels.DEFAULT)
    labels._book.cache_clear()


def change(path, old, new):
    before = path.read_text("utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), "utf-8")


def test_another_language_is_a_folder_of_texts(other):
    change(other / "phrases.yml", "language: en-GB", "language: xx")
    change(other / "phrases.yml", "January, February, March, April, May, June", "Ja, Fe, Ma, Ap, My, Jun-xx")
    change(other / "phrases.yml", "'{rate} of reported crime is recorded; ", "'{rate} xx; ")
    change(other / "tables.yml", "Recording rates by crime type", "Rates in xx")
    change(other / "violence.md", "#", "# Heading in xx\n\n#")
    assert [p for p in telling.check_texts(CRITERIA, None) if p.severity == "error"] == []
    told = teller(None)
    assert "Heading in xx" in told.text("violence")
    assert "Rates in xx" in index.table_markdown(told.results, "tbl-rates")
    assert wording.day("2019-06-01") == "1 Jun-xx 2019"
    (page, _), _ = index.FIGURES["fig-rates"].build(told.results)
    assert " xx; " in " ".join(text.get_text() for text in page.texts)


def test_what_another_language_lacks_is_told_with_its_key(other):
    change(other / "phrases.yml", "  about: about {number}\n", "")
    change(other / "phrases.yml", "between {low} and {high}\n", "between {lower} and {high}\n")
    (other / "comparison" / "tables.yml").unlink()
    found = {(p.file, p.where) for p in telling.check_texts(CRITERIA, None) if p.severity == "error"}
    assert {("reports/text/xx/phrases.yml", f"numbers.{key}") for key in ("about", "between")} <= found
    assert ("reports/text/xx/comparison/tables.yml", "tbl-rates.title") in found


def sentences(path):
    """Texts of four words and more in a module, but for docstrings, and messages to the analyst."""
    tree = ast.parse(path.read_text("utf-8"))
    apart = set()
    for node in ast.walk(tree):
        name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
        if isinstance(node, ast.Raise | ast.Expr) or name in ("Problem", "problem", "InputError", "compile"):
            apart |= {id(part) for part in ast.walk(node)}
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in apart)
    four_words = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,}){3}")
    return [text for text in texts if isinstance(text, str) and four_words.search(text)]


# What Python says to an analyst whose text cannot be told, in a module that raises these as problems further on.
TO_THE_ANALYST = ("report/texts.py", "report/telling.py", "comparison/compare.py", "report/evidence.py")


def test_no_sentence_of_the_report_stands_in_python():
    library = Path(telling.__file__).parents[1]
    modules = [path for room in ("report", "comparison") for path in (library / room).rglob("*.py")]
    found = {
        str(path.relative_to(library)): sentences(path) for path in modules if not str(path).endswith(TO_THE_ANALYST)
    }
    assert {name: texts for name, texts in found.items() if texts} == {}
    assert sentences(library / "inspection" / "judgement.py")  # it finds what there is


@pytest.mark.parametrize(
    ("phrase", "got"), [("{rte} is recorded", "'{rte} is recorded'"), (None, "nothing"), ("{rate", "'{rate'")]
)
def test_a_phrase_that_asks_for_what_it_is_not_given_is_named(monkeypatch, phrase, got):
    words = {**labels.book("phrases"), "rates": {"title": phrase}}
    monkeypatch.setattr(labels, "book", lambda name: words)
    with pytest.raises(InputError) as caught:
        labels.said("rates.title", rate="90%")
    expected = "no braces but {rate}"
    assert str(caught.value) == f"error: reports/text/en/phrases.yml, rates.title: got {got}; expected {expected}"
