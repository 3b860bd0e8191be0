"""The sentences of a report page, and how easy they are to read."""

from __future__ import annotations

import re
from pathlib import Path

from lxml import html as lxml_html

LEFT_OUT = {"source", "data", "contents"}


def sentences(page: Path) -> list[str]:
    """The sentences and points of the main report: not of its annex, tables, captions and source lines."""
    found: list[str] = []
    for element in (
        lxml_html.document_fromstring(page.read_text(encoding="utf-8")).find("body//main").iter("h2", "p", "li")
    ):
        if element.tag == "h2":
            if element.get("id") == "technical-annex":
                break
            continue
        around = list(element.iterancestors())
        if any(one.tag in ("figure", "table") or LEFT_OUT & set((one.get("class") or "").split()) for one in around):
            continue
        if element.tag == "p" and element.getparent().tag == "li":
            continue
        text = " ".join(element.text_content().split())
        found += [part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z“‘\d])", text) if part]
    return found


def syllables(word: str) -> int:
    """A count by groups of vowels, a silent e left out."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    groups = len(re.findall(r"[aeiouy]+", letters))
    return max(groups - (letters.endswith("e") and not letters.endswith("le") and groups > 1), 1)


def grade_level(found: list[str]) -> float:
    """The grade level of Flesch and Kincaid: years of school that a reader needs."""
    words = [word for sentence in found for word in sentence.split() if re.search("[A-Za-z]", word)]
    return 0.39 * len(words) / len(found) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59
