"""Stages outside the engine show themselves, and stop where they are asked to."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from condensers import networks
from condensers.composition.initialisation import starting_images
from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget
from condensers.training.classifier import accuracy

Work = Callable[[ClassData, Context], object]


def condense(spec: dict[str, Any]) -> Work:
    return lambda data, context: create_condenser(spec).condense(data, Budget(ipc=2), context)


def measure_network(data: ClassData, context: Context) -> float:
    spec = {"name": "convnet", "depth": 1, "width": 4}
    network = networks.build(spec, data.shape, 10, torch.Generator().manual_seed(0))
    return accuracy(network, data, batch=20, lent=context)


STAGES: dict[str, tuple[str, Work]] = {
    "herding": ("herding", condense({"name": "herding"})),
    "k-means": ("k-means", condense({"name": "k-means"})),
    "centroids": ("k-means-centroids", condense({"name": "k-means-centroids"})),
    "features": ("random features", condense({"name": "herding", "features": "random-network"})),
    "files": ("real-png", condense({"name": "real-png", "choose": "k-means"})),
    "tiles": ("real-tiles", condense({"name": "real-tiles", "choose": "k-means"})),
    "start": (
        "starting images",
        lambda data, context: starting_images(data, 3, "k-means", context.generator, context),
    ),
    "test": ("test", measure_network),
}


@pytest.mark.parametrize("stage", [*STAGES])
def test_a_stage_shows_itself_and_stops(stage: str, grey8: ClassData) -> None:
    name, work = STAGES[stage]
    told: list[Progress] = []
    work(grey8, Context(progress=told.append))
    own = [event for event in told if event.name == name]
    assert [own[0].done, own[-1].done] == [0, own[-1].total]

    def stopped() -> bool:
        return any(event.name == name for event in told)

    told.clear()
    with pytest.raises(Interrupted):
        work(grey8, Context(progress=told.append, stop=stopped))
    assert max(event.done for event in told if event.name == name) <= 1


def test_a_composition_can_be_stopped_before_its_first_step(colour32: ClassData) -> None:
    spec = {"name": "dm", "init": "k-means", "iterations": 5, "batch_real": 4}
    told: list[Progress] = []
    context = Context(progress=told.append, stop=lambda: len(told) == 2)
    with pytest.raises(Interrupted, match="starting images: stopped after 2 of 3"):
        create_condenser(spec).condense(colour32, Budget(ipc=2), context)
