"""Plan, allocation, draw, frames and trail of ``cdi_lib.statistics.sampling`` (about 10 seconds)."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from scipy import stats

from cdi_lib.inspection.measures import check_measures, planned_sample
from cdi_lib.inspection.parameters import SamplingPlan, load_inspection
from cdi_lib.inspection.records import load_records
from cdi_lib.statistics import frames, sampling
from cdi_lib.statistics.sampling import (
    allocate,
    draw,
    read_frame,
    replace,
    sample_size,
    stratum_counts,
    trail,
)

ROOT = Path(__file__).resolve().parent.parent

# ---- draw --------------------------------------------------------------------------------------------------

FRAME = pd.DataFrame(
    {
        "id": [f"INC-{i:05d}" for i in range(1, 1_001)],
        "type": [("violence", "sexual", "other")[i % 3] for i in range(1_000)],
        "crimes": [1 + i % 4 for i in range(1_000)],
    }
)
STRATIFIED = {"id_column": "id", "stratum_column": "type"}


def ids(records):
    return [record.id for record in records]


def test_numbers_by_other_means():
    """Key: ``printf 'cdi_lib.sampling 2:2020' | sha256sum``. Number: whole numbers of any size in plain Python."""
    text, key = frames.seed_and_key(2020)
    assert (text, f"{key:016x}") == ("2020", "ef58623816286aee")
    texts = ["", "a", "INC-0000", "INC-00001", "Zo\u00eb", "x" * 16, "y" * 1_000]
    for name, number in zip(texts, frames.hash_texts(pa.array(texts), key), strict=True):
        data, expected = name.encode(), key
        for word in [data[i : i + 8] for i in range(0, len(data), 8)] + [len(data).to_bytes(8, "little")]:
            x = expected ^ int.from_bytes(word, "little")
            x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
            x = ((x ^ x >> 27) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
            expected = x ^ x >> 31
        assert int(number) == expected


def test_one_changed_bit_of_id_or_seed_changes_half_of_the_number():
    """Avalanche: over 4,000 ids every bit of the number flips about every second time (5 standard errors)."""
    names = [f"INC-{i:05d}" for i in range(4_000)]
    before, flips = frames.hash_texts(pa.array(names), 12345), []
    flips = [before ^ frames.hash_texts(pa.array(names), 12345 ^ 1 << bit) for bit in range(64)]
    for place in range(9):
        for bit in range(7):  # of an ASCII character, so that it stays one
            other = [name[:place] + chr(ord(name[place]) ^ 1 << bit) + name[place + 1 :] for name in names]
            flips.append(before ^ frames.hash_texts(pa.array(other), 12345))
    share = [np.unpackbits(flip.view(np.uint8)).reshape(-1, 64).mean(axis=0) for flip in flips]
    assert abs(np.array(share) - 0.5).max() < 5 * 0.5 / math.sqrt(len(names))


@pytest.mark.parametrize(
    ("seed", "simple", "stratified", "systematic", "pps"),
    [
        (2020, "736 676 515 547 788", "204 819 515 736 676", "45 295 545 795", "859 2 735 998"),
        (
            "Northamptonshire 2020",
            "379 145 127 965 777",
            "777 402 965 379 145",
            "173 423 673 923",
            "264 942 240 354",
        ),
    ],
)
def test_golden_samples(seed, simple, stratified, systematic, pps):
    """Samples of algorithm version 2: they must never change. Made with repeat_draw.py and test_trail.py."""

    def golden(text):
        return [f"INC-{int(n):05d}" for n in text.split()]

    assert ids(draw(FRAME, 5, seed, id_column="id").records) == golden(simple)
    counts = {"violence": 2, "sexual": 1, "other": 2}
    assert ids(draw(FRAME, counts, seed, "stratified", **STRATIFIED).records) == golden(stratified)
    assert ids(draw(FRAME, 4, seed, "systematic", id_column="id", order_column="id").records) == golden(
        systematic
    )
    assert ids(draw(FRAME, 4, seed, "pps", id_column="id", size_column="crimes").records) == golden(pps)


@pytest.mark.parametrize(
    "stored",
    [
        lambda s: s.astype(object),
        lambda s: s.astype("category"),
        lambda s: s.astype(pd.ArrowDtype(pa.string())),
        lambda s: s.astype(pd.ArrowDtype(pa.large_string())),
        lambda s: pd.Series(
            pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(s[:7]), pa.array(s[7:])]))
        ),
        lambda s: "  " + s.astype(str) + "\t",
    ],
    ids=["object", "category", "string", "large string", "chunks", "white space"],
)
def test_the_sample_does_not_depend_on_how_the_column_is_stored(stored):
    other = FRAME.assign(id=stored(FRAME["id"]), type=stored(FRAME["type"]))
    counts = {"violence": 20, "sexual": 10, "other": 20}
    expected = draw(FRAME, counts, 1, "stratified", **STRATIFIED, reserves=5)
    assert draw(other, counts, 1, "stratified", **STRATIFIED, reserves=5) == expected


def test_whole_numbers_and_their_text_are_the_same_ids():
    numbers = pd.DataFrame({"id": range(100, 200)})
    expected = ids(draw(numbers.astype(str), 10, 3, id_column="id").records)
    for dtype in ("int32", "Int64", "uint64"):
        assert ids(draw(numbers.astype(dtype), 10, 3, id_column="id").records) == expected


def test_ids_of_any_length_and_script():
    texts = (
        ["x" * n for n in range(1, 300)]
        + ["é" * n for n in range(1, 50)]
        + ["事件" * n for n in range(1, 50)]
    )
    texts += ["y" * 30_000]
    whole = draw(pd.DataFrame({"id": texts}), len(texts), 1, id_column="id").records
    assert sorted(ids(whole)) == sorted(texts)
    assert [r.number for r in whole] == sorted(r.number for r in whole)


def test_the_normal_form_of_an_id_is_drawn_and_repeats_in_it_are_refused():
    composed, decomposed = "Caf\u00e9", "Cafe\u0301"
    one = draw(pd.DataFrame({"id": [composed]}), 1, 1, id_column="id").records[0]
    other = draw(pd.DataFrame({"id": [decomposed + " "]}), 1, 1, id_column="id").records[0]
    assert (one.id, one.number) == (other.id, other.number)
    with pytest.raises(ValueError, match="1 id occurs more than once, in 2 records: 'Café' \\(2 times\\)"):
        draw(pd.DataFrame({"id": [composed, decomposed]}), 1, 1, id_column="id")


def test_every_record_is_as_likely_as_any_other_and_so_is_every_pair():
    """10,000 seeds: the selected and the order behave as random ones do."""
    names, seeds, n = pa.array([f"R{i}" for i in range(12)]), 10_000, 4
    places = np.empty((seeds, 12), dtype=int)
    for seed in range(seeds):
        places[seed] = np.argsort(frames.hash_texts(names, frames.seed_and_key(seed)[1]))
    frame = pd.DataFrame({"id": names.to_pylist()})
    for seed in range(0, seeds, 100):  # what is counted below is what draw does
        assert [r.row for r in draw(frame, n, seed, id_column="id").records] == places[seed, :n].tolist()
    for place in range(12):
        assert stats.chisquare(np.bincount(places[:, place], minlength=12)).pvalue > 1e-4
    first, second = places[:, 0], places[:, 1]
    pairs = np.bincount(first * 12 + second, minlength=144).reshape(12, 12)
    assert stats.chisquare(pairs[~np.eye(12, dtype=bool)]).pvalue > 1e-4
    drawn = np.zeros((seeds, 12))
    np.put_along_axis(drawn, places[:, :n], 1, axis=1)
    together = drawn.T @ drawn / seeds  # simple random sampling: every pair with n (n - 1) / (N (N - 1))
    expected = n * (n - 1) / (12 * 11)
    assert abs(together[~np.eye(12, dtype=bool)] - expected).max() < 4.5 * math.sqrt(expected / seeds)
    assert abs(np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]) < 0.015  # neighbouring seeds


@pytest.mark.parametrize("method", ["systematic", "pps"])
def test_inclusion_probabilities_are_kept_over_many_seeds(method):
    frame = pd.DataFrame({"id": range(10), "x": [1, 1, 2, 2, 3, 5, 8, 13, 21, 44]})
    column = {"systematic": {"order_column": "x"}, "pps": {"size_column": "x"}}[method]
    hits, seeds = np.zeros(10), 1_000
    for seed in range(seeds):
        made = draw(frame, 4, seed, method, id_column="id", reserves=6, **column)
        hits[[r.row for r in made.records]] += 1
    p = np.array(
        [r.inclusion_probability for r in sorted((*made.records, *made.reserves), key=lambda r: r.row)]
    )
    if method == "pps":  # 44 > 100/4, then 21 > 56/3, then the rest share two draws
        assert p.tolist() == [2 * x / 35 for x in (1, 1, 2, 2, 3, 5, 8, 13)] + [1, 1]
    assert (abs(hits / seeds - p) <= 4 * np.sqrt(p * (1 - p) / seeds)).all()


def test_a_systematic_sample_spreads_over_the_order():
    frame = FRAME.assign(day=[i // 100 for i in range(1_000)])
    made = draw(frame, 50, 11, "systematic", id_column="id", order_column="day")
    assert np.bincount([r.row // 100 for r in made.records]).tolist() == [5] * 10


def test_strata_of_two_columns():
    frame = FRAME.assign(route=["direct" if i % 5 else "control room" for i in range(1_000)])
    counts = stratum_counts(frame, ["type", "route"])
    assert list(counts)[:2] == ["other / control room", "other / direct"] and sum(counts.values()) == 1_000
    made = draw(
        frame, allocate(60, counts), 1, "stratified", id_column="id", stratum_column=["type", "route"]
    )
    for record in made.records:
        assert record.stratum == f"{frame['type'][record.row]} / {frame['route'][record.row]}"


def test_strata_whose_joined_names_agree_are_refused():
    frame = pd.DataFrame({"id": [1, 2], "a": ["x / y", "x"], "b": ["z", "y / z"]})
    with pytest.raises(ValueError, match="two strata have the same name"):
        stratum_counts(frame, ["a", "b"])


def test_a_second_sample_from_the_first_for_a_blind_check():
    first = draw(FRAME, 100, "main", id_column="id")
    second = draw(first.to_frame(), 10, "blind check", id_column="id")
    assert set(ids(second.records)) < set(ids(first.records))
    assert ids(second.records) != ids(first.records)[:10]


def test_reserves_are_capped_and_it_is_said():
    made = draw(FRAME[:6], 4, 1, id_column="id", reserves=5)
    assert len(made.reserves) == 2 and [r.order for r in made.reserves] == [5, 6]
    assert made.notes == ("all: only 2 of 5 reserves, the frame has no more records",)


def _draw(frame=FRAME, allocation=5, seed=1, method="simple", **others):
    return draw(frame, allocation, seed, method, **({"id_column": "id"} | others))


SIX = FRAME[:6].reset_index(drop=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: _draw(id_column="ID"),
            "id column 'ID' is not a column of the frame; it has: id, type, crimes",
        ),
        (
            lambda: _draw(SIX.assign(id=["a", None, "b", " ", "", "c"])),
            r"3 empty ids \(records 2, 4, 5, counted",
        ),
        (
            lambda: _draw(SIX.assign(id=list("aabbbc"))),
            r"2 ids occur .* in 5 records: 'a' \(2 times\), 'b' \(3 times\)",
        ),
        (lambda: _draw(SIX.assign(id=["a", "a "] + list("bcde"))), r"1 id occurs .*'a' \(2 times\)"),
        (lambda: _draw(pd.concat([FRAME] * 2)), r"1,000 ids occur more than once, in 2,000 records: .*…"),
        (lambda: _draw(SIX.assign(id=[1.5] * 6)), "must hold text or whole numbers; it holds double"),
        (lambda: _draw(SIX.assign(id=[1, "a", 2, 3, 4, 5])), "mixes text and numbers"),
        (lambda: _draw(SIX.assign(id=pd.Timestamp("2020-01-01"))), "it holds timestamp"),
        (
            lambda: _draw(SIX.assign(id=pd.Series([*"abcde", "\ud800"], dtype=object))),
            "text that is not valid Unicode",
        ),
        (
            lambda: _draw(SIX.assign(x=[(1,)] * 6), 2, method="systematic", order_column="x"),
            "order column 'x' must hold numbers, dates or text; got list",
        ),
        (lambda: _draw(SIX, 7), "stratum 'all': 7 records to draw, but the frame has only 6"),
        (
            lambda: _draw(SIX, 0.5),
            "allocation of stratum 'all' must be a whole number .* a proportion is not",
        ),
        (lambda: _draw(SIX, 0), "draws no record"),
        (lambda: _draw(SIX[:0]), "the frame has no record"),
        (lambda: _draw(seed=1.5), "seed must be a whole number or a text; got 1.5"),
        (lambda: _draw(seed=" "), "seed must be"),
        (lambda: _draw(seed=True), "seed must be"),
        (lambda: _draw(method="random"), "method must be one of simple, stratified, systematic, pps"),
        (lambda: _draw(method="stratified"), "a stratum_column belongs to method 'stratified'"),
        (lambda: _draw(stratum_column="type"), "a stratum_column belongs to method 'stratified'"),
        (lambda: _draw(method="pps"), "size_column belongs to method 'pps'"),
        (lambda: _draw(order_column="id"), "order_column belongs to method 'systematic'"),
        (lambda: _draw(method="stratified", stratum_column="type"), "a count for every stratum"),
        (
            lambda: _draw(allocation={"violence": 5}, method="stratified", stratum_column="type"),
            r"missing: \['other', 'sexual'\]",
        ),
        (
            lambda: _draw(allocation=allocate(9, {"a": 10}), method="stratified", stratum_column="type"),
            "made for another frame",
        ),
        (
            lambda: _draw(
                SIX.assign(type=["a", "b", None, "", " ", "a"]),
                {"a": 1, "b": 1},
                method="stratified",
                stratum_column="type",
            ),
            r"stratum column 'type': 3 empty values \(records 3, 4, 5, counted from 1\)",
        ),
        (
            lambda: _draw(SIX.assign(x=[0, 1, 2, 3, 4, 5]), 2, method="pps", size_column="x"),
            r"1 do not \(record 1,",
        ),
        (
            lambda: _draw(SIX.assign(x=[1.5] * 6), 2, method="pps", size_column="x"),
            "whole numbers of at least 1; 6",
        ),
        (
            lambda: _draw(SIX.assign(x=[1, None, 3, 4, 5, 6]), 2, method="systematic", order_column="x"),
            r"order column 'x': 1 empty values \(record 2",
        ),
        (
            lambda: _draw(reserves=-1),
            "reserves of stratum 'all' must be a whole number of at least 0; got -1",
        ),
    ],
)
def test_what_the_draw_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- replace and trail -------------------------------------------------------------------------------------


def test_replacements_take_the_reserves_of_their_stratum_in_order():
    made = draw(FRAME, {"violence": 3, "sexual": 3, "other": 3}, 4, "stratified", **STRATIFIED, reserves=2)
    first, spare = {}, {}
    for record in made.records:
        first.setdefault(record.stratum, record)
    for record in made.reserves:
        spare.setdefault(record.stratum, []).append(record.id)
    now = replace(made, first["sexual"].id, "log destroyed")
    now = replace(now, first["other"].id, "sealed")
    now = replace(now, spare["sexual"][0], "not an incident")  # a reserve that is in use can be replaced, too
    assert [swap.by for swap in now.replacements] == [
        spare["sexual"][0],
        spare["other"][0],
        spare["sexual"][1],
    ]
    expected = ids(made.records)
    expected[expected.index(first["sexual"].id)] = spare["sexual"][1]
    expected[expected.index(first["other"].id)] = spare["other"][0]
    assert ids(now.current) == expected and made.replacements == ()
    for record_id, reason, message in [
        (first["sexual"].id, "again", "was replaced already"),
        (ids(now.current)[0], " ", "the reason of a replacement must be given"),
        ("INC-99999", "why", "is not in the sample"),
        (spare["sexual"][1], "why", "no reserve is left in stratum 'sexual'; draw again with the same seed"),
    ]:
        with pytest.raises(ValueError, match=message):
            replace(now, record_id, reason)


def test_the_trail_is_complete_and_the_same_every_time(tmp_path):
    FRAME.to_csv(tmp_path / "frame.csv", index=False)
    frame = read_frame(tmp_path / "frame.csv", "id", "type")
    plan = sample_size(0.9, 0.08, population=1_000)
    counts = allocate(plan.clusters, frame.info.counts)
    made = draw(frame.data, counts, 4, "stratified", **STRATIFIED, reserves=2)
    first = sampling.trail_text(trail(made, frame.info, plan, counts, [(made.records[0].id, "sealed")]))
    shuffled = frame.data.sample(frac=1, random_state=1)
    again = draw(shuffled, counts, 4, "stratified", **STRATIFIED, reserves=2)
    repeated = trail(replace(again, made.records[0].id, "sealed"), frame.info, plan, counts)
    assert sampling.trail_text(repeated) == first
    document = json.loads(first)
    assert document["schema_version"] == 1 and document["algorithm"]["version"] == 2
    assert document["plan"]["units"] == plan.units and document["allocation"]["counts"] == counts.counts
    assert str(tmp_path) not in first


def test_a_trail_of_another_frame_is_refused():
    made = draw(FRAME, {"violence": 3, "sexual": 3, "other": 3}, 4, "stratified", **STRATIFIED)
    info = sampling.FrameInfo("f.csv", "0" * 64, "csv", "utf-8", "id", ("type",), 3, {"violence": 3})
    with pytest.raises(ValueError, match="frame_info counts"):
        trail(made, info, None, None)


def test_a_trail_holds_no_number_that_json_has_not():
    with pytest.raises(ValueError):
        sampling.trail_text({"x": float("nan")})


# ---- frames ------------------------------------------------------------------------------------------------

ROWS = [
    ("I-1", "violence", "Zoë, café", "7"),
    ("NA", "other", "line\nbreak", "8"),
    ("007", "other", "", "9"),
]


def _csv(path, encoding, delimiter=","):
    lines = [delimiter.join(f'"{v}"' for v in row) for row in [("Ref", "Crime type", "Name", "n"), *ROWS]]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


@pytest.mark.parametrize(
    ("encoding", "found"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp1252", "cp1252")]
)
def test_csv_in_the_encodings_that_people_have(tmp_path, encoding, found):
    frame = read_frame(_csv(tmp_path / "f.csv", encoding), "Ref", "Crime type", other_columns=["Name"])
    assert frame.info.encoding == found and frame.info.records == 3
    assert frame.info.counts == {"other": 2, "violence": 1}
    assert frame.data["Ref"].tolist() == ["I-1", "NA", "007"]
    assert frame.data["Name"].tolist() == ["Zoë, café", "line\nbreak", ""]
    assert list(frame.data) == ["Ref", "Crime type", "Name"]  # the column n is not read


def test_csv_with_semicolons(tmp_path):
    frame = read_frame(_csv(tmp_path / "f.csv", "utf-8", ";"), "Ref", ["Crime type", "n"], delimiter=";")
    assert frame.info.counts == {"other / 8": 1, "other / 9": 1, "violence / 7": 1}


def test_csv_of_several_blocks(tmp_path):
    """More than the 16 MB that are parsed at a time, with a character that lies across a border."""
    lines = [f"INC-{i:07d},{'violence' if i % 3 else 'other'},{'é' * 40}" for i in range(250_000)]
    (tmp_path / "f.csv").write_text("id,type,note\n" + "\n".join(lines), encoding="utf-8")
    frame = read_frame(tmp_path / "f.csv", "id", "type")
    assert frame.info.counts == {"other": 83_334, "violence": 166_666}
    made = draw(frame.data, allocate(9, frame.info.counts), 1, "stratified", **STRATIFIED)
    assert all(r.stratum == ("violence" if int(r.id[4:]) % 3 else "other") for r in made.records)


def test_csv_excel_and_parquet_give_the_same_sample(tmp_path):
    FRAME.to_csv(tmp_path / "f.csv", index=False)
    FRAME.to_parquet(tmp_path / "f.parquet")
    FRAME.to_excel(tmp_path / "f.xlsx", index=False)
    made = []
    for name in ("f.csv", "f.parquet", "f.xlsx"):
        frame = read_frame(tmp_path / name, "id", "type", other_columns=["crimes"])
        assert frame.info.format == name[2:] and frame.info.counts == {
            "other": 333,
            "sexual": 333,
            "violence": 334,
        }
        counts = allocate(30, frame.info.counts)
        made.append(draw(frame.data, counts, 9, "pps", **STRATIFIED, size_column="crimes", reserves=3))
    assert made[0] == made[1] == made[2]


def test_whole_numbers_of_excel_are_ids_without_decimals(tmp_path):
    pd.DataFrame({"id": [1.0, 20.0, 300.0], "type": ["NA", None, "b"]}).to_excel(
        tmp_path / "f.xlsx", index=False
    )
    with pytest.raises(ValueError, match=r"1 empty value \(record 2, counted from 1\)"):
        read_frame(tmp_path / "f.xlsx", "id", "type")
    assert read_frame(tmp_path / "f.xlsx", "id").data["id"].tolist() == ["1", "20", "300"]


def _bytes(content):
    def write(path):
        path.write_bytes(content)

    return write


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("f.txt", _bytes(b"id\n1\n"), "f.txt: a frame is a .csv, .parquet or .xlsx file"),
        ("f.csv", _bytes("id\n1\n".encode("utf-16")), "f.csv is UTF-16 text; save it as CSV UTF-8"),
        ("f.csv", _bytes(b""), "f.csv: 'id' is not a column"),
        ("f.csv", _bytes(b"ref,type\n1,a\n"), "f.csv: 'id' is not a column; the file has: ref, type"),
        ("f.csv", _bytes(b"id,id\n1,2\n"), "'id' is the name of 2 columns"),
        ("f.csv", _bytes(b"id,type\n1,a\nsecret\n3,b\n"), "f.csv, row 3: 1 values where the header has 2"),
        ("f.csv", _bytes(b"id\n\x81\x8d\n"), "not a CSV file in UTF-8 or Windows-1252"),
        ("f.parquet", _bytes(b"PAR1 no"), "f.parquet: not a readable .parquet file"),
        ("f.xlsx", _bytes(b"no"), "f.xlsx: sheet 0 cannot be read"),
        (
            "f.xlsx",
            lambda p: pd.DataFrame({"id": [1234567890123456]}).to_excel(p),
            "1 numbers of 16 digits or more",
        ),
        (
            "f.parquet",
            lambda p: pd.DataFrame({"ref": [1]}).to_parquet(p),
            "'id' is not a column; the file has: ref",
        ),
    ],
)
def test_frames_that_are_refused(tmp_path, name, write, message):
    write(tmp_path / name)
    with pytest.raises(ValueError, match=message) as caught:
        read_frame(tmp_path / name, "id")
    assert "secret" not in str(caught.value)


def test_an_empty_frame_is_read_and_not_drawn_from(tmp_path):
    (tmp_path / "f.csv").write_text("id,type\n")
    frame = read_frame(tmp_path / "f.csv", "id", "type")
    assert frame.info.records == 0 and frame.info.counts == {}
    with pytest.raises(ValueError, match="the frame has no record"):
        draw(frame.data, 1, 1, id_column="id")


def test_the_benchmark_runs():
    said = subprocess.run(
        [sys.executable, "tests/bench_sampling.py", "--rows=20000", "--frame-rows=20000", "--repeats=1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert "numpy floor" in said.stdout and "peak memory" in said.stdout


# ---- the plan of an inspection -----------------------------------------------------------------------------

SIZES = {"violence": 10_598, "sexual": 1_187, "other": 18_221}


def asking(**changes):
    """Northamptonshire with other sampling parameters, checked as if they stood in its file."""
    inspection = load_inspection("northamptonshire")
    asked = SamplingPlan(**inspection.sampling.model_dump() | changes)
    return inspection.model_copy(update={"sampling": asked})


def test_the_plan_reaches_the_margin_in_every_stratum():
    planned = planned_sample(asking(response_rate_percent=90), SIZES)
    for name, n in planned.allocation.counts.items():
        one = sample_size(0.9, 0.03, population=SIZES[name] * 1.1, units_per_cluster=1.1, response_rate=0.9)
        assert n == one.clusters
        assert planned.margins[name] == pytest.approx(one.margin, abs=2e-4)
    weights = {name: size / sum(SIZES.values()) for name, size in SIZES.items()}
    variance = sum((weights[name] * planned.margins[name]) ** 2 for name in SIZES)  # of independent strata
    assert planned.overall_margin == pytest.approx(math.sqrt(variance))
    assert planned.crimes["violence"] == math.floor(planned.allocation.counts["violence"] * 1.1 * 0.9)


def test_the_plan_without_a_frame_is_by_crime_type_from_recorded_crime():
    planned = planned_sample(asking())
    # 21,900 violent crimes in 12 months, half of them in the audit period, 96.7 % auditable, 90 % recorded, 1.1 an incident
    assert planned.allocation.frame["violence"] == round(21_900 / 2 * 0.967 / 0.9 / 1.1)
    assert planned.allocation.counts == {"violence": 340, "sexual": 274, "other": 343}


def test_the_plan_shares_a_total_as_the_parameters_say():
    shared = asking(
        total_incidents=1_000,
        allocation="neyman",
        minimum_incidents=100,
        expected_rates_percent={"violence": 85},
    )
    planned = planned_sample(shared, SIZES)
    rates = {"violence": 0.85, "sexual": 0.9, "other": 0.9}
    assert planned.rates == rates
    assert planned.allocation == allocate(1_000, SIZES, "neyman", rates=rates, minimum=100)
    given = {"violence": 400, "sexual": 250, "other": 350}
    assert planned_sample(asking(incidents=given), SIZES).allocation.counts == given


def test_a_given_number_of_incidents_by_other_strata_leaves_the_plan_by_crime_type():
    assert (
        planned_sample(asking(incidents={"control room": 400})).allocation
        == planned_sample(asking()).allocation
    )


@pytest.mark.parametrize(
    ("changes", "sizes", "message"),
    [
        ({"incidents": {"violence": 10}}, SIZES, r"sampling.incidents .* missing: \['other', 'sexual'\]"),
        (
            {"expected_rates_percent": {"rape": 80}},
            SIZES,
            "names rape; the strata are violence, sexual, other",
        ),
        ({"total_incidents": 60_000, "allocation": "equal"}, SIZES, "got 60000"),
        ({"total_incidents": 60_000, "allocation": "equal"}, None, "got 60000"),
    ],
)
def test_what_the_plan_of_an_inspection_refuses(changes, sizes, message):
    with pytest.raises(ValueError, match=message):
        planned_sample(asking(**changes), sizes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"total_incidents": 100}, "total_incidents together with allocation"),
        ({"allocation": "equal"}, "total_incidents together with allocation"),
        ({"expected_rate_percent": 100}, "expected rates below 100"),
        ({"expected_rates_percent": {"violence": 100}}, "expected rates below 100"),
    ],
)
def test_what_the_sampling_parameters_refuse(changes, message):
    with pytest.raises(ValueError, match=message):
        asking(**changes)


def test_a_plan_that_cannot_be_is_found_before_any_notebook_runs():
    inspection = asking(total_incidents=60_000, allocation="proportional")
    problems = check_measures("northamptonshire", inspection, load_records("northamptonshire", inspection))
    assert any(problem.where == "sampling" and "60000" in problem.expected for problem in problems)


def test_numbers_as_text_are_no_order():
    frame = pd.DataFrame({"id": [f"i{i}" for i in range(30)], "beat": [str(i) for i in range(30)]})
    with pytest.raises(ValueError, match="'beat' holds numbers as text"):
        draw(frame, 5, 1, "systematic", id_column="id", order_column="beat")
    with pytest.raises(ValueError, match="'beat' holds numbers as text"):
        draw(frame.replace({"beat": {"7": "n/a"}}), 5, 1, "systematic", id_column="id", order_column="beat")
    same_width = frame.assign(beat=frame["beat"].str.zfill(3))
    in_numbers = frame.astype({"beat": int})
    one, other = (
        draw(table, 5, 1, "systematic", id_column="id", order_column="beat").records
        for table in (same_width, in_numbers)
    )
    assert one == other


@pytest.mark.parametrize("empty", [" ", None, float("nan")])
def test_an_empty_order_is_refused(empty):
    frame = pd.DataFrame(
        {"id": list("abcd"), "when": ["x", "y", empty, "z"] if empty == " " else [1.0, 2.0, empty, 3.0]}
    )
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for given in (frame, table.to_pandas(types_mapper=pd.ArrowDtype)):
        with pytest.raises(ValueError, match="'when': 1 empty values .record 3"):
            draw(given, 2, 1, "systematic", id_column="id", order_column="when")


def test_strata_of_the_same_name_as_text_are_refused():
    with pytest.raises(ValueError, match="two have the same name"):
        allocate(10, {1: 30, "1": 50})
