"""The data space: where the images of a set lie among real ones, and a picture of it.

Real images are test images, which no set holds. Every measure is taken class by class in every
embedding and averaged over classes. Nothing may be chosen by these figures but what is then
measured on other data.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context, derive_seed
from condensers.errors import UsageError, shown
from condensers.hyperparameters import hyper
from condensers.registry.registry import NETWORKS
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.classifier import Training
from scenarios.data_space.measures import MEASURES, measure_space
from scenarios.data_space.points import EmbeddedSpace
from scenarios.data_space.projections import PROJECTIONS, project_points
from scenarios.embeddings import Embed, build_untrained, embed_with, flatten_pixels, train_embedding
from scenarios.protocol import Measurement, Outcome, Reference, Scenario, Splits, Subject
from scenarios.training_material import name_network

STATES = ("trained", "untrained", "pixels")


@dataclass(frozen=True)
class DataSpace(Scenario):
    """Coverage, distances, spread and margin of a set among real images, and projections."""

    networks: tuple[Any, ...] = hyper(("convnet",), source="ours: DC's ConvNet-3", part="network")
    embeddings: tuple[str, ...] = hyper(
        STATES, help="spaces: trained, untrained, pixels; the first one is pictured", source="ours"
    )
    real: int = hyper(
        100, unit="images per class", help="test images, at most", source="ours", minimum=2
    )
    k: int = hyper(
        5,
        unit="neighbours",
        help="neighbours for coverage and density",
        source="Naeem et al. 2020",
        minimum=1,
    )
    epochs: int = hyper(
        4,
        unit="epochs",
        help="epochs of training of the networks that embed",
        source="ours: as the teacher's labels",
        minimum=1,
    )
    batch: int = hyper(64, unit="images", source="ours: as the teacher's labels", minimum=1)
    projections: tuple[str, ...] = hyper(
        ("tsne", "pca"), help="projections to the plane: tsne, pca, umap", source="ours"
    )
    points: int = hyper(
        1500, unit="images", help="images in a picture, at most", source="ours", minimum=10
    )
    seed: int = hyper(
        0, help="seed of networks and real sample, the same for all sets", source="ours", minimum=0
    )

    registered: ClassVar[str] = "data-space"
    references: ClassVar[tuple[str, ...]] = ("real-images",)

    def __post_init__(self) -> None:
        for name, chosen, known in (
            ("embeddings", self.embeddings, STATES),
            ("projections", self.projections, tuple(PROJECTIONS)),
        ):
            unknown = [one for one in chosen if one not in known]
            if unknown:
                raise UsageError(
                    f"data-space.{name}: {shown(unknown[0])} is not one of {', '.join(known)}"
                )
        if isinstance(self.networks, str | dict):
            raise UsageError(
                'data-space.networks: give a list of networks, as ["convnet", "resnet18"]'
            )
        if not self.embeddings or (not self.networks and self.embeddings != ("pixels",)):
            raise UsageError(
                'data-space.embeddings: name at least one, and a network unless it is "pixels"'
                " alone"
            )

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Embed the set and a sample of the test images, and measure; a measure that no class
        defines is left out and said.
        """
        begun = time.perf_counter()
        images, labels = self._decode_subject(subject, data, context)
        sample, real_labels = _sample(data.test, self.real, self._share_context(context))
        by_class: dict[str, dict[int, float]] = {}
        measurements, pictured = [], None
        for label, embed in self._make_embeddings(data, context).items():
            space = EmbeddedSpace(
                embed(sample).cpu(), real_labels, embed(images).cpu(), labels, self.k
            )
            pictured = pictured or project_points(
                space, label, self.projections, self.points, self._share_context(context)
            )
            found = measure_space(space)
            by_class |= {f"{name} in {label}": each for name, each in found.items()}
            measurements += [
                _average_classes(name, label, each) for name, each in found.items() if each
            ]
        undefined = [name for name, each in by_class.items() if not each]
        known = data.test.class_names
        named = {
            name: {known[c]: round(value, 6) for c, value in each.items()}
            for name, each in by_class.items()
            if each
        }
        detail = {
            "by_class": named,
            "undefined": undefined,
            "picture": pictured,
            "class_names": list(known),
        }
        return Outcome(
            measurements, {"seconds": time.perf_counter() - begun, "images": 0.0}, detail
        )

    def _make_embeddings(self, data: Splits, context: Context) -> Mapping[str, Embed]:
        """Label -> embedding; the trained networks come from the cache where they are there."""
        train, own = data.train.to(context.device), self._share_context(context)
        found: dict[str, Embed] = {}
        for state in self.embeddings:
            if state == "pixels":
                found[state] = flatten_pixels
                continue
            for spec in self.networks:
                label = name_network(NETWORKS.create(spec, "data-space.networks"))
                make = (
                    build_untrained
                    if state == "untrained"
                    else partial(
                        train_embedding, recipe=Training(epochs=self.epochs, batch=self.batch)
                    )
                )
                found[f"{state} {label}"] = embed_with(make(spec, train, context=own.fork(label)))
        return found

    def _decode_subject(
        self, subject: Subject, data: Splits, context: Context
    ) -> tuple[Tensor, Tensor]:
        """Images (M, C, H, W) float32 normalised, labels (M,) int64 on the CPU: of soft labels the
        largest.
        """
        if isinstance(subject, SyntheticSet):
            images, labels = subject.decode(context.device)
            return images, (labels.argmax(1) if labels.ndim == 2 else labels).cpu()
        if isinstance(subject, Reference) and subject.name in self.references:
            return _sample(data.train, self.real, context.fork("real-images"))
        raise UsageError(
            f"data-space: cannot measure {subject!r}; give a finished set or the reference"
            " real-images"
        )

    def _share_context(self, context: Context) -> Context:
        """The context of what all sets share: of the scenario's seed, not of the cell's."""
        return replace(
            context, seed=derive_seed(self.seed, "data-space"), generator=torch.Generator()
        )


def _sample(source: ClassData, count: int, context: Context) -> tuple[Tensor, Tensor]:
    """At most `count` images a class: (N, C, H, W) float32 normalised on the context's device,
    labels (N,) on the CPU.
    """
    images = [source.sample(c, count, context.generator).to(context.device) for c in source.classes]
    labels = [torch.full((len(own),), c) for own, c in zip(images, source.classes, strict=True)]
    return torch.cat(images), torch.cat(labels)


def _average_classes(name: str, embedding: str, each: Mapping[int, float]) -> Measurement:
    """The mean over the classes; those of each class are in the detail."""
    values: Sequence[float] = [sum(each.values()) / len(each)]
    return Measurement(f"{name} in {embedding}", values, [{}], *MEASURES[name][1:])
