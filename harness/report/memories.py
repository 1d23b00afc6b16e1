"""Every condensed memory beside the best real images of no more bytes, and beside averages of them, in continual learning.

The rival is picked by its mean final accuracy among the memories of the same strategy that were given the same budget in
bytes, or take 90 % to 100 % of the bytes; where there is none, among the largest that take fewer. Being the best of several
on the same figures favours it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.best import best_of
from harness.report.kinds import AVERAGES, REAL, REFERENCE, split_metric
from harness.report.results import Result
from harness.report.rows import comparison

FINAL, FORGETTING = "final-accuracy", "forgetting"
ALIKE = 0.9  # of the bytes: formats and labels seldom fill a budget to the last byte

Spot = tuple[Any, ...]
Row = Mapping[str, Any]


def memories(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One row a memory, strategy and rival ("real images" or "averages"): paired differences in final accuracy and forgetting.

    beats: whether accuracy is higher and forgetting lower, both distinguishable; worse: the reverse of both.
    """
    by_spot: dict[Spot, list[Result]] = {}
    forgotten: dict[tuple[Any, str], Result] = {}
    for result in results:
        strategy, metric = split_metric(result.metric)
        entry = result.entry
        if metric == FORGETTING:
            forgotten[entry, strategy] = result
        elif metric == FINAL and not entry.is_reference:
            by_spot.setdefault((entry.scenario, entry.data, entry.variant, entry.recipe, strategy), []).append(result)
    found = []
    for spot, finals in by_spot.items():
        for own in finals:
            for kind in (REAL, AVERAGES):
                rivals = [r for r in finals if r.entry.kind == kind]
                if own.entry.kind not in (REAL, REFERENCE, kind) and rivals:
                    found += _against(own, rivals, (spot[-1], kind), forgotten)
    return found


def _against(
    own: Result, rivals: Sequence[Result], named: tuple[str, str], forgotten: Mapping[tuple[Any, str], Result]
) -> list[dict[str, Any]]:
    strategy, kind = named
    fitting = within(own, rivals)
    best = best_of(fitting) if fitting else None
    accuracy = None if best is None else own.minus(best)
    if best is None or accuracy is None:
        return []
    mine, theirs = (forgotten.get((result.entry, strategy)) for result in (own, best))
    less = None if mine is None or theirs is None else mine.minus(theirs)
    label, entry = best.entry.condenser, own.entry
    apart = accuracy.distinguishable and less is not None and less.distinguishable
    return [
        {
            **entry.named(), "strategy": strategy,
            "bytes": own.nbytes, "final_accuracy": own.interval.mean,
            "rival": kind, "against": label, "against_ipc": best.entry.ipc, "against_bytes": best.nbytes,
            "against_final_accuracy": best.interval.mean, "picked_from": len(fitting),
            "accuracy": comparison(accuracy, label),
            "forgetting": None if less is None else comparison(less, label),
            "beats": apart and accuracy.mean > 0 and less is not None and less.mean < 0,
            "worse": apart and accuracy.mean < 0 and less is not None and less.mean > 0,
        }
    ]  # fmt: skip


def within(own: Result, rivals: Sequence[Result]) -> list[Result]:
    """The rivals of the same budget in bytes, or of nearly so many bytes and no more; else the largest that take fewer."""
    if own.nbytes is None:
        return []
    sized = [(r.nbytes, r) for r in rivals if r.nbytes is not None]
    least = ALIKE * own.nbytes
    near = [r for size, r in sized if least <= size <= own.nbytes or (own.entry.budget and r.entry.budget == own.entry.budget)]
    largest = max((size for size, _ in sized if size <= own.nbytes), default=None)
    return near or [r for size, r in sized if size == largest]


def best_by_strategy(rows: Sequence[Row]) -> list[Row]:
    """Of each strategy and budget the condensed memory of the highest final accuracy, beside the best real images."""
    found: dict[Spot, Row] = {}
    for row in rows:
        if row["rival"] == REAL and row["kind"] not in (AVERAGES, REAL):
            place = tuple(row[name] for name in ("scenario", "data", "variant", "recipe", "strategy"))
            spot = (*place, row["budget"] or row["ipc"])
            if spot not in found or row["final_accuracy"] > found[spot]["final_accuracy"]:
                found[spot] = row
    return list(found.values())
