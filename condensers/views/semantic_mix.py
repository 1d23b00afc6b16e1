"""Semantic mix: real images are varied once, before they are matched, so that what gives them their label stays.

paste:  x' = o x + (1 - o) y,  o = [ m >= threshold ] the object, y another image whose own object is covered
crop:   x' = the least box of the image's own proportions around o, enlarged to the image's size
cutmix: x' = x with a box B from another image y, whose object may be anything:
        B = argmin sum_B m_x,  subject to  sum_B m_x <= replaced sum m_x  and  sum_B m_y <= brought sum m_y

m: masks of another view. In cutmix the image keeps its label, because at least 1 - replaced of what is salient in it stays, and
less of what is salient in y comes; published CutMix mixes the labels, which images that are matched class by class cannot have.
The side of B is drawn as there and taken smaller until the bounds hold.
Sources: Dwibedi, Misra & Hebert, "Cut, Paste and Learn" (ICCV 2017); Yun et al., "CutMix" (ICCV 2019), section 3.1; Kim, Choo &
Song, "Puzzle Mix" (ICML 2020), which places by saliency, as we recall them. Only real images are varied: a synthetic one has no
mask before it is learned, and its masks would change at every step; what both share is the method's siamese augmentation.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers.context import Context
from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.fields import hyper
from condensers.views.background import Background
from condensers.views.boxes import cropped, mixed
from condensers.views.filling import filled, fills, others
from condensers.views.masking import chosen, require_shares
from condensers.views.relevance import Maps
from condensers.views.sources import mask_passes, mask_seconds, mask_source


@dataclass(frozen=True)
class SemanticMix:
    """Real images pasted on other backgrounds, cropped to their object, or mixed where they say least."""

    kind: str = hyper("paste", source="ours", values=("paste", "crop", "cutmix"))
    source: Any = hyper(Background(), unit="view whose masks say what matters", source="ours", part="view")
    rate: float = hyper(0.5, unit="share of a class's images that are mixed", source="CutMix's code, for CIFAR", minimum=0.0)
    threshold: float = hyper(0.5, unit="of the mask: the object from here (paste, crop)", source="ours", minimum=0.0)
    margin: float = hyper(0.1, unit="of the object's side, on each of its sides (crop)", source="ours", minimum=0.0)
    smallest: float = hyper(0.5, unit="of the image's side, the least crop (crop)", source="ours", minimum=0.01)
    replaced: float = hyper(0.1, unit="most of its own saliency that goes (cutmix)", source="ours", minimum=0.0)
    brought: float = hyper(0.5, unit="most of the other's saliency that comes (cutmix)", source="ours", minimum=0.0)

    registered: ClassVar[str] = "semantic-mix"

    def __post_init__(self) -> None:
        require_shares(self, ("rate", "threshold", "smallest", "replaced", "brought"))
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
        return self.kind != "crop" or mask_source(self.source, "view semantic-mix.source").couples_classes

    def apply(self, data: ClassData, context: Context) -> ClassData:
        """`data` with `rate` of each class's images mixed, the others as they are; labels and order stay."""
        masks = self.maps(data, context).values.to(data.device)
        some = chosen(data, self.rate, context.fork("rate").generator).to(data.device)
        images = self._mixed(data, masks, context.fork("mix").generator)
        return replace(data, images=torch.where(some.view(-1, 1, 1, 1), images, data.images))

    def maps(self, data: ClassData, context: Context) -> Maps:
        """The source's masks, and the seconds that they took."""
        source = mask_source(self.source, "view semantic-mix.source")
        return Maps(source.masks(data, context), mask_seconds(source, data, context))

    def preparation(self, data: ClassData) -> list[tuple[Any, float]]:
        """Networks and about how many images pass each: the source's."""
        return mask_passes(mask_source(self.source, "view semantic-mix.source"), data)

    def _mixed(self, data: ClassData, masks: Tensor, generator: torch.Generator) -> Tensor:
        objects = masks >= 255 * self.threshold
        if self.kind == "crop":
            return cropped(data.images, objects, self.margin, self.smallest)
        if self.kind == "paste":
            return filled(data.images, objects, fills("other", data, objects.float(), generator))
        partners = others(len(masks), generator).to(data.device)
        return mixed(data.images, masks, partners, (self.replaced, self.brought), generator)
