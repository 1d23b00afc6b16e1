"""Recovery: images of which a trained network says their class, and whose statistics inside it are
those of the real images.

L = sum_B [ mean_{s in B} CE( f(A(s)), y_s )
    + w sum_l m_l ( || mean_l(B) - mean_l ||_2 + || var_l(B) - var_l ||_2 ) ]

B: batches with as many images of every class; l: the batch norms of f, mean_l and var_l their
running statistics; m_l: `first` for the first layer, else 1. With the statistics "all" l also goes
over the convolutions, whose terms have those of patches beside (`input_statistics`), and each of
which is left out of a step with probability `skip`.

Source: Yin, Xing & Shen, "Squeeze, Recover and Relabel: Dataset Condensation at ImageNet Scale From
A New Perspective" (SRe2L, NeurIPS 2023), eq. 5 and 6, and its code for CIFAR (recover_cifar.py);
Shao et al., G-VBSM (CVPR 2024), and its code for "all". Differences: G-VBSM matches moving averages
of the synthetic statistics over steps, which its code starts from zero, because it asks whether
0.0 is an int, and carries over from one batch of images to the next; here they are those of the
step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import Whole, WholeSetObjective
from condensers.parts.objectives.input_statistics import (
    Listener,
    carried_by,
    channel_statistics,
    layers_of,
    statistics_of,
)
from condensers.parts.setting import Given, require_network


@final
@dataclass(frozen=True)
class Recovery(WholeSetObjective):
    """Cross-entropy of the images under a trained network, and statistics inside it."""

    weight: float = hyper(
        0.01,
        help="weight of the statistics",
        source="SRe2L's commands for CIFAR, --r-bn; G-VBSM's, --r-loss",
        minimum=0.0,
    )
    first: float = hyper(
        10.0,
        help="weight of the first layer's statistics among them",
        source="SRe2L's code, --first-bn-multiplier",
        minimum=0.0,
    )
    statistics: str = hyper(
        "batch-norm",
        help="batch-norm: running statistics; all: also what convolutions read of real images",
        source="SRe2L (G-VBSM: all)",
        values=("batch-norm", "all"),
    )
    skip: float = hyper(
        0.0,
        help="probability that a convolution's statistics are left out of a step",
        source="SRe2L (G-VBSM's code, --drop-rate: 0.4)",
        minimum=0.0,
    )
    batch: int = hyper(
        100,
        unit="images",
        help="images that share their statistics; at least one of each class",
        source="SRe2L's code, --batch-size",
        minimum=1,
    )

    registered: ClassVar[str] = "recovery"
    couples_classes: ClassVar[bool] = True
    real: ClassVar[bool] = False
    passes: ClassVar[tuple[float, float]] = (0.0, 1.0)
    label_forms: ClassVar[Sequence[str]] = ("hard", "probabilities")

    @property
    def needs_batch_norm(self) -> bool:
        """Whether batch norm is all that is read."""
        return self.statistics == "batch-norm"

    @property
    def needs_measurements(self) -> bool:
        """Whether what convolutions read counts."""
        return self.statistics == "all"

    def loss(self, given: Given, whole: Whole) -> Tensor:
        """Return the loss, differentiable in what is learned."""
        network = require_network(given).eval()
        images, losses = whole.augment(whole.images), []
        layers = layers_of(network, self.needs_measurements)
        for chosen in self._batches(images, len(whole.setting.data.classes)):
            with Listener(layers) as listener:
                logits = network(images[chosen])
            kept = self._kept(layers, whole.generator)
            terms = layer_distances(network, layers, listener.read, kept)
            losses.append(functional.cross_entropy(logits, whole.labels[chosen]))
            losses += [
                self.weight * (self.first if index == 0 else 1.0) * term
                for index, term in terms.items()
            ]
        return torch.stack(losses).sum()

    def _batches(self, images: Tensor, classes: int) -> Iterator[Tensor]:
        """Yield positions (n,) int64 of batches with as many images of every class."""
        each = max(1, self.batch // classes)
        positions = torch.arange(len(images), device=images.device).view(classes, -1)
        for part in torch.split(positions, each, dim=1):
            yield part.flatten()

    def _kept(self, layers: Sequence[nn.Module], generator: torch.Generator) -> list[bool]:
        """Whether each layer counts at this step; nothing is drawn where all do."""
        if self.skip == 0:
            return [True] * len(layers)
        drawn = (torch.rand(len(layers), generator=generator) >= self.skip).tolist()
        return [
            keep or isinstance(layer, nn.BatchNorm2d)
            for keep, layer in zip(drawn, layers, strict=True)
        ]


def layer_distances(
    network: nn.Module, layers: Sequence[nn.Module], read: Sequence[Tensor], kept: Sequence[bool]
) -> dict[int, Tensor]:
    """Return the distance of each layer's statistics from those of the real images.

    Args:
        network: Carries what its convolutions read of real images, if there are any in `layers`.
        layers: Batch norms and convolutions, in the network's order.
        read: What each has read, (N, C, H, W).
        kept: Whether each counts.

    Returns:
        Index of a layer -> a scalar, differentiable in `read`, for those that count.
    """
    measured, distances = iter(carried_by(network)), {}
    for index, (layer, seen) in enumerate(zip(layers, read, strict=True)):
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None and layer.running_var is not None
            real: Sequence[Tensor] = (layer.running_mean, layer.running_var)
            found: Sequence[Tensor] = channel_statistics(seen)
        else:
            real, found = next(measured), statistics_of(seen)
        if kept[index]:
            distances[index] = torch.stack(
                [(one - other).norm() for one, other in zip(found, real, strict=True)]
            ).sum()
    return distances
