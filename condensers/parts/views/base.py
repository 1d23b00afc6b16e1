"""The base classes of views: what is done to the real images before a method sees them."""

import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, final

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import Part
from condensers.networks import NetworkSpec
from condensers.registry.registry import VIEWS


class View(Part):
    """Changes the real images, image by image, before they are learned from."""

    @property
    @abstractmethod
    def couples_classes(self) -> bool:
        """Whether the image of one class depends on images of the others."""

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
    """Real images as they are.

    Identity: the real images as they are.
    """

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
        data: The images as the view left them.
        card_entries: What the card of a set records; empty for the identity view.
        seconds: Time that masks took in an earlier run and that this run was spared.
    """

    data: ClassData
    card_entries: dict[str, Any]
    seconds: float


def apply_view(view: View, data: ClassData, context: Context) -> ViewedData:
    """Apply a view and record how much it changed.

    The card says the mean absolute change of a pixel value (0 to 255), the share of pixel values
    that changed, and, if the context keeps masks (they are not made twice for this), the mean mask
    in [0, 1].
    """
    begun = time.perf_counter()
    seen = view.apply(data, context)
    took = time.perf_counter() - begun
    if isinstance(view, Identity):
        return ViewedData(seen, {}, 0.0)
    entries: dict[str, Any] = {"name": view.registered, **_difference(data, seen)}
    if isinstance(view, MaskView) and (context.cache or context.folder):
        entries["kept"] = float(view.masks(data, context).double().mean()) / 255
    missed = max(kept_mask_seconds(view, data, context) - took, 0.0)
    return ViewedData(seen, {"view": entries}, missed)


def _difference(before: ClassData, after: ClassData) -> dict[str, float]:
    """In parts: a float copy of large data may not fit."""
    total, differing = 0, 0
    for a, b in zip(torch.split(before.images, 1024), torch.split(after.images, 1024), strict=True):
        apart = (a.int() - b.int()).abs()
        total, differing = total + int(apart.sum()), differing + int((apart > 0).sum())
    count = before.images.numel()
    return {"changed": total / count, "pixels_changed": differing / count}
