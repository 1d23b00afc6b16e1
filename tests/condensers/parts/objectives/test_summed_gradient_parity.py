"""Gradient matching of the sum over the classes against its equation, written out with loops over
images, layers and nodes; what makes it different from matching class by class.
"""

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.parts.objectives.base import Pair
from condensers.parts.objectives.gradient import GradientMatching, SummedGradient


def case(dtype: torch.dtype) -> tuple[nn.Module, list[Pair]]:
    """Classes of unequal numbers of real images."""
    generator = torch.Generator().manual_seed(4)
    network = networks.build(
        {"name": "convnet", "depth": 2, "width": 5}, (1, 8, 8), 4, generator
    ).to(dtype)
    pairs = []
    for label in (0, 1, 3):
        real = torch.randn(3 + label, 1, 8, 8, generator=generator).to(dtype)
        pairs.append(
            Pair(
                label, real, torch.randn(2, 1, 8, 8, generator=generator).to(dtype).requires_grad_()
            )
        )
    return network, pairs


def loss_of(network: nn.Module, images: Tensor, label: int) -> Tensor:
    """The mean of -log( exp z_label / sum exp z ), one image after the other."""
    total = torch.zeros((), dtype=images.dtype)
    for image in images:
        z = network(image[None])[0]
        total = total - torch.log(torch.exp(z[label]) / torch.exp(z).sum())
    return total / len(images)


def literal_gradients(network: nn.Module, pairs: list[Pair]) -> tuple[list[Tensor], list[Tensor]]:
    """The mean of the classes' real gradients, and the gradient of the mean of the classes'
    synthetic losses.
    """
    weights = list(network.parameters())
    real = [torch.zeros_like(weight) for weight in weights]
    for pair in pairs:
        for total, gradient in zip(
            real, torch.autograd.grad(loss_of(network, pair.real, pair.label), weights), strict=True
        ):
            total += gradient / len(pairs)
    loss = sum(loss_of(network, pair.synthetic, pair.label) for pair in pairs) / len(pairs)
    return real, list(torch.autograd.grad(loss, weights, create_graph=True))


def literal(network: nn.Module, pairs: list[Pair], distance: str) -> Tensor:
    real, synthetic = literal_gradients(network, pairs)
    total = torch.zeros((), dtype=pairs[0].real.dtype)
    for a, b in zip(real, synthetic, strict=True):
        if distance == "mse":
            total = total + ((a - b) ** 2).sum()
            continue
        for node in range(len(a)) if a.ndim > 1 else ():
            x, y = a[node].flatten(), b[node].flatten()
            total = total + 1 - x.dot(y) / (x.norm() * y.norm() + 1e-6)
    return total


@pytest.mark.parametrize(
    ("dtype", "for_loss", "for_gradient"),
    [(torch.float32, 1e-5, 1e-3), (torch.float64, 1e-11, 1e-9)],
)
@pytest.mark.parametrize("distance", ["node-cosine", "mse"])
def test_the_summed_gradient_is_matched(
    distance: str, dtype: torch.dtype, for_loss: float, for_gradient: float
) -> None:
    network, pairs = case(dtype)
    images = [pair.synthetic for pair in pairs]
    ours, wanted = (
        SummedGradient(distance=distance).loss(network, pairs),
        literal(network, pairs, distance),
    )
    assert ours.item() == pytest.approx(wanted.item(), rel=for_loss)
    for got, right in zip(
        torch.autograd.grad(ours, images), torch.autograd.grad(wanted, images), strict=True
    ):
        assert right.norm() > 0
        assert (got - right).norm() / right.norm() < for_gradient


def test_only_convolutions_are_matched_where_asked() -> None:
    network, pairs = case(torch.float64)
    real, synthetic = literal_gradients(network, pairs)
    wanted = sum(
        ((a - b) ** 2).sum().item() for a, b in zip(real, synthetic, strict=True) if a.ndim == 4
    )
    ours = SummedGradient(distance="mse", layers="convolutions").loss(network, pairs).item()
    assert ours == pytest.approx(wanted, rel=1e-9)
    assert ours < SummedGradient(distance="mse").loss(network, pairs).item()


def test_one_class_alone_is_plain_gradient_matching() -> None:
    network, pairs = case(torch.float64)
    alone = SummedGradient().loss(network, pairs[:1]).item()
    assert alone == pytest.approx(GradientMatching().loss(network, pairs[:1]).item(), rel=1e-9)
    apart = sum(SummedGradient().loss(network, [pair]).item() for pair in pairs)
    assert SummedGradient().loss(network, pairs).item() < 0.9 * apart, (
        "it is no sum over the classes"
    )
