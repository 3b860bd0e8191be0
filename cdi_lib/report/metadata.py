"""A report as data about data: how to cite it, and its description by schema.org for search engines and catalogues."""

from collections.abc import Mapping
from typing import Any

from cdi_lib.inspection.details import Details
from cdi_lib.inspection.results import EstimateResult, Results
from cdi_lib.report import dictionary, index, labels, wording
from cdi_lib.report.labels import book, said

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
    text = said(
        f"metadata.citation{'_draft' if publication['status'] == 'draft' else ''}",
        title=publication["title"],
        force=results.force_name,
        day=wording.day(publication["date"]),
        version=publication["version"],
        period=wording.period(period["start"], period["end"]),
    )
    if (kind := results.records["status"]) == "audit":
        return text
    return f"{text} {said('metadata.records', records=said(f'metadata.{kind}'))}"


def json_ld(results: Results) -> dict[str, Any]:
    """The report and its data in the vocabulary of schema.org, to be put into the page as JSON-LD.

    Addresses are relative to the page. Rates are proportions in [0, 1] and unrounded. What is not known, such as a
    publisher, is left out. :func:`cdi_lib.render.rendering.render` escapes what could end the element that holds it.
    """
    publication, period = results.publication, results.audit_period
    is_draft = publication["status"] == "draft"
    common = {
        "inLanguage": book("phrases")["language"],
        "dateCreated" if is_draft else "datePublished": publication["date"],
        "version": publication["version"],
        "creativeWorkStatus": "Draft" if is_draft else "Embargoed" if publication.get("embargo") else "Published",
        "temporalCoverage": f"{period['start']}/{period['end']}",
        "spatialCoverage": {"@type": "AdministrativeArea", "name": f"{results.short_name} police force area"},
        "isAccessibleForFree": True,
    } | _rights(publication.get("rights"))
    title = f"{results.force_name}: {publication['title']}"
    dataset = {
        "@type": "Dataset",
        "@id": "#dataset",
        "name": f"{title}, results and tables",
        "description": said("metadata.data", sources=_about(results)),
        **common,
        "keywords": ["crime data integrity", "crime recording", "police"],
        "variableMeasured": [_variable(key, results) for key in results.estimates],
        "measurementTechnique": said("metadata.technique"),
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
        **({"correction": [item["reason"] for item in fixed]} if (fixed := publication.get("corrections")) else {}),
        **({"contactPoint": {"@type": "ContactPoint", **who}} if (who := _contact(publication)) else {}),
        "encoding": [_file("report.pdf", "application/pdf", said("metadata.pdf"))],
        "hasPart": {"@id": "#dataset"},
    }
    return {"@context": "https://schema.org", "@graph": [report, dataset]}


def _about(results: Results) -> str:
    """What the report is, and first of all whether its records are real."""
    period = wording.period(results.audit_period["start"], results.audit_period["end"])
    text = said("metadata.about", force=results.force_name, period=period)
    if (kind := results.records["status"]) == "audit":
        return text
    records = said("metadata.about_records", records=said(f"metadata.{kind}"), note=results.records.get("note") or "")
    return f"{records} {text}".replace("  ", " ")


def _contact(publication: Mapping[str, Any]) -> dict[str, str]:
    contact = publication.get("contact")
    return {"name": contact["name"], "description": contact["address"]} if contact else {}


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
    how = {"estimator": estimate.estimator, "interval": estimate.interval, "n": wording.count(estimate.n)}
    how["level"] = wording.percent_confidence(estimate)
    found = {
        "@type": "PropertyValue",
        "name": estimate_name(key, estimate, results.details),
        "value": estimate.value,
        "minValue": estimate.low,
        "maxValue": estimate.high,
        "unitText": _UNITS[estimate.unit],
        "measurementTechnique": said("metadata.measured", **how),
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
    if estimate.unit != "proportion" or label.startswith(said("results.rate")):
        return label
    return said("results.rate_named", what=labels.lower_first(label))


def _file(address: str, media_type: str, name: str) -> dict[str, str]:
    return {"@type": "DataDownload", "contentUrl": address, "encodingFormat": media_type, "name": name}


def _distribution(results: Results) -> list[dict[str, str]]:
    """The data files that stand beside the report."""
    files = [
        _file("results.json", "application/json", said("metadata.results")),
        _file(dictionary.SCHEMA, "application/schema+json", said("metadata.schema")),
        _file(f"tables/{dictionary.METADATA}", "application/csvm+json", said("metadata.columns")),
        _file(
            "tables.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", said("metadata.tables")
        ),
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
