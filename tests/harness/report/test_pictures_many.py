"""A figure of many sets shows those that lead, and random images beside them."""

from harness.plots.figure import Series
from harness.report.chapters.accuracy import CURVES, choose_curves


def curve(name: str, last: float, style: int | None) -> Series:
    return Series(name, [1, 10], [0.0, last], style=style)


def test_all_curves_where_they_fit() -> None:
    few = [curve("random", 5, None), *(curve(str(i), i, i) for i in range(CURVES))]
    assert choose_curves(few) == few


def test_the_best_and_random_where_they_do_not() -> None:
    many = [curve("random", 0, None), *(curve(str(i), i, i) for i in range(3 * CURVES))]
    assert [one.label for one in choose_curves(many)] == [
        "random",
        *(str(i) for i in range(2 * CURVES, 3 * CURVES)),
    ]
