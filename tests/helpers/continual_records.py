"""Made-up records of continual learning, one strategy each."""

from typing import Any

from harness.report.building import build
from tests.harness.report.conftest import made, with_values

Record = dict[str, Any]


def memory(
    label: str, seed: int, strategy: str, values: dict[str, list[float]], **more: Any
) -> Record:
    """A record of one strategy: metric -> one value a class order. more: ipc, bytes, reference."""
    reference = more.get("reference", False)
    record = made("continual", label, None if reference else more.get("ipc", 10), seed, reference)
    metrics = [
        (f"{strategy}/{m}", v, "points" if m == "forgetting" else "%", m != "forgetting")
        for m, v in values.items()
    ]
    with_values(record, *metrics, drawn="order")
    if "bytes" in more:
        record["bytes"] = more["bytes"]
    return record


def bounds(seed: int, naive: list[float], joint: list[float]) -> list[Record]:
    return [
        memory(
            "naive",
            seed,
            "naive",
            {"final-accuracy": naive, "forgetting": [90.0] * len(naive)},
            reference=True,
        ),
        memory("joint", seed, "joint", {"final-accuracy": joint}, reference=True),
    ]


def built(records: list[Record]) -> dict[str, Any]:
    return build({"suite": "s", "cells": [r["key"] for r in records]}, records, [])
