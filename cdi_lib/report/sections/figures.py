"""The figures of the report, each with its alt text, both from the results that its table shows.

A function returns None where there is nothing to draw.
"""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.figure import Figure

from cdi_lib.inspection.details import EstimateEvidence
from cdi_lib.inspection.results import EstimateResult, Results
from cdi_lib.report import charts, wording
from cdi_lib.report.charts import Bar, both
from cdi_lib.report.labels import INTERVAL_NAMES, crime_types, nouns
from cdi_lib.report.sections.effectiveness import interval_level, previous
from cdi_lib.report.wording import between, capital, count, estimated, of, percent

Drawn = tuple[tuple[Figure, Figure | None], str]  # the drawing for a page and that for a phone, and their alt text


def _alt(what: str, parts: Iterable[str]) -> str:
    return f"{what}. {'; '.join(parts)}."


def _estimates(results: Results, prefix: str = "") -> list[tuple[str, EstimateResult]]:
    """The estimates of all crime and of each crime type that there are, with their labels."""
    found = ((label, results.estimate(prefix + key)) for key, label in crime_types(results.told).items())
    return [(label, estimate) for label, estimate in found if estimate]


def _when(results: Results) -> str:
    return wording.period(results.audit_period["start"], results.audit_period["end"])


def rates(results: Results) -> Drawn:
    """Recording rates with their intervals."""
    found = _estimates(results)
    rows = []
    for key, label in crime_types(results.told).items():
        if rate := results.estimate(key):
            beside, bands = f"{percent(rate.value)}  (n = {count(rate.n)})", _bands(results, key)
            rows.append(Bar(label, rate.value, rate.low, rate.high, beside, _is_assumed(results, key), bands))
    subtitle = (
        "Estimated share of reported crimes that were recorded, with "
        f"{interval_level(results)} confidence interval; main sample, {_when(results)}"
    )
    figure = both(charts.intervals, _rates_title(results), subtitle, rows, "Recording rate", as_percent=True)
    parts = (f"{name} {percent(rate.value)}, {between(rate)}" for name, rate in found)
    return figure, _alt("Interval chart of recording rates with confidence intervals", parts)


def _is_assumed(results: Results, key: str) -> bool:
    """Whether an estimate rests on what was assumed."""
    return bool(results.marked([f"estimates.{key}"]))


def _bands(results: Results, key: str) -> dict[str, float]:
    """The least rates of each grade of the element that is judged by this rate, best first; the worst from nought."""
    judged = results.details.judgements
    for entry in judged.elements if judged else ():
        if entry.measure == key and isinstance(entry.evidence, EstimateEvidence) and entry.evidence.use == "value":
            bands = {grade: float(least) / 100 for grade, least in entry.bands.items()}
            return bands | {judged.scale[-1]: 0.0}
    return {}


def _rates_title(results: Results) -> str:
    """The message: the overall rate, and the crime type that is recorded least."""
    message = f"{percent(results.estimates['overall'].value)} of reported crime is recorded"
    extremes = results.details.extremes
    if extremes is None:
        return message
    lowest, highest = (percent(results.estimates[e].value) for e in (extremes.lowest, extremes.highest))
    return (
        message
        if lowest == highest
        else f"{message}; {results.told.crime_types[extremes.lowest].label.lower()} least, {lowest}"
    )


def two_inspections(results: Results) -> Drawn | None:
    """The rate of the previous inspection and of this one."""
    table = previous(results)
    if table is None:
        return None
    rows = [
        Bar(r["inspection"], r["rate"], r["low"], r["high"], f"{percent(r['rate'])}  (n = {count(r['n'])})")
        for r in table.rows
    ]
    subtitle = (
        f"Share of audited crimes that were recorded, with {interval_level(results)} confidence interval. "
        + "; ".join(f"{row['inspection']}: {row['sample']}" for row in table.rows)
    )
    title = two_inspections_title(results)
    figure = both(charts.intervals, title, subtitle, rows, "Recording rate", as_percent=True)
    parts = (
        f"{r['inspection']}: {percent(r['rate'])}, {percent(r['low'])} to {percent(r['high'])}" for r in table.rows
    )
    return figure, _alt("Interval chart of two recording rates", parts)


def two_inspections_title(results: Results) -> str:
    """The message: both rates, and whether chance may be the difference."""
    then, now = results.estimates["previous"], results.estimates["overall"]
    compared = results.details.compared_with_previous
    if compared is None:
        return ""
    message = f"{percent(then.value)} then, {percent(now.value)} now"
    if "representative" in compared.differs:
        return f"{message}; the earlier sample does not stand for the force"
    if compared.beyond_interval:
        return f"{message}: more than chance alone would explain"
    return f"{message}: the difference could be chance"


def unrecorded(results: Results) -> Drawn | None:
    """Crimes that go unrecorded in a year, with their intervals."""
    found = _estimates(results, "unrecorded_")
    if not any(estimate.value for _, estimate in found):
        return None
    first = found[0][1]
    rows = []
    for key, label in crime_types(results.told).items():
        if e := results.estimate(f"unrecorded_{key}"):
            rows.append(
                Bar(
                    label,
                    e.value,
                    e.low,
                    e.high,
                    capital(estimated(e.value)),
                    _is_assumed(results, f"unrecorded_{key}"),
                )
            )
    title = f"{capital(estimated(first.value))} reported crimes go unrecorded in a year"
    subtitle = (
        f"Estimated number in the 12 months to {wording.day(results.audit_period['end'])}, "
        f"with {wording.percent_confidence(first)} confidence interval"
    )
    figure = both(charts.intervals, title, subtitle, rows, "Unrecorded crimes a year", as_percent=False)
    parts = (f"{name} {estimated(e.value)}, {between(e)}" for name, e in found)
    return figure, _alt("Interval chart of crimes that go unrecorded in a year", parts)


def domestic_abuse(results: Results) -> Drawn | None:
    """Unrecorded domestic abuse crimes by offence class."""
    tally = results.tallies.get("domestic_abuse_unrecorded_classes")
    if tally is None or not tally.counts:
        return None
    rows = list(tally.counts.items())
    subtitle = f"Audited domestic abuse crimes that were not recorded, by offence class, {_when(results)}"
    assumed = bool(results.marked(["tallies.domestic_abuse_unrecorded_classes"]))
    figure = both(charts.bars, _domestic_abuse_title(results), subtitle, rows, "Crimes not recorded", assumed)
    parts = (f"{label} {count(number)}" for label, number in rows)
    return figure, _alt("Bar chart of unrecorded domestic abuse crimes by offence class", parts)


def _domestic_abuse_title(results: Results) -> str:
    missed = results.tallies["domestic_abuse_unrecorded"]
    number = missed.counts[missed.most]
    noun, was = nouns(results.told)[missed.most][number != 1], "was" if number == 1 else "were"
    if missed.total == 1:
        return f"The one unrecorded domestic abuse crime was a {noun}"
    return f"{count(number)} of {count(missed.total)} unrecorded domestic abuse crimes {was} {noun}"


def within_24(results: Results) -> Drawn | None:
    """Recorded crimes by whether they were recorded within 24 hours."""
    what = ("recorded crimes were recorded within 24 hours", "crimes recorded within 24 hours")
    subtitle = f"Recorded crimes for which both times are known, {_when(results)}"
    return _parts(results, "tbl-within-24", "within_24", what, subtitle, ("within 24 hours", "later"))


def cancelled(results: Results) -> Drawn | None:
    """Cancelled crimes by whether cancelling was correct."""
    what = ("reviewed cancellations were correct", "correct cancellations")
    subtitle = "Dip samples of cancelled crimes"
    return _parts(results, "tbl-cancelled", "cancelled", what, subtitle, ("correct", "not correct"))


def _parts(
    results: Results, table: str, whole: str, what: tuple[str, str], subtitle: str, sides: tuple[str, str]
) -> Drawn | None:
    """A chart of the "x of n" of a table in two parts; ``what`` it shows, in its title and in its alt text."""
    rows_of = results.told.tables[table].rows if table in results.told.tables else {}
    parts = ((key, label) for key, label in rows_of.items() if key.startswith(f"{whole}_"))
    status = lambda key: (
        " (assumed)" if results.marked([f"shares.{key}"]) and results.records["status"] != "invented" else ""
    )
    found = [(label + status(key), s) for key, label in parts if (s := results.share(key)) and s.n]
    if not found:
        return None
    rows = [(label, share.x, share.n) for label, share in found]
    figure = both(charts.parts, f"{of(results.shares[whole])} {what[0]}", subtitle, rows, *sides)
    return figure, _alt(f"Bar chart of {what[1]}", (f"{label} {of(share)}" for label, share in found))


def sensitivity(results: Results) -> Drawn | None:
    """The overall rate under each estimator and interval."""
    groups: dict[str, list[tuple[str, float, float, float]]] = {}
    for row in results.details.sensitivity:
        group = (
            f"{row.estimator.capitalize()}, crimes of one incident {'as a cluster' if row.clustered else 'independent'}"
        )
        groups.setdefault(group, []).append((capital(INTERVAL_NAMES[row.method]), row.rate, row.low, row.high))
    found = results.details.sensitivity_range
    if not groups or found is None:
        return None
    title = f"Whatever the method, the overall rate is {percent(found.lowest_rate)} to {percent(found.highest_rate)}"
    subtitle = (
        f"Recording rate of all crime with {interval_level(results)} confidence interval, by estimator and interval"
    )
    figure = charts.ranges(title, subtitle, list(groups.items()), "Recording rate"), None
    parts = (f"{group}: {percent(lines[0][1])}" for group, lines in groups.items())
    reach = f"the intervals reach from {percent(found.lowest)} to {percent(found.highest)}"
    return figure, _alt("Interval chart of the overall rate by method", [*parts, reach])


def certainty(results: Results) -> Drawn | None:
    """How often each grade comes out in simulated audits: of elements judged by a rate, and the overall grade."""
    found = results.details.judgements
    rows = [
        (_rate_name(results, e.evidence.result), e.probabilities)
        for e in found.elements
        if e.probabilities and isinstance(e.evidence, EstimateEvidence)
    ]
    if found.overall.probabilities:
        rows.append(("Overall grade", found.overall.probabilities))
    if not rows:
        return None
    scale = wording.in_words(found.scale)
    subtitle = f"Rates and grades that chance in the main sample can change. Parts from left to right: {scale}"
    axis = "Share of simulated audits in which each grade comes out"
    figure = both(charts.stacks, _certainty_title(results), subtitle, rows, axis)
    parts = (
        f"{label}: {', '.join(f'{grade} {wording.chance(value)}' for grade, value in chances.items())}"
        for label, chances in rows
    )
    return figure, _alt("Stacked bars of how often each grade comes out when the sample is drawn again", parts)


def _rate_name(results: Results, key: str) -> str:
    """A rate in a word or two."""
    rates = results.told.estimates
    return crime_types(results.told).get(key) or (rates[key].label if key in rates else key.capitalize())


def _certainty_title(results: Results) -> str:
    """The message: the grade by the criteria, what cannot be ruled out, and which rates are close to another grade."""
    chances, overall = results.details.certainty.get("overall"), results.details.judgements.overall
    if chances is None:
        return "How sure the rates put each element into its grade"
    seen = f"{capital(overall.computed)}{' by the criteria' if overall.reason else ''} overall"
    if chances.not_ruled_out:
        seen += f", but {wording.in_words(chances.not_ruled_out, 'or')} can't be ruled out"
    found = results.details.judgements.elements
    close = [
        wording.lower_first(_rate_name(results, e.evidence.result))
        for e in found
        if isinstance(e.evidence, EstimateEvidence) and (c := results.details.certainty.get(e.id)) and c.not_ruled_out
    ]
    return f"{seen}; close to a line: {wording.in_words(close)}" if close else f"{seen}; no rate is close to a line"
