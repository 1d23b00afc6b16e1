"""Seconds of work, so that a machine that is busy with something else does not count as slow."""

import time

import torch


def is_one_thread(device: torch.device) -> bool:
    """Return whether the CPU time of this process is the time that its work takes."""
    return device.type == "cpu" and torch.get_num_threads() == 1


def read_work_clock(device: torch.device) -> float:
    """Return seconds since some moment, for differences: what work on a device takes.

    The CPU time of this process where torch computes on one thread of the processor, since others
    on the machine do not change it; the clock's time elsewhere.
    """
    return time.process_time() if is_one_thread(device) else time.monotonic()
