"""Baselines that train for less: fewer steps, or fewer images."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from condensers.engine.context import Context
from condensers.networks.base import NetworkSpec
from condensers.sets.synthetic_set import SyntheticSet
from condensers.sets.units import as_data
from scenarios.protocol import Splits
from scenarios.search.baselines.base import Baseline, Judge
from scenarios.search.candidate import TrainingJudge
from scenarios.search.curve import limit_validation, space_steps

if TYPE_CHECKING:
    from scenarios.search.scenario import Search
    from scenarios.search.spaces.base import SearchSpace


@dataclass(frozen=True)
class EarlyStopping(Baseline):
    """Early stopping: validation accuracy after as many gradient steps on all real images as a set
    of some size takes; its curve goes on.

    Source: the row "Early-stopping" of Zhao & Bilen (DM, WACV 2023), search experiment. Ours: it
    goes on for its curve, which gives its accuracy after as many seconds as a set takes. The rate
    stays a tenth from half of the equal steps on; one that falls to 0 does so for each reading.
    """

    registered: ClassVar[str] = "early-stopping"
    trains_briefly: ClassVar[bool] = True

    def judge(self, settings: "Search", data: Splits) -> TrainingJudge:
        train = data.train
        count = settings.early_stopping_ipc * len(train.classes)
        steps = settings.steps_on(count)
        batch = settings.batch if settings.steps else min(settings.batch, count)
        return TrainingJudge(
            limit_validation(data, settings.validation_images),
            train.images,
            train.labels,
            replace(settings.recipe(), batch=batch, steps=steps),
            False,
            settings.evaluation_batch,
            list_early_readings(settings, steps),
            beyond=settings.early_stopping_most,
            by_loss=settings.by_loss,
            sharing=settings.sharing(),
        )

    def images(self, settings: "Search", data: Splits) -> float:
        count = settings.early_stopping_ipc * len(data.train.classes)
        steps, most = settings.steps_on(count), settings.early_stopping_most
        read = settings.readings * min(settings.validation_images, len(data.validation.images))
        seen = settings.steps * settings.batch if settings.steps else settings.epochs * count
        share = settings.share_of_trainings(
            steps, (*list_early_readings(settings, steps), steps * most)
        )
        return float(seen * share + read / 3)


def list_early_readings(settings: "Search", steps: int) -> tuple[int, ...]:
    """Return after which steps the curve of early stopping is read.

    If each reading is a training of its own, they are those of the sets, and the end.

    Args:
        settings: The search.
        steps: Those of a set.
    """
    most = settings.early_stopping_most
    if settings.schedule == "drop":
        return space_steps(steps * most, settings.readings, settings.first_reading)
    return (*settings.space_readings(steps, settings.readings), steps * most)


def make_validation_judge(
    settings: "Search", data: Splits, synthetic: SyntheticSet
) -> TrainingJudge:
    """Return a judge that trains on all real images and scores on a set's, by their classes.

    Source: ours.

    Args:
        settings: The search; networks take as many steps as the sets of a search that trains on
            them.
        data: On the device of the run.
        synthetic: Its images take the place of the validation images.
    """
    scored = as_data(synthetic, data.train.device)
    judge = EarlyStopping().judge(settings, replace(data, validation=scored))
    return replace(judge, data=replace(data, validation=scored), readings=(), beyond=1)


@dataclass(frozen=True)
class SubsetJudge(Judge):
    """Judges by training on images drawn from `data`, the same for all architectures of one seed.

    settings: the `Search`.
    """

    settings: "Search"
    data: Splits

    independent_seed: ClassVar[bool] = False

    @property
    def measures(self) -> str:
        return self._make_judge(self.data.train.images[:1], self.data.train.labels[:1]).measures

    @property
    def unit(self) -> str:
        return self._make_judge(self.data.train.images[:1], self.data.train.labels[:1]).unit

    def _make_judge(self, images: torch.Tensor, labels: torch.Tensor) -> TrainingJudge:
        return self.settings.make_proxy_judge(self.data, images, labels, self.settings.recipe())

    def prepare(self, space: "SearchSpace", architectures: int, context: Context) -> Judge:
        return self._draw(context).prepare(space, architectures, context)

    def judge(self, spec: NetworkSpec, name: str, context: Context) -> dict[str, Any]:
        return self._draw(context).judge(spec, name, context)

    def _draw(self, context: Context) -> TrainingJudge:
        """Return a judge that trains on images drawn for the search of `context`."""
        train, generator = self.data.train, context.fork("subset").generator
        parts = [
            train.sample(label, self.settings.subset_ipc, generator) for label in train.classes
        ]
        labels = torch.tensor(train.classes).repeat_interleave(
            torch.tensor([len(part) for part in parts])
        )
        return self._make_judge(torch.cat(parts), labels.to(train.device))


@dataclass(frozen=True)
class Subset(Baseline):
    """A random subset: validation accuracy after training on a few real images of each class by the
    recipe of the sets, with a curve.

    Source: the row "Random" of Zhao et al. (DC, ICLR 2021), search experiment. Ours: more images
    than a set has, and a curve, so that it can be read after as many seconds as a set takes.
    """

    registered: ClassVar[str] = "subset"
    trains_briefly: ClassVar[bool] = True

    def judge(self, settings: "Search", data: Splits) -> SubsetJudge:
        return SubsetJudge(settings, limit_validation(data, settings.validation_images))

    def images(self, settings: "Search", data: Splits) -> float:
        return float(
            settings.count_proxy_passes(data, settings.subset_ipc * len(data.train.classes))
        )
