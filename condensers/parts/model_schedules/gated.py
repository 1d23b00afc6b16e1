"""A network is trained on the set until its accuracy has moved, and replaced once the accuracy
stays: both loops are gated.

Outer: after each step on the images, accuracy on a query of real images; a new network once max -
min over the last `window` of them is below `settled`. Inner: before each further step, epochs on
the set until max - min over the last `window` accuracies is above `moved`.

Source: Wang et al., "CAFE: Learning to Condense Dataset by Aligning Features" (CVPR 2022), section
3.4, "dynamic bi-level optimisation", and the authors' code (lambda_1, lambda_2, ten accuracies, 128
images per class). Differences from that code: both loops have an upper bound of ours, without which
the inner one need not end; an accuracy is the query's alone, where theirs keeps a part of the last
one; the network learns no more once it is to be replaced. Steps on the images are counted by the
method's `iterations`, since how many a network gets is not known beforehand.

On a graphics card a step waits for its gates: once for the outer one, and for the inner one after
each epoch from the `window`th on. What is drawn next depends on their answers, so that an answer
that is read later would give another set.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from condensers.engine.devices import send, share
from condensers.hyperparameters import hyper
from condensers.parts.model_schedules.base import ModelSchedule, ScheduleRun, SyntheticBatch
from condensers.parts.model_schedules.training_steps import batches_of, train_epoch
from condensers.parts.setting import RunSetting

Accuracies = Sequence[float | Tensor]
"""Accuracies, 0 to 1; those of a graphics card are read when a gate looks at them."""


@final
@dataclass(frozen=True)
class Gated(ModelSchedule):
    """Networks that learn from the set as long as their accuracy says so."""

    settled: float = hyper(
        0.04, help="range of accuracies, 0 to 1", source="CAFE's code, lambda_1", minimum=0.0
    )
    moved: float = hyper(
        0.03, help="range of accuracies, 0 to 1", source="CAFE's code, lambda_2", minimum=0.0
    )
    window: int = hyper(
        10,
        unit="accuracies",
        help="latest accuracies that the gate looks at",
        source="CAFE's code",
        minimum=1,
    )
    query: int = hyper(
        128, unit="images per class", help="real images", source="CAFE's code", minimum=1
    )
    most_steps: int = hyper(
        50,
        unit="steps",
        help="steps on the images with each network, at most",
        source="ours",
        minimum=1,
    )
    most_epochs: int = hyper(
        50,
        unit="epochs",
        help="epochs between steps on the images, at most",
        source="ours",
        minimum=1,
    )
    lr: float = hyper(0.01, help="learning rate of the network", source="CAFE's code", minimum=0.0)
    batch: int = hyper(256, unit="images", source="CAFE's code", minimum=1)

    registered: ClassVar[str] = "gated"
    couples_classes: ClassVar[bool] = True
    label_forms: ClassVar[tuple[str, ...]] = ("hard", "probabilities")

    def passes(self, steps: int, images: int, ipc: int) -> float:
        """As if every inner loop took one window of epochs; a query passes forward only."""
        epochs = min(self.window, self.most_epochs)
        return steps * (epochs * images + (epochs + 1) * self.query * images / ipc / 3)

    def begin(self, setting: RunSetting) -> "GatedNetworks":
        """Start a run."""
        return GatedNetworks(self, setting)


class GatedNetworks(ScheduleRun):
    """One run. accuracies: the last ones after steps on the images. taken: the steps of the present
    network.
    """

    def __init__(self, schedule: Gated, setting: RunSetting) -> None:
        self.schedule, self.setting = schedule, setting
        self.current = setting.fresh()
        self.accuracies: Accuracies = []
        self.taken = 0

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """The same network, trained on the set, or a new one where the last steps changed its
        accuracy little.
        """
        if step > 0:
            self._follow(*synthetic())
        self.taken += 1
        return self.current

    def _follow(self, images: Tensor, labels: Tensor) -> None:
        """What comes after a step on the images."""
        rule = self.schedule
        self.accuracies = [*self.accuracies, self._accuracy()][-rule.window :]
        settled = False
        if self._full(self.accuracies):
            self.accuracies = numbers(self.accuracies)
            settled = spread(self.accuracies) < rule.settled
        if settled or self.taken >= rule.most_steps:
            self.current, self.accuracies, self.taken = self.setting.fresh(), [], 0
            return
        optimiser = torch.optim.SGD(self.current.parameters(), lr=rule.lr, fused=True)
        inner: Accuracies = []
        for _ in range(rule.most_epochs):
            train_epoch(self.current, optimiser, images, labels, rule.batch, self.setting)
            inner = [*inner, self._accuracy()][-rule.window :]
            if self._full(inner):
                inner = numbers(inner)
                if spread(inner) > rule.moved:
                    return

    def _full(self, accuracies: Accuracies) -> bool:
        return len(accuracies) == self.schedule.window

    @torch.no_grad()
    def _accuracy(self) -> float | Tensor:
        """The part of newly drawn real images that the network classifies correctly, 0 to 1;
        classes are mixed in each batch.
        """
        data, rule = self.setting.data, self.schedule
        drawn = [data.sample(label, rule.query, self.setting.generator) for label in data.classes]
        counts = torch.tensor([len(one) for one in drawn])
        labels = send(torch.tensor(data.classes).repeat_interleave(counts), data.device)
        images, right = torch.cat(drawn), torch.zeros((), dtype=torch.int64, device=data.device)
        for chosen in batches_of(len(images), rule.batch, self.setting):
            right = right + (self.current(images[chosen]).argmax(1) == labels[chosen]).sum()
        return share(right, len(images))

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {
            "network": self.current.state_dict(),
            "accuracies": numbers(self.accuracies),
            "taken": self.taken,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.current.load_state_dict(state["network"])
        self.accuracies, self.taken = list(state["accuracies"]), state["taken"]


def numbers(accuracies: Accuracies) -> list[float]:
    """Return accuracies as numbers; those of a graphics card are read together."""
    waiting = [one for one in accuracies if isinstance(one, Tensor)]
    read = iter(torch.stack(waiting).tolist() if waiting else ())
    return [float(next(read)) if isinstance(one, Tensor) else one for one in accuracies]


def spread(accuracies: Sequence[float]) -> float:
    """The largest minus the smallest.

    >>> spread([0.5, 0.25, 0.75])
    0.5
    """
    return max(accuracies) - min(accuracies)
