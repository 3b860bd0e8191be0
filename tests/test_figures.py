"""Every number that a report prints is a result of its ``results.json``, or on a short list with its reason.

What the lists cannot tell (a typed number that happens to be somebody's result) is looked for in the sources: no text
of the report's code holds a number that is not on the list of those that are no figures.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import built
import nbformat
import pytest
import yaml
from test_report import page_text, pdf_text

from cdi_lib.inspection.parameters import PROJECT
from cdi_lib.inspection.results import Results, read_results
from cdi_lib.report import outputs, wording
from cdi_lib.report.wording import about, chance, count, over, percent, points, trimmed
from cdi_lib.statistics import intervals

# --- what is printed and is no figure, each with the reason -----------------------------------------------------------

NO_FIGURES = {
    r"(Table|Figure) \d+": "numbers of tables and figures, which the renderer gives",
    r"within 24 hours": "the time limit of the national standard, in the names of a section, a table and a chart",
    r"12 months": "the year to which the yearly number of unrecorded crimes refers",
    r"(95|99\.8)% (CI|confidence|interval|of audits)": "the level of an interval",
    r"p below 0\.001": "the least p-value that is printed",
    r"SHA-256, first 16 characters": "the kind of hash, and how much of it is shown",
    r"below (29|30) ": "the size of a sample from which a rate is given without a caution",
    r"\*?R\*? \(1 - \*?r\*?\) / \*?r\*?": "the formula of the yearly number",
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


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Everything in a JSON value that is no list and no object, with its path; keys count as text."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield path, key
            yield from leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, path)
    else:
        yield path, value


# The roundings that the report has for the numbers at a path of results.json; the first that fits counts.
ROUNDINGS = {
    r"\.probabilities\.": [lambda v: chance(v).removeprefix("under ").removeprefix("over ")],
    r"\.bands\.": [lambda v: f"{trimmed(v)}%"],
    r"\.(at_least|below)$": [percent],
    r"^\.details\.sampling\.": [count, lambda v: f"{trimmed(v)}%", trimmed, str],
    r"^\.details\.sensitivity\.": [percent, lambda v: percent(v, 2)],
    r"^\.details\.plan\.margin$": [points],
    r"^\.details\.strata\.weight$": [lambda v: wording.rounded(v, 1)],
    r"^\.details\.fieldwork\.recheck\.finding\.": [lambda v: f"{v:.2f}", wording.level],
    r"^\.estimates\.unrecorded_\w+\.(value|low|high)$": [about, lambda v: over(v).removeprefix("over ")],
    r"^\.estimates\.change\.(value|low|high)$": [lambda v: points(abs(v), 1)],
    r"\.p_value$": [lambda v: f"{v:.3f}"],
    r"^\.(estimates\.\w+\.(value|low|high)|details\.(auditable_route|sample\.fraction|fieldwork\.response_rate))$": [
        percent
    ],
    r"^\.details\.judgements\.elements\.evidence\.(value|low)$": [percent, lambda v: percent(v, 2)],
    r"^\.details\.previous\.year$|^\.computed_in\.": [str],
}


def printed(path: str, value: float) -> set[str]:
    """A number of results.json under every rounding that the report has for it; a whole number is a count."""
    for pattern, roundings in ROUNDINGS.items():
        if re.search(pattern, path):
            return {rounding(value) for rounding in roundings}
    return {count(value)} if isinstance(value, int) else set()


def derived(results: Results) -> set[str]:
    """What the report works out from results without a rounding of its own: what remains, sums, half-widths."""
    found: set[str] = set()
    for share in results.shares.values():
        found |= {count(share.n - share.x), percent(share.x / share.n) if share.n else "no figure"}
    for estimate in results.estimates.values():
        if estimate.margin is not None:  # half the width, and how far the interval reaches to either side
            found |= {points(estimate.margin), points(estimate.value - estimate.low, 1)}
            found.add(points(estimate.high - estimate.value, 1))
        found |= {wording.percent_confidence(estimate)}
    for tally in results.tallies.values():
        found.add(count(sum(tally.counts.values())))
        if "strongly disagree" in tally.counts:
            found.add(count(tally.counts["disagree"] + tally.counts["strongly disagree"]))
    audited = results.tallies["domestic_abuse_audited"].counts
    missed = results.tallies["domestic_abuse_unrecorded"].counts
    found |= {count(audited[name] - missed[name]) for name in missed}
    found.add(count(sum(results.details["recorded_crime"].values())))
    if records := results.tallies.get(
        "dip_records"
    ):  # two samples of vulnerable people, and referrals, as one
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
    return found | {
        percent(rate) for rate in (*intervals.COVERED_RATES, *sum(intervals.COVERAGE.values(), ()))
    }


def dates(results: Results) -> str:
    """The dates of an inspection as they are printed."""
    period = results.audit_period
    printed = [wording.period(period["start"], period["end"]), wording.day(period["end"])]
    printed.append(wording.day(results.details["judgements"]["framework"]["date"]))
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
    for path, value in everything:
        if isinstance(value, int | float) and not isinstance(value, bool):
            known |= printed(path, value)
    # Text of the results and of the parameters is printed as it is: labels, sources, findings of inspectors.
    strings = [value for path, value in everything if isinstance(value, str)]
    typed = " ".join([parameters, dates(results), *strings])
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
    """The texts of a parameter file."""
    content = yaml.safe_load(parameters.read_text(encoding="utf-8"))
    return " ".join(value for _, value in leaves(content) if isinstance(value, str))


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


def test_a_number_that_nobody_has_computed_is_found():
    folder, results, parameters = read("northamptonshire")
    text = page_text(folder)
    assert "438 of the 491" in text
    for typed in (
        "437 of the 491",
        "438 of the 492",
        "73.4% of the 491",
        "over 8,300 of the 491",
        "N101 of the 491",
    ):
        changed = text.replace("438 of the 491", typed)
        assert len(unexplained(changed, results, parameters)) == text.count("438 of the 491"), typed


# --- numbers in the sources ---------------------------------------------------------------------------------------------


def texts(tree: ast.AST) -> Iterator[str]:
    """The texts in Python code that may be printed: no docstrings, formats, patterns, or names such as ``within_24``."""
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    formats = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.FormattedValue) and node.format_spec
        for part in ast.walk(node.format_spec)
    }
    constants = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    for node in constants:
        if id(node) not in documentation | formats and not re.fullmatch(r"[\w.#-]*|.*[\\^].*", node.value):
            yield node.value


def typed_numbers(source: str) -> list[str]:
    """Texts of Python code that hold a number which is on no list."""
    found = []
    for text in texts(ast.parse(source)):
        rest = text
        for pattern in TYPED:
            rest = re.sub(pattern, " ", rest)
        found += [text] if re.search(r"(?<![A-Za-z_])\d", rest) else []
    return found


def sources() -> dict[str, str]:
    """The code that writes the report: modules, and the cells of the notebook."""
    found = {
        name: (PROJECT / "cdi_lib" / "report" / f"{name}.py").read_text(encoding="utf-8") for name in WRITERS
    }
    cells = nbformat.read(PROJECT / "notebooks" / "report.ipynb", as_version=4).cells
    assert {cell.cell_type for cell in cells} == {"raw", "code"}  # text of its own would be typed text
    return found | {
        f"report.ipynb, cell {number}": cell.source
        for number, cell in enumerate(cells)
        if cell.cell_type == "code"
    }


WRITERS = ("narrative", "display", "outputs", "wording")


@pytest.mark.parametrize("name", sources())
def test_no_number_is_typed_into_a_text(name):
    assert typed_numbers(sources()[name]) == []


def test_a_number_that_is_typed_into_a_text_is_found():
    narrative = sources()["narrative"]
    sentence = "The main sample is a random sample of incidents"
    assert narrative.count(sentence) == 1
    planted = narrative.replace(sentence, "The main sample is a random sample of 1,035 incidents")
    assert typed_numbers(planted) != []
    inside = narrative.replace("records **{percent(rate.value)}** of", "records **92.0%** of")
    assert inside != narrative and typed_numbers(inside) != []
