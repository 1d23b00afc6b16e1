"""The one optimisation loop: steps, progress, checkpoints, resume, stop on request or at a
deadline.

Condensing a set and training a network on one both run here, so both survive a pulled plug in the
same way: what is lost is at most the steps since the last checkpoint, and the resumed run gives the
same bytes as an uninterrupted one.
"""

import math
import time
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from condensers.engine.context import Context, Progress, Stateful
from condensers.engine.determinism import deterministic
from condensers.engine.files import raise_damaged, read_state, write_state
from condensers.errors import Interrupted, WorkFailed, shown

SECONDS_A_NOTE = 0.1
SLOWER = "lower its learning rate"


class Loop(Stateful, Protocol):
    """What the engine drives. `step` does step `index` (from 0) and returns a figure to show, such
    as the loss.

    A figure that is a tensor of one number is read when it is shown: reading one waits for the
    graphics card. A loop that may end before its last step says so by `finished`, which its state
    must tell too.
    """

    def step(self, index: int) -> float | Tensor: ...


def run(loop: Loop, steps: int, context: Context, name: str, advice: str = SLOWER) -> float:
    """Run `loop` up to `steps` steps, from its last checkpoint if there is one.

    The checkpoint holds the loop's state and the context's generator. It is removed after the last
    step.

    Args:
        loop: Does the steps.
        steps: How many steps there are in all.
        context: Its folder holds the checkpoint; its `progress` hears of each step.
        name: Of the work, for people.
        advice: What people read of a loss that is no number.

    Returns:
        The seconds that all steps took, those before an interruption included.

    Raises:
        Interrupted: The context says stop; the checkpoint is written before.
        WorkFailed: The loss is not a finite number.
        Damaged: The checkpoint is not as it was written, or holds another state.
    """
    with deterministic(context.device):
        return _run(loop, steps, context, name, advice)


def _run(loop: Loop, steps: int, context: Context, name: str, advice: str) -> float:
    path = context.folder / "checkpoint.pt" if context.folder else None
    start, earlier = _restore(loop, context, path, steps)
    begun = saved_at = time.monotonic()
    note = _Note()
    for index in range(start, steps):
        if getattr(loop, "finished", False):
            break
        if context.must_stop():
            _save(loop, context, path, index, earlier + time.monotonic() - begun)
            raise Interrupted(f"{name}: stopped at step {index} of {steps}")
        due = path is not None and time.monotonic() - saved_at >= context.checkpoint_seconds
        note.see(loop.step(index), due or index + 1 == steps)
        if not note.finite:
            said = f"{name}: the loss is {note.text} at step {index + 1}; {advice}"
            raise WorkFailed(_with_checkpoint(said, path))
        context.progress(Progress(name, index + 1, steps, note.text))
        if due:
            _save(loop, context, path, index + 1, earlier + time.monotonic() - begun)
            saved_at = time.monotonic()
    if path:
        path.unlink(missing_ok=True)
    if context.device.type == "cuda":
        torch.cuda.synchronize(context.device)  # the seconds are those of work that is done
    return earlier + time.monotonic() - begun


def write_checkpoint(loop: Loop, steps: int, context: Context, seconds: float) -> None:
    """Write the checkpoint of a loop that `run` has ended.

    If what follows is interrupted, the loop is not run again.
    """
    _save(
        loop, context, context.folder / "checkpoint.pt" if context.folder else None, steps, seconds
    )


def _with_checkpoint(sentence: str, path: Path | None) -> str:
    """A sentence on a loss that is no number, and the checkpoint before it if there is one.

    A checkpoint is only written after a finite one.
    """
    kept = read_state(path, torch.device("cpu")) if path else None
    return (
        f"{sentence} (the last finite checkpoint is that of step {kept['done']}: {path})"
        if kept
        else sentence
    )


class _Note:
    """The figure of a step as a text; one that is on a graphics card is read ten times a second,
    not at every step.
    """

    def __init__(self) -> None:
        self.text, self.read_at, self.finite = "", 0.0, True

    def see(self, figure: float | Tensor, must: bool) -> None:
        now = time.monotonic()
        if (
            must
            or not isinstance(figure, Tensor)
            or figure.device.type == "cpu"
            or now - self.read_at >= SECONDS_A_NOTE
        ):
            value = float(figure)
            self.text, self.read_at, self.finite = f"{value:.4g}", now, math.isfinite(value)


def _save(loop: Loop, context: Context, path: Path | None, done: int, seconds: float) -> None:
    if path:
        generator = context.generator.get_state()
        write_state(
            path,
            {"done": done, "seconds": seconds, "generator": generator, "loop": loop.state_dict()},
        )


def _restore(loop: Loop, context: Context, path: Path | None, steps: int) -> tuple[int, float]:
    """Load the checkpoint, if any, into loop and generator; return the steps already done and the
    seconds they took.
    """
    state = read_state(path, context.device)
    if state is None:
        return 0, 0.0
    with raise_damaged(path):
        done, seconds = state["done"], float(state["seconds"])
        if type(done) is not int or not 0 <= done <= steps or not math.isfinite(seconds):
            raise ValueError(f"step {shown(done)} of {steps}")
        loop.load_state_dict(state["loop"])
        context.generator.set_state(state["generator"].cpu())
    return done, seconds
