"""The page of a rolling programme: its words, its chart and its tables."""

from typing import Any

from cdi_lib.inspection.rolling import Audit, Part, Rolling, month_of
from cdi_lib.report import charts, labels, tables, wording
from cdi_lib.report.telling import FILTERS
from cdi_lib.report.texts import Texts

WORDS = "rolling/tables"


def page(found: Rolling) -> str:
    """The page as Markdown."""
    context = {
        "found": found,
        "parameters": found.parameters,
        "chart": _chart(found),
        "categories": _table("tbl-categories", found.categories, found),
        "divisions": _table("tbl-divisions", found.divisions, found),
        "due": [part.name for part in found.categories if part.is_due],
        "out": [f"{period(audit.period)} ({wording.percent(audit.rate)})" for audit in found.audits if audit.signal],
    }
    return Texts(labels.language(), None, FILTERS).tell("rolling/page", context)


def front_matter(found: Rolling) -> dict[str, Any]:
    """What stands above the page."""
    words, parameters = labels.book(WORDS)["words"], found.parameters
    return {
        "title": wording.plain(parameters.title),
        "subtitle": wording.plain(parameters.force),
        "publication-type": words["type"],
        "published-label": words["dated"],
        "date": parameters.as_of.isoformat(),
        "description": wording.plain(words["description"].format(force=parameters.force)),
        "lang": labels.book("phrases")["language"],
        "words": labels.book("phrases")["page"],
    }


def period(name: str) -> str:
    """A month or quarter in words.

    >>> period("2025-04"), period("2025-Q2")
    ('April 2025', 'quarter 2 of 2025')
    """
    year, part = name.split("-")
    if part.startswith("Q"):
        return str(labels.book(WORDS)["words"]["quarter"]).format(number=part[1], year=year)
    return f"{labels.book('phrases')['numbers']['months'][int(part) - 1]} {year}"


def _table(identity: str, parts: tuple[Part, ...], found: Rolling) -> str:
    words, rows = labels.book(WORDS)["words"], []
    for part in parts:
        row = part.model_dump() | {"last": _short(part.last), "due": _short(part.due), "interval": words["none"]}
        if part.low is not None and part.high is not None:
            row["interval"] = words["interval"].format(low=wording.percent(part.low), high=wording.percent(part.high))
        rows.append(row | {"band": part.band or words["none"]})
    level = wording.level(found.parameters.confidence_percent / 100)
    table = tables.headed(identity, rows, book=WORDS, level=level)
    return tables.to_markdown(table, identity, labels.book(WORDS)[identity]["title"]) if table else ""


def _chart(found: Rolling) -> str:
    words = labels.book(WORDS)["words"]
    ends = {"first": period(found.audits[0].period), "last": period(found.audits[-1].period)}
    months = [month_of(audit.period) for audit in found.audits]
    points = [
        (month, _short(audit.period), audit.rate, audit.low, audit.high, bool(audit.signal))
        for month, audit in zip(months, found.audits, strict=True)
    ]
    drawn = charts.both(
        charts.run_chart, words["chart"], words["subtitle"].format(**ends), points, found.centre, words["axis"]
    )
    alt = ". ".join(words["alt"].format(**_told(audit)) for audit in found.audits)
    return charts.image(drawn[0], words["chart"], "fig-run", f"{words['chart']}. {alt}.", drawn[1])


def _short(name: str) -> str:
    year, part = name.split("-")
    return f"{part} {year}" if part.startswith("Q") else f"{period(name)[:3]} {year}"


def _told(audit: Audit) -> dict[str, str]:
    numbers = {name: wording.percent(getattr(audit, name)) for name in ("rate", "low", "high")}
    counts = {name: wording.count(getattr(audit, name)) for name in ("audited", "recorded")}
    signal = labels.book(WORDS)["words"][audit.signal] if audit.signal else ""
    return numbers | counts | {"name": period(audit.period), "signal": signal}
