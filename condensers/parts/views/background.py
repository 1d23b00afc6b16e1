"""Background: what is not the object is cut away from every real image by GrabCut, and filled.

m = [ alpha = foreground ],  alpha the minimum cut of colour models and contrasts, started from r,
the masks of another view: r >= sure_foreground: certainly the object; r >= probable: probably; r >=
sure_background: probably not; below: certainly not

Source: Rother, Kolmogorov & Blake, "GrabCut" (SIGGRAPH 2004), as OpenCV has it; D. Kim & Bae (IPIU
2022) name background removal as future work. GrabCut is made for photographs: each pixel becomes
`scale` x `scale` equal ones for it, and masks are brought back as the part of a pixel that is
foreground; grey becomes three equal channels. Where r has no pixel on one side, or the cut leaves
none, r itself stands; the run's progress says for how many images.
"""

from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import ClassVar, NamedTuple, final

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.optional import require_package
from condensers.parts.views.base import View, kept_mask_seconds, mask_source
from condensers.parts.views.filling import FILLS, share
from condensers.parts.views.masking import (
    CoveringView,
    Maps,
    apply_masks,
    load_or_compute_maps,
    require_shares,
    soften_masks,
)
from condensers.parts.views.saliency import Saliency

REPORT_EVERY = 500


@final
@dataclass(frozen=True)
class Background(CoveringView):
    """Real images without their background: GrabCut, seeded by the masks of another view."""

    seed: View = hyper(
        Saliency(algorithm="integrated-gradients"),
        help="view whose masks GrabCut starts from",
        source="ours",
        part="view",
    )
    sure_foreground: float = hyper(
        0.9,
        help="least value of the seed's mask that is certainly foreground",
        source="ours",
        minimum=0.0,
    )
    probable: float = hyper(
        0.4,
        help="least value of the seed's mask that is probably foreground",
        source="ours",
        minimum=0.0,
    )
    sure_background: float = hyper(
        0.2,
        help="value of the seed's mask below which a pixel is certainly background",
        source="ours",
        minimum=0.0,
    )
    iterations: int = hyper(5, help="iterations of GrabCut", source="OpenCV's tutorial", minimum=1)
    scale: int = hyper(
        2,
        help="side on which GrabCut works, as a multiple of the image's",
        source="ours",
        minimum=1,
    )
    fill: str = hyper(
        "mean",
        help="what stands where a pixel is masked",
        source="Masked DC's code: zero of normalised pixels",
        values=FILLS,
    )
    rate: float = hyper(
        1.0, help="part of a class's images that is masked, 0 to 1", source="ours", minimum=0.0
    )
    softness: float = hyper(
        0.0,
        help="1 keeps the foreground's part of a pixel, 0 makes masks binary",
        source="ours",
        minimum=0.0,
    )
    threshold: float = hyper(
        0.5,
        help="least part of the foreground that counts, if masks are binary",
        source="ours",
        minimum=0.0,
    )

    registered: ClassVar[str] = "background"

    def __post_init__(self) -> None:
        require_shares(
            self,
            {"rate": self.rate, "softness": self.softness, "threshold": self.threshold},
        )
        if not self.sure_background <= self.probable <= self.sure_foreground:
            raise UsageError(
                f"view background: sure_background {self.sure_background}, probable {self.probable}"
                f" and sure_foreground {self.sure_foreground} must rise in this order"
            )

    def require_fit(self, where: str) -> None:
        """UsageError where the seed gives no masks."""
        mask_source(self.seed, f"{where}.seed")

    @property
    def couples_classes(self) -> bool:
        """Whether the seed's masks depend on the other classes."""
        return mask_source(self.seed, "view background.seed").couples_classes

    def masks(self, data: ClassData, context: Context) -> Tensor:
        """(N, H, W) uint8 on the CPU; cut where no equal run has left its masks."""
        return soften_masks(self.maps(data, context).values, self.softness, self.threshold)

    def apply(self, data: ClassData, context: Context) -> ClassData:
        """`data` without the background of `rate` of each class's images; UsageError without
        OpenCV.
        """
        return apply_masks(self, data, context)

    def maps(self, data: ClassData, context: Context) -> Maps:
        """The foreground's part of each pixel, and the seconds that they and the seed's took."""
        source = mask_source(self.seed, "view background.seed")
        seeds = source.masks(data, context)
        found = load_or_compute_maps(
            self, data, context, partial(self._compute, data, context, seeds)
        )
        return Maps(found.values, found.seconds + kept_mask_seconds(source, data, context))

    def mask_seconds(self, data: ClassData, context: Context) -> float:
        """Return the seconds that the masks and those of the seed took."""
        return self.maps(data, context).seconds

    def preparation(self, data: ClassData) -> list[tuple[NetworkSpec, float]]:
        """Networks and about how many images pass each: the seed's."""
        return mask_source(self.seed, "view background.seed").preparation(data)

    def _compute(self, data: ClassData, context: Context, seeds: Tensor) -> Tensor:
        if data.shape[0] not in (1, 3):
            raise UsageError(
                f"view background: {data.name} has {data.shape[0]} channels; GrabCut takes grey or"
                " colour images"
            )
        cv2 = require_package("cv2", "OpenCV", f"view {self.registered}", extra="views")
        images, count = data.images.cpu().permute(0, 2, 3, 1).numpy(), len(seeds)
        found, failed = [], 0
        for index, (image, relevance) in enumerate(
            zip(images, share(seeds).numpy(), strict=True), 1
        ):
            if context.must_stop():
                raise Interrupted(f"view background: stopped before image {index} of {count}")
            made = cut(cv2, image, relevance, self, context.seed)
            found.append(torch.from_numpy(made.mask))
            failed += made.failed
            if index % REPORT_EVERY == 0 or index == count:
                context.progress(
                    Progress(
                        "grabcut", index, count, f"{failed} without a cut keep the seed's mask"
                    )
                )
        return torch.stack(found)


class Cut(NamedTuple):
    """mask: (H, W) float32, the foreground's part of each pixel. failed: there was no cut, and it
    is the seed's.
    """

    mask: NDArray[numpy.float32]
    failed: bool


def cut(
    cv2: ModuleType,
    image: NDArray[numpy.uint8],
    relevance: NDArray[numpy.float32],
    view: Background,
    seed: int,
) -> Cut:
    """GrabCut of one image (H, W, C), C = 1 or 3, by its relevance (H, W) in [0, 1]; OpenCV's
    generator starts from `seed`.
    """
    height, width = relevance.shape
    size = (width * view.scale, height * view.scale)
    colour = cv2.resize(
        numpy.ascontiguousarray(numpy.broadcast_to(image, (height, width, 3))),
        size,
        interpolation=cv2.INTER_NEAREST,
    )
    wide = cv2.resize(relevance, size)
    labels = numpy.full(wide.shape, cv2.GC_BGD, numpy.uint8)
    for least, label in (
        (view.sure_background, cv2.GC_PR_BGD),
        (view.probable, cv2.GC_PR_FGD),
        (view.sure_foreground, cv2.GC_FGD),
    ):
        labels[wide >= least] = label
    if both_sides(cv2, labels):
        cv2.setRNGSeed(seed % 2**31)
        models = numpy.zeros((1, 65)), numpy.zeros((1, 65))
        cv2.grabCut(colour, labels, None, *models, view.iterations, cv2.GC_INIT_WITH_MASK)
        if both_sides(cv2, labels):
            foreground = numpy.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(numpy.float32)
            return Cut(
                cv2.resize(foreground, (width, height), interpolation=cv2.INTER_AREA), failed=False
            )
    return Cut(relevance, failed=True)


def both_sides(cv2: ModuleType, labels: NDArray[numpy.uint8]) -> bool:
    """Whether there are pixels of the foreground and of the background."""
    foreground = numpy.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    return bool(foreground.any() and not foreground.all())
