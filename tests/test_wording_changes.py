"""Ten changes by an editor, in files of one inspection and without Python, each seen in the page and in the PDF."""

import re
from pathlib import Path

import pytest
from complete_force import complete_files, write_files
from test_report import page_text, pdf_text

from cdi_lib.pipeline.build import build_report
from cdi_lib.report.labels import TEXTS


def own(section: str) -> str:
    """The project's text of a section, to be changed."""
    return (TEXTS / "en" / f"{section}.md").read_text(encoding="utf-8")


def moved(text: str, block: str, to_top: bool) -> str:
    """A text with one block before or behind all others; the heading stays first."""
    assert text.count(block) == 1
    head, _, rest = text.replace(block, "").partition("\n\n")
    return f"{head}\n\n{block}\n\n{rest}" if to_top else f"{head}\n\n{rest}\n\n{block}\n"


CHANGED = {
    "violence": own("violence").replace("## {{ crime_types.violence }}", "## Violence against people"),  # 1 a heading
    "sexual": own("sexual") + "\nThe auditors will look at this again next year.\n",  # 2 a sentence more
    "equality": re.sub(
        r"Information about .*?report it\.", "Who is a victim matters.", own("equality"), flags=re.DOTALL
    ),  # 3
    "cancelled": moved(own("cancelled"), '{{ table("tbl-cancelled") }}', to_top=True),  # 4 a table moved
    "timeliness": own("timeliness").replace('{{ figure("fig-within-24") }}', ""),  # 5 a chart left out
    "survey": "",  # 6 a section dropped
    "conclusion": own("conclusion").replace("# Conclusion and what next", "# What happens next"),  # 7
    "n100": own("n100") + '\nSee also {{ share("rape") | of }} reports of rape.\n',  # 8 a figure asked for by name
    "victims_code": "## Victims\n\n{{ findings.violence | paragraphs }}\n",  # 9 a section rewritten
    "other_systems": own("other_systems").replace("These are\ndip samples", "These few records are\ndip samples"),  # 10
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    scratch = tmp_path_factory.mktemp("changed")
    files = complete_files() | {f"testshire/text/{name}.md": text.encode() for name, text in CHANGED.items()}
    params = write_files(scratch / "params", files)
    return build_report("testshire", "pandoc", params=params, reports=scratch / "reports").folder


@pytest.mark.parametrize("text_of", [page_text, pdf_text], ids=["page", "pdf"])
def test_ten_changes_are_in_page_and_pdf(folder, text_of):
    text = text_of(folder)
    for words in (
        "Violence against people",
        "The auditors will look at this again next year.",
        "Who is a victim matters.",
        "What happens next",
        "reports of rape.",
        "These few records are dip samples",
    ):
        assert words in text, words
    for gone in ("Officer and staff survey", "Conclusion and what next", "shows how crime affects different groups"):
        assert gone not in text, gone
    assert text.count("Officers miss common assault.") >= 2  # in its own section, and in the one rewritten


def test_table_and_chart_stand_where_the_editor_put_them(folder):
    html = (folder / "index.html").read_text(encoding="utf-8")
    start = html.index('id="cancelled-crimes"')
    assert html.index('id="tbl-cancelled"', start) < html.index("A recorded crime may be cancelled", start)
    assert 'id="fig-within-24"' not in html
    assert 'id="tbl-within-24"' in html
