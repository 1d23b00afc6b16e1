"""Jacobian covariance: how little the slopes of a network at different images are correlated.

J_i = d(sum of logits)/dx_i,   v: eigenvalues of corr(J),   score = -sum_i [log(v_i + k) + 1 / (v_i + k)],   k = 1e-5

Source: Mellor et al., "Neural Architecture Search without Training", first version (arXiv 2006.04647v1); "jacob_cov" of
Abdelfattah et al. (ICLR 2021).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from scenarios.protocol import Splits
from scenarios.search.baselines.zero_cost import ZeroCost, on_minibatch

K = 1e-5


def from_jacobian(jacobian: Tensor) -> float:
    """The score of rows (n, pixels) float; a row without variance correlates with no other."""
    centred = jacobian.double() - jacobian.double().mean(1, keepdim=True)
    unit = centred / centred.norm(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float64).tiny)
    values = torch.linalg.eigvalsh((unit @ unit.T).cpu()).clamp_min(0) + K
    return -float((values.log() + 1 / values).sum())


def jacob_cov(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """images (n, C, H, W) float32."""
    images = images.clone().requires_grad_()
    (jacobian,) = torch.autograd.grad(network(images).sum(), images, allow_unused=True, materialize_grads=True)
    return from_jacobian(jacobian.flatten(1))


@dataclass(frozen=True)
class JacobCov:
    """Jacobian covariance: how little the slopes at different images are correlated, untrained."""

    registered: ClassVar[str] = "jacob-cov"

    def judge(self, settings: Any, data: Splits) -> ZeroCost:
        return on_minibatch(settings, data, jacob_cov, "jacobian covariance")

    def images(self, settings: Any, data: Splits) -> float:
        return float(settings.zero_cost_batch)
