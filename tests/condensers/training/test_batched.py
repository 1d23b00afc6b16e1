"""Training together against training one by one: where the draws are the same the weights are, and
what was stopped goes on.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted
from condensers.networks import build
from condensers.networks.batched import NetworkStack
from condensers.training.batched import accuracies, groups, train_together
from condensers.training.classifier import Training, TrainingLoop, accuracy, predict, train

SMALL = {"name": "convnet", "depth": 2, "width": 8}
COUNT = 3


def networks(data: ClassData, double: bool = False) -> list[nn.Module]:
    found = [
        build(SMALL, data.shape, len(data.class_names), torch.Generator().manual_seed(i))
        for i in range(COUNT)
    ]
    return [network.double() if double else network for network in found]


def weights(network: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


RECIPES = {
    "epochs, several batches": Training(epochs=4, batch=30),
    "augmented": Training(epochs=3, batch=30, augmentation="dsa"),
    "steps, no drop": Training(steps=7, batch=40, drop=False),
    "plain descent on squares": Training(
        epochs=2, batch=80, momentum=0.0, weight_decay=0.0, lr=0.001, loss="mse"
    ),
}


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
@pytest.mark.parametrize("name", RECIPES)
def test_a_whole_training_is_that_of_each_network_on_the_same_batches(
    name: str, soft: bool, grey8: ClassData
) -> None:
    """With a context of the same seed for every network: the draws are then those of the group.

    In float64, which DSA's augmentation cannot do.
    """
    double = RECIPES[name].augmentation == "none"
    images, labels = grey8.normalise(grey8.images[:70]), grey8.labels[:70]
    if soft:
        labels = torch.softmax(
            3 * torch.randn(70, 10, generator=torch.Generator().manual_seed(2)), 1
        )
    if double:
        images, labels = images.double(), labels.double() if soft else labels
    alone, together = networks(grey8, double), networks(grey8, double)
    start = [weights(network) for network in alone]
    found = train_together(together, images, labels, RECIPES[name], grey8, Context(seed=3), "here")
    each = [
        train(network, images, labels, RECIPES[name], grey8, Context(seed=3), "here")
        for network in alone
    ]
    for before, ours, theirs in zip(start, together, alone, strict=True):
        assert (weights(ours) - weights(theirs)).norm() < (1e-9 if double else 1e-3) * (
            weights(theirs) - before
        ).norm()
    assert found.images == sum(one.images for one in each)


def test_the_losses_of_the_first_steps_in_float32(grey28: ClassData) -> None:
    recipe, labels = Training(epochs=5, augmentation="dsa"), grey28.labels
    loops = [
        TrainingLoop(n, grey28.images, labels, recipe, grey28, Context(seed=1))
        for n in networks(grey28)
    ]
    together = TrainingLoop(
        NetworkStack(networks(grey28)), grey28.images, labels, recipe, grey28, Context(seed=1)
    )
    for step in range(5):
        assert float(together.step(step)) == pytest.approx(
            float(sum(loop.step(step) for loop in loops)) / COUNT, rel=1e-5
        )


@pytest.mark.parametrize(
    "stop",
    [2, 8, 9, 14],
    ids=["in an epoch", "between epochs", "before the drop", "after the drop"],
)
def test_interrupted_and_resumed_equals_uninterrupted(
    stop: int, grey8: ClassData, tmp_path: Path
) -> None:
    recipe = Training(epochs=4, batch=60, augmentation="dsa")

    def run(context: Context) -> list[Tensor]:
        found = networks(grey8)
        train_together(found, grey8.images, grey8.labels, recipe, grey8, context, "training")
        return [weights(network) for network in found]

    whole = run(Context(seed=2))
    done: list[Progress] = []
    with pytest.raises(Interrupted, match=f"training: stopped at step {stop} of 16"):
        run(Context(seed=2, folder=tmp_path, progress=done.append, stop=lambda: len(done) >= stop))
    resumed = run(Context(seed=2, folder=tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(whole, resumed, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(whole, run(Context(seed=2)), strict=True))


def test_accuracies_are_those_of_each_network(grey8: ClassData) -> None:
    found = networks(grey8)
    train_together(
        found,
        grey8.images,
        grey8.labels,
        Training(epochs=8, batch=50),
        grey8,
        Context(),
        "training",
    )
    assert accuracies(found, grey8, 33) == [accuracy(network, grey8) for network in found]
    assert min(accuracies(found, grey8)) > 30
    assert len({predict(network, grey8).sum().item() for network in found}) == COUNT


@pytest.mark.parametrize(
    ("spec", "count", "batch", "wanted"),
    [
        ({"width": 8}, 5, 10, [5]),
        ({"width": 8}, 40, 10, [32, 8]),
        ({"width": 8}, 20, 100, [8, 8, 4]),
        ({"width": 16}, 40, 25, [16, 16, 8]),
        ({"width": 16, "norm": "group"}, 17, 10, [16, 1]),
        ({"width": 32}, 20, 10, [8, 8, 4]),
        ({"width": 32}, 2, 256, [1, 1]),
        ({"width": 33}, 3, 10, [1, 1, 1]),
        ({}, 3, 10, [1, 1, 1]),
        ({"width": 8, "norm": "batch"}, 2, 10, [1, 1]),
        ({"name": "mlp"}, 2, 10, [1, 1]),
    ],
)
def test_which_networks_are_trained_together(
    spec: dict[str, Any], count: int, batch: int, wanted: list[int]
) -> None:
    found = groups({"name": "convnet"} | spec, count, batch)
    assert [len(group) for group in found] == wanted
    assert [index for group in found for index in group] == list(range(count))
