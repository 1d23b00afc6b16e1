"""`--set KEY=VALUE`: one value of a TOML table changed from the command line."""

import sys
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from typing import Any

from condensers.errors import UsageError, suggestion
from condensers.hyperparameters import Part, current_keys
from condensers.registry.introspection import default_of, table_of
from condensers.registry.registry import SELECTIONS
from harness.catalogue.registries import REGISTRIES

if sys.version_info >= (3, 11):
    from tomllib import loads
else:
    from tomli import loads

LONGEST = 100  # letters of an override that an error quotes
OF_SUITE = {
    "condensers": "method",
    "scenarios": "scenario",
}  # lists of a suite, and the kind of their entries

__all__ = ["apply_override", "label_of", "loads"]


def apply_override(table: dict[str, Any], override: str, kind: str = "") -> None:
    """Set one value: `seeds=3`, `condensers.dm.iterations=50`, `scenarios.accuracy.epochs=10`
    (lists go by label).

    kind: of the part that `table` describes; "" for a suite. A setting of a part that the table
    only names, or leaves to its default, can be set too: `network.width=32` makes the table of that
    network.
    """
    path, equals, text = override.partition("=")
    override = override if len(override) <= LONGEST else f"{override[:LONGEST]}..."
    if not equals or not path:
        raise UsageError(
            f"--set {override}: write it as key=value, such as seeds=3 or"
            " condensers.dm.iterations=50"
        )
    value = _value(text)
    *parents, last = path.split(".")
    place: Any = table
    for step in parents:
        place, kind = _enter(place, _current_key(place, step, kind, override), kind, override)
    if not isinstance(place, dict):
        raise UsageError(f"--set {override}: '{path}' is not a place in this suite")
    place[_current_key(place, last, kind, override)] = value


def _current_key(place: Any, step: str, kind: str, override: str) -> str:
    """What a key of an earlier release is called now, in `place` too."""
    part = _class_of(place, kind, override) if isinstance(place, dict) else None
    former = part.former_keys if part is not None and issubclass(part, Part) else {}
    if part is not None and former and not former.keys().isdisjoint({step, *place}):
        current = current_keys(part, place, label_of(place))
        place.clear()
        place.update(current)
        return next(iter(current_keys(part, {step: None}, f"--set {override}")))
    return step


def _value(text: str) -> Any:
    """The TOML value that a text is; the text itself where it is none."""
    try:
        table = loads(f"v = {text}")
    except (ValueError, RecursionError):
        return text
    return table["v"] if len(table) == 1 else text


def _enter(place: Any, step: str, kind: str, override: str) -> tuple[Any, str]:
    """What `step` leads to, made where it is a part that has no table yet, and of which kind of
    part it is.
    """
    if isinstance(place, list):
        labels = {label_of(entry): entry for entry in place if isinstance(entry, dict)}
        if step in labels:
            return labels[step], kind
        raise UsageError(f"--set {override}: no '{step}' here; {suggestion(step, labels)}")
    if not isinstance(place, dict):
        raise UsageError(f"--set {override}: no table '{step}' here; {suggestion(step, ())}")
    if not kind and isinstance(place.get(step), dict | list):
        return place[step], OF_SUITE.get(step, "")
    parts = _parts_of(place, kind, override)
    if isinstance(place.get(step), dict | list):
        return place[step], parts[step].metadata["part"] if step in parts else ""
    if step not in parts:
        known = [*parts, *(key for key, value in place.items() if isinstance(value, dict | list))]
        raise UsageError(f"--set {override}: no table '{step}' here; {suggestion(step, known)}")
    place[step] = _as_table(place.get(step, default_of(parts[step])), parts[step], override)
    return place[step], parts[step].metadata["part"]


def _parts_of(place: Mapping[str, Any], kind: str, override: str) -> "dict[str, Field[Any]]":
    """The fields of a part, described by a table, that hold other parts; none where the table is of
    no part.
    """
    part = _class_of(place, kind, override)
    return {f.name: f for f in fields(part) if f.metadata.get("part")} if is_dataclass(part) else {}


def _class_of(place: Mapping[str, Any], kind: str, override: str) -> type | None:
    """The class of the part that a table describes; None where it is of no part."""
    name = next(
        (place[key] for key in ("method", "scenario", "name") if isinstance(place.get(key), str)),
        None,
    )
    if name is None or not kind:
        return None
    if kind == "method" and name in SELECTIONS.entries():
        kind = "selection"
    try:
        part: type = next(registry for registry in REGISTRIES if registry.kind == kind).load(name)
    except UsageError as fault:
        raise UsageError(f"--set {override}: {fault}") from None
    return part


def _as_table(value: Any, field: "Field[Any]", override: str) -> dict[str, Any]:
    """The table of a part that is named, made, or described by one; UsageError where there is none,
    or are several.
    """
    shown = table_of(value)
    if isinstance(shown, dict):
        return shown
    if isinstance(shown, str):
        return {"name": shown}
    kind, several = field.metadata["part"], isinstance(shown, list)
    why = f"is a list of {kind}s" if several else f"has no {kind} by default"
    example = f'{field.name}=[{{name="NAME"}}]' if several else f'{field.name}={{name="NAME"}}'
    raise UsageError(
        f"--set {override}: {field.name} {why}; set the whole of it, as --set '{example}'"
    )


def label_of(entry: Mapping[str, Any]) -> str:
    """The name by which a [[condensers]] or [[scenarios]] table is addressed."""
    return str(entry.get("label") or entry.get("method") or entry.get("scenario") or "")
