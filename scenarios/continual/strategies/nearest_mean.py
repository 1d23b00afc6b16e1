"""Nearest mean: trained by replay, classifies by the nearest mean of the memory's features.

y(x) = argmin_c |phi(x) - mu_c|,  phi features of length 1, mu_c the mean of those of class c in memory, of length 1.
Source: Rebuffi et al., "iCaRL" (CVPR 2017), equations 1 and 2, without its distillation and its sigmoid losses.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.data import ClassData
from condensers.training.classifier import predict
from scenarios.continual.strategies.replay import Replay

BATCH = 256


@dataclass(frozen=True)
class NearestMean(Replay):
    """Experience replay with a nearest-mean classifier. A class without an image in memory is never answered."""

    registered: ClassVar[str] = "nearest-mean"

    def predict(self, network: nn.Module, test: ClassData, memory: Any) -> Tensor:
        if not memory.held:
            return predict(network, test).argmax(1)
        network.eval()
        held = memory.whole()
        images, labels = held.images.to(test.device), held.labels.to(test.device)
        found, which = labels.unique(return_inverse=True)
        features = torch.cat([embedded(network, part) for part in torch.split(images, BATCH)])
        means = functional.normalize(features.new_zeros(len(found), features.shape[1]).index_add_(0, which, features))
        # Among vectors of length 1 the nearest is the one with the largest product.
        parts = torch.split(test.images, BATCH)
        return torch.cat([found[(embedded(network, test.normalise(part)) @ means.T).argmax(1)] for part in parts])


def embedded(network: Any, x: Tensor) -> Tensor:
    """(n, D): the features of x (n, C, H, W), each of length 1."""
    return functional.normalize(network.embed(x).flatten(1))
