"""The first question of a search: may it run on a small set instead of all data, and what is lost
by that?
"""

from collections.abc import Sequence
from math import ceil, isfinite

from harness.report.chapters.search.alignment import FOUND, TRUTH, count_retrained, is_truth
from harness.report.chapters.search.rivals import is_beaten, is_better, proxy_name, rival_names
from harness.report.place import Place, join_parts
from harness.report.results import Entry, Result, best_result
from harness.report.rows import Row, as_comparison, finite
from harness.report.wording import could_show, estimate, format_number, join_some, judge
from harness.statistics.intervals import Interval

TAU, SEARCH = "kendall-tau", "search"


def judge_proxies(results: Sequence[Result], matched: Sequence[Row]) -> list[dict[str, str]]:
    """Answer one question for each place of a search that has rank statistics or answers.

    Args:
        results: the results of the search.
        matched: proxies against baselines of equal cost, as the report's JSON has them.

    Returns:
        {"question", "answer"} of each place.
    """
    by_place: dict[Place, list[Result]] = {}
    for result in results:
        by_place.setdefault(result.entry.place.of_any_augmentation, []).append(result)
    headlines = []
    for place, own in by_place.items():
        sets = [r for r in own if not r.entry.is_reference]
        ranked = [r for r in sets if r.metric == TAU and isfinite(r.interval.mean)]
        ended = [r for r in sets if r.metric == FOUND]
        truth = next((r for r in own if r.metric == FOUND and is_truth(r.entry)), None)
        if not ranked and (truth is None or not ended):
            continue
        best = best_result(ranked or ended)
        rivals = [row for row in matched if _entry_of(row) == _key(best.entry)]
        answer = (
            f"{_verdict(best, rivals)} {_loss(best, own)}"
            if ranked or truth is None
            else _less(best, truth)
        )
        settings = join_parts(place.scenario if place.scenario != SEARCH else "", place.variant)
        where = f"all of {place.data}{f' ({settings})' if settings else ''}"
        question = f"May I search on a small set instead of {where}, and what do I lose?"
        caution = _caution(rivals, ranked or ended)
        headlines.append({"question": question, "answer": answer + caution})
    return headlines


def _less(best: Result, truth: Result) -> str:
    """What an adaptive search on the best set ends in, and how that stands to a search on all
    data.
    """
    who = (
        f"The search on {_name(best)} ends in an architecture with"
        f" {_estimate(best.interval, '%')} % test accuracy, retrained"
    )
    difference = truth.minus(best)
    if difference is None:
        return f"{who}; no seed of it was searched on all data."
    less = _estimate(difference, "points", signed=True)
    return (
        f"{who}; the search on all data ends {less} points above that"
        f" ({judge(as_comparison(difference, TRUTH), True, 'points')})."
    )


def _name(result: Result) -> str:
    return proxy_name(result.entry.as_json())


def _estimate(interval: Interval, unit: str, *, signed: bool = False) -> str:
    return estimate(
        {"mean": finite(interval.mean), "low": interval.low, "high": interval.high},
        unit,
        signed=signed,
    )


def _entry_of(row: Row) -> tuple[object, ...]:
    return Place.of(row), row["condenser"], row["ipc"], row["budget"]


def _key(entry: Entry) -> tuple[object, ...]:
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


def _loss(best: Result, results: Sequence[Result]) -> str:
    """Tau with its share of the ceiling, what retraining the top loses, and the time that it all
    takes.
    """
    interval = best.interval
    tau = _estimate(interval, "")
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
    lost_points = _estimate(regret, "points")
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


def _caution(rivals: Sequence[Row], proxies: Sequence[Result]) -> str:
    sizes = " of all sizes" if len({(r.entry.ipc, r.entry.budget) for r in proxies}) > 1 else ""
    picked = (
        f" It was picked as the best of {len(proxies)} proxies{sizes} on these figures."
        if len(proxies) > 1
        else ""
    )
    short = rival_names([row for row in rivals if row["short"]])
    return picked + (
        f" The curve of {join_some(short)} ends before that cost, so less is asked of the proxy."
        if short
        else ""
    )


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
        sentences.append(f"It pays for itself from {count} searched architectures on.")
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
