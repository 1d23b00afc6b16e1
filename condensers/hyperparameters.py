"""Hyperparameters as dataclass fields that say their unit, their source and what values they may
take.

A class whose fields are made by `hyper` can be listed without being imported
(`condensers.registry.registry.describe` reads the source), and is built from a suite's plain values
by `build`, which checks every one of them.
"""

import math
import warnings
from abc import ABC
from collections.abc import Mapping
from dataclasses import Field, field, fields, is_dataclass
from typing import Any, ClassVar, cast, get_args

from condensers.errors import UsageError, shown, suggestion
from condensers.plain import LARGEST, join


class Part(ABC):
    """What a registry names: a frozen dataclass whose fields are its hyperparameters.

    Each kind of part has an abstract base class of its own, derived from this one.

    Attributes:
        registered: The name under which the part is registered.
        former_keys: Keys of earlier releases and what they are called now; the old ones are read,
            with a warning.
    """

    registered: ClassVar[str]
    former_keys: ClassVar[Mapping[str, str]] = {}

    def require_fit(self, where: str) -> None:  # noqa: B027 - most parts fit whatever is set
        """Check what no single field shows, once the parts within this part are built.

        Args:
            where: The place of the part in a suite, for the message.

        Raises:
            UsageError: The settings do not fit each other.
        """


def hyper(
    default: Any,
    *,
    unit: str = "",
    help: str = "",
    source: str = "",
    verified: bool = True,
    minimum: float | None = None,
    values: tuple[Any, ...] = (),
    part: str = "",
) -> Any:
    """Return a dataclass field for one hyperparameter.

    Args:
        default: The value where a suite names none.
        unit: What the value counts or measures, alone: "steps", "images per class", "seconds".
        help: What the value is for, or what each of its values means; a phrase.
        source: Where the default comes from: paper, section, table, file of the authors' code, or
            "ours".
        verified: False if the source was not found there by reading it; `harness show` and the
            cards of exported sets say so.
        minimum: The least allowed value.
        values: The allowed values, if they can be listed.
        part: The registry kind of a field that holds another part, whose value in a suite is a
            name or a table with `name` and settings.

    Returns:
        What a dataclass's body assigns to an annotated name.
    """
    metadata = {
        "unit": unit,
        "help": help,
        "source": source,
        "verified": verified,
        "minimum": minimum,
        "values": values,
        "part": part,
    }
    return field(default=default, metadata=metadata)


def build(cls: type, settings: Mapping[str, Any], where: str) -> Any:
    """Return `cls(**settings)` after checking each name, type, minimum and allowed value.

    Raises UsageError with every fault found, one sentence each, joined by newlines.
    """
    known = {f.name: f for f in fields(cls) if f.init}
    faults, accepted = [], {}
    for name, value in current_keys(cls, settings, where).items():
        if name not in known:
            faults.append(f"{where}: unknown key {shown(name)}; {suggestion(str(name), known)}")
            continue
        try:
            accepted[name] = check(known[name], value, join(where, name))
        except UsageError as fault:
            faults.append(str(fault))
    if faults:
        raise UsageError("\n".join(faults))
    return cls(**accepted)


def current_keys(cls: type, settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return `settings` of a part with the keys of earlier releases replaced by today's.

    Warns with one sentence for each.

    Args:
        cls: The class of the part.
        settings: Its settings by name.
        where: Its place in a suite, for the messages.

    Raises:
        UsageError: The old and the new key are both there.
    """
    former = cls.former_keys if issubclass(cls, Part) else {}
    for old, new in former.items():
        if old in settings and new in settings:
            raise UsageError(
                f"{where}: `{old}` is now called `{new}`, and both are given; leave out `{old}`"
            )
        if old in settings:
            warnings.warn(
                f"{where}: `{old}` is now called `{new}`; the next release no longer reads `{old}`",
                RenamedKey,
                stacklevel=2,
            )
    return {former.get(name, name): value for name, value in settings.items()}


class RenamedKey(FutureWarning):
    """A setting is given under the name of an earlier release."""


def check(known: "Field[Any]", value: Any, where: str) -> Any:
    """Return `value` in the type of the field, its items in theirs, or raise UsageError with one
    sentence.
    """
    default, rule = known.default, known.metadata
    if rule.get("part"):
        return _as_tuple(value, where) if isinstance(default, tuple) else value
    if value is None and default is None:
        return None
    if isinstance(default, tuple):
        item = next(iter(get_args(known.type)), object)
        values = tuple(
            _convert(item, one, join(where, at)) for at, one in enumerate(_as_tuple(value, where))
        )
        for at, one in enumerate(values):
            _require_allowed(rule, one, join(where, at))
        return values
    return _require_allowed(rule, _convert(_type_of(known), value, where), where)


def _type_of(known: "Field[Any]") -> Any:
    """The type of a field's values: that of its default, or what is annotated beside None."""
    if known.default is not None:
        return type(known.default)
    noted = [kind for kind in get_args(known.type) if kind is not type(None)]
    return noted[0] if len(noted) == 1 else object


def _as_tuple(value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise UsageError(f"{where}: {_quote(value)} is not a list")
    return tuple(value)


def _convert(wanted: Any, value: Any, where: str) -> Any:
    """`value` where it is of the type `wanted`, or a whole number where any number is."""
    if not isinstance(wanted, type) or wanted in (object, Any):
        return value
    if wanted is float and type(value) is int and abs(value) <= LARGEST:
        value = float(value)
    finite = not isinstance(value, float) or math.isfinite(value)
    if (
        not finite
        or not isinstance(value, wanted)
        or (isinstance(value, bool) and wanted is not bool)
    ):
        raise UsageError(
            f"{where}: {_quote(value)} is not {_ARTICLES.get(wanted, wanted.__name__)}"
        )
    if isinstance(value, int) and abs(value) > LARGEST:
        raise UsageError(f"{where}: {_quote(value)} is beyond the whole numbers of 64 bits")
    return value


def _require_allowed(rule: Mapping[str, Any], value: Any, where: str) -> Any:
    allowed = rule.get("values")
    if allowed and value not in allowed:
        raise UsageError(f"{where}: {_quote(value)} is not one of {', '.join(map(str, allowed))}")
    minimum = rule.get("minimum")
    if minimum is not None and value < minimum:
        raise UsageError(f"{where}: {value} is below the least allowed value, {minimum}")
    return value


def _quote(value: Any) -> str:
    return repr(value) if value is None or isinstance(value, bool) else shown(value)


def settings_of(part: Any) -> dict[str, Any]:
    """Return the hyperparameters of a part as plain JSON values, as a card or a hash key holds
    them.

    A field that holds another part becomes a table with its registered name and settings.
    """
    if not is_dataclass(part) or isinstance(part, type):
        raise TypeError(f"{part!r} is not an instance of a dataclass")
    return {f.name: _plain(getattr(part, f.name)) for f in fields(part)}


def unverified(part: Any) -> list[str]:
    """Return the names of a part's hyperparameters that have a default from an unverified source.

    A hyperparameter that was set to something else is not among them.
    """
    return [
        f.name
        for f in fields(part)
        if not f.metadata.get("verified", True) and _is_default(getattr(part, f.name), f.default)
    ]


def _is_default(value: Any, default: Any) -> bool:
    """Whether a value is the default, or the part of that name with its own defaults."""
    if is_dataclass(value) and not isinstance(value, type) and isinstance(default, str):
        return isinstance(value, Part) and value.registered == default and value == type(value)()
    return bool(value == default)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {"name": cast(Any, value).registered, **settings_of(value)}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return value


_ARTICLES = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    tuple: "a list",
}
