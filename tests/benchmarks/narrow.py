"""GFLOP/s of whole training steps of narrow ConvNets: forward, backward and update of a batch."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import rate
from condensers import networks
from condensers.networks.precision import by_modules
from harness.process import prepare

WIDTHS = (8, 16, 32, 64, 128)
BATCH, SIDE = 128, 32


def rates(
    device: str, threads: int, seconds: float, batch: int = BATCH
) -> dict[int, tuple[float, float]]:
    """Width -> GFLOP/s of a step, and of matrix products right before it: another process on the
    same core slows both.
    """
    prepare(threads)
    square, found = torch.ones(1024, 1024, device=device), {}
    for width in WIDTHS:
        step = training_step(width, batch, device)
        with by_modules(), FlopCounterMode(display=False) as counter:
            step()
        flops = int(counter.get_total_flops())
        peak = rate(lambda: square @ square, 2 * len(square) ** 3, device, seconds / 4)
        found[width] = (rate(step, flops, device, seconds) / 1e9, peak / 1e9)
    return found


def training_step(width: int, batch: int, device: str) -> Callable[[], Tensor]:
    """A step of a ConvNet of three blocks on noise of CIFAR-10's size."""
    drawn = torch.Generator().manual_seed(0)
    spec = {"name": "convnet", "depth": 3, "width": width}
    network = networks.build(spec, (3, SIDE, SIDE), 10, drawn, torch.device(device)).train()
    images = torch.randn(batch, 3, SIDE, SIDE, generator=drawn).to(device)
    labels = (torch.arange(batch) % 10).to(device)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, fused=True)

    @torch.enable_grad()
    def step() -> Tensor:
        optimiser.zero_grad()
        loss = functional.cross_entropy(network(images), labels)
        loss.backward()
        optimiser.step()
        return loss

    return step


def line(width: int, reached: float, peak: float) -> str:
    """What a step of a width reaches, in words."""
    share = 100 * reached / peak
    return f"step of width {width}: {reached:.0f} of {peak:.0f} GFLOP/s ({share:.0f} %)"
