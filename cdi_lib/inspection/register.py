"""The register of areas for improvement: those that earlier inspections left open are carried on."""

from __future__ import annotations

from pathlib import Path

from cdi_lib.inspection.files import as_table, find_table, read
from cdi_lib.inspection.parameters import Inspection, load_inspection
from cdi_lib.inspection.problems import Problem
from cdi_lib.inspection.records import AuditRecords
from cdi_lib.inspection.tables import columns_of


def check_register(force: str, inspection: Inspection, records: AuditRecords, params: Path) -> list[Problem]:
    """Open areas of the earlier inspection that ``previous_inspection.parameters`` names and the register passes over."""
    previous = inspection.previous_inspection
    if previous is None or previous.parameters is None:
        return []
    of, place = previous.parameters, f"params/{force}/register.csv"
    named = {area.id: area.text for area in load_inspection(of, params).areas_for_improvement if area.id}
    if path := find_table("register", params / of):
        table = as_table(read(path, f"params/{of}/{path.name}", columns_of("register"), name="register"))
        named |= {row["id"]: row["text"] for row in table.to_dict("records") if row["became"] == "open"}
    carried = set() if records.register is None else set(records.register["id"])
    expected = f"what became of it: open, done or superseded; it stands in params/{of}.yml or its register"
    return [Problem(place, "column id", f"no area '{id_}'", expected) for id_ in named if id_ not in carried]
