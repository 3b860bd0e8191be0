"""Stratified rate and its standard error, 200,000 audited crimes: this library beside svy and R survey.

    python tests/bench_estimation.py [number of crimes]

Each reads the same file and then repeats two steps, the data already in memory: `declare` a design (strata, incidents
as clusters, weights, finite population) and `estimate` rate and standard error from that new design. All three must
agree to 1e-9. The ratios say how many times as long as ours it takes, both steps together and the estimate alone: of
the shortest times of this run, which whatever else the machine does disturbs least. Whoever is not installed is left out.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from baseline import guard

from cdi_lib.statistics.design import Design
from cdi_lib.statistics.estimation import weighted_rate

REPETITIONS = 7
# Ours works out the weights from the population counts; svy and survey are handed them.
R_SCRIPT = """
suppressPackageStartupMessages(library(survey))
d <- read.csv(commandArgs(TRUE)[1])
ids <- if (commandArgs(TRUE)[2] == "clusters") ~incident else ~1
for (i in 1:as.integer(commandArgs(TRUE)[3])) {
  declare <- system.time(design <- svydesign(ids = ids, strata = ~stratum, weights = ~weight, fpc = ~size, data = d))
  estimate <- system.time(rate <- svymean(~recorded, design))
  cat(declare[["elapsed"]], estimate[["elapsed"]], sprintf("%.17g", c(coef(rate), SE(rate))), "\\n")
}
"""


def audit(n, clustered, text):
    """Return `n` audited crimes in 20 strata, incidents of two crimes if clustered; names of text or numbers."""
    rng = np.random.default_rng(1)
    incident = np.arange(n) // 2 if clustered else np.arange(n)
    stratum = incident % 20
    sampled = np.bincount(stratum[:: 2 if clustered else 1])
    size = sampled * rng.integers(2, 30, len(sampled))
    crimes = pd.DataFrame({"stratum": stratum, "incident": incident, "recorded": rng.random(n) < 0.9})
    if text:
        crimes["stratum"] = "district " + crimes["stratum"].astype("str")
        crimes["incident"] = "NN-2019-" + crimes["incident"].astype("str")
    return crimes.astype({"recorded": int}).assign(size=size[stratum], weight=(size / sampled)[stratum])


def timed(declare, estimate):
    """Return (seconds to declare, seconds to estimate) of each repetition, and the last estimate."""
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        design = declare()
        middle = time.perf_counter()
        rate = estimate(design)
        times.append((middle - start, time.perf_counter() - middle))
    return np.array(times), rate


def ours(path, clustered):
    crimes = pd.read_csv(path)
    population = crimes.groupby("stratum")["size"].first().to_dict()
    options = {"strata": "stratum", "population": population}
    if clustered:
        options |= {"clusters": "incident", "population_unit": "clusters"}
    times, rate = timed(lambda: Design(crimes, "recorded", **options), weighted_rate)
    return times, rate.value, rate.se


def svy(path, clustered):
    import polars as pl
    import svy

    crimes = pl.read_csv(path).with_columns(pl.col("recorded").cast(pl.Float64))
    options = {"stratum": "stratum", "wgt": "weight", "pop_size": "size"}
    if clustered:
        options |= {"psu": "incident"}
    times, rate = timed(
        lambda: svy.Sample(crimes, svy.Design(**options)),
        lambda sample: sample.estimation.mean("recorded").estimates[0],
    )
    return times, rate.est, rate.se


def r_survey(path, clustered):
    script = path.with_name("bench.R")
    script.write_text(R_SCRIPT, encoding="utf-8")
    command = ["Rscript", str(script), str(path), "clusters" if clustered else "crimes", str(REPETITIONS)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = np.array([line.split() for line in answer.splitlines()], dtype=float)
    return rows[:, :2], *rows[-1, 2:]


def measure(path, clustered):
    """Return {name: (times, value, standard error)} of everybody who is installed."""
    rows = {"cdi_lib": ours(path, clustered)}
    try:
        rows["svy"] = svy(path, clustered)
    except ImportError:
        print("svy is not installed")
    if not shutil.which("Rscript"):
        print("R is not installed")
        return rows
    try:
        rows["R survey"] = r_survey(path, clustered)
    except subprocess.CalledProcessError as error:
        print(f"R survey does not answer: {error.stderr.strip().splitlines()[-1:]}")
    return rows


def spread(seconds):
    low, middle, high = 1000 * np.quantile(seconds, [0, 0.5, 1])
    return f"{low:7.1f} /{middle:7.1f} /{high:7.1f}"


def main():
    ok = True
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    print(
        f"Stratified rate and standard error of {n:,} audited crimes; milliseconds, min / median / max of {REPETITIONS}"
    )
    print(f"{'':10}{'declare':>27}{'estimate':>27}{'both, ratio':>14}{'estimate, ratio':>17}")
    for clustered in (False, True):
        for text in (False, True):
            print(
                f"{'incidents of two crimes' if clustered else 'independent crimes'}, "
                f"{'text' if text else 'numbers'} as identifiers"
            )
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "crimes.csv")
                audit(n, clustered, text).to_csv(path, index=False, float_format="%.17g")
                rows = measure(path, clustered)
            base, value, se = rows["cdi_lib"]
            for name, (times, their_value, their_se) in rows.items():
                if not np.allclose((their_value, their_se), (value, se), rtol=1e-9, atol=0):
                    raise SystemExit(f"{name} estimates {their_value} (SE {their_se}), not {value} (SE {se})")
                both = times.sum(axis=1).min() / base.sum(axis=1).min()
                estimate = times[:, 1].min() / base[:, 1].min()
                print(f"{name:10}{spread(times[:, 0])}{spread(times[:, 1])}{both:13.1f}x{estimate:16.1f}x")
                if name != "cdi_lib" and not text and n == 200_000:
                    kind = "clusters" if clustered else "independent crimes"
                    ok &= guard(f"stratified rate, {kind}: {name} / cdi_lib", both)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
