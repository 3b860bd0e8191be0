"""Programmes and samples that are unlike the usual ones: own columns, everything audited, a type without a crime."""

from datetime import date

import openpyxl
import pandas as pd
import pytest
from bad_inputs import in_yaml
from complete_force import write_files
from forces import crimes, parameters
from test_report import page_text

from cdi_lib.comparison import outputs
from cdi_lib.comparison.compare import compare
from cdi_lib.fieldwork.worksheet import AUDIT_SHEET, columns_for, write_worksheet
from cdi_lib.inspection import counting
from cdi_lib.inspection.measures import doubtful_frame
from cdi_lib.inspection.parameters import doubtful, load_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.programme import load_programme
from cdi_lib.inspection.published import read_published
from cdi_lib.inspection.results import read_results
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.pipeline.build import build_report
from cdi_lib.pipeline.notebooks import BuildError
from cdi_lib.report import charts
from cdi_lib.report.sample import assumption_rows

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
    assert "1 crimes" not in text and "too narrow" not in text
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


# --- programmes that have nothing of the usual ones -------------------------------------------------------------------

WHOLE = """
name: whole
version: "1.0"
date: 2021-01-01
title: "One type & <three> grades"
note: For a test.
crime_types: {crime: {label: "Crime & <harm> *now*", one: "harm & <crime>", many: "harms & <crimes>"}}
recording_rules: [{since: 2002-04-01, limit_hours: 48, principal_crime: Only the worst crime is recorded.}]
estimates: {night: {label: Crime at night, where: {shift: night}}}
shares: {quick: {label: "Recorded within {limit_hours} hours", where: {within_limit: [yes, no]}, counts: {within_limit: yes}}}
tables: {tbl-quick: {title: "Within {limit_hours} hours & <soon>", kind: in time, rows: {quick: All}}}
columns: {shift: {description: shift in which it was reported, values: [day, night]}}
compared: [overall, crime]
chapters:
  first: [overall_judgement, summary]
  questions: {overall_rate: [overall], unrecorded: [], auditable_route: [], quick: [quick]}
  last: [annex, sample, fieldwork, estimates, grades, assumptions, reproduce, approval, citation, glossary]
grades: [excellent, fair, poor]
questions:
  recording:
    label: "How well is crime recorded & <kept>?"
    rules: &rules
      excellent: {at_most_below: 0, sentence: All is excellent.}
      fair: {at_most_below: 0, sentence: All is fair.}
overall: {label: Overall, rules: *rules}
elements:
  all: {label: Records crime, question: recording, estimate: overall, bands: {excellent: 97, fair: 90}, reason: So it is.}
  quick: {label: "Is done in {limit_hours} hours", question: recording, share: quick, bands: {excellent: 97, fair: 90}, reason: It is.}
"""
QUICK = """## In time

{% for code in crime_nouns if code in crime_types %}
{{ rate_sentence(code, crime_nouns[code][1]) }}
{% endfor %}

{{ share("quick") | of }} were quick.

{{ table("tbl-quick") }}
"""


def whole(programme=WHOLE, text=QUICK) -> dict[str, bytes]:
    main = (
        crimes({"violence": 60}, {"violence": 57})
        .assign(crime_type="crime", shift="night")
        .drop(columns=["route", "stratum"])
    )
    figures = {"crime": {"value": 9000, "status": "supplied", "source": "x"}}
    return {
        "testshire.yml": in_yaml(parameters(programme="whole", recorded_crime=figures)),
        "programmes/whole.yml": programme.encode(),
        "testshire/crimes.csv": main.to_csv(index=False).encode(),
        "testshire/text/quick.md": text.encode(),
    }


def test_a_programme_that_extends_none_says_nothing_of_the_usual_ones(tmp_path):
    params = write_files(tmp_path / "params", whole())
    assert "route" not in columns_for(load_inspection("testshire", params).programme)
    text = page_text(build_report("testshire", "pandoc", params=params, reports=tmp_path / "reports").folder)
    for words in ("harms & <crimes>", "Crime & <harm> *now*", "57 of 57 were quick", "Within 48 hours & <soon>",
                  "Recorded within 48 hours", "Is done in 48 hours", "One type & <three> grades"):  # fmt: skip
        assert words in text, words
    for words in ("24 hours", "FCIR", "N100", "Domestic abuse Controlling", "Dip sample", "sexual", "stratum, from which",
                  "types of crime compare", "reported crime is recorded", "All crime", "domestic abuse", "reported crimes a year",
                  "each crime type has", "ode of practice for victims"):  # fmt: skip
        assert words not in text, words
    assert "of reported harms & <crimes> are recorded" in text


def test_a_section_that_asks_for_nothing_of_the_programme_is_told(tmp_path):
    programme = WHOLE.replace("auditable_route: []", "auditable_route: [], timeliness: []")
    files = whole(programme, QUICK.replace('"quick") | of', '"quik") | of'))
    with pytest.raises(InputError) as caught:
        read_audit("testshire", write_files(tmp_path / "params", files))
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 2, told
    assert any("text/quick.md, line 7: got share('quik')" in line for line in told)
    assert any("timeliness.md: got a section that asks for within_24" in line for line in told)


def test_all_mistakes_of_programme_and_texts_are_told_in_one_round(tmp_path):
    wrong = (
        ("estimate: overall", "estimate: overal"), ("where: {shift: night}", "where: {shift: nigth}"),
        ('hours", question: recording, share: quick', 'hours", share: quick'), ("quick: [quick]", "quick: [quick], missing: []"),
        ("shares: {", "shares: {one: {label: One, sum: [two]}, two: {label: Two, sum: [one]}, "),
    )  # fmt: skip
    programme = WHOLE
    for right, mistake in wrong:
        assert programme.count(right) == 1, right
        programme = programme.replace(right, mistake)
    with pytest.raises(InputError) as caught:
        read_audit("testshire", write_files(tmp_path / "params", whole(programme, QUICK.replace("table(", "tabel("))))
    told = sorted(
        f"{problem.file}: {problem.where.partition(', ')[2] or problem.where}" for problem in caught.value.problems
    )
    own = "params/programmes/whole.yml"
    assert told == [
        f"{own}: chapters.questions.missing", f"{own}: elements.all.estimate", f"{own}: elements.quick.question",
        f"{own}: estimates.night.where.shift", f"{own}: shares.one.sum", "params/testshire/text/quick.md: line 9",
    ]  # fmt: skip


def test_words_that_are_inherited_beside_another_rule_are_doubted(tmp_path):
    text = """
name: own
extends: cdi-2017
questions: {effective: {rules: {good: {at_most_below: 5}, requires improvement: {at_most_below: 5, sentence: Five may be.}}}}
elements: {rape: {bands: {good: 91}}, equality: {minimum: 2, reason: Two are needed.}, n100: {minimum: 5}}
shares: {rape: {where: {sample: [main, vulnerable_adult]}}}
samples: null
"""
    params = write_files(
        tmp_path, {"testshire.yml": in_yaml(parameters(programme="own")), "programmes/own.yml": text.encode()}
    )
    with pytest.raises(InputError):
        load_programme("own", params)  # without samples much of it asks for what is not there
    write_files(tmp_path, {"programmes/own.yml": text.replace("samples: null", "").encode()})
    told = doubtful(load_inspection("testshire", params), "testshire.yml", date(2026, 1, 1))
    assert [problem.where.partition(", ")[2] for problem in told] == [
        "shares.rape.where", "elements.rape.bands", "questions.effective.rules.good.at_most_below",
    ]  # fmt: skip
    assert "at most two other elements are not" in told[2].got and "'sentence' as well" in told[2].expected


def test_the_time_limit_of_the_audit_period_stands_in_the_words_of_the_programme():
    of = lambda day: load_programme("cdi-2017").on(date.fromisoformat(day))
    assert of("2014-05-01").elements["timeliness"].label == "Records crimes within 72 hours"
    assert of("2019-05-01").elements["timeliness"].label == "Records crimes within 24 hours"
    assert of("2014-05-01").place("timeliness").startswith("params/programmes/cdi-2017.yml, line")


ACROSS = """
extends: whole
name: across
samples: {log: {label: Logs, one: log, many: logs}}
cancellations: {moved: Moved to BTP, doubled: Recorded twice}
shares:
  cancelled_moved: {label: Rightly moved, table: cancellations, where: {crime_type: moved}, counts: {correct: yes}}
  cancelled_doubled: {label: Rightly cancelled, table: cancellations, where: {crime_type: doubled}, counts: {correct: yes}}
tables: {tbl-cancelled: {rows: {cancelled_moved: Moved, cancelled_doubled: Twice}}}
chapters: {questions: {cancelled: [cancelled*]}}
recording_rules:
  - {since: 2002-04-01, limit_hours: 48, principal_crime: Only the worst crime is recorded.}
  - {since: 2022-03-01, limit_hours: 12, principal_crime: Every crime is recorded.}
"""


def test_kinds_of_cancellation_without_a_whole_and_a_limit_that_changes_are_told(tmp_path):
    files = whole()
    content = parameters(
        programme="across", recorded_crime={"crime": {"value": 9000, "status": "supplied", "source": "x"}},
        estimation={"headline": "pooled"},
    )  # fmt: skip
    main = pd.read_csv(pd.io.common.BytesIO(files["testshire/crimes.csv"]), dtype=str, keep_default_na=False)
    log = main.iloc[:1].assign(crime_id="L1", incident_id="L1", sample="log", recorded_at="")
    rows = "".join(f"X{i},moved,DDM,{'yes' if i else 'no'},no,\n" for i in range(3))
    head = "crime_id,crime_type,authorised_by,correct,victim_to_be_informed,victim_informed\n"
    files |= {
        "testshire.yml": in_yaml(content), "programmes/across.yml": ACROSS.encode(),
        "testshire/crimes.csv": pd.concat([main, log]).to_csv(index=False).encode(),
        "testshire/dip_records.csv": b"record_id,sample\nL1,log\n", "testshire/cancellations.csv": (head + rows).encode(),
    }  # fmt: skip
    params = write_files(tmp_path / "params", files)
    told = doubtful(load_inspection("testshire", params), "testshire.yml", date(2026, 1, 1))
    assert [problem.got for problem in told] == ["a day from which the limit is 12 hours, 2022-03-01, within it"]
    text = page_text(build_report("testshire", "pandoc", params=params, reports=tmp_path / "reports").folder)
    for words in ("Cancelling was correct in 2 of 3 for moved to BTP", "no cancelled crime to review for recorded twice",
                  "From 1 March 2022 on, within the audit period, the limit was 12 hours",
                  "Dip samples held 1 more, of which 1 was recorded"):  # fmt: skip
        assert words in text, words
    for words in ("FCIR", "rape", "published figures of this programme"):
        assert words not in text, words


def test_who_names_all_that_was_there_says_the_order(tmp_path):
    types = "{other: {}, burglary: {label: Burglary, one: burglary, many: burglaries}, violence: {}%s}"
    head = "name: own\nextends: cdi-2017\ncrime_types: "
    for more, order in ((", sexual: {}", ["other", "burglary", "violence", "sexual"]),
                        ("", ["violence", "sexual", "other", "burglary"])):  # fmt: skip
        write_files(tmp_path, {"programmes/own.yml": (head + types % more).encode()})
        assert list(load_programme("own", tmp_path).crime_types) == order


def test_recorded_crime_by_route_stands_among_what_is_taken_as_given(tmp_path):
    by_route = {
        id_: {"value": 12100, "status": "assumed", "source": "guessed"}
        for id_ in ("control_room", "crime_recording_centre")
    }
    content = parameters(recorded_crime_by_route=by_route)
    rows = assumption_rows(load_inspection("testshire", write_files(tmp_path, {"testshire.yml": in_yaml(content)})))
    assert [row["source"] for row in rows].count("guessed") == 2
    assert "Recorded crime in 12 months that came through a control room: 12,100" in [row["text"] for row in rows]


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (", question: recording", ", question: recordin", ["elements.all.question", "elements.quick.question"]),
        ("[excellent, fair, poor]", "[fair, fair, poor]", ["grades"]),
        ("since: 2002-04-01", "since: 2002-04-31", ["recording_rules.1.since"]),
        ("recording_rules: [{", "recording_rules: [{since: 2003-01-01, limit_hours: 9, principal_crime: No.}, {", ["recording_rules"]),
    ],
)  # fmt: skip
def test_what_follows_from_a_mistake_is_no_second_one(tmp_path, right, wrong, told):
    write_files(tmp_path, {"programmes/whole.yml": WHOLE.replace(right, wrong).encode()})
    with pytest.raises(InputError) as caught:
        load_programme("whole", tmp_path)
    assert [problem.where.partition(", ")[2] for problem in caught.value.problems] == told
    assert not any("datetime" in problem.got or "validation" in problem.expected for problem in caught.value.problems)


def test_a_programme_without_a_crime_type_is_refused(tmp_path):
    types = WHOLE[WHOLE.index("crime_types:") : WHOLE.index("recording_rules:")]
    write_files(tmp_path, {"programmes/whole.yml": WHOLE.replace(types, "crime_types: {}\n").encode()})
    with pytest.raises(InputError) as caught:
        load_programme("whole", tmp_path)
    assert "crime_types: got {}; expected at least one entry" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "got"),
    [("a: [b, c\nd: e\n", "brackets that are not closed"), ("a:\n  b: 1\n c: 2\n", "a line that does not fit"),
     ('a: "b\nc: d\n', "quot"), ("a:\n\tb: c\n", "a tab")],
)  # fmt: skip
def test_wrong_yaml_is_told_in_plain_words(tmp_path, text, got):
    write_files(tmp_path, {"programmes/whole.yml": text.encode()})
    with pytest.raises(InputError) as caught:
        load_programme("whole", tmp_path)
    [problem] = caught.value.problems
    assert got in problem.got and problem.where.startswith("line ") and "<" not in str(problem)


def test_auditors_are_offered_only_what_the_programme_looks_for(tmp_path):
    files = whole(WHOLE.replace('many: "harms & <crimes>"', 'many: "harms & <crimes>", classes: [105A]'))
    inspection = load_inspection("testshire", write_files(tmp_path, files))
    incidents = pd.DataFrame({"id": ["1"], "stratum": ["all"], "reported_at": [pd.NaT], "route": [None]})
    book = openpyxl.load_workbook(write_worksheet(tmp_path / "w.xlsx", incidents, "first", inspection))
    assert "domestic_abuse" not in [cell.value for cell in book[AUDIT_SHEET][1]]
    assert [row[0] for row in book["Lists"].iter_rows(min_row=2, values_only=True)] == ["105A"]
    told = [str(cell.value) for cell in book["Instructions"]["A"]]
    assert any("not recorded: incident, or nothing." in line for line in told) and not any(
        "n100" in line for line in told
    )
    assert '"incident,nothing"' in {check.formula1 for check in book[AUDIT_SHEET].data_validations.dataValidation}
    files["testshire/crimes.csv"] = files["testshire/crimes.csv"].replace(b"105A", b"20A", 1)
    with pytest.raises(InputError, match="the crime type of class 20A"):
        read_audit("testshire", write_files(tmp_path / "wrong", files))


def test_a_part_of_crime_is_no_rate_of_all_crime_in_the_comparison(tmp_path):
    files = whole(WHOLE.replace('many: "harms & <crimes>"', 'many: "harms & <crimes>", classes: [105A]'))
    files["testshire.yml"] = files["testshire.yml"].replace(b"status: invented", b"status: audit")
    params = write_files(tmp_path / "params", files)
    folder = build_report("testshire", "pandoc", params=params, reports=tmp_path / "reports").folder
    results = read_results(folder / "results.json")
    assert not [key for key in results.tallies if "abuse" in key] and "tbl-quick" in results.told.tables
    assert (folder / "tables/quick.csv").is_file() and not (folder / "tables/domestic-abuse-classes.csv").exists()
    found = compare([results], read_published())
    own = next(item for item in found.inspections if item.force == "Testshire")
    assert not own.counts and own.name not in found.total_of
    assert outputs.rule_name(own.rule) == "a part of crime only: Crime & <harm> *now*"
    assert [item.rule for item in found.inspections].count(own.rule) == 1
    assert outputs.tell(found, "types").startswith("# Single types of crime")
    assert outputs.tell(compare([], read_published()), "types").startswith("# Violence and sexual offences")


def test_a_column_that_the_programme_does_not_ask_for_may_be_left_out(tmp_path):
    files = whole()
    table = pd.read_csv(pd.io.common.BytesIO(files["testshire/crimes.csv"]), dtype=str, keep_default_na=False)
    files["testshire/crimes.csv"] = table.drop(columns="domestic_abuse").to_csv(index=False).encode()
    assert len(read_audit("testshire", write_files(tmp_path / "own", files)).records.main) == 60
    files["testshire.yml"] = in_yaml(parameters())
    with pytest.raises(InputError, match="domestic_abuse"):
        read_audit("testshire", write_files(tmp_path / "usual", files))


def test_braces_that_nothing_is_filled_in_for_are_doubted(tmp_path):
    write_files(
        tmp_path, {"programmes/whole.yml": WHOLE.replace("Is done in {limit_hours}", "Is done in {hours}").encode()}
    )
    [told] = load_programme("whole", tmp_path).doubts
    assert told.severity == "warning" and told.got == "{hours}" and told.where.endswith(", elements.quick.label")
