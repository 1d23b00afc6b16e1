"""Learned labels: a row of numbers per image, optimised together with the images.

`scores` are what logits are regressed on; they start at scale * (onehot - 1/K) ("centred") or at scale * onehot. `probabilities`
are softmax(z), z learned and starting at scale * onehot.

Source: KIP (ICLR 2021, section 3.2) and FRePo (NeurIPS 2022, section 3.3) for scores; Sucholutsky & Schonlau, "Soft-label dataset
distillation" (2019) for labels learned in DD.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from condensers.fields import hyper
from condensers.labels.base import SOFT_DTYPES, hard_labels
from condensers.setting import Setting


@dataclass(frozen=True)
class LearnedLabels:
    """Labels that are learned with the images."""

    form: str = hyper("scores", source="KIP, FRePo", values=("scores", "probabilities"))
    centred: bool = hyper(True, source="KIP, section 2")
    scale: float = hyper(1.0, source="KIP", minimum=0.0)
    lr: float | None = hyper(None, unit="learning rate; the images' where none is given", source="ours", minimum=0.0)
    storage: str = hyper("float16", source="ours", values=("float16", "float32"))

    registered: ClassVar[str] = "learned"
    learned: ClassVar[bool] = True
    couples_classes: ClassVar[bool] = True

    def nbytes(self, classes: int, units: int, images: int) -> int:
        return images * classes * SOFT_DTYPES[self.storage].itemsize

    def start(self, setting: Setting) -> Tensor:
        """What is learned, (M, K) float32."""
        onehot = functional.one_hot(hard_labels(setting), setting.classes).float()
        return self.scale * (onehot - 1 / setting.classes if self.centred and self.form == "scores" else onehot)

    def decode(self, learned: Tensor) -> Tensor:
        """The labels in use, (M, K), differentiable in `learned`."""
        return learned if self.form == "scores" else torch.softmax(learned, 1)
