"""`runs` and `diff` on stores that are written here."""

import copy
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from harness.report.chapters.difference import summarise_changes, tabulate_changes
from harness.report.runs import compare_runs
from harness.report.wording import bare_verdict
from harness.store.store import Store
from tests.harness.report.conftest import made, with_values
from tests.helpers.command_line import Harness

Records = list[dict[str, Any]]


def accuracies(gain: float, epochs: int = 10) -> Records:
    """Three seeds of two sets of ipc 10; dm is `gain` better than random, give or take little."""
    found = []
    for seed in range(3):
        for label, extra in (("dm", gain), ("random", 0.0)):
            record = made("accuracy", label, 10, seed)
            record["cell"] |= {
                "settings": {"epochs": epochs},
                "hyperparameters": {"name": label, "network": {"width": 8}},
            }
            found.append(
                with_values(
                    record,
                    ("test-accuracy", [50 + 3.0 * seed + extra + 0.1 * seed * extra], "%", True),
                )
            )
    return found


def store(root: Path, records: Records, lacking: int = 0) -> Store:
    written = Store(root)
    keys = [record["key"] for record in records] + [f"later{i}" for i in range(lacking)]
    written.describe(
        {
            "suite": root.name,
            "about": "",
            "command": f"harness run {root.name}",
            "cells": keys,
            "design": {},
        }
    )
    for record in records:
        written.write_record(record["key"], record)
    return written


def test_runs_say_status_age_and_size(harness: Harness, tmp_path: Path) -> None:
    whole, part, failed = (
        store(tmp_path / name, accuracies(1.0), n)
        for name, n in (("whole", 0), ("part", 2), ("failed", 1))
    )
    failed.write_failure("later0", {"sentence": "lost"})
    for record in whole.root.rglob("record.json"):
        os.utime(record, (time.time() - 7300, time.time() - 7300))
    with part.lock():
        running = json.loads(harness("runs", tmp_path, "--json").out)
    assert {run["suite"]: run["status"] for run in running} == {
        "whole": "complete",
        "part": "running",
        "failed": "1 failed",
    }
    text = harness("runs", tmp_path).out
    (line,) = [line for line in text.splitlines() if "/whole " in line]
    assert "complete" in line and "6/6" in line and "2 h" in line
    assert "2 left" in text and "6/8" in text
    assert running[0]["megabytes"] == pytest.approx(
        sum(p.stat().st_size for p in failed.root.rglob("*") if p.is_file()) / 1e6
    )


def test_runs_fit_eighty_columns(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("harness.report.formats.terminal.WIDTH", 80)
    store(tmp_path / "runs" / "a-suite-with-a-name", accuracies(1.0))
    lines = harness("runs").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("runs/a-suite-with-a-name" in line and "complete" in line for line in lines)


def test_a_change_is_paired_over_seeds_and_none_is_not_distinguishable(
    harness: Harness, tmp_path: Path
) -> None:
    b = accuracies(9.0, epochs=20)
    for record in b[::2]:
        record["cell"]["hyperparameters"]["network"]["width"] = 16
    for record in b:
        record["environment"] = record["environment"] | {"torch": "2.2", "threads": 4}
    store(tmp_path / "a", accuracies(5.0)), store(tmp_path / "b", b)
    found = json.loads(harness("diff", tmp_path / "a", tmp_path / "b", "--json").out)
    changes = {(row["what"], row["name"]): (row["a"], row["b"]) for row in found["configuration"]}
    assert changes["set dm", "network.width"] == (8, 16)
    assert changes["scenario accuracy", "epochs"] == (10, 20)
    assert ("set random", "network.width") not in changes
    assert {row["name"]: (row["a"], row["b"]) for row in found["environment"]} == {
        "torch": ("2.1", "2.2"),
        "threads": (1, 4),
    }
    figures = {row["condenser"]: row for row in found["figures"]}
    assert figures["dm"]["comparison"]["difference"] == pytest.approx(4 * 1.1)
    assert figures["dm"]["comparison"]["distinguishable"] and figures["dm"]["comparison"]["n"] == 3
    assert not figures["random"]["comparison"]["distinguishable"]
    text = harness("diff", tmp_path / "a", tmp_path / "b").out
    assert (
        "+4.4 [" in text
        and "better" in text
        and "not distinguishable" in text
        and "network.width" in text
    )


def test_seeds_that_are_not_shared_give_no_difference() -> None:
    a, b = accuracies(5.0), copy.deepcopy(accuracies(5.0))
    for record in b:
        record["cell"]["seed"] += 10
    found = compare_runs(({"suite": "a"}, a, []), ({"suite": "a"}, b, []))
    assert [row["comparison"] for row in found["figures"]] == [None, None]
    assert found["configuration"] == [
        {"what": "suite", "name": "seeds", "a": [0, 1, 2], "b": [10, 11, 12]}
    ]


def test_a_run_has_no_difference_to_itself(suite: dict[str, Any], records: Records) -> None:
    found = compare_runs((suite, records, []), (suite, records, []))
    assert found["configuration"] == found["environment"] == []
    assert all(
        not row["comparison"]["distinguishable"] for row in found["figures"] if row["comparison"]
    )
    assert sum(row["comparison"] is not None for row in found["figures"]) > 50
    assert ", 0 differ by more than chance." in summarise_changes(found)
    (table,) = tabulate_changes(found)
    assert all(
        bare_verdict(row[5]) in ("not distinguishable", "no interval", "-")
        for section in table.sections
        for row in section.rows
    )


def test_searches_of_other_architectures_are_not_compared(
    suite: dict[str, Any], records: Records
) -> None:
    renamed = copy.deepcopy(
        [record for record in records if record["cell"]["scenario"] == "search"]
    )
    for record in renamed:
        for row in record["outcome"]["detail"]["architectures"]:
            row["id"] = f"b{row['id']}"
        for repeat in record["outcome"]["measurements"][0]["repeats"]:
            repeat["architecture"] = f"b{repeat['architecture']}"
    found = compare_runs((suite, records, []), (suite, renamed, []))
    ranks = [
        row for row in found["figures"] if row["metric"] == "kendall-tau" and row["a"] and row["b"]
    ]
    assert ranks and all(row["comparison"] is None for row in ranks)
