"""Many reports: the plain loop (Papermill's command for each notebook, one call of the renderer) against this one.

    make bench                      all benchmarks
    .venv/bin/python tests/bench_pipeline.py --forces 40 --plain 2 --line 10,20,40

Both are measured in one run on one machine, and the reports of both are compared byte for byte. The plain loop is
measured on a few forces and scaled, which is said in the output. Ratios are what counts; seconds are printed with
them, and are not tested.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import yaml
from baseline import guard

from cdi_lib.inspection.folders import PARAMS_VARIABLE, PROJECT, REPORTS_VARIABLE, SECTIONS_VARIABLE, forces
from cdi_lib.inspection.results import combine, write_results
from cdi_lib.pipeline import fingerprint, notebooks
from cdi_lib.pipeline.audit import read_audit
from cdi_lib.pipeline.runner import build_all
from tests.tools import demonstration

COMMAND = [sys.executable, "-m", "cdi_lib"]
RENDER = (
    "import sys; from pathlib import Path; from cdi_lib.inspection.results import read_results\n"
    "from cdi_lib.render.rendering import render; from cdi_lib.report.metadata import json_ld\n"
    "folder = Path(sys.argv[2]); found = read_results(folder / 'results.json')\n"
    "render(Path(sys.argv[1]), folder, engine='pandoc', json_ld=json_ld(found))"
)
HASH = (
    "import hashlib, sys; from pathlib import Path\n"
    "for folder in sys.argv[1:]:\n"
    "    for path in Path(folder).rglob('*'):\n"
    "        if path.is_file(): hashlib.sha256(path.read_bytes()).hexdigest()"
)
COMPARED = ("results.json", "index.html", "report.pdf")


def timed(command: list[str], environment: dict[str, str]) -> float:
    """Wall-clock seconds of a command that must succeed."""
    start = time.monotonic()
    done = subprocess.run(
        command, cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command[:4])} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return time.monotonic() - start


def plain(force: str, params: Path, folder: Path) -> dict[str, float]:
    """One force by commands that start from nothing each time, with ordinary kernels; seconds by kind of command.

    What readers get from it is put into ``folder`` by hand, outside the measured time.
    """
    executed, sections = folder / "notebooks", folder / ".sections"
    executed.mkdir(parents=True)
    environment = {PARAMS_VARIABLE: str(params), SECTIONS_VARIABLE: str(sections)}
    seconds = {"notebooks": 0.0}
    for name in (*notebooks.NOTEBOOKS, notebooks.REPORT):
        output = executed / f"{name}.ipynb"
        values = ["-p", "force", force]
        if name == notebooks.REPORT:
            values += ["-p", "commit", fingerprint.commit()]
        source = str(PROJECT / "notebooks" / f"{name}.ipynb")
        command = [sys.executable, "-m", "papermill", source, str(output), *values, "--cwd", "notebooks"]
        seconds["notebooks"] += timed([*command, "-k", "python3", "--no-progress-bar"], environment)
        notebooks.tidy(output)
    audit = read_audit(force, params)
    found = [notebooks.saved_by(name, sections) for name in notebooks.NOTEBOOKS]
    write_results(folder / "results.json", combine(force, audit.inspection, audit.inputs, found))
    report = executed / f"{notebooks.REPORT}.ipynb"
    notebooks.write_front_matter(report, audit.inspection)
    # One call of the renderer for both formats: two calls would only make the plain loop slower.
    seconds["HTML and PDF"] = timed([sys.executable, "-c", RENDER, str(report), str(folder)], {})
    pages = [str(executed / f"{name}.ipynb") for name in notebooks.NOTEBOOKS]
    scratch = ["--output-dir", str(folder / "pages")]
    seconds["evidence pages"] = sum(
        timed([sys.executable, "-m", "nbconvert", "--to", "html", page, *scratch], {}) for page in pages
    )
    return seconds


class Memory(threading.Thread):
    """Watches the processes below this one: the largest number of bytes that one of them, and all together, held."""

    def __init__(self):
        super().__init__(daemon=True)
        self.worker = self.all = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.5):
            held = []
            for process in psutil.Process().children(recursive=True):
                try:
                    held.append(process.memory_full_info().uss)  # what would be free if it ended
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    pass
            self.worker, self.all = max(self.worker, *held, 0), max(self.all, sum(held))


def reports(params: Path, folder: Path, jobs: int, again: bool = False) -> tuple[float, Memory]:
    """Seconds of `make reports` on a set of forces, with what it held in memory."""
    environment = {PARAMS_VARIABLE: str(params), REPORTS_VARIABLE: str(folder)}
    memory = Memory()
    memory.start()
    command = [*COMMAND, "reports", "--renderer=pandoc", f"--jobs={jobs}", "--quiet"]
    seconds = timed(command + (["--again"] if again else []), environment)
    memory.ended.set()
    memory.join()
    return seconds, memory


def some_forces(params: Path, number: int, folder: Path) -> Path:
    """A folder with that many forces; beyond those that there are, copies under other names."""
    names = forces(params)
    folder.mkdir(parents=True)
    for k in range(number):
        source, again = names[k % len(names)], k // len(names)
        copy = f"{source}-{again}" if again else source
        content = yaml.safe_load((params / f"{source}.yml").read_text(encoding="utf-8"))
        if again:  # a force has one report of an inspection
            content["force"] = {name: f"{text} {again}" for name, text in content["force"].items()}
        (folder / f"{copy}.yml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        shutil.copytree(params / source, folder / copy)
    return folder


def edited(path: Path, texts: tuple[str, str], build: Callable[[], float], times: int = 4) -> list[float]:
    """Seconds that ``build`` takes after one text of a file became another, back and forth."""
    found = []
    for number in range(times):
        old, new = texts if number % 2 == 0 else texts[::-1]
        content = path.read_text(encoding="utf-8")
        if old not in content:
            sys.exit(f"{path.name} has no {old!r}")
        path.write_text(content.replace(old, new, 1), encoding="utf-8")
        found.append(build())
    return found


def previewed(force: str, environment: dict[str, str]) -> Callable[[], float]:
    """What `make preview` does when a file has changed: its process holds all imports."""

    def build() -> float:
        start = time.monotonic()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            [outcome] = build_all([force], renderer="pandoc")
        if not outcome.is_whole:
            sys.exit(f"{force}: {outcome.message or outcome.problems}")
        return time.monotonic() - start

    build()
    return build


def spread(values: list[float]) -> str:
    return f"min {min(values):.2f}, median {statistics.median(values):.2f}, max {max(values):.2f}"


def machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, Python "
        f"{platform.python_version()}, load before the run {load:.2f}"
    )


def draw(rows: list[tuple[int, float]], path: Path) -> None:
    """Minutes against number of forces, with the straight line through the origin that fits best."""
    from matplotlib.figure import Figure

    from cdi_lib.report import charts

    slope = sum(n * s for n, s in rows) / sum(n * n for n, _ in rows)
    figure = Figure(figsize=(7, 4))
    axes = figure.add_subplot()
    largest = max(n for n, _ in rows)
    axes.plot([0, largest], [0, slope * largest / 60], color=charts.MUTED, linewidth=1)
    axes.plot([n for n, _ in rows], [s / 60 for _, s in rows], "o", color=charts.DARK_BLUE, markersize=8)
    for n, s in rows:  # below the line, on the side where there is room
        side = "right" if n > largest / 2 else "left"
        axes.annotate(
            f"{n:,} forces: {s:,.0f} s, {s / n:.2f} s a force",
            (n, s / 60),
            xytext=(-12 if side == "right" else 12, -5),
            textcoords="offset points",
            ha=side,
        )
    axes.set_xlabel("forces")
    axes.set_ylabel("minutes")
    axes.set_title("make reports: time grows with the number of forces, in a straight line", loc="left", size=11)
    path.write_text(charts.svg(figure), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forces", type=int, default=40)
    parser.add_argument("--plain", type=int, default=2, help="forces on which the plain loop is measured")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--line", default="10,20,40", help="numbers of forces for the straight line")
    parser.add_argument("--keep-line", type=Path, help="write the line as CSV here")
    chosen = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        demonstration.write(folder / "all")
        params = some_forces(folder / "all", chosen.forces, folder / "params")
        names = forces(params)

        loops = {}
        for name in names[: chosen.plain]:
            loops[name] = plain(name, params, folder / "plain" / name)
        whole = [loop["notebooks"] + loop["HTML and PDF"] for loop in loops.values()]
        pages = [loop["evidence pages"] for loop in loops.values()]
        print(f"\nplain loop, seconds a force ({len(loops)} measured): {spread(whole)}")
        print(f"  and its evidence pages by nbconvert's command: {spread(pages)}; not counted below")

        seconds, memory = reports(params, folder / "reports", chosen.jobs)
        scaled = statistics.mean(whole) * len(names)
        print(
            f"\n1. {len(names)} forces: plain loop {scaled:.0f} s (scaled), make reports {seconds:.1f} s with {chosen.jobs} workers"
        )
        ok = guard("all forces: plain loop / make reports", scaled / seconds)
        same = [
            (name, file)
            for name in loops
            for file in COMPARED
            if (folder / "plain" / name / file).read_bytes() == (folder / "reports" / name / file).read_bytes()
        ]
        print(f"   files of both that are the same byte for byte: {len(same)} of {len(loops) * len(COMPARED)}")
        ok &= len(same) == len(loops) * len(COMPARED)

        environment = {PARAMS_VARIABLE: str(params), REPORTS_VARIABLE: str(folder / "one")}
        one = [
            timed([*COMMAND, "report", f"--force={names[0]}", "--renderer=pandoc", "--again", "-q"], environment)
            for _ in range(3)
        ]
        floor = [timed([sys.executable, "-c", "import cdi_lib.pipeline.preload"], {}) for _ in range(3)]
        print(f"\n2. one force, seconds: {spread(one)}; of these, starting Python with all imports: {spread(floor)}")
        ok &= guard("one force: plain loop / make report", statistics.mean(whole) / statistics.median(one))

        cold = statistics.median(one)
        for what, path, *texts in (
            ("sentence", f"{names[0]}.yml", "software", "computer"),
            ("record", f"{names[0]}/crimes.csv", ",no,yes,,,", ",no,no,,,"),
        ):
            command = [*COMMAND, "report", f"--force={names[0]}", "--renderer=pandoc", "-q"]
            builds = {
                "make report": lambda command=command: timed(command, environment),
                "make preview": previewed(names[0], environment),
            }
            for name, build in builds.items():
                again = edited(params / path, (texts[0], texts[1]), build)
                print(f"   one {what} changed, {name}, seconds: {spread(again)}")
                ok &= guard(f"one {what} changed: make report from nothing / {name}", cold / statistics.median(again))

        nothing = [reports(params, folder / "reports", chosen.jobs)[0] for _ in range(3)]
        print(f"\n3. nothing changed, {len(names)} forces, seconds: {spread(nothing)}")
        ok &= guard("nothing changed: make reports / this", seconds / statistics.median(nothing))
        hashed = [str(params), str(folder / "reports"), *(str(PROJECT / name) for name in ("cdi_lib", "notebooks"))]
        bare = [timed([sys.executable, "-c", HASH, *hashed], {}) for _ in range(3)]
        print(f"   Python that only hashes these files, seconds: {spread(bare)}")
        ok &= guard("nothing changed: hashing / make reports", statistics.median(bare) / statistics.median(nothing))

        mib = 2**20
        print(f"\n4. memory: one process at most {memory.worker / mib:.0f} MiB, all {memory.all / mib:.0f} MiB")
        rows = []
        for number in map(int, chosen.line.split(",")):
            some = some_forces(folder / "all", number, folder / f"params-{number}")
            rows.append((number, reports(some, folder / f"reports-{number}", chosen.jobs)[0]))
            shutil.rmtree(folder / f"reports-{number}")
            print(f"   {number} forces: {rows[-1][1]:.1f} s, {rows[-1][1] / number:.2f} s a force", flush=True)
        if chosen.keep_line:
            with chosen.keep_line.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(
                    [("forces", "seconds"), *((n, f"{s:.1f}") for n, s in rows)]
                )
            draw(rows, chosen.keep_line.with_suffix(".svg"))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
