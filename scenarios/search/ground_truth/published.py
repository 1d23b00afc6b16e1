"""NAS-Bench-201's published accuracies as a ground-truth table, checked.

Truth of networks of 16 channels and 5 cells a stage, trained for 200 epochs: those of a search are
smaller, and what was published of the others is what their scores are compared with.

Source: Dong & Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search"
(ICLR 2020), table 1 (recipe) and section 3.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from condensers.errors import UsageError
from scenarios.search.ground_truth.table import GroundTruthTable, Row, Target, make_table
from scenarios.search.judging import measure_size
from scenarios.search.spaces.cell_strings import CLASSES, isomorphism_class, parse_cell
from scenarios.search.spaces.nas_bench_201 import NasBench201Space

SOURCE = "NAS-Bench-201 (Dong & Yang, ICLR 2020)"
SPACE = NasBench201Space(channels=16, cells=5)
EPOCHS, BATCH = 200, 256
ALIGNED = 0.5  # variance within classes of isomorphic cells, as a share of that of all cells


class Images(NamedTuple):
    """A data set as NAS-Bench-201 uses it. theirs: its name in the authors' files."""

    theirs: str
    pixels: int
    classes: int
    train: int
    test: int


DATA = {
    "cifar10": Images("cifar10", 32, 10, 50_000, 10_000),
    "cifar100": Images("cifar100", 32, 100, 50_000, 5_000),
    "imagenet16-120": Images("ImageNet16-120", 16, 120, 151_700, 3_000),
}


class Trained(NamedTuple):
    """One published training. cell: as the authors write it. test, validation: accuracies in %.

    parameters: of the published network. group: what the file says of isomorphism, equal where
    cells are one network.
    """

    cell: Any
    test: float
    seed: int = 0
    validation: float | None = None
    seconds: float | None = None
    parameters: float | None = None
    group: Any = None


def make_published_table(
    found: Sequence[Trained],
    data: str,
    made: Mapping[str, Any],
    *,
    partial: bool = False,
) -> GroundTruthTable:
    """Check what a file holds, and make a ground-truth table of it.

    Args:
        found: One training for each cell and seed.
        data: A name in `DATA`.
        made: How the table came about, as JSON values.
        partial: Whether fewer than all 15,625 cells will do.

    Returns:
        A table whose rows are the trainings; its recipe says that it was published, and where.

    Raises:
        UsageError: A cell is none, occurs twice or is missing, an accuracy is out of range, or
            isomorphic cells differ as any two cells do, so that accuracies and cells do not belong
            together.
    """
    choices = [parse_cell(one.cell) for one in found]
    _require_accuracies(found)
    _require_cells(found, choices, partial)
    classes = [isomorphism_class(choice) for choice in choices]
    _require_aligned(found, classes)
    images = DATA[data]
    counts = _Counts(images)
    rows = [_make_row(one, choice, counts) for one, choice in zip(found, choices, strict=True)]
    return make_table(_make_target(data, images), SPACE.choices(), [made], rows)


def _make_target(data: str, images: Images) -> Target:
    recipe = {
        "truth_epochs": EPOCHS,
        "truth_batch": BATCH,
        "truth_lr": 0.1,
        "truth_augmentation": "crop-flip",
        "precision": "fp32",
        "published": SOURCE,
    }
    space = {"name": SPACE.registered, "channels": SPACE.channels, "cells": SPACE.cells}
    described = {
        "name": data,
        "digests": {},
        "shape": [3, images.pixels, images.pixels],
        "classes": images.classes,
        "images": {"train": images.train, "validation": 0, "test": images.test},
    }
    return Target(space, recipe, described)


class _Counts:
    """Parameters and FLOPs of the published networks: what a network without operations has, and
    what each operation adds wherever it stands.
    """

    def __init__(self, images: Images):
        self.images = images
        shape = (3, images.pixels, images.pixels)
        bare = SPACE.spec(dict.fromkeys(SPACE.choices(), "none"))
        self.base = measure_size(bare, shape, images.classes)

    def of(self, choice: Mapping[str, str]) -> dict[str, int]:
        kernels = [
            {"conv_1x1": 1, "conv_3x3": 9}[name]
            for name in choice.values()
            if name.startswith("conv")
        ]
        found = dict(self.base)
        for stage in range(3):
            width, pixels = SPACE.channels * 2**stage, (self.images.pixels // 2**stage) ** 2
            for kernel in kernels:
                weights = kernel * width * width
                found["parameters"] += SPACE.cells * (weights + 2 * width)  # 2 widths: batch norm
                found["flops"] += SPACE.cells * 2 * weights * pixels
        return found


def _make_row(one: Trained, choice: Mapping[str, str], counts: _Counts) -> Row:
    counted = counts.of(choice)
    if one.parameters is not None and abs(one.parameters - counted["parameters"]) > 1:
        raise UsageError(
            f"the network of the cell {one.cell} has {counted['parameters']:,} parameters, and the"
            f" file says {one.parameters:,.0f}, so its columns do not belong together, or it is of"
            " other networks"
        )
    return {
        "id": SPACE.identifier(choice),
        "choices": dict(choice),
        "seed": one.seed,
        **counted,
        "validation": one.validation,
        "test": one.test,
        "seconds": one.seconds,
        "images": EPOCHS * counts.images.train,
        "curve": [],
        "made": 0,
    }


def _require_accuracies(found: Sequence[Trained]) -> None:
    for one in found:
        for name, value in (("test", one.test), ("validation", one.validation)):
            if value is not None and not (math.isfinite(value) and 0 <= value <= 100):
                raise UsageError(
                    f"the {name} accuracy of the cell {one.cell} is {value}, not a percentage from"
                    " 0 to 100"
                )
    if found and max(one.test for one in found) <= 1:
        raise UsageError(
            "all test accuracies lie between 0 and 1, and NAS-Bench-201 gives percentages; multiply"
            " them by 100"
        )


def _require_cells(
    found: Sequence[Trained], choices: Sequence[Mapping[str, str]], partial: bool
) -> None:
    names = [SPACE.identifier(choice) for choice in choices]
    times = Counter((name, one.seed) for name, one in zip(names, found, strict=True))
    twice = next((place for place, count in times.items() if count > 1), None)
    if twice is not None:
        one = found[names.index(twice[0])]
        raise UsageError(
            f"the cell {one.cell} occurs {times[twice]} times with seed {twice[1]}; leave one row"
            " of each"
        )
    count, whole = len(set(names)), SPACE.size
    if count < 2 or (count < whole and not partial):
        raise UsageError(
            f"it holds {count:,} of the {whole:,} cells of NAS-Bench-201; fetch it again, or pass"
            " --partial for a table of some cells (2 at least)"
        )
    classes = len({isomorphism_class(choice) for choice in choices})
    if count == whole and classes != CLASSES:
        raise AssertionError(f"{classes} classes of isomorphic cells, not {CLASSES}")


def _require_aligned(found: Sequence[Trained], classes: Sequence[str]) -> None:
    """Isomorphic cells are one network: their accuracies differ by chance alone, and what a file
    takes for one class is within one of ours.
    """
    groups: dict[Any, set[str]] = defaultdict(set)
    for one, name in zip(found, classes, strict=True):
        if one.group is not None:
            groups[one.group].add(name)
    wrong = next((group for group, names in groups.items() if len(names) > 1), None)
    if wrong is not None:
        raise UsageError(
            f"its class {wrong} of isomorphic cells holds different networks, so its columns do not"
            " belong together; fetch it again"
        )
    tests = np.array([one.test for one in found])
    which = np.unique(np.array(classes), return_inverse=True)[1].reshape(-1)
    held = np.bincount(which)
    means = np.bincount(which, weights=tests) / held
    shared = held[which] > 1
    if not shared.any() or tests.var() == 0:
        return
    within = float(np.square(tests - means[which])[shared].mean() / tests.var())
    if within > ALIGNED:
        raise UsageError(
            "accuracies of isomorphic cells differ as much as those of any cells (variance within"
            f" classes {within:.2f} of all), so cells and accuracies do not belong together; fetch"
            " it again, or check the order of its rows"
        )
