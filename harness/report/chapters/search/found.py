"""What each entry of a search found best: for strategies that adapt, whose entries try different
architectures.
"""

from collections.abc import Mapping

import numpy as np

from harness.report.chapters.search.alignment import by_seed, is_truth, scores_of, true_values
from harness.report.results import Record
from harness.report.rows import Row, Searches


def best_found(searches: Searches) -> list[Row]:
    """One row an entry and seed of each search without a lineup: its best architecture, the score,
    and its truth if known.

    truth: mean test accuracy over the truth's seeds that trained it, retrained: that of the
    search's own retraining of its answer on all data, both in % and None where there was none.
    """
    found = []
    for searched in searches.values():
        if searched.lineup is not None:
            continue
        tested = true_values(searched.groups, "test")
        for entry, records in searched.groups.items():
            unit = next(
                (
                    m["unit"]
                    for r in records
                    for m in (r.get("outcome") or {}).get("measurements", [])
                ),
                "",
            )
            retrained = {result["cell"]["seed"]: _retrained(result) for result in records}
            chosen = true_values(searched.groups, "validation") if is_truth(entry) else {}
            for seed, scores in (chosen or by_seed(records, scores_of)).items():
                best = max(scores, key=lambda name: scores[name])
                row = {
                    "seed": seed,
                    "tried": len(scores),
                    "architecture": best,
                    "score": scores[best],
                    "unit": unit,
                    "retrained": retrained.get(seed),
                }
                found.append({**entry.named(), **row, "truth": _true(best, tested)})
    return found


def _retrained(record: Record) -> float | None:
    final = ((record.get("outcome") or {}).get("detail") or {}).get("final") or {}
    return final.get("test")


def _true(name: str, tested: Mapping[int, Mapping[str, float]]) -> float | None:
    values = [table[name] for table in tested.values() if name in table]
    return float(np.mean(values)) if values else None
