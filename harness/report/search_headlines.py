"""The first question of a search: may it run on a small set instead of all data, and what is lost by that?"""

from collections.abc import Sequence
from math import isfinite

from harness.report.best import best_of
from harness.report.results import Entry, Result
from harness.report.rows import Row, comparison, number
from harness.report.search_lineup import FOUND, TRUTH, is_truth, retrained
from harness.report.search_wording import beaten, lost, proxy_name, rival_names
from harness.report.wording import estimate, some, verdict
from harness.statistics import Interval

TAU, SEARCH = "kendall-tau", "search"


def search_headlines(results: Sequence[Result], matched: Sequence[Row]) -> list[dict[str, str]]:
    """One {"question", "answer"} for each search that has rank statistics; matched: the rows of `equal_cost`."""
    places: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        places.setdefault((result.entry.scenario, result.entry.data, result.entry.variant), []).append(result)
    found = []
    for (scenario, data, variant), own in places.items():
        ranked = [r for r in own if r.metric == TAU and not r.entry.is_reference and isfinite(r.interval.mean)]
        ended = [r for r in own if r.metric == FOUND and not r.entry.is_reference]
        truth = next((r for r in own if r.metric == FOUND and is_truth(r.entry)), None)
        if not ranked and (truth is None or not ended):
            continue
        best = best_of(ranked or ended)
        rivals = [row for row in matched if _entry_of(row) == _key(best.entry)]
        apart = ", ".join(part for part in (scenario if scenario != SEARCH else "", variant) if part)
        where = f"on a small set instead of all of {data}{f' ({apart})' if apart else ''}"
        answer = f"{_verdict(best, rivals)} {_loss(best, own)}" if ranked or truth is None else _less(best, truth)
        caution = _caution(rivals, ranked or ended)
        found.append({"question": f"May I search {where}, and what do I lose?", "answer": answer + caution})
    return found


def _less(best: Result, truth: Result) -> str:
    """What an adaptive search on the best set ends in, and how that stands to a search on all data."""
    who = f"The search on {_named(best)} ends in an architecture with {_shown(best.interval, '%')} % test accuracy, retrained"
    difference = truth.minus(best)
    if difference is None:
        return f"{who}; no seed of it was searched on all data."
    less = _shown(difference, "points", signed=True)
    return f"{who}; the search on all data ends {less} points above that ({verdict(comparison(difference, TRUTH), True)})."


def _named(result: Result) -> str:
    return proxy_name({"condenser": result.entry.condenser, "ipc": result.entry.ipc, "budget": result.entry.budget})


def _shown(found: Interval, unit: str, *, signed: bool = False) -> str:
    return estimate({"mean": number(found.mean), "low": found.low, "high": found.high}, unit, signed=signed)


def _entry_of(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("scenario", "data", "variant", "recipe", "condenser", "ipc", "budget"))


def _key(entry: Entry) -> tuple[object, ...]:
    return (entry.scenario, entry.data, entry.variant, entry.recipe, entry.condenser, entry.ipc, entry.budget)


def _verdict(best: Result, rivals: Sequence[Row]) -> str:
    """Yes only where the best proxy's tau lies above every baseline's, interval and all."""
    who = _named(best)
    if best.interval.low is None:
        return f"Not known: the best proxy, {who}, has no interval ({best.interval.method})."
    better = rival_names([row for row in rivals if lost(row)])
    if best.interval.low <= 0:
        than = f", and {some(better)} rank{'s' if len(better) == 1 else ''} better" if better else ""
        return f"Not shown: for the best proxy, {who}, an order by chance is not excluded{than}."
    if not rivals:
        return f"The best proxy, {who}, ranks better than chance, but no baseline of equal cost was measured."
    even = rival_names([row for row in rivals if not lost(row) and not beaten(row)])
    if not better and not even:
        return f"Yes: {who} beats every baseline of equal cost."
    said = [f"better rank: {some(better)}"] if better else []
    said += [f"not distinguishable: {some(even)}"] if even else []
    return f"It works, but {who} does not beat every baseline of equal cost ({'; '.join(said)})."


def _loss(best: Result, results: Sequence[Result]) -> str:
    """Tau with its share of the ceiling, what retraining the top loses, and the time that it all takes."""
    found = best.interval
    tau = _shown(found, "")
    ceiling = next((r.interval.mean for r in results if r.metric == TAU and is_truth(r.entry)), None)
    share = f" ({100 * found.mean / ceiling:.0f} % of what two seeds of the truth reach)" if ceiling and ceiling > 0 else ""
    k = retrained(found.n)
    own = {r.metric: r.interval for r in results if r.entry == best.entry}
    regret = own.get(f"regret@{k}")
    if regret is None:
        return f"Its Kendall tau is {tau}{share}."
    lost_points = _shown(regret, "points")
    chosen = f"retraining its first {k} architectures and choosing by validation" if k > 1 else "taking its first architecture"
    return f"Its Kendall tau is {tau}{share}; {chosen} loses {lost_points} points of test accuracy{_time(best, results, k)}."


def _time(best: Result, results: Sequence[Result], k: int) -> str:
    means = {(r.entry, r.metric): r.interval.mean for r in results}
    truth = next((m for (e, name), m in means.items() if name == "search-seconds" and is_truth(e)), None)
    own = means.get((best.entry, "search-seconds"))
    if not truth or own is None:
        return ""
    spent = own + means.get((best.entry, "condensation-seconds"), 0.0) + k * truth / best.interval.n
    return f", in {100 * spent / truth:.0f} % of the time, condensation and retraining included"


def _caution(rivals: Sequence[Row], proxies: Sequence[Result]) -> str:
    sizes = " of all sizes" if len({(r.entry.ipc, r.entry.budget) for r in proxies}) > 1 else ""
    said = f" It was picked as the best of {len(proxies)} proxies{sizes} on these figures." if len(proxies) > 1 else ""
    short = rival_names([row for row in rivals if row["short"]])
    return said + (f" The curve of {some(short)} ends before that cost, so less is asked of the proxy." if short else "")
