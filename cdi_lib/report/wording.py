"""Phrases from results. Every figure that is printed is rounded here, once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from cdi_lib.inspection.results import EstimateResult, Share
from cdi_lib.report.labels import book, said

MINUS = "\N{MINUS SIGN}"


def rounded(value: float, places: int) -> str:
    """A number with so many decimals, halves away from zero (as people round), with thousands separators.

    >>> rounded(92.025, 2), rounded(1205, 0), rounded(-0.04, 1)
    ('92.03', '1,205', '0.0')
    """
    exact = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    text = f"{abs(exact):,.{places}f}"
    return f"{MINUS}{text}" if exact < 0 else text


def trimmed(value: float) -> str:
    """A number with one decimal, or none where that is a nought.

    >>> trimmed(94.5), trimmed(90)
    ('94.5', '90')
    """
    return rounded(value, 1).removesuffix(".0")


def percent(proportion: float, places: int = 1) -> str:
    """A proportion in [0, 1] as a percentage.

    >>> percent(0.89206)
    '89.2%'
    """
    return f"{rounded(proportion * 100, places)}%"


def points(proportion: float, places: int = 2) -> str:
    """A difference of proportions in percentage points, without the unit.

    >>> points(0.026874)
    '2.69'
    """
    return rounded(proportion * 100, places)


def count(number: float) -> str:
    """A count with thousands separators."""
    return rounded(number, 0)


def number_word(number: int) -> str:
    """A count in a sentence: in words below ten, else in figures.

    >>> number_word(0), number_word(8), number_word(1205)
    ('no', 'eight', '1,205')
    """
    words: list[str] = book("phrases")["numbers"]["words"]
    return words[number] if 0 <= number < len(words) else count(number)


def plural(number: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    >>> plural(1, "crime"), plural(2, "inquiry", "inquiries")
    ('one crime', 'two inquiries')
    """
    return f"{number_word(number)} {one if number == 1 else many or one + 's'}"


def x_of_n(x: float, n: float) -> str:
    """So many of so many, from two counts."""
    return said("numbers.of", x=count(x), n=count(n))


def yes_no(value: bool) -> str:
    """Whether something is so, in a word."""
    return said("numbers.yes" if value else "numbers.no")


def of(share: Share) -> str:
    """So many of so many.

    >>> of(Share(x=78, n=84, sample="main", notebook="x"))
    '78 of 84'
    """
    return x_of_n(share.x, share.n)


def over(number: float) -> str:
    """A number of crimes rounded down: to a hundred, below a thousand to ten, below ten to one.

    >>> over(5327.2), over(99.7), over(7.9), over(0)
    ('over 5,300', 'over 90', 'over 7', 'none')
    """
    step = 100 if number >= 1000 else 10 if number >= 10 else 1
    down = int((Decimal(repr(float(number))) / step).to_integral_value(rounding=ROUND_FLOOR)) * step
    if number <= 0:
        return said("numbers.none")
    return said("numbers.over", number=count(down)) if down else said("numbers.under_one")


def about(number: float) -> str:
    """A bound of a number of crimes, rounded to ten (below a hundred to one, from a hundred thousand on to a thousand).

    >>> about(4240.3), about(99.7), about(2475670)
    ('4,240', '100', '2,476,000')
    """
    step = 1000 if number >= 100_000 else 10 if number >= 100 else 1
    return count(round(number / step) * step)


def estimated(number: float) -> str:
    """An estimated number of crimes in a sentence; never "over", which reads as a minimum.

    >>> estimated(5327.2), estimated(7.9), estimated(0.3), estimated(0)
    ('about 5,330', 'about 8', 'fewer than one', 'none')
    """
    if number <= 0:
        return said("numbers.none")
    return said("numbers.about", number=about(number)) if number >= 0.5 else said("numbers.under_one")


def between(estimate: EstimateResult) -> str:
    """The interval in words, or why there is none."""
    low, high, unit = estimate.low, estimate.high, estimate.unit
    if low is not None and high is None and unit == "crimes":
        return said("numbers.at_least", low=about(low))
    if low is None or high is None:
        return said("numbers.no_interval")
    if unit == "difference":
        return said("numbers.between_points", low=points(low, 1), high=points(high, 1))
    shown = about if unit == "crimes" else percent
    if estimate.is_exact:
        return said("numbers.exactly", at=shown(low))
    return said("numbers.between", low=shown(low), high=shown(high))


def plus_minus(estimate: EstimateResult) -> str:
    """The margin as it was published: ``+/- 1.55 percentage points``; for a lopsided interval its two ends."""
    if estimate.interval == "normal" and estimate.margin is not None:
        return said("numbers.plus_minus", points=points(estimate.margin))
    return between(estimate)


def percent_confidence(estimate: EstimateResult) -> str:
    """The level of an interval, such as ``95%``."""
    return level(estimate.confidence)


def level(confidence: float) -> str:
    """A confidence level (a proportion) in words, such as ``95%``."""
    return f"{trimmed(confidence * 100)}%"


def day(value: date | str) -> str:
    """A date in words.

    >>> day("2019-06-01")
    '1 June 2019'
    """
    value = date.fromisoformat(value) if isinstance(value, str) else value
    months = book("phrases")["numbers"]["months"]
    return said("numbers.day", day=value.day, month=months[value.month - 1], year=value.year)


def moment(text: str) -> str:
    """A day with its time in words.

    >>> moment("2020-07-31 09:30")
    '31 July 2020, 09:30'
    """
    date_, clock = text.split()
    return said("numbers.moment", day=day(date_), time=clock)


def notice(publication: Mapping[str, Any]) -> tuple[str, str] | None:
    """What stands on every page of a report that is not published: a word, and what it means; else None."""
    if publication["status"] == "draft":
        until = said("release.until", when=moment(publication["embargo"])) if publication.get("embargo") else ""
        return said("release.draft"), f"{said('release.checking')}{until}"
    if publication.get("embargo"):
        return said("release.embargo"), said("release.before", when=moment(publication["embargo"]))
    return None


def period(start: date | str, end: date | str) -> str:
    """A period in words, with the year once where it is the same.

    >>> period("2019-06-01", "2019-11-30")
    '1 June to 30 November 2019'
    """
    first, last = day(start), day(end)
    return said("numbers.period", start=first.removesuffix(first[-5:]) if first[-4:] == last[-4:] else first, end=last)


def in_words(items: Iterable[str], conjunction: str = "and") -> str:
    """A list in a sentence, joined by "and" or "or".

    >>> in_words(["age", "ethnicity", "gender"])
    'age, ethnicity and gender'
    """
    items, joined = list(items), said(f"numbers.{conjunction}")
    if len(items) > 1:
        return f"{', '.join(items[:-1])} {joined} {items[-1]}"
    return items[0] if items else said("numbers.none")


def capital(text: str) -> str:
    """Begin with a capital letter, without a full stop at the end.

    >>> capital("over 5,300")
    'Over 5,300'
    """
    return sentence(text).rstrip(".")


def sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop, which may stand before a quotation mark or bracket.

    >>> sentence("it said “record.”"), sentence("it said “record”")
    ('It said “record.”', 'It said “record”.')
    """
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.rstrip("”\"’')»").endswith((".", "!", "?")) else f"{text}."


def plain(text: str) -> str:
    """Text from parameters as Markdown that means just this text.

    Everything that Pandoc could take for markup is escaped, so that text cannot inject links, HTML, raw Typst,
    shortcodes, references or block structure.

    >>> plain("*now* <b>x</b> @tbl-rates")
    '\\\\*now\\\\* \\\\<b\\\\>x\\\\</b\\\\> \\\\@tbl-rates'
    """
    text = " ".join(text.split())
    text = re.sub(r"([\\`*_{}\[\]<>$@^~|#&!=])", r"\\\1", text)
    # What opens a block does so only at the beginning of a line.
    text = re.sub(r"^([-+:(%])", r"\\\1", text)
    return re.sub(r"^(\w{1,9})([.)])(?=\s|$)", r"\1\\\2", text)


def link(text: str, address: str) -> str:
    """A link in Markdown; an address holds nothing that would end it.

    >>> link("the report", "https://example.org/a_(b)")
    '[the report](<https://example.org/a_(b)>)'
    """
    return f"[{plain(text)}](<{address}>)"


def paragraphs(texts: Sequence[str]) -> str:
    """Paragraphs of text from parameters."""
    return "\n\n".join(sentence(plain(text)) for text in texts)


def points_list(texts: Sequence[str]) -> str:
    """A list of points from parameters, closed by a full stop.

    >>> print(points_list(["trained in the U.K.", "recorded in time."]))
    - trained in the U.K.;
    - recorded in time.
    """
    tidy = [without_stop(plain(text).rstrip(";,")) for text in texts]
    end = lambda text: text if sentence(text).endswith(text[1:]) else f"{text}."
    return "\n".join(f"- {f'{text};' if number < len(tidy) else end(text)}" for number, text in enumerate(tidy, 1))


# The grades that the look has a colour and a shape for; any other of a framework gets the same quiet one.
BADGES = ("outstanding", "good", "adequate", "requires improvement", "inadequate")


def badge(grade: str) -> str:
    """A grade as a badge: the word with its class, so that colour and shape can follow.

    >>> badge("requires improvement")
    '[requires improvement]{.badge .badge-requires-improvement}'
    """
    if grade == "not judged":
        return grade
    look = grade.replace(" ", "-") if grade in BADGES else "other"
    return f"[{plain(grade)}]{{.badge .badge-{look}}}"


def chance(probability: float) -> str:
    """A simulated probability: to a whole per cent, never 0 or 100, because a simulation cannot rule anything out.

    >>> chance(0.8145), chance(0.0), chance(1.0)
    ('81%', 'under 1%', 'over 99%')
    """
    if probability < 0.01:
        return said("numbers.least_chance")
    return said("numbers.most_chance") if probability > 0.99 else f"{rounded(probability * 100, 0)}%"


# The forms in which a figure may have been published, by their names in the table `published`.
PRINTED = {
    "percent": percent,
    "points": points,
    "over": over,
    "count": count,
    "text": str,
    "x of n": lambda share: x_of_n(share["x"], share["n"]),
}


def with_article(name: str) -> str:
    """A name with "a" or "an" before it."""
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def without_stop(text: str) -> str:
    """A sentence without the full stop at its end; that of an abbreviation (U.K.) stays."""
    return text if re.search(r"\.\w\.$", text) else text.rstrip(".")


def change_interval(change: EstimateResult) -> str:
    """The interval of a change in words, each end with its direction: a negative number of points lower is hard to read."""
    if change.low is None or change.high is None:
        return between(change)
    if change.high <= 0:
        return said("numbers.points_lower", low=points(-change.high, 1), high=points(-change.low, 1))
    kind = "points_around" if change.low < 0 else "points_higher"
    return said(f"numbers.{kind}", low=points(abs(change.low), 1), high=points(change.high, 1))
