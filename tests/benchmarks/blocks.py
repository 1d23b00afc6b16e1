"""A training step of ConvNets module by module and by fused blocks, for every norm, activation and
pooling: `PYTHONPATH=tests python -m benchmarks.blocks [--widths 8 16 32 128]` (10 minutes).

CPU seconds of one thread, ConvNet-3 on 64 images of 1 x 28 x 28, SGD: medians of `ROUNDS` rounds,
in each of which both sides take their turn.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import product

import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.nn import functional

from condensers.networks import build
from condensers.networks.convnet import NORMS, ConvNetSpec
from condensers.networks.precision import by_modules
from harness.process import prepare

ROUNDS, IMAGES, WIDTHS = 5, 64, (8, 16, 32, 128)
ENDS = (
    ("relu", "avg"),
    ("relu", "max"),
    ("leakyrelu", "max"),
    ("sigmoid", "max"),
    ("swish", "avg"),
)


def step_seconds(network: nn.Module, modules: bool, steps: int) -> float:
    """CPU seconds of a training step, the mean of some."""
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, fused=True)
    images = torch.randn(IMAGES, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(IMAGES) % 10
    begun = time.process_time()
    with by_modules() if modules else nullcontext():
        for _ in range(steps):
            loss = functional.cross_entropy(network(images), labels)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
    return (time.process_time() - begun) / steps


def compare(spec: ConvNetSpec, rounds: int = ROUNDS) -> tuple[float, float, float]:
    """Seconds of a step module by module, those by fused blocks, and the median of their ratios."""
    network = build(spec, (1, 28, 28), 10, torch.Generator().manual_seed(0)).train()
    steps = max(1, 64 // spec.width)
    for modules in (True, False):
        step_seconds(network, modules, 1)
    both = [
        (step_seconds(network, True, steps), step_seconds(network, False, steps))
        for _ in range(rounds)
    ]
    slow, fast = (statistics.median(side) for side in zip(*both, strict=True))
    return slow, fast, statistics.median(one / other for one, other in both)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row for each norm, activation, pooling and width."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS)
    parser.add_argument("--norms", nargs="+", default=tuple(NORMS))
    chosen = parser.parse_args(arguments)
    prepare(threads=1)
    table = Table("norm", "activation", "pooling", "width", "modules, ms", "fused, ms", "ratio")
    for norm, (activation, pooling), width in product(chosen.norms, ENDS, chosen.widths):
        spec = ConvNetSpec(width=width, norm=norm, activation=activation, pooling=pooling)
        slow, fast, ratio = compare(spec)
        figures = (f"{1000 * slow:.2f}", f"{1000 * fast:.2f}", f"{ratio:.2f}")
        table.add_row(norm, activation, pooling, str(width), *figures)
    Console().print(table)


if __name__ == "__main__":
    main()
