"""A third party repeats the draw: from the frame file and the trail alone, with code of its own.

Nothing here imports the library; it is only run, in a process of its own, to write the trail.
"""

import bisect
import csv
import hashlib
import itertools
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REPEAT = ROOT / "tests" / "repeat_draw.py"
METHODS = ("simple", "stratified", "systematic", "pps")
WRITE_TRAILS = """
import sys
from pathlib import Path
from cdi_lib.statistics.sampling import allocate, draw, read_frame, trail, trail_text
folder = Path(sys.argv[1])
for method in sys.argv[2:]:
    strata = None if method == "simple" else ["crime type", "route"]
    extra = {"systematic": {"order_column": "reported"}, "pps": {"size_column": "crimes"}}.get(method, {})
    frame = read_frame(folder / "frame.csv", "incident", strata, other_columns=list(extra.values()))
    counts = allocate(40, frame.info.counts, minimum=4)
    selection = draw(frame.data, counts, "Testshire 2020", method, id_column="incident",
                     stratum_column=strata, reserves=6, **extra)
    swaps = [(selection.records[3].id, "log destroyed"), (selection.records[0].id, "sealed by a court")]
    document = trail(selection, frame.info, None, counts, swaps)
    (folder / f"{method}.json").write_text(trail_text(document), encoding="utf-8")
"""

# ---- the third party: repeat_draw.py for the usual draws, and the line for systematic ones -------------------


def along(weights: list[int], n: int, start: int) -> list[int]:
    """Places of the records that are certain, and of those that the points of the trail's rule fall on."""
    certain, free = [], list(range(len(weights)))
    while more := [i for i in free if weights[i] * (n - len(certain)) >= sum(weights[j] for j in free)]:
        certain += more
        free = [i for i in free if i not in more]
    left, ends = n - len(certain), list(itertools.accumulate(weights[i] for i in free))
    points = [(start + (i << 64)) * ends[-1] // (left << 64) for i in range(left)]
    return sorted(certain + [free[bisect.bisect(ends, point)] for point in points])


def drawn_along_a_line(rows: list[dict], trail: dict, own: dict) -> dict[str, list[str]]:
    """Sample and reserves per stratum; ``own`` is what ``repeat_draw.py`` made of frame and trail."""
    columns, again = trail["columns"], {}
    values = {name: row for (_, _, name), row in zip(own["line"], rows, strict=True)}
    order = lambda name: values[name][columns["order"]] if columns["order"] else ""
    size = lambda name: int(values[name][columns["size"]]) if columns["size"] else 1
    for entry in trail["strata"]:
        line = sorted((order(r[2]), *r[1:]) for r in own["line"] if r[0] == entry["stratum"])
        start = own["number"](b"\xff" + entry["stratum"].encode(), own["key"])
        assert len(line) == entry["frame"] and f"{start:016x}" == entry["start"]
        places = along([size(name) for _, _, name in line], entry["selected"], start)
        rest = sorted(
            (number // size(name), number, name)
            for i, (_, number, name) in enumerate(line)
            if i not in places
        )
        again[entry["stratum"]] = [line[i][2] for i in places]
        again[entry["stratum"]] += [name for *_, name in rest][: entry["reserves"]]
    return again


# ---- the tests ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The frame file (rows in no order, awkward ids) and the trails that the library wrote for it."""
    folder = tmp_path_factory.mktemp("draws")
    names = ["I/{}", " I/{} ", "Caf\u00e9-{}", "Cafe\u0301 {}", "\u4e8b\u4ef6{}-" + "long " * 40 + "."]
    kinds, routes = ("violence", "sexual", "other"), ("control room", "direct")
    with (folder / "frame.csv").open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(["note", "incident", "crime type", "route", "reported", "crimes"])
        for i in sorted(range(300), key=lambda i: i * 7919 % 300):
            name, kind, route = names[i % 5].format(i), kinds[i % 3], routes[i % 7 > 4]
            size = 1 + i % 4 + (i == 9) * 80
            out.writerow([f"free, text\n{i}", name, kind, route, f"2019-{6 + i % 6:02}", size])
    said = subprocess.run(
        [sys.executable, "-c", WRITE_TRAILS, str(folder), *METHODS],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    return folder


@pytest.fixture(params=METHODS)
def given(request, folder):
    """The folder, the trail of one method, and the rows of the frame."""
    trail = json.loads((folder / f"{request.param}.json").read_text(encoding="utf-8"))
    with (folder / "frame.csv").open(encoding="utf-8-sig", newline="") as file:
        return folder, trail, list(csv.DictReader(file))


def _written(trail: dict) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for record in trail["selection"] + trail["reserves"]:
        found.setdefault(record["stratum"], []).append(record["id"])
    return found


def test_twenty_lines_repeat_the_draw():
    code = REPEAT.read_text(encoding="utf-8").split('"""')[2]
    assert (
        len([line for line in code.splitlines() if line.strip() and not line.startswith(("#", "import"))])
        <= 20
    )
    assert "cdi_lib" not in code.replace("cdi_lib.sampling 2:", "")


def test_a_third_party_draws_the_same_sample_in_the_same_order(given, monkeypatch):
    folder, trail, rows = given
    monkeypatch.setattr(
        sys, "argv", ["repeat_draw.py", str(folder / "frame.csv"), str(folder / f"{trail['method']}.json")]
    )
    own = runpy.run_path(str(REPEAT))
    numbers = {name: f"{number:016x}" for _, number, name in own["line"]}
    assert all(numbers[r["id"]] == r["number"] for r in trail["selection"] + trail["reserves"])
    assert len(trail["selection"]) == 40
    if trail["method"] in ("systematic", "pps"):
        assert drawn_along_a_line(rows, trail, own) == _written(trail)


def _said(folder: Path, trail: dict) -> list[str]:
    """What the script prints, run as a third party would: alone and without any package."""
    (folder / "checked.json").write_text(json.dumps(trail), encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-I", "-S", str(REPEAT), str(folder / "frame.csv"), str(folder / "checked.json")],
        capture_output=True,
        check=True,
        text=True,
    )
    return [
        "the same" if line.endswith(" the same") else line.split()[-1] for line in said.stdout.splitlines()
    ]


@pytest.mark.parametrize("given", ["simple", "stratified"], indirect=True)
def test_the_script_says_what_is_not_the_same(given):
    folder, trail, _ = given
    strata = len(trail["strata"])
    assert _said(folder, trail) == ["the same"] * strata
    renamed = json.loads(json.dumps(trail).replace("violence /", "assault /"))
    renamed["columns"]["stratum_values"] = {"assault": ["violence"]}  # values of the frame under another name
    assert _said(folder, renamed) == ["the same"] * strata
    swapped = trail | {"selection": [trail["selection"][1], trail["selection"][0], *trail["selection"][2:]]}
    assert _said(folder, swapped).count("ANOTHER") == 1
    assert "ANOTHER" in _said(folder, trail | {"seed": "Testshire 2021"})
    later = [
        trail["reserves"][-1]["id"] if s == trail["replacements"][0] else s["by"]
        for s in trail["replacements"]
    ]
    skipped = [s | {"by": by} for s, by in zip(trail["replacements"], later, strict=True)]
    assert "ANOTHER" in _said(folder, trail | {"replacements": skipped})


def test_a_third_party_checks_frame_probabilities_and_replacements(given):
    folder, trail, rows = given
    frame = (folder / "frame.csv").read_bytes()
    assert trail["frame"]["sha256"] == hashlib.sha256(frame).hexdigest()
    assert sum(trail["frame"]["counts"].values()) == trail["frame"]["records"] == len(rows) == 300
    for stratum in trail["strata"]:
        own = [r for r in trail["selection"] if r["stratum"] == stratum["stratum"]]
        if trail["method"] != "pps":
            assert {r["inclusion_probability"] for r in own} == {stratum["selected"] / stratum["frame"]}
        assert all(0 < r["inclusion_probability"] <= 1 for r in own)
    reserves = [(r["stratum"], r["id"]) for r in trail["reserves"]]
    for swap in trail["replacements"]:  # each takes the first reserve of its stratum that is left
        first = next(name for stratum, name in reserves if stratum == swap["stratum"])
        assert swap["by"] == first
        reserves.remove((swap["stratum"], first))
    assert [swap["reason"] for swap in trail["replacements"]] == ["log destroyed", "sealed by a court"]


def test_the_mixing_function_is_that_of_splitmix64(tmp_path, monkeypatch):
    # Published output of SplitMix64 for the seed 1234567 (Rosetta Code, "Pseudo-random numbers/Splitmix64"): the
    # state grows by 0x9E3779B97F4A7C15 and is mixed. A text of no byte is one mix of the key with the length 0.
    (tmp_path / "f.csv").write_text("id\n", encoding="utf-8")
    (tmp_path / "t.json").write_text(
        '{"seed": "", "columns": {}, "strata": [], "frame": {"encoding": "utf-8"}}', encoding="utf-8"
    )
    monkeypatch.setattr(sys, "argv", ["", str(tmp_path / "f.csv"), str(tmp_path / "t.json")])
    number = runpy.run_path(str(REPEAT))["number"]
    states = [(1234567 + i * 0x9E3779B97F4A7C15) % 2**64 for i in range(1, 6)]
    assert [number(b"", state) for state in states] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
