"""Privacy in the report: attacks side by side, a claim only where an interval carries it, and the
caution beside a failure.
"""

from collections.abc import Callable
from typing import Any

import pytest

from harness.report.building import build, render
from harness.report.tables import tables
from tests.harness.report.chapters.test_masks import png

Measure = Callable[..., dict[str, Any]]
SPREAD = (-0.01, 0.0, 0.01, 0.02, -0.02, 0.0, 0.015, -0.015)
KNOWN = {
    "lira-auc": 0.5,
    "loss-auc": 0.5,
    "nearest-pixels-auc": 0.5,
    "lira-tpr@1 %": 1.0,
    "near-copies": 1.0,
}


def attacked(
    measure: Measure, name: str, figures: dict[str, float], reference: bool = False, seed: int = 0
) -> dict[str, Any]:
    record = measure(name, None if reference else 10, seed, [0.0], reference=reference)
    record["cell"] |= {
        "scenario": "privacy",
        "settings": {},
        "recipe": None if reference else "none",
    }
    record["outcome"]["measurements"] = [
        {
            "metric": metric,
            "values": [mean * (1 + by + 0.004 * (seed - 1.5)) for by in SPREAD],
            "repeats": [{"target": t} for t in range(len(SPREAD))],
            "unit": "area" if metric.endswith("-auc") else "%",
            "higher_is_better": metric == "half-accuracy",
        }
        for metric, mean in ({**KNOWN, "half-accuracy": 90.0} | figures).items()
    ]
    words = {"title": "Nearest to training images", "rows": ["of the set", "nearest real"]}
    record["outcome"]["detail"] = {
        "said": ["too few for 0.1 %"],
        **({} if reference else {"pictures": png(), "pictured": words}),
    }
    return record


def built(measure: Measure, seeds: int) -> dict[str, Any]:
    records = [
        record
        for seed in range(seeds)
        for record in (
            attacked(
                measure, "random", {"nearest-pixels-auc": 0.7, "near-copies": 100.0}, seed=seed
            ),
            attacked(measure, "dm", {}, seed=seed),
            attacked(measure, "dsa", {"lira-tpr@1 %": 3.0}, seed=seed),
            attacked(measure, "full-data", {"lira-auc": 0.8}, reference=True, seed=seed),
            attacked(measure, "dp-sgd", {}, reference=True, seed=seed),
        )
    ]
    return build({"suite": "privacy", "cells": [r["key"] for r in records]}, records, [])


@pytest.fixture
def report(measure: Measure) -> dict[str, Any]:
    return built(measure, 4)


def test_a_claim_is_made_only_where_an_interval_carries_it(report: dict[str, Any]) -> None:
    (found,) = (h for h in report["headlines"] if "attacker" in h["question"])
    assert (
        found["question"]
        == "Can an attacker tell which images a set was made of on mnist-5k, augmentation none"
        " (privacy)?"
    )
    yes, no = found["answer"].split("On dm")
    assert "random at ipc 10 (nearest in pixels, AUC 0.700 [0.69" in yes
    assert "dsa at ipc 10 (LiRA, 3.0 [3.0, 3.0] % found at 1 % false positives)" in yes
    assert "the reference full-data (LiRA, AUC 0.800" in yes
    assert no.startswith(" at ipc 10 and the reference dp-sgd no attack did better than chance")
    assert "does not prove privacy" in no and "No Free Lunch" in no


def test_attacks_stand_side_by_side(report: dict[str, Any]) -> None:
    own = [table for table in tables(report) if table.scenario == "privacy"]
    assert [t.title.partition(": ")[2] for t in own] == [
        "AUC of each attack; 0.5 is chance",
        "true positives at 1 % false positives, %; 1 is chance",
        "AUC of LiRA against random images",
    ]
    assert [c.title for c in own[0].columns] == [
        "set",
        "bytes",
        "bits per class",
        "LiRA",
        "loss threshold",
        "nearest in pixels",
        "near copies, %",
        "test accuracy, %",
        "n",
    ]
    rows = {row[0]: row for section in own[0].sections for row in section.rows}
    assert set(rows) == {"random", "dm", "dsa", "full-data", "dp-sgd"}
    assert rows["random"][5].startswith("0.700 [") and rows["full-data"][3].startswith("0.800 [")
    assert "Student's t on the logit scale over seeds" in own[0].footnotes[0]


def test_copies_are_pictured_and_what_is_lacking_is_said(report: dict[str, Any]) -> None:
    page = render(report, "html")
    assert page.count("data:image/png;base64,") == 3
    assert (
        "Nearest to training images: dm at ipc 10, mnist-5k" in page
        and ">nearest real</text>" in page
    )
    assert "Privacy: which images a set was made of" in page
    assert "Privacy on mnist-5k: too few for 0.1 %." in report["notes"]


def test_targets_of_one_seed_carry_no_claim(measure: Measure) -> None:
    """They share one pool of halves, so that all rows rise and fall with its luck."""
    (found,) = (h for h in built(measure, 1)["headlines"] if "attacker" in h["question"])
    assert found["answer"].startswith(
        "No claim on random at ipc 10, dm at ipc 10, dsa at ipc 10, the reference full-data and the"
    )
    assert "better than chance" not in found["answer"]


def test_one_value_carries_no_claim(measure: Measure) -> None:
    record = attacked(measure, "dm", {"lira-auc": 0.9})
    for measurement in record["outcome"]["measurements"]:
        measurement["values"], measurement["repeats"] = (
            measurement["values"][:1],
            measurement["repeats"][:1],
        )
    (found,) = (
        h
        for h in build({"cells": [record["key"]]}, [record], [])["headlines"]
        if "attacker" in h["question"]
    )
    assert (
        found["answer"]
        == "No claim on dm at ipc 10: there is one seed, and all its targets share the same halves"
        " of the data."
    )
