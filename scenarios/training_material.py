"""What a classifier is trained on, and how: the images and labels of a set, under the common recipe
or under its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine import loop as engine
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper, settings_of
from condensers.sets.synthetic_set import SyntheticSet
from condensers.sets.units import as_data
from condensers.training.batched import train_together
from condensers.training.classifier import Trained, Training, settle_precision, train
from condensers.training.losses import BOTH, SOFT_LOSSES, as_scores, soften
from condensers.training.ordered import OrderedLoop
from condensers.training.recipe import OptimiserOptions
from scenarios.protocol import Reference, Splits, Subject
from scenarios.recipes import RECIPES


@dataclass(frozen=True)
class TrainingMaterial:
    """What a classifier is trained on, and how.

    Attributes:
        images: (N, C, H, W) uint8, or float32 normalised.
        labels: (N,) int64, or (N, K) float32.
        training: The recipe.
        rates: (T,) learned learning rates, if the images are to be seen in their order, one plain
            gradient step for each rate.
        passes: How often the images are then seen.
    """

    images: Tensor
    labels: Tensor
    training: Training
    rates: Tensor | None = None
    passes: int = 1

    def settle_precision(self, network: nn.Module, context: Context) -> "TrainingMaterial":
        """Return this with the precision that is faster for `network` in place of "auto"."""
        if self.rates is not None:  # an order is gone through in fp32
            return replace(self, training=replace(self.training, precision="fp32"))
        training = settle_precision(self.training, network, self.images, context)
        return replace(self, training=training)

    def train(self, network: nn.Module, data: ClassData, context: Context, name: str) -> Trained:
        """Train `network` in place; `data` gives mean, std and mirror only."""
        if self.rates is None:
            return train(network, self.images, self.labels, self.training, data, context, name)
        loop = OrderedLoop(network, self.images, self.labels, self.rates, self.passes)
        seconds = engine.run(loop, loop.total, context, name)
        keep = partial(engine.write_checkpoint, loop, loop.total, context, seconds)
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
        length = (
            {"epochs": self.training.epochs}
            if self.training.steps is None
            else {"steps": self.training.steps}
        )
        found = {"augmentation": self.training.augmentation, **length, "lr": self.training.lr}
        found |= {
            "optimiser": self.training.optimiser,
            "schedule": self.training.schedule,
            "mix": self.training.mix,
        }
        found |= {
            name: value
            for name, value in (
                ("lowest_lr", self.training.lowest_lr),
                ("clip", self.training.clip),
            )
            if value
        }
        found |= self._mixing_and_softness()
        found |= {"labels": "hard" if self.labels.ndim == 1 else "soft"}
        return found | {"loss": self.training.loss, "precision": self.training.precision}

    def _mixing_and_softness(self) -> dict[str, Any]:
        """Options that count under some mixes, augmentations, schedules and losses alone."""
        names = ["mix_probability"] if self.training.mix != "none" else []
        names += ["dsa_strategy", "dsa_mode"] if self.training.augmentation == "dsa" else []
        names += ["milestones", "gamma"] if self.training.schedule == "milestones" else []
        if self.training.loss in SOFT_LOSSES:
            names += ["temperature", "temperature_squared"]
        elif self.training.loss == BOTH:
            names += ["cross_entropy_weight"]
        found = {name: getattr(self.training, name) for name in names}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}


def match_loss_to_labels(
    synthetic: SyntheticSet, labels: Tensor, training: Training
) -> tuple[Tensor, Training]:
    """Return labels as they are trained on, and `training` with the loss that they call for.

    Scores are regressed, classes and probabilities are not. Scores are brought to the size of
    centred one-hot labels first: a larger size alone makes training faster, which would be no merit
    of the set (random real images gain six points by it).
    """
    if synthetic.recipe.get("labels") != "scores":
        return labels, training
    return scale_scores(labels), replace(training, loss="mse")


def scale_scores(labels: Tensor) -> Tensor:
    """Scale score labels (M, K) to the mean size of centred one-hot labels."""
    sizes = (labels - labels.mean(1, keepdim=True)).norm(dim=1)
    scaled: Tensor = labels * (onehot_norm(labels.shape[1]) / sizes.mean().clamp_min(1e-12))
    return scaled


def onehot_norm(classes: int) -> float:
    """Return the norm of a centred one-hot label, onehot - 1/K."""
    return float((1 - 1 / classes) ** 0.5)


def apply_soft_loss(
    synthetic: SyntheticSet, labels: Tensor, training: Training
) -> tuple[Tensor, Training]:
    """Return labels (N, K) as the soft loss of `training` takes them; hard ones get cross-entropy.

    A set's scores are taken for a teacher's logits as they are, and its probabilities for those of
    logits of mean 0.
    """
    if labels.ndim == 1:
        return labels, replace(training, loss="cross-entropy")
    scores = labels if synthetic.recipe.get("labels") == "scores" else as_scores(labels)
    if training.loss in SOFT_LOSSES:
        return soften(scores, training.temperature), training
    classes = as_data(synthetic, labels.device).labels
    onehot = functional.one_hot(classes, labels.shape[1]).to(scores.dtype)
    return torch.cat([scores, onehot], 1), training


def apply_set_recipe(
    synthetic: SyntheticSet, material: TrainingMaterial, wanted: str
) -> TrainingMaterial:
    """Return the material with what is wanted of what the set has learned.

    Args:
        synthetic: The set.
        material: Its images and labels under the common recipe.
        wanted: "none", "rate" (a learned rate of a set without order) or "all" (order and rates
            too).
    """
    rates = synthetic.tensors.get("rates")
    if wanted == "none" or rates is None:
        return material
    if not synthetic.recipe.get("ordered"):
        return replace(material, training=replace(material.training, lr=float(rates[0])))
    if wanted == "rate":
        return material
    return replace(material, rates=rates, passes=int(synthetic.recipe["epochs"]))


FULL_DATA = "full-data"  # the reference: training on all real images
PUBLISHED_EPOCHS = {"none": 300, "dsa": 1000, "crop": 1000}


@dataclass(frozen=True)
class Evaluation(OptimiserOptions):
    """Settings of how networks are trained on a set and tested, which several scenarios share.

    What is not given is the recipe's. An evaluation that is made has all of them, so that a record
    says what was used.
    """

    networks: int = hyper(
        5,
        unit="networks",
        help="networks trained on each set",
        source="DM's README (DC: 20)",
        minimum=1,
    )
    epochs: int | None = hyper(
        None, unit="epochs", source="DC's code: 300, and 1000 where augmented", minimum=1
    )
    steps: int | None = hyper(
        None,
        unit="steps",
        help="gradient steps in place of epochs: equal for all sets, however many images they hold",
        source="ours",
        minimum=1,
    )
    augmentation: str = hyper(
        "card",
        help="augmentation in training; card: the one that the set asks for",
        source="ours: what the set's method asks for",
        values=("card", "none", "dsa", "crop"),
    )
    recipe: str = hyper(
        "common",
        help=(
            "the options where no others are given: a name of `harness list recipes`, or a place"
        ),
        source="ours",
    )
    from_card: str = hyper(
        "none",
        help="what a set has learned for its training is used: rate, or all: order and rates too",
        source="ours: none",
        values=("none", "rate", "all"),
    )
    labels: str = hyper(
        "set",
        help="labels in training; hard: the class of each image, where the set's are soft",
        source="ours: the set's own (DD-Ranking: both)",
        values=("set", "hard"),
    )
    loss: str = hyper(
        "labels",
        help="loss of the training; labels: the one that the set's labels call for",
        source="ours",
        values=("labels", "mse", *SOFT_LOSSES, BOTH),
    )
    whitening: str = hyper(
        "none",
        help=(
            "ZCA whitening of what networks see, eps 0.1, fitted on the training images; zca: of"
            " pixels in 0 to 1"
        ),
        source="ours: all sets alike (card: as the set asks; MTT's code: zca)",
        values=("none", "card", "zca", "zca-normalised"),
    )
    batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    lr: float = hyper(0.01, help="learning rate", source="DC's code", minimum=0.0)
    lr_choices: tuple[float, ...] = hyper(
        (),
        help="rates in place of lr: the one with which a network is best on validation images",
        source="ours: none",
    )
    together: str = hyper(
        "auto",
        help=(
            "which networks are trained as one: auto: narrow ConvNets, where it changes nothing;"
            " always: with common batches and augmentation, values correlate"
        ),
        source="ours: condensers/training/batched.py",
        values=("auto", "always", "never"),
    )
    full_epochs: int = hyper(
        30,
        unit="epochs",
        help="epochs of training on the full data, for the upper reference",
        source="ours",
        minimum=1,
    )

    def __new__(cls, *args: Any, **given: Any) -> "Evaluation":
        """Note which options are given, positions included: a recipe leaves them alone."""
        made = super().__new__(cls)
        names = [field.name for field in fields(cls) if not field.kw_only]
        object.__setattr__(made, "_given", {*names[: len(args)], *given})
        return made

    def __post_init__(self) -> None:
        self._take_recipe(vars(self)["_given"])
        super().__post_init__()
        if self.steps is not None and self.epochs is not None:
            raise UsageError("steps and epochs both say how long a training is; leave one out")
        if self.lr_choices and self.from_card != "none":
            raise UsageError(
                f"lr_choices and {self._say_card()} both say the learning rate; leave one out"
            )
        if min(self.lr_choices, default=1.0) <= 0:
            raise UsageError("lr_choices: every rate is a number above 0")

    def _say_card(self) -> str:
        card = self.recipe == "card"
        return "recipe = 'card'" if card else f"from_card = '{self.from_card}'"

    def _take_recipe(self, given: set[str]) -> None:
        """Set what is not given to the recipe's options.

        Raises:
            UsageError: There is no such recipe, or it has what is no option here.
        """
        known = {field.name for field in fields(self)}
        for name, value in RECIPES.create(self.recipe, "recipe").options(given).items():
            if name not in known:
                raise UsageError(f"recipe '{self.recipe}': '{name}' is no option of an evaluation")
            object.__setattr__(self, name, value)

    def material(self, subject: Subject, data: Splits, context: Context) -> TrainingMaterial:
        """Return what a network is trained on, and how.

        Args:
            subject: A finished set, or the reference full-data.
            data: The parts of the data set.
            context: That of the cell.

        Raises:
            UsageError: The subject is another one.
        """
        if isinstance(subject, SyntheticSet):
            images, labels = subject.decode(context.device)
            images = data.train.network_input(images)
            training = replace(
                self._training(subject.recipe.get("augmentation", "none"), self.epochs),
                steps=self.steps,
            )
            if self.labels == "hard" and labels.ndim == 2:
                labels = as_data(subject, context.device).labels
            elif self.loss in ("labels", "mse"):
                labels, training = match_loss_to_labels(subject, labels, training)
            if self.loss not in ("labels", "mse"):
                labels, training = apply_soft_loss(subject, labels, training)
            material = TrainingMaterial(images, labels, training)
            return apply_set_recipe(subject, material, self.from_card)
        if isinstance(subject, Reference) and subject.name == FULL_DATA:
            images, labels = (
                data.train.images.to(context.device),
                data.train.labels.to(context.device),
            )
            training = self._training("none", self.full_epochs)
            if training.loss != "mse":
                training = replace(training, loss="cross-entropy")
            return TrainingMaterial(images, labels, training)
        raise UsageError(
            f"accuracy: cannot measure {subject!r}; give a finished set or the reference full-data"
        )

    def _training(self, recipe: str, epochs: int | None) -> Training:
        augmentation = recipe if self.augmentation == "card" else self.augmentation
        loss = "cross-entropy" if self.loss == "labels" else self.loss
        length = epochs or PUBLISHED_EPOCHS[augmentation]
        training = Training(length, self.lr, batch=self.batch, augmentation=augmentation, loss=loss)
        return replace(training, **self.options())

    def count_training_images(self, images: int) -> float:
        """Estimate how many images pass a network that is trained on a set of `images`."""
        if self.steps is not None:
            return self.steps * min(images, self.batch)
        augmentation = "dsa" if self.augmentation == "card" else self.augmentation
        return self._training(augmentation, self.epochs).epochs * images


def name_network(spec: Any) -> str:
    """Return how tables call a network: its name, and its settings that are not the default."""
    default = settings_of(type(spec)())
    changed = [
        f"{name}={value}" for name, value in settings_of(spec).items() if value != default[name]
    ]
    return " ".join([spec.registered, *changed])
