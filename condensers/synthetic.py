"""SyntheticSet: a condensed set as it is stored, what it costs in bytes, and how it turns back into images and labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from condensers.context import Context
from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.fields import settings_of
from condensers.registry import PARAMETERISATIONS

FORMAT = 1


@dataclass(frozen=True)
class Budget:
    """How large a set may be: exactly one of images per class and stored bytes (of the whole set)."""

    ipc: int | None = None
    nbytes: int | None = None

    def __post_init__(self) -> None:
        if (self.ipc is None) == (self.nbytes is None):
            raise UsageError("a budget is either --ipc N (images per class) or --bytes B (of the whole set)")
        if self.ipc is not None and self.ipc < 1:
            raise UsageError(f"ipc {self.ipc}: at least 1 image per class is needed")

    def images_per_class(self, classes: int, bytes_per_image: int) -> int:
        """The images per class that the budget allows; UsageError where it is too small for one."""
        if self.ipc is not None:
            return self.ipc
        assert self.nbytes is not None
        ipc = self.nbytes // (classes * bytes_per_image)
        if ipc < 1:
            raise UsageError(
                f"{self.nbytes} bytes are too few: one image for each of {classes} classes takes {classes * bytes_per_image}"
            )
        return ipc

    def ipc_of(self, condenser: "Condenser", data: ClassData) -> int:
        """The images per class that the budget allows `condenser` on the classes of `data`."""
        return self.images_per_class(len(data.classes), condenser.bytes_per_image(data))


@dataclass(frozen=True)
class SyntheticSet:
    """A set as stored: tensors at their stored dtype, and the card that says how to read them and where they come from.

    tensors: named groups; `labels` is (M,) unsigned integers, or (M, K) floats for soft labels. The other groups belong to
    the parameterisation named in the card. cost: seconds, joules, device; kept out of the card because it differs from
    run to run while the set does not.
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

    def decode(self, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
        """(M, C, H, W) float32 normalised images, and labels: (M,) int64, or (M, K) float32 where soft."""
        groups = {name: t.to(device or torch.device("cpu")) for name, t in self.tensors.items()}
        labels = groups.pop("labels")
        part = PARAMETERISATIONS.create(self.card["parameterisation"])
        images = part.unpack(groups, self.card["mean"], self.card["std"])
        return images, labels.float() if labels.is_floating_point() else labels.long()


class Condenser(Protocol):
    """What makes a set: a published method, or a selection of real images. Its hyperparameters are its fields.

    couples_classes: whether the images of one class depend on the other classes, so that it must be run anew for each
    experience of a class-incremental stream. evaluation: the augmentation of its published evaluation, "dsa" or "none".
    """

    registered: ClassVar[str]
    evaluation: ClassVar[str]

    @property
    def couples_classes(self) -> bool: ...

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet: ...

    def bytes_per_image(self, data: ClassData) -> int:
        """Stored bytes of one synthetic image with its label."""
        ...


def label_dtype(classes: int) -> torch.dtype:
    """The smallest unsigned dtype that holds a label of `classes` classes."""
    return torch.uint8 if classes <= 256 else torch.uint16


def pack(
    condenser: Any, data: ClassData, context: Context, parameterisation: Any, tensors: Mapping[str, Tensor], seconds: float
) -> SyntheticSet:
    """A set from stored tensors that are ordered by class, with hard labels, its card and its cost."""
    ipc = len(next(iter(tensors.values()))) // len(data.classes)
    labels = torch.tensor(data.classes).repeat_interleave(ipc).to(label_dtype(len(data.class_names)))
    card = {
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
        "parameterisation": {"name": parameterisation.registered, **settings_of(parameterisation)},
        "couples_classes": condenser.couples_classes,
        "seed": context.seed,
        "ipc": ipc,
        "recipe": {"augmentation": condenser.evaluation, "labels": "hard"},
        "versions": {"torch": torch.__version__},
        "licence": data.licence,
    }
    cost = {"seconds": seconds, "joules": "not measured", "device": str(context.device)}
    return SyntheticSet({**tensors, "labels": labels}, card, cost)
