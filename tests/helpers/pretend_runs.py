"""What runs ask of a graphics card: every method, selection and view condenses a small set on the
pretend one, and each step is counted.

PYTHONPATH=.:tests python -m helpers.pretend_runs [NAME...]
"""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from helpers.pretend_accelerator import DEVICE, KINDS, Watch, watched
from helpers.tiny import tiny_spec

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.registry.registry import METHODS, SELECTIONS, create_condenser
from condensers.sets.synthetic_set import Budget


@dataclass
class Counts:
    """What one run asked for. total: in all. steps: name of a loop -> the most in one of its steps,
    the first one left out. places: where copies, waits and mixtures of those steps came from.
    """

    total: Counter[str] = field(default_factory=Counter)
    steps: dict[str, Counter[str]] = field(default_factory=dict)
    places: Counter[tuple[str, str, str]] = field(default_factory=Counter)


class StepCounter:
    """Hears of the steps of a run, and counts what each asked for."""

    def __init__(self, watch: Watch) -> None:
        self.watch, self.found = watch, Counts()
        self.before, self.places = Counter[str](), Counter[tuple[str, str, str]]()

    def hear(self, progress: Progress) -> None:
        """Called after each step."""
        if progress.done > 1:
            most = self.found.steps.setdefault(progress.name, Counter())
            for kind in KINDS:
                most[kind] = max(most[kind], self.watch.counts[kind] - self.before[kind])
            self.found.places += self.watch.places - self.places
        self.before, self.places = Counter(self.watch.counts), Counter(self.watch.places)


def images() -> ClassData:
    """Four classes of twelve grey 8 x 8 images."""
    pixels = torch.randint(0, 256, (48, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    labels, names = torch.arange(4).repeat(12), ("a", "b", "c", "d")
    return ClassData("noise", pixels.to(torch.uint8), labels, names, (0.5,), (0.25,))


def condense(spec: Mapping[str, Any], ipc: int = 2) -> Counts:
    """Condense ten classes of small images on the pretend device."""
    data = images()
    with watched() as watch:
        counter = StepCounter(watch)
        context = Context(seed=0, device=DEVICE, progress=counter.hear)
        create_condenser(spec).condense(data, Budget(ipc=ipc), context)
    counter.found.total = watch.counts
    return counter.found


def specs() -> dict[str, dict[str, Any]]:
    known = {name: tiny_spec(name) for name in (*METHODS.entries(), *SELECTIONS.entries())}
    for spec in known.values():
        if "iterations" in spec:
            spec["iterations"] = 4
    return known


def main() -> None:
    chosen = sys.argv[1:]
    where: Counter[tuple[str, str, str]] = Counter()
    for name, spec in specs().items():
        if chosen and name not in chosen:
            continue
        try:
            found = condense(spec)
        except Exception as fault:
            if chosen:
                raise
            print(name, "FAILED", type(fault), str(fault)[:300])
            continue
        print(name, dict(found.total))
        where += found.places
        for loop, most in found.steps.items():
            print("   ", loop, {k: v for k, v in most.items() if v})
    for place, n in where.most_common(100):
        print("       ", n, *place)


if __name__ == "__main__":
    main()
