"""How notebook 1 shows the plan of a sample, and the assumptions that go into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cdi_lib.inspection.parameters import Inspection, PreviousInspection, SamplingPlan
from cdi_lib.report import charts, labels, wording
from cdi_lib.report.display import columns, say


def asked_in_words(asked: SamplingPlan) -> str:
    """What the plan asked for, where it asked for a margin in each crime type; else nothing."""
    if asked.allocation != "precision" or asked.incidents:
        return ""
    return (
        f"Asked for in each crime type: a margin of {asked.margin_points:g} (percentage points) at a confidence of "
        f"{asked.confidence_percent:g}%. Expected recording rate: {asked.expected_rate_percent:g}%. "
        f"Audited crimes expected per incident: {asked.crimes_per_incident:g}. Design effect, of crimes of one incident that "
        f"resemble each other: {asked.design_effect:g}."
    )


def show_margins(panels: Sequence[tuple[str, Any, Any, Any]], confidence_percent: float) -> None:
    """The figure of margins by number of audited crimes: name, curve, point planned and point reached of each type."""
    figure = charts.margins(
        "To halve the margin, about four times as many crimes must be audited",
        "Margin in percentage points by crimes audited, with the recording rate expected. "
        f"{confidence_percent:g}% normal interval with finite population correction.",
        panels,
        "Crimes audited. Hollow point: planned. Filled point: audited, with the rate found.",
    )
    points_of = lambda point: f"{wording.count(point[0])} crimes, {wording.points(point[1])} points"
    alt = "Curves of the margin, which falls as more crimes are audited. " + " ".join(
        f"{name}: planned {points_of(plan)}" + (f"; audited {points_of(reached)}." if reached else ".")
        for name, _, plan, reached in panels
    )
    say(f'![Margin by number of audited crimes]({charts.data_uri(figure)}){{fig-alt="{alt}"}}')


def show_detectable(before: float, table: Sequence[Mapping[str, Any]]) -> None:
    """How many crimes show a change from a rate, as :func:`cdi_lib.statistics.planning.detection_table` gives it."""
    columns(
        table,
        {
            "Rate before": lambda _: wording.percent(before),
            "Rate then": lambda row: wording.percent(row["rate_now"]),
            "Change (points)": lambda row: wording.points(row["change"], 1),
            "Crimes to audit": lambda row: "no number is enough" if pd.isna(row["units"]) else int(row["units"]),
        },
    )


def earlier_in_words(earlier: PreviousInspection, audited: int) -> str:
    """What an earlier inspection looked at, beside this one."""
    text = (
        f"**Since {earlier.year}**: then {earlier.recorded_crimes:,} of {earlier.audited_crimes:,} audited crimes were "
        f"recorded; this audit looked at {audited:,}."
    )
    more = " That sample does not represent the force, so this is arithmetic only."
    return text if earlier.representative else text + more


def assumption_rows(inspection: Inspection) -> list[dict[str, Any]]:
    """The result ``assumptions``: those of the parameters, and every figure there that carries a status."""
    kind, route, choice = inspection.records.status, inspection.auditable_route_percent, inspection.estimation
    found = [(item.text, item.status, item.source) for item in inspection.assumptions]
    if inspection.sampling and kind != "audit":
        source = f"made with the {labels.RECORDS[kind]}; nothing of it was published"
        found.append(("Plan, seed and draw of the sample", "assumed", source))
    for crime_type, figure in inspection.recorded_crime.items():
        name = inspection.programme.crime_types[crime_type].label.lower()
        number = wording.count(figure.value)
        found.append((f"Recorded crime in 12 months, {name}: {number}", figure.status, figure.source))
    share = wording.percent(route.value / 100)
    text = f"Share of recorded crime that came by an auditable route: {share}"
    found.append((text, route.status, route.source))
    if choice.source:
        text = (
            f"Headline: {choice.headline}, {choice.interval} interval at {choice.confidence_percent:g}%, "
            f"crimes of one incident {'clustered' if choice.clustered else 'independent'}"
        )
        found.append((text, choice.status or "assumed", choice.source))
    return [{"text": text, "status": status, "source": source} for text, status, source in found]
