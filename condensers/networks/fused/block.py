"""A block of a ConvNet as one operation: convolution, instance norm, (leaky) ReLU and 2 x 2 mean
pooling.

z = w * x,   xh = (z - m) / s,   y = act(scale xh + shift),   out = pool(y);   m, s: mean and
deviation of each channel's pixels. Back, with d = act'(y) pool'(dout):  dscale = sum d xh,  dshift
= sum d,  dz = scale / s (d - mean(d) - xh mean(d xh)).

The same mathematics as the modules, other roundings. A bias before the norm has no effect and its
gradient is zero; the modules give it the rounding errors of a sum that should be zero. Two passes
over memory stand where the modules take ten; convolutions are torch's, channels-last. With
`create_graph` the way back is taken by torch, to be differentiated again.
"""

import ctypes
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from condensers.networks.fused.convolution import channels_last as _last
from condensers.networks.fused.convolution import convolve, convolve_back
from condensers.networks.fused.native import library
from condensers.networks.fused.threads import over
from condensers.networks.precision import single_operations

LAST = torch.channels_last


def runs(x: Tensor, weight: Tensor) -> bool:
    """Whether a block of these may be one operation: on a CPU, in float32 or bfloat16, where there
    is a library.
    """
    known = (
        x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.bfloat16)
        and weight.dtype == torch.float32
    )
    return known and single_operations() and library() is not None


class FusedSettings(NamedTuple):
    """padding: of the convolution, in pixels. slope: of the activation below zero. pool: whether it
    ends with pooling.
    """

    padding: int
    slope: float
    eps: float
    pool: bool
    groups: int = 1


def block(x: Tensor, weights: Sequence[Tensor | None], settings: FusedSettings) -> Tensor:
    """x (N, C, H, W) -> (N, width, H', W'), halved by pooling; bfloat16 under torch.autocast.

    weights: the convolution's (width, C / groups, 3, 3) and (width,), the norm's scale and shift
    (width,) each.
    """
    found: Tensor = FusedBlock.apply(
        x.bfloat16() if torch.is_autocast_enabled("cpu") else x, *weights, settings
    )
    return found


class FusedBlock(torch.autograd.Function):
    """x (N, C, H, W) float32 or bfloat16; weight, bias, scale, shift float32; settings: of
    `FusedSettings`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        scale: Tensor,
        shift: Tensor,
        settings: Any,
    ) -> Any:
        padding, slope, eps, pool, groups = settings
        z = convolve(x, weight, padding, groups)
        n, channels, height, width = z.shape
        size = (n, channels, height // 2, width // 2) if pool else (n, channels, height, width)
        out = torch.empty(size, dtype=z.dtype, memory_format=LAST)
        mean, rstd = (torch.empty(n, channels) for _ in range(2))
        _kernel(
            "forward",
            z,
            pool,
            (z, scale.contiguous(), shift.contiguous()),
            (slope, eps),
            (out, mean, rstd),
        )
        ctx.save_for_backward(x, weight, bias, scale, shift, z, mean, rstd)
        ctx.settings = settings
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight, bias, scale, shift, z, mean, rstd = ctx.saved_tensors
        padding, slope, _, pool, groups = ctx.settings
        if torch.is_grad_enabled():
            return *_again((x, weight, bias, scale, shift), ctx, grad), None
        dz, dscale, dshift = torch.empty_like(z), torch.empty_like(mean), torch.empty_like(mean)
        given = (_last(grad), z, scale.contiguous(), shift.contiguous())
        _kernel("backward", z, pool, given, (slope,), (mean, rstd, dz, dscale, dshift))
        dx, dweight = convolve_back(dz, x, weight, (padding, groups), ctx.needs_input_grad[:2])
        return dx, dweight, torch.zeros_like(bias), dscale.sum(0), dshift.sum(0), None


def _kernel(
    name: str,
    z: Tensor,
    pool: bool,
    given: Sequence[Tensor],
    numbers: Sequence[float],
    others: Sequence[Tensor],
) -> None:
    """Call a kernel of block.h on all images of z (N, C, H, W); its arguments in their order,
    around the size and the images.
    """
    n, channels, height, width = z.shape
    size = (ctypes.c_long * 4)(height, width, channels, pool)
    first_ones, last_ones = ([tensor.data_ptr() for tensor in some] for some in (given, others))
    call = getattr(library(), f"{name}_{str(z.dtype)[6:]}")
    over(n, lambda first, last: call(*first_ones, *numbers, size, first, last, *last_ones))


def _again(tensors: tuple[Tensor, ...], ctx: Any, grad: Tensor) -> list[Tensor | None]:
    """The gradients by torch's operations, with a graph of their own."""
    padding, slope, eps, pool, groups = ctx.settings
    x, weight, bias, scale, shift = tensors
    z = functional.conv2d(x, weight.to(x.dtype), bias.to(x.dtype), padding=padding, groups=groups)
    y = functional.leaky_relu(
        functional.group_norm(z, z.shape[1], scale.to(x.dtype), shift.to(x.dtype), eps), slope
    )
    out = functional.avg_pool2d(y, 2) if pool else y
    needed = [tensor for tensor, needs in zip(tensors, ctx.needs_input_grad, strict=False) if needs]
    found = iter(torch.autograd.grad(out, needed, grad, create_graph=True))
    return [next(found) if needs else None for needs in ctx.needs_input_grad[:5]]
