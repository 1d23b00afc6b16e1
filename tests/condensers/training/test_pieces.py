"""Steps on large images take them in pieces, and are those of all at once."""

from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torch import Tensor

from condensers import networks
from condensers.composition import matching_loop
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.registry.registry import create_condenser
from condensers.sets.budget import Budget
from condensers.training import classifier
from condensers.training.classifier import Training, TrainingLoop


def trained(
    data: ClassData, recipe: Training, norm: str = "instance"
) -> tuple[list[Tensor], Tensor]:
    """The weights after two steps, and the logits of the last."""
    context = Context(seed=3)
    spec = {"name": "convnet", "width": 8, "depth": 2, "norm": norm}
    classes = len(data.class_names)
    network = networks.build(spec, data.shape, classes, context.generator, data.device)
    loop = TrainingLoop(network, data.images, data.labels, recipe, data, context)
    for index in range(2):
        loop.step(index)
    return [parameter.detach() for parameter in network.parameters()], loop.seen[1]


@pytest.mark.parametrize("loss", ["cross-entropy", "mse", "binary"])
def test_a_step_in_pieces_is_that_of_the_batch(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch, loss: str
):
    recipe = Training(epochs=2, batch=50, loss=loss, augmentation="dsa")
    whole, logits = trained(grey8, recipe)
    monkeypatch.setattr(classifier, "PIXELS_AT_ONCE", 7 * 64)
    pieces, theirs = trained(grey8, recipe)
    assert logits.shape == theirs.shape == (50, 10)
    assert torch.allclose(logits, theirs, atol=1e-4)
    for one, other in zip(whole, pieces, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_batch_norm_sees_the_whole_batch(grey8: ClassData, monkeypatch: pytest.MonkeyPatch):
    recipe = Training(epochs=2, batch=50)
    whole, _ = trained(grey8, recipe, "batch")
    monkeypatch.setattr(classifier, "PIXELS_AT_ONCE", 7 * 64)
    pieces, _ = trained(grey8, recipe, "batch")
    assert all(torch.equal(one, other) for one, other in zip(whole, pieces, strict=True))


def test_classes_in_portions_learn_the_same_images(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
):
    method = create_condenser({"name": "dm", "iterations": 2, "batch_real": 8})
    seen: list[int] = []
    count = matching_loop.CondensationLoop._classes_at_once

    def counted(loop: matching_loop.CondensationLoop) -> int:
        seen.append(count(loop))
        return seen[-1]

    monkeypatch.setattr(matching_loop.CondensationLoop, "_classes_at_once", counted)
    whole = method.condense(grey8, Budget(ipc=2), Context(seed=1)).decode()[0]
    monkeypatch.setattr(matching_loop, "SMALL_AT_ONCE", (1024, 24))
    portions = method.condense(grey8, Budget(ipc=2), Context(seed=1)).decode()[0]
    assert seen == [512, 512, 3, 3]
    assert torch.allclose(whole, portions, atol=1e-4)


def test_large_images_share_a_pass_in_small_portions():
    sizes = []
    for side in (28, 32, 64, 224, 4096):
        setting = SimpleNamespace(shape=(3, side, side), per_class=1)
        run = SimpleNamespace(setting=setting, method=SimpleNamespace(batch_real=256))
        loop = cast(matching_loop.CondensationLoop, run)
        sizes.append(matching_loop.CondensationLoop._classes_at_once(loop))
    assert sizes == [128, 128, 16, 1, 1]
