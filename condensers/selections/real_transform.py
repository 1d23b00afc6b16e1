"""Real transform: more real images at the bytes of fewer, as coded coefficients of whole images.

n = max { n : |stream of n images of each class| + |labels| <= bytes of ipc uint8 images and
labels }

where the n images of each class are the first of one fixed random order: n is then the same for
every seed and every choice. The step is then the finest at which the chosen images fit the bytes.
Where n is no more than ipc (small images, noise), ipc raw images of each class are stored instead.

Source: ours; `condensers.parts.parameterisations.transform` has the code. It is what a replay
memory can do with no learning and a better code than JPEG's, and what sets learned in that code
have to beat.
"""

import time
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.hyperparameters import hyper, settings_of
from condensers.parts.labels import label_dtype, stored_hard
from condensers.parts.parameterisations.base import Groups
from condensers.parts.parameterisations.pixels import stored_bytes
from condensers.parts.parameterisations.transform.coefficients import FullFrameDCT, as_stored
from condensers.parts.parameterisations.transform.quantiser import Quantiser, encode_within
from condensers.parts.parameterisations.transform.stream import STEPS, encode, measure
from condensers.selections.base import STORED, refuse_too_many
from condensers.selections.real_files import choose_images
from condensers.sets.origins import REAL
from condensers.sets.synthetic_set import Budget, SyntheticSet, card_of, cost_of

STEP = FullFrameDCT().step


@dataclass(frozen=True)
class RealTransform(Condenser):
    """Real images as coded coefficients, as many as fit the bytes of ipc raw ones."""

    choose: str = hyper(
        "random",
        help="selection of the images",
        source="ours",
        values=("random", "k-means", "herding"),
    )
    step: float = hyper(
        0.7,
        help="quantisation step that the images are counted at",
        source="ours",
        minimum=1 / STEPS,
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
    evaluation: ClassVar[str] = "dsa"
    origin: ClassVar[str] = REAL

    @property
    def couples_classes(self) -> bool:
        """Whether one mean image serves all classes."""
        return self.templates == 0

    @property
    def parameterisation(self) -> FullFrameDCT:
        """How the stream decodes to images."""
        return FullFrameDCT(self.step, self.dead_zone, self.templates)

    @property
    def quantiser(self) -> Quantiser:
        """How images become whole numbers."""
        return self.parameterisation.quantiser

    def require_fit(self, where: str) -> None:
        """UsageError for a step that cannot be stored."""
        self.parameterisation.require_fit(where)

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """The most that a set of `ipc` takes: the bytes of as many raw images."""
        return stored_bytes(data, ipc)

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        """Return the images of a class that a set of `ipc` decodes to."""
        return max(ipc, self.quantiser.count_fitting(data, stored_bytes(data, ipc)))

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        """The chosen images; the card's `indices` say which they are.

        A budget in bytes is filled, whatever its ipc.
        """
        begun = time.perf_counter()
        data = data.to(context.device)
        ipc = budget.ipc_of(self, data)
        refuse_too_many(self, data, ipc)
        limit = budget.nbytes or stored_bytes(data, ipc)
        each = max(ipc, self.quantiser.count_fitting(data, limit))
        chosen = torch.tensor(choose_images(self.choose, data, each, context, self.registered))
        chosen, groups = self._store(chosen.flatten(), data, limit if each > ipc else None)
        part = self.parameterisation if each > ipc else STORED
        names = [data.class_names[label] for label in data.classes]
        card = card_of(self, data, context, ipc, {"labels": "hard"}) | {
            "indices": dict(zip(names, chosen.view(-1, each).tolist(), strict=True)),
            "images_per_class": each,
            "parameterisation": {"name": part.registered, **settings_of(part)},
        }
        labels = stored_hard(data.classes, each, len(data.class_names))
        return SyntheticSet(
            {**groups, "labels": labels}, card, cost_of(time.perf_counter() - begun, context)
        )

    def _store(self, chosen: Tensor, data: ClassData, limit: int | None) -> tuple[Tensor, Groups]:
        """The chosen images (M,) in the order in which they are stored, and as they are stored: in
        `limit` bytes with their labels, or as pixels.
        """
        raw = data.images[chosen.to(data.device)]
        if limit is None:
            return chosen, {"images": raw.cpu()}
        images = raw.float() / 255
        order = self.quantiser.sort(images, data)
        within = limit - len(chosen) * label_dtype(len(data.class_names)).itemsize
        content = _encode_finest(self.quantiser, images[order], data, within)
        return chosen[order.cpu()], as_stored(content)


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
