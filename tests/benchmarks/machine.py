"""What this machine gives at best: GFLOP/s of matrix products and of the papers' convolutions, in
each precision.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.worker import settle
from condensers.networks.precision import precision
from condensers.networks.precision_choice import gflops, products
from harness.process import prepare

Shape = tuple[str, int, Callable[[], Tensor]]


def product_rates(device: str, threads: int) -> dict[str, float]:
    """Precision -> GFLOP/s of a product of two matrices of 512 x 512, as `auto` measures it."""
    prepare(threads)
    found = products(torch.device(device))
    return {name: gflops(seconds) for name, seconds in found.items()}


def peaks(
    device: str, threads: int, seconds: float, precisions: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Precision -> shape -> GFLOP/s, each measured for about so many seconds, with the harness's
    allocator settings.
    """
    prepare(threads)
    found = {}
    for name in precisions:
        with precision(name):
            dtype = torch.bfloat16 if name == "bf16" else torch.float32
            found[name] = {
                shape: rate(call, flops, device, seconds) / 1e9
                for shape, flops, call in shapes(dtype, device)
            }
    return found


def best(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """Precision -> the highest GFLOP/s of any shape."""
    return {precision: max(rates.values()) for precision, rates in found.items()}


def shapes(dtype: torch.dtype, device: str) -> Iterator[Shape]:
    """Name, floating-point operations and call of each shape; convolutions of 128 channels, 256
    images.
    """
    for size in (1024, 2048):
        a = torch.ones(size, size, dtype=dtype, device=device)
        yield f"matmul {size}", 2 * size**3, lambda a=a: a @ a
    for size in (8, 16):
        for layout in (torch.contiguous_format, torch.channels_last):
            x = torch.ones(256, 128, size, size, dtype=dtype, device=device).to(
                memory_format=layout
            )
            kernel = torch.ones(128, 128, 3, 3, dtype=dtype, device=device).to(memory_format=layout)
            name = (
                f"convolution {size} x"
                f" {size}{', channels last' if layout == torch.channels_last else ''}"
            )
            yield (
                name,
                2 * 256 * 128 * 128 * 9 * size**2,
                lambda x=x, kernel=kernel: functional.conv2d(x, kernel, padding=1),
            )


@torch.no_grad()
def rate(call: Callable[[], Tensor], flops: int, device: str, seconds: float) -> float:
    """FLOP/s: of CPU seconds, or of wall seconds on a graphics card."""
    clock = time.perf_counter if device.startswith("cuda") else time.process_time
    call()
    settle(device)
    begun, calls = clock(), 0
    while calls == 0 or clock() - begun < seconds:
        call()
        settle(device)
        calls += 1
    return calls * flops / (clock() - begun)
