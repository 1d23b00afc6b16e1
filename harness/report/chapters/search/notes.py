"""Notes on a search: what was left out, what stands in for what, and what failed."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.chapters.search.alignment import TOP_FROM, AlignedSearch, Searches, read_truth
from harness.report.place import Place
from harness.report.results import Record, Result
from harness.report.wording import join_some
from harness.statistics.rank_bootstrap import ARCHITECTURES_FROM


def note_searches(
    records: Sequence[Record], results: Sequence[Result], searches: Searches
) -> list[str]:
    """Write the notes on every search, a sentence each."""
    sentences = []
    for place, search in searches.items():
        own = [r for r in results if r.entry.place.of_any_augmentation == place]
        notes = _note_search(records, own, search)
        sentences += [f"{Place(place.scenario, place.data).heading()}: {note}" for note in notes]
    return sentences


def note_failures(records: Sequence[Record]) -> list[str]:
    """Write which architectures failed to train."""
    broken = [str(f.get("id", f.get("architecture"))) for r in records for f in _failures(r)]
    names = list(dict.fromkeys(broken))
    return [f"Architectures that failed to train: {join_some(names)}."] if names else []


def _note_search(
    records: Sequence[Record], results: Sequence[Result], search: AlignedSearch
) -> list[str]:
    aligned = search.aligned
    if aligned is None:
        why = f"fewer than {ARCHITECTURES_FROM} architectures were tried by all"
        return [
            f"{why if read_truth(search.groups, 'test') else 'no ground truth yet'}, so no rank"
            " statistics."
        ]
    count, seeds = len(aligned.ids), len(aligned.truth.test)
    sentences = []
    if aligned.left_out:
        sentences.append(
            f"architectures {join_some(aligned.left_out)} lack a score in some row and are left out"
            " of all."
        )
    scenario, data = next((entry.scenario, entry.data) for entry in search.groups)
    sentences += [
        f"ground truth table {table}, {count} architectures x {seeds} seeds{origin}."
        for table, origin in _tables(records, scenario, data)
    ]
    if seeds < 2:
        sentences.append("noise ceiling not measured, since the ground truth has one seed.")
    if not aligned.validated:
        sentences.append(
            "the ground truth lacks validation accuracies, so regret chooses by test accuracy,"
            " which flatters it."
        )
    if aligned.top is None:
        sentences.append(
            f"the true top 20 % of {count} architectures are too few (at least {TOP_FROM}) for"
            " measures of their own."
        )
    dropped = [
        f"{r.entry.condenser} {r.metric} ({r.interval.dropped})"
        for r in results
        if r.interval.dropped
    ]
    if dropped:
        sentences.append(f"resamples without a defined value were dropped: {join_some(dropped)}.")
    return sentences


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
