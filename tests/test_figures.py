"""Every number that a report prints is a result, printed where that result is told of.

The report is told again from results whose numbers know their path (:mod:`tagged`). In each piece of it (a paragraph, a
table, an alt text) every number must have been printed from a result, and from one that the section tells of. The numbers
of the finished page are those of the pieces, in their order. So a number that somebody typed, computed on the way, or took
from another section is found at its place.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import built
import pytest
import tagged
import yaml
from tagged import Piece, Told
from test_report import page_text, pdf_text

from cdi_lib.inspection.parameters import PROJECT
from cdi_lib.report import wording

# --- what is printed and is no figure, each with the reason -----------------------------------------------------------

NO_FIGURES = {
    r"(Table|Figure)\s\d+": "numbers of tables and figures, which the renderer gives",
    r"within 24 hours": "the time limit of the national standard, in the names of a section, a table and a chart",
    r"[Oo]ne percentage point": "the unit in which the change of the yearly number is told",
    r"12 months": "the year to which the yearly number of unrecorded crimes refers",
    r"p below 0\.001": "the least p-value that is printed",
    r"SHA-256": "the kind of hash",
    r"fewer than 30 audited crimes": "a caution: the size of sample that is called small",
    r"\*?R\*? \(1 - \*?r\*? ?\)": "the formula of the yearly number",
    r"0 is what chance alone would give, and 1 full agreement": "the two ends of the scale of kappa",
    r"Licence v\d(\.0)?": "version of a licence",
    r"N100": "name of a classification",
    r"(?<=; )\d (?=[A-Z])": "the number of a question, in an alt text",
}
TYPED = NO_FIGURES | {
    r"under 1%|over 99%": "where a simulated probability stops being given",
    r"Open Government Licence v3": "name of a licence",
    r"counting rules of April 2018": "the date of a rule",
    r"Huang and Zhang, 2009": "the year of a method's publication",
    r"(?m)^  [\w ]+: (72|24) hours.*$": "rules by their time limits",
    r"(before|on both sides of|across|from|rules of|before the counting rules of) (April 20(15|18)|June 2023)": "dates of rules",
    r"(?m)^  \w+ 2023:": "the name of a rule",
    r"Scatter \(1 = chance\)": "the scale of a measure of scatter",
    r"(Spiegelhalter|Laird|Knapp|Morris), (19|20)\d\d": "years of publications of methods",
    r"[Ss]ince 2020": "the year of the last inspections of the series",
    r"95% interval": "the level at which the published intervals were printed",
}
# Names with digits in the Markdown: ids, files, links, notebooks, hashes, the scale of a table's columns.
NAMES = r"@[\w-]+|\(<[^>]*>\)|[\w-]+\.csv|\{#[\w-]+|\(#[\w-]+\)|tables/[\w.-]+|notebooks/[\w.#-]+|\d\\?_\w+|`[^`]*`|\b[0-9a-f]{16}\b|:?-{3,}:?"
NUMBER = re.compile(r"[^\s()\[\]=/…:;“”‘’|*{}\"]*\d[^\s()\[\]=/…:;“”‘’|*{}\"]*")
EDGES = ".,:;()/-'\"\\\N{PLUS-MINUS SIGN}"


def numbers(text: str) -> list[str]:
    """The words with a digit in them, in order, without punctuation around them."""
    return [word[0].strip(EDGES) for word in NUMBER.finditer(text)]


# --- a report and what it may print ----------------------------------------------------------------------------------


@cache
def told(force: str) -> tuple[Path, Told, tuple[str, ...]]:
    """The folder of a report, the report told again, and the texts of people that it may quote, the longest first."""
    folder = getattr(built, force)()
    params = built.testshire_params() if force == "testshire" else PROJECT / "params"
    again = tagged.tell(folder, params, force)
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for row in content["details"]["published"]:  # its figures stand beside the computed ones, and are no quotations
        del row["published"], row["computed"]
    period, date = content["audit_period"], content["publication"]["date"]
    people = [yaml.safe_load((params / f"{force}.yml").read_text(encoding="utf-8")), content]
    versions = (content["publication"]["version"], content["details"]["judgements"]["framework"]["version"])
    people.append([wording.period(period["start"], period["end"]), *(f"version {version}" for version in versions)])
    texts = {text for part in people for text in strings(part) if re.search(r"\d.*[A-Za-z-]|[A-Za-z-].*\d", text)}
    texts |= {date[:4], *(shape(text[0]) + text[1:] for text in texts for shape in (str.lower, str.upper))}
    return folder, again, tuple(sorted(texts, key=len, reverse=True))


def strings(value: object) -> Iterator[str]:
    """The texts and keys in a JSON value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def without_what_is_no_figure(text: str, quoted: tuple[str, ...]) -> str:
    """A piece without names, and without what people wrote."""
    text = re.sub(NAMES, " ", text)
    for one in quoted:
        for shape in (wording.plain(one), one):
            if shape in text:
                text = re.sub(rf"(?<![\w.,]){re.escape(shape)}(?![\w%])", " ", text)
    for pattern in NO_FIGURES:
        text = re.sub(pattern, " ", text)
    return text


def unexplained(text: str, piece: Piece, quoted: tuple[str, ...]) -> list[str]:
    """The numbers of a text that were not printed from a result when this piece was told."""
    printed = {number for shown, path in piece.printed if path for number in numbers(shown)}
    if (
        "tbl-published" in text or "published report prints" in text
    ):  # the figures there were printed by a notebook, to be compared
        printed |= {number for shown in piece.compared for number in numbers(shown)}
    left = numbers(without_what_is_no_figure(text, quoted))
    return [number for number in left if not {number, number.removesuffix("%")} & printed]


FORCES = pytest.mark.parametrize("force", ["northamptonshire", "testshire"])


@FORCES
def test_every_number_is_printed_from_a_result(force):
    _, again, quoted = told(force)
    found = {piece.text[:60]: left for piece in again.pieces if (left := unexplained(piece.text, piece, quoted))}
    assert found == {}


# The results that a section may print, by what its heading begins with; any other section may print all.
TELLS_OF = {
    "Overall judgement": r"estimates\.(unrecorded_)?overall|estimates\.overall_stratified|tallies\.audited|shares\.dip",
    "Overall crime recording rate": r"estimates\.(unrecorded_)?(overall|overall_stratified|violence|sexual|other)|details\.sample",
    "How much crime goes": r"details\.crimes_per_point|estimates\.(unrecorded_(overall|violence|sexual|other)|overall\.confidence)|details\.sample",
    "Auditable route": r"details\.auditable_route|tallies\.routes",
    "Domestic abuse": r"(estimates|shares)\.domestic_abuse|tallies\.(audited|domestic_abuse_\w+)",
    "Violence": r"estimates\.(unrecorded_)?violence|details\.judgements\.elements\.violent_crime",
    "Sexual offences": r"estimates\.(unrecorded_)?sexual|details\.judgements\.elements\.sexual_offences",
    "Rape": r"(estimates|shares)\.rape|tallies\.rape_not_recorded|details\.judgements\.elements\.rape",
    "N100": r"shares\.(n100_required|n100_review|rape)",
    "Crimes held on": r"shares\.(third_party|vulnerable_\w+)|tallies\.(dip_records(_of)?|(third_party|vulnerable)\w*)",
    "Modern slavery": r"shares\.modern_slavery\w*|tallies\.(dip_records(_of)?|modern_slavery\w*)",
    "Recorded within": r"shares\.within_24\w*|details\.recording_limit_hours",
    "Cancelled crimes": r"shares\.(cancelled\w*|victims_informed)",
    "Officer and staff": r"shares\.survey_\w+|details\.survey|tallies\.survey_respondents",
    "What changed": r"estimates\.(previous|overall|change)|details\.(previous|recording_limit_hours)",
    "How the audit went": r"details\.(fieldwork|challenges|sample\.overall\.incidents)",
    "How the grades": r"details\.judgements",
}


@FORCES
def test_a_section_prints_the_results_that_it_tells_of(force):
    _, again, _ = told(force)
    seen = set()
    for piece in again.pieces:
        allowed = next((paths for start, paths in TELLS_OF.items() if piece.heading.startswith(start)), r".*")
        for shown, path in piece.printed:
            is_place = path is None or path == "text" or path.startswith("computed_in.")
            assert is_place or re.match(rf"({allowed})(\.|$)", path), (piece.heading, shown, path)
            seen.add(piece.heading)
    assert len(seen) > 15


@pytest.mark.parametrize(
    ("key", "heading"), [("overall", "Overall crime"), ("violence", "Violence"), ("sexual", "Sexual")]
)
def test_the_numbers_of_a_rate_stand_in_their_places(key, heading):
    _, again, _ = told("northamptonshire")
    (piece,) = (p for p in again.pieces if p.heading.startswith(heading) and p.text.startswith("We estimate"))
    rate, unrecorded = again.results.estimates[key], again.results.estimates[f"unrecorded_{key}"]
    assert numbers(re.sub(r"\(#[\w-]+\)", "", piece.text)) == [
        f"{100 * rate.recorded / rate.n:.1f}%",
        "95%",
        f"{50 * (rate.high - rate.low):.2f}",
        f"{rate.recorded:,}",
        f"{rate.n:,}",
        f"{round(unrecorded.value, -1 if unrecorded.value >= 100 else 0):,.0f}",
        "95%",
        *(f"{round(end, -1 if end >= 100 else 0):,.0f}" for end in (unrecorded.low, unrecorded.high)),
    ]


# Columns whose numbers have the name of the column in their path, or this one.
FIELDS = {
    "low": "low",
    "high": "high",
    "n": "n",
    "rate": "(value|rate)",
    "margin": "margin",
    "fraction": "fraction",
    "x": "x",
}


@FORCES
def test_the_numbers_of_a_row_are_of_what_the_row_is_called_by(force):
    _, again, _ = told(force)
    checked = 0
    for identity, table in again.tables.items():
        for row in table.rows:
            for column in table.columns:
                value = row.get(column.key)
                if not column.number or value is None or isinstance(value, str):
                    continue
                path = getattr(value, "path", "")
                assert path, f"{identity}: {column.key} is computed by the report"
                code = row.get("code", "")
                whole = (identity, code) == ("tbl-domestic-abuse", "overall")  # the share of them all
                assert whole or code in path, (identity, code, path)
                assert re.search(rf"\.{FIELDS.get(column.key, '.*')}$", path), (identity, column.key, path)
                checked += 1
    assert checked > 150


def as_read(text: str) -> list[str]:
    """The numbers of a page, or of a piece as its Markdown is shown on one."""
    text = re.sub(r"\]\([^)]*\)|@[\w-]+|\{#[\w-]+|:?-{3,}:?|\b[0-9a-f]{40}\b", " ", text)
    for pattern in NO_FIGURES:
        text = re.sub(pattern, " ", text)
    return numbers(re.sub(r"[\\`]", "", text))


@FORCES
def test_the_page_has_the_numbers_of_the_pieces_in_their_order(force):
    folder, again, _ = told(force)
    expected = [number for piece in again.pieces for number in as_read(piece.text)]
    assert len(expected) > 500
    assert as_read(page_text(folder))[-len(expected) :] == expected  # before them there is the cover


@FORCES
def test_the_pdf_has_no_number_that_the_page_has_not(force):
    folder, _, _ = told(force)
    pages = {f"{part}{page}" for part in ("", "A") for page in range(1, 60)}  # in the contents and at the foot
    assert set(numbers(pdf_text(folder))) - set(numbers(page_text(folder))) - pages == set()


def test_a_wrong_percentage_is_found_in_its_piece():
    """Of all wrong percentages between 88.0 and 97.9 in the place of one that is printed, few can stand there unseen."""
    _, again, quoted = told("northamptonshire")
    tried = unseen = 0
    for piece in again.pieces:
        for right in {n for n in numbers(piece.text) if re.fullmatch(r"\d\d\.\d%", n)}:
            for tenths in range(880, 980, 3):
                wrong = f"{tenths / 10:.1f}%"
                if wrong != right:
                    tried += 1
                    unseen += not unexplained(piece.text.replace(right, wrong), piece, quoted)
    assert tried > 1700
    assert unseen / tried < 0.05, f"{unseen / tried:.1%}"


@pytest.mark.parametrize(
    "typed", ["437 of the 491", "438 of the 492", "73.4% of the 491", "over 8,300 of the 491", "N101 of the 491"]
)
def test_a_number_that_nobody_has_computed_is_found(typed):
    _, again, quoted = told("northamptonshire")
    (piece,) = (p for p in again.pieces if "438 of the 491" in p.text)
    assert unexplained(piece.text, piece, quoted) == []
    assert len(unexplained(piece.text.replace("438 of the 491", typed), piece, quoted)) == 1


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
        if id(node) not in documentation | formats and not re.fullmatch(
            r"[\w.#-]*|(shares\.\w+ ?)+|.*[\\^].*", node.value
        ):
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
    """The Python code that writes parts of the report."""
    folder = PROJECT / "cdi_lib" / "report"
    files = [*(folder / f"{name}.py" for name in WRITERS), *sorted((folder / "sections").glob("*.py"))]
    return {path.stem: path.read_text(encoding="utf-8") for path in files}


WRITERS = ("telling", "display", "index", "labels", "wording")


@pytest.mark.parametrize("name", sources())
def test_no_number_is_typed_into_the_code(name):
    assert typed_numbers(sources()[name]) == []


def test_a_number_that_is_typed_into_the_code_is_found():
    index = sources()["index"]
    inside = index.replace('said("tables.illustrative")', '"of the 3 notebooks"')
    assert inside != index and typed_numbers(inside) != []


TEXT_FILES = sorted(path for path in (PROJECT / "reports" / "text" / "en").rglob("*") if path.is_file())


def typed_in(text: str) -> list[str]:
    """The numbers that stand in a text outside of its expressions."""
    plain = re.sub(r"{{.*?}}|{%.*?%}|{#.*?#}", " ", text, flags=re.DOTALL)
    for pattern in TYPED:
        plain = re.sub(pattern, " ", plain)
    return re.findall(r"(?<![\w{#-])\d[\d.,]*", plain)


@pytest.mark.parametrize("path", TEXT_FILES, ids=lambda path: path.name)
def test_no_number_is_typed_into_a_text(path):
    assert typed_in(path.read_text(encoding="utf-8")) == []


def test_a_number_that_is_typed_into_a_text_is_found():
    text = (PROJECT / "reports" / "text" / "en" / "sample.md").read_text(encoding="utf-8")
    assert text.count("random sample of incidents") == 1
    assert typed_in(text.replace("random sample of incidents", "random sample of 1,035 incidents")) == ["1,035"]
