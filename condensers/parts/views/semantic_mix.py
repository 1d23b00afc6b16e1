"""Semantic mix: real images are varied once, before they are matched, so that what gives them their
label stays.

paste:  x' = o x + (1 - o) y,  o = [ m >= threshold ] the object, y another image whose own object
    is covered
crop:   x' = the least box of the image's own proportions around o, enlarged to the image's size
cutmix: x' = x with a box B from another image y, whose object may be anything:
        B = argmin sum_B m_x,  subject to  sum_B m_x <= replaced sum m_x  and  sum_B m_y <= brought
        sum m_y

m: masks of another view. In cutmix the image keeps its label, because at least 1 - replaced of what
is salient in it stays, and less of what is salient in y comes; published CutMix mixes the labels,
which images that are matched class by class cannot have. The side of B is drawn as there and taken
smaller until the bounds hold. Sources: Dwibedi, Misra & Hebert, "Cut, Paste and Learn" (ICCV 2017);
Yun et al., "CutMix" (ICCV 2019); Kim, Choo & Song, "Puzzle Mix: Exploiting Saliency and Local
Statistics for Optimal Mixup" (ICML 2020). Only real images are varied: a synthetic one has no mask
before it is learned, and its masks would change at every step; what both share is the method's
siamese augmentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.parts.views.background import Background
from condensers.parts.views.base import View, kept_mask_seconds, mask_source
from condensers.parts.views.filling import fill_masked, fills, others
from condensers.parts.views.masking import Maps, choose_share, require_shares

# Boxes in images: the one around an object, enlarged to the whole; the least salient one, replaced
# from another image.

IMAGES_AT_ONCE = 1024


def crop_around(images: Tensor, objects: Tensor, margin: float, smallest: float) -> Tensor:
    """images (N, C, H, W) uint8, objects (N, H, W) bool -> uint8: each image's crop around its
    object, bilinear.

    A crop has the image's proportions and lies inside it; its side is that of the object and
    `margin` of it on each side, at least `smallest` of the image's. An image without an object
    stays.
    """
    sizes = images.shape[2:]
    spans = [_span(objects.any(axis)) for axis in (2, 1)]
    sides = [
        (last - first) * (1 + 2 * margin) / size
        for (first, last), size in zip(spans, sizes, strict=True)
    ]
    side = torch.maximum(*sides).clamp(smallest, 1)
    side = torch.where(objects.flatten(1).any(1), side, 1.0)
    theta = torch.zeros(len(images), 2, 3, device=images.device)
    for axis, ((first, last), size) in enumerate(zip(spans, sizes, strict=True)):
        reach = 1 - side  # the crop's centre may lie so far from the image's, in halves of its side
        row = 1 - axis  # affine_grid has the horizontal axis first
        theta[:, row, row] = side
        theta[:, row, 2] = torch.minimum(torch.maximum((first + last) / size - 1, -reach), reach)
    return torch.cat(
        [
            _sample(*part)
            for part in zip(
                torch.split(images, IMAGES_AT_ONCE), torch.split(theta, IMAGES_AT_ONCE), strict=True
            )
        ]
    )


def _span(present: Tensor) -> tuple[Tensor, Tensor]:
    """present (N, S) bool -> the first place and the one after the last, float32; (0, 0) where
    there is none.
    """
    places = torch.arange(1, present.shape[1] + 1, device=present.device)
    last = (present * places).amax(1)
    first = present.shape[1] - (present * places.flip(0)).amax(1)
    return torch.where(last > 0, first, 0).float(), last.float()


def _sample(images: Tensor, theta: Tensor) -> Tensor:
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    found = functional.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return found.round().clamp(0, 255).to(torch.uint8)


def mix_boxes(
    images: Tensor,
    masks: Tensor,
    partners: Tensor,
    bounds: tuple[float, float],
    generator: torch.Generator,
) -> Tensor:
    """images (N, C, H, W) uint8, masks (N, H, W) uint8, partners (N,) int64: each image with its
    box from its partner, uint8.

    bounds: the most of its own mask's sum that may go, and of its partner's that may come. The side
    is drawn as CutMix does, sqrt(1 - l) of the image's with l uniform, and shrinks until a box
    keeps the bounds; of these the least salient is taken.
    """
    steps, tables = min(images.shape[2:]), integral_image(masks)
    drawn = (
        (torch.rand(len(images), generator=generator).sqrt() * steps)
        .round()
        .long()
        .to(images.device)
    )
    found = images.clone()
    for first in range(0, len(images), IMAGES_AT_ONCE):
        wanting = torch.arange(
            first, min(first + IMAGES_AT_ONCE, len(images)), device=images.device
        )
        for step in range(steps, 0, -1):
            here = wanting[drawn[wanting] >= step]
            inside = least_salient(
                tables[here], tables[partners[here]], step / steps, bounds, generator
            )
            found[here] = torch.where(inside[:, None], images[partners[here]], images[here])
            wanting = wanting[~torch.isin(wanting, here[inside.flatten(1).any(1)])]
    return found


def integral_image(masks: Tensor) -> Tensor:
    """(N, H, W) uint8 -> the sums over all above and left of each corner of a pixel, (N, H + 1, W +
    1) int32.
    """
    return functional.pad(
        masks.cumsum(1, dtype=torch.int32).cumsum(2, dtype=torch.int32), (1, 0, 1, 0)
    )


def least_salient(
    own: Tensor,
    others: Tensor,
    side: float,
    bounds: tuple[float, float],
    generator: torch.Generator,
) -> Tensor:
    """own, others as `summed` gives them -> the box with this part of the image's sides, (n, H, W)
    bool; nowhere where none keeps the bounds. Which of equally salient boxes is taken is drawn.
    """
    sizes = [size - 1 for size in own.shape[1:]]
    box = [round(size * side) for size in sizes]
    mine, theirs = box_sums(own, box), box_sums(others, box)
    allowed = (mine <= bounds[0] * own[:, -1:, -1:].double()) & (
        theirs <= bounds[1] * others[:, -1:, -1:].double()
    )
    ties = torch.rand(mine.shape, generator=generator).to(own.device)
    place = torch.where(allowed, mine + ties.double(), torch.inf).flatten(1).argmin(1)
    corner = place // mine.shape[2], place % mine.shape[2]
    rows, columns = (_spans_of(*one) for one in zip(corner, box, sizes, strict=True))
    return rows[:, :, None] & columns[:, None, :] & allowed.flatten(1).any(1)[:, None, None]


def _spans_of(first: Tensor, side: int, size: int) -> Tensor:
    """first (n,) int64 -> which of `size` places lie from there on, `side` of them: (n, size)
    bool.
    """
    past = torch.arange(size, device=first.device) - first[:, None]
    return (past >= 0) & (past < side)


def box_sums(table: Tensor, box: Sequence[int]) -> Tensor:
    """What `summed` gives -> the sum in every box of the size (h, w), (n, H - h + 1, W - w + 1)."""
    height, width = box
    below, above = table[:, height:], table[:, :-height]
    return below[:, :, width:] - below[:, :, :-width] - above[:, :, width:] + above[:, :, :-width]


@final
@dataclass(frozen=True)
class SemanticMix(View):
    """Real images pasted on other backgrounds, cropped to their object, or mixed where they say
    least.
    """

    kind: str = hyper(
        "paste",
        help="how real images are varied",
        source="ours",
        values=("paste", "crop", "cutmix"),
    )
    source: View = hyper(
        Background(), help="view whose masks say what matters", source="ours", part="view"
    )
    rate: float = hyper(
        0.5,
        help="part of a class's images that is mixed, 0 to 1",
        source="CutMix's code, for CIFAR",
        minimum=0.0,
    )
    threshold: float = hyper(
        0.5,
        help="least value of the mask that belongs to the object (paste, crop)",
        source="ours",
        minimum=0.0,
    )
    margin: float = hyper(
        0.1,
        help="margin on each side of the object, relative to its side (crop)",
        source="ours",
        minimum=0.0,
    )
    smallest: float = hyper(
        0.5,
        help="least side of a crop, relative to the image's side (crop)",
        source="ours",
        minimum=0.01,
    )
    replaced: float = hyper(
        0.1,
        help="greatest part of its own saliency that is replaced (cutmix)",
        source="ours",
        minimum=0.0,
    )
    brought: float = hyper(
        0.5,
        help="greatest part of the other image's saliency that comes (cutmix)",
        source="ours",
        minimum=0.0,
    )

    registered: ClassVar[str] = "semantic-mix"

    def __post_init__(self) -> None:
        require_shares(
            self,
            {
                "rate": self.rate,
                "threshold": self.threshold,
                "smallest": self.smallest,
                "replaced": self.replaced,
                "brought": self.brought,
            },
        )
        if self.brought > 1 - self.replaced:
            raise UsageError(
                f"view semantic-mix.brought: {self.brought} is more than what stays of an image,"
                f" 1 - replaced = {1 - self.replaced}; take less, lest its label be wrong"
            )

    def require_fit(self, where: str) -> None:
        """UsageError where the source gives no masks."""
        mask_source(self.source, f"{where}.source")

    @property
    def couples_classes(self) -> bool:
        """An image may be mixed with one of another class."""
        return (
            self.kind != "crop"
            or mask_source(self.source, "view semantic-mix.source").couples_classes
        )

    @property
    def blends(self) -> bool:
        """A pasted object may stand before a mixture of both backgrounds."""
        return self.kind == "paste"

    def apply(self, data: ClassData, context: Context) -> ClassData:
        """`data` with `rate` of each class's images mixed, the others as they are; labels and order
        stay.
        """
        masks = self.maps(data, context).values.to(data.device)
        some = choose_share(data, self.rate, context.fork("rate").generator).to(data.device)
        images = self._mix(data, masks, context.fork("mix").generator)
        return replace(data, images=torch.where(some.view(-1, 1, 1, 1), images, data.images))

    def maps(self, data: ClassData, context: Context) -> Maps:
        """The source's masks, and the seconds that they took."""
        source = mask_source(self.source, "view semantic-mix.source")
        return Maps(source.masks(data, context), kept_mask_seconds(source, data, context))

    def mask_seconds(self, data: ClassData, context: Context) -> float:
        """Return the seconds that the source's masks took."""
        return self.maps(data, context).seconds

    def preparation(self, data: ClassData) -> list[tuple[NetworkSpec, float]]:
        """Networks and about how many images pass each: the source's."""
        return mask_source(self.source, "view semantic-mix.source").preparation(data)

    def _mix(self, data: ClassData, masks: Tensor, generator: torch.Generator) -> Tensor:
        objects = masks >= 255 * self.threshold
        if self.kind == "crop":
            return crop_around(data.images, objects, self.margin, self.smallest)
        if self.kind == "paste":
            return fill_masked(
                data.images, objects, fills("other", data, objects.float(), generator)
            )
        partners = others(len(masks), generator).to(data.device)
        return mix_boxes(data.images, masks, partners, (self.replaced, self.brought), generator)
