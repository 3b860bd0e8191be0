"""Improving one measure, all else equal, never worsens a grade (hypothesis, 100 examples for each framework)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdi_lib.inspection import judgement
from cdi_lib.inspection.judgement import grade_of_parts, judge
from cdi_lib.inspection.parameters import Assessment, Inspection
from cdi_lib.inspection.programme import FINDINGS, NOT_JUDGED, load_programme
from cdi_lib.inspection.results import EstimateResult, Share

FRAMEWORKS = {name: load_programme(name) for name in ("cdi-2017", "peel-2021")}
ANY = next(iter(FRAMEWORKS.values()))
MEASURES = {id_: element.estimate or element.share or "assessment" for id_, element in ANY.elements.items()}


@pytest.fixture(scope="module", autouse=True)
def few_simulations():
    """Grades do not depend on the simulation, and the sum of the probabilities not on its length."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judgement, "SIMULATIONS", 50)
        yield


@st.composite
def measure(draw, id_):
    """A worse and a better value of one element: rates in per cent, (x, x, n), or ranks of findings."""
    element = ANY.elements[id_]
    if element.assessment:
        first, second = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
        return max(first, second), min(first, second)
    if element.share:
        n = draw(st.integers(1, 60))
        first, second = draw(st.tuples(st.integers(0, n), st.integers(0, n)))
        return (min(first, second), n), (max(first, second), n)
    first, second = draw(st.tuples(st.floats(60, 100), st.floats(60, 100)))
    return min(first, second), max(first, second)


def judged(criteria, values):
    estimates, shares, assessments = {}, {}, []
    for id_, value in values.items():
        element = criteria.elements[id_]
        if element.assessment:
            assessments.append(Assessment(element=id_, criterion="c", finding=list(FINDINGS)[value], evidence="e"))
        elif element.share:
            shares[element.share] = Share(label="s", x=value[0], n=value[1], sample="dip", notebook="test")
        else:
            rate = value / 100
            estimates[element.estimate] = EstimateResult(
                label="r", value=rate, se=0.01, low=max(rate - 0.02, 0), high=min(rate + 0.02, 1), n=400,
                confidence=0.95, estimator="pooled", interval="normal", notebook="test",
            )  # fmt: skip
    inspection = Inspection.model_construct(assessments=tuple(assessments))
    return judge(criteria, estimates, shares, inspection)


def ranks(criteria, judgements):
    return {
        entry.id: None if entry.computed == NOT_JUDGED else criteria.grades.index(entry.computed)
        for entry in judgements.everything
    }


@pytest.mark.parametrize("name", FRAMEWORKS)
@settings(max_examples=100, deadline=None, derandomize=True)
@given(data=st.data())
def test_improving_one_measure_never_worsens_a_grade(name, data):
    criteria = FRAMEWORKS[name]
    present = data.draw(st.lists(st.sampled_from(sorted(MEASURES)), min_size=1, unique=True))
    pairs = {id_: data.draw(measure(id_)) for id_ in present}
    improved = data.draw(st.sampled_from(present))
    worse = {id_: pair[0] for id_, pair in pairs.items()}
    before = ranks(criteria, judged(criteria, worse))
    after = ranks(criteria, judged(criteria, worse | {improved: pairs[improved][1]}))
    for id_, rank in before.items():
        assert (rank is None) == (after[id_] is None)
        assert rank is None or after[id_] <= rank


@pytest.mark.parametrize("name", FRAMEWORKS)
@settings(max_examples=50, deadline=None, derandomize=True)
@given(data=st.data())
def test_probabilities_sum_to_one_and_next_grades_are_better_and_worse(name, data):
    criteria = FRAMEWORKS[name]
    values = {id_: data.draw(measure(id_))[0] for id_ in MEASURES}
    judgements = judged(criteria, values)
    for entry in judgements.everything:
        if entry.probabilities:
            assert sum(entry.probabilities.values()) == pytest.approx(1)
        rank = ranks(criteria, judgements)[entry.id]
        for found, sign in ((entry.next_better, -1), (entry.next_worse, 1)):
            for change in found if isinstance(found, tuple) else [found] if found else []:
                assert sign * (criteria.grades.index(change.grade) - rank) > 0


@pytest.mark.parametrize("name", FRAMEWORKS)
@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.data())
def test_no_grade_is_better_than_that_of_the_best_part(name, data):
    criteria = FRAMEWORKS[name]
    question = data.draw(st.sampled_from([*criteria.questions.values(), criteria.overall]))
    names = list(criteria.questions)
    if question is not criteria.overall:
        names = [id_ for id_, e in criteria.elements.items() if criteria.questions[e.question] is question]
    graded = st.dictionaries(st.sampled_from(names), st.sampled_from(criteria.grades), min_size=1, max_size=3)
    parts = dict.fromkeys(names, NOT_JUDGED) | data.draw(graded)
    grade = grade_of_parts(question, criteria.grades, parts)
    if grade != NOT_JUDGED:
        best = min(criteria.grades.index(part) for part in parts.values() if part != NOT_JUDGED)
        assert criteria.grades.index(grade) >= best


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_parts_of_one_grade_give_that_grade(name):
    criteria = FRAMEWORKS[name]
    for grade in criteria.grades:
        for id_, question in criteria.questions.items():
            names = [part for part, element in criteria.elements.items() if element.question == id_]
            assert grade_of_parts(question, criteria.grades, dict.fromkeys(names, grade)) == grade
        assert grade_of_parts(criteria.overall, criteria.grades, dict.fromkeys(criteria.questions, grade)) == grade
