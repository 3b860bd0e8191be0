"""Criteria against the grades that were published: where they agree, and how often.

The grade of question 1 is computed from the published rates and compared with the published grades of question 1 and of
the whole. ``notebooks/calibration.ipynb`` shows it for the inspections of the project; any other file with the same
columns can be given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import product

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from cdi_lib.inspection.judgement import grade_of_percentage, judge
from cdi_lib.inspection.parameters import Inspection
from cdi_lib.inspection.programme import Programme
from cdi_lib.inspection.published import PUBLISHED, RATES, read_published
from cdi_lib.inspection.results import EstimateResult
from cdi_lib.report import charts
from cdi_lib.report.labels import said

GRADES = {"grade_overall": "overall", "grade_effective": "question 1"}
GROUPS = ("tuned", "untuned", "new")


def tunes(force: str) -> bool:
    """Whether a force belongs to the half on which the cut-offs are tuned: by a hash of its name and nothing else."""
    return hashlib.sha256(f"calibration {force}".encode()).digest()[0] % 2 == 0


ENOUGH = 1_000  # published audits hold hundreds of crimes; how many, is not always printed


def regrade(inspections: pd.DataFrame, criteria: Programme) -> pd.DataFrame:
    """The inspections with an overall rate and an overall grade, each with the grade that the criteria give.

    Returns
    -------
    pandas.DataFrame
        The rows with ``group`` (see `GROUPS`: new is what is not in the project's own file) and ``computed``, the grade
        of question 1 by the criteria from the published rates alone.
    """
    known = read_published(PUBLISHED, criteria.grades)
    known = set(zip(known["force"], known["report"], strict=True))
    usable = inspections[inspections["overall_rate"].notna() & inspections["grade_overall"].notna()]
    groups = [
        ("tuned" if tunes(row.force) else "untuned") if (row.force, row.report) in known else "new"
        for row in usable.itertuples()
    ]
    computed = [_computed(row, criteria) for _, row in usable.iterrows()]
    return usable.assign(group=groups, computed=computed).reset_index(drop=True)


def _computed(row: pd.Series, criteria: Programme) -> str:
    rates = {
        name: _estimate(name, row[f"{name}_rate"], row[f"{name}_margin"])
        for name in RATES
        if pd.notna(row[f"{name}_rate"])
    }
    return judge(criteria, rates, {}, Inspection.model_construct()).questions[0].computed


def _estimate(label: str, percentage: float, margin: float) -> EstimateResult:
    """A published rate as the judgement takes it; the number of audited crimes was not printed."""
    value, half = percentage / 100, None if pd.isna(margin) else margin / 100
    return EstimateResult(
        label=label,
        value=value,
        se=None,
        low=None if half is None else max(value - half, 0.0),
        high=None if half is None else min(value + half, 1.0),
        n=ENOUGH,
        confidence=0.95,
        estimator="published",
        interval="published",
        notebook="calibration",
    )


def agreement(regraded: pd.DataFrame, criteria: Programme) -> list[dict[str, str | int]]:
    """How many published grades the criteria give, by group: n, the same grade, and at most one grade apart."""
    rank = criteria.grades.index
    rows = []
    for group in GROUPS:
        for column, name in GRADES.items():
            known = regraded[(regraded["group"] == group) & regraded[column].notna()]
            apart = [abs(rank(a) - rank(b)) for a, b in zip(known[column], known["computed"], strict=True)]
            row = {"group": group, "published grade": name, "n": len(known), "agree": apart.count(0)}
            rows += [row | {"one grade apart or less": sum(step <= 1 for step in apart)}] if apart else []
    return rows


def disagreements(regraded: pd.DataFrame) -> list[dict[str, str | float]]:
    """The inspections of which a published grade is not the computed one."""
    return [
        {
            "force": row.force,
            "report": row.report,
            "group": row.group,
            "overall rate": row.overall_rate,
            "computed, question 1": row.computed,
            "published, question 1": "not known" if pd.isna(row.grade_effective) else row.grade_effective,
            "published, overall": row.grade_overall,
        }
        for row in regraded.itertuples()
        if row.computed != row.grade_overall or (pd.notna(row.grade_effective) and row.computed != row.grade_effective)
    ]


def best_cut_offs(
    regraded: pd.DataFrame, criteria: Programme, grid: Sequence[Sequence[float]]
) -> list[tuple[float, ...]]:
    """Of all combinations of cut-offs for the overall rate, in per cent, those that give most published overall grades.

    Only inspections of the tuning half are looked at. ``grid`` has the cut-offs to try for each grade but the worst.
    """
    tuning = regraded[regraded["group"] == "tuned"]
    cells = list(zip(tuning["overall_rate"], tuning["grade_overall"], strict=True))
    names, worst = criteria.grades[:-1], criteria.grades[-1]

    def agreements(cuts: tuple[float, ...]) -> int:
        bands = dict(zip(names, cuts, strict=True))
        return sum(grade_of_percentage(bands, worst, rate) == grade for rate, grade in cells)

    scores = {cuts: agreements(cuts) for cuts in product(*grid)}
    most = max(scores.values())
    return [cuts for cuts, score in scores.items() if score == most]


@charts.styled
def rates_by_grade(
    title: str,
    subtitle: str,
    rows: Sequence[tuple[str, float, float | None, bool]],
    grades_best_first: Sequence[str],
    cut_offs: Sequence[float],
) -> Figure:
    """Rates in per cent with their margins in rows of a grade; filled circles were used for tuning, squares were not."""
    figure, axes = charts.canvas(2.2 * len(grades_best_first), title, subtitle, 0.21, 0.965)
    for rank, grade in enumerate(grades_best_first):
        group = sorted(row for row in rows if row[0] == grade)
        for step, (_, rate, margin, tuned) in enumerate(group):
            y = -rank + 0.36 - 0.72 * step / max(len(group) - 1, 1)
            color = charts.DARK_BLUE if tuned else charts.ORANGE
            if margin is not None:
                axes.plot([rate - margin, rate + margin], [y, y], color=color, linewidth=1.6)
            axes.plot([rate], [y], "o" if tuned else "s", color=color, markersize=5)
    for cut in cut_offs:
        axes.axvline(cut, color=charts.MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.text(cut, 0.56, f"{cut:g}%", ha="center", va="bottom", size=10, color=charts.MUTED)
    charts.name_rows(axes, [grade.capitalize() for grade in grades_best_first], [], charts.PAGE, below=0.5, above=0.56)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}%"))
    axes.set_xlabel(said("calibration.axis"), size=10.5)
    return figure
