"""The one training routine: its steps against plain arithmetic, its schedule, its augmentation, and
that it learns.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted
from condensers.parts.augmentations.base import Draw
from condensers.parts.augmentations.dsa import Siamese
from condensers.training.classifier import Training, TrainingLoop, accuracy, predict, train

SMALL = {"name": "convnet", "depth": 2, "width": 8}


def network_for(data: ClassData, spec: Any = SMALL) -> nn.Module:
    return networks.build(spec, data.shape, len(data.class_names), torch.Generator().manual_seed(0))


def weights(network: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def rates(recipe: Training, data: ClassData) -> list[float]:
    """The learning rate of each step."""
    loop = TrainingLoop(network_for(data, "mlp"), data.images, data.labels, recipe, data, Context())
    found = []
    for index in range(loop.total):
        loop.step(index)
        found.append(loop.optimiser.param_groups[0]["lr"])
    return found


def test_published_defaults() -> None:
    assert Training() == Training(300, 0.01, 0.9, 256, "none", None, weight_decay=5e-4)


@pytest.mark.parametrize(("epochs", "at_full_rate"), [(8, 5), (9, 5), (3, 2)])
def test_the_rate_drops_after_half_of_the_epochs(
    epochs: int, at_full_rate: int, grey8: ClassData
) -> None:
    """Epoch E // 2 + 1, counted from 0, is the first with a tenth of the rate."""
    found = rates(Training(epochs=epochs, batch=80), grey8)
    assert len(found) == 3 * epochs
    assert found == [0.01] * (3 * at_full_rate) + [0.001] * (3 * (epochs - at_full_rate))


def test_steps_override_epochs(grey8: ClassData) -> None:
    seen: list[Progress] = []
    recipe = Training(epochs=300, batch=80, steps=7)
    trained = train(
        network_for(grey8),
        grey8.images,
        grey8.labels,
        recipe,
        grey8,
        Context(progress=seen.append),
        "part",
    )
    assert [event.done for event in seen] == list(range(1, 8))
    assert {(event.name, event.total) for event in seen} == {("part", 7)}
    assert trained.images == 2 * 200 + 80
    assert trained.seconds > 0
    assert rates(Training(batch=80, steps=12), grey8) == [0.01] * 6 + [0.001] * 6


def test_training_is_sgd_with_momentum_that_starts_anew_at_the_drop(grey8: ClassData) -> None:
    """v <- 0.9 v + g + 5e-4 w, w <- w - lr v, written out; v is zero again when the rate drops."""
    images, labels = grey8.normalise(grey8.images[:50]), grey8.labels[:50]
    ours, literal = network_for(grey8), network_for(grey8)
    begin = weights(ours)
    train(
        ours,
        grey8.images[:50],
        labels,
        Training(epochs=4, batch=20),
        grey8,
        Context(seed=3),
        "training",
    )

    draw = torch.Generator().manual_seed(3)
    velocity = [torch.zeros_like(w) for w in literal.parameters()]
    for epoch in range(4):
        if epoch == 3:
            velocity = [torch.zeros_like(w) for w in literal.parameters()]
        order = torch.randperm(50, generator=draw)
        for first in (0, 20, 40):
            chosen = order[first : first + 20]
            z = literal(images[chosen])
            loss = (z.logsumexp(1) - z[torch.arange(len(chosen)), labels[chosen]]).mean()
            gradients = torch.autograd.grad(loss, list(literal.parameters()))
            with torch.no_grad():
                for w, v, g in zip(literal.parameters(), velocity, gradients, strict=True):
                    v.mul_(0.9).add_(g + 5e-4 * w)
                    w.sub_((0.001 if epoch == 3 else 0.01) * v)
    assert (weights(ours) - weights(literal)).norm() / (weights(literal) - begin).norm() < 1e-3


def test_uint8_and_normalised_images_train_alike_and_hard_labels_are_soft_ones(
    grey8: ClassData,
) -> None:
    found = []
    for images, labels in (
        (grey8.images, grey8.labels),
        (grey8.normalise(grey8.images), grey8.labels),
        (grey8.images, nn.functional.one_hot(grey8.labels, 10).float()),
    ):
        network = network_for(grey8)
        train(network, images, labels, Training(epochs=1, batch=64), grey8, Context(), "training")
        found.append(weights(network))
    assert torch.equal(found[0], found[1])
    assert torch.allclose(found[0], found[2], atol=1e-6)


def test_accuracy_against_a_count_by_hand(grey8: ClassData) -> None:
    class Constant(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.eye(10)[torch.where(x.flatten(1).mean(1) > 0, 3, 6)]

    network = Constant()
    means = grey8.normalise(grey8.images).flatten(1).mean(1).tolist()
    right = sum(
        (3 if m > 0 else 6) == label for m, label in zip(means, grey8.labels.tolist(), strict=True)
    )
    assert 0 < right < 200
    for batch in (1, 7, 256):
        assert accuracy(network, grey8, batch) == pytest.approx(100 * right / 200)


def test_prediction_is_in_evaluation_mode_and_in_order(grey8: ClassData) -> None:
    network = network_for(grey8, {**SMALL, "norm": "batch"}).train()
    whole = predict(network, grey8, batch=200)
    assert not network.training
    assert whole.shape == (200, 10)
    assert not whole.requires_grad
    assert torch.allclose(predict(network, grey8, batch=3), whole, atol=1e-5)


def test_every_image_of_a_batch_is_augmented_on_its_own(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws: list[Draw] = []
    original = Siamese.draw

    def noting(
        self: Siamese, n: int, shape: tuple[int, int, int], generator: torch.Generator
    ) -> Draw:
        draws.append(original(self, n, shape, generator))
        return draws[-1]

    monkeypatch.setattr(Siamese, "draw", noting)
    recipe = Training(epochs=20, batch=64, augmentation="dsa")
    train(
        network_for(grey8, "mlp"), grey8.images, grey8.labels, recipe, grey8, Context(), "training"
    )
    assert [len(draw.params) for draw in draws] == [64, 64, 64, 8] * 20
    assert all(len(draw.params.unique(dim=0)) > 1 for draw in draws)
    assert {draw.family for draw in draws} == {
        "color",
        "crop",
        "cutout",
        "scale",
        "rotate",
    }, "digits are not mirrored"


@pytest.mark.parametrize("augmentation", ["none", "dsa"])
def test_an_easy_task_is_learned(augmentation: str, make_data: Callable[..., ClassData]) -> None:
    seen, held_out = (make_data((1, 8, 8), 5, 20, seed=seed) for seed in (0, 1))
    network = network_for(seen)
    before = accuracy(network, held_out)
    train(
        network,
        seen.images,
        seen.labels,
        Training(epochs=25, batch=50, augmentation=augmentation),
        seen,
        Context(),
        "training",
    )
    assert before < 50
    assert accuracy(network, held_out) > 85


def test_the_generator_of_the_context_decides_everything(grey8: ClassData) -> None:
    found = []
    recipe = Training(epochs=2, batch=64, augmentation="dsa")
    before = torch.get_rng_state()
    for seed in (1, 1, 2):
        network = network_for(grey8)
        train(network, grey8.images, grey8.labels, recipe, grey8, Context(seed=seed), "training")
        found.append(weights(network))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    "stop", [2, 8, 12, 14], ids=["in an epoch", "between epochs", "at the drop", "after the drop"]
)
def test_interrupted_and_resumed_equals_uninterrupted(
    stop: int, grey8: ClassData, tmp_path: Path
) -> None:
    recipe = Training(epochs=4, batch=60, augmentation="dsa")
    spec = {**SMALL, "norm": "batch"}

    def run(context: Context) -> nn.Module:
        network = network_for(grey8, spec)
        train(network, grey8.images, grey8.labels, recipe, grey8, context, "training")
        return network

    whole = run(Context(seed=2)).state_dict()
    done: list[Progress] = []
    with pytest.raises(Interrupted, match=f"training: stopped at step {stop} of 16"):
        run(Context(seed=2, folder=tmp_path, progress=done.append, stop=lambda: len(done) >= stop))
    resumed = run(Context(seed=2, folder=tmp_path)).state_dict()
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
