"""Optimiser, schedule and mixing of an evaluation against torch's own, step by step."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.networks import build
from condensers.networks.convnet import ConvNetSpec
from condensers.parts.augmentations.cutmix import cutmix
from condensers.parts.augmentations.dsa import Siamese
from condensers.parts.augmentations.mixup import mixup
from condensers.training.batched import train_together
from condensers.training.classifier import Training, TrainingLoop, train
from condensers.training.losses import soften

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
    assert sum(mixed) / 400 == pytest.approx(0.5, abs=0.08)
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


def test_restarts_are_those_of_gdumbs_code() -> None:
    """Its loop, over torch's schedule: an epoch at a tenth, one at the rate, then restarts."""
    recipe = Training(lr=0.05, lowest_lr=0.0005, schedule="restarts")
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        optimiser, T_0=1, T_mult=2, eta_min=0.0005
    )
    for epoch in range(40):
        if epoch == 0:
            optimiser.param_groups[0]["lr"] = 0.05 * 0.1
        elif epoch == 1:
            optimiser.param_groups[0]["lr"] = 0.05
        else:
            schedule.step()
        wanted = optimiser.param_groups[0]["lr"]
        for step in range(3):
            assert recipe.rate(3 * epoch + step, 120, 3) == pytest.approx(wanted, rel=1e-9)


def test_a_cosine_ends_near_its_lowest_rate() -> None:
    recipe = Training(lr=0.1, lowest_lr=0.01, schedule="cosine")
    assert recipe.rate(0, 10) == pytest.approx(0.1)
    assert recipe.rate(5, 10) == pytest.approx(0.055)
    assert recipe.rate(10, 10) == pytest.approx(0.01)


def test_steps_of_gdumbs_training_are_torchs(grey8: ClassData) -> None:
    """Restarts, clipping and momentum, against a loop of torch's own pieces."""
    recipe = Training(
        epochs=8, lr=0.5, batch=100, schedule="restarts", lowest_lr=0.005, clip=0.3, drop=False
    )
    ours, theirs = small(), small()
    train(ours, grey8.images, grey8.labels, recipe, grey8, Context(seed=1), "ours")
    generator = Context(seed=1).generator
    optimiser = torch.optim.SGD(theirs.parameters(), lr=0.5, momentum=0.9, weight_decay=5e-4)
    cut = 0
    for epoch in range(8):
        order = torch.randperm(200, generator=generator)
        optimiser.param_groups[0]["lr"] = recipe.rate(2 * epoch, 16, 2)
        for chosen in order.split(100):
            loss = functional.cross_entropy(
                theirs(grey8.normalise(grey8.images[chosen])), grey8.labels[chosen]
            )
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            cut += float(torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.3)) > 0.3
            optimiser.step()
    assert cut > 0
    torch.testing.assert_close(weights(ours), weights(theirs), atol=1e-5, rtol=1e-4)


def test_networks_trained_as_one_are_clipped_each_by_itself(grey8: ClassData) -> None:
    recipe = Training(steps=4, batch=200, lr=0.1, clip=0.05)
    spec = ConvNetSpec(depth=1, width=4)
    alone, together = (
        [build(spec, grey8.shape, 10, torch.Generator().manual_seed(i)) for i in range(3)]
        for _ in range(2)
    )
    for network in alone:
        train(network, grey8.images, grey8.labels, recipe, grey8, Context(seed=1), "alone")
    train_together(together, grey8.images, grey8.labels, recipe, grey8, Context(seed=1), "one")
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(weights(one), weights(other), atol=1e-5, rtol=1e-4)


def scheduled(kind: str, epochs: int) -> list[float]:
    """The rates of torch's scheduler, epoch by epoch, as the authors' code steps it."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.04)
    kinds = torch.optim.lr_scheduler
    schedule: torch.optim.lr_scheduler.LRScheduler
    if kind == "idc":
        milestones = [2 * epochs // 3, 5 * epochs // 6]
        schedule = kinds.MultiStepLR(optimiser, milestones, 0.2)
    elif kind == "step":
        schedule = kinds.StepLR(optimiser, epochs // 2, 0.1)
    else:
        schedule = kinds.LambdaLR(
            optimiser, lambda epoch: 0.5 * (1.0 + math.cos(math.pi * epoch / epochs / 2))
        )
    found = []
    for _ in range(epochs):
        found.append(float(optimiser.param_groups[0]["lr"]))
        optimiser.step()
        schedule.step()
    return found


@pytest.mark.parametrize("epochs", [6, 10, 300])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("idc", {"schedule": "milestones", "milestones": (2 / 3, 5 / 6), "gamma": 0.2}),
        ("step", {"schedule": "milestones"}),
        ("half", {"schedule": "half-cosine"}),
    ],
)
def test_rates_are_those_of_published_schedules(
    kind: str, options: dict[str, Any], epochs: int
) -> None:
    recipe = Training(epochs=epochs, lr=0.04, **options)
    per_epoch = 3
    ours = [recipe.rate(step, epochs * per_epoch, per_epoch) for step in range(epochs * per_epoch)]
    assert ours == pytest.approx([rate for rate in scheduled(kind, epochs) for _ in range(3)])


def test_milestones_of_a_length_in_steps() -> None:
    recipe = Training(steps=7, schedule="milestones", lr=1.0)
    assert [recipe.rate(step, 7, 4) for step in range(7)] == pytest.approx([1.0] * 3 + [0.1] * 4)


def test_dsa_is_applied_as_the_options_say(grey8: ClassData) -> None:
    recipe = Training(augmentation="dsa", dsa_mode="together", dsa_strategy="color_crop_cutout")
    loop = TrainingLoop(small(), grey8.images, grey8.labels, recipe, grey8, Context())
    assert loop.augmentation == Siamese("color_crop_cutout", "together").for_data(grey8)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mix_probability": 1.5}, "mix_probability: 1.5 is not between 0 and 1"),
        ({"milestones": (2.0,)}, "milestones"),
        ({"temperature": 0.0}, "temperature: 0.0 is not above 0"),
        ({"dsa_strategy": "colour"}, "unknown family 'colour'"),
    ],
)
def test_options_without_a_meaning_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Training(**options)


@pytest.mark.parametrize("name", ["kl", "soft-cross-entropy", "mse+cross-entropy"])
def test_steps_of_dd_rankings_soft_training_are_torchs(grey8: ClassData, name: str) -> None:
    """AdamW along half a cosine, stepped by epochs; a teacher's logits as labels."""
    epochs, heat = 4, 20.0
    scores = 5 * torch.randn(200, 10, generator=torch.Generator().manual_seed(3))
    onehot = functional.one_hot(grey8.labels, 10).float()
    recipe = Training(
        epochs=epochs,
        lr=0.005,
        optimiser="adamw",
        weight_decay=0.01,
        schedule="half-cosine",
        loss=name,
        temperature=heat,
    )
    ours, theirs = small(), small()
    mixed = name == "mse+cross-entropy"
    labels = torch.cat([scores, onehot], 1) if mixed else soften(scores, heat)
    train(ours, grey8.images, labels, recipe, grey8, Context(), "ours")
    optimiser = torch.optim.AdamW(theirs.parameters(), lr=0.005, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda epoch: 0.5 * (1.0 + math.cos(math.pi * epoch / epochs / 2))
    )
    for _ in range(epochs):
        found = theirs(grey8.normalise(grey8.images))
        if mixed:
            loss = (found - scores).square().mean() + 0.025 * functional.cross_entropy(
                found, grey8.labels
            )
        else:
            loss = -((scores / heat).softmax(1) * (found / heat).log_softmax(1)).sum(1).mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
    torch.testing.assert_close(weights(ours), weights(theirs), atol=1e-5, rtol=1e-4)
