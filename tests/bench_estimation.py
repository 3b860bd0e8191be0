"""Stratified rate and its standard error, 200,000 audited crimes: this library beside svy and R survey.

    python tests/bench_estimation.py [number of crimes]

Each line is the best of several repetitions in this run; the ratio says how many times as long as ours it
takes. Whoever is not installed is left out. `design` is the declaration (checks, codes of strata and incidents),
`estimate` the rate and its standard error from it.
"""

import math
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from cdi_lib.estimation import Design, recording_rate

R_SCRIPT = """
suppressPackageStartupMessages(library(survey))
d <- read.csv(commandArgs(TRUE)[1])
best <- function(f) min(replicate(3, system.time(f())[["elapsed"]]))
ids <- if (commandArgs(TRUE)[2] == "clusters") ~incident else ~1
declare <- function() svydesign(ids = ids, strata = ~stratum, weights = ~weight, fpc = ~size, data = d)
design <- declare()
rate <- svymean(~recorded, design)
cat(best(declare), best(function() svymean(~recorded, design)), sprintf("%.17g", c(coef(rate), SE(rate))))
"""


def best(function, repetitions=5):
    """Return the shortest time of `repetitions` calls, in seconds."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def audit(n, clustered):
    """Return `n` audited crimes in 20 strata (incidents of two crimes if clustered), and the populations."""
    rng = np.random.default_rng(1)
    incident = np.arange(n) // 2 if clustered else np.arange(n)
    stratum = incident % 20
    sampled = np.bincount(stratum[:: 2 if clustered else 1])
    size = sampled * rng.integers(2, 30, len(sampled))
    crimes = pd.DataFrame(
        {"stratum": stratum, "incident": incident, "recorded": (rng.random(n) < 0.9).astype(int)}
    )
    crimes["size"] = size[stratum]
    crimes["weight"] = (size / sampled)[stratum]
    return crimes, dict(enumerate(size.tolist()))


def ours(crimes, population, clustered):
    unit = {"clusters": "incident", "population_unit": "clusters"} if clustered else {}

    def declare():
        return Design(crimes, strata="stratum", population=population, **unit)

    design = declare()
    rate = recording_rate(design)
    return best(declare), best(lambda: recording_rate(design)), rate.value, rate.se


def svy(crimes, clustered):
    import polars as pl
    import svy

    frame = pl.DataFrame({name: crimes[name].to_numpy() for name in crimes})
    frame = frame.with_columns(recorded=pl.col("recorded").cast(pl.Float64))
    options = {"stratum": "stratum", "wgt": "weight", "pop_size": "size"} | (
        {"psu": "incident"} if clustered else {}
    )

    def declare():
        return svy.Sample(frame, svy.Design(**options))

    def estimate():  # of a fresh sample each time: svy remembers what it has computed
        return declare().estimation.mean("recorded").estimates[0]

    rate = estimate()
    design = best(declare)
    return design, best(estimate) - design, rate.est, rate.se


def r_survey(crimes, clustered):
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder, "crimes.csv"), Path(folder, "bench.R")
        crimes.to_csv(data, index=False, float_format="%.17g")
        script.write_text(R_SCRIPT, encoding="utf-8")
        command = ["Rscript", str(script), str(data), "clusters" if clustered else "crimes"]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return tuple(float(x) for x in answer.split())


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    print(f"Stratified rate and standard error of {n:,} crimes, milliseconds")
    for clustered in (False, True):
        print(f"\n{'incidents of two crimes' if clustered else 'independent crimes'}")
        print(f"{'':10}{'design':>10}{'estimate':>10}{'estimate, ratio':>18}{'both, ratio':>14}")
        crimes, population = audit(n, clustered)
        base = ours(crimes, population, clustered)
        rows = {"cdi_lib": base}
        try:
            rows["svy"] = svy(crimes, clustered)
        except ImportError:
            print("svy is not installed")
        if shutil.which("Rscript"):
            try:
                rows["R survey"] = r_survey(crimes, clustered)
            except subprocess.CalledProcessError as error:
                print(f"R survey does not answer: {error.stderr.strip().splitlines()[-1:]}")
        else:
            print("R is not installed")
        for name, (design, estimate, value, se) in rows.items():
            if not (math.isclose(value, base[2], rel_tol=1e-9) and math.isclose(se, base[3], rel_tol=1e-9)):
                raise SystemExit(f"{name} estimates {value} (SE {se}), not {base[2]} (SE {base[3]})")
            ratio, both = estimate / base[1], (design + estimate) / (base[0] + base[1])
            print(f"{name:10}{1000 * design:10.1f}{1000 * estimate:10.1f}{ratio:17.1f}x{both:13.1f}x")


if __name__ == "__main__":
    main()
