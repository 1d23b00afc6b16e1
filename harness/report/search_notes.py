"""What a report on a search says besides its rows: what was left out, what stands in for what, and what failed."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.rank_bootstrap import ARCHITECTURES_FROM
from harness.report.results import Record, Result
from harness.report.rows import Searches
from harness.report.search_lineup import TOP_FROM, Searched, true_values
from harness.report.wording import some


def search_notes(records: Sequence[Record], results: Sequence[Result], searches: Searches) -> list[str]:
    """The notes on every search, a sentence each."""
    found = []
    for place, searched in searches.items():
        own = [r for r in results if (r.entry.scenario, r.entry.data, r.entry.variant) == place]
        found += [f"{place[0]} on {place[1]}: {said}" for said in _lined(records, own, searched)]
    broken = [str(f.get("id", f.get("architecture"))) for r in records for f in _failures(r)]
    return found + ([f"Architectures that failed to train: {some(list(dict.fromkeys(broken)))}."] if broken else [])


def _lined(records: Sequence[Record], results: Sequence[Result], searched: Searched) -> list[str]:
    lineup = searched.lineup
    if lineup is None:
        why = f"fewer than {ARCHITECTURES_FROM} architectures were tried by all"
        return [f"{why if true_values(searched.groups, 'test') else 'no ground truth yet'}, so no rank statistics."]
    count, seeds = len(lineup.ids), len(lineup.truth.test)
    found = []
    if lineup.left_out:
        found.append(f"architectures {some(list(lineup.left_out))} lack a score in some row and are left out of all.")
    scenario, data = next((entry.scenario, entry.data) for entry in searched.groups)
    found += [
        f"ground truth table {table}, {count} architectures x {seeds} seeds{origin}."
        for table, origin in _tables(records, scenario, data)
    ]
    if seeds < 2:
        found.append("noise ceiling not measured, since the ground truth has one seed.")
    if not lineup.validated:
        found.append("the ground truth lacks validation accuracies, so regret chooses by test accuracy, which flatters it.")
    if lineup.top is None:
        found.append(f"the true top 20 % of {count} architectures are too few (at least {TOP_FROM}) for measures of their own.")
    dropped = [f"{r.entry.condenser} {r.metric} ({r.interval.dropped})" for r in results if r.interval.dropped]
    return found + ([f"resamples without a defined value were dropped: {some(dropped)}."] if dropped else [])


def _tables(records: Sequence[Record], scenario: str, data: str) -> list[tuple[str, str]]:
    """The versions of a search's ground truth and where each is from: one, unless its cells were made in different ways."""
    cells = [(r["cell"], (r.get("outcome") or {}).get("detail") or {}) for r in records]
    truths = [d for c, d in cells if c.get("reference") == "truth" and (c["scenario"], c["data"]) == (scenario, data)]
    return list(dict.fromkeys((str(detail["table"]), _origin(detail.get("truth"))) for detail in truths if "table" in detail))


def _origin(read: Mapping[str, Any] | None) -> str:
    """How a truth came about, as the end of a sentence."""
    if read is None:
        return " (harness run ... --reuse takes it into another run)"
    versions = f" by torch {', '.join(read['torch'])}" if read["torch"] else ""
    return (
        f", read from {read['from']} (content {read['content'][:16]}) and not trained in this run; its seconds are those"
        f" recorded when it was trained{versions}"
    )


def _failures(record: Record) -> Sequence[Mapping[str, Any]]:
    listed_failures = ((record.get("outcome") or {}).get("detail") or {}).get("failures") or []
    return [f for f in listed_failures if isinstance(f, Mapping)]
