"""Grades from measures by criteria: elements, questions and the overall grade, each with its evidence.

Improving one measure, all else equal, never worsens a grade: bands are ordered, and a rule only counts how many of its
parts are below a grade.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cdi_lib.inspection import details as models
from cdi_lib.inspection.details import ElementJudgement, Judgements, PartChange, QuestionJudgement
from cdi_lib.inspection.parameters import Assessment, Inspection
from cdi_lib.inspection.problems import Problem
from cdi_lib.inspection.programme import FINDINGS, NOT_JUDGED, OVERALL, WHOLE, Element, Programme, Question
from cdi_lib.inspection.results import EstimateResult, Share
from cdi_lib.statistics import chances
from cdi_lib.statistics.chances import UNKNOWN, Floats, Ranks

SIMULATIONS, SEED = 4000, 20170101
JUDGED, TOO_FEW, CARRIED, NOT_INSPECTED = "judged", "too_few", "carried_forward", "not_inspected"
RANDOM_SAMPLES = ("main", "main and dip")  # shares that rest (almost) only on the random main sample

Measure = EstimateResult | Share | Assessment
Estimates = Mapping[str, EstimateResult]


def judge(
    programme: Programme, estimates: Estimates, shares: Mapping[str, Share], inspection: Inspection
) -> Judgements:
    """Judge elements, questions and the whole, with the evidence of each step; a result that is missing was not inspected.

    A question is computed from the decided grades of its elements, the overall grade from those of the questions.

    The probabilities cover chance in drawing the main sample and nothing else: rates vary as their intervals say, and
    the rules are applied to each of 4,000 simulated audits (fixed seed). The rate of all crime moves with those of the
    crime types that it consists of, and that of sexual offences with that of rape. A share of the main sample, such as
    crimes recorded within 24 hours, varies as its Jeffreys posterior, independently of the rates; so does the rate of
    domestic abuse, which cuts across the crime types. Dip samples are not random: what was found in them is as it is.
    """
    judging = _Judge(programme, estimates, shares, inspection)
    elements = {id_: judging.element(id_, element) for id_, element in programme.elements.items()}
    questions = {
        id_: judging.question(id_, question, {part: elements[part] for part in programme.elements_of(id_)})
        for id_, question in programme.questions.items()
    }
    whole = programme.overall
    return Judgements(
        framework=models.Framework(**programme.model_dump(include=set(models.Framework.model_fields))),
        scale=programme.grades,
        rules={id_: question.rules for id_, question in {**programme.questions, OVERALL: whole}.items()},
        elements=tuple(elements.values()),
        questions=tuple(questions.values()),
        overall=judging.question(OVERALL, whole, questions),
    )


def check_areas(judgements: Judgements, inspection: Inspection) -> list[Problem]:
    """Warn of low grades for which no area for improvement was written, and of carried grades that are not used.

    The file name is left to the caller. On a scale with "requires improvement", that grade and worse ones are low; on
    any other, the lower half.
    """
    scale, low = judgements.scale, "requires improvement"
    low_grades = scale[scale.index(low) if low in scale else (len(scale) + 1) // 2 :]
    named = {element for area in inspection.areas_for_improvement for element in area.elements}
    judged = {entry.id for entry in judgements.elements if entry.status == JUDGED}
    unused = "elements that were not inspected; the carried grade is not used"
    warnings = [
        ("carried_forward", f"a grade of {item.date} for {item.element}, which was judged this time", unused)
        for item in inspection.carried_forward
        if item.element in judged
    ]
    for entry in judgements.elements:
        if entry.decided in low_grades and entry.id not in named:
            got = f"none for the element {entry.id}, graded {entry.decided}"
            wanted = f"an area for improvement with '{entry.id}' among its elements"
            warnings.append(("areas_for_improvement", got, wanted))
    return [Problem("", where, got, expected, "warning") for where, got, expected in warnings]


def planned_chances(
    inspection: Inspection, crimes: Mapping[str, int], reported: Mapping[str, float], rates: Mapping[str, float],
    others: str, audits: int = SIMULATIONS,
) -> dict[str, dict[str, float] | None]:  # fmt: skip
    """Chance of each grade of elements, questions and the whole, by id, if a sample is drawn as planned.

    By crime type: ``crimes`` to audit (divided by a design effect), ``reported`` crimes, and ``rates`` that are true.
    Each simulated audit draws them, estimates the rate of all crime as the headline does, and applies bands and
    rules. Elements that the plan does not size count as graded ``others`` in every audit, and are not returned.
    """
    programme, random = inspection.programme, np.random.default_rng(SEED)
    found: dict[str, Floats] = {}
    for name, n in crimes.items():
        whole = round(reported[name])
        if n := min(n, whole):
            recorded = round(whole * rates[name])
            found[name] = random.hypergeometric(recorded, whole - recorded, n, audits) / n
    known = inspection.crime_by_type()
    pooled = sum(crimes[name] * rate for name, rate in found.items()) / sum(crimes[name] for name in found)
    with np.errstate(divide="ignore"):
        units = sum(known[name] / rate for name, rate in found.items() if known[name])
    stratified = sum(known[name] for name in found) / units
    by_headline = stratified if inspection.estimation.headline == "stratified" else pooled
    found |= zip(WHOLE, map(np.asarray, (by_headline, pooled, stratified)), strict=True)
    ranks = dict.fromkeys(programme.elements, np.full(audits, programme.grades.index(others)))
    sized = {id_: e for id_, e in programme.elements.items() if e.estimate in found and e.use == "value"}
    for id_, element in sized.items():
        ranks[id_] = chances.classes(100 * found[str(element.estimate)], np.array([*element.cuts.values()]))
        if crimes.get(str(element.estimate), sum(crimes.values())) < element.minimum:
            ranks[id_] = np.full(audits, UNKNOWN)
    for id_, question in {**programme.questions, OVERALL: programme.overall}.items():
        parts = programme.questions if id_ == OVERALL else programme.elements_of(id_)
        rule = lambda of_parts, question=question: _rank_of_parts(question, programme.grades, of_parts)
        ranks[id_] = chances.by_combination({part: ranks[part] for part in parts}, rule)
    moved = (*sized, *dict.fromkeys(element.question for element in sized.values()), OVERALL)
    return {id_: chances.frequencies(ranks[id_], programme.grades) for id_ in moved}


class _Judge:
    """Judges one thing after the other, parts before wholes, and keeps the rank of each in every simulated audit."""

    def __init__(self, programme: Programme, estimates: Estimates, shares: Mapping[str, Share], inspection: Inspection):
        self.grades, self.estimates, self.shares = programme.grades, estimates, shares
        self.assessments = {item.element: item for item in inspection.assessments if item.finding != "not inspected"}
        self.carried = {item.element: item for item in inspection.carried_forward}
        self.decisions = {item.grade_of: item for item in inspection.decisions}
        self.luck = _luck(programme, estimates, inspection)
        self.drawn: dict[str, Ranks] = {}
        self.moved: set[str] = set()  # what chance in drawing the sample can move

    def element(self, id_: str, element: Element) -> ElementJudgement:
        measure: Measure | None = self.assessments.get(id_)
        if element.estimate:
            measure = self.estimates.get(element.estimate)
        elif element.share:
            measure = self.shares.get(element.share)
        computed, status = _grade_of_measure(element, self.grades[-1], measure), JUDGED
        better = worse = ranks = None
        carried = self.carried.get(id_)
        if measure is not None and computed != NOT_JUDGED:
            better, worse = _neighbours(element, self.grades, measure, computed)
            ranks = _simulated(element, measure, self.luck, self.estimates.get(OVERALL))
        elif carried:
            computed, status = carried.grade, CARRIED
        else:
            status = TOO_FEW if getattr(measure, "n", 0) else NOT_INSPECTED
        return ElementJudgement(
            **self._decided(id_, element.label, computed, ranks),
            question=element.question,
            measure=element.measure,
            status=status,
            carried_from=carried.date.isoformat() if carried and status == CARRIED else None,
            evidence=None if measure is None else _evidence(element, measure),
            bands=element.bands,
            reason_for_bands=element.reason,
            rule=_band_rule(element, computed, status),
            next_better=better,
            next_worse=worse,
        )

    def question(self, id_: str, question: Question, parts: Mapping[str, models.Judged]) -> QuestionJudgement:
        decided = {part: judged.decided for part, judged in parts.items()}
        computed = grade_of_parts(question, self.grades, decided)
        better, worse = _part_changes(question, self.grades, decided, computed)
        ranks = None
        if any(part in self.moved for part in parts):  # else chance was not tried, which is not certainty
            drawn = {part: self.drawn[part] for part in parts}
            ranks = chances.by_combination(drawn, lambda found: _rank_of_parts(question, self.grades, found))
        return QuestionJudgement(
            **self._decided(id_, question.label, computed, ranks),
            short=question.short,
            rule=_question_rule(question, computed, parts),
            evidence=decided,
            next_better=better,
            next_worse=worse,
        )

    def _decided(self, id_: str, label: str, computed: str, ranks: Ranks | None) -> dict[str, Any]:
        """What all judgements say. An inspector's decision is not moved by chance; it counts in every simulated audit."""
        decision = self.decisions.get(id_)
        decided = decision.grade if decision else computed
        rank = UNKNOWN if decided == NOT_JUDGED else self.grades.index(decided)
        self.drawn[id_] = np.full(SIMULATIONS, rank) if decision or ranks is None else ranks
        if ranks is not None and not decision:
            self.moved.add(id_)
        return {
            "id": id_,
            "label": label,
            "computed": computed,
            "decided": decided,
            "reason": decision.reason if decision else None,
            "role": decision.role if decision else None,
            "probabilities": None if ranks is None else chances.frequencies(ranks, self.grades),
        }


# --- elements -------------------------------------------------------------------------------------------------


def grade_of_percentage(bands: Mapping[str, float], worst: str, percentage: float) -> str:
    """The best grade whose band the percentage reaches."""
    return next((grade for grade, least in bands.items() if percentage >= least - chances.TOLERANCE), worst)


def _grade_of_count(element: Element, worst: str, x: int, n: int) -> str:
    """The best grade must be earned without the allowance: doubt about a small sample does not make excellence."""
    (best, bar), *others = element.cuts.items()
    if grade_of_percentage({best: bar}, worst, 100 * x / n) == best:
        return best
    return grade_of_percentage(dict(others), worst, 100 * (x + element.allow) / n)


def _grade_of_measure(element: Element, worst: str, measure: Measure | None) -> str:
    if isinstance(measure, Assessment):
        return grade_of_percentage(element.cuts, worst, FINDINGS[measure.finding])
    if measure is None or measure.n < max(element.minimum, 1):
        return NOT_JUDGED
    if isinstance(measure, Share):
        return _grade_of_count(element, worst, measure.x, measure.n)
    value = measure.low if element.use == "low" and measure.low is not None else measure.value
    return grade_of_percentage(element.cuts, worst, 100 * value)


def _evidence(element: Element, measure: Measure) -> models.JudgedBy:
    if isinstance(measure, Assessment):
        return models.AssessmentEvidence(finding=measure.finding, evidence=measure.evidence)
    if isinstance(measure, Share):
        return models.ShareEvidence(result=str(element.share), x=measure.x, n=measure.n)
    used = measure.model_dump(include={"value", "low", "high", "n"})
    return models.EstimateEvidence(result=str(element.estimate), use=element.use, **used)


def _band_rule(element: Element, grade: str, status: str) -> models.RuleUsed:
    """The band that an element's grade comes from."""
    if status == TOO_FEW:
        return models.RuleUsed(kind="too_few", at_least=element.minimum)
    if status != JUDGED:
        return models.RuleUsed(kind="other")
    if grade not in element.bands:
        return models.RuleUsed(kind="below", least=list(element.bands)[-1])
    allowed = element.allow if grade != next(iter(element.bands)) else 0
    return models.RuleUsed(kind="allowed" if allowed else "band", least=element.bands[grade], allowed=allowed)


def _neighbours(element: Element, grades: Sequence[str], measure: Measure, grade: str) -> tuple[Any, Any]:
    """What would have given the next better and the next worse grade: the grade and the measure it takes.

    For an estimate the proportion (better: at least, worse: below); for an "x of y" the counts at the same y, what is
    allowed for included; for an assessment the finding.
    """
    rank = grades.index(grade)
    if isinstance(measure, EstimateResult):
        up, down, cuts = grades[rank - 1 : rank], grades[rank + 1 : rank + 2], element.cuts
        better = [models.AtLeast(grade=to, use=element.use, at_least=cuts[to] / 100) for to in up]
        worse = [models.Below(grade=to, use=element.use, below=cuts[grade] / 100) for to in down]
        return (*better, None)[0], (*worse, None)[0]
    candidates: Sequence[models.CountChange | models.FindingChange]  # worst first
    if isinstance(measure, Share):
        n = measure.n
        by_count = [_grade_of_count(element, grades[-1], x, n) for x in range(n + 1)]
        candidates = [models.CountChange(grade=to, x=x, n=n) for x, to in enumerate(by_count)]
    else:
        candidates = [
            models.FindingChange(grade=grade_of_percentage(element.cuts, grades[-1], score), finding=finding)
            for finding, score in reversed(FINDINGS.items())
        ]
    better_ones = (item for item in candidates if grades.index(item.grade) < rank)
    worse_ones = (item for item in reversed(candidates) if grades.index(item.grade) > rank)
    return next(better_ones, None), next(worse_ones, None)


# --- questions ------------------------------------------------------------------------------------------------


def grade_of_parts(question: Question, grades: Sequence[str], parts: Mapping[str, str]) -> str:
    """The best grade whose requirement the graded parts meet.

    Parts that are not judged are left out. With fewer than ``at_least`` judged parts, or without a part that is
    required, the result is ``"not judged"``: a grade is not guessed. A key part that is not judged does not meet the
    rule that names it, and a grade that none of the judged parts reaches is not given.
    """
    ranks = {id_: UNKNOWN if grade == NOT_JUDGED else grades.index(grade) for id_, grade in parts.items()}
    return (*grades, NOT_JUDGED)[_rank_of_parts(question, grades, ranks)]  # UNKNOWN, -1, reads the last


def _rank_of_parts(question: Question, grades: Sequence[str], parts: Mapping[str, int]) -> int:
    judged = {id_: rank for id_, rank in parts.items() if rank != UNKNOWN}
    if len(judged) < question.at_least or any(part not in judged for part in question.required):
        return UNKNOWN
    for rank, rule in enumerate(question.rules.values()):
        below = sum(part > rank for part in judged.values())
        few_below = below <= rule.at_most_below and below < len(judged)  # few of seven may be all of two
        floor = grades.index(rule.none_below) if rule.none_below else len(grades)
        none_too_low = all(part <= floor for part in judged.values())
        keys_there = all(judged.get(key, len(grades)) <= rank for key in rule.key)
        if few_below and none_too_low and keys_there:
            return rank
    return len(grades) - 1


def _question_rule(question: Question, grade: str, parts: Mapping[str, models.Judged]) -> models.RuleUsed:
    """The rule that a question's grade comes from."""
    if grade in question.rules:
        return models.RuleUsed(kind="rule", sentence=question.rules[grade].sentence)
    if grade != NOT_JUDGED:
        return models.RuleUsed(kind="otherwise")
    if missing := [parts[part].label for part in question.required if parts[part].decided == NOT_JUDGED]:
        return models.RuleUsed(kind="without", missing=tuple(missing))
    return models.RuleUsed(kind="few" if question.at_least > 1 else "few_one", at_least=question.at_least)


def _part_changes(
    question: Question, grades: Sequence[str], parts: Mapping[str, str], computed: str
) -> tuple[tuple[PartChange, ...], tuple[PartChange, ...]]:
    """For each part the smallest change of its grade that would make the question better, and that would make it worse."""

    def first(part: str, others: Iterable[str], sign: int) -> list[PartChange]:
        for to in others:
            grade = grade_of_parts(question, grades, {**parts, part: to})
            if sign * (grades.index(grade) - grades.index(computed)) > 0:
                return [PartChange(part=part, before=parts[part], to=to, grade=grade)]
        return []

    better: list[PartChange] = []
    worse: list[PartChange] = []
    for part, grade in parts.items() if computed != NOT_JUDGED else ():
        if grade != NOT_JUDGED:  # from the nearest grade outwards
            own = grades.index(grade)
            better += first(part, reversed(grades[:own]), -1)
            worse += first(part, grades[own + 1 :], 1)
    return tuple(better), tuple(worse)


# --- how sure -------------------------------------------------------------------------------------------------


def _luck(programme: Programme, estimates: Estimates, inspection: Inspection) -> dict[str, Floats]:
    """How lucky each simulated audit was with each measure: numbers in (0, 1), higher is better."""

    def correlation(part_name: str, whole_name: str) -> float:
        """Of a rate with that of a part: a stratified rate follows its formula, another by the part's share of crimes."""
        part, whole = estimates.get(part_name), estimates.get(whole_name)
        if part is None or whole is None:
            return 0.0
        slope = part.n / whole.n
        if whole.estimator == "stratified" and part.value > 0:
            weight = inspection.crime_by_type()[part_name] / inspection.all_crime
            slope = weight * (whole.value / part.value) ** 2  # see cdi_lib.statistics.estimation.stratified_rate
        return chances.correlation_with_part(slope, part.margin, whole.margin)

    names = dict.fromkeys((*programme.rate_ids(), *programme.shares))  # of the same name they are the same thing
    wholes = [*(name for name in names if name not in WHOLE and programme.parts_of(name)), *WHOLE]  # parts come first
    correlations = {whole: {part: correlation(part, whole) for part in programme.parts_of(whole)} for whole in wholes}
    return chances.scores(names, correlations, SIMULATIONS, SEED)


def _simulated(
    element: Element, measure: Measure, luck: Mapping[str, Floats], whole: EstimateResult | None
) -> Ranks | None:
    """Ranks of an element's grade in simulated audits; None where the measure is not of the random sample.

    Where the rate of all crime leaves nothing to chance every crime was audited: a share then is as it was found.
    """
    if isinstance(measure, EstimateResult):
        score = luck[str(element.estimate)]
        values = 100 * chances.rate_quantiles(measure.value, measure.low, measure.high, measure.confidence, score)
        if element.use == "low" and measure.low is not None:
            values = values - 100 * (measure.value - measure.low)
    elif isinstance(measure, Share) and measure.sample in RANDOM_SAMPLES:
        values = 100 * chances.share_quantiles(measure.x, measure.n, luck[str(element.share)])
        if whole is not None and whole.is_exact:
            values = np.full(SIMULATIONS, 100 * measure.x / measure.n)
    else:
        return None
    cuts = np.array(list(element.cuts.values()), dtype=float)
    cuts[1:] -= 100 * element.allow / measure.n  # 0 for estimates; not for the best grade
    return chances.classes(values, cuts)
