"""What the processor is called and which instructions it has."""

import platform
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def processor_name() -> str:
    """Return its name as the system gives it."""
    return _described("model name") or platform.processor() or "unknown"


def instructions() -> frozenset[str]:
    """Return what Linux calls its flags, such as "avx2"; nothing elsewhere."""
    return frozenset((_described("flags") or _described("Features")).split())


def processor_key() -> str:
    """Return what differs where compiled code or measured speed may differ."""
    model = " ".join(map(_described, ("vendor_id", "cpu family", "model", "stepping")))
    return f"{platform.machine()} {processor_name()} {model} {' '.join(sorted(instructions()))}"


def _described(name: str) -> str:
    return _lines().get(name, "")


@cache
def _lines() -> dict[str, str]:
    """What is said of the first processor."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for name, _, value in (line.partition(":") for line in lines):
        found.setdefault(name.strip(), value.strip())
    return found
