"""The first question of a search: may it run on a small set instead of all data, and what is lost
by that?
"""

from collections.abc import Sequence
from math import ceil, isfinite
from typing import NamedTuple

from harness.report.chapters.search.alignment import FOUND, TRUTH, count_retrained, is_truth
from harness.report.chapters.search.rivals import is_beaten, is_better, proxy_name, rival_names
from harness.report.place import Place, join_parts
from harness.report.results import Entry, Result, best_result
from harness.report.rows import Row, as_comparison, finite
from harness.report.wording import could_show, estimate, format_number, join_some, judge
from harness.statistics.intervals import Interval

TAU, SEARCH = "kendall-tau", "search"


class BestProxy(NamedTuple):
    """The best proxy of one place of a search, and what it is judged by.

    Args:
        place: the place, of any augmentation.
        best: its Kendall tau, or the accuracy of its answer where nothing was ranked.
        proxies: the same of all proxies.
        results: all results of the place.
        rivals: baselines of equal cost that it is compared with.
        truth: the accuracy of the answer of a search on all data; None where proxies are ranked.
    """

    place: Place
    best: Result
    proxies: Sequence[Result]
    results: Sequence[Result]
    rivals: Sequence[Row]
    truth: Result | None


def judge_proxies(results: Sequence[Result], matched: Sequence[Row]) -> list[dict[str, str]]:
    """Answer one question for each place of a search that has rank statistics or answers.

    Args:
        results: the results of the search.
        matched: proxies against baselines of equal cost, as the report's JSON has them.

    Returns:
        {"question", "answer"} of each place.
    """
    headlines = []
    for found in find_best_proxies(results, matched):
        answer = (
            f"{_verdict(found.best, found.rivals)} {describe_loss(found.best, found.results)}"
            if found.truth is None
            else _less(found.best, found.truth)
        )
        place = found.place
        settings = join_parts(place.scenario if place.scenario != SEARCH else "", place.variant)
        where = f"all of {place.data}{f' ({settings})' if settings else ''}"
        question = f"May I search on a small set instead of {where}, and what do I lose?"
        sentences = [answer, *caution_proxies(found.rivals, found.proxies)]
        headlines.append({"question": question, "answer": " ".join(sentences)})
    return headlines


def find_best_proxies(results: Sequence[Result], matched: Sequence[Row]) -> list[BestProxy]:
    """Find the best proxy of each place of a search that has rank statistics or answers.

    Args:
        results: the results of the search.
        matched: proxies against baselines of equal cost, as the report's JSON has them.
    """
    by_place: dict[Place, list[Result]] = {}
    for result in results:
        by_place.setdefault(result.entry.place.of_any_augmentation, []).append(result)
    found = []
    for place, own in by_place.items():
        sets = [r for r in own if not r.entry.is_reference]
        ranked = [r for r in sets if r.metric == TAU and isfinite(r.interval.mean)]
        ended = [r for r in sets if r.metric == FOUND]
        truth = next((r for r in own if r.metric == FOUND and is_truth(r.entry)), None)
        if ranked or (truth is not None and ended):
            best = best_result(ranked or ended)
            rivals = [row for row in matched if entry_of_row(row) == key_of(best.entry)]
            answered = None if ranked else truth
            found.append(BestProxy(place, best, ranked or ended, own, rivals, answered))
    return found


def _less(best: Result, truth: Result) -> str:
    """What an adaptive search on the best set ends in, and how that stands to a search on all
    data.
    """
    who = (
        f"The search on {_name(best)} ends in an architecture with"
        f" {estimate_interval(best.interval, '%')} % test accuracy, retrained"
    )
    difference = truth.minus(best)
    if difference is None:
        return f"{who}; no seed of it was searched on all data."
    less = estimate_interval(difference, "points", signed=True)
    return (
        f"{who}; the search on all data ends {less} points above that"
        f" ({judge(as_comparison(difference, TRUTH), True, 'points')})."
    )


def _name(result: Result) -> str:
    return proxy_name(result.entry.as_json())


def estimate_interval(interval: Interval, unit: str, *, signed: bool = False) -> str:
    return estimate(
        {"mean": finite(interval.mean), "low": interval.low, "high": interval.high},
        unit,
        signed=signed,
    )


def entry_of_row(row: Row) -> tuple[object, ...]:
    return Place.of(row), row["condenser"], row["ipc"], row["budget"]


def key_of(entry: Entry) -> tuple[object, ...]:
    return entry.place, entry.condenser, entry.ipc, entry.budget


def _verdict(best: Result, rivals: Sequence[Row]) -> str:
    """Yes only where the best proxy's tau lies above every baseline's, interval and all."""
    who = _name(best)
    if best.interval.low is None:
        return f"Not known: the best proxy, {who}, has no interval ({best.interval.method})."
    better = rival_names([row for row in rivals if is_better(row)])
    if best.interval.low <= 0:
        than = (
            f", and {join_some(better)} rank{'s' if len(better) == 1 else ''} better"
            if better
            else ""
        )
        return (
            f"Not shown: the best proxy, {who}, does not rank better than chance (its 95 % interval"
            f" includes 0{_could_show(best)}){than}."
        )
    if not rivals:
        return (
            f"The best proxy, {who}, ranks better than chance, but no baseline of equal cost was"
            " measured."
        )
    alike = [row for row in rivals if not is_better(row) and not is_beaten(row)]
    even = rival_names(alike)
    if not better and not even:
        return f"Yes: {who} beats every baseline of equal cost."
    reasons = [f"better rank: {join_some(better)}"] if better else []
    shown = could_show(alike, "")
    reasons += (
        [f"not distinguishable: {join_some(even)}{f'; {shown}' if shown else ''}"] if even else []
    )
    return f"It works, but {who} does not beat every baseline of equal cost ({'; '.join(reasons)})."


def _could_show(best: Result) -> str:
    shown = finite(best.interval.detectable)
    return (
        "" if shown is None else f"; a tau from {format_number(shown, '')} on would have been shown"
    )


def describe_loss(best: Result, results: Sequence[Result]) -> str:
    """Write tau with its share of the ceiling, what retraining the top loses, and the time of it
    all.
    """
    interval = best.interval
    tau = estimate_interval(interval, "")
    ceiling = next(
        (r.interval.mean for r in results if r.metric == TAU and is_truth(r.entry)), None
    )
    share = (
        f" ({100 * interval.mean / ceiling:.0f} % of what two seeds of the truth reach)"
        if ceiling and ceiling > 0
        else ""
    )
    k = count_retrained(interval.n)
    own = {r.metric: r.interval for r in results if r.entry == best.entry}
    regret = own.get(f"regret@{k}")
    if regret is None:
        return f"Its Kendall tau is {tau}{share}."
    lost_points = estimate_interval(regret, "points")
    chosen = (
        f"retraining its first {k} architectures and choosing by validation"
        if k > 1
        else "taking its first architecture"
    )
    return (
        f"Its Kendall tau is {tau}{share}; {chosen} loses {lost_points} points of test"
        f" accuracy{_time(best, results, k)}."
    )


def _time(best: Result, results: Sequence[Result], k: int) -> str:
    means = {(r.entry, r.metric): r.interval.mean for r in results}
    truth = next(
        (m for (e, name), m in means.items() if name == "search-seconds" and is_truth(e)), None
    )
    own = means.get((best.entry, "search-seconds"))
    if not truth or own is None:
        return ""
    spent = own + means.get((best.entry, "condensation-seconds"), 0.0) + k * truth / best.interval.n
    return f", in {100 * spent / truth:.0f} % of the time, condensation and retraining included"


def caution_proxies(rivals: Sequence[Row], proxies: Sequence[Result]) -> list[str]:
    """Say that the best of several was picked on its own figures, and which baselines were read
    short of its cost.
    """
    sizes = " of all sizes" if len({(r.entry.ipc, r.entry.budget) for r in proxies}) > 1 else ""
    sentences = []
    if len(proxies) > 1:
        sentences.append(
            f"It was picked as the best of {len(proxies)} proxies{sizes} on these figures."
        )
    short = rival_names([row for row in rivals if row["short"]])
    if short:
        sentences.append(
            f"The curve of {join_some(short)} ends before that cost, so less is asked of the proxy."
        )
    return sentences


def qualify_tau(best: Result, results: Sequence[Result]) -> list[str]:
    """Write what keeps a Kendall tau from being read alone: chance, cost and noise ceiling.

    Args:
        best: the leading tau.
        results: all results of the search.
    """
    sentences = []
    if best.interval.low is not None and not best.interval.distinguishable:
        sentences.append(
            "Its interval includes 0, so it is not shown to rank better than"
            f" chance{_could_show(best)}."
        )
    place = best.entry.place.of_any_augmentation
    beside = [r for r in results if r.entry.place.of_any_augmentation == place]
    ceiling = next((r for r in beside if r.metric == best.metric and is_truth(r.entry)), None)
    own = next(
        (r for r in results if r.entry == best.entry and r.metric == "break-even-architectures"),
        None,
    )
    if own is not None and isfinite(own.interval.mean):
        count = ceil(max(own.interval.mean, 1))
        many = "one searched architecture" if count == 1 else f"{count} searched architectures"
        sentences.append(f"It pays for itself from {many} on.")
    elif own is not None:
        sentences.append(
            "It never pays for itself: training on it takes as long as on the real data."
        )
    if ceiling is not None:
        sentences.append(
            "Two seeds of the truth itself agree with tau"
            f" {format_number(ceiling.interval.mean, '')}."
        )
    return sentences
