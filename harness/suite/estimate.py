"""About how long each cell takes: image passes that a part says it needs, times the seconds of a
pass on this machine.

A part says it by `image_passes(...)`, a list of (network spec, passes); a pass is one image forward
and backward. A part that does not say is counted as a fifth of a second. Networks that are trained
once for all sets count in the first set alone.
"""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from condensers import networks
from condensers.registry.registry import create_condenser
from condensers.sets.budget import Budget
from harness.suite.cell import MAKES_A_SET, Cell
from scenarios.protocol import Splits
from scenarios.registry import SCENARIOS

TIMED_IMAGES, TIMED_SECONDS, UNKNOWN_SECONDS = 64, 0.15, 0.2

Passes = list[tuple[Any, float]]


def estimate(cells: Sequence[Cell], data: Mapping[str, Splits], device: str) -> dict[str, float]:
    """Seconds of each of `cells` by key; `data` by name."""
    timer, trained = PassTimer(device), set[str]()
    return {
        cell.key: timer.seconds(_passes(cell, data[cell.data], trained), data[cell.data].train)
        for cell in cells
    }


def _passes(cell: Cell, data: Splits, trained: set[str]) -> Passes | None:
    condenser = create_condenser(cell.condenser) if cell.condenser else None
    ipc, images = 0, 0
    if condenser is not None and cell.budget is not None:
        ipc = Budget.from_json(cell.budget).ipc_of(condenser, data.train)
        images = condenser.images_per_class(data.train, ipc) * len(data.train.classes)
    made = condenser.image_passes(data.train, ipc) if condenser is not None else None
    if cell.shards:
        return []
    if cell.kind == "shard" and made is not None:
        return [
            (network, count * len(cell.classes) / len(data.train.classes))
            for network, count in made
        ]
    if cell.kind in MAKES_A_SET and made is not None:
        return made + _known(condenser, cell, data, trained)
    scenario = SCENARIOS.create({"name": cell.scenario, **cell.settings})
    passes: Passes | None = scenario.image_passes(data, images, cell.reference)
    if passes is None:
        return None
    if cell.needs or made is None:
        return passes
    times = scenario.condensations
    return passes + [(network, times * count) for network, count in made]


def _known(condenser: Any, cell: Cell, data: Splits, trained: set[str]) -> Passes:
    """What to take off, since an earlier cell trains the same networks, which `trained` names."""
    shared = condenser.passes_shared(data.train)
    name = f"{cell.data} {shared}"
    known = name in trained
    trained.add(name)
    return [(network, -count) for network, count in shared] if known else []


class PassTimer:
    """Times a forward and backward pass of each network once."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.known: dict[str, float] = {}

    def seconds(self, passes: Passes | None, train: Any) -> float:
        if passes is None:
            return UNKNOWN_SECONDS
        return 0.01 + sum(count * self.per_pass(spec, train) for spec, count in passes)

    def per_pass(self, spec: Any, train: Any) -> float:
        """Seconds of one image of `train`'s shape through the network `spec`, forward and
        backward.
        """
        name = json.dumps([spec, train.shape, len(train.class_names)], sort_keys=True, default=repr)
        if name not in self.known:
            self.known[name] = self._time(spec, train)
        return self.known[name]

    def _time(self, spec: Any, train: Any) -> float:
        device = torch.device(self.device)
        network = networks.build(
            spec, train.shape, len(train.class_names), torch.Generator(), device
        )
        images = torch.zeros(TIMED_IMAGES, *train.shape, device=device)
        network(images).sum().backward()
        begun, rounds = time.perf_counter(), 0
        while rounds < 2 or time.perf_counter() - begun < TIMED_SECONDS:
            network(images).sum().backward()
            rounds += 1
        return (time.perf_counter() - begun) / rounds / TIMED_IMAGES
