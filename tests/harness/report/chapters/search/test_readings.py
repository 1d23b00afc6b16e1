"""Accuracy and loss along a curve, ranks that are averaged, and truth that was published."""

import copy
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.report.tables import tables
from tests.helpers.search_records import Record, built, of, searched, values

COUNT = 20
TRUE = np.linspace(60, 94, COUNT)
NOISE = np.random.default_rng(3)
ACCURACY = TRUE + NOISE.normal(0, 12, size=COUNT)
LOSS = 3 - TRUE / 50 + NOISE.normal(0, 0.02, size=COUNT)
FREE = TRUE + NOISE.normal(0, 10, size=COUNT)


@pytest.fixture
def search() -> list[Record]:
    """dm, whose loss ranks as the truth does and whose accuracy hardly; and a free score."""
    records = searched({"dm": (10, ACCURACY, 0.0), "naswot": (None, FREE, 0.0)}, TRUE, TRUE)
    for record in of(records, "dm"):
        for row, accuracy, loss in zip(
            record["outcome"]["detail"]["architectures"], ACCURACY, LOSS, strict=True
        ):
            row["curve"] = [
                {"steps": 10, "seconds": 1.0, "validation": 50.0, "loss": -accuracy},
                {"steps": 20, "seconds": 2.0, "validation": accuracy, "loss": loss},
            ]
    return records


def _tau(search: list[Record], scores: Any) -> float:
    truth = values(search, "truth", "test").mean(0)
    return float(stats.kendalltau(truth, scores).statistic)


def test_each_reading_is_ranked_by_accuracy_and_by_loss(search: list[Record]) -> None:
    rows = {(row["steps"], row["by"]): row for row in built(search)["readings"]}
    assert set(rows) == {(10, "accuracy"), (10, "loss"), (20, "accuracy"), (20, "loss")}
    assert rows[10, "accuracy"]["tau"]["mean"] is None  # all are equal
    assert rows[20, "accuracy"]["tau"]["mean"] == pytest.approx(_tau(search, ACCURACY))
    assert rows[10, "loss"]["tau"]["mean"] == pytest.approx(_tau(search, ACCURACY))
    best = rows[20, "loss"]
    assert best["tau"]["mean"] == pytest.approx(_tau(search, -LOSS)) and best["seconds"] == 40
    paired = best["over-accuracy"]
    assert paired["mean"] == pytest.approx(_tau(search, -LOSS) - _tau(search, ACCURACY))
    assert 0 < paired["low"] < paired["mean"] < paired["high"]
    assert best["precision"]["mean"] == 1 and best["regret-tenth"]["mean"] <= 0.5


def test_ranks_are_averaged_with_scores_that_train_nothing(search: list[Record]) -> None:
    rows = {(row["with"], row["by"]): row for row in built(search)["combined_ranks"]}
    assert set(rows) == {("naswot", "accuracy"), ("naswot", "loss")}
    both = stats.rankdata(ACCURACY) + stats.rankdata(FREE)
    row = rows["naswot", "accuracy"]
    assert row["tau"]["mean"] == pytest.approx(_tau(search, both))
    assert row["over-score"]["mean"] == pytest.approx(_tau(search, both) - _tau(search, FREE))


def test_curves_without_loss_have_no_rows(search: list[Record]) -> None:
    for record in of(search, "dm"):
        for row in record["outcome"]["detail"]["architectures"]:
            for point in row["curve"]:
                del point["loss"]
    report = built(search)
    assert report["readings"] == [] == report["combined_ranks"]


def test_published_truth_is_one_however_many_seeds_read_it(search: list[Record]) -> None:
    """No noise ceiling of 1 from the same means, read once for each seed; no seconds made up."""
    first = of(search, "truth")[0]["outcome"]
    for record in of(search, "truth"):
        record["outcome"] = copy.deepcopy(first)
        record["outcome"]["detail"]["truth"] = {
            "from": "nine",
            "content": "0" * 64,
            "torch": [],
            "published": "NAS-Bench-201",
            "space": {"name": "nas-bench-201", "channels": 16, "cells": 5},
        }
        record["outcome"]["detail"]["table"] = "key"
        del record["outcome"]["costs"]["seconds"]
        for row in record["outcome"]["detail"]["architectures"]:
            del row["seconds"], row["validation"]
    report = built(search)
    own = {row["metric"]: row for row in report["rows"] if row["condenser"] == "truth"}
    assert "kendall-tau" not in own and "search-seconds" not in own
    tau = next(
        row for row in report["rows"] if (row["condenser"], row["metric"]) == ("dm", "kendall-tau")
    )
    assert math.isfinite(tau["mean"]) and tau["n"] == COUNT
    assert not [row for row in report["rows"] if row["metric"] == "break-even-architectures"]
    said = " ".join(report["notes"])
    assert "published of networks of channels 16, cells 5" in said
    assert "their seconds are not known" in said and "the ground truth has one seed" in said


def test_combined_ranks_meet_the_score_alone_and_a_baseline_of_equal_cost(
    search: list[Record],
) -> None:
    for seed, record in enumerate(of(search, "dm")):
        early = copy.deepcopy(record)
        early["key"] = f"early-{seed}"
        early["cell"] |= {
            "label": "early-stopping",
            "reference": "early-stopping",
            "condenser": None,
            "ipc": None,
        }
        for row in early["outcome"]["detail"]["architectures"]:
            for point in row["curve"]:
                point["validation"] = -point["validation"]
        search.append(early)
        for row in record["outcome"]["detail"]["architectures"]:
            row["steps"] = 20
    report = built(search)
    rows = {
        (row["condenser"], row["against"], row["at"]): row
        for row in report["combined_at_equal_cost"]
    }
    both = _tau(search, stats.rankdata(ACCURACY) + stats.rankdata(FREE))
    worse = _tau(search, stats.rankdata(-ACCURACY) + stats.rankdata(FREE))
    alone = rows["dm", "naswot", "own cost"]
    assert alone["tau"]["mean"] == pytest.approx(both)
    assert alone["difference"] == pytest.approx(both - _tau(search, FREE))
    beside = rows["dm", "early-stopping", "equal steps"]
    assert beside["against_tau"] == pytest.approx(worse)
    assert beside["difference"] == pytest.approx(both - worse) and beside["low"] > 0
    assert rows["early-stopping", "naswot", "own cost"]["tau"]["mean"] is not None
    assert alone["together"]["of"] == len(rows)
    (table,) = [t for t in tables(report) if t.title.endswith("ranks averaged with naswot")]
    shown = [row[0] for section in table.sections for row in section.rows]
    assert shown == ["dm", "early-stopping"]
    assert "above 0 (dm (ipc 10) less early stopping at equal steps" in " ".join(table.footnotes)


def test_a_search_that_averages_ranks_itself_is_not_averaged_again(search: list[Record]) -> None:
    for record in search:
        record["cell"]["settings"] = {"combine": "naswot"}
    assert built(search)["combined_at_equal_cost"] == []
