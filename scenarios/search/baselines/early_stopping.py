"""Early stopping: validation accuracy after as many gradient steps on all real images as a set of some size takes.

Source: the row "Early-stopping" of Zhao & Bilen (DM, WACV 2023), search experiment. Ours: it goes on for its curve, which gives
its accuracy after as many seconds as a set takes. The rate stays a tenth from half of the equal steps on.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from scenarios.protocol import Splits
from scenarios.search.candidate import Job
from scenarios.search.curve import geometric, searching


@dataclass(frozen=True)
class EarlyStopping:
    """Validation accuracy after a few gradient steps on all training data; its curve goes on."""

    registered: ClassVar[str] = "early-stopping"

    def judge(self, settings: Any, data: Splits) -> Job:
        train = data.train
        count = settings.early_stopping_ipc * len(train.classes)
        steps = settings.epochs * -(-count // settings.batch)
        recipe = replace(settings.recipe(), batch=min(settings.batch, count), steps=steps)
        readings = geometric(steps * settings.early_stopping_most, settings.readings)
        seen = searching(data, settings.validation_images)
        batch, most = settings.evaluation_batch, settings.early_stopping_most
        return Job(seen, train.images, train.labels, recipe, False, batch, readings, most)

    def images(self, settings: Any, data: Splits) -> float:
        count = settings.early_stopping_ipc * len(data.train.classes)
        read = settings.readings * min(settings.validation_images, len(data.validation.images))
        return float(settings.early_stopping_most * settings.epochs * count + read / 3)
