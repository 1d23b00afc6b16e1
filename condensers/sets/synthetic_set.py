"""SyntheticSet: a condensed set as it is stored, what it costs in bytes, and how it turns back into
images and labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from condensers.condenser import Condenser, SetSource
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import settings_of, unverified
from condensers.registry.registry import PARAMETERISATIONS
from condensers.sets.origins import known

FORMAT = 1


@dataclass(frozen=True)
class Budget:
    """How large a set may be: exactly one of images per class and stored bytes (of the whole
    set).
    """

    ipc: int | None = None
    nbytes: int | None = None

    def __post_init__(self) -> None:
        if (self.ipc is None) == (self.nbytes is None):
            raise UsageError(
                "a budget is either --ipc N (images per class) or --bytes B (of the whole set)"
            )
        if self.ipc is not None and self.ipc < 1:
            raise UsageError(f"ipc {self.ipc}: at least 1 image per class is needed")

    def ipc_of(self, condenser: Condenser, data: ClassData) -> int:
        """The most images per class that the budget allows `condenser`; UsageError where it is too
        small for one.
        """
        if self.ipc is not None:
            return self.ipc
        assert self.nbytes is not None
        least, size = _smallest(condenser, data, self.nbytes)
        if self.nbytes < size:
            each = "one image for each" if least == 1 else f"the smallest set (ipc {least})"
            raise UsageError(
                f"{self.nbytes} bytes are too few: {each} of {len(data.classes)} classes takes"
                f" {size}"
            )
        fits, above = least, 2 * least
        while condenser.nbytes(data, above) <= self.nbytes:
            fits, above = above, 2 * above
        while above - fits > 1:
            middle = (fits + above) // 2
            fits, above = (
                (middle, above) if condenser.nbytes(data, middle) <= self.nbytes else (fits, middle)
            )
        return fits


def _smallest(condenser: Condenser, data: ClassData, nbytes: int) -> tuple[int, int]:
    """The smallest ipc that the condenser has a set for, and its bytes; shared parts (decoders) may
    need more than one image.
    """
    ipc = 1
    while True:
        try:
            return ipc, condenser.nbytes(data, ipc)
        except UsageError:
            if ipc * len(data.classes) * data.images[0].numel() > nbytes:
                raise
            ipc += 1


@dataclass(frozen=True)
class SyntheticSet:
    """A set as stored: tensors at their stored dtype, and the card that says how to read them and
    where they come from.

    tensors: named groups; `labels` is (M,) unsigned integers, or (M, K) floats for soft labels. A
    hard label counts for all images that its stored unit decodes to. The other groups belong to the
    parameterisation named in the card, but for `rates`: learned learning rates (T,). cost: seconds,
    joules, device; kept out of the card because it differs from run to run while the set does not.
    """

    tensors: Mapping[str, Tensor]
    card: Mapping[str, Any]
    cost: Mapping[str, Any] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Every stored byte: images or codes and decoders, labels, learned rates; not the card."""
        return sum(t.numel() * t.element_size() for t in self.tensors.values())

    @property
    def ipc(self) -> int:
        return int(self.card["ipc"])

    @property
    def classes(self) -> tuple[int, ...]:
        """The labels that occur in the set."""
        return tuple(self.card["classes"])

    @property
    def recipe(self) -> Mapping[str, Any]:
        """How the set asks to be trained on: augmentation, the form of its labels, learned rates
        and order where it has them.
        """
        return dict(self.card.get("recipe", {}))

    def decode(self, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
        """(M, C, H, W) float32 normalised images, and labels: (M,) int64, or (M, K) float32 where
        soft.
        """
        groups = {name: t.to(device or torch.device("cpu")) for name, t in self.tensors.items()}
        labels = groups.pop("labels")
        part = PARAMETERISATIONS.create(self.card["parameterisation"])
        images = part.unpack(groups, self.card["mean"], self.card["std"], self.card["shape"])
        if labels.is_floating_point():
            return images, labels.float()
        return images, labels.long().repeat_interleave(part.copies)


class SyntheticDataset(Dataset[tuple[Tensor, int | Tensor]]):
    """A set for training code that knows nothing else of this package: its decoded images and their
    labels, in its order.

    images: (M, C, H, W) float32, normalised by the card's `mean` and `std`. labels: (M,) int64, an
    index into the card's `class_names`, or (M, K) float32 where they are soft; the card's `recipe`
    says of which form. An item is an image (C, H, W) with its label, an int or (K,) float32. rates:
    learned learning rates (T,) float32, or None.
    """

    def __init__(self, synthetic: SyntheticSet) -> None:
        self.images, self.labels = synthetic.decode()
        self.card = dict(synthetic.card)
        self.rates = synthetic.tensors["rates"].float() if "rates" in synthetic.tensors else None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int | Tensor]:
        label = self.labels[index]
        return self.images[index], label if label.ndim else int(label)


def card_of(
    condenser: SetSource, data: ClassData, context: Context, ipc: int, recipe: Mapping[str, Any]
) -> dict[str, Any]:
    """The card of a set that `condenser` made of `data`; recipe says what its evaluation needs
    beside the augmentation.
    """
    part = condenser.parameterisation
    note = {"note": condenser.note} if condenser.note else {}
    doubtful = unverified(condenser)
    return {
        "format": FORMAT,
        "dataset": data.name,
        "digest": data.digest,
        "class_names": list(data.class_names),
        "classes": list(data.classes),
        "shape": list(data.shape),
        "mean": list(data.mean),
        "std": list(data.std),
        "mirror": data.mirror,
        "method": condenser.registered,
        "hyperparameters": settings_of(condenser),
        **({"unverified": doubtful} if doubtful else {}),
        "parameterisation": {"name": part.registered, **settings_of(part)},
        "origin": known(condenser.origin, condenser.registered),
        "couples_classes": condenser.couples_classes,
        "seed": context.seed,
        "ipc": ipc,
        "images_per_class": condenser.images_per_class(data, ipc),
        "recipe": {"augmentation": condenser.evaluation, **recipe},
        "versions": {"torch": torch.__version__},
        "licence": data.licence,
        **({"data_notes": list(data.notes)} if data.notes else {}),
        **note,
    }


def cost_of(seconds: float, context: Context) -> dict[str, Any]:
    """What making a set took."""
    return {"seconds": seconds, "joules": "not measured", "device": str(context.device)}
