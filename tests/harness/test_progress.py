"""What a running suite shows where there is no terminal."""

from io import StringIO

from rich.console import Console

from harness.cells import Cell
from harness.pool import Event
from harness.progress import Board


def cell(seed: int) -> Cell:
    return Cell(kind="condense", data="d", digests={}, seed=seed, label="random")


def test_time_left_is_guessed_from_a_share_of_the_work_that_says_something() -> None:
    cells, text = [cell(seed) for seed in range(3)], StringIO()
    weights = dict(zip((one.key for one in cells), (0.001, 1.0, 2.0), strict=True))
    board = Board(cells, weights, Console(file=text, width=200))
    board.begun -= 60
    for one in cells:
        board.listen(Event(one.key, "done"))
    first, second, third = text.getvalue().splitlines()
    assert "left" not in first and "about 120 s left" in second and "left" not in third
