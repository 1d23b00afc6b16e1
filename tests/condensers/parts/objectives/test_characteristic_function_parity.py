"""Characteristic function matching against its equations, written out with complex numbers."""

import cmath
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.objectives.base import Pair
from condensers.parts.objectives.characteristic_function import (
    CharacteristicFunction,
    characteristic_function,
)
from condensers.parts.setting import RunSetting

SPEC = {"name": "convnet", "depth": 1, "width": 1}
SHAPES = {"grey": (1, 4, 4), "colour": (3, 4, 4)}


def literal_function(sample: Tensor, frequency: Tensor) -> complex:
    """Mean of exp(j <t, x>), number by number."""
    total = 0j
    for x in sample:
        total += cmath.exp(1j * sum(float(a * b) for a, b in zip(frequency, x, strict=True)))
    return total / len(sample)


def literal_distance(real: Tensor, synthetic: Tensor, frequencies: Tensor, alpha: float) -> float:
    """Eq. 8: weighted differences of amplitudes and of phases, under a root."""
    total = 0.0
    for frequency in frequencies:
        a, b = literal_function(real, frequency), literal_function(synthetic, frequency)
        angle = cmath.phase(a) - cmath.phase(b)
        phase = 2 * abs(a) * abs(b) * (1 - cmath.cos(angle).real)
        total += (alpha * (abs(a) - abs(b)) ** 2 + (1 - alpha) * phase) ** 0.5
    return total / len(frequencies)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_distance_of_two_samples(alpha: float, generator: torch.Generator) -> None:
    real, synthetic, frequencies = (
        torch.randn(n, 3, generator=generator).double() for n in (5, 2, 4)
    )
    ours = characteristic_function(real, synthetic, frequencies, alpha)
    literal = literal_distance(real, synthetic, frequencies, alpha)
    assert ours.item() == pytest.approx(literal, rel=1e-6)


def test_equal_weights_are_the_plain_distance(generator: torch.Generator) -> None:
    """With alpha 1/2 the two terms are half of | P_r - P_s |^2."""
    real, synthetic, frequencies = (
        torch.randn(n, 3, generator=generator).double() for n in (5, 2, 1)
    )
    plain = abs(
        literal_function(real, frequencies[0]) - literal_function(synthetic, frequencies[0])
    )
    ours = characteristic_function(real, synthetic, frequencies)
    assert ours.item() == pytest.approx(plain / 2**0.5)
    assert characteristic_function(real, real.flip(0), frequencies).item() < 2e-6


def setting_of(shape: tuple[int, int, int], make_data: Callable[..., ClassData]) -> RunSetting:
    data = make_data(shape, 2, 4)
    return RunSetting(data, SPEC, NoAugmentation(), Context(seed=3), ipc=1, per_class=2)  # type: ignore[arg-type]


def literal_network(learned: dict[str, Tensor]) -> nn.Module:
    """Three linear layers with batch norm, as modules of torch."""
    size, layers = len(learned["gain0"]), []
    for index, last in enumerate((nn.LeakyReLU(0.2), nn.LeakyReLU(0.2), nn.Tanh())):
        linear, norm = nn.Linear(size, size, bias=False), nn.BatchNorm1d(size)
        linear.weight = nn.Parameter(learned[f"weight{index}"].detach().clone())
        norm.weight = nn.Parameter(learned[f"gain{index}"].detach().clone())
        norm.bias = nn.Parameter(learned[f"shift{index}"].detach().clone())
        layers += [linear, norm, last]
    return nn.Sequential(*layers).double()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_images_descend_what_the_sampling_network_ascends(
    shape: tuple[int, int, int], make_data: Callable[..., ClassData], generator: torch.Generator
) -> None:
    setting, part = setting_of(shape, make_data), CharacteristicFunction(frequencies=40, alpha=0.3)
    extras = part.extras(setting)
    learned = {name: one.start.double().requires_grad_() for name, one in extras.items()}
    network = networks.build(SPEC, shape, 2, generator).double()
    pairs = [
        Pair(
            label,
            torch.randn(5, *shape, generator=generator).double(),
            torch.randn(3, *shape, generator=generator).double().requires_grad_(),
        )
        for label in range(2)
    ]
    ours = part.loss_in_run(network, pairs, learned, torch.Generator().manual_seed(9))
    draw, psi, literal = torch.Generator().manual_seed(9), literal_network(learned), []
    for pair in pairs:
        real, synthetic = network.embed(pair.real).detach(), network.embed(pair.synthetic)
        real, synthetic = (x / x.norm(dim=1, keepdim=True) for x in (real, synthetic))
        normal = torch.randn(40, real.shape[1], generator=draw).double()
        scales = psi(torch.randn(3, real.shape[1], generator=draw).double())
        frequencies = torch.stack([scales[i // 16] * normal[i] for i in range(40)])
        waves = [torch.exp(1j * (frequencies @ x.T)).mean(1) for x in (real, synthetic)]
        phase = 2 * (waves[0].abs() * waves[1].abs() - (waves[0] * waves[1].conj()).real)
        amplitude = (waves[0].abs() - waves[1].abs()) ** 2
        literal.append((0.3 * amplitude + 0.7 * phase).sqrt().mean())
    wanted = 300 * sum(literal)
    assert ours.item() == pytest.approx(float(wanted.detach()), rel=1e-6)
    images = [pair.synthetic for pair in pairs]
    weights = [learned[name] for name in ("weight0", "gain1", "shift2")]
    theirs = [psi[0].weight, psi[4].weight, psi[7].bias]
    got = torch.autograd.grad(ours, [*images, *weights])
    expected = torch.autograd.grad(wanted, [*images, *theirs])
    for index, (a, b) in enumerate(zip(got, expected, strict=True)):
        sign = 1 if index < len(images) else -1
        assert b.norm() > 0
        assert (a - sign * b).norm() / b.norm() < 1e-5


def test_what_it_learns_is_no_part_of_the_set(make_data: Callable[..., ClassData]) -> None:
    setting, part = setting_of((1, 4, 4), make_data), CharacteristicFunction(frequencies=32)
    assert not any(one.stored for one in part.extras(setting).values())
    assert part.extra_bytes(10) == 0
    assert part.learns_across_classes
    assert not part.couples_classes
    normal = CharacteristicFunction(sampling="normal")
    assert normal.extras(setting) == {}
    assert not normal.learns_across_classes


def test_networks_of_another_embedding_are_refused(
    make_data: Callable[..., ClassData], generator: torch.Generator
) -> None:
    setting, part = setting_of((1, 4, 4), make_data), CharacteristicFunction(frequencies=32)
    learned = {name: one.start for name, one in part.extras(setting).items()}
    network = networks.build(SPEC | {"width": 2}, (1, 4, 4), 2, generator)
    pairs = [Pair(0, torch.randn(3, 1, 4, 4), torch.randn(2, 1, 4, 4))]
    with pytest.raises(UsageError, match="made for embeddings of 4 numbers, and a network gives 8"):
        part.loss_in_run(network, pairs, learned, generator)
