"""Audits under the rules of 2018, across June 2023, and under those since: told and compared by their rules."""

import pytest
from bad_inputs import in_yaml
from complete_force import write_files
from forces import crimes, parameters
from test_report import page_text

from cdi_lib.comparison.compare import compare
from cdi_lib.inspection.published import read_published
from cdi_lib.inspection.results import read_results
from cdi_lib.pipeline import pages
from cdi_lib.pipeline.build import build_report

ERAS = {  # force: audit period, programme, rule
    "oldshire": (("2019-01-01", "2019-06-30"), "cdi-2017", "after"),
    "crossshire": (("2023-03-01", "2023-08-31"), "peel-2021", "across 2023"),
    "newshire": (("2024-01-01", "2024-06-30"), "qsr-2025", "from 2023"),
    "nextshire": (("2025-01-01", "2025-06-30"), "next", "from 2025-01-01, 48 hours"),
}
NEXT = """
name: next
extends: qsr-2025
recording_rules: [{since: 2023-06-01, limit_hours: 24, principal_crime: As it was.}, {since: 2025-01-01, limit_hours: 48,
  principal_crime: Every crime is recorded.}]
"""


def of_era(force: str) -> dict[str, bytes]:
    (start, end), programme, _ = ERAS[force]
    main = crimes({"violence": 60, "sexual": 40, "other": 60}, {"violence": 54, "sexual": 38, "other": 57})
    for column in ("reported_at", "recorded_at"):
        for month in range(1, 7):
            moved = f"{start[:5]}{int(start[5:7]) + month - 1:02}"
            main[column] = main[column].str.replace(f"2022-0{month}-", f"{moved}-")
    name = force.capitalize()
    content = parameters(
        force={"name": f"{name} Police", "short_name": name}, programme=programme,
        audit_period={"start": start, "end": end}, publication={"title": "Inspection", "date": f"{int(end[:4]) + 1}-02-01"},
    )  # fmt: skip
    return {f"{force}.yml": in_yaml(content), f"{force}/crimes.csv": main.to_csv(index=False).encode()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eras")
    files = {name: item for force in ERAS for name, item in of_era(force).items()}
    params = write_files(folder / "params", files | {"programmes/next.yml": NEXT.encode()})
    return {force: build_report(force, "pandoc", params=params, reports=folder / "reports").folder for force in ERAS}


def test_each_report_prints_the_rule_of_its_time(built):
    since = {"oldshire": "2018-04-01", "crossshire": "2018-04-01", "newshire": "2023-06-01", "nextshire": "2025-01-01"}
    for force, folder in built.items():
        rule, text = read_results(folder / "results.json").details.recording_rule, page_text(folder)
        assert str(rule.since) == since[force]
        assert rule.principal_crime in text
        assert ("Since June 2023 this has held for stalking" in text) == (force in ("newshire", "crossshire"))
        assert ("From 1 June 2023 on, within the audit period" in text) == (force == "crossshire")
        assert ("within 48 hours" in text, "within 24 hours" in text) == (force == "nextshire", force != "nextshire")


def test_the_comparison_keeps_them_apart(built, tmp_path):
    results = [folder / "results.json" for folder in built.values()]
    found = compare([read_results(path) for path in results], read_published())
    own = {item.force: item for item in found.inspections}
    assert {force: own[force.capitalize()].rule for force in ERAS} == {force: era[2] for force, era in ERAS.items()}
    pooled = {name: group.rule for group in found.groups for name in (item.name for item in group.shrunken)}
    assert {pooled.get(own[force.capitalize()].name) for force in ("crossshire", "newshire", "nextshire")} == {
        None
    }  # alone in theirs
    pages.build_comparison(results, tmp_path, "pandoc")
    text = page_text(tmp_path)
    for words in ("24 hours and the counting rules of April 2018", "audit period on both sides of June 2023",
                  "24 hours and the counting rules of June 2023", "48 hours and the rules of 1 January 2025"):  # fmt: skip
        assert words in text or words.capitalize() in text, words
