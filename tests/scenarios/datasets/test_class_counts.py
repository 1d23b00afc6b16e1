"""What a data set's name says of its number of classes is what the data have."""

import pytest

from scenarios.datasets import DATASETS, load
from scenarios.datasets.catalogue import CLASSES, count_classes


def test_every_registered_name_is_counted() -> None:
    assert set(CLASSES) == set(DATASETS.entries())


@pytest.mark.parametrize("name", ["digits", "mnist-5k~200", "domains:digits+usps-like@8"])
def test_a_count_is_that_of_the_data(name: str) -> None:
    assert count_classes(name) == len(load(name).train.classes)


@pytest.mark.parametrize("name", ["folder:photos", "npz:pathmnist.npz", "mine.py:Mine"])
def test_a_name_that_does_not_tell(name: str) -> None:
    assert count_classes(name) is None
    assert count_classes(f"domains:digits+{name}") is None
