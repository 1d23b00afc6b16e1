"""dm-transform fills its bytes with codes, a refiner and labels, and moves all that it learns."""

from typing import Any

import torch
from helpers.smooth import data_of
from helpers.tiny import tiny_spec

from condensers.engine.context import Context
from condensers.parts.parameterisations.pixels import stored_bytes
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget


def test_its_bytes_are_those_of_raw_images_and_all_is_learned() -> None:
    spec: dict[str, Any] = tiny_spec("dm-transform")
    part = spec["parameterisation"]
    inside = {"name": "transform", "step": 0.5, "surplus": 1.1}
    refiner = part["refiner"] | {"width": 2, "rate": 0.1}
    spec |= {"parameterisation": part | {"inside": inside, "refiner": refiner}}
    data = data_of((1, 20, 20), each=60)
    method = create_condenser(spec)
    made, still = (
        create_condenser(spec | {"lr": lr}).condense(data, Budget(ipc=1), Context(seed=1))
        for lr in (0.1, 0.0)
    )
    raw = stored_bytes(data, 1)
    assert method.nbytes(data, 1) == raw
    assert raw - 12 < made.nbytes <= raw
    assert made.card["images_per_class"] == method.images_per_class(data, 1) > 2
    assert made.card["rate"]["budget_bytes"] == raw - len(made.tensors["labels"])
    for name in ("stream", "refiner.weights"):
        assert not torch.equal(made.tensors[name], still.tensors[name])
