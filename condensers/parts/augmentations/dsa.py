"""Differentiable siamese augmentation: one family of transformations is drawn per call; real and
synthetic share the draw.

Matching: A_w(real) and A_w(synthetic) with the same w for every image of both (`draw(1)`, applied
to both batches). Training: one family per batch, parameters of its own for every image (`draw(n)`).
Source: Zhao & Bilen, "Dataset Condensation with Differentiable Siamese Augmentation" (ICML 2021),
section 3.2, mode 'S' of the code. There the shared draw overwrites a tensor in place, which fails
for a batch of one image; here it is one draw that broadcasts.

`mode` "together" is what IDC's code (Kim et al., ICML 2022) makes of a strategy: flip, colour and
cutout are each applied where the strategy has them, and one of its other families, in the order
flip, colour, the other one, cutout.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError, shown, suggestion
from condensers.hyperparameters import hyper
from condensers.parts.augmentations import transforms


class Family(NamedTuple):
    """One family of transformations: how its parameters are drawn, and how they are applied."""

    draw: Callable[[int, tuple[int, int, int], torch.Generator], Tensor]
    apply: Callable[[Tensor, Tensor], Tensor]


FAMILIES = {
    "color": Family(transforms.draw_color, transforms.apply_color),
    "crop": Family(transforms.draw_crop, transforms.apply_crop),
    "cutout": Family(transforms.draw_cutout, transforms.apply_cutout),
    "flip": Family(transforms.draw_flip, transforms.apply_flip),
    "scale": Family(transforms.draw_scale, transforms.apply_scale),
    "rotate": Family(transforms.draw_rotate, transforms.apply_rotate),
}
# What mode "together" always applies, before and after the one of the others.
FIRST, LAST = ("flip", "color"), ("cutout",)


class Draw(NamedTuple):
    """A family and its parameters, for one batch."""

    family: str
    params: Tensor


class Draws(NamedTuple):
    """What is applied one after the other, for one batch."""

    each: tuple[Draw, ...]


@dataclass(frozen=True)
class Siamese:
    """DSA's augmentation, strategy color_crop_cutout_flip_scale_rotate (no flip where labels would
    not survive it).
    """

    strategy: str = hyper(
        "color_crop_cutout_flip_scale_rotate",
        help="families of transforms, joined by underscores",
        source="DSA, section 4.1",
    )
    mode: str = hyper(
        "one",
        help="families of transforms applied to a batch",
        source="DSA's code, mode 'S'",
        values=("one", "together"),
    )

    registered: ClassVar[str] = "dsa"

    def __post_init__(self) -> None:
        unknown = [f for f in self.families() if f not in FAMILIES]
        if unknown:
            raise UsageError(
                f"dsa.strategy: unknown family {shown(unknown[0])};"
                f" {suggestion(unknown[0], FAMILIES)}"
            )

    def families(self) -> list[str]:
        return self.strategy.split("_")

    def for_data(self, data: ClassData) -> "Siamese":
        """Without the flip, where a mirrored image of `data` would not keep its label."""
        kept = [f for f in self.families() if f != "flip" or data.mirror]
        if not kept:
            raise UsageError(
                f"dsa.strategy: 'flip' alone leaves nothing for {data.name}, whose labels it"
                " changes; add a family"
            )
        return replace(self, strategy="_".join(kept))

    def without(self, family: str) -> "Siamese | NoAugmentation":
        """The same without one family; no augmentation where it is the only one."""
        kept = [f for f in self.families() if f != family]
        return replace(self, strategy="_".join(kept)) if kept else NoAugmentation()

    def draw(self, n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Draw | Draws:
        """Draw families, and their parameters for n images of `shape` (C, H, W); n = 1 is shared by
        a whole batch.
        """
        families = self.families()
        if self.mode == "one":
            return _one_of(families, n, shape, generator)
        others = [f for f in families if f not in FIRST and f not in LAST]
        before = [_one_of([f], n, shape, generator) for f in FIRST if f in families]
        between = [_one_of(others, n, shape, generator)] if others else []
        return Draws(
            (*before, *between, *(_one_of([f], n, shape, generator) for f in LAST if f in families))
        )

    def apply(self, x: Tensor, params: Draw | Draws) -> Tensor:
        """x (N, C, H, W) float32 normalised -> the same shape, differentiable in x."""
        for family, drawn in params.each if isinstance(params, Draws) else (params,):
            x = FAMILIES[family].apply(x, drawn)
        return x


def _one_of(
    families: Sequence[str], n: int, shape: tuple[int, int, int], generator: torch.Generator
) -> Draw:
    """A family drawn from `families`, and its parameters for n images."""
    family = families[int(torch.randint(len(families), (1,), generator=generator))]
    return Draw(family, FAMILIES[family].draw(n, shape, generator))


@dataclass(frozen=True)
class NoAugmentation:
    """Leaves images as they are."""

    registered: ClassVar[str] = "none"

    def for_data(self, data: ClassData) -> "NoAugmentation":
        return self

    def without(self, family: str) -> "NoAugmentation":
        return self

    def draw(self, n: int, shape: tuple[int, int, int], generator: torch.Generator) -> None:
        return None

    def apply(self, x: Tensor, params: None) -> Tensor:
        return x


# Several batches, each under its own draw: one call a family in place of one a batch, where
# launching a call is what costs.


def apply_several(
    augmentation: Any, batches: Sequence[Tensor], draws: Sequence[Any]
) -> list[Tensor]:
    """Batches (n_b, C, H, W), a draw of one set of parameters for each -> the batches under their
    draws.

    On a GPU those whose draws are of the same families pass together; on a CPU, where a launch
    costs nothing and parameters that a batch shares are worked out once, each passes alone. The
    values are the same.
    """
    known = all(isinstance(draw, Draw | Draws) for draw in draws)
    if known and batches and batches[0].is_cuda:
        return together(augmentation, batches, draws)
    return [
        torch.as_tensor(augmentation.apply(batch, draw))
        for batch, draw in zip(batches, draws, strict=True)
    ]


def together(
    augmentation: Any, batches: Sequence[Tensor], draws: Sequence[Draw | Draws]
) -> list[Tensor]:
    """`apply_several` with one call for the batches of each combination of families."""
    chains = [draw.each if isinstance(draw, Draws) else (draw,) for draw in draws]
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, chain in enumerate(chains):
        groups.setdefault(tuple(one.family for one in chain), []).append(index)
    found: dict[int, Tensor] = {}
    for families, members in groups.items():
        sizes = [len(batches[index]) for index in members]
        each = []
        for place, family in enumerate(families):
            params = [chains[index][place].params for index in members]
            spread = [
                one.expand(size, *one.shape[1:]) for one, size in zip(params, sizes, strict=True)
            ]
            each.append(Draw(family, torch.cat(spread)))
        out = augmentation.apply(
            torch.cat([batches[index] for index in members]), Draws(tuple(each))
        )
        found |= dict(zip(members, torch.split(out, sizes), strict=True))
    return [found[index] for index in range(len(batches))]
