"""The details of an inspection's results: all that is neither an estimate, nor an "x of n", nor counts by category.

A detail that is missing (None, or empty) was not inspected, or does not apply. Proportions are in [0, 1]. Crime types,
estimators and intervals stand here by their ids; :mod:`cdi_lib.report.labels` has their names.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, computed_field, model_validator

from cdi_lib.inspection.parameters import Assessment, Assumption, PreviousInspection, SamplingPlan
from cdi_lib.inspection.programme import RecordingRule, Requirement, Told, default_programme
from cdi_lib.inspection.values import Model

T = TypeVar("T")


def follows(get: Callable[[Any], T]) -> T:
    """A property of a stored model that is stored with its fields; it is worked out again on reading."""
    return cast("T", computed_field(property(get)))


class Stored(BaseModel):
    """What is stored in ``results.json``. What follows from other fields is stored too, and worked out again on reading."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    former: ClassVar[tuple[str, ...]] = ()  # what older files hold and nobody reads

    @model_validator(mode="before")
    @classmethod
    def _without_what_follows(cls, content: Any) -> Any:
        return without(content, *cls.model_computed_fields, *cls.former)


class SampleRow(Stored):
    """The main sample of one crime type, or ``overall``; ``population`` are the reported crimes that it stands for."""

    code: str
    incidents: int
    crimes: int
    recorded_crime: int
    population: int | None
    fraction: float | None


class Evenness(Stored):
    """Whether crime types were audited alike: how many are known, those audited most and least ("" where none is), and
    whether a pooled headline leaves out that their shares differ."""

    types: int
    most: str
    least: str
    uneven: bool


class PlanRow(Stored):
    """Planned and audited sample of one crime type; ``margin`` is that expected from the audited number."""

    code: str
    planned_crimes: int
    planned_incidents: int
    audited_crimes: int
    margin: float | None


class StratumRow(Stored):
    """A stratum of the draw that is no crime type; ``weight`` are the incidents that each of its incidents stands for."""

    stratum: str
    frame_incidents: int
    audited_incidents: int
    weight: float


class DrawnRow(Stored):  # the repeated draw of one stratum
    stratum: str
    frame: int
    drawn: int
    with_crimes: int


class DrawRepeated(Stored):
    """What came of repeating the draw: how many incidents with audited crimes it selected again."""

    drawn: int
    with_crimes: int
    selected_again: int
    drawn_is_known: bool


class Returned(Stored):
    """What became of drawn incidents, reserves in use among them."""

    selected: int
    reserves: int
    returned: int
    audited: int
    crime: int
    no_crime: int
    cannot_be_audited: int


class Agreement(Stored):
    """Two auditors' decisions; ``kappa`` is None where nothing could have differed by chance."""

    n: int
    agreed: int
    kappa: float | None
    low: float | None
    high: float | None
    confidence: float


class Recheck(Stored):  # incidents that were audited twice
    incidents: int
    agreed: int
    finding: Agreement | None
    outcome: Agreement | None


class Fieldwork(Returned):
    """How the audit went, counted from the worksheets."""

    response_rate: float
    errors: int
    strata: dict[str, Returned]
    recheck: Recheck | None

    @follows
    def without_decision(self) -> int:
        """Selected incidents of which nothing was returned."""
        return self.selected - self.returned


class Unaudited(Stored):
    """Drawn incidents that could not be audited, the crimes that they may hold, and the headline rate (proportions) if all
    of these were missed, and if none was."""

    incidents: int
    crimes: int
    low: float
    high: float


class Challenges(Stored):  # decisions that the force challenged, by outcome
    challenges: int
    upheld: int
    rejected: int
    open: int


class Extremes(Stored):  # the crime types with the lowest and the highest recording rate
    lowest: str
    highest: str


class IntervalCoverage(Stored):
    """What is known of the headline's interval from simulated audits of these ``sizes`` and ``rates``.

    ``covered`` is the lowest and highest share of intervals that held the true rate. ``adjusted``: the effective sample
    size is reduced for degrees of freedom. ``differs`` names in what this inspection is not among what was simulated.
    """

    sizes: tuple[int, int]
    rates: tuple[float, float]
    level: float
    covered: tuple[float, float]
    quantile: float = 1.96  # standard errors of a normal interval at the level of this inspection
    adjusted: bool
    differs: list[Literal["level", "size", "rate", "independent", "uneven"]]


class ComparedWithPrevious(Stored):
    """How the previous inspection differs, and how readily chance explains the change.

    ``chance`` of interval and test: both say that it may be chance ("possible"), both that it is more ("unlikely"), they
    disagree ("border").
    """

    differs: list[Literal["representative", "recording_limit_hours"]]
    beyond_interval: bool
    chance: Literal["possible", "border", "unlikely"]


class SensitivityRow(Stored):
    """The overall rate under one estimator, with one kind of interval; ``clustered``: crimes of one incident as one."""

    estimator: Literal["pooled", "stratified", "raked"]
    clustered: bool
    method: str
    rate: float
    low: float
    high: float


class WithPrior(Stored):
    """The overall rate with the crimes of the earlier inspection counted at ``share``, as ``crimes`` of this audit."""

    share: float
    crimes: float
    rate: float
    low: float
    high: float


class SensitivityRange(Stored):  # rates and ends of intervals under all estimators and intervals together
    lowest_rate: float
    highest_rate: float
    lowest: float
    highest: float


class SurveyAnswers(Stored):  # to one statement
    agree: int
    neither: int
    disagree: int
    n: int


class Certainty(Stored):
    """Grades that simulated audits give: those that come out often enough to be named, the likeliest first, and those
    other than the computed one that cannot be ruled out."""

    likely: list[str]
    not_ruled_out: list[str]


class PublishedRow(Stored):
    """A published figure beside the computed one, as it is printed; ``value``, or ``x`` and ``n``, are unrounded."""

    figure: str
    result: str
    shown_as: str
    published: str
    source: str
    computed: str | None = None
    reproduced: Literal["yes", "no", "not computed", "other criteria"] | None = None
    value: float | int | str | None = None
    x: int | None = None
    n: int | None = None


class RegisterRow(Stored):
    """An area for improvement of an earlier inspection, and what became of it."""

    id: str
    raised_on: date
    text: str
    owner: str
    deadline: date
    cause: str
    became: Literal["open", "done", "superseded"]
    note: str | None


class BackTest(Stored):  # how many published figures were compared and reproduced; grades of other criteria
    compared: int
    reproduced: int
    other_criteria: int


# --- what was judged: grades, the evidence for each, and what would have changed it ----------------------------

# Of each grade; None where chance has no part in it, or not every audit has one.
Probabilities = dict[str, float] | None


class EstimateEvidence(Model):
    """An estimate, of which the value or the lower end of the interval counts; proportions."""

    kind: Literal["estimate"] = "estimate"
    result: str  # id of the estimate
    use: Literal["value", "low"]
    value: float
    low: float | None
    high: float | None
    n: int


class ShareEvidence(Model):
    kind: Literal["share"] = "share"
    result: str  # id of the share
    x: int
    n: int


class AssessmentEvidence(Model):  # what an inspector found
    kind: Literal["assessment"] = "assessment"
    finding: str
    evidence: str


JudgedBy = EstimateEvidence | ShareEvidence | AssessmentEvidence


class AtLeast(Model):  # the proportion from which on an estimate would have earned a better grade
    grade: str
    use: Literal["value", "low"]
    at_least: float


class Below(Model):  # the proportion below which an estimate would have earned a worse grade
    grade: str
    use: Literal["value", "low"]
    below: float


class CountChange(Model):  # how many of the same n records would have earned another grade
    grade: str
    x: int
    n: int


class FindingChange(Model):  # the finding that would have earned another grade
    grade: str
    finding: str


class PartChange(Model):
    """One part with another grade, and the grade of the question that would have followed from it."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    part: str
    before: str = Field(validation_alias="from", serialization_alias="from")
    to: str
    grade: str


class RuleUsed(Model):
    """The band or the rule that a grade comes from; what it says is in the texts of the report."""

    kind: Literal["band", "allowed", "below", "too_few", "rule", "otherwise", "without", "few", "few_one", "other"]
    least: float | str | None = None  # per cent, or a finding; below it: the grade whose band was missed
    allowed: int = 0  # records that a small sample may miss
    at_least: int | None = None  # records or parts that are needed
    missing: tuple[str, ...] = ()  # labels of the parts without which it is not judged
    sentence: str | None = None  # of the programme

    @model_validator(mode="before")
    @classmethod
    def _once_a_sentence(cls, content: Any) -> Any:
        """Results of earlier versions hold the sentence itself."""
        return {"kind": "rule", "sentence": content} if isinstance(content, str) else content


class Judged(Model):
    """A grade by the criteria, and the one that counts."""

    id: str
    label: str
    computed: str  # by the criteria
    decided: str  # what counts: the computed grade, or what an inspector set
    reason: str | None  # why an inspector set it; None where nobody did
    role: str | None


class ElementJudgement(Judged):
    """An element and what its grade rests on."""

    question: str
    measure: str  # id of the estimate or share, or "assessment"
    status: str  # judged, or why not: too_few, carried_forward, not_inspected (reports/text says these in words)
    carried_from: str | None = None  # the day of the report whose grade it carries forward
    evidence: JudgedBy | None = Field(discriminator="kind")
    bands: dict[str, float | str]
    reason_for_bands: str
    rule: RuleUsed
    next_better: AtLeast | CountChange | FindingChange | None
    next_worse: Below | CountChange | FindingChange | None
    probabilities: Probabilities


class QuestionJudgement(Judged):
    """A question, or the whole, and the grades of its parts."""

    short: str | None = None
    rule: RuleUsed
    evidence: dict[str, str]  # the decided grade of each part
    next_better: tuple[PartChange, ...]
    next_worse: tuple[PartChange, ...]
    probabilities: Probabilities


class Framework(Model):  # which criteria were used
    name: str
    version: str
    date: date
    title: str
    note: str
    extends: str | None = None  # the programme whose version, date and note these are, where it says none of its own


class Judgements(Model):
    """All grades of an inspection."""

    framework: Framework
    scale: tuple[str, ...]  # the grades, best first
    rules: dict[str, dict[str, Requirement]]
    elements: tuple[ElementJudgement, ...]
    questions: tuple[QuestionJudgement, ...]
    overall: QuestionJudgement

    @property
    def everything(self) -> tuple[ElementJudgement | QuestionJudgement, ...]:
        """The whole, its questions, and their elements."""
        return self.overall, *self.questions, *self.elements


# --- all together ------------------------------------------------------------------------------------------------

OF_EVERY_INSPECTION: Any = Field(default=None)
# Details that follow from others, and from estimates, shares and tallies.
FOLLOW = (
    *("evenness", "extremes", "interval_coverage", "compared_with_previous", "sensitivity_range", "survey."),
    *("certainty", "crimes_from_elsewhere", "published", "back_test", "provenance", "crimes_per_point"),
)


Status: TypeAlias = Literal["published", "derived", "computed", "assumed", "illustrative"]
OTHERS = "others"  # the category of counts that are told together


class Disclosure(Stored):
    """From which numbers on counts are told alone, and the "x of y" about victims that are not told."""

    victims: int
    crimes: int
    withheld: list[str]


class Details(Stored):
    """All details of one inspection, by id. Each is saved once, by the notebook that computed it.

    What is marked as of every inspection is None only as long as its notebook has not run.
    """

    # 1_sample
    programme: Told = Field(default_factory=lambda: default_programme().told)  # earlier results do not say it
    sampling: SamplingPlan | None = None
    excluded: dict[str, dict[str, int]] = {}  # records of the frame that were left out, by column and value
    plan: list[PlanRow] = []
    draw: list[DrawnRow] = []
    draw_repeated: DrawRepeated | None = None
    trail: list[dict[str, str]] = []
    sample: list[SampleRow] = []
    evenness: Evenness = OF_EVERY_INSPECTION
    strata_are_crime_types: bool = OF_EVERY_INSPECTION
    strata: list[StratumRow] = []
    auditable_route: float = OF_EVERY_INSPECTION
    recorded_crime: dict[str, int] = {}
    assumptions: list[Assumption] = []
    disclosure: Disclosure | None = None
    fieldwork: Fieldwork | None = None
    crimes_from_elsewhere: bool | None = None
    crimes_per_point: float | None = None  # unrecorded crimes a year more or fewer for a point of the overall rate
    challenges: Challenges | None = None
    # 2_effectiveness
    headline: Literal["pooled", "stratified"] = OF_EVERY_INSPECTION
    clustered: bool = OF_EVERY_INSPECTION
    recording_limit_hours: int = OF_EVERY_INSPECTION
    recording_rule: RecordingRule = Field(default_factory=lambda: default_programme().rule_on(date(2018, 4, 1)))
    later_rules: list[RecordingRule] = []  # that began within the audit period
    extremes: Extremes | None = None
    unaudited: Unaudited | None = None
    interval_coverage: IntervalCoverage = OF_EVERY_INSPECTION
    previous: PreviousInspection | None = None
    compared_with_previous: ComparedWithPrevious | None = None
    with_prior: WithPrior | None = None
    sensitivity: list[SensitivityRow] = []
    sensitivity_range: SensitivityRange | None = None
    # 3_efficiency
    cancelled_by: dict[str, list[str]] = {}
    equality: dict[str, bool] = {}
    survey_statements: dict[str, str] = {}
    survey: dict[str, SurveyAnswers] = {}
    # 4_leadership
    assessments: list[Assessment] = []
    earlier_areas: list[RegisterRow] = []
    # 5_judgements
    judgements: Judgements = OF_EVERY_INSPECTION
    grades: dict[str, str] = {}
    certainty: dict[str, Certainty] = {}
    published: list[PublishedRow] = []
    back_test: BackTest = OF_EVERY_INSPECTION
    provenance: dict[str, Status] = {}

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, content: "Mapping[str, Any] | Details") -> "dict[str, Any] | Details":
        return content if isinstance(content, Details) else {k: v for k, v in content.items() if v is not None}

    def row(self, code: str) -> SampleRow:
        """The row of the main sample with this code."""
        return next(row for row in self.sample if row.code == code)


def upgraded(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details of schema version 1 or 2, in which names for display stood in the place of ids, as they are now."""
    sample, plan, sensitivity = (details.get(name, []) for name in ("sample", "plan", "sensitivity"))
    codes = ("violence", "sexual", "other", "overall")
    return dict(details) | {
        "sample": [without(row, "stratum") | {"code": code} for code, row in zip(codes, sample, strict=False)],
        "plan": [without(row, "crime_type") for row in plan],
        "sensitivity": [
            without(row, "clusters", "interval")
            | {"clustered": row["clusters"] == "as a cluster", "method": row["interval"].lower()}
            for row in sensitivity
        ],
    }


def without(content: Any, *keys: str) -> Any:
    """A mapping without some keys; anything else as it is."""
    return {k: v for k, v in content.items() if k not in keys} if isinstance(content, Mapping) else content
