"""rf_nngp against the exact NNGP of pooled and unpooled ConvNets, written out place by place;
features against its sum; both against portions: what is computed is the kernel it is called, and
memory is spared without a change.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.objectives.kernels import base
from condensers.parts.objectives.kernels.features import Features, RandomFeatureNNGP
from condensers.parts.setting import RunSetting

Covariance = dict[tuple[int, int, int, int], float]


@pytest.fixture
def setting(grey8: ClassData) -> RunSetting:
    return RunSetting(
        grey8, {"name": "convnet", "depth": 2, "width": 6}, NoAugmentation(), Context(seed=3), 1, 1
    )


def literal_relu(c: float, a: float, b: float) -> float:
    t = math.acos(max(-1.0, min(1.0, c / math.sqrt(a * b))))
    return math.sqrt(a * b) / (2 * math.pi) * (math.sin(t) + (math.pi - t) * math.cos(t))


def convolved(field: Covariance, size: int) -> Covariance:
    """Covariance of a convolution's outputs at (i, j) and (k, m), from that of its inputs; w^2 = 2,
    b^2 = 0.01.
    """
    found = {}
    steps = [(p, q) for p in (-1, 0, 1) for q in (-1, 0, 1)]
    for i, j, k, m in all_places(size):
        total = sum(field.get((i + p, j + q, k + p, m + q), 0.0) for p, q in steps)
        found[i, j, k, m] = 2 * total / 9 + 0.01
    return found


def all_places(size: int) -> list[tuple[int, int, int, int]]:
    r = range(size)
    return [(i, j, k, m) for i in r for j in r for k in r for m in r]


def pooled(field: Covariance, size: int) -> Covariance:
    """2 x 2 means at both ends: the mean of the sixteen covariances."""
    corners = [(p, q) for p in (0, 1) for q in (0, 1)]
    return {
        (i, j, k, m): (
            sum(
                field[2 * i + p, 2 * j + q, 2 * k + u, 2 * m + v]
                for p, q in corners
                for u, v in corners
            )
            / 16
        )
        for i, j, k, m in all_places(size // 2)
    }


def literal_nngp(x: Tensor, y: Tensor, depth: int, pooling: bool) -> float:
    """NNGP kernel of depth x (convolution, ReLU, pooling) and a linear readout, every place against
    every other.
    """
    size = x.shape[-1]

    def first(a: Tensor, b: Tensor) -> Covariance:
        dots = {
            (i, j, k, m): float((a[:, i, j] * b[:, k, m]).mean()) for i, j, k, m in all_places(size)
        }
        return convolved(dots, size)

    cross, left, right = first(x, y), first(x, x), first(y, y)
    for layer in range(depth):
        if layer:
            cross, left, right = (convolved(field, size) for field in (cross, left, right))
        variance = [
            {(i, j): field[i, j, i, j] for i in range(size) for j in range(size)}
            for field in (left, right)
        ]
        u, v = variance
        cross, left, right = (
            {
                (i, j, k, m): literal_relu(field[i, j, k, m], a[i, j], b[k, m])
                for i, j, k, m in field
            }
            for field, a, b in ((cross, u, v), (left, u, u), (right, v, v))
        )
        if pooling:
            cross, left, right = (pooled(field, size) for field in (cross, left, right))
            size //= 2
    return 2 * sum(cross[i, j, i, j] for i in range(size) for j in range(size)) / size**2 + 0.01


@pytest.mark.parametrize("pooling", ["avg", "none"])
def test_random_features_estimate_the_exact_nngp(
    pooling: str, make_data: Callable[..., ClassData]
) -> None:
    x = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    data = make_data((2, 4, 4), 2, 3)
    kernel = RandomFeatureNNGP(models=16, width=256, depth=2, pooling=pooling).begin(
        None, RunSetting(data, "convnet", NoAugmentation(), Context(seed=3), 1, 1)
    )
    wanted = torch.tensor([[literal_nngp(a, b, 2, pooling == "avg") for b in x] for a in x])
    assert (kernel(x, x) - wanted).abs().max() < 0.06 * wanted.max()


def test_networks_are_new_at_every_step_and_follow_the_seed(
    setting: RunSetting, grey8: ClassData
) -> None:
    spec, x = RandomFeatureNNGP(models=2, width=8, depth=2), grey8.normalise(grey8.images[:4])
    state = setting.generator.get_state()
    first, second = spec.begin(None, setting)(x, x), spec.begin(None, setting)(x, x)
    setting.generator.set_state(state)
    torch.manual_seed(99)
    assert torch.equal(first, spec.begin(None, setting)(x, x))
    assert not torch.equal(first, second)


def test_a_kernel_of_too_small_images_is_refused(setting: RunSetting) -> None:
    with pytest.raises(UsageError, match="depth 4 is too deep for 8-pixel images; take at most 3"):
        RandomFeatureNNGP(depth=4).begin(None, setting)


def test_features_are_inner_products_of_embeddings(setting: RunSetting, grey8: ClassData) -> None:
    network = setting.fresh()
    x, y = (grey8.normalise(grey8.images[part]) for part in (slice(0, 4), slice(4, 9)))
    got = Features().begin(network, setting)(x.double(), y.double())
    wanted = [
        [sum(p * q for p, q in zip(a, b, strict=True)) for b in network.embed(y).tolist()]
        for a in network.embed(x).tolist()
    ]
    assert got.dtype == torch.float64
    assert torch.allclose(got, torch.tensor(wanted, dtype=torch.float64), rtol=1e-4)


def test_the_networks_weights_get_no_gradient_and_stay_trainable(
    setting: RunSetting, grey8: ClassData
) -> None:
    network, x = setting.fresh(), grey8.normalise(grey8.images[:4]).requires_grad_()
    torch.autograd.backward(Features().begin(network, setting)(x, x).sum())
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("kind", ["features", "rf_nngp"])
def test_portions_and_the_kept_features_change_nothing(
    kind: str, setting: RunSetting, grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, state = setting.fresh(), setting.generator.get_state()
    found = []
    for at_once in (256, 3):
        monkeypatch.setattr(base, "IMAGES_AT_ONCE", at_once)
        setting.generator.set_state(state)
        part: Any = (
            Features() if kind == "features" else RandomFeatureNNGP(models=2, width=6, depth=2)
        )
        kernel = part.begin(network, setting)
        s = grey8.normalise(grey8.images[:7]).double().requires_grad_()
        t = grey8.normalise(grey8.images[7:15]).double()
        among, between = kernel(s, s), kernel(t, s)
        gradient = torch.autograd.grad(among.square().sum() + between.square().sum(), s)[0]
        found.append((among.detach(), between.detach(), kernel(t, s.clone()).detach(), gradient))
    for whole, parts in zip(*found, strict=True):
        assert torch.allclose(whole, parts, rtol=1e-4, atol=1e-5)
    assert torch.allclose(found[0][1], found[0][2], rtol=1e-5)


def test_batch_norm_sees_its_whole_batch(setting: RunSetting, grey8: ClassData) -> None:
    network = setting.fresh({"name": "convnet", "depth": 2, "width": 6, "norm": "batch"})
    images = grey8.normalise(grey8.images.repeat(2, 1, 1, 1))
    assert len(images) > base.IMAGES_AT_ONCE
    for s in (images, images.clone().requires_grad_()):
        got = Features().begin(network, setting)(s, s)
        embedded = network.embed(images).detach()
        assert torch.allclose(got.detach(), embedded @ embedded.T, rtol=1e-4, atol=1e-4)
    assert any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
