"""What zero-cost scores share: an untrained network, one minibatch of real training images, and a number.

Source: Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS" (ICLR 2021). The minibatch is the same for all architectures
of one seed, and initial weights are those that the proxies of that seed begin with.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from scenarios.protocol import Splits

Score = Callable[[nn.Module, Tensor, Tensor], float]


@dataclass(frozen=True)
class ZeroCost:
    """Judges an untrained network by `score`(network in training mode, images (n, C, H, W) float32 normalised, labels (n,)).

    batch: images of the minibatch. images: how many of them count as processed: none where they are not looked at.
    """

    data: ClassData
    batch: int
    score: Score
    measures: str
    images: int

    unit: ClassVar[str] = "score"
    own_draws: ClassVar[bool] = False

    def judge(self, spec: Any, name: str, context: Context) -> dict[str, Any]:
        """The record of one architecture; RuntimeError where its score is not a finite number."""
        part = context.fork(f"architecture-{name}")
        drawn = context.fork("zero-cost").generator
        found: dict[str, Any] = part.memo("result", lambda: self._judge(spec, part, drawn))
        return found

    def _judge(self, spec: Any, context: Context, drawn: torch.Generator) -> dict[str, Any]:
        images, labels = self.data.batch(self.batch, drawn)
        network = networks.build(spec, self.data.shape, len(self.data.class_names), context.generator, context.device)
        begun = time.monotonic()
        score = self.score(network.train(), images, labels)
        seconds = time.monotonic() - begun
        if not math.isfinite(score):
            raise RuntimeError(f"{self.measures}: the score is {score}, not a finite number")
        return {"score": score, "seconds": seconds, "images": self.images}


def on_minibatch(settings: Any, data: Splits, score: Score, measures: str) -> ZeroCost:
    """A judge that passes the minibatch of `settings`, a `Search`, forward and backward."""
    batch = min(settings.zero_cost_batch, len(data.train.images))
    return ZeroCost(data.train, batch, score, measures, batch)


def weights(network: nn.Module) -> list[Tensor]:
    """The weights of all convolutions and linear layers, which is where the scores of single weights are summed."""
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
    return [module.weight for module in network.modules() if isinstance(module, kinds) and module.weight.requires_grad]


def gradients(network: nn.Module, images: Tensor, labels: Tensor) -> list[Tensor]:
    """Of the cross-entropy, for each of `weights`; zeros where a weight has no part in it."""
    loss = functional.cross_entropy(network(images), labels)
    return list(torch.autograd.grad(loss, weights(network), allow_unused=True, materialize_grads=True))
