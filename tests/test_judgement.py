"""Judgements: Northamptonshire as published, criteria that are refused, missing data, decisions, warnings."""

from __future__ import annotations

import json
import shutil
from datetime import date

import pytest
import yaml

from cdi_lib.inspection.details import AtLeast, Below, CountChange, FindingChange, Judgements, ShareEvidence
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.judgement import check_areas, grade_of_parts, judge
from cdi_lib.inspection.parameters import (
    Assessment,
    CarriedForward,
    Decision,
    Inspection,
    between_file_and_programme,
    load_inspection,
)
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.programme import Programme, Question, default_programme, load_programme
from cdi_lib.inspection.results import EstimateResult, Share
from cdi_lib.report.sections.judgements import rule_words

# Published report Northamptonshire 2020: rate in per cent, half-width of the interval, audited crimes.
# n of violence and sexual offences is derived from the published figures; rape is 78 of 84, normal interval.
PUBLISHED_RATES = {
    "overall": (92.0, 1.55, 1129),
    "violence": (89.2, 2.69, 491),
    "sexual": (96.2, 1.96, 266),
    "rape": (92.857, 5.5, 84),
}
PUBLISHED_SHARES = {
    "n100_required": (8, 10),
    "vulnerable_victims": (33, 39),
    "modern_slavery": (35, 37),
    "within_24": (826, 1043),
    "cancelled_rape": (20, 20),
    "cancelled_sexual": (18, 20),
    "cancelled_violence": (18, 20),
    "cancelled_robbery": (9, 9),
    "equality": (4, 6),
}


def estimate(percentage, margin, n):
    value, half = percentage / 100, margin / 100
    return EstimateResult(
        label="rate", value=value, se=half / 1.96, low=value - half, high=min(value + half, 1), n=n,
        confidence=0.95, estimator="pooled", interval="normal", notebook="test",
    )  # fmt: skip


def share(x, n, sample="dip"):
    return Share(label="share", x=x, n=n, sample=sample, notebook="test")


@pytest.fixture
def inspection():
    return load_inspection("northamptonshire")


@pytest.fixture
def estimates():
    return {key: estimate(*figures) for key, figures in PUBLISHED_RATES.items()}


@pytest.fixture
def shares():
    found = {key: share(*figures) for key, figures in PUBLISHED_SHARES.items()}
    return found | {"within_24": share(826, 1043, "main and dip")}


def grades(judgements):
    return {entry.id: entry.decided for entry in judgements.everything}


def entry(judgements, id_):
    return next(found for found in judgements.everything if found.id == id_)


def test_northamptonshire_2020_is_graded_as_published_without_a_decision(inspection, estimates, shares):
    assert inspection.decisions == ()
    found = grades(judge(load_programme("cdi-2017"), estimates, shares, inspection))
    assert [found[key] for key in ("overall", "effective", "efficient", "leadership")] == [
        "good", "good", "requires improvement", "good",
    ]  # fmt: skip
    below = {key for key, grade in found.items() if grade == "requires improvement"}
    assert below == {"violent_crime", "safeguarding", "timeliness", "equality", "efficient"}


def test_peel_has_five_grades_and_northamptonshire_is_adequate(inspection, estimates, shares):
    judgements = judge(load_programme("peel-2021"), estimates, shares, inspection)
    assert judgements.scale == ("outstanding", "good", "adequate", "requires improvement", "inadequate")
    assert judgements.overall.decided == "adequate"


def test_judgements_are_json_and_the_same_every_time(inspection, estimates, shares):
    first, second = (
        json.dumps(judge(load_programme("cdi-2017"), estimates, shares, inspection).model_dump(mode="json"))
        for _ in range(2)
    )
    assert first == second
    assert Judgements.model_validate_json(first).model_dump(mode="json") == json.loads(first)


def test_evidence_names_what_the_next_grades_need(inspection, estimates, shares):
    judgements = judge(load_programme("cdi-2017"), estimates, shares, inspection)
    safeguarding = entry(judgements, "safeguarding")
    assert safeguarding.evidence == ShareEvidence(result="vulnerable_victims", x=33, n=39)
    for change in (safeguarding.next_better, safeguarding.next_worse):
        moved = shares | {"vulnerable_victims": share(change.x, change.n)}
        again = judge(load_programme("cdi-2017"), estimates, moved, inspection)
        assert grades(again)["safeguarding"] == change.grade
    # one record less than needed is not enough
    almost = shares | {"vulnerable_victims": share(safeguarding.next_better.x - 1, 39)}
    again = judge(load_programme("cdi-2017"), estimates, almost, inspection)
    assert grades(again)["safeguarding"] == "requires improvement"
    efficient = entry(judgements, "efficient")
    assert {change.part for change in efficient.next_better} == {"safeguarding", "timeliness", "equality"}


def test_probabilities_follow_the_interval(inspection, estimates, shares):
    judgements = judge(load_programme("cdi-2017"), estimates, shares, inspection)
    chances = entry(judgements, "all_crime").probabilities
    assert sum(chances.values()) == pytest.approx(1)
    # scipy 1.16: stats.norm.sf(90, 92, 1.55 / 1.959964) = 0.99428; the Beta distribution is close to that
    assert chances["good"] == pytest.approx(0.994, abs=0.005)
    on_the_edge = estimates | {"overall": estimate(90.0, 1.5, 1129)}
    chances = judge(load_programme("cdi-2017"), on_the_edge, shares, inspection).overall.probabilities
    assert 0.4 < chances["good"] < 0.6
    assert entry(judgements, "safeguarding").probabilities is None  # a dip sample is not random


TWINS = """
name: twins
version: "0.1"
date: 2022-01-01
title: A whole and its only part
note: The cut-off is a test's own.
grades: [good, bad]
questions:
  first:
    label: Both good?
    rules: {good: {at_most_below: 0, sentence: Both are good.}}
overall:
  label: Overall
  rules: {good: {at_most_below: 0, sentence: It is good.}}
elements:
  whole: {label: Whole, question: first, estimate: overall, bands: {good: 90}, reason: For a test.}
  part: {label: Part, question: first, estimate: violence, bands: {good: 90}, reason: For a test.}
"""


def in_folder(params, name):
    """The file of a programme in a folder of parameters."""
    path = params / "programmes" / f"{name}.yml"
    path.parent.mkdir(exist_ok=True)
    return path


def chances_of_twins(tmp_path, inspection, estimates):
    in_folder(tmp_path, "twins").write_text(TWINS, encoding="utf-8")
    judgements = judge(load_programme("twins", tmp_path), estimates, {}, inspection)
    return judgements.overall.probabilities["good"]


def test_all_crime_moves_with_the_crime_types_that_it_consists_of(tmp_path, inspection):
    rate = estimate(90.0, 1.5, 1000)
    # All crime is violence: one chance, not two. The median of a Beta distribution lies a little above its mean.
    assert chances_of_twins(tmp_path, inspection, {"overall": rate, "violence": rate}) == pytest.approx(0.5, abs=0.03)
    # A tenth of all crime is violence: the variance of the part that they share is a tenth (correlation 0.316).
    # Both normal scores above their median: 1/4 + arcsin(0.316) / (2 pi) = 0.301 (Sheppard 1899)
    part = estimate(90.0, 1.5 * 10**0.5, 100)
    assert chances_of_twins(tmp_path, inspection, {"overall": rate, "violence": part}) == pytest.approx(0.301, abs=0.03)
    # The other types are independent of violence: with a tenth each, they change nothing of that.
    others = {"overall": rate, "violence": part, "sexual": part, "other": part}
    assert chances_of_twins(tmp_path, inspection, others) == pytest.approx(0.301, abs=0.03)


def test_best_grade_is_not_earned_by_the_allowance_for_small_samples(inspection, estimates, shares):
    nine_of_ten = shares | {"n100_required": share(9, 10)}
    assert grades(judge(load_programme("cdi-2017"), estimates, nine_of_ten, inspection))["n100"] == "good"


def test_nothing_inspected_is_not_judged(inspection):
    nothing = inspection.model_copy(update={"assessments": ()})
    judgements = judge(load_programme("cdi-2017"), {}, {}, nothing)
    assert set(grades(judgements).values()) == {"not judged"}
    assert judgements.overall.probabilities is None


def test_question_without_its_required_element_is_not_judged(inspection, estimates, shares):
    del estimates["overall"]
    found = judge(load_programme("cdi-2017"), estimates, shares, inspection)
    assert entry(found, "effective").computed == "not judged"
    assert "Records all reported crime" in rule_words(entry(found, "effective"))
    assert grades(found)["overall"] == "not judged"


def test_too_few_records_are_said_to_be_too_few(inspection, estimates, shares):
    found = judge(load_programme("cdi-2017"), estimates, shares | {"cancelled_robbery": share(3, 3)}, inspection)
    assert entry(found, "cancels_robbery").status == "too_few"


def test_untested_element_is_carried_forward_with_its_date(inspection, estimates, shares):
    del shares["cancelled_rape"]
    earlier = CarriedForward(element="cancels_rape", grade="inadequate", date="2018-07-17", source="report 2018")
    again = inspection.model_copy(update={"carried_forward": (earlier,)})
    found = entry(judge(load_programme("cdi-2017"), estimates, shares, again), "cancels_rape")
    assert (found.decided, found.status, found.carried_from) == ("inadequate", "carried_forward", "2018-07-17")
    tested = shares | {"cancelled_rape": share(20, 20)}  # what was tested again counts
    found = entry(judge(load_programme("cdi-2017"), estimates, tested, again), "cancels_rape")
    assert (found.decided, found.status) == ("outstanding", "judged")


def test_decision_is_kept_beside_the_computed_grade_and_counts_upwards(inspection, estimates, shares):
    decision = Decision(grade_of="effective", grade="inadequate", reason="A reason.", role="Senior officer")
    found = judge(
        load_programme("cdi-2017"), estimates, shares, inspection.model_copy(update={"decisions": (decision,)})
    )
    effective = entry(found, "effective")
    assert (effective.computed, effective.decided) == ("good", "inadequate")
    assert (effective.reason, effective.role) == ("A reason.", "Senior officer")
    assert found.overall.computed == "inadequate"
    assert found.overall.probabilities["inadequate"] == 1.0


def test_unknown_elements_and_grades_in_parameters_are_named_with_a_suggestion(inspection):
    wrong = inspection.model_copy(
        update={
            "decisions": (Decision(grade_of="efficient", grade="goood", reason="r", role="r"),),
            "assessments": (Assessment(element="action_plam", criterion="c", finding="fully met", evidence="e"),),
        }
    )
    messages = [" ".join(problem) for problem in between_file_and_programme(wrong)]
    assert len(messages) == 2
    assert "did you mean 'action_plan'?" in messages[0]
    assert "did you mean 'good'?" in messages[1]
    assert list(between_file_and_programme(inspection)) == []


def test_low_grade_without_an_area_for_improvement_is_a_warning(inspection, estimates, shares):
    judgements = judge(load_programme("cdi-2017"), estimates, shares, inspection)
    assert check_areas(judgements, inspection) == []
    without = inspection.model_copy(update={"areas_for_improvement": ()})
    warnings = check_areas(judgements, without)
    assert {problem.severity for problem in warnings} == {"warning"}
    assert len(warnings) == 4
    assert "safeguarding" in " ".join(map(str, warnings))


def test_a_carried_grade_of_an_element_that_was_judged_is_a_warning(inspection, estimates, shares):
    carried = CarriedForward(element="timeliness", grade="good", date=date(2018, 1, 1), source="The report of 2018.")
    again = inspection.model_copy(update={"carried_forward": (carried,)})
    [warning] = check_areas(judge(load_programme("cdi-2017"), estimates, shares, again), again)
    assert "timeliness, which was judged this time" in warning.got and warning.severity == "warning"


def test_rates_of_a_handful_of_crimes_are_not_judged(inspection, estimates, shares):
    few = {key: rate.model_copy(update={"n": 9}) for key, rate in estimates.items()}
    for framework in ("cdi-2017", "peel-2021"):
        found = judge(load_programme(framework), few, shares, inspection)
        rates = [e for e in found.elements if e.measure in ("overall", "violence", "sexual", "rape")]
        assert rates and {e.status for e in rates} == {"too_few"}


# --- rules, one condition at a time -----------------------------------------------------------------------------

SCALE = ("best", "middle", "worst")


def asked(at_least=1, required=(), best=None, middle=None):
    """A question of three parts a, b, c; what is not given is no condition."""
    loose = {"at_most_below": 9, "sentence": "S."}
    rules = {"best": loose | (best or {}), "middle": loose | (middle or {})}
    return Question(label="Q", at_least=at_least, required=required, rules=rules)


def graded(question, **parts):
    return grade_of_parts(question, SCALE, parts)


def test_as_many_parts_as_the_rule_says_may_be_below_and_no_more():
    question = asked(best={"at_most_below": 1})
    assert graded(question, a="best", b="best", c="worst") == "best"
    assert graded(question, a="best", b="middle", c="middle") == "middle"


def test_a_grade_that_no_part_reaches_is_not_given_however_many_may_be_below():
    assert graded(asked(), a="middle", b="worst") == "middle"
    assert graded(asked(), a="middle") == "middle"
    assert graded(asked(), a="worst", b="worst") == "worst"


def test_no_part_may_be_below_the_floor_but_it_may_be_at_it():
    question = asked(best={"none_below": "middle"})
    assert graded(question, a="best", b="middle", c="middle") == "best"
    assert graded(question, a="best", b="best", c="worst") == "middle"


def test_every_key_part_must_reach_the_grade():
    question = asked(best={"key": ["a", "b"]}, middle={"key": ["b"]})
    assert graded(question, a="best", b="best", c="worst") == "best"
    assert graded(question, a="middle", b="best", c="best") == "middle"
    assert graded(question, a="best", b="worst", c="best") == "worst"
    assert graded(question, a="best", b="not judged", c="best") == "worst"  # one that is not judged does not


def test_too_few_parts_or_one_missing_that_is_required_are_not_judged():
    assert graded(asked(at_least=2), a="best", b="not judged", c="not judged") == "not judged"
    assert graded(asked(at_least=2), a="best", b="best", c="not judged") == "best"
    assert graded(asked(required=["b"]), a="best", b="not judged", c="best") == "not judged"
    assert graded(asked(required=["b"]), a="not judged", b="best", c="not judged") == "best"


# --- bands ------------------------------------------------------------------------------------------------------


def judged_element(measure, **fields):
    """The judgement of one element in a framework of its own."""
    element = {"label": "E", "question": "q", "reason": "r", "bands": {"best": 90, "middle": 70}} | fields
    question = asked().model_dump()
    criteria = Programme.model_validate(
        {name: getattr(default_programme(), name) for name in Programme.model_fields}
        | {
            "name": "n", "version": "1", "date": "2020-01-01", "title": "t", "note": "n", "grades": SCALE,
            "questions": {"q": question}, "overall": question, "elements": {"e": element},
        }
    )  # fmt: skip
    estimates = {"overall": measure} if "estimate" in fields else {}
    shares = {"rape": measure} if "share" in fields else {}
    inspection = Inspection.model_construct(assessments=() if measure is None or estimates or shares else (measure,))
    return judge(criteria, estimates, shares, inspection).elements[0]


@pytest.mark.parametrize(
    ("x", "allow", "grade"),
    [
        (18, 0, "best"),  # 90 per cent, the edge belongs to the band
        (17, 0, "middle"),
        (17, 2, "middle"),  # the allowance makes no best grade
        (14, 0, "middle"),
        (13, 0, "worst"),
        (13, 1, "middle"),
        (12, 1, "worst"),
    ],
)
def test_bands_of_a_share_and_the_records_that_it_may_miss(x, allow, grade):
    fields = {"share": "rape", "minimum": 5} | ({"allow": allow} if allow else {})
    assert judged_element(share(x, 20), **fields).computed == grade


def test_next_grades_of_a_share_count_the_allowance():
    found = judged_element(share(15, 20), share="rape", minimum=5, allow=1)
    assert (found.next_better, found.next_worse) == (
        CountChange(grade="best", x=18, n=20),
        CountChange(grade="worst", x=12, n=20),
    )
    assert (
        rule_words(found) == "At least 70 per cent is middle, where 1 more may have been missed in so small a sample."
    )
    best = judged_element(share(20, 20), share="rape", minimum=5, allow=1)
    assert (best.next_better, best.next_worse) == (None, CountChange(grade="middle", x=17, n=20))
    assert rule_words(best) == "At least 90 per cent is best."
    worst = judged_element(share(0, 20), share="rape", minimum=5)
    assert (worst.next_better, worst.next_worse) == (CountChange(grade="middle", x=14, n=20), None)
    assert rule_words(worst) == "Below the band for middle, so worst."


def test_an_estimate_counts_by_its_value_or_the_lower_end_of_its_interval():
    rate = estimate(90.0, 3.0, 400)
    found = judged_element(rate, estimate="overall")
    assert (found.computed, found.next_better, found.next_worse) == (
        "best", None, Below(grade="middle", use="value", below=0.9),
    )  # fmt: skip
    by_low = judged_element(rate, estimate="overall", use="low")
    assert (by_low.computed, by_low.next_better, by_low.next_worse) == (
        "middle",
        AtLeast(grade="best", use="low", at_least=0.9),
        Below(grade="worst", use="low", below=0.7),
    )
    assert found.probabilities["best"] == pytest.approx(0.5, abs=0.05)
    # The lower end, 87, reaches 90 where the rate is 93: two standard errors up.
    assert by_low.probabilities["best"] == pytest.approx(0.025, abs=0.015)
    open_ended = judged_element(rate.model_copy(update={"low": None}), estimate="overall", use="low")
    assert open_ended.computed == "best"


def test_a_measure_of_fewer_records_than_the_minimum_is_not_judged():
    statuses = {n: judged_element(share(n, n), share="rape", minimum=5).status for n in (0, 4, 5)}
    assert statuses == {0: "not_inspected", 4: "too_few", 5: "judged"}
    assert rule_words(judged_element(share(4, 4), share="rape", minimum=5)) == "Judged from 5 records on."
    assert judged_element(estimate(90, 3, 9), estimate="overall", minimum=10).computed == "not judged"


FOUND_BANDS = {"best": "fully met", "middle": "partly met"}


@pytest.mark.parametrize(
    ("finding", "grade", "better", "worse"),
    [
        ("fully met", "best", None, ("middle", "mostly met")),
        ("mostly met", "middle", ("best", "fully met"), ("worst", "not met")),
        ("partly met", "middle", ("best", "fully met"), ("worst", "not met")),
        ("not met", "worst", ("middle", "partly met"), None),
    ],
)
def test_bands_of_an_assessment(finding, grade, better, worse):
    assessed = Assessment(element="e", criterion="c", finding=finding, evidence="e")
    found = judged_element(assessed, assessment=True, bands=FOUND_BANDS)
    assert found.computed == grade
    for change, expected in ((found.next_better, better), (found.next_worse, worse)):
        assert change == (expected and FindingChange(grade=expected[0], finding=expected[1]))
    not_inspected = assessed.model_copy(update={"finding": "not inspected"})
    assert judged_element(not_inspected, assessment=True, bands=FOUND_BANDS).status == "not_inspected"


def test_chance_moves_a_share_of_the_random_sample_with_the_allowance_and_no_other(monkeypatch):
    fields = {"share": "rape", "minimum": 5, "bands": {"best": 99, "middle": 80}}
    assert judged_element(share(16, 20, "dip"), **fields).probabilities is None
    strict = judged_element(share(16, 20, "main"), **fields).probabilities
    lenient = judged_element(share(16, 20, "main"), **fields, allow=2).probabilities
    # Jeffreys posterior, scipy 1.16: stats.beta.sf(0.8, 16.5, 4.5) = 0.474, stats.beta.sf(0.7, 16.5, 4.5) = 0.837
    assert strict["best"] + strict["middle"] == pytest.approx(0.474, abs=0.02)
    assert lenient["best"] + lenient["middle"] == pytest.approx(0.837, abs=0.02)
    # The best grade must be earned without it: sf(0.89) = 0.149 with an allowance of two, sf(0.99) = 0.0006 without
    assert lenient["best"] == strict["best"] < 0.01


def test_a_grade_is_low_from_requires_improvement_on_or_in_the_lower_half_of_the_scale(inspection, estimates, shares):
    judgements = judge(load_programme("cdi-2017"), estimates, shares, inspection)
    nothing = inspection.model_copy(update={"areas_for_improvement": ()})

    def low_grades(*scale):
        each = [judgements.elements[0].model_copy(update={"id": grade, "decided": grade}) for grade in scale]
        problems = check_areas(judgements.model_copy(update={"scale": scale, "elements": tuple(each)}), nothing)
        return [problem.got.partition("element ")[2].partition(",")[0] for problem in problems]

    assert low_grades("outstanding", "good", "requires improvement", "inadequate") == [
        "requires improvement", "inadequate",
    ]  # fmt: skip
    assert low_grades("a", "requires improvement", "b", "c", "d") == ["requires improvement", "b", "c", "d"]
    assert low_grades("a", "b") == ["b"]
    assert low_grades("a", "b", "c") == ["c"]
    assert low_grades("a", "b", "c", "d") == ["c", "d"]
    assert low_grades("a", "b", "c", "d", "e") == ["d", "e"]


# --- criteria that are refused ----------------------------------------------------------------------------------


def set_at(content, path, value):
    *parents, last = path.split("/")
    for key in parents:
        content = content[key]
    if value is None:
        del content[last]
    else:
        content[last] = value


REFUSED = {
    "unknown measure": ("elements/rape/estimate", "rap", "elements.rape.estimate", "rape"),
    "two measures": ("elements/rape/share", "rape", "elements.rape", "exactly one"),
    "question that does not exist": ("elements/rape/question", "efective", "rape.question", "did you mean 'effective'"),
    "band above 100": ("elements/rape/bands/outstanding", 101, "elements.rape.bands", "up to 100"),
    "band as a proportion": ("elements/rape/bands/good", 0.92, "elements.rape.bands", "write 92"),
    "overlapping bands": ("elements/rape/bands/good", 99, "elements.rape.bands", "without overlap"),
    "equal bands": ("elements/rape/bands/good", 98, "elements.rape.bands", "without overlap"),
    "gap between bands": ("elements/rape/bands/good", None, "elements.rape.bands", "gap"),
    "band for a grade that does not exist": ("elements/rape/bands/excellent", 99, "elements.rape.bands", "excellent"),
    "band for the worst grade": ("elements/rape/bands/inadequate", 10, "elements.rape.bands", "what remains"),
    "finding that does not exist": ("elements/action_plan/bands/good", "met", "action_plan.bands", "mostly met"),
    "allowance for an estimate": ("elements/rape/allow", 1, "elements.rape", "only with share"),
    "allowance for everything": ("elements/n100/allow", 9, "elements.n100", "every record could be missed"),
    "rule for a grade that does not exist": ("overall/rules/goood", {"at_most_below": 1, "sentence": "S."}, "overall.rules", "goood"),
    "missing rule": ("overall/rules/good", None, "overall.rules", "gap"),
    "contradictory rules": ("questions/efficient/rules/outstanding/at_most_below", 4, "efficient.rules.outstanding", "contradict"),
    "rule that everything meets": ("questions/leadership/rules/requires improvement/at_most_below", 3, "leadership.rules", "less than 3"),
    "key part that does not exist": ("overall/rules/good/key", ["efective"], "overall.rules.good.key", "effective"),
    "required part that does not exist": ("overall/required", ["efective"], "overall.required", "effective"),
    "floor that does not exist": ("overall/rules/good/none_below", "bad", "overall.rules.good.none_below", "one of"),
    "more judged parts than there are": ("overall/at_least", 4, "overall.at_least", "1 to 3"),
    "rule without a sentence": ("overall/rules/good/sentence", None, "overall.rules.good.sentence", "this key"),
    "unknown key": ("elements/rape/cutoff", 3, "elements.rape.cutoff", "unknown key"),
    "repeated grade": ("grades", ["good", "good"], "grades", "different grades"),
    "a grade in capitals": ("overall/rules/Good", {"at_most_below": 1, "sentence": "S."}, "overall.rules", "Good"),
    "band that is not a number": ("elements/rape/bands/good", float("nan"), "elements.rape.bands", "a number"),
    "band that is yes": ("elements/rape/bands/good", True, "elements.rape.bands", "number"),
    "one grade": ("grades", ["good"], "grades", "two or more"),
    "no question": ("questions", {}, "overall", "at least one element"),
    "no element": ("elements", {}, "questions.effective", "at least one element"),
    "rule that contradicts its own floor": ("overall/rules/good/none_below", "outstanding", "overall.rules.good.none_below", "good or a worse grade"),
    "another name than the file": ("name", "cdi-2018", "name", "as the file is called"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "value", "where", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_criteria_are_refused_with_file_rule_and_reason(tmp_path, path, value, where, words):
    content = yaml.safe_load((PROJECT / "params/programmes/cdi-2017.yml").read_text(encoding="utf-8"))
    set_at(content, path, value)
    in_folder(tmp_path, "cdi-2017").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_programme("cdi-2017", tmp_path)
    message = str(caught.value)
    assert "cdi-2017.yml" in message
    assert where in message
    assert words in message


def test_mistakes_of_form_and_between_parts_are_said_in_one_round(tmp_path):
    content = yaml.safe_load((PROJECT / "params/programmes/cdi-2017.yml").read_text(encoding="utf-8"))
    set_at(content, "elements/rape/bands/good", 0.92)  # its form: the element is not compared with others
    set_at(content, "elements/n100/question", "efective")
    set_at(content, "overall/at_least", 4)
    set_at(content, "questions/effective/rules/good/key", ["rape"])  # is there, although its form is wrong
    set_at(content, "questions/efficient/at_least", "two")
    in_folder(tmp_path, "cdi-2017").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_programme("cdi-2017", tmp_path)
    assert {problem.where.split(", ")[1] for problem in caught.value.problems} == {
        "elements.rape.bands.good", "elements.n100.question", "overall.at_least", "questions.efficient.at_least",
        "questions.effective.rules.outstanding", "questions.effective.rules.good",
    }  # fmt: skip


def test_place_of_an_element_is_the_line_of_the_file_that_defines_it():
    for name in ("cdi-2017", "peel-2021"):
        criteria = load_programme(name)
        lines = (PROJECT / f"params/programmes/{name}.yml").read_text(encoding="utf-8").splitlines()
        for id_ in (*criteria.elements, *criteria.questions, "overall"):
            file, _, line = criteria.place(id_).partition(", line ")
            assert file == f"params/programmes/{name}.yml"
            assert lines[int(line) - 1].strip() == f"{id_}:"


def test_element_that_stands_twice_is_refused(tmp_path):
    text = (PROJECT / "params/programmes/cdi-2017.yml").read_text(encoding="utf-8")
    twice = text + text[text.rindex("  equality:") : text.index("  recommendations:")]
    in_folder(tmp_path, "cdi-2017").write_text(twice, encoding="utf-8")
    with pytest.raises(InputError, match="'equality' stands twice"):
        load_programme("cdi-2017", tmp_path)


def test_unknown_framework_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'cdi-2017'"):
        load_programme("cdi-2018")


def test_new_framework_needs_no_code(tmp_path, inspection, estimates, shares):
    shutil.copy(PROJECT / "params/programmes/cdi-2017.yml", in_folder(tmp_path, "strict"))
    path = in_folder(tmp_path, "strict")
    text = path.read_text(encoding="utf-8").replace("name: cdi-2017", "name: strict")
    path.write_text(text.replace("good: 90, requires improvement: 85.5", "good: 93, requires improvement: 90"))
    judgements = judge(load_programme("strict", tmp_path), estimates, shares, inspection)
    assert judgements.overall.computed == "requires improvement"


def test_criteria_say_that_no_cut_off_was_published():
    for name in ("cdi-2017", "peel-2021"):
        note = load_programme(name).note
        assert "own" in note
        assert "cut-off" in note


def test_inspection_without_parameters_can_be_judged_on_rates_alone():
    judgements = judge(
        load_programme("cdi-2017"), {"overall": estimate(95.8, 1.53, 900)}, {}, Inspection.model_construct()
    )
    assert grades(judgements)["effective"] == "outstanding"
    assert grades(judgements)["overall"] == "not judged"
