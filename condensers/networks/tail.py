"""Activation and 2 x 2 pooling, forward and backward, of a layer whose pixels are ordered by their place in the pooling window.

With the four pixels of each window lying far apart, each among its like, pooling is a mean or a maximum of four long stretches,
and its gradient is one stretch that is read four times: on a CPU this takes a fraction of what pooling in image order does.
"""

import torch
from torch import Tensor, nn


class Tail:
    """What follows the product of a first block: (n, P, width) -> (n, Q, width), Q = P / 4 where there is pooling.

    activation: LeakyReLU, Sigmoid or SiLU; it may work in place. pooling: "none", "max" or "avg".
    """

    def __init__(self, activation: nn.Module, pooling: str) -> None:
        self.activation, self.pooling = activation, pooling

    def order(self, x: Tensor) -> Tensor:
        """(N, D, H, W) -> (N, D, P): where there is pooling by place in the window; an odd last row or column is left out."""
        if self.pooling == "none":
            return x.flatten(2)
        n, depth, rows, columns = *x.shape[:2], x.shape[2] // 2, x.shape[3] // 2
        windows = x[:, :, : rows * 2, : columns * 2].reshape(n, depth, rows, 2, columns, 2)
        return windows.permute(0, 1, 3, 5, 2, 4).flatten(2)

    def forward(self, z: Tensor) -> Tensor:
        """The block's output; z may be overwritten."""
        x: Tensor = self.activation(z)
        if self.pooling == "none":
            return x.clone()
        windows = _windows(x)
        return windows.mean(1) if self.pooling == "avg" else windows.amax(1)

    def backward(self, gradient: Tensor, z: Tensor) -> Tensor:
        """The gradient with respect to z, for one with respect to the output (n, Q, width)."""
        if self.pooling == "none":
            return self._slope(gradient, z)
        windows = _windows(z)
        if self.pooling == "avg":
            return self._slope((gradient / 4)[:, None].expand_as(windows), windows).flatten(1, 2)
        highest = self.activation(windows.clone()).max(1, keepdim=True).indices
        wide = torch.zeros_like(windows).scatter_(1, highest, gradient[:, None])
        return self._slope(wide, windows).flatten(1, 2)

    def _slope(self, gradient: Tensor, z: Tensor) -> Tensor:
        """The gradient with respect to z, for one with respect to activation(z)."""
        found: Tensor
        if isinstance(self.activation, nn.LeakyReLU):
            found = torch.ops.aten.leaky_relu_backward(gradient, z, self.activation.negative_slope, False)
        elif isinstance(self.activation, nn.SiLU):
            found = torch.ops.aten.silu_backward(gradient, z)
        else:
            found = torch.ops.aten.sigmoid_backward(gradient, z.sigmoid())
        return found


def _windows(x: Tensor) -> Tensor:
    """(n, 4 Q, width) -> (n, 4, Q, width)."""
    return x.view(len(x), 4, -1, x.shape[2])
