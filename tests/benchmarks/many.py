"""Proxy training of 32 narrow networks: one after the other, against together in the groups that an evaluation makes of them.

CPU seconds of one thread for as many steps of every network; both sides take turns within a round. The losses are compared first.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from condensers.context import Context
from condensers.data import ClassData
from condensers.networks import build
from condensers.training import Training, TrainingLoop, loss_of
from condensers.training_together import TogetherLoop, groups

CLASSES, NETWORKS, STEPS, COMPARED, CLOSE = 10, 32, 2, 3, 1e-5


def made_up(ipc: int) -> ClassData:
    """Noise of Fashion-MNIST's shape: the time of a step does not depend on what the images show."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (CLASSES * ipc, 1, 28, 28), generator=generator, dtype=torch.uint8)
    labels = torch.arange(CLASSES).repeat_interleave(ipc)
    return ClassData("noise", images, labels, tuple(map(str, range(CLASSES))), (0.5,), (0.3,), mirror=False)


def both(width: int, depth: int, ipc: int, augmentation: str) -> tuple[list[TrainingLoop], list[TogetherLoop]]:
    """Loops of the same networks with the same draws, one by one and together."""
    data, recipe = made_up(ipc), Training(augmentation=augmentation)
    spec = {"name": "convnet", "width": width, "depth": depth}
    networks = [build(spec, data.shape, CLASSES, torch.Generator().manual_seed(seed)) for seed in range(NETWORKS)]
    images = data.normalise(data.images)
    together = [
        TogetherLoop([networks[index] for index in group], images, data.labels, recipe, data, Context())
        for group in groups(spec, NETWORKS)
    ]
    return [TrainingLoop(network, images, data.labels, recipe, data, Context()) for network in networks], together


def losses(loops: Sequence[TrainingLoop]) -> Tensor:
    """The loss of every network at the last step."""
    found = []
    for loop in loops:
        chosen, logits = loop.seen
        each = logits.unbind(1) if logits.ndim == 3 else [logits]
        found += [loss_of(own, loop.labels[chosen], loop.recipe.loss) for own in each]
    return torch.stack(found)


def cpu_seconds(loops: Sequence[TrainingLoop], first: int) -> float:
    """What `STEPS` steps of all loops take, step `first` being the next one."""
    begun = time.process_time()
    for loop in loops:
        for index in range(first, first + STEPS):
            loop.step(index)
    return time.process_time() - begun


def measured(name: str, make: Callable[[], tuple[list[TrainingLoop], list[TogetherLoop]]], rounds: int) -> dict[str, Any]:
    """The ratio of medians over `rounds` rounds, and the least and greatest ratio of a round."""
    alone, together = make()
    for index in range(COMPARED):
        for loop in (*alone, *together):
            loop.step(index)
        difference = ((losses(together) - losses(alone)) / losses(alone)).abs().max().item()
        assert difference < CLOSE, f"{name}: losses differ by {difference:.1e} at step {index}"
    seconds = [
        [cpu_seconds(loops, COMPARED + STEPS * index) for loops in (alone, together)] for index in range(rounds)
    ]  # fmt: skip
    ratios = [one / other for one, other in seconds]
    one, other = (statistics.median(column) for column in zip(*seconds, strict=True))
    return {"name": name, "precision": "fp32", "ratio": one / other, "low": min(ratios), "high": max(ratios), "n": rounds}


def rows(rounds: int, depth: int = 3) -> list[dict[str, Any]]:
    """A row for each width, ipc and augmentation: name, precision, ratio (loop over together), low, high, n."""
    return [
        measured(
            f"proxy-training {NETWORKS} nets, width {width}, depth {depth}, ipc {ipc}, augmentation {augmentation}",
            lambda width=width, ipc=ipc, augmentation=augmentation: both(width, depth, ipc, augmentation),
            rounds,
        )
        for width in (8, 16)
        for ipc in (1, 10)
        for augmentation in ("none", "dsa")
    ]
