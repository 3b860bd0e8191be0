"""How often does each interval hold the true rate? Simulate audits, count, and draw the answer.

    python tests/coverage/simulate.py          # forty minutes of one core; writes coverage.csv and coverage.svg
    python tests/coverage/simulate.py draw     # only draws coverage.csv again, and sums it up in headline.csv

An incident holds 1 crime, or 1, 2 or 3 crimes with chances 0.60, 0.25, 0.15, whose outcomes have the stated
correlation. The number of incidents drawn is fixed and that of crimes is not, as in an audit. An incident is of
one of few kinds (crimes, recorded crimes), so an audit is simulated as the count of each kind: what is drawn and,
where the population is finite, what is left. `sampling_fraction` is the share of incidents drawn; 0 stands for an
endless population. As in the reports, the size of a finite population is not known: recorded crime over the
sample's rate stands for it. `few_unrecorded` is the share of audits in which a type with over a quarter of the
recorded crime has fewer than 5 unrecorded crimes: such a stratified rate is flagged.

Designs (column `estimator`) in coverage.csv:

ratio
    One sample of incidents; the rate of one crime type.
stratified, stratified A, stratified B, stratified C
    The headline by ``stratified_rate`` where incidents are drawn by crime type, with the shares of the types in
    recorded crime and in the sample of `ALLOCATIONS`: as in Northamptonshire; the type with most crime sampled
    least; the type with least crime sampled most; all alike. The types differ in their rates, of which `rate` is the
    mean. Where more incidents would be drawn than there are, all are audited.
simple draw
    The same headline, with the shares of Northamptonshire, where one sample was drawn from all incidents.

    Of both, audits without a recorded crime of some type are left out, since the estimator refuses them.
harsh A, harsh D, harsh E
    The headline on purpose in bad conditions: few incidents, which hold 1 to 3 crimes, or nine in ten 1 and one in ten
    10 crimes; nine tenths of the recorded crime in a tenth of the sample; a type that weighs nothing with four fifths
    of it. Their samples of the type that matters have 5 to 40 incidents.
two types, SHARE
    Two crime types of single crimes. One holds SHARE of the recorded crime; `n` and `rate` are its own, so that
    it may have few unrecorded crimes. The other has 500 crimes and a rate of 0.85.

    The default holds its promise in all 288. Where five to twelve large incidents carry the variance of a type (500 crimes
    of harsh A at .90, one incident in ten holding ten crimes that resemble each other), that variance is badly known, and
    small where by chance none of them fails. So the likeness of crimes in the incidents of all types counts as well
    (`limits_by_type`); without it the default held 91.9 and 93.6 %.

    It cannot where the crimes of the type that carries the weight are the only ones alike: then it holds 91 % in the audit
    of 500 crimes at a fraction of 0.3, and 88 % in one of 800. Such an audit needs more incidents; its rate is flagged
    (``few_clusters``: by the sizes of incidents alone in over 99 % of these two, in none of incidents of 1 to 3 crimes).
    Tried and not kept:
    fewer degrees of freedom for unequal incidents (Bell and McCaffrey, 2002; Satterthwaite). They give 94 and 96 % in the
    two, but 91 % where 800 crimes are audited and all types are alike (kept: 96 %): they widen both sides, and do not make
    up for what was not seen.

The interval `bootstrap` is the percentile interval of 299 resamples of incidents within their strata, rescaled for the
sampling fraction (Rao, Wu and Yue, 1992), of the first 1,000 audits of some designs.

A coverage of 95 % has a standard error of 0.22 points with 10,000 audits, 0.7 with 1,000.

headline.csv sums this up by design and n, on the cells that have a bootstrap: for the default (`combined`) and four
others the lowest coverage, in how many cells it is below what the default promises (`PROMISED`), the largest share of
intervals on one side of the truth, and the mean width, also relative to the default's.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from cdi_lib.report import charts
from cdi_lib.report.labels import word
from cdi_lib.statistics.design import unseen
from cdi_lib.statistics.estimation import FEW_FAILURES
from cdi_lib.statistics.intervals import COMBINED, COVERED_RATES, COVERED_SIZES, INTERVALS, interval, square_and_add

SEED = 20191130
REPLICATES = 10_000
RATES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
SIZES = (30, 50, 100, 200, 400, 800, 1500)
FRACTIONS = (0.0, 0.1, 0.3)
CORRELATIONS = (0.0, 0.3, 0.6)
SINGLE, ONE_TO_THREE = (1.0,), (0.60, 0.25, 0.15)  # chances of 1, 2, 3 crimes in an incident
ONE_OR_TEN = (0.9, *(0.0,) * 8, 0.1)
HEADLINE_RATES = (0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
HEADLINE_SIZES = (100, 200, 500, 1500)
ALLOCATIONS = {  # shares of violence, sexual offences and other crime in recorded crime, and in the sample
    "stratified": ((0.36, 0.04, 0.60), (0.43, 0.24, 0.33)),
    "stratified A": ((0.25, 0.03, 0.72), (52 / 116, 41 / 116, 23 / 116)),
    "stratified B": ((0.60, 0.20, 0.20), (0.20, 0.10, 0.70)),
    "stratified C": ((1 / 3, 1 / 3, 1 / 3), (1 / 3, 1 / 3, 1 / 3)),
    "simple draw": ((0.36, 0.04, 0.60), (1.0,)),
}
HARSH = {
    "harsh A": ALLOCATIONS["stratified A"],
    "harsh D": ((0.90, 0.05, 0.05), (0.10, 0.45, 0.45)),
    "harsh E": ((0.49, 0.02, 0.49), (0.10, 0.80, 0.10)),
}
HARSH_RATES, HARSH_SIZES = (0.9, 0.95, 0.98, 0.99), (100, 200, 500)
RESAMPLED_RATES, RESAMPLED, RESAMPLES = (0.9, 0.95, 0.98), 1000, 299
PROMISED = {100: 0.93, 200: 0.94, 500: 0.94, 1500: 0.94}
BESIDE = (COMBINED[0], "agresti-coull", "logit", "korn-graubard", "bootstrap")
SPREAD = np.array([-0.03, 0.04, 0.01])  # of the rates by type around a mean of 0.9


@dataclass(frozen=True)
class Kinds:
    """The kinds of incident that an audit can meet; arrays with one entry per kind.

    `crime_type` and `stratum` count from 0; `chance` adds up to 1 in each stratum.
    """

    crimes: np.ndarray
    recorded: np.ndarray
    crime_type: np.ndarray
    stratum: np.ndarray
    chance: np.ndarray


def kinds_of_incident(rates, correlation, sizes=ONE_TO_THREE, type_shares=None):
    """Return the Kinds for crime types of the given rates.

    Types are strata of their own, or parts of one stratum where `type_shares` says how many incidents each has.
    """
    rows = []
    # A crime takes the incident's common outcome with chance sqrt(correlation): two agree in that way with
    # chance `correlation`, and each is still recorded with chance `rate`.
    common = np.sqrt(correlation)
    for kind, rate in enumerate(rates):
        for crimes, share in enumerate(sizes, start=1):
            for recorded in range(crimes + 1) if share else ():
                chance = rate * stats.binom.pmf(recorded, crimes, common + (1 - common) * rate)
                chance += (1 - rate) * stats.binom.pmf(recorded, crimes, (1 - common) * rate)
                stratum = kind if type_shares is None else 0
                weight = 1 if type_shares is None else type_shares[kind]
                rows.append((crimes, recorded, kind, stratum, share * chance * weight))
    crimes, recorded, crime_type, stratum, chance = np.array(rows).T
    return Kinds(crimes, recorded, crime_type.astype(int), stratum.astype(int), chance)


def draw_audits(rng, kinds, incidents, replicates=REPLICATES):
    """Return how many incidents of each kind are met (replicates x kinds); `incidents` per stratum."""
    counts = np.empty((replicates, len(kinds.chance)))
    for h, size in enumerate(incidents):
        chance = kinds.chance[kinds.stratum == h]
        counts[:, kinds.stratum == h] = rng.multinomial(size, chance / chance.sum(), replicates)
    return counts


def by(group, values):
    """Return the sums of the columns of `values` that belong to group 0, 1, ..."""
    return np.stack([values[:, group == g].sum(axis=1) for g in range(group.max() + 1)], axis=1)


def estimate(kinds, counts, known, finite):
    """Return (rate, se, n, df, effective n without variation): ``stratified_rate`` for many audits at once.

    `known` is the recorded crime by type (replicates x types, or one row for all). With one crime type the rate
    is the ratio that ``weighted_rate`` gives.
    """
    stratum, kind = kinds.stratum, kinds.crime_type
    audited, recorded = by(kind, counts * kinds.crimes), by(kind, counts * kinds.recorded)
    p = recorded / audited
    reported = known / p
    rate = known.sum(axis=-1) / reported.sum(axis=1)
    slope = rate[:, None] ** 2 / known.sum(axis=-1, keepdims=True) * known / p**2
    scores = (slope / audited)[:, kind] * (kinds.recorded - p[:, kind] * kinds.crimes)
    incidents = by(stratum, counts)
    fraction = np.zeros(incidents.shape)
    if finite:
        fraction = fractions(kinds, counts, known)
    mean = by(stratum, counts * scores) / incidents
    squares = by(stratum, counts * (scores - mean[:, stratum]) ** 2)
    variance = ((1 - fraction) * incidents / (incidents - 1) * squares).sum(axis=1)
    weight = kinds.crimes * (reported / audited)[:, kind]
    left = (unseen(fraction)[:, stratum] * counts * weight**2).sum(axis=1)
    size = (counts * weight).sum(axis=1) ** 2 / left
    df = counts.sum(axis=1) - incidents.shape[1]
    variance[variance < 1e-18] = 0.0  # what rounding leaves of no variation
    return rate, np.sqrt(variance), audited.sum(axis=1), df, size


def limits_by_type(kinds, counts, known, finite, method):
    """Return the limits of the rates of the crime types (replicates x types), and the rates' correlations."""
    stratum, kind = kinds.stratum, kinds.crime_type
    crimes = by(kind, counts * kinds.crimes)
    p = by(kind, counts * kinds.recorded) / crimes
    incidents = by(stratum, counts)
    fraction = fractions(kinds, counts, known) if finite else np.zeros(incidents.shape)
    types = range(kind.max() + 1)
    of_type = [(kind == h) * kinds.crimes for h in types]
    scores, lows, highs = [], [], []
    for h in types:
        score = ((kind == h) * kinds.recorded - p[:, [h]] * of_type[h]) / crimes[:, [h]]
        scores.append(score - (by(stratum, counts * score) / incidents)[:, stratum])
    errors = [np.sqrt(covariance(counts, stratum, incidents, fraction, score, score)) for score in scores]
    # At least that of independent crimes or, where few large incidents carry it, of crimes as alike as those of all types.
    endless = np.stack([covariance(counts, stratum, incidents, 0 * fraction, score, score) for score in scores], axis=1)
    squares = by(kind, counts * kinds.crimes**2)
    larger = squares / crimes - 1
    short = 1 - squares**2 / (by(kind, counts) * by(kind, counts * kinds.crimes**4))
    shows = (endless > 0) & (np.stack(errors, axis=1) > 0)
    effect = np.divide(crimes * endless, p * (1 - p), out=np.ones(p.shape), where=shows)
    found, most = ((crimes * of * shows).sum(axis=1) for of in (effect - 1, larger))
    alike = np.clip(np.divide(found, most, out=np.zeros(len(most)), where=most > 0), 0, 1)
    least = p * (1 - p) / crimes * (1 + alike[:, None] * short * larger)
    for h in types:
        left = (unseen(fraction)[:, stratum] * counts * of_type[h] ** 2).sum(axis=1)
        size = np.divide(crimes[:, h] ** 2, left, out=np.full(len(left), np.inf), where=left > 0)
        # The incidents of a type lie in one stratum.
        floor = np.sqrt(least[:, h] * (1 - fraction[:, stratum[kind == h][0]]))
        se = np.where(errors[h] > 0, np.maximum(errors[h], floor), 0.0)
        there = (counts * (kind == h)).sum(axis=1)
        limits = interval(p[:, h], se, crimes[:, h], method, df=there - 1, effective_n=size)
        lows.append(limits[0])
        highs.append(limits[1])
    correlation = None
    if stratum.max() == 0:  # incidents of all types were drawn together
        correlation = np.ones((len(counts), len(scores), len(scores)))
        for h in range(len(scores)):
            for k in range(h):
                together = covariance(counts, stratum, incidents, fraction, scores[h], scores[k])
                scale = errors[h] * errors[k]
                found = np.divide(together, scale, out=np.zeros(len(scale)), where=scale > 0)
                correlation[:, h, k] = correlation[:, k, h] = found
    return p, np.stack(lows, axis=1), np.stack(highs, axis=1), correlation


def covariance(counts, stratum, incidents, fraction, first, second):
    """Return the covariance of two totals of scores, which are centred in each stratum."""
    products = by(stratum, counts * first * second)
    found = ((1 - fraction) * incidents / np.maximum(incidents - 1, 1) * products).sum(axis=1)
    return np.maximum(found, 0) if first is second else found


def fractions(kinds, counts, known):
    """Return the share of crimes sampled in each stratum; the number of crimes is recorded crime over the rate."""
    stratum, kind = kinds.stratum, kinds.crime_type
    in_stratum = np.zeros((stratum.max() + 1, kind.max() + 1))
    in_stratum[stratum, kind] = 1  # which types make up a stratum
    crimes = by(stratum, counts * kinds.crimes)
    share = by(stratum, counts * kinds.recorded) / crimes
    return np.minimum(crimes / (known @ in_stratum.T / share), 1.0)


def judge(truth, rate, se, n, df, size, by_type):
    """Yield the row of :func:`judged` of each method over the samples.

    `by_type` gives the limits of the rates of the crime types by a method, and the known recorded crime.
    """
    for method in (*INTERVALS, *(COMBINED if by_type else ())):
        if method in COMBINED:
            rates, lows, highs, correlation, known = by_type("wilson" if method == "mover-wilson" else "logit")
            low, high = square_and_add(rates, lows, highs, known, correlation)
            if method == "combined":
                of_whole = interval(rate, se, n, "logit", df=df, effective_n=size)
                low, high = np.minimum(low, of_whole[0]), np.maximum(high, of_whole[1])
        else:
            low, high = interval(rate, se, n, method, df=df, effective_n=size)
        yield judged(method, truth, low, high)


def bootstrap(rng, kinds, counts, known, finite):
    """Return the percentile limits of resampled audits; of a type without a recorded crime the rate is 0."""
    stratum, kind = kinds.stratum, kinds.crime_type
    left = np.sqrt(1 - fractions(kinds, counts, known)) if finite else np.ones((len(counts), stratum.max() + 1))
    again = np.empty((len(counts), RESAMPLES, len(stratum)))
    for h in range(stratum.max() + 1):
        own, scale = counts[:, None, stratum == h], left[:, h, None, None]
        n = own.sum(axis=2, keepdims=True)
        resampled = rng.multinomial(n[..., 0].astype(int) - 1, own / n, (len(counts), RESAMPLES))
        again[..., stratum == h] = own + scale * (resampled * n / (n - 1) - own)
    members = np.eye(kind.max() + 1)[kind]
    with np.errstate(divide="ignore"):
        ratio = again @ (members * kinds.crimes[:, None]) / (again @ (members * kinds.recorded[:, None]))
        rates = known.sum(axis=1)[:, None] / (known[:, None] * ratio).sum(axis=2)
    return np.quantile(rates, [0.025, 0.975], axis=1)


def judged(method, truth, low, high):
    """Return (method, coverage, share of intervals too low, too high, mean width)."""
    # What rounding does to the limits of a census is no error.
    too_low, too_high = np.mean(high < truth - 1e-12), np.mean(low > truth + 1e-12)
    return method, 1 - too_low - too_high, too_low, too_high, np.mean(high - low)


def simulate(rng, kinds, drawn, population, known=None, resample=False):
    """Yield the rows of `judge` for audits of `drawn` incidents per stratum, with `resample` also of the bootstrap.

    `population` is the number of incidents per stratum, or None if endless; `known`, the recorded crime by type,
    is then given.
    """
    counts = draw_audits(rng, kinds, drawn)
    if population is None:
        rates = by(kinds.crime_type, (kinds.chance * kinds.recorded)[None, :])
        rates /= by(kinds.crime_type, (kinds.chance * kinds.crimes)[None, :])
        known = np.atleast_2d(known)
        truth = np.full(len(counts), known.sum() / (known / rates).sum())
        known = np.repeat(known, len(counts), axis=0)
    else:
        everything = counts + draw_audits(rng, kinds, np.subtract(population, drawn))
        known = by(kinds.crime_type, everything * kinds.recorded)
        truth = known.sum(axis=1) / (everything * kinds.crimes).sum(axis=1)
    kept = (by(kinds.crime_type, counts * kinds.recorded) > 0).all(axis=1)
    sample = estimate(kinds, counts[kept], known[kept], finite=population is not None)
    finite = population is not None
    by_type = None
    if kinds.crime_type.max():
        by_type = lambda method: (*limits_by_type(kinds, counts[kept], known[kept], finite, method), known[kept])
    heavy = known > known.sum(axis=1, keepdims=True) / 4
    unrecorded = by(kinds.crime_type, counts * (kinds.crimes - kinds.recorded))
    few = ((unrecorded < FEW_FAILURES) & heavy)[kept].any(axis=1).mean()
    for row in judge(truth[kept], *sample, by_type):
        yield (*row, few, int(kept.sum()))
    if resample:
        some = slice(RESAMPLED)
        low, high = bootstrap(rng.spawn(1)[0], kinds, counts[kept][some], known[kept][some], finite)
        yield (*judged("bootstrap", truth[kept][some], low, high), few, len(low))


def ratio_rows(rng):
    for n in SIZES:
        for sizes, correlation in [(SINGLE, 0.0), *((ONE_TO_THREE, c) for c in CORRELATIONS)]:
            incidents = round(n / mean_crimes(sizes))
            for fraction in FRACTIONS:
                population = [round(incidents / fraction)] if fraction else None
                for rate in RATES:
                    kinds = kinds_of_incident([rate], correlation, sizes)
                    for row in simulate(rng, kinds, [incidents], population, known=[1.0]):
                        yield ("ratio", n, rate, crimes_label(sizes), correlation, fraction, *row)


def headline_rows(rng):
    with ProcessPoolExecutor() as pool:
        for rows in pool.map(rows_of_allocation, ALLOCATIONS, rng.spawn(len(ALLOCATIONS))):
            yield from rows


def rows_of_allocation(name, rng):
    """Return the rows of the headline with one allocation."""
    cells = product(HEADLINE_SIZES, (0.0, 0.6), FRACTIONS, HEADLINE_RATES)
    return [
        (name, *row)
        for n, correlation, fraction, mean in cells
        for row in headline_cell(rng, ALLOCATIONS[name], ONE_TO_THREE, n, correlation, fraction, mean, resample=False)
    ]


def harsh_rows(rng):
    cells = product(HARSH, (ONE_TO_THREE, ONE_OR_TEN), HARSH_SIZES, (0.0, 0.6), (0.0, 0.3), HARSH_RATES)
    for name, sizes, n, correlation, fraction, mean in cells:
        for row in headline_cell(rng, HARSH[name], sizes, n, correlation, fraction, mean, mean in RESAMPLED_RATES):
            if row[5] in BESIDE:
                yield (name, *row)


def headline_cell(rng, shares, sizes, n, correlation, fraction, mean, resample):
    """Yield the rows of the headline with one allocation and one kind of audit, from `n` on."""
    recorded_share, sampled_shares = map(np.array, shares)
    rates = mean + SPREAD * (1 - mean) / 0.1
    reported_share = recorded_share / rates / (recorded_share / rates).sum()
    strata_shares = reported_share
    kinds = kinds_of_incident(rates, correlation, sizes)
    if len(sampled_shares) == 1:
        strata_shares = np.ones(1)
        kinds = kinds_of_incident(rates, correlation, sizes, type_shares=reported_share)
    incidents = n / mean_crimes(sizes)
    drawn, population = np.round(incidents * sampled_shares).astype(int), None
    if fraction:
        population = np.round(incidents / fraction * strata_shares).astype(int)
        drawn = np.minimum(drawn, population)
    for row in simulate(rng, kinds, drawn, population, known=recorded_share, resample=resample):
        yield (n, mean, crimes_label(sizes), correlation, fraction, *row)


def two_type_rows(rng):
    for share in (0.1, 0.3, 0.5, 0.7):
        for n in (25, 50, 100, 200):
            for own_rate in (0.9, 0.95, 0.97, 0.99):
                kinds = kinds_of_incident([own_rate, 0.85], 0.0, SINGLE)
                for row in simulate(rng, kinds, [n, 500], None, known=[share, 1 - share]):
                    yield (f"two types, {share}", n, own_rate, crimes_label(SINGLE), 0.0, 0.0, *row)


def mean_crimes(sizes):
    """Return the crimes of an incident on average."""
    return sum(k * share for k, share in enumerate(sizes, start=1))


def crimes_label(sizes):
    return {SINGLE: "1", ONE_TO_THREE: "1-3", ONE_OR_TEN: "1 or 10"}[sizes]


def beside(table):
    """Return headline.csv: the default beside other intervals, by design and n, on the cells with a bootstrap."""
    cell = ["estimator", "crimes_per_incident", "n", "rate", "correlation", "sampling_fraction"]
    own = table[table["interval"].isin(BESIDE)].set_index([*cell, "interval"])
    own = own[["coverage", "interval_too_low", "interval_too_high", "mean_width"]].unstack("interval").dropna()
    own = own.stack("interval", future_stack=True).reset_index()
    default = own[own["interval"] == BESIDE[0]].set_index(cell)["mean_width"]
    own["relative_width"] = own["mean_width"] / default.loc[own.set_index(cell).index].to_numpy()
    own["below"] = own["coverage"] < own["n"].map(PROMISED)
    by_design = own.groupby([*cell[:3], "interval"], sort=True)
    found = by_design.agg(
        cells=("coverage", "size"), lowest_coverage=("coverage", "min"), mean_coverage=("coverage", "mean"),
        below_promise=("below", "sum"), most_too_low=("interval_too_low", "max"),
        most_too_high=("interval_too_high", "max"), mean_width=("mean_width", "mean"),
        relative_width=("relative_width", "mean"),
    )  # fmt: skip
    return found.round(4).reset_index()


def in_inspections(table, what):
    """Return the rows of `table` in the range that inspections use: of a "single" rate, or of the "overall" rate."""
    in_range = table["n"].between(*COVERED_SIZES) & table["rate"].between(*COVERED_RATES)
    in_range &= table["interval"] != "bootstrap"
    return table[
        in_range & ((table["estimator"] == "ratio") if what == "single" else table["estimator"].isin(ALLOCATIONS))
    ]


@charts.styled
def draw_coverage(table, path):
    """Draw the range of coverage at each rate, n of 200 and more: of single rates, and of the overall rate."""
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    panels = figure.subplots(2, 1)
    for axes, what in zip(panels, ("single", "overall"), strict=True):
        cells = in_inspections(table, what)
        methods = [*INTERVALS, *(COMBINED if what == "overall" else ())]
        axes.axhspan(94, 96, color="#E4E6E8")
        for place, method in enumerate(methods):
            found = 100 * cells.loc[cells["interval"] == method, "coverage"]
            colour = charts.ORANGE if method in COMBINED else charts.DARK_BLUE
            jitter = np.linspace(-0.3, 0.3, len(found))
            axes.plot(place + jitter, found, ".", color=colour, markersize=3)
            below = (found < 94).sum()
            axes.annotate(f"{below} of {len(found)}\nbelow 94 %", (place, 70.5), ha="center", fontsize=9)
        axes.set_xticks(range(len(methods)), [word("intervals", method) for method in methods])
        axes.set_ylim(70, 100)
        axes.set_ylabel("coverage, %")
        axes.grid(visible=False)
        title = {"single": "One rate of one sample", "overall": "Overall rate of three crime types"}[what]
        axes.set_title(f"{title}: every simulated kind of audit", size=11, loc="left")
    figure.suptitle("Coverage of nominal 95 % intervals (grey: within one point)")
    figure.savefig(path, metadata={"Date": None, "Creator": None})


COLUMNS = [
    "estimator", "n", "rate", "crimes_per_incident", "correlation", "sampling_fraction", "interval", "coverage",
    "interval_too_low", "interval_too_high", "mean_width", "few_unrecorded", "replicates",
]  # fmt: skip


def main():
    if sys.argv[1:] != ["draw"]:
        rngs = (np.random.default_rng(SEED + part) for part in range(4))
        parts = (ratio_rows, headline_rows, two_type_rows, harsh_rows)
        rows = [row for part, rng in zip(parts, rngs, strict=True) for row in part(rng)]
        table = pd.DataFrame(rows, columns=COLUMNS).round(4)
        table.to_csv(HERE / "coverage.csv", index=False, lineterminator="\n")
    table = pd.read_csv(HERE / "coverage.csv")
    draw_coverage(table, HERE / "coverage.svg")
    beside(table).to_csv(HERE / "headline.csv", index=False, lineterminator="\n")
    for what in ("single", "overall"):
        coverage = in_inspections(table, what).groupby("interval")["coverage"]
        below = coverage.agg(lambda cells: (cells < 0.94).sum()).rename("below 94 %")
        beyond = coverage.agg(lambda cells: (~cells.between(0.94, 0.96)).sum()).rename("beyond one point")
        print(f"{what}, n >= 200, rate 0.80 to 0.97:")
        print(coverage.agg(["min", "mean", "max", "size"]).join([below, beyond]).round(4).to_string())


if __name__ == "__main__":
    main()
