"""DC, DSA and DM for several steps against their algorithms written out: the same draws, but the
published loops of `benchmarks.plain`, with losses in the plainest code.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from benchmarks.plain import ClassLoss, Published, PublishedLoop
from torch import Tensor, nn

from condensers.composition.initialisation import starting_images
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.augmentations.dsa import NoAugmentation, Siamese
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

NETWORK: dict[str, Any] = {"name": "convnet", "depth": 2, "width": 6}
STORED = {"name": "pixels", "storage": "float32"}
IPC, BATCH, SEED = 3, 6, 11


@pytest.fixture(scope="module")
def data(make_data: Callable[..., ClassData]) -> ClassData:
    return make_data((3, 8, 8), 3, 9, mirror=True)


def cross_entropy(network: nn.Module, images: Tensor, labels: list[int]) -> Tensor:
    z = network(images)
    losses = [
        torch.log(torch.exp(row).sum()) - row[label] for row, label in zip(z, labels, strict=True)
    ]
    return torch.stack(losses).sum() / len(labels)


def gradient_distance(network: nn.Module, label: int, real: Tensor, synthetic: Tensor) -> Tensor:
    weights = list(network.parameters())
    g_real = torch.autograd.grad(cross_entropy(network, real, [label] * len(real)), weights)
    g_synthetic = torch.autograd.grad(
        cross_entropy(network, synthetic, [label] * len(synthetic)), weights, create_graph=True
    )
    total = torch.zeros(())
    for a, b in zip(g_real, g_synthetic, strict=True):
        for node in range(len(a)) if a.ndim > 1 else ():
            x, y = a[node].flatten(), b[node].flatten()
            total = total + 1 - x.dot(y) / (x.norm() * y.norm() + 1e-6)
    return total


def embedding_distance(network: nn.Module, label: int, real: Tensor, synthetic: Tensor) -> Tensor:
    with torch.no_grad():
        wanted = sum(network.embed(image[None])[0] for image in real) / len(real)
    got = sum(network.embed(image[None])[0] for image in synthetic) / len(synthetic)
    return ((wanted - got) ** 2).sum()


def literal_run(
    data: ClassData,
    steps: int,
    outer: int | None,
    start: str,
    siamese: bool,
    lr: float,
    loss: ClassLoss,
) -> Tensor:
    """The images after `steps` steps; `outer` None: a new network at each step (DM), else DC's
    schedule.
    """
    augmentation = Siamese() if siamese else NoAugmentation()
    method = Published(loss, lr, start, augmentation, outer, inner=2, batch_train=4)
    loop = PublishedLoop(method, data, IPC, BATCH, (NETWORK["depth"], NETWORK["width"]), SEED)
    for step in range(steps):
        loop.step(step)
    return loop.images.detach()


TRAINED = {"name": "trained-on-synthetic", "outer": 3, "inner": 2, "batch": 4}
CASES = [
    pytest.param(
        "dc", {"iterations": 2, "model_schedule": TRAINED}, 6, 3, "noise", False, 0.1, id="dc"
    ),
    pytest.param(
        "dsa", {"iterations": 2, "model_schedule": TRAINED}, 6, 3, "real", True, 0.1, id="dsa"
    ),
    pytest.param("dm", {"iterations": 5}, 5, None, "real", True, 1.0, id="dm"),
]


@pytest.mark.parametrize(("name", "settings", "steps", "outer", "start", "siamese", "lr"), CASES)
def test_a_run_equals_the_algorithm_written_out(
    data: ClassData,
    name: str,
    settings: dict[str, object],
    steps: int,
    outer: int | None,
    start: str,
    siamese: bool,
    lr: float,
) -> None:
    condenser = create_condenser(
        {"name": name, "network": NETWORK, "parameterisation": STORED, "batch_real": BATCH}
        | settings
    )
    ours = condenser.condense(data, Budget(ipc=IPC), Context(seed=SEED)).tensors["images"]
    literal = literal_run(
        data,
        steps,
        outer,
        start,
        siamese,
        lr,
        embedding_distance if name == "dm" else gradient_distance,
    )
    begin = starting_images(data, IPC, start, torch.Generator().manual_seed(SEED))
    moved = (literal - begin).norm()
    assert moved > 1e-3
    assert (ours - literal).norm() / moved < 1e-3
