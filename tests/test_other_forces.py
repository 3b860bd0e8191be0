"""Forces that differ from Northamptonshire: little data, parts that were not inspected, mistakes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from forces import crimes, parameters, write_force
from test_report import page_text, pdf_text

from cdi_lib.cli import main
from cdi_lib.inspection.measures import doubtful_strata
from cdi_lib.inspection.parameters import PROJECT
from cdi_lib.inspection.problems import InputError
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.pipeline.build import build_report


def build(tmp_path, content=None, tables=None):
    write_force(tmp_path / "params", "testshire", content, tables)
    return build_report("testshire", "pandoc", params=tmp_path / "params", reports=tmp_path / "reports").folder


def test_a_force_with_nothing_optional(tmp_path):
    folder = build(tmp_path)
    for text in (page_text(folder), pdf_text(folder)):
        for words in (
            "There was no survey",
            "There is no previous inspection",
            "Cancelled crimes were not reviewed",
            "were not inspected",
            "Inspectors named no areas for improvement",
            "Draft",
        ):
            assert words in text, words
        for word in ("nan", "None", "NaT", "inf"):
            assert f" {word} " not in text


@pytest.mark.stress
def test_a_small_force_with_strata_without_unrecorded_crime_and_empty_dip_samples(tmp_path):
    tables = {
        "crimes": crimes(
            {"violence": 25, "sexual": 3, "other": 20}, {"violence": 25, "sexual": 3, "other": 17}, per_incident=3
        ),
        "dip_records": pd.DataFrame(
            {"record_id": ["D1", "D2"], "sample": ["third_party_email", "modern_slavery_other"]}
        ),
        "n100": pd.DataFrame(columns=["record_id", "kind", "applied", "should_be_rape"]),
        "cancellations": pd.DataFrame(
            columns=["crime_id", "crime_type", "authorised_by", "correct", "victim_to_be_informed", "victim_informed"]
        ),
        "survey": pd.DataFrame(columns=["respondent_id", "statement", "answer"]),
    }
    tables["crimes"]["domestic_abuse"] = "no"
    folder = build(
        tmp_path, parameters(publication={"title": "Inspection", "date": "2022-09-01", "status": "final"}), tables
    )
    for text in (page_text(folder), pdf_text(folder)):
        for words in (
            "went unrecorded",
            "rough indication",
            "few audited crimes, so a rough indication",
            "was related to domestic abuse",
            "no report of rape",
            "we found no crime that should have been recorded",
            "The use of N100 was not inspected",  # a table without a row is as make new left it
            "Cancelled crimes were not reviewed",
            "There was no survey",
        ):
            assert words in text, words
        assert "nan" not in text.split()
        assert "Draft" not in text


@pytest.mark.stress
def test_text_from_parameters_is_only_text(tmp_path):
    evil = '<script>alert(1)</script> {{< include x >}} `#read("/etc/passwd")`{=typst} @tbl-nothing [a](javascript:x) ::: {.box}'
    content = parameters(
        force={"name": "Test*shire* <b>Police</b>", "short_name": "T"},
        publication={"title": "Inspection #1 $x$ <i>2022</i>", "date": "2022-09-01"},
        findings={"overall": [evil], "improved": [evil], "violence": ["# heading", "- item"]},
        areas_for_improvement=[{"text": evil}],
    )
    folder = build(tmp_path, content)
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert 'href="javascript' not in html
    text = page_text(folder)
    assert "<script>alert(1)</script>" in text
    assert "Test*shire* <b>Police</b>" in text
    assert '#read("/etc/passwd")' in text.replace("“", '"').replace("”", '"')


@pytest.mark.stress
def test_another_framework_and_a_grade_set_by_inspectors(tmp_path):
    decision = {
        "grade_of": "effective",
        "grade": "outstanding",
        "reason": "The audit was repeated",
        "role": "Reporting officer",
    }
    folder = build(tmp_path, parameters(criteria="peel-2021", decisions=[decision]))
    for text in (page_text(folder), pdf_text(folder)):
        assert "peel-2021" in text
        assert "By the criteria the grade would be adequate" in text
        assert "The audit was repeated" in text
        assert "outstanding" in text


def test_bad_input_stops_before_a_notebook_runs_and_keeps_the_last_report(tmp_path):
    write_force(tmp_path / "params", "testshire", parameters(audit_perod={}))
    kept = tmp_path / "reports" / "testshire"
    kept.mkdir(parents=True)
    (kept / "index.html").write_text("the last good report")
    with pytest.raises(InputError, match="audit_perod"):
        build_report("testshire", "pandoc", params=tmp_path / "params", reports=tmp_path / "reports")
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["testshire"]
    assert (kept / "index.html").read_text() == "the last good report"


@pytest.mark.parametrize(
    ("content", "tables", "words"),
    [
        (parameters(), {"crimes": crimes({"violence": 9, "sexual": 0, "other": 9}, {"violence": 9, "sexual": 0, "other": 9})}, "no audited crime of type sexual"),
        (parameters(), {"crimes": crimes({"violence": 9, "sexual": 4, "other": 9}, {"violence": 9, "sexual": 0, "other": 9})}, "no recorded crime among the 4"),
        (
            parameters(recorded_crime={k: {"value": v, "status": "assumed", "source": "x"} for k, v in {"violence": 100, "sexual": 100, "other": 20}.items()}),
            {"crimes": crimes({"violence": 9, "sexual": 4, "other": 30}, {"violence": 9, "sexual": 4, "other": 30})},
            "recorded_crime.other",
        ),
        (parameters(criteria="cdi-2071"), None, "cdi-2017"),
        (parameters(areas_for_improvement=[{"text": "do it", "elements": ["timelines"]}]), None, "did you mean 'timeliness'"),
        (parameters(decisions=[{"grade_of": "overall", "grade": "excellent", "reason": "r", "role": "x"}]), None, "one of outstanding"),
    ],
)  # fmt: skip
def test_what_cannot_be_estimated_or_judged_is_refused(tmp_path, content, tables, words):
    write_force(tmp_path / "params", "testshire", content, tables)
    with pytest.raises(InputError, match=words):
        build_report("testshire", "pandoc", params=tmp_path / "params", reports=tmp_path / "reports")


@pytest.mark.parametrize(
    "arguments",
    [["report", "--force=nowhere"], ["report"], ["check", "--force=../x"], ["diff", "--force=northamptonshire"]],
)
def test_commands_answer_mistakes_with_one_message(arguments, capsys):
    assert main(arguments) == 1
    printed = capsys.readouterr().err
    assert "expected" in printed
    assert "Traceback" not in printed


def test_check_accepts_northamptonshire(capsys):
    assert main(["check", "--force=northamptonshire"]) == 0
    assert "1,129 audited crimes" in capsys.readouterr().out


def test_the_report_folder_of_the_project_was_not_touched():
    assert not list((PROJECT / "reports").glob(".testshire*"))
    assert np.all([path.name != "testshire" for path in (PROJECT / "reports").iterdir()])


def test_strata_that_are_not_crime_types_are_warned_of(tmp_path):
    table = crimes({"violence": 20, "sexual": 10, "other": 20}, {"violence": 18, "sexual": 9, "other": 18})
    table["stratum"] = ["north" if k % 2 else "south" for k in table["incident_id"].str[2:].astype(int)]
    write_force(tmp_path / "params", "testshire", tables={"crimes": table})
    audit = read_audit("testshire", tmp_path / "params")
    records = audit.records
    assert "not the types of their crimes" in doubtful_strata(audit.inspection, records)[0].got
    without = replace(records, crimes=records.crimes.drop(columns="stratum"))
    assert doubtful_strata(audit.inspection, without) == []
    sizes = {"stratum": ["north", "south"], "frame_incidents": [500, 50], "audited_incidents": [20, 20]}
    known = replace(records, strata=pd.DataFrame(sizes))
    assert doubtful_strata(audit.inspection, known) == []


OTHER_FRAMEWORK = """
name: two-questions
version: "0.1"
date: 2022-10-01
title: Two questions, three grades
note: An invented framework for a test.
grades: [strong, fair, weak]
questions:
  accuracy:
    label: Does the force record crime accurately?
    rules:
      strong: {at_most_below: 0, sentence: Every element is strong.}
      fair: {at_most_below: 0, sentence: No element is weak.}
  speed_and_care:
    label: Does the force record crime fast and with care?
    rules:
      strong: {at_most_below: 0, sentence: Every element is strong.}
      fair: {at_most_below: 0, sentence: No element is weak.}
overall:
  label: All in all
  rules:
    strong: {at_most_below: 0, sentence: Both questions are strong.}
    fair: {at_most_below: 1, sentence: At most one question is weak.}
elements:
  everything:
    label: Records crime
    question: accuracy
    estimate: overall
    bands: {strong: 95, fair: 80}
    reason: For a test.
  promptness:
    label: Records in time
    question: speed_and_care
    share: within_24
    bands: {strong: 90, fair: 50}
    reason: For a test.
"""


@pytest.mark.stress
def test_a_framework_with_other_questions_elements_and_grades(tmp_path):
    (tmp_path / "params" / "criteria").mkdir(parents=True)
    (tmp_path / "params" / "criteria" / "two-questions.yml").write_text(OTHER_FRAMEWORK)
    published = {"figure": "Overall grade", "result": "details.grades.overall", "shown_as": "text"}
    published |= {"published": "good", "source": "a report"}
    sample = crimes({"violence": 200, "sexual": 80, "other": 160}, {"violence": 180, "sexual": 76, "other": 150})
    tables = {"crimes": sample, "published": pd.DataFrame([published])}
    folder = build(tmp_path, parameters(criteria="two-questions"), tables)
    for text in (page_text(folder), pdf_text(folder)):
        for words in (
            "Does the force record crime accurately?",
            "Records in time",
            "Recorded within 24 hours",
            "One published grade was given by other criteria",  # those of this report are later
        ):
            assert words in text, words
        assert text.rindex("Does the force record crime fast and with care?") > text.index(
            "Overall crime recording rate"
        )
        assert "inadequate" not in text
