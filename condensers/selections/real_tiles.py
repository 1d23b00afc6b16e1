"""Real tiles: more real images at the bytes of fewer, made smaller and stored as the tiles of
canvases; nothing is learned.

canvas_u = the tiles down( x_(u f f) ), ..., down( x_(u f f + f f - 1) ) side by side, f the factor;
ipc canvases of a class hold f f ipc images, which are enlarged to full size again when they are
used

Source: ours, of IDC's storage (Kim et al., ICML 2022, section 4.1); parameterisation `tiles` says
how it is decoded. With labels of a teacher it is the cheap set that learned ones have to beat at
equal bytes of images.
"""

import time
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.parts.labels import AssignedLabels, LabelModel
from condensers.parts.parameterisations.refined import Refined
from condensers.parts.parameterisations.tiles import Tiles
from condensers.parts.refiners.base import Refiner
from condensers.parts.setting import RunSetting
from condensers.registry.registry import AUGMENTATIONS, with_parts
from condensers.selections.base import RandomSelection, feature_map, refuse_too_many
from condensers.selections.geometry import KMeansSelection
from condensers.sets.origins import REAL, TAUGHT
from condensers.sets.synthetic_set import Budget, SyntheticSet, card_of, cost_of

CHOICES = {"random": RandomSelection(), "k-means": KMeansSelection()}


@dataclass(frozen=True)
class RealTiles(Condenser):
    """Real images made smaller: factor * factor of them at the bytes of one."""

    factor: int = hyper(
        2,
        unit="tiles",
        help="tiles along each side of a canvas",
        source="IDC, section 5.1",
        minimum=1,
    )
    choose: str = hyper(
        "random", help="selection of the images", source="ours", values=("random", "k-means")
    )
    labels: LabelModel = hyper("hard", source="ours", part="label model")
    network: NetworkSpec = hyper(
        "convnet", help="network of a teacher that names none", source="ours", part="network"
    )

    refiner: Refiner | None = hyper(
        None,
        help="a small network that all images pass when they are read; its bytes count",
        source="ours: none",
        part="refiner",
    )

    registered: ClassVar[str] = "real-tiles"
    evaluation: ClassVar[str] = "dsa"

    @property
    def parameterisation(self) -> Tiles | Refined:
        """How the canvases decode to images."""
        tiles, refiner = Tiles(factor=self.factor), with_parts(self).refiner
        return tiles if refiner is None else Refined(tiles, refiner)

    @property
    def couples_classes(self) -> bool:
        """Whether a teacher gives the labels, or all classes share a refiner."""
        return self.refiner is not None or with_parts(self).labels.couples_classes

    @property
    def origin(self) -> str:
        """A teacher's labels tell more than the images do."""
        return REAL if with_parts(self).labels.form == "hard" else TAUGHT

    def require_fit(self, where: str) -> None:
        """UsageError for labels that would have to be learned."""
        if not isinstance(self.labels, AssignedLabels):
            raise UsageError(
                f"{where}: nothing is learned here, so labels {self.labels.registered} would stay"
                " as they start; take labels hard or teacher"
            )

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Canvases and labels: one hard label for each canvas, or a row of numbers for each
        image.
        """
        units = ipc * len(data.classes)
        labels = with_parts(self).labels.nbytes(
            len(data.class_names), units, units * self.factor**2
        )
        refiner = with_parts(self).refiner
        own = 0 if refiner is None else refiner.nbytes(data.shape[0])
        return Tiles(factor=self.factor).nbytes(data, ipc) + own + labels

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        """Return the images of a class that a set of `ipc` decodes to."""
        return ipc * self.factor**2

    def image_passes(self, data: ClassData, ipc: int) -> list[tuple[NetworkSpec, float]]:
        """Return the training of a teacher and of a refiner, if there are any."""
        method = with_parts(self)
        refining = [] if method.refiner is None else method.refiner.image_passes()
        return method.labels.image_passes(method.network, data) + refining

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        """Canvases of the chosen images; the card's `indices` say which of the data they are, in
        the order of the tiles.
        """
        begun = time.perf_counter()
        method = with_parts(self)
        data = data.to(context.device)
        ipc = budget.ipc_of(method, data)
        refuse_too_many(method, data, ipc)
        chosen = method.choose_images(data, method.images_per_class(data, ipc), context)
        part, tiles = method.parameterisation, Tiles(factor=self.factor)
        real = data.images[torch.cat(chosen)]
        groups = tiles.pack(tiles.groups(data.normalise(real), data, context), data)
        if isinstance(part, Refined):
            groups = part.refine_stored(groups, real, data, context)
        augmentation = AUGMENTATIONS.create("none").for_data(data)
        setting = RunSetting(
            data, method.network, augmentation, context, ipc, method.images_per_class(data, ipc)
        )
        assert isinstance(method.labels, AssignedLabels)
        labels = method.labels.assign(part, groups, setting)
        card = card_of(method, data, context, ipc, {"labels": method.labels.form})
        card |= method.labels.card_entries
        indices = {
            data.class_names[label]: of.tolist()
            for label, of in zip(data.classes, chosen, strict=True)
        }
        cost = cost_of(time.perf_counter() - begun, context)
        return SyntheticSet({**groups, "labels": labels}, card | {"indices": indices}, cost)

    def choose_images(self, data: ClassData, images: int, context: Context) -> list[Tensor]:
        """Indices (images,) int64 of different images of each class."""
        features, found = feature_map("pixels", data, context), []
        for label in context.each(data.classes, self.registered):
            members = data.members(label)
            positions = CHOICES[self.choose].choose(features(members), images, context.generator)
            found.append(members[positions.to(data.device)])
        return found
