"""What stands beside the training of shared weights: progress, requests to stop, and a checkpoint after an epoch.

A run that was cut off goes on after the last epoch that was kept, with all generators where they were, to the same end.
"""

import random
import time
from pathlib import Path
from typing import Any

import pytorch_lightning
import torch

from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted

CHECKPOINT = "shared-weights.ckpt"


class Watch(pytorch_lightning.Callback):  # type: ignore[misc]
    """Progress and checkpoints after epochs; Interrupted before the step that follows a request to stop.

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

    def found(self) -> dict[str, Any]:
        """Lightning's arguments that go on from the checkpoint, where there is one."""
        return {"ckpt_path": self.file, "weights_only": True} if self.file and self.file.is_file() else {}

    def on_train_epoch_start(self, *unused: Any) -> None:
        if self.state is not None:  # lightning itself draws between reading a checkpoint and the first epoch
            self.context.generator.set_state(self.state)
            self.state = None

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, index: int) -> None:
        if self.context.must_stop():
            raise Interrupted("stopped while training the shared weights")
        if index == 0:  # what NNI and torch draw in an epoch comes from the context's generator too, by way of a seed
            seed = int(torch.randint(2**62, (1,), generator=self.context.generator))
            torch.manual_seed(seed)
            random.seed(seed)

    def on_train_epoch_end(self, trainer: Any, *unused: Any) -> None:
        self.context.progress(Progress("one-shot search", trainer.current_epoch + 1, trainer.max_epochs))
        last = trainer.current_epoch + 1 == trainer.max_epochs
        due = time.monotonic() - self.kept >= self.context.checkpoint_seconds or self.context.must_stop()
        if self.file and due and not last:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.file.with_suffix(".new")
            trainer.save_checkpoint(fresh)
            fresh.replace(self.file)
            self.kept = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self.context.generator.get_state(), "seconds": self.spent}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state, self.before, self.begun = state["generator"], float(state["seconds"]), time.monotonic()
