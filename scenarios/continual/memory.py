"""SyntheticBuffer: a condensed set as the replay memory of any Avalanche strategy."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from avalanche.training.storage_policy import ExemplarsBuffer
from torch import Tensor

from condensers.artifact import load_set
from condensers.errors import UsageError
from condensers.synthetic import SyntheticSet
from scenarios.continual.agreement import require_agreement
from scenarios.continual.items import as_dataset

Source = SyntheticSet | Callable[[tuple[int, ...]], SyntheticSet] | str | Path


class SyntheticBuffer(ExemplarsBuffer):
    """Replay memory that holds the condensed images of the classes seen so far, and never one of a class to come.

    source: a SyntheticSet; the path of its .safetensors file; or a callable which is given the new classes of an
    experience, in ascending order, and returns their set (condensation anew for each experience).
    max_size: images it may hold, which ReplayPlugin wants to be equal to its `mem_size`; the set's size where it is left
    out, and needed with a callable.
    fill_batch: the `batch_size_mem` of the plugin, to have every memory batch full. Avalanche cuts a memory batch to the
    size of the memory, so a smaller memory would also weigh less in the loss; with this its images are listed over and
    over (by index, not copied). 0 leaves Avalanche's behaviour. Leave it at 0 for GDumb.
    check_range: refuse a stream whose pixels are on another scale than the set's.

    Use: `ReplayPlugin(mem_size=buffer.max_size, batch_size_mem=64, storage_policy=buffer)`, or
    `plugin = GDumbPlugin(buffer.max_size); plugin.storage_policy = buffer`. Items take the stream's form, (x, y) or
    (x, y, t). Raises UsageError for soft labels, and where stream and set do not agree in classes, shape or scale.
    """

    def __init__(self, source: Source, max_size: int | None = None, fill_batch: int = 0, check_range: bool = True) -> None:
        whole = load_set(Path(source)) if isinstance(source, str | Path) else source
        self._whole = whole if isinstance(whole, SyntheticSet) else None
        self._make = None if isinstance(whole, SyntheticSet) else whole
        self._decoded = None if self._whole is None else hard(self._whole)
        if max_size is None and self._decoded is None:
            raise UsageError("SyntheticBuffer: a callable source needs max_size, the number of images the memory may hold")
        super().__init__(len(self._decoded[1]) if max_size is None and self._decoded else int(max_size or 0))
        self._fill_batch, self._check_range = fill_batch, check_range
        self._images: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._tasks: list[int] = []
        self._seen: list[int] = []
        # An offline set takes its whole size from the start: it was stored before the stream began.
        self.nbytes = 0 if self._whole is None else self._whole.nbytes

    @property
    def seen(self) -> tuple[int, ...]:
        """The classes in memory, in order of arrival."""
        return tuple(self._seen)

    @property
    def held(self) -> int:
        """The number of different images in memory."""
        return sum(map(len, self._labels))

    def post_adapt(self, agent_state: Any, exp: Any) -> None:
        """Take in the classes of `exp` that are new; ReplayPlugin does so after training on it, GDumbPlugin before."""
        new = tuple(sorted({int(c) for c in exp.dataset.targets.uniques} - set(self._seen)))
        if not new:
            return
        item = exp.dataset[0]
        images, labels, stored = self._take(new)
        if self.held + len(labels) > self.max_size:
            raise UsageError(f"SyntheticBuffer: {self.held + len(labels)} images do not fit max_size {self.max_size}; raise it")
        require_agreement(exp.dataset, images, stored.card if self._check_range else None)
        self._seen.extend(new)
        self._images.append(images.to(item[0].dtype))
        self._labels.append(labels)
        self._tasks += [int(item[2]) if len(item) == 3 else 0] * len(labels)
        self.buffer = self._dataset(task_aware=len(item) == 3)

    def update(self, strategy: Any, **_: Any) -> None:
        """What Avalanche's plugins call; here without the base class's deprecation warning at each experience."""
        self.post_adapt(strategy, strategy.experience)

    def resize(self, strategy: Any, new_size: int) -> None:
        """Change the limit; UsageError below what is held, for part of a condensed set is not what was condensed."""
        if new_size < self.held:
            raise UsageError(f"SyntheticBuffer: holds {self.held} images and cannot be cut to {new_size}; condense a smaller set")
        self.max_size = new_size

    def _take(self, classes: tuple[int, ...]) -> tuple[Tensor, Tensor, SyntheticSet]:
        """The images and labels of some classes alone, and the set that they are from."""
        if self._whole is not None and self._decoded is not None:
            source, (images, labels) = self._whole, self._decoded
        else:
            assert self._make is not None
            source = self._make(classes)
            images, labels = hard(source)
            self.nbytes += source.nbytes
        absent = sorted(set(classes) - set(labels.tolist()))
        if absent:
            raise UsageError(f"SyntheticBuffer: the stream brings class {absent[0]}, of which the set has no image; condense one")
        mine = torch.isin(labels, torch.tensor(classes))
        return images[mine], labels[mine], source

    def _dataset(self, task_aware: bool) -> Any:
        images, labels = torch.cat(self._images), torch.cat(self._labels)
        dataset = as_dataset(images, labels, self._tasks if task_aware else None)
        if not self._fill_batch:
            return dataset
        # As many rounds as make the length a multiple of the batch: then no batch is cut, and all images count the same.
        rounds = math.lcm(len(labels), self._fill_batch) // len(labels)
        return dataset.subset(list(range(len(labels))) * rounds)


def hard(synthetic: SyntheticSet) -> tuple[Tensor, Tensor]:
    """Images (M, C, H, W) float32 normalised and labels (M,) int64; UsageError where the labels are soft."""
    images, labels = synthetic.decode()
    if labels.ndim != 1 or labels.is_floating_point():
        raise UsageError(
            "SyntheticBuffer: this set has soft labels, which Avalanche cannot mix with the whole-number labels of a stream;"
            " condense one with hard labels"
        )
    return images, labels
