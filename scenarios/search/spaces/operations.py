"""The operations on the edges of cell spaces, (N, C, H, W) -> (N, C', H / stride, W / stride),
sizes rounded up.

Source: appendix A.1.1 of DARTS (Liu et al., ICLR 2019) and section 2.1 of NAS-Bench-201 (Dong &
Yang, ICLR 2020).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional


class ConvUnit(nn.Sequential):
    """ReLU, convolutions without bias, batch norm."""

    def __init__(self, *convolutions: nn.Conv2d) -> None:
        super().__init__(nn.ReLU(), *convolutions, nn.BatchNorm2d(convolutions[-1].out_channels))


def make_conv(channels: int, out: int, kernel: int, stride: int = 1) -> ConvUnit:
    """ReLU, one convolution, batch norm."""
    return ConvUnit(nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False))


def make_depthwise(channels: int, kernel: int, stride: int, dilation: int = 1) -> ConvUnit:
    """ReLU, a convolution of each channel by itself, a convolution of single pixels, batch norm."""
    padding = dilation * (kernel // 2)
    spatial = nn.Conv2d(
        channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False
    )
    return ConvUnit(spatial, nn.Conv2d(channels, channels, 1, bias=False))


def make_separable(channels: int, kernel: int, stride: int) -> nn.Sequential:
    """A depthwise unit twice, of which the first has the stride."""
    return nn.Sequential(
        make_depthwise(channels, kernel, stride), make_depthwise(channels, kernel, 1)
    )


class Zero(nn.Module):
    """No connection: zeros."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class Halving(nn.Module):
    """Half of the pixels each way: ReLU, two convolutions of stride 2 set off by a pixel,
    concatenated, batch norm.
    """

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(channels, out // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(channels, out - out // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(x)
        shifted = functional.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        normed: Tensor = self.norm(torch.cat([self.even(x), self.odd(shifted)], 1))
        return normed


class ResidualHalving(nn.Module):
    """The residual block of stride 2 between the stages of NAS-Bench-201."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(make_conv(channels, out, 3, 2), make_conv(out, out, 3))
        mean = nn.AvgPool2d(
            2, 2, ceil_mode=True
        )  # the authors' pool rounds odd sizes down, the branch up
        self.shortcut = nn.Sequential(mean, nn.Conv2d(channels, out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.shortcut(x) + self.branch(x)
        return total


class Pool(nn.Sequential):
    """A pooling of torch's; on a CPU with the channels last in memory, where torch's kernels are
    vector code and take less than half the time, there and back.
    """

    def forward(self, x: Tensor) -> Tensor:
        on_cpu = x.device.type == "cpu"
        if on_cpu:
            x = x.contiguous(memory_format=torch.channels_last)
        for module in self:
            x = module(x)
        return x.contiguous() if on_cpu else x


def make_mean_pool(stride: int) -> Pool:
    """The mean of 3 x 3 pixels, without those outside of the image."""
    return Pool(nn.AvgPool2d(3, stride, 1, count_include_pad=False))


def make_max_pool(stride: int) -> Pool:
    """The greatest of 3 x 3 pixels."""
    return Pool(nn.MaxPool2d(3, stride, 1))


OPERATIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "none": lambda channels, stride: Zero(),
    "skip_connect": lambda channels, stride: (
        nn.Identity() if stride == 1 else Halving(channels, channels)
    ),
    "conv_1x1": lambda channels, stride: make_conv(channels, channels, 1, stride),
    "conv_3x3": lambda channels, stride: make_conv(channels, channels, 3, stride),
    "max_pool_3x3": lambda channels, stride: make_max_pool(stride),
    "avg_pool_3x3": lambda channels, stride: make_mean_pool(stride),
    "sep_conv_3x3": lambda channels, stride: make_separable(channels, 3, stride),
    "sep_conv_5x5": lambda channels, stride: make_separable(channels, 5, stride),
    "dil_conv_3x3": lambda channels, stride: make_depthwise(channels, 3, stride, 2),
    "dil_conv_5x5": lambda channels, stride: make_depthwise(channels, 5, stride, 2),
}
