"""The training of shared weights, by lightning as NNI's one-shot strategies need it.

Nothing is logged by either; what is kept, `scenarios.search.one_shot.weights` says.

What stands beside the training of shared weights: progress, requests to stop, and a checkpoint
after an epoch.

A run that was cut off goes on after the last epoch that was kept, with all generators where they
were, to the same end.
"""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning
import torch
from nni.nas.evaluator.pytorch.lightning import DataLoader, Lightning, LightningModule, Trainer
from torch import Tensor
from torch.utils.data import BatchSampler, RandomSampler, TensorDataset

from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted
from condensers.training.losses import loss_of
from scenarios.search.one_shot.algorithms import SupernetTraining

CHECKPOINT = "shared-weights.ckpt"


class SupernetCallback(pytorch_lightning.Callback):  # type: ignore[misc]
    """Progress and checkpoints after epochs; Interrupted before the step that follows a request to
    stop.

    spent: seconds of the training, also what ran before an interruption.
    """

    def __init__(self, context: Context) -> None:
        self.context, self.before, self.begun = context, 0.0, time.monotonic()
        self.file: Path | None = context.folder / CHECKPOINT if context.folder else None
        self.kept = self.begun
        self.state: torch.Tensor | None = None

    @property
    def spent(self) -> float:
        return self.before + time.monotonic() - self.begun

    def find_checkpoint(self) -> dict[str, Any]:
        """Lightning's arguments that go on from the checkpoint, where there is one."""
        return (
            {"ckpt_path": self.file, "weights_only": True}
            if self.file and self.file.is_file()
            else {}
        )

    def on_train_epoch_start(self, *unused: Any) -> None:
        if (
            self.state is not None
        ):  # lightning itself draws between reading a checkpoint and the first epoch
            self.context.generator.set_state(self.state)
            self.state = None

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, index: int) -> None:
        if self.context.must_stop():
            raise Interrupted("stopped while training the shared weights")
        if (
            index == 0
            # what NNI and torch draw in an epoch comes from the context's generator too, by way of
            # a seed
        ):
            seed = int(torch.randint(2**62, (1,), generator=self.context.generator))
            torch.manual_seed(seed)
            random.seed(seed)

    def on_train_epoch_end(self, trainer: Any, *unused: Any) -> None:
        self.context.progress(
            Progress("one-shot search", trainer.current_epoch + 1, trainer.max_epochs)
        )
        last = trainer.current_epoch + 1 == trainer.max_epochs
        due = (
            time.monotonic() - self.kept >= self.context.checkpoint_seconds
            or self.context.must_stop()
        )
        if self.file and due and not last:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.file.with_suffix(".new")
            trainer.save_checkpoint(fresh)
            fresh.replace(self.file)
            self.kept = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self.context.generator.get_state(), "seconds": self.spent}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state, self.before, self.begun = (
            state["generator"],
            float(state["seconds"]),
            time.monotonic(),
        )


class SharedWeights(LightningModule):  # type: ignore[misc]
    """What a step descends. choose: called before each step; augment: images -> (N, C, H, W)
    float32, augmented; loss: as in `loss_of`.
    """

    def __init__(
        self, schedule: SupernetTraining, loss: str, augment: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        self.schedule, self.loss, self.augment = schedule, loss, augment
        self.choose: Callable[[], None] = _keep_choice

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, labels = batch
        self.choose()
        return loss_of(self.model(self.augment(images)), labels, self.loss)

    def configure_optimizers(self) -> Any:
        s = self.schedule
        optimiser = torch.optim.SGD(
            self.parameters(), s.lr, s.momentum, weight_decay=s.weight_decay
        )
        return [optimiser], [
            torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, s.epochs, min(1e-3, s.lr))
        ]


def make_evaluator(
    module: SharedWeights, halves: tuple[Any, Any], clip: float | None, watch: SupernetCallback
) -> Lightning:
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
    loaders = [_make_batches(half, module.schedule.batch, context.generator) for half in halves]
    return Lightning(
        module,
        trainer,
        train_dataloaders=loaders[0],
        val_dataloaders=loaders[1],
        fit_kwargs=watch.find_checkpoint(),
    )


def _make_batches(half: tuple[Tensor, Tensor], size: int, generator: torch.Generator) -> Any:
    """Shuffled batches, each taken from the tensors at once."""
    dataset = TensorDataset(*half)
    order = BatchSampler(RandomSampler(dataset, generator=generator), size, drop_last=False)
    return DataLoader(dataset, sampler=order, batch_size=None)


def _keep_choice() -> None:
    return None
