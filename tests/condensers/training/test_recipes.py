"""Optimiser, schedule and mixing of an evaluation against torch's own, step by step."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.augmentations.cutmix import cutmix
from condensers.parts.augmentations.mixup import mixup
from condensers.training.classifier import MIX_PROBABILITY, Training, TrainingLoop, train

STEPS = 6


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def weights(network: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def test_adamw_with_cosine_is_torchs(grey8: ClassData) -> None:
    recipe = Training(
        lr=0.003, weight_decay=0.02, batch=200, steps=STEPS, optimiser="adamw", schedule="cosine"
    )
    ours, theirs = small(), small()
    train(ours, grey8.images, grey8.labels, recipe, grey8, Context(seed=1), "ours")
    optimiser = torch.optim.AdamW(theirs.parameters(), lr=0.003, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    images = grey8.normalise(grey8.images)  # one batch: its order makes no difference
    for _ in range(STEPS):
        loss = functional.cross_entropy(theirs(images), grey8.labels)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
    torch.testing.assert_close(weights(ours), weights(theirs), atol=1e-5, rtol=1e-4)


def test_the_default_is_what_it_was(grey8: ClassData) -> None:
    """SGD whose rate falls to a tenth at half of the steps; nothing is drawn for mixing."""
    recipe = Training(batch=50, steps=STEPS)
    ours, theirs = small(), small()
    train(ours, grey8.images, grey8.labels, recipe, grey8, Context(seed=1), "ours")
    generator = Context(seed=1).generator
    for step in range(STEPS):
        if step % 4 == 0:
            order = torch.randperm(200, generator=generator)
        if step in (0, STEPS // 2):
            rate = 0.01 if step == 0 else 0.001
            optimiser = torch.optim.SGD(
                theirs.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4
            )
        chosen = order[step % 4 * 50 : (step % 4 + 1) * 50]
        images = grey8.normalise(grey8.images[chosen])
        loss = functional.cross_entropy(theirs(images), grey8.labels[chosen])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    torch.testing.assert_close(weights(ours), weights(theirs), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("name", "mix"), [("cutmix", cutmix), ("mixup", mixup)])
def test_half_of_the_steps_are_mixed(grey8: ClassData, name: str, mix: object) -> None:
    recipe = Training(batch=200, steps=40, mix=name)
    loop = TrainingLoop(small(), grey8.images, grey8.labels, recipe, grey8, Context(seed=0))
    mixed = [loop._mix(torch.ones(4, 1, 8, 8), torch.arange(4))[1].ndim == 2 for _ in range(400)]
    assert sum(mixed) / 400 == pytest.approx(MIX_PROBABILITY, abs=0.08)
    before = float(loop.step(0))
    for index in range(1, 40):
        after = float(loop.step(index))
    assert after < before


def test_a_regressed_class_is_mixed_as_what_it_is_regressed_on(grey8: ClassData) -> None:
    recipe = Training(batch=200, steps=1, mix="mixup", loss="mse")
    loop = TrainingLoop(small(), grey8.images, grey8.labels, recipe, grey8, Context(seed=0))
    soft = [loop._mix(torch.ones(4, 1, 8, 8), torch.arange(4))[1] for _ in range(20)]
    sums = [labels.sum(1) for labels in soft if labels.ndim == 2]
    assert sums and all(torch.allclose(each, torch.zeros(4), atol=1e-6) for each in sums)


def test_an_interrupted_training_goes_on_to_the_same_weights(grey8: ClassData) -> None:
    recipe = Training(batch=50, steps=8, optimiser="adamw", schedule="cosine", mix="cutmix")
    whole, first, second = (
        TrainingLoop(small(), grey8.images, grey8.labels, recipe, grey8, Context(seed=2))
        for _ in range(3)
    )
    for index in range(8):
        whole.step(index)
    for index in range(5):
        first.step(index)
    second.load_state_dict(first.state_dict())
    second.generator.set_state(first.generator.get_state())
    for index in range(5, 8):
        second.step(index)
    torch.testing.assert_close(weights(second.network), weights(whole.network))
