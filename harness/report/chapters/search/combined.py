"""What a training adds to a score that trains nothing: ranks averaged, against that score alone and
against the same average with a baseline of equal cost.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harness.report.chapters.search.alignment import AlignedScores, AlignedSearch, Searches
from harness.report.chapters.search.equal_cost import (
    cut_baselines,
    describe_together,
    read_curves,
)
from harness.report.chapters.search.rivals import OWN
from harness.report.results import Entry
from harness.report.rows import Row, as_comparison, finite
from harness.statistics.rank_bootstrap import (
    RankDraws,
    draw_ranks,
    rank_interval,
    subtract_ranks,
)
from harness.statistics.rank_samples import count_below, kendall_of_samples, rank_with_ties

Array = NDArray[np.float64]


def compare_combined(searches: Searches) -> list[Row]:
    """List what the average of two ranks gains, for each entry that trains and each score that
    trains nothing.

    Returns:
        One row a comparison: "with", the score that trains nothing; "tau" of the average; the
        paired difference to the tau of what `against` names: the score alone ("at" its own cost),
        or the score averaged with a baseline that trains, read at equal cost. `together` has the
        ends of intervals that hold for all differences with that score at once.
    """
    return [
        row
        for search in searches.values()
        if search.aligned is not None and not _is_combined(search)
        for free in list_free(search, search.aligned)
        for row in _compare(free, search, search.aligned)
    ]


def list_free(search: AlignedSearch, aligned: AlignedScores) -> list[Entry]:
    """List the baselines that train nothing: those without a curve."""
    return [
        entry
        for entry in aligned.scores
        if entry.is_reference and not read_curves(search.groups[entry], aligned.ids)
    ]


def average_ranks(first: Array, second: Array) -> Array:
    """Add the ranks of (S, A) scores and of (T, A) scores, seed by seed, the fewer again and again;
    equal scores have their mean rank.
    """
    seeds = max(len(first), len(second))
    return np.array(
        [
            _rank(first[seed % len(first)]) + _rank(second[seed % len(second)])
            for seed in range(seeds)
        ]
    )


def _rank(scores: Array) -> Array:
    ranks: Array = rank_with_ties(count_below(scores[None], np.ones((1, len(scores)))))[0]
    return ranks


def _is_combined(search: AlignedSearch) -> bool:
    """Whether the search itself has averaged ranks already."""
    cells = [record["cell"] for records in search.groups.values() for record in records]
    return any((cell.get("settings") or {}).get("combine") for cell in cells)


def _compare(free: Entry, search: AlignedSearch, aligned: AlignedScores) -> list[Row]:
    score = aligned.scores[free]

    def draw(scores: Array) -> RankDraws:
        return draw_ranks([kendall_of_samples], aligned.truth, scores)[0]

    alone = draw(score)
    rows: list[Row] = []
    differences: list[RankDraws] = []
    for entry, own in aligned.scores.items():
        if entry.is_reference and not read_curves(search.groups[entry], aligned.ids):
            continue
        both = draw(average_ranks(own, score))
        rivals = [(free.condenser, OWN, alone)]
        if not entry.is_reference:
            rivals += [
                (baseline.condenser, cut.at, draw(average_ranks(cut.scores, score)))
                for baseline, cuts in cut_baselines(entry, search, aligned).items()
                for cut in cuts
            ]
        for against, at, rival in rivals:
            differences.append(subtract_ranks(both, rival))
            rows.append(
                {
                    **entry.as_json(),
                    "with": free.condenser,
                    "tau": _as_json(both),
                    "at": at,
                    "against_tau": finite(rival.point),
                    **as_comparison(rank_interval(differences[-1]), against),
                }
            )
    return [
        {**row, **together}
        for row, together in zip(rows, describe_together(differences), strict=True)
    ]


def _as_json(draws: RankDraws) -> Mapping[str, float | None]:
    interval = rank_interval(draws)
    return {
        "mean": finite(interval.mean),
        "low": finite(interval.low),
        "high": finite(interval.high),
    }
