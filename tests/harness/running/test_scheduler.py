"""Cells go to workers in their order, as soon as what they need is done, whatever their number."""

from dataclasses import replace
from pathlib import Path

import pytest

from condensers.errors import Interrupted
from harness.running.cell_work import Event
from harness.running.scheduler import ATTEMPTS, WorkerPool, schedule_cells
from harness.store.store import Store
from harness.suite.cell import Cell

BASE = Cell("condense", "digits", {}, 0, "random", budget=("ipc", 1))


class Counted(Cell):
    """A cell that counts how often it is asked what it needs."""

    asked = 0

    @property
    def all_needs(self) -> tuple[str, ...]:
        Counted.asked += 1
        return super().all_needs


class Workers(WorkerPool):
    """Ends cells in the order in which they began, `count` at a time."""

    def __init__(self, count: int, ends: dict[str, list[str]] | None = None) -> None:
        self.count, self.ends = count, ends or {}
        self.busy: list[Cell] = []
        self.begun: list[str] = []
        self.closed = False

    @property
    def free(self) -> int:
        return self.count - len(self.busy)

    def begin(self, cell: Cell) -> None:
        self.busy.append(cell)
        self.begun.append(cell.key)
        assert len(self.busy) <= self.count

    def wait(self, seconds: float) -> list[tuple[Cell, str]]:
        if not self.busy:
            return []
        cell = self.busy.pop(0)
        left = self.ends.get(cell.key, [])
        return [(cell, left.pop(0) if left else "done")]

    def halt(self) -> None:
        return

    def close(self) -> None:
        self.closed = True


class Stop:
    """A flag that is set from the beginning, or never."""

    def __init__(self, is_set: bool) -> None:
        self.value = is_set

    def is_set(self) -> bool:
        return self.value

    def set(self) -> None:
        self.value = True


def chain(sets: int, kind: type[Cell] = Cell) -> list[Cell]:
    """So many sets, then a measurement of each."""
    made = [replace(BASE, seed=seed) for seed in range(sets)]
    uses = [replace(one, kind="scenario", scenario="accuracy", needs=one.key) for one in made]
    return [kind(**{name: getattr(c, name) for name in c.__match_args__}) for c in made + uses]


def run(cells: list[Cell], workers: Workers, root: Path, stop: bool = False) -> list[Event]:
    events: list[Event] = []
    schedule_cells(cells, workers, Store(root), events.append, Stop(stop))
    return events


@pytest.mark.parametrize("count", [1, 3])
def test_cells_begin_in_their_order_when_their_needs_are_done(count: int, tmp_path: Path) -> None:
    cells, workers = chain(5), Workers(count)
    events = run(cells, workers, tmp_path)
    assert workers.begun == [cell.key for cell in cells] and workers.closed
    assert [event.state for event in events] == ["done"] * 10


def test_a_need_that_is_not_in_the_run_is_done_already(tmp_path: Path) -> None:
    cells, workers = chain(3)[3:], Workers(2)
    run(cells, workers, tmp_path)
    assert workers.begun == [cell.key for cell in cells]


def test_what_needs_a_failed_cell_fails_with_it_and_no_other(tmp_path: Path) -> None:
    cells = chain(3)
    events = run(cells, workers := Workers(2, {cells[1].key: ["failed"]}), tmp_path)
    failed = [event.key for event in events if event.state == "failed"]
    assert failed == [cells[1].key, cells[4].key] and cells[4].key not in workers.begun
    assert len(events) == 6


def test_a_merged_set_waits_for_all_its_shards(tmp_path: Path) -> None:
    shards = [replace(BASE, kind="shard", classes=(label,)) for label in range(3)]
    merged = replace(BASE, shards=tuple(shard.key for shard in shards))
    workers = Workers(3)
    run([merged, *shards], workers, tmp_path)
    assert workers.begun == [*(shard.key for shard in shards), merged.key]


def test_a_lost_cell_is_tried_again_and_gives_up(tmp_path: Path) -> None:
    cells = chain(2)
    events = run(cells, workers := Workers(1, {cells[0].key: ["lost"]}), tmp_path / "once")
    assert [e.state for e in events if e.key == cells[0].key] == ["lost", "done"]
    assert sorted(set(workers.begun)) == sorted(cell.key for cell in cells)
    events = run(cells, Workers(1, {cells[0].key: ["lost"] * ATTEMPTS}), tmp_path / "always")
    assert [e.state for e in events if e.key == cells[2].key] == ["failed"]
    assert Store(tmp_path / "always").failure(cells[0].key) is not None


def test_a_stopped_run_begins_nothing(tmp_path: Path) -> None:
    workers = Workers(2)
    with pytest.raises(Interrupted):
        run(chain(3), workers, tmp_path, stop=True)
    assert not workers.begun and workers.closed


def test_two_thousand_cells_are_asked_what_they_need_but_once(tmp_path: Path) -> None:
    cells, workers = chain(1000, Counted), Workers(2)
    Counted.asked = 0
    run(cells, workers, tmp_path)
    assert len(workers.begun) == 2000 and Counted.asked <= 4000
