"""The sentences at the top of a report. They claim what the intervals carry and nothing else."""

from collections.abc import Sequence
from math import ceil, isfinite

from harness.report.chapters.search.alignment import is_truth
from harness.report.origin import REAL, split_metric
from harness.report.results import Result, best_of
from harness.report.rows import comparison, largest_within, place
from harness.report.wording import NO_INTERVAL, NOT_DISTINGUISHABLE, estimate, figure, some, verdict

# Metric -> question, superlative, name of the metric in a sentence; forgetting is asked of one
# strategy.
QUESTIONS = {
    "test-accuracy": ("Which set trains the most accurate network", "highest", "test accuracy"),
    "mean-test-accuracy": (
        "Which set trains the most accurate networks of several architectures",
        "highest",
        "test accuracy",
    ),
    "forgetting": ("Which memory forgets least", "lowest", "forgetting"),
    "found-accuracy": (
        "Which proxy leads a search to the most accurate architecture",
        "highest",
        "test accuracy",
    ),
    "kendall-tau": ("Which proxy ranks architectures best", "highest", "Kendall tau"),
}


def headlines(results: Sequence[Result]) -> list[dict[str, str]]:
    """One {"question", "answer"} for each scenario, data set, recipe and ipc, or budget in
    bytes.
    """
    asked: dict[tuple[str, str, str, str | None, int | None], list[Result]] = {}
    strategy = _strategies(results)
    for result in results:
        entry = result.entry
        skipped = split_metric(result.metric)[0] != strategy.get(entry.scenario, "")
        if (
            _name(result) in QUESTIONS
            and not skipped
            and not entry.is_reference
            and isfinite(result.interval.mean)
        ):
            asked.setdefault(
                (
                    entry.scenario,
                    entry.data,
                    entry.variant,
                    entry.recipe,
                    entry.budget or entry.ipc,
                ),
                [],
            ).append(result)
    spots = sorted(
        asked, key=lambda spot: [str(part) for part in spot[:4]] + [f"{spot[4] or 0:09d}"]
    )
    order = list(dict.fromkeys((r.entry.scenario, r.entry.data) for r in results))
    spots.sort(key=lambda spot: order.index((spot[0], spot[1])))
    told = [spot for spot in spots if not all(r.is_random for r in asked[spot])]
    # Real images that were added for comparisons at equal bytes raise no question of their own.
    rich = [spot for spot in told if any(r.entry.kind != REAL for r in asked[spot])]
    return [_headline(asked[spot], results) for spot in rich or told]


def _name(result: Result) -> str:
    """The metric without its strategy."""
    return split_metric(result.metric)[1]


def _strategies(results: Sequence[Result]) -> dict[str, str]:
    """Scenario -> the strategy whose forgetting is asked for: replay, else the first that was
    measured.
    """
    found: dict[str, str] = {}
    for result in results:
        strategy, name = split_metric(result.metric)
        if name == "forgetting" and not result.entry.is_reference:
            found[result.entry.scenario] = (
                strategy if strategy == "replay" else found.get(result.entry.scenario, strategy)
            )
    return found


def _headline(candidates: Sequence[Result], results: Sequence[Result]) -> dict[str, str]:
    question, superlative, name = QUESTIONS[_name(candidates[0])]
    strategy = split_metric(candidates[0].metric)[0]
    name += f" ({strategy})" if strategy else ""
    best = best_of(candidates)
    leader = _leader(best, superlative, name, len(candidates))
    said = [leader, *_versus(best, candidates, results), *_more(best, results)]
    return {"question": f"{question} {_where(candidates, results)}?", "answer": " ".join(said)}


def _where(candidates: Sequence[Result], results: Sequence[Result]) -> str:
    entry = candidates[0].entry
    held = {r.nbytes for r in candidates}
    size = candidates[0].nbytes
    budget = f"at equal count (ipc {entry.ipc}; bytes differ)"
    if entry.budget is not None:
        budget = f"within a budget of {entry.budget:,} bytes"
    elif len(held) == 1 and size is not None:
        budget = (
            f"at {'equal bytes' if len(candidates) > 1 else 'one size'} (ipc {entry.ipc}, {size:,}"
            " bytes)"
        )
    told_apart = {
        r.entry.recipe
        for r in results
        if r.entry.scenario == entry.scenario and not r.entry.is_reference
    }
    recipe = f", augmentation {entry.recipe or 'none'}" if len(told_apart) > 1 else ""
    alike = {
        r.entry.scenario
        for r in results
        if r.metric == candidates[0].metric and not r.entry.is_reference
    }
    recipe += f" ({entry.scenario})" if len(alike) > 1 else ""
    return f"on {entry.data}{recipe}{f', {entry.variant}' if entry.variant else ''} {budget}"


def _leader(best: Result, superlative: str, name: str, candidates: int) -> str:
    found = best.interval
    unit = f" {best.unit}" if best.unit else ""
    who = f"{best.entry.condenser} has the {superlative} mean {name},"
    if candidates == 1:
        who = f"Only {best.entry.condenser} was measured; its {name} is"
    if found.low is None:
        return (
            f"{who} {figure(found.mean, best.unit)}{unit} ({found.method}): no order can be"
            " claimed."
        )
    values = {"mean": found.mean, "low": found.low, "high": found.high}
    over = best.over if best.draws is not None else f"{found.n} {best.over}"
    return f"{who} {estimate(values, best.unit)}{unit}, n = {over}."


def _versus(best: Result, candidates: Sequence[Result], results: Sequence[Result]) -> list[str]:
    """How the best mean stands to every other set of its size, and in a search to the
    references.
    """
    rivals = [r for r in candidates if r is not best] + _references(best, results)
    words: dict[str, list[str]] = {}
    for rival in rivals:
        difference = best.minus(rival)
        found = None if difference is None else comparison(difference, rival.entry.condenser)
        words.setdefault(verdict(found, best.higher_is_better), []).append(rival.entry.condenser)
    said = []
    for word in ("better", "worse"):
        if word in words:
            said.append(f"{word.capitalize()} than {some(words[word])}.")
    if NOT_DISTINGUISHABLE in words:
        said.append(f"Not distinguishable from {some(words[NOT_DISTINGUISHABLE])}.")
    if NO_INTERVAL in words and best.interval.low is not None:
        said.append(f"Against {some(words[NO_INTERVAL])} there is no interval.")
    return said + _at_equal_bytes(best, results)


def _at_equal_bytes(best: Result, results: Sequence[Result]) -> list[str]:
    """What the leader is against random images of its own bytes, where those are not already among
    its rivals.
    """
    randoms = [r for r in results if r.is_random and place(r) == place(best)]
    of_budget = best.entry.budget is not None and any(
        r.entry.budget == best.entry.budget for r in randoms
    )
    if (
        of_budget
        or best.is_random
        or best.nbytes is None
        or any((r.entry.ipc, r.nbytes) == (best.entry.ipc, best.nbytes) for r in randoms)
    ):
        return []
    other = largest_within(best.nbytes, randoms)
    difference = None if other is None else best.minus(other)
    if other is None or difference is None:
        return ["At equal bytes no random real images were measured."]
    word = verdict(comparison(difference, "random"), best.higher_is_better)
    return [f"Against random images of its bytes (ipc {other.entry.ipc}): {word}."]


def _references(best: Result, results: Sequence[Result]) -> list[Result]:
    if best.draws is None:
        return []
    same = [r for r in _beside(best, results) if r.metric == best.metric and r.entry.is_reference]
    return [r for r in same if r.entry.condenser != "truth"]


def _beside(best: Result, results: Sequence[Result]) -> list[Result]:
    own = best.entry.scenario, best.entry.data, best.entry.variant
    return [r for r in results if (r.entry.scenario, r.entry.data, r.entry.variant) == own]


def _more(best: Result, results: Sequence[Result]) -> list[str]:
    """What keeps the first figure from being read alone."""
    if best.metric.endswith("/forgetting"):
        final = best.metric.replace("forgetting", "final-accuracy")
        own = next((r for r in results if r.entry == best.entry and r.metric == final), None)
        return (
            []
            if own is None
            else [f"Its final accuracy is {figure(own.interval.mean, own.unit)} %."]
        )
    if best.metric != "kendall-tau":
        return []
    said = []
    if best.interval.low is not None and not best.interval.distinguishable:
        said.append("Its interval includes 0: an order by chance is not excluded.")
    ceiling = next(
        (r for r in _beside(best, results) if r.metric == best.metric and is_truth(r.entry)), None
    )
    own = next(
        (r for r in results if r.entry == best.entry and r.metric == "break-even-architectures"),
        None,
    )
    if own is not None and isfinite(own.interval.mean):
        said.append(
            f"It pays for itself from {ceil(max(own.interval.mean, 1))} searched architectures on."
        )
    elif own is not None:
        said.append("It never pays for itself: training on it takes as long as on the real data.")
    if ceiling is not None:
        said.append(
            f"Two seeds of the truth itself agree with tau {figure(ceiling.interval.mean, '')}."
        )
    return said
