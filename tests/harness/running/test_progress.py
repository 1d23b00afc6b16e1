"""What a running suite shows where there is no terminal."""

import time
from io import StringIO

import pytest
from rich.console import Console

from condensers.engine.context import Progress
from harness.running.cell_work import Event
from harness.running.progress import ProgressBoard
from harness.suite.cell import Cell

WIDE = 200


def cell(seed: int) -> Cell:
    return Cell(kind="condense", data="d", digests={}, seed=seed, label="random")


def test_time_left_is_guessed_from_a_share_of_the_work_that_says_something() -> None:
    cells, text = [cell(seed) for seed in range(3)], StringIO()
    weights = dict(zip((one.key for one in cells), (0.001, 1.0, 2.0), strict=True))
    board = ProgressBoard(cells, weights, Console(file=text, width=200))
    board.begun -= 60
    for one in cells:
        board.listen(Event(one.key, "done"))
    first, second, third = text.getvalue().splitlines()
    assert "left" not in first and "about 120 s left" in second and "left" not in third


def working(done: int) -> Event:
    return Event(cell(0).key, "progress", Progress("dm", done, 100, "0.25"))


def test_a_long_cell_says_at_most_once_a_minute_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, text, now = cell(0), StringIO(), time.monotonic()
    board = ProgressBoard([one], {one.key: 1.0}, Console(file=text, width=WIDE))
    monkeypatch.setattr(time, "monotonic", lambda: now)
    board.listen(Event(one.key, "started"))
    for done in range(100):
        now += 1.5
        board.listen(working(done))
    assert text.getvalue().splitlines() == [
        "[0/1] at work: condense random, seed 0: dm 39/100 0.25",
        "[0/1] at work: condense random, seed 0: dm 79/100 0.25",
    ]


def test_quiet_shows_nothing() -> None:
    one, text = cell(0), StringIO()
    board = ProgressBoard([one], {one.key: 1.0}, Console(file=text, width=WIDE), quiet=True)
    board.reported_at[one.key] = board.begun - 1000
    for event in (Event(one.key, "started"), working(1), Event(one.key, "done")):
        board.listen(event)
    assert text.getvalue() == ""


def test_a_terminal_shows_cells_left_step_and_loss() -> None:
    cells, text = [cell(seed) for seed in range(2)], StringIO()
    weights = {one.key: 1.0 for one in cells}
    board = ProgressBoard(cells, weights, Console(file=text, width=WIDE, force_terminal=True))
    with board.bars:
        board.listen(Event(cells[0].key, "started"))
        board.listen(working(7))
        board.bars.refresh()
    assert (
        "2 cells left" in text.getvalue()
        and "dm 7/100 0.25" in text.getvalue()
        and "0:00:0" in text.getvalue()
    )
