"""Proxies against baselines of equal cost, in words: who ranks better than whom, and how sure that
is.

The first question of a search: may it run on a small set instead of all data, and what is lost by
that?

What a report on a search says besides its rows: what was left out, what stands in for what, and
what failed.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from harness.report.chapters.search.alignment import (
    FOUND,
    TOP_FROM,
    TRUTH,
    Searched,
    is_truth,
    retrained,
    true_values,
)
from harness.report.origin import REFERENCE
from harness.report.results import Entry, Record, Result, best_of
from harness.report.rows import Row as ResultRow
from harness.report.rows import Searches, comparison, number
from harness.report.wording import estimate, figure, listed, some, verdict
from harness.statistics.intervals import Interval
from harness.statistics.rank_bootstrap import ARCHITECTURES_FROM

Row = Mapping[str, Any]
OWN = "own cost"
SPOKEN = {
    "parameters": "the number of parameters",
    "flops": "the number of FLOPs",
    "early-stopping": "early stopping",
    "subset": "a subset of the images",
}


def proxy_name(row: Row) -> str:
    """A set as a sentence names it."""
    if row["budget"]:
        return f"{row['condenser']} ({row['budget']:,} bytes)"
    return f"{row['condenser']} (ipc {row['ipc']})" if row["ipc"] else str(row["condenser"])


def rival_name(row: Row) -> str:
    """A baseline with what is equal, where that is not its own cost."""
    return _spoken(row) if row["at"] == OWN else f"{_spoken(row)} at {row['at']}"


def _spoken(row: Row) -> str:
    return SPOKEN.get(row["against"], str(row["against"]))


def rival_names(rows: Sequence[Row]) -> list[str]:
    """Each baseline once, with all that is equal."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(_spoken(row), []).extend(
            [row["at"]] if row["at"] not in (OWN, *found.get(_spoken(row), ())) else []
        )
    return [f"{name} (at {'; at '.join(at)})" if at else name for name, at in found.items()]


def beaten(row: Row) -> bool:
    """Whether the whole interval of the difference lies above 0."""
    return row["low"] is not None and row["low"] > 0


def lost(row: Row) -> bool:
    """Whether the whole interval of the difference lies below 0."""
    return row["high"] is not None and row["high"] < 0


def by_proxy(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each proxy, in their order."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault((row["condenser"], row["ipc"], row["budget"], row["recipe"]), []).append(
            row
        )
    return list(found.values())


def winners(rows: Sequence[Row]) -> list[str]:
    """Which baselines rank better than every proxy of one size, and than how many of all; plain
    where none does.

    "Ranks better" is said only where the whole interval of the difference lies below 0.
    """
    known = [
        row for row in rows if row["against_kind"] == REFERENCE and row["difference"] is not None
    ]
    found, said = [], set()
    for size in dict.fromkeys(_size(row) for row in known):
        own = _by_rival([row for row in known if _size(row) == size])
        sure = {name: each for name, each in own.items() if all(map(lost, each))}
        above = [
            name
            for name, each in own.items()
            if name not in sure and all(row["difference"] < 0 for row in each)
        ]
        found += [_over_all(name, size, each) for name, each in sure.items()]
        found += (
            [
                f"Above every proxy of {size} in tau, but not distinguishable from all:"
                f" {listed(above)}."
            ]
            if above
            else []
        )
        said |= set(sure)
    if known and not found:
        found.append("No baseline of equal cost has a higher tau than every proxy of some size.")
    worse = {
        name: (sum(map(lost, each)), len(each))
        for name, each in _by_rival(known).items()
        if name not in said
    }
    counts = [f"{name} ({count} of {of})" for name, (count, of) in worse.items() if count]
    return found + (
        [f"Baselines that rank better than single proxies: {listed(counts)}."] if counts else []
    )


def _by_rival(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(rival_name(row), []).append(row)
    return found


def _size(row: Row) -> str:
    return f"{row['budget']:,} bytes" if row["budget"] else f"ipc {row['ipc'] or '?'}"


def _over_all(name: str, size: str, rows: Sequence[Row]) -> str:
    best = max(rows, key=lambda row: float(row["tau"]["mean"]))
    figures = (
        f"tau {figure(best['against_tau'], '')} against {figure(best['tau']['mean'], '')} of"
        f" {best['condenser']}, the best"
    )
    return f"{_capital(name)} ranks better than every proxy of {size} ({figures})."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


TAU, SEARCH = "kendall-tau", "search"


def search_headlines(
    results: Sequence[Result], matched: Sequence[ResultRow]
) -> list[dict[str, str]]:
    """One {"question", "answer"} for each search that has rank statistics; matched: the rows of
    `equal_cost`.
    """
    places: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        places.setdefault(
            (result.entry.scenario, result.entry.data, result.entry.variant), []
        ).append(result)
    found = []
    for (scenario, data, variant), own in places.items():
        ranked = [
            r
            for r in own
            if r.metric == TAU and not r.entry.is_reference and isfinite(r.interval.mean)
        ]
        ended = [r for r in own if r.metric == FOUND and not r.entry.is_reference]
        truth = next((r for r in own if r.metric == FOUND and is_truth(r.entry)), None)
        if not ranked and (truth is None or not ended):
            continue
        best = best_of(ranked or ended)
        rivals = [row for row in matched if _entry_of(row) == _key(best.entry)]
        apart = ", ".join(
            part for part in (scenario if scenario != SEARCH else "", variant) if part
        )
        where = f"on a small set instead of all of {data}{f' ({apart})' if apart else ''}"
        answer = (
            f"{_verdict(best, rivals)} {_loss(best, own)}"
            if ranked or truth is None
            else _less(best, truth)
        )
        caution = _caution(rivals, ranked or ended)
        found.append(
            {"question": f"May I search {where}, and what do I lose?", "answer": answer + caution}
        )
    return found


def _less(best: Result, truth: Result) -> str:
    """What an adaptive search on the best set ends in, and how that stands to a search on all
    data.
    """
    who = (
        f"The search on {_named(best)} ends in an architecture with {_shown(best.interval, '%')} %"
        " test accuracy, retrained"
    )
    difference = truth.minus(best)
    if difference is None:
        return f"{who}; no seed of it was searched on all data."
    less = _shown(difference, "points", signed=True)
    return (
        f"{who}; the search on all data ends {less} points above that"
        f" ({verdict(comparison(difference, TRUTH), True)})."
    )


def _named(result: Result) -> str:
    return proxy_name(
        {
            "condenser": result.entry.condenser,
            "ipc": result.entry.ipc,
            "budget": result.entry.budget,
        }
    )


def _shown(found: Interval, unit: str, *, signed: bool = False) -> str:
    return estimate(
        {"mean": number(found.mean), "low": found.low, "high": found.high}, unit, signed=signed
    )


def _entry_of(row: ResultRow) -> tuple[object, ...]:
    return tuple(
        row[name]
        for name in ("scenario", "data", "variant", "recipe", "condenser", "ipc", "budget")
    )


def _key(entry: Entry) -> tuple[object, ...]:
    return (
        entry.scenario,
        entry.data,
        entry.variant,
        entry.recipe,
        entry.condenser,
        entry.ipc,
        entry.budget,
    )


def _verdict(best: Result, rivals: Sequence[ResultRow]) -> str:
    """Yes only where the best proxy's tau lies above every baseline's, interval and all."""
    who = _named(best)
    if best.interval.low is None:
        return f"Not known: the best proxy, {who}, has no interval ({best.interval.method})."
    better = rival_names([row for row in rivals if lost(row)])
    if best.interval.low <= 0:
        than = (
            f", and {some(better)} rank{'s' if len(better) == 1 else ''} better" if better else ""
        )
        return f"Not shown: for the best proxy, {who}, an order by chance is not excluded{than}."
    if not rivals:
        return (
            f"The best proxy, {who}, ranks better than chance, but no baseline of equal cost was"
            " measured."
        )
    even = rival_names([row for row in rivals if not lost(row) and not beaten(row)])
    if not better and not even:
        return f"Yes: {who} beats every baseline of equal cost."
    said = [f"better rank: {some(better)}"] if better else []
    said += [f"not distinguishable: {some(even)}"] if even else []
    return f"It works, but {who} does not beat every baseline of equal cost ({'; '.join(said)})."


def _loss(best: Result, results: Sequence[Result]) -> str:
    """Tau with its share of the ceiling, what retraining the top loses, and the time that it all
    takes.
    """
    found = best.interval
    tau = _shown(found, "")
    ceiling = next(
        (r.interval.mean for r in results if r.metric == TAU and is_truth(r.entry)), None
    )
    share = (
        f" ({100 * found.mean / ceiling:.0f} % of what two seeds of the truth reach)"
        if ceiling and ceiling > 0
        else ""
    )
    k = retrained(found.n)
    own = {r.metric: r.interval for r in results if r.entry == best.entry}
    regret = own.get(f"regret@{k}")
    if regret is None:
        return f"Its Kendall tau is {tau}{share}."
    lost_points = _shown(regret, "points")
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


def _caution(rivals: Sequence[ResultRow], proxies: Sequence[Result]) -> str:
    sizes = " of all sizes" if len({(r.entry.ipc, r.entry.budget) for r in proxies}) > 1 else ""
    said = (
        f" It was picked as the best of {len(proxies)} proxies{sizes} on these figures."
        if len(proxies) > 1
        else ""
    )
    short = rival_names([row for row in rivals if row["short"]])
    return said + (
        f" The curve of {some(short)} ends before that cost, so less is asked of the proxy."
        if short
        else ""
    )


def search_notes(
    records: Sequence[Record], results: Sequence[Result], searches: Searches
) -> list[str]:
    """The notes on every search, a sentence each."""
    found = []
    for place, searched in searches.items():
        own = [r for r in results if (r.entry.scenario, r.entry.data, r.entry.variant) == place]
        found += [f"{place[0]} on {place[1]}: {said}" for said in _lined(records, own, searched)]
    broken = [str(f.get("id", f.get("architecture"))) for r in records for f in _failures(r)]
    return found + (
        [f"Architectures that failed to train: {some(list(dict.fromkeys(broken)))}."]
        if broken
        else []
    )


def _lined(records: Sequence[Record], results: Sequence[Result], searched: Searched) -> list[str]:
    lineup = searched.lineup
    if lineup is None:
        why = f"fewer than {ARCHITECTURES_FROM} architectures were tried by all"
        return [
            f"{why if true_values(searched.groups, 'test') else 'no ground truth yet'}, so no rank"
            " statistics."
        ]
    count, seeds = len(lineup.ids), len(lineup.truth.test)
    found = []
    if lineup.left_out:
        found.append(
            f"architectures {some(list(lineup.left_out))} lack a score in some row and are left out"
            " of all."
        )
    scenario, data = next((entry.scenario, entry.data) for entry in searched.groups)
    found += [
        f"ground truth table {table}, {count} architectures x {seeds} seeds{origin}."
        for table, origin in _tables(records, scenario, data)
    ]
    if seeds < 2:
        found.append("noise ceiling not measured, since the ground truth has one seed.")
    if not lineup.validated:
        found.append(
            "the ground truth lacks validation accuracies, so regret chooses by test accuracy,"
            " which flatters it."
        )
    if lineup.top is None:
        found.append(
            f"the true top 20 % of {count} architectures are too few (at least {TOP_FROM}) for"
            " measures of their own."
        )
    dropped = [
        f"{r.entry.condenser} {r.metric} ({r.interval.dropped})"
        for r in results
        if r.interval.dropped
    ]
    return found + (
        [f"resamples without a defined value were dropped: {some(dropped)}."] if dropped else []
    )


def _tables(records: Sequence[Record], scenario: str, data: str) -> list[tuple[str, str]]:
    """The versions of a search's ground truth and where each is from: one, unless its cells were
    made in different ways.
    """
    cells = [(r["cell"], (r.get("outcome") or {}).get("detail") or {}) for r in records]
    truths = [
        d
        for c, d in cells
        if c.get("reference") == "truth" and (c["scenario"], c["data"]) == (scenario, data)
    ]
    return list(
        dict.fromkeys(
            (str(detail["table"]), _origin(detail.get("truth")))
            for detail in truths
            if "table" in detail
        )
    )


def _origin(read: Mapping[str, Any] | None) -> str:
    """How a truth came about, as the end of a sentence."""
    if read is None:
        return " (harness run ... --reuse takes it into another run)"
    if read.get("published"):
        space = read["space"]
        networks = ", ".join(f"{name} {space[name]}" for name in space if name != "name")
        return (
            f", read from {read['from']} (content {read['content'][:16]}): the mean test accuracies"
            f" that {read['published']} published of networks of {networks}; their seconds are not"
            " known"
        )
    versions = f" by torch {', '.join(read['torch'])}" if read["torch"] else ""
    return (
        f", read from {read['from']} (content {read['content'][:16]}) and not trained in this run;"
        f" its seconds are those recorded when it was trained{versions}"
    )


def _failures(record: Record) -> Sequence[Mapping[str, Any]]:
    listed_failures = ((record.get("outcome") or {}).get("detail") or {}).get("failures") or []
    return [f for f in listed_failures if isinstance(f, Mapping)]
