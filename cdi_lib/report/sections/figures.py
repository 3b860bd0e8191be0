"""The figures of the report, each with its alt text, both from the results that its table shows.

A function returns None where there is nothing to draw.
"""

from collections.abc import Iterable

from matplotlib.figure import Figure

from cdi_lib.inspection.details import EstimateEvidence
from cdi_lib.inspection.results import EstimateResult, Results
from cdi_lib.report import charts, wording
from cdi_lib.report.charts import Bar, both
from cdi_lib.report.labels import class_name, crime_types, lower_first, nouns, rows_of_types, said, word
from cdi_lib.report.sections.effectiveness import interval_level, previous
from cdi_lib.report.wording import between, capital, count, estimated, of, percent

Drawn = tuple[tuple[Figure, Figure | None], str]  # the drawing for a page and that for a phone, and their alt text


def _alt(what: str, parts: Iterable[str]) -> str:
    return f"{what}. {'; '.join(parts)}."


def _estimates(results: Results, prefix: str = "") -> list[tuple[str, str, EstimateResult]]:
    """The estimates of all crime and of each crime type that there are, with their ids and labels."""
    found = ((prefix + key, label) for key, label in rows_of_types(results.told).items())
    return [(key, label, estimate) for key, label in found if (estimate := results.estimate(key))]


def _when(results: Results) -> str:
    return wording.period(results.audit_period["start"], results.audit_period["end"])


def rates(results: Results) -> Drawn:
    """Recording rates with their intervals."""
    found = _estimates(results)
    rows = [
        Bar(label, rate.value, rate.low, rate.high, _beside(rate), *_assumed(results, key), _bands(results, key))
        for key, label, rate in found
    ]
    subtitle = said("rates.subtitle", level=interval_level(results), period=_when(results))
    figure = both(charts.intervals, _rates_title(results), subtitle, rows, said("rates.axis"), as_percent=True)
    parts = (f"{name} {percent(rate.value)}, {between(rate)}" for _, name, rate in found)
    return figure, _alt(said("rates.alt"), parts)


def _beside(rate: EstimateResult) -> str:
    return said("rates.beside", rate=percent(rate.value), n=count(rate.n))


def _assumed(results: Results, key: str) -> tuple[bool, bool]:
    """Whether an estimate rests on what was assumed, and whether its interval does."""
    marked = results.marked([f"estimates.{key}"])
    return f"estimates.{key}" in marked, bool(marked)


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
    rate, extremes = percent(results.estimates["overall"].value), results.details.extremes
    if extremes is not None:
        lowest, highest = (percent(results.estimates[e].value) for e in (extremes.lowest, extremes.highest))
        if lowest != highest:
            least = lower_first(results.told.crime_types[extremes.lowest].label)
            return said("rates.title_extremes", rate=rate, type=least, lowest=lowest)
    if len(results.told.crime_types) == 1:
        return said("rates.title_one", rate=rate, crimes=nouns(results.told)["overall"][1])
    return said("rates.title", rate=rate)


def two_inspections(results: Results) -> Drawn | None:
    """The rate of the previous inspection and of this one."""
    table = previous(results)
    if table is None:
        return None
    rates = results.estimates["previous"], results.estimates["overall"]
    rows = [
        Bar(row["inspection"], rate.value, rate.low, rate.high, _beside(rate))
        for row, rate in zip(table.rows, rates, strict=True)
    ]
    samples = "; ".join(f"{row['inspection']}: {row['sample']}" for row in table.rows)
    subtitle = said("previous.subtitle", level=interval_level(results), samples=samples)
    title = two_inspections_title(results)
    figure = both(charts.intervals, title, subtitle, rows, said("rates.axis"), as_percent=True)
    parts = (f"{row.name}: {percent(row.value)}, {between(rate)}" for row, rate in zip(rows, rates, strict=True))
    return figure, _alt(said("previous.alt"), parts)


def two_inspections_title(results: Results) -> str:
    """The message: both rates, and whether chance may be the difference."""
    then, now = results.estimates["previous"], results.estimates["overall"]
    compared = results.details.compared_with_previous
    if compared is None:
        return ""
    message = "title_change" if compared.beyond_interval else "title_chance"
    if "representative" in compared.differs:
        message = "title"
    return said(f"previous.{message}", then=percent(then.value), now=percent(now.value))


def unrecorded(results: Results) -> Drawn | None:
    """Crimes that go unrecorded in a year, with their intervals."""
    found = _estimates(results, "unrecorded_")
    if not any(estimate.value for *_, estimate in found):
        return None
    first = found[0][2]
    rows = [
        Bar(label, e.value, e.low, e.high, capital(estimated(e.value)), *_assumed(results, key))
        for key, label, e in found
    ]
    crimes = nouns(results.told)["overall"][1]
    title = said("unrecorded.title", number=capital(estimated(first.value)), crimes=crimes)
    ends = {"end": wording.day(results.audit_period["end"]), "level": wording.percent_confidence(first)}
    subtitle = said("unrecorded.subtitle", **ends)
    figure = both(charts.intervals, title, subtitle, rows, said("unrecorded.axis"), as_percent=False)
    parts = (f"{name} {estimated(e.value)}, {between(e)}" for _, name, e in found)
    return figure, _alt(said("unrecorded.alt"), parts)


def domestic_abuse(results: Results) -> Drawn | None:
    """Unrecorded domestic abuse crimes by offence class."""
    tally = results.tallies.get("domestic_abuse_unrecorded_classes")
    if tally is None or not tally.counts:
        return None
    rows = [(class_name(name), number) for name, number in tally.counts.items()]
    subtitle = said("domestic_abuse.subtitle", period=_when(results))
    assumed = bool(results.marked(["tallies.domestic_abuse_unrecorded_classes"]))
    figure = both(charts.bars, _domestic_abuse_title(results), subtitle, rows, said("domestic_abuse.axis"), assumed)
    parts = (f"{label} {count(number)}" for label, number in rows)
    return figure, _alt(said("domestic_abuse.alt"), parts)


def _domestic_abuse_title(results: Results) -> str:
    missed = results.tallies["domestic_abuse_unrecorded"]
    number = missed.counts[missed.most]
    noun = nouns(results.told)[missed.most][number != 1]
    if missed.total == 1:
        return said("domestic_abuse.title_one", noun=noun)
    was = said(f"domestic_abuse.{'was' if number == 1 else 'were'}")
    return said("domestic_abuse.title", number=count(number), total=count(missed.total), was=was, noun=noun)


def parts(table: str, whole: str, results: Results) -> Drawn | None:
    """The "x of n" of a table, each in two parts: so, and not so."""
    rows_of = results.told.tables[table].rows if table in results.told.tables else {}
    is_real = results.records["status"] != "invented"
    found = []
    for key, label in rows_of.items():
        if key.startswith(f"{whole}_") and (share := results.share(key)) and share.n:
            is_assumed = is_real and results.marked([f"shares.{key}"])
            found.append((said("parts.assumed", label=label) if is_assumed else label, share))
    if not found:
        return None
    rows = [(label, share.x, share.n) for label, share in found]
    hours = {"hours": results.details.recording_limit_hours}
    total = results.share(whole)  # a programme may count the parts only
    title = said(f"{whole}.title", x_of_n=of(total), **hours) if total else said(f"{whole}.title_parts", **hours)
    subtitle = said(f"{whole}.subtitle", period=_when(results))
    figure = both(charts.parts, title, subtitle, rows, said(f"{whole}.done", **hours), said(f"{whole}.not_done"))
    return figure, _alt(said(f"{whole}.alt", **hours), (f"{label} {of(share)}" for label, share in found))


def sensitivity(results: Results) -> Drawn | None:
    """The overall rate under each estimator and interval."""
    groups: dict[str, list[tuple[str, float, float, float]]] = {}
    for row in results.details.sensitivity:
        clusters = said(f"sensitivity.{'clustered' if row.clustered else 'independent'}")
        group = said("sensitivity.group", estimator=row.estimator.capitalize(), clusters=clusters)
        groups.setdefault(group, []).append((capital(word("intervals", row.method)), row.rate, row.low, row.high))
    found = results.details.sensitivity_range
    if not groups or found is None:
        return None
    title = said("sensitivity.title", lowest=percent(found.lowest_rate), highest=percent(found.highest_rate))
    subtitle = said("sensitivity.subtitle", level=interval_level(results))
    figure = charts.ranges(title, subtitle, list(groups.items()), said("rates.axis")), None
    parts = (f"{group}: {percent(lines[0][1])}" for group, lines in groups.items())
    reach = said("sensitivity.reach", lowest=percent(found.lowest), highest=percent(found.highest))
    return figure, _alt(said("sensitivity.alt"), [*parts, reach])


def certainty(results: Results) -> Drawn | None:
    """How often each grade comes out in simulated audits: of elements judged by a rate, and the overall grade."""
    found = results.details.judgements
    rows = [
        (_rate_name(results, e.evidence.result), e.probabilities)
        for e in found.elements
        if e.probabilities and isinstance(e.evidence, EstimateEvidence)
    ]
    if found.overall.probabilities:
        rows.append((said("certainty.overall"), found.overall.probabilities))
    if not rows:
        return None
    scale = wording.in_words(found.scale)
    subtitle = said("certainty.subtitle", scale=scale)
    figure = both(charts.stacks, _certainty_title(results), subtitle, rows, said("certainty.axis"))
    parts = (
        f"{label}: {', '.join(f'{grade} {wording.chance(value)}' for grade, value in chances.items())}"
        for label, chances in rows
    )
    return figure, _alt(said("certainty.alt"), parts)


def _rate_name(results: Results, key: str) -> str:
    """A rate in a word or two."""
    rates = results.told.estimates
    return crime_types(results.told).get(key) or (rates[key].label if key in rates else key.capitalize())


def _certainty_title(results: Results) -> str:
    """The message: the grade by the criteria, what cannot be ruled out, and which rates are close to another grade."""
    chances, overall = results.details.certainty.get("overall"), results.details.judgements.overall
    if chances is None:
        return said("certainty.title")
    seen = said(f"certainty.seen{'_by_criteria' if overall.reason else ''}", grade=capital(overall.computed))
    if chances.not_ruled_out:
        seen = said("certainty.not_ruled_out", seen=seen, grades=wording.in_words(chances.not_ruled_out, "or"))
    found = results.details.judgements.elements
    close = [
        lower_first(_rate_name(results, e.evidence.result))
        for e in found
        if isinstance(e.evidence, EstimateEvidence) and (c := results.details.certainty.get(e.id)) and c.not_ruled_out
    ]
    return said(f"certainty.{'close' if close else 'not_close'}", seen=seen, rates=wording.in_words(close))
