"""What a process sets before it computes: threads, the allocator, the device.

The C library gives large blocks back to the system after each use, which costs up to 40 % of the time of a matching step
in page faults; telling it to keep them changes no result and makes steps 1.4 to 1.8 times faster.
"""

import ctypes
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from condensers.errors import UsageError

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare(threads: int) -> None:
    """Set torch's threads and let the C library keep what it allocated (Linux; elsewhere nothing happens)."""
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
        raise UsageError(f"--device {name}: this machine has {torch.cuda.device_count()} CUDA devices; use --device cpu")
    return str(device)


def shared_folder(beside: Path) -> Path:
    """Where what several sets use is kept, such as experts: the folder in HARNESS_CACHE, else `cache` in `beside`."""
    named = os.environ.get("HARNESS_CACHE")
    return Path(named) if named else beside / "cache"


def environment(device: str, threads: int) -> dict[str, Any]:
    """What a result depends on beside its settings."""
    import torch

    from condensers.networks import fused

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),  # its import takes seconds, and few cells need it
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _processor(),
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu",
        "threads": threads,
        "blocks": "by module" if fused.library() is None or device.startswith("cuda") else "compiled",
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or "unknown"
