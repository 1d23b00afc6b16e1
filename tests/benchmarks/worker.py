"""A process for each side: the allocator's settings are a whole process's, and so are its peak
memory and its CPU seconds.

The parent sends the number of a unit, the worker does it and sends what it took. Workers that wait
use no processor.
"""

import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.case import Case
from benchmarks.loads import Load
from harness.process import prepare

T = TypeVar("T")
FLOPS, PEAK = "flops", "peak"
START_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


@dataclass(frozen=True)
class Done:
    """What a unit took: CPU seconds of user and system, wall seconds, minor page faults; and what
    it computed.
    """

    cpu: float
    wall: float
    faults: int
    loss: float
    gradient: NDArray[np.float32] | None


class Worker:
    """A process with one side of a load; `unit` does one unit there.

    Used in a `with` block, which ends the process.
    """

    def __init__(self, load: Load, case: Case, precision: str | None, threads: int) -> None:
        self.name = f"{load.name}, {f'ours {precision}' if precision else 'plain'}"
        context = _processes()
        self.connection, other = context.Pipe()
        self.process = context.Process(
            target=serve, args=(other, load, case, precision, threads), daemon=True
        )
        self.process.start()
        other.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self.process.join(timeout=5)
        self.process.terminate()

    def unit(self, index: int) -> Done:
        done: Done = self._ask(index)
        return done

    def flops(self) -> int:
        """Floating-point operations of convolutions and matrix products in one unit, counted in a
        unit that is not timed.
        """
        return int(self._ask(FLOPS))

    def peak(self) -> int:
        """Bytes, at most so far."""
        return int(self._ask(PEAK))

    def _ask(self, what: Any) -> Any:
        self.connection.send(what)
        return received(self.connection, self.name)


def received(connection: Connection, name: str) -> Any:
    """What a worker answered; RuntimeError with its traceback where it failed, or with its exit
    status where it is gone.
    """
    try:
        fine, answer = connection.recv()
    except EOFError:
        raise RuntimeError(
            f"{name}: the process ended without an answer (was it out of memory?)"
        ) from None
    if not fine:
        raise RuntimeError(f"{name}: {answer}")
    return answer


def apart(function: Callable[..., T], *arguments: Any) -> T:
    """What `function` returns in a process of its own."""
    context = _processes()
    connection, other = context.Pipe()
    process = context.Process(target=_answer, args=(other, function, arguments), daemon=False)
    process.start()
    other.close()
    try:
        answer: T = received(connection, function.__name__)
        return answer
    finally:
        process.terminate()
        process.join()


def _processes() -> Any:
    """A way of starting processes in which nothing was computed yet.

    Where processes are forked, torch is imported once for all of them, with what its optimisers
    would import at first use.
    """
    context = multiprocessing.get_context(START_METHOD)
    if START_METHOD == "forkserver":
        context.set_forkserver_preload(["torch._dynamo", "benchmarks.rounds"])
    return context


def _answer(
    connection: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        connection.send((True, function(*arguments)))
    except Exception:
        connection.send((False, traceback.format_exc()))


def serve(
    connection: Connection, load: Load, case: Case, precision: str | None, threads: int
) -> None:
    """Do units until the other end is closed.

    Ours runs as the harness runs it, the published loop with all as it is shipped.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    if precision:
        prepare(threads)
    try:
        side = load.side(case, precision)
        while True:
            connection.send((True, _done(side, load, case, connection.recv())))
    except EOFError:
        return
    except Exception:
        connection.send((False, traceback.format_exc()))


def _done(side: Any, load: Load, case: Case, what: Any) -> Any:
    if what == PEAK:
        return peak_bytes(case.device)
    if what == FLOPS:
        return counted(side)
    return timed(side, what, load.gradients, case.device)


def timed(side: Any, index: int, gradients: bool, device: str) -> Done:
    """One unit, with what a graphics card still had to do counted in."""
    side.prepare(index)
    settle(device)
    begun, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    side.run()
    settle(device)
    wall, ended = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_SELF)
    cpu = ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime
    gradient = side.gradient().numpy() if gradients else None
    return Done(cpu, wall, ended.ru_minflt - begun.ru_minflt, side.loss(), gradient)


def settle(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def counted(side: Any) -> int:
    side.prepare(0)
    with FlopCounterMode(display=False) as counter:
        side.run()
    return int(counter.get_total_flops())


def peak_bytes(device: str) -> int:
    """The most memory this process has held: of the graphics card where there is one, else of the
    machine.
    """
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    if os.path.exists("/proc/self/status"):
        with open("/proc/self/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts bytes here
