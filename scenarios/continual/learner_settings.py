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
from condensers.engine.devices import send
from condensers.training.classifier import as_input


@dataclass(frozen=True)
class LearnerSettings:
    """How a learner is trained on a stream.

    Attributes:
        epochs: Passes over an experience.
        batch: Images of the stream in a minibatch.
        lr: Learning rate of SGD.
        momentum: Momentum of SGD.
        weight_decay: Weight decay of SGD.
        augmentation: "none" or "dsa", for stream and memory.
        batch_size_mem: Exemplars in a minibatch.
        repeats: Gradient steps on each minibatch of the stream.
        online: Whether the stream passes once, in sub-experiences of `batch` images, without a
            sign of where an experience begins.
        evaluate_every: Minibatches between two tests within an experience; 0 for none.
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
    """The minibatches [x, y] of one experience, as Avalanche's training loop reads them.

    x is (n, C, H, W) float32 normalised, y (n,) int64. The order comes from a seed alone, so that
    training can go on in the middle.

    Attributes:
        data: The images of the experience, uint8.
        labels: (N,) int64, the learner's outputs.
        batch: Images in a minibatch.
        epochs: Passes over the images.
        seed: What the order comes from.
        repeats: How often each minibatch comes in a row.
        start: The first minibatch to give, counted over all epochs.
        index: The minibatch given last.
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
                order = self._draw_order(epoch)
            self.index = index
            chosen = self._select(order, index)
            yield [as_input(self.data.images[chosen], self.data), self.labels[chosen]]

    def raw_minibatch(self) -> tuple[Tensor, Tensor]:
        """The images (n, C, H, W) uint8 and labels (n,) of the data's own classes in the minibatch
        given last.
        """
        chosen = self._select(self._draw_order(self.index // self.per_epoch), self.index)
        return self.data.images[chosen], self.data.labels[chosen]

    def is_first_repeat(self) -> bool:
        """Return whether the minibatch given last came for the first time."""
        return self.index % self.repeats == 0

    def _draw_order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, f"epoch-{epoch}"))
        return torch.randperm(len(self.labels), generator=generator)

    def _select(self, order: Tensor, index: int) -> Tensor:
        position = index % self.per_epoch // self.repeats * self.batch
        return send(order[position : position + self.batch], self.data.device)
