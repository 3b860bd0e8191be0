"""The pages of the documentation that follow from the models: the schema of results and the dictionary of the tables."""

import json
import sys
from pathlib import Path

from cdi_lib.report.dictionary import SCHEMA, schema
from cdi_lib.report.labels import book


def write(folder: Path) -> None:
    """Write the JSON Schema and a page with the meaning of every column."""
    (folder / SCHEMA).write_text(json.dumps(schema(), indent=1) + "\n", encoding="utf-8")
    cells = "".join(f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in book("dictionary").items())
    page = f'<!doctype html><html lang="en-GB"><title>Columns of the tables</title><table>{cells}</table></html>\n'
    (folder / "columns.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
