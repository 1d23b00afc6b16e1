"""Distribution matching against its equation, written out with loops over classes and images."""

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.parts.objectives.base import Pair
from condensers.parts.objectives.mean_embedding import MeanEmbedding


def mean_embedding(network: nn.Module, images: Tensor) -> Tensor:
    total = network.embed(images[:1])[0]
    for image in images[1:]:
        total = total + network.embed(image[None])[0]
    return total / len(images)


def literal_loss(network: nn.Module, pairs: list[Pair]) -> Tensor:
    total = torch.zeros((), dtype=pairs[0].real.dtype)
    for _, real, synthetic in pairs:
        difference = mean_embedding(network, real).detach() - mean_embedding(network, synthetic)
        for value in difference:
            total = total + value * value
    return total


def make_pairs(dtype: torch.dtype, generator: torch.Generator) -> list[Pair]:
    """Classes of unequal numbers of real images."""
    return [
        Pair(
            label,
            torch.randn(3 + label, 3, 8, 8, generator=generator).to(dtype),
            torch.randn(2, 3, 8, 8, generator=generator).to(dtype).requires_grad_(),
        )
        for label in range(4)
    ]


@pytest.mark.parametrize(
    ("dtype", "for_loss", "for_gradient"),
    [(torch.float32, 1e-5, 1e-3), (torch.float64, 1e-11, 1e-9)],
)
@pytest.mark.parametrize(
    "spec",
    [{"name": "convnet", "depth": 2, "width": 6}, {"name": "mlp", "width": 9}],
    ids=["convnet", "mlp"],
)
def test_summed_squared_distance_of_class_means(
    spec: dict[str, object],
    dtype: torch.dtype,
    for_loss: float,
    for_gradient: float,
    generator: torch.Generator,
) -> None:
    network = networks.build(spec, (3, 8, 8), 4, generator).to(dtype)
    pairs = make_pairs(dtype, generator)
    images = [pair.synthetic for pair in pairs]
    ours, literal = MeanEmbedding().loss(network, pairs), literal_loss(network, pairs)
    assert ours.item() == pytest.approx(literal.item(), rel=for_loss)
    for got, wanted in zip(
        torch.autograd.grad(ours, images), torch.autograd.grad(literal, images), strict=True
    ):
        assert wanted.norm() > 0
        assert (got - wanted).norm() / wanted.norm() < for_gradient


def test_the_classes_of_a_batch_norm_network_share_one_batch(generator: torch.Generator) -> None:
    network = networks.build(
        {"name": "convnet", "depth": 1, "width": 4, "norm": "batch"}, (3, 8, 8), 4, generator
    )
    pairs = make_pairs(torch.float32, generator)
    real = network.embed(torch.cat([pair.real for pair in pairs])).split(
        [len(pair.real) for pair in pairs]
    )
    synthetic = network.embed(torch.cat([pair.synthetic for pair in pairs])).split(2)
    wanted = sum(
        ((r.mean(0) - s.mean(0)) ** 2).sum().item() for r, s in zip(real, synthetic, strict=True)
    )
    assert MeanEmbedding().loss(network, pairs).item() == pytest.approx(wanted, rel=1e-5)
