"""How often does each interval hold the true rate? Simulate audits, count, and draw the answer.

    python tests/coverage/simulate.py          # ten minutes of one core; writes coverage.csv and coverage.svg
    python tests/coverage/simulate.py draw     # only draws coverage.csv again

Three parts, all in coverage.csv:

ratio
    One sample of incidents from an endless population. An incident holds 1 crime (correlation 0), or 1, 2
    or 3 crimes with chances 0.60, 0.25, 0.15, whose outcomes have the stated correlation. The number of
    incidents is fixed and that of crimes is not, as in an audit.
stratified
    Three crime types of known recorded crime, incidents of 1 to 3 crimes as above drawn within each type, the
    headline from ``stratified_rate``. The rates by type have the stated mean.
two types, SHARE
    Two crime types of single crimes. One holds SHARE of the recorded crime; `n` and `rate` are its own, so
    that it may have few unrecorded crimes. The other has 500 crimes and a rate of 0.85.

A coverage of 95 % has a standard error of 0.22 points with 10,000 audits, 0.31 with the 5,000 of `stratified`.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from cdi_lib.estimation import DEFAULT_INTERVAL, INTERVALS, Design, interval, stratified_rate

SEED = 20191130
RATES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
SIZES = (30, 50, 100, 200, 400, 800, 1500)
CORRELATIONS = (0.0, 0.3, 0.6)
REPLICATES = 10_000
STRATIFIED_REPLICATES = 5_000
CRIMES_PER_INCIDENT = (0.60, 0.25, 0.15)  # of 1, 2, 3 crimes
MEAN_CRIMES = sum(k * share for k, share in enumerate(CRIMES_PER_INCIDENT, start=1))


def draw_incidents(rng, shape, rate, correlation, clustered=True):
    """Return arrays (crimes, recorded crimes) of the given shape, one entry per incident."""
    crimes = rng.choice(3, size=shape, p=CRIMES_PER_INCIDENT) + 1 if clustered else np.ones(shape, dtype=int)
    common = rng.random(shape) < rate
    recorded = np.zeros(shape, dtype=np.int8)
    for k in range(int(crimes.max())):
        # A crime takes the incident's common outcome with chance sqrt(correlation): two agree in that way
        # with chance `correlation`, and each is still recorded with chance `rate`.
        takes_common = rng.random(shape) < np.sqrt(correlation)
        outcome = np.where(takes_common, common, rng.random(shape) < rate)
        recorded += outcome & (crimes > k)
    return crimes, recorded


def ratio_and_se(crimes, recorded):
    """Return rate, standard error and crimes of each row of incidents: ``recording_rate`` for many samples."""
    n, m = crimes.sum(axis=1), crimes.shape[1]
    rate = recorded.sum(axis=1) / n
    residual = (recorded - rate[:, None] * crimes) / n[:, None]
    return rate, np.sqrt(m / (m - 1) * (residual**2).sum(axis=1)), n


def fallback_size(crimes):
    """Return the effective sample size that counts where a sample shows no variation."""
    return crimes.sum(axis=1) ** 2 / (crimes**2).sum(axis=1)


def judge(truth, rate, se, n, df, size):
    """Yield (method, coverage, share of intervals too low, too high, mean width) over the samples."""
    for method in INTERVALS:
        low, high = interval(rate, se, n, method, df=df, effective_n=size)
        too_low, too_high = np.mean(high < truth), np.mean(low > truth)
        yield method, 1 - too_low - too_high, too_low, too_high, np.mean(high - low)


def ratio_rows(rng):
    for n in SIZES:
        for clustered, correlation in [(False, 0.0), *((True, c) for c in CORRELATIONS)]:
            incidents = round(n / MEAN_CRIMES) if clustered else n
            for rate in RATES:
                crimes, recorded = draw_incidents(rng, (REPLICATES, incidents), rate, correlation, clustered)
                sample = ratio_and_se(crimes, recorded)
                shape = "1-3" if clustered else "1"
                for row in judge(rate, *sample, df=incidents - 1, size=fallback_size(crimes)):
                    yield ("ratio", n, rate, shape, correlation, *row, REPLICATES)


def stratified_rows(rng):
    share = np.array([0.36, 0.04, 0.60])  # of recorded crime: violence, sexual, other
    sampled = np.array([0.43, 0.24, 0.33])  # of the audited crimes
    spread = np.array([-0.03, 0.04, 0.01])  # of the rates by type around the mean
    for n in (200, 400, 800, 1129):
        for mean in (0.8, 0.9, 0.92, 0.95):
            for correlation in (0.3, 0.6):
                rates = mean + spread * (1 - mean) / 0.1
                truth = 1 / (share / rates).sum()
                estimates = [
                    stratified(rng, n * sampled, rates, share, correlation)
                    for _ in range(STRATIFIED_REPLICATES)
                ]
                rate, se, size, df, crimes = np.array(estimates).T
                for row in judge(truth, rate, se, crimes, df=df, size=size):
                    yield ("stratified", n, mean, "1-3", correlation, *row, STRATIFIED_REPLICATES)


def two_type_rows(rng):
    for share in (0.1, 0.3, 0.5, 0.7):
        for n in (25, 50, 100, 200):
            for own_rate in (0.9, 0.95, 0.97, 0.99):
                crimes, rates, known = (
                    np.array([n, 500]),
                    np.array([own_rate, 0.85]),
                    np.array([share, 1 - share]),
                )
                recorded = rng.binomial(crimes, rates, (REPLICATES, 2))
                p = recorded / crimes
                rate = 1 / (known / p).sum(axis=1)
                variance = (rate[:, None] ** 2 * known / p**2) ** 2 * p * (1 - p) / (crimes - 1)
                sample = rate, np.sqrt(variance.sum(axis=1)), crimes.sum()
                truth = 1 / (known / rates).sum()
                for row in judge(truth, *sample, df=crimes.sum() - 2, size=crimes.sum()):
                    yield (f"two types, {share}", n, own_rate, "1", 0.0, *row, REPLICATES)


def stratified(rng, sizes, rates, share, correlation):
    """Return (rate, se, effective n, degrees of freedom, crimes) of one stratified audit."""
    rows = []
    for kind, (size, rate) in enumerate(zip(sizes, rates, strict=True)):
        crimes, recorded = draw_incidents(rng, (round(size / MEAN_CRIMES),), rate, correlation)
        first = 1000 * kind + np.arange(len(crimes))
        outcome = np.concatenate([np.arange(c) < r for c, r in zip(crimes, recorded, strict=True)])
        rows.append(
            pd.DataFrame(
                {"kind": kind, "incident": np.repeat(first, crimes), "recorded": outcome, "weight": 1}
            )
        )
    design = Design(
        pd.concat(rows), strata="kind", clusters="incident", weights="weight", infinite_population=True
    )
    estimate = stratified_rate(design, "kind", dict(enumerate(share * 60_000)))
    return estimate.value, estimate.se, estimate.effective_n, estimate.df, estimate.n


def draw(table, path):
    """Draw the coverage of every method by rate, a panel for each sample size and kind of incident."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams |= {"svg.hashsalt": "coverage", "svg.fonttype": "none"}
    from matplotlib import pyplot as plt

    table = table[table["estimator"] == "ratio"]
    kinds = [("1", 0.0), ("1-3", 0.0), ("1-3", 0.3), ("1-3", 0.6)]
    figure, axes = plt.subplots(
        len(kinds), len(SIZES), figsize=(15, 9), sharex=True, sharey=True, layout="constrained"
    )
    for row, (shape, correlation) in zip(axes, kinds, strict=True):
        for axis, n in zip(row, SIZES, strict=True):
            part = table[(table["crimes_per_incident"] == shape) & (table["correlation"] == correlation)]
            axis.axhspan(94, 96, color="#e0e0e0")
            for method in INTERVALS:
                line = part[(part["interval"] == method) & (part["n"] == n)]
                chosen = method == DEFAULT_INTERVAL
                label = f"{method} (default)" if chosen else method
                style = {"lw": 2.5, "color": "black"} if chosen else {"lw": 1}
                axis.plot(line["rate"], 100 * line["coverage"], label=label, **style)
            axis.set_ylim(84, 100)
        crimes = "1 crime" if shape == "1" else f"{shape} crimes, correlation {correlation:g}"
        row[0].set_ylabel(f"{crimes}\nper incident")
    for axis, n in zip(axes[0], SIZES, strict=True):
        axis.set_title(f"n = {n:,}")
    figure.supxlabel("true recording rate")
    figure.supylabel("coverage of nominal 95 % intervals, per cent (grey: within one point)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(INTERVALS))
    figure.savefig(path, metadata={"Date": None})


def main():
    if sys.argv[1:] == ["draw"]:
        draw(pd.read_csv(HERE / "coverage.csv"), HERE / "coverage.svg")
        return
    rng, another = np.random.default_rng(SEED), np.random.default_rng(SEED + 1)
    columns = ["estimator", "n", "rate", "crimes_per_incident", "correlation", "interval", "coverage"]
    columns += ["interval_too_low", "interval_too_high", "mean_width", "replicates"]
    table = pd.DataFrame([*ratio_rows(rng), *stratified_rows(rng), *two_type_rows(another)], columns=columns)
    table.round(4).to_csv(HERE / "coverage.csv", index=False, lineterminator="\n")
    draw(table, HERE / "coverage.svg")
    inspections = table[table["estimator"].isin(["ratio", "stratified"])]
    inspections = inspections[(inspections["n"] >= 200) & inspections["rate"].between(0.8, 0.97)]
    summary = inspections.groupby(["estimator", "interval"])["coverage"].agg(["min", "mean", "max"])
    print("n >= 200, rate 0.80 to 0.97:")
    print((100 * summary).round(2).to_string())


if __name__ == "__main__":
    main()
