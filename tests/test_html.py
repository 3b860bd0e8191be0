"""A report page is accessible and fetches nothing. Each check takes the path of a built page."""

from __future__ import annotations

import base64
import hashlib
import re
from itertools import pairwise
from pathlib import Path

import built
import html5lib
import pytest
from lxml import html as lxml_html

from cdi_lib.render.look import EXTENSION, LOOK
from cdi_lib.render.rendering import render

FIXTURE = Path(__file__).parent / "fixtures" / "dialect.ipynb"


@pytest.fixture(scope="module")
def fixture_page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    render(FIXTURE, folder, engine="pandoc", metadata={"status": "draft"})
    return folder / "index.html"


@pytest.fixture(params=["fixture", "northamptonshire", "testshire"])
def page(request):
    """The page of the dialect fixture, and of two reports."""
    if request.param == "fixture":
        return request.getfixturevalue("fixture_page")
    return getattr(built, request.param)() / "index.html"


@pytest.fixture
def tree(page):
    return lxml_html.document_fromstring(page.read_text(encoding="utf-8"))


def words(element) -> str:
    return " ".join(element.text_content().split())


def test_is_valid_html5(page):
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(page.read_text(encoding="utf-8"))
    assert [(place, code) for place, code, _ in parser.errors] == []


def test_is_small(page):
    assert page.stat().st_size < 1_500_000


def is_named_by_the_policy(script, tree) -> bool:
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    (policy,) = tree.xpath('//meta[@http-equiv="Content-Security-Policy"]/@content')
    return f"script-src 'sha256-{digest}'" in policy


def test_fetches_nothing(tree):
    for element in tree.iter("script", "link", "img", "iframe", "object", "embed", "source", "video", "audio"):
        if element.tag == "script":
            assert element.get("src") is None
            assert element.get("type") == "application/ld+json" or is_named_by_the_policy(element, tree)
        else:
            address = element.get("srcset" if element.tag == "source" else "src", "")
            assert address.startswith("data:"), words(element) or element.attrib
    style = "".join(element.text for element in tree.iter("style"))
    assert "@import" not in style
    assert all(address.startswith("data:") for address in re.findall(r"url\(([^)]*)\)", style))


def test_runs_nothing(tree):
    for element in tree.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name == "style"], element.attrib
        assert not element.get("href", "").lower().startswith("javascript:")


def test_content_security_policy_names_the_stylesheet(tree):
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    (style,) = tree.iter("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy


def test_has_language_title_and_landmarks(tree):
    assert tree.get("lang") == "en-GB"
    title = tree.findtext("head/title")
    assert title and title.strip()
    for landmark in ("header", "main", "nav", "footer"):
        found = [e for e in tree.iter(landmark) if landmark != "header" or e.getparent().tag == "body"]
        assert len(found) == 1, landmark
    assert tree.find("body/header") is not None


def test_skip_link_comes_first_and_leads_to_the_content(tree):
    first = next(tree.find("body").iter("a"))
    assert first.get("href") == "#content"
    assert tree.get_element_by_id("content").tag == "main"


def test_headings_skip_no_level(tree):
    headings = [e for e in tree.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    levels = [int(e.tag[1]) for e in headings]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))
    assert all(words(e) for e in headings)


def test_ids_are_unique_and_links_lead_somewhere(tree):
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    for target in tree.xpath("//a/@href[starts-with(., '#')]"):
        assert target[1:] in ids, target
    assert all(words(link) for link in tree.iter("a"))


def test_tables_have_captions_headers_and_no_empty_cell(tree):
    for table in tree.iter("table"):
        region = next(table.iterancestors("div"))
        assert region.get("role") == "region" and region.get("tabindex") == "0" and region.get("aria-label")
        floats = [table, *table.iterancestors("figure")]
        caption = [words(c) for f in floats for c in f.iter("caption", "figcaption")]
        assert len(caption) == 1 and re.match(r"Table\s\d+: \S", caption[0]), caption
        headers = table.xpath("thead/tr/th")
        assert headers and all(th.get("scope") == "col" for th in headers)
        names = [words(th) for th in headers]
        assert all(names) and len(set(names)) == len(names), names
        for row in table.xpath("tbody/tr"):
            assert [cell.tag for cell in row] == ["th"] + ["td"] * (len(headers) - 1)
            assert row[0].get("scope") == "row"
            assert all(words(cell) for cell in row), words(row)


def test_figures_have_alt_text_and_captions(tree):
    assert tree.xpath("//img")
    for image in tree.iter("img"):
        assert len(image.get("alt", "")) > 20
        figure = next(image.iterancestors("figure"))
        (caption,) = figure.iter("figcaption")
        assert re.match(r"Figure\s\d+: \S", words(caption))
        assert caption.get("aria-hidden") is None


def test_floats_are_numbered_in_order(tree):
    for name, tags in (("Figure", ("figcaption",)), ("Table", ("caption", "figcaption"))):
        captions = [words(e) for e in tree.iter(*tags) if words(e).startswith(name)]
        assert [int(re.match(rf"{name}\s(\d+):", c)[1]) for c in captions] == list(range(1, len(captions) + 1))


def test_badges_say_their_grade_in_words(tree):
    badges = tree.xpath("//*[contains(concat(' ', @class, ' '), ' badge ')]")
    assert badges
    for badge in badges:
        (grade,) = [c.removeprefix("badge-") for c in badge.get("class").split() if c.startswith("badge-")]
        assert words(badge).lower().replace(" ", "-") == grade


def test_draft_is_marked_in_title_and_header(fixture_page):
    tree = lxml_html.document_fromstring(fixture_page.read_text(encoding="utf-8"))
    assert tree.findtext("head/title").startswith("Draft: ")
    assert "Draft" in words(tree.find("body/header"))


# --- colours (WCAG 2.2, success criterion 1.4.3) ---------------------------------------------------------


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_colours_reach_the_contrast_of_aa():
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    light, dark = _schemes()
    for name in ("ink", "quiet", "navy", "link", "plum", "teal", "rust", "blue"):
        assert _contrast(light[name], "#ffffff") >= 4.5, name  # as text, and as a badge under white text
    for name in ("ink", "quiet", "navy", "link"):
        for ground in ("wash", "amber"):
            assert _contrast(light[name], light[ground]) >= 4.5, (name, ground)
    for name in ("ink", "quiet", "heading", "link"):
        for ground in ("paper", "wash", "amber"):
            assert _contrast(dark[name], dark[ground]) >= 4.5, (name, ground)


def _schemes() -> list[dict[str, str]]:
    """The colours of the light and of the dark scheme."""
    css = (LOOK / "report.css").read_text(encoding="utf-8")
    return [
        dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", part))
        for part in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    ]


def test_badge_colours_are_the_same_in_page_and_pdf():
    css = (LOOK / "report.css").read_text(encoding="utf-8")
    typst = (EXTENSION / "typst-template.typ").read_text(encoding="utf-8")
    colours = _schemes()[0]
    for grade, variable in re.findall(r"\.badge-([a-z-]+) \{ background: var\(--([a-z]+)\)", css):
        line = re.search(rf"^  {grade}: \((?:rgb\(\"(#[0-9a-f]+)\"\)|(cdi-[a-z]+))", typst, flags=re.MULTILINE)
        named = dict(re.findall(r"#let (cdi-[a-z]+) = rgb\(\"(#[0-9a-f]+)\"\)", typst))
        assert (line[1] or named[line[2]]) == colours[variable], grade
