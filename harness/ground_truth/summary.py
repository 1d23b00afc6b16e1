"""What a ground-truth table says, for people: what it is, how far its seeds agree, its best
architectures, its cost.
"""

import math
from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from harness.printable import flat, visible
from harness.statistics.intervals import Interval
from harness.statistics.rank_bootstrap import TrueAccuracies, rank_interval, seed_agreement
from harness.statistics.rank_samples import kendall_of_samples, spearman_of_samples
from scenarios.search.ground_truth.table import GroundTruthTable, Row
from scenarios.search.spaces.base import describe_size

BEST = 10


def ceiling(table: GroundTruthTable) -> Mapping[str, Interval]:
    """Noise ceiling: mean rank correlation of the test accuracies of two seeds; empty with one
    seed.

    Over the architectures that have all seeds.
    """
    whole = [name for name in table.ids if all(table.row(name, seed) for seed in table.seeds)]
    if len(table.seeds) < 2 or len(whole) < 2:
        return {}
    tested = {(row["id"], row["seed"]): row["test"] for row in table.rows}
    truth = np.array(
        [[tested[name, seed] for name in whole] for seed in table.seeds], dtype=np.float64
    )
    draws = seed_agreement([kendall_of_samples, spearman_of_samples], TrueAccuracies(truth, truth))
    return dict(
        zip(("Kendall's tau-b", "Spearman's rho"), map(rank_interval, draws or []), strict=True)
    )


def print_summary(name: str, table: GroundTruthTable, console: Console) -> None:
    """Print all of it; as wide as the console."""
    target, size = table.target, prod(len(values) for values in table.choices.values())
    data, images = target.data, target.data["images"]
    sentences = [
        (
            f"{name}: ground truth of {target.space['name']} on {data['name']},"
            f" {' x '.join(map(str, data['shape']))} pixels, {data['classes']} classes,"
            f" {images['train']} + {images['validation']} + {images['test']} images"
        ),
        f"key {target.key}, content {table.content[:16]}",
        f"recipe: {', '.join(f'{key} {value}' for key, value in target.recipe.items())}",
        (
            f"{len(table.ids)} architectures of {describe_size(size)},"
            f" seeds {', '.join(map(str, table.seeds))}, {len(table.rows)} rows"
        ),
        *(
            f"made by {made.get('command')} (torch {made.get('torch')}, {made.get('device')})"
            for made in table.made
        ),
        _cost(table),
        *_agreement(table),
    ]
    for sentence in sentences:
        console.print(visible(sentence), markup=False, highlight=False, soft_wrap=True)
    console.print(_best(table))


def _cost(table: GroundTruthTable) -> str:
    seconds = [row["seconds"] for row in table.rows if row["seconds"] is not None]
    if not seconds:
        return "seconds: not published"
    each = f"{np.mean(seconds):.2f} s a training ({min(seconds):.2f} to {max(seconds):.2f} s)"
    return f"seconds: {sum(seconds):.0f} s in all, {each}"


def _agreement(table: GroundTruthTable) -> list[str]:
    found = [
        f"noise ceiling, {name} between two seeds: {each.mean:.3f}"
        + (f" [{each.low:.3f}, {each.high:.3f}]" if each.low is not None else "")
        + f", {each.n} architectures ({each.method})"
        for name, each in ceiling(table).items()
    ]
    return found or [
        "noise ceiling: not known, since no two seeds have two architectures in common"
    ]


def _best(table: GroundTruthTable) -> RichTable:
    """The architectures of the highest mean test accuracy."""
    shown = RichTable(title=f"best {min(BEST, len(table.ids))} by mean test accuracy")
    for heading in (
        "architecture",
        "test %",
        "seeds from - to",
        "validation %",
        "parameters",
        "FLOPs",
        "seconds",
    ):
        shown.add_column(heading, justify="left" if heading == "architecture" else "right")
    rows: dict[str, list[Row]] = {}
    for row in table.rows:
        rows.setdefault(row["id"], []).append(row)
    means = {
        name: {key: _mean([row[key] for row in own]) for key in _MEANS}
        for name, own in rows.items()
    }
    for name in sorted(means, key=lambda name: -means[name]["test"])[:BEST]:
        mean, tests = means[name], [row["test"] for row in rows[name]]
        spread = f"{min(tests):.2f} - {max(tests):.2f}"
        cost = (f"{mean['parameters']:.0f}", f"{mean['flops']:.0f}", _format(mean["seconds"]))
        shown.add_row(
            Text(flat(name)), f"{mean['test']:.2f}", spread, _format(mean["validation"]), *cost
        )
    return shown


def _format(value: float) -> str:
    """Write two decimals; - for what is not known."""
    return "-" if math.isnan(value) else f"{value:.2f}"


def _mean(values: Sequence[float | None]) -> float:
    """Return the mean of what is known; nan where nothing is."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else math.nan


_MEANS = ("test", "validation", "parameters", "flops", "seconds")
