"""Iterations that an amount of arithmetic buys, against operations counted by hand."""

from pathlib import Path
from typing import Any

import pytest

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from harness.suite import definition, plan
from harness.suite.compute import match_compute
from scenarios.datasets import load
from tests.helpers.suites import TINY

NETWORK = {"name": "convnet", "depth": 1, "width": 4}
DM = {"name": "dm", "batch_real": 8, "network": NETWORK}


def matched(spec: dict[str, Any], teraflops: float, data: ClassData, ipc: int = 1) -> Any:
    return match_compute(create_condenser(spec), teraflops, data, ipc, "condensers.dm.teraflops")


def by_hand(data: ClassData) -> float:
    """Operations of one step of DM at ipc 1: 8 real images of each class forward alone, which DM
    counts as a third of a pass, and a synthetic one of each forward and backward.
    """
    forward = 2 * (4 * 9 * 64 + 4 * 16 * 10)  # 1 x 8 x 8 images: a 3 x 3 convolution, 10 logits
    return 3 * forward * len(data.classes) * (8 / 3 + 1)


def test_iterations_are_the_most_within_the_amount(grey8: ClassData) -> None:
    step = by_hand(grey8)
    assert matched(DM, 100.5 * step / 1e12, grey8).iterations == 100
    assert matched(DM, 99.5 * step / 1e12, grey8).iterations == 99


def test_a_method_with_a_costly_iteration_gets_fewer(grey8: ClassData) -> None:
    amount = 200 * by_hand(grey8) / 1e12
    dsa = {**DM, "name": "dsa", "model_schedule": {"name": "trained-on-synthetic", "outer": 2}}
    assert 1 <= matched(dsa, amount, grey8).iterations < matched(DM, amount, grey8).iterations


@pytest.mark.parametrize(
    ("spec", "amount", "sentence"),
    [
        ({"name": "random"}, 1.0, "random has no iterations to choose"),
        ({"name": "kip"}, 1.0, "kip passes no network in an iteration"),
        (DM, 1e-9, "one iteration of dm, with"),
    ],
)
def test_what_cannot_be_matched_is_one_sentence(
    spec: dict[str, Any], amount: float, sentence: str, grey8: ClassData
) -> None:
    with pytest.raises(UsageError, match=sentence):
        matched(spec, amount, grey8)


def read(tmp_path: Path, text: str) -> definition.Suite:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    return definition.read(str(path))


def test_a_suites_cells_hold_the_iterations(tmp_path: Path) -> None:
    text = TINY.replace("iterations = 3", "teraflops = 0.001").replace("ipc = [1]", "ipc = [1, 5]")
    cells = plan.lay_out(read(tmp_path, text), load).cells
    found = {
        cell.budget: cell.condenser["iterations"]
        for cell in cells
        if cell.condenser and cell.condenser["name"] == "dm"
    }
    assert found[("ipc", 1)] > found[("ipc", 5)] > 1


def test_larger_sets_may_get_more(tmp_path: Path) -> None:
    text = TINY.replace("iterations = 3", "teraflops = 0.001").replace("ipc = [1]", "ipc = [1, 5]")
    more = text.replace("ipc = [1, 5]", "ipc = [1, 5]\nteraflops_times = { 5 = 3 }")

    def iterations(text: str) -> dict[Any, int]:
        cells = plan.lay_out(read(tmp_path, text), load).cells
        made = [cell for cell in cells if cell.condenser and cell.condenser["name"] == "dm"]
        return {cell.budget: cell.condenser["iterations"] for cell in made if cell.condenser}

    before, after = iterations(text), iterations(more)
    assert after["ipc", 1] == before["ipc", 1]
    assert 3 * before["ipc", 5] <= after["ipc", 5] < 3 * (before["ipc", 5] + 1)


@pytest.mark.parametrize("times", ["5", "{ 50 = 0 }", "{ five = 2 }", "{ 50 = true }"])
def test_times_that_are_none_are_a_fault(tmp_path: Path, times: str) -> None:
    wrong = read(tmp_path, f"teraflops_times = {times}\n{TINY}")
    (fault,) = wrong.faults
    assert "teraflops_times: " in fault and "such as { 50 = 5 }" in fault


def test_an_amount_that_says_nothing_is_a_fault(tmp_path: Path) -> None:
    wrong = read(tmp_path, TINY.replace("iterations = 3", "teraflops = -1"))
    assert any("teraflops: -1 is not a number above 0" in fault for fault in wrong.faults)
    both = read(tmp_path, TINY.replace("iterations = 3", "iterations = 3\nteraflops = 1"))
    assert any("iterations and teraflops say the same" in fault for fault in both.faults)
