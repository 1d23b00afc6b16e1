"""Stratified batches: no bias, less variance than random ones of the same size, all clusters, one
clustering.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.samplers import RandomSampler, StratifiedBatches, StratifiedSampler
from condensers.parts.setting import RunSetting


@pytest.fixture
def grouped(make_data: Callable[..., ClassData]) -> ClassData:
    """Each class has three kinds of images, 30, 20 and 10 of them."""
    data = make_data((1, 8, 8), 2, 60, noise=0.02)
    images, kind = data.images.clone(), kinds()
    images[kind == 1] = 255 - images[kind == 1]
    images[kind == 2, :, :4] = 0
    return ClassData(data.name, images, data.labels, data.class_names, data.mean, data.std)


def kinds() -> Tensor:
    of_class = torch.tensor([0] * 30 + [1] * 20 + [2] * 10)
    return of_class.repeat_interleave(2)


def begin(data: ClassData, clusters: int | None = None, seed: int = 6) -> StratifiedBatches:
    return StratifiedSampler(clusters=clusters).begin(
        RunSetting(data, "any", NoAugmentation(), Context(seed=seed), 1, 1)
    )


def positions(data: ClassData, batch: Tensor) -> list[int]:
    images = data.normalise(data.images)
    return [int((images == one).flatten(1).all(1).nonzero()[0]) for one in batch]


def test_every_cluster_comes_in_proportion_to_its_size(grouped: ClassData) -> None:
    sampler = begin(grouped, clusters=3)
    for step in range(10):
        found = positions(grouped, sampler.batch(1, 12, step, None))
        assert len(set(found)) == 12
        assert all(int(grouped.labels[i]) == 1 for i in found)
        counts = torch.bincount(kinds()[found], minlength=3)
        assert (counts - torch.tensor([6, 4, 2])).abs().max() <= 1


def test_every_image_comes_equally_often(grouped: ClassData) -> None:
    sampler, times = begin(grouped, clusters=4), torch.zeros(120)
    for step in range(1500):
        times[positions(grouped, sampler.batch(0, 7, step, None))] += 1
    share = times[grouped.members(0)] / 1500
    assert times[grouped.members(1)].sum() == 0
    assert share.mean() == pytest.approx(7 / 60)
    assert float((share - 7 / 60).abs().max()) < 5 * (7 / 60 / 1500) ** 0.5


def squared_errors(
    data: ClassData, sampler: StratifiedSampler | RandomSampler, n: int, network: networks.Network
) -> Tensor:
    """|| mean of a batch's embeddings - mean of the class's ||^2 of 200 batches."""
    running = sampler.begin(RunSetting(data, "any", NoAugmentation(), Context(seed=1), 1, 1))
    with torch.no_grad():
        wanted = network.embed(data.normalise(data.images[data.members(0)])).mean(0)
        means = torch.stack(
            [network.embed(running.batch(0, n, step, None)).mean(0) for step in range(200)]
        )
    return (means - wanted).square().sum(1)


@pytest.mark.parametrize("n", [8, 16])
def test_the_mean_embedding_varies_less_than_that_of_random_batches(
    n: int, grouped: ClassData
) -> None:
    spec = {"name": "convnet", "depth": 2, "width": 8}
    network = networks.build(spec, grouped.shape, 2, torch.Generator().manual_seed(1))
    assert isinstance(network, networks.Network)
    random, stratified = (
        squared_errors(grouped, one, n, network).mean()
        for one in (RandomSampler(), StratifiedSampler())
    )
    assert stratified < 0.5 * random


def test_clusters_are_found_once_and_are_the_state(grouped: ClassData) -> None:
    one, other = begin(grouped), begin(grouped)
    one.batch(0, 5, 0, None)
    first = one.cluster[0]
    one.batch(0, 9, 1, None)
    assert one.cluster[0] is first
    assert int(first.max()) < 5, "as many clusters as images in the first batch"
    other.load_state_dict(one.state_dict())
    other.setting.generator.set_state(one.setting.generator.get_state())
    assert torch.equal(one.batch(0, 5, 2, None), other.batch(0, 5, 2, None))


def test_a_small_class_comes_whole(grey8: ClassData) -> None:
    sampler = begin(grey8)
    for n in (20, 64):
        assert torch.equal(
            sampler.batch(2, n, 0, None), grey8.normalise(grey8.images[grey8.members(2)])
        )
    assert len(begin(grey8, clusters=99).batch(2, 19, 0, None)) == 19
