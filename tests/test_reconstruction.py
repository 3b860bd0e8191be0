"""The reconstructed tables of Northamptonshire give the counts of the published report. Seven seconds.

The expected counts are typed here from the inspection report of 31 July 2020, not read from the specification
that the tables are made from. Counts that the report does not print are marked as derived or assumed.
"""

import copy

import pandas as pd
import pytest
import yaml

from cdi_lib.inspection.parameters import PROJECT, load_inspection
from cdi_lib.inspection.problems import InputError
from cdi_lib.inspection.programme import default_programme
from cdi_lib.inspection.records import load_records
from cdi_lib.statistics import sampling
from tests.tools.reconstruction import Chance, reconstruct

FOLDER = PROJECT / "params" / "northamptonshire"
CSV_TABLES = ("crimes", "dip_records", "n100", "cancellations", "survey")


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    """The tables, made once more."""
    folder = tmp_path_factory.mktemp("reconstruction")
    reconstruct(FOLDER / "reconstruction.yml", folder)
    return folder


@pytest.fixture(scope="module")
def records():
    return load_records("northamptonshire", load_inspection("northamptonshire"))


@pytest.fixture(scope="module")
def crimes(records):
    return records.crimes


@pytest.fixture(scope="module")
def main(records):
    return records.main


def of_and_recorded(crimes: pd.DataFrame) -> tuple[int, int]:
    """Audited crimes and how many of them were recorded."""
    return len(crimes), int(crimes["recorded"].sum())


def unrecorded_classes(crimes: pd.DataFrame) -> dict[str, int]:
    return crimes.loc[~crimes["recorded"], "offence_class"].value_counts().to_dict()


# --- made again -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CSV_TABLES)
def test_committed_table_is_what_the_generator_makes(again, name):
    made = (again / f"{name}.csv").read_bytes()
    assert made == (FOLDER / f"{name}.csv").read_bytes()
    assert b"\r" not in made and made.endswith(b"\n") and made.decode("utf-8").isascii()


def test_committed_frame_is_what_the_generator_makes(again):
    # Parquet names the version of its writer in the file, so the content is compared and not the bytes.
    made = pd.read_parquet(again / "frame.parquet")
    pd.testing.assert_frame_equal(made, pd.read_parquet(FOLDER / "frame.parquet"))
    assert (FOLDER / "frame.parquet").stat().st_size < 700_000


def test_another_seed_gives_other_rows_and_the_same_counts(tmp_path, again):
    spec = yaml.safe_load((FOLDER / "reconstruction.yml").read_text(encoding="utf-8"))
    spec["seed"] += 1
    (tmp_path / "reconstruction.yml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    reconstruct(tmp_path / "reconstruction.yml", tmp_path)
    one, other = (pd.read_csv(folder / "crimes.csv", dtype=str) for folder in (again, tmp_path))
    assert not one["incident_id"].equals(other["incident_id"])
    counted = ["sample", "crime_type", "recorded", "domestic_abuse"]
    pd.testing.assert_series_equal(one.value_counts(counted).sort_index(), other.value_counts(counted).sort_index())


# --- the draw -------------------------------------------------------------------------------------


def test_the_draw_from_the_frame_selects_the_audited_incidents(main):
    frame = pd.read_parquet(FOLDER / "frame.parquet")
    audited = main.drop_duplicates("incident_id")
    drawn = sampling.draw(
        frame,
        audited["stratum"].value_counts().to_dict(),
        load_inspection("northamptonshire").sampling.seed,
        id_column="incident_id",
        stratum_column="stratum",
    )
    assert {record.id for record in drawn.records} == set(audited["incident_id"])
    in_frame = frame.set_index("incident_id").loc[audited["incident_id"]]
    assert in_frame["stratum"].tolist() == audited["stratum"].tolist()
    assert in_frame["route"].tolist() == audited["route"].tolist()


def test_frame_holds_about_the_reported_crime_of_the_period():
    # Reported crimes = recorded in 12 months (assumed) / 2 * 96.7 % / rate; then over crimes per incident.
    # Violence: 21,900 / 2 * 0.967 / (438 / 491) / 1.12 = 10,598 incidents.
    frame = pd.read_parquet(FOLDER / "frame.parquet")
    assert frame["stratum"].value_counts().to_dict() == {"other": 18221, "violence": 10598, "sexual": 1187}
    assert frame["incident_id"].is_unique


# --- main sample ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crime_type", "expected"),
    [("violence", (491, 438)), ("sexual", (266, 256)), ("other", (372, 345))],  # derived, derived, assumed
)
def test_main_sample(main, crime_type, expected):
    assert of_and_recorded(main[main["crime_type"] == crime_type]) == expected


def test_overall_recording_rate(main):
    assert of_and_recorded(main) == (1129, 1039)
    assert f"{main['recorded'].mean():.1%}" == "92.0%"


def test_reports_of_crime_audited(crimes):
    assert len(crimes) == 1205


def test_an_incident_has_one_stratum_and_some_hold_several_crimes(main):
    sizes = main.groupby("incident_id").size()
    assert (main["stratum"] == main["crime_type"]).all()
    assert len(sizes) == 1035 and (sizes > 1).sum() > 50


def test_unrecorded_crimes_share_incidents_more_than_chance_would(main):
    # Pairs of crimes of one incident that are both unrecorded, against the pairs expected if crimes were
    # independent within their crime type: number of pairs times the squared share of unrecorded crimes.
    unrecorded = (~main["recorded"]).astype(int)
    by_incident = unrecorded.groupby([main["crime_type"], main["incident_id"]]).agg(["sum", "size"])
    both = (by_incident["sum"] * (by_incident["sum"] - 1) / 2).sum()
    pairs = (by_incident["size"] * (by_incident["size"] - 1) / 2).groupby("crime_type").sum()
    expected = (pairs * unrecorded.groupby(main["crime_type"]).mean() ** 2).sum()
    assert both > 2 * expected


# --- domestic abuse, rape, N100 -------------------------------------------------------------------


def test_domestic_abuse(crimes, main):
    abuse = crimes[crimes["domestic_abuse"]]
    assert of_and_recorded(abuse) == (283, 241)
    assert abuse.loc[~abuse["recorded"], "crime_type"].value_counts().to_dict() == {
        "violence": 33,
        "other": 8,
        "sexual": 1,
    }
    assert abuse.index.isin(main.index).all()  # assumed


def test_most_unrecorded_domestic_abuse_is_harassment_stalking_or_coercive_control(crimes):
    missed = crimes[crimes["domestic_abuse"] & ~crimes["recorded"]]
    assert missed["offence_class"].isin(["8L", "8Q", "8U"]).sum() > len(missed) / 2


def test_most_unrecorded_violence_is_of_the_classes_that_the_report_names(main):
    missed = main[(main["crime_type"] == "violence") & ~main["recorded"]]
    # common assault, harassment, stalking, malicious communications
    assert missed["offence_class"].isin(["105A", "8L", "8Q", "8R"]).mean() > 0.75


def test_rape(main):
    rape = main[main["rape"]]
    assert of_and_recorded(rape) == (84, 78)
    missed = rape[~rape["recorded"]]
    assert missed["recorded_as"].value_counts().to_dict() == {"n100": 4, "nothing": 2}


def test_the_two_rapes_without_any_record_are_from_one_incident_of_three(main):
    missed = main[main["rape"] & (main["recorded_as"] == "nothing")]
    assert missed["incident_id"].nunique() == 1
    incident = main[main["incident_id"] == missed["incident_id"].iloc[0]]
    assert incident["rape"].all() and not incident["recorded"].any()
    assert sorted(incident["recorded_as"]) == ["n100", "nothing", "nothing"]


def test_n100(records):
    required = records.n100[records.n100["kind"] == "required"]
    review = records.n100[records.n100["kind"] == "review"]
    assert (len(required), required["applied"].sum()) == (10, 8)
    assert (len(review), review["should_be_rape"].sum()) == (18, 4)


# --- dip samples ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "examined", "expected", "missed"),
    [
        (["vulnerable_adult", "vulnerable_child"], [25, 25], (28, 26), {"22B": 1, "20B": 1}),
        (["third_party_email"], [20], (11, 7), {"20A": 1, "22B": 2, "105A": 1}),
        (["modern_slavery_referral"], [20], (8, 7), {"24": 1}),
        (["modern_slavery_other"], [19], (29, 28), {"22B": 1}),
    ],
)
def test_dip_sample(records, samples, examined, expected, missed):
    counts = records.dip_records["sample"].value_counts()
    assert [counts[name] for name in samples] == examined
    crimes = records.crimes[records.crimes["sample"].isin(samples)]
    assert of_and_recorded(crimes) == expected
    assert unrecorded_classes(crimes) == missed


def test_all_dip_samples_are_of_the_known_kinds(records):
    assert set(records.dip_records["sample"]) == set(default_programme().samples)
    assert len(records.dip_records) == 109


def test_unrecorded_crimes_of_vulnerable_victims_are_from_one_record(crimes):
    victims = crimes[crimes["sample"].isin(["vulnerable_adult", "vulnerable_child"])]
    missed = victims[~victims["recorded"]]
    assert len(missed) == 2 and missed["incident_id"].nunique() == 1
    assert (missed["crime_type"] == "sexual").all()


def test_modern_slavery_crimes_of_the_referral_mechanism(crimes):
    referred = crimes[crimes["sample"] == "modern_slavery_referral"]
    assert of_and_recorded(referred[referred["modern_slavery"]]) == (6, 6)
    assert of_and_recorded(referred[~referred["modern_slavery"]]) == (2, 1)


# --- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crime_type", "expected"), [("violence", (438, 342)), ("sexual", (256, 183)), ("other", (349, 301))]
)
def test_recorded_within_24_hours(crimes, crime_type, expected):
    timed = crimes[(crimes["crime_type"] == crime_type) & crimes["recorded_at"].notna()]
    assert timed["recorded"].all()
    assert (len(timed), int(timed["within_limit"].sum())) == expected


def test_every_recorded_crime_of_the_main_sample_has_its_times(main):
    assert main.loc[main["recorded"], ["reported_at", "recorded_at"]].notna().all(axis=None)
    assert main["reported_at"].notna().all()


def test_no_delay_is_near_the_limit(crimes):
    hours = (crimes["recorded_at"] - crimes["reported_at"]).dropna().dt.total_seconds() / 3600
    assert ((hours - 24).abs() > 1 / 60).all()
    assert hours.between(0, 24 * 60).all()


def test_reports_spread_over_the_audit_period(main):
    by_month = main.drop_duplicates("incident_id")["reported_at"].dt.month.value_counts()
    assert sorted(by_month.index) == [6, 7, 8, 9, 10, 11]
    assert by_month.min() > 0.7 * by_month.max()


# --- cancellations and survey ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crime_type", "authority", "expected"),
    [
        ("rape", "FCIR", (20, 20)),
        ("sexual", "DDM", (20, 18)),
        ("violence", "DDM", (20, 18)),
        ("robbery", "DDM", (9, 9)),
    ],
)
def test_cancelled_crimes(records, crime_type, authority, expected):
    cancelled = records.cancellations[records.cancellations["crime_type"] == crime_type]
    assert (len(cancelled), cancelled["correct"].sum()) == expected
    assert set(cancelled["authorised_by"]) == {authority}


def test_victims_informed_of_cancellation(records):
    asked = records.cancellations[records.cancellations["victim_to_be_informed"]]
    assert (len(asked), asked["victim_informed"].sum()) == (19, 17)


def test_survey(records):
    survey = records.survey
    assert survey["respondent_id"].nunique() == 173
    assert survey["statement"].value_counts().to_dict() == {
        "ethical_recording": 173,
        "own_responsibility": 173,
        "trained": 173,
    }
    agreed = survey["answer"].isin(["strongly agree", "agree"]).groupby(survey["statement"]).mean()
    assert agreed["ethical_recording"] > 0.5  # "most", published


# --- specification --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["main_sample", "violence", "unrecorded"], 54, "main_sample.violence.unrecorded_classes"),
        (["main_sample", "violence", "within_24_hours"], 439, "main_sample.violence.within_24_hours"),
        (["main_sample", "other", "domestic_abuse_recorded"], 346, "main_sample.other.domestic_abuse_recorded"),
        (["main_sample", "sexual", "rape_recorded"], 257, "main_sample.sexual.rape_recorded"),
        (["main_sample", "other", "crimes_per_incident"], 0.9, "main_sample.other.crimes_per_incident"),
        (["main_sample", "other", "recorded_classes"], {"105A": 1}, "105A"),
        (["rape_not_recorded", "elsewhere"], ["n100"], "rape_not_recorded"),
        (["dip_samples", "third_party_email", "crimes"], [["49", 1, 2]], "dip_samples.third_party_email"),
        (["dip_times", "within_24_hours"], 5, "dip_times.within_24_hours"),
        (["n100", "applied"], 11, "n100.applied"),
        (["cancellations", "rape"], [20, 21, "FCIR"], "cancellations.rape"),
        (["victims", "informed"], 20, "victims.informed"),
        (["survey", "trained"], [1, 2, 3], "survey.trained"),
    ],
)
def test_counts_that_cannot_be_are_refused_before_a_table_is_written(tmp_path, path, value, words):
    spec = copy.deepcopy(yaml.safe_load((FOLDER / "reconstruction.yml").read_text(encoding="utf-8")))
    place = spec
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    specification = tmp_path / "reconstruction.yml"
    specification.write_text(yaml.safe_dump(spec), encoding="utf-8")
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        reconstruct(specification, tmp_path)
    assert [found.name for found in tmp_path.iterdir()] == ["reconstruction.yml"]


def test_shares_are_rounded_to_the_exact_number():
    names = Chance(1).by_share({"a": 0.5, "b": 0.3, "c": 0.2}, 7)
    assert {name: names.count(name) for name in "abc"} == {"a": 4, "b": 2, "c": 1}  # 3.5, 2.1, 1.4
