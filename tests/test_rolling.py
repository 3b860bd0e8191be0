"""A registrar's rolling programme: limits of chance, bands, what is due, mistakes, and the page."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from complete_force import write_files
from scipy import stats
from test_quarto_by_hand import text_of

from cdi_lib.cli import main
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.rolling import read_rolling
from cdi_lib.report import rolling
from cdi_lib.statistics.control import FALSE_ALARMS, control_chart

PARAMETERS = yaml.safe_load((PROJECT / "params/exampleshire/rolling.yml").read_text(encoding="utf-8"))
TABLE = pd.read_csv(PROJECT / "params/exampleshire/rolling.csv", dtype=str)


def files(table=TABLE, **changes):
    content = {key: value for key, value in (PARAMETERS | changes).items() if value is not None}
    text = yaml.safe_dump(content, sort_keys=False).encode()
    return {"testshire/rolling.yml": text, "testshire/rolling.csv": table.to_csv(index=False).encode()}


@pytest.mark.parametrize("centre", [0.8, 0.9, 0.95])
def test_false_alarms_are_near_what_was_asked_for(centre):
    """Simulated: nothing changes, and audits of 30 to 399 crimes follow each other."""
    sizes = np.random.default_rng(3).integers(30, 400, 400)
    counts = np.random.default_rng(4).binomial(sizes, centre, (500, 400))
    limits = {n: control_chart([0], [int(n)], centre)[1][0] for n in np.unique(sizes)}
    low, high = (np.array([getattr(limits[n], end) for n in sizes]) for end in ("low", "high"))
    alarms = ((counts / sizes < low - 1e-12) | (counts / sizes > high + 1e-12)).mean()
    assert FALSE_ALARMS / 2 < alarms < 1.5 * FALSE_ALARMS


def test_limits_are_those_of_mid_p():
    _, [point] = control_chart([70], [80], centre=0.9)
    tail = lambda x: stats.binom.cdf(x - 1, 80, 0.9) + stats.binom.pmf(x, 80, 0.9) / 2
    low, high = round(point.low * 80), round(point.high * 80)
    assert tail(low - 1) < FALSE_ALARMS / 2 <= tail(low)
    assert 1 - tail(high + 1) < FALSE_ALARMS / 2 <= 1 - tail(high)
    assert [p.signal for p in control_chart([low - 1, low, high, high + 1], [80] * 4, 0.9)[1]] == [
        "below",
        "",
        "",
        "above",
    ]
    assert control_chart([5, 5], [5, 5])[1][0].signal == ""  # nothing was ever missed


@pytest.mark.parametrize(
    ("x", "n", "words"), [([3], [2], "3 of 2"), ([], [], "an audit at least"), ([1], [0], "audited")]
)
def test_counts_that_cannot_be_are_refused(x, n, words):
    with pytest.raises(ValueError, match=words):
        control_chart(x, n)


def test_the_programme_is_worked_out_from_its_table(tmp_path):
    found = read_rolling("testshire", write_files(tmp_path, files()))
    counts = TABLE.astype({"audited_crimes": int, "recorded_crimes": int})
    months = counts.groupby("period")[["audited_crimes", "recorded_crimes"]].sum()
    assert [(a.period, a.audited, a.recorded) for a in found.audits] == [
        (p, n, x) for p, (n, x) in zip(months.index, months.to_numpy(), strict=True)
    ]
    assert found.centre == pytest.approx(counts["recorded_crimes"].sum() / counts["audited_crimes"].sum())
    assert [audit.period for audit in found.audits if audit.signal] == ["2025-09"]
    parts = {part.name: part for part in found.categories}
    hate = parts["Hate crime"]  # audited in November 2024, before the last twelve months
    assert (hate.audited, hate.rate, hate.band, hate.last, hate.due, hate.is_due) == (
        0,
        None,
        None,
        "2024-11",
        "2025-11",
        True,
    )
    violence = counts[(counts["category"] == "Violence") & (counts["period"] > "2024-12")]
    x, n = violence["recorded_crimes"].sum(), violence["audited_crimes"].sum()
    low, high = stats.binomtest(int(x), int(n)).proportion_ci(method="wilson")
    assert (parts["Violence"].rate, parts["Violence"].low, parts["Violence"].high) == pytest.approx((x / n, low, high))
    for part in (*found.categories, *found.divisions):
        if part.rate is not None:
            assert part.band == next(
                (band for band, least in PARAMETERS["bands"].items() if 100 * part.rate >= least), "poor"
            )


def test_quarters_and_months_have_the_same_ends(tmp_path):
    quarters = TABLE.assign(period=[f"{p[:4]}-Q{(int(p[5:]) + 2) // 3}" for p in TABLE["period"]])
    numbers = quarters.astype({"audited_crimes": int, "recorded_crimes": int})
    table = numbers.groupby(["period", "division", "category"], as_index=False).sum()
    found = read_rolling("testshire", write_files(tmp_path, files(table)))
    assert [audit.period for audit in found.audits] == ["2024-Q4", "2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]
    assert {part.name: part.due for part in found.categories}["Hate crime"] == "2025-12"
    page = rolling.page(found)
    assert "quarter 4 of 2024" in page and page.count("fig-phone=") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"period": "2025-13"}, "row 2, column period: got '2025-13'; expected a month such as 2025-04"),
        ({"period": "2025-Q1"}, "months alone, or quarters alone"),
        ({"period": "2026-02"}, "audits up to as_of, 2025-12-31"),
        ({"recorded_crimes": "99"}, "row 2, column recorded_crimes: got '99'; expected at most the"),
        ({"audited_crimes": "0"}, "a whole number above 0"),
        ({"category": ""}, "row 2, column category"),
        (dict(TABLE.iloc[1]), "a second time"),
    ],
)
def test_a_mistake_in_the_table_is_told_with_its_place(tmp_path, change, words):
    table = TABLE.copy()
    table.loc[0, list(change)] = list(change.values())
    with pytest.raises(InputError, match="rolling") as caught:
        read_rolling("testshire", write_files(tmp_path, files(table)))
    assert words in str(caught.value)


@pytest.mark.parametrize(("column", "other"), [("division", "category"), ("category", "division")])
def test_sums_among_the_audits_are_refused(tmp_path, column, other):
    numbers = TABLE.astype({"audited_crimes": int, "recorded_crimes": int})
    sums = numbers.drop(columns=column).groupby(["period", other], as_index=False).sum().assign(**{column: "All"})
    with pytest.raises(InputError, match=f"row 44, column {column}: got 'All', the sum of the others"):
        read_rolling("testshire", write_files(tmp_path / "sums", files(pd.concat([TABLE, sums]))))
    sums.loc[0, "audited_crimes"] += 1
    read_rolling("testshire", write_files(tmp_path / "none", files(pd.concat([TABLE, sums]))))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bands": {"good": 80, "fair": 90}}, "bands that fall"),
        ({"worst": "good"}, "another name for the worst"),
        ({"as_of": "31/12/2025"}, "as_of"),
        ({"every_month": 3}, "every_month"),
        ({"records": None}, "records"),
    ],
)
def test_a_mistake_in_the_parameters_is_told(tmp_path, changes, words):
    with pytest.raises(InputError) as caught:
        read_rolling("testshire", write_files(tmp_path, files(**changes)))
    assert words in str(caught.value) and "params/testshire/rolling.yml" in str(caught.value)


def test_the_command_writes_one_page_and_keeps_it_when_the_next_fails(tmp_path, monkeypatch, capsys):
    params, reports = write_files(tmp_path / "params", files()), tmp_path / "reports"
    monkeypatch.setenv("CDI_PARAMS", str(params))
    monkeypatch.setenv("CDI_REPORTS", str(reports))
    assert main(["programme", "--force=testshire", "--renderer=pandoc"]) == 0
    folder = reports / "testshire-programme"
    text = text_of(folder / "index.html")
    for words in (
        "Exampleshire Police",
        "Look into: September 2025",
        "Due now: Hate crime.",
        "These audits are invented",
    ):
        assert words in text
    assert json.loads((folder / "programme.json").read_text())["categories"][2]["name"] == "Hate crime"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_files(params, files(TABLE.assign(recorded_crimes="999")))
    assert main(["programme", "--force=testshire", "--renderer=pandoc"]) == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert main(["programme", "--force=nobody"]) == 1
    assert "rolling.yml" in capsys.readouterr().err
