"""Maximum mean discrepancy between the real and the synthetic images of a class, squared and unbiased.

MMD^2 = 1/(n(n-1)) sum_{i != j} k(x_i, x_j) + 1/(m(m-1)) sum_{i != j} k(y_i, y_j) - 2/(n m) sum_{i,j} k(x_i, y_j)
k(a, b) = exp( -|a - b|^2 / (2 s^2) )

Source: Gretton et al., "A kernel two-sample test" (JMLR 2012), equation 3; s is the median distance (section 8), here between
real images alone, so that all sets are judged by one kernel. About 0, also below, for images of the same distribution.
"""

import torch
from torch import Tensor

from scenarios.data_space.points import ClassPoints, distances


def mmd(points: ClassPoints) -> float | None:
    """MMD^2; None where either side has a single image, or real ones are all equal."""
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
    return float(real + synthetic - 2 * kernel(points.apart).mean())
