"""torchvision:NAME: classes of torchvision, whatever they call their parts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch.utils.data import Dataset

from condensers.errors import DataMissing, UsageError
from scenarios.datasets import load


class Pretend(Dataset[Any]):
    """Nine images of three classes a part."""

    target: Any = None

    def __init__(self, root: str, split: str = "train", download: bool = True) -> None:
        assert not download, "nothing may be fetched"
        self.split = split
        known = vars(type(self)).get("parts", ("train", "val", "test"))
        if split not in known:
            raise ValueError(
                f"Unknown value '{split}' for argument split. Valid values are {known}."
            )

    def __len__(self) -> int:
        return 9 if self.split == "train" else 3

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        seed = index + 100 * len(self.split)
        pixels = np.random.RandomState(seed).randint(0, 256, (9, 8 + index % 2, 3))
        label = index % 3 if self.target is None else self.target
        return Image.fromarray(pixels.astype(np.uint8)), label


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make torchvision have a class `Pretend` with these members."""

    def add(**members: Any) -> None:
        made = type("Pretend", (Pretend,), members)
        monkeypatch.setattr(torchvision.datasets, "Pretend", made, raising=False)
        monkeypatch.setattr(
            torchvision.datasets, "__all__", (*torchvision.datasets.__all__, "Pretend")
        )

    return add


def sizes(splits: Any) -> list[int]:
    return [len(part.labels) for part in (splits.train, splits.validation, splits.test)]


def test_parts_called_train_val_and_test(pretend: Callable[..., None]) -> None:
    pretend(classes=["a", "b", "c"])
    splits = load("torchvision:Pretend,resize=8")
    assert sizes(splits) == [9, 3, 3]
    assert splits.train.class_names == ("a", "b", "c") and splits.train.shape == (3, 8, 8)
    assert splits.train.name == "torchvision:Pretend,resize=8"
    with pytest.raises(DataMissing, match=r"training part, sample 1: is 9 x 9 RGB .* add resize"):
        load("torchvision:Pretend")


def test_a_validation_part_stands_for_a_test_part_that_is_not_there(
    pretend: Callable[..., None],
) -> None:
    pretend(parts=("trainval", "train", "val"))
    splits = load("torchvision:Pretend,resize=8")
    assert sizes(splits) == [6, 3, 3]
    assert "its validation part is the test part" in "; ".join(splits.train.notes)


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (torch.tensor([0, 1, 1]), "a label of 3 numbers"),
        ((0, 1), "its label is a list"),
        (None, ""),
        ({"box": 1}, "its label is a table"),
    ],
)
def test_labels_that_are_no_class_are_refused(
    target: Any, told: str, pretend: Callable[..., None]
) -> None:
    pretend(target=target)
    if not told:
        assert load("torchvision:Pretend,resize=8").train.class_names == ("0", "1", "2")
        return
    with pytest.raises(DataMissing, match=told) as caught:
        load("torchvision:Pretend,resize=8")
    assert "torchvision:Pretend, training part, sample 0" in str(caught.value)


def test_a_class_without_parts_is_divided() -> None:
    splits = load("torchvision:FakeData,size=40,num_classes=2,resize=8,mirror=false")
    assert sum(sizes(splits)) == 40 and splits.train.shape == (3, 8, 8)
    assert not splits.train.mirror
    again = load("torchvision:FakeData,size=40,num_classes=2,resize=8,mirror=false")
    assert splits.train.digest == again.train.digest


def test_files_on_disk_give_the_images_of_our_own_reader(
    tmp_path: Path, write_idx: Callable[..., Any]
) -> None:
    write_idx(tmp_path / "MNIST" / "raw", packed=False)
    ours = load("mnist", data_dir=tmp_path)
    theirs = load("torchvision:MNIST", data_dir=tmp_path)
    assert torch.equal(ours.train.images, theirs.train.images)
    assert torch.equal(ours.test.labels, theirs.test.labels)
    assert not theirs.train.mirror


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("CIFAR11", "torchvision has no data set 'CIFAR11'; did you mean 'CIFAR10'"),
        ("ImageFolder", "write folder:PATH"),
        ("FakeData,colours=3", "unknown option 'colours'"),
        ("Flowers102", "torchvision cannot read it in"),
        ("EMNIST", "missing 1 required positional argument: 'split'"),
        ("SEMEION", "torchvision cannot read it in"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises((UsageError, DataMissing)) as caught:
        load(f"torchvision:{name}", data_dir=tmp_path)
    assert told in str(caught.value) and "\n" not in str(caught.value)
