"""The examples in the docstrings of the library run as printed, and `statistics` shows one of each function."""

import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import cdi_lib
from cdi_lib import statistics

MODULES = sorted(module.name for module in pkgutil.walk_packages(cdi_lib.__path__, "cdi_lib."))
TOOLS = ["tests.tools.reconstruction"]
STATISTICS = [name for name in MODULES if name.startswith(f"{statistics.__name__}.")]

# What estimators share, or hand over to each other, is of no use alone; what needs a file or a drawn sample has tests.
WITHOUT = {"facts", "factorize", "flags_of", "per_stratum", "ratio_and_scores", "sum_by", "unseen"}
WITHOUT |= {"replace", "trail", "trail_text"}
WITHOUT_ANY = [f"{statistics.__name__}.{name}" for name in ("checks", "frames")]


def examples(name):
    """Return {name: number of its examples} of what a module defines, itself included."""
    module = importlib.import_module(name)
    return {test.name: len(test.examples) for test in doctest.DocTestFinder().find(module)}


@pytest.mark.parametrize("name", [*MODULES, *TOOLS])
def test_docstring_examples(name):
    if name.endswith("__main__"):
        pytest.skip("runs the command line")
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.attempted == sum(examples(name).values())
    assert result.failed == 0
    if name in {statistics.__name__, *STATISTICS} - {*WITHOUT_ANY}:
        assert result.attempted > 0, f"{name} shows no example"


def public_functions(name):
    """Return the public functions and checked classes that a module of `statistics` defines."""
    module = importlib.import_module(name)
    return {
        thing: value
        for thing, value in vars(module).items()
        if not thing.startswith("_") and thing not in WITHOUT and getattr(value, "__module__", "") == name
        and (inspect.isfunction(value) or "__post_init__" in vars(value))
    }  # fmt: skip


@pytest.mark.parametrize("name", [name for name in STATISTICS if name not in WITHOUT_ANY])
def test_every_function_of_statistics_shows_an_example(name):
    shown = examples(name)
    found = public_functions(name)
    assert found, f"{name} holds no public function"
    assert [thing for thing in found if not shown.get(f"{name}.{thing}")] == []


def test_the_functions_without_an_example_are_there():
    defined = {thing for name in STATISTICS for thing in vars(importlib.import_module(name))}
    assert defined >= WITHOUT


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_is_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for thing in [*public_functions(name).values(), *(getattr(module, helper, module) for helper in WITHOUT)]:
        assert thing.__doc__, thing


def test_statistics_loads_nothing_of_the_rest():
    """In a fresh interpreter: all of its modules, and of the library nothing else; no framework of reports."""
    code = f"""
import importlib, sys
import cdi_lib.statistics
assert not any(name.startswith("cdi_lib.") and name != "cdi_lib.statistics" for name in sys.modules)
for name in {STATISTICS!r}:
    importlib.import_module(name)
loaded = {{name.partition(".")[0] for name in sys.modules}}
assert {{"numpy", "pandas", "scipy"}} <= loaded
print(sorted(name for name in sys.modules if name.startswith("cdi_lib.")))
print(sorted(loaded & {{"pydantic", "matplotlib", "papermill", "nbformat", "jinja2", "yaml", "docx", "IPython"}}))
print("scipy.stats" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    rooms, foreign, stats = answer.stdout.splitlines()
    assert eval(rooms) == ["cdi_lib.statistics", *STATISTICS]
    assert eval(foreign) == []
    assert stats == "False", "scipy.stats takes as long as pandas, and hardly any function needs it"
