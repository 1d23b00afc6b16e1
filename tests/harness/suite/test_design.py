"""Factorial designs of condensers, and the main effects of their factors."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.statistics.effects import fit_effects, main_effects
from harness.statistics.intervals import interval
from harness.suite import definition
from harness.suite.design import expand
from tests.helpers.command_line import Harness
from tests.helpers.suites import TINY

FACTORS = {
    "method": ["dm", "dc", "dsa"],
    "view": ["none", "mask"],
    "term": ["no term", "cross", "far"],
}
ADDS = {
    "dm": 0.0,
    "dc": -2.0,
    "dsa": 1.5,
    "none": 0.0,
    "mask": 0.7,
    "no term": 0.0,
    "cross": 3.0,
    "far": -0.25,
}


def table(fraction: str, factors: dict[str, list[str]] = FACTORS) -> dict[str, Any]:
    return {"fraction": fraction} | {
        f: [{"level": one, f: one} for one in levels] for f, levels in factors.items()
    }


def runs(fraction: str = "full") -> Any:
    faults: list[str] = []
    design, entries = expand(table(fraction), faults)
    assert not faults and [entry["label"] for entry in entries] == list(design.runs)
    return design.runs


def test_a_full_design_has_every_combination_and_a_latin_one_a_balanced_part() -> None:
    assert list(runs()) == [", ".join(one) for one in product(*FACTORS.values())]
    part = runs("latin")
    assert len(part) == 6 and set(part) < set(runs())
    for factor, term in product(("method", "view"), FACTORS["term"]):
        counts = [
            sum(run["term"] == term and run[factor] == level for run in part.values())
            for level in FACTORS[factor]
        ]
        assert max(counts) - min(counts) <= 1
    assert all(sum(run["term"] == term for run in part.values()) == 2 for term in FACTORS["term"])


@pytest.mark.parametrize("fraction", ["full", "latin"])
def test_effects_of_a_model_without_interactions_are_found_exactly(fraction: str) -> None:
    chosen = runs(fraction)
    values = {
        label: 40.0 + sum(ADDS[level] for level in run.values()) for label, run in chosen.items()
    }
    if fraction == "latin":
        assert (
            fit_effects(FACTORS, {label: chosen[label] for label in list(chosen)[:5]}, values)
            is None
        )
    found = fit_effects(FACTORS, chosen, values)
    assert found == pytest.approx(
        {(f, one): ADDS[one] for f, levels in FACTORS.items() for one in levels[1:]}
    )


def test_the_interval_of_an_effect_is_that_of_its_seeds_and_places_are_averaged_first() -> None:
    chosen, random = runs(), np.random.default_rng(0)
    places = [
        {
            seed: {
                label: random.normal() + sum(ADDS[one] for one in run.values())
                for label, run in chosen.items()
            }
            for seed in range(4)
        }
        for _ in range(2)
    ]
    effect = next(one for one in main_effects(FACTORS, chosen, places) if one.level == "cross")
    each = [[fit_effects(FACTORS, chosen, place[seed]) for place in places] for seed in range(4)]
    values = [sum(one["term", "cross"] for one in pair if one) / 2 for pair in each]
    assert effect.baseline == "no term" and effect.change is not None
    assert (
        effect.change.mean == pytest.approx(np.mean(values))
        and effect.change.n == 4
        and effect.change.method == "Student's t"
    )
    assert effect.change.low is not None and effect.change.low < effect.change.mean
    staged = main_effects(FACTORS, chosen, places, first=(3, 2, 1))
    order = [values[seed] for seed in (1, 2, 3, 0)]
    assert next(one for one in staged if one.level == "cross").change == interval(order, first=3)
    del places[1][3]["dm, none, no term"]
    assert [one.change.n for one in main_effects(FACTORS, chosen, places) if one.change] == [
        4
    ] * 5  # 17 runs still suffice
    places[1][3] = {}
    assert [one.change.n for one in main_effects(FACTORS, chosen, places) if one.change] == [3] * 5
    assert [one.change for one in main_effects(FACTORS, chosen, [{0: {}}])] == [None] * 5


@pytest.mark.parametrize(
    "wrong, said",
    [
        (
            {"fraction": "half", "view": [{"level": "a"}, {"level": "b"}]},
            "design.fraction: unknown 'half'",
        ),
        ({"fraction": "full"}, "design: names no factor"),
        ({"view": ["a", "b"]}, "design.view: write each level as a"),
        ({"view": [{"level": "a"}]}, "design.view: has one level"),
        ({"view": [{"level": "a"}, {"level": "a"}]}, "design.view: level 'a' stands twice"),
        ({"view": [{"level": "a"}, {"name": "b"}]}, r"design.view\[1\]: needs a `level`"),
    ],
)
def test_faults_of_a_design_are_told(wrong: dict[str, Any], said: str) -> None:
    read = definition.parse({"data": ["digits"], "design": wrong}, "s")
    with pytest.raises(AssertionError, match=said):
        assert not read.faults, " ".join(read.faults)


SUITE = (
    TINY[: TINY.index("[[condensers]]")]
    + """
[design]
[[design.method]]
level = "dm"
method = "dm"
iterations = 3
batch_real = 8
network = { name = "convnet", depth = 2, width = 8 }
[[design.method]]
level = "dm-wide"
method = "dm"
iterations = 3
batch_real = 8
network = { name = "convnet", depth = 2, width = 12 }
[[design.start]]
level = "real"
[[design.start]]
level = "noise"
init = "noise"
"""
    + TINY[TINY.index("[[scenarios]]") :]
)


def test_a_suite_with_a_design_reports_effects_in_every_format(
    harness: Harness, tmp_path: Path
) -> None:
    path = tmp_path / "designed.toml"
    path.write_text(SUITE.replace('init = "noise"', "colour = 1"))
    refused = harness("run", path, "--out", tmp_path / "out")
    assert refused.status == 2 and "dm, noise" in refused.err and "colour" in refused.err
    path.write_text(SUITE.replace("ipc = [1]", "ipc = [1, 2]"))
    assert harness("run", path, "--out", tmp_path / "out", "--workers", 1).status == 0
    built = json.loads(harness("report", tmp_path / "out", "--format", "json").out)
    by_level = {
        (row["place"], row["level"]): row
        for row in built["effects"]
        if row["metric"] == "test-accuracy"
    }
    assert set(by_level) == {
        (p, one) for p in ("digits, ipc 1", "digits, ipc 2", "all") for one in ("dm-wide", "noise")
    }
    rows = {
        (row["condenser"], row["ipc"]): row["mean"]
        for row in built["rows"]
        if row["metric"] == "test-accuracy"
    }
    for ipc in (1, 2):
        expected = (
            sum(rows[f"{one}, noise", ipc] - rows[f"{one}, real", ipc] for one in ("dm", "dm-wide"))
            / 2
        )
        assert by_level[f"digits, ipc {ipc}", "noise"]["difference"] == pytest.approx(expected)
    both = [by_level[f"digits, ipc {ipc}", "noise"]["difference"] for ipc in (1, 2)]
    assert by_level["all", "noise"]["difference"] == pytest.approx(sum(both) / 2)
    for format in ("md", "latex", "html"):
        assert (
            "main effects on test accuracy"
            in harness("report", tmp_path / "out", "--format", format).out
        )
    assert any(
        "Which parts of the design change test-accuracy" in one["question"]
        for one in built["headlines"]
    )
