"""A network drawn from several kinds."""

from pathlib import Path

import pytest
import torch

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.networks.convnet import ConvNet
from condensers.networks.mlp import MLP
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

BOTH = {
    "name": "any-of",
    "networks": [{"name": "convnet", "width": 8, "depth": 1}, {"name": "mlp", "width": 16}],
}
DM = {"name": "dm", "iterations": 6, "batch_real": 8, "network": BOTH}


def test_each_kind_is_built_about_as_often_and_the_same_from_equal_generators(
    grey8: ClassData,
) -> None:
    generator, again = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
    built = [networks.build(BOTH, grey8.shape, 10, generator) for _ in range(60)]
    assert 18 <= sum(isinstance(network, ConvNet) for network in built) <= 42
    assert all(isinstance(network, ConvNet | MLP) for network in built)
    for network in built:
        other = networks.build(BOTH, grey8.shape, 10, again)
        assert all(
            torch.equal(a, b) for a, b in zip(network.parameters(), other.parameters(), strict=True)
        )


def test_a_set_condensed_with_several_networks_resumes_to_the_same_bytes(
    grey8: ClassData, tmp_path: Path
) -> None:
    method = create_condenser(DM)
    whole = method.condense(grey8, Budget(ipc=1), Context(seed=1)).decode()[0]
    done: list[Progress] = []
    with pytest.raises(Interrupted):
        method.condense(
            grey8,
            Budget(ipc=1),
            Context(seed=1, folder=tmp_path, progress=done.append, stop=lambda: len(done) >= 3),
        )
    resumed = method.condense(grey8, Budget(ipc=1), Context(seed=1, folder=tmp_path)).decode()[0]
    alone = (
        create_condenser({**DM, "network": BOTH["networks"][0]})
        .condense(grey8, Budget(ipc=1), Context(seed=1))
        .decode()[0]
    )
    assert torch.equal(whole, resumed) and not torch.equal(whole, alone)


def test_schedules_that_keep_networks_are_refused_and_so_is_an_empty_list() -> None:
    with pytest.raises(
        UsageError,
        match="model schedule trained-on-synthetic keeps networks; take model schedule fresh",
    ):
        create_condenser({"name": "dc", "network": BOTH})
    with pytest.raises(UsageError, match="keeps networks"):
        create_condenser({**DM, "model_schedule": {"name": "fresh", "reuse": 2}})
    with pytest.raises(UsageError, match="give a list of networks"):
        create_condenser({**DM, "network": {"name": "any-of", "networks": []}})
