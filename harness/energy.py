"""Joules of a cell, from the counters of the processor (RAPL) and of an NVIDIA GPU (NVML).

RAPL counts whole processor packages: on a shared machine the work of others is in it, and of two
cells that run at the
same time each counts both. Where no counter can be read, the energy is not measured, and the
reading says why; the CPU time is
add_joules, from which a report may estimate (`harness.power`).
Source of the counters: Linux, Documentation/power/powercap; NVML,
nvmlDeviceGetTotalEnergyConsumption.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from condensers.sets.synthetic_set import SyntheticSet

NOT_MEASURED = "not measured"
POWERCAP = Path("/sys/class/powercap")
# A counter of 65 kJ, the smallest in use, is full after less than 3 minutes at 400 W; a second wrap
# would go unseen.
LOOK_EVERY = 30.0
UUID_PREFIX = "GPU-"


@dataclass(frozen=True)
class Counter:
    """One counter of joules. wraps_at: where it starts again from 0; None for one that never
    does.
    """

    name: str
    read: Callable[[], float]
    wraps_at: float | None = None


@dataclass(frozen=True)
class Reading:
    """joules: a number or "not measured". meters: which counters it is the sum of. reason: why
    there are none.

    cpu_seconds: of this process and those it waited for; None where the processor did not do all of
    the work.
    """

    joules: float | str
    meters: tuple[str, ...] = ()
    reason: str = ""
    cpu_seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        spent = {} if self.cpu_seconds is None else {"cpu_seconds": self.cpu_seconds}
        read = {"meters": list(self.meters)} if self.meters else {"reason": self.reason}
        return {**read, **spent}


class Meter:
    """Adds up what the counters count between start() and stop().

    A thread looks at them every `every` seconds, so that a counter that wraps around during a long
    cell is followed. on_cpu: whether the CPU time of this process is that of the whole work.
    """

    def __init__(
        self,
        counters: Sequence[Counter],
        reason: str = "",
        every: float = LOOK_EVERY,
        on_cpu: bool = True,
    ) -> None:
        self.counters, self.reason, self.every, self.on_cpu = counters, reason, every, on_cpu
        self._cpu_begun = 0.0
        self._total, self._broken = 0.0, ""
        self._last: list[float] = []
        self._reading: Reading | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> "Meter":
        self._cpu_begun = cpu_seconds()
        if self.counters:
            self._look()
            self._thread.start()
        return self

    def __enter__(self) -> "Meter":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Reading:
        """The joules since start(); not measured where there is no counter, or one could no longer
        be read.

        Called again it gives the same reading.
        """
        if self._reading is None:
            spent = cpu_seconds() - self._cpu_begun if self.on_cpu else None
            if self.counters:
                self._ended.set()
                self._thread.join()
                self._look()
            why = self.reason or self._broken
            names = tuple(counter.name for counter in self.counters)
            self._reading = (
                Reading(NOT_MEASURED, reason=why, cpu_seconds=spent)
                if why
                else Reading(self._total, names, cpu_seconds=spent)
            )
        return self._reading

    def add_joules(self, synthetic: SyntheticSet) -> SyntheticSet:
        """Stop, and put the joules beside the seconds of the set that was made."""
        return replace(synthetic, cost={**synthetic.cost, "joules": self.stop().joules})

    def _watch(self) -> None:
        while not self._ended.wait(self.every):
            self._look()

    def _look(self) -> None:
        try:
            now = [counter.read() for counter in self.counters]
        except (OSError, ValueError) as fault:
            self._broken = f"a counter could no longer be read ({fault})"
            return
        for counter, before, after in zip(self.counters, self._last, now, strict=False):
            wrapped = after < before and counter.wraps_at is not None
            self._total += after - before + (counter.wraps_at or 0.0 if wrapped else 0.0)
        self._last = now


def meter_of_work(folder: Path, device: str) -> Meter:
    """The meter of work that keeps its checkpoints in `folder`; what goes on from one has used
    energy that no meter saw.
    """
    if folder.is_dir() and any(folder.iterdir()):
        return Meter((), "the work was resumed, and its first part was not metered", on_cpu=False)
    return meter(device)


def cpu_seconds() -> float:
    """CPU time of this process, all threads, and of the ended processes that it started."""
    return sum(os.times()[:4])


def meter(device: str, powercap: Path | None = None) -> Meter:
    """A meter of what a cell on `device` ("cpu", "cuda", "cuda:N") uses: the processor, and the GPU
    where it is the device.

    With a GPU that cannot be read nothing is measured: the processor's joules alone would pass for
    those of the cell.
    """
    counters, reason = rapl(powercap or POWERCAP), ""
    if device.startswith("cuda"):
        gpu = nvml(device)
        counters, reason = (
            ([*counters, gpu], "") if gpu else ([], "the GPU's energy counter cannot be read")
        )
    elif not counters:
        reason = "no readable meter"
    return Meter(counters, reason, on_cpu=not device.startswith("cuda"))


def rapl(powercap: Path) -> list[Counter]:
    """The counters of all packages and of their memory.

    The parts of a package, and psys, would count it twice.
    """
    found = []
    for zone in sorted(powercap.glob("intel-rapl:*")):
        try:
            name = (zone / "name").read_text(encoding="ascii").strip()
            limit = float((zone / "max_energy_range_uj").read_text(encoding="ascii")) / 1e6
            (zone / "energy_uj").read_text(encoding="ascii")
        except (OSError, ValueError):
            continue  # not there, or readable by root alone
        if name.startswith(("package", "dram")):
            found.append(Counter(f"RAPL {name}", _zone(zone / "energy_uj"), limit))
    return found


def _zone(path: Path) -> Callable[[], float]:
    return lambda: float(path.read_text(encoding="ascii")) / 1e6


def nvml(device: str) -> Counter | None:
    """The energy counter of a CUDA device, through the driver's own library; None where there is
    none (before Volta).
    """
    import torch

    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
        uuid = f"{UUID_PREFIX}{torch.cuda.get_device_properties(device).uuid}"
        handle = ctypes.c_void_p()
        if library.nvmlInit_v2() or library.nvmlDeviceGetHandleByUUID(
            uuid.encode(), ctypes.byref(handle)
        ):
            return None
    except (OSError, AttributeError, RuntimeError, AssertionError):
        return None

    def read() -> float:
        millijoules = ctypes.c_ulonglong()
        status = library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules))
        if status:
            raise OSError(f"NVML status {status}")
        return millijoules.value / 1e3

    try:
        read()
    except OSError:
        return None
    return Counter(f"NVML {torch.cuda.get_device_name(device)}", read)
