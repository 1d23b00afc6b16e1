"""Images and labels in memory as the Avalanche data sets that a stream or a memory is made of."""

from collections.abc import Callable, Sequence
from typing import Any

from avalanche.benchmarks import DatasetExperience
from avalanche.benchmarks.utils import (
    AvalancheDataset,
    DataAttribute,
    TaskAwareSupervisedClassificationDataset,
    as_classification_dataset,
)
from torch import Tensor
from torch.utils.data import Dataset


class KnownExperience(DatasetExperience):  # type: ignore[misc]
    """An experience that names the classes of the data, `data_classes`, which its images show; its
    labels may be others.
    """

    def __init__(self, dataset: AvalancheDataset, data_classes: Sequence[int], index: int) -> None:
        super().__init__(dataset=dataset, current_experience=index)
        self.data_classes = tuple(data_classes)


class TensorItems(Dataset[tuple[Tensor, int]]):
    """Items (x, y) from tensors; `targets` is what Avalanche reads the classes from.

    No copy is made of an image.
    """

    def __init__(
        self, images: Tensor, labels: Tensor, transform: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        self.images, self.transform = images, transform
        self.targets: list[int] = labels.tolist()

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = self.images[index]
        return self.transform(image) if self.transform else image, self.targets[index]


def as_dataset(
    images: Tensor,
    labels: Tensor,
    task_labels: Sequence[int] | None = None,
    transform: Callable[[Tensor], Tensor] | None = None,
) -> Any:
    """An Avalanche data set of images (N, C, H, W) and labels (N,): items (x, y), or (x, y, t) with
    task labels.

    transform: what makes x of an image (C, H, W) whenever it is read; None for the image as it is.
    """
    items = TensorItems(images, labels, transform)
    if task_labels is None:
        return as_classification_dataset(items)
    attributes = [
        DataAttribute(items.targets, "targets"),
        DataAttribute(list(task_labels), "targets_task_labels", use_in_getitem=True),
    ]
    return TaskAwareSupervisedClassificationDataset([items], data_attributes=attributes)
