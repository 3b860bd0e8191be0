"""What must hold for every audit design, tried on random ones. About ten seconds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cdi_lib.statistics.design import Design, factorize
from cdi_lib.statistics.differences import difference, domain_difference
from cdi_lib.statistics.estimation import pooled_rate, raked_rate, stratified_rate, weighted_rate
from cdi_lib.statistics.intervals import INTERVALS, interval
from cdi_lib.statistics.totals import failures, total

quick = settings(max_examples=60, deadline=None, derandomize=True)

METHODS = st.sampled_from(INTERVALS)


@st.composite
def audits(draw):
    """Return (crimes, options of a Design): 1-4 strata of 2-8 incidents of 1-4 crimes."""
    rows = []
    for stratum in range(draw(st.integers(1, 4))):
        for incident in range(draw(st.integers(2, 8))):
            for recorded in draw(st.lists(st.booleans(), min_size=1, max_size=4)):
                rows.append((f"s{stratum}", f"{stratum}-{incident}", recorded))
    crimes = pd.DataFrame(rows, columns=["stratum", "incident", "recorded"])
    n = len(crimes)
    crimes["kind"] = draw(st.lists(st.sampled_from(["v", "s", "o"]), min_size=n, max_size=n))
    crimes["domain"] = [True, *draw(st.lists(st.booleans(), min_size=n - 1, max_size=n - 1))]
    sizes = crimes.groupby("stratum").size()
    extra = draw(st.lists(st.integers(0, 200), min_size=len(sizes), max_size=len(sizes)))
    clusters = draw(st.sampled_from([None, "incident"]))
    return crimes, {
        "strata": "stratum",
        "clusters": clusters,
        "population": (sizes + extra).to_dict(),
        "population_unit": "units",
    }


@quick
@given(
    st.lists(st.integers(-128, 127) | st.integers(-3, 3), min_size=1, max_size=80),
    st.sampled_from(["int8", "int64", "Int64", "float64", "str", "category"]),
    st.sampled_from([0, 1, 2**40]),
)
def test_groups_are_numbered_from_0_whatever_their_names_are(names, dtype, shift):
    column = pd.Series(names, dtype="int64")
    column = (column if dtype == "int8" else column + shift).astype(dtype)
    codes, distinct = factorize(column)
    assert sorted(set(codes.tolist())) == list(range(len(distinct)))
    assert [distinct[code] for code in codes] == column.tolist()


@quick
@given(audits(), METHODS, st.booleans())
def test_rate_lies_in_its_interval_and_only_a_census_is_certain(audit, method, domain):
    crimes, options = audit
    estimate = weighted_rate(Design(crimes, "recorded", **options), "domain" if domain else None, interval=method)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.se >= 0
    assert (estimate.low == estimate.high) == ("census" in estimate.flags)
    assert 0 < estimate.fpc <= 1
    assert estimate.x <= estimate.n
    assert estimate.clusters <= estimate.n


@quick
@given(audits(), METHODS)
def test_more_confidence_is_wider(audit, method):
    crimes, options = audit
    design = Design(crimes, "recorded", **options)
    narrow, wide = (weighted_rate(design, interval=method, confidence=level) for level in (0.8, 0.99))
    assert wide.low <= narrow.low + 1e-12
    assert wide.high >= narrow.high - 1e-12


@quick
@given(audits(), st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(audit, random):
    crimes, options = audit
    order = list(range(len(crimes)))
    random.shuffle(order)
    renamed = crimes.iloc[order].assign(incident=crimes["incident"].iloc[order].map(lambda name: "x" + name[::-1]))
    a, b = (weighted_rate(Design(table, "recorded", **options), "domain") for table in (crimes, renamed))
    assert (a.value, a.se, a.low, a.high) == pytest.approx((b.value, b.se, b.low, b.high), rel=1e-9, abs=1e-12)


@quick
@given(audits())
def test_domain_of_all_is_no_domain(audit):
    crimes, options = audit
    design = Design(crimes, "recorded", **options)
    assert weighted_rate(design, np.ones(len(crimes), dtype=bool)) == weighted_rate(design)


@quick
@given(audits())
def test_every_crime_its_own_cluster_is_no_cluster(audit):
    crimes, options = audit
    own = Design(crimes.assign(own=range(len(crimes))), "recorded", **options | {"clusters": "own"})
    none = Design(crimes, "recorded", **options | {"clusters": None})
    clustered = Design(crimes, "recorded", **options | {"clusters": "incident"}).independent()
    for domain in (None, "domain"):
        assert weighted_rate(own, domain) == weighted_rate(none, domain) == weighted_rate(clustered, domain)


@quick
@given(audits(), st.floats(0.01, 100))
def test_scale_of_weights_does_not_matter(audit, factor):
    crimes, options = audit
    crimes = crimes.assign(one=1.0 + np.arange(len(crimes)) % 3)
    crimes["many"] = crimes["one"] * factor
    a, b = (weighted_rate(Design(crimes, "recorded", **options, weights=name)) for name in ("one", "many"))
    assert (a.value, a.se) == pytest.approx((b.value, b.se), rel=1e-9, abs=1e-14)
    c, d = (total(Design(crimes, "recorded", **options, weights=name), "successes") for name in ("one", "many"))
    assert (d.value, d.se) == pytest.approx((c.value * factor, c.se * factor), rel=1e-9, abs=1e-12)


@quick
@given(audits())
def test_totals_of_parts_add_up(audit):
    crimes, options = audit
    design = Design(crimes, "recorded", **options)
    parts = total(design, "successes").value + total(design, "failures").value
    assert parts == pytest.approx(sum(options["population"].values()), rel=1e-9)
    rate = total(design, "successes").value / total(design, "units").value
    assert weighted_rate(design).value == pytest.approx(rate, rel=1e-12)
    for of in ("successes", "failures", "units"):
        estimate = total(design, of)
        assert 0 <= estimate.low <= estimate.value <= estimate.high


@quick
@given(audits(), st.integers(1, 500), st.integers(0, 500), st.integers(0, 500))
def test_stratified_rate_lies_between_the_rates_of_the_types(audit, v, s, o):
    crimes, options = audit
    known = {kind: count for kind, count in {"v": v, "s": s, "o": o}.items() if kind in set(crimes["kind"])}
    rates = crimes.groupby("kind")["recorded"].mean()
    assume(sum(known.values()) > 0 and all(rates[kind] > 0 for kind, count in known.items() if count))
    options = options | {"strata": None, "population": 1000}  # types cut across the strata of the draw
    design = Design(crimes, "recorded", **options)
    estimate = stratified_rate(design, "kind", known)
    used = [rates[kind] for kind, count in known.items() if count]
    assert min(used) - 1e-12 <= estimate.value <= max(used) + 1e-12
    assert estimate.low <= estimate.value <= estimate.high
    audited = crimes.groupby("kind").size()  # a population holds at least the sample
    post = (
        raked_rate(design, {"kind": {kind: n and n + audited[kind] for kind, n in known.items()}})
        if all(known.values())
        else estimate
    )
    assert min(used) - 1e-12 <= post.value <= max(used) + 1e-12


@quick
@given(st.integers(0, 300), st.integers(1, 300), METHODS)
def test_success_and_failure_are_mirror_images(recorded, n, method):
    assume(recorded <= n)
    low, high = interval(recorded / n, np.sqrt(recorded * (n - recorded) / n**3), n, method)
    other_low, other_high = interval(1 - recorded / n, np.sqrt(recorded * (n - recorded) / n**3), n, method)
    assert (low, high) == pytest.approx((1 - other_high, 1 - other_low), abs=1e-9)


@quick
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 10**6), METHODS)
def test_unrecorded_is_never_negative(recorded, n, crime, method):
    assume(recorded <= n)
    count = failures(pooled_rate(recorded, n, infinite_population=True, interval=method), crime)
    assert 0 <= count.low <= count.value
    if count.high is None:
        assert "open_ended" in count.flags
    else:
        assert count.value <= count.high


@quick
@given(audits(), audits(), METHODS)
def test_difference_is_antisymmetric(first, second, method):
    a, b = (
        weighted_rate(Design(crimes, "recorded", **options), interval=method) for crimes, options in (first, second)
    )
    forth, back = difference(a, b), difference(b, a)
    assert (forth.value, forth.low, forth.high) == pytest.approx((-back.value, -back.high, -back.low), abs=1e-12)
    assert -1 <= forth.low <= forth.value <= forth.high <= 1
    assert 0 <= forth.p_value <= 1
    assert forth.p_value == pytest.approx(back.p_value)


@quick
@given(audits())
def test_domain_differences_chain(audit):
    crimes, options = audit
    design = Design(crimes, "recorded", **options)
    assume(not crimes["domain"].all())
    estimate = domain_difference(design, "domain", ~crimes["domain"])
    gap = weighted_rate(design, "domain").value - weighted_rate(design, ~crimes["domain"]).value
    assert estimate.value == pytest.approx(gap, abs=1e-12)
    assert estimate.low <= estimate.value <= estimate.high
    assert 0 <= estimate.p_value <= 1
