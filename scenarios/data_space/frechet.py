"""Frechet distance between the Gaussians of the real and the synthetic images of a class, squared as the field prints it.

d^2 = |mu_r - mu_s|^2 + tr( S_r + S_s - 2 (S_r S_s)^(1/2) )

Source: Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium" (NeurIPS 2017);
their embedding is an Inception network's, ours are the scenario's. With fewer images than dimensions the covariances
S are of low rank and the distance stays defined: with A, B the centred points as rows, tr (S_r S_s)^(1/2) is the sum of the
singular values of A B^T / sqrt(n m). Covariances divide by the number of points, so that one image is a point mass. With few
images the distance is larger than that of the distributions (a bias): compare at equal count.
"""

import torch

from scenarios.data_space.points import ClassPoints


def frechet_distance(points: ClassPoints) -> float:
    """d^2, in squared units of `Space.unit`."""
    means = [side.mean(0) for side in (points.real, points.synthetic)]
    a, b = (side - mean for side, mean in zip((points.real, points.synthetic), means, strict=True))
    spread = sum(side.square().sum() / len(side) for side in (a, b))
    shared = torch.linalg.svdvals(a @ b.T).sum() / (len(a) * len(b)) ** 0.5
    return float(((means[0] - means[1]).square().sum() + spread - 2 * shared).clamp_min(0))
