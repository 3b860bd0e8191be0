"""How notebook 1 shows the plan of a sample, and the assumptions that go into it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cdi_lib.inspection.parameters import Inspection, PreviousInspection, SamplingPlan
from cdi_lib.report import charts, wording
from cdi_lib.report.display import columns, say
from cdi_lib.report.labels import lower_first, said, word


def asked_in_words(asked: SamplingPlan) -> str:
    """What the plan asked for, where it asked for a margin in each crime type; else nothing."""
    if asked.allocation != "precision" or asked.incidents:
        return ""
    return said(
        "margins.asked",
        margin=f"{asked.margin_points:g}",
        level=f"{asked.confidence_percent:g}%",
        rate=f"{asked.expected_rate_percent:g}",
        per_incident=f"{asked.crimes_per_incident:g}",
        design_effect=f"{asked.design_effect:g}",
    )


def show_margins(panels: Sequence[tuple[str, Any, Any, Any]], confidence_percent: float) -> None:
    """The figure of margins by number of audited crimes: name, curve, point planned and point reached of each type."""
    subtitle = said("margins.subtitle", level=f"{confidence_percent:g}%")
    figure = charts.margins(said("margins.title"), subtitle, panels, said("margins.axis"))
    alt = [said("margins.alt")]
    for name, _, plan, reached in panels:
        points = {"n": wording.count(plan[0]), "points": wording.points(plan[1])}
        if reached:
            points |= {"n_then": wording.count(reached[0]), "points_then": wording.points(reached[1])}
        alt.append(said("margins.both" if reached else "margins.planned", name=name, **points))
    say(f'![{said("margins.caption")}]({charts.data_uri(figure)}){{fig-alt="{" ".join(alt)}"}}')


def show_chances(crimes: int, rate: float, table: Sequence[Mapping[str, Any]], worst_first: Sequence[str]) -> None:
    """The figure of the chances of each grade by the true rate; the row of ``rate`` gives its title."""
    expected = min(table, key=lambda row: abs(row["rate"] - rate))
    likely = max(worst_first, key=expected.__getitem__)
    words = {"n": wording.count(crimes), "grade": likely, "chance": wording.chance(expected[likely])}
    title, alt = (said(f"chances.{key}", rate=wording.percent(expected["rate"]), **words) for key in ("title", "alt"))
    shares = {grade: [row[grade] for row in table] for grade in worst_first}
    rates = [row["rate"] for row in table]
    drawn = charts.chances(title, said("chances.subtitle", **words), rates, shares, said("chances.axis"))
    say(f'![{said("chances.caption")}]({charts.data_uri(drawn)}){{fig-alt="{alt}"}}')


def show_detectable(before: float, table: Sequence[Mapping[str, Any]]) -> None:
    """How many crimes show a change from a rate, as :func:`cdi_lib.statistics.planning.detection_table` gives it."""
    columns(
        table,
        {
            said("margins.before"): lambda _: wording.percent(before),
            said("margins.then"): lambda row: wording.percent(row["rate_now"]),
            said("margins.change"): lambda row: wording.points(row["change"], 1),
            said("margins.needed"): lambda row: said("margins.never") if pd.isna(row["units"]) else int(row["units"]),
        },
    )


def earlier_in_words(earlier: PreviousInspection, audited: int) -> str:
    """What an earlier inspection looked at, beside this one."""
    then = {"recorded": wording.count(earlier.recorded_crimes), "audited": wording.count(earlier.audited_crimes)}
    text = said("previous.since", year=earlier.year, **then, now=wording.count(audited))
    return text if earlier.representative else f"{text} {said('previous.arithmetic')}"


def assumption_rows(inspection: Inspection) -> list[dict[str, Any]]:
    """The result ``assumptions``: those of the parameters, and every figure there that carries a status."""
    kind, route, choice = inspection.records.status, inspection.auditable_route_percent, inspection.estimation
    found = [(item.text, item.status, item.source) for item in inspection.assumptions]
    if inspection.sampling and kind != "audit":
        source = said("assumptions.plan_source", records=word("records", kind))
        found.append((said("assumptions.plan"), "assumed", source))
    for crime_type, figure in inspection.recorded_crime.items():
        name = lower_first(inspection.programme.crime_types[crime_type].label)
        number = wording.count(figure.value)
        found.append((said("assumptions.recorded", type=name, number=number), figure.status, figure.source))
    for id_, figure in (inspection.recorded_crime_by_route or {}).items():
        text = said("assumptions.by_route", route=inspection.programme.routes[id_], number=wording.count(figure.value))
        found.append((text, figure.status, figure.source))
    text = said("assumptions.route", share=wording.percent(route.value / 100))
    found.append((text, route.status, route.source))
    if choice.source:
        clusters = said(f"assumptions.{'clustered' if choice.clustered else 'independent'}")
        level = f"{choice.confidence_percent:g}%"
        names = {"headline": choice.headline, "interval": choice.interval, "level": level, "clusters": clusters}
        text = said("assumptions.headline", **names)
        found.append((text, choice.status or "assumed", choice.source))
    return [{"text": text, "status": status, "source": source} for text, status, source in found]
