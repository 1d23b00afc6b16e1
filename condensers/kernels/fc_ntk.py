"""fc_ntk: the neural tangent kernel of an infinitely wide, fully connected ReLU network, exactly.

S_0 = w^2 <x, y> / d + b^2,  S_l+1 = w^2 T(S_l) + b^2,
N_0 = S_0,  N_l+1 = S_l+1 + w^2 T'(S_l) N_l;  K = N_depth, T and T' the arc-cosine step.

Source: Jacot, Gabriel & Hongler, "Neural tangent kernel" (NeurIPS 2018), theorem 1, with KIP's variances w^2 = 2 and
b^2 = 0.01. Images enter as they are, flattened: not brought to length one each, as in KIP's data.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from condensers.fields import hyper
from condensers.kernels.arc_cosine import relu_step
from condensers.kernels.base import Kernel
from condensers.kernels.portions import pairwise_in_portions
from condensers.setting import Setting


@dataclass(frozen=True)
class FullyConnectedNTK:
    """Exact neural tangent kernel of a fully connected ReLU network of infinite width."""

    depth: int = hyper(1, unit="hidden layers", source="KIP's notebook: FC1", minimum=0)
    weight_variance: float = hyper(2.0, unit="times fan-in", source="KIP's notebook: W_std = sqrt 2", minimum=0.0)
    bias_variance: float = hyper(0.01, source="KIP's notebook: b_std = 0.1", minimum=0.0)

    registered: ClassVar[str] = "fc_ntk"
    needs: ClassVar[str] = "nothing"
    passes: ClassVar[tuple[float, float]] = (0.02, 0.02)

    def begin(self, given: Any, setting: Setting) -> Kernel:
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
