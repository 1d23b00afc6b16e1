"""Numbers and verdicts as people read them: the same words in every format."""

from collections.abc import Mapping
from typing import Any

DECIMALS = {"%": 1, "points": 1, "s": 1, "J": 0, "architectures": 1, "parameters": 0, "area": 3}
NOT_DISTINGUISHABLE = "not distinguishable"
NO_INTERVAL = "no interval"
SHOWN = 5


def figure(value: float | None, unit: str, *, signed: bool = False, decimals: int | None = None) -> str:
    """A number with as many decimals as its unit carries; "-" for none."""
    if value is None:
        return "-"
    places = DECIMALS.get(unit, 2) if decimals is None else decimals
    rounded = round(value, places) + 0.0  # no "-0.0"
    return f"{rounded:{'+' if signed else ''},.{places}f}"


def estimate(part: Mapping[str, Any], unit: str, key: str = "mean", *, signed: bool = False) -> str:
    """ "91.2 [90.1, 92.3]", with one decimal more where a bound other than 0 would be printed as 0."""
    mean, low, high = part[key], part["low"], part["high"]
    if mean is None:
        return "not defined"
    places = DECIMALS.get(unit, 2)
    if any(bound and not round(bound, places) for bound in (low, high)):
        places += 1
    text = figure(mean, unit, signed=signed, decimals=places)
    if low is None or high is None:
        return f"{text} (no interval)"
    return f"{text} [{figure(low, unit, signed=signed, decimals=places)}, {figure(high, unit, signed=signed, decimals=places)}]"


def verdict(comparison: Mapping[str, Any] | None, higher_is_better: bool | None) -> str:
    """better, worse or not distinguishable: what the interval of a difference carries, and no more."""
    if comparison is None or comparison["difference"] is None:
        return "-"
    if comparison["low"] is None:
        return NO_INTERVAL
    if not comparison["distinguishable"]:
        return NOT_DISTINGUISHABLE
    rises = comparison["difference"] > 0
    if higher_is_better is None:
        return "higher" if rises else "lower"
    return "better" if rises == higher_is_better else "worse"


def sizes(nbytes: int | None) -> str:
    return "-" if nbytes is None else f"{nbytes:,}"


def listed(names: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def some(names: list[str]) -> str:
    """The names, or the first of many and how many more there are."""
    return listed(names) if len(names) <= SHOWN else f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"


def cell_name(cell: Any) -> str:
    """A cell in a few words, for the list of failures."""
    if not isinstance(cell, Mapping):
        return str(cell)
    ipc = f"ipc {cell['ipc']}" if cell.get("ipc") else None
    budget = None if ipc or not cell.get("budget") else " ".join(str(part) for part in cell["budget"])
    seed = None if cell.get("seed") is None else f"seed {cell['seed']}"
    parts = [cell.get("scenario") or "condense", cell.get("data"), cell.get("label"), ipc or budget, seed]
    return ", ".join(str(part) for part in parts if part)
