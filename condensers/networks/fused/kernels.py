"""The kernels of block.c on tensors: norm, activation and pooling of images, and the way back."""

import ctypes
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from condensers.networks.fused import moments
from condensers.networks.fused.convolution import channels_last
from condensers.networks.fused.native import library
from condensers.networks.fused.settings import WHOLE, Form, FusedSettings, form_of
from condensers.networks.fused.threads import over


class Affine(NamedTuple):
    """Bias of the convolution, scale and shift of the norm as the kernels read them: (C,), or (H,
    W, C) where the norm's belong to pixels.
    """

    bias: Tensor
    scale: Tensor
    shift: Tensor


class Statistics(NamedTuple):
    """What the way back needs of the way there.

    own: The means (N, C) of each image's channels, without bias; nothing where they are not needed.
    centre, rstd: What is taken off, and 1 / deviation; (N, C), or (C,) for all images.
    """

    own: Tensor
    centre: Tensor
    rstd: Tensor


def affine_of(
    bias: Tensor | None, scale: Tensor | None, shift: Tensor | None, channels: int
) -> Affine:
    """What is None takes no part."""
    like = next((one.shape for one in (scale, shift) if one is not None), (channels,))
    bias = torch.zeros(channels) if bias is None else bias
    scale = torch.ones(like) if scale is None else scale
    shift = torch.zeros(like) if shift is None else shift
    if scale.ndim == 3:
        scale, shift = scale.permute(1, 2, 0), shift.permute(1, 2, 0)
    return Affine(bias.contiguous(), scale.contiguous(), shift.contiguous())


def normalise(z: Tensor, affine: Affine, settings: FusedSettings) -> tuple[Tensor, Statistics]:
    """Norm, activation and pooling of z (N, C, H, W), channels last in memory."""
    norm, form = settings.norm, form_of(z, affine.scale, settings)
    own, centre, rstd = torch.empty(3, *z.shape[:2])
    if norm.batch is not None:
        _call("measure", z, (z,), form, (own, rstd))
        pixels = form.height * form.width
        centre, rstd = moments.of_batch(own, rstd, affine.bias, norm.batch, pixels)
    elif not norm.shared:
        centre, rstd = moments.known(norm, affine.bias)
    n, channels, height, width = z.shape
    step = 1 if settings.pooling == WHOLE else 2
    size = (n, channels, height // step, width // step)
    out = torch.empty(size, dtype=z.dtype, memory_format=torch.channels_last)
    _call("forward", z, (z, *affine), form, (out, own, centre, rstd))
    return out, Statistics(own, centre, rstd)


def normalise_back(
    grad: Tensor, z: Tensor, affine: Affine, statistics: Statistics, settings: FusedSettings
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of z, bias, scale and shift."""
    own, centre, rstd = statistics
    grad, scale, norm = channels_last(grad), affine.scale, settings.norm
    form = form_of(z, scale, settings)
    sums, products, s, t, dbias = torch.zeros(5, *z.shape[:2])
    parts: dict[int, Tensor] = {}

    def add_up(first: int) -> list[Tensor]:
        parts[first] = torch.zeros(2, *scale.shape) if form.by_pixel else torch.empty(2, 0)
        return list(parts[first])

    read, dz = (grad, z, scale, affine.shift), torch.empty_like(z)
    if norm.batch is not None:
        _call("gather", z, read, form, (centre, rstd, sums, products, products, products))
        pixels = form.height * form.width
        s, t = moments.taken_off(sums, products, scale, centre, rstd, pixels)
    found = (own, centre, rstd, sums, products)
    _call("backward", z, read, form, found, (s, t, dbias, dz), add_up)
    if norm.batch is not None or norm.shared == form.channels:
        flat = torch.zeros_like(affine.bias)
    else:
        flat = dbias.sum(0) if norm.shared else rstd * scale * sums.sum(0)
    if form.by_pixel:
        in_order = torch.stack([parts[first] for first in sorted(parts)])
        dscale, dshift = in_order.sum(0).permute(0, 3, 1, 2)
    else:
        dscale, dshift = (products * rstd).sum(0), sums.sum(0)
    return dz, flat, dscale, dshift


def _call(
    name: str,
    z: Tensor,
    before: Sequence[Tensor],
    form: Form,
    after: Sequence[Tensor],
    last_ones: Sequence[Tensor] = (),
    portion: Callable[[int], Sequence[Tensor]] | None = None,
) -> None:
    """Call a kernel of block.h on all images of z: its arguments in their order, with the images
    after `form`.

    portion: Makes what each portion of the images, by its first, has to itself; these stand before
    `last_ones`.
    """
    call = getattr(library(), f"{name}_{str(z.dtype)[6:]}")
    start, middle, end = ([one.data_ptr() for one in some] for some in (before, after, last_ones))
    size = ctypes.byref(form)

    def images(first: int, last: int) -> None:
        own = [one.data_ptr() for one in portion(first)] if portion else []
        call(*start, size, first, last, *middle, *own, *end)

    over(len(z), images)
