"""`only`: a part of a suite, with the cells that the whole suite has."""

from pathlib import Path

import pytest

from condensers.errors import UsageError
from harness.suite import definition, plan
from scenarios.datasets import load
from tests.helpers.suites import TINY

SUITE = f"""{TINY}
[[scenarios]]
scenario = "data-space"
"""


def cells(*overrides: str) -> list[plan.Cell]:
    table = definition.loads(SUITE)
    for override in overrides:
        definition.apply_override(table, override)
    return list(plan.lay_out(definition.parse(table, "tiny"), load).cells)


def test_a_part_has_the_cells_of_the_whole() -> None:
    whole = {cell.key: cell for cell in cells()}
    labels = {cell.label for cell in whole.values() if cell.reference is None}
    scenarios = {cell.scenario_label for cell in whole.values()} - {None}
    assert len(labels) > 1 and len(scenarios) > 1
    by_label = cells('only=["d?"]')
    assert {c.label for c in by_label if c.reference is None} == {"dm"}
    assert {c.scenario_label for c in by_label} - {None} == scenarios
    one = sorted(scenarios)[0]
    by_scenario = cells(f"only={one}")
    assert {c.scenario_label for c in by_scenario} - {None} == {one}
    assert {c.label for c in by_scenario if c.reference is None} == labels
    both = {c.key for c in cells(f'only=["dm", "{one}"]')}
    assert both == {c.key for c in by_label} & {c.key for c in by_scenario}
    assert both < whole.keys()


def test_what_names_nothing_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"only: 'dn' names neither .* did you mean 'dm'"):
        cells('only=["random", "dn"]')
    with pytest.raises(UsageError, match="only: 3 is not a list of names"):
        cells("only=3")
