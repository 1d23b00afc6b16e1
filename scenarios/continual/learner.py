"""The learner: Avalanche's training loop over our minibatches, which can stop anywhere."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from avalanche.core import SupervisedPlugin
from avalanche.training.supervised import Naive
from torch import nn

from condensers.data import ClassData
from condensers.engine import optimiser_state
from condensers.engine.context import Context
from condensers.registry.registry import AUGMENTATIONS
from scenarios.continual.learner_settings import Batches, LearnerSettings


class Learner(Naive):  # type: ignore[misc]
    """An Avalanche strategy that reads `batches` in place of its experience's data loader."""

    batches: Batches

    def make_train_dataloader(self, **_: Any) -> None:
        self.dataloader = self.batches


class MinibatchHooks(SupervisedPlugin):  # type: ignore[misc]
    """Augment each minibatch, count its images, and call `after(index)` once it is learned.

    Attributes:
        optimiser: The state that the optimiser begins the next experience with, if any.
        images: How many images have passed.
    """

    def __init__(
        self,
        settings: LearnerSettings,
        data: ClassData,
        context: Context,
        after: Callable[[int], None],
    ) -> None:
        super().__init__()
        self.augmentation, self.shape = (
            AUGMENTATIONS.create(settings.augmentation).for_data(data),
            data.shape,
        )
        self.generator, self.after = context.generator, after
        self.optimiser: dict[str, Any] | None = None
        self.images = 0

    def before_training_epoch(self, strategy: Any, **_: Any) -> None:
        if self.optimiser is not None:
            optimiser_state.take_up(strategy.optimizer, self.optimiser)
            self.optimiser = None

    def before_forward(self, strategy: Any, **_: Any) -> None:
        x = strategy.mbatch[0]
        self.images += len(x)
        strategy.mbatch[0] = self.augmentation.apply(
            x, self.augmentation.draw(len(x), self.shape, self.generator)
        )

    def after_training_iteration(self, strategy: Any, **_: Any) -> None:
        self.after(strategy.batches.index)


def build_learner(
    network: nn.Module, settings: LearnerSettings, plugins: Sequence[Any], device: torch.device
) -> Learner:
    """Build a learner without loggers; its plugins are called in their order."""
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=settings.lr,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    return Learner(
        model=network,
        optimizer=optimiser,
        train_mb_size=settings.batch,
        train_epochs=1,  # the batches count their epochs themselves
        device=device,
        plugins=list(plugins),
        evaluator=None,
    )


class CheckpointClock:
    """Tells when a checkpoint is due."""

    def __init__(self, every: float) -> None:
        self.every, self.last = every, time.monotonic()

    def is_due(self) -> bool:
        """Return whether `every` seconds have passed since this was last true."""
        now = time.monotonic()
        if now - self.last < self.every:
            return False
        self.last = now
        return True
