"""Make the record of the NAS-Bench-201 results.

    python docs/nas_bench_201_record.py RUN PUBLIC.npz TABLE CHECK docs/results/nas-bench-201.json

RUN is a run of the suite `nas-bench-201`, PUBLIC.npz holds published scores of all cells, TABLE is
the sampled truth, CHECK a JSON file of what was checked apart from the suite. The record holds
figures and our own scores of each cell; it holds no published accuracy of a cell.
`nas_bench_201.py` makes the page from it.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from nas_bench_201 import FIGURES, OURS, Row
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr

from harness.report.building import build
from harness.store.store import Store
from scenarios.search.ground_truth import files
from scenarios.search.spaces.cell_strings import isomorphism_class, parse_cell
from scenarios.search.spaces.nas_bench_201 import NasBench201Space

Array = NDArray[np.float64]
PUBLIC = ("logsynflow", "naswot", "synflow", "params", "nregions")
ABOVE = 60.0  # % that a cell of the sample exceeds


def make_record(run: Path, public: Path, table: str, check: Path) -> dict[str, Any]:
    """Everything that the page says, as JSON values."""
    store = Store(run)
    suite, records, failures = store.contents()
    report = build(suite, records, failures)
    scored = [record for record in records if _architectures(record)]
    return {
        "suite": suite["suite"],
        "command": "harness run nas-bench-201",
        "environment": report["environment"],
        "processor": _processor(),
        "cells": report["cells"],
        "cpu_hours": round(sum(_spent(record) for record in records) / 3600, 2),
        "truth": _truth(scored),
        "entries": [_entry(record) for record in scored],
        "readings": [_short(row) for row in report["readings"]],
        "combined": [_short(row) for row in report["combined_ranks"]],
        "rows": [_short(row) for row in report["rows"] if _is_rank(row)],
        "equal_cost": [
            {key: row[key] for key in ("condenser", "against", "at", "difference", "low", "high")}
            for row in report["equal_cost"]
        ],
        "public": _public(public, table, scored),
        "notes": report["notes"],
        "check": json.loads(check.read_text("utf-8")),
    }


def _architectures(record: Row) -> Sequence[Row]:
    detail = (record.get("outcome") or {}).get("detail") or {}
    rows: Sequence[Row] = detail.get("architectures") or []
    return rows


def _spent(record: Row) -> float:
    outcome, made = record.get("outcome") or {}, record.get("condensation") or {}
    seconds = (outcome.get("costs") or {}).get("seconds") or made.get("seconds") or 0.0
    return float(seconds)


def _truth(records: Sequence[Row]) -> Row | None:
    return next(
        (r["outcome"]["detail"]["truth"] for r in records if r["cell"]["reference"] == "truth"),
        None,
    )


def _entry(record: Row) -> dict[str, Any]:
    """Our own scores of each cell, a list for each reading; of the truth nothing but its name."""
    cell, rows = record["cell"], _architectures(record)
    found = {
        "scenario": cell["scenario"],
        "name": cell["label"],
        "key": record["key"],
        "seed": cell["seed"],
        "seconds": record["outcome"]["costs"].get("seconds"),
        "cells": [row["id"] for row in rows],
    }
    if cell["reference"] == "truth":
        return found
    if not all(row.get("curve") for row in rows):
        return found | {"scores": [float(f"{row['score']:.5g}") for row in rows]}
    steps = [point["steps"] for point in rows[0]["curve"]]
    return found | {
        "steps": steps,
        **{
            name: [[round(row["curve"][at][key], 4) for row in rows] for at in range(len(steps))]
            for name, key in (("accuracy", "validation"), ("loss", "loss"))
        },
    }


def _is_rank(row: Row) -> bool:
    return row["metric"].startswith(("kendall", "spearman", "precision", "regret", "partial"))


def _short(row: Row) -> dict[str, Any]:
    """What a table shows of a report's row, three decimals."""
    keys = ("scenario", "condenser", "metric", "mean", "low", "high", "n", "seeds", "steps")
    found = {key: _rounded(row[key]) for key in (*keys, "seconds", "by", "with") if key in row}
    nested = (*FIGURES, "over-accuracy", "over-score")
    return found | {key: _rounded(row[key]) for key in nested if key in row}


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return value


def _public(path: Path, table: str, records: Sequence[Row]) -> dict[str, Any]:
    """Spearman correlations: of public scores with truth, over all cells and over the sample; and
    of our scores with the public ones.
    """
    with np.load(path, allow_pickle=False) as loaded:
        truth = loaded["test_accuracy_cifar10"]
        scores = {name: loaded[f"{name}_cifar10"].astype(np.float64) for name in PUBLIC}
        choices = [parse_cell(str(cell)) for cell in loaded["arch"]]
        groups = loaded["unique"].tolist()
    space = NasBench201Space()
    place = {space.identifier(choice): at for at, choice in enumerate(choices)}
    sample = [place[name] for name in files.read_table(files.find_path(table)).ids]
    classes = [isomorphism_class(choice) for choice in choices]
    found: dict[str, Any] = {
        "cells": len(truth),
        "published_classes": len(set(groups)),
        "classes": len(set(classes)),
        "twins": _twins(truth, classes, groups, sample),
        "best": round(float(truth.max()), 2),
        "all": {name: _rho(values, truth) for name, values in scores.items()},
        "sample": {name: _rho(values[sample], truth[sample]) for name, values in scores.items()},
        "ours": [],
    }
    for record in records:
        cell = record["cell"]
        if cell["reference"] in OURS:
            own = {row["id"]: row["score"] for row in _architectures(record)}
            at = [place[name] for name in own]
            values = np.array(list(own.values()))
            other = scores[OURS[cell["reference"]]][at]
            found["ours"].append(
                {
                    "scenario": cell["scenario"],
                    "name": cell["reference"],
                    "seed": cell["seed"],
                    "with_public": _rho(values, other),
                    "with_truth": _rho(values, truth[at]),
                }
            )
    return found


def _twins(
    truth: Array, classes: Sequence[str], groups: Sequence[int], sample: Sequence[int]
) -> dict[str, Any]:
    """How far the truth of one network differs from itself: between isomorphic cells above 60 %.

    "ceiling": Kendall's tau between the sample and itself, each cell in the place of another of its
    class, mean of 200 draws; no score can be expected above it.
    """
    members: dict[str, list[int]] = {}
    for at, name in enumerate(classes):
        if truth[at] > ABOVE:
            members.setdefault(name, []).append(at)
    pairs = [
        (float(abs(truth[a] - truth[b])), groups[a] == groups[b])
        for each in members.values()
        for a, b in combinations(each, 2)
    ]
    draws = np.random.default_rng(0)
    some = draws.choice(np.flatnonzero(truth > ABOVE), (20_000, 2))
    twins = [(at, [one for one in members[classes[at]] if one != at]) for at in sample]
    twins = [(at, others) for at, others in twins if others]
    own = truth[[at for at, _ in twins]]
    taus = [
        kendalltau(own, truth[[draws.choice(others) for _, others in twins]]).statistic
        for _ in range(200)
    ]
    return {
        "same_published_class": _median([gap for gap, same in pairs if same]),
        "joined_by_ours_alone": _median([gap for gap, same in pairs if not same]),
        "any_two": _median([float(abs(truth[a] - truth[b])) for a, b in some]),
        "with_twin": len(twins),
        "ceiling": round(float(np.mean(taus)), 3),
    }


def _median(gaps: Sequence[float]) -> dict[str, Any]:
    return {"points": round(float(np.median(gaps)), 3), "pairs": len(gaps)}


def _rho(a: Array, b: Array) -> float:
    return round(float(spearmanr(a, b).statistic), 3)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else "not known"


def main(run: str, public: str, table: str, check: str, out: str) -> None:
    """Write the record."""
    record = make_record(Path(run), Path(public), table, Path(check))
    text = json.dumps(record, separators=(",", ":"))
    Path(out).write_text(text.replace('{"scenario"', '\n{"scenario"') + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
