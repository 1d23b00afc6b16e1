"""Attacks on a set itself: how near its images are to the real ones that it was made of.

score(x) = -min_j |e(x) - e(y_j)|,   y_j: images of the set, e: an embedding
near copies: the share of y_j with min_i |y_j - x_i| <= q,   x_i: members, q: the first percentile of the distances from images
that were held out to their nearest member. Held-out images would give 1 %.

Source: ours; such distances are the usual test for copies, as "distance to the closest record" of synthetic tables.
"""

import torch
from torch import Tensor

from scenarios.data_space.points import distances

AT_ONCE = 512
PERCENTILE = 0.01


def nearest(points: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Distance (n,) and index (n,) of the nearest of `among` (m, D) for each of `points` (n, D)."""
    found = [distances(part, among).min(1) for part in torch.split(points, AT_ONCE)]
    return torch.cat([one.values for one in found]), torch.cat([one.indices for one in found])


def near_copies(made: Tensor, members: Tensor, held_out: Tensor) -> float:
    """Percentage of the images made (M, D) that are as near to a member (n, D) as one in a hundred held-out images (m, D)."""
    limit = nearest(held_out, members)[0].double().quantile(PERCENTILE)
    return float((nearest(made, members)[0] <= limit).double().mean() * 100)
