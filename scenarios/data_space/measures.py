"""Which measures the data space has, and how they are taken: class by class, then averaged over the
classes.

Coverage and density: how much of the real images is near synthetic ones, and how deep among real
ones synthetic ones lie.

coverage = 1/n sum_i 1[ some y_j in B(x_i, NND_k(x_i)) ]
density = 1/(k m) sum_j sum_i 1[ y_j in B(x_i, NND_k(x_i)) ]

x real, y synthetic, NND_k(x_i) the distance from x_i to its k-th nearest other real image, within a
class here. Source: Naeem et al., "Reliable fidelity and diversity metrics for generative models"
(ICML 2020); balls are open, as in their code. k is at most n - 1. m synthetic images cover more the
more there are: compare at equal count.

Frechet distance between the Gaussians of the real and the synthetic images of a class, squared as
the field prints it.

d^2 = |mu_r - mu_s|^2 + tr( S_r + S_s - 2 (S_r S_s)^(1/2) )

Source: Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash
equilibrium" (NeurIPS 2017); their embedding is an Inception network's, ours are the scenario's.
With fewer images than dimensions the covariances S are of low rank and the distance stays defined:
with A, B the centred points as rows, tr (S_r S_s)^(1/2) is the sum of the singular values of A B^T
/ sqrt(n m). Covariances divide by the number of points, so that one image is a point mass. With few
images the distance is larger than that of the distributions (a bias): compare at equal count.

Between-class margin: how much nearer a synthetic image is to real images of its own class than to
those of any other.

margin = 1/m sum_j ( |y_j - nearmiss(y_j)| - |y_j - nearhit(y_j)| ) / 2

nearhit: the nearest real image of the class, nearmiss: the nearest of another. Source: the
hypothesis margin of the nearest neighbour rule, Gilad-Bachrach, Navot & Tishby, "Margin based
feature selection" (ICML 2004). Below 0 on the wrong side.

Maximum mean discrepancy between the real and the synthetic images of a class, squared and unbiased.

MMD^2 = 1/(n(n-1)) sum_{i != j} k(x_i, x_j) + 1/(m(m-1)) sum_{i != j} k(y_i, y_j) - 2/(n m)
sum_{i,j} k(x_i, y_j) k(a, b) = exp( -|a - b|^2 / (2 s^2) )

Source: Gretton et al., "A kernel two-sample test" (JMLR 2012), equation 3; s is the median distance
(section 8), here between real images alone, so that all sets are judged by one kernel. About 0,
also below, for images of the same distribution.

Nearest-real distance: how far synthetic images are from the nearest real one of their class.

distance = 1/m sum_j min_i |y_j - x_i|
nearer = 1/m sum_j 1[ min_i |y_j - x_i| < 1/n sum_i min_{l != i} |x_l - x_i| ]

The second is the share of synthetic images nearer to a real one than real ones are to each other:
all of them where images are copies of, or averages of, what the class has most of. Ours; the
comparison of such distances follows the authenticity check of Alaa et al., "How faithful is your
synthetic data?" (ICML 2022).

Within-class spread: how far apart the synthetic images of a class are, measured by how far apart
its real ones are.

spread = mean_{i < j} |y_i - y_j| / mean_{i < j} |x_i - x_j|

The within-class scatter of discriminant analysis (Fukunaga, "Introduction to statistical pattern
recognition", 1990, section 10.2) as a mean distance, ours relative to real images: 1 is as spread
as they are.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from scenarios.data_space.points import ClassPoints, EmbeddedSpace, nearest_other
from scenarios.embeddings import distances


def coverage(points: ClassPoints) -> float | None:
    """Return the share of real images with a synthetic one in their ball.

    Args:
        points: One class.

    Returns:
        0 to 1; None with a single real image.

    Source: Naeem et al., "Reliable fidelity and diversity metrics" (ICML 2020).

    >>> line = torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
    >>> coverage(ClassPoints(line, line[:1], line[:0], k=1))
    0.3333333333333333
    """
    inside = _find_covered(points)
    return None if inside is None else float(inside.any(1).double().mean())


def density(points: ClassPoints) -> float | None:
    """Return how many balls a synthetic image lies in, divided by k; about 1 for real images.

    None with a single real image. Source: as for `coverage`.
    """
    inside = _find_covered(points)
    return None if inside is None else float(inside.sum(0).double().mean() / _k(points))


def _k(points: ClassPoints) -> int:
    return min(points.k, len(points.real) - 1)


def _find_covered(points: ClassPoints) -> Tensor | None:
    """(n, m) whether a synthetic point is in the ball of a real one."""
    if _k(points) < 1:
        return None
    radii = points.between_real.kthvalue(_k(points), dim=1).values
    return points.cross_distances < radii[:, None]


def frechet_distance(points: ClassPoints) -> float:
    """Return the squared Frechet distance of Gaussians, in squared units of `EmbeddedSpace.unit`.

    Source: Heusel et al., "GANs trained by a two time-scale update rule" (NeurIPS 2017).
    """
    means = [side.mean(0) for side in (points.real, points.synthetic)]
    a, b = (side - mean for side, mean in zip((points.real, points.synthetic), means, strict=True))
    spread = sum(side.square().sum() / len(side) for side in (a, b))
    shared = torch.linalg.svdvals(a @ b.T).sum() / (len(a) * len(b)) ** 0.5
    return float(((means[0] - means[1]).square().sum() + spread - 2 * shared).clamp_min(0))


def between_class_margin(points: ClassPoints) -> float | None:
    """Return the mean margin, in units of `EmbeddedSpace.unit`; None without another class.

    Source: Gilad-Bachrach, Navot & Tishby, "Margin based feature selection" (ICML 2004).
    """
    if not len(points.others):
        return None
    miss = distances(points.synthetic, points.others).amin(1)
    return float((miss - points.cross_distances.amin(0)).mean() / 2)


def mmd(points: ClassPoints) -> float | None:
    """Return the unbiased squared MMD; None with a single image, or if real ones are all equal.

    Source: Gretton et al., "A kernel two-sample test" (JMLR 2012), equation 3.
    """
    n, m = len(points.real), len(points.synthetic)
    if n < 2 or m < 2:
        return None
    pairs = points.between_real[torch.ones(n, n, dtype=torch.bool).triu(1)]
    bandwidth = pairs.quantile(0.5)
    if bandwidth == 0:
        return None

    def kernel(apart: Tensor) -> Tensor:
        return torch.exp(-apart.square() / (2 * bandwidth**2))

    real = kernel(pairs).mean()
    between_synthetic = kernel(distances(points.synthetic, points.synthetic))
    synthetic = (between_synthetic.sum() - m) / (m * (m - 1))
    return float(real + synthetic - 2 * kernel(points.cross_distances).mean())


def nearest_real_distance(points: ClassPoints) -> float:
    """Return the mean distance to the nearest real image, in units of `EmbeddedSpace.unit`."""
    return float(points.cross_distances.amin(0).mean())


def nearer_than_real(points: ClassPoints) -> float | None:
    """Return the percentage nearer to a real image than real ones; None with a single one."""
    if len(points.real) < 2:
        return None
    return float(
        (points.cross_distances.amin(0) < nearest_other(points).mean()).double().mean() * 100
    )


def within_class_spread(points: ClassPoints) -> float | None:
    """Return the ratio of mean distances; None with a single image, or equal real ones."""
    if len(points.real) < 2 or len(points.synthetic) < 2:
        return None
    real = torch.pdist(points.real).mean()
    return float(torch.pdist(points.synthetic).mean() / real) if real > 0 else None


UNIT = "distances from a real image to its nearest"


class Measure(NamedTuple):
    """A measure of one class.

    Attributes:
        of: Computes it; None if it is not defined.
        unit: Its unit.
        higher_is_better: Whether a higher value is nearer to real images; None for neither.
    """

    of: Callable[[ClassPoints], float | None]
    unit: str
    higher_is_better: bool | None


MEASURES: Mapping[str, Measure] = {
    "coverage": Measure(coverage, "", True),
    "density": Measure(density, "", None),
    "frechet-distance": Measure(frechet_distance, f"squared {UNIT}", False),
    "mmd": Measure(mmd, "squared", False),
    "within-class-spread": Measure(within_class_spread, "of real images", None),
    "between-class-margin": Measure(between_class_margin, UNIT, None),
    "nearest-real-distance": Measure(nearest_real_distance, UNIT, None),
    "nearer-than-real": Measure(nearer_than_real, "%", None),
}


def measure_space(space: EmbeddedSpace) -> dict[str, dict[int, float]]:
    """Return measure -> class -> value, without the classes for which it is not defined."""
    points = dict(space.by_class())
    found = {}
    for name, measure in MEASURES.items():
        each = {label: measure.of(own) for label, own in points.items()}
        found[name] = {label: value for label, value in each.items() if value is not None}
    return found
