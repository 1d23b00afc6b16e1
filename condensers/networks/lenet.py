"""LeNet: two convolutions of 5 x 5 with ReLU and max pooling, then 120 and 84 hidden units.

Source: LeCun et al., "Gradient-based learning applied to document recognition" (1998), with ReLU
and max pooling as in DC's code. Grey images are padded by 2.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.base import Blocks, NetworkSpec


@dataclass(frozen=True)
class LeNetSpec(NetworkSpec):
    """LeNet-5 with ReLU and max pooling."""

    width: int = hyper(
        6,
        unit="channels",
        help="channels of the first layer",
        source="LeCun et al. 1998",
        minimum=1,
    )

    registered: ClassVar[str] = "lenet"

    def module(self, shape: tuple[int, int, int], classes: int) -> "LeNet":
        return LeNet(self, shape, classes)


class LeNet(Blocks):
    """The module of a LeNetSpec, for images of `shape` (C, H, W)."""

    def __init__(self, spec: LeNetSpec, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        padding = 2 if channels == 1 else 0
        if min(height, width) + 2 * padding < 16:
            raise UsageError(
                f"lenet: {height} x {width} pixels are too small for two 5 x 5 convolutions; take"
                " convnet or mlp"
            )
        first = nn.Sequential(
            nn.Conv2d(channels, spec.width, 5, padding=padding), nn.ReLU(), nn.MaxPool2d(2)
        )
        second = nn.Sequential(nn.Conv2d(spec.width, 16, 5), nn.ReLU(), nn.MaxPool2d(2))
        self.blocks = nn.ModuleList([first, second])
        with torch.no_grad():
            flat = second(first(torch.zeros(1, *shape))).numel()
        self.hidden = nn.Sequential(nn.Linear(flat, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU())
        self.classifier = nn.Linear(84, classes)

    def features(self, x: Tensor) -> list[Tensor]:
        """Both blocks' outputs (N, C_b, H_b, W_b) and the hidden units (N, 84)."""
        outputs = super().features(x)
        return [*outputs, self.hidden(outputs[-1].flatten(1))]
