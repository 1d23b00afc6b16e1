"""ConvNet-D: blocks of convolution, normalisation, activation and pooling, then one linear layer.

Source: Zhao et al., "Dataset Condensation with Gradient Matching" (ICLR 2021), section 4.1 (D = 3,
width 128, instance norm, ReLU, average pooling). The first convolution pads by 3 for 28-pixel
images, so that they become 32 pixels wide.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

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


class ConvBlock(nn.Sequential):
    """Convolution, norm, activation and pooling; on a CPU one operation, where nothing forbids."""

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) -> (N, width, H', W')."""
        single = self.single(x)
        if single is not None:
            weights = [
                self[index]._parameters.get(name) for index in (0, 1) for name in ("weight", "bias")
            ]
            return single(weights)
        for module in self:
            x = module(x)
        return x

    def single(
        self, x: Tensor, groups: int = 1, count: int = 1
    ) -> Callable[[Sequence[Tensor | None]], Tensor] | None:
        """The block of `x` as one operation on weights of convolution and norm; None where it is
        not to be one at present.

        groups: of the convolution. count: how many such blocks stand side by side.
        """
        convolution, norm, activation, pooling = self
        weight = convolution._parameters.get("weight")
        if weight is None or not fused.runs(x, weight) or fused.are_hooked(self):
            return None
        settings = fused.settings_of(
            x, (convolution, norm, activation), _pooling_of(pooling), groups, count
        )
        return None if settings is None else partial(fused.block, x, settings=settings)


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


def _pooling_of(module: nn.Module) -> int | None:
    return fused.MEAN if type(module) is MeanPool else fused.pooling_of(module)


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
        "instance",
        help="normalisation after each convolution",
        source="DC, section 4.1",
        values=("none", "batch", "layer", "instance", "group"),
    )
    activation: str = hyper(
        "relu",
        help="activation of each block",
        source="DC, section 4.1",
        values=("sigmoid", "relu", "leakyrelu", "swish"),
    )
    pooling: str = hyper(
        "avg",
        help="pooling at the end of each block",
        source="DC, section 4.1",
        values=("none", "max", "avg"),
    )

    registered: ClassVar[str] = "convnet"

    def module(self, shape: tuple[int, int, int], classes: int) -> "ConvNet":
        return ConvNet(
            shape,
            classes,
            depth=self.depth,
            width=self.width,
            norm=self.norm,
            activation=self.activation,
            pooling=self.pooling,
        )


class ConvNet(Blocks):
    """ConvNet-D as a module.

    Args:
        shape: (C, H, W) of an image; H and W are equal.
        classes: Number of logits.
        depth: Number of blocks, each of which halves the image's side if it pools.
        width: Channels of each block.
        norm: One of `NORMS`.
        activation: One of `ACTIVATIONS`.
        pooling: One of `POOLINGS`.

    Raises:
        UsageError: The images are not square, or too small for the depth.

    Examples:
        >>> import torch
        >>> from condensers.networks.convnet import ConvNet
        >>> network = ConvNet((1, 28, 28), classes=10, depth=3, width=32)
        >>> network(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        classes: int,
        *,
        depth: int = 3,
        width: int = 128,
        norm: str = "instance",
        activation: str = "relu",
        pooling: str = "avg",
    ) -> None:
        super().__init__()
        channels, size, columns = shape
        if size != columns:
            raise UsageError(
                f"convnet: images must be square, not {size} x {columns}; pad or crop them, or take"
                " resnet18"
            )
        blocks = []
        for index in range(depth):
            padding = 3 if index == 0 and size == 28 else 1
            size += 2 * padding - 2
            convolution = nn.Conv2d(channels, width, 3, padding=padding)
            normalisation = NORMS[norm](width, size)
            blocks.append(
                ConvBlock(
                    convolution, normalisation, ACTIVATIONS[activation](), POOLINGS[pooling]()
                )
            )
            channels = width
            size = size if pooling == "none" else size // 2
            if size < 1:
                raise UsageError(
                    f"convnet: depth {depth} is too deep for {shape[1]}-pixel images; take at"
                    f" most {index}"
                )
        self.blocks = nn.ModuleList(blocks)
        self.classifier = nn.Linear(width * size * size, classes)
