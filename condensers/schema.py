"""Models of values from outside, such as cards and records: what differs from one is told by its
place, a sentence each.

Models are strict (a text is no number, true is no whole number) and let keys that they do not name
pass.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from condensers.errors import shown
from condensers.plain import join

EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "finite_number": "a finite number",
    "string_too_short": "a text that is not empty",
    "string_unicode": "a text of valid Unicode",
}
COMPARED = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("above", "gt"),
}
SHOWN = 5


class Shape(BaseModel):
    """A table."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


def _figure_or_words(value: Any) -> Any:
    """What was measured, or why it was not."""
    if value is None or isinstance(value, str):
        return None
    return value


Word = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]
Size = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Spent = Annotated[
    Amount | None, BeforeValidator(_figure_or_words)
]  # seconds, joules: or "not measured"


def faults_of(model: type[Shape], value: Any) -> list[str]:
    """What in `value` is not as the model says: "outcome.costs.seconds: expected a number, found
    'x'"; [] where all is.
    """
    try:
        model.model_validate(value)
    except ValidationError as fault:
        return [_sentence(one) for one in fault.errors(include_url=False)]
    except RecursionError:
        return ["is nested too deep"]
    return []


def brief_faults(model: type[Shape], value: Any) -> str:
    """The first faults in one line; "" where there are none."""
    found = faults_of(model, value)
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(found[:SHOWN]) + more


def _sentence(fault: Mapping[str, Any]) -> str:
    where = ""
    for name in fault["loc"]:
        where = join(where, name)
    kind, context = str(fault["type"]), fault.get("ctx", {})
    before = f"{where}: " if where else ""
    if kind == "missing":
        return f"{before}is missing"
    if kind == "value_error":
        return f"{before}{context['error']}"
    if kind == "literal_error":
        expected = f"one of {context['expected']}"
    elif kind in COMPARED:
        said, name = COMPARED[kind]
        expected = f"{said} {context[name]}"
    elif kind == "too_short":
        expected = f"a list of at least {context['min_length']}"
    elif kind == "too_long":
        expected = f"a list of at most {context['max_length']}"
    else:
        expected = EXPECTED.get(kind, str(fault["msg"]))
    return f"{before}expected {expected}, found {shown(fault['input'])}"
