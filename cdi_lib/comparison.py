"""Inspections of all forces beside each other: what can be compared, and how sure that is. Nothing is ranked.

Inspections are compared within groups that followed the same rules. A published figure counts once: a report that was
reconstructed from it adds nothing that the published figures do not hold.

References
----------
.. [1] DerSimonian, R. and Laird, N. (1986). Meta-analysis in clinical trials. *Controlled Clinical Trials* 7, 177-188.
.. [2] Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications. *Journal of the American
   Statistical Association* 78, 47-55.
.. [3] Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. *Statistics in Medicine* 24,
   1185-1202.
.. [4] Hartung, J. and Knapp, G. (2001). On tests of the overall treatment effect in meta-analysis with normally distributed
   responses. *Statistics in Medicine* 20, 1771-1782.
.. [5] Zou, G. Y., Huang, W. and Zhang, X. (2009). A note on confidence interval estimation for a linear function of
   binomial proportions. *Computational Statistics and Data Analysis* 53, 1080-1085.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy import special, stats

from cdi_lib.folders import PROJECT
from cdi_lib.problems import InputError, Problem
from cdi_lib.published import OUTSIDE, read_published
from cdi_lib.results import Results, read_results, write_json

NOTEBOOK = "comparison"
SCRIPT = PROJECT / "reports" / "sortable.js"
RATES = {"overall": "all crime", "violence": "violence", "sexual": "sexual offences"}
GRADED = {
    "overall": "Overall",
    "effective": "Effectiveness",
    "efficient": "Efficiency",
    "leadership": "Leadership",
}
NEW_RULE = date(2018, 4, 1)  # harassment, stalking and the like are recorded beside the principal crime
SHORTER_LIMIT = date(2015, 4, 1)  # 24 hours to record instead of 72
RULES = {
    "72 hours": "72 hours to record a crime (before April 2015)",
    "before": "24 hours, before the counting rules of April 2018",
    "across": "audit period on both sides of April 2018",
    "after": "24 hours and the counting rules of April 2018",
    "not known": "audit period not published",
}
KINDS = {
    "audit": "computed here",
    "reconstruction": "computed here (reconstruction)",
    "invented": "invented",
    "published": "published",
}
Z = float(special.ndtri(0.975))
LEAST_POOLED = 5  # with fewer inspections the variation between forces is hardly known


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Rate(_Model):
    """A recording rate in [0, 1] with its interval.

    ``n`` are audited crimes; ``effective_n`` is the size of the simple random sample that would give the same standard
    error, which follows from a published margin where n was not published. None: not known.
    """

    value: float
    low: float | None = None
    high: float | None = None
    se: float | None = None
    n: int | None = None

    @property
    def effective_n(self) -> float | None:
        return self.value * (1 - self.value) / self.se**2 if self.se else None


class Count(_Model):
    """Crimes that go unrecorded in a year, with the interval that follows from that of the rate."""

    value: float
    low: float | None = None
    high: float | None = None


class Inspected(_Model):
    """One inspection as it is compared.

    ``title`` is kind and year of the inspection, such as "re-inspection 2018". Dates are ISO; ``year`` is that in which the
    audit period ended; ``counts`` says whether it takes part in pooled figures and sums; ``is_one_of_several`` whether
    another inspection of the force has the same year.
    """

    force: str
    title: str
    published: str | None
    kind: Literal["audit", "reconstruction", "invented", "published"]
    start: str | None
    end: str | None
    year: int | None
    rule: Literal["72 hours", "before", "across", "after", "not known"]
    rates: dict[str, Rate]
    unrecorded: Count | None
    grades: dict[str, str]
    counts: bool = True
    is_one_of_several: bool = False

    @property
    def name(self) -> str:
        """The force, with the year of the audit, which tells inspections of one force apart, or else with the title too."""
        name = f"{self.force} {self.year or self.title[-4:]}"
        return f"{name} ({self.title})" if self.is_one_of_several else name


class Shrunken(_Model):
    """A rate that is partially pooled: ``weight`` in [0, 1] of its own figure, the rest of the group's mean."""

    name: str
    value: float
    low: float
    high: float
    weight: float


class Group(_Model):
    """Inspections under the same rules, pooled.

    ``pooled`` is the mean weighted by effective n, the centre of the funnel; ``mean``, ``low`` and ``high`` are that of the
    random-effects model; ``tau`` is the standard deviation between forces on the log-odds scale, ``q`` Cochran's
    statistic with ``df`` degrees of freedom, ``overdispersion`` the mean squared distance from the centre in standard errors.
    """

    rule: str
    pooled: float
    mean: float
    low: float
    high: float
    tau: float
    q: float
    df: int
    p_value: float
    overdispersion: float
    shrunken: list[Shrunken]


class Comparison(_Model):
    """Everything that the comparison of forces shows; ``comparison.json``."""

    schema_version: Literal[1] = 1
    inspections: list[Inspected]
    groups: list[Group]
    total: Count | None
    total_of: list[str]


# --- collecting ------------------------------------------------------------------------------------------------


def compare(results: Sequence[Results], published: pd.DataFrame) -> Comparison:
    """Bring computed and published inspections together.

    Parameters
    ----------
    results : sequence of Results
        One for each report that was built here.
    published : pandas.DataFrame
        As :func:`cdi_lib.published.read_published` gives it.

    Returns
    -------
    Comparison
        Sorted by rules, year of the audit and name. An inspection that was computed here stands in the place of the
        published figures of the same force, kind and year.

    Raises
    ------
    InputError
        If two reports are of the same inspection.
    """
    printed = {(item.force, item.title): item for item in _from_table(published)}
    computed: dict[tuple[str, str], Inspected] = {}
    problems = []
    for found in results:
        own = _from_results(found)
        place = (own.force, own.title)
        if place in computed:
            expected = "one report of each inspection; the force and the year in the title tell them apart"
            problems.append(
                Problem(found.force, "publication.title", f"{own.title} of {own.force} twice", expected)
            )
        same = printed.get(place)
        if same is not None and own.kind != "audit":
            own = own.model_copy(update=_known(own, same))
        computed[place] = own
    if problems:
        raise InputError(problems)
    order = list(RULES)
    inspections = sorted(
        (printed | computed).values(),
        key=lambda item: (order.index(item.rule), item.year or 0, item.force, item.title),
    )
    times = Counter(item.name for item in inspections)
    inspections = [
        item.model_copy(update={"is_one_of_several": True}) if times[item.name] > 1 else item
        for item in inspections
    ]
    newest = _newest(inspections)
    return Comparison(
        inspections=inspections,
        groups=[group for rule in RULES if (group := pool(rule, _in_pool(inspections, rule)))],
        total=add([item.unrecorded for item in newest]) if newest else None,
        total_of=sorted(item.name for item in newest),
    )


def _known(own: Inspected, printed: Inspected) -> dict:
    """What is kept of a reconstruction: nothing that its published figures do not hold, for the rest of it is assumed."""
    with_margin = {name for name, rate in printed.rates.items() if rate.se is not None}
    rates = {
        name: own.rates[name] if name in with_margin and name in own.rates else rate
        for name, rate in printed.rates.items()
    }
    unrecorded = own.unrecorded if "overall" in with_margin else printed.unrecorded
    place = {name: getattr(printed, name) for name in ("start", "end", "year", "rule")}
    return place | {"rates": rates, "unrecorded": unrecorded, "grades": printed.grades or own.grades}


def _from_results(found: Results) -> Inspected:
    rates = {
        name: Rate(value=rate.value, low=rate.low, high=rate.high, se=rate.se, n=rate.n)
        for name in RATES
        if (rate := found.estimate(name))
    }
    unrecorded = found.estimate("unrecorded_overall")
    judgements = found.details["judgements"]
    grades = {
        entry["id"]: entry["decided"]
        for entry in (judgements["overall"], *judgements["questions"])
        if entry["decided"] != "not judged"
    }
    kind = found.records["status"]
    return Inspected(
        force=found.short_name,
        title=_title(found),
        published=found.publication["date"],
        kind=kind,
        **_period(found.audit_period["start"], found.audit_period["end"]),
        rates=rates,
        unrecorded=unrecorded and Count(value=unrecorded.value, low=unrecorded.low, high=unrecorded.high),
        grades=grades,
        counts=kind != "invented",
    )


def _title(found: Results) -> str:
    """Kind and year of the inspection as its title names them, by which the published figures are found."""
    years = [word for word in found.publication["title"].replace(":", " ").split() if word.isdecimal()]
    return f"{found.publication['kind']} {years[-1] if years else found.publication['date'][:4]}"


def _from_table(published: pd.DataFrame) -> list[Inspected]:
    rows = []
    for row in published[~published["report"].str.contains(OUTSIDE, regex=False)].itertuples():
        rates = {name: rate for name in RATES if (rate := _printed_rate(row, name))}
        grades = {name: grade for name in GRADED if pd.notna(grade := getattr(row, f"grade_{name}"))}
        unrecorded = _printed_count(row.overall_unrecorded_over, rates.get("overall"))
        if not (rates or grades or unrecorded):
            continue
        is_known = pd.notna(row.audit_start) and pd.notna(row.audit_end)
        rows.append(
            Inspected(
                force=row.force,
                title=row.report,
                published=row.published if pd.notna(row.published) else None,
                kind="published",
                **_period(*((row.audit_start, row.audit_end) if is_known else (None, None))),
                rates=rates,
                unrecorded=unrecorded,
                grades=grades,
            )
        )
    return rows


def _printed_rate(row, name: str) -> Rate | None:
    percent, margin = getattr(row, f"{name}_rate"), getattr(row, f"{name}_margin")
    if pd.isna(percent):
        return None
    if pd.isna(margin):
        return Rate(value=percent / 100)
    low, high = (percent - margin) / 100, min((percent + margin) / 100, 1.0)
    return Rate(value=percent / 100, low=low, high=high, se=margin / 100 / Z)


def _printed_count(over: float, rate: Rate | None) -> Count | None:
    """The printed number, which was rounded down; its interval is that of the rate, for the recorded crime behind it."""
    if pd.isna(over):
        return None
    if (
        rate is None or rate.low is None or rate.value == 1
    ):  # nothing unrecorded tells nothing of what was recorded
        return Count(value=over)
    recorded_crime = over * rate.value / (1 - rate.value)
    low, high = (recorded_crime * (1 - end) / end for end in (rate.high, rate.low))
    return Count(value=over, low=low, high=high)


def _period(start: str | None, end: str | None) -> dict:
    if start is None or end is None:
        return {"start": None, "end": None, "year": None, "rule": "not known"}
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    if first < SHORTER_LIMIT:
        rule = "72 hours"
    elif last < NEW_RULE:
        rule = "before"
    else:
        rule = "after" if first >= NEW_RULE else "across"
    return {"start": start, "end": end, "year": last.year, "rule": rule}


def _in_pool(inspections: Sequence[Inspected], rule: str) -> list[Inspected]:
    """The inspections of a group whose rate has a known precision."""
    return [
        item
        for item in inspections
        if item.rule == rule and item.counts and item.rates.get("overall") and item.rates["overall"].effective_n
    ]  # fmt: skip


def superseded(found: Comparison) -> list[str]:
    """Forces whose newest rate is not in the sum, because a later inspection gave no interval that could be added."""
    in_sum = {item.force: item for item in found.inspections if item.name in found.total_of}
    later = {
        item.force
        for item in found.inspections
        if item.counts and item.force in in_sum and _is_later(item, in_sum[item.force])
        if item.rates.get("overall") or item.unrecorded
    }
    return sorted(later)


def _is_later(item: Inspected, other: Inspected) -> bool:
    """Whether an inspection came after another, by the ends of their audits or, where one is not known, by publication."""
    if item.end and other.end:
        return item.end > other.end
    return bool(item.published and other.published and item.published > other.published)


def _newest(inspections: Sequence[Inspected]) -> list[Inspected]:
    """Of each force the newest inspection whose number of unrecorded crimes has an interval."""
    newest: dict[str, Inspected] = {}
    for item in inspections:
        count, known = item.unrecorded, newest.get(item.force)
        is_whole = item.counts and item.end and count and count.low is not None and count.high is not None
        if is_whole and (known is None or known.end < item.end):
            newest[item.force] = item
    return list(newest.values())


def read(folder: str) -> Comparison:
    """The comparison that a build has written into a folder; with "" that of the published inspections alone."""
    if not folder:
        return compare([], read_published())
    return Comparison.model_validate_json((Path(folder) / "comparison.json").read_text(encoding="utf-8"))


def build(results: Sequence[Path], out: Path, renderer: str = "auto") -> str:
    """Write the comparison: ``index.html``, ``report.pdf``, ``comparison.json``, ``tables.xlsx`` and ``tables/*.csv``.

    Parameters
    ----------
    results : sequence of Path
        The ``results.json`` of the reports to compare.
    out : Path
        An existing folder.
    renderer : {"auto", "quarto", "pandoc"}
        Engine for HTML and PDF.

    Returns
    -------
    str
        One line that says which engine was used, and why.

    Raises
    ------
    InputError
        If a file is no ``results.json``, or two are of the same inspection.
    BuildError, cdi_lib.render.RenderError
        If the notebook fails or cannot be rendered.
    """
    from cdi_lib import comparison_outputs
    from cdi_lib.build import execute
    from cdi_lib.render import render

    found = compare([read_results(path) for path in results], read_published())
    write_json(out / "comparison.json", found.model_dump(mode="json"))
    comparison_outputs.write_tables(found, out / "tables")
    published = _whole_day(max(item.published for item in found.inspections if item.published))
    comparison_outputs.write_workbook(found, out / "tables.xlsx", published)
    with tempfile.TemporaryDirectory() as scratch:
        notebook = Path(scratch) / f"{NOTEBOOK}.ipynb"
        execute(NOTEBOOK, NOTEBOOK, notebook, {"results_folder": str(out.resolve())})
        rendered = render(notebook, out, engine=renderer, metadata={"date": published}, script=SCRIPT)
    return rendered.message


def _whole_day(text: str) -> str:
    return text if len(text) == len("2018-02-01") else f"{text}-01"


# --- statistics ------------------------------------------------------------------------------------------------


def pool(rule: str, inspections: Sequence[Inspected]) -> Group | None:
    """Pool the overall rates of a group, and shrink each towards the mean as far as its own precision asks for.

    Random effects on the log-odds scale by the moments of [1]_, the interval of their mean by [4]_, never narrower than
    that of [1]_; empirical Bayes estimates as in [2]_. None for fewer than `LEAST_POOLED` inspections, or rates of 0 or 1,
    which have no log-odds.
    """
    rates = [item.rates["overall"] for item in inspections]
    if len(rates) < LEAST_POOLED or any(not 0 < rate.value < 1 for rate in rates):
        return None
    p = np.array([rate.value for rate in rates])
    se = np.array([rate.se for rate in rates])
    size = np.array([rate.effective_n for rate in rates])
    y, v = special.logit(p), (se / (p * (1 - p))) ** 2  # delta method
    mean, se_of_mean, tau2, q = dersimonian_laird(y, v)
    scatter = float(((y - mean) ** 2 / (v + tau2)).sum()) / (len(y) - 1)
    se_of_mean *= max(scatter, 1.0) ** 0.5  # [4]_, eq. 6
    reach = float(stats.t.ppf(0.975, len(y) - 1)) * se_of_mean
    weight = tau2 / (tau2 + v)  # [2]_, eq. 1.7: 1 - B
    shrunken = weight * y + (1 - weight) * mean
    spread = np.sqrt(weight * v + ((1 - weight) * se_of_mean) ** 2)  # the mean is estimated as well
    low, high = special.expit(shrunken - Z * spread), special.expit(shrunken + Z * spread)
    centre = float((size * p).sum() / size.sum())
    z = (p - centre) / np.sqrt(centre * (1 - centre) / size)
    return Group(
        rule=rule,
        pooled=centre,
        mean=float(special.expit(mean)),
        low=float(special.expit(mean - reach)),
        high=float(special.expit(mean + reach)),
        tau=float(np.sqrt(tau2)),
        q=q,
        df=len(p) - 1,
        p_value=float(stats.chi2.sf(q, len(p) - 1)),
        overdispersion=float(np.mean(z**2)),  # [3]_, section 3.2: phi
        shrunken=[
            Shrunken(name=item.name, value=float(a), low=float(b), high=float(c), weight=float(w))
            for item, a, b, c, w in zip(inspections, special.expit(shrunken), low, high, weight, strict=True)
        ],
    )


def dersimonian_laird(y: np.ndarray, v: np.ndarray) -> tuple[float, float, float, float]:
    """The random-effects mean of estimates ``y`` with variances ``v``: mean, its standard error, tau squared, Q [1]_.

    Examples
    --------
    >>> mean, se, tau2, q = dersimonian_laird(np.array([0.0, 1.0, 2.0]), np.array([0.25, 0.25, 0.25]))
    >>> mean, tau2, q
    (1.0, 0.75, 8.0)
    """
    w = 1 / v
    q = float((w * (y - (w * y).sum() / w.sum()) ** 2).sum())
    tau2 = max(0.0, (q - (len(y) - 1)) / float(w.sum() - (w**2).sum() / w.sum()))  # [1]_, eq. 8
    w = 1 / (v + tau2)
    return float((w * y).sum() / w.sum()), float(w.sum() ** -0.5), tau2, q


def control_limits(centre: float, n: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """Exact binomial limits of a rate in ``n`` crimes if the true one is ``centre``; ``tail`` beyond each of them.

    Interpolated between the whole numbers of crimes ([3]_, appendix A.1.1).

    Examples
    --------
    >>> low, high = control_limits(0.9, np.array([1000]), 0.025)
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.8805, 0.9177)
    """
    limits = []
    for chance in (tail, 1 - tail):
        k = stats.binom.ppf(chance, n, centre)
        share = (stats.binom.cdf(k, n, centre) - chance) / stats.binom.pmf(k, n, centre)
        limits.append((k - share) / n)
    return limits[0], limits[1]


def add(counts: Sequence[Count]) -> Count:
    """The sum of independent estimates: variances add, for each side of the intervals separately (MOVER, [5]_).

    Examples
    --------
    >>> add([Count(value=10, low=7, high=14), Count(value=20, low=16, high=23)])
    Count(value=30.0, low=25.0, high=35.0)
    """
    value = sum(count.value for count in counts)
    below = sum((count.value - count.low) ** 2 for count in counts) ** 0.5
    above = sum((count.high - count.value) ** 2 for count in counts) ** 0.5
    return Count(value=value, low=value - below, high=value + above)
