"""What several runs share: files that their content names, each made once, by whichever process
comes to it first.
"""

import errno
import fcntl
import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from condensers.engine.files import make_folder
from condensers.errors import Interrupted, StorageFailed

if TYPE_CHECKING:
    from condensers.engine.context import Context

HELD = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES)  # what flock says where another has the lock
WAIT_SECONDS = 0.1


def key_of(determines: Any) -> str:
    """Return 16 hex digits that stand for a JSON value, equal for equal values everywhere."""
    return hashlib.sha256(json.dumps(determines, sort_keys=True).encode()).hexdigest()[:16]


def make_missing(paths: Sequence[Path], make: Callable[[int], None], context: "Context") -> None:
    """Make the files that are not there yet.

    Several processes may do this for the same paths. Each takes files that no other is making, and
    all return once every file is there.

    Args:
        paths: Of the files.
        make: Called with an index; it must write `paths[index]` whole or not at all.
        context: Is asked whether to stop while another process makes a file.

    Raises:
        Interrupted: The context says stop while this process waits.
        StorageFailed: The folder cannot be written, or has no locks.
    """
    waiting = deque(range(len(paths)))
    while waiting:
        index = waiting.popleft()
        with _claim(paths[index]) as mine:
            if not paths[index].exists() and mine:
                make(index)
        if not paths[index].exists():
            waiting.append(index)
            if context.must_stop():
                raise Interrupted(
                    f"stopped while waiting for {paths[index].name}, which another process is"
                    " making"
                )
            time.sleep(WAIT_SECONDS)


@contextmanager
def _claim(path: Path) -> Iterator[bool]:
    """Whether this process alone may make `path`; the claim ends with the block, or with the
    process that holds it.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        make_folder(path.parent)
        file = lock.open("w")
    except OSError as fault:
        said = f"{lock}: cannot be written ({fault.strerror}); make room, and run it again"
        raise StorageFailed(said) from fault
    with file:
        yield take_lock(file, lock)


def take_lock(file: IO[str], path: Path) -> bool:
    """Lock an open file; return False if another process has the lock.

    Args:
        file: Open for writing; the lock ends when it is closed.
        path: Of the file, for the message.

    Raises:
        StorageFailed: The file system has no locks.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        if fault.errno in HELD:
            return False
        raise StorageFailed(
            f"{path}: cannot be locked ({fault.strerror}); choose a folder on a file system that"
            " has locks"
        ) from fault
    return True
