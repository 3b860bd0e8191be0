"""Where the report begins to say a thing: just below and just above each threshold, so that none can move unseen."""

from __future__ import annotations

import pytest
from test_narrative import results

from cdi_lib.report import narrative, outputs


@pytest.mark.parametrize(("chance", "named"), [(0.0499, False), (0.05, True)])
def test_a_grade_of_one_audit_in_twenty_cannot_be_ruled_out(chance, named):
    chances = {"outstanding": chance, "good": 1 - chance - 0.02, "inadequate": 0.02}
    judged = {"overall": {"computed": "good", "probabilities": chances}}
    assert outputs.not_ruled_out(results(judgements=judged)) == ["outstanding"] * named


@pytest.mark.parametrize(("chance", "named"), [(0.0099, False), (0.01, True)])
def test_a_grade_of_one_audit_in_a_hundred_is_named(chance, named):
    named_grades = [grade for grade, _ in narrative.likely({"outstanding": chance, "good": 1 - chance})]
    assert named_grades == ["good"] + ["outstanding"] * named


@pytest.mark.parametrize(("most", "is_uneven"), [(0.0499, False), (0.0501, True)])
def test_crime_types_audited_a_quarter_more_closely_than_others_are_told(most, is_uneven):
    rows = [{"stratum": "Violence", "fraction": 0.04}, {"stratum": "Sexual", "fraction": most}]
    found = results(headline="pooled", sample=[*rows, {"stratum": "All crime", "fraction": 0.04}])
    assert bool(narrative.uneven(found)) == is_uneven
