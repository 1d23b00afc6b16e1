"""What is done to the real images before a method sees them."""

import time
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, cast

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import VIEWS


class View(Protocol):
    """A frozen dataclass.

    `apply` gives the same images, labels and classes in the same order, changed image by image.
    """

    registered: ClassVar[str]
    couples_classes: ClassVar[bool]

    def apply(self, data: ClassData, context: Context) -> ClassData: ...


class MaskSource(View, Protocol):
    """A view that keeps what its masks keep and fills the rest.

    masks: (N, H, W) uint8 on the CPU, one for each image of `data` in its order, 255 for what is
    kept: most relevant to the image's own class, or to any class where the view knows none. Equal
    data, settings and seed give equal masks.
    """

    def masks(self, data: ClassData, context: Context) -> Tensor: ...


@dataclass(frozen=True)
class Identity:
    """Real images as they are.

    Identity: the real images as they are.
    """

    registered: ClassVar[str] = "identity"
    couples_classes: ClassVar[bool] = False

    def apply(self, data: ClassData, context: Context) -> ClassData:
        return data


# Views that other views take their masks from.


def mask_source(spec: Any, where: str) -> MaskSource:
    """The view that `spec` names; UsageError where it gives no masks. where: the field that names
    it.
    """
    view = VIEWS.create(spec)
    if not hasattr(view, "masks"):
        raise UsageError(
            f"{where}: view {view.registered} gives no masks; take saliency, attention or"
            " background"
        )
    return cast(MaskSource, view)


def mask_seconds(view: Any, data: ClassData, context: Context) -> float:
    """What making a view's masks took, also where they were found; 0 for one that makes none, or
    where the context keeps none.
    """
    kept = context.cache or context.folder
    return float(view.maps(data, context).seconds) if kept and hasattr(view, "maps") else 0.0


def mask_passes(view: Any, data: ClassData) -> list[tuple[Any, float]]:
    """Networks that a view trains for its masks, and about how many images pass each, forward and
    backward.
    """
    passes: list[tuple[Any, float]] = view.preparation(data) if hasattr(view, "preparation") else []
    return passes


# What a view did to the real images: for the method the images, for the card of its set how much
# they changed.
#
# changed = mean |x' - x| in 0..255, pixels changed = share of the pixel values that differ, kept =
# mean mask in [0, 1]


class Viewed(NamedTuple):
    """data: as the view left it. said: for the card, {} where nothing is done. seconds: of masks
    that were found ready.
    """

    data: ClassData
    said: dict[str, Any]
    seconds: float


def viewed(view: Any, data: ClassData, context: Context) -> Viewed:
    """`data` under `view`.

    What its masks keep is said where the context keeps them, since they are not made twice for it.
    """
    begun = time.perf_counter()
    seen = view.apply(data, context)
    took = time.perf_counter() - begun
    if view.registered == "identity":
        return Viewed(seen, {}, 0.0)
    said = _difference(data, seen)
    if hasattr(view, "masks") and (context.cache or context.folder):
        said["kept"] = float(view.masks(data, context).double().mean()) / 255
    missed = max(mask_seconds(view, data, context) - took, 0.0)
    return Viewed(seen, {"view": {"name": view.registered, **said}}, missed)


def _difference(before: ClassData, after: ClassData) -> dict[str, float]:
    """In parts: a float copy of large data may not fit."""
    total, differing = 0, 0
    for a, b in zip(torch.split(before.images, 1024), torch.split(after.images, 1024), strict=True):
        apart = (a.int() - b.int()).abs()
        total, differing = total + int(apart.sum()), differing + int((apart > 0).sum())
    count = before.images.numel()
    return {"changed": total / count, "pixels_changed": differing / count}
