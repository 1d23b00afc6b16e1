"""What is done with one architecture of a search: train it on some images, score it, time it, and remember the result."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from condensers import networks
from condensers.context import Context, Progress
from scenarios.protocol import Splits
from scenarios.training import Training, accuracy, train


@dataclass(frozen=True)
class Job:
    """How every architecture of one search is judged.

    images: (N, C, H, W) uint8, or float32 normalised. labels: (N,) int64, or (N, K) float32. test: whether test accuracy is
    read too, and is the score; otherwise validation accuracy is. batch: images at once when testing.
    """

    data: Splits
    images: Tensor
    labels: Tensor
    recipe: Training
    test: bool
    batch: int

    def judge(self, spec: Any, name: str, context: Context) -> dict[str, Any]:
        """Train one architecture and return what was found, as JSON values.

        A finished architecture is not trained again: its result comes from the context's folder. Equal seeds give equal
        initial weights and batches, whatever the images are. `seconds` is what trying an architecture costs: training and
        validation; where training went on from a checkpoint it is scaled from the steps taken here, and `resumed` says so.
        """
        part = context.fork(f"architecture-{name}")
        found: dict[str, Any] = part.memo("result", lambda: self._judge(spec, name, part))
        return found

    def _judge(self, spec: Any, name: str, context: Context) -> dict[str, Any]:
        watch = StepWatch(context)
        lent = replace(context, progress=watch)
        data = self.data.train
        network = networks.build(spec, data.shape, len(data.class_names), lent.generator, lent.device)
        start = time.monotonic()
        images = train(network, self.images, self.labels, self.recipe, data, lent, f"train {name}")
        trained = time.monotonic()
        validation = accuracy(network, self.data.validation, self.batch)
        seconds = (trained - start) * watch.factor + time.monotonic() - trained
        found = {"validation": validation, "seconds": seconds, "resumed": watch.factor != 1, "images": images}
        if self.test:
            found["test"] = accuracy(network, self.data.test, self.batch)
        return found | {"score": found["test" if self.test else "validation"]}


class StepWatch:
    """Hands on progress events, and counts the training steps taken since it was made."""

    def __init__(self, context: Context) -> None:
        self._progress, self._taken, self._total = context.progress, 0, 0

    def __call__(self, event: Progress) -> None:
        self._taken, self._total = self._taken + 1, event.total
        self._progress(event)

    @property
    def factor(self) -> float:
        """All steps over the steps taken here: 1 unless training went on from a checkpoint."""
        return self._total / self._taken if self._taken else 1.0


def identifier(choice: Mapping[str, Any]) -> str:
    """A short name of an architecture, fit for a folder: depth 3, width 32, norm "none" -> "d3-w32-none"."""
    return "-".join(f"{name[0]}{value}" if isinstance(value, int) else str(value) for name, value in choice.items())


def parameter_count(spec: Any, shape: tuple[int, int, int], classes: int) -> int:
    """How many trainable numbers a network has; none of them takes memory."""
    with torch.device("meta"):
        module = spec.module(shape, classes)
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
