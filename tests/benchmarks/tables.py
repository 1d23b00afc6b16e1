"""The tables that `make bench` prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

Rows = Sequence[Mapping[str, Any]]
MB = 1e6
RATIOS = "ratio of medians, 95 % bootstrap interval over rounds"
RATES = (
    "peak: of the whole process; first: wall seconds of the first unit, with what is prepared once"
)


def ratios(rows: Rows, seconds: str) -> Table:
    """Ratios with their interval; `seconds` says which are meant."""
    table = Table(
        title=f"ours against plain, the published loop: {seconds} seconds", caption=RATIOS
    )
    _columns(table, "loop", "precision", "plain s", "ours s", "ratio [low, high]", "goal")
    for row in rows:
        taken = [
            f"{row[key]:.3g}" if key in row else "" for key in ("plain_seconds", "ours_seconds")
        ]
        spread = "" if row["low"] is None else f" [{row['low']:.2f}, {row['high']:.2f}]"
        ratio = f"{row['ratio']:.2f}{spread}"
        table.add_row(row["name"], row["precision"], *taken, ratio, _goal(row))
    return table


def rates(rows: Rows) -> Table:
    """What the machine did in that time."""
    table = Table(title="plain -> ours", caption=RATES)
    _columns(table, "loop", "precision", "GFLOP/s", "% of peak", "peak MB", "first s")
    for row in rows:
        if "flops" in row:
            peaks = {side: of / MB for side, of in row["peak_bytes"].items()}
            first = {side: f"{of:.1f}" for side, of in row.get("first_wall_seconds", {}).items()}
            found = (row.get("gflops"), row.get("percent_of_peak"), peaks, first)
            table.add_row(row["name"], row["precision"], *map(_both, found))
    return table


def units(rows: Rows) -> Table:
    """What a unit of each loop is, and how far the two sides were apart in it."""
    table = Table(
        "loop",
        "precision",
        "a unit is",
        "losses apart",
        title="units",
        caption="at most, as a part of the loss",
    )
    for row in rows:
        apart = f"{row['loss_difference']:.0e}" if "loss_difference" in row else ""
        table.add_row(row["name"], row["precision"], row.get("title", ""), apart)
    return table


def _columns(table: Table, *names: str) -> None:
    for name in names:
        table.add_column(
            name,
            justify="left" if name in ("loop", "precision") else "right",
            no_wrap=name != "loop",
        )


def _goal(row: Mapping[str, Any]) -> str:
    goal = row.get("goal")
    return "" if goal is None else f"{goal} {'met' if row['ratio'] >= goal else 'missed'}"


def _both(found: Mapping[str, Any] | None) -> str:
    sides = [of if isinstance(of, str) else f"{of:.0f}" for of in (found or {}).values()]
    return " -> ".join(sides)


def memory(rows: Rows) -> Table:
    """Peak memory of a step by number of classes."""
    sizes = list(rows[0]["bytes"]) if rows else []
    table = Table(
        "method",
        "side",
        *(f"{size} classes, MB" for size in sizes),
        "growth",
        title="peak memory of one matching step",
    )
    for row in rows:
        cells = [f"{row['bytes'][size] / MB:.0f}" for size in sizes]
        table.add_row(row["name"], row["side"], *cells, f"{row['growth']:.2f} x")
    return table


def growth(rows: Rows) -> Table:
    """Seconds by size, and the exponents fitted to them."""
    table = Table(
        "method", "of", "size: seconds", "exponent", title="growth of one step (ours, fp32)"
    )
    for row in rows:
        seconds = ", ".join(f"{size}: {taken:.3g}" for size, taken in row["seconds"].items())
        table.add_row(
            row["name"], row["axis"], seconds, f"{row['exponent']:.2f} +- {row['error']:.2f}"
        )
    return table


def peaks(found: Mapping[str, Mapping[str, float]]) -> Table:
    """GFLOP/s of this machine by shape."""
    table = Table("shape", *found, title="peak of this machine, GFLOP/s")
    for shape in next(iter(found.values()), {}):
        table.add_row(shape, *(f"{rates[shape]:.0f}" for rates in found.values()))
    return table
