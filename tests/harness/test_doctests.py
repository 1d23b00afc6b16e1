"""The examples in docstrings give what they say."""

import doctest
import importlib

import pytest

MODULES = ("harness.statistics.intervals", "harness.statistics.rank", "harness.report.place")


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0 and found.failed == 0
