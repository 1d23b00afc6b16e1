"""The verdict on sets as proxy data, of each search.

Yes: the best proxy ranks better than chance and than every baseline of equal cost, all intervals
without 0; of a search that ranks nothing, its answer is better than that of a search on all data.
No: a baseline of equal cost ranks better than each proxy, or the proxy ranks against the truth; of
such a search, its answer is worse. Undecided: all else.
"""

from collections.abc import Sequence
from typing import NamedTuple

from harness.report.chapters.base import Run
from harness.report.chapters.search.alignment import is_truth
from harness.report.chapters.search.answers import (
    TAU,
    BestProxy,
    caution_proxies,
    describe_loss,
    entry_of_row,
    estimate_interval,
    find_best_proxies,
    key_of,
)
from harness.report.chapters.search.rivals import (
    is_beaten,
    is_better,
    proxy_name,
    rival_name,
    rival_names,
)
from harness.report.overview.verdict import (
    NO,
    PROXY,
    UNDECIDED,
    YES,
    Evidence,
    Verdict,
    making_seconds,
    quickest,
    seconds_text,
)
from harness.report.place import capitalise
from harness.report.results import Result, best_result
from harness.report.rows import Row, finite
from harness.report.wording import format_bytes, format_number, join_some
from harness.statistics.intervals import Interval


class _Decision(NamedTuple):
    answer: str
    finding: str
    evidence: Sequence[Evidence]
    use: str


def decide_proxies(results: Sequence[Result], matched: Sequence[Row], run: Run) -> list[Verdict]:
    """Give a verdict for each place of a search that has rank statistics or answers.

    Args:
        results: the results of the search.
        matched: proxies against baselines of equal cost, as the report's JSON has them.
        run: all records and results.
    """
    return [_decide(found, matched, run) for found in find_best_proxies(results, matched)]


def _decide(found: BestProxy, matched: Sequence[Row], run: Run) -> Verdict:
    best = found.best
    if found.truth is None:
        decision = _by_rank(found, matched, run)
    else:
        decision = _by_answer(found, found.truth)
    entry = best.entry
    size = entry.size.heading
    if entry.budget is None and best.nbytes is not None:
        size = f"{size}, {format_bytes(best.nbytes)} bytes"
    return Verdict(
        job=PROXY,
        place=found.place,
        subject=entry.condenser,
        size=size,
        answer=decision.answer,
        finding=decision.finding,
        evidence=decision.evidence,
        over="architectures" if best.draws is not None else best.over,
        nbytes=best.nbytes,
        bits=best.bits,
        seconds=making_seconds(best, run.results),
        use=decision.use,
        loss=describe_loss(best, found.results) if found.truth is None else "",
        cautions=caution_proxies(found.rivals, found.proxies),
    )


def _by_answer(found: BestProxy, truth: Result) -> _Decision:
    """Decide by the accuracy of what a search on the set ends in, less that of one on all data."""
    best, who = found.best, _name(found.best)
    difference = best.minus(truth)
    if difference is None:
        difference = Interval(float("nan"), None, None, 0, "nothing shared")
    answer, word = UNDECIDED, "is not distinguishable from that of a search on all data"
    if difference.distinguishable:
        answer, word = (YES, "is better") if difference.mean > 0 else (NO, "is worse")
        word += " than that of a search on all data"
    return _Decision(
        answer,
        f"What the search on {who} ends in {word}:"
        f" {estimate_interval(difference, 'points', signed=True)} points of test accuracy.",
        [Evidence("accuracy of the answer", f"{who} less all data", difference, "points")],
        "all data: the search on it ends in a better architecture."
        if answer == NO
        else f"{who}, if what it could miss is small enough for you.",
    )


def _by_rank(found: BestProxy, matched: Sequence[Row], run: Run) -> _Decision:
    best, who = found.best, _name(found.best)
    better = [row for row in found.rivals if is_better(row)]
    even = [row for row in found.rivals if not is_better(row) and not is_beaten(row)]
    low = best.interval.low
    if better:
        answer = NO if _all_lose(found.proxies, matched) else UNDECIDED
        names = capitalise(join_some(rival_names(better)))
        verb = "ranks" if len(rival_names(better)) == 1 else "rank"
        return _against(
            max(better, key=_their_tau),
            found,
            answer,
            f"{names} {verb} architectures better than {who}, the best small set.",
            _use_baseline(better),
        )
    if low is None or low <= 0:
        wrong = best.interval.high is not None and best.interval.high < 0
        chance = "ranks architectures in the wrong order"
        if not wrong:
            chance = "does not rank architectures better than chance, as far as this run could see"
        if low is None:
            chance = "has no interval, so it is not known whether it ranks better than chance"
        return _alone(found, NO if wrong else UNDECIDED, f"{who} {chance}.", _fall_back(found))
    if not found.rivals:
        finding = f"{who} ranks better than chance; no baseline of equal cost was measured."
        return _alone(found, UNDECIDED, finding, _use_set(found, run))
    if even:
        finding = (
            f"{who} ranks better than chance, but is not distinguishable from"
            f" {join_some(rival_names(even))}."
        )
        use = _use_even(even, found, run)
        return _against(max(even, key=_their_tau), found, UNDECIDED, finding, use)
    finding = f"{who} ranks architectures better than every baseline of equal cost."
    return _against(max(found.rivals, key=_their_tau), found, YES, finding, _use_set(found, run))


def _name(result: Result) -> str:
    return proxy_name(result.entry.as_json())


def _their_tau(row: Row) -> float:
    return -2.0 if row["against_tau"] is None else float(row["against_tau"])


def _all_lose(proxies: Sequence[Result], matched: Sequence[Row]) -> bool:
    """Whether each proxy ranks worse than some baseline of equal cost, interval and all."""
    lost = {entry_of_row(row) for row in matched if is_better(row)}
    return all(key_of(proxy.entry) in lost for proxy in proxies)


def _against(row: Row, found: BestProxy, answer: str, finding: str, use: str) -> _Decision:
    """Decide by the difference to one baseline."""
    difference = Interval(
        float("nan") if row["difference"] is None else row["difference"],
        row["low"],
        row["high"],
        found.best.interval.n,
        found.best.interval.method,
        detectable=row["detectable"],
    )
    than = f"{_name(found.best)} less {rival_name(row)}"
    evidence = [Evidence("Kendall tau", than, difference, ""), _own_tau(found)]
    return _Decision(answer, finding, evidence, use)


def _alone(found: BestProxy, answer: str, finding: str, use: str) -> _Decision:
    """Decide by Kendall's tau itself, which is 0 for chance."""
    return _Decision(answer, finding, [_own_tau(found)], use)


def _own_tau(found: BestProxy) -> Evidence:
    return Evidence("Kendall tau", f"{_name(found.best)} (0 is chance)", found.best.interval, "")


def _use_baseline(rows: Sequence[Row]) -> str:
    row = max(rows, key=_their_tau)
    return f"{rival_name(row)}: tau {format_number(row['against_tau'], '')}, and no set to make."


def _use_even(even: Sequence[Row], found: BestProxy, run: Run) -> str:
    """A baseline that is even needs no set, if it is shown to rank better than chance itself."""
    sure = {name for name, result in _baselines(found).items() if (result.interval.low or 0) > 0}
    known = [row for row in even if row["against"] in sure]
    if not known:
        return _use_set(found, run)
    row = max(known, key=_their_tau)
    return (
        f"{rival_name(row)}: tau {format_number(row['against_tau'], '')}, not distinguishable, and"
        " no set to make."
    )


def _use_set(found: BestProxy, run: Run) -> str:
    """Of the proxies that are not shown to be worse than the best, the one that is quickest to
    make.
    """
    best = found.best
    even = [best]
    for other in found.proxies:
        less = None if other is best else other.minus(best)
        if less is not None and less.high is not None and less.high >= 0:
            even.append(other)
    sure = [result for result in even if (result.interval.low or 0) > 0] or [best]
    chosen = quickest(sure, run.results)
    made = seconds_text(making_seconds(chosen, run.results))
    tau = format_number(chosen.interval.mean, "")
    if chosen is best:
        return f"{_name(chosen)}: tau {tau}, {made} to make."
    return (
        f"{_name(chosen)}: tau {tau}, not distinguishable from the best ({_name(best)},"
        f" {format_number(best.interval.mean, '')}), and the quickest to make ({made})."
    )


def _fall_back(found: BestProxy) -> str:
    """What to use where no proxy is shown to rank: a baseline that is, else all data."""
    sure = [r for r in _baselines(found).values() if (r.interval.low or 0) > 0]
    if not sure:
        return "all data: nothing here is shown to rank architectures better than chance."
    best = best_result(sure)
    tau = estimate_interval(best.interval, "")
    return f"{best.entry.condenser}, which does rank better than chance (tau {tau})."


def _baselines(found: BestProxy) -> dict[str, Result]:
    """The Kendall tau of each baseline, with its whole cost."""
    return {
        r.entry.condenser: r
        for r in found.results
        if r.metric == TAU
        and r.entry.is_reference
        and not is_truth(r.entry)
        and finite(r.interval.mean) is not None
    }
