"""The figures of published inspections, as ``params/published-inspections.csv`` carries them.

Rates are in per cent and margins in percentage points, as printed; a blank cell means that nothing was printed.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cdi_lib.inspection.files import read_table
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.problems import InputError, Problem, shown, suggest
from cdi_lib.inspection.rules import Mistake, by_row, check_cells
from cdi_lib.inspection.tables import TEXT, Column, Kind, Series, matching, one_of
from cdi_lib.statistics.checks import look

PUBLISHED = PROJECT / "params" / "published-inspections.csv"
LATER = PROJECT / "params" / "published-later.csv"  # by other kinds of inspection, mostly from secondary sources
OUTSIDE = "outside the CDI series"  # so marked in the table: another kind of inspection, with another method
RATES = ("overall", "violence", "sexual")
GRADES = ("grade_overall", "grade_effective", "grade_efficient", "grade_leadership")
NEEDED = ("force", "report", "overall_rate", "grade_overall")


def _typed(texts: Series) -> Series:
    return pd.to_numeric(texts, errors="coerce")


def _number(above: float, most: float, expected: str) -> Kind:
    return Kind(expected, lambda texts: _typed(texts).between(above, most, inclusive="right"), _typed)


def _whole(expected: str) -> Kind:
    return matching("0|[1-9][0-9]{0,8}", expected, _typed)


def _date(form: str, expected: str) -> Kind:
    def fits(texts: Series) -> Series:
        is_day = pd.to_datetime(texts, format="ISO8601", errors="coerce").notna()
        return is_day & texts.str.fullmatch(form).astype(bool)

    return Kind(expected, fits)


_DAY = _date(r"\d{4}-\d\d-\d\d", "a date such as 2020-07-31")
_KINDS = {
    "force": TEXT,
    "report": TEXT,
    "published": _date(r"\d{4}-\d\d(-\d\d)?", "a date such as 2020-07-31 or a month such as 2020-07"),
    "audit_start": _DAY,
    "audit_end": _DAY,
    **{f"{name}_rate": _number(10, 100, "a percentage such as 92.0") for name in RATES},
    **{f"{name}_margin": _number(0, 50, "points such as 1.55") for name in RATES},
    **dict.fromkeys([f"{name}_unrecorded_over" for name in RATES], _whole("a number of crimes such as 5300")),
    "audited_total": _whole("a number of crimes such as 1205"),
    **dict.fromkeys(GRADES, matching("[a-z ]+", "a grade in small letters, such as good")),
    "source": TEXT,
}


def read_published(path: Path = PUBLISHED, grades: Sequence[str] = ()) -> pd.DataFrame:
    """Published inspections, one row each: numbers as printed, dates as text, missing values where nothing was printed.

    ``grades`` are those that there are; empty: any. InputError with all problems.
    """
    table = read_table(path, path.name)
    header, expected = [str(name) for name in table], f"the columns of {PUBLISHED.name}, each once"
    wrong = {f"column {name}": "no such column" for name in NEEDED if name not in header}
    wrong |= {f"column {shown(name)}": f"it {header.count(name)} times" for name in header if header.count(name) > 1}
    wrong |= {
        f"column {shown(name)}": f"an unknown column{suggest(name, _KINDS)}" for name in header if name not in _KINDS
    }
    if wrong:
        raise InputError(Problem(path.name, where, got, expected) for where, got in wrong.items())
    kinds = _KINDS | {name: one_of(grades) for name in GRADES if grades}
    columns = {name: Column("a text", kind, blank=name not in ("force", "report")) for name, kind in kinds.items()}
    table = table.reindex(columns=[*dict.fromkeys([*kinds, *table.columns])]).astype(object)
    table = table.where(table.notna(), None)
    mistakes = by_row(list(check_cells(table, columns, path.name)), table)
    looks = (table["force"] + " " + table["report"]).fillna("").map(look)
    undated = table["published"].isna() & ~table["report"].fillna("").str.contains(r"\b20\d\d(?:[/-]\d\d)?$")
    for column, breaks, expected in (
        # text of this form has the order of the days
        ("audit_start", table["audit_start"].fillna("") > table["audit_end"].fillna("9"), "a day before audit_end"),
        ("report", undated, "a text that ends with the year, such as 'inspection 2019', where published is blank"),
        ("report", looks.duplicated() & (looks != ""), "each inspection of a force once"),
    ):
        for row in table.index[breaks]:
            mistakes.append(Mistake(path.name, row, column, shown(table.at[row, column]), expected))
    if mistakes:
        raise InputError(mistake.problem(path.name) for mistake in mistakes)
    return table.assign(**{name: kind.typed(table[name]) for name, kind in kinds.items()})
