"""What a running suite shows where there is no terminal."""

import time
from io import StringIO

import pytest
from rich.console import Console

from condensers.engine.context import Progress
from harness.running.cell_work import Event
from harness.running.progress import ProgressBoard
from harness.running.time_left import TimeLeft
from harness.suite.cell import Cell
from tests.helpers.clock import Clock

WIDE = 200


def cell(seed: int) -> Cell:
    return Cell(kind="condense", data="d", digests={}, seed=seed, label="random")


def test_the_time_left_is_that_of_estimates_put_right_by_what_cells_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, keys = Clock(monkeypatch), [str(number) for number in range(11)]
    left = TimeLeft(dict.fromkeys(keys, 10.0))
    assert left.seconds() == 110
    for key in keys[:5]:
        left.begin(key)
        clock.now += 40
        left.end(key)
    assert left.seconds() == pytest.approx(240, rel=0.1), "each takes four times its estimate"
    left.begin(keys[5])
    clock.now += 20
    assert left.seconds() == pytest.approx(220, rel=0.1), "what is at work counts"
    clock.now += 180
    assert left.seconds() > 200, "what takes longer than was thought tells of the others"


def test_one_short_cell_does_not_decide_about_the_long_one_that_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    left = TimeLeft({"set": 0.5, "search": 900.0})
    left.begin("set")
    clock.now += 30  # most of it loads what it needs
    left.end("set")
    left.begin("search")
    for worked in (0, 300, 600, 1200, 3000):
        clock.now = 1030.0 + worked
        assert left.seconds() <= 1800, worked


def test_cells_side_by_side_share_the_time_and_none_is_shorter_than_its_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Clock(monkeypatch)
    left = TimeLeft({"a": 10.0, "b": 10.0, "c": 100.0})
    left.begin("a")
    left.begin("b")
    assert left.seconds() == 100
    left.end("a", told=False)
    left.leave("b")
    assert left.seconds() == 100 and set(left.open) == {"b", "c"}


def test_ten_thousand_cells_are_guessed_about_in_no_time() -> None:
    """What is asked once for every cell that ends looks at those at work, not at all."""
    left = TimeLeft({str(number): 1.0 for number in range(10_000)})
    begun = time.perf_counter()
    for number in range(10_000):
        left.begin(str(number))
        left.seconds()
        left.end(str(number))
    assert left.seconds() == 0 and time.perf_counter() - begun < 2


def test_time_left_is_said_with_every_line_until_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    cells, text = [cell(seed) for seed in range(3)], StringIO()
    estimates = {one.key: 100.0 for one in cells}
    board = ProgressBoard(cells, estimates, Console(file=text, width=WIDE))
    for one in cells:
        board.listen(Event(one.key, "started"))
        clock.now += 200
        board.listen(Event(one.key, "done"))
    assert text.getvalue().splitlines() == [
        "[1/3] done: condense random, seed 0, about 6 min left",
        "[2/3] done: condense random, seed 1, about 3 min left",
        "[3/3] done: condense random, seed 2",
    ]


def working(done: int) -> Event:
    return Event(cell(0).key, "progress", Progress("dm", done, 100, "0.25"))


def test_a_long_cell_says_at_most_once_a_minute_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, text, clock = cell(0), StringIO(), Clock(monkeypatch)
    board = ProgressBoard([one], {one.key: 1.0}, Console(file=text, width=WIDE))
    board.listen(Event(one.key, "started"))
    for done in range(100):
        clock.now += 1.5
        board.listen(working(done))
    assert text.getvalue().splitlines() == [
        "[0/1] at work: condense random, seed 0: dm 39/100 0.25",
        "[0/1] at work: condense random, seed 0: dm 79/100 0.25",
    ]


def test_quiet_shows_nothing() -> None:
    one, text = cell(0), StringIO()
    board = ProgressBoard([one], {one.key: 1.0}, Console(file=text, width=WIDE), quiet=True)
    board.listen(Event(one.key, "started"))
    board.lines[one.key].last -= 1000
    for event in (working(1), Event(one.key, "done")):
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
