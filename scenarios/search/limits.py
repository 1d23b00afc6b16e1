"""Limits: a piece of work that takes too long is ended, in this thread by an alarm and in a trial's own process by its end."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SECONDS_A_LOOK = 0.5


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the body once it has run for `seconds`; 0 means no limit.

    The alarm of the system rings in the main thread and is heard between two instructions of Python: a call into C that
    never returns is not ended. In another thread, and where the system has no alarm, nothing is limited: the deadline of
    the work's context has to do.
    """
    if not seconds or not rings():
        yield
        return

    def ring(number: int, frame: Any) -> None:
        raise TimeoutError(f"it took longer than the limit of {seconds:g} seconds")

    begun = time.monotonic()
    handler = signal.signal(signal.SIGALRM, ring)
    earlier, repeat = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if earlier:  # somebody else's alarm goes on
            signal.setitimer(signal.ITIMER_REAL, max(earlier - (time.monotonic() - begun), 1e-3), repeat)


def rings() -> bool:
    """Whether an alarm can be set here."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


def watch(over: Callable[[], bool], last: Callable[[], None]) -> None:
    """From now on end this process, whatever it does, as soon as `over()`; `last()` is called before."""

    def look() -> None:
        while not over():
            time.sleep(SECONDS_A_LOOK)
        try:
            last()
        finally:
            os._exit(1)

    threading.Thread(target=look, daemon=True).start()
