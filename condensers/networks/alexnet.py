"""AlexNet for small images: five convolutions with ReLU, three of them followed by max pooling,
then one linear layer.

Source: Krizhevsky et al. (NIPS 2012), as the code of DC, DSA and DM has it for 32 pixels
(VICO-UoE/DatasetCondensation, networks.py): kernels 5, 5, 3, 3, 3 of stride 1 with 128, 192, 256,
192, 192 channels, no norm, no dropout. The first convolution pads grey images by 4, so that 28
pixels become 32. Differs: the linear layer fits images of any size.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.base import Blocks, NetworkSpec
from condensers.networks.convnet import ACTIVATIONS


@dataclass(frozen=True)
class AlexNetSpec(NetworkSpec):
    """AlexNet for small images; the later layers' channels grow with those of the first."""

    width: int = hyper(
        128, unit="channels", help="channels of the first layer", source="DC's code", minimum=2
    )

    registered: ClassVar[str] = "alexnet"

    def module(self, shape: tuple[int, int, int], classes: int) -> "AlexNet":
        return AlexNet(self, shape, classes)


class AlexNet(Blocks):
    """The module of an AlexNetSpec, for images of `shape` (C, H, W)."""

    def __init__(self, spec: AlexNetSpec, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        grey = 4 if channels == 1 else 2
        rows, columns = (side + 2 * grey - 4 for side in (height, width))
        if min(rows, columns) < 8:
            raise UsageError(
                f"alexnet: {height} x {width} pixels are too small to be halved three times; take"
                " convnet or mlp"
            )
        first, second, third = spec.width, spec.width * 3 // 2, spec.width * 2
        layers = (
            (first, 5, grey, True),
            (second, 5, 2, True),
            (third, 3, 1, False),
            (second, 3, 1, False),
            (second, 3, 1, True),
        )
        blocks = []
        for outputs, kernel, padding, pooled in layers:
            block = [nn.Conv2d(channels, outputs, kernel, padding=padding), ACTIVATIONS["relu"]()]
            blocks.append(nn.Sequential(*block, *([nn.MaxPool2d(2)] if pooled else [])))
            channels = outputs
        self.blocks = nn.ModuleList(blocks)
        self.classifier = nn.Linear(channels * (rows // 8) * (columns // 8), classes)
