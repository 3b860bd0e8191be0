"""Tables of the grades: the questions, the elements with their evidence, the bands, and how sure they are."""

from typing import Any

from cdi_lib.inspection import details as judged_
from cdi_lib.inspection.details import ElementJudgement, QuestionJudgement
from cdi_lib.inspection.results import Results
from cdi_lib.report import tables, wording
from cdi_lib.report.labels import said
from cdi_lib.report.tables import Table, headed
from cdi_lib.report.wording import count, percent

Judgement = ElementJudgement | QuestionJudgement


def judged(results: Results, key: str) -> Judgement:
    """The judgement with this id: overall, a question or an element."""
    return next(entry for entry in results.details.judgements.everything if entry.id == key)


def short_name(entry: Judgement) -> str:
    """What a judgement is called where there is little room."""
    if entry.id == "overall":
        return said("judgements.overall")
    return getattr(entry, "short", None) or entry.label


def grades(results: Results) -> Table | None:
    """The grades of the whole and of each question, with the rule, and why a grade was set otherwise."""
    found = results.details.judgements
    rows = [
        {
            "code": entry.id,
            "question": said("judgements.overall") if entry.id == "overall" else entry.label,
            "decided": entry.decided,
            "computed": entry.computed,
            "rule": rule_words(entry),
            "reason": said("judgements.reason", reason=entry.reason, role=entry.role)
            if entry.reason
            else said("judgements.as_computed"),
        }
        for entry in (found.overall, *found.questions)
    ]
    is_set = any(row["decided"] != row["computed"] for row in rows)
    rule = said(f"judgements.rule{'_by_criteria' if is_set else ''}")
    return headed("tbl-grades", rows, without=() if is_set else ("computed", "reason"), rule=rule)


def rule_words(entry: Judgement) -> str:
    """The band or the rule that a grade comes from, as a sentence."""
    rule = entry.rule
    least = said("rules_used.per_cent", least=f"{rule.least:g}") if isinstance(rule.least, float) else rule.least
    given = {"least": least, "allowed": rule.allowed, "at_least": rule.at_least, "missing": "; ".join(rule.missing)}
    return said(f"rules_used.{rule.kind}", grade=entry.computed, sentence=rule.sentence, **given)


def elements(results: Results) -> Table | None:
    """The elements with what they were judged on, and what would have changed their grade."""
    rows = [
        {
            "code": entry.id,
            "element": entry.label,
            "measure": measure_words(entry),
            "grade": entry.decided,
            "status": status_words(entry),
            "next": neighbours(entry),
        }
        | _evidence_values(entry)
        for entry in results.details.judgements.elements
    ]
    without = () if any(row["status"] != "judged" for row in rows) else ("status",)
    return headed("tbl-elements", rows, without=without)


def measure_words(entry: ElementJudgement) -> str:
    """What an element was judged on, in words, with the number of records that it rests on."""
    match entry.evidence:
        case None:
            return said("judgements.not_inspected")
        case judged_.AssessmentEvidence(finding=finding):
            return finding
        case judged_.ShareEvidence(x=x, n=n):
            return wording.x_of_n(x, n)
        case evidence:
            kind = "rate_low" if evidence.use == "low" else "rate"
            used = evidence.low if evidence.use == "low" and evidence.low is not None else evidence.value
            return said(f"judgements.{kind}", rate=percent(used, _places(entry)), n=count(evidence.n))


def neighbours(entry: ElementJudgement) -> str:
    """What would have given the next better and the next worse grade; empty where it was not judged."""
    if entry.status != "judged":
        return ""
    places = _places(entry)
    better, worse = (_change_words(change, places) for change in (entry.next_better, entry.next_worse))
    no_better, no_worse = said("judgements.no_better"), said("judgements.no_worse")
    return said("judgements.better_and_worse", better=better or no_better, worse=worse or no_worse)


def _change_words(change: Any, places: int) -> str:
    """What would have given another grade, in words; empty where there is none."""
    match change:
        case judged_.CountChange(x=x, n=n):
            return said("judgements.other", needed=wording.x_of_n(x, n), grade=change.grade)
        case judged_.FindingChange(finding=finding):
            return said("judgements.other", needed=finding, grade=change.grade)
        case judged_.AtLeast(at_least=bound):
            return said("judgements.at_least", bound=percent(bound, places), grade=change.grade)
        case judged_.Below(below=bound):
            return said("judgements.below", bound=percent(bound, places), grade=change.grade)
    return ""


def _places(entry: ElementJudgement) -> int:
    """Decimals that tell a rate from the bound of another grade; one is too few for 93.97% against 94%."""
    evidence = entry.evidence
    if not isinstance(evidence, judged_.EstimateEvidence):
        return 1
    used = evidence.low if evidence.use == "low" else evidence.value
    bounds = (_needs(entry.next_better), _needs(entry.next_worse))
    printed = [percent(bound) for bound in bounds if isinstance(bound, float)]
    return 2 if used is not None and percent(used) in printed else 1


def _needs(change: Any) -> Any:
    """The count, finding or proportion that another grade takes; None where there is no other."""
    needs = (getattr(change, name, None) for name in ("x", "finding", "at_least", "below"))
    return next((need for need in needs if need is not None), None)


def status_words(entry: ElementJudgement) -> str:
    """How an element came to its grade; where it was set, also what the criteria give."""
    if not entry.reason:
        return said(f"judgements.{entry.status}", date=entry.carried_from)
    return said("judgements.set_by", role=entry.role, reason=entry.reason, grade=entry.computed)


def _evidence_values(entry: ElementJudgement) -> dict[str, Any]:
    """The measure of an element and what would have changed its grade, unrounded, for the CSV file."""
    fields = ("result", "value", "low", "high", "x", "n", "finding")
    values = {name: getattr(entry.evidence, name, None) for name in fields}
    for name in ("next_better", "next_worse"):
        change = getattr(entry, name)
        needs = _needs(change)
        values |= {name: change and change.grade, f"{name}_needs": None if isinstance(needs, str) else needs}
        values[f"{name}_finding"] = needs if isinstance(needs, str) else None
    return values


def bands(results: Results) -> Table | None:
    """The bands by which each element is graded; in the CSV file as proportions."""
    rows = []
    for entry in results.details.judgements.elements:
        least = entry.bands
        words = (f"{g}: {b if isinstance(b, str) else wording.trimmed(b) + '%'}" for g, b in least.items())
        row: dict[str, Any] = {"code": entry.id, "element": entry.label, "bands": "; ".join(words)}
        row |= {"reason": entry.reason_for_bands, "provenance": "assumed"}  # by those who made the criteria
        numbers = {f"least_{g}": None if isinstance(b, str) else b / 100 for g, b in least.items()}
        rows.append(row | numbers | {f"least_finding_{g}": b if isinstance(b, str) else None for g, b in least.items()})
    return headed("tbl-bands", rows, worst=results.details.judgements.scale[-1])


def probabilities(results: Results) -> Table | None:
    """How often each grade comes out in simulated audits."""
    found = results.details.judgements
    entries: tuple[Judgement, ...] = (*found.elements, *found.questions, found.overall)
    rows = [
        {"code": entry.id, "what": short_name(entry), "grade": entry.decided} | entry.probabilities
        for entry in entries
        if entry.probabilities
    ]
    # Words and no badges: with five grades there is no room for them on paper.
    columns = [tables.Column("what", said("judgements.entry")), tables.Column("grade", said("judgements.grade"))]
    columns += [tables.chance(grade, wording.capital(grade)) for grade in found.scale]
    return Table(tuple(columns), rows) if rows else None
