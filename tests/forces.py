"""Invented forces for tests: a parameter file and record tables, small and easy to change."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pandas as pd
import yaml

from cdi_lib.inspection.folders import PROJECT

PARAMETERS = {
    "schema_version": 1,
    "force": {"name": "Testshire Police", "short_name": "Testshire"},
    "publication": {"title": "Crime data integrity inspection 2022", "date": "2022-09-01"},
    "audit_period": {"start": "2022-01-01", "end": "2022-06-30"},
    "records": {"status": "invented", "note": "Invented records for tests."},
    "recorded_crime": {
        name: {"value": value, "status": "assumed", "source": "invented"}
        for name, value in {"violence": 9000, "sexual": 1200, "other": 14000}.items()
    },
    "auditable_route_percent": {"value": 95.0, "status": "assumed", "source": "invented"},
}
CLASSES = {"violence": "105A", "sexual": "20A", "other": "46"}


def parameters(**changes) -> dict:
    """The parameters of Testshire, with some top-level keys replaced (None removes a key)."""
    content = copy.deepcopy(PARAMETERS) | changes
    return {key: value for key, value in content.items() if value is not None}


def crimes(audited: dict[str, int], recorded: dict[str, int], per_incident: int = 2) -> pd.DataFrame:
    """Main-sample crimes with given counts; incidents hold several crimes of one type."""
    rows = []
    for crime_type, number in audited.items():
        for k in range(number):
            is_recorded = k < recorded[crime_type]
            rows.append(
                {
                    "crime_id": f"{crime_type[0].upper()}{k:04}",
                    "incident_id": f"I{crime_type[0].upper()}{k // per_incident:04}",
                    "sample": "main",
                    "stratum": crime_type,
                    "crime_type": crime_type,
                    "offence_class": CLASSES[crime_type],
                    "route": "control_room" if k % 3 else "crime_recording_centre",
                    "domestic_abuse": "yes" if k % 4 == 0 else "no",
                    "recorded": "yes" if is_recorded else "no",
                    "recorded_as": "" if is_recorded else "nothing",
                    "reported_at": f"2022-0{1 + k % 6}-{1 + k % 28:02} 10:00",
                    "recorded_at": f"2022-0{1 + k % 6}-{1 + k % 28:02} {'11:30' if k % 5 else '23:59'}"
                    if is_recorded
                    else "",
                }
            )
    return pd.DataFrame(rows)


def write_force(
    params: Path, force: str, content: dict | None = None, tables: dict[str, pd.DataFrame] | None = None
) -> Path:
    """Write ``<params>/<force>.yml`` and its tables; by default a small force without any optional part."""
    folder = params / force
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(content or parameters(), sort_keys=False, allow_unicode=True)
    (params / f"{force}.yml").write_text(text, encoding="utf-8")
    default = {
        "crimes": crimes({"violence": 200, "sexual": 80, "other": 160}, {"violence": 180, "sexual": 76, "other": 150})
    }
    for name, table in (tables or default).items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return params


def copy_project(folder: Path) -> Path:
    """A copy of what reports are made from, which a test may change; commands run in it."""
    for part in ("cdi_lib", "notebooks", "params/programmes", "_extensions"):
        shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "made"))
    for name in ("_quarto.yml", "requirements.lock", "params/offence_classes.csv"):
        shutil.copy(PROJECT / name, folder / name)
    built = lambda parent, names: [name for name in names if "." not in name and name not in ("text", "en")]
    shutil.copytree(PROJECT / "reports", folder / "reports", ignore=built)
    return folder


def question(id_="overall", decided="good", **changes):
    """A judgement of a question, or of the whole, as ``results.json`` holds it."""
    found = {
        "id": id_,
        "label": id_.capitalize(),
        "computed": decided,
        "decided": decided,
        "reason": None,
        "role": None,
    }
    found |= {"rule": {"kind": "other"}, "evidence": {}, "next_better": [], "next_worse": [], "probabilities": None}
    return found | changes


def element(id_, measure, **changes):
    """A judgement of an element as ``results.json`` holds it."""
    found = question(id_) | {"question": "effective", "measure": measure, "status": "judged", "evidence": None}
    found |= {"bands": {}, "reason_for_bands": "", "next_better": None, "next_worse": None}
    return found | changes


def judgements(*elements, overall=None, questions=()):
    """All judgements of an inspection as ``results.json`` holds them."""
    framework = {"name": "test", "version": "1", "date": "2017-01-01", "title": "Test", "note": "For a test."}
    parts = {"elements": elements, "questions": questions, "overall": overall or question()}
    return {"framework": framework, "scale": ["good", "poor"], "rules": {}} | parts
