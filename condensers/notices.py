"""Sentences that a user should read once, such as that a slower way is taken on this machine."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_told: set[str] = set()
_shown: set[str] = set()


class Notice(UserWarning):
    """A sentence for people, without the place in the code that a warning names."""


def show(sentence: str) -> None:
    """Warn with a sentence, the first time it is given in this process."""
    if sentence not in _shown:
        _shown.add(sentence)
        warnings.warn(sentence, Notice, stacklevel=3)


_listener: Callable[[str], None] = show


def tell(sentence: str) -> None:
    """Give a sentence to whoever listens, the first time it is told in this process."""
    if sentence not in _told:
        _told.add(sentence)
        _listener(sentence)


@contextmanager
def heard_by(listener: Callable[[str], None]) -> Iterator[None]:
    """Let `listener` hear what is told within the block: a worker hands it to its parent."""
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before
