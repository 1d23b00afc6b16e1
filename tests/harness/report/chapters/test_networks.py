"""The cross-architecture table: sets as rows, networks as columns, an interval a cell, in every
format and from a real run.
"""

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy import special, stats

from harness.report.building import build, render
from harness.report.formats.terminal import print_report
from harness.report.tables import tables
from tests.harness.report.conftest import made, with_values
from tests.helpers.command_line import Harness

NETWORKS = {"convnet": 70.0, "resnet18 width=16": 60.0, "vgg11": 55.0, "alexnet": 40.0}
MEAN = "mean-test-accuracy"
SUITE = """
data = ["digits"]
seeds = 3
ipc = [1]

[[condensers]]
method = "random"

[[condensers]]
method = "k-means"

[[scenarios]]
scenario = "cross-architecture"
architectures = ["mlp", { name = "convnet", depth = 2, width = 8 }]
networks = 1
epochs = 20
full_epochs = 1
"""


def record(label: str, gain: float, seed: int, ipc: int | None = 10) -> dict[str, Any]:
    rng = np.random.default_rng([seed, int(gain * 10)])
    levels = {
        name: (level + gain + rng.normal(0, 0.5, 2)).tolist() for name, level in NETWORKS.items()
    }
    metrics = [(f"test-accuracy of {name}", values, "%", True) for name, values in levels.items()]
    mean = np.mean(list(levels.values()), axis=0).tolist()
    found = made("cross-architecture", label, ipc, seed, reference=ipc is None)
    return with_values(found, *metrics, (MEAN, mean, "%", True))


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    sets = [
        record(label, gain, seed)
        for label, gain in (("random", 0.0), ("dm", 6.0))
        for seed in range(3)
    ]
    return sets + [record("full-data", 25.0, seed, None) for seed in range(3)]


@pytest.fixture(scope="module")
def report(records: list[dict[str, Any]]) -> dict[str, Any]:
    return build({"suite": "s", "cells": [r["key"] for r in records]}, records, [])


def cell(records: list[dict[str, Any]], label: str, index: int) -> str:
    """Mean and interval over the seeds' means, as text: Student's on the logit scale, by hand."""
    own = [
        r["outcome"]["measurements"][index]["values"]
        for r in records
        if r["cell"]["label"] == label
    ]
    means = [float(np.mean(values)) for values in own]
    share = np.mean(means) / 100
    slope = 1 / (share * (1 - share))
    ends = stats.t.interval(0.95, 2, loc=special.logit(share), scale=slope * stats.sem(means) / 100)
    low, high = 100 * special.expit(ends)
    return f"{np.mean(means):.1f} [{low:.1f}, {high:.1f}]"


def test_one_table_of_sets_by_networks(
    report: dict[str, Any], records: list[dict[str, Any]]
) -> None:
    first, *others = tables(report)
    assert first.title == "Cross-architecture accuracy on mnist-5k, %"
    assert [column.title for column in first.columns] == [
        "set",
        "bytes",
        "bits per class",
        *NETWORKS,
        "mean of all",
        "n",
    ]
    assert [section.title for section in first.sections] == ["ipc 10, 78,500 bytes", "references"]
    rows = {row[0]: row[3:] for section in first.sections for row in section.rows}
    for label in ("random", "dm", "full-data"):
        assert rows[label] == [*(cell(records, label, index) for index in range(5)), "3"]
    assert not first.is_detail
    assert [table.is_detail for table in others] == [True] * 5


def test_each_network_is_compared_with_random_images_trained_alike(report: dict[str, Any]) -> None:
    detail = next(t for t in tables(report) if t.title.endswith(": vgg11 against random images"))
    rows = {row[0]: row for section in detail.sections for row in section.rows}
    assert (
        rows["dm"][3].startswith("6")
        and rows["dm"][4].startswith("+")
        and rows["dm"][5] == "better"
    )
    assert rows["full-data"][4:6] == ["-", "-"]
    compared = next(
        r
        for r in report["rows"]
        if r["condenser"] == "dm" and r["metric"] == "test-accuracy of vgg11"
    )
    randoms = next(
        r
        for r in report["rows"]
        if r["condenser"] == "random" and r["metric"] == "test-accuracy of vgg11"
    )
    assert compared["comparison"]["difference"] == pytest.approx(compared["mean"] - randoms["mean"])


def test_the_headline_asks_for_the_mean(
    report: dict[str, Any], records: list[dict[str, Any]]
) -> None:
    (headline,) = report["headlines"]
    assert headline["question"].startswith(
        "Which set trains the most accurate networks of several architectures on mnist-5k"
    )
    assert headline["answer"].startswith(
        f"dm has the highest mean test accuracy, {cell(records, 'dm', 4)} %"
    )
    assert "Better than random" in headline["answer"]


@pytest.mark.parametrize("format", ["md", "latex", "html"])
def test_every_format_has_the_table(
    report: dict[str, Any], records: list[dict[str, Any]], format: str
) -> None:
    text = re.sub(r"<[^>]*>|[{}\\]", "", render(report, format))
    for index in range(5):
        assert cell(records, "dm", index) in text
    assert "resnet18 width=16" in text
    if format != "latex":
        assert "Percentage of the test images" in text and "averaged over the architectures" in text
    if format == "html":
        assert "Cross-architecture: other networks" in text
        assert render(report, format).count("<svg") == 2  # one of them on the first screen


def test_csv_names_the_network_in_the_metric(report: dict[str, Any]) -> None:
    lines = list(csv.DictReader(io.StringIO(render(report, "csv"))))
    assert [line["metric"] for line in lines if line["condenser"] == "dm"] == [
        *(f"test-accuracy of {n}" for n in NETWORKS),
        MEAN,
    ]


@pytest.mark.parametrize(("width", "all_shown"), [(120, True), (96, False)])
def test_a_narrow_terminal_keeps_the_networks(
    report: dict[str, Any], width: int, all_shown: bool
) -> None:
    file = io.StringIO()
    print_report(report, Console(width=width, file=file))
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    *_, line = [line for line in text.splitlines() if line.startswith("dm  ")]
    assert line.count("[") == (5 if all_shown else 4)


def test_a_run_ends_in_this_table(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(SUITE, encoding="utf-8")
    found = harness("run", path, "--out", tmp_path / "out", "--workers", 1)
    assert found.status == 0, found.err
    assert "Cross-architecture accuracy on digits, %" in found.out
    table = found.out.partition("Cross-architecture accuracy on digits, %")[2]
    assert re.search(
        r"set +bytes +class +mlp +(convnet depth=2 )?width=8 +mean of all +n", table
    ), table
    assert re.search(r"k-means +650 +520 +\d+\.\d \[\d", table)
    assert "full-data" in table


def test_a_duplicate_is_found_before_anything_runs(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(SUITE.replace('["mlp",', '["mlp", "mlp",'), encoding="utf-8")
    found = harness("run", path, "--out", tmp_path / "out")
    assert found.status == 2
    assert "cross-architecture.architectures: mlp is listed twice" in found.err
