"""Records -> rows: arithmetic by hand or by scipy, pairing, comparisons at equal count and equal
bytes.
"""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from scipy import special, stats

from harness.report.building import build

Measure = Callable[..., dict[str, Any]]
KEYS = [
    "scenario",
    "data",
    "condenser",
    "ipc",
    "bytes",
    "bits_per_class",
    "metric",
    "mean",
    "low",
    "high",
    "n",
    "unit",
    "higher_is_better",
]


def rows_of(records: list[dict[str, Any]], **wanted: Any) -> list[dict[str, Any]]:
    rows = build({"suite": "s", "cells": [r["key"] for r in records]}, records, [])["rows"]
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


@pytest.fixture(scope="module")
def whole(suite: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
    return build(suite, records, [])


def test_the_report_has_the_designs_keys(whole: dict[str, Any]) -> None:
    assert {"suite", "rows", "failures", "environment", "commands", "notes", "headlines"} <= set(
        whole
    )
    assert whole["suite"] == "demo" and whole["failures"] == []
    for row in whole["rows"]:
        assert list(row)[: len(KEYS) + 1] == [*KEYS, "comparison"]
        if row["comparison"] is not None:
            assert list(row["comparison"]) == [
                "against",
                "difference",
                "low",
                "high",
                "distinguishable",
                "detectable",
                "n_for_one",
            ]
    json.dumps(whole, allow_nan=False)


def test_approximations_are_named(runs: Callable[..., list[dict[str, Any]]]) -> None:
    records = runs("dm", [80.0, 81.0]) + runs("random", [70.0, 71.0])
    assert not any("Approximation" in note for note in build({"suite": "s"}, records, [])["notes"])
    for record in records[:2]:
        record["cell"] |= {
            "hyperparameters": {"precision": "bf16"},
            "settings": {"precision": "bf16"},
        }
    (note,) = (n for n in build({"suite": "s"}, records, [])["notes"] if "Approximation" in n)
    assert (
        note
        == "Approximation: products in bf16 for dm (condensing) and accuracy (training and test)."
    )


def test_a_precision_that_was_left_to_the_machine_is_named(
    runs: Callable[..., list[dict[str, Any]]],
) -> None:
    records = runs("dm", [80.0, 81.0])
    for record, machine, taken in zip(records, ("A", "B"), ("bf16", "fp32"), strict=True):
        record["cell"] |= {"settings": {"precision": "auto"}}
        record["environment"] = {"cpu": machine}
        record["outcome"]["detail"]["precision"] = taken

    def notes() -> list[str]:
        found = build({"suite": "s"}, records, [])["notes"]
        return [note for note in found if "recision left" in note or "Approximation" in note]

    assert notes() == [
        "Approximation: products in bf16 for accuracy (training and test).",
        "Precision left to the machine: accuracy (training and test) in bf16 (on A) and fp32 (on"
        " B): not all alike.",
    ]
    records[1]["outcome"]["detail"]["precision"] = "bf16"
    for record in records:  # condensed along the stream, then not recorded at all
        record["cell"] |= {"hyperparameters": {"precision": "auto"}}
    assert "dm (condensing) in a precision that was not recorded" in notes()[1]
    records[0]["outcome"]["detail"]["condensed_in"] = ["fp32"]
    assert "dm (condensing) in fp32." in notes()[1]
    assert notes()[2] == ("Precision left to the machine: accuracy (training and test) in bf16.")


def test_values_of_one_seed_are_averaged_before_the_interval(measure: Measure) -> None:
    records = [
        measure("dm", 10, 0, [90.0, 92.0]),
        measure("dm", 10, 1, [93.0, 95.0]),
        measure("dm", 10, 2, [97.0]),
    ]
    (row,) = rows_of(records)
    scale = stats.sem([91, 94, 97]) / 100 / (0.94 * 0.06)
    low, high = 100 * special.expit(stats.t.interval(0.95, 2, loc=special.logit(0.94), scale=scale))
    assert (row["mean"], row["n"], row["over"]) == (94.0, 3, "seeds")
    assert row["interval"] == "Student's t on the logit scale"
    assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
    assert (row["ipc"], row["bytes"], row["unit"], row["higher_is_better"]) == (
        10,
        78500,
        "%",
        True,
    )
    assert row["comparison"] is None  # no random images were measured


def test_one_seed_takes_its_networks_and_says_so(measure: Measure) -> None:
    records = [
        measure("dm", 10, 0, [90.0, 92.0, 94.0]),
        measure("random", 10, 0, [80.0, 83.0, 83.0]),
    ]
    (row,) = rows_of(records, condenser="dm")
    assert (row["n"], row["over"]) == (3, "networks of one set")
    assert row["comparison"]["difference"] == 10.0 and row["comparison"]["distinguishable"]
    notes = build({"suite": "s"}, records, [])["notes"]
    assert any("One seed" in note for note in notes)


def test_one_value_has_no_interval_and_cannot_be_distinguished(measure: Measure) -> None:
    rows = rows_of([measure("dm", 10, 0, [90.0]), measure("random", 10, 0, [10.0])], condenser="dm")
    assert (rows[0]["low"], rows[0]["high"], rows[0]["interval"]) == (
        None,
        None,
        "one value, no interval",
    )
    assert (
        rows[0]["comparison"]["low"] is None and rows[0]["comparison"]["distinguishable"] is False
    )


def test_comparison_is_paired_over_shared_seeds(measure: Measure) -> None:
    """A gain of one point that every seed shows is found although seeds differ by ten."""
    dm = [measure("dm", 10, s, [v]) for s, v in enumerate([51.0, 61.1, 70.9, 81.0, 99.0])]
    real = [measure("random", 10, s, [v]) for s, v in enumerate([50.0, 60.0, 70.0, 80.0])]
    (row,) = rows_of(dm + real, condenser="dm")
    gains = [1.0, 1.1, 0.9, 1.0]
    ends = stats.t.interval(
        0.95, 3, loc=special.logit(0.505), scale=stats.sem(gains) / 200 / (0.505 * 0.495)
    )
    low, high = 200 * special.expit(ends) - 100
    found = row["comparison"]
    assert found["against"] == "random" and found["difference"] == pytest.approx(1.0)
    assert (found["low"], found["high"], found["distinguishable"]) == (
        pytest.approx(low),
        pytest.approx(high),
        True,
    )
    (random,) = rows_of(dm + real, condenser="random")
    assert random["comparison"] is None


def test_a_difference_inside_its_interval_is_not_distinguishable(measure: Measure) -> None:
    dm = [measure("dm", 10, s, [v]) for s, v in enumerate([52.0, 59.0, 73.0])]
    real = [measure("random", 10, s, [v]) for s, v in enumerate([50.0, 60.0, 70.0])]
    (row,) = rows_of(dm + real, condenser="dm")
    assert row["comparison"]["difference"] > 0 and row["comparison"]["distinguishable"] is False


def test_random_of_another_ipc_recipe_or_data_is_no_comparison(measure: Measure) -> None:
    for change in (
        {"ipc": 1},
        {"recipe": "none"},
        {"data": "digits"},
        {"scenario": "accuracy-mlp"},
    ):
        other = measure("random", 10, 0, [1.0, 2.0])
        other["cell"] |= change
        (row,) = rows_of([measure("dm", 10, 0, [90.0, 91.0]), other], condenser="dm")
        assert row["comparison"] is None, change


def test_equal_bytes_takes_the_largest_random_set_that_is_no_larger(measure: Measure) -> None:
    records = []
    for seed in range(3):
        tiles = measure("tiles", 10, seed, [90.0 + seed])
        tiles["bytes"] = 40_000
        records += [tiles, measure("dm", 10, seed, [85.0 + seed])]
        records += [
            measure("random", ipc, seed, [v + seed])
            for ipc, v in ((1, 40.0), (5, 70.0), (10, 80.0))
        ]
    (tiles,) = rows_of(records, condenser="tiles")
    assert tiles["comparison"]["difference"] == pytest.approx(10.0)
    assert tiles["equal_count_is_equal_bytes"] is False
    assert tiles["comparison_bytes"]["difference"] == pytest.approx(20.0)
    assert (tiles["comparison_bytes"]["ipc"], tiles["comparison_bytes"]["bytes"]) == (5, 39250)
    (dm,) = rows_of(records, condenser="dm")
    assert dm["equal_count_is_equal_bytes"] is True and dm["comparison_bytes"] == dm["comparison"]


def test_references_stand_without_ipc_and_bytes(whole: dict[str, Any]) -> None:
    (row,) = [row for row in whole["rows"] if row["condenser"] == "full-data"]
    assert (row["ipc"], row["bytes"], row["comparison"], row["reference"]) == (
        None,
        None,
        None,
        True,
    )
    joint = [row["metric"] for row in whole["rows"] if row["condenser"] == "joint"]
    assert joint == ["replay/final-accuracy", "gdumb/final-accuracy"]


def test_measurements_that_differ_in_a_setting_are_not_mixed(measure: Measure) -> None:
    short, long = measure("dm", 10, 0, [80.0]), measure("dm", 10, 1, [90.0])
    long["cell"]["settings"] = {"epochs": 300, "augmentation": "card"}
    assert [(row["variant"], row["mean"]) for row in rows_of([short, long])] == [
        ("epochs=10", 80.0),
        ("epochs=300", 90.0),
    ]
    long["cell"]["settings"] = {"epochs": 10, "augmentation": "card"}  # told by the recipe already
    assert [(row["variant"], row["n"]) for row in rows_of([short, long])] == [("", 2)]


def test_condensation_rows(whole: dict[str, Any]) -> None:
    (row,) = [
        r
        for r in whole["rows"]
        if (r["scenario"], r["condenser"], r["ipc"]) == ("condense", "dm", 10)
    ]
    assert (row["metric"], row["unit"], row["n"], row["comparison"]) == ("seconds", "s", 5, None)
    assert row["mean"] == pytest.approx(30.02)
    assert "Energy: not measured (no readable meter)." in whole["notes"]


def test_joules_become_rows_where_they_were_measured(records: list[dict[str, Any]]) -> None:
    dm = [
        r
        for r in records
        if r["kind"] == "condense" and r["cell"]["label"] == "dm" and r["cell"]["ipc"] == 10
    ]
    made = copy.deepcopy(dm)
    for record in made:
        record["condensation"]["joules"] = 100.0 + record["cell"]["seed"]
    (row,) = rows_of(made, metric="joules")
    assert (row["mean"], row["unit"], row["n"]) == (102.0, "J", 5)
    assert "Energy: read from a meter." in build({"suite": "s"}, made, [])["notes"]


def test_same_records_same_report(
    suite: dict[str, Any], records: list[dict[str, Any]], whole: dict[str, Any]
) -> None:
    assert build(suite, records[::-1], []) == whole
