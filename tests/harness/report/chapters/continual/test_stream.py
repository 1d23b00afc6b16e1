"""Curves and accuracy matrices of continual learning: their means, and the figures of the page."""

from typing import Any

import numpy as np
import pytest

from harness.report.building import render
from tests.helpers.continual_records import Record, built, memory


def streamed(
    label: str, seed: int, strategy: str, matrices: list[Any], reference: bool = False
) -> Record:
    record = memory(
        label,
        seed,
        strategy,
        {"final-accuracy": [60.0] * len(matrices), "forgetting": [0.0] * len(matrices)},
        reference=reference,
    )
    record["outcome"]["detail"]["R"] = {
        strategy: {str(i): matrix for i, matrix in enumerate(matrices)}
    }
    return record


def test_curves_and_matrices_are_means_over_orders_then_seeds() -> None:
    one = [[90.0, 0.0, 0.0], [40.0, 80.0, 0.0], [60.0, 50.0, 70.0]]
    two = [[70.0, 0.0, 0.0], [70.0, 60.0, 0.0], [70.0, 60.0, 50.0]]
    records = [streamed("dm", 0, "replay", [one, two]), streamed("dm", 1, "replay", [two])]
    joint = streamed("joint", 0, "joint", [[[95.0]]], reference=True)
    unknown = memory("joint", 1, "joint", {"final-accuracy": [95.0]}, reference=True)
    unknown["outcome"]["detail"]["R"] = {"joint": None}
    (curve,) = built([*records, joint, unknown])["curves"]
    assert (curve["condenser"], curve["strategy"]) == ("dm", "replay")
    assert curve["forgetting"] == [(25.0 + 0.0) / 2, (15.0 + 0.0) / 2]
    assert curve["accuracy"] == pytest.approx([(80 + 70) / 2, (62.5 + 65) / 2, (60 + 60) / 2])
    assert curve["R"][1] == pytest.approx([(55 + 70) / 2, (70 + 60) / 2, 0])


def test_the_page_has_curves_of_both_kinds_and_heat_maps_with_naive() -> None:
    rng = np.random.default_rng(0)
    records = [
        streamed(label, s, "replay", [rng.uniform(0, 90, (3, 3)).tolist()])
        for label in ("dm", "random")
        for s in (0, 1)
    ]
    alone = render(built(records), "html").count("<svg")
    records += [
        streamed("naive", s, "naive", [rng.uniform(0, 90, (3, 3)).tolist()], reference=True)
        for s in (0, 1)
    ]
    text = render(built(records), "html")
    # curves and bars of accuracy and of forgetting, heat maps; first screen: one, and a verdict's
    assert alone == text.count("<svg") == 5 + 1 + 2
    assert "<image" not in text
    for said in (
        "Replay on mnist-5k, ipc 10: forgetting so far",
        "Replay on mnist-5k: accuracy matrix R",
        "after experience",
        "tested on experience",
    ):
        assert f"<!-- {said}" in text, said
    number = built(records)["curves"][-1]["R"][2][0]
    assert text.count(f"<!-- {number:.0f} -->") >= 1
