"""Record tables made from published counts, where no record-level data was published.

The tables look like those of an audit and give the counts of a specification exactly. No row describes a real
crime, victim or incident. The same specification gives the same tables on every machine: all chance comes
from ``random.Random(seed).random()``, whose sequence Python guarantees.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from itertools import count
from pathlib import Path

import pandas as pd
import yaml

from cdi_lib.inspection.folders import PROJECT, force_key
from cdi_lib.inspection.problems import InputError, Problem, shown, suggest
from cdi_lib.inspection.programme import MAIN
from cdi_lib.inspection.tables import ANSWERS, columns_of, offence_classes
from cdi_lib.statistics import sampling

_MINUTES_PER_DAY = 24 * 60


class Chance:
    """Reproducible choices, all made from ``random()`` alone."""

    def __init__(self, seed: int):
        self._random = random.Random(seed).random

    def below(self, number: int) -> int:
        return int(self._random() * number)

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def shuffled(self, items: Sequence) -> list:
        keyed = [(self._random(), place, item) for place, item in enumerate(items)]
        return [item for _, _, item in sorted(keyed, key=lambda key: key[:2])]

    def by_share(self, shares: Mapping[str, float], number: int) -> list[str]:
        """``number`` names in the given shares, rounded by largest remainder, in random order.

        Examples
        --------
        >>> sorted(Chance(1).by_share({"105A": 0.5, "8N": 0.3, "8L": 0.2}, 7))
        ['105A', '105A', '105A', '105A', '8L', '8N', '8N']
        """
        total = sum(shares.values())
        exact = {name: number * share / total for name, share in shares.items()}
        counts = {name: math.floor(value) for name, value in exact.items()}
        by_remainder = sorted(exact, key=lambda name: (counts[name] - exact[name], name))
        for name in by_remainder[: number - sum(counts.values())]:
            counts[name] += 1
        return self.shuffled([name for name, how_many in counts.items() for _ in range(how_many)])

    def minutes_late(self, in_time: bool) -> int:
        """Minutes from report to recording: mostly some hours, or mostly some days."""
        if in_time:
            return 5 + int((_MINUTES_PER_DAY - 10) * self._random() ** 2.2)
        return _MINUTES_PER_DAY + 30 + int(-math.log(1 - self._random() * 0.995) * 4 * _MINUTES_PER_DAY)


def reconstruct(specification: Path, folder: Path) -> list[Path]:
    """Write the record tables that a specification describes.

    Parameters
    ----------
    specification : Path
        YAML as in ``params/northamptonshire/reconstruction.yml``, whose comments describe it.
    folder : Path
        Where the tables go: ``crimes.csv``, ``dip_records.csv``, ``n100.csv``, ``cancellations.csv``,
        ``survey.csv``, ``strata.csv`` and the sampling frame ``frame.parquet``.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If counts of the specification contradict each other, or a class is unknown. Nothing is written then.

    Notes
    -----
    Each incident of the main sample holds crimes of one type. Some unrecorded crimes share an incident, so
    that crimes of one incident are more alike than others, as in real audits.

    Times of report are uniform over the audit period: no hour or weekday is more frequent than another.
    """
    spec = yaml.safe_load(specification.read_text(encoding="utf-8"))
    spec = _with_text_classes(spec)
    _refuse_contradictions(spec, f"params/{specification.parent.name}/{specification.name}")
    chance = Chance(spec["seed"])
    incidents = {
        crime_type: _incidents(_crimes_of_type(crime_type, part, spec, chance), part, chance)
        for crime_type, part in spec["main_sample"].items()
    }
    frame = _frame(spec, incidents, chance)
    drawn = sampling.draw(
        frame,
        {name: len(found) for name, found in incidents.items()},
        spec["frame"]["seed"],
        id_column="incident_id",
        stratum_column="stratum",
    )
    references = {name: sorted(r.id for r in drawn.records if r.stratum == name) for name in incidents}
    crimes_of = {
        reference: len(crimes)
        for name, found in incidents.items()
        for reference, crimes in zip(references[name], found, strict=True)
    }
    routes = _with_audited(frame.set_index("incident_id")["route"], crimes_of, spec["frame"]["control_room"])
    frame["route"] = routes.to_numpy()
    rows = [
        row
        for crime_type, found in incidents.items()
        for row in _main_rows(crime_type, found, references[crime_type], routes, spec, chance)
    ]
    dip_rows, dip_records = _dip_samples(spec, chance)
    tables = {
        "crimes": _numbered(rows + dip_rows),
        "dip_records": dip_records,
        "n100": _n100(spec["n100"]),
        "cancellations": _cancellations(spec),
        "survey": _survey(spec["survey"], chance),
        "strata": [
            {"stratum": name, "frame_incidents": drawn.frame[name], "audited_incidents": len(found)}
            for name, found in incidents.items()
        ],
    }
    written = []
    for name, table_rows in tables.items():
        path = folder / f"{name}.csv"
        rows = pd.DataFrame(table_rows)
        table = rows.reindex(columns=[column for column in columns_of(name) if column in rows or rows.empty])
        table.to_csv(path, index=False, lineterminator="\n")
        written.append(path)
    frame.to_parquet(folder / "frame.parquet", index=False, compression="zstd")
    return [*written, folder / "frame.parquet"]


def _with_text_classes(value):
    """YAML reads the class 21 as a number; classes and names are text."""
    if isinstance(value, dict):
        return {str(key): _with_text_classes(item) for key, item in value.items()}
    return [_with_text_classes(item) for item in value] if isinstance(value, list) else value


def _refuse_contradictions(spec: dict, file: str) -> None:
    """Refuse counts that contradict each other, so that no table is made to fit by leaving crimes out."""
    problems = [
        *_main_sample_problems(spec, file),
        *_dip_sample_problems(spec, file),
        *_other_table_problems(spec, file),
    ]
    if problems:
        raise InputError(problems)


def _main_sample_problems(spec: dict, file: str) -> list[Problem]:
    problems = []
    rapes_missed = 0
    for crime_type, part in spec["main_sample"].items():
        place = f"main_sample.{crime_type}"
        for key in ("within_24_hours", "domestic_abuse_recorded", "rape_recorded"):
            problems += _more_than(part.get(key, 0), part["recorded"], file, f"{place}.{key}", "recorded")
        missed = part["unrecorded_classes"]
        held = sum(sum(counts.values()) for counts in missed.values())
        if held != part["unrecorded"]:
            expected = f"{part['unrecorded']}, as {place}.unrecorded says"
            problems.append(Problem(file, f"{place}.unrecorded_classes", f"{held} crimes", expected))
        if part["crimes_per_incident"] < 1:
            got = shown(part["crimes_per_incident"])
            problems.append(Problem(file, f"{place}.crimes_per_incident", got, "1 or more"))
        classes = [*part["recorded_classes"], *part.get("rape_classes", {})]
        classes += [name for counts in missed.values() for name in counts]
        problems += _class_problems(classes, file, place, crime_type)
        rapes = offence_classes()["rape"]
        rapes_missed += sum(
            number for counts in missed.values() for name, number in counts.items() if rapes.get(name) == "yes"
        )
    described = sum(len(kinds) for kinds in spec["rape_not_recorded"].values())
    if described != rapes_missed:
        expected = f"{rapes_missed}, the rapes among unrecorded_classes"
        problems.append(Problem(file, "rape_not_recorded", f"{described} rapes", expected))
    return problems


def _dip_sample_problems(spec: dict, file: str) -> list[Problem]:
    problems = []
    timed = spec["dip_times"]["class_type"]
    types = offence_classes()["crime_type"]
    can_have_times = 0
    for sample, part in spec["dip_samples"].items():
        place = f"dip_samples.{sample}"
        classes = [str(name) for name, _, _ in part["crimes"]]
        classes += map(str, part.get("unrecorded_in_one_record", []))
        problems += _class_problems(classes, file, place)
        for name, number, done in part["crimes"]:
            problems += _more_than(done, number, file, f"{place}, class {name}", "crimes")
            can_have_times += done if types.get(str(name)) == timed else 0
    wanted = spec["dip_times"]["within_24_hours"]
    problems += _more_than(
        wanted, can_have_times, file, "dip_times.within_24_hours", f"recorded crimes of type {timed}"
    )
    return problems


def _other_table_problems(spec: dict, file: str) -> list[Problem]:
    n100, victims = spec["n100"], spec["victims"]
    problems = _more_than(n100["applied"], n100["required"], file, "n100.applied", "required")
    problems += _more_than(n100["should_be_rape"], n100["reviewed"], file, "n100.should_be_rape", "reviewed")
    for name, (reviewed, correct, _) in spec["cancellations"].items():
        problems += _more_than(correct, reviewed, file, f"cancellations.{name}", "reviewed")
    reviewed = sum(reviewed for reviewed, _, _ in spec["cancellations"].values())
    problems += _more_than(victims["to_inform"], reviewed, file, "victims.to_inform", "cancelled crimes")
    problems += _more_than(victims["informed"], victims["to_inform"], file, "victims.informed", "victims to inform")
    for statement, counts in spec["survey"].items():
        if len(counts) != len(ANSWERS):
            expected = f"{len(ANSWERS)}: {', '.join(ANSWERS)}"
            problems.append(Problem(file, f"survey.{statement}", f"{len(counts)} counts", expected))
    return problems


def _more_than(part: int, whole: int, file: str, where: str, what: str) -> list[Problem]:
    return [Problem(file, where, str(part), f"{whole} ({what}) or fewer")] if part > whole else []


def _class_problems(classes: Sequence[str], file: str, where: str, crime_type: str | None = None) -> list[Problem]:
    """Classes that are unknown, or not of the crime type under which they stand."""
    types = offence_classes()["crime_type"]
    problems = []
    for name in dict.fromkeys(classes):
        if name not in types:
            expected = f"a class of params/offence_classes.csv{suggest(name, types.index)}"
            problems.append(Problem(file, where, f"class {name}", expected))
        elif crime_type and types[name] != crime_type:
            expected = f"a class of type {crime_type}; {name} is {types[name]}"
            problems.append(Problem(file, where, f"class {name}", expected))
    return problems


def _crimes_of_type(crime_type: str, part: dict, spec: dict, chance: Chance) -> list[list[dict]]:
    """The crimes of one type in units that stay together in one incident (most units hold one crime)."""
    rapes = part.get("rape_recorded", 0)
    classes = chance.by_share(part["recorded_classes"], part["recorded"] - rapes)
    classes += chance.by_share(part.get("rape_classes", {"": 1}), rapes) if rapes else []
    abuse = {id_ for id_ in chance.shuffled(range(part["recorded"]))[: part["domestic_abuse_recorded"]]}
    in_time = set(chance.shuffled(range(part["recorded"]))[: part["within_24_hours"]])
    units = [
        [{"offence_class": name, "domestic_abuse": k in abuse, "recorded": True, "in_time": k in in_time}]
        for k, name in enumerate(classes)
    ]
    missed = [
        {
            "offence_class": str(name),
            "domestic_abuse": kind == "domestic_abuse",
            "recorded": False,
            "recorded_as": "nothing",
        }
        for kind, counts in part["unrecorded_classes"].items()
        for name, number in counts.items()
        for _ in range(number)
    ]
    if rapes:
        units += _rape_units(missed, spec["rape_not_recorded"])
        missed = [crime for crime in missed if not _is_rape(crime)]
    missed = chance.shuffled(missed)
    while missed:
        size = 2 if len(missed) > 1 and chance.chance(0.15) else 1
        units.append([missed.pop() for _ in range(size)])
    return chance.shuffled(units)


def _is_rape(crime: dict) -> bool:
    return offence_classes()["rape"][crime["offence_class"]] == "yes"


def _rape_units(missed: list[dict], spec: dict) -> list[list[dict]]:
    rapes = [crime for crime in missed if _is_rape(crime)]
    for crime, recorded_as in zip(rapes, spec["one_incident"] + spec["elsewhere"], strict=True):
        crime["recorded_as"] = recorded_as
    together = len(spec["one_incident"])
    return [rapes[:together], *([crime] for crime in rapes[together:])]


def _incidents(units: list[list[dict]], part: dict, chance: Chance) -> list[list[dict]]:
    """Join neighbouring units until there are as many incidents as the crimes per incident ask for."""
    crimes = sum(len(unit) for unit in units)
    wanted = round(crimes / part["crimes_per_incident"])
    joined = set(chance.shuffled(range(1, len(units)))[: max(len(units) - wanted, 0)])
    incidents: list[list[dict]] = []
    for place, unit in enumerate(units):
        if place in joined:
            incidents[-1] = incidents[-1] + unit
        else:
            incidents.append(list(unit))
    return incidents


def _frame(spec: dict, incidents: dict[str, list], chance: Chance) -> pd.DataFrame:
    """An invented sampling frame: about the reported crime of the period over the crimes per incident."""
    frame = spec["frame"]
    strata: list[str] = []
    for name, part in spec["main_sample"].items():
        rate = part["recorded"] / (part["recorded"] + part["unrecorded"])
        reported = frame["recorded_12_months"][name] * frame["years"] * frame["auditable_route"] / rate
        strata += [name] * round(reported / part["crimes_per_incident"])
    strata = chance.shuffled(strata)
    return pd.DataFrame(
        {
            "incident_id": [f"{frame['prefix']}{number:06}" for number in range(1, len(strata) + 1)],
            "stratum": strata,
            "route": ["control_room" if chance.chance(0.86) else "crime_recording_centre" for _ in strata],
        }
    )


def _with_audited(routes: pd.Series, crimes_of: Mapping[str, int], wanted: int) -> pd.Series:
    """The routes, with as few changed as give the number of audited crimes that came through the control room."""
    routes = routes.copy()
    excess = sum(n for reference, n in crimes_of.items() if routes[reference] == "control_room") - wanted
    others = ("control_room", "crime_recording_centre")[:: 1 if excess > 0 else -1]
    for reference, n in crimes_of.items():
        if routes[reference] == others[0] and n <= abs(excess):
            routes[reference] = others[1]
            excess -= n if excess > 0 else -n
    return routes


def _main_rows(crime_type, incidents, references, routes, spec, chance) -> list[dict]:
    start = datetime.combine(spec["period"]["start"], time())
    minutes = ((spec["period"]["end"] - spec["period"]["start"]).days + 1) * _MINUTES_PER_DAY
    rows = []
    for reference, crimes in zip(references, incidents, strict=True):
        reported = start + timedelta(minutes=chance.below(minutes))
        for crime in crimes:
            rows.append(
                {
                    "incident_id": reference,
                    "sample": MAIN,
                    "stratum": crime_type,
                    "crime_type": crime_type,
                    "offence_class": crime["offence_class"],
                    "route": routes[reference],
                    "domestic_abuse": _yes(crime["domestic_abuse"]),
                    "recorded": _yes(crime["recorded"]),
                    "recorded_as": crime.get("recorded_as"),
                    **_times(reported, crime["in_time"] if crime["recorded"] else None, chance),
                }
            )
    return sorted(rows, key=lambda row: row["incident_id"])


def _times(reported: datetime, in_time: bool | None, chance: Chance) -> dict[str, str | None]:
    recorded = None if in_time is None else reported + timedelta(minutes=chance.minutes_late(in_time))
    return {
        "reported_at": f"{reported:%Y-%m-%d %H:%M}",
        "recorded_at": f"{recorded:%Y-%m-%d %H:%M}" if recorded else None,
    }


def _dip_samples(spec: dict, chance: Chance) -> tuple[list[dict], list[dict]]:
    timed, in_time = spec["dip_times"]["class_type"], spec["dip_times"]["within_24_hours"]
    types = offence_classes()["crime_type"]
    rows: list[dict] = []
    records: list[dict] = []
    for sample, part in spec["dip_samples"].items():
        prefix = "".join(word[0] for word in sample.split("_")).upper()
        references = [f"{prefix}-{number:03}" for number in range(1, part["records"] + 1)]
        records += [{"record_id": reference, "sample": sample} for reference in references]
        found = [(str(name), k < done) for name, number, done in part["crimes"] for k in range(number)]
        places = [references[chance.below(len(references))] for _ in found]
        together = [(str(name), False) for name in part.get("unrecorded_in_one_record", [])]
        places += [references[0]] * len(together)
        for (name, done), reference in zip(found + together, places, strict=True):
            times: dict[str, str | None] = {"reported_at": None, "recorded_at": None}
            if done and types[name] == timed and in_time:
                in_time -= 1
                reported = datetime.combine(spec["period"]["start"], time(9)) + timedelta(days=chance.below(180))
                times = _times(reported, True, chance)
            rows.append(
                {
                    "incident_id": reference,
                    "sample": sample,
                    "crime_type": types[name],
                    "offence_class": name,
                    "domestic_abuse": "no",
                    "recorded": _yes(done),
                    "recorded_as": None if done else "nothing",
                    **times,
                }
            )
    return rows, records


def _numbered(rows: list[dict]) -> list[dict]:
    return [{"crime_id": f"C{number:05}", **row} for number, row in zip(count(1), rows, strict=False)]


def _n100(spec: dict) -> list[dict]:
    required = [
        {"record_id": f"NR-{k:03}", "kind": "required", "applied": _yes(k <= spec["applied"])}
        for k in range(1, spec["required"] + 1)
    ]
    review = [
        {
            "record_id": f"NV-{k:03}",
            "kind": "review",
            "applied": "yes",
            "should_be_rape": _yes(k <= spec["should_be_rape"]),
        }
        for k in range(1, spec["reviewed"] + 1)
    ]
    return required + review


def _cancellations(spec: dict) -> list[dict]:
    rows = [
        {"crime_type": name, "authorised_by": authority, "correct": _yes(k < correct)}
        for name, (reviewed, correct, authority) in spec["cancellations"].items()
        for k in range(reviewed)
    ]
    to_inform, informed = spec["victims"]["to_inform"], spec["victims"]["informed"]
    step = len(rows) // to_inform  # spread over the crime types
    order = [place for place in range(0, step * to_inform, step)]
    for number, row in enumerate(rows):
        asked = number in order
        row["crime_id"] = f"X{number + 1:04}"
        row["victim_to_be_informed"] = _yes(asked)
        row["victim_informed"] = _yes(order.index(number) < informed) if asked else None
    return rows


def _survey(spec: dict[str, list[int]], chance: Chance) -> list[dict]:
    rows = []
    for statement, counts in spec.items():
        answers = [answer for answer, number in zip(ANSWERS, counts, strict=True) for _ in range(number)]
        for respondent, answer in enumerate(chance.shuffled(answers), 1):
            rows.append({"respondent_id": f"{respondent:03}", "statement": statement, "answer": answer})
    return rows


def _yes(value: bool) -> str:
    return "yes" if value else "no"


if __name__ == "__main__":
    own = PROJECT / "params" / force_key(sys.argv[1] if len(sys.argv) == 2 else "")
    try:
        for written in reconstruct(own / "reconstruction.yml", own):
            print(written.relative_to(PROJECT))
    except (InputError, FileNotFoundError) as error:
        sys.exit(str(error))
