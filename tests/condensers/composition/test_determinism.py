"""The seed decides every byte, and nothing else in the process notices a run."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context, derive_seed
from condensers.registry.registry import METHODS, NETWORKS, SELECTIONS
from condensers.sets.synthetic_set import SyntheticSet

NAMES = [*METHODS.entries(), *SELECTIONS.entries()]
DRAWS_NOTHING = ("herding", "k-center")


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_file(
    name: str,
    grey8: ClassData,
    condense_tiny: Callable[..., SyntheticSet],
    file_bytes: Callable[[SyntheticSet], bytes],
) -> None:
    first, second, other = (condense_tiny(name, grey8, 2, seed=seed) for seed in (1, 1, 2))
    assert file_bytes(first) == file_bytes(second)
    assert file_bytes(first) != file_bytes(other)
    same_images = torch.equal(first.decode()[0], other.decode()[0])
    assert same_images == (name in DRAWS_NOTHING)


@pytest.mark.parametrize("name", NAMES)
def test_condensing_leaves_the_global_generator_alone(
    name: str, grey8: ClassData, condense_tiny: Callable[..., SyntheticSet]
) -> None:
    before = torch.get_rng_state()
    condense_tiny(name, grey8, 2)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", NAMES)
def test_the_global_generator_has_no_say(
    name: str, grey8: ClassData, condense_tiny: Callable[..., SyntheticSet]
) -> None:
    sets = []
    for seed in (0, 1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            sets.append(condense_tiny(name, grey8, 2).decode()[0])
    assert torch.equal(*sets)


@pytest.mark.parametrize("name", NETWORKS.entries())
def test_building_a_network_leaves_the_global_generator_alone(
    name: str, generator: torch.Generator
) -> None:
    before = torch.get_rng_state()
    networks.build(name, (1, 28, 28), 10, generator)
    assert torch.equal(before, torch.get_rng_state())


def test_forks_with_equal_names_are_equal_and_others_differ() -> None:
    def drawn(context: Context) -> Any:
        return torch.rand(4, generator=context.generator).tolist()

    one, again = Context(seed=5), Context(seed=5)
    torch.rand(3, generator=one.generator)
    assert drawn(one.fork("a")) == drawn(again.fork("a"))
    assert drawn(one.fork("a")) != drawn(one.fork("b"))
    assert drawn(one.fork("a")) != drawn(Context(seed=6).fork("a"))
    assert derive_seed(5, "a") == 170250828717708345
