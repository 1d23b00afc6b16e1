"""precision "bf16" changes what is computed from real images a little, and what is learned stays in
float32.
"""

import pytest
import torch

from condensers.composition.initialisation import starting_images
from condensers.composition.matching_loop import CondensationLoop
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.networks import build
from condensers.parts.objectives.gradient import gradients
from condensers.parts.setting import RunSetting
from condensers.registry.registry import create_condenser
from condensers.training.classifier import Training, accuracy, train

NETWORK = {"name": "convnet", "depth": 2, "width": 16}


def loss_and_gradient(name: str, precision: str, data: ClassData) -> tuple[float, torch.Tensor]:
    """Of the first step of a method on the images (ipc 3)."""
    method = create_condenser(
        {"name": name, "network": NETWORK, "batch_real": 6, "init": "real", "precision": precision}
    )
    per_class = method.images_per_class(data, 3)
    setting = RunSetting(
        data, method.network, method.augmentation.for_data(data), Context(seed=1), 3, per_class
    )
    loop = CondensationLoop(
        method, setting, starting_images(data, per_class, "real", setting.generator)
    )
    return loop.step(0), loop.set.groups["images"].grad


@pytest.mark.parametrize("name", ["dm", "dc", "dsa", "cafe", "idc"])
def test_a_step_in_bfloat16_is_near_that_in_float32(name: str, grey8: ClassData) -> None:
    exact, near = loss_and_gradient(name, "fp32", grey8), loss_and_gradient(name, "bf16", grey8)
    assert near[1].dtype == torch.float32
    assert 0 < abs(near[0] - exact[0]) < 0.05 * abs(exact[0])
    cosine = torch.nn.functional.cosine_similarity(near[1].flatten(), exact[1].flatten(), dim=0)
    assert 0.9 < cosine < 1 - 1e-7


def test_training_in_bfloat16_learns_as_well_and_keeps_weights_in_float32(grey8: ClassData) -> None:
    found = {}
    for precision in ("fp32", "bf16"):
        context = Context(seed=3)
        network = build(NETWORK, grey8.shape, len(grey8.class_names), context.generator)
        recipe = Training(epochs=60, lr=0.05, precision=precision)
        train(network, grey8.images, grey8.labels, recipe, grey8, context, "t")
        found[precision] = network, accuracy(network, grey8, products=precision)
    (exact, first), (near, second) = found["fp32"], found["bf16"]
    assert all(p.dtype == torch.float32 for p in near.parameters())
    assert not torch.equal(exact.classifier.weight, near.classifier.weight)
    assert first > 60 and abs(first - second) < 25


def test_the_precision_ends_with_the_step(grey8: ClassData) -> None:
    network = build(NETWORK, grey8.shape, len(grey8.class_names), torch.Generator().manual_seed(1))
    images = grey8.normalise(grey8.images[:4])
    before = gradients(network, images, 0, create_graph=False)
    loss_and_gradient("dsa", "bf16", grey8)
    assert all(
        torch.equal(a, b)
        for a, b in zip(before, gradients(network, images, 0, create_graph=False), strict=True)
    )


def test_the_same_seed_gives_the_same_bytes_in_bfloat16(grey8: ClassData) -> None:
    assert torch.equal(
        loss_and_gradient("dm", "bf16", grey8)[1], loss_and_gradient("dm", "bf16", grey8)[1]
    )


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(UsageError, match="fp16"):
        create_condenser({"name": "dm", "precision": "fp16"})
