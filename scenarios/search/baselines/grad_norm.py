"""Gradient norm: the lengths of the layers' gradients, summed.

S = sum_l || dL/dW_l ||_2   over convolutions and linear layers, L the cross-entropy of one minibatch

Source: Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS" (ICLR 2021), section 3.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from scenarios.protocol import Splits
from scenarios.search.baselines.zero_cost import ZeroCost, gradients, on_minibatch


def grad_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """images (n, C, H, W) float32, labels (n,) int64."""
    return float(sum(gradient.double().norm() for gradient in gradients(network, images, labels)))


@dataclass(frozen=True)
class GradNorm:
    """Gradient norm: the sum of the layers' gradient lengths of one minibatch, untrained."""

    registered: ClassVar[str] = "grad-norm"

    def judge(self, settings: Any, data: Splits) -> ZeroCost:
        return on_minibatch(settings, data, grad_norm, "gradient norm")

    def images(self, settings: Any, data: Splits) -> float:
        return float(settings.zero_cost_batch)
