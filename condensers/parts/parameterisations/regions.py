"""Regions: each stored image stands for several crops of itself, each enlarged to an image that has
a label of its own.

x_(u, r) = enlarge( D(s_u)[ box_(u, r) ] ),  r < crops,  D: the parameterisation inside, box_(u, 0)
the whole image

Boxes are drawn once and stored: four numbers a crop. With labels of a teacher this is what methods
that relabel crops keep beside their images, at its true bytes: a crop of a 32-pixel image takes 4
bytes, and its label of 10 classes 20 as float16. A label for each of 300 epochs takes 7,200 bytes
beside the 3,072 of a colour image, so a budget of bytes buys a third of the images, or is refused.

Source: Shen & Xing, "A fast knowledge distillation framework for visual recognition" (FKD, ECCV
2022), for stored labels of crops, as SRe2L (NeurIPS 2023, section 3.4), CDA and G-VBSM use them.
Differences: as many crops of each image as are asked for, in place of one for each epoch; crops are
not mirrored or mixed before they are labelled; methods learn images in the crops that are stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.parts.augmentations.resized_crop import cut_boxes, draw_boxes
from condensers.parts.parameterisations.base import Groups, Parameterisation, StorageForm, Units

BOXES = "regions.boxes"
NUMBERS = 4  # of a box: first row, first column, height, width


@final
@dataclass(frozen=True)
class Regions(Parameterisation):
    """Several crops of each image of another parameterisation, in boxes that are stored."""

    inside: StorageForm = hyper(
        "pixels", help="how images are stored", source="SRe2L: pixels", part="parameterisation"
    )
    crops: int = hyper(
        4,
        unit="crops",
        help="crops of each image; the first is the whole of it",
        source="ours (SRe2L, CDA and G-VBSM: one for each of 300 epochs)",
        minimum=1,
    )
    smallest: float = hyper(
        0.25,
        help="least part of the image's area that a crop keeps",
        source="ours (SRe2L's code: 0.08)",
        minimum=0.01,
    )

    registered: ClassVar[str] = "regions"

    def require_fit(self, where: str) -> None:
        """UsageError for crops of crops, and for crops beyond the image."""
        if isinstance(self.inside, Regions):
            raise UsageError(f"{where}.inside: is cut into regions already; give it more `crops`")
        if self.smallest > 1:
            raise UsageError(f"{where}.smallest: {self.smallest} is more than the whole image, 1")

    @property
    def learnable(self) -> bool:
        """Whether what is inside can be learned."""
        return self.inside.learnable

    @property
    def _learned(self) -> Parameterisation:
        assert isinstance(self.inside, Parameterisation), "methods refuse what cannot be learned"
        return self.inside

    @property
    def couples_classes(self) -> bool:
        """Whether what is inside does."""
        return self._learned.couples_classes

    @property
    def copies(self) -> int:
        """Images that a unit decodes to."""
        return self.inside.copies * self.crops

    @property
    def rates(self) -> Mapping[str, float]:
        """Those of what is inside; boxes stay what they are."""
        return {**self._learned.rates, BOXES: 0.0}

    def units(self, data: ClassData, ipc: int) -> int:
        """Return the units of what is inside."""
        return self._learned.units(data, ipc)

    def image_passes(self, data: ClassData) -> list[tuple[NetworkSpec, float]]:
        """Return those of what is inside."""
        return self._learned.image_passes(data)

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of what is inside, and of the boxes."""
        boxes = len(data.classes) * self.units(data, ipc) * self.copies
        return self._learned.nbytes(data, ipc) + boxes * NUMBERS * box_dtype(data.shape).itemsize

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """What is inside, from every image of which crops are made, and the boxes (M, 4)."""
        generator = context.fork("regions").generator
        boxes = draw_boxes(len(start), data.shape, (self.smallest, 1.0), generator)
        boxes[:: self.crops] = torch.tensor([0, 0, *data.shape[1:]])
        inside = self._learned.groups(start[:: self.crops], data, context)
        return {**inside, BOXES: boxes.to(start.device, start.dtype)}

    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """Return the enlarged crops of some units."""
        images = self._learned.decode(_inside(groups), units)
        boxes = groups[BOXES].detach().view(-1, self.copies, NUMBERS)[units]
        return self._cut(images, boxes.flatten(0, 1))

    def _cut(self, images: Tensor, boxes: Tensor) -> Tensor:
        """The enlarged crops of images, in the order of the boxes (n * crops, 4)."""
        height, width = images.shape[2:]
        return cut_boxes(images.repeat_interleave(self.crops, 0), boxes, (height, width))

    def project(self, groups: Groups, data: ClassData) -> None:
        """Put what is inside back to where it is valid."""
        self._learned.project(_inside(groups), data)

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """What is inside as it is stored, and the boxes in whole numbers."""
        boxes = groups[BOXES].detach().round().to(box_dtype(data.shape)).cpu()
        return {**self._learned.pack(_inside(groups), data), BOXES: boxes}

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Stored groups -> crops (M, C, H, W) float32 normalised."""
        images = self.inside.unpack(_inside(stored), mean, std, shape)
        return self._cut(images, stored[BOXES].to(images.dtype))

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """The units inside, and their boxes."""
        boxes = stored[BOXES].view(-1, self.copies, NUMBERS)[units].flatten(0, 1)
        return {**self.inside.take(_inside(stored), units), BOXES: boxes}

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """All units inside, and all boxes."""
        boxes = torch.cat([part[BOXES] for part in parts])
        return {**self.inside.join([_inside(part) for part in parts]), BOXES: boxes}


def box_dtype(shape: Sequence[int]) -> torch.dtype:
    """Return the smallest dtype that holds the numbers of a box in images of `shape` (C, H, W)."""
    return torch.uint8 if max(shape[1:]) <= 255 else torch.int16


def _inside(groups: Mapping[str, Tensor]) -> Groups:
    """The groups without the boxes."""
    return {name: tensor for name, tensor in groups.items() if name != BOXES}
