"""Which cells begin when, and what becomes of those whose worker is lost; workers are played by a
script.
"""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from condensers.errors import Interrupted
from harness.running.cell_work import Event
from harness.running.scheduler import WorkerPool, schedule_cells
from harness.store.store import Store
from harness.suite.cell import Cell

DIGESTS = {"train": "0", "validation": "0", "test": "0"}


def condense(label: str) -> Cell:
    return Cell("condense", "digits", DIGESTS, 0, label, {"name": label}, ("ipc", 1))


def use(made: Cell) -> Cell:
    return Cell(
        "scenario", "digits", DIGESTS, 0, made.label, made.condenser, made.budget,
        scenario="accuracy", scenario_label="accuracy", needs=made.key,
    )  # fmt: skip


class Scripted(WorkerPool):
    """Two workers; each cell ends as its script says, "done" when that is used up.

    `log` has what began, in order.
    """

    def __init__(self, scripts: Mapping[str, Sequence[str]]) -> None:
        self.scripts = {key: list(states) for key, states in scripts.items()}
        self.busy: list[Cell] = []
        self.log: list[str] = []
        self.halted = self.closed = False

    @property
    def free(self) -> int:
        return 2 - len(self.busy)

    def begin(self, cell: Cell) -> None:
        assert self.free > 0
        self.busy.append(cell)
        self.log.append(cell.key)

    def wait(self, seconds: float) -> list[tuple[Cell, str]]:
        if not self.busy:
            return []
        cell = self.busy.pop(0)
        script = self.scripts.get(cell.key, [])
        return [(cell, script.pop(0) if script else "done")]

    def halt(self) -> None:
        self.halted = True

    def close(self) -> None:
        self.closed = True


def played(
    cells: Sequence[Cell], scripts: Mapping[str, Sequence[str]], root: Path
) -> tuple[Scripted, list[Event]]:
    workers, heard = Scripted(scripts), []
    schedule_cells(cells, workers, Store(root), heard.append, threading.Event())
    assert workers.closed
    return workers, heard


def test_a_use_begins_after_its_set(tmp_path: Path) -> None:
    a, b = condense("a"), condense("b")
    workers, heard = played([a, b, use(a), use(b)], {}, tmp_path)
    assert sorted(workers.log) == sorted(cell.key for cell in (a, b, use(a), use(b)))
    ended = [event.key for event in heard if event.state == "done"]
    assert ended.index(a.key) < workers.log.index(use(a).key) + 1 and len(ended) == 4


def test_a_lost_cell_goes_to_another_worker_twice(tmp_path: Path) -> None:
    a = condense("a")
    workers, heard = played([a, use(a)], {a.key: ["lost", "lost"]}, tmp_path)
    assert workers.log == [a.key, a.key, a.key, use(a).key]
    assert [event.state for event in heard if event.key == a.key] == ["lost", "lost", "done"]
    assert Store(tmp_path).failure(a.key) is None


def test_a_cell_that_is_lost_three_times_is_listed_and_the_rest_goes_on(tmp_path: Path) -> None:
    a, b = condense("a"), condense("b")
    workers, heard = played([a, b, use(a), use(b)], {a.key: ["lost"] * 9}, tmp_path)
    assert workers.log.count(a.key) == 3 and use(a).key not in workers.log
    states = {event.key: event.state for event in heard}
    assert states == {a.key: "failed", use(a).key: "failed", b.key: "done", use(b).key: "done"}
    failure = Store(tmp_path).failure(a.key)
    assert failure is not None and "its worker was lost 3 times" in failure["sentence"]


def test_what_a_cell_raises_is_not_tried_again(tmp_path: Path) -> None:
    a = condense("a")
    workers, _ = played([a, use(a)], {a.key: ["failed"]}, tmp_path)
    assert workers.log == [a.key]


def test_a_stop_halts_the_workers_and_begins_nothing_more(tmp_path: Path) -> None:
    cells, stop = [condense(name) for name in "abcd"], threading.Event()
    workers = Scripted({cell.key: ["interrupted"] for cell in cells})
    with pytest.raises(Interrupted):
        schedule_cells(cells, workers, Store(tmp_path), lambda event: stop.set(), stop)
    assert workers.halted and workers.closed and len(workers.log) == 2
