"""Real and synthetic images as points of one embedding, class by class, at a scale that all
embeddings share.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from scenarios.embeddings import distances


@dataclass(frozen=True, eq=False)
class ClassPoints:
    """The points of one class, float64.

    Attributes:
        real: (n, D), n >= 1.
        synthetic: (m, D), m >= 1.
        others: (o, D), real points of all other classes.
        k: Which neighbour bounds a ball, see `coverage`.
    """

    real: Tensor
    synthetic: Tensor
    others: Tensor
    k: int

    @cached_property
    def cross_distances(self) -> Tensor:
        """(n, m) distances from real to synthetic points."""
        return distances(self.real, self.synthetic)

    @cached_property
    def between_real(self) -> Tensor:
        """(n, n) distances between real points, infinite from each to itself."""
        found = distances(self.real, self.real)
        return found.fill_diagonal_(torch.inf)


@dataclass(frozen=True, eq=False)
class EmbeddedSpace:
    """All points in one embedding.

    Attributes:
        real: (N, D), any float.
        real_labels: (N,) int64.
        synthetic: (M, D), any float.
        synthetic_labels: (M,) int64.
        k: Which neighbour bounds a ball, see `coverage`.
    """

    real: Tensor
    real_labels: Tensor
    synthetic: Tensor
    synthetic_labels: Tensor
    k: int

    def by_class(self) -> Iterator[tuple[int, ClassPoints]]:
        """Each class that has a synthetic image; distances in units of the usual one from a real
        image to its nearest.
        """
        unit = self.unit
        for label in torch.unique(self.synthetic_labels).tolist():
            own = self.real_labels == label
            if own.any():
                parts = (
                    self.real[own],
                    self.synthetic[self.synthetic_labels == label],
                    self.real[~own],
                )
                real, synthetic, others = (part.double() / unit for part in parts)
                yield label, ClassPoints(real, synthetic, others, self.k)

    @cached_property
    def unit(self) -> float:
        """Mean distance from a real point to the nearest other one of its class; 1 where that is 0
        or no class has two.
        """
        groups = [
            self.real[self.real_labels == label].double()
            for label in torch.unique(self.real_labels)
        ]
        nearest = [
            distances(group, group).fill_diagonal_(torch.inf).amin(1)
            for group in groups
            if len(group) > 1
        ]
        return float(torch.cat(nearest).mean()) or 1.0 if nearest else 1.0


def nearest_other(points: ClassPoints) -> Tensor:
    """(n,) distance from each real point to the nearest other one of its class; infinite where
    there is one alone.
    """
    return points.between_real.amin(1)
