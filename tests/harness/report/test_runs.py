"""Several runs in one report: equal cells once, and a run is named only where rows would be equal
without being so.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.report.building import build, render
from harness.report.runs import merge_runs
from harness.store.store import Store
from tests.helpers.command_line import Harness

Records = list[dict[str, Any]]
Runs = Callable[..., Records]


def as_run(name: str, records: Records) -> tuple[str, Any]:
    keys = [record["key"] for record in records]
    return name, (
        {"suite": name, "command": f"harness run {name}", "cells": keys, "design": {}},
        records,
        [],
    )


def changed(records: Records, seeds: int = 0, **hyperparameters: object) -> Records:
    """The same sets under other keys, with other seeds or hyperparameters."""
    found = copy.deepcopy(records)
    for record in found:
        record["key"] = f"other-{record['key']}"
        record["cell"]["seed"] += seeds
        record["cell"]["hyperparameters"] = hyperparameters or None
    return found


def rows(*given: tuple[str, Any]) -> dict[tuple[str, str], int]:
    """(label, variant) -> n of each row."""
    built = build(*merge_runs(given))
    return {(row["condenser"], row["variant"]): row["n"] for row in built["rows"]}


def test_equal_cells_count_once_and_other_sets_are_added(runs: Runs) -> None:
    shared, dm, herding = (
        runs("random", [50.0, 51.0]),
        runs("dm", [60.0, 61.0]),
        runs("herding", [55.0, 56.0]),
    )
    found = rows(as_run("a", shared + dm), as_run("b", shared + herding))
    assert found == {("random", ""): 2, ("dm", ""): 2, ("herding", ""): 2}


UNTIL = {
    "half_width": 1.0,
    "compared": ["dm", "random"],
    "scenario": "accuracy",
    "metric": "test-accuracy",
    "first_seeds": [0, 1, 2],
    "most": 50,
    "ended": "5 seeds do that, with a half-width of at most 0.9.",
}


def test_a_run_that_a_rule_ended_says_so_alone_and_merged(runs: Runs) -> None:
    dm, random = runs("dm", [61.0, 62.0, 64.0, 61.5, 62.5]), runs("random", [60.0] * 5)
    name, (suite, records, failures) = as_run("a", dm + random)
    stopped = name, ({**suite, "until": UNTIL}, records, failures)
    alone = build(*merge_runs([stopped]))
    methods = {row["condenser"]: row["interval"] for row in alone["rows"]}
    assert methods["dm"] == "Stein's two stages, the first of 3, on the logit scale"
    assert any("most 0.9. Its intervals" in note for note in alone["notes"])
    both = build(*merge_runs([stopped, as_run("b", runs("herding", [55.0, 56.0, 58.0]))]))
    assert any(note.startswith("Seeds of a were added until") for note in both["notes"])
    assert all("Stein" not in row["interval"] for row in both["rows"])


def test_further_seeds_of_one_thing_are_one_row(runs: Runs) -> None:
    dm = runs("dm", [60.0, 61.0])
    assert rows(as_run("a", dm), as_run("b", changed(dm, seeds=2))) == {("dm", ""): 4}


def test_sets_that_differ_say_their_run_and_share_the_random_images(runs: Runs) -> None:
    shared, dm = runs("random", [50.0, 51.0, 52.0]), runs("dm", [60.0, 61.5, 61.0])
    built = build(
        *merge_runs([as_run("a", shared + dm), as_run("b", shared + changed(dm, iterations=9))])
    )
    found = {row["condenser"]: row["comparison"] for row in built["rows"]}
    assert list(found) == ["random", "dm (a)", "dm (b)"]
    assert found["dm (a)"] == found["dm (b)"] and found["dm (a)"]["distinguishable"]


def test_where_random_images_differ_runs_stand_apart_and_are_compared_within(runs: Runs) -> None:
    a = runs("random", [50.0, 51.0, 52.0]) + runs("dm", [60.0, 61.5, 61.0])
    b = changed(a)
    for record in b:
        record["outcome"]["measurements"][0]["values"] = [80.0 + record["cell"]["seed"]]
    built = build(*merge_runs([as_run("a", a), as_run("b", b)]))
    found = {(row["condenser"], row["variant"]): row["comparison"] for row in built["rows"]}
    assert set(found) == {(label, f'run="{run}"') for label in ("random", "dm") for run in "ab"}
    assert found["dm", 'run="a"']["difference"] > 9 and found["dm", 'run="b"'][
        "difference"
    ] == pytest.approx(0)


def test_a_failure_that_another_run_made_good_is_none(runs: Runs) -> None:
    dm = runs("dm", [60.0, 61.0])
    name, (suite, records, _) = as_run("a", dm)
    failure = {"key": dm[1]["key"], "cell": dm[1]["cell"], "sentence": "lost"}
    built = build(*merge_runs([(name, (suite, records[:1], [failure])), as_run("b", dm)]))
    assert built["failures"] == [] and built["cells"] == {
        "total": 2,
        "done": 2,
        "failed": 0,
        "missing": [],
    }
    assert built["commands"][:2] == ["harness run a", "harness run b"]


def test_the_command_takes_several_folders_and_every_format(
    harness: Harness, runs: Runs, tmp_path: Path
) -> None:
    for name, records in (("a", runs("random", [50.0, 51.0])), ("b", runs("dm", [60.0, 61.0]))):
        store = Store(tmp_path / name)
        store.describe(as_run(name, records)[1][0])
        for record in records:
            store.write_record(record["key"], record)
    answer = harness(
        "report",
        tmp_path / "a",
        tmp_path / "b",
        "--format",
        "md,csv,json,latex,html",
        "--out",
        tmp_path / "out",
    )
    assert answer.status == 0, answer.err
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {
        ".md",
        ".csv",
        ".json",
        ".tex",
        ".html",
    }
    built = json.loads((tmp_path / "out" / "report.json").read_text())
    assert built["suite"] == "a + b" and [row["condenser"] for row in built["rows"]] == [
        "random",
        "dm",
    ]
    assert built["rows"][1]["comparison"]["difference"] == pytest.approx(10)
    assert "Report of a + b" in harness("report", tmp_path / "a", tmp_path / "b").out
    assert render(built, "csv").count("\n") == 3
