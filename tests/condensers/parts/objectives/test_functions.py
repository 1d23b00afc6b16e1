"""Objectives as functions of two tensors give what the objectives give in a composition."""

import pytest
import torch

from condensers import networks
from condensers.parts.objectives.activations import activation_maps
from condensers.parts.objectives.attention import AttentionMatching, attention_matching
from condensers.parts.objectives.base import Pair
from condensers.parts.objectives.gradient import GradientMatching, gradient_matching, gradients
from condensers.parts.objectives.layer_means import LayerMeans, layer_means
from condensers.parts.objectives.mean_embedding import MeanEmbedding, mean_embedding

LABELS = (0, 2)


@pytest.fixture
def network() -> networks.Network:
    spec = {"name": "convnet", "depth": 2, "width": 4}
    built = networks.build(spec, (1, 8, 8), 3, torch.Generator().manual_seed(0))
    assert isinstance(built, networks.Network)
    return built


@pytest.fixture
def pairs() -> list[Pair]:
    generator = torch.Generator().manual_seed(1)
    images = [torch.randn(7, 1, 8, 8, generator=generator) for _ in LABELS]
    return [Pair(label, one[:4], one[4:]) for label, one in zip(LABELS, images, strict=True)]


def test_mean_embedding(network: networks.Network, pairs: list[Pair]) -> None:
    each = [mean_embedding(network.embed(p.real), network.embed(p.synthetic)) for p in pairs]
    assert MeanEmbedding().loss(network, pairs).item() == pytest.approx(sum(each).item())


def test_layer_means(network: networks.Network, pairs: list[Pair]) -> None:
    def layers(images: torch.Tensor) -> list[torch.Tensor]:
        maps, embedding = activation_maps(network, images)
        return [*maps, embedding]

    each = [layer_means(layers(p.real), layers(p.synthetic)) for p in pairs]
    part = LayerMeans(weights=(1.0,), flattened=0.0)
    assert part.loss(network, pairs).item() == pytest.approx(sum(each).item(), rel=1e-5)


def test_attention(network: networks.Network, pairs: list[Pair]) -> None:
    total = torch.zeros(())
    for pair in pairs:
        real, synthetic = (activation_maps(network, x)[0] for x in (pair.real, pair.synthetic))
        total += attention_matching(real[0], synthetic[0], power=2.0)
    part = AttentionMatching(power=2.0, balance=0.0, scale=1.0)
    assert part.loss(network, pairs).item() == pytest.approx(total.item(), rel=1e-5)


@pytest.mark.parametrize("distance", ["node-cosine", "mse", "l1", "cosine"])
def test_gradient(network: networks.Network, pairs: list[Pair], distance: str) -> None:
    total = torch.zeros(())
    for pair in pairs:
        sides = [gradients(network, x, pair.label, False) for x in (pair.real, pair.synthetic)]
        total += gradient_matching(*sides, distance)
    loss = GradientMatching(distance).loss(network, pairs)
    assert loss.item() == pytest.approx(total.item(), rel=1e-5)
