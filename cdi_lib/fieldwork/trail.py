"""The trail of a draw: read again, and compared with the parameters."""

from pathlib import Path

from pydantic import AliasPath, BaseModel, Field

from cdi_lib.fieldwork.worksheet import FIRST, RECHECK
from cdi_lib.inspection.folders import own_folder
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.problems import InputError, Problem, shown
from cdi_lib.statistics import sampling

TRAILS = {FIRST: "trail.json", RECHECK: "recheck-trail.json"}
AGAIN = "move the folder sample away to draw again"


class _Stratum(BaseModel):
    stratum: str
    frame: int
    selected: int


class _Record(BaseModel):
    id: str
    stratum: str


class Trail(BaseModel):
    """What is read again of a trail, which :func:`cdi_lib.statistics.sampling.trail` describes."""

    version: int = Field(validation_alias=AliasPath("algorithm", "version"))
    seed: str
    stratum_values: dict[str, list[str]] = Field({}, validation_alias=AliasPath("columns", "stratum_values"))
    exclude: dict[str, list[str]] = Field({}, validation_alias=AliasPath("columns", "exclude"))
    strata: tuple[_Stratum, ...]
    replacements: tuple[sampling.Replacement, ...]
    selection: tuple[_Record, ...] = ()
    # of the file that was drawn from; none where it was a selection, or is not known
    frame_sha256: str | None = Field(None, validation_alias=AliasPath("frame", "sha256"))
    # records that were left out of the frame, by column and value
    excluded: dict[str, dict[str, int]] = Field({}, validation_alias=AliasPath("frame", "excluded"))

    @property
    def selected(self) -> dict[str, int]:
        """Incidents drawn of each stratum, reserves not counted."""
        return {row.stratum: row.selected for row in self.strata if row.selected}


def read_trail(force: str, params: Path, audit: str = FIRST) -> Trail | None:
    """The trail of a draw, of this version of the draw or an earlier one; None without one, InputError if unreadable."""
    path = own_folder(force, params, "sample") / TRAILS[audit]
    try:
        return Trail.model_validate_json(path.read_bytes()) if path.is_file() else None
    except ValueError:
        place, expected = f"params/{force}/sample/{path.name}", f"the file as make sample wrote it; {AGAIN}"
        raise InputError.of(place, "", "a trail that cannot be read", expected) from None


def refuse_other_version(force: str, params: Path, audit: str) -> None:
    """Refuse to draw where a sample lies that was drawn by another rule: it would silently be another sample."""
    trail = read_trail(force, params, audit)
    if trail is None or trail.version == sampling.ALGORITHM_VERSION:
        return
    expected = (
        f"version {sampling.ALGORITHM_VERSION}. The sample stands: it is checked, collected and reported as it is. "
        "To repeat it or to draw reserves for it, use the release that drew it (1.0.0 draws by version 2, and its "
        f"tests/repeat_draw.py repeats that from frame and trail); or {AGAIN} by the present rule"
    )
    got = f"a draw of version {trail.version}"
    raise InputError.of(f"params/{force}/sample/{TRAILS[audit]}", "algorithm", got, expected)


def check_drawn(force: str, inspection: Inspection, params: Path) -> list[Problem]:
    """Errors where the parameters say something else of the draw than its trail; none without a trail.

    The report tells seed and plan from the parameters, so they must be those with which the sample was drawn.
    """
    try:
        asked, trail = inspection.sampling, read_trail(force, params)
    except InputError as error:
        return list(error.problems)
    if asked is None or trail is None:
        return []
    values = {name: list(group) for name, group in asked.frame.strata.items()}
    said: dict[str, tuple[object, object]] = {"seed": (str(asked.seed), trail.seed)}
    if asked.incidents:
        said["incidents"] = (asked.incidents, trail.selected)
    elif asked.total_incidents:
        in_frame = sum(row.frame for row in trail.strata)
        said["total_incidents"] = (min(asked.total_incidents, in_frame), sum(trail.selected.values()))
    said["frame.strata"] = (values, trail.stratum_values)
    said["frame.exclude"] = ({name: list(group) for name, group in asked.frame.exclude.items()}, trail.exclude)
    told = f", with which the sample was drawn (params/{force}/sample/{TRAILS[FIRST]}); or {AGAIN}"
    return [
        Problem(f"params/{force}.yml", f"sampling.{key}", shown(_in_line(now)), f"{_in_line(then)}{told}")
        for key, (now, then) in said.items()
        if now != then
    ]


def _in_line(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{name}: {_in_line(part)}" for name, part in sorted(value.items())) or "nothing"
