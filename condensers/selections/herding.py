"""Herding: real images picked one by one, so that the mean of those picked stays nearest to the mean of the class.

Source: Welling, "Herding dynamical weights to learn" (ICML 2009), in the form of Rebuffi et al., "iCaRL" (CVPR 2017),
algorithm 4: p_k = argmin_x || mu - (phi(x) + sum_{j<k} phi(p_j)) / k ||, without picking an image twice. Feature spaces that
need no labels of other classes only: iCaRL takes the features of the trained learner.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.fields import hyper
from condensers.selections.base import Selection


@dataclass(frozen=True)
class Herding(Selection):
    """Herding: real images whose running mean follows the mean of their class."""

    features: str = hyper("pixels", source="ours", values=("pixels", "random-network"))

    registered: ClassVar[str] = "herding"

    def choose(self, features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
        """Positions (ipc,) int64, in the order of picking; features (n, D). Draws nothing."""
        mean = features.mean(0)
        total = torch.zeros_like(mean)
        free = torch.ones(len(features), dtype=torch.bool, device=features.device)
        picked = []
        for k in range(1, ipc + 1):
            distance = (mean - (features + total) / k).norm(dim=1)
            best = int(distance.masked_fill(~free, torch.inf).argmin())
            picked.append(best)
            free[best] = False
            total = total + features[best]
        return torch.tensor(picked)
