"""The copy in Word: what it holds, and what is taken back of a copy that came back."""

import base64
import io
import re
import shutil
import subprocess
import zipfile

import built
import pytest
import yaml
from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st

from cdi_lib.cli import main
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.prose import prose_of, rewritten
from cdi_lib.pipeline.draft import accept, draft
from cdi_lib.report import charts
from cdi_lib.report.docx import core, is_of_another, read_passages

FORCE = "northamptonshire"
SOURCE = (PROJECT / f"params/{FORCE}.yml").read_text("utf-8")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
RAPE, SEXUAL = "findings.rape.1", "findings.sexual.1"


@pytest.fixture(scope="module")
def drafted(tmp_path_factory):
    """Parameters, a built report and its draft; tests copy them."""
    folder = tmp_path_factory.mktemp("drafted")
    (folder / "params").mkdir()
    shutil.copyfile(PROJECT / f"params/{FORCE}.yml", folder / "params" / f"{FORCE}.yml")
    shutil.copytree(PROJECT / f"params/{FORCE}", folder / "params" / FORCE)
    shutil.copytree(built.northamptonshire(), folder / "reports" / FORCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDI_PARAMS", str(folder / "params"))
        patch.setenv("CDI_REPORTS", str(folder / "reports"))
        draft(FORCE)
    return folder


@pytest.fixture
def own(drafted, tmp_path, monkeypatch):
    """Parameters and a built report of one's own, and its draft."""
    shutil.copytree(drafted, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(charts, "png", lambda figure: PIXEL)  # what is compared is text
    monkeypatch.setenv("CDI_PARAMS", str(tmp_path / "params"))
    monkeypatch.setenv("CDI_REPORTS", str(tmp_path / "reports"))
    return tmp_path


def copy_of(own):
    return Document(str(own / "reports" / FORCE / "report.docx"))


def paragraph(word, words):
    return next(
        p for p in word.element.body.iter(qn("w:p")) if words in "".join(t.text or "" for t in p.iter(qn("w:t")))
    )


def change(word, words, old, new):
    """Replace words within one run of the paragraph that holds ``words``."""
    part = next(t for t in paragraph(word, words).iter(qn("w:t")) if old in (t.text or ""))
    part.text = part.text.replace(old, new, 1)


def saved(word, own, name="copy.docx"):
    word.save(str(own / name))
    return own / name


def text_of(own, key):
    return {item.key: item.text for item in prose_of((own / "params" / f"{FORCE}.yml").read_text("utf-8"))}[key]


def test_a_draft_holds_every_word_of_the_page(own):
    word = copy_of(own)
    passages, comments = read_passages((own / "reports" / FORCE / "report.docx").read_bytes())
    assert not comments and not any(passage.is_changed for passage in passages)
    printed = {core(passage.text) for passage in passages if passage.kind == "prose"}
    assert printed == {core(item.text) for item in prose_of(SOURCE)}
    page = (own / "reports" / FORCE / "index.html").read_text("utf-8")
    assert len(word.tables) == len(re.findall(r"<table\b", page))
    assert all(table._tbl.find(f".//{qn('w:tblHeader')}") is not None for table in word.tables)
    alts = [part.get("descr") for part in word.element.body.iter(qn("wp:docPr"))]
    assert len(alts) == len(re.findall(r"<figure\b", page)) and all(len(alt) > 60 for alt in alts)
    assert "Draft" in word.sections[0].header.paragraphs[0].text
    assert word.element.body.find(f".//{qn('w:pStyle')}[@{qn('w:val')}='Heading1']") is not None


def test_an_unchanged_copy_changes_nothing(own):
    taken = accept(FORCE, own / "reports" / FORCE / "report.docx")
    assert (taken.changed, taken.comments, taken.refused) == ((), (), ())
    assert (own / "params" / f"{FORCE}.yml").read_text("utf-8") == SOURCE


def test_the_copy_of_another_force_is_one_mistake(own):
    copy = own / "reports" / FORCE / "report.docx"
    content = copy.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(copy, "w") as other:
        for name in archive.namelist():
            other.writestr(name, archive.read(name).replace(f"report_of_{FORCE}".encode(), b"report_of_othershire"))
    with pytest.raises(InputError) as caught:
        accept(FORCE, copy)
    [problem] = caught.value.problems
    assert problem.got == "a copy of another force's report"


def edited(own):
    """A copy with two edited paragraphs, a comment, and a changed figure."""
    word = copy_of(own)
    change(word, "Accurate recording of rape", "Accurate recording", "Exact recording: it")
    change(word, "Reports of sexual offences get", "close attention", "much attention")
    target = next(p for p in word.paragraphs if "Reports of sexual offences get" in p.text)
    word.add_comment(target.runs, text="Is that so in every area?", author="Force liaison", initials="FL")
    change(word, "92.0%", "92.0", "93.0")
    return saved(word, own)


@pytest.mark.slow
@pytest.mark.parametrize("through", ["", *(pytest.param(kind, marks=pytest.mark.stress) for kind in ("docx", "odt"))])
def test_prose_arrives_comments_are_listed_and_a_changed_figure_is_refused(own, through, capsys):
    copy = edited(own)
    for kind in filter(None, (through, "docx" if through == "odt" else "")):
        copy = converted(copy, kind)
    assert is_of_another(copy.read_bytes(), "othershire") and not is_of_another(copy.read_bytes(), FORCE)
    assert main(["accept", "--force", FORCE, "--copy", str(copy)]) == 1
    said = capsys.readouterr()
    assert "Is that so in every area?" in said.out and "Force liaison" in said.out and "Sexual offences" in said.out
    [refused] = [line for line in said.err.splitlines() if line.startswith("error")]
    assert "'93.0%' for '92.0%'" in refused and "figure that was computed" in refused
    assert text_of(own, RAPE).startswith("Exact recording: it of rape decides")
    assert "much attention" in text_of(own, SEXUAL)
    after = (own / "params" / f"{FORCE}.yml").read_text("utf-8")
    comments = lambda text: [line for line in text.splitlines() if "#" in line]
    assert comments(after) == comments(SOURCE)
    before, now = yaml.safe_load(SOURCE), yaml.safe_load(after)
    assert list(now) == list(before)
    for section in ("rape", "sexual"):
        now["findings"][section] = before["findings"][section]
    assert now == before
    assert accept(FORCE, copy).changed == ()  # a second time there is nothing more to take


def converted(path, kind):
    folder = path.parent / kind
    command = ["soffice", "--headless", "--convert-to", kind, "--outdir", str(folder), str(path)]
    try:
        subprocess.run(command, capture_output=True, timeout=120, check=True)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("LibreOffice is not installed; it saves these files")
    return folder / f"{path.stem}.{kind}"


def test_paragraphs_added_and_taken_out(own):
    word = copy_of(own)
    target = next(p for p in word.paragraphs if "Accurate recording of rape" in p.text)
    more = target.insert_paragraph_before("A paragraph of its own.")
    target._p.addnext(more._p)
    gone = paragraph(word, "The FCIR and a deputy oversee")
    gone.getparent().remove(gone)
    taken = accept(FORCE, saved(word, own))
    assert taken.changed == (RAPE, "findings.summary.2") and not taken.refused
    findings = yaml.safe_load((own / "params" / f"{FORCE}.yml").read_text("utf-8"))["findings"]
    assert findings["rape"][1:] == ["A paragraph of its own."] and len(findings["summary"]) == 1


def test_tracked_changes_count_as_accepted(own):
    word = copy_of(own)
    part = next(
        t for t in paragraph(word, "Accurate recording of rape").iter(qn("w:t")) if "Accurate" in (t.text or "")
    )
    run = part.getparent()
    old, new = OxmlElement("w:del"), OxmlElement("w:ins")
    run.addprevious(old)
    run.addnext(new)
    for box, tag, text in ((old, "w:delText", "Accurate"), (new, "w:t", "Careful")):
        inner, words = OxmlElement("w:r"), OxmlElement(tag)
        words.text = text
        inner.append(words)
        box.append(inner)
    old.addnext(new)
    part.text = part.text.replace("Accurate", "", 1)
    assert accept(FORCE, saved(word, own)).changed == (RAPE,)
    assert text_of(own, RAPE).startswith("Careful recording of rape")


@pytest.mark.parametrize(
    ("words", "old", "new", "said"),
    [
        ("All crime", "All crime", "All crimes", "words of reports/text"),  # a cell
        ("Cancelled crimes", "Cancelled", "Canceled", "words of reports/text"),  # a heading
    ],
)
def test_what_is_no_prose_is_refused(own, words, old, new, said):
    word = copy_of(own)
    change(word, words, old, new)
    taken = accept(FORCE, saved(word, own))
    assert taken.changed == () and any(said in problem.expected for problem in taken.refused)


def test_every_changed_figure_of_a_table_is_refused(own):
    word = copy_of(own)
    cells = [t for t in word.tables[1]._tbl.iter(qn("w:t")) if re.fullmatch(r"[\d.,]+%?", t.text or "")]
    assert len(cells) > 10
    for cell in cells:
        cell.text = f"1{cell.text}"
    assert len(accept(FORCE, saved(word, own)).refused) == len(cells)


def test_a_table_row_that_is_missing_is_refused(own):
    word = copy_of(own)
    row = word.tables[1]._tbl.tr_lst[-1]
    lost = [cell.text for cell in word.tables[1].rows[-1].cells]
    row.getparent().remove(row)
    refused = accept(FORCE, saved(word, own)).refused
    assert refused and all("no more" in problem.got for problem in refused)
    assert any(lost[0] in problem.got for problem in refused) or len(refused) < len(lost)


def test_each_cell_that_is_missing_is_told_though_its_figure_stands_elsewhere(own):
    word = copy_of(own)
    texts = [t.text for t in word.element.body.iter(qn("w:t"))]
    row = next(r for t in word.tables for r in t.rows if all(texts.count(c.text) > 1 for c in r.cells))
    lost = [cell.text for cell in row.cells]
    row._tr.getparent().remove(row._tr)
    assert len(accept(FORCE, saved(word, own)).refused) == len(lost)


def test_a_text_of_which_only_a_stop_is_left_is_taken_out(own):
    word = copy_of(own)
    parts = list(paragraph(word, "The FCIR and a deputy oversee").iter(qn("w:t")))
    for part in parts:
        part.text = ""
    parts[0].text = "."
    assert accept(FORCE, saved(word, own)).changed == ("findings.summary.2",)
    assert len(yaml.safe_load((own / "params" / f"{FORCE}.yml").read_text("utf-8"))["findings"]["summary"]) == 1


def test_a_document_that_would_fill_the_memory_is_refused(own, monkeypatch):
    monkeypatch.setattr("cdi_lib.inspection.sheets.MOST_BYTES", 10_000)
    with pytest.raises(InputError, match="a document of .* when it is unpacked"):
        accept(FORCE, own / "reports" / FORCE / "report.docx")


def test_two_versions_of_one_text_are_refused(own):
    word = copy_of(own)
    twice = [t for t in word.element.body.iter(qn("w:t")) if "change how it works" in (t.text or "")]
    assert len(twice) == 2
    for part, by in zip(twice, ("how we work", "how they work"), strict=True):
        part.text = part.text.replace("how it works", by)
    taken = accept(FORCE, saved(word, own))
    assert not taken.changed and "versions" in taken.refused[0].got


def test_edits_are_not_written_over(own):
    word = copy_of(own)
    change(word, "Accurate recording of rape", "Accurate", "Exact")
    word.save(str(own / "reports" / FORCE / "report.docx"))
    with pytest.raises(InputError, match="an edited copy"):
        draft(FORCE)


def test_a_report_out_of_date_makes_no_draft(own):
    with (own / "params" / FORCE / "n100.csv").open("a") as table:
        table.write("\n")
    with pytest.raises(InputError, match="out of date: params/northamptonshire/n100.csv"):
        draft(FORCE)


@pytest.mark.parametrize(
    ("content", "said"), [(b"no", "not a readable Word"), (None, "no file"), ("plain", "without the marks")]
)
def test_other_files_are_refused(own, content, said):
    path = own / "copy.docx"
    if content == "plain":
        Document().save(str(path))
    elif content:
        path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        accept(FORCE, path)


WORDS = [
    "a: b",
    "# no",
    "it's",
    "“so”",
    "- dash",
    "the force",
    "92.0%",
    "yes",
    "*x*",
    "[x]",
    "{y}",
    "'q'",
    '"d"',
    "@at",
    "é",
]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_text_is_read_as_it_was_written(data):
    known = prose_of(SOURCE)
    texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(" ".join)
    changes = {
        item.key: data.draw(st.lists(texts, min_size=item.item is None, max_size=3 if item.item else 1))
        for item in data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=6, unique=True))
    }
    expected = yaml.safe_load(SOURCE)
    for section, points in expected["findings"].items():
        expected["findings"][section] = [
            text
            for number, point in enumerate(points, 1)
            for text in changes.get(f"findings.{section}.{number}", [point])
        ]
    for number, area in enumerate(expected["areas_for_improvement"], 1):
        [area["text"]] = changes.get(f"areas_for_improvement.{number}.text", [area["text"]])
    assert yaml.safe_load(rewritten(SOURCE, changes)) == expected
