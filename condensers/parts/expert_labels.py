"""Soft labels that begin as what experts say of the starting images."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from condensers.hyperparameters import hyper
from condensers.parts.labels import (
    SOFT_STORAGE,
    OptimisedLabels,
    hard_labels,
)
from condensers.parts.setting import RunSetting, require_trained

IMAGES_AT_ONCE = 256


@final
@dataclass(frozen=True)
class ExpertLabels(OptimisedLabels):
    """Experts' labels: probabilities softmax(z), z learned, which starts as the mean of the logits
    of all experts that classify the image correctly.

    Source: Guo et al., "Towards Lossless Dataset Distillation via Difficulty-Aligned Trajectory
    Matching" (DATM, ICLR 2024), section 3.3, and the authors' code for rate and momentum (its
    settings for CIFAR-10, 10 images per class; 5 for one image). Not taken over from that code: an
    image that no expert classifies correctly gets 0 / 0; here its label starts from the mean of all
    experts' logits, the greatest of which changes places with that of its class. What is stored is
    probabilities, where that code stores z in float32.
    """

    lr: float | None = hyper(
        2.0,
        help="learning rate of the labels; that of the images if left out",
        source="DATM's settings for CIFAR-10, lr_y",
        minimum=0.0,
    )
    momentum: float | None = hyper(
        0.9,
        help="momentum of the labels' SGD; that of the images if left out",
        source="DATM's code, Momentum_y",
        minimum=0.0,
    )
    storage: str = hyper(
        "float16",
        help="how labels are stored: floats, 4 to 8 bits a class, or the two likeliest classes",
        source="ours",
        values=SOFT_STORAGE,
    )

    registered: ClassVar[str] = "experts"
    couples_classes: ClassVar[bool] = True
    needs_trained: ClassVar[bool] = True
    form: ClassVar[str] = "probabilities"

    @torch.no_grad()
    def start(self, setting: RunSetting, images: Tensor) -> Tensor:
        """Return z, (M, K) float32, before the first step."""
        trained = require_trained(setting)
        wanted = hard_labels(setting)
        right = torch.zeros(len(images), 1, device=images.device)
        of_right, of_all = (
            torch.zeros(len(images), setting.classes, device=images.device) for _ in range(2)
        )
        for index in range(trained.count):
            network = trained.finished(index)
            parts = torch.split(images, IMAGES_AT_ONCE)
            logits = torch.cat([network(part) for part in parts])
            correct = (logits.argmax(1) == wanted).float().unsqueeze(1)
            right, of_all = right + correct, of_all + logits
            of_right = of_right + correct * logits
        mean = right_class_first(of_all / trained.count, wanted)
        return torch.where(right > 0, of_right / right.clamp_min(1), mean)

    def decode(self, learned: Tensor) -> Tensor:
        """The labels in use, (M, K), differentiable in `learned`."""
        return torch.softmax(learned, 1)


def right_class_first(logits: Tensor, labels: Tensor) -> Tensor:
    """Return logits (M, K) in which the greatest has changed places with that of the label (M,)."""
    found = logits.clone()
    rows, greatest = torch.arange(len(logits), device=logits.device), logits.argmax(1)
    found[rows, greatest] = logits[rows, labels]
    found[rows, labels] = logits[rows, greatest]
    return found
