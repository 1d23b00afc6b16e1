"""What a classifier is trained on, and how: the images and labels of a set, under the common recipe
or under its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor, nn

from condensers.data import ClassData
from condensers.engine import loop as engine
from condensers.engine.context import Context
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.batched import train_together
from condensers.training.classifier import Trained, Training, train
from condensers.training.ordered import OrderedLoop


@dataclass(frozen=True)
class TrainingMaterial:
    """images: (N, C, H, W) uint8 or float32 normalised. labels: (N,) int64 or (N, K) float32.

    rates: (T,) learned learning rates where the images are to be seen in their order, one plain
    gradient step a rate, in `passes` passes.
    """

    images: Tensor
    labels: Tensor
    training: Training
    rates: Tensor | None = None
    passes: int = 1

    def train(self, network: nn.Module, data: ClassData, context: Context, name: str) -> Trained:
        """Train `network` in place; `data` gives mean, std and mirror only."""
        if self.rates is None:
            return train(network, self.images, self.labels, self.training, data, context, name)
        loop = OrderedLoop(network, self.images, self.labels, self.rates, self.passes)
        seconds = engine.run(loop, loop.total, context, name)
        keep = partial(engine.keep, loop, loop.total, context, seconds)
        return Trained(loop.images_per_step * loop.total, seconds, keep)

    def train_together(
        self, networks: Sequence[nn.Module], data: ClassData, context: Context, name: str
    ) -> Trained:
        """Train all `networks` in place, with common draws; only where the images have no order of
        their own.
        """
        return train_together(
            networks, self.images, self.labels, self.training, data, context, name
        )

    def detail(self) -> dict[str, Any]:
        """How it is trained, for the record."""
        if self.rates is not None:
            return {"augmentation": "none", "steps": len(self.rates), "order": "learned"}
        found = {
            "augmentation": self.training.augmentation,
            "epochs": self.training.epochs,
            "lr": self.training.lr,
        }
        return found | {"loss": self.training.loss, "precision": self.training.precision}


def match_loss_to_labels(
    synthetic: SyntheticSet, labels: Tensor, training: Training
) -> tuple[Tensor, Training]:
    """Labels as they are trained on, and `training` with the loss that they call for.

    Scores are regressed, classes and probabilities are not. Scores are brought to the size of
    centred one-hot labels first: a larger size alone makes training faster, which would be no merit
    of the set (random real images gain six points by it).
    """
    if synthetic.recipe.get("labels") != "scores":
        return labels, training
    return scale_scores(labels), replace(training, loss="mse")


def scale_scores(labels: Tensor) -> Tensor:
    """Score labels (M, K), brought to the mean size of centred one-hot ones."""
    sizes = (labels - labels.mean(1, keepdim=True)).norm(dim=1)
    scaled: Tensor = labels * (onehot_norm(labels.shape[1]) / sizes.mean().clamp_min(1e-12))
    return scaled


def onehot_norm(classes: int) -> float:
    """The norm of a centred one-hot label, onehot - 1/K."""
    return float((1 - 1 / classes) ** 0.5)


def apply_set_recipe(
    synthetic: SyntheticSet, material: TrainingMaterial, wanted: bool
) -> TrainingMaterial:
    """The set's own learning rate, or order and rates, where they are `wanted` and the set has
    learned them.
    """
    rates = synthetic.tensors.get("rates")
    if not wanted or rates is None:
        return material
    if synthetic.recipe.get("ordered"):
        return replace(material, rates=rates, passes=int(synthetic.recipe["epochs"]))
    return replace(material, training=replace(material.training, lr=float(rates[0])))
