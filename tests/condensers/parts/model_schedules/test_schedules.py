"""The order of matching steps and network training, seen by counting."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.model_schedules.random_networks import Fresh
from condensers.parts.model_schedules.trained_on_synthetic import TrainedOnSynthetic
from condensers.parts.setting import RunSetting


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


def run(
    schedule: Any, steps: int, events: list[str], data: ClassData, augmentation: Any = None
) -> None:
    running = schedule.begin(
        RunSetting(data, "any", augmentation or NoAugmentation(), Context(), ipc=1, per_class=1)
    )

    def present() -> tuple[Tensor, Tensor]:
        events.append("read")
        return data.normalise(data.images[:6]), data.labels[:6]

    for step in range(steps):
        network = running.next(step, present)
        events.append(f"step with {network.number}")


def test_an_image_step_then_inner_epochs_skipped_after_the_last(
    grey8: ClassData, events: list[str]
) -> None:
    run(TrainedOnSynthetic(outer=3, inner=2, lr=0.01, batch=6), 7, events, grey8)
    epochs = ["read", "train 0", "train 0", "step with 0"]
    again = [e.replace("0", "1") for e in epochs]
    assert events == [
        "new",
        "step with 0",
        *epochs,
        *epochs,
        "new",
        "step with 1",
        *again,
        *again,
        "new",
        "step with 2",
    ]


class Watching(NoAugmentation):
    """Notes the size of each batch, and for how many images parameters were drawn."""

    def __init__(self) -> None:
        object.__setattr__(self, "sizes", [])

    def draw(self, n: int, shape: tuple[int, int, int], generator: torch.Generator) -> None:
        self.sizes.append(n)  # type: ignore[attr-defined]


def test_batches_split_an_epoch_and_are_augmented(grey8: ClassData, events: list[str]) -> None:
    watching = Watching()
    run(TrainedOnSynthetic(outer=2, inner=3, lr=0.01, batch=4), 2, events, grey8, watching)
    assert watching.sizes == [4, 2] * 3  # type: ignore[attr-defined]


def test_with_one_outer_step_the_network_is_never_trained(
    grey8: ClassData, events: list[str]
) -> None:
    run(TrainedOnSynthetic(outer=1, inner=50, lr=0.01, batch=6), 3, events, grey8)
    assert events == ["new", "step with 0", "new", "step with 1", "new", "step with 2"]


def test_fresh_gives_a_new_network_each_step(grey8: ClassData, events: list[str]) -> None:
    run(Fresh(), 3, events, grey8)
    assert events == ["new", "step with 0", "new", "step with 1", "new", "step with 2"]
