"""No figure of a report leaves the scale of its metric: rows, differences, costs, energy, effects
of a design.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from harness.power import Power
from harness.report.building import build
from harness.statistics.bounds import Bounds, bounds_of
from harness.statistics.intervals import interval
from tests.harness.report.conftest import made, with_values

# unit, metric, and three values near an end of it whose Student's interval leaves it
EXTREMES: list[tuple[str, str, tuple[float, float, float]]] = [
    ("%", "test-accuracy", (99.9, 99.5, 90.0)),
    ("%", "replay/final-accuracy", (0.5, 9.0, 0.1)),
    ("points", "replay/forgetting", (99.9, 99.0, 90.0)),
    ("points", "replay/backward-transfer", (-99.9, -99.0, -90.0)),
    ("area", "lira-auc", (0.999, 0.99, 0.9)),
    ("%", "lira-tpr@1 %", (0.0, 0.0, 6.0)),
    ("", "coverage in pixels", (0.0, 0.01, 0.2)),
    ("", "density in pixels", (0.0, 0.01, 0.2)),
    ("squared usual distances", "frechet-distance in pixels", (0.1, 0.2, 9.0)),
    ("usual distances", "nearest-real-distance in pixels", (0.1, 0.2, 9.0)),
    ("of real images", "within-class-spread in pixels", (0.1, 0.2, 9.0)),
    ("of 1", "deletion-auc", (0.01, 0.01, 0.4)),
    ("of 1", "mask-overlap", (0.99, 0.99, 0.4)),
]


@pytest.mark.parametrize(
    ("unit", "metric", "values"),
    EXTREMES,
    ids=[metric.replace(" ", "-") for _, metric, _ in EXTREMES],
)
def test_every_row_of_a_report_stays_on_its_scale(
    unit: str, metric: str, values: tuple[float, ...]
) -> None:
    bounds = bounds_of(metric, unit)
    plain = interval(values)
    assert (
        plain.low is not None
        and plain.high is not None
        and (plain.low < bounds.low or plain.high > bounds.high)
    )
    records = []
    for seed, value in enumerate(values):
        other = bounds.low + bounds.high - value if np.isfinite(bounds.high) else value / 2
        other = -value if bounds.low == -bounds.high else other
        for label, one in (("dm", value), ("random", other)):
            records.append(
                with_values(made("a-scenario", label, 10, seed), (metric, [one], unit, True))
            )
    report = build({"suite": "s", "cells": []}, records, [])
    rows = [row for row in report["rows"] if row["metric"] == metric]
    assert len(rows) == 2
    for row in rows:
        assert bounds.low <= row["low"] < row["mean"] < row["high"] <= bounds.high, row
        if row["comparison"]:
            least, most = bounds.of_differences
            assert least <= row["comparison"]["low"] < row["comparison"]["high"] <= most


def test_costs_are_never_below_nothing() -> None:
    records = []
    for seed, spent in enumerate((0.1, 0.2, 30.0)):
        record = with_values(
            made("accuracy", "dm", 10, seed), ("test-accuracy", [50.0 + seed], "%", True)
        )
        record["outcome"]["costs"]["joules"] = spent
        condensed = made(None, "dm", 10, seed)
        condensed["condensation"] = {"seconds": spent, "joules": spent}
        records += [record, condensed]
    report = build({"suite": "s", "cells": []}, records, [], Power())
    costs = [row for row in report["rows"] if row["unit"] in ("s", "J")]
    assert len(costs) == 3 and all(0 < row["low"] < row["high"] for row in costs)
    energy = [
        row[part] for row in report["energy"]["rows"] for part in ("making", "use") if row[part]
    ]
    assert energy and all(0 < figure["low"] < figure["high"] for figure in energy)


def test_effects_of_a_design_stay_on_theirs() -> None:
    levels = {"plain": "a", "changed": "b"}
    design = {
        "factors": {"part": ["a", "b"]},
        "runs": {label: {"part": level} for label, level in levels.items()},
    }
    records = [
        with_values(made("accuracy", label, 10, seed), ("test-accuracy", [value], "%", True))
        for label, values in (("plain", (1.0, 2.0, 1.5)), ("changed", (99.0, 100.0, 60.0)))
        for seed, value in enumerate(values)
    ]
    report = build({"suite": "s", "cells": [], "design": design}, records, [])
    (effect,) = report["effects"]
    assert -100 < effect["low"] < effect["difference"] < effect["high"] < 100


def test_no_number_of_a_whole_report_leaves_its_scale(
    suite: Mapping[str, Any], records: list[dict[str, Any]]
) -> None:
    report = json.loads(json.dumps(build(suite, records, [])))
    for row in report["rows"]:
        bounds = bounds_of(row["metric"], row["unit"])
        correlation = row["unit"] == "" and row["metric"].startswith(
            ("kendall", "spearman", "pearson", "partial", "precision")
        )
        bounds = Bounds(-1, 1) if correlation else bounds
        if row["low"] is not None:
            assert bounds.low <= row["low"] <= row["high"] <= bounds.high, row
    assert sum(row["low"] is not None for row in report["rows"]) > 50
