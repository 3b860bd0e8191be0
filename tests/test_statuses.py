"""What was assumed says so wherever it stands, and what it says follows from what a result rests on."""

import re

import pandas as pd
import pytest
from bad_inputs import in_yaml
from complete_force import BY_ROUTE, complete_parameters, complete_tables, write_files
from test_report import page_text

from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.results import read_results
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.pipeline.build import build_report

SEEN = {"status": "reconstruction", "note": "Made from published counts."}


def force_files(records: dict, published: bool = True) -> dict[str, bytes]:
    tables = complete_tables()
    if not published:
        del tables["published"]
    files = {
        "testshire.yml": in_yaml(complete_parameters() | {"records": records, "recorded_crime_by_route": BY_ROUTE})
    }
    return files | {f"testshire/{name}.csv": table.to_csv(index=False).encode() for name, table in tables.items()}


def build(tmp_path, records: dict, published: bool = False):
    params = write_files(tmp_path / "params", force_files(records, published))
    return build_report("testshire", "pandoc", params=params, reports=tmp_path / "reports").folder


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    assumed = [{"table": "cancellations", "columns": ["correct"], "where": {"crime_type": "rape"}}]
    assumed += [{"table": "survey", "columns": ["answer"]}]
    return build(tmp_path_factory.mktemp("marked"), SEEN | {"assumed": assumed})


def test_every_result_has_a_status(marked):
    found = read_results(marked / "results.json")
    keys = {f"{kind}.{name}" for kind in ("estimates", "shares", "tallies") for name in found.shelf(kind)}
    assert keys <= set(found.details.provenance)
    assert found.details.provenance["shares.cancelled"] == "assumed"  # rests on all types together
    assert found.details.provenance["shares.cancelled_violence"] == "derived"
    assert found.details.provenance["shares.within_24"] == "derived"


def test_a_raked_rate_has_the_status_of_the_recorded_crime_by_route(marked):
    found = read_results(marked / "results.json")
    (place,) = (n for n, row in enumerate(found.details.sensitivity) if row.estimator == "raked")
    assert {figure["status"] for figure in BY_ROUTE.values()} == {"assumed"}
    assert found.status(f"details.sensitivity.{place}.rate") == "assumed"
    rows = pd.read_csv(marked / "tables" / "sensitivity.csv").set_index("estimator")
    assert rows.loc["raked", "provenance"] == "assumed" and rows.loc["pooled", "provenance"].iat[0] == "derived"


def test_an_interval_has_a_status_of_its_own(marked):
    """Nothing of the rate was assumed here; the recorded crime was, on which the interval rests."""
    found = read_results(marked / "results.json")
    assert found.status("estimates.violence.value") == found.status("estimates.violence.n") == "derived"
    assert found.status("estimates.violence.low") == "assumed"
    row = pd.read_csv(marked / "tables" / "rates.csv").set_index("code").loc["violence"]
    assert (row["provenance"], row["interval_provenance"]) == ("derived", "assumed")
    assert re.search("Assumed for the interval only: [^.]*the rate of violence", page_text(marked))


@pytest.mark.stress
def test_an_audit_is_computed_and_what_is_invented_illustrates(tmp_path):
    audit = read_results(build(tmp_path / "a", {"status": "audit"}) / "results.json").details.provenance
    assert audit["estimates.violence"] == "computed"
    assert audit["estimates.unrecorded_violence"] == "assumed"  # recorded crime of this force is
    folder = build(tmp_path / "b", {"status": "invented", "note": "For training."})
    assert set(read_results(folder / "results.json").details.provenance.values()) == {"illustrative"}
    assert "Illustrative: made from invented records." in page_text(folder)


def test_an_unknown_assumed_column_is_refused(tmp_path):
    records = SEEN | {"assumed": [{"table": "crimes", "columns": ["rout"]}]}
    with pytest.raises(InputError, match="did you mean 'route'"):
        read_audit("testshire", write_files(tmp_path, force_files(records)))


def test_derived_columns_count_as_what_they_come_from(tmp_path):
    records = SEEN | {"assumed": [{"table": "crimes", "columns": ["offence_class"]}]}
    found = read_results(build(tmp_path, records) / "results.json").details.provenance
    assert found["shares.rape"] == found["estimates.rape"] == found["tallies.unrecorded_classes"] == "assumed"
    assert found["estimates.violence"] == found["tallies.routes"] == "derived"
