"""Tiny data and a tiny search: 8-pixel images of three classes that a network of eight channels can
tell apart.
"""

import pytest
import torch

from condensers.data import ClassData
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.protocol import Splits
from scenarios.search.scenario import Search

SPACE = {"name": "convnet-small", "depths": [1, 2], "widths": [8], "norms": ["none", "instance"]}


def make_data(per_class: int, seed: int) -> ClassData:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(3).repeat_interleave(per_class)
    images = torch.randint(0, 100, (len(labels), 1, 8, 8), generator=generator)
    for label in range(3):
        images[labels == label, :, label * 2 : label * 2 + 2] += 100
    return ClassData("stripes", images.to(torch.uint8), labels, ("a", "b", "c"), (0.3,), (0.2,))


@pytest.fixture
def splits() -> Splits:
    return Splits(make_data(40, 1), make_data(10, 2), make_data(10, 3))


@pytest.fixture
def synthetic(splits: Splits) -> SyntheticSet:
    chosen = torch.tensor([0, 1, 40, 41, 80, 81])
    train = splits.train
    card = {
        "dataset": train.name,
        "class_names": list(train.class_names),
        "classes": [0, 1, 2],
        "shape": list(train.shape),
        "mean": [0.3],
        "std": [0.2],
        "ipc": 2,
        "method": "random",
        "parameterisation": {"name": "pixels"},
    }
    return SyntheticSet(
        {"images": train.images[chosen], "labels": train.labels[chosen].to(torch.uint8)}, card
    )


@pytest.fixture
def search() -> Search:
    return Search(
        space=SPACE,
        architectures=4,
        epochs=3,
        lr=0.05,
        augmentation="none",
        truth_epochs=2,
        early_stopping_ipc=2,
    )
