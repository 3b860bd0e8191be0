"""As what crimes were recorded, what should not have been, and what is missed on balance: against formulas written here."""

import math

import numpy as np
import openpyxl
import pandas as pd
import pytest
from bad_inputs import in_yaml
from forces import crimes, parameters, write_force
from scipy import stats
from test_report import page_text, pdf_text

from cdi_lib.fieldwork.begin import begin
from cdi_lib.fieldwork.worksheet import AUDIT_SHEET, write_worksheet
from cdi_lib.inspection.measures import Measures
from cdi_lib.inspection.parameters import check_inspection, load_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.records import load_records
from cdi_lib.inspection.results import read_results
from cdi_lib.pipeline.build import build_report

FRAME = {"violence": (1000, 110), "sexual": (300, 44), "rest": (2000, 90)}  # incidents of a stratum, and audited ones


def planted(params, weighted=False):
    """A force of the current kind; with ``weighted`` its strata of the draw are not the crime types."""
    main = crimes({"violence": 200, "sexual": 80, "other": 160}, {"violence": 180, "sexual": 76, "other": 150})
    yes = main["recorded"] == "yes"
    main["recorded_class"] = main["offence_class"].where(yes, "")
    main.loc[main.index[:9], "recorded_class"] = "8N"
    main.loc[main.index[210:213], ["offence_class", "recorded_class"]] = ["19C", "20A"]
    main.loc[main.index[213:217], ["offence_class", "recorded_class"]] = "19C"
    main["safeguarded"] = ["" if one else "yes" if k % 3 else "no" for k, one in enumerate(yes)]
    over = pd.DataFrame(
        {
            "crime_id": [f"X{k}" for k in range(12)],
            "incident_id": ["IV0003", "IV0003", "IS0001", *(f"NEW{k}" for k in range(9))],
            "crime_type": ["violence"] * 2 + ["sexual"] + ["other"] * 9,
            "offence_class": ["105A"] * 2 + ["20A"] + ["46"] * 9,
        }
    )
    tables = {"crimes": main.drop(columns="stratum"), "over_recorded": over}
    if weighted:
        of = {"violence": "violence", "sexual": "sexual", "other": "rest"}
        tables["crimes"] = main.assign(stratum=main["stratum"].map(of))
        tables["over_recorded"] = over.assign(stratum=over["crime_type"].map(of))
        sizes = [(name, *numbers) for name, numbers in FRAME.items()]
        tables["strata"] = pd.DataFrame(sizes, columns=["stratum", "frame_incidents", "audited_incidents"])
    choices = {"headline": "stratified" if weighted else "pooled", "interval": "normal"}
    content = parameters(programme="qsr-2025", estimation=choices)
    return write_force(params, "testshire", content, tables), tables


def by_hand(tables, weighted):
    """Rate, standard error and degrees of freedom of (a - b) / c over clusters in strata, from first principles."""
    main, over = tables["crimes"].assign(real=1), tables["over_recorded"].assign(real=0, recorded="yes")
    both = pd.concat([main, over], ignore_index=True)
    both["stratum"] = both["stratum"] if weighted else "all"
    recorded, real = (both["recorded"] == "yes").to_numpy(), (both["real"] == 1).to_numpy()
    known = recorded & real
    right = (both["recorded_class"] == both["offence_class"]).to_numpy() & known
    asked = {
        "recorded": (recorded & real, real, real),
        "rightly_classed": (right, known, real),
        "over_recorded": (~real, recorded, real | ~real),
        "net_unrecorded": ((~recorded).astype(float) - ~real, real, real | ~real),
    }
    found = {}
    for key, (above, below, rows) in asked.items():
        t = both[rows].assign(above=above[rows].astype(float), below=below[rows].astype(float))
        if weighted:
            t["w"] = t["stratum"].map({name: size / n for name, (size, n) in FRAME.items()})
            clusters = {name: n for name, (_, n) in FRAME.items()}
            fraction = {name: n / size for name, (size, n) in FRAME.items()}
        else:
            year = 9000 + 1200 + 14000
            is_recorded = t["recorded"].eq("yes").mean()
            t["w"], clusters = 1.0, {"all": t["incident_id"].nunique()}
            fraction = {"all": len(t) / round(year * 0.95 * 6 / 12 / is_recorded)}
        rate = (t["w"] * t["above"]).sum() / (t["w"] * t["below"]).sum()
        t["z"] = t["w"] * (t["above"] - rate * t["below"]) / (t["w"] * t["below"]).sum()
        variance = 0.0
        for name, group in t.groupby("stratum"):
            z = group.groupby("incident_id")["z"].sum().to_numpy()
            z = np.append(z, np.zeros(clusters[name] - len(z)))
            variance += (1 - fraction[name]) * len(z) * z.var(ddof=1)
        inside = t[t["below"] > 0]
        df = inside["incident_id"].nunique() - inside["stratum"].nunique()
        found[key] = (rate, math.sqrt(variance), df)
    return found


@pytest.mark.parametrize("weighted", [False, True], ids=["pooled", "weighted"])
def test_rates_are_those_of_an_independent_computation(tmp_path, weighted):
    params, tables = planted(tmp_path, weighted)
    inspection = load_inspection("testshire", params)
    records = load_records("testshire", inspection, params)
    measures, expected = Measures(inspection, records.main, records.strata), by_hand(tables, weighted)
    for key, (rate, se, df) in expected.items():
        if key == "recorded":
            found = measures.domain(records.main["should_be_recorded"])
        else:
            found = measures.rate(inspection.programme.estimates[key], records.over_recorded)
        assert found.value == pytest.approx(rate, abs=1e-12), key
        assert found.se == pytest.approx(se, abs=1e-12), key
        reach = (stats.t.ppf(0.975, df) if key == "net_unrecorded" else stats.norm.ppf(0.975)) * se
        assert (found.low, found.high) == pytest.approx((rate - reach, rate + reach), abs=1e-9), key


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded-how")
    params, _ = planted(folder / "params")
    return build_report("testshire", "pandoc", params=params, reports=folder / "reports").folder


def test_it_stands_in_page_pdf_and_files(report):
    found = read_results(report / "results.json")
    net, over = found.estimates["net_unrecorded"], found.estimates["over_recorded"]
    assert net.value == pytest.approx((34 - 12) / 440) and over.value == pytest.approx(12 / (406 + 12))
    assert (found.shares["rape_misclassed"].x, found.shares["rape_misclassed"].n) == (3, 7)
    for text in (page_text(report), pdf_text(report)):
        for words in (
            "Recorded, but how?",
            "Of 7 recorded rapes in the sample, three were",
            "5.0% of reported crime on balance",
        ):
            assert words in text, words
    assert 'net_unrecorded,"Missed, less over-recorded",0.05' in (report / "tables" / "over-recording.csv").read_text()


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "message"),
    [
        ("crimes", 0, "recorded_class", "", "the class as which the crime was recorded"),
        ("crimes", 199, "recorded_class", "105A", "a blank for a crime that was not recorded"),
        ("crimes", 0, "safeguarded", "yes", "a blank for a crime that was recorded"),
        ("over_recorded", 0, "crime_id", "V0001", "one that should not be recorded"),
        ("over_recorded", 0, "crime_type", "other", "the crime type of class 105A"),
        ("over_recorded", 0, "offence_class", "999", "a class of params/offence_classes.csv"),
    ],
)
def test_mistakes_are_told_with_row_and_column(tmp_path, table, row, column, value, message):
    params, tables = planted(tmp_path)
    tables[table].loc[row, column] = value
    tables[table].to_csv(params / "testshire" / f"{table}.csv", index=False)
    with pytest.raises(InputError, match=f"row {row + 2}, column {column}: .*{message}"):
        load_records("testshire", load_inspection("testshire", params), params)


def test_no_over_recorded_crime_is_a_rate_of_nought(tmp_path):
    params, tables = planted(tmp_path)
    tables["over_recorded"].iloc[:0].to_csv(params / "testshire" / "over_recorded.csv", index=False)
    inspection = load_inspection("testshire", params)
    records = load_records("testshire", inspection, params)
    asked, measures = inspection.programme.estimates, Measures(inspection, records.main, records.strata)
    assert measures.rate(asked["over_recorded"], records.over_recorded).value == 0
    assert measures.rate(asked["net_unrecorded"], records.over_recorded).value == pytest.approx(34 / 440)
    assert measures.rate(asked["over_recorded"], None) is None


def test_auditors_are_asked_for_what_the_programme_measures(tmp_path):
    incidents = pd.DataFrame({"id": ["1"], "stratum": ["violence"], "reported_at": [pd.NaT], "route": [None]})
    headers = {}
    for name in ("cdi-2017", "qsr-2025"):
        inspection = check_inspection(parameters(programme=name), "x")
        path = write_worksheet(tmp_path / f"{name}.xlsx", incidents, "first", inspection)
        headers[name] = [cell.value for cell in openpyxl.load_workbook(path)[AUDIT_SHEET][1]]
    more = ["recorded_class", "safeguarded", "investigated", "over_recorded"]
    assert headers["qsr-2025"] == [*headers["cdi-2017"], *more]


def test_tables_as_make_new_writes_them_do_not_contradict_each_other(tmp_path):
    begin("testshire", tmp_path)
    (tmp_path / "testshire.yml").write_bytes(in_yaml(parameters()))
    with pytest.raises(InputError) as caught:
        load_records("testshire", load_inspection("testshire", tmp_path), tmp_path)
    [problem] = caught.value.problems  # that there is no crime yet
    assert problem.got == "no crime of the main sample"
