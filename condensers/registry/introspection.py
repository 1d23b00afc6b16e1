"""What a part's class says of itself: its docstrings and its hyperparameters, as JSON values.

Read from the class itself, so that inherited fields, constants and parts made on the spot are what
they really are.
"""

import sys
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from inspect import cleandoc
from typing import Any, get_args

from condensers.hyperparameters import Part

INHERITED = ("unit", "help")
DESCRIBED = ("unit", "help", "source", "minimum", "values", "part")


def describe(part: Any) -> dict[str, Any]:
    """Return summary (the first paragraph, in one line), about (the docstrings of the class and of
    its module) and fields, in order.

    A field is a table with name, type, default, and those of unit, help, source, minimum, values
    and part that it has; `verified` is there, and false, if its source was not looked up. A field
    that must be given has no default. part: any object; what is no dataclass has no fields.
    """
    own = _docstring(part)
    module = (getattr(sys.modules.get(part.__module__), "__doc__", None) or "").strip()
    return {
        "summary": " ".join((own or module).partition("\n\n")[0].split()),
        "about": f"{own}\n\n{module}".strip(),
        "fields": [_describe_field(part, field) for field in _in_order(part)],
    }


def _in_order(part: Any) -> list["Field[Any]"]:
    """The fields of a part: its own as they are written, then those it shares with others."""
    return (
        sorted(fields(part), key=lambda field: field.kw_only is True) if is_dataclass(part) else []
    )


def table_of(value: Any) -> Any:
    """A part as the table that a suite would write: its name, and the settings that differ from its
    defaults.

    Lists become lists of tables; any other value is returned as it is.
    """
    if isinstance(value, list | tuple):
        return [table_of(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): table_of(one) for key, one in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {
        f.name: getattr(value, f.name)
        for f in fields(value)
        if getattr(value, f.name) != default_of(f)
    }
    return {
        "name": value.registered if isinstance(value, Part) else type(value).__name__,
        **{key: table_of(one) for key, one in changed.items()},
    }


def default_of(field: "Field[Any]") -> Any:
    """The default of a dataclass's field; dataclasses.MISSING if it must be given."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def _docstring(part: Any) -> str:
    """The docstring that the class wrote; dataclasses give those without one their signature."""
    text = (
        vars(part).get("__doc__") if isinstance(part, type) else getattr(part, "__doc__", None)
    ) or ""
    return "" if text.startswith(f"{part.__name__}(") else cleandoc(text)


def _describe_field(part: Any, field: "Field[Any]") -> dict[str, Any]:
    default = default_of(field)
    given = {} if default is MISSING else {"default": _plain(table_of(default))}
    metadata = {key: field.metadata.get(key) for key in DESCRIBED}
    metadata |= {key: metadata[key] or _inherited(part, field.name, key) for key in INHERITED}
    known = {key: _plain(value) for key, value in metadata.items() if value not in (None, "", ())}
    doubt = {} if field.metadata.get("verified", True) else {"verified": False}
    return {"name": field.name, "type": _type_name(field), **given, **known, **doubt}


def _inherited(part: Any, name: str, key: str) -> str:
    """What the nearest base class that has it says of a field that a class gives another default.

    A method whose `lr` has its own default and source needs not say again what `lr` is.
    """
    bases = getattr(part, "__mro__", ())[1:]
    known = (one for base in bases if is_dataclass(base) for one in fields(base))
    texts = (one.metadata.get(key) for one in known if one.name == name)
    return next((text for text in texts if text), "")


def _type_name(field: "Field[Any]") -> str:
    """The annotation as it was written; that of a part is the part's kind."""
    kind = field.metadata.get("part")
    if kind:
        return f"tuple[{kind}, ...]" if isinstance(default_of(field), tuple) else str(kind)
    annotation: Any = field.type
    plain = isinstance(annotation, type) and not get_args(annotation)
    return annotation.__name__ if plain else str(annotation).replace("typing.", "")


def _plain(value: Any) -> Any:
    """The value if JSON has it, else its text."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
