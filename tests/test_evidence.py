"""Evidence pages: executed notebooks as accessible pages, each cell where the report says that it is."""

import re

import nbformat
import pytest
import test_html
from complete_force import complete_tables
from executed import executed
from lxml import html as lxml_html

from cdi_lib.report import evidence
from cdi_lib.report.metadata import citation, json_ld

CHECKS = (
    test_html.test_fetches_nothing,
    test_html.test_runs_nothing,
    test_html.test_content_security_policy_names_the_stylesheet,
    test_html.test_has_language_title_and_landmarks,
    test_html.test_skip_link_comes_first_and_leads_to_the_content,
    test_html.test_headings_skip_no_level,
    test_html.test_ids_are_unique_and_links_lead_somewhere,
)


@pytest.fixture(scope="module")
def results():
    return executed()[1]


@pytest.fixture(scope="module")
def pages(results):
    return evidence.write_pages(executed()[0], results)


def tree(page):
    return lxml_html.document_fromstring(page.read_text(encoding="utf-8"))


def notebook_page(tmp_path, results, *cells):
    """The page of a notebook of Markdown cells (text) and code cells (lists of Markdown outputs)."""
    notebook = nbformat.v4.new_notebook()
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, str):
            notebook.cells.append(nbformat.v4.new_markdown_cell(cell))
            continue
        outputs = [nbformat.v4.new_output("display_data", {"text/markdown": text}) for text in cell]
        notebook.cells.append(nbformat.v4.new_code_cell("1 < 2", outputs=outputs, execution_count=number))
    nbformat.write(notebook, tmp_path / "x.ipynb")
    (page,) = evidence.write_pages(tmp_path, results)
    return tree(page)


def test_each_computing_notebook_has_a_page(pages):
    names = ["1_sample", "2_effectiveness", "3_efficiency", "4_leadership", "5_judgements"]
    assert [page.name for page in pages] == [f"{name}.html" for name in names]
    assert all(page.parent == executed()[0] for page in pages)


def test_pages_are_accessible_and_small(pages):
    for page in pages:
        test_html.test_is_valid_html5(page)
        for check in CHECKS:
            check(tree(page))
        assert page.stat().st_size < 1_000_000
        assert tree(page).findtext("head/title").startswith("Draft: ")


def test_tables_have_captions_headers_and_no_empty_cell(pages):
    tables = [table for page in pages for table in tree(page).iter("table")]
    assert len(tables) > 10
    for table in tables:
        region = table.getparent()
        assert region.get("role") == "region" and region.get("tabindex") == "0"
        assert test_html.words(table.find("caption")) == region.get("aria-label") != ""
        headers = table.xpath("thead/tr/th")
        assert headers and all(th.get("scope") == "col" for th in headers)
        for row in table.xpath("tbody/tr"):
            assert [cell.tag for cell in row] == ["th"] + ["td"] * (len(headers) - 1)
            assert row[0].get("scope") == "row"
            assert all(test_html.words(cell) for cell in row)
    for page in pages:
        labels = tree(page).xpath("//*[@role='region']/@aria-label")
        assert len(labels) == len(set(labels))


def test_links_lead_to_pages_that_are_there(pages):
    for page in pages:
        links = [link for link in tree(page).xpath("//a/@href") if not link.startswith("#")]
        assert "../index.html" in links
        others = [link for link in links if link != "../index.html"]
        assert {other.name for other in pages} - {page.name} <= set(others)
        assert all((page.parent / link).is_file() for link in others)
        (current,) = tree(page).xpath("//a[@aria-current='page']")
        assert test_html.words(current) in tree(page).findtext("head/title")


def test_every_result_is_where_its_evidence_says(results):
    """By a second route: the cell's own source in the executed notebook keeps something of that kind."""
    assert len(results.computed_in) > 40
    for key in results.computed_in:
        notebook, cell = results.evidence(key)
        (source,) = [
            found.source
            for found in nbformat.read(executed()[0] / f"{notebook}.ipynb", as_version=4).cells
            if found.get("execution_count") == cell
        ]
        kind = {"estimates": "estimate", "shares": "share", "tallies": "tally", "details": "detail"}
        made = [f"record.{kind[key.partition('.')[0]]}(", *(["count_all("] if key.startswith("shares") else [])]
        assert any(call in source for call in made), key


def test_a_cell_names_its_results(pages, results):
    for key in results.computed_in:
        notebook, cell = results.evidence(key)
        (page,) = [page for page in pages if page.stem == notebook]
        found = tree(page).get_element_by_id(f"cell-{cell}")
        assert key in [code.text for code in found.find_class("kept")[0].iter("code")]


def test_code_is_folded_and_shown_as_written(pages):
    page = pages[1]
    cells = nbformat.read(page.with_suffix(".ipynb"), as_version=4).cells
    codes = [cell for cell in cells if cell.cell_type == "code"]
    folded = tree(page).find_class("code")
    assert len(folded) == len(codes)
    for cell, details in zip(codes, folded, strict=True):
        assert details.tag == "details" and details.get("open") is None
        assert details.find("pre/code").text == cell.source.strip()
        assert details.findtext("summary") == f"Cell {cell.execution_count}: code"


def test_text_of_parameters_stays_text(pages):
    page = tree(pages[0])
    text = page.text_content()
    for words in ("<script>alert(1)</script> | a & b", "</script><b>bold</b>", "[click](https://example.org)"):
        assert words in text
    assert not list(page.iter("script")) and not list(page.iter("b"))
    assert not [link for link in page.xpath("//a/@href") if "example" in link]


def test_raw_html_and_scripts_in_links_are_not_run(tmp_path, results):
    page = notebook_page(
        tmp_path,
        results,
        "# T\n\n<script>alert(1)</script>\n\nA <b>b</b> [x](javascript:alert(1))",
        ["<iframe src='https://example.org'></iframe>"],
    )
    assert not [tag for tag in ("script", "b", "iframe") if list(page.iter(tag))]
    assert "<script>alert(1)</script>" in page.text_content() and "<iframe" in page.text_content()
    assert not [link for link in page.xpath("//a/@href") if "javascript" in link]


def test_headings_figures_and_tables_of_a_notebook(tmp_path, results):
    svg = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="
    page = notebook_page(
        tmp_path,
        results,
        "# 7. A title\n\nFirst.",
        "## Cell 3\n\n#### Deep\n\n## Cell 3",
        [
            "| what | n |\n| --- | --- |\n| a \\| b | 1,200 |\n| | 3 |",
            f'![A *chart*]({svg}){{#fig-x fig-alt="It shows \\"this\\" and {{that}}."}}',
            "| what | n |\n| --- | --- |\n| c | none |",
        ],
    )
    assert test_html.words(page.find(".//h1")) == "Testshire Police 7. A title"
    headings = [(e.tag, e.get("id")) for e in page.iter("h2", "h3", "h4")]
    assert headings == [("h2", "cell-3-2"), ("h3", "deep"), ("h2", "cell-3-3")]
    (image,) = page.iter("img")
    assert image.get("alt") == 'It shows "this" and {that}.' and image.get("src") == svg
    assert test_html.words(page.find(".//figcaption")) == "A chart"
    first, second = page.iter("table")
    assert test_html.words(first.find("caption")) == "Cell 3, cell 3"
    assert test_html.words(second.find("caption")) == "Cell 3, cell 3, table 2"
    assert [e.get("class") for e in first.xpath("tbody/tr/td")] == ["num", "num"]
    assert [test_html.words(e) for e in first.xpath("tbody/tr/th")] == ["a | b", "(empty)"]
    assert [e.get("class") for e in second.xpath("tbody/tr/td")] == [None]


def test_no_record_reference_is_on_a_page(pages):
    tables = complete_tables()
    references = {*tables["crimes"]["crime_id"], *tables["crimes"]["incident_id"]}
    references |= {*tables["n100"]["record_id"], *tables["cancellations"]["crime_id"]}
    for page in pages:
        words = set(re.findall(r"[\w-]+", tree(page).find("body").text_content()))
        assert words & references == set()


def test_same_notebooks_same_bytes(pages, results):
    before = [page.read_bytes() for page in pages]
    evidence.write_pages(executed()[0], results)
    assert [page.read_bytes() for page in pages] == before


# --- the report as data about data ----------------------------------------------------------------------------


def test_json_ld_describes_report_and_data(results):
    report, dataset = json_ld(results)["@graph"]
    assert report["@type"] == "Report" and dataset["@type"] == "Dataset"
    for thing in (report, dataset):
        assert thing["temporalCoverage"] == "2022-01-01/2022-06-30"
        assert thing["spatialCoverage"]["name"] == "Testshire police force area"
        assert thing["license"].startswith("https://www.nationalarchives.gov.uk/doc/open-government-licence")
        assert thing["creativeWorkStatus"] == "Draft"
        assert "The records are invented." in thing["description"]
        assert 50 <= len(thing["description"]) <= 5000
    files = [file["contentUrl"] for file in dataset["distribution"]]
    assert {"results.json", "tables.xlsx", "tables/rates.csv"} <= set(files)
    assert len(dataset["variableMeasured"]) == len(results.estimates)
    (rate,) = [v for v in dataset["variableMeasured"] if v["name"] == "Recording rate, all crime"]
    assert rate["value"] == results.estimates["overall"].value
    assert dataset["isBasedOn"] == [{"@type": "CreativeWork", "name": "an earlier report"}]


def test_json_ld_guesses_no_licence(results):
    publication = results.publication | {"rights": "All rights reserved"}
    report, _ = json_ld(results.model_copy(update={"publication": publication}))["@graph"]
    assert "license" not in report and report["copyrightNotice"] == "All rights reserved"


def test_citation_names_version_status_and_kind_of_records(results):
    assert citation(results) == (
        "Crime data integrity inspection 2022: Testshire Police. 1 September 2022, version 0.2, draft. "
        "Audit period 1 January to 30 June 2022. Computed from records that are invented."
    )
