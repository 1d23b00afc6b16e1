"""Sets as files: what they cost, that they come back, and that a failed write leaves nothing."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.parts.labels import label_dtype
from condensers.sets.files import card_path, load_set, require_same_data, save_set
from condensers.sets.synthetic_set import SyntheticSet

CARD = {
    "format",
    "dataset",
    "digest",
    "class_names",
    "classes",
    "shape",
    "mean",
    "std",
    "mirror",
    "method",
    "hyperparameters",
    "origin",
    "parameterisation",
    "couples_classes",
    "seed",
    "ipc",
    "images_per_class",
    "recipe",
    "versions",
    "licence",
}


@pytest.mark.parametrize(("storage", "each"), [("uint8", 1), ("float16", 2), ("float32", 4)])
def test_bytes_are_those_of_images_and_labels_as_stored(
    storage: str,
    each: int,
    grey8: ClassData,
    condense_tiny: Callable[..., SyntheticSet],
    tmp_path: Path,
) -> None:
    made = condense_tiny("dm", grey8, 2, parameterisation={"name": "pixels", "storage": storage})
    assert made.nbytes == 10 * 2 * (8 * 8 * each + 1)
    save_set(made, tmp_path / "set.safetensors")
    stored = load_file(tmp_path / "set.safetensors")
    assert sum(t.numel() * t.element_size() for t in stored.values()) == made.nbytes
    assert json.loads(card_path(tmp_path / "set.safetensors").read_text())["nbytes"] == made.nbytes
    images, labels = load_set(tmp_path / "set.safetensors").decode()
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert torch.equal(images, made.decode()[0])


def test_labels_take_two_bytes_above_256_classes(
    tmp_path: Path, condense_tiny: Callable[..., SyntheticSet]
) -> None:
    assert (label_dtype(256), label_dtype(257)) == (torch.uint8, torch.uint16)
    images = (
        torch.arange(300 * 64, dtype=torch.int64).remainder(251).to(torch.uint8).view(300, 1, 8, 8)
    )
    many = ClassData("many", images, torch.arange(300), tuple(map(str, range(300))), (0.5,), (0.5,))
    made = condense_tiny("random", many, 1)
    assert made.nbytes == 300 * (64 + 2)
    save_set(made, tmp_path / "set.safetensors")
    assert torch.equal(load_set(tmp_path / "set.safetensors").decode()[1], torch.arange(300))


def test_a_file_gives_back_tensors_card_and_cost(synthetic: SyntheticSet, path: Path) -> None:
    found = load_set(path)
    assert found.card == json.loads(json.dumps(synthetic.card))
    assert found.cost == synthetic.cost
    assert {name: t.dtype for name, t in found.tensors.items()} == {
        "images": torch.uint8,
        "labels": torch.uint8,
    }
    assert all(
        torch.equal(found.tensors[name], synthetic.tensors[name]) for name in synthetic.tensors
    )
    assert sorted(p.name for p in path.parent.iterdir()) == ["set.card.json", "set.safetensors"]


def test_a_set_without_its_second_file_is_whole_and_has_no_cost(path: Path) -> None:
    card_path(path).unlink()
    assert load_set(path).cost == {}
    card_path(path).write_text("{")
    assert load_set(path).cost == {}


def test_the_card_says_everything(synthetic: SyntheticSet, grey8: ClassData) -> None:
    card = synthetic.card
    assert set(card) == CARD
    assert (card["dataset"], card["digest"], card["seed"], card["ipc"]) == (
        "blobs8",
        grey8.digest,
        0,
        2,
    )
    assert card["mean"] == list(grey8.mean)
    assert card["class_names"] == list(grey8.class_names)
    assert card["recipe"] == {"augmentation": "dsa", "labels": "hard"}
    assert card["versions"] == {"torch": torch.__version__}
    assert set(synthetic.cost) == {"seconds", "joules", "device"}
    assert (synthetic.cost["joules"], synthetic.classes, synthetic.ipc) == (
        "not measured",
        tuple(range(10)),
        2,
    )


def test_soft_labels_decode_as_floats(synthetic: SyntheticSet) -> None:
    soft = SyntheticSet(
        {**synthetic.tensors, "labels": torch.full((20, 10), 0.1, dtype=torch.float16)},
        synthetic.card,
    )
    assert soft.decode()[1].dtype == torch.float32
    assert soft.nbytes == 20 * 64 + 20 * 10 * 2


def test_a_set_of_other_data_is_refused(
    synthetic: SyntheticSet, grey8: ClassData, grey28: ClassData, path: Path
) -> None:
    require_same_data(synthetic, grey8, path)
    with pytest.raises(UsageError, match="made from blobs8, not blobs28; pass --data blobs8"):
        require_same_data(synthetic, grey28, path)
    images = grey8.images.clone()
    images[0, 0, 0, 0] ^= 1
    changed = replace(grey8, images=images)
    with pytest.raises(
        UsageError, match=f"digest {grey8.digest}, but the one here has {changed.digest}"
    ):
        require_same_data(synthetic, changed, path)


def test_a_place_below_a_file_cannot_be_written(synthetic: SyntheticSet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    for place in (
        tmp_path / "file" / "set.safetensors",
        tmp_path / "file" / "deep" / "set.safetensors",
    ):
        with pytest.raises(
            UsageError, match=r"set\.safetensors: cannot be written .*; choose another place"
        ):
            save_set(synthetic, place)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_folder_cannot_be_written(synthetic: SyntheticSet, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match=r"cannot be written \(Permission denied\)"):
        save_set(synthetic, tmp_path / "set.safetensors")
    tmp_path.chmod(0o700)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(
    synthetic: SyntheticSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match=r"cannot be written \(No space left on device\)"):
        save_set(synthetic, tmp_path / "set.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_files_place_is_left_alone(synthetic: SyntheticSet, tmp_path: Path) -> None:
    (tmp_path / "set.safetensors" / "inside").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be written"):
        save_set(synthetic, tmp_path / "set.safetensors")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["inside", "set.safetensors"]


@pytest.mark.parametrize(
    ("key", "new", "sentence"),
    [
        ("class_names", "abc", "class_names: expected a list, found 'abc'"),
        ("classes", [0, "1"], r"classes\[1\]: expected a whole number, found '1'"),
        ("classes", [0, 10], "classes are not different numbers below 10"),
        ("mean", [float("nan")], r"mean\[0\]: expected a finite number, found nan"),
        ("std", [0.0], r"std\[0\]: expected above 0"),
        ("std", [1.0, 1.0], "mean and std have 1 and 2 channels, shape has 1"),
        ("ipc", True, "ipc: expected a whole number, found true"),
        ("recipe", {"augmentation": 3}, "recipe.augmentation: expected a text, found 3"),
        (
            "parameterisation",
            {"name": ["pixels"]},
            "parameterisation.name: expected a text, found a list",
        ),
        ("indices", {"class 0": []}, "indices.class 1: are not those of 1 images"),
        (
            "seed",
            10**30,
            "seed: 1000000000000000000000000000000 is beyond the whole numbers of 64 bits",
        ),
    ],
    ids=[
        "text",
        "item",
        "outside",
        "nan",
        "zero",
        "channels",
        "true",
        "recipe",
        "part",
        "indices",
        "64 bits",
    ],
)
def test_a_card_with_an_entry_of_the_wrong_type_is_refused_in_a_sentence(
    key: str,
    new: Any,
    sentence: str,
    grey8: ClassData,
    condense_tiny: Callable[..., SyntheticSet],
    tmp_path: Path,
) -> None:
    made, path = condense_tiny("random", grey8, 1), tmp_path / "set.safetensors"
    save_file(dict(made.tensors), path, metadata={"card": json.dumps({**made.card, key: new})})
    with pytest.raises(UsageError, match=sentence) as fault:
        load_set(path)
    assert str(fault.value).startswith(f"{path}: ") and "\n" not in str(fault.value)
