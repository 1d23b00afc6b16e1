"""What several runs share: files that their content names, each made once, by whichever process comes to it first."""

import fcntl
import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from condensers.context import Context
from condensers.errors import Interrupted

WAIT_SECONDS = 0.1


def key_of(determines: Any) -> str:
    """16 hex digits that stand for a JSON value: equal for equal values, in every process."""
    return hashlib.sha256(json.dumps(determines, sort_keys=True).encode()).hexdigest()[:16]


def make_missing(paths: Sequence[Path], make: Callable[[int], None], context: Context) -> None:
    """Call make(i) for each of `paths` that is not there; it must write paths[i] whole or not at all.

    Several processes may do this for the same paths: each takes files that no other is making, and all return once every file
    is there. Raises Interrupted while it waits, when the context says stop.
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
                raise Interrupted(f"stopped while waiting for {paths[index].name}, which another process is making")
            time.sleep(WAIT_SECONDS)


@contextmanager
def _claim(path: Path) -> Iterator[bool]:
    """Whether this process alone may make `path`; the claim ends with the block, or with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
