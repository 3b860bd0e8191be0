"""The plan of an inspection: what its sampling parameters ask for, and what they may not."""

import math

import numpy as np
import pytest
from scipy import stats

from cdi_lib.inspection.judgement import planned_chances
from cdi_lib.inspection.measures import check_measures, planned_sample
from cdi_lib.inspection.parameters import SamplingPlan, load_inspection
from cdi_lib.inspection.records import load_records
from cdi_lib.statistics.assurance import class_chances
from cdi_lib.statistics.planning import allocate, margin_for, sample_size

STRATA = {"violence": 11_870, "sexual": 1_282, "other": 19_315}


RATES = {"violence": 0.892, "sexual": 0.962, "other": 0.927}


SIZES = {"violence": 10_598, "sexual": 1_187, "other": 18_221}


def asking(**changes):
    """Northamptonshire with other sampling parameters, checked as if they stood in its file."""
    inspection = load_inspection("northamptonshire")
    asked = SamplingPlan(**inspection.sampling.model_dump() | changes)
    return inspection.model_copy(update={"sampling": asked})


def test_the_plan_reaches_the_margin_in_every_stratum():
    planned = planned_sample(asking(response_rate_percent=90), SIZES)
    for name, n in planned.allocation.counts.items():
        crimes = sample_size(0.9, 0.03, population=SIZES[name] * 1.1)
        assert n == math.ceil(crimes / 1.1 / 0.9)
        assert planned.margins[name] == pytest.approx(margin_for(crimes, 0.9, population=SIZES[name] * 1.1), abs=2e-4)
    weights = {name: size / sum(SIZES.values()) for name, size in SIZES.items()}
    variance = sum((weights[name] * planned.margins[name]) ** 2 for name in SIZES)  # of independent strata
    assert planned.overall_margin == pytest.approx(math.sqrt(variance))
    assert planned.crimes["violence"] == math.floor(planned.allocation.counts["violence"] * 1.1 * 0.9)


def test_the_plan_without_a_frame_is_by_crime_type_from_recorded_crime():
    planned = planned_sample(asking())
    # 21,900 violent crimes in 12 months, half of them in the audit period, 96.7 % auditable, 90 % recorded, 1.1 an incident
    assert planned.allocation.frame["violence"] == round(21_900 / 2 * 0.967 / 0.9 / 1.1)
    assert planned.allocation.counts == {"violence": 340, "sexual": 274, "other": 343}


def test_the_plan_shares_a_total_as_the_parameters_say():
    shared = asking(
        total_incidents=1_000, allocation="neyman", minimum_incidents=100, expected_rates_percent={"violence": 85}
    )
    planned = planned_sample(shared, SIZES)
    rates = {"violence": 0.85, "sexual": 0.9, "other": 0.9}
    assert planned.rates == rates
    assert planned.allocation == allocate(1_000, SIZES, "neyman", rates=rates, minimum=100)
    given = {"violence": 400, "sexual": 250, "other": 350}
    assert planned_sample(asking(incidents=given), SIZES).allocation.counts == given


def test_a_given_number_of_incidents_by_other_strata_leaves_the_plan_by_crime_type():
    assert planned_sample(asking(incidents={"control room": 400})).allocation == planned_sample(asking()).allocation


SHOWN = (
    ({"least_percent": 85}, lambda found, n: found.binomial(n, 0.85) >= n - math.ceil(0.1 * n), 0.05, "at most"),
    (
        {"grade": "requires improvement", "chance_percent": 80},
        lambda found, n: found.binomial(n, 0.9) / n >= 0.855,
        0.8,
        "at least",
    ),
)


@pytest.mark.parametrize(("show", "happens", "chance", "way"), SHOWN)
def test_the_plan_follows_from_what_the_sample_is_to_show(show, happens, chance, way):
    """Simulated without the library: the size keeps its promise, and nine tenths of it do not (whole numbers aside)."""
    inspection = asking(show=show, allocation="proportional")
    planned = planned_sample(inspection, SIZES)
    total = planned.allocation.total
    # the crimes that give so many incidents; whole numbers of failures make the chance go up and down among them
    crimes = min(
        range(math.floor((total - 1) * 1.1) + 1, math.floor(total * 1.1) + 1), key=lambda n: math.ceil(0.1 * n) / n
    )
    cuts = {e.estimate: e.cuts for e in inspection.programme.elements.values()}["overall"]
    assert cuts["requires improvement"] == 85.5
    found, draws = np.random.default_rng(1), 40_000
    often = lambda n: np.mean([happens(found, n) for _ in range(draws)])
    error = 4 * math.sqrt(chance * (1 - chance) / draws)
    if way == "at most":
        assert often(crimes) <= chance + error < often(round(crimes * 0.8))
    else:
        assert often(crimes) >= chance - error > often(round(crimes * 0.8))


def test_a_margin_is_had_with_the_chance_that_was_asked_for():
    planned = planned_sample(asking(show={"margin_points": 2, "chance_percent": 90}, allocation="equal"), SIZES)
    crimes = planned.allocation.total * 1.1
    assert sample_size(0.9, 0.02, population=sum(SIZES.values()) * 1.1) < crimes < 1_200
    enlarged = asking(show={"margin_points": 2}, allocation="equal", design_effect=1.5, response_rate_percent=80)
    assert planned_sample(enlarged, SIZES).allocation.total == pytest.approx(crimes / 1.1 * 1.5 / 0.8, abs=2)


def test_chances_of_grades_are_those_of_an_independent_simulation():
    cuts, n, rate, draws = {"good": 0.9, "fair": 0.855}, 1_046, 0.905, 200_000
    shares = np.random.default_rng(2).binomial(n, rate, draws) / n
    simulated = {
        "good": np.mean(shares >= 0.9),
        "fair": np.mean((shares < 0.9) & (shares >= 0.855)),
        "poor": np.mean(shares < 0.855),
    }
    for grade, chance in class_chances(rate, n, cuts, "poor").items():
        assert chance == pytest.approx(simulated[grade], abs=4 * math.sqrt(0.25 / draws))


def best(parts, most_below, floors, key):
    """The best grade (0 to 3) by rules of the kind of cdi-2017: few parts below it, none below a floor, a key part."""
    for grade in range(3):
        if sum(p > grade for p in parts) <= most_below and max(parts) <= floors[grade] and key <= grade:
            return grade
    return 3


@pytest.mark.parametrize("headline", ["pooled", "stratified"])
@pytest.mark.parametrize("others", ["good", "requires improvement"])
def test_chances_of_questions_and_the_overall_grade_are_those_of_an_independent_simulation(headline, others):
    """Written out for cdi-2017: effectiveness has five elements, three of them by crime type and in all."""
    inspection = load_inspection("northamptonshire")
    choice = inspection.estimation.model_copy(update={"headline": headline})
    inspection, random, draws = inspection.model_copy(update={"estimation": choice}), np.random.default_rng(5), 20_000
    crimes, reported = {"violence": 372, "sexual": 297, "other": 377}, {h: n + 0.4 for h, n in SIZES.items()}
    rates = {"violence": 0.9, "sexual": 0.935, "other": 0.905}
    found = planned_chances(inspection, crimes, reported, rates, others, draws)
    x = {}
    for name, n in crimes.items():
        recorded = round(SIZES[name] * rates[name])
        x[name] = stats.hypergeom.rvs(SIZES[name], recorded, n, size=draws, random_state=random)
    share = {name: x[name] / n for name, n in crimes.items()}
    whole = sum(x.values()) / sum(crimes.values())
    if headline == "stratified":
        weight = inspection.crime_by_type()
        whole = sum(weight.values()) / sum(weight[name] / share[name] for name in share)
    rank = lambda values, cuts: sum((100 * values < cut - 1e-9).astype(int) for cut in cuts)
    of_all = rank(whole, (94.5, 90, 85.5))
    violent, sexual = rank(share["violence"], (94, 90, 83)), rank(share["sexual"], (97, 94, 88))
    other = ["outstanding", "good", "requires improvement", "inadequate"].index(others)
    floors = (1, 2, 3)
    parts = zip(of_all, violent, sexual, strict=True)
    effective = [best([*map(int, three), other, other], 2, floors, three[0]) for three in parts]
    overall = [best([grade, other, other], 1, floors, grade) for grade in effective]
    error = 4 * math.sqrt(0.25 * 2 / draws)
    assert set(found) == {"all_crime", "violent_crime", "sexual_offences", "effective", "overall"}
    simulated = {"all_crime": of_all, "violent_crime": violent, "sexual_offences": sexual}
    for id_, ranks in (simulated | {"effective": effective, "overall": overall}).items():
        for grade, chance in enumerate(found[id_].values()):
            assert chance == pytest.approx(np.mean(np.array(ranks) == grade), abs=error), (id_, grade)
    assert 0.1 < max(found["effective"].values()) < 0.95


@pytest.mark.parametrize(
    ("changes", "sizes", "message"),
    [
        ({"show": {"grade": "fair"}, "allocation": "equal"}, SIZES, "show.grade is to be one of outstanding, good"),
        ({"show": {"grade": "outstanding"}, "allocation": "equal"}, SIZES, "rate must be above the cut-off 0.9"),
        ({"incidents": {"violence": 10}}, SIZES, r"sampling.incidents .* missing: \['other', 'sexual'\]"),
        ({"expected_rates_percent": {"rape": 80}}, SIZES, "names rape; the strata are violence, sexual, other"),
        ({"total_incidents": 60_000, "allocation": "equal"}, SIZES, "got 60000"),
        ({"total_incidents": 60_000, "allocation": "equal"}, None, "got 60000"),
    ],
)
def test_what_the_plan_of_an_inspection_refuses(changes, sizes, message):
    with pytest.raises(ValueError, match=message):
        planned_sample(asking(**changes), sizes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"total_incidents": 100}, "one of total_incidents and show, together with allocation"),
        ({"allocation": "equal"}, "one of total_incidents and show, together with allocation"),
        ({"show": {"grade": "good"}}, "one of total_incidents and show, together with allocation"),
        ({"show": {"grade": "good"}, "total_incidents": 9, "allocation": "equal"}, "one of total_incidents and show"),
        (
            {"show": {"grade": "good", "least_percent": 80}, "allocation": "equal"},
            "exactly one of least_percent, grade",
        ),
        ({"show": {}, "allocation": "equal"}, "exactly one of .* it has none"),
        ({"show": {"least_percent": 90}, "allocation": "equal"}, "least_percent below the expected rate, 90; it is 90"),
        ({"expected_rate_percent": 100}, "expected rates below 100"),
        ({"expected_rates_percent": {"violence": 100}}, "expected rates below 100"),
    ],
)
def test_what_the_sampling_parameters_refuse(changes, message):
    with pytest.raises(ValueError, match=message):
        asking(**changes)


def test_a_plan_that_cannot_be_is_found_before_any_notebook_runs():
    inspection = asking(total_incidents=60_000, allocation="proportional")
    problems = check_measures("northamptonshire", inspection, load_records("northamptonshire", inspection))
    assert any(problem.where == "sampling" and "60000" in problem.expected for problem in problems)


def test_strata_of_the_same_name_as_text_are_refused():
    with pytest.raises(ValueError, match="two have the same name"):
        allocate(10, {1: 30, "1": 50})
