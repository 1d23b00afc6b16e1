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
    """One event: step `done` of `total` of the work called `name`; `note` is a short text such as
    the loss.
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
    """A seed for the part `name` of a run: equal names get equal randomness in every run with the
    same seed.
    """
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") >> 1


def _silent(_: Progress) -> None:
    return None


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Context:
    """All a run lends. `folder` None means: keep no checkpoints. `deadline` is in seconds of
    `time.monotonic()`.

    cache: a folder for what runs share because their seeds have no part in it (see
    `condensers.engine.cache`); None: nothing is shared.
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
        """The context of a named part of the work: its own generator, its own checkpoint folder."""
        folder = self.folder / name if self.folder else None
        return replace(
            self, seed=derive_seed(self.seed, name), folder=folder, generator=torch.Generator()
        )

    def must_stop(self) -> bool:
        """Whether the run was asked to stop, or its deadline has passed."""
        return self.stop() or (self.deadline is not None and time.monotonic() >= self.deadline)

    def each(self, items: Sequence[T], name: str) -> Iterator[T]:
        """The `items` of a stage called `name`, one after the other, telling how far it is.

        Raises Interrupted before an item when the run must stop: for stages that are short enough
        to be begun again.
        """
        for done, item in enumerate(items):
            if self.must_stop():
                raise Interrupted(f"{name}: stopped after {done} of {len(items)}")
            self.progress(Progress(name, done, len(items)))
            yield item
        self.progress(Progress(name, len(items), len(items)))

    def memo(self, name: str, compute: Callable[[], T]) -> T:
        """Return `compute()`, a JSON value, from this context's folder when an earlier run finished
        it there.
        """
        if self.folder is None:
            return self._guarded(compute)
        path = self.folder / f"{name}.json"
        if path.exists():
            found: T = read_memo(path)
            return found
        value = self._guarded(compute)
        write_memo(path, value)
        return value

    def _guarded(self, compute: Callable[[], T]) -> T:
        if self.must_stop():
            raise Interrupted("stopped before the next part")
        return compute()
