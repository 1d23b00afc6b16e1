"""The arc-cosine step: what a layer of infinitely many ReLUs does to the covariance of its inputs.

T = r / 2pi * ( sin t + (pi - t) cos t ),  T' = (pi - t) / 2pi,  r = sqrt(a b),  cos t = c / r

for Gaussian inputs u, v with variances a, b and covariance c: T = E[relu(u) relu(v)] and T' =
E[relu'(u) relu'(v)].

Source: Cho & Saul, "Kernel methods for deep learning" (NeurIPS 2009), section 2; Jacot, Gabriel &
Hongler, "Neural tangent kernel" (NeurIPS 2018), theorem 1, for the part of T'.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from condensers.hyperparameters import hyper
from condensers.parts.objectives.kernels.base import Kernel, KernelSpec, pairwise_in_portions
from condensers.parts.setting import Given, RunSetting

# Angles whose cosine is within so many rounding errors of 1 are taken for zero: those of an image
# and itself.
ROUNDING = 256


def relu_step(cross: Tensor, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Covariances `cross`, variances `left` and `right` (all broadcast together) -> T and T' in the
    shape of `cross`.

    Differentiable once, everywhere: at angle zero T' counts as the constant 1/2, which is exact for
    an image and itself.
    """
    scale = (left * right).clamp_min(torch.finfo(cross.dtype).tiny).sqrt()
    both, slopes = _ArcCosine.apply(cross, scale)
    return both, slopes


class _ArcCosine(torch.autograd.Function):
    """(c, r) -> (T, T'), with the reverse pass written out, which takes a third of the time and
    memory.

    dT = T' dc + sin t / 2pi dr,   dT' = ( dc - cos t dr ) / ( 2pi r sin t ).
    """

    @staticmethod
    def forward(  # ctx is an object of torch's own making
        ctx: Any,  # noqa: ANN401
        cross: Tensor,
        scale: Tensor,
    ) -> tuple[Tensor, Tensor]:
        limit = 1 - ROUNDING * torch.finfo(cross.dtype).eps
        cosine = cross / scale
        same = cosine > limit
        cosine.clamp_(-limit, 1.0).masked_fill_(same, 1.0)
        sine = torch.addcmul(
            torch.ones((), dtype=cross.dtype, device=cross.device), cosine, cosine, value=-1
        ).sqrt_()
        rest = torch.acos(cosine).neg_().add_(math.pi)
        both = torch.addcmul(sine, rest, cosine).mul_(scale).div_(2 * math.pi)
        slopes = rest.div_(2 * math.pi)
        ctx.save_for_backward(cosine, sine, slopes, scale)
        return both, slopes

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any,  # noqa: ANN401
        of_both: Tensor,
        of_slopes: Tensor,
    ) -> tuple[Tensor, Tensor]:
        cosine, sine, slopes, scale = ctx.saved_tensors
        bend = (of_slopes / scale).div_(sine).masked_fill_(sine == 0, 0.0).div_(2 * math.pi)
        of_cross = torch.addcmul(bend, of_both, slopes)
        of_scale = torch.addcmul(bend.mul_(cosine).neg_(), of_both, sine, value=1 / (2 * math.pi))
        return of_cross, of_scale


@final
@dataclass(frozen=True)
class FullyConnectedNTK(KernelSpec):
    """fc_ntk: the neural tangent kernel of an infinitely wide, fully connected ReLU network,
    exactly.

    S_0 = w^2 <x, y> / d + b^2,  S_l+1 = w^2 T(S_l) + b^2,
    N_0 = S_0,  N_l+1 = S_l+1 + w^2 T'(S_l) N_l;  K = N_depth, T and T' the arc-cosine step.

    Source: Jacot, Gabriel & Hongler, "Neural tangent kernel" (NeurIPS 2018), theorem 1, with KIP's
    variances w^2 = 2 and b^2 = 0.01. Images enter as they are, flattened: not brought to length one
    each, as in KIP's data.
    """

    depth: int = hyper(
        1, unit="layers", help="hidden layers", source="KIP's notebook: FC1", minimum=0
    )
    weight_variance: float = hyper(
        2.0,
        help="variance of the weights, times fan-in",
        source="KIP's notebook: W_std = sqrt 2",
        minimum=0.0,
    )
    bias_variance: float = hyper(
        0.01, help="variance of the biases", source="KIP's notebook: b_std = 0.1", minimum=0.0
    )

    registered: ClassVar[str] = "fc_ntk"
    passes: ClassVar[tuple[float, float]] = (0.02, 0.02)

    def begin(self, given: Given, setting: RunSetting) -> Kernel:
        """Return `between`, which draws nothing."""
        return self.between

    def between(self, x: Tensor, y: Tensor) -> Tensor:
        """(n, C, H, W), (m, C, H, W) -> (n, m), differentiable in both."""
        return pairwise_in_portions(self._portion, x.flatten(1), y.flatten(1), 1)

    def _portion(self, x: Tensor, y: Tensor) -> Tensor:
        weight, bias = self.weight_variance, self.bias_variance
        left, right = (weight * one.square().mean(1) + bias for one in (x, y))
        cross = weight / x.shape[1] * (x @ y.T) + bias
        tangent = cross
        for _ in range(self.depth):
            both, slopes = relu_step(cross, left[:, None], right[None])
            cross = weight * both + bias
            tangent = cross + weight * slopes * tangent
            left, right = weight * left / 2 + bias, weight * right / 2 + bias
        return tangent


@final
@dataclass(frozen=True)
class ConvolutionalNTK(KernelSpec):
    """conv_ntk: the neural tangent kernel of an infinitely wide convolutional ReLU network without
    pooling, exactly.

    A_p(S) = mean of S over the 3 x 3 patch at p (zeros outside the image; always over nine),
    S_1 = w^2 A(<x_p, y_p> / C) + b^2,  S_l+1 = w^2 A(T(S_l)) + b^2,
    N_1 = S_1,  N_l+1 = S_l+1 + w^2 A( T'(S_l) N_l ),
    K = mean_p [ w^2 T(S_depth) + b^2 + w^2 T'(S_depth) N_depth ]_p, T and T' the arc-cosine step.

    Source: Arora et al., "On exact computation with an infinitely wide neural net" (NeurIPS 2019),
    section 4.1, vanilla CNTK, with KIP's variances w^2 = 2, b^2 = 0.01. The readout is linear in
    the flattened last layer, so that only the same place p of both images ever meets. This is not
    KIP's kernel: KIP's ConvNet pools, and pooling needs every place of one image against every
    place of the other, which is H * W times the work. What a pixel's neighbours tell is in this
    kernel, invariance to shifts is not.
    """

    depth: int = hyper(3, unit="convolutions", source="ours: as many as ConvNet-3", minimum=1)
    weight_variance: float = hyper(
        2.0,
        help="variance of the weights, times fan-in",
        source="KIP's notebook: W_std = sqrt 2",
        minimum=0.0,
    )
    bias_variance: float = hyper(
        0.01, help="variance of the biases", source="KIP's notebook: b_std = 0.1", minimum=0.0
    )

    registered: ClassVar[str] = "conv_ntk"
    passes: ClassVar[tuple[float, float]] = (1.0, 1.0)

    def begin(self, given: Given, setting: RunSetting) -> Kernel:
        """Return `between`, which draws nothing."""
        return self.between

    def between(self, x: Tensor, y: Tensor) -> Tensor:
        """(n, C, H, W), (m, C, H, W) -> (n, m), differentiable in both."""
        return pairwise_in_portions(self._portion, x, y, x[0, 0].numel())

    def _portion(self, x: Tensor, y: Tensor) -> Tensor:
        """Everything is (n, m, H, W) inside; variances are (n, 1, H, W) and (1, m, H, W)."""
        weight, bias = self.weight_variance, self.bias_variance
        left, right = x.square().mean(1)[:, None], y.square().mean(1)[None]
        cross = (x[:, None] * y[None]).mean(2) if x.shape[1] > 1 else x * y[:, 0][None]
        cross, left, right = (weight * patch_mean(one) + bias for one in (cross, left, right))
        tangent = cross
        for _ in range(self.depth - 1):
            both, slopes = relu_step(cross, left, right)
            cross = weight * patch_mean(both) + bias
            tangent = cross + weight * patch_mean(slopes * tangent)
            left, right = (weight * patch_mean(one / 2) + bias for one in (left, right))
        both, slopes = relu_step(cross, left, right)
        return (weight * (both + slopes * tangent)).mean((2, 3)) + bias


def patch_mean(values: Tensor) -> Tensor:
    """Mean over the 3 x 3 patch at each place of (..., H, W), with zeros outside."""
    padded = functional.pad(values, (1, 1, 1, 1))
    rows = padded[..., :-2, :] + padded[..., 1:-1, :] + padded[..., 2:, :]
    return (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9
