"""A force with hostile text in every free-text parameter and marked references in every table, and its report.

Built once for the tests of injection and of personal data: what readers get must show the text as text, and no reference
at all.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from bad_inputs import in_yaml
from complete_force import BY_ROUTE, complete_parameters, complete_tables, write_files

from cdi_lib.inspection.folders import PROJECT
from cdi_lib.pipeline.build import build_report

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</title></style></script><b>bold</b>",
    "<!-- hidden -->",
    "&lt;b&gt; &amp;",
    "[link](javascript:alert(1))",
    "![image](https://example.org/x.png)",
    "https://example.org/bare?a=1&b=2",
    "{{< include /etc/passwd >}}",
    "{{< meta title >}}",
    '`#read("/etc/passwd")`{=typst}',
    "`<b>raw</b>`{=html}",
    '#import "@preview/x:1.0.0": *',
    '#panic("typst")',
    "$x^2$ \\(y\\) \\[z\\]",
    "@tbl-rates [@nobody2020] @fig-rates",
    "[^1] ^[note]",
    "::: {.callout-note} :::",
    "| a | b | c",
    "---- ==== ***",
    ":tada: [[wiki]]",
    "~~struck~~ **bold** *it* _it_ H~2~O",
    "# heading",
    "{.class #id key=val}",
    "`; rm -rf ~`$(id)",
    "${HOME} %PATH% \\input{x}",
    "%s %d {0} {force} {{ jinja }} {% raw %}",
    "\"quote\" 'single'",
    "line\nbreak",
    "café ü ß — …",
)
FORMULA = "=cmd|' /C calc'!A0"
FIRST_CHARACTERS = (FORMULA, "+1+1", "-1+1", "@SUM(1)", "# x", "- x", "1. x", "> x", "| x", "::: x", "--- x", "% x")


class _Hostile:
    """Hostile texts in turn, each with a number by which it can be found: ``hostile017``."""

    def __init__(self):
        self.texts: list[str] = []

    def next(self) -> str:
        number = len(self.texts)
        first = FIRST_CHARACTERS[number % len(FIRST_CHARACTERS)]
        text = f"{first} hostile{number:03} {HOSTILE[number % len(HOSTILE)]}"
        self.texts.append(text)
        return text


@dataclass(frozen=True)
class Planted:
    """The planted force: its parameters and its report, all hostile texts, all markers, and what the build printed."""

    params: Path
    folder: Path
    texts: tuple[str, ...]
    markers: tuple[str, ...]
    printed: str


def hostile_parameters(hostile: _Hostile) -> dict:
    """The complete parameters with every free text replaced."""
    free = {"name", "short_name", "title", "type", "version", "rights", "note", "source", "criterion", "evidence"}
    free |= {"reason", "role", "text", "trained", "ethics", "final_despite"}
    lists = {"findings", "recorded", "not_recorded"}

    def replaced(value, key="", inside=False):
        if isinstance(value, dict):
            return {k: replaced(v, k, inside or key in lists) for k, v in value.items()}
        if isinstance(value, list):
            return [replaced(v, key, inside or key in lists) for v in value]
        return hostile.next() if isinstance(value, str) and (key in free or inside) else value

    content = complete_parameters()
    content["findings"] |= {name: [""] for name in _findings() if name not in content["findings"]}
    content = replaced(content)
    more = [hostile.next() for _ in HOSTILE]
    content["findings"]["overall"] += more
    content["findings"]["improved"] += [hostile.next() for _ in FIRST_CHARACTERS]
    content["survey_statements"] = {"../../<b>|trained": hostile.next(), "=ethics": hostile.next()}
    content["assumptions"] += [
        {"text": hostile.next(), "status": "assumed", "source": "w" * 300},
        {"text": "Zeit\u200b" * 3, "status": "assumed", "source": hostile.next()},
    ]
    return content


def _findings() -> list[str]:
    from cdi_lib.inspection.parameters import Findings

    return list(Findings.model_fields)


def hostile_criteria(hostile: _Hostile) -> dict:
    """The project's criteria with every text of theirs replaced."""
    content = yaml.safe_load((PROJECT / "params" / "programmes" / "cdi-2017.yml").read_text(encoding="utf-8"))
    content |= {"name": "own", "title": hostile.next(), "note": hostile.next(), "version": hostile.next()}
    for element in content["elements"].values():
        element |= {"label": hostile.next(), "reason": hostile.next()}
    for question in (*content["questions"].values(), content["overall"]):
        question["label"] = hostile.next()
        for rule in question["rules"].values():
            rule["sentence"] = hostile.next()
    return content


IDENTITIES = {
    "crimes": ("crime_id", "incident_id"),
    "dip_records": ("record_id",),
    "n100": ("record_id",),
    "cancellations": ("crime_id",),
    "survey": ("respondent_id",),
    "challenges": ("crime_id", "rule", "reason"),
}


def _marked(value: str, marker: str, place: str) -> str:
    """A hostile reference with a marker; what is the same reference in two tables stays the same."""
    if value[:2] in ("VA", "VC", "TP", "MS"):
        marker = "ZqdiprecordsrecordidXj"
    elif place == "challenges.crime_id":
        marker = "ZqcrimescrimeidXj"
    return f"{FORMULA} <b>{marker}</b> {value}" if value else ""


def planted_tables(hostile: _Hostile) -> tuple[dict, list[str]]:
    """The complete tables with a marker in every reference (equal references stay equal), and the markers."""
    tables, markers = complete_tables(), []
    for name, table in tables.items():
        for column in IDENTITIES.get(name, ()):
            marker = f"Zq{name}{column}Xj".replace("_", "")
            table[column] = [_marked(value, marker, f"{name}.{column}") for value in table[column].astype(str)]
            if (name, column) != ("challenges", "crime_id"):
                markers.append(marker)
    tables["survey"]["statement"] = tables["survey"]["statement"].map(
        {"trained": "../../<b>|trained", "ethics": "=ethics"}
    )
    tables["published"][["figure", "source", "published"]] = [[hostile.next(), hostile.next(), hostile.next()]]
    return tables, markers


@cache
def planted() -> Planted:
    """Build the planted force; what the build prints is kept."""
    scratch = Path(tempfile.mkdtemp(prefix="cdi-planted-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    hostile = _Hostile()
    content = hostile_parameters(hostile) | {"programme": "own"}
    tables, markers = planted_tables(hostile)
    criteria = hostile_criteria(hostile)
    content["recorded_crime_by_route"] = {name: row | {"source": hostile.next()} for name, row in BY_ROUTE.items()}
    files = {"testshire.yml": in_yaml(content), "programmes/own.yml": in_yaml(criteria)}
    files |= {f"testshire/{name}.csv": table.to_csv(index=False).encode() for name, table in tables.items()}
    params = write_files(scratch / "params", files)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        report = build_report("testshire", "pandoc", params=params, reports=scratch / "reports")
    return Planted(params, report.folder, tuple(hostile.texts), tuple(markers), printed.getvalue())
