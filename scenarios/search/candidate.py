"""What is done with one architecture of a search: train it on some images, score it, time it, and remember the result."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from condensers import networks
from condensers.context import Context
from condensers.training import Training, accuracy, train
from scenarios.protocol import Splits


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
        validation, not the reading of test data.
        """
        part = context.fork(f"architecture-{name}")
        found: dict[str, Any] = part.memo("result", lambda: self._judge(spec, name, part))
        return found

    def _judge(self, spec: Any, name: str, context: Context) -> dict[str, Any]:
        data = self.data.train
        network = networks.build(spec, data.shape, len(data.class_names), context.generator, context.device)
        trained = train(network, self.images, self.labels, self.recipe, data, context, f"train {name}")
        begun = time.monotonic()
        validation = accuracy(network, self.data.validation, self.batch, self.recipe.precision)
        seconds = trained.seconds + time.monotonic() - begun
        found = {"validation": validation, "seconds": seconds, "images": trained.images}
        if self.test:
            found["test"] = accuracy(network, self.data.test, self.batch, self.recipe.precision)
        return found | {"score": found["test" if self.test else "validation"]}


def identifier(choice: Mapping[str, Any]) -> str:
    """A short name of an architecture, fit for a folder: depth 3, width 32, norm "none" -> "d3-w32-none"."""
    return "-".join(f"{name[0]}{value}" if isinstance(value, int) else str(value) for name, value in choice.items())


def parameter_count(spec: Any, shape: tuple[int, int, int], classes: int) -> int:
    """How many trainable numbers a network has; none of them takes memory."""
    with torch.device("meta"):
        module = spec.module(shape, classes)
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
