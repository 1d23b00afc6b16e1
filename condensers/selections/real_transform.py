"""Real transform: more real images at the bytes of fewer, as coded coefficients of whole images.

n = max { n : |stream of n images of each class| + |labels| <= bytes of ipc uint8 images and
labels }

where the n images of each class are the first of one fixed random order, coded at `step`: n is then
the same for every seed and every choice. The step is then the finest at which the chosen images fit
the bytes.
Where n is no more than ipc (small images, noise), ipc raw images of each class are stored instead.

Source: ours; `condensers.parts.parameterisations.transform` has the code. It is what a replay
memory can do with no learning and a better code than JPEG's, and what sets learned in that code
have to beat.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.hyperparameters import hyper
from condensers.parts.labels import hard_label_bytes
from condensers.parts.parameterisations.base import Groups
from condensers.parts.parameterisations.coding.stored import store_stream
from condensers.parts.parameterisations.transform.coefficients import FullFrameDCT
from condensers.parts.parameterisations.transform.quantiser import Quantiser, encode_within
from condensers.parts.parameterisations.transform.steps import choose_step
from condensers.parts.parameterisations.transform.stream import STEPS, encode, measure
from condensers.selections.real_files import RealFiles


@dataclass(frozen=True)
class RealTransform(RealFiles):
    """Real images as coded coefficients, as many as fit the bytes of ipc raw ones."""

    step: float = hyper(
        0.0,
        help="quantisation step that the images are counted at; 0: by data and bytes",
        source="ours: steps.py",
        minimum=0.0,
    )
    dead_zone: float = hyper(
        0.15,
        unit="steps",
        help="what a coefficient must exceed half a step by not to be zero",
        source="ours",
        minimum=0.0,
    )
    templates: int = hyper(
        1, unit="images", help="mean images of a class; 0: one of all", source="ours", minimum=0
    )

    registered: ClassVar[str] = "real-transform"

    @property
    def couples_classes(self) -> bool:
        """Whether one mean image serves all classes, or one step that they choose together."""
        return not (self.templates and self.step)

    @property
    def storage(self) -> FullFrameDCT:
        """How the images are stored: as one stream."""
        return FullFrameDCT(self.step, self.dead_zone, self.templates)

    def require_fit(self, where: str) -> None:
        """UsageError for a step that cannot be stored."""
        self.storage.require_fit(where)

    def settle(self, data: ClassData, nbytes: int) -> "tuple[RealTransform, Mapping[str, object]]":
        """Choose the step, if none is set."""
        if self.step:
            return self, {}
        choice = choose_step(data, self._limit(data, nbytes), self.storage.quantiser)
        return replace(self, step=choice.chosen), choice.card_entries("step", "images")

    def count_fitting(self, data: ClassData, limit: int) -> int:
        """Return the most images of each class that fit `limit` bytes with their labels."""
        return self.storage.quantiser.count_fitting(data, limit)

    def store(
        self, chosen: list[list[int]], data: ClassData, limit: int, context: Context
    ) -> tuple[list[list[int]], Groups]:
        """Return the images in the order in which they are stored, and their stream, at the finest
        step that fits.
        """
        quantiser, indices = self.storage.quantiser, torch.tensor(chosen).flatten()
        images = data.images[indices.to(data.device)].float() / 255
        order = quantiser.sort(images, data)
        within = limit - len(indices) * hard_label_bytes(data)
        content = _encode_finest(quantiser, images[order], data, within)
        return indices[order.cpu()].view(len(chosen), -1).tolist(), store_stream(content)

    def store_all(self, data: ClassData) -> Groups:
        """Return all images at the step, those of a class in the order of their means."""
        quantiser = self.storage.quantiser
        images = data.images[data.labels.argsort(stable=True)].float() / 255
        coded, _ = quantiser.quantise(images[quantiser.sort(images, data)], data)
        return store_stream(encode(coded))


def _encode_finest(quantiser: Quantiser, images: Tensor, data: ClassData, limit: int) -> bytes:
    """Encode images at the finest step, no more than twice as fine or coarse, that fits."""
    aim = float(limit)
    for _ in range(2):  # once to see what a measured byte is worth, and with that again
        finest, coarsest = max(1, quantiser.whole_step // 2), quantiser.whole_step * 2
        while finest < coarsest:
            middle = (finest + coarsest) // 2
            coded, _ = replace(quantiser, step=middle / STEPS).quantise(images, data)
            finest, coarsest = (finest, middle) if measure(coded) <= aim else (middle + 1, coarsest)
        coded, free = replace(quantiser, step=finest / STEPS).quantise(images, data)
        aim = limit * measure(coded) / len(encode(coded))
    return encode_within(coded, free, limit)
