"""Baselines that train for less: fewer steps, or fewer images."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from condensers.engine.context import Context
from scenarios.protocol import Splits
from scenarios.search.candidate import Job
from scenarios.search.curve import geometric, searching


@dataclass(frozen=True)
class EarlyStopping:
    """Validation accuracy after a few gradient steps on all training data; its curve goes on.

    Early stopping: validation accuracy after as many gradient steps on all real images as a set of
    some size takes.

    Source: the row "Early-stopping" of Zhao & Bilen (DM, WACV 2023), search experiment. Ours: it
    goes on for its curve, which gives its accuracy after as many seconds as a set takes. The rate
    stays a tenth from half of the equal steps on.
    """

    registered: ClassVar[str] = "early-stopping"

    def judge(self, settings: Any, data: Splits) -> Job:
        train = data.train
        count = settings.early_stopping_ipc * len(train.classes)
        steps = settings.steps_on(count)
        batch = settings.batch if settings.steps else min(settings.batch, count)
        recipe = replace(settings.recipe(), batch=batch, steps=steps)
        readings = geometric(
            steps * settings.early_stopping_most, settings.readings, settings.first_reading
        )
        seen = searching(data, settings.validation_images)
        tested, most = settings.evaluation_batch, settings.early_stopping_most
        by_loss = settings.score_by == "loss"
        return Job(
            seen, train.images, train.labels, recipe, False, tested, readings, most, 1, by_loss
        )

    def images(self, settings: Any, data: Splits) -> float:
        count = settings.early_stopping_ipc * len(data.train.classes)
        read = settings.readings * min(settings.validation_images, len(data.validation.images))
        seen = settings.steps * settings.batch if settings.steps else settings.epochs * count
        return float(settings.early_stopping_most * seen + read / 3)


@dataclass(frozen=True)
class OfSubset:
    """Judges by training on images drawn from `data`, the same for all architectures of one seed.

    settings: the `Search`.
    """

    settings: Any
    data: Splits

    own_draws: ClassVar[bool] = False

    @property
    def measures(self) -> str:
        return self._job(self.data.train.images[:1], self.data.train.labels[:1]).measures

    @property
    def unit(self) -> str:
        return self._job(self.data.train.images[:1], self.data.train.labels[:1]).unit

    def _job(self, images: torch.Tensor, labels: torch.Tensor) -> Job:
        job: Job = self.settings.proxy(self.data, images, labels, self.settings.recipe())
        return job

    def judge(self, spec: Any, name: str, context: Context) -> dict[str, Any]:
        train, generator = self.data.train, context.fork("subset").generator
        parts = [
            train.sample(label, self.settings.subset_ipc, generator) for label in train.classes
        ]
        labels = torch.tensor(train.classes).repeat_interleave(
            torch.tensor([len(part) for part in parts])
        )
        job = self._job(torch.cat(parts), labels.to(train.device))
        return job.judge(spec, name, context)


@dataclass(frozen=True)
class Subset:
    """Validation accuracy after training on a random real subset by the recipe of the sets, with a
    curve.

    A random subset: validation accuracy after training on a few real images of each class by the
    recipe of the sets.

    Source: the row "Random" of Zhao et al. (DC, ICLR 2021), search experiment. Ours: more images
    than a set has, and a curve, so that it can be read after as many seconds as a set takes.
    """

    registered: ClassVar[str] = "subset"

    def judge(self, settings: Any, data: Splits) -> OfSubset:
        return OfSubset(settings, searching(data, settings.validation_images))

    def images(self, settings: Any, data: Splits) -> float:
        return float(settings.proxy_passes(data, settings.subset_ipc * len(data.train.classes)))
