"""A third party repeats the draw: from the frame file and the trail alone, with code of its own.

Nothing here imports the library; it is only run, in a process of its own, to write the trail.
"""

import csv
import hashlib
import json
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WRITE_A_TRAIL = """
import json, sys
from pathlib import Path
from cdi_lib.sampling import allocate, draw, read_frame, trail, write_trail
folder, method = Path(sys.argv[1]), sys.argv[2]
strata = None if method == "simple" else ["crime type", "route"]
extra = {"systematic": {"order_column": "reported"}, "pps": {"size_column": "crimes"}}.get(method, {})
frame = read_frame(folder / "frame.csv", "incident", strata, other_columns=list(extra.values()))
counts = allocate(40, frame.info.counts, minimum=4)
selection = draw(frame.data, counts, "Testshire 2020", method, id_column="incident", stratum_column=strata,
                 reserves=6, **extra)
swaps = [(selection.records[3].id, "log destroyed"), (selection.records[0].id, "sealed by a court")]
write_trail(trail(selection, frame.info, None, counts, swaps), folder / "trail.json")
"""

# ---- the third party: about twenty lines for the number of a record and for the draw -----------------------

WORD = (1 << 64) - 1


def siphash(key: bytes, text: bytes) -> int:
    """SipHash-2-4 as published by Aumasson and Bernstein (2012)."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(n):
        for _ in range(n):
            for a, b, turn, wide in ((0, 1, 13, 1), (2, 3, 16, 0), (0, 3, 21, 0), (2, 1, 17, 1)):
                v[a] = (v[a] + v[b]) & WORD
                v[b] = ((v[b] << turn | v[b] >> 64 - turn) & WORD) ^ v[a]
                v[a] = (v[a] << 32 | v[a] >> 32) & WORD if wide else v[a]

    text = text.ljust(len(text) // 8 * 8 + 7, b"\0") + bytes([len(text) % 256])
    for i in range(0, len(text), 8):
        word = int.from_bytes(text[i : i + 8], "little")
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def drawn_again(rows: list[dict], trail: dict) -> dict[str, list[str]]:
    """Ids per stratum: the sample in its order, followed by the reserves, from the frame and the trail's
    header.
    """
    columns, algorithm, again = trail["columns"], trail["algorithm"], {}
    seed = f"{algorithm['name']} {algorithm['version']}:{trail['seed']}"
    key = hashlib.sha256(seed.encode()).digest()[:16]
    for row in rows:
        row["id"] = unicodedata.normalize("NFC", row[columns["id"]]).strip()
        row["number"] = siphash(key, row["id"].encode())
        row["stratum"] = " / ".join(row[name].strip() for name in columns["strata"]) or "all"
    for stratum in trail["strata"]:
        n, reserves = stratum["selected"], stratum["reserves"]
        line = sorted(
            (r for r in rows if r["stratum"] == stratum["stratum"]),
            key=lambda r: (r[columns["order"]] if columns["order"] else "", r["number"], r["id"].encode()),
        )
        assert len(line) == stratum["frame"]
        size = {r["id"]: int(r[columns["size"]]) if columns["size"] else 1 for r in line}
        picked, rest = line[:n], line[n : n + reserves]
        if trail["method"] in ("systematic", "pps") and n:
            start = siphash(key, b"\xff" + stratum["stratum"].encode())
            picked = along(line, size, n, start)
            rest = [r for r in line if r not in picked]
            rest = sorted(rest, key=lambda r: (r["number"] / size[r["id"]], r["number"]))[:reserves]
        again[stratum["stratum"]] = [r["id"] for r in (*picked, *rest)]
    return again


def along(line: list[dict], size: dict[str, int], n: int, start: int) -> list[dict]:
    """Records that are certain, and those that the points of the trail's rule fall on."""
    certain, free = [], list(line)
    while more := [r for r in free if size[r["id"]] * (n - len(certain)) >= sum(size[s["id"]] for s in free)]:
        certain += more
        free = [r for r in free if r not in more]
    left, total, hit = n - len(certain), sum(size[r["id"]] for r in free), []
    for i in range(left):
        point = (start + i * 2**64) * total // (left * 2**64)
        for r in free:
            if point < size[r["id"]]:
                hit.append(r)
                break
            point -= size[r["id"]]
    return [r for r in line if r in certain or r in hit]


# ---- the tests ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["simple", "stratified", "systematic", "pps"])
def given(request, tmp_path_factory):
    """The frame file (rows in no order, awkward ids) and the trail that the library wrote for it."""
    folder = tmp_path_factory.mktemp(request.param)
    with (folder / "frame.csv").open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(["note", "incident", "crime type", "route", "reported", "crimes"])
        for i in sorted(range(300), key=lambda i: i * 7919 % 300):
            name = [
                "I/{}",
                " I/{} ",
                "Caf\u00e9-{}",
                "Cafe\u0301 {}",
                "\u4e8b\u4ef6{}-" + "long " * 40 + ".",
            ][i % 5]
            kind, route = ("violence", "sexual", "other")[i % 3], ("control room", "direct")[i % 7 > 4]
            out.writerow(
                [
                    f"free, text\n{i}",
                    name.format(i),
                    kind,
                    route,
                    f"2019-{6 + i % 6:02}",
                    1 + i % 4 + (i == 9) * 80,
                ]
            )
    said = subprocess.run(
        [sys.executable, "-c", WRITE_A_TRAIL, str(folder), request.param],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    trail = json.loads((folder / "trail.json").read_text(encoding="utf-8"))
    with (folder / "frame.csv").open(encoding="utf-8-sig", newline="") as file:
        return folder, trail, list(csv.DictReader(file))


def test_a_third_party_draws_the_same_sample_in_the_same_order(given):
    _, trail, rows = given
    written: dict[str, list[str]] = {}
    for record in trail["selection"] + trail["reserves"]:
        written.setdefault(record["stratum"], []).append(record["id"])
    assert drawn_again(rows, trail) == written
    numbers = {row["id"]: f"{row['number']:016x}" for row in rows}
    assert all(numbers[r["id"]] == r["number"] for r in trail["selection"] + trail["reserves"])
    assert len(trail["selection"]) == 40


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


def test_siphash_of_the_paper():
    # Aumasson and Bernstein (2012), appendix A: key 00..0f, message 00..0e
    assert siphash(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_the_command_line_tool_named_in_the_documentation(given):
    _, trail, _ = given
    record = trail["selection"][0]
    said = subprocess.run(
        [
            "openssl",
            "mac",
            "-macopt",
            f"hexkey:{trail['algorithm']['key_hex']}",
            "-macopt",
            "size:8",
            "SIPHASH",
        ],
        input=record["id"].encode(),
        capture_output=True,
        check=False,
    )
    if said.returncode:
        pytest.skip("this openssl has no SIPHASH")
    assert int.from_bytes(bytes.fromhex(said.stdout.decode().strip()), "little") == int(record["number"], 16)
