"""SynFlow: how much flows through a network of absolute weights, from an image of ones.

R = 1^T f(1; |theta|),   S = sum_w |w| dR/d|w|,   score = log S   over the weights of convolutions and linear layers

Source: Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic flow" (NeurIPS 2020);
as a score of networks by Abdelfattah et al. (ICLR 2021). As in the latter's code norms are left out: an instance norm subtracts
the mean, and most of the flow with it. In double precision and evaluation mode; the logarithm keeps ranks and does not overflow.
"""

from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from condensers.networks.precision import by_modules
from scenarios.protocol import Splits
from scenarios.search.baselines.zero_cost import ZeroCost, weights

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)  # _NormBase: batch and instance norms


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """images (n, C, H, W): their shape counts alone."""
    linear = deepcopy(network).double().eval()
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.abs_()
    ones = torch.ones(1, *images.shape[1:], dtype=torch.float64, device=images.device)
    with by_modules(), ExitStack() as hooks:  # a block that is one operation calls no hooks
        for module in linear.modules():
            if isinstance(module, NORMS):
                hooks.enter_context(module.register_forward_hook(lambda _, given, __: given[0]))
        flow = linear(ones).sum()
    found = weights(linear)
    slopes = torch.autograd.grad(flow, found, allow_unused=True, materialize_grads=True)
    total = sum((weight.detach() * slope).sum() for weight, slope in zip(found, slopes, strict=True))
    return float(torch.as_tensor(total).clamp_min(torch.finfo(torch.float64).tiny).log())


@dataclass(frozen=True)
class SynFlow:
    """SynFlow: log of the flow through absolute weights from an image of ones, norms left out."""

    registered: ClassVar[str] = "synflow"

    def judge(self, settings: Any, data: Splits) -> ZeroCost:
        return ZeroCost(data.train, 1, synflow, "synflow, logarithm", 0)

    def images(self, settings: Any, data: Splits) -> float:
        return 0.0
