"""Paragraphs from results made by hand: how the audit went, and how sure rates are."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from forces import element, judgements

from cdi_lib.inspection import derived
from cdi_lib.inspection.details import Details, ElementJudgement
from cdi_lib.inspection.parameters import ChangedFrame, SamplingPlan, load_inspection
from cdi_lib.inspection.programme import default_programme
from cdi_lib.inspection.results import EstimateResult, Results
from cdi_lib.report import charts, index
from cdi_lib.report.sections import figures
from cdi_lib.report.sections.judgements import measure_words, neighbours
from cdi_lib.report.telling import Teller


def counts(selected, returned, crime, no_crime, cannot_be_audited):
    found = {"selected": selected, "reserves": 0, "returned": returned, "audited": crime + no_crime}
    return found | {"crime": crime, "no_crime": no_crime, "cannot_be_audited": cannot_be_audited}


FIELDWORK = counts(240, 236, 200, 30, 6) | {
    "response_rate": 230 / 240,
    "errors": 0,
    "strata": {"violence": counts(140, 138, 120, 14, 4), "other": counts(100, 98, 80, 16, 2)},
    "recheck": {
        "incidents": 30,
        "agreed": 28,
        "finding": {"n": 30, "agreed": 28, "kappa": 0.8123, "low": 0.6, "high": 1.0, "confidence": 0.95},
        "outcome": {"n": 30, "agreed": 27, "kappa": 0.7456, "low": 0.5, "high": 0.95, "confidence": 0.95},
    },
}


def row(code, fraction=0.04, incidents=200):
    sizes = {"crimes": incidents, "recorded_crime": 9000, "population": 5000}
    return {"code": code, "fraction": fraction, "incidents": incidents} | sizes


def results(estimates=None, **details):
    """Results with these estimates and details, and what follows from them as the notebooks work it out."""
    estimates = estimates or {}
    found = Details.model_validate({"sample": [row("overall")]} | details)
    found.evenness = derived.evenness(found.sample, found.headline)
    if "overall" in estimates:
        found.interval_coverage = derived.interval_coverage(
            estimates["overall"], bool(found.clustered), found.evenness.uneven
        )
    if "change" in estimates:
        found.compared_with_previous = derived.compared_with_previous(
            found.previous, found.recording_limit_hours, estimates["change"]
        )
    found.certainty = {
        entry.id: derived.certainty("", entry.probabilities)
        for entry in (found.judgements.elements if found.judgements else ())
    }
    return Results(
        force="testshire", force_name="Testshire Police", short_name="Testshire",
        publication={}, audit_period={"start": "2022-01-01", "end": "2022-06-30"}, records={}, inputs={},
        estimates=estimates, shares={}, tallies={}, details=found,
    )  # fmt: skip


def fieldwork_of(found):
    return section(found, "fieldwork")


def section(found, name):
    """A section of the report as these results tell it."""
    found.publication.setdefault("date", "2020-07-31")
    return Teller(found, load_inspection("northamptonshire")).text(name)


def told(found, expression, **names):
    """What an expression of a text becomes with these results."""
    with tempfile.TemporaryDirectory() as own:
        (Path(own) / "probe.md").write_text(f"{{{{ {expression} }}}}\n", encoding="utf-8")
        return Teller(found, load_inspection("northamptonshire"), Path(own)).text("probe", **names)


PREVIOUS = {"year": 2014, "audited_crimes": 80, "recorded_crimes": 64, "representative": True, "status": "published"}
PREVIOUS |= {"recording_limit_hours": 24, "source": "a report"}


def rate(value, low, high, n=400):
    return EstimateResult(
        value=value, se=0.01, low=low, high=high, n=n, confidence=0.95, estimator="pooled",
        interval="wilson", notebook="test",
    )  # fmt: skip


def test_response_and_agreement_of_two_auditors():
    text = fieldwork_of(results(fieldwork=FIELDWORK, challenges=None))
    for words in (
        "230 of 240 drawn incidents were audited (95.8%)",
        "6 could not be audited and 4 had no decision when this was made",
        "decided about 30 of them",
        "came to the same one in 28",
        "whether there was a crime 0.81 (95% interval 0.60 to 1.00)",
        "whether all of it was recorded 0.75 (95% interval 0.50 to 0.95)",
        "No record was kept of challenges",
    ):
        assert words in text, words
    table = index.tables_of(default_programme())["tbl-response"].build(results(fieldwork=FIELDWORK))
    assert [row["selected"] for row in table.rows] == [140, 100, 240]
    assert [row["cannot_be_audited"] for row in table.rows] == [4, 2, 6]


def test_kappa_is_left_out_where_nothing_could_have_differed_by_chance():
    alike = FIELDWORK["recheck"] | {
        name: FIELDWORK["recheck"][name] | {"kappa": None} for name in ("finding", "outcome")
    }
    text = fieldwork_of(results(fieldwork=FIELDWORK | {"recheck": alike}))
    assert "came to the same one in 28" in text and "kappa" not in text
    assert "audited twice" in fieldwork_of(results(fieldwork=FIELDWORK | {"recheck": None}))


def test_crimes_that_the_worksheets_do_not_hold_are_said():
    assert "not all crimes" not in fieldwork_of(results(fieldwork=FIELDWORK))
    text = fieldwork_of(
        results(fieldwork=FIELDWORK, sample=[row("overall", incidents=220)], crimes_from_elsewhere=True)
    )
    assert "lie in 220 incidents" in text and "not all crimes come from the worksheets" in text


def test_nothing_returned_is_said_and_no_table_is_shown():
    assert "the response is not known" in fieldwork_of(results())
    assert index.tables_of(default_programme())["tbl-response"].build(results()) is None


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0, 0, 0), "The force challenged no decision."),
        ((1, 1, 0, 0), "The force challenged one decision: one was upheld and corrected."),
        (
            (5, 2, 2, 1),
            "The force challenged five decisions: two were upheld and corrected, two were rejected and one is open.",
        ),
        ((12, 0, 10, 2), "The force challenged 12 decisions: 10 were rejected and two are open."),
    ],
)
def test_challenges(counts, words):
    found = dict(zip(("challenges", "upheld", "rejected", "open"), counts, strict=True))
    assert fieldwork_of(results(challenges=found)).endswith(words)


def test_how_sure_a_rate_and_the_grade_that_rests_on_it_are():
    chances = {"good": 0.284, "poor": 0.713, "bad": 0.003}
    judged = [
        element("violent_crime", "violence", label="Records violent crime", probabilities=chances),
        element("sexual_offences", "sexual", probabilities=chances),
    ]
    lopsided = results({"violence": rate(0.9, 0.862, 0.921)}, judgements=judgements(*judged))
    text = told(lopsided, 'sureness("violence", "audited violent crimes", "audited violent crime")')
    assert (
        "With 400 audited violent crimes, the 95% confidence interval of the estimate, 90.0%, reaches 3.8 points down or 2.1 points up"
        in text
    )
    assert text.count("close to the line") == 1
    assert "Of repeat audits 71% would grade it poor and 28% would grade it good." in text
    sureness = 'sureness(key, "crimes", "crime")'
    even = told(results({"violence": rate(0.9, 0.87, 0.93)}, judgements=judgements()), sureness, key="violence")
    assert "3.0 percentage points either way" in even and "close to the line" not in even
    open_ended = results({"violence": rate(1.0, None, None)}, judgements=judgements())
    assert "no interval can be given" in told(open_ended, sureness, key="violence")
    assert told(open_ended, sureness, key="sexual") == ""


def test_figures_in_the_chart_of_two_inspections():
    rates = {"previous": rate(0.8, 0.7, 0.87, 80), "overall": rate(0.9, 0.88, 0.92, 1000)}
    change = rate(0.1, 0.03, 0.2, 1080)
    for low, representative, words in (
        (0.03, True, ": more than chance alone would explain"),
        (-0.01, True, ": the difference could be chance"),
        (0.03, False, "; the earlier sample does not stand for the force"),
    ):
        found = results(
            rates | {"change": change.model_copy(update={"low": low, "p_value": 0.01})},
            previous=PREVIOUS | {"representative": representative, "recording_limit_hours": 72},
            recording_limit_hours=24,
        )
        found.publication["date"] = "2020-07-31"
        title = figures.two_inspections_title(found)
        assert title == f"80.0% then, 90.0% now{words}"
        _, alt = index.FIGURES["fig-previous"].build(found)
        assert "2014: 80.0%, between 70.0% and 87.0%; 2020: 90.0%, between 88.0% and 92.0%" in alt
    assert index.FIGURES["fig-previous"].build(results()) is None


@pytest.mark.parametrize(
    ("low", "high", "p", "words"),
    [
        (0.01, 0.05, 0.004, "higher (between 1.0 and 5.0 points higher), more than chance in drawing the samples would"),
        (0.01, 0.05, 0.0004, "(between 1.0 and 5.0 points higher), far more than chance"),
        (-0.02, 0.08, 0.3, "(between 2.0 points lower and 8.0 points higher), which could be due to chance"),
        (0.0002, 0.06, 0.052, "which is at the border of what chance in drawing the samples would explain (p = 0.052)"),
        (-0.001, 0.06, 0.049, "which is at the border"),
    ],
)  # fmt: skip
def test_a_change_is_told_without_negative_numbers_and_with_its_chance(low, high, p, words):
    before, after = (
        rate(0.8, 0.7, 0.87, 80).model_copy(update={"recorded": 64}),
        rate(0.83, 0.8, 0.86, 1000).model_copy(update={"recorded": 830}),
    )
    change = rate(0.03, low, high).model_copy(update={"unit": "difference", "p_value": p})
    found = results(
        {"previous": before, "overall": after, "change": change}, previous=PREVIOUS, recording_limit_hours=24
    )
    assert words in section(found, "previous")
    worse = change.model_copy(update={"value": -0.03, "low": -high, "high": -low})
    found = results(
        {"previous": before, "overall": after, "change": worse}, previous=PREVIOUS, recording_limit_hours=24
    )
    text = section(found, "previous")
    assert "3.0 percentage points lower" in text
    assert "−" not in text


SAMPLE = [row("violence", 0.041), row("sexual", 0.207), row("other", 0.019), row("overall", 0.035)]


def test_a_pooled_headline_of_an_uneven_sample_says_what_it_is_not():
    estimates = {
        "overall": rate(0.92, 0.905, 0.935).model_copy(update={"recorded": 368}),
        "overall_stratified": rate(0.916, 0.897, 0.934),
        "unrecorded_overall_stratified": rate(5650.0, 4300.0, 7000.0).model_copy(update={"unit": "crimes"}),
    }
    found = results(estimates, headline="pooled", sample=SAMPLE)
    text = section(found, "overall_rate")
    for words in (
        "should hold the rate that such samples have on average",
        "20.7% of sexual offences, 1.9% of other crime",
        "the rate with the weight that each crime type has in recorded crime",
    ):
        assert words in text, words
    for same in (
        results(estimates, headline="stratified", sample=SAMPLE),
        results(estimates, headline="pooled", sample=[one | {"fraction": 0.04} for one in SAMPLE]),
        results(estimates, headline="pooled", sample=SAMPLE[-2:]),
    ):
        assert "should hold the true rate." in section(same, "overall_rate")


def test_a_weighted_rate_is_told_from_the_share_of_the_sample():
    weighted = rate(0.95, 0.9, 0.98).model_copy(update={"recorded": 340})
    found = results({"violence": weighted, "sexual": rate(0.85, 0.8, 0.9).model_copy(update={"recorded": 340})})
    assert "340 of the 400 audited crimes (85.0% before weighting)" in told(
        found, 'rate_sentence("violence", "violent crime")'
    )
    assert "before weighting" not in told(found, 'rate_sentence("sexual", "sexual offences")')


@pytest.mark.parametrize("reproduced", ["yes", "no"])
def test_only_beside_the_published_rate_is_its_margin_called_impossible(reproduced):
    """After a changed record the rate is another one, and says nothing of the published margin."""
    of = {"figure": "Sexual", "shown_as": "percent", "source": "a report", "computed": "96.2%"}
    published = [
        of | {"result": "estimates.sexual.value", "published": "96.2%", "reproduced": reproduced},
        of | {"result": "estimates.sexual.margin", "published": "1.96", "reproduced": "no"},
    ]
    found = results({"sexual": rate(0.96, 0.94, 0.98).model_copy(update={"recorded": 384})}, published=published)
    text = told(found, 'rate_sentence("sexual", "sexual offences")')
    assert "prints a margin of 1.96 points" in text
    assert ("No whole number of crimes" in text) == (reproduced == "yes")


def test_a_rate_that_just_misses_a_band_is_told_with_two_decimals():
    evidence = {"kind": "estimate", "result": "overall", "use": "value", "low": 0.92, "high": 0.96, "n": 500}
    better = {"grade": "good", "use": "value", "at_least": 0.94}
    worse = {"grade": "inadequate", "use": "value", "below": 0.88}

    def judged(value):
        changes = {"next_better": better, "next_worse": worse, "evidence": evidence | {"value": value}}
        return ElementJudgement.model_validate(element("all_crime", "overall", **changes))

    assert measure_words(judged(0.9397)) == "93.97% (n = 500)"
    assert neighbours(judged(0.9397)) == "at least 94.00%: good; below 88.00%: inadequate"
    assert measure_words(judged(0.92)) == "92.0% (n = 500)"


def test_what_was_asked_of_the_plan_is_told_as_it_was():
    found = results()
    plan = SamplingPlan(seed=1, expected_rate_percent=90, margin_points=3, confidence_percent=95.0)
    assert told(found, "asked(plan)", plan=plan) == (
        "asked for a margin of 3 percentage points in every stratum at 95% confidence"
    )
    assert "shared 330 incidents" in told(
        found, "asked(plan)", plan=plan.model_copy(update={"allocation": "neyman", "total_incidents": 330})
    )
    assert "set the number" in told(found, "asked(plan)", plan=plan.model_copy(update={"incidents": {"violence": 100}}))


def test_what_was_not_simulated_is_said_and_only_that():
    inside = results({"overall": rate(0.92, 0.9, 0.94)}, clustered=True, headline="stratified")
    assert "not among what was simulated" not in section(inside, "estimates")
    outside = results({"overall": rate(0.62, 0.5, 0.7, n=116)}, clustered=False, headline="stratified")
    text = section(outside, "estimates").partition("not among what was simulated:")[2]
    for words in ("116 audited crimes", "its rate is 62.0%", "treated as independent"):
        assert words in text, words


def test_reserves_in_use_are_said():
    assert "Reserves" not in fieldwork_of(results(fieldwork=FIELDWORK))
    fieldwork = FIELDWORK | {"reserves": 3}
    fieldwork["strata"] = {
        name: counts | {"reserves": 3 if name == "other" else 0} for name, counts in FIELDWORK["strata"].items()
    }
    text = fieldwork_of(results(fieldwork=fieldwork))
    assert "took the place of three incidents that could not be audited" in text
    table = index.tables_of(default_programme())["tbl-response"].build(results(fieldwork=fieldwork))
    assert [row["reserves"] for row in table.rows] == [0, 3, 3]
    assert "reserves" in [column.key for column in table.columns]


def test_letters_of_charts_are_as_large_as_they_were_drawn():
    """A glyph is scaled by 1/64 and by its font size: two digits of these would leave letters apart and too small."""
    bar = charts.Bar("All", 0.9, 0.88, 0.92, "90.0%")
    drawn = charts.svg(charts.intervals("A title", "A subtitle", [bar], "an axis", as_percent=True))
    assert set(re.findall(r"scale\((0\.01\d*)\)", drawn)) == {"0.015625"}
    assert {float(size) for size in re.findall(r"scale\((\S+) -", drawn)} >= {0.105, 0.11}
    assert not re.search(r"translate\([^)]*\.\d\d\d", drawn)


def test_a_frame_changed_after_the_draw_is_told():
    found = results(sampling=load_inspection("northamptonshire").sampling)
    found.records["status"] = "audit"
    assert "changed after the draw" not in section(found, "sample")
    changed = ChangedFrame(sha256="0f" * 32, reason="two logs of another force were taken out")
    frame = found.details.sampling.frame.model_copy(update={"changed": changed})
    found.details.sampling = found.details.sampling.model_copy(update={"frame": frame})
    told = " ".join(section(found, "sample").split())
    assert f"the SHA-256 `{'0f' * 32}`. It was changed because: Two logs of another force were taken out." in told


def test_what_was_left_out_of_the_frame_is_told():
    found = results(sampling=load_inspection("northamptonshire").sampling)
    found.records["status"] = "audit"
    assert "left out of the frame" not in section(found, "sample")
    found.details.excluded = {"Opened as": {"ASB": 1200, "Test": 2}, "Via": {"post": 0}, "Desk": {"A": 3, "B": 0}}
    said = "Before the draw these records were left out of the frame, by its column"
    told = " ".join(section(found, "sample").split())
    assert f"{said} Opened as: 1,200 with “ASB” and 2 with “Test”. {said} Desk: 3 with “A”. Records were chosen" in told
    assert "Via" not in told
