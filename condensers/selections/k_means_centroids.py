"""k-means centroids: the mean images of ipc clusters of a class. They are computed, not selected, at no learning cost.

Source: as k-means. Only the pixel space has centroids that are images, so there is no choice of features.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from condensers.context import Context
from condensers.data import ClassData
from condensers.origins import AVERAGES
from condensers.parameterisations.pixels import Pixels
from condensers.selections.base import STORED, gather, stored_bytes
from condensers.selections.clustering import centroids
from condensers.synthetic import Budget, SyntheticSet


@dataclass(frozen=True)
class KMeansCentroids:
    """k-means centroids in pixel space, stored as images."""

    registered: ClassVar[str] = "k-means-centroids"
    evaluation: ClassVar[str] = "dsa"
    couples_classes: ClassVar[bool] = False
    origin: ClassVar[str] = AVERAGES
    parameterisation: ClassVar[Pixels] = STORED

    def nbytes(self, data: ClassData, ipc: int) -> int:
        return stored_bytes(data, ipc)

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        return ipc

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        data = data.to(context.device)

        def mean_images(label: int, features: Tensor, ipc: int) -> tuple[Tensor, list[int]]:
            means = centroids(features, ipc, context.generator)
            return data.quantise(means.view(ipc, *data.shape)), []

        return gather(self, data, budget, context, mean_images)
