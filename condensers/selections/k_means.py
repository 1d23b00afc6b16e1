"""k-means: for each of ipc clusters of a class, the real image nearest to the centroid.

Source: Lloyd, "Least squares quantization in PCM" (1982); centroids from `condensers.selections.clustering`. No image is picked
twice: where two centroids have the same nearest image, the later one takes its next nearest.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.context import Context
from condensers.data import ClassData
from condensers.fields import hyper
from condensers.selections.base import STORED, select
from condensers.selections.clustering import centroids
from condensers.synthetic import Budget, SyntheticSet


@dataclass(frozen=True)
class KMeans:
    """k-means: the real images nearest to the centroids of their class."""

    features: str = hyper("pixels", source="ours", values=("pixels", "random-network"))

    registered: ClassVar[str] = "k-means"
    evaluation: ClassVar[str] = "dsa"
    couples_classes: ClassVar[bool] = False

    def bytes_per_image(self, data: ClassData) -> int:
        return STORED.bytes_per_image(data)

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        return select(self, data.to(context.device), budget, context, nearest_to_centroids)


def nearest_to_centroids(features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
    """Positions (ipc,) int64, a centroid each; features (n, D)."""
    distance = torch.cdist(centroids(features, ipc, generator), features)
    picked = []
    for row in distance:
        best = int(row.argmin())
        picked.append(best)
        distance[:, best] = torch.inf
    return torch.tensor(picked)
