"""Benchmark of the draw, as ratios measured side by side in one run.

``python tests/bench_sampling.py`` draws a stratified sample of 2,000 from 5 million records

- with ``cdi_lib.statistics.sampling.draw``: its specified hash, and empty and repeated ids refused;
- with pandas ``groupby.sample``: a random number generator, ids not looked at;
- with duckdb, by a published hash (MD5, the quickest that it has), ids not checked;
- with duckdb, by its own hash, ids checked for repeats: the sample changes with the version of duckdb;
- with duckdb, by its own hash, ids not checked: less than the job, for information only;

and compares each with the numpy floor: the same hash of every id and one ``argpartition``. Then it draws from
a Parquet file of 10 million records in a process of its own and reports the most memory that it used.

``--rows``, ``--frame-rows`` and ``--repeats`` make it smaller. Exit status 1 if a goal is missed; goals are
judged from 5 million (10 million) records on only.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from baseline import guard

from cdi_lib.statistics import frames, sampling

UNCHECKED = "duckdb, own hash, unchecked"
TYPES = ["other", "sexual", "violence"]
IN_A_PROCESS_OF_ITS_OWN = """
import resource, sys, time
from pathlib import Path
from cdi_lib.statistics.sampling import allocate, draw, read_frame
started = time.perf_counter()
frame = read_frame(sys.argv[1], "incident_id", "crime_type")
allocation = allocate(2000, frame.info.counts)
columns = {"id_column": "incident_id", "stratum_column": "crime_type"}
selection = draw(frame.data, allocation, 2020, "stratified", **columns)
assert len(selection.records) == 2000
status = Path("/proc/self/status")
if status.exists():  # Linux: unlike ru_maxrss, this leaves out what the parent held when it forked
    peak = next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(peak, time.perf_counter() - started)
"""


def made_up_frame(rows: int) -> pa.Table:
    """Incidents with ids of 14 characters in three strata of unequal size."""
    codes = np.random.default_rng(1).choice(3, size=rows, p=[0.5, 0.1, 0.4]).astype(np.int8)
    ids = pa.chunked_array(
        [
            pa.array([f"INC-{i:010d}" for i in range(first, min(first + 1_000_000, rows))], pa.large_string())
            for first in range(0, rows, 1_000_000)
        ]
    )
    return pa.table(
        {"incident_id": ids, "crime_type": pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(TYPES))}
    )


def seconds(action) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def compare_speed(rows: int, repeats: int) -> bool:
    frame = made_up_frame(rows).combine_chunks().to_pandas()
    ids = pa.array(frame["incident_id"].array)
    _, key = frames.seed_and_key(2020)
    counts = sampling.allocate(min(2_000, rows), sampling.stratum_counts(frame, "crime_type"))
    largest = max(counts.counts.values())

    def floor():
        numbers = frames.hash_texts(ids, key)
        np.argpartition(numbers, counts.total - 1)[: counts.total]

    def ours():
        columns = {"id_column": "incident_id", "stratum_column": "crime_type"}
        sampling.draw(frame, counts, 2020, "stratified", **columns)

    def by_pandas():
        frame.groupby("crime_type", observed=True).sample(largest, random_state=2020, replace=rows < 10_000)

    routes = {"draw": ours, "pandas groupby.sample": by_pandas}
    try:
        import duckdb
    except ImportError:
        print("duckdb is not installed: not compared")
    else:
        connection = duckdb.connect()  # uses all cores; draw and pandas use one
        connection.register("given", pa.table({"id": ids, "type": frame["crime_type"].astype("str").array}))
        connection.execute("create table incidents as select * from given")

        def by_duckdb(order: str, check: bool):
            if check:
                connection.execute("select count(distinct id) from incidents").fetchall()
            connection.execute(
                "select id, type from incidents "
                f"qualify row_number() over (partition by type order by {order}) <= {largest}"
            ).fetchall()

        routes["duckdb, MD5"] = lambda: by_duckdb("md5_number(id || '2020')", check=False)
        routes["duckdb, own hash, checked"] = lambda: by_duckdb("hash(id, 2020)", check=True)
        routes[UNCHECKED] = lambda: by_duckdb("hash(id, 2020)", check=False)

    taken = {name: [] for name in ("numpy floor", *routes)}
    for _ in range(repeats):  # one of each in turn, so that all meet the same load of the machine
        for name, route in (("numpy floor", floor), *routes.items()):
            taken[name].append(seconds(route))
    print(f"stratified sample of {counts.total:,} from {rows:,} records, {repeats} repeats")
    print(f"{'':28}{'median s':>10}{'ratio to the floor: min / median / max':>42}")
    medians = {}
    for name, times in taken.items():
        ratios = [own / base for own, base in zip(times, taken["numpy floor"], strict=True)]
        medians[name] = statistics.median(ratios)
        text = f"{min(ratios):.2f} / {medians[name]:.2f} / {max(ratios):.2f}"
        print(f"{name:28}{statistics.median(times):10.3f}{text:>42}")
    others = [median for name, median in medians.items() if name in list(routes)[1:] and name != UNCHECKED]
    met = medians["draw"] <= 2 and medians["draw"] < min(others)
    print(
        "goal (at most 2 floors, faster than pandas and than duckdb doing the same job): "
        f"{'not judged below 5 million' if rows < 5_000_000 else 'met' if met else 'missed'}"
    )
    if rows < 5_000_000:
        return True
    slower = [
        guard(f"stratified sample: {name} / draw", medians[name] / medians["draw"])
        for name in medians
        if name != "draw"
    ]
    return met and all(slower)


def measure_memory(rows: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.parquet"
        pa.parquet.write_table(made_up_frame(rows), path)
        said = subprocess.run(
            [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN, str(path)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
    peak, took = map(float, said.stdout.split())
    met = peak < 2**30
    print(
        f"Parquet frame of {rows:,} records, read and drawn from: peak memory {peak / 2**20:,.0f} MiB "
        f"({took:.1f} s); goal (under 1,024 MiB): {'met' if met else 'missed'}"
    )
    return met or rows < 10_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000, help="records of the speed comparison")
    parser.add_argument("--frame-rows", type=int, default=10_000_000, help="records of the Parquet frame")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    met = [compare_speed(chosen.rows, chosen.repeats), measure_memory(chosen.frame_rows)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
