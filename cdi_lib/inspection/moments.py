"""Dates and times in the forms that forces export."""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd

Series: TypeAlias = "pd.Series[Any]"

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR = "(?P<year>[0-9]{4})"
_CLOCK = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.]0+)?)?"
_MONTH_NAME = f"(?P<month>(?i:{'|'.join(_MONTHS)})[a-z]{{0,6}})"
_DAYS = (
    f"{_YEAR}-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})",
    f"(?P<day>[0-9]{{1,2}})/(?P<month>[0-9]{{1,2}})/{_YEAR}",
    f"(?P<day>[0-9]{{1,2}})(?P<mark>[- ]){_MONTH_NAME}(?P=mark){_YEAR}",
)


def parse_moments(text: Series, days: bool = False) -> Series:
    """Dates and times as timestamps; NaT where the text is none, or one that the calendar does not have.

    Read are 2019-06-03 14:05, 03/06/2019 14:05 (day before month), 03-Jun-2019 14:05 and 3 Jun 2019 14:05, with or
    without seconds. Local time as written; a change of the clocks is not corrected for, and a time with a zone
    (2019-06-03T14:05Z) is not read, for it may be an hour off.

    Parameters
    ----------
    text : pandas.Series
        Text; blank cells are None.
    days : bool
        Read also dates without a time of day, as midnight.

    Examples
    --------
    >>> parse_moments(pd.Series(["2019-06-03 14:05", "03/06/2019 14:05", "3 Jun 2019 14:05", "soon"])).tolist()
    [Timestamp('2019-06-03 14:05:00'), Timestamp('2019-06-03 14:05:00'), Timestamp('2019-06-03 14:05:00'), NaT]
    """
    moments = pd.Series(pd.NaT, index=text.index, dtype="datetime64[s]")
    text = text.astype(object).where(text.notna(), "").astype(str)
    for day in _DAYS:
        clock = f"(?:[ T]{_CLOCK})?" if days else f"[ T]{_CLOCK}"
        parts = text.str.extract(f"^{day}{clock}$")
        parts = parts[parts["year"].notna() & ~text.str.endswith("\n")]
        if len(parts):
            found = pd.to_datetime(_iso(parts), format="%Y-%m-%d %H:%M:%S", errors="coerce")
            moments.loc[parts.index] = found
    return moments


def _iso(parts: pd.DataFrame) -> Series:
    """Text such as 2019-06-03 14:05:00 from its parts; months may have names."""

    def two(part: Series) -> Series:
        return part.fillna("00").str.zfill(2)

    names = parts["month"].str[:3].str.lower()
    months = names.map({name: str(i) for i, name in enumerate(_MONTHS, 1)}).fillna(parts["month"])
    day = parts["year"] + "-" + two(months) + "-" + two(parts["day"])
    return day + " " + two(parts["hour"]) + ":" + two(parts["minute"]) + ":" + two(parts["second"])
