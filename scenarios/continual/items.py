"""Images and labels in memory as the Avalanche data sets that a stream or a memory is made of."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from avalanche.benchmarks import DatasetExperience
from avalanche.benchmarks.utils import (
    AvalancheDataset,
    DataAttribute,
    TaskAwareSupervisedClassificationDataset,
    as_classification_dataset,
)
from avalanche.benchmarks.utils.data_attribute import TensorDataAttribute
from avalanche.benchmarks.utils.flat_data import FlatData
from torch import Tensor, dtype
from torch.utils.data import Dataset

from condensers.errors import UsageError
from scenarios.continual.memory.exemplars import Exemplars


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
    logits: Tensor | None = None,
) -> Any:
    """An Avalanche data set of images (N, C, H, W) and labels (N,): items (x, y), or (x, y, t) with
    task labels.

    transform: what makes x of an image (C, H, W) whenever it is read; None for the image as it is.
    logits: (N, K) that stand after the task label of each item.
    """
    items = TensorItems(images, labels, transform)
    if task_labels is None:
        return as_classification_dataset(items)
    attributes = [
        DataAttribute(items.targets, "targets"),
        DataAttribute(list(task_labels), "targets_task_labels", use_in_getitem=True),
    ]
    if logits is not None:
        rows = FlatData([list(logits)], discard_elements_not_in_indices=True)
        attributes.append(TensorDataAttribute(rows, "logits", use_in_getitem=True))
    return TaskAwareSupervisedClassificationDataset([items], data_attributes=attributes)


def as_memory_dataset(
    exemplars: Exemplars,
    tasks: Sequence[int] | None,
    kind: dtype,
    fill_batch: int,
    logits: Tensor | None = None,
) -> Any:
    """Return exemplars with hard labels as an Avalanche data set.

    Args:
        exemplars: What the memory holds.
        tasks: Task labels of the images; None for a stream without.
        kind: The dtype of the stream's images.
        fill_batch: List the images over and over, so that batches of this size are full; 0 lists
            each once.
        logits: (n, K) that stand after the task label of each item.

    Raises:
        UsageError: The labels are soft.
    """
    if exemplars.targets is not None:
        raise UsageError(
            "CondensedMemory: this set has soft labels, which Avalanche cannot mix with the"
            " whole-number labels of a stream; use the plugin CondensedReplay of"
            " scenarios.continual.memory, or condense one with hard labels"
        )
    dataset = as_dataset(exemplars.images.to(kind), exemplars.labels, tasks, logits=logits)
    if not fill_batch:
        return dataset
    # As many rounds as make the length a multiple of the batch: then no batch is cut, and all
    # images count the same.
    count = len(exemplars.labels)
    return dataset.subset(list(range(count)) * (math.lcm(count, fill_batch) // count))
