"""Selections by distances between images."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.clustering import central_points, centroids, herd
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.hyperparameters import hyper
from condensers.selections.base import PerClassCondenser, Selection
from condensers.sets.origins import AVERAGES


@dataclass(frozen=True)
class Herding(Selection):
    """Herding: real images picked one by one, so that the mean of those picked stays nearest to the
    mean of their class.

    Source: Welling, "Herding dynamical weights to learn" (ICML 2009), in the form of Rebuffi et
    al., "iCaRL" (CVPR 2017), algorithm 4: p_k = argmin_x || mu - (phi(x) + sum_{j<k} phi(p_j)) / k
    ||, without picking an image twice. Feature spaces that need no labels of other classes only:
    iCaRL takes the features of the trained learner.
    """

    features: str = hyper(
        "pixels",
        help="space in which images are compared",
        source="ours",
        values=("pixels", "random-network"),
    )

    registered: ClassVar[str] = "herding"

    def choose(self, features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
        """Positions (ipc,) int64, in the order of picking; features (n, D). Draws nothing."""
        return herd(features, ipc)


@dataclass(frozen=True)
class KCenter(Selection):
    """k-center greedy: real images that cover their class, farthest first.

    k-center: the image nearest to the mean of its class, then always the one farthest from all
    picked so far.

    Source: Gonzalez, "Clustering to minimize the maximum intercluster distance" (1985); Sener &
    Savarese, "Active learning for convolutional neural networks: a core-set approach" (ICLR 2018),
    algorithm 1; the first centre as in DC (ICLR 2021).
    """

    features: str = hyper(
        "pixels",
        help="space in which images are compared",
        source="ours",
        values=("pixels", "random-network"),
    )

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


@dataclass(frozen=True)
class KMeansSelection(Selection):
    """k-means: for each of ipc clusters of a class, the real image nearest to the centroid.

    Source: Lloyd, "Least squares quantization in PCM" (1982); centroids from
    `condensers.clustering`. No image is picked twice: where two centroids have the same nearest
    image, the later one takes its next nearest.
    """

    features: str = hyper(
        "pixels",
        help="space in which images are compared",
        source="ours",
        values=("pixels", "random-network"),
    )

    registered: ClassVar[str] = "k-means"

    def choose(self, features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
        """Positions (ipc,) int64, a centroid each; features (n, D)."""
        return central_points(features, ipc, generator)


@dataclass(frozen=True)
class KMeansCentroids(PerClassCondenser):
    """k-means centroids: the mean images of ipc clusters of a class, in pixel space; computed, not
    selected, at no learning cost.

    Source: as k-means. Only the pixel space has centroids that are images, so there is no choice of
    features.
    """

    registered: ClassVar[str] = "k-means-centroids"
    origin: ClassVar[str] = AVERAGES

    def images_of(
        self, data: ClassData, members: Tensor, features: Tensor, ipc: int, context: Context
    ) -> tuple[Tensor, list[int]]:
        """Return the mean images of `ipc` clusters, which are none of the data."""
        means = centroids(features, ipc, context.generator)
        return data.quantise(means.view(ipc, *data.shape)), []
