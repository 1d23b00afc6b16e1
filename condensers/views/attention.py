"""Attention: every real image is masked by how much each of its places looks like any class, to a network trained on the data.

m = sigmoid( log sum_k exp s_k ),  s the score map of `condensers.views.score_map`, k over the classes at hand
normalised: m = sigmoid( log mean_k exp s_k )

Source: D. Kim & Bae (IPIU 2022) and their code. The published form is not normalised: scores of zero for ten classes, which say
nothing, give sigmoid(log 10) = 0.91, and more the more classes there are; the mean in place of the sum gives 0.5 for any number.
Differences from their code: a ConvNet that starts from random weights unless `weights` says otherwise, trained by
`condensers.training` on the images at hand alone. The map belongs to no class, so that one class at hand needs no other rule.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers.context import Context
from condensers.data import ClassData
from condensers.fields import hyper
from condensers.training import trained
from condensers.views.masking import Masking
from condensers.views.relevance import IMAGES_AT_ONCE
from condensers.views.score_map import ScoreMapSpec


@dataclass(frozen=True)
class Attention(Masking):
    """Real images under an attention map (Masked DC): what looks like any class stays."""

    form: str = hyper("published", source="Masked DC's code", values=("published", "normalised"))
    epochs: int = hyper(20, unit="epochs of the network", source="ours; Masked DC's code: 50", minimum=1)
    lr: float = hyper(0.3, source="ours", minimum=0.0)
    weights: str = hyper("none", source="ours; Masked DC's code: torchvision", values=("none", "torchvision"))

    registered: ClassVar[str] = "attention"

    @torch.no_grad()
    def computed(self, data: ClassData, context: Context) -> Tensor:
        """Maps (N, H, W) float in [0, 1], of a network that is trained first."""
        recipe = self.recipe(data, "binary")
        spec = ScoreMapSpec(self.network, self.block, self.weights)
        with torch.enable_grad():
            network: Any = trained(spec, data, recipe, context.fork("attention"), "attention network").eval()
        parts = context.each(torch.split(data.images, IMAGES_AT_ONCE), "maps of attention")
        here = list(data.classes)
        return torch.cat([attention(network.scores(data.normalise(part))[:, here], self.form) for part in parts])


def attention(scores: Tensor, form: str) -> Tensor:
    """Scores (n, K, H, W) -> maps (n, H, W) in [0, 1]; form "published" sums over classes, "normalised" takes the mean."""
    total = torch.logsumexp(scores, 1)
    return torch.sigmoid(total if form == "published" else total - math.log(scores.shape[1]))
