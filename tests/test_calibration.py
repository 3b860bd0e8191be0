"""The criteria against published grades: the project's own file, files of others, and files that are refused."""

from __future__ import annotations

import csv

import pytest

from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.programme import load_programme
from cdi_lib.inspection.published import PUBLISHED, read_published
from tests.tools.calibration import agreement, best_cut_offs, disagreements, regrade

CRITERIA = load_programme("cdi-2017")
HEADER = "force,report,overall_rate,overall_margin,violence_rate,grade_overall,grade_effective\n"


@pytest.fixture(scope="module")
def own():
    return regrade(read_published(PUBLISHED, CRITERIA.grades), CRITERIA)


def test_agreement_with_the_published_grades_on_both_halves(own):
    found = {(row["group"], row["published grade"]): (row["n"], row["agree"]) for row in agreement(own, CRITERIA)}
    assert set(found) == {(group, of) for group in ("tuned", "untuned") for of in ("overall", "question 1")}
    for (_, of), (n, agree) in found.items():
        assert n == {"overall": 19, "question 1": 8}[of]
        assert agree / n >= 0.75
    assert sum(n - agree for (_, of), (n, agree) in found.items() if of == "overall") == sum(
        row["computed, question 1"] != row["published, overall"] for row in disagreements(own)
    )


def test_overall_grades_by_a_second_route(own):
    """From the CSV file with the bands typed out; other measures are too few to change the grade of question 1."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        rates = {(row["force"], row["report"]): row["overall_rate"] for row in csv.DictReader(file)}
    cuts = (("outstanding", 94.5), ("good", 90), ("requires improvement", 85.5), ("inadequate", 0))
    for row in own.itertuples():
        rate = float(rates[row.force, row.report])
        assert row.computed == next(grade for grade, least in cuts if rate >= least), row.force


def test_the_bands_are_the_middle_of_the_best_cut_offs(own):
    grid = [(94, 94.5, 95), (89.5, 90, 90.5), (85, 85.5, 86)]
    assert (94.5, 90, 85.5) in best_cut_offs(own, CRITERIA, grid)
    with_other_rates = own.assign(overall_rate=own["overall_rate"] - 10)
    assert (94.5, 90, 85.5) not in best_cut_offs(with_other_rates, CRITERIA, [(84, 94.5), (80, 90), (75, 85.5)])


def test_another_file_is_told_apart_as_new(tmp_path):
    path = tmp_path / "others.csv"
    path.write_text(HEADER + "Newshire,inspection 2019,92.0,1.5,,good,good\nOldshire,inspection 2018,80,,70,good,\n")
    regraded = regrade(read_published(path, CRITERIA.grades), CRITERIA)
    assert regraded["group"].tolist() == ["new", "new"]
    assert regraded["computed"].tolist() == ["good", "inadequate"]
    assert [(row["n"], row["agree"]) for row in agreement(regraded, CRITERIA)] == [(2, 1), (1, 1)]
    assert [row["force"] for row in disagreements(regraded)] == ["Oldshire"]


def test_all_problems_of_a_file_are_said_at_once(tmp_path):
    path = tmp_path / "wrong.csv"
    path.write_text(
        HEADER
        + "Newshire,inspection 2019,0.92,1.5,,good,goood\n"
        + "Oldshire,inspection 2018,ninety,-1,,good,\n"
        + "Oldshire,inspection 2018,90,,,good,\n"
    )
    with pytest.raises(InputError) as caught:
        read_published(path, CRITERIA.grades)
    message = str(caught.value)
    for words in ("row 2, column overall_rate", "row 2, column grade_effective", "did you mean 'good'", "'ninety'",
                  "row 3, column overall_margin", "row 4, column report"):  # fmt: skip
        assert words in message, words
    path.write_text("force,report\nNewshire,inspection 2019\n")
    with pytest.raises(InputError, match="column overall_rate: got no such column"):
        read_published(path, CRITERIA.grades)


def test_dates_and_numbers_that_calibration_does_not_use_are_checked_as_well(tmp_path):
    path = tmp_path / "wrong.csv"
    path.write_text(
        "force,report,published,audit_start,audit_end,overall_rate,overall_margin,overall_unrecorded_over,grade_overall\n"
        "Newshire,inspection,,2019-06-01,2018-11-30,92,0,many,good\n"
        "Oldshire,inspection 2018,07/03/2018,,,90,1,,good\n"
    )
    with pytest.raises(InputError) as caught:
        read_published(path)
    message = str(caught.value)
    for words in ("row 2, column report", "row 2, column audit_start", "row 2, column overall_margin", "'many'",
                  "row 3, column published", "07/03/2018"):  # fmt: skip
        assert words in message, words
