"""Masks in the report: one table of a view's figures, its pictures inside the page, and a note on a
view without work.
"""

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from harness.report.building import build, render

FIGURES = {
    "deletion-auc": 0.2,
    "insertion-auc": 0.7,
    "pointing-accuracy": 88.0,
    "mask-overlap": 0.4,
    "kept": 30.0,
}


def png() -> str:
    file = io.BytesIO()
    Image.fromarray(np.zeros((9, 20, 3), np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def measured(
    measure: Callable[..., dict[str, Any]], name: str, seed: int, by: float
) -> dict[str, Any]:
    record = measure(name, None, seed, [0.0], reference=True)
    record["cell"] |= {
        "scenario": "mask-quality",
        "condenser": None,
        "ipc": None,
        "recipe": None,
        "settings": {},
    }
    record["outcome"]["measurements"] = [
        {
            "metric": metric,
            "values": [value + by * seed],
            "repeats": [{"network": 0}],
            "unit": "of 1",
            "higher_is_better": True,
        }
        for metric, value in FIGURES.items()
    ]
    record["outcome"]["detail"] = {"pictures": png()}
    return record


def test_one_table_and_the_pictures_beside_each_other(
    measure: Callable[..., dict[str, Any]],
) -> None:
    records = [
        measured(measure, name, seed, 0.01) for name in ("saliency", "uniform") for seed in range(3)
    ]
    report = build({"suite": "masks", "cells": [r["key"] for r in records]}, records, [])
    assert [(one["condenser"], one["scenario"]) for one in report["masks"]] == [
        ("saliency", "mask-quality"), ("uniform", "mask-quality"),
    ]  # fmt: skip
    page = render(report, "html")
    assert page.count("data:image/png;base64,") == 2
    assert page.count("Masks: saliency") == 2, "in the title and above the picture"
    text = render(report, "md")
    line = next(line for line in text.splitlines() if "saliency" in line and "0.21" in line)
    assert all(value in line for value in ("0.71", "88.01", "0.41", "30.01"))


def test_a_view_that_changed_next_to_nothing(measure: Callable[..., dict[str, Any]]) -> None:
    records = []
    for name, share in (("background", 0.003), ("attention", 0.4)):
        for seed in range(2):
            record = measure("dm", 10, seed, [50.0])
            view = {
                "name": name,
                "changed": 0.1,
                "pixels_changed": share + 0.001 * (seed - 0.5),
                "kept": 0.9,
            }
            records.append(
                {
                    **record,
                    "key": f"{name}{seed}",
                    "kind": "condense",
                    "outcome": None,
                    "view": view,
                }
            )
    notes = build({"suite": "views", "cells": [r["key"] for r in records]}, records, [])["notes"]
    data = records[0]["cell"]["data"]
    changed = f"View background changed 0.3 % of the pixels of {data}, which is next to nothing."
    assert changed in notes
    assert not any("View attention" in note for note in notes)
