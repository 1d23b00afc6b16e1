"""`condensers.load`: a stored set as a torch Dataset."""

from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import condensers
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.files import save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet


def test_hard_labels_are_ints_and_images_normalised(grey8: ClassData, tmp_path: Path) -> None:
    made = create_condenser("random").condense(grey8, Budget(ipc=2), Context())
    save_set(made, tmp_path / "a.safetensors")
    dataset = condensers.load(str(tmp_path / "a.safetensors"))
    images, labels = made.decode()
    assert (
        isinstance(dataset, Dataset)
        and len(dataset) == 20
        and dataset.card == made.card
        and dataset.rates is None
    )
    image, label = dataset[3]
    assert torch.equal(image, images[3]) and label == int(labels[3]) and isinstance(label, int)
    assert torch.equal(image, grey8.normalise(made.tensors["images"])[3]), (
        "normalised by the card's mean and std"
    )
    batch = next(iter(DataLoader(dataset, batch_size=20)))
    assert torch.equal(batch[0], images) and torch.equal(batch[1], labels)


def test_soft_labels_are_rows_and_rates_are_kept(grey8: ClassData, tmp_path: Path) -> None:
    made = create_condenser("random").condense(grey8, Budget(ipc=1), Context())
    rows = torch.eye(10) * 0.5 + 0.05
    save_set(
        SyntheticSet({**made.tensors, "labels": rows, "rates": torch.tensor([0.1])}, made.card),
        tmp_path / "a.safetensors",
    )
    dataset = condensers.load(tmp_path / "a.safetensors")
    label = dataset[4][1]
    assert isinstance(label, torch.Tensor) and torch.equal(label, rows[4])
    assert dataset.rates is not None and dataset.rates.tolist() == [pytest.approx(0.1)]


def test_a_file_that_is_no_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        condensers.load(tmp_path / "none.safetensors")
