"""Where the report begins to say a thing: just below and just above each threshold, so that none can move unseen."""

from __future__ import annotations

import pytest

from cdi_lib.inspection import derived
from cdi_lib.inspection.details import SampleRow


@pytest.mark.parametrize(("chance", "named"), [(0.0499, False), (0.05, True)])
def test_a_grade_of_one_audit_in_twenty_cannot_be_ruled_out(chance, named):
    chances = {"outstanding": chance, "good": 1 - chance - 0.02, "inadequate": 0.02}
    assert derived.certainty("good", chances).not_ruled_out == ["outstanding"] * named


@pytest.mark.parametrize(("chance", "named"), [(0.0099, False), (0.01, True)])
def test_a_grade_of_one_audit_in_a_hundred_is_named(chance, named):
    found = derived.certainty("good", {"outstanding": chance, "good": 1 - chance})
    assert found.likely == ["good"] + ["outstanding"] * named


@pytest.mark.parametrize(("most", "is_uneven"), [(0.0499, False), (0.0501, True)])
def test_crime_types_audited_a_quarter_more_closely_than_others_are_told(most, is_uneven):
    fractions = {"violence": 0.04, "sexual": most, "overall": 0.04}
    rows = [
        SampleRow(code=code, incidents=1, crimes=1, recorded_crime=1, population=1, fraction=fraction)
        for code, fraction in fractions.items()
    ]
    assert derived.evenness(rows, "pooled").uneven == is_uneven
    assert not derived.evenness(rows, "stratified").uneven
