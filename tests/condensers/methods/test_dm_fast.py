"""dm-fast is DM with other values of its fields, and takes what DM takes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import Interrupted
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

FIELDS: dict[str, Any] = {
    "lr": 10.0,
    "halve_at": [0.6, 0.8],
    "batch_real": 32,
    "network": {"name": "convnet", "width": 32},
    "parameterisation": {"name": "tiles", "factor": 2},
    "sampler": {"name": "stratified", "clusters": 16},
}


def test_it_is_dm_with_these_fields(make_data: Callable[..., ClassData]) -> None:
    data = make_data((1, 28, 28), 3, 90)
    sets = [
        create_condenser(spec | {"iterations": 3}).condense(data, Budget(ipc=2), Context(seed=5))
        for spec in ({"name": "dm-fast"}, {"name": "dm", **FIELDS})
    ]
    assert torch.equal(sets[0].tensors["images"], sets[1].tensors["images"])
    assert sets[0].card["images_per_class"] == 8


def test_interrupted_and_resumed_is_uninterrupted(
    make_data: Callable[..., ClassData], tmp_path: Any
) -> None:
    data, condenser = (
        make_data((1, 28, 28), 2, 90),
        create_condenser({"name": "dm-fast", "iterations": 5}),
    )
    whole = condenser.condense(data, Budget(ipc=1), Context(seed=5))
    done: list[Any] = []
    with pytest.raises(Interrupted):
        condenser.condense(
            data,
            Budget(ipc=1),
            Context(5, folder=tmp_path, progress=done.append, stop=lambda: len(done) >= 3),
        )
    resumed = condenser.condense(data, Budget(ipc=1), Context(5, folder=tmp_path))
    assert torch.equal(resumed.tensors["images"], whole.tensors["images"])
