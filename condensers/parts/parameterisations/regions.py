"""Regions: each stored image stands for several crops of itself, each enlarged to an image that has
a label of its own.

x_(u, r) = enlarge( D(s_u)[ box_(u, r) ] ),  r < crops,  D: the parameterisation inside, box_(u, 0)
the whole image

Boxes are drawn once and stored, four numbers a crop; or they lie on a grid, which takes no bytes:
the whole image and n x n parts of one size, evenly spread. With labels of a teacher this is what
methods that relabel crops keep beside their images, at its true bytes: a drawn crop of a 32-pixel
image takes 4 bytes, and its label of 10 classes 20 as float16. A label for each of 300 epochs takes
7,200 bytes beside the 3,072 of a colour image, so a budget of bytes buys a third of the images, or
is refused.

Source: Shen & Xing, "A fast knowledge distillation framework for visual recognition" (FKD, ECCV
2022), for stored labels of crops, as SRe2L (NeurIPS 2023, section 3.4), CDA and G-VBSM use them;
Kang, Lim & Shim, "Label-augmented dataset distillation" (LADD, WACV 2025), for the grid of parts
with soft labels of a network trained on the real images.
Differences: as many crops of each image as are asked for, in place of one for each epoch; crops are
not mirrored or mixed before they are labelled; methods learn images in the crops that are stored,
where LADD labels the parts of finished images, and its whole images keep the labels they had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
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
DRAWN, GRID = PLACES = ("drawn", "grid")


@final
@dataclass(frozen=True)
class Regions(Parameterisation):
    """Several crops of each image of another parameterisation, in boxes drawn or on a grid."""

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
        help="least part of the image's area that a crop keeps; on a grid, what each keeps",
        source="ours (SRe2L's code: 0.08; LADD, unverified: 0.39)",
        minimum=0.01,
    )
    places: str = hyper(
        DRAWN,
        help="where crops are: drawn and stored, or on a grid, at no bytes: the whole image and"
        " n x n parts, so that `crops` is 1 more than a square",
        source="LADD: grid, of 5 x 5 parts (unverified)",
        values=PLACES,
    )

    registered: ClassVar[str] = "regions"

    def require_fit(self, where: str) -> None:
        """UsageError for crops of crops, beyond the image, or of no grid."""
        if isinstance(self.inside, Regions):
            raise UsageError(f"{where}.inside: is cut into regions already; give it more `crops`")
        if self.smallest > 1:
            raise UsageError(f"{where}.smallest: {self.smallest} is more than the whole image, 1")
        if self.places == GRID and isqrt(self.crops - 1) ** 2 != self.crops - 1:
            raise UsageError(
                f"{where}.crops: {self.crops} is not 1 more than a square; a grid has the whole"
                " image and n x n parts, such as 5 or 10"
            )

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
        boxes = {BOXES: 0.0} if self.places == DRAWN else {}
        return {**self._learned.rates, **boxes}

    def units(self, data: ClassData, ipc: int) -> int:
        """Return the units of what is inside."""
        return self._learned.units(data, ipc)

    def image_passes(self, data: ClassData) -> list[tuple[NetworkSpec, float]]:
        """Return those of what is inside."""
        return self._learned.image_passes(data)

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of what is inside, and of the boxes."""
        boxes = len(data.classes) * self.units(data, ipc) * self.copies * (self.places == DRAWN)
        return self._learned.nbytes(data, ipc) + boxes * NUMBERS * box_dtype(data.shape).itemsize

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """What is inside, from every image of which crops are made, and drawn boxes (M, 4)."""
        inside = self._learned.groups(start[:: self.crops], data, context)
        if self.places == GRID:
            return inside
        generator = context.fork("regions").generator
        boxes = draw_boxes(len(start), data.shape, (self.smallest, 1.0), generator)
        boxes[:: self.crops] = torch.tensor([0, 0, *data.shape[1:]])
        return {**inside, BOXES: boxes.to(start.device, start.dtype)}

    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """Return the enlarged crops of some units."""
        images = self._learned.decode(_inside(groups), units)
        if self.places == GRID:
            return self._cut(images)
        boxes = groups[BOXES].detach().view(-1, self.copies, NUMBERS)[units]
        return self._cut(images, boxes.flatten(0, 1))

    def _cut(self, images: Tensor, boxes: Tensor | None = None) -> Tensor:
        """The enlarged crops of images, in the order of the boxes (n * crops, 4); None: a grid."""
        height, width = images.shape[2:]
        if boxes is None:
            boxes = self._lay_grid(height, width).to(images).repeat(len(images), 1)
        return cut_boxes(images.repeat_interleave(self.crops, 0), boxes, (height, width))

    def _lay_grid(self, height: int, width: int) -> Tensor:
        """The whole image, and n x n boxes of one size from border to border, row by row."""
        number, share = isqrt(self.crops - 1), self.smallest**0.5
        sides = [max(1, round(side * share)) for side in (height, width)]
        tops, lefts = (
            torch.linspace(0, side - part, number).round()
            for side, part in zip((height, width), sides, strict=True)
        )
        parts = [[float(top), float(left), *sides] for top in tops for left in lefts]
        return torch.tensor([[0, 0, height, width], *parts])

    def project(self, groups: Groups, data: ClassData) -> None:
        """Put what is inside back to where it is valid."""
        self._learned.project(_inside(groups), data)

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """What is inside as it is stored, and drawn boxes in whole numbers."""
        inside = self._learned.pack(_inside(groups), data)
        if self.places == GRID:
            return inside
        boxes = groups[BOXES].detach().round().to(box_dtype(data.shape)).cpu()
        return {**inside, BOXES: boxes}

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Stored groups -> crops (M, C, H, W) float32 normalised."""
        images = self.inside.unpack(_inside(stored), mean, std, shape)
        return self._cut(images, stored[BOXES].to(images.dtype) if self.places == DRAWN else None)

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """The units inside, and their drawn boxes."""
        inside = self.inside.take(_inside(stored), units)
        if self.places == GRID:
            return inside
        boxes = stored[BOXES].view(-1, self.copies, NUMBERS)[units].flatten(0, 1)
        return {**inside, BOXES: boxes}

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """All units inside, and all drawn boxes."""
        inside = self.inside.join([_inside(part) for part in parts])
        if self.places == GRID:
            return inside
        return {**inside, BOXES: torch.cat([part[BOXES] for part in parts])}


def box_dtype(shape: Sequence[int]) -> torch.dtype:
    """Return the smallest dtype that holds the numbers of a box in images of `shape` (C, H, W)."""
    return torch.uint8 if max(shape[1:]) <= 255 else torch.int16


def _inside(groups: Mapping[str, Tensor]) -> Groups:
    """The groups without the boxes."""
    return {name: tensor for name, tensor in groups.items() if name != BOXES}
