"""The examples in docstrings of condensers, each of which runs."""

import doctest
import importlib
from pathlib import Path

import pytest

import condensers

ROOT = Path(condensers.__file__).parent
MODULES = sorted(
    ".".join(("condensers", *path.relative_to(ROOT).with_suffix("").parts))
    for path in ROOT.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
OBJECTIVES = {
    "attention",
    "gradient",
    "kernel_regression",
    "layer_means",
    "mean_embedding",
    "trajectory",
}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0


def test_every_objective_has_an_example() -> None:
    shown = {
        name.rpartition(".")[2]
        for name in MODULES
        if name.startswith("condensers.parts.objectives.")
    }
    assert shown >= OBJECTIVES
