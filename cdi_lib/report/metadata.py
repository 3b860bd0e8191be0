"""A report as data about data: how to cite it, and its description by schema.org for search engines and catalogues."""

from __future__ import annotations

from typing import Any

from cdi_lib.inspection.details import Details
from cdi_lib.inspection.results import EstimateResult, Results
from cdi_lib.report import index, labels, wording

_LICENCES = {
    "Open Government Licence v3": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    "Creative Commons Attribution 4.0": "https://creativecommons.org/licenses/by/4.0/",
}
_UNITS = {"proportion": "proportion", "difference": "difference of proportions", "crimes": "crimes"}


def citation(results: Results) -> str:
    """How to cite a report, as plain text: what, of which force, when, which version, and what kind of records.

    The parameters know no publisher, so none is named.
    """
    publication, period = results.publication, results.audit_period
    draft = ", draft" if publication["status"] == "draft" else ""
    text = (
        f"{publication['title']}: {results.force_name}. {wording.day(publication['date'])}, version "
        f"{publication['version']}{draft}. Audit period {wording.period(period['start'], period['end'])}."
    )
    if results.records["status"] == "audit":
        return text
    return f"{text} Computed from records that are {_kind_of_records(results)}."


def _kind_of_records(results: Results) -> str:
    return {"reconstruction": "a reconstruction, not those of an audit", "invented": "invented"}[
        results.records["status"]
    ]


def json_ld(results: Results) -> dict[str, Any]:
    """The report and its data in the vocabulary of schema.org, to be put into the page as JSON-LD.

    Addresses are relative to the page. Rates are proportions in [0, 1] and unrounded. What is not known, such as a
    publisher, is left out. :func:`cdi_lib.render.rendering.render` escapes what could end the element that holds it.
    """
    publication, period = results.publication, results.audit_period
    is_draft = publication["status"] == "draft"
    common = {
        "inLanguage": "en-GB",
        "dateCreated" if is_draft else "datePublished": publication["date"],
        "version": publication["version"],
        "creativeWorkStatus": "Draft" if is_draft else "Published",
        "temporalCoverage": f"{period['start']}/{period['end']}",
        "spatialCoverage": {"@type": "AdministrativeArea", "name": f"{results.short_name} police force area"},
        "isAccessibleForFree": True,
    } | _rights(publication.get("rights"))
    title = f"{results.force_name}: {publication['title']}"
    dataset = {
        "@type": "Dataset",
        "@id": "#dataset",
        "name": f"{title}, results and tables",
        "description": f"Every figure of the report, unrounded, with n, N, interval and method. {_about(results)}",
        **common,
        "keywords": ["crime data integrity", "crime recording", "police"],
        "variableMeasured": [_variable(key, results) for key in results.estimates],
        "measurementTechnique": "Random sample of incidents; stratified or pooled ratio estimates with intervals",
        "distribution": _distribution(results),
    }
    if sources := _sources(results):
        dataset["isBasedOn"] = [{"@type": "CreativeWork", "name": name} for name in sources]
    report = {
        "@type": "Report",
        "@id": "#report",
        "name": title,
        "description": _about(results),
        **common,
        "creditText": citation(results),
        "about": {"@type": "Organization", "name": results.force_name},
        "genre": publication["type"],
        "url": "index.html",
        "encoding": [_file("report.pdf", "application/pdf", "The report as PDF")],
        "hasPart": {"@id": "#dataset"},
    }
    return {"@context": "https://schema.org", "@graph": [report, dataset]}


def _about(results: Results) -> str:
    """What the report is, and first of all whether its records are real."""
    period = wording.period(results.audit_period["start"], results.audit_period["end"])
    text = (
        f"How much of the crime that is reported to {results.force_name} the force records: recording rates with "
        f"confidence intervals, crime that goes unrecorded in a year, and grades. Audit period {period}."
    )
    if results.records["status"] == "audit":
        return text
    note = results.records.get("note") or ""
    return f"The records are {_kind_of_records(results)}. {note} {text}".replace("  ", " ")


def licences(rights: str | None) -> dict[str, str]:
    """The licences that a copyright line names, with their addresses."""
    return {name: address for name, address in _LICENCES.items() if name in (rights or "")}


def _rights(rights: str | None) -> dict[str, str]:
    """The copyright line, and the address of the licence if the line names one that we know."""
    if not rights:
        return {}
    known = list(licences(rights).values())
    return {"copyrightNotice": rights} | ({"license": known[0]} if len(known) == 1 else {})


def _variable(key: str, results: Results) -> dict[str, Any]:
    estimate = results.estimates[key]
    found = {
        "@type": "PropertyValue",
        "name": estimate_name(key, estimate, results.details),
        "value": estimate.value,
        "minValue": estimate.low,
        "maxValue": estimate.high,
        "unitText": _UNITS[estimate.unit],
        "measurementTechnique": f"{estimate.estimator}, {wording.percent_confidence(estimate)} "
        f"{estimate.interval} interval, n = {wording.count(estimate.n)}",
    }
    return {key: value for key, value in found.items() if value is not None}


def estimate_name(key: str, estimate: EstimateResult, details: Details) -> str:
    """What an estimate is, where it stands alone: a rate says that it is one.

    >>> fields = {"value": 0.9, "se": None, "low": None, "high": None, "n": 9, "confidence": 0.95}
    >>> fields |= {"estimator": "pooled", "interval": "wilson", "notebook": "2_effectiveness"}
    >>> estimate_name("overall", EstimateResult(**fields), Details())
    'Recording rate, all crime'
    """
    label = labels.of_estimate(key, details)
    if estimate.unit != "proportion" or label.lower().startswith("recording rate"):
        return label
    return f"Recording rate, {label[:1].lower()}{label[1:]}"


def _file(address: str, media_type: str, name: str) -> dict[str, str]:
    return {"@type": "DataDownload", "contentUrl": address, "encodingFormat": media_type, "name": name}


def _distribution(results: Results) -> list[dict[str, str]]:
    """The data files that stand beside the report."""
    files = [
        _file("results.json", "application/json", "All results"),
        _file("tables.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "All tables"),
    ]
    for output in index.tables_of(results.told).values():
        if output.build(results) is not None:
            name = f"tables/{output.id.removeprefix('tbl-')}.csv"
            files.append(_file(name, "text/csv", output.title))
    return files


def _sources(results: Results) -> list[str]:
    """The publications that figures were taken from, each once, in order."""
    published = [row.source for row in results.details.published]
    assumed = [row.source for row in results.details.assumptions if row.status == "published"]
    return list(dict.fromkeys(published + assumed))
