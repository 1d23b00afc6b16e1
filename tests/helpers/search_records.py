"""Made-up records of a search of any size, and what is read from its report."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.report.building import build
from tests.harness.report.conftest import made, scored

Record = dict[str, Any]
SEEDS = 3


def built(records: Sequence[Record]) -> dict[str, Any]:
    return build({"suite": "s", "cells": [r["key"] for r in records]}, records, [])


def searched(
    proxies: dict[str, tuple[int | None, np.ndarray, float]], true: np.ndarray, count: np.ndarray
) -> list[Record]:
    """The truth, validated apart from its test, and proxies: label -> ipc (None: a baseline),
    scores, and their noise.
    """
    found = []
    for seed in range(SEEDS):
        rng = np.random.default_rng([21, seed])
        test, validation = (true + rng.normal(0, 0.2, size=len(true)) for _ in range(2))
        found.append(scored(made("search", "truth", None, seed, True), validation, 20.0, test))
        for label, (ipc, scores, noise) in proxies.items():
            noisy = scores + rng.normal(0, noise, size=len(true))
            found.append(
                scored(
                    made("search", label, ipc, seed, ipc is None),
                    noisy,
                    0.0 if ipc is None else 4.0,
                )
            )
    for record in found:
        for row, parameters in zip(
            record["outcome"]["detail"]["architectures"], count, strict=True
        ):
            row |= {"parameters": int(parameters), "images": 1000}
    return found


def of(records: Sequence[Record], label: str) -> list[Record]:
    return [record for record in records if record["cell"]["label"] == label]


def values(records: Sequence[Record], label: str, name: str) -> np.ndarray:
    """(seeds, A) numbers of the architectures' rows."""
    return np.array(
        [[row[name] for row in r["outcome"]["detail"]["architectures"]] for r in of(records, label)]
    )


def row_of(report: dict[str, Any], condenser: str, metric: str) -> dict[str, Any]:
    (row,) = [
        row for row in report["rows"] if (row["condenser"], row["metric"]) == (condenser, metric)
    ]
    return row


def pair(report: dict[str, Any], condenser: str, against: str, at: str) -> dict[str, Any]:
    (row,) = [
        r
        for r in report["equal_cost"]
        if (r["condenser"], r["against"], r["at"]) == (condenser, against, at)
    ]
    return row
