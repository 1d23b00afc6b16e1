"""The gate opens and closes by the accuracies alone, and both loops end at their bounds, whatever
the accuracies.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.model_schedules.gated import Gated, GatedNetworks
from condensers.parts.setting import RunSetting

LINEAR = {"name": "mlp", "depth": 1, "width": 4}


def setting_of(data: ClassData, network: Any = None) -> RunSetting:
    return RunSetting(data, network or LINEAR, NoAugmentation(), Context(), ipc=1, per_class=1)


def running(
    schedule: Gated, data: ClassData, accuracies: list[float], monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, list[str]]:
    """A run whose queries are answered from `accuracies`; the list notes queries, new networks and
    epochs.
    """
    events: list[str] = []

    def answer(_: GatedNetworks) -> float:
        events.append("query")
        return accuracies.pop(0)

    def train(*_: Any) -> None:
        events.append("epoch")

    monkeypatch.setattr(GatedNetworks, "_accuracy", answer)
    monkeypatch.setattr("condensers.parts.model_schedules.gated.train_epoch", train)
    return schedule.begin(setting_of(data)), events


def present(data: ClassData) -> tuple[Tensor, Tensor]:
    return data.normalise(data.images[:6]), data.labels[:6]


def test_epochs_until_the_accuracy_has_moved(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = Gated(window=2, moved=0.1, settled=0.0, most_epochs=9)
    answers = [0.5, 0.5, 0.55, 0.7, 0.9, 0.1, 0.2001, 0.9]
    run, events = running(schedule, grey8, answers, monkeypatch)
    first = run.next(0, lambda: present(grey8))
    assert events == []
    assert run.next(1, lambda: present(grey8)) is first
    # After the step .5; then .5, .55 (moved by .05: go on), .55, .7 (moved by .15: enough).
    assert events == ["query", *["epoch", "query"] * 3]
    events.clear()
    assert run.next(2, lambda: present(grey8)) is first
    # After the step .9; then .1, .2001.
    assert events == ["query", *["epoch", "query"] * 2]


def test_a_new_network_once_the_accuracy_stays(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = Gated(window=3, settled=0.1, moved=0.0, most_epochs=1)
    run, events = running(schedule, grey8, [0.1, 0.5, 0.3, 0.5, 0.32, 0.5, 0.35, 0.9], monkeypatch)
    first = run.next(0, lambda: present(grey8))
    assert run.next(1, lambda: present(grey8)) is first
    assert run.next(2, lambda: present(grey8)) is first
    # Steps' own accuracies: .1, .3, .32 (range .22), then .35: .3, .32, .35 lie within .1.
    assert run.next(3, lambda: present(grey8)) is first
    events.clear()
    assert run.next(4, lambda: present(grey8)) is not first
    assert events == ["query"], "what is to be replaced is not trained"
    assert (run.accuracies, run.taken) == ([], 1)


def test_both_loops_end_at_their_bounds(grey8: ClassData, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = Gated(window=2, settled=0.0, moved=1.0, most_steps=3, most_epochs=4)
    run, events = running(schedule, grey8, [0.5] * 100, monkeypatch)
    given = [run.next(step, lambda: present(grey8)) for step in range(7)]
    assert [network is given[0] for network in given] == [True] * 3 + [False] * 4
    assert given[3] is given[5] is not given[6]
    assert events.count("epoch") == 4 * 4, "four epochs after each step but the last with a network"


class Constant(nn.Module):
    """Says the same class of every image."""

    def __init__(self, says: int) -> None:
        super().__init__()
        self.says, self.sizes = says, [0]

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(len(x))
        return torch.eye(10)[self.says].expand(len(x), 10)


@pytest.mark.parametrize(("query", "wanted"), [(1, 1 / 3), (4, 4 / 11), (50, 14 / 31)])
def test_the_query_is_a_part_of_each_class(query: int, wanted: float, grey28: ClassData) -> None:
    """Classes with fewer images than the query bring all that they have."""
    keep = torch.cat([grey28.members(0)[:3], grey28.members(1), grey28.members(2)])
    data = grey28.subset(keep)
    run = Gated(query=query, batch=5).begin(setting_of(data))
    run.current = Constant(2)
    assert run._accuracy() == pytest.approx(wanted)
    assert max(run.current.sizes) <= 5


def test_a_bad_network_learns_the_set(grey8: ClassData) -> None:
    """With nothing replaced, the real loop raises the accuracy."""
    wide = {"name": "mlp", "depth": 1, "width": 64}
    run = Gated(window=20, moved=0.6, settled=0.0, most_epochs=40, query=5, lr=0.1).begin(
        setting_of(grey8, wide)
    )
    before = run._accuracy()
    run.next(0, lambda: present(grey8))
    run.next(1, lambda: (grey8.normalise(grey8.images), grey8.labels))
    assert run._accuracy() > before + 0.5


def test_any_number_of_classes_and_batch_norm(grey8: ClassData) -> None:
    data = grey8.restrict([2, 7])
    batch_norm = {"name": "convnet", "depth": 1, "width": 4, "norm": "batch"}
    run = Gated(window=2, settled=0.0, query=3, most_epochs=2).begin(setting_of(data, batch_norm))
    for step in range(3):
        network = run.next(step, lambda: present(data))
    assert network.training
    assert networks.has_batch_norm(network)
    assert len(run.accuracies) == 2
