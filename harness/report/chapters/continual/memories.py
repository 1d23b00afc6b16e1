"""Every condensed memory beside the best real images of no more bytes, and beside averages of them.

The rival is picked by its mean final accuracy among the memories of the same strategy that were
given the same budget in bytes, or take 90 % to 100 % of the bytes (to 105 % where both stand for as
many raw images, whose bytes files fill nearly); where there is none, among the largest that take
fewer. To be picked on the same figures favours the rival.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.place import Place
from harness.report.results import (
    AVERAGES,
    CONDENSED,
    REAL,
    REFERENCE,
    Entry,
    Result,
    best_result,
)
from harness.report.rows import FILLED, as_comparison
from harness.report.wording import estimate, format_bytes, join_words, split_metric

FINAL, FORGETTING = "final-accuracy", "forgetting"
ALIKE = 0.9  # of the bytes: formats and labels seldom fill a budget to the last byte
NAMED = 3

Row = Mapping[str, Any]


def compare_memories(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Compare every memory of averages or condensed images with its rivals.

    Returns:
        One row a memory, strategy and rival ("real images" or "averages"): paired differences in
        final accuracy and forgetting. beats: whether accuracy is higher and forgetting lower, both
        distinguishable; worse: the reverse of both.
    """
    finals: dict[tuple[Place, str], list[Result]] = {}
    forgotten: dict[tuple[Entry, str], Result] = {}
    for result in results:
        strategy, metric = split_metric(result.metric)
        entry = result.entry
        if metric == FORGETTING:
            forgotten[entry, strategy] = result
        elif metric == FINAL and not entry.is_reference:
            finals.setdefault((entry.place, strategy), []).append(result)
    rows = []
    for (_, strategy), memories in finals.items():
        for own in memories:
            for origin in (REAL, AVERAGES):
                rivals = [r for r in memories if r.entry.origin == origin]
                if own.entry.origin not in (REAL, REFERENCE, origin) and rivals:
                    rows += _compare_with_best(own, rivals, (strategy, origin), forgotten)
    return rows


def _compare_with_best(
    own: Result,
    rivals: Sequence[Result],
    named: tuple[str, str],
    forgotten: Mapping[tuple[Entry, str], Result],
) -> list[dict[str, Any]]:
    strategy, origin = named
    candidates = find_rivals(own, rivals)
    best = best_result(candidates) if candidates else None
    accuracy = None if best is None else own.minus(best)
    if best is None or accuracy is None:
        return []
    mine, theirs = (forgotten.get((result.entry, strategy)) for result in (own, best))
    less = None if mine is None or theirs is None else mine.minus(theirs)
    label, entry = best.entry.condenser, own.entry
    sure = accuracy.distinguishable and less is not None and less.distinguishable
    return [
        {
            **entry.as_json(),
            "strategy": strategy,
            "bytes": own.nbytes,
            "bits_per_class": own.bits,
            "final_accuracy": own.interval.mean,
            "rival": origin,
            "against": label,
            "against_ipc": best.entry.ipc,
            "against_bytes": best.nbytes,
            "against_bits_per_class": best.bits,
            "against_final_accuracy": best.interval.mean,
            "picked_from": len(candidates),
            "accuracy": as_comparison(accuracy, label),
            "forgetting": None if less is None else as_comparison(less, label),
            "beats": sure and accuracy.mean > 0 and less is not None and less.mean < 0,
            "worse": sure and accuracy.mean < 0 and less is not None and less.mean > 0,
        }
    ]


def find_rivals(own: Result, rivals: Sequence[Result]) -> list[Result]:
    """Find the rivals of the same budget in bytes, or of nearly so many bytes and no more (a little
    more for as many raw images); else the largest that take fewer.
    """
    if own.nbytes is None:
        return []
    sized = [(r.nbytes, r) for r in rivals if r.nbytes is not None]
    least, most = ALIKE * own.nbytes, own.nbytes / FILLED
    near = []
    for size, r in sized:
        same = (own.entry.budget, own.entry.ipc) == (r.entry.budget, r.entry.ipc)
        given = own.entry.budget and r.entry.budget == own.entry.budget
        if given or least <= size <= (most if same else own.nbytes):
            near.append(r)
    largest = max((size for size, _ in sized if size <= own.nbytes), default=None)
    return near or [r for size, r in sized if size == largest]


def best_by_strategy(rows: Sequence[Row]) -> list[Row]:
    """Choose, of each strategy and size, the condensed memory of the highest final accuracy, beside
    the best real images.
    """
    best: dict[tuple[Place, str, int | None], Row] = {}
    for row in rows:
        if row["rival"] == REAL and row["kind"] not in (AVERAGES, REAL):
            key = Place.of(row), row["strategy"], row["budget"] or row["ipc"]
            if key not in best or row["final_accuracy"] > best[key]["final_accuracy"]:
                best[key] = row
    return list(best.values())


def judge_memories(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Answer one question for each place with condensed memories and real rivals.

    Args:
        rows: the rows of `compare_memories`.

    Returns:
        {"question", "answer"} of each place.
    """
    own = [row for row in rows if row["kind"] == CONDENSED]
    places = dict.fromkeys(Place.of(row) for row in own if row["rival"] == REAL)
    return [
        {
            "question": "Does a condensed memory beat the best real images of its bytes on"
            f" {place.question()}?",
            "answer": _answer([row for row in own if Place.of(row) == place]),
        }
        for place in places
    ]


def _answer(rows: Sequence[Row]) -> str:
    real, averages = (
        [row for row in rows if row["rival"] == origin] for origin in (REAL, AVERAGES)
    )
    sentences = _count_wins(real)
    worse = sum(row["worse"] for row in real)
    if worse:
        sentences.append(
            f"In {worse} final accuracy is lower and forgetting higher, both distinguishable."
        )
    if averages:
        names = join_words(list(dict.fromkeys(str(row["against"]) for row in averages)))
        sentences.append(
            f"Against {names} (averages of real images): {sum(r['beats'] for r in averages)} of"
            f" {len(averages)}."
        )
    if len(real) > 1:
        sentences.append("The first named was picked as the best on these figures.")
    most = max(row["picked_from"] for row in real)
    if most > 1:
        sentences.append(
            f"The real images were picked from up to {most} memories on the same figures."
        )
    return " ".join(sentences)


def _count_wins(rows: Sequence[Row]) -> list[str]:
    """How many memories beat the best real images, and by how much the best of them."""
    strategies = list(dict.fromkeys(str(row["strategy"]) for row in rows))
    plural = "s" if len(rows) > 1 else ""
    tried = f"{len(rows)} comparison{plural} (strategy {join_words(strategies)})"
    if len(strategies) > 1:
        tried = f"{len(rows)} comparisons over {len(strategies)} strategies"
    won = sorted((row for row in rows if row["beats"]), key=_gain, reverse=True)
    if not won:
        return [
            f"In none of {tried} is final accuracy higher and forgetting lower, both"
            " distinguishable.",
            f"The largest difference in final accuracy: {_describe(max(rows, key=_gain))}.",
        ]
    more = f"; and {len(won) - NAMED} more" if len(won) > NAMED else ""
    return [
        f"In {len(won)} of {tried} final accuracy is higher and forgetting lower, both"
        " distinguishable:",
        f"{'; '.join(map(_describe, won[:NAMED]))}{more}.",
    ]


def _gain(row: Row) -> float:
    return float(row["accuracy"]["difference"])


def _describe(row: Row) -> str:
    size = f"{format_bytes(row['bytes'])} bytes"
    accuracy = estimate(row["accuracy"], "points", "difference", signed=True)
    less = row["forgetting"]
    forgotten = (
        f", forgetting {estimate(less, 'points', 'difference', signed=True)}" if less else ""
    )
    rival = f"{row['against']} ({format_bytes(row['against_bytes'])} bytes)"
    return (
        f"{row['condenser']} with {row['strategy']}, {size}, against {rival}: accuracy"
        f" {accuracy}{forgotten} points"
    )
