"""k-means: for each of ipc clusters of a class, the real image nearest to the centroid.

Source: Lloyd, "Least squares quantization in PCM" (1982); centroids from `condensers.selections.clustering`. No image is picked
twice: where two centroids have the same nearest image, the later one takes its next nearest.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.fields import hyper
from condensers.selections.base import Selection
from condensers.selections.clustering import centroids


@dataclass(frozen=True)
class KMeans(Selection):
    """k-means: the real images nearest to the centroids of their class."""

    features: str = hyper("pixels", source="ours", values=("pixels", "random-network"))

    registered: ClassVar[str] = "k-means"

    def choose(self, features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
        """Positions (ipc,) int64, a centroid each; features (n, D)."""
        distance = torch.cdist(centroids(features, ipc, generator), features)
        picked = []
        for row in distance:
            best = int(row.argmin())
            picked.append(best)
            distance[:, best] = torch.inf
        return torch.tensor(picked)
