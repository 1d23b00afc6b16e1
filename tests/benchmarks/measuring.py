"""What the benchmarks of savings share: a set made and timed, and how well a network trained on it
does, under one recipe.
"""

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet
from condensers.training.classifier import Training, accuracy, train


class Recipe(NamedTuple):
    """A network of ConvNet-3, trained with DSA's augmentation. precision: of training and test."""

    width: int
    epochs: int
    precision: str = "fp32"

    def __str__(self) -> str:
        return f"ConvNet-3 of width {self.width}, {self.epochs} epochs, DSA, {self.precision}"


class Made(NamedTuple):
    """A set and the CPU seconds of this process that went into it, from data in memory to stored
    bytes.
    """

    synthetic: SyntheticSet
    cpu_seconds: float


def make(spec: dict[str, Any], data: ClassData, ipc: int, seed: int) -> Made:
    """Run a condenser in this process."""
    condenser = create_condenser(spec)
    begun = time.process_time()
    synthetic: SyntheticSet = condenser.condense(data, Budget(ipc=ipc), Context(seed=seed))
    return Made(synthetic, time.process_time() - begun)


def evaluate(synthetic: SyntheticSet, recipe: Recipe, test: ClassData, seed: int) -> float:
    """Percentage of `test` that a network trained on the set classifies correctly."""
    context = Context(seed=seed)
    network = networks.build(
        {"name": "convnet", "width": recipe.width},
        test.shape,
        len(test.class_names),
        context.generator,
    )
    images, labels = synthetic.decode()
    training = Training(epochs=recipe.epochs, augmentation="dsa", precision=recipe.precision)
    train(network, images, labels, training, test, context, "evaluation")
    return accuracy(network, test, products=recipe.precision)


def write(path: Path, found: Any) -> None:
    """A JSON file in a folder that is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
