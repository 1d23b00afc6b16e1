"""`make bench`: seconds of the loops in which the time goes, at the papers' size, on this machine, one thread.

Each figure is the median of several rounds; the loops take turns, so that a machine whose speed drifts slows all alike.
"""

import statistics
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table

from condensers.context import Context
from condensers.data import ClassData
from condensers.initialisation import starting_images
from condensers.loop import SetLoop
from condensers.networks import build
from condensers.registry import create_condenser
from condensers.setting import Setting
from condensers.training import Training, TrainingLoop
from harness.runtime import prepare

CLASSES, PER_CLASS, IPC, BATCH_REAL, ROUNDS = 10, 300, 10, 256, 3


def made_up() -> ClassData:
    """Noise of Fashion-MNIST's shape: the time of a step does not depend on what the images show."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (CLASSES * PER_CLASS, 1, 28, 28), generator=generator, dtype=torch.uint8)
    labels = torch.arange(CLASSES).repeat_interleave(PER_CLASS)
    return ClassData("noise", images, labels, tuple(map(str, range(CLASSES))), (0.5,), (0.3,), mirror=False)


def matching(data: ClassData, objective: str) -> Callable[[int], float]:
    """A step of DM, or of DSA without its network's training, with ConvNet-3 of width 128."""
    method = create_condenser({"name": "dm", "objective": objective, "batch_real": BATCH_REAL})
    setting = Setting(data, method.network, method.augmentation.for_data(data), Context(), IPC, IPC)
    return SetLoop(method, setting, starting_images(data, IPC, "real", setting.generator)).step


def training(data: ClassData) -> Callable[[int], float]:
    """An epoch of ConvNet-3, width 128, on 100 images with DSA's augmentation."""
    context = Context()
    network = build("convnet", data.shape, CLASSES, context.generator)
    images, labels = data.images[:: PER_CLASS // IPC], data.labels[:: PER_CLASS // IPC]
    return TrainingLoop(network, images, labels, Training(augmentation="dsa"), data, context).step


def main() -> None:
    """Print a table of medians."""
    prepare(threads=1)
    data = made_up()
    loops = {
        f"DM step, {CLASSES} classes x {BATCH_REAL} real images, ipc {IPC}": matching(data, "mean-embedding"),
        f"DSA matching step, {CLASSES} classes x {BATCH_REAL} real images, ipc {IPC}": matching(data, "gradient"),
        f"training epoch, {CLASSES * IPC} images": training(data),
    }
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for index in range(ROUNDS + 1):
        for name, step in loops.items():
            begun = time.perf_counter()
            step(index)
            if index:
                seconds[name].append(time.perf_counter() - begun)
    table = Table("loop (ConvNet-3, width 128, 1x28x28)", "median s", "min s", "max s")
    for name, values in seconds.items():
        table.add_row(name, *(f"{f(values):.2f}" for f in (statistics.median, min, max)))
    Console().print(table)


if __name__ == "__main__":
    main()
