"""k-means with k-means++ seeding, from a torch.Generator; quick where points are many, long and to
be parted finely.

min_m  sum_i min_j || x_i - m_j ||^2

Where a round over all numbers takes long, the clusters are those of y_i = Q^T (x_i - mean x), Q an
orthonormal basis (D, 32) of the directions in which the points vary most; each m_j is the mean of
the x_i of its cluster, brought up to date by one round.

Source: Lloyd (1982); Arthur & Vassilvitskii, "k-means++: the advantages of careful seeding" (SODA
2007); the basis by Halko, Martinsson & Tropp, "Finding structure with randomness" (SIAM Review
2011), algorithm 4.4. That the projection comes first is ours: for 600 clusters of a class of
CIFAR-10 it takes a second of one processor where Lloyd's rounds over all pixels take 65, and the
sum above is no larger.

On a graphics card a clustering waits once in ten rounds, to see whether they may end. torch waits
within its singular value decomposition besides, where points are projected.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from condensers.engine.devices import send

ITERATIONS = 100
COARSE, COARSE_ITERATIONS = 14, 10  # COARSE: pixels along a side
# A round over n points of D numbers and k centres takes n k D products; above so many, points are
# projected first.
PRODUCTS, DIRECTIONS, MORE_DIRECTIONS, POWERS = 125_000_000, 32, 8, 1
POINTS_AT_ONCE = 8192
ROUNDS_A_LOOK = 10  # on a graphics card, where a look is a wait; rounds too many change nothing
DRAWN_AT_ONCE = 2**22  # numbers, sent to a graphics card together


def centroids(
    points: Tensor, k: int, generator: torch.Generator, rounds: int = ITERATIONS
) -> Tensor:
    """k centroids (k, D) of points (n, D), n >= k, after `rounds` at most.

    A cluster that runs empty keeps its centroid.
    """
    if len(points) * k * points.shape[1] <= PRODUCTS:
        return lloyd_centroids(points, k, generator, rounds)
    short = _project(points, generator)
    chosen = _seed_positions(short, k, generator)
    coarse = nearest(short, _lloyd(short, short[chosen], rounds))
    centres = _means(points, coarse, points[chosen])
    return _means(points, nearest(points, centres), centres)


def lloyd_centroids(
    points: Tensor, k: int, generator: torch.Generator, rounds: int = ITERATIONS
) -> Tensor:
    """What `centroids` returns, by rounds over all numbers of the points."""
    return _lloyd(points, _seeds(points, k, generator), rounds)


def coarse_clusters(images: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """The cluster (n,) int64, below k <= n, of each of n images (n, C, H, W): k-means of coarse
    pixels in few rounds, quickly.
    """
    smaller = functional.avg_pool2d(images, max(1, min(images.shape[2:]) // COARSE)).flatten(1)
    return nearest(smaller, centroids(smaller, k, generator, COARSE_ITERATIONS))


def nearest(points: Tensor, centres: Tensor) -> Tensor:
    """The position (n,) int64 among centres (k, D) of the one nearest to each of points (n, D)."""
    return torch.cat(
        [torch.cdist(part, centres).argmin(1) for part in torch.split(points, POINTS_AT_ONCE)]
    )


def central_points(points: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Choose the points nearest to k centroids.

    Where two centroids have the same nearest point, the later one takes its next nearest, so that
    no point comes twice.

    Args:
        points: (n, D), n >= k.
        k: Number of clusters.
        generator: Draws the seeds of the clusters.

    Returns:
        Positions (k,) int64, one for each centroid, where the points are.
    """
    distance = torch.cdist(centroids(points, k, generator), points)
    picked = []
    for row in distance:
        picked.append(row.argmin(0, keepdim=True))
        distance.index_fill_(1, picked[-1], torch.inf)
    return torch.cat(picked)


def herd(points: Tensor, k: int) -> Tensor:
    """Choose points one by one, so that the mean of those chosen stays nearest to the mean of all.

    Source: Rebuffi et al., "iCaRL" (CVPR 2017), algorithm 4, without choosing a point twice.

    Args:
        points: (n, D), n >= k.
        k: Number of points.

    Returns:
        Positions (k,) int64, in the order of choosing, where the points are.

    >>> herd(torch.tensor([[0.0], [1.0], [5.0], [2.0]]), 2)
    tensor([3, 1])
    """
    mean = points.mean(0)
    total = torch.zeros_like(mean)
    free = torch.ones(len(points), dtype=torch.bool, device=points.device)
    picked = []
    for count in range(1, k + 1):
        distance = (mean - (points + total) / count).norm(dim=1)
        best = distance.masked_fill(~free, torch.inf).argmin(0, keepdim=True)
        picked.append(best)
        free.index_fill_(0, best, False)
        total = total + points.index_select(0, best)[0]
    return torch.cat(picked)


def _lloyd(points: Tensor, centres: Tensor, rounds: int) -> Tensor:
    """Centres (k, D) moved to the means of what is nearest to them, until nothing changes or the
    rounds are over.
    """
    cluster = nearest(points, centres)
    between = 1 if points.device.type == "cpu" else ROUNDS_A_LOOK
    for index in range(rounds):
        centres = _means(points, cluster, centres)
        moved = nearest(points, centres)
        if (index + 1) % between == 0 and torch.equal(moved, cluster):
            break
        cluster = moved
    return centres


def _means(points: Tensor, cluster: Tensor, centres: Tensor) -> Tensor:
    """The mean (k, D) of the points of each cluster; that of an empty one is its centre."""
    sums = torch.zeros_like(centres).index_add_(0, cluster, points)
    counts = torch.zeros(len(centres), dtype=torch.int64, device=points.device)
    counts = counts.index_add_(0, cluster, torch.ones_like(cluster))[:, None]
    return torch.where(counts > 0, sums / counts.clamp(min=1), centres)


def _project(points: Tensor, generator: torch.Generator) -> Tensor:
    """(n, at most 32): the points in the directions of their largest variance, as a randomised
    range finder sees them.
    """
    centred = points - points.mean(0)
    drawn = torch.randn(points.shape[1], DIRECTIONS + MORE_DIRECTIONS, generator=generator)
    basis = send(drawn, points.device).to(points.dtype)
    for _ in range(POWERS + 1):
        basis = torch.linalg.qr(centred.T @ (centred @ basis))[0]
    short: Tensor = centred @ basis
    turned: Tensor = torch.linalg.svd(short, full_matrices=False)[2]
    return short @ turned[:DIRECTIONS].T


def _seeds(points: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Points (k, D), each drawn with a probability that grows with the squared distance to those
    before it.
    """
    return points[_seed_positions(points, k, generator)]


def _seed_positions(points: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Positions (k,) int64 of the seeds, where the points are."""
    first = torch.randint(len(points), (1,), generator=generator)
    chosen = [send(first, points.device)]
    free = torch.ones(len(points), dtype=torch.float64, device=points.device)
    distance = torch.full((len(points),), torch.inf, dtype=points.dtype, device=points.device)
    for drawn in _exponentials(len(points), k - 1, generator, points.device):
        seed = points.index_select(0, chosen[-1])
        distance = torch.minimum(distance, (points - seed).square().sum(1))
        free.index_fill_(0, chosen[-1], 0)
        weights = distance.double()
        weights = torch.where(weights.sum() > 0, weights, free)
        chosen.append((weights / drawn).argmax(0, keepdim=True))
    return torch.cat(chosen)


def _exponentials(
    n: int, rows: int, generator: torch.Generator, device: torch.device
) -> Iterator[Tensor]:
    """So many rows (n,) float64 from Exp(1), drawn on the processor.

    argmax_i w_i / e_i is i with a probability in proportion to w_i. It is how torch.multinomial
    draws one, without looking at the weights first, which would be a wait.
    """
    at_once = 1 if device.type == "cpu" else max(1, DRAWN_AT_ONCE // n)
    for first in range(0, rows, at_once):
        drawn = torch.empty(min(at_once, rows - first), n, dtype=torch.float64)
        for row in drawn:
            row.exponential_(generator=generator)
        yield from send(drawn, device)
