"""Checks of what the estimators are handed: each refuses with the name, what was got and what was expected."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd


def choice(name, value, allowed):
    """Return `value` if it is one of `allowed`."""
    if value not in allowed:
        raise ValueError(f"{name}: expected one of {', '.join(allowed)}; got {value!r}.")
    return value


def level(confidence):
    """Return a confidence level in (0, 1)."""
    if not isinstance(confidence, (int, float)) or not 0 < confidence < 1:
        raise ValueError(f"confidence: expected a level between 0 and 1, such as 0.95; got {confidence!r}.")
    return confidence


def number(name, value, least=0):
    """Return a finite number of at least `least` as a float."""
    ok = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not ok or not math.isfinite(value) or value < least:
        raise ValueError(f"{name}: expected a number of at least {least}, got {value!r}.")
    return float(value)


def count(name, value):
    """Return a whole number of at least 0 as an int."""
    if number(name, value) != int(value):
        raise ValueError(f"{name}: expected a count (a whole number), got the fraction {value!r}.")
    return int(value)


def population_count(name, value, sampled, unit):
    """Return a population count as a float, checked against the count of the sample.

    It may be an estimate and so need not be whole; but a value below 1 is a sampling fraction or a share.
    """
    if value == math.inf:
        raise ValueError(
            f"{name}: expected a count, got inf; if there is none, say infinite_population=True."
        )
    size = number(name, value)
    if 0 < size < 1:
        raise ValueError(
            f"{name}: expected a count of {unit}, got the fraction {value!r}. Give how many there are, not a share."
        )
    if size < sampled:
        raise ValueError(
            f"{name}: {size:g} {unit} are fewer than the {sampled:g} in the sample. Count all {unit} that "
            "could have been drawn."
        )
    return size


def one_population(population, infinite_population, unit):
    """Refuse a population that is missing, or given although it was declared infinite."""
    if (population is None) != infinite_population:
        raise ValueError(
            f"population: give the number of {unit} that the sample was drawn from, or say "
            "infinite_population=True to do without finite population correction; one of them."
        )


def counts_of_groups(name, given, role, present):
    """Return `given` as a mapping, checked: a count for each group of the sample, none for a group without sample.

    A count of 0 is allowed for a group of which nothing was sampled.
    """
    given = given.to_dict() if isinstance(given, pd.Series) else given
    if not isinstance(given, Mapping):
        raise ValueError(f"{name}: expected a mapping of {role} -> count; got {given!r}.")  # noqa: TRY004
    for key in present:
        if key not in given:
            raise ValueError(f"{name}: no count for the {role} {key!r} of the sample; got {list(given)}.")
    for key, size in given.items():
        if size != 0 and key not in set(present):
            raise ValueError(
                f"{name}: nothing was sampled in the {role} {key!r}, so nothing is known of it. Merge it "
                "with a similar one, or leave it out and say so beside the figure."
            )
    return given


def column_of(table, name, role):
    """Return the column `name` of a data frame."""
    if name not in table.columns:
        raise ValueError(f"{role}: no column {name!r}; the columns are {', '.join(map(str, table.columns))}.")
    return table[name]
