"""The results of an inspection: typed, unrounded, written once and read by everything that prints.

Each notebook saves one :class:`Section`; together they are the :class:`Results` in ``results.json``.
"""

import hashlib
import json
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from cdi_lib.inspection.details import FOLLOW, Details, Status, Stored, follows, upgraded
from cdi_lib.inspection.files import file_hash, find_table, write_whole
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import InputError, shown
from cdi_lib.inspection.programme import Programme, Told
from cdi_lib.inspection.records import AuditRecords
from cdi_lib.inspection.tables import OFFENCE_CLASSES
from cdi_lib.statistics.estimation import Estimate

# 1 did not say which cell computed a result; 1 and 2 held labels, and nothing that follows
SCHEMA_VERSION: Literal[3] = 3
# How results call what statistics speaks of in general terms: a field, a unit and a flag of an estimate.
_NAMES = {"x": "recorded", "count": "crimes", "few_failures": "few_unrecorded", "few_clusters": "few_incidents"}
_KINDS = ("estimates", "shares", "tallies", "details")
_PARTS = {  # fields of an estimate beside its value, as `provenance` knows them
    "interval": ("low", "high", "margin", "below", "above", "confidence", "population"),
    "counts": ("n", "recorded", "unweighted"),
}
_T = TypeVar("_T")
SampleKind = Literal["main", "dip", "main and dip", "survey", "review"]


class _Result(Stored):
    """A result under an id; its label, which older files hold, is the business of the report."""

    former = ("label",)


class EstimateResult(_Result):
    """An estimate; ``value``, ``se``, ``low`` and ``high`` are in its ``unit``. ``high`` is None where the interval has no
    upper end."""

    unit: Literal["proportion", "crimes", "difference"] = "proportion"
    value: float
    se: float | None
    low: float | None
    high: float | None
    n: int  # audited crimes that the estimate rests on
    recorded: int | None = None
    clusters: int | None = None
    population: float | None = None
    confidence: float
    estimator: str
    interval: str
    fpc: float | bool | None = None
    design_effect: float | None = None
    effective_n: float | None = None
    df: float | None = None
    p_value: float | None = None
    flags: tuple[str, ...] = ()
    notebook: str

    @property
    def is_exact(self) -> bool:
        """Whether nothing is left to chance: an interval without width, which at a rate of 0 or 1 says less."""
        within = self.value > 0 and (self.unit == "crimes" or self.value < 1)
        return within and self.low is not None and self.low == self.high

    @follows
    def margin(self) -> float | None:
        """Half the width of the interval; None if the interval is open."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @follows
    def below(self) -> float | None:
        """How far the interval reaches below the value."""
        return None if self.low is None else self.value - self.low

    @follows
    def above(self) -> float | None:
        """How far the interval reaches above the value."""
        return None if self.high is None else self.high - self.value

    @follows
    def unweighted(self) -> float | None:
        """The share of the audited crimes as they are that was recorded."""
        return self.recorded / self.n if self.recorded is not None and self.n else None


class Share(_Result):
    """So many of so many: no interval, no extrapolation."""

    x: int = Field(ge=0)
    n: int = Field(ge=0)
    sample: SampleKind
    notebook: str

    @model_validator(mode="after")
    def _possible(self) -> "Share":
        if self.x > self.n:
            raise ValueError(f"{self.x} of {self.n} is impossible")
        return self

    @follows
    def missed(self) -> int:
        """Those of n that are not among x."""
        return self.n - self.x

    @follows
    def proportion(self) -> float | None:
        """x over n; None of nothing."""
        return self.x / self.n if self.n else None


class Tally(_Result):
    """Counts by category, in the order in which they are shown."""

    counts: dict[str, int]
    notebook: str

    @follows
    def total(self) -> int:
        """The sum of the counts."""
        return sum(self.counts.values())

    @follows
    def most(self) -> str:
        """The first of the categories with the largest count; empty where nothing was counted."""
        return max(self.counts, key=self.counts.__getitem__) if self.total else ""


class Section(Stored):
    """What one notebook found."""

    notebook: str
    inputs: str  # SHA-256 over the parameters and tables that it was computed from
    estimates: dict[str, EstimateResult] = Field(default={})
    shares: dict[str, Share] = Field(default={})
    tallies: dict[str, Tally] = Field(default={})
    details: dict[str, Any] = Field(default={})  # as JSON; together they are a Details
    cells: dict[str, int] = Field(default={})  # kind and id of a result (estimates.overall) to the number of its cell


class Evidence(Stored):
    """Where a result was computed: the notebook, and its cell by execution count if that is known."""

    notebook: str
    cell: int | None = None


class Results(Stored):
    """All results of one inspection, as in ``results.json``."""

    schema_version: Literal[3] = SCHEMA_VERSION
    force: str
    force_name: str
    short_name: str
    publication: dict[str, Any]
    audit_period: dict[str, str]
    records: dict[str, Any]
    inputs: dict[str, str]  # file name to SHA-256
    estimates: dict[str, EstimateResult]
    shares: dict[str, Share]
    tallies: dict[str, Tally]
    details: Details
    computed_in: dict[str, Evidence] = Field(default={})  # kind and id of a result to where it was computed

    @model_validator(mode="before")
    @classmethod
    def _as_of_now(cls, content: object) -> object:
        """Files of older versions are understood as if this one had written them."""
        if isinstance(content, Mapping) and content.get("schema_version") in (1, 2):
            details = upgraded(content.get("details", {}))
            return dict(content) | {"details": details, "schema_version": SCHEMA_VERSION}
        return content

    def estimate(self, key: str) -> EstimateResult | None:
        """The estimate with this id, or None if it could not be made."""
        return self.estimates.get(key)

    def share(self, key: str) -> Share | None:
        """The share with this id, or None if it was not inspected."""
        return self.shares.get(key)

    def marked(self, keys: Iterable[str]) -> list[str]:
        """Those results among some ids that were assumed, or that only illustrate; an interval can be it alone."""
        each = dict.fromkeys(key + part for key in keys for part in ("", ".interval"))
        return [key for key in each if self.details.provenance.get(key) in ("assumed", "illustrative")]

    def status(self, path: str) -> Status | None:
        """Where the number at a path such as ``estimates.overall.low`` comes from; None where that is not known."""
        for kind in ("elements", "questions"):
            path = path.replace(f"judgements.{kind}.", "judgements.")
        before, _, field = path.rpartition(".")
        tried = [path, f"{before}.{next((part for part, fields in _PARTS.items() if field in fields), field)}"]
        while path := path.rpartition(".")[0]:
            tried.append(path)
        return next((self.details.provenance[key] for key in tried if key in self.details.provenance), None)

    @property
    def told(self) -> Told:
        """What the programme calls things."""
        return self.details.programme

    def evidence(self, key: str) -> tuple[str, int | None]:
        """The notebook that computed a result such as ``estimates.overall``, and the execution count of the cell.

        Neither is known of a detail of schema version 1, and no cell of what was computed outside a notebook.
        """
        kind, _, name = key.partition(".")
        shelf = self.shelf(kind)
        if name not in shelf:
            raise KeyError(f"there is no result '{key}'")
        if place := self.computed_in.get(key):
            return place.notebook, place.cell
        return getattr(shelf[name], "notebook", ""), None

    def shelf(self, kind: str) -> dict[str, Any]:
        """The results of one kind by id: estimates, shares, tallies or details; empty if there is no such kind."""
        if kind == "details":
            return {name: value for name, value in self.details if value is not None}
        return dict(getattr(self, kind)) if kind in _KINDS else {}


def inputs_of(force: str, params: Path, records: AuditRecords, programme: Programme) -> dict[str, str]:
    """File names and SHA-256 of everything that the results of a force are computed from.

    Selection and worksheets stand there as one: what auditors call their files may hold a name.
    """
    own = {f"params/{force}.yml": params / f"{force}.yml", **programme.files}
    own[f"params/{OFFENCE_CLASSES.name}"] = OFFENCE_CLASSES
    if frame := find_table("frame", params / force):
        own[f"params/{force}/{frame.name}"] = frame
    hashes = {name: file_hash(path) for name, path in own.items()} | dict(sorted(records.files.items()))
    paths = [path for folder in ("sample", "returned") for path in sorted((params / force / folder).glob("*"))]
    papers = [file_hash(path) for path in paths if path.is_file() and path.name[0] not in ".~"]
    if papers:
        hashes[f"params/{force}/sample and returned"] = digest({str(i): paper for i, paper in enumerate(papers)})
    return hashes


def digest(inputs: Mapping[str, str]) -> str:
    """One SHA-256 over all inputs, to tell whether a saved section still belongs to them."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


class Recorder:
    """Collects what one notebook finds and saves it as a section. An id can be used once."""

    def __init__(self, notebook: str, inputs: str):
        self.section = Section(notebook=notebook, inputs=inputs)

    def estimate(self, key: str, estimate: Estimate) -> EstimateResult:
        """Keep an estimate under an id."""
        fields = {_NAMES.get(name, name): value for name, value in estimate.to_dict().items()}  # its margin follows
        fields["unit"] = _NAMES.get(estimate.unit, estimate.unit)
        fields["flags"] = [_NAMES.get(flag, flag) for flag in estimate.flags]
        return self._keep("estimates", key, EstimateResult(notebook=self.section.notebook, **fields))

    def share(self, key: str, x: int, n: int, sample: SampleKind) -> Share:
        """Keep an "x of n" under an id."""
        return self._keep("shares", key, Share(x=int(x), n=int(n), sample=sample, notebook=self.section.notebook))

    def tally(self, key: str, counts: Mapping[str, int]) -> Tally:
        """Keep counts by category under an id."""
        whole = {str(name): int(count) for name, count in counts.items()}
        return self._keep("tallies", key, Tally(counts=whole, notebook=self.section.notebook))

    def detail(self, key: str, value: object) -> Any:
        """Keep a detail under its id, which is a field of :class:`~cdi_lib.inspection.details.Details`; gives it typed."""
        details = Details.model_validate({key: value})  # refuse here what could not be read
        self._keep("details", key, details.model_dump(mode="json")[key])
        return getattr(details, key)

    def _keep(self, kind: str, key: str, value: _T) -> _T:
        shelf = getattr(self.section, kind)
        if key in shelf:
            raise ValueError(f"the result '{key}' is already there; each number is computed in one place")
        shelf[key] = value
        if cell := _running_cell():
            self.section.cells[f"{kind}.{key}"] = cell
        return value

    def save(self, folder: Path) -> Path:
        """Write the section into the folder of sections."""
        return write_json(folder / f"{self.section.notebook}.json", self.section.model_dump(mode="json"))


def _running_cell() -> int | None:
    """Execution count of the notebook cell that runs now; None outside a notebook."""
    ipython = sys.modules.get("IPython")  # a notebook has imported it
    shell = ipython.get_ipython() if ipython else None
    # The inputs so far, with an empty one at 0. IPython's own count may already be that of the next cell.
    return len(shell.user_ns["In"]) - 1 if shell else None


def read_section(folder: Path, notebook: str) -> Section | None:
    """The saved section of a notebook, or None if there is none."""
    path = folder / f"{notebook}.json"
    return Section.model_validate_json(path.read_text(encoding="utf-8")) if path.is_file() else None


def combine(force: str, inspection: Inspection, inputs: Mapping[str, str], sections: list[Section]) -> Results:
    """Put the sections of one inspection together; ValueError for an id in two, or a section of other inputs."""
    shelves: dict[str, Any] = {kind: {} for kind in _KINDS}
    computed_in: dict[str, Evidence] = {}
    for section in sections:
        if section.inputs != digest(inputs):
            raise ValueError(f"the results of {section.notebook} belong to other parameters or records")
        for name, shelf in shelves.items():
            found = getattr(section, name)
            if twice := sorted(set(shelf) & set(found)):
                raise ValueError(f"{section.notebook} computes again: {', '.join(twice)}")
            shelf.update(found)
            for key in found:
                cell = section.cells.get(f"{name}.{key}")
                computed_in[f"{name}.{key}"] = Evidence(notebook=section.notebook, cell=cell)
    return Results(
        force=force,
        force_name=inspection.force.name,
        short_name=inspection.force.short_name,
        publication=inspection.publication.model_dump(mode="json"),
        audit_period=inspection.audit_period.model_dump(mode="json"),
        records=inspection.records.model_dump(mode="json"),
        inputs=dict(inputs),
        computed_in=computed_in,
        **shelves,
    )


def write_json(path: Path, content: object) -> Path:
    """Write JSON whole."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return write_whole(path, text.encode())


def write_results(path: Path, results: Results) -> Path:
    """Write ``results.json``."""
    return write_json(path, results.model_dump(mode="json"))


def read_results(path: Path) -> Results:
    """Read a ``results.json``; InputError where it is not one."""
    try:
        return Results.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        where, got, expected = "", shown(str(error)), "a results.json that can be read"
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where, got = ".".join(map(str, first["loc"])), shown(first["input"])
        expected = "a results.json that this version has written"
    raise InputError.of(str(path), where, got, expected)


_NOT_COMPARED = ("inputs.", "computed_in.", "schema_version", "details.programme.", *(f"details.{n}" for n in FOLLOW))


def differences(before: Results, after: Results) -> list[dict[str, str | float | None]]:
    """The results that are not the same in two runs, unrounded: id, before and after.

    Not compared is what is no result (inputs, cells, version of the schema), and what follows from others.
    """
    first, second = (flat(found.model_dump(mode="json", round_trip=True)) for found in (before, after))
    rows = [(key, first.get(key), second.get(key)) for key in sorted(first.keys() | second.keys())]
    return [
        {"result": key, "before": old, "after": new}
        for key, old, new in rows
        if not key.startswith(_NOT_COMPARED) and not _same(old, new)
    ]


def _same(old: object, new: object) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=1e-12)
    return old == new


def flat(value: object, prefix: str = "") -> dict[str, Any]:
    """All values of JSON or YAML, by their keys with dots between; places in lists count from 1.

    >>> flat({"a": {"b": [7, 8]}})
    {'a.b.1': 7, 'a.b.2': 8}
    """
    if not isinstance(value, dict | list):
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, item in value.items() if isinstance(value, dict) else enumerate(value, 1):
        found |= flat(item, f"{prefix}.{key}" if prefix else str(key))
    return found
