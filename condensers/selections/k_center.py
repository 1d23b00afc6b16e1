"""k-center: the image nearest to the mean of its class, then always the one farthest from all picked so far.

Source: Gonzalez, "Clustering to minimize the maximum intercluster distance" (1985); Sener & Savarese, "Active learning for
convolutional neural networks: a core-set approach" (ICLR 2018), algorithm 1; the first centre as in DC (ICLR 2021).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.fields import hyper
from condensers.selections.base import Selection


@dataclass(frozen=True)
class KCenter(Selection):
    """k-center greedy: real images that cover their class, farthest first."""

    features: str = hyper("pixels", source="ours", values=("pixels", "random-network"))

    registered: ClassVar[str] = "k-center"

    def choose(self, features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
        """Positions (ipc,) int64, in the order of picking; features (n, D). Draws nothing."""
        picked = [int((features - features.mean(0)).norm(dim=1).argmin())]
        distance = (features - features[picked[0]]).norm(dim=1)
        distance[picked[0]] = -1
        while len(picked) < ipc:
            picked.append(int(distance.argmax()))
            distance = torch.minimum(distance, (features - features[picked[-1]]).norm(dim=1))
            distance[picked] = -1
        return torch.tensor(picked)
