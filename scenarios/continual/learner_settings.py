"""How one learner is trained on a stream.

The minibatches of one experience, in an order that a seed alone decides, so that training can go on
in the middle.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import derive_seed
from condensers.training.classifier import as_input


@dataclass(frozen=True)
class LearnerSettings:
    """epochs: passes over an experience. batch, batch_size_mem: images of the stream and of the
    memory in each minibatch.

    repeats: gradient steps on each minibatch of the stream. online: whether the stream passes once,
    in sub-experiences of `batch` images, without a sign where an experience begins. evaluate_every:
    minibatches between two readings of the test images within an experience, 0 for none.
    """

    epochs: int
    batch: int
    lr: float
    momentum: float
    weight_decay: float
    augmentation: str
    batch_size_mem: int
    repeats: int = 1
    online: bool = False
    evaluate_every: int = 0


@dataclass
class Batches:
    """An iterable of [x, y], what Avalanche's training loop reads: x (n, C, H, W) float32
    normalised, y (n,) int64.

    data: the images of the experience, uint8. labels: (N,) int64, what they are to be called.
    repeats: how often each minibatch comes in a row. start: the first minibatch to give, counted
    over all epochs; `index` is the one given last.
    """

    data: ClassData
    labels: Tensor
    batch: int
    epochs: int
    seed: int
    repeats: int = 1
    start: int = 0
    index: int = -1

    @property
    def per_epoch(self) -> int:
        return -(-len(self.labels) // self.batch) * self.repeats

    def __len__(self) -> int:
        return self.per_epoch * self.epochs

    def __iter__(self) -> Iterator[list[Tensor]]:
        epoch, order = -1, torch.empty(0)
        for index in range(self.start, len(self)):
            if index // self.per_epoch != epoch:
                epoch = index // self.per_epoch
                order = self._order(epoch)
            self.index = index
            chosen = self._chosen(order, index)
            yield [as_input(self.data.images[chosen], self.data), self.labels[chosen]]

    def raw(self) -> tuple[Tensor, Tensor]:
        """The images (n, C, H, W) uint8 and labels (n,) of the data's own classes in the minibatch
        given last.
        """
        chosen = self._chosen(self._order(self.index // self.per_epoch), self.index)
        return self.data.images[chosen], self.data.labels[chosen]

    def begins(self) -> bool:
        """Whether the minibatch given last is new, and not one that is repeated."""
        return self.index % self.repeats == 0

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, f"epoch-{epoch}"))
        return torch.randperm(len(self.labels), generator=generator)

    def _chosen(self, order: Tensor, index: int) -> Tensor:
        position = index % self.per_epoch // self.repeats * self.batch
        return order[position : position + self.batch].to(self.data.device)
