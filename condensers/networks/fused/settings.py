"""What a fused block does, as Python says it and as block.c reads it."""

import ctypes
from typing import NamedTuple

from torch import Tensor, nn

LEAKY, SIGMOID, SWISH = range(3)
WHOLE, MEAN, GREATEST = range(3)


class Norm(NamedTuple):
    """What the convolution's output loses before scale and shift.

    shared: In how many groups of an image's channels mean and deviation are shared; 0 if they are
    those of a channel in the whole batch, or known. batch: The module whose batch's statistics they
    are. running: The module whose running statistics they are. Neither: nothing is lost.
    """

    shared: int = 0
    eps: float = 0.0
    batch: nn.BatchNorm2d | None = None
    running: nn.BatchNorm2d | None = None


class FusedSettings(NamedTuple):
    """padding: of the convolution, in pixels. activation: LEAKY, SIGMOID or SWISH. slope: of LEAKY
    below zero, at least 0. pooling: WHOLE, MEAN or GREATEST of 2 x 2. groups: of the convolution.
    """

    padding: int
    norm: Norm
    activation: int
    slope: float
    pooling: int
    groups: int = 1


class Form(ctypes.Structure):
    """`Form` of block.c: the same fields in the same order."""

    _fields_ = (
        *((name, ctypes.c_long) for name in ("height", "width", "channels", "shared", "given")),
        *((name, ctypes.c_long) for name in ("activation", "pooling", "by_pixel")),
        *((name, ctypes.c_float) for name in ("slope", "eps")),
    )


def form_of(z: Tensor, scale: Tensor, settings: FusedSettings) -> Form:
    """What is done to z (N, C, H, W); scale is (C,), or (H, W, C) where it belongs to pixels."""
    norm = settings.norm
    return Form(
        z.shape[2],
        z.shape[3],
        z.shape[1],
        norm.shared,
        norm.batch is not None,
        settings.activation,
        settings.pooling,
        scale.ndim == 3,
        settings.slope,
        norm.eps,
    )
