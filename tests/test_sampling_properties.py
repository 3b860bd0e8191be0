"""Properties of allocation and draw that hold for any input (about 8 seconds)."""

import hashlib
import unicodedata

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from cdi_lib.statistics.planning import allocate, margin_for, sample_size
from cdi_lib.statistics.sampling import draw

SETTINGS = settings(max_examples=20, deadline=None, derandomize=True)
rates = st.floats(0.01, 0.99)


@st.composite
def allocation_problems(draw_):
    sizes = draw_(st.lists(st.integers(0, 3000), min_size=1, max_size=7).filter(any))
    strata = {f"s{i}": n for i, n in enumerate(sizes)}
    minimum = draw_(st.integers(0, 40))
    least = sum(min(minimum, n) for n in sizes)
    total = draw_(st.integers(max(least, 1), sum(sizes)))
    return {
        "total": total,
        "strata": strata,
        "method": draw_(st.sampled_from(["proportional", "equal", "neyman"])),
        "rates": {h: draw_(rates) for h in strata},
        "minimum": minimum,
    }


@SETTINGS
@given(allocation_problems())
def test_allocation_sums_exactly_and_keeps_its_bounds(problem):
    made = allocate(**problem)
    assert sum(made.counts.values()) == problem["total"] == made.total
    for stratum, size in problem["strata"].items():
        assert min(problem["minimum"], size) <= made.counts[stratum] <= size
        assert type(made.counts[stratum]) is int


@SETTINGS
@given(allocation_problems())
def test_allocation_departs_from_the_ideal_by_less_than_one_unless_it_says_so(problem):
    made = allocate(**problem)
    bounded = [
        h
        for h in made.counts
        if made.ideal[h] > made.frame[h] or made.ideal[h] < min(problem["minimum"], made.frame[h])
    ]
    if not bounded:
        assert all(abs(made.counts[h] - made.ideal[h]) < 1 for h in made.counts)
    for stratum in bounded:
        assert any(note.startswith(f"{stratum}: ") for note in made.notes)


@SETTINGS
@given(allocation_problems())
def test_bounded_allocation_is_one_scale_cut_off_at_the_bounds(problem):
    """By another route: bisection for the scale at which shares, cut off at the bounds, sum to the total."""
    made = allocate(**problem)
    ideal = np.array(list(made.ideal.values()))
    most = np.array(list(made.frame.values()))
    least = np.minimum(problem["minimum"], most)
    low, high = 0.0, 1.0
    while np.clip(high * ideal, least, most).sum() < problem["total"] - 1e-9 and high < 1e12:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(middle * ideal, least, most).sum() < problem["total"] else (low, middle)
    assert (abs(np.array(list(made.counts.values())) - np.clip(high * ideal, least, most)) < 1 + 1e-6).all()


@SETTINGS
@given(allocation_problems(), st.randoms())
def test_allocation_does_not_depend_on_the_order_of_the_strata(problem, random):
    names = list(problem["strata"])
    random.shuffle(names)
    again = allocate(**problem | {"strata": {h: problem["strata"][h] for h in names}})
    assert again.counts == allocate(**problem).counts


@SETTINGS
@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 60), min_size=1), st.data())
def test_neyman_allocation_is_at_least_as_precise_as_any_other_move(strata, data):
    """No transfer of one record between two strata lowers the variance by more than rounding explains."""
    p = {h: data.draw(rates) for h in strata}
    total = data.draw(st.integers(len(strata), sum(strata.values())))
    made = allocate(total, strata, "neyman", rates=p, minimum=1)

    def variance(counts):
        return sum(strata[h] ** 2 * p[h] * (1 - p[h]) * (1 / n - 1 / strata[h]) for h, n in counts.items())

    proportional = allocate(total, strata, minimum=1)
    rounding = sum(strata[h] ** 2 * p[h] * (1 - p[h]) / max(made.counts[h], 1) ** 2 for h in strata)
    assert variance(made.counts) <= variance(proportional.counts) + rounding


@SETTINGS
@given(rates, st.floats(0.002, 0.2), st.one_of(st.none(), st.floats(50, 1e6)), st.floats(0.5, 4))
def test_sample_size_and_margin_are_inverse(rate, margin, population, deff):
    n = sample_size(rate, margin, population=population, design_effect=deff)
    known = np.inf if population is None else population
    if n <= known:
        assert margin_for(n, rate, population=population, design_effect=deff) <= margin * (1 + 1e-9)
    if n > 1:
        assert margin_for(n - 1, rate, population=population, design_effect=deff) > margin * (1 - 1e-9)


ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


def _unique(texts):
    kept = {unicodedata.normalize("NFC", text).strip(): text for text in texts}
    return [text for plain, text in kept.items() if plain]


@SETTINGS
@given(st.lists(ids, min_size=4, max_size=40).map(_unique).filter(lambda x: len(x) > 3), st.integers(), st.randoms())
def test_draw_does_not_depend_on_row_order_or_on_other_records(texts, seed, random):
    frame = pd.DataFrame({"id": texts, "type": ["a" if i % 3 else "b" for i in range(len(texts))]})
    columns = {"id_column": "id", "stratum_column": "type"}
    counts = {"a": int((frame["type"] == "a").sum()), "b": 1}
    first = draw(frame, counts, seed, **columns)
    of = dict(zip((unicodedata.normalize("NFC", text).strip() for text in texts), frame["type"], strict=True))
    by_hand = sorted(of, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    assert [r.id for r in first.records if r.stratum == "a"] == [name for name in by_hand if of[name] == "a"]
    order = list(frame.index)
    random.shuffle(order)
    shuffled = draw(frame.loc[order], counts, seed, **columns)
    assert [(r.id, r.stratum, r.order) for r in shuffled.records] == [(r.id, r.stratum, r.order) for r in first.records]
    more = pd.concat([frame, pd.DataFrame({"id": ["new " + "x" * 50, "new " + "y" * 50], "type": ["a", "b"]})])
    grown = draw(more, {"a": counts["a"] + 1, "b": 1}, seed, **columns)
    old = [r.id for r in grown.records if r.stratum == "a" and not r.id.startswith("new xxxxx")]
    assert old == [r.id for r in first.records if r.stratum == "a"]


@SETTINGS
@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 2**40))
def test_sample_and_reserves_are_one_order_that_does_not_depend_on_their_number(n, reserves, seed):
    frame = pd.DataFrame({"id": range(60)})
    whole = [r.id for r in draw(frame, 60, seed, id_column="id").records]
    part = draw(frame, n, seed, id_column="id", reserves=reserves)
    assert [r.id for r in (*part.records, *part.reserves)] == whole[: n + reserves]
