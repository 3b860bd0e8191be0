"""Repeat a draw from frame and trail, without the library: ``python tests/repeat_draw.py frame.csv trail.json``.

Says for each stratum whether sample, reserves and replacements are the same.
"""
# ruff: noqa: I001, SIM115 - short, so that it can be read beside the trail

import csv, hashlib, itertools, json, sys, unicodedata

normal = lambda text: unicodedata.normalize("NFC", text).strip()
trail = json.load(open(sys.argv[2], encoding="utf-8"))
line, group = [], {normal(v): h for h, vs in trail["columns"].get("stratum_values", {}).items() for v in vs}
file = open(sys.argv[1], encoding=trail["frame"]["encoding"].replace("utf-8", "utf-8-sig"), newline="")
exclude = trail["columns"].get("exclude", {}).items()
for row in itertools.filterfalse(
    lambda row: any(normal(row[c]) in map(normal, vs) for c, vs in exclude), csv.DictReader(file)
):
    name = normal(row[trail["columns"]["id"]])
    values = [group.get(normal(row[column]), normal(row[column])) for column in trail["columns"]["strata"]]
    key = hashlib.sha256(f"{trail['seed']}:{name}".encode()).hexdigest()
    line.append((" / ".join(values) or "all", key, name))
for h, n in [(entry["stratum"], entry["selected"]) for entry in trail["strata"]]:
    said = [record["id"] for record in trail["selection"] + trail["reserves"] if record["stratum"] == h]
    ids = [name for stratum, _, name in sorted(line) if stratum == h][: len(said)]
    used = [swap["by"] for swap in trail["replacements"] if swap["stratum"] == h]
    print(h, "the same" if ids == said and len(ids) >= n and used == ids[n:][: len(used)] else "ANOTHER")
