"""npz:FILE: arrays as MedMNIST has them, and those of save_npz."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from condensers.errors import DataMissing, UsageError
from scenarios.datasets import load
from scenarios.datasets.adapters.npz_file import save_npz


def write(path: Path, shape: tuple[int, ...] = (8, 8, 3), **other: Any) -> str:
    """A file of 40, 10 and 20 images of four classes, labels (N, 1) as MedMNIST has them."""
    arrays: dict[str, Any] = {}
    for part, count in (("train", 40), ("val", 10), ("test", 20)):
        images = np.random.RandomState(count).randint(0, 256, (count, *shape))
        arrays[f"{part}_images"] = images.astype(np.uint8)
        arrays[f"{part}_labels"] = (np.arange(count) % 4)[:, None].astype(np.uint8)
    arrays = {name: array for name, array in (arrays | other).items() if array is not None}
    np.savez(path, **arrays)
    return f"npz:{path}"


def test_medmnist_parts_are_kept(tmp_path: Path) -> None:
    name = write(tmp_path / "blood.npz")
    splits = load(name)
    assert [len(part.labels) for part in (splits.train, splits.validation, splits.test)] == [
        40,
        10,
        20,
    ]
    assert splits.train.name == "npz:blood.npz" and splits.train.shape == (3, 8, 8)
    assert splits.train.class_names == ("0", "1", "2", "3")
    stored = np.load(tmp_path / "blood.npz")["train_images"]
    assert np.array_equal(splits.train.images.numpy(), stored.transpose(0, 3, 1, 2))
    assert load(str(tmp_path / "blood.npz")).train.digest == splits.train.digest
    assert not load(f"{name},mirror=false").train.mirror
    assert load(f"{name}@4~3").train.images.shape == (12, 3, 4, 4)


def test_without_a_validation_part_one_is_held_out(tmp_path: Path) -> None:
    splits = load(write(tmp_path / "a.npz", (8, 8), val_images=None, val_labels=None))
    assert [len(part.labels) for part in (splits.train, splits.validation, splits.test)] == [
        36,
        4,
        20,
    ]
    assert splits.train.shape == (1, 8, 8)


def test_what_is_saved_is_read_with_the_same_digests(tmp_path: Path) -> None:
    splits = load("digits")
    again = load(f"npz:{save_npz(splits, tmp_path / 'd.npz')}")
    for part in ("train", "validation", "test"):
        first, second = getattr(splits, part), getattr(again, part)
        assert first.digest == second.digest
        assert (first.mean, first.std, first.mirror) == (second.mean, second.std, second.mirror)
        assert (first.licence, first.notes) == (second.licence, second.notes)
    with pytest.raises(UsageError, match=r"ends in \.npz"):
        save_npz(splits, tmp_path / "d.zip")


@pytest.mark.parametrize(
    ("shape", "other", "told"),
    [
        ((8, 8), {"train_labels": np.zeros((40, 14))}, "14 labels for each image"),
        ((8, 8, 8), {}, r"images have the shape \(8, 8, 8\)"),
        ((8, 8, 4), {}, "4 channels"),
        ((8, 8), {"test_images": np.zeros((20, 8, 8))}, "test_images holds float64"),
        ((8, 8), {"test_labels": np.full(20, 9)}, "class 9 is in the test part but not in"),
        ((8, 8), {"train_labels": np.zeros(39, int)}, "39 labels for 40 images"),
        ((8, 8), {"test_images": None}, "has no array test_images"),
        ((8, 8), {"test_images": np.zeros((20, 9, 9), np.uint8)}, "test images are 9 x 9 grey"),
        ((8, 8), {"train_labels": np.linspace(0, 1, 40)}, "its label is 0.0256"),
    ],
)
def test_other_arrays_are_refused_in_one_sentence(
    shape: tuple[int, ...], other: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(DataMissing, match=told) as caught:
        load(write(tmp_path / "x.npz", shape, **other))
    assert "x.npz" in str(caught.value) and "\n" not in str(caught.value)


def test_no_file_and_no_archive(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="there is no file"):
        load(f"npz:{tmp_path}/none.npz")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataMissing, match="cut short"):
        load(f"npz:{tmp_path}/cut.npz")
