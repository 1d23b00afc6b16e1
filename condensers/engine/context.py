"""What a run lends to an algorithm: randomness, a device, progress, a place for checkpoints, and a
reason to stop.
"""

import errno
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from condensers.errors import Interrupted, StorageFailed, UsageError, brief, damaged
from condensers.plain import parse_json

T = TypeVar("T")
SEAL = "sha256"
CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)  # file systems that keep order themselves


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
            found: T = kept(path)
            return found
        value = self._guarded(compute)
        keep(path, value)
        return value

    def _guarded(self, compute: Callable[[], T]) -> T:
        if self.must_stop():
            raise Interrupted("stopped before the next part")
        return compute()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut; StorageFailed
    where it cannot be.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        make_folder(path.parent)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as fault:
        raise StorageFailed(
            f"{path}: cannot be written ({fault.strerror}); choose another place or make room, and"
            " run it again: what was finished is kept"
        ) from fault
    finally:  # also where a signal stopped it half-way
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those missing above it, so that they are there after a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: a renamed file may else be gone after a power
    cut.
    """
    if os.name == "nt":
        return  # has no way to do it
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as fault:
        if fault.errno not in CANNOT_SYNC:
            raise
    finally:
        os.close(handle)


def write_sealed(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object with the checksum of its content, which `read_sealed` compares."""
    write_atomically(path, (json.dumps({**value, SEAL: seal(value)}, indent=1) + "\n").encode())


def read_sealed(path: Path) -> dict[str, Any]:
    """The object that `write_sealed` wrote; Damaged where it is not, StorageFailed if
    unreadable.
    """
    try:
        value = parse_json(path.read_bytes())
        written = value.pop(SEAL, None) if isinstance(value, dict) else None
        fine = written == seal(value)
    except ValueError as fault:
        raise damaged(path, brief(fault)) from None
    except OSError as fault:
        raise _unreadable(path, fault) from None
    if not fine:
        raise damaged(path, "it has no checksum" if written is None else "its checksum differs")
    found: dict[str, Any] = value
    return found


def _unreadable(path: Path, fault: OSError) -> UsageError:
    """What is wrong with a file that could not be opened: a directory or nothing there is
    damage.
    """
    if isinstance(fault, IsADirectoryError):
        return damaged(path, "a directory is in its place")
    if isinstance(fault, FileNotFoundError | NotADirectoryError):
        return damaged(path, "it is gone")
    return StorageFailed(f"{path}: cannot be read ({fault.strerror}); mend that, and try again")


def keep(path: Path, value: Any) -> None:
    """Write a JSON value as `Context.memo` does."""
    write_sealed(path, {"value": value})


def kept(path: Path) -> Any:
    """The value that `keep` wrote; Damaged where it is not."""
    found = read_sealed(path)
    if "value" not in found:
        raise damaged(path, "it holds no value")
    return found["value"]


def seal(value: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON object, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
