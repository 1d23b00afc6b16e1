"""NASWOT: how differently a network's units fire for different images.

K_ij = N - d_H(c_i, c_j),   score = log det K   c_i: the signs of all N inputs of activations for image i; d_H: Hamming distance

Source: Mellor et al., "Neural Architecture Search without Training" (ICML 2021), there of ReLUs: the sign tells which
of the two pieces is taken. Sigmoids and their like have no pieces; the sign before them tells on which side of
their middle they are. Images that no unit tells apart make det K zero: eigenvalues count as 1e-6 at least, for a finite score.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from condensers.errors import UsageError
from condensers.networks.precision import by_modules
from scenarios.protocol import Splits
from scenarios.search.baselines.zero_cost import ZeroCost, on_minibatch

PIECES = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ReLU6, nn.ELU, nn.CELU, nn.SELU)
SMOOTH = (nn.Sigmoid, nn.Tanh, nn.SiLU, nn.GELU, nn.Mish, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Softplus, nn.Softsign)
SMALLEST = 1e-6


def kernel(codes: Tensor) -> Tensor:
    """K (n, n) float64: in how many of their units the codes (n, units) bool agree."""
    signs = codes.float() * 2 - 1  # sums of these are exact for up to 2^24 units
    return (codes.shape[1] + (signs @ signs.T).double()) / 2


def log_determinant(matrix: Tensor) -> float:
    """Of a symmetric (n, n) matrix without negative eigenvalues; those below 1e-6 count as 1e-6."""
    return float(torch.linalg.eigvalsh(matrix.cpu()).clamp_min(SMALLEST).log().sum())


@torch.no_grad()
def naswot(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """images (n, C, H, W) float32. UsageError where the network has no activation modules."""
    kernels: list[Tensor] = []
    activations = [module for module in network.modules() if isinstance(module, PIECES + SMOOTH)]
    with by_modules(), ExitStack() as hooks:  # a block that is one operation calls no hooks
        for activation in activations:
            seen = activation.register_forward_pre_hook(lambda _, given: kernels.append(kernel(given[0].flatten(1) > 0)))
            hooks.enter_context(seen)
        network(images)
    if not kernels:
        raise UsageError("naswot: the network has no activation that is a module of torch.nn; take another baseline")
    return log_determinant(torch.stack(kernels).sum(0))


@dataclass(frozen=True)
class NASWOT:
    """NASWOT: log-determinant of how the signs before activations agree between images, untrained."""

    registered: ClassVar[str] = "naswot"

    def judge(self, settings: Any, data: Splits) -> ZeroCost:
        return on_minibatch(settings, data, naswot, "naswot")

    def images(self, settings: Any, data: Splits) -> float:
        return settings.zero_cost_batch / 3
