"""A third party repeats the draw: from the frame file and the trail alone, with code of its own.

Nothing here imports the library; it is only run, in a process of its own, to write the trail.
"""

import csv
import hashlib
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REPEAT = ROOT / "tests" / "repeat_draw.py"
METHODS = ("simple", "stratified")
WRITE_TRAILS = """
import sys
from pathlib import Path
from cdi_lib.statistics.frames import read_frame
from cdi_lib.statistics.planning import allocate
from cdi_lib.statistics.sampling import draw, replace, trail, trail_text
folder = Path(sys.argv[1])
for method in sys.argv[2:]:
    frame = read_frame(folder / "frame.csv", "incident", None if method == "simple" else ["crime type", "route"])
    counts = allocate(40, frame.info.counts, minimum=4)
    selection = draw(frame, counts, "Testshire 2020", reserves=6)
    first = selection.records
    for gone, reason in ((first[3].id, "log destroyed"), (first[0].id, "sealed by a court")):
        selection = replace(selection, gone, reason)
    document = trail(selection, frame.info, None, counts)
    (folder / f"{method}.json").write_text(trail_text(document), encoding="utf-8")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The frame file (rows in no order, awkward ids) and the trails that the library wrote for it."""
    folder = tmp_path_factory.mktemp("draws")
    names = ["I/{}", " I/{} ", "Caf\u00e9-{}", "Cafe\u0301 {}", "\u4e8b\u4ef6{}-" + "long " * 40 + "."]
    kinds, routes = ("violence", "sexual", "other"), ("control room", "direct")
    with (folder / "frame.csv").open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(["note", "incident", "crime type", "route"])
        for i in sorted(range(300), key=lambda i: i * 7919 % 300):
            name, kind, route = names[i % 5].format(i), kinds[i % 3], routes[i % 7 > 4]
            out.writerow([f"free, text\n{i}", name, kind, route])
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


def test_seventeen_lines_repeat_the_draw():
    code = REPEAT.read_text(encoding="utf-8").split('"""')[2]
    assert len([line for line in code.splitlines() if line.strip() and not line.startswith(("#", "import"))]) <= 17
    assert "cdi_lib" not in code


def test_a_third_party_draws_the_same_sample_in_the_same_order(given, request, monkeypatch):
    folder, trail, _ = given
    name = str(folder / f"{request.node.callspec.params['given']}.json")
    monkeypatch.setattr(sys, "argv", ["repeat_draw.py", str(folder / "frame.csv"), name])
    own = runpy.run_path(str(REPEAT))
    keys = {name: key for _, key, name in own["line"]}
    assert all(keys[r["id"]] == r["key"] for r in trail["selection"] + trail["reserves"])
    assert len(trail["selection"]) == 40


def _said(folder: Path, trail: dict) -> list[str]:
    """What the script prints, run as a third party would: alone and without any package."""
    (folder / "checked.json").write_text(json.dumps(trail), encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-I", "-S", str(REPEAT), str(folder / "frame.csv"), str(folder / "checked.json")],
        capture_output=True,
        check=True,
        text=True,
    )
    return ["the same" if line.endswith(" the same") else line.split()[-1] for line in said.stdout.splitlines()]


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
    later = [trail["reserves"][-1]["id"] if s == trail["replacements"][0] else s["by"] for s in trail["replacements"]]
    skipped = [s | {"by": by} for s, by in zip(trail["replacements"], later, strict=True)]
    assert "ANOTHER" in _said(folder, trail | {"replacements": skipped})


def test_a_third_party_checks_frame_probabilities_and_replacements(given):
    folder, trail, rows = given
    frame = (folder / "frame.csv").read_bytes()
    assert trail["frame"]["sha256"] == hashlib.sha256(frame).hexdigest()
    assert sum(trail["frame"]["counts"].values()) == trail["frame"]["records"] == len(rows) == 300
    for stratum in trail["strata"]:
        own = [r for r in trail["selection"] if r["stratum"] == stratum["stratum"]]
        assert {r["inclusion_probability"] for r in own} == {stratum["selected"] / stratum["frame"]}
    reserves = [(r["stratum"], r["id"]) for r in trail["reserves"]]
    for swap in trail["replacements"]:  # each takes the first reserve of its stratum that is left
        first = next(name for stratum, name in reserves if stratum == swap["stratum"])
        assert swap["by"] == first
        reserves.remove((swap["stratum"], first))
    assert [swap["reason"] for swap in trail["replacements"]] == ["log destroyed", "sealed by a court"]
