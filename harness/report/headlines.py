"""The sentences at the top of a report that say which set is the best. They claim what the
intervals carry and nothing else.
"""

from collections.abc import Sequence
from dataclasses import replace

from harness.report.chapters.base import Question, Run
from harness.report.place import Place
from harness.report.results import REAL, Result, best_result
from harness.report.rows import as_comparison, find_of_equal_bytes
from harness.report.wording import (
    NO_INTERVAL,
    NOT_DISTINGUISHABLE,
    could_show,
    estimate,
    format_number,
    join_some,
    judge,
    split_metric,
    verdict,
)

Spot = tuple[Place, int]  # a place, and a size: bytes, or images per class


def answer_questions(run: Run) -> list[dict[str, str]]:
    """Answer the questions of all chapters.

    Returns:
        {"scenario", "question", "answer"} for each scenario, data set, augmentation and size.
    """
    asked: dict[Spot, list[Result]] = {}
    for scenario in dict.fromkeys(result.entry.scenario for result in run.results):
        own, chapter = run.results_of(scenario), run.chapters[scenario]
        for result in own:
            if not result.entry.is_reference and chapter.asks_about(result, own):
                size = result.entry.budget or result.entry.ipc or 0
                asked.setdefault((result.entry.place, size), []).append(result)
    order = list(dict.fromkeys((r.entry.scenario, r.entry.data) for r in run.results))
    spots = sorted(asked, key=_in_words)
    spots.sort(key=lambda spot: order.index((spot[0].scenario, spot[0].data)))
    open_ones = [spot for spot in spots if not all(r.is_random for r in asked[spot])]
    # Real images that were added for comparisons at equal bytes raise no question of their own.
    rich = [spot for spot in open_ones if any(r.entry.origin != REAL for r in asked[spot])]
    return [_headline(asked[spot], run) for spot in rich or open_ones]


def _in_words(spot: Spot) -> tuple[str, ...]:
    place, size = spot
    parts = place.scenario, place.data, place.variant, place.augmentation
    return (*(str(part) for part in parts), f"{size:09d}")


def _headline(candidates: Sequence[Result], run: Run) -> dict[str, str]:
    best = best_result(candidates)
    strategy, metric = split_metric(best.metric)
    results, chapter = run.results_of(best.entry.scenario), run.chapters[best.entry.scenario]
    question = chapter.questions[metric]
    sentences = [
        _leader(best, question, len(candidates), f" ({strategy})" if strategy else ""),
        *_versus(best, [*candidates, *chapter.rivals(best, results)]),
        *_at_equal_bytes(best, results),
        *chapter.add_to_answer(best, results),
    ]
    return {
        "scenario": best.entry.scenario,
        "question": f"{question.text} {_place_and_size(candidates, run.results)}?",
        "answer": " ".join(sentences),
    }


def _place_and_size(candidates: Sequence[Result], results: Sequence[Result]) -> str:
    """Say what the candidates have in common; augmentation and scenario only where there are
    several.
    """
    entry = candidates[0].entry
    sets = [r for r in results if not r.entry.is_reference]
    augmentations = {r.entry.augmentation for r in sets if r.entry.scenario == entry.scenario}
    known = (entry.augmentation or "none") if len(augmentations) > 1 else None
    place = replace(entry.place, augmentation=known)
    scenarios = {r.entry.scenario for r in sets if r.metric == candidates[0].metric}
    where = place.question() if len(scenarios) > 1 else place.describe()
    return f"on {where} {_size(candidates)}"


def _size(candidates: Sequence[Result]) -> str:
    entry, nbytes = candidates[0].entry, candidates[0].nbytes
    if entry.budget is not None:
        return f"within a budget of {entry.size}"
    if len({r.nbytes for r in candidates}) > 1 or nbytes is None:
        return f"at equal count ({entry.size}; bytes differ)"
    equal = "equal bytes" if len(candidates) > 1 else "one size"
    return f"at {equal} ({entry.size}, {nbytes:,} bytes)"


def _leader(best: Result, question: Question, candidates: int, strategy: str) -> str:
    mean, name = best.interval, f"{question.name}{strategy}"
    unit = f" {best.unit}" if best.unit else ""
    who = f"{best.entry.condenser} has the {question.superlative} mean {name},"
    if candidates == 1:
        who = f"Only {best.entry.condenser} was measured; its {name} is"
    if mean.low is None:
        value = format_number(mean.mean, best.unit)
        return f"{who} {value}{unit} ({mean.method}): no order can be claimed."
    values = {"mean": mean.mean, "low": mean.low, "high": mean.high}
    over = best.over if best.draws is not None else f"{mean.n} {best.over}"
    return f"{who} {estimate(values, best.unit)}{unit}, n = {over}."


def _versus(best: Result, rivals: Sequence[Result]) -> list[str]:
    """How the best mean stands to every other set of its size, and to its other rivals."""
    words: dict[str, list[str]] = {}
    even = []
    for rival in rivals:
        if rival is not best:
            name, difference = rival.entry.condenser, best.minus(rival)
            part = None if difference is None else as_comparison(difference, name)
            word = verdict(part, best.higher_is_better)
            words.setdefault(word, []).append(name)
            even += [part] if part and word == NOT_DISTINGUISHABLE else []
    sentences = [
        f"{word.capitalize()} than {join_some(words[word])}."
        for word in ("better", "worse")
        if word in words
    ]
    if NOT_DISTINGUISHABLE in words:
        shown = could_show(even, best.unit)
        sentences.append(
            f"Not distinguishable from {join_some(words[NOT_DISTINGUISHABLE])}"
            f"{f' ({shown})' if shown else ''}."
        )
    if NO_INTERVAL in words and best.interval.low is not None:
        sentences.append(f"Against {join_some(words[NO_INTERVAL])} there is no interval.")
    return sentences


def _at_equal_bytes(best: Result, results: Sequence[Result]) -> list[str]:
    """How the leader stands to random images of its own bytes, where those are not already among
    its rivals.
    """
    randoms = [r for r in results if r.is_random and _key(r) == _key(best)]
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
    other = find_of_equal_bytes(best, randoms)
    difference = None if other is None else best.minus(other)
    if other is None or difference is None:
        return ["At equal bytes no random real images were measured."]
    word = judge(as_comparison(difference, "random"), best.higher_is_better, best.unit)
    return [f"Against random images of its bytes (ipc {other.entry.ipc}): {word}."]


def _key(result: Result) -> tuple[Place, str]:
    return result.entry.place, result.metric
