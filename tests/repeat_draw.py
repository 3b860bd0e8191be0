"""Repeat a draw from frame and trail, without the library: ``python tests/repeat_draw.py frame.csv trail.json``.

For the methods simple and stratified; says for each stratum whether sample, reserves and replacements are the same.
Strata that were drawn by another method have a start, and nothing is said of them.
"""
# ruff: noqa: I001, SIM115 - short, so that it can be read beside the trail

import csv, hashlib, json, sys, unicodedata


def number(text, state):
    for word in [int.from_bytes(text[i : i + 8], "little") for i in range(0, len(text), 8)] + [len(text)]:
        state ^= word
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            state = (state ^ state >> shift) * factor % 2**64
    return state


normal = lambda text: unicodedata.normalize("NFC", text).strip()
trail = json.load(open(sys.argv[2], encoding="utf-8"))
line, group = [], {normal(v): h for h, vs in trail["columns"].get("stratum_values", {}).items() for v in vs}
key = int(hashlib.sha256(f"cdi_lib.sampling 2:{trail['seed']}".encode()).hexdigest()[:16], 16)
file = open(sys.argv[1], encoding=trail["frame"]["encoding"].replace("utf-8", "utf-8-sig"), newline="")
for row in csv.DictReader(file):
    name = normal(row[trail["columns"]["id"]])
    values = [group.get(normal(row[column]), normal(row[column])) for column in trail["columns"]["strata"]]
    line.append((" / ".join(values) or "all", number(name.encode(), key), name))
for h, n in [(entry["stratum"], entry["selected"]) for entry in trail["strata"] if entry["start"] is None]:
    said = [record["id"] for record in trail["selection"] + trail["reserves"] if record["stratum"] == h]
    ids = [name for stratum, _, name in sorted(line) if stratum == h][: len(said)]
    used = [swap["by"] for swap in trail["replacements"] if swap["stratum"] == h]
    print(h, "the same" if ids == said and len(ids) >= n and used == ids[n:][: len(used)] else "ANOTHER")
