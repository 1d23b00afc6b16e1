"""Adaptive strategies, whose entries try different architectures: what each found best, and what it
is worth.
"""

import numpy as np
import pytest

from harness.report.building import render
from harness.report.tables import tables
from harness.statistics.intervals import interval
from tests.helpers.search_records import Record, built, of, row_of, searched, values


def _records() -> list[Record]:
    rng = np.random.default_rng(41)
    true, count = 90 + 6 * rng.random(24), rng.integers(1, 9, size=24)
    return searched({"dm": (10, true, 1.0), "random": (10, true, 6.0)}, true, count)


def test_architectures_that_differ_give_the_best_found_instead_of_ranks() -> None:
    """As evolution leaves them: each entry tried its own, and a few are shared."""
    records = _records()
    for record in of(records, "dm"):
        measurement, rows = (
            record["outcome"]["measurements"][0],
            record["outcome"]["detail"]["architectures"],
        )
        for i in range(6, 24):
            rows[i]["id"] = measurement["repeats"][i]["architecture"] = f"own{i}"
        measurement["values"][2] = 999.0
        measurement["values"][8] = 1000.0 if record["cell"]["seed"] == 1 else 0.0
    report = built(records)
    assert (
        not [row for row in report["rows"] if row["metric"] == "kendall-tau"]
        and report["equal_cost"] == []
    )
    assert any(
        "fewer than 8 architectures were tried by all, so no rank statistics" in note
        for note in report["notes"]
    )
    found = {row["seed"]: row for row in report["best_found"] if row["condenser"] == "dm"}
    assert (found[0]["architecture"], found[0]["score"], found[0]["tried"]) == ("a02", 999.0, 24)
    assert found[0]["truth"] == pytest.approx(values(records, "truth", "test").mean(0)[2])
    assert (found[1]["architecture"], found[1]["truth"]) == ("own8", None)
    text = render(report, "md")
    assert "best found" in text and "| dm | 1 | 24 | own8 | 1,000.0 | - | - |" in text


def test_what_an_adaptive_search_found_is_compared_over_seeds() -> None:
    """Each search retrains its answer; a search on all data is the bound."""
    records = _records()
    ends = {"truth": [95.0, 96.0, 95.5], "dm": [94.0, 95.2, 94.5], "random": [93.0, 94.0, 93.5]}
    for label, tested in ends.items():
        for record, test in zip(of(records, label), tested, strict=True):
            detail, measurement = record["outcome"]["detail"], record["outcome"]["measurements"][0]
            detail["final"] = {"id": "a01", "test": test, "seconds": 20.0}
            for i, row in enumerate(detail["architectures"]):
                row["id"] = measurement["repeats"][i]["architecture"] = f"{label}{i}"
    report = built(records)
    row, less = row_of(report, "dm", "found-accuracy"), interval([1.0, 0.8, 1.0])
    assert (
        row["mean"] == pytest.approx(np.mean(ends["dm"]))
        and row["n"] == 3
        and row["comparison"]["distinguishable"]
    )
    answer = report["headlines"][0]["answer"]
    assert answer.startswith("The search on dm (ipc 10) ends in an architecture with 94.6 [")
    assert (
        less.low is not None
        and f"on all data ends +{less.mean:.1f} [+{less.low:.1f}, " in answer
        and "(better)" in answer
    )
    titles = [table.title for table in tables(report)]
    assert (
        "Architecture search on mnist-5k: accuracy of what was found" in titles
        and "Architecture search on mnist-5k: best found" in titles
    )
    assert [row["retrained"] for row in report["best_found"] if row["condenser"] == "dm"] == ends[
        "dm"
    ]


def test_without_truth_each_entry_still_shows_what_it_found() -> None:
    report = built([record for record in _records() if record["cell"]["label"] != "truth"])
    scores = values(of(_records(), "dm"), "dm", "validation")
    found = [row for row in report["best_found"] if row["condenser"] == "dm"]
    assert [row["architecture"] for row in found] == [f"a{i:02d}" for i in scores.argmax(1)]
    assert all(row["truth"] is None for row in found) and report["headlines"] == []
