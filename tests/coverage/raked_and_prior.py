"""How often do the intervals of a raked rate, and of a rate with an earlier sample as prior, hold the true rate?

    python tests/coverage/raked_and_prior.py    # ten minutes of one core; writes raked.csv and prior.csv

Every audit goes through the library's own functions, one after the other. Nominal level 95 %.

raked.csv
    One sample of incidents, as in simulate.py, of three crime types by two routes; the recorded crime of each type and of
    each route is known, the table of both is not. Rates differ by type and by route around `rate`. Raked to the successes,
    with incidents as clusters. Audits without a recorded crime of some type or route are left out, since the estimator
    refuses them.
prior.csv
    A simple random sample of `n` with the true rate `rate`, and an earlier one of `earlier_n` with the true rate
    `rate` + `change`, each of whose units counts as `share` of one.

A coverage of 95 % has a standard error of 0.5 points with 2,000 audits.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import simulate

from cdi_lib.statistics.design import Design
from cdi_lib.statistics.estimation import pooled_rate, raked_rate
from cdi_lib.statistics.pooling import with_prior

HERE, SEED, AUDITS = Path(__file__).parent, 20191130, 2000
TYPES, ROUTES = np.repeat(["violence", "sexual", "other"], 2), np.tile(["public", "professional"], 3)
REPORTED = np.array([0.30, 0.06, 0.01, 0.03, 0.54, 0.06])  # shares of incidents of each type by each route
SPREAD = np.array([-0.02, -0.05, 0.04, 0.01, 0.02, -0.02])
RAKED = tuple(product((100, 200, 500), (0.85, 0.93, 0.97), (0.0, 0.6), (0.0, 0.3)))
PRIOR = tuple(product((200, 1000), (0.85, 0.92, 0.97), (82, 500), (0.0, -0.05, -0.1), (0.25, 0.5, 1.0)))


def crimes_of(kinds, counts):
    """Return one row per crime of an audit that met each kind of incident so often."""
    incidents = np.repeat(np.arange(len(counts)), counts.astype(int))
    size = kinds.crimes[incidents].astype(int)
    kind, place = np.repeat(incidents, size), np.concatenate([np.arange(k) for k in size])
    names = kinds.crime_type[kind]
    right = place < kinds.recorded[kind]
    incident = np.repeat(np.arange(len(incidents)), size)
    return pd.DataFrame({"right": right, "incident": incident, "kind": TYPES[names], "route": ROUTES[names]})


def raked_rows(rng, n, rate, correlation, fraction, audits=AUDITS):
    """Yield (cell, coverage, share too low, too high, mean width, audits)."""
    rates = rate + SPREAD * (1 - rate) / 0.1
    kinds = simulate.kinds_of_incident(rates, correlation, type_shares=REPORTED)
    drawn = round(n / simulate.mean_crimes(simulate.ONE_TO_THREE))
    counts = simulate.draw_audits(rng, kinds, [drawn], audits)
    every = counts + simulate.draw_audits(rng, kinds, [round(drawn / (fraction or 0.01)) - drawn], audits)
    found = []
    for audit, all_of in zip(counts, every, strict=True):
        if not fraction:  # endless: as many as are expected
            all_of = kinds.chance / kinds.chance.sum() * 1e6
        by_name = np.bincount(kinds.crime_type, all_of * kinds.recorded)
        known = {"kind": TYPES, "route": ROUTES}
        margins = {name: pd.Series(by_name).groupby(values).sum().to_dict() for name, values in known.items()}
        truth = by_name.sum() / (all_of * kinds.crimes).sum()
        size = {"population": round(drawn / fraction), "population_unit": "clusters"} if fraction else {}
        design = Design(crimes_of(kinds, audit), "right", clusters="incident", infinite_population=not fraction, **size)
        try:
            estimate = raked_rate(design, margins, "successes")
        except ValueError:
            continue
        found.append((truth, estimate.low, estimate.high))
    yield n, rate, correlation, fraction, *simulate.judged("", *np.array(found).T)[1:], len(found)


def prior_rows(rng, n, rate, earlier_n, change, share, audits=AUDITS):
    """Yield (cell, coverage, share too low, too high, mean width, audits)."""
    now, then = rng.binomial(n, rate, audits), rng.binomial(earlier_n, rate + change, audits)
    rows = []
    for x, earlier in zip(now.tolist(), then.tolist(), strict=True):
        rows.append(with_prior(pooled_rate(x, n, infinite_population=True), earlier, earlier_n, share)[1:])
    low, high = np.array(rows).T
    yield n, rate, earlier_n, change, share, *simulate.judged("", rate, low, high)[1:], audits


def main():
    judged, rng = ["coverage", "interval_too_low", "interval_too_high", "mean_width", "audits"], np.random.default_rng
    for name, of_cell, cells, columns in (
        ("prior", prior_rows, PRIOR, ["n", "rate", "earlier_n", "change", "share"]),
        ("raked", raked_rows, RAKED, ["n", "rate", "correlation", "sampling_fraction"]),
    ):
        rows = [row for k, cell in enumerate(cells) for row in of_cell(rng([SEED, k]), *cell)]
        table = pd.DataFrame(rows, columns=columns + judged).round(4)
        table.to_csv(HERE / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
