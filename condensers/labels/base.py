"""Label models: what is stored as the label of a synthetic image."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from condensers.setting import Setting

SOFT_DTYPES = {"float16": torch.float16, "float32": torch.float32}


class LabelModel(Protocol):
    """A frozen dataclass. form: "hard" (whole numbers), "probabilities", or "scores" that logits are regressed on.

    learned: whether labels are optimised with the images; then `start` gives what is learned and `decode` the labels in use.
    Otherwise `finish` gives the labels of the finished images, (M, K) float32, and may train a teacher to do so.
    """

    registered: ClassVar[str]
    learned: ClassVar[bool]
    couples_classes: ClassVar[bool]

    @property
    def form(self) -> str: ...

    def nbytes(self, classes: int, units: int, images: int) -> int:
        """Stored bytes of all labels: one hard label per unit, or a row of `classes` numbers per image."""
        ...


def label_dtype(classes: int) -> torch.dtype:
    """The smallest unsigned dtype that holds a label of `classes` classes."""
    return torch.uint8 if classes <= 256 else torch.uint16


def stored_hard(classes: Sequence[int], each: int, known: int) -> Tensor:
    """Hard labels as stored, on the CPU: `each` of every class that is here, of `known` classes in the data set."""
    return torch.tensor(classes).repeat_interleave(each).to(label_dtype(known))


def hard_labels(setting: Setting) -> Tensor:
    """(M,) int64 on the run's device, ordered by class."""
    return torch.tensor(setting.data.classes, device=setting.data.device).repeat_interleave(setting.per_class)
