"""Real and synthetic images as points of one embedding, class by class, at a scale that all
embeddings share.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ClassPoints:
    """One class: real (n, D), synthetic (m, D), others (o, D): real ones of all other classes;
    float64. m, n >= 1.
    """

    real: Tensor
    synthetic: Tensor
    others: Tensor
    k: int

    @cached_property
    def apart(self) -> Tensor:
        """(n, m) distances from real to synthetic points."""
        return distances(self.real, self.synthetic)

    @cached_property
    def between_real(self) -> Tensor:
        """(n, n) distances between real points, infinite from each to itself."""
        found = distances(self.real, self.real)
        return found.fill_diagonal_(torch.inf)


@dataclass(frozen=True, eq=False)
class EmbeddedSpace:
    """All points in one embedding: real (N, D), synthetic (M, D), any float; labels (N,), (M,)
    int64. k: see `coverage`.
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
        for label in self.synthetic_labels.unique().tolist():
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
            self.real[self.real_labels == label].double() for label in self.real_labels.unique()
        ]
        nearest = [
            distances(group, group).fill_diagonal_(torch.inf).amin(1)
            for group in groups
            if len(group) > 1
        ]
        return float(torch.cat(nearest).mean()) or 1.0 if nearest else 1.0


def distances(a: Tensor, b: Tensor) -> Tensor:
    """(n, m) Euclidean distances from (n, D) to (m, D), by differences: those of equal points are
    exactly 0.
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def nearest_other(points: ClassPoints) -> Tensor:
    """(n,) distance from each real point to the nearest other one of its class; infinite where
    there is one alone.
    """
    return points.between_real.amin(1)
