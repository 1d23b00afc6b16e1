"""The soft losses beside a transcription of DD-Ranking's code (ddranking 0.2.0, `loss`), image by
image and class by class.
"""

import math

import pytest
import torch
from torch import Tensor

from condensers.training.losses import as_scores, loss_of, soften
from condensers.training.recipe import Training

N, K = 5, 4


@pytest.fixture
def drawn() -> tuple[Tensor, Tensor, Tensor]:
    """A student's logits, a teacher's, and classes."""
    generator = torch.Generator().manual_seed(0)
    logits, scores = (3 * torch.randn(N, K, generator=generator) for _ in range(2))
    return logits, scores, torch.tensor([0, 3, 1, 1, 2])


def log_softmax(row: Tensor, temperature: float) -> list[float]:
    scaled = [float(value) / temperature for value in row]
    top = max(scaled)
    total = top + math.log(sum(math.exp(value - top) for value in scaled))
    return [value - total for value in scaled]


def cross(student: Tensor, teacher: Tensor, temperature: float, minus_entropy: bool) -> float:
    total = 0.0
    for mine, theirs in zip(student, teacher, strict=True):
        logs, wanted = log_softmax(mine, temperature), log_softmax(theirs, temperature)
        for found, log in zip(logs, wanted, strict=True):
            total += math.exp(log) * ((log if minus_entropy else 0.0) - found)
    return total / len(student)


@pytest.mark.parametrize("temperature", [1.0, 1.2, 20.0])
@pytest.mark.parametrize("squared", [False, True])
def test_kl_and_soft_cross_entropy_are_theirs(
    drawn: tuple[Tensor, Tensor, Tensor], temperature: float, squared: bool
) -> None:
    logits, scores, _ = drawn
    recipe = Training(temperature=temperature, temperature_squared=squared)
    factor = temperature**2 if squared else 1.0
    for name, is_kl in (("kl", True), ("soft-cross-entropy", False)):
        ours = loss_of(logits, soften(scores, temperature), name, recipe)
        theirs = factor * cross(logits, scores, temperature, is_kl)
        assert float(ours) == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.025, 0.7])
def test_regression_with_classes_is_theirs(
    drawn: tuple[Tensor, Tensor, Tensor], weight: float
) -> None:
    logits, scores, classes = drawn
    squares = sum(float((logits[i, k] - scores[i, k]) ** 2) for i in range(N) for k in range(K))
    right = -sum(log_softmax(logits[i], 1.0)[int(classes[i])] for i in range(N))
    labels = torch.cat([scores, torch.eye(K)[classes]], 1)
    ours = loss_of(logits, labels, "mse+cross-entropy", Training(cross_entropy_weight=weight))
    assert float(ours) == pytest.approx(squares / (N * K) + weight * right / N, rel=1e-5)


def test_hard_labels_are_certain(drawn: tuple[Tensor, Tensor, Tensor]) -> None:
    logits, _, classes = drawn
    usual = loss_of(logits, classes, "cross-entropy")
    for name in ("kl", "soft-cross-entropy"):
        torch.testing.assert_close(loss_of(logits, classes, name, Training()), usual)


def test_the_scores_of_probabilities_give_them_back() -> None:
    probabilities = torch.tensor([[0.7, 0.2, 0.1], [0.98, 0.01, 0.01]])
    torch.testing.assert_close(soften(as_scores(probabilities), 1.0), probabilities)
    heated = probabilities.pow(1 / 3)
    torch.testing.assert_close(
        soften(as_scores(probabilities), 3.0), heated / heated.sum(1, keepdim=True)
    )
