"""What a parameter file may say, and the message that each mistake gets."""

from datetime import date
from typing import get_args

import pytest
import yaml
from forces import parameters

from cdi_lib.inspection.folders import force_key, forces
from cdi_lib.inspection.parameters import (
    Decision,
    Estimation,
    Inspection,
    Period,
    SamplingPlan,
    check_inspection,
    doubtful,
    load_inspection,
)
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.values import place
from cdi_lib.statistics.intervals import COMBINED, INTERVALS


def problems_of(content) -> list[str]:
    with pytest.raises(InputError) as caught:
        check_inspection(content, "params/x.yml")
    return [str(problem) for problem in caught.value.problems]


def test_northamptonshire_is_accepted():
    inspection = load_inspection("northamptonshire")
    assert inspection.all_crime == 61_500
    assert inspection.records.status == "reconstruction"


FIGURE = {"value": 9000, "status": "assumed", "source": "invented"}
PREVIOUS = {
    "year": 2014,
    "audited_crimes": 82,
    "recorded_crimes": 65,
    "representative": False,
    "status": "published",
    "source": "news report",
}


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"audit_perod": {}}, "audit_perod", "did you mean 'audit_period'?"),
        ({"force": {"name": "X", "shortname": "Y"}}, "force.shortname", "did you mean 'short_name'?"),
        ({"force": {"name": "X"}}, "force.short_name", "got nothing"),
        ({"force": None}, "force", "this key"),
        ({"force": {"name": "", "short_name": "Y"}}, "force.name", "not empty"),
        ({"force": {"name": True, "short_name": "Y"}}, "force.name", "put it in quotes"),
        ({"schema_version": 2}, "schema_version", "1"),
        ({"audit_period": {"start": "2022-06-30", "end": "2022-01-01"}}, "audit_period", "ends on or after its start"),
        ({"audit_period": {"start": "2022-02-30", "end": "2022-06-30"}}, "audit_period.start", "2019-06-01"),
        ({"audit_period": {"start": "01/02/2022", "end": "2022-06-30"}}, "audit_period.start", "year-month-day"),
        ({"audit_period": {"start": "2012-01-01", "end": "2022-06-30"}}, "audit_period", "three years"),
        ({"publication": {"title": "T", "date": "2022-01-01"}}, "publication.date", "after the audit period"),
        (
            {"publication": {"title": "T", "date": "2022-09-01", "status": "finl"}},
            "publication.status",
            "'draft' or 'final'",
        ),
        ({"publication": {"title": "T", "date": "2022-09-01", "version": 1.0}}, "publication.version", "quotes"),
        ({"records": {"status": "invented"}}, "records", "a note"),
        ({"auditable_route_percent": FIGURE | {"value": 0.92}}, "auditable_route_percent.value", "write 92"),
        ({"auditable_route_percent": FIGURE | {"value": 101}}, "auditable_route_percent.value", "up to 100"),
        ({"auditable_route_percent": FIGURE | {"value": "96.7%"}}, "auditable_route_percent.value", "a number"),
        ({"auditable_route_percent": FIGURE | {"value": float("nan")}}, "auditable_route_percent.value", "expected"),
        ({"recorded_crime": {"violence": FIGURE, "sexual": FIGURE}}, "recorded_crime.other", "excluding fraud"),
        (
            {"recorded_crime": dict.fromkeys(("violence", "sexual"), FIGURE) | {"other": FIGURE | {"value": -1}}},
            "recorded_crime.other.value",
            "0 or more",
        ),
        (
            {"recorded_crime": dict.fromkeys(("violence", "sexual"), FIGURE) | {"other": FIGURE | {"value": "21,900"}}},
            "recorded_crime.other.value",
            "thousands separators",
        ),
        (
            {"recorded_crime": dict.fromkeys(("violence", "sexual"), FIGURE) | {"other": FIGURE | {"value": 1.5}}},
            "recorded_crime.other.value",
            "whole number",
        ),
        (
            {"recorded_crime": dict.fromkeys(("violence", "sexual"), FIGURE) | {"other": FIGURE | {"value": True}}},
            "recorded_crime.other.value",
            "whole number",
        ),
        (
            {"recorded_crime": dict.fromkeys(("violence", "sexual"), FIGURE) | {"other": FIGURE | {"status": "guess"}}},
            "recorded_crime.other.status",
            "'published'",
        ),
        ({"recorded_crime": 5}, "recorded_crime", "keys of its own"),
        ({"estimation": {"confidence_percent": 0.95}}, "estimation.confidence_percent", "such as 95"),
        ({"estimation": {"confidence_percent": 100}}, "estimation.confidence_percent", "between 50 and 100"),
        ({"estimation": {"interval": "wald"}}, "estimation.interval", "'wilson'"),
        ({"estimation": {"clustered": "yes"}}, "estimation.clustered", "true or false"),
        ({"estimation": {"headline": "weighted"}}, "estimation.headline", "'stratified' or 'pooled'"),
        ({"previous_inspection": PREVIOUS | {"recorded_crimes": 83}}, "previous_inspection", "83 recorded of 82"),
        (
            {"previous_inspection": PREVIOUS | {"audited_crimes": 0, "recorded_crimes": 0}},
            "previous_inspection.audited_crimes",
            "1 or more",
        ),
        ({"equality": {"recorded": ["age"], "not_recorded": ["age"]}}, "equality", "in both: age"),
        ({"equality": {"recorded": [], "not_recorded": []}}, "equality", "at least one"),
        ({"findings": {"overall": "text"}}, "findings.overall", "a list"),
        ({"findings": {"overal": []}}, "findings.overal", "did you mean 'overall'?"),
        ({"findings": {"overall": [False]}}, "findings.overall.1", "quotes"),
        (
            {"assessments": [{"element": "e", "criterion": "c", "finding": "met", "evidence": "e"}]},
            "assessments.1.finding",
            "'fully met'",
        ),
        ({"decisions": [{"grade_of": "overall", "grade": "good"}]}, "decisions.1.reason", "printed in the report"),
        (
            {"decisions": [{"grade_of": "overall", "grade": "good", "reason": "r", "role": "x"}] * 2},
            "decisions",
            "more than once: overall",
        ),
    ],
)
def test_a_mistake_is_named(changes, where, words):
    found = problems_of(parameters(**changes))
    assert any(words in line and (where in line) for line in found), found


def test_all_problems_at_once():
    found = problems_of({"schema_version": 1, "force": {"nam": "X"}, "estimation": {"interval": "x"}})
    assert len(found) >= 7


def test_a_message_names_file_key_got_and_expected():
    (line,) = problems_of(parameters(auditable_route_percent=FIGURE | {"value": 0.92}))
    assert line == (
        "error: params/x.yml, auditable_route_percent.value: got 0.92; "
        "expected a percentage such as 92.0; 0.92 looks like a proportion: write 92"
    )


@pytest.mark.parametrize("content", [None, [], "text", 5, {}])
def test_a_file_that_is_no_mapping_is_refused(content):
    assert problems_of(content)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("force: [", "YAML"),
        ("a: 1\na: 2", "'a' stands twice"),
        ("1: x", "the key 1; expected text"),
        ("x: !!python/object/apply:os.system [ls]", "a YAML tag"),
    ],
)
def test_a_file_that_is_not_yaml_is_refused(tmp_path, text, words):
    (tmp_path / "x.yml").write_text(text)
    with pytest.raises(InputError, match=words):
        load_inspection("x", tmp_path)


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "x.yml").write_bytes(b"force: \xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        load_inspection("x", tmp_path)


def test_a_missing_file_names_the_forces_there_are(tmp_path):
    (tmp_path / "testshire.yml").write_text(yaml.safe_dump(parameters()))
    with pytest.raises(InputError, match="did you mean 'testshire'"):
        load_inspection("testshir", tmp_path)
    assert forces(tmp_path) == ["testshire"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "a b", "-a", "a--b", "1a", "a.yml", "å", None, "x" * 61])
def test_a_force_name_that_could_be_a_path_is_refused(name):
    with pytest.raises(InputError, match="FORCE"):
        force_key(name)


def test_a_force_name_with_capitals_gets_a_suggestion():
    with pytest.raises(InputError, match="perhaps FORCE=west-mercia"):
        force_key("West Mercia")


@pytest.mark.parametrize(
    ("start", "end", "years"),
    [("2019-06-01", "2019-11-30", 0.5), ("2019-12-01", "2020-02-29", 0.25), ("2018-06-01", "2018-11-20", 173 / 365.25)],
)
def test_length_of_the_audit_period(start, end, years):
    assert Period(start=start, end=end).years == pytest.approx(years)


def test_what_is_possible_but_unlikely_gets_a_warning():
    eight_months = parameters(audit_period={"start": "2021-11-01", "end": "2022-06-30"})
    today = date(2022, 10, 1)
    warnings = doubtful(check_inspection(eight_months, "params/x.yml"), "params/x.yml", today)
    [warning] = warnings
    assert str(warning) == (
        "warning: params/x.yml, audit_period: got 8 months, 2021-11-01 to 2022-06-30; "
        "expected 6 months, as inspections by this programme have; correct it unless it was so"
    )
    assert doubtful(check_inspection(parameters(), "x"), "x", today) == []
    late = parameters()
    late["publication"] |= {"date": "2022-09-01", "approvals": [{"role": "Head", "date": "2022-09-02"}]}
    [approval] = doubtful(check_inspection(late, "x"), "x", today)
    assert approval.where == "publication.approvals" and "after the publication" in approval.got
    [future] = doubtful(check_inspection(parameters(), "x"), "x", date(2022, 6, 29))
    assert "in the future" in future.got
    assert future.severity == "warning"


def test_an_alias_may_repeat_a_group_of_values(tmp_path):
    content = yaml.safe_dump(parameters(recorded_crime=dict.fromkeys(("violence", "sexual", "other"), FIGURE)))
    assert "*id001" in content
    (tmp_path / "x.yml").write_text(content)
    assert load_inspection("x", tmp_path).all_crime == 27_000


@pytest.mark.parametrize(
    ("location", "owner", "keys"),
    [
        (("decisions", 0, "reason"), Decision, ("decisions", 0, "reason")),
        (("survey_statements", "a", "[key]"), None, ("survey_statements", "a")),
        (("sampling", "margin_points", "int"), SamplingPlan, ("sampling", "margin_points")),
        (("float",), Inspection, ("float",)),
    ],
)
def test_a_place_is_given_by_the_keys_that_the_user_typed(location, owner, keys):
    assert place(location, Inspection) == (owner, keys)


def test_the_default_interval_is_that_of_the_estimators():
    assert Estimation().interval is None
    choices = get_args(get_args(Estimation.model_fields["interval"].annotation)[0])
    assert set(choices) == {*INTERVALS, *COMBINED}
