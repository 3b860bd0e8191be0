"""The paragraphs of the technical annex: how the sample was drawn, how the audit went, how rates are estimated."""

from __future__ import annotations

from cdi_lib.inspection.details import Challenges, DrawRepeated, Recheck
from cdi_lib.inspection.parameters import CRIME_TYPES, SamplingPlan
from cdi_lib.inspection.results import EstimateResult, Results
from cdi_lib.report import wording
from cdi_lib.report.labels import INTERVAL_NAMES, RECORDS
from cdi_lib.report.narrative import audited_share, were
from cdi_lib.report.wording import count, in_words, number_word, percent, percent_confidence, plural


def sampling(results: Results) -> str:
    """How the sample was drawn."""
    details, plan = results.details, results.details.sampling
    text = (
        "The main sample is a random sample of incidents in the audit period. For each, auditors decided which crimes should "
        "have been recorded, and which were. One incident can hold several crimes."
    )
    if details.strata_are_crime_types:
        text += " Each crime type is a stratum, from which incidents were drawn separately."
    if details.strata:
        drawn_by_type = all(row.stratum in CRIME_TYPES for row in details.strata)
        text += (
            " Incidents were drawn in a stratum for each crime type, with different chances, and some crimes turned out to be "
            "of another type than the stratum of their incident (@tbl-strata): "
            if drawn_by_type
            else " Incidents were drawn in strata that are not the types of their crimes, and with different chances (@tbl-strata): "
        )
        text += (
            "the pooled headline takes no account of that."
            if details.headline == "pooled"
            else "a crime counts as many times as its incident stands for incidents of its stratum."
        )
    if plan is None:
        return f"{text} The parameters of this inspection do not say how the sample was planned and drawn."
    if (status := results.records["status"]) != "audit":
        text += (
            f" What follows is how the {RECORDS[status]} of this report came about. How the sample of a real audit was "
            "planned and drawn is not known from it."
        )
    return (
        f"{text} The plan expected a recording rate of {wording.trimmed(plan.expected_rate_percent)}% "
        f"and {asked(plan)}. {_planned_clusters(plan)} Records were chosen by a keyed hash of a seed "
        f"(`{plan.seed}`) and the reference of each record, so that the draw can be repeated by anybody who has the frame."
        f"{_repeated(details.draw_repeated) if status == 'audit' else ''}"
    )


def _planned_clusters(plan: SamplingPlan) -> str:
    """What the plan made of several crimes in one incident."""
    if plan.design_effect == 1:
        return "It took the crimes of one incident as independent."
    return (
        f"It took the crimes of one incident as alike, with a design effect of {wording.trimmed(plan.design_effect)}."
    )


def _repeated(draw: DrawRepeated | None) -> str:
    """What came of repeating the draw for this report."""
    if draw is None or not draw.drawn_is_known:
        return ""
    return (
        f" It was repeated for this report, with the {count(draw.drawn)} incidents that were drawn, which need not be as "
        f"many as planned: {count(draw.selected_again)} of the {count(draw.with_crimes)} incidents with audited "
        "crimes are among them."
    )


def asked(plan: SamplingPlan) -> str:
    """What the parameters asked of the plan."""
    if plan.incidents:
        return "set the number of incidents of each stratum"
    if plan.allocation == "precision":
        return (
            f"asked for a margin of {wording.trimmed(plan.margin_points)} percentage points in every stratum at "
            f"{wording.trimmed(plan.confidence_percent)}% confidence"
        )
    shared = {
        "proportional": "in proportion to their size",
        "equal": "in equal parts",
        "neyman": "so that the overall rate is most precise (Neyman)",
    }
    return f"shared {count(plan.total_incidents or 0)} incidents among the strata {shared[plan.allocation]}"


def method(results: Results) -> str:
    """Estimator, interval, clustering and finite population in words and formulas."""
    rate = results.estimates["overall"]
    details = results.details
    parts = [
        "The recording rate is the number of audited crimes that were recorded divided by the number that should have been. "
        + (
            "The headline is the **pooled** rate: the main sample as it is, without weights. It is right for the force if crime "
            "types are in the sample as they are in reported crime, and it is what the published figures of this programme fit. "
            + _unevenly(results)
            if details.headline == "pooled"
            else "The headline is the **stratified** rate: each crime type has the weight that recorded crime gives it, so that a "
            "sample with too much of one type does not distort it. It is recorded crime divided by the sum over crime types of "
            "recorded crime over recording rate."
        ),
        f"The interval is {_a(INTERVAL_NAMES[rate.interval])} interval at {percent_confidence(rate)}, "
        + (
            "with finite population correction. "
            if rate.fpc
            else "without finite population correction: how many crimes were reported cannot be estimated. "
        )
        + (
            "Crimes of one incident are treated as a cluster: what happened to one of them says something about the others."
            if details.clustered
            else "Crimes are treated as independent, also those of one incident"
            + (
                "; an interval that takes account of incidents is given with the sensitivity of the results."
                if details.sensitivity
                else "."
            )
        )
        + f" {_interval_coverage(results, rate)}{not_simulated(results, rate)}",
    ]
    parts.append(_variance(results, rate))
    parts.append(
        "The number of reported crimes that go unrecorded in a year is *R* (1 - *r*) / *r*, with *R* the crime recorded in the "
        "12 months to the end of the audit period, excluding fraud, and *r* the recording rate. Its interval is that of *r* "
        "carried through the formula."
    )
    return "\n\n".join(parts)


def _variance(results: Results, rate: EstimateResult) -> str:
    """How variance and interval come about, for those who want to compute them again."""
    text = "The variance is that of the linearised rate (Taylor)"
    if results.details.clustered:
        text += ": the scores of the crimes are added up for each incident, and vary between the incidents of a stratum"
    if rate.fpc:
        whole = "the incidents of each stratum" if results.details.strata else "the reported crime"
        text += f", times the share of {whole} that was not audited"
    by_interval = {
        "normal": "The interval is the rate plus and minus so many standard errors",
        "logit": "The interval is that of the log-odds of the rate, plus and minus so many standard errors",
    }
    how = by_interval.get(
        rate.interval,
        "The interval is that of independent crimes for the effective sample size, which would have this variance",
    )
    if results.details.interval_coverage.adjusted:
        how += ", reduced for the degrees of freedom of that variance (Korn and Graubard)"
    return f"{text}. {how}."


def _unevenly(results: Results) -> str:
    evenness = results.details.evenness
    if not evenness.uneven:
        return "Here they nearly are (@tbl-sample)." if evenness.types > 1 else ""
    most, least = (audited_share(results, name) for name in (evenness.most, evenness.least))
    return (
        f"Here they are not: {most} and {least} were audited (@tbl-sample). The interval is "
        "that of the pooled rate, so it holds the force's rate less often than its level says; the stratified rate, which "
        "has not this fault, is in @tbl-estimators."
    )


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def sensitivity(results: Results) -> str:
    """How far the headline moves under other choices."""
    found = results.details.sensitivity_range
    if found is None:
        return (
            "The estimators cannot be compared: of some crime type with recorded crime the main sample holds no crime, or none "
            "that was recorded."
        )
    return (
        f"Under all estimators and intervals together the overall rate lies from {percent(found.lowest_rate)} to "
        f"{percent(found.highest_rate)}, and the intervals reach from {percent(found.lowest)} to {percent(found.highest)}."
    )


def _interval_coverage(results: Results, rate: EstimateResult) -> str:
    """How often an interval of this kind holds the true rate, and where it does not as often as it says."""
    known = results.details.interval_coverage
    (smallest, largest), (lowest, highest), (least, most) = known.sizes, known.rates, known.covered
    return (
        f"In simulated audits of {count(smallest)} to {count(largest)} crimes, with true rates from {percent(lowest)} to "
        f"{percent(highest)}, {INTERVAL_NAMES[rate.interval]} intervals that should hold the true rate in "
        f"{wording.level(known.level)} of audits did so in {percent(least)} to {percent(most)} of them. The fewest were with a "
        "high rate and few unrecorded crimes in a crime type of much weight, and with incidents whose crimes resemble each other."
    )


def not_simulated(results: Results, rate: EstimateResult) -> str:
    """In what this inspection differs from the simulated audits, so that nothing is known of its coverage."""
    words = {
        "level": f"its intervals are at {percent_confidence(rate)}",
        "size": f"it holds {plural(rate.n, 'audited crime')}",
        "rate": f"its rate is {percent(rate.value)}",
        "independent": "its crimes are treated as independent",
        "uneven": "its rate is pooled over crime types that were audited unevenly",
    }
    told = [words[what] for what in results.details.interval_coverage.differs]
    return f" This inspection is not among what was simulated: {in_words(told)}." if told else ""


def fieldwork(results: Results) -> str:
    """How the audit went: response, agreement of two auditors, challenges; in words also where it is not known."""
    found = results.details.fieldwork
    challenges = _challenges(results.details.challenges)
    if found is None:
        return "No worksheets of auditors were returned to this project, so the response is not known.\n\n" + challenges
    response = (
        f"{count(found.audited)} of {count(found.selected)} drawn incidents were audited "
        f"({percent(found.response_rate)}); @tbl-response shows them by stratum."
    )
    others = (
        (found.cannot_be_audited, "could not be audited"),
        (found.without_decision, "had no decision when this was made"),
    )
    if told := [f"{count(number)} {what}" for number, what in others if number]:
        response += f" Of the others, of which nothing is known, {in_words(told)}."
    if found.reserves:
        response += (
            f" Reserves were drawn with the sample; the first of them took the place of {plural(found.reserves, 'incident')} "
            "that could not be audited, and count as drawn."
        )
    if found.errors:
        response += f" **The worksheets still hold {plural(found.errors, 'error')}, which `make check` lists.**"
    if results.details.crimes_from_elsewhere:
        response += (
            f" **The audited crimes of this report lie in {plural(results.details.row('overall').incidents, 'incident')}, the worksheets hold crimes in "
            f"{count(found.crime)}: not all crimes come from the worksheets that are here.**"
        )
    return "\n\n".join([response, _agreement(found.recheck), challenges])


def _agreement(recheck: Recheck | None) -> str:
    if recheck is None or not recheck.incidents:
        return "No incident was audited twice."
    text = (
        f"A second auditor decided about {count(recheck.incidents)} of them without knowing the first decision, and "
        f"came to the same one in {count(recheck.agreed)}."
    )
    asked = {"finding": "whether there was a crime", "outcome": "whether all of it was recorded"}
    kappas = [
        f"of {what} {kappa.kappa:.2f} ({wording.level(kappa.confidence)} interval {kappa.low:.2f} to {kappa.high:.2f})"
        for name, what in asked.items()
        if (kappa := getattr(recheck, name)) and kappa.kappa is not None
    ]
    if kappas:
        text += f" Cohen's kappa is {in_words(kappas)}: 0 is what chance alone would give, and 1 full agreement."
    return text


def _challenges(counts: Challenges | None) -> str:
    if counts is None:
        return "No record was kept of challenges by the force."
    if not counts.challenges:
        return "The force challenged no decision."
    upheld, rejected, undecided = counts.upheld, counts.rejected, counts.open
    outcomes = [
        f"{number_word(upheld)} {were(upheld)} upheld and corrected" if upheld else "",
        f"{number_word(rejected)} {were(rejected)} rejected" if rejected else "",
        f"{number_word(undecided)} {'is' if undecided == 1 else 'are'} open" if undecided else "",
    ]
    return f"The force challenged {plural(counts.challenges, 'decision')}: {in_words(filter(None, outcomes))}."
