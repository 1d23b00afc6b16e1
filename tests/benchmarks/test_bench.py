"""`make bench` at tiny sizes: both sides compute the same, a difference fails the run, the file
holds what it should.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as entry
from benchmarks import bench, machine, memory, rounds
from benchmarks.case import Case
from benchmarks.figures import difference
from benchmarks.growth import fit, steps
from benchmarks.loads import LOADS, LOSS_BOUNDS, WHOLE, Load
from benchmarks.rounds import Plan, measure
from benchmarks.worker import Done, apart, counted, peak_bytes, timed

SMALL = {
    "classes": 3,
    "per_class": 12,
    "side": 8,
    "ipc": 2,
    "batch_real": 6,
    "depth": 2,
    "width": 8,
    "epochs": 2,
    "tests": 20,
}
TINY = Case(**SMALL, outer=2, inner=2)
every_shape = machine.shapes
Run = Callable[..., tuple[int, dict[str, Any]]]


class InProcess:
    """A worker without a process of its own; `shift` moves the losses of our side."""

    shift = 0.0

    def __init__(self, load: Load, case: Case, precision: str | None, threads: int) -> None:
        self.load, self.case, self.precision = load, case, precision
        self.side = load.side(case, precision)

    def __enter__(self) -> "InProcess":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def unit(self, index: int) -> Done:
        done = timed(self.side, index, self.load.gradients, self.case.device)
        return done if self.precision is None else replace(done, loss=done.loss * (1 + self.shift))

    def flops(self) -> int:
        return counted(self.side)

    def peak(self) -> int:
        return peak_bytes(self.case.device)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What processes are forked from imports the benchmarks once for all of them."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run(*arguments)` is `make bench` on tiny noise without processes: exit status, and what the
    file holds.
    """
    monkeypatch.setattr(rounds, "Worker", InProcess)
    monkeypatch.setattr(bench, "apart", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(machine, "prepare", lambda threads: None)
    monkeypatch.setattr(
        machine, "shapes", lambda dtype, device: islice(every_shape(dtype, device), 1)
    )
    monkeypatch.setattr(bench, "PEAK_SECONDS", 0.0)
    monkeypatch.setattr(bench, "Case", lambda data, device: replace(TINY, device=device))
    monkeypatch.setattr(bench, "usual_data", lambda: "noise")

    def main(*arguments: str) -> tuple[int, dict[str, Any]]:
        out = tmp_path / "runs" / "bench.json"
        monkeypatch.setattr(sys, "argv", ["bench", *arguments, "--rounds", "2", "--out", str(out)])
        return entry.main(), json.loads(out.read_text()) if out.exists() else {}

    return main


@pytest.mark.parametrize(
    "load", [*LOADS.values(), *WHOLE.values()], ids=lambda load: f"{load.method}-{load.kind}"
)
def test_both_sides_compute_the_same_in_every_unit(load: Load) -> None:
    plain, ours = load.side(TINY, None), load.side(TINY, "fp32")
    units = [
        [timed(side, index, load.kind == "matching", "cpu") for side in (plain, ours)]
        for index in (3, 4, 5)
    ]
    for index, (one, other) in enumerate(units):
        apart_by, _ = difference(replace(load, bounds=LOSS_BOUNDS), "fp32", index, one, other)
        assert apart_by <= 1e-4
    assert len({one.loss for one, _ in units}) == len(units)


@pytest.mark.parametrize("load", LOADS.values(), ids=lambda load: load.name)
def test_each_load_is_run_at_the_precision_that_its_row_names(load: Load) -> None:
    exact, rough = (timed(load.side(TINY, name), 3, False, "cpu").loss for name in ("fp32", "bf16"))
    assert 1e-6 < abs(rough - exact) / exact < 0.2


def test_a_unit_does_not_depend_on_those_before_it() -> None:
    for precision in (None, "fp32"):
        side = LOADS["dsa-matching"].side(TINY, precision)
        first = timed(side, 1, False, "cpu").loss
        timed(side, 2, False, "cpu")
        assert timed(side, 1, False, "cpu").loss == first


def test_the_file_has_a_row_for_each_load_and_for_what_is_put_together(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOSS_BOUNDS, "bf16", 0.1)  # of networks as small as these
    status, found = run("--only", "dm", "dc", "evaluation")
    assert status == 0
    assert found["failures"] == []
    rough, rows = (
        {one["name"]: one for one in found["rows"] if one["precision"] == name}
        for name in ("bf16", "fp32")
    )
    assert set(rough) == set(rows)
    assert rough["dm"]["loss_difference"] > 10 * rows["dm"]["loss_difference"]
    assert set(rows) == {"dm", "dc-matching", "dc-epochs", "evaluation", "dc"}
    for one in rows.values():
        assert one["n"] == 2
        assert 0 < one["low"] <= one["ratio"] <= one["high"]
        assert one["ratio"] == pytest.approx(one["plain_seconds"] / one["ours_seconds"])
        assert one["percent_of_peak"]["ours"] > 0
    parts = rows["dc-matching"]["seconds"]["plain"], rows["dc-epochs"]["seconds"]["plain"]
    whole = np.median([2 * matching + 1 * epochs for matching, epochs in zip(*parts, strict=True)])
    assert rows["dc"]["plain_seconds"] == pytest.approx(whole)
    assert found["command"][-1].endswith("bench.json")
    assert found["peak_gflops"]["fp32"]["matmul 1024"] > 0


def test_losses_that_differ_fail_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOSS_BOUNDS, "bf16", 0.1)
    monkeypatch.setattr(InProcess, "shift", 3e-4)
    status, found = run("--only", "dm")
    assert status == 1
    assert [one["precision"] for one in found["rows"]] == ["bf16"]
    assert "the losses of unit 0 are" in found["failures"][0]


def test_an_interrupted_run_keeps_what_was_measured(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(load: Load, plan: Plan, say: Callable[[str], None]) -> Any:
        if load.name != "dm":
            raise KeyboardInterrupt
        return measure(load, plan, say)

    monkeypatch.setattr(bench, "measure", interrupted)
    status, found = run("--only", "dm", "test")
    assert status == 130
    assert {one["name"] for one in found["rows"]} == {"dm"}


def test_a_wrong_name_is_refused_with_a_near_one(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = run("--only", "evaluate")
    assert (status, found) == (2, {})
    assert "evaluation" in capsys.readouterr().out


def test_steps_of_narrow_networks_are_told_beside_the_peak(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench.narrow, "prepare", lambda threads: None)
    monkeypatch.setattr(bench.narrow, "WIDTHS", (8, 16))
    status, found = run("--only", "narrow", "--quick")
    assert status == 0
    assert all(0 < reached < 1e5 for pair in found["narrow_gflops"].values() for reached in pair)
    assert "step of width 16: " in capsys.readouterr().out


def test_growth_measures_every_size() -> None:
    seconds = steps("dsa", [replace(TINY, classes=classes) for classes in (2, 12)], rounds=2)
    assert 0 < seconds[0] < seconds[1]


def test_memory_of_the_published_loop_grows_with_classes_and_ours_does_not() -> None:
    case = Case(per_class=4, batch_real=4, width=32, ipc=4)
    rows = {one["side"]: one for one in memory.table(case, (4, 40), ("dc",))}
    assert rows["plain"]["bytes"][40] - rows["plain"]["bytes"][4] > 40e6
    assert rows["ours"]["bytes"][40] - rows["ours"]["bytes"][4] < 20e6


def test_workers_answer_and_their_faults_are_told() -> None:
    rows, _ = measure(LOADS["dm"], Plan(TINY, rounds=1), lambda line: None)
    assert rows[0]["seconds"]["plain"][0] > 0
    with pytest.raises(RuntimeError, match=r"fit: (.|\n)*at least two sizes"):
        apart(fit, [1], [1.0])
