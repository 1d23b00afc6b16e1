"""What a view did to the real images: for the method the images, for the card of its set how much they changed.

changed = mean |x' - x| in 0..255, pixels changed = share of the pixel values that differ, kept = mean mask in [0, 1]
"""

import time
from typing import Any, NamedTuple

import torch

from condensers.context import Context
from condensers.data import ClassData
from condensers.views.sources import mask_seconds


class Viewed(NamedTuple):
    """data: as the view left it. said: for the card, {} where nothing is done. seconds: of masks that were found ready."""

    data: ClassData
    said: dict[str, Any]
    seconds: float


def viewed(view: Any, data: ClassData, context: Context) -> Viewed:
    """`data` under `view`. What its masks keep is said where the context keeps them, since they are not made twice for it."""
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
