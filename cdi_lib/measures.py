"""The estimates of one inspection: which design, estimator and interval its parameters ask for.

:mod:`cdi_lib.estimation` knows statistics and no inspection; this module joins it to parameters and records.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cdi_lib import estimation
from cdi_lib.estimation import Design, Estimate
from cdi_lib.parameters import CRIME_TYPES, Inspection
from cdi_lib.problems import Problem
from cdi_lib.records import AuditRecords

LONELY = "adjust"  # a stratum with one incident: its distance from the overall mean counts, which errs on the safe side


@dataclass(frozen=True)
class Measures:
    """Estimates of one audit, made as its parameters ask.

    Parameters
    ----------
    inspection : Inspection
        Estimator, clustering, interval method and confidence level; recorded crime; auditable route.
    main : pandas.DataFrame
        The crimes of the main sample, as :func:`cdi_lib.records.load_records` gives them.
    """

    inspection: Inspection
    main: pd.DataFrame

    @property
    def options(self) -> dict:
        """Interval method and confidence level, as the estimators take them."""
        choices = self.inspection.estimation
        return {"interval": choices.interval, "confidence": choices.confidence_percent / 100}

    def recorded_in_audit_period(self) -> dict[str, float]:
        """Recorded crime of the audit period that came by an auditable route, by crime type.

        The 12-month figure scaled by the length of the audit period and the auditable share: the frame from
        which the main sample was drawn holds only what came by an auditable route.
        """
        share = self.inspection.audit_period.years * self.inspection.auditable_route_percent.value / 100
        return {name: number * share for name, number in self.inspection.recorded_crime.by_type().items()}

    def population(self, crimes: pd.DataFrame, recorded_crime: float) -> int:
        """Reported crimes in the frame, estimated as recorded crime over the recording rate of ``crimes``."""
        return round(estimation.reported_population(recorded_crime, crimes["recorded"].mean()))

    def crime_type(self, name: str) -> Estimate | None:
        """Recording rate of one crime type; None if the main sample holds no such crime."""
        crimes = self.main[self.main["crime_type"] == name]
        return self._simple(crimes, self.recorded_in_audit_period()[name]) if len(crimes) else None

    def pooled(self) -> Estimate:
        """Recording rate of the main sample as it is, without weights."""
        return self._simple(self.main, sum(self.recorded_in_audit_period().values()))

    def _simple(self, crimes: pd.DataFrame, recorded_crime: float) -> Estimate:
        if self.inspection.estimation.clustered or not crimes["recorded"].any():
            return estimation.recording_rate(self._one_stratum(crimes, recorded_crime), **self.options)
        population = self.population(crimes, recorded_crime)
        return estimation.pooled_rate(int(crimes["recorded"].sum()), len(crimes), population, **self.options)

    def _one_stratum(
        self, crimes: pd.DataFrame, recorded_crime: float, clustered: bool | None = None
    ) -> Design:
        if not crimes["recorded"].any():
            # Without one recorded crime the number of reported crimes is unknown: no finite population.
            return Design(crimes, clusters=self._clusters(clustered), infinite_population=True, lonely=LONELY)
        population = self.population(crimes, recorded_crime)
        return Design(crimes, clusters=self._clusters(clustered), population=population, lonely=LONELY)

    def _clusters(self, clustered: bool | None) -> str | None:
        clustered = self.inspection.estimation.clustered if clustered is None else clustered
        return "incident_id" if clustered else None

    def design(self, clustered: bool | None = None) -> Design:
        """The design of the main sample: strata of the draw, incidents as clusters, reported crime as population.

        Where the strata are the crime types, each has its own population; else one population stands for all.
        """
        recorded = self.recorded_in_audit_period()
        if not self.strata_are_crime_types() or stratified_problems(self.inspection, self.main):
            return self._one_stratum(self.main, sum(recorded.values()), clustered)
        groups = self.main.groupby("crime_type")
        population = {name: self.population(crimes, recorded[name]) for name, crimes in groups}
        clusters = self._clusters(clustered)
        return Design(self.main, strata="stratum", clusters=clusters, population=population, lonely=LONELY)

    def strata_are_crime_types(self) -> bool:
        """Whether every incident was drawn from the stratum of its crimes' type."""
        return "stratum" in self.main.columns and bool(
            (self.main["stratum"] == self.main["crime_type"]).all()
        )

    def stratified(self) -> Estimate | None:
        """Recording rate weighted to recorded crime by type; None where a crime type has no recorded crime."""
        if stratified_problems(self.inspection, self.main):
            return None
        return estimation.stratified_rate(
            self.design(), "crime_type", self._recorded_crime_present(), **self.options
        )

    def _recorded_crime_present(self) -> dict[str, int]:
        return {
            name: number for name, number in self.inspection.recorded_crime.by_type().items() if number > 0
        }

    def headline(self) -> Estimate:
        """The overall recording rate by the estimator that the parameters name."""
        return self.pooled() if self.inspection.estimation.headline == "pooled" else self.stratified()

    def domain(self, members: pd.Series) -> Estimate | None:
        """Recording rate of a domain of the main sample, keeping the whole design; None if it is empty.

        Weighted as the headline is: unweighted where that is pooled.
        """
        if not members.any():
            return None
        design = self.design()
        if self.inspection.estimation.headline == "pooled":
            design = design.unweighted()
        return estimation.recording_rate(design, domain=members.to_numpy(), **self.options)

    def unrecorded(self, rate: Estimate, recorded_crime: int) -> Estimate | None:
        """Reported crimes that go unrecorded in a year; None for a rate of 0, with which it is undefined."""
        return estimation.unrecorded(rate, recorded_crime) if rate.value > 0 else None

    def sensitivity(self) -> list[Estimate]:
        """The overall rate under each estimator and interval, for the annex."""
        if stratified_problems(self.inspection, self.main):
            return []
        return estimation.sensitivity(
            self.design(clustered=True),
            "crime_type",
            self._recorded_crime_present(),
            confidence=self.options["confidence"],
        )


def stratified_problems(inspection: Inspection, main: pd.DataFrame) -> list[str]:
    """Why the stratified rate cannot be estimated from this main sample, in words; empty if it can."""
    problems = []
    for name, recorded_crime in inspection.recorded_crime.by_type().items():
        crimes = main[main["crime_type"] == name]
        if recorded_crime and crimes.empty:
            problems.append(
                f"no audited crime of type {name}, of which the force recorded {recorded_crime:,}"
            )
        elif recorded_crime and not crimes["recorded"].any():
            problems.append(f"no recorded crime among the {len(crimes)} audited of type {name}")
        elif not recorded_crime and len(crimes):
            problems.append(
                f"{len(crimes)} audited crimes of type {name}, of which the force recorded none in a year"
            )
    return problems


def check_measures(force: str, inspection: Inspection, records: AuditRecords) -> list[Problem]:
    """What keeps the estimates of an inspection from being made, before any notebook runs."""
    main, file = records.main, f"params/{force}.yml"
    problems = []
    if inspection.recorded_crime.total == 0:
        problems.append(
            Problem(file, "recorded_crime", "0 in all", "the crimes that the force recorded in 12 months")
        )
        return problems
    if inspection.estimation.headline == "stratified":
        problems += [
            Problem(
                file,
                "estimation.headline",
                f"stratified, but there is {problem}",
                "audited and recorded crimes of every type with recorded crime; "
                "audit more, correct recorded_crime, or set 'headline: pooled'",
            )
            for problem in stratified_problems(inspection, main)
        ]
    measures = Measures(inspection, main)
    recorded = measures.recorded_in_audit_period()
    groups = {name: main[main["crime_type"] == name] for name in CRIME_TYPES}
    for name, crimes in groups.items():
        if crimes["recorded"].any() and measures.population(crimes, recorded[name]) < len(crimes):
            problems.append(
                Problem(
                    file,
                    f"recorded_crime.{name}",
                    f"{inspection.recorded_crime.by_type()[name]:,} in 12 months, so about "
                    f"{measures.population(crimes, recorded[name]):,} reported in the audit period",
                    f"a number that allows the {len(crimes):,} audited crimes of this type",
                )
            )
    return problems
