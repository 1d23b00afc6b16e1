"""A process of the harness: its threads and device, its signals, and shortages of its machine.

The C library gives large blocks back to the system after each use, which costs up to 40 % of the
time of a matching step in page faults; telling it to keep them changes no result and makes steps
1.4 to 1.8 times faster.

Ctrl-C and SIGTERM: at once where nothing has to be saved first, else a request to stop, which must
be heard soon.

Within `raise_on_signals` a signal raises `Stopped`, wherever the command is. While cells are at
work, `stop_on_signals` sets a flag instead, so that they save what they have; what does not hear it
in time is stopped all the same, and goes on from its last checkpoint.

What a machine is short of (room, files, memory, threads), as one sentence in place of what a
library says of it.
"""

import ctypes
import errno
import math
import os
import platform
import resource
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from condensers.errors import UsageError
from condensers.processor import processor_name

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers(device: str, threads: int) -> int:
    """Processes of a run if none are asked for: one for a GPU, else what fills the cores."""
    return 1 if device.startswith("cuda") else max(1, cores() // threads)


def prepare(threads: int) -> None:
    """Set torch's threads and let the C library keep what it allocated (Linux; elsewhere nothing
    happens).
    """
    import torch

    torch.set_num_threads(threads)
    if sys.platform.startswith("linux"):
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):
            library.mallopt(M_MMAP_THRESHOLD, 2**31 - 1)
            library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def choose_device(name: str) -> str:
    """`auto` takes the GPU where there is one; UsageError where the one asked for is not there."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"--device {name}: not a device; use auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"--device {name}: this machine has {torch.cuda.device_count()} CUDA devices; use"
            " --device cpu"
        )
    return str(device)


def shared_folder(beside: Path) -> Path:
    """Where what several sets use is kept, such as experts: the folder in HARNESS_CACHE, else
    `cache` in `beside`.
    """
    named = os.environ.get("HARNESS_CACHE")
    return Path(named) if named else beside / "cache"


def environment(device: str, threads: int) -> dict[str, Any]:
    """The environment of a result: versions, machine, device and threads."""
    import torch

    from condensers.networks import fused

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),  # its import takes seconds, and few cells need it
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": processor_name(),
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu",
        "threads": threads,
        "blocks": (
            "by module" if fused.library() is None or device.startswith("cuda") else "compiled"
        ),
    }


SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 4.0  # seconds in which what is at work has to stop by itself
LOOK = 0.2  # seconds between two looks at the clock
AGAIN = 2.0  # seconds after which a command that has not ended is stopped once more

Handler = Callable[[int, FrameType | None], object]


class Flag(Protocol):
    """The part of `threading.Event` that is used here."""

    def is_set(self) -> bool: ...
    def set(self) -> None: ...


class Stopped(BaseException):
    """The command was asked to end.

    Not an Exception: nothing that guards against failures may keep it.
    """


def command_line() -> str:
    """The command that was typed."""
    return shlex.join(["harness", *sys.argv[1:]])


def resume_advice() -> str:
    """How to go on with a command that was stopped, for the user."""
    return f"go on with:\n{command_line()}"


@contextmanager
def raise_on_signals() -> Iterator[Flag]:
    """Signals raise Stopped; the flag tells that one came.

    A second Ctrl-C ends the process at once.
    """
    flag, reminder = threading.Event(), _Reminder(AGAIN)

    def stop(number: int, frame: FrameType | None) -> None:
        if flag.is_set() and number == signal.SIGINT:
            _leave()
        flag.set()
        # Raised where a library swallows it, it would be lost: then it comes again.
        reminder.start()
        raise Stopped

    with _handle_signals(stop, reminder):
        yield flag


@contextmanager
def stop_on_signals(flag: Flag, grace: float = GRACE, ends_process: bool = True) -> Iterator[None]:
    """Set `flag` on Ctrl-C and SIGTERM.

    Args:
        flag: what is at work looks at it, saves, and ends.
        grace: seconds until Stopped is raised in what has not ended.
        ends_process: whether a second Ctrl-C ends the process at once; else it raises Stopped.

    Outside the main thread, where Python delivers no signals, nothing happens.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reminder = _Reminder(grace)

    def ask(number: int, frame: FrameType | None) -> None:
        if flag.is_set() and number == signal.SIGINT:
            if ends_process:
                _leave()
            raise Stopped
        flag.set()
        if reminder.rung:
            raise Stopped
        reminder.start()

    with _handle_signals(ask, reminder):
        yield


class _Reminder:
    """Sends SIGTERM to this process some seconds after it was asked to: an alarm that leaves
    SIGALRM to others.

    Its thread runs from the beginning: a handler must not start one, nor wait for a lock that what
    it interrupted may hold.
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
def _handle_signals(handler: Handler, reminder: _Reminder) -> Iterator[None]:
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
    os.write(2, f"\ninterrupted: {resume_advice()}\n".encode())
    os._exit(130)


def deafen() -> None:
    """The end is near, and a signal that came on the way there would only spoil it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def hold_signals() -> Iterator[None]:
    """Signals wait until this is over.

    A process that is started within hears none until it asks for them by `release_signals`.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        release_signals()


def release_signals() -> None:
    """Let signals reach this thread again."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


ROOM = (errno.ENOSPC, errno.EDQUOT)
FILES = (errno.EMFILE, errno.ENFILE)
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
MEMORY = (
    "can't allocate memory",
    "cannot allocate memory",
    "out of memory",
    "failed to map segment",
)
THREADS = ("can't start new thread", "resource temporarily unavailable")
KEPT = "and run it again: what was finished is kept"


def shortage(fault: BaseException) -> str | None:
    """Say what the machine is short of, and what to do; None for a fault of another kind."""
    said = str(fault).lower()
    if isinstance(fault, OSError) and fault.errno is not None:
        return _of_system(fault, fault.errno)
    if "no usable temporary directory" in said:
        return f"no folder for temporary files can be written; set TMPDIR to one that can, {KEPT}"
    if any(words in said for words in THREADS):
        return f"no more threads or processes may be started here; take fewer --workers, {KEPT}"
    if isinstance(fault, MemoryError) or any(words in said for words in MEMORY):
        return f"not enough memory; take fewer --workers, or smaller batches, {KEPT}"
    return None


def _of_system(fault: OSError, number: int) -> str | None:
    where = fault.filename if isinstance(fault.filename, str) else "what is written"
    if number == errno.ENOENT and "no usable temporary directory" in str(fault).lower():
        return f"no folder for temporary files can be written; set TMPDIR to one that can, {KEPT}"
    if number in FILES:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return (
            f"too many open files (at most {most} here); allow more, such as `ulimit -n 1024`,"
            f" {KEPT}"
        )
    if number in ROOM:
        return (
            f"no room left for {where}; make room, or set TMPDIR to a folder that has some, {KEPT}"
        )
    if number in FORBIDDEN:
        return f"{where}: not permitted ({fault.strerror}); choose another place"
    if number == errno.ENOMEM:
        return f"not enough memory; take fewer --workers, or smaller batches, {KEPT}"
    if number == errno.EAGAIN:
        return f"no more threads or processes may be started here; take fewer --workers, {KEPT}"
    return None
