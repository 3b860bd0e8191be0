"""Programmes and samples that are unlike the usual ones: own columns, everything audited, a type without a crime."""

import openpyxl
import pandas as pd
import pytest
from bad_inputs import in_yaml
from complete_force import write_files
from forces import crimes, parameters
from test_report import page_text

from cdi_lib.fieldwork.worksheet import AUDIT_SHEET, columns_for, write_worksheet
from cdi_lib.inspection import counting
from cdi_lib.inspection.measures import doubtful_frame
from cdi_lib.inspection.parameters import load_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.results import read_results
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.pipeline.build import build_report
from cdi_lib.pipeline.notebooks import BuildError
from cdi_lib.report import charts

BY_DIVISION = """
name: divisions
extends: cdi-2017
version: "1.0"
date: 2022-01-01
title: By division
note: For a test.
columns:
  division: {description: division in which it was reported, values: [north, south]}
  office: {description: office that took the report, blank: true}
estimates:
  south: {label: Crime reported in the south, where: {division: south}}
  desk: {label: Crime reported at the front desk, where: {office: front desk}}
shares:
  third_party_here: {label: E-mailed referrals by the control room, where: {sample: third_party_email, route: control_room}}
tables:
  tbl-divisions: {title: Divisions, kind: rates, rows: {south: South}}
  tbl-routes: {title: Referrals by route, kind: dip, rows: {third_party_here: By the control room, third_party: All}}
"""
SECTION = """## By division

{{ rate_sentence("south", "crime reported in the south") }}

{{ table("tbl-divisions") }}

{{ table("tbl-routes") }}
"""


def by_division(sections=SECTION, programme=BY_DIVISION) -> dict[str, bytes]:
    programme += "chapters: {questions: {divisions: []}}\n"
    main = crimes({"violence": 60, "sexual": 40, "other": 60}, {"violence": 54, "sexual": 38, "other": 57})
    table = main.assign(division=["north", "south"] * 80, office="front desk")
    dip = table.iloc[:3].assign(
        crime_id=["D1", "D2", "D3"], incident_id=["E1", "E1", "E2"], sample="third_party_email", stratum="",
        route=["control_room", "", ""], recorded_at="",
    )  # fmt: skip
    records = pd.DataFrame({"record_id": ["E1", "E2", "E3"], "sample": "third_party_email"})
    return {
        "testshire.yml": in_yaml(parameters(programme="divisions")),
        "programmes/divisions.yml": programme.encode(),
        "testshire/crimes.csv": pd.concat([table, dip]).to_csv(index=False).encode(),
        "testshire/dip_records.csv": records.to_csv(index=False).encode(),
        "testshire/text/divisions.md": sections.encode(),
    }


def test_a_column_of_the_programme_is_asked_for_counted_and_printed(tmp_path):
    params = write_files(tmp_path / "params", by_division())
    inspection = load_inspection("testshire", params)
    incidents = pd.DataFrame({"id": ["1"], "stratum": ["violence"], "reported_at": [pd.NaT], "route": [None]})
    sheet = openpyxl.load_workbook(write_worksheet(tmp_path / "w.xlsx", incidents, "first", inspection))[AUDIT_SHEET]
    assert (
        [cell.value for cell in sheet[1]][-2:] == ["division", "office"] == list(columns_for(inspection.programme))[-2:]
    )
    assert '"north,south"' in {check.formula1 for check in sheet.data_validations.dataValidation}
    folder = build_report("testshire", "pandoc", params=params, reports=tmp_path / "reports").folder
    found = read_results(folder / "results.json")
    assert found.estimates["south"].n == 80
    assert "of reported crime reported in the south" in page_text(folder)


def test_records_examined_are_not_told_of_a_part_of_them(tmp_path):
    params = write_files(tmp_path / "params", by_division())
    folder = build_report("testshire", "pandoc", params=params, reports=tmp_path / "reports").folder
    rows = pd.read_csv(folder / "tables/routes.csv").set_index("code")
    assert pd.isna(rows.loc["third_party_here", "records"])
    assert rows.loc["third_party", "records"] == 3


def test_an_entry_that_no_row_has_is_doubted(tmp_path):
    programme = BY_DIVISION.replace("office: front desk", "office: frnt desk")
    audit = read_audit("testshire", write_files(tmp_path, by_division(programme=programme)))
    [told] = counting.doubtful_conditions(audit.inspection, audit.records)
    assert told.severity == "warning" and "did you mean 'front desk'?" in str(told)
    right = read_audit("testshire", write_files(tmp_path / "right", by_division()))
    assert counting.doubtful_conditions(right.inspection, right.records) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("values: [north, south]", "values: [north]"), "'south'"),
        (("  division: {", "  route: {"), "every table of crimes has a column of this name"),
    ],
)
def test_a_wrong_own_column_is_told(tmp_path, change, words):
    with pytest.raises(InputError) as caught:
        read_audit("testshire", write_files(tmp_path, by_division(programme=BY_DIVISION.replace(*change))))
    assert words in str(caught.value)


def test_an_id_in_a_text_of_an_inspection_is_checked(tmp_path):
    files = by_division(SECTION.replace('"south",', '"suoth",'))
    with pytest.raises(InputError, match="did you mean 'south'") as caught:
        read_audit("testshire", write_files(tmp_path / "params", files))
    assert "text/divisions.md, line 3" in str(caught.value)


def test_an_error_within_a_shared_sentence_is_told(tmp_path):
    files = by_division(SECTION.replace('{{ table("tbl-routes") }}', '{{ kinds(estimate("south")) }}'))
    with pytest.raises(BuildError) as caught:
        build_report("testshire", "pandoc", params=write_files(tmp_path / "p", files), reports=tmp_path / "r")
    assert "_macros.md" in str(caught.value) or "divisions.md" in str(caught.value)


# --- everything audited ---------------------------------------------------------------------------------------------


def census(recorded_crime: dict[str, int], **changes) -> dict[str, bytes]:
    main = crimes({"violence": 60, "sexual": 24, "other": 36}, {"violence": 54, "sexual": 20, "other": 34})
    figures = {k: {"value": v, "status": "supplied", "source": "x"} for k, v in recorded_crime.items()}
    whole_year = {"start": "2021-08-01", "end": "2022-07-31"}
    content = parameters(
        recorded_crime=figures, audit_period=whole_year,
        auditable_route_percent={"value": 100.0, "status": "supplied", "source": "x"}, **changes,
    )  # fmt: skip
    return {"testshire.yml": in_yaml(content), "testshire/crimes.csv": main.to_csv(index=False).encode()}


def test_a_census_leaves_nothing_to_chance(tmp_path):
    params = write_files(tmp_path / "params", census({"violence": 54, "sexual": 20, "other": 34}))
    folder = build_report("testshire", "pandoc", params=params, reports=tmp_path / "reports").folder
    found, text = read_results(folder / "results.json"), page_text(folder)
    assert found.estimates["overall"].low == found.estimates["overall"].high == 0.9
    assert "exactly 90.0%" in text and "between 90.0% and 90.0%" not in text
    assert "no chance in drawing a sample comes in" in text and "with new samples" not in text
    assert "1 crimes" not in text
    for element in found.details.judgements.elements:
        assert not element.probabilities or max(element.probabilities.values()) == 1.0


def test_a_rate_of_one_in_a_sample_is_no_census(tmp_path):
    main = crimes({"violence": 60, "sexual": 24, "other": 36}, {"violence": 60, "sexual": 24, "other": 36})
    content = parameters(estimation={"headline": "pooled", "interval": "normal", "status": "supplied", "source": "x"})
    files = {"testshire.yml": in_yaml(content), "testshire/crimes.csv": main.to_csv(index=False).encode()}
    params = write_files(tmp_path / "params", files)
    text = page_text(build_report("testshire", "pandoc", params=params, reports=tmp_path / "reports").folder)
    assert "exactly" not in text and "Every crime reported in the audit period was audited" not in text


def test_an_axis_of_one_round_number_has_two_ends():
    _, axes = charts.canvas(1, "Title", "subtitle")
    for value in (0.0, 0.9, 1.0):
        charts.round_ticks(axes, value, value)
        low, high = axes.get_xlim()
        assert 0 <= low < high <= 1 and low <= value <= high


def test_a_frame_that_contradicts_recorded_crime_is_doubted(tmp_path):
    files = census({"violence": 5400, "sexual": 2000, "other": 3400})
    main = pd.read_csv(pd.io.common.BytesIO(files["testshire/crimes.csv"]), dtype=str)
    per_type = main.groupby("crime_type")["incident_id"].nunique()
    strata = pd.DataFrame(
        {"stratum": per_type.index, "frame_incidents": per_type.values, "audited_incidents": per_type.values}
    )
    files["testshire/strata.csv"] = strata.to_csv(index=False).encode()
    audit = read_audit("testshire", write_files(tmp_path, files))
    [told] = doubtful_frame("testshire", audit.inspection, audit.records)
    assert "about 12,000 reported crimes" in told.got and "120 by the table strata" in told.got
    files["testshire/strata.csv"] = strata.assign(frame_incidents=per_type.values * 100).to_csv(index=False).encode()
    audit = read_audit("testshire", write_files(tmp_path / "right", files))
    assert doubtful_frame("testshire", audit.inspection, audit.records) == []


# --- a crime type without an audited crime ----------------------------------------------------------------------------


def test_a_type_without_an_audited_crime_is_named(tmp_path):
    main = crimes({"violence": 60, "sexual": 0, "other": 60}, {"violence": 54, "sexual": 0, "other": 57})
    files = {
        "testshire.yml": in_yaml(parameters(estimation={"headline": "pooled", "status": "supplied", "source": "x"})),
        "testshire/crimes.csv": main.to_csv(index=False).encode(),
    }
    params = write_files(tmp_path / "params", files)
    folder = build_report("testshire", "pandoc", params=params, reports=tmp_path / "reports").folder
    text = page_text(folder)
    assert "No rate can be given where no crime was audited or none had been recorded: Sexual offences." in text
    assert "A stratified rate, which would correct this, needs audited and recorded crimes of every type." in text
    assert "gives the rate with the weight" not in text
