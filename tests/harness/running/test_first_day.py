"""A run directory says on which day its run was begun, and goes on saying so."""

import re
from pathlib import Path

from harness.report.runs import merge_runs
from harness.running.run import find_first_day
from harness.store.store import Store


def describe(root: Path, **more: str) -> Store:
    store = Store(root)
    store.describe({"suite": "s", "cells": [], "command": "harness run s", **more})
    return store


def test_the_first_day_is_kept_and_today_stands_in(tmp_path: Path) -> None:
    assert find_first_day(describe(tmp_path / "old", date="2025-12-31")) == "2025-12-31"
    for store in (describe(tmp_path / "without"), Store(tmp_path / "new")):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", find_first_day(store))


def test_runs_that_are_merged_give_all_their_days(tmp_path: Path) -> None:
    runs = [
        (name, describe(tmp_path / name, date=day).contents())
        for name, day in (("b", "2026-01-02"), ("a", "2026-01-01"))
    ]
    assert merge_runs(runs)[0]["date"] == "2026-01-01, 2026-01-02"
