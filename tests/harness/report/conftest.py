"""Made-up records of a whole run, in the store's format: two condensers' worth of sets over five
seeds, with references.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

SEEDS = 5
ENVIRONMENT = {
    "python": "3.11.2",
    "torch": "2.1",
    "cpu": "made-up CPU",
    "threads": 1,
    "device": "cpu",
}
SETS = {"dm": 6.0, "herding": 2.5, "k-means": 4.0, "k-means-centroids": 4.2, "random": 0.0}
ORIGINS = dict.fromkeys(("random", "herding", "k-center", "k-means"), "real images") | {
    "k-means-centroids": "averages of real images"
}
ARCHITECTURES = 16
EXPERIENCES = 5


def made(
    scenario: str | None, label: str, ipc: int | None, seed: int, reference: bool = False
) -> dict[str, Any]:
    """A record without an outcome."""
    cost = 30.0 if label == "dm" else 0.1
    where = f"{scenario or 'condense'}-{label}-{ipc}-{seed}"
    return {
        "format": 1,
        "key": where,
        "kind": "scenario" if scenario else "condense",
        "cell": {
            "scenario": scenario,
            "settings": {"epochs": 10} if scenario else {},
            "data": "mnist-5k",
            "condenser": None if reference else label,
            "reference": label if reference else None,
            "label": label,
            "ipc": None if reference else ipc,
            "seed": seed,
            "origin": None if reference else ORIGINS.get(label, "learned images"),
            "recipe": "dsa" if scenario == "accuracy" and not reference else None,
        },
        "bytes": None if reference or ipc is None else ipc * 10 * 785,
        "condensation": (
            None if reference else {"seconds": cost + seed / 100, "joules": "not measured"}
        ),
        "outcome": None,
        "environment": ENVIRONMENT,
        "command": "harness run demo --seeds 0,1,2,3,4",
        "seconds": 4.0,
    }


def with_values(
    record: dict[str, Any],
    *measurements: tuple[str, list[float], str, bool],
    drawn: str = "network",
) -> dict[str, Any]:
    """Give a record measurements (metric, values, unit, higher is better) and the costs of a
    made-up training.
    """
    found = [
        {
            "metric": m,
            "values": v,
            "repeats": [{drawn: i} for i in range(len(v))],
            "unit": u,
            "higher_is_better": h,
        }
        for m, v, u, h in measurements
    ]
    record["outcome"] = {
        "measurements": found,
        "costs": {"seconds": 3.0, "images": 30000},
        "detail": {},
    }
    return record


def _accuracy(rng: np.random.Generator, seed: int) -> list[dict[str, Any]]:
    base = rng.normal(0, 0.8)
    found = []
    for ipc, level in ((1, 42.0), (10, 74.0)):
        for label, gain in SETS.items():
            values = (level + gain + base + rng.normal(0, 0.7, size=2)).tolist()
            found.append(
                with_values(
                    made("accuracy", label, ipc, seed), ("test-accuracy", values, "%", True)
                )
            )
    full = (97.0 + base / 10 + rng.normal(0, 0.1, size=2)).tolist()
    return [
        *found,
        with_values(
            made("accuracy", "full-data", None, seed, True), ("test-accuracy", full, "%", True)
        ),
    ]


def _matrix(rng: np.random.Generator, keep: float) -> list[list[float]]:
    found = np.full((EXPERIENCES, EXPERIENCES), 0.0)
    for i in range(EXPERIENCES):
        for j in range(i + 1):
            found[i, j] = np.clip(97 - (i - j) * (30 - keep) / 2.2 + rng.normal(0, 2), 0, 100)
    return found.tolist()


def _stream(
    record: dict[str, Any], rng: np.random.Generator, protocols: dict[str, str], keep: float
) -> dict[str, Any]:
    measurements: list[tuple[str, list[float], str, bool]] = []
    matrices = {name: {str(k): _matrix(rng, keep) for k in range(3)} for name in protocols}
    for name, protocol in protocols.items():
        rs = [np.array(r) for r in matrices[name].values()]
        last = EXPERIENCES - 1
        figures = {
            "final-accuracy": ([r[-1].mean() for r in rs], "%", True),
            "anytime-accuracy": (
                [np.mean([r[i, : i + 1].mean() for i in range(EXPERIENCES)]) for r in rs],
                "%",
                True,
            ),
            "forgetting": (
                [(r[:last, :last].max(0) - r[-1, :last]).mean() for r in rs],
                "points",
                False,
            ),
            "backward-transfer": ([(r[-1] - r.diagonal())[:-1].mean() for r in rs], "points", True),
            "learning-accuracy": ([r.diagonal().mean() for r in rs], "%", True),
        }
        measurements += [
            (f"{protocol}/{m}", [float(x) for x in v], u, h) for m, (v, u, h) in figures.items()
        ]
    with_values(record, *measurements, drawn="order")["outcome"]["detail"] = {"R": matrices}
    return record


def _continual(rng: np.random.Generator, seed: int) -> list[dict[str, Any]]:
    both = {"replay": "replay", "gdumb": "gdumb"}
    found = [
        _stream(made("continual", label, ipc, seed), rng, both, 2.5 * gain + ipc / 2)
        for ipc in (1, 10)
        for label, gain in SETS.items()
    ]
    naive = _stream(made("continual", "naive", None, seed, True), rng, {"naive": "replay"}, -20.0)
    bound = (95 + rng.normal(0, 0.3, size=3)).tolist()
    metrics = [(f"{protocol}/final-accuracy", bound, "%", True) for protocol in both]
    return [
        *found,
        naive,
        with_values(made("continual", "joint", None, seed, True), *metrics, drawn="order"),
    ]


def scored(
    record: dict[str, Any], scores: Any, seconds: float, tested: Any = None
) -> dict[str, Any]:
    """Make a record one of a search; tested are the true accuracies, for the truth alone."""
    names = [f"a{i:02d}" for i in range(len(scores))]
    rows = [
        {"id": name, "validation": float(s), "seconds": seconds}
        for name, s in zip(names, scores, strict=True)
    ]
    for row, value in zip(rows, tested if tested is not None else [], strict=False):
        row["test"] = float(value)
    record["outcome"] = {
        "measurements": [
            {
                "metric": "architecture-score",
                "values": [float(s) for s in scores],
                "repeats": [{"architecture": name} for name in names],
                "unit": "%",
                "higher_is_better": True,
            }
        ],
        "costs": {"seconds": seconds * len(names), "images": 1000},
        "detail": {"architectures": rows, "failures": []},
    }
    return record


def _search(seed: int) -> list[dict[str, Any]]:
    true = 90 + 6 * np.random.default_rng(7).random(ARCHITECTURES)
    rng = np.random.default_rng([8, seed])
    test = true + rng.normal(0, 0.3, size=ARCHITECTURES)
    found = [scored(made("search", "truth", None, seed, True), test, 20.0, test)]
    for label, noise in {"dm": 1.0, "k-means": 1.8, "random": 4.0}.items():
        found.append(
            scored(
                made("search", label, 10, seed),
                true - 20 + rng.normal(0, noise, size=ARCHITECTURES),
                4.0,
            )
        )
    early = true - 3 + rng.normal(0, 1.5, size=ARCHITECTURES)
    found.append(scored(made("search", "early-stopping", None, seed, True), early, 4.5))
    for row in found[-1]["outcome"]["detail"]["architectures"]:
        row["curve"] = [
            _reading(row["validation"] + (3 - i) * rng.normal(0, 1.0), i) for i in (1, 2, 3)
        ]
    count = 1000 * np.random.default_rng(9).integers(1, 6, size=ARCHITECTURES)
    found.append(scored(made("search", "parameters", None, seed, True), count, 0.0))
    for record in found:
        for row, parameters in zip(
            record["outcome"]["detail"]["architectures"], count, strict=True
        ):
            row |= {"parameters": int(parameters), "images": 1000}
    return found


def _reading(validation: float, third: int) -> dict[str, float]:
    """A point of a curve of three: 4.5 s, 30 steps and 1,500 images."""
    return {
        "steps": 10 * third,
        "images": 500 * third,
        "seconds": 1.5 * third,
        "validation": float(validation),
    }


@pytest.fixture(scope="session")
def records() -> list[dict[str, Any]]:
    """A whole run: accuracy, continual and search over five seeds."""
    found = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        found += [made(None, label, ipc, seed) for ipc in (1, 10) for label in SETS]
        found += _accuracy(rng, seed) + _continual(rng, seed) + (_search(seed) if seed < 3 else [])
    return found


@pytest.fixture(scope="session")
def suite(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "suite": "demo",
        "seeds": list(range(SEEDS)),
        "cells": [record["key"] for record in records],
    }


@pytest.fixture
def measure() -> Callable[..., dict[str, Any]]:
    """measure(label, ipc, seed, values) -> an accuracy record with these values."""

    def one(
        label: str, ipc: int | None, seed: int, values: list[float], reference: bool = False
    ) -> dict[str, Any]:
        return with_values(
            made("accuracy", label, ipc, seed, reference), ("test-accuracy", values, "%", True)
        )

    return one


@pytest.fixture
def runs(measure: Callable[..., dict[str, Any]]) -> Callable[..., list[dict[str, Any]]]:
    """runs(label, values, ipc=10) -> accuracy records, one value a seed."""

    def several(label: str, values: list[float], ipc: int = 10) -> list[dict[str, Any]]:
        return [measure(label, ipc, seed, [value]) for seed, value in enumerate(values)]

    return several
