"""Data to use again: what the files say of themselves is true, and whoever has only them can recompute what is printed."""

import csv
import json
import re
from decimal import ROUND_HALF_UP, Decimal

import built
import jsonschema
import pytest
from lxml import html

from cdi_lib.inspection.results import Results
from cdi_lib.report import index
from cdi_lib.report.dictionary import meaning
from cdi_lib.report.labels import book

REPORTS = {"northamptonshire": built.northamptonshire, "testshire": built.testshire}


@pytest.fixture(params=list(REPORTS))
def report(request):
    return REPORTS[request.param]()


def metadata(report):
    return json.loads((report / "tables" / "csv-metadata.json").read_text("utf-8"))


def rows_of(report, url):
    with (report / "tables" / url).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_results_are_of_their_schema(report):
    schema = json.loads((report / "results.schema.json").read_text("utf-8"))
    results = json.loads((report / "results.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(results, schema, jsonschema.Draft202012Validator)
    results["estimates"]["overall"]["value"] = "92.0%"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(results, schema, jsonschema.Draft202012Validator)


def test_every_column_is_described_and_holds_one_type(report):
    described = {table["url"]: table["tableSchema"] for table in metadata(report)["tables"]}
    assert set(described) == {path.name for path in (report / "tables").glob("*.csv")}
    reads = {"integer": int, "double": float, "string": str}
    for url, schema in described.items():
        rows = rows_of(report, url)
        assert list(rows[0]) == [column["name"] for column in schema["columns"]]
        for column in schema["columns"]:
            assert re.fullmatch(r"\w+", column["name"]) and column["dc:description"]
            values = [row[column["name"]] for row in rows if row[column["name"]]]
            assert not {"not applicable", "none", "None"} & set(values), (url, column["name"])
            assert all(reads[column["datatype"]](value) is not None for value in values)
            if column["datatype"] == "string" and column["name"] not in (
                "published",
                "computed",
                "text",
                "sha256",
                "inspection",
            ):
                assert not any(re.fullmatch(r"[\d.,]+%?", value) for value in values), (url, column["name"])
        if "primaryKey" in schema:
            codes = [row["code"] for row in rows]
            assert len(set(codes)) == len(codes)


def test_the_dictionary_has_no_word_too_many():
    used = {
        column["name"]
        for build in REPORTS.values()
        for table in metadata(build())["tables"]
        for column in table["tableSchema"]["columns"]
    }
    of_other_tables = {"note", "weight", "frame_incidents", "audited_incidents"}
    of_other_tables |= {"id", "raised_on", "owner", "deadline", "cause", "became"}
    of_other_tables |= {"selected", "reserves", "returned", "crime", "no_crime", "cannot_be_audited"}
    words = book("dictionary")
    assert {key for key in words if "_" not in (key[0], key[-1])} - used <= of_other_tables
    assert meaning("least_finding_good", words) == words["least_finding_"] and meaning("splendid", words) == words["_"]


def printed(value, unit, pattern):
    """A number of a file as the dictionary says that a page shows it."""
    number = Decimal(repr(float(value)))
    if unit == "proportion" and "%" in pattern:
        places = len(pattern.partition(".")[2].rstrip("%"))
        return f"{(number * 100).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}%"
    return None


def test_a_journalist_finds_every_percentage_of_the_tables_in_the_files(report):
    page = html.fromstring((report / "index.html").read_bytes())
    titles = {table["dc:title"]: table for table in metadata(report)["tables"]}
    compared = 0
    for shown in page.iter("table"):
        caption = " ".join("".join(shown.find("caption").itertext()).split())
        found = next((table for title, table in titles.items() if title in caption), None)
        if found is None:
            continue
        rows, columns = rows_of(report, found["url"]), found["tableSchema"]["columns"]
        percent = [
            c for c in columns if "%" in c.get("schema:valuePattern", "") and c["schema:unitText"] == "proportion"
        ]
        if found["url"] == "probabilities.csv":  # told as under and over at the ends
            continue
        body = shown.findall(".//tbody/tr")
        assert len(body) == len(rows)
        headers = ["".join(cell.itertext()).strip() for cell in shown.findall(".//thead/tr/th")]
        for line, row in zip(body, rows, strict=True):
            cells = dict(zip(headers, ("".join(cell.itertext()).strip() for cell in line), strict=True))
            for column in percent:
                if value := row[column["name"]]:
                    assert cells[column["titles"]] == printed(value, "proportion", column["schema:valuePattern"])
                    compared += 1
    assert compared > 20


def test_words_of_a_row_are_not_written_over_by_how_its_interval_was_made(report):
    names = [row["estimator"] for row in rows_of(report, "estimators.csv")]
    assert names == ["Pooled", "Stratified by crime type"]


def test_sentences_stand_on_results_that_the_files_hold(report):
    results = Results.model_validate_json((report / "results.json").read_text("utf-8"))
    rows = {row["code"]: row for row in rows_of(report, "rates.csv")}
    for key, row in rows.items():
        estimate = results.estimates[key]
        assert (float(row["rate"]), float(row["se"]), float(row["confidence"]), row["interval"], row["unit"]) == (
            estimate.value, estimate.se, estimate.confidence, estimate.interval, "proportion",
        )  # fmt: skip
    assert set(index.tables_of(results.told)) >= {f"tbl-{table['url'][:-4]}" for table in metadata(report)["tables"]}
