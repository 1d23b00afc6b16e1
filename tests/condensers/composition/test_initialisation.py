"""What images start from: means of clusters, found in coarse pixels, and real images where there
are too few to divide.
"""

from collections.abc import Callable

import pytest
import torch

from condensers.clustering import coarse_clusters
from condensers.composition.initialisation import starting_images
from condensers.data import ClassData
from condensers.registry.registry import METHODS, create_condenser


def test_centroids_are_the_means_of_clusters(make_data: Callable[..., ClassData]) -> None:
    """Two groups of images in each class, well apart: two centroids are their means."""
    data = make_data((1, 28, 28), 2, 20, noise=0.02)
    images, inverted = data.images.clone(), torch.arange(40) // 2 % 3 == 0
    images[inverted] = 255 - images[inverted]
    data = ClassData(data.name, images, data.labels, data.class_names, data.mean, data.std)
    found = starting_images(data, 2, "centroids", torch.Generator().manual_seed(3)).view(
        2, 2, 1, 28, 28
    )
    for label in (0, 1):
        groups = [
            data.normalise(images[(data.labels == label) & (inverted == side)]).mean(0)
            for side in (True, False)
        ]
        matches = [
            [bool(torch.allclose(one, group, atol=1e-5)) for group in groups]
            for one in found[label]
        ]
        assert sorted(matches) == [[False, True], [True, False]]


def test_clusters_of_coarse_pixels_are_few_rounds_of_k_means(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = grey8.normalise(grey8.images[grey8.members(3)])
    cluster = coarse_clusters(images, 4, torch.Generator().manual_seed(2))
    assert torch.equal(cluster, coarse_clusters(images, 4, torch.Generator().manual_seed(2)))
    assert set(cluster.tolist()) <= {0, 1, 2, 3}
    centres = torch.stack([images[cluster == one].mean(0).flatten() for one in cluster.unique()])
    kept = torch.cdist(images.flatten(1), centres).min(1).values.square().sum()
    assert kept < 0.8 * (images - images.mean(0)).square().sum()


@pytest.mark.parametrize("start", ["k-means", "centroids"])
def test_few_images_are_repeated(start: str, make_data: Callable[..., ClassData]) -> None:
    data = make_data((1, 8, 8), 2, 3)
    found = starting_images(data, 5, start, torch.Generator().manual_seed(1))
    real = {tuple(image.flatten().tolist()) for image in data.normalise(data.images)}
    assert {tuple(image.flatten().tolist()) for image in found} == real


@pytest.mark.parametrize("start", ["k-means", "centroids"])
@pytest.mark.parametrize("name", METHODS.entries())
def test_every_method_may_start_from_clusters(name: str, start: str) -> None:
    assert create_condenser({"name": name, "init": start}).init == start
