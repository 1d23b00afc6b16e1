"""Hyperparameters as dataclass fields that say their unit, their source and what values they may take.

A class whose fields are made by `hyper` can be listed without being imported (`condensers.registry.describe` reads the
source), and is built from a suite's plain values by `build`, which checks every one of them.
"""

import math
from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from typing import Any, cast

from condensers.errors import UsageError, suggestion


def hyper(
    default: Any,
    *,
    unit: str = "",
    source: str = "",
    minimum: float | None = None,
    values: tuple[Any, ...] = (),
    part: str = "",
) -> Any:
    """Return a dataclass field for one hyperparameter.

    `source` names where the default comes from (paper, section, table, or "ours"); `part` names the registry kind of a
    field that holds another part (its value in a suite is a name or a table with `name` and settings).
    """
    metadata = {"unit": unit, "source": source, "minimum": minimum, "values": values, "part": part}
    return field(default=default, metadata=metadata)


def build(cls: type, settings: Mapping[str, Any], where: str) -> Any:
    """Return `cls(**settings)` after checking each name, type, minimum and allowed value.

    Raises UsageError with every fault found, one sentence each, joined by newlines.
    """
    known = {f.name: f for f in fields(cls)}
    faults, accepted = [], {}
    for name, value in settings.items():
        if name not in known:
            faults.append(f"{where}: unknown key '{name}'; {suggestion(name, known)}")
            continue
        try:
            accepted[name] = check(known[name].default, known[name].metadata, value, f"{where}.{name}")
        except UsageError as fault:
            faults.append(str(fault))
    if faults:
        raise UsageError("\n".join(faults))
    return cls(**accepted)


def check(default: Any, rule: Mapping[str, Any], value: Any, where: str) -> Any:
    """Return `value` in the type of the field's default, or raise UsageError with one sentence."""
    if rule.get("part"):
        return value
    if value is None and default is None:
        return None
    wanted = type(default) if default is not None else (int if rule.get("unit") else type(value))
    if wanted is float and type(value) is int:
        value = float(value)
    if isinstance(default, tuple) and isinstance(value, list):
        value = tuple(value)
    finite = not isinstance(value, float) or math.isfinite(value)
    if not finite or not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise UsageError(f"{where}: {value!r} is not {_ARTICLES.get(wanted, wanted.__name__)}")
    allowed = rule.get("values")
    if allowed and value not in allowed:
        raise UsageError(f"{where}: {value!r} is not one of {', '.join(map(str, allowed))}")
    minimum = rule.get("minimum")
    if minimum is not None and value < minimum:
        raise UsageError(f"{where}: {value} is below the least allowed value, {minimum}")
    return value


def settings_of(part: Any) -> dict[str, Any]:
    """Return the hyperparameters of a part as plain JSON values, as a card or a hash key holds them.

    A field that holds another part becomes a table with its registered name and settings.
    """
    if not is_dataclass(part) or isinstance(part, type):
        raise TypeError(f"{part!r} is not an instance of a dataclass")
    return {f.name: _plain(getattr(part, f.name)) for f in fields(part)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {"name": cast(Any, value).registered, **settings_of(value)}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return value


_ARTICLES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", tuple: "a list"}
