"""What a reader calls the things that results know by their ids: the words are in the programme and in ``reports/text``."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from cdi_lib.inspection.details import OTHERS, Details
from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.problems import InputError, shown
from cdi_lib.inspection.programme import OVERALL, Told
from cdi_lib.inspection.results import flat
from cdi_lib.inspection.yaml_files import read_yaml

TEXTS = PROJECT / "reports" / "text"
DEFAULT = "en"
_now = [DEFAULT]


def use(language: str) -> None:
    """Take all words from ``reports/text/<language>`` from here on: a process makes one report at a time."""
    _now[0] = language


def language() -> str:
    """The folder of texts in use."""
    return _now[0]


def book(name: str) -> dict[str, Any]:
    """A file of words in the language in use: ``labels``, ``phrases``, ``tables``, ``figures``, ``glossary``."""
    return _book(language(), name)


@cache
def _book(folder: str, name: str) -> dict[str, Any]:
    path = TEXTS / folder / f"{name}.yml"
    return read_yaml(path, f"reports/text/{folder}/{name}.yml").content


def lacking() -> Iterator[tuple[str, str, str]]:
    """What the words in use lack beside those of the default language: file, key, and the phrase there."""
    folder, default = TEXTS / language(), TEXTS / DEFAULT
    for path in sorted(default.rglob("*.yml")) if folder != default else []:
        name = str(path.relative_to(default).with_suffix(""))
        own = book(name) if (folder / f"{name}.yml").is_file() else {}
        asks = lambda text: set(re.findall(r"{\w*}", str(text)))
        for key, phrase in flat(_book(DEFAULT, name)).items():
            if (found := flat(own).get(key)) is None or asks(found) - asks(phrase):
                yield f"reports/text/{language()}/{name}.yml", key, phrase


def said(key: str, /, **values: object) -> str:
    """The phrase with this key, filled with values that are worded already.

    >>> said("numbers.between", low="88.2%", high="90.1%")
    'between 88.2% and 90.1%'
    """
    group, _, name = key.partition(".")
    return filled("phrases", key, book("phrases").get(group, {}).get(name), **values)


def filled(words: str, key: str, text: object, /, **values: object) -> str:
    """A phrase of a file of words with what stands in its braces; InputError where it asks for something else.

    >>> filled("phrases", "numbers.of", "{x} of {n}", x=1, n=2)
    '1 of 2'
    """
    try:
        if text is not None:
            return str(text).format(**values)
    except (KeyError, IndexError, ValueError):
        pass
    expected = f"no braces but {', '.join(f'{{{name}}}' for name in values) or 'none'}"
    got = "nothing" if text is None else shown(text, 200)
    raise InputError.of(f"reports/text/{language()}/{words}.yml", key, got, expected)


def lower_first(text: str) -> str:
    """Begin with a small letter."""
    return text[:1].lower() + text[1:]


def word(kind: str, key: str) -> str:
    """What a reader calls a kind of thing: ``word("intervals", "wilson")``, or the key where nobody named it."""
    return str(book("labels")[kind].get(key, key))


def crime_types(told: Told) -> dict[str, str]:
    """All crime and the crime types by their ids; where there is one type only, all crime is called like it."""
    types = {id_: kind.label for id_, kind in told.crime_types.items()}
    return {OVERALL: str(book("labels")["all_crime"]) if len(types) > 1 else next(iter(types.values()))} | types


def rows_of_types(told: Told) -> dict[str, str]:
    """All crime and the crime types, as in the rows of a table: one row where there is one type only."""
    found = crime_types(told)
    return found if len(told.crime_types) > 1 else {OVERALL: found[OVERALL]}


def class_name(name: str) -> str:
    """An offence class, or several that are told together."""
    return said("disclosure.classes") if name == OTHERS else name


def nouns(told: Told) -> dict[str, list[str]]:
    """One crime of each type, and several; also of all crime, and of several types that are told together."""
    types = {id_: [crime_type.one, crime_type.many] for id_, crime_type in told.crime_types.items()}
    whole = [said("crime.one"), said("crime.many")] if len(types) > 1 else next(iter(types.values()))
    return {OTHERS: [said("disclosure.one"), said("disclosure.many")], OVERALL: whole} | types


def sample_nouns(told: Told) -> dict[str, list[str]]:
    """One record of each dip sample, and several."""
    return {id_: [sample.one, sample.many] for id_, sample in told.samples.items()}


# Results where they stand alone: in a notebook, in a list of changes.


def of_estimate(key: str, details: Details) -> str:
    """What the estimate with this id is."""
    told = details.programme
    if key == "previous" and details.previous:
        return said("results.previous", year=details.previous.year)
    if key.startswith("unrecorded_"):
        what = of_estimate(key.removeprefix("unrecorded_"), details)
        return said("results.unrecorded", what=lower_first(what))
    if key in told.estimates:
        return told.estimates[key].label
    if key in told.crime_types:
        return lower_first(told.crime_types[key].label)
    return str(book("labels")["estimates"].get(key, _from_id(key)))


def of_share(key: str, details: Details) -> str:
    """What the "x of n" with this id is."""
    if statement := details.survey_statements.get(key.removeprefix("survey_")):
        return statement
    shares = details.programme.shares
    return shares[key].label if key in shares else str(book("labels")["shares"].get(key, _from_id(key)))


def of_tally(key: str, details: Details) -> str:
    """What the counts with this id are."""
    if key in book("labels")["tallies"]:
        return word("tallies", key)
    share = key.removesuffix("_unrecorded")
    what = of_share(share, details)
    return what if share == key else said("results.not_recorded", what=what)


def of_result(key: str, details: Details) -> str:
    """What the result with this id (``estimates.overall``) is, within a sentence."""
    kind, _, name = key.partition(".")
    if kind == "details":
        name, _, place = name.partition(".")
        if name != "sensitivity":
            return str(book("labels")["details"].get(name, ""))
        kind, name = "estimates", f"overall_{details.sensitivity[int(place)].estimator}"
    if (statement := name.removeprefix("survey_")) in details.survey_statements:
        return said("results.answers", statement=details.survey_statements[statement].rstrip("."))
    label = {"estimates": of_estimate, "shares": of_share, "tallies": of_tally}[kind](name, details)
    if kind == "estimates" and ":" not in label and "rate" not in label.lower() and name != "change":
        return said("results.rate_of", what=lower_first(label))
    return label if label[:2].isupper() else lower_first(label)


def _from_id(key: str) -> str:
    return key.replace("_", " ").capitalize()
