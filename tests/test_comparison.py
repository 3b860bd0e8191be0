"""The comparison of forces: its statistics against other software and by hand, what it counts, and its page."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from forces import judgements, question
from lxml import html
from openpyxl import load_workbook
from scipy import integrate, special, stats
from statsmodels.stats.meta_analysis import combine_effects

from cdi_lib.comparison import charts
from cdi_lib.comparison import compare as comparison
from cdi_lib.comparison import outputs as comparison_outputs
from cdi_lib.comparison.compare import Count, Inspected, Rate
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.published import LATER, read_published
from cdi_lib.inspection.results import read_results
from cdi_lib.pipeline import pages
from cdi_lib.render.look import hash_of
from cdi_lib.report.dictionary import METADATA, meaning
from cdi_lib.report.labels import TEXTS, book
from cdi_lib.report.telling import FILTERS
from cdi_lib.report.texts import Texts
from cdi_lib.statistics import pooling


@pytest.fixture(scope="module")
def published():
    return comparison.compare([], read_published())


def inspected(force="A", value=0.9, se=0.01, rule="after", **changes):
    rate = Rate(value=value, low=value - 1.96 * se, high=value + 1.96 * se, se=se)
    fields = {"force": force, "title": "inspection 2020", "published": None, "kind": "audit", "start": "2019-01-01"}
    fields |= {
        "end": "2019-06-30",
        "year": 2019,
        "rule": rule,
        "rates": {"overall": rate},
        "unrecorded": None,
        "grades": {},
    }
    return Inspected(**fields | changes)


RATES = [(0.95, 0.010), (0.90, 0.008), (0.85, 0.012), (0.93, 0.009), (0.88, 0.015), (0.915, 0.007)]


def six():
    return [inspected(f"Force {number}", value, se) for number, (value, se) in enumerate(RATES)]


def test_partial_pooling_as_by_statsmodels_and_by_hand():
    group = comparison.pool("after", six())
    p, se = map(np.array, zip(*RATES, strict=True))
    y, v = special.logit(p), (se / (p * (1 - p))) ** 2
    other = combine_effects(y, v, method_re="chi2")  # statsmodels' name for DerSimonian and Laird
    assert group.tau**2 == pytest.approx(other.tau2, rel=1e-9)
    assert group.q == pytest.approx(other.q, rel=1e-9)
    assert special.logit(group.mean) == pytest.approx(other.mean_effect_re, rel=1e-9)
    widest = max(other.sd_eff_w_re_hksj, other.sd_eff_w_re)
    assert special.logit(group.high) - special.logit(group.mean) == pytest.approx(
        stats.t.ppf(0.975, len(y) - 1) * widest, rel=1e-9
    )

    # By hand: the posterior of tau squared with a uniform prior, by quadrature.
    def density(tau2):
        w = 1 / (v + tau2)
        mean = (w * y).sum() / w.sum()
        return np.sqrt(w.prod() / w.sum()) * np.exp(-0.5 * (w * (y - mean) ** 2).sum())

    def expected(what):
        # on the scale of tau, which is dense near 0
        return integrate.quad(lambda t: 2 * t * density(t * t) * what(t * t), 0, 5, limit=400)[0]

    whole = expected(lambda _: 1.0)
    for i, (shrunken, own, noise) in enumerate(zip(group.shrunken, y, v, strict=True)):
        weight = expected(lambda t2, noise=noise: t2 / (t2 + noise)) / whole
        assert shrunken.weight == pytest.approx(weight, abs=0.002)

        def value(t2, own=own, noise=noise):
            w = 1 / (v + t2)
            return (t2 * own + noise * (w * y).sum() / w.sum()) / (t2 + noise)

        assert special.logit(shrunken.value) == pytest.approx(expected(value) / whole, abs=0.002)
        assert shrunken.name == f"Force {i} 2019"
        assert min(group.mean, special.expit(own)) <= shrunken.value <= max(group.mean, special.expit(own))


def test_partial_pooling_comes_nearer_to_the_truth_than_the_raw_rates():
    chance = np.random.default_rng(7)
    raw, pooled, covered = [], [], []
    for _ in range(60):
        truth = special.expit(chance.normal(2.2, 0.3, 20))
        n = chance.integers(100, 600, 20)
        rates = np.clip(chance.binomial(n, truth) / n, 0.01, 1 - 1 / n)
        group = comparison.pool("after", [inspected(str(i), r, np.sqrt(r * (1 - r) / m)) for i, (r, m) in enumerate(zip(rates, n, strict=True))])  # fmt: skip
        found = np.array([(s.value, s.low, s.high) for s in group.shrunken])
        raw.append(((rates - truth) ** 2).mean())
        pooled.append(((found[:, 0] - truth) ** 2).mean())
        covered.append(((found[:, 1] <= truth) & (truth <= found[:, 2])).mean())
    assert np.mean(pooled) < 0.9 * np.mean(raw)
    assert 0.93 < np.mean(covered) < 0.97


@pytest.mark.parametrize("rates", [5, 12, 40])
@pytest.mark.parametrize("tau", [0.0, 0.1, 0.2, 0.5])
def test_shrunken_intervals_hold_the_true_rates(rates, tau):
    """94 to 100 %: more where the true rates hardly differ, never fewer.

    No narrower interval would do there: one that takes tau squared as the moments estimate it is near 95 % where the
    true rates are all the same, but falls below 93 % where they differ by a tau of 0.1, and nobody sees which it is.
    """
    chance = np.random.default_rng(11)
    covered, plugged_in = [], []
    for _ in range(120):
        truth, n = special.expit(chance.normal(2.2, tau, rates)), chance.integers(300, 1200, rates)
        y, v = special.logit(truth), 1 / (n * truth * (1 - truth))
        seen = special.expit(y + chance.normal(0, 1, rates) * np.sqrt(v))
        found = pooling.random_effects(seen, np.sqrt(v) * seen * (1 - seen))
        covered.append(((found.shrunken_low <= truth) & (truth <= found.shrunken_high)).mean())
        y = special.logit(seen)
        mean, se, tau2, _ = pooling.dersimonian_laird(y, v)
        own = tau2 / (v + tau2)
        spread = np.sqrt(own * v + ((1 - own) * se) ** 2)
        plugged_in.append((abs(own * y + (1 - own) * mean - special.logit(truth)) < pooling.Z * spread).mean())
    error = np.std(covered) / len(covered) ** 0.5
    assert np.mean(covered) > 0.935 - 2 * error
    assert tau < 0.2 or np.mean(covered) < 0.97
    assert tau != 0.1 or np.mean(plugged_in) < 0.93
    assert tau != 0.0 or 0.93 < np.mean(plugged_in) < np.mean(covered)


def test_limits_are_widened_for_rates_that_scatter():
    wild = [inspected(str(i), value, 0.008) for i, value in enumerate((0.95, 0.90, 0.85, 0.93, 0.88, 0.96))]
    group, calm = comparison.pool("after", wild), comparison.pool("after", [inspected(str(i)) for i in range(6)])
    assert group.scattered and group.inflation > 5
    for wide, narrow in zip(group.limits, group.narrow, strict=True):
        assert wide.low[-1] < narrow.low[-1] < narrow.high[-1] < wide.high[-1]
    z_like = pooling.control_limits(0.9, np.array([1000]), 0.025, 4.0)
    assert np.allclose(z_like, pooling.control_limits(0.9, np.array([250]), 0.025))
    assert (calm.inflation, calm.narrow) == (1.0, [])
    # a lone outlier is not taken for scatter of all
    lone = comparison.pool("after", [inspected(str(i), 0.9 if i else 0.6, 0.01) for i in range(12)])
    assert lone.inflation < lone.overdispersion / 3


def test_equal_rates_are_pooled_completely_and_too_few_not_at_all():
    group = comparison.pool("after", [inspected(str(i)) for i in range(6)])
    assert group.tau == 0
    assert {round(shrunken.value, 9) for shrunken in group.shrunken} == {0.9}
    assert comparison.pool("after", six()[: comparison.LEAST_POOLED - 1]) is None


@pytest.mark.parametrize(("n", "centre"), [(300, 0.9), (1129, 0.92), (2000, 0.75)])
def test_control_limits_hold_the_stated_share_of_chance(n, centre):
    for tail in (0.025, 0.001):
        low, high = (limit[0] for limit in pooling.control_limits(centre, np.array([n]), tail))
        exact = stats.binom.ppf([tail, 1 - tail], n, centre) / n
        assert exact[0] - 1 / n <= low <= exact[0]
        assert exact[1] - 1 / n <= high <= exact[1]
        normal = stats.norm.ppf(1 - tail) * np.sqrt(centre * (1 - centre) / n)
        assert (low, high) == pytest.approx((centre - normal, centre + normal), abs=0.008)


def test_the_interval_of_a_sum_covers_as_a_simulation_says():
    chance = np.random.default_rng(3)
    mean, sd = np.array([10.0, 6.0, 8.0]), np.array([0.2, 0.35, 0.3])  # of logarithms: lopsided
    parts = [
        Count(value=np.exp(m), low=np.exp(m - 1.96 * s), high=np.exp(m + 1.96 * s))
        for m, s in zip(mean, sd, strict=True)
    ]
    found = comparison.add(parts)
    low, high = np.quantile(np.exp(chance.normal(mean, sd, (40_000, 3))).sum(axis=1), [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), rel=0.03)
    assert found.high - found.value > found.value - found.low


def test_published_figures_are_carried_over_as_printed(published):
    found = {item.name: item for item in published.inspections}["Norfolk 2019"]
    rate = found.rates["overall"]
    assert (rate.value, rate.low, rate.high) == pytest.approx((0.875, 0.8569, 0.8931))
    recorded_crime = 8700 * 0.875 / 0.125
    assert (found.unrecorded.low, found.unrecorded.high) == pytest.approx(
        (recorded_crime * (1 - 0.8931) / 0.8931, recorded_crime * (1 - 0.8569) / 0.8569)
    )
    assert found.grades == {"overall": "requires improvement", "effective": "inadequate"}
    assert rate.effective_n == pytest.approx(0.875 * 0.125 / (0.0181 / pooling.Z) ** 2)


def test_order_is_by_rules_year_and_name_and_groups_do_not_mix_rules(published):
    order = [(comparison.RULES.index(item.rule), item.year or 0, item.force) for item in published.inspections]
    assert order == sorted(order)
    by_name = {item.name: item.rule for item in published.inspections}
    for group in published.groups:
        assert {by_name[shrunken.name] for shrunken in group.shrunken} == {group.rule}
    assert (
        by_name["Surrey 2018"] == "before"
        and by_name["Hampshire 2018"] == "across"
        and by_name["Cumbria 2018"] == "after"
    )
    assert comparison._period("2014-11-01", "2015-04-30")["rule"] == "72 hours"


def test_each_force_is_once_in_the_sum(published):
    newest = [item for item in published.inspections if item.name in published.total_of]
    assert len({item.force for item in newest}) == len(newest) == len(published.total_of)
    assert published.total.value == pytest.approx(sum(item.unrecorded.value for item in newest))


@pytest.fixture(scope="module")
def results():
    """Results of a reconstructed inspection, as far as the comparison reads them."""
    estimate = {
        "value": 0.958, "se": 0.008, "low": 0.943, "high": 0.973, "n": 649, "confidence": 0.95,
        "estimator": "pooled", "interval": "normal", "notebook": "2_effectiveness",
    }  # fmt: skip
    content = {
        "force": "essex", "force_name": "Essex", "short_name": "Essex", "inputs": {}, "shares": {}, "tallies": {},
        "publication": {"title": "Crime data integrity inspection 2019: demonstration", "kind": "inspection", "date": "2019-10-08"},
        "audit_period": {"start": "2018-08-01", "end": "2019-01-31"}, "records": {"status": "reconstruction"},
        "estimates": {
            "overall": estimate,
            "violence": estimate | {"value": 0.96},
            "unrecorded_overall": estimate | {"unit": "crimes", "value": 6750.0, "low": 4300.0, "high": 9400.0},
        },
        "details": {"judgements": judgements(overall=question(decided="outstanding"))},
    }  # fmt: skip
    return content


def test_a_reconstruction_stands_for_the_published_figures_and_adds_nothing_to_them(results, tmp_path, published):
    (tmp_path / "results.json").write_text(json.dumps(results))
    found = comparison.compare([read_results(tmp_path / "results.json")], read_published())
    assert len(found.inspections) == len(published.inspections)
    (essex,) = [item for item in found.inspections if item.force == "Essex"]
    assert essex.kind == "reconstruction"
    assert set(essex.rates) == {"overall"}  # a rate for violence was not published
    invented = results | {"records": {"status": "invented"}}
    (tmp_path / "results.json").write_text(json.dumps(invented))
    found = comparison.compare([read_results(tmp_path / "results.json")], read_published())
    assert "Essex 2019" not in {shrunken.name for group in found.groups for shrunken in group.shrunken}
    assert "Essex 2019" not in found.total_of
    for name in ("tbl-rates", "tbl-types", "tbl-grades", "tbl-unrecorded"):
        if (table := comparison_outputs.TABLES[name].build(found)) is not None:
            rows = [row["inspection"] for row in table.rows if row["inspection"].startswith("Essex 2019")]
            assert rows in ([], ["Essex 2019 (invented)"]), name


def test_two_reports_of_one_inspection_are_refused(results, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(results))
    found = read_results(tmp_path / "results.json")
    with pytest.raises(InputError, match="inspection 2019 of Essex twice"):
        comparison.compare([found, found], read_published())


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    (folder / "essex.json").write_text(json.dumps(results))
    pages.build_comparison([folder / "essex.json"], folder, "pandoc")
    return folder


def test_the_build_writes_page_pdf_json_and_tables(page, published):
    assert (page / "report.pdf").read_bytes().startswith(b"%PDF")
    found = comparison.read(str(page))
    assert len(found.inspections) == len(published.inspections)
    names = {path.name for path in (page / "tables").iterdir()}
    assert names == {f"{identity.removeprefix('tbl-')}.csv" for identity in comparison_outputs.TABLES} | {METADATA}


def test_every_column_of_the_tables_is_described(page):
    words, used = book("comparison/dictionary"), set()
    about = json.loads((page / "tables" / METADATA).read_text("utf-8"))
    for table in about["tables"]:
        frame = pd.read_csv(page / "tables" / table["url"])
        columns = {column["name"]: column for column in table["tableSchema"]["columns"]}
        assert list(frame) == list(columns) and frame["code"].is_unique, table["url"]
        for name, column in columns.items():
            assert (column["datatype"] == "string") == (not pd.api.types.is_numeric_dtype(frame[name])), (
                table["url"],
                name,
            )
            assert column["dc:description"] == meaning(name, book("dictionary") | words)
            used.add(column["dc:description"])
    assert set(words.values()) <= used


def test_intervals_in_the_tables_stand_beside_their_confidence_and_error(page):
    found = comparison.read(str(page))
    rows = pd.read_csv(page / "tables" / "rates.csv").set_index("code")
    for item in found.inspections:
        if rate := item.rates.get("overall"):
            row = rows.loc[item.name]
            assert row["confidence"] == 0.95 and row["rate"] == rate.value
            assert row["se"] == rate.se if rate.se else pd.isna(row["se"])


def test_the_workbook_holds_every_table_unrounded_and_says_what_is_not_comparable(page):
    book = load_workbook(page / "tables.xlsx")  # its cells without a value are empty: one type a column
    assert book.sheetnames[3:] == [identity.removeprefix("tbl-") for identity in comparison_outputs.TABLES]
    cover = " ".join(str(cell.value) for row in book["Cover"] for cell in row)
    assert comparison_outputs.tell(comparison.compare([], read_published()), "not_comparable") in cover
    rows = {row[0]: row for row in book["rates"].iter_rows(values_only=True)}
    for item in comparison.read(str(page)).inspections:
        if rate := item.rates.get("overall"):
            low = None if rate.low is None else pytest.approx(rate.low)
            assert rows[item.name][4:6] == (pytest.approx(rate.value), low)


def test_the_page_is_complete_without_its_script_and_names_it_in_its_policy(page):
    tree = html.document_fromstring((page / "index.html").read_text(encoding="utf-8"))
    (script,) = tree.xpath("//script[not(@type)]")
    (policy,) = tree.xpath('//meta[@http-equiv="Content-Security-Policy"]/@content')
    assert f"script-src 'sha256-{hash_of(script.text)}'" in policy
    table = tree.get_element_by_id("tbl-rates")
    names = [row[0].text_content().strip() for row in table.xpath(".//tbody/tr")]
    expected = [item.name for item in comparison.read(str(page)).inspections if "overall" in item.rates]
    assert names == expected
    assert not table.xpath(".//*[@hidden]")


def test_one_force_alone_can_be_shown():
    alone = comparison.Comparison(
        inspections=[inspected()], rate_names={}, questions={}, groups=[], total=None, total_of=[]
    )
    assert "one inspection of one force (1 computed here)" in comparison_outputs.tell(alone, "counted")
    assert "#fig-rates-after" in comparison_outputs.forest_markdown(alone, "after")
    assert comparison_outputs.table_markdown(alone, "tbl-shrunken") == ""
    assert "fewer than five inspections" in comparison_outputs.tell(alone, "chance")
    assert "no sum" in comparison_outputs.tell(alone, "unrecorded")


def test_charts_have_a_shape_for_phones_and_funnels_name_who_lies_outside(page):
    found = comparison.read(str(page))
    for group in found.groups:
        assert comparison_outputs.funnel_markdown(found, group).count("fig-phone=") == 1
        assert comparison_outputs.forest_markdown(found, group.rule).count("fig-phone=") == 1
    points = [(n, rate, "Kent" if rate < 0.8 else "") for n, rate in ((900, 0.79), (1000, 0.9), (1100, 0.91))]
    figure = charts.funnel("Title", "Subtitle", 0.9, points, found.groups[0].limits)
    names = [text for text in figure.axes[0].texts if text.get_text() == "Kent"]
    assert [text.xy for text in names] == [(900, 0.79)]


def test_words_ask_for_what_the_comparison_holds():
    known = {"found", "rules", "by_kind", "not_pooled", "least", "levels", "inspections", "summed", "forces", "pooled"}
    shows = dict.fromkeys(("table", "forest", "funnel"))
    sections = [f"comparison/{path.stem}" for path in (TEXTS / "en" / "comparison").glob("*.md")]
    models = {"found": comparison.Comparison, "group": comparison.Group}
    texts = Texts("en", None, FILTERS, shows)
    told = [problem for section in sections for problem in texts.check([section], known, {}, models)]
    assert len(sections) == 12
    assert [problem for problem in told if problem.severity == "error" and "comparison/" in problem.file] == []


def test_two_inspections_of_a_force_in_one_year_are_kept_apart():
    first = inspected(value=0.80).model_copy(update={"title": "inspection 2019"})
    second = inspected(value=0.93).model_copy(update={"title": "re-inspection 2019"})
    rows = read_published().iloc[:0]
    columns = {"force": "A", "audit_start": "2018-07-01", "overall_margin": 2.0, "source": "none"}
    table = rows.reindex(range(2)).assign(
        **columns, report=["inspection 2018", "re-inspection 2018"], audit_end=["2018-09-30", "2018-12-31"],
        published=["2018-11-01", "2019-03-01"], overall_rate=[80.0, 93.0], overall_unrecorded_over=[900.0, 300.0],
    )  # fmt: skip
    found = comparison.compare([], table)
    assert [item.name for item in found.inspections] == ["A 2018 (inspection 2018)", "A 2018 (re-inspection 2018)"]
    assert found.total_of == ["A 2018 (re-inspection 2018)"] and first.name == second.name
    values = {item.name: item.value for item in found.groups[0].shrunken} if found.groups else {}
    assert not values or values["A 2018 (inspection 2018)"] < values["A 2018 (re-inspection 2018)"]


def test_a_later_inspection_without_a_known_period_is_told():
    found = comparison.compare([], read_published())
    assert {"Kent", "Cheshire", "Thames Valley"} <= set(found.superseded)


@pytest.mark.parametrize(("status", "kind"), [("draft", "audit"), ("final", "audit"), ("draft", "invented")])
def test_a_draft_is_marked_wherever_its_name_stands(results, tmp_path, status, kind):
    publication = results["publication"] | {"status": status}
    (tmp_path / "results.json").write_text(
        json.dumps(results | {"records": {"status": kind}, "publication": publication})
    )
    found = comparison.compare([read_results(tmp_path / "results.json")], read_published())
    assert [item.name.endswith(", draft") for item in found.inspections if item.kind == kind] == [status == "draft"]


# --- all forces together ---------------------------------------------------------------------------------------------


def with_missed(name, value, se, missed, end="2019-06-30", **changes):
    item = inspected(name, value, se)
    changes |= {"unrecorded": {"value": missed, "low": None, "high": None}, "end": end}
    return comparison.Inspected.model_validate(item.model_dump(exclude={"name"}) | changes)


def test_national_rate_is_recorded_over_reported_crime():
    forces = [
        with_missed("A", 0.9, 0.01, 1000.0),
        with_missed("B", 0.8, 0.02, 2000.0),
        with_missed("B", 0.5, 0.02, 1.0, "2018-06-30"),
    ]
    found = comparison.national("after", forces)
    assert found.forces == ["A", "B"]  # of B the newest
    assert (found.recorded, found.unrecorded) == pytest.approx((9000 + 8000, 3000))
    assert found.rate == pytest.approx(17_000 / 20_000)
    assert comparison.national("before", forces) is None
    assert comparison.national("after", forces[:1]) is None


def test_interval_of_the_national_rate_by_numeric_derivatives_and_simulation():
    rates, ses, recorded = (
        np.array([0.92, 0.85, 0.88]),
        np.array([0.01, 0.02, 0.008]),
        np.array([60_000.0, 9_000.0, 30_000.0]),
    )
    whole = lambda p: recorded.sum() / (recorded / p).sum()
    step = 1e-6 * np.eye(3)
    slopes = np.array([(whole(rates + d) - whole(rates - d)) / 2e-6 for d in step])
    error = np.sqrt((slopes**2 * ses**2).sum())
    value, low, high = pooling.crime_weighted(rates, ses, recorded)
    assert value == pytest.approx(whole(rates))
    on_odds = np.log(value / (1 - value)) + np.array([-1, 1]) * pooling.Z * error / (value * (1 - value))
    assert (low, high) == pytest.approx(tuple(1 / (1 + np.exp(-on_odds))), rel=1e-6)
    drawn = np.random.default_rng(5).normal(rates, ses, (20_000, 3))
    ends = [pooling.crime_weighted(np.clip(row, 0.5, 0.999), ses, recorded)[1:] for row in drawn[:4000]]
    covered = np.mean([one <= value <= other for one, other in ends])
    assert 0.94 < covered < 0.96


def test_the_national_rate_is_that_of_the_r_package_survey_on_the_same_crimes():
    golden = json.loads((Path(__file__).parent / "oracles" / "golden_national.json").read_text(encoding="utf-8"))
    found = pooling.crime_weighted(golden["rates"], golden["ses"], golden["recorded"])
    assert found == pytest.approx(golden["national"], rel=1e-12)


@pytest.mark.parametrize("wrong", [([0.9], [0.01], [0]), ([1.0], [0.01], [5]), ([0.9], [], [5]), ([], [], [])])
def test_national_rate_refuses_what_it_cannot_weigh(wrong):
    with pytest.raises(ValueError, match="rates between 0 and 1"):
        pooling.crime_weighted(*wrong)


def test_later_inspections_stand_apart():
    """What was printed since 2020 is shown with its source, and changes no figure of the others."""
    later = read_published(LATER)
    assert later["source"].str.startswith("http").all()
    found, apart = comparison.compare([], read_published(), later), comparison.compare([], read_published())
    assert len(found.later) == len(later) and not apart.later
    assert found.model_dump(exclude={"later"}) == apart.model_dump(exclude={"later"})
    table = comparison_outputs.TABLES["tbl-later"].build(found)
    [wiltshire] = [row for row in table.rows if row["inspection"] == "Wiltshire"]
    assert (wiltshire["rate"], wiltshire["grade"]) == (0.924, "adequate")
    assert (round(wiltshire["low"], 3), round(wiltshire["high"], 3)) == (0.897, 0.951)
    assert comparison_outputs.TABLES["tbl-later"].build(apart) is None
