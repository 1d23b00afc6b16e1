"""RDED: crops of real images that a trained network finds most realistic, stitched into canvases.

score(crop) = - CE( f(crop), y ),  the best of `crops` random crops of each of `candidates` images
of a class stands for its image; the ipc f f best of a class fill the tiles of its canvases, tile k
of canvas u the one of rank k ipc + u

Read as "tiles", each tile is enlarged to an image of its own, as in `real-tiles`, with a label of
its own, and a crop is scored as such. Read "whole", a canvas is one image with one label, as the
paper draws it, and a crop is scored in the middle of an empty image, as in the authors' code.

The paper's students see crops and mixtures of canvases, and the network, which must be at hand,
gives each a new label in every step; no byte of it is counted. That was not copied: labels here are
stored, one for each decoded image, which is why tiles are the default reading. One label of a whole
canvas misleads, and students who see whole canvases alone never see a thing at its size: on 5,000
images of CIFAR-10, at the bytes of 10 images a class, one set each, random images give 26 %, tiles
32 % (`real-tiles` as much), canvases 17 %, with hard labels 11 %. On mnist-5k 93 %, 80 % and 17 %:
crops cut digits up, and the ones a network is surest of are alike.

Tiles of small images mislead their network too. Of CIFAR-10 at 50 images a class (suite
`cifar10-recent-reasons`, three sets) it takes three of four enlarged tiles of frogs for other
classes: with its labels they train worse than random images, with hard ones better, and so do crops
that fill a canvas with either.

Source: Sun, Shi, Yu & Lin, "On the Diversity and Realism of Distilled Dataset: An Efficient Dataset
Distillation Paradigm" (RDED, CVPR 2024), section 4, algorithm 1, and the authors' code
(synthesize/utils.py) with its scripts for CIFAR-10: 300 images a class, 5 crops of each, one crop a
canvas (where both readings are the same); those for ImageNet take 2 x 2 tiles. Differences: the
networks are trained here, as SRe2L's are, where theirs are downloaded; mean and deviation are the
data's, not ImageNet's; canvases are stored exactly, not as JPEG.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.networks.convnet import ConvNetSpec
from condensers.parts.augmentations.resized_crop import cut_boxes, draw_boxes
from condensers.parts.labels import LabelModel
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.parameterisations.pixels import Pixels
from condensers.parts.parameterisations.tiles import Tiles, places_of, require_room, tile_size
from condensers.parts.setting import RunSetting, TrainedNetworks, require_trained
from condensers.registry.registry import with_parts
from condensers.selections.tiled import Stitched, TiledSelection

AREAS = (0.08, 1.0)  # of a crop, in parts of the image: torchvision's defaults
AT_ONCE = 256


class Crops(NamedTuple):
    """Crops of real images of one class.

    Attributes:
        indices: Which of the data each is cut out of, (n,) int64.
        boxes: (n, 4) int64: first row, first column, height and width.
    """

    indices: Tensor
    boxes: Tensor

    def take(self, chosen: Tensor) -> "Crops":
        """Return the crops at positions."""
        return Crops(self.indices[chosen], self.boxes[chosen])

    def cut(self, data: ClassData, size: tuple[int, int]) -> Tensor:
        """Return them at a size, (n, C, *size) float32, normalised."""
        return cut_boxes(data.normalise(data.images[self.indices]), self.boxes, size)


@dataclass(frozen=True)
class RDED(TiledSelection):
    """Crops of real images chosen by a trained network, stitched together (RDED)."""

    factor: int = hyper(
        1,
        unit="tiles",
        help="tiles along each side of a canvas",
        source="RDED's scripts for CIFAR and Tiny-ImageNet; 2 in its code and for ImageNet",
        minimum=1,
    )
    reading: str = hyper(
        "tiles",
        help="tiles: each tile of a canvas is an image, enlarged; whole: the canvas is one",
        source="ours, of IDC's (RDED: whole, with new labels for its crops in every step)",
        values=("tiles", "whole"),
    )
    candidates: int = hyper(
        300,
        unit="images per class",
        help="real images that crops are taken of; at least as many as there are tiles",
        source="RDED's scripts, --mipc",
        minimum=1,
    )
    crops: int = hyper(
        5,
        unit="crops",
        help="crops of each image, of which one is kept",
        source="RDED's scripts, --num-crop",
        minimum=1,
    )
    labels: LabelModel = hyper("ensemble", source="RDED, section 4.3", part="label model")
    network: NetworkSpec = hyper(
        ConvNetSpec(norm="batch"), source="RDED's code for CIFAR, conv3", part="network"
    )
    model_schedule: ModelSchedule = hyper(
        "pretrained",
        help="gives the networks that judge crops; their mean logits count",
        source="RDED: one network, trained before",
        part="model schedule",
    )

    registered: ClassVar[str] = "rded"
    learns_first: ClassVar[bool] = True

    def require_fit(self, where: str) -> None:
        """UsageError for a model schedule that trains nothing first, and for labels."""
        if not self.model_schedule.learns_first:
            raise UsageError(
                f"{where}.model_schedule: {self.model_schedule.registered} trains no network before"
                " the first step, and crops are judged by one; take pretrained"
            )
        super().require_fit(where)

    @property
    def stored_as(self) -> Pixels:
        """How canvases are stored."""
        return Tiles(factor=self.factor) if self.reading == "tiles" else Pixels()

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Return the bytes of canvases and labels; UsageError where tiles have no room."""
        require_room(data.shape, self.factor)
        return super().nbytes(data, ipc)

    def image_passes(self, data: ClassData, ipc: int) -> list[tuple[NetworkSpec, float]]:
        """Return the networks' training, and a pass forward for each crop."""
        images = max(self.candidates, ipc * self.factor**2) * self.crops * len(data.classes)
        shared = self.passes_shared(data)
        judging = [(network, images / 3) for network, _ in shared]
        return shared + judging + super().image_passes(data, ipc)

    def passes_shared(self, data: ClassData) -> list[tuple[NetworkSpec, float]]:
        """Return the training of the networks that judge crops."""
        method = with_parts(self)
        return method.model_schedule.passes_shared(method.network, data)

    def prepare(self, setting: RunSetting) -> tuple[RunSetting, float]:
        """Train the networks that judge crops."""
        trained = self.model_schedule.train_first(setting)
        assert trained is not None, "`require_fit` refuses other model schedules"
        return replace(setting, trained=trained), trained.seconds

    def stitch(self, data: ClassData, ipc: int, setting: RunSetting) -> Stitched:
        """Choose crops and put them into canvases."""
        canvases, indices = [], []
        for label in setting.context.each(data.classes, self.registered):
            best = self.best_crops(data, label, ipc, setting)
            canvases.append(self.fill(data, best, ipc))
            indices.append(best.indices if self.reading == "tiles" else best.indices[:0])
        return Stitched(torch.cat(canvases), indices)

    def best_crops(self, data: ClassData, label: int, ipc: int, setting: RunSetting) -> Crops:
        """Return the most realistic crops of a class, (ipc * factor ** 2), in the order of tiles.

        Each is of another image.
        """
        generator, members = setting.context.generator, data.members(label)
        needed = ipc * self.factor**2
        count = min(len(members), max(self.candidates, needed))
        images = members[torch.randperm(len(members), generator=generator)[:count].to(data.device)]
        drawn = draw_boxes(count * self.crops, data.shape, AREAS, generator).to(data.device)
        every = Crops(images.repeat_interleave(self.crops), drawn)
        losses = self.losses(data, label, every, require_trained(setting)).view(count, self.crops)
        least, which = losses.min(1)
        own = every.take(torch.arange(count, device=data.device) * self.crops + which)
        order = torch.argsort(least, stable=True)[:needed]
        return own.take(order.view(self.factor**2, ipc).T.flatten())

    def losses(self, data: ClassData, label: int, crops: Crops, trained: TrainedNetworks) -> Tensor:
        """Return the cross-entropy of each crop, (n,), by the networks' mean logits."""
        found = []
        for part in torch.split(torch.arange(len(crops.indices), device=data.device), AT_ONCE):
            seen = self.as_judged(data, crops.take(part))
            wanted = torch.full((len(part),), label, device=data.device)
            logits = trained.logits(seen)
            found.append(functional.cross_entropy(logits, wanted, reduction="none"))
        return torch.cat(found)

    def as_judged(self, data: ClassData, crops: Crops) -> Tensor:
        """Return crops as networks judge them, (n, C, H, W): enlarged, or in the middle of an image
        of the mean colour.
        """
        _, height, width = data.shape
        rows, columns = tile_size(height, width, self.factor)
        small = crops.cut(data, (rows, columns))
        if self.reading == "tiles":
            return functional.interpolate(
                small, size=(height, width), mode="bilinear", align_corners=False
            )
        empty = (height - rows) // 2, (width - columns) // 2
        around = (empty[1], width - columns - empty[1], empty[0], height - rows - empty[0])
        return functional.pad(small, around)

    def fill(self, data: ClassData, crops: Crops, ipc: int) -> Tensor:
        """Put crops, in the order of tiles, into canvases (ipc, C, H, W)."""
        _, height, width = data.shape
        canvases = torch.zeros(ipc, *data.shape, device=data.device)
        for position, (rows, columns) in enumerate(places_of(height, width, self.factor)):
            size = (rows.stop - rows.start, columns.stop - columns.start)
            mine = torch.arange(position, len(crops.indices), self.factor**2, device=data.device)
            canvases[:, :, rows, columns] = crops.take(mine).cut(data, size)
        return canvases
