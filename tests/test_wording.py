"""Printed figures and phrases, and text that must not become markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypandoc import convert_text

from cdi_lib.report import wording


@pytest.mark.parametrize(
    ("value", "places", "printed"),
    [
        (92.025, 2, "92.03"),
        (0.5, 0, "1"),
        (1.5, 0, "2"),
        (2.5, 0, "3"),
        (-0.04, 1, "0.0"),
        (-1.25, 1, "−1.3"),
        (1234567.0, 0, "1,234,567"),
    ],
)
def test_halves_round_away_from_zero(value, places, printed):
    assert wording.rounded(value, places) == printed


@given(st.floats(0, 1e7))
def test_over_never_promises_more_than_there_is(number):
    printed = wording.over(number)
    if printed.startswith("over"):
        assert float(printed.removeprefix("over ").replace(",", "")) <= number


@pytest.mark.parametrize(
    ("number", "printed"),
    [(5327.2, "over 5,300"), (2650, "over 2,600"), (99.7, "over 90"), (0.4, "fewer than one"), (0, "none")],
)
def test_over_rounds_down_as_published(number, printed):
    assert wording.over(number) == printed


TRICKY = [
    "*now* _x_ `code` [a](b) ![c](d)",
    "<script>alert(1)</script> <b>bold</b> &amp; &lt;",
    "# heading",
    "- item",
    "1. item",
    "a) item",
    "(1) item",
    "> quote",
    "::: {.box}",
    "| a | b |",
    "$x^2$ and H~2~O",
    "@tbl-rates and [@fig-x]",
    "{{< include /etc/passwd >}}",
    '```{=typst}\n#read("x")\n```',
    "`x`{=html}",
    "--- title: x",
    "% title",
    "+ plus",
    "~~~ code",
    "text[^1] and ^[note]",
    "(@ref) example",
    "=cmd|' /C calc'!A0",
    "term\n: definition",
    "https://example.org/a_b",
    "\\newpage \\begin{x}",
    "i. roman",
    "#. item",
    "***",
    "___",
    "Table: x",
]


@pytest.mark.parametrize("text", TRICKY)
def test_text_from_parameters_stays_text(text):
    native = convert_text(wording.plain(text), "native", format="markdown", extra_args=["--wrap=none"])
    for markup in (
        "RawInline",
        "RawBlock",
        "Link",
        "Image",
        "Emph",
        "Strong",
        "Header",
        "List",
        "Div",
        "Span",
        "Math",
        "Cite",
        "Note",
        "Code",
        "BlockQuote",
        "Table",
        "Rule",
        "Sub",
        "Super",
    ):
        assert f"{markup} " not in native, native
    shown = convert_text(wording.plain(text), "plain", format="markdown-smart", extra_args=["--wrap=none"])
    assert shown.split() == text.split()


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_any_text_stays_text(text):
    native = wording.plain(text)
    assert "\n" not in native
    assert "<" not in native.replace("\\<", "")
    assert "{" not in native.replace("\\{", "")


def test_words_for_lists_and_periods():
    assert wording.in_words([]) == "none"
    assert wording.in_words(["a"]) == "a"
    assert wording.period("2018-12-01", "2019-05-31") == "1 December 2018 to 31 May 2019"
