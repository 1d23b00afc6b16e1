"""MLP: two hidden layers of 128 units with ReLU (DC, ICLR 2021, section 4.1 and code).

With batch norm, a layer has no bias; GDumb's code has it in the hidden layers and on the logits.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.base import NetworkSpec
from condensers.networks.precision import casting, widened

EPSILON = 1e-6  # GDumb's code


@dataclass(frozen=True)
class MLPSpec(NetworkSpec):
    """Multi-layer perceptron on the flattened image."""

    depth: int = hyper(2, unit="layers", help="hidden layers", source="DC's code", minimum=1)
    width: int = hyper(128, unit="units", source="DC's code", minimum=1)
    norm: str = hyper(
        "none",
        help="normalisation of each hidden layer, before its ReLU",
        source="DC's code (GDumb's: batch)",
        values=("none", "batch"),
    )
    normalised_logits: bool = hyper(
        False, help="batch norm of the logits too", source="DC's code (GDumb's: true)"
    )

    registered: ClassVar[str] = "mlp"

    def module(self, shape: tuple[int, int, int], classes: int) -> "MLP":
        return MLP(self, shape, classes)


class MLP(nn.Module):
    """The module of an MLPSpec, for images of `shape` (C, H, W)."""

    def __init__(self, spec: MLPSpec, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        inputs = shape[0] * shape[1] * shape[2]
        widths = [inputs, *[spec.width] * spec.depth]
        normed = spec.norm == "batch"
        self.layers = nn.ModuleList(nn.Linear(a, b, bias=not normed) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(
            nn.BatchNorm1d(width, eps=EPSILON) if normed else nn.Identity() for width in widths[1:]
        )
        self.classifier = nn.Linear(spec.width, classes, bias=not spec.normalised_logits)
        self.last: nn.Module = (
            nn.BatchNorm1d(classes, eps=EPSILON) if spec.normalised_logits else nn.Identity()
        )
        self.alone = normed or spec.normalised_logits

    def features(self, x: Tensor) -> list[Tensor]:
        """Each hidden layer's output (N, width), after ReLU."""
        if self.alone and self.training and len(x) == 1:
            raise UsageError(
                "mlp: batch norm cannot train on a batch of one image; take another batch size"
            )
        x, outputs = x.flatten(1), []
        with casting(x):
            for layer, norm in zip(self.layers, self.norms, strict=True):
                x = norm(layer(x)).relu()
                outputs.append(widened(x))
        return outputs

    def embed(self, x: Tensor) -> Tensor:
        """(N, width)."""
        return self.features(x)[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.last(self.classifier(self.embed(x)))
        return logits
