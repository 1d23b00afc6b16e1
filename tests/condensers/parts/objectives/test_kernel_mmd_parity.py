"""Kernel matching against its equation, written out with loops over pairs of images and kernels."""

import math

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.parts.objectives.base import Pair
from condensers.parts.objectives.kernel_mmd import KernelMMD, kernel_mmd
from condensers.parts.objectives.mean_embedding import mean_embedding

SHAPES = {"grey": (1, 8, 8), "colour": (3, 8, 8)}


def distance(left: Tensor, right: Tensor) -> Tensor:
    return sum((a - b) ** 2 for a, b in zip(left, right, strict=True))


def literal_mmd(real: Tensor, synthetic: Tensor, kernels: int, factor: float) -> Tensor:
    """The mean squared distance of different images is the bandwidth in the middle."""
    images = [*real, *synthetic]
    apart = [
        float(distance(a, b)) for i, a in enumerate(images) for j, b in enumerate(images) if i != j
    ]
    middle = sum(apart) / len(apart)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        widths = [middle * factor ** (i - math.floor(kernels / 2)) for i in range(kernels)]
        return sum(torch.exp(-distance(a, b) / width) for width in widths)

    def mean(left: Tensor, right: Tensor) -> Tensor:
        return sum(kernel(a, b) for a in left for b in right) / (len(left) * len(right))

    return mean(real, real) - 2 * mean(real, synthetic) + mean(synthetic, synthetic)


def make_pairs(shape: tuple[int, int, int], generator: torch.Generator) -> list[Pair]:
    return [
        Pair(
            label,
            torch.randn(3 + label, *shape, generator=generator).double(),
            torch.randn(2, *shape, generator=generator).double().requires_grad_(),
        )
        for label in range(3)
    ]


@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_sum_over_classes_of_the_discrepancy(
    shape: tuple[int, int, int], norm: str, generator: torch.Generator
) -> None:
    spec = {"name": "convnet", "depth": 1, "width": 2, "norm": norm}
    network = networks.build(spec, shape, 3, generator).double()
    pairs = make_pairs(shape, generator)
    sizes = [len(pair.real) for pair in pairs], [len(pair.synthetic) for pair in pairs]
    images = [pair.synthetic for pair in pairs]
    real = network.embed(torch.cat([pair.real for pair in pairs])).detach().split(sizes[0])
    synthetic = network.embed(torch.cat(images)).split(sizes[1])
    literal = sum(
        (literal_mmd(r, s, 3, 1.5) for r, s in zip(real, synthetic, strict=True)), torch.zeros(())
    )
    ours = KernelMMD(kernels=3, factor=1.5).loss(network, pairs)
    assert ours.item() == pytest.approx(literal.item(), rel=1e-10)
    for got, wanted in zip(
        torch.autograd.grad(ours, images), torch.autograd.grad(literal, images), strict=True
    ):
        assert wanted.norm() > 0
        assert (got - wanted).norm() / wanted.norm() < 1e-8


def test_equal_means_are_not_equal_distributions(generator: torch.Generator) -> None:
    real = torch.randn(20, 4, generator=generator)
    narrow = 0.2 * (real - real.mean(0)) + real.mean(0)
    assert mean_embedding(real, narrow).item() == pytest.approx(0.0, abs=1e-8)
    assert kernel_mmd(real, narrow) > 0.1
    assert kernel_mmd(real, real.flip(0)).item() == pytest.approx(0.0, abs=1e-6)


def test_wide_kernels_match_the_mean(generator: torch.Generator) -> None:
    real, synthetic = (torch.randn(n, 5, generator=generator).double() for n in (6, 3))
    wide = kernel_mmd(real, synthetic, kernels=3, factor=2.0, bandwidth=1e7) * 1e7
    expected = 2 * (2 + 1 + 0.5) * mean_embedding(real, synthetic)
    assert wide.item() == pytest.approx(expected.item(), rel=1e-5)


def test_images_that_are_all_the_same_give_a_number() -> None:
    real, synthetic = torch.ones(3, 4), torch.ones(2, 4, requires_grad=True)
    loss = kernel_mmd(real, synthetic)
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert bool(torch.autograd.grad(loss, synthetic)[0].isfinite().all())


def test_a_class_is_matched_without_the_others(generator: torch.Generator) -> None:
    network: nn.Module = networks.build(
        {"name": "convnet", "depth": 1, "width": 2}, (1, 8, 8), 3, generator
    ).double()
    pairs = make_pairs((1, 8, 8), generator)
    together = KernelMMD().loss(network, pairs)
    apart = sum(KernelMMD().loss(network, [pair]).item() for pair in pairs)
    assert together.item() == pytest.approx(apart)
