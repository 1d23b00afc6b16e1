"""Pairs of some classes under a small network, and what it takes for a term and its transcription
to agree.
"""

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.parts.objectives.base import Pair

TOLERANCES = [(torch.float32, 1e-5, 1e-3), (torch.float64, 1e-11, 1e-9)]


def case(
    dtype: torch.dtype, norm: str = "instance", synthetic: int = 2
) -> tuple[nn.Module, list[Pair]]:
    """Some of five classes, with unequal numbers of real images."""
    generator = torch.Generator().manual_seed(6)
    network = networks.build(
        {"name": "convnet", "depth": 2, "width": 3, "norm": norm}, (1, 8, 8), 5, generator
    ).to(dtype)
    pairs = []
    for label in (1, 4, 2):
        real = torch.randn(2 + label, 1, 8, 8, generator=generator).to(dtype)
        pairs.append(
            Pair(
                label,
                real,
                torch.randn(synthetic, 1, 8, 8, generator=generator).to(dtype).requires_grad_(),
            )
        )
    return network, pairs


def agree(
    ours: Tensor, literal: Tensor, pairs: list[Pair], for_loss: float, for_gradient: float
) -> None:
    images = [pair.synthetic for pair in pairs]
    assert ours.item() == pytest.approx(literal.item(), rel=for_loss)
    for got, wanted in zip(
        torch.autograd.grad(ours, images), torch.autograd.grad(literal, images), strict=True
    ):
        assert wanted.norm() > 0
        assert (got - wanted).norm() / wanted.norm() < for_gradient
