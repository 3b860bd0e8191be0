"""Every number that a report prints is a result of its ``results.json``, or on a short list with its reason.

What the lists cannot tell (a typed number that happens to be somebody's result) is looked for in the sources: no text
of the report's code holds a number that is not on the list of those that are no figures.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import built
import nbformat
import pytest
import yaml
from test_report import page_text, pdf_text

from cdi_lib import intervals, outputs, wording
from cdi_lib.parameters import PROJECT
from cdi_lib.results import Results, read_results
from cdi_lib.wording import about, chance, count, number_word, over, percent, points, rounded

# --- what is printed and is no figure, each with the reason -----------------------------------------------------------

NO_FIGURES = {
    r"(Table|Figure) \d+": "numbers of tables and figures, which the renderer gives",
    r"within 24 hours": "the time limit of the national standard, in the names of a section, a table and a chart",
    r"12 months": "the year to which the yearly number of unrecorded crimes refers",
    r"(95|99\.8)% (CI|confidence|interval|of audits)": "the level of an interval",
    r"p below 0\.001": "the least p-value that is printed",
    r"SHA-256, first 16 characters": "the kind of hash, and how much of it is shown",
    r"below (29|30) ": "the size of a sample from which a rate is given without a caution",
    r"R \(1 [-\N{MINUS SIGN}\N{EN DASH}] r\) / r": "the formula of the yearly number",
    r"0 is what chance alone would give, and 1 full agreement": "the two ends of the scale of kappa",
    r"Licence v\d\.0": "version of a licence",
    r"N100": "name of a classification",
}
TYPED = NO_FIGURES | {
    r"under 1%|over 99%": "where a simulated probability stops being given",
    r"fewer than 30 audited crimes": "a caution: the size of sample that is called small",
    r"4,000 simulated": "number of simulated audits",
    r"Open Government Licence v3": "name of a licence",
}


# --- the figures of results.json as they may be printed ---------------------------------------------------------------


def leaves(value: object) -> Iterator[object]:
    """Everything in a JSON value that is no list and no object; keys count as text."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def of_number(value: float) -> set[str]:
    """A number of results.json under every rounding that the report has for such a number."""
    if isinstance(value, bool):
        return set()
    if isinstance(value, int) or value > 1 or value < -1:
        whole = {count(value), about(value), over(value).removeprefix("over "), number_word(round(value))}
        # A percentage of the parameters or the criteria, such as 90 or 94.5
        return whole | {
            percent(value / 100),
            f"{rounded(value, 1).removesuffix('.0')}%",
            rounded(value, 1).removesuffix(".0"),
        }
    return {
        percent(value),
        percent(value, 2),
        chance(value).removeprefix("under ").removeprefix("over "),
        points(abs(value), 1),
        points(abs(value), 2),
        points(value, 1),
        f"{value:.2f}",
        f"{value:.3f}",
    }


def derived(results: Results) -> set[str]:
    """What the report works out from results without a rounding of its own: what remains, sums, half-widths."""
    found: set[str] = set()
    for share in results.shares.values():
        found |= {count(share.n - share.x), percent(share.x / share.n) if share.n else "no figure"}
    for estimate in results.estimates.values():
        found |= of_number(estimate.margin) if estimate.margin is not None else set()
        found |= {wording.percent_confidence(estimate)}
    for tally in results.tallies.values():
        found.add(count(sum(tally.counts.values())))
    audited = results.tallies["domestic_abuse_audited"].counts
    missed = results.tallies["domestic_abuse_unrecorded"].counts
    found |= {count(audited[name] - missed[name]) for name in missed}
    found.add(count(sum(results.details["recorded_crime"].values())))
    if records := results.tallies.get("dip_records"):  # two samples of vulnerable people, and referrals, as one
        adult, child, email = (
            records.counts[k] for k in ("vulnerable_adult", "vulnerable_child", "third_party_email")
        )
        found |= {count(adult + child), count(adult + child + email)}
    if published := outputs.TABLES["tbl-published"].build(results):
        found |= {
            count(len(published.rows)),
            count(sum(row["reproduced"] == "yes" for row in published.rows)),
        }
    return found


def of_the_method() -> set[str]:
    """How well the intervals were found to cover, which is known of the method and not of one inspection."""
    found = {count(size) for size in intervals.COVERED_SIZES}
    return found | {percent(rate) for rate in (*intervals.COVERED_RATES, *sum(intervals.COVERAGE.values(), ()))}


def dates(results: Results) -> str:
    """The dates of an inspection as they are printed."""
    period = results.audit_period
    printed = [wording.period(period["start"], period["end"]), wording.day(period["end"])]
    return " ".join([*printed, wording.day(results.publication["date"]), results.publication["date"]])


def words(text: str) -> list[str]:
    """The words with a digit in them, without punctuation around them."""
    return [
        word.strip(".,:;()/-‘’“”'\"")
        for word in re.findall(r"[^\s()\[\]=/…:;“”‘’]*\d[^\s()\[\]=/…:;“”‘’]*", text)
    ]


def unexplained(text: str, results: Results, parameters: str, pages: int = 0) -> list[str]:
    """Words with a digit that no result and no list explains, with what stands before them."""
    for pattern in NO_FIGURES:
        text = re.sub(pattern, " ", text)
    everything = list(leaves(results.model_dump(mode="json")))
    known = derived(results) | of_the_method() | {str(page) for page in range(1, pages + 1)}
    for value in everything:
        known |= of_number(value) if isinstance(value, int | float) else set()
    # Text of the results and of the parameters is printed as it is: labels, sources, findings of inspectors.
    typed = " ".join([parameters, dates(results), *(value for value in everything if isinstance(value, str))])
    known |= set(words(typed))
    hashes = {value[:16] for value in results.inputs.values()}
    files = "/".join(f"{identity.removeprefix('tbl-')}.csv" for identity in outputs.TABLES)
    found = []
    for match in re.finditer(r"[^\s()\[\]=/…:;“”‘’]*\d[^\s()\[\]=/…:;“”‘’]*", text):
        word = match[0].strip(".,:;()/-'\"").removeprefix("\N{PLUS-MINUS SIGN}")
        if word in known | hashes or word in files or re.fullmatch(r"[0-9a-f]{40}", word):
            continue
        found.append(text[max(match.start() - 40, 0) : match.end()])
    return found


def plain_text(parameters: Path) -> str:
    """The texts and figures of a parameter file."""
    return " ".join(map(str, leaves(yaml.safe_load(parameters.read_text(encoding="utf-8")))))


@cache
def read(force: str) -> tuple[Path, Results, str]:
    folder = getattr(built, force)()
    params = built.testshire_params() if force == "testshire" else PROJECT / "params"
    return folder, read_results(folder / "results.json"), plain_text(params / f"{force}.yml")


@pytest.mark.parametrize("force", ["northamptonshire", "testshire"])
def test_every_number_of_the_page_is_a_result(force):
    folder, results, parameters = read(force)
    assert unexplained(page_text(folder), results, parameters) == []


@pytest.mark.parametrize("force", ["northamptonshire", "testshire"])
def test_every_number_of_the_pdf_is_a_result(force):
    folder, results, parameters = read(force)
    text = pdf_text(folder)
    # The numbers of its pages stand in the contents and at the foot; the page on the web has the same text without them.
    assert unexplained(text, results, parameters, pages=60) == []
