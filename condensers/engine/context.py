"""What a run lends to an algorithm: randomness, a device, progress, a place for checkpoints, and a
reason to stop.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from condensers.engine.files import read_memo, write_memo
from condensers.errors import Interrupted

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is.

    Args:
        name: Of the work, for people.
        done: Steps that are done.
        total: Steps in all.
        note: A short text, such as the loss.
    """

    name: str
    done: int
    total: int
    note: str = ""


class Stateful(Protocol):
    """Anything whose whole state is a dict of tensors, numbers, texts, lists and dicts."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


def derive_seed(seed: int, name: str) -> int:
    """Return the seed of the part `name` of a run, 0 to 2^63 - 1.

    Equal names get equal randomness in every run with the same seed.
    """
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") >> 1


def _silent(_: Progress) -> None:
    return None


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Context:
    """Everything that a run lends to an algorithm.

    Args:
        seed: All that is random follows from it.
        device: Where tensors are computed.
        folder: Where checkpoints are kept, from which an interrupted run goes on; None keeps none.
        cache: A folder for what runs share because their seeds have no part in it (see
            `condensers.engine.cache`); None shares nothing.
        progress: Called with how far the work is.
        stop: Asked between steps whether to stop.
        deadline: When to stop, in seconds of `time.monotonic()`; None for never.
        checkpoint_seconds: Seconds between checkpoints.
        generator: The source of randomness; it is set to `seed`.
    """

    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    folder: Path | None = None
    cache: Path | None = None
    progress: Callable[[Progress], None] = _silent
    stop: Callable[[], bool] = _never
    deadline: float | None = None
    checkpoint_seconds: float = 30.0
    generator: torch.Generator = field(default_factory=torch.Generator)

    def __post_init__(self) -> None:
        self.generator.manual_seed(self.seed)

    def fork(self, name: str) -> "Context":
        """Return the context of a named part of the work.

        It has a seed and a generator derived from the name, and a folder of its own.
        """
        folder = self.folder / name if self.folder else None
        return replace(
            self, seed=derive_seed(self.seed, name), folder=folder, generator=torch.Generator()
        )

    def must_stop(self) -> bool:
        """Whether the run was asked to stop, or its deadline has passed."""
        return self.stop() or (self.deadline is not None and time.monotonic() >= self.deadline)

    def each(self, items: Sequence[T], name: str) -> Iterator[T]:
        """Yield the items of a stage one after the other and report progress.

        It is meant for stages that are short enough to be begun again.

        Args:
            items: What is yielded.
            name: Of the stage, for people.

        Raises:
            Interrupted: The run must stop; raised before an item.
        """
        for done, item in enumerate(items):
            if self.must_stop():
                raise Interrupted(f"{name}: stopped after {done} of {len(items)}")
            self.progress(Progress(name, done, len(items)))
            yield item
        self.progress(Progress(name, len(items), len(items)))

    def memo(self, name: str, compute: Callable[[], T]) -> T:
        """Return `compute()`, from the folder if an earlier run has finished it.

        Args:
            name: Of the file in the folder.
            compute: Returns a JSON value.

        Raises:
            Interrupted: The run must stop, and the value is not there yet.
            Damaged: The file is not as it was written.
        """
        if self.folder is None:
            return self._compute(compute)
        path = self.folder / f"{name}.json"
        if path.exists():
            found: T = read_memo(path)
            return found
        value = self._compute(compute)
        write_memo(path, value)
        return value

    def _compute(self, compute: Callable[[], T]) -> T:
        if self.must_stop():
            raise Interrupted("stopped before the next part")
        return compute()
