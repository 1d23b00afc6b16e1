"""Several networks of one architecture, judged as one: readings are their mean, costs their sum."""

from collections.abc import Mapping, Sequence
from typing import Any

from condensers.networks.convnet import ConvNetSpec
from condensers.training.batched import groups

COSTS, ONCE = ("steps", "images"), ("seconds",)
Reading = Mapping[str, float]


def together(spec: Any, count: int, batch: int) -> list[range]:
    """Which of `count` networks of an architecture are trained as one on batches of `batch` images; others alone."""
    return groups(spec, count, batch) if isinstance(spec, ConvNetSpec) else [range(index, index + 1) for index in range(count)]


def averaged(parts: Sequence[tuple[Mapping[str, Any], int]]) -> dict[str, Any]:
    """What was found of groups of networks, each with its size: {reading, "curve"?, "test"?} of them all.

    A group's accuracies are means over it, its steps and images those of one network, its seconds those of all of it.
    """
    (first, count), *others = parts
    if not others and count == 1:
        return dict(first)
    found = _mean(parts)
    if "curve" in first:
        found["curve"] = [_mean([(part["curve"][at], size) for part, size in parts]) for at in range(len(first["curve"]))]
    return found


def _mean(readings: Sequence[tuple[Reading, int]]) -> dict[str, Any]:
    whole = sum(size for _, size in readings)
    found: dict[str, Any] = {}
    for name in readings[0][0]:
        if name in COSTS:
            found[name] = sum(reading[name] * size for reading, size in readings)
        elif name in ONCE:
            found[name] = sum(reading[name] for reading, _ in readings)
        elif name != "curve":
            found[name] = sum(reading[name] * size for reading, size in readings) / whole
    return found
