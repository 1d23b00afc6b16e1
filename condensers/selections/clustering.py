"""k-means with k-means++ seeding, from a torch.Generator.

Source: Lloyd (1982); Arthur & Vassilvitskii, "k-means++: the advantages of careful seeding" (SODA 2007).
"""

import torch
from torch import Tensor
from torch.nn import functional

ITERATIONS = 100
COARSE, COARSE_ITERATIONS = 14, 10  # COARSE: pixels along a side


def centroids(points: Tensor, k: int, generator: torch.Generator, rounds: int = ITERATIONS) -> Tensor:
    """k centroids (k, D) of points (n, D), n >= k, after `rounds` at most. A cluster that runs empty keeps its centroid."""
    centres = _seeds(points, k, generator)
    nearest = torch.cdist(points, centres).argmin(1)
    for _ in range(rounds):
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        counts = torch.bincount(nearest, minlength=k)[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
        moved = torch.cdist(points, centres).argmin(1)
        if torch.equal(moved, nearest):
            break
        nearest = moved
    return centres


def coarse_clusters(images: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """The cluster (n,) int64, below k <= n, of each of n images (n, C, H, W): k-means of coarse pixels in few rounds, quickly."""
    smaller = functional.avg_pool2d(images, max(1, min(images.shape[2:]) // COARSE)).flatten(1)
    return torch.cdist(smaller, centroids(smaller, k, generator, COARSE_ITERATIONS)).argmin(1)


def _seeds(points: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Points (k, D), each drawn with a probability that grows with the squared distance to those before it."""
    first = int(torch.randint(len(points), (1,), generator=generator))
    chosen = [first]
    distance = (points - points[first]).square().sum(1)
    while len(chosen) < k:
        weights = distance.double().cpu()
        if not bool(weights.sum() > 0):
            weights = torch.ones_like(weights)
            weights[chosen] = 0
        chosen.append(int(torch.multinomial(weights, 1, generator=generator)))
        distance = torch.minimum(distance, (points - points[chosen[-1]]).square().sum(1))
    return points[chosen]
