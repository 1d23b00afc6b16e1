"""Which sets to show where there is no room for all: the best condensed and real ones, the centroids, and random images."""

from collections.abc import Mapping, Sequence

from harness.report.kinds import AVERAGES, CONDENSED, REAL
from harness.report.results import RANDOM

BEST = {CONDENSED: 3, REAL: 2, AVERAGES: 1}
ROOM = 8


def leading(sets: Sequence[tuple[str, str, float | None]], room: int = ROOM, best: Mapping[str, int] = BEST) -> list[int]:
    """Indices, in their order, of the sets (name, kind, value; more is better) to show where only `room` of them fit.

    All where they fit, else the `best` so many of each kind; references (of no such kind) and random images always.
    """
    if len(sets) <= room:
        return list(range(len(sets)))
    chosen = {i for i, (name, kind, _) in enumerate(sets) if name == RANDOM or kind not in best}
    for kind, count in best.items():
        own = [(value, -i) for i, (_, k, value) in enumerate(sets) if k == kind and value is not None]
        chosen |= {-i for _, i in sorted(own, reverse=True)[:count]}
    return sorted(chosen)
