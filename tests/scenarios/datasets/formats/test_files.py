"""Files in the published formats, whole and damaged: IDX, CIFAR's pickles, SVHN's MATLAB files."""

import gzip
import os
import pickle
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch
import torchvision

from condensers.errors import DataMissing
from scenarios.datasets import load
from scenarios.datasets.formats import idx
from scenarios.datasets.formats.idx import read_idx
from scenarios.protocol import Splits


def pairs(*parts: tuple[Any, Any]) -> list[tuple[bytes, int]]:
    """Every image's bytes with its label, in an order that does not depend on the split's."""
    both = [pair for images, labels in parts for pair in zip(images, labels, strict=True)]
    return sorted((np.asarray(image).tobytes(), int(label)) for image, label in both)


def same(splits: Splits, train: tuple[Any, Any], test: tuple[Any, Any]) -> bool:
    """Whether training and validation together are the written training part, and the test part is
    the test part.
    """
    ours = [
        (part.images.numpy(), part.labels.numpy()) for part in (splits.train, splits.validation)
    ]
    test_is = np.array_equal(splits.test.images.numpy().reshape(test[0].shape), test[0])
    return pairs(*ours) == pairs(train) and test_is


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("name", "folder"),
    [("mnist", "MNIST"), ("kmnist", "KMNIST"), ("fashion-mnist", "FashionMNIST")],
)
def test_idx_sets_are_read_packed_or_not(
    name: str, folder: str, packed: bool, tmp_path: Path, write_idx
):
    train, test = write_idx(tmp_path / folder / "raw", packed)
    splits = load(name, data_dir=tmp_path)
    assert same(splits, train, test)
    assert splits.train.images.shape == (30, 1, 28, 28)
    assert [splits.validation.count(label) for label in range(10)] == [1] * 10
    assert splits.train.mirror == (name == "fashion-mnist")


def test_torchvision_reads_the_same_images_from_the_same_files(tmp_path: Path, write_idx):
    write_idx(tmp_path / "MNIST/raw", packed=False)
    theirs = torchvision.datasets.MNIST(str(tmp_path), train=False)
    ours = load("mnist", data_dir=tmp_path).test
    assert torch.equal(ours.images[:, 0], theirs.data)
    assert torch.equal(ours.labels, theirs.targets)


def test_kmnist_s_statistics_are_those_of_its_training_images(tmp_path: Path, write_idx):
    write_idx(tmp_path / "KMNIST/raw")
    splits = load("kmnist", data_dir=tmp_path)
    assert splits.train.mean[0] == pytest.approx(
        splits.train.images.double().mean().item() / 255, abs=1e-6
    )


IMAGES = "t10k-images-idx3-ubyte"
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (
        lambda content: content[:-100],
        "truncated, 15580 bytes of values where its header says 15680",
    ),
    "longer": (lambda content: content + b"x", "too long"),
    "header": (lambda content: content[:9], "ends after 9 bytes"),
    "magic": (
        lambda content: b"\0\0\x0d\x03" + content[4:],
        "starts with 00000d03 .* has 00000803",
    ),
    "dimensions": (lambda content: b"\0\0\x08\x01" + content[4:], "starts with 00000801"),
    "size": (
        lambda content: content[:8] + bytes([0, 0, 0, 14, 0, 0, 0, 56]) + content[16:],
        "its images are .14, 56. pixels",
    ),
    "huge": (lambda content: content[:4] + b"\xff" * 12 + content[16:], "truncated"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_idx_file_is_named(damage: str, tmp_path: Path, write_idx):
    write_idx(tmp_path / "MNIST/raw", packed=False)
    path = tmp_path / "MNIST/raw" / IMAGES
    change, message = DAMAGES[damage]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataMissing, match=f"{path}: .*{message}"):
        load("mnist", data_dir=tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip at all", gzip.compress(bytes(1000), mtime=0)[:-12]],
    ids=["empty", "no gzip", "cut off"],
)
def test_a_damaged_gzip_file_is_named(content: bytes, tmp_path: Path):
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(DataMissing, match=f"{path}: "):
        read_idx(path, 3)


def test_labels_must_be_one_an_image_and_known_classes(tmp_path: Path, write_idx):
    write_idx(tmp_path / "MNIST/raw", packed=False)
    path = tmp_path / "MNIST/raw/t10k-labels-idx1-ubyte"
    path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 20]) + bytes([11] * 20))
    with pytest.raises(
        DataMissing, match=f"{path}: labels run from 11 to 11, but there are 10 classes"
    ):
        load("mnist", data_dir=tmp_path)
    path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3]) + bytes(3))
    with pytest.raises(DataMissing, match=f"{path}: it holds 3 labels for 20 images"):
        load("mnist", data_dir=tmp_path)


def test_a_class_without_images_is_named(tmp_path: Path, write_idx):
    write_idx(tmp_path / "MNIST/raw", test=9)
    with pytest.raises(DataMissing, match="mnist: class '9' has no images"):
        load("mnist", data_dir=tmp_path)


def test_a_training_part_without_any_image_is_one_sentence(tmp_path: Path, write_idx):
    write_idx(tmp_path / "KMNIST/raw", packed=False, train=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(
            DataMissing, match="kmnist: holds no images to divide between training and validation"
        ):
            load("kmnist", data_dir=tmp_path)


def test_a_packed_file_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(idx, "LIMIT", 2**20)
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 1, 1, 0, 0, 0]) + bytes(2**24), mtime=0))
    tracemalloc.start()
    with pytest.raises(DataMissing, match="unpacks to more than 1048576 bytes"):
        read_idx(path, 1)
    assert tracemalloc.get_traced_memory()[1] < 2**23
    tracemalloc.stop()


def dump_python3(path: Path, value: Any) -> None:
    path.write_bytes(pickle.dumps(value, protocol=4))


@pytest.mark.parametrize(
    "dump", [None, dump_python3], ids=["python 2, text keys", "python 3, bytes keys"]
)
def test_cifar10_is_read_as_either_python_wrote_it(dump: Any, tmp_path: Path, write_cifar10):
    train, test = write_cifar10(tmp_path, *([dump] if dump else []))
    splits = load("cifar10", data_dir=tmp_path)
    assert same(splits, train, test)
    assert splits.train.shape == (3, 32, 32)
    assert splits.test.labels.tolist() == test[1].tolist()
    assert splits.train.class_names[:2] == ("plane0", "plane1")
    assert (splits.train.mirror, splits.train.std) == (True, (0.2023, 0.1994, 0.2010))


def test_the_written_pickle_is_what_python_s_own_unpickler_reads(tmp_path: Path, write_cifar10):
    _, test = write_cifar10(tmp_path)
    with (tmp_path / "cifar-10-batches-py/test_batch").open("rb") as file:
        theirs = pickle.load(file, encoding="latin1")
    assert np.array_equal(theirs["data"].reshape(-1, 3, 32, 32), test[0])


def test_cifar100_has_the_fine_labels(tmp_path: Path, write_cifar100):
    train, test = write_cifar100(tmp_path)
    splits = load("cifar100", data_dir=tmp_path)
    assert same(splits, train, test)
    assert splits.test.labels.tolist() == list(range(100))
    assert splits.train.class_names[99] == "thing99"
    assert splits.train.mean == (0.5071, 0.4866, 0.4409)


class Malicious:
    """Pickled, it asks whoever loads it to make a folder."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_a_pickle_that_would_run_something_runs_nothing(tmp_path: Path, write_cifar10):
    write_cifar10(tmp_path)
    path, target = tmp_path / "cifar-10-batches-py/data_batch_3", tmp_path / "made"
    path.write_bytes(pickle.dumps({"data": Malicious(target), "labels": []}))
    with pytest.raises(
        DataMissing, match=f"{path}: cannot be read as CIFAR data .*it asks for (posix|nt).mkdir"
    ):
        load("cifar10", data_dir=tmp_path)
    assert not target.exists()
    pickle.loads(path.read_bytes())
    assert target.exists(), "the pickle does run something where nothing stops it"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as CIFAR data"),
        (b"\x80\x04garbage", "cannot be read as CIFAR data"),
        (pickle.dumps([1, 2]), "holds a list"),
        (pickle.dumps({b"labels": [1]}), "has no 'data', only labels"),
        (pickle.dumps({"data": "text", "labels": [1]}), "not an array of rows of 3072 bytes"),
        (
            pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1, 10]}, protocol=4),
            "labels run from 1 to 10",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_a_damaged_cifar_batch_is_named(
    content: bytes, message: str, tmp_path: Path, write_cifar10
):
    write_cifar10(tmp_path)
    path = tmp_path / "cifar-10-batches-py/test_batch"
    path.write_bytes(content)
    with pytest.raises(DataMissing, match=f"{path}: .*{message}"):
        load("cifar10", data_dir=tmp_path)


@pytest.mark.parametrize("folder", [".", "SVHN"])
def test_svhn_is_read_with_label_10_as_the_digit_0(folder: str, tmp_path: Path, write_svhn):
    train, test = write_svhn(tmp_path / folder)
    splits = load("svhn", data_dir=tmp_path)
    assert same(splits, train, test)
    assert splits.test.labels.tolist() == test[1].tolist()
    assert not splits.train.mirror


def test_a_damaged_svhn_file_is_named(tmp_path: Path, write_svhn):
    write_svhn(tmp_path)
    path = tmp_path / "test_32x32.mat"
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"no matlab file" * 20):
        path.write_bytes(content)
        with pytest.raises(DataMissing, match=f"{path}: "):
            load("svhn", data_dir=tmp_path)
    scipy.io.savemat(
        path, {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.array([[0], [1]], np.uint8)}
    )
    with pytest.raises(DataMissing, match=f"{path}: labels run from -1 to 1"):
        load("svhn", data_dir=tmp_path)
    scipy.io.savemat(path, {"X": np.zeros((32, 32), np.uint8), "y": np.array([[1]], np.uint8)})
    with pytest.raises(DataMissing, match=f"{path}: has no X of 32 x 32 x 3 x N bytes"):
        load("svhn", data_dir=tmp_path)
