"""ConvNet-D: blocks of convolution, normalisation, activation and pooling, then one linear layer.

Source: Zhao et al., "Dataset Condensation with Gradient Matching" (ICLR 2021), section 4.1 (D = 3,
width 128, instance norm, ReLU, average pooling). The first convolution pads by 3 for 28-pixel
images, so that they become 32 pixels wide.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks import fused
from condensers.networks.base import Blocks, NetworkSpec


def group_norm(width: int) -> nn.GroupNorm:
    """Four groups of channels; UsageError where the width does not allow it."""
    if width % 4:
        near = width + 4 - width % 4
        raise UsageError(
            f"norm group: width {width} is not a multiple of its 4 groups; take {near} or another"
            " norm"
        )
    return nn.GroupNorm(4, width)


NORMS: dict[str, Callable[[int, int], nn.Module]] = {
    "none": lambda width, size: nn.Identity(),
    "batch": lambda width, size: nn.BatchNorm2d(width),
    "layer": lambda width, size: nn.LayerNorm([width, size, size]),
    "instance": lambda width, size: nn.GroupNorm(width, width),
    "group": lambda width, size: group_norm(width),
}


class Block(nn.Sequential):
    """Convolution, norm, activation and pooling; one operation where instance norm, a (leaky) ReLU
    and averages allow it.
    """

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) -> (N, width, H', W')."""
        single = self.single(x)
        if single is not None:
            return single([self[0].weight, self[0].bias, self[1].weight, self[1].bias])
        for module in self:
            x = module(x)
        return x

    def single(self, x: Tensor, groups: int = 1) -> Callable[[Any], Tensor] | None:
        """The block of `x` as one operation on weights of convolution and norm; None where it is
        not to be one at present.
        """
        convolution, norm, activation, pooling = self
        if not (
            isinstance(norm, nn.GroupNorm)
            and isinstance(activation, nn.LeakyReLU)
            and isinstance(convolution, nn.Conv2d)
        ):
            return None
        known = norm.num_groups == norm.num_channels and isinstance(pooling, MeanPool | nn.Identity)
        if not known or activation._forward_hooks or not fused.runs(x, convolution.weight):
            return None
        padding, pool = int(convolution.padding[0]), isinstance(pooling, MeanPool)
        return partial(
            fused.block,
            x,
            settings=fused.Settings(padding, activation.negative_slope, norm.eps, pool, groups),
        )


class MeanPool(nn.Module):
    """2 x 2 average pooling with stride 2; an odd last row or column is left out, as in
    nn.AvgPool2d(2).

    On a CPU torch's own kernel takes a third of a narrow network's time; sums of slices give the
    same to rounding.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda:
            return functional.avg_pool2d(x, 2)
        height, width = x.shape[-2] // 2 * 2, x.shape[-1] // 2 * 2
        rows = x[..., 0:height:2, :width] + x[..., 1:height:2, :width]
        return (rows[..., ::2] + rows[..., 1::2]) * 0.25


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "relu": lambda: nn.LeakyReLU(
        0.0
    ),  # the same function; on a CPU its backward pass takes half as long as nn.ReLU's
    "leakyrelu": lambda: nn.LeakyReLU(0.01),
    "swish": nn.SiLU,
}
POOLINGS: dict[str, Callable[[], nn.Module]] = {
    "none": nn.Identity,
    "max": lambda: nn.MaxPool2d(2),
    "avg": MeanPool,
}


@dataclass(frozen=True)
class ConvNetSpec(NetworkSpec):
    """ConvNet-D, the network of the condensation papers."""

    depth: int = hyper(3, unit="blocks", source="DC, section 4.1", minimum=1)
    width: int = hyper(128, unit="channels", source="DC, section 4.1", minimum=1)
    norm: str = hyper(
        "instance", source="DC, section 4.1", values=("none", "batch", "layer", "instance", "group")
    )
    activation: str = hyper(
        "relu", source="DC, section 4.1", values=("sigmoid", "relu", "leakyrelu", "swish")
    )
    pooling: str = hyper("avg", source="DC, section 4.1", values=("none", "max", "avg"))

    registered: ClassVar[str] = "convnet"

    def module(self, shape: tuple[int, int, int], classes: int) -> "ConvNet":
        return ConvNet(self, shape, classes)


class ConvNet(Blocks):
    """The module of a ConvNetSpec, for images of `shape` (C, H, W), square."""

    def __init__(self, spec: ConvNetSpec, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, size, columns = shape
        if size != columns:
            raise UsageError(
                f"convnet: images must be square, not {size} x {columns}; pad or crop them, or take"
                " resnet18"
            )
        blocks = []
        for index in range(spec.depth):
            padding = 3 if index == 0 and size == 28 else 1
            size += 2 * padding - 2
            convolution = nn.Conv2d(channels, spec.width, 3, padding=padding)
            norm = NORMS[spec.norm](spec.width, size)
            blocks.append(
                Block(convolution, norm, ACTIVATIONS[spec.activation](), POOLINGS[spec.pooling]())
            )
            channels = spec.width
            size = size if spec.pooling == "none" else size // 2
            if size < 1:
                raise UsageError(
                    f"convnet: depth {spec.depth} is too deep for {shape[1]}-pixel images; take at"
                    f" most {index}"
                )
        self.blocks = nn.ModuleList(blocks)
        self.classifier = nn.Linear(spec.width * size * size, classes)
