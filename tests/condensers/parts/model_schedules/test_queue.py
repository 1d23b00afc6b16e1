"""When networks join and leave the queue, which are trained between steps and on what, and the
accuracy that they carry.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.model_schedules.queue import Queue
from condensers.parts.setting import RunSetting


class Numbered(nn.Module):
    """A linear classifier that notes what it is trained on."""

    def __init__(self, number: int, events: list[tuple[int, int]]) -> None:
        super().__init__()
        self.number, self.events = number, events
        self.layer = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        assert self.training
        self.events.append((self.number, len(x)))
        out: Tensor = self.layer(x.flatten(1))
        return out


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(network, images) of each training batch; networks are numbered as they are made."""
    noted: list[tuple[int, int]] = []
    made: list[int] = []

    def build(*_: Any) -> nn.Module:
        made.append(len(made))
        return Numbered(made[-1], noted)

    monkeypatch.setattr(networks, "build", build)
    return noted


def begin(schedule: Queue, data: ClassData) -> Any:
    return schedule.begin(
        RunSetting(data, "any", NoAugmentation(), Context(seed=2), ipc=1, per_class=1)
    )


def absent() -> tuple[Tensor, Tensor]:
    raise AssertionError("the queue does not learn from the set")


def test_networks_join_every_interval_and_the_oldest_leaves(
    grey8: ClassData, events: list[tuple[int, int]]
) -> None:
    run, numbers, chosen = begin(Queue(size=4, first=2, interval=2, trained=0), grey8), [], set()
    for step in range(9):
        chosen.add(run.next(step, absent).number)
        numbers.append([network.number for network in run.networks])
    assert numbers[:5] == [[0, 1, 2], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3], [1, 2, 3, 4]]
    assert numbers[8] == [3, 4, 5, 6]
    assert len(chosen) > 2
    assert events == []


def test_some_networks_take_steps_on_real_images_between_steps(
    grey8: ClassData, events: list[tuple[int, int]]
) -> None:
    run = begin(Queue(first=4, interval=100, trained=2, training_steps=3, batch=16), grey8)
    assert not run.next(0, absent).training
    assert events == [], "nothing is trained before the first step"
    trained = []
    for step in range(1, 6):
        events.clear()
        run.next(step, absent)
        assert [images for _, images in events] == [16] * 6
        assert events[0] == events[2] != events[3] == events[5]
        trained.append((events[0][0], events[3][0]))
    assert len(set(trained)) > 1


def test_a_step_is_sgd_with_momentum_and_decay(
    grey8: ClassData, events: list[tuple[int, int]]
) -> None:
    run = begin(
        Queue(
            first=0,
            interval=100,
            trained=1,
            training_steps=3,
            batch=20,
            lr=0.05,
            momentum=0.9,
            weight_decay=0.01,
        ),
        grey8,
    )
    network = run.next(0, absent)
    weight, bias = (parameter.detach().clone() for parameter in network.parameters())
    draws = torch.Generator()
    draws.set_state(run.setting.generator.get_state())
    torch.randperm(1, generator=draws)
    velocity, right = [torch.zeros_like(weight), torch.zeros_like(bias)], 0
    for step in range(3):
        images, labels = grey8.batch(20, draws)
        flat = images.flatten(1)
        logits = flat @ weight.T + bias
        right += int((logits.argmax(1) == labels).sum())
        error = (torch.softmax(logits, 1) - torch.eye(10)[labels]) / 20
        gradients = [error.T @ flat + 0.01 * weight, error.sum(0) + 0.01 * bias]
        velocity = [
            g if step == 0 else 0.9 * v + g for v, g in zip(velocity, gradients, strict=True)
        ]
        weight, bias = weight - 0.05 * velocity[0], bias - 0.05 * velocity[1]
    run.next(1, absent)
    got_weight, got_bias = network.parameters()
    assert torch.allclose(got_weight, weight, atol=1e-5)
    assert torch.allclose(got_bias, bias, atol=1e-5)
    assert network.accuracy == right / 60 > 0


def test_a_network_knows_nothing_before_it_is_trained_and_learns(
    grey8: ClassData, events: list[tuple[int, int]]
) -> None:
    run = begin(Queue(first=0, interval=100, trained=1, training_steps=10, batch=50), grey8)
    network = run.next(0, absent)
    assert network.accuracy == 0.0
    for step in range(1, 6):
        run.next(step, absent)
    assert 0.9 < network.accuracy <= 1


def test_the_whole_queue_is_taken_up_again(grey8: ClassData) -> None:
    setting = RunSetting(
        grey8, {"name": "mlp", "width": 4}, NoAugmentation(), Context(seed=2), ipc=1, per_class=1
    )
    schedule = Queue(size=3, interval=1, training_steps=2, batch=8)
    run = schedule.begin(setting)
    for step in range(4):
        run.next(step, absent)
    state, draws = run.state_dict(), setting.generator.get_state()
    weights = [{name: tensor.clone() for name, tensor in one.items()} for one in state["networks"]]
    other = schedule.begin(
        RunSetting(
            grey8,
            {"name": "mlp", "width": 4},
            NoAugmentation(),
            Context(seed=9),
            ipc=1,
            per_class=1,
        )
    )
    other.load_state_dict(state)
    other.setting.generator.set_state(draws)
    for mine, kept in zip(other.networks, weights, strict=True):
        assert all(torch.equal(mine.state_dict()[name], tensor) for name, tensor in kept.items())
    assert [n.accuracy for n in other.networks] == [n.accuracy for n in run.networks]
    ours, theirs = run.next(4, absent), other.next(4, absent)
    assert all(
        torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True)
    )
