"""Ctrl-C and SIGTERM: at once where nothing has to be saved first, else a request to stop, which must be heard soon.

A command is `interruptible` as a whole: a signal raises `Stopped` in it, wherever it is. While cells are at work,
`stop_on_signals` sets a flag instead, so that they save what they have; what does not hear it in time is stopped all the same,
and goes on from its last checkpoint.
"""

import math
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 4.0  # seconds in which what is at work has to stop by itself
LOOK = 0.2  # seconds between two looks at the clock
AGAIN = 2.0  # seconds after which a command that has not ended is stopped once more

Handler = Callable[[int, FrameType | None], object]


class Flag(Protocol):
    """What is used of a `threading.Event`."""

    def is_set(self) -> bool: ...
    def set(self) -> None: ...


class Stopped(BaseException):
    """The command was asked to end. Not an Exception: nothing that guards against failures may keep it."""


def command_line() -> str:
    """The command that was typed."""
    return shlex.join(["harness", *sys.argv[1:]])


def goes_on() -> str:
    """What a command that was stopped leaves to be read."""
    return f"go on with:\n{command_line()}"


@contextmanager
def interruptible() -> Iterator[Flag]:
    """Signals raise Stopped; the flag tells that one came. A second Ctrl-C ends the process at once."""
    flag, reminder = threading.Event(), _Reminder(AGAIN)

    def stop(number: int, frame: FrameType | None) -> None:
        if flag.is_set() and number == signal.SIGINT:
            _leave()
        flag.set()
        # Raised where a library swallows it, it would be lost: then it comes again.
        reminder.start()
        raise Stopped

    with _handled(stop, reminder):
        yield flag


@contextmanager
def stop_on_signals(flag: Flag, grace: float = GRACE) -> Iterator[None]:
    """Set `flag` on Ctrl-C and SIGTERM; a second Ctrl-C ends the process at once.

    What is still in here `grace` seconds later is left by Stopped.
    """
    reminder = _Reminder(grace)

    def ask(number: int, frame: FrameType | None) -> None:
        if flag.is_set() and number == signal.SIGINT:
            _leave()
        flag.set()
        if reminder.rung:
            raise Stopped
        reminder.start()

    with _handled(ask, reminder):
        yield


class _Reminder:
    """Sends SIGTERM to this process some seconds after it was asked to: an alarm that leaves SIGALRM to others.

    Its thread runs from the beginning: a handler must not start one, nor wait for a lock that what it interrupted may hold.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.since, self.rung = seconds, math.inf, False
        self.over, self.lock = threading.Event(), threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    def start(self) -> None:
        self.since = min(self.since, time.monotonic())

    def _watch(self) -> None:
        while not self.over.wait(LOOK):
            with self.lock:
                if time.monotonic() >= self.since + self.seconds and not self.over.is_set():
                    self.rung = True
                    os.kill(os.getpid(), signal.SIGTERM)
                    return

    def end(self) -> None:
        with self.lock:
            self.over.set()


@contextmanager
def _handled(handler: Handler, reminder: _Reminder) -> Iterator[None]:
    """Within, signals call `handler`."""
    previous = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        reminder.end()
        for number, earlier in previous.items():
            signal.signal(number, earlier)


def _leave() -> None:
    """End this process, and by that its workers; every file that was written is whole."""
    os.write(2, f"\ninterrupted: {goes_on()}\n".encode())
    os._exit(130)


def deafen() -> None:
    """The end is near, and a signal that came on the way there would only spoil it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def held_back() -> Iterator[None]:
    """Signals wait until this is over. A process that is started within hears none until it asks for them by `hear`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        hear()


def hear() -> None:
    """Let signals reach this thread again."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
