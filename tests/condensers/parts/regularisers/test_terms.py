"""The discriminative term, the cross-entropy term and that of mean embeddings against their
equations, written out with loops; which accuracy counts.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers.parts.objectives.base import Pair
from condensers.parts.regularisers.classification import CrossEntropy, Discriminative, accuracy_of
from condensers.parts.regularisers.embedding import MeanEmbeddingTerm
from tests.condensers.parts.regularisers.cases import TOLERANCES, agree, case

NO_SETTING: Any = None  # these terms draw nothing


def minus_log_softmax(scores: list[Tensor], right: int) -> Tensor:
    row = torch.stack(scores)
    return torch.log(torch.exp(row - row.max()).sum()) + row.max() - row[right]


def literal_discriminative(network: nn.Module, pairs: list[Pair]) -> Tensor:
    centres = [
        sum(network.embed(image[None])[0] for image in pair.synthetic) / len(pair.synthetic)
        for pair in pairs
    ]
    total = torch.zeros((), dtype=pairs[0].real.dtype)
    for position, pair in enumerate(pairs):
        for image in pair.real:
            embedding = network.embed(image[None])[0].detach()
            total = total + minus_log_softmax(
                [(embedding * centre).sum() for centre in centres], position
            )
    return total


def literal_cross_entropy(network: nn.Module, pairs: list[Pair], accuracy: float) -> Tensor:
    total = torch.zeros((), dtype=pairs[0].real.dtype)
    for pair in pairs:
        losses = [
            minus_log_softmax(list(network(image[None])[0]), pair.label) for image in pair.synthetic
        ]
        total = total + accuracy * sum(losses) / len(losses)
    return total


@pytest.mark.parametrize(("dtype", "for_loss", "for_gradient"), TOLERANCES)
def test_centres_classify_the_real_images(
    dtype: torch.dtype, for_loss: float, for_gradient: float
) -> None:
    network, pairs = case(dtype)
    ours, literal = (
        Discriminative().loss(network, pairs, NO_SETTING),
        literal_discriminative(network, pairs),
    )
    agree(ours, literal, pairs, for_loss, for_gradient)


@pytest.mark.parametrize(("dtype", "for_loss", "for_gradient"), TOLERANCES)
def test_mean_embeddings_are_compared(
    dtype: torch.dtype, for_loss: float, for_gradient: float
) -> None:
    network, pairs = case(dtype)
    literal = torch.zeros((), dtype=dtype)
    for pair in pairs:
        real, synthetic = (
            sum(network.embed(image[None])[0] for image in images) / len(images)
            for images in (pair.real, pair.synthetic)
        )
        literal = literal + sum((a - b) ** 2 for a, b in zip(real.detach(), synthetic, strict=True))
    agree(
        MeanEmbeddingTerm().loss(network, pairs, NO_SETTING), literal, pairs, for_loss, for_gradient
    )


def test_one_class_has_nothing_to_be_told_from() -> None:
    network, pairs = case(torch.float64)
    assert Discriminative().loss(network, pairs[:1], NO_SETTING).item() == 0
    assert Discriminative.couples_classes


@pytest.mark.parametrize(("dtype", "for_loss", "for_gradient"), TOLERANCES)
def test_cross_entropy_counts_as_much_as_the_network_knows(
    dtype: torch.dtype, for_loss: float, for_gradient: float
) -> None:
    network, pairs = case(dtype)
    network.accuracy = 0.25
    ours, literal = (
        CrossEntropy().loss(network, pairs, NO_SETTING),
        literal_cross_entropy(network, pairs, 0.25),
    )
    agree(ours, literal, pairs, for_loss, for_gradient)


def test_cross_entropy_of_all_classes_at_once_equals_one_after_the_other() -> None:
    network, pairs = case(torch.float64)
    network.accuracy = 0.75
    apart = torch.stack([CrossEntropy().loss(network, [pair], NO_SETTING) for pair in pairs]).sum()
    agree(CrossEntropy().loss(network, pairs, NO_SETTING), apart, pairs, 1e-11, 1e-9)


def test_the_accuracy_is_the_schedules_or_that_of_the_real_images() -> None:
    network, pairs = case(torch.float64)
    images = [(image, pair.label) for pair in pairs for image in pair.real]
    right = sum(int(network(image[None])[0].argmax()) == label for image, label in images)
    assert 0 < right < len(images) == 13
    assert accuracy_of(network, pairs) == right / 13
    network.accuracy = 0.5
    assert accuracy_of(network, pairs) == 0.5


def test_a_network_that_knows_nothing_asks_nothing() -> None:
    network, pairs = case(torch.float64)
    network.accuracy = 0.0
    assert CrossEntropy().loss(network, pairs, NO_SETTING).item() == 0


@pytest.mark.parametrize(
    "term", [Discriminative(), CrossEntropy()], ids=["discriminative", "cross-entropy"]
)
def test_networks_with_batch_norm_give_finite_gradients(term: Discriminative) -> None:
    network, pairs = case(torch.float32, norm="batch")
    network.accuracy = 0.5
    gradients = torch.autograd.grad(
        term.loss(network, pairs, NO_SETTING), [pair.synthetic for pair in pairs]
    )
    assert all(bool(g.isfinite().all()) and g.abs().sum() > 0 for g in gradients)
