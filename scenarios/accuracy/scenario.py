"""Accuracy of networks trained on a set: what condensation papers report.

Protocol: `condensers.training.classifier`; fresh networks, last epoch, test data read once a
network, at the end. Published figures are means over 5 sets x 20 networks (DC) or 5 x 5 (DM).
"""

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import nn

from condensers import networks
from condensers.engine.context import Context
from condensers.hyperparameters import hyper
from condensers.networks.batched import NetworkStack
from condensers.networks.precision import AUTO
from condensers.training.batched import accuracies, draws_nothing, groups
from condensers.training.classifier import accuracy
from scenarios.accuracy.rates import ChosenRate, choose_rate
from scenarios.accuracy.whitened import choose_whitening, whiten_splits
from scenarios.protocol import Measurement, Outcome, Scenario, Splits, Subject
from scenarios.training_material import Evaluation, TrainingMaterial


@dataclass(frozen=True)
class Accuracy(Evaluation, Scenario):
    """Test accuracy of fresh networks trained on the set."""

    network: Any = hyper("convnet", source="DC, section 4.1: ConvNet-3, width 128", part="network")

    registered: ClassVar[str] = "accuracy"
    references: ClassVar[tuple[str, ...]] = ("full-data",)

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Train `networks` networks on the set (or on all training data) and test each."""
        fit = choose_whitening(self.whitening, subject, data.train)
        data = whiten_splits(data, fit, context)
        material = self._settle_precision(self.material(subject, data, context), data, context)
        material, chosen = self._with_chosen_rate(material, data, context)
        results = [
            found
            for group in self._group_networks(material)
            for found in self._measure_group(group, material, data, context)
        ]
        measurement = Measurement(
            "test-accuracy",
            [r["accuracy"] for r in results],
            [{"network": index} for index in range(self.networks)],
            unit="%",
            higher_is_better=True,
        )
        costs = {
            "seconds": sum(r["seconds"] for r in results) + (chosen.seconds if chosen else 0),
            "images": sum(r["images"] for r in results) + (chosen.images if chosen else 0),
        }
        detail = self._name_recipe() | material.detail()
        detail |= {"whitening": fit.as_json()} if fit else {}
        return Outcome([measurement], costs, detail | ({"rates": chosen.tried} if chosen else {}))

    def _name_recipe(self) -> dict[str, Any]:
        """What the record says of a named recipe beside the training that came of it."""
        return {} if self.recipe == "common" else {"recipe": self.recipe, "batch": self.batch}

    def _with_chosen_rate(
        self, material: TrainingMaterial, data: Splits, context: Context
    ) -> tuple[TrainingMaterial, ChosenRate | None]:
        """The material with the rate that is best on validation images, where some are to be
        tried.
        """
        if not self.lr_choices or material.rates is not None:
            return material, None
        build = partial(self._build_network, data)
        chosen = choose_rate(self.lr_choices, material, build, data, context)
        training = replace(material.training, lr=chosen.lr)
        return replace(material, training=training), chosen

    def image_passes(
        self, data: Splits, images: int, reference: str | None
    ) -> list[tuple[Any, float]]:
        """Estimate the training; `images` is the size of the set."""
        training = (
            self.full_epochs * len(data.train.images)
            if reference
            else self.count_training_images(images)
        )
        tried = len(self.lr_choices) * (training + len(data.validation.images) / 3)
        tested = self.networks * (training + len(data.test.images) / 3)
        return [(self.network, tested + tried)]

    def _settle_precision(
        self, material: TrainingMaterial, data: Splits, context: Context
    ) -> TrainingMaterial:
        """The material with the faster precision for the first group of networks, where any will
        do.
        """
        if self.precision != AUTO:
            return material
        like = context.fork("precision")  # its draws are nobody else's
        members = [self._build_network(data, like) for _ in self._group_networks(material)[0]]
        return material.settle_precision(
            members[0] if len(members) == 1 else NetworkStack(members), context
        )

    def _group_networks(self, material: TrainingMaterial) -> list[range]:
        """The indices of the networks, those together that are trained together."""
        drawn = self.together == "auto" and not draws_nothing(
            material.training, len(material.images)
        )
        if self.together == "never" or drawn or material.rates is not None:
            return [range(index, index + 1) for index in range(self.networks)]
        return groups(self.network, self.networks, min(len(material.images), self.batch))

    def _measure_group(
        self, group: range, material: TrainingMaterial, data: Splits, context: Context
    ) -> list[dict[str, float]]:
        """What was found of each network of `group`; a group that is finished is not trained
        again.
        """
        index = group.start
        if len(group) == 1:
            return [
                context.fork(f"network-{index}").memo(
                    "result", partial(self._train_one, index, material, data, context)
                )
            ]
        own = context.fork(f"networks-{index}-{group.stop - 1}")
        return own.memo("results", partial(self._train_group, group, material, data, context))

    def _train_group(
        self, group: range, material: TrainingMaterial, data: Splits, context: Context
    ) -> list[dict[str, float]]:
        """Train and test the networks of `group` together, each from the weights it has alone; they
        share the seconds evenly.
        """
        own = context.fork(f"networks-{group.start}-{group.stop - 1}")
        members = [self._build_network(data, context.fork(f"network-{index}")) for index in group]
        name = f"networks {group.start + 1} to {group.stop} of {self.networks}"
        trained = material.train_together(members, data.train, own, name)
        begun = time.perf_counter()
        with trained.keep_if_interrupted():
            correct = accuracies(
                members, data.test.to(own.device), products=material.training.precision, lent=own
            )
        seconds = trained.seconds + time.perf_counter() - begun
        return [
            {"accuracy": c, "seconds": seconds / len(group), "images": trained.images // len(group)}
            for c in correct
        ]

    def _build_network(self, data: Splits, own: Context) -> nn.Module:
        return networks.build(
            self.network, data.train.shape, len(data.train.class_names), own.generator, own.device
        )

    def _train_one(
        self, index: int, material: TrainingMaterial, data: Splits, context: Context
    ) -> dict[str, float]:
        """Train and test network `index`; the same index starts from the same weights on every set
        of the same seed.
        """
        own = context.fork(f"network-{index}")
        network = self._build_network(data, own)
        name = f"network {index + 1} of {self.networks}"
        trained = material.train(network, data.train, own, name)
        begun = time.perf_counter()
        with trained.keep_if_interrupted():
            products = material.training.precision
            correct = accuracy(network, data.test.to(own.device), products=products, lent=own)
        if own.device.type == "cuda":
            torch.cuda.synchronize()
        return {
            "accuracy": correct,
            "seconds": trained.seconds + time.perf_counter() - begun,
            "images": trained.images,
        }
