"""The shortest complete method of your own: a loss, and a method that uses it.

Every other choice (what is stored, augmentation, networks, steps) is inherited from `Composition`.
Use it by its import path: harness condense own_method.py:MedianMatching --data mnist-5k --ipc 1
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from condensers import Budget, Context, create_condenser
from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import Pair, PairwiseObjective
from scenarios import load_dataset


@dataclass(frozen=True)
class MedianEmbedding(PairwiseObjective):
    """Squared distance between the median embeddings of real and synthetic images of each class."""

    registered: ClassVar[str] = "median-embedding"
    couples_classes: ClassVar[bool] = False  # a class may be condensed without the others

    def loss(self, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
        """Sum over the classes; differentiable in the synthetic images."""
        distances = []
        for pair in pairs:
            with torch.no_grad():
                real = network.embed(pair.real).median(0).values
            synthetic = network.embed(pair.synthetic).median(0).values
            distances.append((real - synthetic).square().sum())
        return torch.stack(distances).sum()


@dataclass(frozen=True)
class MedianMatching(Composition):
    """Median matching: pixels x siamese augmentation x median embedding x fresh networks."""

    iterations: int = hyper(200, unit="steps", source="ours", minimum=1)
    batch_real: int = hyper(64, unit="images per class", source="ours", minimum=1)
    objective: Any = hyper(MedianEmbedding(), source="ours", part="objective")

    registered: ClassVar[str] = "median-matching"
    evaluation: ClassVar[str] = "dsa"  # how networks are trained on the set: "dsa" or "none"


if __name__ == "__main__":
    small = {"name": "convnet", "depth": 2, "width": 8}
    method = create_condenser(MedianMatching(iterations=20, batch_real=16, network=small))
    condensed = method.condense(load_dataset("digits").train, Budget(ipc=2), Context(seed=0))
    images, labels = condensed.decode()
    print(f"{len(images)} images of {len(labels.unique())} classes, {condensed.nbytes} bytes")
