"""MLP: two hidden layers of 128 units with ReLU (DC, ICLR 2021, section 4.1 and code)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from condensers.hyperparameters import hyper
from condensers.networks.base import NetworkSpec
from condensers.networks.precision import casting, widened


@dataclass(frozen=True)
class MLPSpec(NetworkSpec):
    """Multi-layer perceptron on the flattened image."""

    depth: int = hyper(2, unit="layers", help="hidden layers", source="DC's code", minimum=1)
    width: int = hyper(128, unit="units", source="DC's code", minimum=1)

    registered: ClassVar[str] = "mlp"

    def module(self, shape: tuple[int, int, int], classes: int) -> "MLP":
        return MLP(self, shape, classes)


class MLP(nn.Module):
    """The module of an MLPSpec, for images of `shape` (C, H, W)."""

    def __init__(self, spec: MLPSpec, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        inputs = shape[0] * shape[1] * shape[2]
        widths = [inputs, *[spec.width] * spec.depth]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.classifier = nn.Linear(spec.width, classes)

    def features(self, x: Tensor) -> list[Tensor]:
        """Each hidden layer's output (N, width), after ReLU."""
        x, outputs = x.flatten(1), []
        with casting(x):
            for layer in self.layers:
                x = layer(x).relu()
                outputs.append(widened(x))
        return outputs

    def embed(self, x: Tensor) -> Tensor:
        """(N, width)."""
        return self.features(x)[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.embed(x))
        return logits
