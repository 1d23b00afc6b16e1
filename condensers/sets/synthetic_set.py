"""SyntheticSet: a condensed set as it is stored, what it costs in bytes, and how it turns back into
images and labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from condensers.condenser import SetSource
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.hyperparameters import settings_of, unverified
from condensers.preview import html_of, picture_of
from condensers.registry.registry import PARAMETERISATIONS
from condensers.sets import label_codes
from condensers.sets.budget import Budget as Budget
from condensers.sets.origins import known, of

FORMAT = 1


@dataclass(frozen=True, repr=False)
class SyntheticSet:
    """A condensed set as it is stored: tensors, and the card that says how to read them.

    Args:
        tensors: Named groups at their stored dtype. `labels` is (M,) unsigned integers, or (M, K)
            floats for soft labels, or (M, R) bytes where the card's `label_storage` says how they
            are read; a hard label counts for all images that its stored unit decodes to. `rates`,
            if there, is (T,) learned learning rates. All other groups belong to the
            parameterisation named in the card.
        card: Where the set comes from and how its tensors are read, as JSON values.
        cost: Seconds, joules and device of making it, and CPU seconds if one thread did it. It is
            no part of the card because it differs from run to run while the set does not.
    """

    tensors: Mapping[str, Tensor]
    card: Mapping[str, Any]
    cost: Mapping[str, Any] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Every stored byte: images or codes and decoders, labels, learned rates; not the card."""
        return sum(t.numel() * t.element_size() for t in self.tensors.values())

    @property
    def is_soft(self) -> bool:
        """Whether each decoded image has a row of numbers as its label."""
        return "label_storage" in self.card or self.tensors["labels"].is_floating_point()

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

    @property
    def image_count(self) -> int:
        """How many images the set decodes to."""
        counts = self.card.get("counts")
        each = int(self.card.get("images_per_class", self.card["ipc"]))
        if not counts:
            return each * len(self.classes)
        units = max(counts.values())  # of a class; each of them decodes to as many images
        return sum(count * each // units for count in counts.values())

    def __repr__(self) -> str:
        facts = [f"{name}: {fact}" for name, fact in self._facts().items()]
        return f"SyntheticSet({', '.join(facts)})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the facts of `repr`, and the first images of the first classes."""
        images, labels = self.decode()
        column = (1, -1, 1, 1)
        mean, std = (torch.tensor(self.card[key]).view(column) for key in ("mean", "std"))
        pixels = ((images * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
        hard = labels.argmax(1) if labels.ndim == 2 else labels
        return html_of(self._facts(), picture_of(pixels, hard, self.classes))

    def _facts(self) -> dict[str, object]:
        return {
            "method": self.card["method"],
            "data": self.card["dataset"],
            "classes": len(self.classes),
            "images": self.image_count,
            "bytes": self.nbytes,
            "origin": of(self.card),
        }

    def decode(self, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
        """Return the images and labels that networks are trained on.

        Args:
            device: Where the tensors shall lie; the CPU if left out.

        Returns:
            Images (M, C, H, W) float32, normalised by the card's `mean` and `std`, and labels,
            (M,) int64, or (M, K) float32 if they are soft.
        """
        groups = {name: t.to(device or torch.device("cpu")) for name, t in self.tensors.items()}
        labels = groups.pop("labels")
        part = PARAMETERISATIONS.create(self.card["parameterisation"])
        images = part.unpack(groups, self.card["mean"], self.card["std"], self.card["shape"])
        storage = self.card.get("label_storage")
        if storage is not None:
            form, classes = self.recipe.get("labels", ""), len(self.card["class_names"])
            return images, label_codes.decode(labels, storage, form, classes)
        if labels.is_floating_point():
            return images, labels.float()
        return images, labels.long().repeat_interleave(part.copies)


class SyntheticDataset(Dataset[tuple[Tensor, int | Tensor]]):
    """A set as a torch Dataset, for training code that knows nothing else of this package.

    An item is an image (C, H, W) with its label, an int or (K,) float32.

    Attributes:
        images: (M, C, H, W) float32, normalised by the card's `mean` and `std`, in the set's order.
        labels: (M,) int64, indices into the card's `class_names`, or (M, K) float32 if they are
            soft; the card's `recipe` says of which form.
        card: Where the set comes from and how it is read.
        rates: Learned learning rates (T,) float32, or None.
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
