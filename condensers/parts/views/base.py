"""The base classes of views: what is done to the real images before a method sees them."""

import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, final

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import Part
from condensers.networks import NetworkSpec
from condensers.registry.registry import VIEWS
from condensers.rows import Blend


class View(Part):
    """Changes the real images, image by image, before they are learned from."""

    @property
    @abstractmethod
    def couples_classes(self) -> bool:
        """Whether the image of one class depends on images of the others."""

    @property
    def blends(self) -> bool:
        """Whether its images mixed with the whole ones, pixel by pixel, are a weaker such view."""
        return False

    @property
    def inner(self) -> "View":
        """The view that changes the images: itself, unless it schedules another one."""
        return self

    @property
    def varies(self) -> bool:
        """Whether its strength changes along the run."""
        return False

    @property
    def fades(self) -> bool:
        """Whether its strength changes at every step, not once."""
        return False

    @property
    def matching_only(self) -> bool:
        """Whether only the images that are matched are changed; all else sees whole ones."""
        return False

    def strength(self, done: float) -> float:
        """Return how much of the view is seen, from 1, all of it, to 0, whole images.

        Args:
            done: Part of the run before the step, 0 to 1.
        """
        return 1.0

    @abstractmethod
    def apply(self, data: ClassData, context: Context) -> ClassData:
        """Return the changed images.

        Args:
            data: The real images, (N, C, H, W) uint8.
            context: Randomness, folder and cache of the view.

        Returns:
            As many images, with the same labels and classes in the same order.
        """

    def preparation(self, data: ClassData) -> list[tuple[NetworkSpec, float]]:
        """Return the networks that the view trains, and about how many images pass each.

        A pass is one forward and one backward; `plan` estimates time by them.
        """
        return []

    def mask_seconds(self, data: ClassData, context: Context) -> float:
        """Return the seconds that the view's masks took, even if they were made by an earlier run.

        Only asked where the context keeps masks; 0 for a view that makes none.
        """
        return 0.0


class MaskView(View):
    """A view by masks, which other views can take as their source.

    Equal data, settings and seed give equal masks.
    """

    @abstractmethod
    def masks(self, data: ClassData, context: Context) -> Tensor:
        """Return a mask for each image of `data`.

        Returns:
            (N, H, W) uint8 on the CPU, in the order of the data. 255 is what is kept: most relevant
            to the image's own class, or to any class if the view knows none.
        """


@final
@dataclass(frozen=True)
class Identity(View):
    """Identity: the real images as they are."""

    registered: ClassVar[str] = "identity"
    couples_classes: ClassVar[bool] = False

    def apply(self, data: ClassData, context: Context) -> ClassData:
        """Return the data themselves."""
        return data


def mask_source(spec: View | str | Mapping[str, Any], where: str) -> MaskView:
    """Return the view that another view takes its masks from.

    Args:
        spec: The view, its name or its table.
        where: The field that names it, for the message.

    Raises:
        UsageError: The view gives no masks.
    """
    view = VIEWS.create(spec)
    if not isinstance(view, MaskView):
        raise UsageError(
            f"{where}: view {view.registered} gives no masks; take saliency, attention or"
            " background"
        )
    return view


def kept_mask_seconds(view: View, data: ClassData, context: Context) -> float:
    """Return the seconds that the masks of a view took; 0 if the context keeps none."""
    return view.mask_seconds(data, context) if context.cache or context.folder else 0.0


class ViewedData(NamedTuple):
    """Real images under a view.

    Attributes:
        data: The images as the run learns from them.
        card_entries: What the card of a set records; empty for the identity view.
        seconds: Time that masks took in an earlier run and that this run was spared.
        matched: The images as they are matched, if these are others.
        blend: Of the whole images and the changed ones, if the view varies.
    """

    data: ClassData
    card_entries: dict[str, Any]
    seconds: float
    matched: ClassData | None = None
    blend: Blend | None = None


def apply_view(view: View, data: ClassData, context: Context) -> ViewedData:
    """Apply a view and record how much it changed.

    The card says the mean absolute change of a pixel value (0 to 255), the share of pixel values
    that changed, and, if the context keeps masks (they are not made twice for this), the mean mask
    in [0, 1]; of a view that varies, those of its full strength.
    """
    begun, inner = time.perf_counter(), view.inner
    seen = view.apply(data, context)
    took = time.perf_counter() - begun
    if isinstance(inner, Identity):
        return ViewedData(seen, {}, 0.0)
    entries: dict[str, Any] = {"name": inner.registered, **_difference(data, seen)}
    if isinstance(inner, MaskView) and (context.cache or context.folder):
        entries["kept"] = float(inner.masks(data, context).double().mean()) / 255
    missed = max(kept_mask_seconds(view, data, context) - took, 0.0)
    blend = Blend(data.images, seen.images) if view.varies else None
    if blend is not None:
        seen = replace(data, images=blend.rows)
    learned, matched = (data, seen) if view.matching_only else (seen, None)
    return ViewedData(learned, {"view": entries}, missed, matched, blend)


def _difference(before: ClassData, after: ClassData) -> dict[str, float]:
    """In parts: a float copy of large data may not fit."""
    total, differing = 0, 0
    for a, b in zip(torch.split(before.images, 1024), torch.split(after.images, 1024), strict=True):
        apart = (a.int() - b.int()).abs()
        total, differing = total + int(apart.sum()), differing + int((apart > 0).sum())
    count = before.images.numel()
    return {"changed": total / count, "pixels_changed": differing / count}
