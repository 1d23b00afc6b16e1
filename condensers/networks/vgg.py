"""VGG-11 for small images: eight 3 x 3 convolutions with norm and ReLU in five stages, each ended
by max pooling.

Source: Simonyan & Zisserman (ICLR 2015), configuration A, as the code of DC, DSA and DM has it for
32 pixels (VICO-UoE/DatasetCondensation, networks.py): instance norm (group norm with a group a
channel), one linear layer, no dropout. The first convolution pads grey and 28-pixel images by 3, so
that 28 pixels become 32. Differs: what is left after the last stage is averaged over its positions,
the same where that is one pixel (32-pixel images), so that larger images fit too.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.base import Blocks, NetworkSpec
from condensers.networks.convnet import ACTIVATIONS, NORMS

STAGES = (
    (1,),
    (2,),
    (4, 4),
    (8, 8),
    (8, 8),
)  # channels of each convolution, in multiples of the first's


@dataclass(frozen=True)
class VGG11Spec(NetworkSpec):
    """VGG-11 with a norm after each convolution."""

    width: int = hyper(
        64,
        unit="channels",
        help="channels of the first layer",
        source="Simonyan & Zisserman 2015",
        minimum=1,
    )
    norm: str = hyper(
        "instance",
        help="normalisation after each convolution",
        source="DC's code",
        values=("none", "batch", "instance", "group"),
    )

    registered: ClassVar[str] = "vgg11"

    def module(self, shape: tuple[int, int, int], classes: int) -> "VGG11":
        return VGG11(self, shape, classes)


class VGG11(Blocks):
    """The module of a VGG11Spec, for images of `shape` (C, H, W)."""

    def __init__(self, spec: VGG11Spec, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        padding = 3 if channels == 1 or min(height, width) == 28 else 1
        if min(height, width) + 2 * padding - 2 < 32:
            raise UsageError(
                f"vgg11: {height} x {width} pixels are too small to be halved five times; take"
                " images of 28 or 32 pixels at least, or convnet"
            )
        stages = []
        for multiples in STAGES:
            layers: list[nn.Module] = []
            for multiple in multiples:
                outputs = multiple * spec.width
                convolution = nn.Conv2d(channels, outputs, 3, padding=padding)
                layers += [convolution, NORMS[spec.norm](outputs, 0), ACTIVATIONS["relu"]()]
                channels, padding = outputs, 1
            stages.append(nn.Sequential(*layers, nn.MaxPool2d(2)))
        self.blocks = nn.ModuleList(stages)
        self.classifier = nn.Linear(channels, classes)

    def embed(self, x: Tensor) -> Tensor:
        """(N, 8 * width), averaged over the last stage's positions."""
        return self.features(x)[-1].mean((2, 3))
