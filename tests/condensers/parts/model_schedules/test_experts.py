"""Experts: their paths are plain training, runs share them whatever their seeds, and a stopped
preparation goes on.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context, Progress, derive_seed
from condensers.errors import Interrupted, UsageError
from condensers.parts.augmentations.dsa import NoAugmentation, Siamese
from condensers.parts.model_schedules.expert_trajectories import Experts, Segments
from condensers.parts.setting import RunSetting
from condensers.registry.registry import create_condenser
from condensers.sets.files import save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet

SPEC = {"name": "convnet", "depth": 1, "width": 4}
SHORT = Experts(experts=2, epochs=3, expert_epochs=2, max_start=2, lr=0.1, batch=64)
STEPS = 12  # 200 images in batches of 64, three epochs


def setting_of(data: ClassData, context: Context, augmentation: Any = None) -> RunSetting:
    return RunSetting(data, SPEC, augmentation or NoAugmentation(), context, ipc=1, per_class=1)


def never() -> tuple[Tensor, Tensor]:
    raise AssertionError("experts do not look at the set")


def begin(
    data: ClassData, augmentation: Any = None, **lent: Any
) -> tuple[Segments, list[Progress]]:
    seen: list[Progress] = []
    return SHORT.begin(setting_of(data, Context(progress=seen.append, **lent), augmentation)), seen


def test_a_path_is_plain_training_with_all_parameters_kept(grey8: ClassData) -> None:
    running, _ = begin(grey8)
    images = grey8.normalise(grey8.images)
    for number, path in enumerate(running.paths):
        draw = torch.Generator().manual_seed(derive_seed(number, "expert"))
        network = networks.build(SPEC, grey8.shape, 10, draw)
        for epoch in range(4):
            flat = torch.cat([p.detach().flatten() for p in network.parameters()])
            assert torch.allclose(path[epoch], flat, atol=1e-5)
            order = torch.randperm(200, generator=draw)
            for first in range(0, 200, 64):
                chosen = order[first : first + 64]
                loss = torch.nn.functional.cross_entropy(
                    network(images[chosen]), grey8.labels[chosen]
                )
                gradients = torch.autograd.grad(loss, list(network.parameters()))
                with torch.no_grad():
                    for weight, gradient in zip(network.parameters(), gradients, strict=True):
                        weight -= 0.1 * gradient
    assert not torch.equal(running.paths[0], running.paths[1])


def test_segments_are_stretches_of_a_path(grey8: ClassData) -> None:
    running, _ = begin(grey8)
    found = set()
    for step in range(40):
        segment = running.next(step, never)
        [(number, first)] = [
            (n, t)
            for n in range(2)
            for t in range(2)
            if torch.equal(running.paths[n][t], segment.start)
        ]
        assert torch.equal(segment.target, running.paths[number][first + 2])
        assert torch.equal(
            torch.cat([p.detach().flatten() for p in segment.network.parameters()]), segment.start
        )
        found.add((number, first))
    assert found == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_seeds_share_the_experts_and_draw_their_own_segments(
    grey8: ClassData, tmp_path: Path
) -> None:
    first, trained = begin(grey8, seed=1, cache=tmp_path)
    second, nothing = begin(grey8, seed=2, cache=tmp_path)
    alone, _ = begin(grey8, seed=3)
    assert [event.name for event in trained] == ["expert 1 of 2"] * STEPS + [
        "expert 2 of 2"
    ] * STEPS
    assert nothing == []
    for a, b, c in zip(first.paths, second.paths, alone.paths, strict=True):
        assert torch.equal(a, b)
        assert torch.equal(a, c), "what a cache changes is the time"
    assert first.prepared_seconds == second.prepared_seconds > 0
    starts = [
        [running.next(step, never).start.sum().item() for step in range(12)]
        for running in (first, second)
    ]
    assert starts[0] != starts[1]


def test_what_determines_an_expert_tells_its_files_apart(grey8: ClassData, tmp_path: Path) -> None:
    cases = [
        (SHORT, grey8, NoAugmentation()),
        (replace(SHORT, lr=0.2), grey8, NoAugmentation()),
        (replace(SHORT, batch=32), grey8, NoAugmentation()),
        (SHORT, grey8, Siamese().for_data(grey8)),
        (SHORT, grey8.restrict([2, 7]), NoAugmentation()),
        (SHORT, replace(grey8, mean=(0.4,)), NoAugmentation()),
    ]
    for count, (schedule, data, augmentation) in enumerate(cases, start=1):
        schedule.begin(setting_of(data, Context(cache=tmp_path), augmentation))
        assert len(list((tmp_path / "experts").iterdir())) == count
    for same in (
        replace(SHORT, max_start=1),
        replace(SHORT, expert_epochs=1),
        replace(SHORT, experts=1),
    ):
        same.begin(setting_of(grey8, Context(cache=tmp_path, seed=9)))
    assert len(list((tmp_path / "experts").iterdir())) == len(cases)


@pytest.mark.parametrize("stop", [3, STEPS + 5])
def test_a_stopped_preparation_goes_on_where_it_was(
    stop: int, grey8: ClassData, tmp_path: Path
) -> None:
    whole, _ = begin(grey8)
    done: list[Progress] = []
    stopping = Context(cache=tmp_path, progress=done.append, stop=lambda: len(done) >= stop)
    with pytest.raises(
        Interrupted,
        match=rf"expert {1 + stop // STEPS} of 2: stopped at step {stop % STEPS} of {STEPS}",
    ):
        SHORT.begin(setting_of(grey8, stopping))
    resumed, rest = begin(grey8, cache=tmp_path, seed=7)
    assert len(rest) == 2 * STEPS - stop
    assert all(torch.equal(a, b) for a, b in zip(resumed.paths, whole.paths, strict=True))
    left = [
        path.name
        for path in tmp_path.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    ]
    assert sorted(left) == ["expert-0.pt", "expert-1.pt"]


def test_a_set_is_the_same_with_experts_trained_found_or_not_kept(
    grey8: ClassData,
    tiny: Callable[[str], dict[str, Any]],
    file_bytes: Callable[[SyntheticSet], bytes],
    tmp_path: Path,
) -> None:
    method = create_condenser(tiny("mtt"))
    contexts = [Context(seed=3), Context(seed=3, cache=tmp_path), Context(seed=3, cache=tmp_path)]
    made = [method.condense(grey8, Budget(ipc=2), context) for context in contexts]
    assert len({file_bytes(one) for one in made}) == 1
    prepared = sum(
        torch.load(path, weights_only=True)["seconds"] for path in tmp_path.rglob("expert-*.pt")
    )
    assert made[2].cost["seconds"] >= prepared > 0, "experts that were found ready count in full"


def test_the_estimate_counts_the_experts(
    grey8: ClassData, tiny: Callable[[str], dict[str, Any]]
) -> None:
    few, more = ({"name": "experts", "experts": n, "epochs": 4, "max_start": 1} for n in (1, 3))
    passes = [
        create_condenser(tiny("mtt") | {"model_schedule": one}).image_passes(grey8, 1)[0][1]
        for one in (few, more)
    ]
    assert passes[1] - passes[0] == 2 * 4 * 200


def test_segments_must_end_within_the_training() -> None:
    with pytest.raises(
        UsageError, match="begins at epoch 19 ends at 21, but experts are trained for 10 epochs"
    ):
        create_condenser({"name": "mtt", "model_schedule": {"name": "experts", "epochs": 10}})


def test_interrupted_inside_the_experts_a_run_ends_with_the_same_bytes(
    grey8: ClassData, tiny: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    method = create_condenser(tiny("tesla"))
    done: list[Progress] = []
    with pytest.raises(Interrupted, match="expert 1 of 1"):
        lent = {"folder": tmp_path / "run", "cache": tmp_path / "cache"}

        def among_the_experts() -> bool:
            return sum("expert" in event.name for event in done) >= 2

        method.condense(
            grey8, Budget(ipc=1), Context(progress=done.append, stop=among_the_experts, **lent)
        )
    save_set(
        method.condense(grey8, Budget(ipc=1), Context(**lent)), tmp_path / "resumed.safetensors"
    )
    save_set(method.condense(grey8, Budget(ipc=1), Context()), tmp_path / "whole.safetensors")
    assert (tmp_path / "resumed.safetensors").read_bytes() == (
        tmp_path / "whole.safetensors"
    ).read_bytes()
