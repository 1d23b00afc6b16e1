"""What each entry of a search found best: for strategies that adapt, whose entries try different
architectures.
"""

from collections.abc import Mapping

import numpy as np

from harness.report.chapters.search.alignment import (
    Searches,
    is_truth,
    read_by_seed,
    read_scores,
    read_truth,
)
from harness.report.results import Record
from harness.report.rows import Row


def list_best(searches: Searches) -> list[Row]:
    """List what each entry and seed of a search judged best, where the search could not be aligned.

    Returns:
        One row an entry and seed: its best architecture, the score, and its accuracy where that is
        known. truth: mean test accuracy over the truth's seeds that trained it; retrained: that of
        the search's own retraining of its answer on all data; both in %, None where there was none.
    """
    best_rows = []
    for search in searches.values():
        if search.aligned is not None:
            continue
        tested = read_truth(search.groups, "test")
        for entry, records in search.groups.items():
            unit = next(
                (
                    m["unit"]
                    for r in records
                    for m in (r.get("outcome") or {}).get("measurements", [])
                ),
                "",
            )
            retrained = {result["cell"]["seed"]: _retrained_accuracy(result) for result in records}
            chosen = read_truth(search.groups, "validation") if is_truth(entry) else {}
            for seed, scores in (chosen or read_by_seed(records, read_scores)).items():
                best = max(scores, key=lambda name: scores[name])
                row = {
                    "seed": seed,
                    "tried": len(scores),
                    "architecture": best,
                    "score": scores[best],
                    "unit": unit,
                    "retrained": retrained.get(seed),
                }
                best_rows.append({**entry.as_json(), **row, "truth": _true_accuracy(best, tested)})
    return best_rows


def _retrained_accuracy(record: Record) -> float | None:
    final = ((record.get("outcome") or {}).get("detail") or {}).get("final") or {}
    return final.get("test")


def _true_accuracy(name: str, tested: Mapping[int, Mapping[str, float]]) -> float | None:
    values = [table[name] for table in tested.values() if name in table]
    return float(np.mean(values)) if values else None
