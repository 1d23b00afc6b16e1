"""Which columns the tables of the scenario privacy have: attacks side by side, a line a set."""

from collections.abc import Sequence
from dataclasses import replace

from harness.report.columns import Column, Layout, Row, compared, count, first, layouts, value

AREA, RATE = "-auc", "-tpr@"
LEADER = f"lira{AREA}"
CHANCE = "; 0.5 is chance"
BESIDE = {"near-copies": "near copies, %", "half-accuracy": "test accuracy, %"}
# Where a page is narrow: how useful the networks are goes first, then the attack that LiRA betters.
DROPS = {"half-accuracy": 3, "near-copies": 2, "loss": 1}


def privacy_layouts(names: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    """The tables of one place that holds the metrics `names`: areas, true-positive rates, and LiRA against random images."""
    areas = [name for name in names if name.endswith(AREA)]
    beside = [name for name in BESIDE if name in names]
    columns = [*(_column(name, attack_of(name)) for name in areas), *(_column(name, BESIDE[name]) for name in beside)]
    found = [Layout(f": AUC of each attack{CHANCE}", [*areas, *beside], [*first(rows), *columns, count(LEADER)])]
    rates = [name for name in names if RATE in name]
    for percent in dict.fromkeys(name.partition("@")[2] for name in rates):
        own = [name for name in rates if name.endswith(f"@{percent}")]
        title = f": true positives at {percent} false positives, %; {percent.partition(' ')[0]} is chance"
        found.append(Layout(title, own, [*first(rows), *(_column(name, attack_of(name)) for name in own), count(own[0])]))
    against = [*first(rows), *compared(LEADER, rows), count(LEADER)]
    found.append(Layout(": AUC of LiRA against random images", [LEADER], against, is_detail=True))
    others = [name for name in names if name not in (*areas, *beside, *rates)]
    return found + (layouts(others, rows) if others else [])


def attack_of(metric: str) -> str:
    """ "lira-auc" -> "LiRA", "nearest-pixels-tpr@1 %" -> "nearest in pixels", as a column is headed."""
    name = metric.partition(AREA)[0].partition(RATE)[0]
    kind, _, space = name.partition("-")
    return {"lira": "LiRA", "loss": "loss threshold"}.get(kind, f"{kind} in {space}")


def _column(metric: str, title: str) -> Column:
    kind = next((drop for start, drop in DROPS.items() if metric.startswith(start)), 0)
    return replace(value(metric), title=title, drop=kind)
