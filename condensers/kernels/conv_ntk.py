"""conv_ntk: the neural tangent kernel of an infinitely wide convolutional ReLU network without pooling, exactly.

A_p(S) = mean of S over the 3 x 3 patch at p (zeros outside the image; always over nine),
S_1 = w^2 A(<x_p, y_p> / C) + b^2,  S_l+1 = w^2 A(T(S_l)) + b^2,
N_1 = S_1,  N_l+1 = S_l+1 + w^2 A( T'(S_l) N_l ),
K = mean_p [ w^2 T(S_depth) + b^2 + w^2 T'(S_depth) N_depth ]_p, T and T' the arc-cosine step.

Source: Arora et al., "On exact computation with an infinitely wide neural net" (NeurIPS 2019), section 4.1, vanilla CNTK, with
KIP's variances w^2 = 2, b^2 = 0.01. The readout is linear in the flattened last layer, so that only the same place p of both
images ever meets. This is not KIP's kernel: KIP's ConvNet pools, and pooling needs every place of one image against every place
of the other, which is H * W times the work. What a pixel's neighbours tell is in this kernel, invariance to shifts is not.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional

from condensers.fields import hyper
from condensers.kernels.arc_cosine import relu_step
from condensers.kernels.base import Kernel
from condensers.kernels.portions import pairwise_in_portions
from condensers.setting import Setting


@dataclass(frozen=True)
class ConvolutionalNTK:
    """Exact neural tangent kernel of a convolutional ReLU network of infinite width, without pooling."""

    depth: int = hyper(3, unit="convolutions", source="ours: as many as ConvNet-3", minimum=1)
    weight_variance: float = hyper(2.0, unit="times fan-in", source="KIP's notebook: W_std = sqrt 2", minimum=0.0)
    bias_variance: float = hyper(0.01, source="KIP's notebook: b_std = 0.1", minimum=0.0)

    registered: ClassVar[str] = "conv_ntk"
    needs: ClassVar[str] = "nothing"
    passes: ClassVar[tuple[float, float]] = (1.0, 1.0)

    def begin(self, given: Any, setting: Setting) -> Kernel:
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
