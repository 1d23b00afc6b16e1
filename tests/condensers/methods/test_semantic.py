"""semantic holds more images in the bytes, and learns from networks that learn."""

from typing import Any

import pytest
import torch

from condensers.engine.context import Context
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget
from tests.condensers.parts.parameterisations.test_jpeg import data_of

QUEUE = {"name": "queue", "size": 3, "first": 1, "interval": 1, "training_steps": 2, "batch": 8}
SPEC: dict[str, Any] = {
    "name": "semantic",
    "iterations": 4,
    "batch_real": 8,
    "network": {"name": "convnet", "width": 4, "depth": 2},
    "model_schedule": QUEUE,
}


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_it_holds_several_images_in_the_bytes_of_one(shape: tuple[int, int, int]) -> None:
    data, method = data_of(shape), create_condenser(SPEC)
    made = method.condense(data, Budget(ipc=2), Context(seed=1))
    assert made.nbytes <= create_condenser("random").nbytes(data, 2)
    assert made.card["images_per_class"] == method.images_per_class(data, 2) > 4


def test_what_its_networks_learn_changes_the_set() -> None:
    """With a rate of 0 the networks stay as they were drawn; all else is equal."""
    data = data_of((1, 24, 24), each=60)
    sets = [
        create_condenser(SPEC | {"model_schedule": QUEUE | {"lr": lr}})
        .condense(data, Budget(ipc=1), Context(seed=3))
        .decode()[0]
        for lr in (0.0, 0.05, 0.05)
    ]
    assert not torch.equal(sets[0], sets[1])
    assert torch.equal(sets[1], sets[2])
