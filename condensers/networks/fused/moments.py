"""Means and deviations of a batch, and what the way back owes to them."""

import torch
from torch import Tensor, nn

from condensers.networks.fused.settings import Norm


def known(norm: Norm, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and 1 / deviation (C,) of a norm that looks at no image; bias: the convolution's."""
    if norm.running is None:
        return -bias, torch.ones_like(bias)
    mean, variance = norm.running.running_mean, norm.running.running_var
    assert mean is not None and variance is not None
    return mean - bias, (variance + norm.eps).rsqrt()


def of_batch(
    own: Tensor, variance: Tensor, bias: Tensor, norm: nn.BatchNorm2d, pixels: int
) -> tuple[Tensor, Tensor]:
    """Centre and 1 / deviation (C,) of a batch; the running statistics follow, as the module's do.

    own, variance: (N, C), of the pixels of each channel of each image, without bias.
    """
    mean = own.mean(0)
    whole = (variance + (own - mean).square()).mean(0)
    _follow(norm, mean + bias, whole, len(own) * pixels)
    return mean, (whole + norm.eps).rsqrt()


def _follow(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, count: int) -> None:
    """Update running statistics; the variance of these is of a sample of `count` numbers."""
    if not norm.training or not norm.track_running_stats or norm.running_mean is None:
        return
    assert norm.running_var is not None
    share = norm.momentum
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
        if share is None:  # the mean of all batches so far
            share = 1.0 / float(norm.num_batches_tracked)
    share = 0.0 if share is None else share
    norm.running_mean.lerp_(mean, share)
    norm.running_var.lerp_(variance * (count / (count - 1)), share)


def taken_off(
    sums: Tensor, products: Tensor, scale: Tensor, centre: Tensor, rstd: Tensor, pixels: int
) -> tuple[Tensor, Tensor]:
    """s and t (C,) of dx = a d - s - x t, for statistics of a batch.

    sums, products: (N, C), over pixels, of the gradients d and of d (x - centre).
    """
    weight = scale * rstd / (len(sums) * pixels)
    t = weight * rstd.square() * products.sum(0)
    return weight * sums.sum(0) - centre * t, t
