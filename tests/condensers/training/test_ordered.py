"""Ordered training against its equation written out; resumed in the middle; and what does not fit
is refused.
"""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from condensers import networks
from condensers.data import ClassData
from condensers.engine import loop as engine
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.training.ordered import OrderedLoop

SPEC = {"name": "convnet", "depth": 1, "width": 4}


def case(data: ClassData, soft: bool = False) -> tuple[torch.nn.Module, OrderedLoop]:
    """Two images of each of ten classes, three passes."""
    generator = torch.Generator().manual_seed(2)
    network = networks.build(SPEC, data.shape, 10, generator)
    images, labels = (
        torch.randn(20, 1, 8, 8, generator=generator),
        torch.arange(10).repeat_interleave(2),
    )
    rates = torch.rand(6, generator=generator)
    soft_labels = torch.softmax(torch.randn(20, 10, generator=generator), 1)
    return network, OrderedLoop(network, images, soft_labels if soft else labels, rates, 3)


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_ordered_training_is_its_equation(grey8: ClassData, soft: bool) -> None:
    network, _ = case(grey8, soft)
    other, loop = case(grey8, soft)
    assert (loop.total, loop.images_per_step) == (6, 10)
    for step, position in enumerate([0, 1, 0, 1, 0, 1]):
        images = torch.stack([loop.images[2 * label + position] for label in range(10)])
        labels = torch.stack([loop.labels[2 * label + position] for label in range(10)])
        gradients = torch.autograd.grad(
            functional.cross_entropy(network(images), labels), list(network.parameters())
        )
        with torch.no_grad():
            for weight, gradient in zip(network.parameters(), gradients, strict=True):
                weight -= loop.rates[step] * gradient
    engine.run(loop, loop.total, Context(), "ordered")
    for ours, literal in zip(other.parameters(), network.parameters(), strict=True):
        assert torch.allclose(ours, literal, atol=1e-6)


def test_stopped_and_resumed_is_the_same_training(grey8: ClassData, tmp_path: Path) -> None:
    whole, loop = case(grey8)
    engine.run(loop, loop.total, Context(), "ordered")
    done: list[Progress] = []
    stopping = Context(folder=tmp_path, progress=done.append, stop=lambda: len(done) >= 4)
    with pytest.raises(Interrupted, match="ordered: stopped at step 4 of 6"):
        engine.run(case(grey8)[1], 6, stopping, "ordered")
    network, again = case(grey8)
    engine.run(again, 6, Context(folder=tmp_path), "ordered")
    assert all(
        torch.equal(a, b) for a, b in zip(network.parameters(), whole.parameters(), strict=True)
    )


@pytest.mark.parametrize(("images", "rates", "epochs"), [(20, 5, 3), (20, 2, 3), (20, 9, 3)])
def test_rates_must_fit_images_and_passes(
    grey8: ClassData, images: int, rates: int, epochs: int
) -> None:
    network = networks.build(SPEC, grey8.shape, 10, torch.Generator())
    with pytest.raises(
        UsageError,
        match=rf"an ordered set of {images} images has {rates} learning rates for {epochs} passes",
    ):
        OrderedLoop(
            network,
            torch.zeros(images, 1, 8, 8),
            torch.zeros(images).long(),
            torch.zeros(rates),
            epochs,
        )
