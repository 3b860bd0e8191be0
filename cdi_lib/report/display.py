"""How the notebooks show what they compute: plain Markdown tables and sentences."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from IPython.display import display
from pydantic import BaseModel

from cdi_lib.inspection.details import Details
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.results import EstimateResult, Share, Tally
from cdi_lib.report import labels, wording


def say(text: str) -> None:
    """Show Markdown; an empty text shows nothing."""
    if text.strip():
        # Only Markdown, no plain-text twin: it is what both rendering engines read.
        display({"text/markdown": text}, raw=True)


def about_records(inspection: Inspection) -> str:
    """Which force and period this is, and what kind of records; reconstructed records are called so."""
    period = wording.period(inspection.audit_period.start, inspection.audit_period.end)
    text = f"**{wording.plain(inspection.force.name)}**, audit period {period}."
    if inspection.records.status != "audit":
        note = wording.plain(inspection.records.note or "")
        text += f"\n\n**Records: {inspection.records.status}.** {note}"
    return text


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    lines = [header, ["---"] * len(header), *body]
    say("\n".join("| " + " | ".join(line) + " |" for line in lines))


def rows(data: Sequence[Mapping[str, Any] | BaseModel], otherwise: str = "Nothing to show.") -> None:
    """Show a list of records as a table, numbers to four digits after the point."""
    records = [dict(row) for row in data]
    if records:
        _table(list(records[0]), [[_shown(value) for value in record.values()] for record in records])
    else:
        say(otherwise)


def columns(
    data: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str | Callable[[Mapping[str, Any]], Any]],
    otherwise: str = "Nothing to show.",
) -> None:
    """:func:`rows` with some columns under titles of their own: each a key, or made of the record."""
    value = lambda record, of: record[of] if isinstance(of, str) else of(record)
    rows([{title: value(record, of) for title, of in titles.items()} for record in data], otherwise)


def _shown(value: Any) -> str:
    if value is None:
        return "not applicable"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4f}"
    return f"{value:,}" if isinstance(value, int) else wording.plain(str(value))


def estimates(found: Mapping[str, EstimateResult], details: Details) -> None:
    """Show estimates with interval, n, N and method."""
    body = []
    for key, item in found.items():
        places = 1 if item.unit == "crimes" else 4
        ends = ["open" if end is None else wording.rounded(end, places) for end in (item.low, item.high)]
        population = "not applicable" if item.population is None else wording.count(item.population)
        how = f"{wording.plain(item.estimator)}, {item.interval}"
        what = wording.plain(wording.capital(labels.of_estimate(key, details)))
        value = wording.rounded(item.value, places)
        body.append([f"`{key}`", what, value, *ends, wording.count(item.n), population, how])
    _table(["id", "what", "estimate", "interval from", "to", "n", "N", "method"], body)


def shares(found: Mapping[str, Share], details: Details) -> None:
    """Show "x of y" results."""
    _table(
        ["id", "what", "x", "of n", "from"],
        [
            [f"`{k}`", wording.plain(labels.of_share(k, details)), wording.count(s.x), wording.count(s.n), s.sample]
            for k, s in found.items()
        ],
    )


def tally(key: str, found: Tally, details: Details) -> None:
    """Show counts by category."""
    if found.counts:
        _table(
            [wording.plain(labels.of_tally(key, details)), "n"],
            [[wording.plain(name), wording.count(n)] for name, n in found.counts.items()],
        )
