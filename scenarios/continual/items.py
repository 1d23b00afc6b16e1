"""Images and labels in memory as the Avalanche data sets that a stream or a memory is made of."""

from collections.abc import Sequence
from typing import Any

from avalanche.benchmarks.utils import (
    DataAttribute,
    TaskAwareSupervisedClassificationDataset,
    as_classification_dataset,
)
from torch import Tensor
from torch.utils.data import Dataset


class TensorItems(Dataset[tuple[Tensor, int]]):
    """Items (x, y) from tensors; `targets` is what Avalanche reads the classes from. No copy is made of an image."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images = images
        self.targets: list[int] = labels.tolist()

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[index], self.targets[index]


def as_dataset(images: Tensor, labels: Tensor, task_labels: Sequence[int] | None = None) -> Any:
    """An Avalanche data set of images (N, C, H, W) and labels (N,): items (x, y), or (x, y, t) with task labels."""
    items = TensorItems(images, labels)
    if task_labels is None:
        return as_classification_dataset(items)
    attributes = [
        DataAttribute(items.targets, "targets"),
        DataAttribute(list(task_labels), "targets_task_labels", use_in_getitem=True),
    ]
    return TaskAwareSupervisedClassificationDataset([items], data_attributes=attributes)
