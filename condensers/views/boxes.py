"""Boxes in images: the one around an object, enlarged to the whole; the least salient one, replaced from another image."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

IMAGES_AT_ONCE = 1024


def cropped(images: Tensor, objects: Tensor, margin: float, smallest: float) -> Tensor:
    """images (N, C, H, W) uint8, objects (N, H, W) bool -> uint8: each image's crop around its object, bilinear.

    A crop has the image's proportions and lies inside it; its side is that of the object and `margin` of it on each side, at
    least `smallest` of the image's. An image without an object stays.
    """
    sizes = images.shape[2:]
    spans = [_span(objects.any(axis)) for axis in (2, 1)]
    sides = [(last - first) * (1 + 2 * margin) / size for (first, last), size in zip(spans, sizes, strict=True)]
    side = torch.maximum(*sides).clamp(smallest, 1)
    side = torch.where(objects.flatten(1).any(1), side, 1.0)
    theta = torch.zeros(len(images), 2, 3, device=images.device)
    for axis, ((first, last), size) in enumerate(zip(spans, sizes, strict=True)):
        reach = 1 - side  # the crop's centre may lie so far from the image's, in halves of its side
        row = 1 - axis  # affine_grid has the horizontal axis first
        theta[:, row, row] = side
        theta[:, row, 2] = torch.minimum(torch.maximum((first + last) / size - 1, -reach), reach)
    return torch.cat(
        [_sampled(*part) for part in zip(torch.split(images, IMAGES_AT_ONCE), torch.split(theta, IMAGES_AT_ONCE), strict=True)]
    )


def _span(present: Tensor) -> tuple[Tensor, Tensor]:
    """present (N, S) bool -> the first place and the one after the last, float32; (0, 0) where there is none."""
    places = torch.arange(1, present.shape[1] + 1, device=present.device)
    last = (present * places).amax(1)
    first = present.shape[1] - (present * places.flip(0)).amax(1)
    return torch.where(last > 0, first, 0).float(), last.float()


def _sampled(images: Tensor, theta: Tensor) -> Tensor:
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    found = functional.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    return found.round().clamp(0, 255).to(torch.uint8)


def mixed(images: Tensor, masks: Tensor, partners: Tensor, bounds: tuple[float, float], generator: torch.Generator) -> Tensor:
    """images (N, C, H, W) uint8, masks (N, H, W) uint8, partners (N,) int64: each image with its box from its partner, uint8.

    bounds: the most of its own mask's sum that may go, and of its partner's that may come. The side is drawn as CutMix does,
    sqrt(1 - l) of the image's with l uniform, and shrinks until a box keeps the bounds; of these the least salient is taken.
    """
    steps, tables = min(images.shape[2:]), summed(masks)
    drawn = (torch.rand(len(images), generator=generator).sqrt() * steps).round().long().to(images.device)
    found = images.clone()
    for first in range(0, len(images), IMAGES_AT_ONCE):
        wanting = torch.arange(first, min(first + IMAGES_AT_ONCE, len(images)), device=images.device)
        for step in range(steps, 0, -1):
            here = wanting[drawn[wanting] >= step]
            inside = least_salient(tables[here], tables[partners[here]], step / steps, bounds, generator)
            found[here] = torch.where(inside[:, None], images[partners[here]], images[here])
            wanting = wanting[~torch.isin(wanting, here[inside.flatten(1).any(1)])]
    return found


def summed(masks: Tensor) -> Tensor:
    """(N, H, W) uint8 -> the sums over all above and left of each corner of a pixel, (N, H + 1, W + 1) int32."""
    return functional.pad(masks.cumsum(1, dtype=torch.int32).cumsum(2, dtype=torch.int32), (1, 0, 1, 0))


def least_salient(own: Tensor, others: Tensor, side: float, bounds: tuple[float, float], generator: torch.Generator) -> Tensor:
    """own, others as `summed` gives them -> the box with this part of the image's sides, (n, H, W) bool; nowhere where none keeps
    the bounds. Which of equally salient boxes is taken is drawn."""
    sizes = [size - 1 for size in own.shape[1:]]
    box = [round(size * side) for size in sizes]
    mine, theirs = box_sums(own, box), box_sums(others, box)
    allowed = (mine <= bounds[0] * own[:, -1:, -1:].double()) & (theirs <= bounds[1] * others[:, -1:, -1:].double())
    ties = torch.rand(mine.shape, generator=generator).to(own.device)
    place = torch.where(allowed, mine + ties.double(), torch.inf).flatten(1).argmin(1)
    corner = place // mine.shape[2], place % mine.shape[2]
    rows, columns = (_between(*one) for one in zip(corner, box, sizes, strict=True))
    return rows[:, :, None] & columns[:, None, :] & allowed.flatten(1).any(1)[:, None, None]


def _between(first: Tensor, side: int, size: int) -> Tensor:
    """first (n,) int64 -> which of `size` places lie from there on, `side` of them: (n, size) bool."""
    past = torch.arange(size, device=first.device) - first[:, None]
    return (past >= 0) & (past < side)


def box_sums(table: Tensor, box: Sequence[int]) -> Tensor:
    """What `summed` gives -> the sum in every box of the size (h, w), (n, H - h + 1, W - w + 1)."""
    height, width = box
    below, above = table[:, height:], table[:, :-height]
    return below[:, :, width:] - below[:, :, :-width] - above[:, :, width:] + above[:, :, :-width]
