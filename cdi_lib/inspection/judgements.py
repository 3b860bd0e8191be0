"""What was judged, as ``results.json`` holds it: grades, the evidence for each, and what would have changed it."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field

from cdi_lib.inspection.programme import Requirement
from cdi_lib.inspection.values import Model

Probabilities = (
    dict[str, float] | None
)  # of each grade; None where chance has no part in it, or not every audit has one


class EstimateEvidence(Model):
    """An estimate, of which the value or the lower end of the interval counts; proportions."""

    kind: Literal["estimate"] = "estimate"
    result: str = Field(description="id of the estimate")
    use: Literal["value", "low"]
    value: float
    low: float | None
    high: float | None
    n: int


class ShareEvidence(Model):
    """So many of so many."""

    kind: Literal["share"] = "share"
    result: str = Field(description="id of the share")
    x: int
    n: int


class AssessmentEvidence(Model):
    """What an inspector found."""

    kind: Literal["assessment"] = "assessment"
    finding: str
    evidence: str


class AtLeast(Model):
    """The proportion from which on an estimate would have earned a better grade."""

    grade: str
    use: Literal["value", "low"]
    at_least: float


class Below(Model):
    """The proportion below which an estimate would have earned a worse grade."""

    grade: str
    use: Literal["value", "low"]
    below: float


class CountChange(Model):
    """How many of the same n records would have earned another grade."""

    grade: str
    x: int
    n: int


class FindingChange(Model):
    """The finding that would have earned another grade."""

    grade: str
    finding: str


class PartChange(Model):
    """One part with another grade, and the grade of the question that would have followed from it."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    part: str
    before: str = Field(validation_alias="from", serialization_alias="from")
    to: str
    grade: str


class Judged(Model):
    """A grade by the criteria, and the one that counts."""

    id: str
    label: str
    computed: str = Field(description="by the criteria")
    decided: str = Field(description="what counts: the computed grade, or what an inspector set")
    reason: str | None = Field(description="why an inspector set it; None where nobody did")
    role: str | None


class ElementJudgement(Judged):
    """An element and what its grade rests on."""

    question: str
    measure: str = Field(description="id of the estimate or share, or 'assessment'")
    status: str = Field(description="'judged', or why it was not and where the grade comes from instead")
    evidence: EstimateEvidence | ShareEvidence | AssessmentEvidence | None = Field(discriminator="kind")
    bands: dict[str, float | str]
    reason_for_bands: str
    rule: str = Field(description="the band that gave the grade, as a sentence")
    next_better: AtLeast | CountChange | FindingChange | None
    next_worse: Below | CountChange | FindingChange | None
    probabilities: Probabilities


class QuestionJudgement(Judged):
    """A question, or the whole, and the grades of its parts."""

    short: str | None = None
    rule: str = Field(description="the sentence of the rule that gave the grade")
    evidence: dict[str, str] = Field(description="the decided grade of each part")
    next_better: tuple[PartChange, ...]
    next_worse: tuple[PartChange, ...]
    probabilities: Probabilities


class Framework(Model):
    """Which criteria were used."""

    name: str
    version: str
    date: date
    title: str
    note: str


class Judgements(Model):
    """All grades of an inspection."""

    framework: Framework
    scale: tuple[str, ...] = Field(description="the grades, best first")
    rules: dict[str, dict[str, Requirement]]
    elements: tuple[ElementJudgement, ...]
    questions: tuple[QuestionJudgement, ...]
    overall: QuestionJudgement

    @property
    def everything(self) -> tuple[ElementJudgement | QuestionJudgement, ...]:
        """The whole, its questions, and their elements."""
        return self.overall, *self.questions, *self.elements
