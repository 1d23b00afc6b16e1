"""ResNet-18 for small images: a 3 x 3 stem without pooling, four stages of two residual blocks, one
linear layer.

Source: He et al., "Deep residual learning for image recognition" (CVPR 2016); the stem and the
choice of norm as in the condensation papers (DC's code: instance norm as group norm with a group a
channel, batch norm as the alternative). With downsampling "average" it is the code's ResNet18_AP:
no convolution has a stride, 2 x 2 average pooling follows instead, and the linear layer reads all
positions of the last stage, where the other reads their mean.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.base import NetworkSpec
from condensers.networks.convnet import NORMS, MeanPool
from condensers.networks.precision import casting, widened


@dataclass(frozen=True)
class ResNet18Spec(NetworkSpec):
    """ResNet-18 with a stem for small images."""

    width: int = hyper(
        64,
        unit="channels",
        help="channels of the first stage",
        source="He et al. 2016 (GEM, for streams: 20)",
        minimum=4,
    )
    norm: str = hyper(
        "instance",
        help="normalisation after each convolution",
        source="DC's code",
        values=("none", "batch", "instance", "group"),
    )
    downsampling: str = hyper(
        "stride",
        help="how stages halve the image's side",
        source="He et al. 2016",
        values=("stride", "average"),
    )

    registered: ClassVar[str] = "resnet18"

    def module(self, shape: tuple[int, int, int], classes: int) -> "ResNet18":
        return ResNet18(self, shape, classes)


@dataclass(frozen=True)
class ResNet18APSpec(ResNet18Spec):
    """ResNet-18 with average pooling in place of strides."""

    downsampling: str = hyper(
        "average",
        help="how stages halve the image's side",
        source="DC's code: ResNet18_AP",
        values=("stride", "average"),
    )

    registered: ClassVar[str] = "resnet18-ap"


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut; `halves`: "" keeps the size, "stride" and "average"
    halve it.
    """

    def __init__(self, inputs: int, outputs: int, halves: str, norm: str) -> None:
        super().__init__()
        stride = 2 if halves == "stride" else 1
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([NORMS[norm](outputs, 0), NORMS[norm](outputs, 0)])
        self.pool: nn.Module = MeanPool() if halves == "average" else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if halves or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, self.pool, NORMS[norm](outputs, 0))

    def forward(self, x: Tensor) -> Tensor:
        out = self.pool(functional.relu(self.norms[0](self.first(x))))
        out = self.norms[1](self.second(out))
        return functional.relu(out + self.shortcut(x))


def last_size(shape: tuple[int, int, int], downsampling: str) -> tuple[int, int]:
    """Height and width after three halvings: a stride rounds up, pooling down."""
    rounding = 7 if downsampling == "stride" else 0
    return (shape[1] + rounding) // 8, (shape[2] + rounding) // 8


class ResNet18(nn.Module):
    """The module of a ResNet18Spec, for images of `shape` (C, H, W)."""

    def __init__(self, spec: ResNet18Spec, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        width, (rows, columns) = spec.width, last_size(shape, spec.downsampling)
        here = f"{spec.registered}: {shape[1]} x {shape[2]} pixels"
        if rows * columns == 0:
            raise UsageError(
                f"{here} are too small to be halved three times; take downsampling stride"
            )
        if spec.norm == "instance" and rows * columns == 1:
            raise UsageError(
                f"{here} shrink to one, whose instance norm is always zero; take norm group or"
                " batch"
            )
        stem = nn.Conv2d(shape[0], width, 3, padding=1, bias=False)
        self.stem = nn.Sequential(stem, NORMS[spec.norm](width, 0), nn.ReLU())
        stages, inputs = [], width
        for multiple in (1, 2, 4, 8):
            outputs, halves = multiple * width, spec.downsampling if multiple > 1 else ""
            stages.append(
                nn.Sequential(
                    ResidualBlock(inputs, outputs, halves, spec.norm),
                    ResidualBlock(outputs, outputs, "", spec.norm),
                )
            )
            inputs = outputs
        self.blocks = nn.ModuleList(stages)
        self.averages = spec.downsampling == "stride"
        self.classifier = nn.Linear(inputs if self.averages else inputs * rows * columns, classes)

    def features(self, x: Tensor) -> list[Tensor]:
        """Each stage's output (N, C_b, H_b, W_b)."""
        outputs = []
        with casting(x):
            x = self.stem(x)
            for stage in self.blocks:
                x = stage(x)
                outputs.append(widened(x))
        return outputs

    def embed(self, x: Tensor) -> Tensor:
        """(N, 8 * width), averaged over the last stage's positions; with average pooling (N, 8 *
        width * H_4 * W_4).
        """
        last = self.features(x)[-1]
        return last.mean((2, 3)) if self.averages else last.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.embed(x))
        return logits
