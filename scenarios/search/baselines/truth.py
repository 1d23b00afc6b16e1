"""Truth: test accuracy after training on all training data, with weights and batches of its own.

Sharing weights and batches with the proxies would raise their correlation.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from condensers.training.classifier import Training
from scenarios.protocol import Splits
from scenarios.search.baselines.base import Baseline, Judge
from scenarios.search.candidate import TrainingJudge
from scenarios.search.ground_truth.reading import find_table, make_judge
from scenarios.search.ground_truth.table import truth_precision

if TYPE_CHECKING:
    from scenarios.search.scenario import Search


@dataclass(frozen=True)
class TruthBaseline(Baseline):
    """Test accuracy after training on all training data, read from a table where one has it
    (`truth` of the search).
    """

    registered: ClassVar[str] = "truth"

    def judge(self, settings: "Search", data: Splits) -> Judge:
        return make_judge(settings, data, make_truth_judge(settings, data))

    def images(self, settings: "Search", data: Splits) -> float:
        return (
            0.0 if find_table(settings, data) is not None else count_training_images(settings, data)
        )


def make_truth_judge(settings: "Search", data: Splits) -> TrainingJudge:
    """Trains each architecture on all training data and tests it once."""
    recipe = Training(
        settings.truth_epochs,
        settings.truth_lr,
        batch=settings.truth_batch,
        augmentation=settings.truth_augmentation,
        precision=truth_precision(settings),
    )
    return TrainingJudge(
        data, data.train.images, data.train.labels, recipe, True, settings.evaluation_batch
    )


def count_training_images(settings: "Search", data: Splits) -> float:
    """About how many images pass forward and backward for an architecture that is trained."""
    tested = len(data.validation.images) + len(data.test.images)
    return float(settings.truth_epochs * len(data.train.images) + tested / 3)
