"""What ``params/<force>.yml`` may say about one inspection. The models below *are* the format."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr, StrictBool, StrictInt, ValidationError, model_validator

from cdi_lib.inspection import values
from cdi_lib.inspection.folders import DEFAULT, FOLDERS, PROJECT, force_key, forces
from cdi_lib.inspection.problems import InputError, Problem, shown, suggest
from cdi_lib.inspection.programme import (
    OVERALL,
    Programme,
    ProgrammeError,
    RecordingRule,
    Values,
    default_programme,
    load_programme,
)
from cdi_lib.inspection.programme_checks import Wrong, unknown
from cdi_lib.inspection.tables import tables_of
from cdi_lib.inspection.values import Confidence, Count, Day, Model, Name, Number, Percentage, Points, Status, Text
from cdi_lib.inspection.yaml_files import read_yaml
from cdi_lib.statistics.intervals import COMBINED, DEFAULT_INTERVAL, INTERVALS

OLD_KEY = "criteria"  # what the key programme was called
Positive = Annotated[StrictInt, Field(ge=1)]
Grade = Name  # which grades exist is the business of the programme
LEAST_VICTIMS = 5  # of a real audit that says nothing else


def optional(default: Any, description: str) -> Any:
    """A key that may be left out."""
    return Field(default=default, description=description)


def _repeated(values: list[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


class CountFigure(Model):
    value: Count = Field(description="a whole number, without thousands separators")
    status: Status = Field(description="published, derived, assumed, or supplied by the force")
    source: Text = Field(description="where the figure comes from")


class PercentageFigure(Model):
    value: Percentage = Field(description="a percentage such as 96.7")
    status: Status = Field(description="published, derived, assumed, or supplied by the force")
    source: Text = Field(description="where the figure comes from")


class Force(Model):
    name: Name = Field(description="full name, such as 'Northamptonshire Police'")
    short_name: Name = Field(description="name of the area, such as 'Northamptonshire'")


class Approval(Model):
    role: Name = Field(description="a role, not a person")
    date: Day = Field(description="date of the approval")


class Contact(Model):
    """Who answers questions about the figures."""

    name: Name = Field(description="name of the lead analyst")
    address: Name = Field(description="e-mail address or telephone number")


class Correction(Model):
    """Why a version of the report corrects the one before it."""

    version: Name = Field(description="version that corrects, in quotes")
    date: Day = Field(description="date of the correction")
    reason: Text = Field(description="what was wrong and why; printed")


class Publication(Model):
    title: Name = Field(description="title of the report")
    type: Name = optional("Crime recording", "publication type")
    kind: Literal["inspection", "re-inspection", "self-audit"] = optional(
        "inspection", "inspection, re-inspection or self-audit"
    )
    language: Name = optional("en", "language of the report: a folder in reports/text")
    date: Day = Field(description="date of publication (or intended)")
    status: Literal["draft", "final"] = optional("draft", "draft or final")
    version: Name = optional("0.1", "version of the report, in quotes")
    approvals: tuple[Approval, ...] = optional((), "roles and dates")
    final_despite: Text | None = optional(None, "printed: why it is final with open challenges or uncommitted code")
    original: values.WebAddress | None = optional(None, "web address of the published report that this one follows")
    rights: Text | None = optional(None, "copyright and licence of the report")
    contact: Contact | None = optional(None, "lead analyst, printed; a final report of an audit needs one")
    embargo: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d$")] | None = optional(
        None, "day and time before which nothing may be published, such as 2020-07-31 09:30; take it out at release"
    )
    pre_release: tuple[Name, ...] = optional((), "roles that see the report before its release; printed")
    corrections: tuple[Correction, ...] = optional((), "of a later version: version, date and reason")


class Period(Model):
    """The audit period; both days belong to it."""

    start: Day = Field(description="first day")
    end: Day = Field(description="last day")

    @model_validator(mode="after")
    def _in_order(self) -> "Period":
        if self.end < self.start:
            raise ValueError(f"a period that ends on or after its start; it ends {self.end}, it starts {self.start}")
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


class AssumedCells(Model):
    """Columns of a record table whose values were assumed, in all rows or where others have some values."""

    table: Literal["crimes", "over_recorded", "dip_records", "n100", "cancellations", "survey"] = Field(
        description="of the records"
    )
    columns: tuple[Name, ...] = Field(min_length=1, description="names of its columns")
    where: dict[Name, Values] = optional({}, "only in these rows: columns and values")


class Records(Model):
    status: Literal["audit", "reconstruction", "invented"] = Field(
        description="audit (real records), reconstruction (from published counts) or invented (for training)"
    )
    note: Text | None = optional(None, "printed wherever the records are described")
    says_nothing: tuple[Literal["offence_class", "route", "domestic_abuse"], ...] = optional(
        (), "columns of crimes that hold stand-ins, because nobody knows; printed"
    )
    assumed: tuple[AssumedCells, ...] = optional((), "columns that were assumed; what rests on them is marked")

    @model_validator(mode="after")
    def _explained(self) -> "Records":
        if self.status != "audit" and self.note is None:
            raise ValueError(f"a note that says what was {self.status} and from what")
        return self


class Estimation(Model):
    """Which estimator and interval the headline uses. The defaults are what a new inspection should use."""

    headline: Literal["stratified", "pooled"] = optional(
        "stratified", "stratified (weighted to recorded crime by type) or pooled (unweighted)"
    )
    clustered: StrictBool = optional(True, "true: crimes of an incident are a cluster (wider interval)")
    interval: Literal[*INTERVALS, *COMBINED] | None = optional(  # type: ignore[valid-type]
        None, f"interval method; left out: {COMBINED[0]} for the stratified rate, {DEFAULT_INTERVAL} for any other"
    )
    confidence_percent: Confidence = optional(95, "confidence level in percent")
    status: Status | None = optional(None, "status of these choices")
    source: Text | None = optional(None, "why these choices")


class ChangedFrame(Model):
    """Another file of the frame than the sample was drawn from, in which nothing that was drawn is another."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] = Field(description="SHA-256 of it, as make check says it")
    reason: Text = Field(description="why it was changed, as a sentence; printed")


class FrameColumns(Model):
    """What the columns of the sampling frame are called in the force's extract, and the values in them."""

    incident_id: Name = optional("incident_id", "column with the reference of the incident")
    stratum: Name = optional("stratum", "column with the stratum, such as the crime type")
    reported_at: Name | None = optional(None, "column with date and time of the report, if not reported_at")
    route: Name | None = optional(None, "column with the route of the report, if not route")
    sheet: Name | None = optional(None, "sheet of the frame's workbook, if several hold something")
    strata: dict[Name, tuple[Name, ...]] = optional({}, "values in it by stratum, such as {violence: [VAP, Violence]}")
    context: tuple[Name, ...] = optional((), "columns that auditors are to see in their worksheet, such as [Summary]")
    exclude: dict[Name, tuple[Name, ...]] = optional(
        {}, "records to leave out before the draw: values by column, such as {opening_code: [TEST, DUPLICATE]}"
    )
    routes: dict[Name, tuple[Name, ...]] = optional({}, "values in it by route, such as {control_room: ['999', '101']}")
    changed: ChangedFrame | None = optional(
        None, "if the frame was changed after the draw, in no record that was drawn"
    )

    @property
    def named(self) -> list[str]:
        """The columns of reference, stratum, time and route, as far as they have a name."""
        return [column for column in (self.incident_id, self.stratum, self.reported_at, self.route) if column]

    @model_validator(mode="after")
    def _unambiguous(self) -> "FrameColumns":
        if len(set(self.named)) < len(self.named):
            raise ValueError(f"another column for each of these; got {', '.join(self.named)}")
        for name in ("strata", "routes"):
            if twice := _repeated([value for group in getattr(self, name).values() for value in group]):
                raise ValueError(f"each value once in '{name}'; more than once: {', '.join(twice)}")
        return self


class ToShow(Model):
    """What the sample of all crime is to decide: exactly one of the first three, from which its size follows."""

    least_percent: Percentage | None = optional(None, "a recording rate: to show that the force's is at least so high")
    grade: Name | None = optional(None, "a grade of all crime that the sample is to give if the expected rate is true")
    margin_points: Points | None = optional(None, "half-width that the interval is to have at most")
    chance_percent: Annotated[Number, Field(ge=50, lt=100)] = optional(90, "how sure the grade or the margin is to be")

    @model_validator(mode="after")
    def _one(self) -> "ToShow":
        named = [name for name in ("least_percent", "grade", "margin_points") if getattr(self, name) is not None]
        if len(named) != 1:
            got = ", ".join(named) or "none"
            raise ValueError(f"exactly one of least_percent, grade and margin_points; it has {got}")
        return self


class SamplingPlan(Model):
    seed: StrictInt = Field(description="any whole number; fixes the draw")
    expected_rate_percent: Percentage = Field(description="recording rate expected when planning")
    margin_points: Points = Field(description="half-width of the interval wanted, in percentage points")
    confidence_percent: Confidence = optional(95, "confidence level in percent")
    crimes_per_incident: Annotated[Number, Field(ge=1, le=20)] = optional(1.0, "audited crimes per incident expected")
    design_effect: Annotated[Number, Field(gt=0, le=20)] = optional(
        1.0,
        "variance of these crimes over that of as many independent ones; about "
        "1 + (crimes_per_incident - 1) x correlation of the crimes of an incident",
    )
    response_rate_percent: Percentage = optional(100, "per cent of drawn incidents that can be audited")
    expected_rates_percent: dict[Text, Percentage] = optional({}, "strata that differ, such as {violence: 89}")
    allocation: Literal["precision", "proportional", "equal", "neyman"] = optional(
        "precision",
        "precision (the margin in every stratum), or how total_incidents are shared: "
        "proportional (to the frame), equal, neyman (most precise overall rate)",
    )
    total_incidents: Positive | None = optional(None, "incidents to draw; for an allocation other than precision")
    show: ToShow | None = optional(None, "instead of total_incidents: what they are to show")
    minimum_incidents: Count = optional(0, "fewest incidents of a stratum")
    incidents: dict[Text, Positive] | None = optional(None, "incidents to draw per stratum, instead of planning")
    reserves: Annotated[StrictInt, Field(ge=0, le=10_000)] = optional(
        0, "reserves per stratum, in order, for what cannot be audited"
    )
    auditors: Annotated[StrictInt, Field(ge=1, le=99)] = optional(1, "among how many the worksheet is shared out")
    frame: FrameColumns = optional(FrameColumns(), "columns of params/<force>/frame, if they differ from these")

    @model_validator(mode="after")
    def _complete(self) -> "SamplingPlan":
        if max(self.expected_rate_percent, *self.expected_rates_percent.values(), 0) >= 100:
            raise ValueError("expected rates below 100; with nothing unrecorded there is nothing to plan")
        totals = [self.total_incidents, self.show]
        if sum(total is not None for total in totals) != (self.allocation != "precision"):
            others = "allocation proportional, equal or neyman; allocation precision finds the total itself"
            raise ValueError(f"one of total_incidents and show, together with {others}")
        least = self.show.least_percent if self.show else None
        if least is not None and least >= self.expected_rate_percent:
            expected = f"below the expected rate, {self.expected_rate_percent:g}"
            raise ValueError(f"show.least_percent {expected}; it is {least:g}")
        return self


class PreviousInspection(Model):
    year: Annotated[StrictInt, Field(ge=2000, le=2100)] = Field(description="year of the earlier inspection")
    audited_crimes: Positive = Field(description="crimes that should have been recorded")
    recorded_crimes: Count = Field(description="crimes of these that were recorded")
    representative: StrictBool = Field(description="true if it was a random sample of the force's crime")
    recording_limit_hours: Positive = optional(24, "time limit for recording in force then")
    note: Text | None = optional(None, "what differs")
    prior_percent: Annotated[Percentage, Field(gt=0)] | None = optional(
        None, "share at which its crimes count beside those of this audit, in an estimate of the annex"
    )
    parameters: Name | None = optional(None, "its parameter file, without .yml: its open areas for improvement go on")
    status: Status = Field(description="status of the figures")
    source: Text = Field(description="where the figures come from")

    @model_validator(mode="after")
    def _possible(self) -> "PreviousInspection":
        if self.recorded_crimes > self.audited_crimes:
            impossible = f"{self.recorded_crimes} recorded of {self.audited_crimes} audited is impossible"
            raise ValueError(f"recorded_crimes of at most audited_crimes; {impossible}")
        if self.prior_percent and not self.representative:
            raise ValueError("no prior_percent, as the earlier sample was not representative")
        return self


class AreaForImprovement(Model):
    """What the force should do, and which judged elements made it necessary."""

    text: Text = Field(description="one sentence that completes 'The force should …'")
    elements: tuple[Text, ...] = optional((), "ids of elements in the programme")
    id: Name | None = optional(None, "by which the register calls it; a final report of an audit needs all that follow")
    owner: Name | None = optional(None, "role that answers for it")
    deadline: Day | None = optional(None, "by when")
    cause: Text | None = optional(None, "why it came about")

    @property
    def lacking(self) -> list[str]:
        """What an entry of the register needs and this one has not."""
        return [name for name in ("id", "owner", "deadline", "cause") if getattr(self, name) is None]


class Assessment(Model):
    """An inspector's assessment of an element that cannot be counted."""

    element: Text = Field(description="id of an element in the programme")
    criterion: Text = Field(description="what was looked for")
    finding: Literal["fully met", "mostly met", "partly met", "not met", "not inspected"] = Field(
        description="fully met, mostly met, partly met, not met or not inspected"
    )
    evidence: Text = Field(description="what it rests on: interviews, documents, reality testing")
    status: Status = optional("supplied", "status of the assessment")


class CarriedForward(Model):
    """A grade taken over from an earlier inspection for an element that was not tested again."""

    element: Text = Field(description="id of an element in the programme")
    grade: Grade = Field(description="the grade then")
    date: Day = Field(description="date of the report it comes from")
    source: Text = Field(description="the report it comes from")


class Decision(Model):
    """An inspector's decision to set a grade that differs from the computed one."""

    grade_of: Text = Field(description="overall, a question or an element of the programme")
    grade: Grade = Field(description="the decided grade")
    reason: Text = Field(description="printed in the report")
    role: Name = Field(description="role of who decided")


class Equality(Model):
    """Which characteristics of victims the force routinely records."""

    recorded: tuple[Text, ...] = Field(description="routinely recorded")
    not_recorded: tuple[Text, ...] = Field(description="not routinely recorded")

    @model_validator(mode="after")
    def _once(self) -> "Equality":
        if both := sorted(set(self.recorded) & set(self.not_recorded)):
            raise ValueError(f"each characteristic in one list; in both: {', '.join(both)}")
        if not (self.recorded or self.not_recorded):
            raise ValueError("at least one characteristic; leave 'equality' out if it was not inspected")
        return self


class Findings(Model):
    """What inspectors found, in words: lists of paragraphs (or of points where said so), by section of the report."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, tuple[Text, ...]]

    overall: tuple[Text, ...] = optional((), "overall judgement: paragraphs")
    improved: tuple[Text, ...] = optional((), "points completing 'The force has …'")
    work_to_do: tuple[Text, ...] = optional((), "points completing 'The force must …'")
    summary: tuple[Text, ...] = optional((), "summary of findings: paragraphs")
    conclusion: tuple[Text, ...] = optional((), "conclusion: paragraphs")
    what_next: tuple[Text, ...] = optional((), "what next: paragraphs")

    def of(self, section: str) -> tuple[Text, ...]:
        """What was found of a section; nothing where nothing was written down."""
        return tuple(getattr(self, section, ()))


class Disclosure(Model):
    """From which number on a count is told alone: smaller ones could point to a person."""

    victims: Annotated[int, Field(ge=0, le=100)] | None = optional(
        None, "of victims, and of crimes of an offence class; left out: 5, or 0 (any) where records are not real"
    )
    crimes: Annotated[int, Field(ge=0, le=100)] = optional(0, "of domestic abuse crimes by crime type; 0: any number")


class Assumption(Model):
    """An assumption that the figures rest on, for the technical annex."""

    text: Text = Field(description="the assumption")
    status: Status = Field(description="published, derived, assumed or supplied")
    source: Text = Field(description="why it is reasonable, or where it comes from")


class Inspection(Model):
    """Everything that ``params/<force>.yml`` says about one inspection."""

    schema_version: Literal[1] = Field(description="version of this format: 1")
    force: Force
    publication: Publication
    audit_period: Period
    records: Records
    programme: Programme = Field(
        default_factory=default_programme, description="name of a file in params/programmes, without .yml"
    )
    recorded_crime: dict[Name, CountFigure] = Field(
        description="recorded by the force, excluding fraud, in the 12 months to the end of the audit period"
    )
    recorded_crime_by_route: dict[Name, CountFigure] = optional(
        {}, "the same crimes by route; the annex then has a rate raked to type and route"
    )
    auditable_route_percent: PercentageFigure
    estimation: Estimation = Estimation()
    sampling: SamplingPlan | None = optional(None, "left out: the report says so")
    previous_inspection: PreviousInspection | None = None
    equality: Equality | None = None
    disclosure: Disclosure = Disclosure()
    survey_statements: dict[Text, Text] = optional({}, "ids of survey.csv and the sentence that respondents saw")
    findings: Findings = Field(default_factory=lambda: Findings.model_validate({}))
    areas_for_improvement: tuple[AreaForImprovement, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    carried_forward: tuple[CarriedForward, ...] = ()
    decisions: tuple[Decision, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    _has_old_key: bool = PrivateAttr(default=False)

    def crime_by_type(self) -> dict[str, int]:
        """Recorded crime of 12 months by crime type, in the order of the programme."""
        return {name: self.recorded_crime[name].value for name in self.programme.crime_types}

    @property
    def all_crime(self) -> int:
        """Recorded crime of 12 months, of all types together."""
        return sum(self.crime_by_type().values())

    @property
    def least_victims(self) -> int:
        """The smallest number of victims, or of crimes of an offence class, that is told alone."""
        asked = self.disclosure.victims
        return asked if asked is not None else LEAST_VICTIMS if self.records.status == "audit" else 0

    @property
    def recording_rule(self) -> RecordingRule:
        """What held for recording on the first day of the audit period."""
        return self.programme.rule_on(self.audit_period.start)

    @model_validator(mode="after")
    def _said_once(self) -> "Inspection":
        for name, keys in {
            "assessments": [item.element for item in self.assessments],
            "carried_forward": [item.element for item in self.carried_forward],
            "decisions": [item.grade_of for item in self.decisions],
        }.items():
            if twice := _repeated(keys):
                raise values.PlacedError(name, f"each element once; more than once: {', '.join(twice)}")
        if self.publication.date < self.audit_period.end:
            got = f"it is published {self.publication.date}, the audit period ends {self.audit_period.end}"
            raise values.PlacedError("publication.date", f"a publication date after the audit period; {got}")
        previous = self.previous_inspection
        if previous and previous.year > self.audit_period.start.year:
            got = f"it is {previous.year}, the audit period starts {self.audit_period.start}"
            raise values.PlacedError("previous_inspection.year", f"a year before this audit period; {got}")
        if later := [item for item in self.carried_forward if item.date >= self.publication.date]:
            got = f"{later[0].element} is from {later[0].date}"
            raise values.PlacedError("carried_forward", f"grades from reports before this report; {got}")
        return self


def load_inspection(force: str, params: Path = PROJECT / "params") -> Inspection:
    """Read and check ``params/<force>.yml``; InputError with all problems at once."""
    path = params / f"{force_key(force)}.yml"
    name = f"params/{path.name}"
    if not path.exists():
        known = forces(params)
        there = f"one of the forces {', '.join(known) or '(none yet)'}{suggest(force, known)}"
        raise InputError.of(name, "", "no such file", f"{there}; 'make new FORCE={force}' begins a new one")
    return check_inspection(read_yaml(path, name).content, name, params)


def doubtful(inspection: Inspection, name: str, today: date) -> list[Problem]:
    """What is possible and yet more often a slip: warnings, which stop nothing. Messages call the file ``name``."""
    period, warnings = inspection.audit_period, []
    months = round(period.years * 12, 1)
    usual = inspection.programme.usual_months
    if usual and not usual - 0.5 <= months <= usual + 0.5:
        got = f"{months:g} months, {period.start} to {period.end}"
        expected = f"{usual:g} months, as inspections by this programme have; correct it unless it was so"
        warnings.append(("audit_period", got, expected))
    limit = inspection.programme.rule_on(period.start).limit_hours
    for rule in inspection.programme.rules_within(period.start, period.end):
        if rule.limit_hours != limit:
            got = f"a day from which the limit is {rule.limit_hours} hours, {rule.since}, within it"
            warnings.append(
                ("audit_period", got, f"one limit; every crime is counted by that of its first day, {limit}")
            )
    if period.end > today:
        got = f"an audit that ends on {period.end}, in the future"
        warnings.append(("audit_period.end", got, "a day that is over; a sample can be audited after it"))
    if inspection._has_old_key:
        warnings.append((OLD_KEY, "this key", "'programme', which it is called now"))
    if old := [file for file in inspection.programme.files if file.startswith(f"params/{FOLDERS[1]}/")]:
        warnings.append(("programme", old[0], f"the file in params/{FOLDERS[0]}, where programmes are kept now"))
    published = inspection.publication.date
    if late := [item for item in inspection.publication.approvals if item.date > published]:
        got = f"an approval of {late[0].date}, after the publication on {published}"
        warnings.append(("publication.approvals", got, "approvals that come before it; correct one of the days"))
    found = [Problem(name, where, got, expected, "warning") for where, got, expected in warnings]
    return found + inspection.programme.doubts


def check_inspection(content: object, name: str, params: Path = PROJECT / "params") -> Inspection:
    """Check the content of a parameter file; ``name`` is how messages call the file."""
    content = dict(content) if isinstance(content, dict) else {}
    has_old_key = OLD_KEY in content
    problems: list[Problem] = []
    inspection, programme, unread = None, default_programme(), None
    if has_old_key and "programme" in content:
        problems.append(Problem(name, OLD_KEY, "both keys", "one of them: 'programme', which took its place"))
    named = content.pop(OLD_KEY, content.get("programme", DEFAULT))
    try:
        if not isinstance(named, str):
            raise InputError.of(name, "programme", shown(named), "name of a file in params/programmes")
        programme = load_programme(named, params)
        unread = ProgrammeError([], programme)
    except InputError as error:
        unread = error if isinstance(error, ProgrammeError) else None
        problems += [problem if problem.file else replace(problem, file=name) for problem in error.problems]
    try:
        inspection = Inspection.model_validate(content | {"programme": programme})
    except ValidationError as error:
        problems += values.explain(error, Inspection, name)
    if inspection and not problems:
        problems += [Problem(name, *wrong) for wrong in between_file_and_programme(inspection)]
    if inspection is None or problems:
        raise ProgrammeError(problems, unread.programme, unread.unread) if unread else InputError(problems)
    inspection = inspection.model_copy(update={"programme": programme.on(inspection.audit_period.start)})
    inspection._has_old_key = has_old_key
    return inspection


def between_file_and_programme(inspection: Inspection) -> Iterator[Wrong]:
    """What the parameters name and the programme does not know, and what it asks for and they do not say."""
    programme = inspection.programme
    tables = tables_of(programme)
    for i, item in enumerate(inspection.records.assumed, 1):
        for column in (*item.columns, *item.where):
            yield from unknown(f"records.assumed.{i}", [column], list(tables[item.table]))
    types, routes = list(programme.crime_types), list(programme.routes)
    for name, crime_type in programme.crime_types.items():
        if name not in inspection.recorded_crime:
            yield f"recorded_crime.{name}", "nothing", f"this key: {crime_type.label}, excluding fraud, of 12 months"
    yield from _unknown_keys("recorded_crime", inspection.recorded_crime, types)
    yield from _unknown_keys("recorded_crime_by_route", inspection.recorded_crime_by_route, routes)
    if inspection.sampling:
        yield from _unknown_keys("sampling.frame.routes", inspection.sampling.frame.routes, routes)
    chapters = programme.chapters
    sections = [*Findings.model_fields, *chapters.first, *chapters.questions, *chapters.last]
    yield from _unknown_keys("findings", inspection.findings.model_extra or {}, list(dict.fromkeys(sections)))
    elements = programme.elements
    assessed = [id_ for id_, element in elements.items() if element.assessment]
    judged = [OVERALL, *programme.questions, *elements]
    for kind, key, known in (
        ("assessments", "element", assessed),
        ("carried_forward", "element", list(elements)),
        ("carried_forward", "grade", programme.grades),
        ("decisions", "grade_of", judged),
        ("decisions", "grade", programme.grades),
        ("areas_for_improvement", "elements", list(elements)),
    ):
        for i, item in enumerate(getattr(inspection, kind), 1):
            named = getattr(item, key)
            yield from unknown(f"{kind}.{i}.{key}", [named] if isinstance(named, str) else named, known)


def _unknown_keys(where: str, named: Iterable[str], known: Sequence[str]) -> Iterator[Wrong]:
    for name in named:
        if name not in known:
            expected = f"one of {', '.join(known)}{suggest(name, known)}"
            yield f"{where}.{name}", f"the unknown key {shown(name)}", expected
