"""Contrast between classes and between views against their equations in loops; single images; the
one generator.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.augmentations.dsa import Siamese
from condensers.parts.objectives.base import Pair
from condensers.parts.regularisers.contrastive import Contrastive, SimCLR
from condensers.parts.setting import RunSetting
from tests.condensers.parts.regularisers.cases import TOLERANCES, agree, case

NO_SETTING: Any = None  # these terms draw nothing


def embedded(network: nn.Module, image: Tensor) -> Tensor:
    z = network.embed(image[None])[0]
    return z / (z * z).sum().sqrt()


def literal_contrastive(
    network: nn.Module, pairs: list[Pair], temperature: float, real: bool
) -> Tensor:
    items = [(embedded(network, image), pair.label) for pair in pairs for image in pair.synthetic]
    anchors = len(items)
    if real:
        items += [
            (embedded(network, image).detach(), pair.label) for pair in pairs for image in pair.real
        ]
    total = torch.zeros((), dtype=pairs[0].real.dtype)
    for i in range(anchors):
        others = [a for a in range(len(items)) if a != i]
        below = sum(torch.exp((items[i][0] * items[a][0]).sum() / temperature) for a in others)
        positives = [p for p in others if items[p][1] == items[i][1]]
        for p in positives:
            total = total - torch.log(
                torch.exp((items[i][0] * items[p][0]).sum() / temperature) / below
            ) / len(positives)
    return total / anchors


@pytest.mark.parametrize(("synthetic", "real"), [(2, True), (2, False), (3, False), (1, True)])
@pytest.mark.parametrize(("dtype", "for_loss", "for_gradient"), TOLERANCES)
def test_supervised_contrast(
    dtype: torch.dtype, for_loss: float, for_gradient: float, synthetic: int, real: bool
) -> None:
    network, pairs = case(dtype, synthetic=synthetic)
    ours = Contrastive(temperature=0.2, real=real).loss(network, pairs, NO_SETTING)
    agree(ours, literal_contrastive(network, pairs, 0.2, real), pairs, for_loss, for_gradient)


@pytest.mark.parametrize("classes", [1, 3])
def test_images_without_a_positive_contribute_nothing(classes: int) -> None:
    network, pairs = case(torch.float64, synthetic=1)
    loss = Contrastive(real=False).loss(network, pairs[:classes], NO_SETTING)
    assert loss.item() == 0
    assert all(
        not g.any() for g in torch.autograd.grad(loss, [pair.synthetic for pair in pairs[:classes]])
    )


def test_contrast_is_least_where_classes_lie_apart() -> None:
    network, pairs = case(torch.float64)
    mixed = Contrastive().loss(network, pairs, NO_SETTING)
    apart = [
        pair._replace(
            real=pair.synthetic.detach()[:1], synthetic=pair.synthetic[:1].expand(2, -1, -1, -1)
        )
        for pair in pairs
    ]
    assert Contrastive().loss(network, apart, NO_SETTING) < mixed


def setting_of(data: ClassData, seed: int) -> RunSetting:
    return RunSetting(data, "convnet", "none", Context(seed=seed), 2, 2)


def grey(make_data: Callable[..., ClassData]) -> ClassData:
    return make_data((1, 8, 8), 5, 2)


def literal_simclr(
    network: nn.Module, pairs: list[Pair], generator: torch.Generator, temperature: float
) -> Tensor:
    images = torch.cat([pair.synthetic for pair in pairs])
    augmentation = Siamese(strategy="color_crop_cutout_scale_rotate")
    views = []
    for _ in range(2):
        draw = augmentation.draw(len(images), (1, 8, 8), generator)
        views += [embedded(network, view) for view in augmentation.apply(images, draw)]
    total = torch.zeros((), dtype=images.dtype)
    for i, view in enumerate(views):
        partner = (i + len(images)) % len(views)
        below = sum(
            torch.exp((view * other).sum() / temperature) for k, other in enumerate(views) if k != i
        )
        total = total - torch.log(torch.exp((view * views[partner]).sum() / temperature) / below)
    return total / len(views)


@pytest.mark.parametrize("seed", range(3))
def test_instance_contrast(seed: int, make_data: Callable[..., ClassData]) -> None:
    network, pairs = case(torch.float64)
    setting = setting_of(grey(make_data), seed)
    literal = literal_simclr(network, pairs, Context(seed=seed).generator, 0.5)
    agree(SimCLR().loss(network, pairs, setting), literal, pairs, 1e-11, 1e-9)


def test_a_single_image_has_nothing_to_be_told_from(make_data: Callable[..., ClassData]) -> None:
    network, pairs = case(torch.float64, synthetic=1)
    assert SimCLR().loss(network, pairs[:1], setting_of(grey(make_data), 0)).item() == 0
    assert SimCLR().loss(network, pairs, setting_of(grey(make_data), 0)).item() > 0


def test_views_are_drawn_from_the_runs_generator_alone(make_data: Callable[..., ClassData]) -> None:
    network, pairs = case(torch.float64)
    setting = setting_of(grey(make_data), 4)
    first, second = (SimCLR().loss(network, pairs, setting).item() for _ in range(2))
    again = SimCLR().loss(network, pairs, setting_of(grey(make_data), 4)).item()
    assert first == again
    assert first != second


@pytest.mark.parametrize("term", ["contrastive", "simclr"])
def test_networks_with_batch_norm_give_finite_gradients(
    term: str, make_data: Callable[..., ClassData]
) -> None:
    network, pairs = case(torch.float32, norm="batch")
    setting = setting_of(grey(make_data), 0)
    loss = (
        Contrastive().loss(network, pairs, NO_SETTING)
        if term == "contrastive"
        else SimCLR().loss(network, pairs, setting)
    )
    gradients = torch.autograd.grad(loss, [pair.synthetic for pair in pairs])
    assert all(bool(g.isfinite().all()) and g.abs().sum() > 0 for g in gradients)


@pytest.mark.parametrize("name", ["discriminative", "contrastive", "simclr"])
def test_what_joins_classes_is_refused_class_by_class(
    name: str, tiny: Callable[[str], dict[str, Any]]
) -> None:
    from condensers.errors import UsageError
    from condensers.registry.registry import create_condenser

    with pytest.raises(
        UsageError,
        match=f"{name} is one loss of all classes, which update 'class' would tear apart",
    ):
        create_condenser(tiny("idc") | {"regularisers": [name]})
    create_condenser(tiny("idc") | {"regularisers": [name], "update": "all"})
