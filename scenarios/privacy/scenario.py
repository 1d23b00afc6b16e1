"""Privacy: membership inference against networks trained on a set, and against the set itself.

The condenser is run on `shadows` halves of the training images (`scenarios.privacy.shadows`). Each
half in turn is the target: its images are the members, all others the non-members, both of one
distribution. LiRA reads the networks of the other pairs. The attacks on the set see its images
alone. Nothing here bounds what another attack would find.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from torch import nn

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError, shown
from condensers.hyperparameters import hyper
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.classifier import Trained, Training
from scenarios.embeddings import Embed, build_untrained, embed_with, flatten_pixels, train_embedding
from scenarios.privacy.dp_sgd import Guarantee, train_privately
from scenarios.privacy.measures import explain_missing_rates, measure_attacks
from scenarios.privacy.shadows import ShadowExperiment, draw_halves, select_pool
from scenarios.protocol import CondensationRequest, Outcome, Reference, Scenario, Splits, Subject
from scenarios.training_material import Evaluation

STATES = ("pixels", "trained", "untrained")
PRIVATE = "dp-sgd"
# times longer a gradient of one image takes than its part of a batch: ConvNet of width 16, 28
# pixels, a CPU
ALONE = 8


@dataclass(frozen=True)
class Privacy(Scenario):
    """Membership inference: LiRA, a loss threshold, and the distance to the set's images."""

    network: Any = hyper("convnet", source="DC, section 4.1: ConvNet-3, width 128", part="network")
    shadows: int = hyper(
        8,
        unit="halves",
        help="random halves of the data, an even number; each is the target once",
        source="ours (LiRA: 64 and more)",
        minimum=6,
    )
    images: int = hyper(
        10000, unit="images", help="training images, at most", source="ours", minimum=20
    )
    epochs: int | None = hyper(
        None,
        unit="epochs",
        help="epochs of training on a set",
        source="DC's code: 300, and 1000 where augmented",
        minimum=1,
    )
    augmentation: str = hyper(
        "card",
        help="augmentation in training; card: the one that the set asks for",
        source="ours: what the set's method asks for",
        values=("card", "none", "dsa"),
    )
    batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    lr: float = hyper(0.01, help="learning rate of SGD", source="DC's code", minimum=0.0)
    full_epochs: int = hyper(
        100,
        unit="epochs",
        help="epochs of training on the real images, for the references",
        source="ours",
        minimum=1,
    )
    embeddings: tuple[str, ...] = hyper(
        ("pixels",),
        help="spaces in which nearness is measured: pixels, trained, untrained",
        source="ours",
    )
    shown: int = hyper(
        8, unit="images", help="images shown in the report", source="ours", minimum=1
    )
    epsilon: float = hyper(
        8.0,
        help="privacy budget epsilon of dp-sgd",
        source="ours: as De et al. 2022 at the loosest",
        minimum=0.01,
    )
    delta: float = hyper(
        1e-5, help="privacy parameter delta of dp-sgd", source="Abadi et al. 2016", minimum=1e-12
    )
    clip: float = hyper(
        1.0, help="longest gradient of an image in dp-sgd", source="ours", minimum=1e-6
    )
    private_lr: float = hyper(0.5, help="learning rate of dp-sgd", source="ours", minimum=0.0)

    registered: ClassVar[str] = "privacy"
    references: ClassVar[tuple[str, ...]] = ("full-data", PRIVATE)

    def __post_init__(self) -> None:
        if self.shadows % 2:
            raise UsageError(
                f"privacy.shadows: {self.shadows} is odd, and shadows come in pairs; take"
                f" {self.shadows + 1}"
            )
        unknown = [one for one in self.embeddings if one not in STATES]
        if unknown:
            raise UsageError(
                f"privacy.embeddings: {shown(unknown[0])} is not one of {', '.join(STATES)}"
            )

    def condenses_along_stream(self, couples_classes: bool) -> bool:
        """Return True: the condenser is run on halves of the images."""
        return True

    @property
    def condensations(self) -> int:
        """One set for each shadow."""
        return self.shadows

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Attack a condensation request or a reference; one value for each target.

        dp-sgd is skipped without Opacus, and for a network with batch norm; the detail says why.

        Raises:
            UsageError: The subject is a finished set.
        """
        if isinstance(subject, SyntheticSet) or (
            isinstance(subject, Reference) and subject.name not in self.references
        ):
            raise UsageError(
                "privacy: needs a condenser and its budget, to run it on halves of the images, or"
                f" {' or '.join(self.references)}"
            )
        pool = select_pool(data.train, self.images).to(context.device)
        inside = draw_halves(pool, self.shadows, context.fork("halves").generator)
        embeddings = (
            self._make_embeddings(pool, context) if isinstance(subject, CondensationRequest) else {}
        )
        trial = ShadowExperiment(
            subject, pool, inside, data, self.network, self._fit, embeddings, self.shown
        )
        shadows = [context.fork(f"shadow-{index}") for index in range(self.shadows)]
        try:
            found = [
                own.memo("reading", partial(trial.read, index, own))
                for index, own in enumerate(shadows)
            ]
        except UsageError as fault:
            if not (isinstance(subject, Reference) and subject.name == PRIVATE):
                raise
            return Outcome(
                [], {"seconds": 0.0, "images": 0.0}, {"said": [f"dp-sgd was not measured: {fault}"]}
            )
        return self._make_outcome(subject, found, inside)

    def image_passes(
        self, data: Splits, images: int, reference: str | None
    ) -> list[tuple[Any, float]]:
        """Estimate the training; `images` is the size of a set."""
        count = min(self.images, len(data.train.images))
        trained = self.full_epochs * count / 2
        if not reference:
            tested = len(data.test.images) / 3
            trained = self._evaluation().count_training_images(images) + tested
        trained *= ALONE if reference == PRIVATE else 1
        return [(self.network, self.shadows * (trained + count / 3))]

    def _make_outcome(
        self,
        subject: CondensationRequest | Reference,
        found: Sequence[Mapping[str, Any]],
        inside: torch.Tensor,
    ) -> Outcome:
        costs = {name: float(sum(one[name] for one in found)) for name in ("seconds", "images")}
        made = [
            one["condensation_seconds"]
            for one in found
            if one.get("condensation_seconds") is not None
        ]
        if len(made) == len(found):
            costs["condensation_seconds"] = sum(made) / len(made)
        detail: dict[str, Any] = {
            "shadows": self.shadows,
            "pool": inside.shape[1],
            "said": explain_missing_rates(inside),
        }
        if "pictures" in found[0]:
            words = {"title": "Nearest to training images", "rows": ["of the set", "nearest real"]}
            detail |= {"pictures": found[0]["pictures"], "pictured": words}
        if isinstance(subject, Reference) and subject.name == PRIVATE:
            detail |= {"epsilon": self.epsilon, "delta": self.delta}
        return Outcome(measure_attacks(found, inside), costs, detail)

    def _fit(
        self,
        network: nn.Module,
        subject: SyntheticSet | Reference,
        data: Splits,
        own: Context,
        name: str,
    ) -> Trained:
        if isinstance(subject, Reference) and subject.name == PRIVATE:
            guarantee = Guarantee(self.epsilon, self.delta, self.clip)
            return train_privately(
                network,
                data.train,
                (self.full_epochs, self.batch, self.private_lr),
                guarantee,
                own,
                name,
            )
        return self._evaluation().material(subject, data, own).train(network, data.train, own, name)

    def _evaluation(self) -> Evaluation:
        """Return the recipe that the networks are trained by."""
        return Evaluation(
            networks=1,
            full_epochs=self.full_epochs,
            epochs=self.epochs,
            augmentation=self.augmentation,
            batch=self.batch,
            lr=self.lr,
        )

    def _make_embeddings(self, pool: ClassData, context: Context) -> dict[str, Embed]:
        """Networks see members and non-members alike, so that they favour neither."""
        own = context.fork("embedding")
        recipe = Training(self.full_epochs, batch=self.batch)
        makers: dict[str, Callable[..., nn.Module]] = {
            "trained": partial(train_embedding, recipe=recipe),
            "untrained": build_untrained,
        }
        return {
            state: (
                flatten_pixels
                if state == "pixels"
                else embed_with(makers[state](self.network, pool, context=own))
            )
            for state in self.embeddings
        }
