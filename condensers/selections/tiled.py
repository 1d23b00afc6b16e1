"""What selections share whose real images are stored as the tiles of canvases."""

import time
from abc import abstractmethod
from typing import ClassVar, NamedTuple

from torch import Tensor

from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.networks import NetworkSpec
from condensers.parts.labels import AssignedLabels, LabelModel
from condensers.parts.parameterisations.pixels import Pixels
from condensers.parts.parameterisations.refined import Refined
from condensers.parts.parameterisations.tiles import Tiles
from condensers.parts.refiners.base import Refiner
from condensers.parts.setting import RunSetting
from condensers.registry.registry import AUGMENTATIONS, with_parts
from condensers.selections.base import refuse_too_many
from condensers.sets.origins import REAL, TAUGHT
from condensers.sets.synthetic_set import Budget, SyntheticSet, card_of, cost_of


class Stitched(NamedTuple):
    """Canvases of real images.

    Attributes:
        canvases: (classes * ipc, C, H, W) float32, normalised, ordered by class.
        indices: For each class, which of the data its images are, in their order; none where an
            image is made of several.
        sources: What the decoded images stand for, (M, C, H, W) uint8, for a refiner; None if
            there cannot be one.
    """

    canvases: Tensor
    indices: list[Tensor]
    sources: Tensor | None = None


class TiledSelection(Condenser):
    """Makes canvases of real images, and lets a label model name what they decode to.

    Attributes:
        factor: Tiles along each side of a canvas, a field of the dataclass.
        labels: The label model, a field of the dataclass.
        network: Network of a teacher that names none, a field of the dataclass.
    """

    factor: int
    labels: LabelModel
    network: NetworkSpec
    evaluation: ClassVar[str] = "dsa"

    @property
    def refiner(self) -> Refiner | None:
        """What all images pass when they are read; a field of those that offer one."""
        return None

    @abstractmethod
    def stitch(self, data: ClassData, ipc: int, setting: RunSetting) -> Stitched:
        """Choose real images and make canvases of them.

        Args:
            data: The real images.
            ipc: Canvases of a class.
            setting: What the run lends, its trained networks included.
        """

    def prepare(self, setting: RunSetting) -> tuple[RunSetting, float]:
        """Train what judges the images, and return the setting with it.

        Returns:
            The setting, and the seconds that it took, even if an earlier run did it.
        """
        return setting, 0.0

    @property
    def learns_first(self) -> bool:
        """Whether `prepare` trains networks."""
        return False

    @property
    def stored_as(self) -> Pixels:
        """How canvases are stored, without a refiner."""
        return Tiles(factor=self.factor)

    @property
    def parameterisation(self) -> Pixels | Refined:
        """How the canvases decode to images."""
        refiner = with_parts(self).refiner
        return self.stored_as if refiner is None else Refined(self.stored_as, refiner)

    @property
    def couples_classes(self) -> bool:
        """Whether a teacher gives the labels, or all classes share a refiner."""
        return self.refiner is not None or with_parts(self).labels.couples_classes

    @property
    def origin(self) -> str:
        """A teacher's labels tell more than the images do."""
        return REAL if with_parts(self).labels.form == "hard" else TAUGHT

    def require_fit(self, where: str) -> None:
        """UsageError for labels that would have to be learned, or have nobody to give them."""
        if not isinstance(self.labels, AssignedLabels):
            raise UsageError(
                f"{where}: nothing is learned here, so labels {self.labels.registered} would stay"
                " as they start; take labels hard or teacher"
            )
        if self.labels.needs_trained and not self.learns_first:
            raise UsageError(
                f"{where}: labels {self.labels.registered} are given by networks that were trained"
                " first, and this selection trains none; take labels teacher"
            )

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Canvases and labels: one hard label for each canvas, or a row of numbers for each
        image.
        """
        units = ipc * len(data.classes)
        labels = with_parts(self).labels.nbytes(
            len(data.class_names), units, units * self.stored_as.copies
        )
        refiner = with_parts(self).refiner
        own = 0 if refiner is None else refiner.nbytes(data.shape[0])
        return self.stored_as.nbytes(data, ipc) + own + labels

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        """Return the images of a class that a set of `ipc` decodes to."""
        return ipc * self.stored_as.copies

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
        refuse_too_many(method, data, ipc, ipc * self.factor**2)
        augmentation = AUGMENTATIONS.create("none").for_data(data)
        images = method.images_per_class(data, ipc)
        setting = RunSetting(data, method.network, augmentation, context, ipc, images)
        setting, prepared = method.prepare(setting)
        setup = max(time.perf_counter() - begun, prepared)
        begun = time.perf_counter()
        made = method.stitch(data, ipc, setting)
        part, stored = method.parameterisation, method.stored_as
        groups = stored.pack({"images": made.canvases}, data)
        if isinstance(part, Refined):
            assert made.sources is not None
            groups = part.refine_stored(groups, made.sources, data, context)
        assert isinstance(method.labels, AssignedLabels)
        labels, said = method.labels.assign_recorded(part, groups, setting)
        card = card_of(method, data, context, ipc, {"labels": method.labels.form})
        card |= {**method.labels.card_entries, **said}
        indices = {
            data.class_names[label]: of.tolist()
            for label, of in zip(data.classes, made.indices, strict=True)
        }
        cost = cost_of(setup + time.perf_counter() - begun, context)
        return SyntheticSet({**groups, "labels": labels}, card | {"indices": indices}, cost)
