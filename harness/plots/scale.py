"""Where an axis begins and ends, and where names stand beside it."""

from collections.abc import Sequence

from harness.plots.figure import Series

Limits = tuple[float, float]
MARGIN = 0.08  # of what the sets span
NEAR = 0.25  # of what the sets span: a reference that is no farther is taken in


def fit_limits(series: Sequence[Series], *, from_zero: bool = False) -> Limits:
    """Choose the ends of an axis from the values and intervals of sets.

    References are taken in where they lie near, so that a far one does not press the sets into a
    corner; they count as sets where there is nothing else.

    Args:
        series: sets and references.
        from_zero: whether 0 is on the axis, and its end where all values lie on one side.
    """
    sets = [one for one in series if not one.is_reference] or series
    held = [value for one in sets for value in _values(one)] + [0.0] * from_zero
    low, high = min(held), max(held)
    room = NEAR * (high - low)
    others = [value for one in series if one.is_reference for value in _values(one)]
    held += [value for value in others if low - room <= value <= high + room]
    low, high = min(held), max(held)
    margin = MARGIN * (high - low) or max(abs(high), 1.0) * MARGIN
    return (
        0.0 if from_zero and low == 0 else low - margin,
        0.0 if from_zero and high == 0 < -low else high + margin,
    )


def _values(one: Series) -> list[float]:
    return [*one.y, *(end for _, *ends in one.intervals() for end in ends)]


def arrange(count: int, most: int) -> tuple[int, int]:
    """Arrange panels in rows of nearly equal length: how many rows, and how many panels a row.

    Args:
        count: the panels.
        most: how many fit beside each other.
    """
    down = -(-count // most)
    return down, -(-count // down)


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Move places apart until each is `gap` from the next, and none more than it must.

    Args:
        wanted: (n,) places from 0 to 1, in rising order.
        gap: what two of them need between them.

    Returns:
        The places, in the same order. They stay between 0 and 1 where there is room for all.
    """
    # Least squares under an order (Barlow et al. 1972): what would meet is moved as one.
    blocks: list[tuple[float, int]] = []  # where its first would stand, without gaps; how many
    for index, place in enumerate(wanted):
        blocks.append((place - gap * index, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (before, few), (after, more) = blocks[-2:]
            blocks[-2:] = [((before * few + after * more) / (few + more), few + more)]
    firsts = [first for first, count in blocks for _ in range(count)]
    return _keep_inside([first + gap * index for index, first in enumerate(firsts)], gap)


def _keep_inside(places: list[float], gap: float) -> list[float]:
    last = 1.0 + gap
    for index in range(len(places))[::-1]:
        last = min(places[index], last - gap)
        places[index] = last
    first = -gap
    for index, place in enumerate(places):
        first = max(place, first + gap)
        places[index] = first
    return places
