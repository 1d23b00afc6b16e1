"""Strategies: how a learner uses a stream and, where it has one, a memory.

A strategy is a frozen dataclass of its hyperparameters that names the plugins of an Avalanche
strategy. It runs in the scenario and, plugin by plugin, in anybody's script.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.hyperparameters import hyper
from condensers.training.classifier import predict
from scenarios.continual.learner_settings import LearnerSettings


class Plugin(Protocol):
    """An Avalanche plugin that can be stopped and go on: its state is tensors, numbers, texts,
    lists and dicts.

    extra_bytes, where there is one: what it keeps beside the memory, by name, as {"logits": 4000}.
    """

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class Setup:
    """What a strategy is given to make its plugins. memory: None for a learner without one."""

    memory: Any
    settings: LearnerSettings
    generator: torch.Generator
    data: ClassData


@dataclass(frozen=True)
class Strategy:
    """What all strategies may say. label: its name in reports, where a suite has one strategy
    twice.
    """

    label: str = hyper("", source="ours")
    lr: float | None = hyper(None, source="ours: the scenario's", minimum=0.0)
    batch_size_mem: int | None = hyper(
        None, unit="images of the memory (the scenario's)", source="ours", minimum=1
    )

    registered: ClassVar[str] = ""
    # "needed", "optional" (with one it also replays it) or "none" (then it is a reference, measured
    # once a seed).
    memory: ClassVar[str] = "needed"
    # What each experience shows: its own images, "seen" all those so far, or "all" at once as the
    # only experience.
    shows: ClassVar[str] = "experience"
    # Whether a network is trained from its initial weights on the memory alone after each
    # experience.
    from_scratch: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return self.label or self.registered

    def settings(self, common: LearnerSettings) -> LearnerSettings:
        """The scenario's settings, with those that this strategy has of its own."""
        own: dict[str, Any] = {"lr": self.lr, "batch_size_mem": self.batch_size_mem}
        return replace(common, **{name: value for name, value in own.items() if value is not None})

    def plugins(self, setup: Setup) -> Sequence[Plugin]:
        """The Avalanche plugins of one learner."""
        return []

    def predict(self, network: nn.Module, test: ClassData, memory: Any) -> Tensor:
        """(N,) int64: the class that the learner gives to each test image."""
        return predict(network, test).argmax(1)
