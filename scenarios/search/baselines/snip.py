"""SNIP: how much the loss depends on each weight, summed.

S = sum_w |w dL/dw|   over the weights of convolutions and linear layers, L the cross-entropy of one minibatch

Source: Lee et al., "SNIP: Single-shot Network Pruning" (ICLR 2019), its connection sensitivity before it is normalised; summed as
a score of a network by Abdelfattah et al. (ICLR 2021).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from scenarios.protocol import Splits
from scenarios.search.baselines.zero_cost import ZeroCost, gradients, on_minibatch, weights


def snip(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """images (n, C, H, W) float32, labels (n,) int64."""
    pairs = zip(weights(network), gradients(network, images, labels), strict=True)
    return float(sum((weight.detach() * gradient).abs().double().sum() for weight, gradient in pairs))


@dataclass(frozen=True)
class Snip:
    """SNIP: the sum of |weight x gradient| of one minibatch, untrained."""

    registered: ClassVar[str] = "snip"

    def judge(self, settings: Any, data: Splits) -> ZeroCost:
        return on_minibatch(settings, data, snip, "snip")

    def images(self, settings: Any, data: Splits) -> float:
        return float(settings.zero_cost_batch)
