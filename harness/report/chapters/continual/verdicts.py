"""The verdict on condensed sets as replay memory, of each place and size.

Yes: a condensed memory has a higher final accuracy and less forgetting than the best real images of
its bytes, both intervals without 0. No: of every condensed memory one of the two is worse, without
0. Undecided: all else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.chapters.base import Run
from harness.report.chapters.continual.memories import FINAL, FORGETTING, find_rivals
from harness.report.overview.verdict import (
    MEMORY,
    NO,
    UNDECIDED,
    YES,
    Evidence,
    Verdict,
    making_seconds,
    quickest,
    seconds_text,
)
from harness.report.place import Place, Size
from harness.report.results import AVERAGES, CONDENSED, REAL, Result, best_result
from harness.report.wording import estimate, format_bytes, format_number, join_some, split_metric

Row = Mapping[str, Any]
Key = tuple[Place, str, Size, str]  # place, strategy, size, label


def decide_memories(rows: Sequence[Row], run: Run, scenario: str) -> list[Verdict]:
    """Give a verdict for each place and size with condensed memories and real rivals.

    Args:
        rows: every memory beside its rivals, as the report's JSON has them.
        run: all records and results.
        scenario: the scenario that the rows are of.
    """
    known = _Memories(run, scenario)
    groups: dict[tuple[Place, Size], list[Row]] = {}
    for row in rows:
        if row["kind"] == CONDENSED and row["rival"] == REAL:
            groups.setdefault((Place.of(row), Size.of(row)), []).append(row)
    order = sorted(groups, key=lambda group: group[1])
    places = list(dict.fromkeys(place for place, _ in groups))
    return [
        _decide(groups[group], rows, known)
        for group in sorted(order, key=lambda group: places.index(group[0]))
    ]


class _Memories:
    """The final accuracies and the forgetting of the memories of a scenario, by place, strategy,
    size and label.
    """

    def __init__(self, run: Run, scenario: str) -> None:
        self.run = run
        self._by_metric: dict[str, dict[Key, Result]] = {FINAL: {}, FORGETTING: {}}
        for result in run.results_of(scenario):
            strategy, metric = split_metric(result.metric)
            entry = result.entry
            if metric in self._by_metric and not entry.is_reference:
                key = entry.place, strategy, entry.size, entry.condenser
                self._by_metric[metric][key] = result

    def find(self, row: Row) -> tuple[Result, Result]:
        """Find the final accuracies of a memory and of its rival."""
        finals = self._by_metric[FINAL]
        place, strategy = Place.of(row), row["strategy"]
        own = finals[place, strategy, Size.of(row), row["condenser"]]
        rivals = [r for r in self.of_strategy(own) if r.entry.origin == row["rival"]]
        return own, best_result(find_rivals(own, rivals))

    def of_strategy(self, own: Result) -> list[Result]:
        """Return the final accuracies of all memories of one place and strategy."""
        place, metric = own.entry.place, own.metric
        finals = self._by_metric[FINAL].values()
        return [r for r in finals if (r.entry.place, r.metric) == (place, metric)]

    def alone(self, own: Result, rows: Sequence[Row]) -> list[str]:
        """Name the condensed memories of one place and size that no row compares."""
        compared = {row["condenser"] for row in rows}
        every = self._by_metric[FINAL].values()
        return list(
            dict.fromkeys(
                r.entry.condenser
                for r in every
                if r.entry.origin == CONDENSED
                and (r.entry.place, r.entry.size) == (own.entry.place, own.entry.size)
                and r.entry.condenser not in compared
            )
        )

    def is_worse(self, one: Result, other: Result) -> bool:
        """Say whether a memory is worse than another in accuracy or forgetting, interval and all,
        or cannot be compared with it.
        """
        less = one.minus(other)
        if less is None or less.high is None or less.high < 0:
            return True
        mine, theirs = (self._forgetting(result) for result in (one, other))
        more = None if mine is None or theirs is None else mine.minus(theirs)
        return more is not None and more.low is not None and more.low > 0

    def compare(self, own: Result, rival: Result) -> list[Evidence]:
        """Return the differences in final accuracy and, where it was measured, in forgetting."""
        than = f"{own.entry.condenser} less {rival.entry.condenser}"
        mine, theirs = self._forgetting(own), self._forgetting(rival)
        differences = {
            "final accuracy": (own.minus(rival), True),
            "forgetting": (mine.minus(theirs) if mine and theirs else None, False),
        }
        return [
            Evidence(name, than, difference, "points", higher)
            for name, (difference, higher) in differences.items()
            if difference is not None
        ]

    def _forgetting(self, final: Result) -> Result | None:
        entry, strategy = final.entry, split_metric(final.metric)[0]
        return self._by_metric[FORGETTING].get((entry.place, strategy, entry.size, entry.condenser))


def _decide(rows: Sequence[Row], every: Sequence[Row], known: _Memories) -> Verdict:
    won = [row for row in rows if row["beats"]]
    open_ones = [row for row in rows if not _is_lost(row)]
    answer = YES if won else UNDECIDED if open_ones else NO
    row = max(won or open_ones or rows, key=lambda one: float(one["accuracy"]["difference"]))
    own, rival = known.find(row)
    alone = known.alone(own, rows)
    return Verdict(
        job=MEMORY,
        place=own.entry.place,
        subject=own.entry.condenser,
        size=_size(own),
        answer=answer,
        finding=_find(row, answer, bool(alone)),
        evidence=known.compare(own, rival),
        over=own.over,
        nbytes=own.nbytes,
        bits=own.bits,
        seconds=making_seconds(own, known.run.results),
        use=_recommend(own, known),
        cautions=[*_cautions(rows, row), *_against_averages(row, every), *_not_compared(alone)],
    )


def _is_lost(row: Row) -> bool:
    """Whether accuracy or forgetting is worse than the rival's, interval and all."""
    accuracy, forgetting = row["accuracy"], row["forgetting"]
    lower = accuracy["high"] is not None and accuracy["high"] < 0
    more = forgetting is not None and forgetting["low"] is not None and forgetting["low"] > 0
    return bool(lower or more)


def _size(own: Result) -> str:
    entry = own.entry
    if entry.budget is not None or own.nbytes is None:
        return entry.size.heading
    return f"{entry.size}, {format_bytes(own.nbytes)} bytes"


def _not_compared(alone: Sequence[str]) -> list[str]:
    """Say which condensed sets have no rival."""
    if not alone:
        return []
    verb = "was" if len(alone) == 1 else "were"
    return [f"{join_some(alone)} {verb} not compared: no real images of so few bytes were used."]


def _find(row: Row, answer: str, is_part: bool) -> str:
    own, rival, strategy = (str(row[key]) for key in ("condenser", "against", "strategy"))
    best = f"{rival}, the best real images of its bytes"
    if answer == YES:
        return f"With {strategy}, {own} is more accurate and forgets less than {best}."
    if answer == NO:
        none = "None of the condensed sets that were compared" if is_part else "No condensed set"
        return (
            f"{none} beats the best real images of its bytes. The closest is {own} with"
            f" {strategy}, against {rival}."
        )
    if row["accuracy"]["low"] is None:
        return f"With {strategy}, {own} stands beside {best}; too few seeds for an interval."
    if row["accuracy"]["distinguishable"]:
        return (
            f"With {strategy}, {own} ends more accurate than {best}, but is not shown to forget"
            " less."
        )
    return f"With {strategy}, {own} is not distinguishable from {best}."


def _change(part: Row | None) -> str:
    return "not measured" if part is None else estimate(part, "points", "difference", signed=True)


def _recommend(own: Result, known: _Memories) -> str:
    """Name the quickest to make of the sets that are not shown to be worse than the best."""
    every = known.of_strategy(own)
    near = find_rivals(own, every) or [own]
    best = best_result(near)
    if best.interval.low is None:
        return "nothing can be recommended without intervals; run three seeds or more."
    even = [best, *(r for r in near if r is not best and not known.is_worse(r, best))]
    chosen = quickest(even, known.run.results)
    made = seconds_text(making_seconds(chosen, known.run.results))
    name, value = _name(chosen), f"{format_number(chosen.interval.mean, chosen.unit)} %"
    if len(near) == 1:
        return f"{name}: final accuracy {value}; no other set of its bytes was measured."
    if len(even) == 1:
        return (
            f"{name}: the best final accuracy, {value}; all others of its bytes are shown to be"
            f" less accurate or to forget more. It takes {made} to make."
        )
    if chosen is best:
        return (
            f"{name}: the best final accuracy, {value}, and the quickest to make ({made}) of the"
            " sets not distinguishable from it."
        )
    return (
        f"{name}: final accuracy {value}, not distinguishable from the best"
        f" ({best.entry.condenser}, {format_number(best.interval.mean, best.unit)} %), and the"
        f" quickest to make ({made})."
    )


def _name(result: Result) -> str:
    entry = result.entry
    if entry.origin == CONDENSED:
        return entry.condenser
    kind = "averages of real images" if entry.origin == AVERAGES else entry.origin
    return f"{entry.condenser} ({kind})"


def _cautions(rows: Sequence[Row], row: Row) -> list[str]:
    sentences = []
    if len(rows) > 1:
        strategies = list(dict.fromkeys(str(one["strategy"]) for one in rows))
        over = f", over {join_some(strategies)}" if len(strategies) > 1 else ""
        won = sum(one["beats"] for one in rows)
        sentences.append(
            f"It was picked on these figures as the best of {len(rows)} comparisons{over}; {won}"
            f" of them {'was' if won == 1 else 'were'} won."
        )
    if row["picked_from"] > 1:
        sentences.append(
            f"{row['against']} was picked as the best of {row['picked_from']} sets of real images"
            " on the same figures."
        )
    return sentences


def _against_averages(row: Row, every: Sequence[Row]) -> list[str]:
    """How the same memory stands to averages of real images."""
    same = ("scenario", "data", "variant", "recipe", "strategy", "condenser", "ipc", "budget")
    return [
        f"Against {one['against']} (averages of real images): final accuracy"
        f" {_change(one['accuracy'])}, forgetting {_change(one['forgetting'])} points."
        for one in every
        if one["rival"] == AVERAGES and all(one[key] == row[key] for key in same)
    ]
