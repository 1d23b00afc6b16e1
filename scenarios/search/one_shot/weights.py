"""The training of shared weights, by lightning as NNI's one-shot strategies need it.

Nothing is logged by either; what is kept, `scenarios.search.one_shot.watch` says.
"""

from collections.abc import Callable
from typing import Any

import torch
from nni.nas.evaluator.pytorch.lightning import DataLoader, Lightning, LightningModule, Trainer
from torch import Tensor
from torch.utils.data import BatchSampler, RandomSampler, TensorDataset

from condensers.training.classifier import loss_of
from scenarios.search.one_shot.settings import Schedule
from scenarios.search.one_shot.watch import Watch


class SharedWeights(LightningModule):  # type: ignore[misc]
    """What a step descends. choose: called before each step; augment: (N, C, H, W) -> the same; loss: as in `loss_of`."""

    def __init__(self, schedule: Schedule, loss: str, augment: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.schedule, self.loss, self.augment = schedule, loss, augment
        self.choose: Callable[[], None] = _nothing

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, labels = batch
        self.choose()
        return loss_of(self.model(self.augment(images)), labels, self.loss)

    def configure_optimizers(self) -> Any:
        s = self.schedule
        optimiser = torch.optim.SGD(self.parameters(), s.lr, s.momentum, weight_decay=s.weight_decay)
        return [optimiser], [torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, s.epochs, min(1e-3, s.lr))]


def evaluator(module: SharedWeights, halves: tuple[Any, Any], clip: float | None, watch: Watch) -> Lightning:
    """NNI's evaluator. halves: (images, labels) for the weights, and those for the architecture."""
    context = watch.context
    trainer = Trainer(
        max_epochs=module.schedule.epochs,
        accelerator="gpu" if context.device.type == "cuda" else "cpu",
        devices=[context.device.index or 0] if context.device.type == "cuda" else 1,
        callbacks=[watch],
        gradient_clip_val=clip,
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loaders = [_batches(half, module.schedule.batch, context.generator) for half in halves]
    return Lightning(module, trainer, train_dataloaders=loaders[0], val_dataloaders=loaders[1], fit_kwargs=watch.found())


def _batches(half: tuple[Tensor, Tensor], size: int, generator: torch.Generator) -> Any:
    """Shuffled batches, each taken from the tensors at once."""
    dataset = TensorDataset(*half)
    order = BatchSampler(RandomSampler(dataset, generator=generator), size, drop_last=False)
    return DataLoader(dataset, sampler=order, batch_size=None)


def _nothing() -> None:
    return None
