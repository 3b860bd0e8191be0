"""What follows from results, for notebooks to compute and store, so that the report only has to tell it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cdi_lib.inspection.details import (
    BackTest,
    Certainty,
    ComparedWithPrevious,
    Evenness,
    Extremes,
    IntervalCoverage,
    PublishedRow,
    SampleRow,
    SensitivityRange,
    SensitivityRow,
)
from cdi_lib.inspection.parameters import CRIME_TYPES, PreviousInspection
from cdi_lib.inspection.results import EstimateResult
from cdi_lib.statistics import intervals

UNEVEN = 1.25  # shares audited of two crime types that differ more than so are told
LEAST_CHANCE = 0.01  # a grade that comes out less often is not named
NOT_RULED_OUT = 0.05  # a grade that comes out as often or more cannot be ruled out
SIMULATED_LEVEL = 0.95  # of the intervals whose coverage is known


def evenness(sample: Sequence[SampleRow], headline: str) -> Evenness:
    """Which crime types were audited most and least closely, and whether a pooled headline leaves that out.

    >>> rows = [("violence", 0.04), ("sexual", 0.2), ("overall", 0.05)]
    >>> sizes = {"incidents": 9, "crimes": 10, "recorded_crime": 100, "population": 100}
    >>> evenness([SampleRow(code=code, fraction=share, **sizes) for code, share in rows], "pooled")
    Evenness(types=2, most='sexual', least='violence', uneven=True)
    """
    shares = {row.code: row.fraction for row in sample if row.code in CRIME_TYPES and row.fraction}
    if not shares:
        return Evenness(types=0, most="", least="", uneven=False)
    most, least = max(shares, key=shares.__getitem__), min(shares, key=shares.__getitem__)
    uneven = headline == "pooled" and shares[most] > UNEVEN * shares[least]
    return Evenness(types=len(shares), most=most, least=least, uneven=uneven)


def extremes(rates: Mapping[str, EstimateResult]) -> Extremes | None:
    """The crime types with the lowest and the highest rate; None where there is no rate of any."""
    values = {name: rates[name].value for name in CRIME_TYPES if name in rates}
    if not values:
        return None
    return Extremes(lowest=min(values, key=values.__getitem__), highest=max(values, key=values.__getitem__))


def interval_coverage(rate: EstimateResult, clustered: bool, uneven: bool) -> IntervalCoverage:
    """What simulated audits say of an interval, and in what the inspection differs from them."""
    (smallest, largest), (lowest, highest) = intervals.COVERED_SIZES, intervals.COVERED_RATES
    differs = {
        "level": rate.confidence != SIMULATED_LEVEL,
        "size": not smallest <= rate.n <= largest,
        "rate": not lowest <= rate.value <= highest,
        "independent": not clustered,
        "uneven": uneven,
    }
    return IntervalCoverage.model_validate(
        {
            "sizes": intervals.COVERED_SIZES,
            "rates": intervals.COVERED_RATES,
            "level": SIMULATED_LEVEL,
            "covered": intervals.COVERAGE[rate.interval],
            "adjusted": rate.interval in intervals.ADJUSTED,
            "differs": [what for what, is_so in differs.items() if is_so],
        }
    )


def compared_with_previous(
    previous: PreviousInspection, limit_hours: int, change: EstimateResult
) -> ComparedWithPrevious:
    """In what two inspections differ, and how readily chance explains the change of the rate.

    Interval and test are made differently (each side's own interval; a pooled test of no change), so they can disagree.
    """
    differs = {
        "representative": not previous.representative,
        "recording_limit_hours": previous.recording_limit_hours != limit_hours,
    }
    beyond = change.low is not None and change.high is not None and not change.low <= 0 <= change.high
    small = change.p_value is not None and change.p_value < 1 - change.confidence
    chance = "border" if beyond != small else "unlikely" if beyond else "possible"
    return ComparedWithPrevious.model_validate(
        {"differs": [what for what, is_so in differs.items() if is_so], "beyond_interval": beyond, "chance": chance}
    )


def sensitivity_range(rows: Sequence[SensitivityRow]) -> SensitivityRange | None:
    """How far rate and interval reach under all choices; None where they cannot be compared."""
    if not rows:
        return None
    rates = [row.rate for row in rows]
    lowest, highest = min(row.low for row in rows), max(row.high for row in rows)
    return SensitivityRange(lowest_rate=min(rates), highest_rate=max(rates), lowest=lowest, highest=highest)


def certainty(computed: str, chances: Mapping[str, float]) -> Certainty:
    """Which grades to name, the likeliest first, and which beside the computed one cannot be ruled out.

    >>> certainty("good", {"outstanding": 0.05, "good": 0.942, "poor": 0.008})
    Certainty(likely=['good', 'outstanding'], not_ruled_out=['outstanding'])
    """
    likely = sorted((g for g, share in chances.items() if share >= LEAST_CHANCE), key=lambda g: -chances[g])
    others = [grade for grade, share in chances.items() if grade != computed and share >= NOT_RULED_OUT]
    return Certainty(likely=likely, not_ruled_out=others)


def value_at(results: Mapping[str, Any], path: str) -> Any:
    """The value in the JSON of results at a dotted path such as ``estimates.overall.value``; None if there is none."""
    value: Any = results
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def back_test(
    published: Sequence[Mapping[str, Any]],
    results: Mapping[str, Any],
    printed: Mapping[str, Callable[[Any], str]],
    later_criteria: bool,
) -> list[PublishedRow]:
    """Published figures beside the computed ones, each in the form in which it was published.

    Parameters
    ----------
    published : sequence of mapping
        The rows of the table ``published``: what the figure is, the path of its result, its form and its text.
    results : mapping
        The results as JSON.
    printed : mapping of str to function
        How a value of each form is printed.
    later_criteria : bool
        Whether the criteria are later than the publication, so that its grades were given by others.
    """
    rows = []
    for row in published:
        value = value_at(results, row["result"])
        computed = None if value is None else printed[row["shown_as"]](value)
        if row["result"].startswith("details.grades.") and later_criteria:
            reproduced = "other criteria"
        elif computed is None:
            reproduced = "not computed"
        else:
            reproduced = "yes" if computed == row["published"] else "no"
        numbers = {key: value[key] for key in ("x", "n")} if isinstance(value, Mapping) else {"value": value}
        content = dict(row) | {"computed": computed, "reproduced": reproduced} | numbers
        rows.append(PublishedRow.model_validate(content))
    return rows


def counted(rows: Sequence[PublishedRow]) -> BackTest:
    """How many of the published figures were compared and reproduced."""
    answers = [row.reproduced for row in rows]
    other = answers.count("other criteria")
    return BackTest(compared=len(rows) - other, reproduced=answers.count("yes"), other_criteria=other)
