"""Every condensed memory beside the best real images of no more bytes, and beside averages of them,
in continual learning.

The rival is picked by its mean final accuracy among the memories of the same strategy that were
given the same budget in bytes, or take 90 % to 100 % of the bytes; where there is none, among the
largest that take fewer. Being the best of several on the same figures favours it.

Whether condensed memories beat real images in continual learning, in words.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.origin import AVERAGES, CONDENSED, REAL, REFERENCE, split_metric
from harness.report.results import Result, best_of
from harness.report.rows import comparison
from harness.report.wording import estimate, listed, sizes

FINAL, FORGETTING = "final-accuracy", "forgetting"
ALIKE = 0.9  # of the bytes: formats and labels seldom fill a budget to the last byte

Spot = tuple[Any, ...]
Row = Mapping[str, Any]


def memories(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One row a memory, strategy and rival ("real images" or "averages"): paired differences in
    final accuracy and forgetting.

    beats: whether accuracy is higher and forgetting lower, both distinguishable; worse: the reverse
    of both.
    """
    by_spot: dict[Spot, list[Result]] = {}
    forgotten: dict[tuple[Any, str], Result] = {}
    for result in results:
        strategy, metric = split_metric(result.metric)
        entry = result.entry
        if metric == FORGETTING:
            forgotten[entry, strategy] = result
        elif metric == FINAL and not entry.is_reference:
            by_spot.setdefault(
                (entry.scenario, entry.data, entry.variant, entry.recipe, strategy), []
            ).append(result)
    found = []
    for spot, finals in by_spot.items():
        for own in finals:
            for kind in (REAL, AVERAGES):
                rivals = [r for r in finals if r.entry.kind == kind]
                if own.entry.kind not in (REAL, REFERENCE, kind) and rivals:
                    found += _against(own, rivals, (spot[-1], kind), forgotten)
    return found


def _against(
    own: Result,
    rivals: Sequence[Result],
    named: tuple[str, str],
    forgotten: Mapping[tuple[Any, str], Result],
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
            **entry.named(),
            "strategy": strategy,
            "bytes": own.nbytes,
            "final_accuracy": own.interval.mean,
            "rival": kind,
            "against": label,
            "against_ipc": best.entry.ipc,
            "against_bytes": best.nbytes,
            "against_final_accuracy": best.interval.mean,
            "picked_from": len(fitting),
            "accuracy": comparison(accuracy, label),
            "forgetting": None if less is None else comparison(less, label),
            "beats": apart and accuracy.mean > 0 and less is not None and less.mean < 0,
            "worse": apart and accuracy.mean < 0 and less is not None and less.mean > 0,
        }
    ]


def within(own: Result, rivals: Sequence[Result]) -> list[Result]:
    """The rivals of the same budget in bytes, or of nearly so many bytes and no more; else the
    largest that take fewer.
    """
    if own.nbytes is None:
        return []
    sized = [(r.nbytes, r) for r in rivals if r.nbytes is not None]
    least = ALIKE * own.nbytes
    near = [
        r
        for size, r in sized
        if least <= size <= own.nbytes or (own.entry.budget and r.entry.budget == own.entry.budget)
    ]
    largest = max((size for size, _ in sized if size <= own.nbytes), default=None)
    return near or [r for size, r in sized if size == largest]


def best_by_strategy(rows: Sequence[Row]) -> list[Row]:
    """Of each strategy and budget the condensed memory of the highest final accuracy, beside the
    best real images.
    """
    found: dict[Spot, Row] = {}
    for row in rows:
        if row["rival"] == REAL and row["kind"] not in (AVERAGES, REAL):
            place = tuple(
                row[name] for name in ("scenario", "data", "variant", "recipe", "strategy")
            )
            spot = (*place, row["budget"] or row["ipc"])
            if spot not in found or row["final_accuracy"] > found[spot]["final_accuracy"]:
                found[spot] = row
    return list(found.values())


NAMED = 3


def compared_memories(rows: Sequence[Row]) -> list[dict[str, str]]:
    """One {"question", "answer"} for each scenario, data set, variant and recipe with condensed
    memories and real rivals.
    """
    own = [row for row in rows if row["kind"] == CONDENSED]
    places = dict.fromkeys(
        (row["scenario"], row["data"], row["variant"], row["recipe"])
        for row in own
        if row["rival"] == REAL
    )
    found = []
    for place in places:
        here = [
            row
            for row in own
            if (row["scenario"], row["data"], row["variant"], row["recipe"]) == place
        ]
        scenario, data, variant, recipe = place
        where = ", ".join(
            part for part in (data, variant, f"augmentation {recipe}" if recipe else "") if part
        )
        question = (
            f"Does a condensed memory beat the best real images of its bytes on {where}"
            f" ({scenario})?"
        )
        found.append({"question": question, "answer": _answer(here)})
    return found


def _answer(rows: Sequence[Row]) -> str:
    real, averages = ([row for row in rows if row["rival"] == kind] for kind in (REAL, AVERAGES))
    strategies = list(dict.fromkeys(str(row["strategy"]) for row in real))
    tried = f"{len(real)} comparison{'s' if len(real) > 1 else ''} (strategy {listed(strategies)})"
    if len(strategies) > 1:
        tried = f"{len(real)} comparisons over {len(strategies)} strategies"
    won = sorted((row for row in real if row["beats"]), key=_gain, reverse=True)
    if won:
        said = [
            f"In {len(won)} of {tried} final accuracy is higher and forgetting lower, both"
            " distinguishable:"
        ]
        said.append(
            f"{'; '.join(map(_told, won[:NAMED]))}"
            f"{f'; and {len(won) - NAMED} more' if len(won) > NAMED else ''}."
        )
    else:
        said = [
            f"No: in none of {tried} is final accuracy higher and forgetting lower, both"
            " distinguishable."
        ]
        said.append(f"The largest difference in final accuracy: {_told(max(real, key=_gain))}.")
    worse = sum(row["worse"] for row in real)
    said += [f"In {worse} it is the other way round."] if worse else []
    if averages:
        named = listed(list(dict.fromkeys(str(row["against"]) for row in averages)))
        said.append(
            f"Against {named} (averages of real images): {sum(r['beats'] for r in averages)} of"
            f" {len(averages)}."
        )
    most = max(row["picked_from"] for row in real)
    said.append("The first named is the best of all on these figures." if len(real) > 1 else "")
    said.append(
        f"The real images were picked from up to {most} memories on the same figures."
        if most > 1
        else ""
    )
    return " ".join(part for part in said if part)


def _gain(row: Row) -> float:
    return float(row["accuracy"]["difference"])


def _told(row: Row) -> str:
    size = f"{sizes(row['bytes'])} bytes"
    accuracy = estimate(row["accuracy"], "points", "difference", signed=True)
    less = row["forgetting"]
    forgotten = (
        f", forgetting {estimate(less, 'points', 'difference', signed=True)}" if less else ""
    )
    rival = f"{row['against']} ({sizes(row['against_bytes'])} bytes)"
    return (
        f"{row['condenser']} with {row['strategy']}, {size}, against {rival}: accuracy"
        f" {accuracy}{forgotten} points"
    )
