"""Training whose validation accuracy and loss are read on the way, and the images for that.

What is trained is the same to the bit as without readings: they draw nothing, and leave the network
in training mode.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch

from condensers.engine import loop
from condensers.engine.clock import read_work_clock
from condensers.engine.context import Context
from condensers.training.classifier import TrainingLoop
from scenarios.protocol import Splits

READINGS_SHARE, SEED = 0.25, 0


class ReadLoop(TrainingLoop):
    """A TrainingLoop that keeps a curve, see `read_at`; its seconds, those of the work clock, go on
    where a killed run was resumed.

    curve: a reading {"steps", "images", "seconds", "validation", "loss"} for each step read, in
    order. `seconds` is what stopping there would have cost: the training so far and one reading, as
    long as they took on average.
    """

    def read_at(
        self, steps: Iterable[int], read: Callable[[], Mapping[str, float]], beyond: int
    ) -> None:
        """Plan the curve: `read` gives validation accuracy and loss after each of `steps` and after
        the recipe's last step.

        beyond: training goes on to so many times the recipe's steps, at the rate that the recipe
        ends with.
        """
        self.asked, self.total = self.total, self.total * beyond
        self.points = {*steps, self.asked, self.total}
        self.read, self.device = read, self.images.device
        self.curve: list[dict[str, float]] = []
        self.spent, self.reading, self.since = 0.0, 0.0, read_work_clock(self.device)

    def train_to_end(self, context: Context, name: str) -> dict[str, float]:
        """Train to the end, through the engine; return the reading after the recipe's last step."""
        self.since = read_work_clock(self.device)
        loop.run(self, self.total, context, name)
        for reading in self.curve:
            reading["seconds"] += self.reading / len(self.curve)
        return next(reading for reading in self.curve if reading["steps"] == self.asked)

    def step(self, index: int) -> torch.Tensor:
        loss = super().step(index)
        if index + 1 in self.points:
            self._read(index + 1)
        return loss

    def _read(self, steps: int) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # the seconds are those of work that is done
        begun = read_work_clock(self.device)
        self.spent += begun - self.since
        found = self.read()
        self.network.train()
        self.since = read_work_clock(self.device)
        self.reading += self.since - begun
        self.curve.append(
            {
                "steps": steps,
                "images": self.processed(steps),
                "seconds": self.spent,
                **found,
            }
        )

    def state_dict(self) -> dict[str, Any]:
        spent = self.spent + read_work_clock(self.device) - self.since
        return super().state_dict() | {
            "curve": list(self.curve),
            "spent": spent,
            "reading": self.reading,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.curve, self.spent, self.reading = (
            list(state["curve"]),
            state["spent"],
            state["reading"],
        )
        self.since = read_work_clock(self.device)


def space_steps(total: int, count: int, share: float = 0.01) -> tuple[int, ...]:
    """At most `count` steps from about the `share` of `total` up to `total`, each the same factor
    after the one before.

    >>> space_steps(800, 5)
    (8, 25, 80, 253, 800)
    """
    first = max(1.0, total * share)
    ratio = (total / first) ** (1 / max(1, count - 1))
    return tuple(sorted({min(total, round(total / ratio**back)) for back in range(count)}))


def list_trainings(schedule: str, asked: int, readings: Iterable[int]) -> tuple[int, ...]:
    """Steps of each training that a curve takes: the longest alone if the rate depends on no end.

    A rate that falls to 0 at the end makes a shorter training another one, so that each reading has
    its own.

    Args:
        schedule: That of the learning rate.
        asked: Steps of the recipe.
        readings: After which steps the curve is read.

    >>> list_trainings("drop", 40, (10, 80)), list_trainings("cosine", 40, (10, 80))
    ((80,), (10, 40, 80))
    """
    lengths = sorted({asked, *readings})
    return tuple(lengths[-1:] if schedule == "drop" else lengths)


def limit_readings(count: int, processed: int, validation: int) -> int:
    """How many of `count` readings of `validation` images cost at most a quarter of training on
    `processed` images.

    A reading passes its images forward only, a third of what training on as many costs.
    """
    return min(count, int(READINGS_SHARE * processed / (validation / 3)))


def limit_validation(data: Splits, limit: int) -> Splits:
    """The same data with `limit` of its validation images, every class in proportion and with one
    at least.

    The choice is the same for all subjects and seeds.
    """
    validation, labels = data.validation, data.validation.labels.cpu()
    if len(labels) <= limit:
        return data
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(SEED))
    share = torch.empty(len(labels))  # of its class that comes before an image
    for label in validation.classes:
        members = order[labels[order] == label]
        share[members] = torch.arange(len(members)) / len(members)
    first = share.argsort(stable=True)[: max(limit, len(validation.classes))]
    return replace(data, validation=validation.subset(first.sort().values.to(validation.device)))
