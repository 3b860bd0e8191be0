"""The planned sample and the estimates of one inspection: what its parameters ask for, in crimes and incidents."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cdi_lib.inspection import details
from cdi_lib.inspection.counting import matching
from cdi_lib.inspection.parameters import Inspection, SamplingPlan
from cdi_lib.inspection.problems import Problem
from cdi_lib.inspection.programme import WHOLE, Rate
from cdi_lib.inspection.records import AuditRecords
from cdi_lib.statistics import assurance, estimation, totals
from cdi_lib.statistics.design import Design
from cdi_lib.statistics.estimation import Estimate
from cdi_lib.statistics.intervals import COMBINED
from cdi_lib.statistics.planning import Allocation, allocate, allocate_for_margin, margin_for, per_stratum

DIFFERENT = 3.0  # times as many crimes by one source as by another: no chance in drawing the sample explains it
LONELY = "adjust"  # a stratum with one incident: its distance from the overall mean counts, which errs on the safe side


def _recorded_in_audit_period(inspection: Inspection, years: float | None = None) -> dict[str, float]:
    """The 12-month figures scaled by the length of the audit period and the auditable share, as the frame is."""
    share = (years or inspection.audit_period.years) * inspection.auditable_route_percent.value / 100
    return {name: number * share for name, number in inspection.crime_by_type().items()}


def _single_interval(inspection: Inspection) -> str | None:
    """The interval method of a single rate: None, its default, where that of the headline combines those of crime types."""
    method = inspection.estimation.interval
    return None if method in COMBINED else method


@dataclass(frozen=True)
class PlannedSample:
    """How many incidents the parameters ask to draw per stratum, and what that is expected to give."""

    allocation: Allocation
    crimes: dict[str, int]  # audited crimes
    rates: dict[str, float]  # recording rates, proportions
    margins: dict[str, float | None]  # half-widths of the intervals; None where no crime is expected
    overall_margin: float | None  # of the stratified rate; None if a stratum with incidents gives no crime


def planned_sample(inspection: Inspection, frame_sizes: Mapping[str, int] | None = None) -> PlannedSample:
    """The sample that ``sampling`` of the parameters asks for, by stratum; ValueError where it cannot be drawn.

    ``frame_sizes`` are the incidents in the frame per stratum. None: the strata are the crime types, and their incidents
    are estimated from the crime recorded in the audit period by an auditable route, over the rates that are expected.
    """
    asked = inspection.sampling
    if asked is None:
        raise ValueError("the parameters have no 'sampling': give a seed, an expected rate and a margin")
    expected = {h: percent / 100 for h, percent in asked.expected_rates_percent.items()}
    by_type = frame_sizes is None
    strata = inspection.programme.crime_types if frame_sizes is None else frame_sizes
    rates = {h: expected.get(h, asked.expected_rate_percent / 100) for h in strata}
    if frame_sizes is None:
        recorded = _recorded_in_audit_period(inspection)
        frame_sizes = {h: round(n / rates[h] / asked.crimes_per_incident) for h, n in recorded.items()}
    elif unknown := sorted(set(expected) - set(frame_sizes)):
        named, there = ", ".join(unknown), ", ".join(frame_sizes)
        raise ValueError(f"sampling.expected_rates_percent names {named}; the strata are {there}")
    if asked.incidents and (not by_type or set(asked.incidents) == set(frame_sizes)):
        counts = per_stratum("sampling.incidents", asked.incidents, frame_sizes)
        ideal = {h: float(n) for h, n in counts.items()}
        allocation = Allocation(counts, dict(frame_sizes), ideal, "given")
    elif asked.allocation == "precision":  # what is asked for is a margin in every stratum
        allocation = allocate_for_margin(
            frame_sizes, rates, asked.margin_points / 100, asked.minimum_incidents,
            confidence=asked.confidence_percent / 100, design_effect=asked.design_effect,
            units_per_cluster=asked.crimes_per_incident, response_rate=asked.response_rate_percent / 100,
        )  # fmt: skip
    else:
        crimes = round(sum(frame_sizes.values()) * asked.crimes_per_incident)
        total, method = asked.total_incidents or incidents_to_show(inspection, asked, crimes), asked.allocation
        allocation = allocate(total, frame_sizes, method, rates, minimum=asked.minimum_incidents)
    return expected_sample(asked, allocation, rates)


def incidents_to_show(inspection: Inspection, asked: SamplingPlan, reported_crime: int) -> int:
    """Incidents that show what ``sampling.show`` asks for, of so many reported crimes; ValueError if none can.

    Crimes of all types count as one simple sample with the expected rate; the design effect enlarges it.
    """
    rate, show = asked.expected_rate_percent / 100, asked.show
    assert show is not None
    chance, confidence = show.chance_percent / 100, asked.confidence_percent / 100
    if show.least_percent is not None:
        crimes = assurance.size_to_show(show.least_percent / 100, 1 - rate, confidence, reported_crime)
    elif show.margin_points is not None:
        margin, method = show.margin_points / 100, _single_interval(inspection)
        crimes = assurance.size_for_margin(rate, margin, chance, method, confidence, reported_crime)
    else:
        cuts = next((e.cuts for e in inspection.programme.elements.values() if e.estimate in WHOLE), {})
        if show.grade not in cuts:
            there = ", ".join(cuts) or "none: no element is judged by all crime"
            raise ValueError(f"show.grade is to be one of {there}")
        crimes = assurance.size_for_class(rate, cuts[show.grade] / 100, chance, reported_crime)
    per_incident = asked.crimes_per_incident * asked.response_rate_percent / 100
    return math.ceil(crimes * asked.design_effect / per_incident - 1e-9)


def expected_sample(asked: SamplingPlan, allocation: Allocation, rates: Mapping[str, float]) -> PlannedSample:
    """What an allocation is expected to give with these recording rates (proportions) in its strata."""
    yielded = asked.crimes_per_incident * asked.response_rate_percent / 100
    crimes = {h: math.floor(n * yielded) for h, n in allocation.counts.items()}
    reported = {h: size * asked.crimes_per_incident for h, size in allocation.frame.items()}
    margins = {h: expected_margin(asked, n, rates[h], reported[h]) for h, n in crimes.items()}
    overall = None
    if all(margins[h] is not None for h, n in reported.items() if n):
        # strata are drawn independently, so the squares of their weighted margins add up
        weighted = (margin * reported[h] for h, margin in margins.items() if margin is not None)
        overall = math.hypot(*weighted) / sum(reported.values())
    return PlannedSample(allocation, crimes, dict(rates), margins, overall)


def expected_margin(asked: SamplingPlan, crimes: int, rate: float, population: float) -> float | None:
    """Margin of the normal interval that so many crimes give (a proportion); None without crimes."""
    if crimes < 1:
        return None
    if population <= crimes:
        return 0.0  # all of them: nothing is left to chance
    return margin_for(crimes, rate, asked.confidence_percent / 100, population, float(asked.design_effect))


@dataclass(frozen=True)
class Measures:
    """Estimates of one audit, made as its parameters ask."""

    inspection: Inspection
    main: pd.DataFrame  # the crimes of the main sample
    strata: pd.DataFrame | None = None  # the table of that name
    years: float | None = None  # that the sample stands for; None: those of the audit period
    outcome: str = "recorded"  # the column of `main` that says what counts

    def of_a_year(self) -> "Measures":
        """The same sample for twelve months: what was not audited of these is left to chance, the other months too."""
        return replace(self, years=max(1.0, self.inspection.audit_period.years))

    @property
    def options(self) -> dict[str, Any]:
        """Interval method and confidence level, as the estimators of a single rate take them."""
        confidence = self.inspection.estimation.confidence_percent / 100
        return {"interval": _single_interval(self.inspection), "confidence": confidence}

    def recorded_in_audit_period(self) -> dict[str, float]:
        """Recorded crime of the audit period that came by an auditable route, by crime type."""
        return _recorded_in_audit_period(self.inspection, self.years)

    def reported(self, rate: Estimate | None, recorded_crime: float) -> int | None:
        """Reported crimes in the frame: recorded crime over an estimated rate; None for a rate of 0, or none."""
        return round(recorded_crime / rate.value) if rate and rate.value else None

    def population(self, crimes: pd.DataFrame, recorded_crime: float) -> int | None:
        """Reported crimes in the frame: recorded crime over the recording rate of ``crimes``; None for a rate of 0."""
        return round(recorded_crime / crimes["recorded"].mean()) if crimes["recorded"].any() else None

    def crime_type(self, name: str) -> Estimate | None:
        """Recording rate of one crime type; None if the main sample holds no such crime."""
        crimes = self.main[self.main["crime_type"] == name]
        if self.is_weighted() and self.inspection.estimation.headline == "stratified":
            return self.domain(self.main["crime_type"] == name)
        return self._simple(crimes, self.recorded_in_audit_period()[name]) if len(crimes) else None

    def pooled(self) -> Estimate:
        """Recording rate of the main sample, unweighted; its variance is that of the draw where it is clustered."""
        if self.inspection.estimation.clustered and self.main["recorded"].any():
            return estimation.weighted_rate(self.design().unweighted(), **self.options)
        return self._simple(self.main, sum(self.recorded_in_audit_period().values()))

    def _simple(self, crimes: pd.DataFrame, recorded_crime: float) -> Estimate:
        population = self.population(crimes, recorded_crime)
        if self.inspection.estimation.clustered or population is None:
            return estimation.weighted_rate(self._design(crimes, population), **self.options)
        return estimation.pooled_rate(int(crimes["recorded"].sum()), len(crimes), population, **self.options)

    def design(self, clustered: bool | None = None) -> Design:
        """The design of the main sample: strata of the draw, incidents as clusters, reported crime as population.

        Crime types as strata have populations of their own. Other strata have the weights that their numbers of
        incidents give them, or, if those are not known, one population stands for all.
        """
        if self.is_weighted():
            return self._weighted(clustered)
        recorded = self.recorded_in_audit_period()
        if not self.strata_are_crime_types() or stratified_problems(self.inspection, self.main):
            population = self.population(self.main, sum(recorded.values()))
            return self._design(self.main, population, clustered=clustered)
        groups = self.main.groupby("crime_type")
        populations = {str(name): self.population(crimes, recorded[str(name)]) for name, crimes in groups}
        return self._design(self.main, populations, "stratum", clustered)

    def _design(
        self, crimes: pd.DataFrame, population: Any, strata: str | None = None, clustered: bool | None = None
    ) -> Design:
        """A design of reported crimes; the population is endless where it is not known."""
        is_clustered = self.inspection.estimation.clustered if clustered is None else clustered
        return Design(
            crimes, self.outcome, strata, "incident_id" if is_clustered else None, population=population,
            population_unit="units", infinite_population=population is None, lonely=LONELY,
        )  # fmt: skip

    def _weighted(self, clustered: bool | None) -> Design:
        """Incidents drawn in strata of known sizes; those without a crime count as drawn, as one row each."""
        assert self.strata is not None
        incident, found = pd.factorize(self.main["incident_id"])
        crimes = self.main.assign(incident=incident, **{self.outcome: self.main[self.outcome].astype(float)})
        with_crime = crimes.groupby("stratum")["incident"].nunique()
        sizes = self.strata.set_index("stratum")
        longer = self.years / self.inspection.audit_period.years if self.years else 1
        without = sizes["audited_incidents"] - with_crime.reindex(sizes.index, fill_value=0)
        others = pd.DataFrame({"stratum": sizes.index.repeat(without)})
        others["incident"] = others.index + len(found)
        others.index += crimes.index.max() + 1  # so that a row of `main` keeps its label
        design = Design(
            pd.concat([crimes, others]), self.outcome, "stratum", "incident",
            population=(sizes["frame_incidents"] * longer).to_dict(), population_unit="clusters", lonely=LONELY,
        )  # fmt: skip
        is_clustered = self.inspection.estimation.clustered if clustered is None else clustered
        return design if is_clustered else design.independent()

    def is_weighted(self) -> bool:
        """Whether crimes count by weights: other strata than the crime types, of known numbers of incidents."""
        is_known = self.strata is not None and not self.strata.empty and "stratum" in self.main.columns
        return is_known and not self.strata_are_crime_types()

    def strata_are_crime_types(self) -> bool:
        """Whether every incident was drawn from the stratum of its crimes' type."""
        return "stratum" in self.main.columns and bool((self.main["stratum"] == self.main["crime_type"]).all())

    def is_planned_by_crime_type(self) -> bool:
        """Whether the draw had no other strata than crime types, so that a plan by crime type speaks of it."""
        crime_types = set(self.inspection.programme.crime_types)
        return "stratum" not in self.main.columns or set(self.main["stratum"]) <= crime_types

    def planned_by_crime_type(self) -> PlannedSample:
        """The plan of a draw by crime type: from the incidents of the frame if these are known, else from an estimate."""
        strata = self.strata
        if strata is None or set(strata["stratum"]) != set(self.inspection.programme.crime_types):
            return planned_sample(self.inspection)
        sizes = dict(zip(strata["stratum"], strata["frame_incidents"], strict=True))
        return planned_sample(self.inspection, sizes)

    def stratified(self) -> Estimate | None:
        """Recording rate weighted to recorded crime by type; None where a crime type has no recorded crime."""
        if stratified_problems(self.inspection, self.main):
            return None
        options = self.options | {"interval": self.inspection.estimation.interval}
        return estimation.stratified_rate(self.design(), "crime_type", self._recorded_crime_present(), **options)

    def _recorded_crime_present(self) -> dict[str, int]:
        return {name: number for name, number in self.inspection.crime_by_type().items() if number}

    def rates(self) -> dict[str, Estimate | None]:
        """The rates of all crime, by the headline's and by both estimators, and of each crime type."""
        whole = {"overall": self.headline(), "overall_pooled": self.pooled(), "overall_stratified": self.stratified()}
        return whole | {name: self.crime_type(name) for name in self.inspection.programme.crime_types}

    def headline(self) -> Estimate | None:
        """The overall recording rate by the estimator that the parameters name."""
        return self.pooled() if self.inspection.estimation.headline == "pooled" else self.stratified()

    def domain(self, members: "pd.Series[bool]", minus: "pd.Series[bool] | None" = None) -> Estimate | None:
        """Rate of a domain of the main sample in the whole design, weighted as the headline; None if empty.

        ``minus`` are crimes that are taken off what counts.
        """
        if not members.any():
            return None
        design = self.design()
        if self.inspection.estimation.headline == "pooled":
            design = design.unweighted()
        # incidents without a crime have rows too
        inside, taken = (
            (members & False if found is None else found).reindex(design.units.index, fill_value=False).to_numpy(bool)
            for found in (members, minus)
        )
        if taken.any():
            return estimation.net_rate(design, inside, taken, self.options["confidence"])
        return estimation.weighted_rate(design, domain=inside, **self.options)

    def rate(self, asked: Rate, over_recorded: pd.DataFrame | None) -> Estimate | None:
        """A rate that the programme asks for; None where no crime is of it, or its columns or table were not filled in."""
        crimes = self.main
        if asked.of == "records":
            if over_recorded is None:
                return None
            crimes = pd.concat([crimes, over_recorded.assign(recorded=True)], ignore_index=True)
        if not set(asked.counts) <= set(crimes.columns):
            return None
        crimes = crimes.assign(counted=matching(crimes, asked.counts))
        minus = matching(crimes, asked.minus) if asked.minus else None
        return replace(self, main=crimes, outcome="counted").domain(matching(crimes, asked.where), minus)

    def unrecorded(self, rate: Estimate, recorded_crime: int) -> Estimate | None:
        """Reported crimes that go unrecorded in a year; None for a rate of 0, with which it is undefined.

        ``rate`` is that of :meth:`of_a_year`. The estimate is a little too high in small samples, as 1/rate is: with 30
        crimes and a rate of 0.9 by about 4 %, with 100 by 1 %.
        """
        if not rate.value:
            return None
        return replace(totals.failures(rate, recorded_crime), estimator=f"unrecorded from {rate.estimator}")

    def unaudited_bounds(self, unaudited: Mapping[str, int], audited: Mapping[str, int]) -> details.Unaudited | None:
        """The headline rate if the incidents that could not be audited held missed crimes only, and if none was missed.

        By stratum: how many drawn incidents could not be audited, and how many were. Each is taken to hold as many crimes, of
        the same types, as the audited ones of its stratum do on average. None where there are none, or no rate.
        """
        by_stratum = "stratum" in self.main.columns and set(unaudited) <= {*self.main["stratum"]}
        groups = dict(tuple(self.main.groupby("stratum"))) if by_stratum else {"": self.main}
        left = dict(unaudited) if by_stratum else {"": sum(unaudited.values())}
        done = dict(audited) if by_stratum else {"": sum(audited.values())}
        more = [self.main.iloc[:0]]
        for stratum, n in left.items():
            crimes = groups[stratum].sort_values("crime_type", kind="stable")
            number = round(n * len(crimes) / done[stratum]) if done[stratum] else 0
            spread = crimes.iloc[np.linspace(0, len(crimes) - 1, number).round().astype(int)]
            incidents = [f"unaudited {stratum} {place % max(n, 1)}" for place in range(number)]
            more.append(spread.assign(incident_id=incidents))
        added, strata = pd.concat(more), self.strata
        if strata is not None and not strata.empty:
            others = strata["stratum"].map(left).fillna(0).astype(int)
            strata = strata.assign(audited_incidents=strata["audited_incidents"] + others)
        both = (pd.concat([self.main, added.assign(recorded=found)], ignore_index=True) for found in (False, True))
        ends = [replace(self, main=main, strata=strata).headline() for main in both]
        low, high = (end.value if end else None for end in ends)
        if added.empty or low is None or high is None:
            return None
        return details.Unaudited(incidents=sum(unaudited.values()), crimes=len(added), low=low, high=high)

    def raked(self) -> Estimate | None:
        """Recording rate raked to recorded crime by type and by route; None where it is not known by route.

        ValueError where a route has recorded crime and the sample none of it, or the other way round.
        """
        figures = self.inspection.recorded_crime_by_route
        by_route = {name: figure.value for name, figure in figures.items() if figure.value}
        if not by_route or "route" not in self.main.columns or stratified_problems(self.inspection, self.main):
            return None
        if other := sorted({*self.main["route"]} - {*by_route}):
            named = ", ".join(name or "no route" for name in other)
            raise ValueError(f"audited crimes of {named}, of which the force recorded none in a year")
        margins = {"crime_type": self._recorded_crime_present(), "route": by_route}
        design = self.design()
        raked = estimation.raked_rate(design, margins, "successes", confidence=self.options["confidence"])
        return raked if design.clusters is None else replace(raked, estimator="raked, clustered")

    def sensitivity(self) -> list[Estimate]:
        """The overall rate under each estimator and interval, for the annex."""
        if stratified_problems(self.inspection, self.main):
            return []
        population = self.population(self.main, sum(self.recorded_in_audit_period().values()))
        rows = estimation.sensitivity(
            self.design(clustered=True), "crime_type", self._recorded_crime_present(),
            confidence=self.options["confidence"], population=population,
        )  # fmt: skip
        raked = self.raked()
        return rows if raked is None else [*rows, raked]


def doubtful_strata(inspection: Inspection, records: AuditRecords) -> list[Problem]:
    """A warning where incidents were drawn in other strata than the crime types, whose weights are not known."""
    measures = Measures(inspection, records.main, records.strata)
    if "stratum" not in records.main.columns or measures.strata_are_crime_types() or measures.is_weighted():
        return []
    got = "strata that are not the types of their crimes"
    expected = (
        "a table strata with the incidents of each stratum in the frame, and audited; or a draw in proportion to the "
        "strata, as without it all crimes count alike"
    )
    return [Problem(records.file_of("crimes"), "column stratum", got, expected, "warning")]


def doubtful_frame(force: str, inspection: Inspection, records: AuditRecords) -> list[Problem]:
    """A warning where the incidents of the frame and recorded crime speak of very different numbers of crimes."""
    main, strata = records.main, records.strata
    if strata is None or strata.empty or not main["recorded"].any():
        return []
    by_stratum = "stratum" in main.columns
    crimes = strata["stratum"].map(main["stratum"].value_counts()).fillna(0) if by_stratum else len(main)
    per_incident = crimes / (strata["audited_incidents"] if by_stratum else strata["audited_incidents"].sum())
    in_frame = float((strata["frame_incidents"] * per_incident).sum())
    reported = Measures(inspection, main, strata).population(main, sum(_recorded_in_audit_period(inspection).values()))
    if not reported or not in_frame or 1 / DIFFERENT < in_frame / reported < DIFFERENT:
        return []
    by_strata = f"{in_frame:,.0f} by the table strata"
    got = f"about {reported:,} reported crimes in the audit period by recorded crime, {by_strata}"
    expected = "numbers of the same size: recorded_crime of twelve months, frame_incidents of the audit period"
    return [Problem(f"params/{force}.yml", "recorded_crime", got, expected, "warning")]


def stratified_problems(inspection: Inspection, main: pd.DataFrame) -> list[str]:
    """Why the stratified rate cannot be estimated from this main sample, in words; empty if it can."""
    problems = []
    for name, recorded_crime in inspection.crime_by_type().items():
        crimes = main[main["crime_type"] == name]
        if recorded_crime and crimes.empty:
            problems.append(f"no audited crime of type {name}, of which the force recorded {recorded_crime:,}")
        elif recorded_crime and not crimes["recorded"].any():
            problems.append(f"no recorded crime among the {len(crimes)} audited of type {name}")
        elif not recorded_crime and len(crimes):
            number = f"{len(crimes)} audited crime{'s' if len(crimes) != 1 else ''}"
            problems.append(f"{number} of type {name}, of which the force recorded none in a year")
    return problems


def check_measures(force: str, inspection: Inspection, records: AuditRecords) -> list[Problem]:
    """What keeps the estimates of an inspection from being made, before any notebook runs."""
    main, file = records.main, f"params/{force}.yml"
    if inspection.all_crime == 0:
        return [Problem(file, "recorded_crime", "0 in all", "the crimes that the force recorded in 12 months")]
    problems = []
    if inspection.estimation.headline == "stratified":
        asked = (
            "audited and recorded crimes of every type with recorded crime; audit more, correct recorded_crime, or set "
            "'headline: pooled'"
        )
        found = stratified_problems(inspection, main)
        problems += [Problem(file, "estimation.headline", f"stratified, with {what}", asked) for what in found]
    measures = Measures(inspection, main, records.strata)
    if inspection.sampling is not None and measures.is_planned_by_crime_type():
        try:
            measures.planned_by_crime_type()
        except ValueError as error:
            problems.append(Problem(file, "sampling", "", f"a sample that can be drawn: {error}"))
    by_route, key = inspection.recorded_crime_by_route, "recorded_crime_by_route"
    total = sum(figure.value for figure in by_route.values())
    if by_route and total != inspection.all_crime:
        expected = f"the crimes of recorded_crime, {inspection.all_crime:,} in all, by route"
        problems.append(Problem(file, key, f"{total:,} in all", expected))
    else:
        try:
            measures.raked()
        except ValueError as error:
            problems.append(Problem(file, key, str(error), "routes of which the sample holds recorded crimes"))
    for name, recorded in measures.recorded_in_audit_period().items():
        crimes = main[main["crime_type"] == name]
        population = measures.population(crimes, recorded)
        if population is not None and population < len(crimes):
            number = inspection.crime_by_type()[name]
            got = f"{number:,} in 12 months, so about {population:,} reported in the audit period"
            asked = f"a number that allows the {len(crimes):,} audited crimes of this type"
            problems.append(Problem(file, f"recorded_crime.{name}", got, asked))
    return problems
