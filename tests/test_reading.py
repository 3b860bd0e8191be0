"""The main report is easy to read, and says what the inspection report of 2020 says."""

import csv
import re
from pathlib import Path

import built
import pytest
import readable
from test_report import page_text

MOST_WORDS, HARDEST = 30, 9.0  # words in a sentence; grade level of Flesch and Kincaid (of the original: 8.8 to 10)
FACTS = Path(__file__).parent / "facts" / "northamptonshire.csv"
QUOTES = str.maketrans("’‘", "''")


def facts():
    with FACTS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("force", ["northamptonshire", "testshire"])
def test_no_sentence_of_the_main_report_is_long(force):
    found = readable.sentences(getattr(built, force)() / "index.html")
    assert len(found) > 60
    assert [sentence for sentence in found if len(sentence.split()) > MOST_WORDS] == []


@pytest.mark.parametrize("force", ["northamptonshire", "testshire"])
def test_the_main_report_is_easy_to_read(force):
    assert readable.grade_level(readable.sentences(getattr(built, force)() / "index.html")) < HARDEST


def test_the_measure_tells_hard_from_easy():
    easy, hard = (
        ["The cat sat on the mat."],
        ["Institutional considerations necessitate comprehensive methodological evaluation."],
    )
    assert readable.grade_level(easy) < 2
    assert readable.grade_level(hard) > 15


@pytest.mark.parametrize("fact", facts(), ids=lambda fact: fact["statement"])
def test_what_the_original_says_is_said(fact):
    text = re.sub(r"\s+([.,;])", r"\1", page_text(built.northamptonshire()).translate(QUOTES)).replace("\xa0", " ")
    assert re.sub(r"\s+([.,;])", r"\1", fact["found as"].translate(QUOTES)) in text


def test_the_facts_are_told_in_own_words():
    """No long run of words of the original stands in the table of facts."""
    assert len(facts()) > 100
    assert all(len(fact["statement"].split()) < 20 for fact in facts())
