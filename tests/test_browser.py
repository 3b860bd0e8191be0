"""The rendered pages in a browser: accessibility, keyboard, zoom, no script needed, nothing fetched, valid HTML.

Chromium opens the report, an evidence page and the comparison of forces; axe-core and html-validate look at them.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import built
import pytest

from cdi_lib.pipeline import front
from cdi_lib.pipeline.pages import build_comparison

HERE = Path(__file__).parent / "browser"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGES = ("report", "evidence", "comparison")
LARGEST = 1_500_000  # bytes of a page
BROKEN = """<!DOCTYPE html><html><head><title>Broken</title></head><body><img src="https://example.org/x.png">
<p style="color: #ccc; width: 2000px">too pale and too wide</p><a href="#x" style="outline: none">link</a></body></html>"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; on Debian: apt-get install chromium"),
    pytest.mark.skipif(shutil.which("node") is None, reason="no node; on Debian: apt-get install nodejs npm"),
    pytest.mark.skipif(
        not (HERE / "node_modules" / "axe-core").is_dir(),
        reason="axe-core is not installed; run: npm ci --prefix tests/browser",
    ),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The three pages and what the browser found in them."""
    folder = tmp_path_factory.mktemp("browser")
    report = built.northamptonshire()
    (folder / "comparison").mkdir()
    build_comparison([report / "results.json"], folder / "comparison", "pandoc")
    paths = {
        "report": report / "index.html",
        "evidence": report / "notebooks" / "2_effectiveness.html",
        "comparison": folder / "comparison" / "index.html",
    }
    (folder / "reports").mkdir()
    (folder / "reports" / "northamptonshire").symlink_to(report)
    paths["front"] = front.write(folder / "reports")
    paths["broken"] = folder / "broken.html"
    paths["broken"].write_text(BROKEN, encoding="utf-8")
    command = ["node", "checks.mjs", CHROMIUM, *map(str, paths.values())]
    done = subprocess.run(
        command, cwd=HERE, capture_output=True, text=True, timeout=240, check=False, env=os.environ | {"NO_COLOR": "1"}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    return {name: (path, result) for (name, path), result in zip(paths.items(), found, strict=True)}


@pytest.mark.parametrize("name", PAGES)
class TestPage:
    def test_axe_finds_nothing_at_any_width(self, pages, name):
        for width, found in pages[name][1]["axe"].items():
            assert found == {"violations": [], "incomplete": []}, width

    def test_nothing_is_out_of_reach_sideways_not_even_at_400_percent(self, pages, name):
        assert pages[name][1]["sideways"] == {"1280": 0, "768": 0, "360": 0, "320": 0}

    def test_the_keyboard_reaches_everything_and_the_focus_is_seen(self, pages, name):
        found = pages[name][1]["keyboard"]
        assert found["expected"] > 10
        assert found["reached"] == found["expected"]
        assert found["unseen"] == []

    def test_nothing_is_fetched_and_nothing_fails(self, pages, name):
        assert pages[name][1]["outside"] == []

    def test_the_html_is_valid(self, pages, name):
        assert pages[name][1]["invalid"] == []

    def test_the_head_says_what_the_page_is(self, pages, name):
        head = pages[name][1]["html"]
        assert head["lang"] == "en-GB"
        assert len(head["title"]) > 20
        assert len(head["description"]) > 40
        assert "default-src 'none'" in head["policy"]
        assert "width=device-width" in head["viewport"]

    def test_nothing_jumps_and_the_page_is_small(self, pages, name):
        path, found = pages[name]
        assert found["shift"] < 0.1
        assert path.stat().st_size < LARGEST

    def test_without_scripts_everything_is_there(self, pages, name):
        path, found = pages[name]
        html = path.read_text(encoding="utf-8")
        assert found["rowsWithoutScripts"] == html.count("<tr") - html.count("<thead")
        assert len(found["textWithoutScripts"]) > 5000


def test_the_front_page_of_all_reports_is_accessible_valid_and_alone(pages):
    found = pages["front"][1]
    assert set(map(str, found["axe"].values())) == {str({"violations": [], "incomplete": []})}
    assert (found["invalid"], found["outside"], found["keyboard"]["unseen"]) == ([], [], [])
    assert found["sideways"] == {"1280": 0, "768": 0, "360": 0, "320": 0}


def test_the_comparison_sorts_and_filters_by_keyboard_under_its_policy(pages):
    found = pages["comparison"][1]["sortable"]
    assert found["sorted"]
    assert 0 < found["after"] < found["before"]


def test_the_checks_find_what_is_wrong(pages):
    found = pages["broken"][1]
    assert any(problem.startswith("image-alt") for problem in found["axe"]["1280"]["violations"])
    assert any(problem.startswith("color-contrast") for problem in found["axe"]["1280"]["violations"])
    assert found["sideways"]["360"] > 0
    assert found["outside"] == ["https://example.org/x.png"] * len(found["outside"])
    assert found["outside"]
    assert found["keyboard"]["unseen"]
    assert found["invalid"]
