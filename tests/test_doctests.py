"""The examples in the docstrings of the library run as printed. A few seconds."""

import doctest
import importlib
import pkgutil

import pytest

import cdi_lib

MODULES = sorted(module.name for module in pkgutil.walk_packages(cdi_lib.__path__, "cdi_lib."))


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_docstring_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_estimators_show_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [
        importlib.import_module(f"cdi_lib.statistics.{name}")
        for name in ("design", "estimation", "intervals")
    ]
    with_example = {
        test.name.rpartition(".")[2] for module in modules for test in finder.find(module) if test.examples
    }
    public = {
        "Design",
        "recording_rate",
        "pooled_rate",
        "stratified_rate",
        "post_stratified_rate",
        "total",
        "unrecorded",
    }
    public |= {"reported_population", "difference", "change", "domain_difference", "sensitivity", "interval"}
    assert public <= with_example
