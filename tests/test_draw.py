"""The draw, frames and the trail: ``cdi_lib.statistics.sampling`` and ``frames`` (about 15 seconds)."""

import hashlib
import json
import math
import subprocess
import sys
import unicodedata
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from scipy import stats

from cdi_lib.fieldwork.frame_file import open_frame
from cdi_lib.statistics import frames, sampling
from cdi_lib.statistics.frames import frame_of, read_frame
from cdi_lib.statistics.planning import allocate, sample_size
from cdi_lib.statistics.sampling import draw, replace, trail

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
COUNTS = {"violence": 20, "sexual": 10, "other": 20}


def ids(records):
    return [record.id for record in records]


def by_hashlib(names, seed):
    """Key and id of each, the smallest key first: the whole rule of the draw."""
    return sorted((hashlib.sha256(f"{seed}:{name}".encode()).hexdigest(), name) for name in names)


@pytest.mark.parametrize("seed", [2020, "Northamptonshire 2020", "caf\u00e9"])
def test_a_draw_with_nothing_but_hashlib(seed):
    simple = by_hashlib(FRAME["id"], seed)
    made = draw(FRAME, 5, seed, id_column="id", reserves=3)
    assert [(r.key, r.id) for r in (*made.records, *made.reserves)] == simple[:8]
    made = draw(FRAME, COUNTS, seed, **STRATIFIED)
    for stratum, n in COUNTS.items():
        own = by_hashlib(FRAME["id"][FRAME["type"] == stratum], seed)
        assert [(r.key, r.id) for r in made.records if r.stratum == stratum] == own[:n]
        assert {r.inclusion_probability for r in made.records if r.stratum == stratum} == {
            n / (FRAME["type"] == stratum).sum()
        }


def test_a_draw_with_nothing_but_sql(tmp_path):
    FRAME.to_csv(tmp_path / "f.csv", index=False)
    query = "SELECT type, id FROM read_csv(?) WHERE type = ? ORDER BY sha256(concat('2020', ':', id)) LIMIT ?"
    made = draw(read_frame(tmp_path / "f.csv", "id", "type"), COUNTS, 2020).records
    for stratum, n in COUNTS.items():
        found = duckdb.execute(query, [str(tmp_path / "f.csv"), stratum, n]).fetchall()
        assert [(r.stratum, r.id) for r in made if r.stratum == stratum] == found


def test_golden_sample():
    """A sample of version 3, which must never change: for i in {00001..01000}; printf "2020:INC-$i" | sha256sum."""
    assert ids(draw(FRAME, 3, 2020, id_column="id").records) == ["INC-00759", "INC-00880", "INC-00598"]
    assert sampling.ALGORITHM_VERSION == 3


@pytest.mark.parametrize(
    "stored",
    [
        lambda s: s.astype(object),
        lambda s: s.astype("category"),
        lambda s: s.astype(pd.ArrowDtype(pa.string())),
        lambda s: s.astype(pd.ArrowDtype(pa.large_string())),
        lambda s: pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(s[:7]), pa.array(s[7:])]))),
        lambda s: "  " + s.astype(str) + "\t",
    ],
    ids=["object", "category", "string", "large string", "chunks", "white space"],
)
def test_the_sample_does_not_depend_on_how_the_column_is_stored(stored):
    other = FRAME.assign(id=stored(FRAME["id"]), type=stored(FRAME["type"]))
    expected = draw(FRAME, COUNTS, 1, **STRATIFIED, reserves=5)
    assert draw(other, COUNTS, 1, **STRATIFIED, reserves=5) == expected


def test_whole_numbers_and_their_text_are_the_same_ids():
    numbers = pd.DataFrame({"id": range(100, 200)})
    expected = ids(draw(numbers.astype(str), 10, 3, id_column="id").records)
    for dtype in ("int32", "Int64", "uint64"):
        assert ids(draw(numbers.astype(dtype), 10, 3, id_column="id").records) == expected


def test_ids_of_any_length_and_script():
    texts = ["x" * n for n in range(1, 300)] + ["é" * n for n in range(1, 50)] + ["事件" * n for n in range(1, 50)]
    texts += ["y" * 30_000]
    whole = draw(pd.DataFrame({"id": texts}), len(texts), 1, id_column="id").records
    assert sorted(ids(whole)) == sorted(texts)
    assert [(r.key, r.id) for r in whole] == by_hashlib(texts, 1)


def test_the_normal_form_of_an_id_is_drawn_and_repeats_in_it_are_refused():
    composed, decomposed = "Caf\u00e9", "Cafe\u0301"
    one = draw(pd.DataFrame({"id": [composed]}), 1, 1, id_column="id").records[0]
    other = draw(pd.DataFrame({"id": [decomposed + " "]}), 1, 1, id_column="id").records[0]
    assert (one.id, one.key) == (other.id, other.key)
    with pytest.raises(ValueError, match="1 id occurs more than once, in 2 records \\(records 1, 2, counted from 1\\)"):
        draw(pd.DataFrame({"id": [composed, decomposed]}), 1, 1, id_column="id")


def test_texts_are_normal_as_those_of_python():
    """Each character alone, after its decomposition, and at the ends; U+11A7 is what utf8proc drops."""
    alone = [chr(i) for i in range(1, 0x110000) if unicodedata.category(chr(i)) not in ("Cs", "Cn")]
    texts = [
        text
        for one in alone[:: 1 if len(alone) < 1000 else 7]
        for text in (f"a{one}b", unicodedata.normalize("NFD", one) + "\u0301x", f"{one}x{one}")
    ]
    texts += [f"\u1109\u1173{mark}y" for mark in ("\u11a7", "\u11a8", "\u11a7\u11a8")]
    texts += [f"{white}x{white}" for white in map(chr, range(0x3001)) if white.isspace()]
    texts = list({frames.normal_text(text): text for text in texts}.values())
    drawn = draw(pd.DataFrame({"id": texts}), len(texts), 1, id_column="id").records
    assert sorted(ids(drawn)) == sorted(map(frames.normal_text, texts))


def test_every_record_is_as_likely_as_any_other_and_so_is_every_pair():
    """10,000 seeds: the selected and the order behave as random ones do."""
    names, seeds, n = [f"R{i}" for i in range(12)], 10_000, 4
    frame = frame_of(pd.DataFrame({"id": names}), "id")
    places = np.array([[names.index(name) for _, name in by_hashlib(names, seed)] for seed in range(seeds)])
    for seed in range(0, seeds, 100):  # what is counted below is what draw does
        assert ids(draw(frame, n, seed).records) == [names[i] for i in places[seed, :n]]
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


def test_strata_of_two_columns():
    data = FRAME.assign(route=["direct" if i % 5 else "control room" for i in range(1_000)])
    frame = frame_of(data, "id", ["type", "route"])
    counts = frame.info.counts
    assert list(counts)[:2] == ["other / control room", "other / direct"] and sum(counts.values()) == 1_000
    of = data.set_index("id")
    for record in draw(frame, allocate(60, counts), 1).records:
        assert record.stratum == f"{of['type'][record.id]} / {of['route'][record.id]}"


def test_strata_whose_joined_names_agree_are_refused():
    data = pd.DataFrame({"id": [1, 2], "a": ["x / y", "x"], "b": ["z", "y / z"]})
    with pytest.raises(ValueError, match="two strata have the same name"):
        frame_of(data, "id", ["a", "b"])


def test_renamed_strata_are_drawn_from_as_if_the_frame_named_them_so():
    names = {"violence": "v", "sexual": "rest", "other": "rest"}
    renamed = frame_of(FRAME, "id", "type").renamed(names)
    assert renamed.info.counts == {"rest": 666, "v": 334}
    expected = draw(FRAME.assign(type=FRAME["type"].map(names)), {"rest": 30, "v": 9}, 1, **STRATIFIED)
    assert draw(renamed, {"rest": 30, "v": 9}, 1) == expected


def test_a_second_sample_from_the_first_for_a_blind_check():
    first = draw(FRAME, 100, "main", id_column="id")
    second = draw(first.to_frame(), 10, "blind check", id_column="id")
    assert set(ids(second.records)) < set(ids(first.records))
    assert ids(second.records) != ids(first.records)[:10]


def test_reserves_are_capped_and_it_is_said():
    made = draw(FRAME[:6], 4, 1, id_column="id", reserves=5)
    assert len(made.reserves) == 2 and [r.order for r in made.reserves] == [5, 6]
    assert made.notes == ("all: only 2 of 5 reserves, the frame has no more records",)


def _draw(frame=FRAME, allocation=5, seed=1, **others):
    return draw(frame, allocation, seed, **({"id_column": "id"} | others))


SIX = FRAME[:6].reset_index(drop=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _draw(id_column="ID"), "'ID' is not a column; it has: id, type, crimes"),
        (lambda: _draw(SIX.assign(id=["a", None, "b", " ", "", "c"])), r"3 empty ids \(records 2, 4, 5, counted"),
        (
            lambda: _draw(SIX.assign(id=list("aabbbc"))),
            r"2 ids occur .* in 5 records \(records 1, 2, 3, 4, 5, counted from 1\)",
        ),
        (lambda: _draw(SIX.assign(id=["a", "a "] + list("bcde"))), r"1 id occurs .* \(records 1, 2, counted from 1\)"),
        (lambda: _draw(pd.concat([FRAME] * 2)), r"1,000 ids occur more than once, in 2,000 records .*…"),
        (lambda: _draw(SIX.assign(id=[1.5] * 6)), "must hold text or whole numbers; it holds DOUBLE"),
        (lambda: _draw(SIX.assign(id=[1, "a", 2, 3, 4, 5])), "mixes text and numbers"),
        (lambda: _draw(SIX.assign(id=pd.Timestamp("2020-01-01"))), "it holds TIMESTAMP"),
        (lambda: _draw(SIX.assign(id=pd.Series([*"abcde", "\ud800"], dtype=object))), "text that is not valid Unicode"),
        (lambda: _draw(SIX, 7), "stratum 'all': 7 records to draw, but the frame has only 6"),
        (lambda: _draw(SIX, 0.5), "allocation of stratum 'all' must be a whole number .* a proportion is not"),
        (lambda: _draw(SIX, 0), "draws no record"),
        (lambda: _draw(SIX[:0]), "the frame has no record"),
        (lambda: _draw(seed=1.5), "seed must be a whole number or a text; got 1.5"),
        (lambda: _draw(seed=" "), "seed must be"),
        (lambda: _draw(seed=True), "seed must be"),
        (lambda: _draw(stratum_column="type"), "a count for every stratum"),
        (lambda: draw(FRAME, 5, 1), "a DataFrame needs its id_column"),
        (lambda: _draw(frame_of(FRAME, "id")), "belong to a DataFrame"),
        (lambda: _draw(allocation={"violence": 5}, stratum_column="type"), r"missing: \['other', 'sexual'\]"),
        (lambda: _draw(allocation=allocate(9, {"a": 10}), stratum_column="type"), "made for another frame"),
        (
            lambda: _draw(SIX.assign(type=["a", "b", None, "", " ", "a"]), {"a": 1, "b": 1}, stratum_column="type"),
            r"stratum column 'type': 3 empty values \(records 3, 4, 5, counted from 1\)",
        ),
        (lambda: _draw(reserves=-1), "reserves of stratum 'all' must be a whole number of at least 0; got -1"),
    ],
)
def test_what_the_draw_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- replace and trail -------------------------------------------------------------------------------------


def test_replacements_take_the_reserves_of_their_stratum_in_order():
    made = draw(FRAME, {"violence": 3, "sexual": 3, "other": 3}, 4, **STRATIFIED, reserves=2)
    first, spare = {}, {}
    for record in made.records:
        first.setdefault(record.stratum, record)
    for record in made.reserves:
        spare.setdefault(record.stratum, []).append(record.id)
    now = replace(made, first["sexual"].id, "log destroyed")
    now = replace(now, first["other"].id, "sealed")
    now = replace(now, spare["sexual"][0], "not an incident")  # a reserve that is in use can be replaced, too
    assert [swap.by for swap in now.replacements] == [spare["sexual"][0], spare["other"][0], spare["sexual"][1]]
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
    units = sample_size(0.9, 0.08, population=1_000)
    counts = allocate(units, frame.info.counts)
    made = draw(frame, counts, 4, reserves=2)
    asked = {"units": units}
    made = replace(made, made.records[0].id, "sealed")
    first = sampling.trail_text(trail(made, frame.info, asked, counts))
    shuffled = FRAME.sample(frac=1, random_state=1)
    again = draw(shuffled, counts, 4, **STRATIFIED, reserves=2)
    repeated = trail(replace(again, made.records[0].id, "sealed"), frame.info, asked, counts)
    assert sampling.trail_text(repeated) == first
    document = json.loads(first)
    assert document["schema_version"] == 2 and document["algorithm"]["version"] == 3
    assert document["plan"]["units"] == units and document["allocation"]["counts"] == counts.counts
    assert str(tmp_path) not in first


def test_a_trail_of_another_frame_is_refused():
    made = draw(FRAME, {"violence": 3, "sexual": 3, "other": 3}, 4, **STRATIFIED)
    info = sampling.FrameInfo("f.csv", "0" * 64, "csv", "utf-8", "id", ("type",), 3, {"violence": 3})
    with pytest.raises(ValueError, match="frame_info counts"):
        trail(made, info)


def test_a_trail_holds_no_number_that_json_has_not():
    with pytest.raises(ValueError):
        sampling.trail_text({"x": float("nan")})


@pytest.mark.parametrize("name", ["INC-1", "50% \\n", "O'Neil", "Caf\u00e9 1"])
def test_the_trail_holds_a_command_that_checks_a_record_by_hand(name):
    made = draw(pd.DataFrame({"id": [name]}), 1, "7", id_column="id")
    check = trail(made)["check"]
    said = subprocess.run(["sh", "-c", check["command"]], capture_output=True, text=True, check=True)
    assert said.stdout.split()[0] == check["gives"] == made.records[0].key


# ---- frames ------------------------------------------------------------------------------------------------

ROWS = [("I-1", "violence", "Zoë, café", "7"), ("NA", "other", "line\nbreak", "8"), ("007", "other", "", "9")]


def _csv(path, encoding):
    lines = [",".join(f'"{v}"' for v in row) for row in [("Ref", "Crime type", "Name", "n"), *ROWS]]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def _opened(path, id_column, stratum, others=()):
    """The frame in a file of any kind."""
    return open_frame(path, path.name, [id_column]).read(id_column, stratum, list(others), {})


@pytest.mark.parametrize(("encoding", "found"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp1252", "cp1252")])
def test_csv_in_the_encodings_that_people_have(tmp_path, encoding, found):
    frame = _opened(_csv(tmp_path / "f.csv", encoding), "Ref", "Crime type", ["Name"])
    assert frame.info.encoding in (found, f"{found}-sig") and frame.info.records == 3
    assert frame.info.counts == {"other": 2, "violence": 1}
    rows = frame.rows(["007", "NA", "I-1"])
    assert rows.index.tolist() == rows["Ref"].tolist() == ["007", "NA", "I-1"]
    assert rows["Name"].tolist() == ["", "line\nbreak", "Zoë, café"]
    assert list(rows) == ["Ref", "Crime type", "Name"]  # the column n was not asked for
    assert [list(part) for part in frame.slices("Name")] == [["Zoë, café", "line\nbreak", ""]]


def test_csv_with_strata_in_two_columns(tmp_path):
    frame = read_frame(_csv(tmp_path / "f.csv", "utf-8"), "Ref", ["Crime type", "n"])
    assert frame.info.counts == {"other / 8": 1, "other / 9": 1, "violence / 7": 1}


def test_csv_of_several_blocks(tmp_path):
    """More than the 16 MB that are parsed at a time, with a character that lies across a border."""
    lines = [f"INC-{i:07d},{'violence' if i % 3 else 'other'},{'é' * 40}" for i in range(250_000)]
    (tmp_path / "f.csv").write_text("id,type,note\n" + "\n".join(lines), encoding="utf-8")
    frame = read_frame(tmp_path / "f.csv", "id", "type")
    assert frame.info.counts == {"other": 83_334, "violence": 166_666}
    made = draw(frame, allocate(9, frame.info.counts), 1)
    assert all(r.stratum == ("violence" if int(r.id[4:]) % 3 else "other") for r in made.records)


def test_csv_excel_and_parquet_give_the_same_sample(tmp_path):
    FRAME.to_csv(tmp_path / "f.csv", index=False)
    FRAME.to_parquet(tmp_path / "f.parquet")
    FRAME.to_excel(tmp_path / "f.xlsx", index=False)
    made = []
    for name in ("f.csv", "f.parquet", "f.xlsx"):
        frame = _opened(tmp_path / name, "id", "type")
        assert frame.info.format.startswith(name[2:]) and frame.info.counts == {
            "other": 333,
            "sexual": 333,
            "violence": 334,
        }
        counts = allocate(30, frame.info.counts)
        made.append(draw(frame, counts, 9, reserves=3))
    assert made[0] == made[1] == made[2]


def test_whole_numbers_of_excel_are_ids_without_decimals(tmp_path):
    pd.DataFrame({"id": [1.0, 20.0, 300.0], "type": ["NA", None, "b"]}).to_excel(tmp_path / "f.xlsx", index=False)
    with pytest.raises(ValueError, match=r"1 empty value \(row 3\)"):
        _opened(tmp_path / "f.xlsx", "id", "type")
    assert sorted(ids(draw(_opened(tmp_path / "f.xlsx", "id", []), 3, 1).records)) == ["1", "20", "300"]


def test_lines_that_end_in_different_ways(tmp_path):
    (tmp_path / "f.csv").write_bytes(b'id,type\r\n1,"a"\n\n2,b\r\n')
    assert _opened(tmp_path / "f.csv", "id", "type").info.counts == {"a": 1, "b": 1}
    with pytest.raises(ValueError, match="lines that end alike"):
        read_frame(tmp_path / "f.csv", "id", "type")


def test_names_of_files_and_columns_are_no_sql_and_no_pattern(tmp_path):
    for name, content in (("f*[1]'.csv", "ID,id,x y\n1,2,3\n"), ("f1.csv", "ID,id,x y\n7,8,9\n")):
        (tmp_path / name).write_text(content, encoding="utf-8")
    frame = read_frame(tmp_path / "f*[1]'.csv", "id", "x y", other_columns=["ID"])
    assert frame.rows(["2"])[["ID", "x y"]].to_numpy().tolist() == [["1", "3"]]


def _bytes(content):
    def write(path):
        path.write_bytes(content)

    return write


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("f.txt", _bytes(b"id\n1\n"), "f.txt: a frame is a .csv or .parquet file"),
        ("f.csv", _bytes("id\n1\n".encode("utf-16")), "f.csv: not a CSV file in UTF-8"),
        ("f.csv", _bytes(b""), "f.csv: 'id' is not a column"),
        ("f.csv", _bytes(b"ref,type\n1,a\n"), "f.csv: 'id' is not a column; it has: ref, type"),
        ("f.csv", _bytes(b"id,id\n1,2\n"), "'id' is the name of 2 columns"),
        ("f.csv", _bytes(b"id,type\n1,a\nsecret\n3,b\n"), "f.csv, row 3: 1 value where the header has 2"),
        ("f.csv", _bytes(b'id,type\n1,"a\nsecret\n'), "every quotation mark closed"),
        ("f.csv", _bytes(b"id\n\x81\x8d\n"), "not a CSV file in UTF-8"),
        ("f.parquet", _bytes(b"PAR1 no"), "f.parquet: not a readable .parquet file"),
        ("f.parquet", lambda p: pd.DataFrame({"ref": [1]}).to_parquet(p), "'id' is not a column; it has: ref"),
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
        draw(frame, 1, 1)


@pytest.mark.stress
def test_the_benchmark_runs():
    said = subprocess.run(
        [sys.executable, "tests/bench_sampling.py", "--rows=20000", "--repeats=1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("peak memory") == 2
