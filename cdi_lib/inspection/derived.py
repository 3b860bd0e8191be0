"""What follows from results, for notebooks to compute and store, so that the report only has to tell it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from scipy import special

from cdi_lib.inspection import details
from cdi_lib.inspection.parameters import PreviousInspection
from cdi_lib.inspection.programme import OVERALL
from cdi_lib.inspection.results import EstimateResult
from cdi_lib.statistics import intervals

UNEVEN = 1.25  # shares audited of two crime types that differ more than so are told
LEAST_CHANCE = 0.01  # a grade that comes out less often is not named
NOT_RULED_OUT = 0.05  # a grade that comes out as often or more cannot be ruled out
SIMULATED_LEVEL = 0.95  # of the intervals whose coverage is known


def evenness(sample: Sequence[details.SampleRow], headline: str) -> details.Evenness:
    """Which crime types were audited most and least closely, and whether a pooled headline leaves that out."""
    shares = {row.code: row.fraction for row in sample if row.code != OVERALL and row.fraction is not None}
    if not shares:
        return details.Evenness(types=0, most="", least="", uneven=False)
    most, least = max(shares, key=shares.__getitem__), min(shares, key=shares.__getitem__)
    uneven = headline == "pooled" and shares[most] > UNEVEN * shares[least]
    return details.Evenness(types=len(shares), most=most, least=least, uneven=uneven)


def extremes(rates: Mapping[str, EstimateResult], crime_types: Iterable[str]) -> details.Extremes | None:
    """The crime types with the lowest and the highest rate; None where there is no rate of any."""
    values = {name: rates[name].value for name in crime_types if name in rates}
    if not values:
        return None
    return details.Extremes(lowest=min(values, key=values.__getitem__), highest=max(values, key=values.__getitem__))


def crimes_per_point(rate: EstimateResult | None, unrecorded: EstimateResult | None) -> float | None:
    """By how many crimes a year one percentage point of a rate changes the number that goes unrecorded.

    The number is R (1 - r) / r, its slope R / r squared.
    """
    if rate is None or unrecorded is None or not 0 < rate.value < 1:
        return None
    return 0.01 * unrecorded.value / (rate.value * (1 - rate.value))


def interval_coverage(rate: EstimateResult, clustered: bool, uneven: bool) -> details.IntervalCoverage:
    """What simulated audits say of an interval, and in what the inspection differs from them."""
    (smallest, largest), (lowest, highest) = intervals.COVERED_SIZES, intervals.COVERED_RATES
    differs: dict[Any, bool] = {
        "level": rate.confidence != SIMULATED_LEVEL,
        "size": not smallest <= rate.n <= largest,
        "rate": not lowest <= rate.value <= highest,
        "independent": not clustered,
        "uneven": uneven,
    }
    return details.IntervalCoverage(
        sizes=intervals.COVERED_SIZES,
        rates=intervals.COVERED_RATES,
        level=SIMULATED_LEVEL,
        covered=intervals.COVERAGE["overall" if "stratified" in rate.estimator else "single"][rate.interval],
        quantile=-float(special.ndtri((1 - rate.confidence) / 2)),
        adjusted=rate.interval in intervals.ADJUSTED,
        differs=[what for what, is_so in differs.items() if is_so],
    )


def compared_with_previous(
    previous: PreviousInspection, limit_hours: int, change: EstimateResult
) -> details.ComparedWithPrevious:
    """In what two inspections differ, and how readily chance explains the change of the rate.

    Interval and test are made differently (each side's own interval; a pooled test of no change), so they can disagree.
    """
    limit_differs = previous.recording_limit_hours != limit_hours
    differs: dict[Any, bool] = {"representative": not previous.representative, "recording_limit_hours": limit_differs}
    beyond = change.low is not None and change.high is not None and not change.low <= 0 <= change.high
    small = change.p_value is not None and change.p_value < 1 - change.confidence
    return details.ComparedWithPrevious(
        differs=[what for what, is_so in differs.items() if is_so],
        beyond_interval=beyond,
        chance="border" if beyond != small else "unlikely" if beyond else "possible",
    )


def sensitivity_range(rows: Sequence[details.SensitivityRow]) -> details.SensitivityRange | None:
    """How far rate and interval reach under all choices; None where they cannot be compared."""
    if not rows:
        return None
    rates = [row.rate for row in rows]
    lowest, highest = min(row.low for row in rows), max(row.high for row in rows)
    return details.SensitivityRange(lowest_rate=min(rates), highest_rate=max(rates), lowest=lowest, highest=highest)


def certainty(computed: str, chances: Mapping[str, float]) -> details.Certainty:
    """Which grades to name, the likeliest first, and which beside the computed one cannot be ruled out."""
    likely = sorted((g for g, share in chances.items() if share >= LEAST_CHANCE), key=lambda g: -chances[g])
    others = [grade for grade, share in chances.items() if grade != computed and share >= NOT_RULED_OUT]
    return details.Certainty(likely=likely, not_ruled_out=others)


def back_test(
    published: Sequence[Mapping[str, Any]],
    results: Mapping[str, Any],
    printed: Mapping[str, Callable[[Any], str]],
    later_criteria: bool,
) -> list[details.PublishedRow]:
    """Rows of the table ``published`` beside the figures in results (as JSON), in the form in which they were published.

    ``printed`` says how a value of each form is printed; ``later_criteria``, that others gave the published grades.
    """
    rows = []
    for row in published:
        value: Any = results
        for key in row["result"].split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        computed = None if value is None else printed[row["shown_as"]](value)
        reproduced: Any = "yes" if computed == row["published"] else "no"
        if row["result"].startswith("details.grades.") and later_criteria:
            reproduced = "other criteria"
        elif computed is None:
            reproduced = "not computed"
        numbers = {key: value[key] for key in ("x", "n")} if isinstance(value, Mapping) else {"value": value}
        rows.append(details.PublishedRow(**row, computed=computed, reproduced=reproduced, **numbers))
    return rows


def counted(rows: Sequence[details.PublishedRow]) -> details.BackTest:
    """How many of the published figures were compared and reproduced."""
    answers = [row.reproduced for row in rows]
    other = answers.count("other criteria")
    return details.BackTest(compared=len(rows) - other, reproduced=answers.count("yes"), other_criteria=other)
