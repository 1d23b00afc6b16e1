"""Ways in which the structure of a JSON or TOML value is spoilt: types changed, keys lost, numbers
put to their extremes.
"""

import copy
import math
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

NESTED: Any = 1
for _ in range(45):
    NESTED = [NESTED]
EXTREMES = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    2**31,
    2**32,
    2**63,
    -(2**63),
    10**400,
    0.0,
    -0.5,
    0.5,
    3.5,
    1e308,
    -1e308,
    1e-320,
    math.nan,
    math.inf,
    -math.inf,
    "",
    " ",
    "x",
    "3",
    "none",
    "\ud800",
    "\x1b[31mred\x1b[0m",
    "\x00",
    "a\nb",
    "../../x",
    "name:Of",
    "no.py:Part",
    "é" * 300,
    [],
    [[]],
    [None],
    [1, "a"],
    [1.5],
    {},
    {"": 0},
    {"name": "x"},
    {"name": 3},
    {"a": {"b": [1]}},
    NESTED,
    "dm",
    "random",
    "convnet",
    "pixels",
    ["dm", "dm"],
    [True],
    ["ipc", 1],
    ["ipc", "1"],
]
DATES = [date(1979, 5, 27)]  # which TOML has and JSON has not
Place = tuple[Any, Any]  # a table or list, and a key or position in it


def spoilt(value: Any, random: Random, dates: bool = False) -> Any:
    """A copy of `value`, a table, after one to three changes."""
    top = [copy.deepcopy(value)]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = list(_places(top))
        holder, at = random.choice(
            places[1:] if len(places) > 1 and random.random() < 0.98 else places
        )
        CHANGES[random.choice(sorted(CHANGES))](holder, at, random, EXTREMES + DATES * dates)
    return top[0] if isinstance(top[0], dict) else {"x": top[0]}


def _places(holder: Any) -> Iterator[Place]:
    for at, part in list(holder.items()) if isinstance(holder, dict) else enumerate(holder):
        yield holder, at
        if isinstance(part, dict | list) and part is not NESTED:
            yield from _places(part)


def _replace(holder: Any, at: Any, random: Random, extremes: list[Any]) -> None:
    holder[at] = copy.deepcopy(random.choice(extremes))


def _remove(holder: Any, at: Any, random: Random, extremes: list[Any]) -> None:
    if not (
        isinstance(holder, list)
        and len(holder) == 1
        and isinstance(holder[0], dict)
        and len(holder[0]) > 6
    ):
        del holder[at]
    if not holder and isinstance(holder, list):
        holder.append(0)


def _add(holder: Any, at: Any, random: Random, extremes: list[Any]) -> None:
    inside = holder[at]
    new = copy.deepcopy(random.choice(extremes))
    if isinstance(inside, dict):
        inside[random.choice(["name", "x", "\x1b", "\ud800", "label", "", "seed", "settings"])] = (
            new
        )
    elif isinstance(inside, list):
        inside.insert(random.randrange(len(inside) + 1), new)
    else:
        holder[at] = new


def _wrap(holder: Any, at: Any, random: Random, extremes: list[Any]) -> None:
    holder[at] = [holder[at]] if random.random() < 0.5 else {"name": holder[at]}


def _unwrap(holder: Any, at: Any, random: Random, extremes: list[Any]) -> None:
    inside = holder[at]
    parts = (
        list(inside.values())
        if isinstance(inside, dict)
        else inside
        if isinstance(inside, list)
        else []
    )
    holder[at] = random.choice(parts) if parts else str(inside)


def _rename(holder: Any, at: Any, random: Random, extremes: list[Any]) -> None:
    if isinstance(holder, dict):
        holder[random.choice([f"{at}s", str(at).upper(), "x"])] = holder.pop(at)
    else:
        holder[at] = None


def _exchange(holder: Any, at: Any, random: Random, extremes: list[Any]) -> None:
    """Two values change their places, each right where it was."""
    others = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    other = random.choice(others)
    holder[at], holder[other] = holder[other], holder[at]


def _double(holder: Any, at: Any, random: Random, extremes: list[Any]) -> None:
    inside = holder[at]
    holder[at] = inside * 2 if isinstance(inside, str | list) else inside


def _negate(holder: Any, at: Any, random: Random, extremes: list[Any]) -> None:
    inside = holder[at]
    holder[at] = -inside if isinstance(inside, int | float) else [inside, inside]


def _retype(holder: Any, at: Any, random: Random, extremes: list[Any]) -> None:
    """A number as a text, a text as a number, a list as a table."""
    inside = holder[at]
    if isinstance(inside, list):
        holder[at] = {str(place): part for place, part in enumerate(inside)}
    elif isinstance(inside, dict):
        holder[at] = list(inside.values())
    else:
        holder[at] = str(inside) if not isinstance(inside, str) else len(inside)


CHANGES = {
    "replace": _replace,
    "replace too": _replace,
    "remove": _remove,
    "add": _add,
    "wrap": _wrap,
    "unwrap": _unwrap,
    "rename": _rename,
    "exchange": _exchange,
    "double": _double,
    "negate": _negate,
    "retype": _retype,
}
