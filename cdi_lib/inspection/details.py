"""The details of an inspection's results: all that is neither an estimate, nor an "x of n", nor counts by category.

A detail that is missing (None, or empty) was not inspected, or does not apply. Proportions are in [0, 1]. Crime types,
estimators and intervals stand here by their ids; :mod:`cdi_lib.report.labels` has their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, computed_field, model_validator

from cdi_lib.inspection.judgements import Judgements
from cdi_lib.inspection.parameters import Assessment, Assumption, PreviousInspection, SamplingPlan

T = TypeVar("T")


def follows(get: Callable[[Any], T]) -> T:
    """A property of a stored model that is stored with its fields; it is worked out again on reading."""
    return cast("T", computed_field(property(get)))


class Stored(BaseModel):
    """What is stored in ``results.json``. What follows from other fields is stored too, and worked out again on reading."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_what_follows(cls, content: object) -> object:
        if not isinstance(content, Mapping):
            return content
        return {key: value for key, value in content.items() if key not in cls.model_computed_fields}


class SampleRow(Stored):
    """The main sample of one crime type, or ``overall``; ``population`` are the reported crimes that it stands for."""

    code: str
    incidents: int
    crimes: int
    recorded_crime: int
    population: int | None
    fraction: float | None


class Evenness(Stored):
    """Whether crime types were audited alike: how many are known, and the codes of those audited most and least
    ("" where none is).

    ``uneven``: their shares differ, and the headline, which is pooled, takes no account of it.
    """

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


class DrawnRow(Stored):
    """The repeated draw of one stratum."""

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


class Recheck(Stored):
    """Incidents that were audited twice."""

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


class Challenges(Stored):
    """Decisions that the force challenged, by outcome."""

    challenges: int
    upheld: int
    rejected: int
    open: int


class Extremes(Stored):
    """The crime types with the lowest and the highest recording rate."""

    lowest: str
    highest: str


class IntervalCoverage(Stored):
    """What is known of the headline's interval from simulated audits.

    ``sizes`` and ``rates`` are what was simulated, ``covered`` the lowest and highest share of intervals that held the
    true rate. ``adjusted``: the effective sample size is reduced for degrees of freedom. ``differs`` names in what this
    inspection is not among what was simulated.
    """

    sizes: tuple[int, int]
    rates: tuple[float, float]
    level: float
    covered: tuple[float, float]
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

    estimator: Literal["pooled", "stratified"]
    clustered: bool
    method: str
    rate: float
    low: float
    high: float


class SensitivityRange(Stored):
    """Lowest and highest rate and ends of intervals under all estimators and intervals together."""

    lowest_rate: float
    highest_rate: float
    lowest: float
    highest: float


class SurveyAnswers(Stored):
    """Answers to one statement."""

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


class BackTest(Stored):
    """How many published figures were compared and reproduced, and how many grades other criteria had given."""

    compared: int
    reproduced: int
    other_criteria: int


OF_EVERY_INSPECTION: Any = Field(default=None)

# Details that follow from others, and from estimates, shares and tallies.
FOLLOW = (
    *("evenness", "extremes", "interval_coverage", "compared_with_previous", "sensitivity_range", "survey."),
    *("certainty", "crimes_from_elsewhere", "published", "back_test"),
)


class Details(Stored):
    """All details of one inspection, by id. Each is saved once, by the notebook that computed it.

    What is marked as of every inspection is None only as long as its notebook has not run.
    """

    # 1_sample
    sampling: SamplingPlan | None = None
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
    fieldwork: Fieldwork | None = None
    crimes_from_elsewhere: bool | None = None
    challenges: Challenges | None = None
    # 2_effectiveness
    headline: Literal["pooled", "stratified"] = OF_EVERY_INSPECTION
    clustered: bool = OF_EVERY_INSPECTION
    recording_limit_hours: int = OF_EVERY_INSPECTION
    extremes: Extremes | None = None
    interval_coverage: IntervalCoverage = OF_EVERY_INSPECTION
    previous: PreviousInspection | None = None
    compared_with_previous: ComparedWithPrevious | None = None
    sensitivity: list[SensitivityRow] = []
    sensitivity_range: SensitivityRange | None = None
    # 3_efficiency
    cancelled_by: dict[str, list[str]] = {}
    equality: dict[str, bool] = {}
    survey_statements: dict[str, str] = {}
    survey: dict[str, SurveyAnswers] = {}
    # 4_leadership
    assessments: list[Assessment] = []
    # 5_judgements
    judgements: Judgements = OF_EVERY_INSPECTION
    grades: dict[str, str] = {}
    certainty: dict[str, Certainty] = {}
    published: list[PublishedRow] = []
    back_test: BackTest = OF_EVERY_INSPECTION

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, content: object) -> object:
        if not isinstance(content, Mapping):
            return content
        return {key: value for key, value in content.items() if value is not None}

    def row(self, code: str) -> SampleRow:
        """The row of the main sample with this code."""
        return next(row for row in self.sample if row.code == code)


def upgraded(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details of schema version 1 or 2, in which names for display stood in the place of ids, as they are now."""
    details = dict(details)
    codes = ("violence", "sexual", "other", "overall")
    details["sample"] = [
        {"code": code} | {key: value for key, value in row.items() if key != "stratum"}
        for code, row in zip(codes, details.get("sample", []), strict=False)
    ]
    details["plan"] = [
        {key: value for key, value in row.items() if key != "crime_type"} for row in details.get("plan", [])
    ]
    details["sensitivity"] = [
        {
            "estimator": row["estimator"],
            "clustered": row["clusters"] == "as a cluster",
            "method": row["interval"].lower(),
            **{key: row[key] for key in ("rate", "low", "high")},
        }
        for row in details.get("sensitivity", [])
    ]
    return details
