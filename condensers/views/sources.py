"""Views that other views take their masks from."""

from typing import Any, cast

from condensers.context import Context
from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.registry import VIEWS
from condensers.views.base import MaskSource


def mask_source(spec: Any, where: str) -> MaskSource:
    """The view that `spec` names; UsageError where it gives no masks. where: the field that names it."""
    view = VIEWS.create(spec)
    if not hasattr(view, "masks"):
        raise UsageError(f"{where}: view {view.registered} gives no masks; take saliency, attention or background")
    return cast(MaskSource, view)


def mask_seconds(view: Any, data: ClassData, context: Context) -> float:
    """What making a view's masks took, also where they were found; 0 for one that makes none, or where the context keeps none."""
    kept = context.cache or context.folder
    return float(view.maps(data, context).seconds) if kept and hasattr(view, "maps") else 0.0


def mask_passes(view: Any, data: ClassData) -> list[tuple[Any, float]]:
    """Networks that a view trains for its masks, and about how many images pass each, forward and backward."""
    passes: list[tuple[Any, float]] = view.preparation(data) if hasattr(view, "preparation") else []
    return passes
