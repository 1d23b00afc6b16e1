"""`run --until` and `plan --detect`: seeds by the spread of one named comparison."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from condensers.errors import UsageError
from harness.reference.files import Reference
from harness.report.building import build
from harness.running.comparison import Comparison, find_pairs
from harness.statistics.sample_size import two_stage_half_width, values_of_width
from harness.store.store import Store
from tests.helpers.command_line import Harness

SUITE = """
about = "seconds"
data = ["digits"]
seeds = 3
ipc = [1]

[[condensers]]
method = "random"

[[condensers]]
method = "herding"

[[scenarios]]
scenario = "accuracy"
network = "mlp"
networks = 1
epochs = 2
references = ["full-data"]
full_epochs = 1

[[scenarios]]
scenario = "accuracy"
label = "other"
network = "mlp"
networks = 1
epochs = 1
references = []
seeds = 1
"""
PAIR = ("--compare", "herding:random", "--metric", "accuracy")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(SUITE, encoding="utf-8")
    return path


def differences(root: Path) -> list[float]:
    """Herding less random, by seed."""
    _, records, _ = Store(root).contents()
    values: dict[str, dict[int, float]] = {}
    for record in records:
        if record["cell"]["scenario"] == "accuracy":
            measured = record["outcome"]["measurements"][0]["values"]
            values.setdefault(record["cell"]["label"], {})[record["cell"]["seed"]] = measured[0]
    return [values["herding"][seed] - values["random"][seed] for seed in sorted(values["random"])]


def compared(root: Path) -> dict[str, Any]:
    rows = build(*Store(root).contents())["rows"]
    wanted = ("accuracy", "herding", "test-accuracy")
    (row,) = [r for r in rows if (r["scenario"], r["condenser"], r["metric"]) == wanted]
    found: dict[str, Any] = row["comparison"]
    return found


def test_seeds_are_planned_and_added_until_the_interval_is_narrow(
    harness: Harness, suite: Path, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    words = ("run", suite, "--out", root, "--workers", 1)
    nothing = harness("plan", suite, "--out", root, "--detect", 1)
    assert nothing.status == 2 and "run the suite with a few seeds first" in nothing.err
    assert harness(*words, "--quiet").status == 0
    first = differences(root)
    spread = float(np.std(first, ddof=1))
    planned = harness("plan", suite, "--out", root, "--detect", 1, *PAIR)
    assert f"have the standard deviation {spread:.3g}" in planned.out
    assert "to see a difference of 1 percentage points in 80 % of cases" in planned.out
    assert "seeds of accuracy: " in planned.out and "of computing" in planned.out
    assert harness("plan", suite, "--out", root, "--detect", 0).status == 2
    wanted = two_stage_half_width(spread, 3, 5) + 1e-6  # five seeds do
    assert values_of_width(spread, 3, wanted) == 5
    answer = harness(*words, "--until", wanted, *PAIR)
    assert answer.status == 0, answer.err
    assert "5 seeds do that, with a half-width of at most" in answer.err
    values = differences(root)
    assert len(values) == 5 and values[:3] == first
    row = compared(root)
    half = two_stage_half_width(spread, 3, 5)
    assert row["difference"] == pytest.approx(np.mean(values))
    assert (row["high"] - row["low"]) / 2 == pytest.approx(half, rel=0.01)  # on the logit scale
    said = " ".join(answer.out.split())
    assert "Stein's two stages, the first of 3" in said and "(1945), which hold" in said
    until = Store(root).suite()["until"]
    assert until["first_seeds"] == [0, 1, 2] and until["compared"] == ["herding", "random"]
    command = Store(root).suite()["command"].split()
    assert command[command.index("--compare") + 1] == "herding:random"
    seeds = {
        r["cell"]["seed"] for r in Store(root).contents()[1] if r["cell"]["scenario"] == "other"
    }
    assert seeds == {0}  # the other scenario is left alone
    again = harness(*words, "--until", wanted, *PAIR, "--quiet")
    assert again.status == 0 and differences(root) == values


def test_it_ends_at_most_at_a_number_of_seeds(
    harness: Harness, suite: Path, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    words = ("run", suite, "--out", root, "--workers", 1, "--quiet", "--until", 0.001)
    answer = harness(*words, "--most", 4, "--compare", "herding:full-data")
    assert answer.status == 0, answer.err
    assert "herding less full-data in test-accuracy (accuracy): --most 4 ended it" in answer.err
    assert "seeds would do it" in answer.err and len(differences(root)) == 4
    verified = harness("verify", root)
    assert verified.status == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--until", "1", "--set", "seeds=2"), "begins with 2 seeds, which say too little"),
        (("--until", "1", "--most", "2"), "--most 2: accuracy begins with 3 seeds"),
        (("--until", "-1"), "is not a number above 0"),
        (("--until", "nan"), "is not a number above 0"),
        (("--until", "1", "--compare", "herding:randon"), "did you mean 'random'?"),
        (("--until", "1", "--compare", "herding"), "write two that accuracy measures as A:B"),
        (("--until", "1", "--metric", "acuracy"), "did you mean 'accuracy'?"),
        (("--compare", "herding:random"), "add --until WIDTH"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    harness: Harness, suite: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    answer = harness("run", suite, "--out", tmp_path / "run", *words)
    assert answer.status == 2 and sentence in answer.err
    assert answer.err.count("\n") == 1 and not (tmp_path / "run").exists()


def test_plan_takes_the_spread_of_reference_results(
    harness: Harness, suite: Path, tmp_path: Path
) -> None:
    measured = SUITE.replace('"herding"', '"k-means"')  # the reference results have no herding
    suite.write_text(f'name = "demo"\n{measured}', encoding="utf-8")
    answer = harness("plan", suite, "--out", tmp_path / "none", "--detect", 1)
    assert answer.status == 0, answer.err
    assert "k-means less random in test-accuracy (accuracy), mnist-5k" in answer.out
    assert "5 seeds in reference:demo have the standard deviation" in answer.out


def test_what_is_resampled_is_refused() -> None:
    tau = Comparison("search", "kendall-tau", "dm", "random", "search")
    with pytest.raises(UsageError, match="resampled over architectures"):
        find_pairs(tau, Reference(Path("reference:demo")).contents())


def test_a_metric_of_strategies_means_each() -> None:
    forgetting = Comparison("continual", "forgetting", "dm", "random", "continual")
    suite, records, failures = Reference(Path("reference:demo")).contents()
    contents = (suite, [with_second_strategy(record) for record in records], failures)
    found = find_pairs(forgetting, contents)
    sizes = (("replay", 1), ("gdumb", 1), ("replay", 10), ("gdumb", 10))
    assert {pair.where for pair in found} == {f"mnist-5k, {s}, ipc {n}" for s, n in sizes}
    one = find_pairs(replace(forgetting, metric="gdumb/forgetting"), contents)
    assert [pair.where for pair in one] == ["mnist-5k, gdumb, ipc 1", "mnist-5k, gdumb, ipc 10"]
    by_place = {pair.where: pair.difference for pair in found}
    for pair in one:  # half of what replay forgets, so half of each difference
        assert pair.difference == by_place[pair.where]
        replay = by_place[pair.where.replace("gdumb", "replay")]
        assert pair.difference.mean == pytest.approx(replay.mean / 2)
    # Joint training forgets nothing.
    assert find_pairs(replace(forgetting, second="joint"), contents) == []


def with_second_strategy(record: dict[str, Any]) -> dict[str, Any]:
    """Let a second strategy have half of what replay measured."""
    outcome = record.get("outcome")
    if outcome is None:
        return record
    of_replay = [one for one in outcome["measurements"] if one["metric"].startswith("replay/")]
    halves = [
        {
            **one,
            "metric": one["metric"].replace("replay", "gdumb"),
            "values": [value / 2 for value in one["values"]],
        }
        for one in of_replay
    ]
    return {**record, "outcome": {**outcome, "measurements": [*outcome["measurements"], *halves]}}


def test_suite_json_with_a_bad_rule_is_damaged(
    harness: Harness, suite: Path, tmp_path: Path
) -> None:
    store = Store(tmp_path / "run")
    with store.lock():
        store.describe({"suite": "own", "cells": [], "command": "harness run", "until": {}})
    answer = harness("report", store.root)
    assert answer.status == 1 and "until.half_width: is missing" in answer.err
    assert json.loads((store.root / "suite.json").read_text())["until"] == {}
