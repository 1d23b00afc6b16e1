"""Each selection against its definition written out with loops, and k-means against
scikit-learn's.
"""

import math

import pytest
import torch
from sklearn import cluster
from torch import Tensor

from condensers.clustering import centroids
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.registry.registry import create_condenser
from condensers.selections.base import RandomSelection
from condensers.selections.geometry import Herding, KCenter, KMeansSelection
from condensers.sets.synthetic_set import Budget


def points(n: int, seed: int = 0, clusters: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    centres = 4 * torch.randn(clusters, 6, generator=generator)
    return centres[torch.arange(n) % clusters] + torch.randn(n, 6, generator=generator)


def distance(a: list[float], b: list[float]) -> float:
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def mean_of(rows: list[list[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def inertia(data: Tensor, centres: Tensor) -> float:
    return sum(min(distance(p, c) for c in centres.tolist()) ** 2 for p in data.tolist())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_herding_follows_the_mean(seed: int, generator: torch.Generator) -> None:
    rows = points(24, seed).tolist()
    picked: list[int] = []
    for _ in range(10):
        free = [i for i in range(24) if i not in picked]
        with_it = {
            i: distance(mean_of(rows), mean_of([rows[j] for j in [*picked, i]])) for i in free
        }
        picked.append(min(with_it, key=lambda i: with_it[i]))
    before = generator.get_state()
    assert Herding().choose(points(24, seed), 10, generator).tolist() == picked
    assert torch.equal(before, generator.get_state())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_k_center_takes_the_farthest(seed: int, generator: torch.Generator) -> None:
    rows = points(24, seed).tolist()
    middle = mean_of(rows)
    picked = [min(range(24), key=lambda i: distance(rows[i], middle))]
    while len(picked) < 10:
        free = [i for i in range(24) if i not in picked]
        picked.append(max(free, key=lambda i: min(distance(rows[i], rows[j]) for j in picked)))
    assert KCenter().choose(points(24, seed), 10, generator).tolist() == picked


@pytest.mark.parametrize(
    "choose",
    [Herding().choose, KCenter().choose, KMeansSelection().choose, RandomSelection().choose],
)
def test_no_position_twice_also_when_all_images_are_equal(
    choose: object, generator: torch.Generator
) -> None:
    for data in (torch.zeros(6, 3), points(6)):
        assert sorted(choose(data, 6, generator).tolist()) == list(range(6))  # type: ignore[operator]


@pytest.mark.parametrize("k", [2, 5, 8])
def test_k_means_is_as_good_as_scikit_learns(k: int) -> None:
    data = points(120, seed=3)
    ours = [
        inertia(data, centroids(data, k, torch.Generator().manual_seed(seed))) for seed in range(5)
    ]
    theirs = cluster.KMeansSelection(k, n_init=5, random_state=0).fit(data.numpy()).inertia_
    assert min(ours) <= 1.03 * theirs
    assert sum(ours) / 5 <= 1.6 * theirs


def test_a_centroid_is_the_mean_of_what_is_nearest_to_it(generator: torch.Generator) -> None:
    data = points(60)
    centres = centroids(data, 4, generator)
    nearest = [min(range(4), key=lambda c: distance(p, centres[c].tolist())) for p in data.tolist()]
    for c in range(4):
        assert torch.allclose(
            centres[c], data[torch.tensor([n == c for n in nearest])].mean(0), atol=1e-4
        )


def test_as_many_centroids_as_points_are_the_points(generator: torch.Generator) -> None:
    data = points(9)
    found = centroids(data, 9, generator)
    assert torch.allclose(found[found[:, 0].argsort()], data[data[:, 0].argsort()], atol=1e-5)


def test_one_centroid_is_the_mean(generator: torch.Generator) -> None:
    assert torch.allclose(centroids(points(30), 1, generator)[0], points(30).mean(0), atol=1e-5)


def test_k_means_images_are_the_nearest_to_the_centroids() -> None:
    data = points(40)
    picked = KMeansSelection().choose(data, 5, torch.Generator().manual_seed(1)).tolist()
    for centre, position in zip(
        centroids(data, 5, torch.Generator().manual_seed(1)).tolist(), picked, strict=True
    ):
        assert position == min(range(40), key=lambda i: distance(data[i].tolist(), centre))


def test_centroid_images_are_the_rounded_class_means_at_one_per_class(grey8: ClassData) -> None:
    made = create_condenser("k-means-centroids").condense(grey8, Budget(ipc=1), Context())
    for label in grey8.classes:
        wanted = grey8.images[grey8.labels == label].double().mean(0)
        assert (made.tensors["images"][label].double() - wanted).abs().max() <= 0.501
    assert list(made.card["indices"].values()) == [[]] * 10, (
        "no real image stands behind a centroid"
    )


def test_random_draws_every_image_equally_often() -> None:
    generator = torch.Generator().manual_seed(0)
    counts = torch.bincount(
        torch.cat([RandomSelection().choose(torch.zeros(8, 1), 2, generator) for _ in range(2000)]),
        minlength=8,
    )
    assert bool(((counts - 500).abs() < 90).all())
