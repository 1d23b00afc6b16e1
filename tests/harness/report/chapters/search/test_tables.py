"""Search records -> rank statistics, times and break-even."""

import copy
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.report.building import build

Record = dict[str, Any]


@pytest.fixture
def search(records: list[Record]) -> list[Record]:
    return [copy.deepcopy(r) for r in records if r["cell"]["scenario"] == "search"]


def report_of(records: list[Record]) -> dict[str, Any]:
    return build({"suite": "s", "cells": [r["key"] for r in records]}, records, [])


def row_of(report: dict[str, Any], condenser: str, metric: str) -> dict[str, Any]:
    (row,) = [
        row for row in report["rows"] if (row["condenser"], row["metric"]) == (condenser, metric)
    ]
    return row


def ranking(report: dict[str, Any]) -> str:
    """The answer to which proxy ranks best."""
    return next(h["answer"] for h in report["headlines"] if h["question"].startswith("Which proxy"))


def _scores(records: list[Record], label: str) -> list[list[float]]:
    return [
        r["outcome"]["measurements"][0]["values"] for r in records if r["cell"]["label"] == label
    ]


def _truth(records: list[Record]) -> np.ndarray:
    tested = [
        r["outcome"]["detail"]["architectures"] for r in records if r["cell"]["label"] == "truth"
    ]
    return np.array([[a["test"] for a in rows] for rows in tested])


def test_rank_rows_by_scipy(search: list[Record]) -> None:
    report = report_of(search)
    truth = _truth(search).mean(0)
    for metric, oracle in (("kendall-tau", stats.kendalltau), ("spearman", stats.spearmanr)):
        for label in ("dm", "random", "parameters"):
            row = row_of(report, label, metric)
            assert row["mean"] == pytest.approx(
                np.mean([oracle(truth, s).statistic for s in _scores(search, label)])
            )
            assert row["low"] < row["mean"] < row["high"]
            assert (row["n"], row["seeds"], row["over"]) == (16, 3, "16 architectures, 3 seeds")


def test_top_k_rows_by_hand(search: list[Record]) -> None:
    report, truth = report_of(search), _truth(search).mean(0)
    best = set(np.argsort(-truth)[:4])
    picks = [np.argsort(-np.array(s))[:4] for s in _scores(search, "dm")]
    assert row_of(report, "dm", "precision@4")["mean"] == pytest.approx(
        np.mean([len(best & set(p)) / 4 for p in picks])
    )
    regret = row_of(report, "dm", "regret@4")
    assert regret["mean"] == pytest.approx(np.mean([truth.max() - truth[p].max() for p in picks]))
    assert (regret["unit"], regret["higher_is_better"]) == ("points", False)


def test_comparison_to_random_is_the_paired_bootstrap(search: list[Record]) -> None:
    report = report_of(search)
    dm, real = row_of(report, "dm", "kendall-tau"), row_of(report, "random", "kendall-tau")
    found = dm["comparison"]
    assert found["difference"] == pytest.approx(dm["mean"] - real["mean"])
    assert found["low"] > 0 and found["distinguishable"] is True
    assert (
        real["comparison"] is None
        and row_of(report, "early-stopping", "kendall-tau")["comparison"] is None
    )
    close = row_of(report, "k-means", "kendall-tau")["comparison"]
    assert close["low"] < 0 < close["high"] and close["distinguishable"] is False


def test_noise_ceiling_needs_two_truth_seeds(search: list[Record]) -> None:
    truth = _truth(search)
    pairs = [stats.kendalltau(truth[i], truth[j]).statistic for i in range(3) for j in range(i)]
    assert row_of(report_of(search), "truth", "kendall-tau")["mean"] == pytest.approx(
        np.mean(pairs)
    )
    one = [r for r in search if r["cell"]["label"] != "truth" or r["cell"]["seed"] == 0]
    report = report_of(one)
    assert not [
        row
        for row in report["rows"]
        if row["condenser"] == "truth" and row["metric"] == "kendall-tau"
    ]
    assert any("noise ceiling not measured" in note for note in report["notes"])


def test_times_and_break_even(search: list[Record]) -> None:
    report = report_of(search)
    assert row_of(report, "truth", "search-seconds")["mean"] == 320.0
    assert row_of(report, "dm", "search-seconds")["mean"] == 64.0
    assert row_of(report, "dm", "condensation-seconds")["mean"] == pytest.approx(30.01)
    assert row_of(report, "dm", "break-even-architectures")["mean"] == pytest.approx(
        30.01 / (20 - 4)
    )
    assert row_of(report, "early-stopping", "break-even-architectures")["mean"] == 0.0
    assert "pays for itself from 2 searched architectures on" in ranking(report)


def test_a_proxy_that_is_no_cheaper_never_pays(search: list[Record]) -> None:
    for record in search:
        if record["cell"]["label"] == "dm":
            record["outcome"]["costs"]["seconds"] = 20.0 * 16
    report = report_of(search)
    row = row_of(report, "dm", "break-even-architectures")
    assert (row["mean"], row["low"]) == (None, None) and row["interval"].startswith("never")
    assert "never pays for itself" in ranking(report)


def test_architectures_that_some_row_lacks_are_left_out_of_all(search: list[Record]) -> None:
    lacking = next(r for r in search if r["cell"]["label"] == "k-means")
    measurement = lacking["outcome"]["measurements"][0]
    measurement["values"], measurement["repeats"] = (
        measurement["values"][1:],
        measurement["repeats"][1:],
    )
    lacking["outcome"]["detail"]["failures"] = [{"id": "a00", "error": "boom"}]
    report = report_of(search)
    assert row_of(report, "dm", "kendall-tau")["n"] == 15
    tau = np.mean(
        [
            stats.kendalltau(_truth(search).mean(0)[1:], s[1:]).statistic
            for s in _scores(search, "dm")
        ]
    )
    assert row_of(report, "dm", "kendall-tau")["mean"] == pytest.approx(tau)
    assert any("architectures a00 lack a score" in note for note in report["notes"])
    assert any("failed to train: a00" in note for note in report["notes"])


def test_without_truth_there_are_times_only(search: list[Record]) -> None:
    report = report_of([r for r in search if r["cell"]["label"] != "truth"])
    metrics = {row["metric"] for row in report["rows"]}
    assert metrics == {"search-seconds", "condensation-seconds"}
    assert (
        any("no ground truth yet" in note for note in report["notes"]) and report["headlines"] == []
    )


def test_search_is_known_by_what_it_measured_not_by_its_label(search: list[Record]) -> None:
    for record in search:
        record["cell"]["scenario"] = "my-nas"
    assert row_of(report_of(search), "dm", "kendall-tau")["scenario"] == "my-nas"
