"""Ctrl-C and SIGTERM as a request to stop."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stop_on_signals(flag: Any) -> Iterator[None]:
    """Set `flag`, an Event-like object, on Ctrl-C and SIGTERM; a second Ctrl-C ends the process at once."""

    def ask(number: int, frame: Any) -> None:
        if flag.is_set() and number == signal.SIGINT:
            os._exit(130)
        flag.set()

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
