"""Recovery: SRe2L's and G-VBSM's losses against literal transcriptions of their equations."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.objectives.base import Whole
from condensers.parts.objectives.input_statistics import carry, measure, statistics_of
from condensers.parts.objectives.recovery import Recovery
from condensers.parts.setting import RunSetting
from condensers.registry.registry import create_condenser

RESNET = {"name": "resnet18", "width": 4, "norm": "batch"}
CONVNET = {"name": "convnet", "depth": 2, "width": 4, "norm": "batch"}


def network_of(spec: dict[str, object], data: ClassData) -> nn.Module:
    """A network whose batch norms have seen the data."""
    drawn = torch.Generator().manual_seed(0)
    network = networks.build(spec, data.shape, len(data.class_names), drawn)
    for part in torch.split(data.images, 50):
        network.train()(data.normalise(part))
    return network.eval()


def whole_of(data: ClassData, images: Tensor, seed: int = 0) -> Whole:
    setting = RunSetting(data, None, NoAugmentation(), Context(seed=seed), 1, 1)  # type: ignore[arg-type]
    each = len(images) // len(data.classes)
    labels = torch.tensor(data.classes).repeat_interleave(each)
    nothing = images[:0].detach()
    return Whole(images, labels, nothing, labels[:0], {}, setting.augment, setting)


def spread(values: Sequence[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    return mean, sum((value - mean) ** 2 for value in values) / len(values)


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)


def channels(read: Tensor) -> tuple[list[float], list[float]]:
    """Mean and variance of each channel, number by number."""
    found = [spread(read[:, c].flatten().tolist()) for c in range(read.shape[1])]
    return [mean for mean, _ in found], [variance for _, variance in found]


def patches(read: Tensor) -> tuple[list[float], list[float]]:
    """Mean and variance of each 4 x 4 patch over images, channels and positions."""
    rows, columns = (-(-side // 4) * 4 for side in read.shape[2:])
    read = functional.interpolate(read, size=(rows, columns), mode="bilinear")
    found = [
        spread(read[:, :, top : top + 4, left : left + 4].flatten().tolist())
        for top in range(0, rows, 4)
        for left in range(0, columns, 4)
    ]
    return [mean for mean, _ in found], [variance for _, variance in found]


def inputs_of(network: nn.Module, images: Tensor, kinds: tuple[type, ...]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    handles = [
        module.register_forward_hook(
            lambda _, given, out, name=name: found.__setitem__(name, given[0].detach().double())
        )
        for name, module in network.named_modules()
        if isinstance(module, kinds)
    ]
    with torch.no_grad():
        network(images)
    for handle in handles:
        handle.remove()
    return {name: found[name] for name, module in network.named_modules() if name in found}


@pytest.mark.parametrize("spec", [CONVNET, RESNET], ids=["convnet", "resnet"])
def test_the_loss_is_that_of_squeeze_recover_relabel(
    spec: dict[str, object], grey8: ClassData
) -> None:
    """CE + r_bn sum_l m_l (||var_l - running_var_l|| + ||mean_l - running_mean_l||)."""
    network = network_of(spec, grey8)
    images = torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    wanted = functional.cross_entropy(network(images), whole_of(grey8, images).labels).item()
    for number, (name, read) in enumerate(inputs_of(network, images, (nn.BatchNorm2d,)).items()):
        mean, variance = channels(read)
        layer = network.get_submodule(name)
        assert isinstance(layer, nn.BatchNorm2d)
        assert layer.running_mean is not None and layer.running_var is not None
        term = distance(mean, layer.running_mean.tolist())
        term += distance(variance, layer.running_var.tolist())
        wanted += 0.3 * (7.0 if number == 0 else 1.0) * term
    found = Recovery(weight=0.3, first=7.0).loss(network, whole_of(grey8, images))
    assert float(found) == pytest.approx(wanted, rel=1e-4)


def test_the_loss_with_all_statistics_is_that_of_generalised_matching(grey8: ClassData) -> None:
    """Convolutions beside: real means of batches' statistics of channels and of 4 x 4 patches."""
    data = grey8.restrict([0, 1])
    network, batch = network_of(RESNET, data), 16
    carry(network, measure(network, data, batch))
    kinds = (nn.BatchNorm2d, nn.Conv2d)
    real: dict[str, list[list[float]]] = {}
    for part in torch.split(data.images, batch):
        share = len(part) / len(data.images)
        for name, read in inputs_of(network, data.normalise(part), (nn.Conv2d,)).items():
            here = [[share * one for one in of] for of in (*channels(read), *patches(read))]
            old = real.get(name, [[0.0] * len(of) for of in here])
            real[name] = [
                [a + b for a, b in zip(x, y, strict=True)] for x, y in zip(old, here, strict=True)
            ]
    images = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    wanted = functional.cross_entropy(network(images), whole_of(data, images).labels).item()
    for number, (name, read) in enumerate(inputs_of(network, images, kinds).items()):
        layer = network.get_submodule(name)
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None and layer.running_var is not None
            others = [layer.running_mean.tolist(), layer.running_var.tolist()]
            term = sum(map(distance, channels(read), others))
        else:
            term = sum(map(distance, (*channels(read), *patches(read)), real[name]))
        wanted += 0.3 * (7.0 if number == 0 else 1.0) * term
    objective = Recovery(weight=0.3, first=7.0, statistics="all")
    assert float(objective.loss(network, whole_of(data, images))) == pytest.approx(wanted, rel=1e-4)


def test_sides_that_are_no_multiple_of_a_patch_are_enlarged() -> None:
    read = torch.randn(2, 3, 6, 7, generator=torch.Generator().manual_seed(2))
    found = statistics_of(read)
    mean, variance = patches(read.double())
    assert found.patch_mean.tolist() == pytest.approx(mean, abs=1e-5)
    assert found.patch_variance.tolist() == pytest.approx(variance, abs=1e-5)


def test_a_batch_holds_every_class_and_has_statistics_of_its_own(grey8: ClassData) -> None:
    network = network_of(CONVNET, grey8)
    images = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    by_class = images.view(10, 4, 1, 8, 8)
    parts = [by_class[:, :2].flatten(0, 1), by_class[:, 2:].flatten(0, 1)]
    apart = sum(float(Recovery().loss(network, whole_of(grey8, part))) for part in parts)
    together = float(Recovery().loss(network, whole_of(grey8, images)))
    assert float(Recovery(batch=20).loss(network, whole_of(grey8, images))) == pytest.approx(apart)
    assert together != pytest.approx(apart)


def test_convolutions_may_be_skipped_and_batch_norms_may_not(grey8: ClassData) -> None:
    data = grey8.restrict([0, 1])
    network = network_of(CONVNET, data)
    carry(network, measure(network, data, 64))
    images = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    every, none = Recovery(statistics="all", skip=0.0), Recovery(statistics="all", skip=1.0)
    norms = Recovery(first=1.0)
    whole = whole_of(data, images)
    assert float(none.loss(network, whole)) == pytest.approx(float(norms.loss(network, whole)))
    half = {
        round(
            float(Recovery(statistics="all", skip=0.5).loss(network, whole_of(data, images, s))), 4
        )
        for s in range(8)
    }
    assert len(half) > 2
    assert max(half) <= float(every.loss(network, whole)) + 1e-3


def test_what_is_not_there_is_refused_in_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"network convnet has norm instance; take norm batch"):
        create_condenser({"name": "sre2l", "network": "convnet"})
    with pytest.raises(UsageError, match=r"does not measure; take model schedule pretrained with"):
        create_condenser({"name": "g-vbsm", "model_schedule": "pretrained"})
    with pytest.raises(UsageError, match="model schedule fresh trains none; take model schedule"):
        create_condenser({"name": "dm", "labels": "ensemble"})
