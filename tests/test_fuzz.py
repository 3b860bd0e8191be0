"""Whatever stands in parameters, tables and criteria: it is refused by problems for people, or it can be used to the end.

The short form is part of the suite. ``CDI_FUZZ=1000`` tries so many examples of each kind, with another seed every time,
and runs the report's notebook as well. ``--hypothesis-show-statistics`` says how many were refused.
"""

from __future__ import annotations

import contextlib
import copy
import datetime
import io
import os
import tempfile
import warnings
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml
from bad_inputs import in_yaml
from complete_force import complete_files, complete_parameters, complete_tables, write_files
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from cdi_lib.inspection.folders import PROJECT
from cdi_lib.inspection.problems import InputError, Problem
from cdi_lib.pipeline import audit as audit_module
from cdi_lib.pipeline.audit import Audit, read_audit
from cdi_lib.pipeline.notebooks import NOTEBOOKS, REPORT

EXAMPLES = int(os.environ.get("CDI_FUZZ", "0"))
LONG = EXAMPLES > 0


def fuzz(short: int):
    """Settings of a fuzz test that takes ``short`` examples in the suite."""
    return settings(
        max_examples=EXAMPLES or short,
        derandomize=not LONG,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


# --- what is tried --------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["", " ", "yes", "no", "Yes", "null", "nan", "None", "inf", "0", "-1", "1e400", "21,900", "96,7", "=1+1", "../x"]
    + ["main", "violence", "19C", "106", "n100", "good", "overall", "float", "int", "[key]", "__class__", "<b>", "{{x}}"]
    + ["2022-03-03 10:00", "2022-02-30 10:00", "03/03/2022 10:00", "2022-03-03", "9999-12-31", "é", "\u202e", "\x00", "🚓"]
)  # fmt: skip
TEXTS = st.one_of(WORDS, st.text(max_size=8), st.just("x" * 6000))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.integers(0, 200),
    st.floats(),
    st.floats(0, 100),
    TEXTS,
    st.dates(datetime.date(1, 1, 1), datetime.date(9999, 12, 31)),
    st.dates(datetime.date(2021, 1, 1), datetime.date(2023, 1, 1)),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(TEXTS, SCALARS, max_size=3), st.just([[[]]]))


def places(content: object, path: tuple = ()) -> list[tuple]:
    """Every place in nested dictionaries and lists."""
    entries = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    found = [place for key, value in entries for place in places(value, (*path, key))]
    return [path, *found] if path else found


CHOICES = st.sampled_from(
    ["stratified", "pooled", "normal", "wilson", "clopper-pearson", "jeffreys", "logit", "korn-graubard", "draft"]
    + ["outstanding", "good", "requires improvement", "inadequate", "overall", "timeliness", "rape", "efficient"]
    + ["fully met", "not met", "not inspected", "self-audit", "published", "audit", "peel-2021", "Another text"]
    + ["2022-01-01", "2022-06-30", "2022-07-01", "2021-06-30", "violence", "n100_review", "within_24", "low"]
)


def near(value: object) -> st.SearchStrategy:
    """Values of the same kind, many of which can be used."""
    if isinstance(value, bool):
        return st.just(not value)
    if isinstance(value, int | float):
        return st.sampled_from([value - 1, value + 1, value * 10, value // 10, value / 2, 1, 2, 51, 99.9, 100])
    if isinstance(value, list):
        return st.just(value[1:])
    return CHOICES if isinstance(value, str) else st.just({})


@st.composite
def mutated(draw, content: dict) -> dict:
    """Nested content with one to three places changed, taken away, or with a key added."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(places(content)))
        place = content
        for key in parents:
            place = place[key]
        action = draw(st.sampled_from(["near"] * 8 + ["change", "remove", "add", "repeat"]))
        if action == "near":
            place[last] = draw(near(place[last]))
        elif action == "remove":
            del place[last]
        elif action == "add" and isinstance(place, dict):
            place[draw(TEXTS)] = draw(VALUES)
        elif action == "repeat" and isinstance(place[last], list):
            place[last] = place[last] * 2
        else:
            place[last] = draw(VALUES)
        if not places(content):
            break
    return content


@st.composite
def damaged(draw, content: bytes) -> bytes:
    """Bytes with a piece taken out, repeated or replaced."""
    start = draw(st.integers(0, len(content)))
    end = min(len(content), start + draw(st.integers(0, 30)))
    piece = draw(st.one_of(st.binary(max_size=6), TEXTS.map(lambda text: text.encode("utf-8", "replace"))))
    return content[:start] + piece * draw(st.integers(1, 3)) + content[end:]


@st.composite
def mutated_table(draw, table: pd.DataFrame) -> pd.DataFrame:
    """A table with some cells, rows or columns changed."""
    table = table.astype(object).copy()
    for _ in range(draw(st.integers(1, 4))):
        if table.empty or not len(table.columns):
            break
        columns = list(dict.fromkeys(table.columns))
        column, row = draw(st.sampled_from(columns)), draw(st.integers(0, len(table) - 1))
        other = draw(st.integers(0, len(table) - 1))
        action = draw(
            st.sampled_from(["cell"] * 4 + ["copy"] * 6 + ["column", "rows", "repeat", "drop", "rename", "turn"])
        )
        at = columns.index(column)
        if action == "cell":
            table.iloc[row, at] = draw(TEXTS)
        elif action == "copy":  # a value that is valid elsewhere in this column
            table.iloc[row, at] = table.iloc[other, at]
        elif action == "column":
            table[column] = table.iloc[row, at]
        elif action == "rows":
            table = table.iloc[min(row, other) : max(row, other)].reset_index(drop=True)
        elif action == "repeat":
            table = pd.concat([table, table.iloc[[row]]], ignore_index=True)
        elif action == "drop":
            table = table.drop(columns=column)
        elif action == "rename":
            table = table.rename(columns={column: draw(TEXTS)})
        else:
            table = table.iloc[::-1].reset_index(drop=True)
    return table


# --- what must hold -------------------------------------------------------------------------------------------


def is_refused_or_used(files: dict[str, bytes | None]) -> None:
    """Read the complete force with other contents of some files (None: no such file); what is accepted goes through the notebooks."""
    with tempfile.TemporaryDirectory() as folder:
        everything = complete_files() | files
        params = Path(folder) / "params"
        write_files(params, {name: content for name, content in everything.items() if content is not None})
        try:
            audit = read_audit("testshire", params)
        except InputError as error:
            assert error.problems
            assert all(isinstance(problem, Problem) and problem.expected for problem in error.problems)
            assert folder not in str(error)
            assert all(len(str(problem)) < 3000 for problem in error.problems), "a message is short"
            event("refused")
            return
        event("used to the end")
        run_notebooks(audit, params, Path(folder) / "sections")


def code_of(notebook: str) -> list[str]:
    cells = nbformat.read(PROJECT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    return [c.source for c in cells if c.cell_type == "code" and "parameters" not in c.metadata.get("tags", [])]


CODE = {name: [compile(source, name, "exec") for source in code_of(name)] for name in (*NOTEBOOKS, REPORT)}


def run_notebooks(audit: Audit, params: Path, sections: Path) -> None:
    """Run the code of the notebooks in this process; any exception is the caller's."""
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        patch.setattr(audit_module, "given", audit)
        patch.setenv("CDI_PARAMS", str(params))
        patch.setenv("CDI_SECTIONS", str(sections))
        for name in (*NOTEBOOKS, *([REPORT] if LONG else [])):
            namespace = {"force": audit.force, "commit": "", "corrects": ""}
            for cell in CODE[name]:
                exec(cell, namespace)  # noqa: S102  the project's own notebooks


@fuzz(6)
@given(mutated(complete_parameters()))
def test_parameters(content):
    is_refused_or_used({"testshire.yml": in_yaml(content)})


@fuzz(8)
@given(damaged(complete_files()["testshire.yml"]))
def test_damaged_parameter_files(content):
    is_refused_or_used({"testshire.yml": content})


@fuzz(5)
@given(
    st.sampled_from(sorted(complete_tables())).flatmap(
        lambda name: st.tuples(st.just(name), mutated_table(complete_tables()[name]))
    )
)
def test_tables(change):
    name, table = change
    is_refused_or_used({f"testshire/{name}.csv": table.to_csv(index=False).encode("utf-8", "replace")})


@fuzz(4)
@given(damaged(complete_files()["testshire/crimes.csv"]))
def test_damaged_tables(content):
    is_refused_or_used({"testshire/crimes.csv": content})


CRITERIA = yaml.safe_load((PROJECT / "params" / "programmes" / "cdi-2017.yml").read_text(encoding="utf-8"))


@fuzz(5)
@given(mutated(CRITERIA))
def test_criteria(content):
    is_refused_or_used({"programmes/cdi-2017.yml": in_yaml(content)})


@fuzz(4)
@given(st.sampled_from([".xlsx", ".parquet", ".csv"]), st.binary(max_size=200))
def test_files_of_nothing(suffix, content):
    is_refused_or_used({"testshire/survey.csv": None, f"testshire/survey{suffix}": content})
