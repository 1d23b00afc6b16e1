"""Score maps: a network that says for each place of an image how much it looks like each class, learned from labels alone.

s = up( W f(x) ),  logit_k = 2 log mean_p exp( s_k(p) / 2 ),  W a 1 x 1 convolution

Source: D. Kim & Bae's code (IPIU 2022), self-attention.py: a ResNet-18 whose maps are a quarter of the image's side, bilinear
upsampling, the smooth maximum over places as logit, trained with binary cross-entropy.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.registry import NETWORKS
from condensers.views.pretrained import Pretrained
from condensers.views.relevance import block_of_map


@dataclass(frozen=True)
class ScoreMapSpec:
    """network: the spec whose block `block` gives the features; weights "torchvision" takes pre-trained ones in its place."""

    network: Any
    block: int | None
    weights: str

    def module(self, shape: tuple[int, int, int], classes: int) -> "ScoreMap":
        spec = Pretrained() if self.weights == "torchvision" else NETWORKS.create(self.network)
        return ScoreMap(spec.module(shape, classes), shape, classes, self.block)


class ScoreMap(nn.Module):
    """For images of `shape` (C, H, W); the trunk's blocks behind the one that is read are not used."""

    def __init__(self, trunk: nn.Module, shape: tuple[int, int, int], classes: int, block: int | None) -> None:
        super().__init__()
        self.trunk, self.size = trunk, shape[1:]
        with torch.no_grad():
            features = trunk.eval().features(torch.zeros(2, *shape))  # type: ignore[operator]
        self.block = block_of_map(features, shape[1], block, "view attention")
        self.head = nn.Conv2d(features[self.block].shape[1], classes, 1)

    def scores(self, x: Tensor) -> Tensor:
        """(N, C, H, W) float32 normalised -> (N, K, H, W), a score for each class at each pixel."""
        coarse = self.head(self.trunk.features(x)[self.block])  # type: ignore[operator]
        return functional.interpolate(coarse, self.size, mode="bilinear", align_corners=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, K): the smooth maximum of the scores over all pixels."""
        scores = self.scores(x).flatten(2)
        return 2 * (torch.logsumexp(scores / 2, 2) - math.log(scores.shape[2]))
