"""`make bench` at tiny sizes: both sides compute the same, a difference fails the run, the file holds what it should."""

import json
import math
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
from benchmarks.case import Case, Mode
from benchmarks.figures import Mismatch, composed, difference, ratio_of_medians, row
from benchmarks.growth import fit, steps
from benchmarks.loads import LOADS, LOSS_BOUNDS, WHOLE, Load
from benchmarks.rounds import Plan, measure
from benchmarks.worker import Done, apart, counted, peak_bytes, timed

TINY = Case(
    classes=3, per_class=12, side=8, ipc=2, batch_real=6, depth=2, width=8, epochs=2, tests=20, outer=2, inner=2
)  # fmt: skip
every_shape = machine.shapes
Run = Callable[..., tuple[int, dict[str, Any]]]


class InProcess:
    """A worker without a process of its own; `shift` moves the losses of our side."""

    shift = 0.0

    def __init__(self, load: Load, case: Case, mode: Mode | None, threads: int) -> None:
        self.load, self.case, self.mode = load, case, mode
        self.side = load.side(case, mode)

    def __enter__(self) -> "InProcess":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def unit(self, index: int) -> Done:
        done = timed(self.side, index, self.load.gradients, self.case.device)
        return done if self.mode is None else replace(done, loss=done.loss * (1 + self.shift))

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
    """`run(*arguments)` is `make bench` on tiny noise without processes: exit status, and what the file holds."""
    monkeypatch.setattr(rounds, "Worker", InProcess)
    monkeypatch.setattr(bench, "apart", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(machine, "prepare", lambda threads: None)
    monkeypatch.setattr(machine, "shapes", lambda dtype, device: islice(every_shape(dtype, device), 1))
    monkeypatch.setattr(bench, "PEAK_SECONDS", 0.0)
    monkeypatch.setattr(bench, "Case", lambda data, device: replace(TINY, device=device))
    monkeypatch.setattr(bench, "usual_data", lambda: "noise")

    def main(*arguments: str) -> tuple[int, dict[str, Any]]:
        out = tmp_path / "runs" / "bench.json"
        monkeypatch.setattr(sys, "argv", ["bench", *arguments, "--rounds", "2", "--out", str(out)])
        return entry.main(), json.loads(out.read_text()) if out.exists() else {}

    return main


@pytest.mark.parametrize("load", [*LOADS.values(), *WHOLE.values()], ids=lambda load: f"{load.method}-{load.kind}")
def test_both_sides_compute_the_same_in_every_unit(load: Load) -> None:
    plain, ours = load.side(TINY, None), load.side(TINY, Mode())
    units = [[timed(side, index, load.kind == "matching", "cpu") for side in (plain, ours)] for index in (3, 4, 5)]
    for index, (one, other) in enumerate(units):
        apart_by, _ = difference(replace(load, bounds=LOSS_BOUNDS), "fp32", index, one, other)
        assert apart_by <= 1e-4
    assert len({one.loss for one, _ in units}) == len(units)


def test_a_unit_does_not_depend_on_those_before_it() -> None:
    for mode in (None, Mode()):
        side = LOADS["dsa-matching"].side(TINY, mode)
        first = timed(side, 1, False, "cpu").loss
        timed(side, 2, False, "cpu")
        assert timed(side, 1, False, "cpu").loss == first


def test_the_file_has_a_row_for_each_load_and_for_what_is_put_together(run: Run) -> None:
    status, found = run("--only", "dm", "dc", "evaluation")
    assert status == 0
    assert found["failures"] == []
    rows = {one["name"]: one for one in found["rows"] if one["precision"] == "fp32"}
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
    monkeypatch.setattr(InProcess, "shift", 3e-4)
    status, found = run("--only", "dm")
    assert status == 1
    assert found["rows"] == []
    assert "the losses of unit 0 are" in found["failures"][0]


def test_an_interrupted_run_keeps_what_was_measured(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(load: Load, plan: Plan, say: Callable[[str], None]) -> Any:
        if load.name != "dm":
            raise KeyboardInterrupt
        return measure(load, plan, say)

    monkeypatch.setattr(bench, "measure", interrupted)
    status, found = run("--only", "dm", "test")
    assert status == 130
    assert [one["name"] for one in found["rows"]] == ["dm"]


def test_a_wrong_name_is_refused_with_a_near_one(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = run("--only", "evaluate")
    assert (status, found) == (2, {})
    assert "evaluation" in capsys.readouterr().out


def done(loss: float, gradient: list[float] | None = None) -> Done:
    return Done(1.0, 1.0, 0, loss, None if gradient is None else np.array(gradient, dtype=np.float32))


def test_bounds_of_losses_and_gradients() -> None:
    load = LOADS["dm"]
    assert difference(load, "bf16", 0, done(1.0), done(1.004))[0] == pytest.approx(0.004)
    with pytest.raises(Mismatch, match="losses of unit 7"):
        difference(load, "fp32", 7, done(1.0), done(1.004))
    with pytest.raises(Mismatch, match="losses"):
        difference(load, "fp32", 0, done(1.0), done(math.nan))
    assert difference(load, "fp32", 0, done(1.0, [3, 4]), done(1.0, [3, 4.005]))[1] == pytest.approx(1e-3, rel=1e-3)
    with pytest.raises(Mismatch, match="gradients"):
        difference(load, "fp32", 0, done(1.0, [3, 4]), done(1.0, [3, 4.05]))


def test_the_ratio_is_of_medians_and_rounds_are_drawn_whole() -> None:
    plain = [2.0, 4.0, 6.0, 30.0, 8.0]
    assert ratio_of_medians(plain, [1.0, 2.0, 3.0, 15.0, 4.0]) == (2.0, 2.0, 2.0)
    ratio, low, high = ratio_of_medians(plain, [2.0, 2.0, 2.0, 2.0, 2.0])
    assert ratio == 3.0
    assert 1.0 <= low < 3.0 < high <= 15.0


def test_parts_of_different_rounds_are_not_put_together() -> None:
    parts = [
        row(name, "fp32", None, [1.0] * n, [1.0] * n) | {"seconds": {"plain": [1.0] * n, "ours": [1.0] * n}}
        for name, n in (("dc-matching", 2), ("dc-epochs", 3))
    ]
    assert composed("dc", {"fp32": 1.8}, parts, (10.0, 150.0)) == []


def test_the_fit_recovers_an_exponent() -> None:
    sizes = [1, 5, 10, 20, 50]
    exponent, error = fit(sizes, [0.3 * size**1.7 for size in sizes])
    assert exponent == pytest.approx(1.7)
    assert error < 1e-9
    noisy = fit(sizes, [size * factor for size, factor in zip(sizes, (1.1, 0.9, 1.1, 0.9, 1.1), strict=True)])
    assert 0 < noisy[1] < 0.2
    with pytest.raises(ValueError, match="two sizes"):
        fit([1], [1.0])


def test_growth_measures_every_size() -> None:
    seconds = steps("dsa", [replace(TINY, classes=classes) for classes in (2, 12)], rounds=2)
    assert 0 < seconds[0] < seconds[1]


def test_memory_of_the_published_loop_grows_with_classes_and_ours_does_not() -> None:
    case = Case(per_class=4, batch_real=4, width=32, ipc=4)
    rows = {one["side"]: one for one in memory.table(case, (4, 40), ("dc",))}
    assert rows["plain"]["bytes"][40] - rows["plain"]["bytes"][4] > 40e6
    assert rows["ours"]["bytes"][40] - rows["ours"]["bytes"][4] < 20e6


def test_workers_answer_and_their_faults_are_told() -> None:
    assert [one["name"] for one in measure(LOADS["dm"], Plan(TINY, rounds=1), lambda line: None)][:1] == ["dm"]
    with pytest.raises(RuntimeError, match=r"fit: (.|\n)*at least two sizes"):
        apart(fit, [1], [1.0])
