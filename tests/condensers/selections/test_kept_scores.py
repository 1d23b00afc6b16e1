"""Scores that a set of another size finds ready."""

from collections.abc import Callable
from pathlib import Path

import pytest

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet

SPEC = {
    "epochs": 2,
    "networks": 2,
    "batch": 16,
    "network": {"name": "convnet", "depth": 1, "width": 4},
}


@pytest.mark.parametrize("name", ["forgetting", "el2n", "grand", "margin"])
def test_sets_of_several_sizes_are_those_without_a_cache_and_networks_are_trained_once(
    name: str,
    make_data: Callable[..., ClassData],
    file_bytes: Callable[[SyntheticSet], bytes],
    tmp_path: Path,
) -> None:
    data, condenser = (
        make_data((1, 8, 8), 4, 9, noise=0.6),
        create_condenser({"name": name, **SPEC}),
    )
    seen: list[Progress] = []
    made = []
    for ipc in (1, 3):
        alone = condenser.condense(data, Budget(ipc=ipc), Context(seed=4))
        made.append(
            condenser.condense(
                data, Budget(ipc=ipc), Context(seed=4, cache=tmp_path, progress=seen.append)
            )
        )
        assert file_bytes(made[-1]) == file_bytes(alone)
    steps = len(seen)
    assert steps > 0 and made[1].cost["seconds"] > 0.5 * made[0].cost["seconds"], (
        "the training counts for both"
    )
    condenser.condense(data, Budget(ipc=2), Context(seed=4, cache=tmp_path, progress=seen.append))
    create_condenser({"name": name, **SPEC, "keep": "easiest"}).condense(
        data, Budget(ipc=2), Context(seed=4, cache=tmp_path)
    )
    assert len(seen) == steps and len(list(tmp_path.glob("scores/*.safetensors"))) == 1
    condenser.condense(data, Budget(ipc=2), Context(seed=5, cache=tmp_path))
    condenser.condense(data.restrict([0, 1]), Budget(ipc=2), Context(seed=4, cache=tmp_path))
    assert len(list(tmp_path.glob("scores/*.safetensors"))) == 3
