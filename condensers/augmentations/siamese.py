"""Differentiable siamese augmentation: one family of transformations is drawn per call; real and synthetic share the draw.

Matching: A_w(real) and A_w(synthetic) with the same w for every image of both (`draw(1)`, applied to both batches).
Training: one family per batch, parameters of its own for every image (`draw(n)`).
Source: Zhao & Bilen, "Dataset Condensation with Differentiable Siamese Augmentation" (ICML 2021), section 3.2, mode 'S'
of the code. There the shared draw overwrites a tensor in place, which fails for a batch of one image; here it is one draw
that broadcasts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from condensers.augmentations import affine, color, crop, cutout, flip
from condensers.data import ClassData
from condensers.errors import UsageError, suggestion
from condensers.fields import hyper


class Family(NamedTuple):
    """One family of transformations: how its parameters are drawn, and how they are applied."""

    draw: Callable[[int, tuple[int, int, int], torch.Generator], Tensor]
    apply: Callable[[Tensor, Tensor], Tensor]


FAMILIES = {
    "color": Family(color.draw, color.apply),
    "crop": Family(crop.draw, crop.apply),
    "cutout": Family(cutout.draw, cutout.apply),
    "flip": Family(flip.draw, flip.apply),
    "scale": Family(affine.draw_scale, affine.apply_scale),
    "rotate": Family(affine.draw_rotate, affine.apply_rotate),
}


class Draw(NamedTuple):
    """A family and its parameters, for one batch."""

    family: str
    params: Tensor


@dataclass(frozen=True)
class Siamese:
    """DSA's augmentation, strategy color_crop_cutout_flip_scale_rotate (no flip where labels would not survive it)."""

    strategy: str = hyper("color_crop_cutout_flip_scale_rotate", source="DSA, section 4.1")

    registered: ClassVar[str] = "dsa"

    def __post_init__(self) -> None:
        unknown = [f for f in self.families() if f not in FAMILIES]
        if unknown:
            raise UsageError(f"dsa.strategy: unknown family '{unknown[0]}'; {suggestion(unknown[0], FAMILIES)}")

    def families(self) -> list[str]:
        return self.strategy.split("_")

    def for_data(self, data: ClassData) -> "Siamese":
        """Without the flip, where a mirrored image of `data` would not keep its label."""
        kept = [f for f in self.families() if f != "flip" or data.mirror]
        if not kept:
            raise UsageError(f"dsa.strategy: 'flip' alone leaves nothing for {data.name}, whose labels it changes; add a family")
        return replace(self, strategy="_".join(kept))

    def draw(self, n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Draw:
        """Draw a family, and its parameters for n images of `shape` (C, H, W); n = 1 is shared by a whole batch."""
        families = self.families()
        family = families[int(torch.randint(len(families), (1,), generator=generator))]
        return Draw(family, FAMILIES[family].draw(n, shape, generator))

    def apply(self, x: Tensor, params: Draw) -> Tensor:
        """x (N, C, H, W) float32 normalised -> the same shape, differentiable in x."""
        return FAMILIES[params.family].apply(x, params.params)


@dataclass(frozen=True)
class NoAugmentation:
    """Leaves images as they are."""

    registered: ClassVar[str] = "none"

    def for_data(self, data: ClassData) -> "NoAugmentation":
        return self

    def draw(self, n: int, shape: tuple[int, int, int], generator: torch.Generator) -> None:
        return None

    def apply(self, x: Tensor, params: None) -> Tensor:
        return x
