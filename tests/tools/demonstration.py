"""The demonstration set: inspections reconstructed from the figures of published reports.

``params/published-inspections.csv`` holds what was printed. For each inspection counts are searched with which the
project's own estimators give the printed figures back; what was not printed is assumed by the rules in `RULES`, which
go into the parameter file with the status "assumed". The same table gives the same files, byte for byte.
"""

from __future__ import annotations

import calendar
import math
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from cdi_lib.inspection.folders import DEMONSTRATION, params_folder, slug
from cdi_lib.inspection.parameters import Period
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.inspection.programme import default_programme
from cdi_lib.inspection.published import OUTSIDE, PUBLISHED, read_published
from tests.tools.reconstruction import Chance

CARRIED = "northamptonshire"  # params/ holds a fuller reconstruction of the newest inspection of this force
SEED = 2016

# Northamptonshire 2020, the inspection of which most is known, stands in for what others did not print.
SHARE_OF_CRIME = {"violence": 0.356, "sexual": 0.042, "other": 0.602}
SHARE_OF_SAMPLE = {"violence": 0.435, "sexual": 0.324, "other": 0.241}
AUDITABLE_PERCENT = 96.7
CLASSES = {"violence": "105A", "sexual": "20A", "other": "34B"}
SIZES = np.arange(200, 4001)  # numbers of audited crimes that are tried
Z = 1.959963984540054  # 97.5 % quantile of the normal distribution
MONTHS_TO_PUBLICATION = 7

RULES = {
    "n": "No margin was published, so the number of audited crimes is not known. It is the median of the numbers that the "
    "published margins of other inspections give.",
    "period": f"The audit period is not in the table of published figures. It is taken as the six months that ended "
    f"{MONTHS_TO_PUBLICATION} months before the month of publication.",
    "day": "Of the day of publication only the month, or the year in the title, is known; its last day stands for it.",
    "sample": "The crime types share the audited crimes of which nothing was printed as in Northamptonshire in 2020.",
    "types": "A crime type whose rate was not printed has the rate that the overall counts leave to it.",
    "classes": "Every crime has one stand-in offence class of its crime type, is in an incident of its own, came through the control "
    "room, and is not marked as domestic abuse, because none of this was published. Nothing can be read from these columns.",
}
_NOTHING = "This was not published, and the reconstructed records carry nothing of it. It says nothing about the force."
FINDINGS = {
    "overall": [
        "This report shows what the software makes of published figures. It is no publication of the inspectorate.",
        "The inspection found more than these figures hold.",
    ],
    "auditable_route": [_NOTHING],
    "domestic_abuse": [_NOTHING],
    "rape": [_NOTHING],
    "conclusion": [
        "Areas for improvement and findings in words stand in the published report, not in this demonstration."
    ],
}
_SHARES = "the share of this type in Northamptonshire's recorded crime in 2020"
_OTHER_CRIME = "the total less violence and sexual offences"


@dataclass(frozen=True)
class Reconstruction:
    """The counts of one inspection, and which of them were assumed.

    ``rules`` are keys of `RULES`; ``recorded_crime`` gives count, status and source by crime type.
    """

    force: str
    report: str
    published: date
    period: Period
    audited: dict[str, int]
    recorded: dict[str, int]
    recorded_crime: dict[str, tuple[int, str, str]]
    grades: dict[str, str]
    source: str
    rules: tuple[str, ...]
    assumed: tuple[str, ...] = ()  # crime types of which no rate was printed
    printed: tuple[tuple[str, str, str, str], ...] = ()  # figures to compare with: name, result, form, as printed

    @property
    def key(self) -> str:
        """Name of the force as it is used for files."""
        return slug(self.force)


def write(folder: Path) -> list[str]:
    """Write ``<key>.yml`` and ``<key>/crimes.csv`` of every inspection that can be reconstructed.

    A force has the newest inspection with a published overall rate under its name and others with the year behind it
    (``kent-2017``).

    Parameters
    ----------
    folder : Path
        Made if it is not there; files of the same names are replaced.

    Returns
    -------
    list of str
        The keys, in alphabetical order.
    """
    found = reconstructions(read_published())
    folder.mkdir(parents=True, exist_ok=True)
    for key, item in found.items():
        (folder / key).mkdir(exist_ok=True)
        text = yaml.safe_dump(parameters(item), sort_keys=False, allow_unicode=True, width=100)
        head = "# Reconstructed from published figures by 'make demonstration'; what is assumed says so.\n"
        (folder / f"{key}.yml").write_text(head + text, encoding="utf-8", newline="\n")
        (folder / key / "crimes.csv").write_text(crimes(key, item), encoding="utf-8", newline="\n")
        if item.printed:
            rows = [dict(zip(_PRINTED_COLUMNS, row, strict=True)) | {"source": item.source} for row in item.printed]
            pd.DataFrame(rows).to_csv(folder / key / "published.csv", index=False, lineterminator="\n")
    return sorted(found)


def reconstructions(published: pd.DataFrame) -> dict[str, Reconstruction]:
    """All inspections that can be reconstructed, by key, in alphabetical order, but for that which `params/` carries.

    These are those with a published overall rate below 100 (at 100 the unrecorded crime tells nothing of the recorded). Of
    those without one nothing is made: a rate that nobody published is not invented in the name of a real force.

    Raises
    ------
    InputError
        Naming every inspection whose printed figures no counts can give.
    """
    rows = published[~published["report"].str.contains(OUTSIDE, regex=False)]
    rows = rows[rows["overall_rate"].lt(100)]
    printed = rows[rows["overall_margin"].notna()]
    share = printed["overall_rate"] / 100
    typical = int((Z**2 * share * (1 - share) / (printed["overall_margin"] / 100) ** 2).median())
    known = {row.force: _total_crime(row) for row in reversed(list(rows.itertuples())) if _total_crime(row)}
    usual = int(np.median(list(known.values())))

    # The newest first: it takes the force's name.
    rows = rows.sort_values("published", ascending=False, kind="stable")
    found: dict[str, Reconstruction] = {}
    problems = []
    for row in rows.itertuples():
        try:
            item = _reconstruct(row, typical, known.get(row.force, usual), row.force in known)
        except ValueError as error:
            expected = "figures that fit together, or a blank cell for one of them"
            problems.append(Problem(PUBLISHED.name, f"{row.force}, {row.report}", str(error), expected))
            continue
        keys = (item.key, f"{item.key}-{row.report[-4:]}", f"{item.key}-{slug(row.report)}")
        found[next(key for key in keys if key not in found)] = item
    if problems:
        raise InputError(problems)
    return {key: found[key] for key in sorted(found) if key != CARRIED}


def _total_crime(row) -> int | None:
    """Recorded crime in twelve months that the printed rate and the printed number of unrecorded crimes give."""
    if pd.isna(row.overall_unrecorded_over) or pd.isna(row.overall_rate):
        return None
    return _recorded_crime(row.overall_unrecorded_over, row.overall_rate / 100)


def _recorded_crime(over: float, rate: float) -> int:
    """Recorded crime with which ``over`` is what is printed: the middle of the range that rounding down allows."""
    step = 100 if over >= 1000 else 10
    return round((over + step / 2) * rate / (1 - rate))  # inverse of recorded x (1 - rate) / rate


def _reconstruct(row, typical: int, total: int, total_is_known: bool) -> Reconstruction:
    rules = ["sample", "types", "classes"]
    percent, places = row.overall_rate, _places(row.overall_rate)
    published, day_rule = _publication_day(row)
    period, period_rule = _period(row, published)
    rules += [*day_rule, *period_rule]
    if pd.isna(row.overall_margin):
        rules.insert(0, "n")
    share = period.years * AUDITABLE_PERCENT / 100
    over = row.overall_unrecorded_over
    n, k = _counts(percent, places, row.overall_margin, over, total * share, share, typical)
    if not pd.isna(over):
        total = _recorded_crime(over, k / n)
    crime = {"total": (total, *_source_of_total(row, total_is_known))}
    audited, recorded = _by_type(row, n, k, crime["total"][0] * share, share)
    recorded_crime = _crime_by_type(row, crime["total"], audited, recorded)
    columns = ("overall", "effective", "efficient", "leadership")
    grades = {name: getattr(row, f"grade_{name}") for name in columns}
    grades = {name: grade for name, grade in grades.items() if not pd.isna(grade)}
    return Reconstruction(
        row.force, row.report, published, period, audited, recorded, recorded_crime, grades, row.source, tuple(rules),
        tuple(name for name in audited if pd.isna(getattr(row, f"{name}_rate", math.nan))), tuple(_printed(row)),
    )  # fmt: skip


_PRINTED_COLUMNS = ("figure", "result", "shown_as", "published")


def _printed(row) -> Iterator[tuple[str, str, str, str]]:
    """The printed figures that a report is compared with. A rate without a margin is left out: its sample is assumed."""
    for name, label in (("overall", "Overall"), ("violence", "Violence"), ("sexual", "Sexual offences")):
        percent, margin = getattr(row, f"{name}_rate"), getattr(row, f"{name}_margin")
        if pd.isna(percent) or pd.isna(margin) or _places(percent) > 1:
            continue
        yield f"{label} recording rate", f"estimates.{name}.value", "percent", f"{percent:.1f}%"
        if name == "overall":  # the counts were chosen by it; what is left over by type fits no margin exactly
            yield "Overall recording rate, margin in points", "estimates.overall.margin", "points", f"{margin:.2f}"
        if pd.notna(over := getattr(row, f"{name}_unrecorded_over")):
            yield f"{label}, unrecorded a year", f"estimates.unrecorded_{name}.value", "over", f"over {over:,.0f}"


def _places(percent: float) -> int:
    """Decimals with which a rate was printed: one or two."""
    return 1 if pd.isna(percent) or math.isclose(percent, round(percent, 1)) else 2


def _publication_day(row) -> tuple[date, list[str]]:
    text = f"{row.report[-4:]}-12" if pd.isna(row.published) else row.published
    if len(text) == len("2018-02"):
        year, month = map(int, text.split("-"))
        return date(year, month, calendar.monthrange(year, month)[1]), ["day"]
    return date.fromisoformat(text), []


def _period(row, published: date) -> tuple[Period, list[str]]:
    if pd.notna(row.audit_start) and pd.notna(row.audit_end):
        return Period(start=row.audit_start, end=row.audit_end), []
    after_end = _months_earlier(published, MONTHS_TO_PUBLICATION - 1)
    start = _months_earlier(after_end, 6)
    return Period(start=start, end=after_end - timedelta(days=1)), ["period"]


def _months_earlier(day: date, months: int) -> date:
    """The first day of the month so many months before."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def _counts(
    percent: float,
    places: int,
    margin: float,
    over: float,
    recorded_in_period: float,
    share: float,
    typical: int,
    most: int | None = None,
) -> tuple[int, int]:
    """Audited and recorded crimes whose rate is printed as ``percent`` and whose margin comes nearest to the printed one.

    The margin is that of the published programme as far as it is known: normal, 95 %, with finite population correction.
    """
    n = SIZES if most is None else SIZES[SIZES < most]
    if pd.isna(margin):
        n = n[np.abs(n - min(typical, n[-1])) <= 50]
    k = np.round(n * percent / 100)
    rate = k / n
    fits = (np.abs(rate * 100 - percent) < 0.4999 * 10.0**-places) & (rate < 1)
    n, k, rate = n[fits], k[fits], rate[fits]
    if not len(n):
        raise ValueError(f"no number of audited crimes gives the printed rate of {percent:g} %")
    if pd.isna(margin):
        best = np.argmin(np.abs(n - typical))
        return int(n[best]), int(k[best])
    if not pd.isna(over):
        recorded_in_period = (over + (50 if over >= 1000 else 5)) * rate / (1 - rate) * share
    fraction = np.minimum(n / (recorded_in_period / rate), 1)
    found = Z * np.sqrt(rate * (1 - rate) / n * (1 - fraction)) * 100
    best = np.argmin(np.abs(found - margin))
    return int(n[best]), int(k[best])


def _source_of_total(row, is_known: bool) -> tuple[str, str]:
    if pd.notna(row.overall_unrecorded_over):
        over = f"{row.overall_unrecorded_over:,.0f}"
        return "derived", f"what the published 'over {over}' unrecorded crimes and the overall rate allow"
    if is_known:
        return "assumed", "the total that the published figures of another inspection of this force allow"
    return "assumed", "the median of the totals that the published figures of other forces allow"


def _by_type(row, n: int, k: int, recorded_in_period: float, share: float) -> tuple[dict[str, int], dict[str, int]]:
    """Audited and recorded crimes by crime type, which add up to ``n`` and ``k``."""
    audited, recorded = {}, {}
    for name in ("violence", "sexual"):
        percent = getattr(row, f"{name}_rate")
        if pd.isna(percent):
            continue
        over = getattr(row, f"{name}_unrecorded_over")
        typical = round(n * SHARE_OF_SAMPLE[name])
        audited[name], recorded[name] = _counts(
            percent,
            _places(percent),
            getattr(row, f"{name}_margin"),
            over,
            recorded_in_period * SHARE_OF_CRIME[name],
            share,
            typical,
            most=n,
        )
    rest = [name for name in default_programme().crime_types if name not in audited]
    for left, name in enumerate(rest):
        weights = sum(SHARE_OF_SAMPLE[other] for other in rest[left:])
        free, done = n - sum(audited.values()), k - sum(recorded.values())
        audited[name] = round(free * SHARE_OF_SAMPLE[name] / weights)
        recorded[name] = round(done * SHARE_OF_SAMPLE[name] / weights)
        # A small force may not have so many crimes of a type; the other types take the rest.
        most = int(recorded_in_period * SHARE_OF_CRIME[name] * free / done) if done > 0 else audited[name]
        if audited[name] > most and left < len(rest) - 1:
            audited[name], recorded[name] = most, round(most * done / free)
    for name in default_programme().crime_types:
        if not 0 < recorded[name] <= audited[name]:
            raise ValueError(
                f"printed figures that leave {recorded[name]} recorded of {audited[name]} audited crimes to {name}"
            )
    return audited, recorded


def _crime_by_type(
    row, total: tuple[int, str, str], audited: Mapping[str, int], recorded: Mapping[str, int]
) -> dict[str, tuple[int, str, str]]:
    """Recorded crime in twelve months by crime type: count, status and source."""
    found = {}
    for name in ("violence", "sexual"):
        over = getattr(row, f"{name}_unrecorded_over")
        rate = recorded[name] / audited[name]
        if pd.isna(over) or rate == 1:
            found[name] = (
                round(total[0] * SHARE_OF_CRIME[name]),
                "assumed",
                f"{_SHARES}, of a total that is {total[2]}",
            )
            continue
        status = "assumed" if pd.isna(getattr(row, f"{name}_rate")) else "derived"
        source = f"what the published 'over {over:,.0f}' unrecorded crimes of this type and its rate allow"
        found[name] = (_recorded_crime(over, rate), status, source)
    other = total[0] - sum(count for count, _, _ in found.values())
    status = "assumed" if "assumed" in {total[1], *(status for _, status, _ in found.values())} else "derived"
    found["other"] = (other, status, f"{_OTHER_CRIME}; the total is {total[2]}")
    return found


def parameters(item: Reconstruction) -> dict:
    """The content of the parameter file of a reconstructed inspection."""
    year = item.report[-4:]
    kind = "re-inspection" if item.report.startswith("re-inspection") else "inspection"
    reason = "This is the grade in the published report; the reconstructed records hold too little of what it rested on"
    return {
        "schema_version": 1,
        "force": {"name": f"{item.force} police force area", "short_name": item.force},
        "publication": {
            "title": f"Crime data integrity {kind} {year}: demonstration",
            "kind": kind,
            "date": item.published,
            "status": "final",
            "version": "demonstration",
            **({"original": item.source.split()[0]} if item.source.startswith("https://") else {}),
            "rights": "Published figures: Crown copyright, used under the Open Government Licence v3.0. Everything else: MIT licence.",
        },
        "audit_period": {"start": item.period.start, "end": item.period.end},
        "records": {
            "status": "reconstruction",
            "note": "No record-level data of this inspection was published. The audited crimes were made so that they give "
            "the published figures that are known, and the rest is assumed. No row describes a real crime, victim or "
            "incident. What is assumed is marked, and listed in the annex.",
            "says_nothing": ["offence_class", "route", "domestic_abuse"],
            "assumed": [
                {"table": "crimes", "columns": ["crime_type"], "where": {"crime_type": [name]}} for name in item.assumed
            ]
            + ([{"table": "crimes", "columns": ["recorded", "sample"]}] if "n" in item.rules else []),
        },
        "programme": "cdi-2017",
        "recorded_crime": {
            name: dict(zip(("value", "status", "source"), item.recorded_crime[name], strict=True))
            for name in default_programme().crime_types
        },
        "auditable_route_percent": {
            "value": AUDITABLE_PERCENT,
            "status": "assumed",
            "source": "as published for Northamptonshire in 2020; that of this force is not in the table of published figures",
        },
        "estimation": {
            "headline": "pooled",
            "clustered": False,
            "interval": "normal",
            "confidence_percent": 95,
            "status": "derived",
            "source": "the published margins fit a 95 % normal interval with finite population correction for independent crimes",
        },
        "findings": FINDINGS,
        "decisions": [
            {"grade_of": name, "grade": grade, "reason": reason, "role": "Published inspection report"}
            for name, grade in item.grades.items()
        ],
        "assumptions": [
            {"text": RULES[rule], "status": "assumed", "source": "a rule for the whole demonstration set"}
            for rule in item.rules
        ]
        + [
            {
                "text": "The published figures that this was reconstructed from.",
                "status": "published",
                "source": item.source,
            }
        ],
    }  # fmt: skip


COLUMNS = (
    "crime_id", "incident_id", "sample", "crime_type", "offence_class", "route", "domestic_abuse", "recorded", "recorded_as",
    "reported_at", "recorded_at",
)  # fmt: skip


def crimes(key: str, item: Reconstruction) -> str:
    """The table of audited crimes as CSV: the counts of the reconstruction, in random order."""
    kinds = [
        f"main,{name},{CLASSES[name]},control_room,no,{answer}"
        for name in default_programme().crime_types
        for answer, number in (("yes,", item.recorded[name]), ("no,nothing", item.audited[name] - item.recorded[name]))
        for _ in range(number)
    ]
    chance = Chance(SEED + zlib.crc32(key.encode()))
    rows = [f"C{number:05},I{number:05},{kind},," for number, kind in enumerate(chance.shuffled(kinds), 1)]
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


if __name__ == "__main__":
    try:
        made = write(params_folder() / DEMONSTRATION)
    except InputError as error:
        sys.exit(str(error))
    print(f"{len(made)} forces, reconstructed from published figures, in params/{DEMONSTRATION}\nNext: make reports")
