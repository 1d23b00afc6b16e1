"""Baselines of equal cost in words: how proxies and baselines are named, and who ranks better than
whom.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.place import Size, capitalise
from harness.report.results import REFERENCE
from harness.report.wording import could_show, format_number, join_words

Row = Mapping[str, Any]
OWN = "own cost"
SPOKEN = {
    "parameters": "the number of parameters",
    "flops": "the number of FLOPs",
    "early-stopping": "early stopping",
    "subset": "a subset of the images",
}


def proxy_name(row: Row) -> str:
    """Name a set in a sentence: "dm (ipc 10)"."""
    size = Size.of(row)
    return f"{row['condenser']} ({size})" if size.budget or size.ipc else str(row["condenser"])


def rival_name(row: Row) -> str:
    """Name a baseline with what is equal, where that is not its own cost."""
    return _baseline_name(row) if row["at"] == OWN else f"{_baseline_name(row)} at {row['at']}"


def _baseline_name(row: Row) -> str:
    return SPOKEN.get(row["against"], str(row["against"]))


def rival_names(rows: Sequence[Row]) -> list[str]:
    """Name each baseline once, with all that is equal."""
    conditions: dict[str, list[str]] = {}
    for row in rows:
        conditions.setdefault(_baseline_name(row), []).extend(
            [row["at"]] if row["at"] not in (OWN, *conditions.get(_baseline_name(row), ())) else []
        )
    return [f"{name} (at {'; at '.join(at)})" if at else name for name, at in conditions.items()]


def is_beaten(row: Row) -> bool:
    """Say whether the proxy ranks better than the baseline, interval and all."""
    return row["low"] is not None and row["low"] > 0


def is_better(row: Row) -> bool:
    """Say whether the baseline ranks better than the proxy, interval and all."""
    return row["high"] is not None and row["high"] < 0


def group_by_proxy(rows: Sequence[Row]) -> list[list[Row]]:
    """Group the rows of each proxy, in their order."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["condenser"], row["ipc"], row["budget"], row["recipe"]), []).append(
            row
        )
    return list(groups.values())


def name_winners(rows: Sequence[Row]) -> list[str]:
    """Write which baselines rank better than every proxy of one size, and than how many of all.

    "Ranks better" is written only where the whole interval of the difference lies below 0.
    """
    known = [
        row for row in rows if row["against_kind"] == REFERENCE and row["difference"] is not None
    ]
    sentences: list[str] = []
    named: set[str] = set()
    for size in dict.fromkeys(str(Size.of(row)) for row in known):
        own = _by_rival([row for row in known if str(Size.of(row)) == size])
        sure = {name: each for name, each in own.items() if all(map(is_better, each))}
        above = [
            name
            for name, each in own.items()
            if name not in sure and all(row["difference"] < 0 for row in each)
        ]
        sentences += [_over_all(name, size, each) for name, each in sure.items()]
        sentences += (
            [
                f"Above every proxy of {size} in tau, but not distinguishable from all:"
                f" {join_words(above)}{_shown([row for name in above for row in own[name]])}."
            ]
            if above
            else []
        )
        named |= set(sure)
    if known and not sentences:
        sentences.append(
            "No baseline of equal cost has a higher tau than every proxy of some size."
        )
    worse = {
        name: (sum(map(is_better, each)), len(each))
        for name, each in _by_rival(known).items()
        if name not in named
    }
    counts = [f"{name} ({count} of {of})" for name, (count, of) in worse.items() if count]
    return sentences + (
        [f"Baselines that rank better than single proxies: {join_words(counts)}."] if counts else []
    )


def _shown(rows: Sequence[Row]) -> str:
    shown = could_show([row for row in rows if not is_better(row) and not is_beaten(row)], "")
    return f" ({shown})" if shown else ""


def _by_rival(rows: Sequence[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(rival_name(row), []).append(row)
    return groups


def _over_all(name: str, size: str, rows: Sequence[Row]) -> str:
    best = max(rows, key=lambda row: float(row["tau"]["mean"]))
    figures = (
        f"tau {format_number(best['against_tau'], '')} against"
        f" {format_number(best['tau']['mean'], '')} of {best['condenser']}, the best"
    )
    return f"{capitalise(name)} ranks better than every proxy of {size} ({figures})."
