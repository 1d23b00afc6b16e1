"""Within-class spread: how far apart the synthetic images of a class are, measured by how far apart its real ones are.

spread = mean_{i < j} |y_i - y_j| / mean_{i < j} |x_i - x_j|

The within-class scatter of discriminant analysis (Fukunaga, "Introduction to statistical pattern recognition", 1990, section
10.2) as a mean distance, ours relative to real images: 1 is as spread as they are.
"""

import torch

from scenarios.data_space.points import ClassPoints


def within_class_spread(points: ClassPoints) -> float | None:
    """The ratio; None where either side has a single image, or real ones are all equal."""
    if len(points.real) < 2 or len(points.synthetic) < 2:
        return None
    real = torch.pdist(points.real).mean()
    return float(torch.pdist(points.synthetic).mean() / real) if real > 0 else None
