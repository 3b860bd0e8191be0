"""What ``params/<force>.yml`` may say about one inspection.

The models below *are* the format: an unknown key, a wrong type or an impossible value is refused with the
file, the key, what was got and what was expected, before any notebook runs. ``params/northamptonshire.yml``
is a complete, commented example.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

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

from cdi_lib.folders import PROJECT, force_key, forces
from cdi_lib.problems import InputError, Problem, shown, suggest

CRIME_TYPES = ("violence", "sexual", "other")


def _one_line(text: object) -> object:
    """Refuse values that YAML made something else of (``no`` is False), and fold line breaks."""
    if not isinstance(text, str):
        raise ValueError("text; put it in quotes")
    text = " ".join(text.split())
    if not text:
        raise ValueError("text that is not empty")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("text without control characters")
    return text


def _percentage(value: float) -> float:
    if 0 < value <= 1:
        raise ValueError(f"a percentage such as 92.0; {value} looks like a proportion: write {value * 100:g}")
    if not 0 <= value <= 100:
        raise ValueError("a percentage from 0 to 100")
    return float(value)


def _confidence(value: float) -> float:
    if not 50 < value < 100:
        raise ValueError("a confidence level between 50 and 100 in percent, such as 95")
    return float(value)


def _count(value: int) -> int:
    if value < 0:
        raise ValueError("a count of 0 or more")
    return value


def _real_date(value: object) -> object:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("a date such as 2019-06-01 (year-month-day)") from None
    if type(value) is not date:
        raise ValueError("a date such as 2019-06-01 (year-month-day)")
    return value


Text = Annotated[str, BeforeValidator(_one_line)]
Count = Annotated[StrictInt, AfterValidator(_count)]
Percentage = Annotated[StrictFloat | StrictInt, AfterValidator(_percentage)]
Confidence = Annotated[StrictFloat | StrictInt, AfterValidator(_confidence)]
Day = Annotated[date, BeforeValidator(_real_date)]
Status = Literal["published", "derived", "assumed", "supplied"]
Grade = Text  # which grades exist is the business of the criteria file


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

    name: Text = Field(description="full name, such as 'Northamptonshire Police'")
    short_name: Text = Field(description="name of the area, such as 'Northamptonshire'")


class Approval(Model):
    """Who approved a version, by role."""

    role: Text = Field(description="a role, not a person")
    date: Day = Field(description="date of the approval")


class Publication(Model):
    """How and when the report is published."""

    title: Text = Field(description="title of the report")
    type: Text = Field(default="Crime recording", description="publication type")
    kind: Literal["inspection", "re-inspection", "self-audit"] = Field(
        default="inspection", description="inspection, re-inspection or self-audit"
    )
    date: Day = Field(description="date of publication (or intended)")
    status: Literal["draft", "final"] = Field(default="draft", description="draft or final")
    version: Text = Field(default="0.1", description="version of the report, in quotes")
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


class SamplingPlan(Model):
    """How the main sample was planned and drawn."""

    seed: StrictInt = Field(description="any whole number; fixes the draw")
    expected_rate_percent: Percentage = Field(description="recording rate expected when planning")
    margin_points: Annotated[StrictFloat | StrictInt, Field(gt=0, lt=50)] = Field(
        description="half-width of the interval wanted, in percentage points"
    )
    confidence_percent: Confidence = Field(default=95, description="confidence level in percent")
    crimes_per_incident: Annotated[StrictFloat | StrictInt, Field(ge=1, le=20)] = Field(
        default=1.0, description="audited crimes expected per incident"
    )
    response_rate_percent: Percentage = Field(
        default=100, description="share of drawn incidents that can be audited"
    )
    incidents: dict[Text, Annotated[StrictInt, Field(ge=1)]] | None = Field(
        default=None,
        description="incidents to draw per stratum of the frame; left out: planned from the margin",
    )


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
    role: Text = Field(description="role of who decided")


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


class Inspection(Model):
    """Everything that ``params/<force>.yml`` says about one inspection.

    The record tables beside it (``params/<force>/*.csv``) are read by :mod:`cdi_lib.records`.
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
                raise ValueError(f"each element once in '{name}'; more than once: {', '.join(twice)}")
        if self.publication.date < self.audit_period.end:
            raise ValueError(
                f"a publication date after the audit period; it is published {self.publication.date}, "
                f"the audit period ends {self.audit_period.end}"
            )
        return self


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, but a key that stands twice is an error instead of the last one winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is not text; put it in quotes", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key '{key}' stands twice (first on line {seen[key]})",
                    key_node.start_mark,
                )
            seen[key] = key_node.start_mark.line + 1
        return super().construct_mapping(node, deep)


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
    if not path.is_file():
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


def read_yaml(path: Path, name: str) -> object:
    """The content of a YAML file, read safely; InputError where it is not YAML in UTF-8."""
    try:
        return yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_UniqueKeyLoader)
    except UnicodeDecodeError as error:
        raise InputError(
            [Problem(name, f"byte {error.start}", "a byte that is not UTF-8", "UTF-8 text")]
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        what = getattr(error, "problem", None) or "text that is not YAML"
        raise InputError([Problem(name, where, what, "YAML: 'key: value', nested by spaces")]) from None
    except (ValueError, RecursionError) as error:
        raise InputError([Problem(name, "", shown(str(error)), "YAML with valid values")]) from None


def check_inspection(content: object, name: str) -> Inspection:
    """Check the content of a parameter file; ``name`` is how messages call the file."""
    if not isinstance(content, dict):
        raise InputError([Problem(name, "", shown(content), "a file of 'key: value' lines")])
    try:
        return Inspection.model_validate(content)
    except ValidationError as error:
        raise InputError(explain(error, Inspection, name)) from None


def explain(error: ValidationError, model: type[BaseModel], name: str) -> list[Problem]:
    """Turn what pydantic found into problems for people: file, key, what was got, what was expected."""
    problems = []
    for item in error.errors(include_url=False):
        keys = _without_union_branches(item["loc"], model)
        where = ".".join(str(key + 1) if isinstance(key, int) else str(key) for key in keys)
        got, expected = "nothing" if item["input"] is None else shown(item["input"]), item["msg"]
        owner = _model_at(keys[:-1], model)
        if item["type"] == "missing":
            field = owner.model_fields.get(keys[-1]) if owner else None
            got = "nothing"
            expected = f"this key{': ' + field.description if field and field.description else ''}"
        elif item["type"] == "extra_forbidden":
            known = list(owner.model_fields) if owner else []
            got = f"the unknown key '{keys[-1]}'"
            expected = f"one of {', '.join(known)}{suggest(keys[-1], known)}"
        elif item["type"] == "value_error":
            expected = str(item["ctx"]["error"])
            got = "" if isinstance(item["input"], dict | BaseModel) else got
        elif item["type"] == "literal_error":
            expected = f"one of {item['ctx']['expected']}"
        elif item["type"] in ("int_type", "int_parsing", "int_from_float"):
            expected = "a whole number without quotes or thousands separators, such as 21900"
        elif item["type"] in ("float_type", "float_parsing", "finite_number"):
            expected = "a number, such as 96.7"
        elif item["type"] in ("tuple_type", "list_type"):
            expected = "a list: one '- …' line for each entry"
        elif item["type"] in ("model_type", "dict_type", "model_attributes_type"):
            expected = "keys of its own, indented below it"
        elif item["type"] in ("bool_type", "bool_parsing"):
            expected = "true or false"
        problem = Problem(name, where, got, expected)
        if problem not in problems:
            problems.append(problem)
    return _one_per_key(problems)


def _one_per_key(problems: list[Problem]) -> list[Problem]:
    """A number that may be whole or not fails twice in pydantic; one message is enough."""
    first: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        kept = first.get((problem.where, problem.got))
        if kept is None or ("whole number" in kept.expected and problem.expected == "a number, such as 96.7"):
            first[(problem.where, problem.got)] = problem
    return list(first.values())


def _without_union_branches(location: tuple, model: type[BaseModel]) -> tuple:
    """Drop the names of union branches ('float', 'int') that pydantic puts into a location."""
    return tuple(
        key for key in location if not (isinstance(key, str) and key in {"float", "int", "StrictFloat"})
    )


def _model_at(keys: tuple, model: type[BaseModel]) -> type[BaseModel] | None:
    """The model that the given path of keys leads to, or None where it leads to plain values."""
    for key in keys:
        if isinstance(key, int):
            continue
        field = model.model_fields.get(key)
        found = _models_in(field.annotation) if field else []
        if not found:
            return None
        model = found[0]
    return model


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
