"""Mask quality: whether the masks of a view mean something, for a classifier that the view has not
seen and against true masks.

A view is shown some training images; a classifier of the same images, with other initial weights,
is what deletion and insertion
are measured by. Where true masks are known (`mnist-5k-textured`), pointing and overlap are measured
too. Baselines: masks drawn
evenly, and a Gaussian around the centre.
Source: `scenarios.mask_quality.curves`; that the classifier is another network than the one which
    made the masks is ours.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper, settings_of
from condensers.networks.convnet import ConvNetSpec
from condensers.parts.views.attention import AttentionMask
from condensers.parts.views.background import Background
from condensers.parts.views.base import mask_source
from condensers.parts.views.filling import fill_masked, fills
from condensers.parts.views.saliency import Saliency
from condensers.registry.registry import with_parts
from condensers.training.classifier import Training
from scenarios.caching import train_once
from scenarios.datasets.textured import find_true_masks
from scenarios.mask_quality.curves import (
    draw_uniform_masks,
    make_centre_masks,
    mask_overlap,
    measure_curves,
    pointing_accuracy,
    rank_pixels,
)
from scenarios.protocol import Measurement, Outcome, Reference, Scenario, Splits, Subject
from scenarios.row_pictures import encode_png

VIEWS = (
    AttentionMask(),
    AttentionMask(form="normalised"),
    Saliency(),
    Saliency(algorithm="integrated-gradients"),
    Background(),
)
BASELINES = ("uniform", "centre")
METRICS = {
    "deletion-auc": ("of 1", False),
    "insertion-auc": ("of 1", True),
    "pointing-accuracy": ("%", True),
    "mask-overlap": ("of 1", True),
    "kept": ("%", None),
}


@dataclass(frozen=True)
class MaskQuality(Scenario):
    """Deletion, insertion, pointing and overlap of the masks of views; no set is measured."""

    views: tuple[Any, ...] = hyper(VIEWS, source="ours", part="view")
    networks: int = hyper(
        2,
        unit="networks",
        help="networks behind the views, and as many classifiers, for each seed",
        source="ours",
        minimum=1,
    )
    images: int = hyper(
        2000, unit="images", help="training images, at most", source="ours", minimum=1
    )
    measured: int = hyper(
        500,
        unit="images",
        help="those that deletion and insertion are measured on",
        source="ours",
        minimum=1,
    )
    steps: int = hyper(
        14,
        unit="steps",
        help="steps of the curves",
        source="ours; RISE: one for each row",
        minimum=1,
    )
    epochs: int = hyper(
        10, unit="epochs", help="epochs of training of the classifier", source="ours", minimum=1
    )
    lr: float = hyper(0.05, help="learning rate of the classifier", source="ours", minimum=0.0)
    batch: int = hyper(64, unit="images", source="ours", minimum=1)
    network: Any = hyper(
        ConvNetSpec(width=32), help="network of the classifier", source="ours", part="network"
    )
    shown: int = hyper(
        8, unit="images", help="images shown in the report", source="ours", minimum=1
    )

    registered: ClassVar[str] = "mask-quality"
    references_only: ClassVar[bool] = True

    @property
    def references(self) -> Sequence[str]:
        """The baselines, and the views by name, with the settings in which those of one name
        differ.
        """
        return (*BASELINES, *self._name_views())

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Measure the masks of a view or of a baseline; UsageError for a set, which has none."""
        if not isinstance(subject, Reference) or subject.name not in self.references:
            raise UsageError(
                "mask-quality: measures views, not sets; give one of the references"
                f" {', '.join(self.references)}"
            )
        train = _take_first(data.train, self.images).to(context.device)
        found = []
        for index in range(self.networks):
            own = context.fork(f"network-{index}")
            found.append(
                own.memo(f"quality-{index}", partial(self._measure_masks, subject.name, train, own))
            )
        known = [metric for metric in METRICS if metric in found[0]]
        repeats = [{"network": index} for index in range(self.networks)]
        measurements = [
            Measurement(metric, [one[metric] for one in found], repeats, *METRICS[metric])
            for metric in known
        ]
        costs = {
            "seconds": sum(one["seconds"] for one in found),
            "images": self.networks * self.epochs * len(train.images),
        }
        detail = {
            "pictures": found[0]["pictures"],
            "mask-seconds": [one["mask-seconds"] for one in found],
        }
        return Outcome(measurements, costs, detail)

    def image_passes(
        self, data: Splits, images: int, reference: str | None
    ) -> list[tuple[Any, float]]:
        """Estimate the training of the views' networks and of the classifier."""
        train = _take_first(data.train, self.images)
        view = self._name_views().get(reference or "")
        own = [] if view is None else view.preparation(train)
        each = (
            self.epochs * len(train.images)
            + 2 * self.steps * min(self.measured, len(train.images)) / 3
        )
        return [(network, self.networks * count) for network, count in [*own, (self.network, each)]]

    def _name_views(self) -> dict[str, Any]:
        views = with_parts(self).views
        return name_views([mask_source(view, "mask-quality.views") for view in views])

    def _measure_masks(self, name: str, train: ClassData, context: Context) -> dict[str, Any]:
        """All figures of one mask of each image, and of one classifier."""
        begun = time.perf_counter()
        masks = self._make_masks(name, train, context)
        took = time.perf_counter() - begun
        classifier = self._train_classifier(train, context.fork("classifier"))
        own = context.fork("ranks")
        ranked, some = rank_pixels(masks, own.generator), _take_first(train, self.measured)
        deletion, insertion = measure_curves(
            classifier, some, ranked[: len(some.images)], self.steps, own
        )
        found = {
            "deletion-auc": deletion,
            "insertion-auc": insertion,
            "kept": 100 * float(masks.double().mean()) / 255,
        }
        truth = find_true_masks(train)
        if truth is not None:
            found |= {
                "pointing-accuracy": pointing_accuracy(ranked, truth > 0),
                "mask-overlap": mask_overlap(ranked, truth > 0),
            }
        seconds = time.perf_counter() - begun
        return {
            **found,
            "seconds": seconds,
            "mask-seconds": took,
            "pictures": self._draw_pictures(train, masks),
        }

    def _train_classifier(self, train: ClassData, context: Context) -> nn.Module:
        """One for all masks of a seed."""
        recipe = Training(self.epochs, self.lr, batch=self.batch)
        return train_once(self.network, train, recipe, context, "classifier", "classifiers")

    def _make_masks(self, name: str, train: ClassData, context: Context) -> Tensor:
        if name == "uniform":
            return draw_uniform_masks(train, context.fork("masks").generator)
        if name == "centre":
            return make_centre_masks(train)
        masks: Tensor = self._name_views()[name].masks(train, context.fork("view"))
        return masks

    def _draw_pictures(self, train: ClassData, masks: Tensor) -> str:
        """A PNG in base64, three rows: images, their masks, and what these keep on the mean
        colour.
        """
        some, masks = _take_first(train, self.shown).to(torch.device("cpu")), masks[: self.shown]
        seen = fill_masked(some.images, masks, fills("mean", some, masks, torch.Generator()))
        return encode_png((some.images, masks[:, None], seen))


def name_views(views: Sequence[Any]) -> dict[str, Any]:
    """Views by their registered names, and by the settings in which those of one name differ:
    "attention normalised".
    """
    found = {}
    for view in views:
        others = [one for one in views if one.registered == view.registered]
        differing = [
            str(value)
            for name, value in settings_of(view).items()
            if any(settings_of(other)[name] != value for other in others)
        ]
        found[" ".join([view.registered, *differing])] = view
    return found


def _take_first(data: ClassData, most: int) -> ClassData:
    """The first images: data sets come shuffled. A class that has none among them is left out."""
    if len(data.images) <= most:
        return data
    return data.restrict(torch.unique(data.labels[:most]).tolist()).subset(
        torch.arange(most, device=data.device)
    )
