"""A block of a ConvNet as one operation: convolution, norm, activation and 2 x 2 pooling.

z = w * x + bias,   xh = (z - m) / s,   y = scale xh + shift,   out = pool(act(y)).   m, s: mean and
deviation of the numbers that z's number belongs to: a channel's pixels in an image (instance norm)
or in a batch, those of several channels of an image (group, layer), or known. Back, with d =
act'(y) pool'(dout) and e = scale d:  dscale = sum d xh,  dshift = sum d,  dz = (e - mean(e) - xh
mean(e xh)) / s, where the means are over the same numbers.

The same mathematics as the modules, other roundings. A bias before instance or batch norm has no
effect and its gradient is zero; the modules give it the rounding errors of a sum that should be
zero. Two passes over memory stand where the modules take ten; convolutions are channels-last. With
`create_graph` the way back is taken by torch, to be differentiated again.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from condensers.networks.fused.by_torch import block_by_torch
from condensers.networks.fused.convolution import convolve, convolve_back
from condensers.networks.fused.kernels import Statistics, affine_of, normalise, normalise_back
from condensers.networks.fused.native import library
from condensers.networks.fused.settings import FusedSettings
from condensers.networks.precision import single_operations


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


def block(x: Tensor, weights: Sequence[Tensor | None], settings: FusedSettings) -> Tensor:
    """x (N, C, H, W) -> (N, width, H', W'), halved by pooling; bfloat16 under torch.autocast.

    weights: the convolution's (width, C / groups, 3, 3) and (width,); the norm's scale and shift,
    (width,) or (width, H, W) each. All but the first may be None.
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
        bias: Tensor | None,
        scale: Tensor | None,
        shift: Tensor | None,
        settings: FusedSettings,
    ) -> Any:
        z = convolve(x, weight, settings.padding, settings.groups)
        affine = affine_of(bias, scale, shift, z.shape[1])
        out, statistics = normalise(z, affine, settings)
        ctx.save_for_backward(x, weight, bias, scale, shift, z, *statistics)
        ctx.settings = settings
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight, bias, scale, shift, z, *found = ctx.saved_tensors
        settings, statistics, needs = ctx.settings, Statistics(*found), ctx.needs_input_grad
        if torch.is_grad_enabled():
            given = (x, weight, bias, scale, shift)
            return *_differentiate_again(given, statistics, settings, needs[:5], grad), None
        affine = affine_of(bias, scale, shift, z.shape[1])
        dz, *small = normalise_back(grad, z, affine, statistics, settings)
        dx, dweight = convolve_back(
            dz, x, weight, (settings.padding, settings.groups), (needs[0], needs[1])
        )
        kept = [one if need else None for one, need in zip(small, needs[2:5], strict=True)]
        return dx, dweight, *kept, None


def _differentiate_again(
    given: tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None],
    statistics: Statistics,
    settings: FusedSettings,
    needs: Sequence[bool],
    grad: Tensor,
) -> list[Tensor | None]:
    """The gradients of `given` by torch's operations, with a graph of their own."""
    x, weight, *affine = given
    known = (statistics.centre, statistics.rstd)
    out = block_by_torch(x, weight, (affine[0], affine[1], affine[2]), settings, known)
    needed = [one for one, need in zip(given, needs, strict=True) if need and one is not None]
    found = iter(torch.autograd.grad(out, needed, grad, create_graph=True))
    return [next(found) if need else None for need in needs]
