"""A shrunk network is the network behind it on averaged pixels, and matches like one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.networks.wrappers import ShrunkSpec
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

INNER = {"name": "convnet", "depth": 2, "width": 8}


def test_it_is_the_inner_network_on_averaged_pixels(generator: torch.Generator) -> None:
    network = networks.build({"name": "shrunk", "network": INNER}, (3, 28, 28), 5, generator)
    assert isinstance(network, networks.Network)
    images = torch.randn(4, 3, 28, 28, generator=generator)
    small = images.view(4, 3, 14, 2, 14, 2).mean((3, 5))
    inner: Any = network.get_submodule("network")
    assert torch.allclose(network(images), inner(small), atol=1e-5)
    assert torch.allclose(network.embed(images), inner.embed(small), atol=1e-5)
    shapes = [tuple(one.shape) for one in network.features(images)]
    assert shapes == [(4, 8, 7, 7), (4, 8, 3, 3)]


def test_an_odd_row_is_left_out_and_factor_one_changes_nothing(generator: torch.Generator) -> None:
    network = networks.build(
        {"name": "shrunk", "factor": 3, "network": "mlp"}, (1, 28, 28), 5, generator
    )
    images = torch.randn(2, 1, 28, 28, generator=generator)
    changed = images.clone()
    changed[..., 27] += 1
    assert torch.equal(network(images), network(changed))
    whole = networks.build(
        {"name": "shrunk", "factor": 1, "network": INNER},
        (1, 8, 8),
        5,
        torch.Generator().manual_seed(1),
    )
    plain = networks.build(INNER, (1, 8, 8), 5, torch.Generator().manual_seed(1))
    assert torch.equal(whole(images[..., :8, :8]), plain(images[..., :8, :8]))


@pytest.mark.parametrize("objective", ["mean-embedding", "layer-means", "attention", "gradient"])
def test_every_matching_takes_it(
    objective: str, grey8: ClassData, tiny: Callable[..., Any]
) -> None:
    spec = tiny("dm") | {"network": {"name": "shrunk", "network": INNER}, "objective": objective}
    still, learned = (
        create_condenser(spec | {"lr": lr}).condense(grey8, Budget(ipc=1), Context())
        for lr in (0.0, 1.0)
    )
    assert not torch.equal(still.tensors["images"], learned.tensors["images"])


def test_its_norm_is_that_of_the_network_behind() -> None:
    assert ShrunkSpec(network=INNER | {"norm": "batch"}).norm == "batch"
    assert create_condenser(
        {"name": "dm", "network": {"name": "shrunk", "network": INNER | {"norm": "batch"}}}
    ).couples_classes
    assert not create_condenser(
        {"name": "dm", "network": {"name": "shrunk", "network": "lenet"}}
    ).couples_classes
