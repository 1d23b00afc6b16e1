"""`--set KEY=VALUE`: one value of a TOML table changed from the command line."""

import sys
from collections.abc import Mapping
from typing import Any

from condensers.errors import UsageError, suggestion

if sys.version_info >= (3, 11):
    from tomllib import TOMLDecodeError, loads
else:
    from tomli import TOMLDecodeError, loads

LONGEST = 100  # letters of an override that an error quotes

__all__ = ["TOMLDecodeError", "apply_override", "label_of", "loads"]


def apply_override(table: dict[str, Any], override: str) -> None:
    """Set one value: `seeds=3`, `condensers.dm.iterations=50`, `scenarios.accuracy.epochs=10` (lists go by label)."""
    path, equals, text = override.partition("=")
    override = override if len(override) <= LONGEST else f"{override[:LONGEST]}..."
    if not equals or not path:
        raise UsageError(f"--set {override}: write it as key=value, such as seeds=3 or condensers.dm.iterations=50")
    value = _value(text)
    *parents, last = path.split(".")
    place: Any = table
    for step in parents:
        place = _enter(place, step, override)
    if not isinstance(place, dict):
        raise UsageError(f"--set {override}: '{path}' is not a place in this suite")
    place[last] = value


def _value(text: str) -> Any:
    """The TOML value that a text is; the text itself where it is none."""
    try:
        table = loads(f"v = {text}")
    except (ValueError, RecursionError):
        return text
    return table["v"] if len(table) == 1 else text


def _enter(place: Any, step: str, override: str) -> Any:
    if isinstance(place, list):
        labels = {label_of(entry): entry for entry in place if isinstance(entry, dict)}
        if step in labels:
            return labels[step]
        raise UsageError(f"--set {override}: no '{step}' here; {suggestion(step, labels)}")
    if isinstance(place, dict) and isinstance(place.get(step), dict | list):
        return place[step]
    if (
        isinstance(place, dict)
        and isinstance(place.get(step), str)
        and step in ("network", "space", "parameterisation", "engine")
    ):
        place[step] = {"name": place[step]}
        return place[step]
    known = [k for k, v in place.items() if isinstance(v, dict | list)] if isinstance(place, dict) else []
    raise UsageError(f"--set {override}: no table '{step}' here; {suggestion(step, known)}")


def label_of(entry: Mapping[str, Any]) -> str:
    """The name by which a [[condensers]] or [[scenarios]] table is addressed."""
    return str(entry.get("label") or entry.get("method") or entry.get("scenario") or "")
