"""An invented force with every optional part, for tests that change one thing of it and see what happens."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import pandas as pd
import yaml
from forces import crimes, parameters

FIGURE = {"value": 9000, "status": "assumed", "source": "invented"}
BY_ROUTE = {"control_room": FIGURE | {"value": 20000}, "crime_recording_centre": FIGURE | {"value": 4200}}


def complete_parameters() -> dict:
    """Parameters with every key that an inspection may have, but for those that hold of one set of routes."""
    return copy.deepcopy(
        parameters(
            publication={
                "title": "Crime data integrity inspection 2022",
                "type": "Crime recording",
                "kind": "inspection",
                "date": "2022-09-01",
                "status": "draft",
                "version": "0.2",
                "approvals": [{"role": "Reviewer", "date": "2022-08-20"}],
                "rights": "Open Government Licence v3.0",
            },
            programme="cdi-2017",
            estimation={
                "headline": "stratified",
                "clustered": True,
                "interval": "agresti-coull",
                "confidence_percent": 95,
                "status": "supplied",
                "source": "the analyst's choice",
            },
            sampling={
                "seed": 20220101,
                "expected_rate_percent": 90,
                "margin_points": 3,
                "confidence_percent": 95,
                "crimes_per_incident": 1.2,
                "response_rate_percent": 98,
                "incidents": {"violence": 20, "sexual": 10, "other": 20},
            },
            previous_inspection={
                "year": 2014,
                "audited_crimes": 82,
                "recorded_crimes": 65,
                "representative": True,
                "prior_percent": 25,
                "recording_limit_hours": 72,
                "note": "Other rules",
                "status": "published",
                "source": "report of 2014",
            },
            equality={"recorded": ["age", "gender"], "not_recorded": ["disability"]},
            survey_statements={"trained": "I have had enough training.", "ethics": "Leaders set an example."},
            findings={
                "overall": ["The force records crime well."],
                "improved": ["trained its staff"],
                "work_to_do": ["record in time"],
                "violence": ["Officers miss common assault."],
                "leadership": ["Chief officers lead."],
            },
            areas_for_improvement=[{"text": "record crime in time", "elements": ["timeliness"]}],
            assessments=[
                {
                    "element": "recommendations",
                    "criterion": "Recommendations were carried out.",
                    "finding": "mostly met",
                    "evidence": "interviews",
                    "status": "supplied",
                }
            ],
            carried_forward=[
                {"element": "action_plan", "grade": "good", "date": "2018-07-17", "source": "inspection 2018"}
            ],
            decisions=[
                {"grade_of": "efficient", "grade": "good", "reason": "A new system", "role": "Reporting officer"}
            ],
            assumptions=[{"text": "The frame is whole.", "status": "assumed", "source": "the force"}],
        )
    )


def complete_tables() -> dict[str, pd.DataFrame]:
    """Every record table, small, as text; main sample and dip samples."""
    main = crimes({"violence": 12, "sexual": 6, "other": 10}, {"violence": 10, "sexual": 5, "other": 9})
    main.loc[12:13, ["offence_class", "recorded_as"]] = ["19C", ""]
    main.loc[26:27, "stratum"] = "violence"  # other crime, in an incident that had looked like violence
    dip = main.iloc[[0, 17]].assign(
        crime_id=["DC1", "DC2"],
        incident_id=["VA1", "MS1"],
        sample=["vulnerable_adult", "modern_slavery_referral"],
        stratum="",
        route="",
        crime_type="violence",
        offence_class=["105A", "106"],
        reported_at="",
        recorded_at="",
    )
    return {
        "crimes": pd.concat([main, dip], ignore_index=True),
        "dip_records": pd.DataFrame(
            {
                "record_id": ["VA1", "VC1", "TP1", "MS1"],
                "sample": ["vulnerable_adult", "vulnerable_child", "third_party_email", "modern_slavery_referral"],
            }
        ),
        "register": pd.DataFrame(
            {
                "id": ["AFI 1", "AFI 2"],
                "raised_on": "2018-07-17",
                "text": ["train call takers", "review cancelled crimes"],
                "owner": "Head of contact",
                "deadline": "2019-03-31",
                "cause": "No training",
                "became": ["done", "open"],
                "note": ["all trained", ""],
            }
        ),
        "n100": pd.DataFrame(
            {
                "record_id": ["N1", "N2", "N3"],
                "kind": ["required", "required", "review"],
                "applied": ["yes", "no", "yes"],
                "should_be_rape": ["", "", "no"],
            }
        ),
        "cancellations": pd.DataFrame(
            {
                "crime_id": ["X1", "X2", "X3", "X4"],
                "crime_type": ["rape", "sexual", "violence", "robbery"],
                "authorised_by": ["FCIR", "DDM", "DDM", "DDM"],
                "correct": ["yes", "yes", "no", "yes"],
                "victim_to_be_informed": ["yes", "no", "yes", "yes"],
                "victim_informed": ["yes", "", "no", "yes"],
            }
        ),
        "survey": pd.DataFrame(
            {
                "respondent_id": ["1", "1", "2"],
                "statement": ["trained", "ethics", "trained"],
                "answer": ["agree", "strongly agree", "disagree"],
            }
        ),
        "strata": pd.DataFrame(
            {
                "stratum": ["violence", "sexual", "other"],
                "frame_incidents": ["4000", "700", "7000"],
                "audited_incidents": ["9", "3", "5"],
            }
        ),
        "challenges": pd.DataFrame(
            {
                "crime_id": ["V0000", "V0011", "V0001"],
                "first_decision": ["not recorded", "not recorded", "recorded"],
                "challenged_on": ["2022-07-10", "2022-07-11", "2022-07-12"],
                "rule": ["NCRS 2.2", "HOCR general rules A", "NCRS 3.4"],
                "outcome": ["upheld", "rejected", "open"],
                "final_decision": ["recorded", "", ""],
                "decided_on": ["2022-07-20", "2022-07-21", ""],
                "reason": ["the log shows it", "no new evidence", ""],
            }
        ),
        "published": pd.DataFrame(
            {
                "figure": ["Overall recording rate"],
                "result": ["estimates.overall.value"],
                "shown_as": ["percent"],
                "published": ["85.0%"],
                "source": ["an earlier report"],
            }
        ),
    }


def complete_files() -> dict[str, bytes]:
    """Parameter file and tables of the force ``testshire``, by their path in ``params``."""
    return dict(_complete_files())


@cache
def _complete_files() -> dict[str, bytes]:
    text = yaml.safe_dump(complete_parameters(), sort_keys=False, allow_unicode=True)
    tables = {f"testshire/{name}.csv": table.to_csv(index=False).encode() for name, table in complete_tables().items()}
    return {"testshire.yml": text.encode()} | tables


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files by their path in a folder; returns the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
