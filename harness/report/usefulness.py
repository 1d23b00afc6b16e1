"""How useful each condensed set of a run is: one value a set, from the results of its scenario."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.report.place import join_parts
from harness.report.results import Entry, Result
from harness.report.wording import split_metric


class CondensedSet(NamedTuple):
    """One set of a run.

    Args:
        data: the data set it was made from.
        condenser: its label.
        size: ("bytes", budget) or ("ipc", images per class), whichever was asked for.
        seed: its seed.
    """

    data: str
    condenser: str
    size: tuple[str, int | None]
    seed: int

    @classmethod
    def of(cls, entry: Entry, seed: int) -> "CondensedSet":
        size = ("ipc", entry.ipc) if entry.budget is None else ("bytes", entry.budget)
        return cls(entry.data, entry.condenser, size, seed)


SetValues = dict[CondensedSet, float]


def read_usefulness(
    results: Sequence[Result], metrics: Mapping[str, str]
) -> dict[tuple[str, str], SetValues]:
    """Read the usefulness of each set from some metrics.

    Args:
        results: all results of one scenario.
        metrics: metric, without its strategy -> its name in words.

    Returns:
        (data, usefulness in words) -> set -> mean over its networks or class orders.
    """
    values_by_set: dict[tuple[str, str], SetValues] = {}
    augmentations = {r.entry.augmentation for r in results if not r.entry.is_reference}
    for result in results:
        entry, (strategy, metric) = result.entry, split_metric(result.metric)
        if entry.is_reference or metric not in metrics:
            continue
        name = join_parts(
            metrics[metric] + (f" ({strategy})" if strategy else ""),
            f"augmentation {entry.augmentation or 'none'}" if len(augmentations) > 1 else "",
            entry.variant,
        )
        values_by_set.setdefault((entry.data, name), {}).update(mean_by_set(result))
    return values_by_set


def mean_by_set(result: Result) -> Iterator[tuple[CondensedSet, float]]:
    """Yield each set of a result and its mean over networks, class orders or other repeats."""
    for seed, repeats in result.values.items():
        yield CondensedSet.of(result.entry, seed), sum(repeats.values()) / len(repeats)
