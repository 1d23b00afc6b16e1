"""The settings of a search, and how a network is trained on little data by them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from condensers.hyperparameters import hyper
from condensers.networks.precision import PRECISIONS
from condensers.training.classifier import Training
from scenarios.protocol import Splits
from scenarios.search.baselines.combination import SCORES
from scenarios.search.candidate import TrainingJudge
from scenarios.search.curve import (
    READINGS_SHARE,
    limit_readings,
    limit_validation,
    list_trainings,
    space_steps,
)
from scenarios.search.ground_truth.reading import AUTO


@dataclass(frozen=True)
class SearchSettings:
    """What a search tries, how long networks are trained, and what they are judged by."""

    space: Any = hyper("convnet-small", part="space", source="ours")
    strategy: Any = hyper("random", part="search strategy", source="ours")
    architectures: int = hyper(
        24, unit="architectures", source="ours; grid takes all of the space", minimum=2
    )
    sample_seed: int = hyper(
        0,
        help="seed of the architectures that are drawn, the same for all sets",
        source="ours; the same sample for every subject and seed",
        minimum=0,
    )
    epochs: int = hyper(200, unit="epochs", source="FTD, search experiment", minimum=1)
    steps: int | None = hyper(
        None,
        unit="steps",
        help="gradient steps in place of epochs, the same for sets of all sizes",
        source="ours",
        minimum=1,
    )
    batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    lr: float = hyper(0.01, help="learning rate of SGD", source="DC's code", minimum=0.0)
    schedule: str = hyper(
        "drop",
        help=(
            "of the learning rate; drop: a tenth from half of the training on; cosine: to 0, and"
            " each reading of a curve is a training of its own that ends there"
        ),
        source="drop: DC's code; cosine: SGDR (ICLR 2017), equation 5",
        values=("drop", "cosine"),
    )
    networks: int = hyper(
        1,
        unit="networks",
        help="networks trained for each architecture; their mean accuracy is the proxy score",
        source="ours",
        minimum=1,
    )
    initial_weights: str = hyper(
        "own",
        help=(
            "of networks that are trained briefly; shared: each begins from its part of one network"
            " of all architectures, trained first on the same images, a random architecture a step"
        ),
        source="own: DC; shared: Single Path One-Shot (ECCV 2020), equations 5 to 7",
        values=("own", "shared"),
    )
    shared_steps: int = hyper(
        5000,
        unit="steps",
        help="gradient steps of shared weights; their cost is shared too",
        source="ours",
        minimum=1,
    )
    augmentation: str = hyper(
        "dsa", help="augmentation in training on a set", source="DSA and DM", values=("none", "dsa")
    )
    score_by: str = hyper(
        "accuracy",
        help="what of the validation images scores a trained network; both are recorded",
        source="accuracy: DC's code; loss: ours",
        values=("accuracy", "loss"),
    )
    use: str = hyper(
        "training",
        help=(
            "what a set is for; validation: networks are trained as for early-stopping, and scored"
            " on the set's images"
        ),
        source="training: DC; validation: ours",
        values=("training", "validation"),
    )
    truth: str = hyper(
        AUTO,
        help=(
            "where true accuracies come from: auto (a table of this package where one fits),"
            " train, or a table's name or file"
        ),
        source="ours",
    )
    truth_content: str = hyper(
        "", help="hash of the table that `truth` names; computed from it if left out", source="ours"
    )
    truth_seeds: int | None = hyper(
        None,
        unit="seeds",
        help="seeds of the truth, from 0 on; left out: those of the scenario",
        source="ours; a table may have fewer than the proxies are given",
        minimum=1,
    )
    truth_epochs: int = hyper(20, unit="epochs", source="ours", minimum=1)
    truth_batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    truth_lr: float = hyper(
        0.01, help="learning rate of the training on the full data", source="DC's code", minimum=0.0
    )
    truth_augmentation: str = hyper(
        "none",
        help="augmentation in training on the full data",
        source="ours",
        values=("none", "dsa"),
    )
    early_stopping_ipc: int = hyper(
        10, unit="images per class", source="ours; the set whose steps it may take", minimum=1
    )
    early_stopping_most: int = hyper(
        4,
        help="most steps of early stopping, as a multiple of the usual ones",
        source="ours; its curve goes on for as long",
        minimum=1,
    )
    subset_ipc: int = hyper(
        50, unit="images per class", source="ours; of the random subset", minimum=1
    )
    zero_cost_batch: int = hyper(
        64, unit="images", source="Abdelfattah et al., ICLR 2021: one minibatch", minimum=2
    )
    combine: str = hyper(
        "",
        help="zero-cost score with whose ranks those of a set are averaged",
        source="ours",
        values=("", *SCORES),
    )
    validation_images: int = hyper(
        2000, unit="images", source="ours; the truth takes all", minimum=1
    )
    readings: int = hyper(
        12, unit="points", help="points of a curve, at most", source="ours", minimum=1
    )
    first_reading: float = hyper(
        0.01, help="share of the steps at which a curve begins", source="ours", minimum=0.0
    )
    precision: str = hyper(
        "fp32",
        help=(
            "precision of products; bf16 is an approximation; auto: fp32 or bf16, the faster one"
            " here, and fp32 for the truth"
        ),
        source="ours",
        values=PRECISIONS,
    )
    evaluation_batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    engine: Any = hyper("sequential", part="engine", source="ours")
    trial_limit: float = hyper(
        0.0,
        unit="seconds",
        help="seconds for one architecture; 0: no limit",
        source="ours",
        minimum=0.0,
    )

    def count_proxy_passes(self, data: Splits, images: int) -> float:
        """Estimate how many images pass if an architecture is scored by training on `images`."""
        validated = min(self.validation_images, len(data.validation.images))
        once = self.steps * min(images, self.batch) if self.steps else self.epochs * images
        steps = self.steps_on(images)
        points = self.space_readings(steps, limit_readings(self.readings, once, validated))
        seen = once * self.share_of_trainings(steps, points)
        return self.networks * (seen * (1 + READINGS_SHARE) + validated / 3)

    def share_of_trainings(self, steps: int, readings: Sequence[int]) -> float:
        """Return the steps of a curve, its readings' own trainings included, as a multiple."""
        return sum(list_trainings(self.schedule, steps, readings)) / steps

    def space_readings(self, steps: int, count: int) -> tuple[int, ...]:
        """Return after which of `steps` a curve of `count` readings is read."""
        return space_steps(steps, count, self.first_reading)

    def recipe(self) -> Training:
        """Return how a network is trained on a set, or on real images in its place."""
        return Training(
            self.epochs,
            self.lr,
            batch=self.batch,
            augmentation=self.augmentation,
            steps=self.steps,
            schedule=self.schedule,
            precision=self.precision,
        )

    def sharing(self) -> Training | None:
        """Return how weights are trained that all architectures begin from; None if none are."""
        shares = self.initial_weights == "shared"
        return replace(self.recipe(), steps=self.shared_steps) if shares else None

    @property
    def by_loss(self) -> bool:
        """Whether validation loss scores what is trained, rather than validation accuracy."""
        return self.score_by == "loss"

    def steps_on(self, images: int) -> int:
        """Return how many gradient steps a network takes on a set of so many images."""
        return self.steps or self.epochs * -(-images // self.batch)

    def make_proxy_judge(
        self, data: Splits, images: Tensor, labels: Tensor, recipe: Training
    ) -> TrainingJudge:
        """Return a judge that trains on a few images.

        The readings of its curve take some of the validation images, and cost a quarter of the
        training at most.
        """
        data = limit_validation(data, self.validation_images)
        steps = self.steps_on(len(images))
        processed = steps * recipe.batch if self.steps else recipe.epochs * len(images)
        count = limit_readings(self.readings, processed, len(data.validation.images))
        readings = (steps, *self.space_readings(steps, count))
        return TrainingJudge(
            data,
            images,
            labels,
            recipe,
            False,
            self.evaluation_batch,
            readings,
            networks=self.networks,
            by_loss=self.by_loss,
            sharing=self.sharing(),
        )
