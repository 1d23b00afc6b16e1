"""A block of a ConvNet as one operation: convolution, norm, activation and 2 x 2 pooling.

z = w * x,   xh = (z - m) / s,   y = scale xh + shift,   out = pool(act(y)).   m, s: mean and deviation of
the group to which the number belongs: a channel's pixels in an image (instance norm) or in a batch,
those of several channels of an image (group, layer), or known. Back, with d = act'(y) pool'(dout):
dscale = sum d xh,  dshift = sum d,  dz = (e - mean(e) - xh mean(e xh)) / s, where e = scale d and the
means are those of the group.

The same mathematics as the modules, other roundings. A bias before instance or batch norm has no
effect and its gradient is zero; the modules give it the rounding errors of a sum that should be
zero. Two passes over memory stand where the modules take ten; convolutions are torch's,
channels-last. With `create_graph` the way back is taken by torch, to be differentiated again.
"""

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from condensers.networks.fused import moments
from condensers.networks.fused.by_torch import block_by_torch
from condensers.networks.fused.native import library
from condensers.networks.fused.settings import WHOLE, Form, FusedSettings, form_of
from condensers.networks.precision import single_operations

LAST, IMAGES_A_THREAD = torch.channels_last, 8


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
        padding, norm, groups = settings.padding, settings.norm, settings.groups
        kernel = _last(weight.to(x.dtype))
        z = _last(functional.conv2d(_last(x), kernel, padding=padding, groups=groups))
        affine = _affine(bias, scale, shift, z)
        form = form_of(z, affine[1], settings)
        own, centre, rstd = torch.empty(3, *z.shape[:2])
        if norm.batch is not None:
            _kernel("measure", z, (z,), form, (own, rstd))
            centre, rstd = moments.of_batch(
                own, rstd, affine[0], norm.batch, form.height * form.width
            )
        elif not norm.shared:
            centre, rstd = moments.known(norm, affine[0])
        n, channels, height, width = z.shape
        step = 1 if settings.pooling == WHOLE else 2
        size = (n, channels, height // step, width // step)
        out = torch.empty(size, dtype=z.dtype, memory_format=LAST)
        _kernel("forward", z, (z, *affine), form, (out, own, centre, rstd))
        ctx.save_for_backward(x, weight, bias, scale, shift, z, own, centre, rstd)
        ctx.settings = settings
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight, bias, scale, shift, z, own, centre, rstd = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *_again((x, weight, bias, scale, shift), (centre, rstd), ctx, grad), None
        dz, *small = _way_back(grad, (bias, scale, shift), z, (own, centre, rstd), ctx)
        padding, groups = ctx.settings.padding, ctx.settings.groups
        wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], False]
        kernel = _last(weight.to(x.dtype))
        dx, dweight, _ = torch.ops.aten.convolution_backward(
            dz,
            _last(x),
            kernel,
            None,
            [1, 1],
            [padding, padding],
            [1, 1],
            False,
            [0, 0],
            groups,
            wanted,
        )
        dweight = dweight.float() if wanted[1] else None
        return dx, dweight, *small, None


def _affine(
    bias: Tensor | None, scale: Tensor | None, shift: Tensor | None, z: Tensor
) -> list[Tensor]:
    """Bias, scale and shift as the kernels read them: (C,), or (H, W, C) where scale belongs to
    pixels.
    """
    like = next((one for one in (scale, shift) if one is not None), z.new_empty(z.shape[1]))
    ones = torch.ones(like.shape) if scale is None else scale
    zeros = torch.zeros(like.shape) if shift is None else shift
    flat = torch.zeros(z.shape[1]) if bias is None else bias
    return [
        (one.permute(1, 2, 0) if one.ndim == 3 else one).contiguous() for one in (flat, ones, zeros)
    ]


def _way_back(
    grad: Tensor,
    given: Sequence[Tensor | None],
    z: Tensor,
    found: tuple[Tensor, Tensor, Tensor],
    ctx: Any,
) -> list[Tensor | None]:
    """The gradients of z and of `given`: bias, scale and shift."""
    own, centre, rstd = found
    settings, needs = ctx.settings, ctx.needs_input_grad[2:5]
    affine, norm, grad = _affine(*given, z), settings.norm, _last(grad)
    scale = affine[1]
    form, pixels = form_of(z, scale, settings), z.shape[2] * z.shape[3]
    sums, products, s, t, dbias = torch.zeros(5, *z.shape[:2])
    parts: dict[int, Tensor] = {}

    def by_pixel(first: int) -> list[Tensor]:
        """Where a portion of the images adds up what belongs to pixels."""
        parts[first] = torch.zeros(2, *scale.shape) if scale.ndim == 3 else torch.empty(2, 0)
        return list(parts[first])

    read = (grad, z, *affine[1:])
    if norm.batch is not None:
        _kernel("gather", z, read, form, (centre, rstd, sums, products, products, products))
        s, t = moments.taken_off(sums, products, scale, centre, rstd, pixels)
    dz = torch.empty_like(z)
    _kernel(
        "backward",
        z,
        read,
        form,
        (own, centre, rstd, sums, products),
        (s, t, dbias, dz),
        by_pixel,
    )
    if norm.batch is not None or norm.shared == z.shape[1]:
        flat = torch.zeros_like(affine[0])
    else:
        flat = dbias.sum(0) if norm.shared else rstd * scale * sums.sum(0)
    if scale.ndim == 3:
        whole = torch.stack([parts[first] for first in sorted(parts)]).sum(0)
        dscale, dshift = whole.permute(0, 3, 1, 2)
    else:
        dscale, dshift = (products * rstd).sum(0), sums.sum(0)
    return [
        dz,
        *(one if need else None for one, need in zip((flat, dscale, dshift), needs, strict=True)),
    ]


def _kernel(
    name: str,
    z: Tensor,
    before: Sequence[Tensor],
    form: Form,
    after: Sequence[Tensor],
    last_ones: Sequence[Tensor] = (),
    own: Callable[[int], Sequence[Tensor]] = lambda first: (),
) -> None:
    """Call a kernel of block.h on all images of z (N, C, H, W): its arguments in their order, with
    the images after `form`.

    own: what each portion of the images has to itself; stands before `last_ones`.
    """
    call = getattr(library(), f"{name}_{str(z.dtype)[6:]}")
    first_ones, middle, end = (
        [one.data_ptr() for one in some] for some in (before, after, last_ones)
    )
    size = ctypes.byref(form)

    def run(first: int, last: int) -> None:
        portion = own(first)  # is to live until the call is over
        call(*first_ones, size, first, last, *middle, *(one.data_ptr() for one in portion), *end)

    _over(len(z), run)


def _again(
    tensors: tuple[Tensor | None, ...], known: tuple[Tensor, Tensor], ctx: Any, grad: Tensor
) -> list[Tensor | None]:
    """The gradients by torch's operations, with a graph of their own."""
    out = block_by_torch(*tensors, ctx.settings, known)  # type: ignore[arg-type]
    needs = ctx.needs_input_grad[:5]
    needed = [one for one, need in zip(tensors, needs, strict=True) if need and one is not None]
    found = iter(torch.autograd.grad(out, needed, grad, create_graph=True))
    return [next(found) if need else None for need in needs]


def _last(x: Tensor) -> Tensor:
    """(A, B, H, W) as it is, with B innermost in memory, also where B is 1 and torch would not
    care.
    """
    _, b, h, w = x.shape
    strides = (h * w * b, 1, w * b, b)
    return (
        x
        if x.stride() == strides
        else x.contiguous(memory_format=LAST).as_strided(x.shape, strides)
    )


def _over(n: int, call: Callable[[int, int], None]) -> None:
    """Images 0 ... n - 1 in as many portions as torch may use threads, and as are worth one."""
    threads = min(torch.get_num_threads(), n // IMAGES_A_THREAD)
    if threads < 2:
        call(0, n)
        return
    edges = [n * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(call, edges[:-1], edges[1:]))
