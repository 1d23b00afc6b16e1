"""Accuracy of networks trained on a set: what condensation papers report.

Protocol: `condensers.training.classifier`; fresh networks, last epoch, test data read once a
network, at the end. Published figures are means over 5 sets x 20 networks (DC) or 5 x 5 (DM).
"""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from torch import nn

from condensers import networks
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.precision import PRECISIONS
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.batched import accuracies, draws_nothing, groups
from condensers.training.classifier import Training, accuracy
from scenarios.accuracy.whitened import choose_whitening, whiten_splits
from scenarios.protocol import Measurement, Outcome, Reference, Splits, Subject
from scenarios.training_material import TrainingMaterial, apply_set_recipe, match_loss_to_labels

PUBLISHED_EPOCHS = {"none": 300, "dsa": 1000}


@dataclass(frozen=True)
class Evaluation:
    """How networks are trained on a set and tested: what scenarios of accuracy share."""

    networks: int = hyper(5, unit="networks per set", source="DM's README (DC: 20)", minimum=1)
    epochs: int | None = hyper(
        None, unit="epochs", source="DC's code: 300, and 1000 where augmented", minimum=1
    )
    augmentation: str = hyper(
        "card", source="ours: what the set's method asks for", values=("card", "none", "dsa")
    )
    recipe: str = hyper(
        "common",
        unit="whose learning rate and order of training",
        source="ours",
        values=("common", "card"),
    )
    loss: str = hyper(
        "labels",
        unit="labels: what the set's labels call for",
        source="ours",
        values=("labels", "mse"),
    )
    whitening: str = hyper(
        "none",
        unit=(
            "ZCA, eps 0.1, fitted on the training images, of all that networks see; zca: of pixels"
            " in 0 to 1"
        ),
        source="ours: all sets alike (card: as the set asks; MTT's code: zca)",
        values=("none", "card", "zca", "zca-normalised"),
    )
    batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    lr: float = hyper(0.01, source="DC's code", minimum=0.0)
    precision: str = hyper(
        "fp32", unit="of products (bf16: an approximation)", source="ours", values=PRECISIONS
    )
    together: str = hyper(
        "auto",
        unit=(
            "auto: narrow ConvNets, where it changes nothing; always: with common batches and"
            " augmentation, values correlate"
        ),
        source="ours: condensers/training/batched.py",
        values=("auto", "always", "never"),
    )
    full_epochs: int = hyper(
        30, unit="epochs on the full data, for the bound", source="ours", minimum=1
    )


@dataclass(frozen=True)
class Accuracy(Evaluation):
    """Test accuracy of fresh networks trained on the set."""

    network: Any = hyper("convnet", source="DC, section 4.1: ConvNet-3, width 128", part="network")

    registered: ClassVar[str] = "accuracy"
    references: ClassVar[tuple[str, ...]] = ("full-data",)

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Train `networks` networks on the set (or on all training data) and test each."""
        fit = choose_whitening(self.whitening, subject, data.train)
        data = whiten_splits(data, fit, context)
        material = self.material(subject, data, context)
        results = [
            found
            for group in self._groups(material)
            for found in self._results(group, material, data, context)
        ]
        measurement = Measurement(
            "test-accuracy",
            [r["accuracy"] for r in results],
            [{"network": index} for index in range(self.networks)],
            unit="%",
            higher_is_better=True,
        )
        costs = {
            "seconds": sum(r["seconds"] for r in results),
            "images": sum(r["images"] for r in results),
        }
        return Outcome(
            [measurement], costs, material.detail() | ({"whitening": fit.as_json()} if fit else {})
        )

    def image_passes(
        self, data: Splits, images: int, reference: str | None
    ) -> list[tuple[Any, float]]:
        """Networks and how many images pass each, forward and backward; `images` is the size of the
        set.
        """
        if reference:
            training = self.full_epochs * len(data.train.images)
        else:
            training = (
                self._training(
                    "dsa" if self.augmentation == "card" else self.augmentation, self.epochs
                ).epochs
                * images
            )
        return [(self.network, self.networks * (training + len(data.test.images) / 3))]

    def material(self, subject: Subject, data: Splits, context: Context) -> TrainingMaterial:
        """What is trained on, and how; UsageError for a recipe, or a reference other than
        full-data.
        """
        if isinstance(subject, SyntheticSet):
            images, labels = subject.decode(context.device)
            images = data.train.seen(images)
            training = self._training(subject.recipe.get("augmentation", "none"), self.epochs)
            labels, training = match_loss_to_labels(subject, labels, training)
            return apply_set_recipe(
                subject, TrainingMaterial(images, labels, training), self.recipe == "card"
            )
        if isinstance(subject, Reference) and subject.name in self.references:
            images, labels = (
                data.train.images.to(context.device),
                data.train.labels.to(context.device),
            )
            return TrainingMaterial(images, labels, self._training("none", self.full_epochs))
        raise UsageError(
            f"accuracy: cannot measure {subject!r}; give a finished set or the reference full-data"
        )

    def _training(self, recipe: str, epochs: int | None) -> Training:
        augmentation = recipe if self.augmentation == "card" else self.augmentation
        loss = "cross-entropy" if self.loss == "labels" else self.loss
        length = epochs or PUBLISHED_EPOCHS[augmentation]
        return Training(
            length,
            self.lr,
            batch=self.batch,
            augmentation=augmentation,
            loss=loss,
            precision=self.precision,
        )

    def _groups(self, material: TrainingMaterial) -> list[range]:
        """The indices of the networks, those together that are trained together."""
        drawn = self.together == "auto" and not draws_nothing(
            material.training, len(material.images)
        )
        if self.together == "never" or drawn or material.rates is not None:
            return [range(index, index + 1) for index in range(self.networks)]
        return groups(self.network, self.networks, min(len(material.images), self.batch))

    def _results(
        self, group: range, material: TrainingMaterial, data: Splits, context: Context
    ) -> list[dict[str, float]]:
        """What was found of each network of `group`; a group that is finished is not trained
        again.
        """
        index = group.start
        if len(group) == 1:
            return [
                context.fork(f"network-{index}").memo(
                    "result", partial(self._one, index, material, data, context)
                )
            ]
        own = context.fork(f"networks-{index}-{group.stop - 1}")
        return own.memo("results", partial(self._several, group, material, data, context))

    def _several(
        self, group: range, material: TrainingMaterial, data: Splits, context: Context
    ) -> list[dict[str, float]]:
        """Train and test the networks of `group` together, each from the weights it has alone; they
        share the seconds evenly.
        """
        own = context.fork(f"networks-{group.start}-{group.stop - 1}")
        members = [self._fresh(data, context.fork(f"network-{index}")) for index in group]
        name = f"networks {group.start + 1} to {group.stop} of {self.networks}"
        trained = material.train_together(members, data.train, own, name)
        begun = time.perf_counter()
        with trained.kept():
            correct = accuracies(
                members, data.test.to(own.device), products=self.precision, lent=own
            )
        seconds = trained.seconds + time.perf_counter() - begun
        return [
            {"accuracy": c, "seconds": seconds / len(group), "images": trained.images // len(group)}
            for c in correct
        ]

    def _fresh(self, data: Splits, own: Context) -> nn.Module:
        return networks.build(
            self.network, data.train.shape, len(data.train.class_names), own.generator, own.device
        )

    def _one(
        self, index: int, material: TrainingMaterial, data: Splits, context: Context
    ) -> dict[str, float]:
        """Train and test network `index`; the same index starts from the same weights on every set
        of the same seed.
        """
        own = context.fork(f"network-{index}")
        network = self._fresh(data, own)
        name = f"network {index + 1} of {self.networks}"
        trained = material.train(network, data.train, own, name)
        begun = time.perf_counter()
        with trained.kept():
            correct = accuracy(network, data.test.to(own.device), products=self.precision, lent=own)
        if own.device.type == "cuda":
            torch.cuda.synchronize()
        return {
            "accuracy": correct,
            "seconds": trained.seconds + time.perf_counter() - begun,
            "images": trained.images,
        }
