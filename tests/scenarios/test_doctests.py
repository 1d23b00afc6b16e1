"""The examples in the docstrings of what people import run, and give what they say."""

import doctest
import importlib

import pytest

# Module -> how many docstrings have an example.
EXAMPLES = {
    "scenarios.continual.memory.buffer": 1,
    "scenarios.continual.memory.replay": 1,
    "scenarios.continual.metrics": 9,
    "scenarios.data_space.measures": 1,
    "scenarios.datasets": 1,
    "scenarios.embeddings": 1,
    "scenarios.privacy.attacks": 3,
    "scenarios.search.baselines.combination": 1,
    "scenarios.search.curve": 2,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_a_module_run(name: str) -> None:
    module = importlib.import_module(name)
    shown = [one for one in doctest.DocTestFinder().find(module) if one.examples]
    assert len(shown) == EXAMPLES[name]
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0
