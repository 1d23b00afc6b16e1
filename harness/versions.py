"""Whether a run goes on under the versions it began with: other versions of some packages round differently."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from condensers.errors import UsageError

DECISIVE = ("torch", "torchvision", "numpy")
SAID = ("python", "cpu", "device", "blocks", "threads", "harness")


def versions(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What a run directory says of where it was last run."""
    from harness import __version__

    return {**environment, "numpy": version("numpy"), "harness": __version__}


def refuse_other(before: Mapping[str, Any], now: Mapping[str, Any], root: object) -> None:
    """UsageError where a package that decides results is another one than before."""
    changed = _changed(before, now, DECISIVE)
    if changed:
        raise UsageError(
            f"{root}: was begun with other versions ({changed}), whose figures may differ; install those, choose another --out,"
            " or add --mix-versions to go on, and the report lists both"
        )


def refuse_node(command: Mapping[str, Any], node: Mapping[str, Any], name: str) -> None:
    """UsageError where a node of a cluster has another version of what decides results than the command has."""
    different = [key for key in (*DECISIVE, "harness") if command[key] != node[key]]
    if different:
        told = ", ".join(f"{key} {node[key]}, the command {command[key]}" for key in different)
        raise UsageError(
            f"node {name}: has other versions than the command ({told}), so figures may differ; install the same on"
            " every node, or add --mix-versions"
        )


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What else is not as before, in words; "" where nothing is."""
    return _changed(before, now, (*DECISIVE, *SAID))


def _changed(before: Mapping[str, Any], now: Mapping[str, Any], names: tuple[str, ...]) -> str:
    different = [name for name in names if name in before and before[name] != now.get(name)]
    return ", ".join(f"{name} {before[name]}, now {now.get(name)}" for name in different)
