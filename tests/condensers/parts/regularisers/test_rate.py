"""The controller of the rate: bytes are brought to the budget, under any objective."""

import pytest
import torch
from helpers.smooth import data_of

from condensers.engine.context import Context
from condensers.engine.loop import Interrupted
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

SPEC = {
    "name": "dm",
    "iterations": 30,
    "optimiser": "adam",
    "lr": 0.1,
    "batch_real": 8,
    "augmentation": "none",
    "network": {"name": "mlp", "width": 8},
    "parameterisation": {"name": "transform", "step": 0.4, "free": True, "surplus": 1.3},
    "regularisers": ["rate"],
}
KERNEL = {
    "objective": {"name": "kernel-regression", "kernel": {"name": "fc_ntk", "depth": 1}},
    "model_schedule": "none",
    "labels": "learned",
}


@pytest.mark.parametrize(
    "changed", [{}, {"objective": "gradient"}, KERNEL], ids=["mean", "gradient", "kernel"]
)
def test_the_budget_is_met(changed):
    data, method = data_of((1, 12, 12), each=60), create_condenser(SPEC | changed)
    made = method.condense(data, Budget(ipc=1), Context(seed=1))
    told = made.card["rate"]
    assert told["coded_bytes"] == pytest.approx(told["budget_bytes"], rel=0.1)
    stream = len(made.tensors["stream"])
    assert 0.88 * told["budget_bytes"] < stream <= told["budget_bytes"]
    assert made.nbytes <= method.nbytes(data, 1)


def test_without_a_controller_the_bytes_run_away_and_are_cut():
    data = data_of((1, 12, 12), each=60)
    alone = create_condenser(SPEC | {"regularisers": []})
    made = alone.condense(data, Budget(ipc=1), Context(seed=1))
    assert "rate" not in made.card
    assert made.nbytes <= alone.nbytes(data, 1)


def test_interrupted_and_resumed_is_uninterrupted(tmp_path):
    data, asked = data_of((1, 12, 12)), []
    method = create_condenser(SPEC | {"iterations": 8})
    whole = method.condense(data, Budget(ipc=1), Context(seed=1))

    def stop():
        asked.append(1)
        return len(asked) > 8

    with pytest.raises(Interrupted):
        method.condense(data, Budget(ipc=1), Context(seed=1, folder=tmp_path, stop=stop))
    assert any(tmp_path.rglob("checkpoint.pt"))
    resumed = method.condense(data, Budget(ipc=1), Context(seed=1, folder=tmp_path))
    assert torch.equal(resumed.tensors["stream"], whole.tensors["stream"])
    assert resumed.card["rate"] == whole.card["rate"]


def test_what_takes_the_same_bytes_is_refused():
    with pytest.raises(UsageError, match="rate moves the bytes of what is learned, and"):
        create_condenser({"name": "dm", "regularisers": ["rate"]})
