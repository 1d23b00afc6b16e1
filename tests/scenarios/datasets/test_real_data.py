"""All of CIFAR-10 and MNIST, as published, where HARNESS_DATA names a folder that holds them."""

import os
from pathlib import Path

import pytest
import torch

from scenarios.datasets import load
from scenarios.datasets.split import statistics

FOLDER = Path(os.environ.get("HARNESS_DATA", "no such folder"))
# Images of all classes, mean and standard deviation of each channel.
PUBLISHED = {
    "cifar10": (60_000, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "mnist": (70_000, (0.1307,), (0.3081,)),
}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not ((FOLDER / "cifar-10-batches-py").is_dir() and (FOLDER / "MNIST").is_dir()),
        reason="HARNESS_DATA holds no cifar-10-batches-py and MNIST",
    ),
]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_data_are_whole_and_have_the_published_statistics(name: str) -> None:
    splits = load(name, data_dir=FOLDER)
    images, mean, std = PUBLISHED[name]
    parts = (splits.train, splits.validation, splits.test)
    assert sum(len(part.images) for part in parts) == images
    assert len(splits.test.images) == 10_000
    learned = torch.cat([splits.train.images, splits.validation.images])
    for found, published in zip(statistics(learned.numpy()), (mean, std), strict=True):
        assert found == pytest.approx(published, abs=2e-4)
    assert splits.train.mirror == (name == "cifar10")
