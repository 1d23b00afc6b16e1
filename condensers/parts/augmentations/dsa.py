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
from typing import ClassVar, NamedTuple, final

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError, shown, suggestion
from condensers.hyperparameters import hyper
from condensers.parts.augmentations import transforms
from condensers.parts.augmentations.base import (
    Augmentation,
    Draw,
    Drawn,
    Draws,
    chain,
    send_draws,
)


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


@final
@dataclass(frozen=True)
class Siamese(Augmentation):
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
        """Return the names of the families of transformations, in the strategy's order."""
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

    def without(self, family: str) -> Augmentation:
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

    def apply(self, images: Tensor, drawn: Drawn) -> Tensor:
        """(N, C, H, W) float32 normalised -> the same shape, differentiable in `images`."""
        (here,) = send_draws([drawn], images.device)
        for family, params in chain(here):
            images = FAMILIES[family].apply(images, params)
        return images


def _one_of(
    families: Sequence[str], n: int, shape: tuple[int, int, int], generator: torch.Generator
) -> Draw:
    """A family drawn from `families`, and its parameters for n images."""
    family = families[int(torch.randint(len(families), (1,), generator=generator))]
    return Draw(family, FAMILIES[family].draw(n, shape, generator))


@final
@dataclass(frozen=True)
class NoAugmentation(Augmentation):
    """Leaves images as they are."""

    registered: ClassVar[str] = "none"

    def draw(self, n: int, shape: tuple[int, int, int], generator: torch.Generator) -> None:
        """Draw nothing."""
        return None

    def apply(self, images: Tensor, drawn: Drawn) -> Tensor:
        """Return the images themselves."""
        return images


# Several batches, each under its own draw: one call a family in place of one a batch, where
# launching a call is what costs.


def apply_several(
    augmentation: Augmentation, batches: Sequence[Tensor], draws: Sequence[Drawn]
) -> list[Tensor]:
    """Transform several batches, each under its own draw.

    On a GPU batches whose draws are of the same families pass as one; on a CPU, where a launch
    costs nothing and parameters that a batch shares are worked out once, each passes alone. The
    values are the same.

    Args:
        augmentation: Transforms the batches.
        batches: (n_b, C, H, W) float32, normalised, each.
        draws: One for each batch, with one set of parameters.

    Returns:
        The transformed batches, in their order.
    """
    known = [draw for draw in draws if isinstance(draw, Draw | Draws)]
    if known and len(known) == len(batches) and batches[0].is_cuda:
        return apply_by_families(augmentation, batches, known)
    return [augmentation.apply(batch, draw) for batch, draw in zip(batches, draws, strict=True)]


def apply_by_families(
    augmentation: Augmentation, batches: Sequence[Tensor], draws: Sequence[Draw | Draws]
) -> list[Tensor]:
    """Do what `apply_several` does, with one call for the batches of each chain of families."""
    chains = [chain(draw) for draw in send_draws(draws, batches[0].device)]
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, each in enumerate(chains):
        groups.setdefault(tuple(one.family for one in each), []).append(index)
    results: dict[int, Tensor] = {}
    for families, members in groups.items():
        sizes = [len(batches[index]) for index in members]
        spread_draws = []
        for position, family in enumerate(families):
            params = [chains[index][position].params for index in members]
            spread = [
                one.expand(size, *one.shape[1:]) for one, size in zip(params, sizes, strict=True)
            ]
            spread_draws.append(Draw(family, torch.cat(spread)))
        out = augmentation.apply(
            torch.cat([batches[index] for index in members]), Draws(tuple(spread_draws))
        )
        results |= dict(zip(members, torch.split(out, sizes), strict=True))
    return [results[index] for index in range(len(batches))]
