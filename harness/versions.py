"""Whether a run goes on under the versions it began with: other versions of some packages round differently."""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from condensers.errors import UsageError
from harness.cells import IN_KEY, Cell

if TYPE_CHECKING:
    from harness.store import Store

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


def other_code(store: "Store", left: Sequence[Cell]) -> list[str]:
    """Modules for whose change alone some of the cells `left` are not done: the last run did them."""
    try:
        records = store.examine(store.suite()["cells"]).records.values() if store.described else ()
    except UsageError:
        return []
    keyed = [record for record in records if "keyed_by" in record]
    done = {_asked(r["kind"], r["cell"], r["keyed_by"]): r["keyed_by"]["sources"] for r in keyed}
    found = set()
    for cell in left:
        before = done.get(_asked(cell.kind, cell.as_json(), cell.keyed_by), cell.sources)
        found |= {name for name, _ in set(before.items()) ^ set(cell.sources.items())}
    return sorted(found)


def _asked(kind: str, cell: Mapping[str, Any], keyed_by: Mapping[str, Any]) -> str:
    """What a cell is asked to do, whatever the code."""
    asked = [keyed_by[name] for name in ("scenario", "architecture", "classes")]
    return json.dumps([kind, *asked, *(cell.get(name) for name in IN_KEY)], sort_keys=True)
