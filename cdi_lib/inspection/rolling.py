"""A registrar's rolling programme: small audits by month or quarter, division and category, in one table.

``params/<force>/rolling.yml`` says what holds for all of them, the table ``rolling`` beside it holds their counts.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field, StrictInt, ValidationError, model_validator

from cdi_lib.inspection.files import as_table, find_table, read
from cdi_lib.inspection.folders import own_folder
from cdi_lib.inspection.problems import InputError, Problem, shown
from cdi_lib.inspection.rules import Mistake, by_row, check_table
from cdi_lib.inspection.tables import COUNT, PRINTABLE, Column, matching
from cdi_lib.inspection.values import Confidence, Day, Model, Name, Percentage, Text, explain
from cdi_lib.inspection.yaml_files import read_yaml
from cdi_lib.statistics.control import FALSE_ALARMS, control_chart
from cdi_lib.statistics.estimation import pooled_rate

TABLE = "rolling"
_NUMBER = matching("0|[1-9][0-9]{0,8}", "a whole number, such as 0 or 46", lambda texts: texts.astype(int))
COLUMNS = {
    "period": Column(
        "month or quarter of the reports that were audited, such as 2025-04 or 2025-Q2",
        matching(r"[0-9]{4}-(0[1-9]|1[0-2]|Q[1-4])", "a month such as 2025-04, or a quarter such as 2025-Q2, as text"),
    ),
    "division": Column("division, such as North", PRINTABLE, alike=True),
    "category": Column("what was audited, such as Violence", PRINTABLE, alike=True),
    "audited_crimes": Column("crimes that should have been recorded", COUNT),
    "recorded_crimes": Column("crimes of these that were recorded", _NUMBER),
}


class Parameters(Model):
    """What ``rolling.yml`` says."""

    force: Name = Field(description="name of the force")
    title: Text = Field(description="title of the page")
    kind: Literal["self-audit"] = Field(description="self-audit: the force audits itself")
    records: Text = Field(description="what the counts are, for readers: audits by the registrar's team")
    as_of: Day = Field(description="the day of this page; audits that follow it are refused")
    every_months: Annotated[StrictInt, Field(ge=1, le=60)] = Field(12, description="how often a category is audited")
    confidence_percent: Confidence = Field(95, description="level of the intervals")
    bands: dict[Name, Percentage] = Field(description="least percentage of each band but the worst, best first")
    worst: Name = Field(description="the band below them")

    @model_validator(mode="after")
    def _falling(self) -> "Parameters":
        cuts = list(self.bands.values())
        if not cuts or cuts != sorted(set(cuts), reverse=True) or self.worst in self.bands:
            raise ValueError("bands that fall, best first, and another name for the worst")
        return self


class Audit(Model):
    """All audits of one month or quarter, with the limits of chance; rates are proportions."""

    period: str
    audited: int
    recorded: int
    rate: float
    low: float
    high: float
    signal: str


class Part(Model):
    """The audits of a category or division in the last ``every_months``; no rate where there was none."""

    name: str
    audited: int
    recorded: int
    rate: float | None
    low: float | None
    high: float | None
    band: str | None
    last: str
    due: str  # the first month in which the next is due
    is_due: bool


class Rolling(Model):
    """What is known of a rolling programme: the results of its page."""

    parameters: Parameters
    centre: float
    false_alarms: float  # share of audits outside the limits where nothing has changed
    audits: tuple[Audit, ...]
    categories: tuple[Part, ...]
    divisions: tuple[Part, ...]


def read_rolling(force: str, params: Path) -> Rolling:
    """Read, check and work out the rolling programme of a force; InputError with all problems."""
    folder = own_folder(force, params)
    parameters, table = _parameters(folder), _table(folder)
    late = sorted(period for period in set(table["period"]) if month_of(period) > month_of(str(parameters.as_of)[:7]))
    if late:
        got = f"audits of {', '.join(late[:5])}"
        expected = f"audits up to as_of, {parameters.as_of.isoformat()}, of rolling.yml; or a later day there"
        raise InputError.of(f"params/{force}/{TABLE}", "column period", got, expected)
    by_period = table.groupby("period")[["audited_crimes", "recorded_crimes"]].sum()
    by_period = by_period.loc[sorted(by_period.index, key=month_of)]
    audited, recorded = (by_period[name].tolist() for name in ("audited_crimes", "recorded_crimes"))
    centre, points = control_chart(recorded, audited)
    audits = zip(by_period.index, audited, recorded, points, strict=True)
    return Rolling(
        parameters=parameters,
        centre=centre,
        false_alarms=FALSE_ALARMS,
        audits=tuple(
            Audit(period=str(name), audited=n, recorded=x, rate=p.rate, low=p.low, high=p.high, signal=p.signal)
            for name, n, x, p in audits
        ),
        categories=tuple(_parts(table, "category", parameters)),
        divisions=tuple(_parts(table, "division", parameters)),
    )


def _parameters(folder: Path) -> Parameters:
    file = f"params/{folder.name}/{TABLE}.yml"
    if not (path := folder / f"{TABLE}.yml").is_file():
        expected = f"the parameters of the rolling programme; and the table {TABLE} beside it"
        raise InputError.of(file, "", "no such file", expected)
    document = read_yaml(path, file)
    try:
        return Parameters.model_validate(document.content)
    except ValidationError as error:
        raise InputError(explain(error, Parameters, file)) from None


def _table(folder: Path) -> pd.DataFrame:
    path = find_table(TABLE, folder)
    file = f"params/{folder.name}/{path.name if path else f'{TABLE}.csv'}"
    if path is None:
        raise InputError.of(file, "", "no such file", f"a table with the columns {', '.join(COLUMNS)}")
    rows = read(path, file, list(COLUMNS), name=TABLE)
    text = as_table(rows)
    mistakes = by_row(check_table(text, TABLE, COLUMNS), text) or list(_between_cells(text))
    if mistakes or text.empty:
        empty = [] if mistakes else [Problem(file, "", "no row", "an audit in each row")]
        raise InputError([mistake.problem(file) for mistake in mistakes] + empty)
    return text.assign(**{name: text[name].astype(int) for name in ("audited_crimes", "recorded_crimes")})


def _between_cells(text: pd.DataFrame) -> Iterator[Mistake]:
    """More recorded than audited, one audit in two rows, sums among the audits, and months among quarters."""
    audited, recorded = text["audited_crimes"].astype(int), text["recorded_crimes"].astype(int)
    for row in text.index[recorded > audited]:
        got, expected = shown(text.at[row, "recorded_crimes"]), f"at most the {audited[row]:,} audited"
        yield Mistake(TABLE, row, "recorded_crimes", got, expected)
    keys = ["period", "division", "category"]
    for row in text.index[text.duplicated(keys)]:
        got = " / ".join(text.loc[row, keys])
        yield Mistake(TABLE, row, "period", f"{got} a second time", "one row for each period, division and category")
    counts = pd.DataFrame({"audited": audited, "recorded": recorded})
    for column in ("division", "category"):
        of = [text[key] for key in keys if key != column]
        all_rows, beside = counts.groupby(of).transform("sum"), counts.groupby(of)["audited"].transform("size")
        for _, own in counts.groupby(text[column]):
            # of two, the one may be as large as the other by chance
            if beside[own.index].max() > 2 and len(own) > 1 and (2 * own == all_rows.loc[own.index]).all(axis=None):
                got, row = f"{shown(text.at[own.index[0], column])}, the sum of the others", own.index[0]
                yield Mistake(TABLE, row, column, got, "no sums, which would count twice; delete its rows")
    is_quarter = text["period"].str.contains("Q")
    if is_quarter.any() and not is_quarter.all():
        row = is_quarter.index[is_quarter != is_quarter.iloc[0]][0]
        yield Mistake(TABLE, row, "period", shown(text.at[row, "period"]), "months alone, or quarters alone")


def _parts(table: pd.DataFrame, column: str, parameters: Parameters) -> Iterator[Part]:
    now, every = month_of(parameters.as_of.isoformat()[:7]), parameters.every_months
    for name, audits in table.groupby(column, sort=True):
        last = max(audits["period"], key=month_of)
        recent = audits[audits["period"].map(month_of) > now - every]
        x, n = int(recent["recorded_crimes"].sum()), int(recent["audited_crimes"].sum())
        found: dict[str, Any] = {"rate": None, "low": None, "high": None, "band": None}
        if n:
            level = parameters.confidence_percent / 100
            rate = pooled_rate(x, n, infinite_population=True, interval="wilson", confidence=level)
            reached = (band for band, least in parameters.bands.items() if 100 * rate.value >= least - 1e-9)
            found = {"rate": rate.value, "low": rate.low, "high": rate.high, "band": next(reached, parameters.worst)}
        due = month_of(last) + every
        named = f"{(due - 1) // 12}-{(due - 1) % 12 + 1:02}"
        yield Part(name=str(name), audited=n, recorded=x, last=last, due=named, is_due=due <= now, **found)


def month_of(period: str) -> int:
    """The last month of a period, counted from the year nought.

    >>> month_of("2025-04") - month_of("2025-Q1"), month_of("2025-Q2") - month_of("2025-06")
    (1, 0)
    """
    year, part = period.split("-")
    return int(year) * 12 + (3 * int(part[1]) if part.startswith("Q") else int(part))
