"""Arrays and torch data sets of a program."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset

from condensers.engine.context import Context
from condensers.errors import DataMissing, UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget
from scenarios import from_arrays, from_torch

IMAGES = np.random.RandomState(0).randint(0, 256, (60, 8, 8, 3)).astype(np.uint8)
LABELS = np.arange(60) % 3


class Faces(Dataset[Any]):
    """Thirty images of three classes."""

    def __len__(self) -> int:
        return 30

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return torch.from_numpy(IMAGES[index]).permute(2, 0, 1) / 255, int(LABELS[index])


class RandomFaces(Faces):
    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return torch.rand(3, 8, 8), 0


class MixedFaces(Faces):
    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return Image.fromarray(IMAGES[index]).resize((8 + index % 2, 9)), "abc"[index % 3]


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(())


def test_arrays_of_any_layout_are_the_same_data() -> None:
    first = from_arrays("faces", (IMAGES, LABELS), class_names=["a", "b", "c"], licence="mine")
    tensors = torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float() / 255
    second = from_arrays(
        "faces", (tensors, torch.from_numpy(LABELS)[:, None]), class_names=["a", "b", "c"]
    )
    assert first.train.digest == second.train.digest
    assert first.train.name == "memory:faces" and first.train.licence == "mine"
    assert [len(part.labels) for part in (first.train, first.validation, first.test)] == [42, 6, 12]
    made = create_condenser("random").condense(first.train, Budget(ipc=2), Context())
    assert made.card["dataset"] == "memory:faces" and made.card["digest"] == first.train.digest
    assert "was made of arrays in memory" in made.card["data_notes"]


def test_a_torch_data_set_gives_the_pixels_of_its_arrays() -> None:
    data = from_torch("faces", Faces(), Faces())
    assert np.array_equal(data.test.images.numpy(), IMAGES[:30].transpose(0, 3, 1, 2))
    assert any("test_memory.Faces" in note for note in data.train.notes)


def test_options_of_images_and_labels_that_are_names() -> None:
    data = from_torch("faces,resize=8,convert=grey,mirror=false~5", MixedFaces())
    assert data.train.shape == (1, 8, 8) and data.train.class_names == ("a", "b", "c")
    assert not data.train.mirror and len(data.train.labels) == 12
    assert data.train.name == "memory:faces,resize=8,convert=grey,mirror=false~5"
    with pytest.raises(DataMissing, match=r"sample 1: is 9 x 9 RGB .* add resize"):
        from_torch("faces", MixedFaces())


@pytest.mark.parametrize(
    ("train", "told"),
    [
        ((IMAGES / 127.5 - 1, LABELS), "pixels run from -1 to 1; give whole numbers"),
        ((IMAGES.astype(float), LABELS), "pixels run from 0 to 255"),
        ((IMAGES, np.eye(3)[LABELS]), "a label of 3 numbers"),
        ((IMAGES, LABELS[:9]), "9 labels for 60 images"),
        ((IMAGES[..., :2], LABELS), r"shape \(8, 8, 2\)"),
        ((IMAGES, LABELS / 7), "its label is"),
    ],
)
def test_arrays_that_are_no_labelled_images_are_refused(train: Any, told: str) -> None:
    with pytest.raises((UsageError, DataMissing), match=told):
        from_arrays("faces", train)


def test_classes_of_the_test_part_and_names() -> None:
    with pytest.raises(DataMissing, match="class 3 is in the test part but not in the training"):
        from_arrays("faces", (IMAGES, LABELS), (IMAGES, LABELS + 1))
    with pytest.raises(DataMissing, match="label 2 has no name; 2 classes are named"):
        from_arrays("faces", (IMAGES, LABELS), class_names=["a", "b"])
    for wrong in ("a/b", "", "faces,reize=3"):
        with pytest.raises(UsageError):
            from_arrays(wrong, (IMAGES, LABELS))


def test_random_transforms_and_streams_are_refused() -> None:
    with pytest.raises(UsageError, match="another image each time it is read"):
        from_torch("faces", RandomFaces())
    with pytest.raises(UsageError, match="no samples that are read by index"):
        from_torch("faces", Stream())
