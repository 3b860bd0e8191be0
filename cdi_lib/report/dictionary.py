"""What the data files beside a report hold: CSV on the Web metadata of the tables, and the JSON Schema of the results.

The meanings of columns are in ``reports/text``; types and units follow from what the tables hold.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdi_lib.inspection.results import Results, write_json
from cdi_lib.report.labels import book, said
from cdi_lib.report.tables import Column, Table, csv_keys, header_of, to_csv

METADATA, SCHEMA = "csv-metadata.json", "results.schema.json"
# How a number in a table is printed, by the way in which its column shows it: unit in the file, and its rounding on the page
_UNITS = {"0.0%": "proportion", "0.00%": "proportion", "0%": "proportion", "0.00": "proportion", "#,##0": "count"}


def write(
    folder: Path, found: Mapping[str, Table], titles: Mapping[str, str], title: str, notice: str = "", words: str = ""
) -> None:
    """Write tables as CSV files named after their ids, with CSV on the Web metadata: what each column holds.

    Of each table file and title, of each column name, type, unit and meaning, for which ``words`` names a book beside the
    dictionary. See https://www.w3.org/TR/tabular-metadata/. Missing values are empty cells; proportions are in [0, 1].
    """
    meanings = book("dictionary") | (book(words) if words else {})
    about: dict[str, Any] = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": book("phrases")["language"][:2]}],
        "dc:title": title,
        "dc:description": f"{said('dictionary.about')} {notice}".strip(),
        "tables": [_table(identity, table, titles[identity], meanings) for identity, table in found.items()],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for described, table in zip(about["tables"], found.values(), strict=True):
        (folder / described["url"]).write_text(to_csv(table), encoding="utf-8", newline="")
    write_json(folder / METADATA, about)


def _table(identity: str, table: Table, title: str, meanings: Mapping[str, str]) -> dict[str, Any]:
    shown = {column.key: column for column in table.columns}
    columns = [_column(key, shown.get(key), [row.get(key) for row in table.rows], meanings) for key in csv_keys(table)]
    schema: dict[str, Any] = {"columns": columns}
    codes = [row.get("code") for row in table.rows]
    if None not in codes and len(set(codes)) == len(codes):
        schema["primaryKey"] = "code"
    return {"url": f"{identity.removeprefix('tbl-')}.csv", "dc:title": title, "tableSchema": schema}


def _column(key: str, shown: Column | None, values: list[Any], meanings: Mapping[str, str]) -> dict[str, Any]:
    kinds = {type(value) for value in values if value not in (None, "")}
    datatype = "string" if kinds - {int, float} or not kinds else "double" if float in kinds else "integer"
    found: dict[str, Any] = {"name": header_of(key), "titles": shown.header if shown else header_of(key)}
    found |= {"datatype": datatype, "null": "", "dc:description": meaning(key, meanings)}
    if shown and shown.number and datatype != "string":
        found |= {
            "schema:unitText": _UNITS.get(shown.number_format, "number"),
            "schema:valuePattern": shown.number_format,
        }
    return found


def meaning(key: str, meanings: Mapping[str, str]) -> str:
    """What a column of this name holds; one named after a grade, a question or a type of crime is meant by its form."""
    fits = lambda form: key.startswith(form) if form[-1] == "_" else form[0] == "_" and key.endswith(form)
    return meanings.get(key) or meanings[max(filter(fits, meanings), key=len, default="_")]


def schema() -> dict[str, Any]:
    """The JSON Schema of ``results.json``, from the models that write and read it."""
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return about | Results.model_json_schema(mode="serialization") | {"title": "results.json"}
