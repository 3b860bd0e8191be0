"""The index of every table and figure of the report.

Nothing else in the project spells the title or the number of a table or figure. A builder returns None where
there is nothing to show; the report then says so in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from cdi_lib.inspection.folders import slug
from cdi_lib.inspection.parameters import CRIME_TYPES
from cdi_lib.inspection.results import EstimateResult, Results, Share
from cdi_lib.report import charts, tables, wording
from cdi_lib.report.tables import Column, Table, TableOutput
from cdi_lib.report.wording import count, of, over, percent, points

TYPE_LABELS = {
    "overall": "All crime",
    "violence": "Violence",
    "sexual": "Sexual offences",
    "other": "Other crime",
}
CANCELLATION_LABELS = {
    "rape": "Rape",
    "sexual": "Other sexual offences",
    "violence": "Violence",
    "robbery": "Robbery",
}


@dataclass(frozen=True)
class FigureOutput:
    """A figure of the report: its caption, its alt text and how it is drawn, all from the same results.

    ``table`` is the id of the table that holds its numbers. ``rests_on`` are ids of the results that it shows, or how they
    begin; the first that is there names the notebook.
    """

    id: str
    table: str
    rests_on: tuple[str, ...]
    title: Callable[[Results], str]
    alt: Callable[[Results], str]
    build: Callable[[Results], Figure | None]


def _estimates(results: Results, keys: tuple[str, ...]) -> list[tuple[str, EstimateResult]]:
    return [(TYPE_LABELS[key], results.estimates[key]) for key in keys if key in results.estimates]


def _shares(results: Results, labels: dict[str, str]) -> list[tuple[str, Share]]:
    return [(label, results.shares[key]) for key, label in labels.items() if key in results.shares]


# --- tables ---------------------------------------------------------------------------------------------------


def _rates(results: Results) -> Table | None:
    rows = [
        {
            "code": key,
            "crime_type": label,
            "audited": rate.n,
            "recorded": rate.recorded,
            "rate": rate.value,
            "low": rate.low,
            "high": rate.high,
            "note": _caution(rate),
        }
        for key, label in TYPE_LABELS.items()
        if (rate := results.estimate(key))
    ]
    columns = [
        tables.text("crime_type", "Crime type"),
        tables.count("audited", "Audited crimes (n)"),
        tables.count("recorded", "Recorded"),
        tables.percent("rate", "Recording rate"),
        *_interval_columns(results, "overall", tables.percent),
    ]
    if any(row["note"] != "none" for row in rows):
        columns.append(tables.text("note", "Caution"))
    return Table(tuple(columns), rows, _weights_note(results))


def _weights_note(results: Results) -> str:
    """Why a rate is not recorded over audited crimes, where it is not."""
    if results.details["headline"] == "pooled":
        return ""
    note = "In the rate of all crime each crime type has its weight in recorded crime."
    if results.details.get("strata"):
        note += (
            " In every rate a crime counts by the chance with which its incident was drawn; the weight of its type in "
            "recorded crime comes on top in that of all crime only, not in that of domestic abuse."
        )
    return f"{note} So a rate need not be recorded over audited crimes."


CAUTIONS = {
    "n_under_30": "fewer than 30 audited crimes",
    "few_unrecorded": "few unrecorded crimes in a type with much weight: the interval may be too narrow",
    "open_ended": "the interval has no upper end",
}


def _caution(rate: EstimateResult) -> str:
    return wording.in_words(text for flag, text in CAUTIONS.items() if flag in rate.flags)


def _interval_columns(results: Results, key: str, column: Callable[[str, str], Column]) -> list[Column]:
    level = wording.percent_confidence(results.estimates[key])
    return [column("low", f"{level} CI lower"), column("high", f"{level} CI upper")]


def _unrecorded(results: Results) -> Table | None:
    recorded_crime = results.details["recorded_crime"]
    recorded_crime = recorded_crime | {"overall": sum(recorded_crime.values())}
    rows = [
        {
            "code": key,
            "crime_type": label,
            "recorded_crime": recorded_crime[key],
            "unrecorded": results.estimates[f"unrecorded_{key}"].value,
            "low": results.estimates[f"unrecorded_{key}"].low,
            "high": results.estimates[f"unrecorded_{key}"].high,
            "n": results.estimates[f"unrecorded_{key}"].n,
        }
        for key, label in TYPE_LABELS.items()
        if f"unrecorded_{key}" in results.estimates
    ]
    if not rows:
        return None
    return Table(
        (
            tables.text("crime_type", "Crime type"),
            tables.count("recorded_crime", "Recorded in 12 months"),
            tables.over("unrecorded", "Estimated unrecorded a year"),
            *_interval_columns(results, "overall", tables.about),
            tables.count("n", "Audited crimes (n)"),
        ),
        rows,
        _sum_note(results),
    )


def _sum_note(results: Results) -> str:
    """Why the crime types do not add up to all crime, where they do not."""
    if results.details["headline"] != "pooled":
        return ""
    return "The row of all crime rests on the pooled rate, so it is not the sum of the others."


def _domestic_abuse(results: Results) -> Table | None:
    share = results.share("domestic_abuse")
    if share is None or share.n == 0:
        return None
    audited, unrecorded = (
        results.tallies["domestic_abuse_audited"],
        results.tallies["domestic_abuse_unrecorded"],
    )
    rows = [
        {
            "code": name,
            "crime_type": TYPE_LABELS[name],
            "audited": audited.counts[name],
            "recorded": audited.counts[name] - unrecorded.counts[name],
            "unrecorded": unrecorded.counts[name],
        }
        for name in CRIME_TYPES
    ]
    rows.append(
        {
            "code": "overall",
            "crime_type": "All domestic abuse crime",
            "audited": share.n,
            "recorded": share.x,
            "unrecorded": share.n - share.x,
        }
    )
    return Table(
        (
            tables.text("crime_type", "Crime type"),
            tables.count("audited", "Audited crimes (n)"),
            tables.count("recorded", "Recorded"),
            tables.count("unrecorded", "Not recorded"),
        ),
        rows,
    )


def _domestic_abuse_classes(results: Results) -> Table | None:
    rows = [{"offence": name, "unrecorded": number} for name, number in _domestic_abuse_counts(results)]
    columns = (tables.text("offence", "Offence class"), tables.count("unrecorded", "Not recorded"))
    return Table(columns, rows) if rows else None


def _share_table(labels: dict[str, str], what: str, done: str) -> Callable[[Results], Table | None]:
    """A table of "x of y" with both numbers; a part that was not inspected is left out."""

    def build(results: Results) -> Table | None:
        rows = [
            {"code": key, "item": label, "x": share.x, "n": share.n}
            for key, label in labels.items()
            if (share := results.share(key))
            and (key, share.n) != ("rape", 0)  # none in the sample: nothing was examined
        ]
        if not rows:
            return None
        return Table(
            (tables.text("item", what), tables.count("x", done), tables.count("n", "Out of (n)")), rows
        )

    return build


OTHER_SYSTEMS = {
    "vulnerable_records": "Vulnerable adult and child records",
    "third_party": "E-mailed referrals from third parties",
    "vulnerable_victims": "All vulnerable victim crimes",
}
MODERN_SLAVERY = {
    "modern_slavery_referral": "Referrals: modern slavery crimes",
    "modern_slavery_referral_other": "Referrals: other crimes",
    "modern_slavery_other": "Other reports of modern slavery: all crimes",
    "modern_slavery": "All crimes found",
}
RAPE_AND_N100 = {
    "rape": "Reports of rape recorded as rape",
    "n100_required": "Incidents that needed an N100 and had one",
    "n100_review": "Reviewed N100 records in which N100 was right",
}


def _dip_table(
    labels: dict[str, str], samples: dict[str, tuple[str, ...]]
) -> Callable[[Results], Table | None]:
    """Dip samples: records examined, crimes that should have been recorded, and crimes that were."""

    def build(results: Results) -> Table | None:
        examined = results.tallies.get("dip_records")
        if examined is None:
            return None
        rows = [
            {
                "code": key,
                "item": label,
                "records": sum(examined.counts.get(name, 0) for name in samples[key]),
                "crimes": results.shares[key].n,
                "recorded": results.shares[key].x,
            }
            for key, label in labels.items()
            if key in results.shares
        ]
        columns = (
            tables.text("item", "Dip sample"),
            tables.count("records", "Records examined"),
            tables.count("crimes", "Crimes found (n)"),
            tables.count("recorded", "Recorded"),
        )
        return Table(columns, rows) if rows else None

    return build


_VULNERABLE = ("vulnerable_adult", "vulnerable_child")
_other_systems = _dip_table(
    OTHER_SYSTEMS,
    {
        "vulnerable_records": _VULNERABLE,
        "third_party": ("third_party_email",),
        "vulnerable_victims": (*_VULNERABLE, "third_party_email"),
    },
)
_modern_slavery = _dip_table(
    MODERN_SLAVERY,
    {
        "modern_slavery_referral": ("modern_slavery_referral",),
        "modern_slavery_referral_other": ("modern_slavery_referral",),
        "modern_slavery_other": ("modern_slavery_other",),
        "modern_slavery": ("modern_slavery_referral", "modern_slavery_other"),
    },
)
WITHIN_24 = {f"within_24_{name}": TYPE_LABELS[name] for name in CRIME_TYPES}


def _within_24(results: Results) -> Table | None:
    rows = [
        {
            "code": key,
            "crime_type": label,
            "recorded": share.n,
            "within": share.x,
            "share": share.x / share.n,
        }
        for key, label in (WITHIN_24 | {"within_24": "All crime"}).items()
        if (share := results.share(key)) and share.n
    ]
    columns = (
        tables.text("crime_type", "Crime type"),
        tables.count("recorded", "Recorded crimes with known times (n)"),
        tables.count("within", "Recorded within 24 hours"),
        tables.percent("share", "Share of these"),
    )
    return Table(columns, rows) if rows else None


CANCELLED = {f"cancelled_{name}": label for name, label in CANCELLATION_LABELS.items()}
_cancelled = _share_table(
    CANCELLED | {"victims_informed": "Victims who should have been informed, and were"},
    "What was reviewed",
    "Correct",
)


def _equality(results: Results) -> Table | None:
    recorded = results.details.get("equality")
    if not recorded:
        return None
    rows = [
        {"characteristic": wording.capital(name), "recorded": "yes" if yes else "no"}
        for name, yes in recorded.items()
    ]
    return Table(
        (
            tables.text("characteristic", "Characteristic of victims"),
            tables.text("recorded", "Routinely recorded"),
        ),
        rows,
    )


def _survey(results: Results) -> Table | None:
    statements = results.details.get("survey_statements", {})
    rows = []
    for key, statement in statements.items():
        share = results.share(f"survey_{key}")
        if share is None or share.n == 0:
            continue
        counts = results.tallies[f"survey_{key}"].counts
        rows.append(
            {
                "code": key,
                "statement": statement,
                "agree": share.x,
                "neither": counts["neither"],
                "disagree": counts["disagree"] + counts["strongly disagree"],
                "n": share.n,
            }
        )
    columns = (
        tables.text("statement", "Statement"),
        tables.count("agree", "Agree or strongly agree"),
        tables.count("neither", "Neither"),
        tables.count("disagree", "Disagree or strongly disagree"),
        tables.count("n", "Answers (n)"),
    )
    return Table(columns, rows) if rows else None


def _previous(results: Results) -> Table | None:
    previous = results.details.get("previous")
    if previous is None:
        return None
    rows = [
        {
            "inspection": f"{previous['year']}",
            "sample": "random sample" if previous["representative"] else "dip sample, not representative",
            "limit": f"{previous['recording_limit_hours']} hours",
            **_rate_cells(results.estimates["previous"]),
        },
        {
            "inspection": results.publication["date"][:4],
            "sample": "random sample",
            "limit": f"{results.details['recording_limit_hours']} hours",
            **_rate_cells(results.estimates["overall"]),
        },
    ]
    columns = (
        tables.text("inspection", "Inspection"),
        tables.text("sample", "Kind of sample"),
        tables.text("limit", "Time limit for recording"),
        tables.count("n", "Audited crimes (n)"),
        tables.count("recorded", "Recorded"),
        tables.percent("rate", "Recording rate"),
        *_interval_columns(results, "overall", tables.percent),
    )
    differs = ["period"] + [what for key, what in _DIFFERENCES.items() if rows[0][key] != rows[1][key]]
    note = (
        f"The inspections differ in {wording.in_words(differs)}. Their difference is taken before rounding."
    )
    return Table(columns, rows, note)


_DIFFERENCES = {"sample": "kind of sample", "limit": "time limit for recording"}


def _rate_cells(rate: EstimateResult) -> dict:
    return {"n": rate.n, "recorded": rate.recorded, "rate": rate.value, "low": rate.low, "high": rate.high}


def _sample(results: Results) -> Table | None:
    codes = (*CRIME_TYPES, "overall")
    rows = [{"code": code} | row for code, row in zip(codes, results.details["sample"], strict=True)]
    columns = (
        tables.text("stratum", "Crime type"),
        tables.count("incidents", "Incidents with crimes"),
        tables.count("crimes", "Audited crimes (n)"),
        tables.count("recorded_crime", "Recorded in 12 months"),
        tables.count("population", "Estimated reported crimes in the frame (N)"),
        tables.percent("fraction", "Share audited"),
    )
    return Table(columns, rows, _sum_note(results))


def _strata(results: Results) -> Table | None:
    rows = results.details.get("strata")
    columns = (
        tables.text("stratum", "Stratum of the draw"),
        tables.count("frame_incidents", "Incidents in the frame"),
        tables.count("audited_incidents", "Incidents audited"),
        Column(
            "weight", "Incidents that each stands for", lambda value: wording.rounded(value, 1), True, "0.0"
        ),
    )
    return Table(columns, rows) if rows else None


def _plan(results: Results) -> Table | None:
    rows = results.details.get("plan")
    if not rows:
        return None
    return Table(
        (
            tables.text("crime_type", "Crime type"),
            tables.count("planned_crimes", "Crimes planned"),
            tables.count("planned_incidents", "Incidents planned"),
            tables.count("audited_crimes", "Crimes audited"),
            tables.points("margin", "Margin expected from the audited number (points)"),
        ),
        rows,
    )


def _estimators(results: Results) -> Table | None:
    rows = []
    for key, label in (("overall_pooled", "Pooled"), ("overall_stratified", "Stratified by crime type")):
        rate = results.estimate(key)
        if rate is None:
            continue
        unrecorded = results.estimates.get(f"unrecorded_{key}")
        is_headline = results.details["headline"] == key.removeprefix("overall_")
        rows.append(
            {
                "code": key,
                "estimator": label,
                "headline": "yes" if is_headline else "no",
                "rate": rate.value,
                "margin": rate.margin,
                "low": rate.low,
                "high": rate.high,
                "unrecorded": unrecorded.value if unrecorded else None,
                "n": rate.n,
            }
        )
    columns = (
        tables.text("estimator", "Estimator"),
        tables.text("headline", "Headline"),
        tables.count("n", "Audited crimes (n)"),
        tables.percent("rate", "Recording rate"),
        tables.points("margin", "Half-width of interval (points)"),
        *_interval_columns(results, "overall", tables.percent),
        tables.about("unrecorded", "Unrecorded a year"),
    )
    return Table(columns, rows)


def _sensitivity(results: Results) -> Table | None:
    rows = [row | {"n": results.estimates["overall"].n} for row in results.details.get("sensitivity") or []]
    if not rows:
        return None
    columns = (
        tables.text("estimator", "Estimator"),
        tables.text("clusters", "Crimes of one incident"),
        tables.text("interval", "Interval"),
        tables.percent("rate", "Recording rate"),
        tables.percent("low", "Lower end", places=2),
        tables.percent("high", "Upper end", places=2),
    )
    return Table(columns, rows)


# How a published figure is compared: the printed form of the computed one, by the name in the table `published`.
PRINTED = {
    "percent": lambda value: percent(value, 1),
    "points": lambda value: points(value, 2),
    "over": over,
    "count": count,
    "text": str,
    "x of n": lambda share: f"{count(share['x'])} of {count(share['n'])}",
}


def value_at(results: Results, path: str):
    """The value that a dotted path such as ``estimates.overall.value`` leads to; None if there is none.

    ``estimates.<id>.margin`` is half the width of the interval.
    """
    kind, _, rest = path.partition(".")
    if kind == "estimates" and rest.endswith(".margin"):
        estimate = results.estimates.get(rest.removesuffix(".margin"))
        return estimate.margin if estimate else None
    value = results.model_dump(mode="json")
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


OTHER_CRITERIA = "other criteria"  # in the column `reproduced` of a grade


def has_later_criteria(results: Results) -> bool:
    """Whether the criteria are later than the publication, so that grades published then were given by others."""
    criteria = results.details["judgements"]["framework"]["date"]
    return str(criteria) > str(results.publication["date"])


def _published(results: Results) -> Table | None:
    rows = []
    for row in results.details.get("published") or []:
        value = value_at(results, row["result"])
        computed = None if value is None else PRINTED[row["shown_as"]](value)
        if row["result"].startswith("details.grades.") and has_later_criteria(results):
            reproduced = OTHER_CRITERIA
        elif computed is None:
            reproduced = "not computed"
        else:
            reproduced = "yes" if computed == row["published"] else "no"
        values = value if isinstance(value, dict) else {"value": value}
        numbers = {key: values.get(key) for key in ("value", "x", "n")}
        rows.append({"code": row["result"], **row, "computed": computed, "reproduced": reproduced} | numbers)
    columns = (
        tables.text("figure", "Figure"),
        Column("published", "Published", wording.plain, number=True),
        Column("computed", "Computed here", wording.plain, number=True),
        tables.text("reproduced", "Reproduced"),
    )
    return Table(columns, rows) if rows else None


def _assumptions(results: Results) -> Table | None:
    rows = results.details.get("assumptions")
    columns = (
        tables.text("text", "What is taken as given"),
        tables.text("status", "Status"),
        tables.text("source", "Source or reason"),
    )
    return Table(columns, rows) if rows else None


def _inputs(results: Results) -> Table | None:
    rows = [{"file": name, "sha256": value[:16]} for name, value in results.inputs.items()]
    return Table((tables.text("file", "File"), tables.text("sha256", "SHA-256, first 16 characters")), rows)


def _assessments(results: Results) -> Table | None:
    rows = [{"code": row["element"]} | row for row in results.details.get("assessments") or []]
    columns = (
        tables.text("criterion", "What inspectors looked for"),
        tables.text("finding", "Finding"),
        tables.text("evidence", "Evidence"),
    )
    return Table(columns, rows) if rows else None


@dataclass(frozen=True)
class Term:
    """A term of the glossary: its name, how it is found in a text (a pattern), and what it means here."""

    name: str
    pattern: str
    meaning: str

    @property
    def id(self) -> str:
        """The anchor of the term in the report."""
        return f"term-{slug(self.name)}"


GLOSSARY = (
    Term("Audited crime", r"[Aa]udited crimes?", "A crime that the audit found should have been recorded."),
    Term(
        "Recording rate",
        r"[Rr]ecording rates?",
        "Audited crimes that the force had recorded, divided by all audited crimes.",
    ),
    Term(
        "Confidence interval (CI)",
        r"[Cc]onfidence intervals?",
        "A range made so that, over many repetitions of the audit, the stated share of such ranges holds the true value. "
        "It covers sampling only.",
    ),
    Term("Unrecorded", r"[Uu]nrecorded", "Reported to the force, due to be recorded, and not recorded."),
    Term(
        "Crime type",
        r"[Cc]rime types?|[Tt]ypes? of crime",
        "Violence against the person, sexual offences (rape is a part of them) or other crime, fraud left out.",
    ),
    Term("Main sample", r"[Mm]ain sample", "Incidents drawn at random; the only source of rates."),
    Term(
        "Dip sample",
        r"[Dd]ip samples?",
        "Records chosen to look closely at one matter. They do not stand for all records, so no rate is estimated from them.",
    ),
    Term(
        "Auditable route",
        r"[Aa]uditable routes?",
        "Reported through a control room or directly to a crime-recording centre, so that auditors can follow the report.",
    ),
    Term(
        "Domestic abuse",
        r"[Dd]omestic abuse",
        "A part of the sample that cuts across the crime types, estimated as a domain.",
    ),
    Term(
        "N100",
        r"N100",
        "Classification of a reported rape or attempted rape that is not at once recorded as a confirmed crime.",
    ),
    Term(
        "FCIR",
        r"FCIR|[Ff]orce crime and incident registrar",
        "Force crime and incident registrar, who among other things decides about cancelling a recorded rape.",
    ),
    Term(
        "DDM",
        r"DDMs?|[Dd]esignated decision makers?",
        "Designated decision maker, who decides about cancelling other recorded crimes.",
    ),
    Term(
        "HOCR", r"HOCR|[Cc]ounting rules", "Home Office Counting Rules: what to record, and how to count it."
    ),
    Term(
        "NCRS",
        r"NCRS|[Nn]ational (crime recording )?standard",
        "National Crime Recording Standard: when a report must be recorded as a crime.",
    ),
    Term(
        "Principal crime rule",
        r"[Pp]rincipal crime rule",
        "Of several crimes by one offender against one victim only the most serious is recorded. There are exceptions, such "
        "as stalking, harassment and coercive control, and not knowing them is a common cause of missed crimes.",
    ),
    Term(
        "Victims' code",
        r"[Cc]ode of practice for victims( of crime)?|[Vv]ictims[’'] code",
        "Code of practice for victims of crime: the services that victims are entitled to.",
    ),
)


def _response(results: Results) -> Table | None:
    fieldwork = results.details.get("fieldwork")
    if not fieldwork:
        return None
    rows = [{"stratum": name} | counts for name, counts in fieldwork["strata"].items()]
    rows.append({"stratum": "All strata"} | {key: fieldwork[key] for key in rows[0] if key != "stratum"})
    columns = (
        tables.text("stratum", "Stratum"),
        tables.count("selected", "Incidents drawn"),
        *([tables.count("reserves", "Of these, reserves")] if fieldwork["reserves"] else []),
        tables.count("returned", "Returned"),
        tables.count("crime", "With crimes that should have been recorded"),
        tables.count("no_crime", "Without"),
        tables.count("cannot_be_audited", "Could not be audited"),
    )
    return Table(columns, rows)


def _glossary(results: Results) -> Table | None:
    rows = [{"code": term.id, "term": term.name, "meaning": term.meaning} for term in GLOSSARY]
    anchors = {term.name: term.id for term in GLOSSARY}
    anchored = Column("term", "Term", lambda name: f"[{wording.plain(name)}]{{#{anchors[name]}}}")
    return Table((anchored, tables.text("meaning", "Meaning")), rows)


def _unrecorded_classes(results: Results) -> Table | None:
    tally = results.tallies.get("unrecorded_classes")
    if tally is None or not tally.counts:
        return None
    rows = [{"offence": name, "unrecorded": number} for name, number in tally.counts.items()]
    return Table((tables.text("offence", "Offence class"), tables.count("unrecorded", "Not recorded")), rows)


def grade_of(results: Results, key: str) -> str:
    """The decided grade of the overall judgement, a question or an element."""
    return judged(results, key)["decided"]


def judged(results: Results, key: str) -> dict:
    """The judgement with this id: overall, a question or an element."""
    found = results.details["judgements"]
    everything = [found["overall"], *found["questions"], *found["elements"]]
    return next(entry for entry in everything if entry["id"] == key)


def _questions(results: Results) -> list[dict]:
    found = results.details["judgements"]
    return [found["overall"], *found["questions"]]


def _grades(results: Results) -> Table:
    rows = [
        {
            "code": entry["id"],
            "question": "Overall judgement" if entry["id"] == "overall" else entry["label"],
            "decided": entry["decided"],
            "computed": entry["computed"],
            "rule": entry["rule"],
            "reason": f"{entry['reason']} ({entry['role']})" if entry["reason"] else "as computed",
        }
        for entry in _questions(results)
    ]
    is_set = any(row["decided"] != row["computed"] for row in rows)
    columns = [
        tables.text("question", "Question"),
        Column("decided", "Grade", wording.badge),
        tables.text("rule", "Rule for the grade by the criteria" if is_set else "Rule that gives it"),
    ]
    if is_set:
        columns += [
            tables.text("computed", "Grade by the criteria"),
            tables.text("reason", "Why it was set otherwise"),
        ]
    return Table(tuple(columns), rows)


def _measure_words(entry: dict) -> str:
    """What an element was judged on, in words, with the number of records that it rests on."""
    evidence = entry["evidence"]
    if evidence is None:
        return "not inspected"
    if evidence["kind"] == "assessment":
        return evidence["finding"]
    if evidence["kind"] == "share":
        return f"{count(evidence['x'])} of {count(evidence['n'])}"
    used = evidence["low"] if evidence["use"] == "low" else evidence["value"]
    lower = "lower end of the interval, " if evidence["use"] == "low" else ""
    return f"{percent(used, _places(entry))} ({lower}n = {count(evidence['n'])})"


def _change_words(change: dict | None, none: str, places: int) -> str:
    """What would have given another grade, in words."""
    if change is None:
        return none
    if "x" in change:
        needed = f"{count(change['x'])} of {count(change['n'])}"
    elif "finding" in change:
        needed = change["finding"]
    else:
        bound = "at least" if "at_least" in change else "below"
        needed = f"{bound} {percent(change.get('at_least', change.get('below')), places)}"
    return f"{needed}: {change['grade']}"


def _neighbours(entry: dict) -> str:
    """What would have given the next better and the next worse grade."""
    if entry["status"] != "judged":
        return tables.NOT_APPLICABLE
    places = _places(entry)
    better = _change_words(entry["next_better"], "no better grade", places)
    return f"{better}; {_change_words(entry['next_worse'], 'no worse grade', places)}"


def _places(entry: dict) -> int:
    """Decimals that tell a rate from the bound of another grade; one is too few for 93.97% against 94%."""
    used = (entry["evidence"] or {}).get("use")
    value = entry["evidence"][used] if used else None
    bounds = [
        change.get("at_least", change.get("below"))
        for change in (entry["next_better"], entry["next_worse"])
        if change
    ]
    close = value is not None and any(
        bound is not None and percent(value) == percent(bound) for bound in bounds
    )
    return 2 if close else 1


def _status(entry: dict) -> str:
    """How an element came to its grade; where it was set, also what the criteria give."""
    if not entry["reason"]:
        return entry["status"]
    return f"set by {entry['role']}: {entry['reason']} By the criteria: {entry['computed']}"


def _elements(results: Results) -> Table:
    rows = [
        {
            "code": entry["id"],
            "element": entry["label"],
            "measure": _measure_words(entry),
            "grade": entry["decided"],
            "status": _status(entry),
            "next": _neighbours(entry),
        }
        | _evidence_values(entry)
        for entry in results.details["judgements"]["elements"]
    ]
    columns = [
        tables.text("element", "Element"),
        tables.text("measure", "Judged on"),
        Column("grade", "Grade", wording.badge),
    ]
    if any(row["status"] != "judged" for row in rows):
        columns.append(tables.text("status", "Status"))
    columns.append(tables.text("next", "What would change the grade by the criteria"))
    return Table(tuple(columns), rows)


def _evidence_values(entry: dict) -> dict:
    """The measure of an element and what would have changed its grade, unrounded, for the CSV file."""
    evidence = entry["evidence"] or {}
    values = {key: evidence.get(key) for key in ("result", "value", "low", "high", "x", "n", "finding")}
    for name in ("next_better", "next_worse"):
        change = entry.get(name) or {}
        needs = next((change[key] for key in ("x", "finding", "at_least", "below") if key in change), None)
        values |= {name: change.get("grade"), f"{name}_needs": needs}
    return values


def _bands(results: Results) -> Table:
    scale = results.details["judgements"]["scale"]
    rows = [
        {
            "code": entry["id"],
            "element": entry["label"],
            "bands": "; ".join(
                f"{grade}: {least if isinstance(least, str) else wording.trimmed(least) + '%'}"
                for grade, least in entry["bands"].items()
            ),
            "reason": entry["reason_for_bands"],
        }
        | {
            f"least_{grade}": least if isinstance(least, str) else least / 100
            for grade, least in entry["bands"].items()
        }
        for entry in results.details["judgements"]["elements"]
    ]
    columns = (
        tables.text("element", "Element"),
        tables.text("bands", f"Least for each grade, below which it is {scale[-1]}"),
        tables.text("reason", "Why"),
    )
    return Table(columns, rows)


def _probabilities(results: Results) -> Table | None:
    found = results.details["judgements"]
    scale = found["scale"]
    entries = [
        entry
        for entry in (*found["elements"], *found["questions"], found["overall"])
        if entry["probabilities"]
    ]
    rows = [
        {
            "code": entry["id"],
            "what": "Overall judgement" if entry["id"] == "overall" else entry.get("short") or entry["label"],
            "grade": entry["decided"],
        }
        | entry["probabilities"]
        for entry in entries
    ]
    # Words and no badges: with five grades there is no room for them on paper.
    columns = [tables.text("what", "Element or question"), tables.text("grade", "Grade")]
    columns += [tables.chance(grade, wording.capital(grade)) for grade in scale]
    return Table(tuple(columns), rows) if rows else None


TABLES = {
    table.id: table
    for table in (
        TableOutput(
            "tbl-grades",
            "Grades",
            ("details.judgements",),
            "By the criteria no grade is given that none of the judged parts reaches.",
            _grades,
        ),
        TableOutput(
            "tbl-elements", "The judged elements and their evidence", ("details.judgements",), "", _elements
        ),
        TableOutput(
            "tbl-bands",
            "Bands by which each element is graded",
            ("details.judgements",),
            "The cut-offs are this project's own. A small dip sample may miss a band but the best by as many records as the criteria allow.",
            _bands,
        ),
        TableOutput(
            "tbl-probabilities",
            "How sure the grades are",
            ("details.judgements",),
            "How often each grade comes out when rates vary as their intervals say, that of all crime together with those of its types. Only chance in the main sample is in it: what rests on inspectors' findings or on dip samples is taken as it is.",
            _probabilities,
        ),
        TableOutput(
            "tbl-rates",
            "Recording rates by crime type",
            ("estimates.overall",),
            "Main sample. CI: confidence interval.",
            _rates,
        ),
        TableOutput(
            "tbl-unrecorded",
            "Reported crimes that go unrecorded in a year",
            ("estimates.unrecorded_",),
            "Estimates round down, as the published ones did; the ends of the intervals are rounded to the nearest ten, below a hundred to the nearest crime.",
            _unrecorded,
        ),
        TableOutput(
            "tbl-domestic-abuse",
            "Domestic abuse crimes that were and were not recorded",
            ("shares.domestic_abuse",),
            "All audited crimes.",
            _domestic_abuse,
        ),
        TableOutput(
            "tbl-domestic-abuse-classes",
            "Domestic abuse crimes that were not recorded",
            ("tallies.domestic_abuse_unrecorded_classes",),
            "All audited crimes.",
            _domestic_abuse_classes,
        ),
        TableOutput(
            "tbl-rape",
            "Reports of rape and use of N100",
            ("shares.rape", "shares.n100"),
            "Counts of what was examined. A rate is estimated of rape alone, as a part of the main sample.",
            _share_table(RAPE_AND_N100, "What was examined", "Number that were"),
        ),
        TableOutput(
            "tbl-other-systems",
            "Crimes of vulnerable victims held on other systems",
            ("shares.vulnerable", "shares.third_party"),
            "Dip samples: no rate is estimated from them.",
            _other_systems,
        ),
        TableOutput(
            "tbl-modern-slavery",
            "Crimes in reports of modern slavery",
            ("shares.modern_slavery",),
            "Dip samples: no rate is estimated from them.",
            _modern_slavery,
        ),
        TableOutput(
            "tbl-within-24",
            "Crimes recorded within 24 hours of the report",
            ("shares.within_24",),
            "Recorded crimes of all samples for which both times are known, each counted once: no estimate for the force.",
            _within_24,
        ),
        TableOutput(
            "tbl-cancelled",
            "Cancelled crimes and victims informed",
            ("shares.cancelled", "shares.victims_informed"),
            "Dip samples: no rate is estimated from them.",
            _cancelled,
        ),
        TableOutput(
            "tbl-equality",
            "Characteristics of victims that the force routinely records",
            ("details.equality",),
            "",
            _equality,
        ),
        TableOutput(
            "tbl-survey",
            "Answers of officers and staff",
            ("shares.survey",),
            "The respondents chose to take part and do not stand for the whole workforce.",
            _survey,
        ),
        TableOutput(
            "tbl-previous",
            "This inspection and the one before",
            ("estimates.previous",),
            "",
            _previous,
        ),
        TableOutput(
            "tbl-sample",
            "Main sample and the reported crime that it stands for",
            ("details.sample",),
            "N is estimated: recorded crime of the audit period by an auditable route, divided by the recording rate.",
            _sample,
        ),
        TableOutput("tbl-strata", "Strata of the draw and their weights", ("details.strata",), "", _strata),
        TableOutput("tbl-plan", "Planned and audited sample", ("details.plan",), "", _plan),
        TableOutput(
            "tbl-estimators",
            "Overall recording rate by two estimators",
            ("estimates.overall_",),
            "",
            _estimators,
        ),
        TableOutput(
            "tbl-sensitivity",
            "Overall recording rate under each estimator and interval",
            ("details.sensitivity",),
            "",
            _sensitivity,
        ),
        TableOutput(
            "tbl-unrecorded-classes",
            "Unrecorded crimes of the main sample by offence class",
            ("tallies.unrecorded_classes",),
            "",
            _unrecorded_classes,
        ),
        TableOutput(
            "tbl-published",
            "Published figures beside the computed ones",
            ("details.published",),
            "",
            _published,
        ),
        TableOutput(
            "tbl-assumptions",
            "Assumptions and figures taken from elsewhere",
            ("details.assumptions",),
            "",
            _assumptions,
        ),
        TableOutput(
            "tbl-assessments", "Assessments by inspectors", ("details.assessments",), "", _assessments
        ),
        TableOutput(
            "tbl-response",
            "Drawn incidents and what became of them",
            ("details.fieldwork",),
            "",
            _response,
        ),
        TableOutput("tbl-glossary", "Terms and their meaning", (), "", _glossary),
        TableOutput("tbl-inputs", "Files that the results were computed from", (), "", _inputs),
    )
}


# --- figures --------------------------------------------------------------------------------------------------


def _when(results: Results) -> str:
    return wording.period(results.audit_period["start"], results.audit_period["end"])


def _rates_figure(results: Results) -> Figure:
    rows = [
        (label, rate.value, rate.low, rate.high, f"{percent(rate.value)}  (n = {count(rate.n)})")
        for label, rate in _estimates(results, ("overall", *CRIME_TYPES))
    ]
    overall = results.estimates["overall"]
    return charts.intervals(
        _rates_title(results),
        f"Estimated share of reported crimes that were recorded, with {wording.percent_confidence(overall)} "
        f"confidence interval; main sample, {_when(results)}",
        rows,
        "Recording rate",
        as_percent=True,
    )


def _rates_title(results: Results) -> str:
    types = [(key, results.estimates[key].value) for key in CRIME_TYPES if key in results.estimates]
    lowest, highest = min(value for _, value in types), max(value for _, value in types)
    message = f"{percent(results.estimates['overall'].value)} of reported crime is recorded"
    if len(types) < 2 or percent(lowest) == percent(highest):
        return message
    least = next(key for key, value in types if value == lowest)
    return f"{message}; {wording.CRIME_TYPE_NAMES[least]} least, {percent(lowest)}"


def _rates_alt(results: Results) -> str:
    parts = [
        f"{label} {percent(rate.value)}, {wording.between(rate)}"
        for label, rate in _estimates(results, ("overall", *CRIME_TYPES))
    ]
    return f"Interval chart of recording rates with confidence intervals. {'; '.join(parts)}."


def _previous_figure(results: Results) -> Figure | None:
    table = _previous(results)
    if table is None:
        return None
    rows = [
        (
            row["inspection"],
            row["rate"],
            row["low"],
            row["high"],
            f"{percent(row['rate'])}  (n = {count(row['n'])})",
        )
        for row in table.rows
    ]
    kinds = "; ".join(f"{row['inspection']}: {row['sample']}" for row in table.rows)
    return charts.intervals(
        _previous_title(results),
        f"Share of audited crimes that were recorded, with {wording.percent_confidence(results.estimates['overall'])} "
        f"confidence interval. {kinds}",
        rows,
        "Recording rate",
        as_percent=True,
    )


def _previous_title(results: Results) -> str:
    then, now, change = (results.estimates[key] for key in ("previous", "overall", "change"))
    message = f"{percent(then.value)} then, {percent(now.value)} now"
    if not results.details["previous"]["representative"]:
        return f"{message}; the earlier sample does not stand for the force"
    if change.low is not None and (change.low > 0 or change.high < 0):
        return f"{message}: more than chance alone would explain"
    return f"{message}: the difference could be chance"


def _previous_alt(results: Results) -> str:
    parts = [
        f"{row['inspection']}: {percent(row['rate'])}, {percent(row['low'])} to {percent(row['high'])}"
        for row in _previous(results).rows
    ]
    return f"Interval chart of two recording rates. {'; '.join(parts)}."


def _unrecorded_estimates(results: Results) -> list[tuple[str, EstimateResult]]:
    keys = ("overall", *CRIME_TYPES)
    return [
        (TYPE_LABELS[key], results.estimates[f"unrecorded_{key}"])
        for key in keys
        if f"unrecorded_{key}" in results.estimates
    ]


def _unrecorded_figure(results: Results) -> Figure | None:
    found = _unrecorded_estimates(results)
    if not any(estimate.value for _, estimate in found):
        return None
    return charts.intervals(
        f"{wording.capital(over(found[0][1].value))} reported crimes go unrecorded in a year",
        f"Estimated number in the 12 months to {wording.day(results.audit_period['end'])}, "
        f"with {wording.percent_confidence(found[0][1])} confidence interval",
        [(label, e.value, e.low, e.high, wording.capital(over(e.value))) for label, e in found],
        "Unrecorded crimes a year",
        as_percent=False,
    )


def _unrecorded_alt(results: Results) -> str:
    parts = [f"{label} {over(e.value)}, {wording.between(e)}" for label, e in _unrecorded_estimates(results)]
    return f"Interval chart of crimes that go unrecorded in a year. {'; '.join(parts)}."


def _domestic_abuse_counts(results: Results) -> list[tuple[str, int]]:
    tally = results.tallies.get("domestic_abuse_unrecorded_classes")
    return list(tally.counts.items()) if tally else []


def _domestic_abuse_figure(results: Results) -> Figure | None:
    rows = _domestic_abuse_counts(results)
    if not rows:
        return None
    return charts.bars(
        _domestic_abuse_title(results),
        f"Audited domestic abuse crimes that were not recorded, by offence class, {_when(results)}",
        rows,
        "Crimes not recorded",
    )


def _domestic_abuse_title(results: Results) -> str:
    counts = results.tallies["domestic_abuse_unrecorded"].counts
    total = sum(counts.values())
    most = max(counts, key=counts.get)
    noun = wording.CRIME_NOUNS[most][counts[most] != 1]
    was = "was" if counts[most] == 1 else "were"
    if total == 1:
        return f"The one unrecorded domestic abuse crime was a {noun}"
    return f"{count(counts[most])} of {count(total)} unrecorded domestic abuse crimes {was} {noun}"


def _domestic_abuse_alt(results: Results) -> str:
    parts = [f"{label} {count(number)}" for label, number in _domestic_abuse_counts(results)]
    return f"Bar chart of unrecorded domestic abuse crimes by offence class. {'; '.join(parts)}."


def _share_figure(labels: dict[str, str], title, subtitle: str, done: str, not_done: str):
    def build(results: Results) -> Figure | None:
        rows = [(label, share.x, share.n) for label, share in _shares(results, labels) if share.n]
        return (
            charts.parts(title(results), subtitle.format(when=_when(results)), rows, done, not_done)
            if rows
            else None
        )

    return build


def _share_alt(labels: dict[str, str], what: str):
    def alt(results: Results) -> str:
        parts = [f"{label} {of(share)}" for label, share in _shares(results, labels) if share.n]
        return f"Bar chart of {what}. {'; '.join(parts)}."

    return alt


def _within_24_title(results: Results) -> str:
    share = results.shares["within_24"]
    return f"{of(share)} recorded crimes were recorded within 24 hours"


def _cancelled_title(results: Results) -> str:
    shares = [share for _, share in _shares(results, CANCELLED)]
    return f"{count(sum(s.x for s in shares))} of {count(sum(s.n for s in shares))} reviewed cancellations were correct"


def _grades_rows(results: Results) -> list[tuple[str, str]]:
    overall, *questions = _questions(results)
    labels = [
        f"{number} {entry.get('short') or wording.capital(entry['id'].replace('_', ' '))}"
        for number, entry in enumerate(questions, 1)
    ]
    decided = [entry["decided"] for entry in questions]
    return [(overall["label"], overall["decided"]), *zip(labels, decided, strict=True)]


def _grades_figure(results: Results) -> Figure:
    rows = _grades_rows(results)
    return charts.grades(
        f"{wording.capital(rows[0][1])} overall",
        f"Grades of {results.force_name}, {wording.day(results.publication['date'])}",
        rows,
        results.details["judgements"]["scale"],
    )


def _grades_alt(results: Results) -> str:
    return (
        f"Grades on their scale. {'; '.join(f'{label}: {grade}' for label, grade in _grades_rows(results))}."
    )


_RATE_ELEMENTS = "Rates and grades that chance in the main sample can change"


def _certainty_rows(results: Results) -> list[tuple[str, dict[str, float]]]:
    """Elements judged by a rate, and the overall grade, with the probability of each grade."""
    found = results.details["judgements"]
    rows = []
    for entry in found["elements"]:
        if entry["probabilities"] and entry["evidence"] and entry["evidence"]["kind"] == "estimate":
            label = TYPE_LABELS.get(entry["evidence"]["result"], entry["evidence"]["result"].capitalize())
            rows.append((label, entry["probabilities"]))
    if found["overall"]["probabilities"]:
        rows.append(("Overall grade", found["overall"]["probabilities"]))
    return rows


def _certainty_figure(results: Results) -> Figure | None:
    rows = _certainty_rows(results)
    if not rows:
        return None
    grades = wording.in_words(results.details["judgements"]["scale"])
    return charts.stacks(
        _certainty_title(results),
        f"{_RATE_ELEMENTS}. Parts from left to right: {grades}",
        rows,
        "Share of simulated audits in which each grade comes out",
    )


def not_ruled_out(results: Results) -> list[str]:
    """Overall grades other than the computed one that come out in 5% of the simulated audits or more."""
    overall = results.details["judgements"]["overall"]
    chances = overall["probabilities"] or {}
    return [grade for grade, value in chances.items() if grade != overall["computed"] and value >= 0.05]


def seen(results: Results) -> str:
    """The computed overall grade as a message begins; where inspectors decided otherwise, it says by what it was computed."""
    overall = results.details["judgements"]["overall"]
    return wording.capital(overall["computed"]) + (" by the criteria" if overall["reason"] else "")


def _certainty_title(results: Results) -> str:
    """The message: what is seen, and what cannot be ruled out."""
    if not results.details["judgements"]["overall"]["probabilities"]:
        return "How sure the rates put each element into its grade"
    others = not_ruled_out(results)
    if not others:
        return f"{seen(results)} overall is what we see; chance alone would hardly change it"
    return f"{seen(results)} overall is what we see; {wording.in_words(others)} can't be ruled out"


def _certainty_alt(results: Results) -> str:
    parts = [
        f"{label}: " + ", ".join(f"{grade} {wording.chance(value)}" for grade, value in chances.items())
        for label, chances in _certainty_rows(results)
    ]
    return (
        f"Stacked bars of how often each grade comes out when the sample is drawn again. {'; '.join(parts)}."
    )


FIGURES = {
    figure.id: figure
    for figure in (
        FigureOutput(
            "fig-grades",
            "tbl-grades",
            ("details.judgements",),
            lambda r: "Grades at a glance",
            _grades_alt,
            _grades_figure,
        ),
        FigureOutput(
            "fig-rates",
            "tbl-rates",
            ("estimates.overall",),
            lambda r: "Recording rates with confidence intervals",
            _rates_alt,
            _rates_figure,
        ),
        FigureOutput(
            "fig-certainty",
            "tbl-probabilities",
            ("details.judgements",),
            lambda r: "How sure the grades are, given chance in the main sample",
            _certainty_alt,
            _certainty_figure,
        ),
        FigureOutput(
            "fig-unrecorded",
            "tbl-unrecorded",
            ("estimates.unrecorded_",),
            lambda r: "Crimes that go unrecorded in a year, with confidence intervals",
            _unrecorded_alt,
            _unrecorded_figure,
        ),
        FigureOutput(
            "fig-domestic-abuse",
            "tbl-domestic-abuse-classes",
            ("tallies.domestic_abuse_unrecorded_classes",),
            lambda r: "Domestic abuse crimes that were not recorded, by offence class",
            _domestic_abuse_alt,
            _domestic_abuse_figure,
        ),
        FigureOutput(
            "fig-previous",
            "tbl-previous",
            ("estimates.previous",),
            lambda r: "Recording rate of the previous inspection and of this one",
            _previous_alt,
            _previous_figure,
        ),
        FigureOutput(
            "fig-within-24",
            "tbl-within-24",
            ("shares.within_24",),
            lambda r: "Recorded crimes by whether they were recorded within 24 hours",
            _share_alt(WITHIN_24, "crimes recorded within 24 hours"),
            _share_figure(
                WITHIN_24,
                _within_24_title,
                "Recorded crimes for which both times are known, {when}",
                "within 24 hours",
                "later",
            ),
        ),
        FigureOutput(
            "fig-cancelled",
            "tbl-cancelled",
            ("shares.cancelled",),
            lambda r: "Cancelled crimes by whether cancelling was correct",
            _share_alt(CANCELLED, "correct cancellations"),
            _share_figure(
                CANCELLED, _cancelled_title, "Dip samples of cancelled crimes", "correct", "not correct"
            ),
        ),
    )
}


# --- what the report notebook and the build call --------------------------------------------------------------


def computed_in(results: Results, rests_on: Sequence[str]) -> tuple[str, int | None]:
    """Notebook and cell (its execution count) that computed what an output rests on; ("", None) if nobody did."""
    kinds = {kind: getattr(results, kind) for kind in ("estimates", "shares", "tallies", "details")}
    known = [f"{kind}.{name}" for kind, shelf in kinds.items() for name in shelf]
    found = next((key for start in rests_on for key in known if key.startswith(start)), None)
    return results.evidence(found) if found else ("", None)


def note_of(output: TableOutput, table: Table) -> str:
    """What is to be minded with a table, always and with these rows."""
    return " ".join(note for note in (output.note, table.note) if note)


def table_markdown(results: Results, identity: str) -> str:
    """A table of the index as Markdown, or an empty string where there is nothing to show."""
    output = TABLES[identity]
    table = output.build(results)
    if table is None:
        return ""
    return tables.to_markdown(table, identity, f"{wording.plain(output.title)}.") + _source(
        results, output.rests_on, note_of(output, table), identity
    )


def _source(results: Results, rests_on: Sequence[str], note: str, table: str, where: str = "") -> str:
    """The line under a table or figure: what to mind, where the numbers and their data are, and what computed them."""
    notebook, cell = computed_in(results, rests_on)
    parts = [wording.plain(note)] if note else []
    if where:
        parts.append(where)
    if notebook:
        place = f"notebook {wording.plain(notebook)}" + (f", cell {cell}" if cell is not None else "")
        anchor = f"#cell-{cell}" if cell is not None else ""
        parts.append(f"Computed in [{place}](notebooks/{notebook}.html{anchor}).")
    data = f"tables/{table.removeprefix('tbl-')}.csv"
    parts.append(f"Data: [{data}]({data}).")
    return f"\n\n::: {{.source}}\n{' '.join(parts)}\n:::"


def figure_markdown(results: Results, identity: str) -> str:
    """A figure of the index as Markdown, or an empty string where there is nothing to show."""
    output = FIGURES[identity]
    figure = output.build(results)
    if figure is None:
        return ""
    alt = output.alt(results).replace("\\", "\\\\").replace('"', '\\"')
    caption = wording.plain(wording.sentence(output.title(results)))
    return f'![{caption}]({charts.data_uri(figure)}){{#{identity} fig-alt="{alt}"}}' + _source(
        results, output.rests_on, "", output.table, f"The numbers are in @{output.table}."
    )


def write_tables(results: Results, folder: Path) -> list[Path]:
    """Write every table as a CSV file named after its id."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for identity, output in TABLES.items():
        table = output.build(results)
        if table is not None:
            path = folder / f"{identity.removeprefix('tbl-')}.csv"
            path.write_text(tables.to_csv(table), encoding="utf-8", newline="")
            written.append(path)
    return written
