"""3 x 3 convolutions with stride 1 and their gradients on a CPU, channels-last: by convolution.c
where that is quicker, else by torch.

Torch's kernels are made for many channels and images. `QUICKER` holds where ours are quicker, as
measured: with few channels, up to four times, and where a call is so short that what torch prepares
for it counts. The choice depends on shapes alone, so that the same run gives the same numbers
again. Sums are of float32 also where numbers are stored as bfloat16. Zeros around an image take
part: times an infinite number at its edge they are NaN.
"""

import ctypes
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from condensers.networks.fused.native import library
from condensers.networks.fused.threads import over
from condensers.processor import instructions

LARGEST, TILE, LANES = 32, 6, 40  # of convolution.c: block, tile, lanes of a few outputs' taps

PLANES = 4  # that are cheaper to read one by one than to be brought into another order first


class Bounds(NamedTuple):
    """Ours are quicker up to so many channels of a group, on its narrower side, or with up to so
    many products in a call.
    """

    channels: int
    products: int


# As measured on an AMD EPYC 7003 (AVX2) against torch 2.15, batches of 10 to 256.
QUICKER = {
    "forward": Bounds(16, 2**26),
    "images": Bounds(16, 2**26),
    "weight": Bounds(128, 2**26),
}
BFLOAT16 = frozenset(["amx_bf16", "avx512_bf16", "bf16"])  # instructions: without them torch's
# convolutions of bfloat16 numbers take 4 to 40 times as long as ours


def convolve(x: Tensor, weight: Tensor, padding: int, groups: int = 1) -> Tensor:
    """Convolve images.

    Args:
        x: (N, C, H, W) float32 or bfloat16.
        weight: (D, C / groups, 3, 3) float32.
        padding: Pixels of zeros on each side.
        groups: Of channels, each with D / groups of the outputs.

    Returns:
        (N, D, H + 2 padding - 2, W + 2 padding - 2), as `x` is stored, channels last in memory.
    """
    if _is_ours("forward", x, weight, groups):
        return _convolve(x, weight, padding, groups, turned=False)
    kernel = channels_last(weight.to(x.dtype))
    return channels_last(
        functional.conv2d(channels_last(x), kernel, padding=padding, groups=groups)
    )


def convolve_back(
    grad: Tensor, x: Tensor, weight: Tensor, settings: tuple[int, int], wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradients of the images, as `x` is, and of the weight, float32, where wanted.

    Args:
        grad: Of `convolve`'s result, in its shape and storage.
        x: As given to `convolve`.
        weight: As given to `convolve`.
        settings: Padding and groups.
        wanted: Which of the two are to be found.
    """
    padding, groups = settings
    dx = dweight = None
    own = [_is_ours(kind, x, weight, groups) for kind in ("images", "weight")]
    if wanted[0] and own[0]:
        dx = _convolve(grad, weight, 2 - padding, groups, turned=True)
    if wanted[1] and own[1]:
        dweight = _correlate(x, grad, weight.shape, padding, groups)
    left = [wanted[0] and dx is None, wanted[1] and dweight is None, False]
    if any(left):
        kernel = channels_last(weight.to(x.dtype))
        given = (grad, channels_last(x), kernel, None, [1, 1], [padding, padding], [1, 1])
        found = torch.ops.aten.convolution_backward(*given, False, [0, 0], groups, left)
        dx = found[0] if left[0] else dx
        dweight = found[1].float() if left[1] else dweight
    return dx, dweight


def channels_last(x: Tensor) -> Tensor:
    """(A, B, H, W) as it is, with B innermost in memory, also where B is 1 and torch would not
    care.
    """
    if is_channels_last(x):
        return x
    _, b, h, w = x.shape
    strides = (h * w * b, 1, w * b, b)
    return x.contiguous(memory_format=torch.channels_last).as_strided(x.shape, strides)


def is_channels_last(x: Tensor) -> bool:
    """Whether B is innermost in the memory of (A, B, H, W), without gaps."""
    _, b, h, w = x.shape
    return x.stride() == (h * w * b, 1, w * b, b)


def _readable(x: Tensor) -> Tensor:
    """(A, B, H, W) as it is where our kernels can read it: channels last, or a few planes."""
    return x if x.shape[1] <= PLANES and x.is_contiguous() else channels_last(x)


def _is_ours(kind: str, x: Tensor, weight: Tensor, groups: int) -> bool:
    made, channels, *sides = weight.shape
    products = len(x) * x.shape[2] * x.shape[3] * weight.numel()
    bounds = QUICKER[kind]
    quicker = min(channels, made // groups) <= bounds.channels or products <= bounds.products
    emulated = x.dtype == torch.bfloat16 and not BFLOAT16 & instructions()
    return sides == [3, 3] and (quicker or emulated)


def _convolve(x: Tensor, weight: Tensor, edge: int, groups: int, turned: bool) -> Tensor:
    """turned: on the way back, from gradients of the outputs to those of the images."""
    n, channels, height, width = x.shape
    made = weight.shape[1] * groups if turned else weight.shape[0]
    shape = (n, made, height + 2 * edge - 2, width + 2 * edge - 2)
    out = torch.empty(shape, dtype=x.dtype, memory_format=torch.channels_last)
    x, kernel = _readable(x), weight.to(x.dtype).float().contiguous()
    size = (ctypes.c_long * 7)(height, width, channels, made, groups, edge, not is_channels_last(x))
    call = getattr(library(), f"convolve_{str(x.dtype)[6:]}")

    def images(first: int, last: int) -> None:
        memory = _scratch(size)
        given = (x.data_ptr(), kernel.data_ptr(), size, turned)
        call(*given, first, last, out.data_ptr(), memory.data_ptr())

    over(n, images)
    return out


def _correlate(x: Tensor, grad: Tensor, shape: torch.Size, padding: int, groups: int) -> Tensor:
    """The gradient of the weight; the sums of each thread's images are added in their order."""
    n, channels, height, width = x.shape
    x, grad, parts = _readable(x), channels_last(grad), {}
    size = (ctypes.c_long * 7)(
        height, width, channels, shape[0], groups, padding, not is_channels_last(x)
    )
    call = getattr(library(), f"correlate_{str(x.dtype)[6:]}")

    def images(first: int, last: int) -> None:
        memory, parts[first] = _scratch(size), torch.empty(shape)
        given = (x.data_ptr(), grad.data_ptr(), size)
        call(*given, first, last, parts[first].data_ptr(), memory.data_ptr())

    over(n, images)
    first, *others = (parts[i] for i in sorted(parts))
    return sum(others, first)


def _scratch(size: "ctypes.Array[ctypes.c_long]") -> Tensor:
    """Memory for a call; see scratch_of in convolution.c."""
    height, width, channels, made, groups, edge, _ = size
    inputs, outputs = channels // groups, -(-made // groups // LARGEST) * LARGEST
    pixels = (height + 2 * edge - 2) * (width + 2 * edge - 2)
    padded = (height + 2 * edge) * (width + 2 * edge)
    panels = groups * outputs * (9 * inputs + TILE)
    spread = (max(pixels, padded) + TILE) * max(outputs, LANES)
    return torch.empty(panels + spread + padded * inputs + pixels + 9 * inputs + 2 * TILE)
