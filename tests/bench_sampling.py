"""Benchmark of the draw, as ratios measured side by side in one run.

``python tests/bench_sampling.py`` reads frames of 10 million records, checks their ids and draws 2,000 in three strata, in
a process of its own, and compares the time with the least that any such draw needs, one pass that hashes every id, and
with draws that check nothing and that nobody can repeat: pandas' stratified sample and DuckDB's random one. It reports the most memory that was used. ``--rows`` and ``--repeats`` make it smaller. Exit status 1 if a goal is missed:
under 1 GiB, and no ratio much worse than its baseline; goals are judged from 10 million records on only.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from baseline import guard

ROOT = Path(__file__).resolve().parent.parent
MAKE = """COPY (SELECT 'INC-' || lpad(i::VARCHAR, 10, '0') AS incident_id,
    CASE WHEN random() < 0.5 THEN 'other' WHEN random() < 0.2 THEN 'sexual' ELSE 'violence' END AS crime_type
    FROM range({rows}) AS t(i)) TO '{path}'"""
MEASURED = """
import resource, sys, time
from pathlib import Path
import duckdb
from cdi_lib.statistics.frames import read_frame
from cdi_lib.statistics.planning import allocate
from cdi_lib.statistics.sampling import draw
path = sys.argv[1]
started = time.perf_counter()
duckdb.execute(f"SET threads=4; SET enable_progress_bar=false; SELECT count(*) FROM '{path}' WHERE sha256('2020:' || incident_id) < '0'").fetchall()
floor = time.perf_counter() - started
started = time.perf_counter()
frame = read_frame(path, "incident_id", "crime_type")
selection = draw(frame, allocate(2000, frame.info.counts), 2020)
took = time.perf_counter() - started
assert len(selection.records) == 2000
status = Path("/proc/self/status")
if status.exists():  # Linux: unlike ru_maxrss, this leaves out what the parent held when it forked
    peak = next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(floor, took, peak)
"""
TIMED = """
import sys, time
path = sys.argv[1]
import {library}
started = time.perf_counter()
found = {call}
took = time.perf_counter() - started
assert len(found) == 2001
print(took)
"""
OTHERS = {
    "pandas' groupby.sample": (
        "pandas",
        "pandas.read_{kind}(path).groupby('crime_type').sample(n=667, random_state=1)",
    ),
    "DuckDB's random sample": ("duckdb", "duckdb.sql(f\"SELECT * FROM '{{path}}' USING SAMPLE 2001 ROWS\").fetchall()"),
}


def measure(path: Path, script: str = MEASURED) -> list[float]:
    command = [sys.executable, "-c", script, str(path)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return list(map(float, said.stdout.split()))


def main() -> int:
    import duckdb

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="records of each frame")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    met = True
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("parquet", "csv"):
            path = Path(folder) / f"frame.{kind}"
            duckdb.execute(MAKE.format(rows=chosen.rows, path=path))
            floors, took, peaks = zip(*(measure(path) for _ in range(chosen.repeats)), strict=True)
            print(
                f"{kind}, {chosen.rows:,} records: read, checked and drawn from in {statistics.median(took):.2f} s, peak "
                f"memory {max(peaks) / 2**20:,.0f} MiB (goal: under 1,024 MiB)"
            )
            others = {"SHA-256 of every id": floors}
            for name, (library, call) in OTHERS.items():
                script = TIMED.format(library=library, call=call.format(kind=kind))
                others[name] = tuple(measure(path, script)[0] for _ in range(chosen.repeats))
            for name, seconds in others.items():
                ratio = statistics.median(other / own for other, own in zip(seconds, took, strict=True))
                if chosen.rows < 10_000_000:
                    print(f"   {name} / draw: {ratio:.2f}; not judged below 10 million records")
                else:
                    met &= guard(f"draw from {kind}: {name} / draw", ratio)
            met &= chosen.rows < 10_000_000 or max(peaks) < 2**30
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
