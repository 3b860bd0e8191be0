"""The paragraphs of the chapters, written from results.

Each function says what was found in one section, also where little or nothing was: no crime of a type, no dip
sample, no survey. All figures come from the results and are rounded by :mod:`cdi_lib.report.wording`.
"""

from __future__ import annotations

from cdi_lib.inspection.parameters import CRIME_TYPES
from cdi_lib.inspection.results import EstimateResult, Results, Share
from cdi_lib.inspection.tables import CANCELLATION_TYPES
from cdi_lib.report import wording
from cdi_lib.report.labels import CRIME_NOUNS, TYPE_LABELS
from cdi_lib.report.wording import (
    about,
    between,
    count,
    in_words,
    number_word,
    of,
    over,
    percent,
    percent_confidence,
    plain,
    plural,
    plus_minus,
    points,
    sentence,
)  # fmt: skip

LIMITS = (
    "The interval covers chance in drawing the sample, and nothing else. The audit looks where reports of crime are "
    "expected; reports that lie elsewhere, for example in records of anti-social behaviour, would add to the number "
    "that is not recorded."
)


def rate_sentence(results: Results, key: str, what: str, remark: str = "") -> str:
    """What share of reported crime was recorded, with interval, n and what goes unrecorded in a year.

    ``what`` is a noun without a number, such as "violent crime"; ``remark`` stands behind it.
    """
    rate = results.estimate(key)
    remark = f" ({remark})" if remark else ""
    if rate is None:
        return f"The main sample holds no {what}{remark} that should have been recorded, so no rate can be given."
    text = (
        f"We estimate that {plain(results.force_name)} records **{percent(rate.value)}** of reported {what}{remark}. "
        f"The {percent_confidence(rate)} confidence interval is {plus_minus(rate)}; the force had recorded "
        f"{count(rate.recorded or 0)} of the {plural(rate.n, 'audited crime')}{_before_weighting(rate)}."
    )
    if "n_under_30" in rate.flags:
        text += f" With so few audited crimes ({count(rate.n)}) this is a rough indication."
    if "few_unrecorded" in rate.flags:
        text += " A crime type with much weight holds few unrecorded crimes, so the interval may be too narrow."
    return f"{text} {unrecorded_sentence(results, key)}"


def _before_weighting(rate: EstimateResult) -> str:
    """The share of the sample as it is, where that is not what the weighted rate says."""
    share = percent(rate.unweighted or 0)
    return "" if share == percent(rate.value) else f" ({share} before weighting)"


def unrecorded_sentence(results: Results, key: str) -> str:
    """How many reported crimes go unrecorded in a year, with its interval."""
    unrecorded = results.estimate(f"unrecorded_{key}")
    things = "reported crimes" if key == "overall" else f"reported {CRIME_NOUNS[key][1]}"
    if unrecorded is None:
        return "How many go unrecorded in a year cannot be estimated, because none was recorded."
    if unrecorded.value <= 0:
        text = f"No {things.removeprefix('reported ')} in the sample went unrecorded"
        if unrecorded.high is None or wording.about(unrecorded.high) == "0":
            return f"{text}."
        return f"{text}; up to {about(unrecorded.high)} a year would still be compatible with what we found."
    return (
        f"Our best estimate is that {over(unrecorded.value)} {things} a year are not recorded; the "
        f"{percent_confidence(unrecorded)} confidence interval is {_from_to(unrecorded)}."
    )


def how_sure(results: Results) -> str:
    """A note on how sure the headline is."""
    rate = results.estimates["overall"]
    goal = "the rate that such samples have on average" if results.details.evenness.uneven else "the true rate"
    return (
        "::: {.box .box-note}\n"
        f"**How sure are we?** The main sample holds {count(rate.n)} audited crimes. If the audit were repeated many "
        f"times with new samples, {percent_confidence(rate)} of the intervals made in this way should hold {goal}; the annex "
        f"says how near they come to it. Here that interval runs {_from_to(rate)}.{_if_weighted(results)} {LIMITS}\n"
        ":::"
    )


def _if_weighted(results: Results) -> str:
    """What the rate would be if each crime type had its weight, where the pooled headline leaves that out."""
    evenness, rate = results.details.evenness, results.estimate("overall_stratified")
    if not evenness.uneven:
        return ""
    text = (
        f" That is not quite the rate of the force, because some crime types were audited more closely than others: "
        f"{audited_share(results, evenness.most)}, {audited_share(results, evenness.least)}."
    )
    if rate is None:
        return text
    return (
        f"{text} With the weight that each crime type has in recorded crime, the rate is {percent(rate.value)} "
        f"({between(rate)}), and {_over(results.estimates['unrecorded_overall_stratified'].value)} crimes a year are not "
        "recorded (@tbl-estimators)."
    )


def _over(number: float) -> str:
    """A number of crimes rounded down, to stand before the noun."""
    return over(number) if number > 0 else "no"


def audited_share(results: Results, crime_type: str) -> str:
    """Which share of the reported crimes of a type was audited."""
    return f"{percent(results.details.row(crime_type).fraction or 0)} of {TYPE_LABELS[crime_type].lower()}"


def sureness(results: Results, key: str, what: str) -> str:
    """How sure a rate is, and the grade that rests on it: how far chance may have moved it, and over which grades.

    ``what`` is what the sample holds of it, such as "audited violent crimes". Empty where there is no rate.
    """
    rate = results.estimate(key)
    if rate is None:
        return ""
    text = f"**How sure are we?** {_reach(rate, what)}"
    judged = [e for e in results.details.judgements.elements if e.measure == key and e.probabilities]
    for entry in judged:
        likely, chances = results.details.certainty[entry.id].likely, entry.probabilities or {}
        parts = [f"{grade} in {wording.chance(chances[grade])}" for grade in likely]
        text += f" With other samples the element “{plain(entry.label)}” would be {in_words(parts)} of audits."
    return text


def _reach(rate: EstimateResult, what: str) -> str:
    if rate.n == 1:
        for many in ("reports", "crimes", "offences"):
            what = what.replace(many, many[:-1])
    if rate.below is None or rate.above is None:
        return f"From {count(rate.n)} {what} no interval can be given."
    down, up = points(rate.below, 1), points(rate.above, 1)
    if down == up:
        far = f"{down} percentage points either way"
    elif rate.value in (0, 1):  # at the end of the scale there is one way to go
        far = f"{down} percentage points down" if rate.value else f"{up} percentage points up"
    else:
        far = f"{down} points down or {up} points up"
    return (
        f"With {count(rate.n)} {what}, the {percent_confidence(rate)} confidence interval of the estimate, "
        f"{percent(rate.value)}, reaches {far}; it covers chance in drawing the sample, and nothing else."
    )


def unrecorded_sureness(results: Results) -> str:
    """How sure the yearly number of unrecorded crimes is."""
    unrecorded = results.estimate("unrecorded_overall")
    if unrecorded is None or unrecorded.low is None:
        return ""
    return (
        "**How sure are we?** The number is as unsure as the recording rate from which it follows: small changes of a high "
        f"rate are large changes of what is missing from it. The interval runs {_from_to(unrecorded)}. Recorded crime is "
        "taken as counted without error, and reports that lie where the audit did not look would come on top."
    )


def _from_to(estimate: EstimateResult) -> str:
    return between(estimate).replace("between", "from").replace(" and ", " to ")


def auditable_route(results: Results) -> str:
    """What the share of auditable routes says and what it does not."""
    share = percent(results.details.auditable_route)
    routes = results.tallies["routes"].counts
    by_route = (
        " By which route the audited crimes had come is not in these records."
        if _says_nothing(results, "route")
        else f" In the main sample, {plural(routes['control_room'], 'audited crime')} had come through a control room and "
        f"{count(routes['crime_recording_centre'])} directly to a crime-recording centre."
    )
    return (
        f"The audit looks at reports that leave a trail which auditors can follow: through a control room or directly to a "
        f"crime-recording centre. {share} of the crime that the force *records*, excluding fraud, comes by such an auditable route. "
        f"It does not follow that {share} of the crime that is *reported* does.{by_route}"
    )


def _says_nothing(results: Results, column: str) -> bool:
    """Whether a column of the audited crimes holds stand-ins only."""
    return column in results.records.get("says_nothing", ())


def domestic_abuse(results: Results) -> str:
    """Domestic abuse: how many of the audited crimes, how many recorded, the rate as a domain."""
    share, audited = results.shares["domestic_abuse"], results.tallies["audited"].counts["total"]
    if _says_nothing(results, "domestic_abuse"):
        return "Which of the audited crimes were related to domestic abuse is not in these records."
    if share.n == 0:
        return f"None of the {count(audited)} audited crimes was related to domestic abuse."
    text = (
        f"Of the {count(audited)} audited crimes, {count(share.n)} {were(share.n)} related to domestic abuse. "
        f"The force had recorded {count(share.x) if share.x else 'none'} of these."
    )
    missed = results.tallies["domestic_abuse_unrecorded"]
    if missed.total:
        kinds = in_words(plural(n, *CRIME_NOUNS[k]) for k, n in missed.counts.items() if n)
        text += f" The {number_word(missed.total)} that {were(missed.total)} not recorded: {kinds}."
    rate = results.estimate("domestic_abuse")
    if rate is not None:
        text += (
            f" For the force as a whole we estimate a recording rate of {percent(rate.value)} for domestic abuse "
            f"({percent_confidence(rate)} confidence interval: {between(rate)}; n = {count(rate.n)})."
        )
        if "n_under_30" in rate.flags:
            text += " With so few audited crimes this is a rough indication."
    return text


def were(number: int) -> str:
    """The verb that goes with a number of things."""
    return "was" if number == 1 else "were"


def rape(results: Results) -> str:
    """Reports of rape: recorded of audited, and what the force had instead."""
    share = results.shares["rape"]
    if _says_nothing(results, "offence_class"):
        return "Which of the audited crimes were rapes is not in these records."
    if share.n == 0:
        return "The main sample holds no report of rape that should have been recorded."
    text = (
        f"::: {{.headline}}\n[{of(share)}]{{.number}} audited reports of rape were recorded as rape\n:::\n\n"
        f"We found {plural(share.n, 'report')} of rape that the force should have recorded; it had recorded "
        f"{_all_or(share.x, share.n)}."
    )
    if share.x == share.n:
        return text
    counts = results.tallies["rape_not_recorded"].counts
    parts = [
        f"{number_word(counts['n100'])} {were(counts['n100'])} recorded as N100 instead" if counts["n100"] else "",
        f"{number_word(counts['incident'])} only as an incident" if counts["incident"] else "",
        f"for {number_word(counts['nothing'])} no crime or N100 was recorded" if counts["nothing"] else "",
    ]
    whole = "The one not recorded:" if share.missed == 1 else f"Of the {number_word(share.missed)} not recorded,"
    return f"{text} {whole} {in_words(part for part in parts if part)}."


def n100(results: Results) -> str:
    """Whether N100 was applied where needed, and right where applied."""
    explanation = (
        "N100 is the classification that explains why a reported rape or attempted rape was not at once recorded as a "
        "confirmed crime: for example because it is now clear that it did not happen, or because it happened elsewhere and "
        "is for another force to record."
    )
    required, review = results.share("n100_required"), results.share("n100_review")
    if required is None and review is None:
        return f"{explanation} The use of N100 was not inspected."
    parts = []
    if required is not None:
        parts.append(
            f"We found {plural(required.n, 'incident')} that needed an N100; the force had applied it to "
            f"{_all_or(required.x, required.n)}."
            if required.n
            else "We found no incident that needed an N100."
        )
    if review is not None:
        parts.append(
            f"Separately we reviewed {plural(review.n, 'record')} to which N100 had been applied: "
            + (
                f"{number_word(review.missed)} of {'them' if review.n > 1 else 'one'} should have been recorded as rape from the outset."
                if review.missed
                else f"{'all were' if review.n > 1 else 'it was'} rightly classified."
            )
            if review.n
            else "No record with an N100 was reviewed."
        )
    return f"{explanation} {' '.join(parts)}"


def _all_or(x: int, n: int) -> str:
    """``eight of them``; ``all of them``; ``it`` for one of one; ``none``."""
    if x == 0:
        return "none of them" if n > 1 else "none"
    if x == n:
        return "all of them" if n > 2 else "both" if n == 2 else "it"
    return f"{number_word(x)} of them"


def _found_crimes(share: Share | None, where: str, tally: dict[str, int] | None, missing: str) -> str:
    """Crimes found in a dip sample, those recorded, and what the others were."""
    if share is None:
        return missing
    if share.n == 0:
        return f"In {where} we found no crime that should have been recorded."
    text = (
        f"In {where} we found {plural(share.n, 'crime')} that should have been recorded; the force had recorded "
        f"{_all_or(share.x, share.n)}."
    )
    if tally:
        kinds = in_words(f"{number_word(n)} of {plain(name[:1].lower() + name[1:])}" for name, n in tally.items())
        text += f" Not recorded: {kinds}."
    return text


def _unrecorded_kinds(results: Results, key: str) -> dict[str, int]:
    tally = results.tallies.get(f"{key}_unrecorded")
    return tally.counts if tally else {}


def _examined(results: Results, sample: str) -> int:
    tally = results.tallies.get("dip_records")
    return tally.counts[sample] if tally else 0


def other_systems(results: Results) -> str:
    """Crimes of vulnerable victims held on other systems than the crime-recording system."""
    total = results.share("vulnerable_victims")
    if total is None:
        return "Records of vulnerable victims held on other systems were not inspected."
    adult, child, email = (
        _examined(results, name) for name in ("vulnerable_adult", "vulnerable_child", "third_party_email")
    )
    parts = []
    if total.n:
        parts.append(f"::: {{.headline}}\n[{of(total)}]{{.number}} crimes of vulnerable victims were recorded\n:::\n")
    parts.append(
        "Crimes are also reported to teams that protect vulnerable people, and such crimes must be recorded like all others. "
        "These are dip samples, too small to stand for all such records: no rate is estimated from them."
    )
    parts.append(
        _found_crimes(
            results.share("vulnerable_records"),
            f"{plural(adult, 'record')} of vulnerable adults and {plural(child, 'record')} of vulnerable children",
            _unrecorded_kinds(results, "vulnerable_records"),
            "Records of vulnerable adults and children were not inspected.",
        )
    )
    parts.append(
        _found_crimes(
            results.share("third_party"),
            f"{plural(email, 'e-mailed referral')} from professionals of other organisations",
            _unrecorded_kinds(results, "third_party"),
            "E-mailed referrals from third parties were not inspected.",
        )
    )
    return "\n\n".join(parts)


def modern_slavery(results: Results) -> str:
    """Crimes found in reports of modern slavery."""
    if results.share("modern_slavery") is None:
        return "Reports of modern slavery were not inspected."
    parts = [
        "Modern slavery is often reported through a national referral mechanism. We looked at dip samples of these reports and of others."
    ]
    referrals = _examined(results, "modern_slavery_referral")
    slavery, rest = results.share("modern_slavery_referral"), results.share("modern_slavery_referral_other")
    if slavery is None:
        parts.append("Referrals were not inspected.")
    else:
        where = plural(referrals, "referral")
        parts.append(
            f"In {where} we found {plural(slavery.n, 'modern slavery crime')}"
            + (f"; the force had recorded {_all_or(slavery.x, slavery.n)}." if slavery.n else ".")
        )
        if rest and rest.n:
            kinds = _unrecorded_kinds(results, "modern_slavery_referral_other")
            parts.append(
                f"The same referrals held {plural(rest.n, 'other crime')}, of which the force had recorded "
                f"{number_word(rest.x) if rest.x else 'none'}."
                + (
                    f" Not recorded: {in_words(f'{number_word(n)} of {plain(k[:1].lower() + k[1:])}' for k, n in kinds.items())}."
                    if kinds
                    else ""
                )
            )
    other = _examined(results, "modern_slavery_other")
    parts.append(
        _found_crimes(
            results.share("modern_slavery_other"),
            plural(other, "other report") + " of modern slavery",
            _unrecorded_kinds(results, "modern_slavery_other"),
            "Other reports of modern slavery were not inspected.",
        )
    )
    return "\n\n".join(parts)


def timeliness(results: Results) -> str:
    """How many recorded crimes were recorded within the time limit."""
    share = results.share("within_24")
    rule = (
        f"A crime should be recorded as soon as what is known meets the national standard, and in any case within "
        f"{results.details.recording_limit_hours} hours of the report."
    )
    if share is None or share.n == 0:
        return f"{rule} The times of report and of recording were not examined."
    parts = [
        f"{of(results.shares[f'within_24_{name}'])} {CRIME_NOUNS[name][1]}"
        for name in CRIME_TYPES
        if results.shares[f"within_24_{name}"].n
    ]
    return (
        f"{rule} Of the crimes that the force had recorded, it had done so in time for {in_words(parts)}; "
        f"in all {of(share)}. Each crime that was examined counts once, without weights{_graded_on_count(results)}."
    )


def _graded_on_count(results: Results) -> str:
    entries = results.details.judgements.elements
    judged = any(entry.measure == "within_24" and entry.status == "judged" for entry in entries)
    return ", and the grade rests on that count" if judged else ""


def cancelled(results: Results) -> str:
    """Whether cancelling was right, by crime type."""
    rule = (
        "A recorded crime may be cancelled when further information that can be verified shows that it did not happen, or "
        "when it happened in the area of another force and is transferred to it. The force crime and incident registrar "
        "(FCIR) decides for rape, designated decision makers (DDMs) for other crimes."
    )
    names = {"rape": "rape", "sexual": "other sexual offences", "violence": "violence", "robbery": "robbery"}
    reviewed = {name: results.share(f"cancelled_{name}") for name in CANCELLATION_TYPES}
    shares = {name: share for name, share in reviewed.items() if share}
    if not shares:
        return f"{rule} Cancelled crimes were not reviewed."
    found = [f"{of(share)} for {names[name]}" for name, share in shares.items() if share.n]
    none = [names[name] for name, share in shares.items() if not share.n]
    text = f"{rule} " + (
        f"Cancelling was correct in {in_words(found)}." if found else "We found no cancelled crime to review."
    )
    if found and none:
        text += f" We found no cancelled crime of {in_words(none).replace(' and ', ' or ')} to review."
    return text


def victims_informed(results: Results) -> str:
    """Whether victims were told of a cancellation or transfer."""
    share = results.share("victims_informed")
    if share is None:
        return ""
    if share.n == 0:
        return "There was no victim who should have been told of a cancellation or transfer."
    duty = "Victims should be told when their crime is cancelled or transferred."
    if share.n == 1:
        return f"{duty} The one victim who should have been told {'had' if share.x else 'had not'} been."
    how_many = "all" if share.x == share.n else number_word(share.x) if share.x else "none"
    return f"{duty} Of the {plural(share.n, 'victim')} who should have been told, {how_many} had been."


def equality(results: Results) -> str:
    """Which characteristics of victims are routinely recorded."""
    found = results.details.equality
    if not found:
        return "Whether the force records the characteristics of victims was not inspected."
    yes, no = (
        [plain(name) for name, is_recorded in found.items() if is_recorded is wanted] for wanted in (True, False)
    )
    text = (
        "Information about the characteristics of victims shows how crime affects different groups, and who does not "
        "report it. "
    )
    if yes:
        text += f"The force routinely records the {in_words(yes)} of victims"
        return text + (f", but not their {wording.in_words(no).replace(' and ', ' or ')}." if no else ".")
    return text + f"The force routinely records none of these: {in_words(no)}."


def survey(results: Results) -> str:
    """What officers and staff answered."""
    respondents = results.tallies.get("survey_respondents")
    if respondents is None:
        return "There was no survey of officers and staff, or nobody answered it."
    number = respondents.counts["respondents"]
    parts = [
        f"{of(share)} agreed: \N{LEFT DOUBLE QUOTATION MARK}{plain(statement).rstrip('.')}\N{RIGHT DOUBLE QUOTATION MARK}"
        for key, statement in results.details.survey_statements.items()
        if (share := results.share(f"survey_{key}")) is not None and share.n
    ]
    text = f"{sentence(plural(number, 'person', 'people'))[:-1]} answered our survey of officers and staff."
    return f"{text} {'. '.join(parts)}." if parts else text


def comparison(results: Results) -> str:
    """The previous inspection beside this one, with the tested difference; never a bare arrow."""
    details = results.details
    previous, compared = details.previous, details.compared_with_previous
    if previous is None or compared is None:
        return "There is no previous inspection to compare with."
    before, now, change = (results.estimates[key] for key in ("previous", "overall", "change"))
    text = (
        f"In {previous.year} the force had recorded {count(previous.recorded_crimes)} of {count(previous.audited_crimes)} audited crimes, "
        f"{percent(before.value)} ({percent_confidence(before)} confidence interval: {between(before)}). "
        f"This time we estimate {percent(now.value)} ({between(now)}). "
    )
    far = points(abs(change.value), 1)
    direction = "higher" if change.value > 0 else "lower"
    text += (
        f"The rate is {far} percentage points {direction} " if far != points(0, 1) else "The rate is nearly the same "
    )
    text += f"({change_interval(change)}), {_surprise(change, compared.chance)}."
    caution = []
    if "representative" in compared.differs:
        caution.append(
            "the earlier figure comes from a sample that does not represent the force, which makes the test a mere guide"
        )
    if "recording_limit_hours" in compared.differs:
        caution.append(
            f"crimes then had to be recorded within {previous.recording_limit_hours} hours, now within "
            f"{details.recording_limit_hours}"
        )
    if caution:
        text += f" Compare with care: {in_words(caution)}."
    if previous.note:
        text += f" {sentence(plain(previous.note))}"
    return text


def change_interval(change: EstimateResult) -> str:
    """The interval of a change in words, each end with its direction: a negative number of points lower is hard to read."""
    if change.low is None or change.high is None:
        return between(change)
    if change.high <= 0:
        return f"between {points(-change.high, 1)} and {points(-change.low, 1)} points lower"
    low = f"{points(-change.low, 1)} points lower" if change.low < 0 else points(change.low, 1)
    return f"between {low} and {points(change.high, 1)} points higher"


def _surprise(change: EstimateResult, chance: str) -> str:
    """How readily chance explains a change: by interval and test, which are made differently and can just disagree."""
    tiny = change.p_value is not None and change.p_value < 0.001
    p = "p below 0.001" if tiny else f"p = {change.p_value:.3f}"
    words = {
        "border": "which is at the border of what chance in drawing the samples would explain",
        "possible": "which could be due to chance in drawing the samples",
        "unlikely": "far more than chance in drawing the samples would explain"
        if tiny
        else "more than chance in drawing the samples would readily explain",
    }
    return f"{words[chance]} ({p})"


def interval_words(estimate: EstimateResult) -> str:
    """The interval under a large number, and whether few crimes stand behind it."""
    few = "; few audited crimes, so a rough indication" if "n_under_30" in estimate.flags else ""
    return f"{percent_confidence(estimate)} confidence interval: {between(estimate)}{few}"
