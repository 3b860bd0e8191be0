"""What ``params/<force>.yml`` may say about one inspection.

The models below *are* the format: an unknown key, a wrong type or an impossible value is refused with the
file, the key, what was got and what was expected, before any notebook runs. ``params/northamptonshire.yml``
is a complete, commented example.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationError,
    model_validator,
)

from cdi_lib.inspection.folders import PROJECT, force_key, forces
from cdi_lib.inspection.problems import InputError, Problem, shown, suggest

CRIME_TYPES = ("violence", "sexual", "other")


LONGEST_TEXT, LONGEST_NAME = 5_000, 200
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
MOST_CRIMES = 100_000_000  # more than England and Wales record in a decade


def _one_line(text: object) -> object:
    """Refuse values that YAML made something else of (``no`` is False), and fold line breaks."""
    if not isinstance(text, str):
        raise ValueError("text; put it in quotes")  # noqa: TRY004  pydantic collects ValueError
    text = " ".join(text.split())
    if not text:
        raise ValueError("text that is not empty")
    if problem := unprintable(text):
        raise ValueError(problem)
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"at most {LONGEST_TEXT:,} characters; these are {len(text):,} characters")
    return text


def unprintable(text: str) -> str:
    """What keeps a text from being printed in a report, as what was expected instead; empty if nothing does.

    Control characters and those that turn the direction of writing, so that a text reads as another, are refused; and
    characters that the report's typeface does not have, because an accessible PDF must show each.

    Examples
    --------
    >>> unprintable("Dyfed \N{EN DASH} Powys")
    ''
    >>> unprintable("Force\N{RIGHT-TO-LEFT OVERRIDE}")
    'text without control characters; it holds U+202E'
    """
    if text.isascii() and text.isprintable():
        return ""
    for character in text:
        category = unicodedata.category(character)
        turns = unicodedata.bidirectional(character) in _DIRECTIONS
        if category in {"Cc", "Cs", "Cn", "Co"} or turns:
            return f"text without control characters; it holds U+{ord(character):04X}"
        if category != "Cf" and ord(character) not in _typeface():
            return f"characters that the report's typeface has; it lacks {character} (U+{ord(character):04X})"
    return ""


_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@cache
def _typeface() -> frozenset[int]:
    """The characters that every style of the report's typeface has."""
    import font_source_sans_pro
    from fontTools.ttLib import TTFont

    folder = Path(font_source_sans_pro.__file__).parent / "files"
    styles = [folder / f"SourceSansPro-{name}.ttf" for name in ("Regular", "It", "Semibold", "SemiboldIt")]
    return frozenset.intersection(*(frozenset(TTFont(path, lazy=True).getBestCmap()) for path in styles))


def _short(text: str) -> str:
    if len(text) > LONGEST_NAME:
        raise ValueError(f"at most {LONGEST_NAME} characters; these are {len(text):,} characters")
    return text


def _percentage(value: float) -> float:
    if 0 < value <= 1:
        raise ValueError(f"a percentage such as 92.0; {value} looks like a proportion: write {value * 100:g}")
    if not 0 < value <= 100:
        raise ValueError("a percentage above 0 and up to 100")
    return float(value)


def _points(value: float) -> float:
    if 0 < value < 0.2:
        raise ValueError(
            f"percentage points such as 3; {value} looks like a proportion: write {value * 100:g}"
        )
    return float(value)


def _confidence(value: float) -> float:
    if not 50 < value < 100:
        raise ValueError("a confidence level between 50 and 100 in percent, such as 95")
    return float(value)


def _count(value: int) -> int:
    if value < 0:
        raise ValueError("a count of 0 or more")
    if value > MOST_CRIMES:
        raise ValueError(f"a count of at most {MOST_CRIMES:,}")
    return value


def _real_date(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("a date that exists, such as 2019-06-01 (year-month-day)") from None
    if type(value) is not date:
        raise ValueError("a date such as 2019-06-01 (year-month-day)")
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(f"a date from {FIRST_DAY.year} to {LAST_DAY.year}")
    return value


Text = Annotated[str, BeforeValidator(_one_line)]
Name = Annotated[Text, AfterValidator(_short)]
Count = Annotated[StrictInt, AfterValidator(_count)]
Percentage = Annotated[StrictFloat | StrictInt, AfterValidator(_percentage)]
Confidence = Annotated[StrictFloat | StrictInt, AfterValidator(_confidence)]
Day = Annotated[date, BeforeValidator(_real_date)]
Status = Literal["published", "derived", "assumed", "supplied"]
Grade = Name  # which grades exist is the business of the criteria file


class Model(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CountFigure(Model):
    """A count with its status and source."""

    value: Count = Field(description="a whole number, without thousands separators")
    status: Status = Field(description="published, derived, assumed, or supplied by the force")
    source: Text = Field(description="where the figure comes from")


class PercentageFigure(Model):
    """A percentage with its status and source."""

    value: Percentage = Field(description="a percentage such as 96.7")
    status: Status = Field(description="published, derived, assumed, or supplied by the force")
    source: Text = Field(description="where the figure comes from")


class Force(Model):
    """The police force."""

    name: Name = Field(description="full name, such as 'Northamptonshire Police'")
    short_name: Name = Field(description="name of the area, such as 'Northamptonshire'")


class Approval(Model):
    """Who approved a version, by role."""

    role: Name = Field(description="a role, not a person")
    date: Day = Field(description="date of the approval")


class Publication(Model):
    """How and when the report is published."""

    title: Name = Field(description="title of the report")
    type: Name = Field(default="Crime recording", description="publication type")
    kind: Literal["inspection", "re-inspection", "self-audit"] = Field(
        default="inspection", description="inspection, re-inspection or self-audit"
    )
    date: Day = Field(description="date of publication (or intended)")
    status: Literal["draft", "final"] = Field(default="draft", description="draft or final")
    version: Name = Field(default="0.1", description="version of the report, in quotes")
    approvals: tuple[Approval, ...] = Field(default=(), description="roles and dates")
    final_despite: Text | None = Field(
        default=None,
        description="why the report is final although challenges are open or code is not committed; printed",
    )
    rights: Text | None = Field(default=None, description="copyright and licence of the report")


class Period(Model):
    """The audit period; both days belong to it."""

    start: Day = Field(description="first day")
    end: Day = Field(description="last day")

    @model_validator(mode="after")
    def _in_order(self) -> Period:
        if self.end < self.start:
            raise ValueError(
                f"a period that ends on or after its start; it ends {self.end}, it starts {self.start}"
            )
        if (self.end - self.start).days > 3 * 366:
            raise ValueError("an audit period of three years or less")
        return self

    @property
    def years(self) -> float:
        """Length in years: whole calendar months count 1/12 each, other periods by days."""
        following = self.end + timedelta(days=1)
        if self.start.day == 1 and following.day == 1:
            months = (following.year - self.start.year) * 12 + following.month - self.start.month
            return months / 12
        return ((self.end - self.start).days + 1) / 365.25


class Records(Model):
    """What kind of records the tables hold."""

    status: Literal["audit", "reconstruction", "invented"] = Field(
        description="audit (real records), reconstruction (from published counts) or invented (for training)"
    )
    note: Text | None = Field(default=None, description="printed wherever the records are described")
    says_nothing: tuple[Literal["offence_class", "route", "domestic_abuse"], ...] = Field(
        default=(),
        description="columns of crimes that hold stand-ins, because nobody knows: the report says so",
    )

    @model_validator(mode="after")
    def _explained(self) -> Records:
        if self.status != "audit" and self.note is None:
            raise ValueError(f"a note that says what was {self.status} and from what")
        return self


class RecordedCrime(Model):
    """Crime recorded by the force, excluding fraud, in the 12 months to the end of the audit period."""

    violence: CountFigure = Field(description="violence against the person")
    sexual: CountFigure = Field(description="sexual offences")
    other: CountFigure = Field(description="all other crime, excluding fraud")

    def by_type(self) -> dict[str, int]:
        """Crime type to count."""
        return {crime_type: getattr(self, crime_type).value for crime_type in CRIME_TYPES}

    @property
    def total(self) -> int:
        """All three crime types together."""
        return sum(self.by_type().values())


class Estimation(Model):
    """Which estimator and interval the headline uses. The defaults are what a new inspection should use."""

    headline: Literal["stratified", "pooled"] = Field(
        default="stratified",
        description="stratified (weighted to recorded crime by type) or pooled (main sample unweighted)",
    )
    clustered: StrictBool = Field(
        default=True, description="true: crimes of one incident are treated as a cluster (wider interval)"
    )
    interval: Literal[
        "normal", "wilson", "agresti-coull", "clopper-pearson", "jeffreys", "logit", "korn-graubard"
    ] = Field(default="agresti-coull", description="interval method")
    confidence_percent: Confidence = Field(default=95, description="confidence level in percent")
    status: Status | None = Field(default=None, description="status of these choices")
    source: Text | None = Field(default=None, description="why these choices")


class FrameColumns(Model):
    """What the columns of the sampling frame are called in the force's extract, and the values in them."""

    incident_id: Name = Field(default="incident_id", description="column with the reference of the incident")
    stratum: Name = Field(default="stratum", description="column with the stratum, such as the crime type")
    reported_at: Name | None = Field(
        default=None,
        description="column with date and time of the report; left out: reported_at, if there is one",
    )
    route: Name | None = Field(
        default=None, description="column with the route of the report; left out: route, if there is one"
    )
    strata: dict[Name, tuple[Name, ...]] = Field(
        default={},
        description="values of the stratum column per stratum, such as {violence: [VAP, Violence]}",
    )
    routes: dict[Literal["control_room", "crime_recording_centre"], tuple[Name, ...]] = Field(
        default={}, description="values of the route column per route, such as {control_room: ['999', '101']}"
    )

    @model_validator(mode="after")
    def _unambiguous(self) -> FrameColumns:
        columns = [self.incident_id, self.stratum, self.reported_at, self.route]
        used = [column for column in columns if column is not None]
        if len(set(used)) < len(used):
            raise ValueError(f"another column for each of these; got {', '.join(used)}")
        for name, groups in {"strata": self.strata, "routes": self.routes}.items():
            values = [value for group in groups.values() for value in group]
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"each value once in '{name}'; more than once: {', '.join(twice)}")
        return self


class SamplingPlan(Model):
    """How the main sample was planned and drawn."""

    seed: StrictInt = Field(description="any whole number; fixes the draw")
    expected_rate_percent: Percentage = Field(description="recording rate expected when planning")
    margin_points: Annotated[StrictFloat | StrictInt, Field(gt=0, lt=50), AfterValidator(_points)] = Field(
        description="half-width of the interval wanted, in percentage points"
    )
    confidence_percent: Confidence = Field(default=95, description="confidence level in percent")
    crimes_per_incident: Annotated[StrictFloat | StrictInt, Field(ge=1, le=20)] = Field(
        default=1.0, description="audited crimes expected per incident"
    )
    design_effect: Annotated[StrictFloat | StrictInt, Field(gt=0, le=20)] = Field(
        default=1.0,
        description="variance of these crimes over that of as many independent ones; about "
        "1 + (crimes_per_incident - 1) x correlation of the crimes of an incident",
    )
    response_rate_percent: Percentage = Field(
        default=100, description="share of drawn incidents that can be audited"
    )
    expected_rates_percent: dict[Text, Percentage] = Field(
        default={}, description="strata whose expected recording rate is another one, such as {violence: 89}"
    )
    allocation: Literal["precision", "proportional", "equal", "neyman"] = Field(
        default="precision",
        description="precision (the margin in every stratum), or how total_incidents are shared: "
        "proportional (to the frame), equal, neyman (most precise overall rate)",
    )
    total_incidents: Annotated[StrictInt, Field(ge=1)] | None = Field(
        default=None, description="incidents to draw in all; for an allocation other than precision"
    )
    minimum_incidents: Annotated[StrictInt, Field(ge=0)] = Field(
        default=0, description="fewest incidents of a stratum"
    )
    incidents: dict[Text, Annotated[StrictInt, Field(ge=1)]] | None = Field(
        default=None,
        description="incidents to draw per stratum of the frame; left out: planned as said above",
    )
    reserves: Annotated[StrictInt, Field(ge=0, le=10_000)] = Field(
        default=0,
        description="reserve incidents per stratum, in a fixed order, for incidents that cannot be audited",
    )
    frame: FrameColumns = Field(
        default=FrameColumns(),
        description="names of the columns of params/<force>/frame, if they differ from these",
    )

    @model_validator(mode="after")
    def _complete(self) -> SamplingPlan:
        if max(self.expected_rate_percent, *self.expected_rates_percent.values(), 0) >= 100:
            raise ValueError("expected rates below 100; with nothing unrecorded there is nothing to plan")
        if (self.total_incidents is None) != (self.allocation == "precision"):
            raise ValueError(
                "total_incidents together with allocation proportional, equal or neyman; "
                "allocation precision finds the total itself"
            )
        return self


class PreviousInspection(Model):
    """An earlier inspection to compare with."""

    year: Annotated[StrictInt, Field(ge=2000, le=2100)] = Field(description="year of the earlier inspection")
    audited_crimes: Annotated[StrictInt, Field(ge=1)] = Field(
        description="crimes that should have been recorded"
    )
    recorded_crimes: Count = Field(description="crimes of these that were recorded")
    representative: StrictBool = Field(description="true if it was a random sample of the force's crime")
    recording_limit_hours: Annotated[StrictInt, Field(ge=1)] = Field(
        default=24, description="time limit for recording in force then"
    )
    note: Text | None = Field(default=None, description="what differs")
    status: Status = Field(description="status of the figures")
    source: Text = Field(description="where the figures come from")

    @model_validator(mode="after")
    def _possible(self) -> PreviousInspection:
        if self.recorded_crimes > self.audited_crimes:
            raise ValueError(
                f"recorded_crimes of at most audited_crimes; "
                f"{self.recorded_crimes} recorded of {self.audited_crimes} audited is impossible"
            )
        return self


class AreaForImprovement(Model):
    """What the force should do, and which judged elements made it necessary."""

    text: Text = Field(description="one sentence that completes 'The force should …'")
    elements: tuple[Text, ...] = Field(default=(), description="ids of elements in the criteria file")


class Assessment(Model):
    """An inspector's assessment of an element that cannot be counted."""

    element: Text = Field(description="id of an element in the criteria file")
    criterion: Text = Field(description="what was looked for")
    finding: Literal["fully met", "mostly met", "partly met", "not met", "not inspected"] = Field(
        description="fully met, mostly met, partly met, not met or not inspected"
    )
    evidence: Text = Field(description="what it rests on: interviews, documents, reality testing")
    status: Status = Field(default="supplied", description="status of the assessment")


class CarriedForward(Model):
    """A grade taken over from an earlier inspection for an element that was not tested again."""

    element: Text = Field(description="id of an element in the criteria file")
    grade: Grade = Field(description="the grade then")
    date: Day = Field(description="date of the report it comes from")
    source: Text = Field(description="the report it comes from")


class Decision(Model):
    """An inspector's decision to set a grade that differs from the computed one."""

    grade_of: Text = Field(description="overall, a question or an element of the criteria file")
    grade: Grade = Field(description="the decided grade")
    reason: Text = Field(description="printed in the report")
    role: Name = Field(description="role of who decided")


class Equality(Model):
    """Which characteristics of victims the force routinely records."""

    recorded: tuple[Text, ...] = Field(description="routinely recorded")
    not_recorded: tuple[Text, ...] = Field(description="not routinely recorded")

    @model_validator(mode="after")
    def _once(self) -> Equality:
        both = sorted(set(self.recorded) & set(self.not_recorded))
        if both:
            raise ValueError(f"each characteristic in one list; in both: {', '.join(both)}")
        if not (self.recorded or self.not_recorded):
            raise ValueError("at least one characteristic; leave 'equality' out if it was not inspected")
        return self


class Findings(Model):
    """What inspectors found, in words. Every entry is a list of paragraphs (or of points where said so)."""

    overall: tuple[Text, ...] = Field(default=(), description="overall judgement: paragraphs")
    improved: tuple[Text, ...] = Field(default=(), description="points completing 'The force has …'")
    work_to_do: tuple[Text, ...] = Field(default=(), description="points completing 'The force must …'")
    summary: tuple[Text, ...] = Field(default=(), description="summary of findings: paragraphs")
    overall_rate: tuple[Text, ...] = Field(default=(), description="question 1: overall recording rate")
    auditable_route: tuple[Text, ...] = Field(default=(), description="question 1: auditable route")
    domestic_abuse: tuple[Text, ...] = Field(default=(), description="question 1: domestic abuse")
    violence: tuple[Text, ...] = Field(default=(), description="question 1: violence")
    sexual: tuple[Text, ...] = Field(default=(), description="question 1: sexual offences")
    rape: tuple[Text, ...] = Field(default=(), description="question 1: rape")
    n100: tuple[Text, ...] = Field(default=(), description="question 1: N100")
    other_systems: tuple[Text, ...] = Field(
        default=(), description="question 2: crimes held on other systems"
    )
    modern_slavery: tuple[Text, ...] = Field(default=(), description="question 2: modern slavery")
    timeliness: tuple[Text, ...] = Field(default=(), description="question 2: recorded within 24 hours")
    cancelled: tuple[Text, ...] = Field(default=(), description="question 2: cancelled crimes")
    victims_code: tuple[Text, ...] = Field(default=(), description="question 2: victims' code")
    equality: tuple[Text, ...] = Field(default=(), description="question 2: equality")
    survey: tuple[Text, ...] = Field(default=(), description="question 2: officer and staff survey")
    leadership: tuple[Text, ...] = Field(default=(), description="question 3: paragraphs")
    conclusion: tuple[Text, ...] = Field(default=(), description="conclusion: paragraphs")
    what_next: tuple[Text, ...] = Field(default=(), description="what next: paragraphs")


class Assumption(Model):
    """An assumption that the figures rest on, for the technical annex."""

    text: Text = Field(description="the assumption")
    status: Status = Field(description="published, derived, assumed or supplied")
    source: Text = Field(description="why it is reasonable, or where it comes from")


class _PlacedError(ValueError):
    """What is wrong between parts of a parameter file, and the key where it is to be mended."""

    def __init__(self, place: str, expected: str):
        self.place = place
        super().__init__(expected)


class Inspection(Model):
    """Everything that ``params/<force>.yml`` says about one inspection.

    The record tables beside it (``params/<force>/*.csv``) are read by :mod:`cdi_lib.inspection.records`.
    """

    schema_version: Literal[1] = Field(description="version of this format: 1")
    force: Force
    publication: Publication
    audit_period: Period
    records: Records
    criteria: Text = Field(default="cdi-2017", description="name of a file in params/criteria, without .yml")
    recorded_crime: RecordedCrime
    auditable_route_percent: PercentageFigure
    estimation: Estimation = Estimation()
    sampling: SamplingPlan | None = Field(
        default=None, description="left out: the report says it was not stated"
    )
    previous_inspection: PreviousInspection | None = None
    equality: Equality | None = None
    survey_statements: dict[Text, Text] = Field(
        default={}, description="statement ids of survey.csv and the sentence that respondents saw"
    )
    findings: Findings = Findings()
    areas_for_improvement: tuple[AreaForImprovement, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    carried_forward: tuple[CarriedForward, ...] = ()
    decisions: tuple[Decision, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    @model_validator(mode="after")
    def _said_once(self) -> Inspection:
        for name, keys in {
            "assessments": [item.element for item in self.assessments],
            "carried_forward": [item.element for item in self.carried_forward],
            "decisions": [item.grade_of for item in self.decisions],
        }.items():
            twice = sorted({key for key in keys if keys.count(key) > 1})
            if twice:
                raise _PlacedError(name, f"each element once; more than once: {', '.join(twice)}")
        if self.publication.date < self.audit_period.end:
            raise _PlacedError(
                "publication.date",
                f"a publication date after the audit period; it is published {self.publication.date}, "
                f"the audit period ends {self.audit_period.end}",
            )
        previous = self.previous_inspection
        if previous and previous.year > self.audit_period.start.year:
            raise _PlacedError(
                "previous_inspection.year",
                f"a year before this audit period; it is {previous.year}, "
                f"the audit period starts {self.audit_period.start}",
            )
        later = [item for item in self.carried_forward if item.date >= self.publication.date]
        if later:
            raise _PlacedError(
                "carried_forward",
                f"grades from reports before this report; {later[0].element} is from {later[0].date}",
            )
        return self


class _PlainLoader(yaml.SafeLoader):
    """YAML's safe loader without its surprises.

    A key that stands twice is an error instead of the last one winning; numbers are decimal (in plain YAML 012000 is
    5120, and 12:30 is 750); aliases (``*name``) cannot make a huge thing of a small file, or one that holds itself; and dates that do not exist and deep nesting are refused with their place.
    """

    _depth = 0

    def compose_node(self, parent, index):
        event = self.peek_event()
        if self._depth >= DEEPEST:
            raise yaml.composer.ComposerError(
                None, None, f"values nested more than {DEEPEST} deep; fewer brackets", event.start_mark
            )
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def get_single_node(self):
        node = super().get_single_node()
        if node is not None:
            _expanded_size(node, {})
        return node

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        if not _DECIMAL.fullmatch(node.value):
            raise yaml.constructor.ConstructorError(
                None,
                None,
                f"{shown(node.value)}, which YAML does not read as a decimal number; "
                "a number without leading zeros, or text in quotes",
                node.start_mark,
            )
        is_whole = node.tag == "tag:yaml.org,2002:int"
        return self.construct_yaml_int(node) if is_whole else self.construct_yaml_float(node)

    def construct_moment(self, node: yaml.ScalarNode) -> object:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            raise yaml.constructor.ConstructorError(
                None, None, f"{shown(node.value)}; a date that exists, such as 2019-06-01", node.start_mark
            ) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {shown(key)}; text, in quotes if need be", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key {shown(key)} stands twice (first on line {seen[key]}); each key once",
                    key_node.start_mark,
                )
            seen[key] = key_node.start_mark.line + 1
        return super().construct_mapping(node, deep)


def _expanded_size(node: yaml.Node, sizes: dict[int, int | None]) -> int:
    """How many values a node stands for when every alias in it is written out."""
    key = id(node)
    if key not in sizes:
        sizes[key] = None  # under way: whoever meets it again is inside it
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = [part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,))]
        sizes[key] = 1 + sum(_expanded_size(part, sizes) for part in parts)
    size = sizes[key]
    if size is None or size > MOST_VALUES:
        what = "a value that holds itself" if size is None else f"more than {MOST_VALUES:,} values"
        raise yaml.composer.ComposerError(
            None, None, f"{what}, by anchors and aliases; none of these", node.start_mark
        )
    return size


DEEPEST, MOST_VALUES = 20, 100_000
_DECIMAL = re.compile(
    r"[-+]?(0|[1-9][0-9_]*|[0-9]*\.[0-9]*|[0-9.]+[eE][-+]?[0-9]+|\.inf|\.nan)", re.IGNORECASE
)
for _tag, _construct in {
    "int": _PlainLoader.construct_number,
    "float": _PlainLoader.construct_number,
    "timestamp": _PlainLoader.construct_moment,
}.items():
    _PlainLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _construct)


def load_inspection(force: str, params: Path = PROJECT / "params") -> Inspection:
    """Read and check ``params/<force>.yml``.

    Parameters
    ----------
    force : str
        Name of the force as in the file name.
    params : Path
        The folder of parameter files.

    Returns
    -------
    Inspection

    Raises
    ------
    InputError
        With all problems at once: a file that is missing or not YAML, an unknown key, a wrong type, an
        impossible value.

    Examples
    --------
    >>> load_inspection("northamptonshire").force.name
    'Northamptonshire Police'
    """
    path = params / f"{force_key(force)}.yml"
    name = f"params/{path.name}"
    if not path.exists():
        known = forces(params)
        raise InputError(
            [
                Problem(
                    name,
                    "",
                    "no such file",
                    f"one of the forces {', '.join(known) or '(none yet)'}{suggest(force, known)}; "
                    f"'make new FORCE={force}' begins a new one",
                )
            ]
        )
    return check_inspection(read_yaml(path, name), name)


def doubtful(inspection: Inspection, name: str, today: date) -> list[Problem]:
    """What is possible and yet more often a slip: warnings, which stop nothing.

    Parameters
    ----------
    inspection : Inspection
        Parameters that were read without a problem.
    name : str
        How messages call the parameter file.
    today : date
        Later days are in the future.
    """
    period, warnings = inspection.audit_period, []
    months = round(period.years * 12, 1)
    if not 5.5 <= months <= 6.5:
        got = f"{months:g} months, {period.start} to {period.end}"
        warnings.append(("audit_period", got, "six months, as inspections have; correct it unless it was so"))
    if period.end > today:
        got = f"an audit that ends on {period.end}, in the future"
        warnings.append(("audit_period.end", got, "a day that is over; a sample can be audited after it"))
    published = inspection.publication.date
    if late := [item for item in inspection.publication.approvals if item.date > published]:
        got = f"an approval of {late[0].date}, after the publication on {published}"
        warnings.append(
            ("publication.approvals", got, "approvals that come before it; correct one of the days")
        )
    return [Problem(name, where, got, expected, "warning") for where, got, expected in warnings]


MOST_BYTES = 1_000_000
_HINTS = {
    "'\\t'": "a tab; spaces for indentation",
    "mapping values are not allowed here": "a second ': ' on one line; quotes around a text that holds a colon",
    "but found another document": "a line '---' that begins another document; one document in a file",
    "special characters are not allowed": "zero bytes or other special characters; plain UTF-8 text",
    "could not determine a constructor": "a YAML tag (!…); plain values without tags",
}


def read_yaml(path: Path, name: str) -> object:
    """The content of a YAML file, read safely.

    Parameters
    ----------
    path : Path
        The file, in UTF-8 with or without a byte order mark.
    name : str
        How messages call it.

    Raises
    ------
    InputError
        For a folder, a file that is not text in UTF-8 or not YAML, with the line.
    """
    if path.is_dir():
        raise InputError([Problem(name, "", "a folder", "a file of 'key: value' lines")])
    content = path.read_bytes()
    if len(content) > MOST_BYTES:
        raise InputError([Problem(name, "", f"{len(content):,} bytes", f"at most {MOST_BYTES:,} bytes")])
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError([Problem(name, "", "text in UTF-16", "UTF-8 text; save the file as UTF-8")])
    try:
        return yaml.load(content.decode("utf-8-sig"), Loader=_PlainLoader)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        expected = "UTF-8 text; save the file as UTF-8"
        raise InputError([Problem(name, f"line {line}", "a byte that is not UTF-8", expected)]) from None
    except yaml.YAMLError as error:
        raise InputError([_yaml_problem(error, name)]) from None
    except (ValueError, RecursionError) as error:
        raise InputError([Problem(name, "", shown(str(error)), "YAML with valid values")]) from None


def _yaml_problem(error: yaml.YAMLError, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "text that is not YAML"
    for words, hint in _HINTS.items():
        if words in what:
            what = hint
    got, _, expected = what.partition("; ")
    if found := re.fullmatch(r"expected (.+), but found (.+)", what):
        expected, got = found[1], "the end of the file" if "end>" in found[2] else found[2]
    expected += f"{'; ' if expected else ''}YAML is made of 'key: value' lines, nested by spaces"
    return Problem(name, where, got, expected)


def check_inspection(content: object, name: str) -> Inspection:
    """Check the content of a parameter file; ``name`` is how messages call the file."""
    if not isinstance(content, dict):
        got = "nothing" if content is None else shown(content)
        raise InputError([Problem(name, "", got, "a file of 'key: value' lines")])
    try:
        return Inspection.model_validate(content)
    except ValidationError as error:
        raise InputError(explain(error, Inspection, name)) from None


_EXPECTED = {
    "int_type": "a whole number without quotes or thousands separators, such as 21900",
    "int_parsing": "a whole number without quotes or thousands separators, such as 21900",
    "int_from_float": "a whole number without quotes or thousands separators, such as 21900",
    "int_parsing_size": "a whole number without quotes or thousands separators, such as 21900",
    "float_type": "a number, such as 96.7",
    "float_parsing": "a number, such as 96.7",
    "finite_number": "a number, such as 96.7",
    "tuple_type": "a list: one '- …' line for each entry",
    "list_type": "a list: one '- …' line for each entry",
    "model_type": "keys of its own, indented below it",
    "dict_type": "keys of its own, indented below it",
    "model_attributes_type": "keys of its own, indented below it",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}
_BOUNDS = {
    "greater_than": "above {gt:g}",
    "greater_than_equal": "of {ge:g} or more",
    "less_than": "below {lt:g}",
    "less_than_equal": "of {le:g} or less",
}


def explain(error: ValidationError, model: type[BaseModel], name: str) -> list[Problem]:
    """Turn what pydantic found into problems for people: file, key, what was got, what was expected."""
    problems = []
    for item in error.errors(include_url=False):
        owner, keys = _place(item["loc"], model)
        where = ".".join(str(key + 1) if isinstance(key, int) else shown_key(key) for key in keys)
        got = "nothing" if item["input"] is None else shown(item["input"])
        kind, context = item["type"], item.get("ctx", {})
        expected = _EXPECTED.get(kind, item["msg"])
        if kind == "missing":
            field = owner.model_fields.get(keys[-1]) if owner else None
            got = "nothing"
            expected = f"this key{': ' + field.description if field and field.description else ''}"
        elif kind == "extra_forbidden":
            known = list(owner.model_fields) if owner else []
            got = f"the unknown key {shown(keys[-1])}"
            expected = f"one of {', '.join(known)}{suggest(keys[-1], known)}"
        elif kind == "value_error":
            expected = str(context["error"])
            where = getattr(context["error"], "place", where)
            got = "" if isinstance(item["input"], dict | BaseModel) else got
        elif kind == "literal_error":
            choices = re.findall(r"'([^']*)'", context["expected"])
            expected = f"one of {context['expected']}{suggest(item['input'], choices)}"
        elif kind in _BOUNDS:
            expected = f"a number {_BOUNDS[kind].format(**context)}"
        problem = Problem(name, where, got, expected)
        if problem not in problems:
            problems.append(problem)
    return _one_per_key(problems)


def shown_key(key: object) -> str:
    """A key in a path of keys: short, on one line."""
    return shown(key)[1:-1]


def _one_per_key(problems: list[Problem]) -> list[Problem]:
    """A number that may be whole or not fails twice in pydantic; one message is enough."""
    first: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        kept = first.get((problem.where, problem.got))
        if kept is None or ("whole number" in kept.expected and problem.expected == "a number, such as 96.7"):
            first[(problem.where, problem.got)] = problem
    return list(first.values())


def _place(location: tuple, model: type[BaseModel]) -> tuple[type[BaseModel] | None, tuple]:
    """Where a location of pydantic leads: the model that owns its last key (None: no model does), and the keys.

    What pydantic adds behind the keys (names of union branches, marks of dictionary keys) is left out.
    """
    here, owner, keys = model, None, []
    for key in location:
        kind = get_origin(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            owner, field = here, here.model_fields.get(key)
            here = _core(field.annotation) if field else None
        elif kind in (dict, tuple):
            owner, here = None, _core(get_args(here)[1 if kind is dict else 0])
        else:
            break
        keys.append(key)
    return owner, tuple(keys)


def _core(annotation: object) -> object:
    """A type without its validators and without None."""
    kind = get_origin(annotation)
    if kind is Annotated:
        return _core(get_args(annotation)[0])
    if kind in (Union, UnionType):
        kinds = [part for part in get_args(annotation) if part is not NoneType]
        return _core(kinds[0]) if len(kinds) == 1 else None
    return annotation
