"""The plan of a sample beside what was audited, by crime type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cdi_lib.inspection.measures import Measures, PlannedSample, expected_margin, expected_sample
from cdi_lib.inspection.parameters import Inspection, SamplingPlan
from cdi_lib.statistics.planning import Allocation

Point = tuple[int, float | None]  # crimes audited, and the margin that they give (a proportion)


@dataclass(frozen=True)
class PlanByType:
    """A plan by crime type; ``audited`` are the crimes of each type that has any, ``reported`` what they stand for."""

    asked: SamplingPlan
    planned: PlannedSample
    reported: dict[str, float]
    audited: dict[str, pd.DataFrame] = field(repr=False)
    _measures: Measures = field(repr=False)

    def margin(self, name: str, crimes: int) -> float | None:
        """The margin expected of so many crimes of a type."""
        return expected_margin(self.asked, crimes, self.planned.rates[name], self.reported[name])

    def rates(self) -> dict[str, float]:
        """Recording rates found; the expected one where all or none of the crimes was recorded."""
        found = {name: crimes["recorded"].mean() for name, crimes in self.audited.items()}
        return self.planned.rates | {name: rate for name, rate in found.items() if 0 < rate < 1}

    def rows(self) -> list[dict[str, Any]]:
        """The result ``plan``: planned and audited crimes of each type."""
        return [
            {
                "code": name,
                "planned_crimes": self.planned.crimes[name],
                "planned_incidents": self.planned.allocation.counts[name],
                "audited_crimes": len(crimes),
                "margin": self.margin(name, len(crimes)),
            }
            for name, crimes in self.audited.items()
        ]

    def shared(self, ways: Mapping[str, Allocation]) -> list[dict[str, Any]]:
        """What ways to share a total would have given with the rates found: counts, widest and overall margin."""
        rows = []
        for way, made in ways.items():
            found = expected_sample(self.asked, made, self.rates())
            margins = [found.margins[name] for name, size in made.frame.items() if size]
            known = [margin for margin in margins if margin is not None]
            widest = max(known) if len(known) == len(margins) else None
            rows.append({"way": way, **made.counts, "widest": widest, "overall": found.overall_margin})
        return rows

    def curves(self) -> Iterator[tuple[str, list[Point], Point, Point | None]]:
        """For each type: name, margins by number of crimes, the point planned, and that reached with the rate found."""
        recorded = self._measures.recorded_in_audit_period()
        for name, crimes in self.audited.items():
            rate, planned = crimes["recorded"].mean(), (self.planned.crimes[name], self.planned.margins[name])
            largest = min(round(1.3 * max(len(crimes), planned[0])), int(self.reported[name]))
            sizes = sorted({n for step in range(1, 61) if (n := round(step / 60 * largest)) > 1})
            if not sizes or not planned[1]:
                continue
            reached = None
            population = self._measures.population(crimes, recorded[name])
            if 0 < rate < 1 and population:
                reached = (len(crimes), expected_margin(self.asked, len(crimes), rate, population))
            yield name, [(n, self.margin(name, n)) for n in sizes], planned, reached


def plan_by_type(asked: SamplingPlan | None, measures: Measures, main: pd.DataFrame) -> PlanByType | None:
    """The plan, where there is one and it is by crime type."""
    if asked is None or not measures.is_planned_by_crime_type():
        return None
    planned = measures.planned_by_crime_type()
    reported = {name: size * asked.crimes_per_incident for name, size in planned.allocation.frame.items()}
    types = measures.inspection.programme.crime_types
    audited = {name: crimes for name in types if len(crimes := main[main["crime_type"] == name])}
    return PlanByType(asked, planned, reported, audited, measures)


def audited_rows(inspection: Inspection, measures: Measures, main: pd.DataFrame) -> list[dict[str, Any]]:
    """The result ``sample``: what was audited of each crime type and in all, and the reports that it stands for."""
    in_period, in_year = measures.recorded_in_audit_period(), inspection.crime_by_type()
    parts = {
        name: (main[main["crime_type"] == name], measures.crime_type(name), in_period[name], in_year[name])
        for name in inspection.programme.crime_types
    }
    parts["overall"] = (main, measures.headline(), sum(in_period.values()), inspection.all_crime)
    return [
        {
            "code": code,
            "incidents": int(crimes["incident_id"].nunique()),
            "crimes": len(crimes),
            "recorded_crime": of_year,
            "population": (population := measures.reported(estimate, of_period)),
            "fraction": len(crimes) / population if population else None,
        }
        for code, (crimes, estimate, of_period, of_year) in parts.items()
    ]
