"""k-means of many long points: as good as Lloyd's rounds over all numbers, in a small part of their
products.
"""

import pytest
import torch
from torch import Tensor

from condensers import clustering
from condensers.clustering import centroids, nearest


def images_like(n: int, numbers: int, seed: int = 0) -> Tensor:
    """Points whose variance falls with the direction as that of images does, in groups."""
    generator = torch.Generator().manual_seed(seed)
    size = 8 / torch.arange(1, numbers + 1)
    groups = torch.randn(60, numbers, generator=generator)
    own = torch.randn(n, numbers, generator=generator)
    turned = torch.linalg.qr(torch.randn(numbers, numbers, generator=generator))[0]
    return ((groups[torch.arange(n) % 60] + own) * size) @ turned + 3


def objective(points: Tensor, centres: Tensor) -> float:
    return float((points - centres[nearest(points, centres)]).double().square().sum())


@pytest.mark.parametrize("k", [7, 60, 300])
def test_the_quick_way_is_within_two_percent_of_lloyds(
    k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = images_like(1500, 192)

    def mean_of_seeds() -> float:
        found = [centroids(points, k, torch.Generator().manual_seed(seed)) for seed in range(3)]
        return sum(objective(points, centres) for centres in found) / 3

    whole = mean_of_seeds()
    monkeypatch.setattr(clustering, "PRODUCTS", 0)
    assert mean_of_seeds() <= 1.02 * whole


def test_a_fine_clustering_takes_the_products_of_two_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points, k, products = images_like(4000, 512), 300, []
    plain = torch.cdist

    def counted(a: Tensor, b: Tensor) -> Tensor:
        products.append(len(a) * len(b) * a.shape[1])
        return plain(a, b)

    monkeypatch.setattr(torch, "cdist", counted)
    first = centroids(points, k, torch.Generator().manual_seed(4))
    assert sum(products) <= 3 * len(points) * k * points.shape[1]
    assert first.shape == (k, 512) and bool(first.isfinite().all())
    again = centroids(points, k, torch.Generator().manual_seed(4))
    assert torch.equal(first, again), "the generator decides all"
    assert not torch.equal(first, centroids(points, k, torch.Generator().manual_seed(5)))


@pytest.mark.parametrize("equal", [0, 15])
def test_seeds_are_those_that_torch_draws(equal: int) -> None:
    """Each with a probability that grows with the squared distance to those before it."""
    points = images_like(20, 6)
    ours, theirs = (torch.Generator().manual_seed(3) for _ in range(2))
    points[:equal] = points[0]
    found = clustering._seed_positions(points, 9, ours).tolist()
    wanted = [int(torch.randint(20, (1,), generator=theirs))]
    while len(wanted) < 9:
        weights = torch.cdist(points, points[wanted]).square().amin(1).double()
        weights[wanted] = 0
        if equal and len(wanted) > 5:  # no point is left that is no seed
            weights = torch.ones(20, dtype=torch.float64)
            weights[wanted] = 0
        wanted.append(int(torch.multinomial(weights, 1, generator=theirs)))
    assert found == wanted and len(set(found)) == 9
    assert torch.equal(ours.get_state(), theirs.get_state())
