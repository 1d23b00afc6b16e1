"""Each measure of the data space against its definition, loop by loop, or against scipy and
scikit-learn.
"""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist, pdist
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from scenarios.data_space.measures import (
    MEASURES,
    between_class_margin,
    coverage,
    density,
    frechet_distance,
    measure_space,
    mmd,
    nearer_than_real,
    nearest_real_distance,
    within_class_spread,
)
from scenarios.data_space.points import ClassPoints, EmbeddedSpace
from scenarios.data_space.projections import PROJECTIONS, frame_points, project_principal

K = 5


def points(
    m: int = 9, n: int = 30, dimensions: int = 6, shift: float = 0.5, seed: int = 0
) -> ClassPoints:
    drawn = torch.Generator().manual_seed(seed)
    real, synthetic, others = (
        torch.randn(count, dimensions, generator=drawn).double() for count in (n, m, 40)
    )
    return ClassPoints(real, 0.8 * synthetic + shift, others + 2, K)


@pytest.mark.parametrize("m", [1, 9])
def test_coverage_and_density_are_counted_ball_by_ball(m: int) -> None:
    own = points(m)
    apart, real = cdist(own.real, own.synthetic), cdist(own.real, own.real)
    radii = [sorted(row)[K] for row in real]  # the first is the distance to itself
    covered = sum(any(apart[i, j] < radii[i] for j in range(m)) for i in range(30)) / 30
    deep = sum(apart[i, j] < radii[i] for i in range(30) for j in range(m)) / (K * m)
    assert 0 < covered < 1 and deep > 0
    assert coverage(own) == pytest.approx(covered)
    assert density(own) == pytest.approx(deep)


def test_few_real_images_lower_k_and_one_leaves_no_ball() -> None:
    own = points(n=3)
    apart, real = cdist(own.real, own.synthetic), cdist(own.real, own.real)
    assert density(own) == pytest.approx((apart < real.max(1, keepdims=True)).sum(0).mean() / 2)
    assert coverage(points(n=1)) is None and density(points(n=1)) is None


@pytest.mark.parametrize(("m", "dimensions"), [(40, 6), (9, 6), (3, 20), (1, 6)])
def test_frechet_distance_is_that_of_the_matrix_root(m: int, dimensions: int) -> None:
    own = points(m, dimensions=dimensions)
    means = [np.asarray(side.mean(0)) for side in (own.real, own.synthetic)]
    a, b = (np.cov(np.asarray(side), rowvar=False, bias=True) for side in (own.real, own.synthetic))
    # The root of the symmetric product has the same trace, and exists where covariances are of low
    # rank.
    half = np.real(sqrtm(a + 1e-13 * np.eye(dimensions)))
    root = np.sqrt(np.clip(np.linalg.eigvalsh(half @ b @ half), 0, None)).sum()
    wanted = ((means[0] - means[1]) ** 2).sum() + np.trace(a + b) - 2 * root
    assert frechet_distance(own) == pytest.approx(wanted, rel=1e-4)


def test_frechet_distance_of_equal_populations_is_zero_and_of_a_copy_elsewhere_its_shift() -> None:
    own = points()
    same = ClassPoints(own.real, own.real.flip(0), own.others, K)
    assert frechet_distance(same) == pytest.approx(0, abs=1e-9)
    moved = ClassPoints(own.real, own.real + 2, own.others, K)
    assert frechet_distance(moved) == pytest.approx(4 * 6)


def test_mmd_is_the_sum_over_pairs() -> None:
    own = points(m=4, n=7)
    bandwidth = np.median(pdist(own.real))

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        return math.exp(-float((a - b).square().sum()) / (2 * bandwidth**2))

    x, y = own.real, own.synthetic
    first = sum(kernel(x[i], x[j]) for i in range(7) for j in range(7) if i != j) / (7 * 6)
    second = sum(kernel(y[i], y[j]) for i in range(4) for j in range(4) if i != j) / (4 * 3)
    both = sum(kernel(x[i], y[j]) for i in range(7) for j in range(4)) / 28
    assert mmd(own) == pytest.approx(first + second - 2 * both)
    assert mmd(points(m=1)) is None


def test_mmd_is_unbiased() -> None:
    drawn = [points(m=4, n=12, seed=seed) for seed in range(300)]
    alike = [mmd(ClassPoints(p.real[:8], p.real[8:], p.others, K)) for p in drawn]
    assert abs(np.mean(alike)) < 3 * np.std(alike) / 300**0.5
    assert np.mean([mmd(p) for p in drawn]) > 0.01


def test_spread_is_relative_to_real_images() -> None:
    own = points()
    assert within_class_spread(own) == pytest.approx(
        pdist(own.synthetic).mean() / pdist(own.real).mean()
    )
    assert within_class_spread(points(m=1)) is None


def test_margin_is_half_of_nearmiss_less_nearhit() -> None:
    own = points()
    hit = [min(float((y - x).norm()) for x in own.real) for y in own.synthetic]
    miss = [min(float((y - x).norm()) for x in own.others) for y in own.synthetic]
    assert between_class_margin(own) == pytest.approx(
        np.mean([(b - a) / 2 for a, b in zip(hit, miss, strict=True)])
    )
    assert between_class_margin(ClassPoints(own.real, own.synthetic, own.others[:0], K)) is None


def test_nearest_real_images() -> None:
    own = points()
    found = NearestNeighbors(n_neighbors=2).fit(own.real)
    hit = found.kneighbors(own.synthetic)[0][:, 0]
    usual = found.kneighbors(own.real)[0][:, 1].mean()
    assert 0 < (hit < usual).mean() < 1
    assert nearest_real_distance(own) == pytest.approx(hit.mean())
    assert nearer_than_real(own) == pytest.approx((hit < usual).mean() * 100)
    assert nearer_than_real(points(n=1)) is None


def space(m: int, factor: float = 1.0) -> EmbeddedSpace:
    """Three classes of 20 real images, `m` synthetic ones of two of them."""
    drawn = torch.Generator().manual_seed(1)
    labels, own = torch.arange(3).repeat(20), torch.arange(2).repeat(m)
    centres = 3 * torch.eye(3, 8)
    real, synthetic = (
        centres[each] + torch.randn(len(each), 8, generator=drawn) for each in (labels, own)
    )
    return EmbeddedSpace(factor * real, labels, factor * synthetic, own, K)


def test_measures_do_not_depend_on_the_scale_of_the_embedding() -> None:
    found, scaled = measure_space(space(4)), measure_space(space(4, 7.0))
    assert found.keys() == MEASURES.keys()
    for name in MEASURES:
        assert found[name] == pytest.approx(scaled[name], rel=1e-4), name


def test_the_unit_is_the_usual_distance_to_the_nearest() -> None:
    own = space(4)
    nearest = [
        NearestNeighbors(n_neighbors=2).fit(own.real[own.real_labels == c]).kneighbors()[0][:, 0]
        for c in range(3)
    ]
    assert own.unit == pytest.approx(np.mean(nearest), rel=1e-5)


def test_classes_without_synthetic_images_are_left_out_and_one_image_leaves_two_undefined() -> None:
    found = measure_space(space(1))
    assert {name for name, each in found.items() if not each} == {"mmd", "within-class-spread"}
    assert all(set(each) == {0, 1} for each in found.values() if each)


def test_copies_of_real_images_cover_them_all() -> None:
    own = space(4)
    copied = measure_space(EmbeddedSpace(own.real, own.real_labels, own.real, own.real_labels, K))
    assert set(copied["coverage"].values()) == {1.0}
    assert set(copied["nearest-real-distance"].values()) == {0.0}
    assert set(copied["nearer-than-real"].values()) == {100.0}


def test_equal_real_images_leave_finite_values() -> None:
    own = space(2)
    flat = measure_space(
        EmbeddedSpace(
            torch.zeros_like(own.real), own.real_labels, own.synthetic, own.synthetic_labels, K
        )
    )
    assert all(np.isfinite(list(each.values())).all() for each in flat.values())
    assert not flat["within-class-spread"] and not flat["mmd"]


def test_principal_components_are_those_of_scikit_learn() -> None:
    drawn = torch.Generator().manual_seed(2)
    sample = torch.randn(40, 6, generator=drawn) @ torch.diag(torch.tensor([5.0, 3, 2, 1, 1, 1]))
    ours, theirs = project_principal(sample, 2), PCA(2).fit_transform(sample.numpy())
    for ours_one, theirs_one in zip(ours.T.numpy(), theirs.T, strict=True):
        assert abs(np.corrcoef(ours_one, theirs_one)[0, 1]) == pytest.approx(1)
        assert ours_one.std() == pytest.approx(theirs_one.std(), rel=1e-4)


@pytest.mark.parametrize("name", ["pca", "tsne"])
def test_projections_keep_neighbours_and_repeat(name: str) -> None:
    drawn = torch.Generator().manual_seed(3)
    groups = torch.arange(3).repeat_interleave(12)
    sample = 20 * torch.eye(3, 10)[groups] + torch.randn(36, 10, generator=drawn)
    placed, again = (PROJECTIONS[name](sample, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(placed, again)
    nearest = NearestNeighbors(n_neighbors=1).fit(placed.numpy()).kneighbors()[1][:, 0]
    assert (groups[nearest] == groups).all()


def test_coordinates_keep_their_proportions() -> None:
    placed = frame_points(torch.tensor([[-2.0, 1.0], [8.0, 6.0], [3.0, 2.2468]]))
    assert torch.allclose(placed, torch.tensor([[0, 0], [1, 0.5], [0.5, 0.125]]))
