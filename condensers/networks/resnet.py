"""ResNet-18 for small images: a 3 x 3 stem without pooling, four stages of two residual blocks, average pooling.

Source: He et al., "Deep residual learning for image recognition" (CVPR 2016); the stem and the choice of norm as in the
condensation papers (DC's code: instance norm as group norm with a group a channel, batch norm as the alternative).
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError
from condensers.fields import hyper
from condensers.networks.convnet import NORMS


@dataclass(frozen=True)
class ResNet18Spec:
    """ResNet-18 with a stem for small images."""

    width: int = hyper(64, unit="channels of the first stage", source="He et al. 2016", minimum=4)
    norm: str = hyper("instance", source="DC's code", values=("none", "batch", "instance", "group"))

    registered: ClassVar[str] = "resnet18"

    def module(self, shape: tuple[int, int, int], classes: int) -> "ResNet18":
        return ResNet18(self, shape, classes)


class Block(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: str) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([NORMS[norm](outputs, 0), NORMS[norm](outputs, 0)])
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), NORMS[norm](outputs, 0))

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.norms[0](self.first(x)))
        out = self.norms[1](self.second(out))
        return functional.relu(out + self.shortcut(x))


class ResNet18(nn.Module):
    """The module of a ResNet18Spec, for images of `shape` (C, H, W)."""

    def __init__(self, spec: ResNet18Spec, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        width = spec.width
        if spec.norm == "instance" and max(shape[1:]) <= 8:
            raise UsageError(
                f"resnet18: {shape[1]} x {shape[2]} pixels shrink to one, whose instance norm is always zero;"
                " take norm group or batch"
            )
        stem = nn.Conv2d(shape[0], width, 3, padding=1, bias=False)
        self.stem = nn.Sequential(stem, NORMS[spec.norm](width, 0), nn.ReLU())
        stages, inputs = [], width
        for outputs, stride in zip((width, 2 * width, 4 * width, 8 * width), (1, 2, 2, 2), strict=True):
            stages.append(nn.Sequential(Block(inputs, outputs, stride, spec.norm), Block(outputs, outputs, 1, spec.norm)))
            inputs = outputs
        self.blocks = nn.ModuleList(stages)
        self.classifier = nn.Linear(inputs, classes)

    def features(self, x: Tensor) -> list[Tensor]:
        """Each stage's output (N, C_b, H_b, W_b)."""
        x, outputs = self.stem(x), []
        for stage in self.blocks:
            x = stage(x)
            outputs.append(x)
        return outputs

    def embed(self, x: Tensor) -> Tensor:
        """(N, 8 * width), averaged over the last stage's positions."""
        return self.features(x)[-1].mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.embed(x))
        return logits
