"""The layers of ConvNets whose channels lie side by side, innermost in memory: (N, P, width) for P pixels.

The first convolution and its normalisation are linear in a pixel's 3 x 3 patch u, with a one at its end for the bias. They are
one product with weights of each image's own, for which neither statistics nor normalised values need a pass over the layer:

z = a (w . u - m) + beta,  a = gamma / sqrt(v + eps),  m = w . mean(u),  v = w^T cov(u) w

Differs from `condensers.networks.convnet` in rounding alone.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from condensers.networks.tail import Tail


def patches(x: Tensor, padding: int) -> Tensor:
    """The 3 x 3 patch of each pixel, and a one: x (N, C, H, W) -> (N, 9 C + 1, H', W'), tap by tap."""
    padded = functional.pad(x, [padding] * 4)
    (n, channels), height, width = x.shape[:2], padded.shape[2] - 2, padded.shape[3] - 2
    found = x.new_ones(n, 9 * channels + 1, height, width)
    for tap in range(9):
        row, column = divmod(tap, 3)
        found[:, tap * channels : (tap + 1) * channels] = padded[..., row : row + height, column : column + width]
    return found


def as_matrix(weight: Tensor, bias: Tensor) -> Tensor:
    """Weights (width, C, 3, 3) and biases (width,) of a convolution, as they meet patches: (width, 9 C + 1)."""
    return torch.cat([weight.permute(0, 2, 3, 1).flatten(1), bias[:, None]], 1)


def normalising(u: Tensor, w: Tensor, gamma: Tensor | None, beta: Tensor | None, shared: int, eps: float) -> Tensor:
    """The weights (N, width, D) that make of patches u (N, D, H, W) what a product with w (width, D) and normalising would.

    shared: how many channels next to each other have common statistics. gamma, beta: (width,), or None.
    """
    u = u.flatten(2)
    centre = u.mean(2)
    centred = u - centre[:, :, None]
    covariance = centred @ centred.transpose(1, 2) / u.shape[2]
    own, variance = centre @ w.t(), ((w @ covariance) * w).sum(2)
    mean = spread(own, shared)
    scale = (spread(variance + (own - mean).square(), shared) + eps).rsqrt()
    if gamma is not None:
        scale = scale * gamma
    shift = -mean * scale if beta is None else torch.addcmul(beta, mean, scale, value=-1)
    bias = torch.zeros_like(w[0])
    bias[-1] = 1
    return torch.addcmul(shift[:, :, None] * bias, scale[:, :, None], w)


def spread(x: Tensor, shared: int) -> Tensor:
    """(N, width) -> the same, each value replaced by the mean over its group of `shared` channels."""
    if shared == 1:
        return x
    groups = x.view(len(x), -1, shared).mean(2, keepdim=True)
    return groups.expand(-1, -1, shared).flatten(1)


class FirstBlock(torch.autograd.Function):
    """Pooled activations (N, Q, width) of w u, for patches u (N, D, P) ordered as `tail` has it, and w (N, width, D).

    gamma, beta: (P, width), which each pixel's value is multiplied by and added to, or None. `size` images are worked on at a
    time, and once more in the backward pass, so that the widest layer never leaves the cache. u gets no gradient.
    """

    @staticmethod
    def forward(
        ctx: Any, u: Tensor, w: Tensor, gamma: Tensor | None, beta: Tensor | None, tail: Tail, size: int
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(u, w, gamma, beta)
        ctx.tail, ctx.size = tail, size
        return torch.cat([tail.forward(_affine(z, gamma, beta)) for z in _products(u, w, size)])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        u, w, gamma, beta = ctx.saved_tensors
        of_w = u.new_empty(len(u), u.shape[1], w.shape[1])
        of_gamma, of_beta = (None, None) if gamma is None else (torch.zeros_like(gamma), torch.zeros_like(beta))
        parts = zip(_products(u, w, ctx.size), *(torch.split(t, ctx.size) for t in (u, gradient, of_w)), strict=True)
        for z, patch, wanted, found in parts:
            of_z = ctx.tail.backward(wanted, _affine(z, gamma, beta))
            if gamma is not None:
                of_gamma += (of_z * z).sum(0)
                of_beta += of_z.sum(0)
                of_z = of_z * gamma
            torch.bmm(patch, of_z, out=found)
        return None, of_w.transpose(1, 2), of_gamma, of_beta, None, None


def _products(u: Tensor, w: Tensor, size: int) -> Iterator[Tensor]:
    """w u, transposed (n, P, width), of `size` images after the other, each in the place of the one before."""
    space = u.new_empty(min(size, len(u)), u.shape[2], w.shape[1])
    for patch, weights in zip(torch.split(u, size), torch.split(w, size), strict=True):
        yield torch.bmm(patch.transpose(1, 2), weights.transpose(1, 2), out=space[: len(patch)])


def _affine(z: Tensor, gamma: Tensor | None, beta: Tensor | None) -> Tensor:
    return z if gamma is None or beta is None else torch.addcmul(beta, z, gamma)


class Normalised(torch.autograd.Function):
    """(x - mean) / sqrt(variance + eps) * gamma + beta over the pixels of x (N, P, width); gamma, beta (width,) or both None.

    `shared` channels next to each other have common statistics.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor | None, beta: Tensor | None, shared: int, eps: float) -> Tensor:
        centred = x - spread(x.mean(1), shared)[:, None]
        scale = (spread((centred * centred).mean(1), shared)[:, None] + eps).rsqrt()
        ctx.save_for_backward(centred, scale, gamma)
        ctx.shared = shared
        return centred * scale if gamma is None or beta is None else torch.addcmul(beta, centred, scale * gamma)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        centred, scale, gamma = ctx.saved_tensors
        mean, product = gradient.mean(1), (gradient * centred).mean(1)
        of_gamma = of_beta = None
        whole = scale
        if gamma is not None:
            of_gamma, of_beta = (product * scale[:, 0]).sum(0) * gradient.shape[1], mean.sum(0) * gradient.shape[1]
            mean, product, whole = mean * gamma, product * gamma, scale * gamma
        mean, product = spread(mean, ctx.shared)[:, None], spread(product, ctx.shared)[:, None]
        of_x = torch.addcmul(-mean * scale, centred, product * scale**3, value=-1).addcmul_(gradient, whole)
        return of_x, of_gamma, of_beta, None, None
