"""What is stored in the place of pixels is learned by any objective: one step moves it, and what
was learned is what is read.
"""

from typing import Any

import pytest
import torch
from helpers.tiny import TINY_BASES, TINY_EXPERTS, TINY_FIELDS

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

FACTORS = TINY_BASES | {"hallucinators": 1, "warm_steps": 0}
PARTS: dict[str, dict[str, Any]] = {
    "bases": FACTORS,
    "frequencies": {"name": "frequencies", "share": 0.3},
    "neural-fields": TINY_FIELDS | {"warm_steps": 1},
}
TRAJECTORY = {"name": "trajectory", "steps": 1, "lr": 0.1, "batch_syn": 8}
OBJECTIVES: dict[str, dict[str, Any]] = {
    "gradient": {},
    "mean-embedding": {},
    "layer-means": {},
    "attention": {},
    "summed-gradient": {},
    "kernel-regression": {
        "objective": {"name": "kernel-regression", "kernel": {"name": "fc_ntk", "depth": 1}},
        "model_schedule": "none",
        "labels": "learned",
    },
    "trajectory": {"objective": TRAJECTORY, "model_schedule": TINY_EXPERTS},
    "unrolled": {"objective": {"name": "unrolled", "epochs": 1, "lr": 0.1}},
}


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("part", PARTS)
def test_any_objective_learns_it(part: str, objective: str, grey8: ClassData) -> None:
    spec = {
        "name": "dm",
        "iterations": 1,
        "optimiser": "adam",
        "batch_real": 4,
        "parameterisation": PARTS[part],
        "objective": objective,
        "network": {"name": "convnet", "depth": 2, "width": 4},
    } | OBJECTIVES[objective]
    data = grey8.restrict([0, 3])
    still, moved = (
        create_condenser(spec | {"lr": lr}).condense(data, Budget(ipc=3), Context(seed=1))
        for lr in (0.0, 0.5)
    )
    assert moved.nbytes == create_condenser(spec).nbytes(data, 3) == still.nbytes
    assert not torch.equal(still.decode()[0], moved.decode()[0])
