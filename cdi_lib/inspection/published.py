"""The figures of published inspections, as ``params/published-inspections.csv`` carries them.

Rates are in per cent and margins in percentage points, as printed; a blank cell means that nothing was printed.
Calibration, comparison and the demonstration set read the table here, and any other file with the same columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.problems import InputError, Problem, shown, suggest
from cdi_lib.inspection.records import read_text_table

PUBLISHED = PROJECT / "params" / "published-inspections.csv"
OUTSIDE = "outside the CDI series"  # so marked in the table: another kind of inspection, with another method
RATES = ("overall", "violence", "sexual")
NEEDED = ("force", "report", "overall_rate", "grade_overall")
GRADES = ("grade_overall", "grade_effective", "grade_efficient", "grade_leadership")
DATES = ("published", "audit_start", "audit_end")
# least value (which itself is none) and most, and what is expected
_LIMITS = {
    "rate": (1, 100, "a percentage such as 92.0"),
    "margin": (0, 100, "points such as 1.55"),
    "unrecorded_over": (-1, 10**8, "a number of crimes such as 5300"),
}
_NUMBERS = {f"{name}_{figure}": limits for name in RATES for figure, limits in _LIMITS.items()}
_NUMBERS["audited_total"] = (0, 10**8, "a number of crimes such as 1205")
_COLUMNS = ("force", "report", *DATES, *_NUMBERS, *GRADES, "source")


def read_published(path: Path = PUBLISHED, grades: Sequence[str] = ()) -> pd.DataFrame:
    """Published inspections, one row each: numbers as printed, dates as text, missing values where nothing was printed.

    Parameters
    ----------
    path : Path
        A table with the columns of ``params/published-inspections.csv``, of which force, report, overall_rate and
        grade_overall must be there.
    grades : sequence of str
        The grades that there are; empty: any.

    Raises
    ------
    InputError
        With all problems: a column that is missing, a rate that is no percentage, a date that does not exist, a grade
        that does not exist, an inspection that stands twice.
    """
    table = read_text_table(path, path.name)
    missing = [name for name in NEEDED if name not in table]
    if missing:
        expected = f"the columns of {PUBLISHED.name}"
        raise InputError([Problem(path.name, "header", f"no column {name}", expected) for name in missing])
    table = table.reindex(columns=[*dict.fromkeys([*_COLUMNS, *table.columns])]).astype(object)
    problems = []

    def refuse(wrong: pd.Series, column: str, expected: str) -> None:
        for row in table.index[wrong]:
            value = table.at[row, column]
            hint = suggest(value, grades) if column in GRADES and grades else ""
            problems.append(
                Problem(path.name, f"row {row + 2}, column {column}", shown(value), expected + hint)
            )

    for column in ("force", "report"):
        refuse(table[column].isna(), column, "a text")
    numbers = {}
    for column, (least, most, expected) in _NUMBERS.items():
        numbers[column] = pd.to_numeric(table[column], errors="coerce")
        fits = (numbers[column] > least) & (numbers[column] <= most)
        refuse(table[column].notna() & ~fits, column, expected)
    for column in DATES:
        may_be_month = column == "published"
        expected = "a date such as 2020-07-31" + (" or a month such as 2020-07" if may_be_month else "")
        is_date = table[column].map(lambda text, month=may_be_month: _is_date(text, month)).astype(bool)
        refuse(table[column].notna() & ~is_date, column, expected)
    # text of this form has the order of the days
    refuse(
        table["audit_start"].fillna("") > table["audit_end"].fillna("9"),
        "audit_start",
        "a day before audit_end",
    )
    undated = table["published"].isna() & ~table["report"].fillna("").str.contains(r"\b20\d\d$")
    refuse(
        undated,
        "report",
        "a text that ends with the year, such as 'inspection 2019', where published is blank",
    )
    if grades:
        for column in GRADES:
            unknown = table[column].notna() & ~table[column].isin(grades)
            refuse(unknown, column, f"one of {', '.join(grades)}")
    refuse(table.duplicated(["force", "report"]), "report", "each inspection of a force once")
    if problems:
        raise InputError(problems)
    return table.assign(**numbers)


def _is_date(text: object, month: bool) -> bool:
    if not isinstance(text, str) or not re.fullmatch(
        r"\d{4}-\d\d(-\d\d)?" if month else r"\d{4}-\d\d-\d\d", text
    ):
        return False
    try:
        date.fromisoformat(text if len(text) == len("2020-07-31") else f"{text}-01")
    except ValueError:
        return False
    return True
