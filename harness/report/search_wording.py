"""Proxies against baselines of equal cost, in words: who ranks better than whom, and how sure that is."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.kinds import REFERENCE
from harness.report.wording import figure, listed

Row = Mapping[str, Any]
OWN = "own cost"
SPOKEN = {
    "parameters": "the number of parameters",
    "flops": "the number of FLOPs",
    "early-stopping": "early stopping",
    "subset": "a subset of the images",
}


def proxy_name(row: Row) -> str:
    """A set as a sentence names it."""
    if row["budget"]:
        return f"{row['condenser']} ({row['budget']:,} bytes)"
    return f"{row['condenser']} (ipc {row['ipc']})" if row["ipc"] else str(row["condenser"])


def rival_name(row: Row) -> str:
    """A baseline with what is equal, where that is not its own cost."""
    return _spoken(row) if row["at"] == OWN else f"{_spoken(row)} at {row['at']}"


def _spoken(row: Row) -> str:
    return SPOKEN.get(row["against"], str(row["against"]))


def rival_names(rows: Sequence[Row]) -> list[str]:
    """Each baseline once, with all that is equal."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(_spoken(row), []).extend([row["at"]] if row["at"] not in (OWN, *found.get(_spoken(row), ())) else [])
    return [f"{name} (at {'; at '.join(at)})" if at else name for name, at in found.items()]


def beaten(row: Row) -> bool:
    """Whether the whole interval of the difference lies above 0."""
    return row["low"] is not None and row["low"] > 0


def lost(row: Row) -> bool:
    """Whether the whole interval of the difference lies below 0."""
    return row["high"] is not None and row["high"] < 0


def by_proxy(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each proxy, in their order."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault((row["condenser"], row["ipc"], row["budget"], row["recipe"]), []).append(row)
    return list(found.values())


def winners(rows: Sequence[Row]) -> list[str]:
    """Which baselines rank better than every proxy of one size, and than how many of all; plain where none does.

    "Ranks better" is said only where the whole interval of the difference lies below 0.
    """
    known = [row for row in rows if row["against_kind"] == REFERENCE and row["difference"] is not None]
    found, said = [], set()
    for size in dict.fromkeys(_size(row) for row in known):
        own = _by_rival([row for row in known if _size(row) == size])
        sure = {name: each for name, each in own.items() if all(map(lost, each))}
        above = [name for name, each in own.items() if name not in sure and all(row["difference"] < 0 for row in each)]
        found += [_over_all(name, size, each) for name, each in sure.items()]
        found += [f"Above every proxy of {size} in tau, but not distinguishable from all: {listed(above)}."] if above else []
        said |= set(sure)
    if known and not found:
        found.append("No baseline of equal cost has a higher tau than every proxy of some size.")
    worse = {name: (sum(map(lost, each)), len(each)) for name, each in _by_rival(known).items() if name not in said}
    counts = [f"{name} ({count} of {of})" for name, (count, of) in worse.items() if count]
    return found + ([f"Baselines that rank better than single proxies: {listed(counts)}."] if counts else [])


def _by_rival(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(rival_name(row), []).append(row)
    return found


def _size(row: Row) -> str:
    return f"{row['budget']:,} bytes" if row["budget"] else f"ipc {row['ipc'] or '?'}"


def _over_all(name: str, size: str, rows: Sequence[Row]) -> str:
    best = max(rows, key=lambda row: float(row["tau"]["mean"]))
    figures = f"tau {figure(best['against_tau'], '')} against {figure(best['tau']['mean'], '')} of {best['condenser']}, the best"
    return f"{_capital(name)} ranks better than every proxy of {size} ({figures})."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
