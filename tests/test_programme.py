"""A kind of inspection that differs is written in YAML and text files, without a line of Python."""

import re
from datetime import date

import openpyxl
import pandas as pd
import pytest
import yaml
from bad_inputs import in_yaml
from complete_force import complete_parameters, complete_tables, write_files
from forces import crimes
from test_report import page_text, pdf_text

from cdi_lib.comparison.compare import compare
from cdi_lib.fieldwork.worksheet import AUDIT_SHEET, COLUMNS, write_worksheet
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.parameters import check_inspection, doubtful, load_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.programme import default_programme, load_programme
from cdi_lib.inspection.published import read_published
from cdi_lib.inspection.results import read_results
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.pipeline.build import build_report
from cdi_lib.report.telling import chapters

PROTECTING = """
name: protecting
extends: cdi-2017
version: "1.0"
date: 2022-01-01
title: Crime recording and protecting people
note: No cut-off was ever published; these are this project's own.
crime_types: {violence: {label: Harm & hurt, one: act of harm, many: acts of harm}}
routes:
  online_report: through the online reporting page
samples:
  asb_log:
    label: Antisocial behaviour logs
    one: antisocial behaviour log
    many: antisocial behaviour logs
    meaning: Records of antisocial behaviour in which a crime may have been reported.
    needs: [reported_at]
  safeguarding_referral: {label: Safeguarding referrals, one: safeguarding referral, many: safeguarding referrals}
estimates:
  online: {label: Crime reported online, where: {route: online_report}}
shares:
  asb_logs: {label: Crimes in antisocial behaviour logs, where: {sample: asb_log}}
  safeguarding_referrals: {label: Crimes in safeguarding referrals, where: {sample: safeguarding_referral}}
  protecting: {label: Crimes in both, sum: [asb_logs, safeguarding_referrals]}
  domestic_abuse: null
  cancelled_most_of_all: {label: Most, table: cancellations, where: {crime_type: [rape, violence]}, counts: {correct: yes}}
  trained_staff:
    label: Staff who say that they are trained
    table: survey
    where: {statement: trained}
    counts: {answer: [strongly agree, agree]}
tables:
  tbl-protecting:
    title: Crimes found in logs and referrals
    kind: dip
    rows:
      asb_logs: Antisocial behaviour logs
      safeguarding_referrals: Safeguarding referrals
      protecting: Both together
compared: [overall, violence, sexual, online]
chapters:
  questions:
    online: [online]
    asb_logs: [protects]
questions:
  protects:
    label: How well does the force protect people?
    short: Protecting
    rules: &rules
      outstanding: {at_most_below: 0, sentence: Every element is outstanding.}
      good: {at_most_below: 0, none_below: requires improvement, sentence: Every element is good.}
      requires improvement: {at_most_below: 1, sentence: At most one element is inadequate.}
elements:
  asb: &element
    label: Records crimes in antisocial behaviour logs
    question: protects
    share: asb_logs
    bands: {outstanding: 98, good: 90, requires improvement: 75}
    reason: For a test.
  referrals: {<<: *element, label: Records crimes in safeguarding referrals, share: safeguarding_referrals}
  online: {label: Records crime reported online, question: effective, estimate: online,
    bands: {outstanding: 98, good: 90, requires improvement: 75}, reason: For a test.}
  trained: {<<: *element, label: Has trained its staff, question: leadership, share: trained_staff}
"""
TEXTS = {
    "asb_logs": """## Logs and referrals

{{ found_crimes("asb_logs", examined("asb_log"), "Antisocial behaviour logs were not inspected.") }}

{{ table("tbl-protecting") }}

{{ findings.asb_logs | paragraphs }}
""",
    "online": '## Crime reported online\n\n{{ tile("online", "of crime reported online is recorded") }}\n',
}


def protecting_force() -> dict[str, bytes]:
    """The files of an inspection by that programme."""
    content = complete_parameters() | {"programme": "protecting"}
    content["findings"]["asb_logs"] = ["Officers close logs too early."]
    tables = complete_tables()
    main = crimes({"violence": 60, "sexual": 40, "other": 60}, {"violence": 54, "sexual": 38, "other": 57})
    main.loc[main.index[::3], "route"] = "online_report"
    dips = main.iloc[:5].assign(
        crime_id=[f"D{i}" for i in range(5)],
        incident_id=["ASB1", "ASB2", "ASB3", "ASB4", "SG1"],
        sample=["asb_log"] * 4 + ["safeguarding_referral"],
        stratum="",
        route="",
        recorded=["yes", "yes", "yes", "no", "yes"],
        recorded_as=["", "", "", "nothing", ""],
        recorded_at="",
    )
    tables["crimes"] = pd.concat([main, dips], ignore_index=True)
    records = ["ASB1", "ASB2", "ASB3", "ASB4", "ASB5", "SG1", "SG2"]
    tables["dip_records"] = pd.DataFrame(
        {"record_id": records, "sample": ["asb_log"] * 5 + ["safeguarding_referral"] * 2}
    )
    tables = {name: tables[name] for name in ("crimes", "dip_records", "survey", "n100", "cancellations")}
    files = {"testshire.yml": in_yaml(content), "programmes/protecting.yml": PROTECTING.encode()}
    files |= {f"testshire/{name}.csv": table.to_csv(index=False).encode() for name, table in tables.items()}
    return files | {f"testshire/text/{name}.md": text.encode() for name, text in TEXTS.items()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("protecting")
    params = write_files(folder / "params", protecting_force())
    return build_report("testshire", "pandoc", params=params, reports=folder / "reports").folder


def test_what_the_programme_counts_and_judges_is_in_the_results(built):
    found = read_results(built / "results.json")
    assert (found.shares["asb_logs"].x, found.shares["asb_logs"].n) == (3, 4)
    assert (found.shares["protecting"].x, found.shares["protecting"].n) == (4, 5)
    assert found.tallies["dip_records_of"].counts["asb_logs"] == 5
    assert found.estimates["online"].n == 54
    assert found.tallies["routes"].counts["online_report"] == 54
    grades = found.details.grades
    assert (grades["asb"], grades["referrals"], grades["protects"]) == (
        "requires improvement",
        "outstanding",
        "requires improvement",
    )
    assert grades["trained"] in found.details.judgements.scale
    online = next(entry for entry in found.details.judgements.elements if entry.id == "online")
    assert online.probabilities and online.evidence.n == 54


def test_the_section_of_a_renamed_type_has_its_name(built):
    headings = re.findall(r"<h[2-4][^>]*>(.*?)</h", (built / "index.html").read_text(encoding="utf-8"))
    assert "Harm &amp; hurt" in headings and "Violence" not in headings


def test_page_pdf_table_sentence_and_glossary_follow(built):
    for text in (page_text(built), pdf_text(built)):
        for words in (
            "records 90.0% of reported acts of harm",
            "Harm & hurt",
            "For the force as a whole we estimate that it records",
            "for most of all",
            "How well does the force protect people?",
            "In five antisocial behaviour logs we found four crimes that should have been recorded",
            "Crimes found in logs and referrals",
            "Officers close logs too early.",
            "of crime reported online is recorded",
            "through the online reporting page",
            "Has trained its staff",
            "in which a crime may have been reported",
        ):
            assert words in text, words
        assert text.rindex("Logs and referrals") > text.index("How well does the force protect people?")
    assert "asb_logs" in (built / "tables" / "protecting.csv").read_text()
    assert "protecting" in openpyxl.load_workbook(built / "tables.xlsx").sheetnames


def test_comparison_follows(built):
    found = compare([read_results(built / "results.json")], read_published())
    own = next(item for item in found.inspections if item.force == "Testshire")
    assert found.questions["protects"] == "Protecting"
    assert own.grades["protects"] == "requires improvement"
    assert found.rate_names["online"] == "Crime reported online"
    assert own.rates["online"].n == 54


def test_worksheet_and_checks_follow(tmp_path):
    params = write_files(tmp_path, protecting_force())
    inspection = load_inspection("testshire", params)
    incidents = pd.DataFrame({"id": ["1"], "stratum": ["violence"], "reported_at": [pd.NaT], "route": [None]})
    sheet = openpyxl.load_workbook(write_worksheet(tmp_path / "w.xlsx", incidents, "first", inspection))[AUDIT_SHEET]
    letter = sheet.cell(1, list(COLUMNS).index("route") + 1).column_letter
    lists = {str(check.sqref).split(":")[0]: check.formula1 for check in sheet.data_validations.dataValidation}
    assert "online_report" in lists[f"{letter}2"]
    table = pd.read_csv(params / "testshire/crimes.csv", dtype=str, keep_default_na=False)
    table.loc[table["sample"] == "asb_log", "reported_at"] = ""
    table.loc[0, "route"] = "onlin_report"
    table.to_csv(params / "testshire/crimes.csv", index=False)
    with pytest.raises(InputError) as caught:
        read_audit("testshire", params)
    assert "did you mean 'online_report'?" in str(caught.value)
    table.loc[0, "route"] = "online_report"
    table.to_csv(params / "testshire/crimes.csv", index=False)
    with pytest.raises(InputError) as caught:
        read_audit("testshire", params)
    assert "an entry for a crime of the dip sample asb_log" in str(caught.value)


# --- mistakes ---------------------------------------------------------------------------------------------------

MISTAKES = {
    "unknown measure": ("share: asb_logs", "share: asb_log", "elements.asb.share", "did you mean 'asb_logs'?"),
    "element without question": ("question: effective", "question: efective", "elements.online.question", "did you mean 'effective'?"),
    "unknown column": ("{route: online_report}", "{rout: online_report}", "estimates.online.where.rout", "did you mean 'route'?"),
    "unknown value": ("{sample: asb_log}", "{sample: asb_logs}", "shares.asb_logs.where.sample", "did you mean 'asb_log'?"),
    "circular measure": (
        "sum: [asb_logs, safeguarding_referrals]", "sum: [asb_logs, protecting]", "shares.protecting.sum", "not made of themselves",
    ),
    "section without text": ("    asb_logs: [protects]", "    asb_logs: [protects]\n    asb_log: []", "chapters.questions.asb_log", "a file asb_log.md"),
    "table without title": ("    title: Crimes found in logs and referrals\n", "", "tables.tbl-protecting.title", "a title"),
    "unknown row": ("      protecting: Both together", "      protectin: Both", "tables.tbl-protecting.rows", "did you mean 'protecting'?"),
    "unknown base": ("extends: cdi-2017", "extends: cdi-2071", "extends", "did you mean 'cdi-2017'?"),
    "id": ("  tbl-protecting:\n", "  tbl_protecting:\n", "tables.tbl_protecting", "an id such as tbl-asb-logs"),
    "unknown key": ("compared:", "comparable:", "comparable", "unknown key"),
}  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "where", "words"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_gets_one_message_with_file_and_line(tmp_path, right, wrong, where, words):
    assert PROTECTING.count(right) == 1
    content = PROTECTING.replace(right, wrong)
    files = protecting_force() | {"programmes/protecting.yml": content.encode()}
    with pytest.raises(InputError) as caught:
        read_audit("testshire", write_files(tmp_path, files))
    [problem] = [one for one in caught.value.problems if where in one.where]
    assert problem.file == "params/programmes/protecting.yml"
    line = int(problem.where.split(",")[0].removeprefix("line "))
    assert 1 <= line <= content.count("\n")
    assert words in str(problem)
    assert not [one for one in caught.value.problems if one.file == problem.file and one is not problem]


def test_typo_in_a_text_is_told_with_its_line(tmp_path):
    files = protecting_force()
    files["testshire/text/asb_logs.md"] = TEXTS["asb_logs"].replace('asb_log")', 'asb_log") + 1').encode()
    files["testshire/text/online.md"] = b"## Online\n\n{{ tiel('online') }}\n"
    with pytest.raises(InputError) as caught:
        read_audit("testshire", write_files(tmp_path, files))
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 2, told
    assert any("online.md, line 3" in line and "did you mean 'tile'?" in line for line in told)
    assert any("asb_logs.md, line 3" in line and "a computed number" in line for line in told)


# --- extending, and what was there before ---------------------------------------------------------------------------


def test_a_programme_takes_over_what_it_does_not_say(tmp_path):
    write_files(tmp_path, {"programmes/protecting.yml": PROTECTING.encode()})
    own, base = load_programme("protecting", tmp_path), default_programme()
    assert list(own.samples)[: len(base.samples)] == list(base.samples)
    assert own.elements["rape"] == base.elements["rape"]
    sections = [section for section, _ in chapters(own)]
    assert sections.index("asb_logs") > sections.index("leadership")
    assert sections.index("online") < sections.index("other_systems")
    assert own.place("asb").startswith("params/programmes/protecting.yml, line ")
    assert own.place("rape").startswith("params/programmes/cdi-2017.yml, line ")


def test_what_is_null_is_taken_away_and_lists_are_replaced(tmp_path):
    text = "name: less\nextends: cdi-2017\nelements: {equality: null}\nchapters: {first: [summary], questions: {survey: null}}\n"
    write_files(tmp_path, {"programmes/less.yml": text.encode()})
    found = load_programme("less", tmp_path)
    assert "equality" not in found.elements
    assert "survey" not in found.chapters.questions
    assert found.chapters.first == ("summary",)


def test_programmes_that_extend_each_other_are_refused(tmp_path):
    files = {f"programmes/{a}.yml": f"name: {a}\nextends: {b}\n".encode() for a, b in (("one", "two"), ("two", "one"))}
    with pytest.raises(InputError, match="one -> two -> one"):
        load_programme("one", write_files(tmp_path, files))


def test_old_files_and_the_old_key_still_work(tmp_path):
    content = yaml.safe_load((PROJECT / "params/programmes/cdi-2017.yml").read_text(encoding="utf-8"))
    old = ("name", "version", "date", "title", "note", "grades", "questions", "overall", "elements")
    framework = {key: content[key] for key in old} | {"name": "own"}
    framework["elements"] = {key: item for key, item in framework["elements"].items() if key != "n100"}
    write_files(tmp_path, {"criteria/own.yml": in_yaml(framework)})
    parameters = complete_parameters()
    del parameters["programme"]
    found = check_inspection(parameters | {"criteria": "own"}, "x", tmp_path)
    assert found.programme.name == "own"
    moved = [str(warning) for warning in doubtful(found, "x", date(2026, 1, 1))]
    assert any("criteria: got this key; expected 'programme'" in line for line in moved)
    assert any("params/programmes" in line for line in moved)
    assert "n100" not in found.programme.elements
    assert found.programme.samples == default_programme().samples


def test_rule_of_recording_is_that_of_the_audit_period():
    rule = default_programme().rule_on
    assert (rule(date(2014, 9, 1)).limit_hours, rule(date(2019, 6, 1)).limit_hours) == (72, 24)
    texts = [
        rule(date.fromisoformat(day)).principal_crime
        for day in ("2017-01-01", "2018-04-01", "2023-05-31", "2023-06-01")
    ]
    assert texts[1] == texts[2] and len(set(texts)) == 3


def test_a_version_that_is_inherited_is_told_as_that_of_the_other_programme(tmp_path):
    folder = tmp_path / "programmes"
    folder.mkdir()
    for name, text in {
        "near": "extends: far",
        "far": "extends: cdi-2017",
        "own": 'extends: far\nversion: "2.0"',
    }.items():
        (folder / f"{name}.yml").write_text(f"name: {name}\n{text}\n", encoding="utf-8")
    assert [load_programme(name, tmp_path).extends for name in ("near", "far", "own")] == ["cdi-2017"] * 2 + [None]


def test_a_section_of_what_was_taken_away_is_told(tmp_path):
    """Nothing would be known of it, and its text would say that it was not there."""
    (tmp_path / "programmes").mkdir()
    taken = {
        "estimates": {"rape": None}, "shares": {"n100_required": None, "n100_review": None}, "elements": {"rape": None, "n100": None},
    }  # fmt: skip
    (tmp_path / "programmes" / "less.yml").write_text(
        yaml.safe_dump({"name": "less", "extends": "cdi-2017"} | taken), "utf-8"
    )
    with pytest.raises(InputError) as caught:
        load_programme("less", tmp_path)
    places = [problem.where for problem in caught.value.problems]
    assert any("chapters.questions.n100" in place for place in places), places
    assert not any("chapters.questions.rape" in place for place in places)  # the "x of y" of rape is left
