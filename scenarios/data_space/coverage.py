"""Coverage and density: how much of the real images is near synthetic ones, and how deep among real ones synthetic ones lie.

coverage = 1/n sum_i 1[ some y_j in B(x_i, NND_k(x_i)) ]
density = 1/(k m) sum_j sum_i 1[ y_j in B(x_i, NND_k(x_i)) ]

x real, y synthetic, NND_k(x_i) the distance from x_i to its k-th nearest other real image, within a class here. Source: Naeem
et al., "Reliable fidelity and diversity metrics for generative models" (ICML 2020); balls are open, as in
their code. k is at most n - 1. m synthetic images cover more the more there are: compare at equal count.
"""

from torch import Tensor

from scenarios.data_space.points import ClassPoints


def coverage(points: ClassPoints) -> float | None:
    """Share of the real images with a synthetic one in their ball, 0 to 1; None with a single real image."""
    inside = _inside(points)
    return None if inside is None else float(inside.any(1).double().mean())


def density(points: ClassPoints) -> float | None:
    """How many balls a synthetic image lies in, over k: about 1 for real images; None with a single real image."""
    inside = _inside(points)
    return None if inside is None else float(inside.sum(0).double().mean() / _k(points))


def _k(points: ClassPoints) -> int:
    return min(points.k, len(points.real) - 1)


def _inside(points: ClassPoints) -> Tensor | None:
    """(n, m) whether a synthetic point is in the ball of a real one."""
    if _k(points) < 1:
        return None
    radii = points.between_real.kthvalue(_k(points), dim=1).values
    return points.apart < radii[:, None]
