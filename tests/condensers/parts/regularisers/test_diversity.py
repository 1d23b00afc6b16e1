"""Spread within a class against its equations, written out with loops; single images; what it moves
images towards.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.parts.objectives.base import Pair
from condensers.parts.regularisers.diversity import Diversity, minus_log_determinant, repulsion
from condensers.sets.synthetic_set import SyntheticSet
from tests.condensers.parts.regularisers.cases import TOLERANCES, agree, case

NO_SETTING: Any = None  # these terms draw nothing


def squared(a: Tensor, b: Tensor) -> Tensor:
    return ((a - b) ** 2).sum()


def literal_repulsion(network: nn.Module, pairs: list[Pair], bandwidth: float) -> Tensor:
    total = torch.zeros((), dtype=pairs[0].real.dtype)
    for pair in pairs:
        z = [network.embed(image[None])[0] for image in pair.synthetic]
        x = [network.embed(image[None])[0].detach() for image in pair.real]
        both = [one.detach() for one in z] + x
        distances = sorted(
            squared(both[i], both[j]).item() for i in range(len(both)) for j in range(i)
        )
        median = distances[(len(distances) - 1) // 2]
        own = [
            torch.exp(-squared(a, b) / (bandwidth**2 * median))
            for i, a in enumerate(z)
            for j, b in enumerate(z)
            if i != j
        ]
        across = [torch.exp(-squared(a, b) / (bandwidth**2 * median)) for a in z for b in x]
        total = total + sum(own) / len(own) - 2 * sum(across) / len(across)
    return total


def determinant(matrix: list[list[Tensor]]) -> Tensor:
    """By the first row (Laplace)."""
    if len(matrix) == 1:
        return matrix[0][0]
    minors = [
        [row[:column] + row[column + 1 :] for row in matrix[1:]] for column in range(len(matrix))
    ]
    return torch.stack(
        [(-1) ** c * matrix[0][c] * determinant(minor) for c, minor in enumerate(minors)]
    ).sum()


def literal_determinantal(network: nn.Module, pairs: list[Pair], epsilon: float) -> Tensor:
    total = torch.zeros((), dtype=pairs[0].real.dtype)
    for pair in pairs:
        z = [network.embed(image[None])[0] for image in pair.synthetic]
        unit = [one / (one * one).sum().sqrt() for one in z]
        kernel = [
            [(a * b).sum() + epsilon * (i == j) for j, b in enumerate(unit)]
            for i, a in enumerate(unit)
        ]
        total = total - torch.log(determinant(kernel))
    return total


@pytest.mark.parametrize("synthetic", [2, 4])
@pytest.mark.parametrize(("dtype", "for_loss", "for_gradient"), TOLERANCES)
def test_repulsion(
    dtype: torch.dtype, for_loss: float, for_gradient: float, synthetic: int
) -> None:
    network, pairs = case(dtype, synthetic=synthetic)
    ours = Diversity(bandwidth=0.7).loss(network, pairs, NO_SETTING)
    agree(ours, literal_repulsion(network, pairs, 0.7), pairs, for_loss, for_gradient)


@pytest.mark.parametrize("synthetic", [2, 4])
@pytest.mark.parametrize(("dtype", "for_loss", "for_gradient"), TOLERANCES)
def test_determinantal(
    dtype: torch.dtype, for_loss: float, for_gradient: float, synthetic: int
) -> None:
    network, pairs = case(dtype, synthetic=synthetic)
    ours = Diversity(form="determinantal", epsilon=0.05).loss(network, pairs, NO_SETTING)
    agree(ours, literal_determinantal(network, pairs, 0.05), pairs, for_loss, for_gradient)


@pytest.mark.parametrize("form", ["repulsion", "determinantal"])
def test_a_class_with_one_image_contributes_nothing(form: str) -> None:
    network, pairs = case(torch.float64, synthetic=1)
    loss = Diversity(form=form).loss(network, pairs, NO_SETTING)
    assert loss.item() == 0
    assert all(not g.any() for g in torch.autograd.grad(loss, [pair.synthetic for pair in pairs]))


@pytest.mark.parametrize("form", ["repulsion", "determinantal"])
def test_classes_have_no_say_in_each_others_spread(form: str) -> None:
    network, pairs = case(torch.float64, synthetic=3)
    term = Diversity(form=form)
    agree(
        term.loss(network, pairs, NO_SETTING),
        torch.stack([term.loss(network, [pair], NO_SETTING) for pair in pairs]).sum(),
        pairs,
        1e-11,
        1e-9,
    )
    assert not term.couples_classes


def test_repulsion_is_the_discrepancy_of_the_two_samples() -> None:
    """Followed, it spreads points that start at one place over both places where real ones are."""
    x = torch.tensor([[-2.0], [-2.1], [2.0], [2.1]])
    z = torch.tensor([[0.1], [0.2], [-0.1], [-0.2]], requires_grad=True)
    for _ in range(300):
        (gradient,) = torch.autograd.grad(repulsion(z, x, 1.0), z)
        z = (z - 0.5 * gradient).detach().requires_grad_()
    assert int((z > 1).sum()) == int((z < -1).sum()) == 2


def test_the_determinant_is_that_of_equal_and_of_orthogonal_images() -> None:
    equal, orthogonal = (
        torch.ones(2, 3, dtype=torch.float64),
        torch.eye(3, dtype=torch.float64)[:2] * 5,
    )
    assert minus_log_determinant(equal, 0.1).item() == pytest.approx(-math.log(1.1**2 - 1))
    assert minus_log_determinant(orthogonal, 0.1).item() == pytest.approx(-math.log(1.1**2))


@pytest.mark.parametrize("form", ["repulsion", "determinantal"])
def test_equal_images_and_batch_norm_give_finite_gradients(form: str) -> None:
    network, pairs = case(torch.float32, norm="batch")
    same = [pair._replace(synthetic=pair.synthetic[:1].expand(2, -1, -1, -1)) for pair in pairs]
    for chosen in (pairs, same):
        gradients = torch.autograd.grad(
            Diversity(form=form).loss(network, chosen, NO_SETTING),
            [pair.synthetic for pair in pairs],
        )
        assert all(bool(g.isfinite().all()) for g in gradients)


@pytest.mark.parametrize("form", ["repulsion", "determinantal"])
def test_it_goes_with_a_method_that_takes_one_class_at_a_time(
    form: str, grey8: ClassData, condense_tiny: Callable[..., SyntheticSet]
) -> None:
    term = {"name": "diversity", "form": form}
    plain, spread = (condense_tiny("idc", grey8, 2, regularisers=terms) for terms in ([], [term]))
    assert not torch.equal(plain.decode()[0], spread.decode()[0])
