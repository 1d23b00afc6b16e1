"""The order of matching steps and network training, seen by counting."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.schedules.fresh import Fresh
from condensers.schedules.trained_on_synthetic import InnerTraining, TrainedOnSynthetic


class Counting(nn.Module):
    """A linear classifier that notes each training batch."""

    def __init__(self, events: list[str], number: int) -> None:
        super().__init__()
        self.events, self.number = events, number
        self.layer = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        self.events.append(f"train {self.number}")
        out: Tensor = self.layer(x.flatten(1))
        return out


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    noted: list[str] = []

    def build(*_: Any) -> nn.Module:
        number = noted.count("new")
        noted.append("new")
        return Counting(noted, number)

    monkeypatch.setattr(networks, "build", build)
    return noted


def run(schedule: Any, steps: int, events: list[str], data: ClassData) -> None:
    def present() -> tuple[Tensor, Tensor]:
        events.append("read")
        return data.normalise(data.images[:6]), data.labels[:6]

    for step in range(steps):
        network = schedule.network(step, present)
        events.append(f"step with {network.number}")


def test_an_image_step_then_inner_epochs_skipped_after_the_last(
    grey8: ClassData, events: list[str], generator: torch.Generator
) -> None:
    training = InnerTraining(outer=3, inner=2, lr=0.01, batch=6)
    run(TrainedOnSynthetic("any", grey8, generator, training, lambda batch: batch), 7, events, grey8)
    epochs = ["read", "train 0", "train 0", "step with 0"]
    again = [e.replace("0", "1") for e in epochs]
    assert events == ["new", "step with 0", *epochs, *epochs, "new", "step with 1", *again, *again, "new", "step with 2"]


def test_batches_split_an_epoch_and_are_augmented(grey8: ClassData, events: list[str], generator: torch.Generator) -> None:
    sizes: list[int] = []

    def augment(batch: Tensor) -> Tensor:
        sizes.append(len(batch))
        return batch

    training = InnerTraining(outer=2, inner=3, lr=0.01, batch=4)
    run(TrainedOnSynthetic("any", grey8, generator, training, augment), 2, events, grey8)
    assert sizes == [4, 2] * 3


def test_with_one_outer_step_the_network_is_never_trained(
    grey8: ClassData, events: list[str], generator: torch.Generator
) -> None:
    training = InnerTraining(outer=1, inner=50, lr=0.01, batch=6)
    run(TrainedOnSynthetic("any", grey8, generator, training, lambda batch: batch), 3, events, grey8)
    assert events == ["new", "step with 0", "new", "step with 1", "new", "step with 2"]


def test_fresh_gives_a_new_network_each_step(grey8: ClassData, events: list[str], generator: torch.Generator) -> None:
    run(Fresh("any", grey8, generator), 3, events, grey8)
    assert events == ["new", "step with 0", "new", "step with 1", "new", "step with 2"]
