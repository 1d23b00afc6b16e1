"""Nearest-real distance: how far synthetic images are from the nearest real one of their class.

distance = 1/m sum_j min_i |y_j - x_i|
nearer = 1/m sum_j 1[ min_i |y_j - x_i| < 1/n sum_i min_{l != i} |x_l - x_i| ]

The second is the share of synthetic images nearer to a real one than real ones are to each other: all of them where images are
copies of, or averages of, what the class has most of. Ours; the comparison of such distances follows the authenticity check of
Alaa et al., "How faithful is your synthetic data?" (ICML 2022).
"""

from scenarios.data_space.points import ClassPoints, nearest_other


def nearest_real_distance(points: ClassPoints) -> float:
    """The mean distance, in units of `Space.unit`."""
    return float(points.apart.amin(0).mean())


def nearer_than_real(points: ClassPoints) -> float | None:
    """The share in %; None with a single real image."""
    if len(points.real) < 2:
        return None
    return float((points.apart.amin(0) < nearest_other(points).mean()).double().mean() * 100)
