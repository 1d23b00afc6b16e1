"""A part that does not derive from the base class of its kind is refused in one sentence."""

from pathlib import Path

import pytest

from condensers.errors import UsageError
from scenarios.datasets import DATASETS
from scenarios.registry import (
    ALGORITHMS,
    BASELINES,
    ENGINES,
    SCENARIOS,
    SEARCH_STRATEGIES,
    SPACES,
)

LOOSE = """from dataclasses import dataclass


@dataclass(frozen=True)
class Loose:
    references = ()

    def run(self, subject, data, context):
        return None
"""


def test_a_class_without_the_base_class_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "loose.py"
    file.write_text(LOOSE, encoding="utf-8")
    with pytest.raises(UsageError, match=r"does not derive from Scenario of scenarios\.protocol"):
        SCENARIOS.create(f"{file}:Loose")


@pytest.mark.parametrize(
    "registry", [SCENARIOS, SPACES, SEARCH_STRATEGIES, ALGORITHMS, BASELINES, ENGINES, DATASETS]
)
def test_every_built_in_part_derives_from_its_base_class(registry) -> None:
    for name in registry.builtin:
        registry.load(name)
