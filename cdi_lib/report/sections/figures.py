"""The figures of the report: how each is drawn, and its alt text, both from the results that its table shows."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure

from cdi_lib.inspection.details import EstimateEvidence
from cdi_lib.inspection.results import EstimateResult, Results, Share
from cdi_lib.report import charts, wording
from cdi_lib.report.labels import CANCELLED, CRIME_NOUNS, CRIME_TYPE_NAMES, TYPE_LABELS, WITHIN_24
from cdi_lib.report.sections.effectiveness import previous
from cdi_lib.report.wording import count, of, over, percent


def _estimates(results: Results, prefix: str = "") -> list[tuple[str, EstimateResult]]:
    """The estimates of all crime and of each crime type that there are, with their labels."""
    found = ((label, results.estimate(prefix + key)) for key, label in TYPE_LABELS.items())
    return [(label, estimate) for label, estimate in found if estimate]


def _when(results: Results) -> str:
    return wording.period(results.audit_period["start"], results.audit_period["end"])


def rates(results: Results) -> Figure:
    """Recording rates with their intervals."""
    found = _estimates(results)
    rows = [(name, e.value, e.low, e.high, f"{percent(e.value)}  (n = {count(e.n)})") for name, e in found]
    subtitle = (
        "Estimated share of reported crimes that were recorded, with "
        f"{wording.percent_confidence(results.estimates['overall'])} confidence interval; main sample, {_when(results)}"
    )
    return charts.intervals(rates_title(results), subtitle, rows, "Recording rate", as_percent=True)


def rates_title(results: Results) -> str:
    """The message: the overall rate, and the crime type that is recorded least."""
    message = f"{percent(results.estimates['overall'].value)} of reported crime is recorded"
    extremes = results.details.extremes
    if extremes is None:
        return message
    lowest, highest = (percent(results.estimates[e].value) for e in (extremes.lowest, extremes.highest))
    if lowest == highest:
        return message
    return f"{message}; {CRIME_TYPE_NAMES[extremes.lowest]} least, {lowest}"


def rates_alt(results: Results) -> str:
    """The rates in words."""
    parts = [f"{name} {percent(rate.value)}, {wording.between(rate)}" for name, rate in _estimates(results)]
    return f"Interval chart of recording rates with confidence intervals. {'; '.join(parts)}."


def two_inspections(results: Results) -> Figure | None:
    """The rate of the previous inspection and of this one."""
    table = previous(results)
    if table is None:
        return None
    rows = [
        (r["inspection"], r["rate"], r["low"], r["high"], f"{percent(r['rate'])}  (n = {count(r['n'])})")
        for r in table.rows
    ]
    subtitle = (
        "Share of audited crimes that were recorded, with "
        f"{wording.percent_confidence(results.estimates['overall'])} confidence interval. "
        + "; ".join(f"{row['inspection']}: {row['sample']}" for row in table.rows)
    )
    return charts.intervals(two_inspections_title(results), subtitle, rows, "Recording rate", as_percent=True)


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


def two_inspections_alt(results: Results) -> str:
    """Both rates in words."""
    table = previous(results)
    parts = [
        f"{row['inspection']}: {percent(row['rate'])}, {percent(row['low'])} to {percent(row['high'])}"
        for row in (table.rows if table else ())
    ]
    return f"Interval chart of two recording rates. {'; '.join(parts)}."


def unrecorded(results: Results) -> Figure | None:
    """Crimes that go unrecorded in a year, with their intervals."""
    found = _estimates(results, "unrecorded_")
    if not any(estimate.value for _, estimate in found):
        return None
    first = found[0][1]
    return charts.intervals(
        f"{wording.capital(over(first.value))} reported crimes go unrecorded in a year",
        f"Estimated number in the 12 months to {wording.day(results.audit_period['end'])}, "
        f"with {wording.percent_confidence(first)} confidence interval",
        [(label, e.value, e.low, e.high, wording.capital(over(e.value))) for label, e in found],
        "Unrecorded crimes a year",
        as_percent=False,
    )


def unrecorded_alt(results: Results) -> str:
    """The numbers in words."""
    parts = [f"{name} {over(e.value)}, {wording.between(e)}" for name, e in _estimates(results, "unrecorded_")]
    return f"Interval chart of crimes that go unrecorded in a year. {'; '.join(parts)}."


def _abuse_classes(results: Results) -> list[tuple[str, int]]:
    tally = results.tallies.get("domestic_abuse_unrecorded_classes")
    return list(tally.counts.items()) if tally else []


def domestic_abuse(results: Results) -> Figure | None:
    """Unrecorded domestic abuse crimes by offence class."""
    rows = _abuse_classes(results)
    if not rows:
        return None
    subtitle = f"Audited domestic abuse crimes that were not recorded, by offence class, {_when(results)}"
    return charts.bars(_domestic_abuse_title(results), subtitle, rows, "Crimes not recorded")


def _domestic_abuse_title(results: Results) -> str:
    missed = results.tallies["domestic_abuse_unrecorded"]
    number = missed.counts[missed.most]
    noun, was = CRIME_NOUNS[missed.most][number != 1], "was" if number == 1 else "were"
    if missed.total == 1:
        return f"The one unrecorded domestic abuse crime was a {noun}"
    return f"{count(number)} of {count(missed.total)} unrecorded domestic abuse crimes {was} {noun}"


def domestic_abuse_alt(results: Results) -> str:
    """The counts in words."""
    parts = [f"{label} {count(number)}" for label, number in _abuse_classes(results)]
    return f"Bar chart of unrecorded domestic abuse crimes by offence class. {'; '.join(parts)}."


def _shares(results: Results, labels: dict[str, str]) -> list[tuple[str, Share]]:
    found = ((label, results.share(key)) for key, label in labels.items())
    return [(label, share) for label, share in found if share and share.n]


def within_24(results: Results) -> Figure | None:
    """Recorded crimes by whether they were recorded within 24 hours."""
    rows = [(label, share.x, share.n) for label, share in _shares(results, WITHIN_24)]
    if not rows:
        return None
    title = f"{of(results.shares['within_24'])} recorded crimes were recorded within 24 hours"
    subtitle = f"Recorded crimes for which both times are known, {_when(results)}"
    return charts.parts(title, subtitle, rows, "within 24 hours", "later")


def cancelled(results: Results) -> Figure | None:
    """Cancelled crimes by whether cancelling was correct."""
    rows = [(label, share.x, share.n) for label, share in _shares(results, CANCELLED)]
    if not rows:
        return None
    title = f"{of(results.shares['cancelled'])} reviewed cancellations were correct"
    return charts.parts(title, "Dip samples of cancelled crimes", rows, "correct", "not correct")


def shares_alt(labels: dict[str, str], what: str) -> Callable[[Results], str]:
    """The shares of a chart in words."""
    return lambda results: (
        f"Bar chart of {what}. {'; '.join(f'{label} {of(share)}' for label, share in _shares(results, labels))}."
    )


def _grades(results: Results) -> list[tuple[str, str]]:
    found = results.details.judgements
    rows = [(found.overall.label, found.overall.decided)]
    for number, entry in enumerate(found.questions, 1):
        name = entry.short or wording.capital(entry.id.replace("_", " "))
        rows.append((f"{number} {name}", entry.decided))
    return rows


def grades(results: Results) -> Figure:
    """Where each question stands on the scale."""
    rows = _grades(results)
    subtitle = f"Grades of {results.force_name}, {wording.day(results.publication['date'])}"
    scale = results.details.judgements.scale
    return charts.grades(f"{wording.capital(rows[0][1])} overall", subtitle, rows, scale)


def grades_alt(results: Results) -> str:
    """The grades in words."""
    parts = "; ".join(f"{label}: {grade}" for label, grade in _grades(results))
    return f"Grades on their scale. {parts}."


def _chances(results: Results) -> list[tuple[str, dict[str, float]]]:
    """Elements judged by a rate, and the overall grade, with the probability of each grade."""
    found = results.details.judgements
    rows = []
    for entry in found.elements:
        if entry.probabilities and isinstance(entry.evidence, EstimateEvidence):
            name = entry.evidence.result
            rows.append((TYPE_LABELS.get(name, name.capitalize()), entry.probabilities))
    if found.overall.probabilities:
        rows.append(("Overall grade", found.overall.probabilities))
    return rows


def certainty(results: Results) -> Figure | None:
    """How often each grade comes out in simulated audits."""
    rows = _chances(results)
    if not rows:
        return None
    scale = wording.in_words(results.details.judgements.scale)
    subtitle = f"Rates and grades that chance in the main sample can change. Parts from left to right: {scale}"
    axis = "Share of simulated audits in which each grade comes out"
    return charts.stacks(certainty_title(results), subtitle, rows, axis)


def seen(results: Results) -> str:
    """The computed overall grade as a message begins; where inspectors decided otherwise, it says by what it was computed."""
    overall = results.details.judgements.overall
    return wording.capital(overall.computed) + (" by the criteria" if overall.reason else "")


def certainty_title(results: Results) -> str:
    """The message: what is seen, and what cannot be ruled out."""
    overall = results.details.certainty.get("overall")
    if overall is None:
        return "How sure the rates put each element into its grade"
    if not overall.not_ruled_out:
        return f"{seen(results)} overall is what we see; chance alone would hardly change it"
    others = wording.in_words(overall.not_ruled_out)
    return f"{seen(results)} overall is what we see; {others} can't be ruled out"


def certainty_alt(results: Results) -> str:
    """The chances in words."""
    parts = [
        f"{label}: " + ", ".join(f"{grade} {wording.chance(value)}" for grade, value in chances.items())
        for label, chances in _chances(results)
    ]
    return f"Stacked bars of how often each grade comes out when the sample is drawn again. {'; '.join(parts)}."
